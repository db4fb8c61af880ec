//! The house rules that no compiler checks: who may import whom, and where unsafe code lives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may import which crates of fuse. `docs/ARCHITECTURE.md` shows the same table and says why.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("fuse-syntax", &[]),
    ("fuse-ir", &[]),
    ("fuse-code", &[]),
    ("fuse-ops", &["fuse-ir"]),
    ("fuse-compile", &["fuse-syntax", "fuse-ir", "fuse-ops"]),
    ("fuse-cranelift", &["fuse-ir", "fuse-code"]),
    ("fuse-x64", &["fuse-ir", "fuse-code"]),
    ("fuse-ptx", &["fuse-ir", "fuse-code"]),
    ("fuse-runtime", &["fuse-ir"]),
    ("fuse-npy", &["fuse-ir"]),
    (
        "fuse-formula",
        &[
            "fuse-syntax",
            "fuse-ir",
            "fuse-ops",
            "fuse-compile",
            "fuse-code",
            "fuse-cranelift",
            "fuse-x64",
            "fuse-ptx",
            "fuse-runtime",
            "fuse-npy",
        ],
    ),
    // The stand-in for NVIDIA's driver and the counted skips, for tests only.
    ("fuse-cli", &["fuse-formula", "fuse-npy", "fuse-fake-driver", "fuse-testkit"]),
    (
        "fuse-testkit",
        &[
            "fuse-syntax",
            "fuse-ir",
            "fuse-ops",
            "fuse-compile",
            "fuse-code",
            "fuse-cranelift",
            "fuse-x64",
            "fuse-ptx",
            "fuse-runtime",
            "fuse-npy",
            "fuse-formula",
        ],
    ),
];

/// Files that may hold unsafe code, each for the reason that it states in its `#![expect]`.
const UNSAFE_FILES: &[&str] = &[
    "benches/peers/bridge/src/lib.rs",
    "benches/peers/svml/src/library.rs",
    "benches/src/direct.rs",
    "benches/src/powers.rs",
    "crates/fuse/src/borrowed.rs",
    "crates/fuse/src/nd.rs",
    "crates/fuse/src/spare.rs",
    "crates/fuse-cli/src/map.rs",
    "crates/fuse-cli/src/paging/memory.rs",
    "crates/fuse-cli/src/sigbus.rs",
    "crates/fuse-code/src/pages.rs",
    "crates/fuse-cranelift/examples/headline.rs",
    "crates/fuse-cranelift/src/kernel.rs",
    "crates/fuse-cranelift/tests/common/mod.rs",
    "crates/fuse-ir/src/abi.rs",
    "crates/fuse-ir/src/device.rs",
    "crates/fuse-npy/src/map.rs",
    "crates/fuse-npy/src/residence.rs",
    "crates/fuse-npy/src/spool.rs",
    "crates/fuse-npy/src/temporaries.rs",
    "crates/fuse-npy/src/writeback.rs",
    "crates/fuse-npy/tests/support.rs",
    "crates/fuse-ptx/src/cuda/driver.rs",
    "crates/fuse-ptx/src/cuda/functions.rs",
    "crates/fuse-ptx/src/cuda/mod.rs",
    "crates/fuse-ptx/src/cuda/pinned.rs",
    "crates/fuse-runtime/src/array.rs",
    "crates/fuse-runtime/src/columns.rs",
    "crates/fuse-runtime/src/device/driver.rs",
    "crates/fuse-runtime/src/device/host.rs",
    "crates/fuse-runtime/src/dispatch.rs",
    "crates/fuse-runtime/src/fpenv.rs",
    "crates/fuse-runtime/src/memory.rs",
    "crates/fuse-runtime/src/pack.rs",
    "crates/fuse-runtime/src/short.rs",
    "crates/fuse-runtime/src/sweep.rs",
    "crates/fuse-runtime/src/tests/device.rs",
    "crates/fuse-runtime/src/tests/device/arrays.rs",
    "crates/fuse-runtime/src/tests/device/launches.rs",
    "crates/fuse-runtime/src/tests/disguise.rs",
    "crates/fuse-runtime/src/tests/nests.rs",
    "crates/fuse-runtime/src/tests/overlap.rs",
    "crates/fuse-runtime/src/tests/passes.rs",
    "crates/fuse-runtime/src/tests/recorder.rs",
    "crates/fuse-runtime/src/views.rs",
    "crates/fuse-testkit/src/dispatch.rs",
    "crates/fuse-testkit/src/fence.rs",
    "crates/fuse-testkit/src/fenced.rs",
    "crates/fuse-testkit/src/ptx/device.rs",
    "crates/fuse-testkit/src/ptx/tests/device.rs",
    "crates/fuse-testkit/src/reference_device.rs",
    "crates/fuse-x64/src/kernel.rs",
    "tests/fake-driver/src/exports.rs",
    "tests/fake-driver/src/host.rs",
    "tests/fuzz-targets/src/overlapping.rs",
    "tests/fuzz-targets/src/requests.rs",
    "tests/races/planted/free.rs",
    "tests/races/planted/ordered.rs",
    "tests/races/planted/race.rs",
    "tests/suite/allocator.rs",
    "tests/suite/gpu/memory.rs",
    "tests/suite/gpu/start.rs",
    "tests/suite/promises/aliasing.rs",
    "tests/suite/promises/same_bits.rs",
    "tests/suite/promises/system.rs",
];

