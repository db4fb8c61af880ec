//! The short way for small calls: loops over contiguous arrays of one shape, and scalars between them.
//!
//! ```text
//! every array and output: the loop's shape, C order, native bytes   ──▶   no plan at all
//! fold of one block: 32 accumulators ──▶ one uniform region that merges and finishes them
//!                    (merges that are large: level by level, as any fold; fewer than 8 elements: none)
//! the first few calls: level by level, the finish interpreted, so that a new formula compiles no more
//! ```
//!
//! Which programs can take it is known when they are compiled ([`crate::flat`]); whether a call does is
//! seen from its views. A call that does not, whatever the reason, takes the general way, which also
//! finds the words for errors: this file reports none of its own but cancellation and allocation.
//!
//! Cost: no heap allocation after the first calls (counted); 0.14 µs for `2*a + 3*b**2` on 16 elements, the
//! kernel included, where the general way takes 0.5 µs. A prepared `sum(x)` of 20 elements takes 0.43 µs with
//! all that the API adds, where it took 0.93 the general way; `std(x)` 1.5, where it took 6.2 (measured on a
//! shared 2-core machine with AVX-512).

#![expect(unsafe_code, reason = "hands operand pointers to compiled kernels")]

use std::ptr::copy_nonoverlapping;

use fuse_ir::abi::uniform_slots;
use fuse_ir::{
    Axis, ByteOrder, DType, FOLD_BLOCK, GRANULE, Hints, KernelArgs, OperandView, Pass, Scalar,
    Sink, Source,
};
use smallvec::SmallVec;

use crate::compile::{Code, CompiledPass, Executable};
use crate::dispatch::{read_scalar, run_between, run_uniform, write_scalar};
use crate::error::RunError;
use crate::flat::{Flat, FlatPass, symbol_value};
use crate::fold::{Bank, LEFT_TO_RIGHT_BELOW, bank_bytes, canonical, finish};
use crate::fpenv::DefaultFloats;
use crate::options::{RunOptions, Tuning};
use crate::pack::{bits_of, bytes_of, pad};
use crate::scratch::{Kit, with_kit};
use crate::views::{Operand, Raw, ViewMut};

/// Longer loops gain nothing from it.
const MOST_ELEMENTS: usize = 4096;
/// Primitives × elements that may run without asking whether to stop.
const MOST_WORK: usize = 1 << 20;
/// Bytes of a granule of the widest elements.
const SLOT: usize = GRANULE * 8;

/// The bits of scalars and uniform values.
type Slots = SmallVec<[u64; 16]>;

type Runs = SmallVec<[Run; 8]>;
type Pointers<P> = SmallVec<[P; 8]>;
/// The bits of a fold's results.
type Results = SmallVec<[u64; 4]>;

/// One operand or output of a call: where it begins, bytes of an element.
#[derive(Clone, Copy)]
struct Run {
    start: *mut u8,
    size: usize,
}

/// A call that goes the short way.
struct Call<'c> {
    executable: &'c Executable,
    inputs: &'c [Operand<'c>],
    outputs: &'c [ViewMut<'c>],
    /// Of the loop, and their product.
    extents: &'c [usize],
    len: usize,
    tuning: &'c Tuning,
    /// The temporaries' bits, zero extended.
    temporaries: SmallVec<[u64; 8]>,
}

