//! Exponentials: exp, exp2, exp10, expm1; the logistic function.
//!
//! **b^x.** x = n·log_b 2 + r with n = round(x·log2 b), so b^x = 2^n·b^r and |r·ln b| ≤ ln 2 / 2. n comes
//! from adding 1.5·2^52 to x·log2 b (Hart's trick): the sum's low bits are n. log_b 2 = HI + LO with
//! n·HI exact; x - n·HI = r₁ is exact too (Sterbenz, or of few bits). r = r₁ - n·LO is rounded, but it
//! enters only the terms from r² on:
//!
//! ```text
//! b^r = 1 + L·r₁ - L·n·LO + r²·q(r)      hi = 1 + L·r₁ rounded, lo its exact error - L·n·LO + r²·q
//! ```
//!
//! L = ln b is 1 for e; else its low part is the first coefficient of q. Then hi + lo is rounded once
//! and n added to the exponent.
//!
//! Error in ulp of a result in [√½, 1), where an ulp is 2^-53 (less elsewhere): ½ for the last sum;
//! 0.03 for the polynomials, stated beside the coefficients; r is rounded by 2^-55, of which
//! |e^r - 1| ≤ 0.29 is passed on: 0.07; |lo| < 0.0625, so its rounding is 2^-58, and those of r² and q
//! bring 2^-58 each: 0.1 together. Below 0.70; f32 likewise. 10^x: L·r rounds
//! inside q as well: below 0.75.
//! Subnormal results are rounded once, in a rare region. 10^k for 0 ≤ k ≤ 22 is exact: it is a float, and
//! the sum before its rounding is nearer than half an ulp.
//!
//! **expm1.** e^x - 1 = (2^n - 1) + 2^n·(r₁ + r²/2) + 2^n·(r³·p(r) - n·LO). With h = r₁ + r²/2 rounded,
//! 2^n·h is exact, hence hi = (2^n - 1) + 2^n·h rounded leaves an exact rest (Dekker's sum: 2^n - 1 is 0
//! or larger), to which a multiply-add brings what h lacks; what 2^n - 1 lacks is added too. Where
//! n = 0, r₁ = x and nothing is lost. What is left, 0.0075·2^n, has no rounding to speak of; but r has,
//! 2^-55, of which r²/2 + … passes on 0.3·2^n: at x = 0.35, where n = 1, the result is 0.42 and an ulp
//! 2^-54, 0.3 ulp. Below 0.82. |x| ≥ 708: -1, or as exp. (Two primitives more would pass n·LO through
//! e^r instead of rounding r, and save that.)
//!
//! **sigmoid.** e = e^-|x| as hi + lo; 1 / (1 + e) or, below 0, e / (1 + e): 1 + e by Dekker's sum, the
//! quotient by a reciprocal, corrected by its residual. e has a relative error of 2^-56, the quotient's
//! is of second order: below 0.70. Far below 0, where e may be subnormal: e^x, rounded once.
//!
//! Sources: Muller et al., Handbook of Floating-Point Arithmetic, chapters 4 and 10; Tang 1989 and
//! 1992 for the splitting. Tried: exp as 1 + (r + r²·q), two primitives fewer, 0.97 ulp; expm1 with
//! r²·q(r) in one piece, four fewer, 1.02 ulp.

use super::{SHIFTER, SHIFTER_SINGLE};
use crate::coefficients::exp as c;
use crate::pen::{Double, Pen, Value};

/// What b^x needs in one dtype.
struct Base {
    /// log2 b.
    log2: f64,
    /// log_b 2 in two parts, the first of few bits; no second part where log_b 2 = 1.
    step: (f64, Option<f64>),
    /// ln b and ln b·(the second part of the step); nothing for e.
    slope: Option<(f64, f64)>,
    /// The polynomial: of r² for e, with the low part of ln b of r for others.
    tail: &'static [f64],
    /// Up to here in magnitude results are normal numbers.
    ordinary: f64,
    /// Beyond this magnitude results are 0 or infinity.
    far: f64,
}

const E: Base = Base {
    log2: c::LOG2_E,
    step: (c::LN2_HI, Some(c::LN2_LO)),
    slope: None,
    tail: &c::EXP,
    ordinary: 708.0,
    far: 800.0,
};

const E_SINGLE: Base = Base {
    log2: c::LOG2_E_SINGLE,
    step: (c::LN2_HI_SINGLE, Some(c::LN2_LO_SINGLE)),
    slope: None,
    tail: &c::EXP_SINGLE,
    ordinary: 87.0,
    far: 120.0,
};

const TWO: Base = Base {
    log2: 1.0,
    step: (1.0, None),
    slope: Some((c::LN2, 0.0)),
    tail: &c::EXP2,
    ordinary: 1021.0,
    far: 1100.0,
};

