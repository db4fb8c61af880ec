//! x = n·π/2 + r with |r| ≤ π/4, for any x: what sine, cosine and tangent have in common.
//!
//! ```text
//! few turns    n = x·2/π + 1.5·2^52 - 1.5·2^52     r = x - n·P1 - n·P2 - n·P3     (Cody & Waite)
//! many turns   n + f = m·(2^e·2/π mod 4)            r = f·π/2                      (Payne & Hanek)
//! ```
//!
//! All three functions call the one function here, which depends on nothing but x: the parts of a
//! formula share its nodes and its rare region. f32 has the same steps as f64 in its own precision,
//! below 2^16; above, it is reduced as f64, which has few turns below 2^32.
//!
//! **Few turns.** π/2 = P1 + P2 + P3 + ε in words of 53 bits, |P2| < 2^-53.8, |P3| < 2^-109, ε < 2^-162,
//! and |n| < 2^31.4. Besides 0 no double is nearer to a multiple of π/2 than 2^-60.9 (Kahan; found by
//! continued fractions, and much the same in every binade below 2^53: 2^e multiples, each at a random
//! place between doubles 2^(e-52) apart).
//! * a = x - n·P1 is exact: x and n·P1 are multiples of 2^-52 (of 2^-53 where n = ±1) and |a| < 1, for n
//!   errs by |x|·2^-54 at most.
//! * r = a - w, with w = n·P2 rounded, |w| < 2^-22. a is a multiple of ulp(w), so r - a is exact and
//!   (r - a) + w is the rounding error of r (Fast2Sum).
//! * tail = n·P3 + (n·P2 + (r - a)): the inner multiply-add has both rounding errors, that of r and
//!   that of w, and rounds once. Thus x = n·π/2 + r - tail. Near a multiple r is exact and the tail below
//!   2^-75, so its two roundings and ε give an error below 2^-127, at most 2^-66 of r - tail; elsewhere
//!   they are 2^-53 of half an ulp of r.
//!
//! The same count for f32, words of 24 bits, |n| < 2^15.4, |w| < 2^-8, tail below 2^-32: error
//! 2^-55.7, and no f32 below 2^16 is nearer to a multiple than 2^-27.8 (all 41 721 tried). n errs by
//! 2^-9.3, so |r| < 0.788.
//!
//! With P2 of 33 bits n·P2 is exact below 2^20 and its product unnecessary: one primitive less, but f32
//! would be limited to |x| < 400. The tail is subtracted, not added, and P2 > 0 (hence P1 of f32 is
//! rounded down): so zeros keep their sign, and numbers near 0, where n = 0, are r themselves.
//!
//! **Many turns.** |x| = m·2^e with an integer m = h·2^28 + l of 53 bits. Whole turns do not matter,
//! so the leading bits of 1/(2π), whose product with x is whole, are left out, and seven digits u of 28
//! bits are taken from there. x/(2π) mod 1 = Σ (l·u_i + h·u_(i+1))·2^(-28(i+1)), six sums below 2^57; what
//! is left out is below 2^-139 turns, and |f| > 2^-61.6, so f has a relative error below 2^-75. Its 138
//! bits are turned into 54 + 28 + 56: the first two convert exactly and make f_hi, whose error joins the
//! last in f_lo. The product with π/2 = P1 + P2 errs by 2^-104 or 2^-53·f_lo.
//!
//! Sources: Cody and Waite, Software Manual for the Elementary Functions (1980); Payne and Hanek,
//! Radian reduction for trigonometric functions (SIGNUM 1983); Muller et al., Handbook of
//! Floating-Point Arithmetic, sections 4.3 and 10.

use super::{SHIFTER, SHIFTER_SINGLE};
use crate::coefficients::trig::{HALF_PI, HALF_PI_SINGLE, TURNS, TWO_OVER_PI};
use crate::pen::{Double, Pen, Value};

/// x = n·π/2 + (r - tail).
pub(super) struct Reduced<'p> {
    /// Within π/4, but for 2^-15 of it.
    pub r: Value<'p>,
    /// A few ulps of r at most.
    pub tail: Value<'p>,
    /// An integer whose low two bits are those of n.
    pub n: Value<'p>,
}

