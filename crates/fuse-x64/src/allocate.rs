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

use iced_x86::{Code as Opcode, Register};

use fuse_ir::{CodegenError, Lane, Mem};
use smallvec::SmallVec;

use crate::asm::{Address, Arg, Assembler, Label, Operation, mask_register, vector};
use crate::code::{
    Code, Inst, Invariant, Invariants, Kind, Place, Rare, RareUnit, Repeat, Step, Value,
};
use crate::frame::{Emitter, Frame, OutlineKind};
use crate::level::Level;
use crate::live::{NEVER, Uses};
use crate::op::{Op, Size};
use crate::{internal, unsupported};

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

/// Code that hardly ever runs, emitted after the function.
pub(crate) struct Stub {
    at: Label,
    back: Label,
    kind: StubKind,
}

enum StubKind {
    Rare { label: Label, mask_width: usize, calls: SmallVec<[StubCall; 2]> },
    Canonical { lane: Lane, size: Size, registers: SmallVec<[u8; 4]>, test: u8 },
}

/// The call for one unit.
struct StubCall {
    mask: u8,
    args: Vec<(usize, Source)>,
    results: Vec<StubResult>,
}

struct StubResult {
    register: u8,
    mask: u8,
    mem: Mem,
    /// Its array in the frame.
    offset: usize,
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
enum Source {
    Register(u8),
    Memory(Address),
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

    // ---- where values are ----

    fn kind(&self, value: Value) -> Kind {
        self.code.kind(value)
    }

    fn bank(&mut self, kind: Kind) -> &mut Bank {
        match kind {
            Kind::Vector => &mut self.vectors,
            Kind::Mask => &mut self.masks,
        }
    }

    fn place_of(&mut self, value: Value) -> &mut Option<u8> {
        match (value.as_computed(), value.as_invariant()) {
            (Some(number), _) => &mut self.registers[number],
            (None, number) => &mut self.held[number.unwrap_or(0)],
        }
    }

    fn in_register(&self, value: Value) -> Option<u8> {
        match (value.as_computed(), value.as_invariant()) {
            (Some(number), _) => self.registers[number],
            (None, number) => self.held[number.unwrap_or(0)],
        }
    }

    /// Does nothing read it from step `at` on?
    fn is_over(&mut self, value: Value, at: usize) -> bool {
        self.uses.next(value, at) == NEVER
    }

    /// The register of a value, which is loaded if it is in none.
    fn register(&mut self, at: usize, value: Value) -> Result<u8, CodegenError> {
        self.protected.push(value);
        if let Some(register) = self.in_register(value) {
            return Ok(register);
        }
        let kind = self.kind(value);
        let register = self.find(at, kind)?;
        self.own(register, value);
        self.load(kind, register, value)?;
        Ok(register)
    }

    /// A register for a new value; none is needed for what nothing reads, but one is given.
    fn allocate(&mut self, at: usize, result: Value) -> Result<u8, CodegenError> {
        let carried = self.code.carried.iter().position(|carried| carried.after == result);
        if let Some(position) = carried {
            let register = self.fixed.carried[position];
            let before = self.code.carried[position].before;
            if self.is_over(before, at + 1) && !self.protected.contains(&before) {
                *self.place_of(result) = Some(register);
                return Ok(register);
            }
        }
        let kind = self.kind(result);
        let register = self.find(at, kind)?;
        self.own(register, result);
        if self.is_over(result, at + 1) {
            self.release(at + 1, &[result]);
        }
        Ok(register)
    }

    fn own(&mut self, register: u8, value: Value) {
        let kind = self.kind(value);
        self.bank(kind).owners[usize::from(register)] = Owner::Value(value);
        *self.place_of(value) = Some(register);
    }

    /// A free register, or the one whose value is needed last.
    fn find(&mut self, at: usize, kind: Kind) -> Result<u8, CodegenError> {
        let temporaries = if kind == Kind::Vector { self.temporaries } else { 0 };
        let mut farthest: Option<(u8, Value, usize)> = None;
        for number in 0..self.bank(kind).owners.len() {
            let register = number as u8;
            if temporaries & 1 << register != 0 {
                continue;
            }
            let owner = self.bank(kind).owners[number];
            match owner {
                Owner::Nobody => {
                    self.note(kind, register);
                    return Ok(register);
                }
                Owner::Value(value) if !self.protected.contains(&value) => {
                    let next = self.uses.next(value, at);
                    if farthest.is_none_or(|(.., known)| next > known) {
                        farthest = Some((register, value, next));
                    }
                }
                Owner::Value(_) | Owner::Fixed => {}
            }
        }
        let (register, value, next) =
            farthest.ok_or_else(|| unsupported("more values at once than there are registers"))?;
        if next != NEVER {
            self.spill(kind, register, value);
        }
        self.forget(value);
        self.note(kind, register);
        Ok(register)
    }

