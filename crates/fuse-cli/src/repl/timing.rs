//! `:time FORMULA`: how long it takes to compile, and to run.

use std::time::Instant;

use fuse::InputType;

use super::session::Session;
use crate::bench::measure::{self, Times, median, nanoseconds};
use crate::eval::types;
use crate::failure::Failure;
use crate::interrupt::interruptible;

/// Formulas compiled, each by an engine with an empty cache: the median counts.
const COMPILED: usize = 5;

/// Smallest calls whose bytes a second say something about memory: 64 KiB.
const LEAST_BYTES: usize = 64 << 10;

/// Three lines: compiling, running, memory.
pub(super) fn time(session: &Session, text: &str) -> Result<String, Failure> {
    let text = session.functions.before(text);
    let types = types(&session.values)?;
    // Mistakes are found before anything is measured.
    session.engine.formula(&text)?.result_shapes(session.vars()?)?;
    interruptible(|token| {
        let compile = compile(session, &text, &types)?;
        let engine = session.engine.with_cancel(token);
        let prepared = engine.formula(&text)?.prepare(&types)?;
        let mut results = prepared.evaluate_all(session.vars()?)?;
        let run = measure::repeat(measure::SECOND / 2, || {
            Ok(prepared.evaluate_into(session.vars()?, &mut results[..])?)
        })?;
        let read = bytes_read(session, &text)?;
        Ok(report(compile, run, read, results.iter().map(|array| array.as_bytes().len()).sum()))
    })
}

/// Nanoseconds from text to machine code.
fn compile(session: &Session, text: &str, types: &[(&str, InputType)]) -> Result<f64, Failure> {
    let mut samples = Vec::with_capacity(COMPILED);
    for _ in 0..COMPILED {
        let engine = session.settings.engine()?;
        let start = Instant::now();
        let prepared = engine.formula(text)?.prepare(types)?;
        samples.push(nanoseconds(start.elapsed()));
        drop(prepared);
    }
    Ok(median(&mut samples))
}

/// Bytes of the variables that the formula uses.
fn bytes_read(session: &Session, text: &str) -> Result<usize, Failure> {
    let formula = session.engine.formula(text)?;
    let used = session.values.iter().filter(|(known, _)| formula.names().any(|name| name == known));
    let bytes = |value: &crate::value::Value| {
        value.shape().iter().product::<usize>() * value.dtype().size()
    };
    Ok(used.filter(|(_, value)| !value.shape().is_empty()).map(|(_, value)| bytes(value)).sum())
}

fn report(compile: f64, run: Times, read: usize, written: usize) -> String {
    let mut text = format!(
        "compile  {}\nrun      {} best, {} median\n",
        time_text(compile),
        time_text(run.min),
        time_text(run.median)
    );
    if read + written >= LEAST_BYTES {
        let rate = bytes_per_nanosecond(read + written, run.min);
        let (read, written) = (bytes_text(read), bytes_text(written));
        text.push_str(&format!("memory   {rate:.1} GB/s: {read} read, {written} written\n"));
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn bytes_per_nanosecond(bytes: usize, nanoseconds: f64) -> f64 {
    bytes as f64 / nanoseconds
}

/// Three digits and a unit.
fn time_text(nanoseconds: f64) -> String {
    scaled(nanoseconds, &[("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)])
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn bytes_text(bytes: usize) -> String {
    scaled(bytes as f64, &[("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9)])
}

fn scaled(number: f64, units: &[(&str, f64)]) -> String {
    let fits = units.iter().rev().find(|(_, size)| number >= *size);
    let (unit, size) = fits.or(units.first()).copied().unwrap_or(("", 1.0));
    let number = number / size;
    let decimals = match number {
        number if number >= 100.0 || number.fract() == 0.0 => 0,
        number if number >= 10.0 => 1,
        _ => 2,
    };
    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        assert_eq!(time_text(0.5), "0.50 ns");
        assert_eq!(time_text(1234.0), "1.23 µs");
        assert_eq!(time_text(56_700_000.0), "56.7 ms");
        assert_eq!(time_text(2e9), "2 s");
        assert_eq!(bytes_text(16_000_000), "16 MB");
        assert_eq!(bytes_text(0), "0 B");
    }

    #[test]
    fn memory_is_said_where_there_is_any() {
        let times = Times { min: 1e6, median: 2e6 };
        let few = report(5e5, times, 8, 8);
        assert_eq!(few, "compile  500 µs\nrun      1 ms best, 2 ms median\n");
        let many = report(5e5, times, 8_000_000, 8_000_000);
        assert!(many.ends_with("memory   16.0 GB/s: 8 MB read, 8 MB written\n"), "{many}");
    }
}
