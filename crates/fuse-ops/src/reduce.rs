//! Reductions as folds.
//!
//! A fold is state, step, merge and finish; the order in which they run is the same on every back
//! end and thread count (`docs/numerics.md`).
//!
//! | fold | state | here |
//! |---|---|---|
//! | sum, product | f64 of floats, 64 bits of integers | this file |
//! | product of complex numbers | two f64, its parts | this file |
//! | sum of products, by multiply-adds | f64 | this file |
//! | any, all | a mask | this file |
//! | least, greatest, and where they are | a value, and a mask of NaNs; a value and an index | `extremum` |
//! | squared deviations from the mean | count, shift, sums about the shift | `deviation` |
//! | 2-norm | sums of squares of three sizes | `norm` |
//!
//! Floats accumulate in f64 and are rounded to the result once; integers wrap. Everything else that is
//! a reduction to a user (mean, argmax, nansum, …) the compiler writes with these.

mod deviation;
mod extremum;
mod norm;

use fuse_ir::{DType, Fold, Lane, Scalar, StateSlot};

pub use deviation::{squared_deviations, squared_deviations_of_numbers};
pub use extremum::{index_of_max, index_of_min, max, min, nanmax, nanmin};
pub use norm::norm;

use crate::complex::Complex;
use crate::expander::lane_of;
use crate::pen::{Value, region};

/// A function of two values of one lane.
type Combine = for<'p> fn(Value<'p>, Value<'p>) -> Value<'p>;

/// The fold of `sum` over elements of a dtype.
pub fn sum(operand: DType, result: DType) -> Fold {
    total(operand, result, 0, |total, element| total + element)
}

/// The fold of `prod`. Complex numbers are multiplied by the plain formula of `complex::parts`, their parts
/// in f64, from 1 + 0i, as NumPy does: an infinite element makes a part NaN.
pub fn prod(operand: DType, result: DType) -> Fold {
    let Some(part) = operand.part() else {
        return total(operand, result, 1, |total, element| total * element);
    };
    let narrow = lane_of(part);
    Fold {
        state: slots(&[Scalar::f64(1.0), Scalar::f64(0.0)]),
        step: region(&[Lane::F64, Lane::F64, narrow, narrow], |v| {
            let [re, im] = [v[2], v[3]].map(|part_of| part_of.cast(part, DType::F64));
            times([v[0], v[1]], [re, im])
        }),
        merge: region(&[Lane::F64; 4], |v| times([v[0], v[1]], [v[2], v[3]])),
        finish: region(&[Lane::F64; 2], |v| {
            vec![v[0].cast(DType::F64, part), v[1].cast(DType::F64, part)]
        }),
    }
}

/// The parts of a product of complex numbers.
fn times<'p>([a, b]: [Value<'p>; 2], [c, d]: [Value<'p>; 2]) -> Vec<Value<'p>> {
    Complex::new(a, b).times(Complex::new(c, d)).into_parts()
}

fn total(operand: DType, result: DType, neutral: i32, combine: Combine) -> Fold {
    let state = if operand.is_float() { DType::F64 } else { result };
    let lane = lane_of(state);
    let init = if lane.is_float() {
        Scalar::float(lane, f64::from(neutral))
    } else {
        Scalar::int(lane, i64::from(neutral))
    };
    Fold {
        state: slots(&[init]),
        step: region(&[lane, lane_of(operand)], |v| vec![combine(v[0], v[1].cast(operand, state))]),
        merge: region(&[lane, lane], |v| vec![combine(v[0], v[1])]),
        finish: region(&[lane], |v| vec![v[0].cast(state, result)]),
    }
}

/// The fold of a sum of products of floats, each added with one rounding: `fma(a, b, total)` in f64.
/// Products of f32 are exact there.
pub fn sum_of_products(operand: DType, result: DType) -> Fold {
    let (wide, narrow) = (Lane::F64, lane_of(operand));
    Fold {
        state: slots(&[Scalar::f64(0.0)]),
        step: region(&[wide, narrow, narrow], |v| {
            let [a, b] = [v[1], v[2]].map(|factor| factor.cast(operand, DType::F64));
            vec![a.fma(b, v[0])]
        }),
        merge: region(&[wide, wide], |v| vec![v[0] + v[1]]),
        finish: region(&[wide], |v| vec![v[0].cast(DType::F64, result)]),
    }
}

/// The fold of `any`.
pub fn any(_operand: DType, _result: DType) -> Fold {
    truth(false, |a, b| a | b)
}

/// The fold of `all`.
pub fn all(_operand: DType, _result: DType) -> Fold {
    truth(true, |a, b| a & b)
}

fn truth(neutral: bool, combine: Combine) -> Fold {
    let both = || region(&[Lane::Mask, Lane::Mask], |v| vec![combine(v[0], v[1])]);
    Fold {
        state: slots(&[Scalar::mask(neutral)]),
        step: both(),
        merge: both(),
        finish: region(&[Lane::Mask], |v| vec![v[0]]),
    }
}

/// The state's slots, from what they start with.
fn slots(init: &[Scalar]) -> Vec<StateSlot> {
    init.iter().map(|&init| StateSlot { init }).collect()
}
