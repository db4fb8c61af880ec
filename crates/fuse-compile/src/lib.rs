//! Syntax tree to typed graph, to optimised graph, to a program of kernels.
//!
//! ```text
//! Ast ──resolve──▶ Graph ──opt──▶ Graph ──lower──▶ Program
//!      names, types,     exact and      rates, passes,
//!      broadcasting      relaxed rules  expansion into primitives
//! ```
//!
//! * [`graph`]: the array-level form. Typed when built: an ill-typed node cannot exist.
//! * [`resolve`]: names, NumPy 2's promotion with weak literals, broadcasting; all errors with spans.
//! * [`opt`]: the optimizer, the only place that rewrites; one file a pass.
//! * [`lower`]: which value is computed at which rate, in which pass, and the kernels.
//!
//! Invariants. *A graph never holds an ill-typed node. The optimizer rewrites graphs only; after
//! expansion nothing may change rounding.*

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod graph;
pub mod lower;
pub mod opt;
pub mod resolve;

use fuse_ir::{InputType, Program};
use fuse_syntax::{Ast, Diagnostic};

pub use graph::Graph;
pub use opt::{Mode, OptReport};
pub use resolve::{ATTRIBUTES, METHODS, Variable, names, nearest};

/// What compiling depends on beside the formula and the types of its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Which rewrites are allowed.
    pub mode: Mode,
    /// Most variables a formula may use.
    pub max_inputs: usize,
    /// Most syntax nodes that calls of local functions may expand to.
    pub max_nodes: usize,
    /// Most results a formula may have.
    pub max_results: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { mode: Mode::Relaxed, max_inputs: 255, max_results: 255, max_nodes: 1 << 16 }
    }
}

/// A compiled formula and the graphs on the way to it, for `fuse explain`.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// As typed.
    pub graph: Graph,
    /// As optimised.
    pub optimized: Graph,
    /// What the optimizer did.
    pub report: OptReport,
    /// What runs.
    pub program: Program,
}

/// Compiles a formula for variables of these types. Variables that the formula does not use are
/// ignored; the program's inputs are those that it uses, in order of first use.
///
/// # Errors
/// Diagnostics for unknown names, ill-typed operations, and what is not supported yet.
pub fn compile(
    ast: &Ast,
    variables: &[Variable<'_>],
    options: Options,
) -> Result<Compiled, Vec<Diagnostic>> {
    let graph = resolve::resolve(ast, variables, options)?;
    let (optimized, report) = opt::optimize(&graph, options.mode);
    let program = lower::lower(&optimized);
    Ok(Compiled { graph, optimized, report, program })
}

/// The dtype and rank of a variable, by name.
pub fn variable(name: &str, ty: InputType) -> Variable<'_> {
    Variable { name, ty }
}
