//! Running a kernel on a back end as the runtime does, every operand between fences.
//!
//! ```text
//! elements of a block   0 ………………………………… 992 ……… n
//! Form::Split           └ whole granules, one call ┘└ tail granule, one call, padded ┘
//! Form::Packed          └ one call, the last granule padded, `tail` set ─────────────┘
//! ```
//!
//! Padding is copies of the last valid element. With folds a block is 1024 elements and starts from
//! `init`; without, the whole array is one block. Every call has its operands placed anew with
//! exactly the bytes that it may touch; canaries, inputs and scalars are checked after it.

#![expect(unsafe_code, reason = "calls compiled kernels with raw arguments")]

use std::sync::Arc;

use fuse_ir::abi::uniform_slots;
use fuse_ir::{BlockKernel, GRANULE, Hints, InputClass, KernelArgs, Mem};

use crate::case::{Case, push_element, raw_element};
use crate::direct::{Accumulators, BLOCK, Outcome};
use crate::fence::{FencedMemory, Placement};

/// How the granules of a block are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Whole granules where they are, the tail in a call of its own.
    Split,
    /// All in one call, the last granule filled up.
    Packed,
}

/// Where operands lie and how granules are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where operands lie.
    pub placement: Placement,
    /// How granules are passed.
    pub form: Form,
}

/// What a run gave, and what it broke.
#[derive(Clone, Debug)]
pub struct Run {
    /// The results.
    pub outcome: Outcome,
    /// Operands that were written outside their bytes or should not have been written.
    pub damage: Vec<String>,
}

/// Runs one compiled kernel.
pub struct Dispatcher<'a> {
    case: &'a Case,
    kernel: Arc<dyn BlockKernel>,
    memory: &'a mut MemoryPool,
    layout: Layout,
    damage: Vec<String>,
}

