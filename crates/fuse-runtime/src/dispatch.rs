//! Calls compiled kernels over a plan.
//!
//! ```text
//! block   ──▶ gather what is not contiguous ──▶ segments (cut at rows of splat operands)
//! segment ──▶ whole granules in place ──▶ the last, partial granule through scratch
//! block   ──▶ scatter outputs that are not contiguous
//! ```
//!
//! Scratch of a task: the back end's own memory, then each operand's slot as the plan lays them out.
//! The last granule of an operand read in place is copied to its slot and filled up with copies of
//! the last valid element; its outputs are written to slots and only their valid lanes are copied out.

#![expect(unsafe_code, reason = "hands operand pointers to compiled kernels")]

use std::ptr::copy_nonoverlapping;

use fuse_ir::abi::uniform_slots;
use fuse_ir::{DType, Extents, GRANULE, Hints, Kernel, KernelArgs};
use smallvec::SmallVec;

use crate::compile::{Code, CompiledFold, Slot};
use crate::error::RunError;
use crate::pack::{
    Dim, ElementForm, are_halves, load_bits, pack, pack_pairs, pad, store_bits, unpack,
    unpack_pairs,
};
use crate::plan::{Access, Plan, Route, form_of};
use crate::views::{Address, Raw, Strides};

/// One pass of one call, ready to run any range of its loop.
pub(crate) struct Job<'c> {
    pub(crate) plan: &'c Plan,
    pub(crate) code: &'c Code,
    pub(crate) slots: &'c [Slot],
    /// Scalars, then uniform values: written before the job is made, only read by it.
    pub(crate) uniforms: &'c [u64],
}

/// The pointer lists of [`KernelArgs`], reused from call to call.
#[derive(Default)]
pub(crate) struct Pointers {
    inputs: SmallVec<[*const u8; 8]>,
    outputs: SmallVec<[*mut u8; 4]>,
    folds: SmallVec<[*mut u8; 4]>,
}

/// The part of a block that one kernel call sees.
#[derive(Clone, Copy)]
struct Segment {
    /// First element of the block: where gathered operands' slots begin.
    block: usize,
    /// First element of the segment.
    start: usize,
    /// Number of elements.
    len: usize,
}

