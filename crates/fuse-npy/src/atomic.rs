//! Files that appear complete or not at all.
//!
//! ```text
//! create   open(folder, O_TMPFILE)           a file without a name: gone if the process dies
//! reserve  fstatvfs, fallocate                a full disk is an error here, before any work
//! write_at pwrite, from any thread            never a map: a full disk would be SIGBUS there
//! commit   fsync ─┬─ Refuse   linkat(target)                 fails if the target exists
//!                 └─ Replace  linkat(temporary) ─ rename(target)      ─▶ fsync(folder)
//! ```
//!
//! Where the file system has no `O_TMPFILE` (or `/proc` is missing, without which such a file cannot
//! be linked), the file has a temporary name from the start. `Drop` removes it, and so does
//! [`remove_temporaries`](crate::remove_temporaries) for handlers of signals.
//!
//! Invariants. *Until `commit` has renamed or linked, the target is untouched. After it, the target is
//! the whole new file. A drop at any other point leaves no name behind.* A process killed between link and
//! rename leaves one temporary, whose name is that of its target; the next one that replaces the target removes it
//! ([`crate::abandoned`]). Killed anywhere without `O_TMPFILE`, it leaves one that nobody removes.
//! A limit on file size (`ulimit -f`) is checked before writing, since the system would send
//! `SIGXFSZ`. An existing target keeps its permissions, and its owner where that is allowed.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags, RenameFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Resource, getrlimit};

use crate::abandoned;
use crate::error::Error;
use crate::file::{io_error, to_u64};
use crate::room::check_room;
use crate::target::{self, FileTarget, Target};
use crate::temporaries::Registration;
use crate::writeback;

/// Temporary names that are tried before giving up.
const MAX_ATTEMPTS: usize = 100;

/// What to do about a target that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// An error, without a race: of two writers one gets it.
    Refuse,
    /// Replace it once the new file is complete.
    Replace,
}

/// A file in the making.
#[derive(Debug)]
pub struct AtomicFile {
    /// As the caller named it.
    path: PathBuf,
    file: File,
    folder: OwnedFd,
    /// The target's name in the folder.
    name: OsString,
    /// The name in the folder that the file has by now, if any.
    temporary: Option<Temporary>,
    overwrite: Overwrite,
    /// Bytes beyond which the system would send a signal.
    size_limit: u64,
}

/// A temporary name, and the note of it for handlers of signals.
#[derive(Debug)]
struct Temporary {
    name: OsString,
    _registration: Registration,
}

/// Opens a new file of this mode in the folder; gives its name too if it had to have one.
type OpenTemporary = fn(&OwnedFd, Mode) -> Result<(File, Option<Temporary>), Errno>;

impl AtomicFile {
    /// A new empty file that [`AtomicFile::commit`] will put at `path`. Symbolic links are followed.
    ///
    /// # Errors
    /// [`Error::Exists`] under [`Overwrite::Refuse`], [`Error::IsDirectory`], [`Error::Io`] for a
    /// missing or read-only folder and for a `path` that is no regular file.
    pub fn create(path: &Path, overwrite: Overwrite) -> Result<AtomicFile, Error> {
        match target::resolve(path)? {
            Target::File(target) => AtomicFile::at(path, target, overwrite),
            Target::Stream(_) => Err(io_error(path, "replace", io::ErrorKind::InvalidInput.into())),
        }
    }

    /// The same for a target that has been looked at.
    pub(crate) fn at(
        path: &Path,
        target: FileTarget,
        overwrite: Overwrite,
    ) -> Result<AtomicFile, Error> {
        AtomicFile::start(path, target, overwrite, open_unnamed)
    }

