//! Kernels that a call needs later than the program: compiled once, however many threads need them at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use fuse_ir::interp::Interpreter;
use fuse_ir::{
    BlockKernel, Capabilities, CodegenError, DType, HostBackend, ListingForm, VerifiedKernel,
};

use super::support::{elementwise, program};
use crate::Executable;
use crate::compile::Code;
use crate::plan::Variant;

const THREADS: usize = 16;

/// Counts compilations, of which one panics.
struct Panicking {
    compiled: AtomicUsize,
    panics_at: Option<usize>,
}

impl HostBackend for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn capabilities(&self) -> Capabilities {
        Interpreter.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        let number = self.compiled.fetch_add(1, Ordering::Relaxed);
        // Long enough for the others to come and wait.
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_ne!(Some(number), self.panics_at, "planted");
        Interpreter.compile(kernel)
    }

    fn listing(
        &self,
        _kernel: &VerifiedKernel,
        _form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        Ok(None)
    }
}

/// The kernel of streams that each thread got, by address, and how often something was compiled.
fn all_at_once(panics_at: Option<usize>) -> (Vec<Option<usize>>, usize) {
    let backend = Arc::new(Panicking { compiled: AtomicUsize::new(0), panics_at });
    let shared: Arc<dyn HostBackend> = Arc::clone(&backend) as Arc<dyn HostBackend>;
    // One column of the first input: a splat, but not as a stream.
    let program = program(&[(DType::F64, &[9, 1]), (DType::F64, &[9, 9])], &elementwise());
    let executable = Executable::compile(Arc::new(program), &shared);
    let start = Barrier::new(THREADS);
    let need = || {
        start.wait();
        let code = catch_unwind(AssertUnwindSafe(|| executable.code(0, Variant::Streams)));
        code.ok().map(|code: &Code| std::ptr::from_ref(code) as usize)
    };
    let got = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(need)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it is caught")).collect()
    });
    (got, backend.compiled.load(Ordering::Relaxed))
}

#[test]
fn a_kernel_that_many_threads_need_is_compiled_once() {
    let (got, compiled) = all_at_once(None);
    assert!(got[0].is_some() && got.iter().all(|code| *code == got[0]), "one for all: {got:?}");
    assert_eq!(compiled, 2, "the program's, and the one of streams");
}

#[test]
fn a_compiler_that_panics_keeps_nobody_waiting() {
    let (mut got, compiled) = all_at_once(Some(1));
    got.sort_unstable();
    assert_eq!((got[0], compiled), (None, 3), "one thread met the panic");
    assert!(got[1].is_some() && got[1..].iter().all(|code| *code == got[1]), "{got:?}");
}
