//! Reductions over paged memory: see [`crate::pager`].
//!
//! ```text
//! lanes along elements   outputs after each other, or, where they interleave, a wave of each by turns
//! lanes along outputs    row of outputs ──▶ slabs of blocks ──▶ tiles, whose states wait from slab to slab
//! ```
//!
//! Operands are walked once from front to back, as far as their layout allows: what a slab or a wave covers
//! fits the pager's room, so that the tiles or outputs which share its pages find them there. The states
//! of a slab's tiles, one row for each level of the tree of blocks, wait in memory: for 100 000 outputs of a
//! sum over 100 000 elements 6 MB.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use fuse_ir::FOLD_BLOCK;

use crate::columns::{Codes, Saved};
use crate::error::RunError;
use crate::fold::State;
use crate::options::{RunOptions, Threads};
use crate::pager::{Pager, TASK_BYTES};
use crate::plan::Plan;
use crate::rows::Run;
use crate::sweep::{FOLD_TASK_BLOCKS, Waves};
use crate::tasks::run_tasks;

/// Tasks of a row of outputs for each thread, where elements lie near each other.
const TASKS_PER_THREAD: usize = 4;

impl Run<'_> {
    /// Runs all outputs.
    pub(crate) fn run_paged(&self, pager: &dyn Pager, threads: usize) -> Result<(), RunError> {
        let inline = RunOptions { threads: Threads::Inline, ..*self.reduction.options };
        let options = if threads > 1 { self.reduction.options } else { &inline };
        let Some(plan) = &self.reduction.plan else { return self.run(0..self.reduction.n_outputs) };
        let long = plan.len > FOLD_TASK_BLOCKS * FOLD_BLOCK;
        match &self.columns {
            Some(codes) => self.paged_columns(codes, pager, options),
            None if long && self.interleaves(plan) => self.by_turns(plan, pager, options),
            None if long => self.outputs_one_by_one(),
            None => {
                let each = options.most_of_task(plan.len.saturating_mul(plan.widest()));
                self.in_tasks((0..self.reduction.n_outputs, each), options)
            }
        }
    }

    /// Runs outputs in tasks of so many.
    fn in_tasks(
        &self,
        (outputs, each): (Range<usize>, usize),
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        run_tasks(outputs.len().div_ceil(each), options, |task| {
            let first = outputs.start + task * each;
            self.run(first..outputs.end.min(first + each))
        })?;
        Ok(())
    }

    /// Do the elements of neighbouring outputs lie between each other?
    fn interleaves(&self, plan: &Plan) -> bool {
        let inputs = plan.inputs.iter().zip(self.reduction.begins());
        let steps = inputs.filter_map(|(own, begins)| {
            let (own, begins) = (own.dims.last()?, begins.dims.last()?);
            Some((own.stride.unsigned_abs(), begins.stride.unsigned_abs()))
        });
        let mut steps = steps.filter(|&(own, begins)| own != 0 && begins != 0);
        steps.any(|(own, begins)| begins < own)
    }

    /// A wave of each output, then the next wave of each.
    fn by_turns(
        &self,
        plan: &Plan,
        pager: &dyn Pager,
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let reduction = self.reduction;
        let task_bytes = FOLD_TASK_BLOCKS * FOLD_BLOCK * plan.widest();
        let tasks = (pager.room() / 4 / task_bytes).max(1);
        let tasks = 1_usize << tasks.ilog2();
        let mut outputs: Vec<(Plan, Waves)> = Vec::with_capacity(reduction.n_outputs);
        for output in 0..reduction.n_outputs {
            let mut plan = plan.clone();
            reduction.place(&mut plan, output);
            outputs.push((plan, Waves::default()));
        }
        for wave in 0..self.sweep(plan).n_waves(tasks) {
            for (plan, waves) in &mut outputs {
                self.sweep(plan).fold_wave((wave, tasks), options, waves)?;
            }
        }
        for (output, (plan, waves)) in outputs.iter().enumerate() {
            let state: State = self.sweep(plan).combine_waves(waves)?;
            self.finish_one(output, &state)?;
        }
        Ok(())
    }

    /// Row of outputs by row.
    fn paged_columns(
        &self,
        codes: &Codes<'_>,
        pager: &dyn Pager,
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let (plan, n_outputs) = (&self.reduction.columns, self.reduction.n_outputs);
        let element = plan.row_bytes();
        let row = plan.row.min(n_outputs).max(1);
        let all = element.saturating_mul(plan.n_elements());
        let block = element.saturating_mul(FOLD_BLOCK).max(1);
        let slab = (pager.room() / 4 / block).max(1);
        if slab < plan.n_blocks() {
            for first in (0..n_outputs).step_by(row) {
                self.slabs((first..n_outputs.min(first + row), slab), codes, options)?;
            }
            return Ok(());
        }
        if all < TASK_BYTES && row < n_outputs {
            return self.in_tasks((0..n_outputs, row * (TASK_BYTES / all.max(1))), options);
        }
        let tasks = if plan.far { usize::MAX } else { TASKS_PER_THREAD * self.threads(options) };
        let each = (row / tasks).clamp(1, row).next_multiple_of(plan.tile);
        for first in (0..n_outputs).step_by(row) {
            self.in_tasks((first..n_outputs.min(first + row), each), options)?;
        }
        Ok(())
    }

    /// Outputs of one row, slab by slab.
    fn slabs(
        &self,
        (outputs, slab): (Range<usize>, usize),
        codes: &Codes<'_>,
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let plan = &self.reduction.columns;
        // Tile by tile: threads that take neighbours share the pages that are mapped around a fault.
        let each = plan.tile;
        let n_tasks = outputs.len().div_ceil(each);
        let saved: Vec<Mutex<Saved>> = (0..n_tasks).map(|_| Mutex::default()).collect();
        for first in (0..plan.n_blocks()).step_by(slab) {
            let blocks = first..plan.n_blocks().min(first + slab);
            run_tasks(n_tasks, options, |task| {
                let begin = outputs.start + task * each;
                let own = begin..outputs.end.min(begin + each);
                let mut saved = saved[task].lock().unwrap_or_else(PoisonError::into_inner);
                self.column_blocks((own, blocks.clone()), codes, &mut saved)
            })?;
        }
        Ok(())
    }

    fn threads(&self, options: &RunOptions<'_>) -> usize {
        crate::tasks::n_threads(options.threads)
    }
}
