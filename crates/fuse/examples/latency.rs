//! What a call costs on 16 elements, and what a new formula costs from text to first result.
//!
//! `cargo run --release -p fuse-formula --example latency`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use fuse::{AsInput, DType, Engine, Formula, InputType, evaluate, vars};

/// Nanoseconds a call, the best of ten rounds.
fn per_call(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 20_000;
    let round = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    };
    (0..10).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), fuse::Error> {
    let (a, b) = ([1.5; 16], [2.5; 16]);
    let mut out = [0.0; 16];
    let text = "2*a + 3*b**2";
    let formula: Formula = text.parse()?;
    let array = InputType::array(DType::F64, &[16]);
    let prepared = formula.prepare(&[("a", array.clone()), ("b", array)])?;

    let time = per_call(|| prepared.evaluate_into(vars! { a, b }, &mut out).expect("it fits"));
    println!("prepared call, 16 elements, into out:  {time:8.0} ns");
    let time = per_call(|| formula.evaluate_into(vars! { a, b }, &mut out).expect("it fits"));
    println!("formula call, 16 elements, into out:   {time:8.0} ns");
    let time = per_call(|| {
        black_box(evaluate(text, vars! { a, b }).expect("it fits"));
    });
    println!("evaluate(text), 16 elements, new array:{time:8.0} ns");

    let engine = Engine::builder().build()?;
    let mut times: Vec<Duration> = Vec::new();
    for seed in 0..200_u32 {
        let text = new_formula(seed);
        let start = Instant::now();
        let result = engine.evaluate(&text, [("a", a.as_input()), ("b", b.as_input())])?;
        times.push(start.elapsed());
        black_box(result);
    }
    times.sort();
    println!(
        "new formula of 20 to 40 nodes, text to first result, median of 200: {:?}",
        times[100]
    );
    Ok(())
}

/// A formula of 20 to 40 nodes that no other seed gives.
fn new_formula(seed: u32) -> String {
    let terms = 4 + seed % 4;
    let term = |k: u32| match (seed / 4 + k) % 4 {
        0 => format!("{}.5*a*b", seed + k),
        1 => format!("(a - {}.25)/b", seed + k),
        2 => format!("sqrt(a*a + {}.0)", seed + k),
        _ => format!("where(a > {}.0, a, b)", seed + k),
    };
    (0..terms).map(term).collect::<Vec<_>>().join(" + ")
}
