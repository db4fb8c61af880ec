//! Where results are written.

use fuse_runtime::{Element, ViewMut};

use crate::array::Array;

/// Memory that a result can be written into: `&mut [T]`, `&mut Vec<T>` of the right length, `&mut
/// [T; N]`, `&mut Array`, a [`ViewMut`], one element for a scalar result; with feature `ndarray` its
/// mutable arrays and views of any strides but 0.
///
/// It is never resized and never cast.
pub trait AsOutput {
    /// Borrows the memory.
    fn as_output(&mut self) -> ViewMut<'_>;
}

impl<T: Element> AsOutput for [T] {
    fn as_output(&mut self) -> ViewMut<'_> {
        ViewMut::from_slice(self)
    }
}

impl<T: Element, const N: usize> AsOutput for [T; N] {
    fn as_output(&mut self) -> ViewMut<'_> {
        ViewMut::from_slice(self)
    }
}

impl<T: Element> AsOutput for Vec<T> {
    fn as_output(&mut self) -> ViewMut<'_> {
        ViewMut::from_slice(self)
    }
}

impl AsOutput for Array {
    fn as_output(&mut self) -> ViewMut<'_> {
        self.view_mut()
    }
}

impl AsOutput for ViewMut<'_> {
    fn as_output(&mut self) -> ViewMut<'_> {
        self.reborrow()
    }
}

macro_rules! element_outputs {
    ($($ty:ty),*) => {
        $(impl AsOutput for $ty {
            fn as_output(&mut self) -> ViewMut<'_> {
                ViewMut::from_element(self)
            }
        })*
    };
}

element_outputs!(bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
