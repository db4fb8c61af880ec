//! Where relaxed rules must not fire.
//!
//! A relaxed rule may change a last bit. Where the value goes on to an operator that is undefined or
//! discontinuous somewhere, that bit can decide between a number and NaN: the discriminant of a double
//! root is exactly 0 as written, and `fma(b, b, -(4*a*c))` is as likely below as above it. So the
//! operands of such *sensitive* operators, and all they are computed from, keep every bit.
//!
//! * Sensitive are operators whose row states a domain (sqrt, log, asin, acosh and the like), pow, gamma
//!   (NaN at negative integers, where a limit does not exist), comparisons, and what jumps: floor, ceil,
//!   trunc, round, `//`, `%`, fmod, sign, signbit, copysign, atan2 (from π to -π), nextafter, casts of
//!   floats to integers or bool, argmax and argmin.
//! * sqrt of a value that is provably never negative ([`super::sign`]) is not: `sqrt(x*x + y*y)`. This
//!   asks the sign of the *whole* operand: in `sqrt(1 - (x*x + y*y))` the inner sum is one-signed, but
//!   its last bit decides at the unit circle.
//! * Comparisons have no exception: one-signed operands can be as equal as any.
//! * "Computed from" goes through every operator, not only `+ - *`: a sign survives a division or an
//!   `exp(x) - 1` as well.
//!
//! Division is not sensitive, though 1/0 is an infinity: rational functions are what Horner is for,
//! and a denominator that cancels to 0 in one form only has no correct digit in the other.
//!
//! Cost: one loop over the arena.

use fuse_ops::Op;

use super::sign::{Sign, signs};
use crate::graph::{Graph, Node, NodeId};

/// For each node: must it keep every bit?
pub fn guarded(graph: &Graph) -> Vec<bool> {
    let signs = signs(graph);
    let mut guarded = vec![false; graph.len()];
    for (id, node) in graph.iter().rev() {
        let exact = guarded[id.index()] || is_sensitive(graph, id, node, &signs);
        for arg in node.args() {
            guarded[arg.index()] |= exact;
        }
    }
    guarded
}

fn is_sensitive(graph: &Graph, id: NodeId, node: Node, signs: &[Sign]) -> bool {
    let (op, args) = match node {
        Node::Apply(op, args) => (op, args),
        Node::Reduce(op, ..) => return matches!(op, Op::IndexOfMax | Op::IndexOfMin),
        Node::Input(_) | Node::Const(_) | Node::Power(..) | Node::Symbol(_) => return false,
        Node::Index { .. } | Node::Expand(..) | Node::View(..) => return false,
        Node::Text(_) | Node::Predicate(..) => return false,
    };
    match op {
        Op::Sqrt => !signs[args[0].index()].never_negative,
        Op::Lt | Op::Le | Op::Eq | Op::Ne | Op::Gt | Op::Ge => true,
        Op::Floor | Op::Ceil | Op::Trunc | Op::Round => true,
        Op::FloorDiv | Op::Mod | Op::Fmod | Op::Pow => true,
        Op::Sign | Op::Signbit | Op::Copysign | Op::Atan2 | Op::Nextafter | Op::Gamma => true,
        Op::Cast => graph.operand_dtype(id).is_float() && !graph.dtype(id).is_float(),
        _ => {
            let domain = op.row().domain;
            let whole = domain.low == f64::NEG_INFINITY && domain.high == f64::INFINITY;
            !whole
        }
    }
}
