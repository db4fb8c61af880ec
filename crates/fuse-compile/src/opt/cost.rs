//! What values cost, to compare a rewrite with what it replaces.
//!
//! An operation costs 1, a division 16 (`docs/performance.md`), times 256 for each axis of unknown
//! extent: work per element outweighs any work per row or per call, so that no rewrite turns uniform
//! work into work per element.

use fuse_ir::{DType, Dim};
use fuse_ops::{Cost, Op};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, Node, NodeId};

/// A value of at most this weight is taken to be as cheap to compute again as to load.
pub(crate) const LOAD_COST: usize = 3;
/// A question about texts: some ten nanoseconds.
const PREDICATE_COST: usize = 16;

/// Cost of the node itself.
pub(super) fn of_node(graph: &Graph, id: NodeId) -> u64 {
    let work = match graph.node(id) {
        Node::Input(_) | Node::Const(_) | Node::Symbol(_) | Node::Expand(..) | Node::View(..) => 0,
        Node::Index { .. } => 1,
        Node::Text(_) => 0,
        Node::Predicate(..) => PREDICATE_COST as u64,
        Node::Reduce(..) => 1,
        Node::Power(..) => 1,
        Node::Apply(Op::Div | Op::Sqrt, _) => 16,
        Node::Apply(..) => 1,
    };
    rate(graph, id).saturating_mul(work)
}

/// What each node adds to a kernel, counted from its expansion.
pub(crate) fn of_expansions(graph: &Graph) -> Vec<Cost> {
    let mut of_op: FxHashMap<(Op, DType, DType), Cost> = FxHashMap::default();
    let cost = |(id, node): (NodeId, Node)| match node {
        Node::Input(_) | Node::Const(_) | Node::Symbol(_) => Cost::default(),
        Node::Expand(..) | Node::View(..) | Node::Reduce(..) | Node::Text(_) => Cost::default(),
        Node::Predicate(..) => Cost { primitives: 1, weight: PREDICATE_COST },
        Node::Index { .. } => Cost { primitives: 1, weight: 1 },
        Node::Apply(op, _) => {
            let (operand, result) = (graph.operand_dtype(id), graph.dtype(id));
            *of_op.entry((op, operand, result)).or_insert_with(|| op.cost(operand, result))
        }
        Node::Power(_, exponent) => {
            let products =
                2 * exponent.unsigned_abs().checked_ilog2().map_or(1, |log| log as usize + 1);
            Cost { primitives: products, weight: products }
        }
    };
    graph.iter().map(cost).collect()
}

/// The weight of one operation in a node's shape.
pub(super) fn rate(graph: &Graph, id: NodeId) -> u64 {
    let shape = &graph.ty(id).shape;
    let axes = shape.iter().filter(|&&dim| dim != Dim::One).count();
    256_u64.saturating_pow(u32::try_from(axes).unwrap_or(u32::MAX))
}

/// Cost of computing a value from leaves, shared parts once.
pub(super) fn from_leaves(graph: &Graph, root: NodeId, leaves: &FxHashSet<NodeId>) -> u64 {
    let mut seen: FxHashSet<NodeId> = leaves.clone();
    let mut stack = vec![root];
    let mut cost = 0_u64;
    while let Some(id) = stack.pop() {
        if seen.insert(id) {
            cost = cost.saturating_add(of_node(graph, id));
            stack.extend(graph.node(id).args());
        }
    }
    cost
}
