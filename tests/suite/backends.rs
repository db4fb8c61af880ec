//! The back ends under test: one list for all suites.
//!
//! Suites that compile through an engine or a runtime would not notice that a back end declines a kernel,
//! for another one takes it and the bits are the same. So each is [`Watched`], and a suite that is done
//! asserts that it took all kernels.

use std::sync::{Arc, Mutex};

use fuse::Engine;
use fuse_cranelift::CraneliftBackend;
use fuse_ir::interp::Interpreter;
use fuse_ir::{
    BlockKernel, Capabilities, CodeFacts, CodegenError, HostBackend, ListingForm, VerifiedKernel,
};
use fuse_testkit::fenced::FencedBackend;
use fuse_x64::{Level, X64Backend};

/// A back end that remembers the first kernel that it declined.
pub(crate) struct Watched {
    label: &'static str,
    inner: Arc<dyn HostBackend>,
    declined: Mutex<Option<String>>,
}

impl Watched {
    fn new(label: &'static str, inner: impl HostBackend + 'static) -> Arc<Watched> {
        Arc::new(Watched { label, inner: Arc::new(inner), declined: Mutex::default() })
    }

    /// Its name, with the level where there are several.
    pub(crate) fn label(&self) -> &'static str {
        self.label
    }

    /// Panics with the first kernel that it declined. Cranelift may decline some on a CPU without
    /// multiply-add instructions.
    pub(crate) fn assert_took_all(&self) {
        let declined = self.declined.lock().expect("no panic");
        if let Some(first) = declined.as_ref().filter(|_| self.capabilities().native_fma) {
            panic!("{} declines a kernel: {first}", self.label);
        }
    }
}

impl HostBackend for Watched {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        let compiled = self.inner.compile(kernel);
        if let Err(error) = &compiled {
            let mut declined = self.declined.lock().expect("no panic");
            declined.get_or_insert_with(|| format!("{error}\n{}", kernel.kernel()));
        }
        compiled
    }

    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        self.inner.listing(kernel, form)
    }

    fn code_facts(&self, kernel: &VerifiedKernel) -> Result<Option<CodeFacts>, CodegenError> {
        self.inner.code_facts(kernel)
    }
}

/// All back ends that this machine has, the interpreter first and Cranelift second.
pub(crate) fn all() -> Vec<Arc<Watched>> {
    let mut all = vec![Watched::new("interpreter", Interpreter)];
    all.extend(compilers());
    all
}

/// Those that compile to machine code, Cranelift first. Kernels of x64 run behind page fences.
pub(crate) fn compilers() -> Vec<Arc<Watched>> {
    let cranelift = CraneliftBackend::native().expect("Cranelift knows this machine");
    let mut compilers = vec![Watched::new("cranelift", cranelift)];
    for &level in Level::ALL {
        if let Ok(backend) = x64(level) {
            let fenced = FencedBackend(Arc::new(backend));
            compilers.push(Watched::new(x64_label(level), fenced));
        }
    }
    compilers
}

/// The back end x64 of a level; otherwise why a test of it skips itself.
pub(crate) fn x64(level: Level) -> Result<X64Backend, String> {
    X64Backend::new(level).map_err(|_| format!("{level}: this CPU has none"))
}

fn x64_label(level: Level) -> &'static str {
    match level {
        Level::Avx2 => "x64 avx2",
        Level::Avx512 => "x64 avx512",
    }
}

/// Declines every kernel.
struct Declining;

impl HostBackend for Declining {
    fn name(&self) -> &'static str {
        "declining"
    }

    fn capabilities(&self) -> Capabilities {
        Interpreter.capabilities()
    }

    fn compile(&self, _: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        Err(CodegenError::TooLarge { bytes: 2, limit: 1 })
    }

    fn listing(&self, _: &VerifiedKernel, _: ListingForm) -> Result<Option<String>, CodegenError> {
        Ok(None)
    }
}

#[test]
#[should_panic(expected = "one declines a kernel: the code would take 2 bytes")]
fn a_kernel_that_is_declined_is_not_overlooked() {
    let (one, other) = (Watched::new("one", Declining), Watched::new("other", Interpreter));
    for watched in [&one, &other] {
        let engine = Engine::builder().host_backend(watched.clone()).build().expect("it is given");
        let result =
            engine.evaluate("x + 1", fuse::vars! { x = [1.0] }).expect("the interpreter runs it");
        assert_eq!(result.as_slice(), Some([2.0].as_slice()));
    }
    other.assert_took_all();
    one.assert_took_all();
}
