//! What code is generated for.
//!
//! Settings. `opt_level=none` leaves out CLIF's mid-end alone: a kernel's nodes are already shared
//! and folded, invariants are hoisted here, and the mid-end would undo the order in which
//! independent chains are interleaved (it places a pure instruction just before its first use, which
//! makes each chain run to its end before the next starts). Instruction selection and register
//! allocation are the same at all levels. It also means that nothing below us folds a constant.
//! NaN canonicalization is off: stores do it.

use std::sync::Arc;

use cranelift_codegen::ir::types;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use fuse_ir::CodegenError;

/// The name of this back end.
pub(crate) const NAME: &str = "cranelift";

/// Instructions that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// `fma` on vectors.
    pub(crate) fma: bool,
    /// `floor`, `ceil`, `trunc`, `nearest` on vectors.
    pub(crate) round: bool,
    /// A blend that looks at the top bit of each lane; otherwise `bitselect`.
    pub(crate) blendv: bool,
    /// May a load become an operand of an arithmetic instruction? SSE encodings fault on unaligned
    /// memory there, and Cranelift 0.135 folds loads into SSE comparisons all the same.
    pub(crate) folds_loads: bool,
    /// Vector registers.
    pub(crate) registers: usize,
    /// Can a load of a byte be made a prefetch?
    pub(crate) prefetch: bool,
}

/// An instruction set with its settings.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) isa: Arc<dyn TargetIsa>,
    pub(crate) features: Features,
    /// Does this process run such code?
    pub(crate) is_host: bool,
}

impl Target {
    /// This machine.
    pub(crate) fn native() -> Result<Target, CodegenError> {
        let builder = cranelift_native::builder().map_err(unsupported)?;
        Target::new(builder.finish(flags()?), true)
    }

    /// An architecture without optional features.
    pub(crate) fn baseline(architecture: &str) -> Result<Target, CodegenError> {
        let builder = cranelift_codegen::isa::lookup_by_name(architecture).map_err(unsupported)?;
        let is_host = architecture == std::env::consts::ARCH;
        Target::new(builder.finish(flags()?), is_host)
    }

    fn new<E: std::fmt::Display>(
        isa: Result<OwnedTargetIsa, E>,
        is_host: bool,
    ) -> Result<Target, CodegenError> {
        let isa = isa.map_err(unsupported)?;
        let is_arm = isa.name() == "aarch64";
        let features = Features {
            fma: is_arm || isa.has_native_fma(),
            round: is_arm || isa.has_round(),
            blendv: !is_arm && isa.has_blendv_lowering(types::I64X2),
            folds_loads: is_arm || has_flag(isa.as_ref(), "has_avx"),
            registers: if is_arm { 32 } else { 16 },
            prefetch: isa.name() == "x64",
        };
        Ok(Target { isa, features, is_host })
    }

    /// The architecture and the vector extensions that matter, for people.
    pub(crate) fn description(&self) -> String {
        let mut text = self.isa.name().to_string();
        for flag in self.isa.isa_flags() {
            let name = flag.name.trim_start_matches("has_");
            let matters = matches!(name, "sse41" | "avx" | "avx2" | "fma" | "avx512vl");
            if matters && flag.as_bool() == Some(true) {
                text.push('+');
                text.push_str(name);
            }
        }
        text
    }
}

fn has_flag(isa: &dyn TargetIsa, name: &str) -> bool {
    isa.isa_flags().iter().any(|flag| flag.name == name && flag.as_bool() == Some(true))
}

/// The settings at the head of the file.
fn flags() -> Result<settings::Flags, CodegenError> {
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    let mut builder = settings::builder();
    let wanted = [
        ("opt_level", "none"),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        ("enable_nan_canonicalization", "false"),
        ("enable_verifier", verify),
        ("unwind_info", "false"),
        // A frame beyond a page touches its pages in order, so that a guard page is met.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ];
    for (name, value) in wanted {
        builder.set(name, value).map_err(|error| internal(format!("setting {name}: {error}")))?;
    }
    Ok(settings::Flags::new(builder))
}

/// The interpreter has to take over.
pub(crate) fn unsupported(what: impl std::fmt::Display) -> CodegenError {
    CodegenError::Unsupported { backend: NAME, what: what.to_string() }
}

/// A bug, here or below.
pub(crate) fn internal(what: impl Into<String>) -> CodegenError {
    CodegenError::Internal(what.into())
}
