//! What the Tab key offers: for each place of a line the names that can stand there.
//!
//! ```text
//! sq|            functions with their signatures, variables with their types, words
//! x.su|          methods and attributes       np.si|     functions
//! sum(x, ax|     axis=, keepdims=
//! :lo|  :set th|  :help ke|  :drop x|  :load x=da|  :save x out/|
//! ```

use fuse::raw::outline::{Ending, Token, TokenKind, ending, tokens};
use fuse::raw::{ATTRIBUTES, METHODS};
use rustyline::completion::{FilenameCompleter, Pair};

use super::catalog::{CONSTANTS, FUNCTIONS, MODULES, WORDS};
use super::command::{COMMANDS, Command, Takes, find, parts};
use super::help;
use super::session::{Session, value_text};
use super::settings::SETTINGS;
use super::words;

/// Where the word begins that is to be replaced, and by what.
pub(super) type Candidates = (usize, Vec<Pair>);

/// Candidates for the word that ends at the end of `before`.
pub(super) fn candidates(session: &Session, before: &str) -> Candidates {
    let start = before.len() - before.trim_start().len();
    let Some(command) = before[start..].strip_prefix(':') else {
        return formula(session, before, 0);
    };
    let (name, arguments) = parts(command);
    if !command.contains(char::is_whitespace) {
        let command = |command: &Command| {
            let gap = if command.arguments.is_empty() { "" } else { " " };
            let shown = format!(":{} {}", command.name, command.arguments);
            pair(shown.trim_end(), format!("{}{gap}", command.name))
        };
        let named = COMMANDS.iter().filter(|command| command.name.starts_with(name));
        return (start + 1, named.map(command).collect());
    }
    let Some(command) = find(name) else { return (before.len(), Vec::new()) };
    arguments_of(session, command.takes, before, before.len() - arguments.len())
}

/// Candidates in a command's arguments, which begin at `start`.
fn arguments_of(session: &Session, takes: Takes, before: &str, start: usize) -> Candidates {
    let arguments = &before[start..];
    let word = start + words::last(arguments);
    let is_first = arguments.trim_start().len() == before.len() - word;
    let nothing = (before.len(), Vec::new());
    match takes {
        Takes::Nothing => nothing,
        Takes::Formula => formula(session, before, start),
        Takes::Variables => begun(before, word, owned(session).collect()),
        Takes::VariableAndFile if is_first => begun(before, word, variables(session).collect()),
        Takes::VariableAndFile | Takes::File => files(before, |_| true),
        Takes::Bindings if before[word..].contains('=') => files(before, is_data),
        Takes::Bindings => nothing,
        Takes::Setting => begun(before, word, settings(arguments, is_first)),
        Takes::Function => begun(before, word, FUNCTIONS.iter().map(|f| same(f.name)).collect()),
        Takes::Topic => begun(before, word, help::topics().map(same).collect()),
    }
}

fn settings(arguments: &str, is_first: bool) -> Vec<Pair> {
    if is_first {
        let setting = |setting: &super::settings::Setting| {
            pair(&format!("{} {}", setting.name, setting.values), format!("{} ", setting.name))
        };
        return SETTINGS.iter().map(setting).collect();
    }
    let name = arguments.split_whitespace().next().unwrap_or("");
    let known = SETTINGS.iter().find(|setting| setting.name == name);
    known.map_or_else(Vec::new, |setting| setting.choices.iter().map(|c| same(c)).collect())
}

/// File names; of files those that are wanted.
fn files(before: &str, wanted: fn(&str) -> bool) -> Candidates {
    let found = FilenameCompleter::new().complete_path(before, before.len());
    let (start, mut files) = found.unwrap_or((before.len(), Vec::new()));
    files.retain(|file| file.replacement.ends_with('/') || wanted(&file.replacement));
    (start, files)
}

fn is_data(file: &str) -> bool {
    [".npy", ".npz"].iter().any(|end| file.ends_with(end))
}

