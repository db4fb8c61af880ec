//! A launch on the reference device: the entries of folds, their merges and results.
//!
//! ```text
//! fold     accumulators of a block: the left half merges with the right one, until one is left
//! merge    up to 32 states: neighbours merge, an odd last one is carried
//! ```

use std::ops::Range;

use fuse_ir::device::{Param, Walk, result_sinks};
use fuse_ir::{FOLD_BLOCK, GRANULE, Lane};

use super::grid::Grid;
use crate::states::{LEFT_TO_RIGHT_BELOW, finished, initial, lanes, merged, stepped};

/// Elements of a block.
const BLOCK: u64 = FOLD_BLOCK as u64;
/// States that become one in a merge.
const RUN: u64 = GRANULE as u64;

impl Grid<'_> {
    /// Folds blocks by so many accumulators: 32, or one over the whole output.
    pub(super) fn fold(&mut self, accumulators: usize) {
        let [outputs, len, blocks] =
            [Param::Outputs, Param::Len, Param::Blocks].map(|own| self.word(own));
        let uniforms = self.uniforms();
        assert!(accumulators == 1 || blocks == len.div_ceil(BLOCK));
        let is_short = len < LEFT_TO_RIGHT_BELOW as u64 && blocks <= 1;
        assert!(accumulators == GRANULE || is_short);
        for output in 0..outputs {
            for block in 0..blocks.max(1) {
                let range = block * BLOCK..len.min((block + 1) * BLOCK);
                let states = self.accumulators(accumulators, output, range, &uniforms);
                let state = self.halves_merged(states);
                self.store_state(Param::State, output * blocks.max(1) + block, &state);
            }
        }
    }

    /// The accumulators of an output over some of its elements.
    fn accumulators(
        &mut self,
        count: usize,
        output: u64,
        elements: Range<u64>,
        uniforms: &[u64],
    ) -> Vec<Vec<u64>> {
        let (kernel, first) = (self.kernel(), self.word(Param::First));
        let base = self.offsets(Walk::Outer, output);
        let mut states = vec![initial(kernel); count];
        for index in elements {
            let own = self.offsets(Walk::Reduced, index);
            let offsets: Vec<u64> = base.iter().zip(own).map(|(a, b)| a.wrapping_add(b)).collect();
            let args = self.element(&offsets, uniforms, first.wrapping_add(index));
            let state = &mut states[index as usize % count];
            *state = stepped(kernel, state, &args);
        }
        states
    }

    fn halves_merged(&self, mut states: Vec<Vec<u64>>) -> Vec<u64> {
        while states.len() > 1 {
            let right = states.split_off(states.len() / 2);
            for (left, right) in states.iter_mut().zip(right) {
                *left = merged(self.kernel(), left, &right);
            }
        }
        states.swap_remove(0)
    }

    /// States of an output, up to 32 to one.
    pub(super) fn merge(&mut self) {
        let (outputs, blocks) = (self.word(Param::Outputs), self.word(Param::Blocks));
        let runs = blocks.div_ceil(RUN);
        for output in 0..outputs {
            for run in 0..runs {
                let own = run * RUN..blocks.min((run + 1) * RUN);
                let states = own.map(|block| self.load_state(output * blocks + block)).collect();
                let state = self.neighbours_merged(states);
                self.store_state(Param::Merged, output * runs + run, &state);
            }
        }
    }

    fn neighbours_merged(&self, mut states: Vec<Vec<u64>>) -> Vec<u64> {
        let pair = |pair: &[Vec<u64>]| match pair {
            [left, right] => merged(self.kernel(), left, right),
            odd => odd[0].clone(),
        };
        while states.len() > 1 {
            states = states.chunks(2).map(pair).collect();
        }
        states.swap_remove(0)
    }

    /// The one state of each output to its results.
    pub(super) fn finish(&mut self) {
        for output in 0..self.word(Param::Outputs) {
            let results = finished(self.kernel(), &self.load_state(output));
            for (at, (fold, result, _)) in (0..).zip(result_sinks(self.pass)) {
                let (lane, bits) = results[fold][result];
                let step = output.wrapping_mul(self.word(Param::SinkStride(at)));
                let address = self.word(Param::Sink(at)).wrapping_add(step);
                self.memory.store(lane.mem(), address, bits);
            }
        }
    }

    fn load_state(&mut self, place: u64) -> Vec<u64> {
        let lanes = lanes(self.kernel());
        let load = |(slot, lane): (u32, Lane)| {
            let address = self.word(Param::State(slot)) + place * lane.mem().size() as u64;
            self.memory.load(lane.mem(), address)
        };
        (0..).zip(lanes).map(load).collect()
    }

    fn store_state(&mut self, param: fn(u32) -> Param, place: u64, state: &[u64]) {
        for ((slot, lane), &bits) in (0..).zip(lanes(self.kernel())).zip(state) {
            let address = self.word(param(slot)) + place * lane.mem().size() as u64;
            self.memory.store(lane.mem(), address, bits);
        }
    }
}
