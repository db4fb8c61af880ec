//! The trap gate: the last look at CLIF before it becomes code.
//!
//! A kernel cannot trap: division is no primitive, conversions saturate, loads are of memory that
//! the caller vouches for. Should a lowering ever break that, the kernel is refused here and the
//! interpreter takes over; a wrong opcode costs speed, not a signal. The loads that [`crate::prefetch`]
//! turns into prefetches may read anywhere: it refuses code in which one remains.

use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode};
use fuse_ir::CodegenError;

use crate::prefetch;
use crate::target::internal;

/// Refuses a function that has a trapping opcode or a load or store that may trap.
pub(crate) fn check(function: &Function) -> Result<(), CodegenError> {
    for block in function.layout.blocks() {
        for inst in function.layout.block_insts(block) {
            if is_refused(function, inst) {
                let text = function.dfg.display_inst(inst);
                return Err(internal(format!("a trapping instruction: {text}")));
            }
        }
    }
    Ok(())
}

fn is_refused(function: &Function, inst: Inst) -> bool {
    let data = &function.dfg.insts[inst];
    match data {
        _ if prefetch::is_prefetch(function, inst) => false,
        InstructionData::Load { flags, .. } | InstructionData::Store { flags, .. } => {
            let flags = function.dfg.mem_flags[*flags];
            flags.trap_code().is_some() || flags.aligned() || flags.readonly()
        }
        data => may_trap(data.opcode()),
    }
}

/// Calls of this image's own functions are the one opcode that CLIF counts as trapping and we allow.
fn may_trap(opcode: Opcode) -> bool {
    opcode.can_trap() && !matches!(opcode, Opcode::Call)
}

#[cfg(test)]
mod tests {
    use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, MemFlagsData, types};
    use cranelift_codegen::isa::CallConv;
    use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

    use super::check;
    use crate::vector::memory_flags;

    fn with(emit: impl FnOnce(&mut FunctionBuilder<'_>)) -> bool {
        let mut function = Function::new();
        function.signature.call_conv = CallConv::SystemV;
        function.signature.params.push(AbiParam::new(types::I64));
        let mut context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut function, &mut context);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        emit(&mut builder);
        check(&function).is_ok()
    }

    #[test]
    fn trapping_opcodes_and_flags_are_refused() {
        let argument = |builder: &mut FunctionBuilder<'_>| {
            let block = builder.current_block().expect("there is one");
            builder.block_params(block)[0]
        };
        assert!(with(|builder| {
            let pointer = argument(builder);
            builder.ins().load(types::F64X2, memory_flags(), pointer, 0);
        }));
        assert!(!with(|builder| {
            let pointer = argument(builder);
            builder.ins().load(types::F64X2, MemFlagsData::new(), pointer, 0);
        }));
        assert!(!with(|builder| {
            let pointer = argument(builder);
            builder.ins().load(types::F64X2, memory_flags().with_aligned(), pointer, 0);
        }));
        assert!(!with(|builder| {
            let x = argument(builder);
            builder.ins().udiv(x, x);
        }));
        assert!(!with(|builder| {
            let x = argument(builder);
            let x = builder.ins().fcvt_from_sint(types::F64, x);
            builder.ins().fcvt_to_sint(types::I64, x);
        }));
    }
}