impl Job<'_> {
    /// Bytes of scratch that [`Job::run_range`] needs.
    pub(crate) fn scratch_bytes(&self) -> usize {
        self.code_scratch() + self.plan.scratch
    }

    fn code_scratch(&self) -> usize {
        self.code.block.scratch_bytes().next_multiple_of(64)
    }

    /// Runs elements `start .. start + len` of the loop, at most a block. `states` holds `lanes` lanes
    /// of every fold slot; the folds advance the 32 lanes from `lane` on.
    ///
    /// # Safety
    /// * The plan was made for this kernel and for memory that outlives the call, as its views promise.
    /// * No other thread runs elements of this range meanwhile, and outputs that share memory with
    ///   inputs do so only as [`crate::overlap`] allows.
    pub(crate) unsafe fn run_range(
        &self,
        (start, len): (usize, usize),
        scratch: &mut [u8],
        (states, lanes, lane): (&mut [u8], usize, usize),
        pointers: &mut Pointers,
    ) {
        assert!(scratch.len() >= self.scratch_bytes() && len <= self.plan.block);
        assert!(start + len <= self.plan.len);
        pointers.folds.clear();
        for slot in self.slots {
            let at = slot.before * lanes + lane * slot.size;
            assert!(lane + GRANULE <= lanes && at + GRANULE * slot.size <= states.len());
            pointers.folds.push(states[at..].as_mut_ptr());
        }
        let scratch = scratch.as_mut_ptr();
        // SAFETY: the slots of gathered operands have room for a block and a granule; the plan's
        // walks cover the loop, in which the range lies.
        unsafe { self.gather(start, len, scratch) };
        let (mut at, end) = (start, start + len);
        while at < end {
            let until = (at / self.plan.row).saturating_add(1).saturating_mul(self.plan.row);
            let segment = Segment { block: start, start: at, len: until.min(end) - at };
            // SAFETY: the segment lies in the range, inside one row.
            unsafe { self.run_segment(segment, scratch, pointers) };
            at += segment.len;
        }
        // SAFETY: as for `gather`; the kernel calls above wrote the slots of the outputs.
        unsafe { self.scatter(start, len, scratch) };
    }

    /// # Safety
    /// As [`Job::run_range`]; `scratch` has `scratch_bytes` bytes.
    unsafe fn gather(&self, start: usize, len: usize, scratch: *mut u8) {
        let last_row = start.max((start + len - 1) / self.plan.row * self.plan.row);
        let padded = last_row - start + (start + len - last_row).next_multiple_of(GRANULE);
        for_halves(&self.plan.inputs, |access, other| {
            assert!(padded <= access.room && other.is_none_or(|other| padded <= other.room));
            // SAFETY: the slots have room for `padded` elements, of which `len` are the range's; the
            // walks cover the range.
            unsafe {
                let slot = self.slot(access, scratch);
                if let Some(other) = other {
                    let (walk, second) = (walk_of(access), self.slot(other, scratch));
                    pack_pairs(walk, start, len, (slot, second));
                    pad(second, other.form.size, len, padded);
                } else {
                    gather_into(access, access.base, (start, len), slot);
                }
                pad(slot, access.form.size, len, padded);
            }
        });
    }

    /// # Safety
    /// As [`Job::run_range`]; `scratch` has `scratch_bytes` bytes.
    unsafe fn scatter(&self, start: usize, len: usize, scratch: *mut u8) {
        for_halves(&self.plan.outputs, |access, other| {
            assert!(len <= access.room && other.is_none_or(|other| len <= other.room));
            let (base, dims, form) = walk_of(access);
            let walk = (base.cast_mut(), dims, form);
            // SAFETY: the slots hold the range's elements; the walks cover the range, which is ours.
            unsafe {
                let slot = self.slot(access, scratch).cast_const();
                match other {
                    Some(other) => {
                        unpack_pairs(walk, start, len, (slot, self.slot(other, scratch)));
                    }
                    None => unpack(walk, start, len, slot),
                }
            }
        });
    }

    /// Whole granules first, then the tail.
    ///
    /// # Safety
    /// As [`Job::run_range`], for a segment of a block that is gathered.
    unsafe fn run_segment(&self, segment: Segment, scratch: *mut u8, pointers: &mut Pointers) {
        let whole = segment.len / GRANULE;
        let tail = segment.len % GRANULE;
        // SAFETY: in-place operands hold `whole` granules from the segment's start on, gathered ones
        // do in their slots; the tail's operands are in slots of a granule.
        unsafe {
            if whole > 0 {
                self.point(segment, scratch, pointers);
                self.call(segment.start, (whole, 0), scratch, pointers);
            }
            if tail > 0 {
                let start = segment.start + whole * GRANULE;
                let segment = Segment { start, len: tail, ..segment };
                self.point_tail(segment, scratch, pointers);
                self.call(start, (1, tail), scratch, pointers);
                self.copy_tail_out(segment, scratch);
            }
        }
    }

    /// Points the lists at the segment's first elements.
    ///
    /// # Safety
    /// As [`Job::run_segment`].
    unsafe fn point(&self, segment: Segment, scratch: *mut u8, pointers: &mut Pointers) {
        pointers.inputs.clear();
        for access in &self.plan.inputs {
            // SAFETY: passed on.
            pointers.inputs.push(unsafe { self.place(access, segment, scratch) });
        }
        pointers.outputs.clear();
        for access in &self.plan.outputs {
            // SAFETY: passed on.
            pointers.outputs.push(unsafe { self.place(access, segment, scratch) });
        }
    }

    /// Where an operand's elements of a segment lie.
    ///
    /// # Safety
    /// As [`Job::run_segment`].
    unsafe fn place(&self, access: &Access, segment: Segment, scratch: *mut u8) -> *mut u8 {
        // SAFETY: slots lie inside the scratch; a swapped splat's one element fits its slot.
        unsafe {
            match access.route {
                Route::Direct => access.direct(segment.start).0,
                Route::Packed => {
                    let elements = segment.start - segment.block;
                    self.slot(access, scratch).add(elements * access.form.size)
                }
                Route::Splat if !access.is_plain() => {
                    let slot = self.slot(access, scratch);
                    gather_into(access, access.base, (segment.start, 1), slot);
                    slot
                }
                Route::Splat => access.element(segment.start).0,
            }
        }
    }

    /// As [`Job::point`], with the operands read in place copied to their slots and filled up.
    ///
    /// # Safety
    /// As [`Job::run_segment`], for a segment of fewer than [`GRANULE`] elements.
    unsafe fn point_tail(&self, tail: Segment, scratch: *mut u8, pointers: &mut Pointers) {
        // SAFETY: a slot holds a granule, of which `tail.len` elements are copied and the rest filled.
        unsafe {
            self.point(tail, scratch, pointers);
            for (access, pointer) in self.plan.inputs.iter().zip(&mut pointers.inputs) {
                if access.route == Route::Direct {
                    let (slot, size) = (self.slot(access, scratch), access.form.size);
                    copy_nonoverlapping(*pointer, slot, tail.len * size);
                    pad(slot, size, tail.len, GRANULE);
                    *pointer = slot;
                }
            }
            for (access, pointer) in self.plan.outputs.iter().zip(&mut pointers.outputs) {
                if access.route == Route::Direct {
                    *pointer = self.slot(access, scratch);
                }
            }
        }
    }

    /// Copies the valid lanes of a tail from the slots of the outputs that are written in place.
    ///
    /// # Safety
    /// As [`Job::point_tail`], after the call.
    unsafe fn copy_tail_out(&self, tail: Segment, scratch: *mut u8) {
        for access in self.plan.outputs.iter().filter(|access| access.route == Route::Direct) {
            // SAFETY: the slot was written by the call; the output's elements are ours.
            unsafe {
                let slot = self.slot(access, scratch);
                copy_nonoverlapping(slot, access.direct(tail.start).0, tail.len * access.form.size);
            }
        }
    }

    /// # Safety
    /// `scratch` has `scratch_bytes` bytes.
    unsafe fn slot(&self, access: &Access, scratch: *mut u8) -> *mut u8 {
        // SAFETY: the plan counts every slot into its scratch.
        unsafe { scratch.add(self.code_scratch() + access.slot) }
    }

    /// # Safety
    /// The pointer lists hold what `granules` granules of this kernel need; the last has `tail` valid
    /// lanes if that is not 0.
    unsafe fn call(
        &self,
        first: usize,
        (granules, tail): (usize, usize),
        scratch: *mut u8,
        pointers: &Pointers,
    ) {
        let args = KernelArgs {
            inputs: pointers.inputs.as_ptr(),
            outputs: pointers.outputs.as_ptr(),
            uniforms: self.uniforms.as_ptr().cast_mut(),
            folds: pointers.folds.as_ptr(),
            scratch,
            first_index: first as u64,
            granules: granules as u64,
            tail: tail as u64,
            hints: if granules > 1 { self.plan.hints } else { Hints::default() },
        };
        // SAFETY: promised by the caller; the uniforms are written and `run` only reads them.
        unsafe { self.code.block.run(&args) };
    }
}

