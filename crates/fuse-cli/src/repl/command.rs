//! Commands of the REPL: `:name arguments`. One table serves dispatch and `:help`.

use std::io::{Write as _, stdout};

use super::session::{Next, Session};
use crate::failure::Failure;
use crate::info;

/// A command.
struct Command {
    name: &'static str,
    arguments: &'static str,
    help: &'static str,
    run: fn(&mut Session, &str) -> Result<Next, Failure>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "load",
        arguments: "x=x.npy …",
        help: "load variables, as in `fuse eval`",
        run: |session, arguments| session.load_all(arguments).map(|()| Next::Go),
    },
    Command {
        name: "vars",
        arguments: "",
        help: "list the variables",
        run: |session, _| session.list().map(|()| Next::Go),
    },
    Command {
        name: "funcs",
        arguments: "[NAME]",
        help: "list the functions, or describe one",
        run: |_, name| info::list_functions(name).map(|()| Next::Go),
    },
    Command {
        name: "type",
        arguments: "FORMULA",
        help: "the type of a formula, without evaluating it",
        run: |session, formula| session.show_type(formula).map(|()| Next::Go),
    },
    Command {
        name: "help",
        arguments: "",
        help: "this list",
        run: |_, _| help().map(|()| Next::Go),
    },
    Command {
        name: "quit",
        arguments: "",
        help: "end the session, as Ctrl-D does",
        run: |_, _| Ok(Next::Quit),
    },
];

/// Runs a command, given without its colon.
pub(super) fn run(session: &mut Session, text: &str) -> Result<Next, Failure> {
    let (name, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(session, arguments.trim()),
        None => {
            let near = COMMANDS.iter().find(|c| !name.is_empty() && c.name.starts_with(name));
            let hint = near.map_or_else(
                || ":help lists the commands".to_string(),
                |command| format!("did you mean `:{}`?", command.name),
            );
            Err(Failure::Usage(format!("unknown command `:{}`; {hint}", name.escape_debug())))
        }
    }
}

fn help() -> Result<(), Failure> {
    let mut out = stdout().lock();
    writeln!(out, "{:18} evaluate and print it; `_` is the last result", "FORMULA")?;
    writeln!(out, "{:18} keep its value under a name", "NAME = FORMULA")?;
    for command in COMMANDS {
        let usage = format!(":{} {}", command.name, command.arguments);
        writeln!(out, "{usage:18} {}", command.help)?;
    }
    writeln!(out, "Ctrl-C stops the evaluation that runs.")?;
    Ok(())
}
