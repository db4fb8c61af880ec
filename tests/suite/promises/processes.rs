//! What a host program may do around an engine: another floating-point state, pools within pools, forks, kernels
//! that panic, very many formulas at once. Whatever could hang has a watchdog.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fuse::raw::{CodegenError, HostBackend, Interpreter};
use fuse::{Array, Engine, InputType, Mode, Prepared, vars};
use fuse_ir::abi::{BoundArgs, SafeBlockKernel};
use fuse_ir::{BlockKernel, Capabilities, Kernel, ListingForm, VerifiedKernel};
use fuse_testkit::skip;
use rayon::prelude::*;

use super::system::{Ended, in_forked_child, under_odd_floats};

/// Seconds that a test may take where the work takes a fraction of one.
const PATIENCE: u32 = 30;

/// Runs on a thread of its own; fails where that takes too long.
fn watched<R: Send + 'static>(call: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(call()));
    let limit = Duration::from_secs(PATIENCE.into());
    receiver.recv_timeout(limit).expect("it ends, and does not panic")
}

fn numbers(n: u32) -> Vec<f64> {
    (0..n).map(|k| f64::from(k) * 0.37 - 5.0).collect()
}

fn engine(threads: usize) -> Engine {
    Engine::builder().threads(threads).build().expect("an engine")
}

/// Formulas whose last bits, literals, folded constants or subnormals depend on the floating-point state.
const SENSITIVE: &[&str] = &[
    "x*0.1 + y",
    "sum(x*1e-310)",
    "x*5e-324",
    "x/3 + 1/3 + 0.1*0.2 + 2/7*x",
    "exp(x) - exp(0.7), sin(x)*cos(1.1)",
    "x**0.3 + 0.1**3.3",
    "mean(x), std(x), x - mean(x)",
    "f32(x)*f32(0.1)",
    "linspace(0, 1, 7) + sum(x)*1e-320",
];

fn evaluated(threads: usize, formula: &str, x: &[f64], y: &[f64]) -> Vec<Vec<u8>> {
    let results = engine(threads).evaluate_all(formula, vars! { x, y });
    let bytes = |array: &Array| array.as_bytes().to_vec();
    results.unwrap_or_else(|error| panic!("{}", error.render())).iter().map(bytes).collect()
}

/// Parsing, folding, compiling and running: each gives the bits of the default state, and leaves the caller's.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_callers_floating_point_state_changes_no_bit() {
    for n in [20, 100_000] {
        let (x, y) = (numbers(n), numbers(n));
        for formula in SENSITIVE {
            let expected = evaluated(1, formula, &x, &y);
            for threads in [1, 2, 5] {
                let call = || evaluated(threads, formula, &x, &y);
                let (found, kept) = under_odd_floats(call);
                assert!(kept, "{formula}: the caller's state is another one afterwards");
                assert!(
                    found == expected,
                    "{formula}: other bits on {threads} threads, {n} elements"
                );
            }
        }
    }
}

/// Engines in each other's pools, and in one of a single thread, whose only worker waits for them.
#[test]
fn pools_nest_whatever_their_sizes() {
    let x = numbers(100_000);
    let expected = engine(1).evaluate("sum(x) + x*0.5", vars! { x }).expect("evaluates");
    for (outer, inner) in [(1, 1), (1, 2), (2, 1), (3, 2)] {
        let (x, expected) = (x.clone(), expected.as_bytes().to_vec());
        watched(move || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(outer).build().expect("a pool");
            let engine = engine(inner);
            let call = |depth: u32| {
                // New each time: compiled inside of the pool too.
                let formula = format!("sum(x) + x*0.5 + {depth}*0");
                let found = engine.evaluate(&formula, vars! { x }).expect("evaluates");
                assert!(found.as_bytes() == expected, "{outer} and {inner} threads");
            };
            let tasks = |from: u32| (from..from + 6).into_par_iter().for_each(call);
            pool.install(|| (0..6).into_par_iter().for_each(|k| tasks(k % 3)));
            // And from the engine's own kind of pool into it again.
            pool.scope(|scope| scope.spawn(|_| tasks(50)));
        });
    }
}

#[test]
fn forked_children_evaluate() {
    super::alone("processes::forked_children_evaluate", fork);
}

/// Before anything ran, after everything did, and while other threads are at it; on the process's engine and on
/// one of one's own, whose pool only the parent has.
fn fork() {
    let x = numbers(200_000);
    let works = |engine: &Engine, formula: &str| {
        let doubled = engine.evaluate(formula, vars! { x }).expect("evaluates");
        assert_eq!(doubled.as_slice::<f64>().map(|found| found[7]), Some(x[7] * 2.0 + 1.0));
    };
    let done = Ended::Exit(0);
    let own = engine(3);
    assert_eq!(in_forked_child(PATIENCE, || works(Engine::global(), "2*x + 1")), done);
    assert_eq!(in_forked_child(PATIENCE, || works(&own, "2*x + 1")), done);
    let prepared = prepared(&own, "sum(x)");
    for engine in [Engine::global(), &own] {
        works(engine, "2*x + 1");
        let child = || {
            works(engine, "2*x + 1");
            works(engine, "1 + x + x");
            let sum = prepared.evaluate(vars! { x = [1.0, 2.0] }).expect("evaluates");
            assert_eq!(sum.to_string(), "3.0");
            // A child of the child.
            let grandchild = in_forked_child(PATIENCE, || works(engine, "x*2 + 1*1"));
            assert_eq!(grandchild, Ended::Exit(0));
        };
        assert_eq!(in_forked_child(PATIENCE, child), done);
        works(engine, "x + x + 1");
    }
    let (stop, busy) = (AtomicBool::new(false), engine(2));
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (stop, busy, works) = (&stop, &busy, &works);
            scope.spawn(move || {
                for k in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    works(busy, &format!("2*x + 1 + {thread}*0 + {k}*0"));
                }
            });
        }
        let children: Vec<Ended> =
            (0..10).map(|_| in_forked_child(PATIENCE, || works(&own, "x*2 + 2 - 1"))).collect();
        stop.store(true, Ordering::Relaxed);
        assert!(children.iter().all(|ended| *ended == done), "{children:?}");
    });
}

