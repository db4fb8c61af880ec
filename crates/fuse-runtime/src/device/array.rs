//! Arrays in a device's memory.

use std::sync::Arc;

use fuse_ir::device::Queue;
use fuse_ir::{ByteOrder, DType, DeviceAddress, Extents, checked_len, contiguous_strides};

use crate::array::{Array, bytes_of};
use crate::device::context::{Buffer, DeviceContext};
use crate::device::stage;
use crate::error::{AllocError, RunError};
use crate::overlap::may_share;
use crate::views::{Address, Raw, Strides, View, ViewMut};

/// An array in a device's memory: C order, native. See the module.
///
/// Dropping one returns its memory; what still computes on it then is done first.
#[derive(Debug)]
pub struct DeviceArray {
    buffer: Buffer,
    dtype: DType,
    extents: Extents,
    /// Those of C order; inside this module, 0 along axes where it stays the same.
    strides: Strides,
    len: usize,
}

impl DeviceArray {
    /// A copy of a host array of any layout.
    ///
    /// # Errors
    /// [`RunError::Unsupported`] for texts, which no device reads; [`RunError::Device`].
    pub fn upload(context: &Arc<DeviceContext>, view: &View<'_>) -> Result<DeviceArray, RunError> {
        let raw = view.raw();
        if raw.dtype.is_text() {
            return Err(RunError::Unsupported { dtype: raw.dtype });
        }
        let array = DeviceArray::unwritten(context, raw.dtype, raw.extents)?;
        let _call = context.begin()?;
        stage::upload(raw, &array.buffer)?;
        context.order(Queue::Upload, Queue::Compute)?;
        Ok(array)
    }

    /// A copy on the host.
    ///
    /// # Errors
    /// [`RunError::Alloc`], [`RunError::Device`].
    pub fn download(&self) -> Result<Array, RunError> {
        let mut array = Array::zeroed(self.dtype, &self.extents)?;
        self.download_to(array.raw_mut())?;
        Ok(array)
    }

    /// Copies it to memory of the host's, of its dtype and extents, in any layout.
    ///
    /// # Errors
    /// [`RunError::OutputDType`] or [`RunError::OutputShape`], of output 0; [`RunError::Device`].
    pub fn download_into(&self, out: &mut ViewMut<'_>) -> Result<(), RunError> {
        let raw = out.raw();
        self.check_fits(raw.dtype, raw.extents)?;
        self.download_to(raw)
    }

    fn download_to(&self, raw: Raw<'_>) -> Result<(), RunError> {
        let context = self.context();
        let _call = context.begin()?;
        context.order(Queue::Upload, Queue::Download)?;
        context.order(Queue::Compute, Queue::Download)?;
        stage::download(&self.buffer, raw)
    }

    /// Takes over the elements of another array of this device, which has its dtype and extents. They are
    /// there when it returns.
    ///
    /// # Errors
    /// [`RunError::OutputOnDevice`], [`RunError::OutputDType`] or [`RunError::OutputShape`] where it is
    /// another's, then of output 0; [`RunError::Device`].
    pub fn copy_from(&mut self, other: &DeviceArray) -> Result<(), RunError> {
        if !Arc::ptr_eq(self.context(), other.context()) {
            return Err(RunError::OutputOnDevice { output: 0 });
        }
        other.check_fits(self.dtype, &self.extents)?;
        let bytes = self.len * self.dtype.size();
        if bytes == 0 || self.address() == other.address() {
            return Ok(());
        }
        let context = self.context();
        let between =
            may_share(self.raw(), other.raw()).then(|| context.alloc(bytes)).transpose()?;
        let _call = context.begin()?;
        let mut from = &other.buffer;
        if let Some(between) = &between {
            between.copy_from(from, bytes)?;
            from = between;
        }
        self.buffer.copy_from(from, bytes)?;
        Ok(context.device().synchronize(Queue::Compute)?)
    }

    /// Can an output of that dtype and these extents take the elements?
    fn check_fits(&self, dtype: DType, extents: &[usize]) -> Result<(), RunError> {
        if self.dtype != dtype {
            let (expected, found) = (self.dtype, dtype);
            return Err(RunError::OutputDType { output: 0, expected, found });
        }
        if self.extents() != extents {
            let (expected, found) = (self.extents.clone(), Extents::from_slice(extents));
            return Err(RunError::OutputShape { output: 0, expected, found });
        }
        Ok(())
    }

    /// An array whose elements must be written before anything reads them.
    pub(super) fn unwritten(
        context: &Arc<DeviceContext>,
        dtype: DType,
        extents: &[usize],
    ) -> Result<DeviceArray, RunError> {
        let refused = || AllocError { bytes: bytes_of(dtype, extents) };
        let len = checked_len(extents, dtype.size()).ok_or_else(refused)?;
        let buffer = context.alloc(len * dtype.size())?;
        Ok(DeviceArray::over(buffer, dtype, extents, len))
    }

    /// An array over memory that holds `len` elements, as many as the extents make.
    pub(super) fn over(buffer: Buffer, dtype: DType, extents: &[usize], len: usize) -> DeviceArray {
        let strides = contiguous_strides(extents, dtype.size());
        DeviceArray { buffer, dtype, extents: Extents::from_slice(extents), strides, len }
    }

    /// The same memory as an array of these extents and strides, all of whose elements lie in it.
    pub(super) fn spread(self, extents: &[usize], strides: Strides) -> DeviceArray {
        let extents = Extents::from_slice(extents);
        let len = extents.iter().product();
        DeviceArray { extents, strides, len, ..self }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Extents, outermost first; empty for a 0-d array.
    pub fn extents(&self) -> &[usize] {
        &self.extents
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The address of its first element; 0 for an array of no elements.
    pub fn address(&self) -> DeviceAddress {
        self.buffer.address()
    }

    /// Its memory.
    pub(super) fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The device and its memory.
    pub fn context(&self) -> &Arc<DeviceContext> {
        self.buffer.context()
    }

    /// What plans see: addresses that nothing on the host may read.
    pub(crate) fn raw(&self) -> Raw<'_> {
        let address = usize::try_from(self.address().0).expect("devices have addresses of 64 bits");
        Raw {
            base: Address(std::ptr::without_provenance_mut(address)),
            dtype: self.dtype,
            order: ByteOrder::Native,
            extents: &self.extents,
            strides: &self.strides,
        }
    }
}

/// The address in device memory that a plan's stands for.
pub(super) fn device_address(address: Address) -> DeviceAddress {
    DeviceAddress(address.0.addr() as u64)
}