    fn note(&mut self, kind: Kind, register: u8) {
        match kind {
            Kind::Vector => self.taken.vectors |= 1 << register,
            Kind::Mask => self.taken.masks |= 1 << register,
        }
    }

    /// Takes a value out of its register.
    fn forget(&mut self, value: Value) {
        let kind = self.kind(value);
        let Some(register) = self.place_of(value).take() else { return };
        let owner = &mut self.bank(kind).owners[usize::from(register)];
        if *owner == Owner::Value(value) {
            *owner = Owner::Nobody;
        }
    }

    /// Frees the registers and memory of values that nothing reads from step `at` on.
    fn release(&mut self, at: usize, values: &[Value]) {
        for &value in values {
            if !self.is_over(value, at) {
                continue;
            }
            let is_fixed = value.as_invariant().is_some_and(|number| {
                self.fixed.invariants.get(number).is_some_and(Option::is_some)
            });
            if !is_fixed {
                self.forget(value);
            }
            if let Some(number) = value.as_computed()
                && let Some(slot) = self.slots[number].take()
            {
                self.dying_slots.push(slot);
            }
        }
    }

    /// Stores a value that is needed again, unless memory has it.
    fn spill(&mut self, kind: Kind, register: u8, value: Value) {
        let Some(number) = value.as_computed() else { return };
        if self.slots[number].is_some() {
            return;
        }
        let slot = match self.free_slots.pop() {
            Some(slot) => slot,
            None => self.emitter.scratch.vector(self.level),
        };
        self.slots[number] = Some(slot);
        self.taken.spills += 1;
        let address = scratch(slot);
        match kind {
            Kind::Vector => {
                self.emitter.asm.store_bytes(register, address, self.level.vector_bytes());
            }
            Kind::Mask => {
                let code = Opcode::VEX_Kmovq_m64_kr;
                self.emitter.asm.store(code, address, mask_register(register));
            }
        }
    }

    /// Loads a value that is in no register.
    fn load(&mut self, kind: Kind, register: u8, value: Value) -> Result<(), CodegenError> {
        let whole = Size::of(self.level.vector_bytes());
        let invariant = value.as_invariant().map(|number| self.invariants.get(number));
        if let Some(Invariant::Repeated(bits)) = invariant {
            let offset = self.emitter.asm.pooled(&bits.to_le_bytes());
            return self.broadcast(register, Address::Pool(offset), 8, whole);
        }
        let address = self.home(value)?;
        match kind {
            Kind::Vector => self.load_bytes(register, address, self.level.vector_bytes()),
            Kind::Mask => {
                let code = Opcode::VEX_Kmovq_kr_km64;
                self.emitter.asm.load(code, mask_register(register), address);
                Ok(())
            }
        }
    }

    /// Memory that holds the whole of a value, which is in no register.
    fn home(&mut self, value: Value) -> Result<Address, CodegenError> {
        let Some(number) = value.as_invariant() else {
            let slot = value.as_computed().and_then(|number| self.slots[number]);
            return Ok(scratch(slot.ok_or_else(|| internal("a value is nowhere"))?));
        };
        match self.invariants.get(number) {
            Invariant::Repeated(bits) => {
                let bytes = bits.to_le_bytes().repeat(self.level.vector_bytes() / 8);
                Ok(Address::Pool(self.emitter.asm.pooled(&bytes)))
            }
            Invariant::Bytes(bytes) => {
                let mut bytes = bytes.clone();
                bytes.resize(bytes.len().next_multiple_of(self.level.vector_bytes()), 0);
                Ok(Address::Pool(self.emitter.asm.pooled(&bytes)))
            }
            Invariant::Uniform(..) | Invariant::Splat(..) => {
                let home = self.fixed.homes.get(number).copied().flatten();
                Ok(scratch(home.ok_or_else(|| internal("a scalar has no memory"))?))
            }
        }
    }

