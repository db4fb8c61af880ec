//! What values cost, to compare a rewrite with what it replaces.
//!
//! An operation costs 1, a division 16 (`docs/performance.md`), times 256 for each axis of unknown
//! extent: work per element outweighs any work per row or per call, so that no rewrite turns uniform
//! work into work per element.

use fuse_ir::Dim;
use fuse_ops::Op;
use rustc_hash::FxHashSet;

use crate::graph::{Graph, Node, NodeId};

/// Cost of the node itself.
pub(super) fn of_node(graph: &Graph, id: NodeId) -> u64 {
    let work = match graph.node(id) {
        Node::Input(_) | Node::Const(_) => 0,
        Node::Power(..) => 1,
        Node::Apply(Op::Div | Op::Sqrt, _) => 16,
        Node::Apply(..) => 1,
    };
    rate(graph, id).saturating_mul(work)
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
