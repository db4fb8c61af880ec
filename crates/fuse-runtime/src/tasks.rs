//! Runs the tasks of a loop, inline or on a rayon pool.
//!
//! ```text
//! calling thread ──▶ wakes n - 1 workers ──▶ takes tasks ──▶ waits for the workers' last tasks
//!                          worker ──────────▶ takes tasks
//! ```
//!
//! The calling thread takes tasks too: waking a worker takes some 50 µs on a virtual machine, and a
//! thread that only waits would lose them. Each thread has a run of neighbouring tasks and helps others
//! when its own are done, so one that wakes late costs little. Each task index is run exactly once, by one thread, and results come back in task order whatever order the
//! tasks ran in. The global pool is never built: outside a pool, [`Threads::Current`] runs on the
//! calling thread. No lock is held while tasks run.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::error::RunError;
use crate::options::{RunOptions, Threads};

/// How long a thread that has run out of tasks waits for the others before it goes to sleep.
const AWAKE: Duration = Duration::from_micros(200);

/// How long the calling thread of an observed loop waits for a worker to begin.
const OBSERVED: Duration = Duration::from_secs(1);

/// How long a worker of the engine's own pool stays awake for the next call: waking it takes 30 µs.
const LINGER: Duration = Duration::from_micros(60);

/// Number of loops that have asked workers for help: a new one ends lingering.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Number of threads a call may use.
pub(crate) fn n_threads(threads: Threads<'_>) -> usize {
    match threads {
        Threads::Inline => 1,
        Threads::Current if rayon::current_thread_index().is_some() => rayon::current_num_threads(),
        Threads::Current => 1,
        Threads::Pool(pool) => pool.current_num_threads(),
    }
}

/// Results of tasks, in task order.
pub(crate) type TaskResults<R> = SmallVec<[R; 1]>;

/// Runs `task(0) … task(n - 1)`.
///
/// # Errors
/// One of the errors of the tasks; others may not have run then.
pub(crate) fn run_tasks<R: Send>(
    n: usize,
    options: &RunOptions<'_>,
    task: impl Fn(usize) -> Result<R, RunError> + Sync,
) -> Result<TaskResults<R>, RunError> {
    let order = options.tuning.shuffle.map(|seed| shuffled(n, seed));
    let logged = |position: usize| {
        if let Some(workers) = options.workers {
            workers.note();
        }
        let index = order.as_ref().map_or(position, |order| order[position]);
        task(index)
    };
    let n_threads = n_threads(options.threads).min(n);
    let results = if n_threads > 1 {
        run_shared(n, n_threads - 1, options, &logged)?
    } else {
        let mut results = TaskResults::new();
        for position in 0..n {
            results.push(logged(position)?);
        }
        results
    };
    Ok(in_task_order(results, order))
}

/// Runs tasks on the calling thread and on `helpers` workers of a pool.
fn run_shared<R: Send>(
    n: usize,
    helpers: usize,
    options: &RunOptions<'_>,
    task: &(impl Fn(usize) -> Result<R, RunError> + Sync),
) -> Result<TaskResults<R>, RunError> {
    // Paged memory is walked through from the front by all threads together.
    let n_shares = if options.pager.is_some() { 1 } else { helpers + 1 };
    let shares = Shares::new(n, n_shares);
    let (arrived, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let finished: Mutex<Vec<(usize, Result<R, RunError>)>> = Mutex::default();
    let work = || {
        let own = arrived.fetch_add(1, Ordering::Relaxed);
        let mut results = Vec::new();
        while let Some(position) = shares.next(own) {
            let result = task(position);
            if result.is_err() {
                shares.stop();
            }
            results.push((position, result));
        }
        finished.lock().unwrap_or_else(PoisonError::into_inner).append(&mut results);
    };
    let share = Sharing {
        helpers,
        arrived: &arrived,
        ended: &ended,
        observed: options.workers.is_some(),
        lingers: matches!(options.threads, Threads::Pool(_)),
    };
    match options.threads {
        Threads::Pool(pool) => pool.in_place_scope(|scope| share.run(scope, &work)),
        Threads::Current | Threads::Inline => {
            rayon::in_place_scope(|scope| share.run(scope, &work));
        }
    }
    let mut finished = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
    finished.sort_by_key(|&(position, _)| position);
    finished.into_iter().map(|(_, result)| result).collect()
}

/// The tasks, a run of neighbours for each thread. A thread takes its own from the front, so that it
/// walks through memory in order, and when they are gone those of others from the back.
struct Shares {
    /// Each `front << 32 | back`: the tasks from front up to, not including, back are left.
    left: Vec<AtomicU64>,
}

impl Shares {
    /// Splits `n` tasks; tasks beyond 2^32 cannot be, since blocks of a loop are at least 1024
    /// elements long.
    fn new(n: usize, threads: usize) -> Shares {
        let cut = |k: usize| (n as u128 * k as u128 / threads as u128) as u64;
        let left = |k: usize| AtomicU64::new((cut(k) << 32) | cut(k + 1));
        Shares { left: (0..threads).map(left).collect() }
    }

    /// The next task of the thread `own`.
    fn next(&self, own: usize) -> Option<usize> {
        let n = self.left.len();
        self.take(own % n, End::Front)
            .or_else(|| (1..n).find_map(|k| self.take((own + k) % n, End::Back)))
    }

    fn take(&self, share: usize, end: End) -> Option<usize> {
        let split = |left: u64| (left >> 32, left & 0xffff_ffff);
        let shorter = |left: u64| {
            let (front, back) = split(left);
            (front < back).then(|| match end {
                End::Front => ((front + 1) << 32) | back,
                End::Back => (front << 32) | (back - 1),
            })
        };
        let order = Ordering::Relaxed;
        let before = self.left[share].fetch_update(order, order, shorter).ok()?;
        let (front, back) = split(before);
        let task = match end {
            End::Front => front,
            End::Back => back - 1,
        };
        usize::try_from(task).ok()
    }

    /// Leaves nothing to take.
    fn stop(&self) {
        self.left.iter().for_each(|left| left.store(0, Ordering::Relaxed));
    }
}

/// Which end of a share a task is taken from.
#[derive(Clone, Copy)]
enum End {
    Front,
    Back,
}

/// How threads come together over a loop, and part.
#[derive(Clone, Copy)]
struct Sharing<'s> {
    helpers: usize,
    /// Threads that have begun.
    arrived: &'s AtomicUsize,
    /// Workers that have ended.
    ended: &'s AtomicUsize,
    /// Does a test watch which threads run? Then the calling thread does not run ahead of them.
    observed: bool,
    /// Is the pool the engine's own, so that its workers may stay awake for the next call?
    lingers: bool,
}

