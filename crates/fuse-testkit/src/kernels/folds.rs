//! Reductions: states of every lane, several states, arguments shared with outputs. The lengths of
//! the suite give whole blocks, whole granules and tails; accumulators are compared one by one.

use fuse_ir::{
    Control, Fold, Kernel, Lane, Mem, Prim, Region, RegionId, Scalar, StateSlot, ValueId,
};

use crate::assemble::Assembler;
use crate::case::{Case, Fill};
use crate::kernels::{fold_kernel, output, region, stream_kernel};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Lane::ALL.iter().map(|&lane| one_state(lane)).collect();
    cases.extend([widening_sum(), widening_step(), dot_product(), integer_sum()]);
    cases.extend([count_and_any(), minimum_with_nans(), arg_minimum()]);
    cases.extend([rare_step(), no_arguments(), fold_and_output(), three_folds(), large_state()]);
    cases
}

/// A fold whose merge tells its operands and any two orders apart, and whose finish changes the state. Kernels
/// of hosts run `step` alone.
fn fold(init: &[Scalar], args: &[Lane], step: impl FnOnce(&mut Assembler) -> Vec<ValueId>) -> Fold {
    let state: Vec<Lane> = init.iter().map(|scalar| scalar.lane).collect();
    let merge = region(&[state.as_slice(), &state].concat(), |code| {
        let pair = |slot| [code.param(slot), code.param(state.len() + slot)];
        let pairs: Vec<[ValueId; 2]> = (0..state.len()).map(pair).collect();
        pairs.into_iter().map(|[left, right]| merged(code, left, right)).collect()
    });
    let finish = region(&state, |code| {
        let params = code.params();
        params.into_iter().map(|value| merged(code, value, value)).collect()
    });
    Fold {
        state: init.iter().map(|&init| StateSlot { init }).collect(),
        step: region(&[state.as_slice(), args].concat(), step),
        merge,
        finish,
    }
}

/// `3·left + right` of numbers, `not left and right` of masks.
fn merged(code: &mut Assembler, left: ValueId, right: ValueId) -> ValueId {
    let lane = code.lane(left);
    let (times, plus) = match lane {
        Lane::Mask => {
            let left = code.prim(Prim::MaskNot, &[left]);
            return code.prim(Prim::MaskAnd, &[left, right]);
        }
        Lane::F32 | Lane::F64 => (Prim::FMul, Prim::FAdd),
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => (Prim::IMul, Prim::IAdd),
    };
    let three = if lane.is_float() { Scalar::float(lane, 3.0) } else { Scalar::int(lane, 3) };
    let three = code.constant(three);
    let product = code.prim(times, &[left, three]);
    code.prim(plus, &[product, right])
}

fn sum(lane: Lane) -> Fold {
    let zero = Scalar { lane, bits: 0 };
    fold(&[zero], &[lane], |code| {
        let add = if lane.is_float() { Prim::FAdd } else { Prim::IAdd };
        vec![code.prim(add, &code.params())]
    })
}

/// The plainest fold of each lane: sums, and for masks whether an odd number is set.
fn one_state(lane: Lane) -> Case {
    let fold = match lane {
        Lane::Mask => fold(&[Scalar::mask(false)], &[Lane::Mask], |code| {
            let (state, arg) = (code.param(0), code.param(1));
            let either = code.prim(Prim::MaskOr, &[state, arg]);
            let both = code.prim(Prim::MaskAnd, &[state, arg]);
            let not_both = code.prim(Prim::MaskNot, &[both]);
            vec![code.prim(Prim::MaskAnd, &[either, not_both])]
        }),
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::F32 | Lane::F64 => sum(lane),
    };
    let kernel = fold_kernel(&[lane.mem()], fold, |code| code.params());
    let fill = if lane == Lane::Mask { Fill::Percent(50) } else { Fill::Finite };
    Case::new(format!("fold {lane}"), kernel).filled(&[fill])
}

