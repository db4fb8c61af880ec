//! One call on a device.
//!
//! ```text
//! scalars, then room for uniform values   one upload ┐
//! host arrays that passes read                       ├─▶ passes, in order ─▶ results downloaded
//! answers about texts                                ┘   temporaries live from their first pass to their last
//! ```
//!
//! Everything is uploaded before the first pass: memory that a pass frees is used again by later passes,
//! never by an upload of the same call. Arrays that are too large for that, or large enough to gain from it,
//! are run in chunks where the program allows ([`crate::device::chunks`]).

use std::sync::Arc;

use fuse_ir::device::{Entry, Queue, result_sinks, walk_rank};
use fuse_ir::{Bound, DeviceAddress, OperandView, Pass, Sink, Source, device};
use smallvec::SmallVec;

use crate::bind::Raws;
use crate::device::arguments::Arguments;
use crate::device::array::{DeviceArray, device_address};
use crate::device::chunks::Chunks;
use crate::device::context::{Buffer, DeviceContext};
use crate::device::executable::{DeviceExecutable, Inputs, Kernels, Results};
use crate::device::fold::States;
use crate::device::walk::{Nest, Operand, operands};
use crate::device::{form, stage};
use crate::dispatch::read_scalar;
use crate::error::RunError;
use crate::options::RunOptions;
use crate::plan::{PlanInput, Stepped, picked};
use crate::predicate::TextPredicate;
use crate::reduce::split_axes;
use crate::views::Raw;

/// Bytes of a scalar, or of a uniform value.
const SLOT: usize = 8;

pub(super) struct Call<'c> {
    pub(super) executable: &'c DeviceExecutable,
    pub(super) inputs: Inputs<'c>,
    pub(super) binding: &'c Bound,
    pub(super) results: Results<'c>,
    pub(super) kernels: Kernels<'c>,
    pub(super) options: &'c RunOptions<'c>,
    predicates: Vec<Arc<TextPredicate>>,
    /// By input, while a pass will read it.
    uploaded: Vec<Option<DeviceArray>>,
    /// By predicate.
    answers: Vec<Option<DeviceArray>>,
    temporaries: Vec<Option<DeviceArray>>,
    /// By result, those that go to the host.
    computed: Vec<Option<DeviceArray>>,
}

/// Scalars and uniform values of all passes, in device memory.
pub(super) struct Slots {
    buffer: Buffer,
    n_scalars: usize,
}

impl Slots {
    /// Uploads scalars, and makes room for as many uniform values.
    fn new(
        context: &Arc<DeviceContext>,
        scalars: &[u64],
        n_uniforms: usize,
    ) -> Result<Slots, RunError> {
        let buffer = context.alloc((scalars.len() + n_uniforms) * SLOT)?;
        let bytes: Vec<u8> = scalars.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        buffer.upload(0, &bytes)?;
        Ok(Slots { buffer, n_scalars: scalars.len() })
    }

    pub(super) fn scalar(&self, position: usize) -> DeviceAddress {
        self.buffer.address().offset((position * SLOT) as i64)
    }

    fn uniforms(&self, first: usize) -> DeviceAddress {
        self.scalar(self.n_scalars + first)
    }
}

impl<'c> Call<'c> {
    /// Runs a call; the context is the caller's.
    pub(super) fn run(
        executable: &'c DeviceExecutable,
        (inputs, binding, results): (Inputs<'c>, &'c Bound, Results<'c>),
        kernels: Kernels<'c>,
        options: &'c RunOptions<'c>,
    ) -> Result<(), RunError> {
        let program = &executable.program;
        let predicates = TextPredicate::all(&program.predicates, binding, inputs.raws)?;
        let none = |count: usize| (0..count).map(|_| None).collect::<Vec<Option<DeviceArray>>>();
        let mut call = Call {
            executable,
            inputs,
            binding,
            results,
            kernels,
            options,
            predicates,
            uploaded: none(program.inputs.len()),
            answers: none(program.predicates.len()),
            temporaries: none(program.temporaries.len()),
            computed: none(program.results.len()),
        };
        match Chunks::of(&call)? {
            Some(chunks) => chunks.run(&mut call)?,
            None => call.run_whole()?,
        }
        call.download()
    }

    pub(super) fn context(&self) -> &'c Arc<DeviceContext> {
        &self.executable.context
    }

