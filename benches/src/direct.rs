//! A compiled kernel called on whole granules, without the engine: what the machine code alone costs.

#![expect(unsafe_code, reason = "calls compiled kernels")]

use std::sync::Arc;

use fuse_ir::abi::uniform_slots;
use fuse_ir::{BlockKernel, CodegenError, GRANULE, Hints, InputClass, Kernel, KernelArgs};

use crate::aligned::Aligned;
use crate::keeper::Kept;
use crate::real::Real;

/// Most inputs that a kernel has here.
const MOST_INPUTS: usize = 2;

/// An elementwise kernel of streams of one type, with its own scratch memory and uniform values.
pub struct Direct {
    block: Arc<dyn BlockKernel>,
    uniforms: Vec<u64>,
    scratch: Aligned<u8>,
    n_inputs: usize,
}

impl Direct {
    /// A kernel that was compiled.
    ///
    /// # Errors
    /// Why it was not.
    ///
    /// # Panics
    /// Where the kernel is not elementwise over streams of `T`, or takes scalars.
    pub fn new<T: Real>(kept: &Kept) -> Result<Direct, CodegenError> {
        let kernel = kept.kernel.kernel();
        assert!(is_plain::<T>(kernel), "not an elementwise kernel of one type:\n{kernel}");
        let block = kept.block.clone()?;
        let mut direct = Direct {
            uniforms: vec![0; uniform_slots(kernel)],
            scratch: Aligned::zeroed(block.scratch_bytes()),
            n_inputs: kernel.inputs.len(),
            block,
        };
        let args = direct.args(&[std::ptr::null(); MOST_INPUTS], &std::ptr::null_mut(), 0);
        // SAFETY: `args.uniforms` has all slots of the kernel, which takes no scalars.
        unsafe { direct.block.run_uniform(&args) };
        Ok(direct)
    }

    /// Computes every element of `out`.
    ///
    /// # Panics
    /// Where there are not as many inputs as the kernel has, all as long as `out`, in whole granules.
    pub fn run<T: Real>(&mut self, inputs: &[Aligned<T>], out: &mut [T]) {
        assert_eq!(inputs.len(), self.n_inputs, "inputs of the kernel");
        assert!(inputs.iter().all(|input| input.len() == out.len()), "arrays of one length");
        assert_eq!(out.len() % GRANULE, 0, "whole granules");
        let mut pointers = [std::ptr::null(); MOST_INPUTS];
        for (pointer, input) in pointers.iter_mut().zip(inputs) {
            *pointer = input.as_ptr().cast::<u8>();
        }
        let output = out.as_mut_ptr().cast::<u8>();
        let args = self.args(&pointers, &output, out.len() / GRANULE);
        // SAFETY: `new` saw that the kernel has `n_inputs` streams and one output of `T`, no folds and no
        // scalars, and wrote its uniform values; every array has `granules` granules of `T`.
        unsafe { self.block.run(&args) };
    }

    fn args(
        &mut self,
        inputs: &[*const u8; MOST_INPUTS],
        output: &*mut u8,
        granules: usize,
    ) -> KernelArgs {
        KernelArgs {
            inputs: inputs.as_ptr(),
            outputs: output,
            uniforms: self.uniforms.as_mut_ptr(),
            folds: std::ptr::null(),
            scratch: self.scratch.as_mut_ptr(),
            first_index: 0,
            granules: granules as u64,
            tail: 0,
            hints: Hints::default(),
        }
    }
}

/// Is it elementwise, of at most two streams of `T`, one output of `T`, and no scalars?
fn is_plain<T: Real>(kernel: &Kernel) -> bool {
    let streams =
        |input: &fuse_ir::OperandInput| input.mem == T::MEM && input.class == InputClass::Stream;
    kernel.inputs.len() <= MOST_INPUTS
        && kernel.inputs.iter().all(streams)
        && kernel.outputs.len() == 1
        && kernel.outputs[0].mem == T::MEM
        && kernel.folds.is_empty()
        && kernel.uniform.params.is_empty()
}
