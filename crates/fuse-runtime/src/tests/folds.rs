//! Folds against a direct transcription of `docs/numerics.md`.

use fuse_ir::interp::eval_scalars;
use fuse_ir::{DType, Fold, Lane, Scalar};

use super::axes::transcription;
use super::support::{
    Body, Random, Strided, assert_same, chopped, executables, odd_fold, program, run_f64, sum_fold,
};
use crate::{Executable, Operand, RunOptions, Threads};

type State = Vec<Scalar>;

/// The results of a fold, its regions evaluated one element at a time.
pub(super) fn expected_of(fold: &Fold, xs: &[f64]) -> Vec<Scalar> {
    let kernel = fuse_ir::Kernel::default();
    let init: State = fold.state.iter().map(|slot| slot.init).collect();
    let step = |state: &State, x: f64| {
        eval_scalars(&kernel, &fold.step, &[state.as_slice(), &[Scalar::f64(x)]].concat())
    };
    let merge = |left: &State, right: &State| {
        eval_scalars(&kernel, &fold.merge, &[left.as_slice(), right.as_slice()].concat())
    };
    let total = transcription(&init, xs, step, merge);
    eval_scalars(&kernel, &fold.finish, &total)
}

fn folding(fold: Fold, results: &[DType], n: usize) -> Executable {
    let body = Body {
        lane: |_, values| values.to_vec(),
        outputs: vec![],
        folds: vec![(fold, results.to_vec())],
    };
    let [_, disguised] = executables(&program(&[(DType::F64, &[n])], &body));
    disguised
}

#[test]
fn sums_of_every_length_near_the_edges() {
    let mut random = Random(1);
    for n in (0..70).chain([1023, 1024, 1025, 2047, 2048, 3077, 7168, 9 * 1024 + 5]) {
        if n == 1 {
            continue;
        }
        let xs = Strided::random(DType::F64, &[n], &mut random);
        let values: Vec<f64> = (0..n).map(|index| xs.get(&[index])).collect();
        let expected = f64::from_bits(expected_of(&sum_fold(), &values)[0].bits);
        let found = run_f64(&folding(sum_fold(), &[DType::F64], n), &[&xs], &RunOptions::default());
        assert_same(&found.expect("it runs")[0], &[expected], &format!("n = {n}"));
    }
}

/// More than one task, on any number of threads, in any order, from any layout.
#[test]
fn a_fold_that_notices_its_order() {
    let mut random = Random(2);
    for n in [6, 40, 5000, 32 * 1024, 64 * 1024, 7 * 32 * 1024 + 3 * 1024 + 77] {
        let plain = Strided::random(DType::F64, &[n], &mut random);
        let values: Vec<f64> = (0..n).map(|index| plain.get(&[index])).collect();
        let expected = expected_of(&odd_fold(), &values);
        let executable = folding(odd_fold(), &[DType::F64, DType::I32], n);
        let reversed = {
            let mut reversed = plain.clone();
            for (index, value) in values.iter().enumerate() {
                let at = 8 * (n - 1 - index);
                reversed.bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
            }
            reversed.strides = vec![-8];
            reversed.offset = 8 * (n - 1);
            reversed
        };
        let check = |input: &Strided, options: &RunOptions<'_>| {
            let operands = [Operand::from(input.view())];
            let found = executable.run_alloc(&operands, options).expect("it runs");
            let sum = found[0].as_slice::<f64>().expect("f64")[0];
            let count = found[1].as_slice::<i32>().expect("i32")[0];
            assert_eq!(
                (sum.to_bits(), i64::from(count)),
                (expected[0].bits, expected[1].bits as i64)
            );
        };
        check(&plain, &RunOptions::default());
        check(&reversed, &RunOptions::default());
        for threads in [2, 7] {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            check(&plain, &chopped(Threads::Pool(&pool), n as u64));
            check(&reversed.clone().swapped(), &chopped(Threads::Pool(&pool), 3));
        }
    }
}

/// Elementwise output and two folds in one pass, over broadcast operands, in logical C order.
#[test]
fn folds_over_broadcast_operands_beside_an_output() {
    let body = || Body {
        lane: |lane, values| {
            let difference = lane.prim(fuse_ir::Prim::FSub, values);
            vec![difference, difference, values[0]]
        },
        outputs: vec![DType::F64],
        folds: vec![(sum_fold(), vec![DType::F64]), (odd_fold(), vec![DType::F64, DType::I32])],
    };
    let mut random = Random(3);
    for (rows, cols) in [(3, 2), (1000, 3), (3, 1000), (4, 320), (5, 1024)] {
        let a = Strided::random(DType::F64, &[rows, 1], &mut random);
        let b = Strided::random(DType::F64, &[cols], &mut random);
        let shapes: [(DType, &[usize]); 2] = [(DType::F64, &[rows, 1]), (DType::F64, &[cols])];
        let executables = executables(&program(&shapes, &body()));
        let pairs: Vec<(f64, f64)> = (0..rows * cols)
            .map(|index| (a.get(&[index / cols, 0]), b.get(&[index % cols])))
            .collect();
        let differences: Vec<f64> = pairs.iter().map(|(a, b)| a - b).collect();
        let firsts: Vec<f64> = pairs.iter().map(|(a, _)| *a).collect();
        let sum = expected_of(&sum_fold(), &differences);
        let odd = expected_of(&odd_fold(), &firsts);
        let options = [RunOptions::default(), chopped(Threads::Inline, 4)];
        for (executable, options) in executables.iter().flat_map(|e| options.map(|o| (e, o))) {
            let operands = [Operand::from(a.view()), Operand::from(b.view())];
            let found = executable.run_alloc(&operands, &options).expect("it runs");
            let float = |index: usize| found[index].as_slice::<f64>().expect("f64").to_vec();
            assert_same(&float(0), &differences, "output");
            assert_same(&float(1), &[f64::from_bits(sum[0].bits)], "sum");
            assert_same(&float(2), &[f64::from_bits(odd[0].bits)], "odd");
        }
    }
}

#[test]
fn stored_nans_are_canonical() {
    let n = 20;
    let odd_nan = f64::from_bits(0xfff8_0000_0000_1234);
    for values in [vec![odd_nan; 3], vec![odd_nan; n]] {
        let executable = folding(sum_fold(), &[DType::F64], values.len());
        let found = executable
            .run_alloc(&[crate::View::from_slice(&values).into()], &RunOptions::default())
            .expect("it runs");
        let bits = found[0].as_slice::<f64>().expect("f64")[0].to_bits();
        assert_eq!(bits, fuse_ir::CANONICAL_NAN_F64);
    }
    assert_eq!(sum_fold().state[0].init.lane, Lane::F64);
}
