//! Runs each case: on arrays, with typed scalars in place of each of them, and with a variable of no
//! type in place of a plain number; strict mode, where NumPy's bits are promised, on the interpreter.
//! The compilers, Cranelift, AVX2 and AVX-512, and PTX on its interpreter run all arrays and a part of the
//! rest; relaxed mode states the same dtypes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use fuse::raw::{ByteOrder, ScalarValue};
use fuse::{
    Array, Backend, Complex, DType, Device, Engine, Error, ErrorKind, Input, InputType, Layout,
    Mode, Strength, Vars, View,
};
use fuse_ops::{Class, Op};
use fuse_testkit::ptx::InterpretedDevice;
use rayon::prelude::*;

use super::elements::{Bits, bits, bytes, parse, show};
use super::table::{Case, Expect, Operand, cases, folder, named, read, slices, subjects, values};
use crate::backends::{self, Watched};

/// Failures of a row that are printed.
const SHOWN: usize = 6;

struct Engines {
    interpreter: Engine,
    compilers: Vec<(Arc<Watched>, Engine)>,
    relaxed: Engine,
}

static ENGINES: LazyLock<Engines> = LazyLock::new(|| {
    let interpreter = |mode| {
        let engine = Engine::builder().backend(Backend::Interp).mode(mode).threads(1).build();
        engine.expect("the interpreter is everywhere")
    };
    let compiler = |backend: Arc<Watched>| {
        let builder = Engine::builder().host_backend(backend.clone()).mode(Mode::Strict).threads(1);
        (backend, builder.build().expect("the back end is given"))
    };
    Engines {
        interpreter: interpreter(Mode::Strict),
        compilers: backends::compilers().into_iter().map(compiler).collect(),
        relaxed: interpreter(Mode::Relaxed),
    }
});

/// PTX on a device of its own: a device runs one call at a time, and rows run side by side.
fn ptx() -> Engine {
    let device = Device::from_driver(Arc::new(InterpretedDevice::new()));
    let engine = Engine::builder().device(&device).mode(Mode::Strict).build();
    engine.expect("the device is given")
}

/// What stands for an operand in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// An array of its values.
    Array,
    /// A typed scalar, one of its values.
    Scalar,
    /// The number as written.
    Literal,
    /// A variable of no type that has the number.
    Weak,
}

/// A case with a role for each operand, and which positions of the case are run.
struct Run<'c> {
    case: &'c Case,
    roles: Vec<Role>,
    positions: Vec<usize>,
    /// Of a reduction: which of its results.
    slice: Option<usize>,
}

/// The value of an operand.
struct Given {
    role: Role,
    dtype: DType,
    extents: Vec<usize>,
    bytes: Vec<u8>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

impl Case {
    /// Elements of the whole case.
    fn len(&self) -> usize {
        let lens: Vec<usize> = self.outer().map(|dtype| values(dtype).len()).collect();
        lens.iter().product()
    }

    /// The operands whose values are combined, each of the first beside all of the second: all but the
    /// condition of `where`, which takes its values in turns.
    fn outer(&self) -> impl Iterator<Item = DType> {
        let skip = usize::from(self.subject.op == Some(Op::Where) && self.has_outer());
        self.operands.iter().skip(skip).filter_map(dtype_of)
    }

    /// Is `where`'s condition beside other operands of a dtype that are combined?
    fn has_outer(&self) -> bool {
        matches!(self.operands.first(), Some(Operand::Values(DType::Bool)))
    }

    /// The place among its operand's values of the value at this position.
    fn place(&self, operand: usize, position: usize) -> usize {
        let Some(dtype) = dtype_of(&self.operands[operand]) else { return 0 };
        let len = values(dtype).len();
        if self.subject.op == Some(Op::Where) && (operand == 0 || !self.has_outer()) {
            return position % len;
        }
        let after = self.operands[operand + 1..].iter().filter_map(dtype_of);
        let after: usize = after.map(|dtype| values(dtype).len()).product();
        position / after % len
    }
}

fn dtype_of(operand: &Operand) -> Option<DType> {
    match operand {
        Operand::Values(dtype) => Some(*dtype),
        Operand::Plain(_) => None,
    }
}

impl Run<'_> {
    /// The operands as formulas write them.
    fn formula(&self) -> String {
        let written = self.roles.iter().zip(&self.case.operands).zip(NAMES);
        let written = written.map(|((role, operand), name)| match (role, operand) {
            (Role::Literal, Operand::Plain(text)) if text.starts_with('-') => format!("({text})"),
            (Role::Literal, Operand::Plain(text)) => text.clone(),
            _ => name.to_string(),
        });
        self.case.formula(&written.collect::<Vec<String>>())
    }

