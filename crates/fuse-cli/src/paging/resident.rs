//! Which pages of files are in memory: as many as there is room for, the oldest go first.
//!
//! ```text
//! touch(span) ──▶ windows of 2 MiB it meets ──▶ new ones join the queue, those behind them are read ahead
//!                 more than the room is held ──▶ the front of the queue is let go, down to three quarters
//! ```
//!
//! The system may map more than that at once (large folios), so that now and then it is asked what there is; where
//! that is half as much again as the room, everything is let go.
//!
//! What a window holds is noted in the pieces of 64 KiB that the system maps around a fault, a bit each: at
//! least what is in memory, since a span is told before it is read. Letting go of a
//! page that is still read costs a fault, and nothing else: the file has it.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
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

/// Bytes of pieces between two questions to the system.
const ASKED: usize = 2 << 20;

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
    /// Pieces that have come since the system was last asked.
    fresh: AtomicUsize,
    /// What tells how much there is, and how much there was before anything was read.
    counted: Option<(File, usize)>,
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

    /// All of all files may go.
    fn let_all_go(&self);
}

impl Resident {
    pub(crate) fn new(room: usize) -> Resident {
        let statm = File::open("/proc/self/statm").ok();
        let counted = statm.and_then(|file| pages_of_files(&file).map(|before| (file, before)));
        let (held, fresh) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Resident { room, held, fresh, counted, queue: Mutex::default() }
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
        let new = bytes_of(pieces & !before);
        self.held.fetch_add(new, Ordering::Relaxed);
        if self.fresh.fetch_add(new, Ordering::Relaxed) > ASKED {
            self.fresh.store(0, Ordering::Relaxed);
            self.ask(residents);
        }
        if before & !FLAGS != 0 {
            held.fetch_or(AGAIN_BIT, Ordering::Relaxed);
        } else {
            self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back((file, window));
            for window in pages.read_ahead(window) {
                residents.read_ahead(file, pages.window(window));
            }
        }
    }

    /// Lets everything go if the system has more in memory than was noted.
    fn ask(&self, residents: &impl Residents) {
        let Some((file, before)) = &self.counted else { return };
        let now = pages_of_files(file).unwrap_or(0).saturating_sub(*before);
        if now <= self.room / 2 * 3 {
            return;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        for (file, window) in queue.drain(..) {
            let pieces = residents.pages(file).held[window].swap(0, Ordering::Relaxed);
            self.held.fetch_sub(bytes_of(pieces), Ordering::Relaxed);
        }
        residents.let_all_go();
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

/// Bytes of files in this process's memory.
fn pages_of_files(statm: &File) -> Option<usize> {
    let mut text = [0; 128];
    let len = statm.read_at(&mut text, 0).ok()?;
    let pages: usize = std::str::from_utf8(&text[..len]).ok()?.split(' ').nth(2)?.parse().ok()?;
    Some(pages * 4096)
}

/// Bytes of pieces.
fn bytes_of(pieces: u64) -> usize {
    (pieces & !FLAGS).count_ones() as usize * AROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Mapped {
        pages: Pages,
        ahead: Mutex<Vec<usize>>,
        gone: Mutex<Vec<usize>>,
    }

    impl Residents for Mapped {
        fn pages(&self, _: usize) -> &Pages {
            &self.pages
        }

        fn read_ahead(&self, _: usize, bytes: Range<usize>) {
            self.ahead.lock().unwrap().push(bytes.start / WINDOW);
        }

        fn let_go(&self, _: usize, bytes: Range<usize>) {
            self.gone.lock().unwrap().push(bytes.start / WINDOW);
        }

        fn let_all_go(&self) {}
    }

    fn file(windows: usize) -> Mapped {
        let pages = Pages::new(4096..4096 + windows * WINDOW - 100);
        Mapped { pages, ahead: Mutex::default(), gone: Mutex::default() }
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
