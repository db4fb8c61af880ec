//! Cases without folds, by each entry of loops.
//!
//! ```text
//! vector       contiguous arrays, aligned
//! contiguous   contiguous arrays, one element beyond alignment
//! strided      three dimensions, permuted, with gaps, backwards
//! ```

use fuse_ir::InputClass;
use fuse_ir::device::Entry;

use super::arguments::{Arguments, Placed, three_factors};
use super::{GRID, Rig, differ};
use crate::direct::Outcome;
use crate::random::Random;

impl Rig<'_> {
    /// Runs the case on `n` elements.
    pub(super) fn check_loops(&mut self, n: usize, random: &mut Random) -> Result<(), String> {
        if n == 0 {
            return Ok(());
        }
        let inputs = self.case.make_inputs(n, random);
        let expected = self.outcome(&inputs, n);
        let uniforms = self.uniforms(&expected.uniforms)?;
        let entries = [Entry::Vector, Entry::Contiguous, Entry::Strided];
        for entry in entries.into_iter().filter(|entry| entry.exists(self.pass)) {
            let extents = if entry == Entry::Strided { three_factors(n) } else { vec![n] };
            let arguments = Arguments {
                len: n,
                first: self.case.first_index,
                uniforms,
                operands: self.loop_operands(entry, &inputs, n, &extents),
                extents: [extents, Vec::new()],
                ..Arguments::default()
            };
            self.launch(entry, &arguments, GRID)?;
            self.compare_outputs(entry, &arguments, &expected)?;
        }
        Ok(())
    }

    /// Inputs, then outputs, laid out as the entry walks them.
    fn loop_operands(
        &mut self,
        entry: Entry,
        inputs: &[Vec<u8>],
        n: usize,
        extents: &[usize],
    ) -> Vec<Placed> {
        let (kernel, gap) = (self.kernel(), usize::from(entry == Entry::Contiguous));
        let mut operands = Vec::new();
        for (input, bytes) in kernel.inputs.iter().zip(inputs) {
            operands.push(match (input.class, entry) {
                (InputClass::Stream, Entry::Strided) => self.scattered(bytes, input.mem, extents),
                (InputClass::Stream, _) => self.contiguous(bytes, input.mem, gap),
                (InputClass::Splat, _) => self.splat(bytes, extents.len()),
            });
        }
        for (position, output) in kernel.outputs.iter().enumerate() {
            let shared = self.case.in_place.iter().find(|(shared, _)| *shared == position);
            let blank = vec![0xc3; n * output.mem.size()];
            operands.push(match (shared, entry) {
                (Some(&(_, input)), _) => operands[input].clone(),
                (None, Entry::Strided) => self.scattered(&blank, output.mem, extents),
                (None, _) => self.contiguous(&blank, output.mem, gap),
            });
        }
        operands
    }

    /// Compares the stored elements of every output.
    pub(super) fn compare_outputs(
        &self,
        entry: Entry,
        arguments: &Arguments,
        expected: &Outcome,
    ) -> Result<(), String> {
        let placed = &arguments.operands[self.kernel().inputs.len()..];
        for (number, (output, placed)) in self.kernel().outputs.iter().zip(placed).enumerate() {
            for (index, &expected) in expected.outputs[number].iter().enumerate() {
                let got = self.read(placed.element(index), output.mem);
                if got != expected {
                    let place = format!("{}: output {number}, element {index}", entry.form());
                    return Err(differ(&place, expected, got));
                }
            }
        }
        Ok(())
    }
}
