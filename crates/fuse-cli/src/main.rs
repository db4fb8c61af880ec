//! The `fuse` command.
//!
//! ```text
//! argv ─ argv ─▶ args ─▶ main ─┬─ eval     binding ─▶ value ─▶ fuse ─▶ print | save
//!                              ├─ check, explain, bench     binding ─▶ signature ─▶ fuse
//!                              ├─ plot     … fuse ─▶ figure ─▶ terminal | svg
//!                              ├─ info
//!                              └─ repl
//! ```
//!
//! * Data go to standard output, everything else to standard error.
//! * Every command returns `Result<(), Failure>`; [`failure::Failure`] alone knows the exit codes.
//! * This is the only crate that prints, exits, and reads arguments or the environment.

#![deny(unsafe_code)]
#![expect(clippy::print_stderr, reason = "a command says on standard error what went wrong")]

mod args;
mod argv;
mod bench;
mod binding;
mod check;
mod engine;
mod eval;
mod explain;
mod failure;
mod gpu;
mod info;
mod interrupt;
mod map;
mod number;
mod plot;
mod print;
mod repl;
mod save;
mod signature;
mod text;
mod value;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("internal error: {panic}\nThis is a bug in fuse: please report it.");
    }));
    std::panic::catch_unwind(start).unwrap_or(ExitCode::FAILURE)
}

fn start() -> ExitCode {
    let arguments = argv::with_protected_formula(std::env::args_os());
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    interrupt::install();
    let color = text::error_color(arguments.color);
    match run(&arguments, color) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(color),
    }
}

/// Prints what clap has to say: an error, or the help that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    // A pipe that nobody reads is no error.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(failure::USAGE) } else { ExitCode::SUCCESS }
}

fn run(arguments: &Arguments, color: fuse::Color) -> Result<(), Failure> {
    match &arguments.command {
        Command::Eval(args) => eval::run(args),
        Command::Check(args) => check::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Plot(args) => plot::run(args, text::output_color(arguments.color)),
        Command::Info(args) => info::run(args),
        Command::Repl(args) => repl::run(args, color),
    }
}
