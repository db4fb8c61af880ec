//! Which back end runs.

use std::sync::Arc;

use fuse_cranelift::CraneliftBackend;
use fuse_ir::HostBackend;
use fuse_ir::interp::Interpreter;

use crate::error::{Error, ErrorKind};

/// A compiler of kernels. The results' bits do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Backend {
    /// The fastest that this machine has; the interpreter where executable memory is refused.
    #[default]
    Auto,
    /// The interpreter.
    Interp,
    /// Cranelift, 128-bit vectors.
    Cranelift,
}

/// The instruction set to compile for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Isa {
    /// What this machine has.
    #[default]
    Native,
    /// x86-64 without extensions: the same bits, slowly where there is no multiply-add.
    Sse2,
}

/// Makes a back end.
pub(crate) fn host(backend: Backend, isa: Isa) -> Result<Arc<dyn HostBackend>, Error> {
    let cranelift = || match isa {
        Isa::Native => CraneliftBackend::native(),
        Isa::Sse2 => CraneliftBackend::baseline("x86_64"),
    };
    match backend {
        Backend::Interp => Ok(Arc::new(Interpreter)),
        Backend::Auto => match cranelift() {
            Ok(backend) => Ok(Arc::new(backend)),
            Err(_) => Ok(Arc::new(Interpreter)),
        },
        Backend::Cranelift => match cranelift() {
            Ok(backend) => Ok(Arc::new(backend)),
            Err(error) => Err(Error::new(ErrorKind::Codegen, error.to_string())),
        },
    }
}
