//! Fuel, growth, long chains, determinism, reports.

use super::{Mode, OptConfig, optimize_with, optimized, raw};
use crate::graph::Graph;
use crate::opt::{GROWTH, RULES, optimize};

#[test]
fn fuel_stops_after_so_many_rewrites() {
    let raw = raw("x + x**2 + x**3 + 17 + 17 + y * 1 + --z + y**5", Mode::Relaxed);
    let all = optimize(&raw, Mode::Relaxed).1.total();
    assert!(all >= 4, "{all}");
    for fuel in 0..=all {
        let config = OptConfig { fuel: Some(fuel), ..OptConfig::default() };
        assert_eq!(optimize_with(&raw, config).1.total(), fuel);
    }
}

#[test]
fn a_disabled_rule_does_not_fire() {
    for row in RULES {
        let raw = raw(row.witness, Mode::Relaxed);
        let config = OptConfig { disabled: Some(row.rule), ..OptConfig::default() };
        assert_eq!(optimize_with(&raw, config).1.count(row.rule), 0, "{}", row.name);
    }
}

/// A chain that a parser's nesting limit does not matter to: built by hand.
fn chain(formula: &str, links: usize) -> Graph {
    use fuse_ops::Op;
    let mut graph = raw(formula, Mode::Relaxed);
    let first = graph.results[0];
    let (dtype, span) = (graph.dtype(first), graph.span(first));
    let link = first;
    let mut sum = first;
    for _ in 0..links {
        sum = graph.apply(Op::Add, &[sum, link], dtype, span);
    }
    graph.results = vec![sum];
    graph
}

#[test]
fn long_chains_take_linear_time_and_do_not_grow() {
    for formula in ["x*y", "i*j", "x**3", "x", "-x"] {
        let raw = chain(formula, 60_000);
        let (graph, report) = optimize(&raw, Mode::Relaxed);
        assert!(graph.len() <= raw.len() * 2, "{formula}: {}", graph.len());
        assert!(report.rewrites.len() <= crate::opt::report::MAX_DESCRIBED);
    }
}

#[test]
fn long_products_and_nested_sums_take_linear_time() {
    use fuse_ops::Op;
    for ops in [[Op::Mul, Op::Mul], [Op::Mul, Op::Add], [Op::Sub, Op::Mul], [Op::Sub, Op::Sub]] {
        let mut graph = raw("x + y", Mode::Relaxed);
        let (dtype, span) = (graph.dtype(graph.results[0]), Default::default());
        let leaves = [crate::graph::NodeId::new(0), crate::graph::NodeId::new(1)];
        let mut value = graph.results[0];
        for link in 0..60_000 {
            value = graph.apply(ops[link % 2], &[value, leaves[link / 2 % 2]], dtype, span);
        }
        graph.results = vec![value];
        let optimized = optimize(&graph, Mode::Relaxed).0;
        assert!(optimized.len() <= graph.len() * 2);
    }
}

/// Operations of each rank: what a call costs, what an element costs.
fn work(graph: &Graph) -> [usize; 2] {
    use crate::graph::Node;
    let mut work = [0; 2];
    for (id, node) in graph.iter() {
        let operations = match node {
            Node::Input(_) | Node::Const(_) | Node::Symbol(_) | Node::Index { .. } => 0,
            Node::Expand(..) | Node::View(..) | Node::Text(_) => 0,
            Node::Power(_, exponent) => exponent.unsigned_abs().ilog2() as usize,
            Node::Apply(..) | Node::Reduce(..) | Node::Predicate(..) => 1,
        };
        work[usize::from(!graph.ty(id).shape.is_empty())] += operations;
    }
    work
}

#[test]
fn uniform_work_stays_uniform() {
    for formula in [
        "s**3 + s**2 + x",
        "s*t + x",
        "x*s + s*s + t",
        "s + s**2 + s**3 + s**4 + x + x**2",
        "(s + s**2)*x + (t + t**2)*x**2",
        "x / s / t",
        "x - s*t",
        "s*t - x",
    ] {
        let raw = raw(formula, Mode::Relaxed);
        let graph = optimize(&raw, Mode::Relaxed).0;
        assert!(work(&graph)[1] <= work(&raw)[1], "{formula}\n{graph}");
    }
}

#[test]
fn a_long_chain_of_constants_becomes_one() {
    use fuse_ops::Op;
    let mut graph = raw("x + 1", Mode::Relaxed);
    let (first, span) = (graph.results[0], Default::default());
    let one = crate::graph::NodeId::new(1);
    let sum = (1..60_000)
        .fold(first, |sum, _| graph.apply(Op::Add, &[sum, one], fuse_ir::DType::F64, span));
    graph.results = vec![sum];
    let (graph, report) = optimize(&graph, Mode::Relaxed);
    assert_eq!(graph.len(), 3, "{graph}");
    assert!(graph.to_string().contains("60000.0"), "{graph}");
    assert!(report.total() >= 1);
}

#[test]
fn growth_is_bounded_by_the_stated_factor() {
    for n in 2..=64 {
        let raw = raw(&format!("x**{n}"), Mode::Relaxed);
        let graph = optimize(&raw, Mode::Relaxed).0;
        assert!(graph.len() <= raw.len() * GROWTH, "{n}: {}", graph.len());
    }
}

#[test]
fn the_same_formula_gives_the_same_graph() {
    for row in RULES {
        let (first, second) =
            (optimized(row.witness, Mode::Relaxed), optimized(row.witness, Mode::Relaxed));
        assert_eq!(first.0.to_string(), second.0.to_string());
        assert_eq!(first.1, second.1);
    }
}

#[test]
fn optimizing_twice_changes_nothing_more() {
    for row in RULES {
        let once = optimized(row.witness, Mode::Relaxed).0;
        let twice = optimize(&once, Mode::Relaxed).0;
        assert_eq!(once.to_string(), twice.to_string(), "{}", row.witness);
    }
}

#[test]
fn reports_print_the_rule_and_the_counts() {
    let (_, report) = optimized("x * 9 / 5", Mode::Relaxed);
    assert_eq!(
        report.to_string(),
        "constant-product: (x * 9.0) / 5.0  =>  x * 1.8  (roundings 2 -> 2)\n"
    );
}
