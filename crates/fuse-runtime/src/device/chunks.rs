//! Arrays that are copied and computed on piece by piece.
//!
//! ```text
//! upload    │ chunk 0 │ chunk 1 │ chunk 2 │ …
//! compute             │ chunk 0 │ chunk 1 │ …
//! download                      │ chunk 0 │ …        three sets of buffers, used in turn
//! ```
//!
//! For a program of one pass over contiguous host arrays: elementwise, or with folds over everything, whose
//! blocks of 1024 elements leave their states where they belong. So copies overlap with kernels, and arrays
//! may be larger than the device's memory. The three queues meet at events: an upload waits for the kernel
//! that read its buffers before, a kernel for its upload, a download for its kernel. Downloads are waited
//! for, two chunks behind.
//!
//! Operands that read the same input at near places (`x[1:] - x[:-1]`) are uploaded as one window.

use std::cmp::Reverse;

use fuse_ir::device::{DeviceEvent, Entry, Queue, Walk, walk_rank};
use fuse_ir::{DeviceAddress, FOLD_BLOCK, OperandView, Pass, Sink, Source};
use smallvec::SmallVec;

use crate::bind::Raws;
use crate::device::arguments::Arguments;
use crate::device::call::{Call, Slots, addresses, loop_order};
use crate::device::context::Buffer;
use crate::device::executable::Results;
use crate::device::fold::States;
use crate::device::form;
use crate::device::host::HostRun;
use crate::device::walk::{Nest, Operand, operands};
use crate::dispatch::read_scalar;
use crate::error::RunError;
use crate::overlap::{in_place, may_share};
use crate::plan::{PlanInput, Stepped, picked};
use crate::views::{Address, Raw};

/// Arrays of fewer bytes together are copied as they are.
const LEAST_BYTES: usize = 8 << 20;
/// Bytes of a chunk of the widest array: some hundred microseconds of copying, far more than a launch.
const CHUNK_BYTES: usize = 4 << 20;
/// Buffers of each array.
const SETS: usize = 3;
/// Operands of an input that begin this close to each other share a window, in bytes.
const NEAR: usize = 64 << 10;

/// A call that runs in chunks.
pub(super) struct Chunks {
    /// Inputs, then outputs, with their addresses on the host.
    operands: SmallVec<[Operand; 8]>,
    nest: Nest,
    len: usize,
    /// Elements of a chunk.
    chunk: usize,
    windows: SmallVec<[Window; 4]>,
    places: SmallVec<[Place; 8]>,
    /// The bits of the inputs that stay the same.
    splats: SmallVec<[u64; 4]>,
    outputs: SmallVec<[HostRun; 4]>,
}

/// Bytes of an input that are uploaded together: for elements `a .. b` those from `low + a * size` on.
struct Window {
    input: u32,
    size: usize,
    low: Address,
    /// From the operand that begins first to the one that begins last.
    beyond: usize,
}

/// Where an input of the kernel lies in a chunk.
enum Place {
    /// So many bytes into a window.
    Window { window: usize, offset: usize },
    /// At a scalar's place.
    Splat(usize),
}

/// The buffers of one chunk at a time.
struct Set {
    windows: SmallVec<[Buffer; 4]>,
    outputs: SmallVec<[Buffer; 4]>,
    computed: Option<DeviceEvent>,
}

