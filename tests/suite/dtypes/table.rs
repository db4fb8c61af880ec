//! The table's files as cases.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use fuse::DType;
use fuse_ops::derived::{DERIVED, DerivedRow, Makes};
use fuse_ops::table::{Row, Syntax, TABLE};
use fuse_ops::{Accuracy, Class, FORMS, Form, Op};

use super::elements::{Bits, near, parse, same};

/// Where the generator and its table lie.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dtypes")
}

pub(super) fn read(name: &str) -> String {
    let file = folder().join("table").join(format!("{name}.txt"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The telling values of each dtype, in the table's order of dtypes.
pub(super) static VALUES: LazyLock<Vec<(DType, Vec<Bits>)>> = LazyLock::new(|| {
    let line = |line: &str| {
        let (name, values) = line.split_once(" : ").expect("a dtype and its values");
        let dtype = DType::from_name(name).expect("a dtype");
        (dtype, values.split(' ').map(|text| parse(dtype, text).expect("an element")).collect())
    };
    read("values").lines().map(line).collect()
});

/// The telling values of a dtype.
pub(super) fn values(dtype: DType) -> &'static [Bits] {
    let found = VALUES.iter().find(|(known, _)| *known == dtype);
    &found.expect("the table has the dtype").1
}

/// Places of the values that a reduction takes of each dtype, once for each of its results.
static SLICES: LazyLock<Vec<(DType, Vec<usize>)>> = LazyLock::new(|| {
    let line = |line: &str| {
        let (name, places) = line.split_once(" : ").expect("a dtype and places");
        let places = places.split(' ').map(|place| place.parse().expect("a place")).collect();
        (DType::from_name(name).expect("a dtype"), places)
    };
    read("slices").lines().map(line).collect()
});

/// The slices of a dtype.
pub(super) fn slices(dtype: DType) -> Vec<&'static [usize]> {
    let own = SLICES.iter().filter(|(known, _)| *known == dtype);
    own.map(|(_, places)| places.as_slice()).collect()
}

/// An operand of a case.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// Values of a dtype.
    Values(DType),
    /// A plain number, as written.
    Plain(String),
}

/// What a case must give.
#[derive(Clone, Debug)]
pub(super) enum Expect {
    Error,
    /// The dtype, and the elements by position; those that are absent are left open.
    Values(DType, HashMap<usize, Bits>),
}

/// A line of the table.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) subject: Subject,
    /// Another name of the row, by which it is called.
    pub(super) called: Option<String>,
    pub(super) operands: Vec<Operand>,
    /// Of a cast: to what.
    pub(super) target: Option<DType>,
    pub(super) expect: Expect,
    /// Floats that an f64 of the file may be from the one that stands there.
    within: u64,
    /// Units in the last place of its magnitude that a complex number of the file may be from the one that
    /// stands there; floats that a real result of complex numbers may be.
    units: Option<f64>,
    /// Names of the deviations from NumPy.
    pub(super) deviations: Vec<String>,
    /// The line, for reports.
    pub(super) line: String,
}

impl Operand {
    fn read(text: &str) -> Operand {
        DType::from_name(text).map_or_else(|| Operand::Plain(text.to_string()), Operand::Values)
    }
}

impl Case {
    fn read(subject: &Subject, called: Option<&str>, head: Head, line: &str) -> Option<Case> {
        let (left, right) = line.split_once(" = ")?;
        let (right, elements) = right.split_once(" : ").unwrap_or((right, ""));
        let (result, notes) = right.split_once(" [").unwrap_or((right, "]"));
        let notes = notes.strip_suffix(']')?.split(", ").filter(|note| !note.is_empty());
        let mut operands: Vec<Operand> = left.split(' ').map(Operand::read).collect();
        let target = match (subject.op, operands.last()) {
            (Some(Op::Cast), Some(&Operand::Values(dtype))) => Some(dtype),
            _ => None,
        };
        if target.is_some() {
            operands.pop();
        }
        let every = if subject.class == Class::Reduction { 1 } else { head.every };
        let expect = match DType::from_name(result) {
            None if result == "error" => Expect::Error,
            None => return None,
            Some(dtype) => Expect::Values(dtype, read_elements(dtype, every, elements)?),
        };
        let deviations = notes.map(str::to_string).collect();
        (operands.len() == subject.arity).then(|| Case {
            subject: subject.clone(),
            called: called.map(str::to_string),
            operands,
            target,
            expect,
            within: head.within,
            units: head.units,
            deviations,
            line: left.to_string(),
        })
    }

