//! `+ - *`, `/`, negation, abs, sign and their kin.
//!
//! Each is one IEEE operation, or a wrapping integer operation, or logic on truth values: `bool + bool`
//! is or, `bool * bool` is and. `/` is true division and never sees integers (the typing rule casts
//! them). Signs are integer logic on the bits; where an operation inspects the sign of a NaN, it
//! answers as for +NaN, since the sign of a NaN is not defined inside a kernel.

use fuse_ir::{Lane, Scalar, ValueId};

use crate::expander::{Call, Expander, range_test};

/// `a + b`.
pub fn add(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    match () {
        () if call.is_bool() => e.mask_or(a, b),
        () if call.is_float() => e.fadd(a, b),
        () => e.iadd(a, b),
    }
}

/// `a - b`.
pub fn sub(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    if call.is_float() { e.fsub(a, b) } else { e.isub(a, b) }
}

/// `a * b`.
pub fn mul(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    match () {
        () if call.is_bool() => e.mask_and(a, b),
        () if call.is_float() => e.fmul(a, b),
        () => e.imul(a, b),
    }
}

/// `a / b` of floats.
pub fn div(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    e.fdiv(a, b)
}

/// `fma(a, b, c)`: written by the optimizer only.
pub fn fma(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b, c] = call.args else { unreachable!("arity") };
    e.fma(a, b, c)
}

/// `-a`.
pub fn neg(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let a = call.args[0];
    if call.is_float() {
        return e.fneg(a);
    }
    let zero = e.int(a, 0);
    e.isub(zero, a)
}

/// `a` itself.
pub fn same(_: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    call.args[0]
}

/// The first of several operands: real numbers are their own real parts.
pub fn first(_: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    call.args[0]
}

/// 1, for each element.
pub fn ones_like(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let lane = e.lane(call.args[0]);
    e.constant(match () {
        () if call.is_bool() => Scalar::mask(true),
        () if call.is_float() => Scalar::float(lane, 1.0),
        () => Scalar::int(lane, 1),
    })
}

/// 0, for each element.
pub fn zeros_like(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let lane = e.lane(call.args[0]);
    e.constant(Scalar { lane, bits: 0 })
}

/// `sqrt(a)`.
pub fn sqrt(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    e.fsqrt(call.args[0])
}

/// `abs(a)`; the smallest integer is its own absolute value.
pub fn abs(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let a = call.args[0];
    if call.is_bool() || call.is_unsigned() {
        return a;
    }
    if call.is_float() {
        return e.fabs(a);
    }
    let zero = e.int(a, 0);
    let negated = e.isub(zero, a);
    let negative = e.ilt_s(a, zero);
    e.select(negative, negated, a)
}

/// -1, 0 or 1; NaN for NaN; +0 for both zeros, as NumPy.
pub fn sign(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let a = call.args[0];
    if call.is_unsigned() {
        let (zero, one) = (e.int(a, 0), e.int(a, 1));
        let is_zero = e.ieq(a, zero);
        return e.select(is_zero, zero, one);
    }
    if !call.is_float() {
        let (zero, one, minus) = (e.int(a, 0), e.int(a, 1), e.int(a, -1));
        let (positive, negative) = (e.ilt_s(zero, a), e.ilt_s(a, zero));
        let rest = e.select(negative, minus, zero);
        return e.select(positive, one, rest);
    }
    let (zero, one, minus) = (e.float(a, 0.0), e.float(a, 1.0), e.float(a, -1.0));
    let is_zero = e.feq(a, zero);
    let (positive, negative) = (e.flt(zero, a), e.flt(a, zero));
    let rest = e.select(is_zero, zero, a);
    let rest = e.select(negative, minus, rest);
    e.select(positive, one, rest)
}

/// The magnitude of a with the sign of b; a NaN b counts as positive.
pub fn copysign(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    let nan = e.is_nan(b);
    let one = e.float(b, 1.0);
    let sign = e.select(nan, one, b);
    e.fcopysign(a, sign)
}

/// Is the sign bit set? False for NaN.
pub fn signbit(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let a = call.args[0];
    if call.is_bool() || call.is_unsigned() {
        return e.constant(Scalar::mask(false));
    }
    if !call.is_float() {
        let zero = e.int(a, 0);
        return e.ilt_s(a, zero);
    }
    let bits = e.bits_of(a);
    let zero = e.int(bits, 0);
    let set = e.ilt_s(bits, zero);
    let number = e.feq(a, a);
    e.mask_and(set, number)
}

/// `a & b`.
pub fn bit_and(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    if call.is_bool() { e.mask_and(a, b) } else { e.iand(a, b) }
}

/// `a | b`.
pub fn bit_or(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    if call.is_bool() { e.mask_or(a, b) } else { e.ior(a, b) }
}

/// `a ^ b`.
pub fn bit_xor(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    if !call.is_bool() {
        return e.ixor(a, b);
    }
    let (either, both) = (e.mask_or(a, b), e.mask_and(a, b));
    let not_both = e.mask_not(both);
    e.mask_and(either, not_both)
}

/// `~a`: complement, `not` on truth values.
pub fn invert(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let a = call.args[0];
    if call.is_bool() {
        return e.mask_not(a);
    }
    let ones = e.int(a, -1);
    e.ixor(a, ones)
}

