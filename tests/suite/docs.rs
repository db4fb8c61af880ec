//! `docs/functions.md` is generated from the operator table, the table of accuracy in `docs/numerics.md`
//! from that and `tests/accuracy/record.toml`, `docs/errors.md` from the table of codes: `FUSE_BLESS=1
//! cargo test -p fuse-tests docs` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fuse::DType;
use fuse_ops::derived::DERIVED;
use fuse_ops::table::{Class, Row, Syntax, TABLE};
use fuse_ops::{Accuracy, Budget, FORMS, Parameter, Yardstick};
use fuse_syntax::{Code, EXAMPLE_LIMIT, EXAMPLE_VARIABLES};
use fuse_testkit::accuracy::Subject;
use serde::Deserialize;

use crate::ui::example_rendered;

#[test]
fn the_function_reference_is_that_of_the_table() {
    let generated = reference();
    bless_or_compare("functions.md", &generated);
}

#[test]
fn the_page_of_errors_is_that_of_the_codes() {
    let mut text = String::from(
        "# Errors\n\nGenerated from the table of codes (`fuse-syntax/src/code.rs`); `fuse explain E0101` prints \
         the same. Each has a formula that fails, what is said of it, and a formula that does what was meant. ",
    );
    let known: Vec<String> =
        EXAMPLE_VARIABLES.iter().map(|(name, dtype)| format!("`{name}` {dtype}")).collect();
    write!(
        text,
        "The variables are vectors of three elements: {}. Where a code is about a limit, the limit is \
         {EXAMPLE_LIMIT} here.\n\n| code | |\n|---|---|\n",
        known.join(", ")
    )
    .expect("text grows");
    for code in Code::ALL {
        writeln!(text, "| [{code}](#{}) | {} |", anchor(*code), code.title()).expect("text grows");
    }
    for &code in Code::ALL {
        let (title, explanation) = (code.title(), code.explanation());
        let (rendered, correction) = (example_rendered(code), code.example().correction);
        write!(
            text,
            "\n## {code}: {title}\n\n{explanation}\n\n```text\n{rendered}\n```\n\nRight: ``{correction}``\n"
        )
        .expect("text grows");
    }
    bless_or_compare("errors.md", &text);
}

/// Where a heading is found: small letters and digits, hyphens for spaces.
fn anchor(code: Code) -> String {
    let heading = format!("{code} {}", code.title()).to_lowercase().replace(' ', "-");
    heading.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

pub(crate) fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Writes a page of `docs` if asked to; demands that it is what was generated.
pub(crate) fn bless_or_compare(name: &str, generated: &str) {
    let file = page(name);
    if std::env::var_os("FUSE_BLESS").is_some() {
        std::fs::write(&file, generated).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == generated, "docs/{name} is out of date: FUSE_BLESS=1 writes it");
}

fn reference() -> String {
    let mut text = String::from(
        "# Operators and functions\n\nGenerated from the operator table (`fuse-ops/src/table.rs`). \
         All work element by element but those that say reduction, new array or shape; shapes \
         broadcast. Casts are calls of a dtype: \
         `f32(a)`. Arguments with a default may be left out, or given by name.\n\n\
         | written | other names | what it gives | example |\n|---|---|---|---|\n",
    );
    for row in TABLE.iter().filter(|row| row.syntax != Syntax::Internal) {
        let parameters = ["a", "b", "c"][..row.arity].join(", ");
        let written = match row.syntax {
            Syntax::Infix(symbol) => format!("`a {symbol} b`, `{}`", row.name),
            Syntax::Prefix("not") => format!("`not a`, `{}`", row.name),
            Syntax::Prefix(symbol) => format!("`{symbol}a`, `{}`", row.name),
            Syntax::Function | Syntax::Internal => format!("`{}({parameters})`", row.name),
        };
        let written = written.replace('|', "\\|");
        let aliases: Vec<String> = row.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let class = if row.class == Class::Reduction { "reduction: " } else { "" };
        let example = row.example.replace('|', "\\|");
        writeln!(text, "| {written} | {} | {class}{} | `{example}` |", aliases.join(" "), row.doc)
            .expect("text grows");
    }
    for row in DERIVED {
        let aliases: Vec<String> = row.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let (written, aliases) = (row.written(), aliases.join(" "));
        let (doc, example) = (row.documentation(), row.example);
        writeln!(text, "| `{written}` | {aliases} | {doc} | `{example}` |").expect("text grows");
    }
    write_forms(&mut text);
    write_parameters(&mut text);
    text
}

/// The reductions that are made of others.
fn write_forms(text: &mut String) {
    text.push_str("\n## Reductions made of others\n\n");
    text.push_str("| written | other names | what it gives | example |\n|---|---|---|---|\n");
    for form in FORMS {
        let operands = ["a", "b", "c"][..form.arity].join(", ");
        let (name, doc, example) = (form.name, form.doc, form.example);
        writeln!(text, "| `{name}({operands})` |  | reduction: {doc} | `{example}` |")
            .expect("text grows");
    }
}

/// What reductions take beside their operands.
fn write_parameters(text: &mut String) {
    text.push_str("\n## Parameters of reductions\n\n");
    let rows = TABLE.iter().filter(|row| row.syntax != Syntax::Internal);
    let rows = rows.map(|row| (row.name, row.op.parameters()));
    let reductions: Vec<(&str, &[Parameter])> =
        rows.chain(FORMS.iter().map(|form| (form.name, form.parameters))).collect();
    let mut kinds: Vec<&[Parameter]> = Vec::new();
    for (_, parameters) in &reductions {
        if !parameters.is_empty() && !kinds.contains(parameters) {
            kinds.push(parameters);
        }
    }
    for parameters in kinds {
        let names = reductions.iter().filter(|known| known.1 == parameters).map(|known| known.0);
        let text_of = |known: &Parameter| {
            let by_name = if *known == Parameter::NamedAxis { " (by name only)" } else { "" };
            format!("`{}={}`{by_name}", known.name(), known.default_text())
        };
        let listed: Vec<String> = parameters.iter().map(text_of).collect();
        let names: Vec<&str> = names.collect();
        writeln!(text, "* {}: `{}`", listed.join(", "), names.join(" ")).expect("text grows");
    }
}

/// What `examples/accuracy.rs` recorded of a function and dtype.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// The largest error, in units in the last place of the exact result.
    max: f64,
    /// The largest error as the budget counts it; absent where that is `max`.
    measured_in: Option<f64>,
    /// The arguments with the largest error, as bits.
    at: Vec<String>,
    /// The share of results that are correctly rounded.
    correct: f64,
    /// A hash of the kernel that was measured.
    expansion: String,
    points: u64,
    /// Points that MPFR decided.
    #[expect(dead_code, reason = "how a series was made is not for the table")]
    mpfr: u64,
    /// The least points in a binade; absent where all numbers were tried.
    binade: Option<u64>,
}

