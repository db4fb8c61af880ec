//! Runs a case on every back end and thread count.
//!
//! Interpreter, Cranelift, AVX2 and AVX-512 × 1, 2 and 7 threads, the inline threshold at 0 and tasks in a
//! shuffled order; PTX on its interpreter, threads in a shuffled order, and on a GPU where there is one. A
//! case whose arrays all have one axis of one length runs a second time on those arrays repeated to 21
//! blocks of 1024 elements and an odd tail, on the interpreter of PTX to 2. Engines of one back end share
//! its compiled kernels, so that a case is compiled once for each; a kernel that it declines is a failure.
//!
//! Where a case leaves elements a tolerance, the first setting's result must be within it, and its bits
//! are what all other settings, and the repeated arrays, must give.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex};

use fuse::raw::{CodegenError, HostBackend, Interpreter, Tuning, WorkerLog};
use fuse::{Array, Device, Engine, Error, Mode, Stage, Vars};
use fuse_ir::{BlockKernel, Capabilities, ListingForm, VerifiedKernel};
use fuse_ops::FORMS;
use fuse_ops::table::{Class, TABLE};
use fuse_testkit::faulty::{Fault, FaultyBackend};
use fuse_testkit::ptx::InterpretedDevice;

use super::compare::{Difference, difference};
use super::format::{Case, Data, Expect, Role, cases, input};
use crate::backends::{self, Watched};

/// Elements of the repeated arrays.
const TILED: usize = 21 * 1024 + 17;

/// Those on the interpreter of PTX, which runs a thread after the other.
const TILED_PTX: usize = 2 * 1024 + 17;

/// Failures of a theme that are printed in full.
const SHOWN: usize = 4;

const THREADS: [usize; 3] = [1, 2, 7];

/// A back end that compiles each kernel once.
struct Shared {
    inner: Arc<dyn HostBackend>,
    compiled: Mutex<HashMap<String, Arc<dyn BlockKernel>>>,
}

impl HostBackend for Shared {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        let text = kernel.to_string();
        if let Some(known) = self.compiled.lock().expect("no panic").get(&text) {
            return Ok(Arc::clone(known));
        }
        let kernel = self.inner.compile(kernel)?;
        self.compiled.lock().expect("no panic").insert(text, Arc::clone(&kernel));
        Ok(kernel)
    }

    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        self.inner.listing(kernel, form)
    }
}

/// One way to run: a back end, a number of threads, a mode.
struct Setting {
    name: String,
    mode: Mode,
    threads: usize,
    engine: Engine,
    workers: Arc<WorkerLog>,
    /// Elements of the repeated arrays.
    tiled: usize,
}

static BACKENDS: LazyLock<Vec<Arc<Watched>>> = LazyLock::new(backends::all);

/// The back ends and thread counts for both modes.
static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let mut settings = Vec::new();
    for watched in BACKENDS.iter() {
        let shared = Shared { inner: watched.clone(), compiled: Mutex::default() };
        let backend: Arc<dyn HostBackend> = Arc::new(shared);
        for mode in [Mode::Strict, Mode::Relaxed] {
            for threads in THREADS {
                settings.push(setting(watched.label(), &backend, mode, threads));
            }
        }
    }
    let interpreted = Device::from_driver(Arc::new(InterpretedDevice::shuffled(1)));
    settings.extend(on_device("PTX", &interpreted, TILED_PTX));
    if let Ok(device) = Device::cuda(0) {
        settings.extend(on_device("NVIDIA", &device, TILED));
    }
    settings
});

/// A device for both modes.
fn on_device(name: &str, device: &Device, tiled: usize) -> [Setting; 2] {
    [Mode::Strict, Mode::Relaxed].map(|mode| Setting {
        name: name.to_string(),
        mode,
        threads: 1,
        engine: Engine::builder().device(device).mode(mode).build().expect("the device is given"),
        workers: Arc::default(),
        tiled,
    })
}

fn setting(label: &str, backend: &Arc<dyn HostBackend>, mode: Mode, threads: usize) -> Setting {
    let workers = Arc::new(WorkerLog::new());
    let tuning = Tuning {
        inline_below: Some(0),
        shuffle: Some(threads as u64),
        // Past the caches, where a back end does that, in every other setting.
        stream_above: (threads != 1).then_some(0),
        ..Tuning::default()
    };
    let engine = Engine::builder()
        .host_backend(Arc::clone(backend))
        .threads(threads)
        .mode(mode)
        .tuning(tuning)
        .workers(Arc::clone(&workers))
        .build()
        .expect("the back end is given");
    Setting {
        name: format!("{label}, {threads} threads"),
        mode,
        threads,
        engine,
        workers,
        tiled: TILED,
    }
}

