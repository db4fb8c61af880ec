//! Ranges of the axes and their ticks.
//!
//! Ticks stand at multiples of 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph
//! labels", Graphics Gems 1990). A tick is an integer `k` times a power of ten, and so its label has
//! exactly the digits that it needs and its place is the nearest f64.

/// Finite ends, the lower first and less than the upper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// Of the larger end: ranges that are narrower are widened, since their ticks could not be told apart.
const NARROWEST: f64 = 1e-12;

/// Below this, halves and tenths lose digits.
const LEAST_SPAN: f64 = 1e-290;

impl Range {
    /// The finite values' range; `None` where there are none.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Option<Range> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        (low <= high).then_some(Range { low, high })
    }

    /// Both.
    pub(super) fn union(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Wide enough for ticks: a constant stands in the middle.
    pub(super) fn widened(self) -> Range {
        let size = self.low.abs().max(self.high.abs());
        let half_span = self.high / 2.0 - self.low / 2.0;
        if half_span > size * NARROWEST && half_span > LEAST_SPAN {
            return self;
        }
        let pad = if size == 0.0 { 1.0 } else { (size * 0.1).max(10.0 * LEAST_SPAN) };
        Range { low: (self.low - pad).max(f64::MIN), high: (self.high + pad).min(f64::MAX) }
    }

    /// With a part of itself at either end.
    pub(super) fn padded(self, part: f64) -> Range {
        let pad = (self.high / 2.0 - self.low / 2.0) * 2.0 * part;
        let (low, high) = (self.low - pad, self.high + pad);
        if low.is_finite() && high.is_finite() { Range { low, high } } else { self }
    }

    /// 0 at the lower end, 1 at the upper.
    pub(super) fn place(self, value: f64) -> f64 {
        // Halves, since the difference of the ends can be more than there is.
        (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    /// At most about so many ticks, none beyond the ends.
    pub(super) fn ticks(self, most: usize) -> Vec<Tick> {
        let Some(step) = Step::over(self, most) else { return Vec::new() };
        let (first, last) = (step.index(self.low, f64::ceil), step.index(self.high, f64::floor));
        // One more at either end, for the division's rounding.
        let ticks: Vec<(i64, f64)> = (first - 1..=last + 1)
            .map(|index| (index * step.digit, step.at(index)))
            .filter(|(_, value)| self.low <= *value && *value <= self.high)
            .collect();
        let size = ticks.iter().map(|(_, value)| value.abs()).fold(0.0, f64::max);
        let notation = Notation::for_size(size, step.exponent);
        ticks
            .into_iter()
            .map(|(k, value)| Tick { value, label: label(k, step.exponent, notation) })
            .collect()
    }
}

/// The distance of ticks: `digit * 10^exponent`.
#[derive(Clone, Copy, Debug)]
struct Step {
    digit: i64,
    exponent: i32,
}

impl Step {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small")]
    fn over(range: Range, most: usize) -> Option<Step> {
        let raw = (range.high / 2.0 - range.low / 2.0) / (most.max(1) as f64 / 2.0);
        if !raw.is_finite() || raw <= 0.0 {
            return None;
        }
        let exponent = raw.log10().floor() as i32;
        let steps = [(1, 0), (2, 0), (5, 0), (1, 1), (2, 1)];
        let steps = steps.map(|(digit, more)| Step { digit, exponent: exponent + more });
        steps.into_iter().find(|step| step.at(1) >= raw)
    }

    /// The nearest f64 to so many steps.
    fn at(self, index: i64) -> f64 {
        format!("{}e{}", index * self.digit, self.exponent).parse().unwrap_or(f64::NAN)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a range has at most 10^13 steps to 0")]
    fn index(self, end: f64, round: fn(f64) -> f64) -> i64 {
        round(end / self.at(1)) as i64
    }
}

#[derive(Clone, Copy, Debug)]
enum Notation {
    Positional,
    /// With this exponent.
    Scientific(i32),
}

impl Notation {
    #[expect(clippy::cast_possible_truncation, reason = "exponents are small")]
    fn for_size(size: f64, step: i32) -> Notation {
        if size != 0.0 && (size >= 1e6 || step < -5) {
            Notation::Scientific(size.log10().floor() as i32)
        } else {
            Notation::Positional
        }
    }
}

/// `k * 10^exponent` with the digits that all multiples of that power have.
fn label(k: i64, exponent: i32, notation: Notation) -> String {
    match notation {
        Notation::Scientific(_) if k == 0 => "0".to_string(),
        Notation::Scientific(common) => format!("{}e{common}", decimal(k, exponent - common)),
        Notation::Positional => decimal(k, exponent),
    }
}

fn decimal(k: i64, exponent: i32) -> String {
    let (sign, digits) = (if k < 0 { "-" } else { "" }, k.unsigned_abs().to_string());
    let size = exponent.unsigned_abs() as usize;
    if exponent >= 0 {
        let zeros = if k == 0 { 0 } else { size };
        return format!("{sign}{digits}{}", "0".repeat(zeros));
    }
    let digits = format!("{digits:0>width$}", width = size + 1);
    let (whole, fraction) = digits.split_at(digits.len() - size);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, most: usize) -> String {
        let ticks = Range { low, high }.ticks(most);
        ticks.into_iter().map(|tick| tick.label).collect::<Vec<String>>().join(" ")
    }

    #[test]
    fn labels_have_the_digits_they_need() {
        assert_eq!(labels(-20.0, 20.0, 5), "-20 -10 0 10 20");
        assert_eq!(labels(0.0, 1.0, 5), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(labels(0.1, 0.35, 6), "0.10 0.15 0.20 0.25 0.30 0.35");
        assert_eq!(labels(-1.0, 999.0, 4), "0 500");
        assert_eq!(labels(0.0, 3e9, 4), "0 1e9 2e9 3e9");
        assert_eq!(labels(0.0, 2.5e6, 6), "0 0.5e6 1.0e6 1.5e6 2.0e6 2.5e6");
        assert_eq!(labels(-3e-9, 3e-9, 4), "-2e-9 0 2e-9");
        assert_eq!(labels(f64::MIN, f64::MAX, 4), "-1e308 0 1e308");
        assert_eq!(labels(100.0, 100.5, 3), "100.0 100.2 100.4");
    }

    #[test]
    fn a_constant_is_in_the_middle() {
        for constant in [0.0, 1.0, -3.5, 1e300, -1e-300, 5e-324, f64::MAX, f64::MIN] {
            let range = Range { low: constant, high: constant }.widened();
            assert!(range.low < range.high, "{constant}: {range:?}");
            assert!(range.low <= constant && constant <= range.high, "{constant}: {range:?}");
            assert!((0.0..=1.0).contains(&range.place(constant)), "{constant}: {range:?}");
            assert!(!range.ticks(5).is_empty(), "{constant}: {range:?}");
        }
    }

    /// Ticks are inside, in order, evenly spaced, not too many, and their labels read back.
    #[test]
    fn ticks_are_inside() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for round in 0..20_000 {
            let scale = 10_f64.powf(random() * 600.0 - 290.0);
            let (a, b) = ((random() - 0.5) * scale, (random() - 0.5) * scale);
            let range = Range { low: a.min(b), high: a.max(b) }.widened();
            let most = 2 + round % 12;
            let ticks = range.ticks(most);
            assert!(ticks.len() <= most + 1, "{range:?}: {ticks:?}");
            assert!(ticks.len() >= most / 3, "{range:?} {most}: {ticks:?}");
            for tick in &ticks {
                assert!(range.low <= tick.value && tick.value <= range.high, "{range:?}: {tick:?}");
                assert_eq!(tick.label.parse::<f64>().unwrap(), tick.value, "{range:?}: {tick:?}");
            }
            assert!(ticks.is_sorted_by(|a, b| a.value < b.value), "{range:?}: {ticks:?}");
        }
    }
}
