//! A device by the letter of `fuse_ir::device`: for testing what runs programs, apart from any code for a
//! device.
//!
//! ```text
//! emit: remembers the program, whose text is what `Debug` writes of it
//! launch: evaluates its regions element by element ([`crate::direct`])
//! queues: nothing runs before it must   Lazy: copies to the device wait as well; Eager: they run at once
//! ```
//!
//! A kernel runs when a download, a synchronisation or an event that somebody waits for asks for it, so that
//! an order that nothing demanded is the wrong one: a kernel that no event makes wait for an upload reads
//! what was there before ([`Uploads::Lazy`]), and an upload that waits for no kernel spoils what the kernel
//! was to read ([`Uploads::Eager`]). Fresh memory is poisoned. Reads and writes lie inside of one
//! allocation, at multiples of their size.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuse_ir::device::{
    DeviceEvent, Entry, IndexWidth, ModuleId, ModuleOptions, Param, Queue, Walk, result_sinks,
    vector_width, walk_rank,
};
use fuse_ir::{
    CANONICAL_NAN_F32, CANONICAL_NAN_F64, Device, DeviceAddress, DeviceError, DeviceInfo,
    FOLD_BLOCK, GRANULE, InputClass, Kernel, Lane, Mem, Pass, Program,
};

use crate::compare::is_nan;
use crate::direct::eval_region;
use crate::loaded::Loaded;

/// What fresh memory holds.
const POISON: u8 = 0xa5;
/// Events that a device remembers of a queue.
const REMEMBERED: u64 = 64;

/// When copies to the device run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uploads {
    /// When something waits for them.
    Lazy,
    /// As soon as what they wait for has run.
    Eager,
}

/// See the module.
pub struct ReferenceDevice {
    info: DeviceInfo,
    uploads: Uploads,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By text.
    emitted: HashMap<String, Emitted>,
    modules: Loaded<Emitted>,
    memory: Allocations,
    queues: [VecDeque<Work>; 3],
    /// For each event its queue, and whether it has passed.
    events: Vec<(Queue, bool)>,
    launches: Vec<String>,
}

/// What a text stands for.
type Emitted = (Arc<Program>, ModuleOptions);

/// Allocations by address.
#[derive(Default)]
struct Allocations {
    blocks: BTreeMap<u64, Vec<u8>>,
    next: u64,
}

enum Work {
    Upload(DeviceAddress, Vec<u8>),
    Copy { to: DeviceAddress, from: DeviceAddress, bytes: usize },
    Launch { module: Emitted, pass: usize, entry: Entry, words: Vec<u64> },
    Record(u64),
    Wait(u64),
}

impl ReferenceDevice {
    /// A device of so many bytes.
    pub fn new(memory: u64, uploads: Uploads) -> Arc<ReferenceDevice> {
        let info = DeviceInfo {
            ordinal: 0,
            name: "reference".to_string(),
            capability: (7, 0),
            multiprocessors: 2,
            memory,
            driver: (12, 0),
        };
        Arc::new(ReferenceDevice { info, uploads, state: Mutex::default() })
    }

    /// The entries that were launched since it was last asked, in order.
    pub fn launches(&self) -> Vec<String> {
        std::mem::take(&mut self.state().launches)
    }

    /// How many modules are loaded.
    pub fn modules(&self) -> usize {
        self.state().modules.texts().len()
    }

    /// Bytes that are allocated.
    pub fn allocated(&self) -> u64 {
        self.state().memory.bytes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queue(&mut self, queue: Queue) -> &mut VecDeque<Work> {
        &mut self.queues[queue as usize]
    }

    /// Runs a queue until it is empty, or until an event of it has passed.
    fn run(&mut self, queue: Queue, until: Option<u64>) {
        while let Some(work) = self.queue(queue).pop_front() {
            match work {
                Work::Upload(to, bytes) => {
                    self.memory.at(to.0, bytes.len()).copy_from_slice(&bytes);
                }
                Work::Copy { to, from, bytes } => {
                    let copied = self.memory.at(from.0, bytes).to_vec();
                    self.memory.at(to.0, bytes).copy_from_slice(&copied);
                }
                Work::Launch { module: (program, options), pass, entry, words } => {
                    let pass = &program.passes[pass];
                    let params = entry.params(pass).into_iter().zip(words).collect();
                    Grid { pass, params, memory: &mut self.memory, options }.run(entry);
                }
                Work::Record(event) => {
                    self.events[event as usize].1 = true;
                    if until == Some(event) {
                        return;
                    }
                }
                Work::Wait(event) => self.pass(event),
            }
        }
    }

    /// Makes an event pass.
    fn pass(&mut self, event: u64) {
        let (queue, passed) = self.events[event as usize];
        if !passed {
            self.run(queue, Some(event));
        }
    }
}

impl Allocations {
    fn bytes(&self) -> u64 {
        self.blocks.values().map(|block| block.len() as u64).sum()
    }

