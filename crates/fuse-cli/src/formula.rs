//! Where the formula comes from: an argument, a file, or standard input.
//!
//! A file may have a byte order mark, and line breaks of any system: the mark is dropped, and each
//! break becomes a line feed, so that lines and columns of messages are those that an editor shows.

use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::args::FormulaArgs;
use crate::failure::Failure;

impl FormulaArgs {
    /// The formula's text and the bindings: with `-f`, the first argument is a binding too.
    pub(crate) fn resolve(&self) -> Result<(String, Vec<OsString>), Failure> {
        let Some(path) = &self.file else {
            let Some(formula) = &self.formula else {
                return Err(Failure::Usage("expected a formula, or -f FILE".to_string()));
            };
            return match formula.to_str() {
                Some(text) => Ok((text.to_string(), self.bindings.clone())),
                None => Err(Failure::Usage("the formula is not valid UTF-8".to_string())),
            };
        };
        let bindings: Vec<OsString> = self.formula.iter().chain(&self.bindings).cloned().collect();
        if path.as_os_str() != "-" {
            return Ok((text_of(path, std::fs::read(path))?, bindings));
        }
        if let Some(other) = bindings.iter().find(|binding| binding.as_bytes().ends_with(b"=-")) {
            let other = crate::text::quoted(other);
            let message = format!("standard input is the formula, and {other} asks for it too");
            return Err(Failure::Usage(message));
        }
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes);
        Ok((text_of(Path::new("standard input"), read)?, bindings))
    }
}

/// The text of a formula's file.
fn text_of(path: &Path, read: std::io::Result<Vec<u8>>) -> Result<String, Failure> {
    let bytes = read.map_err(|source| match source.kind() {
        std::io::ErrorKind::IsADirectory => fuse_npy::Error::IsDirectory { path: path.into() },
        _ => fuse_npy::Error::Io { path: path.into(), action: "read", source },
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let named = fuse_npy::escape_path(path);
        Failure::Usage(format!("{named}: the formula is not valid UTF-8"))
    })?;
    Ok(plain(&text))
}

/// Without a byte order mark, and with line feeds only.
fn plain(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn line_breaks_of_all_systems_are_one() {
        assert_eq!(plain("\u{feff}a = x\r\nb = a\ra + b\n"), "a = x\nb = a\na + b\n");
        assert_eq!(plain("x\u{feff}"), "x\u{feff}");
    }
}
