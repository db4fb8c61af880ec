//! Half precision made explicit: f16 is how values are stored, f32 what they are computed in.
//!
//! ```text
//! x * y + z  of f16     strict    f16(f32(f16(f32(x) * f32(y))) + f32(z))     rounded as NumPy does
//!                       relaxed   f16(f32(x) * f32(y) + f32(z))               rounded once
//! ```
//!
//! Every operator on f16 becomes the operator on f32, and every rounding a cast, so that the optimizer,
//! lowering and the back ends meet no arithmetic on f16 and cannot differ about it. Strict mode rounds
//! after each operator. Relaxed mode lets f32 values flow from operator to operator and rounds for what
//! sees the number itself: casts, comparisons and other questions with a bool for an answer, reductions,
//! nextafter, and results. What gives back one of its operands, or a whole number below them, of f16
//! values gives one and needs no rounding.
//!
//! Of f16 remain: inputs, constants, casts from and to it, nextafter, and the result of a sum, whose
//! f64 total is rounded once. `+ - * /` and sqrt in f32, rounded, are f16's own: 24 ≥ 2·11 + 2 bits
//! (Figueroa, "When is double rounding innocuous?", 1995).
//!
//! Cost: one loop over the arena, if there is an f16 in it.

use fuse_ir::{DType, SourceSpan};
use fuse_ops::Op;

use crate::graph::{Graph, Node, NodeId, ReductionId};
use crate::opt::Mode;

/// The graph without arithmetic on f16.
pub(super) fn explicit(graph: Graph, mode: Mode) -> Graph {
    if graph.iter().all(|(id, _)| graph.dtype(id) != DType::F16) {
        return graph;
    }
    let forms = Vec::with_capacity(graph.len());
    let mut pass = Explicit { graph: &graph, mode, next: Graph::like(&graph), forms };
    for (id, node) in graph.iter() {
        let form = pass.form(id, node);
        pass.forms.push(form);
    }
    pass.next.results = graph.results.iter().map(|&result| pass.stored(result)).collect();
    pass.next
}

/// What stands for a node of the given graph.
#[derive(Clone, Copy)]
enum Form {
    /// A node of its dtype: of f16, its bits.
    Own(NodeId),
    /// An f32 node whose value is one of f16.
    Half(NodeId),
    /// An f32 node that is still to be rounded.
    Unrounded(NodeId),
}

struct Explicit<'a> {
    graph: &'a Graph,
    mode: Mode,
    next: Graph,
    forms: Vec<Form>,
}

impl Explicit<'_> {
    fn form(&mut self, id: NodeId, node: Node) -> Form {
        let own = node.args().iter().any(|&arg| self.graph.dtype(arg) == DType::F16);
        if let Node::View(arg, _) | Node::Expand(arg, _) = node {
            return self.selected(id, node, arg);
        }
        if let (Node::Reduce(op, _, reduction), true) = (node, own) {
            return self.reduced(id, op, reduction);
        }
        let Node::Apply(op, _) = node else {
            if !own {
                return Form::Own(self.copied(id, node));
            }
            return self.computed(id, node);
        };
        match op {
            _ if !own => Form::Own(self.copied(id, node)),
            Op::Cast if self.graph.dtype(id) == DType::F16 => {
                Form::Own(self.stored(node.args()[0]))
            }
            Op::Cast | Op::Nextafter => Form::Own(self.copied(id, node)),
            // Questions about the number itself.
            _ if self.graph.dtype(id) != DType::F16 => {
                let args: Vec<NodeId> = node.args().iter().map(|&arg| self.rounded(arg)).collect();
                let dtype = self.graph.dtype(id);
                Form::Own(self.next.apply(op, &args, dtype, self.graph.span(id)))
            }
            _ => self.computed(id, node),
        }
    }

    /// The node as it is, on operands as they are stored.
    fn copied(&mut self, id: NodeId, node: Node) -> NodeId {
        let args: Vec<NodeId> = node.args().iter().map(|&arg| self.stored(arg)).collect();
        self.next.copy(self.graph, id, &args)
    }

    /// A view or an expansion, which is as rounded as what it takes its elements from.
    fn selected(&mut self, id: NodeId, node: Node, arg: NodeId) -> Form {
        let (form, span) = (self.forms[arg.index()], self.graph.span(id));
        let (Form::Own(operand) | Form::Half(operand) | Form::Unrounded(operand)) = form;
        let selected = if let Node::View(_, view) = node {
            let view = self.graph.view_of(view).clone();
            self.next.view(operand, view, span)
        } else {
            self.next.expand(operand, self.graph.shape(id), span)
        };
        match form {
            Form::Own(_) => Form::Own(selected),
            Form::Half(_) => Form::Half(selected),
            Form::Unrounded(_) => Form::Unrounded(selected),
        }
    }

    /// A reduction of rounded values. An element that it chooses is one; a total is rounded once.
    fn reduced(&mut self, id: NodeId, op: Op, reduction: ReductionId) -> Form {
        let args: Vec<NodeId> =
            self.graph.node(id).args().iter().map(|&arg| self.rounded(arg)).collect();
        let axes = self.graph.reduction(reduction).axes;
        let (dtype, span) = (self.graph.dtype(id), self.graph.span(id));
        let chooses = matches!(op, Op::Max | Op::Min | Op::NanMax | Op::NanMin);
        if chooses && dtype == DType::F16 {
            return Form::Half(self.next.reduce(op, &args, &axes, DType::F32, span));
        }
        Form::Own(self.next.reduce(op, &args, &axes, dtype, span))
    }

    /// The node in f32.
    fn computed(&mut self, id: NodeId, node: Node) -> Form {
        let rounds_operands = self.mode == Mode::Strict;
        let mut exact = true;
        let mut args = Vec::with_capacity(3);
        for &arg in node.args() {
            let wide = if rounds_operands { self.rounded(arg) } else { self.single(arg) };
            exact &= rounds_operands || !matches!(self.forms[arg.index()], Form::Unrounded(_));
            args.push(wide);
        }
        let span = self.graph.span(id);
        match node {
            Node::Apply(op, _) => {
                let value = self.next.apply(op, &args, DType::F32, span);
                if exact && stays_half(op) { Form::Half(value) } else { Form::Unrounded(value) }
            }
            Node::Power(_, exponent) => Form::Unrounded(self.next.power(args[0], exponent, span)),
            Node::Input(_)
            | Node::Const(_)
            | Node::Symbol(_)
            | Node::Index { .. }
            | Node::Expand(..)
            | Node::View(..)
            | Node::Text(_)
            | Node::Predicate(..)
            | Node::Reduce(..) => Form::Own(self.next.copy(self.graph, id, &args)),
        }
    }

    /// As stored: f16 values rounded, in their bits.
    fn stored(&mut self, id: NodeId) -> NodeId {
        match self.forms[id.index()] {
            Form::Own(node) => node,
            Form::Half(single) | Form::Unrounded(single) => {
                self.cast(single, DType::F16, self.graph.span(id))
            }
        }
    }

    /// An f16 value in f32, rounded; others as they are.
    fn rounded(&mut self, id: NodeId) -> NodeId {
        match self.forms[id.index()] {
            Form::Half(single) => single,
            Form::Own(_) | Form::Unrounded(_) if self.graph.dtype(id) == DType::F16 => {
                let stored = self.stored(id);
                self.cast(stored, DType::F32, self.graph.span(id))
            }
            Form::Own(node) | Form::Unrounded(node) => node,
        }
    }

    /// An f16 value in f32, rounded or not; others as they are.
    fn single(&mut self, id: NodeId) -> NodeId {
        match self.forms[id.index()] {
            Form::Unrounded(single) => single,
            Form::Own(_) | Form::Half(_) => self.rounded(id),
        }
    }

    fn cast(&mut self, value: NodeId, dtype: DType, span: SourceSpan) -> NodeId {
        self.next.apply(Op::Cast, &[value], dtype, span)
    }
}

