//! Element types, as a formula's user sees them.
//!
//! One table gives every dtype its name, its NumPy aliases, its kind and its size; parsing, printing
//! and the `.npy` reader derive from it. Text and bytes carry their length, as NumPy's `S` and `U` do.
//! Which dtypes can be *computed* on is not stated here: that follows from [`DType::mem`] and from
//! the operator table.

use std::fmt;

use crate::lane::Mem;

/// The family a dtype belongs to, in NumPy's order of promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DTypeKind {
    /// `bool`.
    Bool,
    /// Signed two's complement integers.
    Int,
    /// Unsigned integers.
    UInt,
    /// IEEE 754 binary floating point.
    Float,
    /// Pairs of floats.
    Complex,
    /// Fixed-length byte strings (`S`).
    Bytes,
    /// Fixed-length UTF-32 strings (`U`).
    Text,
}

/// Byte order of stored elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The order of the machine that runs.
    Native,
    /// The other one.
    Swapped,
}

/// A half of a complex number: kernels read and write halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The first in memory.
    Real,
    /// The second.
    Imaginary,
}

impl Part {
    /// Both, in the order of memory.
    pub const BOTH: [Part; 2] = [Part::Real, Part::Imaginary];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Real => "real",
            Part::Imaginary => "imag",
        })
    }
}

