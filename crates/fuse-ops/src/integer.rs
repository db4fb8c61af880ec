//! Integer division, remainder and powers from operations that cannot trap.
//!
//! No back end has an integer division instruction in vectors, and the scalar ones trap, so integer
//! division is not a primitive. Division by zero gives 0 in quotient and remainder; MIN // -1 wraps
//! to MIN, with remainder 0.
//!
//! **32 bits.** In f64, q = trunc(a / b) is the exact truncated quotient: for |a|, |b| ≤ 2^31 a
//! quotient that is not an integer lies at least 1/|b| from the nearest one, a relative distance of
//! at least 2^-31, which the rounding of the division (2^-53) cannot bridge.
//!
//! **64 bits.** With the magnitudes a, b ≤ 2^63 as unsigned integers and b < 2^62:
//! q0 = trunc(fl(a) / fl(b)) differs from a / b by at most 2 + q·2^-51, since three roundings of
//! 2^-53 meet. So r0 = a - q0·b satisfies |r0| ≤ 2b + a·2^-51 < 2^63 + 2^12; the subtraction wraps,
//! but since |r0| < 2^63 whenever b ≤ 2^61, its signed reading is right there. q1 = floor(fl(r0) /
//! fl(b)) is then off by at most 1 (|q1| ≤ 2^13, so its own error is below one unit), and
//! r1 = r0 - q1·b lies in [-b, 2b). One correction upward and one downward end it. For b > 2^61 the
//! quotient is at most 4 and comes from comparisons alone.

use fuse_ir::{Lane, Prim, Scalar, ValueId};

use crate::expander::{Call, Expander};

/// Quotient and remainder.
struct Division {
    quotient: ValueId,
    remainder: ValueId,
}

/// `a // b`, rounded towards minus infinity.
pub fn floor_div(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    floored(e, call.args[0], call.args[1]).quotient
}

/// `a % b`, with the sign of b.
pub fn modulo(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    floored(e, call.args[0], call.args[1]).remainder
}

/// `fmod(a, b)`, with the sign of a.
pub fn fmod(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    truncated(e, call.args[0], call.args[1]).remainder
}

