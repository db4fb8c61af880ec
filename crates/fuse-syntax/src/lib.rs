//! Text to syntax tree for `fuse`, and the diagnostics of all its stages.
//!
//! ```text
//! source ─ scan ─▶ statements ─ pest ─▶ tokens ─ group ─▶ brackets ─ Pratt ─▶ nodes ─ order ─▶ Ast
//! ```
//!
//! This crate knows no types and no function names: *syntax never fails on types.*
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
pub use code::{Code, UnknownCode};
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
