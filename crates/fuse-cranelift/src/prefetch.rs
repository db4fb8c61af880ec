//! Prefetches, which Cranelift has no instruction for.
//!
//! ```text
//! CLIF      @0007  v9 = uload8.i64 v3+8192     may trap, so it is kept although nothing uses v9
//! Cranelift 4c 0f b6 8f 00 20 00 00    movzbq 0x2000(%rdi), %r9
//! here      48 0f 18 8f 00 20 00 00    prefetcht0 0x2000(%rdi)
//! ```
//!
//! Both are two bytes of opcode and the same operand, whose register field is part of the second's opcode.
//! A source location of its own leads from each CLIF instruction to its bytes, behind which the register
//! allocator's moves may stand. Whatever does not look exactly so is an error: a load left as it is could
//! read beyond an array.
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
use fuse_ir::{CodegenError, index_u32};

use crate::target::internal;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

const MOVZX: [u8; 2] = [0x0f, 0xb6];
const PREFETCH: [u8; 2] = [0x0f, 0x18];
/// `prefetcht0` in the register field.
const INTO_ALL_LEVELS: u8 = 1 << 3;

/// Asks for the line at `address + offset`, which need not be memory of ours.
pub(crate) fn prefetch(builder: &mut FunctionBuilder<'_>, address: Value, offset: i32) {
    // No other instruction has a source location; the number of the first is 1.
    let number = builder.func.dfg.num_insts() + 1;
    builder.set_srcloc(SourceLoc::new(index_u32(number)));
    builder.ins().uload8(types::I64, MemFlagsData::new(), address, offset);
    builder.set_srcloc(SourceLoc::default());
}

/// Is this instruction one that becomes a prefetch?
pub(crate) fn is_prefetch(function: &Function, inst: Inst) -> bool {
    let data = &function.dfg.insts[inst];
    !function.srcloc(inst).is_default()
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
        if !place.loc.is_default() {
            let bytes = code.get_mut(place.start as usize..place.end as usize);
            patched += usize::from(bytes.is_some_and(patch_one));
        }
    }
    if patched == expected { Ok(patched) } else { Err(internal("a prefetch remained a load")) }
}

/// Patches the load that these bytes begin with; is it one?
fn patch_one(bytes: &mut [u8]) -> bool {
    let prefix = usize::from(bytes.first().is_some_and(|byte| byte & 0xf0 == 0x40));
    let Some(&[first, second, mode]) = bytes.get(prefix..prefix + 3) else { return false };
    // Of a register, or relative to the next instruction: no load that we emit.
    let is_load = [first, second] == MOVZX && mode >> 6 != 3 && mode & 0b1100_0111 != 5;
    if is_load {
        let mode = mode & 0b1100_0111 | INTO_ALL_LEVELS;
        bytes[prefix..prefix + 3].copy_from_slice(&[PREFETCH[0], PREFETCH[1], mode]);
    }
    is_load
}

#[cfg(test)]
mod tests {
    use super::patch_one;

    #[test]
    fn loads_of_bytes_become_prefetches_and_nothing_else_does() {
        // movzbq 0x2000(%rdi), %r9; movzbl (%rax, %r8, 8), %ecx; movzbq 8(%rdx), %rax
        let loads: [(&[u8], &[u8]); 4] = [
            (&[0x4c, 0x0f, 0xb6, 0x8f, 0, 0x20, 0, 0], &[0x4c, 0x0f, 0x18, 0x8f, 0, 0x20, 0, 0]),
            (&[0x42, 0x0f, 0xb6, 0x0c, 0xc0], &[0x42, 0x0f, 0x18, 0x0c, 0xc0]),
            (&[0x48, 0x0f, 0xb6, 0x42, 8], &[0x48, 0x0f, 0x18, 0x4a, 8]),
            // With a move behind it.
            (&[0x0f, 0xb6, 0x06, 0x48, 0x89, 0xc8], &[0x0f, 0x18, 0x0e, 0x48, 0x89, 0xc8]),
        ];
        for (load, prefetch) in loads {
            let mut bytes = load.to_vec();
            assert!(patch_one(&mut bytes), "{load:x?}");
            assert_eq!(bytes, prefetch);
        }
        // movzbl %al, %eax; movzbl 0(%rip), %eax; movq (%rax), %rax; movzwl (%rax), %eax; one cut short
        let others: [&[u8]; 5] = [
            &[0x0f, 0xb6, 0xc0],
            &[0x0f, 0xb6, 0x05, 0, 0, 0, 0],
            &[0x48, 0x8b, 0x00, 0x90],
            &[0x0f, 0xb7, 0x00],
            &[0x0f, 0xb6],
        ];
        for other in others {
            let mut bytes = other.to_vec();
            assert!(!patch_one(&mut bytes) && bytes == other, "{other:x?}");
        }
    }
}
