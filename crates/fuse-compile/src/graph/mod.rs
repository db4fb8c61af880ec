//! The graph: array-level nodes, typed when built.
//!
//! Nodes live in one arena, interned by value and dtype (equal subexpressions are one node by
//! construction); operands have smaller ids than their users, and those of commutative operators are
//! sorted. Types and spans live in side tables; spans are never part of equality: a shared node
//! keeps the span that was seen first.
//!
//! No arithmetic is on f16: its values are computed in f32, and casts say where they are rounded.
//!
//! A node's shape is made of [`Dim`]s: 1, or a symbol: the extent of an input's axis, or what slices and
//! generators compute from such. Axes of inputs that broadcasting puts side by side have equal extents
//! in every call (the shape rules check it), so their symbols are unified: [`Graph::canonical`]. The
//! extent of a slice can happen to be 1; what it broadcasts to is a symbol of its own.

mod predicate;
mod reduction;
mod symbols;
#[cfg(test)]
mod tests;
mod text;
mod view;

use fuse_ir::{
    Axis, CountRule, DType, DTypeKind, Dim, ElementRule, FitRule, IndexRule, Lane, Prim,
    ProgramInput, Shape, ShapeRule, SourceSpan, Symbol, TextConstant, TextOp, index_u32,
};
use fuse_ops::{Class, Op};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

pub use reduction::{Axes, Reduction, ReductionId};
pub use symbols::Bound;
pub use view::{View, ViewId};

/// A node of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeId(u32);

impl NodeId {
    /// The id of the node at this position.
    pub fn new(index: usize) -> NodeId {
        NodeId(index_u32(index))
    }

    /// The position in the arena.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A constant, compared by bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Constant {
    /// Its dtype.
    pub dtype: DType,
    /// Its bits, zero extended, as in memory.
    pub bits: u64,
}

impl Constant {
    /// A float constant: `value` rounded to the dtype, once.
    pub fn float(dtype: DType, value: f64) -> Constant {
        let bits = match dtype {
            DType::F16 => Prim::F64ToF16.eval(Lane::F64, Lane::I16, [value.to_bits(), 0, 0]),
            DType::F32 => u64::from((value as f32).to_bits()),
            _ => value.to_bits(),
        };
        Constant { dtype, bits }
    }

    /// An integer constant, wrapped to the dtype's width.
    pub fn int(dtype: DType, value: i64) -> Constant {
        let unused = 64 - dtype.bits().min(64);
        Constant { dtype, bits: value.cast_unsigned() << unused >> unused }
    }

    /// A truth value.
    pub fn bool(value: bool) -> Constant {
        Constant { dtype: DType::Bool, bits: u64::from(value) }
    }

    /// The value of a float constant.
    pub fn as_float(self) -> Option<f64> {
        match self.dtype {
            DType::F64 => Some(f64::from_bits(self.bits)),
            DType::F32 => Some(f64::from(f32::from_bits(u32::try_from(self.bits).ok()?))),
            DType::F16 => {
                let single = Prim::F16ToF32.eval(Lane::I16, Lane::F32, [self.bits, 0, 0]);
                Some(f64::from(f32::from_bits(u32::try_from(single).ok()?)))
            }
            _ => None,
        }
    }

    /// The value of an integer constant modulo 2^64: of u64 above `i64::MAX` it is negative.
    pub fn as_int(self) -> Option<i64> {
        let unused = 64 - self.dtype.bits().min(64);
        match self.dtype.kind() {
            DTypeKind::Int => Some((self.bits << unused).cast_signed() >> unused),
            DTypeKind::UInt => Some(self.bits.cast_signed()),
            DTypeKind::Bool
            | DTypeKind::Float
            | DTypeKind::Complex
            | DTypeKind::Bytes
            | DTypeKind::Text => None,
        }
    }
}

/// What a node computes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// The graph's input at this position.
    Input(u32),
    /// A scalar constant.
    Const(Constant),
    /// An elementwise operator; arguments beyond its arity repeat `NodeId::new(0)` and mean nothing. The result's
    /// dtype is the node's; the operands' is that of the last argument.
    Apply(Op, [NodeId; 3]),
    /// `base ** exponent` for a literal exponent, |exponent| ≤ 64.
    Power(NodeId, i32),
    /// The value of a symbol: an i64 scalar.
    Symbol(u32),
    /// 0, 1, 2, … along one axis, of an array that has extent 1 along all others: an i64.
    Index {
        /// Symbol of the axis's extent.
        extent: u32,
        /// The axis.
        axis: u32,
        /// Number of axes.
        rank: u32,
    },
    /// A scalar as an array of a shape.
    Expand(NodeId, ShapeId),
    /// Some elements of an array.
    View(NodeId, ViewId),
    /// A reduction; arguments beyond its arity repeat `NodeId::new(0)` and mean nothing.
    Reduce(Op, [NodeId; 2], ReductionId),
    /// A text that the formula states: an operand of predicates.
    Text(TextId),
    /// A question about two texts: text inputs, views of such, and constants. Its answers are bool.
    Predicate(TextOp, [NodeId; 2]),
}

