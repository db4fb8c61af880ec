//! Reductions of every length, over every axis, by every form of a fold.

use fuse::raw::Tuning;
use fuse::{AsInput, Engine, evaluate_all, vars};
use fuse_runtime::FoldLanes;

use super::{agree, all_same, array, numbers, stand_ins, tame};

const LENGTHS: [usize; 11] = [0, 1, 7, 8, 31, 32, 33, 1023, 1024, 1025, 33 * 1024 + 5];

const FOLDS: &str =
    "sum(x), prod(x), max(x), argmax(x), argmin(x), var(x), mean(x), any(x > 3), sum(x*x)";

#[test]
fn folds_of_every_length() {
    for n in LENGTHS {
        let x = numbers(n, 13);
        let formula = if n == 0 { "sum(x), x + sum(x)" } else { FOLDS };
        agree(formula, [("x", x.as_input())]);
    }
}

#[test]
fn folds_over_some_axes() {
    for n in LENGTHS {
        if n == 1 {
            continue;
        }
        let list = |axis: &str| {
            if n == 0 {
                return format!("sum(m, axis={axis})");
            }
            format!("sum(m, axis={axis}), argmax(m, axis={axis}), var(m, axis={axis})")
        };
        let (rows, columns) = (array(&tame(2 * n, 14), &[2, n]), array(&tame(2 * n, 15), &[n, 2]));
        agree(&list("1"), [("m", rows.as_input())]);
        agree(&list("0"), [("m", columns.as_input())]);
        if n <= 1025 {
            let m = array(&tame(2 * n * 40, 16), &[2, n, 40]);
            agree(&list("1"), [("m", m.as_input())]);
            let m = array(&tame(3 * n * 5, 16), &[3, n, 5]);
            agree("sum(m, axis=(0, 2)), sum(m, axis=(1, 2))", [("m", m.as_input())]);
        }
    }
}

/// Each way of walking a fold gives the same bits.
#[test]
fn lanes_of_folds() {
    let m = array(&tame(300 * 70, 16), &[300, 70]);
    let formula = "sum(m, axis=0), var(m, axis=1)";
    let expected = evaluate_all(formula, vars! { m }).expect("it runs");
    for (name, device) in stand_ins() {
        for lanes in [FoldLanes::Elements, FoldLanes::Outputs] {
            let tuning = Tuning { fold_lanes: Some(lanes), ..Tuning::default() };
            let engine = Engine::builder().device(&device).tuning(tuning).build().expect("engine");
            let found = engine.evaluate_all(formula, vars! { m }).expect("it runs");
            all_same(&found, &expected, name);
        }
    }
}
