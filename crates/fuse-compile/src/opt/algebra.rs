//! Algebra: identities that keep every bit.
//!
//! Class: exact, for every input, signed zeros, infinities and NaN included (a NaN is a NaN whatever
//! its bits: stores make them canonical). What is *not* an identity of floats and is left alone:
//! `x+0 → x` (x = -0), `x*0 → 0` (NaN, infinities, signs), `x-x → 0`, `-(a-b) → b-a` (a = b).
//!
//! One identity, one function below; the list says which rule it counts as. A rewrite never changes a
//! node's shape: `where(c, a, a)` is `a` only where c does not widen it. Needs folded constants; leaves
//! no instance of the identities at any node it rebuilt. Cost: one loop over the arena, a constant
//! number of attempts at each node.

use fuse_ir::{DType, DTypeKind, SourceSpan};
use fuse_ops::{Op, promote};

use super::rules::RuleName;
use super::session::{Counts, Session, Site};
use crate::graph::{Constant, Graph, Node, NodeId, rebuild};

/// Rewrites at one node are at most this many: the longest chain of identities is three.
const ATTEMPTS: usize = 4;

/// An identity: the node's replacement, where it applies.
type Identity = fn(&mut Graph, &Applied) -> Option<NodeId>;

/// An operator application in the graph being built.
struct Applied {
    op: Op,
    args: [NodeId; 3],
    operand: DType,
    result: DType,
    span: SourceSpan,
}

const IDENTITIES: &[(RuleName, Identity)] = &[
    (RuleName::TimesOne, times_one),
    (RuleName::TimesMinusOne, times_minus_one),
    (RuleName::PlusZero, plus_zero),
    (RuleName::DoubleNegation, double_negation),
    (RuleName::Doubling, doubling),
    (RuleName::Reciprocal, reciprocal),
    (RuleName::PlusNegated, plus_negated),
    (RuleName::NegatedFactor, negated_factor),
    (RuleName::NegatedFactor, negated_product),
    (RuleName::SameArms, same_arms),
    (RuleName::KnownCondition, known_condition),
    (RuleName::Idempotent, idempotent),
    (RuleName::NeutralTruth, neutral_truth),
    (RuleName::AbsOfSign, abs_of_sign),
    (RuleName::SquareOfAbs, square_of_abs),
    (RuleName::NoCast, no_cast),
    (RuleName::RoundTwice, round_twice),
];

/// Those that hold of complex numbers too.
const STRUCTURAL: &[RuleName] =
    &[RuleName::DoubleNegation, RuleName::SameArms, RuleName::KnownCondition];

/// Applies the identities.
pub(super) fn run(graph: &Graph, session: &mut Session) -> Graph {
    rebuild(graph, |next, id, args| {
        let mut node = next.copy(graph, id, args);
        for _ in 0..ATTEMPTS {
            let Some((rule, replacement)) = simplified(next, session, Site { graph, id }, node)
            else {
                break;
            };
            node = session.fired(rule, Site { graph, id }, next, replacement, Counts::default());
            if node != replacement {
                // Sabotaged; a second time would mend it.
                break;
            }
        }
        node
    })
}

/// The first identity that applies to a node.
fn simplified(
    next: &mut Graph,
    session: &Session,
    site: Site<'_>,
    node: NodeId,
) -> Option<(RuleName, NodeId)> {
    let Node::Apply(op, args) = next.node(node) else { return None };
    let applied = Applied {
        op,
        args,
        operand: next.operand_dtype(node),
        result: next.dtype(node),
        span: next.span(node),
    };
    let complex = applied.operand.is_complex() || applied.result.is_complex();
    IDENTITIES.iter().find_map(|&(rule, identity)| {
        if complex && !STRUCTURAL.contains(&rule) {
            return None;
        }
        let replacement = session.may(rule).then(|| identity(next, &applied)).flatten()?;
        let changed = replacement != node && site.keeps_type(next, replacement);
        changed.then_some((rule, replacement))
    })
}

impl Applied {
    fn is_number(&self) -> bool {
        self.operand.is_float() || self.operand.is_integer()
    }

    /// The two operands in either order.
    fn pairs(&self) -> [(NodeId, NodeId); 2] {
        [(self.args[0], self.args[1]), (self.args[1], self.args[0])]
    }

    /// A new node in this one's place.
    fn with(&self, next: &mut Graph, op: Op, args: &[NodeId]) -> NodeId {
        next.apply(op, args, self.result, self.span)
    }
}

/// Is the node this number, in its own dtype? Zeros are told apart by sign.
fn is_value(graph: &Graph, id: NodeId, value: f64) -> bool {
    let Some(constant) = graph.as_constant(id) else { return false };
    match (constant.as_float(), constant.as_int()) {
        (Some(float), _) => float.to_bits() == value.to_bits(),
        (_, Some(int)) => int as f64 == value && int.unsigned_abs() < 1 << 53,
        (None, None) => false,
    }
}

/// The operand of a negation.
fn negated(graph: &Graph, id: NodeId) -> Option<NodeId> {
    operand_of(graph, id, Op::Neg)
}

