//! How a call runs: threads, limits, cancellation, and hooks for tests.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

use crate::cancel::CancelToken;
use crate::error::RunError;
use crate::pager::Pager;
use crate::reduce::FoldLanes;

/// Which threads a call may use. The result's bits are the same for all.
#[derive(Clone, Copy, Debug, Default)]
pub enum Threads<'a> {
    /// The calling thread alone.
    #[default]
    Inline,
    /// The rayon pool whose worker is calling; the calling thread alone outside of any pool.
    Current,
    /// This pool.
    Pool(&'a rayon::ThreadPool),
}

/// Sizes that only time depends on. `None` is the measured default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tuning {
    /// Loops of fewer elements run on the calling thread; 0: every loop is cut into tasks.
    pub inline_below: Option<usize>,
    /// Elements of a block; rounded up to a multiple of 1024.
    pub block: Option<usize>,
    /// Elements of a nest's domain that run together.
    pub tile: Option<usize>,
    /// Which way folds over some axes are walked.
    pub fold_lanes: Option<FoldLanes>,
    /// Short calls of a fold after which its end is compiled too.
    pub ends_after: Option<u32>,
    /// Elements of a chunk of arrays that a device computes on while others are copied; rounded up to a
    /// multiple of 1024. Longer loops are then cut into chunks, however small they are.
    pub device_chunk: Option<usize>,
    /// Bytes of operands of a loop, above which outputs may be stored past the caches: those of the last
    /// cache.
    pub stream_above: Option<usize>,
    /// Runs tasks in an order shuffled by this seed: a hook for tests.
    pub shuffle: Option<u64>,
}

/// How a call runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions<'a> {
    /// Threads it may use.
    pub threads: Threads<'a>,
    /// Stops it early; polled once a block.
    pub cancel: Option<&'a CancelToken>,
    /// Stops it at that time; polled once a block.
    pub deadline: Option<Instant>,
    /// Most operations: elements of the largest loop times primitives of its kernel.
    pub max_work: Option<u128>,
    /// Most bytes of results and temporaries together.
    pub max_output_bytes: Option<u64>,
    /// Sizes of blocks and tasks.
    pub tuning: Tuning,
    /// Looks after memory that only seems to be there.
    pub pager: Option<&'a dyn Pager>,
    /// Sees which threads ran tasks: a hook for tests.
    pub workers: Option<&'a WorkerLog>,
}

impl RunOptions<'_> {
    /// Fails when the call should stop.
    #[inline]
    pub(crate) fn poll(&self) -> Result<(), RunError> {
        if self.cancel.is_some_and(CancelToken::is_cancelled) {
            return Err(RunError::Cancelled);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(RunError::Deadline);
        }
        Ok(())
    }
}

/// The distinct threads that ran tasks.
#[derive(Debug, Default)]
pub struct WorkerLog {
    seen: Mutex<HashSet<ThreadId>>,
}

impl WorkerLog {
    /// A log that has seen no thread.
    pub fn new() -> WorkerLog {
        WorkerLog::default()
    }

    /// Number of distinct threads seen.
    pub fn count(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn note(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(std::thread::current().id());
    }
}
