//! The tables of a module: bytes that threads load and never store.
//!
//! ```text
//! address:  63·62 61 │ ····· 40 │ 39 ··········· 0
//!            0 1  g  │  number  │ GAP + alignment + offset in it      g: 1 for .global, 0 for .const
//! ```
//!
//! As with [`Memory`](super::Memory), a table has a part of the address space for itself, and its start
//! is no better aligned than its declaration says.

use super::bits::{length, position};
use super::memory::misaligned;

/// Bits of an address within a table's part of the address space.
const PART_BITS: u32 = 40;
const GAP: u64 = 1 << 36;
const SPACE: u64 = 1 << 62;
const GLOBAL: u64 = 1 << 61;
/// All `.const` tables of a module together have at most that many bytes.
pub(super) const MOST_CONSTANT_BYTES: usize = 64 << 10;

/// Where a table lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableSpace {
    Constant,
    Global,
}

/// One table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) space: TableSpace,
    /// In bytes: a power of 2.
    pub(super) alignment: u64,
    pub(super) bytes: Vec<u8>,
}

/// All tables of a module, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    all: Vec<Table>,
}

/// Is it an address that [`Tables::load`] knows about, in `.global`?
#[inline(always)]
pub(super) fn is_global_table(address: u64) -> bool {
    address >> 61 == (SPACE | GLOBAL) >> 61
}

impl Tables {
    pub(super) fn add(&mut self, table: Table) {
        self.all.push(table);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all.iter().any(|table| table.name == name)
    }

    /// Bytes of all `.const` tables.
    pub(super) fn constant_bytes(&self) -> usize {
        let constant = self.all.iter().filter(|table| table.space == TableSpace::Constant);
        constant.map(|table| table.bytes.len()).sum()
    }

    /// The address of the table of that name.
    pub(super) fn address(&self, name: &str) -> Option<u64> {
        let number = self.all.iter().position(|table| table.name == name)?;
        let table = &self.all[number];
        Some(table.space.start() + (length(number) << PART_BITS) + GAP + table.alignment)
    }

    /// A thread loads bytes, as many as they are aligned to.
    ///
    /// # Errors
    /// Where they do not lie in one table of that space.
    pub(super) fn load(
        &self,
        space: TableSpace,
        address: u64,
        len: usize,
    ) -> Result<&[u8], String> {
        let number = address.wrapping_sub(space.start()) >> PART_BITS;
        let table = self.all.get(position(number)).filter(|table| table.space == space);
        let Some(table) = table else {
            return Err(format!("{address:#x} is no address of a {} table", space.name()));
        };
        let offset = (address & ((1 << PART_BITS) - 1)).wrapping_sub(GAP + table.alignment);
        let size = length(table.bytes.len());
        if offset > size || length(len) > size - offset {
            let (offset, name) = (offset.cast_signed(), &table.name);
            return Err(format!("{len} bytes at offset {offset} of {name}, which has {size}"));
        }
        if !address.is_multiple_of(length(len)) {
            return Err(misaligned(address, len));
        }
        Ok(&table.bytes[position(offset)..position(offset) + len])
    }
}

impl TableSpace {
    fn start(self) -> u64 {
        match self {
            TableSpace::Constant => SPACE,
            TableSpace::Global => SPACE | GLOBAL,
        }
    }

    fn name(self) -> &'static str {
        match self {
            TableSpace::Constant => ".const",
            TableSpace::Global => ".global",
        }
    }
}
