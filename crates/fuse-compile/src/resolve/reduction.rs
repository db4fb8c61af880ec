//! Reductions: `sum(x, axis=0)`, `x.mean(axis=(0, 2), keepdims=True)`, `std(x, ddof=1)`.
//!
//! What stands beside the operand is literal, since the rank of the result depends on it. A reduction is a
//! row of the operator table, or a form that [`super::composed`] writes with such rows; either says which
//! parameters it takes.

use fuse_ir::{Dim, SourceSpan, Strength, index_u32};
use fuse_ops::{
    ArgType, Class, Form, FormKind, OfComplex, OfNothing, Op, Parameter, TypeIssue, Typed,
};
use fuse_syntax::{Code, Diagnostic, NameId, Span, quoted};

use super::call::{Callee, Passed};
use super::composed::Over;
use super::names::nearest;
use super::{Operand, Resolver, Value, source};
use crate::graph::{Axes, NodeId, View};

/// A reduction of the language.
#[derive(Clone, Copy)]
pub(super) enum Reducer {
    Row(Op),
    Form(&'static Form),
}

/// What a call says beside its operands.
#[derive(Clone, Copy, Default)]
struct Given {
    axis: Option<Operand>,
    keepdims: Option<Operand>,
    ddof: Option<Operand>,
}

impl Reducer {
    /// The reduction of that name.
    pub(super) fn named(name: &str) -> Option<Reducer> {
        let row = Op::function(name).filter(|op| op.row().class == Class::Reduction);
        row.map(Reducer::Row).or_else(|| Form::named(name).map(Reducer::Form))
    }

    fn name(self) -> &'static str {
        match self {
            Reducer::Row(op) => op.row().name,
            Reducer::Form(form) => form.name,
        }
    }

    fn n_operands(self) -> usize {
        match self {
            Reducer::Row(op) => op.row().arity,
            Reducer::Form(form) => form.arity,
        }
    }

    fn parameters(self) -> &'static [Parameter] {
        match self {
            Reducer::Row(op) => op.parameters(),
            Reducer::Form(form) => form.parameters,
        }
    }

    /// Its typing rule applied to an operand; what it is of complex numbers.
    fn typed(self, operand: ArgType) -> Result<Typed, TypeIssue> {
        let typed = match self {
            Reducer::Row(op) => op.row().typing.apply(&[operand])?,
            Reducer::Form(form) => form.typing.apply(&[operand])?,
        };
        let of_complex = match self {
            Reducer::Row(op) => op.of_complex(),
            Reducer::Form(form) => form.of_complex,
        };
        match (typed.operand.part(), of_complex) {
            (None, _) | (Some(_), OfComplex::Complex) => Ok(typed),
            (Some(part), OfComplex::Real) => Ok(Typed { result: part, ..typed }),
            (Some(_), OfComplex::Error) => Err(TypeIssue {
                arg: 0,
                expected: "real numbers",
                hint: Some("reduce `abs(z)`, or a part, `z.real` or `z.imag`"),
            }),
        }
    }

    fn needs_an_element(self) -> bool {
        match self {
            Reducer::Row(op) => op.needs_an_element(),
            Reducer::Form(form) => form.of_nothing == OfNothing::Error,
        }
    }
}

