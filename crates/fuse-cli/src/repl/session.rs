//! The variables of a session, and what a construct does to them.

use std::io::{Write as _, stdout};

use fuse::raw::outline::{Bound, bound};
use fuse::raw::{ResultShape, shape_text};
use fuse::{Array, CancelToken, Engine, Formula, Vars};

use super::command;
use super::functions::Functions;
use super::input::constructs;
use super::settings::Settings;
use crate::binding::{Binding, Source};
use crate::eval::{Values, types, variables};
use crate::failure::{Failure, INTERRUPTED};
use crate::interrupt::interruptible;
use crate::print::Printer;
use crate::value::{Access, Value};
use crate::{number, print};

/// The last printed result.
pub(super) const LAST: &str = "_";

pub(super) struct Session {
    pub(super) engine: Engine,
    pub(super) settings: Settings,
    pub(super) access: Access,
    pub(super) values: Values,
    pub(super) functions: Functions,
    /// Scripts that are being sourced.
    pub(super) depth: usize,
}

/// What comes after a construct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Go,
    Quit,
}

impl Session {
    pub(super) fn new(settings: Settings, access: Access) -> Result<Session, Failure> {
        Ok(Session {
            engine: settings.engine()?,
            settings,
            access,
            values: Values::new(),
            functions: Functions::default(),
            depth: 0,
        })
    }

    /// Does what a text says, construct by construct: a pasted text has several.
    pub(super) fn run_all(&mut self, text: &str) -> Result<Next, Failure> {
        for construct in constructs(text) {
            if self.run(&construct)? == Next::Quit {
                return Ok(Next::Quit);
            }
        }
        Ok(Next::Go)
    }

    /// Does what one construct says.
    pub(super) fn run(&mut self, text: &str) -> Result<Next, Failure> {
        let text = text.trim();
        let is_comment = text.lines().all(|line| line.trim_start().starts_with('#'));
        if is_comment {
            return Ok(Next::Go);
        }
        if let Some(command) = text.strip_prefix(':') {
            return command::run(self, command);
        }
        let Some(all) = bound(text) else { return self.print(text).map(|()| Next::Go) };
        for one in all {
            match one {
                Bound::Function { name, statement } => {
                    self.define(&name, statement.slice(text))?;
                }
                Bound::Value { name, statement, value } => {
                    let value = value.map(|value| value.slice(text));
                    self.assign(&name, statement.slice(text), value)?;
                }
            }
        }
        Ok(Next::Go)
    }

    /// A plain number stays plain: it gives way to the arrays it meets.
    fn assign(&mut self, name: &str, statement: &str, value: Option<&str>) -> Result<(), Failure> {
        let value = match value.and_then(number::parse) {
            Some(scalar) => Value::Scalar(scalar.map_err(Failure::Usage)?),
            None => Value::Array(self.evaluate_one(&format!("{statement}\n{name}"))?),
        };
        self.set(name, value);
        Ok(())
    }

    /// Keeps a function, after a look at what can be wrong with it before it is called.
    fn define(&mut self, name: &str, definition: &str) -> Result<(), Failure> {
        let mut others = self.functions.clone();
        others.remove(name);
        let program = format!("{}\n0", others.before(definition));
        self.engine.formula(&program)?.outputs(&types(&self.values)?)?;
        self.values.retain(|(known, _)| known != name);
        self.functions.define(name, definition);
        Ok(())
    }

    /// A formula with the session's functions.
    pub(super) fn formula(&self, text: &str) -> Result<Formula, Failure> {
        Ok(self.engine.formula(&self.functions.before(text))?)
    }

