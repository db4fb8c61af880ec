//! The gamma function and the logarithm of its magnitude.
//!
//! **gamma.** Γ(x) = x^(x-1/2)·e^-x·F(x), where F falls from e to √(2π): (x - 1/2)·log x - x in hi + lo, its
//! exponential in hi + lo (both in `extended`), times F, a piecewise polynomial of degree 16 on halves of
//! binades. One path for \[1, 171); integers up to 23 give exact factorials, as the error before the
//! last rounding stays below half an ulp.
//!
//! Error in ulp: ½ for the last sum; the logarithm's 2^-68 and its polynomial's 2^-68 times 170, 2^-59.6;
//! the exponential's 3·2^-59; F's 2^-59.7; trailing parts of the product, below 0.07 of it, with three
//! roundings: together 2^-56.3 and 0.1 relative to half an ulp: below 0.8.
//!
//! In a rare region: below 1, of Γ(w), w = 1 + |x| rounded, corrected by (1 + w_lo·ψ(w)), it is Γ(w)/x or,
//! reflected, -π/(sin(π|x|)·Γ(w)). sin(π|x|) = ±r·(π + s·q(s)), s = r², r = |x| less its nearest integer, exactly;
//! π + s·q(s) in hi + lo with an error of 2^-56. Quotients keep their remainders (a multiply-add), so the
//! error grows by 0.15 only; subnormal results are rounded a second time. Powers of two are applied last, but
//! first beside tiny x, where the quotient may overflow early.
//!
//! **lgamma**, x > 0: from 1/2 to 8 it is (x - 1)·(x - 2)·P(x), so the zeros are exact factors; P is a piecewise
//! polynomial of degree 14 on quarters of binades. Below 1/2, that of 1 + x less log x. From 8,
//! x·(log x - 1) - log(x)/2 + log(2π)/2 + R(1/x²)/x with R of degree 6. Error: ½ for the last sum, of products
//! with hi + lo: 0.05 between 1/2 and 8; below, two roundings of numbers below 1/8 beside a result above
//! 0.57: 0.13; above 8, three roundings of numbers near 1 beside a result above 8.5: 0.13. Below 0.7.
//!
//! x < 0, subnormal or special, in a rare region: log|Γ(-a)| = log π - log(|sin πa|·F(w)) - ((w - 1/2)·log w - w),
//! w = 1 + a with its rounding: the exponent and logarithms in hi + lo, as they cancel near the zeros of
//! the function; |sin πa|·F(w) has four roundings, so the absolute error is below 4·2^-53 = 4.5e-16 beside the
//! ½ ulp of the last sum. Tiny arguments are multiplied by 2^600 first.
//!
//! **f32** in f64 by the same formulas with polynomials for 2^-29; negative arguments of lgamma with f64's, as
//! there the error is absolute.
//!
//! Methods: Stirling's series made a minimax factor, reflection (Abramowitz and Stegun 6.1.17, 6.1.40);
//! hi + lo as in Muller et al., Handbook of Floating-Point Arithmetic. Rejected: a polynomial on \[1, 2] with
//! a product of shifted factors beside Stirling's series from 8: two formulas where one serves; Lanczos's sum,
//! whose terms cancel or need a division in hi + lo.

use crate::coefficients::gamma as constants;
use crate::pen::{Double, Pen, Value};

use super::exp::scaled;
use super::extended::{
    Power, at_most, interval, log, piecewise, short_exp, short_log, short_piecewise,
};

/// `gamma(x)`.
pub fn gamma<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return gamma_single(pen, x);
    }
    let magnitude = at_most(x.abs(), 190.0);
    let w = x.lt(1.0).select(magnitude + 1.0, magnitude);
    let log_w = log(w);
    let power = Power::of(stirling_exponent(w, log_w));
    let (index, centre) = interval::<1>(w);
    let product = power.times(piecewise(index, w - centre, &constants::FACTOR));
    let ordinary = x.ge(1.0) & x.lt(171.0);
    pen.rare(
        !ordinary,
        [x, product.hi, product.lo, power.exponent(), log_w.hi],
        [product.rounded() * power.scale()],
        |_, [x, hi, lo, exponent, log_w]| [gamma_rare(x, Double::new(hi, lo), exponent, log_w)],
    )[0]
}

/// (w - 1/2)·log w - w.
fn stirling_exponent<'p>(w: Value<'p>, log_w: Double<'p>) -> Double<'p> {
    let factor = w - 0.5;
    let product = Double::two_prod(factor, log_w.hi);
    let sum = Double::two_sum(product.hi, -w);
    Double::fast_two_sum(sum.hi, sum.lo + factor.fma(log_w.lo, product.lo))
}