    fn given(&self, operand: usize) -> Option<Given> {
        let role = self.roles[operand];
        match (&self.case.operands[operand], role) {
            (Operand::Plain(_), Role::Literal) => None,
            (Operand::Plain(text), _) => {
                let (dtype, bits) = plain(text).expect("a number");
                Some(Given { role, dtype, extents: vec![], bytes: bytes(dtype, &[bits]) })
            }
            (&Operand::Values(dtype), _) => {
                let places = self.places(operand).into_iter();
                let elements: Vec<Bits> = places.map(|place| values(dtype)[place]).collect();
                let extents = vec![elements.len()];
                Some(Given { role, dtype, extents, bytes: bytes(dtype, &elements) })
            }
        }
    }

    /// The places among its operand's values of those that are passed.
    fn places(&self, operand: usize) -> Vec<usize> {
        let Some(index) = self.slice else {
            return self.positions.iter().map(|&at| self.case.place(operand, at)).collect();
        };
        let slice = |dtype| slices(dtype)[index % slices(dtype).len()];
        let all: Vec<&[usize]> =
            self.case.operands.iter().filter_map(dtype_of).map(slice).collect();
        let (own, len) = (all[operand], all.iter().map(|slice| slice.len()).max());
        (0..len.unwrap_or(0)).map(|at| own[(at + operand) % own.len()]).collect()
    }

    fn evaluate(&self, engine: &Engine) -> Result<Array, Error> {
        let given: Vec<Option<Given>> = (0..self.roles.len()).map(|at| self.given(at)).collect();
        let mut vars = Vars::new();
        for (given, name) in given.iter().zip(NAMES) {
            if let Some(given) = given {
                vars.insert(name, given.input());
            }
        }
        engine.evaluate(&self.formula(), vars)
    }

    /// The dtype that relaxed mode states.
    fn stated(&self) -> Result<DType, Error> {
        let mut types = Vec::new();
        for (operand, name) in (0..self.roles.len()).zip(NAMES) {
            if let Some(given) = self.given(operand) {
                types.push((name, given.ty()));
            }
        }
        Ok(ENGINES.relaxed.formula(&self.formula())?.outputs(&types)?[0].dtype)
    }

    /// Compares a result with what is expected: what is wrong.
    fn complaint(&self, result: Result<Array, Error>) -> Option<String> {
        let case = self.case;
        match (&case.expect, result) {
            (Expect::Error, Err(error)) if error.kind() == ErrorKind::Type => None,
            (_, Err(error)) => Some(format!("{:?}: {error}", error.kind())),
            (Expect::Error, Ok(array)) => {
                Some(format!("an error expected, {} given", array.dtype()))
            }
            (Expect::Values(dtype, _), Ok(array)) if array.dtype() != *dtype => {
                Some(format!("{dtype} expected, {} given", array.dtype()))
            }
            (Expect::Values(dtype, elements), Ok(array)) => {
                self.difference(*dtype, elements, &bits(*dtype, array.as_bytes()))
            }
        }
    }

    fn difference(
        &self,
        dtype: DType,
        elements: &std::collections::HashMap<usize, Bits>,
        got: &[Bits],
    ) -> Option<String> {
        if got.len() != self.positions.len() {
            return Some(format!("{} elements, not {}", got.len(), self.positions.len()));
        }
        let wrong = |&(position, got): &(&usize, &Bits)| {
            elements.get(position).is_some_and(|&expected| !self.case.agrees(dtype, expected, *got))
        };
        let wrong: Vec<_> = self.positions.iter().zip(got).filter(wrong).collect();
        let &(&position, &got) = wrong.first()?;
        let (expected, got) = (show(dtype, elements[&position]), show(dtype, got));
        let args = self.arguments(position);
        let of = self.positions.len();
        Some(format!("{args}: {dtype} {expected} expected, {got} given; {} of {of}", wrong.len()))
    }

