//! `docs/reliability.md` has a row for each threat, and each row names tests that exist. Whether they ran, and
//! ended well, is what `tests/threats/check.py` looks at when all have.

use std::path::{Path, PathBuf};
use std::process::Command;

use fuse_testkit::skip;

/// Rows that the page must have.
const THREATS: u32 = 46;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace is there")
}

/// Number and tests of a line of the table.
fn row(line: &str) -> Option<(u32, Vec<&str>)> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
    let number = cells.first()?.trim().parse().ok()?;
    let quoted = cells.last()?.split('`').skip(1).step_by(2);
    let is_name = |name: &&str| name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
    Some((number, quoted.filter(is_name).collect()))
}

/// What is wrong with a page, where `exists` knows the tests.
fn mistakes(page: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let rows: Vec<(u32, Vec<&str>)> = page.lines().filter_map(row).collect();
    let mut mistakes = Vec::new();
    let numbers: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    if numbers != (1..=THREATS).collect::<Vec<u32>>() {
        mistakes.push(format!("the rows are {numbers:?}"));
    }
    for (number, tests) in &rows {
        if tests.is_empty() {
            mistakes.push(format!("row {number} has no test"));
        }
        let unknown = tests.iter().filter(|test| !exists(test));
        mistakes.extend(unknown.map(|test| format!("row {number}: there is no test {test}")));
    }
    mistakes
}

/// The modules of a file's tests: of its path below `src`, `tests` or `suite`, without what names no module.
fn modules(file: &Path) -> Vec<String> {
    let path = file.strip_prefix(root()).expect("inside").with_extension("");
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let from = if parts[0] == "crates" { 3 } else { 2 };
    let mut modules = parts[from.min(parts.len())..].to_vec();
    if modules.last().is_some_and(|last| ["mod", "main", "lib"].contains(&last.as_str())) {
        modules.pop();
    }
    modules
}

/// The names of all tests, as `cargo test` prints them: of what is written `#[test] fn name`.
fn tests_of(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("a source file");
    let modules = modules(file);
    // A binary of its own among the tests of a crate has its tests at its root.
    let is_binary = file.parent().is_some_and(|folder| folder.ends_with("tests"));
    let places = [
        Some(modules.clone()),
        Some([&modules[..], &["tests".to_string()]].concat()),
        is_binary.then(Vec::new),
    ];
    let mut names = Vec::new();
    for (at, _) in text.match_indices("#[test]") {
        let Some(name) = text[at..].split("fn ").nth(1).and_then(|rest| rest.split('(').next())
        else {
            continue;
        };
        for place in places.iter().flatten() {
            names.push([&place[..], &[name.to_string()]].concat().join("::"));
        }
    }
    names
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn every_threat_has_tests_that_exist() {
    let mut files = Vec::new();
    rust_files(&root().join("crates"), &mut files);
    rust_files(&root().join("tests/suite"), &mut files);
    rust_files(&root().join("tests/models"), &mut files);
    let mut known: Vec<String> = files.iter().flat_map(|file| tests_of(file)).collect();
    // A macro makes a test of each file of the corpus.
    for entry in std::fs::read_dir(root().join("tests/corpus")).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        known.push(format!("corpus::{stem}"));
    }
    let page = std::fs::read_to_string(root().join("docs/reliability.md")).expect("the page");
    let exists = |name: &str| known.iter().any(|known| known == name);
    assert_eq!(mistakes(&page, exists), [""; 0]);
}

#[test]
fn a_row_without_a_test_or_with_one_that_is_not_there_is_found() {
    let row =
        |number: u32| format!("| {number} | what | that | `a::t{number}`, `.ci/extended` |\n");
    let page: String = (1..=THREATS).map(row).collect();
    let all = |_: &str| true;
    assert_eq!(mistakes(&page, all), [""; 0]);
    let found = |page: &str| mistakes(page, all).len();
    assert_eq!(found(&page.replace("| 7 |", "| |")), 1);
    assert_eq!(found(&page.replace("`a::t7`, ", "")), 1);
    assert_eq!(found(&format!("{page}{}", row(THREATS + 1))), 1);
    assert_eq!(mistakes(&page, |name| name != "a::t7"), ["row 7: there is no test a::t7"]);
}

#[test]
fn the_check_of_what_ran_notices_what_did_not() {
    let python = std::env::var("FUSE_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let script = root().join("tests/threats/check.py");
    let Ok(output) = Command::new(&python).arg(script).arg("--self-test").output() else {
        skip!("python: there is no {python}");
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