    /// A value in memory as the operand of an operation.
    fn in_memory(&mut self, op: Op, value: Value) -> Result<Arg, CodegenError> {
        let invariant = value.as_invariant().map(|number| self.invariants.get(number));
        if let (Some(Invariant::Repeated(bits)), Level::Avx512) = (invariant, self.level) {
            let bytes = bits.to_le_bytes();
            let halves_equal = bytes[..4] == bytes[4..];
            let broadcast = op.form().broadcast;
            if broadcast == 8 || (broadcast == 4 && halves_equal) {
                return Ok(Arg::Repeated(Address::Pool(self.emitter.asm.pooled(&bytes))));
            }
        }
        Ok(Arg::Memory(self.home(value)?))
    }

    /// Moves a value to a register that is not its own.
    fn move_to(&mut self, kind: Kind, register: u8, value: Value) -> Result<(), CodegenError> {
        match self.in_register(value) {
            Some(from) if from == register => Ok(()),
            Some(from) => self.copy(kind, register, from),
            None => self.load(kind, register, value),
        }
    }

    fn copy(&mut self, kind: Kind, to: u8, from: u8) -> Result<(), CodegenError> {
        let size = Size::of(self.level.vector_bytes());
        let (op, arg) = match kind {
            Kind::Vector => (Op::Mov, Arg::Vector(from)),
            Kind::Mask => (Op::KMov, Arg::Mask(from)),
        };
        self.emit(op, size, to, &[arg], None, 0)
    }

    fn emit(
        &mut self,
        op: Op,
        size: Size,
        result: u8,
        args: &[Arg],
        mask: Option<u8>,
        immediate: u8,
    ) -> Result<(), CodegenError> {
        self.emitter.asm.operation(&Operation { op, size, result, args, mask, immediate })
    }

    fn arg(&self, value: Value, register: u8) -> Arg {
        match self.kind(value) {
            Kind::Vector => Arg::Vector(register),
            Kind::Mask => Arg::Mask(register),
        }
    }

    // ---- operations ----

    fn operation(&mut self, at: usize, inst: &Inst, result: Value) -> Result<(), CodegenError> {
        let form = inst.op.form();
        let mut values = inst.args.clone();
        let takes_memory = form.memory && !(form.memory_if_wide && self.level == Level::Avx2);
        let n = values.len();
        if form.commutes
            && takes_memory
            && self.in_register(values[0]).is_none()
            && self.in_register(values[1]).is_some()
        {
            values.swap(0, 1);
        }
        let mut args: SmallVec<[Arg; 3]> = SmallVec::new();
        let mask = inst.mask.map(|mask| self.register(at, mask)).transpose()?;
        for (position, &value) in values.iter().enumerate() {
            let last = position + 1 == n && !(form.tied && position == 0);
            if last && takes_memory && self.in_register(value).is_none() {
                args.push(self.in_memory(inst.op, value)?);
            } else {
                let register = self.register(at, value)?;
                args.push(self.arg(value, register));
            }
        }
        let register = if form.tied {
            self.tied(at, result, values[0])?
        } else {
            self.finish(at, &values, inst.mask);
            self.allocate(at, result)?
        };
        if form.tied {
            args[0] = Arg::Vector(register);
        }
        self.emit(inst.op, inst.size, register, &args, mask, inst.immediate)?;
        if form.tied {
            self.finish(at, &values, inst.mask);
        }
        Ok(())
    }

    /// Ends a step that read these.
    fn finish(&mut self, at: usize, values: &[Value], mask: Option<Value>) {
        self.protected.clear();
        self.release(at + 1, values);
        self.release(at + 1, mask.as_slice());
    }

    /// A register for a result that overwrites `first`, with `first` in it.
    fn tied(&mut self, at: usize, result: Value, first: Value) -> Result<u8, CodegenError> {
        let kind = self.kind(result);
        let over = first.as_computed().is_some() && self.is_over(first, at + 1);
        if over && self.hands_on(first, result) {
            let register = self.in_register(first);
            self.forget(first);
            *self.place_of(result) = register;
            return register.ok_or_else(|| internal("what is carried is in a register"));
        }
        let free = over && !self.is_carried_before(first);
        if let (true, Some(register)) = (free, self.in_register(first)) {
            self.forget(first);
            self.own(register, result);
            self.protected.push(result);
            return Ok(register);
        }
        let register = self.allocate(at, result)?;
        self.protected.push(result);
        self.move_to(kind, register, first)?;
        Ok(register)
    }

    /// Is the first what a pass starts with, and the second what it hands on in its place?
    fn hands_on(&self, before: Value, after: Value) -> bool {
        self.code.carried.iter().any(|c| (c.before, c.after) == (before, after))
    }