/// A text of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TextId(u32);

/// A shape of a graph, of a node whose operands do not tell it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ShapeId(u32);

impl Node {
    /// The nodes that this one reads.
    pub fn args(&self) -> &[NodeId] {
        match self {
            Node::Input(_) | Node::Const(_) | Node::Symbol(_) | Node::Index { .. } => &[],
            Node::Text(_) => &[],
            Node::Predicate(_, args) => args,
            Node::Apply(op, args) => &args[..op.row().arity],
            Node::Reduce(op, args, _) => &args[..op.row().arity],
            Node::Power(arg, _) | Node::Expand(arg, _) | Node::View(arg, _) => {
                std::slice::from_ref(arg)
            }
        }
    }
}

/// Dtype and shape of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Element type.
    pub dtype: DType,
    /// Shape; empty for a scalar.
    pub shape: Shape,
}

/// The array-level form of a formula.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    types: Vec<Type>,
    spans: Vec<SourceSpan>,
    interned: FxHashMap<(Node, DType), NodeId>,
    inputs: Vec<ProgramInput>,
    symbols: Vec<Symbol>,
    symbol_ids: FxHashMap<Symbol, u32>,
    /// For each symbol the one that stands for all known to be equal to it.
    representatives: Vec<u32>,
    views: Vec<View>,
    view_ids: FxHashMap<View, u32>,
    shapes: Vec<Shape>,
    reductions: Vec<Reduction>,
    texts: Vec<TextConstant>,
    text_ids: FxHashMap<TextConstant, TextId>,
    /// What broadcasting demands of the extents.
    pub shape_rules: Vec<ShapeRule>,
    /// What reductions demand.
    pub element_rules: Vec<ElementRule>,
    /// What integer indices demand.
    pub index_rules: Vec<IndexRule>,
    /// What numbers of elements demand.
    pub count_rules: Vec<CountRule>,
    /// What weak scalars must fit.
    pub fit_rules: Vec<FitRule>,
    /// The formula's results.
    pub results: Vec<NodeId>,
}

impl Graph {
    /// A graph without nodes that has the inputs and rules of `other`: what a pass builds into.
    pub fn like(other: &Graph) -> Graph {
        Graph {
            inputs: other.inputs.clone(),
            symbols: other.symbols.clone(),
            symbol_ids: other.symbol_ids.clone(),
            representatives: other.representatives.clone(),
            views: other.views.clone(),
            view_ids: other.view_ids.clone(),
            shapes: other.shapes.clone(),
            reductions: other.reductions.clone(),
            texts: other.texts.clone(),
            text_ids: other.text_ids.clone(),
            shape_rules: other.shape_rules.clone(),
            element_rules: other.element_rules.clone(),
            index_rules: other.index_rules.clone(),
            count_rules: other.count_rules.clone(),
            fit_rules: other.fit_rules.clone(),
            ..Graph::default()
        }
    }

    /// Adds an input and a symbol for each of its axes of unknown extent.
    pub fn add_input(&mut self, input: ProgramInput) -> u32 {
        let position = index_u32(self.inputs.len());
        for (axis, kind) in input.ty.axes.iter().enumerate() {
            if *kind == Axis::Many {
                self.symbol(Symbol::Axis { input: position, axis: index_u32(axis) });
            }
        }
        self.inputs.push(input);
        position
    }

    /// The value of an input.
    pub fn input(&mut self, position: u32, span: SourceSpan) -> NodeId {
        let ty = &self.inputs[position as usize].ty;
        let dtype = ty.dtype;
        let shape = self.input_shape(position);
        self.push(Node::Input(position), Type { dtype, shape }, span)
    }

    /// A constant.
    pub fn constant(&mut self, constant: Constant, span: SourceSpan) -> NodeId {
        let ty = Type { dtype: constant.dtype, shape: Shape::new() };
        self.push(Node::Const(constant), ty, span)
    }