/// f32 elements widened in the lane region.
fn widening_sum() -> Case {
    let kernel = fold_kernel(&[Mem::F32], sum(Lane::F64), |code| {
        vec![code.prim_to(Prim::Promote, &[code.param(0)], Lane::F64)]
    });
    Case::new("fold f32 into f64", kernel).filled(&[Fill::Finite])
}

/// f32 elements widened in the step.
fn widening_step() -> Case {
    let fold = fold(&[Scalar::f64(-0.0)], &[Lane::F32, Lane::I8], |code| {
        let wide = code.prim_to(Prim::Promote, &[code.param(1)], Lane::F64);
        let int = code.prim_to(Prim::Sext, &[code.param(2)], Lane::I32);
        let float = code.prim_to(Prim::SintToF64, &[int], Lane::F64);
        vec![code.prim(Prim::Fma, &[wide, float, code.param(0)])]
    });
    let kernel = fold_kernel(&[Mem::F32, Mem::I8], fold, |code| code.params());
    Case::new("fold with conversions in its step", kernel).filled(&[Fill::Finite, Fill::Special])
}

fn dot_product() -> Case {
    let fold = fold(&[Scalar::f64(0.0)], &[Lane::F64, Lane::F64], |code| {
        vec![code.prim(Prim::Fma, &[code.param(1), code.param(2), code.param(0)])]
    });
    let kernel = fold_kernel(&[Mem::F64, Mem::F64], fold, |code| code.params());
    Case::new("fold: dot product", kernel).filled(&[Fill::Finite, Fill::Finite])
}

fn integer_sum() -> Case {
    let kernel = fold_kernel(&[Mem::I8], sum(Lane::I64), |code| {
        vec![code.prim_to(Prim::Sext, &[code.param(0)], Lane::I64)]
    });
    Case::new("fold i8 into i64", kernel)
}

/// How many masks are set, and whether any is: a mask argument, a mask in the state.
fn count_and_any() -> Case {
    let init = [Scalar::int(Lane::I64, 5), Scalar::mask(false)];
    let fold = fold(&init, &[Lane::Mask], |code| {
        let [count, any, set] = [0, 1, 2].map(|position| code.param(position));
        let one = code.int(Lane::I64, 1);
        let zero = code.int(Lane::I64, 0);
        let term = code.prim(Prim::Select, &[set, one, zero]);
        let count = code.prim(Prim::IAdd, &[count, term]);
        vec![count, code.prim(Prim::MaskOr, &[any, set])]
    });
    let kernel = fold_kernel(&[Mem::Bool], fold, |code| code.params());
    Case::new("fold: count and any", kernel).filled(&[Fill::Percent(3)])
}

/// `(min of the others, saw a NaN)`
fn minimum_with_nans() -> Case {
    let init = [Scalar::f64(f64::INFINITY), Scalar::mask(false)];
    let fold = fold(&init, &[Lane::F64], |code| {
        let [least, any, x] = [0, 1, 2].map(|position| code.param(position));
        let less = code.prim(Prim::FLt, &[x, least]);
        let least = code.prim(Prim::Select, &[less, x, least]);
        let is_number = code.prim(Prim::FEq, &[x, x]);
        let is_nan = code.prim(Prim::MaskNot, &[is_number]);
        vec![least, code.prim(Prim::MaskOr, &[any, is_nan])]
    });
    let kernel = fold_kernel(&[Mem::F64], fold, |code| code.params());
    Case::new("fold: minimum and NaNs", kernel)
}

/// `(least, its index)`
fn arg_minimum() -> Case {
    let init = [Scalar::f32(f32::INFINITY), Scalar::int(Lane::I64, -1)];
    let fold = fold(&init, &[Lane::F32, Lane::I64], |code| {
        let [least, at, x, index] = [0, 1, 2, 3].map(|position| code.param(position));
        let less = code.prim(Prim::FLt, &[x, least]);
        let least = code.prim(Prim::Select, &[less, x, least]);
        vec![least, code.prim(Prim::Select, &[less, index, at])]
    });
    let kernel = fold_kernel(&[Mem::F32], fold, |code| {
        let index = code.prim(Prim::LaneIndex, &[]);
        vec![code.param(0), index]
    });
    let mut case = Case::new("fold: index of the minimum", kernel);
    case.first_index = 5 << 32;
    case
}

