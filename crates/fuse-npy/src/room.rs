//! Whether a disk has room, asked before it is taken.
//!
//! `fallocate` of more than there is takes all there is before it fails, and until the file is closed every other
//! program finds a full disk. So what cannot fit is refused first. The answer may be out of date at once: `fallocate`
//! still has the last word.

use std::fs::File;
use std::io;

use rustix::io::Errno;

/// Refuses `len` bytes that the file system of `file` has no room for.
///
/// # Errors
/// `StorageFull`. File systems that do not say how large they are refuse nothing here.
pub fn check_room(file: &File, len: u64) -> io::Result<()> {
    match rustix::fs::fstatvfs(file) {
        // Blocks that only root may use are counted: whoever may not, is refused by `fallocate`.
        Ok(room) if room.f_blocks > 0 && len > room.f_bfree.saturating_mul(room.f_frsize) => {
            Err(Errno::NOSPC.into())
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_room;

    #[test]
    fn more_than_the_disk_has_is_refused_before_it_is_taken() {
        let file = tempfile::tempfile().unwrap();
        assert!(check_room(&file, 1).is_ok());
        // No disk of today has it, and nothing was reserved for the answer.
        let error = check_room(&file, u64::MAX).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(file.metadata().unwrap().len(), 0);
        // Where the size is not known (here: it is none), the system decides.
        if let Ok(status) = std::fs::File::open("/proc/self/status") {
            assert!(check_room(&status, u64::MAX).is_ok());
        }
    }
}
