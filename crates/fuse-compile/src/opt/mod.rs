//! The optimizer: passes from graph to graph, in one readable list.

use crate::graph::Graph;

/// Which rewrites are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Rules that keep every bit, and rules that do not round any term more often.
    #[default]
    Relaxed,
    /// Rules that keep every bit.
    Strict,
}

/// What the optimizer did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptReport {}

/// Runs the pipeline.
pub fn optimize(graph: &Graph, _mode: Mode) -> (Graph, OptReport) {
    (graph.clone(), OptReport::default())
}
