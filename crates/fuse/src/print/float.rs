//! The common form of an array's floats: NumPy's `FloatingFormat`.
//!
//! ```text
//! positional   shortest digits, at most `precision` behind the point; points below each other
//! scientific   as many digits behind the point as the longest needs, of all; exponents of one width
//! ```
//!
//! The form is scientific where the finite elements other than 0 are large, small or far apart, which
//! is decided in their own type. A digit that is cut off rounds the exact value, halves to even; the
//! zeros that pad a short number in the scientific form are its true further digits.

use fuse_runtime::F16;

/// More digits than any f64 has behind its point.
const MOST_DIGITS: usize = 1100;

/// A float of some type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Real {
    F16(F16),
    F32(f32),
    F64(f64),
}

/// Which signs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Of negative numbers.
    Minus,
    /// Of all numbers.
    Both,
}

/// How each of some floats is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct FloatFormat {
    sign: Sign,
    notation: Notation,
    /// Characters before the point.
    before: usize,
    /// Characters behind the point.
    behind: usize,
}

#[derive(Clone, Copy, Debug)]
enum Notation {
    Positional {
        precision: usize,
    },
    /// Digits behind the point, and of the exponent.
    Scientific {
        digits: usize,
        exponent: usize,
    },
}

impl Real {
    fn exact(self) -> f64 {
        match self {
            Real::F16(value) => value.to_f64(),
            Real::F32(value) => f64::from(value),
            Real::F64(value) => value,
        }
    }

    /// `12.5`, `1`: the shortest digits.
    fn shortest(self) -> String {
        match self {
            Real::F16(value) => half(value).to_string(),
            Real::F32(value) => value.to_string(),
            Real::F64(value) => value.to_string(),
        }
    }

    /// `1.25e1`, `1e0`: the shortest digits.
    fn shortest_scientific(self) -> String {
        match self {
            Real::F16(value) => format!("{:e}", half(value)),
            Real::F32(value) => format!("{value:e}"),
            Real::F64(value) => format!("{value:e}"),
        }
    }

    /// Absolute value from which on its type is written scientifically: ten to the number of its
    /// decimal digits, at most eight.
    fn large(self) -> f64 {
        match self {
            Real::F16(_) => 1e3,
            Real::F32(_) => 1e6,
            Real::F64(_) => 1e8,
        }
    }

    /// 0.0001 in its type.
    fn small(self) -> f64 {
        match self {
            Real::F16(_) => F16::from_f64(1e-4).to_f64(),
            Real::F32(_) => f64::from(1e-4_f32),
            Real::F64(_) => 1e-4,
        }
    }

    /// The quotient of two numbers of its type in its type.
    #[expect(clippy::cast_possible_truncation, reason = "the numbers are of this type")]
    fn quotient(self, dividend: f64, divisor: f64) -> f64 {
        match self {
            Real::F16(_) => F16::from_f64(dividend / divisor).to_f64(),
            Real::F32(_) => f64::from(dividend as f32 / divisor as f32),
            Real::F64(_) => dividend / divisor,
        }
    }
}

/// The f64 with the f16's shortest digits.
pub(super) fn half(value: F16) -> f64 {
    value.to_string().parse().unwrap_or(value.to_f64())
}

impl FloatFormat {
    pub(super) fn new(values: &[Real], precision: usize, sign: Sign) -> FloatFormat {
        let finite: Vec<Real> =
            values.iter().copied().filter(|value| value.exact().is_finite()).collect();
        let precision = precision.min(MOST_DIGITS);
        let mut format = if is_scientific(&finite) {
            FloatFormat::scientific(&finite, precision, sign)
        } else {
            FloatFormat::positional(&finite, precision, sign)
        };
        let words = values.iter().filter(|value| !value.exact().is_finite());
        for word in words.map(|value| word(value.exact(), sign)) {
            format.before = format.before.max(word.len().saturating_sub(format.behind + 1));
        }
        format
    }

