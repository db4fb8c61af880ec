//! Hyperbolic and trigonometric functions.
//!
//! **sinh, cosh.** sinh z = sinh x·cos y + i·cosh x·sin y, cosh z = cosh x·cos y + i·sinh x·sin y: each part has
//! 1.6u + 1.5u + u = 4.1u, normwise too. Where |x| > 708, e^(|x|/2) twice, as exp.
//!
//! **tanh.** With T = tanh x, t = tan y, w = T·t and S = 1 - T², or from |x| = 1 on 4E/(1 + E)², E = e^(-2|x|):
//!
//! ```text
//! tanh z = (T + i·t)/(1 + i·w) = T + w·q + i·q      q = t·S/(1 + w²)
//! ```
//!
//! The real part is written as a correction of T: T(1 + t²)/(1 + w²) = T + w·q. Nothing cancels, nothing overflows (the
//! tangent of an f64 is below 2^54), and S keeps the imaginary part right beside |T| = 1, where it is far
//! below an ulp of |z|. Errors: T 1.3u, t 1.4u, w 2u and theirs; S 4u; 1 + w² 2u·w²/(1 + w²) of w's, and u; the quotient
//! and its product 2u. Where |z| is q (T small) or T + w·q = 1/T (beside a pole) the terms add to 8u at worst, of
//! which T's and t's cancel in part (q depends on t by (1 - w²)/(1 + w²)); where |z| is near 1, T's 1.3u and the last
//! u are all. Measured below 3 ulp.
//!
//! **sin, cos, tan** are these of iz: sin z = -i·sinh iz, cos z = cosh iz, tan z = -i·tanh iz.

use super::Complex;
use crate::elementary::exp::{beyond, exp as real_exp};
use crate::elementary::hyperbolic::{cosh as real_cosh, sinh as real_sinh, tanh as real_tanh};
use crate::elementary::trig::{cos as real_cos, sin as real_sin, tan as real_tan};
use crate::pen::{Pen, Value};

/// Beyond this magnitude e^x may overflow.
const ORDINARY: f64 = 708.0;

/// `sinh(z)`.
pub(super) fn sinh<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let (sine, cosine) = (real_sin(pen, y), real_cos(pen, y));
    let usual = Complex::new(real_sinh(pen, x) * cosine, real_cosh(pen, x) * sine);
    usual.rare(pen, unusual(z), [x, y], |pen, [x, y]| {
        let Far { cosine, sine, turning } = Far::of(pen, x, y);
        // sinh 0 is 0 whatever the angle; infinities have no sign where it has none.
        let re = (x.equals(0.0) | turning).select(x, cosine.times_sign_of(x));
        Complex::new(re, y.equals(0.0).select(y, sine))
    })
}

/// `cosh(z)`.
pub(super) fn cosh<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let (sine, cosine) = (real_sin(pen, y), real_cos(pen, y));
    let usual = Complex::new(real_cosh(pen, x) * cosine, real_sinh(pen, x) * sine);
    usual.rare(pen, unusual(z), [x, y], |pen, [x, y]| {
        let Far { cosine, sine, turning } = Far::of(pen, x, y);
        let re = turning.select(x.abs(), cosine);
        let im = y.equals(0.0).select(y, sine);
        // sinh 0 is 0 whatever the angle.
        let nothing = x.equals(0.0) & !y.equals(0.0);
        Complex::new(re, nothing.select(x, im.times_sign_of(x.or_zero())))
    })
}

/// Is x large or NaN, or y infinite or NaN?
fn unusual(z: Complex<'_>) -> Value<'_> {
    beyond(z.re, ORDINARY) | !z.im.abs().lt(f64::INFINITY)
}

/// e^|x|/2 in the direction of y, where that is not an infinite or no angle.
struct Far<'p> {
    cosine: Value<'p>,
    sine: Value<'p>,
    /// Where x is infinite and y infinite or NaN.
    turning: Value<'p>,
}

impl<'p> Far<'p> {
    fn of(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Far<'p> {
        let half = real_exp(pen, x.abs() * 0.5);
        let part = |angle: Value<'p>| half * 0.5 * angle * half;
        Far {
            cosine: part(real_cos(pen, y)),
            sine: part(real_sin(pen, y)),
            turning: x.is_infinite() & !y.abs().lt(f64::INFINITY),
        }
    }
}

/// `tanh(z)`.
pub(super) fn tanh<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let (hyper, tangent) = (real_tanh(pen, x), real_tan(pen, y));
    let small = real_exp(pen, x.abs() * -2.0);
    let (w, sum) = (hyper * tangent, small + 1.0);
    // 1 - T² where that does not cancel: fewer roundings beside a pole.
    let near = x.abs().lt(1.0);
    let above = near.select((-hyper).fma(hyper, 1.0), small * 4.0);
    let below = near.select(x.constant(1.0), sum * sum);
    let im = tangent * above / (below * w.fma(w, 1.0));
    let im = y.equals(0.0).select(y, im);
    let usual = Complex::new(w.fma(im, hyper), im);
    // An infinite or no angle.
    usual.rare(pen, !y.abs().lt(f64::INFINITY), [x, y], |_, [x, y]| {
        let nan = x.constant(f64::NAN);
        let im = x.is_infinite().select(x.constant(0.0).with_sign_of(y.or_zero()), nan);
        let one = x.constant(1.0).with_sign_of(x);
        let re = x.is_infinite().select(one, x.equals(0.0).select(x, nan));
        Complex::new(re, im)
    })
}

/// `sin(z)`.
pub(super) fn sin<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    sinh(pen, z.times_i()).over_i()
}

/// `cos(z)`.
pub(super) fn cos<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    cosh(pen, z.times_i())
}

/// `tan(z)`.
pub(super) fn tan<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    tanh(pen, z.times_i()).over_i()
}
