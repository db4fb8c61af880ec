//! Many threads, one engine: the same results, each formula compiled once, no deadlock.

use std::sync::{Arc, Barrier};

use fuse::{Engine, vars};

use super::counting::Counting;

/// Runs `call(number)` on 64 threads that start together.
pub(super) fn on_64_threads(call: impl Fn(usize) + Sync) {
    let barrier = Barrier::new(64);
    std::thread::scope(|scope| {
        let (barrier, call) = (&barrier, &call);
        let start = |number| {
            scope.spawn(move || {
                barrier.wait();
                call(number);
            })
        };
        let threads: Vec<_> = (0..64).map(start).collect();
        // Joined one by one: a detector of races knows that, but not how a scope ends.
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
}

#[test]
fn sixty_four_threads_share_one_formula() {
    let counted = || {
        let backend = Arc::new(Counting::default());
        let engine = Engine::builder().host_backend(backend.clone()).threads(2);
        (backend, engine.build().expect("the back end is given"))
    };
    let (alone, single) = counted();
    single.evaluate("sum(x*x) + 1", vars! { x = [1.0, 2.0] }).expect("evaluates");
    let (backend, engine) = counted();
    on_64_threads(|number| {
        let x = vec![number as f64; 5000 + number];
        for _ in 0..5 {
            let sum = engine.evaluate("sum(x*x) + 1", vars! { x }).expect("evaluates");
            let n = x.len() as f64;
            assert_eq!(sum.into_vec::<f64>().expect("f64"), [n * (number * number) as f64 + 1.0]);
        }
    });
    assert_eq!(backend.compiled(), alone.compiled(), "64 threads compile as much as one");
}

#[test]
fn sixty_four_threads_use_different_formulas() {
    let engine = Engine::builder().threads(2).build().expect("an engine");
    on_64_threads(|number| {
        let x = [1.0, 2.0, 3.0];
        for round in 0..10 {
            let k = number * 10 + round;
            let got =
                engine.evaluate(&format!("x*{k} + {number}"), vars! { x }).expect("evaluates");
            let expected = x.map(|x| x * k as f64 + number as f64);
            assert_eq!(got.as_slice::<f64>(), Some(expected.as_slice()));
        }
    });
}

#[test]
fn formulas_run_inside_the_callers_rayon_pool() {
    let engine = Engine::builder().threads(2).build().expect("an engine");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
    let x: Vec<f64> = (0..100_000).map(f64::from).collect();
    let outside = engine.evaluate("sum(x) + x*0.5", vars! { x }).expect("evaluates");
    let nested = || {
        use rayon::prelude::*;
        (0..12).into_par_iter().map(|_| engine.evaluate("sum(x) + x*0.5", vars! { x })).collect()
    };
    let inside: Vec<_> = pool.install(nested);
    for got in inside {
        assert_eq!(got.expect("evaluates").as_bytes(), outside.as_bytes());
    }
}

/// Sizes are no part of a formula's types.
#[test]
fn one_formula_on_a_thousand_sizes_is_compiled_once() {
    let backend = Arc::new(Counting::default());
    let engine = Engine::builder().host_backend(backend.clone()).build().expect("given");
    let formula = engine.formula("a*x + 1").expect("parses");
    for n in (0..1002).filter(|&n| n != 1) {
        let x = vec![0.5_f32; n];
        let got = formula.evaluate(vars! { x, a = 2.0_f32 }).expect("evaluates");
        assert_eq!(got.into_vec::<f32>().expect("f32"), vec![2.0; n]);
    }
    assert_eq!(backend.compiled(), 1);
    let x = vec![0.5_f64; 3];
    formula.evaluate(vars! { x, a = 2.0 }).expect("evaluates");
    assert_eq!(backend.compiled(), 2, "another dtype is another plan");
}
