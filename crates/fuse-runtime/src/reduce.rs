//! A pass whose folds reduce some axes of its loop.
//!
//! ```text
//! loop (4, 5, 6), axes 0 and 2 reduced ──▶ 5 outputs of 24 elements each, both in C order
//! outputs ──▶ tasks: runs of outputs ──▶ batches: states of many outputs ──▶ finish kernel ──▶ sinks
//! ```
//!
//! An output's elements, numbered in C order of the reduced axes, are folded as `docs/numerics.md`
//! says, by the same sweep as a loop that is reduced whole. Its begin is one address an operand; the
//! plan of one output serves all others. Where there are few outputs of many elements, the outputs run
//! one after the other and each is cut into tasks itself.

use std::ops::Range;

use fuse_ir::{Extents, FOLD_BLOCK, GRANULE, Pass, Sink};
use smallvec::SmallVec;

use crate::columns::ColumnPlan;
use crate::compile::{Code, CompiledPass, Executable};
use crate::dispatch::{run_between, scatter_results};
use crate::error::RunError;
use crate::fold::LEFT_TO_RIGHT_BELOW;
use crate::options::RunOptions;
use crate::pager::exact_spans;
use crate::plan::{Access, Inputs, Outputs, Plan, Route, Stepped, Variant, form_of};
use crate::rows::Run;
use crate::sweep::{FOLD_TASK_BLOCKS, INLINE_WORK, TASKS_PER_THREAD};
use crate::tasks::{n_threads, run_tasks};
use crate::views::{Address, Raw};

/// Outputs of fewer elements than this are folded beside each other.
const LONG_RUN: usize = 64;

/// Work of gathering an element, in primitives: 0.24 ns where one is 0.05.
const GATHER_WORK: usize = 5;

/// Where a fold's result goes.
#[derive(Clone)]
struct ResultSink {
    /// Position of the fold.
    fold: usize,
    /// Which of its results.
    result: usize,
    sink: Sink,
    /// By output.
    access: Access,
}

/// Which way the elements of a reduction are walked. The bits are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldLanes {
    /// Lanes along the elements of an output, output by output.
    Elements,
    /// Lanes along neighbouring outputs, element by element.
    Outputs,
}

/// A pass with folds over some axes, ready to run any run of its outputs.
#[derive(Clone)]
pub(crate) struct Reduction<'c> {
    pub(crate) executable: &'c Executable,
    /// Position of the pass.
    pub(crate) number: usize,
    pub(crate) options: &'c RunOptions<'c>,
    /// The loop over the elements of the first output; none where outputs have none.
    pub(crate) plan: Option<Plan>,
    pub(crate) columns: ColumnPlan,
    /// Where the elements of each output begin.
    begins: (Inputs, Outputs),
    sinks: SmallVec<[ResultSink; 2]>,
    pub(crate) n_outputs: usize,
    /// Extents of the outputs.
    pub(crate) kept: Extents,
    /// Elements of all outputs, times the work of one, gathering included.
    work: usize,
}

/// The axes of a loop: those that stay, and those that are reduced.
pub(crate) fn split_axes(pass: &Pass, rank: usize) -> (SmallVec<[usize; 4]>, SmallVec<[usize; 4]>) {
    let is_reduced = |axis: &usize| pass.reduced.iter().any(|&own| own as usize == *axis);
    (0..rank).partition(|axis| !is_reduced(axis))
}

