//! What is enqueued, and what waits for what.
//!
//! A **point** is an end of a stream's work that somebody recorded. It is pending from when it is
//! recorded until the work before it has run. Only points that were recorded earlier can be waited for,
//! so a stream whose first piece of work waits leads, over what it waits for, to one whose first does not.

use std::collections::{BTreeMap, VecDeque};

/// A stream's number.
pub(crate) type StreamId = u64;

/// A point's number; 0 is one that has always passed.
pub(crate) type Point = u64;

/// A piece of work.
#[derive(Debug)]
pub(crate) enum Work {
    /// Bytes of pinned memory to the device.
    UploadPinned { to: u64, from: usize, bytes: usize },
    /// Bytes to the device.
    Upload { to: u64, bytes: Vec<u8> },
    /// Bytes of the device to pinned memory.
    Download { to: usize, from: u64, bytes: usize },
    /// Bytes of the device to the device.
    Copy { to: u64, from: u64, bytes: usize },
    /// A kernel.
    Launch(Launch),
    /// Ends the pending of a point.
    Record(Point),
    /// Waits until a point is not pending.
    Wait(Point),
}

impl Work {
    /// What it is, for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Work::UploadPinned { to, bytes, .. } => format!("upload of {bytes} bytes to {to:#x}"),
            Work::Upload { to, bytes } => format!("upload of {} bytes to {to:#x}", bytes.len()),
            Work::Download { from, bytes, .. } => {
                format!("download of {bytes} bytes from {from:#x}")
            }
            Work::Copy { to, from, bytes } => {
                format!("copy of {bytes} bytes from {from:#x} to {to:#x}")
            }
            Work::Launch(launch) => format!("kernel {}", launch.entry),
            Work::Record(_) => "record".to_string(),
            Work::Wait(_) => "wait".to_string(),
        }
    }
}

/// A kernel that is to run.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) module: u64,
    pub(crate) entry: String,
    pub(crate) grid: u32,
    pub(crate) block: u32,
    pub(crate) params: Vec<u64>,
    /// How many were launched before it.
    pub(crate) number: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    queues: BTreeMap<StreamId, VecDeque<Work>>,
    pending: BTreeMap<Point, StreamId>,
    points: Point,
}

impl Streams {
    pub(crate) fn add(&mut self, stream: StreamId) {
        self.queues.entry(stream).or_default();
    }

    pub(crate) fn remove(&mut self, stream: StreamId) {
        self.queues.remove(&stream);
    }

    pub(crate) fn has(&self, stream: StreamId) -> bool {
        self.queues.contains_key(&stream)
    }

    /// Streams that were made: all but the default one.
    pub(crate) fn count(&self) -> usize {
        self.queues.keys().filter(|&&stream| stream != 0).count()
    }

    pub(crate) fn push(&mut self, stream: StreamId, work: Work) {
        self.queues.entry(stream).or_default().push_back(work);
    }

    /// Records a point.
    pub(crate) fn record(&mut self, stream: StreamId) -> Point {
        self.points += 1;
        self.pending.insert(self.points, stream);
        self.push(stream, Work::Record(self.points));
        self.points
    }

    pub(crate) fn is_idle(&self, stream: StreamId) -> bool {
        self.queues.get(&stream).is_none_or(VecDeque::is_empty)
    }

    /// The stream of a point that has not passed.
    pub(crate) fn pending(&self, point: Point) -> Option<StreamId> {
        self.pending.get(&point).copied()
    }

    pub(crate) fn pass(&mut self, point: Point) {
        self.pending.remove(&point);
    }

    /// The first piece of work that must run for a stream to get on.
    pub(crate) fn next(&mut self, stream: StreamId) -> Option<Work> {
        let mut stream = stream;
        loop {
            let queue = self.queues.get_mut(&stream)?;
            let Some(Work::Wait(point)) = queue.front() else { return queue.pop_front() };
            let Some(&held_by) = self.pending.get(point) else { return queue.pop_front() };
            stream = held_by;
        }
    }

    /// Forgets everything that is enqueued.
    pub(crate) fn clear(&mut self) {
        self.queues.values_mut().for_each(VecDeque::clear);
        self.pending.clear();
    }
}
