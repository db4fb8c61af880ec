//! The words of a kernel's parameters, in the order in which [`fuse_ir::device::Entry::params`] asks for
//! them.

use fuse_ir::device::{Param, Walk, divisor, walk_rank};
use fuse_ir::{DeviceAddress, Pass};
use smallvec::SmallVec;

use crate::device::walk::Nest;

/// What the parameters of one launch are. An entry takes those that it has.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments<'a> {
    pub(super) len: u64,
    pub(super) first: u64,
    pub(super) outputs: u64,
    pub(super) blocks: u64,
    pub(super) uniforms: DeviceAddress,
    pub(super) scalars: &'a [DeviceAddress],
    /// Inputs, then outputs.
    pub(super) operands: &'a [DeviceAddress],
    pub(super) states: &'a [DeviceAddress],
    pub(super) merged: &'a [DeviceAddress],
    /// Each with the bytes from a result to the next.
    pub(super) sinks: &'a [(DeviceAddress, i64)],
    /// Of the rank of its walk.
    pub(super) outer: Option<&'a Nest>,
    pub(super) reduced: Option<&'a Nest>,
}

/// The words.
pub(super) type Words = SmallVec<[u64; 32]>;

impl Arguments<'_> {
    /// The words for these parameters of an entry of a pass.
    pub(super) fn words(&self, params: &[Param], pass: &Pass) -> Words {
        params.iter().map(|&param| self.word(param, pass)).collect()
    }

    fn word(&self, param: Param, pass: &Pass) -> u64 {
        match param {
            Param::Len => self.len,
            Param::First => self.first,
            Param::Outputs => self.outputs,
            Param::Blocks => self.blocks,
            Param::Uniforms => self.uniforms.0,
            Param::Scalar(at) => self.scalars[at as usize].0,
            Param::Input(at) => self.operands[at as usize].0,
            Param::Output(at) => self.operands[pass.kernel.inputs.len() + at as usize].0,
            Param::State(slot) => self.states[slot as usize].0,
            Param::Merged(slot) => self.merged[slot as usize].0,
            Param::Sink(at) => self.sinks[at as usize].0.0,
            Param::SinkStride(at) => self.sinks[at as usize].1.cast_unsigned(),
            Param::Extent(walk, dim) => self.nest(walk, pass).extents[dim as usize],
            Param::Divisor(walk, dim) => {
                // Kernels of 64-bit indices, which longer extents are for, divide otherwise.
                let extent = self.nest(walk, pass).extents[dim as usize];
                if extent <= 1 << 31 { divisor(extent) } else { 0 }
            }
            Param::Stride(walk, operand, dim) => {
                let strides = &self.nest(walk, pass).strides[operand as usize];
                strides[dim as usize].cast_unsigned()
            }
        }
    }

    fn nest(&self, walk: Walk, pass: &Pass) -> &Nest {
        let nest = match walk {
            Walk::Outer => self.outer,
            Walk::Reduced => self.reduced,
        };
        let nest = nest.expect("a form that walks is given its walks");
        assert_eq!(nest.extents.len(), walk_rank(pass, walk), "a walk has its kernel's rank");
        nest
    }
}
