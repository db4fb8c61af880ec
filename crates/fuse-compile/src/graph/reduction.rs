//! Reductions as nodes: what is folded, over which axes.
//!
//! ```text
//! sum(x, axis=0) of x: f64[x.0, x.1]     a node of shape [x.1]     space [x.0, x.1], axes (0)
//! ```
//!
//! The space is what the operands broadcast to: the loop in which elements are folded. The axes are its
//! own, in rising order; the node's shape is the space without them.

use fuse_ir::{DType, Dim, ElementRule, Shape, SourceSpan, SymbolOp, index_u32};
use fuse_ops::{Class, Op};
use smallvec::SmallVec;

use super::{Graph, Node, NodeId, Type};

/// Axes of a shape, in rising order.
pub type Axes = SmallVec<[u32; 4]>;

/// What a reduction goes over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduction {
    /// The shape of the elements.
    pub space: Shape,
    /// The axes that the result has not.
    pub axes: Axes,
}

/// A reduction of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ReductionId(u32);

impl Reduction {
    /// The shape of the result.
    pub fn shape(&self) -> Shape {
        let kept = |axis: &usize| !self.axes.contains(&index_u32(*axis));
        (0..self.space.len()).filter(kept).map(|axis| self.space[axis]).collect()
    }

    /// Are all axes reduced?
    pub fn is_full(&self) -> bool {
        self.axes.len() == self.space.len()
    }
}

impl Graph {
    /// A reduction over these axes of what its operands, which are known to broadcast, broadcast to.
    ///
    /// # Panics
    /// On a wrong number of operands, or an operator that is no reduction.
    pub fn reduce(
        &mut self,
        op: Op,
        args: &[NodeId],
        axes: &[u32],
        dtype: DType,
        span: SourceSpan,
    ) -> NodeId {
        let row = op.row();
        assert!(row.class == Class::Reduction, "{op:?} is no reduction");
        assert!(args.len() == row.arity, "{op:?} takes {} operands", row.arity);
        let mut padded = [NodeId::new(0); 2];
        padded[..args.len()].copy_from_slice(args);
        if row.commutes && padded[0] > padded[1] {
            padded.swap(0, 1);
        }
        let space = self.broadcast(args);
        let reduction = Reduction { space, axes: axes.iter().copied().collect() };
        let shape = reduction.shape();
        let known = self.reductions.iter().position(|known| *known == reduction);
        let id = known.unwrap_or_else(|| {
            self.reductions.push(reduction);
            self.reductions.len() - 1
        });
        let node = Node::Reduce(op, padded, ReductionId(index_u32(id)));
        self.push(node, Type { dtype, shape }, span)
    }

    /// The reduction of that id, in canonical dims.
    pub fn reduction(&self, id: ReductionId) -> Reduction {
        let Reduction { space, axes } = &self.reductions[id.0 as usize];
        let space = space.iter().map(|&dim| self.canonical(dim)).collect();
        Reduction { space, axes: axes.clone() }
    }

    /// The shape of the loop that computes a node: its own, but of a reduction that of its elements.
    pub fn loop_shape(&self, id: NodeId) -> Shape {
        match self.node(id) {
            Node::Reduce(_, _, reduction) => self.reduction(reduction).space,
            Node::Input(_) | Node::Const(_) | Node::Apply(..) | Node::Power(..) => self.shape(id),
            Node::Symbol(_) | Node::Index { .. } | Node::Expand(..) | Node::View(..) => {
                self.shape(id)
            }
            Node::Text(_) | Node::Predicate(..) => self.shape(id),
        }
    }

    /// The number of elements along these axes of a shape, as a symbol.
    pub fn count_along(&mut self, shape: &[Dim], axes: &[u32]) -> u32 {
        let one = self.literal_symbol(1);
        axes.iter().fold(one, |count, &axis| {
            let extent = self.dim_symbol(shape[axis as usize]);
            self.combine(SymbolOp::Mul, extent, count)
        })
    }

    /// Demands that a reduction which has no value of no elements has some, if it has results.
    pub fn require_elements(
        &mut self,
        reduction: &'static str,
        (arg, span): (NodeId, SourceSpan),
        axes: &[u32],
    ) {
        let operand = (self.shape(arg), span);
        let axes: Axes = axes.iter().copied().collect();
        // A literal extent other than 0 is known to hold.
        let may_be_empty = |&axis: &u32| match operand.0[axis as usize] {
            Dim::One => false,
            Dim::Symbol(symbol) => self.symbol_value(symbol).is_none_or(|extent| extent < 1),
        };
        if axes.iter().any(may_be_empty) {
            self.element_rules.push(ElementRule { reduction, operand, axes });
        }
    }
}
