//! Rates, temporaries and passes.
//!
//! A value is either computed inside each pass that uses it, or kept in a temporary by an earlier
//! one. Kept are:
//! * results of reductions, which are known only when their pass has ended;
//! * values that a loop of a larger space uses, when computing them again for each element would
//!   cost more than a load: `exp(a[:,None]) * exp(b[None,:])` evaluates N + M exponentials;
//! * what views read, unless it is an input: the optimizer has moved cheap values behind views;
//! * what depends on the place in the loop (`arange`), where another loop uses it;
//! * values that cross from one part of a very large formula to the next.
//!
//! Each value to be written (a result, a temporary, the argument of a reduction) is then assigned to
//! the pass of its *stage*, the number of passes that must have ended before, and its loop space.
//! All that share both are computed by one kernel, in one sweep.

use fuse_ir::{Dim, Shape, index_u32};
use fuse_ops::Cost;
use rustc_hash::FxHashMap;

use crate::graph::{Axes, Graph, Node, NodeId};
use crate::opt::cost::{LOAD_COST, of_expansions};

/// What one pass computes.
#[derive(Clone, Debug)]
pub(super) struct PassPlan {
    /// How many layers of passes come before.
    pub(super) stage: u32,
    /// The loop space.
    pub(super) space: Shape,
    /// The axes of the space that the reductions go over; none without reductions.
    pub(super) reduced: Axes,
    /// Elementwise values to be written.
    pub(super) outputs: Vec<NodeId>,
    /// Reductions to be computed.
    pub(super) folds: Vec<NodeId>,
}

/// The passes of a program and what lies between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    /// Nodes kept between passes.
    pub(super) temporaries: Vec<NodeId>,
    /// For each node its position among these.
    pub(super) temporary_of: Vec<Option<u32>>,
    /// The passes, in an order in which they can run.
    pub(super) passes: Vec<PassPlan>,
    /// For each question about texts its position in the program.
    pub(super) predicate_of: FxHashMap<NodeId, u32>,
}

pub(super) fn is_reduction(graph: &Graph, id: NodeId) -> bool {
    reduced_axes(graph, id).is_some()
}

/// The axes that a reduction goes over.
fn reduced_axes(graph: &Graph, id: NodeId) -> Option<Axes> {
    match graph.node(id) {
        Node::Reduce(_, _, reduction) => Some(graph.reduction(reduction).axes),
        Node::Input(_) | Node::Const(_) | Node::Power(..) | Node::Symbol(_) => None,
        Node::Apply(..) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
        Node::Text(_) | Node::Predicate(..) => None,
    }
}

/// Schedules a graph whose dead nodes have been removed.
pub(super) fn schedule(graph: &Graph, budget: usize) -> Schedule {
    let costs = of_expansions(graph);
    let parts = parts(&costs, budget);
    let kept = kept_nodes(graph, &costs, &parts, budget);
    let stages = stages(graph, &kept, &parts);
    let mut schedule = Schedule { temporary_of: vec![None; graph.len()], ..Schedule::default() };
    for (id, _) in graph.iter() {
        let reduces = is_reduction(graph, id);
        let is_result = graph.results.contains(&id);
        if kept[id.index()] {
            schedule.temporary_of[id.index()] = Some(index_u32(schedule.temporaries.len()));
            schedule.temporaries.push(id);
        }
        if !(kept[id.index()] || is_result) {
            continue;
        }
        let node = graph.node(id);
        let ready = node.args().iter().map(|arg| stages[arg.index()]).max().unwrap_or(0);
        let own = stages[id.index()] - u32::from(kept[id.index()]);
        let axes = reduced_axes(graph, id);
        let plan = schedule.pass(if reduces { ready } else { own }, graph.loop_shape(id), axes);
        if reduces {
            plan.folds.push(id);
        } else {
            plan.outputs.push(id);
        }
    }
    schedule.passes.sort_by_key(|pass| pass.stage);
    schedule
}

