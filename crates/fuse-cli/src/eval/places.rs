//! Which elements of a result are compared: about 2^16, spread over all of it.
//!
//! ```text
//! an axis      |====      ====          ====       ====|      runs, one in each part; both ends have one
//! all axes     all combinations of their indices
//! windows      …=|=…                                          and what lies on both sides of where one ends
//! ```
//!
//! Runs are of elements that follow each other in memory, since a page is read for each run. Their starts are
//! pseudo-random, from a fixed seed: no step of a loop meets the same place of all of them.

use std::collections::BTreeSet;

use crate::paging::WINDOW;

/// About so many elements are compared.
pub(super) const PLACES: usize = 1 << 16;

/// Elements of a run.
const RUN: usize = 64;

/// The same along both the first and the last axis, where arrays of both orders are read.
const MIXED_RUN: usize = 16;

/// Most ends of windows whose neighbours are compared, for one axis, two and three; of more none, since each index
/// goes with all indices of the other axes.
const MOST_ENDS: [usize; 3] = [64, 4, 2];

/// How the elements of a result lie in memory, and those of its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lying {
    C,
    Fortran,
    /// The result in C order, operands in either.
    Mixed,
}

/// For each axis of a result the indices at whose combinations its elements are compared.
pub(super) fn spread(shape: &[usize], item_size: usize, lying: Lying) -> Vec<Vec<usize>> {
    let counts = counts(shape);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut lists: Vec<BTreeSet<usize>> = (0..shape.len())
        .map(|axis| runs(shape[axis], counts[axis], run(shape, &counts, axis, lying), &mut random))
        .collect();
    for place in beside_windows(shape, item_size, lying) {
        for (list, index) in lists.iter_mut().zip(place) {
            list.insert(index);
        }
    }
    lists.into_iter().map(|list| list.into_iter().collect()).collect()
}

/// How many indices of each axis: all of short ones, the rest shared evenly.
fn counts(shape: &[usize]) -> Vec<usize> {
    let mut axes: Vec<usize> = (0..shape.len()).collect();
    axes.sort_by_key(|&axis| shape[axis]);
    let (mut counts, mut left) = (vec![0; shape.len()], PLACES);
    for (done, &axis) in axes.iter().enumerate() {
        counts[axis] = shape[axis].min(root(left, axes.len() - done));
        left /= counts[axis].max(1);
    }
    counts
}

/// The root of this degree, but two where that is possible.
fn root(number: usize, degree: usize) -> usize {
    if degree == 1 {
        return number;
    }
    let degree = u32::try_from(degree).unwrap_or(u32::MAX);
    let fits = |root: &usize| root.checked_pow(degree).is_some_and(|power| power <= number);
    (1..=number).take_while(fits).last().unwrap_or(1).max(number.min(2))
}

/// How many indices of an axis follow each other: enough for a run of elements in memory.
fn run(shape: &[usize], counts: &[usize], axis: usize, lying: Lying) -> usize {
    let along = |mut faster: std::ops::Range<usize>, run: usize| {
        let inner: usize = shape[faster.clone()].iter().product();
        if faster.all(|axis| counts[axis] == shape[axis]) { run.div_ceil(inner.max(1)) } else { 1 }
    };
    let (before, behind) = (0..axis, axis + 1..shape.len());
    match lying {
        Lying::C => along(behind, RUN),
        Lying::Fortran => along(before, RUN),
        Lying::Mixed => along(behind, MIXED_RUN).max(along(before, MIXED_RUN)),
    }
}

/// So many indices in runs, one in each part of the axis, the first and the last at its ends.
fn runs(extent: usize, count: usize, run: usize, random: &mut Random) -> BTreeSet<usize> {
    if count >= extent {
        return (0..extent).collect();
    }
    let runs = (count / run).max(2).min(count);
    let run = count / runs;
    let part = extent / runs;
    let start = |number: usize| match number {
        0 if runs > 1 => 0,
        last if last + 1 == runs && runs > 1 => extent - run,
        inner => inner * part + random.below(part - run + 1),
    };
    let starts: Vec<usize> = (0..runs).map(start).collect();
    starts.into_iter().flat_map(|start| start..start + run).collect()
}

/// The last element of a window and the first of the next, for some windows.
fn beside_windows(shape: &[usize], item_size: usize, lying: Lying) -> Vec<Vec<usize>> {
    let elements: usize = shape.iter().product();
    let ends = (elements * item_size).div_ceil(WINDOW).saturating_sub(1);
    let long = shape.iter().filter(|&&extent| extent != 1).count();
    let most = long.checked_sub(1).and_then(|others| MOST_ENDS.get(others));
    let chosen = ends.min(most.copied().unwrap_or(0));
    let end = |number: usize| 1 + number * (ends - 1) / (chosen - 1).max(1);
    let first_behind = (0..chosen).map(end).map(|end| end * (WINDOW / item_size));
    first_behind
        .flat_map(|first| [place(shape, first - 1, lying), place(shape, first, lying)])
        .collect()
}