    /// Bytes of one allocation.
    fn at(&mut self, address: u64, len: usize) -> &mut [u8] {
        let (base, block) =
            self.blocks.range_mut(..=address).next_back().expect("an address of device memory");
        let start = usize::try_from(address - base).expect("small");
        assert!(
            start + len <= block.len(),
            "{len} bytes at {address:#x} are not of one allocation"
        );
        &mut block[start..start + len]
    }

    fn load(&mut self, mem: Mem, address: u64) -> u64 {
        assert!(address.is_multiple_of(mem.size() as u64), "a load of {mem} at {address:#x}");
        let mut bits = [0; 8];
        bits[..mem.size()].copy_from_slice(self.at(address, mem.size()));
        let bits = u64::from_le_bytes(bits);
        if mem == Mem::Bool { u64::from(bits != 0) } else { bits }
    }

    fn store(&mut self, mem: Mem, address: u64, bits: u64) {
        assert!(address.is_multiple_of(mem.size() as u64), "a store of {mem} at {address:#x}");
        self.at(address, mem.size()).copy_from_slice(&bits.to_le_bytes()[..mem.size()]);
    }
}

/// One launch.
struct Grid<'g> {
    pass: &'g Pass,
    params: Vec<(Param, u64)>,
    memory: &'g mut Allocations,
    options: ModuleOptions,
}

