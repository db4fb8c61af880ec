//! What a graph means, element by element: each node through its operator's own expansion, evaluated by
//! the interpreter's reference semantics, 32 elements at a time.

use fuse_ir::{Builder, RegionBuilder, Scalar, ValueId, interp};
use fuse_ops::{Call, Expander, Expansion, Op, lane_of, power};

use crate::graph::{Graph, Node};

/// Elements of one evaluation.
pub(super) const LANES: usize = fuse_ir::GRANULE;

/// The bits of an input's elements.
pub(super) type Values = [u64; LANES];

/// The elements of the graph's first result, for these inputs by position.
pub(super) fn evaluate(graph: &Graph, inputs: &[Values]) -> Values {
    let lanes: Vec<_> = graph.inputs().iter().map(|input| lane_of(input.ty.dtype)).collect();
    let (mut kernel, mut region) = (Builder::new(), RegionBuilder::new(&lanes));
    let mut values: Vec<ValueId> = Vec::with_capacity(graph.len());
    for (id, node) in graph.iter() {
        let args: Vec<ValueId> = node.args().iter().map(|arg| values[arg.index()]).collect();
        let call = Call { operand: graph.operand_dtype(id), result: graph.dtype(id), args: &args };
        let mut expander = Expander { kernel: &mut kernel, region: &mut region };
        let value = match node {
            Node::Input(position) => expander.param(position as usize),
            Node::Const(constant) => {
                expander.constant(Scalar { lane: lane_of(constant.dtype), bits: constant.bits })
            }
            Node::Power(_, exponent) => power_value(&mut expander, &call, exponent),
            Node::Apply(op, _) => match op.row().expansion {
                Expansion::Lanes(expand) => expand(&mut expander, &call),
                Expansion::Fold(_) => unreachable!("no elementwise operator"),
            },
            // Prefixes, the only views of these tests, keep the place of each element.
            Node::View(_, view) => {
                let picks = &graph.view_of(view).picks;
                assert!(picks.iter().all(|pick| graph.symbol_value(pick.start) == Some(0)));
                args[0]
            }
            Node::Expand(..) => args[0],
            // Of one element each.
            Node::Reduce(Op::SumOfProducts, ..) => expander.fmul(args[0], args[1]),
            Node::Reduce(..) => args[0],
            Node::Symbol(_) | Node::Index { .. } | Node::Text(_) | Node::Predicate(..) => {
                unreachable!("these tests have no such node")
            }
        };
        values.push(value);
    }
    let region = region.finish(&[values[graph.results[0].index()]]);
    let kernel = kernel.finish(region);
    let results = interp::eval_region(&kernel, &interp::reference, &kernel.lane, inputs);
    results[0]
}

fn power_value(expander: &mut Expander<'_>, call: &Call<'_>, exponent: i32) -> ValueId {
    let base = call.args[0];
    match (exponent, call.is_float()) {
        (0, true) => expander.float(base, 1.0),
        (0, false) => expander.int(base, 1),
        (_, true) => power::float_power(expander, call, exponent),
        (_, false) => power::product(expander, base, exponent.unsigned_abs()),
    }
}
