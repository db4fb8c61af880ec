//! Where an output really goes.
//!
//! ```text
//! path ─ stat ─┬─ folder                      ─▶ an error
//!              ├─ device, FIFO, socket        ─▶ Target::Stream(Write)
//!              └─ regular file, or nothing ─ follow symbolic links ─┬─▶ Target::File { folder, name }
//!                                                                   └─▶ Target::Stream(Append), below /proc
//! ```
//!
//! Links are followed by hand, because renaming over a link would replace the link, and because a
//! link may point to what does not exist yet. `/dev/stdout` leads below `/proc`, where nothing can be
//! renamed: a file that the shell has opened there is appended to.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::error::Error;
use crate::file::io_error;

/// Most symbolic links that are followed, as in Linux.
const MAX_LINKS: usize = 40;

/// What a path stands for, as an output.
#[derive(Debug)]
pub(crate) enum Target {
    /// Something to write to from beginning to end. Not opened yet: a FIFO waits for its reader.
    Stream(StreamMode),
    /// A regular file, there or not.
    File(FileTarget),
}

/// How a stream is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamMode {
    /// Devices, FIFOs.
    Write,
    /// What another program has opened.
    Append,
}

/// A name in a folder.
#[derive(Debug)]
pub(crate) struct FileTarget {
    pub(crate) folder: OwnedFd,
    pub(crate) name: OsString,
    /// The regular file that has this name now.
    pub(crate) existing: Option<Existing>,
}

/// What a new file takes over from the one that it replaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Existing {
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

impl Existing {
    fn of(metadata: &Metadata) -> Existing {
        let mode = metadata.mode() & 0o777;
        Existing { mode, owner: metadata.uid(), group: metadata.gid() }
    }
}

/// Looks at what `path` is, and opens the folder of a file.
pub(crate) fn resolve(path: &Path) -> Result<Target, Error> {
    let existing = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(is_directory(path)),
        Ok(metadata) if metadata.is_file() => Some(Existing::of(&metadata)),
        Ok(_) => return Ok(Target::Stream(StreamMode::Write)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(io_error(path, "open", error)),
    };
    let mut place = path.to_owned();
    for _ in 0..MAX_LINKS {
        let (folder, name) = split(&place).ok_or_else(|| missing_name(path))?;
        let real = fs::canonicalize(&folder).map_err(|error| io_error(path, "create", error))?;
        if real.starts_with("/proc") {
            return Ok(Target::Stream(StreamMode::Append));
        }
        match fs::read_link(&place) {
            Ok(link) => place = folder.join(link),
            Err(error) if is_no_link(&error) => {
                let folder = open_folder(&real).map_err(|error| io_error(path, "create", error))?;
                return Ok(Target::File(FileTarget { folder, name, existing }));
            }
            Err(error) => return Err(io_error(path, "create", error)),
        }
    }
    Err(io_error(path, "create", rustix::io::Errno::LOOP.into()))
}

/// Opens a stream for writing.
pub(crate) fn open_stream(path: &Path, mode: StreamMode) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    match mode {
        StreamMode::Write => options.write(true),
        StreamMode::Append => options.append(true),
    };
    options.open(path).map_err(|error| io_error(path, "open", error))
}

/// Folder and name, unless the path must be a folder: `a/`, `..`, `/`.
fn split(path: &Path) -> Option<(PathBuf, OsString)> {
    if path.as_os_str().as_bytes().ends_with(b"/") {
        return None;
    }
    let name = path.file_name()?.to_owned();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Some((folder.unwrap_or(Path::new(".")).to_owned(), name))
}

/// Did `readlink` find something other than a link, or nothing?
fn is_no_link(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound)
}

/// A folder that may be written but not read can still be used, only not synchronized.
fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(path, flags | OFlags::RDONLY, Mode::empty()) {
        Err(rustix::io::Errno::ACCESS) => {
            rustix::fs::open(path, flags | OFlags::PATH, Mode::empty())
        }
        other => other,
    };
    Ok(opened?)
}

fn is_directory(path: &Path) -> Error {
    Error::IsDirectory { path: path.to_owned() }
}

/// The error for a path that names no file.
fn missing_name(path: &Path) -> Error {
    if path.as_os_str().is_empty() {
        return io_error(path, "create", io::ErrorKind::NotFound.into());
    }
    is_directory(path)
}