    /// An operator on operands that have been cast and are known to broadcast.
    ///
    /// # Panics
    /// On a wrong number of operands, or a reduction.
    pub fn apply(&mut self, op: Op, args: &[NodeId], dtype: DType, span: SourceSpan) -> NodeId {
        let row = op.row();
        assert!(args.len() == row.arity, "{op:?} takes {} operands", row.arity);
        let mut padded = [NodeId::new(0); 3];
        padded[..args.len()].copy_from_slice(args);
        if row.commutes && padded[0] > padded[1] {
            padded.swap(0, 1);
        }
        assert!(row.class == Class::Elementwise, "{op:?} is a reduction");
        let shape = self.broadcast(args);
        self.push(Node::Apply(op, padded), Type { dtype, shape }, span)
    }

    /// `base ** exponent`.
    pub fn power(&mut self, base: NodeId, exponent: i32, span: SourceSpan) -> NodeId {
        let ty = self.ty(base).clone();
        self.push(Node::Power(base, exponent), ty, span)
    }

    /// The value of a symbol.
    pub fn symbol_node(&mut self, symbol: u32, span: SourceSpan) -> NodeId {
        let ty = Type { dtype: DType::I64, shape: Shape::new() };
        self.push(Node::Symbol(symbol), ty, span)
    }

    /// 0, 1, 2, … along `axis` of `rank` axes, all others of extent 1.
    pub fn index(&mut self, extent: u32, (axis, rank): (u32, u32), span: SourceSpan) -> NodeId {
        let dim = |at| if at == axis { self.symbol_dim(extent) } else { Dim::One };
        let ty = Type { dtype: DType::I64, shape: (0..rank).map(dim).collect() };
        self.push(Node::Index { extent, axis, rank }, ty, span)
    }

    /// A scalar as an array of that shape.
    pub fn expand(&mut self, scalar: NodeId, shape: Shape, span: SourceSpan) -> NodeId {
        if shape.is_empty() {
            return scalar;
        }
        let known = self.shapes.iter().position(|known| *known == shape);
        let id = known.unwrap_or_else(|| {
            self.shapes.push(shape.clone());
            self.shapes.len() - 1
        });
        let ty = Type { dtype: self.dtype(scalar), shape };
        self.push(Node::Expand(scalar, ShapeId(index_u32(id))), ty, span)
    }

    /// A copy of a node of another graph whose operands have been copied already. The other graph
    /// has no symbols, views or shapes that this one lacks.
    pub fn copy(&mut self, other: &Graph, id: NodeId, args: &[NodeId]) -> NodeId {
        let span = other.span(id);
        match other.node(id) {
            Node::Input(position) => self.input(position, span),
            Node::Const(constant) => self.constant(constant, span),
            Node::Apply(op, _) => self.apply(op, args, other.ty(id).dtype, span),
            Node::Power(_, exponent) => self.power(args[0], exponent, span),
            Node::Symbol(symbol) => self.symbol_node(symbol, span),
            Node::Index { extent, axis, rank } => self.index(extent, (axis, rank), span),
            Node::Expand(..) => self.expand(args[0], other.ty(id).shape.clone(), span),
            Node::View(_, view) => self.view(args[0], other.view_of(view).clone(), span),
            Node::Reduce(op, _, reduction) => {
                let axes = other.reduction(reduction).axes;
                self.reduce(op, args, &axes, other.dtype(id), span)
            }
            Node::Text(text) => self.text(other.text_of(text).clone(), span),
            Node::Predicate(op, _) => self.predicate(op, [args[0], args[1]], span),
        }
    }

    fn push(&mut self, node: Node, ty: Type, span: SourceSpan) -> NodeId {
        if let Some(&id) = self.interned.get(&(node, ty.dtype)) {
            return id;
        }
        let id = NodeId::new(self.nodes.len());
        self.interned.insert((node, ty.dtype), id);
        self.nodes.push(node);
        self.types.push(ty);
        self.spans.push(span);
        id
    }

    /// The shape that operands broadcast to.
    fn broadcast(&mut self, args: &[NodeId]) -> Shape {
        let rank = args.iter().map(|&arg| self.ty(arg).shape.len()).max().unwrap_or(0);
        let mut shape = Shape::new();
        for axis in 0..rank {
            let own = |&arg: &NodeId| {
                let shape = &self.ty(arg).shape;
                (axis + shape.len()).checked_sub(rank).map(|own| shape[own])
            };
            let dims: SmallVec<[Dim; 4]> = args.iter().filter_map(own).collect();
            shape.push(self.broadcast_dims(&dims));
        }
        shape
    }

    /// Demands that the operands broadcast: records a rule for each pair of axes whose extents are
    /// not known to be equal.
    pub fn require_broadcast(&mut self, args: &[(NodeId, SourceSpan)]) {
        for (position, &(rhs, rhs_span)) in args.iter().enumerate().skip(1) {
            for &(lhs, lhs_span) in &args[..position] {
                self.require_pair((lhs, lhs_span), (rhs, rhs_span));
            }
        }
    }