    fn positional(finite: &[Real], precision: usize, sign: Sign) -> FloatFormat {
        let notation = Notation::Positional { precision };
        let mut format = FloatFormat { sign, notation, before: 0, behind: 0 };
        for value in finite {
            let (whole, fraction) = positional(*value, precision);
            format.before = format.before.max(signed(whole, sign).len());
            format.behind = format.behind.max(fraction.len());
        }
        format
    }

    fn scientific(finite: &[Real], precision: usize, sign: Sign) -> FloatFormat {
        let (mut before, mut digits, mut exponent) = (0, 0, 2);
        for value in finite {
            let parts = shortest_scientific(*value, precision);
            before = before.max(signed(parts.whole, sign).len());
            digits = digits.max(parts.fraction.len());
            exponent = exponent.max(parts.exponent.trim_start_matches('-').len());
        }
        let notation = Notation::Scientific { digits, exponent };
        // The letter and the sign of the exponent.
        FloatFormat { sign, notation, before, behind: digits + 2 + exponent }
    }

    /// A number as it stands in the array.
    pub(super) fn text(self, value: Real) -> String {
        let FloatFormat { before, behind, .. } = self;
        if !value.exact().is_finite() {
            let word = word(value.exact(), self.sign);
            return format!("{word:>width$}", width = before + 1 + behind);
        }
        match self.notation {
            Notation::Positional { precision } => {
                let (whole, fraction) = positional(value, precision);
                format!("{:>before$}.{fraction:<behind$}", signed(whole, self.sign))
            }
            Notation::Scientific { digits, exponent: width } => {
                let Scientific { whole, fraction, exponent } = rounded(value, digits);
                let (sign, exponent) = match exponent.strip_prefix('-') {
                    Some(exponent) => ('-', exponent),
                    None => ('+', exponent.as_str()),
                };
                let whole = signed(whole, self.sign);
                format!("{whole:>before$}.{fraction}e{sign}{exponent:0>width$}")
            }
        }
    }
}

/// NumPy's rule.
fn is_scientific(finite: &[Real]) -> bool {
    let sizes = finite.iter().map(|value| value.exact().abs()).filter(|size| *size != 0.0);
    let (least, most) = sizes
        .fold((f64::INFINITY, 0.0_f64), |(least, most), size| (least.min(size), most.max(size)));
    finite.first().is_some_and(|ty| {
        let any = most > 0.0;
        any && (most >= ty.large() || least < ty.small() || ty.quotient(most, least) > 1000.0)
    })
}

/// `nan`, `-inf`.
fn word(value: f64, sign: Sign) -> String {
    let (is_negative, word) = if value.is_nan() { (false, "nan") } else { (value < 0.0, "inf") };
    if is_negative { format!("-{word}") } else { signed(word.to_string(), sign) }
}

fn signed(number: String, sign: Sign) -> String {
    if sign == Sign::Both && !number.starts_with('-') { format!("+{number}") } else { number }
}

/// What stands before the point and behind it, without zeros at the end.
fn positional(value: Real, precision: usize) -> (String, String) {
    let (whole, fraction) = split(&value.shortest());
    if fraction.len() <= precision {
        return (whole, fraction);
    }
    let (whole, fraction) = split(&format!("{:.precision$}", value.exact()));
    (whole, fraction.trim_end_matches('0').to_string())
}

struct Scientific {
    whole: String,
    fraction: String,
    exponent: String,
}

/// The shortest digits, or so many behind the point, without zeros at the end.
fn shortest_scientific(value: Real, precision: usize) -> Scientific {
    let parts = split_scientific(&value.shortest_scientific());
    if parts.fraction.len() <= precision {
        return parts;
    }
    let rounded = rounded(value, precision);
    Scientific { fraction: rounded.fraction.trim_end_matches('0').to_string(), ..rounded }
}

/// So many digits behind the point.
fn rounded(value: Real, digits: usize) -> Scientific {
    split_scientific(&format!("{:.digits$e}", value.exact()))
}

fn split_scientific(number: &str) -> Scientific {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let (whole, fraction) = split(mantissa);
    Scientific { whole, fraction, exponent: exponent.to_string() }
}

fn split(number: &str) -> (String, String) {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    (whole.to_string(), fraction.to_string())
}
