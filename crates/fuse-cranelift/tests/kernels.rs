//! Control constructs, folds, tables, mixed widths, uniforms, aliasing, and large kernels, against
//! the interpreter.

mod common;

use common::{Call, check, edges, elementwise};
use fuse_cranelift::CraneliftBackend;
use fuse_ir::{
    Builder, Control, Fold, GRANULE, HostBackend, InputClass, Lane, ListingForm, Mem,
    OperandOutput, Prim, Region, RegionBuilder, Scalar, StateSlot, Table, ValueId, VerifiedKernel,
    verify,
};

/// Back ends that run here.
fn backends() -> Vec<CraneliftBackend> {
    let mut backends = vec![CraneliftBackend::native().expect("a supported machine")];
    if cfg!(target_arch = "x86_64") {
        backends.push(CraneliftBackend::baseline("x86_64").expect("known"));
    }
    backends
}

fn check_all(kernel: &VerifiedKernel, call: &Call, what: &str) {
    let aarch64 = CraneliftBackend::baseline("aarch64").expect("known");
    aarch64.listing(kernel, ListingForm::Assembly).expect("lowers for aarch64");
    for backend in backends() {
        check(&backend, kernel, call, what);
    }
}

fn output(mem: Mem) -> OperandOutput {
    OperandOutput { mem, never_nan: false }
}

/// `x * 3 + 1`, and how many steps `x` takes to fall below one when halved.
fn slow_path(builder: &mut Builder) -> (fuse_ir::RegionId, fuse_ir::RegionId) {
    let mut halving = RegionBuilder::new(&[Lane::F64, Lane::I32, Lane::Mask]);
    let (x, n, flag) = (halving.param(0), halving.param(1), halving.param(2));
    let half = halving.constant(Scalar::f64(0.5));
    let one = halving.constant(Scalar::f64(1.0));
    let step = halving.constant(Scalar::int(Lane::I32, 1));
    let x = halving.prim(Prim::FMul, &[x, half]);
    let n = halving.prim(Prim::IAdd, &[n, step]);
    let flag = halving.prim(Prim::MaskNot, &[flag]);
    let go_on = halving.prim(Prim::FLe, &[one, x]);
    let halving = builder.region(halving.finish(&[x, n, flag, go_on]));

    let mut affine = RegionBuilder::new(&[Lane::F64, Lane::Mask]);
    let (x, flag) = (affine.param(0), affine.param(1));
    let three = affine.constant(Scalar::f64(3.0));
    let one = affine.constant(Scalar::f64(1.0));
    let y = affine.prim(Prim::FMul, &[x, three]);
    let y = affine.prim(Prim::FAdd, &[y, one]);
    let unset = affine.prim(Prim::MaskNot, &[flag]);
    let init = affine.constant(Scalar::int(Lane::I32, 0));
    let repeat = Control::Repeat { at_most: 70, region: halving, init: vec![y, init, unset] };
    let looped = affine.control(repeat, &[Lane::F64, Lane::I32, Lane::Mask]);
    let y = affine.prim(Prim::FAdd, &[y, looped[0]]);
    let affine = builder.region(affine.finish(&[y, looped[1], looped[2]]));
    (affine, halving)
}

/// A rare region that holds a loop, used twice with different masks, beside a narrow lane.
fn controls(mem: Mem) -> VerifiedKernel {
    let mut builder = Builder::new();
    builder.input(Mem::F64, InputClass::Stream);
    builder.input(Mem::Bool, InputClass::Stream);
    builder.input(mem, InputClass::Stream);
    let (affine, halving) = slow_path(&mut builder);
    let mut lane = RegionBuilder::new(&[Lane::F64, Lane::Mask, mem.lane()]);
    let (x, flag, narrow) = (lane.param(0), lane.param(1), lane.param(2));
    let limit = lane.constant(Scalar::f64(1000.0));
    let large = lane.prim(Prim::FLt, &[limit, x]);
    let zero = lane.constant(Scalar::int(Lane::I32, 0));
    let lanes = [Lane::F64, Lane::I32, Lane::Mask];
    let rare = |mask: ValueId, lane: &mut RegionBuilder, otherwise: ValueId| {
        let control = Control::Rare {
            mask,
            region: affine,
            args: vec![x, flag],
            otherwise: vec![otherwise, zero, flag],
        };
        lane.control(control, &lanes)
    };
    let first = rare(large, &mut lane, x);
    let both = lane.prim(Prim::MaskAnd, &[large, flag]);
    let second = rare(both, &mut lane, first[0]);
    let repeat =
        Control::Repeat { at_most: 5, region: halving, init: vec![second[0], second[1], flag] };
    let last = lane.control(repeat, &lanes);
    let sum = lane.prim(Prim::FAdd, &[last[0], first[0]]);
    for result in [Mem::F64, Mem::I32, Mem::Bool, mem, Mem::Bool] {
        builder.output(output(result));
    }
    verify(builder.finish(lane.finish(&[sum, last[1], last[2], narrow, first[2]]))).expect("valid")
}

