//! NVIDIA's assembler on every shape of text: it takes them without a warning, spills nothing, and the
//! registers of a thread are those of `tests/gpu/registers.txt`.
//!
//! The assembler is named by `FUSE_PTXAS`, or is found as `ptxas`; the table is that of the version that
//! its first line names, and is compared for that version alone. `FUSE_BLESS=1` writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fuse_ir::device::{IndexWidth, Loads, ModuleOptions};
use fuse_testkit::skip;
use rayon::prelude::*;

use super::modules::{Shape, canonical, folder, rows};

/// Every capability that is assembled for.
const TARGETS: [&str; 5] = ["sm_70", "sm_80", "sm_90", "sm_100", "sm_120"];

/// The dtypes whose rows are assembled.
const DTYPES: [&str; 8] = ["f64", "f32", "i64", "i32", "u8", "bool", "f16", "c128"];

fn ptxas() -> Option<PathBuf> {
    let named = std::env::var_os("FUSE_PTXAS").map(PathBuf::from);
    let found = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("ptxas")).find(|file| file.exists())
    };
    named.or_else(found)
}

/// `12.9.86`, from `V12.9.86`.
fn version(ptxas: &Path) -> String {
    let output = Command::new(ptxas).arg("--version").output().expect("the assembler runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().find_map(|word| word.strip_prefix('V'));
    version.unwrap_or("unknown").to_string()
}

/// What the assembler says of one entry.
#[derive(Clone, Debug, Default)]
struct Usage {
    registers: u32,
    spilled: u32,
    calls_a_region: bool,
}

/// Entries with what they use.
///
/// # Errors
/// What the assembler said.
fn assemble(ptxas: &Path, text: &str, target: &str) -> Result<BTreeMap<String, Usage>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, object) = (folder.path().join("module.ptx"), folder.path().join("module.cubin"));
    std::fs::write(&source, text).expect("the text can be written");
    let mut command = Command::new(ptxas);
    command.args(["-v", "-Werror", "-arch", target, "-o"]).arg(&object).arg(source);
    let output = command.output().expect("the assembler runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(said);
    }
    let (mut usages, mut entry) = (BTreeMap::new(), String::new());
    for line in said.lines() {
        if let Some(rest) = line.split("Compiling entry function '").nth(1) {
            entry = rest.split('\'').next().unwrap_or_default().to_string();
        }
        let usage: &mut Usage = usages.entry(entry.clone()).or_default();
        usage.registers = usage.registers.max(number_before(line, " registers").unwrap_or(0));
        usage.spilled += number_before(line, " bytes spill stores").unwrap_or(0);
        usage.spilled += number_before(line, " bytes spill loads").unwrap_or(0);
    }
    usages.remove("");
    let code = std::fs::read(object).expect("the assembler wrote it");
    for (entry, usage) in &mut usages {
        let symbol = format!("${entry}$region");
        usage.calls_a_region = code.windows(symbol.len()).any(|own| own == symbol.as_bytes());
    }
    Ok(usages)
}

/// The number that stands before these words.
fn number_before(line: &str, words: &str) -> Option<u32> {
    line.split(words).next().filter(|before| before.len() < line.len())?;
    line.split(words).next()?.rsplit([' ', ',']).next()?.parse().ok()
}

/// Assembles shapes for targets, in parallel; `(shape, target, usages)` in order.
fn assemble_all<'s>(
    ptxas: &Path,
    shapes: &'s [Shape],
    options: ModuleOptions,
    targets: &[&'static str],
) -> Vec<(&'s Shape, &'static str, BTreeMap<String, Usage>)> {
    let pairs: Vec<(&Shape, &str)> = shapes
        .iter()
        .flat_map(|shape| targets.iter().map(move |&target| (shape, target)))
        .collect();
    let assembled = pairs.par_iter().map(|&(shape, target)| {
        let text = shape.text_with(options).expect("it compiles");
        let usages = assemble(ptxas, &text, target)
            .unwrap_or_else(|said| panic!("{} for {target}:\n{said}", shape.name));
        (shape, target, usages)
    });
    assembled.collect()
}

