//! A place among the tokens of a text.

use super::PtxError;
use super::lex::{Token, error, number};
use super::types::Literal;

/// A place among tokens; every method that takes something moves past it.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'t> {
    tokens: Vec<Token<'t>>,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(tokens: Vec<Token<'t>>) -> Cursor<'t> {
        Cursor { tokens, at: 0 }
    }

    /// The next token, which stays.
    pub(super) fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    /// The line of the next token, or of the last.
    pub(super) fn line(&self) -> u32 {
        self.peek().or(self.tokens.last().copied()).map_or(1, |token| token.line)
    }

    pub(super) fn next(&mut self) -> Result<Token<'t>, PtxError> {
        let token = self.peek().ok_or_else(|| error(self.line(), "the text ends here"))?;
        self.at += 1;
        Ok(token)
    }

    /// Takes the mark if it is next.
    pub(super) fn take(&mut self, mark: char) -> bool {
        let found = self.peek().is_some_and(|token| token.is(mark));
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes the word if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.text == word);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes these tokens, and nothing else.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), PtxError> {
        for expected in text.split(' ') {
            let found = self.next()?;
            if found.text != expected {
                return Err(error(
                    found.line,
                    format!("`{}` where `{expected}` was expected", found.text),
                ));
            }
        }
        Ok(())
    }

    /// A name of a table, function, entry, label or `.param` variable.
    pub(super) fn name(&mut self) -> Result<&'t str, PtxError> {
        let token = self.next()?;
        if !token.is_name() {
            return Err(error(token.line, format!("`{}` where a name was expected", token.text)));
        }
        Ok(token.text)
    }

    /// An integer, perhaps negative.
    pub(super) fn integer(&mut self) -> Result<i128, PtxError> {
        let line = self.line();
        match self.literal()? {
            Literal::Integer(value) => Ok(value),
            Literal::Float32(_) | Literal::Float64(_) => {
                Err(error(line, "a float where an integer was expected"))
            }
        }
    }

    /// A number; only integers have signs.
    pub(super) fn literal(&mut self) -> Result<Literal, PtxError> {
        let line = self.line();
        let is_negative = self.take('-');
        let token = self.next()?;
        if !token.is_number() {
            return Err(error(line, format!("`{}` where a number was expected", token.text)));
        }
        match number(token)? {
            Literal::Integer(value) if is_negative => Ok(Literal::Integer(-value)),
            Literal::Float32(_) | Literal::Float64(_) if is_negative => {
                Err(error(line, "a sign before the bits of a float"))
            }
            literal => Ok(literal),
        }
    }

    /// A count: an integer of 1 up to a limit.
    pub(super) fn count(&mut self, most: u32) -> Result<u32, PtxError> {
        let line = self.line();
        let value = self.integer()?;
        let count = u32::try_from(value).ok().filter(|count| (1..=most).contains(count));
        count.ok_or_else(|| error(line, format!("{value} where 1 to {most} was expected")))
    }

    /// A directive that names a type: `.b32`.
    pub(super) fn dotted<T>(
        &mut self,
        named: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, PtxError> {
        let token = self.next()?;
        token
            .text
            .strip_prefix('.')
            .and_then(named)
            .ok_or_else(|| error(token.line, format!("`{}` where a type was expected", token.text)))
    }
}
