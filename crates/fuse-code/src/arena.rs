//! The slabs of a process and who holds which of their pages.
//!
//! An [`Arena`] belongs to one process. A forked child shares the pages copy-on-write and may go on
//! running inherited code, but its arena could have been locked by a thread that no longer exists:
//! so a child starts an arena of its own, and dropping inherited code there frees nothing. Arenas
//! are never freed; there is one per process.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, getpid};

use crate::CodeError;
use crate::pages::{Slab, arena_at};

/// Bytes of a slab, unless one piece of code needs more. Large enough that 65 530 mappings hold
/// any number of kernels, small enough that mapping one is nothing.
const SLAB_BYTES: usize = 2 << 20;

static CURRENT: AtomicPtr<Arena> = AtomicPtr::new(std::ptr::null_mut());

/// The slabs of one process.
#[derive(Debug)]
pub(crate) struct Arena {
    owner: Pid,
    slabs: Mutex<Vec<Slab>>,
}

/// A run of pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Address of the slab.
    pub(crate) slab: usize,
    /// First page in the slab.
    pub(crate) page: usize,
    /// Number of pages.
    pub(crate) pages: usize,
}

impl Arena {
    /// The arena of this process.
    pub(crate) fn current() -> &'static Arena {
        let known = CURRENT.load(Ordering::Acquire);
        if let Some(arena) = arena_at(known).filter(|arena| arena.is_ours()) {
            return arena;
        }
        let fresh = Box::into_raw(Box::new(Arena { owner: getpid(), slabs: Mutex::default() }));
        let installed = CURRENT.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire);
        let current = match installed {
            Ok(_) => fresh,
            Err(winner) => winner,
        };
        arena_at(current).expect("an arena was installed")
    }

    fn is_ours(&self) -> bool {
        self.owner == getpid()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slab>> {
        self.slabs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Places code on pages of its own and gives them and the address.
    pub(crate) fn place(&self, code: &[u8]) -> Result<(Run, usize), CodeError> {
        let page_size = rustix::param::page_size();
        let pages = code.len().div_ceil(page_size);
        let mut slabs = self.lock();
        let found = slabs.iter_mut().enumerate().find_map(|(index, slab)| {
            let page = slab.runs.take(pages)?;
            Some((index, page))
        });
        let (index, page) = match found {
            Some(found) => found,
            None => {
                let bytes = SLAB_BYTES.max(pages * page_size);
                slabs.push(Slab::map(bytes, page_size)?);
                let index = slabs.len() - 1;
                (index, slabs[index].runs.take(pages).unwrap_or_default())
            }
        };
        let slab = &mut slabs[index];
        let run = Run { slab: slab.address(), page, pages };
        match slab.write(run, page_size, code) {
            Ok(address) => Ok((run, address)),
            Err(error) => {
                slab.runs.give(page, pages);
                Err(error)
            }
        }
    }

    /// Gives pages back. An empty slab is unmapped unless it is the only one.
    pub(crate) fn free(&self, run: Run) {
        if !self.is_ours() {
            return;
        }
        let mut slabs = self.lock();
        let Some(index) = slabs.iter().position(|slab| slab.address() == run.slab) else {
            return;
        };
        slabs[index].runs.give(run.page, run.pages);
        if slabs[index].runs.all_free() && slabs.len() > 1 {
            slabs.swap_remove(index);
        }
    }
}
