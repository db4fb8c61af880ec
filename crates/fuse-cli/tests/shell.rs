//! What the command gives to shells and to `man`, its exit codes, suggestions and pipes; and the session
//! that README.md shows.

mod readme;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fuse_testkit::skip;
use tempfile::TempDir;

/// A folder with `x.npy`, the vector 0 1 2, in which the command runs.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    prints(folder.path(), &["eval", "arange(3)*1.0", "-o", "x.npy"]);
    folder
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fuse"));
    command.args(args).current_dir(folder).env_remove("NO_COLOR");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn fuse(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().expect("fuse runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn prints(folder: &Path, args: &[&str]) -> String {
    let output = fuse(folder, args);
    assert_eq!(text(&output.stderr), "", "{args:?}");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    text(&output.stdout)
}

/// What a failing command says.
fn says(folder: &Path, code: i32, args: &[&str]) -> String {
    let output = fuse(folder, args);
    let message = text(&output.stderr);
    assert_eq!(text(&output.stdout), "", "{args:?}");
    assert_eq!(output.status.code(), Some(code), "{args:?}: {message}");
    message
}

/// Is the program there?
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

/// What bash offers for a line that ends in an unfinished word.
fn completed(folder: &Path, script: &Path, line: &[&str]) -> Vec<String> {
    let last = line.len() - 1;
    let before = if last > 0 { line[last - 1] } else { "" };
    let program = format!(
        "source '{}'; COMP_WORDS=({}); COMP_CWORD={last}; _fuse fuse '{}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        line.join(" "),
        line[last],
    );
    let output = Command::new("bash").args(["--norc", "-c", &program]).current_dir(folder).output();
    let output = output.expect("bash runs");
    assert_eq!(text(&output.stderr), "", "{line:?}");
    text(&output.stdout).lines().map(str::to_string).collect()
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    if !is_there("bash") {
        skip!("bash");
    }
    let folder = folder();
    let script = folder.path().join("fuse.bash");
    std::fs::write(&script, prints(folder.path(), &["completions", "bash"])).expect("a script");
    for (line, expected) in [
        (&["fuse", "ev"][..], "eval"),
        (&["fuse", "eval", "--for"], "--format"),
        (&["fuse", "eval", "--format", "nu"], "numpy"),
        (&["fuse", "eval", "--dtype", "f6"], "f64"),
        (&["fuse", "info", "--functions", "lga"], "lgamma"),
        (&["fuse", "explain", "--stage", "ke"], "kernel"),
        (&["fuse", "man", "exp"], "explain"),
        (&["fuse", "eval", "--output", "x."], "x.npy"),
    ] {
        let found = completed(folder.path(), &script, line);
        assert!(found.iter().any(|word| word == expected), "{line:?}: {found:?}");
    }
    assert_eq!(completed(folder.path(), &script, &["fuse", "evlo"]), [""]);
}

#[test]
fn every_shell_has_a_script() {
    let folder = folder();
    for (shell, part) in [
        ("bash", "complete -F _fuse"),
        ("zsh", "#compdef fuse"),
        ("fish", "complete -c fuse"),
        ("elvish", "edit:completion:arg-completer[fuse]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = prints(folder.path(), &["completions", shell]);
        assert!(script.contains(part) && script.contains("no-mmap"), "{shell}");
    }
}

#[test]
fn manual_pages_are_written_and_render_without_warnings() {
    let folder = folder();
    let pages = folder.path().join("man1");
    std::fs::create_dir(&pages).expect("a folder");
    prints(folder.path(), &["man", "--dir", "man1"]);
    let again = says(folder.path(), 1, &["man", "--dir", "man1"]);
    assert!(again.contains("man1/fuse.1: the file exists"), "{again}");
    prints(folder.path(), &["man", "--dir", "man1", "--force"]);
    let eval = std::fs::read_to_string(pages.join("fuse-eval.1")).expect("a page");
    assert_eq!(eval, prints(folder.path(), &["man", "eval"]));
    let main = std::fs::read_to_string(pages.join("fuse.1")).expect("the main page");
    assert_eq!(main, prints(folder.path(), &["man"]));
    for section in ["NAME", "SYNOPSIS", "EXAMPLES", "OPTIONS", "NOTES", "EXIT STATUS"] {
        assert!(
            eval.contains(&format!(".SH {section}\n"))
                || eval.contains(&format!(".SH \"{section}\"\n")),
            "{section}"
        );
    }
    if !is_there("groff") {
        skip!("groff");
    }
    for entry in std::fs::read_dir(&pages).expect("pages") {
        let page: PathBuf = entry.expect("an entry").path();
        let output = Command::new("groff").args(["-man", "-ww", "-Tutf8"]).arg(&page).output();
        let output = output.expect("groff runs");
        assert_eq!(text(&output.stderr), "", "{}", page.display());
        let name = page.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(text(&output.stdout).contains(&name), "{name}");
    }
}

#[test]
fn what_is_misspelt_gets_a_suggestion() {
    let folder = folder();
    for (code, args, near) in [
        (2, &["evla"][..], "eval"),
        (2, &["help", "evla"], "eval"),
        (2, &["man", "exlpain"], "explain"),
        (2, &["completions", "bahs"], "bash"),
        (2, &["eval", "x", "x=1", "--fromat", "tsv"], "--format"),
        (2, &["eval", "x", "x=1", "--form", "tsv"], "--format"),
        (2, &["eval", "--dtpye", "f32", "x", "x=1"], "--dtype"),
        (2, &["--colour", "never", "eval", "x"], "--color"),
        (2, &["eval", "x", "x=1", "--format", "nmupy"], "numpy"),
        (2, &["eval", "x", "x=1", "--dtype", "flaot32"], "float32"),
        (2, &["check", "x", "f46"], "f64"),
        (2, &["check", "x", "x=flaot32:1000"], "float32"),
        (2, &["explain", "x", "x=f64", "--stage", "kernle"], "kernel"),
        (2, &["explain", "E0100"], "E0101"),
        (2, &["info", "--functions", "sqr"], "sqrt"),
        (2, &["eval", "sqr(x)", "x=1"], "sqrt"),
        (2, &["eval", "widht*2", "width=1"], "width"),
        (1, &["eval", "x", "x=xx.npy"], "x.npy"),
        (1, &["eval", "x", "x=xx.npy", "--no-mmap"], "x.npy"),
        (1, &["eval", "x", "x=../none/../xx.npy", "-f", "x.np"], "x.npy"),
        (2, &["bench", "x", "x=xx.npy"], "x.npy"),
        (1, &["info", "xx.npy"], "x.npy"),
    ] {
        let message = says(folder.path(), code, args);
        let help = format!("  = help: did you mean `{near}`?\n");
        assert!(message.starts_with("error") && message.ends_with(&help), "{args:?}: {message}");
    }
    for args in [&["frobnicate"][..], &["eval", "x", "x=1", "--frobnicate"], &["explain", "E9999"]]
    {
        let message = says(folder.path(), 2, args);
        assert!(message.contains("  = help: `fuse ") && message.lines().count() == 2, "{message}");
    }
}

#[test]
fn exit_codes() {
    let folder = folder();
    std::fs::write(folder.path().join("text.npy"), "1,2\n").expect("a file");
    std::fs::write(folder.path().join("latin"), b"x + \xe9").expect("a file");
    for (code, lines) in [
        (
            0,
            &[
                "-h",
                "--version",
                "help",
                "help eval",
                "eval -h",
                "eval x x=1",
                "eval -x x=1",
                "check x x=f64",
                "explain x x=f64",
                "explain E0101",
                "explain E",
                "explain E03",
                "info x.npy",
                "info --cpu",
                "info --functions",
                "info --functions sqrt",
                "repl",
                "completions zsh",
                "man",
                "man info",
                "eval x x=1 --color always",
            ][..],
        ),
        (
            1,
            &[
                "eval x x=none.npy",
                "eval x x=text.npy",
                "eval x x=.",
                "eval x x=x.npy -o x.npy",
                "eval x x=x.npy -o none/r.npy",
                "eval x x=x.npy -o .",
                "eval -f none",
                "eval -f .",
                "info none.npy",
                "info x.npy none.npy",
                "check x x=text.npy",
                "bench x x=text.npy",
                "explain x x=text.npy",
                "repl x=none.npy",
                "man --dir none",
            ],
        ),
        (
            2,
            &[
                "",
                "-z",
                "evla",
                "eval",
                "eval x",
                "eval x y=1",
                "eval x x",
                "eval x x=1 x=2",
                "eval x+ x=1",
                "eval x<<1 x=1.5",
                "eval sqrt(x,x) x=1",
                "eval x x=1 --dtype f46",
                "eval x x=1 -j 0",
                "eval x x=1 -q -v",
                "eval x x=1 -o a -o b",
                "eval -f latin x=1",
                "eval arange(3)+arange(4)",
                "check",
                "check x x=nope",
                "check x<<1 x=f64",
                "explain",
                "explain E9999",
                "explain x x=f64 --stage nope",
                "explain x x=f64 --json",
                "bench",
                "bench x x=f64:0",
                "bench x x=nope",
                "info",
                "info --functions nope",
                "info --nope",
                "repl x",
                "repl x=-",
                "completions",
                "completions nope",
                "man nope",
                "man --force",
                "eval x x=1 --color nope",
                "eval -f - x=-",
            ],
        ),
    ] {
        for line in lines {
            let args: Vec<&str> = line.split_whitespace().collect();
            let output = fuse(folder.path(), &args);
            let said = text(&output.stderr);
            let printed_too = line.ends_with("x.npy none.npy");
            assert_eq!(output.status.code(), Some(code), "fuse {line}: {said}");
            assert!(code != 0 || said.is_empty(), "fuse {line}: {said}");
            assert!(code == 0 || printed_too || output.stdout.is_empty(), "fuse {line}");
            assert!(code == 0 || !said.is_empty(), "fuse {line}");
        }
    }
}

#[test]
fn nobody_needs_to_read_to_the_end() {
    let folder = folder();
    for args in [
        &["eval", "x", "x=0:1:1000000"][..],
        &["eval", "x", "x=0:1:1000000", "--format", "json"],
        &["info", "--functions"],
        &["explain", "x**5 + x", "x=f64"],
        &["explain", "E"],
        &["completions", "bash"],
        &["man", "eval"],
        &["eval", "-h"],
        &["--help"],
    ] {
        let mut child = command(folder.path(), args).spawn().expect("fuse starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("fuse ends");
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(0), String::new()),
            "{args:?}"
        );
    }
}

#[test]
fn colors_are_asked_for() {
    let folder = folder();
    let wrong = ["eval", "sqr(x)", "x=1"];
    assert!(!says(folder.path(), 2, &wrong).contains('\u{1b}'), "a pipe has no colors");
    let never = says(folder.path(), 2, &[&wrong[..], &["--color", "never"]].concat());
    assert!(!never.contains('\u{1b}'), "{never}");
    let always = says(folder.path(), 2, &[&["--color=always"], &wrong[..]].concat());
    assert!(always.contains('\u{1b}'), "{always}");
    let help = |args: &[&str]| prints(folder.path(), args).contains('\u{1b}');
    assert!(
        help(&["eval", "-h", "--color", "always"]) || help(&["--color", "always", "eval", "-h"])
    );
    assert!(!help(&["--color", "never", "eval", "-h"]) && !help(&["eval", "-h"]));
}

#[test]
fn formulas_come_from_files_of_any_system() {
    let folder = folder();
    std::fs::write(folder.path().join("dos"), "\u{feff}d = x - 1\r\nd*d\r\n").expect("a file");
    assert_eq!(prints(folder.path(), &["eval", "-f", "dos", "x=x.npy"]), "1.0\n0.0\n1.0\n");
    std::fs::write(folder.path().join("wrong"), "d = x - 1\r\nd*\r\n").expect("a file");
    let message = says(folder.path(), 2, &["eval", "-f", "wrong", "x=x.npy"]);
    assert!(message.contains("formula:2:2\n") && message.contains("2 | d*\n"), "{message}");
    let mut piped = command(folder.path(), &["eval", "-f", "-", "x=3"]);
    let mut child = piped.stdin(Stdio::piped()).spawn().expect("fuse starts");
    child.stdin.take().expect("piped").write_all(b"x*x\n").expect("fuse reads");
    let mut printed = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut printed).expect("text");
    assert_eq!((printed.as_str(), child.wait().expect("fuse ends").code()), ("9\n", Some(0)));
}

