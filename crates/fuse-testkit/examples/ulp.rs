//! Measures a function against MPFR while it is being written.
//!
//! ```text
//! cargo run --release -p fuse-testkit --features mpfr --example ulp -- NAME DTYPE COUNT [LOW HIGH [LOW2 HIGH2]]
//! ```
//!
//! Without intervals the arguments come from a mixture over the whole domain. Prints, for each kind of
//! argument, the largest error in ulp and where it is, and the share that is correctly rounded; and
//! how many primitives the function takes. With a file in the environment variable `POINTS`: at the
//! points listed there.

#![expect(clippy::print_stdout, reason = "a tool")]

use std::process::ExitCode;

use fuse_ir::DType;
use fuse_ops::Op;
use fuse_testkit::Random;
use fuse_testkit::accuracy::points::{Draw, MIXTURE};
use fuse_testkit::accuracy::{Subject, Tally, mpfr};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((op, dtype, count, draws)) = parse(&args) else {
        println!("usage: ulp NAME f64|f32 COUNT [LOW HIGH [LOW2 HIGH2]]");
        return ExitCode::FAILURE;
    };
    let subject = Subject::new(op, dtype);
    let cost = op.cost(dtype, dtype);
    println!("{} {dtype}: {} primitives, weight {}", op.row().name, cost.primitives, cost.weight);
    if let Ok(file) = std::env::var("POINTS") {
        return listed(&subject, &file);
    }
    let share = count / draws.len();
    for (seed, draw) in draws.iter().enumerate() {
        let tallies = std::thread::scope(|scope| {
            let run = |half| {
                let subject = &subject;
                scope.spawn(move || measure(subject, draw, share / 2, seed as u64 * 2 + half))
            };
            [run(0), run(1)].map(|thread| thread.join().expect("no panic"))
        });
        let mut tally = Tally::default();
        tallies.into_iter().for_each(|other| tally.merge(other));
        let at: Vec<String> = tally
            .at
            .iter()
            .map(|&bits| format!("{:e} ({bits:#x})", subject.format.value(bits)))
            .collect();
        println!(
            "{:>9} points, max {:.4} ulp at {} = {:e}, {:.2} % correctly rounded, {draw:?}",
            tally.points,
            tally.max,
            at.join(", "),
            subject.format.value(tally.result),
            100.0 * tally.share(),
        );
    }
    ExitCode::SUCCESS
}

/// Measures at the points of a file: the arguments' bits, hexadecimal, one point a line. Prints those
/// that are more than 1 ulp off, and the largest error.
fn listed(subject: &Subject, file: &str) -> ExitCode {
    let Ok(text) = std::fs::read_to_string(file) else { return ExitCode::FAILURE };
    let mut tally = Tally::default();
    for line in text.lines() {
        let bits = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok();
        let Some(args) = line.split(' ').map(bits).collect::<Option<Vec<u64>>>() else { continue };
        let args: Vec<Vec<u64>> = args.into_iter().map(|bits| vec![bits]).collect();
        let results = subject.evaluate(&args);
        let one = mpfr::measure(subject, &args, &results);
        if one.max > 1.0 {
            println!("{} ulp at {line}: {:e}", one.max, subject.format.value(results[0]));
        }
        tally.merge(one);
    }
    println!("{} points, max {:.4} ulp at {:x?}", tally.points, tally.max, tally.at);
    ExitCode::SUCCESS
}

fn measure(subject: &Subject, draw: &[Draw], count: usize, seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    let chunk = 4096;
    for start in (0..count).step_by(chunk) {
        let n = chunk.min(count - start);
        let args: Vec<Vec<u64>> = (0..subject.op.row().arity)
            .map(|arg| {
                let draw = draw[arg.min(draw.len() - 1)];
                (0..n).map(|_| draw.next(&mut random, subject.format)).collect()
            })
            .collect();
        tally.merge(mpfr::measure(subject, &args, &subject.evaluate(&args)));
    }
    tally
}

fn parse(args: &[String]) -> Option<(Op, DType, usize, Vec<Vec<Draw>>)> {
    let [name, dtype, count, bounds @ ..] = args else { return None };
    let op = fuse_ops::table::TABLE.iter().find(|row| row.name == name).map(|row| row.op)?;
    let dtype = match dtype.as_str() {
        "f64" => DType::F64,
        "f32" => DType::F32,
        _ => return None,
    };
    let bounds: Vec<f64> = bounds.iter().map(|bound| bound.parse().ok()).collect::<Option<_>>()?;
    let intervals: Vec<Draw> =
        bounds.chunks_exact(2).map(|pair| Draw::Between(pair[0], pair[1])).collect();
    let draws = if intervals.is_empty() {
        MIXTURE.iter().map(|&draw| vec![draw]).collect()
    } else {
        vec![intervals]
    };
    Some((op, dtype, count.parse().ok()?, draws))
}
