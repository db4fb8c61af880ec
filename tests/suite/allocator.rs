//! The suite's allocator: the system's, counting what each thread asks for, and the bytes of all threads.

#![expect(unsafe_code, reason = "an allocator that counts hands requests on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static REQUESTS: Cell<usize> = const { Cell::new(0) };
}

/// Bytes that all threads hold, and the most that they held since [`peak`] last looked.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

/// Counts memory that was got; a request that was refused is none.
fn take(memory: *mut u8, bytes: usize) -> *mut u8 {
    if !memory.is_null() {
        let held = HELD.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
        MOST.fetch_max(held, Ordering::Relaxed);
    }
    memory
}

fn give_back(bytes: usize) {
    HELD.fetch_sub(bytes, Ordering::Relaxed);
}

fn count() {
    // A thread that is ending has no counter any more, and nobody to read it.
    _ = REQUESTS.try_with(|requests| requests.set(requests.get() + 1));
}

// SAFETY: every method hands its arguments to the system's allocator and its answer back; counting
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller of this method promises.
        take(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller of this method promises.
        take(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller of this method promises.
        let moved = take(unsafe { System.realloc(memory, layout, size) }, size);
        // Both were held while the system copied.
        if !moved.is_null() {
            give_back(layout.size());
        }
        moved
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: as the caller of this method promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `call` gives, and how often this thread asked for memory meanwhile.
pub(crate) fn counted<R>(call: impl FnOnce() -> R) -> (R, usize) {
    let before = REQUESTS.with(Cell::get);
    let result = call();
    (result, REQUESTS.with(Cell::get) - before)
}

/// What `call` gives, and how many bytes more than before all threads of the process held at most.
/// Other threads' memory counts too: for a process in which nothing else runs.
pub(crate) fn peak<R>(call: impl FnOnce() -> R) -> (R, usize) {
    let before = HELD.load(Ordering::SeqCst);
    MOST.store(before, Ordering::SeqCst);
    let result = call();
    (result, MOST.load(Ordering::SeqCst) - before)
}

#[test]
fn requests_are_counted() {
    assert_eq!(counted(|| Vec::<u8>::with_capacity(100)).1, 1);
    assert_eq!(counted(|| 1 + 1), (2, 0));
}
