//! Results in files: all of them appear complete, or none is touched before all are written.

use std::io::{IsTerminal as _, stdout};
use std::path::{Path, PathBuf};

use fuse::{Array, CancelToken};
use fuse_npy::{Header, NpyWriter, Output, Overwrite, escape_path};

use crate::failure::{Failure, INTERRUPTED};

/// Bytes written between two looks at the token: 8 MiB.
const CHUNK: usize = 8 << 20;

/// Refuses, before anything runs, what would be refused in the end.
pub(crate) fn check_targets(paths: &[PathBuf], overwrite: Overwrite) -> Result<(), Failure> {
    for (position, path) in paths.iter().enumerate() {
        if paths[..position].contains(path) {
            let message = format!("`{}` is given as output twice", escape_path(path));
            return Err(Failure::Usage(message));
        }
        match Output::from_argument(path) {
            Output::Stdout => check_stdout()?,
            Output::Path(path) => check_file(path, overwrite)?,
        }
    }
    Ok(())
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
    let mut writers = Vec::new();
    for (array, path) in arrays.iter().zip(paths) {
        writers.push((path, write(array, path, overwrite, token)?));
    }
    for (path, writer) in writers {
        writer.commit().map_err(|error| failure(path, error))?;
    }
    Ok(())
}

/// Everything but the commit.
fn write(
    array: &Array,
    path: &Path,
    overwrite: Overwrite,
    token: &CancelToken,
) -> Result<NpyWriter, Failure> {
    let header = Header::new(array.dtype(), array.shape())
        .map_err(|error| Failure::Run(format!("{}: {error}", escape_path(path))))?;
    let output = Output::from_argument(path);
    let mut writer = NpyWriter::create(output, &header, overwrite).map_err(|e| failure(path, e))?;
    for chunk in array.as_bytes().chunks(CHUNK) {
        if token.is_cancelled() {
            return Err(Failure::Reported(INTERRUPTED));
        }
        writer.write(chunk)?;
    }
    Ok(writer)
}

fn failure(path: &Path, error: fuse_npy::Error) -> Failure {
    match error {
        fuse_npy::Error::Exists { .. } => exists_failure(path),
        other => Failure::File(other),
    }
}