    fn is_carried_before(&self, value: Value) -> bool {
        self.code.carried.iter().any(|carried| carried.before == value)
    }

    /// Chooses among the three forms of a multiply-add: which operand is overwritten, and which may lie
    /// in memory.
    fn multiply_add(&mut self, at: usize, inst: &Inst, result: Value) -> Result<(), CodegenError> {
        let [a, b, c] = [inst.args[0], inst.args[1], inst.args[2]];
        let from_memory = [c, b, a].into_iter().find(|&value| self.in_register(value).is_none());
        let from_memory = from_memory.filter(|&value| {
            // The same value twice is one in a register.
            [a, b, c].iter().filter(|&&other| other == value).count() == 1
        });
        for value in [a, b, c] {
            if from_memory != Some(value) {
                self.register(at, value)?;
            }
        }
        let [takes_a, takes_b, takes_c] = [a, b, c].map(|value| {
            from_memory != Some(value)
                && value.as_computed().is_some()
                && self.is_over(value, at + 1)
                && (!self.is_carried_before(value) || self.hands_on(value, result))
        });
        let overwritten = if takes_c {
            c
        } else if takes_a && a != c {
            a
        } else if takes_b && b != c {
            b
        } else {
            from_memory.unwrap_or(c)
        };
        let from_memory = from_memory.filter(|&value| value != overwritten);
        // (form, second, third): 132 is a·third + second, 213 second·a + third, 231 second·third + a.
        let (form, second, third) = if overwritten == c {
            if from_memory == Some(a) { (2, b, a) } else { (2, a, b) }
        } else {
            let other = if overwritten == a { b } else { a };
            if from_memory == Some(other) { (0, c, other) } else { (1, other, c) }
        };
        let register = self.tied(at, result, overwritten)?;
        let second = self.operand(second, overwritten, register)?;
        let third = if from_memory == Some(third) {
            self.in_memory(inst.op, third)?
        } else {
            self.operand(third, overwritten, register)?
        };
        let op = forms(inst.op)[form];
        let args = [Arg::Vector(register), second, third];
        self.emit(op, inst.size, register, &args, None, 0)?;
        self.finish(at, &[a, b, c], None);
        Ok(())
    }

    /// An operand in a register, which may be the one that was taken over.
    fn operand(&self, value: Value, taken: Value, register: u8) -> Result<Arg, CodegenError> {
        let own = self.in_register(value);
        let found = own.or((value == taken).then_some(register));
        found.map(Arg::Vector).ok_or_else(|| internal(format!("{value:?} is in no register")))
    }

    fn load_bytes(&mut self, to: u8, from: Address, bytes: usize) -> Result<(), CodegenError> {
        self.emitter.asm.load_bytes(to, from, bytes)
    }

    fn broadcast(
        &mut self,
        to: u8,
        from: Address,
        bytes: usize,
        size: Size,
    ) -> Result<(), CodegenError> {
        let op = crate::pin::broadcast(bytes);
        self.emit(op, size, to, &[Arg::Memory(from)], None, 0)
    }

    /// The position of the pass's lane `lane`, in every lane.
    fn position(&mut self, to: u8, size: Size, lane: usize) -> Result<(), CodegenError> {
        let first = fuse_ir::abi::ArgField::FirstIndex.offset() as i32;
        let asm = &mut self.emitter.asm;
        asm.load(Opcode::Mov_r64_rm64, TEMPORARY, Address::At(Register::RDI, first));
        let at = Address::Indexed(TEMPORARY, INDEX, 1, lane as i32);
        asm.load(Opcode::Lea_r64_m, TEMPORARY, at);
        if self.level == Level::Avx512 {
            let code = match size {
                Size::X => Opcode::EVEX_Vpbroadcastq_xmm_k1z_r64,
                Size::Y => Opcode::EVEX_Vpbroadcastq_ymm_k1z_r64,
                Size::Z => Opcode::EVEX_Vpbroadcastq_zmm_k1z_r64,
            };
            asm.two(code, vector(size, to), TEMPORARY);
            return Ok(());
        }
        asm.two(Opcode::VEX_Vmovq_xmm_rm64, vector(Size::X, to), TEMPORARY);
        self.emit(Op::Broadcast64, size, to, &[Arg::Vector(to)], None, 0)
    }

