//! Integer division, remainder and powers from operations that cannot trap.
//!
//! No back end has an integer division instruction in vectors, and the scalar ones trap, so integer
//! division is not a primitive. Division by zero gives 0 in quotient and remainder; MIN // -1 wraps
//! to MIN, with remainder 0.
//!
//! **Up to 32 bits.** In f64, q = trunc(a / b) is the exact truncated quotient: for |a|, |b| ≤ 2^32 a
//! quotient that is not an integer lies at least 1/|b| from the nearest one, a relative distance of
//! at least 2^-33, which the rounding of the division (2^-53) cannot bridge. Integers of 8 and 16 bits
//! are extended to 32 before, by their own sign or by zeros, and the quotient's low bits are the result;
//! unsigned ones of 32 bits reach f64 as x - 2^31, plus 2^31, and the quotient goes back the same way.
//!
//! **64 bits.** With a < 2^64 and 0 < b ≤ 2^62 as unsigned integers (for signed ones the magnitudes,
//! which are at most 2^63): three roundings of u = 2^-53 meet in fl(a) / fl(b), so
//! q0 = trunc(fl(a) / fl(b)) lies in (a/b·(1 - 4u) - 1, a/b·(1 + 4u)], and r0 = a - q0·b in
//! [-4u·a, b + 4u·a): below -2^13 it never is, nor above 2^62 + 2^13. The subtraction wraps, but the
//! signed reading of r0 is right, hence. (A ratio that rounds to 2^64, of b = 1, saturates to 2^64 - 1,
//! which is nearer to a.) |r0/b| ≤ 2^13 + 1, so fl(r0) / fl(b) is within 2^-38 of r0/b, its floor q1 at
//! most one from the true one, and r1 = r0 - q1·b lies in [-b, 2b), which is less than 2^63. One
//! correction upward and one downward end it. For b > 2^62 the quotient is at most 3 and comes from
//! comparisons alone.

use fuse_ir::{DTypeKind, Lane, Prim, Scalar, ValueId};

use crate::expander::{Call, Expander};

/// Quotient and remainder.
struct Division {
    quotient: ValueId,
    remainder: ValueId,
}

/// `a // b`, rounded towards minus infinity.
pub fn floor_div(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    floored(e, call).quotient
}

/// `a % b`, with the sign of b.
pub fn modulo(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    floored(e, call).remainder
}

/// `fmod(a, b)`, with the sign of a.
pub fn fmod(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    truncated(e, call).remainder
}

