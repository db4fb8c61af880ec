//! Kernels in which lanes of different widths meet, masks serve several widths, and registers run out.

use fuse_ir::{Kernel, Lane, Mem, Prim, Scalar, ValueId};

use crate::assemble::Assembler;
use crate::case::Case;
use crate::kernels::{splat, stream_kernel};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        bytes_to_floats(),
        floats_to_bools(),
        integer_widths(),
        masks_between_widths(),
        one_mask_for_all(),
        half_floats(),
        many_inputs_and_outputs(),
        deep_chain(),
        live_masks(),
        live_splats(),
        negated_factors(Lane::F64, Mem::F64),
        negated_factors(Lane::F32, Mem::F32),
    ];
    for lane in [Lane::F64, Lane::F32, Lane::I64, Lane::I8] {
        cases.push(live_values(lane, 60));
    }
    cases.push(live_values(Lane::F64, 600));
    for &from in Lane::ALL {
        cases.extend(mask_of(from));
    }
    cases
}

/// `-0.0 - x` as each operand of a multiply-add, which back ends may absorb, alone and beside a use of
/// its own; +0.0 - x, which they may not.
fn negated_factors(lane: Lane, mem: Mem) -> Case {
    let kernel = stream_kernel(&[mem; 3], &[mem; 7], |code| {
        let [a, b, c] = [0, 1, 2].map(|position| code.param(position));
        let zero = code.constant(Scalar::float(lane, 0.0));
        let minus_zero = code.constant(Scalar::float(lane, -0.0));
        let negative = [a, b, c].map(|value| code.prim(Prim::FSub, &[minus_zero, value]));
        let from_zero = code.prim(Prim::FSub, &[zero, c]);
        let all = [
            [negative[0], b, c],
            [a, negative[1], c],
            [a, b, negative[2]],
            [negative[0], negative[1], c],
            [negative[0], b, negative[2]],
            [a, b, from_zero],
        ];
        let mut results = all.map(|operands| code.prim(Prim::Fma, &operands)).to_vec();
        results.push(negative[2]);
        results
    });
    Case::new(format!("mixed: negated operands of fma {lane}"), kernel)
}

fn bytes_to_floats() -> Case {
    let kernel = stream_kernel(&[Mem::I8, Mem::F64], &[Mem::F64, Mem::F32], |code| {
        let word = code.prim_to(Prim::Sext, &[code.param(0)], Lane::I32);
        let float = code.prim_to(Prim::SintToF64, &[word], Lane::F64);
        let sum = code.prim(Prim::FAdd, &[float, code.param(1)]);
        let unsigned = code.prim_to(Prim::Zext, &[code.param(0)], Lane::I64);
        vec![sum, code.prim_to(Prim::UintToF32, &[unsigned], Lane::F32)]
    });
    Case::new("mixed: i8 to f64 and f32", kernel)
}

fn floats_to_bools() -> Case {
    let kernel = stream_kernel(&[Mem::F64, Mem::F32], &[Mem::Bool, Mem::Bool, Mem::I8], |code| {
        let (a, b) = (code.param(0), code.param(1));
        let narrow = code.prim_to(Prim::Demote, &[a], Lane::F32);
        let equal = code.prim(Prim::FEq, &[narrow, b]);
        let one = code.f64(1.0);
        let small = code.prim(Prim::FLt, &[a, one]);
        let both = code.prim(Prim::MaskAnd, &[equal, small]);
        let [yes, no] = [-1, 3].map(|value| code.int(Lane::I8, value));
        vec![small, both, code.prim(Prim::Select, &[equal, yes, no])]
    });
    Case::new("mixed: f64 and f32 to bool and i8", kernel)
}

/// i8, i16, i32 and i64 added pairwise in the wider type and truncated back.
fn integer_widths() -> Case {
    let mems = [Mem::I8, Mem::I16, Mem::I32, Mem::I64];
    let kernel = stream_kernel(&mems, &mems, |code| {
        let lanes = [Lane::I8, Lane::I16, Lane::I32, Lane::I64];
        let mut sum = code.param(0);
        for (position, &lane) in lanes.iter().enumerate().skip(1) {
            let extend = if position == 2 { Prim::Zext } else { Prim::Sext };
            let wide = code.prim_to(extend, &[sum], lane);
            sum = code.prim(Prim::IAdd, &[wide, code.param(position)]);
        }
        let narrow = |lane| code.prim_to(Prim::TruncInt, &[sum], lane);
        let mut results: Vec<ValueId> = lanes[..3].iter().copied().map(narrow).collect();
        results.push(sum);
        results
    });
    Case::new("mixed: integers of all widths", kernel)
}

