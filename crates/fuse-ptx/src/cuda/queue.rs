//! A queue: a stream, and the last events that were recorded in it.
//!
//! An event's number is `3 · n + q`: the n-th of queue q. It lies in slot n mod [`REMEMBERED`], and a
//! slot is recorded anew only when what it held has passed, so that an event whose slot holds another is
//! one that has passed.

use std::sync::{Arc, Mutex};

use fuse_ir::device::{DeviceEvent, Queue};

use super::driver::{Context, Event, Stream};
use super::functions::Failure;
use super::lock;

/// Events that a queue remembers.
const REMEMBERED: u64 = 64;

/// How many queues there are.
const QUEUES: u64 = Queue::ALL.len() as u64;

/// See the module.
pub(super) struct Lane {
    queue: Queue,
    pub(super) stream: Stream,
    events: Mutex<Events>,
}

/// The slots, as many as have been used, and how many events were recorded.
struct Events {
    slots: Vec<Event>,
    recorded: u64,
}

impl Lane {
    pub(super) fn new(context: &Arc<Context>, queue: Queue) -> Result<Lane, Failure> {
        let events = Events { slots: Vec::new(), recorded: 0 };
        Ok(Lane { queue, stream: Stream::new(context)?, events: Mutex::new(events) })
    }

    /// Marks the end of the work so far.
    pub(super) fn record(&self) -> Result<DeviceEvent, Failure> {
        let mut events = lock(&self.events);
        let index = slot(events.recorded);
        match events.slots.get(index) {
            Some(slot) => slot.synchronize()?,
            None => events.slots.push(Event::new(self.stream.context())?),
        }
        events.slots[index].record(&self.stream)?;
        let number = events.recorded;
        events.recorded += 1;
        Ok(DeviceEvent(number * QUEUES + ordinal(self.queue)))
    }

    /// Makes a stream wait for an event of this queue.
    pub(super) fn hold(&self, stream: &Stream, event: DeviceEvent) -> Result<(), Failure> {
        let events = lock(&self.events);
        let number = event.0 / QUEUES;
        let oldest = events.recorded.saturating_sub(REMEMBERED);
        let is_remembered = oldest <= number && number < events.recorded;
        if is_remembered { stream.wait(&events.slots[slot(number)]) } else { Ok(()) }
    }
}

/// Which queue an event was recorded in.
pub(super) fn queue_of(event: DeviceEvent) -> Queue {
    let is_it = |queue: &&Queue| ordinal(**queue) == event.0 % QUEUES;
    *Queue::ALL.iter().find(is_it).expect("a remainder names a queue")
}

fn ordinal(queue: Queue) -> u64 {
    match queue {
        Queue::Upload => 0,
        Queue::Compute => 1,
        Queue::Download => 2,
    }
}

fn slot(number: u64) -> usize {
    (number % REMEMBERED) as usize
}
