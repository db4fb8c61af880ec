//! What can go wrong with a file, each as one line.
//!
//! [`HeaderError`] is about the bytes of a header alone; its text is at most 200 characters and
//! escaped, whatever the file holds. [`Error`] adds the path. Lower case, no final period.

use std::io;
use std::path::PathBuf;

use crate::descr::UnsupportedDType;
use crate::excerpt::{escape_path, reason};

/// Why bytes are not a header that fuse can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Another kind of file.
    #[error("not a .npy file: it begins with `{found}`")]
    NotNpy {
        /// The first bytes, escaped.
        found: String,
    },
    /// A zip archive, as `np.savez` writes.
    #[error("a zip archive (.npz), not a single .npy array")]
    Archive,
    /// A bare pickle, as `np.load` would accept with `allow_pickle`.
    #[error("a pickle, which is never loaded; save the array with np.save")]
    Pickle,
    /// A version other than 1.0, 2.0 and 3.0.
    #[error("version {major}.{minor} of the .npy format is not supported (1.0, 2.0 and 3.0 are)")]
    Version {
        /// First number.
        major: u8,
        /// Second number.
        minor: u8,
    },
    /// The bytes end before the header does.
    #[error("the header takes {needed} bytes but there are only {actual}")]
    Truncated {
        /// Bytes needed at least.
        needed: usize,
        /// Bytes there are.
        actual: usize,
    },
    /// The length field asks for more than is ever read.
    #[error("the header claims {declared} bytes; at most {limit} are read")]
    TooLong {
        /// What the length field says.
        declared: u32,
        /// The limit.
        limit: usize,
    },
    /// A version 3.0 header that is not UTF-8.
    #[error("the header is not valid UTF-8")]
    NotUtf8,
    /// Not the literal of a Python dictionary.
    #[error("malformed header at byte {at}: expected {expected}, found `{found}`")]
    Syntax {
        /// Byte offset in the header's text.
        at: usize,
        /// What would have been right.
        expected: &'static str,
        /// The text there, escaped and cut.
        found: String,
    },
    /// `descr`, `fortran_order` or `shape` does not occur.
    #[error("the header lacks the key '{key}'")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A key occurs twice.
    #[error("the header has the key '{key}' twice")]
    DuplicateKey {
        /// The key.
        key: &'static str,
    },
    /// A key that the format does not have.
    #[error("the header has the unknown key '{key}'")]
    UnknownKey {
        /// The key, escaped and cut.
        key: String,
    },
    /// A value that its key cannot have.
    #[error("'{key}' should be {expected}, found `{found}`")]
    Value {
        /// The key.
        key: &'static str,
        /// What would have been right.
        expected: &'static str,
        /// The text there, escaped and cut.
        found: String,
    },
    /// More dimensions than an array may have.
    #[error("the array has {rank} or more dimensions; at most {limit} are supported")]
    Rank {
        /// Dimensions counted when reading stopped.
        rank: usize,
        /// The limit.
        limit: usize,
    },
    /// The product of shape and item size does not fit the address space.
    #[error(
        "an array of {item_size}-byte elements and this shape is larger than the address space"
    )]
    TooLarge {
        /// Bytes of one element.
        item_size: usize,
    },
    /// A dtype that NumPy has and fuse has not.
    #[error("dtype `{descr}` ({dtype}) is not supported; {}", dtype.advice())]
    Unsupported {
        /// Which.
        dtype: UnsupportedDType,
        /// As the file has it, escaped and cut.
        descr: String,
    },
}

/// Why an archive cannot be used, or one of its members. Names are escaped and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Another kind of file, or a zip archive that is cut off or damaged.
    #[error("not a zip archive, or a damaged one: {what}")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// No member of that name.
    #[error("the archive has no member `{name}`; it has {known}")]
    NoMember {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A member behind a password.
    #[error("the member is encrypted")]
    Encrypted,
    /// A member in a compression other than deflate.
    #[error("the member is compressed with {method}; only stored and deflated members are read")]
    Method {
        /// What the archive says.
        method: String,
    },
    /// A compressed member larger than the caller allows.
    #[error("the member declares {declared} bytes of data; at most {limit} are decompressed")]
    TooLarge {
        /// Bytes by the header of the array.
        declared: usize,
        /// The limit.
        limit: usize,
    },
    /// A member that goes on behind its array: damage, or an attempt to fill memory.
    #[error("the member goes on behind the {declared} bytes of data that its header declares")]
    TooLong {
        /// Bytes by the header of the array.
        declared: usize,
    },
    /// A name that no member can have.
    #[error("`{name}` cannot be the name of a member")]
    Name {
        /// The name.
        name: String,
    },
    /// Several members of one name, so that it is unclear which is meant.
    #[error("two members are called `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
}

