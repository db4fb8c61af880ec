//! The conformance suite of `fuse-testkit` and its random kernels, on each back end that there is.
//!
//! That the suite notices faults is tested where it is written (`fuse_testkit::faulty`: one wrong bit
//! of every primitive in one lane); here one fault shows that the wiring reports.

use fuse_cranelift::CraneliftBackend;
use fuse_ir::interp::Interpreter;
use fuse_ir::{HostBackend, ListingForm, Node, Prim, VerifiedKernel};
use fuse_testkit::faulty::{Fault, FaultyBackend};
use fuse_testkit::kernels::all_cases;
use fuse_testkit::{Refusal, conformance, differential, skip};
use fuse_x64::Level;

use crate::backends::x64;

/// Seeds of the random kernels on each back end; `.ci/extended` runs more through
/// `FUSE_KERNEL_SEEDS`.
const SEEDS: u64 = 600;

fn seeds() -> std::ops::Range<u64> {
    let given = std::env::var("FUSE_KERNEL_SEEDS").ok();
    0..given.map_or(SEEDS, |seeds| seeds.parse().expect("FUSE_KERNEL_SEEDS is a number"))
}

fn native() -> CraneliftBackend {
    CraneliftBackend::native().expect("Cranelift knows this machine")
}

fn holds(kernel: &VerifiedKernel, wanted: Prim) -> bool {
    kernel.all_regions().any(|(_, region)| {
        region.nodes.iter().any(|node| matches!(node, Node::Prim(prim, _) if *prim == wanted))
    })
}

/// A CPU without multiply-add: kernels that hold `fma` are refused, and no others.
fn lacks_fma(refusal: &Refusal) -> bool {
    refusal.reason.contains("fma") || refusal.reason.contains("multiply")
}

#[test]
fn interpreter_conformance() {
    let report = conformance(&Interpreter);
    report.assert();
    assert!(report.uncovered().is_empty() || std::env::var("FUSE_CONFORMANCE").is_ok());
}

#[test]
fn cranelift_conformance() {
    let report = conformance(&native());
    report.assert();
    assert!(report.uncovered().is_empty() || std::env::var("FUSE_CONFORMANCE").is_ok());
}

#[test]
fn cranelift_differential() {
    differential(&native(), seeds()).assert();
}

/// It declines no kernel.
fn x64_conformance(level: Level) {
    let backend = match x64(level) {
        Ok(backend) => backend,
        Err(reason) => skip!("{reason}"),
    };
    let report = conformance(&backend);
    report.assert();
    assert!(report.uncovered().is_empty() || std::env::var("FUSE_CONFORMANCE").is_ok());
}

fn x64_differential(level: Level) {
    match x64(level) {
        Ok(backend) => differential(&backend, seeds()).assert(),
        Err(reason) => skip!("{reason}"),
    }
}

#[test]
fn avx2_conformance() {
    x64_conformance(Level::Avx2);
}

#[test]
fn avx2_differential() {
    x64_differential(Level::Avx2);
}

#[test]
fn avx512_conformance() {
    x64_conformance(Level::Avx512);
}

#[test]
fn avx512_differential() {
    x64_differential(Level::Avx512);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn cranelift_without_extensions_conformance() {
    let baseline = CraneliftBackend::baseline("x86_64").expect("known");
    conformance(&baseline).assert_but_for(lacks_fma);
    differential(&baseline, 0..seeds().end / 3).assert_but_for(lacks_fma);
}

/// Compiled only: nothing here runs aarch64 code.
#[test]
fn every_conformance_kernel_lowers_for_aarch64() {
    let aarch64 = CraneliftBackend::baseline("aarch64").expect("known");
    let mut fused = 0;
    for case in all_cases() {
        let listing = aarch64.listing(&case.kernel, ListingForm::Assembly);
        let listing = listing.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let listing = listing.expect("Cranelift has listings");
        assert!(!listing.is_empty(), "{}", case.name);
        if holds(&case.kernel, Prim::Fma) {
            fused += usize::from(listing.contains("fmla") || listing.contains("fmadd"));
        }
    }
    assert!(fused > 0, "fma is one instruction on aarch64");
}

#[test]
fn a_faulty_back_end_does_not_pass() {
    let faulty = FaultyBackend { fault: Fault::Prim(Prim::FAdd, 7) };
    assert!(!conformance(&faulty).failures.is_empty());
    assert!(!differential(&faulty, 0..100).failures.is_empty());
}
