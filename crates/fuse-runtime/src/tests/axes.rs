//! Folds over some axes, against a direct transcription of `docs/numerics.md`.

use fuse_ir::{DType, Fold, Lane, Prim, RegionBuilder, Scalar, StateSlot, ValueId};

use super::support::{
    Body, Random, Strided, chopped, executables, indices, odd_fold, program_over, sum_fold,
};
use crate::{Executable, FoldLanes, Operand, RunOptions, Threads, ViewMut};

/// "n < 8: left to right. Otherwise blocks of B = 1024, each with K = 32 accumulators …"
pub(super) fn transcription<S: Clone>(
    init: &S,
    xs: &[f64],
    step: impl Fn(&S, f64) -> S,
    merge: impl Fn(&S, &S) -> S,
) -> S {
    if xs.len() < 8 {
        return xs.iter().fold(init.clone(), |state, &x| step(&state, x));
    }
    let block = |xs: &[f64]| {
        let mut accumulators = vec![init.clone(); 32];
        for (i, &x) in xs.iter().enumerate() {
            accumulators[i % 32] = step(&accumulators[i % 32], x);
        }
        for distance in [16, 8, 4, 2, 1] {
            for k in 0..distance {
                accumulators[k] = merge(&accumulators[k], &accumulators[k + distance]);
            }
        }
        accumulators[0].clone()
    };
    // A binary counter: (number of blocks, state), sizes falling from left to right.
    let mut counter: Vec<(usize, S)> = Vec::new();
    for xs in xs.chunks(1024) {
        let mut run = (1, block(xs));
        while counter.last().is_some_and(|last| last.0 == run.0) {
            let left = counter.pop().expect("there is one");
            run = (left.0 + run.0, merge(&left.1, &run.1));
        }
        counter.push(run);
    }
    let (_, mut total) = counter.pop().expect("there is a block");
    while let Some((_, left)) = counter.pop() {
        total = merge(&left, &total);
    }
    total
}

/// [`sum_fold`].
pub(super) fn sum(xs: &[f64]) -> f64 {
    transcription(&0.0, xs, |s, x| s + x, |a, b| a + b)
}

/// [`odd_fold`].
fn odd(xs: &[f64]) -> (f64, i32) {
    let step = |&(s, k): &(f64, i32), x: f64| (s / 3.0 + x, k + 1);
    let merge = |a: &(f64, i32), b: &(f64, i32)| (a.0 * 0.75 - b.0, a.1 + b.1);
    let (s, k) = transcription(&(0.5, 0), xs, step, merge);
    (s + f64::from(k), k)
}

/// Is any element positive? A mask and a byte: the states of the narrowest lanes.
fn any_fold() -> Fold {
    let mut step = RegionBuilder::new(&[Lane::Mask, Lane::I8, Lane::F64]);
    let zero = step.constant(Scalar::f64(0.0));
    let positive = step.prim(Prim::FLt, &[zero, step.param(2)]);
    let any = step.prim(Prim::MaskOr, &[step.param(0), positive]);
    let one = step.constant(Scalar::int(Lane::I8, 1));
    let count = step.prim(Prim::IAdd, &[step.param(1), one]);
    let step = step.finish(&[any, count]);
    let mut merge = RegionBuilder::new(&[Lane::Mask, Lane::I8, Lane::Mask, Lane::I8]);
    let any = merge.prim(Prim::MaskOr, &[merge.param(0), merge.param(2)]);
    let count = merge.prim(Prim::IAdd, &[merge.param(1), merge.param(3)]);
    let merge = merge.finish(&[any, count]);
    let finish = RegionBuilder::new(&[Lane::Mask, Lane::I8]);
    let results = [finish.param(0), finish.param(1)];
    let finish = finish.finish(&results);
    let inits = [Scalar::mask(false), Scalar::int(Lane::I8, 0)];
    let state = inits.into_iter().map(|init| StateSlot { init }).collect();
    Fold { state, step, merge, finish }
}

