//! Arrays that start on a cache line, so that no contender is slowed by chance.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// An array of fixed length whose first element lies on a multiple of 64 bytes.
pub struct Aligned<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// Zeros, every page touched.
    pub fn zeroed(len: usize) -> Aligned<T> {
        let mut memory = vec![T::default(); len + LINE / size_of::<T>()];
        memory.fill(T::default());
        let start = memory.as_ptr().align_offset(LINE);
        assert!(start <= memory.len() - len, "an offset in elements always exists here");
        Aligned { memory, start, len }
    }

    /// Element `k` is `value(k)`.
    pub fn from_fn(len: usize, value: impl FnMut(usize) -> T) -> Aligned<T> {
        let mut array = Aligned::zeroed(len);
        array.iter_mut().zip((0..len).map(value)).for_each(|(slot, value)| *slot = value);
        array
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..][..self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_start_on_a_cache_line() {
        for len in [0, 1, 7, 1000] {
            assert_eq!(Aligned::<f32>::zeroed(len).as_ptr().addr() % LINE, 0);
            assert_eq!(
                *Aligned::from_fn(len, |k| k as f64),
                *(0..len).map(|k| k as f64).collect::<Vec<_>>()
            );
        }
    }
}
