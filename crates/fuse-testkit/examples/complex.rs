//! Evaluates a complex operation at points from standard input, on the interpreter.
//!
//! ```text
//! complex NAME c128|c64 < points > results
//! ```
//!
//! A line of input has the parts of the arguments as bits in hexadecimal, a line of output those of the
//! result. `tests/accuracy/complex.py` judges them.

#![expect(clippy::print_stdout, reason = "a tool")]

use std::io::{BufRead, Write};
use std::process::ExitCode;

use fuse_ir::DType;
use fuse_testkit::accuracy::complex::ComplexSubject;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, dtype] = args.as_slice() else {
        println!("usage: complex NAME c128|c64");
        return ExitCode::FAILURE;
    };
    let row = fuse_ops::table::TABLE.iter().find(|row| row.name == name);
    let (Some(row), Some(dtype)) = (row, DType::from_name(dtype)) else {
        println!("no such operation or dtype");
        return ExitCode::FAILURE;
    };
    let subject = ComplexSubject::new(row.op, dtype, dtype);
    let mut args: Vec<Vec<u64>> = vec![vec![]; 2 * row.arity];
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words = line.split_whitespace();
        for (arg, word) in args.iter_mut().zip(words) {
            arg.push(u64::from_str_radix(word, 16).unwrap_or_default());
        }
    }
    let results = subject.evaluate(&args);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for index in 0..args[0].len() {
        let parts: Vec<String> =
            results.iter().map(|part| format!("{:016x}", part[index])).collect();
        if writeln!(out, "{}", parts.join(" ")).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