#[test]
fn rare_and_repeat_freeze_lanes() {
    for mem in [Mem::F64, Mem::I16, Mem::I8] {
        let kernel = controls(mem);
        let sparse: Vec<u64> = (0..97)
            .map(|i| f64::to_bits(if i % 41 == 7 { 1e4 + f64::from(i) } else { 1.5 }))
            .collect();
        for values in [edges(Lane::F64), sparse, vec![1f64.to_bits()]] {
            let inputs = vec![values, edges(Lane::Mask), edges(mem.lane())];
            check_all(&kernel, &Call::new(3, inputs), &format!("controls {mem}"));
        }
    }
}

#[test]
fn lookups_mask_their_index() {
    for entries in [Lane::F64, Lane::F32, Lane::I8, Lane::I16, Lane::I32, Lane::I64, Lane::Mask] {
        for index in [Lane::I32, Lane::I64] {
            let mut builder = Builder::new();
            builder.input(index.mem(), InputClass::Stream);
            builder.output(output(entries.mem()));
            let bits: Vec<u64> = edges(entries).into_iter().cycle().take(64).collect();
            let table = Table { lane: entries, entries: bits };
            let id = builder.table(table.clone());
            let mut lane = RegionBuilder::new(&[index]);
            let at = lane.param(0);
            let found = lane.lookup(id, &table, at);
            let kernel = verify(builder.finish(lane.finish(&[found]))).expect("valid");
            check_all(&kernel, &Call::new(3, vec![edges(index)]), &format!("{entries} by {index}"));
        }
    }
}

/// Sum of squares in f64, any NaN as a mask, the largest i16, a count: of what is streamed, with an
/// elementwise output beside.
fn folding(mem: Mem) -> VerifiedKernel {
    let mut builder = Builder::new();
    builder.input(Mem::F64, InputClass::Stream);
    builder.input(mem, InputClass::Stream);
    builder.output(output(Mem::F64));
    let mut lane = RegionBuilder::new(&[Lane::F64, mem.lane()]);
    let (x, small) = (lane.param(0), lane.param(1));
    let doubled = lane.prim(Prim::FAdd, &[x, x]);
    let index = lane.prim_to(Prim::LaneIndex, &[], Lane::I64);
    let ordered = lane.prim(Prim::FEq, &[x, x]);
    let results = [doubled, x, ordered, small, index];

    let mut step = RegionBuilder::new(&[Lane::F64, Lane::Mask, Lane::F64, Lane::Mask]);
    let (sum, seen, x, ordered) = (step.param(0), step.param(1), step.param(2), step.param(3));
    let square = step.prim(Prim::FMul, &[x, x]);
    let sum = step.prim(Prim::FAdd, &[sum, square]);
    let not = step.prim(Prim::MaskNot, &[ordered]);
    let seen = step.prim(Prim::MaskOr, &[seen, not]);
    builder.fold(fold(&[Scalar::f64(-0.0), Scalar::mask(false)], step.finish(&[sum, seen])));

    let small_lane = mem.lane();
    let mut step = RegionBuilder::new(&[small_lane, Lane::I64, small_lane, Lane::I64]);
    let (most, at, x, index) = (step.param(0), step.param(1), step.param(2), step.param(3));
    let above = step.prim(Prim::ILtS, &[most, x]);
    let most = step.prim(Prim::Select, &[above, x, most]);
    let at = step.prim(Prim::Select, &[above, index, at]);
    let init = [Scalar::int(small_lane, -100), Scalar::int(Lane::I64, -1)];
    builder.fold(fold(&init, step.finish(&[most, at])));
    verify(builder.finish(lane.finish(&results))).expect("valid")
}

/// A fold of which only the step matters here.
fn fold(init: &[Scalar], step: Region) -> Fold {
    let lanes: Vec<Lane> = init.iter().map(|init| init.lane).collect();
    let merge = RegionBuilder::new(&[lanes.clone(), lanes.clone()].concat());
    let left: Vec<ValueId> = (0..init.len()).map(|at| merge.param(at)).collect();
    let finish = RegionBuilder::new(&lanes);
    let state = init.iter().map(|&init| StateSlot { init }).collect();
    Fold { state, step, merge: merge.finish(&left), finish: finish.finish(&[]) }
}