/// A step with a slow path: roots of negative elements count as -1.
fn rare_step() -> Case {
    let slow: Region = region(&[Lane::F64], |code| {
        let minus_one = code.f64(-1.0);
        vec![code.prim(Prim::FAdd, &[code.param(0), minus_one])]
    });
    let fold = fold(&[Scalar::f64(0.0)], &[Lane::F64], |code| {
        let (total, x) = (code.param(0), code.param(1));
        let zero = code.f64(0.0);
        let negative = code.prim(Prim::FLt, &[x, zero]);
        let root = code.prim(Prim::FSqrt, &[x]);
        let added = code.prim(Prim::FAdd, &[total, root]);
        let control = Control::Rare {
            mask: negative,
            region: RegionId::new(0),
            args: vec![total],
            otherwise: vec![added],
        };
        code.control(control, &[Lane::F64])
    });
    let kernel = fold_kernel(&[Mem::F64], fold, |code| code.params());
    Case::new("fold with rare in its step", Kernel { regions: vec![slow], ..kernel })
        .filled(&[Fill::Finite])
}

/// A step without arguments counts elements: all that it sees is the tail.
fn no_arguments() -> Case {
    let fold = fold(&[Scalar::int(Lane::I16, 0)], &[], |code| {
        let one = code.int(Lane::I16, 1);
        vec![code.prim(Prim::IAdd, &[code.param(0), one])]
    });
    Case::new("fold that counts", fold_kernel(&[Mem::F64], fold, |_| vec![]))
}

fn fold_and_output() -> Case {
    let mut kernel = stream_kernel(&[Mem::F64], &[Mem::F64], |code| {
        let a = code.param(0);
        let square = code.prim(Prim::FMul, &[a, a]);
        vec![square, square]
    });
    kernel.folds = vec![sum(Lane::F64)];
    Case::new("fold and output", kernel).filled(&[Fill::Finite])
}

/// Folds of different widths over the same elements, beside a narrow output.
fn three_folds() -> Case {
    let mut kernel = stream_kernel(&[Mem::F32, Mem::I16], &[Mem::Bool], |code| {
        let (a, b) = (code.param(0), code.param(1));
        let zero = code.constant(Scalar::f32(0.0));
        let positive = code.prim(Prim::FLt, &[zero, a]);
        vec![positive, a, b, b]
    });
    let product = fold(&[Scalar::int(Lane::I16, 1)], &[Lane::I16], |code| {
        vec![code.prim(Prim::IMul, &code.params())]
    });
    kernel.folds = vec![sum(Lane::F32), product, sum(Lane::I16)];
    Case::new("three folds", kernel).filled(&[Fill::Finite, Fill::Special])
}

/// Twelve f64 states, more than a register file holds for 32 lanes.
fn large_state() -> Case {
    let init: Vec<Scalar> = (0..12).map(|i| Scalar::f64(f64::from(i))).collect();
    let fold = fold(&init, &[Lane::F64], |code| {
        let x = code.param(12);
        let mut next: Vec<ValueId> = Vec::new();
        for position in 0..12 {
            let state = code.param((position + 5) % 12);
            let scale = code.f64(1.0 / (2.0 + position as f64));
            next.push(code.prim(Prim::Fma, &[state, scale, x]));
        }
        next
    });
    let mut kernel = fold_kernel(&[Mem::F64], fold, |code| vec![code.param(0), code.param(0)]);
    kernel.outputs = vec![output(Mem::F64)];
    Case::new("fold with twelve states", kernel).filled(&[Fill::Finite])
}
