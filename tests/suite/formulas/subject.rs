//! Compiling and running a random formula in every way.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fuse::Mode;
use fuse_compile::{Compiled, lower};
use fuse_fuzz::formula;
use fuse_ir::interp::Interpreter;
use fuse_ir::{HostBackend, Program};
use fuse_runtime::{
    Array, DeviceContext, DeviceExecutable, Executable, FoldLanes, RunOptions, Threads, Tuning,
};
use fuse_syntax::SyntaxLimits;
use fuse_testkit::formulas::{Operand, Subject};
use fuse_testkit::ptx::InterpretedDevice;

use crate::backends::{self, Watched};

/// The back ends and a pool, one for each thread that tests.
pub(super) struct Bench {
    interpreter: Arc<dyn HostBackend>,
    /// With their labels, Cranelift first.
    compilers: Vec<(&'static str, Arc<dyn HostBackend>)>,
    pool: rayon::ThreadPool,
}

impl Bench {
    pub(super) fn new() -> Bench {
        let labelled =
            |compiler: Arc<Watched>| (compiler.label(), compiler as Arc<dyn HostBackend>);
        let compilers = backends::compilers().into_iter().map(labelled).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
        Bench { interpreter: Arc::new(Interpreter), compilers, pool }
    }

    fn cranelift(&self) -> &Arc<dyn HostBackend> {
        &self.compilers[0].1
    }

    /// Compiles in a mode; a panic is a finding.
    pub(super) fn compile(&self, subject: &Subject, mode: Mode) -> Result<Compiled, String> {
        compile_text(&subject.tree.text(), subject, mode)
    }

    /// Interpreter and all compilers, one thread and two, the short way: the interpreter's result. A
    /// kernel that a compiler declines is a finding.
    pub(super) fn same_everywhere(
        &self,
        subject: &Subject,
        compiled: &Compiled,
    ) -> Result<Array, String> {
        let program = Arc::new(compiled.program.clone());
        let oracle = Executable::compile(Arc::clone(&program), &self.interpreter);
        let expected = run(&oracle, subject, Threads::Inline)?;
        let (one, two) = (Threads::Inline, Threads::Pool(&self.pool));
        self.same(subject, &expected, "interpreter", &oracle, &[("2 threads", two, CUT)])?;
        let ways = [("1 thread", one, CUT), ("2 threads", two, CUT), ("the short way", one, SHORT)];
        for (label, compiler) in &self.compilers {
            let native = Executable::compile(Arc::clone(&program), compiler);
            self.same(subject, &expected, label, &native, &ways)?;
            if let Some(fallback) = native.fallbacks().first() {
                return Err(format!("{label} falls back: {fallback:?}\n{}", kernels(&program)));
            }
        }
        Ok(expected)
    }