    fn require_pair(&mut self, lhs: (NodeId, SourceSpan), rhs: (NodeId, SourceSpan)) {
        let lhs_shape = self.ty(lhs.0).shape.clone();
        let rhs_shape = self.ty(rhs.0).shape.clone();
        for (&left, &right) in lhs_shape.iter().rev().zip(rhs_shape.iter().rev()) {
            let (Dim::Symbol(left), Dim::Symbol(right)) =
                (self.canonical(left), self.canonical(right))
            else {
                continue;
            };
            if left != right {
                self.shape_rules.push(ShapeRule {
                    lhs: (lhs_shape.clone(), lhs.1),
                    rhs: (rhs_shape.clone(), rhs.1),
                    symbols: (left, right),
                });
                let may_be_one = |symbol: u32| self.symbols[symbol as usize].may_be_one();
                if may_be_one(left) || may_be_one(right) {
                    continue;
                }
                let (keep, replace) = (left.min(right), left.max(right));
                for representative in &mut self.representatives {
                    if *representative == replace {
                        *representative = keep;
                    }
                }
            }
        }
    }

    /// The one dim that stands for all that are known to be equal.
    pub fn canonical(&self, dim: Dim) -> Dim {
        match dim {
            Dim::One => Dim::One,
            Dim::Symbol(symbol) => Dim::Symbol(self.representatives[symbol as usize]),
        }
    }

    /// The shape of a node in canonical dims.
    pub fn shape(&self, id: NodeId) -> Shape {
        self.ty(id).shape.iter().map(|&dim| self.canonical(dim)).collect()
    }

    fn input_shape(&self, input: u32) -> Shape {
        let dim = |(axis, kind): (usize, &Axis)| match kind {
            Axis::One => Dim::One,
            Axis::Many => {
                let symbol = Symbol::Axis { input, axis: index_u32(axis) };
                Dim::Symbol(self.symbol_ids[&symbol])
            }
        };
        self.inputs[input as usize].ty.axes.iter().enumerate().map(dim).collect()
    }

    /// The node.
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes[id.index()]
    }

    /// Its type.
    pub fn ty(&self, id: NodeId) -> &Type {
        &self.types[id.index()]
    }

    /// Its dtype.
    pub fn dtype(&self, id: NodeId) -> DType {
        self.ty(id).dtype
    }

    /// Where it was first written.
    pub fn span(&self, id: NodeId) -> SourceSpan {
        self.spans[id.index()]
    }

    /// The constant that a node is, if it is one.
    pub fn as_constant(&self, id: NodeId) -> Option<Constant> {
        match self.node(id) {
            Node::Const(constant) => Some(constant),
            Node::Input(_) | Node::Symbol(_) | Node::Index { .. } => None,
            Node::Apply(..) | Node::Power(..) | Node::Expand(..) | Node::View(..) => None,
            Node::Reduce(..) | Node::Text(_) | Node::Predicate(..) => None,
        }
    }

    /// The dtype that a node's expansion computes in: that of its last operand, of a fold its first.
    pub fn operand_dtype(&self, id: NodeId) -> DType {
        if let Node::Reduce(_, args, _) = self.node(id) {
            return self.dtype(args[0]);
        }
        self.node(id).args().last().map_or(self.dtype(id), |&arg| self.dtype(arg))
    }

    /// Every node, operands first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (NodeId, Node)> + '_ {
        self.nodes.iter().enumerate().map(|(index, &node)| (NodeId::new(index), node))
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Are there no nodes?
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How often each node is used, results counted as uses.
    pub fn use_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.len()];
        let args = self.nodes.iter().flat_map(Node::args);
        for id in args.chain(&self.results) {
            counts[id.index()] += 1;
        }
        counts
    }

    /// The inputs.
    pub fn inputs(&self) -> &[ProgramInput] {
        &self.inputs
    }

    /// Where extents come from.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }
}

/// Builds the next graph of a pass node by node: `rewrite` sees each node with its operands already
/// mapped, and gives the node that takes its place.
pub fn rebuild(
    graph: &Graph,
    mut rewrite: impl FnMut(&mut Graph, NodeId, &[NodeId]) -> NodeId,
) -> Graph {
    let mut next = Graph::like(graph);
    let mut mapped: Vec<NodeId> = Vec::with_capacity(graph.len());
    for (id, node) in graph.iter() {
        let mut args = [NodeId::new(0); 3];
        let n_args = node.args().len();
        for (arg, old) in args.iter_mut().zip(node.args()) {
            *arg = mapped[old.index()];
        }
        mapped.push(rewrite(&mut next, id, &args[..n_args]));
    }
    next.results = graph.results.iter().map(|result| mapped[result.index()]).collect();
    next
}
