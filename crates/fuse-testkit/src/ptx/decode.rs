//! One instruction: opcode and arguments to what it does.
//!
//! What only computes is a row of [`opcodes`]. The rest is here: moves, memory, parameters, calls,
//! control and the warp.

use super::PtxError;
use super::bits::position32;
use super::body::{Body, Phase, Role, Variable};
use super::instruction::{
    Call, Function, Guard, Instruction, Load, Operand, Shuffle, Slot, Space, Special, Store, Words,
};
use super::lex::{Token, error};
use super::opcodes::{self, Form, Row};
use super::operation::UnaryOp;
use super::parse::surprising;
use super::statement::{Argument, Scalar, Statement};
use super::types::Literal;
use super::types::Type::{self, B16, B32, B64, F32, F64, Pred, U8, U16, U32, U64};

const MOVES: &[Type] = &[U32, B32, U64, B64, F32, F64, Pred];
const GLOBAL_LOADS: &[Type] = &[U8, U16, B16, U32, B32, U64, B64, F32, F64];
const GLOBAL_STORES: &[Type] = &[U8, U16, B16, B32, B64, F32, F64];
const CONSTANT_LOADS: &[Type] = &[U8, U16, B32, B64, F32, F64];
const PARAM_LOADS: &[Type] = &[U64, B64, B32, F32, F64];
const PARAM_STORES: &[Type] = &[B64, B32, F32, F64];

/// The most bytes that one access moves.
const MOST_BYTES: u32 = 16;
/// All lanes of a warp, as an unsigned number; -1 is the other way to write it.
const ALL_LANES: i128 = 0xffff_ffff;

type Decoded<T> = Result<T, PtxError>;

