//! The long series of the elementary functions' errors.
//!
//! ```text
//! cargo run --release -p fuse-tests --features mpfr --example accuracy -- f64|f32 [NAME…]
//! ```
//!
//! * f64, and f32 of two arguments: 10 million points a function against MPFR, at least 2 000 in every
//!   binade of the domain, breakpoints and hard cases included.
//! * f32 of one argument: all 2^32 numbers. The judge is an f64 implementation that has nothing of
//!   fuse: the system's libm, or the crate `libm` where Rust has no such function. MPFR decides where
//!   the judge's value is within 2^-20 ulp of where rounding changes, where its own error could
//!   matter (lgamma beside its zeros), and at every new maximum.
//!
//! Results go to `tests/accuracy/record.toml`, function by function; `docs/numerics.md` shows them. The
//! results measured are Cranelift's where it can run.

#![expect(clippy::print_stderr, reason = "a tool that shows its progress")]

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use fuse::{Array, AsInput, DType, Element, Engine, InputType, Mode, Prepared, Vars};
use fuse_ops::table::TABLE;
use fuse_ops::{Accuracy, Row, Yardstick};
use fuse_testkit::Random;
use fuse_testkit::accuracy::{Format, Plan, Reference, Subject, Tally, mpfr};

const POINTS: usize = 10_000_000;
const PER_BINADE: usize = 4_400;
/// Numbers of a chunk of the f32 series.
const CHUNK: usize = 1 << 20;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dtype = match args.first().map(String::as_str) {
        Some("f64") => DType::F64,
        Some("f32") => DType::F32,
        _ => {
            eprintln!("usage: accuracy f64|f32 [NAME…]");
            return;
        }
    };
    let names = &args[1..];
    for row in TABLE {
        let wanted = names.is_empty() || names.iter().any(|name| name == row.name);
        if let (true, Accuracy::Ulp(budget)) = (wanted, row.accuracy) {
            let start = Instant::now();
            let format = Format::of(fuse_ops::lane_of(dtype));
            let series = Series { row, yardstick: budget.yardstick, dtype, format };
            let exhaustive = dtype == DType::F32 && row.arity == 1;
            let found = if exhaustive { series.exhaustive() } else { series.sampled() };
            eprintln!(
                "{} {dtype}: max {:.4} ulp, {:.3} % correctly rounded, {} points, {} by MPFR, {:.0} s",
                row.name,
                found.tally.max,
                100.0 * found.tally.share(),
                found.tally.points,
                found.decided,
                start.elapsed().as_secs_f64(),
            );
            series.record(&found);
        }
    }
}

struct Series {
    row: &'static Row,
    yardstick: Yardstick,
    dtype: DType,
    format: Format,
}

/// What a series found.
#[derive(Default)]
struct Found {
    tally: Tally,
    /// Points that MPFR decided.
    decided: u64,
    /// Points in the binade of the domain that has fewest.
    fewest: u64,
}

