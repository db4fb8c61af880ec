//! Values of variables: scalars, arrays, files.

use std::path::Path;

use fuse::raw::ByteOrder;
use fuse::{Array, AsInput as _, DType, Input, Layout, View};
use fuse_npy::NpyFile;

use crate::binding::Source;
use crate::failure::Failure;
use crate::map;

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
        let (bytes, dtype, order, shape, strides) = match self {
            Value::Scalar(input) => return Ok(input.clone()),
            Value::Array(array) => {
                let (bytes, shape) = (array.as_bytes(), array.shape());
                let strides = c_strides(shape, array.dtype().size());
                (bytes, array.dtype(), ByteOrder::Native, shape, strides)
            }
            Value::File(file) => {
                let npy = file.view();
                (npy.bytes(), npy.dtype(), npy.byte_order(), npy.shape(), npy.strides().to_vec())
            }
        };
        let extents: Vec<usize> = shape.iter().map(|&extent| extent.min(most)).collect();
        let layout = Layout { dtype, order, extents: &extents, strides: &strides };
        let view = View::from_bytes(bytes, &layout, 0).map_err(fuse::Error::from)?;
        Ok(Input::array(view))
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

/// Byte strides of C order.
fn c_strides(shape: &[usize], item_size: usize) -> Vec<isize> {
    let mut strides: Vec<isize> = Vec::with_capacity(shape.len());
    let mut stride = item_size;
    for &extent in shape.iter().rev() {
        strides.push(stride.cast_signed());
        stride *= extent.max(1);
    }
    strides.reverse();
    strides
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
