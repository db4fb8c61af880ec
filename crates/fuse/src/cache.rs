//! Formulas by text, least recently used out first. A lookup allocates nothing.
//!
//! Invariants. *Threads that ask for one text get one formula, while it is kept*: of several that were made at the
//! same time, the first stays. *A formula lives as long as somebody has it*, kept or not. `tests/models` checks
//! them in every order that threads can take.

use rustc_hash::FxHashMap;

use crate::sync::{Arc, AtomicU64, Ordering, PoisonError, RwLock};

/// Formulas, of which at most so many are kept.
pub(crate) struct Cache<F, const KEPT: usize> {
    entries: RwLock<FxHashMap<Box<str>, Entry<F>>>,
    clock: AtomicU64,
}

struct Entry<F> {
    formula: Arc<F>,
    used: AtomicU64,
}

impl<F, const KEPT: usize> Cache<F, KEPT> {
    pub(crate) fn new() -> Self {
        Cache { entries: RwLock::new(FxHashMap::default()), clock: AtomicU64::new(0) }
    }

    /// The kept formula of that text, or a new one, which is kept.
    ///
    /// # Errors
    /// Those of `make`.
    #[inline]
    pub(crate) fn find_or_make<E>(
        &self,
        text: &str,
        make: impl FnOnce() -> Result<F, E>,
    ) -> Result<Arc<F>, E> {
        match self.find(text) {
            Some(formula) => Ok(formula),
            None => self.make(text, make),
        }
    }

    #[cold]
    #[inline(never)]
    fn make<E>(&self, text: &str, make: impl FnOnce() -> Result<F, E>) -> Result<Arc<F>, E> {
        Ok(self.keep(text, Arc::new(make()?)))
    }

    #[inline]
    fn find(&self, text: &str) -> Option<Arc<F>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(text)?;
        entry.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(Arc::clone(&entry.formula))
    }

    /// Keeps the formula of that text, unless another thread has just kept one; gives the kept one.
    fn keep(&self, text: &str, formula: Arc<F>) -> Arc<F> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(text) {
            return Arc::clone(&entry.formula);
        }
        if entries.len() >= KEPT {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(text, _)| text.clone()) {
                entries.remove(&oldest);
            }
        }
        let used = AtomicU64::new(self.clock.fetch_add(1, Ordering::Relaxed));
        entries.insert(text.into(), Entry { formula: Arc::clone(&formula), used });
        formula
    }
}
