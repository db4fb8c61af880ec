//! The optimizer: passes from graph to graph, in one readable list.
//!
//! ```text
//! views ─▶ fold ─▶ algebra ─▶ horner ─▶ powers ─▶ reassociate ─▶ contract ─▶ products
//! exact    exact   exact      relaxed   relaxed   relaxed        relaxed     relaxed
//!                             (exact on integers)                    dead code after each
//! ```
//!
//! * [`rules`]: the rule table. Every rewrite is an instance of a named, counted rule.
//! * [`rounding`]: monomials and how often each is rounded: what a relaxed rule must not increase.
//! * [`coefficient`], `polynomial`, `plan`, `cost`: constants of monomials, polynomials inside sums, which
//!   sums are worth nesting, and what a value costs at its rate.
//! * [`guard`]: where a changed last bit could turn a number into NaN, no relaxed rule fires.
//! * [`sign`]: values whose sign is known.
//! * [`report`]: what was done, for `fuse explain`.
//!
//! A pass is a free function from `&Graph` to a new graph, a `for` loop over the arena. Node count
//! never grows beyond [`GROWTH`] times: a power becomes at most ten products, nothing else grows.
//! All choices depend on the graph alone: the same formula gives the same graph.
//!
//! *The optimizer rewrites graphs only; after expansion nothing may change rounding.* "Uniform" is no
//! pass here: what depends on scalars alone has rank 0 and is placed by `lower`; rewrites compare
//! costs by rate, so that uniform work does not become work per element.

mod algebra;
pub mod coefficient;
mod contract;
pub(crate) mod cost;
mod dead;
mod describe;
mod fold;
pub mod guard;
mod horner;
mod plan;
mod polynomial;
mod powers;
mod products;
mod reassociate;
pub mod report;
pub mod rounding;
pub mod rules;
mod session;
pub mod sign;
mod views;

use crate::graph::Graph;
pub use report::{OptReport, Rewrite};
pub use rules::{RULES, Rule, RuleClass, RuleName, witness_variables};
use session::Session;

/// The optimized graph has at most this many times the nodes of the given one.
pub const GROWTH: usize = 10;

/// Which rewrites are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Rules that keep every bit, and rules that do not round any term more often.
    #[default]
    Relaxed,
    /// Rules that keep every bit.
    Strict,
}

/// How to optimize. All but the mode serve tests: bisecting a miscompile, and showing that each rule's
/// faults are caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct OptConfig {
    /// Which rewrites are allowed.
    pub mode: Mode,
    /// Stop after this many rewrites.
    pub fuel: Option<u32>,
    /// A rule that must not fire.
    pub disabled: Option<RuleName>,
    /// A rule whose results are negated: fault injection.
    #[doc(hidden)]
    pub sabotaged: Option<RuleName>,
}

/// A pass: from a graph to the next.
type Pass = fn(&Graph, &mut Session) -> Graph;

/// The pipeline.
const PIPELINE: &[Pass] = &[
    views::run,
    fold::run,
    algebra::run,
    horner::run,
    powers::run,
    reassociate::run,
    contract::run,
    products::run,
];

/// Runs the pipeline.
pub fn optimize(graph: &Graph, mode: Mode) -> (Graph, OptReport) {
    optimize_with(graph, OptConfig { mode, ..OptConfig::default() })
}

/// Runs the pipeline with limits on what may fire.
pub fn optimize_with(graph: &Graph, config: OptConfig) -> (Graph, OptReport) {
    let mut session = Session::new(config);
    let mut graph = dead::sweep(graph);
    for pass in PIPELINE {
        graph = dead::sweep(&pass(&graph, &mut session));
    }
    (graph, session.finish())
}

#[cfg(test)]
mod tests;
