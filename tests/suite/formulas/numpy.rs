//! Random formulas beside NumPy: result dtypes, shapes and values, in either mode.
//!
//! `tests/formulas/judge.py` evaluates the formula's text with NumPy and judges what fuse gives: bit by
//! bit where the formula is exact so far, within the documented budgets otherwise. A judge answers a
//! formula at a time, so that a refused one can be shrunk.

use std::collections::BTreeMap;
use std::sync::Mutex;

use fuse::Mode;
use fuse_ir::DType;
use fuse_testkit::formulas::{Family, Subject};
use fuse_testkit::skip;

use super::judge::{Counts, Judges, Written, request, variables};
use super::subject::Bench;
use super::{FIXED, for_all, seeds};

/// Formulas of a run.
const FORMULAS: u64 = 5000;

/// Formulas whose results are spoiled.
const SPOILED: u64 = 300;

/// The formula's results in the modes that have it.
fn results(bench: &Bench, subject: &Subject) -> Result<Vec<(&'static str, Written)>, String> {
    let modes = [("strict", Mode::Strict), ("relaxed", Mode::Relaxed)].into_iter();
    let modes = modes.filter(|(_, mode)| *mode == Mode::Relaxed || !subject.relaxed_only);
    let result = |mode| bench.result(subject, mode).map(|array| Written::of_result(&array));
    modes.map(|(name, mode)| Ok((name, result(mode)?))).collect()
}

fn judged(
    judges: &Judges,
    subject: &Subject,
    results: &[(&str, Written)],
) -> Result<BTreeMap<String, Counts>, String> {
    judges.ask(&request(&subject.tree.text(), &variables(&subject.operands), results))
}

/// Judges random formulas, and demands that it says something of most elements.
fn agree(family: Family, formulas: u64) {
    let Some(judges) = Judges::new() else {
        skip!("python: no python3 with NumPy 2, its long double and gmpy2")
    };
    let totals = Mutex::new(BTreeMap::<String, Counts>::new());
    let seeds = seeds(formulas);
    for_all(&seeds, family, |bench, subject| {
        let counts = judged(&judges, subject, &results(bench, subject)?)?;
        let mut totals = totals.lock().expect("no panic");
        for (mode, counts) in counts {
            let total = totals.entry(mode).or_default();
            (0..3).for_each(|kind| total[kind] += counts[kind]);
        }
        Ok(())
    });
    for (mode, counts) in totals.into_inner().expect("no panic") {
        let all: u64 = counts.iter().sum();
        let [equal, within, undecided] = counts.map(|count| 100.0 * count as f64 / all as f64);
        println!(
            "{family:?}, {mode}: {all} elements, {equal:.1} % equal, {within:.1} % within bounds, {undecided:.1} % undecided"
        );
        let [least, most] = expected_shares(family);
        let says_something = equal >= least && undecided <= most;
        assert!(seeds.len() < 200 || says_something, "{mode}: {equal} %, undecided {undecided} %");
    }
}

/// Of a hundred elements at least so many are judged bit by bit, and at most so many are undecided.
fn expected_shares(family: Family) -> [f64; 2] {
    match family {
        Family::Any | Family::Polynomial | Family::Tame => [60.0, 20.0],
        Family::Complex => [15.0, 50.0],
    }
}

#[test]
fn random_formulas_agree_with_numpy() {
    agree(Family::Any, FORMULAS);
}

#[test]
fn random_formulas_of_complex_numbers_agree_with_exact_values() {
    agree(Family::Complex, FORMULAS / 20);
}

/// Where a formula is exact, a result is refused whose elements all are off by a bit; where it is not, one that
/// is off by many powers of two, but for a few bounds that allow everything.
fn refuses_spoiled(family: Family, formulas: u64) {
    let Some(judges) = Judges::new() else {
        skip!("python: no python3 with NumPy 2, its long double and gmpy2")
    };
    let gross = Mutex::new([0; 2]);
    let seeds: Vec<u64> = (FIXED..FIXED + formulas).collect();
    for_all(&seeds, family, |bench, subject| {
        for (mode, result) in results(bench, subject)? {
            let [equal, within, _] = judged(&judges, subject, &[(mode, result.clone())])?[mode];
            let ask = |result| judged(&judges, subject, &[(mode, result)]);
            if equal > 0 && ask(result.spoiled(1, 0)).is_ok() {
                return Err(format!("{mode}: {equal} elements are exact, others are accepted"));
            }
            if equal + within > 0 && (result.dtype.is_float() || result.dtype.is_complex()) {
                let refused = ask(result.spoiled(0, 0x40)).is_err();
                gross.lock().expect("no panic")[usize::from(refused)] += 1;
            }
            let longer = Written { extents: [&[1, 1], &*result.extents].concat(), ..result };
            if ask(longer).is_ok() {
                return Err(format!("{mode}: another shape is accepted"));
            }
        }
        Ok(())
    });
    let [accepted, refused] = gross.into_inner().expect("no panic");
    println!("off by powers of two: {refused} refused, {accepted} accepted");
    assert!(refused > 50 * accepted, "{refused} refused, {accepted} accepted");
}

