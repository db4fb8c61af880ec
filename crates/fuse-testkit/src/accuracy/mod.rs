//! How accurate the elementary functions are, in units in the last place.
//!
//! ```text
//! points ──▶ Subject (a row of the operator table, a float dtype) ──▶ result ─┐
//!    └─────▶ Reference: from a committed table, or from MPFR ─────────────────┴▶ error ─▶ Tally
//! ```
//!
//! * [`Reference`]: an exact value as its nearest float and the rest, and the error of a result.
//! * [`Subject`]: one function of one dtype, evaluated by the interpreter.
//! * [`Plan`]: where a function is measured; [`points`]: random arguments.
//! * [`Table`]: arguments and exact values that are committed.
//! * `mpfr` (the feature of that name): exact values from MPFR.

pub mod complex;
#[cfg(feature = "mpfr")]
pub mod mpfr;
mod plan;
pub mod points;
mod reference;
mod subject;
mod table;
mod tally;

pub use plan::Plan;
pub use reference::{Format, Reference};
pub use subject::Subject;
pub use table::Table;
pub use tally::Tally;
