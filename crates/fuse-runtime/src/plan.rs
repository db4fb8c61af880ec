//! How one pass walks over its operands in one call.
//!
//! ```text
//! loop space (C order, or any order where nothing sees it)       linear index 0 .. len
//! operand a   [(len, 8)]            contiguous: read in place
//! operand b   [(N, 0), (3, 8)]      anything else: gathered a block at a time into scratch
//! ```
//!
//! Every operand coalesces the loop's dimensions for itself, so `(N, 3) + (3,)` reads its first
//! operand in place and never runs a loop of three. Kernels run over ranges of the linear index.
//!
//! An operand that broadcasts along the inner axis has a *splat* input. It holds for one row, so calls
//! are cut at row ends; where rows are short (or would put elements into the wrong accumulator of a
//! fold) the kernel's variant with streams only runs, and the operand is gathered like any other.
//!
//! Cost: no allocation for up to four dimensions and eight operands; some tens of nanoseconds.

use fuse_ir::{Bound, ByteOrder, Extents, FOLD_BLOCK, GRANULE, Hints, InputClass, Kernel, Pick};

use crate::cache::last_level_bytes;
use smallvec::SmallVec;
use std::sync::Arc;

use crate::error::RunError;
use crate::options::Tuning;
use crate::pack::{Dim, ElementForm};
use crate::predicate::TextPredicate;
use crate::views::{Address, Raw, Strides};

/// Rows shorter than this are gathered rather than run one by one.
const MIN_ROW: usize = 256;
/// Scratch of all gathered operands together: two thirds of a 48 KiB first-level cache.
const SCRATCH_BYTES: usize = 32 << 10;
/// Blocks of fewer elements cost more in calls than they save in memory.
const MIN_BLOCK: usize = 256;
/// Elements of a block where nothing is gathered: only how often the call polls depends on it.
const DIRECT_BLOCK: usize = 16 << 10;
/// Primitives × elements of a block, at about a nanosecond each: far below the cancel latency.
const BLOCK_WORK: usize = 1 << 20;

/// How a kernel gets at an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// In place; the last granule goes through scratch.
    Direct,
    /// One element a call, read in place (through scratch if byte-swapped or a predicate's).
    Splat,
    /// Through scratch.
    Packed,
}

/// One operand's walk over the loop.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) base: Address,
    pub(crate) form: ElementForm,
    /// Coalesced dimensions, innermost last; none for a loop of one element.
    pub(crate) dims: SmallVec<[Dim; 4]>,
    pub(crate) route: Route,
    /// Offset of its scratch.
    pub(crate) slot: usize,
    /// Elements that its scratch has room for.
    pub(crate) room: usize,
    /// What its elements are answers of; the base is then an index of these.
    pub(crate) predicate: Option<Arc<TextPredicate>>,
}

/// Which code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// As the pass has it.
    Main,
    /// With all inputs as streams.
    Streams,
}

/// What a plan needs to know of the pass besides its kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassFacts {
    /// May the loop run in any order?
    pub(crate) order_free: bool,
    /// Does it run on the interpreter?
    pub(crate) interpreted: bool,
    /// Primitives an element.
    pub(crate) work: usize,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) len: usize,
    pub(crate) inputs: Inputs,
    pub(crate) outputs: Outputs,
    pub(crate) variant: Variant,
    /// A call never crosses a multiple of this.
    pub(crate) row: usize,
    /// Elements of a block: 1024 in a loop with folds; otherwise a multiple of that, or less where the
    /// scratch of 1024 elements would not fit the first-level cache.
    pub(crate) block: usize,
    /// Bytes of scratch of the operands.
    pub(crate) scratch: usize,
    /// What calls say of the outputs.
    pub(crate) hints: Hints,
}

/// An operand, what of it is read, and where each loop axis leads in it.
pub(crate) struct PlanInput<'c> {
    pub(crate) raw: Raw<'c>,
    pub(crate) picked: Picked,
    pub(crate) axes: &'c [Option<u32>],
    /// What `raw` stands for, if it is no memory.
    pub(crate) predicate: Option<Arc<TextPredicate>>,
}

/// What a view reads of its source: where it begins, extents and byte strides by the source's axes.
pub(crate) struct Picked {
    pub(crate) base: Address,
    extents: Extents,
    strides: Strides,
}

