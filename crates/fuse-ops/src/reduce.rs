//! Reductions as folds.
//!
//! A fold is state, step, merge and finish; the order in which they run is the same on every back
//! end and thread count (`docs/numerics.md`). Sums of f16 and f32 are kept in f64 and rounded once; sums
//! of bool and integers are kept in 64 bits and wrap.
//! min and max keep one state: a NaN, once chosen, stays.

use fuse_ir::{
    Builder, DType, DTypeKind, Fold, Lane, Prim, RegionBuilder, Scalar, StateSlot, ValueId,
};

use crate::expander::{Call, Expander, lane_of};
use crate::{cast, compare};

/// The fold of `sum` over elements of a dtype.
pub fn sum(operand: DType, result: DType) -> Fold {
    let state = if operand.is_float() { DType::F64 } else { result };
    let lane = lane_of(state);
    let add = if lane == Lane::F64 { Prim::FAdd } else { Prim::IAdd };
    let zero = if lane == Lane::F64 { Scalar::f64(0.0) } else { Scalar::int(lane, 0) };

    let mut step = RegionBuilder::new(&[lane, lane_of(operand)]);
    let (acc, element) = (step.param(0), step.param(1));
    let element = converted(&mut step, element, operand, state);
    let next = step.prim(add, &[acc, element]);

    let mut merge = RegionBuilder::new(&[lane, lane]);
    let both = merge.prim(add, &[merge.param(0), merge.param(1)]);

    let mut finish = RegionBuilder::new(&[lane]);
    let total = finish.param(0);
    let total = converted(&mut finish, total, state, result);

    Fold {
        state: vec![StateSlot { init: zero }],
        step: step.finish(&[next]),
        merge: merge.finish(&[both]),
        finish: finish.finish(&[total]),
    }
}

/// The fold of `max`: the larger of state and element, NaN once one was NaN.
pub fn max(operand: DType, result: DType) -> Fold {
    let least = match lane_of(operand) {
        Lane::Mask => Scalar::mask(false),
        lane if lane.is_float() => Scalar::float(lane, f64::NEG_INFINITY),
        lane if operand.kind() == DTypeKind::UInt => Scalar::int(lane, 0),
        lane => Scalar::int(lane, i64::MIN >> (64 - lane.bits())),
    };
    extremum(operand, result, least, compare::maximum)
}

/// The fold of `min`.
pub fn min(operand: DType, result: DType) -> Fold {
    let greatest = match lane_of(operand) {
        Lane::Mask => Scalar::mask(true),
        lane if lane.is_float() => Scalar::float(lane, f64::INFINITY),
        lane if operand.kind() == DTypeKind::UInt => Scalar::int(lane, -1),
        lane => Scalar::int(lane, i64::MAX >> (64 - lane.bits())),
    };
    extremum(operand, result, greatest, compare::minimum)
}

/// The fold of a choice between two values, of which `init` is never the answer of some elements.
fn extremum(
    operand: DType,
    result: DType,
    init: Scalar,
    choose: fn(&mut Expander<'_>, &Call<'_>) -> ValueId,
) -> Fold {
    let lane = lane_of(operand);
    let choice = || {
        let mut region = RegionBuilder::new(&[lane, lane]);
        let args = [region.param(0), region.param(1)];
        let mut expander = Expander { kernel: &mut Builder::new(), region: &mut region };
        let chosen = choose(&mut expander, &Call { operand, result, args: &args });
        region.finish(&[chosen])
    };
    let finish = RegionBuilder::new(&[lane]);
    let chosen = finish.param(0);
    let finish = finish.finish(&[chosen]);
    Fold { state: vec![StateSlot { init }], step: choice(), merge: choice(), finish }
}

/// A conversion inside a fold's region. Conversions need no regions of their own, so the kernel
/// that the expander asks for stays empty.
fn converted(region: &mut RegionBuilder, value: ValueId, from: DType, to: DType) -> ValueId {
    let mut kernel = Builder::new();
    cast::convert(&mut Expander { kernel: &mut kernel, region }, value, from, to)
}
