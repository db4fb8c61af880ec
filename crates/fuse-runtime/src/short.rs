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
//! Cost: no heap allocation after the first calls (counted). With all that the API adds, and on a shared
//! 2-core machine with AVX-512: a prepared call of `2*a + 3*b**2` on 16 elements takes 0.1 µs, of `sum(x)` on
//! 17 elements 0.28 µs. A call with one array each way is 1330 instructions (counted): 50 ns beside a kernel
//! whose arrays fit the first level of the cache, 130 ns where they do not. 70 of these are the first load
//! after the kernel that misses (sampled), presumably since it queues behind the kernel's stores.
//!
//! Hence what this file does not do: move what has just been written. A load wider than the stores that it
//! reads from waits for the stores before them too, which took as long again. Errors are boxed, lists are
//! filled where they stay, and what a call looks at of its program lies together in [`Flat`] and [`Needs`].

#![expect(unsafe_code, reason = "hands operand pointers to compiled kernels")]

use std::ops::{Range, RangeInclusive};
use std::ptr::copy_nonoverlapping;

use fuse_ir::abi::uniform_slots;
use fuse_ir::{
    Axis, ByteOrder, DType, FOLD_BLOCK, GRANULE, Hints, KernelArgs, OperandView, Pass, Scalar,
    Sink, Source,
};
use smallvec::SmallVec;

use crate::compile::{Code, CompiledPass, Executable};
use crate::dispatch::{read_scalar, run_between, run_uniform, write_scalar};
use crate::error::{AllocError, RunError};
use crate::flat::{Flat, FlatArray, FlatOperands, FlatPass, symbol_value};
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

type Pointers<P> = SmallVec<[P; 8]>;
/// The bits of a fold's results.
type Results = SmallVec<[u64; 4]>;

/// A call that goes the short way.
struct Call<'c> {
    executable: &'c Executable,
    flat: &'c Flat,
    inputs: &'c [&'c Operand<'c>],
    outputs: &'c [ViewMut<'c>],
    /// Of the loop, and their product.
    extents: &'c [usize],
    len: usize,
    tuning: &'c Tuning,
    /// The temporaries' bits, zero extended.
    temporaries: SmallVec<[u64; 8]>,
}

