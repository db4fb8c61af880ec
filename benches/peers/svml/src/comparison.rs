//! The table: each function by Intel's library and by fuse, data in the first-level cache, one thread.
//!
//! Arrays of a row take [`BYTES`] together, inputs and output, so that they stay in a cache of 32 KiB. For each
//! back end there are two contenders: the machine code called once on all granules, which is what the entry
//! points of the library compare with, and the public prepared call, whose constant cost shows in so short
//! arrays (it is the difference times the number of elements).

use std::fmt::Write as _;
use std::path::PathBuf;

use fuse_benches::aligned::Aligned;
use fuse_benches::keeper::{AVX512, BACKENDS};
use fuse_benches::race::{Race, Times};
use fuse_benches::real::{apart, sample};
use fuse_benches::record::{DECLINED, Record, figure};
use fuse_benches::subject::{Subject, call};

use crate::library::{Svml, Vectors, is_available};

/// Bytes of a row's arrays.
const BYTES: usize = 24 * 1024;
/// The library's column.
const SVML: &str = "SVML";
/// The most that two results below 1 ULP can be apart, rounding included.
const MOST_APART: u64 = 2;

/// A function, where its arguments lie, and the time of an element that fuse is to stay within.
struct Function {
    /// As the library names it.
    name: &'static str,
    /// As fuse writes it.
    text: &'static str,
    /// Bounds of each argument, those of `benches/peers/work.py`.
    domain: &'static [(f64, f64)],
    /// Nanoseconds an element; none where none was set.
    budget: Option<f64>,
}

const fn function(
    name: &'static str,
    text: &'static str,
    domain: &'static [(f64, f64)],
    budget: Option<f64>,
) -> Function {
    Function { name, text, domain, budget }
}

const F64: &[Function] = &[
    function("exp", "exp(x)", &[(-10.0, 10.0)], Some(0.7)),
    function("log", "log(x)", &[(0.1, 100.0)], Some(1.05)),
    function("sin", "sin(x)", &[(-100.0, 100.0)], Some(1.2)),
    function("cos", "cos(x)", &[(-100.0, 100.0)], Some(1.2)),
    function("tan", "tan(x)", &[(-100.0, 100.0)], Some(2.3)),
    function("tanh", "tanh(x)", &[(-3.0, 3.0)], Some(2.1)),
    function("atan", "arctan(x)", &[(-10.0, 10.0)], Some(2.3)),
    function("log1p", "log1p(x)", &[(-0.9, 10.0)], Some(1.2)),
    function("expm1", "expm1(x)", &[(-5.0, 5.0)], Some(1.0)),
    function("erf", "erf(x)", &[(-3.0, 3.0)], Some(1.75)),
    function("cbrt", "cbrt(x)", &[(-100.0, 100.0)], Some(1.0)),
    function("pow", "x**y", &[(0.1, 10.0), (-5.0, 5.0)], Some(2.9)),
];

const F32: &[Function] = &[
    function("exp", "exp(x)", &[(-10.0, 10.0)], None),
    function("sin", "sin(x)", &[(-100.0, 100.0)], None),
    function("log", "log(x)", &[(0.1, 100.0)], None),
];

const USAGE: &str = "usage: svml LIBSVML [--version TEXT] [--only NAME] [--variant ha] \
                     [--rounds 60] [--record] [--publish]";

struct Options {
    library: PathBuf,
    version: String,
    only: Option<String>,
    variant: String,
    rounds: usize,
    record: bool,
    publish: bool,
}

/// Measures, prints, stores.
pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = options()?;
    if !is_available() {
        return Err("this processor has no AVX-512".into());
    }
    let svml = Svml::open(&options.library)?;
    let mut record = Record::begin("svml", "benches/peers/svml.sh");
    record.note("svml", format!("{}, variant {}", options.version, options.variant));
    record.note("bytes", BYTES);
    let mut lines = vec![header()];
    for function in chosen(F64, &options) {
        lines.push(row::<f64>(&svml, function, &options, &mut record)?);
    }
    for function in chosen(F32, &options) {
        lines.push(row::<f32>(&svml, function, &options, &mut record)?);
    }
    record.end();
    let table = format!("* SVML: {}.\n\n{}", options.version, lines.join("\n"));
    println!("{}\n{table}", record.origin());
    if options.record || options.publish {
        let stored = record.store(&table)?;
        println!("\nstored as benches/peers/record/{stored}");
        if options.publish {
            record.publish(&table, &stored)?;
        }
    }
    Ok(())
}