fn prepared(engine: &Engine, formula: &str) -> Prepared {
    let types = [("x", InputType::array(fuse::DType::F64, &[2]))];
    engine.formula(formula).and_then(|formula| formula.prepare(&types)).expect("compiles")
}

/// What a back end does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Panics {
    Never,
    Compiling,
    Running,
}

/// The interpreter, but for what is planted.
struct Panicking(Mutex<Panics>);

/// A kernel that panics when it runs.
struct PanickingKernel(VerifiedKernel);

impl HostBackend for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn capabilities(&self) -> Capabilities {
        Interpreter.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        let planted = *self.0.lock().expect("no panic");
        match planted {
            Panics::Never => Interpreter.compile(kernel),
            Panics::Compiling => panic!("planted"),
            Panics::Running => Ok(Arc::new(PanickingKernel(kernel.clone()))),
        }
    }

    fn listing(&self, _: &VerifiedKernel, _: ListingForm) -> Result<Option<String>, CodegenError> {
        Ok(None)
    }
}

impl SafeBlockKernel for PanickingKernel {
    fn kernel(&self) -> &Kernel {
        &self.0
    }

    fn run_uniform(&self, _: &BoundArgs<'_>) {}

    fn run(&self, _: &BoundArgs<'_>) {
        panic!("planted");
    }
}

/// A panic in a thread of the pool, or below the lock of a compilation, reaches the caller, and the engine
/// works on: nothing is locked for ever, nothing half made is kept.
#[test]
fn a_panic_reaches_the_caller_and_the_engine_goes_on() {
    watched(|| {
        let backend = Arc::new(Panicking(Mutex::new(Panics::Never)));
        let builder = Engine::builder().host_backend(backend.clone()).threads(3);
        let engine = builder.build().expect("given");
        let x = numbers(100_000);
        let call = |formula: &str| engine.evaluate(formula, vars! { x }).expect("evaluates");
        for (planted, formula) in [(Panics::Compiling, "2*x + 1"), (Panics::Running, "1 + 2*x")] {
            *backend.0.lock().expect("no panic") = planted;
            let result = catch_unwind(AssertUnwindSafe(|| call(formula)));
            assert!(result.is_err(), "{planted:?}");
            *backend.0.lock().expect("no panic") = Panics::Never;
            for formula in ["2*x + 1", "x*2 + 1"] {
                let found = call(formula);
                assert_eq!(found.as_slice::<f64>().map(|found| found[7]), Some(x[7] * 2.0 + 1.0));
            }
        }
    });
}

/// Lines of this process's table of mappings; `None` where there is none.
fn maps() -> Option<Vec<String>> {
    let text = std::fs::read_to_string("/proc/self/maps").ok()?;
    Some(
        text.lines()
            .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
            .collect(),
    )
}

#[test]
fn many_live_formulas_take_few_mappings() {
    super::alone("processes::many_live_formulas_take_few_mappings", live);
}

/// `FUSE_LIVE` formulas at once, 1000 usually, 100 000 by `.ci/extended`; Linux allows 65 530 mappings. No page is
/// writable and executable.
fn live() {
    let Some(before) = maps() else { skip!("procfs: no /proc/self/maps") };
    let n: usize = std::env::var("FUSE_LIVE").map_or(1000, |n| n.parse().expect("a number"));
    let (engine, strict) = (engine(1), Engine::builder().mode(Mode::Strict).threads(1).build());
    let engines = [engine, strict.expect("an engine")];
    let formulas: Vec<Prepared> =
        (0..n).map(|k| prepared(&engines[k % 2], &format!("x*{k} + sqrt(x + {k})"))).collect();
    let maps = maps().expect("as before");
    let grown = maps.len().saturating_sub(before.len());
    println!("{n} live formulas: {grown} mappings more");
    assert!(grown < 60 + n / 200, "{n} live formulas: {grown} mappings more");
    let both = maps.iter().find(|line| line.contains('w') && line.contains('x'));
    assert_eq!(both, None, "writable and executable");
    for (k, prepared) in formulas.iter().enumerate().step_by(1 + n / 1000) {
        let found = prepared.evaluate(vars! { x = [4.0, 9.0] }).expect("evaluates");
        let expected = [4.0, 9.0].map(|x: f64| x * k as f64 + (x + k as f64).sqrt());
        let found = found.as_slice::<f64>().expect("f64");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= expected * 1e-15, "formula {k}");
        }
    }
}