/// `a << b`; 0 when b is negative or not less than the width. The primitive reads counts as unsigned.
pub fn shl(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    e.shl(a, b)
}

/// `a >> b`; all sign, which unsigned integers have none of, when b is negative or not less than the
/// width.
pub fn shr(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    if call.is_unsigned() { e.shr_u(a, b) } else { e.shr_s(a, b) }
}

/// What [`div_by_uniform`] needs of a divisor s, computed once a call.
#[derive(Clone, Copy, Debug)]
pub struct UniformDivisor {
    /// -s.
    pub negated: ValueId,
    /// 1/s rounded, or NaN where s is out of range: then every lane divides in the rare region.
    pub reciprocal: ValueId,
}

/// Prepares a divisor.
pub fn uniform_divisor(e: &mut Expander<'_>, s: ValueId) -> UniformDivisor {
    let range = DivisionRange::of(e.lane(s));
    let one = e.float(s, 1.0);
    let reciprocal = e.fdiv(one, s);
    let magnitude = e.fabs(s);
    let (low, high) = (e.float(s, range.divisor.0), e.float(s, range.divisor.1));
    let (above, below) = (e.fle(low, magnitude), e.fle(magnitude, high));
    let inside = e.mask_and(above, below);
    let nan = e.float(s, f64::NAN);
    let reciprocal = e.select(inside, reciprocal, nan);
    UniformDivisor { negated: e.fneg(s), reciprocal }
}

/// `a / s`, the IEEE quotient, for a uniform s, prepared; y is its reciprocal.
///
/// ```text
/// q0 = a·y;  q1 = q0 + (a - s·q0)·y;  q2 = q1 + (a - s·q1)·y       each bracket and sum one fma
/// ```
///
/// Proof that q2 = fl(a/s) when nothing over- or underflows. Scale to 1 ≤ a, s < 2; u = 2^-53.
/// 1. |y - 1/s| ≤ u/2, so q0 is within 1.5 units in the last place of a/s; the residual is computed
///    with a relative error of u at most, and q1 is the rounding of a value within 5·u² of a/s:
///    |q1 - a/s| < 1 ulp. Hence r = a - s·q1 is a multiple of ulp(s)·ulp(q1) below 2^53 of these:
///    the second bracket is exact.
/// 2. (Markstein.) Suppose a midpoint m of two floats, |m - q1| = ulp/2, lay between a/s and
///    q1 + r·y. Say a ≥ s, ulp = 2u (the other case has u for 2u throughout). a - s·m is a non-zero
///    multiple t·2u² and r = ±s·u + 2u²·t, so r·y - (m - q1) = ±u·(s·y - 1) + 2u²·t·y. It has the sign of t, since
///    |u·(s·y - 1)| ≤ u·s·u/2 < 2u²·y, that is, s² < 4. So both lie on the same side of m.
///
/// The range: 2^-500 ≤ |s| ≤ 2^500 and 2^-400 ≤ |q0| ≤ 2^500 keep |a| above 2^-900, so the last bits
/// of the residuals, 2^-106 below it, are still normal numbers (f32: 2^-40 ≤ |s| ≤ 2^60, 2^-30 ≤ |q0|
/// ≤ 2^60, |a| ≥ 2^-70 and 2^-48 below). Other lanes, zeros, infinities and NaN included, divide in a
/// rare region.
pub fn div_by_uniform(e: &mut Expander<'_>, a: ValueId, divisor: UniformDivisor) -> ValueId {
    let UniformDivisor { negated, reciprocal: y } = divisor;
    let range = DivisionRange::of(e.lane(a));
    let first = e.fmul(a, y);
    let residual = e.fma(negated, first, a);
    let second = e.fma(residual, y, first);
    let residual = e.fma(negated, second, a);
    let quotient = e.fma(residual, y, second);

    let outside = outside(e, first, range.quotient);
    e.rare(outside, &[a, negated], &[quotient], |e| {
        let (a, negated) = (e.param(0), e.param(1));
        let s = e.fneg(negated);
        vec![e.fdiv(a, s)]
    })[0]
}

/// Is |x| not in [low, high), or NaN?
fn outside(e: &mut Expander<'_>, x: ValueId, (low, high): (f64, f64)) -> ValueId {
    let (shift, greatest) = range_test(e.lane(x), low, high);
    let magnitude = e.fabs(x);
    let bits = e.bits_of(magnitude);
    let (shift, greatest) = (e.int(bits, shift), e.int(bits, greatest));
    let shifted = e.iadd(bits, shift);
    e.ilt_s(greatest, shifted)
}

/// Magnitudes for which [`div_by_uniform`] is exact.
struct DivisionRange {
    divisor: (f64, f64),
    quotient: (f64, f64),
}

impl DivisionRange {
    fn of(lane: Lane) -> DivisionRange {
        let exp2 = |exponent: i64| f64::from_bits((1023 + exponent).cast_unsigned() << 52);
        if lane == Lane::F32 {
            return DivisionRange {
                divisor: (exp2(-40), exp2(60)),
                quotient: (exp2(-30), exp2(60)),
            };
        }
        DivisionRange { divisor: (exp2(-500), exp2(500)), quotient: (exp2(-400), exp2(500)) }
    }
}
