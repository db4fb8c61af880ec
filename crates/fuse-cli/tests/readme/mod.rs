//! README.md's sessions, run: in a `console` block, `$ ` begins a command of the shell, and what stands
//! under it is what the command says, errors included. All blocks share a folder, with the files that
//! earlier commands made. `FUSE_BLESS=1` writes what is said anew: read it then.

use std::path::{Path, PathBuf};
use std::process::Command;

const BEGIN: &str = "```console\n";
const END: &str = "```\n";

#[test]
fn the_sessions_of_the_readme_are_real() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let committed = std::fs::read_to_string(&file).expect("README.md");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut commands = 0;
    let mut parts = committed.split(BEGIN);
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (block, rest) = part.split_once(END).expect("a block ends");
        text.push_str(BEGIN);
        for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
            text.push_str(&format!("$ {command}\n{}", said(folder.path(), command)));
            commands += 1;
        }
        text.push_str(END);
        text.push_str(rest);
    }
    assert!(commands >= 5, "{commands} commands");
    if std::env::var_os("FUSE_BLESS").is_some() {
        std::fs::write(&file, &text).expect("README.md can be written");
    } else {
        assert_eq!(text, committed, "FUSE_BLESS=1 writes it anew");
    }
}

/// What a command of the shell says.
fn said(folder: &Path, command: &str) -> String {
    let built = Path::new(env!("CARGO_BIN_EXE_fuse")).parent().expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let path = std::env::join_paths([built.to_path_buf()].into_iter().chain(others));
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(folder)
        .env("PATH", path.expect("a path"))
        .output()
        .expect("sh runs");
    String::from_utf8(output.stdout).expect("text")
}

/// The line under `## Tests` that runs the tests.
fn test_command(readme: &str) -> Option<&str> {
    let (_, section) = readme.split_once("\n## Tests\n")?;
    let section = section.split("\n## ").next()?;
    section.lines().find(|line| line.starts_with("cargo test"))
}

/// `.ci/run` takes it from there.
#[test]
fn the_readme_says_how_the_tests_are_run() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(file).expect("README.md");
    assert_eq!(test_command(&readme), Some("cargo test --workspace"));
    assert_eq!(test_command(&readme.replace("\ncargo test", "\n# cargo test")), None);
    assert_eq!(test_command(&readme.replace("\n## Tests\n", "\n## Other\n")), None);
}
