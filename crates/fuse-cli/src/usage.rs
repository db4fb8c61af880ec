//! Mistakes in the command line, in the words of this command rather than clap's.
//!
//! ```text
//! error: unknown command `evla`
//!   = help: did you mean `eval`?
//! ```
//! Clap finds the mistake; what it knows of it is its context, from which the message is made. What
//! it says of other mistakes is kept, as one line.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::failure::{USAGE, advised};
use crate::suggest::did_you_mean;
use crate::text::quoted;

/// Prints what clap has to say: an error, or the help that was asked for.
pub(crate) fn report(error: &clap::Error, argv: &[OsString], arguments: &Command) -> ExitCode {
    if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        eprintln!("{}", message(error, argv, arguments));
        return ExitCode::from(USAGE);
    }
    // A pipe that nobody reads is no error.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Two lines: what is wrong, and what to do.
fn message(error: &clap::Error, argv: &[OsString], arguments: &Command) -> String {
    let command = argv.iter().skip(1).find_map(|word| arguments.find_subcommand(word));
    let more = match command {
        Some(command) => format!("`fuse {} -h` shows how it is called", command.get_name()),
        None => "`fuse -h` lists the commands".to_string(),
    };
    let (message, near) = match error.kind() {
        ErrorKind::InvalidSubcommand => unknown_command(error, arguments),
        ErrorKind::UnknownArgument => unknown_argument(error, arguments, command),
        ErrorKind::InvalidValue => unknown_value(error),
        _ => (first_paragraph(error), None),
    };
    advised(message, &near.unwrap_or(more))
}

/// A message, and what may have been meant.
type Suggestion = (String, Option<String>);

fn unknown_command(error: &clap::Error, arguments: &Command) -> Suggestion {
    let word = text(error, ContextKind::InvalidSubcommand);
    let near = did_you_mean(&word, arguments.get_subcommands().map(Command::get_name));
    (format!("unknown command {}", quoted(OsStr::new(&word))), near)
}

fn unknown_argument(
    error: &clap::Error,
    arguments: &Command,
    command: Option<&Command>,
) -> Suggestion {
    let argument = text(error, ContextKind::InvalidArg);
    if !argument.starts_with('-') {
        return (format!("unexpected argument {}", quoted(OsStr::new(&argument))), None);
    }
    let word = argument.split('=').next().unwrap_or_default();
    let message = format!("unknown option {}", quoted(OsStr::new(word)));
    let names = option_names(command.unwrap_or(arguments), arguments);
    let mut longer = names.iter().filter(|name| name.starts_with(word));
    let near = match (longer.next(), longer.next()) {
        // Cut short, in a way that leaves no doubt.
        (Some(only), None) => Some(format!("did you mean `{only}`?")),
        _ => did_you_mean(word, names.iter().map(String::as_str)),
    };
    (message, near)
}

/// The long options of a command and those of all commands, as they are written.
fn option_names(command: &Command, arguments: &Command) -> Vec<String> {
    let known = command.get_arguments().chain(arguments.get_arguments());
    let known = known.filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_long);
    known.chain(["help"]).map(|name| format!("--{name}")).collect()
}

fn unknown_value(error: &clap::Error) -> Suggestion {
    let (option, value) = (option(error), text(error, ContextKind::InvalidValue));
    if value.is_empty() {
        return (format!("{option} lacks its value"), expected_values(error));
    }
    let near = did_you_mean(&value, valid_values(error).iter().map(String::as_str));
    let value = quoted(OsStr::new(&value));
    (format!("{option}: unknown value {value}"), near.or_else(|| expected_values(error)))
}

fn valid_values(error: &clap::Error) -> &[String] {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => values,
        _ => &[],
    }
}

fn expected_values(error: &clap::Error) -> Option<String> {
    let values = valid_values(error);
    (!values.is_empty()).then(|| format!("there are {}", values.join(" ")))
}

/// `--format`, of clap's `--format <FORMAT>`.
fn option(error: &clap::Error) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    argument.split_whitespace().next().unwrap_or_default().to_string()
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    error.get(kind).map(ToString::to_string).unwrap_or_default()
}

/// What clap says, as one line in our quotes.
fn first_paragraph(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let paragraph = rendered.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let line = words.join(" ").replace('\'', "`");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    line.chars()
        .flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] })
        .collect()
}
