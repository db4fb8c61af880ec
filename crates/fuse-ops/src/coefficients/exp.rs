//! Constants of the exponentials.
//!
//! Written by `crates/fuse-ops/coefficients/exp.py`; not edited by hand.

/// log2(e).
pub(crate) const LOG2_E: f64 = 1.4426950408889634;

/// ln 2 to 42 bits: n·LN2_HI is exact for |n| < 2^11.
pub(crate) const LN2_HI: f64 = 0.6931471805598903;

/// ln 2 - LN2_HI.
pub(crate) const LN2_LO: f64 = 5.497923018708371e-14;

/// q of e^r = 1 + r + r²·q(r), |r| ≤ 0.3466; relative error 2^-59.5.
pub(crate) const EXP: [f64; 11] = [
    0.5,
    0.16666666666666688,
    0.041666666666666824,
    0.008333333333313894,
    0.0013888888888778383,
    0.0001984126990352802,
    2.480158755411419e-05,
    2.7557228693909336e-06,
    2.7557115778757043e-07,
    2.5113717178761372e-08,
    2.093825191353423e-09,
];
