//! Prefetches, which Cranelift has no instruction for.
//!
//! ```text
//! CLIF      @ffff0001  v9 = uload8.i64 v3+8192     may trap, so it is kept although nothing uses v9
//! Cranelift 4c 0f b6 8f 00 20 00 00    movzbq 0x2000(%rdi), %r9
//! here      48 0f 18 8f 00 20 00 00    prefetcht0 0x2000(%rdi)
//! ```
//!
//! Both are two bytes of opcode and the same operand, whose register field is part of the second's opcode.
//! The source location leads from the CLIF instruction to the bytes. Whatever does not look exactly so
//! is an error: a load left as it is could read beyond an array.
//!
//! Worth it: a fold's loop ends once a block and stripe, the branch is mispredicted, and the loads that had
//! been started ahead are thrown away; 128-bit loads do not reach far ahead in the first place. A sum
//! of 1e7 squares on one thread, in C: 0.70 ns an element without, 0.66 with a block's lines asked for before
//! the block, 0.55 with these (0.51 with 512-bit vectors).

use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::{
    Function, Inst, InstBuilder, InstructionData, MemFlagsData, Opcode, SourceLoc, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use fuse_ir::CodegenError;

use crate::target::internal;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// The source location of a prefetch; no other instruction has one.
const MARK: u32 = 0xffff_0001;

const MOVZX: [u8; 2] = [0x0f, 0xb6];
const PREFETCH: [u8; 2] = [0x0f, 0x18];
/// `prefetcht0` in the register field.
const INTO_ALL_LEVELS: u8 = 1 << 3;

/// Asks for the line at `address + offset`, which need not be memory of ours.
pub(crate) fn prefetch(builder: &mut FunctionBuilder<'_>, address: Value, offset: i32) {
    builder.set_srcloc(SourceLoc::new(MARK));
    builder.ins().uload8(types::I64, MemFlagsData::new(), address, offset);
    builder.set_srcloc(SourceLoc::default());
}

/// Is this instruction one that becomes a prefetch?
pub(crate) fn is_prefetch(function: &Function, inst: Inst) -> bool {
    let data = &function.dfg.insts[inst];
    function.srcloc(inst).bits() == MARK
        && matches!(data, InstructionData::Load { opcode: Opcode::Uload8, .. })
}

/// Turns the loads into prefetches, in code that begins at the first byte; gives their number.
///
/// # Errors
/// [`CodegenError::Internal`] where Cranelift made something else of one.
pub(crate) fn patch(
    function: &Function,
    compiled: &CompiledCode,
    code: &mut [u8],
) -> Result<usize, CodegenError> {
    let insts = function.layout.blocks().flat_map(|block| function.layout.block_insts(block));
    let expected = insts.filter(|&inst| is_prefetch(function, inst)).count();
    let mut patched = 0;
    for place in compiled.buffer.get_srclocs_sorted() {
        if place.loc.bits() == MARK {
            let bytes = code.get_mut(place.start as usize..place.end as usize);
            patched += bytes.map_or(0, patch_run);
        }
    }
    if patched == expected { Ok(patched) } else { Err(internal("a prefetch remained a load")) }
}

/// Patches the loads that these bytes hold, nothing else; gives their number, 0 if there is anything else.
fn patch_run(bytes: &mut [u8]) -> usize {
    let mut at = 0;
    let mut patched = 0;
    while at < bytes.len() {
        let Some(len) = patch_one(&mut bytes[at..]) else { return 0 };
        at += len;
        patched += 1;
    }
    patched
}

/// Patches the load that the bytes begin with; gives its length.
fn patch_one(bytes: &mut [u8]) -> Option<usize> {
    let prefix = usize::from(bytes.first()? & 0xf0 == 0x40);
    let opcode = bytes.get_mut(prefix..prefix + 2)?;
    if *opcode != MOVZX {
        return None;
    }
    opcode.copy_from_slice(&PREFETCH);
    let mode = bytes.get_mut(prefix + 2)?;
    let (displacement, operand) = match (*mode >> 6, *mode & 7) {
        (0, 4) => (0, 1),
        (1, 4) => (1, 1),
        (2, 4) => (4, 1),
        (1, _) => (1, 0),
        (2, _) => (4, 0),
        (0, operand) if operand != 5 => (0, 0),
        // Relative to the next instruction, or a register.
        _ => return None,
    };
    *mode = *mode & 0b1100_0111 | INTO_ALL_LEVELS;
    // A base of `rbp` without displacement is none, with four bytes behind it.
    let no_base = operand == 1 && *mode >> 6 == 0 && *bytes.get(prefix + 3)? & 7 == 5;
    if prefix == 1 {
        bytes[0] &= !0b100;
    }
    let len = prefix + 3 + operand + displacement;
    (!no_base && len <= bytes.len()).then_some(len)
}

#[cfg(test)]
mod tests {
    use super::patch_run;

    #[test]
    fn loads_of_bytes_become_prefetches_and_nothing_else_does() {
        // movzbq 0x2000(%rdi), %r9; movzbl (%rax, %r8, 8), %ecx; movzbq 8(%rdx), %rax
        let mut code = [
            0x4c, 0x0f, 0xb6, 0x8f, 0, 0x20, 0, 0, 0x42, 0x0f, 0xb6, 0x0c, 0xc0, 0x48, 0x0f, 0xb6,
            0x42, 8,
        ];
        // prefetcht0 0x2000(%rdi); prefetcht0 (%rax, %r8, 8); prefetcht0 8(%rdx)
        let expected = [
            0x48, 0x0f, 0x18, 0x8f, 0, 0x20, 0, 0, 0x42, 0x0f, 0x18, 0x0c, 0xc0, 0x48, 0x0f, 0x18,
            0x4a, 8,
        ];
        assert_eq!(patch_run(&mut code), 3);
        assert_eq!(code, expected);
        // movzbl %al, %eax; movzbl 0(%rip), %eax; movq (%rax), %rax; a load cut short; one with no base
        let others: [&[u8]; 5] = [
            &[0x0f, 0xb6, 0xc0],
            &[0x0f, 0xb6, 0x05, 0, 0, 0, 0],
            &[0x48, 0x8b, 0x00],
            &[0x0f, 0xb6, 0x80, 0, 0],
            &[0x0f, 0xb6, 0x04, 0x25, 0, 0, 0, 0],
        ];
        for other in others {
            assert_eq!(patch_run(&mut other.to_vec()), 0, "{other:x?}");
        }
    }
}