/// Visits the gathered ones of these operands, those that are halves of the same pairs together.
fn for_halves(all: &[Access], mut visit: impl FnMut(&Access, Option<&Access>)) {
    let mut done = 0_u64;
    for (number, access) in all.iter().enumerate() {
        if access.route != Route::Packed || (number < 64 && done >> number & 1 != 0) {
            continue;
        }
        let after = all.iter().enumerate().take(64).skip(number + 1);
        let is_other = |other: &Access| other.route == Route::Packed && are_halves(access, other);
        let other = after.into_iter().find(|&(_, other)| is_other(other));
        done |= other.map_or(0, |(position, _)| 1 << position);
        visit(access, other.map(|(_, other)| other));
    }
}

/// An operand's walk, as [`pack`] takes it.
fn walk_of(access: &Access) -> (*const u8, &[Dim], ElementForm) {
    (access.base.0.cast_const(), &access.dims, access.form)
}

/// Gathers elements `start .. start + count` of a walk from `base` on: from memory, or as answers.
///
/// # Safety
/// As for [`pack`], of the walk's own dimensions and element form.
pub(crate) unsafe fn gather_into(
    access: &Access,
    base: Address,
    (start, count): (usize, usize),
    to: *mut u8,
) {
    // SAFETY: promised by the caller; an answer is a byte.
    unsafe {
        match &access.predicate {
            None => pack((base.0, &access.dims, access.form), start, count, to),
            Some(predicate) => {
                to.write_bytes(0, count);
                let to = std::slice::from_raw_parts_mut(to, count);
                predicate.fill((base, &access.dims), start, to);
            }
        }
    }
}

