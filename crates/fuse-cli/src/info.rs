//! `fuse info`: files, this machine and its GPUs, and the table of functions.

use std::ffi::OsStr;
use std::io::{StdoutLock, Write};
use std::path::Path;

use fuse::Engine;
use fuse::raw::derived::{DERIVED, DerivedRow};
use fuse::raw::table::{Accuracy, Budget, Row, Syntax, TABLE, Yardstick};
use fuse::raw::{ByteOrder, shape_text};
use fuse_npy::{NpyFile, escape_path};

use crate::args::InfoArgs;
use crate::explain::filled;
use crate::failure::{Failure, RUN};
use crate::text::quoted;
use crate::{gpu, map};

pub(crate) fn run(args: &InfoArgs) -> Result<(), Failure> {
    if let Some(name) = &args.functions {
        list_functions(name.as_deref().unwrap_or(""))?;
    }
    let mut out = std::io::stdout().lock();
    if args.cpu {
        cpu(&mut out)?;
    }
    if args.gpu {
        if args.cpu {
            writeln!(out)?;
        }
        gpu::list(&mut out)?;
    }
    let mut failed = false;
    for path in &args.files {
        match map::map(path) {
            Ok(file) => describe(&mut out, path, &file)?,
            Err(error) => {
                if let Some(message) = Failure::File(error).message(fuse::Color::Never) {
                    eprintln!("{message}");
                }
                failed = true;
            }
        }
    }
    if failed { Err(Failure::Reported(RUN)) } else { Ok(()) }
}

/// All functions, or the one of that name.
pub(crate) fn list_functions(name: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if name.is_empty() { functions(&mut out) } else { function(&mut out, name) }
}

/// `x.npy: f64 (1000, 3), C order, 24000 bytes`.
fn describe(out: &mut StdoutLock<'_>, path: &Path, file: &NpyFile) -> Result<(), Failure> {
    let header = file.header();
    let order = if header.fortran_order() { "Fortran order" } else { "C order" };
    let swapped = match header.byte_order() {
        ByteOrder::Native => "",
        ByteOrder::Swapped => ", big-endian",
    };
    let (dtype, shape, bytes) = (header.dtype(), shape_text(header.shape()), header.data_bytes());
    writeln!(out, "{}: {dtype} {shape}, {order}{swapped}, {bytes} bytes", escape_path(path))?;
    Ok(())
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

/// What a row does, without how it is written.
fn described(row: &Row) -> &str {
    row.doc.strip_prefix(&written(row)).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(row.doc)
}

fn functions(out: &mut StdoutLock<'_>) -> Result<(), Failure> {
    let rows: Vec<&Row> = TABLE.iter().filter(|row| row.syntax != Syntax::Internal).collect();
    let width = rows.iter().map(|row| written(row).len()).max().unwrap_or(0);
    for row in rows {
        writeln!(out, "{:width$}  {}", written(row), described(row))?;
    }
    for row in DERIVED {
        writeln!(out, "{:width$}  {}", row.written(), row.doc)?;
    }
    writeln!(out, "{:width$}  conversion, one function for each dtype", "f32(a) …")?;
    Ok(())
}

fn function(out: &mut StdoutLock<'_>, name: &str) -> Result<(), Failure> {
    let symbol = |row: &Row| match row.syntax {
        Syntax::Infix(symbol) | Syntax::Prefix(symbol) => symbol == name,
        Syntax::Function | Syntax::Internal => false,
    };
    let matches = |row: &&Row| {
        let called = row.name == name || row.aliases.contains(&name) || symbol(row);
        called && row.syntax != Syntax::Internal
    };
    let rows: Vec<&Row> = TABLE.iter().filter(matches).collect();
    let named = |row: &&DerivedRow| row.name == name || row.aliases.contains(&name);
    let derived: Vec<&DerivedRow> = DERIVED.iter().filter(named).collect();
    if rows.is_empty() && derived.is_empty() {
        return Err(unknown_function(name));
    }
    for (position, row) in derived.iter().enumerate() {
        let gap = if position > 0 { "\n" } else { "" };
        writeln!(
            out,
            "{gap}{}\n\n{}\nexample:     {}",
            row.written(),
            filled(row.doc),
            row.example
        )?;
    }
    for (position, row) in rows.into_iter().enumerate() {
        if position > 0 || !derived.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "{}\n\n{}", written(row), filled(described(row)))?;
        if !row.aliases.is_empty() {
            writeln!(out, "also called: {}", row.aliases.join(", "))?;
        }
        let accuracy = match row.accuracy {
            Accuracy::Exact => "exact, or correctly rounded".to_string(),
            Accuracy::Ulp(budget) => within(budget),
            Accuracy::Stated => "see docs/numerics.md".to_string(),
        };
        writeln!(out, "accuracy:    {accuracy}\nexample:     {}", row.example)?;
    }
    Ok(())
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

fn cpu(out: &mut StdoutLock<'_>) -> Result<(), Failure> {
    let engine = Engine::builder().build()?;
    if let Some(model) = model() {
        writeln!(out, "processor  {model}")?;
    }
    writeln!(out, "features   {}", features().join(" "))?;
    writeln!(out, "threads    {}", engine.threads())?;
    writeln!(out, "back end   {} ({})", engine.backend_name(), engine.isa())?;
    Ok(())
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
