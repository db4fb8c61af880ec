//! Calls: functions of the table, casts written as the dtype's name, and names that are known but not
//! built. Functions that are formulas over others are in `derived`.

use fuse_ir::{DType, Strength};
use fuse_ops::Op;
use fuse_ops::derived::Derived;
use fuse_syntax::{
    Argument, Code, Diagnostic, List, NameId, NodeId as SyntaxId, Span, Statement, quoted,
};

use super::names::{called_here, elsewhere, is_function, nearest};
use super::reduction::Reducer;
use super::scope::Meaning;
use super::{Operand, Resolver, Value, is_computable, number_types};
use crate::graph::{Constant, NodeId};

/// What is called, and where.
pub(super) struct Callee<'a> {
    pub(super) name: &'a str,
    /// Where the name stands.
    pub(super) place: Span,
    /// Where the call stands.
    pub(super) span: Span,
    /// Operands that stand before the name: 1 for a method.
    pub(super) n_receivers: usize,
}

/// An argument and its value; a method's receiver is the first.
#[derive(Clone, Copy)]
pub(super) struct Passed {
    pub(super) keyword: Option<(NameId, Span)>,
    pub(super) operand: Operand,
}

impl Resolver<'_> {
    /// A call of anything but a local function.
    pub(super) fn call(&mut self, id: SyntaxId, name: NameId, args: List<Argument>) -> Value {
        let (ast, place) = (self.ast, self.ast.token_span(id));
        match self.scope.of(id) {
            Meaning::Outer if is_function(ast.name(name)) => {}
            Meaning::Outer => return self.unknown_function(name, place),
            Meaning::Assigned(_) | Meaning::Parameter(_) => {
                return self.not_a_function(name, place);
            }
            // Local functions are inlined; what calls itself has been reported; dtypes are not called.
            Meaning::Function(_) | Meaning::Itself | Meaning::Type => return Value::Error,
        }
        let callee = Callee { name: ast.name(name), place, span: ast.span(id), n_receivers: 0 };
        let passed: Vec<Passed> = self.passed(args).collect();
        self.function(&callee, &passed)
    }

    /// The arguments of a call with their values.
    pub(super) fn passed(&self, args: List<Argument>) -> impl Iterator<Item = Passed> + '_ {
        self.ast.arguments(args).iter().map(|&Argument { keyword, value }| Passed {
            keyword,
            operand: self.any_operand(value),
        })
    }

    /// A function of the language.
    pub(super) fn function(&mut self, callee: &Callee<'_>, passed: &[Passed]) -> Value {
        let &Callee { name, place, span, .. } = callee;
        if let Some(reducer) = Reducer::named(name) {
            return self.reduction(reducer, callee, passed);
        }
        let op = Op::function(name);
        let plain = passed.iter().all(|passed| passed.keyword.is_none());
        let fits_row = op.is_some_and(|op| plain && passed.len() == op.row().arity);
        if let (Some(function), false) = (Derived::function(name), fits_row) {
            return self.derived(function, callee, passed);
        }
        if let Some((keyword, place)) = passed.iter().find_map(|passed| passed.keyword) {
            return self.unknown_keyword(self.ast.name(keyword), place);
        }
        let operands: Vec<Operand> = passed.iter().map(|passed| passed.operand).collect();
        // `complex(x)` is the cast, `complex(x, y)` the function.
        let is_cast = operands.len() == 1 && DType::from_name(name).is_some();
        let op = op.filter(|_| !is_cast);
        let arity = op.map_or(1, |op| op.row().arity);
        if operands.len() != arity {
            return self.wrong_arity(callee, arity, operands.len());
        }
        let operands: Vec<Operand> =
            operands.iter().map(|&operand| self.checked(operand)).collect();
        match (op, DType::from_name(name)) {
            (Some(Op::Pow), _) => self.power([operands[0], operands[1]], span),
            (Some(op @ (Op::Lt | Op::Le | Op::Eq | Op::Ne | Op::Gt | Op::Ge)), _) => {
                self.compare(op, [operands[0], operands[1]], span)
            }
            (Some(op), _) => self.apply(op, &operands, span),
            (None, Some(dtype)) => self.cast_to(dtype, operands[0], place, span),
            (None, None) => unreachable!("a function is an operator, a derived one or a cast"),
        }
    }

    /// A cast, whose dtype is named at `place`.
    pub(super) fn cast_to(
        &mut self,
        dtype: DType,
        operand: Operand,
        place: Span,
        span: Span,
    ) -> Value {
        if !is_computable(dtype) {
            let (what, help) = (format!("{dtype} is"), format!("use {}", number_types("or")));
            return self.not_yet(place, &what, &help);
        }
        let Some(id) = self.cast_operand(operand, dtype) else { return Value::Error };
        let from = self.graph.dtype(id);
        // A cast of f16 to f16 rounds in relaxed mode; half.rs makes it explicit.
        if from == dtype && dtype != DType::F16 {
            return Value::Node(id, Strength::Strong);
        }
        if from.is_complex() && !dtype.is_complex() && dtype != DType::Bool {
            let message = format!("{from} is not converted to {dtype}");
            let error = Diagnostic::new(Code::TypeMismatch, message).at(operand.1, "complex");
            let help = format!("take its real part, as in `{dtype}(z.real)`, or `abs(z)`");
            return self.error(error.related(place, "").help(help));
        }
        if dtype.is_complex() {
            let id = self.cast((Value::Node(id, Strength::Strong), span), dtype);
            return id.map_or(Value::Error, |id| Value::Node(id, Strength::Strong));
        }
        let id = self.graph.apply(Op::Cast, &[id], dtype, super::source(span));
        Value::Node(id, Strength::Strong)
    }

    /// What is cast: plain integers take the dtype at once, so that those it cannot hold are errors.
    fn cast_operand(&mut self, operand: Operand, dtype: DType) -> Option<NodeId> {
        let (value, span) = operand;
        match value {
            Value::Int(plain) if dtype == DType::Bool => {
                let truth = Constant::bool(plain != 0);
                Some(self.graph.constant(truth, super::source(span)))
            }
            Value::Node(id, Strength::Weak)
                if dtype.is_integer() && self.graph.dtype(id).is_integer() =>
            {
                self.cast(operand, dtype)
            }
            Value::Int(plain) => match dtype.integer_range() {
                Some((low, high)) if plain < low || high < plain => {
                    self.cast_out_of_range(plain, dtype, span)
                }
                Some(_) | None => self.literal_as(value, dtype, span),
            },
            Value::Node(..) | Value::Float(_) | Value::Type(_) | Value::Error => {
                self.concrete(value, span).map(|(id, _)| id)
            }
            Value::Shape(_) | Value::Tuple(_) | Value::None => {
                self.concrete(value, span).map(|(id, _)| id)
            }
        }
    }

    /// A plain integer that the dtype it is cast to cannot hold, as in `u8(300)`.
    fn cast_out_of_range(&mut self, plain: i128, dtype: DType, span: Span) -> Option<NodeId> {
        let range = dtype.integer_range();
        let range = range.map_or(String::new(), |(low, high)| format!("{low} to {high}"));
        let message = format!("{plain} does not fit {dtype}");
        let diagnostic = Diagnostic::new(Code::LiteralOutOfRange, message)
            .at(span, format!("{dtype} holds {range}"));
        self.error(match i64::try_from(plain) {
            Ok(_) => diagnostic.help(format!("to wrap, convert twice: `{dtype}(i64({plain}))`")),
            Err(_) => diagnostic,
        });
        None
    }

    pub(super) fn unknown_keyword(&mut self, keyword: &str, place: Span) -> Value {
        let message = format!("unknown keyword argument {}", quoted(keyword));
        self.error(Diagnostic::new(Code::UnknownKeyword, message).at(place, ""))
    }

    /// The receiver of a method does not count.
    fn wrong_arity(&mut self, callee: &Callee<'_>, arity: usize, found: usize) -> Value {
        let &Callee { name, span, n_receivers, .. } = callee;
        let (arity, given) = (arity - n_receivers, found - n_receivers);
        let plural = if arity == 1 { "" } else { "s" };
        let message = format!("{} takes {arity} argument{plural}, {given} given", quoted(name));
        let mut diagnostic = Diagnostic::new(Code::WrongArity, message).at(span, "");
        if n_receivers > 0 {
            return self.error(diagnostic);
        }
        if let Some(op) = Op::function(name) {
            diagnostic = diagnostic.help(format!("as in `{}`", op.row().example));
        }
        self.error(diagnostic)
    }

    pub(super) fn unknown_function(&mut self, id: NameId, span: Span) -> Value {
        if self.enough_errors() {
            return Value::Error;
        }
        let name = self.ast.name(id);
        if let Some(code) = elsewhere(name) {
            let message = format!("{} is not supported", quoted(name));
            return self
                .error(Diagnostic::new(code, message).at(span, "").note(code.explanation()));
        }
        let message = format!("unknown function {}", quoted(name));
        let mut diagnostic = Diagnostic::new(Code::UnknownFunction, message).at(span, "");
        if let Some(target) = self.defined_below(id, span) {
            diagnostic = diagnostic
                .related(target, "defined only here, below")
                .help("move the definition before this use");
        } else if self.variables.iter().any(|variable| variable.name == name) {
            diagnostic = diagnostic.help("it is a variable; multiplication is written `*`");
        } else if let Some(ours) = called_here(name) {
            diagnostic = diagnostic.help(format!("here it is called `{ours}`"));
        } else if let Some(near) = nearest(name, fuse_ops::table::function_names()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.error(diagnostic)
    }

    /// The target of the first definition of the function, if that stands after its use.
    fn defined_below(&self, name: NameId, span: Span) -> Option<Span> {
        self.ast.statements().find_map(|statement| match statement {
            Statement::Function { name: defined, target, .. } => {
                (defined == name && span.end <= target.start).then_some(target)
            }
            Statement::Assign { .. } | Statement::Results(_) => None,
        })
    }
}
