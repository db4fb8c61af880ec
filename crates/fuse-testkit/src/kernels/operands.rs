//! Loads and stores of every kind, splats, the uniform region, `lane_index`, lookups.

use fuse_ir::{Kernel, Lane, Mem, OperandOutput, Prim, Scalar, Table};

use crate::case::{Case, Fill};
use crate::kernels::{all_mems, output, region, splat, stream, stream_kernel};
use crate::random::Random;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for mem in all_mems() {
        cases.extend(copies(mem));
    }
    cases.extend([all_at_once(), unused(), three_outputs_of_one()]);
    cases.extend([never_nan(Lane::F32), never_nan(Lane::F64)]);
    cases.extend([in_place_update(), in_place_of_two()]);
    cases.extend(uniforms());
    cases.extend(lane_index());
    cases.extend(lookups());
    cases
}

/// `out = a` as a stream, as a splat, in place; `out = constant`. NaNs of any bits become canonical.
fn copies(mem: Mem) -> Vec<Case> {
    let copy = stream_kernel(&[mem], &[mem], |code| vec![code.param(0)]);
    let mut spread = copy.clone();
    spread.inputs[0] = splat(mem);
    let mut in_place = Case::new(format!("copy {mem} in place"), copy.clone());
    in_place.in_place = vec![(0, 0)];
    let lane = mem.lane();
    let constants = stream_kernel(&[], &[mem, mem], |code| {
        let ones = Scalar { lane, bits: lane.all_ones() };
        vec![code.constant(ones), code.constant(Scalar { lane, bits: 1 })]
    });
    vec![
        Case::new(format!("copy {mem}"), copy),
        Case::new(format!("splat {mem}"), spread),
        in_place,
        Case::new(format!("constants to {mem}"), constants),
    ]
}

/// Streams and splats of every size in one kernel, results in another order.
fn all_at_once() -> Case {
    let mems: Vec<Mem> = all_mems().chain(all_mems()).collect();
    let n = mems.len() / 2;
    let mut kernel = stream_kernel(&mems, &mems, |code| {
        let mut values = code.params();
        values.rotate_left(n);
        values
    });
    for input in &mut kernel.inputs[n..] {
        *input = splat(input.mem);
    }
    Case::new("copies of everything", kernel)
}

fn unused() -> Case {
    let kernel = stream_kernel(&[Mem::F64, Mem::I8, Mem::Bool], &[Mem::I8], |code| {
        let params = code.params();
        code.prim(Prim::FAdd, &[params[0], params[0]]);
        vec![params[1]]
    });
    Case::new("unused inputs and values", kernel)
}

fn three_outputs_of_one() -> Case {
    let kernel = stream_kernel(&[Mem::F32], &[Mem::F32, Mem::Bool, Mem::F32], |code| {
        let a = code.param(0);
        let is_zero = code.prim(Prim::FEq, &[a, a]);
        vec![a, is_zero, a]
    });
    Case::new("outputs that share a value", kernel)
}

/// A store that need not look for NaNs, of a value that is none.
fn never_nan(lane: Lane) -> Case {
    let mut kernel = stream_kernel(&[lane.mem()], &[lane.mem()], |code| {
        let a = code.param(0);
        let is_number = code.prim(Prim::FEq, &[a, a]);
        let one = code.constant(Scalar::float(lane, 1.0));
        vec![code.prim(Prim::Select, &[is_number, a, one])]
    });
    kernel.outputs[0] = OperandOutput { never_nan: true, ..kernel.outputs[0] };
    Case::new(format!("store {lane} never NaN"), kernel)
}

fn in_place_update() -> Case {
    let kernel = stream_kernel(&[Mem::F64, Mem::F64], &[Mem::F64], |code| {
        let params = code.params();
        let product = code.prim(Prim::FMul, &params);
        vec![code.prim(Prim::FSub, &[params[0], product])]
    });
    let mut case = Case::new("in place: a - a * b", kernel);
    case.in_place = vec![(0, 0)];
    case
}

/// Two inputs exchanged in place: every load of a lane precedes its stores.
fn in_place_of_two() -> Case {
    let kernel = stream_kernel(&[Mem::I32, Mem::F32], &[Mem::F32, Mem::I32], |code| {
        let single = code.prim_to(Prim::Bitcast, &[code.param(0)], Lane::F32);
        let single = code.prim(Prim::FAdd, &[single, code.param(1)]);
        let doubled = code.prim(Prim::IAdd, &[code.param(0), code.param(0)]);
        vec![single, doubled]
    });
    let mut case = Case::new("in place: two outputs over two inputs", kernel);
    case.in_place = vec![(0, 0), (1, 1)];
    case
}

