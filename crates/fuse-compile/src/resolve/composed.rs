//! Reductions that are made of others: means, variances, counts, places, and what passes over NaN.
//!
//! | | is |
//! |---|---|
//! | `mean(x)` | f64 sum / n |
//! | `var(x)` | Σ(x - mean)² / max(n - ddof, 0); `std` its root |
//! | `count_nonzero(x)` | sum(x != 0) |
//! | `argmax(x)` | the index of the greatest, of x and its positions along the reduced axes |
//! | `nansum(x)` | sum(where(isnan(x), 0, x)); `nanprod` with 1 |
//! | `nanmean(x)` | nansum(x) / k, where k = sum(x == x) |
//! | `nanvar(x)` | Σ(x - mean)² of the numbers / (k - ddof); NaN unless k > ddof |
//!
//! What is divided is f64, and rounded to the result's dtype once. Integers have no NaN. n is the product
//! of the reduced extents: known to a call before its loops run. Of complex numbers sums and means are those of
//! the parts, Σ|x - mean|² is the sum of both parts' Σ(x - mean)², products and norms are folds of pairs; an
//! element is NaN if a part is.

use fuse_ir::{DType, Dim, SourceSpan, SymbolOp, index_u32};
use fuse_ops::{FormKind, Op};

use crate::graph::{Constant, Graph, NodeId};

/// What is reduced, and to what.
pub(super) struct Over<'a> {
    /// The operand, in the dtype that the form takes.
    pub(super) arg: NodeId,
    /// The axes reduced.
    pub(super) axes: &'a [u32],
    /// The dtype of the result.
    pub(super) result: DType,
    /// Where the call stands.
    pub(super) span: SourceSpan,
}

