//! Scripts: standard input that is no terminal, and `:source FILE`.
//!
//! No prompt, the same constructs as on a terminal; the first error ends the script, and is said with its
//! place. A script that another one sources adds a line for each level.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::Path;

use fuse::Color;
use fuse_npy::escape_path;

use super::input::Construct;
use super::session::{Next, Session};
use crate::failure::{Failure, INTERRUPTED, RUN};
use crate::interrupt::has_come;

/// Most scripts that source each other.
const DEEPEST: usize = 8;

/// Most bytes of a script file.
const LARGEST: u64 = 16 << 20;

/// Runs the script on standard input.
pub(super) fn run(session: &mut Session, color: Color) -> Result<(), Failure> {
    lines(session, stdin().lock(), "standard input", "the script", color).map(|_| ())
}

/// Runs the script in a file.
pub(super) fn source(session: &mut Session, path: &Path, color: Color) -> Result<Next, Failure> {
    let name = escape_path(path);
    if session.depth >= DEEPEST {
        let message = format!("{name}: scripts source each other more than {DEEPEST} deep");
        return Err(Failure::Run(message));
    }
    let cannot = |what: &str| Failure::Run(format!("{name}: {what}"));
    let file = File::open(path).map_err(|error| cannot(&format!("cannot open: {error}")))?;
    let about = file.metadata().map_err(|error| cannot(&format!("cannot read: {error}")))?;
    if !about.is_file() {
        return Err(cannot("not a file"));
    }
    if about.len() > LARGEST {
        return Err(cannot("too large for a script, more than 16 MiB"));
    }
    session.depth += 1;
    let result = lines(session, BufReader::new(file), &name, &name, color);
    session.depth -= 1;
    result
}

/// Lines until one fails; `reader` is called `input` in messages, and the script `script`.
fn lines(
    session: &mut Session,
    reader: impl BufRead,
    input: &str,
    script: &str,
    color: Color,
) -> Result<Next, Failure> {
    let mut construct = Construct::default();
    let mut first = 0;
    for (index, line) in reader.lines().enumerate() {
        let line = line.map_err(|error| Failure::Run(format!("{input}: {error}")))?;
        if !construct.is_open() {
            first = index + 1;
        }
        let Some(text) = construct.push(&line) else { continue };
        if run_one(session, &text, (first, script), color)? == Next::Quit {
            return Ok(Next::Quit);
        }
    }
    match construct.finish() {
        Some(text) => run_one(session, &text, (first, script), color),
        None => Ok(Next::Go),
    }
}

fn run_one(
    session: &mut Session,
    text: &str,
    (line, script): (usize, &str),
    color: Color,
) -> Result<Next, Failure> {
    let next = session.run(text).map_err(|failure| said(&failure, line, script, color))?;
    if has_come() {
        eprintln!("interrupted");
        return Err(said(&Failure::Reported(INTERRUPTED), line, script, color));
    }
    Ok(next)
}

/// Says what is wrong with a construct.
fn said(failure: &Failure, line: usize, script: &str, color: Color) -> Failure {
    if let Some(message) = failure.message(color) {
        eprintln!("{message}");
    }
    let code = match failure {
        Failure::Reported(code) => *code,
        Failure::Formula(error) if error.kind() == fuse::ErrorKind::Cancelled => INTERRUPTED,
        Failure::Usage(_)
        | Failure::Corrected { .. }
        | Failure::Run(_)
        | Failure::Formula(_)
        | Failure::Advised { .. }
        | Failure::File(_) => RUN,
    };
    // Nobody reads any more: nothing to be said.
    if code != 0 {
        eprintln!("in line {line} of {script}");
    }
    Failure::Reported(code)
}
