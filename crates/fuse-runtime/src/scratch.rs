//! Scratch of one thread, kept between calls so that a small call allocates nothing.
//!
//! A [`Kit`] is taken out of its thread's cell while it is used, so that code which re-enters this
//! crate on the same thread finds an empty cell and makes another, rather than shared scratch.

use std::cell::Cell;

use crate::memory::Buffer;

/// Scratch larger than this is given back after the call.
const KEEP_BYTES: usize = 1 << 20;

/// One thread's scratch.
#[derive(Debug, Default)]
pub(crate) struct Kit {
    /// Gathered operands, tails, and the back end's own memory.
    pub(crate) operands: Buffer,
    /// Fold states, and the halves that merges read.
    pub(crate) states: Buffer,
}

thread_local! {
    static KIT: Cell<Option<Box<Kit>>> = const { Cell::new(None) };
}

/// Runs `body` with this thread's scratch.
#[inline]
pub(crate) fn with_kit<R>(body: impl FnOnce(&mut Kit) -> R) -> R {
    KIT.with(|kept| {
        let mut kit = kept.take().unwrap_or_default();
        let result = body(&mut kit);
        if kit.operands.capacity() + kit.states.capacity() <= KEEP_BYTES {
            kept.set(Some(kit));
        }
        result
    })
}

thread_local! {
    static LOCALS: Cell<Option<Box<Buffer>>> = const { Cell::new(None) };
}

/// Runs `body` with this thread's memory for a tile of a nest's locals.
pub(crate) fn with_locals<R>(body: impl FnOnce(&mut Buffer) -> R) -> R {
    let mut locals = LOCALS.take().unwrap_or_default();
    let result = body(&mut locals);
    if locals.capacity() <= KEEP_BYTES {
        LOCALS.set(Some(locals));
    }
    result
}
