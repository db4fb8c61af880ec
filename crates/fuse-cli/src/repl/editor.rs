//! The line editor: what rustyline asks while a line is typed, answered from the session.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use fuse::{Color, Engine};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event,
    EventContext, EventHandler, Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::highlight::{INDENT, colored};
use super::history::LONGEST;
use super::input::{Need, lacks};
use super::session::Session;
use super::{complete, hint};
use crate::interrupt::begin_line;

/// The editor of a session.
pub(super) type Prompt = Editor<Assistant, FileHistory>;

/// Its settings.
pub(super) fn config(color: Color) -> rustyline::Result<Config> {
    let colors = match color {
        Color::Always => ColorMode::Enabled,
        Color::Never => ColorMode::Disabled,
    };
    Ok(Config::builder()
        .max_history_size(LONGEST)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .color_mode(colors)
        .build())
}

/// An editor with the session's names.
pub(super) fn editor(session: Rc<RefCell<Session>>, config: Config) -> rustyline::Result<Prompt> {
    let mut prompt = Prompt::with_config(config)?;
    let is_final = Cell::new(false);
    prompt.set_helper(Some(Assistant { session, checker: hint::checker(), is_final }));
    // What was typed before the prompt came has line feeds for the Enter key.
    for key in [KeyEvent(KeyCode::Enter, Modifiers::NONE), KeyEvent::ctrl('J')] {
        prompt.bind_sequence(key, EventHandler::Conditional(Box::new(Enter)));
    }
    Ok(prompt)
}

/// The Enter key: a text that goes on gets a line, indented to stand below the first one.
struct Enter;

impl ConditionalEventHandler for Enter {
    fn handle(
        &self,
        _: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let goes_on = lacks(context.line()) == Need::Line;
        goes_on.then(|| Cmd::Insert(1, format!("\n{INDENT}")))
    }
}

/// Answers the editor.
pub(super) struct Assistant {
    session: Rc<RefCell<Session>>,
    /// Checks the types of hints.
    checker: Option<Engine>,
    /// Is the line drawn for the last time?
    is_final: Cell<bool>,
}

impl Helper for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or(line);
        Ok(complete::candidates(&self.session.borrow(), before))
    }
}

/// A hint that no key takes over into the line.
pub(super) struct Shown(String);

impl Hint for Shown {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Shown;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<Shown> {
        let checker = self.checker.as_ref().filter(|_| at == line.len())?;
        hint::hint(&self.session.borrow(), checker, line).map(Shown)
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, at: usize) -> Cow<'l, str> {
        let cursor = (!self.is_final.get()).then_some(at);
        Cow::Owned(colored(&self.session.borrow(), line, cursor))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(format!("\x1b[1;34m{prompt}\x1b[0m"))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.is_final.set(kind == CmdKind::ForcedRefresh);
        true
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match lacks(context.input()) {
            Need::Nothing => {
                // The terminal still gives Ctrl-C as a key; from here on it stops what the line does.
                begin_line();
                ValidationResult::Valid(None)
            }
            Need::Line => ValidationResult::Incomplete,
            Need::Quote => {
                let message = "  # the text is open: end it with its quote";
                ValidationResult::Invalid(Some(message.to_string()))
            }
        })
    }
}
