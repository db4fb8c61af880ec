//! Comparisons, choices, minimum and maximum, and what kind of number a float is.
//!
//! `minimum(a, b)` is `select(a < b or a is NaN, a, b)`: NaN propagates from either side, and where
//! the two compare equal (0 and -0) the second operand is the result. `maximum` mirrors it.

use fuse_ir::{Scalar, ValueId};

use crate::expander::{Call, Expander};

/// `a < b` in any dtype.
fn less(e: &mut Expander<'_>, call: &Call<'_>, a: ValueId, b: ValueId) -> ValueId {
    match () {
        () if call.is_bool() => {
            let not = e.mask_not(a);
            e.mask_and(not, b)
        }
        () if call.is_float() => e.flt(a, b),
        () if call.is_unsigned() => e.ilt_u(a, b),
        () => e.ilt_s(a, b),
    }
}

/// `a <= b` in any dtype; false with NaN.
fn less_or_equal(e: &mut Expander<'_>, call: &Call<'_>, a: ValueId, b: ValueId) -> ValueId {
    if call.is_float() {
        return e.fle(a, b);
    }
    let greater = less(e, call, b, a);
    e.mask_not(greater)
}

/// `a < b`.
pub fn lt(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    less(e, call, call.args[0], call.args[1])
}

/// `a > b`.
pub fn gt(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    less(e, call, call.args[1], call.args[0])
}

/// `a <= b`.
pub fn le(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    less_or_equal(e, call, call.args[0], call.args[1])
}

/// `a >= b`.
pub fn ge(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    less_or_equal(e, call, call.args[1], call.args[0])
}

/// `a == b`.
pub fn eq(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    match () {
        () if call.is_bool() => {
            let differ = crate::arith::bit_xor(e, call);
            e.mask_not(differ)
        }
        () if call.is_float() => e.feq(a, b),
        () => e.ieq(a, b),
    }
}

/// `a != b`; true with NaN.
pub fn ne(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let equal = eq(e, call);
    e.mask_not(equal)
}

/// `where(c, a, b)`.
pub fn where_(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[c, a, b] = call.args else { unreachable!("arity") };
    if call.is_bool() { e.select_mask(c, a, b) } else { e.select(c, a, b) }
}

/// `minimum(a, b)`.
pub fn minimum(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    if call.is_bool() {
        return e.mask_and(a, b);
    }
    extremum(e, call, a, b, |e, call| less(e, call, a, b))
}

/// `maximum(a, b)`.
pub fn maximum(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    let &[a, b] = call.args else { unreachable!("arity") };
    if call.is_bool() {
        return e.mask_or(a, b);
    }
    extremum(e, call, a, b, |e, call| less(e, call, b, a))
}

/// The first operand where `first` holds or it is NaN, else the second.
fn extremum(
    e: &mut Expander<'_>,
    call: &Call<'_>,
    a: ValueId,
    b: ValueId,
    first: impl Fn(&mut Expander<'_>, &Call<'_>) -> ValueId,
) -> ValueId {
    let mut takes_first = first(e, call);
    if call.is_float() {
        let nan = e.is_nan(a);
        takes_first = e.mask_or(takes_first, nan);
    }
    e.select(takes_first, a, b)
}

/// Is it NaN? Integers never are.
pub fn isnan(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    if !call.is_float() {
        return e.constant(Scalar::mask(false));
    }
    e.is_nan(call.args[0])
}

/// Is it infinite?
pub fn isinf(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    if !call.is_float() {
        return e.constant(Scalar::mask(false));
    }
    let magnitude = e.fabs(call.args[0]);
    let infinity = e.float(magnitude, f64::INFINITY);
    e.feq(magnitude, infinity)
}

/// Is it neither infinite nor NaN?
pub fn isfinite(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    if !call.is_float() {
        return e.constant(Scalar::mask(true));
    }
    let magnitude = e.fabs(call.args[0]);
    let infinity = e.float(magnitude, f64::INFINITY);
    e.flt(magnitude, infinity)
}
