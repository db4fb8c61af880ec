//! Which files are mapped where: what a handler of `SIGBUS` asks.
//!
//! ```text
//! Map::new ─▶ Registration ──────────┐
//!                        slots: [start, end, name]   ◀── mapped_file_at(address), in the handler
//! Map dropped ─▶ slot free again ────┘
//! ```
//!
//! A file that becomes shorter while it is mapped takes pages away that a reader is about to touch;
//! the system answers with `SIGBUS` and an address. A handler may not allocate or wait, so the names
//! stand in a table of fixed size, escaped and cut, and every cell of it is an atomic.
//!
//! Invariants. *A slot is published by the store of `start`, after everything else in it; it is taken
//! by an exchange from [`FREE`]. A reader that hits a slot is inside its map, which is alive.* Maps
//! beyond [`SLOTS`] are not in the table: a fault in them is not explained.

use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use crate::excerpt::escape_path;

/// Maps that are known at a time; a formula has at most 255 variables.
const SLOTS: usize = 320;
/// Bytes of a name that are kept: its end, which says more than its beginning.
const NAME_BYTES: usize = 240;
/// Maps begin at a multiple of this, and what is read stays within their pages.
const PAGE: usize = 4096;

/// The `start` of a slot that nobody uses.
const FREE: usize = 0;
/// The `start` of a slot that is being filled: no map begins there.
const TAKEN: usize = 1;

struct Slot {
    start: AtomicUsize,
    end: AtomicUsize,
    name_len: AtomicUsize,
    name: [AtomicU8; NAME_BYTES],
}

static TABLE: [Slot; SLOTS] = [const { Slot::free() }; SLOTS];

impl Slot {
    const fn free() -> Slot {
        Slot {
            start: AtomicUsize::new(FREE),
            end: AtomicUsize::new(0),
            name_len: AtomicUsize::new(0),
            name: [const { AtomicU8::new(0) }; NAME_BYTES],
        }
    }

    fn is_taken_by_this_call(&self) -> bool {
        self.start.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn publish(&self, start: usize, end: usize, name: &str) {
        for (cell, byte) in self.name.iter().zip(name.bytes()) {
            cell.store(byte, Ordering::Relaxed);
        }
        self.name_len.store(name.len().min(NAME_BYTES), Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
        self.start.store(start, Ordering::Release);
    }
}

/// A row of the table, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Registration(Option<usize>);

impl Registration {
    /// Notes that these bytes are a file's; nothing happens where the table is full.
    pub(crate) fn new(bytes: &[u8], path: &Path) -> Registration {
        let start = bytes.as_ptr().addr() / PAGE * PAGE;
        let end = (bytes.as_ptr().addr() + bytes.len()).next_multiple_of(PAGE);
        let index = TABLE.iter().position(Slot::is_taken_by_this_call);
        if let Some(slot) = index.and_then(|index| TABLE.get(index)) {
            slot.publish(start, end, &cut(escape_path(path)));
        }
        Registration(index)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(slot) = self.0.and_then(|index| TABLE.get(index)) {
            slot.start.store(FREE, Ordering::Release);
        }
    }
}

/// The end of a long name, behind a mark of omission.
fn cut(name: String) -> String {
    let room = NAME_BYTES - '…'.len_utf8();
    if name.len() <= NAME_BYTES {
        return name;
    }
    let start = (name.len() - room..).find(|&at| name.is_char_boundary(at)).unwrap_or(name.len());
    format!("…{}", &name[start..])
}

/// The name of a mapped file.
#[derive(Clone, Copy, Debug)]
pub struct MappedFile {
    name: [u8; NAME_BYTES],
    len: usize,
}

impl MappedFile {
    /// The path as it was given, escaped, the beginning cut off where it is long; UTF-8.
    pub fn name(&self) -> &[u8] {
        self.name.get(..self.len).unwrap_or_default()
    }
}

/// The file that is mapped at this address by [`NpyFile::map`](crate::NpyFile::map) or
/// [`Archive::map`](crate::Archive::map). Async-signal-safe: for a handler of `SIGBUS`, which a
/// thread gets when it reads a page that its file has no longer.
pub fn mapped_file_at(address: usize) -> Option<MappedFile> {
    let holds = |slot: &&Slot| {
        let start = slot.start.load(Ordering::Acquire);
        start > TAKEN && start <= address && address < slot.end.load(Ordering::Relaxed)
    };
    let slot = TABLE.iter().find(holds)?;
    let mut file = MappedFile { name: [0; NAME_BYTES], len: slot.name_len.load(Ordering::Relaxed) };
    for (byte, cell) in file.name.iter_mut().zip(&slot.name) {
        *byte = cell.load(Ordering::Relaxed);
    }
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_at(address: usize) -> Option<String> {
        mapped_file_at(address).map(|file| String::from_utf8(file.name().to_vec()).unwrap())
    }

    #[test]
    fn a_file_is_known_as_long_as_it_is_mapped() {
        let bytes = vec![0; 3 * PAGE];
        let (start, end) = (bytes.as_ptr().addr(), bytes.as_ptr().addr() + bytes.len());
        assert_eq!(name_at(start), None);
        let registration = Registration::new(&bytes, Path::new("a\u{1b}.npy"));
        for address in [start, start + PAGE, end - 1] {
            assert_eq!(name_at(address).as_deref(), Some("a\\u{1b}.npy"));
        }
        assert_eq!(name_at(end + PAGE), None);
        drop(registration);
        assert_eq!(name_at(start), None);
    }

    #[test]
    fn the_end_of_a_long_name_is_kept() {
        let bytes = vec![0; PAGE];
        let long = format!("{}ö.npy", "ö".repeat(200));
        let _registration = Registration::new(&bytes, Path::new(&long));
        let name = name_at(bytes.as_ptr().addr()).unwrap();
        assert!(name.len() <= NAME_BYTES && name.starts_with("…ö") && name.ends_with("ö.npy"));
    }

    #[test]
    fn a_full_table_forgets_what_comes_last() {
        let (first, last) = (vec![0; 2 * PAGE], vec![0; 2 * PAGE]);
        let path = Path::new("x.npy");
        let all: Vec<Registration> = (0..SLOTS).map(|_| Registration::new(&first, path)).collect();
        let beyond = Registration::new(&last, path);
        assert!(beyond.0.is_none());
        drop((all, beyond));
        assert!(Registration::new(&last, path).0.is_some());
    }
}
