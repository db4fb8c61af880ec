//! Target `api_sequences`: calls in any order, on engines that share a token and a pool.
//!
//! Every call is compared with the interpreter's: the same bits, or an error of the same kind, but for what
//! the call is meant to end by: a limit, a token, an output that does not fit.

use std::sync::Arc;

use fuse::{
    Array, CancelToken, DType, Engine, Error, ErrorKind, Formula, Input, InputType, Limits, Mode,
    Prepared, Vars, View,
};
use fuse_ir::interp::Interpreter;
use fuse_testkit::Random;
use fuse_testkit::formulas::{Family, Operand};

use crate::PLANTED;
use crate::formula::{cut, interpreter_engine, layout, short, type_of};
use crate::hosts::{hosts, pool};

/// Formulas of `a`, `b` and `c`, among them some that are none.
const FORMULAS: &[&str] = &[
    "a + b",
    "a*b - c",
    "sum(a)",
    "mean(a, axis=0) + b",
    "a, b + 1",
    "where(a > b, a, c)",
    "(a - mean(a))/std(a)",
    "a[::-1] + b",
    "a[1:]",
    "a // b",
    "s = sum(a); a/s, s",
    "f(x) = x*x + 1; f(a) + f(b)",
    "a[..., None]*b",
    "full(3, 7)",
    "abs(a)**0.5",
    "i8(a)",
    "a.T",
    "maximum(maximum(a, b), c)",
    "sqrt(a*a + b*b)",
    "max(a), argmin(b)",
    "c - c",
    "a + undefined",
    "a +",
    "a << b",
    "a & b",
    "var(a, axis=-1)",
    "u8(a) + u8(b), f32(c)",
    "3*a**3 + 2*a**2 + a",
];

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Most calls of a sequence.
const MOST_CALLS: usize = 16;

/// What calls are made with.
struct Session {
    random: Random,
    operands: Vec<Operand>,
    engines: Vec<(Mode, Engine)>,
    token: CancelToken,
    prepared: Vec<Kept>,
    /// What prepared formulas gave, for the planted defect.
    given: Vec<(usize, Vec<Array>)>,
}

/// A prepared formula.
struct Kept {
    formula: usize,
    mode: Mode,
    types: Vec<InputType>,
    prepared: Prepared,
}

/// Makes calls.
///
/// # Panics
/// When a result or an error is not what it should be.
pub fn api_sequences(bytes: &[u8]) {
    let mut session = Session::new(Random::of_bytes(bytes));
    for _ in 0..1 + session.random.below(MOST_CALLS) {
        session.call();
    }
}

fn engine(random: &mut Random, mode: Mode) -> Engine {
    let builder = match hosts().get(random.below(6)) {
        Some(host) => Engine::builder().host_backend(Arc::clone(&host.fenced)),
        None => Engine::builder().host_backend(Arc::new(Interpreter)),
    };
    let tuning = [cut(), short(), Default::default()][random.below(3)];
    builder.mode(mode).tuning(tuning).threads(1).build().expect("an engine")
}

impl Session {
    fn new(mut random: Random) -> Session {
        let dtypes = [DType::F64, DType::F64, DType::F32, DType::I32, DType::U8, DType::Bool];
        let (m, n) = (1 + random.below(4), random.below(40));
        let shapes = [vec![n], vec![n], vec![m, n], vec![1], vec![m, 1], vec![n, m], vec![]];
        let operands = (0..6).map(|_| {
            let dtype = random.pick(&dtypes);
            let shape = &shapes[random.below(shapes.len())];
            Operand::random(dtype, shape, Family::Any, &mut random)
        });
        let operands = operands.collect();
        let modes = [Mode::Strict, Mode::Relaxed];
        let engines = modes.map(|mode| (mode, engine(&mut random, mode))).into();
        let (token, prepared) = (CancelToken::new(), Vec::new());
        Session { random, operands, engines, token, prepared, given: Vec::new() }
    }

    fn call(&mut self) {
        let formula = self.random.below(FORMULAS.len());
        let numbers = [(); 3].map(|()| self.random.below(self.operands.len()));
        let which = self.random.below(2);
        let (mode, engine) = (self.engines[which].0, self.engines[which].1.clone());
        match self.random.below(11) {
            0 | 1 => self.check(mode, formula, numbers, engine_call(&engine, FORMULAS[formula])),
            2 => self.into(mode, &engine, formula, numbers),
            3 => self.prepare(mode, &engine, formula, numbers),
            4 | 5 => self.call_prepared(numbers),
            6 => self.cancelled(mode, &engine, formula, numbers),
            7 => self.limited(mode, formula, numbers),
            8 => self.missing(&engine, formula, numbers),
            9 => self.at_once(mode, &engine, formula, numbers),
            _ => {
                let token = std::mem::take(&mut self.token);
                let engine = engine.with_cancel(&token);
                self.check(mode, formula, numbers, engine_call(&engine, FORMULAS[formula]));
                self.prepared.truncate(3);
            }
        }
    }

