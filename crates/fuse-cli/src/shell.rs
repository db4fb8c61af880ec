//! `fuse completions` and `fuse man`: texts for shells and manuals, made of clap's table.
//!
//! Completions know more than clap needs to: names of dtypes, functions and error codes are offered
//! where they can be written. Manual pages show examples and bindings as the help does, line by line,
//! which clap_mangen would fill into paragraphs; so those sections are written here.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use fuse::DType;
use fuse::raw::derived::DERIVED;
use fuse::raw::table::{Syntax, TABLE};

use crate::args::{Arguments, CompletionsArgs, ManArgs};
use crate::failure::{EXIT_CODES, Failure};
use crate::suggest::did_you_mean;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut completed(), "fuse", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}

/// The table, with the values of options that the command itself reads as free text.
fn completed() -> Command {
    let dtypes: Vec<String> = DType::ALL.iter().map(ToString::to_string).collect();
    let written = TABLE.iter().filter(|row| row.syntax == Syntax::Function).map(|row| row.name);
    let functions: Vec<&str> = written.chain(DERIVED.iter().map(|row| row.name)).collect();
    let commands: Vec<String> =
        documented().get_subcommands().map(|command| command.get_name().to_string()).collect();
    let values = |name, option: &'static str, values| {
        move |table: Command| {
            table.mut_subcommand(name, |command| {
                command.mut_arg(option, |arg| arg.value_parser(values))
            })
        }
    };
    let table = values("eval", "dtype", PossibleValuesParser::new(dtypes))(Arguments::command());
    let table = values("info", "functions", PossibleValuesParser::new(functions))(table);
    values("man", "command", PossibleValuesParser::new(commands))(table)
}

pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    let table = documented();
    match (&args.dir, &args.command) {
        (Some(folder), _) => write_pages(&table, folder, args),
        (None, None) => Ok(io::stdout().lock().write_all(page(&table)?.as_bytes())?),
        (None, Some(name)) => {
            let command = table.find_subcommand(name).ok_or_else(|| unknown(name, &table))?;
            Ok(io::stdout().lock().write_all(page(command)?.as_bytes())?)
        }
    }
}

/// The table as pages show it: each command with its full name.
pub(crate) fn documented() -> Command {
    let mut table = Arguments::command().disable_help_subcommand(true);
    table.build();
    table
}

fn unknown(name: &str, table: &Command) -> Failure {
    let names: Vec<&str> = table.get_subcommands().map(Command::get_name).collect();
    let near = did_you_mean(name, names.iter().copied());
    Failure::Corrected {
        message: format!("unknown command {}", crate::text::quoted(name.as_ref())),
        help: near.unwrap_or_else(|| format!("there are {}", names.join(" "))),
    }
}

/// `fuse.1`, `fuse-eval.1` and so on.
fn write_pages(table: &Command, folder: &Path, args: &ManArgs) -> Result<(), Failure> {
    let mut pages = Vec::new();
    for command in std::iter::once(table).chain(table.get_subcommands()) {
        let path = folder.join(format!("{}.1", full_name(command)));
        if path.exists() && !args.force {
            return Err(Failure::File(fuse_npy::Error::Exists { path }));
        }
        pages.push((path, page(command)?));
    }
    for (path, text) in pages {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true);
        let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|source| {
            Failure::File(fuse_npy::Error::Io { path, action: "write", source })
        })?;
    }
    Ok(())
}

/// `fuse-eval`.
fn full_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// A command's manual page, as roff.
fn page(command: &Command) -> Result<String, Failure> {
    let man = Man::new(command.clone()).source(format!("fuse {}", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    let mut write = || -> io::Result<()> {
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        write_help(&mut page, "EXAMPLES", command.get_before_help())?;
        man.render_options_section(&mut page)?;
        if command.has_subcommands() {
            man.render_subcommands_section(&mut page)?;
        }
        write_help(&mut page, "NOTES", command.get_after_help())?;
        page.extend(exit_codes().into_bytes());
        Ok(())
    };
    write().map_err(|error| Failure::Run(format!("cannot write the page: {error}")))?;
    Ok(ascii(&String::from_utf8_lossy(&page)))
}

/// Without characters that roff has to be told the encoding of.
fn ascii(page: &str) -> String {
    let escaped = |c: char| {
        if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) }
    };
    page.chars().map(escaped).collect()
}

/// A section with the lines of a help text as they are.
fn write_help(
    page: &mut Vec<u8>,
    title: &str,
    help: Option<&clap::builder::StyledStr>,
) -> io::Result<()> {
    let Some(help) = help.map(ToString::to_string) else { return Ok(()) };
    let lines = help.strip_prefix("Examples:\n").unwrap_or(&help);
    writeln!(page, ".SH {title}\n.nf")?;
    for line in lines.lines() {
        writeln!(page, "{}", roff_line(line))?;
    }
    writeln!(page, ".fi")
}

/// A line that begins no request and holds no escape; hyphens and quotes can be copied into a shell.
fn roff_line(line: &str) -> String {
    let mut text = String::from("\\&");
    for c in line.chars() {
        match c {
            '\\' => text.push_str("\\e"),
            '-' => text.push_str("\\-"),
            '\'' => text.push_str("\\(aq"),
            '`' => text.push_str("\\(ga"),
            '^' => text.push_str("\\(ha"),
            '~' => text.push_str("\\(ti"),
            _ => text.push(c),
        }
    }
    text
}

fn exit_codes() -> String {
    let rows = EXIT_CODES.map(|(code, meaning)| format!(".TP\n{code}\n{meaning}\n"));
    format!(".SH EXIT STATUS\n{}", rows.concat())
}
