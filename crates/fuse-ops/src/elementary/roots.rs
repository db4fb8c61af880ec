//! Cube root and hypotenuse.
//!
//! **cbrt.** The bits of x, divided by -3 and shifted by a constant, are those of y0 = x^(-1/3) within
//! 3.5 % (the bits of a float are nearly its logarithm; Lomont, fdlibm). The division is one multiply-add
//! of floats: 2^52 + (bits >> 20) times -1/3. e = 1 - x·y0³, |e| < 0.103, y = y0·(1 - e)^(-1/3) by a
//! polynomial of degree 6 (f32: 3) to 2^-32 (2^-18); c = x·y² has about twice that error, δ, and a
//! Newton step c - (c³ - x)·y²/3 leaves δ²: 2^-62 (2^-35). c² is taken in two parts, so that c³ - x is good to
//! 2^-53 of itself. Error: ½ + 2^-9 ulp for δ² + the rounding of c³ - x, ⅓·|δ|·2: 0.503 (f32 0.502).
//! Cubes are exact: their δ² rounds away.
//! Rejected: c by division from a rounded c (fdlibm's; 16 primitives), Halley's step (one division).
//!
//! **hypot.** x² and y² in two parts (exact), their sum in two parts by Knuth's two-sum (no ordering
//! needed), r = √ of the high part, and r + (high - r² + low)/(2r). 1/(2r) is wanted to 2^-8 only and comes
//! from the bits of r with a Newton step, no division. Error: ½ for the last sum; the correction is at
//! most 1.25 ulp and good to 0.0026: 0.503. The rare region has sums outside [2^-900, 2^1020), zeros,
//! infinities and NaN; it scales by 2^±600 (a subnormal result rounds twice: 0.75).
//! In f32 by way of f64: two roundings there beside that of the result, 0.5 + 2^-28.

use crate::coefficients::roots::{
    RECIPROCAL, RECIPROCAL_SINGLE, SEED, SEED_SINGLE, THIRDS, THIRDS_SINGLE,
};
use crate::expander::range_test;
use crate::pen::{Double, Pen, Value};

/// `cbrt(x)`.
pub fn cbrt<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let magnitude = x.abs();
    let usual = normal_cbrt(magnitude).with_sign_of(x);
    let (low, up, down) = if x.is_single() { (-100, 48, -16) } else { (-960, 120, -40) };
    let unusual = outside(magnitude, 2f64.powi(low), f64::INFINITY);
    pen.rare(unusual, [x], [usual], |_, [x]| {
        let magnitude = x.abs();
        let root = normal_cbrt(magnitude * 2f64.powi(up)) * 2f64.powi(down);
        let same = magnitude.equals(0.0) | magnitude.equals(f64::INFINITY) | x.is_nan();
        [same.select(x, root.with_sign_of(x))]
    })[0]
}

/// The cube root of a normal positive number.
fn normal_cbrt<'p>(x: Value<'p>) -> Value<'p> {
    let inverse = inverse_cbrt(x);
    let square = inverse * inverse;
    let root = x * square;
    // root - (root³ - x)/(3·root²)
    let Double { hi, lo } = Double::two_prod(root, root);
    let excess = lo.fma(root, hi.fma(root, -x));
    excess.fma(square * (-1.0 / 3.0), root)
}

/// x^(-1/3), to 2^-32 or of f32 to 2^-18.
fn inverse_cbrt<'p>(x: Value<'p>) -> Value<'p> {
    let single = x.is_single();
    let bits = x.bits();
    let seed = if single {
        let upper = (bits.shr_u(8) | 0x4b00_0000).as_float();
        upper.fma(-1.0_f32 / 3.0, THIRDS_SINGLE).bits() << 8
    } else {
        let upper = (bits.shr_u(20) | 0x4330_0000_0000_0000_i64).as_float();
        upper.fma(-1.0 / 3.0, THIRDS).bits() << 20
    };
    let seed = seed.as_float();
    let lack = (-(x * seed)).fma(seed * seed, 1.0);
    seed * if single { lack.polynomial(&SEED_SINGLE) } else { lack.polynomial(&SEED) }
}

/// `hypot(x, y)`.
pub fn hypot<'p>(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return single_hypot(pen, x, y);
    }
    let (usual, sum) = normal_hypot(x, y);
    let unusual = outside(sum, 2f64.powi(-900), 2f64.powi(1020));
    pen.rare(unusual, [x, y], [usual], |_, [x, y]| {
        let [a, b] = [x.abs(), y.abs()];
        let huge = a.gt(2f64.powi(400)) | b.gt(2f64.powi(400));
        let [up, down] = [600, -600].map(|power| x.constant(2f64.powi(power)));
        let (scale, back) = (huge.select(down, up), huge.select(up, down));
        let (scaled, _) = normal_hypot(a * scale, b * scale);
        let infinite = a.equals(f64::INFINITY) | b.equals(f64::INFINITY);
        [infinite.select(x.constant(f64::INFINITY), scaled * back)]
    })[0]
}

/// √(x² + y²) where nothing overflows or underflows, and x² + y² rounded.
fn normal_hypot<'p>(x: Value<'p>, y: Value<'p>) -> (Value<'p>, Value<'p>) {
    let (a, b) = (Double::two_prod(x, x), Double::two_prod(y, y));
    let sum = Double::two_sum(a.hi, b.hi);
    let root = sum.hi.sqrt();
    let rest = (-root).fma(root, sum.hi) + (sum.lo + (a.lo + b.lo));
    (rest.fma(half_reciprocal(root), root), sum.hi)
}

/// 1/(2r) to 2^-8, for corrections: see [`RECIPROCAL`].
pub(super) fn half_reciprocal<'p>(r: Value<'p>) -> Value<'p> {
    let magic = if r.is_single() { RECIPROCAL_SINGLE } else { RECIPROCAL };
    let bits = r.bits();
    let near = (bits.constant(magic) - bits).as_float();
    (near * -0.5).fma(r * near, near)
}

/// Is a number without a sign not in [low, high), or NaN?
pub(crate) fn outside<'p>(x: Value<'p>, low: f64, high: f64) -> Value<'p> {
    let (shift, greatest) = range_test(x.lane(), low, high);
    (x.bits() + shift).gt(greatest)
}

/// In f64: only the sum and the root round.
fn single_hypot<'p>(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Value<'p> {
    let [a, b] = [x.widened(), y.widened()];
    let usual = a.fma(a, b * b).sqrt().narrowed();
    pen.rare(usual.is_nan(), [x, y], [usual], |_, [x, y]| {
        let sum = x.abs() + y.abs();
        let infinite = x.abs().equals(f64::INFINITY) | y.abs().equals(f64::INFINITY);
        [infinite.select(x.constant(f64::INFINITY), sum)]
    })[0]
}
