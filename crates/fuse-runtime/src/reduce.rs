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

use fuse_ir::{GRANULE, Pass};
use smallvec::SmallVec;

use crate::compile::{Code, CompiledPass, Executable};
use crate::dispatch::{Job, run_streams, scatter_results};
use crate::error::RunError;
use crate::fold::{State, initial_state};
use crate::fpenv::DefaultFloats;
use crate::options::RunOptions;
use crate::plan::{Access, Inputs, Outputs, Plan, Stepped, form_of};
use crate::scratch::{Kit, with_kit};
use crate::sweep::{FOLD_TASK_BLOCKS, INLINE_WORK, Sweep, TASKS_PER_THREAD};
use crate::tasks::{n_threads, run_tasks};
use crate::views::Raw;

/// Outputs whose states are finished together.
const BATCH: usize = 256;

/// One output of a pass: where its sink is among the folds' results.
pub(crate) struct ResultSink {
    /// Position of the fold.
    fold: usize,
    /// Which of its results.
    result: usize,
    /// By output.
    access: Access,
}

/// A pass with folds over some axes, ready to run any run of its outputs.
pub(crate) struct Reduction<'c> {
    pub(crate) executable: &'c Executable,
    /// Position of the pass.
    pub(crate) number: usize,
    pub(crate) options: &'c RunOptions<'c>,
    /// The loop over the elements of the first output; none where outputs have none.
    pub(crate) plan: Option<Plan>,
    /// Where the elements of each output begin.
    begins: (Inputs, Outputs),
    sinks: SmallVec<[ResultSink; 2]>,
    n_outputs: usize,
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
        let n_outputs = extents.iter().product();
        Ok(Reduction { executable, number, options, plan, begins, sinks, n_outputs })
    }

    /// Runs all outputs.
    pub(crate) fn run(&self, code: &Code, uniforms: &[u64]) -> Result<(), RunError> {
        let threads = if self.is_small() { 1 } else { n_threads(self.options.threads) };
        let len = self.plan.as_ref().map_or(0, |plan| plan.len);
        let whole = Run { reduction: self, code, uniforms };
        let long = len > 2 * FOLD_TASK_BLOCKS * crate::plan::FOLD_BLOCK;
        if threads > 1 && self.n_outputs < 2 * threads && long {
            return whole.outputs_one_by_one();
        }
        let each = self.outputs_of_task(threads);
        run_tasks(self.n_outputs.div_ceil(each), self.options, |task| {
            whole.outputs(task * each..self.n_outputs.min((task + 1) * each))
        })?;
        Ok(())
    }

    fn compiled(&self) -> &'c CompiledPass {
        &self.executable.passes[self.number]
    }

    /// Is the loop too short to be worth other threads?
    fn is_small(&self) -> bool {
        let Some(plan) = &self.plan else { return true };
        let elements = plan.len.saturating_mul(self.n_outputs);
        match self.options.tuning.inline_below {
            Some(below) => elements < below,
            None => {
                let operands = plan.inputs.len() + plan.outputs.len();
                elements.saturating_mul(self.compiled().facts.work + operands) < INLINE_WORK
            }
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
    /// the front of `memory`, and writes the results; `count` is at most `lanes`, a multiple of 32.
    pub(crate) fn finish(
        &self,
        (first, count): (usize, usize),
        (memory, lanes): (&mut [u8], usize),
        scratch: &mut [u8],
    ) {
        let compiled = self.compiled();
        let kernel = &self.executable.program.passes[self.number].kernel;
        let results = total_bytes(compiled) * lanes;
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

    /// Bytes that [`Reduction::finish`] needs for that many lanes, and of scratch.
    pub(crate) fn finish_bytes(&self, lanes: usize) -> (usize, usize) {
        let kernel = &self.executable.program.passes[self.number].kernel;
        let (mut largest, mut scratch) = (0, 0);
        for (number, fold) in kernel.folds.iter().enumerate() {
            let sizes = fold.finish.result_lanes().map(|lane| lane.mem().size());
            largest = largest.max(sizes.sum::<usize>());
            let code = self.executable.finish_code(self.number, number);
            scratch = scratch.max(code.block.scratch_bytes());
        }
        ((total_bytes(self.compiled()) + largest) * lanes, scratch)
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
}

impl Run<'_> {
    /// Few outputs, each on all threads.
    fn outputs_one_by_one(&self) -> Result<(), RunError> {
        let Some(plan) = &self.reduction.plan else { return Ok(()) };
        let mut plan = plan.clone();
        for output in 0..self.reduction.n_outputs {
            self.reduction.place(&mut plan, output);
            let state = self.sweep(&plan).run()?;
            self.with_memory(0, 0, |memory, lanes, scratch, _| {
                set_state(self.reduction.compiled(), (memory, lanes), 0, &state);
                self.reduction.finish((output, 1), (memory, lanes), scratch);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// A run of outputs on this thread.
    fn outputs(&self, outputs: std::ops::Range<usize>) -> Result<(), RunError> {
        let compiled = self.reduction.compiled();
        let mut plan = self.reduction.plan.clone();
        let sizes = plan.as_ref().map_or((0, 0), |plan| {
            let sweep = self.sweep(plan);
            (sweep.scratch_bytes(), sweep.state_bytes())
        });
        self.with_memory(sizes.0, sizes.1, |memory, lanes, scratch, states| {
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
                    set_state(compiled, (memory, lanes), lane, &state);
                }
                self.reduction.finish((first, count), (memory, lanes), scratch);
            }
            Ok(())
        })
    }

    fn sweep<'p>(&'p self, plan: &'p Plan) -> Sweep<'p> {
        let compiled = self.reduction.compiled();
        let job = Job { plan, code: self.code, slots: &compiled.slots, uniforms: self.uniforms };
        Sweep { job, pass: compiled, options: self.reduction.options }
    }

    /// Gives `body` memory for a batch, its number of lanes, scratch, and memory for states, under the
    /// default floating-point state.
    fn with_memory<R>(
        &self,
        scratch: usize,
        states: usize,
        body: impl FnOnce(&mut [u8], usize, &mut [u8], &mut [u8]) -> Result<R, RunError>,
    ) -> Result<R, RunError> {
        let _floats = DefaultFloats::enter();
        let (batch, finish_scratch) = self.reduction.finish_bytes(BATCH);
        let states = states.next_multiple_of(64);
        with_kit(|kit: &mut Kit| {
            let scratch = kit.operands.bytes(scratch.max(finish_scratch))?;
            let memory = kit.states.bytes(states + batch)?;
            let (states, memory) = memory.split_at_mut(states);
            body(memory, BATCH, scratch, states)
        })
    }
}

/// Puts a state into one lane of a batch.
fn set_state(
    compiled: &CompiledPass,
    (memory, lanes): (&mut [u8], usize),
    lane: usize,
    state: &State,
) {
    for (slot, &bits) in compiled.slots.iter().zip(state) {
        let at = slot.before * lanes + lane * slot.size;
        let bytes = crate::pack::bytes_of(bits, slot.size);
        memory[at..at + slot.size].copy_from_slice(&bytes[..slot.size]);
    }
}
