//! Sine, cosine and tangent of any argument; degrees and radians.
//!
//! x = n·π/2 + (r - tail) comes from `trig_reduction`. With z = r², and u = 2^-53 (2^-24 for f32), which
//! is an ulp of results in [½, 1):
//!
//! **sin r** = r - B, B = z·P(z)·r + tail·w, with w ≈ cos r. At |r| = π/4, where it is worst, B = 0.08.
//! Its error: 0.062u from the rounding of z, 0.060u of P, 0.049u of z·P, 0.063u of the sum, 0.015u
//! (f32: 0.032u) from the polynomial, 0.011u from w for cos r and the rest; with the last subtraction
//! 0.76 ulp (f32: 0.78). Results below ½ have smaller terms, 0.70 ulp: hence the weight of the fit.
//!
//! **cos r** = w + L, where w = 1 - r²/2 is rounded once by a multiply-add; 1 - w is exact and gives the
//! rounding error of w by another. L = that + z²·P(z) + r·tail is below 0.016, with an error of 0.026u
//! from z, 0.010u from z², 0.012u from P, 0.016u from the sum: 0.57 ulp.
//!
//! Both are computed always, and n chooses: a formula with sin x and cos x has everything in common
//! but the choice. Choosing the coefficients instead would save nothing for one of them alone.
//!
//! **tan r** = t/(1 - t²/4), t = 2·tan(r/2): the half angle needs 9 coefficients where tan itself
//! needs 15, for its pole is four times as far in z, and leaves a smaller rounding error in front of
//! the division, which -1/tan r needs in any case. t = r - B, B = tail + z·P(z)·(3·tail - r), as 1 + z/4 ≈ 1 +
//! 3·z·P(z), is kept as a pair t + t' (Fast2Sum). So is the denominator: d = 1 - t²/4 rounded, and d' what was lost.
//! With ε = t'·(1 + t²/4)/(t·d) - d'/d the tangent is t/d·(1 + ε), its negated inverse -d/t·(1 - ε): either way
//! num/den + W/den², W = t·d·ε = t'·(1 + t²/4) - t·d', as n chooses t/d or -d/t for num/den. The quotient q comes from
//! an inverse, q·den - num from a multiply-add; less W/den it corrects q in one rounding. The inverse's relative
//! error enters squared: 2^-38 is enough for f64, seven primitives in place of a division, which keeps other
//! instructions from their ports for longer (AVX-512: 1.06 ns with it).
//! Where r is tiny the tail is not, beside it; it has to be in t, for ε enters to first order.
//! B < 0.043 has an error of 0.033u from z, 0.030u from P, 0.025u from z·P, 0.028u from 3·tail - r, 0.031u from the
//! sum, 0.016u (f32: 0.03u) from the polynomial, 0.004u from the tail's factor: 0.167u in all, 0.197u of t, times
//! 1.42 (the derivative of log tan r by log t) 0.28u of the result: 0.78 ulp (f32: 0.80); results above 1
//! have half of that error, for their ulp is 2u. P of f64 is summed by fours: everything waits for it.
//!
//! Rejected: tan r directly (15 coefficients, -1/t by quadrant) saves a few primitives and has 0.9 ulp
//! by the same count. f32 widened to f64, without tails, was built: 0.56 ulp at half again the time.
//!
//! **deg2rad, rad2deg.** x·C = x·C_hi + x·C_lo by one multiply-add: ½ ulp and 2^-52 more. Where x·C_lo
//! is subnormal it is off by half of the least number, so results beside the least normal number may
//! have 1 ulp. C_hi is rounded down: C_lo > 0 leaves zeros and infinities their sign.
//!
//! Sources: Muller, Elementary Functions, chapters 9 and 11; Markstein's correction of a quotient,
//! Handbook of Floating-Point Arithmetic, section 4.7.

use fuse_ir::Lane;

use crate::coefficients::trig::{
    COSINE, COSINE_SINGLE, DEGREES, DEGREES_LOW, DEGREES_LOW_SINGLE, DEGREES_SINGLE, INVERSE,
    RADIANS, RADIANS_LOW, RADIANS_LOW_SINGLE, RADIANS_SINGLE, SINE, SINE_SINGLE, TANGENT,
    TANGENT_SINGLE,
};
use crate::pen::{Double, Pen, Value};

