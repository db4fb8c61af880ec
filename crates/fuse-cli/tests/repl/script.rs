//! Scripts on standard input:
//!
//! ```text
//! # what the script shows
//! === input
//! sum(x)
//! === output
//! 3.0
//! === messages
//! === code
//! 0
//! ```

use std::path::Path;

use super::{files, is_blessing};
use crate::{Folder, text};

const PARTS: [&str; 4] = ["input", "output", "messages", "code"];

/// The head, and the text of each part.
fn read(path: &Path) -> (String, [String; 4]) {
    let text = std::fs::read_to_string(path).expect("a transcript");
    let (head, _) = text.split_once("=== ").expect("parts");
    let part = |name: &str| {
        let (_, after) = text.split_once(&format!("=== {name}\n")).unwrap_or_default();
        after.split("=== ").next().unwrap_or_default().to_string()
    };
    (head.to_string(), PARTS.map(part))
}

fn run(input: &str) -> [String; 4] {
    let folder = Folder::new();
    std::fs::write(folder.path("twice.fuse"), "y = 2*x\ny\n").expect("a script");
    std::fs::write(folder.path("wrong.fuse"), "1\nsqr(\n  x)\n2\n").expect("a script");
    std::fs::write(folder.path("again.fuse"), ":source again.fuse\n").expect("a script");
    let output = folder.fuse_with_input(&["repl", "x=x.npy"], input.as_bytes());
    let code = output.status.code().map_or("none".to_string(), |code| code.to_string());
    [input.to_string(), text(&output.stdout), text(&output.stderr), format!("{code}\n")]
}

#[test]
fn scripts_say_what_is_in_their_transcripts() {
    let mut wrong = Vec::new();
    for path in files("scripts") {
        let (head, expected) = read(&path);
        let found = run(&expected[0]);
        let parts = PARTS.iter().zip(&found);
        let played: String = parts.map(|(name, text)| format!("=== {name}\n{text}")).collect();
        if is_blessing() {
            std::fs::write(&path, format!("{head}{played}")).expect("writable");
        } else if found != expected {
            wrong.push(format!("{}: is\n{played}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\nFUSE_BLESS=1 writes them anew", wrong.join("\n"));
}

#[test]
fn a_picture_in_a_file_is_the_one_that_the_command_draws() {
    let folder = Folder::new();
    for (command, formula, options) in [
        (":plot x*x > a.svg", "x*x", &[][..]),
        (":plot x > 1, x >! a.svg", "x > 1, x", &["--force"]),
        (":hist 2*x >! a.svg", "2*x", &["--hist", "--force"]),
    ] {
        let output = folder.fuse_with_input(&["repl", "x=x.npy"], command.as_bytes());
        assert_eq!((text(&output.stdout), text(&output.stderr)), (String::new(), String::new()));
        folder.prints(&[&["plot", formula, "x=x.npy", "-o", "b.svg"], options].concat());
        let read = |name: &str| std::fs::read_to_string(folder.path(name)).expect("a picture");
        assert_eq!(read("a.svg"), read("b.svg"), "{command}");
        assert!(read("a.svg").starts_with("<svg "), "{command}");
    }
}

#[test]
fn times_are_measured() {
    let folder = Folder::new();
    let output = folder.fuse_with_input(&["repl", "x=0:1:100000"], b":time x*2\n:time 1 + 1\n");
    let shown = text(&output.stdout);
    assert_eq!(text(&output.stderr), "");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 5, "{shown}");
    for (line, begin) in
        lines.iter().zip(["compile  ", "run      ", "memory   ", "compile  ", "run      "])
    {
        assert!(line.starts_with(begin), "{shown}");
    }
    assert!(lines[2].ends_with(" GB/s: 800 kB read, 800 kB written"), "{shown}");
}

/// The reader of the output goes away before all is printed.
#[test]
fn nobody_who_reads_is_no_error() {
    use std::io::Write as _;
    use std::process::Stdio;
    let folder = Folder::new();
    let mut child = folder.command(&["repl"]).stdin(Stdio::piped()).spawn().expect("fuse starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("piped");
    // The script may have ended before all of it was written.
    let _ = stdin.write_all(b"arange(100000)\n1\n2\n");
    drop(stdin);
    let output = child.wait_with_output().expect("fuse ends");
    assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("", Some(0)));
}
