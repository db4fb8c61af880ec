//! Exact values, and how far a result is from one.
//!
//! The error of a result r of an exact value v is |r - v| / ulp(v), where ulp(v) is the distance of
//! neighbouring floats in v's binade, and that of subnormals below the least normal number. A NaN
//! where a number is right, a number where NaN is right, and a zero of the wrong sign are infinitely
//! wrong. Infinity counts as 2^(emax + 1), so that it is half an ulp from where rounding reaches it.

use fuse_ir::Lane;
use fuse_ops::Yardstick;

/// A float format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The lane type that has it.
    pub lane: Lane,
    /// Bits of precision.
    pub precision: i32,
    /// The exponent of the least normal number.
    pub emin: i32,
    /// The exponent of the greatest number.
    pub emax: i32,
}

impl Format {
    /// Of f32 and f64.
    ///
    /// # Panics
    /// For lanes that are not floats.
    pub fn of(lane: Lane) -> Format {
        match lane {
            Lane::F32 => Format { lane, precision: 24, emin: -126, emax: 127 },
            Lane::F64 => Format { lane, precision: 53, emin: -1022, emax: 1023 },
            Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::Mask => {
                unreachable!("{lane} is not a float")
            }
        }
    }

    /// The value of a float's bits, exactly.
    pub fn value(self, bits: u64) -> f64 {
        match self.lane {
            Lane::F32 => f64::from(f32::from_bits(bits as u32)),
            _ => f64::from_bits(bits),
        }
    }

    /// The bits of the nearest float.
    pub fn bits(self, value: f64) -> u64 {
        match self.lane {
            Lane::F32 => u64::from((value as f32).to_bits()),
            _ => value.to_bits(),
        }
    }

    /// log2 of the distance of neighbouring floats in the binade of exponent `exponent`.
    pub fn ulp_exponent(self, exponent: i32) -> i32 {
        exponent.max(self.emin) - (self.precision - 1)
    }

    /// The exponent of a finite nonzero value of this format.
    fn exponent(self, value: f64) -> i32 {
        let field = ((value.to_bits() >> 52) & 0x7ff) as i32;
        if field == 0 { -1022 } else { field - 1023 }
    }
}

/// An exact value: the nearest float and what it leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference {
    /// The nearest float of the format, as f64.
    pub nearest: f64,
    /// (exact - nearest) / ulp(exact), between -1/2 and 1/2; 0 where `nearest` is not finite.
    pub rest: f64,
}

impl Reference {
    /// The error in ulp of a result given as the format's value.
    pub fn error(&self, result: f64, format: Format) -> f64 {
        let Reference { nearest, rest } = *self;
        if nearest.is_nan() || result.is_nan() {
            return if nearest.is_nan() && result.is_nan() { 0.0 } else { f64::INFINITY };
        }
        if result == nearest {
            let signs_agree = nearest != 0.0 || nearest.signum() == result.signum();
            return if signs_agree { rest.abs() } else { f64::INFINITY };
        }
        if nearest == 0.0 && result != 0.0 && rest == 0.0 {
            return f64::INFINITY;
        }
        let unit = self.ulp_exponent(format);
        let [result, nearest] = [result, nearest].map(|value| scaled(value, -unit, format));
        (result - nearest - rest).abs()
    }

    /// The error in the units that a budget counts.
    pub fn error_by(&self, yardstick: Yardstick, args: &[f64], result: f64, format: Format) -> f64 {
        let error = self.error(result, format);
        let wrong_sign = result == self.nearest && error.is_infinite();
        if !self.nearest.is_finite() || !result.is_finite() || error <= 0.5 || wrong_sign {
            return error;
        }
        match yardstick {
            Yardstick::Result => error,
            Yardstick::ResultOrAbsolute(limit) => {
                let within = args[0] < 0.0 && (result - self.nearest).abs() <= limit;
                if within { 0.0 } else { error }
            }
            Yardstick::Largest => {
                let largest = args.iter().fold(self.nearest.abs(), |a, b| a.max(b.abs()));
                self.error_in_units_of(largest, result, format)
            }
        }
    }

    /// The error of a result, both finite, in ulp of another number, not of the exact value.
    fn error_in_units_of(&self, number: f64, result: f64, format: Format) -> f64 {
        let unit = format.ulp_exponent(format.exponent(number));
        let rest = scaled(self.rest, self.ulp_exponent(format) - unit, format);
        let [result, nearest] = [result, self.nearest].map(|value| scaled(value, -unit, format));
        (result - nearest - rest).abs()
    }

    /// log2 of an ulp of the exact value.
    fn ulp_exponent(&self, format: Format) -> i32 {
        if self.nearest.is_infinite() {
            return format.ulp_exponent(format.emax);
        }
        let exponent = format.exponent(self.nearest);
        let power_of_two = self.nearest.to_bits() << 12 == 0;
        let below = power_of_two && self.rest * self.nearest < 0.0;
        format.ulp_exponent(if below { exponent - 1 } else { exponent })
    }
}

/// value·2^shift, infinity counting as 2^(emax + 1).
fn scaled(value: f64, shift: i32, format: Format) -> f64 {
    let finite = if value.is_infinite() {
        return value.signum() * 2f64.powi(format.emax + 1 + shift);
    } else {
        value
    };
    let half = shift / 2;
    finite * 2f64.powi(half) * 2f64.powi(shift - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    const F64: Format = Format { lane: Lane::F64, precision: 53, emin: -1022, emax: 1023 };

    fn error(nearest: f64, rest: f64, result: f64) -> f64 {
        Reference { nearest, rest }.error(result, F64)
    }

    #[test]
    fn neighbours_are_an_ulp_apart_in_the_binade_of_the_exact_value() {
        assert_eq!(error(1.5, 0.25, 1.5), 0.25);
        assert_eq!(error(1.5, 0.25, 1.5 + f64::EPSILON), 0.75);
        assert_eq!(error(1.5, 0.25, 1.5 - f64::EPSILON), 1.25);
        // Just below 1 an ulp is half of that above.
        assert_eq!(error(1.0, -0.25, 1.0 - f64::EPSILON / 2.0), 0.75);
        assert_eq!(error(1.0, 0.25, 1.0 - f64::EPSILON / 2.0), 0.75);
        assert_eq!(error(-1.0, 0.25, -1.0 + f64::EPSILON / 2.0), 0.75);
    }

    #[test]
    fn subnormals_and_overflow_have_ulps_too() {
        assert_eq!(error(5e-324, 0.5, 1e-323), 0.5);
        assert_eq!(error(0.0, 0.4, 5e-324), 0.6);
        assert_eq!(error(f64::MAX, 0.25, f64::INFINITY), 0.75);
        assert_eq!(error(f64::INFINITY, 0.0, f64::MAX), 1.0);
        assert_eq!(error(f64::INFINITY, 0.0, f64::INFINITY), 0.0);
    }

    #[test]
    fn wrong_kinds_are_infinitely_wrong() {
        assert_eq!(error(f64::NAN, 0.0, f64::NAN), 0.0);
        assert_eq!(error(f64::NAN, 0.0, 1.0), f64::INFINITY);
        assert_eq!(error(1.0, 0.0, f64::NAN), f64::INFINITY);
        assert_eq!(error(0.0, 0.0, -0.0), f64::INFINITY);
        assert_eq!(error(-0.0, 0.0, -0.0), 0.0);
        assert_eq!(error(0.0, 0.0, 5e-324), f64::INFINITY);
    }
}
