//! Powers: `x**n` becomes the product of x^(2^i) over the set bits of n, lowest first.
//!
//! Class: exact on integers, where products wrap; relaxed on floats, where it *is* the meaning of
//! `x**n` in relaxed mode (`docs/numerics.md`). Squares are shared between powers of one base by
//! interning: `x**4 + x**8` is three products. Needs horner to have run, which wants to see powers.
//!
//! Leaves `Node::Power(base, n)` only for n = 0 (1 in the base's shape) and, on floats, for n < 0: their
//! expansion is `fuse_ops::power::float_power`, whose rare region needs the base itself. In strict mode
//! powers of floats are no such nodes but `Op::Pow`. Cost: one loop over the arena, at most ten products a power.

use fuse_ops::Op;

use super::rules::RuleName;
use super::session::{Counts, Session, Site};
use crate::graph::{Graph, Node, NodeId, rebuild};

/// Expands powers.
pub(super) fn run(graph: &Graph, session: &mut Session) -> Graph {
    rebuild(graph, |next, id, args| {
        let copied = |next: &mut Graph| next.copy(graph, id, args);
        let Node::Power(_, exponent) = graph.node(id) else { return copied(next) };
        if graph.dtype(id).is_complex() {
            return copied(next);
        }
        let float = graph.dtype(id).is_float();
        let rule = if float { RuleName::Power } else { RuleName::IntegerPower };
        if exponent <= 0 || !session.may(rule) {
            return copied(next);
        }
        let product = product(next, args[0], exponent.unsigned_abs());
        // The power was rounded as its product is: that is how it is defined.
        let roundings = if float { vec![exponent.unsigned_abs() - 1] } else { Vec::new() };
        let counts = Counts { before: roundings.clone(), after: roundings };
        session.fired(rule, Site { graph, id }, next, product, counts)
    })
}

/// x^n for n ≥ 1.
pub(super) fn product(next: &mut Graph, x: NodeId, n: u32) -> NodeId {
    let (dtype, span) = (next.dtype(x), next.span(x));
    let mut power = None;
    let mut square = x;
    let mut rest = n;
    loop {
        if rest & 1 == 1 {
            let times = |power| next.apply(Op::Mul, &[power, square], dtype, span);
            power = Some(power.map_or(square, times));
        }
        rest >>= 1;
        match (rest, power) {
            (0, Some(power)) => return power,
            _ => square = next.apply(Op::Mul, &[square, square], dtype, span),
        }
    }
}

/// The exponents of all products that x^n needs, itself included; powers of one base share them.
pub(super) fn exponents(n: i32) -> impl Iterator<Item = i32> {
    let squares = (1..31).map(|bit| 1_i32 << bit).filter(move |square| *square <= n);
    let partial = (1..31).map(move |bits| n & ((1 << bits) - 1)).filter(|part| *part > 1);
    squares.chain(partial).chain((n > 1).then_some(n))
}
