//! "did you mean": what a word that nobody knows may have stood for.
//!
//! All suggestions of the command have these words, and are chosen by the edit distance that chooses
//! those of formulas.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use fuse::DType;
use fuse::raw::nearest;
use fuse_npy::{Error, escape_path};

use crate::failure::Failure;
use crate::text::quoted;

/// Most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// A suggestion, where a candidate is near.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// The dtype of that name.
pub(crate) fn dtype_named(name: &str) -> Result<DType, Failure> {
    DType::from_name(name).ok_or_else(|| {
        let message = format!("unknown dtype {}", quoted(OsStr::new(name)));
        let known: Vec<String> = DType::ALL.iter().map(ToString::to_string).collect();
        let list = || format!("there are {}", known.join(" "));
        Failure::Corrected { message, help: near_dtype(name).unwrap_or_else(list) }
    })
}

/// A suggestion among the dtypes; of several that are as near, the one with more bits.
fn near_dtype(name: &str) -> Option<String> {
    let own = |dtype: &&DType| dtype.to_string();
    let mut names: Vec<String> = DType::ALL.iter().rev().map(|dtype| own(&dtype)).collect();
    let aliases = DType::ALL.iter().rev().flat_map(|dtype| dtype.aliases());
    names.extend(aliases.map(ToString::to_string));
    did_you_mean(name, names.iter().map(String::as_str))
}

/// A suggestion for what is neither a dtype nor a file.
pub(crate) fn near_dtype_or_file(value: &Path) -> Option<String> {
    let text = value.to_string_lossy();
    let dtype = &text[..text.find([',', ':', '@']).unwrap_or(text.len())];
    near_sibling(value).or_else(|| near_dtype(dtype))
}

/// A suggestion for a file that is not there.
pub(crate) fn near_file(error: &Error) -> Option<String> {
    (error.io_kind() == Some(io::ErrorKind::NotFound)).then(|| near_sibling(error.path())).flatten()
}

/// A file in the same folder whose name is near.
fn near_sibling(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let folder = path.parent()?;
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(listed).ok()?.take(MOST_ENTRIES).flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    // The order of folders is no order.
    names.sort();
    let near: PathBuf = folder.join(nearest(&name, names.iter().map(String::as_str))?);
    Some(format!("did you mean `{}`?", escape_path(&near)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dtypes_are_suggested() {
        for (name, near) in
            [("flaot32", "float32"), ("f46", "f64"), ("itn64", "int64"), ("boole", "bool")]
        {
            assert_eq!(near_dtype(name), Some(format!("did you mean `{near}`?")), "{name}");
        }
        assert_eq!(near_dtype("quaternion"), None);
    }

    #[test]
    fn files_are_suggested_from_the_same_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("x.npy"), "").expect("a file");
        let near = near_sibling(&folder.path().join("xx.npy"));
        assert_eq!(near, Some(format!("did you mean `{}/x.npy`?", folder.path().display())));
        assert_eq!(near_sibling(&folder.path().join("weights.npy")), None);
        assert_eq!(near_sibling(&folder.path().join("none/xx.npy")), None);
        assert_eq!(
            near_dtype_or_file(Path::new("f46:1000@0..1")).as_deref(),
            Some("did you mean `f64`?")
        );
    }
}