#[test]
fn canonical_shapes_assemble_without_spills_and_in_few_registers() {
    let Some(ptxas) = ptxas() else { skip!("ptxas: no assembler; set FUSE_PTXAS") };
    let shapes = canonical();
    let mut table: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
    for (shape, target, usages) in assemble_all(&ptxas, &shapes, ModuleOptions::default(), &TARGETS)
    {
        for (entry, usage) in usages {
            assert_eq!(usage.spilled, 0, "{} {entry} for {target} spills", shape.name);
            let most = shape.registers.unwrap_or(255);
            let used = usage.registers;
            assert!(
                used <= most,
                "{} {entry} for {target}: {used} registers, {most} allowed",
                shape.name
            );
            table.entry((shape.name.clone(), entry)).or_default().push(used);
        }
    }
    let mut text = format!("# ptxas {}: registers of a thread\n", version(&ptxas));
    writeln!(text, "# {:<18} {:<16} {}", "formula", "entry", TARGETS.join(" "))
        .expect("text grows");
    for ((name, entry), registers) in table {
        let columns: Vec<String> = registers
            .iter()
            .zip(TARGETS)
            .map(|(n, target)| format!("{n:>0$}", target.len()))
            .collect();
        writeln!(text, "{name:<20} {entry:<16} {}", columns.join(" ")).expect("text grows");
    }
    let file = folder().join("registers.txt");
    if std::env::var_os("FUSE_BLESS").is_some() {
        std::fs::write(&file, &text).expect("the table can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    if committed.lines().next() != text.lines().next() {
        skip!("ptxas-version: the table is of another version");
    }
    assert!(committed == text, "tests/gpu/registers.txt is out of date: FUSE_BLESS=1 writes it");
}

fn spill_nothing(shapes: &[Shape], options: ModuleOptions, targets: &[&'static str], ptxas: &Path) {
    println!("{} modules for {targets:?}", shapes.len());
    for (shape, target, usages) in assemble_all(ptxas, shapes, options, targets) {
        assert!(!usages.is_empty());
        for (entry, usage) in usages {
            assert_eq!(usage.spilled, 0, "{} {entry} for {target} spills", shape.name);
        }
    }
}

#[test]
fn every_row_assembles_without_spills() {
    let Some(ptxas) = ptxas() else { skip!("ptxas: no assembler; set FUSE_PTXAS") };
    let shapes = rows(&DTYPES);
    assert!(shapes.len() > 500, "{} shapes", shapes.len());
    spill_nothing(&shapes, ModuleOptions::default(), &TARGETS, &ptxas);
}

/// A slow path is a function that the assembler calls: it has a symbol, and does not decide how many
/// registers the fast path gets.
#[test]
fn slow_paths_stay_out_of_line() {
    let Some(ptxas) = ptxas() else { skip!("ptxas: no assembler; set FUSE_PTXAS") };
    let slow = ["sin", "sin_f32", "log", "gcd"];
    let shapes: Vec<Shape> =
        canonical().into_iter().filter(|shape| slow.contains(&shape.name.as_str())).collect();
    assert_eq!(shapes.len(), slow.len());
    for (shape, target, usages) in assemble_all(&ptxas, &shapes, ModuleOptions::default(), &TARGETS)
    {
        for (entry, usage) in usages {
            assert!(
                usage.calls_a_region,
                "{} {entry} for {target} has its regions inside",
                shape.name
            );
        }
    }
}

/// Indices of 64 bits; inputs that an output overlaps.
#[test]
fn other_modules_assemble_without_spills() {
    let Some(ptxas) = ptxas() else { skip!("ptxas: no assembler; set FUSE_PTXAS") };
    let wide = ModuleOptions { index: IndexWidth::W64, loads: Loads::Coherent };
    spill_nothing(&canonical(), wide, &TARGETS, &ptxas);
}

/// What the assembler must refuse, and what must be counted.
#[test]
fn the_assembler_is_heard() {
    let Some(ptxas) = ptxas() else { skip!("ptxas: no assembler; set FUSE_PTXAS") };
    let text = canonical()[0].text().expect("it compiles");
    let usages = assemble(&ptxas, &text, "sm_80").expect("it is right");
    assert!(usages.values().all(|usage| usage.registers > 4), "{usages:?}");
    let wrong = text.replacen("fma.rn.f64", "fma.f64", 1);
    assert!(assemble(&ptxas, &wrong, "sm_80").is_err());
    let line = "    16 bytes stack frame, 20 bytes spill stores, 24 bytes spill loads";
    assert_eq!(number_before(line, " bytes spill stores"), Some(20));
    assert_eq!(number_before(line, " bytes spill loads"), Some(24));
}