const TWO_SINGLE: Base = Base {
    slope: Some((c::LN2_SINGLE, 0.0)),
    tail: &c::EXP2_SINGLE,
    ordinary: 125.0,
    far: 160.0,
    ..TWO
};

const TEN: Base = Base {
    log2: c::LOG2_10,
    step: (c::LG2_HI, Some(c::LG2_LO)),
    slope: Some((c::LN10, c::LG2_REST)),
    tail: &c::EXP10,
    ordinary: 307.0,
    far: 340.0,
};

const TEN_SINGLE: Base = Base {
    log2: c::LOG2_10_SINGLE,
    step: (c::LG2_HI_SINGLE, Some(c::LG2_LO_SINGLE)),
    slope: Some((c::LN10_SINGLE, c::LG2_REST_SINGLE)),
    tail: &c::EXP10_SINGLE,
    ordinary: 37.0,
    far: 50.0,
};

/// `exp(x)`.
pub fn exp<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    power(pen, x, if x.is_single() { &E_SINGLE } else { &E })
}

/// `exp2(x)`: 2^x.
pub fn exp2<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    power(pen, x, if x.is_single() { &TWO_SINGLE } else { &TWO })
}

/// `exp10(x)`: 10^x; powers of ten that are floats are exact.
pub fn exp10<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    power(pen, x, if x.is_single() { &TEN_SINGLE } else { &TEN })
}

fn power<'p>(pen: &'p Pen, x: Value<'p>, base: &Base) -> Value<'p> {
    let Power { value, n } = base.power(x);
    let usual = (value.rounded().bits() + (n << fraction_bits(x))).as_float();
    let far = base.far;
    // All is computed again there, from x: kept values would take registers of the usual path.
    pen.rare(beyond(x, base.ordinary), [x], [usual], |_, [x]| {
        let result = base.power(x).rounded();
        let result = x.lt(-far).select(x.constant(0.0), result);
        [x.gt(far).select(x.constant(f64::INFINITY), result)]
    })[0]
}

/// 2^n·value, |value - 1| < 0.42.
#[derive(Clone, Copy, Debug)]
pub(super) struct Power<'p> {
    /// hi + lo, with |lo| < 0.07: not normalized. Its error is below 2^-56 (f32: 2^-26).
    pub(super) value: Double<'p>,
    /// An integer whose low bits are n and whose upper ones are those of the shifter.
    pub(super) n: Value<'p>,
}

impl<'p> Power<'p> {
    /// 2^n·(hi + lo) rounded once, for |n| < 2000 (f32: 250): subnormal or infinite too.
    pub(super) fn rounded(self) -> Value<'p> {
        let Double { hi, lo } = self.value;
        let (least, bias) = if hi.is_single() { (-126, 127) } else { (-1022, 1023) };
        let n = self.n - hi.constant(shifter(hi)).bits();
        // Beside a subnormal result's 2^n, guard + hi lies where its last place is that of the result.
        let guard = ((n.constant(least + bias) - n) << fraction_bits(hi)).as_float();
        let guard = n.lt(least).select(guard, n.lt(least + 1).select(hi.constant(0.5), 0.0));
        let sum = guard + hi;
        let rounded = (sum + ((hi - (sum - guard)) + lo)) - guard;
        scaled(rounded, n)
    }
}

impl Base {
    fn power<'p>(&self, x: Value<'p>) -> Power<'p> {
        let shifted = x.fma(self.log2, shifter(x));
        let n = shifted - shifter(x);
        let exact = if self.step.1.is_some() { n.fma(-self.step.0, x) } else { x - n };
        // In an order that keeps few values at a time: then more vectors are computed at once.
        let (hi, lo) = match self.slope {
            None => {
                let hi = exact + 1.0;
                (hi, n.fma(-self.step.1.unwrap_or(0.0), exact - (hi - 1.0)))
            }
            Some((slope, rest)) => {
                let hi = exact.fma(slope, 1.0);
                let lo = exact.fma(slope, -(hi - 1.0));
                (hi, if rest == 0.0 { lo } else { n.fma(-rest, lo) })
            }
        };
        let r = self.step.1.map_or(exact, |lo| n.fma(-lo, exact));
        let tail = r.polynomial(self.tail);
        let factor = if self.slope.is_none() { r * r } else { r };
        let value = Double::new(hi, factor.fma(tail, lo));
        Power { value, n: shifted.bits() }
    }
}

/// e^(x + tail) for |x| < 800 and a tail below an ulp of x, which enters to first order. The value is
/// normalized, its error below 2^-56 (f32: 2^-27), most of it from rounding r.
pub(super) fn power_of_e<'p>(x: Value<'p>, tail: Option<Value<'p>>) -> Power<'p> {
    let Reduced { n, exact, rest, r } = reduced(x, tail);
    let hi = exact + 1.0;
    let lo = (exact - (hi - 1.0)) + rest;
    let lo = (r * 0.5 * r).fma(after_square(r).fma(r, 1.0), lo);
    Power { value: Double::fast_two_sum(hi, lo), n }
}

