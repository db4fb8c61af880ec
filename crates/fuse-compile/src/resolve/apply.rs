//! Applying a row of the operator table: typing, casts, broadcasting, and what errors say.

use fuse_ir::{DType, DTypeKind, FitRule, Strength};
use fuse_ops::{Op, Syntax, TypeIssue, promote};
use fuse_syntax::{Code, Diagnostic, Span};

use super::{Operand, Resolver, Value, source};
use crate::graph::{Constant, Node, NodeId};

impl Resolver<'_> {
    /// `op` on operands of any type: typed by its row, cast, and broadcast.
    pub(super) fn apply(&mut self, op: Op, operands: &[Operand], span: Span) -> Value {
        if operands.iter().any(|operand| operand.0 == Value::Error) {
            return Value::Error;
        }
        if let Some(&text) = operands.iter().find(|operand| self.is_text(operand.0)) {
            return self.text_refused(&format!("`{}` takes numbers", written(op)), text);
        }
        let types: Vec<_> = operands.iter().map(|operand| self.arg_type(operand.0)).collect();
        let typed = match op.typed(&types) {
            Ok(typed) => typed,
            Err(issue) => return self.type_error(op, operands, &issue, span),
        };
        let mut args = Vec::with_capacity(operands.len());
        for (&operand, &dtype) in operands.iter().zip(&typed.args) {
            let Some(id) = self.cast(operand, dtype) else { return Value::Error };
            args.push((id, source(operand.1)));
        }
        self.graph.require_broadcast(&args);
        let args: Vec<NodeId> = args.iter().map(|arg| arg.0).collect();
        let id = self.graph.apply(op, &args, typed.result, source(span));
        Value::Node(id, typed.strength)
    }

    /// A comparison. A plain integer beyond the range of the integers it meets has a known answer.
    pub(super) fn compare(&mut self, op: Op, operands: [Operand; 2], span: Span) -> Value {
        if let Some(value) = self.compare_texts(op, operands, span) {
            return value;
        }
        let operands = self.compared(operands);
        if let Some(value) = self.compare_out_of_range(op, operands, span) {
            return value;
        }
        let folded = match (operands[0].0, operands[1].0) {
            (Value::Int(lhs), Value::Int(rhs)) => Some(compare(op, lhs.cmp(&rhs))),
            _ => None,
        };
        match folded {
            Some(truth) => self.constant(Constant::bool(truth), Strength::Strong, span),
            None => match self.compare_mixed_signs(op, operands, span) {
                Some(value) => value,
                None => self.apply(op, &operands, span),
            },
        }
    }

    /// A plain integer in a variable stays i64 beside integers: whatever its value, it can be compared.
    fn compared(&self, mut operands: [Operand; 2]) -> [Operand; 2] {
        let ty = |(value, _): Operand| self.arg_type(value);
        let is_number = |operand: Operand| ty(operand).dtype.is_integer();
        for (this, other) in [(0, 1), (1, 0)] {
            if let Value::Node(id, Strength::Weak) = operands[this].0
                && is_number(operands[this])
                && is_number(operands[other])
                && ty(operands[other]).strength == Strength::Strong
            {
                operands[this].0 = Value::Node(id, Strength::Strong);
            }
        }
        operands
    }

    /// A signed integer beside u64, which no integer dtype holds both of: where the signed one is
    /// negative the answer is known, elsewhere both are compared as u64.
    fn compare_mixed_signs(&mut self, op: Op, operands: [Operand; 2], span: Span) -> Option<Value> {
        let is = |value: Value, wanted: fn(DType) -> bool| match value {
            Value::Node(id, Strength::Strong) => wanted(self.graph.dtype(id)),
            Value::Node(_, Strength::Weak) | Value::Int(_) | Value::Float(_) => false,
            Value::Type(_) | Value::Shape(_) | Value::Tuple(_) | Value::None => false,
            Value::Error => false,
        };
        let [signed, unsigned] =
            [|dtype: DType| dtype.kind() == DTypeKind::Int, |dtype: DType| dtype == DType::U64];
        let first = is(operands[0].0, signed) && is(operands[1].0, unsigned);
        let second = is(operands[0].0, unsigned) && is(operands[1].0, signed);
        if !(first || second) {
            return None;
        }
        let (mixed, place) = operands[usize::from(second)];
        let zero = (Value::Int(0), place);
        let negative = self.apply(Op::Lt, &[(mixed, place), zero], span);
        let order = if first { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
        let mut both = operands;
        both[usize::from(second)].0 =
            Value::Node(self.cast((mixed, place), DType::U64)?, Strength::Strong);
        let compared = self.apply(op, &both, span);
        Some(if compare(op, order) {
            self.apply(Op::Or, &[(negative, span), (compared, span)], span)
        } else {
            let positive = self.apply(Op::Not, &[(negative, span)], span);
            self.apply(Op::And, &[(positive, span), (compared, span)], span)
        })
    }

    fn compare_out_of_range(
        &mut self,
        op: Op,
        operands: [Operand; 2],
        span: Span,
    ) -> Option<Value> {
        let (id, literal, array_first) = match (operands[0].0, operands[1].0) {
            (Value::Node(id, Strength::Strong), Value::Int(value)) => (id, value, true),
            (Value::Int(value), Value::Node(id, Strength::Strong)) => (id, value, false),
            _ => return None,
        };
        let (low, high) = self.graph.dtype(id).integer_range()?;
        if low <= literal && literal <= high {
            return None;
        }
        let below = (literal > high) == array_first;
        let order = if below { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
        // An integer always equals itself: the constant answer in the array's shape.
        let answer = if compare(op, order) { Op::Eq } else { Op::Ne };
        let id = self.graph.apply(answer, &[id, id], DType::Bool, source(span));
        Some(Value::Node(id, Strength::Strong))
    }

    /// The operand as a node of a dtype.
    pub(super) fn cast(&mut self, operand: Operand, dtype: DType) -> Option<NodeId> {
        let (value, span) = operand;
        let Value::Node(id, strength) = value else { return self.literal_as(value, dtype, span) };
        if self.is_text(value) {
            self.text_refused("a number is wanted here", operand);
            return None;
        }
        if self.graph.dtype(id) == dtype {
            return Some(id);
        }
        if strength == Strength::Weak
            && dtype.is_integer()
            && let Some(number) = self.node_symbol(id)
        {
            self.graph.fit_rules.push(FitRule { number, dtype, span: source(span) });
        }
        if let (Some(part), Node::Apply(Op::Complex, args)) = (dtype.part(), self.graph.node(id)) {
            // A literal is rounded where it stands; no constant is complex.
            let parts = [0, 1].map(|part| self.graph.as_constant(args[part]));
            if let [Some(re), Some(im)] = parts.map(|part| part.and_then(Constant::as_float)) {
                return Some(self.complex_constant([re, im], part, span));
            }
        }
        Some(self.graph.apply(Op::Cast, &[id], dtype, source(span)))
    }

    /// A complex number with parts of that dtype.
    pub(super) fn complex_constant(&mut self, parts: [f64; 2], part: DType, span: Span) -> NodeId {
        let parts =
            parts.map(|value| self.graph.constant(Constant::float(part, value), source(span)));
        let dtype = if part == DType::F32 { DType::C64 } else { DType::C128 };
        self.graph.apply(Op::Complex, &parts, dtype, source(span))
    }

    /// A plain number as a constant of a dtype.
    pub(super) fn literal_as(&mut self, value: Value, dtype: DType, span: Span) -> Option<NodeId> {
        let constant = match value {
            Value::Node(id, _) => return Some(id),
            Value::Shape(_) | Value::Tuple(_) | Value::None => {
                self.not_a_number(value, span);
                return None;
            }
            Value::Type(_) | Value::Error => return None,
            Value::Float(value) if dtype.is_float() => Constant::float(dtype, value),
            Value::Float(value) if dtype.is_complex() => {
                let part = dtype.part().unwrap_or(dtype);
                return Some(self.complex_constant([value, 0.0], part, span));
            }
            Value::Int(value) if dtype.is_complex() => {
                let part = dtype.part().unwrap_or(dtype);
                return Some(self.complex_constant([value as f64, 0.0], part, span));
            }
            Value::Float(_) => {
                self.out_of_range("a float literal", "write an integer".to_string(), dtype, span);
                return None;
            }
            Value::Int(value) if dtype == DType::F32 => {
                Constant { dtype, bits: u64::from((value as f32).to_bits()) }
            }
            Value::Int(value) if dtype.is_float() => Constant::float(dtype, value as f64),
            Value::Int(value) => match integer_constant(value, dtype) {
                Some(constant) => constant,
                None => {
                    self.out_of_range(&value.to_string(), wider(value, dtype), dtype, span);
                    return None;
                }
            },
        };
        Some(self.graph.constant(constant, source(span)))
    }

    fn out_of_range(&mut self, what: &str, help: String, dtype: DType, span: Span) {
        let message = format!("{what} does not fit {dtype}");
        let range = dtype.integer_range();
        let range =
            range.map_or(String::new(), |(low, high)| format!(", which holds {low} to {high}"));
        self.error(
            Diagnostic::new(Code::LiteralOutOfRange, message)
                .at(span, format!("it takes the type {dtype}{range}"))
                .help(help),
        );
    }

    /// A number or an array of numbers as a node of its own default dtype: i64 for integers, f64 for
    /// floats.
    pub(super) fn concrete(&mut self, value: Value, span: Span) -> Option<(NodeId, Strength)> {
        if self.is_text(value) {
            self.text_refused("a number is wanted here", (value, span));
            return None;
        }
        self.array(value, span)
    }

    /// As [`Resolver::concrete`], where an array of text will do as well.
    pub(super) fn array(&mut self, value: Value, span: Span) -> Option<(NodeId, Strength)> {
        match value {
            Value::Node(id, strength) => Some((id, strength)),
            Value::Int(plain) => {
                let Some(constant) = integer_constant(plain, DType::I64) else {
                    let message = format!("{plain} does not fit i64, the type of plain integers");
                    self.error(
                        Diagnostic::new(Code::LiteralOutOfRange, message)
                            .at(span, "")
                            .help("write a float, as in `2.0`"),
                    );
                    return None;
                };
                Some((self.graph.constant(constant, source(span)), Strength::Weak))
            }
            Value::Float(_) => {
                self.literal_as(value, DType::F64, span).map(|id| (id, Strength::Weak))
            }
            Value::Shape(_) | Value::Tuple(_) | Value::None => {
                self.not_a_number(value, span);
                None
            }
            Value::Type(_) | Value::Error => None,
        }
    }

    pub(super) fn type_error(
        &mut self,
        op: Op,
        operands: &[Operand],
        issue: &TypeIssue,
        span: Span,
    ) -> Value {
        let row = op.row();
        let written = written(op);
        let (value, place) = operands[issue.arg];
        let found = self.type_text(value);
        let message = format!("`{written}` takes {}, not {found}", issue.expected);
        let mut diagnostic =
            Diagnostic::new(Code::TypeMismatch, message).at(place, format!("this is {found}"));
        if place != span && row.syntax != Syntax::Function {
            diagnostic = diagnostic.related(span, format!("operand of `{written}`"));
        }
        if let Some(hint) = issue.hint {
            diagnostic = diagnostic.help(hint);
        }
        self.error(diagnostic)
    }
}

/// An operator as errors name it.
fn written(op: Op) -> &'static str {
    let row = op.row();
    match row.syntax {
        Syntax::Infix(symbol) | Syntax::Prefix(symbol) => symbol,
        Syntax::Function | Syntax::Internal => row.name,
    }
}

