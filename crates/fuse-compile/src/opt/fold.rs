//! Folding: an operator all of whose operands are constants is its value.
//!
//! Class: exact. The value is computed by the operator's own expansion on primitives, evaluated as the
//! interpreter evaluates them, so that a folded constant cannot differ from a computed one. Needs
//! nothing; leaves no elementwise operator on constants alone. Constants are scalars, so shapes do not
//! change. Reductions are left: their fold runs once a call anyhow. Cost: one loop over the arena, and
//! the size of each folded expansion.

use fuse_ir::{Builder, Kernel, RegionBuilder, Scalar, ValueId, interp};
use fuse_ops::{Call, Expander, Expansion, lane_of, power};

use super::rules::RuleName;
use super::session::{Counts, Session, Site};
use crate::graph::{Constant, Graph, Node, NodeId, rebuild};

/// Folds.
pub(super) fn run(graph: &Graph, session: &mut Session) -> Graph {
    rebuild(graph, |next, id, args| {
        let copied = next.copy(graph, id, args);
        if args.is_empty() || !session.may(RuleName::Fold) {
            return copied;
        }
        let Some(value) = value(next, copied) else { return copied };
        let folded = next.constant(value, graph.span(id));
        session.fired(RuleName::Fold, Site { graph, id }, next, folded, Counts::default())
    })
}

/// The value of a node whose operands are all constants.
fn value(graph: &Graph, id: NodeId) -> Option<Constant> {
    let node = graph.node(id);
    let args: Option<Vec<Constant>> =
        node.args().iter().map(|&arg| graph.as_constant(arg)).collect();
    let args = args?;
    let (operand, result) = (graph.operand_dtype(id), graph.dtype(id));
    if result.is_complex() {
        // No constant is complex.
        return None;
    }
    let (mut kernel, mut region) = (Builder::new(), RegionBuilder::new(&[]));
    let args: Vec<ValueId> = args
        .iter()
        .map(|arg| region.constant(Scalar { lane: lane_of(arg.dtype), bits: arg.bits }))
        .collect();
    let call = Call { operand, result, args: &args };
    let mut expander = Expander { kernel: &mut kernel, region: &mut region };
    let value = match node {
        Node::Input(_) | Node::Const(_) | Node::Symbol(_) | Node::Index { .. } => return None,
        Node::Expand(..) | Node::View(..) | Node::Reduce(..) => return None,
        Node::Text(_) | Node::Predicate(..) => return None,
        Node::Apply(op, _) => match op.row().expansion {
            Expansion::Lanes(expand) => expand(&mut expander, &call),
            Expansion::Fold(_) => return None,
        },
        Node::Power(_, exponent) => power_of(&mut expander, &call, exponent)?,
    };
    let bits = match region.as_constant(value) {
        Some(scalar) => scalar.bits,
        None => evaluated(kernel.finish(region.finish(&[value])))?,
    };
    Some(Constant { dtype: result, bits })
}

fn power_of(expander: &mut Expander<'_>, call: &Call<'_>, exponent: i32) -> Option<ValueId> {
    let base = call.args[0];
    match exponent {
        0 if call.is_float() => Some(expander.float(base, 1.0)),
        0 => Some(expander.int(base, 1)),
        _ if call.is_float() => Some(power::float_power(expander, call, exponent)),
        1.. => Some(power::product(expander, base, exponent.unsigned_abs())),
        _ => None,
    }
}

/// What a kernel without parameters gives: expansions with control constructs do not fold by
/// themselves.
fn evaluated(kernel: Kernel) -> Option<u64> {
    interp::eval_scalars(&kernel, &kernel.lane, &[]).first().map(|scalar| scalar.bits)
}
