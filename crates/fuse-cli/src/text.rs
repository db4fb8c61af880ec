//! Colors, and user text in messages.

use std::borrow::Cow;
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

/// Colors of help texts. On a terminal clap looks at `NO_COLOR` itself.
pub(crate) fn help_color(choice: Option<ColorChoice>) -> clap::ColorChoice {
    match choice {
        Some(ColorChoice::Always) => clap::ColorChoice::Always,
        Some(ColorChoice::Never) => clap::ColorChoice::Never,
        Some(ColorChoice::Auto) | None => clap::ColorChoice::Auto,
    }
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

/// A line with its middle left out where it is very long.
pub(crate) fn shortened(line: &str) -> Cow<'_, str> {
    /// Characters kept at either end.
    const KEPT: usize = 300;
    let cut = line.char_indices().nth(KEPT).zip(line.char_indices().rev().nth(KEPT - 1));
    match cut {
        Some(((end, _), (start, _))) if end < start => {
            Cow::Owned(format!("{} … {}", &line[..end], &line[start..]))
        }
        Some(_) | None => Cow::Borrowed(line),
    }
}

/// `1 element`, `2 elements`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("{n} {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_very_long_lines_are_cut() {
        assert_eq!(shortened(&"ä".repeat(600)), "ä".repeat(600));
        let cut = shortened(&format!("{}b", "ä".repeat(600))).into_owned();
        assert_eq!(cut, format!("{} … {}b", "ä".repeat(300), "ä".repeat(299)));
    }
}
