//! Logarithm and exponential in hi + lo: what powers are made of.
//!
//! **half_log.** x = 2^k·m with m in [1 - 2^-7.6, 2 - 2^-6.6); the leading 6 bits of m's place there look up
//! 1/(2c), ½·ln c in hi + lo. 1/c has so few bits that w = m/(2c) - ½ is exact; c = 1 about 1. Then
//! -½·ln x = B - w + w² + w³·p(w) with B = -k·½ln 2 - ½·ln c: its leading part is a multiple of 2^-44,
//! hence exact. Half the logarithm, negated, because then w and w² have coefficients ∓1: hi = w² + (B - w) by one
//! multiply-add, and lo = w² + ((B - hi) - w), where both differences are exact (hi, B and w are
//! multiples of hi's last place or finer and the differences are below |w|; Sterbenz for the second).
//! 1/(2c) has its 21 bits at the end of the low part of ½·ln c, which needs only 32 bits: one column less.
//!
//! Error relative to the logarithm: 2^-69.2 for p; w³·p is at most 2^-13.7 of the logarithm, and its
//! four roundings and lo's sums below 2^-65.7 together at worst, 2^-67.5 as a rule; the low part of the
//! table 2^-78 of at least 2^-8.6. In the power this is multiplied by |y·ln x| ≤ 745:
//! at worst 0.12 ulp, seen at most 0.03.
//!
//! **exp_twice_negative.** n = round(-32d/ln 2), s = d + n·ln 2/32 by two multiply-adds (n times the high part of
//! ln 2/32 is exact) and a sum, n = 16·k + j; e^-2d = 2^k·T\[j\]·e^-2s, T = 2^(j/16) in hi + lo, and e^-2s - 1 =
//! s·p(s), p of degree 6 (Tang 1989): T_hi + (T_lo + T_hi·(s·p(s))) rounds once what is at most 2^-4.4 of T_hi.
//!
//! Error in ulp of a result just below 1, where it weighs most: ½ for the last sum; |s| < 0.0108 but for the low part of
//! d, so e^-2s - 1 is below 2^-5.5: s is rounded by 2^-60, twice that in the result, 0.02; p 0.02, its product with s
//! 0.02, the sum with T_lo 0.03; p's error is 0.05 at |s| = 0.0108, 0.1 at 0.024: 0.70 at most, and the logarithm's.
//! Tried: e^-2s with |s| < 0.19 and degree 12, without a table: 0.69 ulp measured, six primitives more; for 128 bits
//! with its lookups lane by lane much the same.
//! Sources: Muller et al., Handbook of Floating-Point Arithmetic, chapter 11; Tang's tables (1990); the layout
//! of pow follows the usual one of C libraries (Gal, Ziv), without their code.

use super::SHIFTER;
use crate::coefficients::extended::{POWER_HI, POWER_LO};
use crate::coefficients::pow::{
    EXP, HALF_LN2_HI, HALF_LN2_LO, LOG, LOG_HI, LOG_LO_INVERSE, STEP_HI, STEP_LO, STEPS,
};
use crate::pen::{Double, Value};

/// The bits of a normal x > 0 cut in exponent and significand: x = 2^k·m with START ≤ m < 2·START,
/// where START is the number whose bits are `start`, just below 1.
///
/// The word is the bits moved such that its fraction is m's place and its exponent field k + 1024. As
/// a signed number it is at least `2·UNIT + ONE - start` for a normal x below 2^1023·START, and less for
/// everything else: larger x, infinity, NaN, zeros, subnormals and negative numbers wrap around.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'p> {
    word: Value<'p>,
    start: i64,
}

impl<'p> Parts<'p> {
    const ONE: i64 = 0x3ff0_0000_0000_0000;
    const UNIT: i64 = 1 << 52;

