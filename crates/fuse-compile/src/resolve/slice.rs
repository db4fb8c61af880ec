//! Ends of slices and numbers of elements: integers that a call binds.
//!
//! They are literals, integer scalars, extents (`x.size`, `x.shape[0]`, `len(x)`), and sums,
//! differences, products, `//`, `minimum`, `maximum` of these; anything else depends on data, and the
//! shape of a result does not.

use fuse_ir::{Pick, Symbol, SymbolOp};
use fuse_ops::Op;
use fuse_syntax::{Code, Diagnostic, Span};

use super::{Operand, Resolver, Value};
use crate::graph::{Bound, Node, NodeId};

/// Operators nested deeper than this are not looked through.
const DEPTH: usize = 64;

/// An integer that is known when a call binds its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Literal(i64),
    Symbol(u32),
}

impl Resolver<'_> {
    /// A value as such an integer; an error otherwise.
    pub(super) fn number(&mut self, operand: Operand, what: &str) -> Option<Number> {
        let (value, span) = self.checked(operand);
        match value {
            Value::Error => None,
            Value::Int(value) => {
                let limit = i128::from(i64::MAX);
                let clamped = value.clamp(-limit, limit);
                Some(Number::Literal(i64::try_from(clamped).unwrap_or(i64::MAX)))
            }
            Value::Node(node, _) => match self.node_symbol(node) {
                Some(symbol) => Some(match self.graph.symbol_value(symbol) {
                    Some(value) => Number::Literal(value),
                    None => Number::Symbol(symbol),
                }),
                None => self.not_a_bound(value, what, span),
            },
            Value::Float(_) | Value::Type(_) | Value::Shape(_) | Value::Tuple(_) | Value::None => {
                self.not_a_bound(value, what, span)
            }
        }
    }

    /// The number as a symbol.
    pub(super) fn number_symbol(&mut self, number: Number) -> u32 {
        match number {
            Number::Literal(value) => self.graph.literal_symbol(value),
            Number::Symbol(symbol) => symbol,
        }
    }

    fn not_a_bound(&mut self, value: Value, what: &str, span: Span) -> Option<Number> {
        let found = self.type_text(value);
        let is_array = matches!(value, Value::Node(id, _) if !self.graph.ty(id).shape.is_empty());
        if is_array {
            let message = format!("{what} is an array");
            self.error(
                Diagnostic::new(Code::FancyIndexing, message)
                    .at(span, format!("this is an array of {found}"))
                    .note(Code::FancyIndexing.explanation()),
            );
            return None;
        }
        let message = format!("{what} must be an integer that is known before the loop runs");
        self.error(
            Diagnostic::new(Code::NotConstant, message)
                .at(span, format!("this is {found}"))
                .help("use a number, an integer scalar, or extents such as `x.size // 2`"),
        );
        None
    }

    /// The symbol of an integer scalar made of literals, scalars and extents.
    fn node_symbol(&mut self, root: NodeId) -> Option<u32> {
        self.node_symbol_within(root, DEPTH)
    }

    fn node_symbol_within(&mut self, id: NodeId, depth: usize) -> Option<u32> {
        let is_integer = self.graph.dtype(id).is_integer();
        if !is_integer || !self.graph.ty(id).shape.is_empty() || depth == 0 {
            return None;
        }
        match self.graph.node(id) {
            Node::Input(input) => Some(self.graph.symbol(Symbol::Scalar(input))),
            Node::Const(constant) => {
                constant.as_int().map(|value| self.graph.literal_symbol(value))
            }
            Node::Symbol(symbol) => Some(symbol),
            Node::Apply(Op::Cast, [arg, ..]) => self.node_symbol_within(arg, depth - 1),
            Node::Apply(Op::Neg, [arg, ..]) => {
                let arg = self.node_symbol_within(arg, depth - 1)?;
                let zero = self.graph.literal_symbol(0);
                Some(self.graph.combine(SymbolOp::Sub, zero, arg))
            }
            Node::Apply(op, [a, b, _]) => {
                let op = symbol_op(op)?;
                let a = self.node_symbol_within(a, depth - 1)?;
                let b = self.node_symbol_within(b, depth - 1)?;
                Some(self.graph.combine(op, a, b))
            }
            Node::Power(..) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
            Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => None,
        }
    }

    /// The slice `start:stop:step` of an axis of extent `n`.
    pub(super) fn slice(
        &mut self,
        (start, stop): (Option<Number>, Option<Number>),
        step: i64,
        n: u32,
    ) -> Pick {
        let forward = step > 0;
        // Backwards, the elements are those from `stop + 1` to `start`, the last one first.
        let (low, high) = if forward {
            (self.end(start, 0, Bound::Front(0), n), self.end(stop, 0, Bound::Back(0), n))
        } else {
            (self.end(stop, 1, Bound::Front(0), n), self.end(start, 1, Bound::Back(0), n))
        };
        let run = self.graph.run_length(low, high, n);
        let size = self.graph.literal_symbol(step.saturating_abs());
        let extent = self.graph.combine(SymbolOp::CeilDiv, run, size);
        let first = match (forward, low) {
            (true, Bound::Front(k)) => self.graph.literal_symbol(k),
            (true, Bound::Back(_) | Bound::Position(_)) => self.graph.position(low, n),
            (false, _) => {
                let (past, one) = (self.graph.position(high, n), self.graph.literal_symbol(1));
                self.graph.combine(SymbolOp::Sub, past, one)
            }
        };
        Pick { start: first, step, extent: self.graph.symbol_dim(extent) }
    }

    /// An end of a slice, `after` positions behind what is written.
    fn end(&mut self, number: Option<Number>, after: i64, default: Bound, n: u32) -> Bound {
        match number {
            None => default,
            Some(Number::Literal(value)) if value >= 0 => Bound::Front(value.saturating_add(after)),
            Some(Number::Literal(value)) => Bound::Back(-(value + after)),
            Some(Number::Symbol(symbol)) => {
                let wrapped = self.graph.combine(SymbolOp::Wrap, symbol, n);
                let after = self.graph.literal_symbol(after);
                let position = self.graph.combine(SymbolOp::Add, wrapped, after);
                let zero = self.graph.literal_symbol(0);
                let position = self.graph.combine(SymbolOp::Max, position, zero);
                Bound::Position(self.graph.combine(SymbolOp::Min, position, n))
            }
        }
    }
}

/// The operator on symbols that an operator on integers is.
fn symbol_op(op: Op) -> Option<SymbolOp> {
    [
        (Op::Add, SymbolOp::Add),
        (Op::Sub, SymbolOp::Sub),
        (Op::Mul, SymbolOp::Mul),
        (Op::FloorDiv, SymbolOp::FloorDiv),
        (Op::Minimum, SymbolOp::Min),
        (Op::Maximum, SymbolOp::Max),
    ]
    .into_iter()
    .find_map(|(from, to)| (from == op).then_some(to))
}
