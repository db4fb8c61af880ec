//! Which back end runs.
//!
//! | | `Native` | `Sse2` | `Avx2`, `Avx512` |
//! |---|---|---|---|
//! | `Auto` | x64 of the widest level, Cranelift | Cranelift | x64 of that level, Cranelift |
//! | `X64` | the same | an error | the same |
//! | `Cranelift` | Cranelift | Cranelift | an error |
//! | `Interp` | the interpreter | the interpreter | the interpreter |
//!
//! Each back end takes the kernels that those before it decline ([`crate::chain`]), the interpreter what is
//! left. `Auto` does without what this machine has not; what was asked for by name must be there.

use std::sync::Arc;

use fuse_cranelift::CraneliftBackend;
use fuse_ir::{CodegenError, HostBackend};
use fuse_x64::{Level, X64Backend};

use crate::chain::Chain;
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
    /// AVX2 or AVX-512 where this machine has them; Cranelift for the kernels that this back end declines.
    X64,
}

/// The instruction set to compile for. The interpreter compiles for none, and takes any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Isa {
    /// What this machine has.
    #[default]
    Native,
    /// x86-64 without extensions: the same bits, slowly where there is no multiply-add.
    Sse2,
    /// AVX2 with FMA and F16C: 256-bit vectors.
    Avx2,
    /// AVX-512 F, CD, DQ, BW and VL: 512-bit vectors.
    Avx512,
}

/// The back ends to ask, in order.
pub(crate) fn host(backend: Backend, isa: Isa) -> Result<Chain, Error> {
    match (backend, isa) {
        (Backend::Interp, _) => Ok(Chain::new([])),
        (Backend::Auto, Isa::Native) => {
            let both = [x64(X64Backend::native()), cranelift(isa)];
            Ok(Chain::new(both.into_iter().flatten()))
        }
        (Backend::Auto, Isa::Sse2) => Ok(Chain::new(cranelift(isa))),
        (Backend::X64, Isa::Native) => x64_first(X64Backend::native()),
        (Backend::Auto | Backend::X64, Isa::Avx2) => x64_first(X64Backend::new(Level::Avx2)),
        (Backend::Auto | Backend::X64, Isa::Avx512) => x64_first(X64Backend::new(Level::Avx512)),
        (Backend::X64, Isa::Sse2) => Err(unsuitable(
            "the back end x64 compiles for avx2 and avx512: sse2 is for the back end cranelift",
        )),
        (Backend::Cranelift, Isa::Native | Isa::Sse2) => {
            Ok(Chain::new([cranelift(isa).map_err(codegen)?]))
        }
        (Backend::Cranelift, Isa::Avx2 | Isa::Avx512) => Err(unsuitable(
            "the vectors of the back end cranelift are 128 bits wide: avx2 and avx512 are for the back \
             end x64",
        )),
    }
}

type Made = Result<Arc<dyn HostBackend>, CodegenError>;

fn x64(backend: Result<X64Backend, CodegenError>) -> Made {
    Ok(Arc::new(backend?))
}

/// For this machine, or without extensions.
fn cranelift(isa: Isa) -> Made {
    Ok(Arc::new(match isa {
        Isa::Sse2 => CraneliftBackend::baseline("x86_64")?,
        Isa::Native | Isa::Avx2 | Isa::Avx512 => CraneliftBackend::native()?,
    }))
}

/// It must be there; Cranelift after it.
fn x64_first(backend: Result<X64Backend, CodegenError>) -> Result<Chain, Error> {
    let first = x64(backend).map_err(codegen)?;
    Ok(Chain::new([first].into_iter().chain(cranelift(Isa::Native))))
}

pub(crate) fn codegen(error: CodegenError) -> Error {
    unsuitable(error.to_string())
}

fn unsuitable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Codegen, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(backend: Backend, isa: Isa) -> Result<(String, String), String> {
        let chain = host(backend, isa).map_err(|error| error.to_string())?;
        Ok((chain.name().to_string(), chain.capabilities().isa))
    }

    #[test]
    fn every_choice_is_a_back_end_or_an_error_that_says_what_to_use() {
        for isa in [Isa::Native, Isa::Sse2, Isa::Avx2, Isa::Avx512] {
            assert_eq!(built(Backend::Interp, isa), Ok(("interp".into(), "none".into())));
        }
        for (isa, level) in [(Isa::Avx2, Level::Avx2), (Isa::Avx512, Level::Avx512)] {
            let narrow = built(Backend::Cranelift, isa).expect_err("too wide");
            assert!(narrow.contains("avx2 and avx512 are for the back end x64"), "{narrow}");
            for backend in [Backend::Auto, Backend::X64] {
                let found = built(backend, isa);
                if level.is_available() {
                    assert_eq!(found, Ok(("x64".into(), level.to_string())));
                } else {
                    assert!(found.expect_err("not here").contains(level.name()));
                }
            }
        }
        let baseline = built(Backend::X64, Isa::Sse2).expect_err("too narrow");
        assert!(baseline.contains("sse2 is for the back end cranelift"), "{baseline}");
    }

    #[test]
    fn the_widest_level_comes_first() {
        match Level::native() {
            Some(level) => {
                let widest = Ok(("x64".to_string(), level.to_string()));
                assert_eq!(built(Backend::Auto, Isa::Native), widest);
                assert_eq!(built(Backend::X64, Isa::Native), widest);
            }
            None => {
                assert_eq!(
                    built(Backend::Auto, Isa::Native),
                    built(Backend::Cranelift, Isa::Native)
                );
                assert!(built(Backend::X64, Isa::Native).is_err());
            }
        }
        assert_eq!(built(Backend::Auto, Isa::Sse2), built(Backend::Cranelift, Isa::Sse2));
    }
}
