//! Processes that find the fake driver where the system's loader looks for the real one.
//!
//! A library is loaded into a process once, by name; so a test that needs one under the driver's name
//! runs itself again, alone, with `LD_LIBRARY_PATH` set to a folder that holds it.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::library::{fake_driver_dir, library_dir};

/// Tells a test that it is the child, and what for.
const CHILD: &str = "FUSE_GPU_CHILD";

/// What the fake driver reads its faults from.
const FAULTS: &str = "FUSE_FAKE_CUDA";

/// What the driver logs when a context is given back with nothing left in it.
const NOTHING_LEFT: &str = "release: 0 bytes, 0 pinned, 0 streams, 0 events, 0 modules";

/// Runs the rest of a test, which is this one's caller, with the fake driver; what the driver logged.
/// None where that is this process: the test then does its work and returns.
///
/// Fails where the rest fails, or leaves something with the driver though nothing went wrong there.
pub(crate) fn with_fake_driver(test: &str, faults: &str) -> Option<String> {
    let dir = fake_driver_dir_unless_child()?;
    let log = dir.path().join("log");
    let separator = if faults.is_empty() { "" } else { "," };
    let faults = format!("{faults}{separator}log={}", log.display());
    run_again(test, dir.path(), &faults, "");
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let left = log.lines().find(|line| line.starts_with("release") && *line != NOTHING_LEFT);
    let is_whole = !log.lines().any(|line| line.starts_with("error"));
    assert!(!is_whole || left.is_none(), "{test} leaves with the driver: {left:?}");
    Some(log)
}

/// As [`with_fake_driver`], once for each of some faults. Which one it is, in the child.
pub(crate) fn with_each_fault(test: &str, faults: &[&str]) -> Option<String> {
    if let Ok(fault) = std::env::var(CHILD) {
        return Some(fault);
    }
    let dir = fake_driver_dir();
    faults.iter().for_each(|fault| run_again(test, dir.path(), fault, fault));
    None
}

/// As [`with_fake_driver`], with another library in the driver's place, or none. Whether this is the
/// child.
pub(crate) fn with_library(test: &str, library: Option<&Path>) -> bool {
    if std::env::var(CHILD).is_ok() {
        return true;
    }
    let dir = library.map_or_else(|| TempDir::new().expect("a folder"), library_dir);
    run_again(test, dir.path(), "", "");
    false
}

/// What a driver's log says of modules: how many were loaded, and most at a time.
pub(crate) fn modules_of(log: &str) -> (usize, usize) {
    let (mut count, mut now, mut most) = (0, 0_usize, 0);
    for line in log.lines() {
        match line {
            "unload" => now -= 1,
            line if line.starts_with("load ") => (count, now) = (count + 1, now + 1),
            _ => {}
        }
        most = most.max(now);
    }
    (count, most)
}

fn fake_driver_dir_unless_child() -> Option<TempDir> {
    std::env::var(CHILD).is_err().then(fake_driver_dir)
}

/// Runs one test of this binary.
fn run_again(test: &str, library_dir: &Path, faults: &str, child: &str) {
    let program = std::env::current_exe().expect("this binary");
    let output = Command::new(program)
        .args([&format!("gpu::{test}"), "--exact", "--nocapture"])
        .env("LD_LIBRARY_PATH", library_dir)
        .env(FAULTS, faults)
        .env(CHILD, child)
        .output()
        .expect("runs");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test} with {faults:?}: {}\n{out}{err}", output.status);
    assert!(out.contains("1 passed"), "no test is called gpu::{test}:\n{out}");
}