impl<'s> Sharing<'s> {
    /// Does the work on the workers and on the calling thread, which then waits for them awake: most
    /// end within a task's time of each other, and going to sleep takes longer than that.
    fn run(self, scope: &rayon::Scope<'s>, work: &'s (impl Fn() + Sync)) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        for _ in 0..self.helpers {
            scope.spawn(move |_| {
                work();
                if self.lingers {
                    linger();
                }
                self.ended.fetch_add(1, Ordering::Release);
            });
        }
        if self.observed {
            wait(OBSERVED, || self.arrived.load(Ordering::Relaxed) > 0);
        }
        work();
        wait(AWAKE, || self.ended.load(Ordering::Acquire) == self.helpers);
    }
}

/// Gives the worker a job that keeps it awake until the next call, or for a while.
fn linger() {
    let seen = CALLS.load(Ordering::Relaxed);
    rayon::spawn(move || wait(LINGER, || CALLS.load(Ordering::Relaxed) != seen));
}

/// Waits awake until it is so, or the time is over.
fn wait(at_most: Duration, so: impl Fn() -> bool) {
    let deadline = Instant::now() + at_most;
    while !so() && Instant::now() < deadline {
        (0..64).for_each(|_| std::hint::spin_loop());
        if at_most > AWAKE {
            std::thread::yield_now();
        }
    }
}

/// Undoes the shuffling.
fn in_task_order<R>(results: TaskResults<R>, order: Option<Vec<usize>>) -> TaskResults<R> {
    let Some(order) = order else { return results };
    let mut numbered: Vec<(usize, R)> = order.into_iter().zip(results).collect();
    numbered.sort_by_key(|&(index, _)| index);
    numbered.into_iter().map(|(_, result)| result).collect()
}

/// A permutation of `0 .. n`: Fisher and Yates, driven by splitmix64.
fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut state = seed;
    for last in (1..n).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let choice = (u128::from(mixed) * (last as u128 + 1)) >> 64;
        order.swap(last, usize::try_from(choice).unwrap_or(last));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_a_permutation_and_depends_on_the_seed() {
        let mut one = shuffled(100, 1);
        assert_ne!(one, shuffled(100, 2));
        one.sort_unstable();
        assert_eq!(one, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn every_task_of_every_share_is_taken_once() {
        for (n, threads) in [(1, 2), (7, 3), (100, 7), (64, 1)] {
            let shares = Shares::new(n, threads);
            let mut taken: Vec<usize> = std::iter::from_fn(|| shares.next(threads - 1)).collect();
            taken.sort_unstable();
            assert_eq!(taken, (0..n).collect::<Vec<_>>(), "{n} tasks, {threads} threads");
        }
        let shares = Shares::new(10, 2);
        assert_eq!(shares.next(1), Some(5));
        shares.stop();
        assert_eq!(shares.next(0), None);
    }

    #[test]
    fn results_come_in_task_order() {
        let mut options = RunOptions::default();
        options.tuning.shuffle = Some(7);
        let results = run_tasks(50, &options, Ok).expect("no task fails");
        assert_eq!(results.to_vec(), (0..50).collect::<Vec<_>>());
    }
}
