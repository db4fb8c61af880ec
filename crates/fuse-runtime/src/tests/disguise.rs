//! The interpreter disguised as a native back end: blocks larger than 1024 elements, the short way
//! for small calls, and memory of the back end's own, which it fills with rubbish.

#![expect(unsafe_code, reason = "implements the kernel ABI")]

use std::sync::Arc;

use fuse_ir::interp::Interpreter;
use fuse_ir::{
    BlockKernel, Capabilities, CodegenError, HostBackend, KernelArgs, ListingForm, VerifiedKernel,
};

const OWN_BYTES: usize = 200;

pub(super) struct Disguised;

struct DisguisedKernel(Arc<dyn BlockKernel>);

impl BlockKernel for DisguisedKernel {
    unsafe fn run_uniform(&self, args: &KernelArgs) {
        // SAFETY: the caller gives `scratch_bytes` of scratch and arguments right for the kernel.
        unsafe {
            args.scratch.write_bytes(0xaa, OWN_BYTES);
            self.0.run_uniform(args);
        }
    }

    unsafe fn run(&self, args: &KernelArgs) {
        assert!(args.granules > 0 && args.tail < 32);
        // SAFETY: as above.
        unsafe {
            args.scratch.write_bytes(0xaa, OWN_BYTES);
            self.0.run(args);
        }
    }

    fn scratch_bytes(&self) -> usize {
        OWN_BYTES
    }

    fn code_bytes(&self) -> usize {
        1
    }
}

impl HostBackend for Disguised {
    fn name(&self) -> &'static str {
        "disguised"
    }

    fn capabilities(&self) -> Capabilities {
        Interpreter.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        Ok(Arc::new(DisguisedKernel(Interpreter.compile(kernel)?)))
    }

    fn listing(
        &self,
        _kernel: &VerifiedKernel,
        _form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        Ok(None)
    }
}
