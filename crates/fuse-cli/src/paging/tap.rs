//! Elements of a result that are kept while its windows pass.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::memory::{Memory, WINDOW};

/// See the module.
#[derive(Debug)]
pub(crate) struct Tap {
    size: usize,
    /// Where the elements lie in the memory, in bytes, ascending; and where among those that are kept.
    places: Vec<(usize, usize)>,
    /// The elements so far, and how many.
    kept: Mutex<(Vec<u8>, usize)>,
    taken: OnceLock<Vec<u8>>,
}

impl Tap {
    /// For elements of that size at these offsets, which are kept in this order. None lies in two windows.
    pub(crate) fn new(offsets: &[usize], size: usize) -> Tap {
        let mut places: Vec<(usize, usize)> =
            offsets.iter().copied().enumerate().map(|(number, offset)| (offset, number)).collect();
        places.sort_unstable();
        let kept = Mutex::new((vec![0; offsets.len() * size], 0));
        Tap { size, places, kept, taken: OnceLock::new() }
    }

    /// Keeps what is wanted of a window that is complete.
    pub(crate) fn take(&self, memory: &Memory, window: usize) {
        let Some(bytes) = memory.window(window) else { return };
        let range = memory.range(window);
        let first = self.places.partition_point(|&(offset, _)| offset < range.start);
        let inside = self.places[first..].iter().take_while(|(offset, _)| *offset < range.end);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for &(offset, number) in inside {
            let element = &bytes[offset % WINDOW..][..self.size];
            kept.0[number * self.size..][..self.size].copy_from_slice(element);
            kept.1 += 1;
        }
    }

    /// The elements, if all have passed.
    pub(crate) fn taken(&self) -> Option<&[u8]> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.1 == self.places.len() {
            return Some(self.taken.get_or_init(|| std::mem::take(&mut kept.0)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use fuse::{DType, vars};

    use super::*;

    #[test]
    fn elements_are_kept_whatever_the_order_of_windows() {
        let n = 3 * WINDOW / 8;
        let memory = Memory::reserve(n * 8).unwrap();
        let offsets: Vec<usize> = [5, n - 1, 0, WINDOW / 8, WINDOW / 8 - 1].map(|n| n * 8).to_vec();
        let tap = Tap::new(&offsets, 8);
        let view = memory.lend(DType::F64, &[n], &[8]).unwrap();
        let formula: fuse::Formula = "x*1".parse().unwrap();
        let x: Vec<f64> = (0..n).map(|n| n as f64).collect();
        let mut views = fuse::Outputs::new();
        views.push(view);
        formula.evaluate_into(vars! { x }, &mut views).unwrap();
        assert_eq!(memory.wrote(memory.addresses()).collect::<Vec<_>>(), [0, 1, 2]);
        for window in [1, 0] {
            tap.take(&memory, window);
            memory.forget(window);
        }
        assert_eq!(tap.taken(), None, "one has not passed");
        tap.take(&memory, 2);
        let taken: Vec<f64> = tap
            .taken()
            .unwrap()
            .chunks(8)
            .map(|own| f64::from_ne_bytes(own.try_into().unwrap()))
            .collect();
        assert_eq!(taken, offsets.iter().map(|offset| (offset / 8) as f64).collect::<Vec<_>>());
    }
}