/// What `picks` leave of a source. Every element that they lead to lies inside the source.
///
/// # Errors
/// [`RunError::Program`] where one would not: the compiler's bounds and rules see to it that none does.
pub(crate) fn picked(raw: Raw<'_>, picks: &[Pick], binding: &Bound) -> Result<Picked, RunError> {
    let (mut extents, mut strides) =
        (Extents::from_slice(raw.extents), Strides::from_slice(raw.strides));
    let mut base = raw.base;
    if picks.is_empty() {
        return Ok(Picked { base, extents, strides });
    }
    if picks.len() != extents.len() {
        return Err(RunError::Program { reason: "a view has not one entry for each axis" });
    }
    for (axis, pick) in picks.iter().enumerate() {
        let (extent, start) = (binding.extent(pick.extent), binding.value(pick.start));
        let last =
            pick.step.checked_mul(extent as i64 - 1).and_then(|span| span.checked_add(start));
        let inside = |at: i64| usize::try_from(at).is_ok_and(|at| at < raw.extents[axis]);
        if extent > 0 && !(inside(start) && last.is_some_and(inside)) {
            return Err(RunError::Program { reason: "a view leads outside its source" });
        }
        let stride = raw.strides[axis];
        base = base.offset(stride.wrapping_mul(start as isize));
        strides[axis] = stride.wrapping_mul(pick.step as isize);
        extents[axis] = extent;
    }
    Ok(Picked { base, extents, strides })
}

pub(crate) type LoopStrides = SmallVec<[isize; 4]>;

/// The operands of a pass by the axes of its loop: outputs, then inputs.
pub(crate) struct Stepped {
    list: SmallVec<[(Address, ElementForm, LoopStrides); 8]>,
    /// By input; none where no input is a predicate.
    predicates: SmallVec<[Option<Arc<TextPredicate>>; 0]>,
    n_outputs: usize,
}