    fn start(
        path: &Path,
        target: FileTarget,
        overwrite: Overwrite,
        open: OpenTemporary,
    ) -> Result<AtomicFile, Error> {
        let FileTarget { folder, name, existing } = target;
        if existing.is_some() && overwrite == Overwrite::Refuse {
            return Err(Error::Exists { path: path.to_owned() });
        }
        let mode = existing.map_or(0o666, |existing| existing.mode);
        let (file, temporary) = open(&folder, Mode::from_raw_mode(mode))
            .map_err(|errno| io_error(path, "create", errno.into()))?;
        let path = path.to_owned();
        let size_limit = getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX);
        let atomic = AtomicFile { path, file, folder, name, temporary, overwrite, size_limit };
        if let Some(existing) = existing {
            // Only root may give files away; elsewhere the file is simply the caller's.
            _ = fchown(&atomic.file, Some(existing.owner), Some(existing.group));
            let permissions = Permissions::from_mode(mode);
            atomic.check("create", atomic.file.set_permissions(permissions))?;
        }
        Ok(atomic)
    }

    /// Reserves room for `len` bytes, so that a full disk shows before any work is done. Does
    /// nothing on file systems that cannot.
    ///
    /// # Errors
    /// [`Error::Io`] with `StorageFull`, `QuotaExceeded` or `FileTooLarge`.
    pub fn reserve(&self, len: u64) -> Result<(), Error> {
        self.check("write", self.reserve_range(0, len, FallocateFlags::empty()))
    }

    /// Reserves room for `len` bytes from `offset` on; the file grows only when they are written.
    pub(crate) fn reserve_plain(&self, offset: u64, len: u64) -> io::Result<()> {
        self.reserve_range(offset, len, FallocateFlags::KEEP_SIZE)
    }

    fn reserve_range(&self, offset: u64, len: u64, flags: FallocateFlags) -> io::Result<()> {
        self.check_size(offset, len)?;
        if len == 0 {
            return Ok(());
        }
        check_room(&self.file, len)?;
        match retry_on_intr(|| rustix::fs::fallocate(&self.file, flags, offset, len)) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Asks the system to begin to write these bytes of the file to the device. A hint: it may be
    /// ignored, nothing waits for it, and what fails shows in [`AtomicFile::commit`].
    pub fn sync_range(&self, offset: u64, len: u64) {
        writeback::start(&self.file, offset, len);
    }

    /// Writes `bytes` at `offset`. Threads may do so at once.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.check("write", self.write_plain_at(offset, bytes))
    }

    /// The same with the system's own error.
    pub(crate) fn write_plain_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check_size(offset, to_u64(bytes.len()))?;
        self.file.write_all_at(bytes, offset)
    }

    /// Reads back what has been written at `offset`; a short file is an error.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        self.check("read back", self.file.read_exact_at(bytes, offset))
    }

    /// Puts the file in its place, durably.
    ///
    /// # Errors
    /// [`Error::Exists`] if the target has appeared under [`Overwrite::Refuse`], else
    /// [`Error::Io`]. The old file is intact, unless synchronizing the folder is what failed: then
    /// the new file is in place but may not survive a power cut.
    pub fn commit(mut self) -> Result<(), Error> {
        self.check("write", self.file.sync_all())?;
        let published = self.publish();
        match published {
            Err(Errno::EXIST) => return Err(Error::Exists { path: self.path.clone() }),
            Err(Errno::ISDIR) => return Err(Error::IsDirectory { path: self.path.clone() }),
            other => self.check("create", other.map_err(io::Error::from))?,
        }
        match retry_on_intr(|| rustix::fs::fsync(&self.folder)) {
            // A folder that cannot be read, or a file system without this.
            Ok(()) | Err(Errno::BADF | Errno::INVAL | Errno::ROFS) => Ok(()),
            Err(errno) => self.check("write", Err(errno.into())),
        }
    }

    /// Gives the complete file its name.
    fn publish(&mut self) -> Result<(), Errno> {
        let temporary = self.temporary.as_ref().map(|temporary| temporary.name.clone());
        match (temporary, self.overwrite) {
            (None, Overwrite::Refuse) => link_unnamed(&self.file, &self.folder, &self.name),
            (None, Overwrite::Replace) => {
                abandoned::mark_as_used(&self.file);
                let inode = rustix::fs::fstat(&self.file)?.st_ino;
                let names = (abandoned::names(&self.name), Some(inode));
                let (temporary, ()) = with_new_name(&self.folder, names, |name| {
                    link_unnamed(&self.file, &self.folder, name)
                })?;
                self.temporary = Some(temporary);
                self.publish()
            }
            (Some(temporary), Overwrite::Replace) => {
                rustix::fs::renameat(&self.folder, &temporary, &self.folder, &self.name)?;
                self.temporary = None;
                Ok(())
            }
            (Some(temporary), Overwrite::Refuse) => self.publish_new(&temporary),
        }
    }

    /// Moves the temporary to a name that must be free.
    fn publish_new(&mut self, temporary: &OsStr) -> Result<(), Errno> {
        let (folder, name) = (&self.folder, &self.name);
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(folder, temporary, folder, name, flags) {
            Ok(()) => self.temporary = None,
            // Without this flag: a second name, and Drop removes the first.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                rustix::fs::linkat(folder, temporary, folder, name, AtFlags::empty())?;
            }
            Err(errno) => return Err(errno),
        }
        Ok(())
    }

    /// Refuses what would end in `SIGXFSZ`.
    fn check_size(&self, offset: u64, len: u64) -> io::Result<()> {
        match offset.checked_add(len) {
            Some(end) if end <= self.size_limit => Ok(()),
            Some(_) | None => Err(Errno::FBIG.into()),
        }
    }

    fn check(&self, action: &'static str, result: io::Result<()>) -> Result<(), Error> {
        result.map_err(|source| io_error(&self.path, action, source))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nobody is left to tell if this fails.
            _ = rustix::fs::unlinkat(&self.folder, &temporary.name, AtFlags::empty());
        }
    }
}

