//! The floor: how long moving the same bytes takes as many threads.
//!
//! As many bytes as are both read and written are copied; what is read beyond that is summed up, what
//! is written beyond that is filled. Each thread has one contiguous part of each.

use std::hint::black_box;

use fuse::CancelToken;
use rayon::prelude::*;

use super::measure::{self, Times};
use crate::failure::{Failure, INTERRUPTED};

/// Below this, waking other threads takes longer than the copy: 256 KiB.
const SMALL: usize = 256 << 10;

/// Measures it.
pub(super) fn floor(
    in_bytes: usize,
    out_bytes: usize,
    threads: usize,
    token: &CancelToken,
) -> Result<Times, Failure> {
    let source = words(in_bytes)?;
    let mut target = words(out_bytes)?;
    let threads = if in_bytes + out_bytes < SMALL { 1 } else { threads };
    let poll = || if token.is_cancelled() { Err(Failure::Reported(INTERRUPTED)) } else { Ok(()) };
    if threads == 1 {
        return measure::repeat(measure::SECOND / 2, || {
            move_words(&source, &mut target);
            poll()
        });
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::Run(format!("cannot start {threads} threads: {error}")))?;
    measure::repeat(measure::SECOND / 2, || {
        pool.install(|| {
            let parts: Vec<_> = parts(&source, &mut target, threads).collect();
            parts.into_par_iter().with_max_len(1).for_each(|(from, to)| move_words(from, to));
        });
        poll()
    })
}

/// So many bytes, rounded up to words, written once so that the pages exist.
fn words(bytes: usize) -> Result<Vec<u64>, Failure> {
    let len = bytes.div_ceil(8);
    let mut words = Vec::new();
    words
        .try_reserve_exact(len)
        .map_err(|_| Failure::Run(format!("cannot allocate {bytes} bytes for the copy")))?;
    words.resize(len, 1);
    Ok(words)
}

/// What each thread reads and writes.
fn parts<'a>(
    source: &'a [u64],
    target: &'a mut [u64],
    threads: usize,
) -> impl Iterator<Item = (&'a [u64], &'a mut [u64])> {
    let (read, written) = (source.len().div_ceil(threads), target.len().div_ceil(threads));
    let mut from = source.chunks(read.max(1));
    let mut to = target.chunks_mut(written.max(1));
    (0..threads).map(move |_| (from.next().unwrap_or_default(), to.next().unwrap_or_default()))
}

fn move_words(source: &[u64], target: &mut [u64]) {
    let common = source.len().min(target.len());
    target[..common].copy_from_slice(&source[..common]);
    target[common..].fill(2);
    black_box(source[common..].iter().fold(0, |sum: u64, &word| sum.wrapping_add(word)));
    black_box(target);
}