use super::trig_reduction::{Reduced, reduced};

/// `sin(x)`.
pub fn sin<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let Parts { sine, cosine, n } = sine_and_cosine(pen, x);
    let (odd, _) = parity(n);
    negated_by(n & 2, odd.select(cosine, sine))
}

/// `cos(x)`.
pub fn cos<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let Parts { sine, cosine, n } = sine_and_cosine(pen, x);
    let (odd, _) = parity(n);
    negated_by((n + 1) & 2, odd.select(sine, cosine))
}

/// `tan(x)`.
pub fn tan<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let Reduced { r, tail, n } = reduced(pen, x);
    let t = twice_tangent_of_half(r, tail);
    let half = t.hi * 0.5;
    let d = (-half).fma(half, 1.0);
    let square = 1.0 - d;
    let lost = (-half).fma(half, square);
    let left = (-t.hi).fma(lost, t.lo.fma(square, t.lo));
    let (odd, sign) = parity(n);
    let num = (odd.select(d, t.hi).bits() ^ sign).as_float();
    let den = odd.select(t.hi, d);
    let inverse = if den.is_single() { 1.0 / den } else { near_inverse(den) };
    let near = num * inverse;
    // Subtracted: so zeros keep their sign.
    let excess = (-left).fma(inverse, near.fma(den, -num));
    (-excess).fma(inverse, near)
}

/// The sine and the cosine of r, and n.
struct Parts<'p> {
    sine: Value<'p>,
    cosine: Value<'p>,
    n: Value<'p>,
}

fn sine_and_cosine<'p>(pen: &'p Pen, x: Value<'p>) -> Parts<'p> {
    let Reduced { r, tail, n } = reduced(pen, x);
    let (z, minus_half) = (r * r, r * -0.5);
    let near_cosine = minus_half.fma(r, 1.0);
    let below_r = (z * by_lane(z, &SINE, &SINE_SINGLE)).fma(r, tail * near_cosine);
    let rest = minus_half.fma(r, 1.0 - near_cosine);
    let rest = (z * z).fma(by_lane(z, &COSINE, &COSINE_SINGLE), r.fma(tail, rest));
    Parts { sine: r - below_r, cosine: near_cosine + rest, n }
}

fn twice_tangent_of_half<'p>(r: Value<'p>, tail: Value<'p>) -> Double<'p> {
    let z = r * r;
    let series =
        if z.is_single() { z.polynomial(&TANGENT_SINGLE) } else { z.polynomial_by_fours(&TANGENT) };
    let below_r = (z * series).fma(tail.fma(3.0, -r), tail);
    let hi = r - below_r;
    Double::new(hi, (r - hi) - below_r)
}

/// 1/x to 2^-38, for an f64 whose inverse is normal: by its bits, and twice y·(1 + e + e²) with e = 1 - x·y.
fn near_inverse(x: Value<'_>) -> Value<'_> {
    let bits = x.bits();
    let first = (bits.constant(INVERSE) - bits).as_float();
    (0..2).fold(first, |near, _| {
        let error = (-x).fma(near, 1.0);
        near.fma(error.fma(error, error), near)
    })
}

/// The polynomial of the lane type.
fn by_lane<'p>(z: Value<'p>, double: &[f64], single: &[f64]) -> Value<'p> {
    z.polynomial(if z.is_single() { single } else { double })
}

/// Is n odd? As a mask, and as a sign bit.
fn parity(n: Value<'_>) -> (Value<'_>, Value<'_>) {
    let sign = n << sign_place(n);
    (sign.lt(0), sign)
}

/// The value, negated if the integer is 2; the other is 0.
fn negated_by<'p>(two: Value<'p>, value: Value<'p>) -> Value<'p> {
    (value.bits() ^ (two << (sign_place(two) - 1))).as_float()
}

fn sign_place(n: Value<'_>) -> i64 {
    if n.lane() == Lane::I32 { 31 } else { 63 }
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