    /// The operands' values at a position.
    fn arguments(&self, position: usize) -> String {
        if self.slice.is_some() {
            return format!("slice {position}");
        }
        let text = |(index, operand): (usize, &Operand)| match operand {
            Operand::Plain(text) => text.clone(),
            Operand::Values(dtype) => {
                show(*dtype, values(*dtype)[self.case.place(index, position)])
            }
        };
        let texts: Vec<String> = self.case.operands.iter().enumerate().map(text).collect();
        format!("at ({})", texts.join("; "))
    }
}

impl Given {
    fn input(&self) -> Input<'_> {
        let scalar = || {
            let bits = bits(self.dtype, &self.bytes)[0];
            if self.dtype == DType::C128 {
                return Input::scalar(complex(bits));
            }
            let bits = u64::try_from(bits).expect("64 bits");
            Input::scalar(ScalarValue::new(self.dtype, bits).expect("at most eight bytes"))
        };
        match (self.role, self.dtype) {
            (Role::Weak, DType::F64) => {
                Input::weak_float(f64::from_bits(bits(self.dtype, &self.bytes)[0] as u64))
            }
            (Role::Weak, DType::C128) => {
                Input::weak_complex(complex(bits(self.dtype, &self.bytes)[0]))
            }
            (Role::Weak, _) => Input::weak_int(bits(self.dtype, &self.bytes)[0] as i64),
            (Role::Scalar | Role::Literal, _) => scalar(),
            (Role::Array, dtype) => {
                let strides = fuse_ir::contiguous_strides(&self.extents, dtype.size());
                let (order, extents) = (ByteOrder::Native, self.extents.as_slice());
                let layout = Layout { dtype, order, extents, strides: &strides };
                Input::array(View::from_bytes(&self.bytes, &layout, 0).expect("the array's bytes"))
            }
        }
    }

    fn ty(&self) -> InputType {
        match self.role {
            Role::Array => InputType::array(self.dtype, &self.extents),
            Role::Scalar | Role::Literal => InputType::scalar(self.dtype, Strength::Strong),
            Role::Weak => InputType::scalar(self.dtype, Strength::Weak),
        }
    }
}

/// A c128.
fn complex(bits: Bits) -> Complex<f64> {
    let part = |bits: Bits| f64::from_bits(u64::try_from(bits).expect("64 bits"));
    Complex::new(part(bits & Bits::from(u64::MAX)), part(bits >> 64))
}

/// The ways to run a case; the first one has arrays and literals only. `seed` chooses the scalars.
fn runs(case: &Case, seed: usize) -> Vec<Run<'_>> {
    let literal = |operand: &Operand| dtype_of(operand).map_or(Role::Literal, |_| Role::Array);
    let base: Vec<Role> = case.operands.iter().map(literal).collect();
    let mut all = vec![base.clone()];
    let arrays: Vec<usize> = (0..base.len()).filter(|&at| base[at] == Role::Array).collect();
    for chosen in arrays.iter().map(|&at| vec![at]).chain([arrays.clone()]) {
        let mut roles = base.clone();
        chosen.iter().for_each(|&at| roles[at] = Role::Scalar);
        all.push(roles);
    }
    // What an exponent means, and a number of decimals, is known of literals only.
    let literals_only = case.subject.op == Some(Op::Pow) || case.subject.file == "round-2";
    if !literals_only && case.operands.iter().any(has_weak_form) {
        let weak = |(&role, operand)| if has_weak_form(operand) { Role::Weak } else { role };
        all.push(base.iter().zip(&case.operands).map(weak).collect());
    }
    all.dedup();
    all.into_iter()
        .map(|roles| Run { case, positions: positions(case, &roles, seed), roles, slice: None })
        .collect()
}

