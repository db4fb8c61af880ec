//! The first results against the interpreter's.
//!
//! The interpreter computes the whole result if that takes it at most two seconds; otherwise both
//! compute the first elements along each axis, about 2^16 of them. Not simply a part of the first
//! result, since an element may depend on all inputs, as in `x - mean(x)`.

use std::time::Duration;

use fuse::{Array, Backend, DType, Engine, ErrorKind, Mode, Vars};

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

fn compare(result: &Array, expected: &Array) -> Result<(), Failure> {
    let bytes = (result.as_bytes(), expected.as_bytes());
    let Some(position) = first_difference(result.dtype(), bytes) else { return Ok(()) };
    let (left, right) = (result.element_text(position), expected.element_text(position));
    Err(Failure::Run(format!(
        "the result is wrong at element {position}: {left}, where the interpreter has {right}; please report it"
    )))
}

/// The first of two rows of elements that differs, bit for bit; any NaN is as good as any other. Where one row is
/// longer, that is a difference.
pub(crate) fn first_difference(dtype: DType, (left, right): (&[u8], &[u8])) -> Option<usize> {
    if left == right {
        return None;
    }
    let size = dtype.size();
    let mut pairs = left.chunks(size).zip(right.chunks(size));
    let unequal = pairs.position(|(left, right)| !is_same(dtype, left, right));
    unequal.or_else(|| (left.len() != right.len()).then_some(left.len().min(right.len()) / size))
}

/// The same bits, or NaNs; of complex numbers part by part.
fn is_same(dtype: DType, left: &[u8], right: &[u8]) -> bool {
    let floats = match dtype {
        DType::F16 | DType::F32 | DType::F64 => 1,
        DType::C64 | DType::C128 => 2,
        DType::Bool
        | DType::I8
        | DType::I16
        | DType::I32
        | DType::I64
        | DType::U8
        | DType::U16
        | DType::U32
        | DType::U64
        | DType::Bytes(_)
        | DType::Text(_) => return left == right,
    };
    let part = dtype.size() / floats;
    let mut pairs = left.chunks(part).zip(right.chunks(part));
    pairs.all(|(left, right)| left == right || (is_nan(left) && is_nan(right)))
}

/// Is it a NaN of as many bytes, in this machine's order?
fn is_nan(bytes: &[u8]) -> bool {
    match *bytes {
        [a, b] => u16::from_ne_bytes([a, b]) & 0x7fff > 0x7c00,
        [a, b, c, d] => f32::from_ne_bytes([a, b, c, d]).is_nan(),
        [a, b, c, d, e, f, g, h] => f64::from_ne_bytes([a, b, c, d, e, f, g, h]).is_nan(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(dtype: DType, left: &[u64], right: &[u64]) -> Option<usize> {
        let bytes = |words: &[u64]| {
            let word = |word: &u64| word.to_le_bytes()[..dtype.size().min(8)].to_vec();
            words.iter().flat_map(word).collect::<Vec<u8>>()
        };
        first_difference(dtype, (&bytes(left), &bytes(right)))
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn every_bit_counts_but_those_of_nans() {
        assert_eq!(difference(DType::I64, &[1, 2, 3], &[1, 2, 3]), None);
        assert_eq!(difference(DType::I64, &[1, 2, 3], &[1, 6, 2]), Some(1));
        assert_eq!(difference(DType::F64, &[0, 0], &[0, 1 << 63]), Some(1), "-0.0 is another");
        let [one, quiet, signs] = [0x3ff0 << 48, 0x7ff8 << 48, 0xfff8_0000_0000_0001];
        assert_eq!(difference(DType::F64, &[quiet, one], &[signs, one]), None);
        assert_eq!(difference(DType::F64, &[quiet, one], &[signs, one + 1]), Some(1));
        assert_eq!(difference(DType::F64, &[one], &[quiet]), Some(0));
        assert_eq!(difference(DType::U64, &[quiet], &[signs]), Some(0), "no float");
        assert_eq!(difference(DType::F32, &[0x7fc0_0000], &[0xffc0_0001]), None);
        assert_eq!(difference(DType::F16, &[0x7e00], &[0xfe01]), None);
        assert_eq!(difference(DType::F16, &[0x7c00], &[0x7e00]), Some(0), "infinity is none");
        // A complex number is two words.
        assert_eq!(difference(DType::C128, &[one, quiet], &[one, signs]), None);
        assert_eq!(difference(DType::C128, &[one, quiet], &[0, signs]), Some(0));
        assert_eq!(difference(DType::U8, &[1, 2], &[1, 2, 3]), Some(2), "one is missing");
    }
}
