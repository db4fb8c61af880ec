//! An array of a file, borrowed: bytes, dtype, byte order, shape and byte strides.

use fuse_ir::{ByteOrder, DType, contiguous_strides};
use smallvec::SmallVec;

use crate::header::Header;

/// Byte strides of an array, outermost first.
pub type Strides = SmallVec<[isize; 4]>;

/// The data of a `.npy` file as they lie in it.
///
/// `bytes` holds exactly `product(shape) × dtype.size()` bytes, of any alignment. Elements may be in
/// the other byte order; a bool may be any byte. Strides are never negative.
#[derive(Clone, Debug)]
pub struct NpyView<'a> {
    header: &'a Header,
    bytes: &'a [u8],
    strides: Strides,
}

impl<'a> NpyView<'a> {
    /// `bytes` are the data that `header` describes.
    pub(crate) fn new(header: &'a Header, bytes: &'a [u8]) -> NpyView<'a> {
        NpyView { header, bytes, strides: strides(header) }
    }

    /// All elements, in the order of the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.header.dtype()
    }

    /// The order of an element's bytes.
    pub fn byte_order(&self) -> ByteOrder {
        self.header.byte_order()
    }

    /// The extents, outermost first; empty for a single element.
    pub fn shape(&self) -> &'a [usize] {
        self.header.shape()
    }

    /// Bytes from an element to the next along each axis.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }
}

/// Strides of C order, or those of the reversed shape reversed.
fn strides(header: &Header) -> Strides {
    let item_size = header.dtype().size();
    if !header.fortran_order() {
        return contiguous_strides(header.shape(), item_size);
    }
    let reversed: SmallVec<[usize; 4]> = header.shape().iter().rev().copied().collect();
    contiguous_strides(&reversed, item_size).into_iter().rev().collect()
}
