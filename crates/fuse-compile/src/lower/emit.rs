//! The kernel of one pass.
//!
//! | node | becomes |
//! |---|---|
//! | constant | a constant where it is used |
//! | scalar input or temporary | a parameter of the uniform region |
//! | other rank-0 node | its expansion in the uniform region, a parameter of the lane region |
//! | array input or temporary | an input of the kernel |
//! | other node | its expansion in the lane region |
//! | division of an array by a scalar | the reciprocal in the uniform region, exact division by it in the lane region |
//!
//! An input is a splat when it broadcasts along the last axis of the loop. A complex node is one node, and
//! two values: its real and its imaginary part, read and written as arrays of their own.

use fuse_ir::{
    Builder, DType, Dim, InputClass, Kernel, Lane, Mem, Node as KernelNode, OperandOutput,
    OperandView, Pass, Pick, Prim, RegionBuilder, Scalar, Shape, Sink, Source, ValueId, index_u32,
    verify,
};
use fuse_ops::arith::{self, UniformDivisor};
use fuse_ops::{
    Call, ComplexCall, ComplexRow, Expander, Expansion, Op, cast, complex, lane_of, power,
};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::{SmallVec, smallvec};

use super::{PassPlan, Schedule, broadcasts_along_last};
use crate::graph::{Constant, Graph, Node, NodeId};

/// Builds a pass.
pub(super) fn pass(graph: &Graph, schedule: &Schedule, plan: &PassPlan) -> Pass {
    let mut emitter = Emitter {
        graph,
        schedule,
        plan,
        builder: Builder::new(),
        uniform: RegionBuilder::new(&[]),
        lane: RegionBuilder::new(&[]),
        scalars: Vec::new(),
        operands: Vec::new(),
        uniform_values: FxHashMap::default(),
        uniform_results: Vec::new(),
        lane_values: FxHashMap::default(),
    };
    let needed = emitter.needed();
    emitter.declare(&needed);
    for &id in &needed {
        emitter.node(id);
    }
    emitter.finish()
}

struct Emitter<'a> {
    graph: &'a Graph,
    schedule: &'a Schedule,
    plan: &'a PassPlan,
    builder: Builder,
    uniform: RegionBuilder,
    lane: RegionBuilder,
    scalars: Vec<OperandView>,
    operands: Vec<OperandView>,
    uniform_values: FxHashMap<NodeId, Parts>,
    /// Uniform values that the lane region reads, in the order of its parameters.
    uniform_results: Vec<ValueId>,
    lane_values: FxHashMap<NodeId, Parts>,
}

/// A node's value: one for each part.
type Parts = SmallVec<[ValueId; 2]>;

