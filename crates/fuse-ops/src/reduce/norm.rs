//! The 2-norm, without overflow or underflow in between.
//!
//! Squares of f32 and f16 neither overflow nor underflow in f64: their norm is sqrt(Σx²). Squares of f64 do,
//! so there are three sums, by magnitude (Blue 1978, with the constants of Anderson 2017):
//!
//! ```text
//! big     |x| > 2^486        Σ (x·2^-538)²
//! middle                     Σ x²
//! small   |x| < 2^-511       Σ (x·2^537)²
//! ```
//!
//! No square of these over- or underflows, nor a sum of fewer than 2^50. The result: with a big element
//! sqrt(big + middle·2^-1076)·2^538, where small ones are below the last bit; else sqrt(middle), if that
//! exceeds 2^-850 so that small ones are below its last bit; else sqrt(small + middle·2^1074)·2^-537. Products with
//! powers of two are exact but where the result itself overflows or is subnormal.
//!
//! NaN is a middle one, infinity a big one: with a NaN the result is NaN, else with an infinity
//! infinite. Error: half that of the sum of squares, and one rounding.
//!
//! Of complex numbers the squares of both parts are added, an element's real one first: twice as many
//! terms in a lane, 69 roundings where reals have 37.

use fuse_ir::{DType, Fold, Lane, Scalar};

use super::slots;
use crate::expander::lane_of;
use crate::pen::{Value, region};

/// 2^exponent, of a normal number.
const fn exp2(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

const BIG: f64 = exp2(486);
const SMALL: f64 = exp2(-511);
const SHRINK: f64 = exp2(-538);
const ENLARGE: f64 = exp2(537);
const ALONE: f64 = exp2(-850);

/// The fold of `norm`, of floats or of complex numbers.
pub fn norm(operand: DType, result: DType) -> Fold {
    let part = operand.part().unwrap_or(operand);
    let parts = vec![lane_of(part); if operand.is_complex() { 2 } else { 1 }];
    if part == DType::F64 { of_doubles(&parts) } else { of_narrow(part, &parts, result) }
}

fn of_narrow(part: DType, parts: &[Lane], result: DType) -> Fold {
    let wide = Lane::F64;
    Fold {
        state: slots(&[Scalar::f64(0.0)]),
        step: region(&[&[wide], parts].concat(), |v| {
            let squares = v[1..].iter().map(|x| x.cast(part, DType::F64));
            vec![squares.fold(v[0], |sum, x| x.fma(x, sum))]
        }),
        merge: region(&[wide, wide], |v| vec![v[0] + v[1]]),
        finish: region(&[wide], |v| vec![v[0].sqrt().cast(DType::F64, result)]),
    }
}

fn of_doubles(parts: &[Lane]) -> Fold {
    const STATE: [Lane; 3] = [Lane::F64; 3];
    Fold {
        state: slots(&[Scalar::f64(0.0); 3]),
        step: region(&[STATE.as_slice(), parts].concat(), |v| {
            v[3..].iter().fold([v[0], v[1], v[2]], |sums, &x| with_square(sums, x)).to_vec()
        }),
        merge: region(&[STATE, STATE].concat(), |v| (0..3).map(|i| v[i] + v[i + 3]).collect()),
        finish: region(&STATE, |v| vec![combined([v[0], v[1], v[2]])]),
    }
}

/// The sums with x² in that of its size.
fn with_square<'p>(sums: [Value<'p>; 3], x: Value<'p>) -> [Value<'p>; 3] {
    let (magnitude, zero) = (x.abs(), x.constant(0.0));
    let (is_big, is_small) = (magnitude.gt(BIG), magnitude.lt(SMALL));
    let big = is_big.select(x * SHRINK, zero);
    let middle = (is_big | is_small).select(zero, x);
    let small = is_small.select(x * ENLARGE, zero);
    [big.fma(big, sums[0]), middle.fma(middle, sums[1]), small.fma(small, sums[2])]
}

fn combined<'p>([big, middle, small]: [Value<'p>; 3]) -> Value<'p> {
    let with_big = (big + (middle * SHRINK) * SHRINK).sqrt() * (1.0 / SHRINK);
    let with_small = (small + (middle * ENLARGE) * ENLARGE).sqrt() * (1.0 / ENLARGE);
    let is_small = middle.le(ALONE);
    let rest = is_small.select(with_small, middle.sqrt());
    big.equals(0.0).select(rest, with_big)
}
