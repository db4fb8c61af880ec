//! Sums of products: each product is added by one multiply-add.
//!
//! ```text
//! sum(x * y)    s = s + fl(x·y)    ──▶    s = fma(x, y, s)
//! ```
//!
//! Class: relaxed. Each product loses its own rounding; how often it is rounded as part of the sum stays.
//! Products of f32 are exact in f64, in which they are added either way. A product that others read
//! stays as written, since it has to be computed anyhow; so does what must keep every bit
//! ([`super::guard`]), though not under the root of a sum of squares, which is never negative.
//!
//! Needs expanded powers (`x**2` is x·x); leaves no sum of a product that the rule allows. Cost: one loop
//! over the arena.

use fuse_ops::Op;

use super::guard::guarded;
use super::rules::RuleName;
use super::session::{Counts, Session, Site};
use crate::graph::{Axes, Graph, Node, NodeId, rebuild};

/// Rewrites sums.
pub(super) fn run(graph: &Graph, session: &mut Session) -> Graph {
    if !graph.iter().any(|(_, node)| matches!(node, Node::Reduce(Op::Sum, ..))) {
        return graph.clone();
    }
    let (uses, guarded) = (graph.use_counts(), guarded(graph));
    let mut mapped: Vec<NodeId> = Vec::with_capacity(graph.len());
    rebuild(graph, |next, id, args| {
        let allowed = session.may(RuleName::SumOfProducts) && !guarded[id.index()];
        let node = match product(graph, id, &uses).filter(|_| allowed) {
            None => next.copy(graph, id, args),
            Some((factors, axes)) => {
                let factors = factors.map(|factor| mapped[factor.index()]);
                let (dtype, span) = (graph.dtype(id), graph.span(id));
                let sum = next.reduce(Op::SumOfProducts, &factors, &axes, dtype, span);
                let counts = Counts { before: vec![2], after: vec![1] };
                session.fired(RuleName::SumOfProducts, Site { graph, id }, next, sum, counts)
            }
        };
        mapped.push(node);
        node
    })
}

/// The factors of a sum of floats' products that nobody else reads, and the sum's axes.
fn product(graph: &Graph, id: NodeId, uses: &[u32]) -> Option<([NodeId; 2], Axes)> {
    let Node::Reduce(Op::Sum, [operand, _], reduction) = graph.node(id) else { return None };
    let Node::Apply(Op::Mul, [a, b, _]) = graph.node(operand) else { return None };
    let single = graph.dtype(operand).is_float() && uses[operand.index()] == 1;
    single.then(|| ([a, b], graph.reduction(reduction).axes))
}