/// What the reduction of a lane type needs.
struct Parts {
    /// 1.5·2^52 for f64: numbers added to it are rounded to integers, which are its low bits.
    shifter: f64,
    /// P1, P2, P3.
    half_pi: [f64; 3],
    /// Three parts suffice for arguments below this.
    few_turns: f64,
}

const DOUBLE: Parts = Parts { shifter: SHIFTER, half_pi: HALF_PI, few_turns: 4_294_967_296.0 };
const SINGLE: Parts =
    Parts { shifter: SHIFTER_SINGLE, half_pi: HALF_PI_SINGLE, few_turns: 65_536.0 };

/// Reduces an f64 or an f32.
pub(super) fn reduced<'p>(pen: &'p Pen, x: Value<'p>) -> Reduced<'p> {
    let single = x.is_single();
    let Parts { shifter, half_pi: [p1, p2, p3], few_turns } = if single { SINGLE } else { DOUBLE };
    let shifted = x.fma(TWO_OVER_PI, shifter);
    let n = shifted - shifter;
    let a = n.fma(-p1, x);
    let r = a - n * p2;
    let tail = n.fma(p3, n.fma(p2, r - a));
    let ordinary = x.abs().lt(few_turns);
    let otherwise = [r, tail, shifted.bits()];
    let [r, tail, n] = pen.rare(!ordinary, [x], otherwise, |pen, [x]| {
        if single { widely_reduced(pen, x) } else { many_turns(x) }
    });
    Reduced { r, tail, n }
}

/// r, tail and n of a large f32: reduced as f64.
fn widely_reduced<'p>(pen: &'p Pen, x: Value<'p>) -> [Value<'p>; 3] {
    let Reduced { r, tail, n } = reduced(pen, x.widened());
    let exact = r - tail;
    let r = exact.narrowed();
    [r, (r.widened() - exact).narrowed(), n.low_half()]
}

/// r, tail and n of a large f64; NaN as r and tail of what is not finite.
fn many_turns(x: Value<'_>) -> [Value<'_>; 3] {
    let [n, leading, middle, low] = fraction(x);
    let f = Double::fast_two_sum(leading * 2f64.powi(-54), middle * 2f64.powi(-82));
    let f_low = low.fma(2f64.powi(-138), f.lo);
    let r = Double::two_prod(f.hi, HALF_PI[0]);
    let r_low = f.hi.fma(HALF_PI[1], f_low.fma(HALF_PI[0], r.lo));
    let (sign, not_a_number) = (x.sign_bit(), x * 0.0);
    let [r, tail] = [r.hi, -r_low].map(|value| (value.bits() ^ sign).as_float() + not_a_number);
    [r, tail, x.lt(0.0).select(-n, n)]
}

/// |x|·2/π = n + leading·2^-54 + middle·2^-82 + low·2^-138, modulo 4: the last three as floats.
fn fraction(x: Value<'_>) -> [Value<'_>; 4] {
    let bits = x.abs().bits();
    let significand = low_bits(bits, 52) | (1_i64 << 52);
    let (high, low) = (significand.shr_u(28), low_bits(significand, 28));
    let digits = digits(bits.shr_u(52) - (1023 + 32));
    let mut sums: [Value<'_>; 6] =
        std::array::from_fn(|place| low * digits[place] + high * digits[place + 1]);
    for place in (1..6).rev() {
        sums[place - 1] = sums[place - 1] + sums[place].shr_u(28);
    }
    let place = |index: usize| low_bits(sums[index], 28);
    let pair = (sums[0] << 28) | place(1);
    let n = (pair + (1_i64 << 53)).shr_u(54);
    let leading = (pair << 10).shr_s(10);
    let last = (place(3) << 28) | place(4);
    [n, leading.to_f64(), place(2).to_f64(), last.to_f64()]
}

fn low_bits(value: Value<'_>, count: u32) -> Value<'_> {
    value & ((1_i64 << count) - 1)
}

/// Eight digits of 28 bits of 1/(2π), after 32 zeros, from that bit on.
fn digits(start: Value<'_>) -> [Value<'_>; 8] {
    let (byte, shift) = (start.shr_u(3), start & 7);
    std::array::from_fn(|place| {
        let bits = (byte + 7 * (place as i64 / 2)).lookup_bits(&TURNS) << shift;
        if place % 2 == 0 { bits.shr_u(36) } else { low_bits(bits.shr_u(8), 28) }
    })
}