/// Folds of `x - y` and of `x`, with an elementwise result if wanted.
fn body(outputs: usize) -> Body {
    let with_output = |lane: &mut RegionBuilder, values: &[ValueId]| {
        let difference = lane.prim(Prim::FSub, values);
        vec![difference, difference, values[0], difference]
    };
    let without = |lane: &mut RegionBuilder, values: &[ValueId]| {
        let difference = lane.prim(Prim::FSub, values);
        vec![difference, values[0], difference]
    };
    Body {
        lane: if outputs > 0 { with_output } else { without },
        outputs: vec![DType::F64; outputs],
        folds: vec![
            (sum_fold(), vec![DType::F64]),
            (odd_fold(), vec![DType::F64, DType::I32]),
            (any_fold(), vec![DType::Bool, DType::I8]),
        ],
    }
}

/// How an operand lies in memory.
#[derive(Clone, Copy, Debug)]
enum Form {
    C,
    Fortran,
    Reversed,
    Wide,
    Swapped,
}

const FORMS: [Form; 5] = [Form::C, Form::Fortran, Form::Reversed, Form::Wide, Form::Swapped];

fn laid_out(form: Form, extents: &[usize], random: &mut Random) -> Strided {
    let c = fuse_ir::contiguous_strides(extents, 8).to_vec();
    match form {
        Form::C => Strided::random(DType::F64, extents, random),
        Form::Swapped => Strided::random(DType::F64, extents, random).swapped(),
        Form::Reversed => {
            let strides: Vec<isize> = c.iter().map(|stride| -stride).collect();
            Strided::laid_out(DType::F64, extents, &strides, 1, random)
        }
        Form::Wide => {
            let strides: Vec<isize> = c.iter().map(|stride| 2 * stride).collect();
            Strided::laid_out(DType::F64, extents, &strides, 0, random)
        }
        Form::Fortran => {
            let mut step = 8;
            let mut strides = vec![0; extents.len()];
            for (stride, &extent) in strides.iter_mut().zip(extents) {
                *stride = step;
                step *= extent.max(1).cast_signed();
            }
            Strided::laid_out(DType::F64, extents, &strides, 0, random)
        }
    }
}

/// What each output's elements are: in C order of the reduced axes.
fn groups(space: &[usize], reduced: &[u32]) -> Vec<Vec<Vec<usize>>> {
    let is_reduced = |axis: usize| reduced.contains(&(axis as u32));
    let part = |wanted: bool| -> Vec<usize> {
        let mut extents = space.to_vec();
        for (axis, extent) in extents.iter_mut().enumerate() {
            *extent = if is_reduced(axis) == wanted { *extent } else { 1 };
        }
        extents
    };
    let inner = indices(&part(true));
    let whole = |outer: &Vec<usize>| {
        let sum = |inner: &Vec<usize>| outer.iter().zip(inner).map(|(a, b)| a + b).collect();
        inner.iter().map(sum).collect()
    };
    indices(&part(false)).iter().map(whole).collect()
}

struct Case {
    x: Strided,
    y: Strided,
    space: Vec<usize>,
    reduced: Vec<u32>,
    outputs: usize,
}

impl Case {
    fn new(space: &[usize], reduced: &[u32], outputs: usize, random: &mut Random) -> Case {
        let x = laid_out(FORMS[random.below(5)], space, random);
        let thin = |&extent: &usize| if random.below(2) == 0 { 1 } else { extent };
        let own: Vec<usize> = space.iter().map(thin).collect();
        let own = &own[random.below(own.len() + 1)..];
        let y = laid_out(FORMS[random.below(5)], own, random);
        Case { x, y, space: space.to_vec(), reduced: reduced.to_vec(), outputs }
    }

    fn executables(&self) -> [Executable; 2] {
        let shapes: [(DType, &[usize]); 2] =
            [(DType::F64, &self.x.extents), (DType::F64, &self.y.extents)];
        executables(&program_over(&shapes, &body(self.outputs), &self.reduced))
    }

    fn name(&self) -> String {
        format!("{:?} over {:?}, y {:?}", self.space, self.reduced, self.y.extents)
    }

