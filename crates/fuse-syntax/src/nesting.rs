//! How deep the Pratt parser will have to go, counted exactly over the tokens before it runs.
//!
//! Pending at a token are: every open bracket, and within each of them the signs and `**` since the
//! last looser operator, the `not`s since the last `and` or `or`, and the `else`s since the bracket began.
//! That is the depth of the tree at this place.

use crate::diagnostic::Diagnostic;
use crate::precedence::Rule;
use crate::scan::too_deep;
use crate::span::Span;

/// What is pending within one bracket.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    tight: usize,
    nots: usize,
    branches: usize,
}

/// The counter.
#[derive(Debug)]
pub(crate) struct Nesting {
    levels: Vec<Pending>,
    depth: usize,
    limit: usize,
}

impl Nesting {
    pub(crate) fn new(limit: usize) -> Self {
        Nesting { levels: vec![Pending::default()], depth: 0, limit }
    }

    /// Counts a token that neither opens nor closes a bracket.
    ///
    /// # Errors
    /// The limit is passed.
    pub(crate) fn token(&mut self, rule: Rule, span: Span) -> Result<(), Diagnostic> {
        let mut pending = self.levels.pop().unwrap_or_default();
        self.depth -= pending.tight + pending.nots + pending.branches;
        match rule {
            Rule::negate | Rule::plus | Rule::invert | Rule::bang | Rule::power => {
                pending.tight += 1;
            }
            Rule::not => pending.nots += 1,
            Rule::and | Rule::or => pending = Pending { tight: 0, nots: 0, ..pending },
            Rule::if_word => {
                pending = Pending { tight: 0, nots: 0, branches: pending.branches + 1 };
            }
            Rule::comma | Rule::colon | Rule::assign => pending = Pending::default(),
            _ if crate::precedence::role(rule) == crate::precedence::Role::Infix => {
                pending.tight = 0;
            }
            _ => {}
        }
        self.depth += pending.tight + pending.nots + pending.branches;
        self.levels.push(pending);
        self.check(span)
    }

    /// Counts an opening bracket.
    ///
    /// # Errors
    /// The limit is passed.
    pub(crate) fn open(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.depth += 1;
        self.levels.push(Pending::default());
        self.check(span)
    }

    /// Counts a closing bracket.
    pub(crate) fn close(&mut self) {
        if let Some(pending) = self.levels.pop() {
            self.depth -= 1 + pending.tight + pending.nots + pending.branches;
        }
    }

    fn check(&self, span: Span) -> Result<(), Diagnostic> {
        if self.depth > self.limit { Err(too_deep(span, self.limit)) } else { Ok(()) }
    }
}
