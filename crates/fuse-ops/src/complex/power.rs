//! Powers.
//!
//! **z\*\*w** = e^(w·log z). ln|z| and both parts of the product are kept in two parts, of which the low ones enter
//! as a factor 1 + lo; so the exponent is as good as the angle of z, which has 1.3u: an error of 1.3u·|w|·|arg z| of the
//! result, and the exponential's own 4u and 2u: below 6 + 1.3·|w·log z|, in u. A sum beyond 708 is not kept finite.
//! As NumPy, z\*\*0 is 1 for every z, 0\*\*w is 0 if Re w > 0 and else NaN. A real w (Im w = 0) takes no
//! products with 0, so that infinite bases keep a meaning.
//!
//! **z\*\*n** for a literal n, |n| ≤ 64, in either mode: as NumPy the product of z^(2^i) over the set bits of |n|, lowest
//! first, by the plain product; 1 divided by that for negative n. |n| - 1 products at most, √5·u each.

use fuse_ir::ValueId;

use super::{Complex, ComplexCall, division, exp::exp, in_f64, log::log_modulus};
use crate::elementary::atan2::atan2;
use crate::expander::Expander;
use crate::pen::{Double, Pen, Value, written_parts};

/// `z**w`.
pub(super) fn power<'p>(pen: &'p Pen, z: Complex<'p>, w: Complex<'p>) -> Complex<'p> {
    let [zero, one] = [0.0, 1.0].map(|number| z.re.constant(number));
    let modulus = log_modulus(pen, Double::new(z.re, zero), z.im);
    let angle = atan2(pen, z.im, z.re);
    let real = w.im.equals(0.0);
    let crossed = |part: Value<'p>| real.select(zero, part);
    let re = sum(w.re, modulus.hi, crossed(-w.im), crossed(angle), w.re * modulus.lo);
    let lo = crossed(w.im * modulus.lo);
    let im = sum(w.re, angle, crossed(w.im), crossed(modulus.hi), lo);
    let power = exp(pen, Complex::new(re.hi, im.hi));
    // Times 1 + the low parts, where all is finite.
    let correction = power.times(Complex::new(re.lo, im.lo));
    let corrected = Complex::new(power.re + correction.re, power.im + correction.im);
    let power = corrected.is_finite().choose(corrected, power);
    let is_zero = |z: Complex<'p>| z.re.equals(0.0) & z.im.equals(0.0);
    let nothing = w.re.gt(0.0).select(zero, f64::NAN);
    let result = is_zero(z).choose(Complex::new(nothing, nothing), power);
    is_zero(w).choose(Complex::new(one, zero), result)
}

/// a·b + c·d + e, e small, in two parts.
fn sum<'p>(a: Value<'p>, b: Value<'p>, c: Value<'p>, d: Value<'p>, e: Value<'p>) -> Double<'p> {
    let (left, right) = (Double::two_prod(a, b), Double::two_prod(c, d));
    let sum = Double::two_sum(left.hi, right.hi);
    Double::fast_two_sum(sum.hi, sum.lo + (left.lo + right.lo + e))
}

/// The parts of `z**n` for a literal n.
pub fn literal(e: &mut Expander<'_>, call: &ComplexCall<'_>, n: i32) -> Vec<ValueId> {
    written_parts(e, call.args, |pen, args| {
        let z = Complex::new(args[0], args[1]);
        let one = Complex::new(z.re.constant(1.0), z.re.constant(0.0));
        let power = product(z, n.unsigned_abs()).unwrap_or(one);
        if n >= 0 {
            return power.into_parts();
        }
        in_f64([one, power], |[one, power]| division::divide(pen, one, power))
    })
}

/// The product of z^(2^i) over the set bits of n; none of n = 0.
fn product(z: Complex<'_>, n: u32) -> Option<Complex<'_>> {
    let mut acc: Option<Complex<'_>> = None;
    let mut square = z;
    for bit in 0..u32::BITS - n.leading_zeros() {
        if bit > 0 {
            square = square.times(square);
        }
        if n >> bit & 1 == 1 {
            acc = Some(acc.map_or(square, |acc| acc.times(square)));
        }
    }
    acc
}
