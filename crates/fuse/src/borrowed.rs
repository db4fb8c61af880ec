//! Device memory of somebody else's as an array: promises about what lies at an address.

#![expect(unsafe_code, reason = "takes addresses of device memory for arrays")]

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

/// A slice of the `cudarc` crate as an array, borrowed: a variable for engines of its device.
#[cfg(feature = "cuda")]
#[derive(Debug)]
pub struct CudaView<'a> {
    array: DeviceArray,
    slice: std::marker::PhantomData<&'a ()>,
}

#[cfg(feature = "cuda")]
impl<'a> CudaView<'a> {
    /// A slice in C order. Waits until everything has run that the slice's stream has been given.
    ///
    /// A slice that results are to be written to goes by its address, through [`DeviceArray::from_raw`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] where the shape does not have as many elements as the slice, or where the
    /// slice is on another device; [`crate::ErrorKind::Device`] where its stream failed.
    pub fn new<T: fuse_runtime::Element>(
        device: &Device,
        slice: &'a fuse_ptx::cudarc::driver::CudaSlice<T>,
        shape: &[usize],
    ) -> Result<CudaView<'a>, Error> {
        let (own, wanted) = (slice.context().ordinal(), device.info().ordinal);
        if u32::try_from(own) != Ok(wanted) {
            let message = format!("the slice is on device {own}, not on device {wanted}");
            return Err(Error::new(crate::ErrorKind::Input, message));
        }
        let address = fuse_ptx::address_of(slice)?.0;
        // SAFETY: the slice keeps its elements on this device while it is borrowed. What was to write to
        // them has run; what writes to them later needs the slice for itself, and finds that calls that
        // read them have returned, their kernels finished.
        let array =
            unsafe { DeviceArray::from_raw(device, address, slice.len(), T::DTYPE, shape) }?;
        Ok(CudaView { array, slice: std::marker::PhantomData })
    }
}

#[cfg(feature = "cuda")]
impl std::ops::Deref for CudaView<'_> {
    type Target = DeviceArray;

    fn deref(&self) -> &DeviceArray {
        &self.array
    }
}

#[cfg(feature = "cuda")]
impl crate::vars::AsInput for CudaView<'_> {
    fn as_input(&self) -> crate::vars::Input<'_> {
        self.array.as_input()
    }
}
