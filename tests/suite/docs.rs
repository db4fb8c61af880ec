//! `docs/functions.md` is generated from the operator table: `FUSE_BLESS=1 cargo test -p fuse-tests
//! docs` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use fuse_ops::table::{Class, Syntax, TABLE};

#[test]
fn the_function_reference_is_that_of_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/functions.md");
    let generated = reference();
    if std::env::var_os("FUSE_BLESS").is_some() {
        std::fs::write(&file, &generated).expect("docs/functions.md can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == generated, "docs/functions.md is out of date: FUSE_BLESS=1 writes it");
}

fn reference() -> String {
    let mut text = String::from(
        "# Operators and functions\n\nGenerated from the operator table (`fuse-ops/src/table.rs`). \
         All work element by element but reductions; shapes broadcast. Casts are calls of a dtype: \
         `f32(a)`; `clip(x, low, high)` is `minimum(maximum(x, low), high)`.\n\n\
         | written | other names | what it gives | example |\n|---|---|---|---|\n",
    );
    for row in TABLE.iter().filter(|row| row.syntax != Syntax::Internal) {
        let parameters = ["a", "b", "c"][..row.arity].join(", ");
        let written = match row.syntax {
            Syntax::Infix(symbol) => format!("`a {symbol} b`, `{}`", row.name),
            Syntax::Prefix("not") => format!("`not a`, `{}`", row.name),
            Syntax::Prefix(symbol) => format!("`{symbol}a`, `{}`", row.name),
            Syntax::Function | Syntax::Internal => format!("`{}({parameters})`", row.name),
        };
        let written = written.replace('|', "\\|");
        let aliases: Vec<String> = row.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let class = if row.class == Class::Reduction { "reduction: " } else { "" };
        let example = row.example.replace('|', "\\|");
        writeln!(text, "| {written} | {} | {class}{} | `{example}` |", aliases.join(" "), row.doc)
            .expect("text grows");
    }
    text
}
