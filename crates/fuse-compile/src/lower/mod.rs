//! Graph to program: which value is computed in which pass and at which rate, and the kernels.
//!
//! * `schedule` decides what is kept in temporaries and groups what remains into passes.
//! * `emit` builds the kernel of one pass: scalars into its uniform region, the rest into its lane
//!   region, operators replaced by their expansions.
//! * `predicates` lists the questions about texts that passes read the answers to.
//! * `nests` says which passes run together, tile by tile.
//! * `slots` lets temporaries whose lives do not meet share memory.
//!
//! Nothing here changes rounding: what an expansion writes is what runs.

mod emit;
mod nests;
mod predicates;
mod schedule;
mod slots;
#[cfg(test)]
mod tests;

use fuse_ir::{ArraySpec, Dim, Part, Program, Sink, Source, index_u32};

use crate::graph::{Graph, Node, NodeId};
use schedule::{PassPlan, Schedule};

/// Primitives that one kernel holds, roughly. Larger formulas are cut into several passes, so that
/// the time to compile stays linear (register allocation is not, beyond about this size); an
/// additional load and store per element cost nothing beside so much arithmetic.
pub const KERNEL_BUDGET: usize = 600;

/// Lowers a graph.
pub fn lower(graph: &Graph) -> Program {
    let mut schedule = schedule::schedule(graph, KERNEL_BUDGET);
    let predicates = predicates::predicates(graph, &mut schedule);
    let spec = |id: NodeId| ArraySpec { dtype: graph.dtype(id), shape: graph.shape(id) };
    // The parts of complex numbers are kept apart.
    let part = |&id: &NodeId| {
        let ArraySpec { dtype, shape } = spec(id);
        ArraySpec { dtype: dtype.part().unwrap_or(dtype), shape }
    };
    let mut program = Program {
        inputs: graph.inputs().to_vec(),
        symbols: graph.symbols().to_vec(),
        shape_rules: graph.shape_rules.clone(),
        element_rules: graph.element_rules.clone(),
        index_rules: graph.index_rules.clone(),
        count_rules: graph.count_rules.clone(),
        fit_rules: graph.fit_rules.clone(),
        temporaries: schedule.temporaries.iter().map(part).collect(),
        results: graph.results.iter().map(|&id| spec(id)).collect(),
        passes: schedule.passes.iter().map(|pass| emit::pass(graph, &schedule, pass)).collect(),
        nests: Vec::new(),
        predicates,
    };
    program.nests = nests::nests(&program);
    slots::share(&mut program);
    program
}

impl Schedule {
    /// Where a pass reads a node that it does not compute, each part of it, or `None` if it computes it.
    /// What views read is an input, or kept.
    fn sources_of(&self, graph: &Graph, id: NodeId) -> Option<Vec<Source>> {
        let complex = graph.dtype(id).is_complex();
        match graph.node(id) {
            Node::Input(position) if complex => {
                Some(Part::BOTH.map(|part| Source::Part(position, part)).to_vec())
            }
            Node::Input(position) => Some(vec![Source::Input(position)]),
            Node::Symbol(symbol) => Some(vec![Source::Symbol(symbol)]),
            // A view of a view that is none of what lies below reads what that one was stored as.
            Node::View(operand, _) if matches!(graph.node(operand), Node::View(..)) => {
                self.kept(complex, operand).map(|kept| kept.map(Source::Temporary).collect())
            }
            Node::View(operand, _) => self.sources_of(graph, operand),
            Node::Const(_) | Node::Apply(..) | Node::Power(..) | Node::Index { .. } => {
                self.kept(complex, id).map(|kept| kept.map(Source::Temporary).collect())
            }
            Node::Expand(..) | Node::Reduce(..) | Node::Text(_) => {
                self.kept(complex, id).map(|kept| kept.map(Source::Temporary).collect())
            }
            Node::Predicate(..) => match self.temporary_of[id.index()] {
                Some(temporary) => Some(vec![Source::Temporary(temporary)]),
                None => self.predicate_of.get(&id).map(|&asked| vec![Source::Predicate(asked)]),
            },
        }
    }

    /// The temporaries of a node that is kept, one for each part.
    fn kept(&self, complex: bool, id: NodeId) -> Option<std::ops::RangeInclusive<u32>> {
        self.temporary_of[id.index()].map(|first| first..=first + u32::from(complex))
    }

    /// Everywhere a pass has to write a node: for each part of it.
    fn sinks_of(&self, graph: &Graph, id: NodeId) -> Vec<Vec<Sink>> {
        let complex = graph.dtype(id).is_complex();
        let sinks = |half: usize| {
            let results = graph.results.iter().enumerate().filter(|&(_, &result)| result == id);
            let result = |(position, _)| {
                let position = index_u32(position);
                if complex {
                    Sink::Part(position, Part::BOTH[half])
                } else {
                    Sink::Result(position)
                }
            };
            let kept = self.kept(complex, id).and_then(|mut kept| kept.nth(half));
            results.map(result).chain(kept.map(Sink::Temporary)).collect()
        };
        (0..=usize::from(complex)).map(sinks).collect()
    }
}

/// Does an operand of this shape broadcast along the last axis of the loop?
fn broadcasts_along_last(space: &[Dim], shape: &[Dim]) -> bool {
    match (space.last(), shape.last()) {
        (Some(Dim::Symbol(_)), Some(Dim::Symbol(_))) | (Some(Dim::One) | None, _) => false,
        (Some(Dim::Symbol(_)), Some(Dim::One) | None) => true,
    }
}