fn options() -> Result<Options, String> {
    let mut words = std::env::args().skip(1);
    let mut options = Options {
        library: words.next().ok_or(USAGE)?.into(),
        version: "?".to_string(),
        only: None,
        variant: "ha".to_string(),
        rounds: 60,
        record: false,
        publish: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(USAGE);
        match word.as_str() {
            "--version" => options.version = value()?,
            "--only" => options.only = Some(value()?),
            "--variant" => options.variant = value()?,
            "--rounds" => options.rounds = value()?.parse().map_err(|_| USAGE)?,
            "--record" => options.record = true,
            "--publish" => options.publish = true,
            _ => return Err(USAGE.to_string()),
        }
    }
    if options.only.is_some() && (options.record || options.publish) {
        return Err("a record holds every function: leave `--only` out".to_string());
    }
    Ok(options)
}

fn chosen<'f>(
    functions: &'f [Function],
    options: &'f Options,
) -> impl Iterator<Item = &'f Function> {
    let wanted =
        |function: &&Function| options.only.as_ref().is_none_or(|name| function.name == name);
    functions.iter().filter(wanted)
}

fn header() -> String {
    let names = BACKENDS.iter().map(|(name, _)| format!(" {name} | its call |"));
    let names: String = names.collect();
    let rules = "---|".repeat(7 + 2 * BACKENDS.len());
    format!("| | elements | {SVML} | budget |{names} {AVX512} / {SVML} | ULP apart | |\n|{rules}")
}

/// One function: checks the answers, times, and gives the line of the table.
fn row<T: Vectors>(
    svml: &Svml,
    function: &Function,
    options: &Options,
    record: &mut Record,
) -> Result<String, libloading::Error> {
    let len = BYTES / (size_of::<T>() * (function.domain.len() + 1)) / 32 * 32;
    let inputs: Vec<Aligned<T>> =
        function.domain.iter().zip(1..).map(|(&bounds, seed)| sample(bounds, len, seed)).collect();
    let inputs = &inputs[..];
    let mut out = Aligned::zeroed(len);
    let mut race = Race::default();
    let entry = T::find(svml, function.name, &options.variant, inputs.len())?;
    race.add(SVML, move |out: &mut [T]| entry(inputs, out));
    for (name, made) in BACKENDS {
        let Some(backend) = made() else { continue };
        let Ok(subject) = Subject::compile(backend, 1, function.text, inputs) else { continue };
        let Subject { mut kernel, prepared } = subject;
        race.add(*name, move |out: &mut [T]| kernel.run(inputs, out));
        race.add(called(name), move |out: &mut [T]| call(&prepared, inputs, out));
    }
    let answers = race.answers(&mut out);
    let distance =
        answers.iter().map(|(_, answer)| apart(answer, &answers[0].1)).max().unwrap_or(0);
    assert!(distance <= MOST_APART, "{}: results lie {distance} ULP apart", function.name);
    let times = race.run(options.rounds, &mut out);
    let title = format!("{}, {}", function.name, T::DTYPE);
    record.row(&title, len, &times);
    Ok(line(&title, len, function, &times, distance))
}

/// The contender that calls through the engine.
fn called(name: &str) -> String {
    format!("{name}, call")
}

fn line(title: &str, len: usize, function: &Function, times: &Times, distance: u64) -> String {
    let each = |name: &str| times.least(name).map(|time| time / len as f64);
    let budget = function.budget.map_or("–".to_string(), |budget| budget.to_string());
    let mut line = format!("| {title} | {len} | {} | {budget} |", figure(each(SVML)));
    for (name, _) in BACKENDS {
        let _ = write!(line, " {} | {} |", figure(each(name)), figure(each(&called(name))));
    }
    let ratio = times.ratio(AVX512, SVML);
    let _ = write!(
        line,
        " {} | {distance} | {} |",
        figure(ratio),
        verdict(function, each(AVX512), ratio)
    );
    line
}

/// Not slower than the library, and within the budget?
fn verdict(function: &Function, time: Option<f64>, ratio: Option<f64>) -> &'static str {
    let (Some(time), Some(ratio)) = (time, ratio) else { return DECLINED };
    let within = function.budget.is_none_or(|budget| time <= budget);
    match (ratio <= 1.0, within) {
        (true, true) => "PASS",
        (true, false) => "**over budget**",
        (false, true) => "**slower**",
        (false, false) => "**slower, over budget**",
    }
}
