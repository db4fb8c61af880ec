//! Modules by their text.
//!
//! ```text
//! load ──▶ in use, counted by its loads ──the last is undone──▶ idle ──load──▶ in use, under a new number
//! ```
//!
//! Equal texts are one module. Past [`LOADED`] modules, or [`IDLE_TEXTS`] bytes of idle ones' texts, those go
//! that were loaded or launched longest ago: the idle ones first, and for good; of one in use the text is
//! kept, and it is assembled again when it is launched. So what stays is bounded by what is in use. No
//! module goes while a kernel is enqueued; it does at a later load or unload.

use std::sync::Arc;

use fuse_ir::device::ModuleId;
use rustc_hash::FxHashMap;

use super::driver::Module;

/// Modules that stay loaded.
const LOADED: usize = 256;

/// Bytes of texts of idle modules: some thousand of them.
const IDLE_TEXTS: usize = 32 << 20;

/// See the module.
#[derive(Default)]
pub(super) struct Modules {
    by_text: FxHashMap<Arc<str>, ModuleId>,
    known: FxHashMap<ModuleId, Known>,
    /// Numbers that were ever given.
    count: u64,
    /// Uses of modules: its value at a module's last use says how long ago that was.
    clock: u64,
}

struct Known {
    text: Arc<str>,
    /// An idle one's is there.
    module: Option<Module>,
    /// Loads that have not been undone; none where it is idle.
    loads: u32,
    used: u64,
}

impl Modules {
    /// Loads a text again, if its module is there.
    pub(super) fn again(&mut self, text: &str) -> Option<ModuleId> {
        let mut id = *self.by_text.get(text)?;
        self.known.get(&id)?.module.as_ref()?;
        if self.known[&id].loads == 0 {
            let known = self.known.remove(&id).expect("looked at just now");
            id = self.number(&known.text);
            self.known.insert(id, known);
        }
        let used = self.tick();
        let known = self.known.get_mut(&id).expect("what has a number is known");
        known.loads += 1;
        known.used = used;
        Some(id)
    }

    /// Loads a text whose module has been assembled; drops it where another is there.
    pub(super) fn put(&mut self, text: &str, module: Module) -> ModuleId {
        if let Some(id) = self.by_text.get(text) {
            let known = self.known.get_mut(id).expect("what has a number is known");
            known.module.get_or_insert(module);
            return self.again(text).expect("it is there");
        }
        let text = Arc::from(text);
        let (id, used) = (self.number(&text), self.tick());
        self.known.insert(id, Known { text, module: Some(module), loads: 1, used });
        id
    }

    /// The text of a module that is in use and went.
    pub(super) fn gone(&self, id: ModuleId) -> Option<Arc<str>> {
        let known = self.known.get(&id).filter(|known| known.module.is_none())?;
        Some(Arc::clone(&known.text))
    }

    /// Puts a module that went back, assembled again.
    pub(super) fn restore(&mut self, id: ModuleId, module: Module) {
        let used = self.tick();
        if let Some(known) = self.known.get_mut(&id) {
            known.module = Some(module);
            known.used = used;
        }
    }

    /// A module that is in use and has not gone.
    pub(super) fn in_use(&mut self, id: ModuleId) -> Option<&mut Module> {
        let used = self.tick();
        let known = self.known.get_mut(&id).filter(|known| known.loads > 0)?;
        known.used = used;
        known.module.as_mut()
    }

    /// Undoes a load, if there is one to undo.
    pub(super) fn unload(&mut self, id: ModuleId) {
        let Some(known) = self.known.get_mut(&id) else { return };
        known.loads = known.loads.saturating_sub(1);
        if known.loads == 0 && known.module.is_none() {
            self.forget(id);
        }
    }

    /// Lets go what is too much, where no kernel is enqueued.
    pub(super) fn shed(&mut self, nothing_runs: impl Fn() -> bool) {
        while let Some(id) = self.excess()
            && nothing_runs()
        {
            match self.known.get_mut(&id) {
                Some(known) if known.loads > 0 => known.module = None,
                Some(_) | None => self.forget(id),
            }
        }
    }

    /// What goes first, if anything is too much.
    fn excess(&self) -> Option<ModuleId> {
        let is_idle = |known: &Known| known.loads == 0;
        let is_there = |known: &Known| known.module.is_some();
        let idle = self.known.values().filter(|known| is_idle(known));
        let texts: usize = idle.map(|known| known.text.len()).sum();
        let loaded = self.known.values().filter(|known| is_there(known)).count();
        let is_too_much = loaded > LOADED || texts > IDLE_TEXTS;
        is_too_much.then(|| self.oldest(is_idle).or_else(|| self.oldest(is_there))).flatten()
    }

    fn oldest(&self, among: impl Fn(&Known) -> bool) -> Option<ModuleId> {
        let those = self.known.iter().filter(|(_, known)| among(known));
        those.min_by_key(|(_, known)| known.used).map(|(&id, _)| id)
    }

    fn forget(&mut self, id: ModuleId) {
        if let Some(known) = self.known.remove(&id) {
            self.by_text.remove(&known.text);
        }
    }

    /// A new number for a text.
    fn number(&mut self, text: &Arc<str>) -> ModuleId {
        let id = ModuleId(self.count);
        self.count += 1;
        self.by_text.insert(Arc::clone(text), id);
        id
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }
}
