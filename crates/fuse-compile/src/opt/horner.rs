//! Horner: polynomials in nested form, one fma a step.
//!
//! ```text
//! 1 + 2*x + 3*x**2           fma(x, fma(x, 3, 2), 1)
//! x + x**2 + … + x**8        p = x; seven times p = fma(x, p, x)
//! 1 - x**2/2 + x**4/24       fma(x*x, fma(x*x, 1/24, -1/2), 1)
//! ```
//!
//! Class: relaxed on floats; exact on integers, where a step is a product and a sum. Fires only where
//! for every monomial r′(m) ≤ r(m) ([`super::rounding`], counted on the graph that was built, not
//! assumed), no value that must keep every bit depends on it ([`super::guard`]), the constants are in
//! range, and the cost by rate ([`super::cost`]) does not grow; on integers, only where it falls.
//!
//! The form. Present degrees e₁ > e₂ > … > e_t, g = the gap between two: p = fma(x^g, p, c). With the
//! constant term absent, a last run of coefficients 1 is built on top of x^e_t: p = fma(x^g, p, x^e_t),
//! which needs no product at the end. Powers x^g are products of squares, shared.
//!
//! Needs `Node::Power` unexpanded; leaves other terms as written, in their order, the polynomial in the
//! place of its last term. Sums with several polynomials are done one variable a round, at most [`ROUNDS`] times.
//! Cost: each sum of at most 128 terms is expanded a constant number of times; longer ones in parts.

use fuse_ir::{DType, SourceSpan};
use fuse_ops::Op;
use rustc_hash::FxHashSet;

use super::plan::{Plan, plans};
use super::polynomial::{Factor, Other, Polynomial, Power};
use super::powers::product;
use super::rounding::{Counted, Expansion, Factors, Products, expand, no_worse};
use super::rules::RuleName;
use super::session::{Counts, Session, Site};
use super::{cost, dead};
use crate::graph::{Constant, Graph, NodeId, rebuild};

/// Most variables in which one sum is nested.
const ROUNDS: usize = 3;

/// Nests polynomials.
pub(super) fn run(graph: &Graph, session: &mut Session) -> Graph {
    let mut graph = graph.clone();
    for _ in 0..ROUNDS {
        let (next, fired) = round(&graph, session);
        graph = dead::sweep(&next);
        if !fired {
            break;
        }
    }
    graph
}

fn round(graph: &Graph, session: &mut Session) -> (Graph, bool) {
    let plans = plans(graph, session);
    let mut mapped: Vec<NodeId> = Vec::with_capacity(graph.len());
    let mut fired = false;
    let next = rebuild(graph, |next, id, args| {
        let nested = plans.get(&id).and_then(|plan| {
            nest(plan, Site { graph, id }, &mapped, next).filter(|_| session.may(rule(graph, id)))
        });
        let node = match nested {
            None => next.copy(graph, id, args),
            Some((node, counts)) => {
                fired = true;
                session.fired(rule(graph, id), Site { graph, id }, next, node, counts)
            }
        };
        mapped.push(node);
        node
    });
    (next, fired)
}

pub(super) fn rule(graph: &Graph, id: NodeId) -> RuleName {
    if graph.dtype(id).is_float() { RuleName::Horner } else { RuleName::IntegerHorner }
}

/// The values that a polynomial is built from.
pub(super) fn leaves_of(
    polynomial: &Polynomial,
    map: impl Fn(NodeId) -> NodeId,
) -> FxHashSet<NodeId> {
    let values = polynomial.powers.iter().filter_map(|power| match power.factor {
        Factor::Value(value) => Some(value),
        Factor::One | Factor::Constant(..) => None,
    });
    let others = polynomial.others.iter().map(|other| other.node);
    std::iter::once(polynomial.variable).chain(values).chain(others).map(map).collect()
}

/// Builds the first polynomial that is no worse and no dearer.
pub(super) fn nest(
    plan: &Plan,
    site: Site<'_>,
    mapped: &[NodeId],
    next: &mut Graph,
) -> Option<(NodeId, Counts)> {
    plan.polynomials.iter().find_map(|(polynomial, cost)| {
        let map = |id: NodeId| mapped[id.index()];
        let mut form = Form {
            next,
            variable: map(polynomial.variable),
            dtype: site.graph.dtype(site.id),
            span: site.graph.span(site.id),
        };
        let nested = form.nested(&polynomial.powers, &map)?;
        let root = form.beside(nested, polynomial, &map);
        let leaves = leaves_of(polynomial, map);
        let new_cost = cost::from_leaves(next, root, &leaves);
        let float = site.graph.dtype(site.id).is_float();
        let cheaper = if float { new_cost <= *cost } else { new_cost < *cost };
        if !cheaper || !site.keeps_type(next, root) {
            return None;
        }
        if !float {
            return Some((root, Counts::default()));
        }
        let is_leaf = |id: NodeId| leaves.contains(&id);
        let expansion = expand(next, root, &is_leaf, Products::Distribute)?;
        let counts = counted(polynomial, &map, &expansion)?;
        let better = new_cost < *cost || counts.after != counts.before;
        better.then_some((root, counts))
    })
}

