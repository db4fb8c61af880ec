//! `--verify`: what was computed against the interpreter, bit for bit.
//!
//! | formula | compared | when |
//! |---|---|---|
//! | elementwise | about 2^16 elements of what the run made, all over it | before it is given out |
//! | other, at most 2^20 steps of its loops | everything that the run made | before it is given out |
//! | other | the results for the first elements of the inputs along each axis | before the run |
//!
//! Before it is given out: files are read back before they get their names, arrays are compared before they are
//! printed or written. Of a stream and of text that is printed window by window, the elements are taken as they
//! pass, and a difference is told when it is too late: that is said.
//!
//! The first elements of the inputs, not of the results: an element may depend on all inputs, as in
//! `x - mean(x)`. The interpreter needs 0.04 to 3 µs for a step.

use fuse::raw::{shape_text, write_element};
use fuse::{Array, Backend, DType, Engine, ErrorKind, Formula, Mode, PrintOptions, Vars};
use fuse_npy::NpyWriter;

use super::part::{Sample, have_one_shape, spans, strided_offsets};
use super::places::{Lying, spread};
use super::{Evaluation, variables};
use crate::args::Format;
use crate::bench;
use crate::failure::Failure;
use crate::paging::{Memory, WINDOW};
use crate::print;
use crate::save::Targets;
use crate::value::Order;

/// Steps of loops after which the interpreter is not given the whole formula: about a second.
const WHOLE: u128 = 1 << 20;

/// Bytes of memory for each step: what the interpreter keeps must be little of what is allowed.
const MEMORY_OF_STEP: usize = 64;

/// What elements of the results have to be.
#[derive(Debug)]
pub(super) struct Check {
    /// Of each result those at `places`, in C order.
    expected: Vec<Array>,
    /// Of each result and each of its axes, the indices.
    places: Vec<Vec<Vec<usize>>>,
}

