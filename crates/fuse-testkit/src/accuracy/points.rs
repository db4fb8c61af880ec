//! Arguments to measure at.

use super::Format;
use crate::Random;

/// How arguments are drawn.
#[derive(Clone, Copy, Debug)]
pub enum Draw {
    /// Any bits but NaN: all exponents alike.
    Bits,
    /// Uniformly from an interval.
    Between(f64, f64),
    /// The exponent uniformly from these, any significand, either sign.
    Exponents(i32, i32),
}

impl Draw {
    /// One argument, as bits of the format.
    pub fn next(self, random: &mut Random, format: Format) -> u64 {
        match self {
            Draw::Bits => loop {
                let bits = random.lane_bits(format.lane);
                if !format.value(bits).is_nan() {
                    return bits;
                }
            },
            Draw::Between(low, high) => {
                let unit = (random.bits() >> 11) as f64 / (1_u64 << 53) as f64;
                format.bits(low + unit * (high - low))
            }
            Draw::Exponents(low, high) => {
                let spread = usize::try_from(high - low + 1).expect("an interval");
                let exponent = low + random.below(spread) as i32;
                let significand = 1.0 + (random.bits() >> 12) as f64 / (1_u64 << 52) as f64;
                let sign = if random.percent(50) { -1.0 } else { 1.0 };
                // Two steps: 2^exponent may be subnormal, whose powi is 0.
                let half = exponent / 2;
                format.bits(sign * significand * 2f64.powi(half) * 2f64.powi(exponent - half))
            }
        }
    }
}

/// A mixture that suits most functions: any bits, moderate exponents, small intervals.
pub const MIXTURE: &[Draw] = &[
    Draw::Bits,
    Draw::Exponents(-30, 10),
    Draw::Exponents(-6, 2),
    Draw::Between(-1.0, 1.0),
    Draw::Between(0.5, 2.0),
    Draw::Between(-30.0, 30.0),
    Draw::Between(-800.0, 800.0),
];