/// What sees more than an array's elements one by one.
const NOT_REPEATED: [&str; 5] = ["[", ".size", "len(", "arange(", "linspace("];

/// Runs the cases of a theme; `FUSE_CASE=theme/number` runs that one alone.
pub(crate) fn theme(theme: &str) {
    let wanted = std::env::var("FUSE_CASE").ok();
    let chosen = |case: &Case| wanted.as_ref().is_none_or(|wanted| *wanted == case.name);
    let mut failures = Vec::new();
    let mut n_tiled = 0;
    for case in cases(theme).into_iter().filter(chosen) {
        let settings = SETTINGS.iter().filter(|setting| case.runs_in(setting.mode));
        match check(&case, settings) {
            Ok(n) => n_tiled += n,
            Err((setting, found)) => failures.push(described(&case, setting, &found)),
        }
    }
    report(theme, &failures);
    BACKENDS.iter().for_each(|backend| backend.assert_took_all());
    if n_tiled > 60 && wanted.is_none() {
        for setting in SETTINGS.iter().filter(|setting| setting.mode == Mode::Strict) {
            let seen = setting.workers.count();
            assert!(setting.threads == 1 || seen >= 2, "{}: {seen} workers ran", setting.name);
        }
    }
}

/// Runs a case in all settings: how often on repeated arrays, or the first setting in which something is
/// wrong and what.
fn check<'a>(
    case: &Case,
    settings: impl IntoIterator<Item = &'a Setting>,
) -> Result<usize, (&'a Setting, String)> {
    let (mut known, mut n_tiled) = (case.clone(), 0);
    for setting in settings {
        run(&mut known, setting).map_err(|found| (setting, found))?;
        if let Some(mut tiled) = tile(&known, setting.tiled) {
            n_tiled += 1;
            run(&mut tiled, setting).map_err(|found| (setting, found))?;
        }
    }
    Ok(n_tiled)
}

fn report(theme: &str, failures: &[String]) {
    if failures.is_empty() {
        return;
    }
    let mut text = format!("{theme}: {} cases fail\n", failures.len());
    for failure in failures.iter().take(SHOWN) {
        let _ = writeln!(text, "\n{failure}");
    }
    for failure in failures.iter().skip(SHOWN) {
        let first: Vec<&str> = failure.lines().take(2).collect();
        let _ = writeln!(text, "also: {}", first.join(": "));
    }
    panic!("{text}");
}

/// The case on arrays repeated to many blocks, where that only repeats the result.
fn tile(case: &Case, len: usize) -> Option<Case> {
    let Expect::Values(expected) = &case.expect else { return None };
    let arrays = || case.inputs.iter().filter(|(_, role, _)| *role == Role::Array);
    let shape = &expected.first()?.shape;
    let fits = shape.len() == 1
        && shape[0] > 0
        && expected.iter().all(|data| data.shape == *shape)
        && arrays().all(|(_, _, data)| data.shape == *shape)
        && arrays().next().is_some()
        && !reduces(&case.formula)
        && !NOT_REPEATED.iter().any(|part| case.formula.contains(part));
    if !fits {
        return None;
    }
    let mut tiled = case.clone();
    for (_, role, data) in &mut tiled.inputs {
        if *role == Role::Array {
            *data = data.tiled(len);
        }
    }
    tiled.expect = Expect::Values(expected.iter().map(|data| data.tiled(len)).collect());
    Some(tiled)
}

/// Does the formula reduce? Then repeating arrays does not only repeat the result.
fn reduces(formula: &str) -> bool {
    let rows = TABLE.iter().filter(|row| row.class == Class::Reduction).map(|row| row.name);
    let forms = FORMS.iter().map(|form| form.name);
    rows.chain(forms).any(|name| formula.contains(&format!("{name}(")))
}

/// What a case gives in a setting.
fn evaluate(case: &Case, setting: &Setting) -> Result<Vec<Array>, Error> {
    let bytes: Vec<Vec<u8>> = case.inputs.iter().map(|(_, _, data)| data.bytes()).collect();
    let pairs = case.inputs.iter().zip(&bytes);
    let vars: Vars<'_> = pairs
        .map(|((name, role, data), bytes)| (name.as_str(), input(*role, data, bytes)))
        .collect();
    setting.engine.evaluate_all(&case.formula, vars)
}

/// Runs a case in a setting; each result within the case's tolerance becomes what it expects to the bit.
///
/// # Errors
/// What is wrong.
fn run(case: &mut Case, setting: &Setting) -> Result<(), String> {
    match (&case.expect, evaluate(case, setting)) {
        (Expect::Values(_), Ok(got)) => compare_all(case, &got),
        (Expect::Values(_), Err(error)) => Err(format!("an error:\n{}", error.render())),
        (Expect::Error(code), Err(error)) if error.code() == Some(code.as_str()) => Ok(()),
        (Expect::Error(code), Err(error)) => {
            Err(format!("expected error {code}, got\n{}", error.render()))
        }
        (Expect::Error(code), Ok(got)) => {
            let got: Vec<String> = got.iter().map(ToString::to_string).collect();
            Err(format!("expected error {code}, got {}", got.join(", ")))
        }
    }
}

