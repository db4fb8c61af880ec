//! Ends of slices and numbers of elements: integers that a call binds.
//!
//! They are literals, integer scalars, extents (`x.size`, `x.shape[0]`, `len(x)`), and sums,
//! differences, products, `//`, `%`, `minimum`, `maximum` of these; anything else depends on data, and the
//! shape of a result does not. Where a dtype cannot hold a number, it wraps as the value itself does; that
//! of i64 and u64 saturates.

use fuse_ir::{DType, DTypeKind, Pick, Symbol, SymbolOp};
use fuse_ops::Op;
use fuse_syntax::{Code, Diagnostic, Span};

use super::{Operand, Resolver, Value};
use crate::graph::{Bound, Node, NodeId};

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
                let beyond = if value < 0 { i64::MIN } else { i64::MAX };
                Some(Number::Literal(i64::try_from(value).unwrap_or(beyond)))
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

    /// The symbol of an integer scalar made of literals, scalars and extents. Each node is looked at
    /// once, however often it is used and however many bounds are made of it.
    pub(super) fn node_symbol(&mut self, root: NodeId) -> Option<u32> {
        let mut open = vec![root];
        while let Some(&id) = open.last() {
            let before = open.len();
            if !self.node_symbols.contains_key(&id) && self.may_be_symbol(id) {
                let args = self.graph.node(id).args().to_vec();
                open.extend(args.iter().filter(|arg| !self.node_symbols.contains_key(arg)));
            }
            if open.len() == before {
                let symbol = self.node_symbol_of_args(id);
                self.node_symbols.entry(id).or_insert(symbol);
                open.pop();
            }
        }
        self.node_symbols[&root]
    }

    fn may_be_symbol(&self, id: NodeId) -> bool {
        self.graph.dtype(id).is_integer() && self.graph.ty(id).shape.is_empty()
    }

    /// The symbol of a node whose operands have theirs.
    fn node_symbol_of_args(&mut self, id: NodeId) -> Option<u32> {
        if !self.may_be_symbol(id) {
            return None;
        }
        let symbol_of = |resolver: &Self, id: NodeId| resolver.node_symbols.get(&id).copied()?;
        match self.graph.node(id) {
            Node::Input(input) => Some(self.graph.symbol(Symbol::Scalar(input))),
            Node::Const(constant) => {
                let beyond = self.graph.dtype(id) == DType::U64;
                let value = constant.as_int()?;
                let value = if beyond && value < 0 { i64::MAX } else { value };
                Some(self.graph.literal_symbol(value))
            }
            Node::Symbol(symbol) => Some(symbol),
            Node::Apply(Op::Cast, [arg, ..]) => {
                let symbol = symbol_of(self, arg)?;
                let range = |id| self.graph.dtype(id).integer_range();
                let keeps = match (range(arg), range(id)) {
                    (Some((low, high)), Some((least, most))) => least <= low && high <= most,
                    _ => false,
                };
                Some(if keeps { symbol } else { self.narrowed(symbol, id) })
            }
            Node::Apply(Op::Neg, [arg, ..]) => {
                let arg = symbol_of(self, arg)?;
                let zero = self.graph.literal_symbol(0);
                let negated = self.graph.combine(SymbolOp::Sub, zero, arg);
                Some(self.narrowed(negated, id))
            }
            Node::Apply(op, [a, b, _]) => {
                let op = symbol_op(op)?;
                let (a, b) = (symbol_of(self, a)?, symbol_of(self, b)?);
                let value = self.graph.combine(op, a, b);
                Some(self.narrowed(value, id))
            }
            Node::Power(..) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => None,
            Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => None,
        }
    }

    /// What the dtype of a node keeps of a number.
    fn narrowed(&mut self, number: u32, id: NodeId) -> u32 {
        let dtype = self.graph.dtype(id);
        let bits = i64::try_from(dtype.bits()).unwrap_or(64);
        match dtype {
            DType::I64 => number,
            _ => {
                let bits = if dtype.kind() == DTypeKind::Int { bits } else { -bits };
                let bits = self.graph.literal_symbol(bits);
                self.graph.combine(SymbolOp::Narrow, number, bits)
            }
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
            Some(Number::Literal(value)) => Bound::Back((value + after).saturating_neg()),
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
        (Op::Mod, SymbolOp::Mod),
        (Op::Minimum, SymbolOp::Min),
        (Op::Maximum, SymbolOp::Max),
    ]
    .into_iter()
    .find_map(|(from, to)| (from == op).then_some(to))
}
