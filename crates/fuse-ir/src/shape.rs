//! Extents and strides with checked arithmetic.

use smallvec::SmallVec;

/// Most dimensions an array may have.
pub const MAX_RANK: usize = 64;

/// The extents of an array, outermost first.
pub type Extents = SmallVec<[usize; 4]>;

/// The number of elements, if it and the number of bytes fit the address space.
///
/// ```text
/// len(2, 3) of 8 bytes = 6;   len(2^40, 2^40) = None;   len() = 1;   len(0, 2^63) = 0
/// ```
pub fn checked_len(extents: &[usize], item_size: usize) -> Option<usize> {
    if extents.contains(&0) {
        return Some(0);
    }
    let len = extents.iter().try_fold(1_usize, |len, &extent| len.checked_mul(extent))?;
    let bytes = len.checked_mul(item_size.max(1))?;
    (bytes <= isize::MAX.unsigned_abs()).then_some(len)
}

/// Byte strides of a C-ordered array.
pub fn contiguous_strides(extents: &[usize], item_size: usize) -> SmallVec<[isize; 4]> {
    let mut strides: SmallVec<[isize; 4]> = SmallVec::from_elem(0, extents.len());
    let mut step = isize::try_from(item_size).unwrap_or(isize::MAX);
    for (stride, &extent) in strides.iter_mut().zip(extents).rev() {
        *stride = step;
        step = step.saturating_mul(isize::try_from(extent.max(1)).unwrap_or(isize::MAX));
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_checked() {
        assert_eq!(checked_len(&[2, 3], 8), Some(6));
        assert_eq!(checked_len(&[], 8), Some(1));
        assert_eq!(checked_len(&[0, usize::MAX], 8), Some(0));
        assert_eq!(checked_len(&[1 << 32, 1 << 32, 2], 8), None);
        assert_eq!(checked_len(&[1 << 60], 8), None);
    }

    #[test]
    fn strides_are_those_of_c_order() {
        assert_eq!(contiguous_strides(&[2, 3, 4], 8).as_slice(), [96, 32, 8]);
        assert_eq!(contiguous_strides(&[], 8).as_slice(), [] as [isize; 0]);
    }
}