/// Masks made at 8, 16, 32 and 64 bits combined and used at every other width.
fn masks_between_widths() -> Case {
    let mems = [Mem::I8, Mem::I16, Mem::I32, Mem::F64];
    let outputs = [Mem::F64, Mem::I16, Mem::F32, Mem::I8, Mem::I64];
    let kernel = stream_kernel(&mems, &outputs, |code| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|position| code.param(position));
        let [zero8, zero16, zero32] =
            [Lane::I8, Lane::I16, Lane::I32].map(|lane| code.int(lane, 0));
        let negative8 = code.prim(Prim::ILtS, &[a, zero8]);
        let negative16 = code.prim(Prim::ILtS, &[b, zero16]);
        let zero = code.prim(Prim::IEq, &[c, zero32]);
        let half = code.f64(0.5);
        let large = code.prim(Prim::FLt, &[half, d]);
        let first = code.prim(Prim::MaskOr, &[negative8, large]);
        let second = code.prim(Prim::MaskAnd, &[negative16, first]);
        let third = code.prim(Prim::MaskOr, &[zero, second]);
        let [one32, two32] = [1.0, 2.0].map(|value| code.constant(Scalar::f32(value)));
        let [one64, two64] = [1, 2].map(|value| code.int(Lane::I64, value));
        vec![
            code.prim(Prim::Select, &[negative8, d, half]),
            code.prim(Prim::Select, &[large, b, zero16]),
            code.prim(Prim::Select, &[second, one32, two32]),
            code.prim(Prim::Select, &[third, a, zero8]),
            code.prim(Prim::Select, &[first, one64, two64]),
        ]
    });
    Case::new("mixed: masks between widths", kernel)
}

/// One loaded mask selects at every width.
fn one_mask_for_all() -> Case {
    let numbers: Vec<Lane> = Lane::ALL.iter().copied().filter(|&l| l != Lane::Mask).collect();
    let mems: Vec<Mem> = numbers.iter().map(|lane| lane.mem()).collect();
    let inputs = [mems.as_slice(), &[Mem::Bool]].concat();
    let kernel = stream_kernel(&inputs, &mems, |code| {
        let mask = code.param(numbers.len());
        let select = |(position, &lane): (usize, &Lane)| {
            let other = code.constant(Scalar { lane, bits: 1 });
            code.prim(Prim::Select, &[mask, code.param(position), other])
        };
        numbers.iter().enumerate().map(select).collect()
    });
    Case::new("mixed: one mask at every width", kernel)
}

/// A mask made from one lane type used at every width and stored.
fn mask_of(from: Lane) -> Option<Case> {
    let compare = match from {
        Lane::Mask => return None,
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => Prim::ILtU,
        Lane::F32 | Lane::F64 => Prim::FLe,
    };
    let numbers: Vec<Lane> = Lane::ALL.iter().copied().filter(|&l| l != Lane::Mask).collect();
    let outputs: Vec<Mem> = Lane::ALL.iter().map(|lane| lane.mem()).collect();
    let kernel = stream_kernel(&[from.mem(), from.mem()], &outputs, |code| {
        let mask = code.prim(compare, &code.params());
        let select = |&lane: &Lane| {
            let set = code.constant(Scalar { lane, bits: lane.all_ones() >> 2 });
            let clear = code.constant(Scalar { lane, bits: 2 });
            code.prim(Prim::Select, &[mask, set, clear])
        };
        let chosen: Vec<ValueId> = numbers.iter().map(select).collect();
        [vec![mask], chosen].concat()
    });
    Some(Case::new(format!("mixed: a mask of {from} at every width"), kernel))
}

/// f16 in and out through f32, as arrays of f16 are computed on.
fn half_floats() -> Case {
    let kernel = stream_kernel(&[Mem::I16, Mem::I16], &[Mem::I16, Mem::I16], |code| {
        let wide = |code: &mut Assembler, position| {
            code.prim_to(Prim::F16ToF32, &[code.param(position)], Lane::F32)
        };
        let (a, b) = (wide(code, 0), wide(code, 1));
        let sum = code.prim(Prim::FAdd, &[a, b]);
        let quotient = code.prim(Prim::FDiv, &[a, b]);
        let double = code.prim_to(Prim::Promote, &[quotient], Lane::F64);
        vec![
            code.prim_to(Prim::F32ToF16, &[sum], Lane::I16),
            code.prim_to(Prim::F64ToF16, &[double], Lane::I16),
        ]
    });
    Case::new("mixed: f16 arithmetic", kernel)
}

