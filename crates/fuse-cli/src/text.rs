//! Colors, and user text in messages.

use std::ffi::OsStr;
use std::io::{IsTerminal as _, stderr, stdout};
use std::path::Path;

use fuse::Color;

use crate::args::ColorChoice;

/// Are error messages coloured? By default on a terminal, unless `NO_COLOR` is set.
pub(crate) fn error_color(choice: ColorChoice) -> Color {
    color(choice, stderr().is_terminal())
}

/// The same for standard output.
pub(crate) fn output_color(choice: ColorChoice) -> Color {
    color(choice, stdout().is_terminal())
}

fn color(choice: ColorChoice, is_terminal: bool) -> Color {
    let wanted = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !refused && is_terminal
        }
    };
    if wanted { Color::Always } else { Color::Never }
}

/// An argument in a message: escaped, and cut where it is long.
pub(crate) fn quoted(argument: &OsStr) -> String {
    const LONGEST: usize = 60;
    let escaped = fuse_npy::escape_path(Path::new(argument));
    match escaped.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &escaped[..end]),
        None => format!("`{escaped}`"),
    }
}

/// Text that comes from anywhere, as one line: all that a terminal would act on is escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// `1 element`, `2 elements`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("{n} {noun}") } else { format!("{n} {noun}s") }
}
