//! x = n·π/2 + r with |r| ≤ π/4, for any x: what sine, cosine and tangent have in common.
//!
//! ```text
//! |x| < 2^20   n = x·2/π + 1.5·2^52 - 1.5·2^52     r = x - n·P1 - n·P2 - n·P3    (Cody & Waite)
//! otherwise    n + f = m·(2^e·2/π mod 4)            r = f·π/2                     (Payne & Hanek)
//! ```
//!
//! All three functions call the one function here, which depends on nothing but x: the parts of a
//! formula share its nodes and its rare region.
//!
//! **Cody and Waite.** π/2 = P1 + P2 + P3 + ε with 53, 33 and 53 bits, |ε| < 2^-140, and |n| < 2^20.
//! * a = x - n·P1 is exact. x and n·P1 are multiples of 2^-53 where n = ±1 (x may be below 1), of
//!   2^-52 elsewhere; |a| < 1, for n errs by |x|·2^-54 at most.
//! * r = a - n·P2 is rounded, and its error computed exactly. n·P2 is a multiple of 2^-86 below 2^-33.
//!   If |r| < 2^-33 it is exact; otherwise r - a is a multiple of 2^-86 and below 2^-32, so it is exact
//!   (Fast2Sum: a is a multiple of the last place of n·P2), and so is (r - a) + n·P2 by one fma.
//! * tail = that + n·P3 has one rounding. x = n·π/2 + r - tail. Below 2^20 no double is nearer to a
//!   multiple of π/2, other than 0, than 2^-60.5 (found by continued fractions; the same for any binade:
//!   2^e multiples, each at a random place between doubles 2^(e-52) apart). |n·P3| < 2^-66, so the
//!   error of r - tail is below 2^-119 + 2^20·2^-140 there, or 2^-59 of r; away from the multiples it is
//!   that of the tail's rounding, 2^-106.
//!
//! Parts of 53 bits each would need the product n·P2 in two words: ten primitives instead of seven.
//! The tail is subtracted, not added: in this form zeros keep their sign and numbers near 0, where
//! n = 0, are r themselves.
//!
//! **Payne and Hanek.** |x| = m·2^e with an integer m = h·2^28 + l of 53 bits. Whole turns do not matter,
//! so the bits of 1/(2π) that give multiples of 2^-e are left out, and seven digits u of 28 bits are
//! taken from there. x/(2π) mod 1 = Σ (l·u_i + h·u_(i+1))·2^(-28(i+1)), six sums below 2^57; what is left
//! out is below 2^-139 turns. No double is nearer to a multiple of π/2 than 2^-62 (the worst is
//! 0x1.6ac5b262ca1ffp+849), so f has a relative error below 2^-75. Its 138 bits are turned into
//! 54 + 28 + 56, the first two of which convert exactly: the pair f + f_low has 82 bits at least in
//! place, and f·π/2 is a pair with a relative error of 2^-80 from the arithmetic.
//!
//! Sources: Cody and Waite, Software Manual for the Elementary Functions (1980); Payne and Hanek,
//! Radian reduction for trigonometric functions (SIGNUM 1983); Muller et al., Handbook, 11.

use crate::coefficients::trig::{HALF_PI, HALF_PI_2, HALF_PI_3, HALF_PI_LOW, TURNS, TWO_OVER_PI};
use crate::pen::{Double, Pen, Value};

/// 1.5·2^52: numbers below 2^51 added to it are rounded to integers, which are its low bits.
const SHIFTER: f64 = 6_755_399_441_055_744.0;

/// Below this, in magnitude, three parts of π/2 suffice for f64: 2^20.
const FEW_TURNS: f64 = 1_048_576.0;

/// Below this they do for f32, which has fewer numbers near multiples of π/2: 2^32.
const FEW_TURNS_SINGLE: f64 = 4_294_967_296.0;

/// x = n·π/2 + (r - tail).
pub(super) struct Reduced<'p> {
    /// Within π/4, but for 2^-20 of it.
    pub r: Value<'p>,
    /// At most half an ulp of r, or 2^-66.
    pub tail: Value<'p>,
    /// An integer of 64 bits whose low two are those of n.
    pub n: Value<'p>,
}

/// Of an f64.
pub(super) fn reduced<'p>(pen: &'p Pen, x: Value<'p>) -> Reduced<'p> {
    let shifted = x.fma(TWO_OVER_PI, SHIFTER);
    let n = shifted - SHIFTER;
    let a = n.fma(-HALF_PI, x);
    let r = n.fma(-HALF_PI_2, a);
    let tail = n.fma(HALF_PI_3, n.fma(HALF_PI_2, r - a));
    let ordinary = x.abs().lt(FEW_TURNS);
    let otherwise = [r, tail, shifted.bits()];
    let [r, tail, n] = pen.rare(!ordinary, [x], otherwise, |_, [x]| many_turns(x));
    Reduced { r, tail, n }
}

/// Of an f32, as f64: r, and an integer whose low two bits are those of n.
///
/// r = (x - n·P1) - n·P2 with P1 and P2 of 53 bits each: the first difference is exact as above, the
/// second rounded. The error is 2^-54 of r and n·2^-108; no f32 is nearer to a multiple than 2^-31.
pub(super) fn reduced_single<'p>(pen: &'p Pen, single: Value<'p>) -> [Value<'p>; 2] {
    let x = single.widened();
    let shifted = x.fma(TWO_OVER_PI, SHIFTER);
    let n = shifted - SHIFTER;
    let r = n.fma(-HALF_PI_LOW, n.fma(-HALF_PI, x));
    let ordinary = single.abs().lt(FEW_TURNS_SINGLE);
    pen.rare(!ordinary, [x], [r, shifted.bits()], |_, [x]| {
        let [r, tail, n] = many_turns(x);
        [r - tail, n]
    })
}

/// r, tail and n of a large f64; NaN as r and tail of what is not finite.
fn many_turns(x: Value<'_>) -> [Value<'_>; 3] {
    let [n, leading, middle, low] = fraction(x);
    let f = Double::fast_two_sum(leading * 2f64.powi(-54), middle * 2f64.powi(-82));
    let f_low = low.fma(2f64.powi(-138), f.lo);
    let r = Double::two_prod(f.hi, HALF_PI);
    let r_low = f.hi.fma(HALF_PI_LOW, f_low.fma(HALF_PI, r.lo));
    let (sign, not_a_number) = (x.sign_bit(), x * 0.0);
    let [r, tail] = [r.hi, -r_low].map(|value| (value.bits() ^ sign).as_float() + not_a_number);
    [r, tail, x.lt(0.0).select(-n, n)]
}

/// |x|·2/π = n + leading·2^-54 + middle·2^-82 + low·2^-138, modulo 4: the last three as floats.
fn fraction(x: Value<'_>) -> [Value<'_>; 4] {
    let bits = x.abs().bits();
    let significand = low_bits(bits, 52) | (1_i64 << 52);
    let (high, low) = (significand.shr_u(28), low_bits(significand, 28));
    let digits = digits(bits.shr_u(52) - (1023 + 20));
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
