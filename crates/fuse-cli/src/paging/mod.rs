//! Evaluations larger than memory: the pager of the command line.
//!
//! ```text
//! mapped inputs ──▶ resident   at most the room of it in memory, read ahead, let go of behind the loops
//! results       ──▶ memory     addresses; windows that are complete go to their sink, and take no memory then
//! temporaries   ──▶ memory     large ones in a file without a name, resident as inputs are
//! ```
//!
//! Nothing here changes what is computed: see `fuse_runtime`'s pager. Memory taken: the room for pages of
//! files, a few windows of 2 MiB for each thread and result, what the engine needs itself, and printed
//! results of a formula that has several.

mod memory;
mod progress;
mod resident;
mod sink;
mod tap;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fuse::raw::{Halt, Pager};
use fuse::{DType, ViewMut};
use fuse_npy::NpyFile;

use crate::eval::Values;
use crate::failure::Failure;
pub(crate) use memory::{Memory, WINDOW};
pub(crate) use progress::{Progress, Talk};
use resident::{Pages, Resident, Residents};
pub(crate) use sink::{InOrder, Sink};
pub(crate) use tap::Tap;

/// After so many windows, 1 GiB, the system is to forget the pages of a file.
const FORGET: usize = 512;

/// Most temporaries that are kept in files.
const MOST_TEMPORARIES: usize = 256;

/// A result: its memory, and where it goes.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) memory: Memory,
    pub(crate) sink: Sink,
    /// What is taken of its windows before they go to the sink.
    pub(crate) tap: Option<Box<Tap>>,
    pages: Pages,
}

impl Output {
    pub(crate) fn new(memory: Memory, sink: Sink) -> Output {
        let pages = Pages::new(memory.addresses());
        Output { memory, sink, tap: None, pages }
    }

    /// The same, some elements of which are kept.
    pub(crate) fn tapped(self, tap: Tap) -> Output {
        Output { tap: Some(Box::new(tap)), ..self }
    }
}

/// A mapped file.
#[derive(Debug)]
struct Mapped {
    /// Position of the value.
    value: usize,
    pages: Pages,
    /// Windows let go of so far.
    gone: AtomicUsize,
}

/// A temporary in a file without a name.
#[derive(Debug)]
struct Spool {
    memory: Memory,
    pages: Pages,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Paging {
    values: Arc<Values>,
    files: Vec<Mapped>,
    pub(crate) outputs: Vec<Output>,
    temporaries: Vec<OnceLock<Option<Spool>>>,
    resident: Resident,
    /// Where files without a name lie, and for arrays of how many bytes.
    spool: (PathBuf, usize),
    passed: AtomicU64,
    failure: Mutex<Option<Failure>>,
}

/// What addresses are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    File(usize),
    Temporary(usize),
    Output(usize),
}

impl Paging {
    /// For these values and results, and that many bytes of files in memory.
    pub(crate) fn new(
        values: &Arc<Values>,
        outputs: Vec<Output>,
        (room, spool): (usize, (PathBuf, usize)),
    ) -> Paging {
        let mapped = values.iter().enumerate().filter_map(|(number, (_, value))| {
            let pages = Pages::new(value.mapped()?.addresses()?);
            Some(Mapped { value: number, pages, gone: AtomicUsize::new(0) })
        });
        Paging {
            files: mapped.collect(),
            values: Arc::clone(values),
            outputs,
            temporaries: (0..MOST_TEMPORARIES).map(|_| OnceLock::new()).collect(),
            resident: Resident::new(room),
            spool,
            passed: AtomicU64::new(0),
            failure: Mutex::new(None),
        }
    }

    /// Elements of loops that are done.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Why it ended the call.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The outputs, when the call is over.
    pub(crate) fn into_outputs(self) -> Vec<Output> {
        self.outputs
    }

    fn fail(&self, failure: Failure) -> Halt {
        // The first is what the others follow from.
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        Halt
    }

    fn place(&self, address: usize) -> Option<Place> {
        let is_at = |pages: &Pages| pages.span().contains(&address);
        let file = || self.files.iter().position(|file| is_at(&file.pages)).map(Place::File);
        let output = || self.outputs.iter().position(|own| is_at(&own.pages)).map(Place::Output);
        let spools = || self.temporaries.iter().map_while(OnceLock::get);
        let at_spool = |spool: &Option<Spool>| spool.as_ref().is_some_and(|own| is_at(&own.pages));
        let temporary = || spools().position(at_spool).map(Place::Temporary);
        file().or_else(output).or_else(temporary)
    }

    fn file(&self, number: usize) -> &NpyFile {
        let value = &self.values[self.files[number].value].1;
        value.mapped().expect("those that are mapped were chosen")
    }

    fn spool_of(&self, number: usize) -> Option<&Spool> {
        self.temporaries.get(number)?.get()?.as_ref()
    }

