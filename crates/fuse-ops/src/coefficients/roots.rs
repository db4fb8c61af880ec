//! Constants of the roots.
//!
//! Written by `crates/fuse-ops/coefficients/roots.py`; not edited by hand.

/// 2^52·4/3 and the upper bits of the seed of 1 (shifted right by 20).
pub(crate) const THIRDS: f64 = 6010657546494629.0;

/// 2^23·4/3 and the upper bits of the seed of 1 (shifted right by 8).
pub(crate) const THIRDS_SINGLE: f32 = 16731297.0;

/// p of (1 - e)^(-1/3) = p(e), -0.1021 < e < 0.1020; relative error 2^-32.3.
pub(crate) const SEED: [f64; 7] = [
    0.9999999999893525,
    0.33333334609486337,
    0.22222225194684753,
    0.17282975939171588,
    0.14401946703350776,
    0.12668620041986645,
    0.11294506338074262,
];

/// p of (1 - e)^(-1/3) = p(e), -0.1021 < e < 0.1020; relative error 2^-18.9.
pub(crate) const SEED_SINGLE: [f64; 4] =
    [0.9999980330467224, 0.3333285450935364, 0.2237391173839569, 0.17453765869140625];

/// This less the bits of r are those of w ≈ 1/r; w - w·(r·w/2) is 1/(2r) to 0.0026.
pub(crate) const RECIPROCAL: i64 = 0x7fde624dd2f1a800;

/// [`RECIPROCAL`] of f32.
pub(crate) const RECIPROCAL_SINGLE: i64 = 0x7ef3126e;
