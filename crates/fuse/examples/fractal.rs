//! The Mandelbrot set on a grid of complex numbers: fifty prepared steps of `z**2 + c`, and how many of
//! them each point stays within 2 of the origin.
//!
//! `cargo run --release -p fuse-formula --example fractal -- fractal.pgm` writes the counts as a picture
//! (PGM, which most viewers show), prints what a step costs, and compares the counts with NumPy's, whose digest
//! `fractal.py` beside this file prints.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::io::Write;
use std::time::Instant;

use fuse::{Array, AsInput, DType, Formula, InputType, vars};

const SIDE: usize = 500;
const STEPS: usize = 50;
/// Of NumPy's counts: `fractal.py` prints it.
const DIGEST: u64 = 0x4bf4_6516_cc86_4cec;

/// A point leaves for good once |z| > 2, and keeps the value with which it left: nothing overflows.
const STEP: &str = "inside = abs(z) <= 2
                    where(inside, z**2 + c, z), n + inside";

/// The grid of points, from -2 - 1.25i to 0.5 + 1.25i.
fn grid() -> Result<Array, fuse::Error> {
    let text = "complex(linspace(-2, 0.5, 500)[None, :], linspace(-1.25, 1.25, 500)[:, None])";
    fuse::evaluate(text, vars! {})
}

/// How many steps each point stays, and the seconds that all steps took.
fn counts(c: &Array) -> Result<(Vec<i64>, f64), fuse::Error> {
    let formula: Formula = STEP.parse()?;
    let field = InputType::array(DType::C128, &[SIDE, SIDE]);
    let count = InputType::array(DType::I64, &[SIDE, SIDE]);
    let step = formula.prepare(&[("z", field.clone()), ("c", field), ("n", count)])?;
    let shape = [SIDE, SIDE];
    let (mut z, mut n) = (Array::zeroed(DType::C128, &shape)?, Array::zeroed(DType::I64, &shape)?);
    let (mut next, mut next_n) =
        (Array::zeroed(DType::C128, &shape)?, Array::zeroed(DType::I64, &shape)?);
    let start = Instant::now();
    for _ in 0..STEPS {
        let vars = [("z", z.as_input()), ("c", c.as_input()), ("n", n.as_input())];
        step.evaluate_into(vars, &mut (&mut next, &mut next_n))?;
        std::mem::swap(&mut z, &mut next);
        std::mem::swap(&mut n, &mut next_n);
    }
    Ok((n.into_vec()?, start.elapsed().as_secs_f64()))
}

/// A PGM picture: points that stay are black, the sooner one leaves, the lighter it is.
fn picture(counts: &[i64]) -> Vec<u8> {
    let mut bytes = format!("P5\n{SIDE} {SIDE}\n255\n").into_bytes();
    let shade = |&count: &i64| u8::try_from(255 - 255 * count / STEPS as i64).unwrap_or(0);
    bytes.extend(counts.iter().map(shade));
    bytes
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let c = grid()?;
    // Once to compile, once to measure.
    counts(&c)?;
    let (counts, seconds) = counts(&c)?;
    let path = std::env::args().nth(1).unwrap_or_else(|| "fractal.pgm".to_string());
    std::fs::File::create(&path)?.write_all(&picture(&counts))?;
    let digest = counts.iter().fold(0_u64, |acc, &n| acc.wrapping_mul(31).wrapping_add(n as u64));
    let inside = counts.iter().filter(|&&count| count == STEPS as i64).count();
    let per_element = seconds * 1e9 / (STEPS * SIDE * SIDE) as f64;
    println!("{STEPS} steps of {SIDE} x {SIDE}: {per_element:.2} ns an element and step");
    println!("{inside} points stay; {path}");
    if digest != DIGEST {
        return Err(format!("the counts are not NumPy's: digest {digest:016x}").into());
    }
    println!("the counts are NumPy's");
    Ok(())
}
