//! What a bracket means once it closes: a value, a tuple, arguments, subscript items.

use crate::ast::{Argument, List, NameId, Node, SubscriptItem};
use crate::builder::{Builder, Operand};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::expression::Group;
use crate::group::{Frame, Kind, Part, Run, push_list};
use crate::span::Span;
use rustc_hash::FxHashSet;

/// Finishes a bracket that covers `extent`.
pub(crate) fn finish(frame: Frame<'_>, extent: Span, builder: &mut Builder) -> Group {
    match frame.kind {
        Kind::Call => Group::Arguments(arguments(&frame.parts, builder), extent),
        Kind::Subscript => Group::Items(items(&frame.parts, extent, builder), extent),
        Kind::Square | Kind::IndexList => Group::Value(list_literal(&frame, extent, builder)),
        Kind::Root | Kind::Round | Kind::Condition => Group::Value(round(&frame, extent, builder)),
    }
}

/// `(x)` is `x`; `(x,)`, `(x, y)` and `()` are tuples.
fn round(frame: &Frame<'_>, extent: Span, builder: &mut Builder) -> Operand {
    let values = values(&frame.parts, builder);
    if let [value] = values[..]
        && !frame.has_comma()
    {
        if let Some(info) = builder.ast.infos.get_mut(value.id.index()) {
            info.parenthesised = true;
        }
        return Operand { id: value.id, outer: extent };
    }
    let list = push_list(&values, builder);
    builder.leaf(Node::Tuple(list), extent)
}

/// The values of a tuple or of the results; reports what else stands there.
pub(crate) fn values(parts: &[Part<'_>], builder: &mut Builder) -> Vec<Operand> {
    parts.iter().map(|part| single(part, builder)).collect()
}

/// The one value of a part outside of a subscript.
fn single(part: &Part<'_>, builder: &mut Builder) -> Operand {
    match part.runs[..] {
        [Run::Value(value)] => value,
        [Run::Ellipsis] => builder.fail(stray_ellipsis(part.span), part.span),
        _ => builder.leaf(Node::None, part.span),
    }
}

fn stray_ellipsis(span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidSubscript, "`...` outside of a subscript")
        .at(span, "stands in subscripts only, as in `x[..., 0]`")
}

fn list_literal(frame: &Frame<'_>, extent: Span, builder: &mut Builder) -> Operand {
    let error = if frame.kind == Kind::IndexList {
        Diagnostic::new(Code::FancyIndexing, "indexing by a list is not supported")
            .at(extent, "a list as an index")
            .help("use a slice such as `x[1:3]`, or take the elements before and pass them in")
    } else {
        Diagnostic::new(Code::ListLiteral, "list literals are not supported")
            .at(extent, "a list")
            .help("pass the array in as a variable; axes and shapes are tuples: `(0, 1)`")
    };
    builder.fail(error, extent)
}

fn arguments(parts: &[Part<'_>], builder: &mut Builder) -> List<Argument> {
    let mut seen: FxHashSet<NameId> = FxHashSet::default();
    let mut last_keyword = None;
    let mut late = false;
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        let value = single(part, builder);
        let keyword = part.keyword.as_ref().map(|token| {
            let span = builder.span(token);
            last_keyword = Some(span);
            (builder.name(token.as_str()), span)
        });
        match (keyword, last_keyword) {
            (Some((name, span)), _) if !seen.insert(name) => {
                builder.report(repeated_keyword(builder, span));
            }
            (None, Some(keyword)) if !late => {
                late = true;
                builder.report(late_positional(builder, value.outer, keyword));
            }
            (Some(_) | None, _) => {}
        }
        out.push(Argument { keyword, value: value.id });
    }
    List::push(&mut builder.ast.arguments, out)
}

fn repeated_keyword(builder: &Builder, span: Span) -> Diagnostic {
    let name = quoted(span.slice(&builder.ast.source));
    Diagnostic::new(Code::InvalidArgument, format!("keyword argument {name} given twice"))
        .at(span, "second time")
}

fn late_positional(builder: &Builder, value: Span, keyword: Span) -> Diagnostic {
    let name = keyword.slice(&builder.ast.source);
    let message = "an argument without a keyword follows one with a keyword";
    Diagnostic::new(Code::InvalidArgument, message)
        .at(value, "has no keyword")
        .related(keyword, "names an argument")
        .help(format!("to compare, write `==`: `{name} == ...`"))
}

fn items(parts: &[Part<'_>], extent: Span, builder: &mut Builder) -> List<SubscriptItem> {
    if parts.is_empty() {
        let error = Diagnostic::new(Code::InvalidSubscript, "empty subscript")
            .at(extent, "expected an index or a slice")
            .help("write `x[:]` for all elements");
        builder.report(error);
    }
    let mut ellipsis = None;
    for part in parts.iter().filter(|part| matches!(part.runs[..], [Run::Ellipsis])) {
        if let Some(first) = ellipsis.replace(part.span) {
            let error = Diagnostic::new(Code::InvalidSubscript, "second `...` in a subscript")
                .at(part.span, "only one can be expanded")
                .related(first, "first one");
            builder.report(error);
        }
    }
    let items: Vec<_> = parts.iter().map(|part| item(part, builder)).collect();
    let spans = parts.iter().map(|part| trimmed(part.span, builder)).collect::<Vec<_>>();
    builder.ast.item_spans.extend(spans);
    List::push(&mut builder.ast.items, items)
}

fn item(part: &Part<'_>, builder: &mut Builder) -> SubscriptItem {
    let mut bound = |run: Option<&Run>| match run {
        Some(Run::Value(value)) => Some(value.id),
        Some(Run::Ellipsis) => Some(builder.fail(stray_ellipsis(part.span), part.span).id),
        Some(Run::Empty) | None => None,
    };
    match &part.runs[..] {
        [Run::Ellipsis] => SubscriptItem::Ellipsis,
        [Run::Value(value)] => match builder.ast.node(value.id) {
            Node::None => SubscriptItem::NewAxis,
            _ => SubscriptItem::Index(value.id),
        },
        runs => {
            let (start, stop) = (bound(runs.first()), bound(runs.get(1)));
            let step = bound(runs.get(2));
            if runs.len() > 3 {
                let error =
                    Diagnostic::new(Code::InvalidSubscript, "a slice has at most two colons")
                        .at(part.span, "expected `start:stop:step`");
                builder.report(error);
            }
            SubscriptItem::Slice { start, stop, step }
        }
    }
}

/// The span without white space at its ends.
pub(crate) fn trimmed(span: Span, builder: &Builder) -> Span {
    let text = span.slice(&builder.ast.source);
    let start = span.range().start + (text.len() - text.trim_start().len());
    Span::of(start..start + text.trim().len())
}
