//! The angle of a point.
//!
//! **atan2, f64.** With q = |y|/|x| the angle in [0, π] is H + s·atan t, t = (|y| - c·|x|)/(|x| + c·|y|),
//! s the sign of x. The interval of q is told by the difference of the bits of |y| and |x|, log2 q
//! within 0.09: no quotient is needed to find c. Below q = ¼, c = 0. The table has 32 entries (15 used for
//! each sign of x): c, and H = atan c or π - atan c; c is such that H is a float within 2^-10 ulp, the
//! ends included (c = tan of what π or π/2 lack). t is num·inv(den) with its residual and the
//! denominator's rounding carried into the tail: t + tail is good to the numerator's rounding.
//! Error in ulp of the result: ½ for the last sum, |t|·2^-53 for the numerator (exact where c = 0) and as
//! much for t + tail, each at most 0.16: 0.5 + 0.32 + 0.07 for the polynomial (see
//! [`super::inverse_trig`]): 0.89; measured 0.68.
//! The rare region has all where a coordinate is outside 2^±500, zeros among them: coordinates of like
//! size are scaled, far from the diagonal the angle is |y/x| rounded once (subnormal or not), π/2 or π.
//! Rejected: the quotient first (a second division), min/max and octants (64 entries).
//!
//! **atan2, f32** in f64: quotients of f32 neither overflow nor underflow there; t = q or -1/q.

use std::f64::consts::{FRAC_PI_2, PI};

use super::roots::outside;
use crate::coefficients::inverse_trig::{ATAN, ATAN_WIDE, ATAN2_ANGLES, ATAN2_CENTRES};
use crate::pen::{Pen, Value};

/// `atan2(y, x)`.
pub fn atan2<'p>(pen: &'p Pen, y: Value<'p>, x: Value<'p>) -> Value<'p> {
    if y.is_single() {
        return single_atan2(pen, y, x);
    }
    let [rise, run] = [y.abs(), x.abs()];
    let usual = angle(rise, run, x.sign_bit()).with_sign_of(y);
    let (low, high) = (2f64.powi(-500), 2f64.powi(500));
    let unusual = outside(rise, low, high) | outside(run, low, high);
    pen.rare(unusual, [y, x], [usual], |_, [y, x]| [unusual_angle(y, x)])[0]
}

/// `arg(x)` of a real number: 0, or π where its sign is set; NaN of NaN.
pub fn angle_of_real<'p>(_: &'p Pen, x: Value<'p>) -> Value<'p> {
    let left = x.bits().lt(0);
    x.is_nan().select(x, left.select(x.constant(PI), 0.0))
}

/// The angle in [0, π] of a point whose coordinates have these magnitudes, neither huge nor tiny, and
/// whose x has that sign bit.
fn angle<'p>(rise: Value<'p>, run: Value<'p>, sign: Value<'p>) -> Value<'p> {
    let level = rise.bits() - run.bits();
    let level = level.lt(0).select(level, level.shr_s(1));
    let (least, most) = (-9_i64 << 50, 5_i64 << 50);
    let level = level.lt(least).select(level.constant(least), level);
    let level = level.gt(most).select(level.constant(most), level);
    let interval = level.shr_u(50) ^ sign.shr_u(59);
    let [c, start] = [&ATAN2_CENTRES, &ATAN2_ANGLES].map(|table| interval.lookup(table));
    let above = (-c).fma(run, rise);
    let above = (above.bits() ^ sign).as_float();
    let below = c.fma(rise, run);
    let lost = c.fma(rise, run - below);
    let inverse = 1.0 / below;
    let t = above * inverse;
    let rest = (-t).fma(lost, (-t).fma(below, above)) * inverse;
    let z = t * t;
    start + (t + (t * z).fma(z.polynomial(&ATAN), rest))
}

/// Huge, tiny and special coordinates.
fn unusual_angle<'p>(y: Value<'p>, x: Value<'p>) -> Value<'p> {
    let [rise, run] = [y.abs(), x.abs()];
    // Coordinates of like size are scaled; two infinities count as equal numbers.
    let huge = rise.gt(2f64.powi(400)) | run.gt(2f64.powi(400));
    let scale = huge.select(x.constant(2f64.powi(-700)), 2f64.powi(600));
    let diagonal = rise.equals(run);
    let [near_rise, near_run] =
        [rise, run].map(|part| diagonal.select(part.constant(1.0), part * scale));
    let sloping = angle(near_rise, near_run, x.sign_bit());
    // Elsewhere atan q = q, or an axis.
    let quotient = rise.equals(0.0).select(rise, rise / run);
    let left = x.bits().lt(0);
    let flat = left.select(x.constant(PI), quotient);
    let result = quotient.lt(2f64.powi(-60)).select(flat, sloping);
    let result = quotient.gt(2f64.powi(60)).select(x.constant(FRAC_PI_2), result);
    let ordered = x.equals(x) & y.equals(y);
    ordered.select(result.with_sign_of(y), x + y)
}

/// In f64, where quotients of f32 neither overflow nor underflow.
fn single_atan2<'p>(pen: &'p Pen, y: Value<'p>, x: Value<'p>) -> Value<'p> {
    let usual = single_angle(y.abs(), x.abs(), x).with_sign_of(y);
    // Two zeros or two infinities.
    pen.rare(usual.is_nan(), [y, x], [usual], |_, [y, x]| {
        let [rise, run] = [y.abs(), x.abs()];
        let infinite = rise.equals(f64::INFINITY);
        let rise = infinite.select(rise.constant(1.0), rise);
        let result = single_angle(rise, run.constant(1.0), x).with_sign_of(y);
        let ordered = x.equals(x) & y.equals(y);
        [ordered.select(result, x + y)]
    })[0]
}

fn single_angle<'p>(rise: Value<'p>, run: Value<'p>, x: Value<'p>) -> Value<'p> {
    let steep = rise.gt(run);
    let above = steep.select(-run, rise).widened();
    let below = steep.select(rise, run).widened();
    let t = above / below;
    let z = t * t;
    let arc = (t * z).fma(z.polynomial(&ATAN_WIDE), t);
    // 0, π/2, or back from π or π/2.
    let start = steep.select(rise.constant(1.0), 0.0);
    let left = x.bits().lt(0);
    let start = left.select(2.0 - start, start).widened();
    let sign = x.sign_bit().sign_extended() << 32;
    let arc = (arc.bits() ^ sign).as_float();
    start.fma(FRAC_PI_2, arc).narrowed()
}
