//! Arc tangent, arc sine, arc cosine.
//!
//! **atan, f64.** |x| is split at 13 points; in each interval atan|x| = atan c + atan t with
//! t = (|x| - c)/(1 + |x|·c). The interval is read from the upper bits of min(|x|, 6) + bias (a quarter
//! of a binade each, from ½ on; the bias puts one bound at tan ¼, where ulps double). Below tan ¼ c is 0
//! and t = x exactly. The last c is tan of the float π/2, 1.6·10^16: t is -1/x there in all but name, and
//! the low part of π/2 needs no column. The other c are those nearest to the balanced centre whose
//! atan c is a float within 2^-10 ulp, so none needs a low part. atan t = t + t³·p(t²), p of degree 7.
//! Error in ulp of the result: ½ for the last sum. Below tan ¼: t³·p with three roundings, at most
//! t²/3·(3/2)·2 = 0.07, and the polynomial's 2^-57: 0.07. Beyond: t has three roundings (numerator,
//! denominator, quotient) of 2^-53·t, which is at most 0.12 ulp each (the script prints it), and its own sum
//! with t³·p one more: ½ + 0.48 = 0.98 if all conspire; the numerator is exact (Sterbenz) in all but
//! the last interval, where t/ulp is small: ½ + 0.36 = 0.86. Measured 0.72.
//! Rejected: t from 1/x with selects and degree 19 (more primitives, and 1 ulp at 1); 32 entries with
//! degree 5 (2 primitives fewer at 128 bits, 2 more with AVX-512); correcting the denominator's rounding
//! (7 primitives for 0.1 ulp); min(|x|, 10^300) for the sake of infinity (5 % slower than a rare region).
//!
//! **asin, acos.** For |x| < ½ asin x = x + x³·p(x²). Beyond, z = (1 - |x|)/2 is exact and s = √z is
//! corrected by (z - s²)/(2s), with 1/(2s) from the bits of s to 2^-8; then asin|x| = π/2 - 2 asin s,
//! acos x = 2 asin s, or π - 2 asin s. The leading difference start + factor·s is exact as a sum of its
//! rounding and an error from two multiply-adds (Dekker's, |start| being the larger), so that only
//! the tail is rounded: s·z·p ≤ 0.05·s with three roundings. Error: ½ for the last sum, 0.05·2·(3/2) for
//! the tail, 2^-8·½ for the correction: below 0.66; measured 0.61 (f64), 0.69 (f32: the same formula
//! with degree 4, whose polynomial adds 2^-27.6, 0.08).
//!
//! **atan, f32** in f64: t = x, or -1/x and π/2 beyond 1, and p of degree 10 to 2^-33.8: 0.501.
//!
//! Methods: Muller, Elementary Functions, chapters 4 and 11; Gal's accurate tables for the choice of c.

use std::f64::consts::FRAC_PI_2;

use super::roots::half_reciprocal;
use crate::coefficients::inverse_trig::{
    ASIN, ASIN_SINGLE, ATAN, ATAN_ANGLES, ATAN_BIAS, ATAN_CENTRES, ATAN_WIDE, PI_REST,
    PI_REST_SINGLE,
};
use crate::pen::{Pen, Value};

/// `atan(x)`.
pub fn atan<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return single_atan(x);
    }
    let magnitude = x.abs();
    let near = magnitude.lt(6.0).select(magnitude, 6.0);
    let interval = (near + ATAN_BIAS).bits().shr_u(50);
    let [c, angle] = [&ATAN_CENTRES, &ATAN_ANGLES].map(|table| interval.lookup(table));
    let t = (magnitude - c) / magnitude.fma(c, 1.0);
    let usual = (angle + arc(t)).with_sign_of(x);
    // Infinity over infinity; any bound would do that spares the usual.
    pen.rare(magnitude.gt(1e300), [x], [usual], |_, [x]| [x.constant(FRAC_PI_2).with_sign_of(x)])[0]
}

/// atan t for the small t of the tables.
fn arc<'p>(t: Value<'p>) -> Value<'p> {
    let z = t * t;
    (t * z).fma(z.polynomial(&ATAN), t)
}

/// In f64: t = x, or -1/x and π/2 beyond 1.
fn single_atan<'p>(x: Value<'p>) -> Value<'p> {
    let magnitude = x.abs();
    let far = magnitude.gt(1.0);
    let above = far.select(magnitude.constant(-1.0), magnitude);
    let below = far.select(magnitude, 1.0);
    let below = below.widened();
    let t = above.widened() / below;
    let z = t * t;
    let angle = below.gt(1.0).select(t.constant(FRAC_PI_2), 0.0);
    (angle + (t * z).fma(z.polynomial(&ATAN_WIDE), t)).narrowed().with_sign_of(x)
}

/// `asin(x)`.
pub fn asin<'p>(_: &'p Pen, x: Value<'p>) -> Value<'p> {
    let Arc { sine, tail, outer } = reduced_asin(x);
    // Beyond 1/2: π/2 - 2·(sine + tail).
    let (right, rest) = right_angle(x);
    let lead = sine.fma(-2.0, right);
    let error = sine.fma(-2.0, right - lead) + right * rest;
    outer.select(lead + tail.fma(-2.0, error), sine + tail).with_sign_of(x)
}

/// `acos(x)`.
pub fn acos<'p>(_: &'p Pen, x: Value<'p>) -> Value<'p> {
    let Arc { sine, tail, outer } = reduced_asin(x);
    let sign = x.sign_bit();
    let [sine, tail] = [sine, tail].map(|part| (part.bits() ^ sign).as_float());
    // π/2 - asin x; beyond 1/2 twice the other arc: from 0, or back from π.
    let (right, rest) = right_angle(x);
    let end = x.lt(0.0).select(right + right, 0.0);
    let start = outer.select(end, right);
    let factor = outer.select(x.constant(2.0), -1.0);
    let lead = sine.fma(factor, start);
    let error = start.fma(rest, sine.fma(factor, start - lead));
    lead + tail.fma(factor, error)
}

/// π/2 rounded, and its rest relative to it.
fn right_angle<'p>(x: Value<'p>) -> (Value<'p>, Value<'p>) {
    let rest = if x.is_single() { PI_REST_SINGLE } else { PI_REST };
    (x.constant(FRAC_PI_2), x.constant(rest))
}

/// asin(s) = sine + tail, the tail smaller.
struct Arc<'p> {
    sine: Value<'p>,
    tail: Value<'p>,
    /// Where s = √((1 - |x|)/2), not |x|.
    outer: Value<'p>,
}

fn reduced_asin<'p>(x: Value<'p>) -> Arc<'p> {
    let magnitude = x.abs();
    let outer = magnitude.ge(0.5);
    let z = outer.select(magnitude.fma(-0.5, 0.5), magnitude * magnitude);
    let root = z.sqrt();
    let lack = (-root).fma(root, z) * half_reciprocal(root);
    let (sine, lack) = (outer.select(root, magnitude), outer.select(lack, 0.0));
    let series = if x.is_single() { z.polynomial(&ASIN_SINGLE) } else { z.polynomial(&ASIN) };
    Arc { sine, tail: (sine * z).fma(series, lack), outer }
}
