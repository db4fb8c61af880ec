//! Constants of the elementary functions: polynomial coefficients and tables.
//!
//! Each file is written by a script in `crates/fuse-ops/coefficients`, which derives its numbers at 60
//! digits (Remez's exchange, coefficients rounded one by one) and states the error of each polynomial.

#![allow(
    clippy::approx_constant,
    clippy::excessive_precision,
    reason = "parts and roundings of constants: the shortest literals that are exactly these floats"
)]

pub(crate) mod exp;
pub(crate) mod pow;
pub(crate) mod trig;
