//! Memory for the variables of calls, kept by each thread.
//!
//! ```text
//! Entries::default() ──▶ the thread's spare slots ──variables of a call──▶ drop ──▶ spare again
//!
//! slots   first: 4, the entries from the front, the others inert      rest: what found no place
//! ```
//!
//! So a small call allocates nothing after the first one, and [`Vars`](crate::Vars) are one pointer on
//! their way into a call. An entry is made where it is kept and never moved, for a reason that is measured:
//! moving it reads what has just been written, by loads wider than the stores were. Such a load waits until
//! all stores before it have reached the cache, those of the kernel of the call before among them: 50 ns
//! where the arrays do not fit the first level.

#![expect(unsafe_code, reason = "keeps memory for entries of any lifetime")]

use std::cell::Cell;
use std::mem::ManuallyDrop;

use crate::vars::Input;

/// A variable's name and value.
pub(crate) type Entry<'a> = (&'a str, Input<'a>);

/// Entries that have a place of their own; a power of two.
const PLACES: usize = 4;

/// Memory for more entries than this is not kept.
const KEPT: usize = 64;

thread_local! {
    /// Holds no entries.
    static SPARE: Cell<Option<Box<Slots<'static>>>> = const { Cell::new(None) };
}

/// Variables of different names, in no order.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    /// Taken when it is dropped.
    slots: ManuallyDrop<Box<Slots<'a>>>,
}

#[derive(Debug)]
struct Slots<'a> {
    /// Places that hold an entry.
    len: usize,
    first: [Entry<'a>; PLACES],
    rest: Vec<Entry<'a>>,
}

impl Default for Entries<'_> {
    fn default() -> Self {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        Entries { slots: ManuallyDrop::new(spare.unwrap_or_default()) }
    }
}

impl Default for Slots<'_> {
    fn default() -> Self {
        Slots { len: 0, first: std::array::from_fn(|_| inert()), rest: Vec::new() }
    }
}

/// What a place holds that holds no entry.
fn inert<'a>() -> Entry<'a> {
    ("", Input::scalar(false))
}

impl<'a> Entries<'a> {
    /// Makes room for a variable of a name that is there no more.
    pub(crate) fn make_room(&mut self, name: &str) {
        let slots = &mut **self.slots;
        let of_name = |entry: &Entry<'a>| is_same(entry.0, name);
        if let Some(position) = slots.first[..slots.len].iter().position(of_name) {
            slots.len -= 1;
            slots.first.swap(position, slots.len);
            slots.first[slots.len] = inert();
        } else if let Some(position) = slots.rest.iter().position(of_name) {
            slots.rest.swap_remove(position);
        }
        if slots.len == PLACES {
            slots.len -= 1;
            slots.rest.push(std::mem::replace(&mut slots.first[PLACES - 1], inert()));
        }
    }

    /// Adds a variable that there is room for.
    ///
    /// It calls nothing that could fail, which would make the compiler have the entry in memory before.
    #[inline(always)]
    pub(crate) fn fill(&mut self, entry: Entry<'a>) {
        let slots = &mut **self.slots;
        slots.first[slots.len % PLACES] = entry;
        slots.len += 1;
    }

    /// The variable of that name; it is looked for at this position first.
    #[inline]
    pub(crate) fn get_near(&self, position: usize, name: &str) -> Option<&Input<'a>> {
        let near = self.slots.first.get(position).filter(|_| position < self.slots.len);
        match near {
            Some(entry) if is_same(entry.0, name) => Some(&entry.1),
            _ => self.iter().find(|entry| is_same(entry.0, name)).map(|entry| &entry.1),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.slots.first[..self.slots.len].iter().chain(&self.slots.rest)
    }
}

/// Equality of names, which are too short to be worth a call.
#[inline]
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().eq(other.bytes())
}

impl Clone for Entries<'_> {
    fn clone(&self) -> Self {
        let mut entries = Entries::default();
        for entry in self.iter() {
            entries.make_room(entry.0);
            entries.fill(entry.clone());
        }
        entries
    }
}

impl Drop for Entries<'_> {
    fn drop(&mut self) {
        // SAFETY: nothing uses the field after it has been dropped.
        let mut slots = unsafe { ManuallyDrop::take(&mut self.slots) };
        for entry in &mut slots.first[..slots.len] {
            *entry = inert();
        }
        slots.len = 0;
        slots.rest.clear();
        if slots.rest.capacity() > KEPT {
            return;
        }
        // SAFETY: the pointer is that of a box of this type but for its lifetime, which changes no layout;
        // it holds inert entries, which borrow nothing.
        let spare = unsafe { Box::from_raw(Box::into_raw(slots).cast::<Slots<'static>>()) };
        // A thread that ends has no use for it.
        let _ = SPARE.try_with(|kept| kept.set(Some(spare)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries<'a>(names: &[&'a str]) -> Entries<'a> {
        let mut entries = Entries::default();
        for (number, name) in (0..).zip(names) {
            entries.make_room(name);
            entries.fill((name, Input::weak_int(number)));
        }
        entries
    }

    fn number(entries: &Entries<'_>, position: usize, name: &str) -> Option<String> {
        entries.get_near(position, name).map(|input| format!("{:?}", input.operand))
    }

    #[test]
    fn variables_are_found_however_many_there_are_and_replaced_by_name() {
        let expected = |number: i64| Some(format!("{:?}", Input::weak_int(number).operand));
        for len in 0..=9 {
            let names = &["a", "b", "c", "d", "e", "f", "g", "h", "i"][..len];
            for twice in names {
                let mut with_twice = names.to_vec();
                with_twice.push(twice);
                let entries = entries(&with_twice).clone();
                assert_eq!(entries.iter().count(), len);
                for (at, name) in names.iter().enumerate() {
                    let is = if name == twice { len } else { at };
                    assert_eq!(number(&entries, at, name), expected(is as i64), "{name} of {len}");
                    assert_eq!(number(&entries, 0, name), expected(is as i64), "{name} of {len}");
                }
                assert_eq!(number(&entries, 0, "x"), None);
            }
        }
        assert_eq!(Entries::default().iter().count(), 0, "what was given back is empty");
    }
}