/// A file without a name; a named one where the file system has no such files, or where there is no
/// `/proc` to link them by.
fn open_unnamed(folder: &OwnedFd, mode: Mode) -> Result<(File, Option<Temporary>), Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::TMPFILE;
    match rustix::fs::openat(folder, ".", flags, mode) {
        Ok(file) if rustix::fs::stat(descriptor_path(&file)).is_ok() => Ok((file.into(), None)),
        Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
            open_named(folder, mode)
        }
        Err(errno) => Err(errno),
    }
}

fn open_named(folder: &OwnedFd, mode: Mode) -> Result<(File, Option<Temporary>), Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let open = |name: &OsStr| rustix::fs::openat(folder, name, flags, mode);
    // Each state has keys of its own.
    let random = || RandomState::new().hash_one(std::process::id());
    let names = std::iter::repeat_with(random).map(abandoned::name);
    let (temporary, file) = with_new_name(folder, (names, None), open)?;
    Ok((file.into(), Some(temporary)))
}

/// Does something with names in turn until one is free, or becomes free. A name is noted before the file has it,
/// with the file's inode if that is known.
fn with_new_name<T>(
    folder: &OwnedFd,
    (names, inode): (impl Iterator<Item = OsString>, Option<u64>),
    mut attempt: impl FnMut(&OsStr) -> Result<T, Errno>,
) -> Result<(Temporary, T), Errno> {
    for name in names.take(MAX_ATTEMPTS) {
        let registration = Registration::new(folder, &name, inode);
        let mut result = attempt(&name);
        if matches!(result, Err(Errno::EXIST)) && abandoned::is_removed(folder, &name) {
            result = attempt(&name);
        }
        match result {
            Ok(value) => return Ok((Temporary { name, _registration: registration }, value)),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::BUSY)
}

/// Gives a file without a name this one, which must be free.
fn link_unnamed(file: &File, folder: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    rustix::fs::linkat(CWD, descriptor_path(file), folder, name, AtFlags::SYMLINK_FOLLOW)
}

/// The link that the system keeps for an open file.
fn descriptor_path(file: &impl std::os::fd::AsFd) -> String {
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn start_named(path: &Path, overwrite: Overwrite) -> AtomicFile {
        match target::resolve(path).unwrap() {
            Target::File(target) => AtomicFile::start(path, target, overwrite, open_named).unwrap(),
            Target::Stream(_) => panic!("not a regular file"),
        }
    }

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_named_temporary_is_removed_or_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        let dropped = start_named(&path, Overwrite::Refuse);
        assert_eq!(names(folder.path()).len(), 1);
        drop(dropped);
        assert!(names(folder.path()).is_empty());

        let file = start_named(&path, Overwrite::Refuse);
        file.write_at(0, b"one").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");

        let file = start_named(&path, Overwrite::Replace);
        file.write_at(0, b"two").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["r"]);
    }

    #[test]
    fn a_temporary_name_goes_with_a_process_that_drops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "atomic::tests::child_ends_without_drop"]);
        let status = child.env("FUSE_NPY_CHILD", folder.path()).status().unwrap();
        assert_eq!(status.code(), Some(7));
        assert_eq!(names(folder.path()), ["seen"]);
    }

    #[test]
    #[expect(clippy::exit, reason = "the end that the test is about")]
    fn child_ends_without_drop() {
        let Some(folder) = std::env::var_os("FUSE_NPY_CHILD").map(PathBuf::from) else { return };
        let _first = start_named(&folder.join("r"), Overwrite::Refuse);
        let _second = start_named(&folder.join("s"), Overwrite::Refuse);
        if names(&folder).len() == 2 {
            fs::write(folder.join("seen"), b"").unwrap();
        }
        crate::remove_temporaries();
        std::process::exit(7);
    }

    #[test]
    fn a_target_that_appears_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        let named = start_named(&path, Overwrite::Refuse);
        let unnamed = AtomicFile::create(&path, Overwrite::Refuse).unwrap();
        fs::write(&path, b"other").unwrap();
        assert!(matches!(named.commit(), Err(Error::Exists { .. })));
        assert!(matches!(unnamed.commit(), Err(Error::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"other");
        assert_eq!(names(folder.path()), ["r"]);
    }
}
