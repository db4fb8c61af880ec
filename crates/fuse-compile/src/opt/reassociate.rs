//! Reassociation: the constants of a chain become one.
//!
//! ```text
//! x + 17 + 17 → x + 34      c - (x + d) → (c - d) - x        only where the constant is exact
//! x*9/5 → x*1.8             x/3/7 → x*(1/21)                 only where no count grows
//! i*3*5 → i*15              (i + 17) + j → (i + j) + 17      integers wrap: always
//! ```
//!
//! Class: exact on integers, relaxed on floats.
//!
//! **Sums** of floats: a chain `±x + c` and one more constant have counts 2, 2, 1; merged 1, 1. The new
//! constant has to be exact, so .1 + .2 stays.
//!
//! **Products and quotients** of floats: K is the quotient of the products of the chain's multipliers
//! and divisors, each exact or rounded and counted, and K itself is rounded at most once. x*K is
//! rounded once more; the chain before counted one for each step but those by ±2^k. Where a product
//! would count more, but 1/K is one product of divisors, a single quotient is tried. A single x/c stays
//! (it has one rounding, x*(1/c) two), unless 1/c is exact, which is algebra's. `x/a/b → x/(a*b)` with
//! *scalars* a, b is left out: whether a*b is finite and normal is known only at run time, and a guard
//! would cost as much as it saves.
//!
//! Not where a value that must keep every bit depends on it ([`super::guard`]): `(x + c) - c` under a
//! sqrt or comparison rounds on purpose. The inner node must have no other use, so that nothing is
//! computed twice. Needs algebra's forms; leaves at most one constant at the end of each chain, and a
//! chain of any length is done in one loop over the arena, link by link.

use fuse_ir::DType;
use fuse_ops::Op;
use rustc_hash::FxHashMap;

use super::coefficient::{Coefficient, exact_sum, is_power_of_two};
use super::guard::guarded;
use super::rules::RuleName;
use super::session::{Counts, Session, Site};
use crate::graph::{Constant, Graph, Node, NodeId, rebuild};

/// Merges the constants of chains.
pub(super) fn run(graph: &Graph, session: &mut Session) -> Graph {
    let guarded = guarded(graph);
    let mut chains = Chains { uses: graph.use_counts(), products: FxHashMap::default() };
    rebuild(graph, |next, id, args| {
        let node = next.copy(graph, id, args);
        let site = Site { graph, id };
        let dtype = graph.dtype(id);
        if !(dtype.is_float() || dtype.is_integer()) || (dtype.is_float() && guarded[id.index()]) {
            return node;
        }
        let merged = chains
            .sum(next, session, site, node)
            .or_else(|| chains.outward(next, session, site, node))
            .or_else(|| chains.product(next, session, site, node));
        match merged {
            Some((rule, merged, counts)) if site.keeps_type(next, merged) => {
                session.fired(rule, site, next, merged, counts)
            }
            Some(_) | None => node,
        }
    })
}

type Merged = Option<(RuleName, NodeId, Counts)>;

/// A float product or quotient by constants: `x * coefficient`.
#[derive(Clone, Copy)]
struct Product {
    x: NodeId,
    coefficient: Coefficient,
    /// Roundings as written.
    roundings: u32,
}

/// `±x + constant`.
#[derive(Clone, Copy)]
struct Shifted {
    x: NodeId,
    negated: bool,
    constant: Constant,
}

struct Chains {
    /// Uses in the graph before the pass.
    uses: Vec<u32>,
    /// What a node of the new graph was written as.
    products: FxHashMap<NodeId, Product>,
}

impl Chains {
    /// Is the operand at this position of the site used by the site alone?
    fn is_single(&self, site: Site<'_>, position: usize) -> bool {
        let arg = site.graph.node(site.id).args()[position];
        self.uses[arg.index()] == 1
    }

