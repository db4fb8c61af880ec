//! What wide vectors are worth: our back end for AVX-512 against a loop of intrinsics and against Cranelift.
//!
//! ```text
//! cargo run --release -p fuse-benches --example wide                  prints target beside measured
//!     -- --record            also stores every round under benches/peers/record
//!     -- --publish           also rewrites its part of docs/performance.md
//!     -- --rounds 60         how many rounds (30 at least, for figures that count)
//! ```
//!
//! * *Headline*: the sum of eight powers into `out`, by the public call, against `fuse_benches::powers`: a
//!   million elements on all cores, and 4096 on one thread, where the machine code alone is shown too.
//! * *exp in L1*: machine code of one back end against the other's, on whole granules.
//! * *Compilation*: the kernels of 200 random formulas of 20 to 40 nodes, [`HostBackend::compile`] alone,
//!   least of [`PASSES`], added up; and text to first result on 16 elements, the median.
//!
//! A back end that takes not every kernel is shown as such: the interpreter, which the engine would run
//! instead, is not timed.
//!
//! [`HostBackend::compile`]: fuse_ir::HostBackend::compile

#![expect(clippy::print_stdout, reason = "prints what it measures")]

use std::sync::Arc;
use std::time::Instant;

use fuse::{Engine, vars};
use fuse_benches::aligned::Aligned;
use fuse_benches::expressions::formulas;
use fuse_benches::keeper::{AVX512, BACKENDS, CRANELIFT, Keeper};
use fuse_benches::powers;
use fuse_benches::race::{Race, Times};
use fuse_benches::real::{apart, sample};
use fuse_benches::record::{Check, Record, Sense, checks, figure};
use fuse_benches::subject::{Subject, call};
use fuse_ir::HostBackend;

/// The name of the loop of intrinsics.
const HAND: &str = "hand-written";
/// New formulas.
const FORMULAS: usize = 200;
/// How often each formula is compiled, by an engine that has not seen it.
const PASSES: usize = 5;

fn main() -> std::io::Result<()> {
    let options: Vec<String> = std::env::args().skip(1).collect();
    let asked = |option: &str| options.iter().any(|given| given == option);
    let rounds = options.iter().skip_while(|given| *given != "--rounds").nth(1);
    let rounds = rounds.map_or(60, |text| text.parse().expect("a number of rounds"));
    let command = "cargo run --release -p fuse-benches --example wide";
    let mut record = Record::begin("wide", command);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = vec![
        headline(1_000_000, cores, 1.05, rounds, &mut record),
        headline(4096, 1, 1.1, rounds, &mut record),
        exp(rounds, &mut record),
    ];
    all.extend(compilation(&mut record));
    record.end();
    let tables = checks(&all);
    println!("{}\n\n{tables}", record.origin());
    if asked("--record") || asked("--publish") {
        let stored = record.store(&tables)?;
        println!("\nstored as benches/peers/record/{stored}");
        if asked("--publish") {
            record.publish(&tables, &stored)?;
        }
    }
    Ok(())
}

/// The headline formula into `out`: how much longer the call takes than the hand-written loop.
fn headline(len: usize, threads: usize, bound: f64, rounds: usize, record: &mut Record) -> Check {
    let inputs = [sample::<f64>((-1.0, 1.0), len, 1)];
    let mut out = Aligned::zeroed(len);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let mut race = Race::default();
    if powers::is_available() {
        race.add(HAND, |out: &mut [f64]| by_hand(&pool, threads, &inputs[0], out));
    }
    for (name, made) in BACKENDS {
        let subject =
            made().and_then(|made| Subject::compile(made, threads, powers::TEXT, &inputs).ok());
        let Some(Subject { mut kernel, prepared }) = subject else { continue };
        let inputs = &inputs;
        race.add(*name, move |out: &mut [f64]| call(&prepared, inputs, out));
        if threads == 1 {
            race.add(format!("{name}, kernel"), move |out: &mut [f64]| kernel.run(inputs, out));
        }
    }
    agree(&race.answers(&mut out), 4);
    let times = race.run(rounds, &mut out);
    let on = if threads == 1 { "one thread" } else { "all cores" };
    let what = format!("`x + … + x**8`, {len} elements, {on}: {AVX512} / {HAND}");
    record.row(&what, len, &times);
    let detail = each(&times, 1.0 / len as f64, "ns an element");
    Check { what, sense: Sense::AtMost, bound, measured: times.ratio(AVX512, HAND), detail }
}

/// The loop of intrinsics, on as many threads, each of which takes one part.
fn by_hand(pool: &rayon::ThreadPool, threads: usize, x: &[f64], out: &mut [f64]) {
    if threads == 1 {
        powers::sum(x, out);
        return;
    }
    let part = x.len().div_ceil(threads).next_multiple_of(1024);
    pool.in_place_scope(|scope| {
        for (x, out) in x.chunks(part).zip(out.chunks_mut(part)) {
            scope.spawn(move |_| powers::sum(x, out));
        }
    });
}

