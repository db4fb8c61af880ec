//! Operands of instructions: words and numbers to slots and bits, if their types allow it.

use super::PtxError;
use super::body::Body;
use super::instruction::{Address, Operand, Slot};
use super::lex::{Token, error};
use super::statement::{Scalar, Statement};
use super::types::Type::{self, U64};
use super::types::{Class, Literal, integer};

type Decoded<T> = Result<T, PtxError>;

impl<'t> Body<'_, 't> {
    pub(super) fn address(&self, base: Token<'t>, offset: i128) -> Decoded<Address> {
        let base_slot = self.register(base, |class| U64.accepts(class))?;
        let offset = i32::try_from(offset)
            .map_err(|_| error(base.line, format!("the offset {offset} has more than 32 bits")))?;
        Ok(Address { base: base_slot, offset: i64::from(offset) })
    }

    pub(super) fn operand(
        &self,
        from: Scalar<'t>,
        ty: Type,
        statement: &Statement<'t>,
    ) -> Decoded<Operand> {
        match from {
            Scalar::Word(word) => {
                Ok(Operand::Register(self.register(word, |class| ty.accepts(class))?))
            }
            Scalar::Literal(literal) => {
                ty.literal(literal).map(Operand::Literal).ok_or_else(|| {
                    let line = statement.opcode.line;
                    error(line, format!("{literal:?} is no value of the type {ty:?}"))
                })
            }
        }
    }

    pub(super) fn source_register(
        &self,
        from: Scalar<'t>,
        statement: &Statement<'t>,
        ty: Type,
    ) -> Decoded<Slot> {
        self.destination(from, statement, |class| ty.accepts(class))
    }

    pub(super) fn destination(
        &self,
        to: Scalar<'t>,
        statement: &Statement<'t>,
        allowed: impl FnOnce(Class) -> bool,
    ) -> Decoded<Slot> {
        match to {
            Scalar::Word(word) => self.register(word, allowed),
            Scalar::Literal(_) => Err(statement.wrong_arguments()),
        }
    }

    /// Distinct registers: of two values for one, none would be the right one.
    pub(super) fn destinations(
        &self,
        to: &[Scalar<'t>],
        statement: &Statement<'t>,
        allowed: impl Fn(Class) -> bool,
    ) -> Decoded<Box<[Slot]>> {
        let slots = to.iter().map(|&to| self.destination(to, statement, &allowed));
        let slots = slots.collect::<Decoded<Box<[Slot]>>>()?;
        let is_repeated = |at: usize| slots[..at].contains(&slots[at]);
        if (0..slots.len()).any(is_repeated) {
            return Err(error(statement.opcode.line, "a register is written twice"));
        }
        Ok(slots)
    }

    /// What is stored may be wider than its type.
    pub(super) fn stored(
        &self,
        from: Scalar<'t>,
        ty: Type,
        statement: &Statement<'t>,
    ) -> Decoded<Operand> {
        match (from, ty.bytes()) {
            (Scalar::Word(word), _) => {
                Ok(Operand::Register(self.register(word, |class| ty.moves_through(class))?))
            }
            (Scalar::Literal(Literal::Integer(value)), bytes @ (1 | 2)) => {
                let bits = integer(value, 8 * bytes).map(Operand::Literal);
                bits.ok_or_else(|| statement.wrong_arguments())
            }
            (Scalar::Literal(_), _) => self.operand(from, ty, statement),
        }
    }
}
