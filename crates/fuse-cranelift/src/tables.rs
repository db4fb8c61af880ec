//! A kernel's constant tables in memory that the compiled kernel keeps.
//!
//! Code refers to them by address: it is never stored, and lives no longer than they do.

use fuse_ir::{Kernel, Table};

use crate::vector::lane_bytes;

/// The tables of a kernel, entries packed at their lanes' width; masks are bytes 0 and 1.
pub(crate) struct Tables(Vec<Box<[u8]>>);

impl Tables {
    /// Copies of the kernel's tables.
    pub(crate) fn of(kernel: &Kernel) -> Tables {
        Tables(kernel.tables.iter().map(packed).collect())
    }

    /// Where the entries of a table lie.
    pub(crate) fn address(&self, table: usize) -> i64 {
        i64::try_from(self.0[table].as_ptr() as usize).unwrap_or_default()
    }
}

fn packed(table: &Table) -> Box<[u8]> {
    let width = lane_bytes(table.lane);
    table.entries.iter().flat_map(|bits| bits.to_le_bytes().into_iter().take(width)).collect()
}
