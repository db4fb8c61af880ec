//! The least and the greatest element, and where they are.
//!
//! Of floats there are two states: the plain extremum, by one comparison and one choice, which knows
//! nothing of NaN, and a mask of what decides about NaN in the end: `max` and `min` remember whether one
//! was NaN, `nanmax` and `nanmin` whether one was a number. Of equal elements (0 and -0) the later one is
//! the result of `max` and `min`.
//!
//! The index of the first extremum: in a lane, elements come in rising order, so only a better one takes
//! its place; NaN is better than any number, and no NaN than another. Between lanes, of equal ones the
//! lower index wins. The state starts with the value that nothing is worse than, and an index that says
//! so: if it never changed, all elements are that value, and the first is the answer.

use fuse_ir::{DType, DTypeKind, Fold, Lane, Scalar};

use super::{Combine, all, any, slots};
use crate::expander::lane_of;
use crate::pen::{Value, region};

/// Which one is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Least,
    Greatest,
}

/// What becomes of NaN.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nan {
    /// It is the result.
    Wins,
    /// It is passed over.
    Skipped,
}

/// The fold of `max`.
pub fn max(operand: DType, result: DType) -> Fold {
    extremum((operand, result), Wanted::Greatest, Nan::Wins)
}

/// The fold of `min`.
pub fn min(operand: DType, result: DType) -> Fold {
    extremum((operand, result), Wanted::Least, Nan::Wins)
}

/// The fold of `nanmax`: NaN if all elements are.
pub fn nanmax(operand: DType, result: DType) -> Fold {
    extremum((operand, result), Wanted::Greatest, Nan::Skipped)
}

/// The fold of `nanmin`.
pub fn nanmin(operand: DType, result: DType) -> Fold {
    extremum((operand, result), Wanted::Least, Nan::Skipped)
}

fn extremum((operand, result): (DType, DType), wanted: Wanted, nan: Nan) -> Fold {
    let lane = lane_of(operand);
    if lane == Lane::Mask {
        return if wanted == Wanted::Greatest { any } else { all }(operand, result);
    }
    let worst = worst(operand, wanted);
    let before = order(operand, wanted);
    if !lane.is_float() {
        let better = || region(&[lane, lane], |v| vec![before(v[1], v[0]).select(v[1], v[0])]);
        return Fold {
            state: slots(&[worst]),
            step: better(),
            merge: better(),
            finish: region(&[lane], |v| vec![v[0]]),
        };
    }
    Fold {
        state: slots(&[worst, Scalar::mask(false)]),
        step: region(&[lane, Lane::Mask, lane], |v| {
            vec![nan.kept(before, v[0], v[2]), v[1] | nan.noted(v[2])]
        }),
        merge: region(&[lane, Lane::Mask, lane, Lane::Mask], |v| {
            vec![nan.kept(before, v[0], v[2]), v[1] | v[3]]
        }),
        finish: region(&[lane, Lane::Mask], |v| {
            let quiet = v[0].constant(f64::NAN);
            vec![match nan {
                Nan::Wins => v[1].select(quiet, v[0]),
                Nan::Skipped => v[1].select(v[0], quiet),
            }]
        }),
    }
}

impl Nan {
    /// The extremum of two values. A comparison with NaN is false: a new NaN is kept where it wins, and
    /// remembered by the mask, since the next value takes its place.
    fn kept<'p>(self, before: Combine, old: Value<'p>, new: Value<'p>) -> Value<'p> {
        match self {
            Nan::Wins => before(old, new).select(old, new),
            Nan::Skipped => before(new, old).select(new, old),
        }
    }

    /// What is to be remembered of an element.
    fn noted(self, element: Value<'_>) -> Value<'_> {
        match self {
            Nan::Wins => element.is_nan(),
            Nan::Skipped => element.equals(element),
        }
    }
}

/// The fold of the index of the greatest element: of values and their indices.
pub fn index_of_max(operand: DType, _result: DType) -> Fold {
    index(operand, Wanted::Greatest)
}

/// The fold of the index of the least element.
pub fn index_of_min(operand: DType, _result: DType) -> Fold {
    index(operand, Wanted::Least)
}

/// The index before any element was better than the worst.
const UNSET: i64 = i64::MAX;

fn index(operand: DType, wanted: Wanted) -> Fold {
    let (lane, before) = (lane_of(operand), order(operand, wanted));
    let pair = [lane, Lane::I64];
    Fold {
        state: slots(&[worst(operand, wanted), Scalar::int(Lane::I64, UNSET)]),
        step: region(&[pair, pair].concat(), |v| {
            let takes = better(before, v[2], v[0]);
            vec![takes.select(v[2], v[0]), takes.select(v[3], v[1])]
        }),
        merge: region(&[pair, pair].concat(), |v| {
            let (right, left) = (better(before, v[2], v[0]), better(before, v[0], v[2]));
            let takes = right | (!left & v[3].lt(v[1]));
            vec![takes.select(v[2], v[0]), takes.select(v[3], v[1])]
        }),
        finish: region(&pair, |v| {
            let first = v[1].constant(0);
            vec![v[1].equals(UNSET).select(first, v[1])]
        }),
    }
}

/// Is it strictly better? NaN is, of a number.
fn better<'p>(before: Combine, new: Value<'p>, old: Value<'p>) -> Value<'p> {
    let plain = before(new, old);
    if new.lane().is_float() { plain | (new.is_nan() & old.equals(old)) } else { plain }
}

/// Does the first value come before the second in the order wanted?
fn order(operand: DType, wanted: Wanted) -> Combine {
    match (wanted, operand.kind() == DTypeKind::UInt) {
        (Wanted::Least, false) => |a, b| a.lt(b),
        (Wanted::Least, true) => |a, b| a.lt_u(b),
        (Wanted::Greatest, false) => |a, b| b.lt(a),
        (Wanted::Greatest, true) => |a, b| b.lt_u(a),
    }
}

/// The value that nothing is worse than.
fn worst(operand: DType, wanted: Wanted) -> Scalar {
    let lane = lane_of(operand);
    let unsigned = operand.kind() == DTypeKind::UInt;
    match wanted {
        Wanted::Least if lane.is_float() => Scalar::float(lane, f64::INFINITY),
        Wanted::Greatest if lane.is_float() => Scalar::float(lane, f64::NEG_INFINITY),
        Wanted::Least if unsigned => Scalar::int(lane, -1),
        Wanted::Greatest if unsigned => Scalar::int(lane, 0),
        Wanted::Least => Scalar::int(lane, i64::MAX >> (64 - lane.bits())),
        Wanted::Greatest => Scalar::int(lane, i64::MIN >> (64 - lane.bits())),
    }
}
