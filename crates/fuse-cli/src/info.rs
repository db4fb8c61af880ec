//! `fuse info`: files, this machine and its GPUs, and the table of functions.

use std::ffi::OsStr;
use std::io::{StdoutLock, Write};

use fuse::Engine;
use fuse::raw::derived::{DERIVED, DerivedRow};
use fuse::raw::table::{Accuracy, Budget, Row, Syntax, TABLE, Yardstick};
use fuse::raw::{FORMS, Form};
use serde::Serialize;

use crate::args::InfoArgs;
use crate::describe::{self, describe};
use crate::explain::{filled, json};
use crate::failure::Failure;
use crate::gpu;
use crate::text::quoted;

pub(crate) fn run(args: &InfoArgs) -> Result<(), Failure> {
    let form = if args.json { describe::Form::Json } else { describe::Form::Lines };
    let mut out = std::io::stdout().lock();
    if let Some(name) = &args.functions {
        let name = name.as_deref().unwrap_or("");
        match form {
            describe::Form::Json => writeln!(out, "{}", json(&function_facts(name)?)?)?,
            describe::Form::Lines if name.is_empty() => functions(&mut out)?,
            describe::Form::Lines => function(&mut out, name)?,
        }
    }
    if args.cpu {
        let facts = CpuFacts::new()?;
        match form {
            describe::Form::Json => writeln!(out, "{}", json(&facts)?)?,
            describe::Form::Lines => facts.print(&mut out)?,
        }
    }
    if args.gpu {
        if args.cpu {
            writeln!(out)?;
        }
        gpu::list(&mut out)?;
    }
    if args.files.is_empty() { Ok(()) } else { describe(&mut out, &args.files, form) }
}

/// All functions, or the one of that name.
pub(crate) fn list_functions(name: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if name.is_empty() { functions(&mut out) } else { function(&mut out, name) }
}

/// How a row is written.
pub(crate) fn written(row: &Row) -> String {
    const PARAMETERS: [&str; 3] = ["a", "b", "c"];
    match row.syntax {
        Syntax::Infix(symbol) => format!("a {symbol} b"),
        Syntax::Prefix(word) if word.chars().all(char::is_alphabetic) => format!("{word} a"),
        Syntax::Prefix(symbol) => format!("{symbol}a"),
        // Where the names of the parameters matter, the documentation begins with them.
        Syntax::Function if row.doc.starts_with(&format!("{}(", row.name)) => {
            row.doc.split_once(": ").map_or(row.doc, |(written, _)| written).to_string()
        }
        Syntax::Function => {
            format!("{}({})", row.name, PARAMETERS[..row.arity.min(3)].join(", "))
        }
        Syntax::Internal => row.name.to_string(),
    }
}

/// How a form is written, without what it takes beside its operands.
pub(crate) fn form_written(form: &Form) -> String {
    let operands = if form.arity == 1 { "a" } else { "a, b" };
    format!("{}({operands})", form.name)
}

/// What a row does, without how it is written.
fn described(row: &Row) -> &'static str {
    row.doc.strip_prefix(&written(row)).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(row.doc)
}

fn functions(out: &mut StdoutLock<'_>) -> Result<(), Failure> {
    let rows: Vec<&Row> = TABLE.iter().filter(|row| row.syntax != Syntax::Internal).collect();
    let width = rows.iter().map(|row| written(row).len()).max().unwrap_or(0);
    for row in rows {
        writeln!(out, "{:width$}  {}", written(row), described(row))?;
    }
    for form in FORMS {
        writeln!(out, "{:width$}  {}", form_written(form), form.doc)?;
    }
    for row in DERIVED {
        writeln!(out, "{:width$}  {}", row.written(), row.doc)?;
    }
    writeln!(out, "{:width$}  conversion, one function for each dtype", "f32(a) …")?;
    Ok(())
}

fn function(out: &mut StdoutLock<'_>, name: &str) -> Result<(), Failure> {
    for (position, facts) in function_facts(name)?.iter().enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}\n\n{}", facts.written, filled(facts.doc))?;
        if !facts.aliases.is_empty() && facts.accuracy.is_some() {
            writeln!(out, "also called: {}", facts.aliases.join(", "))?;
        }
        if let Some(accuracy) = &facts.accuracy {
            writeln!(out, "accuracy:    {accuracy}")?;
        }
        writeln!(out, "example:     {}", facts.example)?;
    }
    Ok(())
}

/// A function of formulas.
#[derive(Debug, Serialize)]
struct FunctionFacts {
    name: &'static str,
    /// With its parameters.
    written: String,
    aliases: &'static [&'static str],
    doc: &'static str,
    /// Nothing for what is made of other functions.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<String>,
    example: &'static str,
}

