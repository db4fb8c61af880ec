//! Untrusted text, made fit for one line of a message.
//!
//! Headers and file names come from anywhere: control characters, escape sequences and bidirectional
//! overrides are escaped, and what a header says is cut to [`EXCERPT_CHARS`].

use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Most characters of an excerpt, the mark of omission included.
pub(crate) const EXCERPT_CHARS: usize = 60;

/// The beginning of some header bytes, escaped and cut.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    // An escaped byte is at least one character, so more input than this is never shown.
    let (start, rest) = bytes.split_at(bytes.len().min(EXCERPT_CHARS + 1));
    let escaped = start.escape_ascii().to_string().replace("\\'", "'").replace("\\\"", "\"");
    if rest.is_empty() && escaped.len() <= EXCERPT_CHARS {
        return escaped;
    }
    let mut short: String = escaped.chars().take(EXCERPT_CHARS - 1).collect();
    short.push('…');
    short
}

/// A path for a message: everything that a terminal would act on is escaped.
pub fn escape_path(path: &Path) -> String {
    let mut shown = String::new();
    for c in path.to_string_lossy().chars() {
        match c {
            '\'' | '"' | '\\' => shown.push(c),
            // Writing to a string cannot fail.
            _ => _ = write!(shown, "{}", c.escape_debug()),
        }
    }
    if shown.is_empty() { "(empty path)".to_owned() } else { shown }
}

/// What the system said, in lower case and without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let lower = lower_first(text);
    if lower.is_empty() { "unknown error".to_owned() } else { lower }
}

/// The same text, as the middle of a sentence.
pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_and_escaped() {
        assert_eq!(excerpt(b"'<f8'"), "'<f8'");
        assert_eq!(excerpt(b"\x1b[2J\n"), "\\x1b[2J\\n");
        assert_eq!(excerpt(&[0; 70_000]).chars().count(), EXCERPT_CHARS);
        assert_eq!(excerpt(&[b'x'; EXCERPT_CHARS]).chars().count(), EXCERPT_CHARS);
    }

    #[test]
    fn paths_cannot_drive_a_terminal() {
        assert_eq!(escape_path(Path::new("it's \"x\".npy")), "it's \"x\".npy");
        assert_eq!(escape_path(Path::new("a\u{1b}[2Jb\n\u{202e}")), "a\\u{1b}[2Jb\\n\\u{202e}");
    }

    #[test]
    fn reasons_read_as_the_end_of_a_sentence() {
        for (number, text) in
            [(28, "no space left on device"), (122, "disk quota exceeded"), (27, "file too large")]
        {
            assert_eq!(reason(&io::Error::from_raw_os_error(number)), text);
        }
    }
}
