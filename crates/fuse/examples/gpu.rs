//! Is a GPU right, and how fast? `cargo run --release -p fuse-formula --features cuda --example gpu`
//!
//! ```text
//! formula × sizes ─ inputs, special and random ─┬─▶ CPU ─┐
//!                                               └─▶ GPU ─┴─ bit for bit ─▶ yes, or the first difference
//! ```
//!
//! Arguments: the device's number (0), `--size N` elements (10000019). Each formula runs at small sizes
//! first, around where kernels change, then at N, where it is timed: from arrays of the device to
//! arrays of the device, beside a copy of as many bytes inside it. Inputs are the same at each run.
//! Ends with exit code 1 where a bit differs.

#![expect(clippy::print_stdout, reason = "prints what it finds")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fuse::{
    Array, AsInput as _, Complex, DType, Device, DeviceArray, Engine, Error, ErrorKind, F16,
    Formula, Vars,
};

/// Formulas of all kinds. What a variable is, its name says: see [`input`].
const FORMULAS: &[&str] = &[
    "x + x**2 + x**3 + x**4 + x**5 + x**6 + x**7 + x**8",
    "s + s**2 + s**3 + s**4 + s**5 + s**6 + s**7 + s**8",
    "2*x + 3*y**2",
    "2*s + 3*t**2",
    "exp(-x*x/2) + exp2(y)",
    "sin(x) + cos(s) + tan(u)",
    "log(abs(x)) + log1p(abs(v))",
    "abs(x)**y, u**3 + v**-2",
    "tanh(s) + erf(u) + hypot(x, y)",
    "i // j + i % j, k // 7",
    "h*h + h/3, f16(x) + h",
    "(x > y) & ~p | isnan(s), u if p else v",
    "m*r + q",
    "m.T + w, m[::-1, 1:] - m[:, :-1]",
    "c*d + 1/c, abs(c), exp(d)",
    "argmax(u), argmin(m, axis=1)",
    "var(m, axis=0), var(m), mean(m, axis=1)",
    "(u - mean(u))/std(u)",
    "sum(u), min(x), prod(s), any(p), sum(i), u + v",
];

/// Sizes that kernels change at; then the one that is asked for.
const SMALL: &[usize] = &[1, 7, 33, 1025, 3 * 1024 + 2];

/// How long a formula is repeated.
const BUDGET: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let (ordinal, size) = arguments()?;
    let said = |error: Error| format!("error: {error}");
    let device = Device::cuda(ordinal).map_err(said)?;
    let engine = Engine::builder().device(&device).build().map_err(said)?;
    let cpu = Engine::builder().build().map_err(said)?;
    println!("{} ({})", device.info().name, engine.isa());
    println!("beside {} ({}), {} threads\n", cpu.backend_name(), cpu.isa(), cpu.threads());
    println!("{:50} {:>10}  equal  kernel GB/s  copy GB/s", "formula", "n");
    let (gpu, mut wrong, mut compared) = (Gpu { device, engine }, 0, 0);
    for text in FORMULAS {
        let row = Row::of(text, &cpu, &gpu, size).map_err(|error| failed(text, &error))?;
        row.print();
        wrong += usize::from(row.difference.is_some());
        compared += row.compared;
    }
    if wrong > 0 {
        return Err(format!("\n{wrong} of {} formulas differ. {REPORT}", FORMULAS.len()));
    }
    println!("\nno difference was found: {compared} elements have the same bits on GPU and CPU");
    Ok(())
}

/// Where the device fails, so will all that follows.
fn failed(text: &str, error: &Error) -> String {
    let advice = match error.kind() {
        ErrorKind::Alloc => "`--size N` takes fewer elements",
        _ => REPORT,
    };
    format!("error: {text}: {error}\n{advice}")
}

/// What to do about a difference.
const REPORT: &str = concat!(
    "Please report this at ",
    env!("CARGO_PKG_REPOSITORY"),
    "/issues, with the lines above and what `fuse info --gpu` prints."
);