    /// The bytes of every result, outputs first.
    fn expected(&self) -> Vec<Vec<u8>> {
        let mut results = vec![Vec::new(); 5];
        for group in groups(&self.space, &self.reduced) {
            let xs: Vec<f64> = group.iter().map(|index| self.x.get(index)).collect();
            let ys = group.iter().map(|index| self.y.get(&self.y.broadcast_index(index)));
            let differences: Vec<f64> = xs.iter().zip(ys).map(|(x, y)| x - y).collect();
            let (s, k) = odd(&xs);
            results[0].extend(sum(&differences).to_ne_bytes());
            results[1].extend(s.to_ne_bytes());
            results[2].extend(k.to_ne_bytes());
            results[3].push(u8::from(differences.iter().any(|&x| x > 0.0)));
            results[4].push(xs.len() as u8);
        }
        if self.outputs > 0 {
            let value =
                |index: &Vec<usize>| self.x.get(index) - self.y.get(&self.y.broadcast_index(index));
            let output = indices(&self.space).iter().flat_map(|i| value(i).to_ne_bytes()).collect();
            results.insert(0, output);
        }
        results
    }

    fn check(&self, executable: &Executable, expected: &[Vec<u8>], options: &RunOptions<'_>) {
        let operands = [Operand::from(self.x.view()), Operand::from(self.y.view())];
        let arrays = executable.run_alloc(&operands, options).expect("it runs");
        let name = format!("{} with {:?}", self.name(), options.tuning);
        for (number, (array, expected)) in arrays.iter().zip(expected).enumerate() {
            let found = array.as_bytes();
            let size = array.view().dtype().size();
            let differs = found.chunks(size).zip(expected.chunks(size)).position(|(a, b)| a != b);
            assert_eq!(found.len(), expected.len(), "{name}: result {number}");
            assert_eq!(differs, None, "{name}: result {number}");
        }
    }
}

/// Every subset of the axes but none, of every rank to four.
#[test]
fn every_subset_of_the_axes() {
    let mut random = Random(11);
    let extents = [0, 1, 2, 3, 5, 7, 8, 9, 31, 33];
    for rank in 1..=4_usize {
        for subset in 1..1_u32 << rank {
            let reduced: Vec<u32> =
                (0..rank as u32).filter(|axis| subset >> axis & 1 == 1).collect();
            for repeat in 0..6 {
                let most = if rank > 2 { 8 } else { extents.len() };
                let space: Vec<usize> = (0..rank).map(|_| extents[random.below(most)]).collect();
                let case = Case::new(&space, &reduced, repeat % 2, &mut random);
                let expected = case.expected();
                for executable in &case.executables() {
                    for options in options() {
                        case.check(executable, &expected, &options);
                    }
                }
            }
        }
    }
}

/// The ways in which a call may run on one thread.
fn options() -> Vec<RunOptions<'static>> {
    let mut all = vec![RunOptions::default()];
    for lanes in [FoldLanes::Elements, FoldLanes::Outputs] {
        let mut options = RunOptions::default();
        options.tuning.fold_lanes = Some(lanes);
        all.push(options);
        let mut options = chopped(Threads::Inline, 5);
        options.tuning.fold_lanes = Some(lanes);
        all.push(options);
    }
    all
}

/// Lengths about the edges of granules and blocks, along either axis.
#[test]
fn long_runs_along_either_axis() {
    let mut random = Random(12);
    for n in [1, 7, 8, 31, 32, 33, 1023, 1024, 1025, 3000] {
        for (space, reduced) in [([n, 3], 0), ([3, n], 1), ([n, 40], 0), ([40, n], 1)] {
            if n > 1000 && space.contains(&40) && n != 1025 {
                continue;
            }
            let case = Case::new(&space, &[reduced], n % 2, &mut random);
            let expected = case.expected();
            let [_, disguised] = case.executables();
            for options in options() {
                case.check(&disguised, &expected, &options);
            }
        }
    }
}

