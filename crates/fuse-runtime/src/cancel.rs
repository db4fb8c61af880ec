//! Tokens that stop calls.
//!
//! Invariants. *Whoever sees that a token is cancelled sees what the one who cancelled it wrote before*: a reason,
//! say. On x86-64 this costs nothing. *A token stays cancelled.* `tests/models` checks both.

use crate::sync::{Arc, AtomicBool, Ordering};

/// Stops the calls that were given it. Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    flag: Arc<AtomicBool>,
}

impl CancelToken {
    /// A token that has not been cancelled.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Makes running and later calls fail with [`RunError::Cancelled`](crate::RunError::Cancelled) at their next
    /// block. What was written before is seen by whoever finds the token cancelled.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Release);
    }

    /// Has [`CancelToken::cancel`] been called?
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }
}
