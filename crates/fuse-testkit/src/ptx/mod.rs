//! A strict interpreter of the PTX that fuse emits.
//!
//! ```text
//! text ──scan──▶ ok
//!   └────parse──▶ Module ──launch(entry, grid, block, parameters)──▶ Memory
//! ```
//!
//! It shares nothing with the emitter: it is what a machine without a device has to check one by.
//! The real assembler takes no notice of registers that are read before they are written, of
//! misaligned or foreign addresses, of `.nc` loads of memory that the kernel stores to, of races, or
//! of shuffles that half a warp never reaches. Here each is an error, and so is every instruction,
//! modifier, directive and type that has no meaning given to it below.

mod bits;
mod body;
mod cursor;
mod decode;
mod device;
mod half;
mod instruction;
mod launch;
mod lex;
mod memory;
mod opcodes;
mod operands;
mod operation;
mod parse;
mod running;
mod scan;
mod statement;
mod tables;
#[cfg(test)]
mod tests;
mod thread;
mod types;

pub use device::InterpretedDevice;
pub use memory::Memory;
pub use scan::scan;

use instruction::{Entry, Function};
use launch::{Extent, Options};
use tables::Tables;

/// What is wrong with a text, or with what its threads do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct PtxError {
    /// The line of the text, from 1; 0 where it is none of the text's.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// A text that was understood.
#[derive(Debug, Default)]
pub struct Module {
    functions: Vec<Function>,
    entries: Vec<Entry>,
    tables: Tables,
}

/// Understands the text of a module.
///
/// # Errors
/// The first thing that is not in the subset.
pub fn parse(text: &str) -> Result<Module, PtxError> {
    parse::module(text)
}

impl Module {
    /// How many parameters an entry has, if the module has that entry.
    pub fn entry_params(&self, entry: &str) -> Option<usize> {
        self.entry(entry).map(|entry| entry.n_params)
    }

    /// The names of the entries, in the order of the text.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.body.name.as_str())
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.body.name == name)
    }
}

/// Runs a grid of one-dimensional blocks, thread after thread.
///
/// # Errors
/// The first thing that a thread does wrong.
pub fn launch(
    module: &Module,
    entry: &str,
    grid: u32,
    block: u32,
    params: &[u64],
    memory: &mut Memory,
) -> Result<(), PtxError> {
    let extent = Extent { blocks: grid, block_size: block };
    launch::run(module, entry, extent, params, memory, Options::default()).map(|_executed| ())
}
