//! A thread inside of one function: what each instruction does to its registers and to memory.
//!
//! **Cost.** A step is a bounds check, the guard and two jumps: 5 to 10 ns as tests are compiled.

use fuse_ir::device::WARP;

use super::bits::{from_bytes, low32};
use super::instruction::{
    Address, Call, Guard, Instruction, Load, Operand, Slot, Space, Special, Step, Store, Words,
};
use super::memory::Memory;
use super::operation::{DivideOp, insert_bits};
use super::tables::{TableSpace, is_global_table};
use super::thread::{Fault, Grid, Identity, Register};

/// Why a function was left.
pub(super) enum Leave<'m> {
    Call(&'m Call),
    Return,
    Exit,
    Wait,
}

/// A thread inside of one function.
pub(super) struct Running<'m, 'f> {
    pub(super) grid: Grid<'m>,
    pub(super) identity: Identity,
    pub(super) registers: &'f mut [Register],
    pub(super) stamp: u64,
    pub(super) at: usize,
    pub(super) memory: &'f mut Memory,
}

impl<'m> Running<'m, '_> {
    /// Takes steps until the function is left, or `budget` is used up.
    pub(super) fn run(&mut self, steps: &'m [Step], budget: &mut u64) -> Result<Leave<'m>, Fault> {
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
