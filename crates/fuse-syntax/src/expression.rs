//! One run of values and operators to one node.
//!
//! A run is what stands between two separators (commas, colons, brackets, statement ends); the
//! brackets within it have become values before. It is checked first, since the Pratt parser takes nothing
//! but `prefix* value postfix* (infix prefix* value postfix*)*`, and since the check knows better what to say.
//! Then the Pratt parser calls the four functions at the end of this file.
//!
//! *Cost.* Linear in the run. The parser's depth is what `nesting.rs` has limited.

use crate::ast::{Argument, Node, NodeId};
use crate::ast::{List, SubscriptItem};
use crate::builder::{Builder, Operand, Token};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::precedence::{self, PRECEDENCE, Role, Rule, role};
use crate::span::Span;
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// What a bracket, or the `if ... else` of a conditional, holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Group {
    /// A value in round brackets, a tuple, or a condition.
    Value(Operand),
    /// The arguments of a call.
    Arguments(List<Argument>, Span),
    /// The items of a subscript.
    Items(List<SubscriptItem>, Span),
}

/// Finished groups, by where their opening token starts.
pub(crate) type Groups = FxHashMap<u32, Group>;

/// Parses a checked run.
///
/// # Errors
/// Reported to the builder; the value is a stand-in then.
pub(crate) fn parse(run: Vec<Token<'_>>, groups: &Groups, builder: &mut Builder) -> Operand {
    let shared = RefCell::new(Nodes { groups, builder });
    PRECEDENCE
        .map_primary(|token| shared.borrow_mut().primary(&token))
        .map_prefix(|token, operand| shared.borrow_mut().prefix(&token, operand))
        .map_infix(|lhs, token, rhs| shared.borrow_mut().infix(lhs, &token, rhs))
        .map_postfix(|operand, token| shared.borrow_mut().postfix(operand, &token))
        .parse(run.into_iter())
}