    fn gather(
        &mut self,
        at: usize,
        (op, size): (Op, Size),
        result: Value,
        (table, index): (Value, Value),
    ) -> Result<(), CodegenError> {
        let Address::Pool(table) = self.home(table)? else {
            return Err(internal("a table is a constant"));
        };
        let index_register = self.register(at, index)?;
        let register = self.allocate(at, result)?;
        self.protected.push(result);
        let kind = if self.level == Level::Avx512 { Kind::Mask } else { Kind::Vector };
        let mask = self.temporary(at, kind)?;
        let asm = &mut self.emitter.asm;
        asm.load(Opcode::Lea_r64_m, TEMPORARY, Address::Pool(table));
        asm.gather((op, size), register, (TEMPORARY, index_register), mask)?;
        self.finish(at, &[index], None);
        Ok(())
    }

    /// A register for this step alone.
    fn temporary(&mut self, at: usize, kind: Kind) -> Result<u8, CodegenError> {
        let register = self.find(at, kind)?;
        if kind == Kind::Vector {
            self.temporaries |= 1 << register;
        }
        Ok(register)
    }

    // ---- branches ----

    /// Leaves in the flags whether any lane of a mask register, or of two of them, is set; of vectors the
    /// first counts.
    fn test_any(&mut self, registers: (u8, u8), width: usize) {
        test_any(&mut self.emitter.asm, self.lanes, registers, width);
    }

    /// NaNs made canonical. Of several vectors two are compared at once, and the choice is out of line.
    fn canonical(
        &mut self,
        at: usize,
        lane: Lane,
        size: Size,
        values: &[(Value, Value)],
    ) -> Result<(), CodegenError> {
        const UNORDERED: u8 = 3;
        let compare = if lane == Lane::F32 { Op::CmpPs } else { Op::CmpPd };
        let evex = self.level == Level::Avx512;
        for &(from, _) in values {
            self.protected.push(from);
        }
        let mut registers: SmallVec<[u8; 4]> = SmallVec::new();
        for &(from, to) in values {
            registers.push(self.tied(at, to, from)?);
        }
        let kind = if evex { Kind::Mask } else { Kind::Vector };
        let mut tests: SmallVec<[u8; 4]> = SmallVec::new();
        for pair in registers.chunks(2) {
            let test = self.temporary_of(at, kind, &tests)?;
            let args = [Arg::Vector(pair[0]), Arg::Vector(pair[pair.len() - 1])];
            self.emit(compare, size, test, &args, None, UNORDERED)?;
            tests.push(test);
        }
        if let ([register], [test]) = (registers.as_slice(), tests.as_slice()) {
            self.choose_nan(lane, size, *register, *test)?;
        } else {
            let width = if lane == Lane::F32 { 4 } else { 8 };
            if let (&[first, second], Level::Avx2) = (tests.as_slice(), self.level) {
                let args = [Arg::Vector(first), Arg::Vector(second)];
                self.emit(Op::Or64, size, first, &args, None, 0)?;
            }
            self.test_any((tests[0], tests[tests.len() - 1]), width);
            let kind = StubKind::Canonical { lane, size, registers, test: tests[0] };
            self.branch(kind);
        }
        let read: SmallVec<[Value; 4]> = values.iter().map(|&(from, _)| from).collect();
        self.finish(at, &read, None);
        Ok(())
    }

    /// A temporary register beside others of this step.
    fn temporary_of(&mut self, at: usize, kind: Kind, others: &[u8]) -> Result<u8, CodegenError> {
        if kind == Kind::Vector {
            return self.temporary(at, kind);
        }
        // Masks: hold the others while another is looked for.
        let held: SmallVec<[(usize, Owner); 4]> = others
            .iter()
            .map(|&register| (usize::from(register), self.masks.owners[usize::from(register)]))
            .collect();
        for &(register, _) in &held {
            self.masks.owners[register] = Owner::Fixed;
        }
        let found = self.find(at, kind);
        for (register, owner) in held {
            self.masks.owners[register] = owner;
        }
        found
    }

    fn choose_nan(
        &mut self,
        lane: Lane,
        size: Size,
        register: u8,
        test: u8,
    ) -> Result<(), CodegenError> {
        let level = self.level;
        let (op, nan) = nan_choice(&mut self.emitter.asm, level, lane);
        self.emit(op, size, register, &[Arg::Vector(register), nan], Some(test), 0)
    }

