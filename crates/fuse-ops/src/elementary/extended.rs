//! exp and log in hi + lo, for functions that multiply or exponentiate them.
//!
//! **exp.** x = n·ln 2/16 + r, |r| ≤ 0.0217: e^x = 2^k·T\[j\]·e^r with n = 16·k + j. n·STEP_HI and its
//! difference from the leading part of x are exact, so r has one rounding, at most 2^-59. T is hi + lo,
//! e^r - 1 = r + r²·q(r) of degree 7 (Tang 1989); the result T_hi + (T_lo + T_hi·(e^r - 1)) has a
//! relative error below 3·2^-59: three roundings of numbers below 2^-5.5.
//!
//! **log.** x = 2^k·m, m in \[1, 2), one of 16 intervals with centres near c; r = m/c - 1, |r| ≤ 0.0312, is
//! exact in hi + lo, as 1/c is a float of 8 bits. log x = k·ln 2 + log c + r - r²/2 + r³·q(r): the first
//! two on a grid of 2^-42, exactly summed; r and r²/2 added with their errors. What is left, below
//! 2^-16, is rounded: an absolute error below 2^-68, beside 2^-53 of the trailing parts of k·ln 2.
//! Near 1, where the terms cancel, the error stays below 2^-64 absolute, not relative to the result.

use super::SHIFTER;
use crate::coefficients::extended as constants;
use crate::pen::{Double, Value};

/// e^x as `factor`·2^k.
#[derive(Clone, Copy)]
pub(super) struct Power<'p> {
    /// Near \[1, 2): hi + lo, lo up to 0.05.
    factor: Double<'p>,
    /// k in the low bits; the others are those of [`SHIFTER`], shifted.
    k: Value<'p>,
}

impl<'p> Power<'p> {
    /// e^x, for |x| < 1400.
    pub(super) fn of(x: Double<'p>) -> Power<'p> {
        let shifted = x.hi.fma(constants::STEPS, SHIFTER);
        let n = shifted - SHIFTER;
        let r = n.fma(-constants::STEP_HI, x.hi) + n.fma(-constants::STEP_LO, x.lo);
        let n = shifted.bits();
        let hi = n.lookup(&constants::POWER_HI);
        let less_one = (r * r).fma(r.polynomial(&constants::POWER), r);
        let lo = hi.fma(less_one, n.lookup(&constants::POWER_LO));
        Power { factor: Double::new(hi, lo), k: n.shr_s(4) }
    }

    /// e^x/2^k times a number.
    pub(super) fn times(self, other: Double<'p>) -> Double<'p> {
        let Double { hi, lo } = self.factor;
        let product = Double::two_prod(hi, other.hi);
        let rest = hi.fma(other.lo, product.lo);
        Double::new(product.hi, lo.fma(other.rounded(), rest))
    }

    /// 2^k, where that is normal.
    pub(super) fn scale(self) -> Value<'p> {
        ((self.k + 1023) << 52).as_float()
    }

    /// k.
    pub(super) fn exponent(self) -> Value<'p> {
        self.k - (SHIFTER.to_bits() >> 4) as i64
    }
}

/// e^x with a relative error of 2^-30, for results of f32 and |x| < 700.
pub(super) fn short_exp(x: Value<'_>) -> Value<'_> {
    let shifted = x.fma(constants::LOG2_E, SHIFTER);
    let r = (shifted - SHIFTER).fma(-constants::LN2, x);
    r.polynomial(&constants::POWER_SINGLE) * ((shifted.bits() + 1023) << 52).as_float()
}

/// log x for normal x > 0.
pub(super) fn log<'p>(x: Value<'p>) -> Double<'p> {
    let (k, m, index) = parts(x);
    let product = Double::two_prod(m, index.lookup(&constants::INVERSE));
    let (r, rest) = (product.hi - 1.0, product.lo);

    let base = k.fma(constants::LN2_HI, index.lookup(&constants::LOG_HI));
    let base_low = k.fma(constants::LN2_LO, index.lookup(&constants::LOG_LO));
    let first = Double::fast_two_sum(base, r);
    let square = Double::two_prod(r, r);
    let second = Double::fast_two_sum(first.hi, square.hi * -0.5);
    let cubic = (r * square.hi).fma(r.polynomial(&constants::LOG), rest.fma(-r, rest));
    let lo = (first.lo + second.lo) + (base_low + square.lo.fma(-0.5, cubic));
    Double::new(second.hi, lo)
}

/// log x with an absolute error of 2^-36, for results of f32; x > 0 and normal.
pub(super) fn short_log(x: Value<'_>) -> Value<'_> {
    let (k, m, index) = parts(x);
    let r = m.fma(index.lookup(&constants::INVERSE), -1.0);
    r.fma(
        r.polynomial(&constants::LOG_SINGLE),
        k.fma(constants::LN2, index.lookup(&constants::LOG_HI)),
    )
}

/// k, m and the index of the interval of m of x = 2^k·m.
fn parts<'p>(x: Value<'p>) -> (Value<'p>, Value<'p>, Value<'p>) {
    let bits = x.bits();
    // The exponent's bits in the significand of 2^52.
    let exponent = (bits.shr_u(52) | 0x4330_0000_0000_0000_i64).as_float();
    let m = (bits & 0x000f_ffff_ffff_ffff_i64) | 0x3ff0_0000_0000_0000_i64;
    (exponent - (4_503_599_627_370_496.0 + 1023.0), m.as_float(), bits.shr_u(48))
}

/// Of a positive number: an integer whose low bits are those of the exponent and `LEADING` bits of the
/// significand, and the centre of the interval of all numbers with these.
pub(super) fn interval<const LEADING: u32>(x: Value<'_>) -> (Value<'_>, Value<'_>) {
    let shift = i64::from(52 - LEADING);
    let index = x.bits().shr_u(shift);
    (index, ((index << shift) | (1_i64 << (shift - 1))).as_float())
}

/// A piecewise polynomial: constant + Σ c\[k\]·t^k in hi + lo. Of its columns, looked up at the index,
/// the first two are the constant in hi + lo, the others the coefficients of t, t², …
///
/// constant + c\[1\]·t is exact, but for c\[1\]'s rounding, where it is not much smaller than the
/// constant; what remains is of the size of c\[2\]·t².
pub(super) fn piecewise<'p, const N: usize>(
    index: Value<'p>,
    t: Value<'p>,
    columns: &[[f64; N]],
) -> Double<'p> {
    let [constant, constant_low, slope, rest @ ..] = columns else { unreachable!("three columns") };
    let [constant, slope] = [constant, slope].map(|column| index.lookup(column));
    let rest = short_piecewise(index, t, rest);
    let hi = t.fma(slope, constant);
    let lost = t.fma(slope, constant - hi);
    Double::new(hi, lost + (t * t).fma(rest, index.lookup(constant_low)))
}

/// Σ c\[k\]·t^k, the coefficients looked up in columns.
pub(super) fn short_piecewise<'p, const N: usize>(
    index: Value<'p>,
    t: Value<'p>,
    columns: &[[f64; N]],
) -> Value<'p> {
    let (last, rest) = columns.split_last().expect("a coefficient");
    let last = index.lookup(last);
    rest.iter().rev().fold(last, |acc, column| acc.fma(t, index.lookup(column)))
}

/// The smaller of a value and a bound; NaN stays.
pub(super) fn at_most(value: Value<'_>, bound: f64) -> Value<'_> {
    value.gt(bound).select(value.constant(bound), value)
}
