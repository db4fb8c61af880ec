//! The repair of `m - mean(m, axis=1)`: `keepdims=True`, which keeps the axis that the reduction loses.
//!
//! Looked for only once two shapes did not broadcast: the formula is parsed again, and what stands where the operand
//! of fewer axes stands, or what was assigned to a name there, is searched for a reduction along an axis.

use fuse_ops::{Class, Form, Op, Parameter};
use fuse_syntax::{Argument, Ast, List, NameId, Node, NodeId, Span, Statement, SyntaxLimits};

/// Assignments that are followed, one to the next.
const MOST_STEPS: usize = 16;

/// What to write, if a shape is the other one without axes that a reduction in the operand lost.
pub(crate) fn repair(
    source: &str,
    (lhs, lhs_span): (&[usize], Span),
    (rhs, rhs_span): (&[usize], Span),
) -> Option<String> {
    let (long, short, span) =
        if lhs.len() < rhs.len() { (rhs, lhs, lhs_span) } else { (lhs, rhs, rhs_span) };
    if !has_lost_axes(long, short) {
        return None;
    }
    let ast = fuse_syntax::parse(source, &SyntaxLimits::default()).ok()?;
    let call = reduction_in(&ast, span, MOST_STEPS)?.slice(source);
    let open = call.strip_suffix(')')?.trim_end().trim_end_matches(',');
    let words: Vec<&str> = open.split_whitespace().collect();
    Some(format!("`{}, keepdims=True)` keeps the axis, with extent 1", words.join(" ")))
}

/// Is it the other shape without one axis or more?
fn has_lost_axes(long: &[usize], short: &[usize]) -> bool {
    let mut rest = long.iter();
    short.len() < long.len() && short.iter().all(|extent| rest.any(|own| own == extent))
}

/// A reduction along an axis within the span, or in what was assigned to a name that stands there.
fn reduction_in(ast: &Ast, within: Span, steps: usize) -> Option<Span> {
    let inside = |id: NodeId| {
        let span = ast.span(id);
        within.start <= span.start && span.end <= within.end
    };
    let nodes = || ast.iter().filter(|&(id, _)| inside(id));
    let reduction = nodes().find(|&(_, node)| loses_axes(ast, node)).map(|(id, _)| ast.span(id));
    reduction.or_else(|| {
        let steps = steps.checked_sub(1)?;
        nodes().find_map(|(_, node)| {
            let Node::Name(name) = node else { return None };
            reduction_in(ast, ast.span(assigned(ast, name, within)?), steps)
        })
    })
}

/// What the name was last assigned before this place.
fn assigned(ast: &Ast, wanted: NameId, before: Span) -> Option<NodeId> {
    let values = ast.statements().filter_map(|statement| match statement {
        Statement::Assign { name, value, op: None, .. } if name == wanted => Some(value),
        Statement::Assign { .. } | Statement::Function { .. } | Statement::Results(_) => None,
    });
    values.filter(|&value| ast.span(value).end <= before.start).last()
}

/// Is it a reduction along some axes, which does not keep them?
fn loses_axes(ast: &Ast, node: Node) -> bool {
    let (name, args, n_before) = if let Node::Call { callee, args } = node {
        (callee, args, 1)
    } else if let Node::Method { name, args, .. } = node {
        (name, args, 0)
    } else {
        return false;
    };
    let name = ast.name(name);
    let parameters = match Op::function(name) {
        Some(op) => op.parameters(),
        None => Form::named(name).map_or(&[][..], |form| form.parameters),
    };
    let is_reduction = Op::function(name).is_none_or(|op| op.row().class == Class::Reduction);
    is_reduction
        && parameters.contains(&Parameter::Keepdims)
        && has(ast, args, "axis", Some(n_before))
        && !has(ast, args, "keepdims", None)
}

/// Is there an argument of this keyword, or one at this position without a keyword?
fn has(ast: &Ast, args: List<Argument>, keyword: &str, position: Option<usize>) -> bool {
    let args = ast.arguments(args);
    let positional = args.iter().filter(|argument| argument.keyword.is_none()).count();
    args.iter().any(|argument| argument.keyword.is_some_and(|(name, _)| ast.name(name) == keyword))
        || position.is_some_and(|position| positional > position)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For the operands of the last `-`, of which the second has shape (3,) and the first (3, 4).
    fn help(source: &str) -> Option<String> {
        let minus = source.rfind('-').unwrap();
        let span = |range: std::ops::Range<usize>| Span::new(range.start as u32, range.end as u32);
        let (first, second) = (span(minus - 2..minus - 1), span(minus + 2..source.len()));
        repair(source, (&[3, 4], first), (&[3], second))
    }

    #[test]
    fn a_reduction_in_the_operand_is_named() {
        let keeps = |call: &str| Some(format!("`{call}` keeps the axis, with extent 1"));
        let mean = keeps("mean(m, axis=1, keepdims=True)");
        assert_eq!(help("m - mean(m, axis=1)"), mean);
        let numpys = keeps("np.mean(m, axis=1, keepdims=True)");
        assert_eq!(help("m - 2*np.mean(m, axis=1) + 1"), numpys);
        assert_eq!(help("m - mean(m,\n  axis=1,)"), mean);
        assert_eq!(help("m - m.max(1)"), keeps("m.max(1, keepdims=True)"));
        assert_eq!(help("s = std(m, axis=1); m - s"), keeps("std(m, axis=1, keepdims=True)"));
        assert_eq!(help("s = sum(m, 1)\nt = s/4\nm - t"), keeps("sum(m, 1, keepdims=True)"));
    }

    #[test]
    fn nothing_is_said_where_no_axis_was_lost() {
        assert_eq!(help("m - v"), None);
        assert_eq!(help("v = v + 1; m - v"), None);
        assert_eq!(help("sum(m, axis=1); m - v"), None, "elsewhere");
        assert_eq!(help("m - mean(m)*v"), None, "no axis");
        assert_eq!(help("m - mean(m, axis=1, keepdims=True)"), None);
        assert_eq!(help("m - sin(m)"), None);
        assert!(!has_lost_axes(&[3, 4], &[3, 4]));
        assert!(!has_lost_axes(&[3, 4], &[5]));
        assert!(has_lost_axes(&[2, 3, 4], &[2, 4]));
        assert!(!has_lost_axes(&[2, 3, 4], &[4, 2]));
    }
}