impl Executable {
    /// Runs a call the short way, or gives `None` where it has to take the general one.
    pub(crate) fn run_flat(
        &self,
        inputs: &[Operand<'_>],
        outputs: &[ViewMut<'_>],
        options: &RunOptions<'_>,
    ) -> Option<Result<(), RunError>> {
        let flat = self.flat.as_ref()?;
        let extents = inputs.get(flat.like)?.raw().extents;
        let len = extents.iter().try_fold(1_usize, |len, &extent| len.checked_mul(extent))?;
        let fits = self.is_small(len, options) && self.fits(flat, inputs, outputs, extents);
        if !fits || !self.may_write(inputs, outputs) {
            return None;
        }
        if let Err(stop) = options.poll() {
            return Some(Err(stop));
        }
        let temporaries = SmallVec::from_elem(0, self.program.temporaries.len());
        let tuning = &options.tuning;
        let mut call =
            Call { executable: self, inputs, outputs, extents, len, tuning, temporaries };
        let _floats = DefaultFloats::enter();
        Some(with_kit(|kit| {
            let mut passes = flat.passes.iter().enumerate();
            passes.try_for_each(|(number, pass)| call.run_pass(number, pass, kit))
        }))
    }

    fn is_small(&self, len: usize, options: &RunOptions<'_>) -> bool {
        let Tuning {
            inline_below,
            block,
            shuffle,
            tile: _,
            fold_lanes: _,
            ends_after: _,
            device_chunk: _,
            stream_above: _,
        } = options.tuning;
        let is_plain = inline_below.is_none() && block.is_none() && shuffle.is_none();
        let unlimited = options.max_work.is_none() && options.max_output_bytes.is_none();
        let folds = self.passes.iter().any(|pass| !pass.folds.is_empty());
        let most = if folds { FOLD_BLOCK } else { MOST_ELEMENTS };
        let work: usize = self.passes.iter().map(|pass| pass.facts.work).sum();
        let short = 0 < len && len <= most && len * work <= MOST_WORK;
        let compiled = !self.passes.iter().any(|pass| pass.facts.interpreted);
        is_plain && unlimited && short && options.workers.is_none() && compiled
    }

    /// Are these the program's inputs and outputs, all arrays contiguous with these extents?
    fn fits(
        &self,
        flat: &Flat,
        inputs: &[Operand<'_>],
        outputs: &[ViewMut<'_>],
        extents: &[usize],
    ) -> bool {
        let program = &self.program;
        let of_loop = |is_scalar: bool| if is_scalar { &[] } else { extents };
        inputs.len() == program.inputs.len()
            && outputs.len() == program.results.len()
            && inputs.iter().zip(&program.inputs).all(|(operand, input)| {
                let raw = operand.raw();
                if input.ty.axes.is_empty() {
                    raw.dtype == input.ty.dtype && raw.extents.is_empty()
                } else {
                    is_contiguous(raw, input.ty.dtype, extents)
                }
            })
            && outputs.iter().zip(&program.results).all(|(output, spec)| {
                is_contiguous(output.raw(), spec.dtype, of_loop(spec.shape.is_empty()))
            })
            && fits_axes(extents, &program.inputs[flat.like].ty.axes)
    }

    /// Is each output apart from the other outputs and from the inputs; or, where there is but one pass,
    /// an input of the same element size?
    fn may_write(&self, inputs: &[Operand<'_>], outputs: &[ViewMut<'_>]) -> bool {
        let in_place = self.passes.len() == 1;
        let span = |raw: Raw<'_>| {
            let len = raw.extents.iter().product::<usize>();
            (raw.base.0.addr(), len * raw.dtype.size())
        };
        let apart = |one: Raw<'_>, other: Raw<'_>| {
            let ((a, a_bytes), (b, b_bytes)) = (span(one), span(other));
            a + a_bytes <= b || b + b_bytes <= a
        };
        let same = |one: Raw<'_>, other: Raw<'_>| in_place && span(one) == span(other);
        outputs.iter().enumerate().all(|(number, output)| {
            let write = output.raw();
            inputs.iter().all(|input| apart(input.raw(), write) || same(input.raw(), write))
                && outputs[..number].iter().all(|other| apart(other.raw(), write))
        })
    }
}

/// An extent is 1 exactly where the axis is said to be.
fn fits_axes(extents: &[usize], axes: &[Axis]) -> bool {
    extents.len() == axes.len()
        && extents.iter().zip(axes).all(|(&extent, axis)| (extent == 1) == (*axis == Axis::One))
}

fn is_contiguous(raw: Raw<'_>, dtype: DType, extents: &[usize]) -> bool {
    if raw.dtype != dtype || raw.order != ByteOrder::Native || raw.extents != extents {
        return false;
    }
    let mut step = dtype.size();
    raw.strides.iter().zip(extents).rev().all(|(&stride, &extent)| {
        let fits = extent == 1 || stride == step.cast_signed();
        step *= extent;
        fits
    })
}

impl Call<'_> {
    fn run_pass(&mut self, number: usize, flat: &FlatPass, kit: &mut Kit) -> Result<(), RunError> {
        let executable = self.executable;
        let (pass, compiled) = (&executable.program.passes[number], &executable.passes[number]);
        let code = &compiled.main;
        let scalars = pass.scalars.iter().map(|view| self.scalar(view));
        let mut uniforms: Slots = scalars.collect();
        uniforms.resize(uniform_slots(&code.kernel), 0);
        let folds = !compiled.folds.is_empty();
        let ending = folds.then(|| Ending::new((executable, number), self.len, self.tuning));
        let own = ending.as_ref().map_or(0, |ending| ending.scratch_bytes(compiled));
        let own = own.max(code.block.scratch_bytes()).next_multiple_of(64);
        let n_results = ending.as_ref().map_or(0, |ending| ending.n_results);
        let n_slots = (pass.operands.len() + pass.outputs.len()).max(n_results);
        let scratch = kit.operands.bytes(own + SLOT * n_slots)?;
        if !code.kernel.uniform.results.is_empty() {
            run_uniform(code, &mut uniforms, scratch);
        }
        let mut kernel = KernelCall { code, uniforms, folds: SmallVec::new(), scratch, own };
        let FlatPass::Loop { operands, results } = flat else {
            self.run_scalars(pass, &mut kernel);
            return Ok(());
        };
        let Some(ending) = ending else {
            self.run_loop((operands, results), &mut kernel, self.len);
            return Ok(());
        };
        let bytes = bank_bytes(&compiled.slots, GRANULE);
        let (slots, folds) = (&compiled.slots, &compiled.folds);
        let bytes = &mut kit.states.bytes(bytes)?[..bytes];
        let mut bank = Bank { bytes, slots, folds, lanes: GRANULE };
        bank.reset();
        let states = bank.bytes.as_mut_ptr();
        let places = slots.iter().map(|slot| states.wrapping_add(slot.before * GRANULE));
        kernel.folds = places.collect();
        let each = if ending.way == Way::Alone { 1 } else { self.len };
        self.run_loop((operands, results), &mut kernel, each);
        self.finish((pass, compiled), &ending, &mut bank, kernel.scratch.split_at_mut(own));
        Ok(())
    }

    /// Runs a pass over the loop, so many elements a call; its folds up to their accumulators.
    fn run_loop(
        &self,
        (operands, results): (&[usize], &[usize]),
        kernel: &mut KernelCall<'_>,
        each: usize,
    ) {
        let run = |raw: Raw<'_>| Run { start: raw.base.0, size: raw.dtype.size() };
        let reads: Runs = operands.iter().map(|&input| run(self.inputs[input].raw())).collect();
        let writes: Runs = results.iter().map(|&result| run(self.outputs[result].raw())).collect();
        for first in (0..self.len).step_by(each) {
            // SAFETY: `fits` has seen that every operand and output is contiguous, of `len` elements of
            // the kernel's types, and `may_write` that stores spoil no operand; the views keep the memory
            // borrowed. Where the kernel has folds, a bank holds a granule of every slot.
            unsafe { kernel.run((&reads, &writes), (first, each)) };
        }
    }

    /// Finishes the folds of a pass.
    fn finish(
        &mut self,
        (pass, compiled): (&Pass, &CompiledPass),
        ending: &Ending<'_>,
        bank: &mut Bank<'_>,
        (own, results): (&mut [u8], &mut [u8]),
    ) {
        if ending.way == Way::Merge {
            bank.merge_lanes(1, own);
        }
        for (fold, sinks) in pass.folds.iter().enumerate() {
            let results = match (ending.codes[fold], ending.way) {
                (Some(code), Way::Close) => closed(bank, fold, code, own),
                (Some(code), Way::Merge | Way::Alone) => finished(bank, fold, code, (own, results)),
                (None, _) => finish(compiled, &pass.kernel, fold, &bank.state(0)),
            };
            for (sinks, bits) in sinks.iter().zip(results) {
                sinks.iter().for_each(|&sink| self.put(sink, bits));
            }
        }
    }

    /// Runs a pass over no axes.
    fn run_scalars(&mut self, pass: &Pass, kernel: &mut KernelCall<'_>) {
        let sizes = kernel.code.kernel.outputs.iter().map(|output| output.mem.size());
        let sizes: SmallVec<[usize; 4]> = sizes.collect();
        // SAFETY: a pass without operands writes its slots alone.
        unsafe { kernel.run_scalars(pass.outputs.len()) };
        for (number, (&sink, size)) in pass.outputs.iter().zip(sizes).enumerate() {
            let at = kernel.own + number * SLOT;
            self.put(sink, bits_of(&kernel.scratch[at..at + size]));
        }
    }

    /// The bits of a scalar.
    fn scalar(&self, view: &OperandView) -> u64 {
        match view.source {
            Source::Input(input) => read_scalar(self.inputs[input as usize].raw()),
            Source::Part(input, part) => read_scalar(self.inputs[input as usize].raw().part(part)),
            Source::Temporary(temporary) => self.temporaries[temporary as usize],
            Source::Symbol(symbol) => {
                symbol_value(&self.executable.program, symbol, self.extents).cast_unsigned()
            }
            // No program with predicates is flat.
            Source::Predicate(_) => 0,
        }
    }

    /// Writes a scalar.
    fn put(&mut self, sink: Sink, bits: u64) {
        match sink {
            Sink::Result(result) => write_scalar(self.outputs[result as usize].raw(), bits),
            Sink::Part(result, part) => {
                write_scalar(self.outputs[result as usize].raw().part(part), bits);
            }
            Sink::Temporary(temporary) => {
                let dtype = self.executable.program.temporaries[temporary as usize].dtype;
                self.temporaries[temporary as usize] = kept(bits, dtype);
            }
        }
    }
}

/// What is left of a scalar's bits in memory of that dtype.
fn kept(bits: u64, dtype: DType) -> u64 {
    let bits = bits_of(&bytes_of(bits, dtype.size())[..dtype.size().min(8)]);
    if dtype == DType::Bool { u64::from(bits != 0) } else { bits }
}

/// How the accumulators of a pass become states in lane 0, and these results.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By a region that merges and finishes them.
    Close,
    /// Level by level, then by the finish.
    Merge,
    /// There is but one; by the finish.
    Alone,
}

/// How the folds of a pass end.
struct Ending<'c> {
    way: Way,
    /// By fold; none where the finish is not compiled.
    codes: SmallVec<[Option<&'c Code>; 4]>,
    /// Most results of a fold.
    n_results: usize,
}

impl<'c> Ending<'c> {
    fn new(
        (executable, number): (&'c Executable, usize),
        len: usize,
        tuning: &Tuning,
    ) -> Ending<'c> {
        let compiled = &executable.passes[number];
        let folds = 0..compiled.folds.len();
        let all = executable.program.passes[number].folds.iter();
        let n_results = all.map(Vec::len).max().unwrap_or(0);
        let way = if len < LEFT_TO_RIGHT_BELOW { Way::Alone } else { Way::Merge };
        if !compiled.is_often_short(tuning) {
            return Ending { way, codes: folds.map(|_| None).collect(), n_results };
        }
        if way == Way::Merge {
            let close = |fold: usize| executable.close_code(number, fold);
            let codes: SmallVec<[_; 4]> = folds.clone().map(close).collect();
            if codes.iter().all(Option::is_some) {
                return Ending { way: Way::Close, codes, n_results };
            }
        }
        let finish = |fold: usize| {
            let is_result = compiled.folds[fold].finish_is_identity;
            (!is_result).then(|| executable.finish_code(number, fold))
        };
        Ending { way, codes: folds.map(finish).collect(), n_results }
    }

