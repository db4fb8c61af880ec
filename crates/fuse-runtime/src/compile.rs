//! A program with its code.
//!
//! Compiling checks the program ([`crate::check`]). A kernel that its back end cannot compile is taken by
//! the next one, where the back end stands for several, and in the end by the interpreter, with the same
//! results; [`Executable::fallbacks`] says why.
//!
//! An elementwise pass has at most two compiled kernels, whatever sizes it sees: the one the program
//! gives, and the one with all inputs as streams, compiled when a call first needs it. Each fold has
//! its `merge` as a kernel of streams, so that states combine at the speed of the back end. A pass whose
//! folds reduce some axes has up to six more ([`ColumnForm`]), and each fold its `finish`, compiled when
//! a call first needs them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fuse_ir::interp::Interpreter;
use fuse_ir::{
    Attempt, BlockKernel, CodegenError, DType, GRANULE, HostBackend, InputClass, OperandInput,
    OperandView, Pass, Program, Source, VerifiedKernel, verify,
};

use crate::check::check;
use crate::flat::Flat;
use crate::kernels::{close_kernel, column_kernel, finish_kernel, is_identity, merge_kernel};
use crate::options::Tuning;
use crate::plan::{PassFacts, Variant};
use crate::short::{Needs, lengths};

/// Kernels of columns of more primitives than this do not take several steps at once.
const MOST_UNROLLED: usize = 256;

/// Merges of more nodes than this together are not written into one region.
const MOST_CLOSED: usize = 512;

/// After so many short calls their folds' ends are compiled: 0.1 to 0.5 ms each, won
/// back in some hundred calls.
const OFTEN: u32 = 16;

/// A kernel that a back end did not compile, and who took over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Position of the kernel's pass.
    pub pass: usize,
    /// What the back end said.
    pub error: CodegenError,
    /// Name of the back end that runs the kernel: another one, or the interpreter.
    pub taken_by: &'static str,
}

/// A program and its code: `Send + Sync`, shared by any number of threads.
pub struct Executable {
    pub(crate) program: Arc<Program>,
    pub(crate) passes: Vec<CompiledPass>,
    pub(crate) defect: Result<(), Defect>,
    /// The short way for small calls, if the program has one.
    pub(crate) flat: Option<Flat>,
    backend: Arc<dyn HostBackend>,
    fallbacks: Mutex<Vec<Fallback>>,
}

/// Why a program cannot run at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// It contradicts itself.
    Program(&'static str),
    /// No kernel reads or writes this dtype.
    DType(DType),
}

/// A kernel and its code.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) kernel: VerifiedKernel,
    pub(crate) block: Arc<dyn BlockKernel>,
    /// Name of the back end that made it.
    backend: &'static str,
}

/// One accumulator value of a pass's folds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The bits it starts from.
    pub(crate) init: u64,
    /// Bytes of a lane.
    pub(crate) size: usize,
    /// Sum of the sizes of the slots before it.
    pub(crate) before: usize,
}

/// A fold's merge and place.
pub(crate) struct CompiledFold {
    /// Its first slot, and one past its last.
    pub(crate) slots: (usize, usize),
    pub(crate) merge: Code,
    finish: OnceLock<Code>,
    close: OnceLock<Option<Code>>,
    /// Does `finish` return the state as it is?
    pub(crate) finish_is_identity: bool,
}

/// Which kernel of a pass's columns: see [`crate::kernels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColumnForm {
    /// Do the pass's splat inputs stay splats?
    pub(crate) splats: bool,
    /// Steps of a call: 1, 2 or 4.
    pub(crate) steps: usize,
}

impl ColumnForm {
    const COUNT: usize = 6;

    fn position(self) -> usize {
        3 * usize::from(self.splats) + self.steps.ilog2() as usize
    }
}

