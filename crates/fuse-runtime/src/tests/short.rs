//! The short way beside the transcription of `docs/numerics.md`: first calls, and those after which the
//! ends of the folds are compiled.

use fuse_ir::{DType, Fold, Lane, Prim, RegionBuilder, Scalar};

use super::folds::expected_of;
use super::support::{Body, Random, assert_same, executables, odd_fold, program, sum_fold};
use crate::{Operand, RunOptions, View, ViewMut};

/// More than the calls after which more is compiled.
const CALLS: usize = 20;

/// [`odd_fold`] with a merge of more nodes than are written into one region for all accumulators.
fn large_fold() -> Fold {
    let mut merge = RegionBuilder::new(&[Lane::F64, Lane::I32, Lane::F64, Lane::I32]);
    let (s1, k1, s2, k2) = (merge.param(0), merge.param(1), merge.param(2), merge.param(3));
    let mut s = merge.prim(Prim::FSub, &[s1, s2]);
    for k in 0..20 {
        let weight = merge.constant(Scalar::f64(0.75 + f64::from(k) / 64.0));
        let weighted = merge.prim(Prim::FMul, &[s, weight]);
        s = merge.prim(Prim::FAdd, &[weighted, s1]);
    }
    let k = merge.prim(Prim::IAdd, &[k1, k2]);
    Fold { merge: merge.finish(&[s, k]), ..odd_fold() }
}

fn check(make: fn() -> Fold, n: usize, random: &mut Random) {
    let body = Body {
        lane: |lane, values| {
            let difference = lane.prim(Prim::FSub, values);
            vec![difference, difference, values[0]]
        },
        outputs: vec![DType::F64],
        folds: vec![(sum_fold(), vec![DType::F64]), (make(), vec![DType::F64, DType::I32])],
    };
    let (a, b) = (random.floats(n), random.floats(n));
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    let total = f64::from_bits(expected_of(&sum_fold(), &differences)[0].bits);
    let odd = expected_of(&make(), &a);
    for executable in executables(&program(&[(DType::F64, &[n]), (DType::F64, &[n])], &body)) {
        for call in 0..CALLS {
            let (mut out, mut sum, mut last, mut count) = (vec![0.0; n], [0.0], [0.0], [0_i32]);
            let inputs = [Operand::from(View::from_slice(&a)), View::from_slice(&b).into()];
            let mut outputs = [
                ViewMut::from_slice(&mut out),
                ViewMut::from_element(&mut sum[0]),
                ViewMut::from_element(&mut last[0]),
                ViewMut::from_element(&mut count[0]),
            ];
            executable.run(&inputs, &mut outputs, &RunOptions::default()).expect("it runs");
            let what = format!("n = {n}, call {call}");
            assert_same(&out, &differences, &what);
            assert_same(&[sum[0], last[0]], &[total, f64::from_bits(odd[0].bits)], &what);
            assert_eq!(i64::from(count[0]), odd[1].bits as i64, "{what}");
        }
    }
}

#[test]
fn folds_end_alike_however_often_they_are_called() {
    let mut random = Random(11);
    for n in (2..10).chain([31, 32, 33, 40, 64, 70, 1000, 1023, 1024, 1025]) {
        check(odd_fold, n, &mut random);
        check(large_fold, n, &mut random);
    }
}

/// A fold of NaNs ends in the canonical one, however it ends.
#[test]
fn every_end_makes_nans_canonical() {
    let odd_nan = f64::from_bits(0xfff8_0000_0000_1234);
    for n in [3, 20] {
        let body = Body {
            lane: |_, values| values.to_vec(),
            outputs: vec![],
            folds: vec![(sum_fold(), vec![DType::F64])],
        };
        let values = vec![odd_nan; n];
        for executable in executables(&program(&[(DType::F64, &[n])], &body)) {
            for _ in 0..CALLS {
                let inputs = [Operand::from(View::from_slice(&values))];
                let found = executable.run_alloc(&inputs, &RunOptions::default()).expect("it runs");
                let bits = found[0].as_slice::<f64>().expect("f64")[0].to_bits();
                assert_eq!(bits, fuse_ir::CANONICAL_NAN_F64);
            }
        }
    }
}