impl Over<'_> {
    /// A form's value.
    pub(super) fn form(&self, graph: &mut Graph, kind: FormKind, ddof: i64) -> NodeId {
        let dtype = graph.dtype(self.arg);
        let is_float = dtype.is_float() || dtype.is_complex();
        match kind {
            FormKind::NanSum if is_float => self.sum_of_numbers(graph),
            FormKind::NanProd if is_float => self.product_of_numbers(graph),
            FormKind::Mean => self.mean(graph),
            FormKind::NanMean => self.mean_of_numbers(graph),
            FormKind::Var => self.variance(graph, ddof),
            FormKind::Std => self.root(graph, Self::variance, ddof),
            FormKind::NanVar => self.variance_of_numbers(graph, ddof),
            FormKind::NanStd => self.root(graph, Self::variance_of_numbers, ddof),
            FormKind::Norm => self.reduce(graph, Op::Norm, self.arg, self.result),
            FormKind::Argmax => self.place(graph, Op::IndexOfMax),
            FormKind::Argmin => self.place(graph, Op::IndexOfMin),
            FormKind::NanProd => self.reduce(graph, Op::Prod, self.arg, self.result),
            FormKind::NanSum | FormKind::CountNonzero => {
                self.reduce(graph, Op::Sum, self.arg, self.result)
            }
            FormKind::Dot => unreachable!("no reduction of one operand"),
        }
    }

    /// One operand over the axes.
    pub(super) fn reduce(
        &self,
        graph: &mut Graph,
        op: Op,
        operand: NodeId,
        dtype: DType,
    ) -> NodeId {
        graph.reduce(op, &[operand], self.axes, dtype, self.span)
    }

    fn apply(&self, graph: &mut Graph, op: Op, args: &[NodeId], dtype: DType) -> NodeId {
        graph.apply(op, args, dtype, self.span)
    }

    /// f64 as the result's dtype.
    fn rounded(&self, graph: &mut Graph, value: NodeId) -> NodeId {
        self.cast(graph, value, self.result)
    }

    fn cast(&self, graph: &mut Graph, value: NodeId, dtype: DType) -> NodeId {
        if graph.dtype(value) == dtype {
            return value;
        }
        self.apply(graph, Op::Cast, &[value], dtype)
    }

    /// Those of a complex number, or the number itself.
    fn parts(&self, graph: &mut Graph) -> Vec<NodeId> {
        match graph.dtype(self.arg).part() {
            None => vec![self.arg],
            Some(part) => {
                let ops = [Op::Real, Op::Imag];
                ops.map(|op| self.apply(graph, op, &[self.arg], part)).to_vec()
            }
        }
    }

    /// A number of these parts.
    fn joined(&self, graph: &mut Graph, parts: &[NodeId], dtype: DType) -> NodeId {
        match *parts {
            [number] => number,
            _ => self.apply(graph, Op::Complex, parts, dtype),
        }
    }

    /// The sum, each part of its own.
    pub(super) fn sum(&self, graph: &mut Graph) -> NodeId {
        let dtype = self.result.part().unwrap_or(self.result);
        let totals = self.parts(graph).into_iter();
        let totals: Vec<NodeId> =
            totals.map(|part| self.reduce(graph, Op::Sum, part, dtype)).collect();
        self.joined(graph, &totals, self.result)
    }

    fn mean(&self, graph: &mut Graph) -> NodeId {
        let shape = graph.shape(self.arg);
        let count = graph.count_along(&shape, self.axes);
        let count = self.float_of(graph, count);
        let parts = self.parts(graph);
        self.totals_over(graph, &parts, count)
    }

    /// The totals of these parts, divided and rounded.
    fn totals_over(&self, graph: &mut Graph, parts: &[NodeId], count: NodeId) -> NodeId {
        let dtype = self.result.part().unwrap_or(self.result);
        let mean = |&part: &NodeId| {
            let total = self.reduce(graph, Op::Sum, part, DType::F64);
            let mean = self.apply(graph, Op::Div, &[total, count], DType::F64);
            self.cast(graph, mean, dtype)
        };
        let means: Vec<NodeId> = parts.iter().map(mean).collect();
        self.joined(graph, &means, self.result)
    }

    /// Σ|x - mean|² in f64, of these parts.
    fn squares(&self, graph: &mut Graph, op: Op, parts: &[NodeId]) -> NodeId {
        let squares = parts.iter().map(|&part| self.reduce(graph, op, part, DType::F64));
        let squares: Vec<NodeId> = squares.collect();
        match *squares {
            [squares] => squares,
            _ => self.apply(graph, Op::Add, &squares, DType::F64),
        }
    }

    /// f64, not yet rounded.
    fn variance_f64(&self, graph: &mut Graph, ddof: i64) -> NodeId {
        let parts = self.parts(graph);
        let squares = self.squares(graph, Op::SquaredDeviations, &parts);
        let shape = graph.shape(self.arg);
        let count = graph.count_along(&shape, self.axes);
        let less = graph.literal_symbol(ddof.saturating_abs());
        let op = if ddof < 0 { SymbolOp::Add } else { SymbolOp::Less };
        let divisor = graph.combine(op, count, less);
        let divisor = self.float_of(graph, divisor);
        self.apply(graph, Op::Div, &[squares, divisor], DType::F64)
    }

    fn variance(&self, graph: &mut Graph, ddof: i64) -> NodeId {
        let variance = self.variance_f64(graph, ddof);
        self.rounded(graph, variance)
    }

    /// The root of a variance, which is rounded after it.
    fn root(
        &self,
        graph: &mut Graph,
        variance: fn(&Self, &mut Graph, i64) -> NodeId,
        ddof: i64,
    ) -> NodeId {
        let wide = Over { arg: self.arg, axes: self.axes, result: DType::F64, span: self.span };
        let variance = variance(&wide, graph, ddof);
        let root = self.apply(graph, Op::Sqrt, &[variance], DType::F64);
        self.rounded(graph, root)
    }

    /// A symbol as f64.
    fn float_of(&self, graph: &mut Graph, symbol: u32) -> NodeId {
        if let Some(value) = graph.symbol_value(symbol) {
            return graph.constant(Constant::float(DType::F64, value as f64), self.span);
        }
        let count = graph.symbol_node(symbol, self.span);
        self.cast(graph, count, DType::F64)
    }

    /// The elements' parts, those of what is NaN replaced: the real one by this number, the other by 0, or
    /// by NaN as well.
    fn parts_of_numbers(&self, graph: &mut Graph, instead: f64) -> Vec<NodeId> {
        let is_nan = self.apply(graph, Op::IsNan, &[self.arg], DType::Bool);
        let parts = self.parts(graph);
        let replaced = |(part, instead): (NodeId, f64)| {
            let dtype = graph.dtype(part);
            let instead = graph.constant(Constant::float(dtype, instead), self.span);
            self.apply(graph, Op::Where, &[is_nan, instead, part], dtype)
        };
        parts.into_iter().zip([instead, instead * 0.0]).map(replaced).collect()
    }

    /// The sum of the elements that are not NaN.
    fn sum_of_numbers(&self, graph: &mut Graph) -> NodeId {
        let dtype = self.result.part().unwrap_or(self.result);
        let parts = self.parts_of_numbers(graph, 0.0).into_iter();
        let totals: Vec<NodeId> =
            parts.map(|part| self.reduce(graph, Op::Sum, part, dtype)).collect();
        self.joined(graph, &totals, self.result)
    }

    /// The product of the elements that are not NaN.
    fn product_of_numbers(&self, graph: &mut Graph) -> NodeId {
        let parts = self.parts_of_numbers(graph, 1.0);
        let dtype = graph.dtype(self.arg);
        let numbers = self.joined(graph, &parts, dtype);
        self.reduce(graph, Op::Prod, numbers, self.result)
    }

    /// How many elements are not NaN, as f64.
    fn count_of_numbers(&self, graph: &mut Graph) -> NodeId {
        let is_number = self.apply(graph, Op::Eq, &[self.arg, self.arg], DType::Bool);
        let count = self.reduce(graph, Op::Sum, is_number, DType::I64);
        self.cast(graph, count, DType::F64)
    }

    fn mean_of_numbers(&self, graph: &mut Graph) -> NodeId {
        let parts = self.parts_of_numbers(graph, 0.0);
        let count = self.count_of_numbers(graph);
        self.totals_over(graph, &parts, count)
    }

    fn variance_of_numbers(&self, graph: &mut Graph, ddof: i64) -> NodeId {
        let is_complex = graph.dtype(self.arg).is_complex();
        // The fold passes over what is NaN itself; so must both parts of a complex number be.
        let parts =
            if is_complex { self.parts_of_numbers(graph, f64::NAN) } else { vec![self.arg] };
        let squares = self.squares(graph, Op::DeviationsOfNumbers, &parts);
        let count = self.count_of_numbers(graph);
        let less = graph.constant(Constant::float(DType::F64, ddof as f64), self.span);
        let divisor = self.apply(graph, Op::Sub, &[count, less], DType::F64);
        let variance = self.apply(graph, Op::Div, &[squares, divisor], DType::F64);
        let zero = graph.constant(Constant::float(DType::F64, 0.0), self.span);
        let nan = graph.constant(Constant::float(DType::F64, f64::NAN), self.span);
        let positive = self.apply(graph, Op::Gt, &[divisor, zero], DType::Bool);
        let variance = self.apply(graph, Op::Where, &[positive, variance, nan], DType::F64);
        self.rounded(graph, variance)
    }

    /// The index of an extremum among the reduced elements, in C order.
    fn place(&self, graph: &mut Graph, op: Op) -> NodeId {
        let is_bool = graph.dtype(self.arg) == DType::Bool;
        let arg = if is_bool { self.cast(graph, self.arg, DType::I64) } else { self.arg };
        let positions = self.positions(graph);
        graph.reduce(op, &[arg, positions], self.axes, DType::I64, self.span)
    }

    /// 0, 1, 2, … over the reduced axes in C order, of extent 1 along the others.
    fn positions(&self, graph: &mut Graph) -> NodeId {
        let shape = graph.shape(self.arg);
        let mut stride = graph.literal_symbol(1);
        let mut positions: Option<NodeId> = None;
        for &axis in self.axes.iter().rev().filter(|&&axis| shape[axis as usize] != Dim::One) {
            let extent = graph.dim_symbol(shape[axis as usize]);
            let mut term = graph.index(extent, (axis, index_u32(shape.len())), self.span);
            if positions.is_some() {
                let step = graph.symbol_node(stride, self.span);
                term = self.apply(graph, Op::Mul, &[term, step], DType::I64);
            }
            positions = Some(match positions {
                Some(inner) => self.apply(graph, Op::Add, &[term, inner], DType::I64),
                None => term,
            });
            stride = graph.combine(SymbolOp::Mul, extent, stride);
        }
        positions.unwrap_or_else(|| graph.constant(Constant::int(DType::I64, 0), self.span))
    }
}
