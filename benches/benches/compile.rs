//! A new formula, from text to first result: each iteration another constant, so that no cache helps.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use fuse::{Engine, vars};

/// `number` makes the formula new; `terms` terms of five nodes each.
fn formula(terms: u32, number: u32) -> String {
    let term = |k: u32| match k % 3 {
        0 => format!("{number}.5*a*b"),
        1 => format!("(a - {number}.25)/b"),
        _ => format!("sqrt(a*a + {number}.0)"),
    };
    (0..terms).map(term).collect::<Vec<_>>().join(" + ")
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let (a, b) = ([1.5; 16], [2.5; 16]);
    let engine = Engine::builder().build().expect("an engine");
    let mut group = criterion.benchmark_group("new formula");
    for terms in [1, 5, 20] {
        let mut number = 0;
        group.bench_function(BenchmarkId::new("terms", terms), |bencher| {
            bencher.iter(|| {
                number += 1;
                let text = formula(terms, number);
                black_box(engine.evaluate(&text, vars! { a, b }).expect("it compiles"))
            });
        });
    }
}
