//! Views move to the leaves: a slice of an expression is the expression of slices.
//!
//! ```text
//! (x*y)[1:] + x[:-1]    ──▶    x[1:]*y[1:] + x[:-1]        one loop, nothing kept
//! ```
//!
//! Class: exact; a view selects elements, and elementwise operators do not care which. Only what the
//! slice leaves is then computed. A value that several nodes read is moved behind its views if it
//! costs no more than a load; otherwise it would be computed once for each of them, and stays: the
//! schedule keeps it. So do reductions, and values that broadcast along an axis in some calls only,
//! because the extent of a slice happens to be 1.
//!
//! Needs nothing; leaves views of inputs and of such values. Cost: at most [`MOST`] new nodes for each
//! node of the graph; what is left then stays as it is.

use fuse_ir::{Dim, Pick, Shape, index_u32};
use rustc_hash::FxHashMap;

use super::cost::{LOAD_COST, of_expansions};
use super::rules::RuleName;
use super::session::{Counts, Session, Site};
use crate::graph::{Graph, Node, NodeId, View, rebuild};

/// New nodes for each node of the graph.
const MOST: usize = 4;

/// Moves views.
pub(super) fn run(graph: &Graph, session: &mut Session) -> Graph {
    if !graph.iter().any(|(_, node)| matches!(node, Node::View(..))) {
        return graph.clone();
    }
    let mut moves =
        Moves { movable: movable(graph), done: FxHashMap::default(), left: MOST * graph.len() };
    // Nodes of the next graph that stand for a node that may be moved.
    let mut of_next: FxHashMap<NodeId, bool> = FxHashMap::default();
    rebuild(graph, |next, id, args| {
        let copied = match graph.node(id) {
            Node::View(_, view) if session.may(RuleName::View) => {
                let view = graph.view_of(view).clone();
                let moved = moves.view(next, args[0], view, &of_next);
                if matches!(next.node(moved), Node::View(operand, _) if operand == args[0]) {
                    moved
                } else {
                    let site = Site { graph, id };
                    session.fired(RuleName::View, site, next, moved, Counts::default())
                }
            }
            Node::View(..)
            | Node::Input(_)
            | Node::Const(_)
            | Node::Symbol(_)
            | Node::Index { .. }
            | Node::Expand(..)
            | Node::Apply(..)
            | Node::Power(..)
            | Node::Reduce(..)
            | Node::Text(_)
            | Node::Predicate(..) => next.copy(graph, id, args),
        };
        of_next.insert(copied, moves.movable[id.index()]);
        copied
    })
}

/// For each node: may it be computed behind each of its views?
fn movable(graph: &Graph) -> Vec<bool> {
    let (uses, costs) = (graph.use_counts(), of_expansions(graph));
    let mut cumulative = vec![0_usize; graph.len()];
    let movable = |(id, node): (NodeId, Node)| {
        let below = node.args().iter().map(|arg| cumulative[arg.index()]);
        cumulative[id.index()] = below.fold(costs[id.index()].weight, usize::saturating_add);
        uses[id.index()] == 1 || cumulative[id.index()] <= LOAD_COST
    };
    graph.iter().map(movable).collect()
}

struct Moves {
    movable: Vec<bool>,
    /// What has become of a view of a node.
    done: FxHashMap<(NodeId, View), NodeId>,
    /// How many nodes may still be made.
    left: usize,
}

/// What there is to do on the way to the leaves.
enum Task {
    /// Find what a view of a node becomes.
    Look(NodeId, View),
    /// Build it: its operands are done.
    Build(NodeId, View, Vec<(NodeId, Option<View>)>),
}

impl Moves {
    /// A view of a node of `next`, moved as far as it goes.
    fn view(
        &mut self,
        next: &mut Graph,
        operand: NodeId,
        view: View,
        movable: &FxHashMap<NodeId, bool>,
    ) -> NodeId {
        let root = (operand, view);
        let mut open = vec![Task::Look(root.0, root.1.clone())];
        while let Some(task) = open.pop() {
            match task {
                Task::Look(id, view) => {
                    if self.done.contains_key(&(id, view.clone())) {
                        continue;
                    }
                    let may = movable.get(&id).copied().unwrap_or(false) && self.left > 0;
                    if let Some(args) = may.then(|| operands(next, id, &view)).flatten() {
                        open.push(Task::Build(id, view, args.clone()));
                        let viewed = args.into_iter();
                        open.extend(viewed.filter_map(|(arg, view)| Some(Task::Look(arg, view?))));
                        continue;
                    }
                    let value = leaf(next, id, &view);
                    self.done.insert((id, view), value);
                }
                Task::Build(id, view, args) => {
                    self.left = self.left.saturating_sub(1);
                    let value = |(arg, view): &(NodeId, Option<View>)| match view {
                        Some(view) => self.done[&(*arg, view.clone())],
                        None => *arg,
                    };
                    let args: Vec<NodeId> = args.iter().map(value).collect();
                    let value = build(next, id, &args);
                    self.done.insert((id, view), value);
                }
            }
        }
        self.done[&root]
    }
}

