//! Hyperbolic functions: sinh, cosh, tanh.
//!
//! **sinh, cosh.** |x| = n·ln 2 + r as in exp, and with less, more = 2^(n-1) ∓ 2^(-n-1)
//!
//! ```text
//! sinh |x| = less·cosh r + more·sinh r = less + more·r₁ + [less·(cosh r - 1) + more·(sinh r - r₁)]
//! cosh x   = more·cosh r + less·sinh r = more + less·r₁ + [more·(cosh r - 1) + less·(sinh r - r₁)]
//! ```
//!
//! with even and odd polynomials: no division, no cancellation. The first two terms are summed as
//! hi + lo, where less = 0 or less ≥ more·|r₁|; what is in brackets is small and one rounding ends it.
//! Where n = 0, sinh x = r₁ + r³·p(r²), precise beside 0. 2^(-n-1) is rounded so that both
//! `less` and `more` are exact; what is lost, d and -d, matters only for n = 27 and 28 (f32: 12 and 13):
//! d·(cosh r - sinh r) ≈ d·(1 - r) is added to lo.
//! Overflow: from the last ordinary argument of exp on the result is e^|x| / 2, rounded once.
//!
//! Error in ulp, worst for sinh beside n = 1, r = -0.34, where the result is 0.354 and an ulp 2^-54: ½
//! for the last sum; less·(cosh r - 1) = 0.046 and what enters it are rounded by 2^-58 three or four
//! times, 0.22; r is rounded by 2^-55, of which less·sinh r + more·(cosh r - 1) pass on 0.18: 0.09; the
//! polynomial 2^-58: 0.06. Below 0.87. cosh and large arguments: as exp, below 0.71.
//!
//! **tanh.** |x| is split at 29 points (f32: 27); with c in the middle of its interval, T = tanh c and
//! t = |x| - c
//!
//! ```text
//! tanh |x| = T + tanh t·[(1 - T²) / (1 + T·tanh t)]      tanh t = t + t³·p(t²)
//! ```
//!
//! (the addition formula, solved for what is added to T.) Intervals are told by the upper bits of 1 + x·SLOPE,
//! eight to a binade, and grow with x as 1 - T² falls; |x| below 0.48 (f32: 0.39) has c = 0, so that tanh t is the
//! result. Arguments are cut off where the result is 1. t is exact (Sterbenz); the c are those whose T is within
//! 2^-9 ulp of a float and 1 - T² within 2^-4 of one: no low parts.
//!
//! Error in ulp of the result: ½ for the last multiply-add. About 0: t³·p with three roundings, at most 0.08 of
//! the result: 0.22. Beyond, a rounding of what is added to T is at most 0.124 (the script prints it); tanh t,
//! the denominator and the quotient have one each, what enters tanh t 0.01: 0.39. T, 1 - T² and polynomials
//! (2^-59.0, f32 2^-30.5) 0.03: below 0.92. f32 has smaller intervals: 0.73.
//!
//! Tried: -E / (2 + E) with E = e^(-2|x|) - 1 in hi + lo and a corrected quotient, 51 primitives, 0.64 ulp.
//! Considered: 16 entries, which leave 0.27 for each rounding; polynomials in a table, as erf's: 13 columns.

use super::exp::{Reduced, beyond, fraction_bits, power_of_e, reduced};
use super::extended::at_most;
use crate::coefficients::exp as c;
use crate::coefficients::hyperbolic as table;
use crate::pen::{Pen, Value};

/// `sinh(x)`.
pub fn sinh<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let Parts { less, more, down, rounded, r } = Parts::of(x.abs());
    let usual = r.sum(less, more, rounded - down).with_sign_of(x);
    pen.rare(beyond(x, ordinary(x)), [x], [usual], |_, [x]| [half_power(x).with_sign_of(x)])[0]
}

/// `cosh(x)`.
pub fn cosh<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let Parts { less, more, down, rounded, r } = Parts::of(x.abs());
    let usual = r.sum(more, less, down - rounded);
    pen.rare(beyond(x, ordinary(x)), [x], [usual], |_, [x]| [half_power(x)])[0]
}

/// Up to here 2^(-n-1) is a normal number.
fn ordinary(x: Value<'_>) -> f64 {
    if x.is_single() { 86.0 } else { 707.0 }
}

/// See the module.
struct Parts<'p> {
    less: Value<'p>,
    more: Value<'p>,
    /// 2^(-n-1).
    down: Value<'p>,
    /// What `less` and `more` have of it.
    rounded: Value<'p>,
    r: Reduced<'p>,
}

impl<'p> Parts<'p> {
    fn of(magnitude: Value<'p>) -> Parts<'p> {
        let r = reduced(magnitude, None);
        let n = r.n << fraction_bits(magnitude);
        let half = magnitude.constant(0.5).bits();
        let (up, down) = ((half + n).as_float(), (half - n).as_float());
        let more = up + down;
        let rounded = more - up;
        Parts { less: up - rounded, more, down, rounded, r }
    }
}

impl<'p> Reduced<'p> {
    /// even·cosh r + odd·sinh r, where even + lost and odd - lost are meant.
    fn sum(&self, even: Value<'p>, odd: Value<'p>, lost: Value<'p>) -> Value<'p> {
        let &Reduced { exact, rest, r, .. } = self;
        let (cosh, sinh): (&[f64], &[f64]) =
            if r.is_single() { (&c::COSH_SINGLE, &c::SINH_SINGLE) } else { (&c::COSH, &c::SINH) };
        let square = r * r;
        let cosh = square * square.polynomial(cosh);
        let sinh = (r * square).fma(square.polynomial(sinh), rest);
        let hi = odd.fma(exact, even);
        let lo = (-lost).fma(r, lost) + odd.fma(exact, -(hi - even));
        hi + even.fma(cosh, odd.fma(sinh, lo))
    }
}

/// e^|x| / 2 beyond the ordinary range.
fn half_power<'p>(x: Value<'p>) -> Value<'p> {
    let far = if x.is_single() { 120.0 } else { 800.0 };
    let magnitude = x.abs();
    let mut power = power_of_e(magnitude, None);
    power.n = power.n - 1;
    magnitude.gt(far).select(x.constant(f64::INFINITY), power.rounded())
}

/// `tanh(x)`.
pub fn tanh<'p>(_pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let single = x.is_single();
    let [top, slope] = if single {
        [table::TANH_TOP_SINGLE, table::TANH_SLOPE_SINGLE]
    } else {
        [table::TANH_TOP, table::TANH_SLOPE]
    };
    let magnitude = at_most(x.abs(), top);
    let index = magnitude.fma(slope, 1.0).bits().shr_u(fraction_bits(x) - 3);
    let (centre, value) = if single {
        let look = |entries| index.lookup_single(entries);
        (look(&table::TANH_CENTRES_SINGLE), look(&table::TANH_VALUES_SINGLE))
    } else {
        (index.lookup(&table::TANH_CENTRES), index.lookup(&table::TANH_VALUES))
    };
    let t = magnitude - centre;
    let square = t * t;
    let rest: &[f64] = if single { &table::TANH_SINGLE } else { &table::TANH };
    let added = (t * square).fma(square.polynomial(rest), t);
    let factor = (-value).fma(value, 1.0) / added.fma(value, 1.0);
    added.fma(factor, value).with_sign_of(x)
}
