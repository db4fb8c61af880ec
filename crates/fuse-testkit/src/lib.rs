//! Conformance suite, generators and comparators for testing fuse. Dev only.
//!
//! ```text
//! kernels ───────┐                          ┌─▶ fence: arrays against inaccessible pages
//!   (the tables) ├─▶ Case ─▶ dispatch ──────┤
//! random_kernel ─┘    │        (a back end) └─▶ Outcome ─┐
//!                     └──────▶ direct (one element at a time) ──▶ compare ─▶ Report
//! ```
//!
//! * [`conformance()`]: every primitive and construct on one back end, in one line. The expected
//!   values come from [`direct`], which shares nothing with the interpreter but `Prim::eval`; so the
//!   interpreter is itself tested, and what equals the one equals the other.
//! * [`differential`]: seeded random kernels, a back end against the interpreter.
//! * [`formulas`]: seeded random formulas with operands of every layout.
//! * [`faulty`]: back ends with one planted fault each; the suite has to find every one.
//! * [`accuracy`]: errors of the elementary functions, against committed tables or MPFR.
//! * [`ptx`]: a strict interpreter of PTX as a device, for machines without one.
//! * [`ReferenceDevice`]: a device by the letter of its contract, for testing what runs programs on one.
//! * [`skip!`]: how a test says that it could not run.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod accuracy;
mod assemble;
mod case;
pub mod compare;
pub mod conformance;
pub mod direct;
pub mod dispatch;
pub mod faulty;
pub mod fence;
pub mod fenced;
pub mod formulas;
#[cfg(test)]
mod hand;
pub mod hash;
pub mod kernels;
mod loaded;
pub mod ptx;
pub mod ptx_conformance;
pub mod random;
pub mod random_kernel;
pub mod reference_device;
mod report;
pub mod skip;
mod states;

pub use assemble::Assembler;
pub use case::{Case, Fill};
pub use conformance::conformance;
pub use random::Random;
pub use random_kernel::differential;
pub use reference_device::ReferenceDevice;
pub use report::{Failure, Refusal, Report};
