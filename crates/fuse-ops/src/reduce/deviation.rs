//! Squared deviations from the mean: what variances are made of, in one sweep.
//!
//! ```text
//! state    n elements, a shift k, s = Σ(x - k), q = Σ(x - k)²        mean = k + s/n, m = q - s·(s/n)
//! step     k is the first element; n + 1, s + (x - k), fma(x - k, x - k, q)
//! merge    δ = (k₂ - k₁) + (s₂/n₂ - s₁/n₁), m = m₁ + m₂ + δ²·n₁n₂/n, about k = fl(k₁ + s₁/n₁ + δ·n₂/n)
//! ```
//!
//! m = Σ(x - mean)² is the result. A lane has at most 32 elements, so its sums are short; merging moves the
//! shift to the mean rounded, and keeps what rounding left, exactly, as s: the mean is known to about twice
//! the precision of f64, and deviations smaller than its last bit are not lost.
//!
//! **Error.** In a lane q = m + n(k - mean)². As k is one of the elements, (k - mean)² ≤ m·(n-1)/n, so
//! q ≤ n·m: the subtraction loses at most the factor n ≤ 32, and that only where the first element is an
//! outlier; for data in no particular order q is about 2m. Differences x - k have a relative error of u = 2^-53.
//! With γ the 35 roundings of a lane, |error of m| ≤ 32·γ·m, about 1200·u·m at the very worst. After a merge
//! |s/n| is at most half an ulp of k, and q = m up to that. Merging adds non-negative terms, each of a relative
//! error of 8u: another 8·(5 + log2 of the number of blocks)·u. Nothing depends on mean/σ. Two sweeps
//! about a rounded mean, as NumPy's, add (n·u²·mean²) to m instead. `docs/decisions/0007` compares both.
//!
//! **Range.** While |x| < 2^1022. m overflows to infinity where it must; infinite and NaN elements give NaN.

use fuse_ir::{DType, Fold, Lane, Scalar};

use super::slots;
use crate::expander::lane_of;
use crate::pen::{Double, Value, region};

/// The fold of Σ(x - mean)², of floats.
pub fn squared_deviations(operand: DType, result: DType) -> Fold {
    deviations((operand, result), |_, next, _| next)
}

/// As [`squared_deviations`], of the elements that are not NaN.
pub fn squared_deviations_of_numbers(operand: DType, result: DType) -> Fold {
    deviations((operand, result), |x, next, old| x.equals(x).select(next, old))
}

/// The next value of a slot, given the element, what it would be with it, and what it was.
type Next = for<'p> fn(Value<'p>, Value<'p>, Value<'p>) -> Value<'p>;

fn deviations((operand, result): (DType, DType), next: Next) -> Fold {
    const STATE: [Lane; 4] = [Lane::F64; 4];
    Fold {
        state: slots(&[Scalar::f64(0.0); 4]),
        step: region(&[STATE.as_slice(), &[lane_of(operand)]].concat(), |v| {
            let (old, x) = (Shifted::of(v), v[4].cast(operand, DType::F64));
            let with = old.with(x).slots();
            with.iter().zip(v).map(|(&new, &old)| next(x, new, old)).collect()
        }),
        merge: region(&[STATE, STATE].concat(), |v| {
            Shifted::of(&v[..4]).merged(Shifted::of(&v[4..])).slots().to_vec()
        }),
        finish: region(&STATE, |v| {
            let sum = Shifted::of(v);
            vec![sum.about_mean(sum.rest()).cast(DType::F64, result)]
        }),
    }
}

/// Sums of some elements about a shift. See the module.
#[derive(Clone, Copy)]
struct Shifted<'p> {
    n: Value<'p>,
    shift: Value<'p>,
    sum: Value<'p>,
    squares: Value<'p>,
}

impl<'p> Shifted<'p> {
    fn of(slots: &[Value<'p>]) -> Shifted<'p> {
        Shifted { n: slots[0], shift: slots[1], sum: slots[2], squares: slots[3] }
    }

    fn slots(self) -> [Value<'p>; 4] {
        [self.n, self.shift, self.sum, self.squares]
    }

    /// With one element more.
    fn with(self, x: Value<'p>) -> Shifted<'p> {
        let shift = self.n.equals(0.0).select(x, self.shift);
        let distance = x - shift;
        Shifted {
            n: self.n + 1.0,
            shift,
            sum: self.sum + distance,
            squares: distance.fma(distance, self.squares),
        }
    }

    /// Mean less shift.
    fn rest(self) -> Value<'p> {
        self.sum / at_least_one(self.n)
    }

    /// Σ(x - mean)², not negative; infinite where squares overflow and their sum about the shift is finite.
    fn about_mean(self, rest: Value<'p>) -> Value<'p> {
        let plain = self.squares - self.sum * rest;
        let zero = plain.constant(0.0);
        let overflows = self.squares.equals(f64::INFINITY) & self.sum.abs().lt(f64::INFINITY);
        overflows.select(self.squares, plain.lt(0.0).select(zero, plain))
    }

    /// The sums of both. Where one has no elements, those of the other.
    fn merged(self, right: Shifted<'p>) -> Shifted<'p> {
        let (rest, right_rest) = (self.rest(), right.rest());
        let shift = self.n.equals(0.0).select(right.shift, self.shift);
        let n = self.n + right.n;
        let weight = right.n / at_least_one(n);
        let delta = (right.shift - shift) + (right_rest - rest);
        let between = delta * (delta * (self.n * weight));
        let squares = self.about_mean(rest) + right.about_mean(right_rest) + between;
        let mean = Double::two_sum(shift, rest + delta * weight);
        let sum = n * mean.lo;
        Shifted { n, shift: mean.hi, sum, squares: sum.fma(mean.lo, squares) }
    }
}

/// A number of elements as a divisor.
fn at_least_one<'p>(n: Value<'p>) -> Value<'p> {
    let one = n.constant(1.0);
    n.equals(0.0).select(one, n)
}
