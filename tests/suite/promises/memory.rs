//! Formulas that are dropped give their code back. `.ci/extended` runs the same 200 000 times
//! (`FUSE_COMPILES=200000`, or the example `churn` of fuse-formula).

use fuse::{Engine, vars};

/// Resident bytes of this process.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[test]
fn compiling_and_dropping_keeps_memory_bounded() {
    super::alone("memory::compiling_and_dropping_keeps_memory_bounded", churn);
}

fn churn() {
    let n: usize = std::env::var("FUSE_COMPILES")
        .map_or(2000, |n| n.parse().expect("FUSE_COMPILES is a number"));
    let engine = Engine::builder().threads(1).build().expect("an engine");
    let x = [1.0, 2.0, 3.0];
    let compile = |k: usize| {
        let formula = format!("x*{k} + sqrt(x + {k})");
        engine.evaluate(&formula, vars! { x }).expect("evaluates");
    };
    // The cache fills up and the allocator settles.
    (0..600).for_each(compile);
    let before = resident();
    (600..600 + n).for_each(compile);
    let (Some(before), Some(after)) = (before, resident()) else {
        fuse_testkit::skip!("procfs: no /proc/self/statm");
    };
    let growth = after.saturating_sub(before);
    assert!(growth < 8 << 20, "{n} compilations: {growth} bytes more");
}
