//! Modules by their text.
//!
//! Equal texts are one module, whose number stays its own. Past [`LOADED`] modules the one that was loaded
//! or launched longest ago is unloaded, but only while no kernel is enqueued; its text is kept, and it is
//! assembled again when it is launched. Past [`TEXTS`] bytes of such texts the oldest is forgotten, and
//! launching its number is an error until the text is loaded anew, under another.

use std::sync::Arc;

use fuse_ir::device::ModuleId;
use rustc_hash::FxHashMap;

use super::driver::Module;

/// Modules that stay loaded.
const LOADED: usize = 256;

/// Bytes of texts of modules that are not loaded: some thousand of them.
const TEXTS: usize = 32 << 20;

/// See the module.
#[derive(Default)]
pub(super) struct Modules {
    by_text: FxHashMap<Arc<str>, ModuleId>,
    known: FxHashMap<ModuleId, Known>,
    /// Numbers that were ever given.
    count: u32,
    /// Uses of modules: its value at a module's last use says how long ago that was.
    clock: u64,
}

struct Known {
    text: Arc<str>,
    module: Option<Module>,
    used: u64,
}

impl Modules {
    /// The number of a text, if its module is loaded.
    pub(super) fn find(&mut self, text: &str) -> Option<ModuleId> {
        let id = *self.by_text.get(text)?;
        self.loaded(id).map(|_| id)
    }

    /// A module that is loaded.
    pub(super) fn loaded(&mut self, id: ModuleId) -> Option<&mut Module> {
        let known = self.known.get_mut(&id)?;
        self.clock += 1;
        known.used = self.clock;
        known.module.as_mut()
    }

    /// The text of a module, loaded or not.
    pub(super) fn text(&self, id: ModuleId) -> Option<Arc<str>> {
        self.known.get(&id).map(|known| Arc::clone(&known.text))
    }

    /// The number of a text whose module has been assembled; drops it where another is loaded.
    pub(super) fn put(&mut self, text: &str, module: Module) -> ModuleId {
        self.clock += 1;
        if let Some(&id) = self.by_text.get(text) {
            let known = self.known.get_mut(&id).expect("what has a number is known");
            known.module.get_or_insert(module);
            known.used = self.clock;
            return id;
        }
        let (id, text) = (ModuleId(self.count), Arc::<str>::from(text));
        self.count += 1;
        self.by_text.insert(Arc::clone(&text), id);
        self.known.insert(id, Known { text, module: Some(module), used: self.clock });
        id
    }

    /// Unloads and forgets what is too much. No module is unloaded unless no kernel is enqueued.
    pub(super) fn shed(&mut self, is_idle: impl Fn() -> bool) {
        let is_loaded = |known: &Known| known.module.is_some();
        while self.known.values().filter(|known| is_loaded(known)).count() > LOADED && is_idle() {
            let oldest = self.oldest(is_loaded);
            if let Some(known) = oldest.and_then(|id| self.known.get_mut(&id)) {
                known.module = None;
            }
        }
        let is_text = |known: &Known| known.module.is_none();
        let bytes = |known: &Known| if is_text(known) { known.text.len() } else { 0 };
        while self.known.values().map(bytes).sum::<usize>() > TEXTS {
            let oldest = self.oldest(is_text);
            if let Some(known) = oldest.and_then(|id| self.known.remove(&id)) {
                self.by_text.remove(&known.text);
            }
        }
    }

    fn oldest(&self, among: impl Fn(&Known) -> bool) -> Option<ModuleId> {
        let those = self.known.iter().filter(|(_, known)| among(known));
        those.min_by_key(|(_, known)| known.used).map(|(&id, _)| id)
    }
}
