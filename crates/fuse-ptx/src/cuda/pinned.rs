//! Host memory that the device copies from and to by itself, beside everything else.
//!
//! ```text
//! send:     bytes ──memcpy──▶ buffer ══device══▶ device memory       busy until `done` has passed
//! receive:  device memory ══device══▶ buffer   collect:  buffer ──memcpy──▶ bytes
//! ```
//!
//! The device's copies run after the call that enqueues them has returned. **Invariant**: whenever one
//! may be under way, `busy` holds and `done` is recorded behind it; every access to the memory, and its
//! end, waits for `done` first.

#![expect(unsafe_code, reason = "shares host memory with a device")]

use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use super::driver::{Context, Event, Span, Stream};
use super::functions::Failure;

/// A buffer.
pub(super) struct Pinned {
    context: Arc<Context>,
    start: NonNull<u8>,
    len: usize,
    done: Event,
    busy: bool,
}

// SAFETY: owns its memory, as a `Vec` does.
unsafe impl Send for Pinned {}

impl Pinned {
    pub(super) fn new(context: &Arc<Context>, len: usize) -> Result<Pinned, Failure> {
        let done = Event::new(context)?;
        let mut start = null_mut();
        // SAFETY: writes the address of `len` bytes that are ours until they are freed.
        unsafe { context.enter()?.cuMemHostAlloc(&raw mut start, len, 0) }?;
        // It is never null; were it, that would be a refusal.
        let start = NonNull::new(start.cast::<u8>())
            .ok_or(Failure { call: "cuMemHostAlloc", code: super::driver::code::OUT_OF_MEMORY })?;
        Ok(Pinned { context: Arc::clone(context), start, len, done, busy: false })
    }

    /// Takes the bytes, and enqueues their copy to the device.
    pub(super) fn send(&mut self, stream: &Stream, to: Span, from: &[u8]) -> Result<(), Failure> {
        assert!(from.len() <= self.len, "more bytes than the buffer has");
        assert_eq!(to.bytes(), from.len(), "as many bytes as are copied");
        self.settle()?;
        let functions = self.context.enter()?;
        // SAFETY: the buffer is as large as was asserted, and nobody reads it: it is settled.
        unsafe { self.start.copy_from_nonoverlapping(NonNull::from(from).cast(), from.len()) };
        let start = self.start.as_ptr().cast();
        // SAFETY: reads the buffer, which stays as it is while `busy`, and writes a span as long.
        unsafe { functions.cuMemcpyHtoDAsync_v2(to.address(), start, to.bytes(), stream.handle) }?;
        self.mark(stream)
    }

    /// Enqueues a copy from the device.
    pub(super) fn receive(&mut self, stream: &Stream, from: Span) -> Result<(), Failure> {
        assert!(from.bytes() <= self.len, "more bytes than the buffer has");
        self.settle()?;
        let functions = self.context.enter()?;
        let start = self.start.as_ptr().cast();
        // SAFETY: reads a span, and writes as much of the buffer, which nobody else does while `busy`.
        unsafe {
            functions.cuMemcpyDtoHAsync_v2(start, from.address(), from.bytes(), stream.handle)
        }?;
        self.mark(stream)
    }

    /// Waits for the bytes that were received, and gives them.
    pub(super) fn collect(&mut self, to: &mut [u8]) -> Result<(), Failure> {
        assert!(to.len() <= self.len, "more bytes than the buffer has");
        self.settle()?;
        // SAFETY: the buffer is as large as was asserted, and nobody writes it: it is settled.
        unsafe { NonNull::from(&mut *to).cast().copy_from_nonoverlapping(self.start, to.len()) };
        Ok(())
    }

    /// Is no copy under way?
    pub(super) fn is_settled(&self) -> bool {
        !self.busy || self.done.is_past().unwrap_or(false)
    }

    /// Waits until no copy is under way.
    fn settle(&mut self) -> Result<(), Failure> {
        if self.busy {
            self.done.synchronize()?;
            self.busy = false;
        }
        Ok(())
    }

    /// Marks the end of a copy that was enqueued; waits for it where that fails.
    fn mark(&mut self, stream: &Stream) -> Result<(), Failure> {
        self.done.record(stream).or_else(|failure| stream.synchronize().and(Err(failure)))?;
        self.busy = true;
        Ok(())
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // Where waiting fails the context is lost, and its copies with it.
        let _ = self.settle();
        let Ok(functions) = self.context.enter() else { return };
        // SAFETY: what `new` allocated, once; no copy is under way.
        let _ = unsafe { functions.cuMemFreeHost(self.start.as_ptr().cast()) };
    }
}
