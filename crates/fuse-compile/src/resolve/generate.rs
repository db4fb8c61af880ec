//! Arrays out of nothing: `arange`, `linspace`, `zeros`, `ones`, `full`.
//!
//! Their elements are computed from the place in the loop where they are used; only where they meet an
//! array of more dimensions is there an array of theirs, of one dimension.

use fuse_ir::{CountRule, DType, Dim, Shape, Strength, SymbolOp};
use fuse_ops::Op;
use fuse_syntax::{Code, Diagnostic, Span};

use super::slice::Number;
use super::{Operand, Resolver, Value, source};
use crate::graph::{Constant, NodeId};

impl Resolver<'_> {
    /// `zeros(n)`, `zeros((n, m))`, `zeros(x.shape)`.
    pub(super) fn filled(&mut self, shape: Operand, value: f64, span: Span) -> Value {
        let scalar = self.graph.constant(Constant::float(DType::F64, value), source(span));
        self.expanded(shape, scalar, span)
    }

    /// `full(n, v)`.
    pub(super) fn full(&mut self, args: [Operand; 2], span: Span) -> Value {
        let (value, place) = self.checked(args[1]);
        if value == Value::Error {
            return Value::Error;
        }
        let Some((scalar, _)) = self.concrete(value, place) else { return Value::Error };
        if !self.graph.ty(scalar).shape.is_empty() {
            let message = "`full` takes a scalar to fill with";
            let help = "an array broadcasts by itself: write `zeros(n) + v`";
            return self.error(
                Diagnostic::new(Code::TypeMismatch, message).at(place, "an array").help(help),
            );
        }
        self.expanded(args[0], scalar, span)
    }

    fn expanded(&mut self, shape: Operand, scalar: NodeId, span: Span) -> Value {
        match self.shape_argument(shape) {
            Some(shape) => {
                let id = self.graph.expand(scalar, shape, source(span));
                Value::Node(id, Strength::Strong)
            }
            None => Value::Error,
        }
    }

    /// A number of elements, a tuple of them, or the shape of an array.
    fn shape_argument(&mut self, operand: Operand) -> Option<Shape> {
        match operand.0 {
            Value::Shape(node) => Some(self.graph.shape(node)),
            Value::Tuple(tuple) => {
                let parts = self.tuples[tuple as usize].clone();
                if !self.is_rank(parts.len(), operand.1) {
                    return None;
                }
                parts.into_iter().map(|part| self.count(part)).collect()
            }
            Value::Node(..)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Type(_)
            | Value::None
            | Value::Error => self.count(operand).map(|dim| [dim].into_iter().collect()),
        }
    }

    /// A number of elements, which a call checks not to be negative.
    fn count(&mut self, operand: Operand) -> Option<Dim> {
        let number = self.number(operand, "a number of elements")?;
        let count = self.number_symbol(number);
        if !matches!(number, Number::Literal(0..)) {
            self.graph.count_rules.push(CountRule { count, span: source(operand.1) });
        }
        Some(self.graph.symbol_dim(count))
    }

    /// `arange(stop)`, `arange(start, stop)`, `arange(start, stop, step)`.
    pub(super) fn arange(&mut self, args: [Operand; 3], span: Span) -> Value {
        // With one argument, that is where it stops.
        let args = match args {
            [stop, (Value::None, place), step] => [(Value::Int(0), place), stop, step],
            _ => args,
        };
        if args.iter().any(|arg| matches!(arg.0, Value::Float(_))) {
            return self.arange_of_floats(&args, span);
        }
        let numbers = args.map(|arg| self.number(arg, "an end of `arange`"));
        let [Some(start), Some(stop), Some(step)] = numbers else { return Value::Error };
        let Some(step) = self.literal_step(step, &args) else { return Value::Error };
        let (start, stop) = (self.number_symbol(start), self.number_symbol(stop));
        let (from, to) = if step > 0 { (start, stop) } else { (stop, start) };
        let distance = self.graph.combine(SymbolOp::Less, to, from);
        let size = self.graph.literal_symbol(step.saturating_abs());
        let extent = self.graph.combine(SymbolOp::CeilDiv, distance, size);
        let (index, place) = (self.index_of(extent, span), source(span));
        let step = self.graph.constant(Constant::int(DType::I64, step), place);
        let run = self.graph.apply(Op::Mul, &[index, step], DType::I64, place);
        let start = match self.graph.symbol_value(start) {
            Some(start) => self.graph.constant(Constant::int(DType::I64, start), place),
            None => self.graph.symbol_node(start, place),
        };
        Value::Node(self.graph.apply(Op::Add, &[run, start], DType::I64, place), Strength::Strong)
    }

    fn literal_step(&mut self, step: Number, args: &[Operand]) -> Option<i64> {
        let place = args.last().map_or_else(Span::default, |arg| arg.1);
        let (code, message) = match step {
            Number::Literal(0) => (Code::LiteralOutOfRange, "the step of `arange` cannot be 0"),
            Number::Literal(step) => return Some(step),
            Number::Symbol(_) => (Code::NotConstant, "the step of `arange` must be a literal"),
        };
        let help = "of `arange(n)`, multiples and sums have other steps: `3*arange(n) + 1`";
        self.error(Diagnostic::new(code, message).at(place, "").help(help));
        None
    }

    /// 0.0, step, … of literals: as NumPy, start + i·d where d is (start + step) - start rounded.
    fn arange_of_floats(&mut self, args: &[Operand], span: Span) -> Value {
        let plain = |operand: &Operand| match operand.0 {
            Value::Int(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            Value::Node(..) | Value::Type(_) | Value::Error => None,
            Value::Shape(_) | Value::Tuple(_) | Value::None => None,
        };
        let Some(numbers) = args.iter().map(plain).collect::<Option<Vec<f64>>>() else {
            let place = args.first().map_or(span, |arg| arg.1);
            let message = "`arange` of floats takes literals only";
            let help = "`linspace(start, stop, n)` takes any scalars";
            return self
                .error(Diagnostic::new(Code::NotConstant, message).at(place, "").help(help));
        };
        let &[start, stop, step] = numbers.as_slice() else { return Value::Error };
        let count = ((stop - start) / step).ceil();
        if step == 0.0 || !count.is_finite() || count > 2.0_f64.powi(53) {
            let message = "`arange` has no such number of elements";
            return self.error(Diagnostic::new(Code::LiteralOutOfRange, message).at(span, ""));
        }
        let extent = self.graph.literal_symbol(count.max(0.0) as i64);
        let (index, place) = (self.index_of(extent, span), source(span));
        let delta = (start + step) - start;
        let [start, delta] = [start, delta]
            .map(|value| self.graph.constant(Constant::float(DType::F64, value), place));
        let index = self.graph.apply(Op::Cast, &[index], DType::F64, place);
        let run = self.graph.apply(Op::Mul, &[index, delta], DType::F64, place);
        Value::Node(self.graph.apply(Op::Add, &[run, start], DType::F64, place), Strength::Strong)
    }

    fn index_of(&mut self, extent: u32, span: Span) -> NodeId {
        self.graph.index(extent, (0, 1), source(span))
    }

    /// `linspace(start, stop, n)`: start + i·((stop - start)/(n - 1)), and stop itself at the end.
    pub(super) fn linspace(&mut self, args: [Operand; 2], count: Operand, span: Span) -> Value {
        let mut ends = Vec::new();
        for arg in args {
            let operand = self.checked(arg);
            let Some(id) = self.scalar_f64(operand) else { return Value::Error };
            ends.push(id);
        }
        let Some(count) = self.count(count) else { return Value::Error };
        let count = self.graph.dim_symbol(count);
        let place = source(span);
        // The last position; 1 where there is one element only, which is `start`.
        let one = self.graph.literal_symbol(1);
        let last = self.graph.combine(SymbolOp::Sub, count, one);
        let last = self.graph.combine(SymbolOp::Max, last, one);
        let last = self.graph.symbol_node(last, place);
        let index = self.index_of(count, span);
        let graph = &mut self.graph;
        let float =
            |graph: &mut crate::graph::Graph, id| graph.apply(Op::Cast, &[id], DType::F64, place);
        let (steps, at) = (float(graph, last), float(graph, index));
        let distance = graph.apply(Op::Sub, &[ends[1], ends[0]], DType::F64, place);
        let step = graph.apply(Op::Div, &[distance, steps], DType::F64, place);
        let run = graph.apply(Op::Mul, &[at, step], DType::F64, place);
        let value = graph.apply(Op::Add, &[run, ends[0]], DType::F64, place);
        let is_last = graph.apply(Op::Eq, &[index, last], DType::Bool, place);
        let id = graph.apply(Op::Where, &[is_last, ends[1], value], DType::F64, place);
        Value::Node(id, Strength::Strong)
    }

    /// A scalar as f64.
    fn scalar_f64(&mut self, operand: Operand) -> Option<NodeId> {
        let id = match operand.0 {
            Value::Type(_) | Value::Error => return None,
            Value::Node(..) | Value::Int(_) | Value::Float(_) => self.cast(operand, DType::F64)?,
            Value::Shape(_) | Value::Tuple(_) | Value::None => self.cast(operand, DType::F64)?,
        };
        if self.graph.ty(id).shape.is_empty() {
            return Some(id);
        }
        let message = "`linspace` takes scalars";
        self.error(Diagnostic::new(Code::TypeMismatch, message).at(operand.1, "an array"));
        None
    }
}
