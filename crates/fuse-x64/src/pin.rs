//! Which values stay in registers from pass to pass.
//!
//! What passes hand on comes first, then invariants, those that are read most, while the code's own values
//! leave room.

use fuse_ir::CodegenError;
use fuse_ir::abi::ArgField;
use iced_x86::{Code as Opcode, Register};

use crate::allocate::{Fixed, TEMPORARY, scratch};
use crate::asm::{Address, Arg, Operation};
use crate::code::{Code, Invariant, Invariants, Step, Value};
use crate::frame::Emitter;
use crate::internal;
use crate::level::Level;
use crate::live::{Uses, pressure};
use crate::op::{Op, Size};

/// How many registers invariants may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registers {
    /// None: the code runs once.
    None,
    /// All that are left.
    All,
}

/// Registers that steps take beside those of their operands and results.
pub(crate) fn working_registers(code: &Code, level: Level) -> usize {
    let of_step = |step: &Step| match step {
        Step::Canonical { values, .. } if level == Level::Avx2 => values.len().div_ceil(2),
        Step::Gather { .. } if level == Level::Avx2 => 1,
        // The masks outlive the step, and two are joined.
        Step::Rare(rare) if level == Level::Avx2 => {
            let masks = rare.units.iter().flat_map(|unit| {
                std::iter::once(unit.mask).chain(unit.results.iter().map(|result| result.mask))
            });
            let mut masks: Vec<Value> = masks.collect();
            masks.sort_unstable();
            masks.dedup();
            masks.len() + rare.units.len() - 1
        }
        Step::Do(..)
        | Step::Load { .. }
        | Step::LoadRepeated { .. }
        | Step::Store { .. }
        | Step::Position { .. }
        | Step::Canonical { .. }
        | Step::Rare(_)
        | Step::Repeat(_)
        | Step::Any { .. }
        | Step::Gather { .. } => 0,
    };
    1 + code.steps.iter().map(of_step).max().unwrap_or(0)
}

/// Fixes registers for what is carried and for invariants.
///
/// # Errors
/// Where what is carried leaves too few registers.
pub(crate) fn fix(
    emitter: &mut Emitter<'_>,
    code: &Code,
    invariants: &Invariants,
    registers: Registers,
) -> Result<Fixed, CodegenError> {
    let level = emitter.asm.level;
    let n_carried = code.carried.len();
    let mut free = (0..level.vectors() as u8).rev();
    let carried: Vec<u8> = free.by_ref().take(n_carried).collect();
    if carried.len() < n_carried || n_carried + 4 > level.vectors() {
        return Err(internal("more states than registers"));
    }
    let uses = Uses::of(code, invariants.len());
    let is_read = |number: &usize| uses.count(Value::invariant(*number)) > 0;
    let mut wanted: Vec<usize> = (0..invariants.len()).filter(is_read).collect();
    wanted.sort_by_key(|&number| std::cmp::Reverse(uses.count(Value::invariant(number))));
    let taken = pressure(code) + working_registers(code, level);
    let left = level.vectors().saturating_sub(taken).min(level.vectors() - n_carried - 4);
    let left = match registers {
        Registers::None => 0,
        // A constant that finds no register needs one at some uses.
        Registers::All if wanted.len() > left => left.saturating_sub(1),
        Registers::All => left,
    };
    let mut pinned = vec![None; invariants.len()];
    for (&number, register) in wanted.iter().take(left).zip(free) {
        pinned[number] = Some(register);
    }
    let mut homes = vec![None; invariants.len()];
    for number in wanted {
        let needs_home =
            matches!(invariants.get(number), Invariant::Uniform(..) | Invariant::Splat(..));
        if needs_home && pinned[number].is_none() {
            homes[number] = Some(emitter.scratch.vector(level));
        }
    }
    Ok(Fixed { invariants: pinned, homes, carried })
}

/// Loads the invariants that have registers, and stores those that have memory.
///
/// # Errors
/// Internal errors.
pub(crate) fn load_invariants(
    emitter: &mut Emitter<'_>,
    invariants: &Invariants,
    fixed: &Fixed,
) -> Result<(), CodegenError> {
    let level = emitter.asm.level;
    let size = Size::of(level.vector_bytes());
    for number in 0..invariants.len() {
        let register = match (fixed.invariants[number], fixed.homes[number]) {
            (Some(register), _) => register,
            (None, Some(_)) => fixed.temporaries(level)?[0],
            (None, None) => continue,
        };
        let asm = &mut emitter.asm;
        let (op, from) = match invariants.get(number) {
            Invariant::Repeated(bits) => {
                (Op::Broadcast64, Address::Pool(asm.pooled(&bits.to_le_bytes())))
            }
            Invariant::Bytes(bytes) => {
                let mut bytes = bytes.clone();
                bytes.resize(bytes.len().next_multiple_of(level.vector_bytes()), 0);
                (Op::Mov, Address::Pool(asm.pooled(&bytes)))
            }
            Invariant::Uniform(slot, mem) => {
                let uniforms = ArgField::Uniforms.offset() as i32;
                asm.load(Opcode::Mov_r64_rm64, TEMPORARY, Address::At(Register::RDI, uniforms));
                let offset = i32::try_from(8 * slot).map_err(|_| internal("too many scalars"))?;
                (broadcast(mem.size()), Address::At(TEMPORARY, offset))
            }
            Invariant::Splat(input, mem) => {
                let inputs = ArgField::Inputs.offset() as i32;
                asm.load(Opcode::Mov_r64_rm64, TEMPORARY, Address::At(Register::RDI, inputs));
                let offset = i32::try_from(8 * input).map_err(|_| internal("too many inputs"))?;
                asm.load(Opcode::Mov_r64_rm64, TEMPORARY, Address::At(TEMPORARY, offset));
                (broadcast(mem.size()), Address::At(TEMPORARY, 0))
            }
        };
        let args = [Arg::Memory(from)];
        let operation =
            Operation { op, size, result: register, args: &args, mask: None, immediate: 0 };
        asm.operation(&operation)?;
        if let (None, Some(home)) = (fixed.invariants[number], fixed.homes[number]) {
            asm.store_bytes(register, scratch(home), level.vector_bytes());
        }
    }
    Ok(())
}

/// The operation that repeats an element of so many bytes.
pub(crate) fn broadcast(bytes: usize) -> Op {
    match bytes {
        1 => Op::Broadcast8,
        2 => Op::Broadcast16,
        4 => Op::Broadcast32,
        _ => Op::Broadcast64,
    }
}
