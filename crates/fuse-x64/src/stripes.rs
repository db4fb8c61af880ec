//! Loops with folds: states stay in registers over a stripe of columns.
//!
//! ```text
//! for rbx in (0..32).step_by(N·U) {             a stripe of columns
//!     states = load(folds)[rbx..]               stay in registers
//!     for rcx in (rbx..).step_by(32) { body }   without the last granule where there is a tail
//!     if tail: store(states); the last granule; states = choose(lane < tail, states, stored)
//!     store(states) }
//! ```
//!
//! The body is emitted once: with a tail its loop is entered again for the last granule.
//!
//! States that are masks lie in memory as 0 and 1, and in registers as zeros and ones: at AVX2 in lanes as wide
//! as the step's widest, so that the loop changes no widths; at AVX-512 in bytes, which mask registers become
//! in one operation.
//!
//! Each pass asks for the lines that a later block's pass will read: a fold's loop ends once a block, and loads
//! that the CPU had started beyond are lost (`docs/decisions/0009-folds-in-stripes-with-prefetch.md`).

use fuse_ir::abi::{ArgField, state_slot};
use fuse_ir::{CodegenError, FOLD_BLOCK, GRANULE, Kernel, Lane, Mem};
use iced_x86::{Code as Opcode, Register};

use crate::allocate::{INDEX, Stores, TEMPORARY, choice};
use crate::asm::{Address, Arg, Operation};
use crate::code::{Carried, Code, Inst, Kind, Place, Step, Value};
use crate::function::{END, Emitted, Function, STRIPE, argument, load_from_list};
use crate::level::Level;
use crate::lower::{Held, Lower, bytes_of, in_halves, widest};
use crate::op::{Op, Size};

/// Bytes of a cache line.
const LINE: usize = 64;

/// The step of a fold, its states carried on.
pub(crate) fn lower_step(
    lower: &mut Lower<'_>,
    kernel: &Kernel,
    number: usize,
    args: &[Held],
) -> Result<(), CodegenError> {
    let fold = &kernel.folds[number];
    let before: Vec<Value> = fold.state.iter().map(|_| lower.code.value(Kind::Vector)).collect();
    let width = mask_width(lower, fold);
    let mut states: Vec<Option<Held>> = vec![None; before.len()];
    let after = lower.region(&fold.step, &mut |lower, position| {
        if let Some(arg) = position.checked_sub(before.len()) {
            return Ok(args[arg]);
        }
        let lane = fold.step.params[position];
        let state = before[position];
        Ok(*states[position].get_or_insert_with(|| {
            if is_wide_mask(lower, lane) {
                return Held { value: state, width };
            }
            lower.held_in(state, lane)
        }))
    })?;
    for (index, (held, &before)) in after.into_iter().zip(&before).enumerate() {
        let lane = fold.state[index].init.lane;
        let (value, width) = if is_wide_mask(lower, lane) {
            (lower.mask_at(held, width).value, width)
        } else {
            (lower.as_vector(held, lane), bytes_of(lane))
        };
        // Each is made by a step of its own, so that none is what another pass starts with.
        let result = lower.code.value(Kind::Vector);
        let taken = lower.code.carried.iter().any(|carried| carried.after == value);
        let size = lower.size(width);
        let is_made = value.as_computed().is_some_and(|n| is_made_here(&lower.code, n));
        let after = if is_made && !taken {
            value
        } else {
            let args = smallvec::smallvec![value];
            let inst = Inst { op: Op::Mov, size, args, mask: None, immediate: 0 };
            lower.code.steps.push(Step::Do(inst, result));
            result
        };
        let slot = state_slot(kernel, number, index);
        lower.code.carried.push(Carried { before, after, slot, lane: 0, size, width });
    }
    Ok(())
}

/// Is a state of this lane held at the width of the step's lanes?
fn is_wide_mask(lower: &Lower<'_>, lane: Lane) -> bool {
    lane == Lane::Mask && lower.level == Level::Avx2
}

/// Bytes of the lanes that hold a fold's masks at AVX2.
fn mask_width(lower: &Lower<'_>, fold: &fuse_ir::Fold) -> usize {
    widest(lower.kernel(), &fold.step, lower.level)
}

/// Is a value what a step makes, and not what a pass starts with?
fn is_made_here(code: &Code, number: usize) -> bool {
    code.steps.iter().rev().any(|step| step.results().contains(&Value::new(number)))
}

