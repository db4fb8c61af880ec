//! `:help`: the list of commands, pages about topics, commands, functions and the codes of errors.

use fuse::raw::Code;

use super::catalog::{self, FUNCTIONS};
use super::command::{COMMANDS, Command, Takes, find};
use super::settings::SETTINGS;
use crate::explain::filled;
use crate::failure::Failure;

/// Pages that are no command's.
pub(super) const TOPICS: &[(&str, &str)] = &[
    (
        "formulas",
        "FORMULA                evaluates and prints it; `_` is the last result\n\
         a + b, sum(x)          several results; `_` is the last of them\n\
         d = a - b; d*d         a program: its names are its own, its result is printed\n\
         NAME = FORMULA         keeps a value under a name; NAME += FORMULA changes it\n\
         f(x, y) = x*y + 1      keeps a function\n\
         # text                 a comment\n\
         \n\
         Formulas are Python and NumPy expressions: x**2, x[1:], where(x > 0, x, -x).\n\
         One goes on in the next line while a bracket is open, and after an operator or\n\
         a backslash; an empty line ends it. A text ends on its line.\n",
    ),
    (
        "keys",
        "Tab                    completes names, functions, methods, commands and files\n\
         Up, Down, Ctrl-R       earlier lines; search them\n\
         Ctrl-C                 stops what runs; at the prompt, throws the line away\n\
         Ctrl-D                 ends the session\n\
         Ctrl-A, Ctrl-E         beginning and end of the line\n\
         Ctrl-W, Ctrl-U, Ctrl-K delete a word, all before, all behind; Ctrl-Y: undelete\n\
         Ctrl-L                 clears the screen\n\
         \n\
         A line that begins with a blank is not kept in the history.\n",
    ),
];

/// The page about a topic; without one, the list of commands.
pub(super) fn page(topic: &str) -> Result<String, Failure> {
    let topic = topic.strip_prefix(':').unwrap_or(topic);
    if topic.is_empty() {
        return Ok(list());
    }
    if let Some((_, text)) = TOPICS.iter().find(|(name, _)| *name == topic) {
        return Ok((*text).to_string());
    }
    if let Some(command) = find(topic) {
        return Ok(about(command.name));
    }
    if let Ok(code) = topic.parse::<Code>() {
        return Ok(format!("{code}: {}\n\n{}\n", code.title(), filled(code.explanation())));
    }
    if catalog::is_function(topic) {
        crate::info::list_functions(topic)?;
        return Ok(String::new());
    }
    Err(unknown(topic))
}

fn list() -> String {
    let constructs = [
        ("FORMULA", "evaluate and print it; `_` is the last result"),
        ("NAME = FORMULA", "keep its value under a name"),
        ("f(x) = FORMULA", "keep a function"),
    ];
    let constructs = constructs.map(|(usage, help)| (usage.to_string(), help));
    let usage = |command: &Command| format!(":{} {}", command.name, command.arguments);
    let commands = COMMANDS.iter().map(|command| (usage(command), command.help));
    let rows: Vec<(String, &str)> = constructs.into_iter().chain(commands).collect();
    let width = rows.iter().map(|(usage, _)| usage.chars().count()).max().unwrap_or(0);
    let mut text: String =
        rows.iter().map(|(usage, help)| format!("{usage:width$}  {help}\n")).collect();
    let topics: Vec<String> = TOPICS.iter().map(|(name, _)| format!(":help {name}")).collect();
    text.push_str(&format!("\nMore: {}. Tab completes.\n", topics.join(", ")));
    text
}

/// A command's page.
fn about(name: &str) -> String {
    let Some(command) = find(name) else { return String::new() };
    let mut text = format!(":{} {}\n\n{}\n", name, command.arguments, command.help);
    if !command.more.is_empty() {
        text.push_str(&format!("{}\n", filled(command.more)));
    }
    if command.takes == Takes::Setting {
        for setting in SETTINGS {
            let usage = format!("{} {}", setting.name, setting.values);
            text.push_str(&format!("  {usage:18} {}\n", setting.help));
        }
    }
    text
}

/// All that there is help about.
pub(super) fn topics() -> impl Iterator<Item = &'static str> {
    let commands = COMMANDS.iter().map(|command| command.name);
    let functions = FUNCTIONS.iter().map(|function| function.name);
    TOPICS.iter().map(|(name, _)| *name).chain(commands).chain(functions)
}

fn unknown(topic: &str) -> Failure {
    let hint = match fuse::raw::nearest(topic, topics()) {
        Some(near) => format!("did you mean `:help {near}`?"),
        None => ":help lists the commands".to_string(),
    };
    Failure::Usage(format!("there is no help about `{}`; {hint}", topic.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_about_everything() {
        let list = page("").expect("the list");
        for command in COMMANDS {
            assert!(list.contains(&format!("\n:{}", command.name)), "{}", command.name);
            let own = page(command.name).expect(command.name);
            assert!(own.contains(command.help), "{}", command.name);
        }
        for (topic, text) in TOPICS {
            assert!(list.contains(&format!(":help {topic}")), "{topic}");
            assert_eq!(page(topic).expect(topic), *text);
        }
        assert!(page("e0102").expect("a code").starts_with("E0102: missing operand\n"));
        assert!(page("set").expect("a command").contains("threads N|all"));
        for line in list.lines().chain(TOPICS.iter().flat_map(|(_, text)| text.lines())) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn unknown_topics_get_a_suggestion() {
        let Err(Failure::Usage(message)) = page("formula") else { panic!("a page") };
        assert!(message.ends_with("did you mean `:help formulas`?"), "{message}");
    }
}