/// Candidates in a formula, which begins at `start`.
fn formula(session: &Session, before: &str, start: usize) -> Candidates {
    let text = &before[start..];
    let nothing = (before.len(), Vec::new());
    if matches!(ending(text), Ending::Text(_)) {
        return nothing;
    }
    let all = tokens(text);
    let touching = all.last().filter(|token| token.span.range().end == text.len());
    let Some(&token) = touching else {
        return begun(before, before.len(), names(session, text, &all));
    };
    let earlier = &all[..all.len() - 1];
    let word = token.span.slice(text);
    let at = start + token.span.range().start;
    match token.kind {
        TokenKind::Attribute => begun(before, at + 1, behind_dot(earlier, text)),
        TokenKind::Stray if word == "." && earlier.last().is_some_and(ends_value) => {
            begun(before, at + 1, behind_dot(earlier, text))
        }
        TokenKind::Name | TokenKind::Word | TokenKind::Stray if is_word(word) => {
            begun(before, at, names(session, text, earlier))
        }
        TokenKind::Name | TokenKind::Word | TokenKind::Stray => nothing,
        TokenKind::Number | TokenKind::Text | TokenKind::Comment => nothing,
        TokenKind::Operator | TokenKind::Open | TokenKind::Separator => {
            begun(before, before.len(), names(session, text, &all))
        }
        TokenKind::Close => nothing,
    }
}

fn is_word(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

fn ends_value(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Name | TokenKind::Attribute | TokenKind::Close)
}

/// Methods and attributes; functions behind the name of a module.
fn behind_dot(earlier: &[Token], text: &str) -> Vec<Pair> {
    let receiver = earlier.last().map_or("", |token| token.span.slice(text));
    if MODULES.contains(&receiver) {
        return functions().collect();
    }
    let methods = METHODS.iter().map(|method| {
        let function = FUNCTIONS.iter().find(|function| function.name == *method);
        // The receiver is the first argument.
        let shown = function.map_or_else(
            || format!("{method}(…)"),
            |function| function.signature.replacen("(a, ", "(", 1).replacen("(a)", "()", 1),
        );
        pair(&shown, format!("{method}("))
    });
    methods.chain(ATTRIBUTES.iter().map(|attribute| same(attribute))).collect()
}

/// All that can stand where a value stands; `earlier` are the tokens before it.
fn names(session: &Session, text: &str, earlier: &[Token]) -> Vec<Pair> {
    let own = session.functions.iter().map(|(name, definition)| {
        let signature = definition.split('=').next().unwrap_or(name).trim_end();
        pair(signature, format!("{name}("))
    });
    let words = CONSTANTS.iter().chain(WORDS).map(|word| same(word));
    keywords(text, earlier)
        .into_iter()
        .chain(variables(session))
        .chain(own)
        .chain(functions())
        .chain(words)
        .collect()
}

fn functions() -> impl Iterator<Item = Pair> {
    FUNCTIONS.iter().map(|function| pair(&function.signature, format!("{}(", function.name)))
}

fn variables(session: &Session) -> impl Iterator<Item = Pair> {
    session
        .values
        .iter()
        .map(|(name, value)| pair(&format!("{name}  {}", value_text(value)), name.clone()))
}

/// Variables and functions of the session.
fn owned(session: &Session) -> impl Iterator<Item = Pair> {
    variables(session).chain(session.functions.iter().map(|(name, _)| same(name)))
}

/// Where an argument begins: the names that it can have. The first one of a function is an operand.
fn keywords(text: &str, earlier: &[Token]) -> Vec<Pair> {
    let Some(last) = earlier.last() else { return Vec::new() };
    let called = innermost(earlier).and_then(|open| earlier[..open].last());
    let is_method = called.is_some_and(|token| token.kind == TokenKind::Attribute);
    let begins = last.kind == TokenKind::Separator || (last.kind == TokenKind::Open && is_method);
    if !begins {
        return Vec::new();
    }
    let name = called.map_or("", |token| token.span.slice(text).trim_start_matches('.').trim());
    let named = FUNCTIONS.iter().filter(|function| function.name == name);
    named
        .flat_map(|function| &function.keywords)
        .map(|keyword| pair(&format!("{keyword}="), format!("{keyword}=")))
        .collect()
}

/// The innermost open bracket.
fn innermost(tokens: &[Token]) -> Option<usize> {
    let mut closed = 0_usize;
    for (position, token) in tokens.iter().enumerate().rev() {
        if token.kind == TokenKind::Close {
            closed += 1;
        } else if token.kind == TokenKind::Open && closed == 0 {
            return Some(position);
        } else if token.kind == TokenKind::Open {
            closed -= 1;
        }
    }
    None
}

fn pair(shown: &str, replacement: String) -> Pair {
    Pair { display: shown.to_string(), replacement }
}

fn same(name: &str) -> Pair {
    pair(name, name.to_string())
}

