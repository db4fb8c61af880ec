//! Diagnostics as users see them: `tests/ui/CODE-name.txt` holds a formula, the variables it was
//! given, and the rendered text. `FUSE_BLESS=1` writes the rendered texts anew: read them then. The
//! examples of the table of codes fail with their codes, and their corrections do not.
//!
//! ```text
//! formula: a + b
//! variables: a f64 (3,), b f64 (4,)
//! ---
//! error[E0401]: ...
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fuse::{AsInput, DType, Engine, Error, Input, Limits, Mode, Vars};
use fuse_syntax::{Code, EXAMPLE_LIMIT, EXAMPLE_VARIABLES};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")
}

struct Page {
    name: String,
    formula: String,
    variables: Vec<(String, DType, Vec<usize>, bool)>,
    rendered: String,
}

fn pages() -> Vec<Page> {
    let files = std::fs::read_dir(folder()).expect("tests/ui is there");
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths.iter().map(|path| page(path)).collect()
}

fn page(path: &Path) -> Page {
    let text = std::fs::read_to_string(path).expect("readable");
    let (head, rendered) = text.split_once("---\n").expect("a page has a line ---");
    let field = |key: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().trim().to_string()
    };
    let variables = field("variables:");
    let list = variables.split("; ").filter(|text| !text.is_empty()).map(variable);
    Page {
        name: path.file_stem().expect("named").to_string_lossy().into_owned(),
        formula: field("formula:").replace("\\n", "\n"),
        variables: list.collect(),
        rendered: rendered.to_string(),
    }
}

/// `a f64 (3, 4)`, or `k weak i64` for a plain number.
fn variable(text: &str) -> (String, DType, Vec<usize>, bool) {
    let mut words = text.split_whitespace();
    let name = words.next().expect("a name").to_string();
    let rest: Vec<&str> = words.collect();
    let weak = rest.first() == Some(&"weak");
    let dtype = dtype(rest[usize::from(weak)]);
    let digits = text.split_once('(').map_or("", |(_, shape)| shape.trim_end_matches(')'));
    let extents = digits.split(',').map(str::trim).filter(|n| !n.is_empty());
    (name, dtype, extents.map(|n| n.parse().expect("an extent")).collect(), weak)
}

/// Text dtypes with their lengths: `U8`.
fn dtype(name: &str) -> DType {
    let length = || name[1..].parse().expect("a length");
    match &name[..1] {
        "S" => DType::Bytes(length()),
        "U" => DType::Text(length()),
        _ => DType::from_name(name).expect("a dtype"),
    }
}

fn as_input(array: &fuse::Array) -> Input<'_> {
    array.as_input()
}

/// The formula's error, rendered.
fn render(page: &Page) -> String {
    let zeros = |(_, dtype, extents, _): &(_, DType, Vec<usize>, _)| {
        fuse::Array::zeroed(*dtype, extents).expect("small")
    };
    let arrays: Vec<fuse::Array> = page.variables.iter().map(zeros).collect();
    // A plain number beyond i32: what `m + k` is to meet.
    let input = |weak: bool, array| if weak { Input::weak_int(1 << 40) } else { as_input(array) };
    let variables = page.variables.iter().zip(&arrays);
    let vars: Vars<'_> =
        variables.map(|((name, _, _, weak), array)| (name.as_str(), input(*weak, array))).collect();
    let mode = if page.name.ends_with("-strict") { Mode::Strict } else { Mode::Relaxed };
    let mut limits = fuse::Limits::default();
    if page.name.contains("-limit") {
        (limits.inputs, limits.results) = (2, 2);
    }
    if page.name.ends_with("-example") {
        let code = page.name.trim_end_matches("-example").parse().expect("a code");
        limits = limits_of_example(code);
    }
    let engine = Engine::builder().mode(mode).limits(limits).build().expect("an engine");
    match engine.evaluate(&page.formula, vars) {
        Ok(array) => panic!("{}: no error, but {array}", page.name),
        Err(error) => format!("{}\n", error.render()),
    }
}