impl Executable {
    /// Runs a call the short way on the calling thread, or gives `None` where it has to take
    /// [`Executable::run_long`]; nothing has been written then.
    ///
    /// # Errors
    /// [`RunError::Cancelled`], [`RunError::Deadline`], [`RunError::Alloc`]; what the outputs hold is
    /// unspecified then. Boxed: the result is two words, hence in registers. Copied in memory it took 75 ns
    /// after a kernel that leaves much to be stored, for all of which the copy's wide loads wait.
    pub fn run_short(
        &self,
        inputs: &[&Operand<'_>],
        outputs: &[ViewMut<'_>],
        options: &RunOptions<'_>,
    ) -> Option<Result<(), Box<RunError>>> {
        let flat = self.flat.as_ref()?;
        let extents = inputs.get(flat.like)?.raw().extents;
        let len = extents.iter().try_fold(1_usize, |len, &extent| len.checked_mul(extent))?;
        if !flat.lengths.contains(&len) || !is_plain(options) {
            return None;
        }
        let mut call = Call {
            executable: self,
            flat,
            inputs,
            outputs,
            extents,
            len,
            tuning: &options.tuning,
            temporaries: SmallVec::new(),
        };
        if !call.fits() {
            return None;
        }
        if let Err(stop) = options.poll() {
            return Some(Err(stop.into()));
        }
        if !self.program.temporaries.is_empty() {
            call.temporaries.resize(self.program.temporaries.len(), 0);
        }
        let _floats = DefaultFloats::enter();
        let done = with_kit(|kit| {
            let mut passes = flat.passes.iter().enumerate();
            passes.try_for_each(|(number, pass)| call.run_pass(number, pass, kit))
        });
        Some(done.map_err(|error| Box::new(error.into())))
    }
}

/// What a pass's main kernel needs for a call, in one place: a short call has no time to look for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// Bytes of the back end's own memory, rounded up to where slots may begin.
    own: usize,
    /// Operands and outputs.
    slots: usize,
    /// Parameters and results of the uniform region.
    scalars: usize,
    uniforms: usize,
}

impl Needs {
    /// Of a kernel and its code.
    pub(crate) fn of(code: &Code) -> Needs {
        let kernel = &code.kernel;
        Needs {
            own: code.block.scratch_bytes().next_multiple_of(64),
            slots: kernel.inputs.len() + kernel.outputs.len(),
            scalars: kernel.uniform.params.len(),
            uniforms: kernel.uniform.results.len(),
        }
    }
}

/// The lengths of loops that may go the short way, for these passes.
pub(crate) fn lengths(passes: &[CompiledPass]) -> RangeInclusive<usize> {
    let folds = passes.iter().any(|pass| !pass.folds.is_empty());
    let most = if folds { FOLD_BLOCK } else { MOST_ELEMENTS };
    let work: usize = passes.iter().map(|pass| pass.facts.work).sum();
    let compiled = !passes.iter().any(|pass| pass.facts.interpreted);
    1..=if compiled { most.min(MOST_WORK / work.max(1)) } else { 0 }
}

/// Are there neither limits nor tests' hooks?
fn is_plain(options: &RunOptions<'_>) -> bool {
    let Tuning {
        inline_below,
        block,
        shuffle,
        tile: _,
        fold_lanes: _,
        ends_after: _,
        device_chunk: _,
        stream_above: _,
    } = &options.tuning;
    let unlimited = options.max_work.is_none() && options.max_output_bytes.is_none();
    let untuned = inline_below.is_none() && block.is_none() && shuffle.is_none();
    unlimited && untuned && options.workers.is_none() && options.pager.is_none()
}

/// An extent is 1 exactly where the axis is said to be.
fn fits_axes(extents: &[usize], axes: &[Axis]) -> bool {
    extents.len() == axes.len()
        && extents.iter().zip(axes).all(|(&extent, axis)| (extent == 1) == (*axis == Axis::One))
}

/// Is it an array of that dtype, native, in C order, with these extents?
#[inline(always)]
fn is_contiguous(raw: Raw<'_>, known: FlatArray, extents: &[usize]) -> bool {
    if raw.dtype != known.dtype || raw.order != ByteOrder::Native {
        return false;
    }
    match (raw.extents, raw.strides, extents) {
        ([own], [stride], [extent]) => {
            own == extent && (*extent == 1 || *stride == known.size.cast_signed())
        }
        _ => raw.extents == extents && is_c_order(raw.strides, known.size, extents),
    }
}

fn is_c_order(strides: &[isize], size: usize, extents: &[usize]) -> bool {
    let mut step = size;
    strides.iter().zip(extents).rev().all(|(&stride, &extent)| {
        let fits = extent == 1 || stride == step.cast_signed();
        step *= extent;
        fits
    })
}

/// Does no byte belong to both?
fn are_apart(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.end <= other.start || other.end <= one.start
}

impl Call<'_> {
    /// Are these the program's inputs and outputs, all arrays contiguous with the loop's extents, and may
    /// the outputs be written while the inputs are read?
    #[inline]
    fn fits(&self) -> bool {
        let (inputs, results) = (&self.flat.inputs, &self.flat.results);
        let as_many = self.inputs.len() == inputs.len() && self.outputs.len() == results.len();
        let mut inputs = self.inputs.iter().zip(inputs);
        as_many
            && fits_axes(self.extents, &self.flat.axes)
            && inputs.all(|(input, known)| self.input_fits(input, *known))
            && (0..self.outputs.len()).all(|number| self.output_fits(number))
    }

    #[inline]
    fn input_fits(&self, input: &Operand<'_>, known: FlatArray) -> bool {
        let raw = input.raw();
        let fits = if known.is_scalar {
            raw.dtype == known.dtype && raw.extents.is_empty()
        } else {
            is_contiguous(raw, known, self.extents)
        };
        fits && !matches!(input, Operand::Device(_))
    }

    /// Is it what the program gives, apart from the outputs before it and from the inputs; or, where there
    /// is but one pass, in the place of an input of the same element size?
    #[inline]
    fn output_fits(&self, number: usize) -> bool {
        let flat = self.flat;
        let (raw, known) = (self.outputs[number].raw(), flat.results[number]);
        if !is_contiguous(raw, known, if known.is_scalar { &[] } else { self.extents }) {
            return false;
        }
        let (write, in_place) = (self.span(raw, known), flat.passes.len() == 1);
        let may_share = |read: Range<usize>| are_apart(&read, &write) || in_place && read == write;
        let mut inputs = self.inputs.iter().zip(&flat.inputs);
        let mut outputs = self.outputs[..number].iter().zip(&flat.results);
        inputs.all(|(input, known)| may_share(self.span(input.raw(), *known)))
            && outputs.all(|(other, known)| are_apart(&self.span(other.raw(), *known), &write))
    }

    /// The addresses of an input or output that fits.
    #[inline]
    fn span(&self, raw: Raw<'_>, known: FlatArray) -> Range<usize> {
        let start = raw.base.0.addr();
        let len = if known.is_scalar { 1 } else { self.len };
        start..start + len * known.size
    }

