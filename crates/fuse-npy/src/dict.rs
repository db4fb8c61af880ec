//! The dictionary of a header: `{'descr': …, 'fortran_order': …, 'shape': (…), }`.
//!
//! Each of the three keys occurs exactly once, in any order. Stricter than NumPy, and seen in no
//! file: a key given twice (Python takes the last) and parentheses around a value are refused.
//! No recursion: nothing here nests deeper than the shape's tuple.

use fuse_ir::{ByteOrder, DType, Extents, MAX_RANK};

use crate::descr::{self, UnsupportedDType};
use crate::error::HeaderError;
use crate::excerpt::excerpt;
use crate::literal::{Cursor, Token};

/// What a header's dictionary says.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) dtype: DType,
    pub(crate) byte_order: ByteOrder,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Extents,
}

/// Reads the whole text of a header.
pub(crate) fn parse(mut cursor: Cursor<'_>) -> Result<Fields, HeaderError> {
    let (mut element, mut fortran_order, mut shape) = (None, None, None);
    cursor.expect(b'{', "`{`")?;
    loop {
        let key = match cursor.next()? {
            Token::Text(key) => key,
            Token::Mark(b'}') => break,
            _ => return Err(cursor.unexpected("a quoted key or `}`")),
        };
        cursor.expect(b':', "`:`")?;
        match key {
            b"descr" => set(&mut element, "descr", parse_descr(&mut cursor)?)?,
            b"fortran_order" => set(&mut fortran_order, "fortran_order", parse_bool(&mut cursor)?)?,
            b"shape" => set(&mut shape, "shape", parse_shape(&mut cursor)?)?,
            _ => return Err(HeaderError::UnknownKey { key: excerpt(key) }),
        }
        match cursor.next()? {
            Token::Mark(b',') => {}
            Token::Mark(b'}') => break,
            _ => return Err(cursor.unexpected("`,` or `}`")),
        }
    }
    if cursor.next()? != Token::End {
        return Err(cursor.unexpected("nothing after the `}`"));
    }
    let missing = |key| HeaderError::MissingKey { key };
    let (dtype, byte_order) = element.ok_or(missing("descr"))?;
    let fortran_order = fortran_order.ok_or(missing("fortran_order"))?;
    let shape = shape.ok_or(missing("shape"))?;
    Ok(Fields { dtype, byte_order, fortran_order, shape })
}

/// Stores the value of a key that may occur once.
fn set<T>(slot: &mut Option<T>, key: &'static str, value: T) -> Result<(), HeaderError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(HeaderError::DuplicateKey { key }),
    }
}

fn parse_descr(cursor: &mut Cursor<'_>) -> Result<(DType, ByteOrder), HeaderError> {
    let unsupported = |dtype, descr| HeaderError::Unsupported { dtype, descr };
    match cursor.next()? {
        Token::Text(text) => descr::parse(text).map_err(|dtype| unsupported(dtype, excerpt(text))),
        Token::Mark(b'[') => Err(unsupported(UnsupportedDType::Structured, cursor.found())),
        Token::Mark(b'(') => Err(unsupported(UnsupportedDType::SubArray, cursor.found())),
        _ => Err(invalid(cursor, "descr", "a quoted dtype such as '<f8'")),
    }
}

fn parse_bool(cursor: &mut Cursor<'_>) -> Result<bool, HeaderError> {
    match cursor.next()? {
        Token::Word(b"True") => Ok(true),
        Token::Word(b"False") => Ok(false),
        _ => Err(invalid(cursor, "fortran_order", "True or False")),
    }
}

/// A tuple of integers: `()`, `(3,)`, `(3, 4)`, `(3, 4,)`, but not `(3)`.
fn parse_shape(cursor: &mut Cursor<'_>) -> Result<Extents, HeaderError> {
    const EXPECTED: &str = "a tuple of non-negative integers such as (3,)";
    let mut shape = Extents::new();
    let Token::Mark(b'(') = cursor.next()? else { return Err(invalid(cursor, "shape", EXPECTED)) };
    loop {
        match cursor.next()? {
            Token::Digits(digits) => shape.push(parse_extent(digits)?),
            Token::Mark(b')') => return Ok(shape),
            _ => return Err(invalid(cursor, "shape", EXPECTED)),
        }
        if shape.len() > MAX_RANK {
            return Err(HeaderError::Rank { rank: shape.len(), limit: MAX_RANK });
        }
        match cursor.next()? {
            Token::Mark(b',') => {}
            Token::Mark(b')') if shape.len() > 1 => return Ok(shape),
            _ => return Err(invalid(cursor, "shape", EXPECTED)),
        }
    }
}

/// An extent that fits a signed address, as NumPy's do.
fn parse_extent(digits: &[u8]) -> Result<usize, HeaderError> {
    let mut extent = 0_isize;
    for digit in digits {
        let value = isize::from(i16::from(*digit) - i16::from(b'0'));
        let next = extent.checked_mul(10).and_then(|extent| extent.checked_add(value));
        extent = next.ok_or_else(|| HeaderError::Value {
            key: "shape",
            expected: "a tuple of integers below 2^63",
            found: excerpt(digits),
        })?;
    }
    Ok(extent.unsigned_abs())
}

/// The error that the last token is no value for `key`.
fn invalid(cursor: &Cursor<'_>, key: &'static str, expected: &'static str) -> HeaderError {
    HeaderError::Value { key, expected, found: cursor.found() }
}
