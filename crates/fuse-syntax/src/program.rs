//! Statements to a program: targets left of `=`, results at the end.

use crate::ast::{Ast, List, Node, NodeId, Param, Statement};
use crate::builder::{Builder, MOST_ERRORS, Token};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::expression::{Group, Groups};
use crate::group::{Grouper, Part, Target};
use crate::limits::SyntaxLimits;
use crate::list::{trimmed, values};
use crate::precedence::{Grammar, Rule, augmented};
use crate::span::Span;
use crate::{group, order, scan};
use pest::Parser;
use rustc_hash::FxHashSet;

/// Parses a program; see [`crate::parse`].
pub(crate) fn parse(source: &str, limits: &SyntaxLimits) -> Result<Ast, Vec<Diagnostic>> {
    let limits = limits.capped();
    let spans = scan::scan(source, &limits).map_err(sorted)?;
    let mut builder = Builder::default();
    builder.ast.source = source.to_owned();
    for (position, &span) in spans.iter().enumerate() {
        let last = position + 1 == spans.len();
        if let Err(limit) = statement(source, span, last, &limits, &mut builder) {
            builder.report(limit);
        }
        if builder.errors.len() >= MOST_ERRORS {
            break;
        }
    }
    if spans.is_empty() {
        let error = Diagnostic::new(Code::NoResult, "the formula is empty")
            .at(Span::new(0, 0), "expected a value")
            .help("a formula is an expression, such as `2*a + 3*b**2`");
        builder.report(error);
    }
    match builder.errors.is_empty() {
        true => Ok(order::postfix(builder.ast)),
        false => Err(sorted(builder.errors)),
    }
}

fn sorted(mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    errors.sort_by_key(Diagnostic::span);
    errors.truncate(MOST_ERRORS);
    errors
}

/// Parses one statement into the builder.
///
/// # Errors
/// The nesting limit is passed.
fn statement(
    source: &str,
    span: Span,
    last: bool,
    limits: &SyntaxLimits,
    builder: &mut Builder,
) -> Result<(), Diagnostic> {
    builder.base = span.range().start;
    let tokens = match Grammar::parse(Rule::statement, span.slice(source)) {
        Ok(tokens) => tokens.flat_map(|statement| statement.into_inner()),
        Err(error) => return Err(refused(&error, span)),
    };
    let errors = builder.errors.len();
    let mut grouper = Grouper::new(builder, span, limits.nesting);
    let parts = grouper.run(tokens, span.end)?;
    let (groups, target) = (std::mem::take(&mut grouper.groups), grouper.target.take());
    let statement = match target {
        Some(target) => assignment(&target, &groups, &parts, span, builder),
        None => results(&parts, last, span, builder),
    };
    if builder.errors.len() == errors
        && let Some(statement) = statement
    {
        builder.ast.statements.push((statement, span));
        if last && !matches!(statement, Statement::Results(_)) {
            builder.report(no_result(span));
        }
    }
    Ok(())
}

/// The grammar takes any text; what it can refuse is to run on a stack that is almost used up.
fn refused(error: &pest::error::Error<Rule>, span: Span) -> Diagnostic {
    let message = format!("the statement cannot be read: {}", error.variant.message());
    Diagnostic::new(Code::UnexpectedToken, message).at(span, "")
}

