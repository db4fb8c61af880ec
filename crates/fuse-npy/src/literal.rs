//! The tokens of a Python literal, as far as `.npy` headers use them.
//!
//! ```text
//! {   'descr'   :   '<f8'   ,   'shape'   :   (   3L   ,   )   ,   }
//! ```
//!
//! Strings are quoted either way and may have the prefix `u`; integers are decimal, in versions 1
//! and 2 with the `L` of Python 2; comments and line breaks are space. Stricter than Python, and
//! seen in no file: no backslash in a string, no triple quotes, no signs, no `0x`, no `_`.
//! The cursor only moves forward: linear time, no recursion, no allocation.

use crate::error::HeaderError;
use crate::excerpt::excerpt;

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// The inside of a string.
    Text(&'a [u8]),
    /// Decimal digits.
    Digits(&'a [u8]),
    /// A name: `True`.
    Word(&'a [u8]),
    /// Any other single byte.
    Mark(u8),
    /// Nothing is left.
    End,
}

/// Whether an integer may end with the `L` of Python 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongSuffix {
    /// Versions 1.0 and 2.0.
    Allowed,
    /// Version 3.0, which no Python 2 wrote.
    Refused,
}

/// A place in the header's text.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    /// Offset of the next byte to read; never beyond the end.
    at: usize,
    /// Offset of the token that [`Cursor::next`] gave last.
    token_at: usize,
    suffix: LongSuffix,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8], suffix: LongSuffix) -> Cursor<'a> {
        Cursor { text, at: 0, token_at: 0, suffix }
    }

    /// The next token.
    pub(crate) fn next(&mut self) -> Result<Token<'a>, HeaderError> {
        self.skip_space();
        self.token_at = self.at;
        let Some(first) = self.peek() else { return Ok(Token::End) };
        match first {
            b'\'' | b'"' => self.string(first),
            b'0'..=b'9' => self.digits(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            mark => {
                self.at += 1;
                Ok(Token::Mark(mark))
            }
        }
    }

    /// The next token, which must be `mark`.
    pub(crate) fn expect(&mut self, mark: u8, expected: &'static str) -> Result<(), HeaderError> {
        match self.next()? {
            Token::Mark(found) if found == mark => Ok(()),
            _ => Err(self.unexpected(expected)),
        }
    }

    /// The error that the last token is not what was expected.
    pub(crate) fn unexpected(&self, expected: &'static str) -> HeaderError {
        HeaderError::Syntax { at: self.token_at, expected, found: self.found() }
    }

    /// The text from the last token on, cut and escaped.
    pub(crate) fn found(&self) -> String {
        let rest = self.text.get(self.token_at..).unwrap_or_default().trim_ascii_end();
        if rest.is_empty() { "end of header".to_owned() } else { excerpt(rest) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Moves on over bytes that `accept`, and gives them.
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|&byte| !accept(byte)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        loop {
            self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c'));
            if self.peek() != Some(b'#') {
                return;
            }
            self.take_while(|byte| byte != b'\n');
        }
    }

    fn string(&mut self, quote: u8) -> Result<Token<'a>, HeaderError> {
        self.at += 1;
        let inside = self.take_while(|byte| byte != quote && !matches!(byte, b'\\' | b'\n'));
        if self.peek() != Some(quote) {
            return Err(self.unexpected("a string on one line and without backslashes"));
        }
        self.at += 1;
        Ok(Token::Text(inside))
    }

    fn digits(&mut self) -> Result<Token<'a>, HeaderError> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if self.suffix == LongSuffix::Allowed && self.peek() == Some(b'L') {
            self.at += 1;
        }
        let joined = self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let octal = digits.starts_with(b"0") && digits.iter().any(|&digit| digit != b'0');
        if joined || octal {
            return Err(self.unexpected("a decimal integer"));
        }
        Ok(Token::Digits(digits))
    }

    fn word(&mut self) -> Result<Token<'a>, HeaderError> {
        let word = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match (word, self.peek()) {
            (b"u" | b"U", Some(quote @ (b'\'' | b'"'))) => self.string(quote),
            _ => Ok(Token::Word(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token<'_>>, HeaderError> {
        let mut cursor = Cursor::new(text.as_bytes(), LongSuffix::Allowed);
        let mut tokens = Vec::new();
        loop {
            match cursor.next()? {
                Token::End => return Ok(tokens),
                token => tokens.push(token),
            }
        }
    }

    #[test]
    fn tokens_are_split_as_python_splits_them() {
        assert_eq!(
            tokens("{'a' :\t(12L,)# (\n, u\"b\"True}").unwrap(),
            [
                Token::Mark(b'{'),
                Token::Text(b"a"),
                Token::Mark(b':'),
                Token::Mark(b'('),
                Token::Digits(b"12"),
                Token::Mark(b','),
                Token::Mark(b')'),
                Token::Mark(b','),
                Token::Text(b"b"),
                Token::Word(b"True"),
                Token::Mark(b'}'),
            ]
        );
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in ["'a", "'a\n'", "03", "3x", "3LL", "1_0", "0x3", "'\\x41'"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }
}