/// Floored division from the truncated one: where a remainder is left and the signs of a and b
/// differ, the quotient is one less and the remainder one divisor more.
fn floored(e: &mut Expander<'_>, call: &Call<'_>) -> Division {
    let division = truncated(e, call);
    if call.is_unsigned() {
        return division;
    }
    let Division { quotient, remainder } = division;
    let &[a, b] = call.args else { unreachable!("arity") };
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
fn truncated(e: &mut Expander<'_>, call: &Call<'_>) -> Division {
    let &[a, b] = call.args else { unreachable!("arity") };
    let quotient = match (e.lane(a), call.operand.kind()) {
        (Lane::I64, DTypeKind::UInt) => unsigned_quotient(e, a, b),
        (Lane::I64, _) => quotient_64(e, a, b),
        (Lane::I32, DTypeKind::UInt) => unsigned_quotient_32(e, a, b),
        (Lane::I32, _) => quotient_32(e, a, b),
        (_, kind) => narrow_quotient(e, kind, a, b),
    };
    let product = e.imul(quotient, b);
    let remainder = e.isub(a, product);
    let zero = e.int(a, 0);
    let by_zero = e.ieq(b, zero);
    Division {
        quotient: e.select(by_zero, zero, quotient),
        remainder: e.select(by_zero, zero, remainder),
    }
}

/// Truncated quotient of 8- and 16-bit integers for b ≠ 0. MIN / -1 has one bit more, which is dropped:
/// it wraps.
fn narrow_quotient(e: &mut Expander<'_>, kind: DTypeKind, a: ValueId, b: ValueId) -> ValueId {
    let lane = e.lane(a);
    let extend = if kind == DTypeKind::UInt { Prim::Zext } else { Prim::Sext };
    let (a, b) = (e.convert(extend, a, Lane::I32), e.convert(extend, b, Lane::I32));
    let quotient = quotient_in_f64(e, a, b);
    e.convert(Prim::TruncInt, quotient, lane)
}

/// Truncated quotient of signed 32-bit integers for b ≠ 0. MIN / -1 saturates in the conversion and is
/// replaced by the wrapped -a.
fn quotient_32(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let quotient = quotient_in_f64(e, a, b);
    let (zero, minus_one) = (e.int(a, 0), e.int(a, -1));
    let negated = e.isub(zero, a);
    let by_minus_one = e.ieq(b, minus_one);
    e.select(by_minus_one, negated, quotient)
}

/// The quotient of I32 lanes, read as signed, saturated.
fn quotient_in_f64(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let double_a = e.convert(Prim::SintToF64, a, Lane::F64);
    let double_b = e.convert(Prim::SintToF64, b, Lane::F64);
    let ratio = e.fdiv(double_a, double_b);
    e.convert(Prim::FToSint, ratio, Lane::I32)
}

/// Quotient of unsigned 32-bit integers for b ≠ 0: between 0 and 2^32 - 1, so 2^31 less fits a signed one.
fn unsigned_quotient_32(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let (double_a, double_b) = (f64_of_u32(e, a), f64_of_u32(e, b));
    let ratio = e.fdiv(double_a, double_b);
    let whole = e.ftrunc(ratio);
    let offset = e.float(whole, TWO_31);
    let shifted = e.fsub(whole, offset);
    let shifted = e.convert(Prim::FToSint, shifted, Lane::I32);
    flip_sign(e, shifted)
}

/// 2^31.
pub(crate) const TWO_31: f64 = 2_147_483_648.0;

/// x ± 2^31 modulo 2^32.
pub(crate) fn flip_sign(e: &mut Expander<'_>, x: ValueId) -> ValueId {
    let sign = e.int(x, i64::from(i32::MIN));
    e.ixor(x, sign)
}

/// The f64 equal to an unsigned 32-bit integer.
pub(crate) fn f64_of_u32(e: &mut Expander<'_>, x: ValueId) -> ValueId {
    let shifted = flip_sign(e, x);
    let shifted = e.convert(Prim::SintToF64, shifted, Lane::F64);
    let offset = e.float(shifted, TWO_31);
    e.fadd(shifted, offset)
}

/// Truncated quotient of signed 64-bit integers for b ≠ 0.
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

/// a / b for unsigned 64-bit a and b ≠ 0; see the module for the bounds.
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

    let large = e.constant(Scalar { lane: Lane::I64, bits: 1 << 62 });
    let is_large = e.ilt_u(large, b);
    let small_quotient = quotient_by_comparison(e, a, b);
    e.select(is_large, small_quotient, quotient)
}

/// a / b for b > 2^62: how many of b, 2b, 3b are not above a (4b would exceed 2^64).
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
/// Square and multiply over the bits of n, at most 64 rounds; lanes leave as their exponents run out.
pub fn pow(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, n] = call.args else { unreachable!("arity") };
    let one = e.int(a, 1);
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
    if call.is_unsigned() { power } else { with_reciprocals(e, call, power) }
}

/// The power where n is not negative, what 1/a^|n| truncates to where it is.
fn with_reciprocals(e: &mut Expander<'_>, call: &Call<'_>, power: ValueId) -> ValueId {
    let &[a, n] = call.args else { unreachable!("arity") };
    let (zero, one, minus_one) = (e.int(a, 0), e.int(a, 1), e.int(a, -1));
    let odd_bit = e.iand(n, one);
    let even = e.ieq(odd_bit, zero);
    let alternating = e.select(even, one, minus_one);
    let (is_one, is_minus_one) = (e.ieq(a, one), e.ieq(a, minus_one));
    let reciprocal = e.select(is_minus_one, alternating, zero);
    let reciprocal = e.select(is_one, one, reciprocal);
    let negative = e.ilt_s(n, zero);
    e.select(negative, reciprocal, power)
}

/// `gcd(a, b)`: not negative, but for gcd(MIN, 0) and gcd(MIN, MIN), which wrap to MIN; gcd(0, 0) is 0.
///
/// Stein's binary algorithm on the magnitudes: both are made odd, then the larger is replaced by half
/// the difference (without further factors of 2) until they are equal. A round halves the larger at
/// least, so that the sum of the widths bounds their number; each is a dozen cheap operations.
pub fn gcd(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    let [a, b] = [a, b].map(|x| if call.is_unsigned() { x } else { magnitude(e, x) });
    gcd_of_magnitudes(e, a, b)
}

