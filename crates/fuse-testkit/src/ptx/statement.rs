//! Statements of a body as they stand in the text: `@%p0 opcode a, {b, c}, [d+8];`.

use super::PtxError;
use super::cursor::Cursor;
use super::instruction::Guard;
use super::lex::{Token, error};
use super::types::Literal;

/// One instruction as it stands in the text.
#[derive(Clone, Debug)]
pub(super) struct Statement<'t> {
    pub(super) guard: Guard,
    pub(super) opcode: Token<'t>,
    pub(super) arguments: Vec<Argument<'t>>,
}

/// What stands between two commas.
#[derive(Clone, Debug)]
pub(super) enum Argument<'t> {
    Scalar(Scalar<'t>),
    /// `[base+offset]`.
    Address(Token<'t>, i128),
    /// `{%r0, %r1}`.
    Vector(Vec<Scalar<'t>>),
    /// `(c0, c1)`.
    List(Vec<Token<'t>>),
}

/// A word or a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'t> {
    Word(Token<'t>),
    Literal(Literal),
}

impl<'t> Statement<'t> {
    #[cold]
    pub(super) fn wrong_arguments(&self) -> PtxError {
        error(
            self.opcode.line,
            format!("the operands of `{}` are not of its form", self.opcode.text),
        )
    }

    /// All arguments, if they are that many words and numbers.
    pub(super) fn scalars(&self, count: usize) -> Result<Vec<Scalar<'t>>, PtxError> {
        let scalar = |argument: &Argument<'t>| match argument {
            Argument::Scalar(scalar) => Some(*scalar),
            Argument::Address(..) | Argument::Vector(_) | Argument::List(_) => None,
        };
        let all: Option<Vec<Scalar<'t>>> = self.arguments.iter().map(scalar).collect();
        all.filter(|all| all.len() == count).ok_or_else(|| self.wrong_arguments())
    }
}

/// Everything up to the semicolon.
pub(super) fn arguments<'t>(cursor: &mut Cursor<'t>) -> Result<Vec<Argument<'t>>, PtxError> {
    let mut all = Vec::new();
    while !cursor.take(';') {
        if !all.is_empty() {
            cursor.expect(",")?;
        }
        all.push(argument(cursor)?);
    }
    Ok(all)
}

fn argument<'t>(cursor: &mut Cursor<'t>) -> Result<Argument<'t>, PtxError> {
    if cursor.take('[') {
        let base = cursor.next()?;
        let offset = if cursor.take('+') { cursor.integer()? } else { 0 };
        cursor.expect("]")?;
        return Ok(Argument::Address(base, offset));
    }
    if cursor.take('{') {
        return Ok(Argument::Vector(separated(cursor, '}', scalar)?));
    }
    if cursor.take('(') {
        return Ok(Argument::List(separated(cursor, ')', Cursor::next)?));
    }
    Ok(Argument::Scalar(scalar(cursor)?))
}

/// Items with commas between them, up to a mark.
fn separated<'t, T>(
    cursor: &mut Cursor<'t>,
    end: char,
    item: impl Fn(&mut Cursor<'t>) -> Result<T, PtxError>,
) -> Result<Vec<T>, PtxError> {
    let mut all = Vec::new();
    while !cursor.take(end) {
        if !all.is_empty() {
            cursor.expect(",")?;
        }
        all.push(item(cursor)?);
    }
    Ok(all)
}

fn scalar<'t>(cursor: &mut Cursor<'t>) -> Result<Scalar<'t>, PtxError> {
    match cursor.peek() {
        Some(token) if token.is('-') || token.is_number() => Ok(Scalar::Literal(cursor.literal()?)),
        _ => Ok(Scalar::Word(cursor.next()?)),
    }
}
