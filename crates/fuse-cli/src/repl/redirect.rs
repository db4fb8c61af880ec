//! `FORMULA > waves.svg`: a picture that goes to a file.
//!
//! ```text
//! x > y              a comparison, and so is whatever ends in no name of a picture's file
//! x > waves.svg      to a file that is not there yet
//! x >! waves.svg     whether it is there or not
//! ```

use std::path::{Path, PathBuf};

use fuse_npy::Overwrite;

use super::words;

/// Endings of files that are meant as pictures; no attribute of an array is called so.
const PICTURES: [&str; 10] =
    ["svg", "png", "pdf", "jpg", "jpeg", "gif", "eps", "ps", "webp", "html"];

/// Where a picture goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) path: PathBuf,
    pub(super) overwrite: Overwrite,
}

/// The formula, and the file behind it if there is one.
pub(super) fn split(text: &str) -> (&str, Option<Redirect>) {
    let Some((formula, behind)) = text.rsplit_once('>') else { return (text, None) };
    let (file, overwrite) = match behind.strip_prefix('!') {
        Some(file) if !file.starts_with('=') => (file, Overwrite::Replace),
        Some(_) | None => (behind, Overwrite::Refuse),
    };
    let words = words::split(file);
    let [word] = &words[..] else { return (text, None) };
    let path = PathBuf::from(words::path(word));
    if overwrite == Overwrite::Replace || is_picture(&path) {
        (formula.trim_end(), Some(Redirect { path, overwrite }))
    } else {
        (text, None)
    }
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|own| PICTURES.iter().any(|picture| own == *picture))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stands_behind_the_last_sign() {
        let to = |path: &str, overwrite| Some(Redirect { path: path.into(), overwrite });
        let (refuse, replace) = (Overwrite::Refuse, Overwrite::Replace);
        for (text, formula, redirect) in [
            ("sin(x) > waves.svg", "sin(x)", to("waves.svg", refuse)),
            ("sin(x)>waves.SVG", "sin(x)", to("waves.SVG", refuse)),
            ("sin(x) >! a/waves.svg", "sin(x)", to("a/waves.svg", replace)),
            ("x > y > waves.svg", "x > y", to("waves.svg", refuse)),
            (r"x > my\ waves.svg", "x", to("my waves.svg", refuse)),
            ("x > 'my waves.svg'", "x", to("my waves.svg", refuse)),
            ("x > waves.png", "x", to("waves.png", refuse)),
            ("x >! waves", "x", to("waves", replace)),
            ("> waves.svg", "", to("waves.svg", refuse)),
        ] {
            assert_eq!(split(text), (formula, redirect), "{text}");
        }
    }

    #[test]
    fn comparisons_stay() {
        for text in [
            "x",
            "x > y",
            "x > z.real",
            "x > m.T",
            "x >= y",
            "x >> 2",
            "x > 2.5",
            "x > y + 1",
            "x >",
        ] {
            assert_eq!(split(text), (text, None), "{text}");
        }
    }
}