#[test]
fn messages_are_short_and_cannot_drive_a_terminal() {
    let folder = folder();
    let long = "a".repeat(100_000);
    for args in [
        &["eval", "x", &format!("x={long}")][..],
        &["eval", "x", "x=1\u{1b}[2J"],
        &["eval", "x", "x=1", &format!("--{long}")],
        &["eval", "x", "x=1", "--format", &format!("{long}\u{1b}[2J")],
        &["eval", "x", "x=1", "-j", &format!("{long}\u{1b}[2J")],
        &["eval", "x", "x=1", "--dtype", &format!("\u{1b}[2J{long}")],
        &["eval", &format!("{long}+"), "x=1"],
        &["eval", "\u{1b}[2J", "x=1"],
        &["info", "--functions", &format!("\u{1b}[2J{long}")],
        &["man", &format!("\u{1b}[2J{long}")],
        &["explain", "x", "x=f64", "--target", &format!("\u{1b}[2J{long}")],
        &[&format!("\u{1b}[2J{long}")],
    ] {
        let output = fuse(folder.path(), args);
        let message = text(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{message}");
        assert!(!message.contains('\u{1b}') && message.len() < 2000, "{message}");
    }
}

#[test]
fn a_full_disk_is_an_error_of_one_line() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        skip!("dev-full");
    }
    let folder = folder();
    for args in [&["eval", "x", "x=1"][..], &["man"], &["explain", "E"], &["info", "--functions"]] {
        let out = std::fs::OpenOptions::new().write(true).open(full).expect("the device");
        let output = command(folder.path(), args).stdout(out).output().expect("fuse runs");
        let expected = "error: standard output: cannot write: no space left on device\n";
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), expected));
    }
}
