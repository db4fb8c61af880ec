//! A launch on the reference device: its parameters by name, and the entries of loops.
//!
//! An item of work follows the other; which block and thread would do it is not asked.

use fuse_ir::device::{
    Entry, IndexWidth, ModuleOptions, Param, Walk, divisor, vector_width, walk_rank,
};
use fuse_ir::{GRANULE, InputClass, Kernel, Lane, OperandInput, Pass, index_u32};

use super::memory::Allocations;
use crate::direct::{eval_region, stored_bits};

/// One launch.
pub(super) struct Grid<'g> {
    pub(super) pass: &'g Pass,
    pub(super) params: Vec<(Param, u64)>,
    pub(super) memory: &'g mut Allocations,
    pub(super) options: ModuleOptions,
}

impl<'g> Grid<'g> {
    pub(super) fn run(&mut self, entry: Entry) {
        match entry {
            Entry::Uniform => self.uniform(),
            Entry::Vector | Entry::Contiguous | Entry::Strided => self.elementwise(entry),
            Entry::FoldLanes | Entry::FoldOutputs => self.fold(GRANULE),
            Entry::FoldShort => self.fold(1),
            Entry::Merge => self.merge(),
            Entry::Finish => self.finish(),
        }
    }

    pub(super) fn kernel(&self) -> &'g Kernel {
        self.pass.kernel.kernel()
    }

    pub(super) fn word(&self, param: Param) -> u64 {
        let found = self.params.iter().find(|(own, _)| *own == param);
        found.map_or(0, |(_, word)| *word)
    }

    fn uniform(&mut self) {
        let kernel = self.kernel();
        let mut scalars = Vec::new();
        for (at, lane) in (0..).zip(&kernel.uniform.params) {
            let address = self.word(Param::Scalar(at));
            scalars.push(self.memory.load(lane.mem(), address));
        }
        let results = eval_region(kernel, &kernel.uniform, &scalars, 0);
        let base = self.word(Param::Uniforms);
        for ((at, lane), bits) in (0_u64..).zip(kernel.uniform.result_lanes()).zip(results) {
            self.memory.store(lane.mem(), base + 8 * at, bits);
        }
    }

    pub(super) fn uniforms(&mut self) -> Vec<u64> {
        let (lanes, base) = (self.kernel().uniform.result_lanes(), self.word(Param::Uniforms));
        let of = |(at, lane): (u64, Lane)| self.memory.load(lane.mem(), base + 8 * at);
        (0..).zip(lanes).map(of).collect()
    }

    /// The bytes that an index moves each operand along a walk.
    pub(super) fn offsets(&self, walk: Walk, index: u64) -> Vec<u64> {
        let rank = index_u32(walk_rank(self.pass, walk));
        let n_operands = self.kernel().inputs.len() + self.kernel().outputs.len();
        let (mut rest, mut steps) = (index, vec![0; rank as usize]);
        for dim in (1..rank).rev() {
            let extent = self.word(Param::Extent(walk, dim));
            if self.options.index == IndexWidth::W32 {
                assert_eq!(self.word(Param::Divisor(walk, dim)), divisor(extent));
            }
            steps[dim as usize] = rest % extent;
            rest /= extent;
        }
        steps[0] = rest;
        let offset = |operand: u32| {
            let stride = |dim: u32| self.word(Param::Stride(walk, operand, dim));
            (0..rank).fold(0_u64, |sum, dim| {
                sum.wrapping_add(steps[dim as usize].wrapping_mul(stride(dim)))
            })
        };
        (0..index_u32(n_operands)).map(offset).collect()
    }

    /// Addresses of an element of contiguous arrays.
    fn side_by_side(&self, index: u64) -> Vec<u64> {
        let kernel = self.kernel();
        let input = |input: &OperandInput| match input.class {
            InputClass::Stream => index * input.mem.size() as u64,
            InputClass::Splat => 0,
        };
        let outputs = kernel.outputs.iter().map(|output| index * output.mem.size() as u64);
        kernel.inputs.iter().map(input).chain(outputs).collect()
    }

    /// Runs the body on an element: loads, stores; gives the folds' arguments.
    pub(super) fn element(&mut self, offsets: &[u64], uniforms: &[u64], position: u64) -> Vec<u64> {
        let kernel = self.kernel();
        let mut params = Vec::new();
        for ((at, input), offset) in (0..).zip(&kernel.inputs).zip(offsets) {
            let address = self.word(Param::Input(at)).wrapping_add(*offset);
            params.push(self.memory.load(input.mem, address));
        }
        params.extend_from_slice(uniforms);
        let mut results = eval_region(kernel, &kernel.lane, &params, position);
        let args = results.split_off(kernel.outputs.len());
        let offsets = &offsets[kernel.inputs.len()..];
        for (((at, output), offset), bits) in (0..).zip(&kernel.outputs).zip(offsets).zip(results) {
            let address = self.word(Param::Output(at)).wrapping_add(*offset);
            self.memory.store(output.mem, address, stored_bits(*output, bits));
        }
        args
    }

    fn elementwise(&mut self, entry: Entry) {
        let (len, first) = (self.word(Param::Len), self.word(Param::First));
        assert!(len < 1 << 31 || self.options.index == IndexWidth::W64);
        if entry == Entry::Vector {
            self.check_alignment();
        }
        let uniforms = self.uniforms();
        for index in 0..len {
            let offsets = match entry {
                Entry::Strided => self.offsets(Walk::Outer, index),
                Entry::Vector | Entry::Contiguous => self.side_by_side(index),
                Entry::Uniform
                | Entry::FoldLanes
                | Entry::FoldOutputs
                | Entry::FoldShort
                | Entry::Merge
                | Entry::Finish => unreachable!("a loop has no folds"),
            };
            self.element(&offsets, &uniforms, first.wrapping_add(index));
        }
    }

    fn check_alignment(&self) {
        let (kernel, width) = (self.kernel(), vector_width(self.kernel()));
        for (at, input) in (0..).zip(&kernel.inputs) {
            let bytes = (width * input.mem.size()) as u64;
            let aligned = self.word(Param::Input(at)).is_multiple_of(bytes);
            assert!(aligned || input.class == InputClass::Splat, "input {at} is misaligned");
        }
        for (at, output) in (0..).zip(&kernel.outputs) {
            let bytes = (width * output.mem.size()) as u64;
            let aligned = self.word(Param::Output(at)).is_multiple_of(bytes);
            assert!(aligned, "output {at} is misaligned");
        }
    }
}
