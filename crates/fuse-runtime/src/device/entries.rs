//! The entries of a pass, laid out once: what a launch would find out of the kernel each time.

use fuse_ir::Pass;
use fuse_ir::device::{Entry, Param, vector_width};

/// The entries that a pass has.
pub(super) struct Entries {
    /// Elements that a thread of the vector form takes.
    pub(super) width: u64,
    all: Vec<(Entry, Layout)>,
}

/// An entry in its module.
pub(super) struct Layout {
    pub(super) symbol: String,
    pub(super) params: Vec<Param>,
}

impl Entries {
    /// Those of the pass at this position.
    pub(super) fn of(number: usize, pass: &Pass) -> Entries {
        let layout =
            |entry: Entry| Layout { symbol: entry.symbol(number), params: entry.params(pass) };
        let exist = Entry::ALL.iter().filter(|entry| entry.exists(pass));
        Entries {
            width: vector_width(&pass.kernel) as u64,
            all: exist.map(|&entry| (entry, layout(entry))).collect(),
        }
    }

    /// The layout of an entry that the pass has.
    pub(super) fn layout(&self, entry: Entry) -> &Layout {
        let found = self.all.iter().find(|(own, _)| *own == entry);
        &found.expect("the pass has this entry").1
    }
}
