//! Programs to PTX text, for NVIDIA devices.
//!
//! ```text
//! Program ──emit──▶ one module: tables, functions (slow paths), for each pass its entries
//! ```
//!
//! [`emit`] is pure: the same text for the same program, on any machine, with no device. What the entries
//! are and how they are called is [`fuse_ir::device`]'s to say. The text is for PTX 6.0 and compute
//! capability 7.0, which newer devices take.
//!
//! Invariants. *Rounding is decided in the graph: every add, sub, mul, fma, div and sqrt carries `.rn`, and
//! nothing else is ever emitted for one. A thread is a lane: what it computes depends on no other, but for
//! the merges of folds, whose order is fixed. Names of users never get into the text.*

#![cfg_attr(not(feature = "cuda"), forbid(unsafe_code))]
#![cfg_attr(feature = "cuda", deny(unsafe_code))]
#![warn(missing_docs)]

mod body;
#[cfg(feature = "cuda")]
mod cuda;
mod elementwise;
mod entry;
mod fold;
mod memory;
mod module;
mod prims;
mod region;
mod state;

#[cfg(feature = "cuda")]
pub use cuda::{CudaDevice, address_of};
/// The crate whose arrays can be used where they lie.
#[cfg(feature = "cuda")]
pub use cudarc;

use fuse_ir::device::ModuleOptions;
use fuse_ir::{DeviceError, Program};

/// The compute capability that the text is for, major and minor: the least that runs it.
pub const LEAST_CAPABILITY: (u32, u32) = (7, 0);

/// The text of a program's module.
///
/// # Errors
/// [`DeviceError::Unsupported`], with what is too much for a device.
pub fn emit(program: &Program, options: ModuleOptions) -> Result<String, DeviceError> {
    module::module(program, options)
}
