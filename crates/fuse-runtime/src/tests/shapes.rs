//! Every layout of operands and outputs gives what element-by-element evaluation gives.

use fuse_ir::{DType, Lane, Prim};

use super::support::{
    Body, Random, Strided, assert_same, broadcast, chopped, combine_naive, elementwise, executable,
    executables, indices, program, run_f64,
};
use crate::{Executable, Operand, RunOptions, Threads, ViewMut};

fn naive(inputs: &[&Strided]) -> Vec<f64> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.extents.as_slice()).collect();
    let value = |index: Vec<usize>| {
        let values: Vec<f64> =
            inputs.iter().map(|input| input.get(&input.broadcast_index(&index))).collect();
        combine_naive(&values)
    };
    indices(&broadcast(&shapes)).into_iter().map(value).collect()
}

fn check(inputs: &[&Strided]) {
    let types: Vec<(DType, &[usize])> =
        inputs.iter().map(|input| (input.dtype, input.extents.as_slice())).collect();
    let expected = naive(inputs);
    let what = format!("{types:?}");
    for executable in executables(&program(&types, &elementwise())) {
        for options in [RunOptions::default(), chopped(Threads::Inline, 5)] {
            let found = run_f64(&executable, inputs, &options).expect("it runs");
            assert_same(&found[0], &expected, &what);
            check_into(&executable, inputs, &expected, &options);
        }
    }
}

/// Into an output that is there already, and holds rubbish.
fn check_into(exe: &Executable, inputs: &[&Strided], expected: &[f64], options: &RunOptions<'_>) {
    let operands: Vec<Operand<'_>> = inputs.iter().map(|input| input.view().into()).collect();
    let extents = exe.result_shapes(&operands).expect("they broadcast")[0].extents.clone();
    let mut out = vec![f64::NAN; expected.len()];
    let view = ViewMut::from_shaped(&mut out, &extents).expect("a shape");
    exe.run(&operands, &mut [view], options).expect("it runs");
    assert_same(&out, expected, "into");
}

#[test]
fn tails_of_every_length() {
    let mut random = Random(1);
    for n in (0..=70).chain([1023, 1024, 1025, 3000]).filter(|&n| n != 1) {
        let a = Strided::random(DType::F64, &[n], &mut random);
        let b = Strided::random(DType::F64, &[n], &mut random);
        check(&[&a, &b]);
    }
    let scalar = Strided::random(DType::F64, &[], &mut random);
    let one = Strided::random(DType::F64, &[1], &mut random);
    check(&[&scalar, &one]);
    check(&[&scalar, &scalar]);
}

#[test]
fn shapes_broadcast_as_numpy_does() {
    let mut random = Random(2);
    let shapes: [&[&[usize]]; 12] = [
        &[&[7, 1], &[1, 5]],
        &[&[40, 3], &[3]],
        &[&[3], &[500, 3], &[500, 1]],
        &[&[5, 300], &[5, 1]],
        &[&[5, 300], &[300], &[]],
        &[&[4, 1, 6], &[5, 1], &[1]],
        &[&[2, 3, 4, 5], &[3, 1, 5], &[2, 1, 1, 1]],
        &[&[1, 1], &[1, 1]],
        &[&[], &[9]],
        &[&[0, 3], &[3]],
        &[&[3, 1], &[0]],
        &[&[3, 260, 1], &[260, 20], &[3, 1, 1]],
    ];
    for shapes in shapes {
        let inputs: Vec<Strided> =
            shapes.iter().map(|shape| Strided::random(DType::F64, shape, &mut random)).collect();
        check(&inputs.iter().collect::<Vec<_>>());
    }
}

/// Calls cut at rows, whose ends fall inside granules and blocks, beside an operand that is gathered.
#[test]
fn rows_of_a_splat_beside_a_gathered_operand() {
    let mut random = Random(9);
    for (rows, cols) in [(7_usize, 300_usize), (5, 1025), (2, 257), (40, 333)] {
        let strides = [(cols * 16).cast_signed(), 16];
        let a = Strided::laid_out(DType::F64, &[rows, cols], &strides, 3, &mut random);
        let b = Strided::random(DType::F64, &[rows, 1], &mut random).swapped();
        let c = Strided::random(DType::F64, &[rows, cols], &mut random);
        check(&[&a, &b]);
        check(&[&c, &b, &a]);
    }
}

