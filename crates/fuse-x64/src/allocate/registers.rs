//! Where values are: in registers, in memory, or still to be loaded.

use iced_x86::Code as Opcode;

use fuse_ir::CodegenError;

use super::{Allocator, Bank, Owner, scratch};
use crate::asm::{Address, Arg, Operation, mask_register};
use crate::code::{Invariant, Kind, Value};
use crate::level::Level;
use crate::live::NEVER;
use crate::op::{Op, Size};
use crate::{internal, unsupported};

impl Allocator<'_, '_> {
    pub(super) fn kind(&self, value: Value) -> Kind {
        self.code.kind(value)
    }

    pub(super) fn bank(&mut self, kind: Kind) -> &mut Bank {
        match kind {
            Kind::Vector => &mut self.vectors,
            Kind::Mask => &mut self.masks,
        }
    }

    pub(super) fn place_of(&mut self, value: Value) -> &mut Option<u8> {
        match (value.as_computed(), value.as_invariant()) {
            (Some(number), _) => &mut self.registers[number],
            (None, number) => &mut self.held[number.unwrap_or(0)],
        }
    }

    pub(super) fn in_register(&self, value: Value) -> Option<u8> {
        match (value.as_computed(), value.as_invariant()) {
            (Some(number), _) => self.registers[number],
            (None, number) => self.held[number.unwrap_or(0)],
        }
    }

    /// Does nothing read it from step `at` on?
    pub(super) fn is_over(&mut self, value: Value, at: usize) -> bool {
        self.uses.next(value, at) == NEVER
    }

    /// The register of a value, which is loaded if it is in none.
    pub(super) fn register(&mut self, at: usize, value: Value) -> Result<u8, CodegenError> {
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
    pub(super) fn allocate(&mut self, at: usize, result: Value) -> Result<u8, CodegenError> {
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

    pub(super) fn own(&mut self, register: u8, value: Value) {
        let kind = self.kind(value);
        self.bank(kind).owners[usize::from(register)] = Owner::Value(value);
        *self.place_of(value) = Some(register);
    }

    /// A free register, or the one whose value is needed last.
    pub(super) fn find(&mut self, at: usize, kind: Kind) -> Result<u8, CodegenError> {
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

    pub(super) fn note(&mut self, kind: Kind, register: u8) {
        match kind {
            Kind::Vector => self.taken.vectors |= 1 << register,
            Kind::Mask => self.taken.masks |= 1 << register,
        }
    }

    /// Takes a value out of its register.
    pub(super) fn forget(&mut self, value: Value) {
        let kind = self.kind(value);
        let Some(register) = self.place_of(value).take() else { return };
        let owner = &mut self.bank(kind).owners[usize::from(register)];
        if *owner == Owner::Value(value) {
            *owner = Owner::Nobody;
        }
    }

    /// Frees the registers and memory of values that nothing reads from step `at` on.
    pub(super) fn release(&mut self, at: usize, values: &[Value]) {
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
    pub(super) fn spill(&mut self, kind: Kind, register: u8, value: Value) {
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
    pub(super) fn load(
        &mut self,
        kind: Kind,
        register: u8,
        value: Value,
    ) -> Result<(), CodegenError> {
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
    pub(super) fn home(&mut self, value: Value) -> Result<Address, CodegenError> {
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
    pub(super) fn in_memory(&mut self, op: Op, value: Value) -> Result<Arg, CodegenError> {
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
    pub(super) fn move_to(
        &mut self,
        kind: Kind,
        register: u8,
        value: Value,
    ) -> Result<(), CodegenError> {
        match self.in_register(value) {
            Some(from) if from == register => Ok(()),
            Some(from) => self.copy(kind, register, from),
            None => self.load(kind, register, value),
        }
    }

    pub(super) fn copy(&mut self, kind: Kind, to: u8, from: u8) -> Result<(), CodegenError> {
        let size = Size::of(self.level.vector_bytes());
        let (op, arg) = match kind {
            Kind::Vector => (Op::Mov, Arg::Vector(from)),
            Kind::Mask => (Op::KMov, Arg::Mask(from)),
        };
        self.emit((op, size), to, &[arg], None, 0)
    }

    pub(super) fn emit(
        &mut self,
        (op, size): (Op, Size),
        result: u8,
        args: &[Arg],
        mask: Option<u8>,
        immediate: u8,
    ) -> Result<(), CodegenError> {
        self.emitter.asm.operation(&Operation { op, size, result, args, mask, immediate })
    }

    pub(super) fn arg(&self, value: Value, register: u8) -> Arg {
        match self.kind(value) {
            Kind::Vector => Arg::Vector(register),
            Kind::Mask => Arg::Mask(register),
        }
    }
}
