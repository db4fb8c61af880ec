//! One pass over its whole loop: blocks, tasks, threads, fold states.
//!
//! ```text
//! loop ──▶ blocks of k · 1024 elements ──▶ tasks: aligned power-of-two runs of blocks ──▶ threads
//! ```
//!
//! The call is polled once a block. Each task takes the scratch of the thread it runs on. A fold's
//! tasks have a fixed number of blocks of 1024 elements, so that neither the number of threads nor
//! the kind of operands can change the order of a reduction.

#![expect(unsafe_code, reason = "promises that tasks write disjoint elements")]

use fuse_ir::GRANULE;
use smallvec::SmallVec;

use crate::compile::CompiledPass;
use crate::dispatch::{Job, Pointers};
use crate::error::RunError;
use crate::fold::{Bank, LEFT_TO_RIGHT_BELOW, State, bank_bytes};
use crate::fpenv::DefaultFloats;
use crate::options::{RunOptions, Threads};
use crate::scratch::{Kit, with_kit};
use crate::tasks::{n_threads, run_tasks};

/// Blocks of a task of a fold: 32 Ki elements.
pub(crate) const FOLD_TASK_BLOCKS: usize = 32;
/// Loops of less work (elements × (primitives + operands)) than this run on the calling thread:
/// about 25 µs, twice what waking a worker costs.
pub(crate) const INLINE_WORK: usize = 1 << 19;
/// Tasks for each thread, so that a slow one can be evened out and all end together.
pub(crate) const TASKS_PER_THREAD: usize = 32;

/// Tasks of a fold whose states are kept until they are combined: a power of two, so that a wave is a
/// perfect tree of its own, as a task is. 128 Mi elements.
const WAVE_TASKS: usize = 1 << 12;

/// The states of a fold's waves so far.
#[derive(Default)]
pub(crate) struct Waves {
    whole: Vec<State>,
    /// Of the last one, if it has fewer tasks, or a task with fewer blocks.
    last: Option<State>,
}

/// One pass over its whole loop.
///
/// Promised by whoever makes one: the job's plan is for its kernel and for memory that outlives the
/// sweep; nothing else uses the outputs meanwhile; inputs share memory with outputs only as
/// [`crate::overlap`] allows.
pub(crate) struct Sweep<'c> {
    pub(crate) job: Job<'c>,
    pub(crate) pass: &'c CompiledPass,
    pub(crate) options: &'c RunOptions<'c>,
}

