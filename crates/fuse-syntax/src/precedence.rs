//! The one table of precedence and associativity, and what each operator token means.
//!
//! Levels from loose to tight, as in Python. `x if c else y` is one infix operator here: the
//! condition has been set aside as a bracket before (`group.rs`). The Pratt parser of `pest` calls
//! itself for prefix operators and right-associative ones, so its depth is what `nesting.rs`
//! counts; left-associative chains of any length take a loop.

use crate::ast::{BinaryOp, CompareOp, UnaryOp};
use pest::pratt_parser::{Assoc::Left, Assoc::Right, Op, PrattParser};
use std::sync::LazyLock;

/// The tokens of `grammar/fuse.pest`.
#[derive(pest_derive::Parser)]
#[grammar = "fuse.pest"]
pub(crate) struct Grammar;

/// Parses the operators of one run of tokens.
pub(crate) static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Left);
    PrattParser::new()
        .op(Op::infix(Rule::if_word, Right))
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(Op::prefix(Rule::not))
        .op(left(Rule::less)
            | left(Rule::less_equal)
            | left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::greater_equal)
            | left(Rule::greater))
        .op(left(Rule::bit_or))
        .op(left(Rule::bit_xor))
        .op(left(Rule::bit_and))
        .op(left(Rule::shift_left) | left(Rule::shift_right))
        .op(left(Rule::add) | left(Rule::subtract))
        .op(left(Rule::multiply)
            | left(Rule::divide)
            | left(Rule::floor_divide)
            | left(Rule::remainder))
        .op(Op::prefix(Rule::negate) | Op::prefix(Rule::plus) | Op::prefix(Rule::invert))
        .op(Op::infix(Rule::power, Right))
        .op(Op::postfix(Rule::attribute) | Op::postfix(Rule::call) | Op::postfix(Rule::subscript))
});

/// The part a token plays in a run of operators and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Begins and ends a value: a literal, a name, an opening bracket with all it holds.
    Value,
    /// Before a value.
    Prefix,
    /// Between two values.
    Infix,
    /// After a value: an attribute, a call, a subscript.
    Postfix,
    /// No part: a character or a word that the language lacks.
    Stray,
}

/// The role of a token.
pub(crate) fn role(rule: Rule) -> Role {
    match rule {
        Rule::suffixed | Rule::imaginary | Rule::float | Rule::integer => Role::Value,
        Rule::true_literal | Rule::false_literal | Rule::none | Rule::ellipsis => Role::Value,
        Rule::text | Rule::name | Rule::open_round | Rule::open_square => Role::Value,
        Rule::bang => Role::Prefix,
        Rule::attribute | Rule::call | Rule::subscript => Role::Postfix,
        Rule::if_word | Rule::matmul | Rule::foreign_infix | Rule::foreign_word => Role::Infix,
        _ if unary(rule).is_some() => Role::Prefix,
        _ if binary(rule).is_some() || comparison(rule).is_some() => Role::Infix,
        _ => Role::Stray,
    }
}

/// The operator of a prefix token.
pub(crate) fn unary(rule: Rule) -> Option<UnaryOp> {
    Some(match rule {
        Rule::negate => UnaryOp::Neg,
        Rule::plus => UnaryOp::Pos,
        Rule::invert => UnaryOp::Invert,
        Rule::not => UnaryOp::Not,
        _ => return None,
    })
}

/// The operator of an infix token, comparisons aside.
pub(crate) fn binary(rule: Rule) -> Option<BinaryOp> {
    Some(match rule {
        Rule::add => BinaryOp::Add,
        Rule::subtract => BinaryOp::Sub,
        Rule::multiply => BinaryOp::Mul,
        Rule::divide => BinaryOp::Div,
        Rule::floor_divide => BinaryOp::FloorDiv,
        Rule::remainder => BinaryOp::Mod,
        Rule::power => BinaryOp::Pow,
        Rule::shift_left => BinaryOp::Shl,
        Rule::shift_right => BinaryOp::Shr,
        Rule::bit_and => BinaryOp::BitAnd,
        Rule::bit_xor => BinaryOp::BitXor,
        Rule::bit_or => BinaryOp::BitOr,
        Rule::and => BinaryOp::And,
        Rule::or => BinaryOp::Or,
        _ => return None,
    })
}

/// The operator of a comparison token.
pub(crate) fn comparison(rule: Rule) -> Option<CompareOp> {
    Some(match rule {
        Rule::less => CompareOp::Lt,
        Rule::less_equal => CompareOp::Le,
        Rule::equal => CompareOp::Eq,
        Rule::not_equal => CompareOp::Ne,
        Rule::greater_equal => CompareOp::Ge,
        Rule::greater => CompareOp::Gt,
        _ => return None,
    })
}

/// The operator of an augmented assignment such as `+=`; none for `@=`.
pub(crate) fn augmented(symbol: &str) -> Option<BinaryOp> {
    const OPS: [BinaryOp; 12] = [
        BinaryOp::Add,
        BinaryOp::Sub,
        BinaryOp::Mul,
        BinaryOp::Div,
        BinaryOp::FloorDiv,
        BinaryOp::Mod,
        BinaryOp::Pow,
        BinaryOp::Shl,
        BinaryOp::Shr,
        BinaryOp::BitAnd,
        BinaryOp::BitXor,
        BinaryOp::BitOr,
    ];
    let symbol = symbol.strip_suffix('=')?;
    OPS.into_iter().find(|op| op.symbol() == symbol)
}