impl<'c> Reduction<'c> {
    /// Lays a pass's loop out. `sink_of` gives the memory of the folds' sinks.
    pub(crate) fn new(
        (executable, number): (&'c Executable, usize),
        options: &'c RunOptions<'c>,
        space: &[usize],
        operands: &Stepped,
        sink_of: impl Fn(Sink) -> Raw<'c>,
    ) -> Result<Reduction<'c>, RunError> {
        let (pass, compiled) = (&executable.program.passes[number], &executable.passes[number]);
        let (kept, reduced) = split_axes(pass, space.len());
        let extents: Extents = kept.iter().map(|&axis| space[axis]).collect();
        let len = reduced.iter().map(|&axis| space[axis]).product();
        let accesses = operands.accesses(space, &reduced);
        let (kernel, facts) = (&pass.kernel, compiled.facts);
        let plan = (len > 0).then(|| Plan::new(kernel, facts, len, accesses, &options.tuning));
        let mut sinks = SmallVec::new();
        for (fold, results) in pass.folds.iter().enumerate() {
            for (result, all) in results.iter().enumerate() {
                for &sink in all {
                    let raw = sink_of(sink);
                    if raw.extents != extents.as_slice() {
                        let reason = "a fold's sink has another shape than its results";
                        return Err(RunError::Program { reason });
                    }
                    let every: SmallVec<[usize; 4]> = (0..extents.len()).collect();
                    let begin = (raw.base, form_of(&raw));
                    let access = Access::new(begin, raw.extents, raw.strides, &every);
                    sinks.push(ResultSink { fold, result, sink, access });
                }
            }
        }
        let begins = operands.accesses(space, &kept);
        let n_outputs: usize = extents.iter().product();
        let operands_each = begins.0.len() + begins.1.len();
        let work = n_outputs.saturating_mul(len).saturating_mul(facts.work + operands_each);
        let threads = if work < INLINE_WORK { 1 } else { n_threads(options.threads) };
        let walks = (begins.clone(), operands.accesses(space, &reduced));
        let columns = ColumnPlan::new((kernel, compiled), walks, (n_outputs, len), threads);
        let kept = extents;
        let reduction = Reduction {
            executable,
            number,
            options,
            plan,
            columns,
            begins,
            sinks,
            n_outputs,
            kept,
            work,
        };
        let gathering = reduction.gathering();
        Ok(Reduction { work: work.saturating_add(gathering), ..reduction })
    }

    /// Work of gathering the operands of all outputs, beside that of their arithmetic.
    pub(crate) fn gathering(&self) -> usize {
        let Some(plan) = &self.plan else { return 0 };
        let each = match self.lanes() {
            FoldLanes::Elements => {
                let all = plan.inputs.iter().chain(&plan.outputs);
                all.filter(|access| access.route == Route::Packed).count()
            }
            FoldLanes::Outputs => self.columns.n_gathered(),
        };
        self.n_outputs.saturating_mul(plan.len).saturating_mul(each * GATHER_WORK)
    }

    /// Which way is faster, as measured.
    pub(crate) fn lanes(&self) -> FoldLanes {
        let Some(plan) = &self.plan else { return FoldLanes::Elements };
        if let Some(forced) = self.options.tuning.fold_lanes {
            return forced;
        }
        let gathered = plan.inputs.iter().chain(&plan.outputs);
        let gathered = gathered.filter(|access| access.route == Route::Packed);
        let by_elements: usize = gathered.map(|access| access.form.size).sum();
        let is_long = plan.len >= LONG_RUN;
        let is_narrow = self.n_outputs < GRANULE && plan.len >= LEFT_TO_RIGHT_BELOW;
        if is_narrow || (is_long && by_elements <= self.columns.gathered()) {
            FoldLanes::Elements
        } else {
            FoldLanes::Outputs
        }
    }

    /// Runs all outputs.
    pub(crate) fn run(&self, code: &Code, uniforms: &[u64]) -> Result<(), RunError> {
        if self.n_outputs == 0 {
            return Ok(());
        }
        let threads = if self.is_small() { 1 } else { n_threads(self.options.threads) };
        let len = self.plan.as_ref().map_or(0, |plan| plan.len);
        let long = len > 2 * FOLD_TASK_BLOCKS * FOLD_BLOCK;
        let whole = Run::new(self, code, uniforms);
        if let Some(pager) = self.options.pager {
            return whole.run_paged(pager, threads);
        }
        let by_elements = whole.columns.is_none();
        if by_elements && threads > 1 && self.n_outputs < 2 * threads && long {
            return whole.outputs_one_by_one();
        }
        let unit = if by_elements { 1 } else { self.column_unit(threads) };
        let each = self.outputs_of_task(threads).next_multiple_of(unit);
        run_tasks(self.n_outputs.div_ceil(each), self.options, |task| {
            let outputs = task * each..self.n_outputs.min((task + 1) * each);
            whole.run(outputs)
        })?;
        Ok(())
    }

    /// Runs a run of outputs on this thread.
    pub(crate) fn run_outputs(
        &self,
        outputs: Range<usize>,
        code: &Code,
        uniforms: &[u64],
    ) -> Result<(), RunError> {
        Run::new(self, code, uniforms).run(outputs)
    }

    /// Which kernel its uniforms are for.
    pub(crate) fn variant(&self) -> Variant {
        self.plan.as_ref().map_or(Variant::Main, |plan| plan.variant)
    }

    /// Outputs that runs of outputs had better hold whole multiples of.
    pub(crate) fn unit(&self) -> usize {
        match self.lanes() {
            FoldLanes::Elements => 1,
            FoldLanes::Outputs => self.columns.row.max(GRANULE),
        }
    }

