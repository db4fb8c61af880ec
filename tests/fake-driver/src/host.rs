//! Memory of the caller's process: pinned, which the device copies from and to when it gets to it, and
//! any other, which it copies while the call lasts.

#![expect(unsafe_code, reason = "shares memory with the caller, as the driver does")]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;

/// Alignment of pinned memory: a page.
const ALIGNMENT: usize = 4096;

/// What freed memory is filled with, so that whoever reads it still reads no data of theirs.
const FREED: u8 = 0xdb;

/// Pinned memory: its bytes, by address.
#[derive(Debug, Default)]
pub(crate) struct Pinned {
    buffers: BTreeMap<usize, Layout>,
}

impl Pinned {
    /// Allocates; `None` where there is none, or for 0 bytes.
    pub(crate) fn alloc(&mut self, bytes: usize) -> Option<usize> {
        let layout = Layout::from_size_align(bytes, ALIGNMENT).ok().filter(|it| it.size() > 0)?;
        // SAFETY: the layout has bytes.
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            return None;
        }
        let address = start.expose_provenance();
        self.buffers.insert(address, layout);
        Some(address)
    }

    /// Frees what was allocated; `None` where nothing was, there.
    pub(crate) fn free(&mut self, address: usize) -> Option<()> {
        let layout = self.buffers.remove(&address)?;
        let start = std::ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: allocated with this layout, and not freed since: it was in the table.
        unsafe {
            start.write_bytes(FREED, layout.size());
            dealloc(start, layout);
        }
        Some(())
    }

    /// Does this range lie in pinned memory?
    pub(crate) fn holds(&self, address: usize, bytes: usize) -> bool {
        let before = self.buffers.range(..=address).next_back();
        before.is_some_and(|(start, layout)| address - start + bytes <= layout.size())
    }

    /// Reads pinned memory; `None` where it is not.
    pub(crate) fn read(&self, address: usize, bytes: usize) -> Option<Vec<u8>> {
        // SAFETY: allocated, as was asked.
        self.holds(address, bytes).then(|| unsafe { read(address, bytes) })
    }

    /// Writes pinned memory; `None` where it is not.
    pub(crate) fn write(&mut self, address: usize, bytes: &[u8]) -> Option<()> {
        // SAFETY: allocated, as was asked.
        self.holds(address, bytes.len()).then(|| unsafe { write(address, bytes) })
    }

    /// Buffers that were not freed.
    pub(crate) fn count(&self) -> usize {
        self.buffers.len()
    }
}

/// Reads the caller's memory.
///
/// # Safety
/// It may be read.
pub(crate) unsafe fn read(address: usize, bytes: usize) -> Vec<u8> {
    let start = std::ptr::with_exposed_provenance::<u8>(address);
    let mut read = vec![0; bytes];
    // SAFETY: the caller's promise; the vector is as long.
    unsafe { start.copy_to_nonoverlapping(read.as_mut_ptr(), bytes) };
    read
}

/// Writes the caller's memory.
///
/// # Safety
/// It may be written.
pub(crate) unsafe fn write(address: usize, bytes: &[u8]) {
    let start = std::ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the caller's promise.
    unsafe { start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
}
