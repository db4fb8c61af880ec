//! One element as text: numbers as Python's `str` of them, texts escaped.

use std::fmt::{self, Write as _};

use fuse_ir::DType;
use fuse_runtime::F16;

use super::float::half;
use super::text;

/// Writes an element, given by its native bytes: shortest digits that read back exactly, complex
/// numbers as Python's `(1+2j)`, texts without quotes and with Python's escapes.
///
/// # Errors
/// Those of `out`.
pub fn write_element(out: &mut impl fmt::Write, dtype: DType, bytes: &[u8]) -> fmt::Result {
    let mut text = String::new();
    push_element(&mut text, dtype, bytes);
    out.write_str(&text)
}

/// The same at the end of a string.
pub(crate) fn push_element(out: &mut String, dtype: DType, bytes: &[u8]) {
    match dtype {
        DType::Bool => out.push_str(if bits(bytes) == 0 { "False" } else { "True" }),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => {
            let unused = 64 - 8 * bytes.len().clamp(1, 8);
            push(out, (bits(bytes) << unused).cast_signed() >> unused);
        }
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => push(out, bits(bytes)),
        DType::F16 | DType::F32 | DType::F64 => push_float(out, bytes),
        DType::C64 | DType::C128 => push_complex(out, bytes),
        DType::Bytes(_) | DType::Text(_) => text::push_escaped(out, dtype, bytes),
    }
}

fn bits(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let size = bytes.len().min(8);
    word[..size].copy_from_slice(&bytes[..size]);
    u64::from_le_bytes(word)
}

fn push(out: &mut String, value: impl fmt::Display) {
    // Writing to a string cannot fail.
    _ = write!(out, "{value}");
}

/// A float or a part of a complex number, as NumPy's `str` of a scalar.
#[expect(clippy::cast_possible_truncation, reason = "so many bits were read")]
fn push_float(out: &mut String, bytes: &[u8]) {
    let bits = bits(bytes);
    match bytes.len() {
        2 => {
            let value = F16(bits as u16);
            push_digits(out, half(value), value.to_f64(), 1e3);
        }
        4 => {
            let value = f32::from_bits(bits as u32);
            push_digits(out, value, f64::from(value), 1e6);
        }
        _ => push_digits(out, f64::from_bits(bits), f64::from_bits(bits), 1e16),
    }
}

/// Rust's shortest digits, with an exponent where the number is small or large for its type.
fn push_digits(out: &mut String, digits: impl fmt::Debug + fmt::LowerExp, exact: f64, large: f64) {
    let size = exact.abs();
    if size.is_nan() {
        return out.push_str("nan");
    }
    // Writing to a string cannot fail.
    if size == 0.0 || size.is_infinite() || (1e-4..large).contains(&size) {
        _ = write!(out, "{digits:?}");
        return;
    }
    let start = out.len();
    _ = write!(out, "{digits:e}");
    let Some(at) = out[start..].find('e') else { return };
    let exponent = out.split_off(start + at + 1);
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent.as_str()),
    };
    _ = write!(out, "{sign}{digits:0>2}");
}

fn push_complex(out: &mut String, bytes: &[u8]) {
    let (re, im) = bytes.split_at(bytes.len() / 2);
    let [re, im] = [re, im].map(|part| {
        let mut text = String::new();
        push_float(&mut text, part);
        text.strip_suffix(".0").map(str::to_string).unwrap_or(text)
    });
    // Python's: a real part of +0 is left out.
    let sign = if im.starts_with('-') { "" } else { "+" };
    // Writing to a string cannot fail.
    _ = if re == "0" { write!(out, "{im}j") } else { write!(out, "({re}{sign}{im}j)") };
}