impl<'a> Dispatcher<'a> {
    /// `kernel` must be what a back end made from `case.kernel`.
    pub fn new(
        case: &'a Case,
        kernel: Arc<dyn BlockKernel>,
        memory: &'a mut MemoryPool,
        layout: Layout,
    ) -> Dispatcher<'a> {
        Dispatcher { case, kernel, memory, layout, damage: vec![] }
    }

    /// Runs it on `n` elements.
    pub fn run(mut self, inputs: &[Vec<u8>], n: usize) -> Run {
        let kernel = self.case.kernel.kernel();
        let uniforms = self.run_uniform();
        let mut outcome = Outcome {
            uniforms: uniforms[kernel.uniform.params.len()..].to_vec(),
            outputs: vec![vec![]; kernel.outputs.len()],
            folds: vec![],
        };
        let block_len = if kernel.folds.is_empty() { n.max(1) } else { BLOCK };
        for block in 0..n.div_ceil(block_len).max(1) {
            let (start, end) = (block * block_len, ((block + 1) * block_len).min(n));
            let mut states = self.initial_states();
            let whole = match self.layout.form {
                Form::Split => start + (end - start) / GRANULE * GRANULE,
                Form::Packed => start,
            };
            if whole > start || end == start {
                self.call(inputs, start..whole, &uniforms, &mut states, &mut outcome.outputs);
            }
            if end > whole {
                self.call(inputs, whole..end, &uniforms, &mut states, &mut outcome.outputs);
            }
            outcome.folds.push(self.decode_states(&states));
        }
        Run { outcome, damage: self.damage }
    }

    /// All uniform slots after the uniform region has run.
    fn run_uniform(&mut self) -> Vec<u64> {
        let scalars = &self.case.scalars;
        let mut slots = vec![0xbad0_bad1_bad2_bad3; uniform_slots(&self.case.kernel)];
        slots[..scalars.len()].copy_from_slice(scalars);
        let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_ne_bytes()).collect();
        self.memory.reset();
        let place = self.memory.place(&bytes, Placement::Back);
        let scratch = self.scratch();
        let args = KernelArgs {
            inputs: std::ptr::null(),
            outputs: std::ptr::null(),
            uniforms: self.memory.pointer(place).cast(),
            folds: std::ptr::null(),
            scratch: self.memory.pointer(scratch),
            first_index: 0,
            granules: 0,
            tail: 0,
            hints: Hints::default(),
        };
        // SAFETY: `uniforms` points at as many slots as the kernel has, which only this call uses.
        unsafe { self.kernel.run_uniform(&args) };
        self.check_intact(place, "the uniform slots");
        self.check_intact(scratch, "the scratch memory of the uniform region");
        let bytes = self.memory.bytes(place);
        let slots: Vec<u64> =
            (0..slots.len()).map(|slot| raw_element(bytes, Mem::I64, slot)).collect();
        if slots[..scalars.len()] != scalars[..] {
            self.damage.push("a scalar was overwritten".to_string());
        }
        slots
    }

    fn scratch(&mut self) -> usize {
        let bytes = vec![0x77; self.kernel.scratch_bytes().next_multiple_of(64)];
        self.memory.place(&bytes, Placement::Back)
    }

    /// The bytes of every fold-state slot at the start of a block.
    fn initial_states(&self) -> Vec<Vec<u8>> {
        let slots = self.case.kernel.state_slots();
        slots.map(|slot| element_bytes(slot.init.lane.mem(), &[slot.init.bits; GRANULE])).collect()
    }

    fn decode_states(&self, states: &[Vec<u8>]) -> Vec<Accumulators> {
        let slots = self.case.kernel.state_slots();
        let decode = |(slot, bytes): (&fuse_ir::StateSlot, &Vec<u8>)| -> Accumulators {
            std::array::from_fn(|lane| raw_element(bytes, slot.init.lane.mem(), lane))
        };
        slots.zip(states).map(decode).collect()
    }

    /// One call of the kernel over a range of elements, the last granule filled up.
    fn call(
        &mut self,
        inputs: &[Vec<u8>],
        elements: std::ops::Range<usize>,
        uniforms: &[u64],
        states: &mut [Vec<u8>],
        outputs: &mut [Vec<u64>],
    ) {
        let kernel = self.case.kernel.kernel();
        let (n, granules) = (elements.len(), elements.len().div_ceil(GRANULE));
        let first_index = self.case.first_index.wrapping_add(elements.start as u64);
        let operands: Vec<Vec<u8>> = kernel
            .inputs
            .iter()
            .zip(inputs)
            .map(|(input, bytes)| match input.class {
                InputClass::Stream => padded(bytes, input.mem, elements.clone(), granules),
                InputClass::Splat => bytes.clone(),
            })
            .collect();
        let places = self.place_operands(&operands, uniforms, states, granules);
        let pointers = |memory: &mut MemoryPool, places: &[usize]| -> Vec<*mut u8> {
            places.iter().map(|&place| memory.pointer(place)).collect()
        };
        let input_pointers = pointers(self.memory, &places.inputs);
        let output_pointers = pointers(self.memory, &places.outputs);
        let fold_pointers = pointers(self.memory, &places.folds);
        let args = KernelArgs {
            inputs: input_pointers.as_ptr().cast(),
            outputs: output_pointers.as_ptr(),
            uniforms: self.memory.pointer(places.uniforms).cast(),
            folds: fold_pointers.as_ptr(),
            scratch: self.memory.pointer(places.scratch),
            first_index,
            granules: granules as u64,
            tail: (n % GRANULE) as u64,
            hints: self.hints(),
        };
        // SAFETY: one pointer for each operand, uniform slots and fold state of the kernel, each to
        // memory of exactly the size that the ABI states for this number of granules; uniform
        // results are written; nothing else uses this memory.
        unsafe { self.kernel.run(&args) };
        self.check(&places, &operands, uniforms);
        for (output, (&place, operand)) in places.outputs.iter().zip(&kernel.outputs).enumerate() {
            let bytes = self.memory.bytes(place);
            outputs[output].extend((0..n).map(|index| raw_element(bytes, operand.mem, index)));
        }
        for (state, &place) in states.iter_mut().zip(&places.folds) {
            state.copy_from_slice(self.memory.bytes(place));
        }
    }

    /// Outputs may be streamed in every other form of a call, where they are no inputs.
    fn hints(&self) -> Hints {
        match self.layout.form {
            Form::Packed if self.case.in_place.is_empty() => Hints::STREAM_OUTPUTS,
            Form::Packed | Form::Split => Hints::default(),
        }
    }

    fn place_operands(
        &mut self,
        operands: &[Vec<u8>],
        uniforms: &[u64],
        states: &[Vec<u8>],
        granules: usize,
    ) -> Places {
        let placement = self.layout.placement;
        let memory = &mut *self.memory;
        memory.reset();
        let inputs: Vec<usize> =
            operands.iter().map(|bytes| memory.place(bytes, placement)).collect();
        let shared = |output| self.case.in_place.iter().find(|(shared, _)| *shared == output);
        let outputs = self.case.kernel.outputs.iter().enumerate().map(|(index, output)| {
            let bytes = vec![0xc3; granules * GRANULE * output.mem.size()];
            shared(index)
                .map_or_else(|| memory.place(&bytes, placement), |&(_, input)| inputs[input])
        });
        let outputs = outputs.collect();
        let folds = states.iter().map(|bytes| memory.place(bytes, placement)).collect();
        let uniforms: Vec<u8> = uniforms.iter().flat_map(|slot| slot.to_ne_bytes()).collect();
        let uniforms = memory.place(&uniforms, Placement::Back);
        let scratch = self.scratch();
        Places { inputs, outputs, folds, uniforms, scratch }
    }

    fn check(&mut self, places: &Places, operands: &[Vec<u8>], uniforms: &[u64]) {
        let slots: Vec<u8> = uniforms.iter().flat_map(|slot| slot.to_ne_bytes()).collect();
        if self.memory.bytes(places.uniforms) != slots {
            self.damage.push("the uniform slots were changed".to_string());
        }
        for (index, (&place, bytes)) in places.inputs.iter().zip(operands).enumerate() {
            if !places.outputs.contains(&place) && self.memory.bytes(place) != bytes.as_slice() {
                self.damage.push(format!("input {index} was changed"));
            }
        }
        let named =
            [("input", &places.inputs), ("output", &places.outputs), ("state", &places.folds)];
        for (name, places) in named {
            for (index, &place) in places.iter().enumerate() {
                self.check_intact(place, &format!("{name} {index}"));
            }
        }
        self.check_intact(places.uniforms, "the uniform slots");
        self.check_intact(places.scratch, "the scratch memory");
    }

    fn check_intact(&mut self, place: usize, name: &str) {
        if !self.memory.is_intact(place) {
            self.damage.push(format!("bytes beside {name} were written"));
        }
    }
}