    /// The session's variables.
    pub(super) fn vars(&self) -> Result<Vars<'_>, Failure> {
        variables(&self.values)
    }

    /// All results of a formula.
    pub(super) fn evaluate(&self, text: &str) -> Result<Vec<Array>, Failure> {
        let (text, vars) = (self.functions.before(text), self.vars()?);
        interruptible(|token| Ok(self.engine.with_cancel(token).evaluate_all(&text, vars)?))
    }

    /// The one result of a formula.
    pub(super) fn evaluate_one(&self, text: &str) -> Result<Array, Failure> {
        let (text, vars) = (self.functions.before(text), self.vars()?);
        interruptible(|token| Ok(self.engine.with_cancel(token).evaluate(&text, vars)?))
    }

    /// Dtypes and shapes of a formula's results, which is not evaluated.
    pub(super) fn shapes(&self, text: &str) -> Result<Vec<ResultShape>, Failure> {
        Ok(self.formula(text)?.result_shapes(self.vars()?)?)
    }

    /// Prints all results; `_` is the last one of them.
    fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.meant_as_command(text)?;
        let formula = self.formula(text)?;
        let mut arrays = self.evaluate(text)?;
        let printed = interruptible(|token| self.print_arrays(&formula, &arrays, token));
        if let Some(last) = arrays.pop() {
            self.set(LAST, Value::Array(last));
        }
        printed.map_err(said)
    }

    /// Words that other sessions end with, or ask for help with, where they are no variables.
    fn meant_as_command(&self, text: &str) -> Result<(), Failure> {
        let word = text.trim_end_matches("()");
        let command = match word {
            "exit" | "quit" | "q" => ":quit",
            "help" | "?" => ":help",
            _ => return Ok(()),
        };
        if self.values.iter().any(|(known, _)| known == word) {
            return Ok(());
        }
        Err(Failure::Usage(format!("commands begin with a colon: write `{command}`")))
    }

    fn print_arrays(
        &self,
        formula: &Formula,
        arrays: &[Array],
        token: &CancelToken,
    ) -> Result<(), Failure> {
        let headings = formula.results().map(print::heading).collect();
        let printer = Printer::new(headings, self.settings.format, token);
        let mut printer = printer.with_options(self.settings.print);
        arrays.iter().try_for_each(|array| printer.array(array))?;
        printer.finish()
    }

    /// Puts a value under a name.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.functions.remove(name);
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name.to_string(), value)),
        }
    }

    /// Loads a variable.
    pub(super) fn load(&mut self, binding: &Binding) -> Result<(), Failure> {
        if matches!(binding.source, Source::Stdin) {
            let message = "standard input is taken; give a file";
            return Err(Failure::Usage(message.to_string()));
        }
        let value = Value::load(&binding.source, self.access)?;
        self.set(&binding.name, value);
        Ok(())
    }

    /// `:vars`.
    pub(super) fn list(&self) -> Result<(), Failure> {
        let mut out = stdout().lock();
        let width = self.values.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in &self.values {
            writeln!(out, "{name:width$}  {}", value_text(value))?;
        }
        for (_, definition) in self.functions.iter() {
            let lines =
                definition.lines().map(|line| line.trim().trim_end_matches('\\').trim_end());
            writeln!(out, "{}", lines.collect::<Vec<_>>().join(" "))?;
        }
        Ok(())
    }
}

/// A failure of what printed or wrote: an interrupt is said here, since nobody else has.
pub(super) fn said(failure: Failure) -> Failure {
    if matches!(failure, Failure::Reported(INTERRUPTED)) {
        eprintln!("interrupted");
    }
    failure
}

/// `f64 (3,)`, `f64 number`.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::Scalar(_) => format!("{} number", value.dtype()),
        Value::Array(_) | Value::File(_) => {
            format!("{} {}", value.dtype(), shape_text(value.shape()))
        }
    }
}

/// `f64 (3,); f64 ()`.
pub(super) fn shapes_text(shapes: &[ResultShape]) -> String {
    let text = |result: &ResultShape| format!("{} {}", result.dtype, shape_text(&result.extents));
    shapes.iter().map(text).collect::<Vec<_>>().join("; ")
}
