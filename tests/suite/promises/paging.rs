//! Calls over memory that a pager looks after: the same bits; every byte that is read is told, every byte of
//! a result once; progress adds up.
//!
//! The pager here has next to no room, so that slabs and waves are as small as they can be.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use fuse::raw::{ByteOrder, Halt, Pager, Tuning};
use fuse::{Array, Complex, DType, Engine, Input, InputType, Layout, Vars, View, ViewMut};

/// Memory that is watched, and how often each byte was told.
#[derive(Debug)]
struct Watch {
    start: usize,
    told: Vec<AtomicU8>,
}

impl Watch {
    fn new(bytes: &[u8]) -> Watch {
        let told = std::iter::repeat_with(AtomicU8::default).take(bytes.len()).collect();
        Watch { start: bytes.as_ptr().addr(), told }
    }

    /// Counts the bytes of a span that are this memory's.
    fn tell(&self, span: &Range<usize>) {
        let end = self.start + self.told.len();
        for address in span.start.max(self.start)..span.end.min(end) {
            let told = &self.told[address - self.start];
            told.store(told.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        }
    }

    fn counts(&self) -> Vec<u8> {
        self.told.iter().map(|told| told.load(Ordering::Relaxed)).collect()
    }
}

#[derive(Debug)]
struct Ledger {
    inputs: Vec<Watch>,
    outputs: Vec<Watch>,
    passed: AtomicUsize,
    temporaries: AtomicUsize,
    /// Writes after which it ends the call.
    patience: AtomicUsize,
}

impl Ledger {
    fn new(inputs: &[&[u8]], outputs: &[Array]) -> Arc<Ledger> {
        Arc::new(Ledger {
            inputs: inputs.iter().map(|bytes| Watch::new(bytes)).collect(),
            outputs: outputs.iter().map(|array| Watch::new(array.as_bytes())).collect(),
            passed: AtomicUsize::new(0),
            temporaries: AtomicUsize::new(0),
            patience: AtomicUsize::new(usize::MAX),
        })
    }
}

impl Pager for Ledger {
    fn reads(&self, span: Range<usize>) {
        self.inputs.iter().for_each(|watch| watch.tell(&span));
    }

    fn wrote(&self, span: Range<usize>) -> Result<(), Halt> {
        self.outputs.iter().for_each(|watch| watch.tell(&span));
        match self.patience.fetch_sub(1, Ordering::Relaxed) {
            0 => Err(Halt),
            _ => Ok(()),
        }
    }

    fn passed(&self, elements: usize) {
        self.passed.fetch_add(elements, Ordering::Relaxed);
    }

    fn temporary(&self, dtype: DType, extents: &[usize]) -> Option<ViewMut<'_>> {
        self.temporaries.fetch_add(1, Ordering::Relaxed);
        let array = Array::zeroed(dtype, extents).expect("small");
        Some(Box::leak(Box::new(array)).view_mut())
    }

    fn room(&self) -> usize {
        1
    }
}

/// An operand: elements and how they lie.
struct Operand {
    array: Array,
    /// Is it the transpose of the array?
    transposed: bool,
}

impl Operand {
    fn of(seed: u64, shape: &[usize]) -> Operand {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) % 2001) as f64 / 64.0 - 15.0
        };
        let elements: Vec<f64> = (0..shape.iter().product()).map(|_| next()).collect();
        Operand { array: Array::from_slice(&elements, shape).expect("fits"), transposed: false }
    }

    /// The same, in Fortran order.
    fn transposed(seed: u64, shape: &[usize]) -> Operand {
        let reversed: Vec<usize> = shape.iter().rev().copied().collect();
        Operand { transposed: true, ..Operand::of(seed, &reversed) }
    }

    fn complex(seed: u64, shape: &[usize]) -> Operand {
        let parts = Operand::of(seed, shape).array.into_vec::<f64>().expect("f64");
        let elements: Vec<Complex<f64>> =
            parts.iter().map(|&re| Complex::new(re, re * 0.5 - 1.0)).collect();
        Operand { array: Array::from_slice(&elements, shape).expect("fits"), transposed: false }
    }

    fn narrow(seed: u64, shape: &[usize]) -> Operand {
        let parts = Operand::of(seed, shape).array.into_vec::<f64>().expect("f64");
        let elements: Vec<f32> = parts.iter().map(|&x| x as f32).collect();
        Operand { array: Array::from_slice(&elements, shape).expect("fits"), transposed: false }
    }

    fn texts(shape: &[usize]) -> Operand {
        let texts: Vec<String> =
            (0..shape.iter().product()).map(|k: usize| format!("t{}", k % 7)).collect();
        Operand { array: Array::from_texts(&texts, shape).expect("fits"), transposed: false }
    }

    fn input(&self) -> Input<'_> {
        if !self.transposed {
            return Input::array(self.array.view());
        }
        let view = self.array.view();
        let extents: Vec<usize> = view.extents().iter().rev().copied().collect();
        let strides: Vec<isize> = view.strides().iter().rev().copied().collect();
        let (dtype, order) = (view.dtype(), ByteOrder::Native);
        let layout = Layout { dtype, order, extents: &extents, strides: &strides };
        Input::array(View::from_bytes(self.array.as_bytes(), &layout, 0).expect("inside"))
    }
}

