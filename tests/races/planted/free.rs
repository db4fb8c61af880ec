//! Reads what was given back: what `asan.sh` must find, or it finds nothing.

#![expect(unsafe_code, reason = "a planted defect")]

use std::hint::black_box;

fn main() {
    let boxed = Box::new([7_u64; 100]);
    let address = black_box(std::ptr::from_ref(&boxed[50]));
    drop(black_box(boxed));
    // SAFETY: none: it was just freed.
    let read = unsafe { *address };
    black_box(read);
}
