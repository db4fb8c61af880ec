//! What was found at many points.

/// The errors of many results.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Points measured.
    pub points: u64,
    /// Results that are the nearest float.
    pub correct: u64,
    /// The largest error in ulp.
    pub max: f64,
    /// The arguments that attain it, as bits.
    pub at: Vec<u64>,
    /// The result there, as bits.
    pub result: u64,
}

impl Tally {
    /// Adds one result.
    pub fn add(&mut self, error: f64, nearest: bool, args: impl FnOnce() -> Vec<u64>, result: u64) {
        self.points += 1;
        self.correct += u64::from(nearest);
        if error > self.max || self.at.is_empty() {
            self.max = error;
            self.at = args();
            self.result = result;
        }
    }

    /// Adds all of another tally.
    pub fn merge(&mut self, other: Tally) {
        let (points, correct) = (self.points + other.points, self.correct + other.correct);
        if other.max > self.max || self.at.is_empty() {
            *self = other;
        }
        (self.points, self.correct) = (points, correct);
    }

    /// The share of results that are the nearest float.
    pub fn share(&self) -> f64 {
        self.correct as f64 / self.points.max(1) as f64
    }
}
