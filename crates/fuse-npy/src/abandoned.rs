//! Temporary names that a process left behind when it was killed.
//!
//! A complete file has a temporary name for the instant before it replaces its target. The name is made of the
//! target's, so that the next process which replaces the target finds it; the file is locked before it has a name,
//! and the lock goes with the process. So a name that exists and is not locked belongs to nobody.
//!
//! Invariants. *Nothing is removed but a regular file of such a name that nobody has locked.* Removing is done under
//! that file's lock, after a look whether the name is still its own: of two processes that find it, one removes it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

/// The temporary name of this number.
pub(crate) fn name(number: u64) -> OsString {
    OsString::from(format!(".fuse-{number:016x}.tmp"))
}

/// Temporary names for a target, the same ones each time.
pub(crate) fn names(target: &OsStr) -> impl Iterator<Item = OsString> {
    let mut hasher = DefaultHasher::new();
    target.hash(&mut hasher);
    let first = hasher.finish();
    (0..).map(move |number| name(first.wrapping_add(number)))
}

/// Locks a file that will have such a name. Where files cannot be locked, none is ever taken for abandoned.
pub(crate) fn mark_as_used(file: &File) {
    _ = rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive);
}

/// Removes the file of this name if it is one that was left behind. Is the name free now?
pub(crate) fn is_removed(folder: &OwnedFd, name: &OsStr) -> bool {
    remove(folder, name).is_ok()
}

fn remove(folder: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    // Neither a link is followed nor a pipe waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    let locked = rustix::fs::fstat(&file)?;
    let named = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let is_same = (locked.st_dev, locked.st_ino) == (named.st_dev, named.st_ino);
    let is_file = FileType::from_raw_mode(locked.st_mode) == FileType::RegularFile;
    if is_same && is_file {
        rustix::fs::unlinkat(folder, name, AtFlags::empty())
    } else {
        Err(Errno::EXIST)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::{AtomicFile, Overwrite};

    /// A folder with a target in it, and the first of the target's temporary names.
    fn scene() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("r");
        fs::write(&target, b"old").unwrap();
        let first = folder.path().join(names(OsStr::new("r")).next().unwrap());
        (folder, target, first)
    }

    fn replace(target: &Path) {
        let file = AtomicFile::create(target, Overwrite::Replace).unwrap();
        file.write_at(0, b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(target).unwrap(), b"new");
    }

    #[test]
    fn what_was_left_behind_goes_when_its_target_is_replaced() {
        let (folder, target, first) = scene();
        fs::write(&first, b"left behind").unwrap();
        replace(&target);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the target alone");
    }

    #[test]
    fn what_is_in_use_stays() {
        let (_folder, target, first) = scene();
        let other = File::create(&first).unwrap();
        mark_as_used(&other);
        replace(&target);
        assert!(first.exists());
        drop(other);
        replace(&target);
        assert!(!first.exists());
    }

    #[test]
    fn what_is_no_file_of_ours_stays() {
        for make in [
            |first: &Path| symlink("elsewhere", first).unwrap(),
            |first: &Path| fs::create_dir(first).unwrap(),
        ] {
            let (folder, target, first) = scene();
            fs::write(folder.path().join("elsewhere"), b"kept").unwrap();
            make(&first);
            replace(&target);
            assert!(first.symlink_metadata().is_ok());
            assert_eq!(fs::read(folder.path().join("elsewhere")).unwrap(), b"kept");
        }
    }

    #[test]
    fn names_are_those_of_the_target() {
        let of = |target: &str| names(OsStr::new(target)).take(2).collect::<Vec<_>>();
        assert_eq!(of("r.npy"), of("r.npy"));
        assert_ne!(of("r.npy"), of("s.npy"));
        assert_ne!(of("r.npy")[0], of("r.npy")[1]);
    }
}
