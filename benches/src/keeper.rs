//! A back end that keeps what it compiles: each kernel, the code, and how long it took.
//!
//! An engine is given one ([`fuse::EngineBuilder::host_backend`]), so that what is called directly is what
//! the engine calls, and so that a kernel which the back end declines is seen: the engine would run the
//! interpreter without a word.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fuse_cranelift::CraneliftBackend;
use fuse_ir::{BlockKernel, Capabilities, CodegenError, HostBackend, ListingForm, VerifiedKernel};
use fuse_x64::{Level, X64Backend};

/// The back ends that are compared, by name; none where this machine has not got it.
pub const BACKENDS: &[(&str, Maker)] =
    &[(AVX512, || x64(Level::Avx512)), (AVX2, || x64(Level::Avx2)), (CRANELIFT, cranelift)];

/// Makes a back end, if it can.
pub type Maker = fn() -> Option<Arc<dyn HostBackend>>;

/// The name of our back end with 512-bit vectors.
pub const AVX512: &str = "AVX-512";
/// The name of our back end with 256-bit vectors.
pub const AVX2: &str = "AVX2";
/// The name of Cranelift's.
pub const CRANELIFT: &str = "Cranelift";

fn x64(level: Level) -> Option<Arc<dyn HostBackend>> {
    Some(Arc::new(X64Backend::new(level).ok()?))
}

fn cranelift() -> Option<Arc<dyn HostBackend>> {
    Some(Arc::new(CraneliftBackend::native().ok()?))
}

/// What became of one kernel.
#[derive(Clone)]
pub struct Kept {
    /// The kernel.
    pub kernel: VerifiedKernel,
    /// Its code, or why there is none.
    pub block: Result<Arc<dyn BlockKernel>, CodegenError>,
    /// What [`HostBackend::compile`] took.
    pub time: Duration,
}

/// See the module.
pub struct Keeper {
    inner: Arc<dyn HostBackend>,
    kept: Mutex<Vec<Kept>>,
}

impl Keeper {
    /// Compiles as `inner` does.
    pub fn new(inner: Arc<dyn HostBackend>) -> Keeper {
        Keeper { inner, kept: Mutex::default() }
    }

    /// All kernels since the last look, in order.
    pub fn take(&self) -> Vec<Kept> {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HostBackend for Keeper {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        let start = Instant::now();
        let block = self.inner.compile(kernel);
        let time = start.elapsed();
        let kept = Kept { kernel: kernel.clone(), block: block.clone(), time };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        block
    }

    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        self.inner.listing(kernel, form)
    }
}
