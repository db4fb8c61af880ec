//! The engine's threads.
//!
//! A pool is built when the first large call needs it, and belongs to the process that built it: a
//! forked child builds its own, since the parent's threads do not exist there (the parent's pool is
//! leaked in the child, for dropping it would wait for them). Inside a rayon pool of the caller's,
//! that one is used. The global pool is never built.

use std::sync::{Arc, Mutex, PoisonError};

use fuse_runtime::Threads;

/// Pools by process.
pub(crate) struct Pool {
    threads: usize,
    built: Mutex<Option<(u32, Arc<rayon::ThreadPool>)>>,
}

impl Pool {
    /// A pool of so many threads; 0 for what affinity and cgroup allow.
    pub(crate) fn new(threads: usize) -> Pool {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if threads == 0 { available() } else { threads };
        Pool { threads, built: Mutex::new(None) }
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `call` with the threads that it may use.
    pub(crate) fn with<R>(&self, small: bool, call: impl FnOnce(Threads<'_>) -> R) -> R {
        if small || self.threads == 1 {
            return call(Threads::Inline);
        }
        if rayon::current_thread_index().is_some() {
            return call(Threads::Current);
        }
        match self.pool() {
            Some(pool) => call(Threads::Pool(&pool)),
            None => call(Threads::Inline),
        }
    }

    fn pool(&self) -> Option<Arc<rayon::ThreadPool>> {
        let process = std::process::id();
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        match built.take() {
            Some((owner, pool)) if owner == process => {
                *built = Some((owner, Arc::clone(&pool)));
                return Some(pool);
            }
            Some((_, parents)) => std::mem::forget(parents),
            None => {}
        }
        let name = |index| format!("fuse-{index}");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).thread_name(name);
        let pool = Arc::new(pool.build().ok()?);
        *built = Some((process, Arc::clone(&pool)));
        Some(pool)
    }
}
