//! Results in files: all of them appear complete, or none.
//!
//! ```text
//! folder, permission, room  ─▶ all data, files before streams ─▶ fsync and names, one after the other
//! ```
//!
//! What fails in the last step (a file that another program has made meanwhile) takes the files away
//! again that have just appeared; those that `--force` has replaced by then stay replaced.

use std::fs;
use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};

use fuse::{Array, CancelToken, DType, Formula};
use fuse_npy::{Header, NpyWriter, NpzWriter, Output, Overwrite, escape_path};

use crate::binding::is_name;
use crate::failure::{Failure, INTERRUPTED};
use crate::text::counted;

/// Bytes written between two looks at the token: 8 MiB.
pub(crate) const CHUNK: usize = 8 << 20;

/// Where the results of an evaluation go.
#[derive(Debug)]
pub(crate) enum Targets<'a> {
    /// Standard output, as text.
    Print,
    /// A `.npy` file for each.
    Files(&'a [PathBuf]),
    /// All into one archive, under these names.
    Archive(&'a Path, Vec<String>),
}

impl<'a> Targets<'a> {
    /// As `-o` names them.
    pub(crate) fn new(paths: &'a [PathBuf], formula: &Formula) -> Result<Targets<'a>, Failure> {
        let n_results = formula.results().len();
        match paths {
            [] => Ok(Targets::Print),
            [path] if path.extension().is_some_and(|extension| extension == "npz") => {
                Ok(Targets::Archive(path, member_names(formula.results())))
            }
            paths if paths.len() == n_results => Ok(Targets::Files(paths)),
            paths => {
                let (results, outputs) =
                    (counted(n_results, "result"), counted(paths.len(), "output"));
                Err(Failure::Usage(format!(
                    "the formula has {results}, and -o names {outputs}; give one for each, or one .npz \
                     archive"
                )))
            }
        }
    }

    /// Refuses, before anything runs, what would be refused in the end.
    pub(crate) fn check(&self, overwrite: Overwrite) -> Result<(), Failure> {
        match self {
            Targets::Print => Ok(()),
            Targets::Files(paths) => check_targets(paths, overwrite),
            Targets::Archive(path, _) => check_file(path, overwrite),
        }
    }
}

/// Results that are names keep them, as keyword arguments of `np.savez` do; others are `arr_0`, `arr_1`, …
fn member_names<'r>(results: impl Iterator<Item = &'r str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (position, text) in results.enumerate() {
        let is_own = is_name(text) && !names.iter().any(|name| name == text);
        names.push(if is_own { text.to_string() } else { format!("arr_{position}") });
    }
    names
}

/// Refuses, before anything runs, what would be refused in the end.
pub(crate) fn check_targets(paths: &[PathBuf], overwrite: Overwrite) -> Result<(), Failure> {
    let places: Vec<PathBuf> = paths.iter().map(|path| place(path)).collect();
    for (position, path) in paths.iter().enumerate() {
        if let Some(first) = places[..position].iter().position(|known| *known == places[position])
        {
            return Err(twice(&paths[first], path));
        }
        match Output::from_argument(path) {
            Output::Stdout => check_stdout()?,
            Output::Path(path) => check_file(path, overwrite)?,
        }
    }
    Ok(())
}

/// Where a path leads, whatever it is called.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let real = || folder.unwrap_or(Path::new(".")).canonicalize().ok();
    match Output::from_argument(path) {
        Output::Stdout => path.to_owned(),
        Output::Path(path) => path
            .canonicalize()
            .ok()
            .or_else(|| Some(real()?.join(path.file_name()?)))
            .unwrap_or_else(|| path.to_owned()),
    }
}

fn twice(first: &Path, second: &Path) -> Failure {
    let (one, other) = (escape_path(first), escape_path(second));
    Failure::Usage(if first == second {
        format!("`{one}` is given as output twice")
    } else {
        format!("`{one}` and `{other}` are one file, which is given as output twice")
    })
}

fn check_stdout() -> Result<(), Failure> {
    if stdout().is_terminal() {
        let message = "`-o -` writes binary data, and standard output is a terminal; \
                       leave -o out to print, or redirect";
        return Err(Failure::Usage(message.to_string()));
    }
    Ok(())
}

fn check_file(path: &Path, overwrite: Overwrite) -> Result<(), Failure> {
    let exists = path.metadata().is_ok_and(|metadata| metadata.is_file());
    if exists && overwrite == Overwrite::Refuse {
        return Err(exists_failure(path));
    }
    Ok(())
}

fn exists_failure(path: &Path) -> Failure {
    Failure::Run(format!("{}: the file exists; --force replaces it", escape_path(path)))
}

/// Writes each array to its path.
pub(crate) fn write_all(
    arrays: &[Array],
    paths: &[PathBuf],
    overwrite: Overwrite,
    token: &CancelToken,
) -> Result<(), Failure> {
    let mut targets: Vec<(&Array, &PathBuf)> = arrays.iter().zip(paths).collect();
    // What is in a stream cannot be taken back.
    targets.sort_by_key(|(_, path)| is_stream(path));
    let mut writers = Vec::new();
    for (array, path) in targets {
        writers.push((path.as_path(), write(array, path, overwrite, token)?));
    }
    commit_all(writers, overwrite)
}

