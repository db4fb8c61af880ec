//! Runs outputs of a reduction on one thread.
//!
//! ```text
//! lanes along elements   outputs of few blocks: 32 outputs ──▶ one bank ──▶ merged, finished together
//!                        outputs of many:       each as a loop of its own ──▶ finished by the batch
//! lanes along outputs    tile by tile: see [`crate::columns`]
//! ```

use std::ops::Range;

use fuse_ir::{FOLD_BLOCK, GRANULE};

use crate::columns::{Codes, ColumnJob, Saved};
use crate::compile::{Code, CompiledPass};
use crate::dispatch::Job;
use crate::error::RunError;
use crate::fold::{Bank, LEFT_TO_RIGHT_BELOW, State, bank_bytes, initial_state};
use crate::fpenv::DefaultFloats;
use crate::pack::bytes_of;
use crate::plan::Plan;
use crate::reduce::{FoldLanes, Reduction, total_bytes};
use crate::scratch::{Kit, with_kit};
use crate::sweep::Sweep;

/// Outputs of many blocks whose states are finished together.
const BATCH: usize = 256;
/// Outputs of few blocks that share a bank: a granule of states.
const GROUP: usize = GRANULE;
/// Bytes of such a bank: well inside the second-level cache.
const BANK_BYTES: usize = 256 << 10;
/// Lanes of one.
const BANK_LANES: usize = 1 << 16;

/// A reduction with what is computed once a call.
pub(crate) struct Run<'r> {
    pub(crate) reduction: &'r Reduction<'r>,
    code: &'r Code,
    uniforms: &'r [u64],
    /// The kernels of the columns, where lanes are along outputs.
    pub(crate) columns: Option<Codes<'r>>,
}

