//! A Python process that judges results beside NumPy: `tests/formulas/judge.py`, a line of JSON in, a line
//! out.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use fuse_ir::DType;
use fuse_runtime::Array;
use fuse_testkit::formulas::Operand;
use serde::Deserialize;

use crate::corpus::regenerate::python;

/// NumPy 2 with a long double that is longer than a double, and gmpy2.
const NEEDED: &str = "import gmpy2, numpy; assert int(numpy.__version__.split('.')[0]) >= 2
assert numpy.finfo(numpy.longdouble).nmant >= 63";

/// Elements that were equal to the bit, within bounds, and undecided.
pub(super) type Counts = [u64; 3];

/// What a judge answers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Verdict {
    Refused { refused: String },
    Judged(BTreeMap<String, Counts>),
}

/// An array for the judge.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) dtype: DType,
    pub(super) extents: Vec<usize>,
    /// Native, in C order.
    pub(super) bytes: Vec<u8>,
}

impl Written {
    pub(super) fn of_result(array: &Array) -> Written {
        let (extents, bytes) = (array.extents().to_vec(), array.as_bytes().to_vec());
        Written { dtype: array.dtype(), extents, bytes }
    }

    fn of_operand(operand: &Operand) -> Written {
        let bytes = (0..operand.len()).flat_map(|position| operand.element(position)).collect();
        Written { dtype: operand.dtype, extents: operand.extents.clone(), bytes }
    }

    /// Another value of every element, or of both its parts: some of its bits turned; 0 for NaN, stored NaNs being
    /// canonical.
    pub(super) fn spoiled(&self, first: u8, last: u8) -> Written {
        let part = self.dtype.part().unwrap_or(self.dtype);
        let canonical: u64 = match part {
            DType::F16 => 0x7e00,
            DType::F32 => 0x7fc0_0000,
            _ => 0x7ff8_0000_0000_0000,
        };
        let (size, is_float) = (part.size(), part.is_float());
        let mut out = self.clone();
        for element in out.bytes.chunks_exact_mut(size) {
            if is_float && *element == canonical.to_le_bytes()[..size] {
                element.fill(0);
                continue;
            }
            element[0] ^= first;
            element[size - 1] ^= last;
        }
        out
    }

    /// `[dtype, [extents], bytes]`, the bytes in hexadecimal.
    fn text(&self) -> String {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("below 16");
        let digits = self.bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        let digits: String = digits.collect();
        format!("[\"{}\", {:?}, \"{digits}\"]", self.dtype, self.extents)
    }
}

/// A formula with the values of its variables and its results by mode, as the judge reads it.
pub(super) fn request(formula: &str, variables: &[Written], results: &[(&str, Written)]) -> String {
    let variables = variables.iter().enumerate();
    let variables = variables.map(|(index, value)| format!("\"v{index}\": {}", value.text()));
    let results = results.iter().map(|(mode, value)| format!("\"{mode}\": {}", value.text()));
    format!(
        "{{\"formula\": {formula:?}, \"variables\": {{{}}}, \"results\": {{{}}}}}",
        variables.collect::<Vec<_>>().join(", "),
        results.collect::<Vec<_>>().join(", ")
    )
}

/// The values of variables as the judge reads them.
pub(super) fn variables(operands: &[Operand]) -> Vec<Written> {
    operands.iter().map(Written::of_operand).collect()
}

/// Judges that wait for work; as many as threads ask at once.
pub(super) struct Judges {
    python: String,
    waiting: Mutex<Vec<Judge>>,
}

impl Judges {
    /// None where there is no Python for them.
    pub(super) fn new() -> Option<Judges> {
        python(NEEDED).map(|python| Judges { python, waiting: Mutex::default() })
    }

    /// The elements by what is known of them, by mode; or why a result is refused.
    pub(super) fn ask(&self, request: &str) -> Result<BTreeMap<String, Counts>, String> {
        let waiting = self.waiting.lock().expect("no panic").pop();
        let mut judge = waiting.unwrap_or_else(|| Judge::new(&self.python));
        let line = judge.ask(request);
        let verdict = serde_json::from_str(&line);
        let verdict = verdict.map_err(|error| format!("the judge says {line:?}: {error}"))?;
        self.waiting.lock().expect("no panic").push(judge);
        match verdict {
            Verdict::Refused { refused } => Err(refused),
            Verdict::Judged(counts) => Ok(counts),
        }
    }
}

struct Judge {
    process: Child,
    requests: ChildStdin,
    verdicts: BufReader<ChildStdout>,
}

impl Judge {
    fn new(python: &str) -> Judge {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("formulas/judge.py");
        let mut process = Command::new(python)
            .arg(script)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let requests = process.stdin.take().expect("it is piped");
        let verdicts = BufReader::new(process.stdout.take().expect("it is piped"));
        Judge { process, requests, verdicts }
    }

    fn ask(&mut self, request: &str) -> String {
        let line = format!("{request}\n");
        self.requests.write_all(line.as_bytes()).expect("the judge listens");
        let mut verdict = String::new();
        self.verdicts.read_line(&mut verdict).expect("the judge answers");
        verdict
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        // A process that has ended by itself is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
