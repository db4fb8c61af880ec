//! Contraction: a product and a sum become one fma.
//!
//! Class: relaxed. The product loses its own rounding, so every count falls by one or stays. `x·y + z`
//! is contracted only where the product p has no other use and
//!
//! 1. a factor is ±2^k: the product was exact anyway;
//! 2. or z is an input, a constant, a scalar that is not itself a rounded product, quotient or root, or
//!    an fma that horner wrote;
//! 3. or p and z have provably the same sign ([`super::sign`]).
//!
//! Never otherwise for a sum or difference of two rounded products, quotients or roots: `a*b - c*d` and
//! `b*b - 4*a*c` stay as written, since their cancellation to exactly 0 is what users rely on. And not
//! where a value that must keep every bit depends on it ([`super::guard`]), nor where p is computed at a
//! coarser rate than the sum, which would gain nothing.
//!
//! There is no fnma primitive. `p - z` and `z - p` are contracted where the negation is free or cheaper
//! than the sum: for a constant (it changes sign), or for a scalar beside an array.
//!
//! Needs reassociated constants and expanded powers; leaves no sum that a rule above allows. Of two
//! products that qualify the one made last is contracted. Cost: one loop over the arena.

use fuse_ir::DType;
use fuse_ops::Op;

use super::algebra::minus;
use super::coefficient::is_power_of_two;
use super::guard::guarded;
use super::polynomial::may_be_added;
use super::rules::RuleName;
use super::session::{Counts, Session, Site};
use super::sign::{Sign, signs};
use crate::graph::{Constant, Graph, Node, NodeId, rebuild};

/// What contraction asks of the graph before the pass.
struct Facts<'a> {
    graph: &'a Graph,
    uses: Vec<u32>,
    signs: Vec<Sign>,
    guarded: Vec<bool>,
}

/// A sum in which a product may be contracted: `±product ± addend`.
struct Sum {
    product: NodeId,
    addend: NodeId,
    minus_product: bool,
    minus_addend: bool,
}

/// Contracts.
pub(super) fn run(graph: &Graph, session: &mut Session) -> Graph {
    let (uses, signs, guarded) = (graph.use_counts(), signs(graph), guarded(graph));
    let facts = Facts { graph, uses, signs, guarded };
    let mut mapped: Vec<NodeId> = Vec::with_capacity(graph.len());
    rebuild(graph, |next, id, args| {
        let fused = if session.may(RuleName::Contract) {
            facts.sums(id).iter().find_map(|sum| {
                Some((facts.fused(sum, id, &mapped, next)?, facts.written_counts(sum)))
            })
        } else {
            None
        };
        let site = Site { graph, id };
        let node = match fused.filter(|&(node, _)| site.keeps_type(next, node)) {
            None => next.copy(graph, id, args),
            Some((node, before)) => {
                let counts = Counts { before, after: vec![1, 1] };
                session.fired(RuleName::Contract, site, next, node, counts)
            }
        };
        mapped.push(node);
        node
    })
}

impl Facts<'_> {
    /// The sums that a node can be read as and that may be contracted, best first.
    fn sums(&self, id: NodeId) -> Vec<Sum> {
        let Node::Apply(op @ (Op::Add | Op::Sub), args) = self.graph.node(id) else {
            return Vec::new();
        };
        if !self.graph.dtype(id).is_float() || self.guarded[id.index()] {
            return Vec::new();
        }
        let subtracts = op == Op::Sub;
        let (lhs, rhs) = (args[0], args[1]);
        let sums = [
            Sum { product: rhs, addend: lhs, minus_product: subtracts, minus_addend: false },
            Sum { product: lhs, addend: rhs, minus_product: false, minus_addend: subtracts },
        ];
        sums.into_iter().filter(|sum| self.allows(id, sum)).collect()
    }

    fn allows(&self, id: NodeId, sum: &Sum) -> bool {
        let &Sum { product, addend, .. } = sum;
        let Some(factors) = self.factors(product) else { return false };
        let single = self.uses[product.index()] == 1;
        if !single || self.graph.shape(product) != self.graph.shape(id) {
            return false;
        }
        let (p, z) = (self.signs[product.index()], self.signs[addend.index()]);
        let same_sign =
            if sum.minus_product == sum.minus_addend { p.agrees(z) } else { p.opposes(z) };
        factors.1 || self.is_simple(addend) || same_sign
    }

    /// Roundings of the product and the addend as written.
    fn written_counts(&self, sum: &Sum) -> Vec<u32> {
        let exact = self.factors(sum.product).is_some_and(|factors| factors.1);
        if exact { vec![1, 1] } else { vec![2, 1] }
    }

    /// The factors of a product, and whether it is exact. `x + x` is 2·x.
    fn factors(&self, id: NodeId) -> Option<((NodeId, Option<NodeId>), bool)> {
        let is_scale = |arg: NodeId| {
            let value = self.graph.as_constant(arg).and_then(Constant::as_float);
            value.is_some_and(is_power_of_two)
        };
        match self.graph.node(id) {
            Node::Apply(Op::Mul, args) => {
                let exact = is_scale(args[0]) || is_scale(args[1]);
                Some(((args[0], Some(args[1])), exact))
            }
            Node::Apply(Op::Add, args) if args[0] == args[1] => Some(((args[0], None), true)),
            Node::Input(_) | Node::Const(_) | Node::Apply(..) | Node::Power(..) => None,
            Node::Symbol(_) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
            Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => None,
        }
    }

    /// Condition 2. An fma in the graph before this pass is one of horner's.
    fn is_simple(&self, addend: NodeId) -> bool {
        matches!(self.graph.node(addend), Node::Apply(Op::Fma, _))
            || may_be_added(self.graph, addend)
    }

    /// The fma, with signs moved into constants or scalars; `None` where they have no free place.
    fn fused(&self, sum: &Sum, id: NodeId, mapped: &[NodeId], next: &mut Graph) -> Option<NodeId> {
        let dtype = self.graph.dtype(id);
        let ((first, second), _) = self.factors(sum.product)?;
        let map = |id: NodeId| mapped[id.index()];
        let two = |next: &mut Graph| {
            next.constant(Constant::float(dtype, 2.0), self.graph.span(sum.product))
        };
        let mut x = map(first);
        let mut y = second.map_or_else(|| two(next), map);
        let mut z = map(sum.addend);
        if sum.minus_addend {
            z = self.negated(next, z, id, dtype)?;
        }
        if sum.minus_product {
            match self.negated(next, y, id, dtype) {
                Some(negated) => y = negated,
                None => x = self.negated(next, x, id, dtype)?,
            }
        }
        Some(next.apply(Op::Fma, &[x, y, z], dtype, self.graph.span(id)))
    }

    /// -x where that costs nothing for each element.
    fn negated(&self, next: &mut Graph, x: NodeId, id: NodeId, dtype: DType) -> Option<NodeId> {
        if let Some(constant) = next.as_constant(x) {
            return Some(next.constant(minus(constant)?, self.graph.span(id)));
        }
        let per_call = next.ty(x).shape.is_empty() && !self.graph.ty(id).shape.is_empty();
        per_call.then(|| next.apply(Op::Neg, &[x], dtype, self.graph.span(id)))
    }
}