/// Finds the first token of a run that breaks the alternation of values and operators.
pub(crate) fn check(run: &[Token<'_>], groups: &Groups, builder: &Builder) -> Option<Diagnostic> {
    let mut before: Option<&Token<'_>> = None;
    for token in run {
        let ended = before.is_some_and(|token| ends_value(token.as_rule()));
        let context = Context { groups, builder, before };
        let error = match (role(token.as_rule()), ended) {
            (Role::Value, true) | (Role::Prefix, true) => Some(context.side_by_side(token)),
            (Role::Infix, false) | (Role::Postfix, false) => Some(context.missing_before(token)),
            (Role::Prefix, false) => context.misplaced_not(token),
            (Role::Postfix, true) => context.not_callable(token),
            (Role::Value, false) | (Role::Infix, true) | (Role::Stray, _) => None,
        };
        if error.is_some() {
            return error;
        }
        before = Some(token);
    }
    let last = before.filter(|token| !ends_value(token.as_rule()))?;
    Some(missing_after(last, builder))
}

/// The error for an operator that ends its run.
fn missing_after(last: &Token<'_>, builder: &Builder) -> Diagnostic {
    let conditional = last.as_rule() == Rule::if_word;
    let operator = if conditional { "else" } else { last.as_str() };
    let span = builder.span(last);
    let message = format!("expected a value after {}", quoted(operator));
    let error = Diagnostic::new(Code::MissingOperand, message);
    let error = match conditional {
        true => error.at(span, "no value follows the `else` of this `if`"),
        false => error.at(span, "no value follows this operator"),
    };
    let behind = builder.ast.source.get(span.range().end..).unwrap_or("");
    let line_ends = behind.trim_start_matches([' ', '\t', '\r']).starts_with(['\n', '#']);
    let goes_on = behind.trim_start().starts_with(|next| !matches!(next, ')' | ']' | ',' | ';'));
    if line_ends && goes_on {
        return error.help("put brackets around a formula that goes on in the next line");
    }
    error
}

fn ends_value(rule: Rule) -> bool {
    matches!(role(rule), Role::Value | Role::Postfix)
}

struct Context<'a, 'i> {
    groups: &'a Groups,
    builder: &'a Builder,
    before: Option<&'a Token<'i>>,
}

impl Context<'_, '_> {
    /// Where a token stands with all that its bracket holds.
    fn extent(&self, token: &Token<'_>) -> Span {
        let span = self.builder.span(token);
        match self.groups.get(&span.start) {
            Some(Group::Value(value)) if role(token.as_rule()) == Role::Value => value.outer,
            Some(Group::Arguments(_, extent) | Group::Items(_, extent)) => *extent,
            Some(Group::Value(_)) | None => span,
        }
    }

    fn missing_before(&self, token: &Token<'_>) -> Diagnostic {
        let span = self.builder.span(token);
        let found = quoted(token.as_str());
        let Some(before) = self.before else {
            let message = format!("expected a value before {found}");
            return Diagnostic::new(Code::MissingOperand, message)
                .at(span, "no value stands before this operator");
        };
        let operator = quoted(before.as_str());
        let message = format!("expected a value after {operator}, found {found}");
        Diagnostic::new(Code::MissingOperand, message)
            .at(span, "expected a value here")
            .related(self.builder.span(before), "after this operator")
    }

    fn side_by_side(&self, token: &Token<'_>) -> Diagnostic {
        let Some(before) = self.before else { return self.missing_before(token) };
        let (lhs, rhs) = (self.extent(before), self.extent(token));
        let number = matches!(
            before.as_rule(),
            Rule::integer | Rule::float | Rule::imaginary | Rule::suffixed
        );
        if number && lhs.end == rhs.start && role(token.as_rule()) == Role::Value {
            return self.malformed_number(lhs.to(rhs));
        }
        let error =
            Diagnostic::new(Code::MissingOperator, "expected an operator between two values")
                .at(rhs, "expected an operator before this")
                .related(lhs, "a value ends here");
        match (before.as_rule(), token.as_rule()) {
            (Rule::text, Rule::text) => error.help("write both texts as one literal"),
            (_, Rule::not) => error.help("to compare, write `!=`; to combine, `a and not b`"),
            _ if number => {
                let (lhs, rhs) = (self.text(lhs), self.text(rhs));
                let product = quoted(&format!("{lhs}*{rhs}"));
                error.help(format!("a product is written with `*`: {product}"))
            }
            _ => error,
        }
    }

    fn malformed_number(&self, span: Span) -> Diagnostic {
        let message = format!("malformed number {}", quoted(self.text(span)));
        Diagnostic::new(Code::InvalidNumber, message)
            .at(span, "")
            .note("`_` may stand between two digits, and a number has one `.` at most")
    }

    /// `not` after an operator that binds tighter takes brackets.
    fn misplaced_not(&self, token: &Token<'_>) -> Option<Diagnostic> {
        let before = self.before?;
        let loose = [
            Rule::and,
            Rule::or,
            Rule::not,
            Rule::if_word,
            Rule::foreign_infix,
            Rule::foreign_word,
        ];
        if token.as_rule() != Rule::not || loose.contains(&before.as_rule()) {
            return None;
        }
        let operator = quoted(before.as_str());
        let error = Diagnostic::new(Code::MisplacedNot, format!("`not` cannot follow {operator}"))
            .at(self.builder.span(token), "binds looser than the operator before it")
            .related(self.builder.span(before), "this operator")
            .help(format!("put brackets around it: `{} (not ...)`", before.as_str()))
            .help("or write `~`, which binds tighter");
        Some(error)
    }

    /// Literals can neither be called nor subscripted.
    fn not_callable(&self, token: &Token<'_>) -> Option<Diagnostic> {
        let before = self.before?;
        let callable = matches!(
            before.as_rule(),
            Rule::name | Rule::attribute | Rule::open_round | Rule::call | Rule::subscript
        );
        if callable || token.as_rule() != Rule::call {
            return None;
        }
        Some(not_a_function(self.builder.span(before), self.builder.span(token)))
    }

    fn text(&self, span: Span) -> &str {
        span.slice(&self.builder.ast.source)
    }
}

fn not_a_function(value: Span, bracket: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidCall, "only names and methods can be called")
        .at(bracket, "this begins a call")
        .related(value, "this is a value, not a function")
        .help("a product is written with `*`: `(a + b)*(c + d)`")
}

/// What the Pratt parser calls.
struct Nodes<'a> {
    groups: &'a Groups,
    builder: &'a mut Builder,
}

