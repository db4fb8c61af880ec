//! Address space for results and temporaries that are larger than memory: the one file of this module with
//! unsafe code.
//!
//! ```text
//! reserve   anonymous: zeros that take memory where they are written, and none once they are forgotten
//! spool     an unlinked file, mapped: what is let go of stays in the file
//!           | window 0 | window 1 | …        2 MiB each: complete when all of its bytes have been told
//! ```
//!
//! The memory is lent once, to be written by a call; what the call tells of itself ([`Pager::wrote`]: each
//! byte once, after it has been written, and not written again) says which windows are complete, and only
//! the bytes of these are given out.
//!
//! [`Pager::wrote`]: fuse::raw::Pager::wrote

#![expect(unsafe_code, reason = "lends memory that is written while complete parts of it are read")]

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fuse::raw::ByteOrder;
use fuse::{DType, Layout, ViewMut};
use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};

/// Bytes of a window: a huge page, so that fresh memory costs one fault a window.
pub(crate) const WINDOW: usize = 2 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Memory {
    map: MmapRaw,
    len: usize,
    kind: Kind,
    lent: AtomicBool,
    /// Bytes told of each window.
    written: Vec<AtomicUsize>,
}

/// What is behind the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Reserved,
    Spooled,
}

impl Memory {
    /// Memory for `bytes` bytes that takes none yet.
    pub(crate) fn reserve(bytes: usize) -> io::Result<Memory> {
        let map = MmapOptions::new().len(bytes.max(1)).no_reserve_swap().map_anon()?;
        let map = MmapRaw::from(map);
        // A refusal costs only time.
        _ = map.advise(Advice::HugePage);
        Ok(Memory::over(map, bytes, Kind::Reserved))
    }

    /// Memory of as many bytes in a new file without a name in that folder.
    pub(crate) fn spool(folder: &Path, bytes: usize) -> io::Result<Memory> {
        let file = tempfile::tempfile_in(folder)?;
        // A full disk is an error here; in a map it would be a signal.
        fuse_npy::check_room(&file, bytes as u64)?;
        let flags = rustix::fs::FallocateFlags::empty();
        rustix::fs::fallocate(&file, flags, 0, bytes.max(1) as u64)?;
        let map = MmapOptions::new().len(bytes.max(1)).map_raw(&file)?;
        Ok(Memory::over(map, bytes, Kind::Spooled))
    }

    fn over(map: MmapRaw, len: usize, kind: Kind) -> Memory {
        let written = (0..len.div_ceil(WINDOW)).map(|_| AtomicUsize::new(0)).collect();
        Memory { map, len, kind, lent: AtomicBool::new(false), written }
    }

    /// The addresses of its bytes.
    pub(crate) fn addresses(&self) -> Range<usize> {
        let start = self.map.as_ptr().addr();
        start..start + self.len
    }

    /// Does a file keep what is let go of?
    pub(crate) fn is_spooled(&self) -> bool {
        self.kind == Kind::Spooled
    }

    /// The memory as an array to be written, the first time it is asked for; `None` ever after, and for
    /// a layout that does not lie in it.
    pub(crate) fn lend(
        &self,
        dtype: DType,
        extents: &[usize],
        strides: &[isize],
    ) -> Option<ViewMut<'_>> {
        let layout = Layout { dtype, order: ByteOrder::Native, extents, strides };
        let inside = self.check(&layout).is_some();
        if !inside || self.lent.swap(true, Ordering::Relaxed) {
            return None;
        }
        // SAFETY: the layout lies inside the map, whose memory is readable and writable and lives as long
        // as `self` is borrowed. It is lent once; `window` reads only what is not written any more.
        unsafe { ViewMut::from_raw(self.map.as_mut_ptr(), &layout) }.ok()
    }

    /// Does the layout, of strides that are not negative, lie inside?
    fn check(&self, layout: &Layout<'_>) -> Option<()> {
        if layout.extents.contains(&0) {
            return Some(());
        }
        let mut last = layout.dtype.size();
        for (&extent, &stride) in layout.extents.iter().zip(layout.strides) {
            let steps = extent.checked_sub(1)?;
            last = last.checked_add(steps.checked_mul(usize::try_from(stride).ok()?)?)?;
        }
        (last <= self.len).then_some(())
    }

    /// Notes that the bytes at these addresses have been written; gives the windows that are complete now.
    pub(crate) fn wrote(&self, span: Range<usize>) -> impl Iterator<Item = usize> {
        let addresses = self.addresses();
        let span = span.start.max(addresses.start) - addresses.start
            ..span.end.min(addresses.end).max(addresses.start) - addresses.start;
        let windows = span.start / WINDOW..span.end.div_ceil(WINDOW);
        windows.filter(move |&window| {
            let range = self.range(window);
            let bytes = span.end.min(range.end) - span.start.max(range.start);
            // What others wrote to the window is to be seen by whoever completes it.
            let before = self.written[window].fetch_add(bytes, Ordering::AcqRel);
            before + bytes == range.len()
        })
    }

    /// Which bytes a window has.
    pub(crate) fn range(&self, window: usize) -> Range<usize> {
        window * WINDOW..self.len.min((window + 1) * WINDOW)
    }

    /// Number of windows.
    pub(crate) fn n_windows(&self) -> usize {
        self.written.len()
    }

    /// The bytes of a window that is complete.
    pub(crate) fn window(&self, window: usize) -> Option<&[u8]> {
        let range = self.range(window);
        if self.written.get(window)?.load(Ordering::Acquire) < range.len() {
            return None;
        }
        // SAFETY: the range lies inside the map; all of its bytes have been told as written, and what has
        // been told is not written again while `self` lives, which is what pagers are promised.
        Some(unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(range.start), range.len()) })
    }

    /// Takes no memory any more, where a file keeps what is let go of.
    pub(crate) fn rest(&self) {
        if self.kind == Kind::Spooled {
            // SAFETY: the file keeps what is let go of.
            _ = unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, 0, self.len) };
        }
    }

    /// Takes no memory for a window any more, which is complete. Reserved memory is not given out then.
    pub(crate) fn forget(&self, window: usize) {
        let range = self.range(window);
        match self.kind {
            Kind::Reserved => self.written[window].store(0, Ordering::Release),
            Kind::Spooled => {}
        }
        let advice = UncheckedAdvice::DontNeed;
        // SAFETY: of a spool, the file keeps what is let go of. Reserved memory becomes zeros, which nobody
        // reads: its window counts as not written, so that it is not given out, and the call that wrote it
        // does not read results.
        _ = unsafe { self.map.unchecked_advise_range(advice, range.start, range.len()) };
    }
}
