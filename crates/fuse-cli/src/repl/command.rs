//! Commands: `:name arguments`. One table serves dispatch, `:help`, completion and what a line still needs.

use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};

use fuse::{CancelToken, Stage};
use fuse_npy::Overwrite;

use super::picture::{Kind, draw};
use super::session::{Next, Session, said, shapes_text};
use super::{help, script, settings, timing, words};
use crate::binding::Binding;
use crate::eval::types;
use crate::failure::Failure;
use crate::interrupt::interruptible;
use crate::{info, save};

/// What stands behind a command's name, for those who complete it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    /// It may go on over several lines.
    Formula,
    /// `NAME=VALUE …`
    Bindings,
    Variables,
    /// A variable, then a file.
    VariableAndFile,
    File,
    Setting,
    Function,
    Topic,
}

/// A command.
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) arguments: &'static str,
    pub(super) takes: Takes,
    /// One line, in the list.
    pub(super) help: &'static str,
    /// More, on its own page.
    pub(super) more: &'static str,
    run: fn(&mut Session, &str) -> Result<Next, Failure>,
}

macro_rules! stage {
    ($name:literal, $stage:ident, $help:literal) => {
        Command {
            name: $name,
            arguments: "FORMULA",
            takes: Takes::Formula,
            help: $help,
            more: "Compiled for the types of the session's variables; nothing is evaluated.",
            run: |session, text| show_stage(session, text, Stage::$stage),
        }
    };
}

/// All commands, in the order of `:help`.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "load",
        arguments: "x=x.npy …",
        takes: Takes::Bindings,
        help: "load variables, as in `fuse eval`",
        more: "x=x.npy maps a file, which stays mapped; k=2.5 is a number, x=0:1:11 eleven numbers from 0 \
               to 1. A blank in a file name is written `\\ `.",
        run: |session, arguments| load(session, arguments).map(|()| Next::Go),
    },
    Command {
        name: "save",
        arguments: "x out.npy [--force]",
        takes: Takes::VariableAndFile,
        help: "write a variable to a file",
        more: "The file appears complete or not at all. One that exists is kept, unless --force is given.",
        run: |session, arguments| save(session, arguments).map(|()| Next::Go),
    },
    Command {
        name: "vars",
        arguments: "",
        takes: Takes::Nothing,
        help: "list the variables and functions of this session",
        more: "A `number` gives way to the arrays it meets, as plain numbers in a formula do.",
        run: |session, arguments| {
            nothing("vars", arguments)?;
            session.list().map(|()| Next::Go)
        },
    },
    Command {
        name: "drop",
        arguments: "x …",
        takes: Takes::Variables,
        help: "forget variables or functions",
        more: "Their memory is given back, their files are closed.",
        run: |session, arguments| forget(session, arguments).map(|()| Next::Go),
    },
    Command {
        name: "type",
        arguments: "FORMULA",
        takes: Takes::Formula,
        help: "dtype and shape of a formula, without evaluating it",
        more: "",
        run: |session, text| {
            let shapes = session.shapes(formula("type", text)?)?;
            writeln!(stdout(), "{}", shapes_text(&shapes))?;
            Ok(Next::Go)
        },
    },
    stage!("ast", Ast, "the syntax tree"),
    stage!("graph", Graph, "the typed graph"),
    stage!("opt", Opt, "the optimised graph, and the rules that fired"),
    stage!("kernel", Kernel, "the passes and their kernels"),
    stage!("clif", Clif, "Cranelift's intermediate form"),
    stage!("asm", Asm, "machine code"),
    stage!("ptx", Ptx, "the module for NVIDIA devices; needs no device"),
    Command {
        name: "time",
        arguments: "FORMULA",
        takes: Takes::Formula,
        help: "how long a formula takes to compile and to run",
        more: "Compiles five times with an empty cache, then evaluates into existing memory for half a \
               second. Memory is counted once for each variable and each result.",
        run: |session, text| {
            let report = timing::time(session, formula("time", text)?)?;
            stdout().write_all(report.as_bytes())?;
            Ok(Next::Go)
        },
    },
    Command {
        name: "plot",
        arguments: "FORMULA [> f.svg]",
        takes: Takes::Formula,
        help: "draw the results: curves, or a matrix as an image",
        more: "Where the formula uses one vector, that is the horizontal axis. With `> f.svg` behind it the \
               picture is written to a file, which appears complete or not at all; `>! f.svg` replaces one \
               that exists.",
        run: |session, text| picture(session, formula("plot", text)?, Kind::Curves),
    },
    Command {
        name: "hist",
        arguments: "FORMULA [> f.svg]",
        takes: Takes::Formula,
        help: "draw the distribution of the results",
        more: "With `> f.svg` behind it into a file, as `:plot` does.",
        run: |session, text| picture(session, formula("hist", text)?, Kind::Histogram),
    },
    Command {
        name: "set",
        arguments: "[NAME VALUE]",
        takes: Takes::Setting,
        help: "show or change the settings",
        more: "",
        run: |session, arguments| {
            let shown = settings::set(session, arguments)?;
            stdout().write_all(shown.as_bytes())?;
            Ok(Next::Go)
        },
    },
    Command {
        name: "funcs",
        arguments: "[NAME]",
        takes: Takes::Function,
        help: "list the functions of the language, or describe one",
        more: "",
        run: |_, name| info::list_functions(name).map(|()| Next::Go),
    },
    Command {
        name: "source",
        arguments: "FILE",
        takes: Takes::File,
        help: "run the lines of a file",
        more: "The first error ends it. The same lines work as standard input of `fuse repl`.",
        run: |session, arguments| {
            let words = words::split(arguments);
            let [file] = &words[..] else { return Err(usage("source")) };
            let color = session.settings.color;
            script::source(session, Path::new(words::path(file)), color)
        },
    },
    Command {
        name: "help",
        arguments: "[TOPIC]",
        takes: Takes::Topic,
        help: "this list, or help about a topic, function or error",
        more: "",
        run: |_, topic| {
            let page = help::page(topic)?;
            stdout().write_all(page.as_bytes())?;
            Ok(Next::Go)
        },
    },
    Command {
        name: "quit",
        arguments: "",
        takes: Takes::Nothing,
        help: "end the session, as Ctrl-D does",
        more: "",
        run: |_, arguments| nothing("quit", arguments).map(|()| Next::Quit),
    },
];

