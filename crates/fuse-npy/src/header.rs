//! The header of a `.npy` file.
//!
//! ```text
//! offset 0   "\x93NUMPY"   magic
//!        6   1 0           version (2 0 and 3 0: the length takes four bytes)
//!        8   u16           bytes of text, little-endian
//!       10   {'descr': '<f8', 'fortran_order': False, 'shape': (3,), }      \n
//!      128   data          at a multiple of 64 in files that NumPy wrote
//! ```
//!
//! Invariants of a [`Header`]: at most 64 dimensions; elements and bytes fit the address space;
//! `data_offset` is where its data start (parsed) or will start (made by [`Header::new`]).
//! The length field is checked before anything is allocated or read.

use std::fmt::Write as _;

use fuse_ir::{ByteOrder, DType, Extents, MAX_RANK, checked_len};

use crate::descr;
use crate::dict::{self, Fields};
use crate::error::HeaderError;
use crate::excerpt::excerpt;
use crate::literal::{Cursor, LongSuffix};

/// Most bytes of text that a header may have.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What every file begins with.
const MAGIC: &[u8] = b"\x93NUMPY";
/// Magic and version.
const MAGIC_AND_VERSION: usize = 8;
/// Data start at a multiple of this, which suits every vector load and `mmap` alike.
const ALIGNMENT: usize = 64;
/// NumPy leaves room for the first extent to grow to this many digits: those of `8 * 2**64`.
const GROWTH_DIGITS: usize = 21;

/// What a `.npy` file says about its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    dtype: DType,
    byte_order: ByteOrder,
    fortran_order: bool,
    shape: Extents,
    data_offset: usize,
}

impl Header {
    /// The header of an array in C order and native byte order.
    ///
    /// # Errors
    /// [`HeaderError::Rank`] beyond 64 dimensions, [`HeaderError::TooLarge`] where shape × item size
    /// does not fit the address space.
    pub fn new(dtype: DType, shape: &[usize]) -> Result<Header, HeaderError> {
        let shape = Extents::from_slice(shape);
        let fields = Fields { dtype, byte_order: ByteOrder::Native, fortran_order: false, shape };
        let mut header = Header::checked(fields, 0)?;
        header.data_offset = header.encode().len();
        Ok(header)
    }

    /// The same with elements in this byte order; no effect where elements are single bytes.
    #[must_use]
    pub fn with_byte_order(mut self, byte_order: ByteOrder) -> Header {
        if descr::has_byte_order(self.dtype) {
            self.byte_order = byte_order;
        }
        self
    }

    /// The same with the first axis varying fastest.
    #[must_use]
    pub fn with_fortran_order(mut self) -> Header {
        self.fortran_order = true;
        self.data_offset = self.encode().len();
        self
    }

    /// Reads the header that `bytes` begin with; they may go on with data.
    ///
    /// # Errors
    /// Any [`HeaderError`]. [`HeaderError::Truncated`] says how many bytes it takes to go on: first
    /// 8, then 10 or 12, then the whole header, never more than 64 KiB + 12.
    pub fn parse(bytes: &[u8]) -> Result<Header, HeaderError> {
        let (text_offset, text_len, suffix) = parse_preamble(bytes)?;
        let data_offset = text_offset + text_len;
        let text = prefix(bytes, data_offset)?.get(text_offset..).unwrap_or_default();
        if suffix == LongSuffix::Refused && std::str::from_utf8(text).is_err() {
            return Err(HeaderError::NotUtf8);
        }
        Header::checked(dict::parse(Cursor::new(text, suffix))?, data_offset)
    }

