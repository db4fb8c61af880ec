//! What becomes of a formula, stage by stage.

use fuse_ir::device::ModuleOptions;
use fuse_ir::{CodegenError, InputType, ListingForm, Program};

use crate::error::{Error, ErrorKind};
use crate::formula::Formula;

/// A stage of compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The syntax tree.
    Ast,
    /// The typed graph.
    Graph,
    /// The optimised graph, with the rules that fired.
    Opt,
    /// The passes and their kernels.
    Kernel,
    /// Cranelift's intermediate form.
    Clif,
    /// Machine code.
    Asm,
    /// The text of the module for NVIDIA devices; needs no device.
    Ptx,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: &[Stage] =
        &[Stage::Ast, Stage::Graph, Stage::Opt, Stage::Kernel, Stage::Clif, Stage::Asm, Stage::Ptx];

    /// The stage's name.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ast => "ast",
            Stage::Graph => "graph",
            Stage::Opt => "opt",
            Stage::Kernel => "kernel",
            Stage::Clif => "clif",
            Stage::Asm => "asm",
            Stage::Ptx => "ptx",
        }
    }
}

/// What one kernel does per element and per call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelCounts {
    /// Array elements read.
    pub loads: usize,
    /// Array elements written.
    pub stores: usize,
    /// Primitives of the lane region, per lane; bit casts are free and not counted.
    pub arith: usize,
    /// Primitives of the uniform region, once a call.
    pub uniform: usize,
    /// Lanes of a value.
    pub granule: usize,
}

impl Formula {
    /// The text of one stage for variables of these types.
    ///
    /// # Errors
    /// As [`Formula::prepare`]; [`ErrorKind::Codegen`] where the back end has no such stage, or the
    /// formula is too much for a device.
    ///
    /// ```
    /// use fuse::{DType, Formula, InputType, Stage};
    ///
    /// let f: Formula = "2*x + 1".parse()?;
    /// let text = f.explain(&[("x", InputType::array(DType::F32, &[9]))], Stage::Ptx)?;
    /// assert!(text.contains("fma.rn.f32") || text.contains("mul.rn.f32"));
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn explain(&self, variables: &[(&str, InputType)], stage: Stage) -> Result<String, Error> {
        if stage == Stage::Ast {
            return Ok(self.parsed.ast.to_string());
        }
        let compiled = self.compile_for(variables)?;
        match stage {
            Stage::Ast => Ok(self.parsed.ast.to_string()),
            Stage::Graph => Ok(compiled.graph.to_string()),
            Stage::Opt => Ok(format!("{}{}", compiled.optimized, compiled.report)),
            Stage::Kernel => Ok(kernels(&compiled.program)),
            Stage::Clif => self.listing(&compiled.program, ListingForm::Intermediate),
            Stage::Asm => self.listing(&compiled.program, ListingForm::Assembly),
            Stage::Ptx => fuse_ptx::emit(&compiled.program, ModuleOptions::default())
                .map_err(|error| Error::new(ErrorKind::Codegen, error.to_string())),
        }
    }

    /// Counts of each kernel, from the verified kernels.
    ///
    /// # Errors
    /// As [`Formula::prepare`].
    pub fn kernel_counts(
        &self,
        variables: &[(&str, InputType)],
    ) -> Result<Vec<KernelCounts>, Error> {
        let compiled = self.compile_for(variables)?;
        let counts = |pass: &fuse_ir::Pass| KernelCounts {
            loads: pass.kernel.inputs.len(),
            stores: pass.kernel.outputs.len(),
            arith: pass.kernel.lane.arithmetic(),
            uniform: pass.kernel.uniform.arithmetic(),
            granule: fuse_ir::GRANULE,
        };
        Ok(compiled.program.passes.iter().map(counts).collect())
    }

    fn listing(&self, program: &Program, form: ListingForm) -> Result<String, Error> {
        let backend = &self.engine.shared.backend;
        let mut text = String::new();
        for pass in &program.passes {
            let listing = backend.listing(&pass.kernel, form).map_err(codegen)?;
            let name = backend.name();
            let missing = || {
                let message = format!("the {name} back end has no such stage");
                Error::new(ErrorKind::Codegen, message)
            };
            text.push_str(&listing.ok_or_else(missing)?);
        }
        Ok(text)
    }
}

fn codegen(error: CodegenError) -> Error {
    Error::new(ErrorKind::Codegen, error.to_string())
}

fn kernels(program: &Program) -> String {
    let kernels = program.passes.iter().map(|pass| pass.kernel.kernel().to_string());
    let kernels: Vec<String> = kernels.collect();
    format!("{program}\n{}", kernels.join("\n"))
}
