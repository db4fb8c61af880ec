//! `docs/cli.md`, generated from the table of arguments: `FUSE_BLESS=1 cargo test -p fuse-cli reference`
//! writes it anew, and the test fails where it is out of date.

use std::fmt::Write as _;
use std::path::Path;

use clap::builder::StyledStr;
use clap::{Arg, Command};

use crate::failure::EXIT_CODES;
use crate::shell::documented;

#[test]
fn the_page_is_that_of_the_table() {
    let generated = page();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    if std::env::var_os("FUSE_BLESS").is_some() {
        std::fs::write(&file, &generated).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == generated, "docs/cli.md is out of date: FUSE_BLESS=1 writes it");
}

#[test]
fn every_command_and_option_is_described() {
    for command in documented().get_subcommands() {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name} has no description");
        let examples = plain(command.get_before_help());
        assert!(examples.matches(&format!("fuse {name}")).count() >= 3, "{name}: {examples}");
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{name}: {} has no description", arg.get_id());
        }
    }
}

fn page() -> String {
    let table = documented();
    let mut text = String::from(
        "# The command line\n\nGenerated from the table of arguments (`fuse-cli/src/args.rs`); `fuse eval -h` shows the \
         same, `fuse man eval | man -l -` as a manual page.\n\n| command | |\n|---|---|\n",
    );
    for command in table.get_subcommands() {
        let (name, about) = (command.get_name(), plain(command.get_about()));
        writeln!(text, "| [`fuse {name}`](#fuse-{name}) | {about} |").expect("text grows");
    }
    text.push_str("\nOf all commands:\n\n");
    write_options(&mut text, table.get_arguments());
    text.push_str(
        "\nData go to standard output, everything else to standard error. Exit codes:\n\n",
    );
    text.push_str("| code | |\n|---|---|\n");
    for (code, meaning) in EXIT_CODES {
        writeln!(text, "| {code} | {meaning} |").expect("text grows");
    }
    table.get_subcommands().for_each(|command| write_command(&mut text, command));
    text
}

fn write_command(text: &mut String, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let examples = plain(command.get_before_help());
    let examples: Vec<&str> = examples.lines().skip(1).map(str::trim_start).collect();
    let (name, about) = (command.get_name(), plain(command.get_about()));
    write!(
        text,
        "\n## fuse {name}\n\n{about}.\n\n```text\n{usage}\n```\n\n```sh\n{}\n```\n\n",
        examples.join("\n")
    )
    .expect("text grows");
    let own = command.get_arguments().filter(|arg| !arg.is_global_set());
    write_options(text, own);
    let notes = plain(command.get_after_help());
    if !notes.is_empty() {
        write!(text, "\n```text\n{notes}\n```\n").expect("text grows");
    }
}

/// A row for each argument that is shown in the help; the help itself is not.
fn write_options<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    text.push_str("| argument | |\n|---|---|\n");
    let hidden =
        |arg: &Arg| arg.is_hide_set() || matches!(arg.get_id().as_str(), "help" | "version");
    for arg in arguments.filter(|arg| !hidden(arg)) {
        let help = plain(arg.get_help()).replace('|', "\\|");
        let (written, values) = (written(arg), values(arg));
        writeln!(text, "| `{written}` | {help}{values} |").expect("text grows");
    }
}

/// `-o, --output <FILE>`, or `NAME=VALUE` of an argument without a name.
fn written(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let value = arg.get_value_names().and_then(|names| names.first());
    match value {
        Some(value) if names.is_empty() => value.to_string(),
        Some(value) if arg.get_action().takes_values() => format!("{} {value}", names.join(", ")),
        Some(_) | None => names.join(", "),
    }
}

/// `; one of a b c`, and what is taken where nothing is said.
fn values(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let possible = arg.get_possible_values();
    let names: Vec<String> =
        possible.iter().map(|value| format!("`{}`", value.get_name())).collect();
    let defaults = arg.get_default_values().iter();
    let defaults: Vec<String> =
        defaults.map(|value| format!(" [default: {}]", value.to_string_lossy())).collect();
    let list = if names.is_empty() { String::new() } else { format!(": {}", names.join(" ")) };
    format!("{list}{}", defaults.concat())
}

fn plain(help: Option<&StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}
