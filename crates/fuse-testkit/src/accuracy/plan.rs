//! Where a function is measured: `tests/accuracy/points/*.toml` and `tests/accuracy/hard-cases`.

use std::path::Path;

use fuse_ir::DType;
use serde::Deserialize;

use super::Format;
use super::points::Draw;
use crate::Random;

/// What `points/*.toml` says of one function and dtype.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    /// `[low, high]`, or `[low, high, low2, high2]` of two arguments.
    intervals: Vec<Vec<f64>>,
    /// Breakpoints: a number, or a pair.
    near: Vec<Near>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Near {
    One(f64),
    Two([f64; 2]),
}

/// The points of a function.
#[derive(Clone, Debug)]
pub struct Plan {
    section: Section,
    hard: Vec<Vec<f64>>,
    arity: usize,
    format: Format,
    power: bool,
}

impl Plan {
    /// Reads the plan of a function from the folder `tests/accuracy`.
    ///
    /// # Errors
    /// If no file has the function and dtype, or one is malformed.
    pub fn read(folder: &Path, name: &str, arity: usize, dtype: DType) -> Result<Plan, String> {
        let format = Format::of(fuse_ops::lane_of(dtype));
        let section = section(folder, name, &dtype.to_string())?;
        let hard = hard_cases(&folder.join(format!("hard-cases/{name}-{dtype}.txt")));
        Ok(Plan { section, hard, arity, format, power: name == "power" })
    }

    /// The chosen points: neighbours of breakpoints and hard cases. One vector for each argument.
    pub fn chosen(&self) -> Vec<Vec<u64>> {
        let mut args = vec![vec![]; self.arity];
        let mut add = |point: &[u64]| {
            args.iter_mut().zip(point).for_each(|(arg, &bits)| arg.push(bits));
        };
        for hard in &self.hard {
            add(&hard.iter().map(|&value| self.format.bits(value)).collect::<Vec<u64>>());
        }
        for near in &self.section.near {
            match *near {
                Near::One(a) => self.around(a, 40).for_each(|bits| add(&[bits])),
                Near::Two([a, b]) => {
                    for x in self.around(a, 4) {
                        self.around(b, 4).for_each(|y| add(&[x, y]));
                    }
                }
            }
        }
        args
    }

    /// The floats near a number: bits are consecutive on each side of 0.
    fn around(&self, value: f64, reach: i64) -> impl Iterator<Item = u64> + use<> {
        let (bits, format) = (self.format.bits(value).cast_signed(), self.format);
        (-reach..=reach)
            .map(move |step| bits.wrapping_add(step).cast_unsigned() & format.lane.all_ones())
    }

    /// Exponents that the first argument may have: of every binade, subnormal ones too.
    pub fn binades(&self) -> std::ops::RangeInclusive<i32> {
        self.format.ulp_exponent(i32::MIN / 2)..=self.format.emax
    }

    /// Random points whose first argument lies in a binade, either sign.
    pub fn in_binade(&self, exponent: i32, count: usize, random: &mut Random) -> Vec<Vec<u64>> {
        let mut args = vec![Vec::with_capacity(count); self.arity];
        for _ in 0..count {
            args[0].push(Draw::Exponents(exponent, exponent).next(random, self.format));
            if let Some(second) = args.get_mut(1) {
                second.push(self.second(exponent, random).next(random, self.format));
            }
        }
        args
    }

    /// How the second argument is drawn beside a first one of this exponent: near in size, or any; of a
    /// power, so that the result is in range.
    fn second(&self, exponent: i32, random: &mut Random) -> Draw {
        let (low, high) = (*self.binades().start(), *self.binades().end());
        if self.power {
            let limit = 1.05 * f64::from(-low) / f64::from(exponent.abs()).max(0.5);
            return Draw::Between(-limit, limit);
        }
        match random.below(4) {
            0 => Draw::Bits,
            1 => Draw::Exponents(-30, 10),
            _ => {
                Draw::Exponents((exponent - 30).clamp(low, high), (exponent + 30).clamp(low, high))
            }
        }
    }

    /// Random points of the intervals, in turn.
    pub fn in_intervals(&self, count: usize, random: &mut Random) -> Vec<Vec<u64>> {
        let mut args = vec![Vec::with_capacity(count); self.arity];
        for index in 0..count {
            let interval = &self.section.intervals[index % self.section.intervals.len()];
            for (arg, bounds) in args.iter_mut().zip(interval.chunks_exact(2)) {
                arg.push(Draw::Between(bounds[0], bounds[1]).next(random, self.format));
            }
        }
        args
    }
}

fn section(folder: &Path, name: &str, dtype: &str) -> Result<Section, String> {
    let points = folder.join("points");
    let files =
        std::fs::read_dir(&points).map_err(|error| format!("{}: {error}", points.display()))?;
    for file in files.flatten() {
        let place = |error: &dyn std::fmt::Display| format!("{}: {error}", file.path().display());
        let text = std::fs::read_to_string(file.path()).map_err(|error| place(&error))?;
        let mut root: toml::Table = toml::from_str(&text).map_err(|error| place(&error))?;
        let Some(toml::Value::Table(mut function)) = root.remove(name) else { continue };
        let section = function.remove(dtype).ok_or_else(|| place(&format!("no {name}.{dtype}")))?;
        return section.try_into().map_err(|error: toml::de::Error| place(&error));
    }
    Err(format!("no section [{name}.{dtype}] in {}", points.display()))
}

/// Hexadecimal floats, one input or `x,y` a line; none where there is no file.
fn hard_cases(file: &Path) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split(',').map(hex_float).collect()).collect()
}

/// The value of a C99 hexadecimal float whose digits fit in 64 bits.
fn hex_float(text: &str) -> Option<f64> {
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    match text {
        "inf" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    let (digits, exponent) = text.strip_prefix("0x")?.split_once('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let significand = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let exponent = exponent.parse::<i32>().ok()? - 4 * i32::try_from(fraction.len()).ok()?;
    // Two steps, the first of which cannot round: the significand has at most 53 bits.
    let half = exponent / 2;
    Some(sign * significand as f64 * 2f64.powi(half) * 2f64.powi(exponent - half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_floats_are_exact() {
        assert_eq!(hex_float("0x1.8p+1"), Some(3.0));
        assert_eq!(hex_float("-0x1.fffffffffffffp+1023"), Some(-f64::MAX));
        assert_eq!(hex_float("+0x1p-1074"), Some(5e-324));
        assert_eq!(hex_float("-inf"), Some(f64::NEG_INFINITY));
        assert_eq!(hex_float("zero"), None);
    }
}
