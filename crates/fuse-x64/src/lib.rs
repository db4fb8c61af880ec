//! Kernel to machine code with vectors of 256 and 512 bits.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod allocate;
mod asm;
mod code;
mod facts;
mod frame;
mod function;
mod kernel;
mod level;
mod live;
mod lower;
mod op;
mod pin;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use fuse_ir::{
    BlockKernel, Capabilities, CodeFacts, CodegenError, HostBackend, ListingForm, VerifiedKernel,
};

use fuse_code::CompiledCode;

use crate::asm::Image;
use crate::frame::Emitter;
use crate::function::{Loop, emit_run, emit_uniform};
use crate::kernel::CompiledKernel;
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

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        let program = Program::of(kernel, self.level)?;
        let code = CompiledCode::new(&program.image.bytes)
            .map_err(|error| CodegenError::Memory(error.to_string()))?;
        Ok(Arc::new(CompiledKernel::new(code, &program)))
    }

    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        match form {
            ListingForm::Intermediate => Ok(None),
            ListingForm::Assembly => {
                let program = Program::of(kernel, self.level)?;
                Ok(Some(facts::listing(&program, self.level)))
            }
        }
    }

    fn code_facts(&self, kernel: &VerifiedKernel) -> Result<Option<CodeFacts>, CodegenError> {
        let program = Program::of(kernel, self.level)?;
        Ok(Some(facts::facts(&program, self.level)))
    }
}

/// A kernel's code before it is placed in memory.
pub(crate) struct Program {
    image: Image,
    run: usize,
    run_uniform: Option<usize>,
    scratch_bytes: usize,
    body: Loop,
}

impl Program {
    fn of(kernel: &VerifiedKernel, level: Level) -> Result<Program, CodegenError> {
        let mut emitter = Emitter::new(kernel.kernel(), level);
        let (run, run_uniform) = (emitter.asm.label(), emitter.asm.label());
        emitter.asm.place(run);
        let body = emit_run(&mut emitter)?;
        let has_uniforms = !kernel.uniform.results.is_empty();
        if has_uniforms {
            emitter.asm.place(run_uniform);
            emit_uniform(&mut emitter)?;
        }
        emitter.emit_outlines()?;
        let scratch_bytes = emitter.scratch.bytes();
        let (image, position) = emitter.asm.finish()?;
        let (run, run_uniform) = (position(run), has_uniforms.then(|| position(run_uniform)));
        Ok(Program { image, run, run_uniform, scratch_bytes, body })
    }
}

fn internal(what: impl Into<String>) -> CodegenError {
    CodegenError::Internal(what.into())
}

fn too_large(bytes: usize, limit: usize) -> CodegenError {
    CodegenError::TooLarge { bytes, limit }
}
