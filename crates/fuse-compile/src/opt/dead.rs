//! Dead code: only what the results need stays.
//!
//! Class: exact. Needs nothing; leaves a graph in which every node is reachable from a result, in the
//! same order as before. Inputs and shape rules stay: an input that no result reads still takes part
//! in broadcasting. Cost: two loops over the arena. It runs after every pass, because use counts, on
//! which later passes decide, would count dead users.

use crate::graph::{Graph, NodeId};

/// The graph without the nodes that no result needs.
pub(super) fn sweep(graph: &Graph) -> Graph {
    let live = live(graph);
    let mut next = Graph::like(graph);
    let mut mapped = vec![NodeId::new(0); graph.len()];
    for (id, node) in graph.iter().filter(|(id, _)| live[id.index()]) {
        let args: Vec<NodeId> = node.args().iter().map(|arg| mapped[arg.index()]).collect();
        mapped[id.index()] = next.copy(graph, id, &args);
    }
    next.results = graph.results.iter().map(|result| mapped[result.index()]).collect();
    next
}

fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.len()];
    for result in &graph.results {
        live[result.index()] = true;
    }
    for (id, node) in graph.iter().rev() {
        if live[id.index()] {
            for arg in node.args() {
                live[arg.index()] = true;
            }
        }
    }
    live
}
