//! What can go wrong, and the exit code of each.
//!
//! Messages are an error, one line, and where it is known what to do, a line `  = help: …`, as
//! diagnostics of formulas have it. Lines are cut where they are very long.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use fuse::{Color, ErrorKind};

use crate::{suggest, text};

/// All exit codes and what they mean: what manual pages and `docs/cli.md` show.
pub(crate) const EXIT_CODES: [(u8, &str); 4] = [
    (0, "done; also when the reader of a pipe went away"),
    (RUN, "the run failed: files, memory, a back end, a device"),
    (USAGE, "a mistake in the command line or in the formula: names, types, arity, shapes"),
    (INTERRUPTED, "interrupted"),
];

/// Exit code of a failed run.
pub(crate) const RUN: u8 = 1;

/// Exit code of a mistake in the command line or the formula.
pub(crate) const USAGE: u8 = 2;

/// Exit code after Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// What to do where a device cannot do what it is asked.
pub(crate) const ON_CPU: &str = "leave `--backend cuda` away to run on the CPU";

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong; one line.
    Usage(String),
    /// The command line is wrong, and this is what to write instead: two lines.
    Corrected { message: String, help: String },
    /// The run failed; one line.
    Run(String),
    /// A formula failed.
    Formula(fuse::Error),
    /// The run failed, and this is what to do: two lines.
    Advised { message: String, help: &'static str },
    /// A file failed.
    File(fuse_npy::Error),
    /// All has been said already.
    Reported(u8),
}

impl Failure {
    /// Says on standard error what went wrong, and gives the exit code.
    pub(crate) fn report(&self, color: Color) -> ExitCode {
        if let Some(message) = self.message(color) {
            eprintln!("{message}");
        }
        ExitCode::from(self.code())
    }

    /// What to print, if anything.
    pub(crate) fn message(&self, color: Color) -> Option<String> {
        match self {
            Failure::Usage(message) | Failure::Run(message) => Some(said(message)),
            Failure::Corrected { message, help } => Some(advised(message, help)),
            Failure::Formula(error) if error.kind() == ErrorKind::Cancelled => {
                Some("interrupted".to_string())
            }
            Failure::Formula(error) if error.is_of_device() => Some(advised(error, ON_CPU)),
            Failure::Formula(error) => Some(error.render_with(color)),
            Failure::Advised { message, help } => Some(advised(message, help)),
            Failure::File(_) if self.is_broken_pipe() => None,
            Failure::File(error) => Some(match suggest::near_file(error) {
                Some(help) => advised(error, &help),
                None => said(error),
            }),
            Failure::Reported(_) => None,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::Corrected { .. } => USAGE,
            Failure::Run(_) | Failure::Advised { .. } => RUN,
            Failure::Formula(error) if error.is_of_device() => RUN,
            Failure::Formula(error) => formula_code(error.kind()),
            Failure::File(_) if self.is_broken_pipe() => 0,
            Failure::File(_) => RUN,
            Failure::Reported(code) => *code,
        }
    }

    fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::File(error) if error.io_kind() == Some(io::ErrorKind::BrokenPipe))
    }
}

/// A message.
pub(crate) fn said(message: impl Display) -> String {
    format!("error: {}", text::shortened(&message.to_string()))
}

/// A message and its help, as diagnostics have them.
pub(crate) fn advised(message: impl Display, help: &str) -> String {
    format!("{}\n  = help: {help}", said(message))
}

fn formula_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Syntax
        | ErrorKind::Name
        | ErrorKind::Type
        | ErrorKind::Shape
        | ErrorKind::Limit
        | ErrorKind::Unsupported => USAGE,
        ErrorKind::Cancelled => INTERRUPTED,
        _ => RUN,
    }
}

impl From<fuse::Error> for Failure {
    fn from(error: fuse::Error) -> Failure {
        Failure::Formula(error)
    }
}

impl From<fuse_npy::Error> for Failure {
    fn from(error: fuse_npy::Error) -> Failure {
        Failure::File(error)
    }
}

impl From<io::Error> for Failure {
    /// From writing to standard output: the only stream that commands write to directly.
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Reported(0),
            _ => Failure::File(fuse_npy::Error::Io {
                path: "standard output".into(),
                action: "write",
                source: error,
            }),
        }
    }
}
