//! Arguments of commands that are no formulas: words between blanks.
//!
//! A backslash makes a blank part of a word, as the completion of file names writes it; so do quotes around
//! it. Quotes stay in the word: in a binding they make a text (`s='two words'`).

/// The words of a command's arguments.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None) => word.get_or_insert_default().extend(letters.next()),
            (blank, None) if blank.is_whitespace() => words.extend(word.take()),
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default().push(letter);
            }
            _ => {
                quote = quote.filter(|&open| open != letter);
                word.get_or_insert_default().push(letter);
            }
        }
    }
    words.extend(word);
    words
}

/// Where the last word begins, which may be empty.
pub(super) fn last(text: &str) -> usize {
    let mut escaped = false;
    let mut start = 0;
    for (at, letter) in text.char_indices() {
        if letter.is_whitespace() && !escaped {
            start = at + letter.len_utf8();
        }
        escaped = letter == '\\' && !escaped;
    }
    start
}

/// A word that is a path: without the quotes around it.
pub(super) fn path(word: &str) -> &str {
    let without = |quote: char| word.strip_prefix(quote)?.strip_suffix(quote);
    without('\'').or_else(|| without('"')).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lie_between_blanks() {
        assert_eq!(split("x=x.npy  y=2"), ["x=x.npy", "y=2"]);
        assert_eq!(split(r"x=my\ file.npy"), ["x=my file.npy"]);
        assert_eq!(split("s='two words' \"a\\b\""), ["s='two words'", "\"a\\b\""]);
        assert_eq!(split("'open end"), ["'open end"]);
        assert!(split("  ").is_empty());
    }

    #[test]
    fn the_last_word_is_the_one_being_typed() {
        assert_eq!(last("a bc"), 2);
        assert_eq!(last("a "), 2);
        assert_eq!(last(r"a x=my\ file"), 2);
        assert_eq!(last(""), 0);
    }

    #[test]
    fn paths_lose_their_quotes() {
        assert_eq!(path("'my file.npy'"), "my file.npy");
        assert_eq!(path("\"a\""), "a");
        assert_eq!(path("'a"), "'a");
        assert_eq!(path("a.npy"), "a.npy");
    }
}
