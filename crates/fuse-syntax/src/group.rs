//! Brackets: a stack of open ones, each with the runs of tokens it holds so far.
//!
//! ```text
//! f(a + b, axis=(0, 1))[1:]      Root  [ f call subscript ]
//!                                Call  [ a + b ] [ axis= ( ]     Round [ 0 ] [ 1 ]    Subscript [ 1 : ]
//! ```
//!
//! The opening token stays in the run it stands in, as a value or as a postfix; the bracket is parsed
//! when it closes, inner ones first, and looked up by the place of that token. So a
//! run is flat, and no function calls itself however deep brackets nest. `if c else` is a bracket too.

use crate::ast::{List, Node};
use crate::builder::{Builder, Operand, Token};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::expression::{self, Group, Groups};
use crate::foreign;
use crate::list;
use crate::nesting::Nesting;
use crate::precedence::{Role, Rule, role};
use crate::span::Span;

/// What a frame stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The statement.
    Root,
    /// `( ... )` where a value stands.
    Round,
    /// `f( ... )`.
    Call,
    /// `x[ ... ]`.
    Subscript,
    /// `[ ... ]` where a value stands, which is an error.
    Square,
    /// `[ ... ]` at the beginning of a subscript's item, which is another error.
    IndexList,
    /// `if ... else`.
    Condition,
}

/// What stands between two commas: runs separated by colons.
pub(crate) struct Part<'i> {
    pub(crate) keyword: Option<Token<'i>>,
    pub(crate) runs: Vec<Run>,
    /// From the separator before to the separator behind.
    pub(crate) span: Span,
}

/// What stands between two separators.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// No token.
    Empty,
    /// `...` alone.
    Ellipsis,
    /// A value.
    Value(Operand),
}

/// An open bracket.
pub(crate) struct Frame<'i> {
    pub(crate) kind: Kind,
    pub(crate) open: Span,
    pub(crate) parts: Vec<Part<'i>>,
    keyword: Option<Token<'i>>,
    runs: Vec<Run>,
    tokens: Vec<Token<'i>>,
    part_start: u32,
    /// After an error that makes the rest of the bracket meaningless.
    muted: bool,
    /// Whether a comma stands in it.
    comma: bool,
}

/// What stands left of `=` at the beginning of a statement.
pub(crate) struct Target<'i> {
    pub(crate) tokens: Vec<Token<'i>>,
    /// `=`, `+=` and so on.
    pub(crate) symbol: Token<'i>,
}

/// The parser of one statement.
pub(crate) struct Grouper<'i, 'b> {
    pub(crate) builder: &'b mut Builder,
    pub(crate) groups: Groups,
    frames: Vec<Frame<'i>>,
    pub(crate) target: Option<Target<'i>>,
    nesting: Nesting,
}

impl<'i> Frame<'i> {
    fn new(kind: Kind, open: Span) -> Self {
        Frame {
            kind,
            open,
            parts: Vec::new(),
            keyword: None,
            runs: Vec::new(),
            tokens: Vec::new(),
            part_start: open.end,
            muted: false,
            comma: false,
        }
    }

    /// Whether a comma stands directly in the bracket.
    pub(crate) fn has_comma(&self) -> bool {
        self.comma
    }
}

impl<'i, 'b> Grouper<'i, 'b> {
    pub(crate) fn new(builder: &'b mut Builder, statement: Span, nesting: usize) -> Self {
        let start = Span::new(statement.start, statement.start);
        let frames = vec![Frame::new(Kind::Root, start)];
        let nesting = Nesting::new(nesting);
        Grouper { builder, groups: Groups::default(), frames, target: None, nesting }
    }

