//! Functions that are formulas over others: binding their arguments, and the formulas.

use fuse_ir::{DType, Strength};
use fuse_ops::derived::{Default, Derived};
use fuse_ops::typing::common;
use fuse_ops::{ArgType, Op, TypeIssue};
use fuse_syntax::{Code, Diagnostic, Span, quoted};

use super::call::{Callee, Passed};
use super::{Operand, Resolver, Value};
use crate::graph::Constant;

impl Resolver<'_> {
    /// A call of a derived function.
    pub(super) fn derived(
        &mut self,
        function: Derived,
        callee: &Callee<'_>,
        passed: &[Passed],
    ) -> Value {
        let span = callee.span;
        let Some(operands) = self.bound_arguments(function, passed, span) else {
            return Value::Error;
        };
        if operands.iter().any(|operand| operand.0 == Value::Error) {
            return Value::Error;
        }
        match (function, operands.as_slice()) {
            (Derived::Arange, &[start, stop, step]) => self.arange([start, stop, step], span),
            (Derived::Clip, &[x, low, high]) => self.clip(x, low, high, span),
            (Derived::Contains, &[a, b]) => self.contains([a, b], span),
            (Derived::Copy, &[x]) => self.copy(x),
            (Derived::Full, &[shape, value]) => self.full([shape, value], span),
            (Derived::Len, &[x]) => self.len(x, span),
            (Derived::Linspace, &[start, stop, count]) => self.linspace([start, stop], count, span),
            (Derived::Ones, &[shape]) => self.filled(shape, 1.0, span),
            (Derived::Zeros, &[shape]) => self.filled(shape, 0.0, span),
            (Derived::IsClose, &[a, b, rtol, atol, equal_nan]) => {
                let close = self.isclose([a, b], [rtol, atol], span);
                self.or_both_nan(close, [a, b], equal_nan, span)
            }
            (Derived::RoundTo, &[x, decimals]) => self.round_to(x, decimals, span),
            (
                Derived::Arange | Derived::Clip | Derived::Copy | Derived::Full | Derived::IsClose,
                _,
            )
            | (Derived::Len | Derived::Linspace | Derived::Ones | Derived::RoundTo, _)
            | (Derived::Contains | Derived::Zeros, _) => {
                unreachable!("as many operands as parameters")
            }
        }
    }

    /// The arguments in the order of the parameters, left out ones as their defaults.
    fn bound_arguments(
        &mut self,
        function: Derived,
        passed: &[Passed],
        span: Span,
    ) -> Option<Vec<Operand>> {
        let row = function.row();
        let mut bound: Vec<Option<Operand>> = vec![None; row.parameters.len()];
        for (position, passed_one) in passed.iter().enumerate() {
            let place = match passed_one.keyword {
                None => position,
                Some((keyword, place)) => {
                    let keyword = self.ast.name(keyword);
                    let known = row.parameters.iter().position(|known| known.name == keyword);
                    match known.filter(|&known| bound[known].is_none()) {
                        Some(known) => known,
                        None => {
                            self.wrong_keyword(function, keyword, known.is_some(), place);
                            return None;
                        }
                    }
                }
            };
            let Some(slot) = bound.get_mut(place) else {
                self.wrong_count(function, passed.len(), span);
                return None;
            };
            *slot = Some(passed_one.operand);
        }
        let mut operands = Vec::with_capacity(bound.len());
        for (given, parameter) in bound.into_iter().zip(row.parameters) {
            operands.push(match (given, parameter.default) {
                (Some(operand), _) => operand,
                (None, Some(Default::Number(value))) => (Value::Float(value), span),
                (None, Some(Default::Integer(value))) => (Value::Int(i128::from(value)), span),
                (None, Some(Default::Absent)) => (Value::None, span),
                (None, Some(Default::False)) => {
                    (self.constant(Constant::bool(false), Strength::Strong, span), span)
                }
                (None, None) => {
                    self.wrong_count(function, passed.len(), span);
                    return None;
                }
            });
        }
        Some(operands)
    }

    fn wrong_keyword(&mut self, function: Derived, keyword: &str, twice: bool, place: Span) {
        let message = match twice {
            true => format!("the argument {} is given twice", quoted(keyword)),
            false => format!("unknown keyword argument {}", quoted(keyword)),
        };
        let help = format!("it is `{}`", function.row().written());
        self.error(Diagnostic::new(Code::UnknownKeyword, message).at(place, "").help(help));
    }

    fn wrong_count(&mut self, function: Derived, found: usize, span: Span) {
        let row = function.row();
        let (least, most) = (row.required(), row.parameters.len());
        let plural = if most == 1 { "" } else { "s" };
        let takes = if least == most { most.to_string() } else { format!("{least} to {most}") };
        let message = format!("{} takes {takes} argument{plural}, {found} given", quoted(row.name));
        let help = format!("it is `{}`", row.written());
        self.error(Diagnostic::new(Code::WrongArity, message).at(span, "").help(help));
    }

    /// The three are promoted together, as NumPy does: `clip(u8s, -1, 0.5)` is of f64.
    fn clip(&mut self, x: Operand, low: Operand, high: Operand, span: Span) -> Value {
        let Some([x, low, high]) = self.promoted([x, low, high]) else { return Value::Error };
        let raised = self.apply(Op::Maximum, &[x, low], span);
        self.apply(Op::Minimum, &[(raised, span), high], span)
    }

    /// Operands in their common dtype, if it is a strong one; what has none is left to the operators.
    fn promoted<const N: usize>(&mut self, mut operands: [Operand; N]) -> Option<[Operand; N]> {
        let types = operands.map(|operand| self.arg_type(operand.0));
        let Ok(ArgType { dtype, strength: Strength::Strong }) = common(&types) else {
            return Some(operands);
        };
        for operand in &mut operands {
            operand.0 = Value::Node(self.cast(*operand, dtype)?, Strength::Strong);
        }
        Some(operands)
    }

    /// Values are not changed in place, so a copy is the value; a plain number becomes an array's.
    fn copy(&mut self, x: Operand) -> Value {
        let array = self.array(x.0, x.1);
        array.map_or(Value::Error, |(id, _)| Value::Node(id, Strength::Strong))
    }

    /// As NumPy: b becomes a float, tolerances are relative to it.
    fn isclose(&mut self, [a, b]: [Operand; 2], [rtol, atol]: [Operand; 2], span: Span) -> Value {
        let Some(b) = self.as_float(b) else { return Value::Error };
        let at = |value| (value, span);
        let difference = self.apply(Op::Sub, &[a, b], span);
        let distance = self.apply(Op::Abs, &[at(difference)], span);
        let magnitude = self.apply(Op::Abs, &[b], span);
        let relative = self.apply(Op::Mul, &[rtol, at(magnitude)], span);
        let limit = self.apply(Op::Add, &[atol, at(relative)], span);
        let near = self.apply(Op::Le, &[at(distance), at(limit)], span);
        let finite = self.apply(Op::IsFinite, &[b], span);
        let near = self.apply(Op::And, &[at(near), at(finite)], span);
        let equal = self.apply(Op::Eq, &[a, b], span);
        self.apply(Op::Or, &[at(near), at(equal)], span)
    }

    fn or_both_nan(
        &mut self,
        close: Value,
        operands: [Operand; 2],
        equal_nan: Operand,
        span: Span,
    ) -> Value {
        let constant = match equal_nan.0 {
            Value::Node(id, _) => self.graph.as_constant(id),
            Value::Int(_) | Value::Float(_) | Value::Error => None,
            Value::Type(_) | Value::Shape(_) | Value::Tuple(_) | Value::None => None,
        };
        if constant == Some(Constant::bool(false)) {
            return close;
        }
        let [a, b] = operands.map(|operand| (self.apply(Op::IsNan, &[operand], span), span));
        let both = self.apply(Op::And, &[a, b], span);
        let counts = self.apply(Op::And, &[(both, span), equal_nan], span);
        self.apply(Op::Or, &[(close, span), (counts, span)], span)
    }

    /// NumPy's way: scaled, rounded to an integer, scaled back, each step rounded.
    fn round_to(&mut self, x: Operand, decimals: Operand, span: Span) -> Value {
        let Value::Int(places) = decimals.0 else {
            let diagnostic =
                Diagnostic::new(Code::NotConstant, "the number of decimals is a literal");
            let help = "write an integer, as in `round(x, 2)`";
            return self.error(diagnostic.at(decimals.1, "").help(help));
        };
        let dtype = self.arg_type(x.0).dtype;
        if dtype == DType::Bool {
            let hint = Some("convert it, as in `i64(a)`");
            let issue = TypeIssue { arg: 0, expected: "numbers", hint };
            return self.type_error(Op::Round, &[x], &issue, span);
        }
        if dtype.is_complex() {
            let parts = [Op::Real, Op::Imag].map(|op| {
                let part = self.apply(op, &[x], span);
                (self.round_to((part, x.1), decimals, span), span)
            });
            return self.apply(Op::Complex, &parts, span);
        }
        let is_integer = dtype.is_integer();
        if places == 0 || (is_integer && places > 0) {
            return self.apply(Op::Round, &[x], span);
        }
        let scale = (Value::Float(power_of_ten(places.unsigned_abs())), decimals.1);
        let (up, down) = if places > 0 { (Op::Mul, Op::Div) } else { (Op::Div, Op::Mul) };
        let scaled = self.apply(up, &[x, scale], span);
        let rounded = self.apply(Op::Round, &[(scaled, span)], span);
        let back = self.apply(down, &[(rounded, span), scale], span);
        match back {
            Value::Node(id, strength) if is_integer => {
                let cast = self.cast((back, span), dtype).unwrap_or(id);
                Value::Node(cast, strength)
            }
            Value::Node(..) | Value::Int(_) | Value::Float(_) | Value::Error => back,
            Value::Type(_) | Value::Shape(_) | Value::Tuple(_) | Value::None => back,
        }
    }
}

/// The nearest f64 to 10^n; infinity beyond its range.
fn power_of_ten(n: u128) -> f64 {
    format!("1e{}", n.min(400)).parse().expect("a number")
}
