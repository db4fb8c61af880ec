//! Programs to PTX text, for NVIDIA devices.
//!
//! [`emit`] is pure: the same text for the same program, on any machine, with no device.

#![cfg_attr(not(feature = "cuda"), forbid(unsafe_code))]
#![cfg_attr(feature = "cuda", deny(unsafe_code))]
#![warn(missing_docs)]

#[cfg(feature = "cuda")]
mod cuda;

#[cfg(feature = "cuda")]
pub use cuda::{CudaDevice, address_of};
/// The crate whose arrays can be used where they lie.
#[cfg(feature = "cuda")]
pub use cudarc;

use fuse_ir::device::ModuleOptions;
use fuse_ir::{DeviceError, Program};

/// The text of a program's module.
///
/// # Errors
/// [`DeviceError::Unsupported`], with what is too much for a device.
pub fn emit(program: &Program, options: ModuleOptions) -> Result<String, DeviceError> {
    let _ = (program, options);
    Err(DeviceError::Unsupported("no code is emitted yet".to_string()))
}
