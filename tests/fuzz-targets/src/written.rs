//! A syntax tree as a formula with all brackets.
//!
//! Written with a stack of what is still to be written, so that neither the depth of a tree nor its size is
//! anything special. Integers with a suffix are written in base 8, whose digits no letter continues, and floats
//! with an exponent, behind which there is no other.

use std::borrow::Cow;
use std::fmt::Write as _;

use fuse_syntax::{Argument, Ast, List, Node, NodeId, Statement, SubscriptItem};

enum Piece<'a> {
    Node(NodeId),
    Text(Cow<'a, str>),
}

use Piece::Node as Sub;

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Piece<'a> {
    Piece::Text(text.into())
}

/// The program, statements separated by `; `.
pub(crate) fn written(ast: &Ast) -> String {
    let mut out = String::new();
    for (position, statement) in ast.statements().enumerate() {
        if position > 0 {
            out.push_str("; ");
        }
        let pieces = statement_pieces(ast, statement);
        write(ast, pieces, &mut out);
    }
    out
}

fn write<'a>(ast: &'a Ast, mut pieces: Vec<Piece<'a>>, out: &mut String) {
    pieces.reverse();
    while let Some(piece) = pieces.pop() {
        match piece {
            Piece::Text(text) => out.push_str(&text),
            Piece::Node(id) => pieces.extend(node_pieces(ast, ast.node(id)).into_iter().rev()),
        }
    }
}

fn statement_pieces(ast: &Ast, statement: Statement) -> Vec<Piece<'_>> {
    match statement {
        Statement::Assign { name, op, value, .. } => {
            let op = op.map_or("", |op| op.symbol());
            vec![text(format!("{} {op}= ", ast.name(name))), Sub(value)]
        }
        Statement::Function { name, params, body, .. } => {
            let params: Vec<_> = ast.params(params).iter().map(|p| ast.name(p.name)).collect();
            vec![text(format!("{}({}) = ", ast.name(name), params.join(", "))), Sub(body)]
        }
        Statement::Results(list) => separated(ast.list(list).iter().map(|&id| vec![Sub(id)])),
    }
}

/// The parts with commas between them.
fn separated<'a>(parts: impl Iterator<Item = Vec<Piece<'a>>>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for part in parts {
        if !pieces.is_empty() {
            pieces.push(text(", "));
        }
        pieces.extend(part);
    }
    pieces
}

fn node_pieces(ast: &Ast, node: Node) -> Vec<Piece<'_>> {
    match node {
        Node::Integer(id) => vec![text(ast.integer(id).to_string())],
        Node::Float(bits) => vec![text(float(bits.get()))],
        Node::Imaginary(bits) => vec![text(float(bits.get()) + "j")],
        Node::Bool(value) => vec![text(if value { "True" } else { "False" })],
        Node::None => vec![text("None")],
        Node::Text(id) => vec![text(quoted_text(ast.text(id)))],
        Node::Bytes(id) => vec![text(quoted_bytes(ast.bytes(id)))],
        Node::Suffixed { literal, suffix } => {
            let literal = match ast.node(literal) {
                Node::Integer(id) => text(format!("0o{:o}", ast.integer(id))),
                Node::Float(bits) if bits.get().is_finite() => text(format!("{:e}", bits.get())),
                _ => Sub(literal),
            };
            vec![literal, text(ast.name(suffix))]
        }
        Node::Name(name) => vec![text(ast.name(name))],
        Node::Unary { op, operand } => {
            vec![text(format!("({} ", op.symbol())), Sub(operand), text(")")]
        }
        Node::Binary { op, lhs, rhs } => {
            vec![text("("), Sub(lhs), text(format!(" {} ", op.symbol())), Sub(rhs), text(")")]
        }
        Node::Comparison { operands, ops } => {
            let mut pieces = vec![text("("), Sub(ast.list(operands)[0])];
            for (op, &operand) in ast.compare_ops(ops).iter().zip(&ast.list(operands)[1..]) {
                pieces.extend([text(format!(" {} ", op.symbol())), Sub(operand)]);
            }
            pieces.push(text(")"));
            pieces
        }
        Node::Conditional { test, then, otherwise } => {
            let (then, test, otherwise) = (Sub(then), Sub(test), Sub(otherwise));
            vec![text("("), then, text(" if "), test, text(" else "), otherwise, text(")")]
        }
        Node::Call { callee, args } => called(vec![text(ast.name(callee))], ast, args),
        Node::Method { receiver, name, args } => {
            let method = format!(").{}", ast.name(name));
            called(vec![text("("), Sub(receiver), text(method)], ast, args)
        }
        Node::Attribute { receiver, name } => {
            vec![text("("), Sub(receiver), text(format!(").{}", ast.name(name)))]
        }
        Node::Subscript { value, items } => {
            let mut pieces = vec![text("("), Sub(value), text(")[")];
            pieces.extend(separated(ast.items(items).iter().map(|&item| item_pieces(item))));
            pieces.push(text("]"));
            pieces
        }
        Node::Tuple(list) => {
            let mut pieces = vec![text("(")];
            pieces.extend(ast.list(list).iter().flat_map(|&id| [Sub(id), text(", ")]));
            pieces.push(text(")"));
            pieces
        }
    }
}

fn called<'a>(mut callee: Vec<Piece<'a>>, ast: &'a Ast, args: List<Argument>) -> Vec<Piece<'a>> {
    let argument = |argument: &Argument| match argument.keyword {
        Some((name, _)) => vec![text(format!("{}=", ast.name(name))), Sub(argument.value)],
        None => vec![Sub(argument.value)],
    };
    callee.push(text("("));
    callee.extend(separated(ast.arguments(args).iter().map(argument)));
    callee.push(text(")"));
    callee
}

fn item_pieces<'a>(item: SubscriptItem) -> Vec<Piece<'a>> {
    match item {
        SubscriptItem::Index(id) => vec![Sub(id)],
        SubscriptItem::Slice { start, stop, step } => {
            let mut pieces: Vec<Piece<'a>> = start.map(Sub).into_iter().collect();
            pieces.push(text(":"));
            pieces.extend(stop.map(Sub));
            pieces.push(text(":"));
            pieces.extend(step.map(Sub));
            pieces
        }
        SubscriptItem::NewAxis => vec![text("None")],
        SubscriptItem::Ellipsis => vec![text("...")],
    }
}

/// The shortest decimal; what is infinite is a number that is too large.
fn float(value: f64) -> String {
    if value.is_infinite() { "1e999".to_string() } else { format!("{value:?}") }
}

fn quoted_text(value: &str) -> String {
    let mut out = String::from("'");
    for character in value.chars() {
        match character {
            '\\' | '\'' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            // Writing to a string cannot fail.
            _ => _ = write!(out, "\\U{:08x}", u32::from(character)),
        }
    }
    out.push('\'');
    out
}

fn quoted_bytes(value: &[u8]) -> String {
    let mut out = String::from("b'");
    // Writing to a string cannot fail.
    value.iter().for_each(|byte| _ = write!(out, "\\x{byte:02x}"));
    out.push('\'');
    out
}
