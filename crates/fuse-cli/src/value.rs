//! Values of variables: scalars, arrays, files.

use std::path::Path;

use fuse::raw::ByteOrder;
use fuse::{Array, AsInput as _, DType, Input, Layout, View};
use fuse_npy::NpyFile;

use crate::binding::Source;
use crate::failure::Failure;
use crate::map;
use crate::paging::c_strides;

/// How files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Mapped into memory.
    Map,
    /// Read into memory.
    Read,
}

/// The value of a variable.
#[derive(Debug)]
pub(crate) enum Value {
    Scalar(Input<'static>),
    Array(Array),
    File(NpyFile),
}

/// How elements follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    C,
    Fortran,
    /// There is one axis at most.
    Both,
}

/// An array as it lies in memory.
#[derive(Debug)]
pub(crate) struct Raw<'a> {
    pub(crate) dtype: DType,
    pub(crate) order: ByteOrder,
    pub(crate) strides: Vec<isize>,
    pub(crate) bytes: &'a [u8],
}

impl Value {
    /// Makes, reads or maps a value.
    pub(crate) fn load(source: &Source, access: Access) -> Result<Value, Failure> {
        Ok(match source {
            Source::Scalar(input) => Value::Scalar(input.clone()),
            Source::Linspace { low, high, n } => Value::Array(linspace(*low, *high, *n)?),
            Source::Stdin => {
                let name = Path::new("standard input");
                Value::File(NpyFile::read_from(name, std::io::stdin().lock())?)
            }
            Source::File(path) => Value::File(match access {
                Access::Map => map::map(path)?,
                Access::Read => NpyFile::open(path)?,
            }),
        })
    }

    /// Borrows it for a formula.
    pub(crate) fn as_input(&self) -> Result<Input<'_>, Failure> {
        match self {
            Value::Scalar(input) => Ok(input.clone()),
            Value::Array(array) => Ok(array.as_input()),
            Value::File(file) => {
                let npy = file.view();
                let (dtype, order) = (npy.dtype(), npy.byte_order());
                let layout = Layout { dtype, order, extents: npy.shape(), strides: npy.strides() };
                let view = View::from_bytes(npy.bytes(), &layout, 0).map_err(fuse::Error::from)?;
                Ok(Input::array(view))
            }
        }
    }

    /// Borrows its first elements along each axis, at most `most` of them.
    pub(crate) fn as_prefix(&self, most: usize) -> Result<Input<'_>, Failure> {
        let Some(Raw { dtype, order, strides, bytes }) = self.raw() else { return self.as_input() };
        let extents: Vec<usize> = self.shape().iter().map(|&extent| extent.min(most)).collect();
        let layout = Layout { dtype, order, extents: &extents, strides: &strides };
        let view = View::from_bytes(bytes, &layout, 0).map_err(fuse::Error::from)?;
        Ok(Input::array(view))
    }

    /// The file that it is, if that is mapped.
    pub(crate) fn mapped(&self) -> Option<&NpyFile> {
        match self {
            Value::Scalar(_) | Value::Array(_) => None,
            Value::File(file) => file.addresses().map(|_| file),
        }
    }

    pub(crate) fn check_length(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// How its elements lie.
    pub(crate) fn order(&self) -> Order {
        let long = self.shape().iter().filter(|&&extent| extent != 1).count();
        match self {
            Value::Scalar(_) | Value::Array(_) | Value::File(_) if long < 2 => Order::Both,
            Value::File(file) if file.header().fortran_order() => Order::Fortran,
            Value::Scalar(_) | Value::Array(_) | Value::File(_) => Order::C,
        }
    }

    /// An array as it lies in memory.
    pub(crate) fn raw(&self) -> Option<Raw<'_>> {
        match self {
            Value::Scalar(_) => None,
            Value::Array(array) => Some(Raw {
                dtype: array.dtype(),
                order: ByteOrder::Native,
                strides: c_strides(array.shape(), array.dtype().size()),
                bytes: array.as_bytes(),
            }),
            Value::File(file) => {
                let npy = file.view();
                let (dtype, order, bytes) = (npy.dtype(), npy.byte_order(), npy.bytes());
                Some(Raw { dtype, order, strides: npy.strides().to_vec(), bytes })
            }
        }
    }

    /// Its extents.
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Value::Scalar(_) => &[],
            Value::Array(array) => array.shape(),
            Value::File(file) => file.header().shape(),
        }
    }

    /// Its elements' type.
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Value::Scalar(input) => input.ty().dtype,
            Value::Array(array) => array.dtype(),
            Value::File(file) => file.header().dtype(),
        }
    }
}

/// NumPy's: both ends included, and hit exactly.
#[expect(clippy::cast_precision_loss, reason = "2^53 elements fit no memory")]
fn linspace(low: f64, high: f64, n: usize) -> Result<Array, Failure> {
    let mut array = Array::zeroed(DType::F64, &[n])?;
    let step = (high - low) / (n.max(2) - 1) as f64;
    if let Some(elements) = array.as_mut_slice::<f64>() {
        for (index, element) in elements.iter_mut().enumerate() {
            *element = low + index as f64 * step;
        }
        if let [_, .., last] = elements {
            *last = high;
        }
    }
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linspace_hits_both_ends() {
        let ends = |n| linspace(0.1, 0.7, n).unwrap().into_vec::<f64>().unwrap();
        assert!(ends(0).is_empty());
        assert_eq!(ends(1), [0.1]);
        assert_eq!(ends(2), [0.1, 0.7]);
        assert_eq!(ends(7).last(), Some(&0.7));
        assert_eq!(ends(3)[1], 0.1 + (0.7 - 0.1) / 2.0);
    }
}
