//! The states that folds leave, as `docs/numerics.md` fixes them: from element by element evaluation.
//!
//! ```text
//! fewer than 8 elements   one state, left to right
//! else, in each block     accumulators k and k + 16, then 8, 4, 2, 1: see merged_lanes
//! blocks of an output     aligned runs of 2, 4, 8, … as perfect trees, the left-over ones from the right
//! ```

use fuse_ir::{GRANULE, Kernel};

use crate::direct::{Accumulators, Outcome, body_params, eval_region};
use crate::states::{LEFT_TO_RIGHT_BELOW, initial, merged, stepped};

/// What a fold entry leaves of an output of `n` elements: a state for each block.
pub(super) fn block_states(
    kernel: &Kernel,
    inputs: &[Vec<u8>],
    outcome: &Outcome,
    n: usize,
    first: u64,
) -> Vec<Vec<u64>> {
    if n < LEFT_TO_RIGHT_BELOW {
        return vec![left_to_right(kernel, inputs, &outcome.uniforms, n, first)];
    }
    outcome.folds.iter().map(|block| merged_lanes(kernel, block)).collect()
}

/// One state, element by element.
fn left_to_right(
    kernel: &Kernel,
    inputs: &[Vec<u8>],
    uniforms: &[u64],
    n: usize,
    first: u64,
) -> Vec<u64> {
    let mut state = initial(kernel);
    for element in 0..n {
        let params = body_params(kernel, inputs, uniforms, element);
        let index = first.wrapping_add(element as u64);
        let results = eval_region(kernel, &kernel.lane, &params, index);
        state = stepped(kernel, &state, &results[kernel.outputs.len()..]);
    }
    state
}

/// The state of a block from its 32 accumulators.
fn merged_lanes(kernel: &Kernel, block: &[Accumulators]) -> Vec<u64> {
    let state = |lane: usize| block.iter().map(|slot| slot[lane]).collect::<Vec<u64>>();
    let mut states: Vec<Vec<u64>> = (0..GRANULE).map(state).collect();
    for width in [16, 8, 4, 2, 1] {
        states = (0..width).map(|k| merged(kernel, &states[k], &states[k + width])).collect();
    }
    states.swap_remove(0)
}

/// An output's state from those of its blocks: a binary counter.
pub(super) fn binary_counter(kernel: &Kernel, blocks: &[Vec<u64>]) -> Vec<u64> {
    let mut runs: Vec<(usize, Vec<u64>)> = Vec::new();
    for block in blocks {
        let mut run = (1, block.clone());
        while runs.last().is_some_and(|last| last.0 == run.0) {
            let (len, left) = runs.pop().expect("there is a last");
            run = (2 * len, merged(kernel, &left, &run.1));
        }
        runs.push(run);
    }
    let mut state = runs.pop().expect("at least one block").1;
    while let Some((_, left)) = runs.pop() {
        state = merged(kernel, &left, &state);
    }
    state
}
