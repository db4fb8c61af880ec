//! The first results against the interpreter's.
//!
//! The interpreter computes the whole result if that takes it at most two seconds; otherwise both
//! compute the first elements along each axis, about 2^16 of them. Not simply a part of the first
//! result, since an element may depend on all inputs, as in `x - mean(x)`.

use std::time::Duration;

use fuse::{Array, Backend, Engine, ErrorKind, Mode, Vars};

use super::Bench;
use crate::eval::Values;
use crate::failure::Failure;

/// How long the interpreter may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Fails where a bit differs.
pub(super) fn against_interpreter(
    bench: &Bench<'_>,
    vars: &Vars<'_>,
    results: &[Array],
) -> Result<(), Failure> {
    let mode = if bench.args.engine.strict { Mode::Strict } else { Mode::Relaxed };
    let builder = Engine::builder().backend(Backend::Interp).mode(mode);
    let limited = builder.clone().deadline(LIMIT).build()?.with_cancel(bench.token);
    match limited.evaluate_all(bench.text, vars.clone()) {
        Ok(expected) => compare_all(results, &expected),
        Err(error) if error.kind() == ErrorKind::Deadline => {
            let sample = sample(bench.values)?;
            let interpreter = builder.build()?.with_cancel(bench.token);
            let expected = interpreter.evaluate_all(bench.text, sample.clone())?;
            compare_all(&bench.formula.evaluate_all(sample)?, &expected)
        }
        Err(error) => Err(error.into()),
    }
}

/// The first elements of the values along each axis.
pub(crate) fn sample(values: &Values) -> Result<Vars<'_>, Failure> {
    let rank = values.iter().map(|(_, value)| value.shape().len()).max();
    let most = extent_of_sample(rank.unwrap_or(0));
    values.iter().map(|(name, value)| Ok((name.as_str(), value.as_prefix(most)?))).collect()
}

/// The rank-th root of 2^16, at least 2.
fn extent_of_sample(rank: usize) -> usize {
    match rank {
        0 | 1 => 1 << 16,
        2 => 1 << 8,
        3 => 40,
        4 => 16,
        _ => 4,
    }
}

/// Fails at the first element whose bits differ.
pub(crate) fn compare_all(results: &[Array], expected: &[Array]) -> Result<(), Failure> {
    results.iter().zip(expected).try_for_each(|(result, expected)| compare(result, expected))
}

/// Bit for bit; any NaN is as good as any other.
fn compare(result: &Array, expected: &Array) -> Result<(), Failure> {
    if result.as_bytes() == expected.as_bytes() {
        return Ok(());
    }
    let size = result.dtype().size();
    let pairs = result.as_bytes().chunks(size).zip(expected.as_bytes().chunks(size));
    for (position, (left, right)) in pairs.enumerate() {
        if left != right {
            let (left, right) = (result.element_text(position), expected.element_text(position));
            if left != "nan" || right != "nan" {
                return Err(Failure::Run(format!(
                    "the result is wrong at element {position}: {left}, where the interpreter has \
                     {right}; please report it"
                )));
            }
        }
    }
    Ok(())
}
