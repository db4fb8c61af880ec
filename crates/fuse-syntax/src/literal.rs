//! The values of literals: numbers in four radices, texts with Python's escapes.
//!
//! The grammar has found where a literal ends; here its digits and escapes are read. Time is
//! linear in the length of the literal, however many digits it has.

use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::span::{Span, index};

/// The value of an integer literal.
///
/// # Errors
/// A digit that the radix lacks, a leading zero, a value above `i128::MAX`.
pub(crate) fn integer(text: &str, span: Span) -> Result<i128, Diagnostic> {
    let digits: String = text.chars().filter(|&character| character != '_').collect();
    let (radix, body) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        _ => (10, digits.as_str()),
    };
    if radix == 10 && body.starts_with('0') && body.contains(|digit| digit != '0') {
        let message = format!("a decimal number does not begin with 0: {}", quoted(text));
        let octal = format!("write `{0}`, or `0o{0}` for octal", body.trim_start_matches('0'));
        return Err(Diagnostic::new(Code::InvalidNumber, message).at(span, "").help(octal));
    }
    if let Some(bad) = body.chars().find(|digit| !digit.is_digit(radix)) {
        let message = format!("`{bad}` is not a digit of base {radix}");
        return Err(Diagnostic::new(Code::InvalidNumber, message).at(span, ""));
    }
    i128::from_str_radix(body, radix).map_err(|_| {
        Diagnostic::new(Code::InvalidNumber, "integer literal above 2**127 - 1")
            .at(span, "too large")
            .help("write a float, such as `1e40`")
    })
}

/// The error for `0x` without a digit of its base behind it.
pub(crate) fn no_digits(text: &str, span: Span) -> Diagnostic {
    let radix = text.get(..2).unwrap_or(text);
    let message = format!("expected digits after `{radix}`, found {}", quoted(text));
    Diagnostic::new(Code::InvalidNumber, message)
        .at(span, "")
        .note("numbers are written `0x1f`, `0o17`, `0b101`")
}

/// The value of a float literal; beyond the range it is infinite, as in Python.
pub(crate) fn float(text: &str) -> f64 {
    let digits: String = text.chars().filter(|&character| character != '_').collect();
    digits.parse().unwrap_or(f64::NAN)
}

/// What the letters in front of a text say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) bytes: bool,
    pub(crate) raw: bool,
}

/// Reads the letters in front of a text.
///
/// # Errors
/// A prefix that the language lacks.
pub(crate) fn prefix(text: &str, span: Span) -> Result<Prefix, Diagnostic> {
    match text.to_ascii_lowercase().as_str() {
        "" | "u" => Ok(Prefix { bytes: false, raw: false }),
        "r" => Ok(Prefix { bytes: false, raw: true }),
        "b" => Ok(Prefix { bytes: true, raw: false }),
        "br" | "rb" => Ok(Prefix { bytes: true, raw: true }),
        letters if letters.contains(['f', 't']) => {
            let message = "formatted texts are not supported";
            Err(Diagnostic::new(Code::FormattedText, message)
                .at(span, "")
                .help("write a plain text: `'...'`"))
        }
        _ => {
            let message = format!("{} is no prefix of a text", quoted(text));
            Err(Diagnostic::new(Code::UnexpectedToken, message)
                .at(span, "")
                .note("prefixes are `b` for bytes, `r` for raw texts, and `br`"))
        }
    }
}

/// The value of a text or bytes literal. `body` is what stands between the quotes, `span` where.
///
/// # Errors
/// An escape that Python lacks or that names no character; bytes that are not ASCII.
pub(crate) fn text(body: &str, prefix: Prefix, span: Span) -> Result<Vec<u8>, Diagnostic> {
    if prefix.bytes
        && let Some((at, character)) = body.char_indices().find(|(_, c)| !c.is_ascii())
    {
        let start = index(span.start) + at;
        let message = format!("bytes literals hold ASCII only, not `{character}`");
        return Err(Diagnostic::new(Code::InvalidEscape, message)
            .at(Span::of(start..start + character.len_utf8()), "")
            .help("write its bytes as `\\x..`, or a text without `b`"));
    }
    if prefix.raw {
        return Ok(body.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let (value, len) = escape(&rest[at + 1..], prefix.bytes);
        let start = index(span.start) + (body.len() - rest.len()) + at;
        let end = start + 1 + len;
        match value {
            Escape::Byte(byte) => out.push(byte),
            Escape::Char(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Escape::Invalid(why) => return Err(invalid_escape(why, Span::of(start..end))),
        }
        rest = &rest[at + 1 + len..];
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

fn invalid_escape(why: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidEscape, why)
        .at(span, "")
        .help("write `\\\\` for a backslash, or a raw text: `r'...'`")
}

enum Escape {
    Byte(u8),
    Char(char),
    Invalid(&'static str),
}

/// Reads an escape from the text behind its backslash: what it means and how long it is.
fn escape(rest: &str, bytes: bool) -> (Escape, usize) {
    let Some(first) = rest.chars().next() else {
        return (Escape::Invalid("a text cannot end in a backslash"), 0);
    };
    let simple = |byte| (Escape::Byte(byte), 1);
    match first {
        '\\' | '\'' => (Escape::Char(first), 1),
        '"' => simple(b'"'),
        'a' => simple(7),
        'b' => simple(8),
        'f' => simple(12),
        'n' => simple(b'\n'),
        'r' => simple(b'\r'),
        't' => simple(b'\t'),
        'v' => simple(11),
        '0'..='7' => octal(rest, bytes),
        'x' => hex(rest, 2, bytes),
        'u' if !bytes => hex(rest, 4, bytes),
        'U' if !bytes => hex(rest, 8, bytes),
        _ => (Escape::Invalid("unknown escape in a text"), first.len_utf8()),
    }
}

fn octal(rest: &str, bytes: bool) -> (Escape, usize) {
    let len = rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    (character(u32::from_str_radix(&rest[..len], 8).ok(), bytes), len)
}

fn hex(rest: &str, digits: usize, bytes: bool) -> (Escape, usize) {
    let len = rest[1..].bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
    if len < digits {
        return (Escape::Invalid("too few hexadecimal digits in an escape"), 1 + len);
    }
    (character(u32::from_str_radix(&rest[1..=len], 16).ok(), bytes), 1 + len)
}

fn character(value: Option<u32>, bytes: bool) -> Escape {
    let value = value.unwrap_or(u32::MAX);
    if bytes {
        return u8::try_from(value).map_or(Escape::Invalid("a byte is at most 255"), Escape::Byte);
    }
    char::from_u32(value).map_or(Escape::Invalid("the escape names no character"), Escape::Char)
}
