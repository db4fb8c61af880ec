//! A compiled kernel: the code, and where its functions start.

#![expect(unsafe_code, reason = "calls compiled code")]

use fuse_code::CompiledCode;
use fuse_ir::{BlockKernel, KernelArgs};

use crate::Program;

/// Machine code for one kernel.
pub(crate) struct CompiledKernel {
    code: CompiledCode,
    run: usize,
    run_uniform: Option<usize>,
    scratch_bytes: usize,
}

impl CompiledKernel {
    /// The code of a program, in memory.
    pub(crate) fn new(code: CompiledCode, program: &Program) -> CompiledKernel {
        let Program { run, run_uniform, scratch_bytes, .. } = *program;
        CompiledKernel { code, run, run_uniform, scratch_bytes }
    }
}

impl BlockKernel for CompiledKernel {
    unsafe fn run_uniform(&self, args: &KernelArgs) {
        let Some(start) = self.run_uniform else { return };
        // SAFETY: the program has a function of this type there; the caller vouches for `args`.
        unsafe { self.code.call(start, args) };
    }

    unsafe fn run(&self, args: &KernelArgs) {
        // SAFETY: the program has a function of this type there; the caller vouches for `args`.
        unsafe { self.code.call(self.run, args) };
    }

    fn scratch_bytes(&self) -> usize {
        self.scratch_bytes
    }

    fn code_bytes(&self) -> usize {
        self.code.len()
    }
}