/// The command of that name.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// The part of a text that is a formula: all of it, the argument of a command that takes one, or nothing.
pub(super) fn formula_of(text: &str) -> &str {
    let Some(command) = text.trim_start().strip_prefix(':') else { return text };
    let (name, arguments) = parts(command);
    match find(name) {
        Some(command) if command.takes == Takes::Formula => arguments,
        Some(_) | None => "",
    }
}

/// A command's name and its arguments, given without the colon.
pub(super) fn parts(command: &str) -> (&str, &str) {
    command.split_once(char::is_whitespace).unwrap_or((command, ""))
}

/// Runs a command, given without its colon.
pub(super) fn run(session: &mut Session, text: &str) -> Result<Next, Failure> {
    let (name, arguments) = parts(text);
    match find(name) {
        Some(command) => (command.run)(session, arguments.trim()),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Failure {
    let names = || COMMANDS.iter().map(|command| command.name);
    let begins: Vec<&str> = names().filter(|known| known.starts_with(name)).collect();
    let hint = match begins[..] {
        [only] => format!("did you mean `:{only}`?"),
        [_, _, ..] if !name.is_empty() => {
            let all: Vec<String> = begins.iter().map(|known| format!("`:{known}`")).collect();
            format!("did you mean {}?", all.join(" or "))
        }
        _ => match fuse::raw::nearest(name, names()) {
            Some(near) => format!("did you mean `:{near}`?"),
            None => ":help lists the commands".to_string(),
        },
    };
    Failure::Usage(format!("unknown command `:{}`; {hint}", name.escape_debug()))
}

/// What a command expects.
fn usage(name: &str) -> Failure {
    let arguments = find(name).map_or("", |command| command.arguments);
    Failure::Usage(format!("expected `:{name} {arguments}`"))
}

fn nothing(name: &str, arguments: &str) -> Result<(), Failure> {
    if arguments.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(format!("`:{name}` takes no arguments")))
}

/// A command's formula, which must be there.
fn formula<'t>(name: &str, text: &'t str) -> Result<&'t str, Failure> {
    if text.is_empty() { Err(usage(name)) } else { Ok(text) }
}

