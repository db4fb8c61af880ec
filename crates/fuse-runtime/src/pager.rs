//! Calls over more memory than there is: who is told which bytes a call is about to read, and which it
//! has written for good.
//!
//! ```text
//! block ──▶ reads(span) of each operand ──▶ kernel ──▶ wrote(span) of each result ──▶ passed(elements)
//! ```
//!
//! A [`Pager`] looks after memory that only seems to be there: mapped files, whose pages it lets go again
//! behind the loops; results, which it takes away as soon as they are complete; temporaries, which it keeps
//! in files. Loops run in the order of memory then: tasks are handed out from the front, folds over some
//! axes are walked row by row of the operand, and none of it changes a bit.
//!
//! Spans are addresses. What is read is told at least: spans cover every byte that the block reads, and what
//! lies in gaps below [`GAP`]. What is written is told exactly, each byte of a result once.
//!
//! Cost: nothing without a pager. With one, a call per operand and block, and per row of an operand whose
//! rows lie apart.

use std::fmt::Debug;
use std::ops::Range;

use fuse_ir::DType;

use crate::error::RunError;
use crate::options::RunOptions;
use crate::pack::Dim;
use crate::plan::{Access, Plan, Route};
use crate::views::{Address, ViewMut};

/// Bytes between two elements that are told as one span: what the system maps around a fault.
pub(crate) const GAP: usize = 64 << 10;

/// Bytes of an operand that a task of a paged loop covers.
pub(crate) const TASK_BYTES: usize = 1 << 20;

/// The call is to end: the pager knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt;

/// Looks after the memory of calls; see the module.
///
/// Spans that are not the pager's are told too: memory of threads, small temporaries, arrays of the caller.
pub trait Pager: Debug + Send + Sync {
    /// These bytes are about to be read.
    fn reads(&self, span: Range<usize>);

    /// These bytes of results or temporaries have been written.
    ///
    /// # Errors
    /// [`Halt`] ends the call with [`RunError::Halted`].
    fn wrote(&self, span: Range<usize>) -> Result<(), Halt>;

    /// So many elements of the passes' loops are done; `elements` of [`crate::Survey`] are all.
    fn passed(&self, elements: usize);

    /// Memory for a temporary, C order, if the pager wants to keep it; it lives as long as the call.
    fn temporary(&self, dtype: DType, extents: &[usize]) -> Option<ViewMut<'_>>;

    /// Bytes of operands that may be kept at once.
    fn room(&self) -> usize;
}

/// What each span is given to.
pub(crate) type Each<'e> = dyn FnMut(Range<usize>) -> Result<(), RunError> + 'e;

impl From<Halt> for RunError {
    fn from(_: Halt) -> RunError {
        RunError::Halted
    }
}

impl Plan {
    /// Tells what elements of the loop read.
    pub(crate) fn tell_reads(
        &self,
        pager: &dyn Pager,
        range: (usize, usize),
    ) -> Result<(), RunError> {
        self.inputs.iter().try_for_each(|access| tell_access(pager, access, range))
    }

    /// Tells what elements of the loop have written.
    pub(crate) fn tell_wrote(
        &self,
        pager: &dyn Pager,
        range: (usize, usize),
    ) -> Result<(), RunError> {
        for (access, paired) in paired(&self.outputs) {
            let size = access.form.size * if paired { 2 } else { 1 };
            exact_spans(&access.dims, (access.base, size), range, &mut |span| {
                Ok(pager.wrote(span)?)
            })?;
        }
        Ok(())
    }
}

/// Tells what elements of an operand's walk read: of a predicate, its texts.
pub(crate) fn tell_access(
    pager: &dyn Pager,
    access: &Access,
    range: (usize, usize),
) -> Result<(), RunError> {
    let place = (access.base, access.form.size);
    spans(&access.dims, place, range, &mut |span| tell_span(pager, access, span))
}

/// Tells that a span of an operand is read; spans of a predicate are of answers.
pub(crate) fn tell_span(
    pager: &dyn Pager,
    access: &Access,
    span: Range<usize>,
) -> Result<(), RunError> {
    let Some(predicate) = &access.predicate else {
        pager.reads(span);
        return Ok(());
    };
    predicate.texts(span).try_for_each(|(text, range)| tell_access(pager, text, range))
}

/// That address.
pub(crate) fn address_at(address: usize) -> Address {
    Address(std::ptr::without_provenance_mut(address))
}

/// Outputs that are not the second halves of others, and whether their second halves follow.
fn paired(outputs: &[Access]) -> impl Iterator<Item = (&Access, bool)> {
    let follows = |first: &Access, second: &Access| {
        let size = first.form.size;
        first.base.add(size) == second.base && first.dims == second.dims && second.form.size == size
    };
    let is_second = move |access: &&Access| outputs.iter().any(|other| follows(other, access));
    let alone = outputs.iter().filter(move |access| !is_second(access));
    alone.map(move |access| (access, outputs.iter().any(|other| follows(access, other))))
}

/// The spans of elements `start .. start + len` of a walk over elements of that size, gaps below [`GAP`]
/// included.
pub(crate) fn spans(
    dims: &[Dim],
    (base, size): (Address, usize),
    (start, len): (usize, usize),
    each: &mut Each<'_>,
) -> Result<(), RunError> {
    let address = base.0.addr();
    let Some((outer, inner)) = dims.split_first() else { return each(address..address + size) };
    if len == 0 {
        return Ok(());
    }
    let of_inner: usize = inner.iter().map(|dim| dim.extent).product();
    let (first, last) = (start / of_inner, (start + len - 1) / of_inner);
    let at = |step: usize| base.offset(step.cast_signed().wrapping_mul(outer.stride));
    let dense = dense_reach(dims, size).filter(|_| first < last);
    if dense.is_some() {
        let (low, high) = dense_reach(inner, size).unwrap_or((0, size.cast_signed()));
        let (one, other) = (at(first).0.addr(), at(last).0.addr());
        return each(
            one.min(other).wrapping_add_signed(low)..one.max(other).wrapping_add_signed(high),
        );
    }
    for step in first..=last {
        let begins = start.max(step * of_inner);
        let ends = (start + len).min((step + 1) * of_inner);
        spans(inner, (at(step), size), (begins - step * of_inner, ends - begins), each)?;
    }
    Ok(())
}

