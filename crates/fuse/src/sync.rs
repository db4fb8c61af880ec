//! What threads share is built of these.
//!
//! `tests/models` compiles [`crate::cache`] and [`crate::plans`] with the same names of the crate loom, and runs
//! them in every order that threads can take.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Arc, Mutex, PoisonError, RwLock};