impl Series {
    /// Runs jobs 0..count on two threads and adds up what they find.
    fn in_parallel(&self, count: usize, job: impl Fn(&mut Worker, usize) -> Found + Sync) -> Found {
        let (next, total) =
            (AtomicUsize::new(0), Mutex::new(Found { fewest: u64::MAX, ..Found::default() }));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut worker = Worker::new(self);
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count {
                            break;
                        }
                        let found = job(&mut worker, index);
                        let mut total = total.lock().expect("no panic");
                        total.tally.merge(found.tally);
                        total.decided += found.decided;
                        total.fewest = total.fewest.min(found.fewest);
                    }
                });
            }
        });
        total.into_inner().expect("no panic")
    }

    /// Against MPFR: breakpoints and hard cases, every binade, the intervals.
    fn sampled(&self) -> Found {
        let plan =
            Plan::read(&folder(), self.row.name, self.row.arity, self.dtype).expect("a plan");
        let binades: Vec<i32> = plan.binades().collect();
        let in_binades = binades.len() * PER_BINADE;
        let part = 50_000;
        let parts = POINTS.saturating_sub(in_binades).div_ceil(part) + 1;
        self.in_parallel(1 + binades.len() + parts, |worker, index| {
            let mut random = Random::new(index as u64);
            let args = match index.checked_sub(1) {
                None => plan.chosen(),
                Some(index) => match binades.get(index) {
                    Some(&exponent) => plan.in_binade(exponent, PER_BINADE, &mut random),
                    None => plan.in_intervals(part, &mut random),
                },
            };
            let results = worker.evaluate(&args);
            let tally = self.against_mpfr(&args, results);
            let valid = results.iter().filter(|&&bits| !self.format.value(bits).is_nan()).count();
            let whole = (1..=binades.len()).contains(&index) && 5 * valid >= 2 * PER_BINADE;
            let fewest = if whole { valid as u64 } else { u64::MAX };
            Found { decided: tally.points, tally, fewest }
        })
    }

    fn against_mpfr(&self, args: &[Vec<u64>], results: &[u64]) -> Tally {
        let mut tally = Tally::default();
        for (index, &bits) in results.iter().enumerate() {
            let point: Vec<u64> = args.iter().map(|arg| arg[index]).collect();
            self.add(&mut tally, self.exact(&point), &point, bits);
        }
        tally
    }

    fn exact(&self, point: &[u64]) -> Reference {
        let values: Vec<f64> = point.iter().map(|&bits| self.format.value(bits)).collect();
        mpfr::reference(&mpfr::exact(self.row.name, &values), self.format)
    }

    fn add(&self, tally: &mut Tally, reference: Reference, point: &[u64], bits: u64) {
        let result = self.format.value(bits);
        let error = self.error(&reference, point, bits);
        let nearest = result == reference.nearest || (result.is_nan() && error == 0.0);
        tally.add(error, nearest, || point.to_vec(), bits);
    }

    fn error(&self, reference: &Reference, point: &[u64], bits: u64) -> f64 {
        let mut values = [0.0; 2];
        values.iter_mut().zip(point).for_each(|(value, &arg)| *value = self.format.value(arg));
        let result = self.format.value(bits);
        reference.error_by(self.yardstick, &values[..point.len()], result, self.format)
    }

    /// All numbers of f32.
    fn exhaustive(&self) -> Found {
        let judge = judge(self.row.name);
        self.in_parallel((1_usize << 32) / CHUNK, |worker, index| {
            let first = index * CHUNK;
            let args: Vec<f32> =
                (first..first + CHUNK).map(|bits| f32::from_bits(bits as u32)).collect();
            let results = worker.call(std::slice::from_ref(&args));
            let mut found = Found { fewest: u64::MAX, ..Found::default() };
            for (&x, &result) in args.iter().zip(results.as_slice::<f32>().expect("f32")) {
                let reference = self.judged(judge(f64::from(x)));
                // Nearly all: the nearest float, and surely so.
                match reference {
                    Some(reference) if f64::from(result) == reference.nearest && result != 0.0 => {
                        found.tally.add(
                            reference.rest.abs(),
                            true,
                            || bits(x),
                            result.to_bits().into(),
                        );
                    }
                    _ => self.decide(&mut found, reference, x, result),
                }
            }
            found
        })
    }

    /// A result that is not the judge's: MPFR decides if that could be the judge's fault, or if the
    /// error is the largest so far.
    fn decide(&self, found: &mut Found, reference: Option<Reference>, x: f32, result: f32) {
        let result = u64::from(result.to_bits());
        let error = reference.map(|reference| self.error(&reference, &bits(x), result));
        let sure = error.is_some_and(|error| error <= found.tally.max);
        let reference = match (reference, sure) {
            (Some(reference), true) => reference,
            _ => {
                found.decided += 1;
                self.exact(&bits(x))
            }
        };
        self.add(&mut found.tally, reference, &bits(x), result);
    }

    /// The judge's value as a reference, unless its error could change the verdict.
    fn judged(&self, value: f64) -> Option<Reference> {
        let nearest = f64::from(value as f32);
        if !nearest.is_finite() || value == 0.0 {
            return Some(Reference { nearest, rest: 0.0 });
        }
        if self.row.name == "lgamma" && value.abs() < 0.01 {
            return None;
        }
        let exponent = ((value.to_bits() >> 52) & 0x7ff) as i32 - 1023;
        let unit = self.format.ulp_exponent(exponent);
        let per_ulp = f64::from_bits(((1023 - unit) as u64) << 52);
        let rest = (value - nearest) * per_ulp;
        let doubtful = (rest.abs() - 0.5).abs() < 1.0 / f64::from(1 << 20);
        (!doubtful).then_some(Reference { nearest, rest })
    }

    fn record(&self, found: &Found) {
        let file = folder().join("record.toml");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let mut record: toml::Table = toml::from_str(&text).expect("record.toml is TOML");
        let function = record.entry(self.row.name).or_insert_with(|| toml::Table::new().into());
        let mut entry = toml::Table::new();
        let mut set = |key: &str, value: toml::Value| entry.insert(key.to_string(), value);
        let tally = &found.tally;
        let hex = |bits: &u64| toml::Value::from(format!("{bits:#x}"));
        set("max", tally.max.into());
        set("at", tally.at.iter().map(hex).collect::<Vec<toml::Value>>().into());
        set("correct", tally.share().into());
        set("expansion", Subject::new(self.row.op, self.dtype).expansion().into());
        set("points", i64::try_from(tally.points).expect("fewer than 2^63").into());
        set("mpfr", i64::try_from(found.decided).expect("fewer than 2^63").into());
        if let Ok(fewest) = i64::try_from(found.fewest) {
            set("binade", fewest.into());
        }
        let function = function.as_table_mut().expect("a table");
        function.insert(self.dtype.to_string(), entry.into());
        std::fs::write(&file, toml::to_string(&record).expect("TOML"))
            .expect("record.toml is written");
    }
}

