//! Tests of the whole path from text to tree.
//!
//! * `accept`: what each formula means, against hand-written trees and against Python's own parser;
//! * `hostile`: what must be refused, quickly and on a small stack; random text;
//! * `messages`: every error this crate raises, as its user sees it.

mod accept;
mod hostile;
mod messages;

use crate::{Ast, Diagnostic, Node, NodeId, Statement, SubscriptItem, SyntaxLimits};

fn parse(source: &str) -> Result<Ast, Vec<Diagnostic>> {
    crate::parse(source, &SyntaxLimits::default())
}

/// The program with all brackets written, statements separated by `; `.
fn brackets(ast: &Ast) -> String {
    let mut texts: Vec<String> = Vec::new();
    for (_, node) in ast.iter() {
        let text = node_text(ast, node, &texts);
        texts.push(text);
    }
    let of = |id: NodeId| texts[id.index()].clone();
    let statement = |statement| match statement {
        Statement::Assign { name, op, value, .. } => {
            format!("{} {}= {}", ast.name(name), op.map_or("", |op| op.symbol()), of(value))
        }
        Statement::Function { name, params, body, .. } => {
            let params: Vec<_> = ast.params(params).iter().map(|p| ast.name(p.name)).collect();
            format!("{}({}) = {}", ast.name(name), params.join(", "), of(body))
        }
        Statement::Results(list) => {
            ast.list(list).iter().map(|&id| of(id)).collect::<Vec<_>>().join(", ")
        }
    };
    ast.statements().map(statement).collect::<Vec<_>>().join("; ")
}

fn node_text(ast: &Ast, node: Node, texts: &[String]) -> String {
    let of = |id: NodeId| texts[id.index()].as_str();
    let args = |args| {
        let argument = |argument: &crate::Argument| match argument.keyword {
            Some((name, _)) => format!("{}={}", ast.name(name), of(argument.value)),
            None => of(argument.value).to_owned(),
        };
        ast.arguments(args).iter().map(argument).collect::<Vec<_>>().join(", ")
    };
    match node {
        Node::Integer(id) => ast.integer(id).to_string(),
        Node::Float(bits) => format!("{:?}", bits.get()),
        Node::Imaginary(bits) => format!("{:?}j", bits.get()),
        Node::Bool(value) => if value { "True" } else { "False" }.to_owned(),
        Node::None => "None".to_owned(),
        Node::Text(id) => format!("{:?}", ast.text(id)),
        Node::Bytes(id) => format!("b\"{}\"", ast.bytes(id).escape_ascii()),
        Node::Suffixed { literal, suffix } => format!("{}{}", of(literal), ast.name(suffix)),
        Node::Name(name) => ast.name(name).to_owned(),
        Node::Unary { op, operand } => format!("({} {})", op.symbol(), of(operand)),
        Node::Binary { op, lhs, rhs } => format!("({} {} {})", of(lhs), op.symbol(), of(rhs)),
        Node::Comparison { operands, ops } => {
            let operands = ast.list(operands);
            let links = operands[1..].iter().zip(ast.compare_ops(ops));
            let links = links.map(|(id, op)| format!(" {} {}", op.symbol(), of(*id)));
            format!("({}{})", of(operands[0]), links.collect::<String>())
        }
        Node::Conditional { test, then, otherwise } => {
            format!("({} if {} else {})", of(then), of(test), of(otherwise))
        }
        Node::Call { callee, args: list } => format!("{}({})", ast.name(callee), args(list)),
        Node::Method { receiver, name, args: list } => {
            format!("{}.{}({})", of(receiver), ast.name(name), args(list))
        }
        Node::Attribute { receiver, name } => format!("{}.{}", of(receiver), ast.name(name)),
        Node::Subscript { value, items } => {
            let items = ast.items(items).iter().map(|item| item_text(*item, texts));
            format!("{}[{}]", of(value), items.collect::<Vec<_>>().join(", "))
        }
        Node::Tuple(list) => {
            let elements = ast.list(list).iter().map(|&id| format!("{},", of(id)));
            format!("({})", elements.collect::<Vec<_>>().join(" "))
        }
    }
}

fn item_text(item: SubscriptItem, texts: &[String]) -> String {
    let bound = |id: Option<NodeId>| id.map_or("", |id| &texts[id.index()]);
    match item {
        SubscriptItem::Index(id) => texts[id.index()].clone(),
        SubscriptItem::Slice { start, stop, step } => {
            format!("{}:{}:{}", bound(start), bound(stop), bound(step))
        }
        SubscriptItem::NewAxis => "None".to_owned(),
        SubscriptItem::Ellipsis => "...".to_owned(),
    }
}

/// Checks what the module page of `ast.rs` promises.
fn check_invariants(ast: &Ast) {
    let mut used = vec![0; ast.nodes().len()];
    for (id, _) in ast.iter() {
        ast.operands(id, &mut |operand| {
            assert!(operand < id, "operands come first");
            used[operand.index()] += 1;
            assert!(contains(ast.span(id), ast.span(operand)), "a node covers its operands");
        });
        for span in [ast.span(id), ast.token_span(id)] {
            assert!(ast.source().get(span.range()).is_some_and(|text| !text.is_empty()));
        }
        assert!(contains(ast.span(id), ast.token_span(id)));
    }
    let roots = ast.statements().map(|statement| match statement {
        Statement::Assign { .. } | Statement::Function { .. } => 1,
        Statement::Results(list) => list.len(),
    });
    let unused = used.iter().filter(|&&count| count == 0).count();
    assert_eq!(unused, roots.sum::<usize>(), "every node has one user");
    assert!(used.iter().all(|&count| count <= 1), "every node has one user");
    assert!(!ast.results().is_empty());
}

fn contains(outer: crate::Span, inner: crate::Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
