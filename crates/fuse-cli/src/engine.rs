//! Engines from the command line's options.

use fuse::{Backend, Device, Engine, EngineBuilder, Isa, Mode};

use crate::args::{BackendChoice, EngineArgs, IsaChoice};
use crate::failure::{Failure, ON_CPU};

/// The engine that the options ask for, its device opened; `threads` 0 means all.
pub(crate) fn build(options: &EngineArgs, threads: usize) -> Result<Engine, Failure> {
    let builder = builder(options)?.threads(threads);
    match options.backend {
        Some(BackendChoice::Cuda) => built(builder.device(&open(options.device.unwrap_or(0))?)),
        None | Some(BackendChoice::Interp | BackendChoice::Cranelift | BackendChoice::X64) => {
            built(builder)
        }
    }
}

/// The same for what runs nothing: needs no device.
pub(crate) fn without_device(options: &EngineArgs) -> Result<Engine, Failure> {
    built(builder(options)?)
}

/// What fails here is a back end or an instruction set that this machine has not.
fn built(builder: EngineBuilder) -> Result<Engine, Failure> {
    builder
        .build()
        .map_err(|error| Failure::Advised { message: error.to_string(), help: OTHER_CPU })
}

fn builder(options: &EngineArgs) -> Result<EngineBuilder, Failure> {
    let on_device = options.backend == Some(BackendChoice::Cuda);
    if options.device.is_some() && !on_device {
        return Err(Failure::Usage("--device is for `--backend cuda`".to_string()));
    }
    if options.isa.is_some() && on_device {
        let message = "--isa is for the CPU's back ends, not for `--backend cuda`";
        return Err(Failure::Usage(message.to_string()));
    }
    let backend = match options.backend {
        None | Some(BackendChoice::Cuda) => Backend::Auto,
        Some(BackendChoice::Interp) => Backend::Interp,
        Some(BackendChoice::Cranelift) => Backend::Cranelift,
        Some(BackendChoice::X64) => Backend::X64,
    };
    let isa = match options.isa {
        None | Some(IsaChoice::Native) => Isa::Native,
        Some(IsaChoice::Sse2) => Isa::Sse2,
        Some(IsaChoice::Avx2) => Isa::Avx2,
        Some(IsaChoice::Avx512) => Isa::Avx512,
    };
    check_pair(backend, isa)?;
    let mode = if options.strict { Mode::Strict } else { Mode::Relaxed };
    Ok(Engine::builder().backend(backend).isa(isa).mode(mode))
}

fn open(ordinal: u32) -> Result<Device, Failure> {
    Device::cuda(ordinal).map_err(|error| {
        let there_are_some = Device::list().is_ok_and(|all| !all.is_empty());
        let help = if there_are_some { OTHER_DEVICE } else { ON_CPU };
        Failure::Advised { message: error.to_string(), help }
    })
}

/// What to do where a device cannot be opened, and there are devices.
const OTHER_DEVICE: &str =
    "`fuse info --gpu` lists the devices; leave `--backend cuda` away to run on the CPU";

/// What to do where the CPU lacks what was asked for.
const OTHER_CPU: &str = "`fuse info --cpu` shows what this CPU has; leave `--backend` and `--isa` away for the fastest of it";

/// A back end and an instruction set that is another's.
fn check_pair(backend: Backend, isa: Isa) -> Result<(), Failure> {
    let message = match (backend, isa) {
        (Backend::Cranelift, Isa::Avx2 | Isa::Avx512) => {
            "the vectors of `--backend cranelift` are 128 bits wide: avx2 and avx512 are for `--backend x64`"
        }
        (Backend::X64, Isa::Sse2) => {
            "--backend x64 compiles for avx2 and avx512: sse2 is for `--backend cranelift`"
        }
        (Backend::Auto | Backend::Interp, _)
        | (Backend::Cranelift, Isa::Native | Isa::Sse2)
        | (Backend::X64, Isa::Native | Isa::Avx2 | Isa::Avx512) => return Ok(()),
    };
    Err(Failure::Usage(message.to_string()))
}