impl Stepped {
    /// The outputs have the shape `space`; an input's axes are those of the loop or broadcast.
    pub(crate) fn new(
        space: &[usize],
        inputs: &[PlanInput<'_>],
        outputs: &[Raw<'_>],
    ) -> Result<Stepped, RunError> {
        let mut list = SmallVec::new();
        for output in outputs {
            list.push((output.base, form_of(output), output_strides(output, space)?));
        }
        for input in inputs {
            list.push((input.picked.base, form_of(&input.raw), input_strides(input, space)?));
        }
        let predicates = if inputs.iter().any(|input| input.predicate.is_some()) {
            inputs.iter().map(|input| input.predicate.clone()).collect()
        } else {
            SmallVec::new()
        };
        Ok(Stepped { list, predicates, n_outputs: outputs.len() })
    }

    /// The operands of the part of the loop that begins at this index.
    pub(crate) fn part(&self, origin: &[usize]) -> Stepped {
        let moved = |(base, form, strides): &(Address, ElementForm, LoopStrides)| {
            let steps = origin.iter().zip(strides);
            let offset = steps.fold(0_isize, |offset, (&index, &stride)| {
                offset.wrapping_add(index.cast_signed().wrapping_mul(stride))
            });
            (base.offset(offset), *form, strides.clone())
        };
        let list = self.list.iter().map(moved).collect();
        Stepped { list, predicates: self.predicates.clone(), n_outputs: self.n_outputs }
    }

    /// Each operand's first element, form, and byte strides by the axes of the loop: inputs, then outputs.
    pub(crate) fn operands(&self) -> impl Iterator<Item = &(Address, ElementForm, LoopStrides)> {
        let (outputs, inputs) = self.list.split_at(self.n_outputs);
        inputs.iter().chain(outputs)
    }

    /// Walks over some axes of the loop, outermost first, from the first index along the others.
    pub(crate) fn accesses(&self, space: &[usize], axes: &[usize]) -> (Inputs, Outputs) {
        let access = |(base, form, strides): &(Address, ElementForm, LoopStrides)| {
            Access::new((*base, *form), space, strides, axes)
        };
        let (outputs, inputs) = self.list.split_at(self.n_outputs);
        let (mut inputs, outputs): (Inputs, Outputs) =
            (inputs.iter().map(access).collect(), outputs.iter().map(access).collect());
        for (input, predicate) in inputs.iter_mut().zip(&self.predicates) {
            input.predicate = predicate.clone();
        }
        (inputs, outputs)
    }

    /// The order of a loop that may run in any: by falling stride.
    pub(crate) fn best_order(&self, space: &[usize]) -> SmallVec<[usize; 4]> {
        let mut order: SmallVec<[usize; 4]> = (0..space.len()).collect();
        for sorted in 1..order.len() {
            let mut at = sorted;
            while at > 0 && self.belongs_inside(order[at - 1], order[at]) {
                order.swap(at - 1, at);
                at -= 1;
            }
        }
        order
    }

    /// Does some operand, the first that can tell, step further along `inner` than along `outer`?
    fn belongs_inside(&self, outer: usize, inner: usize) -> bool {
        for (_, _, strides) in &self.list {
            let (outer, inner) = (strides[outer].unsigned_abs(), strides[inner].unsigned_abs());
            if outer != inner && outer != 0 && inner != 0 {
                return inner > outer;
            }
        }
        false
    }
}

pub(crate) type Inputs = SmallVec<[Access; 4]>;
pub(crate) type Outputs = SmallVec<[Access; 2]>;

impl Plan {
    /// Plans a loop of `len` elements, not 0, over these walks.
    pub(crate) fn new(
        kernel: &Kernel,
        facts: PassFacts,
        len: usize,
        (inputs, outputs): (Inputs, Outputs),
        tuning: &Tuning,
    ) -> Plan {
        let (variant, hints) = (Variant::Main, Hints::default());
        let mut plan =
            Plan { len, inputs, outputs, variant, row: len, block: len, scratch: 0, hints };
        plan.choose_variant(kernel);
        plan.choose_routes(kernel);
        plan.choose_block(kernel, facts, tuning);
        plan.choose_hints(kernel, tuning);
        plan.lay_out_scratch();
        plan
    }

    /// Main if every splat input stays the same over rows long enough.
    fn choose_variant(&mut self, kernel: &Kernel) {
        let mut row = self.len;
        for (access, input) in self.inputs.iter().zip(&kernel.inputs) {
            if input.class == InputClass::Splat {
                row = row.min(access.constant_run());
            }
        }
        let lanes_kept = kernel.folds.is_empty() || row.is_multiple_of(GRANULE);
        if row < self.len && (row < MIN_ROW || !lanes_kept) {
            self.variant = Variant::Streams;
            row = self.len;
        }
        self.row = row;
    }

    fn choose_routes(&mut self, kernel: &Kernel) {
        for (access, input) in self.inputs.iter_mut().zip(&kernel.inputs) {
            access.route = match input.class {
                InputClass::Splat if self.variant == Variant::Main => Route::Splat,
                InputClass::Splat | InputClass::Stream => access.stream_route(),
            };
        }
        for access in &mut self.outputs {
            access.route = access.stream_route();
        }
    }

    fn choose_block(&mut self, kernel: &Kernel, facts: PassFacts, tuning: &Tuning) {
        let packed = self.inputs.iter().chain(&self.outputs).filter(|a| a.route == Route::Packed);
        let bytes: usize = packed.map(|access| access.form.size).sum();
        let by_scratch = SCRATCH_BYTES.checked_div(bytes).unwrap_or(DIRECT_BLOCK);
        let by_work = BLOCK_WORK / facts.work.max(1);
        let largest = if facts.interpreted { FOLD_BLOCK } else { by_scratch.min(by_work) };
        let wanted = tuning.block.map_or(largest / FOLD_BLOCK, |block| block.div_ceil(FOLD_BLOCK));
        self.block = if !kernel.folds.is_empty() {
            FOLD_BLOCK
        } else if tuning.block.is_none() && largest < FOLD_BLOCK {
            largest.max(1).next_multiple_of(MIN_BLOCK)
        } else {
            wanted.clamp(1, 1 << 20) * FOLD_BLOCK
        };
    }

    /// Outputs are stored past the caches where they are read in place by nobody, no input shares memory
    /// with them (its lines are in the caches already), and all operands together exceed the last cache.
    fn choose_hints(&mut self, kernel: &Kernel, tuning: &Tuning) {
        let direct = |access: &&Access| access.route == Route::Direct;
        let span = |access: &Access| {
            let start = access.base.0 as usize;
            start..start + self.len * access.form.size
        };
        let apart = |output: &Access| {
            let output = span(output);
            // Others were copied where they overlap: only what is read in place may be the output itself.
            self.inputs.iter().filter(direct).all(|input| {
                let input = span(input);
                input.end <= output.start || output.end <= input.start
            })
        };
        let streams = kernel.folds.is_empty()
            && self.outputs.iter().all(|output| output.route == Route::Direct && apart(output));
        let operands = self.inputs.iter().chain(&self.outputs).filter(direct);
        let bytes: usize = operands.map(|access| self.len * access.form.size).sum();
        if streams && bytes > tuning.stream_above.unwrap_or_else(last_level_bytes) {
            self.hints = Hints::STREAM_OUTPUTS;
        }
    }

    /// Gives each operand its scratch: a block and a granule for a gathered one, a granule for the
    /// tail of one read in place.
    fn lay_out_scratch(&mut self) {
        let block = self.block.min(self.len.next_multiple_of(GRANULE));
        let mut at = 0;
        for access in self.inputs.iter_mut().chain(&mut self.outputs) {
            access.slot = at;
            access.room = match access.route {
                Route::Packed => block + GRANULE,
                Route::Direct | Route::Splat => GRANULE,
            };
            at += (access.room * access.form.size).next_multiple_of(64);
        }
        self.scratch = at;
    }
}

impl Access {
    /// A walk from `base` over the loop's axes in that order, as `order` lists them outermost first.
    pub(crate) fn new(
        (base, form): (Address, ElementForm),
        space: &[usize],
        strides: &[isize],
        order: &[usize],
    ) -> Access {
        let mut dims: SmallVec<[Dim; 4]> = SmallVec::new();
        for &axis in order {
            let (extent, stride) = (space[axis], strides[axis]);
            if extent == 1 {
                continue;
            }
            match dims.last_mut() {
                Some(outer) if outer.stride == stride.wrapping_mul(extent.cast_signed()) => {
                    *outer = Dim { extent: outer.extent * extent, stride };
                }
                Some(_) | None => dims.push(Dim { extent, stride }),
            }
        }
        Access { base, form, dims, route: Route::Direct, slot: 0, room: 0, predicate: None }
    }

    /// For how many consecutive elements of the loop, from each multiple on, it stays the same.
    pub(crate) fn constant_run(&self) -> usize {
        match self.dims.last() {
            None => usize::MAX,
            Some(dim) if dim.stride != 0 => 1,
            Some(_) if self.dims.len() == 1 => usize::MAX,
            Some(dim) => dim.extent,
        }
    }

    fn stream_route(&self) -> Route {
        let contiguous = match self.dims.as_slice() {
            [] => true,
            [dim] => dim.stride == self.form.size.cast_signed(),
            _ => false,
        };
        if contiguous && self.is_plain() { Route::Direct } else { Route::Packed }
    }

    /// Do its elements lie in memory as kernels read them?
    pub(crate) fn is_plain(&self) -> bool {
        !self.form.swapped && self.predicate.is_none()
    }

    /// The address of an element of an operand that is read in place.
    pub(crate) fn direct(&self, index: usize) -> Address {
        self.base.add(index * self.form.size)
    }

    /// The address of the element at that position of the loop.
    pub(crate) fn element(&self, index: usize) -> Address {
        self.base.offset(self.offset(index))
    }

    /// The bytes from the base to the element at that position of the loop.
    pub(crate) fn offset(&self, mut index: usize) -> isize {
        let Some((outer, inner)) = self.dims.split_first() else { return 0 };
        let mut offset = 0_isize;
        for dim in inner.iter().rev() {
            let steps = (index % dim.extent).cast_signed();
            offset = offset.wrapping_add(steps.wrapping_mul(dim.stride));
            index /= dim.extent;
        }
        offset.wrapping_add(index.cast_signed().wrapping_mul(outer.stride))
    }
}

/// The stride of an input along each loop axis; 0 where it broadcasts.
pub(crate) fn input_strides(
    input: &PlanInput<'_>,
    space: &[usize],
) -> Result<LoopStrides, RunError> {
    if input.axes.len() != space.len() {
        return Err(RunError::Program { reason: "an operand has not one entry per loop axis" });
    }
    let stride = |(&axis, &extent): (&Option<u32>, &usize)| {
        let Some(axis) = axis else { return Ok(0) };
        let axis = axis as usize;
        match input.picked.extents.get(axis) {
            Some(&1) => Ok(0),
            Some(&own) if own == extent => Ok(input.picked.strides[axis]),
            _ => Err(RunError::Program { reason: "an operand does not cover the loop" }),
        }
    };
    input.axes.iter().zip(space).map(stride).collect()
}

fn output_strides(output: &Raw<'_>, space: &[usize]) -> Result<LoopStrides, RunError> {
    if output.extents != space {
        return Err(RunError::Program { reason: "a sink has another shape than the loop" });
    }
    Ok(LoopStrides::from_slice(output.strides))
}

/// How an array's elements are stored.
pub(crate) fn form_of(raw: &Raw<'_>) -> ElementForm {
    let size = raw.dtype.size();
    ElementForm { size, swapped: raw.order == ByteOrder::Swapped && size > 1 }
}
