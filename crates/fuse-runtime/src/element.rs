//! Rust types that arrays are made of.
//!
//! [`Element`] is sealed: every implementor is plain old data whose size is that of its dtype.
//! [`F16`] and [`Complex`] are storage only; arithmetic on them is a formula's business.

use fuse_ir::DType;

mod sealed {
    /// Keeps [`super::Element`] to this file.
    pub trait Sealed {}
}

/// A type whose slices are arrays.
pub trait Element: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The dtype of its arrays.
    const DTYPE: DType;
}

/// An IEEE binary16 number, as its bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct F16(pub u16);

/// A complex number: the real part first in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Complex<T> {
    /// Real part.
    pub re: T,
    /// Imaginary part.
    pub im: T,
}

macro_rules! elements {
    ($($ty:ty => $dtype:ident),* $(,)?) => {
        $(
            impl sealed::Sealed for $ty {}
            impl Element for $ty {
                const DTYPE: DType = DType::$dtype;
            }
            const _: () = assert!(size_of::<$ty>() == DType::$dtype.size());
        )*
    };
}

elements! {
    bool => Bool,
    i8 => I8, i16 => I16, i32 => I32, i64 => I64,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    F16 => F16, f32 => F32, f64 => F64,
    Complex<f32> => C64, Complex<f64> => C128,
}
