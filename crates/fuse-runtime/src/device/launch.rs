//! Starts kernels, and takes memory that somebody else allocated: promises about device memory.

#![expect(unsafe_code, reason = "kernels read and write device memory by address")]

use std::sync::Arc;

use fuse_ir::device::{Entry, ModuleId};
use fuse_ir::{DType, DeviceAddress, DeviceError, MAX_RANK, Pass, checked_len};

use crate::device::arguments::Words;
use crate::device::array::DeviceArray;
use crate::device::context::DeviceContext;
use crate::error::{RunError, ViewError};

/// Enqueues an entry of a pass. The words are addresses, extents and strides of a call's own arrays, which
/// [`crate::plan::picked`] and [`crate::plan::input_strides`] keep inside their memory.
pub(super) fn launch(
    context: &DeviceContext,
    (module, number): (ModuleId, usize),
    (pass, entry): (&Pass, Entry),
    grid: u32,
    words: &Words,
) -> Result<(), DeviceError> {
    assert!(entry.exists(pass), "the pass has this entry");
    assert_eq!(words.len(), entry.params(pass).len(), "one word for each parameter");
    // SAFETY: the words are as many as the entry has parameters, and made in their order; the arrays of
    // a call are as large as their extents say, walks stay inside of them (see above), and a context
    // runs one call at a time.
    unsafe { context.device().launch(module, &entry.symbol(number), grid, words) }
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
        Ok(DeviceArray::over(context.borrow(address), dtype, extents, len))
    }
}
