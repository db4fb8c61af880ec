//! Target `overlap`: outputs that share memory with inputs, in any way.
//!
//! ```text
//! one buffer   ┌──────── an input, anywhere ────────┐
//!                 └──── an output: any place, order and signs of its axes, gaps ────┘   └─ another ─┘
//! ```
//!
//! Safe Rust cannot borrow memory both ways, so this goes through raw views, as the Python binding does.

#![expect(unsafe_code, reason = "views that share memory, which safe Rust cannot make")]

use std::ops::Range;
use std::sync::Arc;

use fuse::Mode;
use fuse_compile::Compiled;
use fuse_ir::ByteOrder;
use fuse_runtime::{
    Array, Executable, Layout, Operand as Given, RunOptions, Threads, Tuning, View, ViewMut,
};
use fuse_testkit::Random;
use fuse_testkit::formulas::{Operand, Subject};

use crate::formula::{compiled, cut, given, interpreted, layout, number_of, run, short};
use crate::hosts::{hosts, pool};
use crate::{PLANTED, choices};

/// Second results beside the random formula.
const SECOND: &[&str] = &["", "", "", ", v0", ", sum(v0)", ", v0 == v1", ", -v1", ", v1[::-1]"];

/// Bytes between parts of the buffer, at most.
const GAP: usize = 70;

/// An array in the buffer: where its first element lies, and how the others do.
struct Place {
    at: usize,
    extents: Vec<usize>,
    strides: Vec<isize>,
    size: usize,
}

/// Evaluates a random formula into memory of its inputs.
///
/// # Panics
/// When the results are others than those of copies.
pub fn overlap(bytes: &[u8]) {
    let mut random = Random::of_bytes(bytes);
    let second = random.pick(SECOND);
    let [way, host] = [random.below(4), random.below(8)];
    let mode = random.pick(&[Mode::Strict, Mode::Relaxed]);
    let mut places = Random::new(random.bits());
    let subject = choices::subject(random);
    let mode = if subject.relaxed_only { Mode::Relaxed } else { mode };
    let text = format!("{}{second}", subject.tree.text());
    let Some(compiled) = compiled(&text, &subject.operands, mode) else { return };
    let (threads, tuning) = match way {
        0 => (Threads::Inline, short()),
        1 => (Threads::Inline, cut()),
        2 => (Threads::Pool(pool()), cut()),
        _ => (Threads::Inline, Tuning::default()),
    };
    check(&text, &subject, &compiled, host, &mut places, (threads, tuning));
}