impl Grid<'_> {
    fn run(&mut self, entry: Entry) {
        match entry {
            Entry::Uniform => self.uniform(),
            Entry::Vector | Entry::Contiguous | Entry::Strided => self.elementwise(entry),
            Entry::FoldLanes | Entry::FoldOutputs => self.fold(GRANULE),
            Entry::FoldShort => self.fold(1),
            Entry::Merge => self.merge(),
            Entry::Finish => self.finish(),
        }
    }

    fn kernel(&self) -> &Kernel {
        self.pass.kernel.kernel()
    }

    fn word(&self, param: Param) -> u64 {
        let found = self.params.iter().find(|(own, _)| *own == param);
        found.map_or(0, |(_, word)| *word)
    }

    fn uniform(&mut self) {
        let lanes = self.kernel().uniform.params.clone();
        let scalars: Vec<u64> = lanes
            .iter()
            .zip(0..)
            .map(|(lane, at)| {
                let address = self.word(Param::Scalar(at));
                self.memory.load(lane.mem(), address)
            })
            .collect();
        let kernel = self.kernel();
        let results = eval_region(kernel, &kernel.uniform, &scalars, 0);
        let lanes: Vec<Lane> = kernel.uniform.result_lanes().collect();
        let base = self.word(Param::Uniforms);
        for ((at, lane), bits) in (0_u64..).zip(lanes).zip(results) {
            self.memory.store(lane.mem(), base + 8 * at, bits);
        }
    }

    fn uniforms(&mut self) -> Vec<u64> {
        let lanes: Vec<Lane> = self.kernel().uniform.result_lanes().collect();
        let base = self.word(Param::Uniforms);
        let of = |(at, lane): (u64, Lane)| self.memory.load(lane.mem(), base + 8 * at);
        (0..).zip(lanes).map(of).collect()
    }

    /// The bytes that an index moves each operand along a walk.
    fn offsets(&self, walk: Walk, index: u64) -> Vec<u64> {
        let rank = fuse_ir::index_u32(walk_rank(self.pass, walk));
        let n_operands = self.kernel().inputs.len() + self.kernel().outputs.len();
        let (mut rest, mut steps) = (index, vec![0; rank as usize]);
        for dim in (1..rank).rev() {
            let extent = self.word(Param::Extent(walk, dim));
            if self.options.index == IndexWidth::W32 {
                let divisor = self.word(Param::Divisor(walk, dim));
                assert_eq!(divisor, fuse_ir::device::divisor(extent));
            }
            steps[dim as usize] = rest % extent;
            rest /= extent;
        }
        steps[0] = rest;
        let offset = |operand: u32| {
            let stride = |dim: u32| self.word(Param::Stride(walk, operand, dim));
            (0..rank).fold(0_u64, |sum, dim| {
                sum.wrapping_add(steps[dim as usize].wrapping_mul(stride(dim)))
            })
        };
        (0..fuse_ir::index_u32(n_operands)).map(offset).collect()
    }

    /// Addresses of an element of contiguous arrays.
    fn side_by_side(&self, index: u64) -> Vec<u64> {
        let kernel = self.kernel();
        let input = |input: &fuse_ir::OperandInput| match input.class {
            InputClass::Stream => index * input.mem.size() as u64,
            InputClass::Splat => 0,
        };
        let outputs = kernel.outputs.iter().map(|output| index * output.mem.size() as u64);
        kernel.inputs.iter().map(input).chain(outputs).collect()
    }

    /// Runs the body on an element: loads, stores; gives the folds' arguments.
    fn element(&mut self, offsets: &[u64], uniforms: &[u64], position: u64) -> Vec<u64> {
        let (inputs, outputs) = (self.kernel().inputs.clone(), self.kernel().outputs.clone());
        let mut params = Vec::new();
        for ((at, input), offset) in (0..).zip(&inputs).zip(offsets) {
            let address = self.word(Param::Input(at)).wrapping_add(*offset);
            params.push(self.memory.load(input.mem, address));
        }
        params.extend_from_slice(uniforms);
        let kernel = self.kernel();
        let mut results = eval_region(kernel, &kernel.lane, &params, position);
        let args = results.split_off(outputs.len());
        let offsets = &offsets[inputs.len()..];
        for (((at, output), offset), bits) in (0..).zip(&outputs).zip(offsets).zip(results) {
            let address = self.word(Param::Output(at)).wrapping_add(*offset);
            let bits = if output.never_nan { bits } else { canonical(output.mem.lane(), bits) };
            self.memory.store(output.mem, address, bits);
        }
        args
    }

    fn elementwise(&mut self, entry: Entry) {
        let (len, first) = (self.word(Param::Len), self.word(Param::First));
        assert!(len < 1 << 31 || self.options.index == IndexWidth::W64);
        if entry == Entry::Vector {
            self.check_alignment();
        }
        let uniforms = self.uniforms();
        for index in 0..len {
            let offsets = match entry {
                Entry::Strided => self.offsets(Walk::Outer, index),
                _ => self.side_by_side(index),
            };
            self.element(&offsets, &uniforms, first.wrapping_add(index));
        }
    }

    fn check_alignment(&self) {
        let (kernel, width) = (self.kernel(), vector_width(self.kernel()));
        for (at, input) in (0..).zip(&kernel.inputs) {
            let bytes = (width * input.mem.size()) as u64;
            let aligned = self.word(Param::Input(at)).is_multiple_of(bytes);
            assert!(aligned || input.class == InputClass::Splat, "input {at} is misaligned");
        }
        for (at, output) in (0..).zip(&kernel.outputs) {
            let bytes = (width * output.mem.size()) as u64;
            assert!(
                self.word(Param::Output(at)).is_multiple_of(bytes),
                "output {at} is misaligned"
            );
        }
    }

    /// Folds blocks by so many accumulators: 32, or one over the whole output.
    fn fold(&mut self, accumulators: usize) {
        let [outputs, len, first, blocks] =
            [Param::Outputs, Param::Len, Param::First, Param::Blocks].map(|own| self.word(own));
        let uniforms = self.uniforms();
        let kernel = self.kernel().clone();
        let block_len = FOLD_BLOCK as u64;
        assert!(accumulators == 1 || blocks == len.div_ceil(block_len));
        assert!(accumulators == GRANULE || (len < 8 && blocks <= 1));
        for output in 0..outputs {
            let base = self.offsets(Walk::Outer, output);
            for block in 0..blocks.max(1) {
                let mut states = vec![initial(&kernel); accumulators];
                for index in block * block_len..len.min((block + 1) * block_len) {
                    let own = self.offsets(Walk::Reduced, index);
                    let offsets: Vec<u64> =
                        base.iter().zip(own).map(|(a, b)| a.wrapping_add(b)).collect();
                    let args = self.element(&offsets, &uniforms, first.wrapping_add(index));
                    step(&kernel, &mut states[index as usize % accumulators], &args);
                }
                while states.len() > 1 {
                    let right = states.split_off(states.len() / 2);
                    for (left, right) in states.iter_mut().zip(right) {
                        *left = merged(&kernel, left, &right);
                    }
                }
                self.store_state(Param::State, output * blocks.max(1) + block, &states[0]);
            }
        }
    }

    fn merge(&mut self) {
        let (outputs, blocks) = (self.word(Param::Outputs), self.word(Param::Blocks));
        let kernel = self.kernel().clone();
        let runs = blocks.div_ceil(GRANULE as u64);
        for output in 0..outputs {
            for run in 0..runs {
                let last = blocks.min((run + 1) * GRANULE as u64);
                let mut states: Vec<Vec<u64>> = (run * GRANULE as u64..last)
                    .map(|block| self.load_state(output * blocks + block))
                    .collect();
                while states.len() > 1 {
                    let pair = |pair: &[Vec<u64>]| match pair {
                        [left, right] => merged(&kernel, left, right),
                        odd => odd[0].clone(),
                    };
                    states = states.chunks(2).map(pair).collect();
                }
                self.store_state(Param::Merged, output * runs + run, &states[0]);
            }
        }
    }

    fn finish(&mut self) {
        let kernel = self.kernel().clone();
        for output in 0..self.word(Param::Outputs) {
            let state = self.load_state(output);
            let (mut rest, mut results) = (state.as_slice(), Vec::new());
            for fold in &kernel.folds {
                let (own, others) = rest.split_at(fold.state.len());
                rest = others;
                let bits = eval_region(&kernel, &fold.finish, own, 0);
                let lanes = fold.finish.result_lanes();
                results.push(bits.into_iter().zip(lanes).collect::<Vec<(u64, Lane)>>());
            }
            for (at, (fold, result, _)) in (0..).zip(result_sinks(self.pass)) {
                let (bits, lane) = results[fold][result];
                let step = output.wrapping_mul(self.word(Param::SinkStride(at)));
                let address = self.word(Param::Sink(at)).wrapping_add(step);
                self.memory.store(lane.mem(), address, canonical(lane, bits));
            }
        }
    }

    fn load_state(&mut self, place: u64) -> Vec<u64> {
        let slots: Vec<Mem> = slot_mems(self.kernel());
        let load = |(slot, mem): (u32, Mem)| {
            let address = self.word(Param::State(slot)) + place * mem.size() as u64;
            self.memory.load(mem, address)
        };
        (0..).zip(slots).map(load).collect()
    }

    fn store_state(&mut self, param: fn(u32) -> Param, place: u64, state: &[u64]) {
        for ((slot, mem), &bits) in (0..).zip(slot_mems(self.kernel())).zip(state) {
            let address = self.word(param(slot)) + place * mem.size() as u64;
            self.memory.store(mem, address, bits);
        }
    }
}

