//! `fuse repl`: a session on a terminal, or a script on standard input.
//!
//! ```text
//! terminal ─ editor ─ lines ─┐ input: which lines
//!                            ├─▶ belong together ─▶ Session ─┬─ command       :load, :vars, …
//! script ─── script ─ lines ─┘                               ├─ NAME = FORMULA
//!                                                            ├─ f(x) = FORMULA
//!   editor: complete, hint, highlight, history               └─ FORMULA       printed, kept as `_`
//! ```
//! On a terminal an error is printed and the session goes on; a script stops at the first one, with
//! exit code 1. Ctrl-C ends the evaluation that runs, not the session.

mod catalog;
mod command;
mod complete;
mod editor;
mod functions;
mod help;
mod highlight;
mod hint;
mod history;
mod input;
mod picture;
mod redirect;
mod script;
mod session;
mod settings;
mod timing;
mod words;

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _, stdin, stdout};
use std::rc::Rc;

use fuse::{Color, PrintOptions};
use rustyline::error::ReadlineError;

use crate::args::{Format, ReplArgs};
use crate::binding::{self, Source};
use crate::failure::Failure;
use crate::interrupt::begin_session;
use crate::print;
use crate::value::Access;
use editor::Prompt;
use history::Log;
use session::{Next, Session};
use settings::Settings;

/// As wide as the indentation of a line that goes on.
const PROMPT: &str = "fuse> ";

pub(crate) fn run(args: &ReplArgs, color: Color) -> Result<(), Failure> {
    let access = if args.no_mmap { Access::READ } else { Access::MAP };
    let interactive = stdin().is_terminal();
    let format = if interactive { Format::Numpy } else { print::default_format() };
    let settings = Settings {
        engine: args.engine.clone(),
        threads: args.threads.unwrap_or(0),
        format,
        print: PrintOptions::default(),
        color,
    };
    let mut session = Session::new(settings, access)?;
    for binding in binding::parse_all(&args.bindings)? {
        if matches!(binding.source, Source::Stdin) {
            let message = "standard input is the script, it cannot be a variable";
            return Err(Failure::Usage(message.to_string()));
        }
        session.load(&binding)?;
    }
    if interactive { converse(session, color) } else { script::run(&mut session, color) }
}

/// A session on a terminal.
fn converse(session: Session, color: Color) -> Result<(), Failure> {
    let session = Rc::new(RefCell::new(session));
    let config = editor::config(color).map_err(terminal_failure)?;
    let mut log = Log::open(&config);
    let mut prompt = editor::editor(Rc::clone(&session), config).map_err(terminal_failure)?;
    log.recall(&mut prompt);
    writeln!(stdout(), "fuse {}; :help shows what there is", env!("CARGO_PKG_VERSION"))?;
    begin_session();
    dialogue(&session, &mut prompt, &mut log, color)
}

fn dialogue(
    session: &RefCell<Session>,
    prompt: &mut Prompt,
    log: &mut Log,
    color: Color,
) -> Result<(), Failure> {
    loop {
        let text = match prompt.readline(PROMPT) {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(terminal_failure(error)),
        };
        history::remember(prompt, &text);
        log.append(&text);
        match session.borrow_mut().run_all(&text) {
            Ok(Next::Go) => {}
            Ok(Next::Quit) => return Ok(()),
            // Nobody reads what is printed.
            Err(Failure::Reported(0)) => return Err(Failure::Reported(0)),
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

#[cfg(test)]
mod tests {
    use fuse::{Array, Input};

    use super::*;
    use crate::args::EngineArgs;
    use crate::value::Value;

    /// x f64 (3,), m f32 (2, 3), the plain number k, n i64 4, and f(t) = t*t.
    pub(super) fn session() -> Session {
        let engine = EngineArgs { strict: false, backend: None, isa: None, device: None };
        let (format, print) = (Format::Numpy, PrintOptions::default());
        let settings = Settings { engine, threads: 1, format, print, color: Color::Never };
        let mut session = Session::new(settings, Access::READ).expect("an engine");
        let array = |array: Result<Array, fuse::Error>| Value::Array(array.expect("it fits"));
        session.set("x", array(Array::from_slice(&[1.0, 2.0, 3.0], &[3])));
        session.set("m", array(Array::from_slice(&[0.5_f32; 6], &[2, 3])));
        session.set("k", Value::Scalar(Input::weak_float(2.5)));
        session.set("n", array(Array::from_slice(&[4_i64], &[])));
        session.functions.define("f", "f(t) = t*t");
        session
    }

    /// What a formula gives after these lines.
    fn after(lines: &str, formula: &str) -> String {
        let mut session = session();
        session.run_all(lines).unwrap_or_else(|failure| panic!("{lines}: {failure:?}"));
        session.evaluate_one(formula).expect(formula).to_string()
    }

    #[test]
    fn assignments_bind_names() {
        assert_eq!(after("y = x + 1", "y"), "[2. 3. 4.]");
        assert_eq!(after("x += 1\nx **= 2", "x"), "[ 4.  9. 16.]");
        assert_eq!(after("a = 2; b = a*3", "a + b"), "8");
        assert_eq!(after("y=x == 2", "y"), "[False  True False]");
        assert_eq!(after("y = -x # a comment", "y"), "[-1. -2. -3.]");
        assert_eq!(after("c = 0.1", "m*c*0 + c"), after("", "m*0 + f32(0.1)"));
    }

    #[test]
    fn functions_are_kept() {
        assert_eq!(after("", "f(3)"), "9");
        assert_eq!(after("g(a, b) = f(a) + b\nf(t) = t", "g(3, 1)"), "4");
        assert_eq!(after("g(a) =\n a*x", "g(2)"), "[2. 4. 6.]");
        let failed = session().run("sum(a) = a").expect_err("a built-in function");
        assert!(matches!(failed, Failure::Formula(error) if error.code() == Some("E0208")));
    }

    #[test]
    fn names_in_programs_are_their_own() {
        assert_eq!(after("d = 5\nd = x*2; d", "d"), "5");
        assert_eq!(after("d = 5\nd = x*2; d", "_"), "[2. 4. 6.]");
    }

    #[test]
    fn the_last_result_is_kept() {
        assert_eq!(after("x*2, sum(x)", "_"), "6.0");
        assert_eq!(after("x*2\n_ + 1", "_"), "[3. 5. 7.]");
    }

    #[test]
    fn prompts_are_as_wide_as_the_indentation() {
        assert_eq!(PROMPT.len(), highlight::INDENT.len());
    }
}
