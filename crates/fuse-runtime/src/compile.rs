//! A program with its code.
//!
//! Compiling checks that the program does not contradict itself (positions in range, dtypes that
//! kernels can read, temporaries written before they are read, every result written once), so that a
//! call only has to check extents. A pass that its back end cannot compile runs on the interpreter,
//! with the same results; [`Executable::fallbacks`] says why.
//!
//! One pass has at most two compiled kernels, whatever sizes it sees: the one the program gives, and
//! the one with all inputs as streams, compiled when a call first needs it. Each fold has a third,
//! small one: its `merge` as a kernel of streams, so that states combine at the speed of the back end.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fuse_ir::interp::Interpreter;
use fuse_ir::{
    BlockKernel, CodegenError, DType, Dim, Fold, HostBackend, InputClass, Kernel, Node,
    OperandInput, OperandOutput, OperandView, Pass, Pick, Prim, Program, Region, Shape, Sink,
    Source, Symbol, VerifiedKernel, verify,
};

use crate::flat::Flat;
use crate::plan::{PassFacts, Variant};

/// A pass that runs on the interpreter, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Position of the pass.
    pub pass: usize,
    /// What the back end said.
    pub error: CodegenError,
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
    /// Does `finish` return the state as it is?
    pub(crate) finish_is_identity: bool,
}

/// A pass's code.
pub(crate) struct CompiledPass {
    pub(crate) main: Code,
    streams: OnceLock<Code>,
    pub(crate) facts: PassFacts,
    pub(crate) slots: Vec<Slot>,
    pub(crate) folds: Vec<CompiledFold>,
}

impl Executable {
    /// Compiles every pass of a program.
    pub fn compile(program: Arc<Program>, backend: &Arc<dyn HostBackend>) -> Executable {
        let defect = check(&program);
        let mut executable = Executable {
            program: Arc::clone(&program),
            passes: Vec::new(),
            defect,
            flat: if defect.is_ok() { Flat::of(&program) } else { None },
            backend: Arc::clone(backend),
            fallbacks: Mutex::default(),
        };
        if defect.is_ok() {
            let passes = program.passes.iter().enumerate();
            executable.passes =
                passes.map(|(number, pass)| executable.compile_pass(number, pass)).collect();
        }
        executable
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The passes that run on the interpreter so far, because the back end could not compile them.
    pub fn fallbacks(&self) -> Vec<Fallback> {
        self.fallbacks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes of machine code of the passes.
    pub fn code_bytes(&self) -> usize {
        let pass_bytes = |pass: &CompiledPass| {
            let codes = [Some(&pass.main), pass.streams.get()];
            codes.into_iter().flatten().map(|code| code.block.code_bytes()).sum::<usize>()
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
                finish_is_identity: is_identity(&fold.finish),
            });
        }
        let order_free = pass.kernel.folds.is_empty() && !reads_index(&pass.kernel);
        let interpreted = main.block.code_bytes() == 0;
        let facts = PassFacts { order_free, interpreted, work: pass.kernel.size() };
        CompiledPass { main, streams: OnceLock::new(), facts, slots, folds }
    }

