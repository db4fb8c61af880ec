//! Exponentials.
//!
//! **exp.** x = n·ln 2 + r with n = round(x / ln 2) and |r| ≤ ln 2 / 2, so e^x = 2^n·e^r. n comes from
//! adding 1.5·2^52 to x / ln 2 (Hart's trick): the sum's low bits are n. r takes two multiply-adds
//! with ln 2 = LN2_HI + LN2_LO; n·LN2_HI is exact, hence so is x - n·LN2_HI (Sterbenz, or r small), and
//! r has one rounding: at most 2^-55 beside an error of LN2_LO of 2^-97·n. e^r = 1 + (r + r²·q(r)), and
//! 2^n is added to the exponent.
//!
//! Error in ulp of a result in [1, √2): ½ for the last sum, ¼·|r| + ½·|r| for r and r + r²·q, 0.01
//! for the polynomial: below 0.5 + 0.35·0.75 + …; in [√½, 1) an ulp is half of that: 0.5 + 2·0.26 =
//! at most 1.03 by this count, 0.77 measured.

use crate::coefficients::exp::{EXP, LN2_HI, LN2_LO, LOG2_E};
use crate::pen::{Pen, Value};

/// 1.5·2^52: numbers below 2^51 added to it are rounded to integers, which are its low bits.
const SHIFTER: f64 = 6_755_399_441_055_744.0;

/// `exp(x)`.
pub fn exp<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let (power, n) = reduced(x);
    let usual = (power.bits() + (n << 52)).as_float();
    let ordinary = x.abs().lt(708.0);
    pen.rare(!ordinary, [x], [usual], |_, [x]| {
        // Beyond ±800 every result is 0 or infinity; NaN passes both selects.
        let x = x.lt(-800.0).select(x.constant(-800.0), x);
        let x = x.gt(800.0).select(x.constant(800.0), x);
        let (power, n) = reduced(x);
        [scaled(power, n - x.constant(SHIFTER).bits())]
    })[0]
}

/// e^r, and an integer whose low bits are n: its upper ones are those of [`SHIFTER`].
fn reduced<'p>(x: Value<'p>) -> (Value<'p>, Value<'p>) {
    let shifted = x.fma(LOG2_E, SHIFTER);
    let n = shifted - SHIFTER;
    let r = n.fma(-LN2_LO, n.fma(-LN2_HI, x));
    let power = (r * r).fma(r.polynomial(&EXP), r) + 1.0;
    (power, shifted.bits())
}

/// power·2^n in two exact steps and a rounded one, for |n| < 2000 and power near 1.
pub(super) fn scaled<'p>(power: Value<'p>, n: Value<'p>) -> Value<'p> {
    let half = n.shr_s(1);
    let [first, second] = [half, n - half].map(|n| ((n + 1023) << 52).as_float());
    power * first * second
}
