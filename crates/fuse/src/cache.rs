//! Formulas by text, least recently used out first. A lookup allocates nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;

use crate::formula::Parsed;

/// Most formulas kept.
const CAPACITY: usize = 256;

#[derive(Default)]
pub(crate) struct Cache {
    entries: RwLock<FxHashMap<Arc<str>, Entry>>,
    clock: AtomicU64,
}

struct Entry {
    formula: Arc<Parsed>,
    used: AtomicU64,
}

impl Cache {
    /// The formula of that text, if it is known.
    pub(crate) fn get(&self, text: &str) -> Option<Arc<Parsed>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(text)?;
        entry.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(Arc::clone(&entry.formula))
    }

    /// Keeps a formula, unless another thread has just kept one of that text; gives the kept one.
    pub(crate) fn insert(&self, formula: Arc<Parsed>) -> Arc<Parsed> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(formula.source()) {
            return Arc::clone(&entry.formula);
        }
        if entries.len() >= CAPACITY {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed));
            if let Some(text) = oldest.map(|(text, _)| Arc::clone(text)) {
                entries.remove(&text);
            }
        }
        let used = AtomicU64::new(self.clock.fetch_add(1, Ordering::Relaxed));
        let entry = Entry { formula: Arc::clone(&formula), used };
        entries.insert(formula.source().into(), entry);
        formula
    }
}