impl Chunks {
    /// How a call runs in chunks, if it does.
    pub(super) fn of(call: &Call<'_>) -> Result<Option<Chunks>, RunError> {
        let [pass] = call.executable.program.passes.as_slice() else { return Ok(None) };
        let space = call.binding.extents(&pass.space);
        let whole = pass.kernel.folds.is_empty() || pass.reduced.len() == space.len();
        let Some(outputs) = host_outputs(call, pass) else { return Ok(None) };
        if !whole || space.contains(&0) || !reads_host(call, pass) || is_spoiled(call) {
            return Ok(None);
        }
        let mut inputs: SmallVec<[PlanInput<'_>; 8]> = SmallVec::new();
        for view in &pass.operands {
            let Some(raw) = input_of(call, view) else { return Ok(None) };
            let picked = picked(raw, &view.picks, call.binding)?;
            inputs.push(PlanInput { raw, picked, axes: &view.axes, predicate: None });
        }
        let stepped = Stepped::new(&space, &inputs, &outputs)?;
        let order = loop_order(call.executable.facts[0].order_free, &stepped, &space);
        let operands = operands(&stepped);
        let nest = Nest::new(&space, &order, &operands);
        let (kernel, len) = (&pass.kernel, space.iter().product());
        let is_stream = |(at, _): &(usize, &Operand)| form::is_stream(kernel, *at);
        let streams = || operands.iter().enumerate().filter(is_stream).map(|(_, operand)| operand);
        let native = streams().all(|operand| operand.native);
        let Some(chunk) = chunk_of(call, streams().map(|operand| operand.size), len) else {
            return Ok(None);
        };
        if !native || !form::is_contiguous(kernel, &operands, &nest) {
            return Ok(None);
        }
        let bases = stepped.operands().map(|(base, ..)| *base);
        let bases: SmallVec<[Address; 8]> = bases.collect();
        let n_inputs = inputs.len();
        let runs = bases[n_inputs..].iter().zip(&operands[n_inputs..]);
        let outputs = runs.map(|(&base, output)| HostRun::new(base, len * output.size)).collect();
        let mut chunks = Chunks {
            operands: operands.clone(),
            nest,
            len,
            chunk,
            windows: SmallVec::new(),
            places: SmallVec::new(),
            splats: SmallVec::new(),
            outputs,
        };
        chunks.open_windows(pass, &bases);
        for (at, input) in inputs.iter().enumerate() {
            chunks.place(at, form::is_stream(kernel, at), (input, &pass.operands[at]), bases[at]);
        }
        Ok(Some(chunks))
    }

    /// Windows over what each input's operands read, those that begin near each other together.
    fn open_windows(&mut self, pass: &Pass, bases: &[Address]) {
        let streams = pass.operands.iter().enumerate();
        let streams = streams.filter(|(at, _)| form::is_stream(&pass.kernel, *at));
        let mut begins: SmallVec<[(u32, usize, Address); 8]> = streams
            .filter_map(|(at, view)| Some((index_of(view)?, self.operands[at].size, bases[at])))
            .collect();
        begins.sort_by_key(|&(input, size, base)| (input, size, Reverse(base.0.addr())));
        for (input, size, base) in begins.into_iter().rev() {
            match self.windows.last_mut() {
                Some(last)
                    if (last.input, last.size) == (input, size)
                        && base.behind(last.low).unsigned_abs() <= NEAR =>
                {
                    last.beyond = last.beyond.max(base.behind(last.low).unsigned_abs());
                }
                Some(_) | None => self.windows.push(Window { input, size, low: base, beyond: 0 }),
            }
        }
    }

    /// Finds an input its place.
    fn place(
        &mut self,
        at: usize,
        is_stream: bool,
        (input, view): (&PlanInput<'_>, &OperandView),
        base: Address,
    ) {
        if !is_stream {
            let raw = Raw { extents: &[], strides: &[], base: input.picked.base, ..input.raw };
            self.places.push(Place::Splat(self.splats.len()));
            self.splats.push(read_scalar(raw));
            return;
        }
        let size = self.operands[at].size;
        let holds = |window: &Window| {
            let offset = base.behind(window.low);
            let inside = usize::try_from(offset).is_ok_and(|offset| offset <= window.beyond);
            Some(window.input) == index_of(view) && window.size == size && inside
        };
        let window = self.windows.iter().position(holds).expect("a window was opened for it");
        let offset = base.behind(self.windows[window].low).unsigned_abs();
        self.places.push(Place::Window { window, offset });
    }

    /// Runs the call.
    pub(super) fn run(mut self, call: &mut Call<'_>) -> Result<(), RunError> {
        let pass = &call.executable.program.passes[0];
        for sink in pass.folds.iter().flatten().flatten() {
            if let Sink::Result(result) | Sink::Part(result, _) = *sink {
                call.make_result(result as usize)?;
            }
        }
        let slots = call.upload_scalars(&self.splats)?;
        call.context().order(Queue::Upload, Queue::Compute)?;
        let uniforms = call.run_uniform(0, &slots)?;
        let blocks = form::fold_blocks(self.len as u64);
        let states = if pass.kernel.folds.is_empty() {
            None
        } else {
            Some(States::new(call.context(), &pass.kernel, 1, blocks)?)
        };
        let mut sets = self.sets(call)?;
        let n_chunks = self.len.div_ceil(self.chunk);
        for turn in 0..n_chunks + SETS - 1 {
            if turn < n_chunks {
                call.options.poll()?;
                let set = &mut sets[turn % SETS];
                self.upload(call, set, turn)?;
                self.launch(call, (set, turn), (&slots, uniforms), states.as_ref())?;
                set.computed = Some(call.context().device().record(Queue::Compute)?);
            }
            if let Some(chunk) = turn.checked_sub(SETS - 1) {
                self.download(call, &sets[chunk % SETS], chunk)?;
            }
        }
        match states {
            Some(states) => call.finish_fold(0, states),
            None => Ok(()),
        }
    }

    fn sets(&self, call: &Call<'_>) -> Result<SmallVec<[Set; SETS]>, RunError> {
        let mut sets = SmallVec::new();
        for _ in 0..SETS.min(self.len.div_ceil(self.chunk)) {
            let (mut windows, mut outputs) = (SmallVec::new(), SmallVec::new());
            for window in &self.windows {
                windows.push(call.context().alloc(self.chunk * window.size + window.beyond)?);
            }
            for output in &self.operands[self.places.len()..] {
                outputs.push(call.context().alloc(self.chunk * output.size)?);
            }
            sets.push(Set { windows, outputs, computed: None });
        }
        Ok(sets)
    }

    /// The first element of a chunk, and how many it has.
    fn range(&self, chunk: usize) -> (usize, usize) {
        let start = chunk * self.chunk;
        (start, self.chunk.min(self.len - start))
    }

    fn upload(&self, call: &Call<'_>, set: &Set, chunk: usize) -> Result<(), RunError> {
        let (start, count) = self.range(chunk);
        if let Some(before) = set.computed {
            call.context().device().wait(Queue::Upload, before)?;
        }
        for (window, buffer) in self.windows.iter().zip(&set.windows) {
            let run = HostRun::new(window.low, self.len * window.size + window.beyond);
            let end = (start + count) * window.size + window.beyond;
            buffer.upload(0, run.read(start * window.size..end))?;
        }
        Ok(call.context().order(Queue::Upload, Queue::Compute)?)
    }

    fn launch(
        &self,
        call: &Call<'_>,
        (set, chunk): (&Set, usize),
        (slots, uniforms): (&Slots, DeviceAddress),
        states: Option<&States>,
    ) -> Result<(), RunError> {
        let pass = &call.executable.program.passes[0];
        let (start, count) = self.range(chunk);
        let inputs = self.places.iter().map(|place| match *place {
            Place::Window { window, offset } => {
                set.windows[window].address().offset(offset.cast_signed() as i64)
            }
            Place::Splat(at) => slots.scalar(pass.scalars.len() + at),
        });
        let places = inputs.chain(set.outputs.iter().map(|buffer| buffer.address()));
        let own = self.operands.iter().zip(places);
        let own = own.map(|(operand, address)| Operand { address, ..operand.clone() });
        let own: SmallVec<[Operand; 8]> = own.collect();
        let nest = self.nest.of_len(count);
        let blocks = form::fold_blocks(count as u64);
        let first_block = (start / FOLD_BLOCK) as u64;
        let states = states.map(|states| states.at(first_block)).unwrap_or_default();
        let arguments = Arguments {
            len: count as u64,
            first: start as u64,
            outputs: 1,
            blocks,
            uniforms,
            operands: &addresses(&own),
            states: &states,
            ..Arguments::default()
        };
        if pass.kernel.folds.is_empty() {
            let width = call.executable.entries[0].width;
            let entry = form::elementwise((&pass.kernel, width), &own, &nest, count as u64);
            return call.kernels.launch(0, entry, &arguments);
        }
        let none = Nest::new(&[], &[], &own);
        let outer = none.padded(walk_rank(pass, Walk::Outer));
        let reduced = nest.padded(walk_rank(pass, Walk::Reduced));
        let (outer, reduced) = (Some(&outer), Some(&reduced));
        call.kernels.launch(0, Entry::FoldLanes, &Arguments { outer, reduced, ..arguments })
    }

    fn download(&mut self, call: &Call<'_>, set: &Set, chunk: usize) -> Result<(), RunError> {
        let (start, count) = self.range(chunk);
        if let Some(computed) = set.computed.filter(|_| !self.outputs.is_empty()) {
            call.context().device().wait(Queue::Download, computed)?;
        }
        let sizes = self.operands[self.places.len()..].iter().map(|output| output.size);
        for ((run, buffer), size) in self.outputs.iter_mut().zip(&set.outputs).zip(sizes) {
            let to = run.write(start * size..(start + count) * size);
            buffer.download(0, to)?;
        }
        Ok(())
    }
}

/// The host memory of a pass's elementwise outputs, if that is where all of them go, whole.
fn host_outputs<'c>(call: &Call<'c>, pass: &Pass) -> Option<Raws<'c>> {
    let host = |sink: &Sink| match (*sink, call.results) {
        (Sink::Result(result), Results::Host(sinks)) => Some(sinks[result as usize]),
        (Sink::Result(_) | Sink::Part(..) | Sink::Temporary(_), _) => None,
    };
    pass.outputs.iter().map(host).collect()
}

