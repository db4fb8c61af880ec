//! Text: literals, comparisons, `contains`, and what errors say where text is out of place.
//!
//! A text is a value like others, of dtype S or U, which may be named, passed to local functions and
//! subscripted; but it can only be compared, searched, and asked for its extents. Both texts of a
//! question are of one kind: NumPy has no order between S and U, and bytes have no encoding.

use fuse_ir::{DTypeKind, Strength, TextConstant, TextOp};
use fuse_ops::Op;
use fuse_syntax::{Code, Diagnostic, Span};

use super::{Operand, Resolver, Value, source};
use crate::graph::{Node, NodeId};

impl Resolver<'_> {
    /// A text that the formula states.
    pub(super) fn text_literal(&mut self, text: TextConstant, span: Span) -> Value {
        Value::Node(self.graph.text(text, source(span)), Strength::Strong)
    }

    /// The node of a text.
    fn as_text(&self, value: Value) -> Option<NodeId> {
        match value {
            Value::Node(id, _) => self.graph.dtype(id).is_text().then_some(id),
            Value::Int(_) | Value::Float(_) | Value::Type(_) | Value::Shape(_) => None,
            Value::Tuple(_) | Value::None | Value::Error => None,
        }
    }

    pub(super) fn is_text(&self, value: Value) -> bool {
        self.as_text(value).is_some()
    }

    /// A comparison, if a text takes part in it.
    pub(super) fn compare_texts(
        &mut self,
        op: Op,
        operands: [Operand; 2],
        span: Span,
    ) -> Option<Value> {
        let texts = operands.map(|(value, _)| self.as_text(value));
        if texts == [None, None] || operands.iter().any(|operand| operand.0 == Value::Error) {
            return None;
        }
        let op = text_op(op)?;
        let [Some(lhs), Some(rhs)] = texts else {
            return Some(self.text_beside_number(op, operands));
        };
        Some(self.ask(op, [lhs, rhs], operands, span))
    }

    /// `contains(a, b)`.
    pub(super) fn contains(&mut self, operands: [Operand; 2], span: Span) -> Value {
        let operands = operands.map(|operand| self.checked(operand));
        let mut texts = Vec::with_capacity(2);
        for (value, place) in operands {
            match self.as_text(value) {
                Some(text) => texts.push(text),
                None if value == Value::Error => return Value::Error,
                None => {
                    let found = self.type_text(value);
                    let message = format!("`contains` takes text, not {found}");
                    let error = Diagnostic::new(Code::TypeMismatch, message);
                    let error = error.at(place, format!("this is {found}"));
                    return self.error(error.help("as in `contains(names, 'ab')`"));
                }
            }
        }
        self.ask(TextOp::Contains, [texts[0], texts[1]], operands, span)
    }

    /// The question about two texts, if they are of one kind.
    fn ask(&mut self, op: TextOp, texts: [NodeId; 2], operands: [Operand; 2], span: Span) -> Value {
        let kinds = texts.map(|text| self.graph.dtype(text).kind());
        if kinds[0] != kinds[1] {
            return self.text_beside_bytes(op, texts, operands);
        }
        let args = [0, 1].map(|side| (texts[side], source(operands[side].1)));
        self.graph.require_broadcast(&args);
        Value::Node(self.graph.predicate(op, texts, source(span)), Strength::Strong)
    }

    /// The error that a view of a text is no view of an input or a constant: part of a new axis is taken.
    pub(super) fn plain_text_view(&mut self, id: NodeId, span: Span) -> Option<Value> {
        let Node::View(below, _) = self.graph.node(id) else { return None };
        let is_plain = !matches!(self.graph.node(below), Node::View(..));
        if is_plain || !self.graph.dtype(id).is_text() {
            return None;
        }
        let help = "compare first, and slice the answers";
        Some(self.not_yet(span, "a slice of a new axis of text is", help))
    }

    fn text_beside_number(&mut self, op: TextOp, operands: [Operand; 2]) -> Value {
        let message = format!("`{}` compares text with text, numbers with numbers", op.symbol());
        let found = operands.map(|(value, _)| self.type_text(value));
        let [lhs, rhs] = found.map(|found| format!("this is {found}"));
        let error = Diagnostic::new(Code::TypeMismatch, message).at(operands[0].1, lhs);
        let error = error.related(operands[1].1, rhs);
        let literal = operands.iter().find(|(value, _)| matches!(value, Value::Int(_)));
        self.error(match literal {
            Some((_, place)) => {
                error.help(format!("as text it is `'{}'`", place.slice(self.ast.source())))
            }
            None => error.help("convert one of them before the call"),
        })
    }

    fn text_beside_bytes(
        &mut self,
        op: TextOp,
        texts: [NodeId; 2],
        operands: [Operand; 2],
    ) -> Value {
        let [lhs, rhs] = operands.map(|(value, _)| self.type_text(value));
        let message = match op {
            TextOp::Contains => "`contains` searches text in text, bytes in bytes".to_string(),
            TextOp::Eq | TextOp::Ne | TextOp::Lt | TextOp::Le | TextOp::Gt | TextOp::Ge => {
                format!("`{}` compares text with text, bytes with bytes", op.symbol())
            }
        };
        let error = Diagnostic::new(Code::TypeMismatch, message);
        let error = error.at(operands[0].1, format!("this is {lhs}"));
        let error = error.related(operands[1].1, format!("this is {rhs}"));
        let literal = texts.iter().find(|&&text| self.graph.as_text(text).is_some());
        let help = match literal.map(|&text| self.graph.dtype(text).kind()) {
            Some(DTypeKind::Bytes) => "write the literal without `b`".to_string(),
            Some(_) => "write the literal as bytes: `b'...'`".to_string(),
            None => "convert one of them before the call, as with `np.char.decode`".to_string(),
        };
        self.error(error.help(help))
    }

    /// Reports a text where `taker` wants numbers.
    pub(super) fn text_refused(&mut self, taker: &str, (value, place): Operand) -> Value {
        let found = self.type_text(value);
        let error = Diagnostic::new(Code::TypeMismatch, format!("{taker}, not text"));
        self.error(error.at(place, format!("this is {found}")).help(self.uses(value)))
    }

    /// What there is to do with a text.
    fn uses(&self, value: Value) -> String {
        let kind = self.as_text(value).map(|text| self.graph.dtype(text).kind());
        let b = if kind == Some(DTypeKind::Bytes) { "b" } else { "" };
        format!("text can be compared (`s == {b}'ab'`) and searched (`contains(s, {b}'ab')`)")
    }

    /// Reports a text as a result.
    pub(super) fn text_result(&mut self, (value, place): Operand) -> Value {
        let found = self.type_text(value);
        let error = Diagnostic::new(Code::TypeMismatch, "a formula does not return text");
        self.error(error.at(place, format!("this is {found}")).help(self.uses(value)))
    }
}

/// What a comparison asks of texts.
fn text_op(op: Op) -> Option<TextOp> {
    let asked = [
        (Op::Eq, TextOp::Eq),
        (Op::Ne, TextOp::Ne),
        (Op::Lt, TextOp::Lt),
        (Op::Le, TextOp::Le),
        (Op::Gt, TextOp::Gt),
        (Op::Ge, TextOp::Ge),
    ];
    asked.into_iter().find(|asked| asked.0 == op).map(|asked| asked.1)
}
