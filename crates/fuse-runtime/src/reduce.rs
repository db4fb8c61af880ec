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

use fuse_ir::{GRANULE, Pass};
use smallvec::SmallVec;

use crate::columns::{Codes, ColumnJob, ColumnPlan};
use crate::compile::{Code, CompiledPass, Executable};
use crate::dispatch::{Job, run_streams, scatter_results};
use crate::error::RunError;
use crate::fold::{LEFT_TO_RIGHT_BELOW, State, initial_state};
use crate::fpenv::DefaultFloats;
use crate::options::RunOptions;
use crate::pack::bytes_of;
use crate::plan::{Access, FOLD_BLOCK, Inputs, Outputs, Plan, Route, Stepped, form_of};
use crate::scratch::{Kit, with_kit};
use crate::sweep::{FOLD_TASK_BLOCKS, INLINE_WORK, Sweep, TASKS_PER_THREAD};
use crate::tasks::{n_threads, run_tasks};
use crate::views::Raw;

/// Outputs whose states are finished together.
const BATCH: usize = 256;
/// Outputs of fewer elements than this are folded beside each other.
const LONG_RUN: usize = 64;

/// One output of a pass: where its sink is among the folds' results.
pub(crate) struct ResultSink {
    /// Position of the fold.
    fold: usize,
    /// Which of its results.
    result: usize,
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
pub(crate) struct Reduction<'c> {
    pub(crate) executable: &'c Executable,
    /// Position of the pass.
    pub(crate) number: usize,
    pub(crate) options: &'c RunOptions<'c>,
    /// The loop over the elements of the first output; none where outputs have none.
    pub(crate) plan: Option<Plan>,
    columns: ColumnPlan,
    /// Where the elements of each output begin.
    begins: (Inputs, Outputs),
    sinks: SmallVec<[ResultSink; 2]>,
    n_outputs: usize,
    /// Elements of all outputs, times the work of one.
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
        sink_of: impl Fn(fuse_ir::Sink) -> Raw<'c>,
    ) -> Result<Reduction<'c>, RunError> {
        let (pass, compiled) = (&executable.program.passes[number], &executable.passes[number]);
        let (kept, reduced) = split_axes(pass, space.len());
        let extents: SmallVec<[usize; 4]> = kept.iter().map(|&axis| space[axis]).collect();
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
                    sinks.push(ResultSink { fold, result, access });
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
        Ok(Reduction { executable, number, options, plan, columns, begins, sinks, n_outputs, work })
    }

    /// Which way is faster, as measured.
    fn lanes(&self) -> FoldLanes {
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
        let mut whole = Run { reduction: self, code, uniforms, columns: None };
        if self.lanes() == FoldLanes::Outputs {
            whole.columns = whole.column_job().codes();
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

    /// Tasks are of whole rows where there are enough, else of whole tiles.
    fn column_unit(&self, threads: usize) -> usize {
        let ColumnPlan { row, tile, .. } = self.columns;
        if self.n_outputs / row.max(1) >= 4 * threads { row } else { tile }
    }

    fn compiled(&self) -> &'c CompiledPass {
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
    fn place(&self, plan: &mut Plan, output: usize) {
        let inputs = plan.inputs.iter_mut().zip(&self.begins.0);
        let outputs = plan.outputs.iter_mut().zip(&self.begins.1);
        for (access, begin) in inputs.chain(outputs) {
            access.base = begin.element(output);
        }
    }

    /// Finishes the states of outputs `first .. first + count`, whose slots lie `lanes` lanes apart at
    /// the front of `memory`, and writes the results, by way of `memory` from `results` on; `count` is at
    /// most `lanes`, a multiple of 32.
    fn finish(
        &self,
        (first, count): (usize, usize),
        (memory, lanes, results): (&mut [u8], usize, usize),
        scratch: &mut [u8],
    ) {
        let compiled = self.compiled();
        let kernel = &self.executable.program.passes[self.number].kernel;
        for (number, fold) in compiled.folds.iter().enumerate() {
            let slots = &compiled.slots[fold.slots.0..fold.slots.1];
            let states: SmallVec<[usize; 4]> =
                slots.iter().map(|slot| slot.before * lanes).collect();
            let mut places: SmallVec<[usize; 4]> = SmallVec::new();
            let mut at = results;
            for lane in kernel.folds[number].finish.result_lanes() {
                places.push(at);
                at += lane.mem().size() * lanes;
            }
            let code = self.executable.finish_code(self.number, number);
            let granules = count.div_ceil(GRANULE);
            run_streams(code, memory, (&states, &places), granules, scratch);
            for sink in self.sinks.iter().filter(|sink| sink.fold == number) {
                scatter_results(&sink.access, (first, count), &memory[places[sink.result]..]);
            }
        }
    }

    /// Bytes of results a lane that [`Reduction::finish`] needs, and of scratch.
    fn finish_bytes(&self) -> (usize, usize) {
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

/// A reduction with what is computed once a call.
struct Run<'r> {
    reduction: &'r Reduction<'r>,
    code: &'r Code,
    uniforms: &'r [u64],
    /// The kernels of the columns, where lanes are along outputs.
    columns: Option<Codes<'r>>,
}

impl<'r> Run<'r> {
    /// A run of outputs on this thread.
    fn run(&self, outputs: Range<usize>) -> Result<(), RunError> {
        match &self.columns {
            Some(codes) => self.columns(outputs, codes),
            None => self.rows(outputs),
        }
    }

    /// Few outputs, each on all threads.
    fn outputs_one_by_one(&self) -> Result<(), RunError> {
        let Some(plan) = &self.reduction.plan else { return Ok(()) };
        let mut plan = plan.clone();
        for output in 0..self.reduction.n_outputs {
            self.reduction.place(&mut plan, output);
            let state = self.sweep(&plan).run()?;
            self.with_memory((0, 0), |scratch, _, batch| {
                set_state(self.reduction.compiled(), batch, 0, &state);
                self.finish_batch((output, 1), batch, scratch);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// A run of outputs, each by itself.
    fn rows(&self, outputs: Range<usize>) -> Result<(), RunError> {
        let compiled = self.reduction.compiled();
        let mut plan = self.reduction.plan.clone();
        let sizes = plan.as_ref().map_or((0, 0), |plan| {
            let sweep = self.sweep(plan);
            (sweep.scratch_bytes(), sweep.state_bytes())
        });
        self.with_memory(sizes, |scratch, states, batch| {
            for first in outputs.clone().step_by(BATCH) {
                let count = (outputs.end - first).min(BATCH);
                self.reduction.options.poll()?;
                for lane in 0..count {
                    let state = match &mut plan {
                        None => initial_state(&compiled.slots),
                        Some(plan) => {
                            self.reduction.place(plan, first + lane);
                            self.sweep(plan).fold_here(scratch, states)?
                        }
                    };
                    set_state(compiled, batch, lane, &state);
                }
                self.finish_batch((first, count), batch, scratch);
            }
            Ok(())
        })
    }

    /// A run of outputs, tile by tile.
    fn columns(&self, outputs: Range<usize>, codes: &Codes<'_>) -> Result<(), RunError> {
        let job = self.column_job();
        let (scratch, states) = job.bytes(codes);
        let tile = self.reduction.columns.tile;
        let results = self.reduction.finish_bytes().0 * tile;
        let _floats = DefaultFloats::enter();
        with_kit(|kit: &mut Kit| {
            let scratch = kit.operands.bytes(scratch)?;
            let memory = kit.states.bytes(states + results)?;
            job.run(outputs, codes, (scratch, memory), &mut |tile_outputs, memory, scratch| {
                self.reduction.finish(tile_outputs, (memory, tile, states), scratch);
            })
        })
    }

    fn column_job(&self) -> ColumnJob<'r> {
        let Reduction { executable, number, options, ref columns, .. } = *self.reduction;
        ColumnJob { executable, number, options, plan: columns, uniforms: self.uniforms }
    }

    fn sweep<'p>(&'p self, plan: &'p Plan) -> Sweep<'p> {
        let compiled = self.reduction.compiled();
        let job = Job { plan, code: self.code, slots: &compiled.slots, uniforms: self.uniforms };
        Sweep { job, pass: compiled, options: self.reduction.options }
    }

    fn finish_batch(&self, outputs: (usize, usize), batch: &mut [u8], scratch: &mut [u8]) {
        let results = total_bytes(self.reduction.compiled()) * BATCH;
        self.reduction.finish(outputs, (batch, BATCH, results), scratch);
    }

    /// Gives `body` scratch and memory for states, as many bytes as it says, and memory for a batch,
    /// under the default floating-point state.
    fn with_memory<R>(
        &self,
        (scratch, states): (usize, usize),
        body: impl FnOnce(&mut [u8], &mut [u8], &mut [u8]) -> Result<R, RunError>,
    ) -> Result<R, RunError> {
        let _floats = DefaultFloats::enter();
        let (results, finish_scratch) = self.reduction.finish_bytes();
        let batch = (total_bytes(self.reduction.compiled()) + results) * BATCH;
        let states = states.next_multiple_of(64);
        with_kit(|kit: &mut Kit| {
            let scratch = kit.operands.bytes(scratch.max(finish_scratch))?;
            let memory = kit.states.bytes(states + batch)?;
            let (states, batch) = memory.split_at_mut(states);
            body(scratch, states, batch)
        })
    }
}

/// Puts a state into one lane of a batch.
fn set_state(compiled: &CompiledPass, batch: &mut [u8], lane: usize, state: &State) {
    for (slot, &bits) in compiled.slots.iter().zip(state) {
        let at = slot.before * BATCH + lane * slot.size;
        let bytes = bytes_of(bits, slot.size);
        batch[at..at + slot.size].copy_from_slice(&bytes[..slot.size]);
    }
}
