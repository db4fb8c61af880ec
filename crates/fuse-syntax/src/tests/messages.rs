//! Every error this crate raises, rendered.
//!
//! The texts are in `tests-data/messages.txt`. After a change, run the test with `FUSE_BLESS=1` and
//! read the difference as a user would.

use crate::{Code, Color, SyntaxLimits, parse};

/// Formulas with errors, one a line; `\n` stands for a line break, `\a` for the bell.
const FORMULAS: &str = include_str!("../../tests-data/messages.in");

fn rendered() -> (String, Vec<Code>) {
    let long = [
        ("70 brackets", "(".repeat(70)),
        ("5000 terms", vec!["a"; 5000].join("+")[..4000].to_owned()),
        ("5000 commas", format!("f({})", ",".repeat(4090))),
        ("9000 bytes", "a".repeat(9000)),
    ];
    let short = FORMULAS
        .lines()
        .map(|line| (line.to_owned(), line.replace("\\n", "\n").replace("\\a", "\u{7}")));
    let (mut text, mut codes) = (String::new(), Vec::new());
    let untrusted = SyntaxLimits { nodes: 1000, ..SyntaxLimits::untrusted() };
    let long = long.into_iter().map(|(title, formula)| (title.to_owned(), formula));
    for (title, formula) in short.chain(long) {
        text += &format!("########## {title}\n");
        for error in parse(&formula, &untrusted).expect_err("an error") {
            codes.push(error.code);
            text += &error.render(&formula, Color::Never);
            text += "\n\n";
        }
    }
    (text, codes)
}

#[test]
fn messages_are_as_blessed() {
    let (text, codes) = rendered();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests-data/messages.txt");
    if std::env::var_os("FUSE_BLESS").is_some() {
        std::fs::write(file, &text).expect("writes");
    }
    let expected = include_str!("../../tests-data/messages.txt");
    for (found, expected) in text.split("##########").zip(expected.split("##########")) {
        assert_eq!(found, expected, "bless with FUSE_BLESS=1");
    }
    assert_eq!(text.len(), expected.len());
    for code in Code::ALL.iter().filter(|code| raised_here(**code)) {
        assert!(codes.contains(code), "{code} has no rendered case");
    }
}

/// Whether this crate raises the code, not the compiler.
fn raised_here(code: Code) -> bool {
    let elsewhere = [
        Code::TooManyInputs,
        Code::TooManyResults,
        Code::NotSupportedYet,
        Code::OrderDependent,
        Code::Datetime,
    ];
    let number = code.number();
    ["E01", "E05", "E09"].iter().any(|start| number.starts_with(start))
        && !elsewhere.contains(&code)
}

#[test]
fn colours_and_one_line() {
    let errors = parse("a +", &SyntaxLimits::default()).expect_err("an error");
    assert_eq!(errors[0].to_string(), "expected a value after `+`");
    assert!(errors[0].render("a +", Color::Always).contains('\u{1b}'));
    // Any source can be rendered, even a wrong one.
    assert!(errors[0].render("", Color::Never).contains("E0102"));
}

#[test]
fn messages_follow_the_style() {
    let (text, _) = rendered();
    for line in text.lines().filter(|line| line.starts_with("error[")) {
        let message = line.split_once(": ").expect("a message").1;
        assert!(!message.ends_with('.') && !message.starts_with(char::is_uppercase), "{line}");
    }
}

/// Control characters of a formula, in texts and between tokens, are shown and never sent; pages stay short.
#[test]
fn control_characters_are_never_drawn() {
    for control in ["\r", "\u{1b}[31m", "\u{7f}", "\u{9b}31m", "\u{202e}"] {
        for source in ["22'T'", "'T' 'T'", "a T b", "2 b'T'", "x.T('T'", "'T' +", "f(T='T')"] {
            let source = source.replace('T', &control.repeat(500));
            let errors = parse(&source, &SyntaxLimits::default()).expect_err("an error");
            let page: String =
                errors.iter().map(|error| error.render(&source, Color::Never)).collect();
            let sent = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!page.contains(sent), "{page:?}");
            assert!(page.len() < 4000 * errors.len(), "{} bytes", page.len());
        }
    }
}
