//! logaddexp(a, b) = log(e^a + e^b) = max + log1p(e^d), d = min - max.
//!
//! d = hi + lo exactly; u = e^d as hi + lo (exp's), in [0, 1]; 1 + u = v + rest by Dekker's sum. A table
//! at the upper bits of v, rounded to sixteenths, has c near 1/v and -log c, with c chosen so that the
//! latter is nearly a float (Gal's accurate tables): log(1 + u) = -log c + log1p(r) with
//! r = v·c - 1 + rest·c, |r| ≤ 1/32. max - log c is summed exactly, and one rounding ends it.
//!
//! Error in units of the largest of |a|, |b| and the result, which are 2^-54 at least where d > -1 (then
//! log1p ≥ 0.31) and 2^-53 below (|d| ≤ 2·max(|a|, |b|)): ½ for the last sum; r is rounded twice by
//! 2^-59, its polynomial has 2^-61, u 2^-56·u, of which 1 / (1 + u) is passed on: 0.15. Below 0.65.
//!
//! f32 is computed in f64, with a polynomial for log1p on [0, 1] to 2^-30, where an ulp is 2^-25 at
//! least: below 0.54.
//!
//! Infinities and d below -708, where the result is max, are rare (f64); f32 selects.
//!
//! Counted, not tried: log1p(u) = 2·atanh(u / (2 + u)), a division and three more coefficients.

use super::exp::{Power, fraction_bits, power_of_e, shifter};
use crate::coefficients::exp::{LN2_HI, LOG2_E};
use crate::coefficients::logaddexp as c;
use crate::pen::{Double, Pen, Value};

/// `logaddexp(a, b)`.
pub fn logaddexp<'p>(pen: &'p Pen, a: Value<'p>, b: Value<'p>) -> Value<'p> {
    let order = a.lt(b);
    let (most, least) = (order.select(b, a), order.select(a, b));
    if a.is_single() {
        return single(most.widened(), least.widened()).narrowed();
    }
    let gap = Double::two_sum(least, -most);
    let (log, rest) = log_of_sum(power_of_e(gap.hi, Some(gap.lo)));
    let sum = Double::two_sum(most, log);
    let usual = sum.hi + (sum.lo + rest);
    pen.rare(!gap.hi.ge(-708.0), [most, least], [usual], |_, [most, least]| {
        let nan = most.is_nan() | least.is_nan();
        // The sum with log1p(0) = +0 is +0 where max is -0.
        [nan.select(most + least, most + 0.0)]
    })[0]
}

/// log(1 + u) of a power u = e^d ≤ 1, as an entry of the table and the rest, below 0.032.
fn log_of_sum(u: Power<'_>) -> (Value<'_>, Value<'_>) {
    let Double { hi, lo } = u.value;
    let scale = ((u.n << fraction_bits(hi)) + hi.constant(1.0).bits()).as_float();
    let v = scale.fma(hi, 1.0);
    let rest = scale.fma(lo, scale.fma(hi, -(v - 1.0)));
    // Five bits: the exponent's last and, rounded, four of the significand. See the table.
    let index = (v.bits() + (1_i64 << 47)).shr_u(48);
    let reciprocal = index.lookup(&c::RECIPROCAL);
    let r = rest.fma(reciprocal, v.fma(reciprocal, -1.0));
    (index.lookup(&c::LOG), (r * r).fma(r.polynomial(&c::LOG1P), r))
}

/// In f64, of arguments that were f32.
fn single<'p>(most: Value<'p>, least: Value<'p>) -> Value<'p> {
    // Equal infinities have no difference; far below nothing is added.
    let gap = most.equals(least).select(most.constant(0.0), least - most);
    let gap = gap.lt(-300.0).select(gap.constant(-300.0), gap);
    let shifted = gap.fma(LOG2_E, shifter(gap));
    let r = (shifted - shifter(gap)).fma(-LN2_HI, gap);
    let scale = ((shifted.bits() << 52) + r.constant(1.0).bits()).as_float();
    let u = scale * r.polynomial(&c::EXP_SHORT);
    u.fma(u.polynomial(&c::LOG1P_SHORT), most)
}
