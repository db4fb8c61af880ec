//! A polynomial over a million elements into memory of ours, and what became of it.
//!
//! `cargo run --release -p fuse-formula --example polynomial`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use fuse::{DType, Formula, InputType, Stage, vars};

fn main() -> Result<(), fuse::Error> {
    let formula: Formula = "x + x**2 + x**3 + x**4 + x**5 + x**6 + x**7 + x**8".parse()?;
    let x: Vec<f64> = (0..1_000_000).map(|k| f64::from(k) / 1e6).collect();
    let mut out = vec![0.0; x.len()];

    let start = Instant::now();
    formula.evaluate_into(vars! { x }, &mut out)?;
    let first = start.elapsed();
    let best = (0..50)
        .map(|_| {
            let start = Instant::now();
            formula.evaluate_into(vars! { x }, &mut out).map(|()| start.elapsed())
        })
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .min()
        .unwrap_or(first);
    println!("first call, compilation included: {first:?}; later: {best:?}");
    println!("f(0.999999) = {}", out[999_999]);

    let types = [("x", InputType::array(DType::F64, &[2]))];
    println!("\n{}", formula.explain(&types, Stage::Kernel)?);
    Ok(())
}
