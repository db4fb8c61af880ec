//! Results against what a case expects: to the bit, or within a number of floats.
//!
//! A tolerance is for elementary functions, which are within a budget of the exact value and not correctly
//! rounded. It never covers zeros, infinities and NaN: those must be there exactly where they are
//! expected, zeros with their sign.

use fuse::DType;

use super::format::Data;

/// The first element that is not as expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) position: usize,
    /// Elements that are not as expected.
    pub(crate) count: usize,
    /// Elements in all.
    pub(crate) of: usize,
    /// The element expected, as bits.
    pub(crate) expected: u64,
    /// The element found, as bits.
    pub(crate) bits: u64,
}

/// Compares as many elements as are expected; floats may be `ulp` floats away.
pub(crate) fn difference(expected: &Data, ulp: u64, bits: &[u64]) -> Option<Difference> {
    let differs = |(a, b): (&u64, &u64)| !agree(expected.unit(), ulp, *a, *b);
    let pairs = || expected.bits.iter().zip(bits);
    let position = pairs().position(differs)?;
    Some(Difference {
        position,
        count: pairs().filter(|&pair| differs(pair)).count(),
        of: bits.len(),
        expected: expected.bits[position],
        bits: bits[position],
    })
}

/// The same bits, or floats within so many of each other.
pub(crate) fn agree(dtype: DType, ulp: u64, expected: u64, got: u64) -> bool {
    if expected == got {
        return true;
    }
    let (infinity, sign) = match dtype {
        DType::F16 => (0x7c00, 1 << 15),
        DType::F32 => (u64::from(f32::INFINITY.to_bits()), 1 << 31),
        DType::F64 => (f64::INFINITY.to_bits(), 1 << 63),
        _ => return false,
    };
    let [a, b] = [expected, got].map(|bits| bits & !sign);
    let ordinary = |magnitude: u64| 0 < magnitude && magnitude < infinity;
    expected & sign == got & sign && ordinary(a) && ordinary(b) && a.abs_diff(b) <= ulp
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f64s(values: &[f64]) -> Data {
        let bits = values.iter().map(|value| value.to_bits()).collect();
        Data { dtype: DType::F64, shape: vec![values.len()], bits }
    }

    fn f32s(values: &[f32]) -> Data {
        let bits = values.iter().map(|value| u64::from(value.to_bits())).collect();
        Data { dtype: DType::F32, shape: vec![values.len()], bits }
    }

    #[test]
    fn a_tolerance_counts_floats() {
        let expected = f64s(&[1.0, -3.0, 2.0]);
        for (steps, far) in [(0, false), (1, false), (2, true)] {
            let mut bits = expected.bits.clone();
            bits[1] += steps;
            assert_eq!(difference(&expected, 1, &bits).is_some(), far, "{steps} floats");
            assert_eq!(difference(&expected, 0, &bits).is_some(), steps > 0, "{steps} floats");
        }
        let below_one = f64s(&[1.0 - f64::EPSILON, -3.0, 2.0]).bits;
        let found = difference(&expected, 1, &below_one).expect("two floats below 1");
        assert_eq!((found.position, found.count, found.of), (0, 1, 3));
        assert_eq!(difference(&expected, 2, &below_one), None);
        let single = f32s(&[1.5]);
        assert_eq!(difference(&single, 1, &f32s(&[1.5 + f32::EPSILON]).bits), None);
        assert!(difference(&single, 1, &f32s(&[-1.5]).bits).is_some());
    }

    #[test]
    fn zeros_infinities_and_nan_have_no_tolerance() {
        let (tiny, most) = (f64::from_bits(1), f64::MAX);
        let special = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let beside = [tiny, -tiny, most, -most, f64::INFINITY];
        for (special, beside) in special.into_iter().zip(beside) {
            let [special, beside] = [special, beside].map(|value| f64s(&[value]));
            assert_eq!(difference(&special, 1000, &special.bits), None);
            assert!(difference(&special, 1000, &beside.bits).is_some(), "{special:?}");
            assert!(difference(&beside, 1000, &special.bits).is_some(), "{special:?}");
        }
        assert!(difference(&f64s(&[0.0]), 1000, &f64s(&[-0.0]).bits).is_some());
        assert!(difference(&f64s(&[tiny]), 1000, &f64s(&[-tiny]).bits).is_some());
    }

    #[test]
    fn integers_have_no_tolerance() {
        let expected = Data { dtype: DType::I64, shape: vec![1], bits: vec![7] };
        assert!(difference(&expected, 1000, &[8]).is_some());
    }
}