#[test]
fn folds_advance_and_freeze_beyond_the_tail() {
    for mem in [Mem::I8, Mem::I16, Mem::I32, Mem::I64] {
        let kernel = folding(mem);
        for (granules, tail) in [(0, 0), (1, 0), (1, 1), (1, 31), (2, 8), (3, 17), (5, 0), (5, 29)]
        {
            let mut call = Call::new(granules, vec![edges(Lane::F64), edges(mem.lane())]);
            call.tail = tail;
            call.first_index = 1000;
            check_all(&kernel, &call, &format!("{mem}, {granules} granules, tail {tail}"));
        }
    }
}

#[test]
fn a_single_narrow_fold_uses_whole_granules() {
    let mut builder = Builder::new();
    builder.input(Mem::I8, InputClass::Stream);
    let mut lane = RegionBuilder::new(&[Lane::I8]);
    let x = lane.param(0);
    let mut step = RegionBuilder::new(&[Lane::I8, Lane::I8]);
    let (acc, y) = (step.param(0), step.param(1));
    let acc = step.prim(Prim::IAdd, &[acc, y]);
    builder.fold(fold(&[Scalar::int(Lane::I8, 3)], step.finish(&[acc])));
    let zero = lane.constant(Scalar::int(Lane::I8, 0));
    let same = lane.prim(Prim::IOr, &[x, zero]);
    let kernel = verify(builder.finish(lane.finish(&[same]))).expect("valid");
    for (granules, tail) in [(1, 5), (1, 20), (4, 0), (4, 16), (4, 17)] {
        let mut call = Call::new(granules, vec![edges(Lane::I8)]);
        call.tail = tail;
        check_all(&kernel, &call, "i8 sum");
    }
}

#[test]
fn mixed_widths_meet_in_one_kernel() {
    let mems = [Mem::I8, Mem::I16, Mem::F32, Mem::Bool, Mem::F64];
    let outputs = [Mem::F64, Mem::Bool, Mem::I8, Mem::F32, Mem::I16];
    let kernel = elementwise(&mems, &outputs, |region| {
        let [small, short, single, flag, double] = [0, 1, 2, 3, 4].map(|at| region.param(at));
        let wide = region.prim_to(Prim::Sext, &[small], Lane::I32);
        let wide = region.prim_to(Prim::SintToF64, &[wide], Lane::F64);
        let promoted = region.prim_to(Prim::Promote, &[single], Lane::F64);
        let sum = region.prim(Prim::FAdd, &[wide, promoted]);
        let sum = region.prim(Prim::Select, &[flag, sum, double]);
        let below = region.prim(Prim::FLt, &[sum, double]);
        let equal = region.prim(Prim::IEq, &[short, short]);
        let less = region.prim(Prim::ILtU, &[small, small]);
        let any = region.prim(Prim::MaskOr, &[below, less]);
        let any = region.prim(Prim::MaskAnd, &[any, equal]);
        let negated = region.prim(Prim::ISub, &[small, small]);
        let picked = region.prim(Prim::Select, &[any, small, negated]);
        let demoted = region.prim_to(Prim::Demote, &[sum], Lane::F32);
        let low = region.prim(Prim::Select, &[below, short, short]);
        let half = region.prim_to(Prim::F64ToF16, &[sum], Lane::I16);
        let low = region.prim(Prim::IXor, &[low, half]);
        let not = region.prim(Prim::MaskNot, &[any]);
        vec![sum, not, picked, demoted, low]
    });
    let inputs = mems.iter().map(|mem| edges(mem.lane())).collect();
    check_all(&kernel, &Call::new(7, inputs), "mixed");
}

#[test]
fn splats_uniforms_and_positions() {
    let mut builder = Builder::new();
    builder.input(Mem::F64, InputClass::Stream);
    builder.input(Mem::F32, InputClass::Splat);
    builder.input(Mem::Bool, InputClass::Splat);
    let scalars = [Lane::F64, Lane::I8, Lane::Mask, Lane::F32];
    let mut uniform = RegionBuilder::new(&scalars);
    let (a, b, c, d) = (uniform.param(0), uniform.param(1), uniform.param(2), uniform.param(3));
    let root = uniform.prim(Prim::FSqrt, &[a]);
    let wide = uniform.prim_to(Prim::Sext, &[b], Lane::I64);
    let not = uniform.prim(Prim::MaskNot, &[c]);
    let lanes = [Lane::F64, Lane::I64, Lane::Mask, Lane::F32];
    builder.uniform(uniform.finish(&[root, wide, not, d]));
    let params = [[Lane::F64, Lane::F32, Lane::Mask].as_slice(), &lanes].concat();
    let mut lane = RegionBuilder::new(&params);
    let [x, s, flag, root, wide, not, d] = [0, 1, 2, 3, 4, 5, 6].map(|at| lane.param(at));
    let s = lane.prim(Prim::FMul, &[s, d]);
    let s = lane.prim_to(Prim::Promote, &[s], Lane::F64);
    let y = lane.prim(Prim::FMul, &[x, s]);
    let either = lane.prim(Prim::MaskOr, &[flag, not]);
    let y = lane.prim(Prim::Select, &[either, y, root]);
    let index = lane.prim_to(Prim::LaneIndex, &[], Lane::I64);
    let index = lane.prim(Prim::IAdd, &[index, wide]);
    builder.output(output(Mem::F64));
    builder.output(output(Mem::I64));
    let kernel = verify(builder.finish(lane.finish(&[y, index]))).expect("valid");
    for flags in [0, 1, 2, 3] {
        let inputs = vec![edges(Lane::F64), vec![u64::from(2.5f32.to_bits())], vec![flags & 1]];
        let mut call = Call::new(3, inputs);
        let scalar = u64::from(0.75f32.to_bits());
        call.scalars = vec![2f64.to_bits(), 0xfe, flags >> 1, scalar];
        call.first_index = u64::MAX - 40;
        check_all(&kernel, &call, "uniform");
    }
}

