//! What a formula was compiled to, oldest out first. A lookup allocates nothing.
//!
//! ```text
//! find ──known──▶ plan
//!   └─not yet─▶ one at a time: find again ──known──▶ plan
//!                                └─not yet─▶ make ─▶ keep, the oldest out ─▶ plan
//! ```
//!
//! Invariants. *Threads that need the same plan wait for one, which is made once, while it is kept.* Others read
//! meanwhile: the lock that they take is not held while a plan is made. *One that cannot be made, or whose making
//! panics, keeps nobody waiting*: the next one makes it. *A plan lives as long as somebody has it*, kept or not.
//! `tests/models` checks them in every order that threads can take.

use crate::sync::{Arc, Mutex, PoisonError, RwLock};

/// Plans, of which at most so many are kept.
pub(crate) struct Plans<P, const KEPT: usize> {
    known: RwLock<Vec<Arc<P>>>,
    making: Mutex<()>,
}

impl<P, const KEPT: usize> Plans<P, KEPT> {
    pub(crate) fn new() -> Self {
        Plans { known: RwLock::new(Vec::new()), making: Mutex::new(()) }
    }

    /// The kept plan that fits.
    #[inline]
    fn find(&self, fits: impl Fn(&P) -> bool) -> Option<Arc<P>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|plan| fits(plan)).cloned()
    }

    /// The kept plan that fits, or a new one, which is kept.
    ///
    /// # Errors
    /// Those of `make`.
    #[inline]
    pub(crate) fn find_or_make<E>(
        &self,
        fits: impl Fn(&P) -> bool,
        make: impl FnOnce() -> Result<P, E>,
    ) -> Result<Arc<P>, E> {
        match self.find(&fits) {
            Some(plan) => Ok(plan),
            None => self.make(fits, make),
        }
    }

    #[cold]
    #[inline(never)]
    fn make<E>(
        &self,
        fits: impl Fn(&P) -> bool,
        make: impl FnOnce() -> Result<P, E>,
    ) -> Result<Arc<P>, E> {
        let _single_flight = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = self.find(fits) {
            return Ok(plan);
        }
        let plan = Arc::new(make()?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.remove(0);
        }
        known.push(Arc::clone(&plan));
        Ok(plan)
    }
}
