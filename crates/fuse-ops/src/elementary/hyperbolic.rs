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
//! **tanh.** |x| ↦ E = e^(-2|x|) - 1 as hi + lo (expm1's), in (-1, 0]; tanh |x| = -E / (2 + E): 2 + E as
//! hi + lo by Dekker's sum, the quotient by a reciprocal, corrected by its residual. Arguments are cut
//! off where the result is 1. Beside 0, E = -2|x| + …: precise. The error is that of E, relative
//! 2^-55.5 at most, by (1 + |E| / (2 + E)) ≤ 2 but less where the former is large, and ½: below 0.85.
//!
//! Counted, not tried: tanh with 2^n ± 1 and two sums in place of 2 + E, two primitives more.

use super::exp::{Reduced, Side, beyond, fraction_bits, minus_one, power_of_e, reduced};
use crate::coefficients::exp as c;
use crate::pen::{Double, Pen, Value};

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
    // From here on the result is 1.
    let most = x.constant(if x.is_single() { 9.5 } else { 19.5 });
    let magnitude = x.abs();
    let magnitude = magnitude.gt(most).select(most, magnitude);
    let Double { hi, lo } = minus_one(magnitude * -2.0, Side::Below);
    let Double { hi, lo } = Double::fast_two_sum(hi, lo);
    let sum = hi + 2.0;
    let rest = (hi - (sum - 2.0)) + lo;
    let inverse = -1.0 / sum;
    // Not negative: zeros are +0.
    let quotient = hi.fma(inverse, 0.0);
    let left = quotient.fma(rest, quotient.fma(sum, hi) + lo);
    left.fma(inverse, quotient).with_sign_of(x)
}