/// From where to where a walk without large gaps reaches, relative to its base.
fn dense_reach(dims: &[Dim], size: usize) -> Option<(isize, isize)> {
    let (mut low, mut high) = (0_isize, size.cast_signed());
    for dim in dims.iter().rev() {
        if dim.stride.unsigned_abs() > (high - low).unsigned_abs() + GAP {
            return None;
        }
        let reach = dim.stride.checked_mul(dim.extent.cast_signed() - 1)?;
        (low, high) = (low.checked_add(reach.min(0))?, high.checked_add(reach.max(0))?);
    }
    Some((low, high))
}

/// The spans of elements `start .. start + len` of a walk, and no other byte.
pub(crate) fn exact_spans(
    dims: &[Dim],
    (base, size): (Address, usize),
    (start, len): (usize, usize),
    each: &mut Each<'_>,
) -> Result<(), RunError> {
    let address = base.0.addr();
    let Some((outer, inner)) = dims.split_first() else { return each(address..address + size) };
    if inner.is_empty() && outer.stride == size.cast_signed() {
        return each(address + start * size..address + (start + len) * size);
    }
    let of_inner: usize = inner.iter().map(|dim| dim.extent).product();
    let mut at = start;
    while at < start + len {
        let step = at / of_inner;
        let until = (start + len).min((step + 1) * of_inner);
        let begin = base.offset(step.cast_signed().wrapping_mul(outer.stride));
        exact_spans(inner, (begin, size), (at - step * of_inner, until - at), each)?;
        at = until;
    }
    Ok(())
}

impl RunOptions<'_> {
    /// Most elements of a task, of which each reads or writes that many bytes of its widest operand.
    pub(crate) fn most_of_task(&self, bytes: usize) -> usize {
        if self.pager.is_some() { (TASK_BYTES / bytes.max(1)).max(1) } else { usize::MAX }
    }
}

impl Plan {
    /// Bytes of an element of the widest operand.
    pub(crate) fn widest(&self) -> usize {
        let all = self.inputs.iter().chain(&self.outputs);
        all.filter(|access| access.route != Route::Splat).map(Access::spread).max().unwrap_or(1)
    }
}

impl Access {
    /// Bytes from an element to the next, at least its own.
    pub(crate) fn spread(&self) -> usize {
        let step = self.dims.last().map_or(0, |dim| dim.stride.unsigned_abs());
        step.clamp(self.form.size, GAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(dims: &[(usize, isize)]) -> Vec<Dim> {
        dims.iter().map(|&(extent, stride)| Dim { extent, stride }).collect()
    }

    type Spans =
        fn(&[Dim], (Address, usize), (usize, usize), &mut Each<'_>) -> Result<(), RunError>;

    fn collected(of: Spans, dims: &[(usize, isize)], range: (usize, usize)) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        let base = Address(std::ptr::without_provenance_mut(1 << 30));
        of(&walk(dims), (base, 8), range, &mut |span| {
            all.push(span.start - (1 << 30)..span.end - (1 << 30));
            Ok(())
        })
        .expect("nothing fails");
        all
    }

    /// Every byte that elements `start .. start + len` have, from the definition of a walk.
    fn bytes(dims: &[(usize, isize)], (start, len): (usize, usize)) -> Vec<usize> {
        let mut all = Vec::new();
        for element in start..start + len {
            let (mut rest, mut offset) = (element, 0);
            for &(extent, stride) in dims.iter().rev() {
                offset += (rest % extent) as isize * stride;
                rest /= extent;
            }
            all.extend((0..8).map(|byte| (offset + byte) as usize));
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn spans_cover_what_is_read_and_exact_ones_no_more() {
        let walks: [&[(usize, isize)]; 6] = [
            &[],
            &[(100, 8)],
            &[(7, 1000), (5, 8)],
            &[(3, 8), (4, 24), (5, 96)],
            &[(4, 1 << 20), (3, 200_000), (6, 8)],
            &[(5, 0), (10, 16)],
        ];
        for dims in walks {
            let len: usize = dims.iter().map(|dim| dim.0).product();
            for start in 0..len {
                for count in [1, 2, 7, len - start] {
                    if start + count > len {
                        continue;
                    }
                    let wanted = bytes(dims, (start, count));
                    let told = collected(spans, dims, (start, count));
                    let covered = |byte: &usize| told.iter().any(|span| span.contains(byte));
                    assert!(wanted.iter().all(covered), "{dims:?} {start} {count}: {told:?}");
                    let exact = collected(exact_spans, dims, (start, count));
                    let mut exact: Vec<usize> = exact.into_iter().flatten().collect();
                    exact.sort_unstable();
                    assert_eq!(exact, wanted, "{dims:?} {start} {count}");
                }
            }
        }
    }

    #[test]
    fn far_rows_are_spans_of_their_own() {
        let far = collected(spans, &[(3, 1 << 20), (10, 8)], (5, 20));
        assert_eq!(far, [40..80, 1 << 20..(1 << 20) + 80, 2 << 20..(2 << 20) + 40]);
        let near = collected(spans, &[(3, 1000), (10, 8)], (5, 20));
        assert_eq!(near.first(), Some(&(0..2080)), "one span: {near:?}");
    }
}
