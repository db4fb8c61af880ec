//! What an editor wants to know of a text that is being typed: its tokens, whether it goes on, what it binds.
//!
//! ```text
//! sum(x**2,        Ending::Bracket      )  is missing
//! 2*a +            Ending::Operator     a value is missing
//! d = x - y        Bound::Value  d      and no result
//! ```
//!
//! *Invariant.* Nothing here decides what the language is: scan, grammar and parser do, the same as for
//! [`crate::parse`].

use crate::ast::Statement;
use crate::limits::SyntaxLimits;
use crate::precedence::{Grammar, Role, Rule, binary, comparison, role, unary};
use crate::scan::{self, Unfinished};
use crate::span::Span;
use pest::Parser;

/// A token, as an editor shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `42`, `3.5f64`.
    Number,
    /// `'text'`.
    Text,
    /// A name.
    Name,
    /// `.real`, with its dot.
    Attribute,
    /// `and`, `if`, `True`.
    Word,
    /// `+`, `<=`, `=`.
    Operator,
    /// `(`, `[`.
    Open,
    /// `)`, `]`.
    Close,
    /// `,`, `;`, `:`.
    Separator,
    /// `# ...`
    Comment,
    /// A character or a word that the language lacks.
    Stray,
}

/// The tokens of a text, comments included, in order. Of a text that cannot be read so there are none.
pub fn tokens(source: &str) -> Vec<Token> {
    let Ok(parsed) = Grammar::parse(Rule::statement, source) else { return Vec::new() };
    let mut tokens: Vec<Token> = Vec::new();
    for pair in parsed.flat_map(|statement| statement.into_inner()) {
        let (start, end) = (pair.as_span().start(), pair.as_span().end());
        comment(source, last_end(&tokens), start, &mut tokens);
        let kind = kind(pair.as_rule(), pair.as_str());
        if start < end {
            tokens.push(Token { kind, span: Span::of(start..end) });
        }
    }
    comment(source, last_end(&tokens), source.len(), &mut tokens);
    tokens
}

fn last_end(tokens: &[Token]) -> usize {
    tokens.last().map_or(0, |token| token.span.range().end)
}

/// What lies between two tokens is blank, or comments.
fn comment(source: &str, from: usize, to: usize, tokens: &mut Vec<Token>) {
    let gap = source.get(from..to).unwrap_or("");
    let mut at = from;
    for line in gap.split_inclusive('\n') {
        if let Some(hash) = line.find('#') {
            let span = Span::of(at + hash..at + line.trim_end().len());
            tokens.push(Token { kind: TokenKind::Comment, span });
        }
        at += line.len();
    }
}

fn kind(rule: Rule, text: &str) -> TokenKind {
    match rule {
        Rule::integer | Rule::float | Rule::imaginary | Rule::suffixed => TokenKind::Number,
        Rule::text => TokenKind::Text,
        Rule::name => TokenKind::Name,
        Rule::attribute => TokenKind::Attribute,
        Rule::true_literal | Rule::false_literal | Rule::none => TokenKind::Word,
        Rule::and | Rule::or | Rule::not | Rule::if_word | Rule::else_word => TokenKind::Word,
        Rule::open_round | Rule::open_square | Rule::call | Rule::subscript => TokenKind::Open,
        Rule::close_round | Rule::close_square => TokenKind::Close,
        Rule::comma | Rule::colon => TokenKind::Separator,
        Rule::assign | Rule::augmented | Rule::ellipsis => TokenKind::Operator,
        Rule::unknown if text == ";" => TokenKind::Separator,
        _ if !is_foreign(rule) && matches!(role(rule), Role::Infix | Role::Prefix) => {
            TokenKind::Operator
        }
        _ => TokenKind::Stray,
    }
}

fn is_foreign(rule: Rule) -> bool {
    matches!(rule, Rule::matmul | Rule::foreign_infix | Rule::foreign_word | Rule::bang)
}

/// How a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is missing at its end; it may be wrong otherwise.
    Complete,
    /// A bracket is open: the text goes on in the next line.
    Bracket,
    /// Its last line ends with a backslash, and goes on in the next.
    Backslash,
    /// An operator waits for its value; its token ends here.
    Operator(usize),
    /// A text literal is open, from here on. It must end on its line.
    Text(usize),
}

/// How a text ends: whether more of it could make it a program.
pub fn ending(source: &str) -> Ending {
    let spans = match scan::unfinished(source, &SyntaxLimits::default().capped()) {
        Unfinished::Bracket => return Ending::Bracket,
        Unfinished::Text(start) => return Ending::Text(start),
        Unfinished::Wrong => return Ending::Complete,
        Unfinished::Statements(spans) => spans,
    };
    let Some(&last) = spans.last() else { return Ending::Complete };
    let Ok(parsed) = Grammar::parse(Rule::statement, last.slice(source)) else {
        return Ending::Complete;
    };
    let tokens = parsed.flat_map(|statement| statement.into_inner());
    let Some(token) = tokens.filter(|token| !token.as_str().is_empty()).last() else {
        return Ending::Complete;
    };
    match token.as_rule() {
        Rule::unknown if token.as_str() == "\\" && source.ends_with('\\') => Ending::Backslash,
        rule if waits(rule) => Ending::Operator(last.range().end),
        _ => Ending::Complete,
    }
}

