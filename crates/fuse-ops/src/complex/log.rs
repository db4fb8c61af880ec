//! Logarithms: ln|z| and the angle.
//!
//! **log.** x² + y² in two parts, as exact as 2^-104 of it, goes to the logarithm of a sum in two parts
//! (`elementary::log`), so that ln|z| = ½·ln(x² + y²) is right beside 1 as well, to 2^-105 absolute, where the angle
//! is at least 2^-53 or |z| - 1 is. Error: 0.55 ulp of ln|z|, 0.66 of the angle, so below 1 ulp normwise, and
//! of each part but where ln|z| nearly vanishes. Rare: x² + y² outside [2^-900, 2^1000): scaled by
//! 2^±600, whose logarithm is added: two roundings more, of numbers that do not cancel.
//!
//! **log2, log10.** The parts of log times 1/ln(base): a rounding for the constant, one for the product, 2 ulp.
//!
//! **log1p.** (1 + x)² + y² with 1 + x in two parts; the angle of 1 + z rounded: an error of u·sin² of it. Beside 0 the
//! sum is 1 and its low part 2x + x² + y², so both parts are accurate there.

use super::{Complex, roots::larger};
use crate::elementary::atan2::atan2;
use crate::elementary::log::{domain, log_double, log_sum};
use crate::elementary::roots::outside;
use crate::pen::{Double, Pen, Value};

/// `log(z)`, with the angle in [-π, π].
pub(super) fn log<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let modulus = log_modulus(pen, Double::new(z.re, z.re.constant(0.0)), z.im);
    Complex::new(modulus.rounded(), atan2(pen, z.im, z.re))
}

/// `log2(z)`.
pub(super) fn log2<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    log(pen, z).map(|part| part * std::f64::consts::LOG2_E)
}

/// `log10(z)`.
pub(super) fn log10<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    log(pen, z).map(|part| part * std::f64::consts::LOG10_E)
}

/// `log1p(z)`.
pub(super) fn log1p<'p>(pen: &'p Pen, z: Complex<'p>) -> Complex<'p> {
    let sum = Double::two_sum(z.re, 1.0);
    let modulus = log_modulus(pen, sum, z.im).rounded();
    let zero = z.re.equals(0.0) & z.im.equals(0.0);
    Complex::new(zero.select(z.re, modulus), atan2(pen, z.im, sum.hi))
}

/// ln|x + iy| in two parts.
pub(super) fn log_modulus<'p>(pen: &'p Pen, x: Double<'p>, y: Value<'p>) -> Double<'p> {
    let (a, b) = (Double::two_prod(x.hi, x.hi), Double::two_prod(y, y));
    let square = Double::two_sum(a.hi, b.hi);
    let low = x.lo.fma(x.hi + x.hi, a.lo + b.lo) + square.lo;
    let usual = log_sum(square.hi, low);
    let unusual = outside(square.hi, 2f64.powi(-900), 2f64.powi(1000));
    let usual = [usual.hi * 0.5, usual.lo * 0.5];
    let [hi, lo] = pen.rare(unusual, [x.hi, y], usual, |_, [x, y]| far_log(Complex::new(x, y)));
    Double::new(hi, lo)
}

/// ln|z| of huge and tiny z: of 0 -∞, of what has an infinite part ∞, else NaN of NaN.
fn far_log(z: Complex<'_>) -> [Value<'_>; 2] {
    let huge = larger(z).gt(1.0);
    let by = |tiny: f64, large: f64| huge.select(z.re.constant(large), tiny);
    let scale = by(2f64.powi(600), 2f64.powi(-600));
    let scaled = z.map(|part| part * scale);
    let square = scaled.re.fma(scaled.re, scaled.im * scaled.im);
    let log = log_double(square, 0);
    let sum = Double::two_sum(log.hi, by(-SHIFT, SHIFT));
    let (hi, lo) = (sum.hi * 0.5, (sum.lo + (log.lo + by(-SHIFT_REST, SHIFT_REST))) * 0.5);
    let infinite = z.re.is_infinite() | z.im.is_infinite();
    let edge = infinite | !(square.gt(0.0) & square.lt(f64::INFINITY));
    let limit = infinite.select(square.constant(f64::INFINITY), domain(square, square));
    [edge.select(limit, hi), edge.select(square.constant(0.0), lo)]
}

/// ln 2^1200 in two parts.
const SHIFT: f64 = 831.7766166719343;
const SHIFT_REST: f64 = 3.671034596315685e-14;