    /// The formula, for operands written so.
    pub(super) fn formula(&self, operands: &[String]) -> String {
        let list = operands.join(", ");
        if let Some(name) = &self.called {
            return format!("{name}({list})");
        }
        match (self.subject.syntax, self.target) {
            (_, Some(dtype)) => format!("{dtype}({list})"),
            (Syntax::Infix(symbol), _) => operands.join(&format!(" {symbol} ")),
            (Syntax::Prefix(symbol), _) => format!("{symbol} {list}"),
            (Syntax::Function | Syntax::Internal, _) => format!("{}({list})", self.subject.name),
        }
    }

    /// Results of a reduction: slices of the operand that has most.
    pub(super) fn n_slices(&self) -> usize {
        let of = |operand: &Operand| match operand {
            Operand::Values(dtype) => slices(*dtype).len(),
            Operand::Plain(_) => 0,
        };
        self.operands.iter().map(of).max().unwrap_or(0)
    }

    /// May a result stand for the expected one?
    pub(super) fn agrees(&self, dtype: DType, expected: Bits, got: Bits) -> bool {
        match self.units.filter(|_| dtype.is_complex()) {
            Some(units) => near(dtype, units, expected, got),
            None => same(dtype, self.steps(dtype), expected, got),
        }
    }

    fn is_of_complex(&self) -> bool {
        self.operands.iter().any(|operand| match operand {
            Operand::Values(dtype) => dtype.is_complex(),
            Operand::Plain(_) => false,
        })
    }

    /// Floats that an element may be from the expected one, which is the exact value rounded once.
    fn steps(&self, dtype: DType) -> u64 {
        match self.subject.accuracy {
            // What is kept in f64 comes out rounded once as a narrower one.
            Accuracy::Exact | Accuracy::Stated if dtype != DType::F64 => 0,
            Accuracy::Exact | Accuracy::Stated => match self.units {
                Some(units) if self.is_of_complex() => units as u64,
                Some(_) | None => self.within,
            },
            Accuracy::Ulp(budget) => {
                let budget = if dtype == DType::F64 { budget.f64 } else { budget.f32 };
                // A budget and half a unit apart; both are multiples of a half.
                if dtype.is_float() { (budget + 0.5).floor() as u64 } else { 0 }
            }
        }
    }
}

fn read_elements(dtype: DType, every: usize, text: &str) -> Option<HashMap<usize, Bits>> {
    let items: Vec<&str> = match dtype {
        DType::Bool => text.split("").filter(|item| !item.is_empty()).collect(),
        _ => text.split(' ').collect(),
    };
    let known = items.iter().enumerate().filter(|(_, item)| **item != "?");
    known.map(|(index, item)| Some((index * every, parse(dtype, item)?))).collect()
}

/// A row of the operator table that a formula can write, casts, or a function or reduction over others.
#[derive(Clone)]
pub(super) struct Subject {
    /// Its file's name: a function over others that shares a row's name has its arity there.
    pub(super) file: String,
    pub(super) name: &'static str,
    pub(super) op: Option<Op>,
    syntax: Syntax,
    arity: usize,
    accuracy: Accuracy,
    pub(super) class: Class,
}

impl Subject {
    fn row(row: &Row) -> Subject {
        Subject {
            file: row.name.to_string(),
            name: row.name,
            op: Some(row.op),
            syntax: row.syntax,
            arity: row.arity,
            accuracy: row.accuracy,
            class: row.class,
        }
    }

    fn form(form: &Form) -> Subject {
        Subject {
            file: form.name.to_string(),
            name: form.name,
            op: None,
            syntax: Syntax::Function,
            arity: form.arity,
            accuracy: Accuracy::Stated,
            class: Class::Reduction,
        }
    }

    fn derived(row: &DerivedRow) -> Subject {
        let (name, arity) = (row.name, row.required());
        let shared = Op::function(name).is_some();
        Subject {
            file: if shared { format!("{name}-{arity}") } else { name.to_string() },
            name,
            op: None,
            syntax: Syntax::Function,
            arity,
            accuracy: Accuracy::Exact,
            class: Class::Elementwise,
        }
    }
}

/// NumPy has no function of two parts; the corpus has it, on every dtype, in its theme `complex`.
const ELSEWHERE: [Op; 1] = [Op::Complex];

/// Rows of the operator table that a formula can write.
fn rows() -> impl Iterator<Item = &'static Row> {
    let written = TABLE.iter().filter(|row| row.syntax != Syntax::Internal);
    written.filter(|row| !ELSEWHERE.contains(&row.op))
}

