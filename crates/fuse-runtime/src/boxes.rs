//! Loops over paged memory whose operands lie in different orders, box by box: see [`crate::pager`].
//!
//! ```text
//! r[i, j] = a[i, j] + b[j, i]      a row of r reads a column of b: an element of each page of b
//! boxes of 512 columns of r        those 512 pages of b are read for all rows of the box
//! ```
//!
//! Only loops that may run in any order, and only where an operand that is larger than the pager's room is
//! walked across. A box spans as many steps of the innermost axis as there is room for pieces of 64 KiB, and
//! rows of outputs for an eighth of the room.

use smallvec::SmallVec;

use crate::error::RunError;
use crate::pager::{GAP, Pager};
use crate::plan::Stepped;

/// Steps between elements that lie on different pages.
const PAGE: usize = 4096;

/// Least steps of a side.
const LEAST: usize = 64;

/// Most boxes: each takes microseconds beside its work.
const MOST: usize = 1 << 24;

/// A loop cut into boxes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Boxes<'s> {
    space: &'s [usize],
    /// Steps of a box along each axis.
    sides: SmallVec<[usize; 4]>,
    /// The axes, outermost first.
    order: &'s [usize],
}

impl<'s> Boxes<'s> {
    /// `None` where the loop had better run as a whole.
    pub(crate) fn of(
        operands: &Stepped,
        space: &'s [usize],
        order: &'s [usize],
        pager: &dyn Pager,
    ) -> Option<Boxes<'s>> {
        let order = &order[order.iter().take_while(|&&axis| space[axis] == 1).count()..];
        let (&inner, outer) = order.split_last()?;
        let room = pager.room();
        let across = operands.operands().find_map(|(_, form, strides)| {
            let reach = |&axis: &usize| (space[axis] - 1) * strides[axis].unsigned_abs();
            let bytes = order.iter().map(reach).fold(form.size, usize::saturating_add);
            let steps_far = strides[inner].unsigned_abs() >= PAGE && space[inner] > 1;
            let nearest = outer.iter().filter(|&&axis| strides[axis] != 0 && space[axis] > 1);
            let nearest = nearest.min_by_key(|&&axis| strides[axis].unsigned_abs());
            (steps_far && bytes > room / 4).then_some(nearest?).copied()
        })?;
        let columns = (room / 4 / GAP).max(LEAST);
        let rows = (room / 8 / (space[inner].saturating_mul(8))).max(LEAST);
        // Axes between and around them go step by step.
        let mut sides: SmallVec<[usize; 4]> = SmallVec::from_elem(1, space.len());
        sides[inner] = columns.min(space[inner]);
        sides[across] = rows.min(space[across]);
        let counts = space.iter().zip(&sides).map(|(&extent, &side)| extent.div_ceil(side));
        let n_boxes = counts.fold(1_usize, usize::saturating_mul);
        (1 < n_boxes && n_boxes <= MOST).then_some(Boxes { space, sides, order })
    }

    /// Gives each box's first index and its extents.
    pub(crate) fn each(
        &self,
        mut run: impl FnMut(&[usize], &[usize]) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let mut origin: SmallVec<[usize; 4]> = SmallVec::from_elem(0, self.space.len());
        loop {
            let sides = origin.iter().zip(self.space).zip(&self.sides);
            let extents: SmallVec<[usize; 4]> =
                sides.map(|((&origin, &extent), &side)| side.min(extent - origin)).collect();
            run(&origin, &extents)?;
            // The next one, the innermost axis first.
            let next = self.order.iter().rev().find(|&&axis| {
                origin[axis] += self.sides[axis];
                let inside = origin[axis] < self.space[axis];
                if !inside {
                    origin[axis] = 0;
                }
                inside
            });
            if next.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_cover_the_loop_once() {
        let (space, order) = ([5, 7, 3], [1, 0, 2]);
        let boxes = Boxes { space: &space, sides: SmallVec::from_slice(&[2, 3, 1]), order: &order };
        let mut seen = vec![0; 5 * 7 * 3];
        boxes
            .each(|origin, extents| {
                for i in origin[0]..origin[0] + extents[0] {
                    for j in origin[1]..origin[1] + extents[1] {
                        for k in origin[2]..origin[2] + extents[2] {
                            seen[(i * 7 + j) * 3 + k] += 1;
                        }
                    }
                }
                Ok(())
            })
            .expect("nothing fails");
        assert!(seen.iter().all(|&count| count == 1), "{seen:?}");
    }
}
