//! Writing `.npz` archives: several named arrays in one file, as `np.savez` does.
//!
//! ```text
//! create ─▶ member(a) write… ─▶ member(b) write… ─▶ commit
//!           └ local header, .npy header, data ┘       └ central directory, then as AtomicFile
//! ```
//!
//! Members are stored, not compressed, and their data start at multiples of 64, so that they can be
//! mapped. The size of each is known from its header, hence ZIP64 exactly where it is needed.
//!
//! Invariants. *The archive appears complete or not at all, like any [`AtomicFile`]; it is refused as
//! long as a member lacks bytes, and after any failure.* The zip library finishes an archive that is
//! dropped and says on standard error when it cannot: it is let do so into nothing ([`Tape`]).

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::atomic::{AtomicFile, Overwrite};
use crate::error::{ArchiveError, Error};
use crate::excerpt::excerpt;
use crate::file::{io_error, to_u64};
use crate::header::Header;

/// Data start at a multiple of this, since `.npy` headers take a multiple of it.
const ALIGNMENT: u16 = 64;

/// A member of so many bytes takes ZIP64.
const LARGE: u64 = 0xffff_ffff;

/// Most bytes of a member's name, its `.npy` included.
const MAX_NAME_BYTES: usize = 0xffff;

/// An archive in the making; dropped without [`NpzWriter::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct NpzWriter {
    path: PathBuf,
    /// Nothing after a failure.
    zip: Option<ZipWriter<Tape>>,
    is_abandoned: Arc<AtomicBool>,
    names: Vec<String>,
    /// Bytes of data that the member at work declares.
    declared: u64,
    /// How many of them have been written.
    written: u64,
}

impl NpzWriter {
    /// Starts an archive that [`NpzWriter::commit`] will put at `path`.
    ///
    /// # Errors
    /// As [`AtomicFile::create`]; an archive cannot go into a stream.
    pub fn create(path: &Path, overwrite: Overwrite) -> Result<NpzWriter, Error> {
        let file = AtomicFile::create(path, overwrite)?;
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let tape = Tape { file, is_abandoned: Arc::clone(&is_abandoned), position: 0, end: 0 };
        let (path, zip) = (path.to_owned(), Some(ZipWriter::new(tape)));
        Ok(NpzWriter { path, zip, is_abandoned, names: Vec::new(), declared: 0, written: 0 })
    }

    /// Begins a member after the last, which must be complete. `name` is without `.npy`, as in
    /// `np.savez(name=…)`. Room is reserved for the data, which [`NpzWriter::write`] takes.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if bytes of the last member are missing, [`Error::Archive`] for a name
    /// that is taken or cannot be one, [`Error::Io`] for a full disk, a quota, a limit on file size.
    pub fn member(&mut self, name: &str, header: &Header) -> Result<(), Error> {
        self.check_complete()?;
        self.check_name(name)?;
        let bytes = header.encode();
        let declared = to_u64(header.data_bytes());
        let size = declared.saturating_add(to_u64(bytes.len()));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(size >= LARGE)
            .with_alignment(ALIGNMENT);
        self.step(|zip| {
            zip.start_file(format!("{name}.npy"), options)?;
            zip.get_ref().map_or(Ok(()), |tape| tape.file.reserve_plain(tape.end, size))?;
            Ok(zip.write_all(&bytes)?)
        })?;
        self.names.push(name.to_owned());
        (self.declared, self.written) = (declared, 0);
        Ok(())
    }

    /// Appends `bytes` to the data of the last member.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] beyond what its header declares, [`Error::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (len, offset, declared) = (to_u64(bytes.len()), self.written, self.declared);
        if len > declared - offset {
            return Err(Error::BeyondEnd { path: self.path.clone(), offset, bytes: len, declared });
        }
        self.step(|zip| Ok(zip.write_all(bytes)?))?;
        self.written += len;
        Ok(())
    }

    /// Completes the archive: it is durable and in its place when this returns.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if bytes are missing or a step has failed, and as
    /// [`AtomicFile::commit`].
    pub fn commit(mut self) -> Result<(), Error> {
        self.check_complete()?;
        let Some(zip) = self.zip.take() else { return Err(self.incomplete()) };
        let tape = zip.finish().map_err(|error| failure(&self.path, error))?;
        tape.file.commit()
    }

    /// Runs a step; if it fails, there is no next one.
    fn step(
        &mut self,
        work: impl FnOnce(&mut ZipWriter<Tape>) -> Result<(), ZipError>,
    ) -> Result<(), Error> {
        let Some(zip) = &mut self.zip else { return Err(self.incomplete()) };
        work(zip).map_err(|error| {
            self.abandon();
            failure(&self.path, error)
        })
    }

    /// Lets go of the file: nothing is written any more.
    fn abandon(&mut self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
        self.zip = None;
    }

    fn check_complete(&self) -> Result<(), Error> {
        if self.written == self.declared { Ok(()) } else { Err(self.incomplete()) }
    }

    fn incomplete(&self) -> Error {
        let (written, declared) = (self.written, self.declared);
        Error::Incomplete { path: self.path.clone(), written, declared }
    }

    fn check_name(&self, name: &str) -> Result<(), Error> {
        let source = if name.is_empty() || name.len() + ".npy".len() > MAX_NAME_BYTES {
            ArchiveError::Name { name: excerpt(name.as_bytes()) }
        } else if self.names.iter().any(|taken| taken == name) {
            ArchiveError::Duplicate { name: excerpt(name.as_bytes()) }
        } else {
            return Ok(());
        };
        Err(Error::Archive { path: self.path.clone(), source })
    }
}

impl Drop for NpzWriter {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// A file with a position, as the zip library wants it; once abandoned, it takes everything and
/// writes nothing.
#[derive(Debug)]
struct Tape {
    file: AtomicFile,
    is_abandoned: Arc<AtomicBool>,
    position: u64,
    end: u64,
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_abandoned.load(Ordering::Relaxed) {
            self.file.write_plain_at(self.position, bytes)?;
        }
        self.position = self.position.saturating_add(to_u64(bytes.len()));
        self.end = self.end.max(self.position);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Tape {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// What the zip library reports while it writes: the system's error, or a limit of the format.
fn failure(path: &Path, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) => io_error(path, "write", source),
        other => io_error(path, "write", io::Error::other(other.to_string())),
    }
}
