//! Logarithm and exponential in hi + lo: what powers are made of.

use crate::coefficients::pow::{
    EXP, HALF_LN2_HI, HALF_LN2_LO, LN2_HI, LN2_LO, LOG, LOG_HI, LOG_LO_INVERSE, LOG2_E, START,
};
use crate::pen::{Double, Value};

/// 1.5·2^52: numbers below 2^51 added to it are rounded to integers, which are its low bits.
pub(super) const SHIFTER: f64 = 6_755_399_441_055_744.0;

/// The bits of a normal x > 0 cut in exponent and significand: x = 2^k·m with START ≤ m < 2·START.
///
/// The word is the bits moved such that its fraction is m's place between START and 2·START and its
/// exponent field, unsigned, is k + 1024. As a signed number it is at least [`Parts::LEAST`] for normal
/// x up to 2^1023·START, and less for everything else: larger x, zeros, subnormals, infinity, negative
/// numbers and NaN, which wrap around.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'p> {
    word: Value<'p>,
}

impl<'p> Parts<'p> {
    const ONE: i64 = 0x3ff0_0000_0000_0000;
    const UNIT: i64 = 1 << 52;
    const LEAST: i64 = 2 * Parts::UNIT + Parts::ONE - START;

    pub(super) fn of(x: Value<'p>) -> Parts<'p> {
        Parts { word: x.bits() + (Parts::UNIT + Parts::ONE - START) }
    }

    /// Is x anything but positive, normal and below 2^1023·START?
    pub(super) fn unusual(self) -> Value<'p> {
        self.word.lt(Parts::LEAST)
    }

    /// k + 2^52 + 1024, a float.
    fn shifted_exponent(self) -> Value<'p> {
        (self.word.shr_u(52) | 0x4330_0000_0000_0000_i64).as_float()
    }

    fn significand(self) -> Value<'p> {
        ((self.word & (Parts::UNIT - 1)) + START).as_float()
    }
}

/// -½·ln(x·2^-extra) for a normal x > 0, as hi + lo.
pub(super) fn half_log<'p>(parts: Parts<'p>, extra: Value<'p>) -> Double<'p> {
    let entry = parts.word.shr_u(i64::from(52 - LOG_HI.len().ilog2()));
    let packed = entry.lookup_bits(&LOG_LO_INVERSE);
    let k = parts.shifted_exponent() - extra;
    let w = parts.significand().fma((packed << 43).as_float(), -0.5);
    let base = k.fma(-HALF_LN2_HI, entry.lookup(&LOG_HI));
    let hi = w.fma(w, base - w);
    let lo = w.fma(w, (base - hi) - w);
    let lo = k.fma(-HALF_LN2_LO, packed.as_float()) + lo;
    Double::new(hi, (w * w * w).fma(w.polynomial_by_fours(&LOG), lo))
}

/// e^-d but for a power of two: head + rest, and n.
#[derive(Clone, Copy, Debug)]
pub(super) struct Power<'p> {
    pub(super) value: Double<'p>,
    pub(super) n: Value<'p>,
}

pub(super) fn exponential(d: Double<'_>) -> Power<'_> {
    let shifted = d.hi.fma(-LOG2_E, SHIFTER);
    let n = shifted - SHIFTER;
    let main = n.fma(LN2_HI, d.hi);
    let low = n.fma(LN2_LO, d.lo);
    let s = main + low;
    let head = 1.0 - main;
    let rest = ((1.0 - head) - main) - low;
    let rest = (s * s).fma(s.polynomial_by_fours(&EXP), rest);
    Power { value: Double::new(head, rest), n: shifted.bits() }
}

impl Power<'_> {
    pub(super) fn usual(&self) -> Self { *self }
}
