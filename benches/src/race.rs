//! Interleaved timing: what counts are ratios of least times, found in one process on the same arrays.
//!
//! A round gives every contender its turn, in an order that rotates. A turn is 2 ms of untimed calls,
//! so that threads of the contender before have gone to sleep and caches, clock and the width of the
//! vectors are this one's; then one timed stretch of as many calls as take 100 µs, or one call.

use std::time::{Duration, Instant};

/// Untimed calls before each timed stretch.
const WARM: Duration = Duration::from_millis(2);
/// A timed stretch: long beside the clock's steps, short beside what interrupts it.
const STRETCH: Duration = Duration::from_micros(100);

/// Calls a contender once: it writes its results into the array.
pub type Call<'a, T> = Box<dyn FnMut(&mut [T]) + 'a>;

/// The contenders of one row.
pub struct Race<'a, T> {
    contenders: Vec<(String, Call<'a, T>)>,
}

impl<T> Default for Race<'_, T> {
    fn default() -> Self {
        Race { contenders: Vec::new() }
    }
}

/// Nanoseconds a call, by contender and round.
#[derive(Clone, Debug, Default)]
pub struct Times(pub Vec<(String, Vec<f64>)>);

impl<'a, T: Copy> Race<'a, T> {
    /// Another contender.
    pub fn add(&mut self, name: impl Into<String>, call: impl FnMut(&mut [T]) + 'a) {
        self.contenders.push((name.into(), Box::new(call)));
    }

    /// What every contender makes of the inputs, one after the other.
    pub fn answers(&mut self, out: &mut [T]) -> Vec<(String, Vec<T>)> {
        let mut answer = |(name, call): &mut (String, Call<'a, T>)| {
            call(out);
            (name.clone(), out.to_vec())
        };
        self.contenders.iter_mut().map(&mut answer).collect()
    }

    /// Times all contenders.
    pub fn run(mut self, rounds: usize, out: &mut [T]) -> Times {
        let n = self.contenders.len();
        let mut times: Vec<Vec<f64>> = vec![Vec::with_capacity(rounds); n];
        for round in 0..rounds {
            for turn in 0..n {
                let at = (round + turn) % n;
                times[at].push(turn_of(&mut self.contenders[at].1, out));
            }
        }
        Times(self.contenders.into_iter().map(|(name, _)| name).zip(times).collect())
    }
}

impl Times {
    /// The least time of a contender; none where it did not take part.
    pub fn least(&self, name: &str) -> Option<f64> {
        let (_, rounds) = self.0.iter().find(|(known, _)| known == name)?;
        rounds.iter().copied().reduce(f64::min)
    }

    /// The ratio of two contenders' least times; none where one did not take part.
    pub fn ratio(&self, name: &str, to: &str) -> Option<f64> {
        Some(self.least(name)? / self.least(to)?)
    }
}

/// Nanoseconds a call.
fn turn_of<T>(call: &mut Call<'_, T>, out: &mut [T]) -> f64 {
    let (start, mut warm) = (Instant::now(), 0_u32);
    while start.elapsed() < WARM {
        call(out);
        warm += 1;
    }
    let once = start.elapsed() / warm;
    let calls = (STRETCH.as_nanos() / once.as_nanos().max(1)).max(1);
    let start = Instant::now();
    for _ in 0..calls {
        call(out);
    }
    start.elapsed().as_secs_f64() * 1e9 / calls as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_has_its_turn_in_every_round() {
        let mut race = Race::default();
        race.add("one", |out: &mut [i32]| out.fill(1));
        race.add("two", |out: &mut [i32]| out.fill(2));
        assert_eq!(race.answers(&mut [0]), [("one".into(), vec![1]), ("two".into(), vec![2])]);
        let times = race.run(3, &mut [0; 64]);
        assert!(times.0.iter().all(|(_, rounds)| rounds.len() == 3));
        assert!(times.ratio("one", "two").is_some() && times.least("three").is_none());
    }
}
