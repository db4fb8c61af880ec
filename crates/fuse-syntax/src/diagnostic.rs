//! Diagnostics: what is wrong, where, and what to write instead.
//!
//! Every stage of the compiler reports with the one type defined here. A message is one lower-case
//! line without a final period that names the thing and says what was expected; labels point at the source;
//! notes give the rule, help gives the fix. Text taken from the user is escaped by
//! [`quoted`] before it enters a message; where some enters as it is, it is escaped when it is taken into the
//! diagnostic.

use crate::code::Code;
use crate::span::Span;
use std::fmt;

/// One error in a formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its row in the table of codes.
    pub code: Code,
    /// One lower-case line without a final period.
    pub message: String,
    /// Places in the source, the primary one first; empty where no place is to blame.
    pub labels: Vec<Label>,
    /// Rules that explain the error.
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: Vec<String>,
}

/// A place in the source and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What to write beside the carets; may be empty.
    pub text: String,
    /// Whether this is where the error is (`^^^`) rather than what it relates to (`---`).
    pub primary: bool,
}

impl Diagnostic {
    /// An error with its message; add places with the methods below.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let (labels, notes, help) = (Vec::new(), Vec::new(), Vec::new());
        Diagnostic { code, message: escaped(message), labels, notes, help }
    }

    /// Points at the place of the error (carets).
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: escaped(text), primary: true });
        self
    }

    /// Points at a place that the error relates to (dashes).
    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: escaped(text), primary: false });
        self
    }

    /// Adds the rule that explains the error.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(escaped(text));
        self
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(escaped(text));
        self
    }

    /// The first primary place, else the first place.
    pub fn span(&self) -> Option<Span> {
        let primary = self.labels.iter().find(|label| label.primary);
        primary.or(self.labels.first()).map(|label| label.span)
    }
}

/// The message: one line, without code and source.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// The text with control and invisible characters escaped, but for line breaks.
fn escaped(text: impl Into<String>) -> String {
    let text = text.into();
    let is_shown = |character: char| {
        matches!(character, '"' | '\'' | '\\' | '\n') || character.escape_debug().len() == 1
    };
    if text.chars().all(is_shown) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_shown(character) {
            out.push(character);
        } else {
            out.extend(character.escape_debug());
        }
    }
    out
}

/// User text made fit for a message: in backquotes, control and invisible characters escaped, cut
/// to 40 characters.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut out = String::from("`");
    for (position, character) in text.chars().enumerate() {
        if position == LONGEST {
            out.push('…');
            break;
        }
        match character {
            '"' | '\'' | '\\' => out.push(character),
            _ => out.extend(character.escape_debug()),
        }
    }
    out.push('`');
    out
}