fn slot_mems(kernel: &Kernel) -> Vec<Mem> {
    let slots = kernel.folds.iter().flat_map(|fold| &fold.state);
    slots.map(|slot| slot.init.lane.mem()).collect()
}

fn initial(kernel: &Kernel) -> Vec<u64> {
    kernel.folds.iter().flat_map(|fold| &fold.state).map(|slot| slot.init.bits).collect()
}

/// Advances an accumulator of every fold.
fn step(kernel: &Kernel, state: &mut Vec<u64>, mut args: &[u64]) {
    let (mut rest, mut next) = (state.as_slice(), Vec::new());
    for fold in &kernel.folds {
        let (own, others) = rest.split_at(fold.state.len());
        let (own_args, other_args) = args.split_at(fold.n_args());
        (rest, args) = (others, other_args);
        next.extend(eval_region(kernel, &fold.step, &[own, own_args].concat(), 0));
    }
    *state = next;
}

fn merged(kernel: &Kernel, mut left: &[u64], mut right: &[u64]) -> Vec<u64> {
    let mut merged = Vec::new();
    for fold in &kernel.folds {
        let ((own_left, rest_left), (own_right, rest_right)) =
            (left.split_at(fold.state.len()), right.split_at(fold.state.len()));
        (left, right) = (rest_left, rest_right);
        merged.extend(eval_region(kernel, &fold.merge, &[own_left, own_right].concat(), 0));
    }
    merged
}

fn canonical(lane: Lane, bits: u64) -> u64 {
    match lane {
        Lane::F64 if is_nan(lane, bits) => CANONICAL_NAN_F64,
        Lane::F32 if is_nan(lane, bits) => CANONICAL_NAN_F32,
        Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::F32 | Lane::F64 => bits,
    }
}

