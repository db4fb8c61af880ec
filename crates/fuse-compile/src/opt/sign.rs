//! Signs that are known without seeing any value.
//!
//! A value is *never negative* if it is ≥ 0 or NaN for every input, however its parts are rounded: by
//! induction over the operators, each of which rounds monotonically, so that a rewrite that keeps the
//! parts one-signed keeps the whole one-signed. Zeros of either sign count as both. Floats only:
//! integers wrap. Cost: one loop over the arena.

use fuse_ir::{DType, DTypeKind};
use fuse_ops::Op;

use crate::graph::{Graph, Node, NodeId};

/// What is known of a sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sign {
    /// Is it never below zero?
    pub never_negative: bool,
    /// Is it never above zero?
    pub never_positive: bool,
}

const UNKNOWN: Sign = Sign { never_negative: false, never_positive: false };
const AT_LEAST_ZERO: Sign = Sign { never_negative: true, never_positive: false };

impl Sign {
    fn minus(self) -> Sign {
        Sign { never_negative: self.never_positive, never_positive: self.never_negative }
    }

    fn both(self, other: Sign) -> Sign {
        Sign {
            never_negative: self.never_negative && other.never_negative,
            never_positive: self.never_positive && other.never_positive,
        }
    }

    fn times(self, other: Sign) -> Sign {
        let equal = |a: Sign, b: Sign| {
            (a.never_negative && b.never_negative) || (a.never_positive && b.never_positive)
        };
        Sign { never_negative: equal(self, other), never_positive: equal(self, other.minus()) }
    }

    /// Have two values provably the same sign?
    pub fn agrees(self, other: Sign) -> bool {
        let both = self.both(other);
        both.never_negative || both.never_positive
    }

    /// Have a value and the negation of another provably the same sign?
    pub fn opposes(self, other: Sign) -> bool {
        self.agrees(other.minus())
    }
}

/// The sign of each node.
pub fn signs(graph: &Graph) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Vec::with_capacity(graph.len());
    for (id, node) in graph.iter() {
        let sign = if graph.dtype(id).is_float() { of_node(graph, node, &signs) } else { UNKNOWN };
        signs.push(sign);
    }
    signs
}

fn of_node(graph: &Graph, node: Node, signs: &[Sign]) -> Sign {
    let sign = |id: NodeId| signs[id.index()];
    match node {
        Node::Input(_) | Node::Expand(..) | Node::View(..) => UNKNOWN,
        Node::Symbol(_) | Node::Index { .. } | Node::Text(_) | Node::Predicate(..) => UNKNOWN,
        Node::Const(constant) => constant.as_float().map_or(UNKNOWN, of_number),
        Node::Power(_, exponent) if exponent % 2 == 0 => AT_LEAST_ZERO,
        // A negative odd power of -0 is -infinity, whatever the base's sign is said to be.
        Node::Power(base, exponent) if exponent > 0 => sign(base),
        Node::Power(..) => UNKNOWN,
        Node::Apply(op, args) => of_apply(graph, op, args, signs),
        Node::Reduce(op, [a, b], _) => of_reduction(op, [a, b], signs),
    }
}

/// Truth values and unsigned integers are.
fn is_unsigned(dtype: DType) -> bool {
    matches!(dtype.kind(), DTypeKind::Bool | DTypeKind::UInt)
}

fn of_number(value: f64) -> Sign {
    Sign { never_negative: value >= 0.0, never_positive: value <= 0.0 }
}

fn of_apply(graph: &Graph, op: Op, args: [NodeId; 3], signs: &[Sign]) -> Sign {
    let sign = |position: usize| signs[args[position].index()];
    match op {
        Op::Mul if args[0] == args[1] => AT_LEAST_ZERO,
        Op::Mul => sign(0).times(sign(1)),
        // A divisor that may be -0 would give the other infinity.
        Op::Div => match graph.as_constant(args[1]).and_then(|constant| constant.as_float()) {
            Some(divisor) if divisor != 0.0 => sign(0).times(of_number(divisor)),
            _ if is_count(graph, args[1]) => sign(0),
            _ => UNKNOWN,
        },
        Op::Fma if args[0] == args[1] => AT_LEAST_ZERO.both(sign(2)),
        Op::Fma => sign(0).times(sign(1)).both(sign(2)),
        Op::Add | Op::Minimum => {
            let both = sign(0).both(sign(1));
            let either = op == Op::Minimum && (sign(0).never_positive || sign(1).never_positive);
            Sign { never_positive: both.never_positive || either, ..both }
        }
        Op::Maximum => {
            let both = sign(0).both(sign(1));
            let either = sign(0).never_negative || sign(1).never_negative;
            Sign { never_negative: either, ..both }
        }
        Op::Sub => sign(0).both(sign(1).minus()),
        Op::Neg => sign(0).minus(),
        Op::Abs | Op::Sqrt | Op::Hypot | Op::Acos | Op::Cosh | Op::Sigmoid | Op::Erfc => {
            AT_LEAST_ZERO
        }
        Op::Exp | Op::Exp2 | Op::Exp10 => AT_LEAST_ZERO,
        // Odd and increasing, or of the argument's sign for another reason.
        Op::Cbrt | Op::Expm1 | Op::Log1p | Op::Sinh | Op::Tanh | Op::Asinh | Op::Atanh => sign(0),
        Op::Asin | Op::Atan | Op::Erf | Op::Deg2rad | Op::Rad2deg => sign(0),
        Op::Where => sign(1).both(sign(2)),
        Op::Floor | Op::Ceil | Op::Trunc | Op::Round => sign(0),
        Op::Cast if is_unsigned(graph.dtype(args[0])) => AT_LEAST_ZERO,
        Op::Cast if graph.dtype(args[0]).is_float() => sign(0),
        _ => UNKNOWN,
    }
}

fn of_reduction(op: Op, args: [NodeId; 2], signs: &[Sign]) -> Sign {
    let sign = |position: usize| signs[args[position].index()];
    match op {
        Op::Sum | Op::Max | Op::Min | Op::NanMax | Op::NanMin => sign(0),
        Op::Prod if sign(0).never_negative => AT_LEAST_ZERO,
        Op::SumOfProducts if args[0] == args[1] => AT_LEAST_ZERO,
        Op::SumOfProducts => sign(0).times(sign(1)),
        Op::SquaredDeviations | Op::DeviationsOfNumbers | Op::Norm => AT_LEAST_ZERO,
        _ => UNKNOWN,
    }
}

/// Is it a number of elements, as a float? As a divisor such is never -0.
fn is_count(graph: &Graph, id: NodeId) -> bool {
    let Node::Apply(Op::Cast, [arg, ..]) = graph.node(id) else { return false };
    matches!(graph.node(arg), Node::Symbol(symbol) if graph.is_extent(symbol))
}
