//! Engines from the command line's options.

use fuse::{Backend, Device, Engine, EngineBuilder, Isa, Mode};

use crate::args::{BackendChoice, EngineArgs, IsaChoice};
use crate::failure::{Failure, ON_CPU};

/// The engine that the options ask for, its device opened; `threads` 0 means all.
pub(crate) fn build(options: &EngineArgs, threads: usize) -> Result<Engine, Failure> {
    let builder = builder(options)?.threads(threads);
    Ok(match options.backend {
        Some(BackendChoice::Cuda) => builder.device(&open(options.device.unwrap_or(0))?).build()?,
        None | Some(BackendChoice::Interp | BackendChoice::Cranelift | BackendChoice::X64) => {
            builder.build()?
        }
    })
}

/// The same for what runs nothing: needs no device.
pub(crate) fn without_device(options: &EngineArgs) -> Result<Engine, Failure> {
    Ok(builder(options)?.build()?)
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
        Some(BackendChoice::X64) => return Err(missing_backend("x64")),
    };
    let isa = match options.isa {
        None | Some(IsaChoice::Native) => Isa::Native,
        Some(IsaChoice::Sse2) => Isa::Sse2,
    };
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

fn missing_backend(name: &str) -> Failure {
    Failure::Usage(format!(
        "the back end `{name}` is not built in; there are `cranelift`, `interp` and `cuda`"
    ))
}
