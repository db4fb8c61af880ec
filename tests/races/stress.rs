//! Threads under load: what `tsan.sh` runs with a detector of races, and `asan.sh` with one of misused memory.
//!
//! A package of its own, so that little is built for it.

#[path = "../suite/promises/concurrency.rs"]
mod concurrency;
#[path = "../suite/promises/counting.rs"]
mod counting;

use std::sync::{Arc, Mutex};
use std::thread;

use fuse::{CancelToken, Engine, ErrorKind, Limits, vars};

/// More formulas than an engine keeps, each used by two threads at a time while others push it out.
#[test]
fn formulas_push_each_other_out() {
    let engine = Engine::builder().threads(1).build().expect("an engine");
    concurrency::on_64_threads(|number| {
        for round in 0..16 {
            let k = (number / 2) * 16 + round;
            let text = format!("x + {k}*x");
            let got = engine.evaluate(&text, vars! { x = [1.0, 2.0] }).expect("evaluates");
            let factor = 1.0 + k as f64;
            assert_eq!(got.as_slice::<f64>(), Some([factor, 2.0 * factor].as_slice()));
        }
    });
}

/// Calls on all threads of one pool at the same time, and reductions, whose parts meet at the end.
#[test]
fn large_calls_share_the_pool() {
    let engine = Engine::builder().threads(4).build().expect("an engine");
    let x: Vec<f64> = (0..200_000).map(f64::from).collect();
    let sum = engine.evaluate("sum(x)", vars! { x }).expect("evaluates");
    let expected: Arc<[u8]> = sum.as_bytes().into();
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (engine, x, expected) = (engine.clone(), x.clone(), Arc::clone(&expected));
            thread::spawn(move || {
                for _ in 0..4 {
                    let sum = engine.evaluate("sum(x)", vars! { x }).expect("evaluates");
                    assert_eq!(sum.as_bytes(), &*expected);
                    engine.evaluate("sqrt(x) + x*x", vars! { x }).expect("evaluates");
                }
            })
        })
        .collect();
    callers.into_iter().for_each(|caller| caller.join().expect("no panic"));
}

/// Whoever finds its call cancelled reads what was written before.
#[test]
fn a_cancelled_call_sees_why() {
    let token = CancelToken::new();
    let engine = Engine::builder().threads(2).limits(Limits::default()).build();
    let engine = engine.expect("an engine").with_cancel(&token);
    let reason = Arc::new(Mutex::new(String::new()));
    let caller = {
        let reason = Arc::clone(&reason);
        thread::spawn(move || {
            let x = vec![1.0; 100_000];
            let stopped = loop {
                if let Err(error) = engine.evaluate("exp(sin(x))", vars! { x }) {
                    break error;
                }
            };
            (stopped.kind(), reason.lock().expect("no panic").clone())
        })
    };
    reason.lock().expect("no panic").push_str("enough");
    token.cancel();
    assert_eq!(caller.join().expect("no panic"), (ErrorKind::Cancelled, "enough".to_string()));
}