/// A function's record of each dtype, in the order of the table.
struct Measured {
    row: &'static Row,
    budget: Budget,
    dtype: DType,
    record: Option<Record>,
}

fn measured() -> Vec<Measured> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("accuracy/record.toml");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut records: toml::Table = text.parse().expect("record.toml is TOML");
    let mut measured = Vec::new();
    for row in TABLE {
        let Accuracy::Ulp(budget) = row.accuracy else { continue };
        for dtype in [DType::F64, DType::F32] {
            let function = records.get_mut(row.name).and_then(toml::Value::as_table_mut);
            let record = function.and_then(|function| function.remove(&dtype.to_string()));
            let record = record.map(|record| {
                record.try_into().unwrap_or_else(|error| panic!("{} {dtype}: {error}", row.name))
            });
            measured.push(Measured { row, budget, dtype, record });
        }
    }
    let unknown = records
        .iter()
        .filter(|(_, function)| function.as_table().is_none_or(|function| !function.is_empty()));
    let unknown: Vec<&String> = unknown.map(|(name, _)| name).collect();
    assert!(unknown.is_empty(), "records of what has no budget: {unknown:?}");
    measured
}

impl Measured {
    fn limit(&self) -> f64 {
        if self.dtype == DType::F32 { self.budget.f32 } else { self.budget.f64 }
    }

    /// The error that the budget bounds.
    fn error(record: &Record) -> f64 {
        record.measured_in.unwrap_or(record.max)
    }

    /// Why the record does not show that the budget holds.
    fn complaint(&self) -> Option<String> {
        let subject = format!("{} of {}", self.row.name, self.dtype);
        let Some(record) = &self.record else { return Some(format!("{subject}: no record")) };
        let (error, limit) = (Measured::error(record), self.limit());
        let other = self.budget.yardstick == Yardstick::Result && record.measured_in.is_some();
        let expansion = Subject::new(self.row.op, self.dtype).expansion();
        match () {
            () if record.expansion != expansion => Some(format!(
                "{subject}: another expansion was measured; `expansion = \"{expansion}\"` is this one's"
            )),
            () if other => Some(format!("{subject}: measured in units that its budget has not")),
            () if error <= limit => None,
            () => Some(format!("{subject}: {error} exceeds {limit}")),
        }
    }

    fn line(&self) -> String {
        let Measured { row, budget, dtype, record } = self;
        let Some(record) = record else { return String::new() };
        let note = match budget.yardstick {
            Yardstick::Result => String::new(),
            Yardstick::ResultOrAbsolute(limit) => format!(" or {limit:e}"),
            Yardstick::Largest => " of the largest".to_string(),
        };
        let at: Vec<String> = record.at.iter().map(|bits| decimal(*dtype, bits)).collect();
        let binade = record.binade.map_or_else(|| "all".to_string(), grouped);
        let primitives = row.op.cost(*dtype, *dtype).primitives;
        format!(
            "| `{}` | {dtype} | {}{note} | {:.4} | {} | {:.3} | {} | {binade} | {primitives} |",
            row.name,
            self.limit(),
            Measured::error(record),
            at.join(", "),
            100.0 * record.correct,
            grouped(record.points),
        )
    }
}

