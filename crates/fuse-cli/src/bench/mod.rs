//! `fuse bench`: answers first, then time.
//!
//! ```text
//! variables ─ inputs ─▶ arrays ─▶ first result ── check ──▶ interpreter's result, bit for bit
//!                                 then, for each number of threads:
//!                                   compile    20 times, each in an engine with an empty cache
//!                                   call       16 elements, prepared and through the cache
//!                                   elements   about a second, into one output or new ones
//!                                   copy       the same bytes by as many threads: the floor
//!                                   device     with `--backend cuda`, copies and kernels by themselves
//! ```
//! Nothing else should run meanwhile; the minimum tells what the code can do, the median what it did.

mod check;
mod copy;
mod device;
mod inputs;
pub(crate) mod measure;
mod report;

pub(crate) use check::{compare_all, first_difference, sample};

use fuse::raw::shape_text;
use fuse::{Array, CancelToken, Engine, Formula, InputType, Prepared, Stage, Vars};

use crate::args::{BackendChoice, BenchArgs};
use crate::eval::{Values, types, variables};
use crate::failure::Failure;
use crate::interrupt::interruptible;
use crate::signature;
use crate::value::{Access, Value};
use crate::{engine, gpu};

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    let (text, arguments) = args.formula.resolve()?;
    // Kept, so that a device that it opens stays open.
    let first = engine::build(&args.engine, 1)?;
    let formula = first.formula(&text)?;
    let access = if args.no_mmap { Access::READ } else { Access::MAP };
    let values = inputs::make(&signature::parse_all(&arguments)?, access)?;
    let threads = threads(args)?;
    let measured = interruptible(|token| {
        let measure = |&threads: &usize| Bench::new(args, &text, &values, threads, token)?.run();
        threads.iter().map(measure).collect::<Result<Vec<_>, Failure>>()
    })?;
    report::print(&measured, args.json)?;
    if let Some(device) = first.device() {
        let ptx = formula.explain(&types(&values)?, Stage::Ptx)?;
        if let Some(note) = gpu::slow_f64(device.info(), &ptx) {
            eprintln!("note: {note}");
        }
    }
    Ok(())
}