impl Nodes<'_> {
    fn group(&self, token: &Token<'_>) -> Option<Group> {
        self.groups.get(&self.builder.span(token).start).copied()
    }

    fn primary(&mut self, token: &Token<'_>) -> Operand {
        match (token.as_rule(), self.group(token)) {
            (Rule::open_round | Rule::open_square, Some(Group::Value(value))) => value,
            (Rule::ellipsis, _) => {
                let span = self.builder.span(token);
                let error = Diagnostic::new(Code::InvalidSubscript, "`...` outside of a subscript")
                    .at(span, "stands alone between the commas of `x[..., 0]` only");
                self.builder.fail(error, span)
            }
            _ => self.builder.value(token),
        }
    }

    fn prefix(&mut self, token: &Token<'_>, operand: Operand) -> Operand {
        let symbol = self.builder.span(token);
        let span = symbol.to(operand.outer);
        match precedence::unary(token.as_rule()) {
            Some(op) => self.builder.push(Node::Unary { op, operand: operand.id }, span, symbol),
            None => operand,
        }
    }

    fn infix(&mut self, lhs: Operand, token: &Token<'_>, rhs: Operand) -> Operand {
        let symbol = self.builder.span(token);
        let span = lhs.outer.to(rhs.outer);
        if let Some(op) = precedence::comparison(token.as_rule()) {
            return self.comparison(lhs, op, symbol, rhs);
        }
        let node = match (precedence::binary(token.as_rule()), self.group(token)) {
            (Some(op), _) => Node::Binary { op, lhs: lhs.id, rhs: rhs.id },
            (None, Some(Group::Value(test))) => {
                Node::Conditional { test: test.id, then: lhs.id, otherwise: rhs.id }
            }
            (None, _) => return lhs,
        };
        self.builder.push(node, span, symbol)
    }

    /// Begins a chain, or adds a link to the one that `lhs` is. A chain's lists are the last ones made, since its
    /// operands hold no comparison but in brackets, and these are done.
    fn comparison(
        &mut self,
        lhs: Operand,
        op: crate::ast::CompareOp,
        symbol: Span,
        rhs: Operand,
    ) -> Operand {
        let ast = &mut self.builder.ast;
        let span = lhs.outer.to(rhs.outer);
        if let Node::Comparison { operands, ops } = ast.node(lhs.id)
            && !ast.parenthesised(lhs.id)
        {
            let operands = operands.extended(&mut ast.node_lists, rhs.id);
            let ops = ops.extended(&mut ast.compare_ops, op);
            ast.nodes[lhs.id.index()] = Node::Comparison { operands, ops };
            ast.infos[lhs.id.index()].span = span;
            return Operand { id: lhs.id, outer: span };
        }
        let operands = List::push(&mut ast.node_lists, [lhs.id, rhs.id]);
        let ops = List::push(&mut ast.compare_ops, [op]);
        self.builder.push(Node::Comparison { operands, ops }, span, symbol)
    }

    fn postfix(&mut self, operand: Operand, token: &Token<'_>) -> Operand {
        let bracket = self.builder.span(token);
        match self.group(token) {
            _ if token.as_rule() == Rule::attribute => self.attribute(operand, token),
            Some(Group::Arguments(args, extent)) => self.call(operand, args, bracket, extent),
            Some(Group::Items(items, extent)) => {
                let node = Node::Subscript { value: operand.id, items };
                self.builder.push(node, operand.outer.to(extent), bracket)
            }
            Some(Group::Value(_)) | None => operand,
        }
    }

    /// `x.real`, and `np.sin`, whose `np.` is dropped.
    fn attribute(&mut self, operand: Operand, token: &Token<'_>) -> Operand {
        let Some(name) = token.clone().into_inner().next() else { return operand };
        let name_span = self.builder.span(&name);
        let span = operand.outer.to(name_span);
        if self.is_module(operand.id) {
            return self.module_name(operand, &name, span);
        }
        let name = self.builder.name(name.as_str());
        let node = Node::Attribute { receiver: operand.id, name };
        self.builder.push(node, span, name_span)
    }

    fn is_module(&self, id: NodeId) -> bool {
        let ast = &self.builder.ast;
        let Node::Name(name) = ast.node(id) else { return false };
        matches!(ast.name(name), "np" | "numpy" | "math") && !ast.parenthesised(id)
    }

    fn module_name(&mut self, module: Operand, name: &Token<'_>, span: Span) -> Operand {
        match name.as_str() {
            "newaxis" => self.builder.leaf(Node::None, span),
            "linalg" => Operand { id: module.id, outer: span },
            "random" => {
                let error = Diagnostic::new(Code::Random, "random numbers are not supported")
                    .at(span, "")
                    .help("generate the array before, and pass it in as a variable");
                self.builder.fail(error, span)
            }
            text => {
                let name = self.builder.name(text);
                self.builder.leaf(Node::Name(name), span)
            }
        }
    }

    fn call(
        &mut self,
        callee: Operand,
        args: List<Argument>,
        bracket: Span,
        extent: Span,
    ) -> Operand {
        let span = callee.outer.to(extent);
        let token = self.builder.ast.token_span(callee.id);
        let bare = !self.builder.ast.parenthesised(callee.id);
        let node = match self.builder.ast.node(callee.id) {
            Node::Name(callee) if bare => Node::Call { callee, args },
            Node::Attribute { receiver, name } if bare => Node::Method { receiver, name, args },
            // Its error has been reported.
            Node::None => return callee,
            _ => {
                let error = not_a_function(callee.outer, bracket);
                return self.builder.fail(error, span);
            }
        };
        self.builder.push(node, span, token)
    }
}
