//! Colors, and user text in messages.

use std::ffi::OsStr;
use std::io::{IsTerminal as _, stderr};
use std::path::Path;

use fuse::Color;

use crate::args::ColorChoice;

/// Are error messages coloured? By default on a terminal, unless `NO_COLOR` is set.
pub(crate) fn error_color(choice: ColorChoice) -> Color {
    let wanted = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !refused && stderr().is_terminal()
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

/// `1 element`, `2 elements`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("{n} {noun}") } else { format!("{n} {noun}s") }
}
