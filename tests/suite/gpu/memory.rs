//! Memory of the fake driver's devices, and copies from and to it.
//!
//! Safe wherever one copies to: the fake driver's memory is simulated, and it refuses what is outside.

#![expect(unsafe_code, reason = "copies and frees go by addresses of simulated memory")]

use fuse_ir::{Device, DeviceAddress, DeviceError};
use fuse_ptx::CudaDevice;

/// Memory of a device, freed when it is dropped unless it is somebody else's.
pub(crate) struct Memory<'d> {
    device: &'d CudaDevice,
    pub(crate) address: DeviceAddress,
    is_own: bool,
}

impl<'d> Memory<'d> {
    pub(crate) fn new(device: &'d CudaDevice, bytes: usize) -> Memory<'d> {
        Memory { is_own: true, ..Memory::at(device, device.alloc(bytes).expect("memory")) }
    }

    /// Memory of somebody else's, or of nobody's.
    pub(crate) fn at(device: &'d CudaDevice, address: DeviceAddress) -> Memory<'d> {
        assert_simulated(device);
        Memory { device, address, is_own: false }
    }

    /// Copies bytes to those from `start` on.
    pub(crate) fn upload(&self, start: i64, from: &[u8]) -> Result<(), DeviceError> {
        // SAFETY: the memory is simulated, as was asserted.
        unsafe { self.device.upload(self.address.offset(start), from) }
    }

    /// Copies those from `start` on.
    pub(crate) fn download(&self, start: i64, to: &mut [u8]) -> Result<(), DeviceError> {
        // SAFETY: the memory is simulated, as was asserted.
        unsafe { self.device.download(to, self.address.offset(start)) }
    }

    /// Enqueues a copy of so many bytes of another's, from `there` on, to those from `here` on.
    pub(crate) fn copy_from(
        &self,
        here: i64,
        (other, there): (&Memory<'_>, i64),
        bytes: usize,
    ) -> Result<(), DeviceError> {
        let (to, from) = (self.address.offset(here), other.address.offset(there));
        // SAFETY: the memory is simulated, as was asserted.
        unsafe { self.device.copy(to, from, bytes) }
    }

    /// Does not free it: the device does when it goes.
    pub(crate) fn leave(mut self) {
        self.is_own = false;
    }
}

impl Drop for Memory<'_> {
    fn drop(&mut self) {
        if self.is_own {
            free(self.device, self.address);
        }
    }
}

/// Frees what lies at an address, if anything does.
pub(crate) fn free(device: &CudaDevice, address: DeviceAddress) {
    assert_simulated(device);
    // SAFETY: the memory is simulated, as was asserted.
    unsafe { device.free(address) }
}

/// The device is the fake driver's: its memory is simulated, and its kernels are interpreted.
pub(crate) fn assert_simulated(device: &CudaDevice) {
    assert!(device.info().name.starts_with("Fake driver"), "a device of the fake driver");
}
