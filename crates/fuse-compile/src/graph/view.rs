//! Views: slices, integer indices, new axes and transposition, as nodes.
//!
//! ```text
//! x[1:, None, 0]     picks   axis 0: from 1, all that follow;  axis 1: element 0
//!                    axes    axis 0, new
//! ```
//!
//! A view of a view is one view of what lies below.

use fuse_ir::{Dim, Pick, Shape, SourceSpan, SymbolOp, index_u32};
use smallvec::SmallVec;

use super::{Graph, Node, NodeId, Type};

/// What a view reads of its operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// One entry for each axis of the operand.
    pub picks: Vec<Pick>,
    /// For each axis of the result the operand's, or `None` for a new one of extent 1. An axis that is
    /// not among them is read at one position.
    pub axes: SmallVec<[Option<u32>; 4]>,
}

/// A view of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ViewId(pub(super) u32);

impl View {
    /// The shape of the result.
    pub fn shape(&self) -> Shape {
        let extent =
            |axis: &Option<u32>| axis.map_or(Dim::One, |axis| self.picks[axis as usize].extent);
        self.axes.iter().map(extent).collect()
    }
}

impl Graph {
    /// The whole of a shape, axis by axis.
    pub fn whole(&mut self, shape: &[Dim]) -> View {
        let start = self.literal_symbol(0);
        View {
            picks: shape.iter().map(|&extent| Pick { start, step: 1, extent }).collect(),
            axes: (0..shape.len()).map(|axis| Some(index_u32(axis))).collect(),
        }
    }

    /// A view of a node: the node itself where all of it is read as it is.
    pub fn view(&mut self, mut operand: NodeId, mut view: View, span: SourceSpan) -> NodeId {
        loop {
            let shape = self.shape(operand);
            if view == self.whole(&shape) {
                return operand;
            }
            let Node::View(below, inner) = self.node(operand) else { break };
            let inner = self.views[inner.0 as usize].clone();
            let Some(both) = self.composed(&inner, &view) else { break };
            (operand, view) = (below, both);
        }
        if self.shape(operand).is_empty() {
            return self.expand(operand, view.shape(), span);
        }
        let ty = Type { dtype: self.dtype(operand), shape: view.shape() };
        let id = ViewId(match self.view_ids.get(&view) {
            Some(&known) => known,
            None => {
                let id = index_u32(self.views.len());
                self.view_ids.insert(view.clone(), id);
                self.views.push(view);
                id
            }
        });
        self.push(Node::View(operand, id), ty, span)
    }

    /// The view of that id.
    pub fn view_of(&self, id: ViewId) -> &View {
        &self.views[id.0 as usize]
    }

    /// `outer` of what `inner` reads; `None` where that is no view of the same operand: an axis that
    /// `inner` made is read in part, or a step leaves the numbers.
    fn composed(&mut self, inner: &View, outer: &View) -> Option<View> {
        let mut picks = inner.picks.clone();
        for (&own, pick) in inner.axes.iter().zip(&outer.picks) {
            let Some(own) = own else {
                if pick.extent == Dim::One {
                    continue;
                }
                return None;
            };
            let below = &mut picks[own as usize];
            let step = self.literal_symbol(below.step);
            let on = self.combine(SymbolOp::Mul, pick.start, step);
            below.start = self.combine(SymbolOp::Add, below.start, on);
            below.step = below.step.checked_mul(pick.step)?;
            below.extent = pick.extent;
        }
        let axis = |axis: &Option<u32>| axis.and_then(|axis| inner.axes[axis as usize]);
        Some(View { picks, axes: outer.axes.iter().map(axis).collect() })
    }
}
