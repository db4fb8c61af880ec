//! Text to syntax tree for `fuse`, and the diagnostics of all its stages.
//!
//! ```text
//! source ─ scan ─▶ statements ─ pest ─▶ tokens ─ group ─▶ brackets ─ Pratt ─▶ nodes ─ order ─▶ Ast
//! ```
//!
//! * `scan` cuts the text into statements and holds the limits, before any parser runs;
//! * the grammar (`grammar/fuse.pest`) makes tokens, without recursion;
//! * `group` pairs brackets with a stack of its own, so that what is left between two separators is flat;
//! * a Pratt parser with the one table in `precedence` orders the operators of such a run;
//! * `order` brings the nodes into postfix order.
//!
//! *Invariants.* The crate knows no types and no function names: *syntax never fails on types.* Any
//! text gives a tree or diagnostics, never a panic; 256 KiB of stack are enough, in debug builds too. Spans lie on
//! character boundaries. The same text gives the same tree and the same diagnostics.
//!
//! *Cost.* Time and memory are linear in the text: about 1 µs a byte, nearly all of it in the grammar's tokens.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod ast;
mod builder;
mod code;
mod diagnostic;
mod expression;
mod foreign;
mod group;
mod limits;
mod list;
mod literal;
mod nesting;
mod order;
pub mod outline;
mod precedence;
mod program;
mod render;
mod scan;
mod span;
mod text;

pub use ast::{
    Argument, Ast, BinaryOp, CompareOp, FloatBits, IntegerId, List, NameId, Node, NodeId, Param,
    Statement, SubscriptItem, TextId, UnaryOp,
};
pub use builder::MOST_ERRORS;
pub use code::{Code, EXAMPLE_LIMIT, EXAMPLE_VARIABLES, Example, UnknownCode};
pub use diagnostic::{Diagnostic, Label, quoted};
pub use limits::SyntaxLimits;
pub use render::Color;
pub use span::Span;

/// Parses a program.
///
/// # Errors
/// One diagnostic for each error found, at least one, in the order of the source.
pub fn parse(source: &str, limits: &SyntaxLimits) -> Result<Ast, Vec<Diagnostic>> {
    program::parse(source, limits)
}

#[cfg(test)]
mod tests;