impl<'t> Body<'_, 't> {
    /// What a statement does. A branch's target comes later.
    pub(super) fn decode(&self, statement: &Statement<'t>) -> Decoded<Instruction> {
        let opcode = statement.opcode;
        if let Some(row) = opcodes::find(opcode.text) {
            return self.computation(row, statement);
        }
        let parts: Vec<&str> = opcode.text.split('.').collect();
        match parts[..] {
            ["mov", ty] => self.move_value(listed(opcode, ty, MOVES)?, statement),
            ["ld", "param", ty] => self.load_param(listed(opcode, ty, PARAM_LOADS)?, statement),
            ["st", "param", ty] => self.store_param(listed(opcode, ty, PARAM_STORES)?, statement),
            ["ld", "global", "nc", ref rest @ ..] => {
                self.load(Space::NonCoherent, vector(opcode, rest, GLOBAL_LOADS)?, statement)
            }
            ["ld", "global", ref rest @ ..] => {
                self.load(Space::Global, vector(opcode, rest, GLOBAL_LOADS)?, statement)
            }
            ["ld", "const", ty] => {
                let element = (1, listed(opcode, ty, CONSTANT_LOADS)?);
                self.load(Space::Constant, element, statement)
            }
            ["st", "global", ref rest @ ..] => {
                self.store(vector(opcode, rest, GLOBAL_STORES)?, statement)
            }
            ["call"] => self.call(statement),
            ["ret"] => statement.bare(Instruction::Return),
            ["exit"] => statement.bare(Instruction::Exit),
            ["bra"] => statement.branch(),
            ["bra", "uni"] => statement.uniform_branch(),
            ["shfl", "sync", "down", "b32"] => self.shuffle(statement),
            ["bar", "warp", "sync"] => statement.warp_barrier(),
            _ => Err(surprising(opcode)),
        }
    }

    fn computation(&self, row: &Row, statement: &Statement<'t>) -> Decoded<Instruction> {
        let all = statement.scalars(row.form.arity() + 1)?;
        let to = self.destination(all[0], statement, |class| row.to.accepts(class))?;
        let from = |at: usize| self.operand(all[at + 1], row.from[at], statement);
        Ok(match row.form {
            Form::Unary(op) => Instruction::Unary { op, to, from: from(0)? },
            Form::Binary(op) => Instruction::Binary { op, to, lhs: from(0)?, rhs: from(1)? },
            Form::Swapped(op) => {
                let (rhs, lhs) = (from(0)?, from(1)?);
                Instruction::Binary { op, to, lhs, rhs }
            }
            Form::Divide(op) => Instruction::Divide { op, to, lhs: from(0)?, rhs: from(1)? },
            Form::Ternary(op) => {
                Instruction::Ternary { op, to, from: Box::new([from(0)?, from(1)?, from(2)?]) }
            }
            Form::Select => {
                let predicate = self.source_register(all[3], statement, Pred)?;
                Instruction::Select { to, from: Box::new([from(0)?, from(1)?]), predicate }
            }
            Form::InsertBits => {
                let from = Box::new([from(0)?, from(1)?, from(2)?, from(3)?]);
                Instruction::InsertBits { to, from }
            }
        })
    }

    fn move_value(&self, ty: Type, statement: &Statement<'t>) -> Decoded<Instruction> {
        match statement.arguments[..] {
            [Argument::Vector(ref halves), Argument::Scalar(from)] if ty == B64 => {
                let to = self.destinations(halves, statement, |class| B32.accepts(class))?;
                let [low, high] = to[..] else { return Err(statement.wrong_arguments()) };
                let from = self.operand(from, B64, statement)?;
                Ok(Instruction::Unpack { to: [low, high], from })
            }
            [Argument::Scalar(to), Argument::Vector(ref halves)] if ty == B64 => {
                let [low, high] = halves[..] else { return Err(statement.wrong_arguments()) };
                let half = |half| self.operand(half, B32, statement);
                let to = self.destination(to, statement, |class| B64.accepts(class))?;
                Ok(Instruction::Pack { to, from: [half(low)?, half(high)?] })
            }
            [Argument::Scalar(to), Argument::Scalar(from)] => {
                let to = self.destination(to, statement, |class| ty.accepts(class))?;
                self.move_scalar(ty, to, from, statement)
            }
            _ => Err(statement.wrong_arguments()),
        }
    }

    fn move_scalar(
        &self,
        ty: Type,
        to: Slot,
        from: Scalar<'t>,
        statement: &Statement<'t>,
    ) -> Decoded<Instruction> {
        if let Scalar::Word(word) = from {
            if let (U32, Some(special)) = (ty, special(word.text)) {
                return Ok(Instruction::Special { to, special });
            }
            if let (U64, Some(address)) = (ty, self.module.tables.address(word.text)) {
                let from = Operand::Literal(address);
                return Ok(Instruction::Unary { op: UnaryOp::Copy, to, from });
            }
        }
        let from = self.operand(from, ty, statement)?;
        Ok(Instruction::Unary { op: UnaryOp::Copy, to, from })
    }

    fn load_param(&self, ty: Type, statement: &Statement<'t>) -> Decoded<Instruction> {
        let [Argument::Scalar(to), Argument::Address(base, offset)] = statement.arguments[..]
        else {
            return Err(statement.wrong_arguments());
        };
        let to = self.destination(to, statement, |class| ty.accepts(class))?;
        let variable = self.variable(base)?;
        if variable.role == Role::CallResults {
            self.in_phase(Phase::Called, statement)?;
        }
        let from = words(variable, base, offset, ty)?;
        match variable.role {
            Role::Kernel(index) if matches!(ty, U64 | B64) => {
                Ok(Instruction::KernelParam { to, index })
            }
            Role::Argument | Role::CallResults if ty != U64 => {
                Ok(Instruction::LoadParam { to, from })
            }
            Role::Kernel(_)
            | Role::Argument
            | Role::Result
            | Role::CallArgument
            | Role::CallResults => {
                Err(error(base.line, format!("`{}` is not loaded so", base.text)))
            }
        }
    }

    fn store_param(&self, ty: Type, statement: &Statement<'t>) -> Decoded<Instruction> {
        let [Argument::Address(base, offset), Argument::Scalar(from)] = statement.arguments[..]
        else {
            return Err(statement.wrong_arguments());
        };
        let variable = self.variable(base)?;
        match variable.role {
            Role::Result => {}
            Role::CallArgument => self.in_phase(Phase::Arguments, statement)?,
            Role::Kernel(_) | Role::Argument | Role::CallResults => {
                return Err(error(base.line, format!("`{}` is not stored to", base.text)));
            }
        }
        let to = words(variable, base, offset, ty)?;
        Ok(Instruction::StoreParam { to, from: self.operand(from, ty, statement)? })
    }

    fn load(
        &self,
        space: Space,
        (count, ty): (u32, Type),
        statement: &Statement<'t>,
    ) -> Decoded<Instruction> {
        let (to, address) = match &statement.arguments[..] {
            [Argument::Scalar(to), Argument::Address(base, offset)] if count == 1 => {
                (std::slice::from_ref(to), self.address(*base, *offset)?)
            }
            [Argument::Vector(to), Argument::Address(base, offset)] if count > 1 => {
                (&to[..], self.address(*base, *offset)?)
            }
            _ => return Err(statement.wrong_arguments()),
        };
        if to.len() != position32(count) {
            return Err(statement.wrong_arguments());
        }
        let to = self.destinations(to, statement, |class| ty.moves_through(class))?;
        let bytes = position32(ty.bytes());
        Ok(Instruction::Load(Box::new(Load { space, address, bytes, to })))
    }

    fn store(&self, (count, ty): (u32, Type), statement: &Statement<'t>) -> Decoded<Instruction> {
        let (from, address) = match &statement.arguments[..] {
            [Argument::Address(base, offset), Argument::Scalar(from)] if count == 1 => {
                (std::slice::from_ref(from), self.address(*base, *offset)?)
            }
            [Argument::Address(base, offset), Argument::Vector(from)] if count > 1 => {
                (&from[..], self.address(*base, *offset)?)
            }
            _ => return Err(statement.wrong_arguments()),
        };
        if from.len() != position32(count) {
            return Err(statement.wrong_arguments());
        }
        let operand = |&from: &Scalar<'t>| self.stored(from, ty, statement);
        let from = from.iter().map(operand).collect::<Decoded<Box<[Operand]>>>()?;
        let bytes = position32(ty.bytes());
        Ok(Instruction::Store(Box::new(Store { address, bytes, from })))
    }

    fn call(&self, statement: &Statement<'t>) -> Decoded<Instruction> {
        let [
            Argument::List(results),
            Argument::Scalar(Scalar::Word(name)),
            Argument::List(arguments),
        ] = &statement.arguments[..]
        else {
            return Err(statement.wrong_arguments());
        };
        let [results] = results[..] else { return Err(statement.wrong_arguments()) };
        let callee = self.module.functions.iter().position(|other| other.name == name.text);
        let callee = callee.ok_or_else(|| {
            error(name.line, format!("no function before this one is called `{}`", name.text))
        })?;
        self.in_phase(Phase::Arguments, statement)?;
        let function = &self.module.functions[callee];
        let results = self.passed(results, Role::CallResults, function.result_words)?.first;
        let arguments = self.argument_words(function, *name, arguments)?;
        Ok(Instruction::Call(Box::new(Call { callee, arguments, results })))
    }

    fn argument_words(
        &self,
        callee: &Function,
        name: Token<'t>,
        arguments: &[Token<'t>],
    ) -> Decoded<Box<[Slot]>> {
        if arguments.len() != callee.parameters.len() {
            let (found, expected) = (arguments.len(), callee.parameters.len());
            let message = format!("{found} arguments where {expected} were expected");
            return Err(error(name.line, message));
        }
        let mut words = Vec::new();
        for (&argument, parameter) in arguments.iter().zip(&callee.parameters) {
            let variable = self.passed(argument, Role::CallArgument, parameter.words)?;
            words.extend((0..parameter.words).map(|word| variable.first.offset(word)));
        }
        Ok(words.into())
    }

    /// A variable of the call block, of that many words.
    fn passed(&self, token: Token<'t>, role: Role, words: u32) -> Decoded<Variable> {
        let variable = self.variable(token)?;
        if variable.role != role || variable.bytes != 4 * words {
            let (name, bytes) = (token.text, 4 * words);
            let message = format!("`{name}` where a variable of {bytes} bytes was expected");
            return Err(error(token.line, message));
        }
        Ok(variable)
    }

    fn shuffle(&self, statement: &Statement<'t>) -> Decoded<Instruction> {
        let [to, from, distance, clamp, lanes] = statement.scalars(5)?[..] else {
            return Err(statement.wrong_arguments());
        };
        let is_whole_warp = matches!(clamp, Scalar::Literal(Literal::Integer(31)));
        if !is_whole_warp || !is_all_lanes(lanes) {
            return Err(error(statement.opcode.line, "only whole warps are shuffled"));
        }
        Ok(Instruction::Shuffle(Shuffle {
            to: self.destination(to, statement, |class| B32.accepts(class))?,
            from: self.operand(from, B32, statement)?,
            distance: self.operand(distance, U32, statement)?,
        }))
    }
}

