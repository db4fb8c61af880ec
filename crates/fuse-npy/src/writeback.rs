//! Writing back early: one system call that rustix has not.
//!
//! Without it, a file of many gigabytes is written to memory first and to the device at the end, in
//! `fsync`; with it, the device works while the next part is computed.

#![expect(unsafe_code, reason = "a system call through libc")]

use std::fs::File;
use std::os::fd::AsRawFd as _;

/// Begins to write these bytes back. Does nothing where the system cannot.
pub(crate) fn start(file: &File, offset: u64, len: u64) {
    let (Ok(offset), Ok(len)) = (i64::try_from(offset), i64::try_from(len)) else { return };
    if len == 0 {
        return; // which would mean: to the end of the file
    }
    // SAFETY: the descriptor is open, and the call touches no memory of this process.
    _ = unsafe {
        libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE)
    };
}
