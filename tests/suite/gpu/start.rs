//! Starts kernels on the fake driver, whatever the parameters.

#![expect(unsafe_code, reason = "starts kernels")]

use fuse_ir::device::ModuleId;
use fuse_ir::{Device, DeviceError};
use fuse_ptx::CudaDevice;

use super::memory::assert_simulated;

/// Starts a kernel of some blocks with some parameters. For tests of the fake driver, whose kernels run in
/// the interpreter: whatever they are given, they cannot harm this process.
pub(crate) fn launch(
    device: &CudaDevice,
    module: ModuleId,
    entry: &str,
    (grid, params): (u32, &[u64]),
) -> Result<(), DeviceError> {
    assert_simulated(device);
    // SAFETY: the interpreter checks every access of a kernel, and the driver the parameters' number.
    unsafe { device.launch(module, entry, grid, params) }
}
