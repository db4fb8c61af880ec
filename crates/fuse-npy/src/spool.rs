//! Arrays that are read, and do not fit memory: copied to a file without a name, which is mapped.
//!
//! Unlike a file that has a name, nobody else can change or truncate it.

#![expect(unsafe_code, reason = "maps a file that nobody else can reach")]

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::Error;
use crate::file::{Data, FIRST_STEP, NpyFile, io_error, read_data, read_header, to_u64};
use crate::map::Map;

/// Where arrays go that are read, and from how many bytes on.
#[derive(Clone, Copy, Debug)]
pub struct Spool<'a> {
    /// Larger arrays do not stay in memory.
    pub above: usize,
    /// The folder of files without a name.
    pub folder: &'a Path,
}

impl NpyFile {
    /// As [`NpyFile::open`], for arrays of any size.
    ///
    /// # Errors
    /// As [`NpyFile::open`], and [`Error::Io`] where the folder has no room.
    pub fn open_spooled(path: &Path, spool: Spool<'_>) -> Result<NpyFile, Error> {
        let file = File::open(path).map_err(|error| io_error(path, "open", error))?;
        let metadata = file.metadata().map_err(|error| io_error(path, "open", error))?;
        if metadata.is_dir() {
            return Err(Error::IsDirectory { path: path.to_owned() });
        }
        NpyFile::read_spooled(path, file, spool)
    }

    /// As [`NpyFile::read_from`], for arrays of any size.
    ///
    /// # Errors
    /// As [`NpyFile::read_from`], and [`Error::Io`] where the folder has no room.
    pub fn read_spooled(
        name: &Path,
        mut reader: impl Read,
        spool: Spool<'_>,
    ) -> Result<NpyFile, Error> {
        let header = read_header(name, &mut reader)?;
        let len = header.data_bytes();
        if len <= spool.above.max(1) {
            let data = read_data(name, &mut reader, &header, FIRST_STEP)?;
            return Ok(NpyFile::new(header, Data::Read(data)));
        }
        let refused = |error: io::Error| io_error(spool.folder, "keep the array", error);
        let mut file = tempfile::tempfile_in(spool.folder).map_err(refused)?;
        let copied = io::copy(&mut reader.take(to_u64(len)), &mut file);
        let actual = copied.map_err(|error| match error.kind() {
            // Whichever side failed: a disk that is full is the spool's.
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => refused(error),
            _ => io_error(name, "read", error),
        })?;
        let declared = to_u64(len);
        if actual < declared {
            return Err(Error::Short { path: name.to_owned(), declared, actual });
        }
        // SAFETY: the file has no name and this is its only descriptor: nobody changes it, or its length.
        let map = unsafe { Map::new(name, file, 0, len)? };
        Ok(NpyFile::new(header, Data::Mapped(map)))
    }
}
