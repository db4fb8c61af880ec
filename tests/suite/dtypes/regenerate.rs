//! The table is what its generator writes: `tests/dtypes/make.py` run again changes nothing.

use std::collections::BTreeSet;
use std::path::Path;

use fuse_testkit::skip;

use super::table::{folder, subjects};
use crate::corpus::regenerate::{NEEDED, generate, python};

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_operator_and_function_has_its_file() {
    let names = subjects().into_iter().map(|subject| subject.file);
    let names = names.chain(["names", "values", "slices", "deviations"].map(String::from));
    let names: BTreeSet<String> = names.map(|name| format!("{name}.txt")).collect();
    assert_eq!(files(&folder().join("table")), names);
}

#[test]
fn the_generator_writes_the_table_again() {
    let Some(python) = python(NEEDED) else { skip!("python: no python3 with NumPy 2 and gmpy2") };
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let script = folder().join("make.py");
    generate(&python, &[script.as_os_str(), fresh.path().as_os_str()], fresh.path());
    let committed = folder().join("table");
    assert_eq!(files(&committed), files(fresh.path()), "make.py writes as many files as there are");
    for name in files(&committed) {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(&name)).expect("a text");
        let (committed, fresh) = (read(&committed), read(fresh.path()));
        let line = committed.lines().zip(fresh.lines()).find(|(a, b)| a != b);
        assert!(committed == fresh, "{name} differs from what make.py writes: {line:?}");
    }
}
