//! A program with its modules on a device.
//!
//! A module is emitted and loaded when a call first needs one of its options; threads that need the same
//! wait for one. It is unloaded when the executable is dropped.

use std::sync::{Arc, Mutex, PoisonError};

use fuse_ir::device::{Entry, IndexWidth, Loads, ModuleId, ModuleOptions, Queue};
use fuse_ir::{Bound, Pass, Program, Sink, Source};
use smallvec::SmallVec;

use crate::array::Array;
use crate::bind::{Raws, ResultShape, bind, check_limits, check_outputs, result_shapes};
use crate::check::check;
use crate::compile::Defect;
use crate::device::arguments::Arguments;
use crate::device::array::DeviceArray;
use crate::device::call::Call;
use crate::device::context::DeviceContext;
use crate::device::entries::Entries;
use crate::device::{driver, form};
use crate::error::RunError;
use crate::options::RunOptions;
use crate::overlap::{in_place, may_share};
use crate::plan::PassFacts;
use crate::reduce::split_axes;
use crate::views::{Operand, Raw, ViewMut};

/// A program that runs on one device: `Send + Sync`. Calls on a device run one after the other, whatever
/// executable they are of.
///
/// Nests are not used: what passes hand to each other lies in the device's memory.
pub struct DeviceExecutable {
    pub(super) program: Arc<Program>,
    pub(super) context: Arc<DeviceContext>,
    pub(super) facts: Vec<PassFacts>,
    pub(super) entries: Vec<Entries>,
    defect: Result<(), Defect>,
    modules: Mutex<SmallVec<[(ModuleOptions, ModuleId); 2]>>,
}

/// The inputs of a call.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'c> {
    /// On the host, or as plans see device memory.
    pub(super) raws: &'c [Raw<'c>],
    /// Those in device memory.
    pub(super) given: &'c [Option<&'c DeviceArray>],
}

type Given<'c> = SmallVec<[Option<&'c DeviceArray>; 8]>;

/// Where a call's results go.
#[derive(Clone, Copy)]
pub(super) enum Results<'c> {
    /// To the host.
    Host(&'c [Raw<'c>]),
    /// They stay.
    Device(&'c [&'c DeviceArray]),
}

/// The kernels that a call starts.
#[derive(Clone, Copy)]
pub(super) struct Kernels<'c> {
    executable: &'c DeviceExecutable,
    module: ModuleId,
}

impl Kernels<'_> {
    /// Enqueues an entry of a pass.
    pub(super) fn launch(
        &self,
        number: usize,
        entry: Entry,
        arguments: &Arguments<'_>,
    ) -> Result<(), RunError> {
        let DeviceExecutable { program, context, entries, .. } = self.executable;
        let entries = &entries[number];
        let counts = (arguments.outputs, arguments.blocks);
        let threads = form::threads((entry, entries.width), counts, arguments.len);
        let grid = form::grid(threads, context.info().multiprocessors);
        let layout = entries.layout(entry);
        let words = arguments.words(&layout.params, &program.passes[number]);
        Ok(driver::launch(context, (self.module, layout), grid, &words)?)
    }
}

