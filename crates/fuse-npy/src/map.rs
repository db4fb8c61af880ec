//! Files mapped into memory: the one file of this crate with unsafe code.
//!
//! A map is fast, since nothing is copied, and it is a promise about the rest of the world that no
//! code here can keep: see [`NpyFile::map`].

#![expect(unsafe_code, reason = "a mapped file can be changed under the program that reads it")]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

use crate::error::Error;
use crate::file::{Data, NpyFile, Opened, io_error, to_u64};

/// Bytes of a file, mapped for reading.
#[derive(Debug)]
pub(crate) struct Map(Mmap);

impl Map {
    /// Maps `len` bytes from `offset` on.
    ///
    /// # Safety
    /// As [`NpyFile::map`], for as long as the map lives.
    unsafe fn new(file: &File, offset: u64, len: usize) -> io::Result<Map> {
        let mut options = MmapOptions::new();
        // SAFETY: that nobody changes the file is what this function's caller promises.
        let map = unsafe { options.offset(offset).len(len).map(file)? };
        Ok(Map(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
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
        let map = unsafe { Map::new(&opened.file, offset, len) };
        match map {
            Ok(map) => Ok(NpyFile::new(opened.header, Data::Mapped(map))),
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                Err(Error::Alloc { path: path.to_owned(), bytes: len })
            }
            Err(error) => Err(io_error(path, "map", error)),
        }
    }
}