type Named = Vec<(&'static str, Operand)>;

fn vars(operands: &Named) -> Vars<'_> {
    operands.iter().map(|(name, operand)| (*name, operand.input())).collect()
}

/// Without and with a pager, and what the pager was told.
fn compared(text: &str, operands: &Named, threads: usize) -> Arc<Ledger> {
    let tuning = Tuning { inline_below: Some(0), ..Tuning::default() };
    let engine = Engine::builder().threads(threads).tuning(tuning).build().expect("an engine");
    let expected = engine.evaluate_all(text, vars(operands)).expect(text);
    let mut found: Vec<Array> = expected
        .iter()
        .map(|array| Array::zeroed(array.dtype(), array.shape()).expect("small"))
        .collect();
    let bytes: Vec<&[u8]> = operands.iter().map(|(_, operand)| operand.array.as_bytes()).collect();
    let ledger = Ledger::new(&bytes, &found);
    let paged = engine.with_pager(ledger.clone());
    let types: Vec<(&str, InputType)> =
        operands.iter().map(|(name, operand)| (*name, operand.input().ty())).collect();
    let prepared = paged.formula(text).and_then(|f| f.prepare(&types)).expect(text);
    prepared.evaluate_into(vars(operands), &mut found).expect(text);
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found.as_bytes() == expected.as_bytes(), "{text}: other bits with a pager");
    }
    for watch in &ledger.outputs {
        assert!(watch.counts().iter().all(|&count| count == 1), "{text}: not told once");
    }
    let (survey, _) = prepared.survey(vars(operands)).expect(text);
    let passed = ledger.passed.load(Ordering::Relaxed) as u128;
    assert_eq!(passed, survey.elements, "{text}: progress");
    ledger
}

/// As [`compared`], for formulas that read all of their operands.
fn reads_all(text: &str, operands: &Named) {
    for threads in [1, 2, 7] {
        let ledger = compared(text, operands, threads);
        for (watch, (name, _)) in ledger.inputs.iter().zip(operands) {
            let untold = watch.counts().iter().filter(|&&count| count == 0).count();
            assert_eq!(untold, 0, "{text}, {threads} threads: bytes of {name} that nobody told");
        }
    }
}

#[test]
fn loops_without_folds() {
    let n = 70_001;
    let x = || ("x", Operand::of(1, &[n]));
    reads_all("2*x + 1", &vec![x()]);
    reads_all("x*y, x - y, x > y", &vec![x(), ("y", Operand::narrow(2, &[n]))]);
    let (m, t) = (Operand::of(3, &[301, 257]), Operand::transposed(4, &[301, 257]));
    reads_all("m + t", &vec![("m", m), ("t", t)]);
    let (m, row) = (Operand::of(3, &[301, 257]), Operand::of(5, &[257]));
    reads_all("m*row + m[:, :1]", &vec![("m", m), ("row", row)]);
    reads_all("z*z + 1j", &vec![("z", Operand::complex(6, &[n]))]);
    reads_all("x[2:] - 2*x[1:-1] + x[:-2]", &vec![x()]);
    reads_all("where(s == 't3', 1, 0)", &vec![("s", Operand::texts(&[n]))]);
    reads_all("t*2", &vec![("t", Operand::transposed(8, &[301, 257]))]);
}