#[expect(unsafe_code, reason = "implements the calls that take addresses, which are checked here")]
impl Device for ReferenceDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn memory(&self) -> Result<(u64, u64), DeviceError> {
        Ok((self.info.memory - self.allocated(), self.info.memory))
    }

    fn emit(&self, program: &Program, options: ModuleOptions) -> Result<String, DeviceError> {
        let text = format!("{program:?} {options:?}");
        let emitted = &mut self.state().emitted;
        emitted.entry(text.clone()).or_insert_with(|| (Arc::new(program.clone()), options));
        Ok(text)
    }

    fn load(&self, text: &str) -> Result<ModuleId, DeviceError> {
        let mut state = self.state();
        if let Some(id) = state.modules.again(text) {
            return Ok(id);
        }
        let unknown = || DeviceError::Compile { log: format!("no program has this text: {text}") };
        let emitted = state.emitted.get(text).cloned().ok_or_else(unknown)?;
        Ok(state.modules.add(text, emitted))
    }

    fn unload(&self, module: ModuleId) {
        self.state().modules.unload(module);
    }

    fn alloc(&self, bytes: usize) -> Result<DeviceAddress, DeviceError> {
        let (free, total) = self.memory()?;
        assert!(bytes > 0, "an allocation of no bytes");
        if bytes as u64 > free {
            return Err(DeviceError::OutOfMemory { bytes: bytes as u64, free, total });
        }
        let memory = &mut self.state().memory;
        let address = memory.next.max(1 << 40);
        memory.next = address + bytes.next_multiple_of(256) as u64 + 256;
        memory.blocks.insert(address, vec![POISON; bytes]);
        Ok(DeviceAddress(address))
    }

    unsafe fn free(&self, address: DeviceAddress) {
        let mut state = self.state();
        Queue::ALL.iter().for_each(|&queue| state.run(queue, None));
        assert!(state.memory.blocks.remove(&address.0).is_some(), "freed twice");
    }

    unsafe fn upload(&self, to: DeviceAddress, from: &[u8]) -> Result<(), DeviceError> {
        let mut state = self.state();
        state.queue(Queue::Upload).push_back(Work::Upload(to, from.to_vec()));
        if self.uploads == Uploads::Eager {
            state.run(Queue::Upload, None);
        }
        Ok(())
    }

    unsafe fn download(&self, to: &mut [u8], from: DeviceAddress) -> Result<(), DeviceError> {
        let mut state = self.state();
        state.run(Queue::Download, None);
        to.copy_from_slice(state.memory.at(from.0, to.len()));
        Ok(())
    }

    unsafe fn copy(
        &self,
        to: DeviceAddress,
        from: DeviceAddress,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        self.state().queue(Queue::Compute).push_back(Work::Copy { to, from, bytes });
        Ok(())
    }

    unsafe fn launch(
        &self,
        module: ModuleId,
        entry: &str,
        grid: u32,
        params: &[u64],
    ) -> Result<(), DeviceError> {
        let mut state = self.state();
        let refuse = |reason: &str| {
            Err(DeviceError::Launch { entry: entry.to_string(), reason: reason.to_string() })
        };
        let Some(module) = state.modules.get(module).cloned() else {
            return refuse("its module is not loaded");
        };
        let places = module.0.passes.iter().enumerate();
        let mut entries = places.flat_map(|place| Entry::ALL.iter().map(move |&own| (place, own)));
        let found = entries.find(|((number, _), own)| own.symbol(*number) == entry);
        let Some(((number, pass), own)) = found else { return refuse("no such entry") };
        if !own.exists(pass) || own.params(pass).len() != params.len() || grid == 0 {
            return refuse("it is called wrongly");
        }
        let words = params.to_vec();
        let launch = Work::Launch { module, pass: number, entry: own, words };
        state.queue(Queue::Compute).push_back(launch);
        state.launches.push(entry.to_string());
        Ok(())
    }

    fn record(&self, queue: Queue) -> Result<DeviceEvent, DeviceError> {
        let mut state = self.state();
        let event = state.events.len() as u64;
        state.events.push((queue, false));
        state.queue(queue).push_back(Work::Record(event));
        let mut own = (0..event).rev().filter(|&event| state.events[event as usize].0 == queue);
        let forgotten = own.nth(usize::try_from(REMEMBERED).expect("few"));
        if let Some(forgotten) = forgotten {
            state.pass(forgotten);
        }
        Ok(DeviceEvent(event))
    }

    fn wait(&self, queue: Queue, event: DeviceEvent) -> Result<(), DeviceError> {
        self.state().queue(queue).push_back(Work::Wait(event.0));
        Ok(())
    }

    fn synchronize(&self, queue: Queue) -> Result<(), DeviceError> {
        self.state().run(queue, None);
        Ok(())
    }
}