    fn run_whole(&mut self) -> Result<(), RunError> {
        let program = &self.executable.program;
        for result in 0..program.results.len() {
            self.make_result(result)?;
        }
        for pass in &program.passes {
            pass.operands.iter().try_for_each(|view| self.upload(view.source))?;
        }
        let slots = self.upload_scalars(&[])?;
        self.context().order(Queue::Upload, Queue::Compute)?;
        for (number, pass) in program.passes.iter().enumerate() {
            self.options.poll()?;
            self.run_pass(number, &slots)?;
            self.free_after(number, pass);
        }
        Ok(())
    }

    /// Puts what an operand reads into device memory, unless it is there.
    fn upload(&mut self, source: Source) -> Result<(), RunError> {
        match source {
            Source::Input(index) | Source::Part(index, _) => {
                let index = index as usize;
                if self.inputs.given[index].is_none() && self.uploaded[index].is_none() {
                    let resident = stage::resident(self.context(), self.inputs.raws[index])?;
                    self.uploaded[index] = Some(resident);
                }
            }
            Source::Predicate(index) => {
                let index = index as usize;
                if self.answers[index].is_none() {
                    let answers = stage::answers(self.context(), &self.predicates[index])?;
                    self.answers[index] = Some(answers);
                }
            }
            Source::Temporary(_) | Source::Symbol(_) => {}
        }
        Ok(())
    }

    /// Uploads the scalars of all passes, those on the device left out, and after them `more`.
    pub(super) fn upload_scalars(&self, more: &[u64]) -> Result<Slots, RunError> {
        let passes = &self.executable.program.passes;
        let mut scalars = Vec::new();
        for view in passes.iter().flat_map(|pass| &pass.scalars) {
            scalars.push(self.host_scalar(view)?.unwrap_or(0));
        }
        scalars.extend_from_slice(more);
        let n_uniforms = passes.iter().map(|pass| pass.kernel.uniform.results.len()).sum();
        Slots::new(self.context(), &scalars, n_uniforms)
    }

    /// The bits of a scalar that the host knows.
    fn host_scalar(&self, view: &OperandView) -> Result<Option<u64>, RunError> {
        let raw = match view.source {
            Source::Symbol(symbol) => {
                return Ok(Some(self.binding.value(symbol).cast_unsigned()));
            }
            Source::Predicate(index) => {
                let predicate = &self.predicates[index as usize];
                let picked = picked(predicate.raw(), &view.picks, self.binding)?;
                return Ok(Some(u64::from(predicate.at(picked.base))));
            }
            Source::Temporary(_) => return Ok(None),
            Source::Input(index) | Source::Part(index, _)
                if self.inputs.given[index as usize].is_some() =>
            {
                return Ok(None);
            }
            Source::Input(index) => self.inputs.raws[index as usize],
            Source::Part(index, part) => self.inputs.raws[index as usize].part(part),
        };
        let picked = picked(raw, &view.picks, self.binding)?;
        Ok(Some(read_scalar(Raw { extents: &[], strides: &[], base: picked.base, ..raw })))
    }