/// Runs the uniform region: `uniforms` holds the scalars and receives the results.
pub(crate) fn run_uniform(code: &Code, uniforms: &mut [u64], scratch: &mut [u8]) {
    assert!(uniforms.len() >= uniform_slots(&code.kernel));
    assert!(scratch.len() >= code.block.scratch_bytes());
    let args = KernelArgs {
        inputs: std::ptr::null(),
        outputs: std::ptr::null(),
        uniforms: uniforms.as_mut_ptr(),
        folds: std::ptr::null(),
        scratch: scratch.as_mut_ptr(),
        first_index: 0,
        granules: 0,
        tail: 0,
        hints: Hints::default(),
    };
    // SAFETY: the slots exist and are borrowed mutably; the uniform region uses nothing else.
    unsafe { code.block.run_uniform(&args) };
}

/// Which part of a bank a merge writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MergeTo {
    /// The states.
    States,
    /// The left halves, in place.
    Left,
}

/// Merges `granules` granules of left and right states lane by lane.
///
/// A bank is three parts of `lanes` lanes of every slot: states, left halves, right halves.
pub(crate) fn run_merge(
    fold: &CompiledFold,
    slots: &[Slot],
    (bank, lanes): (&mut [u8], usize),
    (granules, to): (usize, MergeTo),
    scratch: &mut [u8],
) {
    let total = slots.last().map_or(0, |slot| slot.before + slot.size);
    let part = total * lanes;
    assert!(granules * GRANULE <= lanes && bank.len() >= 3 * part);
    let slots = &slots[fold.slots.0..fold.slots.1];
    let base = bank.as_mut_ptr();
    let at = |part_number: usize| {
        slots.iter().map(move |slot| base.wrapping_add(part_number * part + slot.before * lanes))
    };
    let inputs: SmallVec<[*const u8; 8]> = at(1).chain(at(2)).map(<*mut u8>::cast_const).collect();
    let outputs: SmallVec<[*mut u8; 4]> = match to {
        MergeTo::States => at(0).collect(),
        MergeTo::Left => at(1).collect(),
    };
    // SAFETY: the merge kernel has the slots' values of the left, then of the right state as streams,
    // and gives the slots' values; each stream has `lanes` lanes inside the bank; outputs are other
    // memory than inputs, or equal to the left ones, which streams of equal size may be.
    unsafe { call_streams(&fold.merge, &inputs, &outputs, granules, scratch) };
}