impl<'r> Run<'r> {
    pub(crate) fn new(
        reduction: &'r Reduction<'r>,
        code: &'r Code,
        uniforms: &'r [u64],
    ) -> Run<'r> {
        let mut run = Run { reduction, code, uniforms, columns: None };
        if reduction.lanes() == FoldLanes::Outputs {
            run.columns = run.column_job().codes();
        }
        run
    }

    /// A run of outputs on this thread.
    pub(crate) fn run(&self, outputs: Range<usize>) -> Result<(), RunError> {
        match &self.columns {
            Some(codes) => self.columns(outputs, codes),
            None => self.rows(outputs),
        }
    }

    /// Few outputs, each on all threads.
    pub(crate) fn outputs_one_by_one(&self) -> Result<(), RunError> {
        let Some(plan) = &self.reduction.plan else { return Ok(()) };
        let mut plan = plan.clone();
        for output in 0..self.reduction.n_outputs {
            self.reduction.place(&mut plan, output);
            let state = self.sweep(&plan).run()?;
            self.finish_one(output, &state)?;
        }
        Ok(())
    }

    /// Finishes an output whose state is known.
    pub(crate) fn finish_one(&self, output: usize, state: &State) -> Result<(), RunError> {
        let compiled = self.reduction.compiled();
        self.with_memory((0, total_bytes(compiled) * BATCH), |scratch, batch, results| {
            set_state(compiled, batch, 0, state);
            self.reduction.finish((output, 1), (batch, BATCH), results, scratch)
        })
    }

    /// A run of outputs, lanes along the elements of each.
    fn rows(&self, outputs: Range<usize>) -> Result<(), RunError> {
        let Some(plan) = &self.reduction.plan else { return self.nothing(outputs) };
        let mut plan = plan.clone();
        let n_blocks = plan.len.div_ceil(FOLD_BLOCK);
        let lanes = n_blocks.saturating_mul(GROUP * GRANULE);
        let slots = &self.reduction.compiled().slots;
        let fits = lanes <= BANK_LANES && bank_bytes(slots, lanes) <= BANK_BYTES;
        if plan.len < LEFT_TO_RIGHT_BELOW || !fits {
            return self.one_by_one(outputs, &mut plan);
        }
        let scratch = self.sweep(&plan).scratch_bytes();
        self.with_memory((scratch, bank_bytes(slots, lanes)), |scratch, states, results| {
            for first in outputs.clone().step_by(GROUP) {
                let count = (outputs.end - first).min(GROUP);
                self.group(&mut plan, (first, count), (scratch, states, results))?;
            }
            Ok(())
        })
    }

    /// Outputs of few blocks, whose states are merged and finished together.
    fn group(
        &self,
        plan: &mut Plan,
        (first, count): (usize, usize),
        (scratch, states, results): (&mut [u8], &mut [u8], &mut [u8]),
    ) -> Result<(), RunError> {
        let CompiledPass { slots, folds, .. } = self.reduction.compiled();
        let n_blocks = plan.len.div_ceil(FOLD_BLOCK);
        let lanes = n_blocks * GROUP * GRANULE;
        let bytes = &mut states[..bank_bytes(slots, lanes)];
        let mut bank = Bank { bytes, slots, folds, lanes };
        bank.reset();
        for output in 0..count {
            self.reduction.place(plan, first + output);
            // Block b of every output, then block b + 1 of every output.
            self.sweep(plan).fold_into(&mut bank, (output, GROUP), scratch)?;
        }
        bank.merge_lanes(n_blocks * GROUP, scratch);
        bank.merge_rows(n_blocks, GROUP, scratch);
        self.reduction.finish((first, count), (bank.bytes, lanes), results, scratch)
    }

    /// A run of outputs, each by itself.
    fn one_by_one(&self, outputs: Range<usize>, plan: &mut Plan) -> Result<(), RunError> {
        let compiled = self.reduction.compiled();
        let sweep = self.sweep(plan);
        let batch = total_bytes(compiled) * BATCH;
        let (scratch, states) = (sweep.scratch_bytes(), sweep.state_bytes());
        self.with_memory((scratch, batch + states), |scratch, states, results| {
            let (batch, states) = states.split_at_mut(batch);
            for first in outputs.clone().step_by(BATCH) {
                let count = (outputs.end - first).min(BATCH);
                for lane in 0..count {
                    self.reduction.place(plan, first + lane);
                    let state = self.sweep(plan).fold_here(scratch, states)?;
                    set_state(compiled, batch, lane, &state);
                }
                self.reduction.finish((first, count), (batch, BATCH), results, scratch)?;
            }
            Ok(())
        })
    }

    /// A run of outputs of no elements.
    fn nothing(&self, outputs: Range<usize>) -> Result<(), RunError> {
        let compiled = self.reduction.compiled();
        self.with_memory((0, total_bytes(compiled) * BATCH), |scratch, batch, results| {
            let state = initial_state(&compiled.slots);
            (0..BATCH).for_each(|lane| set_state(compiled, batch, lane, &state));
            for first in outputs.clone().step_by(BATCH) {
                self.reduction.options.poll()?;
                let count = (outputs.end - first).min(BATCH);
                self.reduction.finish((first, count), (batch, BATCH), results, scratch)?;
            }
            Ok(())
        })
    }

    /// A run of outputs, tile by tile.
    fn columns(&self, outputs: Range<usize>, codes: &Codes<'_>) -> Result<(), RunError> {
        let job = self.column_job();
        let tile = self.reduction.columns.tile;
        self.with_memory(job.bytes(codes), |scratch, states, results| {
            job.run(outputs, codes, (scratch, states), &mut |tile_outputs, states, scratch| {
                self.reduction.finish(tile_outputs, (states, tile), results, scratch)
            })
        })
    }

    /// A run of blocks of a run of outputs of one row.
    pub(crate) fn column_blocks(
        &self,
        part: (Range<usize>, Range<usize>),
        codes: &Codes<'_>,
        saved: &mut Saved,
    ) -> Result<(), RunError> {
        let job = self.column_job();
        let tile = self.reduction.columns.tile;
        self.with_memory(job.bytes(codes), |scratch, states, results| {
            let mut finish =
                |tile_outputs: (usize, usize), states: &mut [u8], scratch: &mut [u8]| {
                    self.reduction.finish(tile_outputs, (states, tile), results, scratch)
                };
            job.run_blocks(part, codes, (scratch, states), (saved, &mut finish))
        })
    }

    fn column_job(&self) -> ColumnJob<'r> {
        let Reduction { executable, number, options, ref columns, .. } = *self.reduction;
        ColumnJob { executable, number, options, plan: columns, uniforms: self.uniforms }
    }

    pub(crate) fn sweep<'p>(&'p self, plan: &'p Plan) -> Sweep<'p> {
        let compiled = self.reduction.compiled();
        let job = Job { plan, code: self.code, slots: &compiled.slots, uniforms: self.uniforms };
        Sweep { job, pass: compiled, options: self.reduction.options }
    }

    /// Gives `body` scratch and memory for states, as many bytes as it says, and memory for results,
    /// under the default floating-point state.
    fn with_memory<R>(
        &self,
        (scratch, states): (usize, usize),
        body: impl FnOnce(&mut [u8], &mut [u8], &mut [u8]) -> Result<R, RunError>,
    ) -> Result<R, RunError> {
        let _floats = DefaultFloats::enter();
        let (results, finish_scratch) = self.reduction.finish_bytes();
        let results = results * BATCH.max(self.reduction.columns.tile);
        let states = states.next_multiple_of(64);
        with_kit(|kit: &mut Kit| {
            let scratch = kit.operands.bytes(scratch.max(finish_scratch))?;
            let memory = kit.states.bytes(states + results)?;
            let (states, results) = memory.split_at_mut(states);
            body(scratch, states, results)
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