impl DeviceExecutable {
    /// A program for a device. No code is emitted before the first call.
    pub fn new(program: Arc<Program>, context: Arc<DeviceContext>) -> DeviceExecutable {
        let defect = check(&program);
        let passes = if defect.is_ok() { program.passes.as_slice() } else { &[] };
        let facts = passes.iter().map(|pass| PassFacts::of(&program, pass)).collect();
        let places = passes.iter().enumerate();
        let entries = places.map(|(number, pass)| Entries::of(number, pass)).collect();
        DeviceExecutable { program, context, facts, entries, defect, modules: Mutex::default() }
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The device and its memory.
    pub fn context(&self) -> &Arc<DeviceContext> {
        &self.context
    }

    /// Dtypes and extents of the results for these inputs.
    ///
    /// # Errors
    /// [`RunError::Bind`] where the shapes do not fit.
    pub fn result_shapes(&self, inputs: &[Operand<'_>]) -> Result<Vec<ResultShape>, RunError> {
        self.bound(inputs, |_, binding| Ok(result_shapes(&self.program, &binding)))
    }

    /// Runs the program into host memory. Inputs may lie on the host or on this device, and may share
    /// memory with outputs.
    ///
    /// # Errors
    /// [`RunError`]; what the outputs hold is unspecified then.
    pub fn run(
        &self,
        inputs: &[Operand<'_>],
        outputs: &mut [ViewMut<'_>],
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let sinks: Raws<'_> = outputs.iter().map(ViewMut::raw).collect();
        self.bound(inputs, |inputs, binding| {
            check_outputs(&self.program, &binding, &sinks)?;
            self.check_limits(&binding, options)?;
            self.call(inputs, &binding, Results::Host(&sinks), options)
        })
    }

    /// Runs the program into new arrays on the host.
    ///
    /// # Errors
    /// As [`DeviceExecutable::run`].
    pub fn run_alloc(
        &self,
        inputs: &[Operand<'_>],
        options: &RunOptions<'_>,
    ) -> Result<Vec<Array>, RunError> {
        self.bound(inputs, |inputs, binding| {
            self.check_limits(&binding, options)?;
            let mut arrays = Vec::new();
            for ResultShape { dtype, extents } in result_shapes(&self.program, &binding) {
                arrays.push(Array::zeroed(dtype, &extents)?);
            }
            let sinks: Raws<'_> = arrays.iter_mut().map(Array::raw_mut).collect();
            self.call(inputs, &binding, Results::Host(&sinks), options)?;
            drop(sinks);
            Ok(arrays)
        })
    }

    /// Runs the program into arrays of this device. When it returns they are computed.
    ///
    /// # Errors
    /// As [`DeviceExecutable::run`].
    pub fn run_on_device(
        &self,
        inputs: &[Operand<'_>],
        outputs: &mut [&mut DeviceArray],
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let is_elsewhere = |array: &&mut DeviceArray| !Arc::ptr_eq(array.context(), &self.context);
        if let Some(output) = outputs.iter().position(is_elsewhere) {
            return Err(RunError::OutputOnDevice { output });
        }
        let outputs: SmallVec<[&DeviceArray; 4]> = outputs.iter().map(|array| &**array).collect();
        let sinks: Raws<'_> = outputs.iter().map(|array| array.raw()).collect();
        self.bound(inputs, |inputs, binding| {
            check_outputs(&self.program, &binding, &sinks)?;
            self.check_limits(&binding, options)?;
            let copies = self.copy_overlapping(inputs, &sinks)?;
            let mut raws = Raws::from_slice(inputs.raws);
            let mut given = Given::from_slice(inputs.given);
            for (input, copy) in &copies {
                raws[*input] = copy.raw();
                given[*input] = Some(copy);
            }
            let inputs = Inputs { raws: &raws, given: &given };
            self.call(inputs, &binding, Results::Device(&outputs), options)
        })
    }

    /// Runs the program into new arrays of this device. When it returns they are computed.
    ///
    /// # Errors
    /// As [`DeviceExecutable::run`].
    pub fn run_alloc_on_device(
        &self,
        inputs: &[Operand<'_>],
        options: &RunOptions<'_>,
    ) -> Result<Vec<DeviceArray>, RunError> {
        self.bound(inputs, |inputs, binding| {
            self.check_limits(&binding, options)?;
            let mut arrays = Vec::new();
            for ResultShape { dtype, extents } in result_shapes(&self.program, &binding) {
                arrays.push(DeviceArray::unwritten(&self.context, dtype, &extents)?);
            }
            let outputs: SmallVec<[&DeviceArray; 4]> = arrays.iter().collect();
            self.call(inputs, &binding, Results::Device(&outputs), options)?;
            drop(outputs);
            Ok(arrays)
        })
    }

    /// Runs `call` with the inputs and their extents.
    fn bound<R>(
        &self,
        inputs: &[Operand<'_>],
        call: impl FnOnce(Inputs<'_>, Bound) -> Result<R, RunError>,
    ) -> Result<R, RunError> {
        let fetched = self.fetch(inputs)?;
        let mut raws: Raws<'_> = inputs.iter().map(Operand::raw).collect();
        let given = |operand| match operand {
            &Operand::Device(array) => Some(array),
            Operand::Array(_) | Operand::Scalar(_) | Operand::Text(_) => None,
        };
        let mut given: Given<'_> = inputs.iter().map(given).collect();
        for (input, array) in &fetched {
            raws[*input] = array.raw();
            given[*input] = None;
        }
        let binding = bind(&self.program, self.defect, &raws)?;
        call(Inputs { raws: &raws, given: &given }, binding)
    }

    /// Copies of the integers in device memory that extents depend on.
    fn fetch(&self, inputs: &[Operand<'_>]) -> Result<SmallVec<[(usize, Array); 0]>, RunError> {
        let mut fetched = SmallVec::new();
        for (position, operand) in inputs.iter().enumerate() {
            let Operand::Device(array) = operand else { continue };
            if !Arc::ptr_eq(array.context(), &self.context) {
                return Err(RunError::OnDevice { input: position });
            }
            let is_read = |symbol: &fuse_ir::Symbol| matches!(symbol, fuse_ir::Symbol::Scalar(input) if *input as usize == position);
            if array.extents().is_empty() && self.program.symbols.iter().any(is_read) {
                fetched.push((position, array.download()?));
            }
        }
        Ok(fetched)
    }

    fn check_limits(&self, binding: &Bound, options: &RunOptions<'_>) -> Result<(), RunError> {
        let facts = (|pass: usize| self.facts[pass].work, |_| true);
        check_limits(&self.program, binding, facts, options)
    }

    /// Copies of the inputs that an output's stores would spoil.
    fn copy_overlapping(
        &self,
        inputs: Inputs<'_>,
        sinks: &[Raw<'_>],
    ) -> Result<SmallVec<[(usize, DeviceArray); 0]>, RunError> {
        let mut copies = SmallVec::new();
        for (input, array) in inputs.given.iter().enumerate() {
            let Some(array) = array else { continue };
            let source = inputs.raws[input];
            let spoils = |(result, &sink): (usize, &Raw<'_>)| {
                may_share(source, sink) && !in_place(&self.program, (input, source), (result, sink))
            };
            if sinks.iter().enumerate().any(spoils) {
                let (dtype, extents) = (array.dtype(), array.extents());
                let mut copy = DeviceArray::unwritten(&self.context, dtype, extents)?;
                copy.copy_from(array)?;
                copies.push((input, copy));
            }
        }
        Ok(copies)
    }

    /// Runs a call whose inputs and outputs have been checked.
    fn call(
        &self,
        inputs: Inputs<'_>,
        binding: &Bound,
        results: Results<'_>,
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let module = self.module(self.module_options(inputs, binding, results))?;
        let kernels = Kernels { executable: self, module };
        let call = self.context.begin()?;
        let outcome = Call::run(self, (inputs, binding, results), kernels, options);
        // Whatever became of the call, its kernels have finished when it returns.
        let ended = self.context.device().synchronize(Queue::Compute);
        drop(call);
        outcome?;
        Ok(ended?)
    }

    /// What the kernels of a call must know of it.
    fn module_options(
        &self,
        inputs: Inputs<'_>,
        binding: &Bound,
        results: Results<'_>,
    ) -> ModuleOptions {
        let in_its_own_place = self.program.passes.iter().any(rewrites);
        let shared = match results {
            Results::Host(_) => false,
            Results::Device(arrays) => inputs
                .given
                .iter()
                .flatten()
                .any(|input| arrays.iter().any(|output| may_share(input.raw(), output.raw()))),
        };
        let loads = if in_its_own_place || shared { Loads::Coherent } else { Loads::NonCoherent };
        let items = self.program.passes.iter().map(|pass| most_items(pass, binding));
        let narrow = items.max().unwrap_or(0) < 1 << 31;
        ModuleOptions { index: if narrow { IndexWidth::W32 } else { IndexWidth::W64 }, loads }
    }

    fn module(&self, options: ModuleOptions) -> Result<ModuleId, RunError> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, module)) = modules.iter().find(|(own, _)| *own == options) {
            return Ok(*module);
        }
        let text = self.context.device().emit(&self.program, options)?;
        let module = self.context.device().load(&text)?;
        modules.push((options, module));
        Ok(module)
    }
}

/// Does a pass read an array that it writes?
fn rewrites(pass: &Pass) -> bool {
    let reads = |temporary: u32| {
        pass.operands.iter().any(|view| view.source == Source::Temporary(temporary))
    };
    pass.sinks().any(|sink| match *sink {
        Sink::Temporary(temporary) => reads(temporary),
        Sink::Result(_) | Sink::Part(..) => false,
    })
}

/// Elements of a pass's loop, or threads of its largest launch, whichever are more.
fn most_items(pass: &Pass, binding: &Bound) -> u64 {
    let space = binding.extents(&pass.space);
    let count = |axes: &[usize]| {
        axes.iter().fold(1_u64, |count, &axis| count.saturating_mul(space[axis] as u64))
    };
    let (kept, reduced) = split_axes(pass, space.len());
    let elements = count(&kept).saturating_mul(count(&reduced));
    if pass.kernel.folds.is_empty() {
        return elements;
    }
    let states = count(&kept).saturating_mul(form::fold_blocks(count(&reduced)));
    elements.max(states.saturating_mul(u64::from(fuse_ir::device::WARP)))
}

impl Drop for DeviceExecutable {
    fn drop(&mut self) {
        let modules = self.modules.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (_, module) in modules.drain(..) {
            self.context.device().unload(module);
        }
    }
}

impl std::fmt::Debug for DeviceExecutable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceExecutable")
            .field("program", &self.program)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
