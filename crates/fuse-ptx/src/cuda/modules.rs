//! Modules by their text.
//!
//! Equal texts are one module. Past [`KEPT`] the one that was loaded or launched longest ago goes, but
//! only while no kernel is enqueued. Its number is not used again: launching it is an error, so whoever
//! launches asks for the module anew before each run, which for a text that is loaded is a look-up.

use std::sync::Arc;

use fuse_ir::device::ModuleId;
use rustc_hash::FxHashMap;

use super::driver::Module;

/// Modules that are kept.
const KEPT: usize = 256;

/// See the module.
#[derive(Default)]
pub(super) struct Modules {
    by_text: FxHashMap<Arc<str>, ModuleId>,
    loaded: FxHashMap<ModuleId, Loaded>,
    /// Modules that were ever loaded.
    count: u32,
    /// Uses of modules: its value at a module's last use says how long ago that was.
    clock: u64,
}

struct Loaded {
    text: Arc<str>,
    module: Module,
    used: u64,
}

impl Modules {
    /// The module of a text.
    pub(super) fn find(&mut self, text: &str) -> Option<ModuleId> {
        let id = *self.by_text.get(text)?;
        self.get(id).map(|_| id)
    }

    /// A module by its number.
    pub(super) fn get(&mut self, id: ModuleId) -> Option<&mut Module> {
        let loaded = self.loaded.get_mut(&id)?;
        self.clock += 1;
        loaded.used = self.clock;
        Some(&mut loaded.module)
    }

    /// Adds a module whose text is not there yet.
    pub(super) fn insert(&mut self, text: &str, module: Module) -> ModuleId {
        let (id, text) = (ModuleId(self.count), Arc::<str>::from(text));
        self.count += 1;
        self.clock += 1;
        self.by_text.insert(Arc::clone(&text), id);
        self.loaded.insert(id, Loaded { text, module, used: self.clock });
        id
    }

    /// Are there more than are kept?
    pub(super) fn is_over_full(&self) -> bool {
        self.loaded.len() > KEPT
    }

    /// Unloads the module that was used longest ago. No kernel may be enqueued.
    pub(super) fn evict(&mut self) {
        let oldest = self.loaded.iter().min_by_key(|(_, loaded)| loaded.used).map(|(&id, _)| id);
        if let Some(loaded) = oldest.and_then(|id| self.loaded.remove(&id)) {
            self.by_text.remove(&loaded.text);
        }
    }
}