fn show_stage(session: &Session, text: &str, stage: Stage) -> Result<Next, Failure> {
    let text =
        session.formula(formula(stage.name(), text)?)?.explain(&types(&session.values)?, stage)?;
    writeln!(stdout(), "{}", text.trim_end())?;
    Ok(Next::Go)
}

fn picture(session: &Session, text: &str, kind: Kind) -> Result<Next, Failure> {
    draw(session, text, kind).map(|()| Next::Go)
}

fn load(session: &mut Session, arguments: &str) -> Result<(), Failure> {
    let words = words::split(arguments);
    if words.is_empty() {
        return Err(usage("load"));
    }
    for word in &words {
        session.load(&Binding::parse(word.as_ref())?)?;
    }
    Ok(())
}

fn forget(session: &mut Session, arguments: &str) -> Result<(), Failure> {
    let names: Vec<&str> = arguments.split_whitespace().collect();
    if names.is_empty() {
        return Err(usage("drop"));
    }
    for name in &names {
        let is_variable = session.values.iter().any(|(known, _)| known == name);
        if !is_variable && !session.functions.iter().any(|(known, _)| known == *name) {
            return Err(no_variable(session, name));
        }
    }
    for name in names {
        session.functions.remove(name);
        session.values.retain(|(known, _)| known != name);
    }
    Ok(())
}

fn no_variable(session: &Session, name: &str) -> Failure {
    let known = session.values.iter().map(|(known, _)| known.as_str());
    let hint = match fuse::raw::nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => ":vars lists the variables".to_string(),
    };
    Failure::Usage(format!("there is no variable `{}`; {hint}", name.escape_debug()))
}

/// `:save x out.npy`, `:save x out.npy --force`.
fn save(session: &Session, arguments: &str) -> Result<(), Failure> {
    let mut words = words::split(arguments);
    let with_force = words.len();
    words.retain(|word| word != "--force");
    let overwrite = if words.len() < with_force { Overwrite::Replace } else { Overwrite::Refuse };
    let [name, file] = &words[..] else { return Err(usage("save")) };
    if !session.values.iter().any(|(known, _)| known == name) {
        return Err(no_variable(session, name));
    }
    let paths = [PathBuf::from(words::path(file))];
    save::check_targets(&paths, overwrite)?;
    let array = session.evaluate_one(name)?;
    let write = |token: &CancelToken| save::write_all(&[array], &paths, overwrite, token);
    interruptible(write).map_err(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str) -> String {
        match unknown(name) {
            Failure::Usage(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unknown_commands_get_a_suggestion() {
        assert!(message("qui").ends_with("did you mean `:quit`?"));
        assert!(message("tyep").ends_with("did you mean `:type`?"));
        assert!(message("s").ends_with("did you mean `:save` or `:set` or `:source`?"));
        assert!(message("").ends_with(":help lists the commands"));
        assert!(message("frobnicate").ends_with(":help lists the commands"));
        assert!(message("\u{1b}[2J").contains("\\u{1b}[2J"));
    }

    #[test]
    fn the_formula_of_a_command_is_known() {
        assert_eq!(formula_of("a + b"), "a + b");
        assert_eq!(formula_of(":type a + b"), "a + b");
        assert_eq!(formula_of(":save x (.npy"), "");
        assert_eq!(formula_of(":nonsense a"), "");
    }

    #[test]
    fn names_are_there_once() {
        for (position, command) in COMMANDS.iter().enumerate() {
            assert!(COMMANDS[..position].iter().all(|other| other.name != command.name));
        }
    }
}
