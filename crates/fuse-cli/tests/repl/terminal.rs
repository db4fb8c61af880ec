//! Sessions on a terminal, from transcripts:
//!
//! ```text
//! # what the session shows
//! $ x=x.npy
//! === 2*x{Enter}
//! fuse> 2*x
//! [0. 2. 4.]
//! fuse> █
//! ```
//! Behind `$` stand the arguments of `fuse repl`, behind `===` the keys; then comes the screen, which must
//! come to look so before the next keys are pressed.

use std::path::Path;
use std::process::Command;

use super::screen::Terminal;
use super::{files, is_blessing};
use crate::Folder;

/// Names of keys that are no letters.
const KEYS: &[(&str, &str)] = &[
    ("{Enter}", "\r"),
    ("{Tab}", "\t"),
    ("{Up}", "\x1b[A"),
    ("{Down}", "\x1b[B"),
    ("{Left}", "\x1b[D"),
    ("{Back}", "\x7f"),
    ("{Ctrl-A}", "\x01"),
    ("{Ctrl-C}", "\x03"),
    ("{Ctrl-D}", "\x04"),
    ("{Ctrl-L}", "\x0c"),
    ("{Ctrl-U}", "\x15"),
];

struct Step {
    keys: String,
    screen: String,
}

/// The head of a transcript, and its steps.
fn read(path: &Path) -> (String, Vec<Step>) {
    let text = std::fs::read_to_string(path).expect("a transcript");
    let mut parts = text.split("=== ");
    let head = parts.next().unwrap_or_default().to_string();
    let step = |part: &str| {
        let (keys, screen) = part.split_once('\n').expect("keys and a screen");
        Step { keys: keys.to_string(), screen: screen.trim_end().to_string() }
    };
    (head, parts.map(step).collect())
}

fn pressed(keys: &str) -> String {
    KEYS.iter().fold(keys.to_string(), |keys, (name, code)| keys.replace(name, code))
}

/// `x.npy` is 0 1 2, `wide.npy` a file to be completed; the home is empty.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.vector("wide.npy", &[10.0, 20.0]);
    folder
}

fn session(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = folder.command(&[&["repl"], arguments].concat());
    command.env("HOME", folder.path(".")).env("XDG_STATE_HOME", folder.path("state"));
    command
}

/// A session at its first prompt.
fn started(folder: &Folder, arguments: &[&str]) -> Terminal {
    let mut terminal = Terminal::start(&session(folder, arguments));
    terminal.wait_for(|screen| screen.ends_with("fuse> █")).expect("a prompt");
    terminal
}

fn masked(screen: &str) -> String {
    screen.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// Plays a transcript; gives its text as it is now.
fn play(path: &Path) -> Result<String, String> {
    let (head, steps) = read(path);
    let arguments = head.lines().find_map(|line| line.strip_prefix("$ ")).expect("arguments");
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let folder = folder();
    let mut terminal = Terminal::start(&session(&folder, &arguments));
    let mut played = head;
    for Step { keys, screen } in &steps {
        terminal.press(&pressed(keys));
        let shown = if is_blessing() {
            masked(&terminal.settled())
        } else {
            let waited = terminal.wait_for(|shown| masked(shown) == *screen);
            waited.map_err(|shown| {
                format!("{}: after {keys}\n{screen}\n--- is not\n{shown}", path.display())
            })?;
            screen.clone()
        };
        played.push_str(&format!("=== {keys}\n{shown}\n"));
    }
    let ends = steps.last().is_some_and(|step| step.keys.ends_with("{Ctrl-D}"));
    assert!(ends && terminal.ended() == Some(0), "{}: the session ends well", path.display());
    Ok(played)
}

#[test]
fn sessions_look_as_in_their_transcripts() {
    let mut wrong = Vec::new();
    for path in files("terminal") {
        match play(&path) {
            Ok(played) if is_blessing() => std::fs::write(path, played).expect("writable"),
            Ok(_) => {}
            Err(difference) => wrong.push(difference),
        }
    }
    assert!(wrong.is_empty(), "{}\nFUSE_BLESS=1 writes them anew", wrong.join("\n\n"));
}

#[test]
fn transcripts_show_what_sessions_can_do() {
    let text: String =
        files("terminal").iter().map(|path| std::fs::read_to_string(path).expect("text")).collect();
    for shown in
        ["{Tab}", "{Up}", "{Ctrl-C}", "interrupted", "  ... ", "# f64", "^", ":plot", ":hist"]
    {
        assert!(text.contains(shown), "no transcript shows {shown}");
    }
}

#[test]
fn lines_are_coloured_while_they_are_typed() {
    let folder = folder();
    let mut terminal = started(&folder, &["x=x.npy"]);
    terminal.press("sqrt(x) + nope + 1");
    terminal.wait_for(|screen| screen.contains("nope + 1█")).expect("the line");
    assert_eq!(terminal.color_of("sqrt"), vt100::Color::Idx(4));
    assert_eq!(terminal.color_of("nope"), vt100::Color::Idx(1));
    assert_eq!(terminal.color_of("x)"), vt100::Color::Default);
    terminal.press("\x15sqrt(x)");
    terminal.wait_for(|screen| screen.contains("sqrt(x)█  # f64 (3,)")).expect("a hint");
    assert_eq!(terminal.color_of("# f64"), vt100::Color::Idx(8));
    terminal.press("\x15\x04");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn without_colours_there_are_hints_all_the_same() {
    let folder = folder();
    let mut terminal = started(&folder, &["x=x.npy", "--color", "never"]);
    terminal.press("nope + sum(x");
    terminal.press("\x15sum(x)");
    terminal.wait_for(|screen| screen.contains("sum(x)█  # f64 ()")).expect("a hint");
    assert_eq!(terminal.color_of("sum"), vt100::Color::Default);
    terminal.press("\x15\x04");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn the_history_outlives_the_session_and_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let mut first = started(&folder, &["x=x.npy"]);
    first.press("sum(x)\r1 + 1\rsum(x)\r secret = 5\r");
    first.wait_for(|screen| screen.ends_with("secret = 5\nfuse> █")).expect("the prompt");
    first.press("\x04");
    assert_eq!(first.ended(), Some(0));
    let file = folder.path("state/fuse/history");
    let mode = std::fs::metadata(&file).expect("the history").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&file).expect("text").contains("secret"));
    let mut second = started(&folder, &["x=x.npy"]);
    second.press("\x1b[A");
    second.wait_for(|screen| screen.contains("fuse> sum(x)█")).expect("the last line");
    second.press("\x1b[A");
    second.wait_for(|screen| screen.contains("fuse> 1 + 1█")).expect("the line before");
    // The repeated line was there once.
    second.press("\x1b[A\x15\x04");
    assert_eq!(second.ended(), Some(0));
}

#[test]
fn a_history_that_cannot_be_kept_is_said_once() {
    let folder = folder();
    std::fs::write(folder.path("state"), "a file where a folder should be").expect("a file");
    let mut terminal = started(&folder, &["x=x.npy"]);
    terminal.press("1 + 1\r2 + 2\r");
    terminal.wait_for(|screen| screen.ends_with("\n4\nfuse> █")).expect("both results");
    assert_eq!(terminal.text().matches("note: the history is not kept").count(), 1);
    terminal.press("\x04");
    assert_eq!(terminal.ended(), Some(0));
}
