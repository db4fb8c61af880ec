//! Reading `.npy` files through reads: safe whatever happens to the file meanwhile.
//!
//! A regular file is compared with its header before any memory is asked for; a stream (pipe,
//! stdin, FIFO) is read in steps that double, so that a header which lies costs no memory. Bytes
//! after the data are left alone, as NumPy leaves them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, HeaderError};
use crate::header::Header;
use crate::map::Map;
use crate::view::NpyView;

/// Bytes reserved at first for a stream of unknown length: 16 MiB.
pub(crate) const FIRST_STEP: usize = 16 << 20;

/// An array from a `.npy` file: its header and its data, read or mapped.
#[derive(Debug)]
pub struct NpyFile {
    header: Header,
    data: Data,
}

/// Where the data are.
#[derive(Debug)]
pub(crate) enum Data {
    /// Exactly the declared bytes.
    Read(Vec<u8>),
    /// Exactly the declared bytes of the file.
    Mapped(Map),
}

impl NpyFile {
    /// Reads a file, or whatever else can be opened: a FIFO, `/dev/stdin`.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be opened or read, [`Error::IsDirectory`],
    /// [`Error::Header`], [`Error::Short`] where it is cut off, [`Error::Alloc`].
    pub fn open(path: &Path) -> Result<NpyFile, Error> {
        Opened::open(path)?.read(path)
    }

    /// Reads from a stream, which is left at the end of the data; `name` is for messages.
    ///
    /// # Errors
    /// As [`NpyFile::open`].
    pub fn read_from(name: &Path, mut reader: impl Read) -> Result<NpyFile, Error> {
        let header = read_header(name, &mut reader)?;
        let data = read_data(name, &mut reader, &header, FIRST_STEP)?;
        Ok(NpyFile::new(header, Data::Read(data)))
    }

    /// `data` holds the bytes that `header` declares.
    pub(crate) fn new(header: Header, data: Data) -> NpyFile {
        NpyFile { header, data }
    }

    /// What the file says about its array.
    pub fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    /// Does a mapped file still hold the array? What is taken away in the middle of a page reads as
    /// zeros and raises no signal: a result is to be trusted if this succeeds afterwards. Arrays that
    /// were read are never affected.
    ///
    /// # Errors
    /// [`Error::Shortened`], [`Error::Io`].
    pub fn check_length(&self) -> Result<(), Error> {
        match &self.data {
            Data::Read(_) => Ok(()),
            Data::Mapped(map) => map.check_length(),
        }
    }

    /// The array.
    pub fn view(&self) -> NpyView<'_> {
        let bytes = match &self.data {
            Data::Read(bytes) => bytes,
            Data::Mapped(map) => map.bytes(),
        };
        NpyView::new(&self.header, bytes)
    }
}

/// A file whose header has been read; if it is a regular one, it holds the declared data.
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) header: Header,
    pub(crate) is_regular: bool,
}

impl Opened {
    pub(crate) fn open(path: &Path) -> Result<Opened, Error> {
        let mut file = File::open(path).map_err(|source| io_error(path, "open", source))?;
        let metadata = file.metadata().map_err(|source| io_error(path, "open", source))?;
        if metadata.is_dir() {
            return Err(Error::IsDirectory { path: path.to_owned() });
        }
        let header = read_header(path, &mut file)?;
        let is_regular = metadata.is_file();
        let declared = to_u64(header.data_bytes());
        let actual = metadata.len().saturating_sub(to_u64(header.data_offset()));
        if is_regular && actual < declared {
            return Err(Error::Short { path: path.to_owned(), declared, actual });
        }
        Ok(Opened { file, header, is_regular })
    }

    /// Reads the data.
    pub(crate) fn read(mut self, path: &Path) -> Result<NpyFile, Error> {
        let step = if self.is_regular { self.header.data_bytes() } else { FIRST_STEP };
        let data = read_data(path, &mut self.file, &self.header, step)?;
        Ok(NpyFile::new(self.header, Data::Read(data)))
    }
}

/// Reads a header and nothing beyond it.
pub(crate) fn read_header(path: &Path, reader: &mut impl Read) -> Result<Header, Error> {
    let mut bytes = Vec::new();
    loop {
        // Each round needs more than the last, and never more than the longest header.
        let (needed, source) = match Header::parse(&bytes) {
            Ok(header) => return Ok(header),
            Err(source @ HeaderError::Truncated { needed, .. }) => (needed, source),
            Err(source) => return Err(Error::Header { path: path.to_owned(), source }),
        };
        let missing = needed.saturating_sub(bytes.len());
        let read = reader.by_ref().take(to_u64(missing)).read_to_end(&mut bytes);
        match read.map_err(|source| io_error(path, "read", source))? {
            0 => return Err(Error::Header { path: path.to_owned(), source }),
            _ => continue,
        }
    }
}

/// Reads exactly the declared bytes; memory is reserved `first_step` bytes at first, then twice as
/// much each time.
pub(crate) fn read_data(
    path: &Path,
    reader: &mut impl Read,
    header: &Header,
    first_step: usize,
) -> Result<Vec<u8>, Error> {
    let declared = header.data_bytes();
    let alloc = || Error::Alloc { path: path.to_owned(), bytes: declared };
    let mut data = Vec::new();
    while data.len() < declared {
        let step = (declared - data.len()).min(first_step.max(data.len()));
        data.try_reserve_exact(step).map_err(|_| alloc())?;
        let read = reader.by_ref().take(to_u64(step)).read_to_end(&mut data);
        let read = read.map_err(|source| match source.kind() {
            io::ErrorKind::OutOfMemory => alloc(),
            _ => io_error(path, "read", source),
        })?;
        if read < step {
            let (declared, actual) = (to_u64(declared), to_u64(data.len()));
            return Err(Error::Short { path: path.to_owned(), declared, actual });
        }
    }
    Ok(data)
}

/// An [`Error::Io`].
pub(crate) fn io_error(path: &Path, action: &'static str, source: io::Error) -> Error {
    Error::Io { path: path.to_owned(), action, source }
}

/// A length in memory as a length in a file.
pub(crate) fn to_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