/// The rounding counts, if no monomial is rounded more often.
fn counted(
    polynomial: &Polynomial,
    map: &impl Fn(NodeId) -> NodeId,
    expansion: &Expansion,
) -> Option<Counts> {
    let own = |power: &Power| match power.factor {
        Factor::Constant(_, roundings) => roundings,
        Factor::One | Factor::Value(_) => 0,
    };
    let mut before: Vec<Counted> = Vec::new();
    let mut constants: Vec<(Factors, u32)> = Vec::new();
    for power in polynomial.powers.iter().rev() {
        let mut factors = Factors::new();
        if power.degree > 0 {
            factors.push((map(polynomial.variable), power.degree));
        }
        if let Factor::Value(value) = power.factor {
            factors.push((map(value), 1));
        }
        factors.sort_unstable();
        constants.push((factors.clone(), own(power)));
        before.push((factors, power.roundings));
    }
    for other in &polynomial.others {
        before.push(([(map(other.node), 1)].into_iter().collect(), other.roundings));
    }
    let after: Vec<Counted> = expansion
        .terms
        .iter()
        .map(|term| {
            let constant = constants.iter().find(|(factors, _)| *factors == term.factors);
            (term.factors.clone(), term.roundings + constant.map_or(0, |constant| constant.1))
        })
        .collect();
    if !no_worse(&before, &after) || before.len() != after.len() {
        return None;
    }
    let in_order = before.iter().map(|(factors, _)| {
        after.iter().find(|(other, _)| other == factors).map(|(_, roundings)| *roundings)
    });
    let after = in_order.collect::<Option<Vec<u32>>>()?;
    Some(Counts { before: before.iter().map(|(_, roundings)| *roundings).collect(), after })
}

/// The nested form being built.
struct Form<'a> {
    next: &'a mut Graph,
    variable: NodeId,
    dtype: DType,
    span: SourceSpan,
}

impl Form<'_> {
    fn nested(&mut self, powers: &[Power], map: &impl Fn(NodeId) -> NodeId) -> Option<NodeId> {
        let lowest = powers.last()?.degree;
        let ones = powers.iter().rev().take_while(|power| power.factor == Factor::One).count();
        let run = if lowest > 0 { ones } else { 0 };
        let (head, tail) = powers.split_at(powers.len() - run);
        let mut acc: Option<(NodeId, i32)> = None;
        for power in head {
            let factor = self.factor(power.factor, map);
            let value = match acc {
                None => factor,
                Some((acc, degree)) => self.step(degree - power.degree, acc, factor),
            };
            acc = Some((value, power.degree));
        }
        if lowest == 0 {
            return acc.map(|(value, _)| value);
        }
        // From here on everything is multiplied by x^lowest.
        let base = self.power(lowest);
        let mut acc = acc.map(|(value, degree)| (self.times(base, value), degree));
        for power in tail {
            let value = match acc {
                None => base,
                Some((acc, degree)) => self.step(degree - power.degree, acc, base),
            };
            acc = Some((value, power.degree));
        }
        acc.map(|(value, _)| value)
    }

    /// x^gap·acc + addend.
    fn step(&mut self, gap: i32, acc: NodeId, addend: NodeId) -> NodeId {
        let power = self.power(gap);
        if self.is_one(acc) {
            return self.apply(Op::Add, &[power, addend]);
        }
        if self.dtype.is_float() {
            return self.apply(Op::Fma, &[power, acc, addend]);
        }
        let product = self.apply(Op::Mul, &[power, acc]);
        self.apply(Op::Add, &[product, addend])
    }

    fn times(&mut self, power: NodeId, acc: NodeId) -> NodeId {
        if self.is_one(acc) { power } else { self.apply(Op::Mul, &[power, acc]) }
    }

    /// The sum of the other terms and the polynomial: those that passed more additions first, as they
    /// were written; the polynomial in the place of its last term.
    fn beside(
        &mut self,
        nested: NodeId,
        polynomial: &Polynomial,
        map: &impl Fn(NodeId) -> NodeId,
    ) -> NodeId {
        let other = |other: &Other| (other.roundings, map(other.node), other.subtracted);
        let mut items: Vec<(u32, NodeId, bool)> = polynomial.others.iter().map(other).collect();
        items.push((polynomial.path, nested, false));
        items.sort_by_key(|item| std::cmp::Reverse(item.0));
        let first = items.iter().position(|item| !item.2).unwrap_or(0);
        let (_, mut sum, _) = items.remove(first);
        for (_, node, subtracted) in items {
            let op = if subtracted { Op::Sub } else { Op::Add };
            sum = self.apply(op, &[sum, node]);
        }
        sum
    }

    fn factor(&mut self, factor: Factor, map: &impl Fn(NodeId) -> NodeId) -> NodeId {
        let one = if self.dtype.is_float() {
            Constant::float(self.dtype, 1.0)
        } else {
            Constant::int(self.dtype, 1)
        };
        match factor {
            Factor::One => self.next.constant(one, self.span),
            Factor::Constant(constant, _) => self.next.constant(constant, self.span),
            Factor::Value(value) => map(value),
        }
    }

    fn is_one(&self, id: NodeId) -> bool {
        let constant = self.next.as_constant(id);
        constant.is_some_and(|constant| {
            constant.as_float() == Some(1.0) || constant.as_int() == Some(1)
        })
    }

    fn power(&mut self, exponent: i32) -> NodeId {
        product(self.next, self.variable, exponent.unsigned_abs())
    }

    fn apply(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        self.next.apply(op, args, self.dtype, self.span)
    }
}
