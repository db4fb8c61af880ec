//! Scalars on the command line, written as in a formula: numbers, truth values, texts.
//!
//! ```text
//! number  = [+-] (decimal | 0x hex | 0o octal | 0b binary | inf | nan) [dtype]
//! decimal = digits with single underscores between them, point, exponent: 42  1_000  1e3  .5  2.
//! ```
//! Without a dtype a number is weak: it gives way to the arrays it meets. A text that is not a number
//! at all may be something else, such as a path; one that is a number with something wrong about it is
//! an error.

use fuse::{Complex, DType, F16, Input};

/// Reads a scalar; `None` where the text is not one.
pub(crate) fn parse(text: &str) -> Option<Result<Input<'static>, String>> {
    match text {
        "True" => return Some(Ok(Input::scalar(true))),
        "False" => return Some(Ok(Input::scalar(false))),
        _ => {}
    }
    if let Some([re, im]) = complex(text) {
        return Some(Ok(Input::weak_complex(Complex::new(re, im))));
    }
    if is_quoted(text) {
        return Some(Input::from_literal(text).map_err(|error| error.to_string()));
    }
    let (number, suffix) = split_suffix(text);
    let number = Number::parse(number)?;
    Some(match suffix {
        Some(dtype) => number.strong(dtype),
        None => number.weak(),
    })
}

/// A floating-point number without a suffix, or an integer.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    Number::parse(text).map(Number::to_float)
}

/// A count, also written `1e7`.
pub(crate) fn parse_count(text: &str) -> Option<usize> {
    match Number::parse(text)? {
        Number::Int(value) => usize::try_from(value).ok(),
        // Beyond 2^53 not every integer is a float.
        Number::Float(value) if (0.0..=9.007e15).contains(&value) && value.fract() == 0.0 => {
            format!("{value:.0}").parse().ok()
        }
        Number::Float(_) => None,
    }
}

/// A number of bytes: `256M`, `1.5G`, `4096`, `64KiB`; K, M, G and T are powers of 1024.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" | "kib" => Some(1 << 10),
        "m" | "mb" | "mib" => Some(1 << 20),
        "g" | "gb" | "gib" => Some(1 << 30),
        "t" | "tb" | "tib" => Some(1_u64 << 40),
        _ => None,
    };
    let number = digits.parse::<f64>().ok().filter(|number| *number >= 0.0);
    let bytes = number.zip(unit).map(|(number, unit)| number * unit as f64);
    match bytes.filter(|&bytes| bytes < 9e15) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..9e15")]
        Some(bytes) => Ok(bytes as usize),
        None => Err("expected a size such as 256M or 1.5G".to_string()),
    }
}

/// The parts of a complex number: `1.5j`, `1+2j`, `-1e-3-.5j`.
fn complex(text: &str) -> Option<[f64; 2]> {
    let rest = text.strip_suffix(['j', 'J'])?;
    let last = rest.rfind(['+', '-']).filter(|&at| at > 0 && !rest[..at].ends_with(['e', 'E']));
    let (real, imaginary) = last.map_or(("0", rest), |at| rest.split_at(at));
    Some([parse_float(real)?, parse_float(imaginary)?])
}

/// Is it a text: `'text'`, `b"bytes"`?
fn is_quoted(text: &str) -> bool {
    let body = text.strip_prefix('b').unwrap_or(text);
    let quoted = |quote| body.len() >= 2 && body.starts_with(quote) && body.ends_with(quote);
    quoted('\'') || quoted('"')
}

/// The digits, and the dtype behind them.
fn split_suffix(text: &str) -> (&str, Option<DType>) {
    let digits = text.trim_start_matches(['+', '-']);
    let is_hex = digits.starts_with("0x") || digits.starts_with("0X");
    // `f` is a digit of `0x1f32`.
    let begins_dtype = |c: char| matches!(c, 'i' | 'u') || (!is_hex && matches!(c, 'f' | 'c'));
    let Some(at) = text.rfind(begins_dtype).filter(|&at| at > 0) else { return (text, None) };
    let is_short = text[at + 1..].bytes().all(|b| b.is_ascii_digit());
    match DType::from_name(&text[at..]).filter(|_| is_short) {
        Some(dtype) => (&text[..at], Some(dtype)),
        None => (text, None),
    }
}