/// Can a variable have the plain number?
fn has_weak_form(operand: &Operand) -> bool {
    match operand {
        Operand::Plain(text) => plain(text).is_some(),
        Operand::Values(_) => false,
    }
}

/// The dtype that a plain number has as a variable, and its bits.
fn plain(text: &str) -> Option<(DType, Bits)> {
    let (dtype, text) = if let Some(imaginary) = text.strip_suffix('j') {
        (DType::C128, format!("0,{imaginary}"))
    } else if text.parse::<f64>().is_ok() && text.contains(['.', 'e']) {
        (DType::F64, text.to_string())
    } else {
        text.parse::<i64>().ok()?;
        (DType::I64, text.to_string())
    };
    Some((dtype, parse(dtype, &text)?))
}

/// The positions at which all scalars have one value.
fn positions(case: &Case, roles: &[Role], seed: usize) -> Vec<usize> {
    let len = case.len();
    let at = seed % len;
    let scalars = || (0..roles.len()).filter(|&operand| roles[operand] == Role::Scalar);
    let fits =
        |&k: &usize| scalars().all(|operand| case.place(operand, k) == case.place(operand, at));
    let found: Vec<usize> = (0..len).filter(fits).collect();
    if roles.contains(&Role::Array) { found } else { vec![at] }
}

/// What became of a row's cases.
#[derive(Default)]
struct Tally {
    runs: usize,
    /// Cases whose dtypes are not built yet.
    pending: usize,
    failures: Vec<String>,
    deviations: BTreeMap<String, usize>,
}

impl Tally {
    fn check(&mut self, run: &Run<'_>, engine: &Engine, name: &str) -> bool {
        self.runs += 1;
        let result = run.evaluate(engine);
        if result.as_ref().err().and_then(Error::code) == Some("E0901") {
            return false;
        }
        if let Some(complaint) = run.complaint(result) {
            self.fail(run, name, &complaint);
        }
        true
    }

    fn fail(&mut self, run: &Run<'_>, name: &str, complaint: &str) {
        let roles: Vec<String> =
            run.roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
        let (formula, line, roles) = (run.formula(), &run.case.line, roles.join(" "));
        self.failures.push(format!("`{formula}` of {line} ({roles}), {name}: {complaint}"));
    }

    fn case(&mut self, case: &Case, index: usize, ptx: &Engine) {
        for (number, run) in runs(case, index * 7 + 3).iter().enumerate() {
            if !self.check(run, &ENGINES.interpreter, "interpreter") {
                self.pending += 1;
                return;
            }
            if number == 0 || (index + number).is_multiple_of(8) {
                self.compilers(run);
                self.check(run, ptx, "PTX");
            }
            self.relaxed(run);
        }
    }

    fn compilers(&mut self, run: &Run<'_>) {
        for (backend, engine) in &ENGINES.compilers {
            self.check(run, engine, backend.label());
        }
    }

    /// Relaxed mode gives the same dtype, or an error where strict mode gives one.
    fn relaxed(&mut self, run: &Run<'_>) {
        let complaint = match (&run.case.expect, run.stated()) {
            (Expect::Error, _) => None,
            (Expect::Values(dtype, _), Ok(stated)) if stated == *dtype => None,
            (Expect::Values(dtype, _), Ok(stated)) => {
                Some(format!("{dtype} expected, {stated} stated"))
            }
            (Expect::Values(..), Err(error)) => Some(error.to_string()),
        };
        if let Some(complaint) = complaint {
            self.fail(run, "relaxed", &complaint);
        }
    }

    fn merge(&mut self, other: Tally) {
        self.runs += other.runs;
        self.pending += other.pending;
        self.failures.extend(other.failures);
        for (name, count) in other.deviations {
            *self.deviations.entry(name).or_default() += count;
        }
    }
}

impl Tally {
    /// A result for each slice of the operands' values.
    fn reduction(&mut self, case: &Case, ptx: &Engine) {
        for index in 0..case.n_slices() {
            let roles = vec![Role::Array; case.operands.len()];
            let run = Run { case, roles, positions: vec![index], slice: Some(index) };
            if !self.check(&run, &ENGINES.interpreter, "interpreter") {
                self.pending += 1;
                return;
            }
            self.compilers(&run);
            self.check(&run, ptx, "PTX");
            self.relaxed(&run);
        }
    }
}