    /// An array in device memory that an operand reads.
    fn source(&self, source: Source) -> Result<Raw<'_>, RunError> {
        let array = match source {
            Source::Input(index) | Source::Part(index, _) => {
                self.inputs.given[index as usize].or(self.uploaded[index as usize].as_ref())
            }
            Source::Temporary(index) => self.temporaries[index as usize].as_ref(),
            Source::Predicate(index) => self.answers[index as usize].as_ref(),
            Source::Symbol(_) => None,
        };
        let raw = array.ok_or(RunError::Program { reason: "an operand is no array" })?.raw();
        Ok(match source {
            Source::Part(_, part) => raw.part(part),
            Source::Input(_) | Source::Temporary(_) | Source::Predicate(_) | Source::Symbol(_) => {
                raw
            }
        })
    }

    /// The array in device memory that a sink is in.
    fn sink_array(&self, sink: Sink) -> Result<&DeviceArray, RunError> {
        let array = match sink {
            Sink::Result(index) | Sink::Part(index, _) => match self.results {
                Results::Device(arrays) => Some(arrays[index as usize]),
                Results::Host(_) => self.computed[index as usize].as_ref(),
            },
            Sink::Temporary(index) => self.temporaries[index as usize].as_ref(),
        };
        array.ok_or(RunError::Program { reason: "a sink has no memory" })
    }

    fn sink(&self, sink: Sink) -> Result<Raw<'_>, RunError> {
        let raw = self.sink_array(sink)?.raw();
        Ok(match sink {
            Sink::Part(_, part) => raw.part(part),
            Sink::Result(_) | Sink::Temporary(_) => raw,
        })
    }

    /// Device memory for a result that goes to the host.
    pub(super) fn make_result(&mut self, result: usize) -> Result<(), RunError> {
        let Results::Host(sinks) = self.results else { return Ok(()) };
        if self.computed[result].is_none() {
            let Raw { dtype, extents, .. } = sinks[result];
            let array = DeviceArray::unwritten(self.context(), dtype, extents)?;
            self.computed[result] = Some(array);
        }
        Ok(())
    }

    fn make_temporaries(&mut self, pass: &Pass) -> Result<(), RunError> {
        for sink in pass.sinks() {
            let Sink::Temporary(index) = *sink else { continue };
            if self.temporaries[index as usize].is_none() {
                let spec = &self.executable.program.temporaries[index as usize];
                let extents = self.binding.extents(&spec.shape);
                let array = DeviceArray::unwritten(self.context(), spec.dtype, &extents)?;
                self.temporaries[index as usize] = Some(array);
            }
        }
        Ok(())
    }

    /// Frees what no pass after this one uses.
    fn free_after(&mut self, number: usize, pass: &Pass) {
        let later = &self.executable.program.passes[number + 1..];
        let reads = |source: Source| {
            later.iter().flat_map(|pass| pass.operands.iter().chain(&pass.scalars)).any(|view| {
                match (view.source, source) {
                    (Source::Input(a) | Source::Part(a, _), Source::Input(b)) => a == b,
                    (own, source) => own == source,
                }
            })
        };
        for view in pass.operands.iter().chain(&pass.scalars) {
            match view.source {
                Source::Input(index) | Source::Part(index, _) if !reads(Source::Input(index)) => {
                    self.uploaded[index as usize] = None;
                }
                Source::Predicate(index) if !reads(view.source) => {
                    self.answers[index as usize] = None;
                }
                Source::Temporary(index) if !reads(view.source) => {
                    self.temporaries[index as usize] = None;
                }
                Source::Input(_)
                | Source::Part(..)
                | Source::Predicate(_)
                | Source::Temporary(_)
                | Source::Symbol(_) => {}
            }
        }
    }

    fn run_pass(&mut self, number: usize, slots: &Slots) -> Result<(), RunError> {
        let pass = &self.executable.program.passes[number];
        self.make_temporaries(pass)?;
        let space = self.binding.extents(&pass.space);
        let uniforms = self.run_uniform(number, slots)?;
        if pass.kernel.folds.is_empty() {
            self.run_loop(number, &space, uniforms)
        } else {
            self.run_fold(number, &space, uniforms)
        }
    }

    /// Starts a pass's uniform region, if it has one; gives the address of its results.
    pub(super) fn run_uniform(
        &self,
        number: usize,
        slots: &Slots,
    ) -> Result<DeviceAddress, RunError> {
        let passes = &self.executable.program.passes;
        let (pass, before) = (&passes[number], &passes[..number]);
        if !Entry::Uniform.exists(pass) {
            return Ok(DeviceAddress(0));
        }
        let first_scalar: usize = before.iter().map(|pass| pass.scalars.len()).sum();
        let mut scalars: SmallVec<[DeviceAddress; 8]> = SmallVec::new();
        for (position, view) in pass.scalars.iter().enumerate() {
            scalars.push(match self.host_scalar(view)? {
                Some(_) => slots.scalar(first_scalar + position),
                None => {
                    let picked = picked(self.source(view.source)?, &view.picks, self.binding)?;
                    device_address(picked.base)
                }
            });
        }
        let n_before = before.iter().map(|pass| pass.kernel.uniform.results.len()).sum();
        let uniforms = slots.uniforms(n_before);
        let arguments = Arguments { uniforms, scalars: &scalars, ..Arguments::default() };
        self.kernels.launch(number, Entry::Uniform, &arguments)?;
        Ok(uniforms)
    }

    /// The operands of a pass by the axes of its loop.
    fn operands(&self, pass: &Pass, space: &[usize]) -> Result<Stepped, RunError> {
        let mut inputs: SmallVec<[PlanInput<'_>; 8]> = SmallVec::new();
        for view in &pass.operands {
            let raw = self.source(view.source)?;
            let picked = picked(raw, &view.picks, self.binding)?;
            inputs.push(PlanInput { raw, picked, axes: &view.axes, predicate: None });
        }
        let mut outputs: Raws<'_> = SmallVec::new();
        for &sink in &pass.outputs {
            outputs.push(self.sink(sink)?);
        }
        Stepped::new(space, &inputs, &outputs)
    }

    fn run_loop(
        &self,
        number: usize,
        space: &[usize],
        uniforms: DeviceAddress,
    ) -> Result<(), RunError> {
        let pass = &self.executable.program.passes[number];
        let stepped = self.operands(pass, space)?;
        let len = space.iter().product::<usize>() as u64;
        if len == 0 {
            return Ok(());
        }
        let order = loop_order(self.executable.facts[number].order_free, &stepped, space);
        let operands = operands(&stepped);
        let nest = Nest::new(space, &order, &operands);
        let width = self.executable.entries[number].width;
        let entry = form::elementwise((&pass.kernel, width), &operands, &nest, len);
        let outer = nest.padded(walk_rank(pass, device::Walk::Outer));
        let operands = addresses(&operands);
        let outer = Some(&outer);
        let arguments =
            Arguments { len, uniforms, operands: &operands, outer, ..Arguments::default() };
        self.kernels.launch(number, entry, &arguments)
    }

    fn run_fold(
        &self,
        number: usize,
        space: &[usize],
        uniforms: DeviceAddress,
    ) -> Result<(), RunError> {
        let pass = &self.executable.program.passes[number];
        let stepped = self.operands(pass, space)?;
        let (kept, reduced) = split_axes(pass, space.len());
        let count = |axes: &[usize]| axes.iter().map(|&axis| space[axis] as u64).product::<u64>();
        let (outputs, len) = (count(&kept), count(&reduced));
        if outputs == 0 {
            return Ok(());
        }
        let operands = operands(&stepped);
        let outer = Nest::new(space, &kept, &operands);
        let inner = Nest::new(space, &reduced, &operands);
        let walks = (&outer, &inner);
        let entry = form::fold((pass, &self.options.tuning), (outputs, len), &operands, walks);
        let blocks = form::fold_blocks(len);
        let states = States::new(self.context(), &pass.kernel, outputs, blocks)?;
        let outer = outer.padded(walk_rank(pass, device::Walk::Outer));
        let inner = inner.padded(walk_rank(pass, device::Walk::Reduced));
        let arguments = Arguments {
            len,
            outputs,
            blocks,
            uniforms,
            operands: &addresses(&operands),
            states: &states.at(0),
            outer: Some(&outer),
            reduced: Some(&inner),
            ..Arguments::default()
        };
        self.kernels.launch(number, entry, &arguments)?;
        self.finish_fold(number, states)
    }

    /// Merges the states of a fold and writes its results.
    pub(super) fn finish_fold(&self, number: usize, states: States) -> Result<(), RunError> {
        let pass = &self.executable.program.passes[number];
        let kept = self.binding.extents(&pass.kept());
        let mut sinks: SmallVec<[(DeviceAddress, i64); 4]> = SmallVec::new();
        for (fold, result, sink) in result_sinks(pass) {
            let sink = pass.folds[fold][result][sink];
            let array = self.sink_array(sink)?;
            if array.extents() != kept.as_slice() {
                let reason = "a fold's sink has another shape than its results";
                return Err(RunError::Program { reason });
            }
            let step = array.dtype().size() as i64;
            sinks.push((device_address(self.sink(sink)?.base), step));
        }
        states.finish(self.context(), (&self.kernels, number), &sinks)
    }

    /// Copies to the host what goes there and has not been yet.
    fn download(&self) -> Result<(), RunError> {
        let Results::Host(sinks) = self.results else { return Ok(()) };
        stage::await_results(self.context())?;
        for (array, &sink) in self.computed.iter().zip(sinks) {
            let Some(array) = array else { continue };
            self.options.poll()?;
            stage::download(array.buffer(), sink)?;
        }
        Ok(())
    }
}

/// The axes of a loop without folds, outermost first.
pub(super) fn loop_order(
    order_free: bool,
    stepped: &Stepped,
    space: &[usize],
) -> SmallVec<[usize; 4]> {
    if order_free { stepped.best_order(space) } else { (0..space.len()).collect() }
}

/// Where operands begin.
pub(super) fn addresses(operands: &[Operand]) -> SmallVec<[DeviceAddress; 8]> {
    operands.iter().map(|operand| operand.address).collect()
}
