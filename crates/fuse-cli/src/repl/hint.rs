//! What stands grey behind the line: dtype and shape of what it would give, or what a command takes.
//!
//! Types are checked with the session's variables; nothing is evaluated or compiled to machine code. That
//! takes a fraction of a millisecond for a line of usual length; longer lines, and formulas of many nodes, get
//! none.

use fuse::raw::outline::{Bound, bound};
use fuse::{Backend, Engine, Limits};

use super::command::{find, formula_of, parts};
use super::input::{Need, constructs, lacks};
use super::session::{Session, shapes_text};

/// Longest line with a hint.
const LONGEST: usize = 400;

/// Most nodes of a formula with a hint: functions that call each other make many of a short line.
const MOST_NODES: usize = 1000;

/// An engine that only checks types, which no mode changes.
pub(super) fn checker() -> Option<Engine> {
    let mut limits = Limits::default();
    limits.nodes = MOST_NODES;
    Engine::builder().backend(Backend::Interp).threads(1).limits(limits).build().ok()
}

/// The hint behind a line whose end the cursor is at.
pub(super) fn hint(session: &Session, checker: &Engine, line: &str) -> Option<String> {
    if line.len() > LONGEST || lacks(line) != Need::Nothing {
        return None;
    }
    if let Some(command) = line.trim_start().strip_prefix(':') {
        let (name, arguments) = parts(command);
        let command = find(name)?;
        if arguments.trim().is_empty() {
            let gap = if line.ends_with(char::is_whitespace) { "" } else { " " };
            return (!command.arguments.is_empty()).then(|| format!("{gap}{}", command.arguments));
        }
    }
    let text = constructs(line).pop()?;
    let formula = formula_of(&text);
    let results = shapes(session, checker, formula)?;
    Some(format!("  # {results}"))
}

/// Of a formula, or of the value that it binds last.
fn shapes(session: &Session, checker: &Engine, text: &str) -> Option<String> {
    let program = match bound(text) {
        None => text.to_string(),
        Some(mut all) => match all.pop()? {
            Bound::Value { name, .. } => format!("{text}\n{name}"),
            Bound::Function { .. } => return None,
        },
    };
    let formula = checker.formula(&session.functions.before(&program)).ok()?;
    let shapes = formula.result_shapes(session.vars().ok()?).ok()?;
    Some(shapes_text(&shapes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repl::tests::session;

    fn hint_of(line: &str) -> Option<String> {
        hint(&session(), &checker().expect("an engine"), line)
    }

    #[test]
    fn formulas_show_dtype_and_shape() {
        // x f64 (3,), m f32 (2, 3), k a plain number, n i64 4, f(t) = t*t
        for (line, expected) in [
            ("x", "  # f64 (3,)"),
            ("m*k", "  # f32 (2, 3)"),
            ("x + m", "  # f64 (2, 3)"),
            ("sum(m, axis=0), m > 0", "  # f32 (3,); bool (2, 3)"),
            ("y = x[1:]", "  # f64 (2,)"),
            ("x += 1", "  # f64 (3,)"),
            ("arange(n)", "  # i64 (4,)"),
            ("f(m)", "  # f32 (2, 3)"),
            (":type x*2", "  # f64 (3,)"),
            ("sum(x\n      )", "  # f64 ()"),
            (":load ", "x=x.npy …"),
            (":time", " FORMULA"),
        ] {
            assert_eq!(hint_of(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_or_unfinished_shows_nothing() {
        for line in ["", "x +", "sum(x", "y", "x + arange(5)", "g(t) = t", ":vars", ":no x", "# x"]
        {
            assert_eq!(hint_of(line), None, "{line}");
        }
        assert_eq!(hint_of(&format!("{}x", "x + ".repeat(100))), None);
    }

    #[test]
    fn formulas_that_grow_are_left_alone() {
        let level = |name, of| {
            let calls = [0, 1, 2, 3, 4, 5].map(|k| format!("{of}(t + {k})"));
            format!("{name}(t) = {}; ", calls.join("*"))
        };
        let levels = [("p", "sin"), ("q", "p"), ("r", "q"), ("s", "r")];
        let levels: String = levels.iter().map(|(name, of)| level(name, of)).collect();
        assert_eq!(hint_of(&format!("{levels}p(x)")).as_deref(), Some("  # f64 (3,)"));
        let line = format!("{levels}s(x)");
        assert!(line.len() < LONGEST);
        assert_eq!(hint_of(&line), None);
    }
}
