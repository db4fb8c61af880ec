//! The records of `.ci/extended`'s series are of the files as they are: a record notes a hash of every file that it
//! covers (`tests/records.py`), and what has changed since must be run again. The table of fuzzing in
//! `docs/testing.md` is generated from its record: `FUSE_BLESS=1 cargo test -p fuse-tests records`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fuse_testkit::hash::fnv;
use serde::Deserialize;

use crate::docs::{bless_or_compare, grouped, page};

const PROCESSES: &str =
    "python3 tests/process/series.py target/release/fuse FOLDER --record tests/process/record.txt";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files that are not what they were when the record was made.
fn changed<'r>(covers: impl IntoIterator<Item = (&'r str, &'r str)>) -> Vec<&'r str> {
    let is_same = |file: &str, hash: &str| {
        std::fs::read(root().join(file)).is_ok_and(|bytes| fnv(&bytes) == hash)
    };
    covers.into_iter().filter(|(file, hash)| !is_same(file, hash)).map(|(file, _)| file).collect()
}

#[test]
fn a_file_that_has_changed_or_is_gone_is_found() {
    let same = fnv(text("LICENSE-MIT").as_bytes());
    let covers = [("LICENSE-MIT", same.as_str()), ("README.md", "0"), ("no/such/file", "0")];
    assert_eq!(changed(covers), ["README.md", "no/such/file"]);
}

#[test]
fn the_record_of_processes_is_of_these_files() {
    let record = text("tests/process/record.txt");
    let covers = record.lines().filter_map(|line| line.strip_prefix("covers ")?.split_once(' '));
    assert!(covers.clone().count() >= 10, "too few files are covered");
    let changed = changed(covers);
    assert!(changed.is_empty(), "newer than the record: {changed:?}; {PROCESSES}");
    assert!(!record.contains("MISSED"), "a target is missed:\n{record}");
}

/// What was found of a fuzz target.
#[derive(Deserialize)]
struct Target {
    planted: Found,
    series: Found,
}

/// One run.
#[derive(Deserialize)]
struct Found {
    date: String,
    commit: String,
    machine: String,
    seconds: f64,
    executions: u64,
    edges: u64,
    features: u64,
    corpus: u64,
    crashed: bool,
    covers: BTreeMap<String, String>,
}

fn fuzzed() -> BTreeMap<String, Target> {
    toml::from_str(&text("tests/fuzz/record.toml"))
        .unwrap_or_else(|error| panic!("tests/fuzz/record.toml: {}", error.message()))
}

impl Found {
    fn changed(&self) -> Vec<&str> {
        changed(self.covers.iter().map(|(file, hash)| (file.as_str(), hash.as_str())))
    }
}

#[test]
fn the_record_of_fuzzing_is_whole_and_of_these_files() {
    let record = fuzzed();
    let names: BTreeSet<&str> = record.keys().map(String::as_str).collect();
    assert_eq!(names, fuse_fuzz::TARGETS.iter().map(|target| target.name).collect());
    for (name, Target { planted, series }) in &record {
        for (command, found) in [("planted", planted), ("series", series)] {
            let again = format!("python3 tests/fuzz/fuzz.py {command} --record --target {name}");
            assert!(!found.covers.is_empty(), "{name}: nothing is covered");
            let changed = found.changed();
            assert!(changed.is_empty(), "newer than the record of {name}: {changed:?}; {again}");
        }
        let found = planted.crashed && planted.seconds <= 60.0;
        assert!(found, "{name}: the planted defect was not found within a minute");
        assert!(!series.crashed && series.seconds >= 600.0, "{name}: ten minutes without a crash");
    }
}

const BEGIN: &str = "<!-- fuzzing: generated -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_table_of_fuzzing_is_that_of_the_record() {
    let committed = std::fs::read_to_string(page("testing.md")).expect("docs/testing.md");
    let (before, rest) = committed.split_once(BEGIN).expect("the table's begin");
    let (_, after) = rest.split_once(END).expect("the table's end");
    bless_or_compare("testing.md", &format!("{before}{BEGIN}{}{END}{after}", fuzzing_table()));
}

fn fuzzing_table() -> String {
    let mut table = String::from(
        "| target | planted defect after | minutes | executions | edges | features | corpus | date, commit, machine |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let mut record = fuzzed();
    for target in fuse_fuzz::TARGETS {
        let Some(Target { planted, series }) = record.remove(target.name) else { continue };
        let counts = [series.executions, series.edges, series.features, series.corpus];
        writeln!(
            table,
            "| {} | {:.1} s, {} executions | {:.0} | {} | {}, {}, {} |",
            target.name,
            planted.seconds,
            grouped(planted.executions),
            series.seconds / 60.0,
            counts.map(grouped).join(" | "),
            series.date,
            series.commit,
            series.machine,
        )
        .expect("text grows");
    }
    table
}
