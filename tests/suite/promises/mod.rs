//! What the documents promise, checked one by one.

mod accuracy;
mod aliasing;
mod allocations;
mod concurrency;
mod counting;
mod counts;
mod half;
mod hostile;
mod limits;
mod memory;
mod numexpr;
mod texts;
mod tutorials;
mod views;

/// `x + x**2 + ... + x**n`.
fn power_sum(x: &str, n: u32) -> String {
    let terms = (2..=n).map(|k| format!(" + {x}**{k}"));
    format!("{x}{}", terms.collect::<String>())
}
