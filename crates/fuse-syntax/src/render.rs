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
//! and direction characters of the source are shown as pictures: the renderer does that for those of ASCII
//! and for directions, `printable` for U+0080 to U+009F, which some terminals obey as well.

use crate::diagnostic::{Diagnostic, Label};
use crate::span::{Span, index};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
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

/// Stands for what was left out of a long line.
const CUT: &str = "…";

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
        let (place, snippets) = self.snippets(source);
        let notes = self.notes.iter().take(MOST).map(|note| Level::NOTE.message(note.as_str()));
        let help = self.help.iter().take(MOST).map(|help| Level::HELP.message(help.as_str()));
        let group: Group<'_> =
            title.elements(place).elements(snippets).elements(notes).elements(help);
        renderer.render(&[group])
    }

    /// One snippet for each line that labels touch, with its labels; and the place of the error if
    /// its line was cut, since the renderer would count columns from the cut.
    fn snippets<'a>(
        &'a self,
        source: &'a str,
    ) -> (Option<Origin<'static>>, Vec<Snippet<'a, Annotation<'a>>>) {
        let clamp = |label: &'a Label| (label, clamped(label.span, source));
        let labels: Vec<_> = self.labels.iter().take(MOST).map(clamp).collect();
        let mut excerpts: Vec<Excerpt> = Vec::new();
        for (_, span) in &labels {
            let excerpt = Excerpt::around(span, source);
            match excerpts.iter_mut().find(|other| other.line.start == excerpt.line.start) {
                Some(other) => other.join(&excerpt),
                None => excerpts.push(excerpt),
            }
        }
        let cut = excerpts.iter().any(|excerpt| excerpt.line.start < excerpt.shown.start);
        let place = self.span().filter(|_| cut);
        let place = place.map(|span| origin(clamped(span, source).start, source));
        let path = if cut { None } else { Some("formula") };
        let snippet = |excerpt: &Excerpt| excerpt.snippet(&labels, source).path(path);
        (place, excerpts.iter().map(snippet).collect())
    }
}

/// The name of the text, line and column.
fn origin(at: usize, source: &str) -> Origin<'static> {
    let line_start = source[..at].rfind('\n').map_or(0, |at| at + 1);
    let column = source[line_start..at].chars().count() + 1;
    Origin::path("formula").line(line_number(at, source)).char_column(column)
}

/// The line of a byte, counted from 1.
fn line_number(at: usize, source: &str) -> usize {
    source[..at].bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// A piece of one line of the source.
struct Excerpt {
    line: Range<usize>,
    shown: Range<usize>,
}

impl Excerpt {
    /// The line in which the span starts, cut to what lies around it.
    fn around(span: &Range<usize>, source: &str) -> Excerpt {
        let line_start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[span.start..].find('\n').map_or(source.len(), |at| span.start + at);
        let start = line_start.max(boundary(source, span.start.saturating_sub(MARGIN)));
        let last = span.end.min(span.start + MARGIN);
        let end = line_end.min(boundary(source, last.saturating_add(MARGIN))).max(start);
        Excerpt { line: line_start..line_end, shown: start..end }
    }

    /// Shows another excerpt of the line as well, if that does not make it long.
    fn join(&mut self, other: &Excerpt) {
        let start = self.shown.start.min(other.shown.start);
        let end = self.shown.end.max(other.shown.end);
        if end - start <= 6 * MARGIN {
            self.shown = start..end;
        }
    }

    fn snippet<'a>(
        &self,
        labels: &[(&'a Label, Range<usize>)],
        source: &'a str,
    ) -> Snippet<'a, Annotation<'a>> {
        let before = if self.line.start < self.shown.start { CUT } else { "" };
        let after = if self.shown.end < self.line.end { CUT } else { "" };
        let text = printable([before, &source[self.shown.clone()], after].concat());
        let annotations = labels.iter().filter_map(|(label, span)| {
            let kind =
                if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let inside = self.shown.start <= span.start && span.start <= self.shown.end;
            let end = span.end.min(self.shown.end).max(span.start);
            let shift = |at: usize| at - self.shown.start + before.len();
            let text = Some(label.text.as_str()).filter(|text| !text.is_empty());
            inside.then(|| kind.span(shift(span.start)..shift(end)).label(text))
        });
        let annotations: Vec<_> = annotations.collect();
        Snippet::source(text)
            .line_start(line_number(self.shown.start, source))
            .annotations(annotations)
    }
}

/// The text without control characters beyond ASCII and marks that nobody sees; what stands for them has as many
/// bytes, so that labels stay where they are.
fn printable(text: String) -> String {
    const CONTROL: &str = "\u{a4}";
    const MARK: &str = "\u{fffd}";
    let is_control = |character: char| ('\u{80}'..='\u{9f}').contains(&character);
    let is_mark = |character: char| character == '\u{feff}';
    let text = if text.contains(is_control) { text.replace(is_control, CONTROL) } else { text };
    if text.contains(is_mark) { text.replace(is_mark, MARK) } else { text }
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