impl From<&'static Row> for FunctionFacts {
    fn from(row: &'static Row) -> FunctionFacts {
        let accuracy = match row.accuracy {
            Accuracy::Exact => "exact, or correctly rounded".to_string(),
            Accuracy::Ulp(budget) => within(budget),
            Accuracy::Stated => "see docs/numerics.md".to_string(),
        };
        FunctionFacts {
            name: row.name,
            written: written(row),
            aliases: row.aliases,
            doc: described(row),
            accuracy: Some(accuracy),
            example: row.example,
        }
    }
}

impl From<&'static Form> for FunctionFacts {
    fn from(form: &'static Form) -> FunctionFacts {
        FunctionFacts {
            name: form.name,
            written: form_written(form),
            aliases: &[],
            doc: form.doc,
            accuracy: None,
            example: form.example,
        }
    }
}

impl From<&'static DerivedRow> for FunctionFacts {
    fn from(row: &'static DerivedRow) -> FunctionFacts {
        FunctionFacts {
            name: row.name,
            written: row.written(),
            aliases: row.aliases,
            doc: row.doc,
            accuracy: None,
            example: row.example,
        }
    }
}

/// All functions, or those of that name.
fn function_facts(name: &str) -> Result<Vec<FunctionFacts>, Failure> {
    let symbol = |row: &Row| match row.syntax {
        Syntax::Infix(symbol) | Syntax::Prefix(symbol) => symbol == name,
        Syntax::Function | Syntax::Internal => false,
    };
    let matches = |row: &&Row| {
        let called = row.name == name || row.aliases.contains(&name) || symbol(row);
        (called || name.is_empty()) && row.syntax != Syntax::Internal
    };
    let named =
        |row: &&DerivedRow| row.name == name || row.aliases.contains(&name) || name.is_empty();
    let forms = FORMS.iter().filter(|form| form.name == name || name.is_empty());
    let derived = DERIVED.iter().filter(named).map(FunctionFacts::from);
    let derived = derived.chain(forms.map(FunctionFacts::from));
    let facts: Vec<_> =
        derived.chain(TABLE.iter().filter(matches).map(FunctionFacts::from)).collect();
    if facts.is_empty() { Err(unknown_function(name)) } else { Ok(facts) }
}

/// A budget in words.
fn within(Budget { f64, f32, yardstick }: Budget) -> String {
    let of_what = match yardstick {
        Yardstick::Result => String::new(),
        Yardstick::ResultOrAbsolute(limit) => format!("; of negative arguments that, or {limit:e}"),
        Yardstick::Largest => " of the largest of arguments and result".to_string(),
    };
    format!("{f64} ULP (f32: {f32} ULP){of_what}")
}

/// With the suggestion that a formula gets.
fn unknown_function(name: &str) -> Failure {
    let suggestion = crate::binding::is_name(name)
        .then(|| Engine::global().formula(&format!("{name}(0)")).ok()?.outputs(&[]).err())
        .flatten()
        .and_then(|error| error.help().map(str::to_string));
    let help = suggestion.unwrap_or_else(|| "`fuse info --functions` lists them".to_string());
    let name = quoted(OsStr::new(name));
    Failure::Corrected { message: format!("unknown function {name}"), help }
}

/// This machine, as fuse sees it.
#[derive(Debug, Serialize)]
struct CpuFacts {
    /// Where the system tells.
    processor: Option<String>,
    features: Vec<&'static str>,
    threads: usize,
    backend: String,
    isa: String,
}

impl CpuFacts {
    fn new() -> Result<CpuFacts, Failure> {
        let engine = Engine::builder().build()?;
        Ok(CpuFacts {
            processor: model(),
            features: features(),
            threads: engine.threads(),
            backend: engine.backend_name().to_string(),
            isa: engine.isa().to_string(),
        })
    }

    fn print(&self, out: &mut StdoutLock<'_>) -> Result<(), Failure> {
        if let Some(model) = &self.processor {
            writeln!(out, "processor  {model}")?;
        }
        writeln!(out, "features   {}", self.features.join(" "))?;
        writeln!(out, "threads    {}", self.threads)?;
        writeln!(out, "back end   {} ({})", self.backend, self.isa)?;
        Ok(())
    }
}

/// The processor's name, where the system tells.
fn model() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// Vector extensions that this machine has.
#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    let mut found = vec!["sse2"];
    macro_rules! detect {
        ($($feature:tt)*) => { $(if std::is_x86_feature_detected!($feature) { found.push($feature); })* };
    }
    detect!("sse4.1" "sse4.2" "avx" "avx2" "fma" "f16c" "bmi2" "avx512f" "avx512cd" "avx512bw" "avx512dq" "avx512vl");
    found
}

/// Vector extensions that this machine has.
#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<&'static str> {
    vec![std::env::consts::ARCH]
}
