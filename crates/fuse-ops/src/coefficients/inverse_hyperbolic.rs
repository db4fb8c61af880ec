//! Constants of the inverse hyperbolic functions.
//!
//! Written by `crates/fuse-ops/coefficients/inverse_hyperbolic.py`; not edited by hand.

/// These less a positive float's bits are the bits of its reciprocal, within 0.05 of it; f64 and f32.
pub(crate) static RECIPROCAL: [i64; 2] = [0x7fde62386cba3e9b, 0x7ef311c3];