impl Emitter<'_> {
    fn is_scalar(&self, id: NodeId) -> bool {
        self.graph.ty(id).shape.is_empty()
    }

    /// Is the node there before the pass, rather than computed by it?
    fn is_given(&self, id: NodeId) -> bool {
        let written = self.plan.outputs.contains(&id) && !self.is_read(id);
        !written && self.schedule.sources_of(self.graph, id).is_some()
    }

    /// Is it read wherever it is used, and never computed?
    fn is_read(&self, id: NodeId) -> bool {
        matches!(
            self.graph.node(id),
            Node::Input(_) | Node::Symbol(_) | Node::View(..) | Node::Predicate(..)
        )
    }

    /// Where the pass reads a given node, each part of it: answers to a question from where they are
    /// first kept.
    fn sources(&self, id: NodeId) -> Vec<Source> {
        let asked = self.schedule.predicate_of.get(&id).filter(|_| self.plan.outputs.contains(&id));
        let sources = match asked {
            Some(&predicate) => Some(vec![Source::Predicate(predicate)]),
            None => self.schedule.sources_of(self.graph, id),
        };
        sources.expect("a given node has sources")
    }

    /// The elementwise roots: what is stored, and what is folded.
    fn roots(&self) -> Vec<NodeId> {
        let folded = self.plan.folds.iter().flat_map(|&id| self.graph.node(id).args().to_vec());
        self.plan.outputs.iter().copied().chain(folded).collect()
    }

    /// All nodes of the pass, operands first; given ones included, what they are made of not. Costs
    /// no more than the nodes of the pass, wherever in a large graph they lie.
    fn needed(&self) -> Vec<NodeId> {
        let mut needed: FxHashSet<NodeId> = self.roots().into_iter().collect();
        let mut open: Vec<NodeId> = needed.iter().copied().collect();
        while let Some(id) = open.pop() {
            if !self.is_given(id) {
                let node = self.graph.node(id);
                open.extend(node.args().iter().copied().filter(|&arg| needed.insert(arg)));
            }
        }
        let mut needed: Vec<NodeId> = needed.into_iter().collect();
        needed.sort_unstable();
        needed
    }

    /// Declares the array inputs first, so that they are the lane region's first parameters.
    fn declare(&mut self, needed: &[NodeId]) {
        for &id in needed {
            if self.is_given(id) && !self.is_scalar(id) {
                self.declare_operand(id);
            }
        }
    }

    fn declare_operand(&mut self, id: NodeId) {
        let shape = self.graph.shape(id);
        let space = &self.plan.space;
        let splat = broadcasts_along_last(space, &shape);
        let class = if splat { InputClass::Splat } else { InputClass::Stream };
        let views = self.operand_views(id, &loop_axes(space, &shape));
        let mut value = Parts::new();
        for view in views {
            self.builder.input(self.mem(id), class);
            value.push(self.lane.add_param(self.mem(id).lane()));
            self.operands.push(view);
        }
        self.lane_values.insert(id, value);
    }

    /// How a pass reads a given node, each part of it; `axes` lead from the loop's axes to the node's.
    fn operand_views(&self, id: NodeId, axes: &SmallVec<[Option<u32>; 4]>) -> Vec<OperandView> {
        let sources = self.sources(id).into_iter();
        sources.map(|source| operand_view(self.graph, source, id, axes.clone())).collect()
    }

    /// Of a part of the node.
    fn mem(&self, id: NodeId) -> Mem {
        let dtype = self.graph.dtype(id);
        dtype.part().unwrap_or(dtype).mem().expect("the resolver admits dtypes of lanes only")
    }

    fn node(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        if let Node::Const(_) = node {
            return;
        }
        if self.is_given(id) {
            if self.is_scalar(id) {
                let mut value = Parts::new();
                for view in self.operand_views(id, &SmallVec::new()) {
                    self.scalars.push(view);
                    value.push(self.uniform.add_param(self.mem(id).lane()));
                }
                self.uniform_values.insert(id, value);
            }
            return;
        }
        if self.is_scalar(id) {
            let args: Vec<ValueId> =
                node.args().iter().flat_map(|&arg| self.uniform_value(arg)).collect();
            let value = expand(&mut self.builder, &mut self.uniform, self.graph, id, &args);
            self.uniform_values.insert(id, value);
            return;
        }
        let value = match node {
            Node::Apply(Op::Div, [a, b, _])
                if self.is_scalar(b) && !self.is_scalar(a) && self.graph.dtype(b).is_float() =>
            {
                smallvec![self.divide_by_scalar(a, b)]
            }
            Node::Expand(scalar, _) => self.lane_value(scalar),
            Node::Index { .. } => smallvec![self.lane.prim(Prim::LaneIndex, &[])],
            Node::Input(_)
            | Node::Const(_)
            | Node::Apply(..)
            | Node::Power(..)
            | Node::Symbol(_)
            | Node::Reduce(..)
            | Node::Text(_)
            | Node::Predicate(..)
            | Node::View(..) => {
                let args: Vec<ValueId> =
                    node.args().iter().flat_map(|&arg| self.lane_value(arg)).collect();
                expand(&mut self.builder, &mut self.lane, self.graph, id, &args)
            }
        };
        self.lane_values.insert(id, value);
    }

    /// A scalar as a value of the uniform region.
    fn uniform_value(&mut self, id: NodeId) -> Parts {
        if let Some(constant) = self.graph.as_constant(id) {
            return smallvec![self.uniform.constant(scalar(constant))];
        }
        self.uniform_values[&id].clone()
    }

    /// Any node as a value of the lane region.
    fn lane_value(&mut self, id: NodeId) -> Parts {
        if let Some(constant) = self.graph.as_constant(id) {
            return smallvec![self.lane.constant(scalar(constant))];
        }
        if let Some(value) = self.lane_values.get(&id) {
            return value.clone();
        }
        let value = self.uniform_values[&id].clone();
        let complex = self.graph.dtype(id).is_complex();
        let lifted = |value| {
            // Complex literals are pairs of constants.
            if complex { self.lane_constant_or_lift(value) } else { self.lift(value) }
        };
        let value: Parts = value.into_iter().map(lifted).collect();
        self.lane_values.insert(id, value.clone());
        value
    }

    /// A value of the uniform region as a parameter of the lane region.
    fn lift(&mut self, value: ValueId) -> ValueId {
        let known = self.uniform_results.iter().position(|&result| result == value);
        let n_inputs = self.operands.len();
        if let Some(position) = known {
            return self.lane.param(n_inputs + position);
        }
        self.uniform_results.push(value);
        self.lane.add_param(self.uniform.lane(value))
    }

    fn divide_by_scalar(&mut self, a: NodeId, b: NodeId) -> ValueId {
        let divisor = self.uniform_value(b)[0];
        let mut expander = Expander { kernel: &mut self.builder, region: &mut self.uniform };
        let UniformDivisor { negated, reciprocal } = arith::uniform_divisor(&mut expander, divisor);
        let divisor = UniformDivisor {
            negated: self.lane_constant_or_lift(negated),
            reciprocal: self.lane_constant_or_lift(reciprocal),
        };
        let a = self.lane_value(a)[0];
        let mut expander = Expander { kernel: &mut self.builder, region: &mut self.lane };
        arith::div_by_uniform(&mut expander, a, divisor)
    }

    /// A value of the uniform region as one of the lane region.
    fn lane_constant_or_lift(&mut self, value: ValueId) -> ValueId {
        match self.uniform.as_constant(value) {
            Some(constant) => self.lane.constant(constant),
            None => self.lift(value),
        }
    }

    fn finish(mut self) -> Pass {
        let mut results = Vec::new();
        let mut outputs = Vec::new();
        for &id in &self.plan.outputs {
            let parts = self.lane_value(id);
            for (value, sinks) in parts.into_iter().zip(self.schedule.sinks_of(self.graph, id)) {
                let value = self.stored(id, value);
                let never_nan = is_never_nan(&self.lane, value);
                let mem = self.mem(id);
                for sink in sinks {
                    self.builder.output(OperandOutput { mem, never_nan });
                    results.push(value);
                    outputs.push(sink);
                }
            }
        }
        let mut folds = Vec::new();
        for &id in &self.plan.folds {
            for &arg in self.graph.node(id).args() {
                results.extend(self.lane_value(arg));
            }
            folds.push(self.fold(id));
        }
        self.builder.uniform(self.uniform.finish(&self.uniform_results));
        let kernel: Kernel = self.builder.finish(self.lane.finish(&results));
        Pass {
            space: self.plan.space.clone(),
            reduced: self.plan.reduced.clone(),
            kernel: verify(kernel).expect("lowering makes valid kernels"),
            scalars: self.scalars,
            operands: self.operands,
            outputs,
            folds,
        }
    }

    /// Stores make the NaNs of floats canonical, but f16 is stored as bits, and an input may hold any:
    /// what is not converted to f16 here goes through f32, where every NaN becomes one.
    fn stored(&mut self, id: NodeId, value: ValueId) -> ValueId {
        let given = matches!(self.lane.node(value), KernelNode::Param(_));
        if self.graph.dtype(id) != DType::F16 || !given {
            return value;
        }
        let mut expander = Expander { kernel: &mut self.builder, region: &mut self.lane };
        let single = cast::convert(&mut expander, value, DType::F16, DType::F32);
        cast::convert(&mut expander, single, DType::F32, DType::F16)
    }

    /// Adds a fold; gives the sinks of its results, one for each part.
    fn fold(&mut self, id: NodeId) -> Vec<Vec<Sink>> {
        let Node::Reduce(op, ..) = self.graph.node(id) else { unreachable!("a reduction") };
        let Expansion::Fold(fold) = op.row().expansion else { unreachable!("a reduction's row") };
        self.builder.fold(fold(self.graph.operand_dtype(id), self.graph.dtype(id)));
        self.schedule.sinks_of(self.graph, id)
    }
}