/// Number of the device, and elements.
fn arguments() -> Result<(u32, usize), String> {
    let (mut ordinal, mut size) = (0, 10_000_019);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let (name, value) = if argument == "--size" {
            ("--size", arguments.next().unwrap_or_default())
        } else {
            ("the device", argument)
        };
        let number: u32 =
            value.parse().map_err(|_| format!("error: expected a number for {name}"))?;
        if name == "--size" {
            size = number.max(1) as usize;
        } else {
            ordinal = number;
        }
    }
    Ok((ordinal, size))
}

struct Gpu {
    device: Device,
    engine: Engine,
}

/// What is found out about a formula.
struct Row {
    text: &'static str,
    /// The size that a difference is of; otherwise the last one.
    n: usize,
    difference: Option<String>,
    /// Elements.
    compared: usize,
    kernel: f64,
    copy: f64,
}

impl Row {
    fn of(text: &'static str, cpu: &Engine, gpu: &Gpu, size: usize) -> Result<Row, Error> {
        let mut row = Row { text, n: size, difference: None, compared: 0, kernel: 0.0, copy: 0.0 };
        let (on_cpu, on_gpu) = (cpu.formula(text)?, gpu.engine.formula(text)?);
        for n in SMALL.iter().copied().filter(|&small| small < size).chain([size]) {
            let inputs = inputs(&on_cpu, n)?;
            let expected = on_cpu.evaluate_all(vars(&inputs))?;
            let found = on_gpu.evaluate_all(vars(&inputs))?;
            row.compared += expected.iter().map(Array::len).sum::<usize>();
            row.difference = (1..).zip(found.iter().zip(&expected)).find_map(difference);
            if row.difference.is_some() {
                row.n = n;
                return Ok(row);
            }
            if n == size {
                drop((found, expected));
                (row.kernel, row.copy) = speeds(gpu, &on_gpu, &inputs)?;
            }
        }
        Ok(row)
    }

    fn print(&self) {
        let Row { text, n, difference, kernel, copy, .. } = self;
        match difference {
            None => println!("{text:50} {n:>10}  yes    {kernel:>11.2}  {copy:>9.2}"),
            Some(difference) => println!("{text:50} {n:>10}  no     {difference}"),
        }
    }
}

/// The first element that differs, in words.
fn difference((number, (found, expected)): (usize, (&Array, &Array))) -> Option<String> {
    if (found.dtype(), found.shape()) != (expected.dtype(), expected.shape()) {
        return Some(format!("result {number} has another dtype or shape"));
    }
    let size = found.dtype().size();
    let mut pairs = found.as_bytes().chunks(size).zip(expected.as_bytes().chunks(size));
    let at = pairs.position(|(left, right)| left != right)?;
    let element = |array: &Array| {
        let bytes = &array.as_bytes()[at * size..][..size];
        format!("{} ({})", array.element_text(at), hex(bytes))
    };
    Some(format!(
        "result {number}, element {at}: {} on the GPU, {} on the CPU",
        element(found),
        element(expected)
    ))
}

/// The bits of an element, which is little-endian.
fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{}", digits.concat())
}

type Inputs = Vec<(&'static str, Array)>;

fn vars(inputs: &Inputs) -> Vars<'_> {
    inputs.iter().map(|(name, array)| (*name, array.as_input())).collect()
}

/// GB/s of a formula on arrays of the device, and of a copy of as many bytes.
fn speeds(gpu: &Gpu, formula: &Formula, inputs: &Inputs) -> Result<(f64, f64), Error> {
    let upload = |(name, array): &(&'static str, Array)| {
        Ok((*name, DeviceArray::upload(&gpu.device, array)?))
    };
    let resident: Vec<(&str, DeviceArray)> =
        inputs.iter().map(upload).collect::<Result<_, Error>>()?;
    let vars: Vars<'_> = resident.iter().map(|(name, array)| (*name, array.as_input())).collect();
    let results = formula.evaluate_all_on_device(vars.clone())?;
    let arrays = resident.iter().map(|(_, array)| array).chain(&results);
    let bytes: usize = arrays.map(|array| array.len() * array.dtype().size()).sum();
    drop(results);
    let kernel = seconds(|| formula.evaluate_all_on_device(vars.clone()).map(drop))?;
    drop(vars);
    drop(resident);
    let half = Array::zeroed(DType::U8, &[bytes.div_ceil(2)])?;
    let from = DeviceArray::upload(&gpu.device, &half)?;
    let mut to = DeviceArray::upload(&gpu.device, &half)?;
    let copy = seconds(|| to.copy_from(&from))?;
    let rate = |seconds: f64| bytes as f64 / seconds / 1e9;
    Ok((rate(kernel), rate(copy)))
}