    fn make_spool(&self, bytes: usize) -> Option<Spool> {
        match Memory::spool(&self.spool.0, bytes) {
            Ok(memory) => Some(Spool { pages: Pages::new(memory.addresses()), memory }),
            Err(error) => {
                let folder = fuse_npy::escape_path(&self.spool.0);
                let message = format!(
                    "a value between two passes takes {bytes} bytes, for which there is no room in \
                     {folder}: {error}; TMPDIR names another folder, --mem SIZE allows more memory"
                );
                self.fail(Failure::Run(message));
                None
            }
        }
    }

    /// The number that [`Resident`] knows a place by.
    fn number(&self, place: Place) -> usize {
        match place {
            Place::File(number) => number,
            Place::Temporary(number) => self.files.len() + number,
            Place::Output(number) => self.files.len() + MOST_TEMPORARIES + number,
        }
    }

    fn place_of(&self, number: usize) -> Place {
        match number.checked_sub(self.files.len()) {
            None => Place::File(number),
            Some(rest) if rest < MOST_TEMPORARIES => Place::Temporary(rest),
            Some(rest) => Place::Output(rest - MOST_TEMPORARIES),
        }
    }
}

impl Residents for Paging {
    fn pages(&self, number: usize) -> &Pages {
        match self.place_of(number) {
            Place::File(number) => &self.files[number].pages,
            Place::Temporary(number) => {
                &self.spool_of(number).expect("only those that are there are touched").pages
            }
            Place::Output(number) => &self.outputs[number].pages,
        }
    }

    fn read_ahead(&self, number: usize, bytes: Range<usize>) {
        match self.place_of(number) {
            Place::File(number) => self.file(number).read_ahead(bytes),
            Place::Temporary(_) | Place::Output(_) => {}
        }
    }

    fn let_go(&self, number: usize, bytes: Range<usize>) {
        match self.place_of(number) {
            Place::File(number) => {
                self.file(number).let_go(bytes);
                let gone = &self.files[number].gone;
                if (gone.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(FORGET) {
                    self.file(number).forget_pages();
                }
            }
            Place::Temporary(number) => {
                if let Some(spool) = self.spool_of(number) {
                    spool.memory.forget(bytes.start / WINDOW);
                }
            }
            Place::Output(number) => self.outputs[number].memory.forget(bytes.start / WINDOW),
        }
    }

    fn let_all_go(&self) {
        (0..self.files.len()).for_each(|number| self.file(number).forget_pages());
        let spools = self.temporaries.iter().map_while(OnceLock::get).flatten();
        let outputs = self.outputs.iter().map(|output| &output.memory);
        spools.map(|spool| &spool.memory).chain(outputs).for_each(Memory::rest);
    }
}

impl Pager for Paging {
    fn reads(&self, span: Range<usize>) {
        if let Some(place) = self.place(span.start) {
            self.resident.touch(self, self.number(place), span);
        }
    }

    fn wrote(&self, span: Range<usize>) -> Result<(), Halt> {
        match self.place(span.start) {
            Some(Place::Output(number)) => {
                let Output { memory, sink, tap, .. } = &self.outputs[number];
                for window in memory.wrote(span) {
                    if let Some(tap) = tap {
                        tap.take(memory, window);
                    }
                    sink.complete(memory, window).map_err(|failure| self.fail(failure))?;
                    if memory.is_spooled() {
                        self.hold(Place::Output(number), memory, window);
                    }
                }
                Ok(())
            }
            Some(place @ Place::Temporary(number)) => {
                if let Some(Spool { memory, .. }) = self.spool_of(number) {
                    memory.wrote(span).for_each(|window| self.hold(place, memory, window));
                }
                Ok(())
            }
            Some(Place::File(_)) | None => Ok(()),
        }
    }

    fn passed(&self, elements: usize) {
        self.passed.fetch_add(elements as u64, Ordering::Relaxed);
    }

    fn temporary(&self, dtype: DType, extents: &[usize]) -> Option<ViewMut<'_>> {
        let strides = c_strides(extents, dtype.size());
        let bytes = extents.iter().try_fold(dtype.size(), |n, &extent| n.checked_mul(extent))?;
        if bytes < self.spool.1 {
            return None;
        }
        let mut made = false;
        let slot = self.temporaries.iter().find(|slot| slot.get().is_none())?;
        let spool = slot.get_or_init(|| {
            made = true;
            self.make_spool(bytes)
        });
        spool.as_ref().filter(|_| made)?.memory.lend(dtype, extents, &strides)
    }

    fn room(&self) -> usize {
        self.resident.room()
    }
}

impl Paging {
    /// A window of a file without a name is in memory, since it has just been written.
    fn hold(&self, place: Place, memory: &Memory, window: usize) {
        let (start, range) = (memory.addresses().start, memory.range(window));
        self.resident.touch(self, self.number(place), start + range.start..start + range.end);
    }
}

/// Byte strides of C order.
pub(crate) fn c_strides(extents: &[usize], item_size: usize) -> Vec<isize> {
    let mut strides = vec![0; extents.len()];
    let mut stride = item_size.cast_signed();
    for (own, &extent) in strides.iter_mut().zip(extents).rev() {
        *own = stride;
        stride = stride.saturating_mul(extent.max(1).cast_signed());
    }
    strides
}
