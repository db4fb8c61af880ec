//! Reading `.npz` archives, as `np.savez` and `np.savez_compressed` write them.
//!
//! ```text
//! central directory ─▶ members: name without .npy, stored or deflated
//! member ─ local header ─▶ .npy header ─┬─ deflated          decompressed into memory, checksum compared
//!                                       └─ stored ─┬─ read   the same without decompression
//!                                                  └─ map    a range of the archive, checked against its length
//! ```
//!
//! Invariants. *Names are compared and shown, never used as paths.* Memory follows the `.npy` header
//! of a member and grows as its bytes arrive; what the archive says about sizes is believed nowhere:
//! a member must hold exactly the array that its header declares, and at most what the caller allows.
//! Local headers must agree with the central directory. Two members of one name make the archive
//! ambiguous, so it is refused as a whole.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use zip::read::{ZipFile, ZipReadOptions};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{ArchiveError, Error};
use crate::excerpt::{escape_path, lower_first};
use crate::file::{Data, FIRST_STEP, NpyFile, io_error, read_data, read_header, to_u64};
use crate::header::Header;

/// Most names that a message lists.
const MAX_LISTED: usize = 20;

/// How a member lies in its archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Storage {
    /// As it is: can be mapped.
    Stored,
    /// Compressed.
    Deflated,
    /// Encrypted, or compressed in another way: cannot be read.
    Other,
}

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    name: String,
    storage: Storage,
}

impl Member {
    /// Its name without `.npy`. It comes from the archive: not escaped, and not a path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it lies in the archive.
    pub fn storage(&self) -> Storage {
        self.storage
    }
}

/// An open archive.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    /// The same file as `zip` reads, for maps.
    file: File,
    zip: ZipArchive<BufReader<File>>,
    members: Vec<Member>,
}

/// Where the data of a stored member are.
pub(crate) struct StoredPlace {
    /// Archive and member, for messages.
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    pub(crate) file: File,
    /// Bytes from the start of the archive.
    pub(crate) offset: u64,
}

type Entry<'a> = ZipFile<'a, BufReader<File>>;

impl Archive {
    /// Opens an archive and reads its directory.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be opened or read, [`Error::IsDirectory`],
    /// [`Error::Archive`] where it is no archive, or holds two members of one name.
    pub fn open(path: &Path) -> Result<Archive, Error> {
        let file = File::open(path).map_err(|source| io_error(path, "open", source))?;
        let metadata = file.metadata().map_err(|source| io_error(path, "open", source))?;
        if metadata.is_dir() {
            return Err(Error::IsDirectory { path: path.to_owned() });
        }
        let damaged = |what: &str| archive_error(path, damaged(what));
        if !metadata.is_file() {
            return Err(damaged("not a regular file, which is needed to find the members"));
        }
        let reader = file.try_clone().map_err(|source| io_error(path, "open", source))?;
        let zip = ZipArchive::new(BufReader::new(reader)).map_err(|error| failure(path, error))?;
        if zip.has_duplicate_names() {
            return Err(damaged("two members have the same name"));
        }
        let members = members(path, &zip)?;
        Ok(Archive { path: path.to_owned(), file, zip, members })
    }

    /// The members, in the order of the archive's directory.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// What a member says about its array; of its data nothing is read.
    ///
    /// # Errors
    /// As [`Archive::read`].
    pub fn header(&mut self, name: &str) -> Result<Header, Error> {
        let path = self.member_path(name);
        read_header(&path, &mut self.entry(name)?)
    }

    /// Reads a member into memory, at most `limit` bytes of data, and compares its checksum.
    ///
    /// # Errors
    /// [`Error::Archive`] where there is no such member, where it cannot be decompressed, or holds
    /// more than it should; [`Error::Header`] where it is no `.npy` file; [`Error::Short`],
    /// [`Error::Alloc`], [`Error::Io`].
    pub fn read(&mut self, name: &str, limit: usize) -> Result<NpyFile, Error> {
        let path = self.member_path(name);
        let mut entry = self.entry(name)?;
        let header = read_header(&path, &mut entry)?;
        let declared = header.data_bytes();
        if entry.compression() == CompressionMethod::Stored {
            check_stored(&path, &header, entry.compressed_size())?;
        } else if declared > limit {
            return Err(archive_error(&path, ArchiveError::TooLarge { declared, limit }));
        }
        let data = read_data(&path, &mut entry, &header, FIRST_STEP)?;
        // The checksum is compared where the member ends.
        match entry.read(&mut [0]).map_err(|source| io_error(&path, "read", source))? {
            0 => Ok(NpyFile::new(header, Data::Read(data))),
            _ => Err(archive_error(&path, ArchiveError::TooLong { declared })),
        }
    }

