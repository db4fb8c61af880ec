//! The states of a kernel's folds as one list of words: fold after fold, slot after slot.
//!
//! What a fold's regions say, and in no order of their own: who folds in which order is for the callers to
//! say, that is [`crate::direct`], the reference device and the conformance suite on PTX.

use fuse_ir::{Kernel, Lane};

use crate::compare::canonical;
use crate::direct::eval_region;

/// Fewer elements than this are folded left to right, into one state: `docs/numerics.md`.
pub(crate) const LEFT_TO_RIGHT_BELOW: usize = 8;

/// The states before the first element.
pub(crate) fn initial(kernel: &Kernel) -> Vec<u64> {
    kernel.state_slots().map(|slot| slot.init.bits).collect()
}

/// The lane of every slot.
pub(crate) fn lanes(kernel: &Kernel) -> Vec<Lane> {
    kernel.state_slots().map(|slot| slot.init.lane).collect()
}

/// The states after one more element, of which the folds are given these arguments.
pub(crate) fn stepped(kernel: &Kernel, mut state: &[u64], mut args: &[u64]) -> Vec<u64> {
    let mut next = Vec::with_capacity(state.len());
    for fold in &kernel.folds {
        let (own, others) = state.split_at(fold.state.len());
        let (own_args, other_args) = args.split_at(fold.n_args());
        (state, args) = (others, other_args);
        next.extend(eval_region(kernel, &fold.step, &[own, own_args].concat(), 0));
    }
    next
}

/// The states of two runs of elements as one.
pub(crate) fn merged(kernel: &Kernel, mut left: &[u64], mut right: &[u64]) -> Vec<u64> {
    let mut merged = Vec::with_capacity(left.len());
    for fold in &kernel.folds {
        let (own_left, rest_left) = left.split_at(fold.state.len());
        let (own_right, rest_right) = right.split_at(fold.state.len());
        (left, right) = (rest_left, rest_right);
        merged.extend(eval_region(kernel, &fold.merge, &[own_left, own_right].concat(), 0));
    }
    merged
}

/// Every fold's results, as they are stored.
pub(crate) fn finished(kernel: &Kernel, mut state: &[u64]) -> Vec<Vec<(Lane, u64)>> {
    let mut results = Vec::with_capacity(kernel.folds.len());
    for fold in &kernel.folds {
        let (own, others) = state.split_at(fold.state.len());
        state = others;
        let bits = eval_region(kernel, &fold.finish, own, 0);
        let stored = |(lane, bits)| (lane, canonical(lane, bits));
        results.push(fold.finish.result_lanes().zip(bits).map(stored).collect());
    }
    results
}