/// Runs cases of one row, or of one name.
fn tally(cases: &[Case]) -> Tally {
    let (mut tally, ptx) = (Tally::default(), ptx());
    for (index, case) in cases.iter().enumerate() {
        for deviation in &case.deviations {
            *tally.deviations.entry(deviation.clone()).or_default() += 1;
        }
        match case.subject.class {
            Class::Reduction => tally.reduction(case, &ptx),
            Class::Elementwise => tally.case(case, index, &ptx),
        }
    }
    let more = tally.failures.len().saturating_sub(SHOWN);
    if more > 0 && std::env::var_os("FUSE_ALL").is_none() {
        tally.failures.truncate(SHOWN);
        tally.failures.push(format!("… and {more} of `{}`", cases[0].subject.file));
    }
    tally
}

/// All cases, in groups of one row each; the last one those of other names.
fn groups() -> Vec<Vec<Case>> {
    subjects().iter().map(cases).chain([named()]).collect()
}

#[test]
fn results_are_numpys_for_all_dtypes_and_pairs() {
    let mut groups = groups();
    if let Ok(wanted) = std::env::var("FUSE_ROW") {
        groups.iter_mut().for_each(|group| group.retain(|case| case.subject.file == wanted));
    }
    let tallies: Vec<Tally> = groups.par_iter().map(|group| tally(group)).collect();
    let mut all = Tally::default();
    tallies.into_iter().for_each(|tally| all.merge(tally));
    println!("{} runs, {} cases pending, deviations {:?}", all.runs, all.pending, all.deviations);
    let failures = all.failures.join("\n");
    assert!(
        all.failures.is_empty(),
        "{failures}\nFUSE_ROW=less FUSE_ALL=1 cargo test -p fuse-tests -- dtypes: all failures of that row"
    );
    assert_eq!(all.pending, 0, "cases of dtypes that are not built");
    ENGINES.compilers.iter().for_each(|(backend, _)| backend.assert_took_all());
}

/// Every deviation of the generator is used, and has its sentence in `docs/language.md`.
#[test]
fn every_deviation_is_documented_and_used() {
    let page = std::fs::read_to_string(folder().join("../../docs/language.md")).expect("the page");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = words(&page);
    let used: BTreeSet<String> =
        groups().into_iter().flatten().flat_map(|case| case.deviations).collect();
    let mut known = BTreeSet::new();
    for line in read("deviations").lines() {
        let (name, sentence) = line[2..].split_once(": ").expect("a name and a sentence");
        assert!(page.contains(&words(sentence)), "language.md does not say: {sentence}");
        known.insert(name.to_string());
    }
    assert_eq!(known, used, "the deviations that are known, and those that lines have");
}

/// A result that differs from its line in any respect is found.
#[test]
fn a_line_that_does_not_hold_is_found() {
    let add = subjects().into_iter().find(|subject| subject.file == "add").expect("a row");
    let all = cases(&add);
    let line = |wanted: &str| all.iter().find(|case| case.line == wanted).expect("a line").clone();
    let complaint = |case: &Case| {
        let run = runs(case, 0).swap_remove(0);
        run.complaint(run.evaluate(&ENGINES.interpreter))
    };
    let (mut value, mut dtype, mut error) = (line("i8 u8"), line("i8 u8"), line("u8 300"));
    assert_eq!([&value, &dtype, &error].map(complaint), [const { None }; 3]);
    let Expect::Values(_, elements) = &mut value.expect else { unreachable!("values") };
    *elements.get_mut(&9).expect("an element") ^= 1;
    assert!(complaint(&value).is_some_and(|text| text.contains("1 of 56")));
    dtype.expect = Expect::Values(DType::I8, Default::default());
    assert!(complaint(&dtype).is_some_and(|text| text.contains("i8 expected, i16 given")));
    error.expect = Expect::Values(DType::U8, Default::default());
    assert!(complaint(&error).is_some_and(|text| text.contains("does not fit u8")));
}
