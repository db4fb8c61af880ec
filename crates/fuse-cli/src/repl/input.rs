//! Lines to constructs: a formula, an assignment or a command, over as many lines as it takes.
//!
//! ```text
//! sum(x,          a bracket is open: the next line belongs to it
//!     axis=0)
//! 2*a +           an operator waits: joined by the backslash that the language asks for
//!     b
//! ```
//! The terminal and scripts go by the same rules. What is missing, the language's own scan says
//! ([`fuse::raw::outline`]); nothing here knows tokens.
//!
//! *Cost.* A construct is scanned again at each of its lines, so its length is limited.

use fuse::raw::outline::{Ending, ending};

use super::command;

/// Bytes beyond which a construct is taken as it is, finished or not.
const LONGEST: usize = 1 << 16;

/// What a text lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// It goes on in the next line.
    Line,
    /// A quote, on this line: texts do not go on in the next.
    Quote,
}

/// A construct whose lines are coming in.
#[derive(Debug, Default)]
pub(super) struct Construct {
    text: String,
    has_lines: bool,
}

impl Construct {
    /// Takes a line; gives the construct that it completes.
    pub(super) fn push(&mut self, line: &str) -> Option<String> {
        self.add(line);
        match need(&self.text) {
            Need::Line => None,
            Need::Nothing | Need::Quote => self.finish(),
        }
    }

    /// What there is at the end of the input, complete or not.
    pub(super) fn finish(&mut self) -> Option<String> {
        self.has_lines.then(|| std::mem::take(self).text)
    }

    /// Has it lines already?
    pub(super) fn is_open(&self) -> bool {
        self.has_lines
    }

    fn add(&mut self, line: &str) {
        if self.has_lines {
            let formula = command::formula_of(&self.text);
            if let Ending::Operator(end) = ending(formula) {
                let before = self.text.len() - formula.len();
                self.text.truncate(before + end);
                self.text.push_str(" \\");
            }
            self.text.push('\n');
        }
        self.text.push_str(line);
        self.has_lines = true;
    }
}

/// All constructs of a text; the last one may be unfinished.
pub(super) fn constructs(text: &str) -> Vec<String> {
    let mut open = Construct::default();
    let mut all: Vec<String> = text.lines().filter_map(|line| open.push(line)).collect();
    all.extend(open.finish());
    all
}

/// What the text of one construct lacks.
fn need(text: &str) -> Need {
    if text.len() > LONGEST {
        return Need::Nothing;
    }
    match ending(command::formula_of(text)) {
        Ending::Complete => Need::Nothing,
        Ending::Bracket | Ending::Backslash | Ending::Operator(_) => Need::Line,
        Ending::Text(_) => Need::Quote,
    }
}

/// What a text of several lines lacks. An empty last line ends it, whatever it lacks.
pub(super) fn lacks(text: &str) -> Need {
    let last_line = text.rsplit('\n').next().unwrap_or("");
    if text.contains('\n') && last_line.trim().is_empty() {
        return Need::Nothing;
    }
    constructs(text).last().map_or(Need::Nothing, |last| need(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_make_constructs() {
        for (text, expected) in [
            ("a + b\nc", &["a + b", "c"][..]),
            ("sum(x,\n    axis=0)\ny", &["sum(x,\n    axis=0)", "y"]),
            ("a +\n  b", &["a + \\\n  b"]),
            ("a + # one\nb *\nc", &["a + \\\nb * \\\nc"]),
            ("a \\\n + b", &["a \\\n + b"]),
            ("f(x) =\n x*x", &["f(x) = \\\n x*x"]),
            (":type (a\n+ b)", &[":type (a\n+ b)"]),
            (":type a +\nb", &[":type a + \\\nb"]),
            (":load x=(\ny", &[":load x=(", "y"]),
            ("x = 'open\ny", &["x = 'open", "y"]),
            ("a +\n", &["a +"]),
            ("(a", &["(a"]),
            ("", &[]),
            ("\n# (\n", &["", "# ("]),
        ] {
            assert_eq!(constructs(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_known() {
        for (text, expected) in [
            ("a + b", Need::Nothing),
            ("", Need::Nothing),
            ("a +", Need::Line),
            ("sum(", Need::Line),
            ("sum(\nx", Need::Line),
            ("sum(\nx)", Need::Nothing),
            ("sum(\n      ", Need::Nothing),
            ("a)", Need::Nothing),
            ("'ab", Need::Quote),
            (":plot sin(x", Need::Line),
            (":save x (", Need::Nothing),
            (":nonsense (", Need::Nothing),
        ] {
            assert_eq!(lacks(text), expected, "{text}");
        }
    }

    #[test]
    fn a_construct_without_end_is_taken_as_it_is() {
        let mut construct = Construct::default();
        assert_eq!(construct.push("("), None);
        let long = "x, ".repeat(LONGEST / 3 + 1);
        assert_eq!(construct.push(&long), Some(format!("(\n{long}")));
        assert!(!construct.is_open());
    }
}
