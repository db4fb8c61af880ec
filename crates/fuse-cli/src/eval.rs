//! `fuse eval`: parse, load, evaluate, print or save.
//!
//! The formula is parsed before any file is opened, and the targets are looked at before anything
//! runs, so that what the user can repair is said first.

use std::time::{Duration, Instant};

use fuse::{Array, CancelToken, DType, Engine, Formula, InputType, Vars};
use fuse_npy::Overwrite;

use crate::args::{EvalArgs, FormulaArgs, TalkArgs};
use crate::binding::{self, Binding, Origin};
use crate::failure::Failure;
use crate::interrupt::interruptible;
use crate::text::counted;
use crate::value::{Access, Value};
use crate::{engine, print, save};

/// Named values.
pub(crate) type Values = Vec<(String, Value)>;

pub(crate) fn run(args: &EvalArgs) -> Result<(), Failure> {
    let (text, arguments) = args.formula.resolve()?;
    let bindings = binding::parse_all(&arguments)?;
    let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    let dtype = args.dtype.as_deref().map(dtype_named).transpose()?;
    let engine = engine::build(&args.engine, args.threads.unwrap_or(0))?;
    let formula = engine.formula(&text)?;
    check_count(formula.results().len(), args.output.len())?;
    save::check_targets(&args.output, overwrite)?;
    let values = load(&formula, &bindings, args)?;
    interruptible(|token| {
        check_types(&formula, &bindings, &values, args)?;
        for Binding { name, .. } in bindings.iter().filter(|b| b.origin == Origin::Named) {
            if !values.iter().any(|(used, _)| used == name) {
                args.talk.note(&format!("the formula does not use `{name}`"));
            }
        }
        let arrays = Evaluation { engine, text, values: &values, args }.run(dtype, token)?;
        values.iter().try_for_each(|(_, value)| value.check_length())?;
        let start = Instant::now();
        if args.output.is_empty() {
            let format = args.format.unwrap_or_else(print::default_format);
            print::print_all(&formula, &arrays, format, token)?;
        } else {
            save::write_all(&arrays, &args.output, overwrite, token)?;
        }
        args.talk.say(|| format!("wrote in {}", duration(start.elapsed())));
        Ok(())
    })
}

impl FormulaArgs {
    /// The formula's text and the bindings: with `-f`, the first argument is a binding too.
    pub(crate) fn resolve(&self) -> Result<(String, Vec<std::ffi::OsString>), Failure> {
        let Some(path) = &self.file else {
            let Some(formula) = &self.formula else {
                return Err(Failure::Usage("expected a formula, or -f FILE".to_string()));
            };
            let text = formula
                .to_str()
                .ok_or_else(|| Failure::Usage("the formula is not valid UTF-8".to_string()))?;
            return Ok((text.to_string(), self.bindings.clone()));
        };
        let named = fuse_npy::escape_path(path);
        let text = std::fs::read(path)
            .map_err(|error| Failure::Run(format!("{named}: cannot read: {error}")))?;
        let text = String::from_utf8(text)
            .map_err(|_| Failure::Usage(format!("{named}: the formula is not valid UTF-8")))?;
        Ok((text, self.formula.iter().chain(&self.bindings).cloned().collect()))
    }
}

impl TalkArgs {
    /// Says a line under `-v`.
    pub(crate) fn say(self, line: impl FnOnce() -> String) {
        if self.verbose {
            eprintln!("fuse: {}", line());
        }
    }

    /// Says a line unless `-q`.
    pub(crate) fn note(self, line: &str) {
        if !self.quiet {
            eprintln!("note: {line}");
        }
    }
}

/// The dtype of that name.
pub(crate) fn dtype_named(name: &str) -> Result<DType, Failure> {
    DType::from_name(name).ok_or_else(|| {
        let known: Vec<String> = DType::ALL.iter().map(ToString::to_string).collect();
        Failure::Usage(format!("unknown dtype `{name}`; there are {}", known.join(" ")))
    })
}