/// gamma(x) from Γ(w) = power·2^exponent, where w is x above 1 and 1 + |x| rounded below, in either
/// case at most 190 or 191.
fn gamma_rare<'p>(
    x: Value<'p>,
    power: Double<'p>,
    exponent: Value<'p>,
    log_w: Value<'p>,
) -> Value<'p> {
    let magnitude = x.abs();
    let w = Double::two_sum(at_most(magnitude, 190.0), 1.0);
    let power_low = power.rounded().fma(w.lo * digamma(w.hi, log_w), power.lo);
    let power_below = Double::fast_two_sum(power.hi, power_low);

    // Γ(-a) = -π/(sin(πa)·Γ(1 + a)), and sin(πa) = ±r·sine.
    let negative = x.lt(0.0);
    let (r, sine) = sine_of_turns(magnitude);
    let product = Double::two_prod(sine.hi, power_below.hi);
    let product_low = product.lo + sine.hi.fma(power_below.lo, sine.lo * power_below.hi);
    let pi = Double::new(x.constant(-constants::PI_HI), x.constant(-constants::PI_LO));
    let reflected = quotient(pi, Double::new(product.hi, product_low));

    // Γ(x) = Γ(1 + x)/x. Powers of two beside |x| < 1 are applied first: the quotient may be huge.
    let exponent_below = negative.select(-exponent, exponent);
    let small = magnitude.lt(1.0);
    let scale = small.select(((exponent_below + 1023) << 52).as_float(), 1.0);
    let hi = negative.select(reflected.hi, power_below.hi) * scale;
    let lo = negative.select(reflected.lo, power_below.lo) * scale;
    let divisor = negative.select(r, x);
    let below = quotient(Double::new(hi, lo), Double::new(divisor, x.constant(0.0)));
    let below = below.hi.abs().equals(f64::INFINITY).select(below.hi, below.rounded());
    let below = (negative & r.equals(0.0)).select(x.constant(f64::NAN), below);

    let is_below = x.lt(1.0);
    let value = is_below.select(below, power.rounded());
    let remaining = small.select(exponent.constant(0), exponent_below);
    scaled(value, is_below.select(remaining, exponent))
}

/// (log Γ)'(w) = log w - 1/(2w) - 1/(12w²) + …, to 1/(120w⁴).
fn digamma<'p>(w: Value<'p>, log_w: Value<'p>) -> Value<'p> {
    let inverse = 1.0 / w;
    log_w - inverse * inverse.fma(1.0 / 12.0, 0.5)
}

/// Of a ≥ 0: sin(πa) = r·sine, |r| ≤ 1/2 exact, r = 0 exactly where a is an integer.
fn sine_of_turns<'p>(a: Value<'p>) -> (Value<'p>, Double<'p>) {
    let nearest = a.round();
    let r = a - nearest;
    let half = nearest * 0.5;
    let r_signed = half.equals(half.floor()).select(r, -r);
    // π + s·q(s), s = r², with the errors of the first two terms.
    let [cubic, rest @ ..] = &constants::SINE;
    let square = Double::two_prod(r, r);
    let product = Double::two_prod(square.hi, *cubic);
    let rest = (square.hi * square.hi).fma(square.hi.polynomial(rest), product.lo);
    let rest = square.lo.fma(*cubic, rest) + constants::PI_LO;
    let sum = Double::fast_two_sum(a.constant(constants::PI_HI), product.hi);
    (r_signed, Double::fast_two_sum(sum.hi, sum.lo + rest))
}

/// a/b.
fn quotient<'p>(a: Double<'p>, b: Double<'p>) -> Double<'p> {
    let hi = a.hi / b.hi;
    let rest = (-hi).fma(b.hi, a.hi) + (-hi).fma(b.lo, a.lo);
    Double::new(hi, rest / b.hi)
}

fn gamma_single<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let x = x.widened();
    let magnitude = at_most(x.abs(), 60.0);
    let below = x.lt(1.0);
    let w = below.select(magnitude + 1.0, magnitude);
    let (index, centre) = interval::<1>(w);
    let factor = short_piecewise(index, w - centre, &constants::FACTOR_SINGLE);
    let power = short_exp((w - 0.5).fma(short_log(w), -w)) * factor;
    pen.rare(below, [x, power], [power], |_, [x, power]| {
        let (r, sine) = sine_of_turns(x.abs());
        let negative = x.lt(0.0);
        let numerator = negative.select(x.constant(-constants::PI_HI), power);
        let value = numerator / negative.select(r * sine.hi * power, x);
        [(negative & r.equals(0.0)).select(x.constant(f64::NAN), value)]
    })[0]
        .narrowed()
}

