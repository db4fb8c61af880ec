//! Square root, magnitude and angle.
//!
//! **sqrt.** With m = √(x² + y²), t = √((|x| + m)/2): the parts are t and y/(2t), exchanged where x < 0, the
//! imaginary one with the sign of y (Kahan, Branch cuts for complex elementary functions, 1987). No
//! cancellation. Error: x² + y² has 2u, m 2u, |x| + m 3u, t 2.5u, y/(2t) 3.5u: normwise below 3.5u, which is
//! 3.5 ulp at most. Each part is as accurate. The larger part of numbers outside 2^±490, zeros, infinities and
//! NaN are rare: scaled by 2^±600, the root by 2^∓300, exactly.
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
