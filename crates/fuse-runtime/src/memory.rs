//! Owned bytes: 64-byte aligned, allocated without aborting, not written yet.
//!
//! Large memory starts on a huge page and asks for huge pages: touching fresh memory costs more than
//! computing on it, and a fault of 2 MiB costs far less than 512 faults of 4 KiB.
//!
//! Invariant: `pointer` is dangling (64-byte aligned, never read) when `bytes` is 0, and otherwise an
//! allocation of `layout`, freed on drop.

#![expect(unsafe_code, reason = "allocates and frees array memory")]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use crate::error::AllocError;

/// Alignment of every array: a cache line, and the widest vector.
pub(crate) const ALIGNMENT: usize = 64;

/// Memory from this size on asks for huge pages.
const LARGE: usize = 4 << 20;
/// Bytes of a huge page on x86-64, and of the smallest one on aarch64 with pages of 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Memory {
    pointer: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the bytes are owned, as those of a `Vec<u8>` are.
unsafe impl Send for Memory {}
// SAFETY: a shared `Memory` gives out no way to write.
unsafe impl Sync for Memory {}

impl Memory {
    /// Memory whose bytes are zero.
    pub(crate) fn zeroed(bytes: usize) -> Result<Memory, AllocError> {
        if bytes < LARGE {
            return Memory::allocate(bytes, alloc_zeroed);
        }
        // Large memory is advised before it is touched.
        let memory = Memory::unwritten(bytes)?;
        // SAFETY: the allocation has that many bytes and is not shared yet.
        unsafe { memory.pointer.write_bytes(0, bytes) };
        Ok(memory)
    }

    /// Memory that must be written before it is read.
    pub(crate) fn unwritten(bytes: usize) -> Result<Memory, AllocError> {
        let memory = Memory::allocate(bytes, alloc)?;
        if bytes >= LARGE {
            memory.advise();
        }
        Ok(memory)
    }

    fn allocate(bytes: usize, with: unsafe fn(Layout) -> *mut u8) -> Result<Memory, AllocError> {
        let refused = AllocError { bytes: bytes as u128 };
        let alignment = if bytes < LARGE { ALIGNMENT } else { HUGE_PAGE };
        let layout = Layout::from_size_align(bytes, alignment).map_err(|_| refused)?;
        if bytes == 0 {
            return Ok(Memory { pointer: layout.dangling_ptr(), layout });
        }
        // SAFETY: the layout is not of size 0.
        let pointer = NonNull::new(unsafe { with(layout) }).ok_or(refused)?;
        Ok(Memory { pointer, layout })
    }

    /// Asks for huge pages; a refusal costs only time.
    #[cfg(target_os = "linux")]
    fn advise(&self) {
        let whole = self.layout.size() / HUGE_PAGE * HUGE_PAGE;
        // SAFETY: the range lies inside the allocation and starts on a page; the advice changes how
        // it is backed, not what it holds.
        let _ = unsafe {
            rustix::mm::madvise(
                self.pointer.as_ptr().cast(),
                whole,
                rustix::mm::Advice::LinuxHugepage,
            )
        };
    }

    #[cfg(not(target_os = "linux"))]
    fn advise(&self) {}

    /// The first byte.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.pointer.as_ptr()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.layout.size() > 0 {
            // SAFETY: `pointer` is an allocation of this layout, by the invariant.
            unsafe { dealloc(self.pointer.as_ptr(), self.layout) };
        }
    }
}

/// Scratch: bytes that are always initialised, grown on demand, contents meaningless between uses.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    memory: Option<Memory>,
}

impl Buffer {
    /// At least that many bytes, 64-byte aligned.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: usize) -> Result<&mut [u8], AllocError> {
        if self.capacity() < bytes {
            self.memory = None;
            self.memory = Some(Memory::zeroed(bytes.next_power_of_two().max(4096))?);
        }
        let Some(memory) = &mut self.memory else { return Ok(&mut []) };
        // SAFETY: the memory was allocated zeroed and holds that many bytes; it is borrowed mutably
        // through `self`.
        Ok(unsafe { std::slice::from_raw_parts_mut(memory.as_ptr(), memory.layout.size()) })
    }

    /// Bytes held.
    pub(crate) fn capacity(&self) -> usize {
        self.memory.as_ref().map_or(0, |memory| memory.layout.size())
    }
}
