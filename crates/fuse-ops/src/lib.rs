//! The operator and function table of fuse, and all of its mathematics.
//!
//! ```text
//! name ──find──▶ Op ──row──▶ arity, typing, doc, budget
//!                    └─────▶ expansion: operands ──▶ primitives in a kernel
//! ```
//!
//! * [`table`]: one row for each operator and function that a user can write. From it come name
//!   resolution, typing errors, help, `docs/functions.md`, test coverage and generators' weights.
//! * [`FORMS`]: reductions that are formulas over others.
//! * [`typing`]: NumPy 2's promotion with weak literals, as rules that rows refer to.
//! * [`derived`]: functions that are formulas over those, with named arguments and defaults.
//! * The expansions, one family a file: [`arith`], [`integer`], [`remainder`], [`rounding`],
//!   [`compare`], [`cast`], [`power`]; of complex numbers in [`complex`]; and the reductions in [`reduce`].
//!
//! Invariants. *A function is one row and one expansion. Expansions use primitives only, so that
//! every back end shares them. After expansion nothing may change rounding.*

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod arith;
pub mod cast;
mod coefficients;
pub mod compare;
pub mod complex;
pub mod derived;
pub mod elementary;
mod expander;
mod form;
pub mod integer;
mod parameter;
pub mod pen;
pub mod power;
pub mod reduce;
pub mod remainder;
pub mod rounding;
pub mod table;
#[cfg(test)]
mod tests;
pub mod typing;

pub use complex::{COMPLEX, ComplexCall, ComplexRow};
pub use expander::{Call, Expander, lane_of};
pub use form::{FORMS, Form, FormKind, OfComplex, OfNothing};
pub use parameter::Parameter;
pub use table::{Accuracy, Budget, Class, Cost, Domain, Expansion, Op, Row, Syntax, Yardstick};
pub use typing::{ArgType, TypeIssue, Typed, promote};
