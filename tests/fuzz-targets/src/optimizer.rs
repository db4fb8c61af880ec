//! Target `optimize`: a random formula as it was written, and after the optimizer.

use std::sync::Arc;

use fuse::Mode;
use fuse_compile::graph::Graph;
use fuse_compile::opt::{GROWTH, OptConfig, RuleName, optimize_with};
use fuse_compile::{lower, resolve};
use fuse_runtime::{Array, Threads};
use fuse_testkit::Random;
use fuse_testkit::formulas::{Operand, Subject};

use crate::formula::{assert_same, cut, interpreted, names, options, parsed, run, variables};
use crate::{PLANTED, choices};

/// Defect: results of this rule are negated.
const SABOTAGED: Option<RuleName> = if PLANTED { Some(RuleName::AbsOfSign) } else { None };

/// Optimizes a random formula, in strict mode with all rewrites or the first few.
///
/// # Panics
/// When a bit differs, a graph grows beyond its bound, or the optimizer is of two minds.
pub fn optimize(bytes: &[u8]) {
    let mut random = Random::of_bytes(bytes);
    let fuel = if random.percent(30) { u32::try_from(random.below(30)).ok() } else { None };
    let subject = choices::subject(random);
    let text = subject.tree.text();
    let names = names(&subject.operands);
    let variables = variables(&names, &subject.operands);
    let mode = if subject.relaxed_only { Mode::Relaxed } else { Mode::Strict };
    let Ok(graph) = resolve::resolve(&parsed(&text), &variables, options(mode)) else { return };
    optimized(&graph, OptConfig { mode: Mode::Relaxed, fuel, ..OptConfig::default() });
    if subject.relaxed_only {
        return;
    }
    let config = OptConfig { mode: Mode::Strict, fuel, sabotaged: SABOTAGED, ..Default::default() };
    let exact = optimized(&graph, config);
    check_bits(&subject, &graph, &exact);
}

/// The optimized graph, which is within its bound, and the same again.
fn optimized(graph: &Graph, config: OptConfig) -> Graph {
    let (optimized, report) = optimize_with(graph, config);
    assert!(
        optimized.len() <= GROWTH * graph.len(),
        "{} nodes of {}:\n{graph}{report}",
        optimized.len(),
        graph.len()
    );
    let (again, _) = optimize_with(graph, config);
    assert_eq!(again.to_string(), optimized.to_string(), "the same formula, the same graph");
    optimized
}

fn check_bits(subject: &Subject, graph: &Graph, exact: &Graph) {
    let [written, optimized] = [graph, exact].map(|graph| results(graph, &subject.operands));
    match (written, optimized) {
        (Ok(written), Ok(optimized)) => assert_same(&written, &optimized, &|| {
            format!("{}\nas written:\n{graph}optimized:\n{exact}", subject.tree.text())
        }),
        (Err(one), Err(other)) => assert_eq!(one, other, "{}", subject.tree.text()),
        (one, other) => assert_eq!(one.err(), other.err(), "{}", subject.tree.text()),
    }
}

fn results(graph: &Graph, operands: &[Operand]) -> Result<Vec<Array>, String> {
    let program = Arc::new(lower::lower(graph));
    run(&interpreted(&program), operands, Threads::Inline, cut())
}