/// `lgamma(x)`: log|Γ(x)|.
pub fn lgamma<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    if x.is_single() {
        return lgamma_single(pen, x);
    }
    let log_x = log(x);

    // From 8: x·(log x - 1) - log(x)/2 + log(2π)/2 + R(1/x²)/x.
    let inverse = 1.0 / x;
    let rest =
        inverse.fma((inverse * inverse).polynomial(&constants::REMAINDER), constants::HALF_LOG_TAU);
    let rest = x.fma(log_x.lo, log_x.rounded().fma(-0.5, rest));
    let above = x.fma(log_x.hi - 1.0, rest);

    // Below 1/2 of 1 + x, which is less log x.
    let middle = Middle::of(x);
    let between = middle.value(piecewise(middle.index, middle.t, &constants::QUOTIENT));
    let below = (between - log_x.lo) - log_x.hi;

    let value = x.lt(8.0).select(x.lt(0.5).select(below, between), above);
    let ordinary = x.ge(f64::MIN_POSITIVE) & x.lt(f64::INFINITY);
    pen.rare(!ordinary, [x], [value], |_, [x]| [lgamma_rare(x)])[0]
}

/// lgamma(y) = (y - 1)·(y - 2)·P(y) for y = x from 1/2 on, y = 1 + x below.
struct Middle<'p> {
    /// Of y's interval.
    index: Value<'p>,
    /// y less the interval's centre.
    t: Value<'p>,
    /// y - 1.
    first: Value<'p>,
}

impl<'p> Middle<'p> {
    fn of(x: Value<'p>) -> Middle<'p> {
        let offset = x.lt(0.5).select(x.constant(1.0), 0.0);
        let (index, centre) = interval::<2>(x + offset);
        Middle { index, t: x - (centre - offset), first: x - (1.0 - offset) }
    }

    fn value(&self, quotient: Double<'p>) -> Value<'p> {
        let second = self.first - 1.0;
        let lost = self.first - (second + 1.0);
        let zeros = Double::two_prod(self.first, second);
        let zeros = Double::new(zeros.hi, self.first.fma(lost, zeros.lo));
        let rest = zeros.hi.fma(quotient.lo, zeros.lo * quotient.hi);
        zeros.hi.fma(quotient.hi, rest)
    }
}

/// lgamma(x) where x is negative, zero, subnormal, infinite or NaN:
/// log|Γ(-a)| = log(π/(|sin(πa)|·F(w))) - ((w - 1/2)·log w - w) with w = 1 + a.
fn lgamma_rare(x: Value<'_>) -> Value<'_> {
    let magnitude = x.abs();
    let w = Double::two_sum(magnitude, 1.0);
    let log_w = log(w.hi);
    let exponent = stirling_exponent(w.hi, log_w);
    let near = w.hi.lt(256.0);
    let (index, centre) = interval::<1>(w.hi);
    let factor = piecewise(index, w.hi - centre, &constants::FACTOR).rounded();
    let far = (1.0 / w.hi).polynomial(&constants::FACTOR_FAR);
    let (r, sine) = sine_of_turns(magnitude);

    // Tiny and subnormal numbers are multiplied by 2^600.
    let positive = x.gt(0.0);
    let tiny = magnitude.lt(2f64.powi(-500));
    let unit = tiny.select(x.constant(2f64.powi(600)), 1.0);
    let product =
        positive.select(x * unit, (r.abs() * unit) * (sine.rounded() * near.select(factor, far)));
    let log_product = log(product);

    let zero = x.constant(0.0);
    let exponent_low = w.lo.fma(digamma(w.hi, log_w.hi), exponent.lo) - constants::LOG_PI_LO;
    let [hi, lo] = [exponent.hi, exponent_low].map(|part| positive.select(zero, part));
    let hi = Double::two_sum(hi, positive.select(zero, -constants::LOG_PI_HI));
    let shift_hi = Double::two_sum(hi.hi, tiny.select(x.constant(-constants::SHIFT_LOG_HI), 0.0));
    let shift_lo = tiny.select(x.constant(-constants::SHIFT_LOG_LO), 0.0);
    let sum = Double::two_sum(log_product.hi, shift_hi.hi);
    let value = -(sum.hi + (sum.lo + ((hi.lo + shift_hi.lo) + (lo + shift_lo + log_product.lo))));
    (r.equals(0.0) | magnitude.equals(f64::INFINITY)).select(x.constant(f64::INFINITY), value)
}

fn lgamma_single<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let x = x.widened();
    let log_x = short_log(x);
    let inverse = 1.0 / x;
    let rest = inverse
        .fma((inverse * inverse).polynomial(&constants::REMAINDER_SINGLE), constants::HALF_LOG_TAU);
    let above = x.fma(log_x - 1.0, log_x.fma(-0.5, rest));
    let middle = Middle::of(x);
    let quotient = short_piecewise(middle.index, middle.t, &constants::QUOTIENT_SINGLE);
    let between = middle.first * (middle.first - 1.0) * quotient;
    let between_or_below = x.lt(0.5).select(between - log_x, between + 0.0);
    let value = x.lt(8.0).select(between_or_below, above);
    let ordinary = x.gt(0.0) & x.lt(f64::INFINITY);
    pen.rare(!ordinary, [x], [value], |_, [x]| [lgamma_rare(x)])[0].narrowed()
}
