//! Repeating and timing.

use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long the formula itself is repeated.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Shortest time that the clock measures well: 20 µs, a thousand times its resolution.
const SHORTEST: f64 = 20_000.0;

/// Fewest measurements.
const FEWEST: usize = 5;

/// Most measurements: enough for a median, and little memory.
const MOST: usize = 100_000;

/// Nanoseconds of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) min: f64,
    pub(crate) median: f64,
}

/// Warms up for a tenth of `budget`, then repeats for `budget`; short calls are timed in batches.
pub(crate) fn repeat(
    budget: Duration,
    mut call: impl FnMut() -> Result<(), Failure>,
) -> Result<Times, Failure> {
    let (start, mut warm_up) = (Instant::now(), 0_u32);
    while warm_up < 2 || (start.elapsed() < budget / 10 && warm_up < 1_000_000) {
        call()?;
        warm_up += 1;
    }
    let estimate = nanoseconds(start.elapsed()) / f64::from(warm_up);
    let batch = (1_u32..=1 << 20).find(|&n| f64::from(n) * estimate >= SHORTEST).unwrap_or(1);
    let mut samples = Vec::new();
    let start = Instant::now();
    while samples.len() < FEWEST || (start.elapsed() < budget && samples.len() < MOST) {
        let start = Instant::now();
        for _ in 0..batch {
            call()?;
        }
        samples.push(nanoseconds(start.elapsed()) / f64::from(batch));
    }
    let min = samples.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(Times { min, median: median(&mut samples) })
}

/// A duration as a number.
pub(crate) fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// The middle one; there is at least one.
pub(crate) fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(0.0)
}
