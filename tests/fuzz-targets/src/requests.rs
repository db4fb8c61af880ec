//! An allocator that remembers the largest request: what a file declares must not be what is asked for.

#![expect(unsafe_code, reason = "an allocator that looks at requests hands them on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, watched. Programs install it; where it is not, no request is seen.
#[derive(Debug)]
pub struct Requests;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

fn see(bytes: usize) {
    LARGEST.fetch_max(bytes, Ordering::Relaxed);
}

// SAFETY: every method hands its arguments to the system's allocator and its answer back.
unsafe impl GlobalAlloc for Requests {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        see(layout.size());
        // SAFETY: as the caller of this method promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        see(layout.size());
        // SAFETY: as the caller of this method promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        see(size);
        // SAFETY: as the caller of this method promises.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller of this method promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// What `run` gives, and the bytes of the largest request meanwhile.
pub(crate) fn largest<T>(run: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.store(0, Ordering::Relaxed);
    let result = run();
    (result, LARGEST.load(Ordering::Relaxed))
}