/// Loads the variables that the formula uses.
fn load(formula: &Formula, bindings: &[Binding], args: &EvalArgs) -> Result<Values, Failure> {
    let start = Instant::now();
    let access = if args.no_mmap { Access::Read } else { Access::Map };
    let mut values = Values::new();
    for binding in bindings {
        if formula.names().any(|name| name == binding.name) {
            values.push((binding.name.clone(), Value::load(&binding.source, access)?));
        }
    }
    args.talk.say(|| {
        let count = counted(values.len(), "variable");
        format!("loaded {count} in {}", duration(start.elapsed()))
    });
    Ok(values)
}

/// Borrows values as variables.
pub(crate) fn variables(values: &Values) -> Result<Vars<'_>, Failure> {
    values.iter().map(|(name, value)| Ok((name.as_str(), value.as_input()?))).collect()
}

/// Types of values.
pub(crate) fn types(values: &Values) -> Result<Vec<(&str, InputType)>, Failure> {
    values.iter().map(|(name, value)| Ok((name.as_str(), value.as_input()?.ty()))).collect()
}

/// Fails as evaluating would, before any work. Variables that the formula does not use take part for
/// the sake of "did you mean", whatever their type.
fn check_types(
    formula: &Formula,
    bindings: &[Binding],
    values: &Values,
    args: &EvalArgs,
) -> Result<(), Failure> {
    let start = Instant::now();
    let mut types = types(values)?;
    for Binding { name, .. } in bindings {
        if !types.iter().any(|(known, _)| known == name) {
            types.push((name, Formula::plain_number(DType::F64)));
        }
    }
    formula.outputs(&types)?;
    args.talk.say(|| format!("types checked in {}", duration(start.elapsed())));
    Ok(())
}

struct Evaluation<'a> {
    engine: Engine,
    text: String,
    values: &'a Values,
    args: &'a EvalArgs,
}

impl Evaluation<'_> {
    fn run(&self, dtype: Option<DType>, token: &CancelToken) -> Result<Vec<Array>, Failure> {
        let engine = self.engine.with_cancel(token);
        let start = Instant::now();
        let arrays = match dtype {
            Some(dtype) => self.converted(&engine, dtype)?,
            None => engine.formula(&self.text)?.evaluate_all(variables(self.values)?)?,
        };
        self.args.talk.say(|| {
            let (time, backend, isa) =
                (duration(start.elapsed()), engine.backend_name(), engine.isa());
            let where_it_ran = match engine.device() {
                Some(device) => device.info().name.clone(),
                None => counted(engine.threads(), "thread"),
            };
            format!("compiled and evaluated in {time} ({backend}, {isa}, {where_it_ran})")
        });
        for array in &arrays {
            self.args.talk.say(|| format!("result: {} {:?}", array.dtype(), array.shape()));
        }
        Ok(arrays)
    }

    /// The results converted: inside the formula where it is one expression, otherwise behind it.
    fn converted(&self, engine: &Engine, dtype: DType) -> Result<Vec<Array>, Failure> {
        // The line break ends a comment.
        let inside = engine.formula(&format!("{dtype}({}\n)", self.text));
        if let Ok(formula) = inside
            && let Ok(array) = formula.evaluate(variables(self.values)?)
        {
            return Ok(vec![array]);
        }
        // Programs, several results; and errors, which point at the text that the user wrote.
        let arrays = engine.formula(&self.text)?.evaluate_all(variables(self.values)?)?;
        let convert = |array: Array| {
            let converted =
                engine.evaluate(&format!("{dtype}(result)"), fuse::vars! { result = array });
            converted.map_err(|error| Failure::Usage(format!("--dtype {dtype}: {error}")))
        };
        arrays.into_iter().map(convert).collect()
    }
}

fn check_count(results: usize, outputs: usize) -> Result<(), Failure> {
    if results == outputs || outputs == 0 {
        return Ok(());
    }
    let (results, outputs) = (counted(results, "result"), counted(outputs, "output"));
    Err(Failure::Usage(format!(
        "the formula has {results}, and -o names {outputs}; give one for each"
    )))
}

/// A time for people.
pub(crate) fn duration(time: Duration) -> String {
    format!("{time:.2?}")
}
