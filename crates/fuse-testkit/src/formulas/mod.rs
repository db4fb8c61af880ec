//! Seeded random formulas with their operands: what every back end, mode and thread count must agree
//! on.
//!
//! ```text
//! seed ──▶ Subject { tree ──▶ text, operands: dtype, extents, strides, byte order, bytes }
//!                    │
//!                    └─ shrink: subtrees dropped while the failure stays
//! ```
//!
//! * [`Tree`]: a typed expression; every subtree has a dtype, so that a well-typed formula stays
//!   well-typed when a subtree is replaced by another of its dtype.
//! * [`generate()`]: trees by wanted dtype, with NumPy's promotion turned round: to get an f64 sum,
//!   an i64 may meet an f32. A [`Family`] says which operators and values.
//! * [`Operand`]: an array in memory (C or Fortran order, any steps and signs, unaligned, swapped
//!   bytes) or a scalar.
//!
//! Nothing here evaluates anything.

mod complex;
mod generate;
mod operand;
mod shrink;
mod tree;
mod views;

pub use generate::{Family, Subject, generate, generate_from};
pub use operand::Operand;
pub use shrink::shrink;
pub use tree::{Form, Tree};
