//! When an output shares memory with an input.
//!
//! A call computes as if all inputs were read before any output is written. In place is allowed where
//! the output is exactly the input (address, dtype, byte order, shape, strides), no pass after the one
//! that writes it reads the input, and that pass reads it only element by element: a kernel loads a
//! lane's inputs before it stores the lane's outputs, whichever outputs these are. In every other case
//! of shared memory the input is copied first.
//!
//! Sharing is decided conservatively: by the intervals of bytes touched, and where these cross, by the
//! greatest common divisor of all strides, which tells interleaved columns apart.

use fuse_ir::{Nest, OperandView, Program, Sink, Source, index_u32};

use crate::views::{Raw, reach};

/// May some byte belong to both?
pub(crate) fn may_share(one: Raw<'_>, other: Raw<'_>) -> bool {
    let (one_low, one_high) = interval(one);
    let (other_low, other_high) = interval(other);
    if one_low == one_high || other_low == other_high {
        return false;
    }
    if one_high <= other_low || other_high <= one_low {
        return false;
    }
    !interleaved(one, other)
}

/// The addresses touched: first, and one past the last.
fn interval(raw: Raw<'_>) -> (i128, i128) {
    let (low, high) = reach(raw.extents, raw.strides, raw.dtype.size());
    let base = raw.base.0.addr() as i128;
    (base + low, base + high)
}

/// Do all elements of both lie on lattices of one step that never meet?
fn interleaved(one: Raw<'_>, other: Raw<'_>) -> bool {
    let strides = |raw: Raw<'_>| {
        let step = |(&extent, &stride): (&usize, &isize)| if extent > 1 { stride } else { 0 };
        raw.extents.iter().zip(raw.strides).map(step).fold(0, |a, b| gcd(a, b.unsigned_abs()))
    };
    let step = gcd(strides(one), strides(other)) as i128;
    if step == 0 {
        return false;
    }
    let apart = (other.base.0.addr() as i128 - one.base.0.addr() as i128).rem_euclid(step);
    apart >= one.dtype.size() as i128 && step - apart >= other.dtype.size() as i128
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Are these the same elements in the same places?
fn same_place(input: Raw<'_>, output: Raw<'_>) -> bool {
    let axes = input.extents.iter().zip(input.strides.iter().zip(output.strides));
    input.base == output.base
        && input.dtype == output.dtype
        && input.order == output.order
        && input.extents == output.extents
        && axes.into_iter().all(|(&extent, (one, other))| extent == 1 || one == other)
}

/// May this output be written while this input, which shares its memory, is read?
pub(crate) fn in_place(
    program: &Program,
    (input, input_raw): (usize, Raw<'_>),
    (result, output_raw): (usize, Raw<'_>),
) -> bool {
    let written = |sink: &Sink| match sink {
        Sink::Result(index) | Sink::Part(index, _) => *index as usize == result,
        Sink::Temporary(_) => false,
    };
    let writer = program.passes.iter().position(|pass| pass.outputs.iter().any(written));
    let Some(writer) = writer else { return false };
    let reads = |source: &Source| is_of(source, input);
    let passes = program.passes.iter().enumerate().skip(writer);
    let read_safely = passes.into_iter().all(|(number, pass)| {
        let mut operands = pass.operands.iter().filter(|view| reads(&view.source));
        if number == writer {
            operands.all(is_whole)
        } else {
            operands.next().is_none() && !pass.scalars.iter().any(|view| reads(&view.source))
        }
    });
    same_place(input_raw, output_raw) && read_safely && tiles_apart(program, input, writer)
}

/// Is it that input, or a part of it?
fn is_of(source: &Source, input: usize) -> bool {
    match source {
        Source::Input(index) | Source::Part(index, _) => *index as usize == input,
        // No output has a text's dtype, hence none is in the place of one.
        Source::Temporary(_) | Source::Symbol(_) | Source::Predicate(_) => false,
    }
}

/// Where the writer runs tile by tile with others: do those before it read the input only at the places
/// of their own tile? Another tile's have been written by then.
fn tiles_apart(program: &Program, input: usize, writer: usize) -> bool {
    let holds = |nest: &&Nest| nest.passes.contains(&index_u32(writer));
    let Some(nest) = program.nests.iter().find(holds) else { return true };
    let before = &program.passes[nest.passes.start as usize..writer];
    before.iter().all(|pass| {
        let of_input = |view: &&OperandView| is_of(&view.source, input);
        let rank = pass.space.len();
        let first_reduced = rank - pass.reduced.len();
        let is_trailing = pass.reduced.iter().all(|&axis| axis as usize >= first_reduced);
        let mut views = pass.operands.iter().filter(of_input);
        views.all(|view| is_trailing && view.axes.len() == rank && is_whole(view))
    })
}

/// Does the view read every element of its source at its own place of the loop?
pub(crate) fn is_whole(view: &OperandView) -> bool {
    let leads_to_itself =
        |(axis, &own): (usize, &Option<u32>)| own.is_some_and(|own| own as usize == axis);
    view.picks.is_empty() && view.axes.iter().enumerate().all(leads_to_itself)
}
