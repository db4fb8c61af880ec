//! Square root, magnitude, angle and sign.
//!
//! **sqrt.** With m = √(x² + y²), t = √((|x| + m)/2): the parts are t and y/(2t), exchanged where x < 0, the
//! imaginary one with the sign of y (Kahan, Branch cuts for complex elementary functions, 1987). No
//! cancellation. Error: x² + y² has 2u, m 2u, |x| + m 3u, t 2.5u, y/(2t) 3.5u: normwise below 3.5u, which is
//! 3.5 ulp at most. Each part is as accurate. The larger part of numbers outside 2^±490, zeros, infinities and
//! NaN are rare: scaled by 2^±600, the root by 2^∓300, exactly.
//!
//! **sign** is z/|z|: √(x² + y²) has 2u, a quotient u more: 3u, which is 1.5 ulp of the magnitude 1. Scaled as sqrt is,
//! but not back.
//!
//! **abs, arg** are the real functions `hypot` and `atan2`, in the lanes of the parts.

use super::Complex;
use crate::elementary::{self, roots::outside};
use crate::pen::{Pen, Value};

/// `abs(z)`.
pub(super) fn abs<'p>(pen: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![elementary::roots::hypot(pen, args[0], args[1])]
}

/// `arg(z)`.
pub(super) fn arg<'p>(pen: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![elementary::atan2::atan2(pen, args[1], args[0])]
}

/// The magnitude of the larger part; the first if one is NaN.
pub(super) fn larger(z: Complex<'_>) -> Value<'_> {
    let (a, b) = (z.re.abs(), z.im.abs());
    a.lt(b).select(b, a)
}

/// `sqrt(z)`: its real part is not negative.
pub(super) fn sqrt<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let square = norm(z);
    let unusual = outside(square, 2f64.powi(-980), 2f64.powi(1000));
    root(z, square).rare(pen, unusual, [z.re, z.im], |_, [x, y]| unusual_root(Complex::new(x, y)))
}

/// `sign(z)`: z/|z|, 0 of 0. As NumPy's: of an infinite part ±1, NaN of two infinite ones.
pub(super) fn sign<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let square = norm(z);
    let unusual = outside(square, 2f64.powi(-980), 2f64.powi(1000));
    let root = square.sqrt();
    z.map(|part| part / root)
        .rare(pen, unusual, [z.re, z.im], |_, [x, y]| unusual_sign(Complex::new(x, y)))
}

fn unusual_sign<'p>(z: Complex<'p>) -> Complex<'p> {
    let scale = larger(z).gt(1.0).select(z.re.constant(2f64.powi(-600)), 2f64.powi(600));
    let scaled = z.map(|part| part * scale);
    let root = norm(scaled).sqrt();
    let [zero, one] = [0.0, 1.0].map(|number| z.re.constant(number));
    let is_zero = z.re.equals(0.0) & z.im.equals(0.0);
    let result = is_zero.choose(Complex::new(zero, zero), scaled.map(|part| part / root));
    let (across, along) = (z.re.is_infinite(), z.im.is_infinite());
    let result = across.choose(Complex::new(one.with_sign_of(z.re.or_zero()), zero), result);
    let result = along.choose(Complex::new(zero, one.with_sign_of(z.im.or_zero())), result);
    let nan = z.re.constant(f64::NAN);
    (across & along).choose(Complex::new(nan, nan), result)
}

/// x² + y², rounded twice.
fn norm(z: Complex<'_>) -> Value<'_> {
    z.re.fma(z.re, z.im * z.im)
}

fn root<'p>(z: Complex<'p>, square: Value<'p>) -> Complex<'p> {
    let most = ((z.re.abs() + square.sqrt()) * 0.5).sqrt();
    let least = z.im.abs() / (most + most);
    let left = z.re.lt(0.0);
    Complex::new(left.select(least, most), left.select(most, least).with_sign_of(z.im))
}

/// | x | y | √ |
/// |---|---|---|
/// | ±0 | ±0 | 0 ± 0i |
/// | any, NaN | ±∞ | ∞ ± ∞i |
/// | ∞ | finite | ∞ ± 0i |
/// | ∞ | NaN | ∞ + NaN i |
/// | -∞ | finite | 0 ± ∞i |
/// | -∞ | NaN | NaN + ∞i |
/// | other NaN | | NaN + NaN i |
fn unusual_root<'p>(z: Complex<'p>) -> Complex<'p> {
    let Complex { re: x, im: y } = z;
    let huge = larger(z).gt(1.0);
    let by = |power: i32| {
        let [down, up] = [-power, power].map(|power| x.constant(2f64.powi(power)));
        huge.select(down, up)
    };
    let (scale, back) = (by(600), by(-300));
    let scaled = z.map(|part| part * scale);
    let result = root(scaled, norm(scaled)).map(|part| part * back);
    let zero = x.constant(0.0);
    let result = (x.equals(0.0) & y.equals(0.0)).choose(Complex::new(zero, y), result);
    // A zero, or NaN where y is NaN.
    let nothing = y.is_nan().select(y, 0.0);
    let infinity = x.constant(f64::INFINITY);
    let right = Complex::new(infinity, nothing.times_sign_of(y));
    let left = Complex::new(nothing, infinity.with_sign_of(y.or_zero()));
    let result = x.equals(f64::INFINITY).choose(right, result);
    let result = x.equals(f64::NEG_INFINITY).choose(left, result);
    y.is_infinite().choose(Complex::new(infinity, y), result)
}
