//! How many lanes of a granule are computed at once.
//!
//! Wanted: enough independent chains to hide the latency of a multiply-add (4 cycles on two ports),
//! few spills, and code whose size stays linear in the kernel's. So: start from four vectors of the
//! widest lane (eight where folds carry values from one step to the next, and so cannot overlap),
//! and halve while more vectors are alive at once than there are registers, or the code is large.
//! One vector of the widest lane is the least.
//!
//! A fold's loop computes a stripe, several such groups one after the other: as many as the registers hold
//! states of, until the chains are enough or the code is no longer small.

use fuse_ir::{Control, Kernel, Node, Region};

use crate::target::Features;
use crate::vector::{VECTOR_BYTES, lane_bytes};

/// Registers kept free for constants and intermediate results.
const RESERVED: usize = 2;
/// Instructions for the lanes of a group, above which fewer lanes are taken at once.
const LARGE: usize = 512;
/// Chains of a fold: additions take 4 cycles on two ports.
const CHAINS: usize = 8;
/// Instructions for the lanes of a stripe, above which they hide each other's latency anyway.
const SMALL: usize = 64;

/// Bytes of the widest lane in a region.
pub(crate) fn widest(region: &Region) -> usize {
    let lanes = region.lanes.iter().chain(&region.params);
    lanes.map(|&lane| lane_bytes(lane)).max().unwrap_or(1)
}

/// Lanes for the kernel's fused loop.
pub(crate) fn lanes_of_loop(kernel: &Kernel, features: Features) -> usize {
    let steps = kernel.folds.iter().map(|fold| &fold.step);
    let regions: Vec<&Region> = std::iter::once(&kernel.lane).chain(steps).collect();
    let chains = if kernel.folds.is_empty() { 4 } else { CHAINS };
    choose(&regions, chains, features)
}

/// Lanes of a stripe of a loop with folds, whose groups have so many lanes.
pub(crate) fn lanes_of_stripe(kernel: &Kernel, group: usize, features: Features) -> usize {
    let regions = || kernel.folds.iter().map(|fold| &fold.step).chain([&kernel.lane]);
    let nodes: usize = regions().map(|region| region.nodes.len()).sum();
    // The lane region ends before the steps begin, whose states are counted apart.
    let alive = regions().map(|region| most_alive(region, group)).max().unwrap_or(0);
    let fits = |lanes: usize| {
        let vectors = lanes * widest_step(kernel) / VECTOR_BYTES;
        let others = vectors_of_states(kernel, lanes) - vectors_of_states(kernel, group);
        let alive = alive + others + RESERVED;
        vectors <= CHAINS && nodes * vectors <= SMALL && alive <= features.registers
    };
    let doubled = std::iter::successors(Some(group), |lanes| Some(2 * lanes));
    let fitting = doubled.skip(1).take_while(|&lanes| lanes <= fuse_ir::GRANULE && fits(lanes));
    fitting.last().unwrap_or(group)
}

/// Bytes of the widest lane in a step.
fn widest_step(kernel: &Kernel) -> usize {
    kernel.folds.iter().map(|fold| widest(&fold.step)).max().unwrap_or(1)
}

/// Vectors that the states of so many lanes take.
fn vectors_of_states(kernel: &Kernel, lanes: usize) -> usize {
    let slots = kernel.state_slots();
    slots.map(|slot| (lanes * lane_bytes(slot.init.lane) / VECTOR_BYTES).max(1)).sum()
}

/// Lanes for a region out of line: one vector of its widest lane for slow paths, more for loops.
pub(crate) fn lanes_of_region(region: &Region, chains: usize, features: Features) -> usize {
    choose(&[region], chains, features)
}

/// Registers that the loop leaves for constants set before it.
pub(crate) fn registers_left(kernel: &Kernel, lanes: usize, features: Features) -> usize {
    let steps = kernel.folds.iter().map(|fold| most_alive(&fold.step, lanes));
    let stripe = vectors_of_states(kernel, lanes_of_stripe(kernel, lanes, features));
    let others = stripe - vectors_of_states(kernel, lanes);
    let alive = steps.sum::<usize>() + most_alive(&kernel.lane, lanes) + others;
    features.registers.saturating_sub(alive + RESERVED)
}

fn choose(regions: &[&Region], chains: usize, features: Features) -> usize {
    let widest = regions.iter().map(|region| widest(region)).max().unwrap_or(1);
    let least = (VECTOR_BYTES / widest).max(2);
    let mut lanes = (chains * VECTOR_BYTES / widest).min(fuse_ir::GRANULE);
    while lanes > least && !fits(regions, lanes, features) {
        lanes /= 2;
    }
    lanes
}

fn fits(regions: &[&Region], lanes: usize, features: Features) -> bool {
    let alive: usize = regions.iter().map(|region| most_alive(region, lanes)).sum();
    let nodes: usize = regions.iter().map(|region| region.nodes.len()).sum();
    let widest = regions.iter().map(|region| widest(region)).max().unwrap_or(1);
    let vectors = (lanes * widest / VECTOR_BYTES).max(1);
    alive + RESERVED <= features.registers && (vectors == 1 || nodes * vectors <= LARGE)
}

/// The largest number of vectors alive at once, arena order being execution order. Constants are
/// loaded where they are used.
fn most_alive(region: &Region, lanes: usize) -> usize {
    let last_use = last_uses(region);
    let vectors = |index: usize| (lanes * lane_bytes(region.lanes[index]) / VECTOR_BYTES).max(1);
    let mut ends = vec![0; region.nodes.len() + 1];
    let (mut alive, mut most) = (0, 0);
    for (index, node) in region.nodes.iter().enumerate() {
        if !matches!(node, Node::Const(_)) && last_use[index] > index {
            alive += vectors(index);
            ends[last_use[index]] += vectors(index);
        }
        most = most.max(alive);
        alive -= ends[index];
    }
    most
}

/// Where each value is last read; results are read after the last node. Parameters are loaded at
/// their first use, which arena order puts too early: they count from there on.
pub(crate) fn last_uses(region: &Region) -> Vec<usize> {
    let end = region.nodes.len();
    let mut last = vec![0; end];
    for (index, node) in region.nodes.iter().enumerate() {
        for arg in node.args() {
            last[arg.index()] = index;
        }
        if let Node::Result { control, .. } = node {
            let operands = region.controls.get(*control as usize).map(Control::operands);
            for operand in operands.into_iter().flatten() {
                last[operand.index()] = index;
            }
        }
    }
    for result in &region.results {
        last[result.index()] = end;
    }
    last
}