    pub(super) fn of(x: Value<'p>, start: i64) -> Parts<'p> {
        Parts { word: x.bits() + (Parts::UNIT + Parts::ONE - start), start }
    }

    /// Is x anything but positive, normal and below 2^1023·START?
    pub(super) fn unusual(self) -> Value<'p> {
        self.word.lt(2 * Parts::UNIT + Parts::ONE - self.start)
    }

    /// k, a float.
    pub(super) fn exponent(self) -> Value<'p> {
        (self.word.shr_u(52) | 0x4330_0000_0000_0000_i64).as_float()
            - (4_503_599_627_370_496.0 + 1024.0)
    }

    /// m.
    pub(super) fn significand(self) -> Value<'p> {
        ((self.word & (Parts::UNIT - 1)) + self.start).as_float()
    }

    /// The entry for m of a table of so many.
    pub(super) fn entry(self, entries: usize) -> Value<'p> {
        self.word.shr_u(i64::from(52 - entries.ilog2()))
    }
}

/// -½·ln x of a normal x > 0, as hi + lo, from [`Parts`] with the START of the tables; k apart, for the scaled.
pub(super) fn half_log<'p>(parts: Parts<'p>, k: Value<'p>) -> Double<'p> {
    let entry = parts.entry(LOG_HI.len());
    let packed = entry.lookup(&LOG_LO_INVERSE);
    let w = parts.significand().fma((packed.bits() << 43).as_float(), -0.5);
    let base = k.fma(-HALF_LN2_HI, entry.lookup(&LOG_HI));
    let hi = w.fma(w, base - w);
    let lo = w.fma(w, (base - hi) - w);
    let lo = k.fma(-HALF_LN2_LO, packed) + lo;
    Double::new(hi, (w * w * w).fma(w.polynomial(&LOG), lo))
}

/// A number near 1 as head + rest, and an integer whose low bits are n: their product is with 2^n.
#[derive(Clone, Copy, Debug)]
pub(super) struct Power<'p> {
    pub(super) head: Value<'p>,
    pub(super) rest: Value<'p>,
    pub(super) n: Value<'p>,
}

/// e^(-2·(hi + lo)) for |hi| < 2^9 and |lo| < 0.013.
pub(super) fn exp_twice_negative(d: Double<'_>) -> Power<'_> {
    let shifted = d.hi.fma(STEPS, SHIFTER);
    let n = shifted - SHIFTER;
    let s = n.fma(STEP_HI, d.hi) + n.fma(STEP_LO, d.lo);
    let n = shifted.bits();
    let head = n.lookup(&POWER_HI);
    let rest = head.fma(s * s.polynomial(&EXP), n.lookup(&POWER_LO));
    Power { head, rest, n: n.shr_s(4) }
}

impl<'p> Power<'p> {
    /// The number, if it is normal.
    pub(super) fn normal(self) -> Value<'p> {
        ((self.head + self.rest).bits() + (self.n << 52)).as_float()
    }

    /// The number for |n| < 1200, 0 and infinity included. A subnormal one is rounded once: 2^(-1022 - n)
    /// has its last place where the last place of subnormal numbers times 2^-n is, and is added to the head exactly and
    /// then with the rest.
    pub(super) fn any(self) -> Value<'p> {
        let n = self.n - (SHIFTER.to_bits() >> 4).cast_signed();
        let half = n.shr_s(1);
        let [first, second] = [half, n - half].map(power_of_two);
        let plain = (self.head + self.rest) * first * second;
        let unit = power_of_two(n.constant(-1022) - n);
        let sum = Double::fast_two_sum(unit, self.head);
        let rounded = sum.hi + (sum.lo + self.rest);
        let subnormal = (rounded - unit) * first * second;
        plain.lt(f64::MIN_POSITIVE).select(subnormal, plain)
    }
}

/// 2^n for -1022 ≤ n ≤ 1023.
fn power_of_two(n: Value<'_>) -> Value<'_> {
    ((n + 1023) << 52).as_float()
}
