//! The pre-scan: one pass over the bytes, before any parser runs.
//!
//! It cuts the program into statements (at `;` and at line breaks outside of brackets), refuses
//! what is too long or too large, and reports what makes the rest unreadable: control characters,
//! open texts, unbalanced brackets. It knows no tokens beyond that.
//!
//! *Cost.* O(bytes) time, O(open brackets) memory, no recursion.
//!
//! *What is counted.* `joints`: operators, opening brackets, commas, attributes, statements.
//! `words`: names, numbers, texts; a valid program has at most one more of them than joints. So the
//! limit on both bounds the tokens that the grammar will make, valid program or not.

use crate::builder::MOST_ERRORS;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::limits::SyntaxLimits;
use crate::span::Span;

/// Cuts the source into the spans of its statements, blank ones left out.
///
/// # Errors
/// All lexical errors, or the first limit that is passed.
pub(crate) fn scan(source: &str, limits: &SyntaxLimits) -> Result<Vec<Span>, Vec<Diagnostic>> {
    check_length(source, limits)?;
    let mut scanner = Scanner::new(source, *limits);
    scanner.errors.extend(control_characters(source));
    match scanner.run() {
        Err(limit) => Err(vec![limit]),
        Ok(()) if scanner.errors.is_empty() => Ok(scanner.statements),
        Ok(()) => Err(scanner.errors),
    }
}

/// What a text lacks at its end.
pub(crate) enum Unfinished {
    /// A closing bracket.
    Bracket,
    /// The quote that ends the text which begins here.
    Text(usize),
    /// Nothing that could be added makes it a program.
    Wrong,
    /// Nothing that the scan knows of: these are its statements.
    Statements(Vec<Span>),
}

/// What a text lacks at its end.
pub(crate) fn unfinished(source: &str, limits: &SyntaxLimits) -> Unfinished {
    let mut scanner = Scanner::new(source, *limits);
    if check_length(source, limits).is_err() || scanner.read().is_err() {
        return Unfinished::Wrong;
    }
    match scanner.errors[..] {
        [] if !scanner.brackets.is_empty() => Unfinished::Bracket,
        [] => Unfinished::Statements(scanner.statements),
        [ref only] if only.code == Code::UnterminatedText => {
            let start = only.span().unwrap_or_default().range().start;
            let is_last_line = !source[start..].contains('\n');
            if is_last_line { Unfinished::Text(start) } else { Unfinished::Wrong }
        }
        _ => Unfinished::Wrong,
    }
}

fn check_length(source: &str, limits: &SyntaxLimits) -> Result<(), Vec<Diagnostic>> {
    if source.len() <= limits.source_bytes {
        return Ok(());
    }
    let message =
        format!("the formula is {} bytes long, the limit is {}", source.len(), limits.source_bytes);
    let last = (0..=limits.source_bytes).rev().find(|&at| source.is_char_boundary(at));
    let start = last.unwrap_or(0);
    let end = start + source[start..].chars().next().map_or(0, char::len_utf8);
    let span = Span::of(start..end);
    Err(vec![Diagnostic::new(Code::SourceTooLong, message).at(span, "the limit is reached here")])
}

fn control_characters(source: &str) -> impl Iterator<Item = Diagnostic> + '_ {
    let forbidden =
        |c: &(usize, char)| c.1.is_control() && !matches!(c.1, '\t' | '\n' | '\r' | '\u{c}');
    source.char_indices().filter(forbidden).take(MOST_ERRORS).map(|(at, character)| {
        let message = format!("control character U+{:04X} in the formula", u32::from(character));
        Diagnostic::new(Code::InvalidCharacter, message)
            .at(Span::of(at..at + character.len_utf8()), "remove this character")
    })
}

