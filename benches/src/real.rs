//! The two types of elements that contenders are compared on.

use fuse::Element;
use fuse_ir::Mem;

use crate::aligned::Aligned;

/// f32 or f64.
pub trait Real: Element + Copy + Default + PartialEq + std::fmt::Debug {
    /// How it lies in memory.
    const MEM: Mem;

    /// The nearest value.
    fn of(value: f64) -> Self;

    /// Number of values between two of them, 0 for equal ones and for two NaNs.
    fn distance(self, other: Self) -> u64;
}

impl Real for f64 {
    const MEM: Mem = Mem::F64;

    fn of(value: f64) -> f64 {
        value
    }

    fn distance(self, other: f64) -> u64 {
        let ordered = |value: f64| match value.to_bits().cast_signed() {
            bits if bits < 0 => i64::MIN.wrapping_sub(bits),
            bits => bits,
        };
        if self.is_nan() && other.is_nan() { 0 } else { ordered(self).abs_diff(ordered(other)) }
    }
}

impl Real for f32 {
    const MEM: Mem = Mem::F32;

    fn of(value: f64) -> f32 {
        value as f32
    }

    fn distance(self, other: f32) -> u64 {
        let ordered = |value: f32| match value.to_bits().cast_signed() {
            bits if bits < 0 => i32::MIN.wrapping_sub(bits),
            bits => bits,
        };
        if self.is_nan() && other.is_nan() {
            return 0;
        }
        u64::from(ordered(self).abs_diff(ordered(other)))
    }
}

/// The largest distance between elements of two arrays.
pub fn apart<T: Real>(left: &[T], right: &[T]) -> u64 {
    left.iter().zip(right).map(|(&left, &right)| left.distance(right)).max().unwrap_or(0)
}

/// Values between two bounds, spread evenly but in no order that a branch predictor could learn.
pub fn sample<T: Real>((low, high): (f64, f64), len: usize, seed: u64) -> Aligned<T> {
    let mut random = Random::new(seed);
    Aligned::from_fn(len, |_| T::of(low + (high - low) * random.unit()))
}

/// SplitMix64 (Steele, Lea, Flood, 2014): the same numbers on every machine.
pub struct Random(u64);

impl Random {
    /// A sequence by its number.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// At least 0 and less than 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * 2.0_f64.powi(-53)
    }

    /// One of several.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[(self.unit() * from.len() as f64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_values() {
        assert_eq!(1.0_f64.distance(1.0 + f64::EPSILON), 1);
        assert_eq!(0.0_f64.distance(-0.0), 0);
        assert_eq!(f64::from_bits(1).distance(-f64::from_bits(1)), 2);
        assert_eq!(1.0_f32.distance(1.0 - f32::EPSILON), 2);
        assert_eq!(f32::NAN.distance(-f32::NAN), 0);
        assert_eq!(f32::MAX.distance(f32::INFINITY), 1);
    }
}