impl Resolver<'_> {
    pub(super) fn reduction(
        &mut self,
        reducer: Reducer,
        callee: &Callee<'_>,
        passed: &[Passed],
    ) -> Value {
        let Some(given) = self.given_beside(reducer, callee, passed) else { return Value::Error };
        let operand = self.checked(passed[0].operand);
        if let Reducer::Form(Form { kind: FormKind::Dot, .. }) = reducer {
            let second = self.checked(passed[1].operand);
            return self.dot([operand, second], callee.span);
        }
        let Some((arg, typed)) = self.reduced_operand(reducer, operand) else {
            return Value::Error;
        };
        let shape = self.graph.shape(arg);
        let axes = self.axes(given.axis, shape.len());
        let keepdims = given.keepdims.map_or(Some(false), |operand| self.truth(operand));
        let ddof = given.ddof.map_or(Some(0), |operand| self.literal_integer(operand, "`ddof`"));
        let (Some(axes), Some(keepdims), Some(ddof)) = (axes, keepdims, ddof) else {
            return Value::Error;
        };
        if reducer.needs_an_element() {
            self.graph.require_elements(reducer.name(), (arg, source(operand.1)), &axes);
        }
        let span = source(callee.span);
        let over = Over { arg, axes: &axes, result: typed.result, span };
        let graph = &mut self.graph;
        let id = match reducer {
            Reducer::Row(Op::Sum) => over.sum(graph),
            Reducer::Row(op) => over.reduce(graph, op, arg, typed.result),
            Reducer::Form(form) => over.form(graph, form.kind, ddof),
        };
        let id = if keepdims { self.keep_axes(id, &axes, shape.len(), span) } else { id };
        Value::Node(id, typed.strength)
    }

    /// The operand in the dtype that the reduction takes, and what comes out.
    fn reduced_operand(&mut self, reducer: Reducer, operand: Operand) -> Option<(NodeId, Typed)> {
        if operand.0 == Value::Error {
            return None;
        }
        if self.is_text(operand.0) {
            self.text_refused(&format!("`{}` takes numbers", reducer.name()), operand);
            return None;
        }
        let ty = self.arg_type(operand.0);
        match reducer.typed(ty) {
            Ok(typed) => Some((self.cast(operand, typed.args[0])?, typed)),
            Err(TypeIssue { expected, hint, .. }) => {
                let (name, found) = (reducer.name(), self.type_text(operand.0));
                let message = format!("`{name}` takes {expected}, not {found}");
                let error = Diagnostic::new(Code::TypeMismatch, message);
                let error = error.at(operand.1, format!("this is {found}"));
                self.error(match hint {
                    Some(hint) => error.help(hint),
                    None => error,
                });
                None
            }
        }
    }

    /// The arguments of a call that are no operands, each where its parameter is.
    fn given_beside(
        &mut self,
        reducer: Reducer,
        callee: &Callee<'_>,
        passed: &[Passed],
    ) -> Option<Given> {
        let mut given = Given::default();
        for passed in passed {
            let Some((keyword, place)) = passed.keyword else { continue };
            let parameter = self.parameter(reducer, keyword, place)?;
            self.give(&mut given, parameter, passed.operand, place)?;
        }
        let (n_operands, parameters) = (reducer.n_operands(), reducer.parameters());
        let n_positional = passed.iter().filter(|passed| passed.keyword.is_none()).count();
        let by_position = usize::from(parameters.contains(&Parameter::Axis));
        if n_positional < n_operands || n_operands + by_position < n_positional {
            self.wrong_number(reducer, callee, n_positional);
            return None;
        }
        if n_positional > n_operands {
            let operand = passed[n_operands].operand;
            self.not_an_array(reducer, callee, operand)?;
            self.give(&mut given, Parameter::Axis, operand, operand.1)?;
        }
        Some(given)
    }

    fn give(
        &mut self,
        given: &mut Given,
        parameter: Parameter,
        operand: Operand,
        place: Span,
    ) -> Option<()> {
        let slot = match parameter {
            Parameter::Axis | Parameter::NamedAxis => &mut given.axis,
            Parameter::Keepdims => &mut given.keepdims,
            Parameter::Ddof => &mut given.ddof,
        };
        if slot.replace(operand).is_none() {
            return Some(());
        }
        let message = format!("{} is given twice", quoted(parameter.name()));
        self.error(Diagnostic::new(Code::WrongArity, message).at(place, ""));
        None
    }

    /// The parameter of that name.
    fn parameter(&mut self, reducer: Reducer, keyword: NameId, place: Span) -> Option<Parameter> {
        let (name, keyword) = (reducer.name(), self.ast.name(keyword));
        let parameters = reducer.parameters();
        if let Some(&known) = parameters.iter().find(|known| known.name() == keyword) {
            return Some(known);
        }
        if let Some(instead) = instead_of(keyword, name) {
            let what = format!("{} of a reduction is", quoted(keyword));
            self.not_yet(place, &what, &instead);
            return None;
        }
        let message = format!("{} has no argument {}", quoted(name), quoted(keyword));
        let error = Diagnostic::new(Code::UnknownKeyword, message).at(place, "");
        let known = parameters.iter().map(|known| known.name());
        self.error(match (keyword, nearest(keyword, known)) {
            ("correction", _) if parameters.contains(&Parameter::Ddof) => {
                error.help("here it is called `ddof`")
            }
            (_, Some(near)) => error.help(format!("did you mean `{near}`?")),
            (_, None) => error.help(by_name(parameters)),
        });
        None
    }

    /// `max(a, b)`: the second argument is an axis, and no array.
    fn not_an_array(
        &mut self,
        reducer: Reducer,
        callee: &Callee<'_>,
        (value, place): Operand,
    ) -> Option<()> {
        let is_array = matches!(value, Value::Node(id, _) if !self.graph.ty(id).shape.is_empty());
        if !is_array {
            return Some(());
        }
        let message = format!("`{}` takes one array", reducer.name());
        let error = Diagnostic::new(Code::WrongArity, message)
            .at(place, "this is a second one")
            .related(callee.span, "");
        self.error(match reducer {
            Reducer::Row(Op::Max) => error.help("element by element it is `maximum(a, b)`"),
            Reducer::Row(Op::Min) => error.help("element by element it is `minimum(a, b)`"),
            Reducer::Row(_) | Reducer::Form(_) => error.help(by_name(reducer.parameters())),
        });
        None
    }

    /// The receiver of a method does not count.
    fn wrong_number(&mut self, reducer: Reducer, callee: &Callee<'_>, found: usize) {
        let &Callee { span, n_receivers, .. } = callee;
        let arrays = match reducer.n_operands() - n_receivers {
            0 => None,
            1 => Some("an array"),
            _ => Some("two arrays"),
        };
        let axis = reducer.parameters().contains(&Parameter::Axis).then_some("an axis");
        let takes: Vec<&str> = arrays.into_iter().chain(axis).collect();
        let (takes, found) = (takes.join(" and "), found - n_receivers);
        let takes = if takes.is_empty() { "nothing" } else { &takes };
        let plural = if found == 1 { "" } else { "s" };
        let name = quoted(reducer.name());
        let message = format!("{name} takes {takes} by position, {found} argument{plural} given");
        let error = Diagnostic::new(Code::WrongArity, message).at(span, "");
        let example = match reducer {
            Reducer::Row(op) => op.row().example,
            Reducer::Form(form) => form.example,
        };
        self.error(match (found, reducer.parameters()) {
            (0, _) | (_, []) => error.help(format!("as in `{example}`")),
            (_, parameters) => error.help(by_name(parameters)),
        });
    }

    /// The axes of a shape of that rank that a call names: all, one, or several, in rising order.
    fn axes(&mut self, given: Option<Operand>, rank: usize) -> Option<Axes> {
        let parts = match given {
            None | Some((Value::None, _)) => return Some((0..index_u32(rank)).collect()),
            Some((Value::Tuple(tuple), place)) => {
                let parts = self.tuples[tuple as usize].clone();
                if parts.is_empty() {
                    let message = "no axis to reduce";
                    let error = Diagnostic::new(Code::AxisOutOfRange, message).at(place, "");
                    self.error(error.help("leave `axis` out to reduce over all"));
                    return None;
                }
                parts
            }
            Some(operand) => vec![operand],
        };
        let mut axes = Axes::new();
        for part in parts {
            let axis = self.axis(part, rank)?;
            if axes.contains(&axis) {
                let message = format!("axis {axis} is named twice");
                let error = Diagnostic::new(Code::AxisOutOfRange, message).at(part.1, "again");
                self.error(error.help("each axis is reduced once; `-1` is the last one"));
                return None;
            }
            axes.push(axis);
        }
        axes.sort_unstable();
        Some(axes)
    }

    fn axis(&mut self, operand: Operand, rank: usize) -> Option<u32> {
        let axis = self.literal_integer(operand, "an axis")?;
        let own = if axis < 0 { axis.saturating_add(i64::from(index_u32(rank))) } else { axis };
        let own = u32::try_from(own).ok().filter(|&own| (own as usize) < rank);
        if own.is_none() {
            let plural = if rank == 1 { "" } else { "s" };
            let message = format!("axis {axis} of an array of {rank} dimension{plural}");
            let found = match rank {
                0 => "a scalar has no axes".to_string(),
                1 => "the only axis is 0".to_string(),
                _ => format!("its axes are 0 to {}, or -{rank} to -1", rank - 1),
            };
            self.error(Diagnostic::new(Code::AxisOutOfRange, message).at(operand.1, found));
        }
        own
    }

    /// An integer that is written down.
    fn literal_integer(&mut self, (value, place): Operand, what: &str) -> Option<i64> {
        let message = match value {
            Value::Error => return None,
            Value::Int(value) => {
                let limit = i128::from(i64::MAX);
                return i64::try_from(value.clamp(-limit, limit)).ok();
            }
            Value::Node(id, _) if self.graph.dtype(id).is_integer() => {
                if let Some(value) = self.graph.as_constant(id).and_then(|value| value.as_int()) {
                    return Some(value);
                }
                return self.not_literal(what, place);
            }
            Value::Node(..) | Value::Float(_) | Value::Type(_) => format!("{what} is an integer"),
            Value::Shape(_) | Value::Tuple(_) | Value::None => format!("{what} is an integer"),
        };
        let found = format!("this is {}", self.type_text(value));
        self.error(Diagnostic::new(Code::TypeMismatch, message).at(place, found));
        None
    }

    fn not_literal<T>(&mut self, what: &str, place: Span) -> Option<T> {
        let error = Diagnostic::new(Code::NotConstant, format!("{what} must be a literal"))
            .at(place, "this is known only when the formula runs")
            .note("the rank of a result must be known before");
        self.error(error);
        None
    }

    /// True or False, or 1 or 0, written down.
    fn truth(&mut self, (value, place): Operand) -> Option<bool> {
        match value {
            Value::Error => None,
            Value::Int(value @ (0 | 1)) => Some(value == 1),
            Value::Node(id, _) => match self.graph.as_constant(id) {
                Some(constant) if constant.dtype == fuse_ir::DType::Bool => {
                    Some(constant.bits == 1)
                }
                Some(_) => self.not_a_truth(value, place),
                None => self.not_literal("`keepdims`", place),
            },
            Value::Int(_) | Value::Float(_) | Value::Type(_) => self.not_a_truth(value, place),
            Value::Shape(_) | Value::Tuple(_) | Value::None => self.not_a_truth(value, place),
        }
    }

    fn not_a_truth(&mut self, value: Value, place: Span) -> Option<bool> {
        let found = format!("this is {}", self.type_text(value));
        let message = "`keepdims` is True or False";
        self.error(Diagnostic::new(Code::TypeMismatch, message).at(place, found));
        None
    }

    /// The result with the reduced axes at their places, of extent 1.
    fn keep_axes(&mut self, id: NodeId, axes: &Axes, rank: usize, span: SourceSpan) -> NodeId {
        let shape = self.graph.shape(id);
        if shape.is_empty() {
            return self.graph.expand(id, (0..rank).map(|_| Dim::One).collect(), span);
        }
        let View { picks, .. } = self.graph.whole(&shape);
        let mut kept = 0..index_u32(shape.len());
        let own = |axis: u32| if axes.contains(&axis) { None } else { kept.next() };
        let axes = (0..index_u32(rank)).map(own).collect();
        self.graph.view(id, View { picks, axes }, span)
    }

    /// `dot(a, b)`, the sum of a·b.
    fn dot(&mut self, operands: [Operand; 2], span: Span) -> Value {
        if operands.iter().any(|operand| operand.0 == Value::Error) {
            return Value::Error;
        }
        let mut extents = Vec::new();
        for (value, place) in operands {
            let Some((id, _)) = self.concrete(value, place) else { return Value::Error };
            let shape = self.graph.shape(id);
            if shape.len() != 1 {
                return self.not_a_vector(shape.len(), place);
            }
            extents.push(shape[0]);
        }
        if (extents[0] == Dim::One) != (extents[1] == Dim::One) {
            let message = "`dot` of arrays of different length";
            let error = Diagnostic::new(Code::ShapeMismatch, message).at(operands[1].1, "");
            return self.error(error.help("an array of one element broadcasts in `sum(a * b)`"));
        }
        let product = self.apply(Op::Mul, &operands, span);
        let sum = Reducer::Row(Op::Sum);
        let Some((arg, typed)) = self.reduced_operand(sum, (product, span)) else {
            return Value::Error;
        };
        let over = Over { arg, axes: &[0], result: typed.result, span: source(span) };
        let id = over.sum(&mut self.graph);
        Value::Node(id, Strength::Strong)
    }

    fn not_a_vector(&mut self, rank: usize, place: Span) -> Value {
        if rank == 0 {
            let message = "`dot` takes arrays of one axis";
            let error = Diagnostic::new(Code::TypeMismatch, message).at(place, "this is a scalar");
            return self.error(error.help("write `a * b`"));
        }
        let message = "`dot` takes arrays of one axis; matrix products are not supported";
        let error = Diagnostic::new(Code::Matmul, message)
            .at(place, format!("this has {rank} axes"))
            .help("row by row it is `sum(a * b, axis=-1)`");
        self.error(error)
    }
}

/// The parameters as a call names them.
fn by_name(parameters: &[Parameter]) -> String {
    let text = |known: &Parameter| format!("`{}={}`", known.name(), known.default_text());
    match parameters.iter().map(text).collect::<Vec<_>>().as_slice() {
        [] => "it takes none by name".to_string(),
        names => format!("by name it takes {}", names.join(" and ")),
    }
}

/// What to write instead of an argument that NumPy's reductions have.
fn instead_of(keyword: &str, name: &str) -> Option<String> {
    match keyword {
        "dtype" => Some(format!("convert the operand, as in `{name}(f64(x))`")),
        "where" => Some("choose what counts, as in `sum(where(mask, x, 0))`".to_string()),
        "initial" => Some("combine it with the result, as in `sum(x) + initial`".to_string()),
        "out" => Some("say where the result goes in the call that evaluates it".to_string()),
        "ord" => Some("`norm` is the 2-norm; others are `max(abs(x))`, `sum(abs(x))`".to_string()),
        _ => None,
    }
}
