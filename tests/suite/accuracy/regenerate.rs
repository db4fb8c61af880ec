//! Generated files are what their generators write: the accuracy tables by `tests/accuracy/make.py`,
//! the constants of the expansions by `crates/fuse-ops/coefficients/*.py`.

use std::path::{Path, PathBuf};

use fuse_testkit::skip;

use super::folder;
use crate::corpus::regenerate::{generate, python};

fn run(python: &str, script: &Path, target: &Path) {
    generate(python, &[script.as_os_str(), target.as_os_str()], target);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// The same files, with the same text but for rustfmt's work; `but` is written by hand.
fn assert_same(committed: &Path, written: &Path, but: &str) {
    let names = |folder: &Path| -> Vec<String> {
        let files = files(folder).into_iter();
        let names = files.filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
        names.filter(|name| name != but).collect()
    };
    assert_eq!(names(committed), names(written), "generators write as many files as there are");
    for name in names(committed) {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(&name)).expect("a text");
        let plain = |text: String| -> String {
            let text = text.split_whitespace().collect::<Vec<&str>>().join(" ");
            text.replace("[ ", "[").replace(", ]", "]")
        };
        let (ours, theirs) = (plain(read(committed)), plain(read(written)));
        assert!(ours == theirs, "{name} is not what its generator writes");
    }
}

#[test]
fn the_generator_writes_the_tables_again() {
    let Some(python) = python("import gmpy2, tomllib") else {
        skip!("python: no python3 from 3.11 on with gmpy2");
    };
    let fresh = tempfile::tempdir().expect("a temporary folder");
    run(&python, &folder().join("make.py"), fresh.path());
    assert_same(&folder().join("tables"), fresh.path(), "");
}

#[test]
fn the_scripts_write_the_constants_again() {
    let Some(python) = python("import gmpy2, mpmath") else {
        skip!("python: no python3 with gmpy2 and mpmath");
    };
    let operators = folder().join("../../crates/fuse-ops");
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let scripts = files(&operators.join("coefficients"));
    let scripts: Vec<&PathBuf> = scripts
        .iter()
        .filter(|script| script.extension().is_some_and(|kind| kind == "py"))
        .collect();
    // Two at a time: each is one thread of Python.
    std::thread::scope(|scope| {
        for half in 0..2 {
            let scripts = scripts.iter().skip(half).step_by(2);
            let scripts = scripts.filter(|script| !script.ends_with("remez.py"));
            let (python, fresh) = (&python, fresh.path());
            scope.spawn(move || scripts.for_each(|script| run(python, script, fresh)));
        }
    });
    assert_same(&operators.join("src/coefficients"), fresh.path(), "mod.rs");
}
