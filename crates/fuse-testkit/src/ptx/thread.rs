//! One thread: its registers, the functions that it is in, and what each instruction does to them.
//!
//! ```text
//! frame:  │ entry's window │ function's window │ …     a window has the function's slots
//! ```
//!
//! **Undefined registers.** Every activation of a function has a stamp of its own, and a slot is
//! defined if it bears the stamp of the activation that reads it. So nothing has to be cleared when a
//! thread starts or a function is called, and frames serve one thread after another.
//!
//! **Cost.** A step is a bounds check, the guard and two jumps: 5 to 10 ns as tests are compiled.

use fuse_ir::device::WARP;

use super::bits::{from_bytes, low32};
use super::instruction::{
    Address, Call, Function, Guard, Instruction, Load, Operand, Slot, Space, Special, Step, Store,
    Words,
};
use super::memory::{Accessor, Memory};
use super::operation::{DivideOp, insert_bits};
use super::tables::{TableSpace, is_global_table};
use super::{Module, PtxError};

/// A value, and the activation that wrote it.
#[derive(Clone, Copy, Debug, Default)]
struct Register {
    value: u64,
    /// 0 is nobody's.
    stamp: u64,
}

/// What outlives a thread: memory for the next one's registers.
#[derive(Debug, Default)]
pub(super) struct Frame {
    registers: Vec<Register>,
    stack: Vec<Activation>,
    last_stamp: u64,
}

/// A function that a thread is in.
#[derive(Clone, Copy, Debug)]
struct Activation {
    /// Position in the module; `None` is the entry.
    function: Option<usize>,
    /// The next step.
    at: usize,
    base: usize,
    stamp: u64,
}

/// What all threads of a launch share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid<'m> {
    pub(super) module: &'m Module,
    pub(super) entry: &'m Function,
    pub(super) params: &'m [u64],
    pub(super) blocks: u32,
    pub(super) block_size: u32,
}

/// Which thread it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) block: u32,
    pub(super) thread: u32,
    pub(super) accessor: Accessor,
}

/// One thread.
#[derive(Debug)]
pub(super) struct Thread<'m> {
    grid: Grid<'m>,
    identity: Identity,
    frame: Frame,
}

/// Why a thread stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    Ended,
    /// At an instruction that the whole warp takes part in: function and step.
    Waiting(Option<usize>, usize),
}

/// Why a function was left.
enum Leave<'m> {
    Call(&'m Call),
    Return,
    Exit,
    Wait,
}

/// What went wrong, wherever it was. Boxed: the way without faults is the fast one.
#[derive(Debug)]
pub(super) struct Fault(Box<Cause>);

#[derive(Debug)]
enum Cause {
    Undefined(Slot),
    Message(String),
}

impl Fault {
    #[cold]
    fn undefined(slot: Slot) -> Fault {
        Fault(Box::new(Cause::Undefined(slot)))
    }

    #[cold]
    pub(super) fn message(message: impl Into<String>) -> Fault {
        Fault(Box::new(Cause::Message(message.into())))
    }
}