/// A pass's code.
pub(crate) struct CompiledPass {
    pub(crate) main: Code,
    pub(crate) needs: Needs,
    streams: OnceLock<Code>,
    columns: [OnceLock<Option<Code>>; ColumnForm::COUNT],
    pub(crate) facts: PassFacts,
    pub(crate) slots: Vec<Slot>,
    pub(crate) folds: Vec<CompiledFold>,
    /// Short calls so far, up to so many that code for them alone pays.
    short_calls: AtomicU32,
}

impl CompiledPass {
    /// Counts a short call: have there been so many that code for them alone pays?
    pub(crate) fn is_often_short(&self, tuning: &Tuning) -> bool {
        let often = tuning.ends_after.unwrap_or(OFTEN);
        let often = self.short_calls.load(Ordering::Relaxed) >= often;
        if !often {
            self.short_calls.fetch_add(1, Ordering::Relaxed);
        }
        often
    }
}

impl Executable {
    /// Compiles every pass of a program.
    pub fn compile(program: Arc<Program>, backend: &Arc<dyn HostBackend>) -> Executable {
        let defect = check(&program);
        let mut executable = Executable {
            program: Arc::clone(&program),
            passes: Vec::new(),
            defect,
            flat: None,
            backend: Arc::clone(backend),
            fallbacks: Mutex::default(),
        };
        if defect.is_ok() {
            let passes = program.passes.iter().enumerate();
            executable.passes =
                passes.map(|(number, pass)| executable.compile_pass(number, pass)).collect();
            executable.flat = Flat::of(&program, lengths(&executable.passes));
        }
        executable
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The name of the back end that runs each pass's kernel.
    pub fn backends(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.passes.iter().map(|pass| pass.main.backend)
    }

    /// The kernels that a back end could not compile so far: none, where its code runs all of them.
    pub fn fallbacks(&self) -> Vec<Fallback> {
        self.fallbacks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes of machine code of the passes.
    pub fn code_bytes(&self) -> usize {
        let pass_bytes = |pass: &CompiledPass| {
            let columns = pass.columns.iter().map(|code| code.get().and_then(Option::as_ref));
            let codes = [Some(&pass.main), pass.streams.get()].into_iter().chain(columns);
            codes.flatten().map(|code| code.block.code_bytes()).sum::<usize>()
        };
        self.passes.iter().map(pass_bytes).sum()
    }

    /// The code of a variant of a pass, compiled now if it is new.
    pub(crate) fn code(&self, pass: usize, variant: Variant) -> &Code {
        let compiled = &self.passes[pass];
        let has_splat =
            compiled.main.kernel.inputs.iter().any(|input| input.class == InputClass::Splat);
        match variant {
            Variant::Streams if has_splat => compiled.streams.get_or_init(|| {
                self.compile_kernel(pass, compiled.main.kernel.with_streams_only())
            }),
            Variant::Streams | Variant::Main => &compiled.main,
        }
    }

    /// The kernel of a pass's columns, compiled now if it is new; none where it would be too large.
    pub(crate) fn column_code(&self, pass: usize, form: ColumnForm) -> Option<&Code> {
        let compiled = &self.passes[pass];
        let kernel = &compiled.main.kernel;
        if form.steps > 1 && form.steps * compiled.facts.work > MOST_UNROLLED {
            return None;
        }
        let code = compiled.columns[form.position()].get_or_init(|| {
            let class =
                |input: &OperandInput| if form.splats { input.class } else { InputClass::Stream };
            let classes: Vec<InputClass> = kernel.inputs.iter().map(class).collect();
            let columns = verify(column_kernel(kernel, &classes, form.steps)).ok()?;
            Some(self.compile_kernel(pass, columns))
        });
        code.as_ref()
    }

    /// A fold's finish as a kernel of streams, compiled now if it is new.
    pub(crate) fn finish_code(&self, pass: usize, fold: usize) -> &Code {
        self.passes[pass].folds[fold].finish.get_or_init(|| {
            let kernel = &self.program.passes[pass].kernel;
            let finish = verify(finish_kernel(kernel, &kernel.folds[fold]))
                .expect("a verified fold's finish is a kernel of streams");
            self.compile_kernel(pass, finish)
        })
    }

    /// The region that merges a fold's 32 accumulators and finishes them, compiled now if it is new;
    /// none where it would be too large.
    pub(crate) fn close_code(&self, pass: usize, fold: usize) -> Option<&Code> {
        let kernel = &self.program.passes[pass].kernel;
        let code = self.passes[pass].folds[fold].close.get_or_init(|| {
            let size = kernel.folds[fold].merge.nodes.len();
            let close = |kernel| verify(kernel).expect("a verified fold's merges are a region");
            (size * GRANULE <= MOST_CLOSED)
                .then(|| close(close_kernel(kernel, &kernel.folds[fold])))
                .map(|kernel| self.compile_kernel(pass, kernel))
        });
        code.as_ref()
    }

    fn compile_pass(&self, number: usize, pass: &Pass) -> CompiledPass {
        let main = self.compile_kernel(number, pass.kernel.clone());
        let (mut slots, mut before) = (Vec::new(), 0);
        let mut folds = Vec::new();
        for fold in &pass.kernel.folds {
            let first = slots.len();
            for slot in &fold.state {
                let size = slot.init.lane.mem().size();
                slots.push(Slot { init: slot.init.bits, size, before });
                before += size;
            }
            let merge = verify(merge_kernel(&pass.kernel, fold))
                .expect("a verified fold's merge is a kernel of streams");
            folds.push(CompiledFold {
                slots: (first, slots.len()),
                merge: self.compile_kernel(number, merge),
                finish: OnceLock::new(),
                close: OnceLock::new(),
                finish_is_identity: is_identity(&fold.finish),
            });
        }
        let interpreted = main.block.code_bytes() == 0;
        let facts = PassFacts { interpreted, ..PassFacts::of(&self.program, pass) };
        CompiledPass {
            needs: Needs::of(&main),
            main,
            streams: OnceLock::new(),
            columns: Default::default(),
            facts,
            slots,
            folds,
            short_calls: AtomicU32::new(0),
        }
    }

    fn compile_kernel(&self, pass: usize, kernel: VerifiedKernel) -> Code {
        let Attempt { outcome, mut backend, mut declined } = self.backend.attempt(&kernel);
        let block = outcome.unwrap_or_else(|error| {
            declined.push(error);
            backend = Interpreter.name();
            Interpreter.compile(&kernel).expect("the interpreter takes every kernel")
        });
        let fallback = |error| Fallback { pass, error, taken_by: backend };
        let mut fallbacks = self.fallbacks.lock().unwrap_or_else(PoisonError::into_inner);
        fallbacks.extend(declined.into_iter().map(fallback));
        Code { kernel, block, backend }
    }
}

impl PassFacts {
    /// What a program says of a pass.
    pub(crate) fn of(program: &Program, pass: &Pass) -> PassFacts {
        let order_free = pass.kernel.folds.is_empty() && !pass.kernel.reads_index();
        let work = pass.kernel.size().saturating_add(predicate_work(program, pass));
        PassFacts { order_free, interpreted: false, work }
    }
}

/// Work of the predicates that a pass reads, for one element.
fn predicate_work(program: &Program, pass: &Pass) -> usize {
    let work = |view: &OperandView| match view.source {
        Source::Predicate(index) => program.predicate_work(&program.predicates[index as usize]),
        Source::Input(_) | Source::Part(..) | Source::Temporary(_) | Source::Symbol(_) => 0,
    };
    pass.operands.iter().map(work).fold(0, usize::saturating_add)
}

impl std::fmt::Debug for Executable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executable")
            .field("program", &self.program)
            .field("backend", &self.backend.name())
            .field("fallbacks", &self.fallbacks())
            .finish_non_exhaustive()
    }
}