    /// These ways to run a program give the result that is expected.
    fn same(
        &self,
        subject: &Subject,
        expected: &Array,
        label: &str,
        executable: &Executable,
        ways: &[(&str, Threads<'_>, Tuning)],
    ) -> Result<(), String> {
        for (way, threads, tuning) in ways {
            let got = run_tuned(executable, subject, *threads, *tuning)
                .map_err(|error| format!("{label}, {way}: {error}"))?;
            if let Some(found) = difference(expected, &got) {
                return Err(format!("{label}, {way}: {found}\n{}", kernels(executable.program())));
            }
        }
        Ok(())
    }

    /// PTX on its interpreter, whose threads run in an order of this seed, gives the bits of Cranelift: as
    /// the runtime chooses, and in small chunks with each form of the folds.
    pub(super) fn same_on_ptx(
        &self,
        subject: &Subject,
        compiled: &Compiled,
        seed: u64,
    ) -> Result<(), String> {
        let program = Arc::new(compiled.program.clone());
        let native = Executable::compile(Arc::clone(&program), self.cranelift());
        let expected = run(&native, subject, Threads::Inline)?;
        let device = Arc::new(InterpretedDevice::shuffled(seed));
        let executable =
            DeviceExecutable::new(Arc::clone(&program), DeviceContext::new(device.clone()));
        let chunked = |lanes| Tuning { device_chunk: Some(256), fold_lanes: Some(lanes), ..PLAIN };
        let ways = [
            ("PTX", PLAIN),
            ("PTX in chunks, lanes along elements", chunked(FoldLanes::Elements)),
            ("PTX in chunks, lanes along outputs", chunked(FoldLanes::Outputs)),
        ];
        for (way, tuning) in ways {
            let inputs = formula::inputs_of(&program, &subject.operands);
            let options = RunOptions { tuning, ..RunOptions::default() };
            let results = guarded("running", || executable.run_alloc(&inputs, &options))?;
            let got = results.map_err(|error| format!("{way}: {error}"))?.remove(0);
            if let Some(found) = difference(&expected, &got) {
                let texts: Vec<String> =
                    device.texts().iter().map(|text| text.to_string()).collect();
                let kernels = kernels(&program);
                return Err(format!("{way}: {found}\n{kernels}\n{}", texts.join("\n")));
            }
        }
        Ok(())
    }

    /// The graph as it was written gives the bits of the optimised one.
    pub(super) fn same_unoptimized(
        &self,
        subject: &Subject,
        strict: &Compiled,
        expected: &Array,
    ) -> Result<(), String> {
        let got = self.unoptimized(subject, strict)?;
        difference(&got, expected).map_or(Ok(()), |found| {
            Err(format!(
                "optimizer off against strict mode: {found}\nas written:\n{}optimized:\n{}{}",
                strict.graph, strict.optimized, strict.report
            ))
        })
    }

    /// The graph as it was written, on the interpreter.
    fn unoptimized(&self, subject: &Subject, compiled: &Compiled) -> Result<Array, String> {
        let program = guarded("lowering", || lower::lower(&compiled.graph))?;
        run(&Executable::compile(Arc::new(program), &self.interpreter), subject, Threads::Inline)
    }

    /// A formula's values in a mode, on Cranelift.
    pub(super) fn values(
        &self,
        text: &str,
        subject: &Subject,
        mode: Mode,
    ) -> Result<Vec<f64>, String> {
        let array = self.result_of(text, subject, mode)?;
        Ok(array.as_slice::<f64>().expect("an f64 formula").to_vec())
    }

    /// The result in a mode, on Cranelift.
    pub(super) fn result(&self, subject: &Subject, mode: Mode) -> Result<Array, String> {
        self.result_of(&subject.tree.text(), subject, mode)
    }

    fn result_of(&self, text: &str, subject: &Subject, mode: Mode) -> Result<Array, String> {
        let compiled = compile_text(text, subject, mode)?;
        let executable = Executable::compile(Arc::new(compiled.program), self.cranelift());
        run(&executable, subject, Threads::Inline)
    }
}

fn compile_text(text: &str, subject: &Subject, mode: Mode) -> Result<Compiled, String> {
    let parsed = fuse_syntax::parse(text, &SyntaxLimits::default());
    let ast = parsed.map_err(|errors| format!("does not parse: {errors:?}"))?;
    let names = formula::names(&subject.operands);
    let variables = formula::variables(&names, &subject.operands);
    guarded("compiling", || fuse_compile::compile(&ast, &variables, formula::options(mode)))?
        .map_err(|errors| format!("{mode:?}: refused: {}", errors[0]))
}

fn guarded<T>(what: &str, call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| format!("{what} panicked"))
}

/// Every loop is cut into tasks, which run in any order; outputs are stored past the caches.
const CUT: Tuning =
    Tuning { inline_below: Some(0), shuffle: Some(1), stream_above: Some(0), ..PLAIN };
/// Calls that can go the short way do, and what is compiled for calls that often go it is.
const SHORT: Tuning = Tuning { ends_after: Some(0), ..PLAIN };
const PLAIN: Tuning = Tuning {
    inline_below: None,
    block: None,
    tile: None,
    fold_lanes: None,
    ends_after: None,
    device_chunk: None,
    shuffle: None,
    stream_above: None,
};

fn run(executable: &Executable, subject: &Subject, threads: Threads<'_>) -> Result<Array, String> {
    run_tuned(executable, subject, threads, CUT)
}

fn run_tuned(
    executable: &Executable,
    subject: &Subject,
    threads: Threads<'_>,
    tuning: Tuning,
) -> Result<Array, String> {
    let inputs = formula::inputs_of(executable.program(), &subject.operands);
    let options = RunOptions { threads, tuning, ..RunOptions::default() };
    let results = guarded("running", || executable.run_alloc(&inputs, &options))?;
    Ok(results.map_err(|error| error.to_string())?.remove(0))
}

/// The first element that differs in any bit.
fn difference(expected: &Array, got: &Array) -> Option<String> {
    if (expected.dtype(), expected.extents()) != (got.dtype(), got.extents()) {
        return Some(format!(
            "{} {:?} against {} {:?}",
            expected.dtype(),
            expected.extents(),
            got.dtype(),
            got.extents()
        ));
    }
    let size = expected.dtype().size();
    let mut elements =
        expected.as_bytes().chunks_exact(size).zip(got.as_bytes().chunks_exact(size)).enumerate();
    let (position, (a, b)) = elements.find(|(_, (a, b))| a != b)?;
    let hex =
        |bytes: &[u8]| bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
    Some(format!("element {position}: expected 0x{}, got 0x{}", hex(a), hex(b)))
}

fn kernels(program: &Program) -> String {
    let texts = program.passes.iter().map(|pass| pass.kernel.kernel().to_string());
    texts.collect::<Vec<_>>().join("\n")
}

/// The formula and its operands as one can type them again.
pub(super) fn describe(subject: &Subject) -> String {
    let text = subject.tree.text();
    let mut out = format!("formula: {text}\n");
    for (index, operand) in subject.operands.iter().enumerate() {
        if !text.contains(&format!("v{index}")) {
            continue;
        }
        let Operand { dtype, is_scalar, extents, strides, order, .. } = operand;
        let bits = (0..operand.len().min(6)).map(|i| format!("{:#x}", operand.bits(i)));
        let bits = bits.collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            out,
            "v{index}: {dtype}, scalar: {is_scalar}, {extents:?}, strides {strides:?}, {order:?}: {bits}"
        );
    }
    out
}