/// Crates that forbid unsafe code altogether.
const SAFE_CRATES: &[&str] = &["fuse-syntax", "fuse-ops", "fuse-compile"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace is there")
}

#[test]
fn crates_import_only_what_the_table_allows() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == name) else {
            let path = package["manifest_path"].as_str().expect("a path");
            assert!(!path.contains("/crates/"), "{name} has no row in the table");
            continue;
        };
        seen.insert(name.to_string());
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let import = dependency["name"].as_str().expect("a name");
            let dev = dependency["kind"].as_str() == Some("dev");
            let ours = import.starts_with("fuse-");
            let allowed = !ours || allowed.contains(&import);
            assert!(allowed, "{name} may not import {import}{}", if dev { " (dev)" } else { "" });
        }
    }
    assert_eq!(seen.len(), MAY_IMPORT.len(), "rows without a crate: the table is out of date");
}

#[test]
fn unsafe_code_stands_in_the_listed_files_only() {
    let mut found = BTreeSet::new();
    for file in rust_files(&root()) {
        let path = file.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).expect("a source file");
        if text.lines().any(holds_unsafe) {
            found.insert(path);
        }
    }
    let listed: BTreeSet<String> = UNSAFE_FILES.iter().map(ToString::to_string).collect();
    let surprising: Vec<&String> = found.difference(&listed).collect();
    assert!(surprising.is_empty(), "unsafe code outside of the listed files: {surprising:?}");
    let outdated: Vec<&String> = listed.difference(&found).collect();
    assert!(outdated.is_empty(), "listed files without unsafe code: {outdated:?}");
}

#[test]
fn crates_without_unsafe_code_forbid_it() {
    for name in SAFE_CRATES {
        let file = root().join("crates").join(name).join("src/lib.rs");
        let text = std::fs::read_to_string(file).expect("a source file");
        assert!(text.contains("#![forbid(unsafe_code)]"), "{name} does not forbid unsafe code");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in rust_files(&root()) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        assert!(text.starts_with("//!"), "{} does not open with its purpose", file.display());
    }
}

/// Only the command reads arguments or the environment; tests, and the crates for them, may as well.
#[test]
fn libraries_do_not_read_the_environment() {
    for file in rust_files(&root().join("crates")) {
        let path = file.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
        let of_tests = ["fuse-cli/", "fuse-testkit/", "/tests/", "/tests.rs", "/examples/"];
        if of_tests.iter().any(|part| path.contains(part)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let reads = code.lines().map(|line| line.split("//").next().unwrap_or_default());
        let of_program = |line: &&str| {
            [" env::", "std::env"].iter().any(|path| line.contains(path))
                && !line.contains("env::consts")
        };
        let found: Vec<&str> = reads.filter(of_program).collect();
        assert!(found.is_empty(), "{path} reads the environment: {found:?}");
    }
}

/// Whatever is built is one version, from the registry, with a checksum; Cranelift is pinned, and its module that
/// maps code by itself is not there. What the crates import directly has its line in the list of decisions.
#[test]
fn dependencies_are_locked_and_few() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("it is committed");
    let lock: toml::Table = lock.parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    let field = |package: &toml::Value, name: &str| {
        package.get(name).and_then(|value| value.as_str()).map(str::to_string)
    };
    let (mut ours, mut theirs, mut cranelift) = (0, 0, BTreeSet::new());
    for package in packages {
        let name = field(package, "name").expect("a name");
        assert_ne!(name, "cranelift-jit", "decision 0003");
        if name.starts_with("cranelift") {
            cranelift.insert(field(package, "version"));
        }
        let Some(source) = field(package, "source") else {
            assert!(name.starts_with("fuse-"), "{name} comes from a folder");
            ours += 1;
            continue;
        };
        let checksum = field(package, "checksum").unwrap_or_default();
        assert!(source.starts_with("registry+") && checksum.len() == 64, "{name}: {source}");
        theirs += 1;
    }
    assert!(ours > 10 && theirs > 50, "{ours} of ours, {theirs} others");
    assert_eq!(cranelift.len(), 1, "versions of Cranelift: {cranelift:?}");
    let decisions = root().join("docs/decisions/0001-dependencies.md");
    let decisions = std::fs::read_to_string(decisions).expect("the list");
    let words: BTreeSet<&str> =
        decisions.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).collect();
    for name in direct_dependencies() {
        let suffix = name.strip_prefix("cranelift").unwrap_or(&name);
        let known = words.contains(name.as_str()) || words.contains(suffix);
        assert!(known, "{name} has no line in docs/decisions/0001-dependencies.md");
    }
}

/// What the crates import to be built, but for each other.
fn direct_dependencies() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("crates")).expect("the crates") {
        let manifest = entry.expect("an entry").path().join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).expect("a manifest");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        let dependencies = manifest.get("dependencies").and_then(|table| table.as_table());
        names.extend(dependencies.into_iter().flat_map(|table| table.keys().cloned()));
    }
    names.retain(|name| name != "fuse" && !name.starts_with("fuse-"));
    names
}

/// Does the line hold the keyword in code? Comments, attributes and this test's own words do not.
fn holds_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or("");
    ["unsafe {", "unsafe fn ", "unsafe impl ", "unsafe extern "]
        .iter()
        .any(|&form| code.contains(form) && !code.contains(&format!("\"{form}")))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let entry = entry.expect("an entry");
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files.extend(rust_files(&path));
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}
