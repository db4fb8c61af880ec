//! Comparing results bit by bit, and the values that most often go wrong.

use std::sync::OnceLock;

use fuse_ir::{CANONICAL_NAN_F32, CANONICAL_NAN_F64, Lane};

/// Are two values of a lane the same bits, or both NaN?
pub fn same_modulo_nan(lane: Lane, a: u64, b: u64) -> bool {
    a == b || (is_nan(lane, a) && is_nan(lane, b))
}

/// Is this a NaN of a float lane?
pub fn is_nan(lane: Lane, bits: u64) -> bool {
    match lane {
        Lane::F64 => f64::from_bits(bits).is_nan(),
        Lane::F32 => f32::from_bits((bits & 0xffff_ffff) as u32).is_nan(),
        Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => false,
    }
}

/// The bits that a value is stored as where its array holds no NaN but the canonical one.
pub fn canonical(lane: Lane, bits: u64) -> u64 {
    match lane {
        Lane::F64 if is_nan(lane, bits) => CANONICAL_NAN_F64,
        Lane::F32 if is_nan(lane, bits) => CANONICAL_NAN_F32,
        Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::F32 | Lane::F64 => bits,
    }
}

/// Units in the last place between two f64: the number of floats from one to the other. -0 and +0
/// are 0 apart; two NaNs are 0 apart; a NaN and a number are `u64::MAX` apart.
pub fn ulp_distance_f64(a: f64, b: f64) -> u64 {
    let ordered = |x: f64| {
        let bits = x.to_bits().cast_signed();
        i128::from(if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits })
    };
    distance(a.is_nan(), b.is_nan(), ordered(a), ordered(b))
}

/// [`ulp_distance_f64`] for f32.
pub fn ulp_distance_f32(a: f32, b: f32) -> u64 {
    let ordered = |x: f32| {
        let bits = x.to_bits().cast_signed();
        i128::from(if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits })
    };
    distance(a.is_nan(), b.is_nan(), ordered(a), ordered(b))
}

fn distance(a_is_nan: bool, b_is_nan: bool, a: i128, b: i128) -> u64 {
    match (a_is_nan, b_is_nan) {
        (true, true) => 0,
        (false, false) => u64::try_from((a - b).unsigned_abs()).expect("floats have 64 bits"),
        (true, false) | (false, true) => u64::MAX,
    }
}

/// The special values of a lane, as bits; no value twice.
pub fn special_values(lane: Lane) -> &'static [u64] {
    static SPECIALS: OnceLock<Vec<Vec<u64>>> = OnceLock::new();
    let all = SPECIALS.get_or_init(|| Lane::ALL.iter().map(|&lane| make_specials(lane)).collect());
    let position = Lane::ALL.iter().position(|&other| other == lane);
    &all[position.expect("every lane is listed")]
}

fn make_specials(lane: Lane) -> Vec<u64> {
    let mut values = match lane {
        Lane::Mask => vec![0, 1],
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => integer_specials(lane),
        Lane::F32 | Lane::F64 => float_specials(lane),
    };
    let mut seen = rustc_hash::FxHashSet::default();
    values.retain(|&bits| seen.insert(bits));
    values
}

/// Around 0, the edges of every narrower width, shift counts, bit patterns.
fn integer_specials(lane: Lane) -> Vec<u64> {
    let mut values: Vec<u64> = vec![0, 1, 2, 3, 5, 7, 10, 0x5555_5555_5555_5555];
    for bits in [7, 8, 11, 15, 16, 24, 31, 32, 48, 53, 63] {
        values.extend([(1 << bits) - 1, 1 << bits, (1 << bits) + 1]);
    }
    values.extend([33, 64, 65, 0x0123_4567_89ab_cdef, 0xdead_beef_f00d_cafe]);
    let negated: Vec<u64> = values.iter().map(|value| value.wrapping_neg()).collect();
    // Narrow lanes get their own f16 and edge patterns by truncation.
    values.extend(negated);
    values.extend([0x7c00, 0x7c01, 0xfc00, 0x7e00, 0x03ff, 0x0400, 0x8001, 0x7bff, 0x3c00]);
    values.iter().map(|value| value & lane.all_ones()).collect()
}

