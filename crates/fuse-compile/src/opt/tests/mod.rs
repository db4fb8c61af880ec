//! Tests of the optimizer, from formulas.
//!
//! * [`text`]: formula to optimized graph, blessed text (`FUSE_BLESS=1`), one rule a case.
//! * [`shapes`]: the forms that must come out, and those that must not.
//! * [`differential`]: raw against optimized over random formulas: exact rules bit by bit, relaxed rules
//!   within the bound; every rule sabotaged is noticed; nothing finite becomes NaN.
//! * [`limits`]: fuel, growth, long chains, determinism.
//! * [`evaluator`]: what graphs mean, by the operators' own expansions.

mod differential;
mod evaluator;
mod limits;
mod shapes;
mod text;

use fuse_syntax::{SyntaxLimits, parse};

use super::{Mode, OptConfig, OptReport, optimize_with, witness_variables};
use crate::Options;
use crate::graph::Graph;
use crate::resolve::resolve;

/// The graph of a formula over the witness variables, not optimized.
fn raw(formula: &str, mode: Mode) -> Graph {
    match try_raw(formula, mode) {
        Ok(graph) => graph,
        Err(errors) => panic!("{formula}: {errors}"),
    }
}

fn try_raw(formula: &str, mode: Mode) -> Result<Graph, String> {
    let message = |errors: Vec<fuse_syntax::Diagnostic>| {
        errors.iter().map(|error| error.message.clone()).collect::<Vec<_>>().join("; ")
    };
    let ast = parse(formula, &SyntaxLimits::default()).map_err(message)?;
    let options = Options { mode, ..Options::default() };
    resolve(&ast, &witness_variables(), options).map_err(message)
}

/// The optimized graph of a formula.
fn optimized(formula: &str, mode: Mode) -> (Graph, OptReport) {
    optimize_with(&raw(formula, mode), OptConfig { mode, ..OptConfig::default() })
}
