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

/// A value that several passes of a nest need is computed again up to this weight: beyond it a tile of it
/// is kept, at the cost of a store and loads that hit the cache.
const TILE_COST: usize = 8;
/// As [`TILE_COST`], where there is no nest and a whole array would be kept.
const ARRAY_COST: usize = 64;

/// What one pass computes.
#[derive(Clone, Debug)]
pub(super) struct PassPlan {
    /// How many layers of passes come before.
    pub(super) stage: u32,
    /// The loop space.
    pub(super) space: Shape,
    /// The axes of the space that the reductions go over; none without reductions.
    pub(super) reduced: Axes,
    /// Does its kernel ask where in the loop it is? No pass does that reduces over some axes only.
    reads_index: bool,
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

/// Is it a reduction over some axes, but not all?
fn is_partial(graph: &Graph, id: NodeId) -> bool {
    reduced_axes(graph, id).is_some_and(|axes| axes.len() < graph.loop_shape(id).len())
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
    let Kept { mut kept, indexed, cumulative } = kept_nodes(graph, &costs, &parts, budget);
    let first = stages(graph, &kept, &parts);
    for id in computed_twice(graph, &kept, &cumulative, &first) {
        kept[id.index()] = true;
    }
    let stages = stages(graph, &kept, &parts);
    let mut schedule = Schedule { temporary_of: vec![None; graph.len()], ..Schedule::default() };
    for (id, _) in graph.iter() {
        let reduces = is_reduction(graph, id);
        let is_result = graph.results.contains(&id);
        if kept[id.index()] {
            schedule.temporary_of[id.index()] = Some(index_u32(schedule.temporaries.len()));
            schedule.temporaries.push(id);
            if graph.dtype(id).is_complex() {
                // Its imaginary part.
                schedule.temporaries.push(id);
            }
        }
        if !(kept[id.index()] || is_result) {
            continue;
        }
        let node = graph.node(id);
        let ready = node.args().iter().map(|arg| stages[arg.index()]).max().unwrap_or(0);
        let own = stages[id.index()] - u32::from(kept[id.index()]);
        let axes = reduced_axes(graph, id);
        let computed = |arg: &NodeId| indexed[arg.index()] && !kept[arg.index()];
        let reads_index =
            if reduces { node.args().iter().any(computed) } else { indexed[id.index()] };
        let stage = if reduces { ready } else { own };
        let plan = schedule.pass(stage, graph.loop_shape(id), axes, reads_index);
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
    fn pass(
        &mut self,
        stage: u32,
        space: Shape,
        axes: Option<Axes>,
        reads_index: bool,
    ) -> &mut PassPlan {
        let is_partial = |axes: &Axes| !axes.is_empty() && axes.len() < space.len();
        let agree = |pass: &PassPlan| match &axes {
            Some(axes) if pass.folds.is_empty() => !(pass.reads_index && is_partial(axes)),
            Some(axes) => pass.reduced == *axes,
            None => !(reads_index && is_partial(&pass.reduced)),
        };
        let same = |pass: &PassPlan| pass.stage == stage && pass.space == space && agree(pass);
        let position = self.passes.iter().position(same).unwrap_or_else(|| {
            let (outputs, folds, reduced) = (vec![], vec![], Axes::new());
            let space = space.clone();
            self.passes.push(PassPlan { stage, space, reduced, reads_index, outputs, folds });
            self.passes.len() - 1
        });
        let pass = &mut self.passes[position];
        pass.reduced = axes.unwrap_or_else(|| pass.reduced.clone());
        pass.reads_index |= reads_index;
        pass
    }
}

/// What is known of each node before there are passes.
struct Kept {
    /// Is it kept in a temporary?
    kept: Vec<bool>,
    /// Does it depend on where in the loop it is computed?
    indexed: Vec<bool>,
    /// What it costs to compute from what is kept.
    cumulative: Vec<usize>,
}

/// Which nodes are kept in temporaries.
fn kept_nodes(graph: &Graph, costs: &[Cost], parts: &[u32], budget: usize) -> Kept {
    let mut kept = vec![false; graph.len()];
    let mut cumulative = vec![0_usize; graph.len()];
    let mut indexed = vec![false; graph.len()];
    for (id, node) in graph.iter() {
        // A reduction's value is known only after its pass; a result that nobody else reads goes
        // straight to its place.
        if is_reduction(graph, id) {
            kept[id.index()] = true;
        }
        let partial = is_partial(graph, id);
        for &arg in node.args() {
            let crosses =
                parts[arg.index()] != parts[id.index()] && costs[arg.index()].primitives > 0;
            let is_array = !graph.ty(arg).shape.is_empty();
            let coarser = is_coarser(graph, arg, id);
            let dear = cumulative[arg.index()] > LOAD_COST;
            let same_loop = extents(graph, arg) == loop_extents(graph, id) && !partial;
            let elsewhere = indexed[arg.index()] && !same_loop;
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
    Kept { kept, indexed, cumulative }
}

/// The pass that needs a value.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Need {
    /// Its stage, if there is one.
    stage: Option<u32>,
    /// Are there others, of other stages?
    others: bool,
    /// Does one of them reduce some axes, but not all?
    by_partial: bool,
}

impl Need {
    fn add(&mut self, need: Need) {
        let differs = self.stage.is_some() && need.stage.is_some() && self.stage != need.stage;
        *self = Need {
            stage: self.stage.or(need.stage),
            others: self.others || need.others || differs,
            by_partial: self.by_partial || need.by_partial,
        };
    }
}

/// Values that passes of several stages need and that cost more to compute again than to keep.
fn computed_twice(
    graph: &Graph,
    kept: &[bool],
    cumulative: &[usize],
    stages: &[u32],
) -> Vec<NodeId> {
    let mut needs = vec![Need::default(); graph.len()];
    let mut twice = Vec::new();
    for (id, node) in graph.iter().rev() {
        let stage = stages[id.index()];
        let mut need = needs[id.index()];
        if graph.results.contains(&id) && !kept[id.index()] && !is_reduction(graph, id) {
            need.add(Need { stage: Some(stage), ..Need::default() });
        }
        let most = if need.by_partial { TILE_COST } else { ARRAY_COST };
        let computes = matches!(node, Node::Apply(..) | Node::Power(..));
        let is_array = !graph.ty(id).shape.is_empty();
        if computes && is_array && need.others && cumulative[id.index()] > most && !kept[id.index()]
        {
            twice.push(id);
            need = Need { stage: Some(stage), ..Need::default() };
        }
        if kept[id.index()] {
            need = Need { stage: Some(stage.saturating_sub(1)), ..Need::default() };
        }
        if is_reduction(graph, id) {
            let ready = node.args().iter().map(|arg| stages[arg.index()]).max();
            need = Need { stage: ready, others: false, by_partial: is_partial(graph, id) };
        }
        for &arg in node.args().iter().filter(|arg| !kept[arg.index()]) {
            needs[arg.index()].add(need);
        }
    }
    twice
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