    /// Bytes of the back end's own memory for all that ends the folds.
    fn scratch_bytes(&self, compiled: &CompiledPass) -> usize {
        let merges = compiled.folds.iter().map(|fold| &fold.merge);
        let all = self.codes.iter().copied().flatten().chain(merges);
        all.map(|code| code.block.scratch_bytes()).max().unwrap_or(0)
    }
}

/// The results of a fold by the region that merges and finishes its accumulators.
fn closed(bank: &Bank<'_>, fold: usize, code: &Code, own: &mut [u8]) -> Results {
    let (first, end) = bank.folds[fold].slots;
    let mut values: SmallVec<[u64; 96]> = SmallVec::new();
    for slot in &bank.slots[first..end] {
        let lanes = &bank.bytes[slot.before * GRANULE..][..slot.size * GRANULE];
        match slot.size {
            // Of known sizes, so that the copies are loads.
            8 => values.extend(lanes.chunks_exact(8).map(bits_of)),
            4 => values.extend(lanes.chunks_exact(4).map(bits_of)),
            1 => values.extend(lanes.iter().map(|&byte| u64::from(byte))),
            size => values.extend(lanes.chunks_exact(size).map(bits_of)),
        }
    }
    let n_accumulators = values.len();
    values.resize(uniform_slots(&code.kernel), 0);
    run_uniform(code, &mut values, own);
    let results = values[n_accumulators..].iter().zip(code.kernel.uniform.result_lanes());
    results.map(|(&bits, lane)| canonical(Scalar { lane, bits })).collect()
}

/// The results of a fold whose state is in lane 0, by its finish.
fn finished(
    bank: &Bank<'_>,
    fold: usize,
    code: &Code,
    (own, results): (&mut [u8], &mut [u8]),
) -> Results {
    let (first, end) = bank.folds[fold].slots;
    let from: SmallVec<[usize; 4]> =
        bank.slots[first..end].iter().map(|slot| slot.before * GRANULE).collect();
    let n_results = code.kernel.outputs.len();
    let to: SmallVec<[usize; 4]> = (0..n_results).map(|result| result * SLOT).collect();
    run_between(code, (bank.bytes, &from), (results, &to), 1, own);
    let sizes = code.kernel.outputs.iter().map(|output| output.mem.size());
    to.iter().zip(sizes).map(|(&at, size)| bits_of(&results[at..at + size])).collect()
}

/// One pass's kernel with all that its calls share.
struct KernelCall<'k> {
    code: &'k Code,
    uniforms: Slots,
    /// Where each fold slot's accumulators lie.
    folds: SmallVec<[*mut u8; 4]>,
    /// The back end's own memory, then a slot for each operand and output.
    scratch: &'k mut [u8],
    own: usize,
}

