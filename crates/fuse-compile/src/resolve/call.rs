//! Calls: functions of the table, casts written as the dtype's name, and names that are known but not
//! built. Functions that are formulas over others are in `derived`.

use fuse_ir::{DType, Strength};
use fuse_ops::derived::{DERIVED, Derived};
use fuse_ops::{Class, Op};
use fuse_syntax::{Argument, Code, Diagnostic, List, NameId, NodeId as SyntaxId, Span, quoted};

use super::names::{called_here, elsewhere, nearest, planned};
use super::{Operand, Resolver, Value, is_computable, number_types};
use crate::graph::{Constant, NodeId};

impl Resolver<'_> {
    pub(super) fn call(&mut self, id: SyntaxId, callee: NameId, args: List<Argument>) -> Value {
        let (ast, span) = (self.ast, self.ast.span(id));
        let name = ast.name(callee);
        let name_span = ast.token_span(id);
        let arguments = ast.arguments(args);
        let operands: Vec<Operand> =
            arguments.iter().map(|argument| self.operand(argument.value)).collect();
        if let Some(dtype) = DType::from_name(name) {
            return self.cast_call(dtype, &operands, name_span, span);
        }
        let op = Op::function(name);
        let plain = arguments.iter().all(|argument| argument.keyword.is_none());
        let fits_row = op.is_some_and(|op| plain && operands.len() == op.row().arity);
        if let (Some(function), false) = (Derived::function(name), fits_row) {
            return self.derived(function, arguments, span);
        }
        let Some(op) = op else { return self.unknown_function(name, name_span) };
        if let Some((keyword, place)) = arguments.iter().find_map(|argument| argument.keyword) {
            return self.keyword(op, ast.name(keyword), place);
        }
        let arity = op.row().arity;
        if operands.len() != arity {
            return self.wrong_arity(name, arity, operands.len(), span);
        }
        match op {
            Op::Pow => self.power([operands[0], operands[1]], span),
            op @ (Op::Lt | Op::Le | Op::Eq | Op::Ne | Op::Gt | Op::Ge) => {
                self.compare(op, [operands[0], operands[1]], span)
            }
            op => self.apply(op, &operands, span),
        }
    }

    fn cast_call(
        &mut self,
        dtype: DType,
        operands: &[Operand],
        name_span: Span,
        span: Span,
    ) -> Value {
        if !is_computable(dtype) {
            let (what, help) = (format!("{dtype} is"), format!("use {}", number_types("or")));
            return self.not_yet(name_span, &what, &help);
        }
        let &[operand] = operands else {
            return self.wrong_arity(&dtype.to_string(), 1, operands.len(), span);
        };
        let Some(id) = self.cast_operand(operand, dtype) else { return Value::Error };
        if self.graph.dtype(id) == dtype {
            return Value::Node(id, Strength::Strong);
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
            Value::Node(..) | Value::Float(_) | Value::Error => {
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

    fn keyword(&mut self, op: Op, keyword: &str, place: Span) -> Value {
        let reduces = op.row().class == Class::Reduction;
        if reduces && ["axis", "keepdims", "dtype", "where", "initial"].contains(&keyword) {
            let what = format!("{} of a reduction is", quoted(keyword));
            return self.not_yet(place, &what, "reduce over all elements, as in `sum(x)`");
        }
        let message = format!("unknown keyword argument {}", quoted(keyword));
        self.error(Diagnostic::new(Code::UnknownKeyword, message).at(place, ""))
    }

    fn wrong_arity(&mut self, name: &str, arity: usize, found: usize, span: Span) -> Value {
        let plural = if arity == 1 { "" } else { "s" };
        let message = format!("{} takes {arity} argument{plural}, {found} given", quoted(name));
        let mut diagnostic = Diagnostic::new(Code::WrongArity, message).at(span, "");
        let between_arrays = match Op::function(name) {
            Some(Op::Max) if found == 2 => Some(Op::Maximum),
            Some(Op::Min) if found == 2 => Some(Op::Minimum),
            _ => None,
        };
        if let Some(op) = between_arrays {
            let example = op.row().example;
            diagnostic = diagnostic.help(format!("element by element it is `{example}`"));
        } else if let Some(op) = Op::function(name) {
            diagnostic = diagnostic.help(format!("as in `{}`", op.row().example));
        }
        self.error(diagnostic)
    }

    fn unknown_function(&mut self, name: &str, span: Span) -> Value {
        if let Some(code) = elsewhere(name) {
            let message = format!("{} is not supported", quoted(name));
            return self
                .error(Diagnostic::new(code, message).at(span, "").note(code.explanation()));
        }
        if planned(name) {
            let what = format!("the function {} is", quoted(name));
            return self.not_yet(span, &what, "`fuse info --functions` lists what there is");
        }
        let message = format!("unknown function {}", quoted(name));
        let mut diagnostic = Diagnostic::new(Code::UnknownFunction, message).at(span, "");
        let derived = DERIVED.iter().map(|row| row.name);
        if self.variables.iter().any(|variable| variable.name == name) {
            diagnostic = diagnostic.help("it is a variable; multiplication is written `*`");
        } else if let Some(ours) = called_here(name) {
            diagnostic = diagnostic.help(format!("here it is called `{ours}`"));
        } else if let Some(near) = nearest(name, fuse_ops::table::function_names().chain(derived)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.error(diagnostic)
    }

    pub(super) fn unknown_name(&mut self, name: &str, span: Span) -> Value {
        let message = format!("unknown name {}", quoted(name));
        let mut diagnostic = Diagnostic::new(Code::UnknownName, message).at(span, "");
        let known = self.variables.iter().map(|variable| variable.name);
        if Op::function(name).is_some() || Derived::function(name).is_some() {
            diagnostic = diagnostic.help(format!("it is a function: write `{name}(x)`"));
        } else if let Some(near) = nearest(name, known.clone().chain(["pi", "inf", "nan"])) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        } else if self.variables.is_empty() {
            diagnostic = diagnostic.help(format!("no variables were given; give it: {name}=..."));
        } else {
            let known: Vec<String> = known.map(quoted).collect();
            diagnostic = diagnostic.help(format!("the variables are {}", known.join(", ")));
        }
        self.error(diagnostic)
    }
}
