//! Which pages of files are in memory: as many as there is room for, the oldest go first.
//!
//! ```text
//! touch(span) ──▶ windows of 2 MiB it meets ──▶ new ones join the queue, those behind them are read ahead
//!                 more than the room is held ──▶ the front of the queue is let go, down to three quarters
//! ```
//!
//! What a window holds is noted in the pieces of 64 KiB that the system maps around a fault, a bit each: at
//! least what is in memory, since a span is told before it is read. Letting go of a
//! page that is still read costs a fault, and nothing else: the file has it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::memory::WINDOW;

/// What the system maps around a fault.
const AROUND: usize = 64 << 10;

/// That a window has been read ahead.
const AHEAD_BIT: u64 = 1 << 63;

/// That pieces have joined a window since it was queued.
const AGAIN_BIT: u64 = 1 << 62;

/// What says something of a window, not of its pieces.
const FLAGS: u64 = AHEAD_BIT | AGAIN_BIT;

/// Windows that are read ahead of the one in use.
const AHEAD: usize = 8;

/// The windows of one file's mapping.
#[derive(Debug)]
pub(crate) struct Pages {
    /// Addresses.
    span: Range<usize>,
    /// The pieces of each window that are in memory: one more than it has, since it need not begin with one.
    /// And two bits of flags.
    held: Vec<AtomicU64>,
}

impl Pages {
    pub(crate) fn new(span: Range<usize>) -> Pages {
        let held = (0..span.len().div_ceil(WINDOW)).map(|_| AtomicU64::new(0)).collect();
        Pages { span, held }
    }

    /// The addresses.
    pub(crate) fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// Bytes of a window, relative to the first address.
    pub(crate) fn window(&self, window: usize) -> Range<usize> {
        window * WINDOW..self.span.len().min((window + 1) * WINDOW)
    }

    /// The windows to read ahead now that this one is in use: each once while it is in memory.
    fn read_ahead(&self, window: usize) -> impl Iterator<Item = usize> {
        let next = window + 1..(window + 1 + AHEAD).min(self.held.len());
        next.filter(|&window| self.held[window].fetch_or(AHEAD_BIT, Ordering::Relaxed) == 0)
    }
}

/// The pages of all files together.
#[derive(Debug)]
pub(crate) struct Resident {
    room: usize,
    held: AtomicUsize,
    /// Files and windows, those that came first in front.
    queue: Mutex<VecDeque<(usize, usize)>>,
}

/// What is to be done about windows.
pub(crate) trait Residents {
    /// The pages of a file.
    fn pages(&self, file: usize) -> &Pages;

    /// Will be needed soon.
    fn read_ahead(&self, file: usize, bytes: Range<usize>);

    /// May go.
    fn let_go(&self, file: usize, bytes: Range<usize>);
}

impl Resident {
    pub(crate) fn new(room: usize) -> Resident {
        Resident { room, held: AtomicUsize::new(0), queue: Mutex::default() }
    }

    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Addresses of a file that are about to be read.
    pub(crate) fn touch(&self, residents: &impl Residents, file: usize, addresses: Range<usize>) {
        let pages = residents.pages(file);
        let start = addresses.start.max(pages.span.start) - pages.span.start;
        let end = addresses.end.min(pages.span.end).saturating_sub(pages.span.start);
        for window in start / WINDOW..end.div_ceil(WINDOW) {
            let range = pages.window(window);
            let piece = |offset: usize| {
                (pages.span.start + offset) / AROUND - (pages.span.start + range.start) / AROUND
            };
            let (first, last) = (piece(start.max(range.start)), piece(end.min(range.end) - 1));
            let pieces = (u64::MAX >> (63 - (last - first))) << first;
            self.hold(residents, (file, window), pieces);
        }
        if self.held.load(Ordering::Relaxed) > self.room {
            self.let_go(residents);
        }
    }