fn results(parts: &[Part<'_>], last: bool, span: Span, builder: &mut Builder) -> Option<Statement> {
    let values = values(parts, builder);
    if !last && builder.errors.is_empty() {
        let error = Diagnostic::new(Code::UnusedResult, "this value is not used")
            .at(span, "only the last statement gives results")
            .help("bind it to a name: `name = ...`; or list all results at the end: `r, d`")
            .help("if the formula goes on in the next line, put brackets around all of it");
        builder.report(error);
    }
    Some(Statement::Results(group::push_list(&values, builder)))
}

fn no_result(span: Span) -> Diagnostic {
    Diagnostic::new(Code::NoResult, "the formula has no result")
        .at(span, "the last statement assigns")
        .help("end with the value, or values, that you want: `d = x - y; d*d`")
        .help("to compare, write `==`")
}

/// `name = value`, `name += value`, `f(x, y) = body`.
fn assignment(
    target: &Target<'_>,
    groups: &Groups,
    parts: &[Part<'_>],
    span: Span,
    builder: &mut Builder,
) -> Option<Statement> {
    let symbol = builder.span(&target.symbol);
    let value = right_side(target, parts, span, builder)?;
    let first = target.tokens.first();
    let name_span = first.map_or(symbol, |token| builder.span(token));
    match &target.tokens[..] {
        [name] if name.as_rule() == Rule::name => {
            let op = operator(target, symbol, builder)?;
            let name = builder.name(name.as_str());
            Some(Statement::Assign { name, target: name_span, op, value })
        }
        [name, call] if name.as_rule() == Rule::name && call.as_rule() == Rule::call => {
            let params = parameters(call, groups, target, builder)?;
            let name = builder.name(name.as_str());
            Some(Statement::Function { name, target: name_span, params, body: value })
        }
        _ => {
            let error = invalid_target(span, symbol, builder);
            builder.report(error);
            None
        }
    }
}

/// The one value right of `=`.
fn right_side(
    target: &Target<'_>,
    parts: &[Part<'_>],
    span: Span,
    builder: &mut Builder,
) -> Option<NodeId> {
    let symbol = builder.span(&target.symbol);
    let values = values(parts, builder);
    match values[..] {
        [value] => return Some(value.id),
        _ if !builder.errors.is_empty() => {}
        [] => builder.report(missing_value(target.symbol.as_str(), symbol)),
        _ => {
            let right_side = trimmed(Span::new(symbol.end, span.end), builder);
            builder.report(several_values(right_side));
        }
    }
    None
}

fn missing_value(operator: &str, symbol: Span) -> Diagnostic {
    let message = format!("expected a value after {}", quoted(operator));
    Diagnostic::new(Code::MissingOperand, message).at(symbol, "no value follows")
}

fn several_values(span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidTarget, "one name takes one value")
        .at(span, "several values")
        .help("write one assignment for each: `a = x; b = y`")
}

fn invalid_target(statement: Span, symbol: Span, builder: &Builder) -> Diagnostic {
    let before = trimmed(Span::new(statement.start, symbol.start), builder);
    let symbol_text = symbol.slice(&builder.ast.source);
    let message = format!("expected a name before {}", quoted(symbol_text));
    let error = Diagnostic::new(Code::InvalidTarget, message);
    let error = if before.is_empty() {
        error.at(symbol, "no name stands before this")
    } else {
        error.at(before, "not a name").related(symbol, "assigns")
    };
    error
        .help("to compare, write `==`")
        .note("arrays are never changed in place; write `where(...)` for a part of one")
}

/// The operator of the assignment: none, or that of `+=` and its like.
fn operator(
    target: &Target<'_>,
    symbol: Span,
    builder: &mut Builder,
) -> Option<Option<crate::ast::BinaryOp>> {
    if target.symbol.as_rule() == Rule::assign {
        return Some(None);
    }
    let op = augmented(target.symbol.as_str());
    if op.is_none() {
        let error = Diagnostic::new(Code::Matmul, "matrix products are not supported")
            .at(symbol, "")
            .help("for two vectors, write `dot(a, b)`");
        builder.report(error);
    }
    op.map(Some)
}

/// The parameters of a local function: distinct names.
fn parameters(
    call: &Token<'_>,
    groups: &Groups,
    target: &Target<'_>,
    builder: &mut Builder,
) -> Option<List<Param>> {
    let symbol = builder.span(&target.symbol);
    let group = groups.get(&builder.span(call).start);
    let Some(Group::Arguments(args, extent)) = group else { return None };
    if target.symbol.as_rule() != Rule::assign {
        let error = Diagnostic::new(Code::InvalidTarget, "a function is defined with `=`")
            .at(symbol, "expected `=`");
        builder.report(error);
        return None;
    }
    let mut params: Vec<Param> = Vec::new();
    let mut seen = FxHashSet::default();
    for argument in builder.ast.arguments(*args) {
        let span = builder.ast.span(argument.value);
        let error = match (builder.ast.node(argument.value), argument.keyword) {
            (Node::Name(name), None) if seen.insert(name) => {
                params.push(Param { name, span });
                continue;
            }
            (Node::Name(_), None) => {
                Diagnostic::new(Code::InvalidArgument, "parameter given twice")
                    .at(span, "second time")
            }
            _ => Diagnostic::new(Code::InvalidTarget, "parameters are names")
                .at(*extent, "expected names, separated by commas")
                .help("define a function as `f(x, y) = x*y`; to compare, write `==`"),
        };
        builder.report(error);
        return None;
    }
    Some(List::push(&mut builder.ast.params, params))
}