/// The formula of a series, compiled, and room for its arguments and results.
struct Worker {
    formula: Prepared,
    dtype: DType,
    results: Vec<u64>,
}

impl Worker {
    fn new(series: &Series) -> Worker {
        let engine = Engine::builder().threads(1).mode(Mode::Strict).build().expect("an engine");
        let names = &["a", "b"][..series.row.arity];
        let text = format!("{}({})", series.row.name, names.join(", "));
        let types: Vec<(&str, InputType)> =
            names.iter().map(|&name| (name, InputType::array(series.dtype, &[2]))).collect();
        let formula = engine.formula(&text).expect("a formula").prepare(&types).expect("compiles");
        Worker { formula, dtype: series.dtype, results: Vec::new() }
    }

    fn evaluate(&mut self, args: &[Vec<u64>]) -> &[u64] {
        self.results.clear();
        if self.dtype == DType::F32 {
            let args: Vec<Vec<f32>> = args
                .iter()
                .map(|arg| arg.iter().map(|&bits| f32::from_bits(bits as u32)).collect())
                .collect();
            let result = self.call(&args);
            let values = result.as_slice::<f32>().expect("f32");
            self.results.extend(values.iter().map(|value| u64::from(value.to_bits())));
        } else {
            let args: Vec<Vec<f64>> = args
                .iter()
                .map(|arg| arg.iter().map(|&bits| f64::from_bits(bits)).collect())
                .collect();
            let result = self.call(&args);
            let values = result.as_slice::<f64>().expect("f64");
            self.results.extend(values.iter().map(|value| value.to_bits()));
        }
        &self.results
    }

    fn call<T: Element>(&self, args: &[Vec<T>]) -> Array {
        let mut vars = Vars::new();
        for (name, arg) in ["a", "b"].into_iter().zip(args) {
            vars.insert(name, arg.as_input());
        }
        self.formula.evaluate(vars).expect("evaluates")
    }
}

fn bits(x: f32) -> Vec<u64> {
    vec![x.to_bits().into()]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("accuracy")
}

/// An f64 implementation that is not fuse's.
fn judge(name: &str) -> fn(f64) -> f64 {
    match name {
        "exp" => f64::exp,
        "exp2" => f64::exp2,
        "exp10" => libm::exp10,
        "expm1" => f64::exp_m1,
        "sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "log" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "log1p" => f64::ln_1p,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "deg2rad" => |x| x * (std::f64::consts::PI / 180.0),
        "rad2deg" => |x| x * (180.0 / std::f64::consts::PI),
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => libm::asinh,
        "acosh" => libm::acosh,
        "atanh" => libm::atanh,
        "cbrt" => f64::cbrt,
        "erf" => libm::erf,
        "erfc" => libm::erfc,
        "gamma" => libm::tgamma,
        "lgamma" => libm::lgamma,
        _ => unreachable!("no judge of {name}"),
    }
}