/// Where the bytes of a result are before it is given out.
#[derive(Clone, Copy)]
pub(super) enum Produced<'a> {
    Bytes(&'a [u8]),
    /// Windows, all of which have been kept.
    Kept(&'a Memory),
    /// A file that has no name yet.
    File(&'a NpyWriter),
    /// The elements at the places and no others, of what is to be printed.
    Picked(&'a [u8]),
    /// The same of what has gone into a stream.
    Passed(&'a [u8]),
}

impl Evaluation<'_> {
    /// What the results will be compared with, if the formula is one whose results can be; else compares those
    /// for a part of the inputs, here and now.
    pub(super) fn begin_check(
        &self,
        targets: &Targets<'_>,
        format: Format,
    ) -> Result<Option<Check>, Failure> {
        let mode = if self.args.engine.strict { Mode::Strict } else { Mode::Relaxed };
        let builder = Engine::builder().backend(Backend::Interp).mode(mode);
        let interpreter =
            builder.threads(self.args.threads.unwrap_or(0)).build()?.with_cancel(self.token);
        let interpreted = interpreter.formula(self.formula.source())?;
        // The plan's survey is that of a device, if there is one, which knows nothing.
        let (survey, _) =
            interpreted.prepare(&super::types(self.values)?)?.survey(variables(self.values)?)?;
        let prints_edges =
            matches!(targets, Targets::Print) && !self.plan.fits && matches!(format, Format::Numpy);
        if survey.elementwise
            && have_one_shape(&self.plan.results, self.values)
            && let Some(check) = self.spread_check(&interpreted, prints_edges)?
        {
            return Ok(Some(check));
        }
        let most = WHOLE.min((self.args.mem / MEMORY_OF_STEP) as u128);
        if survey.elements <= most {
            return self.whole_check(&interpreted).map(Some);
        }
        match self.compare_corner(&interpreted) {
            // The formula is right, but not on a part of its inputs: `x[100000]`.
            Err(Failure::Formula(error)) if error.kind() == ErrorKind::Shape => {
                if self.plan.fits {
                    return self.whole_check(&interpreted).map(Some);
                }
                Err(Failure::Run(format!(
                    "--verify: the formula needs all of its inputs ({error}), which are too many for the \
                     interpreter; leave --verify out, or allow more memory with --mem"
                )))
            }
            other => other.map(|()| None),
        }
    }

    /// For elements all over the results; `None` where the formula makes something else of a part of its inputs.
    fn spread_check(
        &self,
        interpreted: &Formula,
        prints_edges: bool,
    ) -> Result<Option<Check>, Failure> {
        let Some((_, shape)) = self.plan.results.first() else { return Ok(None) };
        let sizes = self.plan.results.iter().map(|(dtype, _)| dtype.size());
        let size = sizes.max().unwrap_or(1);
        // What is larger than the address space fails soon, and says why.
        let bytes = shape.iter().try_fold(size, |bytes, &extent| bytes.checked_mul(extent));
        if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            return Ok(None);
        }
        let indices = if prints_edges {
            PrintOptions::default().printed_indices(shape)
        } else {
            spread(shape, size, self.lying())
        };
        let sample = Sample::gather(self.values, &indices, self.args.mem / 2);
        if !sample.gives(interpreted, &indices)? {
            return Ok(None);
        }
        let expected = interpreted.evaluate_all(sample.vars()?)?;
        let places = vec![indices; expected.len()];
        Ok(Some(Check { expected, places }))
    }

    /// For all elements of all results.
    fn whole_check(&self, interpreted: &Formula) -> Result<Check, Failure> {
        let expected = interpreted.evaluate_all(variables(self.values)?)?;
        let all = |array: &Array| array.shape().iter().map(|&n| (0..n).collect()).collect();
        let places = expected.iter().map(all).collect();
        Ok(Check { expected, places })
    }

    /// Compares the results for the first elements of the inputs.
    fn compare_corner(&self, interpreted: &Formula) -> Result<(), Failure> {
        let sample: Vars<'_> = bench::sample(self.values)?;
        let expected = interpreted.evaluate_all(sample.clone())?;
        let found = self.formula.evaluate_all(sample)?;
        bench::compare_all(&found, &expected)?;
        let compared: usize = found.iter().map(Array::len).sum();
        self.args.talk.say(|| {
            format!(
                "verified: {compared} elements of the results for the first elements of the inputs are the \
                 interpreter's"
            )
        });
        Ok(())
    }

    fn lying(&self) -> Lying {
        let is = |own: Order| self.values.iter().any(|(_, value)| value.order() == own);
        match self.plan.order() {
            Order::Fortran => Lying::Fortran,
            Order::C | Order::Both if is(Order::Fortran) => Lying::Mixed,
            Order::C | Order::Both => Lying::C,
        }
    }

    /// Fails where the results are not what they have to be.
    pub(super) fn check_arrays(&self, arrays: &[Array]) -> Result<(), Failure> {
        let produced = arrays.iter().map(|array| Produced::Bytes(array.as_bytes()));
        self.check_produced(&produced.collect::<Vec<_>>(), Order::C)
    }

    /// The same of results of which the elements at the places were computed, and no others.
    pub(super) fn check_picked(&self, arrays: &[Array]) -> Result<(), Failure> {
        let produced = arrays.iter().map(|array| Produced::Picked(array.as_bytes()));
        self.check_produced(&produced.collect::<Vec<_>>(), Order::C)
    }

    /// The same of results wherever they are, in that order.
    pub(super) fn check_produced(&self, all: &[Produced<'_>], order: Order) -> Result<(), Failure> {
        let Some(check) = &self.check else { return Ok(()) };
        for (number, produced) in all.iter().enumerate() {
            let (dtype, shape) = &self.plan.results[number];
            let strides = super::large::strides(*dtype, shape, order);
            let found = produced.read(&check.places[number], &strides, dtype.size())?;
            if let Some(difference) = check.difference(number, *dtype, &found) {
                return Err(self.wrong(number, all, &difference));
            }
        }
        self.args.talk.say(|| {
            let len = |(_, shape): &(DType, Vec<usize>)| shape.iter().product::<usize>();
            let elements: usize = self.plan.results.iter().map(len).sum();
            let compared: usize = check.expected.iter().map(Array::len).sum();
            let mut places: Vec<&str> = all.iter().map(Produced::place).collect();
            places.dedup();
            let places = places.join(" and ");
            format!("verified: {compared} of {elements} elements, {places}, are the interpreter's")
        });
        Ok(())
    }

    /// A result is wrong.
    fn wrong(&self, number: usize, all: &[Produced<'_>], difference: &Difference) -> Failure {
        let text = self.formula.results().nth(number).map(print::heading).unwrap_or_default();
        let (index, Difference { found, expected, .. }) =
            (shape_text(&difference.index), difference);
        let (backend, isa) = (self.engine.backend_name(), self.engine.isa());
        let fate = if all.iter().any(|produced| matches!(produced, Produced::Passed(_))) {
            "what has been given out is not to be used"
        } else {
            "nothing was given out"
        };
        Failure::Run(format!(
            "--verify: `{text}` is wrong at index {index}: {found}, where the interpreter has {expected}; \
             computed by {backend} ({isa}); {fate}; please report it"
        ))
    }
}

/// The first element of a result that is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    index: Vec<usize>,
    /// Values, and their bits.
    found: String,
    expected: String,
}

impl Check {
    /// Byte offsets of the places of a result.
    pub(super) fn offsets(&self, number: usize, strides: &[isize]) -> Vec<usize> {
        strided_offsets(&self.places[number], strides)
    }

    /// Compares the elements of a result that were found at the places.
    fn difference(&self, number: usize, dtype: DType, found: &[u8]) -> Option<Difference> {
        let expected = self.expected[number].as_bytes();
        let position = bench::first_difference(dtype, (found, expected))?;
        let range = position * dtype.size()..(position + 1) * dtype.size();
        let text = |bytes: &[u8]| element(dtype, bytes.get(range.clone()).unwrap_or_default());
        let index = index(&self.places[number], position);
        Some(Difference { index, found: text(found), expected: text(expected) })
    }
}

/// The indices of the element at this position of the places.
fn index(places: &[Vec<usize>], mut position: usize) -> Vec<usize> {
    let mut index = vec![0; places.len()];
    for (own, list) in index.iter_mut().zip(places).rev() {
        let len = list.len().max(1);
        *own = list.get(position % len).copied().unwrap_or(0);
        position /= len;
    }
    index
}

/// An element and its bits.
fn element(dtype: DType, bytes: &[u8]) -> String {
    if bytes.len() < dtype.size() {
        return "nothing".to_string();
    }
    let mut text = String::new();
    // Writing to a string cannot fail.
    _ = write_element(&mut text, dtype, bytes);
    let parts = if matches!(dtype, DType::C64 | DType::C128) { 2 } else { 1 };
    let word = |part: &[u8]| {
        let most_significant_first: Vec<u8> = if cfg!(target_endian = "little") {
            part.iter().rev().copied().collect()
        } else {
            part.to_vec()
        };
        most_significant_first.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let words: Vec<String> =
        bytes.chunks(dtype.size() / parts).map(|part| format!("0x{}", word(part))).collect();
    format!("{text} (bits {})", words.join(" "))
}

impl Produced<'_> {
    /// The elements at the places, of a result whose elements lie at these strides.
    fn read(
        &self,
        places: &[Vec<usize>],
        strides: &[isize],
        size: usize,
    ) -> Result<Vec<u8>, Failure> {
        let spans = || spans(strided_offsets(places, strides), size);
        let mut found = Vec::new();
        match self {
            Produced::Bytes(bytes) => {
                spans()
                    .for_each(|span| found.extend_from_slice(bytes.get(span).unwrap_or_default()));
            }
            Produced::Kept(memory) => {
                for offset in spans().flat_map(|span| span.step_by(size)) {
                    let window = memory.window(offset / WINDOW).unwrap_or_default();
                    let (start, end) = (offset % WINDOW, offset % WINDOW + size);
                    found.extend_from_slice(window.get(start..end).unwrap_or_default());
                    if found.len().is_multiple_of(WINDOW / 4) {
                        memory.rest();
                    }
                }
                memory.rest();
            }
            Produced::File(writer) => {
                for span in spans() {
                    let start = found.len();
                    found.resize(start + span.len(), 0);
                    writer.read_at(span.start as u64, &mut found[start..])?;
                }
            }
            Produced::Picked(bytes) | Produced::Passed(bytes) => found.extend_from_slice(bytes),
        }
        Ok(found)
    }

    fn place(&self) -> &'static str {
        match self {
            Produced::Bytes(_) => "in memory",
            Produced::Kept(_) => "as they were kept",
            Produced::File(_) => "as the file has them",
            Produced::Picked(_) => "those to be printed",
            Produced::Passed(_) => "as they were given out",
        }
    }
}

#[cfg(test)]
mod tests;
