//! Runs programs over arrays: views, loop nests, blocks, threads.
//!
//! ```text
//! View, Scalar ──▶ Executable::run ──▶ plan ──▶ blocks ──▶ BlockKernel (any back end) ──▶ ViewMut
//! ```
//!
//! * [`View`], [`ViewMut`]: borrowed memory of any strides and byte order; [`Array`]: owned, C order.
//!   [`Operand`]: a view or a [`ScalarValue`], which is what a call gives for each input.
//! * [`Executable::compile`]: a [`fuse_ir::Program`] with the code of a back end; kernels that it cannot
//!   compile run on another one, or on the interpreter ([`Executable::fallbacks`]).
//! * [`Executable::result_shapes`]: dtypes and extents of the results.
//!   [`Executable::run`]: into the caller's outputs, which may share memory with inputs.
//!   [`Executable::run_alloc`]: into new arrays.
//! * [`RunOptions`]: threads, [`CancelToken`], deadline, limits on work and bytes.
//!
//! ```ignore
//! let executable = Executable::compile(Arc::new(program), &backend);
//! let inputs = [Operand::from(View::from_slice(&a)), Operand::from(ScalarValue::from(2.5))];
//! executable.run(&inputs, &mut [ViewMut::from_slice(&mut out)], &RunOptions::default())?;
//! let arrays = executable.run_alloc(&inputs, &RunOptions::default())?;
//! ```
//!
//! Invariants. *The same bits for any number of threads, any chunking, any alignment, any layout of
//! the operands.* The order of reductions is that of `docs/numerics.md`. No array-sized allocation
//! aborts. The global rayon pool is never built. This crate names no back end; the interpreter of
//! `fuse-ir` is its fallback.

#![deny(unsafe_code)]

mod array;
mod bind;
mod boxes;
mod cache;
mod cancel;
mod check;
mod columns;
mod compile;
mod device;
mod dispatch;
mod element;
mod error;
mod flat;
mod fold;
mod fpenv;
mod kernels;
mod memory;
mod nest;
mod options;
mod overlap;
mod pack;
mod paged;
mod pager;
mod plan;
mod predicate;
mod reduce;
mod rows;
mod run;
mod scratch;
mod short;
mod survey;
mod sweep;
mod sync;
mod tasks;
#[cfg(test)]
mod tests;
mod views;

pub use array::Array;
pub use bind::{ResultShape, infer};
pub use cancel::CancelToken;
pub use compile::{Executable, Fallback};
pub use device::{DeviceArray, DeviceContext, DeviceExecutable};
pub use element::{Complex, Element, F16};
pub use error::{AllocError, RunError, ViewError};
#[doc(hidden)]
pub use fpenv::DefaultFloats;
pub use options::{RunOptions, Threads, Tuning, WorkerLog};
pub use pager::{Halt, Pager};
pub use reduce::FoldLanes;
pub use survey::Survey;
pub use views::{Layout, Operand, ScalarValue, Strides, View, ViewMut};