impl<'m> Thread<'m> {
    pub(super) fn new(grid: Grid<'m>, identity: Identity, mut frame: Frame) -> Thread<'m> {
        frame.stack.clear();
        frame.enter(None, grid.entry, 0);
        Thread { grid, identity, frame }
    }

    /// The frame, for another thread.
    pub(super) fn into_frame(self) -> Frame {
        self.frame
    }

    /// Runs to the end, or to where the warp has to meet.
    pub(super) fn run(&mut self, memory: &mut Memory, budget: &mut u64) -> Result<Pause, PtxError> {
        loop {
            let Some(&activation) = self.frame.stack.last() else { return Ok(Pause::Ended) };
            let function = self.grid.function(activation.function);
            let mut running = Running {
                grid: self.grid,
                identity: self.identity,
                registers: &mut self.frame.registers[activation.base..],
                stamp: activation.stamp,
                at: activation.at,
                memory,
            };
            let leave = running.run(&function.steps, budget);
            let at = running.at;
            if let Some(activation) = self.frame.stack.last_mut() {
                activation.at = at;
            }
            match leave.map_err(|fault| self.blame(fault))? {
                Leave::Call(call) => self.call(call).map_err(|fault| self.blame(fault))?,
                Leave::Return => self.leave(),
                Leave::Exit => return Ok(Pause::Ended),
                Leave::Wait => return Ok(Pause::Waiting(activation.function, at - 1)),
            }
        }
    }

    fn call(&mut self, call: &Call) -> Result<(), Fault> {
        let Some(&caller) = self.frame.stack.last() else { return Ok(()) };
        let callee = self.grid.function(Some(call.callee));
        let base = caller.base + length_of(self.grid.function(caller.function));
        let stamp = self.frame.enter(Some(call.callee), callee, base);
        for (word, &slot) in call.arguments.iter().enumerate() {
            let register = self.frame.registers[caller.base + slot.index()];
            if register.stamp != caller.stamp {
                self.frame.stack.pop();
                return Err(Fault::undefined(slot));
            }
            self.frame.registers[base + word] = Register { value: register.value, stamp };
        }
        Ok(())
    }

    /// Copies the results, undefined words as such.
    fn leave(&mut self) {
        let Some(callee) = self.frame.stack.pop() else { return };
        let Some(&caller) = self.frame.stack.last() else { return };
        let function = self.grid.function(callee.function);
        let steps = &self.grid.function(caller.function).steps;
        let Some(Step { instruction: Instruction::Call(call), .. }) = steps.get(caller.at - 1)
        else {
            return;
        };
        for word in 0..function.result_words {
            let from = Slot(function.parameter_words()).offset(word).index() + callee.base;
            let Register { value, stamp } = self.frame.registers[from];
            let stamp = if stamp == callee.stamp { caller.stamp } else { 0 };
            let to = caller.base + call.results.offset(word).index();
            self.frame.registers[to] = Register { value, stamp };
        }
    }

    /// The value of an operand where the thread waits.
    pub(super) fn operand(&self, operand: Operand) -> Result<u64, PtxError> {
        let Operand::Register(slot) = operand else {
            return Ok(operand.literal());
        };
        let Some(activation) = self.frame.stack.last() else { return Ok(0) };
        let register = self.frame.registers[activation.base + slot.index()];
        if register.stamp == activation.stamp {
            Ok(register.value)
        } else {
            Err(self.blame(Fault::undefined(slot)))
        }
    }

    /// Writes a register where the thread waits.
    pub(super) fn set(&mut self, slot: Slot, value: u64) {
        if let Some(&Activation { base, stamp, .. }) = self.frame.stack.last() {
            self.frame.registers[base + slot.index()] = Register { value, stamp };
        }
    }

    /// The error of a fault at the step before the next.
    #[cold]
    pub(super) fn blame(&self, fault: Fault) -> PtxError {
        let Identity { block, thread, .. } = self.identity;
        let activation = self.frame.stack.last();
        let function = self.grid.function(activation.and_then(|activation| activation.function));
        let step = activation.map_or(0, |activation| activation.at.saturating_sub(1));
        let message = match *fault.0 {
            Cause::Undefined(slot) => {
                format!("{} is read before it is written", function.name_of(slot))
            }
            Cause::Message(message) => message,
        };
        PtxError {
            line: function.lines.get(step).copied().unwrap_or(0),
            message: format!("{message} ({}, block {block}, thread {thread})", function.name),
        }
    }
}

/// Slots of a window.
fn length_of(function: &Function) -> usize {
    Slot(function.n_slots).index()
}

impl<'m> Grid<'m> {
    /// The function at that position, or the entry.
    pub(super) fn function(self, position: Option<usize>) -> &'m Function {
        position.map_or(self.entry, |position| &self.module.functions[position])
    }
}