impl Function<'_, '_> {
    /// Emits the loops over stripes and granules.
    pub(crate) fn stripes(&mut self, lanes: usize) -> Result<Emitted, CodegenError> {
        let granule = GRANULE as i32;
        let asm = &mut self.emitter.asm;
        let [stripe, again, after, whole] = [(); 4].map(|()| asm.label());
        asm.two(Opcode::Xor_r32_rm32, Register::EBX, Register::EBX);
        asm.place(stripe);
        for index in 0..self.code.carried.len() {
            self.load_state(index)?;
        }
        self.load_end();
        let asm = &mut self.emitter.asm;
        let no_tail = asm.label();
        asm.compare_zero(argument(ArgField::Tail));
        asm.jump(Opcode::Je_rel32_64, no_tail);
        asm.immediate(Opcode::Sub_rm64_imm32, END, granule);
        asm.place(no_tail);
        asm.two(Opcode::Mov_r64_rm64, INDEX, STRIPE);
        asm.two(Opcode::Cmp_r64_rm64, INDEX, END);
        asm.jump(Opcode::Jae_rel32_64, after);
        asm.align();
        asm.place(again);
        self.prefetch(lanes);
        let emitted = self.body(Stores::Cached)?;
        let asm = &mut self.emitter.asm;
        asm.immediate(Opcode::Add_rm64_imm32, INDEX, granule);
        asm.two(Opcode::Cmp_r64_rm64, INDEX, END);
        asm.jump(Opcode::Jb_rel32_64, again);
        asm.place(after);
        asm.compare_zero(argument(ArgField::Tail));
        asm.jump(Opcode::Je_rel32_64, whole);
        // With a tail: the last granule is still to come, or was the pass that ended.
        asm.load(Opcode::Mov_r64_rm64, TEMPORARY, argument(ArgField::Granules));
        asm.shift_left(TEMPORARY, GRANULE.trailing_zeros() as u8);
        let last_done = asm.label();
        asm.two(Opcode::Cmp_r64_rm64, END, TEMPORARY);
        asm.jump(Opcode::Je_rel32_64, last_done);
        asm.two(Opcode::Mov_r64_rm64, END, TEMPORARY);
        for index in 0..self.code.carried.len() {
            self.store_state(index)?;
        }
        self.emitter.asm.jump(Opcode::Jmp_rel32_64, again);
        self.emitter.asm.place(last_done);
        for index in 0..self.code.carried.len() {
            self.keep_past_tail(index)?;
        }
        self.emitter.asm.place(whole);
        for index in 0..self.code.carried.len() {
            self.store_state(index)?;
        }
        let asm = &mut self.emitter.asm;
        asm.immediate(Opcode::Add_rm64_imm32, STRIPE, lanes as i32);
        asm.immediate(Opcode::Cmp_rm64_imm32, STRIPE, granule);
        asm.jump(Opcode::Jb_rel32_64, stripe);
        Ok(emitted)
    }

    /// Asks for the lines that the pass at this place of the next block reads.
    fn prefetch(&mut self, lanes: usize) {
        for (number, input) in self.emitter.kernel.inputs.iter().enumerate() {
            let Some(pointer) = self.pointers.register(Place::Input(number)) else { continue };
            let size = input.mem.size();
            for line in (0..lanes * size).step_by(LINE) {
                let ahead = (FOLD_BLOCK * size + line) as i32;
                let at = Address::Indexed(pointer, INDEX, size as u32, ahead);
                self.emitter.asm.prefetch(at);
            }
        }
    }

    /// A carried value, its register, and its memory, whose pointer is loaded.
    fn state(&mut self, index: usize) -> (Carried, u8, Address, Mem) {
        let carried = self.code.carried[index];
        let slots = self.emitter.kernel.state_slots();
        let lane = slots.map(|slot| slot.init.lane).nth(carried.slot).unwrap_or(Lane::I64);
        load_from_list(&mut self.emitter.asm, ArgField::Folds, carried.slot, TEMPORARY);
        let mem = lane.mem();
        let displacement = (carried.lane * mem.size()) as i32;
        let address = Address::Indexed(TEMPORARY, STRIPE, mem.size() as u32, displacement);
        (carried, self.fixed.carried[index], address, mem)
    }

    fn load_state(&mut self, index: usize) -> Result<(), CodegenError> {
        let (carried, register, address, mem) = self.state(index);
        self.load_held(&carried, register, address, mem)
    }

