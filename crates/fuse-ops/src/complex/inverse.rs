//! Inverse hyperbolic and trigonometric functions, with Kahan's formulas and branch cuts (Branch cuts for
//! complex elementary functions, or much ado about nothing's sign bit, 1987).
//!
//! **asin, acos, acosh.** With p and q the roots of 1 - z and 1 + z (of z - 1 and z + 1 for acosh):
//!
//! ```text
//! asin z    atan2(x, Re p·Re q - Im p·Im q)      asinh(Re p·Im q - Im p·Re q)
//! acos z    2·atan2(Re p, Re q)                  asinh(Re q·Im p - Im q·Re p)
//! acosh z   asinh(Re p·Re q + Im p·Im q)         2·atan2(Im p, Re q)
//! ```
//!
//! Im p and Im q have opposite signs (equal ones for acosh), so all sums are of terms of one sign. The parts of
//! the roots have 2.5u and 3.5u and ½u for 1 ± x; a sum of products 6u and 2u, the real function passes on at most
//! all of that and adds 1.3u: 9u of a part if all conspired; measured below 3 ulp normwise. Nothing
//! overflows: the products are no larger than |z|·√2.
//!
//! **atanh.** a = |x|; ¼·log1p(4a/D), D = (1 - a)² + y², and ½·atan2(2y, (1 - a)(1 + a) - y²). D has 3u, the
//! quotient 4u; the difference cancels only where the angle is near a right one, and there its error counts 2u. Rare: D
//! outside [2^-900, 2^900): beside ±1, where a = 1, ½·ln(2/|y|); far out 1/z and a right angle.
//!
//! **asinh, atan** are asin and atanh of iz: asinh z = -i·asin iz, atan z = -i·atanh iz.
//!
//! Infinities have the angle of z and an infinite other part; that of NaN stands with the functions.

use std::f64::consts::FRAC_PI_2;

use super::{Complex, roots::sqrt};
use crate::elementary::atan2::atan2;
use crate::elementary::inverse_hyperbolic::asinh as real_asinh;
use crate::elementary::log::{log as real_log, log1p as real_log1p};
use crate::elementary::roots::outside;
use crate::pen::{Pen, Value};

/// `asin(z)`.
pub(super) fn asin<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let p = sqrt(pen, Complex::new(1.0 - x, -y));
    let q = sqrt(pen, Complex::new(1.0 + x, y));
    let re = atan2(pen, x, p.re * q.re - p.im * q.im);
    let usual = Complex::new(re, real_asinh(pen, p.re * q.im - p.im * q.re));
    usual.rare(pen, !z.is_finite(), [x, y], |pen, [x, y]| far_asin(pen, x, y))
}

/// | x | y | asin |
/// |---|---|---|
/// | any | ±∞ | as the angle from the y axis ± ∞i; NaN ± ∞i |
/// | ±∞ | any | ±π/2 ± ∞i; ±∞ + NaN i exchanged: NaN + ∞i |
/// | ±0 | NaN | ±0 + NaN i |
/// | other NaN | | NaN + NaN i |
fn far_asin<'p>(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Complex<'p> {
    let infinite = x.is_infinite() | y.is_infinite();
    let angle = atan2(pen, x.abs(), y.abs()).times_sign_of(x);
    let (infinity, nan) = (x.constant(f64::INFINITY), x.constant(f64::NAN));
    let level = x.equals(0.0).select(x, nan);
    let re = infinite.select(angle, level);
    Complex::new(re, infinite.select(infinity.with_sign_of(y.or_zero()), nan))
}

/// `acos(z)`.
pub(super) fn acos<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let p = sqrt(pen, Complex::new(1.0 - x, -y));
    let q = sqrt(pen, Complex::new(1.0 + x, y));
    let re = atan2(pen, p.re, q.re) * 2.0;
    let usual = Complex::new(re, real_asinh(pen, q.re * p.im - q.im * p.re));
    usual.rare(pen, !z.is_finite(), [x, y], |pen, [x, y]| {
        let infinite = x.is_infinite() | y.is_infinite();
        let (infinity, nan) = (x.constant(f64::INFINITY), x.constant(f64::NAN));
        let level = x.equals(0.0).select(x.constant(FRAC_PI_2), nan);
        let re = infinite.select(atan2(pen, y.abs(), x), level);
        Complex::new(re, infinite.select(-infinity.with_sign_of(y.or_zero()), nan))
    })
}

/// `acosh(z)`: its real part is not negative.
pub(super) fn acosh<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let p = sqrt(pen, Complex::new(x - 1.0, y));
    let q = sqrt(pen, Complex::new(x + 1.0, y));
    let im = atan2(pen, p.im, q.re) * 2.0;
    let usual = Complex::new(real_asinh(pen, p.re * q.re + p.im * q.im), im);
    usual.rare(pen, !z.is_finite(), [x, y], |pen, [x, y]| {
        let infinite = x.is_infinite() | y.is_infinite();
        let (infinity, nan) = (x.constant(f64::INFINITY), x.constant(f64::NAN));
        let level = x.equals(0.0).select(x.constant(FRAC_PI_2), nan);
        Complex::new(infinite.select(infinity, nan), infinite.select(atan2(pen, y, x), level))
    })
}

/// `atanh(z)`.
pub(super) fn atanh<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let a = x.abs();
    let (below, square) = (1.0 - a, y * y);
    let distance = below.fma(below, square);
    let re = real_log1p(pen, a * 4.0 / distance) * 0.25;
    let im = atan2(pen, y + y, below.fma(1.0 + a, -square)) * 0.5;
    let usual = Complex::new(re.times_sign_of(x), im);
    let unusual = outside(distance, 2f64.powi(-900), 2f64.powi(900));
    usual.rare(pen, unusual, [x, y], |pen, [x, y]| far_atanh(pen, x, y))
}

/// | x | y | atanh |
/// |---|---|---|
/// | ±1 | tiny | ½·ln(2/\|y\|), π/4 with the sign of y |
/// | ±1 | ±0 | ±∞ ± 0i |
/// | huge, or y huge | | Re 1/z, ±π/2 |
/// | ±∞ | NaN | ±0 + NaN i |
/// | ±0 | NaN | ±0 + NaN i |
/// | other NaN | | NaN + NaN i |
fn far_atanh<'p>(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Complex<'p> {
    let (a, b) = (x.abs(), y.abs());
    let (zero, nan) = (x.constant(0.0), x.constant(f64::NAN));
    let pole = a.equals(1.0) & b.lt(1.0);
    let near =
        Complex::new(real_log(pen, b * 0.5) * -0.5, b.equals(0.0).select(b, FRAC_PI_2 / 2.0));
    // Scaled by 2^-600: x·2^-600/((x·2^-600)² + (y·2^-600)²)·2^-600.
    let down = 2f64.powi(-600);
    let (sx, sy) = (a * down, b * down);
    let inverse = sx / sx.fma(sx, sy * sy) * down;
    let infinite = x.is_infinite() | y.is_infinite();
    let re = (infinite | x.equals(0.0)).select(zero, inverse);
    let right = (x.is_nan() & !infinite).select(nan, FRAC_PI_2);
    let far = Complex::new(re, y.is_nan().select(nan, right));
    let result = pole.choose(near, far);
    Complex::new(result.re.times_sign_of(x.or_zero()), result.im.times_sign_of(y))
}

/// `asinh(z)`.
pub(super) fn asinh<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    asin(pen, z.times_i()).over_i()
}

/// `atan(z)`.
pub(super) fn atan<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    atanh(pen, z.times_i()).over_i()
}