/// `exp` in L1: how many times faster AVX-512 is than Cranelift.
fn exp(rounds: usize, record: &mut Record) -> Check {
    let inputs = [sample::<f64>((-10.0, 10.0), 1024, 2)];
    let mut out = Aligned::zeroed(1024);
    let mut race = Race::default();
    for (name, made) in BACKENDS {
        let subject = made().and_then(|made| Subject::compile(made, 1, "exp(x)", &inputs).ok());
        let Some(Subject { mut kernel, .. }) = subject else { continue };
        let inputs = &inputs;
        race.add(*name, move |out: &mut [f64]| kernel.run(inputs, out));
    }
    agree(&race.answers(&mut out), 0);
    let times = race.run(rounds, &mut out);
    let what = format!("`exp(x)` in L1, machine code: {CRANELIFT} / {AVX512}");
    record.row(&what, 1024, &times);
    let detail = each(&times, 1.0 / 1024.0, "ns an element");
    Check {
        what,
        sense: Sense::AtLeast,
        bound: 2.5,
        measured: times.ratio(CRANELIFT, AVX512),
        detail,
    }
}

/// Answers first: no contender's may lie further than this from the first one's.
fn agree(answers: &[(String, Vec<f64>)], ulps: u64) {
    for (name, answer) in answers {
        let distance = apart(answer, &answers[0].1);
        assert!(distance <= ulps, "{name} is {distance} ULP from {}", answers[0].0);
    }
}

/// Every contender's least time, scaled.
fn each(times: &Times, scale: f64, unit: &str) -> String {
    let one = |(name, _): &(String, Vec<f64>)| {
        format!("{name} {}", figure(times.least(name).map(|time| time * scale)))
    };
    let all: Vec<String> = times.0.iter().map(one).collect();
    format!("{} {unit}", all.join(", "))
}

/// What new formulas take: the back end's part of it, and text to first result.
fn compilation(record: &mut Record) -> [Check; 2] {
    let texts = formulas(FORMULAS, 7);
    let backends: Vec<_> =
        BACKENDS.iter().filter_map(|(name, made)| Some((*name, made()?))).collect();
    let mut compile: Vec<Vec<f64>> = vec![vec![f64::INFINITY; FORMULAS]; backends.len()];
    let mut first = compile.clone();
    let mut declined = vec![0; backends.len()];
    for pass in 0..PASSES {
        let engines: Vec<_> = backends.iter().map(|(_, backend)| engine(backend)).collect();
        for (number, text) in texts.iter().enumerate() {
            for turn in 0..backends.len() {
                let at = (pass + number + turn) % backends.len();
                let (engine, keeper) = &engines[at];
                let (total, inside, refused) = first_result(engine, keeper, text);
                first[at][number] = first[at][number].min(total);
                compile[at][number] = compile[at][number].min(inside);
                declined[at] += refused;
            }
        }
    }
    let taken = |rows: Vec<Vec<f64>>| {
        let named = backends.iter().map(|(name, _)| name.to_string()).zip(rows).zip(&declined);
        Times(named.filter(|(_, refused)| **refused == 0).map(|(row, _)| row).collect())
    };
    let (compile, first) = (taken(compile), taken(first));
    let nodes = format!("{FORMULAS} new formulas of 20 to 40 nodes");
    let what = format!("{nodes}, compiling their kernels: {AVX512} / {CRANELIFT}");
    record.row(&what, FORMULAS, &compile);
    let sum = |name: &str| named(&compile, name).map(|times| times.iter().sum::<f64>() / 1e6);
    let total = check(what, &compile, sum, "ms in all");
    let what = format!("{nodes}, text to first result: {AVX512} / {CRANELIFT}");
    record.row(&what, FORMULAS, &first);
    let middle = |name: &str| named(&first, name).map(|times| median(times) / 1e3);
    [total, check(what, &first, middle, "µs, median")]
}

fn engine(backend: &Arc<dyn HostBackend>) -> (Engine, Arc<Keeper>) {
    let keeper = Arc::new(Keeper::new(Arc::clone(backend)));
    let host = Arc::<Keeper>::clone(&keeper);
    let engine = Engine::builder().threads(1).host_backend(host).build().expect("an engine");
    engine.evaluate("a + b*1.25", vars! { a = [1.0; 16], b = [1.0; 16] }).expect("it compiles");
    keeper.take();
    (engine, keeper)
}

/// Nanoseconds from text to first result, those of them in the back end, and kernels that it declined.
fn first_result(engine: &Engine, keeper: &Keeper, text: &str) -> (f64, f64, usize) {
    let (a, b) = ([1.5; 16], [2.5; 16]);
    let start = Instant::now();
    engine.evaluate(text, vars! { a, b }).expect("it compiles");
    let total = start.elapsed().as_secs_f64() * 1e9;
    let kept = keeper.take();
    let inside: f64 = kept.iter().map(|kept| kept.time.as_secs_f64() * 1e9).sum();
    (total, inside, kept.iter().filter(|kept| kept.block.is_err()).count())
}

fn named<'t>(times: &'t Times, name: &str) -> Option<&'t [f64]> {
    times.0.iter().find(|(known, _)| known == name).map(|(_, times)| times.as_slice())
}

fn check(what: String, times: &Times, value: impl Fn(&str) -> Option<f64>, unit: &str) -> Check {
    let one = |(name, _): &(String, Vec<f64>)| format!("{name} {}", figure(value(name)));
    let all: Vec<String> = times.0.iter().map(one).collect();
    let measured = value(AVX512).and_then(|ours| Some(ours / value(CRANELIFT)?));
    let detail = format!("{} {unit}", all.join(", "));
    Check { what, sense: Sense::Below, bound: 1.0, measured, detail }
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
