//! The `fuse` command.
//!
//! ```text
//! argv ─ argv ─▶ args ─▶ main ─┬─ eval     binding ─▶ value ─▶ fuse ─▶ print | save
//!                              ├─ check, explain, bench     binding ─▶ signature ─▶ fuse
//!                              ├─ plot     … fuse ─▶ figure ─▶ terminal | svg
//!                              ├─ info, completions, man
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
mod codes;
mod describe;
mod engine;
mod eval;
mod explain;
mod failure;
mod formula;
mod gpu;
mod info;
mod interrupt;
mod map;
mod number;
mod paging;
mod plot;
mod print;
#[cfg(test)]
mod reference;
mod repl;
mod save;
mod shell;
mod sigbus;
mod signature;
mod suggest;
mod text;
mod usage;
mod value;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::args::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("internal error: {panic}\nThis is a bug in fuse: please report it.");
    }));
    std::panic::catch_unwind(start).unwrap_or(ExitCode::FAILURE)
}

fn start() -> ExitCode {
    let argv = argv::with_protected_formula(std::env::args_os());
    let mut table = Arguments::command().color(text::help_color(argv::color(&argv)));
    let parsed = table.try_get_matches_from_mut(&argv);
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => return usage::report(&error, &argv, &table),
    };
    interrupt::install();
    sigbus::install();
    let color = text::error_color(arguments.color);
    match run(&arguments, color) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(color),
    }
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
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::man(args),
    }
}