impl Statement<'_> {
    fn bare(&self, instruction: Instruction) -> Decoded<Instruction> {
        self.scalars(0).map(|_none| instruction)
    }

    fn branch(&self) -> Decoded<Instruction> {
        match self.scalars(1)?[..] {
            [Scalar::Word(label)] if label.is_name() => Ok(Instruction::Branch(usize::MAX)),
            _ => Err(self.wrong_arguments()),
        }
    }

    /// With a guard it would have to be seen that all threads of a warp agree.
    fn uniform_branch(&self) -> Decoded<Instruction> {
        match self.guard {
            Guard::Always => self.branch(),
            Guard::If(_) | Guard::Unless(_) => {
                Err(error(self.opcode.line, "`bra.uni` with a guard is not in the subset"))
            }
        }
    }

    fn warp_barrier(&self) -> Decoded<Instruction> {
        match self.scalars(1)?[..] {
            [lanes] if is_all_lanes(lanes) => Ok(Instruction::WarpBarrier),
            _ => Err(self.wrong_arguments()),
        }
    }
}

fn is_all_lanes(lanes: Scalar<'_>) -> bool {
    matches!(lanes, Scalar::Literal(Literal::Integer(-1 | ALL_LANES)))
}

fn special(name: &str) -> Option<Special> {
    Some(match name {
        "%tid.x" => Special::ThreadIndex,
        "%ctaid.x" => Special::BlockIndex,
        "%ntid.x" => Special::BlockSize,
        "%nctaid.x" => Special::GridSize,
        "%laneid" => Special::LaneIndex,
        _ => return None,
    })
}

