//! `+ - *`, `/`, negation, abs, sign and their kin.
//!
//! Each is one IEEE operation, or a wrapping integer operation, or logic on truth values: `bool + bool`
//! is or, `bool * bool` is and. `/` is true division and never sees integers (the typing rule casts
//! them). Signs are integer logic on the bits; where an operation inspects the sign of a NaN, it
//! answers as for +NaN, since the sign of a NaN is not defined inside a kernel.

use fuse_ir::ValueId;

use crate::expander::{Call, Expander};

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

/// `sqrt(a)`.
pub fn sqrt(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    e.fsqrt(call.args[0])
}

/// `abs(a)`; the smallest integer is its own absolute value.
pub fn abs(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let a = call.args[0];
    if call.is_bool() {
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
    if call.is_bool() {
        return e.constant(fuse_ir::Scalar::mask(false));
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

/// `a << b`; 0 when b is negative or not less than the width.
pub fn shl(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    e.shl(a, b)
}

/// `a >> b`; all sign when b is negative or not less than the width.
pub fn shr(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    e.shr_s(a, b)
}
