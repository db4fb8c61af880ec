//! Colours of a line as it is typed: width and letters stay as they are.
//!
//! ```text
//! known functions blue · numbers cyan · texts green · words magenta · comments grey
//! unknown names red, once the cursor has left them · a bracket at the cursor and its other one bold
//! ```

use fuse::raw::outline::{Token, TokenKind, tokens};

use super::catalog;
use super::command::{find, formula_of};
use super::session::Session;

/// What is put before each line of a formula but the first one, and shown as [`CONTINUED`].
pub(super) const INDENT: &str = "      ";

/// As wide as [`INDENT`].
const CONTINUED: &str = "  ... ";

/// Longest line with colours.
const LONGEST: usize = 4000;

const GREY: &str = "90";
const BOLD: &str = "1;33";
const RED: &str = "31";

/// The line in colours; brackets are matched where there is a cursor.
pub(super) fn colored(session: &Session, line: &str, cursor: Option<usize>) -> String {
    if line.len() > LONGEST {
        return line.to_string();
    }
    let formula = formula_of(line);
    let (command, formula) = match line.len() - formula.len() {
        0 => ("", line),
        _ if formula.is_empty() => (line, ""),
        start => line.split_at(start),
    };
    let mut out = colored_command(command);
    let cursor = cursor.and_then(|at| at.checked_sub(command.len()));
    Painter { session, text: formula, tokens: &tokens(formula), cursor }.paint(&mut out);
    out
}

/// `:name` in bold, where there is such a command.
fn colored_command(text: &str) -> String {
    let name = text.trim_start().trim_start_matches(':');
    let name = name.split(char::is_whitespace).next().unwrap_or("");
    if text.is_empty() {
        return String::new();
    }
    let end = text.len() - text.trim_start().len() + 1 + name.len();
    let (head, rest) = text.split_at(end.min(text.len()));
    let code = if find(name).is_some() { "1" } else { RED };
    format!("{}{rest}", painted(head, code))
}

fn painted(text: &str, code: &str) -> String {
    format!("\x1b[{code}m{text}\x1b[0m")
}

struct Painter<'a> {
    session: &'a Session,
    text: &'a str,
    tokens: &'a [Token],
    cursor: Option<usize>,
}

