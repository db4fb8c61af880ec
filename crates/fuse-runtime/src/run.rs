//! Runs a compiled program over arrays.
//!
//! ```text
//! bind extents ──▶ check outputs ──▶ limits ──▶ copy overlapping inputs ──▶ temporaries
//!      ──▶ for each pass: plan ──▶ uniform region, once ──▶ tasks of blocks ──▶ folds finish
//! ```
//!
//! All that can be known from the shapes is checked before anything runs: limits on work and bytes,
//! overlap, dtypes. After an error the outputs' contents are unspecified.
//!
//! Cost of a call on 16 elements: no heap allocation (counted) for up to four operands of up to four
//! dimensions, in a program of one pass; 0.5 µs elementwise, 0.8 µs for a sum. Small calls over
//! contiguous arrays take [`crate::short`] instead.

use fuse_ir::abi::uniform_slots;
use fuse_ir::{
    Bound, ByteOrder, DType, Extents, Nest, OperandView, Pass, Sink, Source, checked_len,
    contiguous_strides,
};
use smallvec::SmallVec;
use std::sync::Arc;

use crate::array::{Array, bytes_of};
use crate::bind::{
    Raws, ResultShape, bind, check_limits, check_outputs, host_sources, result_shapes,
};
use crate::boxes::Boxes;
use crate::compile::{Code, Executable};
use crate::dispatch::{Job, copy_operand, read_scalar, run_uniform, write_scalar};
use crate::error::{AllocError, RunError};
use crate::fold::{State, finish, initial_state};
use crate::fpenv::DefaultFloats;
use crate::nest::{NestRun, Stage};
use crate::options::RunOptions;
use crate::overlap::{in_place, may_share};
use crate::plan::{Plan, PlanInput, Stepped, picked};
use crate::predicate::TextPredicate;
use crate::reduce::Reduction;
use crate::scratch::with_kit;
use crate::sweep::Sweep;
use crate::views::{Address, Operand, Raw, Strides, ViewMut};

/// The inputs of a call, wherever they lie.
type Inputs<'i, 'a> = SmallVec<[&'i Operand<'a>; 8]>;

