//! Text that wants to break the parser: deep, long, random.

use super::{check_invariants, parse};
use crate::{Code, SyntaxLimits};
use std::thread;

/// Runs on a stack of 256 KiB, the least the project promises to work with.
fn on_small_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(256 << 10).spawn_scoped(scope, run);
        thread.expect("a thread").join().expect("no panic")
    })
}

/// A formula that nests `depth` levels of one kind.
fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}x{}", open.repeat(depth), close.repeat(depth))
}

const NESTS: &[(&str, &str)] = &[
    ("(", ")"),
    ("-", ""),
    ("- ~ +", ""),
    ("not ", ""),
    ("f(", ")"),
    ("a[", "]"),
    ("a[1:", "]"),
    ("x**", ""),
    ("x**-", ""),
    ("1 if a else ", ""),
    ("1 if ", " else 2"),
    ("(1 if ", " else 2)"),
    ("f(a, k=(", "))"),
    ("not -(", ")"),
    ("(a < -b ** ", ")"),
    ("(a,", ")"),
];

#[test]
fn a_million_of_anything_is_an_error_with_a_span() {
    for &(open, close) in NESTS {
        for source in
            [open.repeat(1 << 20 >> 3), nested(open, close, 70_000), nested(open, close, 300)]
        {
            let limits = SyntaxLimits { source_bytes: 1 << 24, ..SyntaxLimits::default() };
            let errors = on_small_stack(|| crate::parse(&source, &limits).expect_err("too deep"));
            let span = errors[0].span().expect("a span");
            assert!(source.get(span.range()).is_some());
            assert!(errors[0].render(&source, crate::Color::Never).len() < 2_000);
        }
    }
}

#[test]
fn nesting_of_256_fits_a_small_stack() {
    for &(open, close) in NESTS {
        let accepts = |depth| {
            let source = nested(open, close, depth);
            on_small_stack(|| parse(&source).map(|ast| drop(ast.to_text())).is_ok())
        };
        let deepest = (1..=257).rev().find(|&depth| accepts(depth));
        // `1 if 1 if` is an error at any depth above 1, whatever the limit.
        let deepest = deepest.expect("some depth is accepted");
        let signs = open.matches(['(', '[', '-', '~', '+']).count() + open.matches("**").count();
        let levels = signs + open.matches(" if").count() + open.matches("not").count();
        let expected = if open == "1 if " { 1 } else { 256 / levels };
        assert!((expected.saturating_sub(1)..=expected).contains(&deepest), "{open} {deepest}");
    }
}

#[test]
fn limits_are_checked_in_order() {
    let code = |source: &str, limits: &SyntaxLimits| {
        crate::parse(source, limits).expect_err("refused")[0].code
    };
    let limits = SyntaxLimits { source_bytes: 1 << 24, ..SyntaxLimits::default() };
    assert_eq!(code(&"a".repeat((1 << 20) + 1), &SyntaxLimits::default()), Code::SourceTooLong);
    assert_eq!(code(&vec!["a"; 500_000].join("+"), &limits), Code::TooManyNodes);
    assert_eq!(code(&"a ".repeat(500_000), &limits), Code::TooManyNodes);
    assert_eq!(code(&"f(".repeat(500_000), &limits), Code::NestingTooDeep);
    assert_eq!(code(&"é".repeat(4 << 10), &SyntaxLimits::untrusted()), Code::SourceTooLong);
    assert_eq!(code(&"(".repeat(65), &SyntaxLimits::untrusted()), Code::NestingTooDeep);
    assert_eq!(code(&"9".repeat(400), &SyntaxLimits::default()), Code::InvalidNumber);
    assert_eq!(code(&"9".repeat(1 << 20), &SyntaxLimits::default()), Code::InvalidNumber);
}

const ALPHABET: &[&str] = &[
    "a", "x", "f", "np", "1", "2.5", "0x1f", "1e3", "3j", "7i32", "True", "None", "...", "'t'",
    "b'é'", "'", "\"", "\\", "(", ")", "(", ")", "[", "]", ",", ":", ";", "\n", "=", "+=", ":=",
    "+", "-", "*", "**", "/", "//", "%", "@", "<<", ">>", "&", "|", "^", "~", "<", "<=", "==",
    "!=", "!", "?", "&&", " not ", " and ", " or ", " if ", " else ", " is ", " in ", " for ",
    " lambda ", ".", ".real", " ", "#", "é", "\u{2009}", "😀", "\0", "\x1b", "\u{202e}",
    "\u{feff}", "\r", "$", "{", "_", "e", "\u{301}", "\u{9b}",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 1_000_003).expect("small") % limit
    }
}

#[test]
fn random_text_never_panics_and_spans_slice() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut accepted = 0;
    for round in 0..30_000 {
        // Some rounds use the tame half of the alphabet, so that more is accepted.
        let letters = if round % 2 == 0 { ALPHABET.len() } else { 40 };
        let len = 1 + random.below(14);
        let source: String = (0..len).map(|_| ALPHABET[random.below(letters)]).collect();
        match parse(&source) {
            Ok(ast) => {
                accepted += 1;
                check_invariants(&ast);
            }
            Err(errors) => check_errors(&source, &errors, round % 16 == 0),
        }
    }
    assert!(accepted > 300, "{accepted}");
}

fn check_errors(source: &str, errors: &[crate::Diagnostic], render: bool) {
    assert!(!errors.is_empty());
    for error in errors {
        assert!(!error.labels.is_empty(), "{source:?}: {error}");
        assert!(error.message.chars().all(|c| !c.is_control()), "{source:?}: {error}");
        for label in &error.labels {
            assert!(source.get(label.span.range()).is_some(), "{source:?}: {error}");
        }
        if render {
            let text = error.render(source, crate::Color::Never);
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{source:?}: {text:?}");
        }
    }
    assert_eq!(parse(source).expect_err("the same again"), errors);
}

/// The work is counted in tokens and nodes: neither grows faster than the text.
#[test]
fn nodes_grow_with_the_text() {
    for shape in ["a+", "f(a),", "-a*", "a<", "a**b-", "x[1:]+", "(a,b),", "a and ", "a;"] {
        let nodes = |times: usize| {
            let ast = parse(&(shape.repeat(times) + "a"));
            ast.map_or(0, |ast| ast.nodes().len() + ast.names().len())
        };
        assert!(nodes(8_000) <= 8 * nodes(1_000) + 8, "{shape}");
    }
}
