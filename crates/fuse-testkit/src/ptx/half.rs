//! Numbers of 16 bits: 1 sign, 5 exponent and 10 significand bits, in integer arithmetic.
//!
//! A narrowing rounds once, to nearest even. From f64 the way over f32 would round twice.

/// What a conversion to f16 makes of a NaN, as the hardware does.
pub(super) const NAN_F16: u16 = 0x7fff;

const INFINITY: u64 = 0x7c00;

/// The nearest half; of two, the even one.
pub(super) fn of_f64(value: f64) -> u16 {
    if value.is_nan() {
        return NAN_F16;
    }
    let bits = value.to_bits();
    let sign = bits >> 63 << 15;
    let exponent = ((bits >> 52) & 0x7ff).cast_signed() - 1023;
    let significand = 1_u64 << 52 | (bits & ((1 << 52) - 1));
    let magnitude = match exponent {
        // 2^16 and more: beyond the largest half and its rounding interval.
        16.. => INFINITY,
        // Units of the last place are 2^(exponent - 10) = 2^(exponent - 52 + 42). The leading bit
        // adds 1 to the exponent field, and a carry out of the significand one more.
        -14..=15 => ((exponent + 14).cast_unsigned() << 10) + rounded(significand, 42),
        // Subnormal: units are 2^-24.
        -25..=-15 => rounded(significand, (28 - exponent).cast_unsigned()),
        // Less than half of the least one.
        _ => 0,
    };
    u16::try_from(sign | magnitude).expect("a sign and 15 bits")
}

/// `significand / 2^shift` to nearest even.
fn rounded(significand: u64, shift: u64) -> u64 {
    let quotient = significand >> shift;
    let rest = significand & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    quotient + u64::from(rest > half || (rest == half && quotient & 1 == 1))
}

/// The value of a half, which each wider format has.
pub(super) fn to_f32(bits: u16) -> f32 {
    let significand = f32::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 0x1f {
        0 => significand * f32::powi(2.0, -24),
        31 if significand == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (significand + 1024.0) * f32::powi(2.0, i32::from(exponent) - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every finite half that is not negative, in order, and then what the largest rounds up to.
    fn value(bits: u16) -> f64 {
        if bits == 0x7c00 { 65536.0 } else { f64::from(to_f32(bits)) }
    }

    #[test]
    fn halves_are_what_they_are_known_to_be() {
        let known = [
            (0x0001, f32::powi(2.0, -24)),
            (0x03ff, 1023.0 * f32::powi(2.0, -24)),
            (0x0400, f32::powi(2.0, -14)),
            (0x3c00, 1.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0xc000, -2.0),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (bits, value) in known {
            assert_eq!(to_f32(bits).to_bits(), value.to_bits(), "{bits:#x}");
        }
        assert_eq!(to_f32(0x8000).to_bits(), (-0.0_f32).to_bits());
        assert!(to_f32(0x7c01).is_nan() && to_f32(0xffff).is_nan());
    }

    #[test]
    fn halves_come_back() {
        for bits in 0..=0xffff_u16 {
            let value = to_f32(bits);
            let back = if value.is_nan() { NAN_F16 } else { bits };
            assert_eq!(of_f64(f64::from(value)), back, "{bits:#x}");
        }
    }

    /// Midpoints go to the even neighbour, and what is a little off them to the nearer one.
    #[test]
    fn every_midpoint_rounds_to_even() {
        for below in 0..0x7c00_u16 {
            let above = below + 1;
            let midpoint = (value(below) + value(above)) / 2.0;
            let even = if below & 1 == 0 { below } else { above };
            assert_eq!(of_f64(midpoint), even, "{below:#x}");
            assert_eq!(of_f64(midpoint.next_down()), below, "{below:#x}");
            assert_eq!(of_f64(midpoint.next_up()), above, "{below:#x}");
            assert_eq!(of_f64(-midpoint), even | 0x8000, "{below:#x}");
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        let ends = [
            (0.0, 0),
            (-0.0, 0x8000),
            (f64::from_bits(1), 0),
            (f64::MIN_POSITIVE, 0),
            (65536.0, 0x7c00),
            (f64::MAX, 0x7c00),
            (f64::NEG_INFINITY, 0xfc00),
            (f64::NAN, NAN_F16),
        ];
        for (value, bits) in ends {
            assert_eq!(of_f64(value), bits, "{value}");
        }
    }
}