    /// These pieces of a window are in memory.
    fn hold(&self, residents: &impl Residents, (file, window): (usize, usize), pieces: u64) {
        let pages = residents.pages(file);
        let held = &pages.held[window];
        if pieces & !held.load(Ordering::Relaxed) == 0 {
            return;
        }
        let before = held.fetch_or(pieces, Ordering::Relaxed);
        self.held.fetch_add(bytes_of(pieces & !before), Ordering::Relaxed);
        if before & !FLAGS != 0 {
            held.fetch_or(AGAIN_BIT, Ordering::Relaxed);
        } else {
            self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back((file, window));
            for window in pages.read_ahead(window) {
                residents.read_ahead(file, pages.window(window));
            }
        }
    }

    /// Lets the oldest windows go; one that pieces have joined meanwhile gets a second turn, since these are
    /// about to be read.
    fn let_go(&self, residents: &impl Residents) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut second_turns = queue.len();
        while self.held.load(Ordering::Relaxed) > self.room / 4 * 3 {
            let Some((file, window)) = queue.pop_front() else { return };
            let pages = residents.pages(file);
            let flags = pages.held[window].fetch_and(!AGAIN_BIT, Ordering::Relaxed);
            if flags & AGAIN_BIT != 0 && second_turns > 0 {
                second_turns -= 1;
                queue.push_back((file, window));
                continue;
            }
            let pieces = pages.held[window].swap(0, Ordering::Relaxed);
            self.held.fetch_sub(bytes_of(pieces), Ordering::Relaxed);
            residents.let_go(file, pages.window(window));
        }
    }
}

/// Bytes of pieces.
fn bytes_of(pieces: u64) -> usize {
    (pieces & !FLAGS).count_ones() as usize * AROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct File {
        pages: Pages,
        ahead: Mutex<Vec<usize>>,
        gone: Mutex<Vec<usize>>,
    }

    impl Residents for File {
        fn pages(&self, _: usize) -> &Pages {
            &self.pages
        }

        fn read_ahead(&self, _: usize, bytes: Range<usize>) {
            self.ahead.lock().unwrap().push(bytes.start / WINDOW);
        }

        fn let_go(&self, _: usize, bytes: Range<usize>) {
            self.gone.lock().unwrap().push(bytes.start / WINDOW);
        }
    }

    fn file(windows: usize) -> File {
        let pages = Pages::new(4096..4096 + windows * WINDOW - 100);
        File { pages, ahead: Mutex::default(), gone: Mutex::default() }
    }

    #[test]
    fn no_more_is_held_than_there_is_room_for() {
        let (resident, file) = (Resident::new(8 * WINDOW), file(100));
        for window in 0..100 {
            let start = 4096 + window * WINDOW;
            for piece in 0..16 {
                let from = start + piece * (WINDOW / 16);
                resident.touch(&file, 0, from..from + WINDOW / 16);
            }
            assert!(resident.held.load(Ordering::Relaxed) <= 8 * WINDOW + AROUND);
        }
        let gone = file.gone.into_inner().unwrap();
        assert!(gone.is_sorted() && gone.len() >= 92, "the oldest first: {gone:?}");
        let ahead = file.ahead.into_inner().unwrap();
        assert_eq!(ahead, (1..100).collect::<Vec<_>>(), "each once");
    }

    #[test]
    fn what_lies_apart_counts_as_what_is_mapped_around_it() {
        let (resident, file) = (Resident::new(8 * WINDOW), file(100));
        for _ in 0..3 {
            for row in 0..64 {
                let from = 4096 + row * (256 << 10);
                resident.touch(&file, 0, from..from + 8);
            }
        }
        assert_eq!(resident.held.load(Ordering::Relaxed), 64 * AROUND);
    }

    #[test]
    fn a_second_walk_is_read_ahead_again() {
        let (resident, file) = (Resident::new(4 * WINDOW), file(30));
        for _ in 0..2 {
            for window in 0..30 {
                resident.touch(&file, 0, 4096 + window * WINDOW..4096 + window * WINDOW + 10);
                resident.touch(&file, 0, 4096 + window * WINDOW..4096 + (window + 1) * WINDOW);
            }
        }
        let ahead = file.ahead.into_inner().unwrap();
        assert_eq!(ahead.iter().filter(|&&window| window == 20).count(), 2);
    }
}
