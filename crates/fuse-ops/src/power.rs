//! `x**n` for a literal integer n.
//!
//! |n| = 0 and 1 aside, the power is the product of x^(2^i) over the set bits of |n|, lowest first:
//! |n| - 1 roundings at most, 2·log2|n| multiplications at most. For negative n it is 1/(x^|n|).
//! Integers wrap and use the same product.
//!
//! Where x^|n| overflows or is subnormal while the true power is a normal or subnormal number, a
//! rare region computes it from the parts of x = m·2^e, 1 ≤ m < 2: m^|n| < 2^64 cannot overflow, and
//! 1/m^|n| is scaled by 2^(-e·|n|) in three exact steps and a last, rounded one.

use fuse_ir::{Lane, Prim, ValueId};

use crate::expander::{Call, Expander};
use crate::pen::written;
use crate::{elementary, integer};

/// The largest |n| that is expanded.
pub const MAX_EXPONENT: u32 = 64;

/// The product of x^(2^i) over the set bits of n, lowest first; n ≥ 1.
pub fn product(e: &mut Expander<'_>, x: ValueId, n: u32) -> ValueId {
    let multiply = if e.lane(x).is_float() { Prim::FMul } else { Prim::IMul };
    let mut acc = None;
    let mut square = x;
    let mut rest = n;
    loop {
        if rest & 1 == 1 {
            acc = Some(acc.map_or(square, |acc| e.region.prim(multiply, &[acc, square])));
        }
        rest >>= 1;
        match (rest, acc) {
            (0, Some(acc)) => return acc,
            _ => square = e.region.prim(multiply, &[square, square]),
        }
    }
}

/// `x**n` for a float x and a literal n with 1 ≤ |n| ≤ [`MAX_EXPONENT`].
pub fn float_power(e: &mut Expander<'_>, call: &Call<'_>, n: i32) -> ValueId {
    let x = call.args[0];
    let positive = product(e, x, n.unsigned_abs());
    if n > 0 {
        return positive;
    }
    let one = e.float(x, 1.0);
    let reciprocal = e.fdiv(one, positive);
    if n == -1 {
        return reciprocal;
    }
    let magnitude = e.fabs(positive);
    let (least, greatest) = if e.lane(x) == Lane::F32 {
        (f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX))
    } else {
        (f64::MIN_POSITIVE, f64::MAX)
    };
    let (least, greatest) = (e.float(x, least), e.float(x, greatest));
    let (small, large) = (e.flt(magnitude, least), e.flt(greatest, magnitude));
    let outside = e.mask_or(small, large);
    e.rare(outside, &[x], &[reciprocal], |e| vec![scaled_reciprocal(e, n.unsigned_abs())])[0]
}

/// The rare region: parameter x, any float. Zeros, infinities and NaN come out of the plain
/// formula; the rest from mantissa and exponent.
fn scaled_reciprocal(e: &mut Expander<'_>, n: u32) -> ValueId {
    let x = e.param(0);
    let single = e.lane(x) == Lane::F32;
    let wide = if single { e.convert(Prim::Promote, x, Lane::F64) } else { x };
    let (mantissa, exponent) = split(e, wide);
    let power = product(e, mantissa, n);
    let one = e.float(wide, 1.0);
    let reciprocal = e.fdiv(one, power);
    let zero = e.int(exponent, 0);
    let count = e.int(exponent, i64::from(n));
    let scaled = e.imul(exponent, count);
    let k = e.isub(zero, scaled);
    let result = scale(e, reciprocal, k);

    let plain = product(e, wide, n);
    let plain = e.fdiv(one, plain);
    let (zero, infinity) = (e.float(wide, 0.0), e.float(wide, f64::INFINITY));
    let magnitude = e.fabs(wide);
    let (above, below) = (e.flt(zero, magnitude), e.flt(magnitude, infinity));
    let ordinary = e.mask_and(above, below);
    let result = e.select(ordinary, result, plain);
    if single { e.convert(Prim::Demote, result, Lane::F32) } else { result }
}

/// x = m·2^e with 1 ≤ |m| < 2, for finite x ≠ 0.
fn split(e: &mut Expander<'_>, x: ValueId) -> (ValueId, ValueId) {
    let magnitude = e.fabs(x);
    let tiny = e.float(x, f64::MIN_POSITIVE);
    let is_subnormal = e.flt(magnitude, tiny);
    let up = e.float(x, 18_014_398_509_481_984.0); // 2^54
    let scaled = e.fmul(x, up);
    let normal = e.select(is_subnormal, scaled, x);
    let bits = e.bits_of(normal);
    let (shift, field) = (e.int(bits, 52), e.int(bits, 0x7ff));
    let biased = e.shr_u(bits, shift);
    let biased = e.iand(biased, field);
    let (bias, bias_scaled) = (e.int(bits, 1023), e.int(bits, 1023 + 54));
    let bias = e.select(is_subnormal, bias_scaled, bias);
    let exponent = e.isub(biased, bias);
    let keep = e.int(bits, (0x800f_ffff_ffff_ffff_u64).cast_signed());
    let one = e.int(bits, 0x3ff0_0000_0000_0000);
    let kept = e.iand(bits, keep);
    let mantissa = e.ior(kept, one);
    (e.float_of_bits(mantissa), exponent)
}

/// x·2^k for 2^-64 ≤ |x| ≤ 1 and any k, clamped to ±2200 and cut in quarters. While the result is
/// not below half the least subnormal, three quarters of k leave x normal (2^-64 · 2^-860), so that
/// only the last multiplication rounds.
fn scale(e: &mut Expander<'_>, x: ValueId, k: ValueId) -> ValueId {
    let (low, high) = (e.int(k, -2200), e.int(k, 2200));
    let too_low = e.ilt_s(k, low);
    let k = e.select(too_low, low, k);
    let too_high = e.ilt_s(high, k);
    let k = e.select(too_high, high, k);
    let two = e.int(k, 2);
    let quarter = e.shr_s(k, two);
    let three = e.int(k, 3);
    let most = e.imul(quarter, three);
    let last = e.isub(k, most);
    let step = exp2(e, quarter);
    let x = (0..3).fold(x, |x, _| e.fmul(x, step));
    let last = exp2(e, last);
    e.fmul(x, last)
}

/// 2^k for -1022 ≤ k ≤ 1023.
fn exp2(e: &mut Expander<'_>, k: ValueId) -> ValueId {
    let bias = e.int(k, 1023);
    let biased = e.iadd(k, bias);
    let shift = e.int(biased, 52);
    let bits = e.shl(biased, shift);
    e.float_of_bits(bits)
}

/// `x**n` for a literal n of any operand: 1 for n = 0, a product, or [`float_power`].
pub fn literal(e: &mut Expander<'_>, call: &Call<'_>, n: i32) -> ValueId {
    let x = call.args[0];
    match n {
        0 if call.is_float() => e.float(x, 1.0),
        0 => e.int(x, 1),
        _ if call.is_float() => float_power(e, call, n),
        _ => product(e, x, n.unsigned_abs()),
    }
}

/// `x**y`: of floats C's pow, of integers the wrapping power.
pub fn power(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    if !call.is_float() {
        return integer::pow(e, call);
    }
    written(e, call, |pen, args| {
        let &[x, y] = args else { unreachable!("arity") };
        elementary::pow::pow(pen, x, y)
    })
}
