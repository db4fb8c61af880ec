//! `x[1:, None, 0]` and `x.shape`, `x.size`, `len(x)`, `x.T`.
//!
//! Basic slicing, as NumPy has it: the result is a view. Ends of slices and integer indices are numbers
//! that a call binds ([`super::slice`]); a step is a literal. A slice is cut off at the ends of its axis;
//! an integer index must lie inside, which is checked when extents are known.

use fuse_ir::{Dim, IndexRule, MAX_RANK, Pick, Strength, SymbolOp, index_u32};
use fuse_syntax::{Code, Diagnostic, List, NodeId as SyntaxId, Span, SubscriptItem};

use super::slice::Number;
use super::{Operand, Resolver, Value, source};
use crate::graph::{NodeId, View};

/// A view as its items make it, axis by axis.
struct Builder {
    /// What is subscripted.
    operand: NodeId,
    /// The operand's axes so far.
    picks: Vec<Pick>,
    /// The result's axes so far.
    axes: Vec<Option<u32>>,
}

impl Resolver<'_> {
    pub(super) fn subscript(
        &mut self,
        id: SyntaxId,
        value: SyntaxId,
        items: List<SubscriptItem>,
    ) -> Value {
        let (ast, span) = (self.ast, self.ast.span(id));
        let items = ast.items(items);
        if let Value::Shape(operand) = self.values[value.index()] {
            return self.extent_at(operand, items, span);
        }
        let (receiver, place) = self.operand(value);
        if receiver == Value::Error {
            return Value::Error;
        }
        let Some((operand, _)) = self.array(receiver, place) else { return Value::Error };
        match self.build_view(operand, items, span) {
            Some(view) => {
                let id = self.graph.view(operand, view, source(span));
                self.plain_text_view(id, span).unwrap_or(Value::Node(id, Strength::Strong))
            }
            None => Value::Error,
        }
    }

    fn build_view(&mut self, operand: NodeId, items: &[SubscriptItem], span: Span) -> Option<View> {
        let rank = self.graph.ty(operand).shape.len();
        let taken = |item: &&SubscriptItem| match item {
            SubscriptItem::Index(_) | SubscriptItem::Slice { .. } => true,
            SubscriptItem::NewAxis | SubscriptItem::Ellipsis => false,
        };
        let n_taken = items.iter().filter(taken).count();
        if n_taken > rank {
            self.too_many_indices(n_taken, rank, span);
            return None;
        }
        let mut view = Builder { operand, picks: Vec::new(), axes: Vec::new() };
        let mut ellipsis = false;
        for item in items {
            match *item {
                SubscriptItem::NewAxis => view.axes.push(None),
                SubscriptItem::Ellipsis if ellipsis => {
                    let message = "more than one `...` in a subscript";
                    self.error(Diagnostic::new(Code::InvalidSubscript, message).at(span, ""));
                    return None;
                }
                SubscriptItem::Ellipsis => {
                    ellipsis = true;
                    self.whole_axes(&mut view, rank - n_taken);
                }
                SubscriptItem::Index(index) => self.index_axis(&mut view, index)?,
                SubscriptItem::Slice { start, stop, step } => {
                    self.slice_axis(&mut view, [start, stop], step)?;
                }
            }
        }
        let rest = rank - view.picks.len();
        self.whole_axes(&mut view, rest);
        if !self.is_rank(view.axes.len(), span) {
            return None;
        }
        Some(View { picks: view.picks, axes: view.axes.into_iter().collect() })
    }

    /// Are so many axes not too many?
    pub(super) fn is_rank(&mut self, rank: usize, span: Span) -> bool {
        if rank > MAX_RANK {
            let message = format!("{rank} axes, and an array has at most {MAX_RANK}");
            self.error(Diagnostic::new(Code::AxisOutOfRange, message).at(span, ""));
        }
        rank <= MAX_RANK
    }

    fn too_many_indices(&mut self, n_taken: usize, rank: usize, span: Span) {
        let indices = if n_taken == 1 { "index" } else { "indices" };
        let (message, help) = match rank {
            0 => ("a scalar has no axes to index".to_string(), "take it as it is"),
            _ => (
                format!("{n_taken} {indices} for an array of {}", axes_text(rank)),
                "`None` adds an axis, as in `x[:, None]`",
            ),
        };
        self.error(Diagnostic::new(Code::AxisOutOfRange, message).at(span, "").help(help));
    }

    fn whole_axes(&mut self, view: &mut Builder, count: usize) {
        let start = self.graph.literal_symbol(0);
        let shape = self.graph.shape(view.operand);
        for _ in 0..count {
            let axis = view.picks.len();
            view.axes.push(Some(index_u32(axis)));
            view.picks.push(Pick { start, step: 1, extent: shape[axis] });
        }
    }

    fn index_axis(&mut self, view: &mut Builder, index: SyntaxId) -> Option<()> {
        let number = self.number(self.any_operand(index), "an index")?;
        let (axis, shape) = (view.picks.len(), self.graph.shape(view.operand));
        let n = self.graph.dim_symbol(shape[axis]);
        let index_symbol = self.number_symbol(number);
        let span = source(self.ast.span(index));
        self.graph.index_rules.push(IndexRule {
            index: index_symbol,
            axis: index_u32(axis),
            operand: (shape, span),
        });
        let start = match number {
            Number::Literal(value) if value >= 0 => index_symbol,
            Number::Literal(value) => {
                let back = self.graph.literal_symbol(value.saturating_neg());
                self.graph.combine(SymbolOp::Sub, n, back)
            }
            Number::Symbol(symbol) => self.graph.combine(SymbolOp::Wrap, symbol, n),
        };
        view.picks.push(Pick { start, step: 1, extent: Dim::One });
        Some(())
    }

    fn slice_axis(
        &mut self,
        view: &mut Builder,
        ends: [Option<SyntaxId>; 2],
        step: Option<SyntaxId>,
    ) -> Option<()> {
        let mut numbers = [None; 2];
        for (number, end) in numbers.iter_mut().zip(ends) {
            if let Some(end) = end.map(|end| self.any_operand(end)).filter(is_given) {
                *number = Some(self.number(end, "the end of a slice")?);
            }
        }
        let step = match step.filter(|&step| is_given(&self.any_operand(step))) {
            None => 1,
            Some(step) => self.step(step)?,
        };
        let (axis, shape) = (view.picks.len(), self.graph.shape(view.operand));
        let n = self.graph.dim_symbol(shape[axis]);
        let pick = self.slice((numbers[0], numbers[1]), step, n);
        view.axes.push(Some(index_u32(axis)));
        view.picks.push(pick);
        Some(())
    }

    /// The step of a slice: a literal other than 0.
    fn step(&mut self, id: SyntaxId) -> Option<i64> {
        let span = self.ast.span(id);
        match self.number(self.any_operand(id), "the step of a slice")? {
            Number::Literal(0) => {
                let message = "the step of a slice cannot be 0";
                self.error(Diagnostic::new(Code::InvalidSubscript, message).at(span, ""));
                None
            }
            Number::Literal(step) => Some(step),
            Number::Symbol(_) => {
                let message = "the step of a slice must be a literal";
                self.error(
                    Diagnostic::new(Code::NotConstant, message)
                        .at(span, "this is known only when the formula runs")
                        .help("write the number, as in `x[::2]`"),
                );
                None
            }
        }
    }

    /// `x.T`: the axes in reverse order.
    pub(super) fn transposed(&mut self, operand: Operand, span: Span) -> Value {
        let (value, place) = operand;
        let Some((node, strength)) = self.array(value, place) else { return Value::Error };
        let shape = self.graph.shape(node);
        let mut view = self.graph.whole(&shape);
        view.axes.reverse();
        Value::Node(self.graph.view(node, view, source(span)), strength)
    }

    /// `x.shape`.
    pub(super) fn shape_of(&mut self, (value, place): Operand) -> Value {
        self.array(value, place).map_or(Value::Error, |(node, _)| Value::Shape(node))
    }

    /// The number of elements: a plain integer, as in Python.
    pub(super) fn size(&mut self, (value, place): Operand, span: Span) -> Value {
        let Some((node, _)) = self.array(value, place) else { return Value::Error };
        let one = self.graph.literal_symbol(1);
        let size = self.graph.shape(node).iter().fold(one, |size, &dim| {
            let extent = self.graph.dim_symbol(dim);
            self.graph.combine(SymbolOp::Mul, extent, size)
        });
        self.extent_value(size, span)
    }

    /// `len(x)`.
    pub(super) fn len(&mut self, operand: Operand, span: Span) -> Value {
        let (value, place) = self.checked(operand);
        if value == Value::Error {
            return Value::Error;
        }
        let Some((node, _)) = self.array(value, place) else { return Value::Error };
        match self.graph.shape(node).first() {
            Some(&dim) => {
                let extent = self.graph.dim_symbol(dim);
                self.extent_value(extent, span)
            }
            None => {
                let message = "`len` of a scalar";
                self.error(Diagnostic::new(Code::AxisOutOfRange, message).at(place, "no axes"))
            }
        }
    }

    /// `x.shape[k]`.
    fn extent_at(&mut self, operand: NodeId, items: &[SubscriptItem], span: Span) -> Value {
        let shape = self.graph.shape(operand);
        let rank = shape.len();
        let &[SubscriptItem::Index(index)] = items else {
            let message = "a shape takes one integer index";
            let help = "as in `x.shape[0]`";
            return self
                .error(Diagnostic::new(Code::InvalidSubscript, message).at(span, "").help(help));
        };
        let at = match self.number(self.any_operand(index), "the axis") {
            None => return Value::Error,
            Some(Number::Literal(at)) => at,
            Some(Number::Symbol(_)) => {
                let message = "the axis must be a literal";
                let place = self.ast.span(index);
                return self.error(Diagnostic::new(Code::NotConstant, message).at(place, ""));
            }
        };
        let own = if at < 0 { at.saturating_add(rank as i64) } else { at };
        match usize::try_from(own).ok().and_then(|own| shape.get(own)) {
            Some(&dim) => {
                let extent = self.graph.dim_symbol(dim);
                self.extent_value(extent, span)
            }
            None => {
                let message = format!("axis {at} of an array of {}", axes_text(rank));
                let place = self.ast.span(index);
                self.error(Diagnostic::new(Code::AxisOutOfRange, message).at(place, ""))
            }
        }
    }

    /// An extent as a value: a plain integer, as in Python.
    fn extent_value(&mut self, symbol: u32, span: Span) -> Value {
        match self.graph.symbol_value(symbol) {
            Some(value) => Value::Int(i128::from(value)),
            None => Value::Node(self.graph.symbol_node(symbol, source(span)), Strength::Weak),
        }
    }
}

fn axes_text(rank: usize) -> String {
    format!("{rank} {}", if rank == 1 { "axis" } else { "axes" })
}

/// Is the end or the step of a slice there? `x[None:3]` is `x[:3]`.
fn is_given(operand: &Operand) -> bool {
    operand.0 != Value::None
}
