//! What threads share is built of these.
//!
//! `tests/models` compiles [`crate::cancel`] with the same names of the crate loom, and runs it in every order
//! that threads can take.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