struct Scanner<'a> {
    source: &'a str,
    bytes: &'a [u8],
    limits: SyntaxLimits,
    at: usize,
    brackets: Vec<(u8, usize)>,
    /// Brackets that were reported as open; what would have closed them is no second error.
    forgiven: usize,
    joints: usize,
    words: usize,
    /// Where the current statement's first token stands.
    first: Option<usize>,
    /// Where the last token of the current statement ends.
    last: usize,
    statements: Vec<Span>,
    errors: Vec<Diagnostic>,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a str, limits: SyntaxLimits) -> Self {
        let at = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Scanner {
            source,
            bytes: source.as_bytes(),
            limits,
            at,
            brackets: Vec::new(),
            forgiven: 0,
            joints: 0,
            words: 0,
            first: None,
            last: at,
            statements: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Reads to the end, or to the first limit; reports what is open there.
    fn run(&mut self) -> Result<(), Diagnostic> {
        self.read()?;
        self.unclosed("end of the formula");
        Ok(())
    }

    fn read(&mut self) -> Result<(), Diagnostic> {
        while let Some(&byte) = self.bytes.get(self.at) {
            let start = self.at;
            match byte {
                b' ' | b'\t' | b'\r' | b'\x0c' => self.at += 1,
                b'#' => self.skip_while(|byte| byte != b'\n'),
                b'\n' if self.brackets.is_empty() => self.end_statement()?,
                b';' => self.semicolon()?,
                b'\n' => self.at += 1,
                b'\\' if self.continues_line() => self.skip_while(|byte| byte != b'\n'),
                _ => self.token(byte)?,
            }
            debug_assert!(self.at > start || byte == b'\\', "the scan moves on");
            if byte == b'\\' && self.bytes.get(self.at) == Some(&b'\n') {
                self.at += 1;
            }
        }
        self.end_statement()
    }

    /// Whether a line break follows the backslash.
    fn continues_line(&self) -> bool {
        let rest = &self.bytes[self.at + 1..];
        rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
    }

    fn token(&mut self, byte: u8) -> Result<(), Diagnostic> {
        self.first.get_or_insert(self.at);
        match byte {
            b'\'' | b'"' => self.text(byte)?,
            b'(' | b'[' => self.open(byte)?,
            b')' | b']' => self.close(byte),
            _ if is_word(byte) => self.word()?,
            b'.' => self.dot()?,
            _ => self.operator()?,
        }
        self.last = self.at;
        Ok(())
    }

    fn skip_while(&mut self, more: impl Fn(u8) -> bool) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|&byte| !more(byte)).unwrap_or(rest.len());
    }

    fn text(&mut self, quote: u8) -> Result<(), Diagnostic> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                Some(&byte) if byte == quote => break,
                Some(b'\\') if !matches!(self.bytes.get(self.at + 1), None | Some(b'\n')) => {
                    self.at += 2;
                }
                Some(b'\n') | None => {
                    self.unterminated(start);
                    return Ok(());
                }
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        self.count_word(Span::of(start..self.at))
    }

    fn unterminated(&mut self, start: usize) {
        let text = Span::of(start..start + 1);
        let message = "the text is not terminated on its line";
        let error = Diagnostic::new(Code::UnterminatedText, message)
            .at(text, "the text begins here")
            .help(format!("end the text with {}", quoted(text.slice(self.source))));
        self.report(error);
    }

    fn report(&mut self, error: Diagnostic) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(error);
        }
    }

    fn open(&mut self, byte: u8) -> Result<(), Diagnostic> {
        self.brackets.push((byte, self.at));
        let open = Span::of(self.at..self.at + 1);
        self.at += 1;
        if self.brackets.len() > self.limits.nesting {
            return Err(too_deep(open, self.limits.nesting));
        }
        self.joint(open)
    }

    fn close(&mut self, byte: u8) {
        let span = Span::of(self.at..self.at + 1);
        self.at += 1;
        let wanted = if byte == b')' { b'(' } else { b'[' };
        match self.brackets.pop() {
            Some((open, _)) if open == wanted => {}
            Some((open, at)) => {
                let closer = if open == b'(' { ")" } else { "]" };
                let found = span.slice(self.source);
                let message = format!("expected `{closer}`, found `{found}`");
                let error = Diagnostic::new(Code::UnbalancedBracket, message)
                    .at(span, format!("should be `{closer}`"))
                    .related(Span::of(at..at + 1), "to match this bracket");
                self.report(error);
            }
            None if self.forgiven > 0 => self.forgiven -= 1,
            None => {
                let message = format!("`{}` closes nothing", span.slice(self.source));
                let error = Diagnostic::new(Code::UnbalancedBracket, message)
                    .at(span, "no bracket is open here");
                self.report(error);
            }
        }
    }

    /// Reports the brackets that are open, the innermost first, and closes them.
    fn unclosed(&mut self, before: &str) {
        self.forgiven += self.brackets.len();
        for (open, at) in std::mem::take(&mut self.brackets).into_iter().rev().take(3) {
            let open = if open == b'(' { "(" } else { "[" };
            let message = format!("`{open}` is not closed before the {before}");
            let error = Diagnostic::new(Code::UnbalancedBracket, message)
                .at(Span::of(at..at + 1), "this bracket is open");
            self.report(error);
        }
    }

    fn word(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        self.skip_while(is_word);
        let span = Span::of(start..self.at);
        let text = span.slice(self.source);
        // Each other character may become a token of its own: an error, but one to be bounded.
        for _ in text.chars().filter(|&character| character != '_' && !character.is_alphanumeric())
        {
            self.joint(span)?;
        }
        match text {
            "and" | "or" | "not" | "if" | "else" => self.joint(span),
            _ => self.count_word(span),
        }
    }

    /// A dot begins a fraction, or an attribute, or three of them are an ellipsis.
    fn dot(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        let in_number = start > 0 && is_word(self.bytes[start - 1]);
        self.at += 1;
        let rest = self.bytes[self.at..].trim_ascii_start();
        match rest.first() {
            Some(byte) if !byte.is_ascii_digit() && is_word(*byte) => {
                self.joint(Span::of(start..start + 1))
            }
            Some(byte) if byte.is_ascii_digit() && in_number => {
                self.skip_while(is_word);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn operator(&mut self) -> Result<(), Diagnostic> {
        const DOUBLE: [&[u8]; 11] =
            [b"**", b"//", b"<<", b">>", b"<=", b">=", b"==", b"!=", b"&&", b"||", b":="];
        let rest = &self.bytes[self.at..];
        let len = if DOUBLE.iter().any(|symbol| rest.starts_with(symbol)) { 2 } else { 1 };
        let span = Span::of(self.at..self.at + len);
        self.at += len;
        self.joint(span)
    }

    fn count_word(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.words += 1;
        if self.words > self.limits.nodes.saturating_add(1) {
            return Err(too_many(span, self.limits.nodes));
        }
        Ok(())
    }

    fn joint(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.joints += 1;
        if self.joints > self.limits.nodes {
            return Err(too_many(span, self.limits.nodes));
        }
        Ok(())
    }

    fn semicolon(&mut self) -> Result<(), Diagnostic> {
        self.unclosed("`;`");
        self.end_statement()
    }

    /// Ends the statement before the separator under the cursor, if any token was seen.
    fn end_statement(&mut self) -> Result<(), Diagnostic> {
        let separator = Span::of(self.at..self.bytes.len().min(self.at + 1));
        self.at = separator.range().end;
        match self.first.take() {
            Some(first) => {
                self.statements.push(Span::of(first..self.last));
                self.joint(separator)
            }
            None => Ok(()),
        }
    }
}

/// Whether the byte is part of a name or a number; all of a character outside of ASCII is.
fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// The error for nesting deeper than `limit`, at the token that goes too deep.
pub(crate) fn too_deep(span: Span, limit: usize) -> Diagnostic {
    let message = format!("nesting is deeper than {limit} levels");
    Diagnostic::new(Code::NestingTooDeep, message)
        .at(span, "this is one level too deep")
        .note("brackets, signs, `not`, `**` and `else` count as levels")
        .help("bind inner parts to names: `t = ...; f(t)`")
}

fn too_many(span: Span, limit: usize) -> Diagnostic {
    let message = format!("the formula has more than {limit} operators, calls and commas");
    Diagnostic::new(Code::TooManyNodes, message).at(span, "the limit is passed here")
}