    /// The bytes that NumPy writes for such an array: version 1.0 (2.0 if that is too short), padded
    /// so that data start at a multiple of 64.
    pub fn encode(&self) -> Vec<u8> {
        let fortran = self.is_fortran_only();
        let mut text = String::from("{'descr': '");
        text.push_str(&descr::print(self.dtype, self.byte_order));
        text.push_str("', 'fortran_order': ");
        text.push_str(if fortran { "True" } else { "False" });
        text.push_str(", 'shape': ");
        text.push_str(&print_shape(&self.shape));
        text.push_str(", }");
        let growing = if fortran { self.shape.last() } else { self.shape.first() };
        if let Some(extent) = growing {
            let spare = GROWTH_DIGITS.saturating_sub(extent.to_string().len());
            text.extend(std::iter::repeat_n(' ', spare));
        }
        wrap(&text)
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The order of an element's bytes; native where elements are single bytes.
    pub fn byte_order(&self) -> ByteOrder {
        self.byte_order
    }

    /// Does the first axis vary fastest?
    pub fn fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// The extents, outermost first; empty for a single element.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Where data start, in bytes from the start of the file.
    pub fn data_offset(&self) -> usize {
        self.data_offset
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        // Checked when the header was made.
        checked_len(&self.shape, self.dtype.size()).unwrap_or(0)
    }

    /// The number of bytes of data; at most `isize::MAX`.
    pub fn data_bytes(&self) -> usize {
        self.elements().saturating_mul(self.dtype.size())
    }

    /// The only way to a header: everything that the invariants promise is checked here.
    fn checked(fields: Fields, data_offset: usize) -> Result<Header, HeaderError> {
        let Fields { dtype, byte_order, fortran_order, shape } = fields;
        if shape.len() > MAX_RANK {
            return Err(HeaderError::Rank { rank: shape.len(), limit: MAX_RANK });
        }
        let item_size = dtype.size();
        checked_len(&shape, item_size).ok_or(HeaderError::TooLarge { item_size })?;
        Ok(Header { dtype, byte_order, fortran_order, shape, data_offset })
    }

    /// Is Fortran order something other than C order here? NumPy calls an array of both C.
    fn is_fortran_only(&self) -> bool {
        let longer = self.shape.iter().filter(|&&extent| extent > 1).count();
        self.fortran_order && longer > 1 && !self.shape.contains(&0)
    }
}

/// Offset and length of the text, and whether Python 2 may have written it.
fn parse_preamble(bytes: &[u8]) -> Result<(usize, usize, LongSuffix), HeaderError> {
    let magic = bytes.get(..MAGIC.len().min(bytes.len())).unwrap_or_default();
    if !MAGIC.starts_with(magic) {
        return Err(not_npy(bytes));
    }
    let start = prefix(bytes, MAGIC_AND_VERSION)?;
    let (length_bytes, suffix) = match start {
        [.., 1, 0] => (2, LongSuffix::Allowed),
        [.., 2, 0] => (4, LongSuffix::Allowed),
        [.., 3, 0] => (4, LongSuffix::Refused),
        [.., major, minor] => {
            return Err(HeaderError::Version { major: *major, minor: *minor });
        }
        [_] | [] => return Err(HeaderError::Version { major: 0, minor: 0 }),
    };
    let text_offset = MAGIC_AND_VERSION + length_bytes;
    let field = prefix(bytes, text_offset)?.get(MAGIC_AND_VERSION..).unwrap_or_default();
    let declared = field.iter().rev().fold(0_u32, |length, &byte| length << 8 | u32::from(byte));
    match usize::try_from(declared) {
        Ok(text_len) if text_len <= MAX_HEADER_BYTES => Ok((text_offset, text_len, suffix)),
        Ok(_) | Err(_) => Err(HeaderError::TooLong { declared, limit: MAX_HEADER_BYTES }),
    }
}

/// The first `needed` bytes.
fn prefix(bytes: &[u8], needed: usize) -> Result<&[u8], HeaderError> {
    bytes.get(..needed).ok_or(HeaderError::Truncated { needed, actual: bytes.len() })
}

/// What kind of file it is instead.
fn not_npy(bytes: &[u8]) -> HeaderError {
    match bytes {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => HeaderError::Archive,
        [0x80, 2..=5, ..] => HeaderError::Pickle,
        _ => HeaderError::NotNpy { found: excerpt(bytes.get(..8).unwrap_or(bytes)) },
    }
}

/// A tuple as Python prints it: `()`, `(3,)`, `(3, 4)`.
fn print_shape(shape: &[usize]) -> String {
    let mut text = String::from("(");
    for (axis, extent) in shape.iter().enumerate() {
        let separator = if axis == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        _ = write!(text, "{separator}{extent}");
    }
    text.push_str(if shape.len() == 1 { ",)" } else { ")" });
    text
}

/// Magic, version and length before the text; spaces and a line feed after it. Like NumPy, text that
/// ends at a multiple of 64 already gets 64 spaces more.
fn wrap(text: &str) -> Vec<u8> {
    let padded = |length_bytes: usize| {
        let len = MAGIC_AND_VERSION + length_bytes + text.len() + 1;
        text.len() + 1 + (ALIGNMENT - len % ALIGNMENT)
    };
    let mut bytes = MAGIC.to_vec();
    let text_len = if let Ok(length) = u16::try_from(padded(2)) {
        bytes.extend([1, 0]);
        bytes.extend(length.to_le_bytes());
        padded(2)
    } else {
        bytes.extend([2, 0]);
        bytes.extend(u32::try_from(padded(4)).unwrap_or(u32::MAX).to_le_bytes());
        padded(4)
    };
    let end = bytes.len() + text_len - 1;
    bytes.extend(text.as_bytes());
    bytes.resize(end, b' ');
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_takes_version_2() {
        let short = wrap(&"x".repeat(65_000));
        assert_eq!((short[6], short.len() % ALIGNMENT), (1, 0));
        let long = wrap(&"x".repeat(65_535));
        assert_eq!((long[6], long.len() % ALIGNMENT), (2, 0));
        assert_eq!(&long[8..12], &u32::try_from(long.len() - 12).unwrap().to_le_bytes());
    }

    #[test]
    fn a_full_line_is_padded_by_another_as_numpy_does() {
        // 8 + 2 + 53 + 1 = 64
        assert_eq!(wrap(&"x".repeat(53)).len(), 128);
        assert_eq!(wrap(&"x".repeat(52)).len(), 64);
    }

    #[test]
    fn headers_are_checked_when_made() {
        let too_large = Header::new(DType::F64, &[1 << 40, 1 << 40]);
        assert_eq!(too_large, Err(HeaderError::TooLarge { item_size: 8 }));
        assert_eq!(
            Header::new(DType::F64, &[1; 65]),
            Err(HeaderError::Rank { rank: 65, limit: 64 })
        );
        assert_eq!(Header::new(DType::C128, &[0, 1 << 40]).unwrap().data_bytes(), 0);
    }
}