/// Must a value follow the token, on whatever line?
fn waits(rule: Rule) -> bool {
    let word = matches!(rule, Rule::if_word | Rule::else_word | Rule::assign | Rule::augmented);
    word || unary(rule).is_some() || binary(rule).is_some() || comparison(rule).is_some()
}

/// A statement that binds a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `name = value`, `name += value`.
    Value {
        /// The name.
        name: String,
        /// The statement.
        statement: Span,
        /// What stands right of `=`; none where the statement is augmented.
        value: Option<Span>,
    },
    /// `name(...) = body`.
    Function {
        /// The name.
        name: String,
        /// The statement.
        statement: Span,
    },
}

/// What a text of assignments and definitions alone binds, in order. None where the text has
/// results, or is no program.
pub fn bound(source: &str) -> Option<Vec<Bound>> {
    let with_result = format!("{source}\n0");
    let ast = crate::parse(&with_result, &SyntaxLimits::default()).ok()?;
    let (_result, statements) = ast.statement_spans().split_last()?;
    let bound = statements.iter().filter_map(|&(statement, span)| match statement {
        Statement::Assign { name, target, op, .. } => {
            let value = op.is_none().then(|| right_of(source, target, span));
            Some(Bound::Value { name: ast.name(name).to_string(), statement: span, value })
        }
        Statement::Function { name, .. } => {
            Some(Bound::Function { name: ast.name(name).to_string(), statement: span })
        }
        Statement::Results(_) => None,
    });
    let bound: Vec<Bound> = bound.collect();
    (!bound.is_empty()).then_some(bound)
}

/// What stands right of the `=` behind a target: brackets included, which the value's node leaves out.
fn right_of(source: &str, target: Span, statement: Span) -> Span {
    let rest = Span::new(target.end, statement.end);
    let text = rest.slice(source);
    let value = text.split_once('=').map_or("", |(_, value)| value.trim_start());
    Span::of(rest.range().end - value.len()..rest.range().end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_go_on() {
        for (source, expected) in [
            ("sum(x,", Ending::Bracket),
            ("x[1:", Ending::Bracket),
            ("(a # with ) in a comment", Ending::Bracket),
            ("(a +", Ending::Bracket),
            ("a +", Ending::Operator(3)),
            ("a + # one more", Ending::Operator(3)),
            ("a = 1; b +", Ending::Operator(10)),
            ("a ** -", Ending::Operator(6)),
            ("f(x) =", Ending::Operator(6)),
            ("x +=", Ending::Operator(4)),
            ("x if c else", Ending::Operator(11)),
            ("a and not", Ending::Operator(9)),
            ("a < b ==", Ending::Operator(8)),
            ("a \\", Ending::Backslash),
            ("s == 'ab", Ending::Text(5)),
            ("contains(s, \"ab", Ending::Text(12)),
        ] {
            assert_eq!(ending(source), expected, "{source}");
        }
    }

    #[test]
    fn texts_that_do_not() {
        for source in [
            "",
            "a + b",
            "# a (",
            "a + b # (",
            "f(x) = x*x",
            "x = 1",
            "a, b,",
            "a)",
            "(a]",
            "(a; b",
            "'a\n",
            "a @",
            "'(' ",
            "a \\ ",
        ] {
            assert_eq!(ending(source), Ending::Complete, "{source}");
        }
    }

    #[test]
    fn tokens_are_told_apart() {
        use TokenKind::*;
        let source = "np.sin(x.T[1:]) if 2.5f32 <= 'a' else ? # end";
        let kinds: Vec<TokenKind> = tokens(source).iter().map(|token| token.kind).collect();
        let expected = [
            Name, Attribute, Open, Name, Attribute, Open, Number, Separator, Close, Close, Word,
            Number, Operator, Text, Word, Stray, Comment,
        ];
        assert_eq!(kinds, expected);
        let texts: Vec<&str> =
            tokens("a + # one\n(b").iter().map(|t| t.span.slice("a + # one\n(b")).collect();
        assert_eq!(texts, ["a", "+", "# one", "(", "b"]);
        assert!(tokens("").is_empty());
    }

    #[test]
    fn statements_that_bind() {
        let names = |source| {
            let name = |bound: &Bound| match bound {
                Bound::Value { name, value, statement } => {
                    let value = value.map_or("augmented", |value| value.slice(source));
                    format!("{name} = {value} in {}", statement.slice(source))
                }
                Bound::Function { name, statement } => {
                    format!("{name}() in {}", statement.slice(source))
                }
            };
            bound(source).map(|all| all.iter().map(name).collect::<Vec<_>>())
        };
        let of = |list: &[&str]| Some(list.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(names("x = 2.5 # a half"), of(&["x = 2.5 in x = 2.5"]));
        assert_eq!(names("x = (1 + 2)"), of(&["x = (1 + 2) in x = (1 + 2)"]));
        assert_eq!(names("x += 1"), of(&["x = augmented in x += 1"]));
        assert_eq!(
            names("f(x) = x*x; y = f(2)"),
            of(&["f() in f(x) = x*x", "y = f(2) in y = f(2)"])
        );
        for source in ["x == 1", "x = 1; x", "sum(x, axis=0)", "x = ", "x[0] = 1", "", "# x = 1"] {
            assert_eq!(names(source), None, "{source}");
        }
    }
}
