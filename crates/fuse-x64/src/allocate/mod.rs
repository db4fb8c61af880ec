//! Registers for straight-line code, and the code with them.
//!
//! One walk over the steps, in order. A value that is needed and in no register is loaded, or taken from
//! memory by the operation itself; where no register is free, the value whose next use is farthest away
//! goes to memory (Belady 1966), at most once, since values never change.
//!
//! | register | |
//! |---|---|
//! | `rdi` | the arguments (`run` and `run_uniform`) |
//! | `rsi` | scratch memory: spilled values, frames of regions, invariants without a register |
//! | `rcx`, `rdx` | index of the pass's first lane, and its bound |
//! | `rbx` | first lane of the stripe (folds) |
//! | `rax` | addresses, conditions; nothing is kept in it from step to step |
//! | `r8` … `r15`, `rbp` | pointers of operands |
//! | vectors | from the top: invariants, and values that passes hand on; the rest is allocated |
//! | `k1` … `k7` | masks |

mod branches;
mod operations;
mod registers;

use iced_x86::{Code as Opcode, Register};

use fuse_ir::{CodegenError, Mem};
use smallvec::SmallVec;

pub(crate) use self::branches::{Stub, choice, emit_stubs};
use self::operations::is_multiply_add;
use crate::asm::{Address, Assembler};
use crate::code::{Code, Invariants, Kind, Place, Step, Value};
use crate::frame::Emitter;
use crate::internal;
use crate::level::Level;
use crate::live::Uses;

pub(crate) const SCRATCH: Register = Register::RSI;
pub(crate) const INDEX: Register = Register::RCX;
pub(crate) const TEMPORARY: Register = Register::RAX;

/// Mask registers that hold values: `k0` cannot choose.
const MASKS: std::ops::Range<u8> = 1..8;

/// How outputs are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    /// Through the caches.
    Cached,
    /// Past them, a whole aligned vector at a time.
    Streaming,
}

/// Finds the memory of a place, `lane` lanes from where the pass starts; may emit code.
pub(crate) type Access<'a> = dyn Fn(&mut Assembler, Place, Mem, usize) -> Address + 'a;

/// Registers that stay what they are throughout the code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixed {
    /// Register of each invariant that has one.
    pub(crate) invariants: Vec<Option<u8>>,
    /// Scratch memory of the invariants that are neither in a register nor constants.
    pub(crate) homes: Vec<Option<usize>>,
    /// Register of each carried value.
    pub(crate) carried: Vec<u8>,
}

impl Fixed {
    /// The registers that no value of the code may take.
    fn taken(&self) -> u32 {
        let pinned = self.invariants.iter().flatten().chain(&self.carried);
        pinned.fold(0, |taken, &register| taken | 1 << register)
    }

    /// Two vector registers that are free between the passes.
    pub(crate) fn temporaries(&self, level: Level) -> Result<[u8; 2], CodegenError> {
        let taken = self.taken();
        let mut free = (0..level.vectors() as u8).filter(|register| taken & 1 << register == 0);
        match (free.next(), free.next()) {
            (Some(first), Some(second)) => Ok([first, second]),
            _ => Err(internal("no registers are left")),
        }
    }
}

/// What emitted code took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// Vector registers, one bit each.
    pub(crate) vectors: u32,
    /// Mask registers, one bit each.
    pub(crate) masks: u32,
    /// Values that went to memory for want of registers.
    pub(crate) spills: usize,
}
/// Emits code with registers.
pub(crate) struct Allocator<'a, 'k> {
    emitter: &'a mut Emitter<'k>,
    level: Level,
    /// Lanes of a unit.
    lanes: usize,
    code: &'a Code,
    invariants: &'a Invariants,
    fixed: &'a Fixed,
    access: &'a Access<'a>,
    stores: Stores,
    uses: Uses,
    /// Register of each value.
    registers: Vec<Option<u8>>,
    /// Register of each invariant, for good or for now.
    held: Vec<Option<u8>>,
    /// Scratch memory of each value that was spilled.
    slots: Vec<Option<usize>>,
    vectors: Bank,
    masks: Bank,
    free_slots: Vec<usize>,
    /// Memory of values that this step reads for the last time.
    dying_slots: Vec<usize>,
    pub(crate) stubs: Vec<Stub>,
    pub(crate) taken: Taken,
    /// Values that must stay where they are until the step is over.
    protected: SmallVec<[Value; 8]>,
    /// Registers that the step uses for itself.
    temporaries: u32,
}

/// The registers of one kind.
struct Bank {
    owners: Vec<Owner>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    Value(Value),
    /// For good, or for the value that the pass hands on.
    Fixed,
}