/// Those that begin with the word from `start` on.
fn begun(before: &str, start: usize, mut all: Vec<Pair>) -> Candidates {
    all.retain(|candidate| candidate.replacement.starts_with(&before[start..]));
    (start, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repl::tests::session;

    fn offered(before: &str) -> Vec<String> {
        let (start, all) = candidates(&session(), before);
        all.iter()
            .map(|candidate| format!("{}{}", &before[..start], candidate.replacement))
            .collect()
    }

    fn shown(before: &str) -> Vec<String> {
        candidates(&session(), before).1.into_iter().map(|candidate| candidate.display).collect()
    }

    #[test]
    fn functions_come_with_signatures_and_variables_with_types() {
        assert_eq!(shown("2*sq"), ["sqrt(a)"]);
        assert_eq!(offered("2*sq"), ["2*sqrt("]);
        assert_eq!(shown("x + m").first().map(String::as_str), Some("m  f32 (2, 3)"));
        assert_eq!(shown("sig"), ["sigmoid(a)", "sign(a)", "signbit(a)"]);
        assert_eq!(offered("is"), ["isclose(", "isfinite(", "isinf(", "isnan("]);
        assert_eq!(shown("f(x) + f"), {
            let mut all = vec!["f(t)".to_string()];
            all.extend(shown("f").into_iter().skip(1));
            all
        });
        assert_eq!(offered("(el"), ["(else"]);
        assert_eq!(offered("np.sqr"), ["np.sqrt("]);
    }

    #[test]
    fn methods_stand_behind_a_dot() {
        assert_eq!(shown("x.su"), ["sum(axis=None, keepdims=False)"]);
        assert_eq!(offered("(x + 1).re"), ["(x + 1).real"]);
        assert_eq!(offered("x.").len(), METHODS.len() + ATTRIBUTES.len());
        assert_eq!(shown("x.conj"), ["conj()", "conjugate(…)"]);
        assert_eq!(offered("2."), [""; 0]);
    }

    #[test]
    fn arguments_have_names() {
        assert_eq!(offered("sum(x, ax"), ["sum(x, axis="]);
        assert_eq!(offered("x.var(0, dd"), ["x.var(0, ddof="]);
        assert_eq!(offered("x.sum(ax"), ["x.sum(axis="]);
        assert_eq!(offered("sum(ax"), [""; 0]);
        assert_eq!(offered("sum(sqrt(x), ke"), ["sum(sqrt(x), keepdims="]);
        assert_eq!(offered("sqrt(x, ax"), [""; 0]);
    }

    #[test]
    fn nothing_is_offered_where_nothing_can_stand() {
        for before in ["'sq", "x # sq", "2.5f", "x)", ":vars x", ":nope x"] {
            assert_eq!(offered(before), [""; 0], "{before}");
        }
    }

    #[test]
    fn commands_and_their_arguments() {
        assert_eq!(offered(":lo"), [":load "]);
        assert_eq!(offered(":va"), [":vars"]);
        assert_eq!(offered(":").len(), COMMANDS.len());
        assert_eq!(offered(":type sq"), [":type sqrt("]);
        assert_eq!(offered(":set th"), [":set threads "]);
        assert_eq!(offered(":set strict o"), [":set strict on", ":set strict off"]);
        assert_eq!(offered(":help key"), [":help keys"]);
        assert_eq!(offered(":drop k"), [":drop k"]);
        assert_eq!(offered(":drop f"), [":drop f"]);
        assert_eq!(offered(":save m"), [":save m"]);
        assert_eq!(offered(":funcs hyp"), [":funcs hypot"]);
    }

    #[test]
    fn files_are_completed() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["data.npy", "data.txt", "my data.npy"] {
            std::fs::write(folder.path().join(name), "").expect("a file");
        }
        let path = folder.path().display();
        assert_eq!(offered(&format!(":load x={path}/da")), [format!(":load x={path}/data.npy")]);
        assert_eq!(
            offered(&format!(":load x={path}/my")),
            [format!(":load x={path}/my\\ data.npy")]
        );
        assert_eq!(offered(&format!(":source {path}/data")).len(), 2);
        assert_eq!(
            offered(&format!(":save m {path}/data.t")),
            [format!(":save m {path}/data.txt")]
        );
        std::fs::create_dir(folder.path().join("my dir")).expect("a folder");
        std::fs::write(folder.path().join("my dir/x.npy"), "").expect("a file");
        let inside = format!(":load k=1 x={path}/my\\ dir/x");
        assert_eq!(offered(&inside), [format!("{inside}.npy")]);
        assert_eq!(offered(":load x"), [""; 0]);
    }
}