    /// Loads a state as registers hold it.
    fn load_held(
        &mut self,
        carried: &Carried,
        register: u8,
        address: Address,
        mem: Mem,
    ) -> Result<(), CodegenError> {
        self.emitter.asm.load_bytes(register, address, self.lanes * mem.size())?;
        if mem != Mem::Bool {
            return Ok(());
        }
        self.negate_bytes(register, register)?;
        self.widen(carried, register)
    }

    fn store_state(&mut self, index: usize) -> Result<(), CodegenError> {
        let (carried, register, address, mem) = self.state(index);
        let mut from = register;
        if mem == Mem::Bool {
            from = self.fixed.temporaries(self.emitter.asm.level)?[0];
            self.narrow(&carried, from, register)?;
            self.negate_bytes(from, from)?;
        }
        self.emitter.asm.store_bytes(from, address, self.lanes * mem.size());
        Ok(())
    }

    /// 0 - x of bytes: 0 and 1 become zeros and ones, and back.
    fn negate_bytes(&mut self, to: u8, from: u8) -> Result<(), CodegenError> {
        let zero = self.fixed.temporaries(self.emitter.asm.level)?[1];
        let size = Size::of(self.lanes);
        self.simple(Op::Xor64, size, zero, &[zero, zero])?;
        self.simple(Op::Sub8, size, to, &[zero, from])
    }

    /// A mask of bytes at the width of the state's lanes.
    fn widen(&mut self, carried: &Carried, register: u8) -> Result<(), CodegenError> {
        let op = match carried.width {
            1 => return Ok(()),
            2 => Op::Sext8To16,
            4 => Op::Sext8To32,
            _ => Op::Sext8To64,
        };
        self.simple(op, carried.size, register, &[register])
    }

    /// A mask at the width of the state's lanes as bytes.
    fn narrow(&mut self, carried: &Carried, to: u8, from: u8) -> Result<(), CodegenError> {
        if carried.width == 1 {
            return self.simple(Op::Mov, Size::of(self.lanes), to, &[from]);
        }
        let (order, unpack) = in_halves(carried.width, 1);
        let order = Arg::Memory(Address::Pool(self.emitter.asm.pooled(&order)));
        self.operation(Op::ShuffleBytes, carried.size, to, &[Arg::Vector(from), order], 0)?;
        if carried.size == Size::X {
            return Ok(());
        }
        let upper = self.fixed.temporaries(self.emitter.asm.level)?[1];
        self.operation(Op::UpperHalf, carried.size, upper, &[Arg::Vector(to)], 1)?;
        self.simple(unpack, Size::X, to, &[to, upper])
    }

    /// Takes a state as it was stored, in the lanes past the tail.
    fn keep_past_tail(&mut self, index: usize) -> Result<(), CodegenError> {
        let level = self.emitter.asm.level;
        let (carried, register, address, mem) = self.state(index);
        let [old, mask] = self.fixed.temporaries(level)?;
        self.load_held(&carried, old, address, mem)?;
        // As many ones as a granule has lanes, then zeros, entered so that lane `tail` finds the first zero.
        let mut window = vec![0xff; GRANULE];
        window.resize(3 * GRANULE, 0);
        let asm = &mut self.emitter.asm;
        let window = asm.pooled(&window);
        asm.load(Opcode::Lea_r64_m, TEMPORARY, Address::Pool(window + GRANULE));
        asm.load(Opcode::Sub_r64_rm64, TEMPORARY, argument(ArgField::Tail));
        let at = Address::Indexed(TEMPORARY, STRIPE, 1, carried.lane as i32);
        asm.load_bytes(mask, at, self.lanes)?;
        let mask = match level {
            Level::Avx512 => {
                self.simple(Op::Test8, Size::of(self.lanes), 1, &[mask, mask])?;
                1
            }
            Level::Avx2 => {
                self.widen(&carried, mask)?;
                mask
            }
        };
        self.emitter.asm.operation(&Operation {
            op: choice(level, carried.width),
            size: carried.size,
            result: register,
            args: &[Arg::Vector(old), Arg::Vector(register)],
            mask: Some(mask),
            immediate: 0,
        })
    }

    fn simple(&mut self, op: Op, size: Size, result: u8, args: &[u8]) -> Result<(), CodegenError> {
        let args: smallvec::SmallVec<[Arg; 3]> = args.iter().map(|&arg| Arg::Vector(arg)).collect();
        self.operation(op, size, result, &args, 0)
    }

    fn operation(
        &mut self,
        op: Op,
        size: Size,
        result: u8,
        args: &[Arg],
        immediate: u8,
    ) -> Result<(), CodegenError> {
        self.emitter.asm.operation(&Operation { op, size, result, args, mask: None, immediate })
    }
}
