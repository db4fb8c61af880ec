//! Sine, cosine, tangent; degrees and radians.

use crate::coefficients::trig::{
    COSINE, COSINE_SINGLE, DEGREES, DEGREES_LOW, DEGREES_LOW_SINGLE, DEGREES_SINGLE, RADIANS,
    RADIANS_LOW, RADIANS_LOW_SINGLE, RADIANS_SINGLE, SINE, SINE_SINGLE, TANGENT, TANGENT_SINGLE,
};
use crate::pen::{Pen, Value};

use super::trig_reduction::{Reduced, reduced, reduced_single};

/// `sin(x)`.
pub fn sin<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let [sine, cosine, n] = sine_and_cosine(pen, x);
    let result = in_quadrant(n, sine, cosine);
    if x.is_single() { result.narrowed() } else { result }
}

/// `cos(x)`.
pub fn cos<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let [sine, cosine, n] = sine_and_cosine(pen, x);
    let result = in_quadrant(n + 1, sine, cosine);
    if x.is_single() { result.narrowed() } else { result }
}

/// sin r and cos r as f64, and n.
fn sine_and_cosine<'p>(pen: &'p Pen, x: Value<'p>) -> [Value<'p>; 3] {
    if x.is_single() {
        let [r, n] = reduced_single(pen, x);
        let z = r * r;
        return [r * z.polynomial(&SINE_SINGLE), z.polynomial(&COSINE_SINGLE), n];
    }
    let Reduced { r, tail, n } = reduced(pen, x);
    let (z, half) = (r * r, r * -0.5);
    let near_cosine = half.fma(r, 1.0);
    let below_r = (z * z.polynomial(&SINE)).fma(r, tail * near_cosine);
    let rest = half.fma(r, 1.0 - near_cosine);
    let rest = (z * z).fma(z.polynomial(&COSINE), r.fma(tail, rest));
    [r - below_r, near_cosine + rest, n]
}

/// sin(r + n·π/2).
fn in_quadrant<'p>(n: Value<'p>, sine: Value<'p>, cosine: Value<'p>) -> Value<'p> {
    let odd = (n << 63).lt(0);
    let sign = (n & 2) << 62;
    (odd.select(cosine, sine).bits() ^ sign).as_float()
}

/// `tan(x)`.
pub fn tan<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return tan_single(pen, x);
    }
    let Reduced { r, tail, n } = reduced(pen, x);
    let z = r * r;
    // t = 2·tan(r/2); tan r = t / (1 - t²/4).
    let tail = tail.fma(z * 0.25, tail);
    let below_r = (z * z.polynomial(&TANGENT)).fma(-r, tail);
    let t_hi = r - below_r;
    let t_lo = (r - t_hi) - below_r;
    let half = t_hi * 0.5;
    let d_hi = half.fma(-half, 1.0);
    let d_lo = half.fma(-half, 1.0 - d_hi) - half * t_lo;
    let odd = (n << 63).lt(0);
    let (num_hi, num_lo) = (odd.select(d_hi, t_hi), odd.select(d_lo, t_lo));
    let (den_hi, den_lo) = (odd.select(t_hi, d_hi), odd.select(t_lo, d_lo));
    let inverse = 1.0 / den_hi;
    let quotient = num_hi * inverse;
    let excess = quotient.fma(den_lo, quotient.fma(den_hi, -num_hi)) - num_lo;
    let result = excess.fma(-inverse, quotient);
    (result.bits() ^ (n << 63)).as_float()
}

fn tan_single<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let [r, n] = reduced_single(pen, x);
    let t = r * (r * r).polynomial(&TANGENT_SINGLE);
    let d = (t * t).fma(-0.25, 1.0);
    let odd = (n << 63).lt(0);
    let quotient = odd.select(d, t) / odd.select(t, d);
    (quotient.bits() ^ (n << 63)).as_float().narrowed()
}

/// `deg2rad(x)` = x·π/180.
pub fn deg2rad<'p>(_: &'p Pen, x: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return x.fma(RADIANS_SINGLE, x * RADIANS_LOW_SINGLE);
    }
    x.fma(RADIANS, x * RADIANS_LOW)
}

/// `rad2deg(x)` = x·180/π.
pub fn rad2deg<'p>(_: &'p Pen, x: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return x.fma(DEGREES_SINGLE, x * DEGREES_LOW_SINGLE);
    }
    x.fma(DEGREES, x * DEGREES_LOW)
}
