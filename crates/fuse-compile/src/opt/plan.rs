//! What horner looks at: each sum that is not part of a greater one, split into a polynomial and other
//! terms, with the cost of its written form.
//!
//! A plan is kept only if building it on a scratch copy of the graph shows it to be allowed and no
//! dearer, so that the parts of a sum that fails are looked at in their own right; those of sums of more
//! than [`RETRIED`] terms are not, which keeps the cost linear.

use fuse_ops::Op;
use rustc_hash::{FxHashMap, FxHashSet};

use super::cost;
use super::guard::guarded;
use super::horner::{leaves_of, nest, rule};
use super::polynomial::{Polynomial, polynomials};
use super::powers::exponents;
use super::rounding::{Expansion, MAX_TERMS, Products, expand};
use super::session::{Session, Site};
use crate::graph::{Graph, Node, NodeId};

/// The parts of a sum of more terms are not looked at when the sum itself cannot be nested.
const RETRIED: usize = 32;

/// What could become of a sum: its polynomials, best first, and what the written form costs.
pub(super) struct Plan {
    pub(super) polynomials: Vec<(Polynomial, u64)>,
}

struct Planner<'a> {
    graph: &'a Graph,
    uses: Vec<u32>,
    leaves: Vec<bool>,
    /// Nodes that are part of a sum that has been looked at.
    claimed: Vec<bool>,
    /// A copy to build on, and the map of its first nodes: the identity.
    scratch: Graph,
    identity: Vec<NodeId>,
}

/// A plan for each sum that can be nested. Users come before their operands here, so that a sum's parts
/// are claimed before they are looked at.
pub(super) fn plans(graph: &Graph, session: &Session) -> FxHashMap<NodeId, Plan> {
    let uses = graph.use_counts();
    let mut planner = Planner {
        graph,
        leaves: leaves(graph, &uses),
        uses,
        claimed: vec![false; graph.len()],
        scratch: graph.clone(),
        identity: (0..graph.len()).map(NodeId::new).collect(),
    };
    let guarded = guarded(graph);
    let mut plans = FxHashMap::default();
    for (id, node) in graph.iter().rev() {
        let sum = matches!(node, Node::Apply(Op::Add | Op::Sub | Op::Mul, _));
        let number = graph.dtype(id).is_float() || graph.dtype(id).is_integer();
        let kept = graph.dtype(id).is_float() && guarded[id.index()];
        if !planner.claimed[id.index()] && sum && number && !kept && session.may(rule(graph, id)) {
            plans.extend(planner.plan(id).map(|plan| (id, plan)));
        }
    }
    plans
}

impl Planner<'_> {
    fn plan(&mut self, id: NodeId) -> Option<Plan> {
        for products in [Products::Distribute, Products::Keep] {
            let leaves = &self.leaves;
            let expansion = expand(self.graph, id, &|leaf| leaves[leaf.index()], products);
            let Some(expansion) = expansion else {
                claim_spine(self.graph, id, &self.leaves, &mut self.claimed);
                continue;
            };
            let plan = self.costed(id, &expansion);
            let (graph, mapped) = (self.graph, &self.identity);
            let works = nest(&plan, Site { graph, id }, mapped, &mut self.scratch).is_some();
            let last = products == Products::Keep && expansion.terms.len() > RETRIED;
            if works || last {
                for part in &expansion.interior {
                    self.claimed[part.index()] = true;
                }
            }
            if works {
                return Some(plan);
            }
        }
        None
    }

    fn costed(&self, id: NodeId, expansion: &Expansion) -> Plan {
        let costed = polynomials(self.graph, expansion).into_iter().map(|polynomial| {
            let cost = written_cost(self.graph, id, &polynomial, &self.uses);
            (polynomial, cost)
        });
        Plan { polynomials: costed.collect() }
    }
}

