//! Questions about texts: sources of passes, not part of them. What a pass computes from texts it reads
//! as bools; texts are inputs, views of inputs, or constants.

use fuse_ir::{Predicate, Source, TextOperand, index_u32};

use super::emit::{loop_axes, operand_view};
use super::schedule::Schedule;
use crate::graph::{Graph, Node, NodeId};

/// The predicates of a program; the schedule learns where they are.
pub(super) fn predicates(graph: &Graph, schedule: &mut Schedule) -> Vec<Predicate> {
    let mut predicates = Vec::new();
    for (id, node) in graph.iter() {
        if let Node::Predicate(op, args) = node {
            schedule.predicate_of.insert(id, index_u32(predicates.len()));
            let shape = graph.shape(id);
            let operands = args.map(|arg| operand(graph, schedule, arg, &shape));
            predicates.push(Predicate { op, operands, shape });
        }
    }
    predicates
}

fn operand(graph: &Graph, schedule: &Schedule, id: NodeId, shape: &fuse_ir::Shape) -> TextOperand {
    if let Some(text) = graph.as_text(id) {
        return TextOperand::Constant(text.clone());
    }
    if let Node::View(arg, _) = graph.node(id)
        && let Some(text) = graph.as_text(arg)
    {
        return TextOperand::Constant(text.clone());
    }
    let sources = schedule.sources_of(graph, id).unwrap_or_default();
    let source = sources.into_iter().find(|source| matches!(source, Source::Input(_)));
    let source = source.expect("a text is an input, a view of one, or a constant");
    TextOperand::View(operand_view(graph, source, id, loop_axes(shape, &graph.shape(id))))
}
