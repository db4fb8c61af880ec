//! Compiles and evaluates a sum of many terms `(x + c)*(y - d)`: for counting instructions a term, and
//! checks the result against the interpreter's.
//!
//! `cargo run --release -p fuse-formula --example terms -- 10000`

#![expect(clippy::print_stdout, reason = "an example prints")]

use fuse::{AsInput, Backend, Engine};

fn main() -> Result<(), fuse::Error> {
    let count: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let term = |k| format!("(x + {k}.5)*(y - {}.25)", k * 7 % 1000);
    let terms: Vec<String> = (0..count).map(term).collect();
    let text = if terms.is_empty() { "x".to_string() } else { terms.join(" + ") };
    let (x, y) = ([1.5; 40], [2.5; 40]);
    let native = Engine::builder().threads(1).build()?;
    let vars = || [("x", x.as_input()), ("y", y.as_input())];
    let result = native.evaluate(&text, vars())?;
    println!("{count} terms: {:?}", result.as_slice::<f64>().map(|values| values[0]));
    if std::env::args().nth(2).is_some() {
        let oracle = Engine::builder().backend(Backend::Interp).build()?.evaluate(&text, vars())?;
        assert_eq!(result.as_bytes(), oracle.as_bytes());
        println!("equal to the interpreter's");
    }
    Ok(())
}