    /// Jumps to a stub where the flags say so.
    fn branch(&mut self, kind: StubKind) {
        let asm = &mut self.emitter.asm;
        let (at, back) = (asm.label(), asm.label());
        asm.jump(Opcode::Jne_rel32_64, at);
        asm.place(back);
        self.stubs.push(Stub { at, back, kind });
    }

    /// A branch to calls out of line, where any lane of the units' masks is set.
    fn rare(&mut self, at: usize, rare: &Rare) -> Result<(), CodegenError> {
        let frame = self.emitter.frame(OutlineKind::Rare, rare.region, self.lanes);
        let mut masks: SmallVec<[u8; 2]> = SmallVec::new();
        for unit in &rare.units {
            masks.push(self.register(at, unit.mask)?);
        }
        for result in rare.results() {
            self.register(at, result.mask)?;
        }
        for arg in rare.args() {
            if self.is_carried_before(arg) {
                self.protected.push(arg);
            }
        }
        let joined = self.any_of(at, &masks, rare.mask_width)?;
        let mut calls: SmallVec<[StubCall; 2]> = SmallVec::new();
        for (unit, &mask) in rare.units.iter().zip(&masks) {
            let results = self.rare_results(at, rare, unit, &frame)?;
            calls.push(StubCall { mask, args: Vec::new(), results });
        }
        for (unit, call) in rare.units.iter().zip(&mut calls) {
            for (&value, &offset) in unit.args.iter().zip(&frame.args) {
                call.args.push((offset, self.source(value)?));
            }
        }
        self.test_joined(&masks, joined, rare.mask_width);
        self.branch(StubKind::Rare { label: frame.label, calls, mask_width: rare.mask_width });
        self.protected.clear();
        for arg in rare.args() {
            self.release(at + 1, &[arg]);
        }
        Ok(())
    }

    /// The registers of a unit's results, with what they are where the mask is clear.
    fn rare_results(
        &mut self,
        at: usize,
        rare: &Rare,
        unit: &RareUnit,
        frame: &Frame,
    ) -> Result<Vec<StubResult>, CodegenError> {
        let mut results = Vec::new();
        for (result, &offset) in unit.results.iter().zip(&frame.results) {
            if self.is_over(result.result, at + 1) {
                continue;
            }
            // Read only as this result's other value, its register may be taken over.
            let read_once = rare.args().filter(|&arg| arg == result.otherwise).count() == 1;
            let register = if read_once {
                self.tied(at, result.result, result.otherwise)?
            } else {
                let register = self.allocate(at, result.result)?;
                self.protected.push(result.result);
                self.move_to(Kind::Vector, register, result.otherwise)?;
                register
            };
            let mask =
                self.in_register(result.mask).ok_or_else(|| internal("a mask is nowhere"))?;
            results.push(StubResult { register, mask, mem: result.mem, offset });
        }
        Ok(results)
    }

    /// One vector for the masks of two units, where masks live in vectors.
    fn any_of(
        &mut self,
        at: usize,
        masks: &[u8],
        width: usize,
    ) -> Result<Option<u8>, CodegenError> {
        let (&[first, second], Level::Avx2) = (masks, self.level) else { return Ok(None) };
        let joined = self.temporary(at, Kind::Vector)?;
        let args = [Arg::Vector(first), Arg::Vector(second)];
        self.emit(Op::Or64, Size::of(self.lanes * width), joined, &args, None, 0)?;
        Ok(Some(joined))
    }

    /// Leaves in the flags whether any lane of one or two masks is set.
    fn test_joined(&mut self, masks: &[u8], joined: Option<u8>, width: usize) {
        match (masks, joined) {
            (_, Some(joined)) => self.test_any((joined, joined), width),
            (&[first, second], None) => self.test_any((first, second), width),
            (masks, None) => masks.iter().for_each(|&mask| self.test_any((mask, mask), width)),
        }
    }

    fn source(&mut self, value: Value) -> Result<Source, CodegenError> {
        match self.in_register(value) {
            Some(register) => Ok(Source::Register(register)),
            None => Ok(Source::Memory(self.home(value)?)),
        }
    }