impl Schedule {
    /// The pass of that stage and space; for a reduction one whose reductions go over the same axes.
    fn pass(&mut self, stage: u32, space: Shape, axes: Option<Axes>) -> &mut PassPlan {
        let agree = |pass: &PassPlan| match &axes {
            Some(axes) => pass.folds.is_empty() || pass.reduced == *axes,
            None => true,
        };
        let same = |pass: &PassPlan| pass.stage == stage && pass.space == space && agree(pass);
        let position = self.passes.iter().position(same).unwrap_or_else(|| {
            let (outputs, folds, reduced) = (vec![], vec![], Axes::new());
            self.passes.push(PassPlan { stage, space, reduced, outputs, folds });
            self.passes.len() - 1
        });
        let pass = &mut self.passes[position];
        pass.reduced = axes.unwrap_or_else(|| pass.reduced.clone());
        pass
    }
}

/// Which nodes are kept in temporaries.
fn kept_nodes(graph: &Graph, costs: &[Cost], parts: &[u32], budget: usize) -> Vec<bool> {
    let mut kept = vec![false; graph.len()];
    let mut cumulative = vec![0_usize; graph.len()];
    // Does it depend on where in the loop it is computed?
    let mut indexed = vec![false; graph.len()];
    for (id, node) in graph.iter() {
        // A reduction's value is known only after its pass; a result that nobody else reads goes
        // straight to its place.
        if is_reduction(graph, id) {
            kept[id.index()] = true;
        }
        for &arg in node.args() {
            let crosses =
                parts[arg.index()] != parts[id.index()] && costs[arg.index()].primitives > 0;
            let is_array = !graph.ty(arg).shape.is_empty();
            let coarser = is_coarser(graph, arg, id);
            let dear = cumulative[arg.index()] > LOAD_COST;
            let elsewhere = indexed[arg.index()] && extents(graph, arg) != loop_extents(graph, id);
            let viewed = matches!(node, Node::View(..)) && !is_input(graph, arg);
            if is_array && (crosses || (coarser && dear) || elsewhere || viewed) {
                kept[arg.index()] = true;
            }
        }
        indexed[id.index()] = matches!(node, Node::Index { .. })
            || node.args().iter().any(|arg| indexed[arg.index()] && !kept[arg.index()]);
        let inherited = node.args().iter().filter(|arg| !kept[arg.index()]);
        let inherited: usize = inherited.map(|arg| cumulative[arg.index()]).sum();
        cumulative[id.index()] = (costs[id.index()].weight + inherited).min(budget);
    }
    let mut read = vec![false; graph.len()];
    for (_, node) in graph.iter() {
        node.args().iter().for_each(|arg| read[arg.index()] = true);
    }
    for &result in &graph.results {
        if is_reduction(graph, result) && !read[result.index()] {
            kept[result.index()] = false;
        }
    }
    kept
}

/// Cuts the arena into parts of at most `budget` primitives.
fn parts(costs: &[Cost], budget: usize) -> Vec<u32> {
    let (mut part, mut filled) = (0, 0);
    costs
        .iter()
        .map(|cost| {
            if filled + cost.primitives > budget {
                (part, filled) = (part + 1, 0);
            }
            filled += cost.primitives;
            part
        })
        .collect()
}

/// Has `arg` fewer elements than its user, because it broadcasts?
fn is_coarser(graph: &Graph, arg: NodeId, user: NodeId) -> bool {
    extents(graph, arg).len() < loop_extents(graph, user).len()
}

/// The axes of a node that are not of extent 1.
fn extents(graph: &Graph, id: NodeId) -> Shape {
    graph.shape(id).into_iter().filter(|dim| *dim != Dim::One).collect()
}

/// The axes of the loop that computes a node that are not of extent 1.
fn loop_extents(graph: &Graph, id: NodeId) -> Shape {
    graph.loop_shape(id).into_iter().filter(|dim| *dim != Dim::One).collect()
}

fn is_input(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(id), Node::Input(_))
}

/// For each node the first stage in which a pass can compute or read it. What belongs to a part waits
/// for it, so that values that cross a cut are not all computed, and kept, at the start.
fn stages(graph: &Graph, kept: &[bool], parts: &[u32]) -> Vec<u32> {
    let mut stages: Vec<u32> = vec![0; graph.len()];
    for (id, node) in graph.iter() {
        let ready = node.args().iter().map(|arg| stages[arg.index()]).max().unwrap_or(0);
        let waits = if node.args().is_empty() { 0 } else { parts[id.index()] };
        let later = kept[id.index()] || is_reduction(graph, id);
        stages[id.index()] = ready.max(waits) + u32::from(later);
    }
    stages
}