#[test]
fn diagnostics_read_as_they_should() {
    let bless = std::env::var("FUSE_BLESS").is_ok();
    let mut wrong = Vec::new();
    for page in pages() {
        let rendered = render(&page);
        let code = page.name.split('-').next().unwrap_or_default();
        assert!(rendered.contains(code), "{} gives another code:\n{rendered}", page.name);
        if rendered != page.rendered && bless {
            let path = folder().join(format!("{}.txt", page.name));
            let text = std::fs::read_to_string(&path).expect("readable");
            let (head, _) = text.split_once("---\n").expect("checked");
            std::fs::write(path, format!("{head}---\n{rendered}")).expect("writable");
        } else if rendered != page.rendered {
            wrong.push(format!("{}: expected\n{}got\n{rendered}", page.name, page.rendered));
        }
    }
    assert!(wrong.is_empty(), "{}\nFUSE_BLESS=1 writes them anew", wrong.join("\n"));
}

/// The variants of `Code` that a crate's sources construct, as their numbers.
fn codes_raised_in(crates: &[&str]) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut folders: Vec<PathBuf> = crates.iter().map(|name| root.join(name).join("src")).collect();
    let mut raised = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("sources") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for after in text.split("Code::").skip(1) {
                let word: String = after.chars().take_while(|c| c.is_alphanumeric()).collect();
                let known = Code::ALL.iter().find(|code| format!("{code:?}") == word);
                raised.extend(known.map(|code| code.number().to_string()));
            }
        }
    }
    raised
}

#[test]
fn every_code_is_raised_and_has_a_page() {
    let number = |page: &Page| page.name.split('-').next().unwrap_or_default().to_string();
    let pages: BTreeSet<String> = pages().iter().map(number).collect();
    let raised = codes_raised_in(&["fuse-syntax", "fuse-compile", "fuse"]);
    for code in Code::ALL.iter().map(|code| code.number()) {
        assert!(pages.contains(code), "{code} has no page in tests/ui");
        assert!(raised.contains(code), "nothing raises {code}");
    }
}

/// The limits of an example: those of everybody, but for the one that it exceeds.
fn limits_of_example(code: Code) -> Limits {
    let mut limits = Limits::default();
    match code {
        Code::SourceTooLong => limits.source_bytes = EXAMPLE_LIMIT,
        Code::NestingTooDeep => limits.nesting = EXAMPLE_LIMIT,
        Code::TooManyNodes => limits.nodes = EXAMPLE_LIMIT,
        Code::TooManyInputs => limits.inputs = EXAMPLE_LIMIT,
        Code::TooManyResults => limits.results = EXAMPLE_LIMIT,
        other => assert!(!other.is_limit(), "{other}: which limit is it?"),
    }
    limits
}

/// What is wrong with a formula of an example, if anything.
fn evaluated(code: Code, formula: &str) -> Result<(), Error> {
    let zeros = |(_, dtype): &(&str, &str)| {
        fuse::Array::zeroed(DType::from_name(dtype).expect("a dtype"), &[3]).expect("small")
    };
    let arrays: Vec<fuse::Array> = EXAMPLE_VARIABLES.iter().map(zeros).collect();
    let names = EXAMPLE_VARIABLES.iter().map(|(name, _)| *name);
    let vars: Vars<'_> = names.zip(arrays.iter().map(as_input)).collect();
    let engine = Engine::builder().limits(limits_of_example(code)).build().expect("an engine");
    engine.evaluate_all(formula, vars).map(|_| ())
}

/// The rendered error of a code's example.
pub(crate) fn example_rendered(code: Code) -> String {
    let example = code.example();
    match evaluated(code, example.mistake) {
        Ok(()) => panic!("{code}: no error in {}", example.mistake),
        Err(error) => error.render(),
    }
}

#[test]
fn examples_fail_with_their_codes_and_corrections_do_not() {
    for &code in Code::ALL {
        let example = code.example();
        let error = evaluated(code, example.mistake).expect_err(example.mistake);
        assert_eq!(error.code(), Some(code.number()), "{}: {error}", example.mistake);
        if let Err(error) = evaluated(code, example.correction) {
            panic!("{code}: {}\n{}", example.correction, error.render());
        }
    }
}
