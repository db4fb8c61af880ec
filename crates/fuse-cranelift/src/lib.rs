//! Kernel to native loop through Cranelift, at 128 bits on every CPU.
//!
//! ```text
//! VerifiedKernel ─loops, region, prims─▶ CLIF ─gate─▶ Cranelift ─image─▶ bytes ─fuse-code─▶ runs
//!                       │
//!                       └─ outline: regions that are rare or loop, once each
//! ```
//!
//! | file | |
//! |---|---|
//! | `loops` | the two entry functions: what arguments become, the loops |
//! | `region` | the nodes of a region, one group of lanes at a time |
//! | `prims`, `integer`, `float`, `half` | what each primitive becomes |
//! | `held`, `vector` | values and masks in vectors; single instructions |
//! | `width` | how many lanes at once |
//! | `outline` | regions out of line |
//! | `prefetch` | what CLIF has no instruction for |
//! | `image`, `gate`, `target`, `worker`, `tables`, `kernel` | from CLIF to something that runs |
//!
//! A back end never decides rounding, contraction or the order of a reduction: each primitive is
//! computed as [`fuse_ir::Prim::eval`] says, lane by lane, whatever the number of lanes at once.
//!
//! Without a multiply-add instruction (baseline x86-64) a kernel with `fma` is refused as
//! [`CodegenError::Unsupported`]; everything else gives the same bits there, slowly.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod float;
mod gate;
mod half;
mod held;
mod image;
mod integer;
mod kernel;
mod loops;
mod outline;
mod prefetch;
mod prims;
mod region;
mod tables;
mod target;
mod vector;
mod width;
mod worker;

use std::sync::Arc;

use fuse_code::CompiledCode;
use fuse_ir::{BlockKernel, Capabilities, CodegenError, HostBackend, ListingForm, VerifiedKernel};

use crate::image::{Image, Text};
use crate::kernel::CompiledKernel;
use crate::tables::Tables;
use crate::target::{NAME, Target, unsupported};

/// The Cranelift back end for one instruction set. Cheap to clone.
#[derive(Clone)]
pub struct CraneliftBackend {
    target: Target,
}

impl CraneliftBackend {
    /// For this machine, with all it has.
    ///
    /// # Errors
    /// Where Cranelift does not know the machine.
    pub fn native() -> Result<CraneliftBackend, CodegenError> {
        Ok(CraneliftBackend { target: Target::native()? })
    }

    /// For `x86_64` (SSE2 alone) or `aarch64` without optional features. Where that is not this
    /// machine's architecture, it makes listings and no runnable kernels.
    ///
    /// # Errors
    /// Where there is no such architecture.
    pub fn baseline(architecture: &str) -> Result<CraneliftBackend, CodegenError> {
        Ok(CraneliftBackend { target: Target::baseline(architecture)? })
    }

    fn image(
        &self,
        kernel: &VerifiedKernel,
        text: Text,
    ) -> Result<(Image, Arc<Tables>), CodegenError> {
        let (target, kernel) = (self.target.clone(), kernel.clone());
        worker::compile_on_large_stack(move || {
            let tables = Arc::new(Tables::of(&kernel));
            Ok((image::compile(&target, &kernel, &tables, text)?, tables))
        })
    }
}

impl HostBackend for CraneliftBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            isa: self.target.description(),
            vector_bits: 128,
            native_fma: self.target.features.fma,
        }
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        if !self.target.is_host {
            return Err(unsupported("running code for another architecture"));
        }
        let (image, tables) = self.image(kernel, Text::None)?;
        let code = CompiledCode::new(&image.bytes)
            .map_err(|error| CodegenError::Memory(error.to_string()))?;
        Ok(Arc::new(CompiledKernel::new(code, 0, image.run_uniform, tables)))
    }

    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        let (image, _) = self.image(kernel, Text::Listing)?;
        Ok(Some(match form {
            ListingForm::Intermediate => image.intermediate,
            ListingForm::Assembly => image.assembly,
        }))
    }
}
