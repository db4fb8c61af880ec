//! Conversions between dtypes.
//!
//! Towards bool: `x != 0`, so NaN is True. Towards integers: truncation; out of range saturates, at the
//! ends of the integer asked for, and NaN gives 0, as Rust's `as`. Between integers: the low bits, the
//! wider one filled by the sign or by zeros, as the source is signed or not. Towards floats: one
//! rounding.
//!
//! | from | to | by way of |
//! |---|---|---|
//! | float | 8 and 16 bits | i32, saturated once more |
//! | float | u32 | x - 2^31 as i32: its ends are those of u32 |
//! | integers up to 32 bits | f32, f16 | f64, which holds them exactly |
//! | 64-bit integers | f16 | f64: what it rounds, above 2^53, is infinite in f16 |
//! | f16 | all | f32, which holds it exactly |

use fuse_ir::{DType, DTypeKind, Lane, Prim, Scalar, ValueId};

use crate::expander::{Call, Expander, lane_of};
use crate::integer::{TWO_31, f64_of_u32, flip_sign};

/// The operand as `call.result`.
pub fn cast(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    convert(e, call.args[0], call.operand, call.result)
}

/// `value`, of dtype `from`, as dtype `to`.
pub fn convert(e: &mut Expander<'_>, value: ValueId, from: DType, to: DType) -> ValueId {
    if from == to {
        return value;
    }
    if from == DType::F16 {
        let single = e.convert(Prim::F16ToF32, value, Lane::F32);
        return convert(e, single, DType::F32, to);
    }
    match (from.kind(), to.kind()) {
        (_, DTypeKind::Bool) => non_zero(e, value),
        (DTypeKind::Bool, _) => from_mask(e, value, to),
        (DTypeKind::Float, DTypeKind::Float) => resize_float(e, value, to),
        (DTypeKind::Float, _) => int_of_float(e, value, to),
        (_, DTypeKind::Float) => float_of_int(e, value, from, to),
        _ => resize_int(e, value, from, lane_of(to)),
    }
}

fn non_zero(e: &mut Expander<'_>, value: ValueId) -> ValueId {
    let zero = if e.lane(value).is_float() { e.float(value, 0.0) } else { e.int(value, 0) };
    let equal = if e.lane(value).is_float() { e.feq(value, zero) } else { e.ieq(value, zero) };
    e.mask_not(equal)
}

fn from_mask(e: &mut Expander<'_>, mask: ValueId, to: DType) -> ValueId {
    let lane = lane_of(to);
    let scalar = |value: i64| match to {
        DType::F16 => Scalar::int(lane, value * HALF_ONE),
        _ if lane.is_float() => Scalar::float(lane, value as f64),
        _ => Scalar::int(lane, value),
    };
    let (one, zero) = (e.constant(scalar(1)), e.constant(scalar(0)));
    e.select(mask, one, zero)
}

/// The bits of 1 in f16.
const HALF_ONE: i64 = 0x3c00;

/// Of f32 and f64 lanes.
fn resize_float(e: &mut Expander<'_>, value: ValueId, to: DType) -> ValueId {
    match (e.lane(value), to) {
        (Lane::F32, DType::F16) => e.convert(Prim::F32ToF16, value, Lane::I16),
        (_, DType::F16) => e.convert(Prim::F64ToF16, value, Lane::I16),
        (Lane::F32, _) => e.convert(Prim::Promote, value, Lane::F64),
        _ => e.convert(Prim::Demote, value, Lane::F32),
    }
}

fn int_of_float(e: &mut Expander<'_>, value: ValueId, to: DType) -> ValueId {
    match (lane_of(to), to.kind()) {
        (Lane::I64, DTypeKind::UInt) => e.convert(Prim::FToUint, value, Lane::I64),
        (Lane::I32, DTypeKind::UInt) => u32_of_float(e, value),
        (lane @ (Lane::I32 | Lane::I64), _) => e.convert(Prim::FToSint, value, lane),
        (lane, kind) => {
            let wide = e.convert(Prim::FToSint, value, Lane::I32);
            let (low, high) = match kind {
                DTypeKind::UInt => (0, lane.all_ones().cast_signed()),
                _ => (i64::MIN >> (64 - lane.bits()), i64::MAX >> (64 - lane.bits())),
            };
            let (low, high) = (e.int(wide, low), e.int(wide, high));
            let below = e.ilt_s(wide, low);
            let raised = e.select(below, low, wide);
            let above = e.ilt_s(high, raised);
            let clamped = e.select(above, high, raised);
            e.convert(Prim::TruncInt, clamped, lane)
        }
    }
}

/// trunc(x) - 2^31 is exact where it matters, and saturates where x does.
fn u32_of_float(e: &mut Expander<'_>, value: ValueId) -> ValueId {
    let single = e.lane(value) == Lane::F32;
    let double = if single { e.convert(Prim::Promote, value, Lane::F64) } else { value };
    let whole = e.ftrunc(double);
    let offset = e.float(whole, TWO_31);
    let shifted = e.fsub(whole, offset);
    let shifted = e.convert(Prim::FToSint, shifted, Lane::I32);
    let result = flip_sign(e, shifted);
    let (number, zero) = (e.feq(double, double), e.int(result, 0));
    e.select(number, result, zero)
}

fn float_of_int(e: &mut Expander<'_>, value: ValueId, from: DType, to: DType) -> ValueId {
    let unsigned = from.kind() == DTypeKind::UInt;
    if let (Lane::I64, DType::F32) = (e.lane(value), to) {
        let convert = if unsigned { Prim::UintToF32 } else { Prim::SintToF32 };
        return e.convert(convert, value, Lane::F32);
    }
    let double = match (e.lane(value), unsigned) {
        (Lane::I64, true) => e.convert(Prim::UintToF64, value, Lane::F64),
        (Lane::I32, true) => f64_of_u32(e, value),
        (Lane::I32 | Lane::I64, false) => e.convert(Prim::SintToF64, value, Lane::F64),
        _ => {
            let wide = resize_int(e, value, from, Lane::I32);
            e.convert(Prim::SintToF64, wide, Lane::F64)
        }
    };
    if to == DType::F64 { double } else { resize_float(e, double, to) }
}

fn resize_int(e: &mut Expander<'_>, value: ValueId, from: DType, to: Lane) -> ValueId {
    let extend = if from.kind() == DTypeKind::UInt { Prim::Zext } else { Prim::Sext };
    match e.lane(value).bits().cmp(&to.bits()) {
        std::cmp::Ordering::Less => e.convert(extend, value, to),
        std::cmp::Ordering::Equal => value,
        std::cmp::Ordering::Greater => e.convert(Prim::TruncInt, value, to),
    }
}
