//! `fuse explain E0101`: what an error code means; `fuse explain E` and `E02`: the list of codes.
//!
//! All of it is read from the table of codes (`fuse-syntax/src/code.rs`).

use std::io::Write as _;

use fuse::raw::{Code, EXAMPLE_LIMIT, EXAMPLE_VARIABLES};

use crate::explain::filled;
use crate::failure::Failure;
use crate::suggest::did_you_mean;

/// A code, or the beginning of one in capitals? No formula with a variable of such a name comes without
/// a binding, and `e` is a number.
pub(crate) fn names_codes(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['E', 'e']).unwrap_or("x");
    let is_code = digits.len() == 4 || text.starts_with('E') && digits.len() < 4;
    is_code && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Explains the code, or lists those that begin so.
pub(crate) fn explain(text: &str) -> Result<(), Failure> {
    let text = text.trim().to_uppercase();
    let mut out = std::io::stdout().lock();
    if let Ok(code) = text.parse() {
        return Ok(out.write_all(explanation(code).as_bytes())?);
    }
    let listed = Code::ALL.iter().filter(|code| code.number().starts_with(&text));
    let lines: Vec<String> = listed.map(|code| format!("{code}  {}\n", code.title())).collect();
    if lines.is_empty() {
        return Err(unknown(&text));
    }
    Ok(out.write_all(lines.concat().as_bytes())?)
}

fn unknown(text: &str) -> Failure {
    let near = did_you_mean(text, Code::ALL.iter().map(|code| code.number()));
    Failure::Corrected {
        message: format!("no error has the code {text}"),
        help: near.unwrap_or_else(|| "`fuse explain E` lists them".to_string()),
    }
}

/// Title, explanation, example.
fn explanation(code: Code) -> String {
    let example = code.example();
    format!(
        "{code}: {}\n\n{}\n\nWrong{}:\n    {}\nRight:\n    {}\n",
        code.title(),
        filled(code.explanation()),
        setting(code),
        example.mistake,
        example.correction,
    )
}

/// What else belongs to an example: a limit, or variables that are not f64.
fn setting(code: Code) -> String {
    if code.is_limit() {
        return format!(", where the limit is {EXAMPLE_LIMIT}");
    }
    let mistake = code.example().mistake;
    let words: Vec<&str> = mistake.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let other = EXAMPLE_VARIABLES.iter().filter(|(_, dtype)| *dtype != "f64");
    let used = other.filter(|(name, _)| words.contains(name));
    let said: Vec<String> = used.map(|(name, dtype)| format!("`{name}` is {dtype}")).collect();
    if said.is_empty() { String::new() } else { format!(", where {}", said.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_formulas() {
        for text in ["E0101", "e0101", " E0101\n", "E", "E01", "E9999"] {
            assert!(names_codes(text), "{text}");
        }
        for text in ["e", "e1", "E + 1", "E01012", "Ex", "x", ""] {
            assert!(!names_codes(text), "{text}");
        }
    }

    #[test]
    fn an_explanation_has_an_example() {
        let text = explanation(Code::NegativeIntegerPower);
        assert!(text.starts_with("E0303: integer to a negative power\n\n"), "{text}");
        assert!(text.contains("\n\nWrong, where `i` is i64:\n    i**-1\nRight:\n"), "{text}");
        assert!(explanation(Code::TooManyResults).contains("Wrong, where the limit is 3:\n"));
    }
}
