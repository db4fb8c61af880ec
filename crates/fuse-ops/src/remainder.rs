//! `fmod`, and `//` and `%` of floats exactly as NumPy defines them.
//!
//! **fmod.** The result r = a - trunc(a/b)·b is always representable. For |a| ≥ |b| let q be
//! trunc(fl(|a|/|b|)). While q ≤ 2^52 it is the true quotient or one more (a rounding can only carry
//! a quotient up to the integer above it), so |a| - q·|b| lies in [-|b|, |b|) and is a multiple of
//! the last place of b: one fma computes it exactly, and where it is negative one addition of |b|,
//! exact for the same reason, repairs it.
//!
//! Larger quotients go through a rare region, which reduces by |b|·2^k with k chosen so that the
//! quotient stays below 2^52, until the remainder is less than |b|: long division, 50 bits and more a round,
//! at most 42 rounds for the exponent range of f64. |b|·2^k is exact and not above |a|.
//!
//! f32 is promoted: all steps are exact there, and so is the way back.
//!
//! **`//` and `%`.** NumPy's `npy_divmod`: mod = fmod(a, b), div = (a - mod)/b; where mod is not 0 and
//! its sign differs from b's, mod += b and div -= 1; a zero mod takes b's sign; div is rounded to the
//! nearest integer, a zero div takes the sign of a/b. For b = 0: `//` is a/b, `%` is NaN.

use fuse_ir::{Lane, Prim, Scalar, ValueId};

use crate::expander::{Call, Expander};

/// Quotients up to this are reduced in one exact step.
const ONE_STEP: f64 = 4_503_599_627_370_496.0; // 2^52

/// `fmod(a, b)`: the sign of a.
pub fn fmod(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    in_f64(e, call, fmod_f64)
}

/// `a % b`: the sign of b.
pub fn modulo(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    if !call.is_float() {
        return crate::integer::modulo(e, call);
    }
    let &[a, b] = call.args else { unreachable!("arity") };
    let (_, remainder, _) = divmod(e, call, a, b);
    remainder
}

/// `a // b`.
pub fn floor_div(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    if !call.is_float() {
        return crate::integer::floor_div(e, call);
    }
    let &[a, b] = call.args else { unreachable!("arity") };
    let (quotient, _, by_zero) = divmod(e, call, a, b);
    let ratio = e.fdiv(a, b);
    e.select(by_zero, ratio, quotient)
}

/// fmod of integers or floats.
pub fn fmod_any(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    if call.is_float() { fmod(e, call) } else { crate::integer::fmod(e, call) }
}

/// NumPy's divmod: quotient, remainder, and where b is zero (the quotient means nothing there).
fn divmod(
    e: &mut Expander<'_>,
    call: &Call<'_>,
    a: ValueId,
    b: ValueId,
) -> (ValueId, ValueId, ValueId) {
    let (zero, one, half) = (e.float(a, 0.0), e.float(a, 1.0), e.float(a, 0.5));
    let remainder = fmod(e, call);
    let difference = e.fsub(a, remainder);
    let quotient = e.fdiv(difference, b);

    let exact = e.feq(remainder, zero);
    let (b_negative, r_negative) = (e.flt(b, zero), e.flt(remainder, zero));
    let call_xor = Call {
        operand: fuse_ir::DType::Bool,
        result: fuse_ir::DType::Bool,
        args: &[b_negative, r_negative],
    };
    let signs_differ = crate::arith::bit_xor(e, &call_xor);
    let inexact = e.mask_not(exact);
    let adjust = e.mask_and(signs_differ, inexact);
    let (more, less) = (e.fadd(remainder, b), e.fsub(quotient, one));
    let adjusted = e.select(adjust, more, remainder);
    let quotient = e.select(adjust, less, quotient);
    let signed_zero = e.fcopysign(zero, b);
    let remainder = e.select(exact, signed_zero, adjusted);

    let floor = e.ffloor(quotient);
    let gap = e.fsub(quotient, floor);
    let up = e.flt(half, gap);
    let next = e.fadd(floor, one);
    let rounded = e.select(up, next, floor);
    let ratio = e.fdiv(a, b);
    let signed_zero = e.fcopysign(zero, ratio);
    let is_zero = e.feq(quotient, zero);
    let quotient = e.select(is_zero, signed_zero, rounded);
    let by_zero = e.feq(b, zero);
    (quotient, remainder, by_zero)
}

/// Runs an f64 computation on f32 or f64 operands.
fn in_f64(
    e: &mut Expander<'_>,
    call: &Call<'_>,
    compute: fn(&mut Expander<'_>, ValueId, ValueId) -> ValueId,
) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    if e.lane(a) == Lane::F64 {
        return compute(e, a, b);
    }
    let (a, b) = (e.convert(Prim::Promote, a, Lane::F64), e.convert(Prim::Promote, b, Lane::F64));
    let result = compute(e, a, b);
    e.convert(Prim::Demote, result, Lane::F32)
}

