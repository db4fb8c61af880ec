//! Constants of the elementary functions: polynomial coefficients and tables.
//!
//! Each file is written by a script in `crates/fuse-ops/coefficients`, which derives its numbers at 60
//! digits (Remez's exchange, coefficients rounded one by one) and states the error of each polynomial.

#![allow(
    clippy::approx_constant,
    clippy::excessive_precision,
    reason = "parts and roundings of constants: the shortest literals that are exactly these floats"
)]

pub(crate) mod error_function;
pub(crate) mod exp;
pub(crate) mod extended;
pub(crate) mod gamma;
pub(crate) mod hyperbolic;
pub(crate) mod inverse_hyperbolic;
pub(crate) mod inverse_trig;
pub(crate) mod log;
pub(crate) mod logaddexp;
pub(crate) mod pow;
pub(crate) mod roots;
pub(crate) mod trig;