    /// The interpreter's answer.
    fn expected(
        &self,
        mode: Mode,
        formula: usize,
        numbers: [usize; 3],
    ) -> Result<Vec<Array>, Error> {
        let engine = match mode {
            Mode::Relaxed => interpreter_engine(),
            Mode::Strict => strict_interpreter(),
        };
        engine.evaluate_all(FORMULAS[formula], vars(&self.operands, numbers))
    }

    fn check(
        &mut self,
        mode: Mode,
        formula: usize,
        numbers: [usize; 3],
        call: impl FnOnce(Vars<'_>) -> Result<Vec<Array>, Error>,
    ) {
        let expected = self.expected(mode, formula, numbers);
        let got = call(vars(&self.operands, numbers));
        same(FORMULAS[formula], &expected, &got);
    }

    /// Into memory that fits, or that is an element too long, or of another dtype.
    fn into(&mut self, mode: Mode, engine: &Engine, formula: usize, numbers: [usize; 3]) {
        let Ok(expected) = self.expected(mode, formula, numbers) else { return };
        let [expected] = &expected[..] else { return };
        let (mut dtype, mut shape) = (expected.dtype(), expected.shape().to_vec());
        let misfit = self.random.below(4);
        match misfit {
            0 if shape.is_empty() => shape.push(2),
            0 => shape[0] += 2,
            1 => dtype = if dtype == DType::F64 { DType::I64 } else { DType::F64 },
            _ => {}
        }
        let mut out = Array::zeroed(dtype, &shape).expect("memory");
        let inputs = vars(&self.operands, numbers);
        let result = engine.evaluate_into(FORMULAS[formula], inputs, &mut out);
        match result {
            Ok(()) => {
                assert!(misfit > 1, "{}: {shape:?} {dtype}", FORMULAS[formula]);
                assert_eq!(out.as_bytes(), expected.as_bytes(), "{}", FORMULAS[formula]);
            }
            Err(error) => {
                assert!(misfit < 2, "{error}");
                assert_eq!(error.kind(), ErrorKind::Output, "{error}");
            }
        }
    }

    fn prepare(&mut self, mode: Mode, engine: &Engine, formula: usize, numbers: [usize; 3]) {
        let types = numbers.map(|number| type_of(&self.operands[number]));
        let named: Vec<(&str, InputType)> = NAMES.into_iter().zip(types.clone()).collect();
        let parsed: Result<Formula, Error> = engine.formula(FORMULAS[formula]);
        let prepared = parsed.and_then(|parsed| parsed.prepare(&named));
        match prepared {
            Ok(prepared) => {
                self.prepared.push(Kept { formula, mode, types: types.into(), prepared });
            }
            Err(error) => {
                let expected = self.expected(mode, formula, numbers);
                let kind = expected.expect_err("prepared it fails").kind();
                assert_eq!(kind, error.kind(), "{error}");
            }
        }
    }

    /// A prepared formula takes what has the types that it was prepared for.
    fn call_prepared(&mut self, numbers: [usize; 3]) {
        if self.prepared.is_empty() {
            return;
        }
        let kept = &self.prepared[self.random.below(self.prepared.len())];
        let types = numbers.map(|number| type_of(&self.operands[number]));
        let expected = self.expected(kept.mode, kept.formula, numbers);
        let got = kept.prepared.evaluate_all(vars(&self.operands, numbers));
        let got = planted(&mut self.given, kept.formula, got);
        let text = FORMULAS[kept.formula];
        match &got {
            Err(error) if error.kind() == ErrorKind::Input => {
                assert_ne!(kept.types, types, "{text}: {error}");
            }
            _ => same(text, &expected, &got),
        }
    }

    /// Cancelled before, or by another thread meanwhile.
    fn cancelled(&mut self, mode: Mode, engine: &Engine, formula: usize, numbers: [usize; 3]) {
        let meanwhile = self.random.percent(50);
        let token = CancelToken::new();
        let engine = engine.with_cancel(&token);
        let inputs = vars(&self.operands, numbers);
        let got = std::thread::scope(|scope| {
            if meanwhile {
                scope.spawn(|| token.cancel());
            } else {
                token.cancel();
            }
            engine.evaluate_all(FORMULAS[formula], inputs)
        });
        if got.as_ref().is_err_and(|error| error.kind() == ErrorKind::Cancelled) {
            return;
        }
        let expected = self.expected(mode, formula, numbers);
        same(FORMULAS[formula], &expected, &got);
    }

    /// Limits on results and work: refused, or the same results.
    fn limited(&mut self, mode: Mode, formula: usize, numbers: [usize; 3]) {
        let mut limits = Limits::untrusted();
        limits.deadline = None;
        limits.output_bytes = Some(self.random.below(600) as u64);
        limits.work = Some(self.random.below(3000) as u128);
        let builder = Engine::builder().host_backend(Arc::new(Interpreter));
        let engine = builder.mode(mode).limits(limits).build().expect("an engine");
        let got = engine.evaluate_all(FORMULAS[formula], vars(&self.operands, numbers));
        match &got {
            Err(error) if matches!(error.kind(), ErrorKind::Limit | ErrorKind::WorkLimit) => {}
            _ => {
                let expected = self.expected(mode, formula, numbers);
                same(FORMULAS[formula], &expected, &got);
                let bytes = got.iter().flatten().map(|array| array.as_bytes().len() as u64);
                assert!(bytes.sum::<u64>() <= limits.output_bytes.unwrap_or(0));
            }
        }
    }

    /// Without the last variables.
    fn missing(&mut self, engine: &Engine, formula: usize, numbers: [usize; 3]) {
        let parsed = engine.formula(FORMULAS[formula]);
        let inputs = vars(&self.operands, numbers);
        let Ok(parsed) = parsed else { return };
        let wanted = parsed.names().count();
        let given = self.random.below(wanted + 1);
        let pairs = NAMES.into_iter().zip(numbers).take(given);
        let operands = &self.operands;
        let few: Vars<'_> = pairs.map(|(name, number)| (name, input(&operands[number]))).collect();
        let known = |name: &str| NAMES.iter().take(given).any(|known| *known == name);
        let all_known = parsed.names().all(known);
        match parsed.evaluate_all(few) {
            Ok(_) => assert!(all_known, "{}", FORMULAS[formula]),
            Err(error) => {
                let complete = parsed.evaluate_all(inputs).is_ok();
                assert!(!all_known || !complete, "{error}");
            }
        }
    }

    /// Two threads of a pool at once.
    fn at_once(&mut self, mode: Mode, engine: &Engine, formula: usize, numbers: [usize; 3]) {
        let expected = self.expected(mode, formula, numbers);
        let operands = &self.operands;
        let call = || engine.evaluate_all(FORMULAS[formula], vars(operands, numbers));
        let (one, other) = pool().install(|| rayon::join(call, call));
        same(FORMULAS[formula], &expected, &one);
        same(FORMULAS[formula], &expected, &other);
    }
}

fn engine_call<'e>(
    engine: &'e Engine,
    text: &'e str,
) -> impl FnOnce(Vars<'_>) -> Result<Vec<Array>, Error> + 'e {
    move |vars| engine.evaluate_all(text, vars)
}

fn strict_interpreter() -> &'static Engine {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(|| {
        let builder = Engine::builder().host_backend(Arc::new(Interpreter)).threads(1);
        builder.mode(Mode::Strict).build().expect("the interpreter is always there")
    })
}

