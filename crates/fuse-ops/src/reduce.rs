//! Reductions as folds.
//!
//! A fold is state, step, merge and finish; the order in which they run is the same on every back
//! end and thread count (`docs/numerics.md`). Sums of f32 are kept in f64 and rounded once; sums of
//! bool and integers are kept in i64 and wrap.

use fuse_ir::{DType, Fold, Lane, Prim, RegionBuilder, Scalar, StateSlot};

use crate::cast;
use crate::expander::{Expander, lane_of};

/// The fold of `sum` over elements of a dtype.
pub fn sum(operand: DType, result: DType) -> Fold {
    let state = if operand.is_float() { DType::F64 } else { DType::I64 };
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

/// A conversion inside a fold's region. Conversions need no regions of their own, so the kernel
/// that the expander asks for stays empty.
fn converted(
    region: &mut RegionBuilder,
    value: fuse_ir::ValueId,
    from: DType,
    to: DType,
) -> fuse_ir::ValueId {
    let mut kernel = fuse_ir::Builder::new();
    cast::convert(&mut Expander { kernel: &mut kernel, region }, value, from, to)
}
