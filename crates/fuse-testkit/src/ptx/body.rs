//! The body of a function or an entry: registers, labels, call blocks and instructions.
//!
//! ```text
//! {
//!   .reg .f64 %fd<7>;                       registers stand first
//! L3:
//!   @!%p0 bra L4;
//!   {                                       a call block: its variables, then instructions
//!     .param .b64 c0; .param .align 8 .b8 r0[8];
//!     st.param.f64 [c0], %fd0;  call (r0), region0, (c0);  ld.param.f64 %fd1, [r0];
//!   }
//! L4:
//!   ret;
//! }
//! ```

use rustc_hash::FxHashMap;

use super::cursor::Cursor;
use super::instruction::{Function, Guard, Instruction, Naming, Slot, Step};
use super::lex::{Token, error};
use super::parse::{alignment, byte_array, param_type, surprising};
use super::statement::{Argument, Scalar, Statement, arguments};
use super::types::{Class, Type};
use super::{Module, PtxError};

/// The most registers of a declaration.
const MOST_REGISTERS: u32 = 1 << 20;

/// A body that is being read.
#[derive(Debug)]
pub(super) struct Body<'m, 't> {
    pub(super) module: &'m Module,
    pub(super) function: Function,
    /// By what stands before the number.
    registers: FxHashMap<&'t str, Registers>,
    variables: FxHashMap<&'t str, Variable>,
    labels: FxHashMap<&'t str, usize>,
    /// Branches, with their labels.
    branches: Vec<(usize, Token<'t>)>,
    /// A label that no instruction has followed yet.
    dangling: Option<Token<'t>>,
    block: Option<Block<'t>>,
}

#[derive(Clone, Copy, Debug)]
struct Registers {
    first: Slot,
    count: u32,
    class: Class,
}

/// A `.param` variable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub(super) role: Role,
    pub(super) first: Slot,
    pub(super) bytes: u32,
    pub(super) alignment: u32,
}

/// Whose variable it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The entry's parameter at that position.
    Kernel(usize),
    /// The function's own.
    Argument,
    Result,
    /// A call block's: a scalar, which is stored, or an array, which is loaded.
    CallArgument,
    CallResults,
}

/// An open call block.
#[derive(Debug)]
struct Block<'t> {
    first: Slot,
    names: Vec<&'t str>,
    phase: Phase,
}

/// How far a call block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Variables,
    Arguments,
    Called,
}

impl<'m, 't> Body<'m, 't> {
    pub(super) fn new(module: &'m Module, name: &str) -> Body<'m, 't> {
        Body {
            module,
            function: Function { name: name.to_string(), ..Function::default() },
            registers: FxHashMap::default(),
            variables: FxHashMap::default(),
            labels: FxHashMap::default(),
            branches: Vec::new(),
            dangling: None,
            block: None,
        }
    }

    /// Declares a `.param` variable of that many bytes.
    pub(super) fn declare(
        &mut self,
        line: u32,
        name: &'t str,
        role: Role,
        bytes: u32,
        alignment: u32,
    ) -> Result<(), PtxError> {
        let words = if matches!(role, Role::Kernel(_)) { 0 } else { bytes / 4 };
        let first = self.allocate(name, words);
        let variable = Variable { role, first, bytes, alignment };
        if self.variables.insert(name, variable).is_some() {
            return Err(error(line, format!("`{name}` is declared twice")));
        }
        Ok(())
    }

    fn allocate(&mut self, name: &str, count: u32) -> Slot {
        let first = Slot(self.function.n_slots);
        let is_numbered = name.starts_with('%');
        self.function.names.push(Naming { first, name: name.to_string(), is_numbered });
        self.function.n_slots += count;
        first
    }