fn vars(operands: &[Operand], numbers: [usize; 3]) -> Vars<'_> {
    let pairs = NAMES.into_iter().zip(numbers);
    pairs.map(|(name, number)| (name, input(&operands[number]))).collect()
}

fn input(operand: &Operand) -> Input<'_> {
    let view = View::from_bytes(&operand.bytes, &layout(operand), operand.offset);
    Input::array(view.expect("the bytes hold the operand"))
}

fn same(text: &str, expected: &Result<Vec<Array>, Error>, got: &Result<Vec<Array>, Error>) {
    match (expected, got) {
        (Ok(expected), Ok(got)) => {
            assert_eq!(expected.len(), got.len(), "{text}");
            for (expected, got) in expected.iter().zip(got) {
                assert_eq!(
                    (expected.dtype(), expected.shape()),
                    (got.dtype(), got.shape()),
                    "{text}"
                );
                assert_eq!(expected.as_bytes(), got.as_bytes(), "{text}");
            }
        }
        (Err(expected), Err(got)) => {
            assert_eq!(expected.kind(), got.kind(), "{text}: {expected}, {got}");
            assert_eq!(expected.to_string(), got.to_string(), "{text}");
        }
        (Ok(_), Err(error)) => panic!("{text}: {error}"),
        (Err(error), Ok(_)) => panic!("{text} is computed, though {error}"),
    }
}

/// Defect: a prepared formula gives what it gave when it was called first.
fn planted(
    given: &mut Vec<(usize, Vec<Array>)>,
    formula: usize,
    got: Result<Vec<Array>, Error>,
) -> Result<Vec<Array>, Error> {
    let Some(results) = got.as_ref().ok().filter(|_| PLANTED) else { return got };
    let known = given.iter().position(|(known, _)| *known == formula);
    let first = known.map_or_else(|| copies(results), |at| given.swap_remove(at).1);
    given.push((formula, copies(&first)));
    Ok(first)
}

fn copies(arrays: &[Array]) -> Vec<Array> {
    let copy = |array: &Array| {
        let vars = [("x", Input::array(array.view()))];
        interpreter_engine().evaluate("x", vars).expect("a copy")
    };
    arrays.iter().map(copy).collect()
}