fn float_specials(lane: Lane) -> Vec<u64> {
    let (one, significand_bits) =
        if lane == Lane::F32 { (0x3f80_0000, 23) } else { (1023 << 52, 52) };
    let sign = 1_u64 << (lane.bits() - 1);
    let infinity = sign - (1 << significand_bits);
    // Zero, the subnormals and their edge, one and its neighbours, the largest, infinity.
    let mut bits: Vec<u64> = vec![0, 1, 2, (1 << significand_bits) - 1, 1 << significand_bits];
    bits.extend([(1 << significand_bits) + 1, one - 1, one, one + 1, infinity - 1, infinity]);
    // NaNs: canonical, signalling, all ones.
    bits.extend([infinity | (1 << (significand_bits - 1)), infinity + 1, sign - 1]);
    bits.extend(float_numbers().map(|value| match lane {
        Lane::F32 => u64::from((value as f32).to_bits()),
        _ => value.to_bits(),
    }));
    let negative: Vec<u64> = bits.iter().map(|bits| bits | sign).collect();
    bits.extend(negative);
    bits
}

/// Halves, integer edges with their neighbours, edges of f16 and f32, powers of two and of ten.
fn float_numbers() -> impl Iterator<Item = f64> {
    let small = [0.1, 0.5, 0.25, 1.5, 2.0, 2.5, 3.0, 3.5, 1.0 / 3.0, 0.49999999999999994, 1e10];
    let half = [65504.0, 65519.99, 65520.0, 6.1e-5, 2f64.powi(-24), 2f64.powi(-25)];
    let single = [f64::from(f32::MAX), 3.4028235677973366e38, 1e-45, 7.006492321624085e-46, 1e300];
    let powers = [7, 8, 15, 16, 23, 24, 31, 32, 52, 53, 62, 63, 64];
    let edges = powers.into_iter().flat_map(|exponent| {
        let power = 2f64.powi(exponent);
        [power, power - 1.0, power - 0.5, power + 1.0, power.next_down(), power.next_up()]
    });
    small.into_iter().chain(half).chain(single).chain(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulp_distances_count_floats() {
        assert_eq!(ulp_distance_f64(1.0, 1.0 + f64::EPSILON), 1);
        assert_eq!(ulp_distance_f64(-0.0, 0.0), 0);
        assert_eq!(ulp_distance_f64(-f64::from_bits(1), f64::from_bits(2)), 3);
        assert_eq!(ulp_distance_f64(f64::NAN, -f64::NAN), 0);
        assert_eq!(ulp_distance_f64(f64::NAN, 1.0), u64::MAX);
        assert_eq!(ulp_distance_f64(f64::INFINITY, f64::MAX), 1);
        assert_eq!(ulp_distance_f32(1.0, 1.0f32.next_up()), 1);
        assert_eq!(ulp_distance_f32(f32::NEG_INFINITY, f32::MIN), 1);
        assert_eq!(ulp_distance_f64(f64::MIN, f64::MAX), 2 * 0x7fef_ffff_ffff_ffff);
    }

    #[test]
    fn specials_hold_both_zeros_infinities_and_several_nans() {
        for lane in [Lane::F32, Lane::F64] {
            let values = special_values(lane);
            let sign = 1_u64 << (lane.bits() - 1);
            assert!(values.contains(&0) && values.contains(&sign));
            assert!(values.iter().filter(|&&bits| is_nan(lane, bits)).count() >= 6);
        }
        assert_eq!(special_values(Lane::Mask), [0, 1]);
        assert!(special_values(Lane::I8).contains(&0x80));
    }

    #[test]
    fn only_nans_of_a_float_lane_are_alike() {
        assert!(same_modulo_nan(Lane::F32, 0x7fc0_0000, 0xffff_ffff));
        assert!(!same_modulo_nan(Lane::F32, 0x7f80_0000, 0xff80_0000));
        assert!(!same_modulo_nan(Lane::I32, 0x7fc0_0000, 0xffff_ffff));
        assert!(!same_modulo_nan(Lane::F64, 0, 1 << 63));
    }
}
