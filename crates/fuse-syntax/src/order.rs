//! Brings a tree into postfix order, and drops the nodes that nothing uses.
//!
//! The parser finishes inner brackets first, changes its mind about names that turn out to be functions,
//! and links comparisons into chains. Here the tree is walked once from its statements, with a
//! stack of its own, and copied in the order that the module page of `ast.rs` promises.
//!
//! *Cost.* O(nodes) time and memory, no recursion.

use crate::ast::{Ast, Node, NodeId, Statement, SubscriptItem};

/// The tree in postfix order.
pub(crate) fn postfix(mut ast: Ast) -> Ast {
    let places = places(&ast);
    let to = |id: NodeId| places.get(id.index()).copied().flatten().unwrap_or(id);
    let mut order: Vec<Option<NodeId>> = vec![None; places.iter().flatten().count()];
    for (old, new) in places.iter().enumerate() {
        if let Some(new) = new {
            order[new.index()] = Some(NodeId::at(old));
        }
    }
    ast.nodes = order.iter().flatten().map(|&old| moved(ast.node(old), to)).collect();
    ast.infos = order.iter().flatten().map(|old| ast.infos[old.index()]).collect();
    ast.node_lists.iter_mut().for_each(|id| *id = to(*id));
    ast.arguments.iter_mut().for_each(|argument| argument.value = to(argument.value));
    ast.items.iter_mut().for_each(|item| *item = moved_item(*item, to));
    for (statement, _) in &mut ast.statements {
        match statement {
            Statement::Assign { value, .. } | Statement::Function { body: value, .. } => {
                *value = to(*value);
            }
            Statement::Results(_) => {}
        }
    }
    ast
}

/// For each node, its place in postfix order; none for nodes that nothing uses.
fn places(ast: &Ast) -> Vec<Option<NodeId>> {
    let mut places = vec![None; ast.nodes.len()];
    let mut next = 0;
    let mut stack: Vec<Visit> = Vec::new();
    for statement in ast.statements() {
        match statement {
            Statement::Assign { value, .. } | Statement::Function { body: value, .. } => {
                stack.push(Visit::Enter(value));
            }
            Statement::Results(list) => {
                stack.extend(ast.list(list).iter().rev().map(|&id| Visit::Enter(id)));
            }
        }
        while let Some(visit) = stack.pop() {
            match visit {
                Visit::Enter(id) => {
                    stack.push(Visit::Leave(id));
                    let first = stack.len();
                    ast.operands(id, &mut |operand| stack.push(Visit::Enter(operand)));
                    stack[first..].reverse();
                }
                Visit::Leave(id) => {
                    places[id.index()] = Some(NodeId::at(next));
                    next += 1;
                }
            }
        }
    }
    places
}

enum Visit {
    Enter(NodeId),
    Leave(NodeId),
}

fn moved(node: Node, to: impl Fn(NodeId) -> NodeId) -> Node {
    match node {
        Node::Integer(_) | Node::Float(_) | Node::Imaginary(_) | Node::Bool(_) => node,
        Node::None | Node::Text(_) | Node::Bytes(_) | Node::Name(_) => node,
        Node::Comparison { .. } | Node::Call { .. } | Node::Tuple(_) => node,
        Node::Suffixed { literal, suffix } => Node::Suffixed { literal: to(literal), suffix },
        Node::Unary { op, operand } => Node::Unary { op, operand: to(operand) },
        Node::Binary { op, lhs, rhs } => Node::Binary { op, lhs: to(lhs), rhs: to(rhs) },
        Node::Conditional { test, then, otherwise } => {
            Node::Conditional { test: to(test), then: to(then), otherwise: to(otherwise) }
        }
        Node::Method { receiver, name, args } => {
            Node::Method { receiver: to(receiver), name, args }
        }
        Node::Attribute { receiver, name } => Node::Attribute { receiver: to(receiver), name },
        Node::Subscript { value, items } => Node::Subscript { value: to(value), items },
    }
}

fn moved_item(item: SubscriptItem, to: impl Fn(NodeId) -> NodeId) -> SubscriptItem {
    match item {
        SubscriptItem::Index(id) => SubscriptItem::Index(to(id)),
        SubscriptItem::Slice { start, stop, step } => {
            let [start, stop, step] = [start, stop, step].map(|bound| bound.map(&to));
            SubscriptItem::Slice { start, stop, step }
        }
        SubscriptItem::NewAxis | SubscriptItem::Ellipsis => item,
    }
}
