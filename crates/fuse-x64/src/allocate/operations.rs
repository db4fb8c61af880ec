//! Operations with registers: which operand is overwritten, which stays in memory.

use iced_x86::{Code as Opcode, Register};

use fuse_ir::CodegenError;
use smallvec::SmallVec;

use super::{Allocator, INDEX, TEMPORARY};
use crate::asm::{Address, Arg, vector};
use crate::code::{Inst, Kind, Value};
use crate::internal;
use crate::level::Level;
use crate::op::{Op, Size};

impl Allocator<'_, '_> {
    pub(super) fn operation(
        &mut self,
        at: usize,
        inst: &Inst,
        result: Value,
    ) -> Result<(), CodegenError> {
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
        self.emit((inst.op, inst.size), register, &args, mask, inst.immediate)?;
        if form.tied {
            self.finish(at, &values, inst.mask);
        }
        Ok(())
    }

    /// Ends a step that read these.
    pub(super) fn finish(&mut self, at: usize, values: &[Value], mask: Option<Value>) {
        self.protected.clear();
        self.release(at + 1, values);
        self.release(at + 1, mask.as_slice());
    }

    /// A register for a result that overwrites `first`, with `first` in it.
    pub(super) fn tied(
        &mut self,
        at: usize,
        result: Value,
        first: Value,
    ) -> Result<u8, CodegenError> {
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

    pub(super) fn is_carried_before(&self, value: Value) -> bool {
        self.code.carried.iter().any(|carried| carried.before == value)
    }

    /// Chooses among the three forms of a multiply-add: which operand is overwritten, and which may lie
    /// in memory.
    pub(super) fn multiply_add(
        &mut self,
        at: usize,
        inst: &Inst,
        result: Value,
    ) -> Result<(), CodegenError> {
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
        self.emit((op, inst.size), register, &args, None, 0)?;
        self.finish(at, &[a, b, c], None);
        Ok(())
    }

    /// An operand in a register, which may be the one that was taken over.
    fn operand(&self, value: Value, taken: Value, register: u8) -> Result<Arg, CodegenError> {
        let own = self.in_register(value);
        let found = own.or((value == taken).then_some(register));
        found.map(Arg::Vector).ok_or_else(|| internal(format!("{value:?} is in no register")))
    }

    pub(super) fn load_bytes(
        &mut self,
        to: u8,
        from: Address,
        bytes: usize,
    ) -> Result<(), CodegenError> {
        self.emitter.asm.load_bytes(to, from, bytes)
    }

    pub(super) fn broadcast(
        &mut self,
        to: u8,
        from: Address,
        bytes: usize,
        size: Size,
    ) -> Result<(), CodegenError> {
        let op = crate::pin::broadcast(bytes);
        self.emit((op, size), to, &[Arg::Memory(from)], None, 0)
    }

    /// The position of the pass's lane `lane`, in every lane.
    pub(super) fn position(&mut self, to: u8, size: Size, lane: usize) -> Result<(), CodegenError> {
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
        self.emit((Op::Broadcast64, size), to, &[Arg::Vector(to)], None, 0)
    }

    pub(super) fn gather(
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
    pub(super) fn temporary(&mut self, at: usize, kind: Kind) -> Result<u8, CodegenError> {
        let register = self.find(at, kind)?;
        if kind == Kind::Vector {
            self.temporaries |= 1 << register;
        }
        Ok(register)
    }
}

pub(super) fn is_multiply_add(op: Op) -> bool {
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