fn check(
    text: &str,
    subject: &Subject,
    compiled: &Compiled,
    host: usize,
    random: &mut Random,
    (threads, tuning): (Threads<'_>, Tuning),
) {
    let program = Arc::new(compiled.program.clone());
    let oracle = interpreted(&program);
    let Ok(expected) = run(&oracle, &subject.operands, Threads::Inline, cut()) else { return };
    // Most of what is tested here is the runtime's; compiling takes more time than running.
    let executable = match hosts().get(host) {
        Some(host) => Executable::compile(Arc::clone(&program), &host.bare),
        None => oracle,
    };
    let arrays: Vec<usize> = program.inputs.iter().map(number_of).collect();
    let operands = &subject.operands;
    let arrays: Vec<usize> =
        arrays.into_iter().filter(|&number| !operands[number].is_scalar).collect();
    if arrays.is_empty() {
        return;
    }
    let shared = random.pick(&arrays);
    let mut buffer = Buffer::new(&operands[shared], &expected, random);
    buffer.spoil(&expected);
    buffer.run(&executable, operands, shared, RunOptions { threads, tuning, ..Default::default() });
    buffer.check(&expected, text, &operands[shared]);
}

/// The memory that an input and all outputs lie in.
struct Buffer {
    bytes: Vec<u8>,
    /// Where the operand's own bytes begin.
    start: usize,
    outputs: Vec<Place>,
}

impl Buffer {
    fn new(operand: &Operand, results: &[Array], random: &mut Random) -> Buffer {
        let places: Vec<Place> = results.iter().map(|result| Place::new(result, random)).collect();
        let longest = places.iter().map(Place::len).max().unwrap_or(0);
        let start = longest + random.below(GAP);
        let mut end = start + operand.bytes.len();
        let mut taken: Vec<Range<usize>> = Vec::new();
        let mut outputs = Vec::new();
        for mut place in places {
            let len = place.len();
            // Around the operand; elsewhere where another output is there.
            let mut begin = start - len + random.below(len + operand.bytes.len() + 1);
            if random.percent(20) && start + operand.offset + len <= start + operand.bytes.len() {
                begin = start + operand.offset;
            }
            if taken.iter().any(|other| begin < other.end && other.start < begin + len) {
                begin = taken.iter().map(|other| other.end).max().unwrap_or(0).max(end);
            }
            taken.push(begin..begin + len);
            end = end.max(begin + len);
            place.at += begin;
            outputs.push(place);
        }
        let mut bytes = vec![0xa5; end + GAP];
        bytes[start..start + operand.bytes.len()].copy_from_slice(&operand.bytes);
        Buffer { bytes, start, outputs }
    }

    /// Defect: the first elements of results with several axes are stored before anything is read.
    fn spoil(&mut self, results: &[Array]) {
        for (place, result) in self.outputs.iter().zip(results) {
            if PLANTED && place.extents.len() > 1 && !result.is_empty() {
                let to = &mut self.bytes[place.at..place.at + place.size];
                to.copy_from_slice(&result.as_bytes()[..place.size]);
            }
        }
    }

    fn run(
        &mut self,
        executable: &Executable,
        operands: &[Operand],
        shared: usize,
        options: RunOptions<'_>,
    ) {
        let (len, base) = (self.bytes.len(), self.bytes.as_mut_ptr());
        let own = &operands[shared];
        let first = self.start + own.offset;
        assert!(self.start + own.bytes.len() <= len);
        // SAFETY: the operand's bytes lie in the buffer from `start` on, and hold all its elements; until
        // both views are gone the buffer is used through them alone.
        let input = unsafe { View::from_raw(base.add(first), &layout(own)) };
        let input = input.expect("a layout");
        let mut outputs: Vec<ViewMut<'_>> = Vec::new();
        for (place, spec) in self.outputs.iter().zip(&executable.program().results) {
            let Place { at, extents, strides, .. } = place;
            let native = ByteOrder::Native;
            let layout = Layout { dtype: spec.dtype, order: native, extents, strides };
            let (low, high) = place.reach();
            assert!(high <= len && low <= *at && *at < len);
            // SAFETY: every element lies in the buffer, as was just seen; outputs share no byte, and
            // elements of one neither.
            outputs.push(unsafe { ViewMut::from_raw(base.add(*at), &layout) }.expect("a layout"));
        }
        let inputs: Vec<Given<'_>> = executable
            .program()
            .inputs
            .iter()
            .map(|one| match number_of(one) {
                number if number == shared => Given::Array(input.clone()),
                number => given(&operands[number]),
            })
            .collect();
        executable.run(&inputs, &mut outputs, &options).expect("as the oracle");
    }

    fn check(&self, expected: &[Array], text: &str, operand: &Operand) {
        for (place, expected) in self.outputs.iter().zip(expected) {
            let size = place.size;
            for (position, bits) in expected.as_bytes().chunks(size).enumerate() {
                let at = place.element(position);
                assert_eq!(
                    &self.bytes[at..at + size],
                    bits,
                    "{text}: element {position} of {:?} over {:?} {:?} at {}, strides {:?}",
                    expected.extents(),
                    operand.extents,
                    operand.strides,
                    place.at.wrapping_sub(self.start + operand.offset).cast_signed(),
                    place.strides,
                );
            }
        }
    }
}

impl Place {
    /// Strides for a result: C order or any order, with gaps, any signs. `at` counts from the first byte.
    fn new(result: &Array, random: &mut Random) -> Place {
        let (extents, size) = (result.extents().to_vec(), result.dtype().size());
        let mut axes: Vec<usize> = (0..extents.len()).rev().collect();
        let plain = random.percent(50);
        if !plain && random.percent(40) {
            axes.reverse();
        }
        let mut strides = vec![0; extents.len()];
        let mut step = size;
        if !plain {
            step += random.pick(&[0, 0, 1, size, 2 * size]);
        }
        let mut at = 0;
        for axis in axes {
            let backwards = !plain && random.percent(35);
            let reach = step * extents[axis].saturating_sub(1);
            strides[axis] = if backwards { -step.cast_signed() } else { step.cast_signed() };
            at += if backwards { reach } else { 0 };
            step = step * extents[axis].max(1) + if plain { 0 } else { random.below(3) * size };
        }
        Place { at, extents, strides, size }
    }

    /// The bytes from the first to the last that an element has, of a place that begins at 0.
    fn len(&self) -> usize {
        let axes = self.extents.iter().zip(&self.strides);
        let reach = axes.map(|(&n, &stride)| n.saturating_sub(1) * stride.unsigned_abs());
        reach.sum::<usize>() + self.size
    }

    /// The first byte of an element, and the end of the last one.
    fn reach(&self) -> (usize, usize) {
        let axes = self.extents.iter().zip(&self.strides).filter(|(_, stride)| **stride < 0);
        let before: usize =
            axes.map(|(&n, &stride)| n.saturating_sub(1) * stride.unsigned_abs()).sum();
        let low = self.at.checked_sub(before).expect("inside");
        (low, low + self.len())
    }

    /// Where the element at a position in C order lies.
    fn element(&self, mut position: usize) -> usize {
        let mut at = self.at;
        for (&extent, &stride) in self.extents.iter().zip(&self.strides).rev() {
            at = at.wrapping_add_signed((position % extent).cast_signed() * stride);
            position /= extent;
        }
        at
    }
}