/// Why reading or writing a file failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The header is not one that fuse can read.
    #[error("{}: {source}", escape_path(path))]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: HeaderError,
    },
    /// An archive that cannot be used.
    #[error("{}: {source}", escape_path(path))]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// Less data than the header says.
    #[error(
        "{}: the header declares {declared} bytes of data but the file holds {actual}",
        escape_path(path)
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// Bytes by the header.
        declared: u64,
        /// Bytes there are.
        actual: u64,
    },
    /// A mapped file that holds its array no longer.
    #[error("{}: the file became shorter while it was read", escape_path(path))]
    Shortened {
        /// The file.
        path: PathBuf,
    },
    /// Memory for the data is not to be had.
    #[error("{}: cannot allocate {bytes} bytes", escape_path(path))]
    Alloc {
        /// The file.
        path: PathBuf,
        /// Bytes asked for.
        bytes: usize,
    },
    /// The target exists and [`Overwrite::Refuse`](crate::Overwrite::Refuse) was asked for.
    #[error("{}: the file exists and is not to be replaced", escape_path(path))]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// A folder where a file should be.
    #[error("{}: is a directory", escape_path(path))]
    IsDirectory {
        /// The folder.
        path: PathBuf,
    },
    /// The system refused: see [`Error::io_kind`] for full disks, quotas, permissions.
    #[error("{}: cannot {action}: {}", escape_path(path), reason(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried, as a verb: `open`, `read`, `write`.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A write beyond the array that the header describes.
    #[error(
        "{}: {bytes} bytes at offset {offset} do not fit an array of {declared} bytes",
        escape_path(path)
    )]
    BeyondEnd {
        /// The file.
        path: PathBuf,
        /// Where, from the start of the data.
        offset: u64,
        /// How many.
        bytes: u64,
        /// Bytes by the header.
        declared: u64,
    },
    /// A stream takes its bytes in order only.
    #[error("{}: a stream at offset {position} cannot be written at {offset}", escape_path(path))]
    OutOfOrder {
        /// The stream.
        path: PathBuf,
        /// Where, from the start of the data.
        offset: u64,
        /// Where the stream is.
        position: u64,
    },
    /// Committed before all data were written.
    #[error(
        "{}: {written} bytes were written of the {declared} that the header declares",
        escape_path(path)
    )]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Bytes written.
        written: u64,
        /// Bytes by the header.
        declared: u64,
    },
}

impl Error {
    /// The file that it is about, as the caller named it.
    pub fn path(&self) -> &std::path::Path {
        match self {
            Error::Header { path, .. }
            | Error::Archive { path, .. }
            | Error::Short { path, .. }
            | Error::Shortened { path }
            | Error::Alloc { path, .. }
            | Error::Exists { path }
            | Error::IsDirectory { path }
            | Error::Io { path, .. }
            | Error::BeyondEnd { path, .. }
            | Error::OutOfOrder { path, .. }
            | Error::Incomplete { path, .. } => path,
        }
    }

    /// What kind of refusal an [`Error::Io`] is: `StorageFull`, `QuotaExceeded`, `FileTooLarge`,
    /// `PermissionDenied`, `NotFound`, `BrokenPipe`, …
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::Io { source, .. } => Some(source.kind()),
            Error::Header { .. }
            | Error::Archive { .. }
            | Error::Short { .. }
            | Error::Shortened { .. }
            | Error::Alloc { .. }
            | Error::Exists { .. }
            | Error::IsDirectory { .. }
            | Error::BeyondEnd { .. }
            | Error::OutOfOrder { .. }
            | Error::Incomplete { .. } => None,
        }
    }
}