impl<'a, 'k> Allocator<'a, 'k> {
    pub(crate) fn new(
        emitter: &'a mut Emitter<'k>,
        (code, lanes): (&'a Code, usize),
        (invariants, fixed): (&'a Invariants, &'a Fixed),
        (access, stores): (&'a Access<'a>, Stores),
    ) -> Allocator<'a, 'k> {
        let level = emitter.asm.level;
        let mut held = fixed.invariants.clone();
        held.resize(invariants.len(), None);
        let mut vectors = vec![Owner::Nobody; level.vectors()];
        let taken = fixed.taken();
        for (register, owner) in vectors.iter_mut().enumerate() {
            if taken & 1 << register != 0 {
                *owner = Owner::Fixed;
            }
        }
        let mut registers = vec![None; code.kinds.len()];
        for (carried, &register) in code.carried.iter().zip(&fixed.carried) {
            if let Some(number) = carried.before.as_computed() {
                registers[number] = Some(register);
            }
        }
        let mut masks = vec![Owner::Fixed; 8];
        if level == Level::Avx512 {
            masks[usize::from(MASKS.start)..].fill(Owner::Nobody);
        }
        Allocator {
            level,
            lanes,
            code,
            invariants,
            fixed,
            access,
            stores,
            uses: Uses::of(code, invariants.len()),
            registers,
            held,
            slots: vec![None; code.kinds.len()],
            vectors: Bank { owners: vectors },
            masks: Bank { owners: masks },
            free_slots: Vec::new(),
            dying_slots: Vec::new(),
            stubs: Vec::new(),
            taken: Taken { vectors: taken, ..Taken::default() },
            protected: SmallVec::new(),
            temporaries: 0,
            emitter,
        }
    }

    /// Emits all steps, and brings what is carried to its registers.
    ///
    /// # Errors
    /// What the level lacks, and internal errors.
    pub(crate) fn run(&mut self) -> Result<(), CodegenError> {
        let code = self.code;
        for (at, step) in code.steps.iter().enumerate() {
            self.protected.clear();
            self.temporaries = 0;
            self.free_slots.append(&mut self.dying_slots);
            self.step(at, step)?;
        }
        for (carried, &register) in code.carried.iter().zip(&self.fixed.carried) {
            self.move_to(Kind::Vector, register, carried.after)?;
        }
        Ok(())
    }

    fn step(&mut self, at: usize, step: &Step) -> Result<(), CodegenError> {
        match step {
            Step::Do(inst, result) if is_multiply_add(inst.op) => {
                self.multiply_add(at, inst, *result)
            }
            Step::Do(inst, result) => self.operation(at, inst, *result),
            Step::Load { result, place, mem, bytes, lane } => {
                let register = self.allocate(at, *result)?;
                let address = (self.access)(&mut self.emitter.asm, *place, *mem, *lane);
                self.load_bytes(register, address, *bytes)
            }
            Step::LoadRepeated { result, place, mem, size } => {
                let register = self.allocate(at, *result)?;
                let address = (self.access)(&mut self.emitter.asm, *place, *mem, 0);
                self.broadcast(register, address, mem.size(), *size)
            }
            Step::Store { value, place, mem, bytes, lane } => {
                let register = self.register(at, *value)?;
                let address = (self.access)(&mut self.emitter.asm, *place, *mem, *lane);
                if let Place::Slot(_) = place {
                    let zero = Opcode::Mov_rm64_imm32;
                    self.emitter.asm.store_immediate(zero, address, 0);
                }
                match (self.stores, place) {
                    (Stores::Streaming, Place::Output(_)) => {
                        self.emitter.asm.stream(register, address);
                    }
                    (Stores::Cached | Stores::Streaming, _) => {
                        self.emitter.asm.store_bytes(register, address, *bytes);
                    }
                }
                self.release(at + 1, &[*value]);
                Ok(())
            }
            Step::Position { result, size, lane } => {
                let register = self.allocate(at, *result)?;
                self.position(register, *size, *lane)
            }
            Step::Canonical { lane, size, values } => self.canonical(at, *lane, *size, values),
            Step::Rare(rare) => self.rare(at, rare),
            Step::Repeat(repeat) => self.repeat(at, repeat),
            Step::Any { mask, width } => {
                let register = self.register(at, *mask)?;
                self.test_any((register, register), *width);
                self.release(at + 1, &[*mask]);
                Ok(())
            }
            Step::Gather { result, op, size, table, index } => {
                self.gather(at, (*op, *size), *result, (*table, *index))
            }
        }
    }
}

/// Scratch memory at an offset.
pub(crate) fn scratch(offset: usize) -> Address {
    Address::At(SCRATCH, i32::try_from(offset).unwrap_or(i32::MAX))
}
