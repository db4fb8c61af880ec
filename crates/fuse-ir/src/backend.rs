//! What a back end on the host is to the rest of fuse.
//!
//! A back end takes a [`VerifiedKernel`] and nothing else: it cannot be handed a kernel that the
//! verifier has not accepted, and promises never to panic on one that it has. It decides registers
//! and instructions; never rounding, contraction, or the order of a reduction.

use std::sync::Arc;

use crate::abi::BlockKernel;
use crate::verify::VerifiedKernel;

/// Why a back end could not compile a kernel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodegenError {
    /// The back end or this CPU lacks something; the interpreter takes over.
    #[error("the {backend} back end does not support {what}")]
    Unsupported {
        /// Name of the back end.
        backend: &'static str,
        /// What it lacks.
        what: String,
    },
    /// The code would exceed the limit on code size.
    #[error("the code would take {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes of code.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Executable memory was refused; no other back end would get it.
    #[error("executable memory was refused: {0}")]
    Memory(String),
    /// A bug of the back end or of the code generator it uses; it is caught, and the interpreter
    /// takes over.
    #[error("internal error of the code generator: {0}")]
    Internal(String),
}

/// What a back end can do on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The instruction set it compiles for, as `fuse explain` prints it.
    pub isa: String,
    /// Bits of a vector register.
    pub vector_bits: u32,
    /// Are there a multiply-add and rounding instructions? Without, the bits are the same and the
    /// speed is not.
    pub native_fma: bool,
}

/// A compiler from kernels to something that runs on the host.
pub trait HostBackend: Send + Sync {
    /// `interp`, `cranelift`, `x64`.
    fn name(&self) -> &'static str;

    /// What it can do here.
    fn capabilities(&self) -> Capabilities;

    /// Compiles a kernel.
    ///
    /// # Errors
    /// A [`CodegenError`]; the caller falls back to the interpreter, whose results are the same.
    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError>;

    /// [`HostBackend::compile`], with who made the code: a back end that stands for several asks one
    /// after the other, and this tells which one took the kernel and why others did not.
    fn attempt(&self, kernel: &VerifiedKernel) -> Attempt<Arc<dyn BlockKernel>> {
        Attempt { outcome: self.compile(kernel), backend: self.name(), declined: Vec::new() }
    }

    /// The code that `compile` would run, as text, or `None` where there is none: for
    /// `fuse explain`.
    ///
    /// # Errors
    /// As [`HostBackend::compile`].
    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError>;

    /// What `compile`'s code takes, or `None` where that is not known: for `fuse explain`.
    ///
    /// # Errors
    /// As [`HostBackend::compile`].
    fn code_facts(&self, _kernel: &VerifiedKernel) -> Result<Option<CodeFacts>, CodegenError> {
        Ok(None)
    }
}

/// What came of asking back ends for something.
#[derive(Clone, Debug)]
pub struct Attempt<T> {
    /// What the last one that was asked gave.
    pub outcome: Result<T, CodegenError>,
    /// The name of that one.
    pub backend: &'static str,
    /// What those before it said, in order.
    pub declined: Vec<CodegenError>,
}

/// What the machine code of a kernel's loop takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodeFacts {
    /// Vector registers that the loop uses.
    pub registers: usize,
    /// Mask registers that the loop uses; 0 where masks live in vectors.
    pub mask_registers: usize,
    /// Values that are stored and loaded again for want of registers.
    pub spills: usize,
    /// Bytes of all code of the kernel, constants and tables included.
    pub bytes: usize,
    /// Elements that one pass of the loop computes.
    pub elements: usize,
    /// An estimate of the clock cycles per element, data in the first-level cache.
    pub cycles_per_element: f64,
}

/// Which text `fuse explain` wants from a back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingForm {
    /// The back end's own intermediate form (CLIF for Cranelift).
    Intermediate,
    /// Machine code.
    Assembly,
}
