//! Inverse hyperbolic functions: logarithms of sums in two parts.
//!
//! | | | rare |
//! |---|---|---|
//! | asinh x | log(a + √(a² + 1)), a = \|x\|; x below 2^-28 (f32: 2^-13) | log 2a from 2^500 (2^60) |
//! | acosh x | log(x + √(x² - 1)) | x ≤ 1; log 2x from 2^500 (2^60) |
//! | atanh x | ½·log(1 + 2a/(1 - a)) | a ≥ 1 |
//!
//! One formula for all arguments and both dtypes, without series near 0 (acosh: near 1): the
//! argument u + carry of the logarithm is known to twice the precision, so that its distance from
//! 1, and the logarithm, are as accurate beside it as `log1p` is (`log.rs`).
//!
//! The square and its sum with ±1 are exact in two parts; √h = w + (h - w²)/(2w), the residual h -
//! w² exact by a multiply-add (Markstein), likewise the quotient's n - q·d. Corrections are below
//! an ulp and need a reciprocal to a few bits only, but to 2^-34 where asinh's result is as small
//! as 2^-28: so Newton's iteration from the bits (error 0.05, squared by each step) replaces
//! divisions, which cost 32 primitives on AVX-512. atanh's quotient has its reciprocal to the last
//! place but one, and the residual makes up for that.
//!
//! Error in ulp: carry is below 2^-52·u with an error of 2^-53 of it: beside a result above 2^-28
//! that is 2^-24, and next to nothing for acosh (above 2^-26); atanh of a tiny number is carry
//! itself, exactly 2a. What remains is log1p's bound, 0.66 and 0.8 (f32). Below the tiny argument
//! x²/6 is 2^-58, and 2^-28. Measured: 0.55; f32 0.78.
//!
//! Tried: asinh without its own rule for tiny arguments: three roundings of the same small part
//! around 2^-53 add up to 1.0. f32 widened to f64 has half of the lanes and a longer square root:
//! slower by count.

use super::log::{domain, log_double, log_sum};
use crate::coefficients::inverse_hyperbolic::RECIPROCAL;
use crate::pen::{Double, Pen, Value};

/// `asinh(x)`.
pub fn asinh<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let a = x.abs();
    let product = Double::two_prod(a, a);
    let sum = Double::two_sum(product.hi, 1.0);
    let root = square_root(Double::new(sum.hi, sum.lo + product.lo));
    let sum = Double::fast_two_sum(root.hi, a);
    let usual = log_sum(sum.hi, sum.lo + root.lo).rounded();
    let tiny = a.lt(if x.is_single() { 2f64.powi(-13) } else { 2f64.powi(-28) });
    let usual = tiny.select(x, usual.with_sign_of(x));
    let huge = !a.lt(f64::from(huge_exponent(x)).exp2());
    pen.rare(huge, [x], [usual], |_, [x]| {
        let a = x.abs();
        [domain(a, log_double(a, -1).rounded()).with_sign_of(x)]
    })[0]
}

/// `acosh(x)`.
pub fn acosh<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let product = Double::two_prod(x, x);
    let difference = Double::fast_two_sum(product.hi, -1.0);
    let root = square_root(Double::new(difference.hi, difference.lo + product.lo));
    let sum = Double::fast_two_sum(x, root.hi);
    let usual = log_sum(sum.hi, sum.lo + root.lo).rounded();
    let edge = !(x.gt(1.0) & x.lt(f64::from(huge_exponent(x)).exp2()));
    pen.rare(edge, [x], [usual], |_, [x]| {
        let huge = x.gt(1.0).select(domain(x, log_double(x, -1).rounded()), f64::NAN);
        [x.equals(1.0).select(x.constant(0.0), huge)]
    })[0]
}

/// `atanh(x)`.
pub fn atanh<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let a = x.abs();
    let (twice, below) = (a + a, Double::fast_two_sum(x.constant(1.0), -a));
    let inverse = reciprocal(below.hi, if x.is_single() { 3 } else { 4 });
    let quotient = twice * inverse;
    let left = (-quotient).fma(below.lo, (-quotient).fma(below.hi, twice));
    let u = 1.0 + quotient;
    let carry = left.fma(inverse, quotient - (u - 1.0));
    let usual = (0.5 * log_sum(u, carry).rounded()).with_sign_of(x);
    pen.rare(!a.lt(1.0), [x], [usual], |_, [x]| {
        let infinite = x.constant(f64::INFINITY).with_sign_of(x);
        [x.abs().equals(1.0).select(infinite, f64::NAN)]
    })[0]
}

/// From 2 to this power the square of a number may overflow, and 1 beside it is nothing.
fn huge_exponent(x: Value<'_>) -> i32 {
    if x.is_single() { 60 } else { 500 }
}

/// The square root of a positive number with |lo| ≤ ulp(hi).
fn square_root(x: Double<'_>) -> Double<'_> {
    let root = x.hi.sqrt();
    let left = (-root).fma(root, x.hi) + x.lo;
    Double::new(root, left * 0.5 * reciprocal(root, if root.is_single() { 2 } else { 3 }))
}

/// 1/x for an ordinary positive x, by Newton's iteration from a linear approximation: each step
/// squares the error.
fn reciprocal(x: Value<'_>, steps: u32) -> Value<'_> {
    let seed = x.bits().constant(RECIPROCAL[usize::from(x.is_single())]) - x.bits();
    (0..steps).fold(seed.as_float(), |y, _| y * (-x).fma(y, 2.0))
}
