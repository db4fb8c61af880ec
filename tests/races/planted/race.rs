//! Two threads write one place without order: what `tsan.sh` must find, or it finds nothing.

#![expect(unsafe_code, reason = "a planted defect")]

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::Arc;
use std::thread;

struct Shared(UnsafeCell<u64>);

// SAFETY: none, on purpose.
unsafe impl Sync for Shared {}

fn main() {
    let shared = Arc::new(Shared(UnsafeCell::new(0)));
    let adds = || {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            for _ in 0..1000 {
                // SAFETY: none: the other thread writes it too.
                unsafe { *black_box(shared.0.get()) += 1 };
            }
        })
    };
    let threads = [adds(), adds()];
    for thread in threads {
        thread.join().expect("no panic");
    }
}