impl Painter<'_> {
    fn paint(&self, out: &mut String) {
        let marked = self.brackets();
        let mut at = 0;
        for (position, token) in self.tokens.iter().enumerate() {
            let range = token.span.range();
            self.gap(at, range.start, out);
            let text = token.span.slice(self.text);
            match self.code(position, *token, &marked) {
                Some(code) => out.push_str(&painted(text, code)),
                None => out.push_str(text),
            }
            at = range.end;
        }
        self.gap(at, self.text.len(), out);
    }

    /// Blanks; those that begin a line are shown as a prompt.
    fn gap(&self, from: usize, to: usize, out: &mut String) {
        let gap = self.text.get(from..to).unwrap_or("");
        let indented = format!("\n{INDENT}");
        out.push_str(&gap.replace(&indented, &format!("\n{}", painted(CONTINUED, GREY))));
    }

    fn code(&self, position: usize, token: Token, marked: &[usize]) -> Option<&'static str> {
        match token.kind {
            TokenKind::Number => Some("36"),
            TokenKind::Text => Some("32"),
            TokenKind::Word => Some("35"),
            TokenKind::Comment => Some(GREY),
            TokenKind::Stray => self.settled(token).then_some(RED),
            TokenKind::Open | TokenKind::Close => marked.contains(&position).then_some(BOLD),
            TokenKind::Name => self.name(position, token),
            TokenKind::Attribute | TokenKind::Operator | TokenKind::Separator => None,
        }
    }

    fn name(&self, position: usize, token: Token) -> Option<&'static str> {
        let name = token.span.slice(self.text);
        let is_called = self.follows(position, "(");
        let functions = || self.session.functions.iter().any(|(known, _)| known == name);
        if is_called && (catalog::is_function(name) || functions()) {
            return Some("34");
        }
        let is_variable = self.session.values.iter().any(|(known, _)| known == name);
        let is_known = is_variable
            || catalog::CONSTANTS.contains(&name)
            || catalog::MODULES.contains(&name)
            || self.is_bound(name)
            || (is_called && functions());
        (!is_known && self.settled(token)).then_some(RED)
    }

    /// Does this text stand right behind the token?
    fn follows(&self, position: usize, text: &str) -> bool {
        self.tokens.get(position + 1).is_some_and(|next| next.span.slice(self.text) == text)
    }

    /// Is it a target of an assignment, a parameter, or the name of an argument? Those stand before a `=`,
    /// or in the brackets before one.
    fn is_bound(&self, name: &str) -> bool {
        let named = |position: usize| {
            let token = self.tokens[position];
            token.kind == TokenKind::Name && token.span.slice(self.text) == name
        };
        let is_assign = |position: usize| {
            let token = self.tokens[position];
            let text = token.span.slice(self.text);
            token.kind == TokenKind::Operator
                && text.ends_with('=')
                && !matches!(text, "==" | "<=" | ">=" | "!=")
        };
        (0..self.tokens.len()).filter(|&position| is_assign(position)).any(|position| {
            let statement = (0..position)
                .rev()
                .take_while(|&before| self.tokens[before].span.slice(self.text) != ";");
            let is_definition = position > 0 && self.tokens[position - 1].kind == TokenKind::Close;
            let reach = if is_definition { usize::MAX } else { 1 };
            statement.take(reach).any(named)
        })
    }

    /// Has the cursor left the token?
    fn settled(&self, token: Token) -> bool {
        let range = token.span.range();
        self.cursor.is_none_or(|at| at < range.start || range.end < at)
    }

    /// The bracket at the cursor, or before it, and its other one.
    fn brackets(&self) -> Vec<usize> {
        let Some(cursor) = self.cursor else { return Vec::new() };
        let is_bracket = |token: &Token| matches!(token.kind, TokenKind::Open | TokenKind::Close);
        let at = |place: Option<usize>| {
            let starts =
                |token: &Token| Some(token.span.range().start) == place && is_bracket(token);
            self.tokens.iter().position(starts)
        };
        let Some(here) = at(cursor.checked_sub(1)).or_else(|| at(Some(cursor))) else {
            return Vec::new();
        };
        self.other(here).map_or_else(Vec::new, |other| vec![here, other])
    }

    fn other(&self, here: usize) -> Option<usize> {
        let opens = self.tokens[here].kind == TokenKind::Open;
        let (towards, away) = if opens {
            (TokenKind::Close, TokenKind::Open)
        } else {
            (TokenKind::Open, TokenKind::Close)
        };
        let positions: Vec<usize> =
            if opens { (here + 1..self.tokens.len()).collect() } else { (0..here).rev().collect() };
        let mut depth = 0_usize;
        for position in positions {
            let kind = self.tokens[position].kind;
            if kind == away {
                depth += 1;
            } else if kind == towards && depth == 0 {
                return Some(position);
            } else if kind == towards {
                depth -= 1;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repl::tests::session;

    /// Codes as `{31:text}`.
    fn shown(line: &str, cursor: Option<usize>) -> String {
        let colored = colored(&session(), line, cursor);
        let plain = colored.replace("\x1b[0m", "}");
        let mut parts = plain.split("\x1b[");
        let first = parts.next().unwrap_or("").to_string();
        parts.fold(first, |text, part| format!("{text}{{{}", part.replacen('m', ":", 1)))
    }

    #[test]
    fn tokens_have_their_colours() {
        assert_eq!(
            shown("sqrt(x) + 2.5*y if 'a' else f(x) # end", None),
            "{34:sqrt}(x) + {36:2.5}*{31:y} {35:if} {32:'a'} {35:else} {34:f}(x) {90:# end}"
        );
        assert_eq!(shown("np.sin(pi)", None), "np.sin(pi)");
        assert_eq!(shown("g(a, b) = a*b; t = x; t, c", None), "g(a, b) = a*b; t = x; t, {31:c}");
        assert_eq!(shown("sum(x, axis=0)", None), "{34:sum}(x, axis={36:0})");
    }

    #[test]
    fn a_name_that_is_being_typed_is_not_wrong_yet() {
        assert_eq!(shown("sq", Some(2)), "sq");
        assert_eq!(shown("sq + x", Some(6)), "{31:sq} + x");
    }

    #[test]
    fn brackets_are_matched_at_the_cursor() {
        assert_eq!(shown("(x[1])", Some(6)), "{1;33:(}x[{36:1}]{1;33:)}");
        assert_eq!(shown("(x[1])", Some(2)), "(x{1;33:[}{36:1}{1;33:]})");
        assert_eq!(shown("(x", Some(1)), "(x");
    }

    #[test]
    fn continued_lines_have_a_prompt() {
        assert_eq!(shown("(x,\n      x)", None), "(x,\n{90:  ... }x)");
    }

    #[test]
    fn commands_are_known_or_not() {
        assert_eq!(shown(":vars", None), "{1::vars}");
        assert_eq!(shown(":type y", None), "{1::type} {31:y}");
        assert_eq!(shown(":nope y", None), "{31::nope} y");
        assert_eq!(shown(" :load x=1", None), "{1: :load} x=1");
    }
}