    /// Reads the tokens of a statement; gives the parts of its right side.
    ///
    /// # Errors
    /// The nesting limit is passed: nothing more can be said. All other errors go to the builder.
    pub(crate) fn run(
        &mut self,
        tokens: impl Iterator<Item = Token<'i>>,
        end: u32,
    ) -> Result<Vec<Part<'i>>, Diagnostic> {
        for token in tokens {
            let span = self.builder.span(&token);
            self.count(token.as_rule(), span)?;
            self.token(token, span);
        }
        self.drop_conditions();
        let end = Span::new(end, end);
        self.end_part(end, End::Close);
        Ok(self.frames.pop().map(|root| root.parts).unwrap_or_default())
    }

    fn count(&mut self, rule: Rule, span: Span) -> Result<(), Diagnostic> {
        match rule {
            Rule::open_round | Rule::open_square | Rule::call | Rule::subscript => {
                self.nesting.open(span)
            }
            Rule::close_round | Rule::close_square => {
                self.nesting.close();
                Ok(())
            }
            _ => self.nesting.token(rule, span),
        }
    }

    fn token(&mut self, token: Token<'i>, span: Span) {
        match token.as_rule() {
            Rule::open_round => self.open(token, Kind::Round, span),
            Rule::open_square => self.open(token, Kind::Square, span),
            Rule::call => self.open(token, Kind::Call, span),
            Rule::subscript => self.open(token, Kind::Subscript, span),
            Rule::if_word => self.open(token, Kind::Condition, span),
            Rule::else_word => self.close_condition(span),
            Rule::close_round | Rule::close_square => self.close(span),
            Rule::comma => self.comma(span),
            Rule::colon => self.colon(span),
            Rule::assign | Rule::augmented => self.assign(token, span),
            Rule::EOI => {}
            _ => self.plain(token, span),
        }
    }

    /// A token of the current run, after a look at whether the language has it. Characters that it
    /// lacks are reported wherever they stand.
    fn plain(&mut self, token: Token<'i>, span: Span) {
        let inside = self.frames.len() > 1;
        let stray = role(token.as_rule()) == Role::Stray;
        match foreign::check(&token, span, inside) {
            Some((error, _)) if token.as_rule() == Rule::unknown => self.builder.report(error),
            Some((error, mutes)) => {
                self.report(error);
                self.frame().muted |= mutes;
            }
            None => {}
        }
        self.frame().muted |= stray;
        if !stray {
            self.frame().tokens.push(token);
        }
    }

    fn open(&mut self, token: Token<'i>, kind: Kind, span: Span) {
        let first = self.frame().kind == Kind::Subscript && self.frame().tokens.is_empty();
        let kind = if kind == Kind::Square && first { Kind::IndexList } else { kind };
        if kind == Kind::Condition && self.frame().kind == Kind::Condition {
            let open = self.frame().open;
            let message = "a conditional inside a condition needs brackets";
            let error = Diagnostic::new(Code::IncompleteConditional, message)
                .at(span, "second `if` before an `else`")
                .related(open, "this `if` waits for its `else`")
                .help("write `x if (a if b else c) else y`");
            self.report(error);
            self.frame().muted = true;
        }
        let muted = self.frame().muted;
        self.frame().tokens.push(token);
        self.frames.push(Frame { muted, ..Frame::new(kind, span) });
    }

    fn close(&mut self, span: Span) {
        self.drop_conditions();
        self.end_part(span, End::Close);
        // The scan has matched the brackets: the root stays.
        if self.frames.len() > 1
            && let Some(frame) = self.frames.pop()
        {
            let (open, muted) = (frame.open, frame.muted);
            let errors = self.builder.errors.len();
            let group = list::finish(frame, open.to(span), self.builder);
            if muted {
                self.builder.errors.truncate(errors);
            }
            self.groups.insert(open.start, group);
        }
    }

    fn close_condition(&mut self, span: Span) {
        if self.frame().kind != Kind::Condition {
            let error = Diagnostic::new(Code::IncompleteConditional, "`else` without an `if`")
                .at(span, "no `if` stands before this")
                .help("a conditional is written `x if c else y`");
            self.report(error);
            self.frame().muted = true;
            return;
        }
        self.end_run(span, End::Else);
        if let Some(frame) = self.frames.pop() {
            let test = match frame.runs.first() {
                Some(Run::Value(value)) => *value,
                Some(Run::Empty | Run::Ellipsis) | None => {
                    self.builder.leaf(Node::None, frame.open)
                }
            };
            self.groups.insert(frame.open.start, Group::Value(test));
        }
    }

    /// Reports the `if`s that got no `else` before a separator.
    fn drop_conditions(&mut self) {
        while self.frame().kind == Kind::Condition {
            let open = self.frame().open;
            let error = Diagnostic::new(Code::IncompleteConditional, "`if` without an `else`")
                .at(open, "this `if` has no `else`")
                .help("a conditional has three parts: `x if c else y`");
            self.report(error);
            self.frames.pop();
            self.frame().muted = true;
        }
    }

    fn comma(&mut self, span: Span) {
        self.drop_conditions();
        self.frame().comma = true;
        self.end_part(span, End::Comma);
    }

    fn colon(&mut self, span: Span) {
        self.drop_conditions();
        if self.frame().kind == Kind::Subscript {
            return self.end_run(span, End::Colon);
        }
        let error = Diagnostic::new(Code::UnexpectedToken, "`:` outside of a subscript")
            .at(span, "slices stand in square brackets only: `x[1:3]`");
        self.report(error);
        self.frame().muted = true;
    }

    fn assign(&mut self, token: Token<'i>, span: Span) {
        self.drop_conditions();
        let targeted = self.target.is_some();
        let frame = self.frame();
        let start = frame.parts.is_empty();
        let lone_name = matches!(&frame.tokens[..], [name] if name.as_rule() == Rule::name);
        let plain = token.as_rule() == Rule::assign;
        if frame.kind == Kind::Root && start && !targeted {
            let tokens = std::mem::take(&mut self.frame().tokens);
            self.frame().part_start = span.end;
            self.target = Some(Target { tokens, symbol: token });
        } else if frame.kind == Kind::Call && plain && lone_name && frame.keyword.is_none() {
            frame.keyword = frame.tokens.pop();
        } else {
            let error = foreign::assignment(&token, span, self.frame().kind, start);
            self.report(error);
            self.frame().muted = true;
        }
    }

    /// Ends a run and the part it is in.
    fn end_part(&mut self, separator: Span, end: End) {
        self.end_run(separator, end);
        let frame = self.frame();
        let span = Span::new(frame.part_start, separator.start);
        let keyword = frame.keyword.take();
        let runs = std::mem::take(&mut frame.runs);
        frame.part_start = separator.end;
        let blank = keyword.is_none() && matches!(runs[..], [Run::Empty]);
        // Nothing stands between the last comma, or the opening bracket, and the closing one.
        if blank && end == End::Close {
            return;
        }
        frame.parts.push(Part { keyword, runs, span });
    }

    fn end_run(&mut self, separator: Span, end: End) {
        let frame = self.frame();
        let tokens = std::mem::take(&mut frame.tokens);
        let (muted, keyword) = (frame.muted, frame.keyword.clone());
        let sliced = !frame.runs.is_empty();
        let run = match tokens.first() {
            None if (end.needs_value() && !sliced) || keyword.is_some() => {
                if !muted {
                    let error = missing(separator, end, self.frame(), keyword.as_ref());
                    self.builder.report(error);
                }
                Run::Value(self.builder.leaf(Node::None, separator))
            }
            None => Run::Empty,
            Some(token) if token.as_rule() == Rule::ellipsis && tokens.len() == 1 => Run::Ellipsis,
            Some(first) if muted => Run::Value(self.stand_in(first)),
            Some(_) => Run::Value(self.value(tokens)),
        };
        self.frame().runs.push(run);
    }

    fn stand_in(&mut self, token: &Token<'i>) -> Operand {
        let span = self.builder.span(token);
        self.builder.leaf(Node::None, span)
    }

    fn value(&mut self, tokens: Vec<Token<'i>>) -> Operand {
        if let Some(error) = expression::check(&tokens, &self.groups, self.builder) {
            let span = error.span().unwrap_or_default();
            return self.builder.fail(error, span);
        }
        if let Some(token) = tokens.iter().find(|token| foreign::is_foreign(token.as_rule())) {
            return self.stand_in(token);
        }
        expression::parse(tokens, &self.groups, self.builder)
    }

    /// Reports an error unless an earlier one has made the bracket meaningless.
    fn report(&mut self, error: Diagnostic) {
        if !self.frame().muted {
            self.builder.report(error);
        }
    }

    /// The innermost open bracket.
    fn frame(&mut self) -> &mut Frame<'i> {
        if self.frames.is_empty() {
            self.frames.push(Frame::new(Kind::Root, Span::default()));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }
}

/// What ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Comma,
    Colon,
    Else,
    Close,
}

impl End {
    fn needs_value(self) -> bool {
        matches!(self, End::Comma | End::Else)
    }
}

/// The error for a run without tokens.
fn missing(
    separator: Span,
    end: End,
    frame: &Frame<'_>,
    keyword: Option<&Token<'_>>,
) -> Diagnostic {
    if let Some(name) = keyword {
        let message = format!("expected a value after `{}=`", name.as_str());
        return Diagnostic::new(Code::MissingOperand, message)
            .at(separator, "expected a value here");
    }
    let what = if end == End::Else { "else" } else { "," };
    let error =
        Diagnostic::new(Code::MissingOperand, format!("expected a value before {}", quoted(what)))
            .at(separator, "expected a value before this");
    match end {
        End::Else => error.related(frame.open, "after this `if`"),
        End::Comma | End::Colon | End::Close => error,
    }
}

/// Stores the values of a tuple.
pub(crate) fn push_list(values: &[Operand], builder: &mut Builder) -> List<crate::ast::NodeId> {
    List::push(&mut builder.ast.node_lists, values.iter().map(|value| value.id))
}