/// The type of that name, if it is among these.
fn listed(opcode: Token<'_>, name: &str, types: &[Type]) -> Decoded<Type> {
    Type::named(name).filter(|ty| types.contains(ty)).ok_or_else(|| surprising(opcode))
}

/// Elements of an access and their type: `.f64`, `.v2.f64`.
fn vector(opcode: Token<'_>, parts: &[&str], types: &[Type]) -> Decoded<(u32, Type)> {
    let (count, ty) = match parts {
        [ty] => (1, listed(opcode, ty, types)?),
        ["v2", ty] => (2, listed(opcode, ty, types)?),
        ["v4", ty] => (4, listed(opcode, ty, types)?),
        _ => return Err(surprising(opcode)),
    };
    if count * ty.bytes() > MOST_BYTES { Err(surprising(opcode)) } else { Ok((count, ty)) }
}

/// The words of a variable that an access means.
fn words(variable: Variable, base: Token<'_>, offset: i128, ty: Type) -> Decoded<Words> {
    let bytes = ty.bytes();
    let offset = u32::try_from(offset).ok().filter(|&offset| {
        offset.is_multiple_of(bytes) && variable.bytes.checked_sub(offset) >= Some(bytes)
    });
    let is_array = matches!(variable.role, Role::Result | Role::CallResults);
    let fits = variable.alignment >= bytes && (is_array || variable.bytes == bytes);
    let offset = offset.filter(|_| fits).ok_or_else(|| {
        error(base.line, format!("`{}` has no {bytes} aligned bytes there", base.text))
    })?;
    Ok(Words { first: variable.first.offset(offset / 4), is_pair: bytes == 8 })
}
