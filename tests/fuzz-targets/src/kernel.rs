//! Targets `kernel_text` and `ptx`: the text of kernels, and what PTX makes of them.
//!
//! An input of `kernel_text` that begins with 255 makes choices: a random kernel, printed and read, then
//! changed in places that the verifier must see. Others are texts.

use std::cell::RefCell;

use fuse_ir::device::{IndexWidth, Loads, ModuleOptions};
use fuse_ir::interp::Interpreter;
use fuse_ir::{
    Control, HostBackend, Kernel, Node, Prim, Region, ValueId, VerifiedKernel, parse_kernel, verify,
};
use fuse_testkit::dispatch::MemoryPool;
use fuse_testkit::ptx_conformance::check_text;
use fuse_testkit::random_kernel::{random_case_from, run_alike};
use fuse_testkit::{Case, Random};

use crate::PLANTED;
use crate::hosts::hosts;

/// The first byte of choices.
const CHOICES: u8 = 255;

/// Most steps an element may take of a kernel that somebody wrote: `repeat` can nest.
const MOST_STEPS: u64 = 20_000;

thread_local! {
    static MEMORY: RefCell<MemoryPool> = RefCell::default();
}

/// A kernel's text, or a random kernel.
///
/// # Panics
/// When a promise of the text form, the verifier or a back end is broken.
pub fn kernel_text(bytes: &[u8]) {
    if let [CHOICES, choices @ ..] = bytes {
        return changed_kernel(&mut Random::of_bytes(choices));
    }
    let text = String::from_utf8_lossy(bytes);
    match parse_kernel(&text) {
        Ok(kernel) => verified(kernel, &mut Random::of_bytes(bytes)),
        Err(error) => {
            assert!(error.line <= text.lines().count() + 1, "{error}");
            assert!(!error.message.is_empty(), "{error}");
        }
    }
}

fn changed_kernel(random: &mut Random) {
    let case = random_case_from(random, "fuzzed".to_string());
    check_print(&case.kernel);
    let mut kernel = case.kernel.kernel().clone();
    for _ in 0..1 + random.below(3) {
        change(&mut kernel, random);
    }
    verified(kernel, random);
}

/// What the verifier takes is printed, read and run.
fn verified(kernel: Kernel, random: &mut Random) {
    let Ok(kernel) = verify(kernel) else { return };
    check_print(&kernel);
    if steps(&kernel) <= MOST_STEPS && kernel.inputs.len() <= 64 && kernel.outputs.len() <= 64 {
        check_run(&kernel, random);
    }
}

fn check_print(kernel: &VerifiedKernel) {
    let text = printed(kernel);
    assert_eq!(parse_kernel(&text).as_ref(), Ok(kernel.kernel()), "{text}");
}