/// A sum of too many terms: the first operands that it leads through are parts of it, and the search
/// goes on below them, so that each node of a long chain is expanded a constant number of times.
fn claim_spine(graph: &Graph, id: NodeId, leaves: &[bool], claimed: &mut [bool]) {
    let mut part = id;
    for _ in 0..MAX_TERMS / 2 {
        let Node::Apply(Op::Add | Op::Sub | Op::Mul, args) = graph.node(part) else { return };
        let inner = args[..2].iter().copied().find(|arg| {
            matches!(graph.node(*arg), Node::Apply(Op::Add | Op::Sub | Op::Mul, _))
                && !leaves[arg.index()]
        });
        let Some(inner) = inner else { return };
        claimed[inner.index()] = true;
        part = inner;
    }
}

/// What a sum is expanded down to: everything but arithmetic, and arithmetic that others use too,
/// unless it is a power, which costs nothing to look through.
fn leaves(graph: &Graph, uses: &[u32]) -> Vec<bool> {
    // The base of which a node is a power.
    let mut bases: Vec<NodeId> = Vec::with_capacity(graph.len());
    let mut leaves = Vec::with_capacity(graph.len());
    for (id, node) in graph.iter() {
        let base = |arg: NodeId| bases[arg.index()];
        let (power_of, leaf) = match node {
            Node::Input(_) | Node::Index { .. } | Node::View(..) => (id, true),
            Node::Symbol(_) | Node::Expand(..) | Node::Reduce(..) => (id, true),
            Node::Text(_) | Node::Predicate(..) => (id, true),
            Node::Const(_) => (id, false),
            Node::Power(arg, exponent) if exponent > 0 => (base(arg), false),
            Node::Power(..) => (id, true),
            Node::Apply(Op::Mul, args) if base(args[0]) == base(args[1]) => (base(args[0]), false),
            Node::Apply(Op::Neg, _) => (id, false),
            Node::Apply(Op::Add | Op::Sub | Op::Mul, _) => (id, uses[id.index()] > 1),
            Node::Apply(Op::Div, args) => {
                let by_constant = graph.as_constant(args[1]).is_some();
                (id, uses[id.index()] > 1 || !by_constant)
            }
            Node::Apply(..) => (id, true),
        };
        bases.push(power_of);
        leaves.push(leaf);
    }
    leaves
}

/// The cost of what would be dead after the rewrite: nodes that only this sum needs.
fn written_cost(graph: &Graph, root: NodeId, polynomial: &Polynomial, uses: &[u32]) -> u64 {
    let leaves = leaves_of(polynomial, |id| id);
    let mut inside: FxHashMap<NodeId, u32> = FxHashMap::default();
    let mut order = vec![root];
    let mut position = 0;
    inside.insert(root, uses[root.index()]);
    while position < order.len() {
        let id = order[position];
        position += 1;
        // A node's arguments count as uses only once all users of the node are inside.
        for &arg in graph.node(id).args() {
            let count = inside.entry(arg).or_insert(0);
            *count += 1;
            if *count == uses[arg.index()] && !leaves.contains(&arg) {
                order.push(arg);
            }
        }
    }
    let mut degrees: FxHashSet<i32> = FxHashSet::default();
    let mut cost = 0_u64;
    for id in order {
        match degree_of(graph, id, polynomial.variable) {
            Some((n, true)) => degrees.extend(exponents(n)),
            Some((n, false)) => degrees.extend([n]),
            None => cost = cost.saturating_add(cost::of_node(graph, id)),
        }
    }
    let powers = u64::try_from(degrees.len()).unwrap_or(u64::MAX);
    cost.saturating_add(powers.saturating_mul(cost::rate(graph, polynomial.variable)))
}

/// The exponent of a power of the variable, and whether it is still to be made of products.
fn degree_of(graph: &Graph, id: NodeId, variable: NodeId) -> Option<(i32, bool)> {
    match graph.node(id) {
        Node::Power(base, n) if base == variable => Some((n, true)),
        Node::Apply(Op::Mul, args) if args[0] == variable && args[1] == variable => {
            Some((2, false))
        }
        Node::Input(_) | Node::Const(_) | Node::Apply(..) | Node::Power(..) => None,
        Node::Symbol(_) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
        Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => None,
    }
}
