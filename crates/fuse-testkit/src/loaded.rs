//! What devices that are stood in for have loaded: modules by their texts, counted by their loads.

use std::collections::BTreeMap;
use std::sync::Arc;

use fuse_ir::device::ModuleId;

/// Modules in use. None is kept when its last load has been undone, and no number is given twice.
#[derive(Debug)]
pub(crate) struct Loaded<M> {
    modules: BTreeMap<ModuleId, Counted<M>>,
    /// Numbers that were ever given.
    count: u64,
}

#[derive(Debug)]
struct Counted<M> {
    text: Arc<str>,
    module: M,
    loads: u32,
}

impl<M> Default for Loaded<M> {
    fn default() -> Loaded<M> {
        Loaded { modules: BTreeMap::new(), count: 0 }
    }
}

impl<M> Loaded<M> {
    /// Loads a text again, if it is loaded.
    pub(crate) fn again(&mut self, text: &str) -> Option<ModuleId> {
        let of_text = |(_, counted): &(&ModuleId, &mut Counted<M>)| &*counted.text == text;
        let (&id, counted) = self.modules.iter_mut().find(of_text)?;
        counted.loads += 1;
        Some(id)
    }

    /// Loads a text that is not loaded.
    pub(crate) fn add(&mut self, text: &str, module: M) -> ModuleId {
        let id = ModuleId(self.count);
        self.count += 1;
        self.modules.insert(id, Counted { text: text.into(), module, loads: 1 });
        id
    }

    pub(crate) fn get(&self, id: ModuleId) -> Option<&M> {
        self.modules.get(&id).map(|counted| &counted.module)
    }

    /// Undoes a load.
    ///
    /// # Panics
    /// Where there is none to undo.
    pub(crate) fn unload(&mut self, id: ModuleId) {
        let counted = self.modules.get_mut(&id).expect("no more loads are undone than there were");
        counted.loads -= 1;
        if counted.loads == 0 {
            self.modules.remove(&id);
        }
    }

    /// Texts, in the order of their first loads.
    pub(crate) fn texts(&self) -> Vec<Arc<str>> {
        self.modules.values().map(|counted| Arc::clone(&counted.text)).collect()
    }
}