fn fmod_f64(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let (x, y) = (e.fabs(a), e.fabs(b));
    let ratio = e.fdiv(x, y);
    let quotient = e.ftrunc(ratio);
    let one_step = reduce_once(e, x, y, quotient);

    // Infinite b: the quotient is 0 and 0·∞ would be NaN, but the remainder is a itself.
    let below = e.flt(x, y);
    let fast = e.select(below, x, one_step);
    let limit = e.float(x, ONE_STEP);
    let large = e.flt(limit, ratio);
    // a = ∞ or b = 0 give NaN; a finite a over a tiny b may overflow to ∞ and is a long division.
    let (infinity, zero) = (e.float(x, f64::INFINITY), e.float(x, 0.0));
    let (finite, divisible) = (e.flt(x, infinity), e.flt(zero, y));
    let defined = e.mask_and(finite, divisible);
    let long = e.mask_and(large, defined);
    let reduced = e.rare(long, &[x, y], &[fast], |e| vec![long_division(e)])[0];

    let nan = e.float(x, f64::NAN);
    let number = e.feq(y, y);
    let defined = e.mask_and(defined, number);
    let result = e.select(defined, reduced, nan);
    e.fcopysign(result, a)
}

/// x - q·y, with y added where it is negative: exact when q is the quotient or one more.
fn reduce_once(e: &mut Expander<'_>, x: ValueId, y: ValueId, q: ValueId) -> ValueId {
    let minus_q = e.fneg(q);
    let rest = e.fma(minus_q, y, x);
    let zero = e.float(x, 0.0);
    let negative = e.flt(rest, zero);
    let repaired = e.fadd(rest, y);
    e.select(negative, repaired, rest)
}

/// The rare region: parameters x ≥ 2^52·y, both finite and positive.
fn long_division(e: &mut Expander<'_>) -> ValueId {
    let (x, y) = (e.param(0), e.param(1));
    e.repeat(48, &[x, y], |e| {
        let (x, y) = (e.param(0), e.param(1));
        let scaled = scaled_divisor(e, x, y);
        let ratio = e.fdiv(x, scaled);
        let quotient = e.ftrunc(ratio);
        let x = reduce_once(e, x, scaled, quotient);
        let done = e.flt(x, y);
        let go_on = e.mask_not(done);
        vec![x, y, go_on]
    })[0]
}

/// y·2^k, where k makes its exponent 51 less than that of x, or y itself where it is closer. The
/// ratio then lies in (2^50, 2^52), and k ≤ 1023 + 1074 - 51 = 2046, two factors of at most 2^1023.
fn scaled_divisor(e: &mut Expander<'_>, x: ValueId, y: ValueId) -> ValueId {
    let (exponent_x, exponent_y) = (exponent(e, x), exponent(e, y));
    let difference = e.isub(exponent_x, exponent_y);
    let distance = e.int(difference, 51);
    let k = e.isub(difference, distance);
    let zero = e.int(k, 0);
    let close = e.ilt_s(k, zero);
    let k = e.select(close, zero, k);
    // 2^k may exceed the range of f64 (y may be subnormal), its two halves do not.
    let one = e.int(k, 1);
    let half = e.shr_u(k, one);
    let other = e.isub(k, half);
    let (low, high) = (power_of_two(e, half), power_of_two(e, other));
    let scaled = e.fmul(y, low);
    e.fmul(scaled, high)
}

/// The unbiased exponent of a positive finite number as i64, subnormals included.
fn exponent(e: &mut Expander<'_>, x: ValueId) -> ValueId {
    let tiny = e.float(x, f64::MIN_POSITIVE);
    let is_subnormal = e.flt(x, tiny);
    let scale = e.float(x, 18_014_398_509_481_984.0); // 2^54
    let scaled = e.fmul(x, scale);
    let normal = e.select(is_subnormal, scaled, x);
    let bits = e.bits_of(normal);
    let shift = e.int(bits, 52);
    let biased = e.shr_u(bits, shift);
    let (bias, bias_scaled) = (e.int(bits, 1023), e.int(bits, 1023 + 54));
    let bias = e.select(is_subnormal, bias_scaled, bias);
    e.isub(biased, bias)
}

/// 2^k for 0 ≤ k ≤ 1023.
fn power_of_two(e: &mut Expander<'_>, k: ValueId) -> ValueId {
    let bias = e.constant(Scalar::int(Lane::I64, 1023));
    let biased = e.iadd(k, bias);
    let shift = e.int(biased, 52);
    let bits = e.shl(biased, shift);
    e.float_of_bits(bits)
}
