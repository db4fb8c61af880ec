//! Powers.
//!
//! **pow, f64.** x^y = e^(-2d), d = y·(-½·ln x) with the logarithm to about 2^-67 as hi + lo, the product by
//! `two_prod` (`logexp.rs` has both halves and their errors). By that count below 0.82 ulp;
//! measured 0.59. Exact powers come out exact, as the error before the last rounding is below ½ ulp.
//!
//! x that is not positive and normal, NaN, and |y·ln x| 0 or above 707.6 run in one rare region (the low
//! part of ln 1 in the table is 2^-200, which is nothing beside a logarithm but not beside 0): |x| with
//! subnormals scaled, y and d clamped, a result that may be subnormal rounded once, special values last.
//!
//! **pow, f32.** In f64: log2 by 16 centres and degree 6 (2^-37.5, so 2^-30 in the exponent), 2^e with
//! degree 7 (2^-34.5), narrowed once: ½ ulp + 2^-30·ln 2·2^24 + 2^-10 = 0.512 ulp at most.

use super::SHIFTER;
use super::logexp::{Parts, exp_twice_negative, half_log};
use crate::coefficients::pow::{
    SINGLE_EXP2, SINGLE_INVERSE, SINGLE_LOG, SINGLE_LOG2, SINGLE_START, START,
};
use crate::pen::{Double, Pen, Value};

/// Where -½·y·ln x is above this in magnitude the result may overflow or be subnormal.
const LIMIT: f64 = 353.8;

/// 2^80: as |ln x| ≥ 2^-53 but for x = 1, larger y make no difference.
const ENORMOUS: f64 = 1_208_925_819_614_629_174_706_176.0;

/// `x**y`.
pub fn pow<'p>(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Value<'p> {
    if x.is_single() { single(pen, x, y) } else { double(pen, x, y) }
}

fn double<'p>(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Value<'p> {
    let parts = Parts::of(x, START);
    let d = product(y, half_log(parts, parts.exponent()));
    let usual = exp_twice_negative(d).normal();
    let rare = parts.unusual() | is_zero_or_above(d.hi, LIMIT);
    pen.rare(rare, [x, y], [usual], |_, [x, y]| [special_double(x, y)])[0]
}

/// Is |d| zero, above the limit, or NaN? The magnitude's bits less 1, as an unsigned number: 0 wraps
/// around to the greatest. Adding 2^63 orders them as signed numbers.
fn is_zero_or_above(d: Value<'_>, limit: f64) -> Value<'_> {
    let wrapped = (d.bits() << 1) + i64::MAX;
    wrapped.gt((limit.to_bits().cast_signed() << 1).wrapping_add(i64::MAX))
}

/// y·(hi + lo).
fn product<'p>(y: Value<'p>, log: Double<'p>) -> Double<'p> {
    let hi = y * log.hi;
    Double::new(hi, y.fma(log.lo, y.fma(log.hi, -hi)))
}

fn single<'p>(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Value<'p> {
    let wide = x.widened();
    let parts = Parts::of(wide, SINGLE_START);
    let e = y.widened() * single_log2(parts);
    let usual = single_exp2(e).narrowed();
    let rare = parts.unusual() | e.abs().bits().gt(1000f64.to_bits().cast_signed());
    pen.rare(rare, [x, y], [usual], |_, [x, y]| [special_single(x.widened(), y.widened())])[0]
}

/// log2 x to 2^-37, relatively, of a normal f64 x > 0.
fn single_log2(parts: Parts<'_>) -> Value<'_> {
    let entry = parts.entry(SINGLE_LOG.len());
    let r = parts.significand().fma(entry.lookup(&SINGLE_INVERSE), -1.0);
    r.fma(r.polynomial(&SINGLE_LOG2), parts.exponent() + entry.lookup(&SINGLE_LOG))
}

/// 2^e to 2^-34, relatively, for |e| < 1020.
fn single_exp2(e: Value<'_>) -> Value<'_> {
    let shifted = e + SHIFTER;
    let power = (e - (shifted - SHIFTER)).polynomial(&SINGLE_EXP2);
    (power.bits() + (shifted.bits() << 52)).as_float()
}

/// The power for any x and y, which are f32 widened.
fn special_single<'p>(x: Value<'p>, y: Value<'p>) -> Value<'p> {
    let log = single_log2(Parts::of(x.abs(), SINGLE_START));
    let power = single_exp2(clamped(clamped(y, ENORMOUS) * log, 400.0));
    with_special_values(x, y, power).narrowed()
}

/// The power for any x and y.
fn special_double<'p>(x: Value<'p>, y: Value<'p>) -> Value<'p> {
    let magnitude = x.abs();
    let tiny = magnitude.lt(f64::MIN_POSITIVE);
    let normal = tiny.select(magnitude * 18_014_398_509_481_984.0, magnitude);
    let parts = Parts::of(normal, START);
    let k = parts.exponent() - tiny.select(x.constant(54.0), 0.0);
    let bounded = clamped(y, ENORMOUS);
    let d = product(bounded, half_log(parts, k));
    let hi = clamped(d.hi, 400.0);
    let lo = hi.equals(d.hi).select(d.lo, 0.0);
    let power = exp_twice_negative(Double::new(hi, lo)).any();
    with_special_values(x, y, power)
}

/// x within ±limit; NaN as it is.
fn clamped<'p>(x: Value<'p>, limit: f64) -> Value<'p> {
    let x = x.lt(-limit).select(x.constant(-limit), x);
    x.gt(limit).select(x.constant(limit), x)
}

/// The power of any x and y, given |x|**y for x neither 0 nor infinite nor NaN: in order of precedence
///
/// | x | y | x**y |
/// |---|---|---|
/// | any, NaN | ±0 | 1 |
/// | 1 | any, NaN | 1 |
/// | NaN | or NaN | NaN |
/// | ±0 | < 0 | ∞, with the sign of x if y is odd |
/// | ±0 | > 0 | 0, likewise |
/// | ±∞ | < 0 | 0, likewise |
/// | ±∞ | > 0 | ∞, likewise |
/// | finite, < 0 | not an integer | NaN |
/// | finite, < 0 | an integer | ± by its parity; infinity and floats from 2^53 are even |
fn with_special_values<'p>(x: Value<'p>, y: Value<'p>, power: Value<'p>) -> Value<'p> {
    let (zero, one) = (x.constant(0.0), x.constant(1.0));
    let (infinity, nan) = (x.constant(f64::INFINITY), x.constant(f64::NAN));
    let magnitude = x.abs();
    let (is_zero, is_infinite) = (x.equals(zero), magnitude.equals(infinity));
    let grows = (is_zero & y.lt(zero)) | (is_infinite & y.gt(zero));
    let limit = grows.select(infinity, zero);
    let power = (is_zero | is_infinite).select(limit, power);
    // y is odd if it is an integer and its half is not.
    let half = y * 0.5;
    let is_integer = y.trunc().equals(y);
    let is_odd = is_integer & !half.trunc().equals(half);
    let power = is_odd.select(power.with_sign_of(x), power);
    let undefined = x.lt(zero) & !is_infinite & !is_integer;
    let power = undefined.select(nan, power);
    let power = (x.is_nan() | y.is_nan()).select(nan, power);
    (y.equals(zero) | x.equals(one)).select(one, power)
}