fn compare_all(case: &mut Case, got: &[Array]) -> Result<(), String> {
    let Expect::Values(expected) = &case.expect else { unreachable!("a case with values") };
    let mut expected = expected.clone();
    if expected.len() != got.len() {
        return Err(format!("expected {} results, got {}", expected.len(), got.len()));
    }
    for (position, (expected, got)) in expected.iter_mut().zip(got).enumerate() {
        compare(case, expected, got).map_err(|found| format!("result {position}: {found}"))?;
    }
    (case.expect, case.ulp) = (Expect::Values(expected), 0);
    Ok(())
}

fn compare(case: &Case, expected: &mut Data, got: &Array) -> Result<(), String> {
    if (got.dtype(), got.shape()) != (expected.dtype, expected.shape.as_slice()) {
        let (dtype, shape) = (expected.dtype, &expected.shape);
        return Err(format!("expected {dtype} {shape:?}, got {} {:?}", got.dtype(), got.shape()));
    }
    let bits = expected.bits_of(got.as_bytes());
    if let Some(found) = difference(expected, case.ulp, &bits) {
        let text = got.element_text(found.position);
        return Err(difference_text(case, &found, &text));
    }
    expected.bits = bits;
    Ok(())
}

fn difference_text(case: &Case, found: &Difference, got: &str) -> String {
    let Difference { position, count, of, expected, bits } = *found;
    let inputs = case.inputs.iter().map(|(name, _, data)| {
        let position = if data.bits.len() == of { position } else { 0 };
        let bits = data.bits.get(position).copied().unwrap_or(0);
        format!("{name}: {} = {}", data.dtype, shown(data, bits))
    });
    let allowed = if case.ulp == 0 { String::new() } else { format!(" ± {} floats", case.ulp) };
    format!(
        "element {position} ({count} of {of} differ): expected {expected:#x}{allowed}, got {bits:#x} \
         ({got})\n  {}",
        inputs.collect::<Vec<_>>().join("\n  "),
    )
}

fn shown(data: &Data, bits: u64) -> String {
    match data.unit() {
        fuse::DType::F64 => format!("{bits:#018x} ({:e})", f64::from_bits(bits)),
        fuse::DType::F32 => {
            format!("{bits:#010x} ({:e})", f32::from_bits(u32::try_from(bits).expect("32 bits")))
        }
        _ => format!("{bits:#x}"),
    }
}

fn described(case: &Case, setting: &Setting, found: &str) -> String {
    let kernel = setting
        .engine
        .formula(&case.formula)
        .and_then(|formula| formula.explain(&case.types(), Stage::Kernel))
        .unwrap_or_default();
    let (name, formula) = (&case.name, &case.formula);
    let theme = name.split('/').next().unwrap_or_default();
    let kernel: String = kernel.lines().take(60).map(|line| format!("  {line}\n")).collect();
    format!(
        "{formula}\n  {name}, {:?}, {}: {found}\nkernel:\n{kernel}\
         repeat: FUSE_CASE={name} cargo test -p fuse-tests corpus::{theme}",
        case.mode, setting.name
    )
}

#[test]
fn a_setting_whose_bits_differ_within_the_tolerance_is_found() {
    let mut case = cases("functions").swap_remove(0);
    assert_eq!((case.formula.as_str(), case.ulp), ("exp(x)", 1));
    let Expect::Values(expected) = &mut case.expect else { unreachable!("it has a value") };
    let [expected] = expected.as_mut_slice() else { unreachable!("it has one") };
    expected.bits.truncate(expected.units());
    expected.shape = vec![];
    case.inputs[0].1 = Role::Scalar;
    let one = |backend: Arc<dyn HostBackend>| setting("one", &backend, Mode::Strict, 1);
    let sound = one(Arc::new(Interpreter));
    // The lowest bit of the one element that is stored.
    let faulty = one(Arc::new(FaultyBackend { fault: Fault::Store(0) }));
    assert!(check(&case, [&faulty]).is_ok(), "within the tolerance");
    assert!(check(&case, [&sound, &sound]).is_ok());
    for settings in [[&sound, &faulty], [&faulty, &sound]] {
        let (at, found) = check(&case, settings).expect_err("a bit differs");
        assert!(std::ptr::eq(at, settings[1]) && found.contains("1 of 1 differ"), "{found}");
    }
}