fn gcd_of_magnitudes(e: &mut Expander<'_>, a: ValueId, b: ValueId) -> ValueId {
    let both = e.ior(a, b);
    let common = trailing_zeros(e, both);
    let at_most = 2 * e.lane(a).bits();
    let (odd_a, odd_b) = (without_twos(e, a), without_twos(e, b));
    let odd = e.repeat(at_most, &[odd_a, odd_b], |e| {
        let (x, y) = (e.param(0), e.param(1));
        let swapped = e.ilt_u(x, y);
        let (larger, smaller) = (e.select(swapped, y, x), e.select(swapped, x, y));
        let difference = e.isub(larger, smaller);
        let reduced = without_twos(e, difference);
        let zero = e.int(x, 0);
        let (equal, alone) = (e.ieq(reduced, zero), e.ieq(smaller, zero));
        let done = e.mask_or(equal, alone);
        let go_on = e.mask_not(done);
        // Where one is 0 the other, the larger, is the answer; else the smaller goes on.
        let kept = e.select(alone, larger, smaller);
        vec![kept, reduced, go_on]
    })[0];
    e.shl(odd, common)
}

/// The number of trailing zero bits; the width for 0: that of leading zeros of the lowest bit alone.
fn trailing_zeros(e: &mut Expander<'_>, x: ValueId) -> ValueId {
    let (zero, one) = (e.int(x, 0), e.int(x, 1));
    let negated = e.isub(zero, x);
    let lowest = e.iand(x, negated);
    let below = e.isub(lowest, one);
    let leading = e.region.prim(Prim::Clz, &[below]);
    let width = e.int(x, i64::from(e.lane(x).bits()));
    e.isub(width, leading)
}

/// x without its factors of 2; 0 for 0.
fn without_twos(e: &mut Expander<'_>, x: ValueId) -> ValueId {
    let count = trailing_zeros(e, x);
    e.shr_u(x, count)
}

/// `lcm(a, b)`: |a / gcd · b|, wrapping; 0 where either is 0.
pub fn lcm(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let divisor = gcd(e, call);
    let &[a, b] = call.args else { unreachable!("arity") };
    let [a, b] = [a, b].map(|x| if call.is_unsigned() { x } else { magnitude(e, x) });
    let unsigned = Call { args: &[a, divisor], ..*call };
    let share = quotient_of_magnitudes(e, &unsigned);
    let product = e.imul(share, b);
    let zero = e.int(a, 0);
    let nothing = e.ieq(divisor, zero);
    e.select(nothing, zero, product)
}

/// a / b, both read as unsigned, for b ≠ 0.
fn quotient_of_magnitudes(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    match e.lane(a) {
        Lane::I64 => unsigned_quotient(e, a, b),
        Lane::I32 => unsigned_quotient_32(e, a, b),
        _ => narrow_quotient(e, DTypeKind::UInt, a, b),
    }
}

/// The number of one bits of |a|, as u8: NumPy's `bitwise_count`.
///
/// Sums of neighbouring fields of 1, 2 and 4 bits in place, then of the bytes (Warren, Hacker's Delight,
/// 5-1).
pub fn popcount(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let a = call.args[0];
    let x = if call.is_unsigned() { a } else { magnitude(e, a) };
    let field = |e: &mut Expander<'_>, byte: u8| e.int(x, i64::from_ne_bytes([byte; 8]));
    let (odd, pairs, nibbles) = (field(e, 0x55), field(e, 0x33), field(e, 0x0f));
    let shifted = |e: &mut Expander<'_>, x: ValueId, count: i64| {
        let count = e.int(x, count);
        e.shr_u(x, count)
    };
    let half = shifted(e, x, 1);
    let half = e.iand(half, odd);
    let x = e.isub(x, half);
    let (low, high) = (e.iand(x, pairs), shifted(e, x, 2));
    let high = e.iand(high, pairs);
    let x = e.iadd(low, high);
    let high = shifted(e, x, 4);
    let x = e.iadd(x, high);
    let mut x = e.iand(x, nibbles);
    let mut width = 8;
    while width < e.lane(x).bits() {
        let high = shifted(e, x, i64::from(width));
        x = e.iadd(x, high);
        width *= 2;
    }
    // The lowest byte counts all; the others hold parts of it.
    if e.lane(x) == Lane::I8 { x } else { e.convert(Prim::TruncInt, x, Lane::I8) }
}
