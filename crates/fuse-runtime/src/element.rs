//! Rust types that arrays are made of.
//!
//! [`Element`] is sealed: every implementor is plain old data whose size is that of its dtype.
//! [`F16`] and [`Complex`] are storage only; arithmetic on them is a formula's business.

use fuse_ir::{DType, Lane, Prim};

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

impl F16 {
    /// The nearest to a number, ties to even; every NaN becomes one.
    pub fn from_f64(value: f64) -> F16 {
        let bits = Prim::F64ToF16.eval(Lane::F64, Lane::I16, [value.to_bits(), 0, 0]);
        F16((bits & 0xffff) as u16)
    }

    /// The same number.
    pub fn to_f64(self) -> f64 {
        let bits = Prim::F16ToF32.eval(Lane::I16, Lane::F32, [u64::from(self.0), 0, 0]);
        f64::from(f32::from_bits((bits & 0xffff_ffff) as u32))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_numbers_of_eleven_bits() {
        for (value, bits) in [(1.0, 0x3c00), (-2.5, 0xc100), (65504.0, 0x7bff), (1e-7, 2)] {
            assert_eq!(F16::from_f64(value), F16(bits), "{value}");
        }
        assert_eq!(F16::from_f64(0.1).to_f64(), 0.099_975_585_937_5);
        assert_eq!(F16::from_f64(1e9).to_f64(), f64::INFINITY);
        assert!(F16(0x7c01).to_f64().is_nan());
    }
}
