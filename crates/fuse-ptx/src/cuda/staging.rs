//! Host arrays to the device and back through pinned buffers, so that the three steps of a chunk overlap
//! with those of others:
//!
//! ```text
//! upload      memcpy 0 │ memcpy 1 │ memcpy 2 │ memcpy 3 │ …       returns when the last memcpy has run
//! device               │ copy 0   │ copy 1   │ copy 2   │ copy 3
//!
//! device      copy 0   │ copy 1   │ copy 2   │ …
//! download             │ memcpy 0 │ memcpy 1 │ memcpy 2 │ …       returns when the last memcpy has run
//! ```
//!
//! Buffers are made when they are first needed. Where pinned memory is refused the arrays are copied
//! from where they lie, and each copy is waited for.

use std::collections::VecDeque;
use std::sync::Arc;

use super::driver::{Context, Span, Stream};
use super::functions::Failure;
use super::pinned::Pinned;

/// Bytes of a buffer: large enough that the time to start a copy (about 10 µs) does not count beside
/// the copy's (about 300 µs over PCIe 3), small enough that the first and last ones do not.
pub(super) const STAGE: usize = 4 << 20;

/// Buffers, the one used longest ago first.
pub(super) struct Ring {
    buffers: VecDeque<Pinned>,
    /// How many there are, those in use included.
    made: usize,
    /// How many there may be.
    most: usize,
}

impl Ring {
    /// No buffers yet.
    pub(super) fn new(most: usize) -> Ring {
        Ring { buffers: VecDeque::new(), made: 0, most }
    }

    /// Copies as many bytes to the device; when it returns they have been read.
    pub(super) fn upload(&mut self, stream: &Stream, to: Span, from: &[u8]) -> Result<(), Failure> {
        for (span, chunk) in to.chunks(STAGE).zip(from.chunks(STAGE)) {
            let Some(mut buffer) = self.take(stream.context()) else {
                stream.upload(span, chunk)?;
                continue;
            };
            let sent = buffer.send(stream, span, chunk);
            self.buffers.push_back(buffer);
            sent?;
        }
        Ok(())
    }

    /// Copies as many bytes from the device; when it returns they are there.
    pub(super) fn download(
        &mut self,
        stream: &Stream,
        to: &mut [u8],
        from: Span,
    ) -> Result<(), Failure> {
        let mut under_way = None;
        for (span, chunk) in from.chunks(STAGE).zip(to.chunks_mut(STAGE)) {
            let mut buffer = self.take(stream.context());
            if buffer.is_none() {
                self.collect(under_way.take())?;
                buffer = self.take(stream.context());
            }
            let Some(mut buffer) = buffer else {
                stream.download(chunk, span)?;
                continue;
            };
            let asked = buffer.receive(stream, span);
            self.collect(under_way.replace((buffer, chunk)))?;
            if asked.is_err() {
                // The buffer holds nothing, but goes back.
                let (buffer, _) = under_way.take().expect("it was put there");
                self.buffers.push_back(buffer);
            }
            asked?;
        }
        self.collect(under_way)
    }

    /// Empties a buffer that was received into.
    fn collect(&mut self, under_way: Option<(Pinned, &mut [u8])>) -> Result<(), Failure> {
        let Some((mut buffer, chunk)) = under_way else { return Ok(()) };
        let collected = buffer.collect(chunk);
        self.buffers.push_back(buffer);
        collected
    }

    /// A buffer that is free, a new one, or the one that will be free first.
    fn take(&mut self, context: &Arc<Context>) -> Option<Pinned> {
        let is_free = self.buffers.front().is_some_and(Pinned::is_settled);
        if !is_free && self.made < self.most {
            match Pinned::new(context, STAGE) {
                Ok(buffer) => {
                    self.made += 1;
                    return Some(buffer);
                }
                // What there is must do.
                Err(_) => self.most = self.made,
            }
        }
        self.buffers.pop_front()
    }
}
