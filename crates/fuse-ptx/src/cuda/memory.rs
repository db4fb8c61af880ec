//! Device memory that was allocated, and such as is to be freed.
//!
//! Freeing marks the end of every queue's work and keeps the block until the marks have passed. Blocks
//! whose marks have passed are given back at the next call; all are waited for before memory is said to
//! be exhausted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::driver::{Block, Context, Event, Stream, code};
use super::functions::Failure;

/// See the module.
#[derive(Default)]
pub(super) struct Memory {
    /// By address.
    blocks: BTreeMap<u64, Block>,
    /// In the order that they were freed in.
    condemned: VecDeque<Condemned>,
    /// Events that mark nothing.
    spare: Vec<Event>,
}

/// A block that is freed when what was enqueued before has run.
struct Condemned {
    block: Block,
    marks: Vec<Event>,
}

impl Memory {
    /// Allocates.
    pub(super) fn alloc(&mut self, context: &Arc<Context>, bytes: usize) -> Result<u64, Failure> {
        self.reap()?;
        let block = match Block::new(context, bytes) {
            Err(failure) if failure.code == code::OUT_OF_MEMORY && !self.condemned.is_empty() => {
                self.settle()?;
                Block::new(context, bytes)?
            }
            other => other?,
        };
        let address = block.address();
        self.blocks.insert(address, block);
        Ok(address)
    }

    /// Frees what was allocated, behind what is enqueued in some streams; ignores other addresses.
    pub(super) fn free<'a>(
        &mut self,
        address: u64,
        mut streams: impl Iterator<Item = &'a Stream> + Clone,
    ) -> Result<(), Failure> {
        let Some(block) = self.blocks.remove(&address) else { return Ok(()) };
        match self.mark(streams.clone()) {
            Ok(marks) => self.condemned.push_back(Condemned { block, marks }),
            // Waits instead. Where that fails the context is lost, and its kernels with it.
            Err(_) => streams.try_for_each(Stream::synchronize)?,
        }
        self.reap()
    }

    fn mark<'a>(
        &mut self,
        streams: impl Iterator<Item = &'a Stream>,
    ) -> Result<Vec<Event>, Failure> {
        streams
            .map(|stream| {
                let event = self.spare.pop().map_or_else(|| Event::new(stream.context()), Ok)?;
                event.record(stream)?;
                Ok(event)
            })
            .collect()
    }

    /// Gives back what has had its time.
    fn reap(&mut self) -> Result<(), Failure> {
        while let Some(first) = self.condemned.front() {
            for mark in &first.marks {
                if !mark.is_past()? {
                    return Ok(());
                }
            }
            self.bury();
        }
        Ok(())
    }

    /// Waits until all can be given back, and does so.
    fn settle(&mut self) -> Result<(), Failure> {
        while let Some(first) = self.condemned.front() {
            first.marks.iter().try_for_each(Event::synchronize)?;
            self.bury();
        }
        Ok(())
    }

    fn bury(&mut self) {
        let first = self.condemned.pop_front();
        self.spare.extend(first.into_iter().flat_map(|Condemned { block, marks }| {
            drop(block);
            marks
        }));
    }

    /// Bytes that are freed but not given back yet: an allocation that needs them waits for them.
    pub(super) fn condemned(&self) -> u64 {
        self.condemned.iter().map(|condemned| condemned.block.bytes() as u64).sum()
    }

    /// Does this range end inside the block that it begins in? Memory that others allocated is theirs
    /// to vouch for.
    pub(super) fn has_room(&self, address: u64, bytes: usize) -> bool {
        let Some((start, block)) = self.blocks.range(..=address).next_back() else { return true };
        let (offset, size) = (address - start, block.bytes() as u64);
        size <= offset || bytes as u64 <= size - offset
    }
}
