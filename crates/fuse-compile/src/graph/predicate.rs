//! Texts and questions about them, as nodes.
//!
//! A text node is an input, a view of one, or a constant, and has no users but views and predicates:
//! [`Node::Predicate`] is where text ends and bool begins. Constants are interned by value.

use fuse_ir::{DType, Search, Shape, SourceSpan, TextConstant, TextOp, index_u32};

use super::{Constant, Graph, Node, NodeId, TextId, Type};

impl Graph {
    /// A text that the formula states.
    pub fn text(&mut self, text: TextConstant, span: SourceSpan) -> NodeId {
        let ty = Type { dtype: text.dtype(), shape: Shape::new() };
        let next = TextId(index_u32(self.texts.len()));
        let id = *self.text_ids.entry(text.clone()).or_insert(next);
        if id == next {
            self.texts.push(text);
        }
        self.push(Node::Text(id), ty, span)
    }

    /// The text of that id.
    pub fn text_of(&self, id: TextId) -> &TextConstant {
        &self.texts[id.0 as usize]
    }

    /// The text that a node states, if it does.
    pub fn as_text(&self, id: NodeId) -> Option<&TextConstant> {
        if let Node::Text(text) = self.node(id) { Some(self.text_of(text)) } else { None }
    }

    /// A question about two texts of one kind that are known to broadcast; of two constants the answer.
    pub fn predicate(&mut self, op: TextOp, mut args: [NodeId; 2], span: SourceSpan) -> NodeId {
        if let (Some(lhs), Some(rhs)) = (self.as_text(args[0]), self.as_text(args[1])) {
            let answer = op.holds(lhs.value(), rhs.value(), &mut Search::default());
            return self.constant(Constant::bool(answer), span);
        }
        if op.commutes() {
            args.sort_unstable();
        }
        let ty = Type { dtype: DType::Bool, shape: self.broadcast(&args) };
        self.push(Node::Predicate(op, args), ty, span)
    }
}