/// Random shapes, axes permuted, strides stretched, negated or zero, unaligned, byte-swapped.
#[test]
fn any_strides_of_inputs() {
    let mut random = Random(3);
    for _ in 0..300 {
        let rank = random.below(5);
        let extents: Vec<usize> = (0..rank).map(|_| [0, 1, 2, 3, 5, 33][random.below(6)]).collect();
        if extents.iter().product::<usize>() > 4000 {
            continue;
        }
        let inputs: Vec<Strided> = (0..1 + random.below(3))
            .map(|_| {
                let shape: Vec<usize> = extents[random.below(rank + 1)..]
                    .iter()
                    .map(|&extent| if random.below(4) == 0 { 1 } else { extent })
                    .collect();
                odd_layout(&shape, true, &mut random)
            })
            .collect();
        check(&inputs.iter().collect::<Vec<_>>());
    }
}

fn odd_layout(extents: &[usize], may_repeat: bool, random: &mut Random) -> Strided {
    let mut axes: Vec<usize> = (0..extents.len()).collect();
    for last in (1..axes.len()).rev() {
        axes.swap(last, random.below(last + 1));
    }
    let mut strides = vec![0; extents.len()];
    let mut step = 8_isize;
    for axis in axes {
        strides[axis] = step * if random.below(3) == 0 { -1 } else { 1 };
        if may_repeat && random.below(6) == 0 {
            strides[axis] = 0;
        }
        step *= extents[axis].max(1).cast_signed() + [0, 0, 1][random.below(3)];
    }
    let slack = [0, 3, 8][random.below(3)];
    let strided = Strided::laid_out(DType::F64, extents, &strides, slack, random);
    let repeats = strides.contains(&0);
    if !repeats && random.below(3) == 0 { strided.swapped() } else { strided }
}

#[test]
fn any_strides_of_outputs() {
    let mut random = Random(4);
    for _ in 0..300 {
        let rank = random.below(5);
        let extents: Vec<usize> = (0..rank).map(|_| [1, 2, 3, 5, 33][random.below(5)]).collect();
        if extents.iter().product::<usize>() > 4000 {
            continue;
        }
        let a = odd_layout(&extents, true, &mut random);
        let b = odd_layout(&extents, true, &mut random);
        let mut out = odd_layout(&extents, false, &mut random);
        let program = program(&[(DType::F64, &extents), (DType::F64, &extents)], &elementwise());
        let inputs = [Operand::from(a.view()), Operand::from(b.view())];
        for executable in executables(&program) {
            for options in [RunOptions::default(), chopped(Threads::Inline, 9)] {
                executable.run(&inputs, &mut [out.view_mut()], &options).expect("it runs");
                let found: Vec<f64> =
                    indices(&extents).iter().map(|index| out.get(index)).collect();
                assert_same(&found, &naive(&[&a, &b]), &format!("{a:?} {out:?}"));
            }
        }
    }
}

/// Copies of every dtype, contiguous, strided and byte-swapped; bools become 0 and 1.
#[test]
fn every_dtype_is_copied_bit_for_bit() {
    let mut random = Random(5);
    let copy =
        |dtype| Body { lane: |_, values| values.to_vec(), outputs: vec![dtype], folds: vec![] };
    let dtypes = DType::ALL.iter().copied().filter(|dtype| dtype.mem().is_some());
    for dtype in dtypes {
        let size = dtype.size().cast_signed();
        for stride in [size, 3 * size, -size, 2 * size + 1] {
            let plain = Strided::laid_out(dtype, &[77], &[stride], 1, &mut random);
            for input in [plain.clone(), plain.swapped()] {
                let executable = executable(program(&[(dtype, &[77])], &copy(dtype)));
                let inputs = [input.view().into()];
                let arrays =
                    executable.run_alloc(&inputs, &RunOptions::default()).expect("it runs");
                for (index, found) in arrays[0].as_bytes().chunks_exact(dtype.size()).enumerate() {
                    let mut expected = input.element(&[index]);
                    if dtype == DType::Bool {
                        expected[0] = u8::from(expected[0] != 0);
                    }
                    assert_eq!(found, expected, "{dtype} {stride} {index}");
                }
            }
        }
    }
}

