//! Diagnostics as text with carets, through `annotate-snippets`.
//!
//! ```text
//! error[E0102]: expected a value after `+`, found `*`
//!  --> formula:1:5
//!   |
//! 1 | a + * b
//!   |   - ^ expected a value here
//!   |   |
//!   |   after this operator
//! ```
//!
//! The renderer sees only the lines that labels touch, and of long lines only the part around them, so that
//! an error in a 1 MiB formula costs as much as in a short one and prints as little. Control
//! and direction characters of the source are shown as pictures (the renderer does that).

use crate::diagnostic::Diagnostic;
use crate::span::{Span, index};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;

/// Whether rendered text holds ANSI colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Plain text.
    #[default]
    Never,
    /// With escape sequences.
    Always,
}

/// Columns kept on either side of a label in a long line.
const MARGIN: usize = 60;

/// Most labels and lines of help that are drawn.
const MOST: usize = 8;

impl Diagnostic {
    /// Draws the source with carets under the labels. `source` is the text that was parsed; with
    /// another text the labels point at the wrong places, but nothing fails.
    pub fn render(&self, source: &str, color: Color) -> String {
        let renderer = match color {
            Color::Never => Renderer::plain(),
            Color::Always => Renderer::styled(),
        };
        let title = Level::ERROR.primary_title(self.message.as_str()).id(self.code.number());
        let group = title.elements(self.snippets(source));
        let notes = self.notes.iter().take(MOST).map(|note| Level::NOTE.message(note.as_str()));
        let help = self.help.iter().take(MOST).map(|help| Level::HELP.message(help.as_str()));
        let group: Group<'_> = group.elements(notes).elements(help);
        renderer.render(&[group])
    }

    /// One snippet for each line that labels touch, with its labels.
    fn snippets<'a>(
        &'a self,
        source: &'a str,
    ) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let mut excerpts: Vec<Excerpt> = Vec::new();
        let labels = self.labels.iter().take(MOST);
        let spans: Vec<_> = labels.clone().map(|label| clamped(label.span, source)).collect();
        for span in &spans {
            let excerpt = Excerpt::around(span, source);
            match excerpts.iter_mut().find(|other| other.line == excerpt.line) {
                Some(other) => other.join(&excerpt),
                None => excerpts.push(excerpt),
            }
        }
        let snippet = |excerpt: &Excerpt| {
            let annotations = labels.clone().zip(&spans).filter_map(|(label, span)| {
                let kind =
                    if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
                let text = Some(label.text.as_str()).filter(|text| !text.is_empty());
                let span = excerpt.relative(span)?;
                Some(kind.span(span).label(text))
            });
            Snippet::source(&source[excerpt.range.clone()])
                .path("formula")
                .line_start(excerpt.line)
                .annotations(annotations.collect::<Vec<_>>())
        };
        excerpts.iter().map(snippet).collect()
    }
}

/// A piece of one line of the source.
struct Excerpt {
    /// Counted from 1.
    line: usize,
    range: Range<usize>,
}

impl Excerpt {
    /// The line in which the span starts, cut to what lies around it.
    fn around(span: &Range<usize>, source: &str) -> Excerpt {
        let before = &source[..span.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[span.start..].find('\n').map_or(source.len(), |at| span.start + at);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let start = line_start.max(boundary(source, span.start.saturating_sub(MARGIN)));
        let shown = span.end.min(span.start + MARGIN);
        let end = line_end.min(boundary(source, shown.saturating_add(MARGIN)));
        Excerpt { line, range: start..end.max(start) }
    }

    /// Covers another excerpt of the line as well, if that does not make it long.
    fn join(&mut self, other: &Excerpt) {
        let joined = self.range.start.min(other.range.start)..self.range.end.max(other.range.end);
        if joined.len() <= 6 * MARGIN {
            self.range = joined;
        }
    }

    /// The span within the excerpt, if it begins there.
    fn relative(&self, span: &Range<usize>) -> Option<Range<usize>> {
        let inside = self.range.start <= span.start && span.start <= self.range.end;
        let start = span.start.checked_sub(self.range.start)?;
        let end = span.end.min(self.range.end) - self.range.start.min(span.end);
        inside.then_some(start..end.max(start))
    }
}

/// The span cut to the text and to character boundaries.
fn clamped(span: Span, source: &str) -> Range<usize> {
    let start = boundary(source, index(span.start));
    start..boundary(source, index(span.end)).max(start)
}

/// The last character boundary at or before `at`.
fn boundary(source: &str, at: usize) -> usize {
    let at = at.min(source.len());
    (0..=at).rev().find(|&at| source.is_char_boundary(at)).unwrap_or(0)
}