impl KernelCall<'_> {
    /// Elements `first .. first + len`: whole granules in place, the tail through scratch.
    ///
    /// # Safety
    /// Every operand is readable, every output writable for these elements of the types of the kernel's
    /// inputs and outputs, and they share memory only where one is the other. Each fold slot holds 32
    /// accumulators. The uniforms are written.
    unsafe fn run(&mut self, (reads, writes): (&[Run], &[Run]), (first, len): (usize, usize)) {
        let (whole, tail) = (len / GRANULE, len % GRANULE);
        let at = |run: &Run, element: usize| run.start.wrapping_add(element * run.size);
        let mut inputs: Pointers<*const u8> =
            reads.iter().map(|read| at(read, first).cast_const()).collect();
        let mut outputs: Pointers<*mut u8> = writes.iter().map(|write| at(write, first)).collect();
        // SAFETY: the operands hold `whole` granules from their start, then `tail` elements; the
        // scratch has a slot of a granule for each of them behind the back end's own.
        unsafe {
            if whole > 0 {
                self.call((&inputs, &outputs), first, (whole, 0));
            }
            if tail == 0 {
                return;
            }
            let behind = first + whole * GRANULE;
            for (number, (read, input)) in reads.iter().zip(&mut inputs).enumerate() {
                let slot = self.slot(number);
                copy_nonoverlapping(at(read, behind).cast_const(), slot, tail * read.size);
                pad(slot, read.size, tail, GRANULE);
                *input = slot;
            }
            for (number, output) in outputs.iter_mut().enumerate() {
                *output = self.slot(reads.len() + number);
            }
            self.call((&inputs, &outputs), behind, (1, tail));
            for (write, &output) in writes.iter().zip(&outputs) {
                copy_nonoverlapping(output.cast_const(), at(write, behind), tail * write.size);
            }
        }
    }

    /// One element of a kernel without inputs, its outputs to the first slots.
    ///
    /// # Safety
    /// The kernel has neither inputs nor folds, and so many outputs. The uniforms are written.
    unsafe fn run_scalars(&mut self, n_outputs: usize) {
        let outputs: Pointers<*mut u8> = (0..n_outputs).map(|number| self.slot(number)).collect();
        // SAFETY: promised by the caller; each slot has room for a granule.
        unsafe { self.call((&[], &outputs), 0, (1, 1)) };
    }

    /// A slot of the scratch.
    fn slot(&mut self, number: usize) -> *mut u8 {
        self.scratch[self.own + SLOT * number..][..SLOT].as_mut_ptr()
    }

    /// # Safety
    /// The operands hold so many granules, the last with `tail` valid lanes if that is not 0.
    unsafe fn call(
        &mut self,
        (inputs, outputs): (&[*const u8], &[*mut u8]),
        first: usize,
        (granules, tail): (usize, usize),
    ) {
        let args = KernelArgs {
            inputs: inputs.as_ptr(),
            outputs: outputs.as_ptr(),
            uniforms: self.uniforms.as_mut_ptr(),
            folds: self.folds.as_ptr(),
            scratch: self.scratch.as_mut_ptr(),
            first_index: first as u64,
            granules: granules as u64,
            tail: tail as u64,
            hints: Hints::default(),
        };
        // SAFETY: promised by the caller.
        unsafe { self.code.block.run(&args) };
    }
}