/// Runs a kernel of streams over `granules` granules of the task's own memory. Inputs and outputs are
/// places in `memory`; an output is the place of an input, or apart from all of them.
pub(crate) fn run_streams(
    code: &Code,
    memory: &mut [u8],
    (inputs, outputs): (&[usize], &[usize]),
    granules: usize,
    scratch: &mut [u8],
) {
    assert!(fits(&code.kernel, (memory.len(), inputs), (memory.len(), outputs), granules));
    let base = memory.as_mut_ptr();
    // SAFETY: every stream has `granules` whole granules inside `memory`, which is borrowed mutably.
    // Places that overlapped otherwise than promised would give wrong numbers, not other memory.
    unsafe { run_places(code, (base, inputs), (base, outputs), granules, scratch) };
}

/// As [`run_streams`], with inputs and outputs in different memory.
pub(crate) fn run_between(
    code: &Code,
    (from, inputs): (&[u8], &[usize]),
    (to, outputs): (&mut [u8], &[usize]),
    granules: usize,
    scratch: &mut [u8],
) {
    assert!(fits(&code.kernel, (from.len(), inputs), (to.len(), outputs), granules));
    let (from, to) = (from.as_ptr().cast_mut(), to.as_mut_ptr());
    // SAFETY: every stream has `granules` whole granules inside its memory; inputs are only read.
    unsafe { run_places(code, (from, inputs), (to, outputs), granules, scratch) };
}

/// Has every stream of a kernel of streams whole granules behind its place?
fn fits(
    kernel: &Kernel,
    (from, inputs): (usize, &[usize]),
    (to, outputs): (usize, &[usize]),
    granules: usize,
) -> bool {
    let inside = |at: usize, size: usize, len: usize| at + granules * GRANULE * size <= len;
    inputs.len() == kernel.inputs.len()
        && outputs.len() == kernel.outputs.len()
        && kernel.folds.is_empty()
        && uniform_slots(kernel) == 0
        && inputs.iter().zip(&kernel.inputs).all(|(&at, input)| inside(at, input.mem.size(), from))
        && outputs
            .iter()
            .zip(&kernel.outputs)
            .all(|(&at, output)| inside(at, output.mem.size(), to))
}

/// # Safety
/// The kernel has neither folds nor uniforms; each stream has `granules` whole granules from its place
/// on, those of the outputs writable.
unsafe fn run_places(
    code: &Code,
    (from, inputs): (*mut u8, &[usize]),
    (to, outputs): (*mut u8, &[usize]),
    granules: usize,
    scratch: &mut [u8],
) {
    let inputs: SmallVec<[*const u8; 8]> =
        inputs.iter().map(|&place| from.wrapping_add(place).cast_const()).collect();
    let outputs: SmallVec<[*mut u8; 4]> =
        outputs.iter().map(|&place| to.wrapping_add(place)).collect();
    // SAFETY: promised by the caller.
    unsafe { call_streams(code, &inputs, &outputs, granules, scratch) };
}

/// # Safety
/// As [`run_places`], for streams at these addresses.
unsafe fn call_streams(
    code: &Code,
    inputs: &[*const u8],
    outputs: &[*mut u8],
    granules: usize,
    scratch: &mut [u8],
) {
    assert!(scratch.len() >= code.block.scratch_bytes());
    let args = KernelArgs {
        inputs: inputs.as_ptr(),
        outputs: outputs.as_ptr(),
        uniforms: std::ptr::NonNull::dangling().as_ptr(),
        folds: std::ptr::null(),
        scratch: scratch.as_mut_ptr(),
        first_index: 0,
        granules: granules as u64,
        tail: 0,
        hints: Hints::default(),
    };
    // SAFETY: promised by the caller.
    unsafe { code.block.run(&args) };
}

/// The bits of a scalar operand.
pub(crate) fn read_scalar(raw: Raw<'_>) -> u64 {
    assert!(raw.extents.is_empty());
    // SAFETY: a 0-d view's element is readable.
    unsafe { load_bits(raw) }
}

/// Writes a fold's result.
pub(crate) fn write_scalar(raw: Raw<'_>, bits: u64) {
    assert!(raw.extents.is_empty());
    // SAFETY: a 0-d output's element is writable, and the call has it for itself between passes.
    unsafe { store_bits(raw, bits) };
}