/// Rows of outputs long enough to be read in place, and what broadcasts along them or across them.
#[test]
fn long_rows_of_outputs() {
    let mut random = Random(15);
    let shapes: [(&[usize], &[u32]); 8] = [
        (&[5, 9, 70], &[1]),
        (&[3, 40, 100], &[1]),
        (&[3, 100, 40], &[2]),
        (&[3, 40, 64], &[0]),
        (&[2, 3, 5, 96], &[0, 2]),
        (&[1030, 65], &[0]),
        (&[4, 130, 3], &[2]),
        (&[2, 700, 7], &[2]),
    ];
    for (space, reduced) in shapes {
        for repeat in 0..4 {
            let case = Case::new(space, reduced, repeat % 2, &mut random);
            let expected = case.expected();
            let [_, disguised] = case.executables();
            for options in options() {
                case.check(&disguised, &expected, &options);
            }
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let mut random = Random(13);
    let shapes: [(&[usize], &[u32]); 5] = [
        (&[300, 41], &[0]),
        (&[41, 300], &[1]),
        (&[7, 30, 20], &[1]),
        (&[2, 70_000], &[1]),
        (&[9, 8, 7, 6], &[0, 2]),
    ];
    for (space, reduced) in shapes {
        let case = Case::new(space, reduced, 0, &mut random);
        let expected = case.expected();
        let [_, disguised] = case.executables();
        for threads in [1, 2, 3, 7] {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            for lanes in [FoldLanes::Elements, FoldLanes::Outputs] {
                let mut options = chopped(Threads::Pool(&pool), threads as u64);
                options.tuning.fold_lanes = Some(lanes);
                case.check(&disguised, &expected, &options);
            }
        }
    }
}

/// Results that are strided, and not in C order.
#[test]
fn results_of_any_layout() {
    let mut random = Random(14);
    let x = laid_out(Form::C, &[6, 50, 4], &mut random);
    let body = Body {
        lane: |_, values| values.to_vec(),
        outputs: vec![],
        folds: vec![(sum_fold(), vec![DType::F64])],
    };
    let shape: [(DType, &[usize]); 1] = [(DType::F64, &[6, 50, 4])];
    for strides in [[8, 48], [64, 16], [-32, 8]] {
        for executable in executables(&program_over(&shape, &body, &[1])) {
            let mut out = Strided::laid_out(DType::F64, &[6, 4], &strides, 0, &mut random);
            let operands = [Operand::from(x.view())];
            let mut outputs: [ViewMut<'_>; 1] = [out.view_mut()];
            executable.run(&operands, &mut outputs, &RunOptions::default()).expect("it runs");
            for index in indices(&[6, 4]) {
                let xs: Vec<f64> = (0..50).map(|k| x.get(&[index[0], k, index[1]])).collect();
                assert_eq!(out.get(&index).to_bits(), sum(&xs).to_bits(), "{strides:?}");
            }
        }
    }
}

/// Axes that the loop has not, or twice; a position inside of a loop that is reduced in part.
#[test]
fn passes_that_lie_are_refused() {
    let x = laid_out(Form::C, &[6, 50], &mut Random(16));
    let shape: [(DType, &[usize]); 1] = [(DType::F64, &[6, 50])];
    let sum_of = |lane: fn(&mut RegionBuilder, &[ValueId]) -> Vec<ValueId>| Body {
        lane,
        outputs: vec![],
        folds: vec![(sum_fold(), vec![DType::F64])],
    };
    let plain = sum_of(|_, values| values.to_vec());
    let run = |program: fuse_ir::Program| {
        let executable = Executable::compile(program.into(), &super::support::interpreter());
        executable.run_alloc(&[Operand::from(x.view())], &RunOptions::default())
    };
    for wrong in [vec![2], vec![1, 0], vec![1, 1], vec![0, 1, 2]] {
        let mut program = program_over(&shape, &plain, &[1]);
        program.passes[0].reduced = wrong.into_iter().collect();
        assert!(matches!(run(program), Err(crate::RunError::Program { .. })));
    }
    for other in [vec![0], vec![]] {
        // The sink keeps the shape of another reduction.
        let mut program = program_over(&shape, &plain, &[1]);
        program.passes[0].reduced = other.into_iter().collect();
        assert!(matches!(run(program), Err(crate::RunError::Program { .. })));
    }
    let positions = sum_of(|lane, values| {
        let index = lane.prim(Prim::LaneIndex, &[]);
        let index = lane.prim_to(Prim::SintToF64, &[index], Lane::F64);
        vec![lane.prim(Prim::FMul, &[values[0], index])]
    });
    assert!(run(program_over(&shape, &positions, &[0, 1])).is_ok());
    let partly = run(program_over(&shape, &positions, &[1]));
    assert!(matches!(partly, Err(crate::RunError::Program { .. })));
}
