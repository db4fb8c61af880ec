//! Bindings of `fuse eval` and the REPL, `NAME=VALUE`.
//!
//! ```text
//! NAME=VALUE     VALUE = scalar | "-" | lo:hi:n | archive.npz:member | archive.npz | path
//! archive.npz    NAME=archive.npz:NAME for each member whose name is one
//! ```
//! VALUE is tried in this order, which is fixed so that what a binding means does not depend on which
//! files exist; `./3.5` is a file. Scalars are numbers, `True`, `False` and quoted texts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use fuse::Input;
use fuse_npy::{Archive, Member};

use crate::failure::Failure;
use crate::number;
use crate::text::quoted;

/// A variable that the command line gives.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) origin: Origin,
}

/// What has asked for a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An argument that names it.
    Named,
    /// An archive that happens to have it: nobody minds if it is not used.
    Archive,
}

/// Where a variable's value comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Scalar(Input<'static>),
    /// `n` equally spaced numbers, both ends included.
    Linspace {
        low: f64,
        high: f64,
        n: usize,
    },
    Stdin,
    File(PathBuf),
    /// `archive.npz:member`.
    Member {
        archive: PathBuf,
        name: String,
    },
    /// `archive.npz`, which is to have one member.
    Archive(PathBuf),
}

/// Reads all bindings of a command line.
pub(crate) fn parse_all(arguments: &[OsString]) -> Result<Vec<Binding>, Failure> {
    let mut bindings: Vec<Binding> = Vec::new();
    for argument in arguments {
        let new = match all_members(argument) {
            Some(members) => members?,
            None => vec![Binding::parse(argument)?],
        };
        for binding in new {
            check_new(&bindings, &binding)?;
            bindings.push(binding);
        }
    }
    Ok(bindings)
}

/// The members of an archive that is given without `NAME=`.
pub(crate) fn all_members(argument: &OsStr) -> Option<Result<Vec<Binding>, Failure>> {
    bare_archive(argument).map(members)
}

/// The path of an archive that is given without `NAME=`.
fn bare_archive(argument: &OsStr) -> Option<&Path> {
    let bytes = argument.as_bytes();
    let before_equals = &bytes[..bytes.iter().position(|&byte| byte == b'=').unwrap_or(0)];
    let has_name = OsStr::from_bytes(before_equals).to_str().is_some_and(is_name);
    (bytes.ends_with(ARCHIVE) && !has_name).then_some(Path::new(argument))
}

/// Each member of an archive, under its name; others can be given as `NAME=archive.npz:member`.
fn members(path: &Path) -> Result<Vec<Binding>, Failure> {
    let archive = Archive::open(path)?;
    let names = archive.members().iter().map(Member::name).filter(|name| is_name(name));
    let binding = |name: &str| {
        let source = Source::Member { archive: path.to_owned(), name: name.to_string() };
        Binding { name: name.to_string(), source, origin: Origin::Archive }
    };
    Ok(names.map(binding).collect())
}

/// A name is given once, and standard input is one variable.
fn check_new(bindings: &[Binding], new: &Binding) -> Result<(), Failure> {
    if bindings.iter().any(|binding| binding.name == new.name) {
        return Err(Failure::Usage(format!("the variable `{}` is given twice", new.name)));
    }
    let is_stdin = |binding: &Binding| matches!(binding.source, Source::Stdin);
    match bindings.iter().find(|binding| is_stdin(binding)) {
        Some(first) if is_stdin(new) => Err(Failure::Usage(format!(
            "standard input can be one variable only: `{}` and `{}` both ask for it",
            first.name, new.name
        ))),
        _ => Ok(()),
    }
}

impl Binding {
    /// Reads one binding.
    pub(crate) fn parse(argument: &OsStr) -> Result<Binding, Failure> {
        let (name, value) = split(argument)?;
        let source = Source::parse(value)
            .map_err(|message| Failure::Usage(format!("{}: {message}", quoted(argument))))?;
        Ok(Binding { name: name.to_string(), source, origin: Origin::Named })
    }
}

/// The name and the value.
pub(crate) fn split(argument: &OsStr) -> Result<(&str, &OsStr), Failure> {
    let bytes = argument.as_bytes();
    let Some(at) = bytes.iter().position(|&byte| byte == b'=') else {
        let message = format!("expected NAME=VALUE, found {}", quoted(argument));
        return Err(Failure::Usage(message));
    };
    let (name, value) = (OsStr::from_bytes(&bytes[..at]), OsStr::from_bytes(&bytes[at + 1..]));
    match name.to_str().filter(|name| is_name(name)) {
        Some(name) => Ok((name, value)),
        None => Err(Failure::Usage(format!(
            "expected NAME=VALUE, found {}: {} is not a name",
            quoted(argument),
            quoted(name)
        ))),
    }
}