/// Writes results of outputs `first .. first + count`, native and side by side, to a sink.
///
/// The sink's walk is over all outputs, and these are the caller's: each output is run once a call.
pub(crate) fn scatter_results(access: &Access, (first, count): (usize, usize), results: &[u8]) {
    let len = access.dims.iter().map(|dim| dim.extent).product::<usize>();
    assert!(first + count <= len && results.len() >= count * access.form.size);
    // SAFETY: the walk covers the outputs, whose sink is writable; the results hold as many elements.
    unsafe { unpack((access.base.0, &access.dims, access.form), first, count, results.as_ptr()) };
}

/// An array as elements of at most eight bytes, in C order: a text as a row of units, a complex number as a
/// pair of halves. Promised by whoever makes one: the array's memory outlives it.
pub(crate) struct Units {
    walk: Access,
    len: usize,
}

impl Units {
    /// # Errors
    /// [`RunError::Unsupported`] for elements that nothing reads.
    pub(crate) fn of(raw: Raw<'_>) -> Result<Units, RunError> {
        let unit = match raw.dtype {
            DType::Bytes(_) => DType::U8,
            DType::Text(_) => DType::U32,
            dtype => dtype.part().unwrap_or(dtype),
        };
        if unit.mem().is_none() {
            return Err(RunError::Unsupported { dtype: raw.dtype });
        }
        if unit == raw.dtype {
            return Ok(Units::over(raw));
        }
        let n_units = raw.dtype.size() / unit.size();
        let extents: Extents = raw.extents.iter().copied().chain([n_units]).collect();
        let step = unit.size().cast_signed();
        let strides: Strides = raw.strides.iter().copied().chain([step]).collect();
        Ok(Units::over(Raw { dtype: unit, extents: &extents, strides: &strides, ..raw }))
    }

    fn over(raw: Raw<'_>) -> Units {
        let identity: SmallVec<[usize; 4]> = (0..raw.extents.len()).collect();
        let walk = Access::new((raw.base, form_of(&raw)), raw.extents, raw.strides, &identity);
        Units { walk, len: raw.extents.iter().product() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of each.
    pub(crate) fn size(&self) -> usize {
        self.walk.form.size
    }

    /// Gathers units from `start` on to native bytes side by side, as many as these are of.
    pub(crate) fn gather(&self, start: usize, to: &mut [u8]) {
        let count = to.len() / self.size();
        assert!(start + count <= self.len);
        if count > 0 {
            // SAFETY: the walk covers the units, which are readable; `to` has room for them and is
            // borrowed mutably.
            unsafe { pack(self.place(), start, count, to.as_mut_ptr()) };
        }
    }

    /// Scatters native bytes that lie side by side to the units from `start` on, which nothing else uses.
    pub(crate) fn scatter(&self, start: usize, from: &[u8]) {
        let count = from.len() / self.size();
        assert!(start + count <= self.len);
        if count > 0 {
            let (base, dims, form) = (self.walk.base.0, &self.walk.dims, self.walk.form);
            // SAFETY: the walk covers the units, which are writable and the caller's.
            unsafe { unpack((base, dims, form), start, count, from.as_ptr()) };
        }
    }

    fn place(&self) -> (*const u8, &[Dim], ElementForm) {
        walk_of(&self.walk)
    }
}

/// Copies an operand to C order, native bytes, at `to`, which has room for it.
///
/// # Errors
/// [`RunError::Unsupported`] for elements that nothing reads.
pub(crate) fn copy_operand(raw: Raw<'_>, to: Address) -> Result<(), RunError> {
    let units = Units::of(raw)?;
    if units.len > 0 {
        // SAFETY: the walk is that of the view, whose elements are readable; `to` is an allocation of
        // its own with room for as many elements.
        unsafe { pack(units.place(), 0, units.len, to.0) };
    }
    Ok(())
}
