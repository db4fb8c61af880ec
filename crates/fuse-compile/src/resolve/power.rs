//! What `x ** n` means.
//!
//! Floats: a literal n of 0, 1, 2, -1 or 0.5 is 1, x, x·x, 1/x, sqrt(x), as in NumPy, in either mode.
//! Another literal integer up to 64 is a product in relaxed mode. Everything else is the operator
//! itself, C's pow. Integers: a product, or the power of `fuse-ops`' integer family; a negative literal
//! exponent is an error. Complex numbers: a literal integer up to 64 is a product in either mode.

use fuse_ir::{DType, Strength};
use fuse_ops::Op;
use fuse_ops::table::MAX_EXPONENT;
use fuse_syntax::{Code, Diagnostic, Span};

use super::{Operand, Resolver, Value, source};
use crate::graph::{Constant, NodeId};
use crate::opt::Mode;

/// A literal exponent.
enum Exponent {
    Integer(i128),
    Half,
    Other,
}

impl Resolver<'_> {
    /// `base ** exponent`; not both plain integers with a non-negative exponent.
    pub(super) fn power(&mut self, [base, exponent]: [Operand; 2], span: Span) -> Value {
        if base.0 == Value::Error || exponent.0 == Value::Error {
            return Value::Error;
        }
        if let Some(&text) = [base, exponent].iter().find(|operand| self.is_text(operand.0)) {
            return self.text_refused("`**` takes numbers", text);
        }
        let base = match exponent.0 {
            // Plain integers make bool i64, here as elsewhere.
            Value::Int(_) if self.arg_type(base.0).dtype == DType::Bool => {
                let Some(id) = self.cast(base, DType::I64) else { return Value::Error };
                (Value::Node(id, Strength::Strong), base.1)
            }
            Value::Int(_) | Value::Float(_) | Value::Node(..) | Value::Error => base,
            Value::Type(_) | Value::Shape(_) | Value::Tuple(_) | Value::None => base,
        };
        if self.arg_type(base.0).dtype.is_complex() {
            return self.complex_power(base, exponent, span);
        }
        let base_is_integer = self.arg_type(base.0).dtype.is_integer();
        match (literal_exponent(exponent.0), exponent.0) {
            (Exponent::Integer(n), Value::Int(_)) if base_is_integer && !is_plain(base.0) => {
                self.integer_power(base, n, exponent, span)
            }
            (Exponent::Integer(n), _) => self.float_power(base, n, exponent, span),
            (Exponent::Half, _) => {
                self.as_float(base).map_or(Value::Error, |base| self.apply(Op::Sqrt, &[base], span))
            }
            (Exponent::Other, _) => self.apply(Op::Pow, &[base, exponent], span),
        }
    }

    fn integer_power(&mut self, base: Operand, n: i128, exponent: Operand, span: Span) -> Value {
        if n < 0 {
            let dtype = self.arg_type(base.0).dtype;
            let message = format!("{dtype} to a negative power is not an integer");
            return self.error(
                Diagnostic::new(Code::NegativeIntegerPower, message)
                    .at(exponent.1, "this exponent is negative")
                    .help("write `1.0 / x ** n`, or convert: `f64(x) ** -1`"),
            );
        }
        let Some((id, strength)) = self.concrete(base.0, base.1) else { return Value::Error };
        match i32::try_from(n).ok().filter(|n| n.unsigned_abs() <= MAX_EXPONENT) {
            Some(n) => Value::Node(self.small_power(id, n, span), strength),
            None => self.apply(Op::Pow, &[base, exponent], span),
        }
    }

    fn float_power(&mut self, base: Operand, n: i128, exponent: Operand, span: Span) -> Value {
        let Some(base) = self.as_float(base) else { return Value::Error };
        let small = i32::try_from(n).ok().filter(|n| n.unsigned_abs() <= MAX_EXPONENT);
        match (small, self.options.mode) {
            (Some(n @ (-1..=2)), _) | (Some(n), Mode::Relaxed) => {
                let Some((id, strength)) = self.concrete(base.0, base.1) else {
                    return Value::Error;
                };
                Value::Node(self.small_power(id, n, span), strength)
            }
            (Some(_), Mode::Strict) | (None, _) => self.apply(Op::Pow, &[base, exponent], span),
        }
    }

    /// A literal n up to 64 is a product in either mode, as in NumPy; 0.5 is sqrt.
    fn complex_power(&mut self, base: Operand, exponent: Operand, span: Span) -> Value {
        let small = match literal_exponent(exponent.0) {
            Exponent::Integer(n) => {
                i32::try_from(n).ok().filter(|n| n.unsigned_abs() <= MAX_EXPONENT)
            }
            Exponent::Half => return self.apply(Op::Sqrt, &[base], span),
            Exponent::Other => None,
        };
        match (small, base.0) {
            (Some(1), _) => base.0,
            (Some(2), _) => self.apply(Op::Mul, &[base, base], span),
            (Some(n), Value::Node(id, strength)) => {
                Value::Node(self.graph.power(id, n, source(span)), strength)
            }
            (Some(_) | None, _) => self.apply(Op::Pow, &[base, exponent], span),
        }
    }

    /// 0, 1, 2 and -1 have forms of their own; the rest is for the optimizer to arrange.
    fn small_power(&mut self, base: NodeId, n: i32, span: Span) -> NodeId {
        let dtype = self.graph.dtype(base);
        match n {
            1 => base,
            2 => self.graph.apply(Op::Mul, &[base, base], dtype, source(span)),
            -1 => {
                let one = self.graph.constant(Constant::float(dtype, 1.0), source(span));
                self.graph.apply(Op::Div, &[one, base], dtype, source(span))
            }
            _ => self.graph.power(base, n, source(span)),
        }
    }

    /// Integers and bool as f64, floats as they are.
    pub(super) fn as_float(&mut self, operand: Operand) -> Option<Operand> {
        let ty = self.arg_type(operand.0);
        let floats = ty.dtype.is_float() || ty.dtype.is_complex();
        if floats && !is_plain(operand.0) {
            return Some(operand);
        }
        let strength = if is_plain(operand.0) { Strength::Weak } else { ty.strength };
        self.cast(operand, DType::F64).map(|id| (Value::Node(id, strength), operand.1))
    }
}

fn is_plain(value: Value) -> bool {
    matches!(value, Value::Int(_) | Value::Float(_))
}

/// Plain integers, and plain floats with an integer value.
fn literal_exponent(value: Value) -> Exponent {
    match value {
        Value::Int(n) => Exponent::Integer(n),
        Value::Float(0.5) => Exponent::Half,
        Value::Float(value) if value.trunc() == value && value.abs() <= 64.0 => {
            Exponent::Integer(value as i128)
        }
        Value::Float(_) | Value::Node(..) | Value::Type(_) | Value::Error => Exponent::Other,
        Value::Shape(_) | Value::Tuple(_) | Value::None => Exponent::Other,
    }
}
