//! The error function and its complement.
//!
//! **erf.** x in [0, 5.93) lies in one of 16 intervals about the centres c = k·49/128; erf(c + t) is a
//! polynomial of degree 13 in t whose coefficients are looked up. k comes from adding 1.5·2^52 to
//! x·128/49, t = x - c is exact. About 0 the polynomial is odd with constant 0, so the relative error
//! stays; subnormal arguments need nothing of their own, as 2/√π·x is then the whole result. All lanes
//! take one path, larger ones clamped to 5.93, where erf rounds to 1.
//!
//! Error in ulp of the result: ½ for the last sum; constant + slope·t is exact (see `piecewise`), the
//! slope's rounding is left to the higher coefficients in the fit but for k = 0, where it is 0.06
//! to 0.12; coefficient of t² times t², at most 0.07 of the result (k = 1), with two roundings: 0.07;
//! polynomials 2^-59.2, 0.02: below 0.72. For results in [2^-1022, 2^-1020) what 2/√π·x loses is rounded
//! to multiples of 2^-1074, ¼ ulp or less: below 0.9.
//!
//! **erfc.** e^(-x²) times the smooth e^(x²)·erfc(x), for |x|; 2 less that for negative x. x² is exact
//! in hi + lo, its exponential has an error of 3·2^-59 (see `extended`). The smooth factor is a piecewise
//! polynomial of degree 15: 16 intervals, four in each binade of |x| + 2, their centres made from the
//! leading bits (2^-59.8). Both are hi + lo; their product and the subtraction from 2 are summed with
//! one rounding: ½ + 0.1 for the exponential + 0.1 for trailing parts (at most 0.06 of the result, two
//! roundings each) + 0.02, in half ulps where the result is just below a power of two: below 0.95. For
//! tiny |x|, t is rounded: 0.07 more. Results below 2^-1021 (x > 26.5) are scaled in a rare region:
//! another rounding, of ½ ulp of the subnormal result; ½ + ½ + … is not attained, as the first is
//! relative to a longer significand.
//!
//! **f32** in f64: erf is x·P(x²) with one polynomial for all of |x| < 3.94, erfc as above with an
//! exponential of degree 7 and pieces of degree 7. ½ + 2^-4.6 for the polynomials: below 0.55.
//!
//! Methods: piecewise Taylor-like expansions about table points (Gal and Bachelis 1991; Tang 1989),
//! the scaled complement as in Cody 1969. Tried: 32 intervals and degree 10 for erf, 5.6 instead of
//! 7.1 ns at 128 bits, where columns of any length cost the same; but about 0 that degree loses half an
//! ulp, and where a register pair holds 16 entries a column of 32 is three instructions instead of
//! one. A rational function in (x - K)/(x + K) for erfc (Shepherd and Laframboise 1981) needs a division
//! and degree 22, and carries the division's error.

use crate::coefficients::error_function as constants;
use crate::pen::{Double, Pen, Value};

use super::SHIFTER;
use super::exp::scaled;
use super::extended::{Power, at_most, interval, piecewise, short_exp, short_piecewise};

/// `erf(x)`.
pub fn erf<'p>(_: &'p Pen, x: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return erf_single(x);
    }
    let magnitude = at_most(x.abs(), constants::TOP);
    let shifted = magnitude.fma(constants::INTERVALS, SHIFTER);
    let t = (shifted - SHIFTER).fma(-constants::WIDTH, magnitude);
    piecewise(shifted.bits(), t, &constants::ERF).rounded().with_sign_of(x)
}

fn erf_single(x: Value<'_>) -> Value<'_> {
    let x = at_most(x.abs(), constants::TOP_SINGLE).with_sign_of(x).widened();
    (x * (x * x).polynomial(&constants::ERF_SINGLE)).narrowed()
}

/// `erfc(x)`.
pub fn erfc<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return erfc_single(x);
    }
    let magnitude = at_most(x.abs(), 28.0);
    let square = Double::two_prod(magnitude, magnitude);
    let power = Power::of(Double::new(-square.hi, -square.lo));
    let (index, t) = shifted_interval(magnitude);
    let product = power.times(piecewise(index, t, &constants::ERFC));
    // 0 + or 2 - (product + rest)·2^k, rounded once.
    let negative = x.lt(0.0);
    let (scale, base) = (power.scale(), negative.select(x.constant(2.0), 0.0));
    let scale = negative.select(-scale, scale);
    let hi = product.hi.fma(scale, base);
    let lost = product.hi.fma(scale, base - hi);
    let usual = hi + product.lo.fma(scale, lost);
    pen.rare(
        !magnitude.lt(26.5),
        [x, product.rounded(), power.exponent()],
        [usual],
        |_, [x, value, exponent]| {
            let tail = scaled(value, exponent);
            [x.lt(0.0).select(2.0 - tail, tail)]
        },
    )[0]
}

fn erfc_single(x: Value<'_>) -> Value<'_> {
    let x = x.widened();
    let magnitude = at_most(x.abs(), 11.0);
    let (index, t) = shifted_interval(magnitude);
    let smooth = short_piecewise(index, t, &constants::ERFC_SINGLE);
    let tail = short_exp(-(magnitude * magnitude)) * smooth;
    x.lt(0.0).select(2.0 - tail, tail).narrowed()
}

/// Of a number in \[0, 30): the index of its interval, and the distance from the interval's centre.
fn shifted_interval<'p>(magnitude: Value<'p>) -> (Value<'p>, Value<'p>) {
    let (index, centre) = interval::<2>(magnitude + 2.0);
    (index, magnitude - (centre - 2.0))
}
