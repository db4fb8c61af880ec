//! `fuse info FILE…`: what files say about their arrays, as lines or as JSON.
//!
//! A `.npy` file has one array, an archive one a member. Of the data nothing is read. A file that
//! cannot be described is an error at once, and the others are described all the same.

use std::io::{StdoutLock, Write as _};
use std::path::{Path, PathBuf};

use fuse::DType;
use fuse::raw::{ByteOrder, shape_text};
use fuse_npy::{Archive, Error, Header, HeaderError, Storage, escape_path};
use serde::Serialize;

use crate::explain::json;
use crate::failure::{Failure, RUN};
use crate::map;

/// How files are described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Lines,
    Json,
}

/// Describes files on standard output.
pub(crate) fn describe(
    out: &mut StdoutLock<'_>,
    paths: &[PathBuf],
    form: Form,
) -> Result<(), Failure> {
    let mut all = Vec::new();
    let mut failed = false;
    for path in paths {
        for described in describe_file(path) {
            match described {
                Ok(description) if form == Form::Json => all.push(description),
                Ok(description) => writeln!(out, "{}", description.line())?,
                Err(error) => {
                    if let Some(message) = Failure::File(error).message(fuse::Color::Never) {
                        eprintln!("{message}");
                    }
                    failed = true;
                }
            }
        }
    }
    if form == Form::Json {
        writeln!(out, "{}", json(&all)?)?;
    }
    if failed { Err(Failure::Reported(RUN)) } else { Ok(()) }
}

/// An array in a file.
#[derive(Debug, Serialize)]
struct Description {
    /// As a binding has it: `x.npy`, `a.npz:x`.
    name: String,
    dtype: String,
    shape: Vec<usize>,
    fortran_order: bool,
    /// Nothing where elements are single bytes.
    byte_order: Option<&'static str>,
    /// Of data.
    bytes: usize,
    /// How a member lies in its archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<&'static str>,
}

impl Description {
    fn new(name: String, header: &Header, storage: Option<Storage>) -> Description {
        Description {
            name,
            dtype: header.dtype().to_string(),
            shape: header.shape().to_vec(),
            fortran_order: header.fortran_order(),
            byte_order: byte_order(header),
            bytes: header.data_bytes(),
            storage: storage.and_then(storage_text),
        }
    }

    /// `x.npy: f64 (1000, 3), C order, 24000 bytes`.
    fn line(&self) -> String {
        let order = if self.fortran_order { "Fortran order" } else { "C order" };
        let swapped = if self.byte_order == Some("big") { ", big-endian" } else { "" };
        let storage = self.storage.map(|storage| format!(", {storage}")).unwrap_or_default();
        let (name, dtype, shape) = (&self.name, &self.dtype, shape_text(&self.shape));
        format!("{name}: {dtype} {shape}, {order}{swapped}, {} bytes{storage}", self.bytes)
    }
}

fn describe_file(path: &Path) -> Vec<Result<Description, Error>> {
    match map::map(path) {
        Ok(file) => vec![Ok(Description::new(escape_path(path), file.header(), None))],
        Err(Error::Header { source: HeaderError::Archive, .. }) => describe_archive(path),
        Err(error) => vec![Err(error)],
    }
}

fn describe_archive(path: &Path) -> Vec<Result<Description, Error>> {
    let mut archive = match Archive::open(path) {
        Ok(archive) => archive,
        Err(error) => return vec![Err(error)],
    };
    let members = archive.members().to_vec();
    let describe = |member: &fuse_npy::Member| {
        let name = format!("{}:{}", escape_path(path), escape_path(Path::new(member.name())));
        let header = archive.header(member.name())?;
        Ok(Description::new(name, &header, Some(member.storage())))
    };
    members.iter().map(describe).collect()
}

fn byte_order(header: &Header) -> Option<&'static str> {
    let (native, swapped) =
        if cfg!(target_endian = "little") { ("little", "big") } else { ("big", "little") };
    match (header.dtype(), header.byte_order()) {
        (DType::Bool | DType::I8 | DType::U8 | DType::Bytes(_), _) => None,
        (_, ByteOrder::Native) => Some(native),
        (_, ByteOrder::Swapped) => Some(swapped),
    }
}

fn storage_text(storage: Storage) -> Option<&'static str> {
    match storage {
        Storage::Stored => Some("stored"),
        Storage::Deflated => Some("deflated"),
        _ => None,
    }
}