#[test]
fn an_output_may_be_an_input() {
    let kernel = elementwise(&[Mem::F64, Mem::F64], &[Mem::F64, Mem::F64], |region| {
        let (x, y) = (region.param(0), region.param(1));
        let sum = region.prim(Prim::FAdd, &[x, y]);
        vec![sum, region.prim(Prim::FSub, &[x, y])]
    });
    let mut call = Call::new(3, vec![edges(Lane::F64), edges(Lane::F64)]);
    for input in [0, 1] {
        call.in_place = Some((0, input));
        check_all(&kernel, &call, "in place");
    }
}

/// 20 values that are all alive at the end.
#[test]
fn more_values_than_registers_are_spilled() {
    let kernel = elementwise(&[Mem::F64, Mem::F32], &[Mem::F64], |region| {
        let (x, y) = (region.param(0), region.param(1));
        let mut values = vec![x, region.prim_to(Prim::Promote, &[y], Lane::F64)];
        for at in 0..40 {
            let sum = region.prim(Prim::FAdd, &[values[at], values[at + 1]]);
            let product = region.constant(Scalar::f64(1.0 / (2.0 + at as f64)));
            values.push(region.prim(Prim::FMul, &[sum, product]));
        }
        let first = values[0];
        let sum = |acc, &value| region.prim(Prim::FSub, &[value, acc]);
        vec![values.iter().rev().fold(first, sum)]
    });
    check_all(&kernel, &Call::new(3, vec![edges(Lane::F64), edges(Lane::F32)]), "spills");
}

#[test]
fn kernels_of_thousands_of_nodes_compile() {
    for nodes in [2500, 8000] {
        let kernel = elementwise(&[Mem::F64, Mem::F32], &[Mem::F64], |region| {
            let (x, y) = (region.param(0), region.param(1));
            let y = region.prim_to(Prim::Promote, &[y], Lane::F64);
            let mut acc = x;
            for at in 0..nodes / 2 {
                let constant = region.constant(Scalar::f64(1.0 + at as f64 / 512.0));
                let product = region.prim(Prim::FMul, &[y, constant]);
                acc = region.prim(Prim::FSub, &[product, acc]);
            }
            vec![acc]
        });
        check_all(&kernel, &Call::new(2, vec![edges(Lane::F64), edges(Lane::F32)]), "large");
    }
}

/// The headline: seven multiply-adds for each vector, and nothing recomputed.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_headline_kernel_is_seven_multiply_adds_a_vector() {
    let backend = CraneliftBackend::native().expect("a supported machine");
    if !backend.capabilities().native_fma {
        return;
    }
    let kernel = elementwise(&[Mem::F64], &[Mem::F64], |region| {
        let x = region.param(0);
        vec![(0..7).fold(x, |acc, _| region.prim(Prim::Fma, &[x, acc, x]))]
    });
    let listing = backend.listing(&kernel, ListingForm::Assembly).expect("compiles");
    let listing = listing.expect("text");
    let run = &listing;
    let fmas = run.lines().filter(|line| line.contains("vfmadd")).count();
    let stores = run.lines().filter(|line| line.contains("vmovupd %xmm")).count();
    assert_eq!((fmas, stores), (28, 4), "{run}");
    assert!(GRANULE.is_multiple_of(2 * stores));
    check(&backend, &kernel, &Call::new(5, vec![edges(Lane::F64)]), "headline");
}

#[test]
fn no_input_and_no_output_is_a_kernel() {
    let kernel = verify(Builder::new().finish(Region::default())).expect("valid");
    check_all(&kernel, &Call::new(2, vec![]), "empty");
}
