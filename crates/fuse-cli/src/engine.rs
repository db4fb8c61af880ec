//! Engines from the command line's options.

use fuse::{Backend, Engine, Isa, Mode};

use crate::args::{BackendChoice, EngineArgs, IsaChoice};
use crate::failure::Failure;

/// The engine that the options ask for; `threads` 0 means all.
pub(crate) fn build(options: &EngineArgs, threads: usize) -> Result<Engine, Failure> {
    let backend = match options.backend {
        None => Backend::Auto,
        Some(BackendChoice::Interp) => Backend::Interp,
        Some(BackendChoice::Cranelift) => Backend::Cranelift,
        Some(BackendChoice::X64) => return Err(missing_backend("x64")),
        Some(BackendChoice::Cuda) => return Err(missing_backend("cuda")),
    };
    let isa = match options.isa {
        None | Some(IsaChoice::Native) => Isa::Native,
        Some(IsaChoice::Sse2) => Isa::Sse2,
    };
    let mode = if options.strict { Mode::Strict } else { Mode::Relaxed };
    Ok(Engine::builder().backend(backend).isa(isa).mode(mode).threads(threads).build()?)
}

fn missing_backend(name: &str) -> Failure {
    Failure::Usage(format!(
        "the back end `{name}` is not built in; there are `cranelift` and `interp`"
    ))
}
