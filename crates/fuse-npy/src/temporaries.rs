//! Names of files in the making: what must go when a signal ends the process.
//!
//! Most outputs have no name until they are complete. Where the file system cannot make such files,
//! and for an instant before an existing file is replaced, they have a temporary one. `Drop` removes
//! it; a signal that ends the process runs no `Drop`, but its handler can call
//! [`remove_temporaries`]. A handler may not allocate or wait, so the names stand in a table of fixed
//! size, every cell of it an atomic.
//!
//! Invariants. *A name is in the table before the file has it. What is removed is the file that was noted*: names
//! made of a target's are those of other processes too, so the file's inode is noted with them. A slot is published
//! by the store of `folder`, after the rest.

#![expect(unsafe_code, reason = "a descriptor out of a table of numbers")]

use std::ffi::{CStr, OsStr};
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};

use rustix::fs::AtFlags;

/// Files in the making that are known at a time.
const SLOTS: usize = 64;
/// Bytes of a name, the zero at its end included: `.fuse-0123456789abcdef.tmp` has 26.
const NAME_BYTES: usize = 32;

/// The `folder` of a slot that nobody uses.
const FREE: RawFd = -1;
/// The `folder` of a slot that is being filled.
const TAKEN: RawFd = -2;

/// The `inode` of a file that is not there yet, and whose name nobody else takes.
const NOT_YET: u64 = 0;

struct Slot {
    folder: AtomicI32,
    inode: AtomicU64,
    name: [AtomicU8; NAME_BYTES],
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        folder: AtomicI32::new(FREE),
        inode: AtomicU64::new(NOT_YET),
        name: [const { AtomicU8::new(0) }; NAME_BYTES],
    }
}; SLOTS];

impl Slot {
    fn is_taken_by_this_call(&self) -> bool {
        self.folder.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn publish(&self, folder: RawFd, name: &[u8], inode: Option<u64>) {
        self.inode.store(inode.unwrap_or(NOT_YET), Ordering::Relaxed);
        let padded = name.iter().copied().chain(std::iter::repeat(0));
        for (cell, byte) in self.name.iter().zip(padded) {
            cell.store(byte, Ordering::Relaxed);
        }
        self.folder.store(folder, Ordering::Release);
    }

    fn name(&self) -> [u8; NAME_BYTES] {
        let mut bytes = [0; NAME_BYTES];
        for (byte, cell) in bytes.iter_mut().zip(&self.name) {
            *byte = cell.load(Ordering::Relaxed);
        }
        bytes
    }
}

/// A row of the table, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Registration(Option<usize>);

impl Registration {
    /// Notes a name in a folder, of this file if it is there already. Nothing happens where the table is full.
    pub(crate) fn new(folder: &OwnedFd, name: &OsStr, inode: Option<u64>) -> Registration {
        let fits = name.len() < NAME_BYTES;
        let index = TABLE.iter().position(|slot| fits && slot.is_taken_by_this_call());
        if let Some(slot) = index.and_then(|index| TABLE.get(index)) {
            slot.publish(folder.as_raw_fd(), name.as_bytes(), inode);
        }
        Registration(index)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(slot) = self.0.and_then(|index| TABLE.get(index)) {
            slot.folder.store(FREE, Ordering::Release);
        }
    }
}

/// Removes the temporary names of all files in the making. Async-signal-safe: for handlers of signals
/// that end the process, and for whatever else ends it without dropping its writers. A writer whose
/// name is gone fails in `commit`.
pub fn remove_temporaries() {
    for slot in &TABLE {
        let folder = slot.folder.load(Ordering::Acquire);
        let (name, inode) = (slot.name(), slot.inode.load(Ordering::Relaxed));
        let Ok(name) = CStr::from_bytes_until_nul(&name) else { continue };
        if folder >= 0 {
            // SAFETY: the folder is open as long as its row is there. Should its writer be dropped
            // in this instant, the number is one of a closed or of another file, where the call
            // fails or finds no file of this random name; nothing is read or written through it.
            let folder = unsafe { BorrowedFd::borrow_raw(folder) };
            let named = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
            if inode == NOT_YET || named.is_ok_and(|named| named.st_ino == inode) {
                // Nobody is left to tell.
                _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn of_a_name_that_another_process_has_nothing_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "temporaries::tests::child_removes_what_is_its_own"]);
        // Its words are not this run's.
        assert!(child.env("FUSE_NPY_CHILD", folder.path()).output().unwrap().status.success());
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["others"]);
    }

    /// In a process of its own: others have temporaries too.
    #[test]
    fn child_removes_what_is_its_own() {
        let Some(path) = std::env::var_os("FUSE_NPY_CHILD").map(PathBuf::from) else { return };
        let folder = OwnedFd::from(fs::File::open(&path).unwrap());
        let inode_of = |name: &str| {
            fs::write(path.join(name), b"").unwrap();
            path.join(name).metadata().unwrap().ino()
        };
        let (own, others) = (inode_of("own"), inode_of("others"));
        inode_of("named");
        let _rows = [("own", Some(own)), ("others", Some(others + 1)), ("named", None)]
            .map(|(name, inode)| Registration::new(&folder, OsStr::new(name), inode));
        remove_temporaries();
    }
}
