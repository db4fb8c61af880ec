//! Formulas that are dropped give their code back. `.ci/extended` runs the same 200 000 times
//! (`FUSE_COMPILES=200000`, or the example `churn` of fuse-formula).

use fuse::{Engine, vars};

/// Resident bytes of this process.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Growth that other tests of this process may cause meanwhile is not this test's: it runs itself
/// again in a process of its own.
#[test]
fn compiling_and_dropping_keeps_memory_bounded() {
    const CHILD: &str = "FUSE_MEMORY_CHILD";
    if std::env::var(CHILD).is_ok() {
        churn();
        return;
    }
    let program = std::env::current_exe().expect("this binary");
    let name = "promises::memory::compiling_and_dropping_keeps_memory_bounded";
    let output = std::process::Command::new(program)
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stdout));
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