/// Twenty streams in, twelve out.
fn many_inputs_and_outputs() -> Case {
    let mems = [Mem::F64, Mem::F64, Mem::F32, Mem::I32, Mem::I8];
    let inputs: Vec<Mem> = mems.iter().copied().cycle().take(20).collect();
    let outputs: Vec<Mem> = inputs[..12].to_vec();
    let kernel = stream_kernel(&inputs, &outputs, |code| {
        let add = |position: usize| {
            let (a, b) = (code.param(position), code.param(position + 5));
            let add = if code.lane(a).is_float() { Prim::FSub } else { Prim::ISub };
            code.prim(add, &[a, b])
        };
        (0..12).map(add).collect()
    });
    Case::new("twenty inputs, twelve outputs", kernel)
}

/// A chain of 200 fused multiply-adds: long code, short live ranges.
fn deep_chain() -> Case {
    let kernel = stream_kernel(&[Mem::F64], &[Mem::F64], |code| {
        let x = code.param(0);
        let mut p = x;
        for step in 0..200 {
            let constant = code.f64(1.0 / (1.0 + f64::from(step)));
            p = code.prim(Prim::Fma, &[x, p, constant]);
        }
        vec![p]
    });
    Case::new("a chain of 200 fma", kernel)
}

/// Values that are all live at once, then combined last to first: spills on every machine.
fn live_values(lane: Lane, n: usize) -> Case {
    let (multiply, subtract) =
        if lane.is_float() { (Prim::FMul, Prim::FSub) } else { (Prim::IMul, Prim::ISub) };
    let kernel = stream_kernel(&[lane.mem(), lane.mem()], &[lane.mem()], |code| {
        let (a, b) = (code.param(0), code.param(1));
        let mut value = |index: usize| {
            let factor = 3 * index + 1;
            let factor = if lane.is_float() {
                Scalar::float(lane, factor as f64 / 8.0)
            } else {
                Scalar::int(lane, factor as i64)
            };
            let factor = code.constant(factor);
            let product = code.prim(multiply, &[a, factor]);
            code.prim(subtract, &[product, b])
        };
        let values: Vec<ValueId> = (0..n).map(&mut value).collect();
        let mut total = a;
        for &value in values.iter().rev() {
            total = code.prim(subtract, &[value, total]);
        }
        vec![total]
    });
    Case::new(format!("{n} live values of {lane}"), kernel)
}

/// Twenty masks live at once, from several widths.
fn live_masks() -> Case {
    let kernel = stream_kernel(&[Mem::F64, Mem::I16], &[Mem::Bool, Mem::F32], |code| {
        let (a, b) = (code.param(0), code.param(1));
        let mut masks = Vec::new();
        for level in 0..10 {
            let bound = code.f64(f64::from(level) - 4.5);
            masks.push(code.prim(Prim::FLt, &[a, bound]));
            let bound = code.int(Lane::I16, i64::from(level) * 1000 - 5000);
            masks.push(code.prim(Prim::ILtS, &[b, bound]));
        }
        let [mut total, three] = [1.0, 3.0].map(|value| code.constant(Scalar::f32(value)));
        let mut either = masks[0];
        for (index, &mask) in masks.iter().enumerate().rev() {
            let other = code.prim(Prim::FMul, &[total, three]);
            total = code.prim(Prim::Select, &[mask, other, total]);
            let flipped = code.prim(Prim::MaskNot, &[either]);
            let combine = if index % 2 == 0 { Prim::MaskAnd } else { Prim::MaskOr };
            either = code.prim(combine, &[mask, flipped]);
        }
        vec![either, total]
    });
    Case::new("twenty live masks", kernel)
}

/// Thirty splats, which a back end may keep in registers across granules.
fn live_splats() -> Case {
    let mut kernel: Kernel = stream_kernel(&[Mem::F64; 31], &[Mem::F64], |code| {
        let mut total = code.param(0);
        for position in 1..31 {
            total = code.prim(Prim::Fma, &[total, code.param(position), code.param(31 - position)]);
        }
        vec![total]
    });
    for input in &mut kernel.inputs[1..] {
        *input = splat(Mem::F64);
    }
    Case::new("thirty splats", kernel).filled(&[crate::case::Fill::Finite; 31])
}
