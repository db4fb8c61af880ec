//! Owned arrays: C order, native bytes, 64-byte aligned.
//!
//! An [`Array`] that a caller can reach has every byte written: public constructors fill it, and
//! [`crate::Executable::run_alloc`] hands one out only after a call that succeeded, which writes every
//! element. A `bool` array holds only 0 and 1.

#![expect(unsafe_code, reason = "gives owned memory out as typed slices")]

use fuse_ir::{ByteOrder, DType, Extents, MAX_RANK, TextConstant, checked_len, contiguous_strides};

use crate::element::Element;
use crate::error::{AllocError, ViewError};
use crate::memory::Memory;
use crate::views::{Address, Raw, Strides, View, ViewMut};

/// An owned array of any dtype. See the module.
#[derive(Debug)]
pub struct Array {
    memory: Memory,
    dtype: DType,
    extents: Extents,
    strides: Strides,
    len: usize,
}

impl Array {
    /// An array of zeros.
    ///
    /// # Errors
    /// [`AllocError`] where its bytes cannot be had.
    pub fn zeroed(dtype: DType, extents: &[usize]) -> Result<Array, AllocError> {
        let len = checked(dtype, extents)?;
        Ok(Array::over(Memory::zeroed(len * dtype.size())?, dtype, extents, len))
    }

    /// An array whose elements must be written before anything reads them.
    pub(crate) fn unwritten(dtype: DType, extents: &[usize]) -> Result<Array, AllocError> {
        let len = checked(dtype, extents)?;
        Ok(Array::over(Memory::unwritten(len * dtype.size())?, dtype, extents, len))
    }

    fn over(memory: Memory, dtype: DType, extents: &[usize], len: usize) -> Array {
        let strides = contiguous_strides(extents, dtype.size());
        Array { memory, dtype, extents: Extents::from_slice(extents), strides, len }
    }

    /// A copy of a slice in C order.
    ///
    /// # Errors
    /// [`ViewError::Length`] where the extents do not make its length, [`ViewError::Alloc`] where its
    /// bytes cannot be had.
    pub fn from_slice<T: Element>(slice: &[T], extents: &[usize]) -> Result<Array, ViewError> {
        View::from_shaped(slice, extents)?;
        let array = Array::unwritten(T::DTYPE, extents)?;
        // SAFETY: the extents make `slice.len()` elements, the array holds as many of this size, and
        // it is not shared yet.
        unsafe {
            let to = array.memory.as_ptr().cast::<T>();
            std::ptr::copy_nonoverlapping(slice.as_ptr(), to, slice.len());
        }
        Ok(array)
    }

    /// Texts in C order, of NumPy's `U` as long as the longest, at least 1.
    ///
    /// # Errors
    /// As [`Array::from_slice`].
    pub fn from_texts<T: AsRef<str>>(texts: &[T], extents: &[usize]) -> Result<Array, ViewError> {
        let texts = texts.iter().map(|text| TextConstant::text(text.as_ref()));
        Array::from_constants(&texts.collect::<Vec<_>>(), DType::Text, extents)
    }

    /// Byte strings in C order, of NumPy's `S` as long as the longest, at least 1.
    ///
    /// # Errors
    /// As [`Array::from_slice`].
    pub fn from_byte_strings<T: AsRef<[u8]>>(
        strings: &[T],
        extents: &[usize],
    ) -> Result<Array, ViewError> {
        let strings = strings.iter().map(|string| TextConstant::bytes(string.as_ref()));
        Array::from_constants(&strings.collect::<Vec<_>>(), DType::Bytes, extents)
    }

    fn from_constants(
        texts: &[TextConstant],
        of_length: fn(u32) -> DType,
        extents: &[usize],
    ) -> Result<Array, ViewError> {
        let units = texts.iter().map(|text| text.memory().len() / of_length(1).size());
        let longest = u32::try_from(units.max().unwrap_or(0).max(1));
        let fits = extents.len() <= MAX_RANK && checked_len(extents, 1) == Some(texts.len());
        let (Ok(longest), true) = (longest, fits) else {
            return Err(ViewError::Length { len: texts.len() });
        };
        let dtype = of_length(longest);
        let mut array = Array::zeroed(dtype, extents)?;
        let elements = array.bytes_mut().chunks_exact_mut(dtype.size());
        for (element, text) in elements.zip(texts) {
            element[..text.memory().len()].copy_from_slice(text.memory());
        }
        Ok(array)
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

    /// The elements in C order, if they are of this type.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        if T::DTYPE != self.dtype {
            return None;
        }
        // SAFETY: the memory holds `len` written elements of this dtype, 64-byte aligned.
        Some(unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast::<T>(), self.len) })
    }

    /// The elements in C order, to be changed, if they are of this type.
    pub fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        if T::DTYPE != self.dtype {
            return None;
        }
        // SAFETY: as for `as_slice`, and `self` is borrowed mutably.
        Some(unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr().cast::<T>(), self.len) })
    }

    /// The elements' bytes, native order.
    pub fn as_bytes(&self) -> &[u8] {
        let bytes = self.len * self.dtype.size();
        // SAFETY: the memory holds that many written bytes.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), bytes) }
    }

    /// The elements' bytes, to be written with elements of the dtype.
    fn bytes_mut(&mut self) -> &mut [u8] {
        let bytes = self.len * self.dtype.size();
        // SAFETY: as for `as_bytes`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr(), bytes) }
    }

    /// The array, borrowed to read.
    pub fn view(&self) -> View<'_> {
        View::contiguous(self.memory.as_ptr(), self.dtype, &self.extents)
    }

    /// The array, borrowed to write.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::contiguous(self.memory.as_ptr(), self.dtype, &self.extents)
    }

    /// The memory and shape, to read.
    pub(crate) fn raw(&self) -> Raw<'_> {
        Raw {
            base: Address(self.memory.as_ptr()),
            dtype: self.dtype,
            order: ByteOrder::Native,
            extents: &self.extents,
            strides: &self.strides,
        }
    }

    /// The memory and shape, to write.
    pub(crate) fn raw_mut(&mut self) -> Raw<'_> {
        self.raw()
    }
}

fn checked(dtype: DType, extents: &[usize]) -> Result<usize, AllocError> {
    checked_len(extents, dtype.size()).ok_or_else(|| AllocError { bytes: bytes_of(dtype, extents) })
}

/// The bytes of a C-ordered array, however many.
pub(crate) fn bytes_of(dtype: DType, extents: &[usize]) -> u128 {
    if extents.contains(&0) {
        return 0;
    }
    let size = dtype.size() as u128;
    extents.iter().fold(size, |bytes, &extent| bytes.saturating_mul(extent as u128))
}
