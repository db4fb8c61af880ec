//! Nodes as formulas, for reports: cut off at a depth and a length, so that describing a node of a
//! long chain costs no more than describing a short one.

use fuse_ir::TextOp;
use fuse_ops::{Op, Syntax};

use crate::graph::{Graph, Node, NodeId};

/// Operators nested deeper than this are written `…`.
const DEPTH: usize = 24;

/// Longer text is cut.
const LENGTH: usize = 240;

/// The formula that a node computes.
pub(super) fn describe(graph: &Graph, id: NodeId) -> String {
    let mut text = String::new();
    write_node(graph, id, DEPTH, &mut text);
    text
}

fn write_node(graph: &Graph, id: NodeId, depth: usize, text: &mut String) {
    if depth == 0 || text.len() > LENGTH {
        text.push('…');
        return;
    }
    match graph.node(id) {
        Node::Input(position) => text.push_str(&graph.inputs()[position as usize].name),
        Node::Const(constant) => text.push_str(&constant.to_string()),
        Node::Power(base, exponent) => {
            write_operand(graph, base, depth, text);
            text.push_str(&format!("**{exponent}"));
        }
        Node::Apply(op, _) => write_apply(graph, id, op, depth, text),
        Node::Symbol(symbol) => text.push_str(&graph.symbol_text(symbol)),
        Node::Text(of) => text.push_str(&graph.text_of(of).to_string()),
        Node::Predicate(op, args) => write_predicate(graph, op, args, depth, text),
        Node::Index { extent, .. } => {
            text.push_str(&format!("arange({})", graph.symbol_text(extent)));
        }
        Node::Expand(arg, _) => {
            text.push_str("full(");
            write_node(graph, arg, depth - 1, text);
            text.push(')');
        }
        Node::View(arg, _) => {
            write_operand(graph, arg, depth, text);
            text.push_str("[…]");
        }
        Node::Reduce(op, ..) => {
            text.push_str(op.row().name);
            write_arguments(graph, id, depth, text);
        }
    }
}

fn write_apply(graph: &Graph, id: NodeId, op: Op, depth: usize, text: &mut String) {
    let node = graph.node(id);
    let args = node.args();
    match op.row().syntax {
        Syntax::Infix(symbol) => {
            write_operand(graph, args[0], depth, text);
            text.push_str(&format!(" {symbol} "));
            write_operand(graph, args[1], depth, text);
        }
        Syntax::Prefix(symbol) => {
            text.push_str(symbol);
            text.push_str(if symbol.len() > 1 { " " } else { "" });
            write_operand(graph, args[0], depth, text);
        }
        Syntax::Function | Syntax::Internal => {
            let name = if op == Op::Cast {
                graph.dtype(id).to_string()
            } else {
                op.row().name.to_string()
            };
            text.push_str(&name);
            write_arguments(graph, id, depth, text);
        }
    }
}

/// `(a, b)`, and the axes of a reduction that are not all.
fn write_arguments(graph: &Graph, id: NodeId, depth: usize, text: &mut String) {
    let node = graph.node(id);
    for (position, &arg) in node.args().iter().enumerate() {
        text.push_str(if position == 0 { "(" } else { ", " });
        write_node(graph, arg, depth - 1, text);
    }
    if let Node::Reduce(_, _, reduction) = node {
        let reduction = graph.reduction(reduction);
        let axes: Vec<String> = reduction.axes.iter().map(ToString::to_string).collect();
        match axes.as_slice() {
            _ if reduction.is_full() => {}
            [axis] => text.push_str(&format!(", axis={axis}")),
            axes => text.push_str(&format!(", axis=({})", axes.join(", "))),
        }
    }
    text.push(')');
}

/// `s == 'ab'`, `contains(s, t)`.
fn write_predicate(
    graph: &Graph,
    op: TextOp,
    [lhs, rhs]: [NodeId; 2],
    depth: usize,
    text: &mut String,
) {
    let (open, between, close) = match op {
        TextOp::Contains => ("contains(", ", ".to_string(), ")"),
        TextOp::Eq | TextOp::Ne | TextOp::Lt | TextOp::Le | TextOp::Gt | TextOp::Ge => {
            ("", format!(" {} ", op.symbol()), "")
        }
    };
    text.push_str(open);
    write_operand(graph, lhs, depth, text);
    text.push_str(&between);
    write_operand(graph, rhs, depth, text);
    text.push_str(close);
}

/// An operand of an operator: in brackets where it is an operator itself.
fn write_operand(graph: &Graph, id: NodeId, depth: usize, text: &mut String) {
    let bare = match graph.node(id) {
        Node::Input(_) | Node::Const(_) | Node::Power(..) | Node::Symbol(_) => true,
        Node::Index { .. } | Node::Expand(..) | Node::View(..) | Node::Reduce(..) => true,
        Node::Text(_) => true,
        Node::Predicate(op, _) => op == TextOp::Contains,
        Node::Apply(op, _) => matches!(op.row().syntax, Syntax::Function | Syntax::Internal),
    };
    if bare {
        return write_node(graph, id, depth - 1, text);
    }
    text.push('(');
    write_node(graph, id, depth - 1, text);
    text.push(')');
}