impl Executable {
    /// Dtypes and extents of the results for these inputs.
    ///
    /// # Errors
    /// [`RunError::Bind`] where the shapes do not fit.
    pub fn result_shapes(&self, inputs: &[Operand<'_>]) -> Result<Vec<ResultShape>, RunError> {
        let sources = host_sources(&inputs.iter().collect::<Inputs<'_, '_>>())?;
        Ok(result_shapes(&self.program, &self.bind_operands(&sources)?))
    }

    /// Runs the program into `outputs`.
    ///
    /// Inputs may share memory with outputs; the results are as if they did not.
    ///
    /// # Errors
    /// [`RunError`]; what the outputs hold is unspecified then.
    pub fn run(
        &self,
        inputs: &[Operand<'_>],
        outputs: &mut [ViewMut<'_>],
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let inputs: Inputs<'_, '_> = inputs.iter().collect();
        match self.run_short(&inputs, outputs, options) {
            Some(result) => result.map_err(|error| *error),
            None => self.run_long(&inputs, outputs, options),
        }
    }

    /// As [`Executable::run`] for a call that [`Executable::run_short`] does not take.
    ///
    /// # Errors
    /// As [`Executable::run`].
    pub fn run_long(
        &self,
        inputs: &[&Operand<'_>],
        outputs: &mut [ViewMut<'_>],
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let copies;
        let mut sources = host_sources(inputs)?;
        let binding = self.bind_operands(&sources)?;
        let sinks: Raws<'_> = outputs.iter().map(ViewMut::raw).collect();
        check_outputs(&self.program, &binding, &sinks)?;
        self.check_limits(&binding, options)?;
        copies = self.copy_overlapping(&sources, &sinks)?;
        for (input, copy) in &copies {
            sources[*input] = copy.raw();
        }
        self.run_passes(&binding, (&sources, &sinks), options)
    }

    /// Runs the program into new arrays.
    ///
    /// # Errors
    /// [`RunError`], among them [`RunError::Alloc`] and [`RunError::OutputLimit`].
    pub fn run_alloc(
        &self,
        inputs: &[Operand<'_>],
        options: &RunOptions<'_>,
    ) -> Result<Vec<Array>, RunError> {
        self.run_alloc_borrowed(&inputs.iter().collect::<Inputs<'_, '_>>(), options)
    }

    /// As [`Executable::run_alloc`], for inputs that lie apart.
    ///
    /// # Errors
    /// As [`Executable::run_alloc`].
    pub fn run_alloc_borrowed(
        &self,
        inputs: &[&Operand<'_>],
        options: &RunOptions<'_>,
    ) -> Result<Vec<Array>, RunError> {
        let sources = host_sources(inputs)?;
        let binding = self.bind_operands(&sources)?;
        self.check_limits(&binding, options)?;
        let mut results = Vec::with_capacity(self.program.results.len());
        for spec in &self.program.results {
            results.push(Array::unwritten(spec.dtype, &binding.extents(&spec.shape))?);
        }
        if self.flat.is_some() {
            let outputs: SmallVec<[ViewMut<'_>; 1]> =
                results.iter_mut().map(Array::view_mut).collect();
            if let Some(result) = self.run_short(inputs, &outputs, options) {
                drop(outputs);
                return result.map(|()| results).map_err(|error| *error);
            }
        }
        let sinks: Raws<'_> = results.iter_mut().map(Array::raw_mut).collect();
        self.run_passes(&binding, (&sources, &sinks), options)?;
        drop(sinks);
        Ok(results)
    }

    pub(crate) fn bind_operands(&self, sources: &[Raw<'_>]) -> Result<Bound, RunError> {
        bind(&self.program, self.defect, sources)
    }

    /// Limits and sizes, before anything is allocated or run.
    fn check_limits(&self, binding: &Bound, options: &RunOptions<'_>) -> Result<(), RunError> {
        let work = |pass: usize| self.passes[pass].facts.work;
        check_limits(&self.program, binding, (work, |number| !self.is_local(number)), options)
    }

    /// Copies of the inputs that an output's stores would spoil.
    fn copy_overlapping(
        &self,
        sources: &[Raw<'_>],
        sinks: &[Raw<'_>],
    ) -> Result<SmallVec<[(usize, Copied); 0]>, RunError> {
        let mut copies = SmallVec::new();
        for (input, &source) in sources.iter().enumerate() {
            let spoils = |(result, &sink): (usize, &Raw<'_>)| {
                may_share(source, sink) && !in_place(&self.program, (input, source), (result, sink))
            };
            if sinks.iter().enumerate().any(spoils) {
                copies.push((input, Copied::new(source)?));
            }
        }
        Ok(copies)
    }

    fn run_passes(
        &self,
        binding: &Bound,
        (sources, sinks): (&[Raw<'_>], &[Raw<'_>]),
        options: &RunOptions<'_>,
    ) -> Result<(), RunError> {
        let mut temporaries: SmallVec<[Temporary<'_>; 0]> = SmallVec::new();
        for (number, spec) in self.program.temporaries.iter().enumerate() {
            let extents = binding.extents(&spec.shape);
            temporaries.push(if self.is_local(number) {
                Temporary::local(spec.dtype, extents)?
            } else {
                let paged = options.pager.and_then(|pager| pager.temporary(spec.dtype, &extents));
                match paged {
                    Some(memory) => Temporary::Paged(memory),
                    None => Temporary::Whole(Array::unwritten(spec.dtype, &extents)?),
                }
            });
        }
        let temporaries: Raws<'_> = temporaries.iter_mut().map(Temporary::raw).collect();
        let predicates = TextPredicate::all(&self.program.predicates, binding, sources)?;
        let (temporaries, predicates) = (&temporaries, &predicates);
        let call =
            Call { executable: self, binding, sources, sinks, temporaries, predicates, options };
        let mut nests = self.program.nests.iter().peekable();
        let mut number = 0;
        while number < self.passes.len() {
            if let Some(nest) = nests.next_if(|nest| nest.passes.start as usize == number) {
                call.run_nest(nest)?;
                number = nest.passes.end as usize;
                continue;
            }
            let space = binding.extents(&self.program.passes[number].space);
            call.run_pass(number, &space)?;
            number += 1;
        }
        Ok(())
    }

    /// Is a temporary kept a tile at a time?
    pub(crate) fn is_local(&self, temporary: usize) -> bool {
        let holds = |local: &u32| *local as usize == temporary;
        self.program.nests.iter().any(|nest| nest.locals.iter().any(holds))
    }
}

/// A value between passes.
enum Temporary<'c> {
    Whole(Array),
    /// In memory of the pager's.
    Paged(ViewMut<'c>),
    /// Kept a tile at a time by each thread: it has a shape and no memory.
    Local {
        dtype: DType,
        extents: Extents,
        strides: Strides,
    },
}

impl<'c> Temporary<'c> {
    fn local(dtype: DType, extents: Extents) -> Result<Temporary<'c>, AllocError> {
        if checked_len(&extents, dtype.size()).is_none() {
            return Err(AllocError { bytes: bytes_of(dtype, &extents) });
        }
        let strides = contiguous_strides(&extents, dtype.size());
        Ok(Temporary::Local { dtype, extents, strides })
    }

    fn raw(&mut self) -> Raw<'_> {
        match self {
            Temporary::Whole(array) => array.raw_mut(),
            Temporary::Paged(memory) => memory.raw(),
            Temporary::Local { dtype, extents, strides } => {
                let base = Address(std::ptr::null_mut());
                Raw { base, dtype: *dtype, order: ByteOrder::Native, extents, strides }
            }
        }
    }
}

/// An input copied out of the way of an output.
struct Copied(Array);

impl Copied {
    fn new(source: Raw<'_>) -> Result<Copied, RunError> {
        let mut array = Array::unwritten(source.dtype, source.extents)?;
        copy_operand(source, array.raw_mut().base)?;
        Ok(Copied(array))
    }

    fn raw(&self) -> Raw<'_> {
        self.0.raw()
    }
}

/// What all passes of a call share.
struct Call<'c> {
    executable: &'c Executable,
    binding: &'c Bound,
    sources: &'c [Raw<'c>],
    sinks: &'c [Raw<'c>],
    temporaries: &'c [Raw<'c>],
    predicates: &'c [Arc<TextPredicate>],
    options: &'c RunOptions<'c>,
}

impl<'c> Call<'c> {
    /// An input, a temporary, or what a predicate looks like to a plan.
    fn source(&self, source: Source) -> Result<Raw<'c>, RunError> {
        match source {
            Source::Input(index) => Ok(self.sources[index as usize]),
            Source::Part(index, part) => Ok(self.sources[index as usize].part(part)),
            Source::Temporary(index) => Ok(self.temporaries[index as usize]),
            Source::Symbol(_) => Err(RunError::Program { reason: "a symbol is no array" }),
            Source::Predicate(index) => Ok(self.predicates[index as usize].raw()),
        }
    }

    /// The predicate that a source is.
    fn predicate(&self, source: Source) -> Option<&'c Arc<TextPredicate>> {
        match source {
            Source::Predicate(index) => Some(&self.predicates[index as usize]),
            Source::Input(_) | Source::Part(..) | Source::Temporary(_) | Source::Symbol(_) => None,
        }
    }

    /// The bits of a scalar: a symbol, or an element of an input, a temporary or a predicate.
    fn scalar(&self, view: &OperandView) -> Result<u64, RunError> {
        if let Source::Symbol(symbol) = view.source {
            return Ok(self.binding.value(symbol).cast_unsigned());
        }
        let raw = self.source(view.source)?;
        let picked = picked(raw, &view.picks, self.binding)?;
        if let Some(predicate) = self.predicate(view.source) {
            return Ok(u64::from(predicate.at(picked.base)));
        }
        Ok(read_scalar(Raw { extents: &[], strides: &[], base: picked.base, ..raw }))
    }

    fn sink(&self, sink: Sink) -> Raw<'c> {
        match sink {
            Sink::Result(index) => self.sinks[index as usize],
            Sink::Part(index, part) => self.sinks[index as usize].part(part),
            Sink::Temporary(index) => self.temporaries[index as usize],
        }
    }

    fn run_pass(&self, number: usize, space: &[usize]) -> Result<(), RunError> {
        let pass = &self.executable.program.passes[number];
        let compiled = &self.executable.passes[number];
        if !pass.folds.is_empty() && pass.reduced.len() < space.len() {
            return self.run_reduction(number, space);
        }
        let state = if space.contains(&0) {
            initial_state(&compiled.slots)
        } else {
            self.run_loop(number, space)?
        };
        for (fold, sinks) in pass.folds.iter().enumerate() {
            let _floats = DefaultFloats::enter();
            let results = finish(compiled, &pass.kernel, fold, &state);
            for (sinks, bits) in sinks.iter().zip(results) {
                for &sink in sinks {
                    let raw = self.sink(sink);
                    write_scalar(raw, bits);
                    if let Some(pager) = self.options.pager {
                        let address = raw.base.0.addr();
                        pager.wrote(address..address + raw.dtype.size())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs a loop that is not empty; gives the combined state of its folds.
    fn run_loop(&self, number: usize, space: &[usize]) -> Result<State, RunError> {
        let pass = &self.executable.program.passes[number];
        let compiled = &self.executable.passes[number];
        let operands = self.operands(pass, space)?;
        let order = if compiled.facts.order_free {
            operands.best_order(space)
        } else {
            (0..space.len()).collect()
        };
        let boxes = match self.options.pager {
            Some(pager) if compiled.facts.order_free => Boxes::of(&operands, space, &order, pager),
            Some(_) | None => None,
        };
        let Some(boxes) = boxes else {
            return self.run_sweep(number, space, &operands, &order);
        };
        boxes.each(|origin, extents| {
            let part = operands.part(origin);
            self.run_sweep(number, extents, &part, &order).map(|_| ())
        })?;
        Ok(State::new())
    }

    /// Runs a loop, or a box of it, in that order of its axes.
    fn run_sweep(
        &self,
        number: usize,
        space: &[usize],
        operands: &Stepped,
        order: &[usize],
    ) -> Result<State, RunError> {
        let pass = &self.executable.program.passes[number];
        let compiled = &self.executable.passes[number];
        let len = space.iter().product();
        let (accesses, tuning) = (operands.accesses(space, order), &self.options.tuning);
        let plan = Plan::new(&pass.kernel, compiled.facts, len, accesses, tuning);
        let code = self.executable.code(number, plan.variant);
        let uniforms = self.uniforms(pass, code)?;
        let job = Job { plan: &plan, code, slots: &compiled.slots, uniforms: &uniforms };
        let sweep = Sweep { job, pass: compiled, options: self.options };
        sweep.run()
    }

    /// Runs a pass whose folds reduce some axes.
    fn run_reduction(&self, number: usize, space: &[usize]) -> Result<(), RunError> {
        let pass = &self.executable.program.passes[number];
        let operands = self.operands(pass, space)?;
        let of = (self.executable, number);
        let sink_of = |sink| self.sink(sink);
        let reduction = Reduction::new(of, self.options, space, &operands, sink_of)?;
        let code = self.executable.code(number, reduction.variant());
        let uniforms = self.uniforms(pass, code)?;
        reduction.run(code, &uniforms)
    }

    /// Runs passes tile by tile.
    fn run_nest(&self, nest: &Nest) -> Result<(), RunError> {
        let domain = self.binding.extents(&nest.domain);
        let mut run = NestRun::new(nest, &domain, self.options);
        let passes = nest.passes.start as usize..nest.passes.end as usize;
        for &local in &nest.locals {
            let writes = |number: &usize| {
                let pass = &self.executable.program.passes[*number];
                pass.sinks().any(|sink| *sink == Sink::Temporary(local))
            };
            let writer = passes.clone().position(|number| writes(&number)).unwrap_or(0);
            run.add_local((local, nest.reach(writer)), self.temporaries[local as usize])?;
        }
        for (position, number) in passes.enumerate() {
            let pass = &self.executable.program.passes[number];
            let space = self.binding.extents(&pass.space);
            let operands = self.operands(pass, &space)?;
            let of = (self.executable, number);
            let stage = if pass.folds.is_empty() {
                let reach = nest.reach(position);
                Stage::elementwise(of, (&domain, reach), &space, &operands, self.options)?
            } else {
                Stage::folds(of, &domain, &space, &operands, self.options, |sink| self.sink(sink))?
            };
            let mut offsets = SmallVec::new();
            for view in &pass.operands {
                let raw = self.source(view.source)?;
                let base = picked(raw, &view.picks, self.binding)?.base;
                offsets.push(base.behind(raw.base));
            }
            let stage = stage.with_offsets(offsets);
            let uniforms = self.uniforms(pass, stage.code())?;
            run.add_stage(stage, uniforms);
        }
        run.run()
    }

    /// The operands of a pass by the axes of its loop.
    fn operands(&self, pass: &Pass, space: &[usize]) -> Result<Stepped, RunError> {
        let mut inputs: SmallVec<[PlanInput<'_>; 8]> = SmallVec::new();
        for view in &pass.operands {
            let raw = self.source(view.source)?;
            let picked = picked(raw, &view.picks, self.binding)?;
            let predicate = self.predicate(view.source).cloned();
            inputs.push(PlanInput { raw, picked, axes: &view.axes, predicate });
        }
        let outputs: Raws<'_> = pass.outputs.iter().map(|&sink| self.sink(sink)).collect();
        Stepped::new(space, &inputs, &outputs)
    }

    /// The scalars' slots, then the results of the uniform region.
    fn uniforms(&self, pass: &Pass, code: &Code) -> Result<SmallVec<[u64; 16]>, RunError> {
        let scalars = pass.scalars.iter().map(|view| self.scalar(view));
        let mut uniforms: SmallVec<[u64; 16]> = scalars.collect::<Result<_, RunError>>()?;
        uniforms.resize(uniform_slots(&code.kernel), 0);
        if !code.kernel.uniform.results.is_empty() {
            let _floats = DefaultFloats::enter();
            with_kit(|kit| {
                let scratch = kit.operands.bytes(code.block.scratch_bytes())?;
                run_uniform(code, &mut uniforms, scratch);
                Ok::<(), AllocError>(())
            })?;
        }
        Ok(uniforms)
    }
}