    /// Reads from `{` to `}`.
    pub(super) fn parse(mut self, cursor: &mut Cursor<'t>) -> Result<Function, PtxError> {
        cursor.expect("{")?;
        while cursor.take_word(".reg") {
            self.declare_registers(cursor)?;
        }
        loop {
            let token = cursor.next()?;
            match token.text {
                "}" if self.block.is_none() => return self.finish(token.line),
                "}" => self.close_block(token.line)?,
                "{" => self.open_block(token.line)?,
                ".param" => self.declare_in_block(cursor)?,
                "@" => self.guarded(cursor)?,
                _ if token.is_name() && cursor.take(':') => self.label(token)?,
                _ => self.statement(Guard::Always, token, cursor)?,
            }
        }
    }

    /// `.b32 %r<10>;`.
    fn declare_registers(&mut self, cursor: &mut Cursor<'t>) -> Result<(), PtxError> {
        let class = cursor.dotted(Class::named)?;
        let token = cursor.next()?;
        let prefix = token.text;
        let is_prefix = prefix.strip_prefix('%').is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
        });
        if !is_prefix {
            return Err(error(token.line, format!("`{prefix}` cannot stand before a number")));
        }
        cursor.expect("<")?;
        let count = cursor.count(MOST_REGISTERS)?;
        cursor.expect("> ;")?;
        let registers = Registers { first: self.allocate(prefix, count), count, class };
        if self.registers.insert(prefix, registers).is_some() {
            return Err(error(token.line, format!("`{prefix}` is declared twice")));
        }
        Ok(())
    }

    fn open_block(&mut self, line: u32) -> Result<(), PtxError> {
        if self.block.is_some() {
            return Err(error(line, "a block in a block"));
        }
        let first = Slot(self.function.n_slots);
        self.block = Some(Block { first, names: Vec::new(), phase: Phase::Variables });
        Ok(())
    }

    fn close_block(&mut self, line: u32) -> Result<(), PtxError> {
        let Some(block) = self.block.take().filter(|block| block.phase == Phase::Called) else {
            return Err(error(line, "a block without a call"));
        };
        for name in block.names {
            self.variables.remove(name);
        }
        Ok(())
    }

    /// Variables of a call are stored before it and loaded after it, and never under a guard.
    pub(super) fn in_phase(&self, phase: Phase, statement: &Statement<'t>) -> Result<(), PtxError> {
        let here = self.block.as_ref().map(|block| block.phase);
        if here != Some(phase) || !matches!(statement.guard, Guard::Always) {
            let message = format!("`{}` out of the order of a call", statement.opcode.text);
            return Err(error(statement.opcode.line, message));
        }
        Ok(())
    }

    /// `.b64 c0;` or `.align 8 .b8 r0[8];`.
    fn declare_in_block(&mut self, cursor: &mut Cursor<'t>) -> Result<(), PtxError> {
        let line = cursor.line();
        if self.block.as_ref().is_none_or(|block| block.phase != Phase::Variables) {
            return Err(error(line, "variables stand at the head of call blocks only"));
        }
        let is_array = cursor.peek().is_some_and(|token| token.text == ".align");
        let name = if is_array {
            let alignment = alignment(cursor)?;
            let (name, bytes) = byte_array(cursor)?;
            self.declare(line, name, Role::CallResults, bytes, alignment)?;
            name
        } else {
            let bytes = cursor.dotted(param_type)?.bytes();
            let name = cursor.name()?;
            self.declare(line, name, Role::CallArgument, bytes, bytes)?;
            name
        };
        cursor.expect(";")?;
        if let Some(block) = &mut self.block {
            block.names.push(name);
        }
        Ok(())
    }

    fn label(&mut self, token: Token<'t>) -> Result<(), PtxError> {
        if self.block.is_some() {
            return Err(error(token.line, "a label in a call block"));
        }
        if self.labels.insert(token.text, self.function.steps.len()).is_some() {
            return Err(error(token.line, format!("the label `{}` stands twice", token.text)));
        }
        self.dangling = Some(token);
        Ok(())
    }

    /// `%p0 …;` or `!%p0 …;`.
    fn guarded(&mut self, cursor: &mut Cursor<'t>) -> Result<(), PtxError> {
        let is_negated = cursor.take('!');
        let predicate = cursor.next()?;
        let slot = self.register(predicate, |class| Type::Pred.accepts(class))?;
        let guard = if is_negated { Guard::Unless(slot) } else { Guard::If(slot) };
        let opcode = cursor.next()?;
        self.statement(guard, opcode, cursor)
    }

    fn statement(
        &mut self,
        guard: Guard,
        opcode: Token<'t>,
        cursor: &mut Cursor<'t>,
    ) -> Result<(), PtxError> {
        if !opcode.text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(surprising(opcode));
        }
        let statement = Statement { guard, opcode, arguments: arguments(cursor)? };
        self.begin_block(opcode.line);
        let instruction = self.decode(&statement)?;
        if let Instruction::Branch(_) = instruction {
            self.note_branch(&statement)?;
        }
        if let (Instruction::Call(_), Some(block)) = (&instruction, &mut self.block) {
            block.phase = Phase::Called;
        }
        self.push(opcode.line, Step { guard, instruction });
        Ok(())
    }

    /// At a block's first instruction all of its variables are known.
    fn begin_block(&mut self, line: u32) {
        if let Some(block) = self.block.as_mut().filter(|block| block.phase == Phase::Variables) {
            block.phase = Phase::Arguments;
            let (first, end) = (block.first, self.function.n_slots);
            let instruction = Instruction::Forget { first, count: end - first.0 };
            self.push(line, Step { guard: Guard::Always, instruction });
        }
    }

    fn push(&mut self, line: u32, step: Step) {
        self.dangling = None;
        self.function.lines.push(line);
        self.function.steps.push(step);
    }

    /// Labels may stand further down.
    fn note_branch(&mut self, statement: &Statement<'t>) -> Result<(), PtxError> {
        if self.block.is_some() {
            return Err(error(statement.opcode.line, "a branch in a call block"));
        }
        if let [Argument::Scalar(Scalar::Word(label))] = statement.arguments[..] {
            self.branches.push((self.function.steps.len(), label));
        }
        Ok(())
    }

    fn finish(mut self, line: u32) -> Result<Function, PtxError> {
        if let Some(label) = self.dangling {
            return Err(error(label.line, format!("nothing follows the label `{}`", label.text)));
        }
        for (step, label) in self.branches {
            let target = self.labels.get(label.text).copied().ok_or_else(|| {
                error(label.line, format!("no instruction has the label `{}`", label.text))
            })?;
            self.function.steps[step].instruction = Instruction::Branch(target);
        }
        if !self.function.steps.last().is_some_and(is_final) {
            return Err(error(line, "a thread could run past the last instruction"));
        }
        Ok(self.function)
    }

    /// The slot of a register, if its class is allowed.
    pub(super) fn register(
        &self,
        token: Token<'t>,
        allowed: impl FnOnce(Class) -> bool,
    ) -> Result<Slot, PtxError> {
        let digits =
            token.text.len() - token.text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (prefix, number) = token.text.split_at(token.text.len() - digits);
        let number = if number.starts_with('0') && digits > 1 { None } else { number.parse().ok() };
        let found = self.registers.get(prefix).zip(number).filter(|(all, at)| *at < all.count);
        let Some((registers, number)) = found else {
            return Err(error(
                token.line,
                format!("`{}` is not declared as a register", token.text),
            ));
        };
        if !allowed(registers.class) {
            let (name, class) = (token.text, registers.class);
            return Err(error(token.line, format!("`{name}` ({class:?}) has the wrong type here")));
        }
        Ok(registers.first.offset(number))
    }

    /// A `.param` variable.
    pub(super) fn variable(&self, token: Token<'t>) -> Result<Variable, PtxError> {
        self.variables.get(token.text).copied().ok_or_else(|| {
            error(token.line, format!("`{}` is not declared as a variable", token.text))
        })
    }
}

/// Is there no way on to the next instruction?
fn is_final(step: &Step) -> bool {
    matches!(step.guard, Guard::Always)
        && matches!(
            step.instruction,
            Instruction::Return | Instruction::Exit | Instruction::Branch(_)
        )
}
