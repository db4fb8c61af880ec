//! Device memory of somebody else's as an array: a promise about what lies at an address.

#![expect(unsafe_code, reason = "takes an address of device memory for an array")]

use fuse_ir::{DType, DeviceAddress};

use crate::device::{Device, DeviceArray};
use crate::error::Error;

impl DeviceArray {
    /// An array over memory of a device that other code allocated: `len` elements in C order from
    /// `address` on. The memory is borrowed: it is never freed, and not copied.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] where the shape does not have `len` elements, or where the address is 0
    /// or not aligned to an element (half a one, for complex numbers); [`crate::ErrorKind::Type`] for texts.
    ///
    /// # Safety
    /// While the array lives, the elements are memory of this device, and written before a call reads them;
    /// other code writes to them in no call's time (a call may begin when that code has finished, not
    /// when it has been enqueued), and reads none that a call may write. When a call has returned, its
    /// kernels have finished.
    ///
    /// ```no_run
    /// use fuse::{DType, Device, DeviceArray};
    ///
    /// # let pointer_of_other_code = 256;
    /// let device = Device::cuda(0)?;
    /// // SAFETY: 1024 numbers that the other code has written, and keeps until `x` is dropped.
    /// let x = unsafe { DeviceArray::from_raw(&device, pointer_of_other_code, 1024, DType::F32, &[32, 32]) }?;
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub unsafe fn from_raw(
        device: &Device,
        address: u64,
        len: usize,
        dtype: DType,
        shape: &[usize],
    ) -> Result<DeviceArray, Error> {
        let (context, address) = (&device.context, DeviceAddress(address));
        // SAFETY: promised by the caller.
        let array =
            unsafe { fuse_runtime::DeviceArray::from_raw(context, address, len, (dtype, shape)) };
        array.map(DeviceArray).map_err(|error| Error::from_run("", error))
    }
}