/// Defect: negative infinity loses its sign in tables.
fn printed(kernel: &Kernel) -> String {
    let text = kernel.to_string();
    if !PLANTED {
        return text;
    }
    let line = |line: &str| match line.strip_prefix("table") {
        Some(rest) => format!("table{}\n", rest.replace(", -inf", ", inf")),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// The most nodes that an element can visit.
fn steps(kernel: &Kernel) -> u64 {
    let mut closed: Vec<u64> = Vec::new();
    let cost = |region: &Region, closed: &[u64]| {
        let calls = region.controls.iter().map(|control| {
            let once = closed.get(control.region().index()).copied().unwrap_or(u64::MAX);
            match control {
                Control::Repeat { at_most, .. } => once.saturating_mul(u64::from(*at_most)),
                Control::Rare { .. } => once,
            }
        });
        calls.fold(region.nodes.len() as u64, u64::saturating_add)
    };
    for region in &kernel.regions {
        closed.push(cost(region, &closed));
    }
    let steps = kernel.folds.iter().map(|fold| &fold.step);
    let all = steps.chain([&kernel.uniform, &kernel.lane]);
    all.map(|region| cost(region, &closed)).fold(0, u64::saturating_add)
}

/// All back ends run it, with the interpreter's results where these do not depend on which NaN it was.
fn check_run(kernel: &VerifiedKernel, random: &mut Random) {
    let lanes = kernel.uniform.params.iter();
    let scalars: Vec<u64> = lanes.map(|&lane| random.operand(lane)).collect();
    let case = Case::new("fuzzed", kernel.kernel().clone()).with_scalars(&scalars);
    let n = 1 + random.below(70);
    let seed = random.bits();
    let exact = !sees_nan(kernel);
    let compilers = hosts().iter().map(|host| (host.name, &*host.bare));
    let interpreter: &dyn HostBackend = &Interpreter;
    for (name, backend) in compilers.chain([("interpreter", interpreter)]) {
        let Ok(compiled) = backend.compile(kernel) else { continue };
        MEMORY.with_borrow_mut(|memory| {
            let found = run_alike(&case, &compiled, n, &mut Random::new(seed), memory);
            if let Err((setting, finding)) = found {
                let allowed = !exact && finding.contains("expected");
                assert!(allowed, "{name}, {setting}: {finding}\n{}", kernel.kernel());
            }
        });
    }
}

/// Can the bits of a NaN be seen: by a bit cast, or where an output promises that it has none?
fn sees_nan(kernel: &Kernel) -> bool {
    let casts = |region: &Region| {
        let is_cast = |node: &Node| match *node {
            Node::Prim(Prim::Bitcast, args) => region.lane(args[0]).is_float(),
            _ => false,
        };
        region.nodes.iter().any(is_cast)
    };
    kernel.outputs.iter().any(|output| output.never_nan)
        || kernel.all_regions().any(|(_, region)| casts(region))
}

/// One thing that may make the kernel another or none.
fn change(kernel: &mut Kernel, random: &mut Random) {
    let n_regions = kernel.regions.len();
    let folds = kernel.folds.iter_mut();
    let folds = folds.flat_map(|fold| [&mut fold.step, &mut fold.merge, &mut fold.finish]);
    let own = kernel.regions.iter_mut().chain([&mut kernel.uniform, &mut kernel.lane]);
    let mut regions: Vec<&mut Region> = own.chain(folds).collect();
    let at = random.below(regions.len());
    let region = &mut *regions[at];
    if region.nodes.is_empty() {
        return;
    }
    let value =
        |random: &mut Random, region: &Region| ValueId::new(random.below(region.nodes.len() + 1));
    let at = random.below(region.nodes.len());
    match random.below(7) {
        0 => region.lanes[at] = random.pick(fuse_ir::Lane::ALL),
        1 => {
            let other = random.below(region.nodes.len());
            region.nodes.swap(at, other);
        }
        2 if !region.results.is_empty() => {
            let result = random.below(region.results.len());
            region.results[result] = value(random, region);
        }
        3 => {
            region.params.push(random.pick(fuse_ir::Lane::ALL));
        }
        4 if !region.controls.is_empty() => {
            let control = random.below(region.controls.len());
            if let Control::Repeat { at_most, .. } = &mut region.controls[control] {
                *at_most = u32::try_from(random.below(5)).unwrap_or(0);
            }
        }
        5 if n_regions > 0 => {
            region.controls.reverse();
        }
        _ => {
            let other = value(random, region);
            if let Node::Prim(prim, mut args) = region.nodes[at] {
                args[random.below(3)] = other;
                let prim = if random.percent(50) { random.pick(Prim::ALL) } else { prim };
                // What a primitive does not read has no text.
                args[prim.arity()..].fill(ValueId::new(0));
                region.nodes[at] = Node::Prim(prim, args);
            }
        }
    }
}

/// Emits a random kernel as PTX and runs it on the strict interpreter.
///
/// # Panics
/// When the text is not in the subset, a thread does something wrong, or a bit differs.
pub fn ptx(bytes: &[u8]) {
    let mut random = Random::of_bytes(bytes);
    let index = random.pick(&[IndexWidth::W32, IndexWidth::W64]);
    let loads = random.pick(&[Loads::NonCoherent, Loads::Coherent]);
    let few = random.percent(90);
    let n = 1 + random.below(if few { 40 } else { 1100 });
    let case = random_case_from(&mut random, "fuzzed".to_string());
    let shares = !case.in_place.is_empty();
    let options = ModuleOptions { index, loads: if shares { Loads::Coherent } else { loads } };
    // Defect: rounding to the nearest integer truncates.
    let spoil = |text: String| {
        if PLANTED { text.replace("cvt.rni.f64.f64", "cvt.rzi.f64.f64") } else { text }
    };
    let seed = random.bits();
    let found = check_text(&case, options, &spoil, n, &mut Random::new(seed));
    assert_eq!(found, Ok(()), "{n} elements, {options:?}\n{}", case.kernel.kernel());
}
