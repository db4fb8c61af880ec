//! `fuse eval`: parse, load, evaluate, print or save.
//!
//! ```text
//! formula, bindings ─▶ types ─▶ Plan ─┬─ fits --mem      new arrays ─▶ print | save
//!                                     └─ does not        large: windows of paged memory ─▶ sinks
//! ```
//!
//! The formula is parsed before any file is opened, and the targets are looked at before anything
//! runs, so that what the user can repair is said first.

mod large;
mod part;
mod places;
mod plan;
mod verify;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fuse::{Array, CancelToken, DType, Engine, Formula, InputType, Vars};
use fuse_npy::Overwrite;

use crate::args::{EvalArgs, Format, TalkArgs};
use crate::binding::{self, Binding, Origin};
use crate::failure::Failure;
use crate::interrupt::interruptible;
use crate::save::Targets;
use crate::suggest::dtype_named;
use crate::text::counted;
use crate::value::{Access, Order, Value};
use crate::{engine, print, save};
use plan::Plan;
use verify::Check;

/// Named values.
pub(crate) type Values = Vec<(String, Value)>;

pub(crate) fn run(args: &EvalArgs) -> Result<(), Failure> {
    prepare(args, |mut evaluation, targets, overwrite| {
        if args.dry_run {
            return evaluation.plan.print(targets);
        }
        let format = args.format.unwrap_or_else(print::default_format);
        if args.verify {
            evaluation.check = evaluation.begin_check(targets, format)?;
        }
        evaluation.run(targets, format, overwrite)
    })
}

/// Everything that comes before anything is evaluated, then `work`, which Ctrl-C interrupts.
fn prepare(
    args: &EvalArgs,
    work: impl FnOnce(Evaluation<'_>, &Targets<'_>, Overwrite) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (text, arguments) = args.formula.resolve()?;
    let bindings = binding::parse_all(&arguments)?;
    let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    let dtype = args.dtype.as_deref().map(dtype_named).transpose()?;
    let engine = engine::build(&args.engine, args.threads.unwrap_or(0))?;
    let formula = engine.formula(&text)?;
    let targets = Targets::new(&args.output, &formula)?;
    if !args.dry_run {
        targets.check(overwrite)?;
    }
    let values = Arc::new(load(&formula, &bindings, args)?);
    interruptible(|token| {
        check_types(&formula, &bindings, &values, args)?;
        for Binding { name, .. } in bindings.iter().filter(|b| b.origin == Origin::Named) {
            if !values.iter().any(|(used, _)| used == name) {
                args.talk.note(&format!("the formula does not use `{name}`"));
            }
        }
        let engine = engine.with_cancel(token);
        let formula = match dtype {
            None => engine.formula(&text)?,
            Some(dtype) => converted(&engine, &formula, &values, dtype)?,
        };
        let plan = Plan::new((&engine, &formula), &values, args)?;
        let (values, check) = (&values, None);
        let evaluation = Evaluation { engine, formula, values, plan, args, token, check };
        work(evaluation, &targets, overwrite)
    })
}

/// The formula with its results converted.
fn converted(
    engine: &Engine,
    formula: &Formula,
    values: &Values,
    dtype: DType,
) -> Result<Formula, Failure> {
    let mut text = formula.source().to_string();
    let spans: Vec<Range<usize>> = formula.result_spans().collect();
    for span in spans.into_iter().rev() {
        // The line break ends a comment.
        let inside = format!("{dtype}({}\n)", &text[span.clone()]);
        text.replace_range(span, &inside);
    }
    let refused = |error: fuse::Error| Failure::Usage(format!("--dtype {dtype}: {error}"));
    let formula = engine.formula(&text).map_err(refused)?;
    formula.outputs(&types(values)?).map_err(refused)?;
    Ok(formula)
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

/// Loads the variables that the formula uses.
fn load(formula: &Formula, bindings: &[Binding], args: &EvalArgs) -> Result<Values, Failure> {
    let start = Instant::now();
    let above = args.mem / 4;
    let access = if args.no_mmap { Access::Read { above } } else { Access::Map { above } };
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
    formula: Formula,
    values: &'a Arc<Values>,
    plan: Plan,
    args: &'a EvalArgs,
    token: &'a CancelToken,
    /// What `--verify` compares results with.
    check: Option<Check>,
}

impl Evaluation<'_> {
    fn run(
        self,
        targets: &Targets<'_>,
        format: Format,
        overwrite: Overwrite,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let done = match targets {
            Targets::Print if self.plan.fits => {
                let arrays = self.evaluate()?;
                print::print_all(&self.formula, &arrays, format, self.token)
            }
            Targets::Print => self.print_large(format),
            Targets::Files(paths) if self.plan.fits && self.plan.order() == Order::C => {
                save::write_all(&self.evaluate()?, paths, overwrite, self.token)
            }
            Targets::Files(paths) => self.write_large(paths, overwrite),
            Targets::Archive(path, names) if self.plan.fits => {
                let arrays = self.evaluate()?;
                let members = names.iter().zip(&arrays).map(|(name, array)| {
                    (
                        name.as_str(),
                        array.dtype(),
                        array.shape(),
                        array.as_bytes().chunks(save::CHUNK),
                    )
                });
                save::write_archive(path, members, overwrite, self.token)
            }
            Targets::Archive(path, names) => self.archive_large(path, names, overwrite),
        };
        self.args.talk.say(|| {
            let time = duration(start.elapsed());
            let (backend, isa) = (self.engine.backend_name(), self.engine.isa());
            let where_it_ran = match self.engine.device() {
                Some(device) => device.info().name.clone(),
                None => counted(self.engine.threads(), "thread"),
            };
            format!("evaluated and written in {time} ({backend}, {isa}, {where_it_ran})")
        });
        for (dtype, shape) in &self.plan.results {
            self.args.talk.say(|| format!("result: {dtype} {shape:?}"));
        }
        done
    }

    /// Into new arrays.
    fn evaluate(&self) -> Result<Vec<Array>, Failure> {
        let arrays = self.plan.prepared.evaluate_all(variables(self.values)?)?;
        self.check_lengths()?;
        self.check_arrays(&arrays)?;
        Ok(arrays)
    }

    /// Fails where a mapped file has become shorter meanwhile: nothing of it is to be written then.
    fn check_lengths(&self) -> Result<(), Failure> {
        self.values.iter().try_for_each(|(_, value)| value.check_length())
    }
}

/// A time for people.
pub(crate) fn duration(time: Duration) -> String {
    format!("{time:.2?}")
}
