//! Exponentials, and less 1.
//!
//! **exp.** e^x·cos y and e^x·sin y: two real functions and a product each, 1.3u + 1.5u + u = 3.8u of each part,
//! so normwise too: below 3.8 ulp. Where |x| > 708 or x is NaN: e^(x/2) is multiplied twice, so that nothing
//! overflows or is subnormal before the result is: 6.1u, 3.1 ulp for significands near 1, where the bound is attained
//! if at all; measured below 3.
//!
//! **exp2.** 2^x·cos(y·ln 2) and 2^x·sin(y·ln 2), with y·ln 2 in two parts: a + b, right to |y|·2^-107, and the
//! cosine and sine of a sum. With b small beside 1 the correction is a multiply-add, u: so 1.6u + 1.5u + 2u of each
//! part, 5.1u; measured below 3 ulp. From |y| = 2^26 on, out of line, b has a cosine and a sine of its own: 4u more. The
//! angle's error counts from |y| = 2^50 on, where numerics.md adds |y|·2^-50 ulp.
//!
//! **expm1.** e^z - 1 has the real part (e^x - 1)·cos y - (1 - cos y), which cancels where its value is small
//! beside the imaginary part only. 1 - cos y is sin² y/(1 + cos y), or the plain difference of cos y < 0.
//! Errors, relative to |e^z - 1| ≥ max(|e^x - 1|, |1 - cos y|·√(2e^x…)): (e^x - 1)·cos y 4u of the former, 1 - cos y
//! 4.5u of itself, where e^x ≥ ½ at most 0.9 of |e^z - 1|; the sum u: below 8u by this count, which is
//! 4 ulp for significands near 1. Of e^x < ½ it is e^x·cos y - 1, 4u·½ and u.

use super::Complex;
use crate::elementary::exp::{beyond, exp as real_exp, exp2 as real_exp2, expm1 as real_expm1};
use crate::elementary::trig::{cos as real_cos, sin as real_sin};
use crate::pen::{Double, Pen, Value};

/// Beyond this magnitude e^x may overflow or be subnormal.
const ORDINARY: f64 = 708.0;

/// Beyond this magnitude 2^x may overflow or be subnormal.
const ORDINARY_2: f64 = 1020.0;

/// ln 2 in two parts.
const LN2: [f64; 2] = [std::f64::consts::LN_2, 2.3190468138462996e-17];

/// Beyond this magnitude the low part of an angle y·ln 2 is not small.
const NARROW: f64 = 67_108_864.0;

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

fn far_exp<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let turn = Complex::new(real_cos(pen, z.im), real_sin(pen, z.im));
    far(z, real_exp(pen, z.re * 0.5), turn)
}

/// `exp2(z)`.
pub(super) fn exp2<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let (power, turn) = (real_exp2(pen, z.re), turn_of_2(pen, z.im));
    let usual = turn.map(|part| power * part);
    usual.rare(pen, beyond(z.re, ORDINARY_2), [z.re, z.im], |pen, [x, y]| {
        far(Complex::new(x, y), real_exp2(pen, x * 0.5), turn_of_2(pen, y))
    })
}

/// The cosine and sine of y·ln 2.
fn turn_of_2<'p>(pen: &'p Pen, y: Value<'p>) -> Complex<'p> {
    let angle = Double::two_prod(y, LN2[0]);
    let low = y.fma(LN2[1], angle.lo);
    let (cosine, sine) = (real_cos(pen, angle.hi), real_sin(pen, angle.hi));
    let usual = Complex::new((-low).fma(sine, cosine), low.fma(cosine, sine));
    let wide = beyond(y, NARROW);
    let turn = usual.rare(pen, wide, [cosine, sine, low], |pen, [cosine, sine, low]| {
        Complex::new(cosine, sine).times(Complex::new(real_cos(pen, low), real_sin(pen, low)))
    });
    Complex::new(turn.re, y.equals(0.0).select(y, turn.im))
}

/// Where the power of x over- or underflows, from that of x/2 and the cosine and sine of the angle:
///
/// | x | y | e^z, 2^z |
/// |---|---|---|
/// | -∞ | ±∞, NaN | 0 + 0i |
/// | ∞ | ±∞, NaN | ∞ + NaN i |
/// | any, NaN | ±0 | e^x ± 0i |
/// | NaN | not 0 | NaN + NaN i |
fn far<'p>(z: Complex<'p>, half: Value<'p>, turn: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let turning = x.is_infinite() & !y.abs().lt(f64::INFINITY);
    let cosine = turning.select(x.constant(1.0), turn.re);
    let sine = (turning & x.lt(0.0)).select(x.constant(0.0), turn.im);
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
