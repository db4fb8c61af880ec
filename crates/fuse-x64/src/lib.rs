//! Kernel to machine code with vectors of 256 and 512 bits.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod level;

use std::sync::Arc;

use fuse_ir::{BlockKernel, Capabilities, CodegenError, HostBackend, ListingForm, VerifiedKernel};

pub use crate::level::Level;

/// The name that users know it by.
const NAME: &str = "x64";

/// The back end for AVX2 or AVX-512. Cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct X64Backend {
    level: Level,
}

impl X64Backend {
    /// For the widest vectors that this CPU has.
    ///
    /// # Errors
    /// [`CodegenError::Unsupported`] where it has neither.
    pub fn native() -> Result<X64Backend, CodegenError> {
        let level = Level::native().ok_or_else(|| unsupported("a CPU without AVX2 and FMA"))?;
        Ok(X64Backend { level })
    }

    /// For one level.
    ///
    /// # Errors
    /// [`CodegenError::Unsupported`] where this CPU has not got it.
    pub fn new(level: Level) -> Result<X64Backend, CodegenError> {
        if !level.is_available() {
            return Err(unsupported(format!("{level} on this CPU")));
        }
        Ok(X64Backend { level })
    }

    /// The level that it compiles for.
    pub fn level(&self) -> Level {
        self.level
    }
}

fn unsupported(what: impl Into<String>) -> CodegenError {
    CodegenError::Unsupported { backend: NAME, what: what.into() }
}

impl HostBackend for X64Backend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            isa: self.level.name().to_string(),
            vector_bits: 8 * self.level.vector_bytes() as u32,
            native_fma: true,
        }
    }

    fn compile(&self, _kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        Err(unsupported("any kernel yet"))
    }

    fn listing(
        &self,
        _kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        match form {
            ListingForm::Intermediate => Ok(None),
            ListingForm::Assembly => Err(unsupported("any kernel yet")),
        }
    }
}
