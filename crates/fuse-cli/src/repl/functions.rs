//! Functions that a session has defined, `f(x) = x*x`.
//!
//! The language has local functions only, so the session puts the definitions that a formula needs before
//! it, each on a line of its own: what they call first, since a function sees earlier ones.

use fuse::raw::outline::{TokenKind, tokens};

/// Named definitions, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(super) struct Functions(Vec<(String, String)>);

impl Functions {
    /// Keeps a definition, instead of one of the same name.
    pub(super) fn define(&mut self, name: &str, definition: &str) {
        self.remove(name);
        self.0.push((name.to_string(), definition.to_string()));
    }

    /// Forgets a definition; was there one?
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(known, _)| known != name);
        self.0.len() < before
    }

    /// Names and definitions.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, definition)| (name.as_str(), definition.as_str()))
    }

    /// The text with the definitions that it needs before it.
    pub(super) fn before(&self, text: &str) -> String {
        let mut needed = Vec::new();
        self.need(text, &mut needed);
        let lines = needed.iter().filter_map(|name| self.find(name));
        lines.map(|definition| format!("{definition}\n")).chain([text.to_string()]).collect()
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, definition)| definition)
    }

    /// Adds what the text calls to `needed`, callees before callers. Depth: the number of functions.
    fn need<'f>(&'f self, text: &str, needed: &mut Vec<&'f str>) {
        let mut open = Vec::new();
        self.visit(text, needed, &mut open);
    }

    fn visit<'f>(&'f self, text: &str, needed: &mut Vec<&'f str>, open: &mut Vec<&'f str>) {
        if self.0.is_empty() {
            return;
        }
        for token in tokens(text).iter().filter(|token| token.kind == TokenKind::Name) {
            let called = token.span.slice(text);
            let Some((name, definition)) = self.iter().find(|(name, _)| *name == called) else {
                continue;
            };
            // A cycle is left to the compiler, which says so.
            if !needed.contains(&name) && !open.contains(&name) {
                open.push(name);
                self.visit(definition, needed, open);
                open.pop();
                needed.push(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_stand_before_their_use() {
        let mut functions = Functions::default();
        functions.define("g", "g(x) = f(x) + 1");
        functions.define("f", "f(x) = x*x");
        functions.define("h", "h(x) = x");
        assert_eq!(functions.before("x + 1"), "x + 1");
        assert_eq!(functions.before("g(2)"), "f(x) = x*x\ng(x) = f(x) + 1\ng(2)");
        functions.define("f", "f(x) = g(x)");
        assert_eq!(functions.before("f(1)"), "g(x) = f(x) + 1\nf(x) = g(x)\nf(1)");
        assert!(functions.remove("h") && !functions.remove("h"));
        assert_eq!(functions.before("h(1)"), "h(1)");
    }
}