    /// The operand beside the constant that a binary node of the new graph has, with its position in
    /// the site: commutative operands may stand in another order there.
    fn single_operand(&self, next: &Graph, site: Site<'_>, operand: NodeId) -> bool {
        let written = site.graph.node(site.id);
        let constant = |arg: NodeId| site.graph.as_constant(arg).is_some();
        let position = written.args().iter().position(|&arg| !constant(arg));
        next.as_constant(operand).is_none()
            && position.is_some_and(|position| self.is_single(site, position))
    }

    /// `(±x + c) ± d` and `d - (±x + c)`.
    fn sum(&self, next: &mut Graph, session: &Session, site: Site<'_>, node: NodeId) -> Merged {
        let dtype = next.dtype(node);
        let float = dtype.is_float();
        let rule = if float { RuleName::ConstantSum } else { RuleName::IntegerSum };
        let outer = shifted(next, node).filter(|_| session.may(rule))?;
        let inner = shifted(next, outer.x)?;
        if !self.single_operand(next, site, outer.x) {
            return None;
        }
        let negated = inner.negated != outer.negated;
        let constant = sum_of(dtype, outer.negated, inner.constant, outer.constant)?;
        let constant = next.constant(constant, site.graph.span(site.id));
        let (op, args) =
            if negated { (Op::Sub, [constant, inner.x]) } else { (Op::Add, [inner.x, constant]) };
        let merged = next.apply(op, &args, dtype, site.graph.span(site.id));
        let counts = Counts { before: vec![2, 2, 1], after: vec![1, 1, 1] };
        Some((rule, merged, if float { counts } else { Counts::default() }))
    }

    /// `(±x + c) ± y` of integers: the constant goes outwards, where it may meet another.
    fn outward(&self, next: &mut Graph, session: &Session, site: Site<'_>, node: NodeId) -> Merged {
        let Node::Apply(op @ (Op::Add | Op::Sub), args) = next.node(node) else { return None };
        let dtype = next.dtype(node);
        let constant = |&arg: &NodeId| next.as_constant(arg).is_some();
        let applies = dtype.is_integer() && session.may(RuleName::IntegerOutward);
        if !applies || args[..2].iter().any(constant) || args[0] == args[1] {
            return None;
        }
        let written = site.graph.node(site.id);
        let position = (0..2).find(|&position| {
            let single = written.args().iter().filter(|&&arg| self.uses[arg.index()] == 1);
            shifted(next, args[position]).is_some() && single.count() == 2
        })?;
        let inner = shifted(next, args[position]).filter(|inner| !inner.negated)?;
        let span = site.graph.span(site.id);
        let mut rest = [args[0], args[1]];
        rest[position] = inner.x;
        let sum = next.apply(op, &rest, dtype, span);
        let constant = next.constant(inner.constant, span);
        let outer = if op == Op::Sub && position == 1 { Op::Sub } else { Op::Add };
        let moved = next.apply(outer, &[sum, constant], dtype, span);
        Some((RuleName::IntegerOutward, moved, Counts::default()))
    }

    /// `x * c`, `x / c` of such a product or quotient.
    fn product(
        &mut self,
        next: &mut Graph,
        session: &Session,
        site: Site<'_>,
        node: NodeId,
    ) -> Merged {
        let dtype = next.dtype(node);
        let float = dtype.is_float();
        let rule = if float { RuleName::ConstantProduct } else { RuleName::IntegerProduct };
        let (x, factor, rounds) = scaled(next, node)?;
        let single = self.single_operand(next, site, x);
        let inner = self.products.get(&x).copied();
        let inner = inner.or_else(|| {
            let (x, coefficient, roundings) = scaled(next, x)?;
            Some(Product { x, coefficient, roundings })
        });
        let inner = inner.filter(|_| single && session.may(rule))?;
        let all = Product {
            x: inner.x,
            coefficient: inner.coefficient.times(factor),
            roundings: inner.roundings + rounds,
        };
        let (merged, roundings) = all.built(next, dtype, site)?;
        self.products.insert(merged, all);
        let counts = Counts { before: vec![all.roundings], after: vec![roundings] };
        Some((rule, merged, if float { counts } else { Counts::default() }))
    }
}