    fn run_pass(
        &mut self,
        number: usize,
        flat: &FlatPass,
        kit: &mut Kit,
    ) -> Result<(), AllocError> {
        let executable = self.executable;
        let compiled = &executable.passes[number];
        let (code, needs) = (&compiled.main, compiled.needs);
        let mut uniforms = Slots::new();
        if needs.scalars > 0 {
            for view in &executable.program.passes[number].scalars {
                uniforms.push(self.scalar(view));
            }
        }
        for _ in 0..needs.uniforms {
            uniforms.push(0);
        }
        if let (FlatPass::Loop(operands), false) = (flat, compiled.folds.is_empty()) {
            return self.run_folds(number, operands, &mut uniforms, kit);
        }
        let scratch = kit.operands.bytes(needs.own + SLOT * needs.slots)?;
        if needs.uniforms > 0 {
            run_uniform(code, &mut uniforms, scratch);
        }
        let (own, uniforms) = (needs.own, &mut *uniforms);
        let mut kernel = KernelCall { code, uniforms, folds: &[], scratch, own };
        match flat {
            FlatPass::Loop(operands) => self.run_loop(operands, &mut kernel, self.len),
            FlatPass::Scalars => {
                self.run_scalars(&executable.program.passes[number], &mut kernel);
            }
        }
        Ok(())
    }

    /// Runs a pass over the loop that has folds.
    fn run_folds(
        &mut self,
        number: usize,
        operands: &FlatOperands,
        uniforms: &mut [u64],
        kit: &mut Kit,
    ) -> Result<(), AllocError> {
        let executable = self.executable;
        let (pass, compiled) = (&executable.program.passes[number], &executable.passes[number]);
        let code = &compiled.main;
        let ending = Ending::new((executable, number), self.len, self.tuning);
        let own = ending.scratch_bytes(compiled).next_multiple_of(64).max(compiled.needs.own);
        let n_slots = compiled.needs.slots.max(ending.n_results);
        let scratch = kit.operands.bytes(own + SLOT * n_slots)?;
        if compiled.needs.uniforms > 0 {
            run_uniform(code, uniforms, scratch);
        }
        let bytes = bank_bytes(&compiled.slots, GRANULE);
        let (slots, folds) = (&compiled.slots, &compiled.folds);
        let bytes = &mut kit.states.bytes(bytes)?[..bytes];
        let mut bank = Bank { bytes, slots, folds, lanes: GRANULE };
        bank.reset();
        let states = bank.bytes.as_mut_ptr();
        let places = slots.iter().map(|slot| states.wrapping_add(slot.before * GRANULE));
        let places: SmallVec<[*mut u8; 4]> = places.collect();
        let mut kernel = KernelCall { code, uniforms, folds: &places, scratch, own };
        let each = if ending.way == Way::Alone { 1 } else { self.len };
        self.run_loop(operands, &mut kernel, each);
        self.finish((pass, compiled), &ending, &mut bank, kernel.scratch.split_at_mut(own));
        Ok(())
    }

    /// Runs a pass over the loop, so many elements a call; its folds up to their accumulators.
    fn run_loop(&self, operands: &FlatOperands, kernel: &mut KernelCall<'_>, each: usize) {
        let mut first = 0;
        while first < self.len {
            // SAFETY: `fits` has seen that every operand and output is contiguous, of `len` elements of
            // the kernel's types, and that stores spoil no operand; the views keep the memory borrowed.
            // Where the kernel has folds, a bank holds a granule of every slot. `each` divides `len`.
            unsafe { kernel.run((self, operands), (first, each)) };
            first += each;
        }
    }

    /// Where an element of an input lies, and how many bytes one has.
    #[inline]
    fn read(&self, input: usize, element: usize) -> (*const u8, usize) {
        let size = self.flat.inputs[input].size;
        (self.inputs[input].raw().base.0.wrapping_add(element * size).cast_const(), size)
    }

    /// Where an element of an output lies, and how many bytes one has.
    #[inline]
    fn write(&self, result: usize, element: usize) -> (*mut u8, usize) {
        let size = self.flat.results[result].size;
        (self.outputs[result].raw().base.0.wrapping_add(element * size), size)
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
    uniforms: &'k mut [u64],
    /// Where each fold slot's accumulators lie.
    folds: &'k [*mut u8],
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
    unsafe fn run(
        &mut self,
        (call, operands): (&Call<'_>, &FlatOperands),
        (first, len): (usize, usize),
    ) {
        let (whole, tail) = (len / GRANULE, len % GRANULE);
        let (mut inputs, mut outputs) = (Pointers::<*const u8>::new(), Pointers::<*mut u8>::new());
        for &input in &operands.inputs {
            inputs.push(call.read(input, first).0);
        }
        for &result in &operands.results {
            outputs.push(call.write(result, first).0);
        }
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
            for (number, (&input, pointer)) in operands.inputs.iter().zip(&mut inputs).enumerate() {
                let ((read, size), slot) = (call.read(input, behind), self.slot(number));
                copy_nonoverlapping(read, slot, tail * size);
                pad(slot, size, tail, GRANULE);
                *pointer = slot;
            }
            for (number, pointer) in outputs.iter_mut().enumerate() {
                *pointer = self.slot(inputs.len() + number);
            }
            self.call((&inputs, &outputs), behind, (1, tail));
            for (&result, &slot) in operands.results.iter().zip(&outputs) {
                let (write, size) = call.write(result, behind);
                copy_nonoverlapping(slot.cast_const(), write, tail * size);
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