/// The shortest time of a call, of at least three.
fn seconds(mut call: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let (start, mut shortest, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 3 || start.elapsed() < BUDGET {
        let start = Instant::now();
        call()?;
        shortest = shortest.min(start.elapsed().as_secs_f64());
        calls += 1;
    }
    Ok(shortest)
}

/// The variables of a formula.
fn inputs(formula: &Formula, n: usize) -> Result<Inputs, Error> {
    let mut inputs = Inputs::new();
    for (name, seed) in NAMES.iter().zip(1..) {
        if formula.names().any(|own| own == *name) {
            inputs.push((*name, input(name, n, &mut Random(seed))?));
        }
    }
    Ok(inputs)
}

const NAMES: &[&str] =
    &["c", "d", "h", "i", "j", "k", "m", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y"];

/// | | |
/// |---|---|
/// | `x y` | f64, one in eight special |
/// | `s t` | f32, the same |
/// | `u v` | f64, normal size |
/// | `h` | f16, one in eight special |
/// | `i j k` | i64, i64 that is often 0 or -1, i32 |
/// | `p` | bool |
/// | `c d` | complex |
/// | `m w` | f64, a matrix of about n elements, and one of its transposed shape |
/// | `q r` | f64, a row and a column that it broadcasts with |
fn input(name: &str, n: usize, random: &mut Random) -> Result<Array, Error> {
    let columns = n.isqrt() | 1;
    let rows = (n / columns).max(1);
    let mut tame = |extents: &[usize]| {
        let elements: Vec<f64> = (0..extents.iter().product()).map(|_| random.tame()).collect();
        Array::from_slice(&elements, extents)
    };
    match name {
        "m" => return tame(&[rows, columns]),
        "w" => return tame(&[columns, rows]),
        "q" => return tame(&[columns]),
        "r" => return tame(&[rows, 1]),
        "u" | "v" => return tame(&[n]),
        _ => {}
    }
    macro_rules! vector {
        ($element:expr) => {
            Array::from_slice(&(0..n).map(|_| $element).collect::<Vec<_>>(), &[n])
        };
    }
    match name {
        "s" | "t" => vector!(random.wild() as f32),
        "h" => vector!(F16::from_f64(random.wild())),
        "i" => vector!(random.integer()),
        "j" => vector!(random.integer() >> 62),
        "k" => vector!((random.integer() >> 32) as i32),
        "p" => vector!(random.bits() & 1 == 1),
        "c" | "d" => vector!(Complex::new(random.tame(), random.tame())),
        _ => vector!(random.wild()),
    }
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn integer(&mut self) -> i64 {
        match self.bits() {
            bits if bits & 31 == 0 => [0, 1, -1, i64::MIN, i64::MAX][(bits >> 8) as usize % 5],
            bits => bits.cast_signed(),
        }
    }

    /// Uniform in -10..10.
    fn tame(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64 * 20.0 - 10.0
    }

    /// As [`Random::tame`]; one in eight special: huge, tiny, of any bits.
    fn wild(&mut self) -> f64 {
        const SPECIAL: [f64; 12] = [
            0.0,
            -0.0,
            1.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            -1e-310,
            1e22,
            709.5,
        ];
        match self.bits() {
            bits if bits & 15 == 0 => SPECIAL[(bits >> 8) as usize % SPECIAL.len()],
            bits if bits & 15 == 1 => f64::from_bits(self.bits()),
            _ => self.tame(),
        }
    }
}