    fn repeat(&mut self, at: usize, repeat: &Repeat) -> Result<(), CodegenError> {
        let Repeat { region, at_most, args, results } = repeat;
        let (lanes, level) = (self.lanes, self.level);
        let kind = OutlineKind::Repeat { at_most: *at_most };
        let frame = self.emitter.frame(kind, *region, lanes);
        for (&value, &offset) in args.iter().zip(&frame.args) {
            let register = self.register(at, value)?;
            self.emitter.asm.store_bytes(register, scratch(offset), level.vector_bytes());
            self.protected.clear();
        }
        self.emitter.asm.jump(Opcode::Call_rel32_64, frame.label);
        self.finish(at, args, None);
        for (&result, &offset) in results.iter().zip(&frame.results) {
            if !self.is_over(result, at + 1) {
                let register = self.allocate(at, result)?;
                self.protected.push(result);
                self.load_bytes(register, scratch(offset), level.vector_bytes())?;
            }
        }
        Ok(())
    }
}

/// Emits the stubs of a function.
pub(crate) fn emit_stubs(
    emitter: &mut Emitter<'_>,
    stubs: Vec<Stub>,
    lanes: usize,
) -> Result<(), CodegenError> {
    let level = emitter.asm.level;
    for stub in stubs {
        let asm = &mut emitter.asm;
        asm.place(stub.at);
        match stub.kind {
            StubKind::Canonical { lane, size, registers, test } => {
                let compare = if lane == Lane::F32 { Op::CmpPs } else { Op::CmpPd };
                let (op, nan) = nan_choice(asm, level, lane);
                for register in registers {
                    let own = Arg::Vector(register);
                    asm.operation(&Operation {
                        op: compare,
                        size,
                        result: test,
                        args: &[own, own],
                        mask: None,
                        immediate: 3,
                    })?;
                    asm.operation(&Operation {
                        op,
                        size,
                        result: register,
                        args: &[own, nan],
                        mask: Some(test),
                        immediate: 0,
                    })?;
                }
            }
            StubKind::Rare { label, mask_width, calls } => {
                let several = calls.len() > 1;
                let spare = (0..level.vectors() as u8)
                    .find(|spare| calls.iter().all(|call| !call.uses(*spare)))
                    .unwrap_or(0);
                for call in calls {
                    let next = emitter.asm.label();
                    if several {
                        test_any(&mut emitter.asm, lanes, (call.mask, call.mask), mask_width);
                        emitter.asm.jump(Opcode::Je_rel32_64, next);
                    }
                    emit_call(emitter, label, &call, spare)?;
                    emitter.asm.place(next);
                }
            }
        }
        emitter.asm.jump(Opcode::Jmp_rel32_64, stub.back);
    }
    Ok(())
}

impl StubCall {
    /// Does a register hold an operand, a result or a mask?
    fn uses(&self, register: u8) -> bool {
        let holds = |source: &Source| matches!(source, Source::Register(own) if *own == register);
        self.args.iter().any(|(_, source)| holds(source))
            || self.results.iter().any(|r| r.register == register || r.mask == register)
            || self.mask == register
    }
}

/// Stores operands in the frame, calls, and takes the results where the mask is set.
fn emit_call(
    emitter: &mut Emitter<'_>,
    label: Label,
    call: &StubCall,
    spare: u8,
) -> Result<(), CodegenError> {
    let asm = &mut emitter.asm;
    let level = asm.level;
    let bytes = level.vector_bytes();
    let (mut registers, mut in_memory) = (Vec::new(), Vec::new());
    for &(offset, source) in &call.args {
        match source {
            Source::Register(register) => registers.push((offset, register)),
            Source::Memory(address) => in_memory.push((offset, address)),
        }
    }
    for (offset, register) in registers {
        asm.store_bytes(register, scratch(offset), bytes);
    }
    if !in_memory.is_empty() {
        let saved = scratch(emitter.scratch.spare(level));
        asm.store_bytes(spare, saved, bytes);
        for (offset, address) in in_memory {
            asm.load_bytes(spare, address, bytes)?;
            asm.store_bytes(spare, scratch(offset), bytes);
        }
        asm.load_bytes(spare, saved, bytes)?;
    }
    asm.jump(Opcode::Call_rel32_64, label);
    for result in &call.results {
        asm.operation(&Operation {
            op: choice(level, result.mem.size()),
            size: Size::of(bytes),
            result: result.register,
            args: &[Arg::Vector(result.register), Arg::Memory(scratch(result.offset))],
            mask: Some(result.mask),
            immediate: 0,
        })?;
    }
    Ok(())
}

/// See [`Allocator::test_any`].
fn test_any(asm: &mut Assembler, lanes: usize, (first, second): (u8, u8), width: usize) {
    if asm.level == Level::Avx512 {
        let whole = match lanes {
            8 => Some(Opcode::VEX_Kortestb_kr_kr),
            16 => Some(Opcode::VEX_Kortestw_kr_kr),
            32 => Some(Opcode::VEX_Kortestd_kr_kr),
            _ => None,
        };
        let [first, second] = [first, second].map(mask_register);
        if let Some(code) = whole {
            return asm.two(code, first, second);
        }
        asm.two(Opcode::VEX_Kmovd_r32_kr, Register::EAX, first);
        if first != second {
            asm.two(Opcode::VEX_Kmovd_r32_kr, Register::R8D, second); // FIXME
        }
        let lanes_set = ((1_u64 << lanes) - 1) as i32;
        return asm.immediate(Opcode::Test_rm32_imm32, Register::EAX, lanes_set);
    }
    let bytes = lanes * width;
    let size = Size::of(bytes);
    let whole = bytes == size.bytes();
    let code = match (width, size) {
        (8, Size::X) if whole => Opcode::VEX_Vmovmskpd_r32_xmm,
        (8, _) if whole => Opcode::VEX_Vmovmskpd_r32_ymm,
        (4, Size::X) if whole => Opcode::VEX_Vmovmskps_r32_xmm,
        (4, _) if whole => Opcode::VEX_Vmovmskps_r32_ymm,
        (_, Size::X) => Opcode::VEX_Vpmovmskb_r32_xmm,
        (_, _) => Opcode::VEX_Vpmovmskb_r32_ymm,
    };
    asm.two(code, Register::EAX, vector(size, first));
    if whole {
        return asm.two(Opcode::Test_rm32_r32, Register::EAX, Register::EAX);
    }
    let bytes_set = ((1_u64 << bytes) - 1) as i32;
    asm.immediate(Opcode::Test_rm32_imm32, Register::EAX, bytes_set);
}

/// The choice between vectors of lanes of so many bytes.
pub(crate) fn choice(level: Level, width: usize) -> Op {
    match (level, width) {
        (Level::Avx512, 1) => Op::Blend8,
        (Level::Avx512, 2) => Op::Blend16,
        (Level::Avx512, 4) => Op::Blend32,
        (Level::Avx512, _) => Op::Blend64,
        (Level::Avx2, _) => Op::BlendV8,
    }
}

/// How the canonical NaN is chosen, and where it lies.
fn nan_choice(asm: &mut Assembler, level: Level, lane: Lane) -> (Op, Arg) {
    let single = lane == Lane::F32;
    let bits = if single {
        fuse_ir::CANONICAL_NAN_F32 * 0x1_0000_0001
    } else {
        fuse_ir::CANONICAL_NAN_F64
    };
    match level {
        Level::Avx512 => {
            let nan = Arg::Repeated(Address::Pool(asm.pooled(&bits.to_le_bytes())));
            (if single { Op::Blend32 } else { Op::Blend64 }, nan)
        }
        Level::Avx2 => {
            let nan = Arg::Memory(Address::Pool(asm.pooled(&bits.to_le_bytes().repeat(4))));
            (if single { Op::BlendVPs } else { Op::BlendVPd }, nan)
        }
    }
}

/// Scratch memory at an offset.
pub(crate) fn scratch(offset: usize) -> Address {
    Address::At(SCRATCH, i32::try_from(offset).unwrap_or(i32::MAX))
}

fn is_multiply_add(op: Op) -> bool {
    !matches!(forms(op), [first, ..] if first == op)
}

/// The forms 132, 213 and 231 of a multiply-add, of which `op` is the last; of another operation itself.
fn forms(op: Op) -> [Op; 3] {
    match op {
        Op::MulAdd231Pd => [Op::MulAdd132Pd, Op::MulAdd213Pd, op],
        Op::MulSub231Pd => [Op::MulSub132Pd, Op::MulSub213Pd, op],
        Op::NegMulAdd231Pd => [Op::NegMulAdd132Pd, Op::NegMulAdd213Pd, op],
        Op::NegMulSub231Pd => [Op::NegMulSub132Pd, Op::NegMulSub213Pd, op],
        Op::MulAdd231Ps => [Op::MulAdd132Ps, Op::MulAdd213Ps, op],
        Op::MulSub231Ps => [Op::MulSub132Ps, Op::MulSub213Ps, op],
        Op::NegMulAdd231Ps => [Op::NegMulAdd132Ps, Op::NegMulAdd213Ps, op],
        Op::NegMulSub231Ps => [Op::NegMulSub132Ps, Op::NegMulSub213Ps, op],
        other => [other; 3],
    }
}
