//! Compiles and drops many different formulas and prints how resident memory grows.
//!
//! `cargo run --release -p fuse-formula --example churn -- 200000`

#![expect(clippy::print_stdout, reason = "an example prints")]

use fuse::{AsInput, Engine};

/// Resident memory of this process in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

fn main() -> Result<(), fuse::Error> {
    let count: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let engine = Engine::builder().threads(1).build()?;
    let x = [1.5, 2.5, 3.5];
    let mut start = 0;
    for k in 0..count {
        let text = format!("(x + {k}.25) * (x - {}.5) / {}.125", k % 977, k % 131 + 1);
        let result = engine.evaluate(&text, [("x", x.as_input())])?;
        let expected = (1.5 + f64::from(k) + 0.25) * (1.5 - f64::from(k % 977) - 0.5)
            / (f64::from(k % 131) + 1.125);
        let found = result.as_slice::<f64>().map_or(f64::NAN, |values| values[0]);
        assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{text}: {found}");
        // The engine keeps 256 formulas; growth counts from when these are there.
        if k == 1000 {
            start = resident();
        }
    }
    let end = resident();
    println!(
        "{count} formulas: resident memory {start} KiB -> {end} KiB, grown by {} KiB",
        end.saturating_sub(start)
    );
    Ok(())
}
