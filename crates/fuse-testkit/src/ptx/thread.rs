//! One thread: its registers and the functions that it is in. What an instruction does is in `running`.
//!
//! ```text
//! frame:  │ entry's window │ function's window │ …     a window has the function's slots
//! ```
//!
//! **Undefined registers.** Every activation of a function has a stamp of its own, and a slot is
//! defined if it bears the stamp of the activation that reads it. So nothing has to be cleared when a
//! thread starts or a function is called, and frames serve one thread after another.

use super::instruction::{Call, Function, Instruction, Operand, Slot, Step};
use super::memory::{Accessor, Memory};
use super::running::{Leave, Running};
use super::{Module, PtxError};

/// A value, and the activation that wrote it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Register {
    pub(super) value: u64,
    /// 0 is nobody's.
    pub(super) stamp: u64,
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
    pub(super) fn undefined(slot: Slot) -> Fault {
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
