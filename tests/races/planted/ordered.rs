//! Threads that wait for std's locks, and race nowhere: `tsan.sh` must find nothing, or locks.c does not do its work.

#![expect(unsafe_code, reason = "places that only a lock keeps in order")]

use std::cell::UnsafeCell;
use std::sync::{Mutex, OnceLock, RwLock};
use std::thread;
use std::time::Duration;

/// Whoever touches it holds a lock.
struct Guarded(UnsafeCell<u64>);

// SAFETY: by the locks of `main`.
unsafe impl Sync for Guarded {}

static BY_MUTEX: Guarded = Guarded(UnsafeCell::new(0));
static BY_RWLOCK: Guarded = Guarded(UnsafeCell::new(0));
static MUTEX: Mutex<()> = Mutex::new(());
static RWLOCK: RwLock<()> = RwLock::new(());
static ONCE: OnceLock<Vec<u64>> = OnceLock::new();

fn add(place: &Guarded) {
    // SAFETY: the caller holds the place's lock for writing.
    unsafe {
        let before = *place.0.get();
        thread::sleep(Duration::from_micros(200));
        *place.0.get() = before + 1;
    }
}

fn main() {
    let work = || {
        let made = ONCE.get_or_init(|| {
            thread::sleep(Duration::from_millis(20));
            vec![7; 100]
        });
        for _ in 0..100 {
            let held = MUTEX.lock().expect("no panic");
            add(&BY_MUTEX);
            drop(held);
            let held = RWLOCK.write().expect("no panic");
            add(&BY_RWLOCK);
            drop(held);
            let held = RWLOCK.read().expect("no panic");
            // SAFETY: the lock is held for reading.
            assert!(unsafe { *BY_RWLOCK.0.get() } > 0 && made[3] == 7);
            drop(held);
        }
    };
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(work)).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}
