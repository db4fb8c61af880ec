//! The `ndarray` crate's arrays as variables, outputs and results.
//!
//! Any layout works: rows, columns, reversed and strided slices are read and written in place.

#![expect(unsafe_code, reason = "describes an ndarray's memory by its pointer and strides")]

use fuse_ir::ByteOrder;
use fuse_runtime::{Element, Layout, View, ViewMut};
use ndarray::{ArrayBase, ArrayD, Data, DataMut, Dimension, IxDyn, RawData};
use smallvec::SmallVec;

use crate::array::Array;
use crate::error::{Error, ErrorKind};
use crate::output::AsOutput;
use crate::vars::{AsInput, Input};

/// Byte strides of an ndarray.
fn byte_strides<S: RawData, D: Dimension>(array: &ArrayBase<S, D>) -> SmallVec<[isize; 4]> {
    let size = isize::try_from(size_of::<S::Elem>()).expect("elements are small");
    array.strides().iter().map(|stride| stride * size).collect()
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> AsInput for ArrayBase<S, D> {
    fn as_input(&self) -> Input<'_> {
        let strides = byte_strides(self);
        let layout = Layout {
            dtype: T::DTYPE,
            order: ByteOrder::Native,
            extents: self.shape(),
            strides: &strides,
        };
        // SAFETY: ndarray keeps every element inside the shape readable while `self` is borrowed,
        // and the pointer is that of element [0, …, 0].
        let view = unsafe { View::from_raw(self.as_ptr().cast(), &layout) };
        Input::array(view.expect("an ndarray's shape and strides are a layout"))
    }
}

impl<T: Element, S: DataMut<Elem = T>, D: Dimension> AsOutput for ArrayBase<S, D> {
    fn as_output(&mut self) -> ViewMut<'_> {
        let strides = byte_strides(self);
        let extents: SmallVec<[usize; 4]> = self.shape().iter().copied().collect();
        let layout = Layout {
            dtype: T::DTYPE,
            order: ByteOrder::Native,
            extents: &extents,
            strides: &strides,
        };
        // SAFETY: ndarray gives every element inside the shape to `self` alone, which is mutably
        // borrowed; the pointer is that of element [0, …, 0].
        let view = unsafe { ViewMut::from_raw(self.as_mut_ptr().cast(), &layout) };
        view.expect("a mutable ndarray's elements are distinct")
    }
}

impl Array {
    /// The array as one of `ndarray`'s.
    ///
    /// # Errors
    /// [`ErrorKind::Output`] where the elements are of another type.
    ///
    /// ```
    /// use fuse::{evaluate, vars};
    /// use ndarray::array;
    ///
    /// let m = array![[1.0, 2.0], [3.0, 4.0]];
    /// let t = m.t();
    /// let r = evaluate("m - t", vars! { m, t })?.into_ndarray::<f64>()?;
    /// assert_eq!(r, array![[0.0, -1.0], [1.0, 0.0]].into_dyn());
    /// # Ok::<(), fuse::Error>(())
    /// ```
    pub fn into_ndarray<T: Element>(self) -> Result<ArrayD<T>, Error> {
        let shape = IxDyn(self.shape());
        ArrayD::from_shape_vec(shape, self.into_vec()?)
            .map_err(|error| Error::new(ErrorKind::Output, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use crate::{evaluate, evaluate_into, vars};

    #[test]
    fn every_layout_is_read_and_written_in_place() {
        let m = Array2::from_shape_fn((40, 30), |(i, j)| (100 * i + j) as f64);
        let view = m.slice(s![..;-2, 1..;3]);
        let r = evaluate("2*view", vars! { view }).expect("it runs").into_ndarray::<f64>();
        assert_eq!(r.expect("f64"), (2.0 * &view).into_dyn());

        let mut out = Array2::<f64>::zeros((30, 80));
        let mut target = out.slice_mut(s![.., ..;2]);
        let t = m.t();
        evaluate_into("t + 1", vars! { t }, &mut target).expect("it fits");
        assert_eq!(out.slice(s![.., ..;2]), &(&m.t() + 1.0));
        assert!(out.slice(s![.., 1..;2]).iter().all(|&x| x == 0.0));
    }
}