/// Completes files whose data have been written: all appear, or none.
pub(crate) fn commit_all(
    writers: Vec<(&Path, NpyWriter)>,
    overwrite: Overwrite,
) -> Result<(), Failure> {
    let mut appeared: Vec<&Path> = Vec::new();
    for (path, writer) in writers {
        if let Err(error) = writer.commit() {
            if overwrite == Overwrite::Refuse {
                take_away(&appeared);
            }
            return Err(failure(path, error));
        }
        appeared.push(path);
    }
    Ok(())
}

/// Writes arrays, each a name, a dtype, a shape and chunks of bytes in C order, to an archive.
pub(crate) fn write_archive<'m, C: Iterator<Item = &'m [u8]>>(
    path: &Path,
    members: impl Iterator<Item = (&'m str, DType, &'m [usize], C)>,
    overwrite: Overwrite,
    token: &CancelToken,
) -> Result<(), Failure> {
    let mut archive = NpzWriter::create(path, overwrite).map_err(|error| failure(path, error))?;
    for (name, dtype, shape, chunks) in members {
        archive.member(name, &header(path, dtype, shape)?)?;
        for chunk in chunks {
            poll(token)?;
            archive.write(chunk)?;
        }
    }
    archive.commit().map_err(|error| failure(path, error))
}

/// The header of an array for that path.
pub(crate) fn header(path: &Path, dtype: DType, shape: &[usize]) -> Result<Header, Failure> {
    Header::new(dtype, shape)
        .map_err(|error| Failure::Run(format!("{}: {error}", escape_path(path))))
}

fn poll(token: &CancelToken) -> Result<(), Failure> {
    if token.is_cancelled() { Err(Failure::Reported(INTERRUPTED)) } else { Ok(()) }
}

/// Does it take data that nobody can take back: standard output, a device, a FIFO?
pub(crate) fn is_stream(path: &Path) -> bool {
    match Output::from_argument(path) {
        Output::Stdout => true,
        Output::Path(path) => path.metadata().is_ok_and(|metadata| !metadata.is_file()),
    }
}

/// Removes files that this run has made.
fn take_away(paths: &[&Path]) {
    for path in paths.iter().filter(|path| !is_stream(path)) {
        // The failure that led here is reported.
        _ = fs::remove_file(path);
    }
}

/// Everything but the commit.
fn write(
    array: &Array,
    path: &Path,
    overwrite: Overwrite,
    token: &CancelToken,
) -> Result<NpyWriter, Failure> {
    let header = header(path, array.dtype(), array.shape())?;
    let output = Output::from_argument(path);
    let mut writer = NpyWriter::create(output, &header, overwrite).map_err(|e| failure(path, e))?;
    for chunk in array.as_bytes().chunks(CHUNK) {
        poll(token)?;
        writer.write(chunk)?;
    }
    Ok(writer)
}

pub(crate) fn failure(path: &Path, error: fuse_npy::Error) -> Failure {
    match error {
        fuse_npy::Error::Exists { .. } => exists_failure(path),
        other => Failure::File(other),
    }
}

#[cfg(test)]
mod tests {
    use fuse::{Complex, DType, Element, F16, InputType};
    use fuse_npy::NpyFile;

    use super::*;
    use crate::value::Value;

    fn round_trip<T: Element>(elements: &[T]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let array = Array::from_slice(elements, &[1, elements.len()]).unwrap();
        let paths = std::slice::from_ref(&path);
        write_all(&[array], paths, Overwrite::Refuse, &CancelToken::new()).unwrap();
        let value = Value::File(NpyFile::open(&path).unwrap());
        assert_eq!((value.dtype(), value.shape()), (T::DTYPE, [1, elements.len()].as_slice()));
        assert_eq!(
            value.as_input().unwrap().ty(),
            InputType::array(T::DTYPE, &[1, elements.len()])
        );
        let Value::File(file) = &value else { unreachable!("made so") };
        let array = Array::from_slice(elements, &[elements.len()]).unwrap();
        assert_eq!(file.view().bytes(), array.as_bytes());
    }

    #[test]
    fn every_dtype_goes_through_a_file() {
        round_trip(&[true, false]);
        round_trip(&[i8::MIN, 1]);
        round_trip(&[i16::MIN, 1]);
        round_trip(&[i32::MIN, 1]);
        round_trip(&[i64::MIN, 1]);
        round_trip(&[u8::MAX, 1]);
        round_trip(&[u16::MAX, 1]);
        round_trip(&[u32::MAX, 1]);
        round_trip(&[u64::MAX, 1]);
        round_trip(&[F16::from_f32(0.1), F16(0x7e00)]);
        round_trip(&[0.1_f32, f32::NAN]);
        round_trip(&[0.1_f64, f64::NEG_INFINITY]);
        round_trip(&[Complex::new(0.1_f32, -0.0)]);
        round_trip(&[Complex::new(0.1_f64, -0.0)]);
        assert_eq!(DType::ALL.len(), 14, "one line each");
    }

    #[test]
    fn one_file_has_many_names() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["a.npy", "b.npy"].map(|name| folder.path().join(name));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(place(&link), place(&file));
        let dotted = folder.path().join(".").join("new.npy");
        assert_eq!(place(&dotted), place(&folder.path().join("new.npy")));
        assert_ne!(place(Path::new("-")), place(Path::new("./-")));
    }
}
