//! What the documents promise, checked one by one.

mod accuracy;
mod aliasing;
mod allocations;
mod concurrency;
mod counting;
mod counts;
mod growth;
mod half;
mod hostile;
mod limits;
mod memory;
mod names;
mod numexpr;
mod paging;
mod processes;
mod same_bits;
mod spills;
mod system;
mod texts;
mod traps;
mod tutorials;
mod views;

/// `x + x**2 + ... + x**n`.
fn power_sum(x: &str, n: u32) -> String {
    let terms = (2..=n).map(|k| format!(" + {x}**{k}"));
    format!("{x}{}", terms.collect::<String>())
}

/// Runs `work` in a process of its own, which runs this one test again: what other tests of this
/// process allocate meanwhile is not its concern.
fn alone(test: &str, work: fn()) {
    const CHILD: &str = "FUSE_ALONE";
    if std::env::var(CHILD).is_ok() {
        return work();
    }
    let program = std::env::current_exe().expect("this binary");
    let output = std::process::Command::new(program)
        .args([&format!("promises::{test}"), "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}{printed}", String::from_utf8_lossy(&output.stderr));
    // Figures, for who looks.
    print!("{printed}");
}
