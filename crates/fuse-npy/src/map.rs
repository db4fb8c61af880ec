//! Files mapped into memory: the one file of this crate with unsafe code.
//!
//! A map is fast, since nothing is copied, and it is a promise about the rest of the world that no
//! code here can keep: see [`NpyFile::map`]. What has been mapped is noted in `mapped`, for handlers of
//! the signal that a broken promise brings.

#![expect(unsafe_code, reason = "a mapped file can be changed under the program that reads it")]

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use memmap2::{Mmap, MmapOptions};

use crate::archive::{Archive, StoredPlace};
use crate::error::Error;
use crate::file::{Data, NpyFile, Opened, io_error, to_u64};
use crate::mapped::Registration;

/// Bytes of a file, mapped for reading.
#[derive(Debug)]
pub(crate) struct Map {
    /// Gone before the map is, so that nobody finds what is there no longer.
    _registration: Registration,
    map: Mmap,
    path: PathBuf,
    file: File,
    /// Where the mapped bytes end in the file.
    end: u64,
}

impl Map {
    /// Maps `len` bytes from `offset` on.
    ///
    /// # Safety
    /// As [`NpyFile::map`], for as long as the map lives.
    ///
    /// # Errors
    /// [`Error::Shortened`] if the file does not hold them any more, [`Error::Alloc`], [`Error::Io`].
    pub(crate) unsafe fn new(
        path: &Path,
        file: File,
        offset: u64,
        len: usize,
    ) -> Result<Map, Error> {
        let mut options = MmapOptions::new();
        // SAFETY: that nobody changes the file is what this function's caller promises.
        let map = unsafe { options.offset(offset).len(len).map(&file) };
        let map = map.map_err(|error| match error.kind() {
            io::ErrorKind::OutOfMemory => Error::Alloc { path: path.to_owned(), bytes: len },
            _ => io_error(path, "map", error),
        })?;
        let end = offset.saturating_add(to_u64(len));
        let registration = Registration::new(&map, path);
        let map = Map { _registration: registration, map, path: path.to_owned(), file, end };
        map.check_length()?;
        Ok(map)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Maps the same bytes at the same place again: what the system has noted about pages that were read, 2 MiB
    /// for each GiB, is gone then.
    pub(crate) fn renew(&self) -> io::Result<()> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let bytes = self.bytes();
        let before = bytes.as_ptr().addr() % rustix::param::page_size();
        let start = bytes.as_ptr().wrapping_sub(before).cast_mut().cast();
        let offset = self.end - to_u64(bytes.len()) - to_u64(before);
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: the range is that of `self.map`, from its first page to its last byte; it is replaced by the
        // same pages of the same file, with the same rights, in one step: whoever reads meanwhile reads the
        // same bytes.
        unsafe { mmap(start, bytes.len() + before, ProtFlags::READ, flags, &self.file, offset) }?;
        Ok(())
    }

    /// Does the file still hold all that is mapped? What is missing in the middle of a page reads as
    /// zeros, without a signal.
    pub(crate) fn check_length(&self) -> Result<(), Error> {
        match self.file.metadata() {
            Ok(metadata) if metadata.len() < self.end => {
                Err(Error::Shortened { path: self.path.clone() })
            }
            Ok(_) => Ok(()),
            Err(error) => Err(io_error(&self.path, "read", error)),
        }
    }
}

impl NpyFile {
    /// Maps a file instead of reading it; what cannot be mapped (a FIFO, an empty array) is read.
    ///
    /// # Safety
    /// As long as the result lives, no process may
    /// * truncate the file: reading what is gone raises `SIGBUS`, which ends the process unless it
    ///   has a handler for it;
    /// * write to the file: the bytes are lent as `&[u8]`, and changing those is undefined behaviour.
    ///
    /// Replacing the file by renaming another over it is fine; this is what
    /// [`NpyWriter`](crate::NpyWriter) does.
    ///
    /// # Errors
    /// As [`NpyFile::open`].
    pub unsafe fn map(path: &Path) -> Result<NpyFile, Error> {
        let opened = Opened::open(path)?;
        let len = opened.header.data_bytes();
        if !opened.is_regular || len == 0 {
            return opened.read(path);
        }
        let offset = to_u64(opened.header.data_offset());
        // SAFETY: the caller promises that the file keeps its length and its bytes.
        let map = unsafe { Map::new(path, opened.file, offset, len)? };
        Ok(NpyFile::new(opened.header, Data::Mapped(map)))
    }
}

impl Archive {
    /// Opens a member; a stored one is mapped in place, a deflated or an empty one is read.
    ///
    /// The checksum of what is mapped is not looked at: that would read everything twice.
    ///
    /// # Safety
    /// As [`NpyFile::map`], about the archive.
    ///
    /// # Errors
    /// As [`Archive::read`].
    pub unsafe fn map(&mut self, name: &str, limit: usize) -> Result<NpyFile, Error> {
        let Some(place) = self.stored_place(name)? else { return self.read(name, limit) };
        let StoredPlace { path, header, file, offset } = place;
        // SAFETY: the caller promises that the archive keeps its length and its bytes.
        let map = unsafe { Map::new(&path, file, offset, header.data_bytes())? };
        Ok(NpyFile::new(header, Data::Mapped(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_shrinks_before_it_is_mapped_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        std::fs::write(&path, [0; 99]).unwrap();
        let file = || File::open(&path).unwrap();
        // SAFETY: nobody changes the file, and nothing of the map is read.
        let (short, exact) =
            unsafe { (Map::new(&path, file(), 0, 100), Map::new(&path, file(), 0, 99)) };
        let message = format!("{}: the file became shorter while it was read", path.display());
        assert_eq!(short.unwrap_err().to_string(), message);
        assert_eq!(exact.unwrap().bytes(), [0; 99]);
    }
}
