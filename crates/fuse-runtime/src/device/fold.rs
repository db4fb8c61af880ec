//! The states of a reduction in device memory.
//!
//! ```text
//! slot 0   [output 0: blocks 0 … B-1][output 1: …]      merge: 32 neighbours of an output to one
//! slot 1   [output 0: blocks 0 … B-1][output 1: …]  ──▶ into the other bank, until one is left ──▶ finish
//! ```

use std::sync::Arc;

use fuse_ir::device::{Entry, WARP};
use fuse_ir::{DeviceAddress, Kernel};
use smallvec::SmallVec;

use crate::device::arguments::Arguments;
use crate::device::context::{Buffer, DeviceContext};
use crate::device::executable::Kernels;
use crate::error::{AllocError, RunError};

/// Each slot begins at a multiple of this.
const ALIGNMENT: u64 = 256;

/// The states of `outputs` outputs, `blocks` each.
pub(super) struct States {
    buffer: Buffer,
    /// Bytes of a state, and where the slot begins, slot by slot.
    slots: SmallVec<[(u64, u64); 4]>,
    outputs: u64,
    blocks: u64,
}

impl States {
    pub(super) fn new(
        context: &Arc<DeviceContext>,
        kernel: &Kernel,
        outputs: u64,
        blocks: u64,
    ) -> Result<States, RunError> {
        let sizes = kernel.state_slots();
        let sizes = sizes.map(|slot| slot.init.lane.mem().size() as u64);
        States::with_slots(context, sizes, (outputs, blocks))
    }

    fn with_slots(
        context: &Arc<DeviceContext>,
        sizes: impl Iterator<Item = u64>,
        (outputs, blocks): (u64, u64),
    ) -> Result<States, RunError> {
        let (mut slots, mut end) = (SmallVec::new(), 0_u64);
        for size in sizes {
            slots.push((size, end));
            let bytes = outputs.saturating_mul(blocks).saturating_mul(size);
            end = end.saturating_add(bytes).saturating_add(ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        let bytes = usize::try_from(end).ok().filter(|&bytes| bytes < isize::MAX.unsigned_abs());
        let bytes = bytes.ok_or(AllocError { bytes: u128::from(end) })?;
        Ok(States { buffer: context.alloc(bytes)?, slots, outputs, blocks })
    }

    /// Where the slots' states of a block of the first output lie.
    pub(super) fn at(&self, block: u64) -> SmallVec<[DeviceAddress; 4]> {
        let place = |&(size, begin): &(u64, u64)| {
            self.buffer.address().offset((begin + block * size).cast_signed())
        };
        self.slots.iter().map(place).collect()
    }

    /// Merges each output's states to one, and writes the results of these.
    pub(super) fn finish(
        self,
        context: &Arc<DeviceContext>,
        (kernels, number): (&Kernels<'_>, usize),
        sinks: &[(DeviceAddress, i64)],
    ) -> Result<(), RunError> {
        let outputs = self.outputs;
        let mut states = self;
        while states.blocks > 1 {
            let blocks = states.blocks.div_ceil(u64::from(WARP));
            let sizes = states.slots.iter().map(|&(size, _)| size);
            let merged = States::with_slots(context, sizes, (outputs, blocks))?;
            let arguments = Arguments {
                outputs,
                blocks: states.blocks,
                states: &states.at(0),
                merged: &merged.at(0),
                ..Arguments::default()
            };
            kernels.launch(number, Entry::Merge, &arguments)?;
            states = merged;
        }
        let arguments = Arguments { outputs, states: &states.at(0), sinks, ..Arguments::default() };
        kernels.launch(number, Entry::Finish, &arguments)
    }
}
