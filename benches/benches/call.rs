//! What a call costs on 16 elements: prepared, parsed, and as text, into memory of the caller's and
//! into a new array.

use std::hint::black_box;

use criterion::Criterion;
use fuse::{DType, Formula, InputType, evaluate, evaluate_into, vars};

const TEXT: &str = "2*a + 3*b**2";

pub(crate) fn bench(criterion: &mut Criterion) {
    let (a, b) = ([1.5; 16], [2.5; 16]);
    let mut out = [0.0; 16];
    let formula: Formula = TEXT.parse().expect("a formula");
    let array = InputType::array(DType::F64, &[16]);
    let types = [("a", array.clone()), ("b", array)];
    let prepared = formula.prepare(&types).expect("it compiles");

    let mut group = criterion.benchmark_group("call");
    group.bench_function("prepared, into", |bencher| {
        bencher.iter(|| prepared.evaluate_into(vars! { a, b }, &mut out).expect("it fits"));
    });
    group.bench_function("formula, into", |bencher| {
        bencher.iter(|| formula.evaluate_into(vars! { a, b }, &mut out).expect("it fits"));
    });
    group.bench_function("text, into", |bencher| {
        bencher.iter(|| evaluate_into(TEXT, vars! { a, b }, &mut out).expect("it fits"));
    });
    group.bench_function("text, new array", |bencher| {
        bencher.iter(|| black_box(evaluate(TEXT, vars! { a, b }).expect("it fits")));
    });
}