/// The operand of this unary operator.
fn operand_of(graph: &Graph, id: NodeId, wanted: Op) -> Option<NodeId> {
    match graph.node(id) {
        Node::Apply(op, args) if op == wanted => Some(args[0]),
        Node::Input(_) | Node::Const(_) | Node::Apply(..) | Node::Power(..) => None,
        Node::Symbol(_) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
        Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => None,
    }
}

/// x with the constant that a product or quotient multiplies or divides it by.
fn by_constant(graph: &Graph, node: &Applied) -> Option<(NodeId, NodeId)> {
    let orders = if node.op == Op::Mul { 2 } else { 1 };
    let is_product = matches!(node.op, Op::Mul | Op::Div) && node.is_number();
    let constant = |&&(_, other): &&(NodeId, NodeId)| graph.as_constant(other).is_some();
    node.pairs()[..orders].iter().find(constant).copied().filter(|_| is_product)
}

fn times_one(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let (x, constant) = by_constant(next, node)?;
    is_value(next, constant, 1.0).then_some(x)
}

fn times_minus_one(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let (x, constant) = by_constant(next, node)?;
    is_value(next, constant, -1.0).then(|| node.with(next, Op::Neg, &[x]))
}

fn plus_zero(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    if !node.is_number() {
        return None;
    }
    let positive = |id| is_value(next, id, 0.0);
    let negative = |id| is_value(next, id, -0.0);
    let integer = node.operand.is_integer();
    if node.op == Op::Sub {
        return positive(node.args[1]).then_some(node.args[0]);
    }
    let neutral = |&&(_, zero): &&(NodeId, NodeId)| {
        if integer { positive(zero) } else { negative(zero) }
    };
    let found = node.pairs().iter().find(neutral).map(|pair| pair.0);
    found.filter(|_| node.op == Op::Add)
}

fn double_negation(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let complements = [Op::Not, Op::Invert];
    let inner = match node.op {
        Op::Neg => [Op::Neg, Op::Neg],
        Op::Not => complements,
        Op::Invert if node.operand == DType::Bool => complements,
        Op::Invert => [Op::Invert, Op::Invert],
        _ => return None,
    };
    inner.iter().find_map(|&op| operand_of(next, node.args[0], op))
}

fn doubling(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let (x, constant) = by_constant(next, node)?;
    let doubles = node.op == Op::Mul && is_value(next, constant, 2.0);
    doubles.then(|| node.with(next, Op::Add, &[x, x]))
}

fn reciprocal(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let divisor = next.as_constant(node.args[1]).filter(|_| node.op == Op::Div)?;
    let inverse = exact_reciprocal(divisor)?;
    let inverse = next.constant(inverse, node.span);
    Some(node.with(next, Op::Mul, &[node.args[0], inverse]))
}

/// 1/c for c = ±2^k where that is a number of the dtype.
fn exact_reciprocal(divisor: Constant) -> Option<Constant> {
    let value = divisor.as_float()?;
    let inverse = Constant::float(divisor.dtype, 1.0 / value);
    let back = inverse.as_float()?;
    // The quotient of 1 by a number that is not ±2^k is never exact, so that the product of both is
    // 1 in exact arithmetic only for powers of two.
    let is_power = value != 0.0 && value.is_finite() && is_power_of_two(value);
    (is_power && back != 0.0 && back.is_finite() && back * value == 1.0).then_some(inverse)
}

/// Is |value| a power of two? For finite values that are not 0.
fn is_power_of_two(value: f64) -> bool {
    let fraction = value.to_bits() & ((1 << 52) - 1);
    let subnormal = value.abs() < f64::MIN_POSITIVE;
    if subnormal { fraction.is_power_of_two() } else { fraction == 0 }
}

fn plus_negated(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    if !node.is_number() {
        return None;
    }
    if node.op == Op::Sub {
        let y = negated(next, node.args[1])?;
        return Some(node.with(next, Op::Add, &[node.args[0], y]));
    }
    let pairs = node.pairs();
    let found = pairs.iter().find_map(|&(x, other)| Some((x, negated(next, other)?)));
    let (x, y) = found.filter(|_| node.op == Op::Add)?;
    Some(node.with(next, Op::Sub, &[x, y]))
}

/// `(-x)*(-y)`, `(-x)*c`, and quotients alike.
fn negated_factor(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    if !matches!(node.op, Op::Mul | Op::Div) || !node.is_number() {
        return None;
    }
    if let (Some(x), Some(y)) = (negated(next, node.args[0]), negated(next, node.args[1])) {
        return Some(node.with(next, node.op, &[x, y]));
    }
    let [lhs, rhs] = [node.args[0], node.args[1]];
    let (x, constant) = match (negated(next, lhs), negated(next, rhs)) {
        (Some(x), _) => (x, next.as_constant(rhs)?),
        (_, Some(x)) => (x, next.as_constant(lhs)?),
        (None, None) => return None,
    };
    let constant = next.constant(minus(constant)?, node.span);
    let divides_constant = negated(next, lhs).is_none() && node.op == Op::Div;
    let args = if divides_constant { [constant, x] } else { [x, constant] };
    Some(node.with(next, node.op, &args))
}

