//! Kernel to machine code with vectors of 256 and 512 bits.
//!
//! ```text
//! VerifiedKernel ─lower─▶ steps of one unit ─side by side─▶ a loop's body ─pin, allocate─▶ instructions
//!                           (SSA, no registers)                                   │
//!                                          frame: regions out of line, once each ─┴─asm─▶ image ─fuse-code─▶ runs
//! ```
//!
//! A **unit** is as many lanes as one vector of the kernel's widest type has; every value of a unit is one
//! register. So no value ever crosses registers, and a body is units side by side, as many as registers
//! allow: all that the two levels differ in is which operations exist (`op`, the one table of encodings)
//! and where masks live.
//!
//! | file | |
//! |---|---|
//! | `op` | the operations: forms, encodings of both levels, costs |
//! | `code`, `live` | straight-line code over values; who is alive when |
//! | `lower/` | kernels to steps: primitives, what a level lacks, lookups, shorter logic |
//! | `allocate/`, `pin` | registers, spills, memory operands; which invariants stay in registers |
//! | `function`, `stripes` | `run` and `run_uniform`: loops, streaming stores; folds |
//! | `frame` | regions out of line |
//! | `asm` | instructions, labels, the pool of constants; iced encodes and prints them |
//! | `facts`, `kernel`, `level` | what `fuse explain` tells; what the runtime calls; what the CPU has |
//!
//! Emission and allocation are safe code; the one unsafe act is to call the result. A back end never decides
//! rounding: each primitive is computed as [`fuse_ir::Prim::eval`] says, lane by lane, at both levels.
//!
//! Declined, so that the next back end takes the kernel: more values at once than there are registers (the
//! results of one rare region, in practice never), code or scratch memory beyond limits.

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
mod stripes;
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
