//! The functions of the language as completion and highlighting need them, from the operator tables.

use std::sync::LazyLock;

use fuse::DType;
use fuse::raw::derived::DERIVED;
use fuse::raw::table::{Syntax, TABLE};
use fuse::raw::{FORMS, Parameter};

use crate::info;

/// A function that can be called.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// `sum(a, axis=None, keepdims=False)`
    pub(super) signature: String,
    /// What may be given by name.
    pub(super) keywords: Vec<&'static str>,
}

/// Constants that are no variables.
pub(super) const CONSTANTS: &[&str] = &["pi", "e", "inf", "nan"];

/// Words of the language.
pub(super) const WORDS: &[&str] = &["True", "False", "None", "and", "or", "not", "if", "else"];

/// Modules whose functions are called by their names there.
pub(super) const MODULES: &[&str] = &["np", "numpy", "math"];

/// All functions, sorted by name.
pub(super) static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let mut all: Vec<Function> = rows().chain(forms()).chain(derived()).chain(casts()).collect();
    all.sort_by(|a, b| (a.name, &a.signature).cmp(&(b.name, &b.signature)));
    all
});

/// Is there a function of that name or alias?
pub(super) fn is_function(name: &str) -> bool {
    let row = TABLE.iter().filter(|row| row.syntax == Syntax::Function);
    FUNCTIONS.iter().any(|function| function.name == name)
        || row.flat_map(|row| row.aliases).any(|alias| *alias == name)
        || DERIVED.iter().flat_map(|row| row.aliases).any(|alias| *alias == name)
        || DType::from_name(name).is_some()
}

fn rows() -> impl Iterator<Item = Function> {
    let rows = TABLE.iter().filter(|row| row.syntax == Syntax::Function);
    rows.map(|row| function(row.name, info::written(row), row.op.parameters()))
}

fn forms() -> impl Iterator<Item = Function> {
    FORMS.iter().map(|form| function(form.name, info::form_written(form), form.parameters))
}

fn derived() -> impl Iterator<Item = Function> {
    DERIVED.iter().map(|row| Function {
        name: row.name,
        signature: row.written(),
        keywords: row.parameters.iter().map(|parameter| parameter.name).collect(),
    })
}

fn casts() -> impl Iterator<Item = Function> {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| DType::ALL.iter().map(ToString::to_string).collect());
    NAMES.iter().map(|name| function(name, format!("{name}(a)"), &[]))
}

/// With the parameters behind the operands.
fn function(name: &'static str, written: String, parameters: &'static [Parameter]) -> Function {
    let given =
        |parameter: &Parameter| format!(", {}={}", parameter.name(), parameter.default_text());
    let signature = match written.strip_suffix(')') {
        Some(operands) if !parameters.is_empty() => {
            format!("{operands}{})", parameters.iter().map(given).collect::<String>())
        }
        _ => written,
    };
    Function { name, signature, keywords: parameters.iter().map(|p| p.name()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signatures(name: &str) -> Vec<&'static str> {
        let named = FUNCTIONS.iter().filter(|function| function.name == name);
        named.map(|function| function.signature.as_str()).collect()
    }

    #[test]
    fn signatures_are_those_of_the_tables() {
        assert_eq!(signatures("sqrt"), ["sqrt(a)"]);
        assert_eq!(signatures("sum"), ["sum(a, axis=None, keepdims=False)"]);
        assert_eq!(signatures("var"), ["var(a, axis=None, keepdims=False, ddof=0)"]);
        assert_eq!(signatures("dot"), ["dot(a, b)"]);
        assert_eq!(signatures("round"), ["round(a)", "round(a, decimals)"]);
        assert_eq!(signatures("f32"), ["f32(a)"]);
        assert_eq!(signatures("linspace"), ["linspace(start, stop, num=50)"]);
    }

    #[test]
    fn aliases_are_functions_too() {
        for name in ["sqrt", "arcsin", "mean", "float32", "around"] {
            assert!(is_function(name), "{name}");
        }
        assert!(!is_function("sqr") && !is_function("x"));
    }
}
