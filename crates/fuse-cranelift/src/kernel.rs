//! A compiled kernel: the code, where its functions start, and the tables that it reads.

#![expect(unsafe_code, reason = "calls compiled code")]

use std::sync::Arc;

use fuse_code::CompiledCode;
use fuse_ir::{BlockKernel, KernelArgs};

use crate::tables::Tables;

/// Machine code for one kernel.
pub(crate) struct CompiledKernel {
    code: CompiledCode,
    run: usize,
    run_uniform: Option<usize>,
    /// The code holds the tables' addresses.
    _tables: Arc<Tables>,
}

impl CompiledKernel {
    /// Code whose functions start at these offsets and read these tables.
    pub(crate) fn new(
        code: CompiledCode,
        run: usize,
        run_uniform: Option<usize>,
        tables: Arc<Tables>,
    ) -> CompiledKernel {
        CompiledKernel { code, run, run_uniform, _tables: tables }
    }
}

impl BlockKernel for CompiledKernel {
    unsafe fn run_uniform(&self, args: &KernelArgs) {
        let Some(start) = self.run_uniform else { return };
        // SAFETY: the image has a function of this type there; the caller vouches for `args`.
        unsafe { self.code.call(start, args) };
    }

    unsafe fn run(&self, args: &KernelArgs) {
        // SAFETY: the image has a function of this type there; the caller vouches for `args`.
        unsafe { self.code.call(self.run, args) };
    }

    fn code_bytes(&self) -> usize {
        self.code.len()
    }
}