    /// Where the inputs' elements of each output begin.
    pub(crate) fn begins(&self) -> &[Access] {
        &self.begins.0
    }

    /// Moves an input.
    pub(crate) fn rebase_input(&mut self, input: usize, base: Address) {
        self.begins.0[input].base = base;
        self.columns.rebase_input(input, base);
    }

    /// Moves an elementwise output.
    pub(crate) fn rebase_output(&mut self, output: usize, base: Address) {
        self.begins.1[output].base = base;
        self.columns.rebase_output(output, base);
    }

    /// Moves the results that go to this sink.
    pub(crate) fn rebase_sinks(&mut self, sink: Sink, base: Address) {
        for own in self.sinks.iter_mut().filter(|own| own.sink == sink) {
            own.access.base = base;
        }
    }

    /// Tasks are of whole rows where there are enough, else of whole tiles.
    fn column_unit(&self, threads: usize) -> usize {
        let ColumnPlan { row, tile, .. } = self.columns;
        if self.n_outputs / row.max(1) >= 4 * threads { row } else { tile }
    }

    pub(crate) fn compiled(&self) -> &'c CompiledPass {
        &self.executable.passes[self.number]
    }

    /// Is the loop too short to be worth other threads?
    fn is_small(&self) -> bool {
        match self.options.tuning.inline_below {
            Some(0) => false,
            Some(below) => {
                let len = self.plan.as_ref().map_or(0, |plan| plan.len);
                len.saturating_mul(self.n_outputs) < below
            }
            None => self.work < INLINE_WORK,
        }
    }

    fn outputs_of_task(&self, threads: usize) -> usize {
        let cut = threads > 1 || self.options.tuning.inline_below == Some(0);
        let each = if cut { self.n_outputs / (threads * TASKS_PER_THREAD) } else { self.n_outputs };
        each.max(1)
    }

    /// The plan of an output.
    pub(crate) fn place(&self, plan: &mut Plan, output: usize) {
        let inputs = plan.inputs.iter_mut().zip(&self.begins.0);
        let outputs = plan.outputs.iter_mut().zip(&self.begins.1);
        for (access, begin) in inputs.chain(outputs) {
            access.base = begin.element(output);
        }
    }

    /// Finishes the states of outputs `first .. first + count`, whose slots lie `lanes` lanes apart in
    /// `states`, and writes the results by way of `results`; `count` is at most `lanes`, a multiple of 32.
    pub(crate) fn finish(
        &self,
        (first, count): (usize, usize),
        (states, lanes): (&mut [u8], usize),
        results: &mut [u8],
        scratch: &mut [u8],
    ) -> Result<(), RunError> {
        let compiled = self.compiled();
        let kernel = &self.executable.program.passes[self.number].kernel;
        let granules = count.div_ceil(GRANULE);
        for (number, fold) in compiled.folds.iter().enumerate() {
            let slots = &compiled.slots[fold.slots.0..fold.slots.1];
            let from: SmallVec<[usize; 4]> = slots.iter().map(|slot| slot.before * lanes).collect();
            let (mut to, mut at): (SmallVec<[usize; 4]>, usize) = (SmallVec::new(), 0);
            for lane in kernel.folds[number].finish.result_lanes() {
                to.push(at);
                at += lane.mem().size() * granules * GRANULE;
            }
            let code = self.executable.finish_code(self.number, number);
            run_between(code, (states, &from), (results, &to), granules, scratch);
            for sink in self.sinks.iter().filter(|sink| sink.fold == number) {
                scatter_results(&sink.access, (first, count), &results[to[sink.result]..]);
                if let Some(pager) = self.options.pager {
                    let place = (sink.access.base, sink.access.form.size);
                    exact_spans(&sink.access.dims, place, (first, count), &mut |span| {
                        Ok(pager.wrote(span)?)
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Bytes of results a lane that [`Reduction::finish`] needs, and of scratch.
    pub(crate) fn finish_bytes(&self) -> (usize, usize) {
        let kernel = &self.executable.program.passes[self.number].kernel;
        let (mut largest, mut scratch) = (0, 0);
        for (number, fold) in kernel.folds.iter().enumerate() {
            let sizes = fold.finish.result_lanes().map(|lane| lane.mem().size());
            largest = largest.max(sizes.sum::<usize>());
            let code = self.executable.finish_code(self.number, number);
            scratch = scratch.max(code.block.scratch_bytes());
        }
        (largest, scratch)
    }
}

/// Bytes of one lane of every slot.
pub(crate) fn total_bytes(compiled: &CompiledPass) -> usize {
    compiled.slots.last().map_or(0, |slot| slot.before + slot.size)
}