fn uniforms() -> Vec<Case> {
    let mut random = Random::new(3);
    let lanes = Lane::ALL;
    // Every lane type straight through.
    let pass = Kernel {
        uniform: region(lanes, |code| code.params()),
        lane: region(lanes, |code| code.params()),
        outputs: all_mems().map(output).collect(),
        ..Kernel::default()
    };
    let scalars: Vec<u64> = lanes.iter().map(|&lane| random.lane_bits(lane)).collect();
    let ones: Vec<u64> = lanes.iter().map(|lane| lane.all_ones()).collect();
    vec![
        Case::new("uniform values of every lane", pass.clone()).with_scalars(&scalars),
        Case::new("uniform values, all ones", pass).with_scalars(&ones),
        uniform_arithmetic(),
        uniform_alone(),
    ]
}

/// `a * (1 / s) + sqrt(2)` with narrow integers beside it, whose slots must be zero extended.
fn uniform_arithmetic() -> Case {
    let uniform = region(&[Lane::F64, Lane::I8, Lane::I16], |code| {
        let (one, two) = (code.f64(1.0), code.f64(2.0));
        let inverse = code.prim(Prim::FDiv, &[one, code.param(0)]);
        let root = code.prim(Prim::FSqrt, &[two]);
        let narrow = code.prim(Prim::IMul, &[code.param(1), code.param(1)]);
        let wide = code.prim_to(Prim::Sext, &[code.param(2)], Lane::I64);
        let is_small = code.prim(Prim::ILtS, &[narrow, code.param(1)]);
        vec![inverse, root, narrow, wide, is_small]
    });
    let params = [Lane::F64, Lane::F64, Lane::F64, Lane::I8, Lane::I64, Lane::Mask];
    let lane = region(&params, |code| {
        let scaled = code.prim(Prim::Fma, &[code.param(0), code.param(1), code.param(2)]);
        let chosen = code.prim(Prim::Select, &[code.param(5), scaled, code.param(0)]);
        vec![chosen, code.param(3), code.param(4)]
    });
    let kernel = Kernel {
        uniform,
        inputs: vec![stream(Mem::F64)],
        lane,
        outputs: [Mem::F64, Mem::I8, Mem::I64].map(output).to_vec(),
        ..Kernel::default()
    };
    Case::new("uniform arithmetic", kernel).with_scalars(&[7.5f64.to_bits(), 0x9d, 0x8001])
}

/// A uniform region that nothing reads, over no inputs and with no outputs.
fn uniform_alone() -> Case {
    let uniform = region(&[Lane::F32, Lane::Mask], |code| {
        let negated = code.prim(Prim::MaskNot, &[code.param(1)]);
        vec![negated, code.param(0)]
    });
    let lane = region(&[Lane::Mask, Lane::F32], |_| vec![]);
    let kernel = Kernel { uniform, lane, ..Kernel::default() };
    Case::new("uniform region alone", kernel).with_scalars(&[0x7fc1_2345, 1])
}

fn lane_index() -> Vec<Case> {
    let kernel = stream_kernel(&[], &[Mem::I64, Mem::F64, Mem::I8], |code| {
        let index = code.prim(Prim::LaneIndex, &[]);
        let float = code.prim_to(Prim::SintToF64, &[index], Lane::F64);
        let byte = code.prim_to(Prim::TruncInt, &[index], Lane::I8);
        vec![index, float, byte]
    });
    let from = |first_index: u64| {
        let mut case = Case::new(format!("lane_index from {first_index}"), kernel.clone());
        case.first_index = first_index;
        case
    };
    [0, 1, 32, 1 << 20, (1 << 32) - 40, (1 << 53) + 1, u64::MAX - 50].map(from).to_vec()
}

fn lookups() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut random = Random::new(4);
    for index in [Lane::I32, Lane::I64] {
        for &lane in Lane::ALL {
            for size in [1, 2, 4, 8, 16, 32, 64, 512] {
                let entries = (0..size).map(|_| random.lane_bits(lane)).collect();
                let mut kernel = stream_kernel(&[index.mem()], &[lane.mem()], |code| {
                    vec![code.lookup(0, lane, code.param(0))]
                });
                kernel.tables = vec![Table { lane, entries }];
                let case = Case::new(format!("lookup {size} {lane} by {index}"), kernel);
                cases.push(if size < 32 { case } else { case.filled(&[Fill::Below(2 * size)]) });
            }
        }
    }
    cases.push(several_tables());
    cases
}

/// Two tables, one read at two indices and at a constant one.
fn several_tables() -> Case {
    let mut kernel = stream_kernel(&[Mem::I64, Mem::I32], &[Mem::F64, Mem::I16], |code| {
        let first = code.lookup(0, Lane::F64, code.param(0));
        let second = code.lookup(0, Lane::F64, code.param(1));
        let nine = code.int(Lane::I32, 9);
        let ninth = code.lookup(0, Lane::F64, nine);
        let sum = code.prim(Prim::Fma, &[first, second, ninth]);
        vec![sum, code.lookup(1, Lane::I16, code.param(1))]
    });
    let squares = (0..16).map(|i| f64::from(i * i).to_bits()).collect();
    let bits = [1, 0x8000, 0xffff, 0x7fff].to_vec();
    kernel.tables =
        vec![Table { lane: Lane::F64, entries: squares }, Table { lane: Lane::I16, entries: bits }];
    Case::new("lookup in several tables", kernel)
}