#[test]
fn folds_of_everything() {
    let n = 300_001;
    let x = || ("x", Operand::of(1, &[n]));
    reads_all("sum(x)", &vec![x()]);
    reads_all("(x - mean(x))/std(x)", &vec![x()]);
    reads_all("max(x), argmin(x), x + 1", &vec![x()]);
    reads_all("sum(z)", &vec![("z", Operand::complex(6, &[n]))]);
    reads_all(
        "sum(m*t)",
        &vec![("m", Operand::of(3, &[301, 257])), ("t", Operand::transposed(4, &[301, 257]))],
    );
    reads_all("sum(s == 't3')", &vec![("s", Operand::texts(&[n]))]);
    reads_all("sum(x)", &vec![("x", Operand::of(1, &[5]))]);
}

#[test]
fn folds_of_some_axes() {
    let matrices: [fn(u64, &[usize]) -> Operand; 2] = [Operand::of, Operand::transposed];
    for make in matrices {
        for shape in [[5000, 130], [3, 35_000], [50_000, 3], [200, 500]] {
            for text in [
                "mean(m, axis=0)",
                "sum(m, axis=1)",
                "var(m, axis=0), argmax(m, axis=1)",
                "m - mean(m, axis=0)",
                "m - mean(m, axis=1, keepdims=True)",
            ] {
                reads_all(text, &vec![("m", make(7, &shape))]);
            }
        }
    }
    for shape in [[20, 3000, 70], [3, 5, 7], [2000, 3, 33]] {
        for text in [
            "sum(m, axis=1)",
            "mean(m, axis=(0, 2))",
            "max(m, axis=0)",
            "m - sum(m, axis=2, keepdims=True)",
        ] {
            reads_all(text, &vec![("m", Operand::of(9, &shape))]);
        }
    }
    reads_all("sum(z, axis=0)", &vec![("z", Operand::complex(6, &[3000, 65]))]);
    reads_all("sum(s == 't3', axis=0)", &vec![("s", Operand::texts(&[3000, 65]))]);
    reads_all("m*2, sum(m, axis=0)", &vec![("m", Operand::of(3, &[3000, 65]))]);
}

#[test]
fn temporaries_are_the_pagers() {
    let operands = vec![("m", Operand::of(3, &[300, 200])), ("v", Operand::of(4, &[200]))];
    let ledger = compared("d = sqrt(abs(v)); m*d + d", &operands, 2);
    assert!(ledger.temporaries.load(Ordering::Relaxed) > 0);
}

#[test]
fn a_pager_ends_a_call() {
    let operands = vec![("x", Operand::of(1, &[500_000]))];
    let mut out = vec![Array::zeroed(DType::F64, &[500_000]).expect("small")];
    let ledger = Ledger::new(&[], &out);
    ledger.patience.store(3, Ordering::Relaxed);
    let engine = Engine::builder().threads(2).build().expect("an engine");
    let paged = engine.with_pager(ledger);
    let error = paged.evaluate_into("x + 1", vars(&operands), &mut out).expect_err("halted");
    assert_eq!(error.kind(), fuse::ErrorKind::Cancelled);
}

/// A call that ends at its k-th block, for each k: an error and no array; and the next call computes as ever.
#[test]
fn a_call_that_ends_at_any_block_gives_no_array() {
    let operands = vec![("x", Operand::of(1, &[70_001]))];
    let text = "2*x + 1, sum(x), x - mean(x)";
    let tuning = Tuning { inline_below: Some(0), ..Tuning::default() };
    for threads in [1, 3] {
        let engine = Engine::builder().threads(threads).tuning(tuning).build().expect("an engine");
        let expected = engine.evaluate_all(text, vars(&operands)).expect(text);
        let mut ended = 0;
        loop {
            // Threads go on to their next block: more than one may end.
            let ledger = Ledger::new(&[], &[]);
            ledger.patience.store(ended, Ordering::Relaxed);
            match engine.with_pager(ledger).evaluate_all(text, vars(&operands)) {
                Err(error) => assert_eq!(error.kind(), fuse::ErrorKind::Cancelled, "block {ended}"),
                Ok(_) => break,
            }
            let mut out: Vec<Array> = expected
                .iter()
                .map(|array| {
                    Array::from_slice(&vec![6.5e66; array.len()], array.shape()).expect("small")
                })
                .collect();
            engine.evaluate_into(text, vars(&operands), &mut out).expect(text);
            for (found, expected) in out.iter().zip(&expected) {
                assert!(found.as_bytes() == expected.as_bytes(), "after an end at block {ended}");
            }
            ended += 1;
        }
        assert!(ended > 3, "{ended} blocks");
    }
}