impl Frame {
    /// Opens a window for a function and gives its stamp.
    fn enter(&mut self, position: Option<usize>, function: &Function, base: usize) -> u64 {
        let end = base + length_of(function);
        if self.registers.len() < end {
            self.registers.resize(end, Register::default());
        }
        self.last_stamp += 1;
        let stamp = self.last_stamp;
        self.stack.push(Activation { function: position, at: 0, base, stamp });
        stamp
    }
}

impl Operand {
    fn literal(self) -> u64 {
        match self {
            Operand::Register(_) => 0,
            Operand::Literal(bits) => bits,
        }
    }
}

/// A thread inside of one function.
struct Running<'m, 'f> {
    grid: Grid<'m>,
    identity: Identity,
    registers: &'f mut [Register],
    stamp: u64,
    at: usize,
    memory: &'f mut Memory,
}

impl<'m> Running<'m, '_> {
    fn run(&mut self, steps: &'m [Step], budget: &mut u64) -> Result<Leave<'m>, Fault> {
        loop {
            let step = &steps[self.at];
            self.at += 1;
            if *budget == 0 {
                return Err(Fault::message("the thread does not come to an end"));
            }
            *budget -= 1;
            if self.is_passed_over(step.guard)? {
                continue;
            }
            match &step.instruction {
                &Instruction::Unary { op, to, from } => {
                    let value = self.operand(from)?;
                    self.write(to, op.eval(value));
                }
                &Instruction::Binary { op, to, lhs, rhs } => {
                    let (lhs, rhs) = (self.operand(lhs)?, self.operand(rhs)?);
                    self.write(to, op.eval(lhs, rhs));
                }
                Instruction::Ternary { op, to, from } => {
                    let [a, b, c] = **from;
                    let (a, b, c) = (self.operand(a)?, self.operand(b)?, self.operand(c)?);
                    self.write(*to, op.eval(a, b, c));
                }
                &Instruction::Branch(target) => self.at = target,
                Instruction::Load(load) => self.load(load)?,
                Instruction::Store(store) => self.store(store)?,
                Instruction::Call(call) => return Ok(Leave::Call(call)),
                Instruction::Return => return Ok(Leave::Return),
                Instruction::Exit => return Ok(Leave::Exit),
                Instruction::Shuffle(_) | Instruction::WarpBarrier => return Ok(Leave::Wait),
                &Instruction::Divide { op, to, lhs, rhs } => self.divide(op, to, [lhs, rhs])?,
                Instruction::InsertBits { to, from } => self.insert_bits(*to, from)?,
                Instruction::Select { to, from, predicate } => {
                    let (yes, no) = (self.operand(from[0])?, self.operand(from[1])?);
                    self.write(*to, if self.read(*predicate)? == 1 { yes } else { no });
                }
                &Instruction::Pack { to, from: [low, high] } => {
                    let (low, high) = (self.operand(low)?, self.operand(high)?);
                    self.write(to, high << 32 | low);
                }
                &Instruction::Unpack { to: [low, high], from } => {
                    let value = self.operand(from)?;
                    self.write(low, u64::from(low32(value)));
                    self.write(high, value >> 32);
                }
                &Instruction::Special { to, special } => self.write(to, self.special(special)),
                &Instruction::KernelParam { to, index } => {
                    self.write(to, self.grid.params[index]);
                }
                &Instruction::Forget { first, count } => self.forget(first, count),
                &Instruction::LoadParam { to, from } => self.load_param(to, from)?,
                &Instruction::StoreParam { to, from } => self.store_param(to, from)?,
            }
        }
    }

    #[inline(always)]
    fn is_passed_over(&self, guard: Guard) -> Result<bool, Fault> {
        Ok(match guard {
            Guard::Always => false,
            Guard::If(slot) => self.read(slot)? == 0,
            Guard::Unless(slot) => self.read(slot)? == 1,
        })
    }

    #[inline(always)]
    fn read(&self, slot: Slot) -> Result<u64, Fault> {
        let register = self.registers[slot.index()];
        if register.stamp == self.stamp { Ok(register.value) } else { Err(Fault::undefined(slot)) }
    }

    #[inline(always)]
    fn operand(&self, operand: Operand) -> Result<u64, Fault> {
        match operand {
            Operand::Register(slot) => self.read(slot),
            Operand::Literal(bits) => Ok(bits),
        }
    }

    #[inline(always)]
    fn write(&mut self, slot: Slot, value: u64) {
        self.registers[slot.index()] = Register { value, stamp: self.stamp };
    }

    fn special(&self, special: Special) -> u64 {
        u64::from(match special {
            Special::ThreadIndex => self.identity.thread,
            Special::BlockIndex => self.identity.block,
            Special::BlockSize => self.grid.block_size,
            Special::GridSize => self.grid.blocks,
            Special::LaneIndex => self.identity.thread % WARP,
        })
    }

    fn divide(&mut self, op: DivideOp, to: Slot, [lhs, rhs]: [Operand; 2]) -> Result<(), Fault> {
        let value = op.eval(self.operand(lhs)?, self.operand(rhs)?);
        self.write(to, value.ok_or_else(|| Fault::message("an integer is divided by 0"))?);
        Ok(())
    }

    fn insert_bits(&mut self, to: Slot, from: &[Operand; 4]) -> Result<(), Fault> {
        let mut values = [0; 4];
        for (value, &operand) in values.iter_mut().zip(from) {
            *value = self.operand(operand)?;
        }
        let [a, b, start, len] = values;
        self.write(to, insert_bits(a, b, start, len));
        Ok(())
    }

    fn forget(&mut self, first: Slot, count: u32) {
        let all = first.index()..first.offset(count).index();
        self.registers[all].fill(Register::default());
    }

    fn load_param(&mut self, to: Slot, from: Words) -> Result<(), Fault> {
        let low = self.read(from.first)?;
        let high = if from.is_pair { self.read(from.first.offset(1))? } else { 0 };
        self.write(to, high << 32 | low);
        Ok(())
    }

    fn store_param(&mut self, to: Words, from: Operand) -> Result<(), Fault> {
        let value = self.operand(from)?;
        self.write(to.first, u64::from(low32(value)));
        if to.is_pair {
            self.write(to.first.offset(1), value >> 32);
        }
        Ok(())
    }

    #[inline(always)]
    fn address(&self, address: Address) -> Result<u64, Fault> {
        Ok(self.read(address.base)?.wrapping_add_signed(address.offset))
    }

    fn load(&mut self, load: &Load) -> Result<(), Fault> {
        let address = self.address(load.address)?;
        let len = load.bytes * load.to.len();
        let accessor = self.identity.accessor;
        let tables = &self.grid.module.tables;
        let bytes = match load.space {
            Space::Constant => tables.load(TableSpace::Constant, address, len),
            Space::Global | Space::NonCoherent if is_global_table(address) => {
                tables.load(TableSpace::Global, address, len)
            }
            Space::Global => self.memory.load(accessor, address, len),
            Space::NonCoherent => self.memory.load(accessor.non_coherent(), address, len),
        };
        let bytes = bytes.map_err(Fault::message)?;
        let stamp = self.stamp;
        for (element, to) in bytes.chunks_exact(load.bytes).zip(&load.to) {
            self.registers[to.index()] = Register { value: from_bytes(element), stamp };
        }
        Ok(())
    }

    fn store(&mut self, store: &Store) -> Result<(), Fault> {
        let address = self.address(store.address)?;
        let mut bytes = [0; 16];
        let len = store.bytes * store.from.len();
        for (element, &from) in bytes.chunks_exact_mut(store.bytes).zip(&store.from) {
            let value = self.operand(from)?.to_le_bytes();
            element.copy_from_slice(&value[..store.bytes]);
        }
        self.memory.store(self.identity.accessor, address, &bytes[..len]).map_err(Fault::message)
    }
}