/// All that has a file of its own: what works on elements.
pub(super) fn subjects() -> Vec<Subject> {
    let rows = rows().chain([Op::Cast.row()]).map(Subject::row);
    let derived = DERIVED.iter().filter(|row| row.makes == Makes::Elements).map(Subject::derived);
    rows.chain(derived).chain(FORMS.iter().map(Subject::form)).collect()
}

/// What a file says before its lines.
#[derive(Clone, Copy)]
struct Head {
    /// Of how many elements it lists one.
    every: usize,
    /// See [`Case::within`].
    within: u64,
    /// See [`Case::units`].
    units: Option<f64>,
}

/// A file's head and its lines.
fn lines(text: &str) -> (Head, impl Iterator<Item = &str>) {
    let stated = |word: &str| {
        let mut said = text.lines().map_while(|line| line.strip_prefix("# "));
        said.find_map(|said| said.strip_prefix(word)?.parse::<u64>().ok())
    };
    let every = stated("every ").map_or(1, |every| usize::try_from(every).expect("a number"));
    let units = stated("complex ").map(|units| units as f64);
    let head = Head { every, within: stated("within ").unwrap_or(0), units };
    (head, text.lines().filter(|line| !line.starts_with('#')))
}

/// The cases of a file.
pub(super) fn cases(subject: &Subject) -> Vec<Case> {
    let text = read(&subject.file);
    let (head, lines) = lines(&text);
    let read = |line| Case::read(subject, None, head, line);
    lines.map(|line| read(line).unwrap_or_else(|| panic!("{}: {line}", subject.file))).collect()
}

/// The cases of rows by their other names.
pub(super) fn named() -> Vec<Case> {
    let text = read("names");
    let (head, lines) = lines(&text);
    let read = |line: &str| {
        let (name, rest) = line.split_once(' ')?;
        Case::read(&Subject::row(Op::function(name)?.row()), Some(name), head, rest)
    };
    lines.map(|line| read(line).unwrap_or_else(|| panic!("names: {line}"))).collect()
}

#[test]
fn every_pair_of_dtypes_and_every_plain_number_has_its_line() {
    for subject in subjects() {
        let mut lines: Vec<String> = cases(&subject).into_iter().map(|case| case.line).collect();
        let n = lines.len();
        lines.sort();
        lines.dedup();
        assert_eq!(n, lines.len(), "{}: a line stands twice", subject.file);
        // Of 12 plain numbers one has no dtype where nothing is beside it.
        let (dtypes, plain) = (VALUES.len(), 12);
        let (single, pairs) = (dtypes + plain - 1, dtypes * (dtypes + 2 * plain));
        let wanted = match (subject.op, subject.file.as_str(), subject.class, subject.arity) {
            (Some(Op::Cast), ..) => (dtypes + plain) * dtypes,
            (_, _, Class::Reduction, 1) => dtypes,
            (_, _, Class::Reduction, _) => dtypes * dtypes,
            (_, "clip", ..) => pairs + dtypes * dtypes,
            (_, "round-2", ..) => 2 * single,
            (_, _, _, 1) => single,
            (_, _, _, 2) => pairs,
            _ => pairs + dtypes - 1,
        };
        assert_eq!(n, wanted, "{}: lines", subject.file);
    }
}

/// A result that is not listed would not be compared.
#[test]
fn every_reduction_has_a_result_for_each_slice() {
    let all = subjects().iter().flat_map(cases).chain(named()).collect::<Vec<Case>>();
    for case in all.iter().filter(|case| case.subject.class == Class::Reduction) {
        let Expect::Values(_, results) = &case.expect else { continue };
        let mut listed: Vec<usize> = results.keys().copied().collect();
        listed.sort_unstable();
        let wanted: Vec<usize> = (0..case.n_slices()).collect();
        assert_eq!(listed, wanted, "{}: {}", case.subject.file, case.line);
    }
}

#[test]
fn every_other_name_has_its_lines() {
    let mut wanted = BTreeSet::new();
    for row in rows() {
        let own = matches!(row.syntax, Syntax::Infix(_) | Syntax::Prefix(_)).then_some(row.name);
        for name in own.into_iter().chain(row.aliases.iter().copied()) {
            wanted.extend(VALUES.iter().map(|(dtype, _)| (name.to_string(), *dtype)));
        }
    }
    let found = named().into_iter().filter_map(|case| match case.operands.last() {
        Some(Operand::Values(dtype)) => Some((case.called?, *dtype)),
        Some(Operand::Plain(_)) | None => None,
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), wanted);
}
