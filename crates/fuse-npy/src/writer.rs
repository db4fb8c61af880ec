//! Writing `.npy` files: at once or in pieces, into files and into streams.
//!
//! Offsets count from the start of the data. Files take pieces at any offset and from any thread;
//! streams (stdout, pipes, devices) take them in order. `commit` insists that as many bytes were
//! written as the header declares, and only then does a file appear.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::atomic::{AtomicFile, Overwrite};
use crate::error::Error;
use crate::file::{io_error, to_u64};
use crate::header::Header;
use crate::target::{self, Target};

/// Where an array goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// A file, device or FIFO.
    Path(&'a Path),
    /// Standard output.
    Stdout,
}

impl<'a> Output<'a> {
    /// As on a command line: `-` is standard output (and `./-` a file).
    pub fn from_argument(argument: &'a Path) -> Output<'a> {
        if argument.as_os_str() == "-" { Output::Stdout } else { Output::Path(argument) }
    }
}

/// A `.npy` file in the making; dropped without [`NpyWriter::commit`], it leaves nothing behind
/// (what went into a stream is gone).
#[derive(Debug)]
pub struct NpyWriter {
    path: PathBuf,
    /// Bytes of the encoded header.
    data_offset: u64,
    /// Bytes of data that the header declares.
    declared: u64,
    /// Bytes of data written so far.
    written: AtomicU64,
    /// Where [`NpyWriter::write`] goes on.
    position: u64,
    sink: Sink,
}

/// What bytes are written to.
#[derive(Debug)]
enum Sink {
    File(AtomicFile),
    Stream(Mutex<Stream>),
}

/// A file without offsets, and how many bytes of data have gone into it.
#[derive(Debug)]
struct Stream {
    file: File,
    position: u64,
}

/// Writes an array whose bytes come in chunks, in the order of the file.
///
/// # Errors
/// As [`NpyWriter::create`], [`NpyWriter::write`] and [`NpyWriter::commit`]. On failure an existing
/// file is intact, and no new one appears.
pub fn write_array<'a>(
    output: Output<'_>,
    header: &Header,
    overwrite: Overwrite,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), Error> {
    let mut writer = NpyWriter::create(output, header, overwrite)?;
    for chunk in chunks {
        writer.write(chunk)?;
    }
    writer.commit()
}

impl NpyWriter {
    /// Starts a file: writes its header, and reserves room for its data.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::IsDirectory`], or [`Error::Io`] for a missing folder, a lack of
    /// permission, a full disk, a quota, a limit on file size.
    pub fn create(
        output: Output<'_>,
        header: &Header,
        overwrite: Overwrite,
    ) -> Result<NpyWriter, Error> {
        let (path, sink) = open(output, overwrite)?;
        let bytes = header.encode();
        let data_offset = to_u64(bytes.len());
        let declared = to_u64(header.data_bytes());
        match &sink {
            Sink::File(file) => {
                file.reserve(data_offset.saturating_add(declared))?;
                file.write_at(0, &bytes)?;
            }
            Sink::Stream(stream) => {
                let written = lock(stream).file.write_all(&bytes);
                written.map_err(|error| io_error(&path, "write", error))?;
            }
        }
        let written = AtomicU64::new(0);
        Ok(NpyWriter { path, data_offset, declared, written, position: 0, sink })
    }