/// `lane_index` numbers elements in logical C order, whatever the layout of operands.
#[test]
fn lane_index_counts_in_c_order() {
    let body = Body {
        lane: |lane, values| {
            let index = lane.prim(Prim::LaneIndex, &[]);
            let index = lane.prim_to(Prim::SintToF64, &[index], Lane::F64);
            vec![lane.prim(Prim::FAdd, &[values[0], index])]
        },
        outputs: vec![DType::F64],
        folds: vec![],
    };
    let mut random = Random(6);
    for extents in [[40_usize, 30], [3, 700], [700, 3]] {
        let stride = 8 * extents[0].cast_signed();
        let a = Strided::laid_out(DType::F64, &extents, &[8, stride], 0, &mut random);
        let executable = executable(program(&[(DType::F64, &extents)], &body));
        let expected: Vec<f64> = indices(&extents)
            .iter()
            .enumerate()
            .map(|(number, index)| a.get(index) + f64::from(u32::try_from(number).expect("few")))
            .collect();
        for options in [RunOptions::default(), chopped(Threads::Inline, 3)] {
            let found = run_f64(&executable, &[&a], &options).expect("it runs");
            assert_same(&found[0], &expected, &format!("{extents:?}"));
        }
    }
}

#[test]
fn fortran_operands_and_output_run_in_memory_order() {
    use crate::plan::{PassFacts, Plan, PlanInput, Route, Stepped, picked};
    let mut random = Random(7);
    let strides = [8, 8 * 50];
    let a = Strided::laid_out(DType::F64, &[50, 60], &strides, 0, &mut random);
    let out = a.clone();
    let program = program(&[(DType::F64, &[50, 60])], &elementwise());
    let facts = PassFacts { order_free: true, interpreted: false, work: 1 };
    let (view, out) = (a.view(), out.view());
    let (raw, axes) = (view.raw(), &program.passes[0].operands[0].axes);
    let picked = picked(raw, &[], &fuse_ir::Bound::default()).expect("the whole view");
    let inputs = [PlanInput { raw, picked, axes, predicate: None }];
    let kernel = &program.passes[0].kernel;
    let tuning = RunOptions::default().tuning;
    let operands = Stepped::new(&[50, 60], &inputs, &[out.raw()]).expect("they fit");
    let order = operands.best_order(&[50, 60]);
    let plan = Plan::new(kernel, facts, 3000, operands.accesses(&[50, 60], &order), &tuning);
    assert_eq!((plan.inputs[0].route, plan.outputs[0].route), (Route::Direct, Route::Direct));
}

#[test]
fn threads_and_block_order_change_no_bit() {
    let mut random = Random(8);
    let a = Strided::random(DType::F64, &[30_000], &mut random);
    let b = Strided::laid_out(DType::F64, &[30_000], &[-16], 0, &mut random);
    let program = program(&[(DType::F64, &[30_000]), (DType::F64, &[30_000])], &elementwise());
    let [_, executable] = executables(&program);
    let expected = naive(&[&a, &b]);
    for n in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("a pool");
        let log = crate::WorkerLog::new();
        let mut options = chopped(Threads::Pool(&pool), n as u64);
        options.workers = Some(&log);
        // A pool may leave all tasks of one call to one worker, but not of a hundred.
        for _ in 0..100 {
            let found = run_f64(&executable, &[&a, &b], &options).expect("it runs");
            assert_same(&found[0], &expected, "threads");
            if log.count() >= n.min(2) {
                break;
            }
        }
        assert!(log.count() >= n.min(2));
        let nested =
            pool.install(|| run_f64(&executable, &[&a, &b], &chopped(Threads::Current, 1)));
        assert_same(&nested.expect("it runs")[0], &expected, "nested");
    }
}

/// Calls inside a pool's tasks, on that very pool, of one thread and of several.
#[test]
fn calls_nest_in_the_pool_that_they_run_on() {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    let mut random = Random(10);
    let a = Strided::random(DType::F64, &[5000], &mut random);
    let executable = executable(program(&[(DType::F64, &[5000])], &elementwise()));
    let expected = naive(&[&a]);
    for n in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("a pool");
        let call = |seed: u64| {
            for threads in [Threads::Current, Threads::Pool(&pool)] {
                let found = run_f64(&executable, &[&a], &chopped(threads, seed)).expect("it runs");
                assert_same(&found[0], &expected, "nested");
            }
        };
        pool.install(|| (0..16).into_par_iter().for_each(call));
    }
}