/// The expansion of a node in a region.
fn expand(
    builder: &mut Builder,
    region: &mut RegionBuilder,
    graph: &Graph,
    id: NodeId,
    args: &[ValueId],
) -> Parts {
    let (operand, result) = (graph.operand_dtype(id), graph.dtype(id));
    let mut expander = Expander { kernel: builder, region };
    let written = written(graph.node(id));
    if operand.is_complex() || result.is_complex() {
        let call = ComplexCall { operand, result, args };
        return match written {
            Written::Operator(op) => {
                let row = ComplexRow::of(op).expect("typing admits operators with complex rows");
                row.expand(&mut expander, &call).into()
            }
            Written::Power(exponent) => {
                complex::literal_power(&mut expander, &call, exponent).into()
            }
        };
    }
    let call = Call { operand, result, args };
    smallvec![match written {
        Written::Operator(op) => match op.row().expansion {
            Expansion::Lanes(expand) => expand(&mut expander, &call),
            Expansion::Fold(_) => unreachable!("a graph applies elementwise operators"),
        },
        Written::Power(exponent) => power::literal(&mut expander, &call, exponent),
    }]
}

/// What has an expansion.
enum Written {
    Operator(Op),
    /// A literal exponent.
    Power(i32),
}

fn written(node: Node) -> Written {
    match node {
        Node::Apply(op, _) => Written::Operator(op),
        Node::Power(_, exponent) => Written::Power(exponent),
        Node::Input(_)
        | Node::Const(_)
        | Node::Symbol(_)
        | Node::Index { .. }
        | Node::Expand(..)
        | Node::Reduce(..)
        | Node::Text(_)
        | Node::Predicate(..)
        | Node::View(..) => unreachable!("only operators are expanded"),
    }
}

