//! Exponential, and less 1.
//!
//! **exp.** e^x·cos y and e^x·sin y: two real functions and a product each, 1.3u + 1.5u + u = 3.8u of each part,
//! so normwise too: below 3.8 ulp. Where |x| > 708 or x is NaN: e^(x/2) is multiplied twice, so that nothing
//! overflows or is subnormal before the result is: 6.1u, 3.1 ulp for significands near 1, where the bound is attained
//! if at all; measured below 3.
//!
//! **expm1.** e^z - 1 has the real part (e^x - 1)·cos y - (1 - cos y), which cancels where its value is small
//! beside the imaginary part only. 1 - cos y is sin² y/(1 + cos y), or the plain difference of cos y < 0.
//! Errors, relative to |e^z - 1| ≥ max(|e^x - 1|, |1 - cos y|·√(2e^x…)): (e^x - 1)·cos y 4u of the former, 1 - cos y
//! 4.5u of itself, where e^x ≥ ½ at most 0.9 of |e^z - 1|; the sum u: below 8u by this count, which is
//! 4 ulp for significands near 1. Of e^x < ½ it is e^x·cos y - 1, 4u·½ and u.

use super::Complex;
use crate::elementary::exp::{beyond, exp as real_exp, expm1 as real_expm1};
use crate::elementary::trig::{cos as real_cos, sin as real_sin};
use crate::pen::Pen;

/// Beyond this magnitude e^x may overflow or be subnormal.
const ORDINARY: f64 = 708.0;

/// `exp(z)`.
pub(super) fn exp<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let power = real_exp(pen, z.re);
    let sine = power * real_sin(pen, z.im);
    // Infinity times 0 would be NaN, e^nan·0 likewise.
    let usual = Complex::new(power * real_cos(pen, z.im), sine);
    usual.rare(pen, beyond(z.re, ORDINARY), [z.re, z.im], |pen, [x, y]| {
        far_exp(pen, Complex::new(x, y))
    })
}

/// | x | y | e^z |
/// |---|---|---|
/// | -∞ | ±∞, NaN | 0 + 0i |
/// | ∞ | ±∞, NaN | ∞ + NaN i |
/// | any, NaN | ±0 | e^x ± 0i |
/// | NaN | not 0 | NaN + NaN i |
fn far_exp<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let half = real_exp(pen, x * 0.5);
    let (sine, cosine) = (real_sin(pen, y), real_cos(pen, y));
    let turning = x.is_infinite() & !y.abs().lt(f64::INFINITY);
    let cosine = turning.select(x.constant(1.0), cosine);
    let sine = (turning & x.lt(0.0)).select(x.constant(0.0), sine);
    let sine = y.equals(0.0).select(y, half * sine * half);
    Complex::new(half * cosine * half, sine)
}

/// `expm1(z)`.
pub(super) fn expm1<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let (power, less_one) = (real_exp(pen, x), real_expm1(pen, x));
    let (sine, cosine) = (real_sin(pen, y), real_cos(pen, y));
    let versine = cosine.lt(0.0).select(1.0 - cosine, sine * sine / (cosine + 1.0));
    let near = less_one.fma(cosine, -versine);
    let far = power.fma(cosine, -1.0);
    let usual = Complex::new(x.lt(-0.7).select(far, near), power * sine);
    usual.rare(pen, beyond(x, ORDINARY), [x, y], |pen, [x, y]| {
        let power = far_exp(pen, Complex::new(x, y));
        Complex::new(power.re - 1.0, power.im)
    })
}