/// `-(x*c)` and `-(x/c)`.
fn negated_product(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let Node::Apply(op @ (Op::Mul | Op::Div), args) = next.node(node.args[0]) else { return None };
    if node.op != Op::Neg {
        return None;
    }
    let position = (0..2).find(|&position| next.as_constant(args[position]).is_some())?;
    let constant = minus(next.as_constant(args[position])?)?;
    let mut args = [args[0], args[1]];
    args[position] = next.constant(constant, node.span);
    Some(node.with(next, op, &args))
}

/// -c.
pub(super) fn minus(constant: Constant) -> Option<Constant> {
    let dtype = constant.dtype;
    match (constant.as_float(), constant.as_int()) {
        (Some(value), _) => Some(Constant::float(dtype, -value)),
        (_, Some(value)) => Some(Constant::int(dtype, value.wrapping_neg())),
        (None, None) => None,
    }
}

fn same_arms(_next: &mut Graph, node: &Applied) -> Option<NodeId> {
    (node.op == Op::Where && node.args[1] == node.args[2]).then_some(node.args[1])
}

fn known_condition(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let condition = next.as_constant(node.args[0]).filter(|_| node.op == Op::Where)?;
    Some(if condition.bits != 0 { node.args[1] } else { node.args[2] })
}

fn idempotent(_next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let always = [Op::And, Op::Or, Op::BitAnd, Op::BitOr, Op::Minimum, Op::Maximum];
    let logic = node.operand == DType::Bool && [Op::Add, Op::Mul].contains(&node.op);
    let applies = always.contains(&node.op) || logic;
    (applies && node.args[0] == node.args[1]).then_some(node.args[0])
}

fn neutral_truth(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let neutral = match node.op {
        Op::And | Op::BitAnd | Op::Mul => 1,
        Op::Or | Op::BitOr | Op::Add | Op::BitXor => 0,
        _ => return None,
    };
    let is_neutral = |&&(_, other): &&(NodeId, NodeId)| {
        next.as_constant(other) == Some(Constant::bool(neutral == 1))
    };
    node.pairs().iter().find(is_neutral).map(|pair| pair.0)
}

fn abs_of_sign(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    if node.op != Op::Abs {
        return None;
    }
    let x = node.args[0];
    if node.operand == DType::Bool || operand_of(next, x, Op::Abs).is_some() {
        return Some(x);
    }
    if node.operand.kind() == DTypeKind::UInt {
        return Some(x);
    }
    if let Some(y) = negated(next, x) {
        return Some(node.with(next, Op::Abs, &[y]));
    }
    // A square of a float is +0, positive or NaN; one of integers may wrap.
    match next.node(x) {
        Node::Apply(Op::Mul, args) if args[0] == args[1] => node.operand.is_float().then_some(x),
        Node::Input(_) | Node::Const(_) | Node::Apply(..) | Node::Power(..) => None,
        Node::Symbol(_) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
        Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => None,
    }
}

fn square_of_abs(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let square = node.op == Op::Mul && node.args[0] == node.args[1] && node.is_number();
    let x = operand_of(next, node.args[0], Op::Abs).filter(|_| square)?;
    if next.dtype(x) != node.operand {
        // |z|² of a complex number is not z².
        return None;
    }
    Some(node.with(next, Op::Mul, &[x, x]))
}

fn no_cast(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    if node.op != Op::Cast {
        return None;
    }
    let x = node.args[0];
    if node.operand == node.result {
        return Some(x);
    }
    let first = operand_of(next, x, Op::Cast)?;
    let from = next.dtype(first);
    if !loses_nothing(from, node.operand, node.result) {
        return None;
    }
    if from == node.result {
        return Some(first);
    }
    Some(node.with(next, Op::Cast, &[first]))
}

/// Is every value of `from` one of `middle`, so that what follows sees the same number? A further cast
/// of that number rounds, wraps or saturates as a direct one: i32 → f64 → f32 and i32 → f32 round once.
/// But integers wrap where floats saturate: i32 → f64 → u8 is one cast only if u8 held every i32.
fn loses_nothing(from: DType, middle: DType, to: DType) -> bool {
    let holds = |narrow: DType, wide: DType| {
        let rounded = wide.is_float() && narrow.is_integer() && narrow.size() == 8;
        promote(narrow, wide) == Some(wide) && !rounded
    };
    let by_float = from.is_integer() && middle.is_float() && to.is_integer();
    holds(from, middle) && (!by_float || holds(from, to))
}

fn round_twice(next: &mut Graph, node: &Applied) -> Option<NodeId> {
    let roundings = [Op::Floor, Op::Ceil, Op::Trunc, Op::Round];
    if !roundings.contains(&node.op) {
        return None;
    }
    let x = node.args[0];
    let rounded = roundings.iter().any(|&op| operand_of(next, x, op).is_some());
    (rounded || !node.operand.is_float()).then_some(x)
}
