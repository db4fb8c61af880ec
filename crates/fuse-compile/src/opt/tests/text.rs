//! Formula to optimized graph, as text: one rule a case, its witness. Blessed with `FUSE_BLESS=1`.

use std::fmt::Write as _;
use std::path::Path;

use super::{Mode, optimized, raw};
use crate::opt::RULES;

#[test]
fn witnesses_become_the_blessed_graphs() {
    let mut text = String::new();
    for row in RULES {
        let (graph, report) = optimized(row.witness, Mode::Relaxed);
        let before = raw(row.witness, Mode::Relaxed);
        let _ =
            writeln!(text, "## {}: {}\n\n{before}\n=>\n{graph}\n{report}", row.name, row.witness);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/opt/tests/witnesses.txt");
    if std::env::var_os("FUSE_BLESS").is_some() {
        std::fs::write(&path, &text).expect("the blessed file can be written");
    }
    let blessed = std::fs::read_to_string(&path).expect("a blessed file");
    assert_eq!(text, blessed, "run with FUSE_BLESS=1 if the change is meant");
}
