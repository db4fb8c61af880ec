//! Results: owned arrays in C order.

use fuse_ir::DType;
use fuse_runtime::{Element, View, ViewMut};

use crate::error::{Error, ErrorKind};
use crate::print::push_element;

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

    /// Texts in C order: of dtype `U` (UTF-32), as long as the longest.
    ///
    /// # Errors
    /// As [`Array::from_slice`].
    ///
    /// ```
    /// use fuse::{Array, evaluate, vars};
    ///
    /// let names = Array::from_texts(&["ada", "grace", "alan"], &[3])?;
    /// let found = evaluate("contains(names, 'a') & (names > 'b')", vars! { names })?;
    /// assert_eq!(found.into_vec::<bool>()?, [false, true, false]);
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn from_texts<T: AsRef<str>>(texts: &[T], extents: &[usize]) -> Result<Array, Error> {
        Ok(Array(fuse_runtime::Array::from_texts(texts, extents)?))
    }

    /// Byte strings in C order: of dtype `S`, as long as the longest.
    ///
    /// # Errors
    /// As [`Array::from_slice`].
    ///
    /// ```
    /// use fuse::{Array, evaluate, vars};
    ///
    /// let s = Array::from_byte_strings(&["one", "two"], &[2])?;
    /// let r = evaluate("where(s == b'two', k, -k)", vars! { s, k = 2.5 })?;
    /// assert_eq!(r.into_vec::<f64>()?, [-2.5, 2.5]);
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn from_byte_strings<T: AsRef<[u8]>>(
        strings: &[T],
        extents: &[usize],
    ) -> Result<Array, Error> {
        Ok(Array(fuse_runtime::Array::from_byte_strings(strings, extents)?))
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

    /// Element at this position in C order as it prints alone: shortest digits that read back exactly,
    /// complex numbers as Python's `(1+2j)`, texts without quotes and escaped.
    pub fn element_text(&self, position: usize) -> String {
        let size = self.dtype().size();
        let bytes = &self.as_bytes()[position * size..][..size];
        let mut text = String::new();
        push_element(&mut text, self.dtype(), bytes);
        text
    }
}

#[cfg(test)]
mod tests {
    use fuse_runtime::{Complex, F16};

    use super::*;
    use crate::{AsInput, AsOutput, vars};

    /// In and out again as array, scalar, input and output.
    fn stored<T: Element + AsInput + AsOutput + PartialEq + std::fmt::Debug>(elements: [T; 2]) {
        let mut array = Array::from_slice(&elements, &[2, 1]).expect("it fits");
        assert_eq!((array.dtype(), array.shape()), (T::DTYPE, [2, 1].as_slice()));
        assert_eq!(array.view_mut().dtype(), T::DTYPE);
        assert_eq!(array.as_slice(), Some(elements.as_slice()));
        array.as_mut_slice::<T>().expect("its dtype").swap(0, 1);
        let (slice, [first, _]) = (elements.as_slice(), elements);
        for (name, input) in vars! { array, slice, first }.entries.iter() {
            let ty = input.ty();
            assert_eq!((ty.dtype, ty.axes.is_empty()), (T::DTYPE, *name == "first"));
        }
        assert_eq!(array.into_vec::<T>().expect("its dtype"), [elements[1], elements[0]]);
        let mut element = elements[0];
        assert_eq!(element.as_output().dtype(), T::DTYPE);
        let zeros = Array::zeroed(T::DTYPE, &[3]).expect("small");
        assert_eq!(zeros.as_bytes().len(), 3 * T::DTYPE.size());
    }

    #[test]
    fn arrays_hold_every_dtype() {
        stored([true, false]);
        stored([i8::MIN, 7]);
        stored([i16::MIN, 7]);
        stored([i32::MIN, 7]);
        stored([i64::MIN, 7]);
        stored([u8::MAX, 7]);
        stored([u16::MAX, 7]);
        stored([u32::MAX, 7]);
        stored([u64::MAX, 7]);
        stored([F16::from_f32(0.1), F16(0x8000)]);
        stored([0.1_f32, -0.0]);
        stored([0.1_f64, -0.0]);
        stored([Complex::new(0.1_f32, 2.0), Complex::new(-0.0, 1.0)]);
        stored([Complex::new(0.1_f64, 2.0), Complex::new(-0.0, 1.0)]);
        assert!(Array::from_slice(&[1_u8], &[1]).expect("it fits").into_vec::<i8>().is_err());
    }
}