/// The indices of the element that is this one in memory.
fn place(shape: &[usize], mut element: usize, lying: Lying) -> Vec<usize> {
    let mut place = vec![0; shape.len()];
    let mut next = |axis: usize| {
        place[axis] = element % shape[axis];
        element /= shape[axis];
    };
    match lying {
        Lying::C | Lying::Mixed => (0..shape.len()).rev().for_each(&mut next),
        Lying::Fortran => (0..shape.len()).for_each(&mut next),
    }
    place
}

/// SplitMix64.
struct Random(u64);

impl Random {
    #[expect(clippy::cast_possible_truncation, reason = "less than `n`, which is one")]
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % n.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 8;

    fn count(lists: &[Vec<usize>]) -> usize {
        lists.iter().map(Vec::len).product()
    }

    /// What every list must be.
    fn check(shape: &[usize], lying: Lying) -> Vec<Vec<usize>> {
        let lists = spread(shape, SIZE, lying);
        assert_eq!(lists.len(), shape.len());
        for (list, &extent) in lists.iter().zip(shape) {
            assert!(list.is_sorted_by(|a, b| a < b), "{shape:?}");
            assert_eq!(list.first().copied(), (extent > 0).then_some(0), "{shape:?}");
            assert_eq!(list.last().copied(), extent.checked_sub(1), "{shape:?}");
        }
        let all: usize = shape.iter().product();
        assert!(count(&lists) >= all.min(PLACES / 4), "{shape:?}: {}", count(&lists));
        assert!(count(&lists) <= 2 * PLACES, "{shape:?}: {}", count(&lists));
        lists
    }

    #[test]
    fn about_as_many_as_wanted_of_any_shape() {
        for lying in [Lying::C, Lying::Fortran, Lying::Mixed] {
            for shape in [
                &[][..],
                &[0],
                &[1],
                &[65_536],
                &[65_537],
                &[1 << 27],
                &[3, 40_000_000],
                &[40_000_000, 3],
                &[1500, 467],
                &[10_000, 13_000],
                &[1, 1 << 24],
                &[300, 400, 500],
                &[5, 0, 7],
                &[40, 40, 40, 40, 40],
                &[2; 16],
                &[3; 16],
            ] {
                check(shape, lying);
            }
        }
        let all = spread(&[2; 20], SIZE, Lying::C);
        assert_eq!(count(&all), PLACES, "more axes than it has factors");
    }

    #[test]
    fn few_are_all() {
        assert_eq!(count(&check(&[65_536], Lying::C)), 65_536);
        assert_eq!(count(&check(&[256, 256], Lying::C)), 65_536);
        assert_eq!(count(&check(&[], Lying::C)), 1);
    }

    /// Runs of a list.
    fn n_runs(list: &[usize]) -> usize {
        1 + list.windows(2).filter(|pair| pair[0] + 1 < pair[1]).count()
    }

    #[test]
    fn elements_are_read_in_runs() {
        let of_vector = check(&[1 << 27], Lying::C);
        assert!(n_runs(&of_vector[0]) <= 1024 + 64, "{}", n_runs(&of_vector[0]));
        // Neighbours in memory are those of the last axis, or of the first.
        let rows = check(&[10_000, 13_000], Lying::C);
        let columns = check(&[10_000, 13_000], Lying::Fortran);
        assert!(n_runs(&rows[1]) <= 4 + 8 && n_runs(&rows[0]) > 100);
        assert!(n_runs(&columns[0]) <= 4 + 8 && n_runs(&columns[1]) > 100);
        // Rows are short: several of them follow each other.
        assert!(n_runs(&check(&[40_000_000, 3], Lying::C)[0]) <= 1024 + 8);
        let mixed = check(&[10_000, 13_000], Lying::Mixed);
        assert!(mixed.iter().all(|list| n_runs(list) <= 16 + 8));
    }

    #[test]
    fn every_part_of_a_vector_is_met_and_both_sides_of_windows() {
        let n = 64 * (WINDOW / SIZE) + 5;
        let list = &check(&[n], Lying::C)[0];
        for part in 0..512 {
            let part = part * n / 512..(part + 1) * n / 512;
            assert!(list.iter().any(|index| part.contains(index)), "{part:?}");
        }
        for end in 1..=64 {
            let first = end * (WINDOW / SIZE);
            assert!(list.contains(&first) && list.contains(&(first - 1)), "window {end}");
        }
        let lists = check(&[4096, 4096], Lying::Fortran);
        let first = WINDOW / SIZE;
        let [row, column] = [first % 4096, first / 4096];
        assert!(lists[0].contains(&row) && lists[1].contains(&column));
        assert!(lists[0].contains(&4095) && lists[1].contains(&(column - 1)));
    }
}