/// x + tail = n·ln 2 + exact + rest, r = exact + rest rounded.
pub(super) struct Reduced<'p> {
    pub(super) n: Value<'p>,
    pub(super) exact: Value<'p>,
    pub(super) rest: Value<'p>,
    pub(super) r: Value<'p>,
}

pub(super) fn reduced<'p>(x: Value<'p>, tail: Option<Value<'p>>) -> Reduced<'p> {
    let base = if x.is_single() { E_SINGLE } else { E };
    let shifted = x.fma(base.log2, shifter(x));
    let n = shifted - shifter(x);
    let exact = n.fma(-base.step.0, x);
    let low = base.step.1.unwrap_or(0.0);
    let rest = tail.map_or_else(|| n * -low, |tail| n.fma(-low, tail));
    Reduced { n: shifted.bits(), exact, rest, r: exact + rest }
}

/// `expm1(x)`: e^x - 1.
pub fn expm1<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let (ordinary, low) = if x.is_single() { (87.0, -60.0) } else { (708.0, -100.0) };
    let usual = minus_one(x).rounded().with_sign_of(x);
    pen.rare(beyond(x, ordinary), [x], [usual], |pen, [x]| {
        [x.lt(low).select(x.constant(-1.0), exp(pen, x))]
    })[0]
}

/// `sigmoid(x)`: 1 / (1 + e^-x).
pub fn sigmoid<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let (ordinary, far) = if x.is_single() { (70.0, -120.0) } else { (670.0, -800.0) };
    let below = x.lt(0.0);
    let x_below = -x.abs();
    let Power { value, n } = power_of_e(x_below, None);
    let scale = ((n << fraction_bits(x)) + x.constant(1.0).bits()).as_float();
    let (hi, lo) = (value.hi * scale, value.lo * scale);
    let sum = hi + 1.0;
    let rest = (hi - (sum - 1.0)) + lo;
    let inverse = 1.0 / sum;
    let top = below.select(hi, 1.0);
    let quotient = top * inverse;
    let left = (-quotient).fma(sum, top) + below.select(lo, 0.0);
    let usual = (-quotient).fma(rest, left).fma(inverse, quotient);
    let args = [x, value.hi, value.lo, n];
    pen.rare(beyond(x, ordinary), args, [usual], |_, [x, hi, lo, n]| {
        // Far below 0 the sum is 1, and e^x the result.
        let result = Power { value: Double::new(hi, lo), n }.rounded();
        let result = x.lt(far).select(x.constant(0.0), result);
        [x.gt(0.0).select(x.constant(1.0), result)]
    })[0]
}

/// e^x - 1 as hi + lo, |lo| < 2^-5·|hi|: not normalized. For |x| within the ordinary range of exp; its
/// relative error is below 2^-54 (f32: 2^-25). A zero loses its sign.
fn minus_one<'p>(x: Value<'p>) -> Double<'p> {
    let Reduced { n, exact, rest, r } = reduced(x, None);
    let scale = ((n << fraction_bits(x)) + x.constant(1.0).bits()).as_float();
    let most = scale - 1.0;
    // Something is lost only where 2^n is above 2^53 or below 2^-53.
    let lost = (scale - most) - 1.0;
    let half = r * 0.5;
    let hi = scale.fma(half.fma(r, exact), most);
    let lo = (half * scale).fma(r, scale.fma(exact, -(hi - most)));
    let tail = (half * r).fma(r * after_square(r), rest);
    Double::new(hi, scale.fma(tail, lo + lost))
}

/// p of e^r = 1 + r + r²/2·(1 + r·p(r)).
fn after_square<'p>(r: Value<'p>) -> Value<'p> {
    r.polynomial(if r.is_single() { &c::EXPM1_SINGLE } else { &c::EXPM1 })
}

/// The number that rounds others of x's dtype to integers.
pub(super) fn shifter(x: Value<'_>) -> f64 {
    if x.is_single() { SHIFTER_SINGLE } else { SHIFTER }
}

/// How far the exponent stands from the right.
pub(super) fn fraction_bits(x: Value<'_>) -> i64 {
    if x.is_single() { 23 } else { 52 }
}

/// Is |x| above the bound, or x NaN? NaNs' bits are above those of all numbers.
pub(crate) fn beyond<'p>(x: Value<'p>, bound: f64) -> Value<'p> {
    x.abs().bits().gt(x.constant(bound).bits())
}

/// power·2^n in two exact steps and a rounded one, for |n| less than twice the bias and power near 1.
pub(super) fn scaled<'p>(power: Value<'p>, n: Value<'p>) -> Value<'p> {
    let half = n.shr_s(1);
    let bias = if power.is_single() { 127 } else { 1023 };
    let [first, second] = [half, n - half].map(|n| ((n + bias) << fraction_bits(power)).as_float());
    power * first * second
}
