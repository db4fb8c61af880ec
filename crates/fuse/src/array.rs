//! Results: owned arrays in C order.

use fuse_ir::DType;
use fuse_runtime::{Element, View, ViewMut};

use crate::error::{Error, ErrorKind};
use crate::print::element_text;

/// An owned array: C order, 64-byte aligned, of any dtype.
#[derive(Debug)]
pub struct Array(pub(crate) fuse_runtime::Array);

impl Array {
    /// A copy of a slice in C order.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] where the extents do not make its length, [`ErrorKind::Alloc`] where
    /// memory is refused.
    pub fn from_slice<T: Element>(slice: &[T], extents: &[usize]) -> Result<Array, Error> {
        Ok(Array(fuse_runtime::Array::from_slice(slice, extents)?))
    }

    /// An array of zeros.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`] where memory is refused.
    pub fn zeroed(dtype: DType, extents: &[usize]) -> Result<Array, Error> {
        fuse_runtime::Array::zeroed(dtype, extents)
            .map(Array)
            .map_err(|error| Error::new(ErrorKind::Alloc, error.to_string()))
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.0.dtype()
    }

    /// Extents, outermost first; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        self.0.extents()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The elements in C order, if they are of this type.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        self.0.as_slice()
    }

    /// The elements in C order, if they are of this type.
    pub fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        self.0.as_mut_slice()
    }

    /// The elements in C order.
    ///
    /// # Errors
    /// [`ErrorKind::Output`] where they are of another type.
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>, Error> {
        self.as_slice().map(<[T]>::to_vec).ok_or_else(|| {
            let message = format!("the array holds {}, not {}", self.dtype(), T::DTYPE);
            Error::new(ErrorKind::Output, message)
        })
    }

    /// The elements' bytes in native order.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The array, borrowed to read.
    pub fn view(&self) -> View<'_> {
        self.0.view()
    }

    /// The array, borrowed to write.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        self.0.view_mut()
    }

    /// Element at this position in C order as it prints: shortest digits that read back exactly, complex
    /// numbers as Python's `(1+2j)`.
    pub fn element_text(&self, position: usize) -> String {
        let size = self.dtype().size();
        let bytes = &self.as_bytes()[position * size..][..size];
        element_text(self.dtype(), bytes)
    }
}