/// Positions in the pool of one call's operands.
struct Places {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    folds: Vec<usize>,
    uniforms: usize,
    scratch: usize,
}

/// Fenced memories, used again from call to call.
#[derive(Debug, Default)]
pub struct MemoryPool {
    memories: Vec<FencedMemory>,
    n_used: usize,
}

impl MemoryPool {
    /// Gives all memories free.
    pub(crate) fn reset(&mut self) {
        self.n_used = 0;
    }

    /// Places bytes in a memory that nothing uses, and returns its position.
    pub(crate) fn place(&mut self, bytes: &[u8], placement: Placement) -> usize {
        let position = self.n_used;
        self.n_used += 1;
        if position == self.memories.len() {
            self.memories.push(FencedMemory::new(bytes.len()));
        }
        if !self.memories[position].holds(bytes.len()) {
            self.memories[position] = FencedMemory::new(bytes.len());
        }
        self.memories[position].place(bytes, placement);
        position
    }

    pub(crate) fn pointer(&mut self, position: usize) -> *mut u8 {
        self.memories[position].pointer()
    }

    pub(crate) fn bytes(&self, position: usize) -> &[u8] {
        self.memories[position].bytes()
    }

    pub(crate) fn is_intact(&self, position: usize) -> bool {
        self.memories[position].is_intact()
    }
}

/// The bytes of a range of elements, filled up to whole granules with copies of the last.
fn padded(bytes: &[u8], mem: Mem, elements: std::ops::Range<usize>, granules: usize) -> Vec<u8> {
    let mut operand = bytes[elements.start * mem.size()..elements.end * mem.size()].to_vec();
    let len = granules * GRANULE * mem.size();
    if operand.len() < len {
        let last = operand[operand.len() - mem.size()..].to_vec();
        let missing = (len - operand.len()) / mem.size();
        operand.extend(last.repeat(missing));
    }
    operand
}

fn element_bytes(mem: Mem, elements: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(elements.len() * mem.size());
    for &bits in elements {
        push_element(&mut bytes, mem, bits);
    }
    bytes
}