/// The host array that an operand reads.
fn input_of<'c>(call: &Call<'c>, view: &OperandView) -> Option<Raw<'c>> {
    let raw = call.inputs.raws[index_of(view)? as usize];
    Some(match view.source {
        Source::Part(_, part) => raw.part(part),
        Source::Input(_) | Source::Temporary(_) | Source::Symbol(_) | Source::Predicate(_) => raw,
    })
}

/// The input that an operand reads.
fn index_of(view: &OperandView) -> Option<u32> {
    match view.source {
        Source::Input(index) | Source::Part(index, _) => Some(index),
        Source::Temporary(_) | Source::Symbol(_) | Source::Predicate(_) => None,
    }
}

/// Does a pass read host arrays alone, and write nothing but results?
fn reads_host(call: &Call<'_>, pass: &Pass) -> bool {
    let is_host = |view: &OperandView| {
        index_of(view).is_some_and(|index| call.inputs.given[index as usize].is_none())
    };
    let is_result = |sink: &Sink| !matches!(sink, Sink::Temporary(_));
    pass.operands.iter().all(is_host) && pass.sinks().all(is_result)
}

/// Would an output's first chunks spoil what later chunks read?
fn is_spoiled(call: &Call<'_>) -> bool {
    let Results::Host(sinks) = call.results else { return false };
    let program = &call.executable.program;
    call.inputs.raws.iter().enumerate().any(|(input, &source)| {
        sinks.iter().enumerate().any(|(result, &sink)| {
            call.inputs.given[input].is_none()
                && may_share(source, sink)
                && !in_place(program, (input, source), (result, sink))
        })
    })
}

/// Elements of a chunk, where arrays of elements of these sizes gain from chunks.
fn chunk_of(call: &Call<'_>, sizes: impl Iterator<Item = usize>, len: usize) -> Option<usize> {
    let (mut widest, mut bytes) = (1, 0_usize);
    for size in sizes {
        widest = widest.max(size);
        bytes = bytes.saturating_add(len.saturating_mul(size));
    }
    let (chunk, gains) = match call.options.tuning.device_chunk {
        Some(chunk) => (chunk.max(1).next_multiple_of(FOLD_BLOCK), true),
        None => (CHUNK_BYTES / widest, bytes >= LEAST_BYTES),
    };
    (gains && len > chunk).then_some(chunk)
}