impl Sweep<'_> {
    /// Runs the loop, which is not empty; gives the combined state of its folds.
    pub(crate) fn run(&self) -> Result<State, RunError> {
        let plan = self.job.plan;
        let has_folds = !self.pass.folds.is_empty();
        if has_folds && plan.len < LEFT_TO_RIGHT_BELOW {
            return self.left_to_right();
        }
        let n_blocks = plan.len.div_ceil(plan.block);
        let threads = if self.is_small() { 1 } else { n_threads(self.options.threads) };
        if !has_folds {
            let task_blocks = self.task_blocks(n_blocks, threads);
            let n_tasks = n_blocks.div_ceil(task_blocks);
            run_tasks(n_tasks, self.options, |task| self.run_task(task, task_blocks))?;
            return Ok(State::new());
        }
        let inline = RunOptions { threads: Threads::Inline, ..*self.options };
        let options = if threads > 1 { self.options } else { &inline };
        let mut waves = Waves::default();
        for wave in 0..self.n_waves(WAVE_TASKS) {
            self.fold_wave((wave, WAVE_TASKS), options, &mut waves)?;
        }
        self.combine_waves(&waves)
    }

    /// Number of waves of so many tasks that a loop with folds has.
    pub(crate) fn n_waves(&self, tasks: usize) -> usize {
        let n_blocks = self.job.plan.len.div_ceil(self.job.plan.block);
        n_blocks.div_ceil(FOLD_TASK_BLOCKS * tasks)
    }

    /// Runs one wave, of a power of two tasks, all of them in order: its state joins `waves`.
    pub(crate) fn fold_wave(
        &self,
        (wave, wave_tasks): (usize, usize),
        options: &RunOptions<'_>,
        waves: &mut Waves,
    ) -> Result<(), RunError> {
        let n_blocks = self.job.plan.len.div_ceil(self.job.plan.block);
        let first = wave * wave_tasks;
        let n_tasks = wave_tasks.min(n_blocks.div_ceil(FOLD_TASK_BLOCKS) - first);
        let mut states = run_tasks(n_tasks, options, |task| self.fold_task(first + task))?;
        let ends_whole = (first + n_tasks) * FOLD_TASK_BLOCKS <= n_blocks;
        let partial = if ends_whole { None } else { states.pop() };
        let whole = states.len() == wave_tasks;
        let state = self.combine(&states, partial)?;
        if whole {
            waves.whole.push(state);
        } else {
            waves.last = Some(state);
        }
        Ok(())
    }

    /// The state of all waves.
    pub(crate) fn combine_waves(&self, waves: &Waves) -> Result<State, RunError> {
        self.combine(&waves.whole, waves.last.clone())
    }

    /// Is the loop too short to be worth other threads?
    fn is_small(&self) -> bool {
        let plan = self.job.plan;
        match self.options.tuning.inline_below {
            Some(elements) => plan.len < elements,
            None => {
                let operands = plan.inputs.len() + plan.outputs.len();
                plan.len.saturating_mul(self.pass.facts.work + operands) < INLINE_WORK
            }
        }
    }

    /// Blocks of a task of a loop without folds.
    fn task_blocks(&self, n_blocks: usize, threads: usize) -> usize {
        if threads == 1 && self.options.tuning.inline_below != Some(0) {
            return n_blocks;
        }
        let plan = self.job.plan;
        let most = self.options.most_of_task(plan.widest()).div_ceil(plan.block);
        (n_blocks / (threads * TASKS_PER_THREAD)).clamp(1, most)
    }

    /// Runs the blocks of one task of a loop without folds.
    fn run_task(&self, task: usize, task_blocks: usize) -> Result<(), RunError> {
        self.with_scratch(0, |scratch, _| {
            let mut pointers = Pointers::default();
            for block in self.blocks(task, task_blocks) {
                self.options.poll()?;
                let range = self.range(block);
                self.run_block(range, scratch, (&mut [], 0, 0), &mut pointers)?;
            }
            Ok(())
        })
    }

    /// Runs a run of elements of a loop without folds on this thread.
    pub(crate) fn run_elements(&self, elements: std::ops::Range<usize>) -> Result<(), RunError> {
        self.with_scratch(0, |scratch, _| {
            let mut pointers = Pointers::default();
            for start in elements.clone().step_by(self.job.plan.block) {
                self.options.poll()?;
                let range = (start, self.job.plan.block.min(elements.end - start));
                self.run_block(range, scratch, (&mut [], 0, 0), &mut pointers)?;
            }
            Ok(())
        })
    }

    /// Runs the blocks of one task of a loop with folds and combines their states.
    fn fold_task(&self, task: usize) -> Result<State, RunError> {
        let lanes = self.blocks(task, FOLD_TASK_BLOCKS).len() * GRANULE;
        self.with_scratch(lanes, |scratch, states| self.fold_blocks(task, scratch, states))
    }

    /// As [`Sweep::fold_task`], in scratch that is there.
    fn fold_blocks(
        &self,
        task: usize,
        scratch: &mut [u8],
        states: &mut [u8],
    ) -> Result<State, RunError> {
        let blocks = self.blocks(task, FOLD_TASK_BLOCKS);
        let (first, n_blocks) = (blocks.start, blocks.len());
        let lanes = n_blocks * GRANULE;
        let mut bank = self.bank(states, lanes);
        bank.reset();
        let mut pointers = Pointers::default();
        for block in blocks {
            self.options.poll()?;
            let state = (&mut *bank.bytes, lanes, (block - first) * GRANULE);
            self.run_block(self.range(block), scratch, state, &mut pointers)?;
        }
        bank.merge_lanes(n_blocks, scratch);
        Ok(bank.merge_tree(n_blocks, None, scratch))
    }

    /// Runs the blocks of a loop of at least 8 elements; block `b` advances the accumulators of place
    /// `at + b * apart` of the bank.
    pub(crate) fn fold_into(
        &self,
        bank: &mut Bank<'_>,
        (at, apart): (usize, usize),
        scratch: &mut [u8],
    ) -> Result<(), RunError> {
        self.options.poll()?;
        let mut pointers = Pointers::default();
        for block in 0..self.job.plan.len.div_ceil(self.job.plan.block) {
            let lane = (at + block * apart) * GRANULE;
            let state = (&mut *bank.bytes, bank.lanes, lane);
            self.run_block(self.range(block), scratch, state, &mut pointers)?;
        }
        Ok(())
    }

    /// Runs a loop with folds, which is not empty, on this thread and in this scratch.
    pub(crate) fn fold_here(
        &self,
        scratch: &mut [u8],
        states: &mut [u8],
    ) -> Result<State, RunError> {
        let plan = self.job.plan;
        if plan.len < LEFT_TO_RIGHT_BELOW {
            return self.fold_elements(scratch, states);
        }
        let n_blocks = plan.len.div_ceil(plan.block);
        let n_tasks = n_blocks.div_ceil(FOLD_TASK_BLOCKS);
        let mut results: SmallVec<[State; 1]> = SmallVec::new();
        for task in 0..n_tasks {
            results.push(self.fold_blocks(task, scratch, states)?);
        }
        let whole = n_blocks.is_multiple_of(FOLD_TASK_BLOCKS);
        let partial = if whole { None } else { results.pop() };
        self.combine(&results, partial)
    }

    /// Bytes of states that [`Sweep::fold_here`] needs.
    pub(crate) fn state_bytes(&self) -> usize {
        let n_blocks = self.job.plan.len.div_ceil(self.job.plan.block);
        bank_bytes(&self.pass.slots, n_blocks.clamp(1, FOLD_TASK_BLOCKS) * GRANULE)
    }

    /// Fewer than eight elements: one accumulator, element by element.
    fn left_to_right(&self) -> Result<State, RunError> {
        self.with_scratch(GRANULE, |scratch, states| self.fold_elements(scratch, states))
    }

    /// As [`Sweep::left_to_right`], in scratch that is there.
    fn fold_elements(&self, scratch: &mut [u8], states: &mut [u8]) -> Result<State, RunError> {
        self.options.poll()?;
        let mut bank = self.bank(states, GRANULE);
        bank.reset();
        let mut pointers = Pointers::default();
        for element in 0..self.job.plan.len {
            let state = (&mut *bank.bytes, GRANULE, 0);
            self.run_block((element, 1), scratch, state, &mut pointers)?;
        }
        Ok(bank.state(0))
    }

    /// Combines the states of whole tasks and that of a partial last one.
    fn combine(&self, states: &[State], partial: Option<State>) -> Result<State, RunError> {
        match (states, partial) {
            ([], Some(partial)) => Ok(partial),
            ([only], None) => Ok(only.clone()),
            (states, partial) => {
                let lanes = states.len().next_multiple_of(GRANULE);
                self.with_scratch(lanes, |scratch, bytes| {
                    let mut bank = self.bank(bytes, lanes);
                    for (lane, state) in states.iter().enumerate() {
                        bank.set_state(lane, state);
                    }
                    Ok(bank.merge_tree(states.len(), partial, scratch))
                })
            }
        }
    }

    /// Runs one block, or one element of a short fold.
    fn run_block(
        &self,
        range: (usize, usize),
        scratch: &mut [u8],
        states: (&mut [u8], usize, usize),
        pointers: &mut Pointers,
    ) -> Result<(), RunError> {
        let plan = self.job.plan;
        if let Some(pager) = self.options.pager {
            plan.tell_reads(pager, range)?;
        }
        // SAFETY: what `Sweep` promises of the memory; ranges of different blocks are disjoint, and
        // `run_tasks` runs each task, hence each block, once.
        unsafe { self.job.run_range(range, scratch, states, pointers) };
        if let Some(pager) = self.options.pager {
            plan.tell_wrote(pager, range)?;
            pager.passed(range.1);
        }
        Ok(())
    }

    fn bank<'m>(&'m self, states: &'m mut [u8], lanes: usize) -> Bank<'m> {
        let bytes = &mut states[..bank_bytes(&self.pass.slots, lanes)];
        Bank { bytes, slots: &self.pass.slots, folds: &self.pass.folds, lanes }
    }

    /// Gives `body` scratch for the operands and for a bank of that many lanes, under the default
    /// floating-point state.
    fn with_scratch<R>(
        &self,
        lanes: usize,
        body: impl FnOnce(&mut [u8], &mut [u8]) -> Result<R, RunError>,
    ) -> Result<R, RunError> {
        let _floats = DefaultFloats::enter();
        with_kit(|kit: &mut Kit| {
            let scratch = kit.operands.bytes(self.scratch_bytes())?;
            let states = kit.states.bytes(bank_bytes(&self.pass.slots, lanes))?;
            body(scratch, states)
        })
    }

    /// Bytes of scratch of the operands and of the merges' code.
    pub(crate) fn scratch_bytes(&self) -> usize {
        let merges = self.pass.folds.iter().map(|fold| fold.merge.block.scratch_bytes());
        merges.fold(self.job.scratch_bytes(), usize::max)
    }

    /// The blocks of a task.
    fn blocks(&self, task: usize, task_blocks: usize) -> std::ops::Range<usize> {
        let n_blocks = self.job.plan.len.div_ceil(self.job.plan.block);
        task * task_blocks..n_blocks.min((task + 1) * task_blocks)
    }

    /// First element and number of elements of a block.
    fn range(&self, block: usize) -> (usize, usize) {
        let start = block * self.job.plan.block;
        (start, self.job.plan.block.min(self.job.plan.len - start))
    }
}