    /// Where to map a member; nothing if it is deflated or empty.
    pub(crate) fn stored_place(&mut self, name: &str) -> Result<Option<StoredPlace>, Error> {
        let path = self.member_path(name);
        let mut entry = self.entry(name)?;
        let header = read_header(&path, &mut entry)?;
        if entry.compression() != CompressionMethod::Stored || header.data_bytes() == 0 {
            return Ok(None);
        }
        check_stored(&path, &header, entry.compressed_size())?;
        let start = entry.data_start().unwrap_or(u64::MAX);
        drop(entry);
        let offset = start.saturating_add(to_u64(header.data_offset()));
        let file = self.file.try_clone();
        let file = file.map_err(|source| io_error(&path, "open", source))?;
        let len = file.metadata().map_err(|source| io_error(&path, "open", source))?.len();
        let (declared, actual) = (to_u64(header.data_bytes()), len.saturating_sub(offset));
        if actual < declared {
            return Err(Error::Short { path, declared, actual });
        }
        Ok(Some(StoredPlace { path, header, file, offset }))
    }

    /// `archive.npz:member`, for messages.
    fn member_path(&self, name: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(":");
        path.push(name);
        path.into()
    }

    /// A member, as a stream of its bytes.
    fn entry(&mut self, name: &str) -> Result<Entry<'_>, Error> {
        let Some(index) = self.members.iter().position(|member| member.name == name) else {
            let (name, known) = (escape_path(Path::new(name)), self.listed());
            return Err(archive_error(&self.path, ArchiveError::NoMember { name, known }));
        };
        let path = self.member_path(name);
        let data = self.zip.by_index_data(index).map_err(|error| failure(&path, error))?;
        if data.encrypted() {
            return Err(archive_error(&path, ArchiveError::Encrypted));
        }
        let method = data.compression();
        if storage(method) == Storage::Other {
            let method = method.to_string().to_lowercase();
            return Err(archive_error(&path, ArchiveError::Method { method }));
        }
        let options = ZipReadOptions::new().enforce_header_consistency(true);
        self.zip.by_index_with_options(index, options).map_err(|error| failure(&path, error))
    }

    /// The names of the members, for messages.
    pub fn listed(&self) -> String {
        let names = self.members.iter().map(|member| escape_path(Path::new(&member.name)));
        let mut listed: Vec<String> =
            names.take(MAX_LISTED).map(|name| format!("`{name}`")).collect();
        match self.members.len() {
            0 => return "none".to_owned(),
            n if n > MAX_LISTED => listed.push(format!("{} more", n - MAX_LISTED)),
            _ => {}
        }
        listed.join(", ")
    }
}

/// Names and storage, from the directory alone.
fn members(path: &Path, zip: &ZipArchive<BufReader<File>>) -> Result<Vec<Member>, Error> {
    let mut members: Vec<Member> = Vec::new();
    for index in 0..zip.len() {
        let entry = zip.by_index_data(index).map_err(|error| failure(path, error))?;
        let name: Cow<'_, str> = entry.name().map_err(|error| failure(path, error))?;
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        let storage = if entry.encrypted() { Storage::Other } else { storage(entry.compression()) };
        members.push(Member { name, storage });
    }
    let mut names: Vec<&str> = members.iter().map(Member::name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            let name = escape_path(Path::new(pair[0]));
            Err(archive_error(path, ArchiveError::Duplicate { name }))
        }
        None => Ok(members),
    }
}

fn storage(method: CompressionMethod) -> Storage {
    match method {
        CompressionMethod::Stored => Storage::Stored,
        CompressionMethod::Deflated => Storage::Deflated,
        // The library's list, which it may extend.
        _ => Storage::Other,
    }
}

/// A stored member holds its header and its array, and nothing else.
fn check_stored(path: &Path, header: &Header, size: u64) -> Result<(), Error> {
    let declared = header.data_bytes();
    let actual = size.saturating_sub(to_u64(header.data_offset()));
    if actual < to_u64(declared) {
        return Err(Error::Short { path: path.to_owned(), declared: to_u64(declared), actual });
    }
    if actual > to_u64(declared) {
        return Err(archive_error(path, ArchiveError::TooLong { declared }));
    }
    Ok(())
}

fn archive_error(path: &Path, source: ArchiveError) -> Error {
    Error::Archive { path: path.to_owned(), source }
}

fn damaged(what: &str) -> ArchiveError {
    let what = lower_first(what);
    let what = match what.as_str() {
        "could not find EOCD" => "there is no directory at its end".to_owned(),
        _ if what.starts_with("unexpected end of") => "a part of it is missing".to_owned(),
        // It may quote the archive.
        _ => escape_path(Path::new(&what)),
    };
    ArchiveError::Damaged { what }
}

/// What the zip library reports while it reads.
fn failure(path: &Path, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) => io_error(path, "read", source),
        ZipError::InvalidArchive(what) => archive_error(path, damaged(&what)),
        ZipError::UnsupportedArchive(what) => archive_error(path, damaged(what)),
        // The library's list, which it may extend.
        other => archive_error(path, damaged(&other.to_string())),
    }
}
