//! Conversions between dtypes.
//!
//! Towards bool: `x != 0`, so NaN is True. Towards integers: truncation; out of range saturates and
//! NaN gives 0, as Rust's `as`. Between integers: the low bits. Towards floats: one rounding. An
//! i32 reaches f32 through f64, which holds it exactly.

use fuse_ir::{DType, DTypeKind, Lane, Prim, Scalar, ValueId};

use crate::expander::{Call, Expander, lane_of};

/// The operand as `call.result`.
pub fn cast(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    convert(e, call.args[0], call.operand, call.result)
}

/// `value`, of dtype `from`, as dtype `to`.
pub fn convert(e: &mut Expander<'_>, value: ValueId, from: DType, to: DType) -> ValueId {
    if from == to {
        return value;
    }
    match (from.kind(), to.kind()) {
        (_, DTypeKind::Bool) => non_zero(e, value),
        (DTypeKind::Bool, _) => from_mask(e, value, to),
        (DTypeKind::Float, DTypeKind::Float) => match lane_of(to) {
            Lane::F32 => e.convert(Prim::Demote, value, Lane::F32),
            lane => e.convert(Prim::Promote, value, lane),
        },
        (DTypeKind::Float, _) => e.convert(Prim::FToSint, value, lane_of(to)),
        (_, DTypeKind::Float) => float_of_int(e, value, lane_of(to)),
        _ => resize_int(e, value, lane_of(to)),
    }
}

fn non_zero(e: &mut Expander<'_>, value: ValueId) -> ValueId {
    let zero = if e.lane(value).is_float() { e.float(value, 0.0) } else { e.int(value, 0) };
    let equal = if e.lane(value).is_float() { e.feq(value, zero) } else { e.ieq(value, zero) };
    e.mask_not(equal)
}

fn from_mask(e: &mut Expander<'_>, mask: ValueId, to: DType) -> ValueId {
    let lane = lane_of(to);
    let scalar = |value: i8| {
        if lane.is_float() {
            Scalar::float(lane, f64::from(value))
        } else {
            Scalar::int(lane, i64::from(value))
        }
    };
    let (one, zero) = (e.constant(scalar(1)), e.constant(scalar(0)));
    e.select(mask, one, zero)
}

fn float_of_int(e: &mut Expander<'_>, value: ValueId, to: Lane) -> ValueId {
    match (e.lane(value), to) {
        (Lane::I64, Lane::F32) => e.convert(Prim::SintToF32, value, Lane::F32),
        (_, Lane::F32) => {
            let double = e.convert(Prim::SintToF64, value, Lane::F64);
            e.convert(Prim::Demote, double, Lane::F32)
        }
        (_, lane) => e.convert(Prim::SintToF64, value, lane),
    }
}

fn resize_int(e: &mut Expander<'_>, value: ValueId, to: Lane) -> ValueId {
    let from = e.lane(value);
    match from.bits().cmp(&to.bits()) {
        std::cmp::Ordering::Less => e.convert(Prim::Sext, value, to),
        std::cmp::Ordering::Equal => value,
        std::cmp::Ordering::Greater => e.convert(Prim::TruncInt, value, to),
    }
}
