//! Executable memory for fuse, and the only code that turns bytes into a function.
//!
//! ```text
//! machine code ──CompiledCode::new──▶ pages of a slab ──CompiledCode::call──▶ runs
//!                                          ▲
//!                                   freed on drop, reused
//! ```
//!
//! * [`CompiledCode`] owns its pages. Dropping it gives them back; 200 000 compilations in a row use
//!   the same few.
//! * A page is writable or executable, never both, at any moment: see `slab`.
//! * Refused memory is a [`CodeError`], never a panic: hardened systems forbid executable pages, and
//!   the caller has an interpreter.
//!
//! This crate knows no kernels: the type of the argument is the caller's.

#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("fuse-code supports Linux on x86-64 and aarch64");

mod arena;
mod pages;
mod runs;

pub use pages::CompiledCode;

/// Why executable memory could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The system refused: no memory, too many mappings, or a policy against executable pages.
    #[error("the system refused to {action} {bytes} bytes: {errno}")]
    Refused {
        /// What was asked for.
        action: &'static str,
        /// Of how many bytes.
        bytes: usize,
        /// What the system said.
        errno: rustix::io::Errno,
    },
    /// There is no code to place.
    #[error("there is no code")]
    Empty,
}
