//! Rust types that arrays are made of.
//!
//! [`Element`] is sealed: every implementor is plain old data whose size is that of its dtype.
//! [`F16`] and [`Complex`] are storage only; arithmetic on them is a formula's business. With the
//! features `half` and `num-complex` the types of those crates, which lie in memory alike, are elements
//! too.

use std::fmt;

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

/// An IEEE binary16 number, as its bits; equality is that of the bits.
///
/// Conversions are those that formulas use. `Display` gives the shortest digits that read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct F16(pub u16);

impl F16 {
    /// The nearest number, ties to even; NaN becomes the quiet NaN.
    pub fn from_f32(value: f32) -> F16 {
        F16::from_f64(f64::from(value))
    }

    /// The nearest number, ties to even, rounded once; NaN becomes the quiet NaN.
    pub fn from_f64(value: f64) -> F16 {
        let bits = Prim::F64ToF16.eval(Lane::F64, Lane::I16, [value.to_bits(), 0, 0]);
        F16(u16::try_from(bits).expect("sixteen bits"))
    }

    /// The same number.
    pub fn to_f32(self) -> f32 {
        let bits = Prim::F16ToF32.eval(Lane::I16, Lane::F32, [u64::from(self.0), 0, 0]);
        f32::from_bits(u32::try_from(bits).expect("32 bits"))
    }

    /// The same number.
    pub fn to_f64(self) -> f64 {
        f64::from(self.to_f32())
    }
}

impl From<F16> for f32 {
    fn from(value: F16) -> f32 {
        value.to_f32()
    }
}

impl From<F16> for f64 {
    fn from(value: F16) -> f64 {
        value.to_f64()
    }
}

impl fmt::Display for F16 {
    /// As Rust prints an f64 of so few digits: five are enough for every f16. A tie between two decimals
    /// goes to the even one if that reads back: 2^-6 is 0.01563, since 0.01562 is another f16.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_f64();
        let beyond = if value > 0.0 { value.next_up() } else { value.next_down() };
        let candidates = (0..=4).flat_map(|digits| [value, beyond].map(|near| (digits, near)));
        let rounded = |(digits, near): (usize, f64)| format!("{near:.digits$e}").parse().ok();
        let reads_back = |near: &f64| F16::from_f64(*near) == *self;
        let shortest = candidates.filter_map(rounded).find(reads_back);
        fmt::Debug::fmt(&shortest.unwrap_or(value), f)
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

impl<T> Complex<T> {
    /// `re + im*j`.
    pub const fn new(re: T, im: T) -> Complex<T> {
        Complex { re, im }
    }
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

#[cfg(feature = "half")]
mod half_types {
    use fuse_ir::DType;
    use half::f16;

    use super::{Element, F16, sealed};

    elements! { f16 => F16 }

    impl From<F16> for f16 {
        fn from(value: F16) -> f16 {
            f16::from_bits(value.0)
        }
    }

    impl From<f16> for F16 {
        fn from(value: f16) -> F16 {
            F16(value.to_bits())
        }
    }
}

#[cfg(all(test, feature = "half", feature = "num-complex"))]
mod foreign_tests {
    use half::f16;
    use num_complex::Complex64;

    use super::{Complex, F16};
    use crate::{Array, View};

    #[test]
    fn their_types_are_elements_and_convert() {
        let halves = [f16::from_f32(0.1), f16::INFINITY];
        let array = Array::from_slice(&halves, &[2]).expect("it fits");
        let ours = array.as_slice::<F16>().expect("one dtype");
        assert_eq!(ours, [F16::from_f32(0.1), F16(0x7c00)]);
        assert_eq!(array.as_slice::<f16>(), Some(halves.as_slice()));
        assert_eq!(f16::from(F16::from(halves[0])), halves[0]);
        let z = [Complex64::new(1.0, -2.0)];
        assert_eq!(View::from_slice(&z).dtype(), fuse_ir::DType::C128);
        let array = Array::from_slice(&z, &[1]).expect("it fits");
        assert_eq!(array.as_slice(), Some([Complex::from(z[0])].as_slice()));
        assert_eq!(Complex64::from(Complex::new(1.0, -2.0)), z[0]);
    }

    /// Both round alike, from f32 and from f64.
    #[test]
    fn conversions_agree_with_those_of_half() {
        for k in 0..200_000_u32 {
            let value = f32::from_bits(k.wrapping_mul(21_475));
            assert_eq!(F16::from_f32(value).0 & 0x7fff > 0x7c00, value.is_nan());
            if !value.is_nan() {
                assert_eq!(F16::from_f32(value), f16::from_f32(value).into(), "{value}");
            }
        }
    }
}

#[cfg(feature = "num-complex")]
mod complex_types {
    use fuse_ir::DType;
    use num_complex::{Complex32, Complex64};

    use super::{Complex, Element, sealed};

    elements! { Complex32 => C64, Complex64 => C128 }

    impl<T> From<Complex<T>> for num_complex::Complex<T> {
        fn from(value: Complex<T>) -> num_complex::Complex<T> {
            num_complex::Complex::new(value.re, value.im)
        }
    }

    impl<T> From<num_complex::Complex<T>> for Complex<T> {
        fn from(value: num_complex::Complex<T>) -> Complex<T> {
            Complex::new(value.re, value.im)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All f16 are multiples of 2^-24 below 2^16: 40 bits.
    #[test]
    fn every_f16_prints_with_the_fewest_digits_that_read_back() {
        for bits in 0..0x7c00_u16 {
            let half = F16(bits);
            let text = half.to_string();
            let read = |text: &str| F16::from_f64(text.parse().expect("a number"));
            assert_eq!(read(&text), half, "{text}");
            let (digits, _) = text.split_once('e').unwrap_or((&text, ""));
            let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
            let n_digits = digits.trim_matches('0').len();
            if n_digits > 1 {
                // The two decimals of one digit less around it.
                let near = format!("{:.*e}", n_digits - 2, half.to_f64());
                let (digits, exponent) = near.split_once('e').expect("an exponent");
                let digits: i64 = digits.replace('.', "").parse().expect("digits");
                let exponent: i64 = exponent.parse().expect("an exponent");
                let scale = exponent - i64::try_from(n_digits - 2).expect("few");
                for shorter in [digits - 1, digits, digits + 1] {
                    assert_ne!(read(&format!("{shorter}e{scale}")), half, "{text}");
                }
            }
        }
        for (value, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (65504.0, "65500.0"),
            (1.0 / 3.0, "0.3333"),
            (-2.5, "-2.5"),
            (5.960464477539063e-8, "6e-8"),
            (f64::INFINITY, "inf"),
            (-0.0, "-0.0"),
            (0.015625, "0.01563"),
            (0.15625, "0.1562"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(F16::from_f64(value).to_string(), text);
        }
    }

    #[test]
    fn f16_survives_the_way_to_f32_and_back() {
        for bits in (0..=0x7c00).chain(0x8000..=0xfc00) {
            assert_eq!(F16::from_f32(F16(bits).to_f32()), F16(bits));
        }
        assert!(F16(0x7e01).to_f32().is_nan());
        assert_eq!(F16::from_f32(65519.0).to_f32(), 65504.0);
        assert_eq!(F16::from_f32(65520.0).to_f32(), f32::INFINITY);
        // 1 + 2^-11 + 2^-40 rounds up; by way of f32 it would be a tie, and round down.
        assert_eq!(F16::from_f64(1.0 + 2f64.powi(-11) + 2f64.powi(-40)), F16(0x3c01));
    }
}
