//! What an entry is launched with: operands laid out in simulated memory, and the words of its parameters.
//!
//! ```text
//! contiguous  │gap│0 1 2 3 …│           scattered  the first dimension innermost, the last one backwards,
//! splat       │0│                                  elements three sizes apart
//! ```
//!
//! What lies beside elements is poison, so that an address which is off gives wrong bits if not an error.

use fuse_ir::Mem;
use fuse_ir::device::{Param, Walk, divisor};

use super::Rig;

/// Where the elements of an operand lie: extents and byte strides of one walk after the other.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// The address of the first element.
    pub(super) address: u64,
    pub(super) strides: Vec<i64>,
    pub(super) extents: Vec<usize>,
}

impl Placed {
    /// The address of an element by its C-order index.
    pub(super) fn element(&self, mut index: usize) -> u64 {
        let mut address = self.address;
        for (&stride, &extent) in self.strides.iter().zip(&self.extents).rev() {
            let step = i64::try_from(index % extent).expect("small");
            address = address.wrapping_add_signed(step * stride);
            index /= extent;
        }
        address
    }
}

/// What a launch's parameters are taken from.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) len: usize,
    pub(super) first: u64,
    pub(super) outputs: usize,
    pub(super) blocks: usize,
    pub(super) uniforms: u64,
    pub(super) scalars: Vec<u64>,
    /// Inputs, then outputs.
    pub(super) operands: Vec<Placed>,
    /// Extents of the outer walk, then of the reduced one.
    pub(super) extents: [Vec<usize>; 2],
    pub(super) states: Vec<u64>,
    pub(super) merged: Vec<u64>,
    /// Addresses of results, and bytes from one output's to the next.
    pub(super) sinks: Vec<(u64, u64)>,
}

impl Arguments {
    /// The word of a parameter of a kernel of so many inputs.
    pub(super) fn word(&self, param: Param, n_inputs: usize) -> u64 {
        match param {
            Param::Len => self.len as u64,
            Param::First => self.first,
            Param::Outputs => self.outputs as u64,
            Param::Blocks => self.blocks as u64,
            Param::Uniforms => self.uniforms,
            Param::Scalar(position) => self.scalars[position as usize],
            Param::Input(position) => self.operands[position as usize].address,
            Param::Output(position) => self.operands[n_inputs + position as usize].address,
            Param::State(slot) => self.states[slot as usize],
            Param::Merged(slot) => self.merged[slot as usize],
            Param::Sink(sink) => self.sinks[sink as usize].0,
            Param::SinkStride(sink) => self.sinks[sink as usize].1,
            Param::Extent(walk, dim) => self.extent(walk, dim),
            Param::Divisor(walk, dim) => divisor(self.extent(walk, dim)),
            Param::Stride(walk, operand, dim) => self.stride(walk, operand, dim),
        }
    }

    fn extent(&self, walk: Walk, dim: u32) -> u64 {
        let extents = match walk {
            Walk::Outer => &self.extents[0],
            Walk::Reduced => &self.extents[1],
        };
        extents[dim as usize] as u64
    }

    fn stride(&self, walk: Walk, operand: u32, dim: u32) -> u64 {
        let before = match walk {
            Walk::Outer => 0,
            Walk::Reduced => self.extents[0].len(),
        };
        self.operands[operand as usize].strides[before + dim as usize].cast_unsigned()
    }
}

impl Rig<'_> {
    /// Memory that holds these bytes.
    pub(super) fn placed(&mut self, bytes: &[u8]) -> u64 {
        let address = self.alloc(bytes.len().max(1));
        self.memory.write(address, bytes).expect("just allocated");
        address
    }

    /// Memory that nothing was written to.
    pub(super) fn alloc(&mut self, bytes: usize) -> u64 {
        self.memory.alloc(bytes as u64).expect("memory is left")
    }

    /// Elements side by side, behind `gap` more of them.
    pub(super) fn contiguous(&mut self, bytes: &[u8], mem: Mem, gap: usize) -> Placed {
        let skipped = gap * mem.size();
        let address = self.placed(&[&vec![0xa5; skipped], bytes].concat()) + skipped as u64;
        let (stride, len) = (mem.size() as i64, bytes.len() / mem.size());
        Placed { address, strides: vec![stride], extents: vec![len] }
    }

    /// One element, wherever a walk of so many dimensions is.
    pub(super) fn splat(&mut self, bytes: &[u8], rank: usize) -> Placed {
        let address = self.placed(bytes);
        Placed { address, strides: vec![0; rank], extents: vec![1; rank] }
    }

    /// Elements in dimensions whose order in memory is another, with gaps, the last one backwards.
    pub(super) fn scattered(&mut self, bytes: &[u8], mem: Mem, extents: &[usize]) -> Placed {
        let mut strides = vec![0; extents.len()];
        let mut step = 3 * mem.size() as i64;
        let mut backwards = 0;
        // The first dimension is innermost in memory.
        for (dim, &extent) in extents.iter().enumerate() {
            let is_last = dim + 1 == extents.len();
            strides[dim] = if is_last { -step } else { step };
            backwards = step * (extent as i64 - 1);
            step *= extent as i64;
        }
        let start = self.placed(&vec![0xa5; usize::try_from(step).expect("small")]);
        let address = start.wrapping_add_signed(backwards);
        let placed = Placed { address, strides, extents: extents.to_vec() };
        for (index, element) in bytes.chunks_exact(mem.size()).enumerate() {
            self.memory.write(placed.element(index), element).expect("inside");
        }
        placed
    }
}

/// Two extents with this product, the second one small; no elements are 1 × 1.
pub(super) fn two_factors(n: usize) -> Vec<usize> {
    let n = n.max(1);
    let small = (2..n).find(|d| n.is_multiple_of(*d) && d * d <= n).unwrap_or(1);
    vec![n / small, small]
}

/// Three extents with this product.
pub(super) fn three_factors(n: usize) -> Vec<usize> {
    let [rest, inner] = two_factors(n)[..] else { unreachable!("two") };
    let [outer, middle] = two_factors(rest)[..] else { unreachable!("two") };
    vec![middle, outer, inner]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_have_the_product_and_few_are_1() {
        for n in [1, 31, 32, 33, 1023, 1025, 3074] {
            assert_eq!(three_factors(n).iter().product::<usize>(), n, "{n}");
            assert_eq!(two_factors(n).iter().product::<usize>(), n, "{n}");
        }
        assert_eq!((three_factors(1023), two_factors(3074)), (vec![11, 31, 3], vec![1537, 2]));
    }
}
