//! Words and marks of a text.
//!
//! A word is a name, an opcode with its modifiers, a directive, a register or a number:
//! `region0`, `add.rn.f64`, `.reg`, `%rd3`, `%tid.x`, `0x1f`. Everything else is one character.

use super::PtxError;
use super::types::Literal;

/// A word or a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) line: u32,
}

impl<'t> Token<'t> {
    /// Is it that mark?
    pub(super) fn is(self, mark: char) -> bool {
        self.text.len() == 1 && self.text.starts_with(mark)
    }

    /// Is it a name that is no register, opcode, directive or number?
    pub(super) fn is_name(self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && self.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    pub(super) fn is_number(self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit())
    }
}

/// An error at a line.
pub(super) fn error(line: u32, message: impl Into<String>) -> PtxError {
    PtxError { line, message: message.into() }
}

/// The tokens of a text.
///
/// # Errors
/// At a character that no token has.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, PtxError> {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    for (code, line) in text.split('\n').zip(1_u32..) {
        let code = code.split_once("//").map_or(code, |(code, _comment)| code);
        split_line(code, line, &mut tokens)?;
    }
    Ok(tokens)
}

fn split_line<'t>(code: &'t str, line: u32, tokens: &mut Vec<Token<'t>>) -> Result<(), PtxError> {
    let mut rest = code.trim_ascii_start();
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '%' | '.' | '_' | 'a'..='z' | 'A'..='Z' | '0'..='9' => word_len(rest),
            ',' | ';' | ':' | '{' | '}' | '(' | ')' | '[' | ']' | '<' | '>' | '+' | '-' | '='
            | '@' | '!' => 1,
            other => return Err(error(line, format!("unexpected character {other:?}"))),
        };
        let (text, after) = rest.split_at(len);
        tokens.push(Token { text, line });
        rest = after.trim_ascii_start();
    }
    Ok(())
}

/// The length of the word at the start. `%` and a directive's dot stand first only.
fn word_len(rest: &str) -> usize {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let after_first = rest[1..].find(|c| !is_inside(c));
    after_first.map_or(rest.len(), |len| len + 1)
}

/// The number that a word is. A leading zero would make it octal, which is not meant.
///
/// # Errors
/// With what is wrong with it.
pub(super) fn number(token: Token<'_>) -> Result<Literal, PtxError> {
    let text = token.text;
    let parsed = if let Some(digits) = text.strip_prefix("0x") {
        hex(digits, 1..=16).map(|value| Literal::Integer(i128::from(value)))
    } else if let Some(digits) = text.strip_prefix("0d") {
        hex(digits, 16..=16).map(Literal::Float64)
    } else if let Some(digits) = text.strip_prefix("0f") {
        hex(digits, 8..=8).and_then(|bits| u32::try_from(bits).ok()).map(Literal::Float32)
    } else {
        decimal(text).map(Literal::Integer)
    };
    parsed.ok_or_else(|| error(token.line, format!("`{text}` is no number of the subset")))
}

fn hex(digits: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let all = digits.chars().all(|c| c.is_ascii_hexdigit());
    if all && lengths.contains(&digits.len()) { u64::from_str_radix(digits, 16).ok() } else { None }
}

fn decimal(digits: &str) -> Option<i128> {
    let plain = digits.chars().all(|c| c.is_ascii_digit()) && digits.len() <= 20;
    if plain && (digits == "0" || !digits.starts_with('0')) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_falls_into_words_and_marks() {
        let text = "@!%p0 ld.global.v2.f64 {%fd0,%fd1}, [%rd4+-16]; // {\n\n.reg .b32 %r<10>;\r\n";
        let words: Vec<&str> =
            tokens(text).expect("all known").iter().map(|token| token.text).collect();
        let expected = "@ ! %p0 ld.global.v2.f64 { %fd0 , %fd1 } , [ %rd4 + - 16 ] ; \
            .reg .b32 %r < 10 > ;";
        assert_eq!(words, expected.split_whitespace().collect::<Vec<_>>());
        assert_eq!(tokens(text).expect("all known").last().expect("some").line, 3);
    }

    #[test]
    fn other_characters_are_refused() {
        for text in ["a\n\u{b5}", "a\n/* c */", "\n#", "\n\"x\"", "\n a|b", "\n a$"] {
            assert_eq!(tokens(text).expect_err(text).line, 2);
        }
    }

    #[test]
    fn numbers_are_what_they_look_like() {
        let known = [
            ("0", Literal::Integer(0)),
            ("18446744073709551615", Literal::Integer(u64::MAX.into())),
            ("0x10", Literal::Integer(16)),
            ("0f3f800000", Literal::Float32(0x3f80_0000)),
            ("0d3FF0000000000000", Literal::Float64(0x3ff0_0000_0000_0000)),
        ];
        for (text, literal) in known {
            assert_eq!(number(Token { text, line: 1 }), Ok(literal));
        }
        for text in ["010", "1.5", "0x", "0X10", "0d3ff", "0f3f80000", "1e5", "5U", "0b1", "0f+"] {
            assert!(number(Token { text, line: 1 }).is_err(), "{text}");
        }
    }
}
