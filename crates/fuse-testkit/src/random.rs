//! The one random generator of the tests: splitmix64 (Steele, Lea and Flood 2014). Deterministic,
//! seedable, a few instructions a number; not for anything but tests.
//!
//! A fuzzer chooses by bytes instead: [`Random::of_bytes`]. Small choices take a byte or two, so that a changed
//! byte is another choice and, mostly, leaves the others as they are; when the bytes are used up, the
//! generator goes on from a seed that is made of them all.

use fuse_ir::Lane;

use crate::compare::special_values;

/// A seeded generator.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// Bytes that choices are made of, the next one last; none for a seeded generator.
    tape: Vec<u8>,
}

impl Random {
    /// The generator of that seed.
    pub fn new(seed: u64) -> Random {
        let mut random = Random { state: seed, tape: Vec::new() };
        random.bits();
        random
    }

    /// The generator whose choices these bytes make.
    pub fn of_bytes(bytes: &[u8]) -> Random {
        // FNV-1a (Fowler, Noll and Vo 1991).
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Random { tape: bytes.iter().rev().copied().collect(), ..Random::new(hash) }
    }

    /// What `draw` chooses of a seed: many values, such as those of an array, would use up the bytes of a
    /// fuzzer, who has eight of them to change all of these. No other thing where there are no bytes.
    pub fn apart<T>(&mut self, draw: impl FnOnce(&mut Random) -> T) -> T {
        if self.tape.is_empty() {
            return draw(self);
        }
        draw(&mut Random::new(self.bits()))
    }

    /// A number of the next bytes, as long as there are any.
    fn tape_number(&mut self, bytes: usize) -> Option<u64> {
        if self.tape.is_empty() {
            return None;
        }
        let rest = self.tape.len().saturating_sub(bytes);
        Some(self.tape.drain(rest..).fold(0, |number, byte| number << 8 | u64::from(byte)))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        if let Some(bits) = self.tape_number(8) {
            return bits;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; the bias of the remainder is far below what tests could see.
    pub fn below(&mut self, bound: usize) -> usize {
        let bytes = if bound <= 1 << 8 {
            1
        } else if bound <= 1 << 16 {
            2
        } else {
            8
        };
        let number = self.tape_number(bytes).unwrap_or_else(|| self.bits());
        let below = number % (bound as u64);
        usize::try_from(below).expect("less than a usize")
    }

    /// True in that many cases of a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of the items.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Any bits of a lane: for floats, every exponent is equally likely.
    pub fn lane_bits(&mut self, lane: Lane) -> u64 {
        self.bits() & lane.all_ones()
    }

    /// A finite float of moderate size with a full significand, or any integer or mask.
    pub fn moderate(&mut self, lane: Lane) -> u64 {
        let significand = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64 + 0.5;
        let value = significand * 2f64.powi(self.below(24) as i32 - 12);
        let value = if self.percent(50) { -value } else { value };
        match lane {
            Lane::F64 => value.to_bits(),
            Lane::F32 => u64::from((value as f32).to_bits()),
            Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => self.lane_bits(lane),
        }
    }

    /// A value for tests: half special, the rest moderate, small or any bits.
    pub fn operand(&mut self, lane: Lane) -> u64 {
        match self.below(8) {
            0..4 => {
                let specials = special_values(lane);
                specials[self.below(specials.len())]
            }
            4 | 5 => self.moderate(lane),
            6 if lane.is_int() => (self.bits() % 80) & lane.all_ones(),
            _ => self.lane_bits(lane),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_does_not() {
        let mut numbers = [Random::new(5), Random::new(5), Random::new(6)].map(|mut r| r.bits());
        assert_eq!(numbers[0], numbers[1]);
        assert_ne!(numbers[0], numbers[2]);
        numbers.sort_unstable();
    }

    #[test]
    fn bytes_are_choices_and_then_a_seed() {
        let mut random = Random::of_bytes(&[3, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!((random.below(100), random.below(300)), (3, 256));
        assert_eq!(random.apart(|apart| apart.bits()), Random::new(7).bits());
        assert!(random.percent(10));
        let mut other = Random::of_bytes(&[3, 0, 1, 7, 0, 0, 0, 0, 0, 0, 1, 9]);
        for _ in 0..3 {
            other.bits();
        }
        assert_ne!(random.bits(), other.bits());
    }

    #[test]
    fn operands_fit_their_lane() {
        let mut random = Random::new(1);
        for &lane in Lane::ALL {
            for _ in 0..1000 {
                assert_eq!(random.operand(lane) & !lane.all_ones(), 0);
            }
        }
    }
}
