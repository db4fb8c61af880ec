//! What other languages have and this one lacks: each with its code, and what to write instead.

use crate::builder::Token;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, quoted};
use crate::group::Kind;
use crate::precedence::Rule;
use crate::span::Span;

/// Whether the token is an operator that the grammar reads, but the language lacks.
pub(crate) fn is_foreign(rule: Rule) -> bool {
    matches!(rule, Rule::foreign_infix | Rule::foreign_word | Rule::bang | Rule::matmul)
}

/// The error for a token that the language lacks, and whether it makes the rest of its bracket
/// meaningless, other such tokens aside. `inside` tells brackets from the top of a statement.
pub(crate) fn check(token: &Token<'_>, span: Span, inside: bool) -> Option<(Diagnostic, bool)> {
    let text = token.as_str();
    match token.as_rule() {
        Rule::foreign_infix | Rule::foreign_word => Some((foreign_infix(text, span), text == "?")),
        Rule::bang => {
            let error = foreign(text, span).help("write `~x` or `not x`");
            Some((error, false))
        }
        Rule::matmul => Some((matmul(span), false)),
        Rule::walrus => {
            let error = Diagnostic::new(Code::Walrus, "`:=` is not supported")
                .at(span, "")
                .help("assign in a statement of its own: `d = x - y; d*d`");
            Some((error, true))
        }
        Rule::reserved => Some((reserved(text, span, inside), true)),
        Rule::unknown => Some((unknown(text, span), true)),
        _ => None,
    }
}

fn foreign(text: &str, span: Span) -> Diagnostic {
    let message = format!("{} is not an operator here", quoted(text));
    Diagnostic::new(Code::ForeignOperator, message).at(span, "")
}

fn foreign_infix(text: &str, span: Span) -> Diagnostic {
    let help = match text {
        "&&" => "write `and`, or `&` with brackets around both comparisons: `(a > 0) & (b > 0)`",
        "||" => "write `or`, or `|` with brackets around both comparisons: `(a > 0) | (b > 0)`",
        "?" => "write `x if c else y`, or `where(c, x, y)`",
        "<>" | "!==" => "write `!=`",
        "===" => "write `==`",
        "=>" => "write `>=`",
        "->" => "an attribute is written with a dot: `x.real`",
        "is" => "write `==`",
        "in" => "for text, write `contains(text, part)`; for numbers, `(x == 1) | (x == 2)`",
        words if words.starts_with("is") => "write `!=`",
        _ => "for text, write `~contains(text, part)`; for numbers, `(x != 1) & (x != 2)`",
    };
    foreign(text, span).help(help)
}

fn matmul(span: Span) -> Diagnostic {
    Diagnostic::new(Code::Matmul, "matrix products are not supported")
        .at(span, "")
        .help("for two vectors, write `dot(a, b)`")
        .help("for small matrices, write `sum(a[:, :, None] * b[None, :, :], axis=1)`")
}

fn reserved(text: &str, span: Span, inside: bool) -> Diagnostic {
    let not_supported =
        |code, what: &str| Diagnostic::new(code, format!("{what} not supported")).at(span, "");
    match text {
        "lambda" => not_supported(Code::Lambda, "`lambda` is")
            .help("define a local function: `f(x) = x*x + 1; f(a)`"),
        "for" | "async" if inside => not_supported(Code::Comprehension, "comprehensions are")
            .help("formulas work on whole arrays: `sum(x*x)` for `sum(v*v for v in x)`"),
        "for" | "while" => not_supported(Code::Loop, &format!("`{text}` is")).help(
            "formulas work on whole arrays: write the body once, with reductions such as `sum`",
        ),
        "def" | "return" => {
            Diagnostic::new(Code::ReservedWord, format!("`{text}` is not supported"))
                .at(span, "")
                .help("define a local function with `f(x, y) = x*y + x`")
        }
        "import" | "from" => {
            Diagnostic::new(Code::ReservedWord, format!("`{text}` is not supported"))
                .at(span, "")
                .help("all functions are there without it; a leading `np.` is dropped")
        }
        "elif" => Diagnostic::new(Code::ReservedWord, "`elif` is not supported")
            .at(span, "")
            .help("write `x if a else y if b else z`"),
        _ => Diagnostic::new(Code::ReservedWord, format!("`{text}` is a reserved word"))
            .at(span, "")
            .help("choose another name"),
    }
}

fn unknown(text: &str, span: Span) -> Diagnostic {
    let message = format!("invalid character {}", quoted(text));
    let error = Diagnostic::new(Code::InvalidCharacter, message).at(span, "");
    match text {
        "\u{2018}" | "\u{2019}" | "\u{201c}" | "\u{201d}" | "`" | "\u{b4}" => {
            error.help("texts stand in straight quotes: `'text'`")
        }
        "\u{2212}" | "\u{2013}" | "\u{2014}" => error.help("write `-`"),
        "\u{d7}" | "\u{b7}" | "\u{22c5}" => error.help("write `*`"),
        "\u{f7}" => error.help("write `/`"),
        "\u{2264}" => error.help("write `<=`"),
        "\u{2265}" => error.help("write `>=`"),
        "\u{2260}" => error.help("write `!=`"),
        "\u{b2}" => error.help("write `**2`"),
        "\u{b3}" => error.help("write `**3`"),
        "\u{221a}" => error.help("write `sqrt(x)`"),
        "{" | "}" => error.help("brackets are `(` `)` and `[` `]`"),
        "." => error.help("an attribute has a name, `x.real`; a number has digits, `0.5`"),
        "\\" => error.help("a backslash continues a line, as the last character of it"),
        _ if text.chars().all(char::is_whitespace) => error.help("write an ordinary space"),
        _ => error,
    }
}

/// The error for `=` or `+=` within an expression.
pub(crate) fn assignment(token: &Token<'_>, span: Span, kind: Kind, start: bool) -> Diagnostic {
    let symbol = token.as_str();
    if kind == Kind::Root && !start {
        return Diagnostic::new(Code::InvalidTarget, "only one name can stand left of `=`")
            .at(span, "several values stand before this")
            .help("write one assignment for each: `a = x; b = y`");
    }
    if token.as_rule() == Rule::augmented {
        let message = format!("`{symbol}` inside of an expression");
        return Diagnostic::new(Code::AssignmentInExpression, message)
            .at(span, "stands at the start of a statement only")
            .help("assign in a statement of its own: `x += 1; x*x`");
    }
    let error = Diagnostic::new(Code::AssignmentInExpression, "`=` inside of an expression")
        .at(span, "assigns a name at the start of a statement")
        .help("to compare, write `==`");
    match kind {
        Kind::Root => error.help("to assign the same value twice, write `a = x; b = a`"),
        Kind::Call => error.note("before the `=` of an argument stands one name: `axis=0`"),
        Kind::Round | Kind::Subscript | Kind::Square | Kind::IndexList | Kind::Condition => error,
    }
}