#[test]
fn the_judge_refuses_spoiled_results() {
    refuses_spoiled(Family::Any, SPOILED);
}

#[test]
fn the_judge_refuses_spoiled_complex_results() {
    refuses_spoiled(Family::Complex, SPOILED / 5);
}

fn column(values: &[f64]) -> Written {
    let bytes = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    Written { dtype: DType::F64, extents: vec![values.len()], bytes }
}

fn integers(values: &[i64]) -> Written {
    let bytes = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    Written { dtype: DType::I64, extents: vec![values.len()], bytes }
}

fn scalar(value: f64) -> Written {
    Written { extents: Vec::new(), ..column(&[value]) }
}

/// Results beside what is right: the last bit, a budget, an element that a sum has lost, a rounding in the wrong
/// direction, a dtype.
#[test]
fn the_judge_knows_right_from_wrong() {
    let Some(judges) = Judges::new() else {
        skip!("python: no python3 with NumPy 2, its long double and gmpy2")
    };
    // The exact e is a third of a unit above this float.
    let e = std::f64::consts::E;
    let (tenth, ten) = (column(&[0.1]), column(&[1.0; 10]));
    let long: Vec<f64> = (0..3000).map(|i| 1.0 + f64::from(i) * 1e-3).collect();
    let minus = [integers(&[-7]), integers(&[2])];
    let cases = [
        ("v0*v0", vec![tenth.clone()], "strict", column(&[0.1 * 0.1]), true),
        ("v0*v0", vec![tenth.clone()], "strict", column(&[(0.1_f64 * 0.1).next_up()]), false),
        ("v0*v0", vec![tenth.clone()], "relaxed", column(&[(0.1_f64 * 0.1).next_up()]), false),
        (
            "v0*v0 + 1",
            vec![tenth.clone()],
            "strict",
            column(&[(0.1 * 0.1 + 1.0_f64).next_up()]),
            false,
        ),
        (
            "v0*v0 + 1",
            vec![tenth.clone()],
            "relaxed",
            column(&[(0.1 * 0.1 + 1.0_f64).next_up()]),
            true,
        ),
        ("v0*v0 + 1", vec![tenth], "relaxed", column(&[(0.1 * 0.1 + 1.0) * (1.0 + 1e-14)]), false),
        ("exp(v0)", vec![column(&[1.0])], "strict", column(&[e]), true),
        ("exp(v0)", vec![column(&[1.0])], "strict", column(&[e.next_up()]), true),
        ("exp(v0)", vec![column(&[1.0])], "strict", column(&[e.next_down()]), false),
        ("exp(v0)", vec![column(&[1.0])], "strict", column(&[e.next_up().next_up()]), false),
        ("exp(v0)*2 < 6", vec![column(&[1.0])], "strict", boolean(false), false),
        ("sum(v0)", vec![ten.clone()], "strict", scalar(10.0), true),
        ("sum(v0)", vec![ten.clone()], "strict", scalar(9.0), false),
        ("sum(v0)", vec![ten.clone()], "strict", integers(&[10]), false),
        ("sum(v0)", vec![ten], "strict", column(&[10.0]), false),
        ("var(v0)", vec![column(&long)], "strict", scalar(0.749_999_916_666_666_7), true),
        ("var(v0)", vec![column(&long)], "strict", scalar(0.749_999_916_67), false),
        ("v0 // v1", minus.to_vec(), "strict", integers(&[-4]), true),
        ("v0 // v1", minus.to_vec(), "strict", integers(&[-3]), false),
        ("v0 / v1", minus.to_vec(), "strict", column(&[-3.5]), true),
        ("minimum(v0, -v0)", vec![column(&[0.0])], "strict", column(&[-0.0]), true),
        ("minimum(v0, -v0)", vec![column(&[0.0])], "strict", column(&[0.0]), false),
    ];
    for (formula, operands, mode, result, is_right) in cases {
        let verdict = judges.ask(&request(formula, &operands, &[(mode, result)]));
        assert_eq!(verdict.is_ok(), is_right, "{formula}, {mode}: {verdict:?}");
    }
}

fn boolean(value: bool) -> Written {
    Written { dtype: DType::Bool, extents: vec![1], bytes: vec![u8::from(value)] }
}
