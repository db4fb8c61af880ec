//! What the models share: things that are made, and that count how many of them there are.
//!
//! The counters are std's, which loom does not see: they are no part of what is checked, and add no orders.

use std::sync::atomic::{AtomicUsize, Ordering as Plain};

use loom::thread;

use crate::sync::{Arc, AtomicU64, Ordering};

/// Makes things.
#[derive(Clone, Default)]
pub(crate) struct Factory {
    counts: std::sync::Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    asked: AtomicUsize,
    made: AtomicUsize,
    dropped: AtomicUsize,
}

/// A formula, a plan.
pub(crate) struct Thing {
    pub(crate) name: u64,
    /// Written without order: who has not got the thing in order may see 0.
    content: AtomicU64,
    counts: std::sync::Arc<Counts>,
}

impl Factory {
    pub(crate) fn make(&self, name: u64) -> Result<Thing, Refused> {
        self.counts.made.fetch_add(1, Plain::Relaxed);
        let thing = Thing { name, content: AtomicU64::new(0), counts: self.counts.clone() };
        thing.content.store(name, Ordering::Relaxed);
        Ok(thing)
    }

    /// The first that is asked for is refused.
    pub(crate) fn make_but_the_first(&self, name: u64) -> Result<Thing, Refused> {
        match self.counts.asked.fetch_add(1, Plain::Relaxed) {
            0 => Err(Refused),
            _ => self.make(name),
        }
    }

    pub(crate) fn made(&self) -> usize {
        self.counts.made.load(Plain::Relaxed)
    }

    pub(crate) fn live(&self) -> usize {
        self.made() - self.counts.dropped.load(Plain::Relaxed)
    }
}

/// A thing that cannot be made.
#[derive(Debug)]
pub(crate) struct Refused;

impl Thing {
    /// Is it whole to whoever has it?
    pub(crate) fn check(&self, name: u64) {
        assert_eq!(self.name, name, "the thing that was asked for");
        assert_eq!(self.content.load(Ordering::Relaxed), name, "seen whole");
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.counts.dropped.fetch_add(1, Plain::Relaxed);
    }
}

/// How many threads ask for the same thing.
#[derive(Clone, Copy)]
pub(crate) enum Threads {
    /// In every order.
    Two,
    /// In every order of at most four changes from a thread that could go on.
    Three,
}

impl Threads {
    /// Runs a model with the name that each thread asks for.
    pub(crate) fn model(self, run: impl Fn(&[u64]) + Send + Sync + 'static) {
        let mut loom = loom::model::Builder::new();
        let names: &[u64] = match self {
            Threads::Two => &[1; 2],
            Threads::Three => {
                loom.preemption_bound = Some(4);
                &[1; 3]
            }
        };
        loom.check(move || run(names));
    }
}

/// Does each of these on a thread of its own, the last on this one: what they give, in order.
pub(crate) fn together<T: 'static>(
    tasks: impl IntoIterator<Item = impl FnOnce() -> T + 'static>,
) -> Vec<T> {
    let mut tasks: Vec<_> = tasks.into_iter().collect();
    let last = tasks.pop().expect("tasks");
    let threads: Vec<_> = tasks.into_iter().map(thread::spawn).collect();
    let last = last();
    let others = threads.into_iter().map(|thread| thread.join().expect("no panic"));
    others.chain([last]).collect()
}

pub(crate) fn same(things: &[Arc<Thing>]) -> bool {
    things.windows(2).all(|pair| Arc::ptr_eq(&pair[0], &pair[1]))
}