/// An elementwise node of other operands.
fn build(next: &mut Graph, id: NodeId, args: &[NodeId]) -> NodeId {
    let (span, dtype) = (next.span(id), next.dtype(id));
    match next.node(id) {
        Node::Apply(op, _) => next.apply(op, args, dtype, span),
        Node::Power(_, exponent) => next.power(args[0], exponent, span),
        Node::Predicate(op, _) => next.predicate(op, [args[0], args[1]], span),
        Node::Input(_) | Node::Const(_) | Node::Symbol(_) | Node::Index { .. } => id,
        Node::Expand(..) | Node::View(..) | Node::Reduce(..) | Node::Text(_) => id,
    }
}

/// A view that goes no further.
fn leaf(next: &mut Graph, id: NodeId, view: &View) -> NodeId {
    let span = next.span(id);
    match next.node(id) {
        Node::Expand(scalar, _) => next.expand(scalar, view.shape(), span),
        Node::Index { axis, .. } => {
            index(next, id, axis, view).unwrap_or_else(|| next.view(id, view.clone(), span))
        }
        Node::Input(_)
        | Node::Const(_)
        | Node::Symbol(_)
        | Node::Apply(..)
        | Node::Power(..)
        | Node::Reduce(..)
        | Node::Text(_)
        | Node::Predicate(..)
        | Node::View(..) => next.view(id, view.clone(), span),
    }
}

/// start + step · (0, 1, 2, …): some of the positions along an axis.
fn index(next: &mut Graph, id: NodeId, axis: u32, view: &View) -> Option<NodeId> {
    use fuse_ops::Op;
    let (span, dtype) = (next.span(id), next.dtype(id));
    let shape = view.shape();
    let others = view.picks.iter().enumerate().filter(|(own, _)| *own != axis as usize);
    if others.into_iter().any(|(_, pick)| pick.extent != Dim::One) {
        return None;
    }
    let pick = view.picks[axis as usize];
    let start = next.symbol_node(pick.start, span);
    let Some(position) = view.axes.iter().position(|&own| own == Some(axis)) else {
        return Some(next.expand(start, shape, span));
    };
    let extent = next.dim_symbol(pick.extent);
    let place = (index_u32(position), index_u32(shape.len()));
    let index = next.index(extent, place, span);
    let step = next.constant(crate::graph::Constant::int(dtype, pick.step), span);
    let run = if pick.step == 1 { index } else { next.apply(Op::Mul, &[index, step], dtype, span) };
    let is_zero = next.symbol_value(pick.start) == Some(0);
    Some(if is_zero { run } else { next.apply(Op::Add, &[run, start], dtype, span) })
}

/// The views of an elementwise node's operands that a view of the node amounts to; `None` where the
/// node is none, or an operand cannot be viewed so. An operand without axes has no view.
fn operands(next: &mut Graph, id: NodeId, view: &View) -> Option<Vec<(NodeId, Option<View>)>> {
    match next.node(id) {
        Node::Apply(..) | Node::Power(..) | Node::Predicate(..) => {}
        Node::Reduce(..)
        | Node::Text(_)
        | Node::Input(_)
        | Node::Const(_)
        | Node::Symbol(_)
        | Node::Index { .. }
        | Node::Expand(..)
        | Node::View(..) => return None,
    }
    let shape = next.shape(id);
    let args = next.node(id).args().to_vec();
    args.into_iter()
        .map(|arg| {
            let own = next.shape(arg);
            if own.is_empty() {
                Some((arg, None))
            } else {
                operand(next, (&own, &shape), view).map(|view| (arg, Some(view)))
            }
        })
        .collect()
}

/// The view of an operand of shape `own` that a view of a value of shape `shape` amounts to.
fn operand(next: &mut Graph, (own, shape): (&Shape, &Shape), view: &View) -> Option<View> {
    let missing = shape.len() - own.len();
    let start = next.literal_symbol(0);
    let mut picks = Vec::with_capacity(own.len());
    for (axis, &dim) in own.iter().enumerate() {
        let pick = view.picks[axis + missing];
        picks.push(match dim {
            Dim::One if shape[axis + missing] == Dim::One && pick.extent != Dim::One => {
                return None;
            }
            Dim::One => Pick { start, step: 1, extent: Dim::One },
            Dim::Symbol(_) if dim == shape[axis + missing] => pick,
            Dim::Symbol(_) => return None,
        });
    }
    let mut axes: Vec<Option<u32>> = view
        .axes
        .iter()
        .map(|axis| axis.and_then(|axis| axis.checked_sub(index_u32(missing))))
        .collect();
    // Leading new axes are what broadcasting adds anyway, but for the operand that has all axes.
    if missing > 0 {
        let leading = axes.iter().take_while(|axis| axis.is_none()).count();
        axes.drain(..leading);
    }
    Some(View { picks, axes: axes.into_iter().collect() })
}