/// A float's bits as a decimal number that has them: 17 significant digits, of f32 9.
fn decimal(dtype: DType, bits: &str) -> String {
    let digits = bits.strip_prefix("0x").expect("hexadecimal");
    let bits = u64::from_str_radix(digits, 16).expect("bits");
    if dtype == DType::F32 {
        return format!("{:.8e}", f32::from_bits(u32::try_from(bits).expect("32 bits")));
    }
    format!("{:.16e}", f64::from_bits(bits))
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(" ")
}

const BEGIN: &str = "<!-- accuracy: generated -->\n";
const END: &str = "<!-- end -->\n";

fn accuracy_table(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| function | of | budget, ulp | largest error | at | correctly rounded, % | points | fewest in a \
         binade | primitives |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for line in measured.iter().map(Measured::line).filter(|line| !line.is_empty()) {
        writeln!(text, "{line}").expect("text grows");
    }
    text
}

#[test]
fn the_table_of_accuracy_is_that_of_the_record() {
    let measured = measured();
    let committed = std::fs::read_to_string(page("numerics.md")).expect("docs/numerics.md");
    let (before, rest) = committed.split_once(BEGIN).expect("the table's begin");
    let (_, after) = rest.split_once(END).expect("the table's end");
    let table = accuracy_table(&measured);
    bless_or_compare("numerics.md", &format!("{before}{BEGIN}{table}{END}{after}"));
}

#[test]
fn every_function_was_measured_and_is_within_its_budget() {
    let complaints: Vec<String> = measured().iter().filter_map(Measured::complaint).collect();
    assert!(
        complaints.is_empty(),
        "{}\nmeasure: cargo run --release -p fuse-tests --features mpfr --example accuracy",
        complaints.join("\n")
    );
}

/// Each line of a `fuse` block is a formula without variables and, behind `#`, its results as NumPy
/// prints them.
#[test]
fn examples_of_the_language_give_what_stands_beside_them() {
    let text = std::fs::read_to_string(page("language.md")).expect("docs/language.md");
    let blocks = text.split("```fuse\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut count = 0;
    for line in blocks.flat_map(str::lines) {
        let (formula, expected) = line.split_once("  # ").expect("a formula and its results");
        let results = fuse::Engine::builder()
            .mode(fuse::Mode::Strict)
            .build()
            .and_then(|engine| engine.evaluate_all(formula, fuse::vars! {}))
            .unwrap_or_else(|error| panic!("{formula}: {error}"));
        let found: Vec<String> = results.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(", "), expected.replace("\\n", "\n"), "{formula}");
        count += 1;
    }
    assert!(count >= 12, "{count} examples");
}

/// A record as the series writes it.
fn sample(extra: &str) -> Measured {
    let text = format!(
        "max = 0.75\nat = [\"0x3fb999999999999a\"]\ncorrect = 0.9\npoints = 10000000\nmpfr = 3\n{extra}"
    );
    let row = TABLE.iter().find(|row| row.name == "exp").expect("a row");
    let expansion = Subject::new(row.op, DType::F64).expansion();
    let text = format!("{text}\nexpansion = \"{expansion}\"");
    let Accuracy::Ulp(budget) = row.accuracy else { unreachable!("exp has a budget") };
    let record = Some(toml::from_str(&text).expect("a record"));
    Measured { row, budget, dtype: DType::F64, record }
}

#[test]
fn a_record_becomes_a_line() {
    let line = sample("binade = 2050").line();
    let start =
        "| `exp` | f64 | 1 | 0.7500 | 1.0000000000000001e-1 | 90.000 | 10 000 000 | 2 050 | ";
    assert!(line.starts_with(start), "{line}");
    assert!(sample("").line().contains("| all |"));
    assert_eq!(decimal(DType::F32, "0x3dcccccd"), "1.00000001e-1");
}

#[test]
fn a_function_beyond_its_budget_or_without_a_record_is_found() {
    assert_eq!(sample("").complaint(), None);
    let unmeasured = Measured { record: None, ..sample("") };
    assert!(unmeasured.complaint().is_some_and(|text| text.contains("no record")));
    let mut old = sample("");
    old.record.as_mut().expect("a record").expansion = "0".repeat(16);
    assert!(old.complaint().is_some_and(|text| text.contains("another expansion")));
    let mut beyond = sample("");
    beyond.budget.f64 = 0.5;
    assert!(beyond.complaint().is_some_and(|text| text.contains("exceeds")));
    let other = "measured_in = 0.5";
    assert!(sample(other).complaint().is_some_and(|text| text.contains("units")));
    let mut largest = Measured { ..sample(other) };
    largest.budget.yardstick = Yardstick::Largest;
    largest.budget.f64 = 0.6;
    assert_eq!(largest.complaint(), None);
}
