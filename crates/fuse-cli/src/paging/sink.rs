//! Where the windows of a result go once they are complete.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fuse_npy::NpyWriter;

use super::memory::Memory;
use crate::failure::Failure;
use crate::print::Printer;

/// See the module.
pub(crate) enum Sink {
    /// They stay where they are.
    Keep,
    /// Those of these numbers stay, the others are not needed.
    KeepSome(BTreeSet<usize>),
    /// A file, in any order.
    File(NpyWriter),
    /// A pipe or a device, in order.
    Stream(InOrder<NpyWriter>),
    /// Standard output as text, in order.
    Print(InOrder<Printer>),
}

/// Windows that wait for their turn.
pub(crate) struct InOrder<T>(Mutex<Turns<T>>);

struct Turns<T> {
    next: usize,
    ready: BTreeSet<usize>,
    to: T,
}

impl Sink {
    /// Takes a window that has become complete.
    pub(crate) fn complete(&self, memory: &Memory, window: usize) -> Result<(), Failure> {
        match self {
            Sink::Keep => {}
            Sink::KeepSome(numbers) => {
                if !numbers.contains(&window) {
                    memory.forget(window);
                }
            }
            Sink::File(writer) => write(writer, memory, window)?,
            Sink::Stream(order) => order.complete(memory, window, |writer, offset, bytes| {
                Ok(writer.write_at(offset, bytes)?)
            })?,
            Sink::Print(order) => {
                order.complete(memory, window, |printer, _, bytes| printer.elements(bytes))?;
            }
        }
        Ok(())
    }

    /// Does it leave nothing of what it takes to be looked at later?
    pub(crate) fn lets_pass(&self) -> bool {
        match self {
            Sink::KeepSome(_) | Sink::Stream(_) | Sink::Print(_) => true,
            Sink::Keep | Sink::File(_) => false,
        }
    }

    /// What writes a file or a stream.
    pub(crate) fn into_writer(self) -> Option<NpyWriter> {
        match self {
            Sink::File(writer) => Some(writer),
            Sink::Stream(order) => Some(order.into_inner()),
            Sink::Keep | Sink::KeepSome(_) | Sink::Print(_) => None,
        }
    }

    /// What prints.
    pub(crate) fn into_printer(self) -> Option<Printer> {
        match self {
            Sink::Print(order) => Some(order.into_inner()),
            Sink::Keep | Sink::KeepSome(_) | Sink::File(_) | Sink::Stream(_) => None,
        }
    }
}

fn write(writer: &NpyWriter, memory: &Memory, window: usize) -> Result<(), Failure> {
    let Some(bytes) = memory.window(window) else { return Ok(()) };
    let offset = memory.range(window).start as u64;
    writer.write_at(offset, bytes)?;
    // The disk begins at once, so that there is little to wait for in the end.
    writer.sync_range(offset, bytes.len() as u64);
    memory.forget(window);
    Ok(())
}

impl<T> InOrder<T> {
    pub(crate) fn new(to: T) -> InOrder<T> {
        InOrder(Mutex::new(Turns { next: 0, ready: BTreeSet::new(), to }))
    }

    fn turns(&self) -> MutexGuard<'_, Turns<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives `take` the windows whose turn it is.
    fn complete(
        &self,
        memory: &Memory,
        window: usize,
        mut take: impl FnMut(&mut T, u64, &[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut turns = self.turns();
        let Turns { next, ready, to } = &mut *turns;
        ready.insert(window);
        while ready.remove(next) {
            if let Some(bytes) = memory.window(*next) {
                take(to, memory.range(*next).start as u64, bytes)?;
            }
            memory.forget(*next);
            *next += 1;
        }
        Ok(())
    }

    fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).to
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sink::Keep => "Keep",
            Sink::KeepSome(_) => "KeepSome",
            Sink::File(_) => "File",
            Sink::Stream(_) => "Stream",
            Sink::Print(_) => "Print",
        })
    }
}
