//! The tree as text, for `fuse explain --stage ast` and for tests.
//!
//! One line a node in postfix order, `%id` then what it is; one line a statement after its nodes.
//! [`Ast::to_text`] never recurses, and takes time linear in the tree. Texts and names are escaped.

use crate::ast::{Argument, Ast, List, Node, NodeId, Statement, SubscriptItem};
use std::fmt::{self, Display, Write};

impl Ast {
    /// The tree as text: numbered nodes in postfix order, and the statements that use them.
    pub fn to_text(&self) -> String {
        self.to_string()
    }

    /// What a statement's right side holds last: its nodes end here.
    fn last_node(&self, statement: Statement) -> Option<NodeId> {
        match statement {
            Statement::Assign { value, .. } | Statement::Function { body: value, .. } => {
                Some(value)
            }
            Statement::Results(list) => self.list(list).last().copied(),
        }
    }

    fn write_node(&self, out: &mut fmt::Formatter<'_>, node: Node) -> fmt::Result {
        match node {
            Node::Integer(id) => write!(out, "{}", self.integer(id)),
            Node::Float(bits) => write!(out, "{:?}", bits.get()),
            Node::Imaginary(bits) => write!(out, "{:?}j", bits.get()),
            Node::Bool(value) => write!(out, "{}", if value { "True" } else { "False" }),
            Node::None => out.write_str("None"),
            Node::Text(id) => write!(out, "text {:?}", self.text(id)),
            Node::Bytes(id) => write!(out, "bytes \"{}\"", self.bytes(id).escape_ascii()),
            Node::Name(name) => write!(out, "name {}", self.name(name)),
            Node::Suffixed { literal, suffix } => {
                write!(out, "suffix {} {}", self.name(suffix), Id(literal))
            }
            Node::Unary { op, operand } => write!(out, "{} {}", op.symbol(), Id(operand)),
            Node::Binary { op, lhs, rhs } => {
                write!(out, "{} {} {}", Id(lhs), op.symbol(), Id(rhs))
            }
            Node::Comparison { operands, ops } => {
                let mut ops = self.compare_ops(ops).iter();
                separated(out, " ", self.list(operands), |out, id| {
                    write!(out, "{}", Id(*id))?;
                    ops.next().map_or(Ok(()), |op| write!(out, " {}", op.symbol()))
                })
            }
            Node::Conditional { test, then, otherwise } => {
                write!(out, "{} if {} else {}", Id(then), Id(test), Id(otherwise))
            }
            Node::Call { callee, args } => {
                write!(out, "{}", self.name(callee))?;
                self.write_arguments(out, args)
            }
            Node::Method { receiver, name, args } => {
                write!(out, "{}.{}", Id(receiver), self.name(name))?;
                self.write_arguments(out, args)
            }
            Node::Attribute { receiver, name } => {
                write!(out, "{}.{}", Id(receiver), self.name(name))
            }
            Node::Subscript { value, items } => {
                write!(out, "{}[", Id(value))?;
                separated(out, ", ", self.items(items), |out, item| write_item(out, *item))?;
                out.write_char(']')
            }
            Node::Tuple(list) => {
                out.write_str("tuple (")?;
                self.write_ids(out, list)?;
                out.write_char(')')
            }
        }
    }

    fn write_arguments(&self, out: &mut fmt::Formatter<'_>, args: List<Argument>) -> fmt::Result {
        out.write_char('(')?;
        separated(out, ", ", self.arguments(args), |out, argument| {
            if let Some((keyword, _)) = argument.keyword {
                write!(out, "{}=", self.name(keyword))?;
            }
            write!(out, "{}", Id(argument.value))
        })?;
        out.write_char(')')
    }

    fn write_ids(&self, out: &mut fmt::Formatter<'_>, list: List<NodeId>) -> fmt::Result {
        separated(out, ", ", self.list(list), |out, id| write!(out, "{}", Id(*id)))
    }

    fn write_statement(&self, out: &mut fmt::Formatter<'_>, statement: Statement) -> fmt::Result {
        match statement {
            Statement::Assign { name, op, value, .. } => {
                let op = op.map_or("", |op| op.symbol());
                write!(out, "{} {op}= {}", self.name(name), Id(value))
            }
            Statement::Function { name, params, body, .. } => {
                write!(out, "{}(", self.name(name))?;
                separated(out, ", ", self.params(params), |out, param| {
                    out.write_str(self.name(param.name))
                })?;
                write!(out, ") = {}", Id(body))
            }
            Statement::Results(list) => {
                out.write_str("results ")?;
                self.write_ids(out, list)
            }
        }
    }
}

/// See [`Ast::to_text`].
impl Display for Ast {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut nodes = self.iter().peekable();
        for statement in self.statements() {
            let last = self.last_node(statement);
            while let Some((id, node)) =
                nodes.next_if(|(id, _)| last.is_some_and(|last| *id <= last))
            {
                write!(out, "{} = ", Id(id))?;
                self.write_node(out, node)?;
                out.write_char('\n')?;
            }
            self.write_statement(out, statement)?;
            out.write_char('\n')?;
        }
        Ok(())
    }
}

/// `%3`
struct Id(NodeId);

impl Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "%{}", self.0.index())
    }
}

fn write_item(out: &mut fmt::Formatter<'_>, item: SubscriptItem) -> fmt::Result {
    let bound = |out: &mut fmt::Formatter<'_>, id: Option<NodeId>| {
        id.map_or(Ok(()), |id| write!(out, "{}", Id(id)))
    };
    match item {
        SubscriptItem::Index(id) => write!(out, "{}", Id(id)),
        SubscriptItem::Slice { start, stop, step } => {
            bound(out, start)?;
            out.write_char(':')?;
            bound(out, stop)?;
            if step.is_some() {
                out.write_char(':')?;
            }
            bound(out, step)
        }
        SubscriptItem::NewAxis => out.write_str("None"),
        SubscriptItem::Ellipsis => out.write_str("..."),
    }
}

/// Writes the elements with `separator` between them.
fn separated<T>(
    out: &mut fmt::Formatter<'_>,
    separator: &str,
    elements: &[T],
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (position, element) in elements.iter().enumerate() {
        if position > 0 {
            out.write_str(separator)?;
        }
        write(out, element)?;
    }
    Ok(())
}
