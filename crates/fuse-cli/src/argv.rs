//! Formulas that begin with `-`: `fuse eval '-x + 1' x=x.npy` works without `--`.
//!
//! The formula is the first argument of a command that is not one of its options. Clap would take
//! `-x + 1` for an option, so a formula with a leading `-` is marked with a NUL, which no argument
//! of a process can hold, and the parser of the formula takes the mark away. What counts as an option
//! comes from clap's own table: `-v` alone is the option, `-v + 1` a formula. `--dtpye` is an option too,
//! so that clap can say that there is none of that name, unless a variable of that name is given: `--x`
//! and `--width` with `width=2` are formulas.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, Command, CommandFactory as _, ValueEnum as _};

use crate::args::{Arguments, ColorChoice};

/// What stands before a formula that begins with `-`.
const MARK: u8 = 0;

/// The arguments, a formula with a leading `-` marked.
pub(crate) fn with_protected_formula(argv: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut argv: Vec<OsString> = argv.collect();
    let arguments = Arguments::command();
    if let Some(position) = formula_position(&argv, &arguments) {
        let mut marked = vec![MARK];
        marked.extend_from_slice(argv[position].as_bytes());
        argv[position] = OsString::from_vec(marked);
    }
    argv
}

/// Takes the mark away.
pub(crate) fn formula_parser() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().map(|formula| match formula.as_bytes().split_first() {
        Some((&MARK, rest)) => OsString::from_vec(rest.to_vec()),
        _ => formula,
    })
}

/// Where a formula with a leading `-` stands, if there is one.
fn formula_position(argv: &[OsString], arguments: &Command) -> Option<usize> {
    let (mut command, mut takes_formula) = (arguments, false);
    let mut position = 1;
    while position < argv.len() {
        let argument = argv[position].as_os_str();
        match option(argument, command, arguments) {
            Some(Values::None) => position += 1,
            Some(Values::Next) => position += 2,
            None if takes_formula => {
                let is_formula = argument.as_bytes().starts_with(b"-") && argument != "--";
                let is_formula = is_formula && !is_unknown_option(argument, &argv[position..]);
                return is_formula.then_some(position);
            }
            None => {
                command = arguments.find_subcommand(argument)?;
                takes_formula = command.get_arguments().any(|arg| arg.get_id() == "formula");
                position += 1;
            }
        }
    }
    None
}

/// Has it the form of a long option, with no variable behind it of which it could be the formula?
fn is_unknown_option(argument: &OsStr, behind: &[OsString]) -> bool {
    let Some(name) = argument.to_str().and_then(|text| text.strip_prefix("--")) else {
        return false;
    };
    let name = name.split('=').next().unwrap_or_default();
    let word = name.split('-').next().unwrap_or_default();
    let is_given = behind.iter().any(|binding| {
        let rest = binding.as_bytes().strip_prefix(word.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b"="))
    });
    let is_constant = matches!(word, "pi" | "inf" | "nan");
    let of_option = |c: char| c.is_ascii_lowercase() || c == '-';
    word.len() > 1 && name.chars().all(of_option) && !is_given && !is_constant
}

/// What `--color` says; clap is told before it reads the arguments.
pub(crate) fn color(argv: &[OsString]) -> Option<ColorChoice> {
    let words = argv.iter().map(|argument| argument.to_str().unwrap_or_default());
    let behind = words.clone().skip(1);
    let value = words.zip(behind.chain([""])).find_map(|(word, next)| match word {
        "--color" => Some(next),
        _ => word.strip_prefix("--color="),
    });
    ColorChoice::from_str(value?, false).ok()
}

/// Does an option take the next argument as its value?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    None,
    Next,
}

/// Is this one of the command's options, and what does it take?
fn option(argument: &OsStr, command: &Command, arguments: &Command) -> Option<Values> {
    let text = argument.to_str()?;
    if matches!(text, "-h" | "--help") {
        return Some(Values::None);
    }
    let mut known = command.get_arguments().chain(arguments.get_arguments());
    let values =
        |arg: &Arg| if arg.get_action().takes_values() { Values::Next } else { Values::None };
    if let Some(long) = text.strip_prefix("--") {
        let (name, attached) = long.split_once('=').map_or((long, false), |(name, _)| (name, true));
        let found = known.find(|arg| arg.get_long() == Some(name))?;
        return Some(if attached { Values::None } else { values(found) });
    }
    let mut characters = text.strip_prefix('-')?.chars();
    let (short, rest) = (characters.next()?, characters.as_str());
    let found = known.find(|arg| arg.get_short() == Some(short))?;
    match rest {
        "" => Some(values(found)),
        // `-j4`: the one option whose value no formula begins with.
        _ if short == 'j' && rest.bytes().all(|b| b.is_ascii_digit() || b == b',') => {
            Some(Values::None)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &[&str]) -> Option<usize> {
        let argv: Vec<OsString> = line.iter().map(OsString::from).collect();
        formula_position(&argv, &Arguments::command())
    }

    #[test]
    fn formulas_are_told_from_options() {
        assert_eq!(marked(&["fuse", "eval", "-x + 1", "x=x.npy"]), Some(2));
        assert_eq!(marked(&["fuse", "eval", "-x", "x=x.npy"]), Some(2));
        assert_eq!(marked(&["fuse", "eval", "--x", "x=x.npy"]), Some(2));
        assert_eq!(marked(&["fuse", "eval", "-v", "x"]), None);
        assert_eq!(marked(&["fuse", "eval", "-v + 1", "v=2"]), Some(2));
        assert_eq!(marked(&["fuse", "eval", "-j4", "-x"]), Some(3));
        assert_eq!(marked(&["fuse", "eval", "-o", "r.npy", "-x"]), Some(4));
        assert_eq!(marked(&["fuse", "--color", "never", "eval", "--dtype=f32", "-x"]), Some(5));
        assert_eq!(marked(&["fuse", "eval", "x", "-o", "-"]), None);
        assert_eq!(marked(&["fuse", "eval", "--", "-x"]), None);
        assert_eq!(marked(&["fuse", "-x"]), None);
        assert_eq!(marked(&["fuse", "eval", "--dtpye", "f32", "x", "x=1"]), None);
        assert_eq!(marked(&["fuse", "eval", "--dtpye=f32", "x", "x=1"]), None);
        assert_eq!(marked(&["fuse", "eval", "--no-mmpa", "x", "x=1"]), None);
        assert_eq!(marked(&["fuse", "eval", "--width", "width=2"]), Some(2));
        assert_eq!(marked(&["fuse", "eval", "--width-height", "width=2", "height=1"]), Some(2));
        assert_eq!(marked(&["fuse", "eval", "--sqrt(x)", "x=1"]), Some(2));
        assert_eq!(marked(&["fuse", "eval", "--pi"]), Some(2));
    }
}