/// A number's value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    fn parse(text: &str) -> Option<Number> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let number = match digits {
            "inf" => Number::Float(f64::INFINITY),
            "nan" => Number::Float(f64::NAN),
            _ if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => return None,
            _ => Number::unsigned(&without_underscores(digits)?)?,
        };
        Some(match number {
            Number::Int(value) if negative => Number::Int(-value),
            Number::Float(value) if negative => Number::Float(-value),
            other => other,
        })
    }

    fn unsigned(digits: &str) -> Option<Number> {
        let lower = digits.to_ascii_lowercase();
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(rest) = lower.strip_prefix(prefix) {
                return i128::from_str_radix(rest, radix).ok().map(Number::Int);
            }
        }
        if lower.bytes().all(|b| b.is_ascii_digit()) {
            return lower.parse().ok().map(Number::Int);
        }
        let is_decimal = lower.bytes().all(|b| b.is_ascii_digit() || b".e+-".contains(&b));
        lower.parse().ok().filter(|_| is_decimal).map(Number::Float)
    }

    fn to_float(self) -> f64 {
        match self {
            // An integer of at most 39 digits, rounded once.
            Number::Int(value) => value.to_string().parse().unwrap_or(f64::NAN),
            Number::Float(value) => value,
        }
    }

    fn weak(self) -> Result<Input<'static>, String> {
        match self {
            Number::Int(value) => i64::try_from(value).map(Input::weak_int).map_err(|_| {
                format!("{value} does not fit i64; write `{value}u64` or `{value}f64`")
            }),
            Number::Float(value) => Ok(Input::weak_float(value)),
        }
    }

    fn strong(self, dtype: DType) -> Result<Input<'static>, String> {
        let range = |value: i128| format!("{value} does not fit {dtype}");
        macro_rules! int {
            ($ty:ty) => {
                match self {
                    Number::Int(value) => {
                        <$ty>::try_from(value).map(Input::scalar).map_err(|_| range(value))
                    }
                    Number::Float(value) => {
                        Err(format!("{value:?} is not an integer, as {dtype} is"))
                    }
                }
            };
        }
        match dtype {
            DType::I8 => int!(i8),
            DType::I16 => int!(i16),
            DType::I32 => int!(i32),
            DType::I64 => int!(i64),
            DType::U8 => int!(u8),
            DType::U16 => int!(u16),
            DType::U32 => int!(u32),
            DType::U64 => int!(u64),
            DType::F16 => Ok(Input::scalar(F16::from_f64(self.to_float()))),
            DType::F32 => Ok(Input::scalar(self.to_single())),
            DType::F64 => Ok(Input::scalar(self.to_float())),
            DType::C64 => Ok(Input::scalar(Complex::new(self.to_single(), 0.0))),
            DType::C128 => Ok(Input::scalar(Complex::new(self.to_float(), 0.0))),
            DType::Bool | DType::Bytes(_) | DType::Text(_) => {
                Err(format!("scalars of dtype {dtype} are not built in yet"))
            }
        }
    }

    /// The nearest f32 to the double nearest to the text.
    #[expect(clippy::cast_possible_truncation, reason = "`as` rounds to nearest, as NumPy does")]
    fn to_single(self) -> f32 {
        self.to_float() as f32
    }
}

/// The digits without the single underscores between them; `None` where one stands elsewhere.
fn without_underscores(digits: &str) -> Option<String> {
    let bytes = digits.as_bytes();
    let stands_between = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(at + 1);
        before.zip(after).is_some_and(|(a, b)| a.is_ascii_alphanumeric() && b.is_ascii_hexdigit())
    };
    let all = digits.match_indices('_').all(|(at, _)| stands_between(at));
    all.then(|| digits.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuse::{Formula, Strength};

    fn value(text: &str) -> String {
        let input = parse(text).expect(text).expect(text);
        let ty = input.ty();
        let formula: Formula = "x".parse().unwrap();
        let shown = formula.evaluate(fuse::Vars::from([("x", input)])).unwrap().to_string();
        let weak = if ty.strength == Strength::Weak { "weak " } else { "" };
        format!("{shown} {weak}{}", ty.dtype)
    }

    #[test]
    fn numbers_without_a_suffix_are_weak() {
        assert_eq!(value("2.5"), "2.5 weak f64");
        assert_eq!(value("3"), "3 weak i64");
        assert_eq!(value("-1_000"), "-1000 weak i64");
        assert_eq!(value("0x1f32"), "7986 weak i64");
        assert_eq!(value("0b101"), "5 weak i64");
        assert_eq!(value(".5"), "0.5 weak f64");
        assert_eq!(value("2."), "2.0 weak f64");
        assert_eq!(value("-1e-3"), "-0.001 weak f64");
        assert_eq!(value("-inf"), "-inf weak f64");
        assert_eq!(value("nan"), "nan weak f64");
    }

    #[test]
    fn complex_numbers_have_a_j() {
        assert_eq!(value("1.5j"), "1.5j weak c128");
        assert_eq!(value("1+2j"), "(1+2j) weak c128");
        assert_eq!(value("-1e-3-.5J"), "(-0.001-0.5j) weak c128");
        assert_eq!(value("1c64"), "(1+0j) c64");
        assert_eq!(value("2.5c128"), "(2.5+0j) c128");
    }

    #[test]
    fn a_suffix_makes_them_strong() {
        assert_eq!(value("2.5f64"), "2.5 f64");
        assert_eq!(value("7i32"), "7 i32");
        assert_eq!(value("0xffi32"), "255 i32");
        assert_eq!(value("1e3f32"), "1000.0 f32");
        assert_eq!(value("0.1f16"), "0.1 f16");
        assert_eq!(value("True"), "True bool");
        for (text, dtype) in
            [("255u8", DType::U8), ("18446744073709551615u64", DType::U64), ("0.1f16", DType::F16)]
        {
            assert_eq!(parse(text).expect(text).expect(text).ty().dtype, dtype);
        }
    }

    #[test]
    fn numbers_that_cannot_be_are_errors() {
        for (text, part) in [
            ("300u8", "does not fit u8"),
            ("-1u8", "does not fit u8"),
            ("2.5i32", "not an integer"),
            ("18446744073709551615", "u64"),
            ("b'\\q'", "escape"),
        ] {
            let message = parse(text).expect(text).map(|_| ()).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn what_is_no_number_may_be_a_path() {
        for text in
            ["x.npy", "", "-", "./3.5", "3.5.npy", "1__0", "_1", "1e", "e5", "infinity", "j", "f64"]
        {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn counts_may_have_an_exponent() {
        assert_eq!(parse_count("1e7"), Some(10_000_000));
        assert_eq!(parse_count("1000"), Some(1000));
        assert_eq!(parse_count("0"), Some(0));
        for text in ["1.5", "-1", "1e300", "x"] {
            assert_eq!(parse_count(text), None, "{text}");
        }
    }
}
