//! The tables are what `tests/accuracy/make.py` writes.

use std::process::Command;

use fuse_testkit::skip;

use super::folder;

#[test]
fn the_generator_writes_the_tables_again() {
    let python = std::env::var("FUSE_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let ready = Command::new(&python).args(["-c", "import gmpy2, tomllib"]).output();
    if !ready.is_ok_and(|output| output.status.success()) {
        skip!("python: no python3 from 3.11 on with gmpy2");
    }
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(python)
        .arg(folder().join("make.py"))
        .arg(fresh.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python runs");
    assert!(output.status.success(), "make.py: {}", String::from_utf8_lossy(&output.stderr));
    let tables = folder().join("tables");
    let count = |folder: &std::path::Path| std::fs::read_dir(folder).expect("a folder").count();
    assert_eq!(count(fresh.path()), count(&tables), "make.py writes as many tables as there are");
    for table in std::fs::read_dir(&tables).expect("the tables").flatten() {
        let written = std::fs::read(fresh.path().join(table.file_name())).unwrap_or_default();
        let committed = std::fs::read(table.path()).expect("a table");
        assert!(written == committed, "{:?} is not what make.py writes", table.file_name());
    }
}
