//! Operations on complex numbers against committed tables, on every back end: values within the budget,
//! normwise, and the special values of C99's Annex G. `tests/accuracy/complex.py` writes the tables.

use std::ffi::OsStr;
use std::path::PathBuf;

use fuse::{Array, Complex, DType, Engine, Input, Vars};
use fuse_testkit::skip;

use super::{ENGINES, folder};
use crate::corpus::regenerate::{generate, python};

/// A part of an expected value.
#[derive(Clone, Copy, Debug)]
struct Part {
    value: f64,
    /// May its sign be another?
    open: bool,
    /// The exact value less this one, in ulp of the magnitude; none of a special value.
    rest: Option<f64>,
}

struct Line {
    args: Vec<f64>,
    parts: [Part; 2],
}

/// A table: the operation's name, its dtype, and the lines.
fn tables() -> Vec<(String, DType, Vec<Line>)> {
    let entries = std::fs::read_dir(folder().join("complex")).expect("the tables are there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let stem = path.file_stem().expect("named").to_string_lossy().into_owned();
        let (name, dtype) = stem.split_once('-').expect("name-dtype");
        let dtype = DType::from_name(dtype).expect("a dtype");
        let arity = if ["multiply", "divide", "power"].contains(&name) { 2 } else { 1 };
        let text = std::fs::read_to_string(path).expect("readable");
        (name.to_string(), dtype, text.lines().map(|text| line(text, dtype, arity)).collect())
    };
    paths.iter().map(read).collect()
}

fn line(text: &str, dtype: DType, arity: usize) -> Line {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |word: &str| {
        let bits = u64::from_str_radix(word, 16).expect("bits in hexadecimal");
        match dtype {
            DType::C64 => f64::from(f32::from_bits(u32::try_from(bits).expect("32 bits"))),
            _ => f64::from_bits(bits),
        }
    };
    let args = words[..2 * arity].iter().map(|word| number(word)).collect();
    let part = |index: usize| {
        let word = words[2 * arity + index];
        let rest = words.get(2 * arity + 2 + index);
        let rest = rest.map(|rest| rest.parse::<f64>().expect("an integer") / 65536.0);
        Part { value: number(word.trim_start_matches('?')), open: word.starts_with('?'), rest }
    };
    Line { args, parts: [part(0), part(1)] }
}

/// The operation's results, as pairs of f64.
fn evaluate(engine: &Engine, name: &str, dtype: DType, lines: &[Line]) -> Vec<[f64; 2]> {
    let arity = lines[0].args.len() / 2;
    let arrays: Vec<Array> = (0..arity).map(|position| array(dtype, lines, position)).collect();
    let mut vars = Vars::new();
    for (variable, array) in ["a", "b"].into_iter().zip(&arrays) {
        vars.insert(variable, Input::array(array.view()));
    }
    let formula = if arity == 2 { format!("{name}(a, b)") } else { format!("{name}(a)") };
    let result = engine.evaluate(&formula, vars).expect("evaluates");
    if dtype == DType::C64 {
        let pair = |z: &Complex<f32>| [f64::from(z.re), f64::from(z.im)];
        return result.as_slice::<Complex<f32>>().expect("c64").iter().map(pair).collect();
    }
    let pair = |z: &Complex<f64>| [z.re, z.im];
    result.as_slice::<Complex<f64>>().expect("c128").iter().map(pair).collect()
}

fn array(dtype: DType, lines: &[Line], position: usize) -> Array {
    let pairs = lines.iter().map(|line| (line.args[2 * position], line.args[2 * position + 1]));
    let array = if dtype == DType::C64 {
        let elements: Vec<_> = pairs.map(|(re, im)| Complex::new(re as f32, im as f32)).collect();
        Array::from_slice(&elements, &[elements.len()])
    } else {
        let elements: Vec<_> = pairs.map(|(re, im)| Complex::new(re, im)).collect();
        Array::from_slice(&elements, &[elements.len()])
    };
    array.expect("an array of that many")
}

/// What a special value's part must be: NaN, zero or infinity with its sign, or near a number.
fn is_special(part: Part, found: f64) -> bool {
    if part.value.is_nan() {
        return found.is_nan();
    }
    let (wanted, found) =
        if part.open { (part.value.abs(), found.abs()) } else { (part.value, found) };
    if wanted == 0.0 || wanted.is_infinite() {
        return wanted.to_bits() == found.to_bits();
    }
    (found - wanted).abs() <= 2e-7 * wanted.abs()
}