/// Is the result a number of f16 where the operands are?
fn stays_half(op: Op) -> bool {
    let signs = matches!(op, Op::Neg | Op::Abs | Op::Sign | Op::Copysign);
    let choices = matches!(op, Op::Where | Op::Minimum | Op::Maximum | Op::Max | Op::Min);
    let whole = matches!(op, Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Fmod);
    signs || choices || whole || matches!(op, Op::OnesLike | Op::ZerosLike)
}

#[cfg(test)]
mod tests {
    use fuse_ir::InputType;
    use fuse_syntax::{SyntaxLimits, parse};

    use super::*;
    use crate::Options;
    use crate::resolve::{Variable, resolve};

    /// The graph of a formula over f16 arrays h and g, and how often it rounds to f16.
    fn rounded(formula: &str, mode: Mode) -> (Graph, usize) {
        let ast = parse(formula, &SyntaxLimits::default()).expect("it parses");
        let ty = InputType::array(DType::F16, &[5]);
        let variables = ["h", "g"].map(|name| Variable { name, ty: ty.clone() });
        let options = Options { mode, ..Options::default() };
        let graph = resolve(&ast, &variables, options).expect("it has a type");
        let to_half = |&(id, node): &(NodeId, Node)| {
            matches!(node, Node::Apply(Op::Cast, _)) && graph.dtype(id) == DType::F16
        };
        let count = graph.iter().filter(to_half).count();
        (graph, count)
    }

    #[test]
    fn strict_mode_rounds_after_each_operation_and_relaxed_mode_where_it_shows() {
        for (formula, strict, relaxed) in [
            ("h * g + h", 2, 1),
            ("h * g + h > g", 2, 1),
            ("f64(h * g) + h * g", 1, 1),
            ("sum(h * g / h)", 2, 1),
            ("max(h * g) * h", 2, 2),
            ("abs(-h) + minimum(h, g)", 1, 1),
            ("abs(-h)", 1, 1),
            ("isnan(abs(-h))", 0, 0),
            ("nextafter(h * g, h)", 1, 1),
            ("h", 0, 0),
            ("exp(h)**3 - sqrt(g)", 4, 1),
            ("f16(2.5) * h", 2, 2),
            // A cast that is written rounds, of f16 to f16 too.
            ("f16(h * g) * h", 2, 2),
            ("f16(h) * g", 1, 1),
        ] {
            let counts = [Mode::Strict, Mode::Relaxed].map(|mode| rounded(formula, mode).1);
            assert_eq!(counts, [strict, relaxed], "{formula}");
        }
    }

    #[test]
    fn no_arithmetic_is_left_on_f16() {
        let formula = "where(h > g, sqrt(h)**3 // g, -h) % 2.5 + max(h) + sum(g) - nextafter(h, g)";
        for mode in [Mode::Strict, Mode::Relaxed] {
            let (graph, _) = rounded(formula, mode);
            for (id, node) in graph.iter() {
                let Node::Apply(op, _) = node else { continue };
                let mut types = node.args().iter().map(|&arg| graph.dtype(arg));
                let moves_bits = matches!(op, Op::Cast | Op::Nextafter);
                assert!(moves_bits || types.all(|dtype| dtype != DType::F16), "{id} of\n{graph}");
                assert!(
                    moves_bits || op == Op::Sum || graph.dtype(id) != DType::F16,
                    "{id} of\n{graph}"
                );
            }
        }
    }
}