    fn compile_kernel(&self, pass: usize, kernel: VerifiedKernel) -> Code {
        let block = self.backend.compile(&kernel).unwrap_or_else(|error| {
            let mut fallbacks = self.fallbacks.lock().unwrap_or_else(PoisonError::into_inner);
            fallbacks.push(Fallback { pass, error });
            Interpreter.compile(&kernel).expect("the interpreter takes every kernel")
        });
        Code { kernel, block }
    }
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

/// A fold's merge as a kernel: the left state's and the right state's values as streams.
fn merge_kernel(parent: &Kernel, fold: &Fold) -> Kernel {
    let mems = || fold.state.iter().map(|slot| slot.init.lane.mem());
    let input = |mem| OperandInput { mem, class: InputClass::Stream };
    Kernel {
        regions: parent.regions.clone(),
        tables: parent.tables.clone(),
        uniform: Region::default(),
        inputs: mems().chain(mems()).map(input).collect(),
        lane: fold.merge.clone(),
        outputs: mems().map(|mem| OperandOutput { mem, never_nan: false }).collect(),
        folds: Vec::new(),
    }
}

fn is_identity(region: &Region) -> bool {
    region.results.len() == region.params.len()
        && region.results.iter().enumerate().all(|(position, &value)| {
            matches!(region.node(value), Node::Param(param) if param as usize == position)
        })
}

fn reads_index(kernel: &Kernel) -> bool {
    let is_index = |node: &Node| matches!(node, Node::Prim(Prim::LaneIndex, _));
    kernel.all_regions().any(|(_, region)| region.nodes.iter().any(is_index))
}

/// Which values have been written, pass by pass.
struct Written {
    results: Vec<bool>,
    temporaries: Vec<bool>,
}

/// Checks all that does not depend on extents.
fn check(program: &Program) -> Result<(), Defect> {
    check_symbols(program)?;
    let shapes = program.results.iter().chain(&program.temporaries).map(|spec| &spec.shape);
    let shapes = shapes.chain(program.passes.iter().map(|pass| &pass.space));
    for shape in shapes {
        check_shape(program, shape)?;
    }
    for rule in &program.shape_rules {
        let known = |symbol: u32| (symbol as usize) < program.symbols.len();
        expect(known(rule.symbols.0) && known(rule.symbols.1), "a shape rule names no symbol")?;
        check_shape(program, &rule.lhs.0)?;
        check_shape(program, &rule.rhs.0)?;
    }
    for rule in &program.element_rules {
        check_shape(program, &rule.operand.0)?;
    }
    for rule in &program.index_rules {
        check_shape(program, &rule.operand.0)?;
        expect((rule.axis as usize) < rule.operand.0.len(), "an index rule names no axis")?;
        expect((rule.index as usize) < program.symbols.len(), "an index rule names no symbol")?;
    }
    let counts =
        program.count_rules.iter().all(|rule| (rule.count as usize) < program.symbols.len());
    expect(counts, "a count rule names no symbol")?;
    let fits = program.fit_rules.iter().all(|rule| (rule.number as usize) < program.symbols.len());
    expect(fits, "a fit rule names no symbol")?;
    let mut written = Written {
        results: vec![false; program.results.len()],
        temporaries: vec![false; program.temporaries.len()],
    };
    for pass in &program.passes {
        check_pass(program, pass, &mut written)?;
    }
    expect(written.results.iter().all(|&is_written| is_written), "a result is never written")
}

/// Symbols name axes and scalars that there are, and refer to earlier ones.
fn check_symbols(program: &Program) -> Result<(), Defect> {
    for (position, symbol) in program.symbols.iter().enumerate() {
        let input = |input: u32| program.inputs.get(input as usize).map(|input| &input.ty);
        let holds = match *symbol {
            Symbol::Axis { input: of, axis } => {
                input(of).is_some_and(|ty| (axis as usize) < ty.axes.len())
            }
            Symbol::Literal(_) => true,
            Symbol::Scalar(of) => input(of).is_some_and(|ty| ty.axes.is_empty()),
            Symbol::Apply(_, a, b) => (a.max(b) as usize) < position,
        };
        expect(holds, "a symbol refers to nothing")?;
    }
    Ok(())
}

fn expect(holds: bool, otherwise: &'static str) -> Result<(), Defect> {
    if holds { Ok(()) } else { Err(Defect::Program(otherwise)) }
}

fn check_shape(program: &Program, shape: &Shape) -> Result<(), Defect> {
    let known = |dim: &Dim| match dim {
        Dim::One => true,
        Dim::Symbol(symbol) => (*symbol as usize) < program.symbols.len(),
    };
    expect(shape.iter().all(known), "a shape names no symbol")
}

fn check_pass(program: &Program, pass: &Pass, written: &mut Written) -> Result<(), Defect> {
    let kernel = &pass.kernel;
    let counts = [
        (pass.scalars.len(), kernel.uniform.params.len()),
        (pass.operands.len(), kernel.inputs.len()),
        (pass.outputs.len(), kernel.outputs.len()),
        (pass.folds.len(), kernel.folds.len()),
    ];
    expect(counts.iter().all(|(given, wanted)| given == wanted), "a pass does not fit its kernel")?;
    for (view, &lane) in pass.scalars.iter().zip(&kernel.uniform.params) {
        let (dtype, rank) = check_source(program, view.source, written)?;
        check_picks(program, view, rank)?;
        let mem = dtype.mem().ok_or(Defect::DType(dtype))?;
        let is_one = view.axes.is_empty()
            && view.picks.len() == rank
            && view.picks.iter().all(|pick| pick.extent == Dim::One);
        expect(is_one && mem.lane() == lane, "a scalar does not fit the kernel")?;
    }
    for (view, input) in pass.operands.iter().zip(&kernel.inputs) {
        let (dtype, rank) = check_source(program, view.source, written)?;
        check_picks(program, view, rank)?;
        let mem = dtype.mem().ok_or(Defect::DType(dtype))?;
        expect(mem == input.mem, "an operand does not fit the kernel")?;
    }
    for (&sink, output) in pass.outputs.iter().zip(&kernel.outputs) {
        let mem = check_sink(program, sink, written)?;
        expect(mem == output.mem, "a sink does not fit the kernel")?;
    }
    let axes_rise = pass.reduced.is_sorted_by(|a, b| a < b);
    let axes_exist = pass.reduced.iter().all(|&axis| (axis as usize) < pass.space.len());
    expect(axes_rise && axes_exist, "a pass reduces an axis that it has not")?;
    let reduces_all = kernel.folds.is_empty() || pass.reduced.len() == pass.space.len();
    expect(reduces_all, "reductions over some axes are not built")?;
    for (sinks, fold) in pass.folds.iter().zip(&kernel.folds) {
        expect(sinks.len() == fold.finish.results.len(), "a fold's sinks are not its results")?;
        for (sinks, lane) in sinks.iter().zip(fold.finish.result_lanes()) {
            for &sink in sinks {
                let mem = check_sink(program, sink, written)?;
                let is_scalar = program.sink(sink).shape.is_empty();
                expect(is_scalar && mem.lane() == lane, "a fold's sink does not fit")?;
            }
        }
    }
    Ok(())
}

fn check_picks(program: &Program, view: &OperandView, rank: usize) -> Result<(), Defect> {
    expect(view.picks.is_empty() || view.picks.len() == rank, "a view picks no axis")?;
    let known = |symbol: u32| (symbol as usize) < program.symbols.len();
    let holds = |pick: &Pick| {
        let extent = match pick.extent {
            Dim::One => true,
            Dim::Symbol(symbol) => known(symbol),
        };
        extent && known(pick.start) && pick.step != 0
    };
    expect(view.picks.iter().all(holds), "a pick names no symbol")
}

/// Dtype and rank of a source that exists and has been written.
fn check_source(
    program: &Program,
    source: Source,
    written: &Written,
) -> Result<(DType, usize), Defect> {
    match source {
        Source::Input(index) => {
            let input = program.inputs.get(index as usize);
            let ty = &input.ok_or(Defect::Program("there is no such input"))?.ty;
            Ok((ty.dtype, ty.axes.len()))
        }
        Source::Temporary(index) => {
            let is_written = written.temporaries.get(index as usize).copied();
            expect(is_written == Some(true), "a temporary is read before it is written")?;
            let spec = &program.temporaries[index as usize];
            Ok((spec.dtype, spec.shape.len()))
        }
        Source::Symbol(symbol) => {
            expect((symbol as usize) < program.symbols.len(), "there is no such symbol")?;
            Ok((DType::I64, 0))
        }
    }
}

fn check_sink(
    program: &Program,
    sink: Sink,
    written: &mut Written,
) -> Result<fuse_ir::Mem, Defect> {
    let is_written = match sink {
        Sink::Result(index) => written.results.get_mut(index as usize),
        Sink::Temporary(index) => written.temporaries.get_mut(index as usize),
    };
    let is_written = is_written.ok_or(Defect::Program("there is no such sink"))?;
    // A temporary may be written again once nothing reads its former value; a result may not.
    let again = matches!(sink, Sink::Temporary(_));
    expect(again || !*is_written, "a result is written twice")?;
    *is_written = true;
    let dtype = program.sink(sink).dtype;
    dtype.mem().ok_or(Defect::DType(dtype))
}
