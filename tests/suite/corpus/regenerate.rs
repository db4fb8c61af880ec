//! The corpus is what its generator writes: `tests/corpus/make.py` run again changes nothing.

use std::process::Command;

use fuse_testkit::skip;

use super::format::{folder, themes};

/// NumPy 2 and gmpy2.
pub(crate) const NEEDED: &str =
    "import gmpy2, numpy; assert int(numpy.__version__.split('.')[0]) >= 2";

/// A Python that runs this line: `$FUSE_PYTHON`, else `python3`.
pub(crate) fn python(needed: &str) -> Option<String> {
    let python = std::env::var("FUSE_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let output = Command::new(&python).args(["-c", needed]).output().ok()?;
    output.status.success().then_some(python)
}

/// Runs a generator with these arguments, the first of them its script.
pub(crate) fn generate(python: &str, arguments: &[&std::ffi::OsStr], target: &std::path::Path) {
    let output = Command::new(python)
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("FUSE_COEFFICIENTS", target)
        .output()
        .expect("python runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
}

#[test]
fn the_generator_writes_the_corpus_again() {
    let Some(python) = python(NEEDED) else { skip!("python: no python3 with NumPy 2 and gmpy2") };
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let script = folder().join("make.py");
    generate(&python, &[script.as_os_str(), fresh.path().as_os_str()], fresh.path());
    let written = std::fs::read_dir(fresh.path()).expect("the folder is there").count();
    assert_eq!(written, themes().len(), "make.py writes as many files as there are");
    for theme in themes() {
        let read = |folder: &std::path::Path| {
            std::fs::read_to_string(folder.join(format!("{theme}.toml"))).unwrap_or_default()
        };
        let (committed, fresh) = (read(&folder()), read(fresh.path()));
        let line = committed.lines().zip(fresh.lines()).position(|(a, b)| a != b);
        assert!(committed == fresh, "{theme}.toml differs from what make.py writes, line {line:?}");
    }
}
