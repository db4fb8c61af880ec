//! A loop's axes as a device walks them: taken together where all operands allow.
//!
//! ```text
//! (4, 5, 6) over two C-ordered arrays          ──▶ one dimension of 120
//! (4, 5, 6) of one with (6,) of the other      ──▶ (20, 6)
//! (4, 5) over two transposed arrays, any order ──▶ one dimension of 20
//! ```
//!
//! On the host each operand is walked for itself; on a device one index is taken apart for all of them.

use fuse_ir::DeviceAddress;
use smallvec::SmallVec;

use crate::device::array::device_address;
use crate::plan::Stepped;

/// An operand of a pass, of any strides.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    /// Of its first element: in device memory, or of the host, as the pass was laid out.
    pub(super) address: DeviceAddress,
    /// Bytes of an element.
    pub(super) size: usize,
    /// Is each element's byte order the machine's?
    pub(super) native: bool,
    /// Byte strides by the axes of the loop.
    pub(super) strides: SmallVec<[i64; 4]>,
}

/// The operands of a pass: inputs, then outputs.
pub(super) fn operands(stepped: &Stepped) -> SmallVec<[Operand; 8]> {
    let operand = |(base, form, strides): &(_, crate::pack::ElementForm, _)| {
        let strides: &crate::plan::LoopStrides = strides;
        Operand {
            address: device_address(*base),
            size: form.size,
            native: !form.swapped,
            strides: strides.iter().map(|&stride| stride as i64).collect(),
        }
    };
    stepped.operands().map(operand).collect()
}

/// Dimensions, outermost first, with each operand's strides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nest {
    pub(super) extents: SmallVec<[u64; 4]>,
    /// By operand.
    pub(super) strides: SmallVec<[SmallVec<[i64; 4]>; 8]>,
}

impl Nest {
    /// Walks over these axes of the loop, outermost first.
    pub(super) fn new(space: &[usize], axes: &[usize], operands: &[Operand]) -> Nest {
        let mut nest = Nest {
            extents: SmallVec::new(),
            strides: operands.iter().map(|_| SmallVec::new()).collect(),
        };
        let empty = axes.iter().any(|&axis| space[axis] == 0);
        for &axis in axes.iter().filter(|&&axis| space[axis] > 1 && !empty) {
            nest.push(space[axis] as u64, axis, operands);
        }
        nest
    }

    fn push(&mut self, extent: u64, axis: usize, operands: &[Operand]) {
        let step = extent.cast_signed();
        let goes_on = |(own, operand): (&SmallVec<[i64; 4]>, &Operand)| {
            own.last().is_some_and(|&outer| outer == operand.strides[axis].wrapping_mul(step))
        };
        let merges = self.strides.iter().zip(operands).all(goes_on);
        match self.extents.last_mut() {
            Some(outer) if merges => *outer *= extent,
            Some(_) | None => {
                self.extents.push(extent);
                self.strides.iter_mut().for_each(|own| own.push(0));
            }
        }
        for (own, operand) in self.strides.iter_mut().zip(operands) {
            if let Some(last) = own.last_mut() {
                *last = operand.strides[axis];
            }
        }
    }

    /// The stride of an operand along the innermost dimension; `None` in a nest of one element.
    pub(super) fn innermost(&self, operand: usize) -> Option<i64> {
        self.strides[operand].last().copied()
    }

    /// With outer dimensions of extent 1, as many as are wanted together.
    pub(super) fn padded(mut self, rank: usize) -> Nest {
        while self.extents.len() < rank {
            self.extents.insert(0, 1);
            self.strides.iter_mut().for_each(|own| own.insert(0, 0));
        }
        self
    }

    /// The first elements of a nest of one dimension, or of none.
    pub(super) fn of_len(&self, len: usize) -> Nest {
        let mut nest = self.clone();
        if let Some(extent) = nest.extents.last_mut() {
            *extent = len as u64;
        }
        nest
    }
}
