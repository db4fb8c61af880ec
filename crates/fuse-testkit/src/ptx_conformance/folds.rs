//! Cases with folds: three outputs, whose elements lie in two dimensions; states, then merges, then results.
//!
//! ```text
//! fold_short, or fold_lanes and fold_outputs ─▶ states ─▶ merge, while there are more ─▶ finish
//! ```

use fuse_ir::device::{Entry, result_sinks};
use fuse_ir::{FOLD_BLOCK, GRANULE, InputClass, Lane};

use super::arguments::{Arguments, Placed, two_factors};
use super::expected::{binary_counter, block_states};
use super::{Rig, differ};
use crate::compare::same_modulo_nan;
use crate::direct::Outcome;
use crate::random::Random;
use crate::states::{self, LEFT_TO_RIGHT_BELOW};

/// Outputs of the folds.
const OUTPUTS: usize = 3;

impl Rig<'_> {
    /// Runs the case on three outputs of `n` elements each.
    pub(super) fn check_folds(&mut self, n: usize, random: &mut Random) -> Result<(), String> {
        let (kernel, first) = (self.kernel(), self.case.first_index);
        let inputs: Vec<Vec<Vec<u8>>> =
            (0..OUTPUTS).map(|_| self.case.make_inputs(n, random)).collect();
        let expected: Vec<Outcome> = inputs.iter().map(|own| self.outcome(own, n)).collect();
        let states: Vec<Vec<Vec<u64>>> = inputs
            .iter()
            .zip(&expected)
            .map(|(own, outcome)| block_states(kernel, own, outcome, n, first))
            .collect();
        let uniforms = self.uniforms(&expected[0].uniforms)?;
        let is_short = n < LEFT_TO_RIGHT_BELOW;
        let entries: &[Entry] =
            if is_short { &[Entry::FoldShort] } else { &[Entry::FoldLanes, Entry::FoldOutputs] };
        for &entry in entries.iter().filter(|entry| entry.exists(self.pass)) {
            let arguments = self.fold_arguments(&inputs, n, uniforms);
            self.launch(entry, &arguments, 1)?;
            self.compare_fold_outputs(entry, &arguments, &expected)?;
            self.compare_states(entry, &arguments, &states)?;
            self.check_ends(arguments, &states)?;
        }
        Ok(())
    }

    fn fold_arguments(&mut self, inputs: &[Vec<Vec<u8>>], n: usize, uniforms: u64) -> Arguments {
        let (blocks, reduced) = (n.div_ceil(FOLD_BLOCK).max(1), two_factors(n));
        Arguments {
            len: n,
            first: self.case.first_index,
            outputs: OUTPUTS,
            blocks,
            uniforms,
            operands: self.fold_operands(inputs, n, &reduced),
            extents: [vec![OUTPUTS], reduced],
            states: self.state_arrays(blocks),
            ..Arguments::default()
        }
    }

    /// Operands of three outputs, whose elements lie in two dimensions.
    fn fold_operands(
        &mut self,
        inputs: &[Vec<Vec<u8>>],
        n: usize,
        reduced: &[usize],
    ) -> Vec<Placed> {
        let kernel = self.kernel();
        let extents = [&[OUTPUTS], reduced].concat();
        let mut operands = Vec::new();
        for (number, input) in kernel.inputs.iter().enumerate() {
            let all: Vec<u8> = inputs.iter().flat_map(|own| own[number].clone()).collect();
            operands.push(match input.class {
                InputClass::Stream => self.scattered(&all, input.mem, &extents),
                InputClass::Splat => {
                    let (address, stride) = (self.placed(&all), input.mem.size() as i64);
                    let strides = [vec![stride], vec![0; reduced.len()]].concat();
                    Placed { address, strides, extents: extents.clone() }
                }
            });
        }
        for output in &kernel.outputs {
            let blank = vec![0xc3; OUTPUTS * n * output.mem.size()];
            operands.push(self.scattered(&blank, output.mem, &extents));
        }
        operands
    }

    fn state_arrays(&mut self, blocks: usize) -> Vec<u64> {
        let lanes = states::lanes(self.kernel());
        lanes.into_iter().map(|lane| self.alloc(OUTPUTS * blocks * lane.mem().size())).collect()
    }

    fn compare_fold_outputs(
        &self,
        entry: Entry,
        arguments: &Arguments,
        expected: &[Outcome],
    ) -> Result<(), String> {
        let mut all = Outcome::default();
        for number in 0..self.kernel().outputs.len() {
            all.outputs.push(expected.iter().flat_map(|one| one.outputs[number].clone()).collect());
        }
        self.compare_outputs(entry, arguments, &all)
    }

    /// Compares states by output, block and slot.
    fn compare_states(
        &self,
        entry: Entry,
        arguments: &Arguments,
        expected: &[Vec<Vec<u64>>],
    ) -> Result<(), String> {
        let lanes: Vec<Lane> = states::lanes(self.kernel());
        for (output, blocks) in expected.iter().enumerate() {
            for (block, state) in blocks.iter().enumerate() {
                for (slot, (&lane, &expected)) in lanes.iter().zip(state).enumerate() {
                    let place = (output * blocks.len() + block) * lane.mem().size();
                    let got = self.read(arguments.states[slot] + place as u64, lane.mem());
                    if !same_modulo_nan(lane, expected, got) {
                        let place = format!("output {output}, block {block}, slot {slot}");
                        let place = format!("{}: {place}", entry.form());
                        return Err(differ(&place, expected, got));
                    }
                }
            }
        }
        Ok(())
    }

    /// Merges states until each output has one, and finishes them.
    fn check_ends(
        &mut self,
        mut arguments: Arguments,
        states: &[Vec<Vec<u64>>],
    ) -> Result<(), String> {
        while arguments.blocks > 1 {
            let runs = arguments.blocks.div_ceil(GRANULE);
            arguments.merged = self.state_arrays(runs);
            self.launch(Entry::Merge, &arguments, 1)?;
            arguments.states = std::mem::take(&mut arguments.merged);
            arguments.blocks = runs;
        }
        let kernel = self.kernel();
        let ends: Vec<Vec<u64>> =
            states.iter().map(|blocks| binary_counter(kernel, blocks)).collect();
        let one_each: Vec<Vec<Vec<u64>>> = ends.iter().map(|state| vec![state.clone()]).collect();
        self.compare_states(Entry::Merge, &arguments, &one_each)?;
        for (fold, result, _) in result_sinks(self.pass) {
            let finish = &kernel.folds[fold].finish;
            let stride = 2 * finish.lane(finish.results[result]).mem().size();
            arguments.sinks.push((self.alloc(OUTPUTS * stride), stride as u64));
        }
        self.launch(Entry::Finish, &arguments, 1)?;
        self.compare_results(&arguments, &ends)
    }

    /// Compares what each output's state becomes.
    fn compare_results(&self, arguments: &Arguments, ends: &[Vec<u64>]) -> Result<(), String> {
        for (output, state) in ends.iter().enumerate() {
            let results = states::finished(self.kernel(), state);
            let sinks = result_sinks(self.pass).into_iter().zip(&arguments.sinks);
            for ((fold, result, _), &(address, stride)) in sinks {
                let (lane, expected) = results[fold][result];
                let got = self.read(address + output as u64 * stride, lane.mem());
                if got != expected {
                    let place = format!("finish: output {output}, fold {fold}, result {result}");
                    return Err(differ(&place, expected, got));
                }
            }
        }
        Ok(())
    }
}