/// Can a variable be called so?
pub(crate) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    first && characters.all(|c| c.is_alphanumeric() || c == '_')
}

impl Source {
    fn parse(value: &OsStr) -> Result<Source, String> {
        if let Some(text) = value.to_str() {
            if let Some(scalar) = number::parse(text) {
                return scalar.map(Source::Scalar);
            }
            if let Some(linspace) = parse_linspace(text) {
                return linspace;
            }
        }
        match value.as_bytes() {
            b"" => Err("expected a value behind `=`".to_string()),
            b"-" => Ok(Source::Stdin),
            bytes if bytes.ends_with(ARCHIVE) => Ok(Source::Archive(PathBuf::from(value))),
            bytes => match split_member(bytes) {
                Some((archive, name)) => Source::member(archive, name),
                None => Ok(Source::File(PathBuf::from(value))),
            },
        }
    }

    fn member(archive: &[u8], name: &[u8]) -> Result<Source, String> {
        let name = std::str::from_utf8(name).map_err(|_| "names of members are UTF-8")?;
        if name.is_empty() {
            return Err("expected the name of a member behind `.npz:`".to_string());
        }
        let archive = PathBuf::from(OsStr::from_bytes(archive));
        Ok(Source::Member { archive, name: name.to_string() })
    }
}

/// What the names of archives end with.
const ARCHIVE: &[u8] = b".npz";

/// `archive.npz` and `member`, at the first place where they can be told apart.
fn split_member(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = value.windows(5).position(|part| part == b".npz:")? + ARCHIVE.len();
    Some((&value[..colon], &value[colon + 1..]))
}

/// `lo:hi:n`; `None` where the text is not of that form.
fn parse_linspace(text: &str) -> Option<Result<Source, String>> {
    let mut parts = text.splitn(3, ':');
    let low = number::parse_float(parts.next()?)?;
    let high = number::parse_float(parts.next()?)?;
    let count = parts.next()?;
    Some(match number::parse_count(count) {
        Some(n) => Ok(Source::Linspace { low, high, n }),
        None => Err(format!("expected a count at the end of lo:hi:n, found `{count}`")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(argument: &str) -> Source {
        Binding::parse(OsStr::new(argument)).expect(argument).source
    }

    fn message(arguments: &[&str]) -> String {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        match parse_all(&arguments) {
            Err(Failure::Usage(message)) => message,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    #[test]
    fn values_are_tried_in_a_fixed_order() {
        assert!(matches!(source("k=2.5"), Source::Scalar(_)));
        assert!(matches!(source("k=True"), Source::Scalar(_)));
        assert!(matches!(source("x=-"), Source::Stdin));
        assert!(matches!(source("x=-20:20:2e3"), Source::Linspace { n: 2000, .. }));
        assert!(matches!(source("x=./3.5"), Source::File(path) if path.as_os_str() == "./3.5"));
        assert!(matches!(source("x=a=b.npy"), Source::File(path) if path.as_os_str() == "a=b.npy"));
        assert!(matches!(source("x=C:x.npy"), Source::File(_)));
        assert!(matches!(source("x=a.npz"), Source::Archive(path) if path.as_os_str() == "a.npz"));
        assert!(matches!(source("x='a.npz'"), Source::Scalar(_)));
        let Source::Member { archive, name } = source("x=d.npz/a.npz:b.npz:c") else {
            panic!("a member")
        };
        assert_eq!((archive.to_str(), name.as_str()), (Some("d.npz/a.npz"), "b.npz:c"));
        assert!(matches!(source("größe_2=x.npy"), Source::File(_)));
    }

    #[test]
    fn an_archive_needs_no_name() {
        let path = |argument| bare_archive(OsStr::new(argument)).and_then(Path::to_str);
        assert_eq!(path("a.npz"), Some("a.npz"));
        assert_eq!(path("./x=1/a.npz"), Some("./x=1/a.npz"));
        assert_eq!(path("x=a.npz"), None);
        assert_eq!(path("a.npy"), None);
    }

    #[test]
    fn paths_need_not_be_text() {
        let binding = Binding::parse(OsStr::from_bytes(b"x=\xff.npy")).expect("a path");
        assert!(
            matches!(binding.source, Source::File(path) if path.as_os_str().as_bytes() == b"\xff.npy")
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert!(message(&["x.npy"]).contains("expected NAME=VALUE, found `x.npy`"));
        assert!(message(&["2x=1"]).contains("`2x` is not a name"));
        assert!(message(&["=1"]).contains("is not a name"));
        assert!(message(&["x="]).contains("expected a value"));
        assert!(message(&["x=a.npz:"]).contains("expected the name of a member"));
        assert!(message(&["x=0:1:1.5"]).contains("expected a count"));
        assert!(message(&["x=1", "x=2"]).contains("`x` is given twice"));
        assert!(message(&["x=-", "y=-"]).contains("`x` and `y`"));
    }
}
