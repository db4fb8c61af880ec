//! NumPy `.npy` files for fuse: headers, mapped views, atomic output.
//!
//! ```text
//! bytes ─ literal ─▶ dict ─▶ Header ─┬─ NpyFile::open, read_from   (safe, through reads) ─┐
//!            descr ──┘               └─ NpyFile::map               (unsafe, no copy)     ─┼▶ NpyView
//! .npz ─▶ Archive ─ member ─┬─ Archive::read   (safe, decompressed, checksum)            ─┤
//!                           └─ Archive::map    (unsafe, no copy where it is stored)      ─┘
//! Header::encode ─▶ NpyWriter ─┬─ AtomicFile   a new file, visible only when complete
//!                  NpzWriter ──┤
//!                              └─ a stream     stdout, pipes, devices; no archives
//! ```
//!
//! * [`Header`] is what a file says about its array. It can only exist with a supported dtype, at
//!   most 64 dimensions, and a size in bytes that fits the address space.
//! * [`NpyFile`] is an array from a file or from an [`Archive`], [`NpyView`] its bytes, shape and
//!   strides.
//! * [`NpyWriter`] and [`write_array`] write one, [`NpzWriter`] several; [`AtomicFile`] is the part
//!   that is not about `.npy`.
//! * [`mapped_file_at`] and [`remove_temporaries`] are for handlers of signals.
//!
//! Invariants. *No input makes this crate panic, allocate by an unchecked length, or unpickle. An
//! output is either the old file or the complete new one. Nothing is left behind by a writer that is
//! dropped.* Unsafe code is in `map.rs` and `spool.rs`, and in files of one system call each: `residence.rs`, `temporaries.rs`,
//! `writeback.rs`.

#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_os = "linux"))]
compile_error!("fuse-npy runs on Linux only");

mod abandoned;
mod archive;
mod atomic;
mod descr;
mod dict;
mod error;
mod excerpt;
mod file;
mod header;
mod literal;
mod map;
mod mapped;
mod npz;
mod residence;
mod room;
mod spool;
mod target;
mod temporaries;
mod view;
mod writeback;
mod writer;

pub use archive::{Archive, Member, Storage};
pub use atomic::{AtomicFile, Overwrite};
pub use descr::UnsupportedDType;
pub use error::{ArchiveError, Error, HeaderError};
pub use excerpt::escape_path;
pub use file::NpyFile;
pub use header::{Header, MAX_HEADER_BYTES};
pub use mapped::{MappedFile, mapped_file_at};
pub use npz::NpzWriter;
pub use room::check_room;
pub use spool::Spool;
pub use temporaries::remove_temporaries;
pub use view::{NpyView, Strides};
pub use writer::{NpyWriter, Output, write_array};