/// The numbers of threads to measure, 0 for all. One of the host's works for a device.
fn threads(args: &BenchArgs) -> Result<Vec<usize>, Failure> {
    match (args.threads.as_slice(), args.engine.backend) {
        ([], Some(BackendChoice::Cuda)) => Ok(vec![1]),
        ([], _) => Ok(vec![0]),
        (_, Some(BackendChoice::Cuda)) => {
            let message = "-j is for the CPU's back ends, not for `--backend cuda`";
            Err(Failure::Usage(message.to_string()))
        }
        (given, _) => Ok(given.to_vec()),
    }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// Each text once, in order.
fn distinct(texts: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen.into_iter()
}

/// One formula on one number of threads.
struct Bench<'a> {
    args: &'a BenchArgs,
    text: &'a str,
    values: &'a Values,
    token: &'a CancelToken,
    engine: Engine,
    formula: Formula,
    types: Vec<(&'a str, InputType)>,
}

impl<'a> Bench<'a> {
    fn new(
        args: &'a BenchArgs,
        text: &'a str,
        values: &'a Values,
        threads: usize,
        token: &'a CancelToken,
    ) -> Result<Bench<'a>, Failure> {
        let engine = engine::build(&args.engine, threads)?.with_cancel(token);
        let formula = engine.formula(text)?;
        Ok(Bench { args, text, values, token, engine, formula, types: types(values)? })
    }

    fn run(&self) -> Result<report::Measured, Failure> {
        let vars = variables(self.values)?;
        let mut results = self.formula.evaluate_all(vars.clone())?;
        check::against_interpreter(self, &vars, &results)?;
        let used: Vec<&Value> = self.used().collect();
        let len = |value: &&Value| value.shape().iter().product::<usize>();
        let longest = results.iter().map(Array::len).max().unwrap_or(0);
        if longest == 0 || used.iter().any(|value| len(value) == 0) {
            return Err(Failure::Usage("there is nothing to measure: no elements".to_string()));
        }
        let n = used.iter().map(len).max().unwrap_or(1).max(longest);
        let size = |value: &&Value| len(value) * value.dtype().size();
        let in_bytes = used.iter().map(size).sum();
        let out_bytes = results.iter().map(|result| result.as_bytes().len()).sum();
        let prepared = self.formula.prepare(&self.types)?;
        let times = self.elements(&prepared, &vars, &mut results)?;
        let copy = copy::floor(in_bytes, out_bytes, self.engine.threads(), self.token)?;
        let device = self.engine.device();
        let pieces = device.map(|device| device::measure(self, device, &mut results));
        let pieces = pieces.transpose()?;
        let calls = self.calls()?;
        Ok(report::Measured {
            expr: self.text.to_string(),
            inputs: self.inputs_text(),
            n,
            results: results
                .iter()
                .map(|r| format!("{} {}", r.dtype(), shape_text(r.shape())))
                .collect(),
            dtype: joined(results.iter().map(|result| result.dtype().to_string())),
            threads: self.engine.threads(),
            code: self.code(&prepared)?,
            device: device.map(|device| device.info().name.clone()),
            compile_us: self.compile()? / 1e3,
            calls,
            times,
            in_bytes,
            out_bytes,
            copy,
            pieces,
        })
    }

    /// Values of the variables that the formula uses.
    fn used(&self) -> impl Iterator<Item = &'a Value> {
        let is_used = |name: &str| self.formula.names().any(|known| known == name);
        self.values.iter().filter(move |(name, _)| is_used(name)).map(|(_, value)| value)
    }

    fn inputs_text(&self) -> String {
        let input = |(name, value): &(String, Value)| {
            format!("{name} {} {}", value.dtype(), shape_text(value.shape()))
        };
        joined(self.values.iter().map(input))
    }

    /// Times of the whole formula.
    fn elements(
        &self,
        prepared: &Prepared,
        vars: &Vars<'_>,
        out: &mut [Array],
    ) -> Result<measure::Times, Failure> {
        if self.args.alloc {
            return measure::repeat(measure::SECOND, || {
                prepared.evaluate_all(vars.clone()).map(drop).map_err(Failure::from)
            });
        }
        measure::repeat(measure::SECOND, || Ok(prepared.evaluate_into(vars.clone(), out)?))
    }

    /// Whose code was measured: of several passes, each name once.
    fn code(&self, prepared: &Prepared) -> Result<report::Code, Failure> {
        if self.engine.device().is_some() {
            let backend = self.engine.backend_name().to_string();
            return Ok(report::Code { backend, isa: self.engine.isa(), declined: Vec::new() });
        }
        let passes = prepared.kernel_code()?;
        let declined = passes.iter().flat_map(|pass| &pass.declined);
        Ok(report::Code {
            backend: joined(distinct(passes.iter().map(|pass| pass.backend.to_string()))),
            isa: joined(distinct(passes.iter().map(|pass| pass.isa.clone()))),
            declined: distinct(declined.map(ToString::to_string)).collect(),
        })
    }

    /// Nanoseconds from the text to machine code, for a device to PTX, whose assembling is the driver's: the
    /// median of 20 engines, whose caches are empty.
    fn compile(&self) -> Result<f64, Failure> {
        const SAMPLES: usize = 20;
        let mut samples = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            let engine = engine::build(&self.args.engine, 1)?;
            let start = std::time::Instant::now();
            let formula = engine.formula(self.text)?;
            if engine.device().is_some() {
                let ptx = formula.explain(&self.types, Stage::Ptx)?;
                samples.push(measure::nanoseconds(start.elapsed()));
                drop(ptx);
            } else {
                let prepared = formula.prepare(&self.types)?;
                samples.push(measure::nanoseconds(start.elapsed()));
                drop(prepared);
            }
        }
        Ok(measure::median(&mut samples))
    }

    /// Nanoseconds of a call on 16 elements: prepared, and by text through the cache. A formula that 16
    /// elements are not enough for, `x[100]`, or that has no arrays to make small, is called as it is.
    fn calls(&self) -> Result<report::Calls, Failure> {
        let rank = self.values.iter().map(|(_, value)| value.shape().len()).max().unwrap_or(0);
        // 16 = 4 × 4; more axes have at least 2 each, since an axis of extent 1 is another type.
        let most = match rank {
            0 | 1 => 16,
            2 => 4,
            _ => 2,
        };
        let small: Vars<'_> = self
            .values
            .iter()
            .map(|(name, value)| Ok((name.as_str(), value.as_prefix(most)?)))
            .collect::<Result<_, Failure>>()?;
        let on_few = if rank == 0 { None } else { self.formula.evaluate_all(small.clone()).ok() };
        let is_small = on_few.is_some();
        let (small, mut out) = match on_few {
            Some(out) => (small, out),
            None => {
                let whole = variables(self.values)?;
                let out = self.formula.evaluate_all(whole.clone())?;
                (whole, out)
            }
        };
        let prepared = self.formula.prepare(&self.types)?;
        let tenth = measure::SECOND / 10;
        let direct =
            measure::repeat(tenth, || Ok(prepared.evaluate_into(small.clone(), &mut out)?))?;
        let cached = measure::repeat(tenth, || {
            Ok(self.engine.evaluate_into(self.text, small.clone(), &mut out)?)
        })?;
        Ok(report::Calls { prepared_ns: direct.median, cached_ns: cached.median, is_small })
    }
}
