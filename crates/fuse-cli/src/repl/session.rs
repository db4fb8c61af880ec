//! The variables of a session, and what a line does to them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{Write as _, stdout};

use fuse::raw::shape_text;
use fuse::{Array, Engine, ErrorKind};

use super::command;
use crate::args::Format;
use crate::binding::{self, Binding, Source};
use crate::check::result_text;
use crate::eval::{Values, types, variables};
use crate::failure::Failure;
use crate::interrupt::interruptible;
use crate::value::{Access, Value};
use crate::{number, print};

/// The last printed result.
const LAST: &str = "_";

pub(super) struct Session {
    engine: Engine,
    access: Access,
    format: Format,
    values: Values,
}

/// What comes after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Go,
    Quit,
}

impl Session {
    pub(super) fn new(engine: Engine, access: Access, format: Format) -> Session {
        Session { engine, access, format, values: Values::new() }
    }

    /// Does what a line says.
    pub(super) fn line(&mut self, line: &str) -> Result<Next, Failure> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(Next::Go);
        }
        if let Some(command) = line.strip_prefix(':') {
            return command::run(self, command);
        }
        match assignment(line) {
            Some((name, value)) => self.assign(name, &value)?,
            None => self.print(line)?,
        }
        Ok(Next::Go)
    }

    /// A plain number stays plain: it gives way to the arrays it meets.
    fn assign(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        let value = match number::parse(text) {
            Some(scalar) => Value::Scalar(scalar.map_err(Failure::Usage)?),
            None => Value::Array(self.evaluate_one(name, text)?),
        };
        self.set(name, value);
        Ok(())
    }

    fn evaluate_one(&self, name: &str, text: &str) -> Result<Array, Failure> {
        let mut arrays = match self.engine.formula(text)?.results().len() {
            1 => self.evaluate(text)?,
            _ => Vec::new(),
        };
        let several = || Failure::Usage(format!("`{name}` takes one value, not several"));
        arrays.pop().ok_or_else(several)
    }

    /// Prints all results; `_` is the last one of them.
    fn print(&mut self, text: &str) -> Result<(), Failure> {
        let mut arrays = self.evaluate(text)?;
        let formula = self.engine.formula(text)?;
        interruptible(|token| print::print_all(&formula, &arrays, self.format, token))?;
        if let Some(last) = arrays.pop() {
            self.set(LAST, Value::Array(last));
        }
        Ok(())
    }

    fn evaluate(&self, text: &str) -> Result<Vec<Array>, Failure> {
        let vars = variables(&self.values)?;
        let result = interruptible(|token| self.engine.with_cancel(token).evaluate_all(text, vars));
        match result {
            // Types of all variables: what "did you mean" chooses from.
            Err(error) if error.kind() == ErrorKind::Name => {
                let checked = self.engine.formula(text)?.outputs(&types(&self.values)?);
                Err(checked.err().unwrap_or(error).into())
            }
            other => Ok(other?),
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name.to_string(), value)),
        }
    }

    /// Loads a variable.
    pub(super) fn load(&mut self, binding: &Binding) -> Result<(), Failure> {
        let value = Value::load(&binding.source, self.access)?;
        self.set(&binding.name, value);
        Ok(())
    }

    /// `:load x=x.npy y=y.npy`.
    pub(super) fn load_all(&mut self, arguments: &str) -> Result<(), Failure> {
        if arguments.is_empty() {
            return Err(Failure::Usage("expected :load NAME=FILE".to_string()));
        }
        for argument in arguments.split_whitespace() {
            let binding = Binding::parse(OsStr::new(argument))?;
            if matches!(binding.source, Source::Stdin) {
                let message = "standard input is taken; give a file";
                return Err(Failure::Usage(message.to_string()));
            }
            self.load(&binding)?;
        }
        Ok(())
    }

    /// `:vars`.
    pub(super) fn list(&self) -> Result<(), Failure> {
        let mut out = stdout().lock();
        let width = self.values.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in &self.values {
            let what = match value {
                Value::Scalar(_) => "number".to_string(),
                Value::Array(_) | Value::File(_) => shape_text(value.shape()),
            };
            writeln!(out, "{name:width$}  {} {what}", value.dtype())?;
        }
        Ok(())
    }

    /// `:type E`.
    pub(super) fn show_type(&self, text: &str) -> Result<(), Failure> {
        let results = self.engine.formula(text)?.outputs(&types(&self.values)?)?;
        let results: Vec<String> = results.iter().map(result_text).collect();
        Ok(writeln!(stdout(), "{}", results.join("; "))?)
    }
}

/// The name and the value of `name = value`, and of `name += value`, which is a program of two
/// statements; other programs are formulas.
fn assignment(line: &str) -> Option<(&str, Cow<'_, str>)> {
    let (left, value) = line.split_once('=')?;
    let name = left.trim_end().trim_end_matches(|letter| "+-*/%&|^<>".contains(letter));
    let (name, operator) = (name.trim_end(), left[name.len()..].trim_end());
    let compares = value.starts_with('=') || matches!(operator, "<" | ">");
    if !binding::is_name(name) || compares || value.contains(';') {
        return None;
    }
    let augmented = || format!("{line}\n{name}").into();
    Some((name, if operator.is_empty() { value.trim().into() } else { augmented() }))
}

#[cfg(test)]
mod tests {
    use super::assignment;

    #[test]
    fn assignments_are_told_from_formulas() {
        for (line, value) in [
            ("x = 1 + 2", "1 + 2"),
            ("x=y == 2", "y == 2"),
            ("x = -y", "-y"),
            ("x += 2", "x += 2\nx"),
            ("x **= y == 2", "x **= y == 2\nx"),
            ("x>>=1", "x>>=1\nx"),
        ] {
            assert_eq!(assignment(line), Some(("x", value.into())), "{line}");
        }
        for formula in [
            "x == 1",
            "x <= 1",
            "x >= y",
            "x != y",
            "f(x) = x; f(2)",
            "d = x; d*d",
            "sum(x, axis=0)",
        ] {
            assert_eq!(assignment(formula), None, "{formula}");
        }
    }
}
