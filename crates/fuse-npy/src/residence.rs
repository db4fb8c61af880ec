//! Which pages of a mapped file are in memory: for programs that walk over more than there is.

#![expect(unsafe_code, reason = "advises the system about mapped pages")]

use std::ops::Range;

use rustix::mm::{Advice, madvise};

use crate::file::{Data, NpyFile};

/// Bytes of the smallest page.
const PAGE: usize = 4096;

impl NpyFile {
    /// Where its data are mapped, if they are.
    pub fn addresses(&self) -> Option<Range<usize>> {
        let bytes = self.mapped()?;
        let start = bytes.as_ptr().addr();
        Some(start..start + bytes.len())
    }

    /// Has these bytes of the data read soon, if they are mapped; a hint.
    pub fn read_ahead(&self, bytes: Range<usize>) {
        self.advise(bytes, Advice::WillNeed);
    }

    /// Takes these bytes of the data out of the process's memory, if they are mapped: whoever reads them gets
    /// them from the file again. A hint.
    pub fn let_go(&self, bytes: Range<usize>) {
        self.advise(bytes, Advice::LinuxDontNeed);
    }

    /// Has the system forget what it notes about pages that were mapped and let go of: 2 MiB for each GiB. Costs
    /// a fault for each page that is still in use.
    pub fn forget_pages(&self) {
        if let Data::Mapped(map) = self.data() {
            // What is not forgotten takes memory, and does no harm.
            _ = map.renew();
        }
    }

    fn mapped(&self) -> Option<&[u8]> {
        match self.data() {
            Data::Mapped(map) => Some(map.bytes()),
            Data::Read(_) => None,
        }
    }

    fn advise(&self, bytes: Range<usize>, advice: Advice) {
        let Some(part) = self.mapped().and_then(|all| all.get(bytes)) else { return };
        let before = part.as_ptr().addr() % PAGE;
        let start = part.as_ptr().wrapping_sub(before).cast_mut().cast();
        // SAFETY: the range begins on the page of its first byte and lies in one mapping of a file, shared and
        // for reading only: its pages are the file's, and hold the same bytes when they are mapped again.
        _ = unsafe { madvise(start, part.len() + before, advice) };
    }
}
