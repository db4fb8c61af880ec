//! `fuse repl`: a session on a terminal, or a script on standard input.
//!
//! ```text
//! terminal ─ rustyline ─┐
//! script   ─ lines ─────┴▶ Session::line ─┬─ command   :load, :vars, …
//!                                         ├─ name = formula
//!                                         └─ formula     printed, and kept as `_`
//! ```
//! On a terminal an error is printed and the session goes on; a script stops at the first one, with
//! exit code 1. Ctrl-C ends the evaluation that runs, not the session.

mod command;
mod session;

use std::io::{BufRead as _, IsTerminal as _, Write as _, stdin, stdout};
use std::path::PathBuf;

use fuse::Color;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};

use crate::args::{Format, ReplArgs};
use crate::binding::{self, Source};
use crate::failure::{Failure, INTERRUPTED, RUN};
use crate::interrupt::begin_session;
use crate::{engine, print};
use session::{Next, Session};

pub(crate) fn run(args: &ReplArgs, color: Color) -> Result<(), Failure> {
    let engine = engine::build(&args.engine, args.threads.unwrap_or(0))?;
    let access = if args.no_mmap { crate::value::Access::Read } else { crate::value::Access::Map };
    let interactive = stdin().is_terminal();
    let format = if interactive { Format::Numpy } else { print::default_format() };
    let mut session = Session::new(engine, access, format);
    for binding in binding::parse_all(&args.bindings)? {
        if matches!(binding.source, Source::Stdin) {
            let message = "standard input is the script, it cannot be a variable";
            return Err(Failure::Usage(message.to_string()));
        }
        session.load(&binding)?;
    }
    if interactive { converse(&mut session, color) } else { run_script(&mut session, color) }
}

/// Lines of standard input, until one fails.
fn run_script(session: &mut Session, color: Color) -> Result<(), Failure> {
    for (index, line) in stdin().lock().lines().enumerate() {
        let line = line.map_err(|error| Failure::Run(format!("standard input: {error}")))?;
        match session.line(&line) {
            Ok(Next::Go) => {}
            Ok(Next::Quit) => break,
            Err(failure) => return Err(script_failure(failure, index + 1, color)),
        }
    }
    Ok(())
}

/// Says what is wrong with a line.
fn script_failure(failure: Failure, line: usize, color: Color) -> Failure {
    if let Failure::Reported(_) = failure {
        return failure;
    }
    let is_interrupt = matches!(
        &failure, Failure::Formula(error) if error.kind() == fuse::ErrorKind::Cancelled
    );
    if let Some(message) = failure.message(color) {
        eprintln!("{message}\nin line {line} of the script");
    }
    Failure::Reported(if is_interrupt { INTERRUPTED } else { RUN })
}

type Prompt = Editor<(), FileHistory>;

/// A session on a terminal.
fn converse(session: &mut Session, color: Color) -> Result<(), Failure> {
    let config = Config::builder().auto_add_history(true).build();
    let mut prompt = Prompt::with_config(config).map_err(terminal_failure)?;
    let history = history_file();
    if let Some(path) = &history {
        // The first session has none.
        let _ = prompt.load_history(path);
    }
    writeln!(stdout(), "fuse {}; :help shows what there is", env!("CARGO_PKG_VERSION"))?;
    begin_session();
    dialogue(session, &mut prompt, history, color)
}

fn dialogue(
    session: &mut Session,
    prompt: &mut Prompt,
    mut history: Option<PathBuf>,
    color: Color,
) -> Result<(), Failure> {
    loop {
        let line = match prompt.readline("fuse> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(terminal_failure(error)),
        };
        if let Some(path) = &history
            && let Err(error) = prompt.append_history(path)
        {
            eprintln!("note: the history cannot be kept: {error}");
            history = None;
        }
        match session.line(&line) {
            Ok(Next::Go) => {}
            Ok(Next::Quit) => return Ok(()),
            Err(Failure::Reported(INTERRUPTED)) => eprintln!("interrupted"),
            Err(Failure::Reported(code)) => return Err(Failure::Reported(code)),
            Err(failure) => {
                if let Some(message) = failure.message(color) {
                    eprintln!("{message}");
                }
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn terminal_failure(error: ReadlineError) -> Failure {
    Failure::Run(format!("the terminal: {error}"))
}

/// `$XDG_STATE_HOME/fuse/history`, by default below `~/.local/state`; its folder is made.
fn history_file() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(absolute);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let folder = state.or_else(home)?.join("fuse");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}