    /// Appends `bytes` to what was last appended.
    ///
    /// # Errors
    /// As [`NpyWriter::write_at`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write_at(self.position, bytes)?;
        self.position += to_u64(bytes.len());
        Ok(())
    }

    /// Writes `bytes` at `offset` of the data. Threads may do so at once; each byte is to be written
    /// once.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`], [`Error::OutOfOrder`] for streams, [`Error::Io`].
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let len = to_u64(bytes.len());
        self.check_inside(offset, len)?;
        match &self.sink {
            Sink::File(file) => file.write_at(self.data_offset + offset, bytes)?,
            Sink::Stream(stream) => self.write_stream(&mut lock(stream), offset, bytes)?,
        }
        self.written.fetch_add(len, Ordering::Relaxed);
        Ok(())
    }

    /// Reads bytes at `offset` of the data back, as the file has them now: what was written there, zeros where
    /// nothing was. For those who check a file before they commit it.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`], [`Error::Io`]: with `Unsupported` for streams, which nobody can read back.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        self.check_inside(offset, to_u64(bytes.len()))?;
        match &self.sink {
            Sink::File(file) => file.read_at(self.data_offset + offset, bytes),
            Sink::Stream(_) => {
                Err(io_error(&self.path, "read back", io::ErrorKind::Unsupported.into()))
            }
        }
    }

    /// Asks the system to begin to write these bytes of the data to the device, so that
    /// [`NpyWriter::commit`] has less to wait for. A hint: nothing waits for it, nothing fails, and
    /// streams ignore it.
    pub fn sync_range(&self, offset: u64, len: u64) {
        match &self.sink {
            Sink::File(file) => file.sync_range(self.data_offset.saturating_add(offset), len),
            Sink::Stream(_) => {}
        }
    }

    /// Completes the file: it is durable and in its place when this returns.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if bytes are missing, [`Error::Exists`] if the target has appeared
    /// meanwhile and is not to be replaced, [`Error::Io`].
    pub fn commit(self) -> Result<(), Error> {
        let written = self.written.load(Ordering::Relaxed);
        if written != self.declared {
            let declared = self.declared;
            return Err(Error::Incomplete { path: self.path, written, declared });
        }
        match self.sink {
            Sink::File(file) => file.commit(),
            Sink::Stream(stream) => {
                let synced = sync_stream(&lock(&stream).file);
                synced.map_err(|error| io_error(&self.path, "write", error))
            }
        }
    }

    /// Refuses bytes that the header does not declare.
    fn check_inside(&self, offset: u64, bytes: u64) -> Result<(), Error> {
        let declared = self.declared;
        match offset.checked_add(bytes) {
            Some(end) if end <= declared => Ok(()),
            Some(_) | None => {
                Err(Error::BeyondEnd { path: self.path.clone(), offset, bytes, declared })
            }
        }
    }

    fn write_stream(&self, stream: &mut Stream, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let position = stream.position;
        if offset != position {
            return Err(Error::OutOfOrder { path: self.path.clone(), offset, position });
        }
        let written = stream.file.write_all(bytes);
        written.map_err(|error| io_error(&self.path, "write", error))?;
        stream.position += to_u64(bytes.len());
        Ok(())
    }
}

/// What to write to, and its name for messages.
fn open(output: Output<'_>, overwrite: Overwrite) -> Result<(PathBuf, Sink), Error> {
    let (path, file) = match output {
        Output::Path(path) => match target::resolve(path)? {
            Target::File(target) => {
                let file = AtomicFile::at(path, target, overwrite)?;
                return Ok((path.to_owned(), Sink::File(file)));
            }
            Target::Stream(mode) => (path.to_owned(), target::open_stream(path, mode)?),
        },
        Output::Stdout => {
            let path = PathBuf::from("standard output");
            let stdout = io::stdout().as_fd().try_clone_to_owned();
            let stdout = stdout.map_err(|error| io_error(&path, "open", error))?;
            (path, File::from(stdout))
        }
    };
    Ok((path, Sink::Stream(Mutex::new(Stream { file, position: 0 }))))
}

/// Makes data durable where that has a meaning: a file behind stdout, a block device.
fn sync_stream(file: &File) -> io::Result<()> {
    match rustix::io::retry_on_intr(|| rustix::fs::fsync(file)) {
        Ok(()) | Err(Errno::INVAL | Errno::ROFS | Errno::NOTSUP | Errno::NOSYS) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// A stream whose writer panicked is still a stream: its position is set only after a write.
fn lock(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}
