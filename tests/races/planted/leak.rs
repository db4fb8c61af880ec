//! Forgets what it has: what `asan.sh` must find, or its check for leaks finds nothing.

use std::hint::black_box;

fn main() {
    let boxed = Box::new([7_u64; 100]);
    let _ = Box::into_raw(black_box(boxed));
}
