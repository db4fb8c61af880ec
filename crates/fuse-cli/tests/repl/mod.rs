//! The REPL as its users see it: sessions on a terminal, and scripts on standard input.
//!
//! ```text
//! terminal/NAME.txt   keys that are typed, and the screen after them     terminal.rs
//! scripts/NAME.txt    input, output, messages and exit code              script.rs
//! ```
//! `FUSE_BLESS=1` writes what is shown into these files: texts, to be read then. Numbers in them are such as
//! can be checked in the head.

mod screen;
mod script;
mod terminal;

use std::path::{Path, PathBuf};

/// The files of one kind, sorted.
fn files(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repl").join(kind);
    let entries = std::fs::read_dir(folder).expect("a folder of transcripts");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn is_blessing() -> bool {
    std::env::var_os("FUSE_BLESS").is_some()
}
