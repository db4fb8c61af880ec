//! The device's calls that take addresses: copies, kernels, and what is freed. All that the runtime promises
//! about device memory is promised here.
//!
//! ```text
//! DeviceArray ──▶ Buffer ──▶ Allocation    frees itself; copies stay inside of it
//! Arguments ──▶ words ──▶ launch           walks stay inside of their arrays
//! ```
//!
//! What one function cannot see, and rests on:
//!
//! * **Order.** Calls of a context run one after the other ([`DeviceContext::begin`]), with their uploads
//!   behind whatever earlier ones enqueued. In a call, kernels and copies inside the device are of one
//!   queue; they wait for uploads, and downloads for them ([`DeviceContext::order`]). Memory changes hands
//!   through the pool alone, and so from one call's work to a later one's.
//! * **Written before read.** [`DeviceArray::unwritten`] is for those who fill the array at once, and let
//!   nobody have it where that fails. What kernels read was uploaded, or written by a kernel before.

#![expect(unsafe_code, reason = "copies, kernels and frees go by addresses of device memory")]

use std::ops::Range;
use std::sync::Arc;

use fuse_ir::device::ModuleId;
use fuse_ir::{DType, Device, DeviceAddress, DeviceError, MAX_RANK, checked_len};

use crate::device::arguments::Words;
use crate::device::array::DeviceArray;
use crate::device::context::{Buffer, DeviceContext};
use crate::device::entries::Layout;
use crate::error::{RunError, ViewError};

/// Bytes of a device: allocated, and freed with their owner; or of somebody else's.
///
/// **Invariant**: as long as it lives, `bytes` bytes from `address` on are of one allocation of the device.
pub(crate) struct Allocation {
    device: Arc<dyn Device>,
    address: DeviceAddress,
    bytes: usize,
    owner: Owner,
}

/// Who frees an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// Its drop.
    This,
    /// Somebody else, or nobody where it has no bytes.
    Other,
}

impl Allocation {
    /// New memory; no bytes have no address.
    pub(super) fn new(device: &Arc<dyn Device>, bytes: usize) -> Result<Allocation, DeviceError> {
        let (address, owner) = match bytes {
            0 => (DeviceAddress(0), Owner::Other),
            _ => (device.alloc(bytes)?, Owner::This),
        };
        Ok(Allocation { device: Arc::clone(device), address, bytes, owner })
    }

    /// Memory that somebody else frees.
    ///
    /// # Safety
    /// While it lives, so many bytes from the address on are of one allocation of the device.
    unsafe fn lent(device: &Arc<dyn Device>, address: DeviceAddress, bytes: usize) -> Allocation {
        Allocation { device: Arc::clone(device), address, bytes, owner: Owner::Other }
    }

    /// The first byte; 0 where there is none.
    pub(super) fn address(&self) -> DeviceAddress {
        self.address
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Is it there to be used again?
    pub(super) fn is_reusable(&self) -> bool {
        self.owner == Owner::This
    }

    /// Where these of its bytes begin.
    fn part(&self, range: Range<usize>) -> DeviceAddress {
        assert!(
            range.start <= range.end && range.end <= self.bytes,
            "bytes {range:?} of an allocation of {}",
            self.bytes
        );
        self.address.offset(range.start.cast_signed() as i64)
    }

    /// Copies bytes to those from `start` on; none are none.
    pub(super) fn upload(&self, start: usize, from: &[u8]) -> Result<(), DeviceError> {
        let to = self.part(start..start.saturating_add(from.len()));
        if from.is_empty() {
            return Ok(());
        }
        // SAFETY: `part` keeps to the allocation, which lives; ordered as the module says.
        unsafe { self.device.upload(to, from) }
    }

    /// Copies those from `start` on to the host; none are none.
    pub(super) fn download(&self, start: usize, to: &mut [u8]) -> Result<(), DeviceError> {
        let from = self.part(start..start.saturating_add(to.len()));
        if to.is_empty() {
            return Ok(());
        }
        // SAFETY: `part` keeps to the allocation, which lives; written and ordered as the module says.
        unsafe { self.device.download(to, from) }
    }

    /// Enqueues a copy of the first bytes of another allocation of this device, to the first of this.
    pub(super) fn copy_from(&self, other: &Allocation, bytes: usize) -> Result<(), DeviceError> {
        assert!(Arc::ptr_eq(&self.device, &other.device), "the allocations are of two devices");
        let (to, from) = (self.part(0..bytes), other.part(0..bytes));
        let apart = to.0.abs_diff(from.0) >= bytes as u64;
        assert!(apart, "a copy onto a part of itself");
        // SAFETY: `part` keeps to the allocations, which live and are of this device, and which share
        // none of these bytes; written and ordered as the module says.
        unsafe { self.device.copy(to, from, bytes) }
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.owner == Owner::This {
            // SAFETY: what `new` was given, freed here alone; who enqueues work on it holds it.
            unsafe { self.device.free(self.address) }
        }
    }
}

/// Enqueues an entry of a pass. The words are addresses, extents and strides of a call's own arrays, which
/// [`crate::plan::picked`] and [`crate::plan::input_strides`] keep inside their memory.
pub(super) fn launch(
    context: &DeviceContext,
    (module, entry): (ModuleId, &Layout),
    grid: u32,
    words: &Words,
) -> Result<(), DeviceError> {
    assert_eq!(words.len(), entry.params.len(), "one word for each parameter");
    // SAFETY: the words are as many as the entry has parameters, and made in their order; the arrays of
    // a call are as large as their extents say, walks stay inside of them (see above); written and
    // ordered as the module says.
    unsafe { context.device().launch(module, &entry.symbol, grid, words) }
}

impl DeviceArray {
    /// An array over device memory of any origin, which is borrowed and never freed: `len` elements in C
    /// order from `address` on.
    ///
    /// # Errors
    /// [`ViewError::Length`] where the extents do not make `len` elements, [`ViewError::Address`] where no
    /// elements of the dtype can lie there; [`RunError::Unsupported`] for texts.
    ///
    /// # Safety
    /// While the array lives, the elements are memory of the context's device, written before they are
    /// read; and nothing but calls that are given this array writes to them, nor reads them while such a
    /// call writes.
    pub unsafe fn from_raw(
        context: &Arc<DeviceContext>,
        address: DeviceAddress,
        len: usize,
        (dtype, extents): (DType, &[usize]),
    ) -> Result<DeviceArray, RunError> {
        if dtype.is_text() {
            return Err(RunError::Unsupported { dtype });
        }
        let alignment = dtype.part().unwrap_or(dtype).size() as u64;
        if len > 0 && (address.0 == 0 || !address.0.is_multiple_of(alignment)) {
            return Err(ViewError::Address { address: address.0, alignment }.into());
        }
        if extents.len() > MAX_RANK || checked_len(extents, dtype.size()) != Some(len) {
            return Err(ViewError::Length { len }.into());
        }
        // SAFETY: the caller's promise; `len` elements have no more bytes than a `usize` counts.
        let lent = unsafe { Allocation::lent(context.device(), address, len * dtype.size()) };
        Ok(DeviceArray::over(Buffer::of(context, lent), dtype, extents, len))
    }
}

impl std::fmt::Debug for Allocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Allocation")
            .field("address", &self.address)
            .field("bytes", &self.bytes)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
