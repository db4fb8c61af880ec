//! Input files mapped into memory.
//!
//! A mapped file is read as if it were memory, without a copy. The price is that nobody may change
//! it meanwhile, which no program can make sure of: the user of the command is told to (`--no-mmap`
//! reads instead), and fuse itself never writes into a file, it replaces files by renaming. A file
//! that becomes shorter all the same ends the run with a message: see `sigbus`.

#![expect(unsafe_code, reason = "a mapped file can be changed under the program that reads it")]

use std::path::Path;

use fuse_npy::{Archive, Error, NpyFile};

/// Maps a `.npy` file.
pub(crate) fn map(path: &Path) -> Result<NpyFile, Error> {
    // SAFETY: this process writes to no file in place: its outputs are new files, renamed over old
    // ones. That other processes leave the file alone is the contract of the command, as it is for
    // every program that maps its inputs; `--no-mmap` is there for those who cannot promise it.
    unsafe { NpyFile::map(path) }
}

/// Maps a member of an archive where it is stored; reads it where it is compressed, at most `limit`
/// bytes.
pub(crate) fn map_member(
    archive: &mut Archive,
    name: &str,
    limit: usize,
) -> Result<NpyFile, Error> {
    // SAFETY: as above.
    unsafe { archive.map(name, limit) }
}
