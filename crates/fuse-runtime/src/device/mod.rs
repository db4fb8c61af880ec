//! Runs programs on a device with memory of its own.
//!
//! ```text
//! host arrays ──pack, upload──▶ C order in device memory ─┐
//! DeviceArray ──────────────────────────────────────────┐ ▼
//!                      for each pass: walk ─▶ form ─▶ launch(entry, grid, parameters)
//! host outputs ◀──download, unpack── results, or DeviceArrays that stay
//! ```
//!
//! The kernels are the device's own business ([`fuse_ir::Device::emit`]); what their parameters mean is
//! stated in [`fuse_ir::device`]. This module decides where arrays lie, in which order a loop's axes are
//! walked, and which form of a kernel runs over how many blocks. No bit depends on it.
//!
//! | file | |
//! |---|---|
//! | `context` | a device with its pool of freed memory; one call at a time |
//! | `array` | arrays in device memory |
//! | `host` | host memory as bytes |
//! | `stage` | host arrays to device memory and back |
//! | `walk` | the axes of a loop, taken together where all operands allow |
//! | `form` | which kernel, and how many blocks |
//! | `entries` | a pass's kernels, their parameters listed once |
//! | `arguments` | the parameters' words |
//! | `driver` | what takes addresses: allocations, copies, launches; arrays of other code |
//! | `executable` | a program with its modules; entry points |
//! | `call` | one call: what is uploaded, pass by pass, what is downloaded |
//! | `fold` | states of reductions |
//! | `chunks` | arrays that are copied and computed on piece by piece |
//!
//! Invariants. *Every array in device memory is native and naturally aligned, and in C order but for axes
//! along which it stays the same. When a call returns, or fails, its
//! kernels have finished. What a call frees may be
//! handed out again at once: uploads wait for what earlier calls compute, and kernels run in order.*

mod arguments;
mod array;
mod call;
mod chunks;
mod context;
mod driver;
mod entries;
mod executable;
mod fold;
mod form;
mod host;
mod stage;
mod walk;

pub use array::DeviceArray;
pub use context::DeviceContext;
pub use executable::DeviceExecutable;