impl Product {
    /// One product, or one quotient, that is rounded no more often.
    fn built(&self, next: &mut Graph, dtype: DType, site: Site<'_>) -> Option<(NodeId, u32)> {
        let span = site.graph.span(site.id);
        let (constant, roundings) = self.coefficient.constant(dtype)?;
        let scales = constant.as_float().is_some_and(is_power_of_two);
        let total = roundings + u32::from(!scales);
        if total <= self.roundings || !dtype.is_float() {
            let constant = next.constant(constant, span);
            return Some((next.apply(Op::Mul, &[self.x, constant], dtype, span), total));
        }
        let inverse = Coefficient::one(dtype).over(self.coefficient);
        let (divisor, roundings) = inverse.constant(dtype)?;
        let divisor = next.constant(divisor, span);
        let quotient = next.apply(Op::Div, &[self.x, divisor], dtype, span);
        (roundings < self.roundings).then_some((quotient, roundings + 1))
    }
}

/// A node as `±x + constant`.
fn shifted(graph: &Graph, id: NodeId) -> Option<Shifted> {
    let Node::Apply(op @ (Op::Add | Op::Sub), args) = graph.node(id) else { return None };
    let (lhs, rhs) = (graph.as_constant(args[0]), graph.as_constant(args[1]));
    match (op, lhs, rhs) {
        (_, Some(_), Some(_)) | (_, None, None) => None,
        (Op::Sub, None, Some(constant)) => {
            let constant = super::algebra::minus(constant)?;
            Some(Shifted { x: args[0], negated: false, constant })
        }
        (Op::Sub, Some(constant), None) => Some(Shifted { x: args[1], negated: true, constant }),
        (_, None, Some(constant)) => Some(Shifted { x: args[0], negated: false, constant }),
        (_, Some(constant), None) => Some(Shifted { x: args[1], negated: false, constant }),
    }
}

/// `±inner + outer`, if it is exact.
fn sum_of(dtype: DType, minus_inner: bool, inner: Constant, outer: Constant) -> Option<Constant> {
    let inner = if minus_inner { super::algebra::minus(inner)? } else { inner };
    match (inner.as_float(), outer.as_float(), inner.as_int(), outer.as_int()) {
        (Some(a), Some(b), _, _) => exact_sum(dtype, a, b).map(|sum| Constant::float(dtype, sum)),
        (_, _, Some(a), Some(b)) => Some(Constant::int(dtype, a.wrapping_add(b))),
        _ => None,
    }
}

/// A node as `x * coefficient`, with its roundings: a product or quotient by a constant, or `x + x`.
fn scaled(graph: &Graph, id: NodeId) -> Option<(NodeId, Coefficient, u32)> {
    let Node::Apply(op, args) = graph.node(id) else { return None };
    let dtype = graph.dtype(id);
    let (lhs, rhs) = (graph.as_constant(args[0]), graph.as_constant(args[1]));
    let rounds = |constant: Constant| u32::from(!constant.as_float().is_some_and(is_power_of_two));
    match (op, lhs, rhs) {
        (Op::Mul, Some(constant), None) => {
            Some((args[1], Coefficient::of(constant)?, rounds(constant)))
        }
        (Op::Mul, None, Some(constant)) => {
            Some((args[0], Coefficient::of(constant)?, rounds(constant)))
        }
        (Op::Div, None, Some(constant)) => {
            let inverse = Coefficient::one(dtype).over(Coefficient::of(constant)?);
            Some((args[0], inverse, rounds(constant)))
        }
        (Op::Add, None, None) if args[0] == args[1] && dtype.is_float() => {
            Some((args[0], Coefficient::of(Constant::float(dtype, 2.0))?, 0))
        }
        _ => None,
    }
}
