//! What fuse's threads share, in every order that they can take.
//!
//! ```text
//! crates/fuse/src/cache.rs          ┐ compiled here once more,       ┌ cache_model.rs
//! crates/fuse/src/plans.rs          ├ with loom's locks and atomics ─┼ plans_model.rs
//! crates/fuse-runtime/src/cancel.rs ┘ as `crate::sync`               └ cancel_model.rs
//! ```
//!
//! loom runs a model again and again, each time with the threads in another order, and with each value that a
//! load may see by the rules of memory orderings, until it has tried all. Every promise has a defect planted beside
//! it, which its model must find. A model is small: two or three threads, a few steps each.

#![cfg(test)]

#[path = "../../crates/fuse/src/cache.rs"]
mod cache;
#[path = "../../crates/fuse-runtime/src/cancel.rs"]
mod cancel;
#[path = "../../crates/fuse/src/plans.rs"]
mod plans;

mod cache_model;
mod cancel_model;
mod plans_model;
mod thing;

/// As the modules of this name in `fuse` and `fuse-runtime`.
mod sync {
    pub(crate) use std::sync::PoisonError;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(crate) use loom::sync::{Arc, Mutex, RwLock};
}