/// Floored division from the truncated one: where a remainder is left and the signs of a and b
/// differ, the quotient is one less and the remainder one divisor more.
fn floored(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> Division {
    let Division { quotient, remainder } = truncated(e, a, b);
    let (zero, one) = (e.int(a, 0), e.int(a, 1));
    let exact = e.ieq(remainder, zero);
    let signs = e.ixor(remainder, b);
    let differ = e.ilt_s(signs, zero);
    let some = e.mask_not(exact);
    let adjust = e.mask_and(differ, some);
    let less = e.isub(quotient, one);
    let more = e.iadd(remainder, b);
    Division {
        quotient: e.select(adjust, less, quotient),
        remainder: e.select(adjust, more, remainder),
    }
}

/// Division rounded towards zero; 0 and 0 for a zero divisor.
fn truncated(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> Division {
    let quotient = if e.lane(a) == Lane::I32 { quotient_32(e, a, b) } else { quotient_64(e, a, b) };
    let product = e.imul(quotient, b);
    let remainder = e.isub(a, product);
    let zero = e.int(a, 0);
    let by_zero = e.ieq(b, zero);
    Division {
        quotient: e.select(by_zero, zero, quotient),
        remainder: e.select(by_zero, zero, remainder),
    }
}

/// Truncated quotient of 32-bit integers for b ≠ 0. MIN / -1 saturates in the conversion and is
/// replaced by the wrapped -a.
fn quotient_32(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let double_a = e.convert(Prim::SintToF64, a, Lane::F64);
    let double_b = e.convert(Prim::SintToF64, b, Lane::F64);
    let ratio = e.fdiv(double_a, double_b);
    let quotient = e.convert(Prim::FToSint, ratio, Lane::I32);
    let (zero, minus_one) = (e.int(a, 0), e.int(a, -1));
    let negated = e.isub(zero, a);
    let by_minus_one = e.ieq(b, minus_one);
    e.select(by_minus_one, negated, quotient)
}

/// Truncated quotient of 64-bit integers for b ≠ 0.
fn quotient_64(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let (magnitude_a, magnitude_b) = (magnitude(e, a), magnitude(e, b));
    let quotient = unsigned_quotient(e, magnitude_a, magnitude_b);
    let zero = e.int(a, 0);
    let negated = e.isub(zero, quotient);
    let signs = e.ixor(a, b);
    let differ = e.ilt_s(signs, zero);
    e.select(differ, negated, quotient)
}

/// |x| as an unsigned integer.
fn magnitude(e: &mut Expander<'_>, x: ValueId) -> ValueId {
    let zero = e.int(x, 0);
    let negated = e.isub(zero, x);
    let negative = e.ilt_s(x, zero);
    e.select(negative, negated, x)
}

/// a / b for unsigned a, b ≤ 2^63 and b ≠ 0; see the module for the bounds.
fn unsigned_quotient(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let double_a = e.convert(Prim::UintToF64, a, Lane::F64);
    let double_b = e.convert(Prim::UintToF64, b, Lane::F64);
    let ratio = e.fdiv(double_a, double_b);
    let estimate = e.convert(Prim::FToUint, ratio, Lane::I64);
    let product = e.imul(estimate, b);
    let rest = e.isub(a, product);

    let double_rest = e.convert(Prim::SintToF64, rest, Lane::F64);
    let ratio = e.fdiv(double_rest, double_b);
    let step = e.ffloor(ratio);
    let step = e.convert(Prim::FToSint, step, Lane::I64);
    let product = e.imul(step, b);
    let (quotient, rest) = (e.iadd(estimate, step), e.isub(rest, product));

    let (zero, one) = (e.int(a, 0), e.int(a, 1));
    let below = e.ilt_s(rest, zero);
    let (lower, raised) = (e.isub(quotient, one), e.iadd(rest, b));
    let (quotient, rest) = (e.select(below, lower, quotient), e.select(below, raised, rest));
    let fits = e.ilt_u(rest, b);
    let higher = e.iadd(quotient, one);
    let quotient = e.select(fits, quotient, higher);

    let large = e.constant(Scalar { lane: Lane::I64, bits: 1 << 61 });
    let is_large = e.ilt_u(large, b);
    let small_quotient = quotient_by_comparison(e, a, b);
    e.select(is_large, small_quotient, quotient)
}

/// a / b for a ≤ 2^63 and b > 2^61: how many of b, 2b, 3b are not above a (4b would exceed 2^63).
fn quotient_by_comparison(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let (zero, one) = (e.int(a, 0), e.int(a, 1));
    let mut quotient = zero;
    let mut rest = a;
    for _ in 0..3 {
        let too_small = e.ilt_u(rest, b);
        let (more, less) = (e.iadd(quotient, one), e.isub(rest, b));
        quotient = e.select(too_small, quotient, more);
        rest = e.select(too_small, rest, less);
    }
    quotient
}

/// `a ** n` with an array of exponents, wrapping. Negative exponents give what the rational power
/// truncates to: 1 for base 1, ±1 for base -1, 0 otherwise.
///
/// Square and multiply over the bits of n, at most 63 rounds; lanes leave as their exponents run out.
pub fn pow(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, n] = call.args else { unreachable!("arity") };
    let (zero, one, minus_one) = (e.int(a, 0), e.int(a, 1), e.int(a, -1));
    let power = e.repeat(64, &[one, a, n], |e| {
        let (acc, base, rest) = (e.param(0), e.param(1), e.param(2));
        let (zero, one) = (e.int(rest, 0), e.int(rest, 1));
        let bit = e.iand(rest, one);
        let even = e.ieq(bit, zero);
        let product = e.imul(acc, base);
        let acc = e.select(even, acc, product);
        let base = e.imul(base, base);
        let rest = e.shr_u(rest, one);
        let done = e.ieq(rest, zero);
        let go_on = e.mask_not(done);
        vec![acc, base, rest, go_on]
    })[0];
    let odd_bit = e.iand(n, one);
    let even = e.ieq(odd_bit, zero);
    let alternating = e.select(even, one, minus_one);
    let (is_one, is_minus_one) = (e.ieq(a, one), e.ieq(a, minus_one));
    let reciprocal = e.select(is_minus_one, alternating, zero);
    let reciprocal = e.select(is_one, one, reciprocal);
    let negative = e.ilt_s(n, zero);
    e.select(negative, reciprocal, power)
}
