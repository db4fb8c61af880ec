//! Dtypes as `.npy` headers write them: `<f8`, `|b1`, `>U12`.
//!
//! ```text
//! [<>=|]  kind letter  decimal size       bytes, but code points for U; none for S and U means 0
//! ```
//!
//! `=`, `|` and no mark at all mean native order, as in NumPy; single bytes and byte strings have no
//! order. Everything else that NumPy has is refused by name ([`UnsupportedDType`]), with a way out.

use fuse_ir::{ByteOrder, DType};

/// Largest number of bytes of one element, as in NumPy, whose item size is a C `int`.
const MAX_ITEM_BYTES: u32 = 0x7fff_ffff;

/// Defines [`UnsupportedDType`] from one table: variant, name, what to do instead.
macro_rules! unsupported {
    ($( $(#[$doc:meta])* $variant:ident $name:literal $advice:literal ; )*) => {
        /// A dtype that `.npy` files can have and fuse cannot compute on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum UnsupportedDType {
            $( $(#[$doc])* $variant, )*
        }

        impl UnsupportedDType {
            /// What it is called.
            pub const fn name(self) -> &'static str {
                match self { $( UnsupportedDType::$variant => $name, )* }
            }

            /// What to do instead, in Python.
            pub const fn advice(self) -> &'static str {
                match self { $( UnsupportedDType::$variant => $advice, )* }
            }
        }
    };
}

unsupported! {
    /// `O`: pickled Python objects.
    Object "Python objects" "pickles are never loaded: save a.astype(float) or a.astype(str)";
    /// `M8[unit]`.
    DateTime "datetime64" "save a.view('i8'), which counts the unit since 1970";
    /// `m8[unit]`.
    TimeDelta "timedelta64" "save a.view('i8'), which counts the unit";
    /// `V`: bytes without a meaning.
    Void "raw bytes" "save a view of a numeric dtype, such as a.view('u1')";
    /// `f16` or `f12`: the C compiler's long double.
    LongDouble "longdouble" "save a.astype('f8')";
    /// `c32` or `c24`: a pair of long doubles.
    ComplexLongDouble "clongdouble" "save a.astype('c16')";
    /// A list of fields.
    Structured "a structured dtype" "save one field at a time: a['name']";
    /// A tuple of a dtype and a shape.
    SubArray "a sub-array dtype" "save the array with the inner shape as further axes";
    /// Anything else.
    Unknown "unknown to fuse" "save an array of bool, int, uint, float, complex, S or U";
}

impl std::fmt::Display for UnsupportedDType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The order that `<` stands for on this machine.
const LITTLE: ByteOrder =
    if cfg!(target_endian = "little") { ByteOrder::Native } else { ByteOrder::Swapped };
/// The order that `>` stands for on this machine.
const BIG: ByteOrder =
    if cfg!(target_endian = "little") { ByteOrder::Swapped } else { ByteOrder::Native };

/// The dtype that `descr` names, and the order of its bytes.
pub(crate) fn parse(descr: &[u8]) -> Result<(DType, ByteOrder), UnsupportedDType> {
    let (order, code) = match descr.split_first() {
        Some((b'<', code)) => (LITTLE, code),
        Some((b'>', code)) => (BIG, code),
        Some((b'=' | b'|', code)) => (ByteOrder::Native, code),
        Some(_) | None => (ByteOrder::Native, descr),
    };
    let dtype = parse_code(code)?;
    Ok((dtype, if has_byte_order(dtype) { order } else { ByteOrder::Native }))
}

/// The dtype that `dtype.str` of NumPy is for `dtype` in this order.
pub(crate) fn print(dtype: DType, order: ByteOrder) -> String {
    let mark = match (has_byte_order(dtype), order == LITTLE) {
        (false, _) => '|',
        (true, true) => '<',
        (true, false) => '>',
    };
    let (kind, size) = match dtype {
        DType::Bool => ('b', 1),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => ('i', dtype.size()),
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => ('u', dtype.size()),
        DType::F16 | DType::F32 | DType::F64 => ('f', dtype.size()),
        DType::C64 | DType::C128 => ('c', dtype.size()),
        DType::Bytes(_) => ('S', dtype.size()),
        DType::Text(_) => ('U', dtype.size() / 4),
    };
    format!("{mark}{kind}{size}")
}

/// Do the bytes of an element have an order?
pub(crate) const fn has_byte_order(dtype: DType) -> bool {
    !matches!(dtype, DType::Bool | DType::I8 | DType::U8 | DType::Bytes(_))
}

/// A code without its byte order: `f8`, `S12`, `?`.
fn parse_code(code: &[u8]) -> Result<DType, UnsupportedDType> {
    let Some((kind, size)) = code.split_first() else { return Err(UnsupportedDType::Unknown) };
    match (kind, size) {
        (b'b', b"1") | (b'?', b"") => Ok(DType::Bool),
        (b'S' | b'a', _) => item_size(size, 1).map(DType::Bytes),
        (b'U', _) => item_size(size, 4).map(DType::Text),
        (b'i' | b'u' | b'f' | b'c', _) => parse_number(*kind, item_size(size, 1)?),
        (b'O', _) => Err(UnsupportedDType::Object),
        (b'M', _) => Err(UnsupportedDType::DateTime),
        (b'm', _) => Err(UnsupportedDType::TimeDelta),
        (b'V', _) => Err(UnsupportedDType::Void),
        (b'g', b"") => Err(UnsupportedDType::LongDouble),
        (b'G', b"") => Err(UnsupportedDType::ComplexLongDouble),
        _ => Err(UnsupportedDType::Unknown),
    }
}

fn parse_number(kind: u8, size: u32) -> Result<DType, UnsupportedDType> {
    match (kind, size) {
        (b'i', 1) => Ok(DType::I8),
        (b'i', 2) => Ok(DType::I16),
        (b'i', 4) => Ok(DType::I32),
        (b'i', 8) => Ok(DType::I64),
        (b'u', 1) => Ok(DType::U8),
        (b'u', 2) => Ok(DType::U16),
        (b'u', 4) => Ok(DType::U32),
        (b'u', 8) => Ok(DType::U64),
        (b'f', 2) => Ok(DType::F16),
        (b'f', 4) => Ok(DType::F32),
        (b'f', 8) => Ok(DType::F64),
        (b'f', 12 | 16) => Err(UnsupportedDType::LongDouble),
        (b'c', 8) => Ok(DType::C64),
        (b'c', 16) => Ok(DType::C128),
        (b'c', 24 | 32) => Err(UnsupportedDType::ComplexLongDouble),
        _ => Err(UnsupportedDType::Unknown),
    }
}

/// A decimal count of units of `unit` bytes; an empty one is 0.
fn item_size(digits: &[u8], unit: u32) -> Result<u32, UnsupportedDType> {
    let mut count = 0_u32;
    for digit in digits {
        let value = digit.checked_sub(b'0').filter(|&value| value <= 9);
        let value = u32::from(value.ok_or(UnsupportedDType::Unknown)?);
        let next = count.checked_mul(10).and_then(|count| count.checked_add(value));
        count = next.ok_or(UnsupportedDType::Unknown)?;
    }
    let bytes = count.checked_mul(unit).filter(|&bytes| bytes <= MAX_ITEM_BYTES);
    bytes.map(|_| count).ok_or(UnsupportedDType::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_parsed_back() {
        let sized = [DType::Bytes(0), DType::Bytes(7), DType::Text(0), DType::Text(7)];
        for &dtype in DType::ALL.iter().chain(&sized) {
            for order in [ByteOrder::Native, ByteOrder::Swapped] {
                let kept = if has_byte_order(dtype) { order } else { ByteOrder::Native };
                assert_eq!(parse(print(dtype, order).as_bytes()), Ok((dtype, kept)));
            }
        }
    }

    #[test]
    fn item_sizes_are_bounded_as_in_numpy() {
        assert!(parse(b"|S2147483647").is_ok());
        assert!(parse(b"|S2147483648").is_err());
        assert!(parse(b"<U536870911").is_ok());
        assert!(parse(b"<U536870912").is_err());
        assert!(parse(b"<f99999999999999999999").is_err());
    }
}
