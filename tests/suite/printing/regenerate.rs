//! The table is what its generator writes: `tests/printing/make.py` run again changes nothing.

use fuse_testkit::skip;

use super::table::folder;
use crate::corpus::regenerate::{generate, python};

/// From 2.3 on exponents depend on the dtype.
const NEEDED: &str =
    "import numpy; assert tuple(map(int, numpy.__version__.split('.')[:2])) >= (2, 3)";

#[test]
fn the_generator_writes_the_table_again() {
    let Some(python) = python(NEEDED) else { skip!("python: no python3 with NumPy 2.3") };
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let script = folder().join("make.py");
    generate(&python, &[script.as_os_str(), fresh.path().as_os_str()], fresh.path());
    let read = |folder: &std::path::Path| {
        std::fs::read_to_string(folder.join("table.txt")).expect("a text")
    };
    let (committed, fresh) = (read(&folder()), read(fresh.path()));
    let line = committed.lines().zip(fresh.lines()).find(|(a, b)| a != b);
    assert!(committed == fresh, "table.txt differs from what make.py writes: {line:?}");
}
