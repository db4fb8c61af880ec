//! Which kernel runs, over how many blocks. No bit depends on it.

use fuse_ir::device::{Entry, THREADS, WARP};
use fuse_ir::{FOLD_BLOCK, InputClass, Kernel, Pass};

use crate::device::walk::{Nest, Operand};
use crate::fold::LEFT_TO_RIGHT_BELOW;
use crate::options::Tuning;
use crate::reduce::FoldLanes;

/// Blocks for each multiprocessor, at most: eight of 256 threads fill one.
const BLOCKS_EACH: u64 = 8;

/// Fewer elements than a warp has lanes would leave lanes idle.
const WARP_ELEMENTS: u64 = WARP as u64;

/// The form of a loop of `len` elements, not 0, without folds; `nest` is its walk, `width` how many elements
/// a thread of the vector form takes.
pub(super) fn elementwise(
    (kernel, width): (&Kernel, u64),
    operands: &[Operand],
    nest: &Nest,
    len: u64,
) -> Entry {
    if !is_contiguous(kernel, operands, nest) {
        return Entry::Strided;
    }
    let mut streams = operands.iter().enumerate().filter(|(at, _)| is_stream(kernel, *at));
    let aligned =
        streams.all(|(_, operand)| operand.address.0.is_multiple_of(width * operand.size as u64));
    if width > 1 && aligned && len >= width { Entry::Vector } else { Entry::Contiguous }
}

/// Do all streams and outputs lie side by side, and stay all splats the same?
pub(super) fn is_contiguous(kernel: &Kernel, operands: &[Operand], nest: &Nest) -> bool {
    let fits = |(at, operand): (usize, &Operand)| {
        let step = if is_stream(kernel, at) { operand.size as i64 } else { 0 };
        nest.innermost(at).is_none_or(|stride| stride == step)
    };
    nest.extents.len() <= 1 && operands.iter().enumerate().all(fits)
}

/// Is the operand at this position, inputs before outputs, read or written element by element?
pub(super) fn is_stream(kernel: &Kernel, at: usize) -> bool {
    kernel.inputs.get(at).is_none_or(|input| input.class == InputClass::Stream)
}

/// Blocks of 1024 elements of an output of a fold; 1 where it is folded left to right.
pub(super) fn fold_blocks(len: u64) -> u64 {
    len.div_ceil(FOLD_BLOCK as u64).max(1)
}

/// The form of a fold: `outputs` of `len` elements each.
pub(super) fn fold(
    (pass, tuning): (&Pass, &Tuning),
    (outputs, len): (u64, u64),
    operands: &[Operand],
    (outer, reduced): (&Nest, &Nest),
) -> Entry {
    if len < LEFT_TO_RIGHT_BELOW as u64 {
        return Entry::FoldShort;
    }
    let apart = |nest: &Nest| {
        let is_apart = |(at, operand): (usize, &Operand)| {
            let stride = nest.innermost(at).unwrap_or(0);
            (stride != 0 && stride != operand.size as i64).then_some(operand.size)
        };
        operands.iter().enumerate().filter_map(is_apart).sum::<usize>()
    };
    let lanes = match tuning.fold_lanes {
        Some(forced) => forced,
        None if outputs < WARP_ELEMENTS => FoldLanes::Elements,
        None if len < WARP_ELEMENTS || apart(reduced) > apart(outer) => FoldLanes::Outputs,
        None => FoldLanes::Elements,
    };
    match lanes {
        FoldLanes::Outputs if Entry::FoldOutputs.exists(pass) => Entry::FoldOutputs,
        FoldLanes::Outputs | FoldLanes::Elements => Entry::FoldLanes,
    }
}

/// Threads that work at all: `outputs` of `blocks` states, or `len` elements of a loop without folds, `width`
/// at a time in the vector form.
pub(super) fn threads(
    (entry, width): (Entry, u64),
    (outputs, blocks): (u64, u64),
    len: u64,
) -> u64 {
    let warp = u64::from(WARP);
    match entry {
        Entry::Uniform => 1,
        Entry::Vector => len / width,
        Entry::Contiguous | Entry::Strided => len,
        Entry::FoldLanes => outputs * blocks * warp,
        Entry::FoldOutputs => outputs * blocks,
        Entry::FoldShort | Entry::Finish => outputs,
        Entry::Merge => outputs * blocks.div_ceil(warp) * warp,
    }
}

/// Blocks for so many threads.
pub(super) fn grid(threads: u64, multiprocessors: u32) -> u32 {
    let most = u64::from(multiprocessors.max(1)) * BLOCKS_EACH;
    let blocks = threads.div_ceil(u64::from(THREADS)).clamp(1, most);
    u32::try_from(blocks).expect("a device has fewer than 2^29 multiprocessors")
}
