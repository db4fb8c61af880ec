//! Back ends that watch: how many kernels were compiled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fuse::raw::{CodegenError, HostBackend, Interpreter};
use fuse_ir::{BlockKernel, Capabilities, ListingForm, VerifiedKernel};

/// The interpreter, counting what it compiles.
#[derive(Default)]
pub(super) struct Counting {
    compiled: AtomicUsize,
}

impl Counting {
    pub(super) fn compiled(&self) -> usize {
        self.compiled.load(Ordering::SeqCst)
    }
}

impl HostBackend for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn capabilities(&self) -> Capabilities {
        Interpreter.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        self.compiled.fetch_add(1, Ordering::SeqCst);
        Interpreter.compile(kernel)
    }

    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        Interpreter.listing(kernel, form)
    }
}
