//! Elements of `S` and `U`, as Python's `repr` has them.
//!
//! Control characters, those that change the direction of a line, and all others that have no shape
//! are escaped: `\n`, `\x1b`, `\u202e`. NULs at the end are padding.

use std::fmt::Write as _;

use fuse_ir::DType;

/// In quotes, byte strings behind a `b`.
pub(super) fn push_quoted(out: &mut String, dtype: DType, bytes: &[u8]) {
    let units = units(dtype, bytes);
    let has = |quote: char| units.contains(&u32::from(quote));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    if is_bytes(dtype) {
        out.push('b');
    }
    out.push(quote);
    for unit in units {
        if unit == u32::from(quote) {
            out.push('\\');
        }
        push_unit(out, dtype, unit);
    }
    out.push(quote);
}

/// Without quotes; a backslash is doubled.
pub(super) fn push_escaped(out: &mut String, dtype: DType, bytes: &[u8]) {
    units(dtype, bytes).into_iter().for_each(|unit| push_unit(out, dtype, unit));
}

fn is_bytes(dtype: DType) -> bool {
    matches!(dtype, DType::Bytes(_))
}

/// Code points or bytes, without the padding.
fn units(dtype: DType, bytes: &[u8]) -> Vec<u32> {
    let mut units: Vec<u32> = if is_bytes(dtype) {
        bytes.iter().copied().map(u32::from).collect()
    } else {
        bytes.as_chunks().0.iter().copied().map(u32::from_ne_bytes).collect()
    };
    let padding = units.iter().rev().take_while(|unit| **unit == 0).count();
    units.truncate(units.len() - padding);
    units
}

fn push_unit(out: &mut String, dtype: DType, unit: u32) {
    // Writing to a string cannot fail.
    _ = match char::from_u32(unit) {
        Some('\\') => write!(out, "\\\\"),
        Some('\n') => write!(out, "\\n"),
        Some('\r') => write!(out, "\\r"),
        Some('\t') => write!(out, "\\t"),
        Some(c) if c == ' ' || c.is_ascii_graphic() => write!(out, "{c}"),
        Some(c) if !is_bytes(dtype) && is_printable(c) => write!(out, "{c}"),
        Some(_) | None if unit < 0x100 => write!(out, "\\x{unit:02x}"),
        Some(_) | None if unit < 0x1_0000 => write!(out, "\\u{unit:04x}"),
        Some(_) | None => write!(out, "\\U{unit:08x}"),
    };
}

/// Has it a shape? Rust's answer is Python's: no controls, formats, surrogates, unassigned
/// characters, and no blank but the one of ASCII.
fn is_printable(c: char) -> bool {
    // Behind another character a combining one is not escaped.
    let pair: String = ['a', c].iter().collect();
    pair.escape_debug().count() == 2
}