/// What to do about an integer that does not fit a dtype: convert what it meets to one that holds both.
fn wider(value: i128, dtype: DType) -> String {
    let holds = |&&wide: &&DType| {
        let fits = wide.integer_range().is_some_and(|(low, high)| low <= value && value <= high);
        fits && promote(dtype, wide) == Some(wide)
    };
    match DType::ALL.iter().find(holds) {
        Some(wide) => format!("cast the array to {wide}, or write a float"),
        None => "write a float".to_string(),
    }
}

/// An integer as a constant of an integer dtype, if it fits.
fn integer_constant(value: i128, dtype: DType) -> Option<Constant> {
    let (low, high) = dtype.integer_range()?;
    if value < low || value > high {
        return None;
    }
    let bits = i64::try_from(value).or_else(|_| u64::try_from(value).map(u64::cast_signed)).ok()?;
    Some(Constant::int(dtype, bits))
}

/// Does the comparison hold for operands in this order?
fn compare(op: Op, order: std::cmp::Ordering) -> bool {
    if op == Op::Lt {
        order.is_lt()
    } else if op == Op::Le {
        order.is_le()
    } else if op == Op::Eq {
        order.is_eq()
    } else if op == Op::Ne {
        order.is_ne()
    } else if op == Op::Ge {
        order.is_ge()
    } else {
        order.is_gt()
    }
}
