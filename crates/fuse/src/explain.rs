//! What becomes of a formula, stage by stage.

use std::fmt;

use fuse_ir::device::ModuleOptions;
use fuse_ir::{CodeFacts, HostBackend, InputType, ListingForm, Pass, Program};
use fuse_runtime::Fallback;

use crate::backend::codegen;
use crate::error::{Error, ErrorKind};
use crate::formula::{Formula, Prepared};

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
    /// Cranelift's intermediate form, also of kernels that another back end takes before Cranelift is asked.
    Clif,
    /// Machine code of the back end that takes the kernel, below a comment for each that declined it.
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

/// Who compiled the kernel of a pass, and what its machine code takes.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelCode {
    /// Name of the back end whose code runs.
    pub backend: &'static str,
    /// The instruction set that it compiles for.
    pub isa: String,
    /// What the code takes, where the back end knows.
    pub facts: Option<CodeFacts>,
    /// What back ends declined of the pass so far: its kernel, or a smaller one that folds have.
    pub declined: Vec<Declined>,
}

/// Why a back end did not compile a kernel: `the x64 back end does not support …: cranelift takes it`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// What it said.
    pub reason: String,
    /// Name of the back end that runs the kernel instead.
    pub taken_by: &'static str,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Declined { reason, taken_by } = self;
        write!(f, "{reason}: {taken_by} takes it")
    }
}

impl Prepared {
    /// Who compiled the kernel of each pass, in order, and what its machine code takes.
    ///
    /// # Errors
    /// [`ErrorKind::Codegen`] on an engine with a device, whose code is the driver's.
    ///
    /// ```
    /// use fuse::{Backend, DType, Engine, InputType};
    ///
    /// let engine = Engine::builder().backend(Backend::Interp).build()?;
    /// let x = InputType::array(DType::F32, &[9]);
    /// let code = engine.formula("2*x + 1")?.prepare(&[("x", x)])?.kernel_code()?;
    /// assert_eq!((code.len(), code[0].backend, code[0].facts), (1, "interp", None));
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn kernel_code(&self) -> Result<Vec<KernelCode>, Error> {
        let executable = self.executable().ok_or_else(|| {
            let message =
                "the code of a formula on a device is the driver's; the stage `ptx` is its text";
            Error::new(ErrorKind::Codegen, message)
        })?;
        let fallbacks = executable.fallbacks();
        let passes = executable.program().passes.iter().zip(executable.backends()).enumerate();
        let code = |(number, (pass, name)): (usize, (&Pass, &'static str))| {
            let backend = self.formula.engine.shared.backends.named(name);
            Ok(KernelCode {
                backend: name,
                isa: backend.capabilities().isa,
                facts: backend.code_facts(&pass.kernel).map_err(codegen)?,
                declined: declined(&fallbacks, number),
            })
        };
        passes.map(code).collect()
    }
}

/// What was declined of a pass, each thing once.
fn declined(fallbacks: &[Fallback], pass: usize) -> Vec<Declined> {
    let mut all: Vec<Declined> = Vec::new();
    for Fallback { error, taken_by, .. } in fallbacks.iter().filter(|own| own.pass == pass) {
        let own = Declined { reason: error.to_string(), taken_by };
        if !all.contains(&own) {
            all.push(own);
        }
    }
    all
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
        let backend = &self.engine.shared.backends;
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

fn kernels(program: &Program) -> String {
    let kernels = program.passes.iter().map(|pass| pass.kernel.kernel().to_string());
    let kernels: Vec<String> = kernels.collect();
    format!("{program}\n{}", kernels.join("\n"))
}