/// Defines [`DType`] and everything that is a fact about a single dtype.
macro_rules! dtypes {
    ($( $(#[$doc:meta])* $variant:ident $name:literal [$($alias:literal),*] $kind:ident $size:literal ; )*) => {
        /// The element type of an array or scalar.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DType {
            $( $(#[$doc])* $variant, )*
            /// Byte strings of at most this many bytes, padded with zeros (NumPy's `S`).
            Bytes(u32),
            /// Text of at most this many code points, four bytes each (NumPy's `U`).
            Text(u32),
        }

        impl DType {
            /// Every dtype of fixed size, in NumPy's order.
            pub const ALL: &[DType] = &[$(DType::$variant),*];

            /// The family.
            pub const fn kind(self) -> DTypeKind {
                match self {
                    $( DType::$variant => DTypeKind::$kind, )*
                    DType::Bytes(_) => DTypeKind::Bytes,
                    DType::Text(_) => DTypeKind::Text,
                }
            }

            /// Bytes an element occupies in memory.
            pub const fn size(self) -> usize {
                match self {
                    $( DType::$variant => $size, )*
                    DType::Bytes(n) => n as usize,
                    DType::Text(n) => n as usize * 4,
                }
            }

            /// The dtype of that name or alias (`f64`, `float64`, `double`).
            pub fn from_name(name: &str) -> Option<DType> {
                match name {
                    $( $name $(| $alias)* => Some(DType::$variant), )*
                    _ => None,
                }
            }

            /// The short name; text dtypes print their length too.
            const fn short_name(self) -> &'static str {
                match self {
                    $( DType::$variant => $name, )*
                    DType::Bytes(_) => "S",
                    DType::Text(_) => "U",
                }
            }

            /// NumPy's names for this dtype, the canonical one first.
            pub const fn aliases(self) -> &'static [&'static str] {
                match self {
                    $( DType::$variant => &[$($alias),*], )*
                    DType::Bytes(_) | DType::Text(_) => &[],
                }
            }
        }
    };
}

dtypes! {
    /// True or false; a byte in memory, any non-zero byte is true.
    Bool "bool" ["bool_"] Bool 1;
    /// 8-bit signed.
    I8 "i8" ["int8"] Int 1;
    /// 16-bit signed.
    I16 "i16" ["int16"] Int 2;
    /// 32-bit signed.
    I32 "i32" ["int32"] Int 4;
    /// 64-bit signed.
    I64 "i64" ["int64", "int"] Int 8;
    /// 8-bit unsigned.
    U8 "u8" ["uint8"] UInt 1;
    /// 16-bit unsigned.
    U16 "u16" ["uint16"] UInt 2;
    /// 32-bit unsigned.
    U32 "u32" ["uint32"] UInt 4;
    /// 64-bit unsigned.
    U64 "u64" ["uint64"] UInt 8;
    /// IEEE binary16, a storage type: computed on as f32.
    F16 "f16" ["float16", "half"] Float 2;
    /// IEEE binary32.
    F32 "f32" ["float32", "single"] Float 4;
    /// IEEE binary64.
    F64 "f64" ["float64", "double", "float"] Float 8;
    /// A pair of f32.
    C64 "c64" ["complex64"] Complex 8;
    /// A pair of f64.
    C128 "c128" ["complex128", "complex"] Complex 16;
}

impl DType {
    /// How an element lies in memory as seen by a kernel, or `None` for the dtypes that are not a
    /// single lane (complex is a pair, text is read by operand producers).
    pub const fn mem(self) -> Option<Mem> {
        match self {
            DType::Bool => Some(Mem::Bool),
            DType::I8 | DType::U8 => Some(Mem::I8),
            DType::I16 | DType::U16 | DType::F16 => Some(Mem::I16),
            DType::I32 | DType::U32 => Some(Mem::I32),
            DType::I64 | DType::U64 => Some(Mem::I64),
            DType::F32 => Some(Mem::F32),
            DType::F64 => Some(Mem::F64),
            DType::C64 | DType::C128 | DType::Bytes(_) | DType::Text(_) => None,
        }
    }

    /// Signed or unsigned integer (not bool).
    pub const fn is_integer(self) -> bool {
        matches!(self.kind(), DTypeKind::Int | DTypeKind::UInt)
    }

    /// The least and the greatest number of an integer dtype.
    pub const fn integer_range(self) -> Option<(i128, i128)> {
        match self.kind() {
            DTypeKind::Int => {
                let half = 1_i128 << (self.bits() - 1);
                Some((-half, half - 1))
            }
            DTypeKind::UInt => Some((0, (1_i128 << self.bits()) - 1)),
            DTypeKind::Bool
            | DTypeKind::Float
            | DTypeKind::Complex
            | DTypeKind::Bytes
            | DTypeKind::Text => None,
        }
    }

    /// Bytes or text.
    pub const fn is_text(self) -> bool {
        matches!(self.kind(), DTypeKind::Bytes | DTypeKind::Text)
    }

    /// Floating point (not complex).
    pub const fn is_float(self) -> bool {
        matches!(self.kind(), DTypeKind::Float)
    }

    /// The dtype of the real and the imaginary part, of a complex dtype.
    pub const fn part(self) -> Option<DType> {
        match self {
            DType::C64 => Some(DType::F32),
            DType::C128 => Some(DType::F64),
            DType::Bool | DType::I8 | DType::I16 | DType::I32 | DType::I64 | DType::U8 => None,
            DType::U16 | DType::U32 | DType::U64 | DType::F16 | DType::F32 | DType::F64 => None,
            DType::Bytes(_) | DType::Text(_) => None,
        }
    }

    /// Pairs of floats.
    pub const fn is_complex(self) -> bool {
        matches!(self.kind(), DTypeKind::Complex)
    }

    /// Width of one element in bits.
    pub const fn bits(self) -> usize {
        self.size() * 8
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DType::Bytes(n) | DType::Text(n) => write!(f, "{}{n}", self.short_name()),
            dtype => f.write_str(dtype.short_name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_lead_back_to_the_dtype() {
        for &dtype in DType::ALL {
            assert_eq!(DType::from_name(&dtype.to_string()), Some(dtype));
            for alias in dtype.aliases() {
                assert_eq!(DType::from_name(alias), Some(dtype));
            }
        }
        assert_eq!(DType::from_name("object"), None);
    }

    #[test]
    fn integer_ranges_are_rusts() {
        let range = |low: i64, high: u64| Some((i128::from(low), i128::from(high)));
        assert_eq!(DType::I8.integer_range(), range(-128, 127));
        assert_eq!(DType::I64.integer_range(), range(i64::MIN, i64::MAX.unsigned_abs()));
        assert_eq!(DType::U16.integer_range(), range(0, 65535));
        assert_eq!(DType::U64.integer_range(), range(0, u64::MAX));
        assert_eq!(DType::Bool.integer_range(), None);
    }

    #[test]
    fn a_lane_dtype_is_as_wide_in_memory_as_its_lane_storage() {
        for &dtype in DType::ALL {
            if let Some(mem) = dtype.mem() {
                assert_eq!(mem.size(), dtype.size(), "{dtype}");
            }
        }
    }
}