/// |found - exact| in ulp of |exact|, where the exact value is finite.
fn error(dtype: DType, parts: [Part; 2], found: [f64; 2]) -> f64 {
    let (precision, least) = if dtype == DType::C64 { (24, -126) } else { (53, -1022) };
    // Halved twice, so that the magnitude is finite.
    let magnitude = (parts[0].value / 4.0).hypot(parts[1].value / 4.0);
    let exponent = ((magnitude.to_bits() >> 52).cast_signed() - 1021).max(least);
    let unit_exponent = i32::try_from(exponent - precision + 1).expect("an exponent");
    let in_ulp = |difference: f64| {
        difference / 2f64.powi(unit_exponent / 2) / 2f64.powi(unit_exponent - unit_exponent / 2)
    };
    let off = |part: Part, found: f64| in_ulp(found - part.value) - part.rest.unwrap_or(0.0);
    off(parts[0], found[0]).hypot(off(parts[1], found[1]))
}

/// The budget of docs/numerics.md, and what the rounding of `rest` and of the table may add.
fn budget(name: &str, args: &[f64]) -> f64 {
    let budget = match (name, args) {
        ("multiply", _) => 5f64.sqrt(),
        ("power", &[x, y, u, v]) => {
            let (log, angle) = (x.hypot(y).ln(), y.atan2(x));
            4.0 + 2.0 * (u * log - v * angle).hypot(u * angle + v * log)
        }
        ("exp2", &[_, y]) => 4.0 + y.abs() / 2f64.powi(50),
        _ => 4.0,
    };
    budget + 1e-4
}

#[test]
fn complex_operations_are_within_their_budget_at_committed_points() {
    let mut failures = Vec::new();
    for (name, dtype, lines) in tables() {
        assert!(lines.len() > 200, "{name}-{dtype} is a table");
        for (backend, engine) in ENGINES.iter() {
            let results = evaluate(engine, &name, dtype, &lines);
            for (Line { args, parts }, found) in lines.iter().zip(results) {
                let good = match parts[0].rest {
                    None => is_special(parts[0], found[0]) && is_special(parts[1], found[1]),
                    Some(_) => error(dtype, *parts, found) <= budget(&name, args),
                };
                if !good {
                    let off = error(dtype, *parts, found);
                    let backend = backend.label();
                    failures.push(format!("{backend}: {name} of {dtype} {args:?} gives {found:?}, not {parts:?}: {off} ulp"));
                }
            }
        }
    }
    let shown: Vec<&String> = failures.iter().take(20).collect();
    assert!(failures.is_empty(), "{} failures: {shown:#?}", failures.len());
    ENGINES.iter().for_each(|(backend, _)| backend.assert_took_all());
}

#[test]
fn every_complex_function_has_its_tables() {
    let names: Vec<String> = tables().into_iter().map(|(name, ..)| name).collect();
    for row in fuse_ops::COMPLEX.iter().filter(|row| row.is_function()) {
        let name = row.op.row().name;
        assert_eq!(names.iter().filter(|known| *known == name).count(), 2, "tables of {name}");
    }
}

#[test]
fn the_generator_writes_the_complex_tables_again() {
    let Some(python) = python("import gmpy2") else {
        skip!("python: no python3 from 3.11 on with gmpy2");
    };
    let fresh = tempfile::tempdir().expect("a temporary folder");
    let script = folder().join("complex.py");
    let target = fresh.path().as_os_str();
    let names = ["sqrt", "tanh", "power"].map(OsStr::new);
    let arguments = [&[script.as_os_str(), OsStr::new("tables"), target], &names[..]].concat();
    generate(&python, &arguments, fresh.path());
    for entry in std::fs::read_dir(fresh.path()).expect("a folder").flatten() {
        let committed = folder().join("complex").join(entry.file_name());
        let read = |path: PathBuf| std::fs::read_to_string(path).expect("a text");
        let same = read(entry.path()) == read(committed);
        assert!(same, "{:?} is not what its generator writes", entry.file_name());
    }
}