/// A graph constant as a constant of its lane.
fn scalar(constant: Constant) -> Scalar {
    Scalar { lane: lane_of(constant.dtype), bits: constant.bits }
}

/// How a node is read from its source; `axes` lead from the reader's axes to the node's.
pub(super) fn operand_view(
    graph: &Graph,
    source: Source,
    id: NodeId,
    mut axes: SmallVec<[Option<u32>; 4]>,
) -> OperandView {
    let mut picks = Vec::new();
    if let Node::View(operand, view) = graph.node(id) {
        let view = graph.view_of(view);
        let canonical = |pick: &Pick| Pick { extent: graph.canonical(pick.extent), ..*pick };
        picks = view.picks.iter().map(canonical).collect();
        if !axes.is_empty() && is_whole(graph, operand, &picks) {
            picks.clear();
        }
        for axis in &mut axes {
            *axis = axis.and_then(|axis| view.axes[axis as usize]);
        }
    }
    OperandView { source, picks, axes }
}

/// Do the picks leave out nothing, as where a view only inserts axes?
fn is_whole(graph: &Graph, operand: NodeId, picks: &[Pick]) -> bool {
    let shape = graph.shape(operand);
    shape.iter().zip(picks).all(|(&dim, pick)| {
        let from_start = graph.symbol_value(pick.start) == Some(0);
        from_start && pick.step == 1 && pick.extent == dim
    })
}

/// For each axis of the loop the operand's axis, where it does not broadcast.
pub(super) fn loop_axes(space: &[Dim], shape: &Shape) -> SmallVec<[Option<u32>; 4]> {
    let missing = space.len() - shape.len();
    let own = |axis: usize| {
        let own = axis.checked_sub(missing)?;
        (shape[own] != Dim::One).then(|| index_u32(own))
    };
    (0..space.len()).map(own).collect()
}

/// Is a value known not to be NaN, so that its store need not look?
fn is_never_nan(region: &RegionBuilder, value: ValueId) -> bool {
    match region.node(value) {
        KernelNode::Const(constant) => match constant.lane {
            Lane::F32 => constant.bits & 0x7fff_ffff <= 0x7f80_0000,
            Lane::F64 => !f64::from_bits(constant.bits).is_nan(),
            Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => false,
        },
        KernelNode::Prim(prim, _) => {
            matches!(prim, Prim::SintToF64 | Prim::UintToF64 | Prim::SintToF32 | Prim::UintToF32)
        }
        KernelNode::Param(_) | KernelNode::Lookup(..) | KernelNode::Result { .. } => false,
    }
}
