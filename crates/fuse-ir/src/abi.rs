//! How a compiled kernel is called: one `#[repr(C)]` struct, the same for every host back end.
//!
//! | field | what it points at |
//! |---|---|
//! | `inputs` | one pointer per kernel input; a stream holds `granules` whole granules, a splat one element |
//! | `outputs` | one pointer per kernel output, room for `granules` whole granules each |
//! | `uniforms` | 8-byte slots: the scalars (uniform parameters), then the uniform region's results; bits zero extended, masks 0 or 1 |
//! | `folds` | one pointer per fold-state slot, fold by fold: 32 lanes stored as [`crate::Lane::mem`] says; read, advanced and written back |
//! | `scratch` | the back end's own memory, as many bytes as its `BlockKernel::scratch_bytes` |
//! | `first_index` | what `lane_index` gives for lane 0 of granule 0 |
//! | `granules` | number of granules to run |
//! | `tail` | 0, or the number of valid lanes in the last granule: folds are frozen for the lanes past it |
//! | `hints` | bits of [`Hints`]: what a back end may do differently, never with another result |
//!
//! `uniforms` and `scratch` are 8-byte and 64-byte aligned; `granules` may be 0. Operands and fold
//! states are of any alignment. The caller supplies whole granules: where an array ends
//! inside one, the operands of the last granule lie in scratch memory, filled up with copies of the
//! last valid element. An output may be the same memory as an input only if both are streams of
//! equal element size at equal addresses: a back end loads a lane's inputs before it stores the
//! lane's outputs, and does nothing stronger.
//!
//! This file holds the only code that turns these pointers into values; [`BoundArgs`] is its safe side.

#![expect(unsafe_code, reason = "reads and writes kernel operands through raw pointers")]

use std::mem::offset_of;

use crate::kernel::{GRANULE, InputClass, Kernel};
use crate::lane::Mem;
use crate::prim::{CANONICAL_NAN_F32, CANONICAL_NAN_F64};

/// The arguments of one dispatch. See the module.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KernelArgs {
    /// One pointer per input.
    pub inputs: *const *const u8,
    /// One pointer per output.
    pub outputs: *const *mut u8,
    /// Scalars, then uniform values.
    pub uniforms: *mut u64,
    /// One pointer per fold-state slot.
    pub folds: *const *mut u8,
    /// The back end's own memory.
    pub scratch: *mut u8,
    /// Index of lane 0 of granule 0.
    pub first_index: u64,
    /// Number of granules.
    pub granules: u64,
    /// Valid lanes of the last granule, 0 for all.
    pub tail: u64,
    /// What may be done differently.
    pub hints: Hints,
}

/// What a back end may do differently for speed. Bits that it does not know mean nothing to it.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints(u64);

impl Hints {
    /// The outputs are no input's memory, and larger than the caches: stores may go past them. Lanes may
    /// then be computed and stored twice.
    pub const STREAM_OUTPUTS: Hints = Hints(1);

    /// The bits, for back ends that emit tests of them.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// A field of [`KernelArgs`], for back ends that emit loads of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgField {
    /// `inputs`
    Inputs,
    /// `outputs`
    Outputs,
    /// `uniforms`
    Uniforms,
    /// `folds`
    Folds,
    /// `scratch`
    Scratch,
    /// `first_index`
    FirstIndex,
    /// `granules`
    Granules,
    /// `tail`
    Tail,
    /// `hints`
    Hints,
}

impl ArgField {
    /// Byte offset in [`KernelArgs`]; every field is eight bytes.
    pub const fn offset(self) -> usize {
        match self {
            ArgField::Inputs => offset_of!(KernelArgs, inputs),
            ArgField::Outputs => offset_of!(KernelArgs, outputs),
            ArgField::Uniforms => offset_of!(KernelArgs, uniforms),
            ArgField::Folds => offset_of!(KernelArgs, folds),
            ArgField::Scratch => offset_of!(KernelArgs, scratch),
            ArgField::FirstIndex => offset_of!(KernelArgs, first_index),
            ArgField::Granules => offset_of!(KernelArgs, granules),
            ArgField::Tail => offset_of!(KernelArgs, tail),
            ArgField::Hints => offset_of!(KernelArgs, hints),
        }
    }
}

/// The bits of a granule, lane by lane.
pub type GranuleBits = [u64; GRANULE];

/// A compiled kernel.
pub trait BlockKernel: Send + Sync {
    /// Runs the uniform region: reads the scalars' slots, writes the slots of its results.
    ///
    /// # Safety
    /// `args.uniforms` is as the module says for the kernel this was compiled from, and no other
    /// thread uses it meanwhile.
    unsafe fn run_uniform(&self, args: &KernelArgs);

    /// Runs the lane region, stores and fold steps over `args.granules` granules.
    ///
    /// # Safety
    /// `args` is as the module says for the kernel this was compiled from; the uniform results
    /// are written; outputs and fold states are not used by another thread meanwhile.
    unsafe fn run(&self, args: &KernelArgs);

    /// Bytes that `args.scratch` must have.
    fn scratch_bytes(&self) -> usize {
        0
    }

    /// Bytes of machine code, 0 for an interpreter.
    fn code_bytes(&self) -> usize {
        0
    }
}

/// A kernel that reads and writes its operands through [`BoundArgs`] alone and so is safe code: the
/// interpreter, and the faulty back ends of the tests. Every one is a [`BlockKernel`].
pub trait SafeBlockKernel: Send + Sync {
    /// What this was made from; the arguments are bound to it.
    fn kernel(&self) -> &Kernel;
    /// [`BlockKernel::run_uniform`].
    fn run_uniform(&self, args: &BoundArgs<'_>);
    /// [`BlockKernel::run`].
    fn run(&self, args: &BoundArgs<'_>);
}

impl<K: SafeBlockKernel> BlockKernel for K {
    unsafe fn run_uniform(&self, args: &KernelArgs) {
        SafeBlockKernel::run_uniform(self, &BoundArgs { args, kernel: self.kernel() });
    }

    unsafe fn run(&self, args: &KernelArgs) {
        SafeBlockKernel::run(self, &BoundArgs { args, kernel: self.kernel() });
    }
}

/// Arguments together with the kernel that they are right for: made only where the caller of
/// [`BlockKernel::run`] has promised so, hence safe to read through.
#[derive(Clone, Copy)]
pub struct BoundArgs<'a> {
    args: &'a KernelArgs,
    kernel: &'a Kernel,
}

impl BoundArgs<'_> {
    /// The elements of input `index` in one granule.
    pub fn load(&self, index: usize, granule: usize) -> GranuleBits {
        assert!(granule < self.n_granules());
        let input = self.kernel.inputs[index];
        let size = input.mem.size();
        let (start, step) = match input.class {
            InputClass::Stream => (granule * GRANULE * size, size),
            InputClass::Splat => (0, 0),
        };
        std::array::from_fn(|lane| {
            // SAFETY: the kernel has this input; a stream holds `granules` whole granules of it,
            // a splat one element.
            unsafe { read((*self.args.inputs.add(index)).add(start + lane * step), input.mem) }
        })
    }

    /// Stores output `index` of one granule, NaNs made canonical.
    pub fn store(&self, index: usize, granule: usize, bits: &GranuleBits) {
        assert!(granule < self.n_granules());
        let output = self.kernel.outputs[index];
        let start = granule * GRANULE * output.mem.size();
        for (lane, &bits) in bits.iter().enumerate() {
            let bits = if output.never_nan { bits } else { canonical(output.mem, bits) };
            let at = start + lane * output.mem.size();
            // SAFETY: the kernel has this output, with room for `granules` whole granules.
            unsafe { write((*self.args.outputs.add(index)).add(at), output.mem, bits) };
        }
    }

    /// The bits of a uniform slot.
    pub fn uniform(&self, slot: usize) -> u64 {
        assert!(slot < uniform_slots(self.kernel));
        // SAFETY: the slot exists.
        unsafe { *self.args.uniforms.add(slot) }
    }

    /// Writes a uniform slot.
    pub fn set_uniform(&self, slot: usize, bits: u64) {
        assert!(slot < uniform_slots(self.kernel));
        // SAFETY: the slot exists; `run_uniform` has it for itself.
        unsafe { *self.args.uniforms.add(slot) = bits };
    }

    /// The 32 lanes of state value `index` of fold `fold`.
    pub fn load_state(&self, fold: usize, index: usize) -> GranuleBits {
        let mem = self.kernel.folds[fold].state[index].init.lane.mem();
        let slot = state_slot(self.kernel, fold, index);
        std::array::from_fn(|lane| {
            // SAFETY: the slot exists and holds 32 lanes of this lane type.
            unsafe { read((*self.args.folds.add(slot)).add(lane * mem.size()), mem) }
        })
    }

    /// Writes what [`BoundArgs::load_state`] reads.
    pub fn store_state(&self, fold: usize, index: usize, bits: &GranuleBits) {
        let mem = self.kernel.folds[fold].state[index].init.lane.mem();
        let slot = state_slot(self.kernel, fold, index);
        for (lane, &bits) in bits.iter().enumerate() {
            // SAFETY: the slot exists and holds 32 lanes of this lane type.
            unsafe { write((*self.args.folds.add(slot)).add(lane * mem.size()), mem, bits) };
        }
    }

    /// What `lane_index` gives for lane 0 of this granule.
    pub fn first_index(&self, granule: usize) -> u64 {
        self.args.first_index.wrapping_add((granule * GRANULE) as u64)
    }

    /// The number of lanes of this granule that folds may see.
    pub fn valid_lanes(&self, granule: usize) -> usize {
        let last = granule + 1 == self.n_granules();
        if last && self.args.tail != 0 { index_of(self.args.tail) } else { GRANULE }
    }

    /// Number of granules.
    pub fn n_granules(&self) -> usize {
        index_of(self.args.granules)
    }
}

/// Position of a state value among the pointers of `KernelArgs::folds`.
pub fn state_slot(kernel: &Kernel, fold: usize, index: usize) -> usize {
    kernel.folds[..fold].iter().map(|fold| fold.state.len()).sum::<usize>() + index
}

/// A count from the ABI as an index of this machine.
fn index_of(count: u64) -> usize {
    usize::try_from(count).expect("counts fit the address space")
}

/// Number of uniform slots that a kernel's calls need.
pub fn uniform_slots(kernel: &Kernel) -> usize {
    kernel.uniform.params.len() + kernel.uniform.results.len()
}

/// Makes a NaN canonical.
fn canonical(mem: Mem, bits: u64) -> u64 {
    match mem {
        Mem::F64 if f64::from_bits(bits).is_nan() => CANONICAL_NAN_F64,
        Mem::F32 if bits & 0x7fff_ffff > 0x7f80_0000 => CANONICAL_NAN_F32,
        Mem::Bool | Mem::I8 | Mem::I16 | Mem::I32 | Mem::I64 | Mem::F32 | Mem::F64 => bits,
    }
}

/// Reads one element of any alignment.
///
/// # Safety
/// `pointer` is readable for `mem.size()` bytes.
unsafe fn read(pointer: *const u8, mem: Mem) -> u64 {
    // SAFETY: each arm reads `mem.size()` bytes.
    unsafe {
        match mem {
            Mem::Bool => u64::from(*pointer != 0),
            Mem::I8 => u64::from(*pointer),
            Mem::I16 => u64::from(pointer.cast::<u16>().read_unaligned()),
            Mem::I32 | Mem::F32 => u64::from(pointer.cast::<u32>().read_unaligned()),
            Mem::I64 | Mem::F64 => pointer.cast::<u64>().read_unaligned(),
        }
    }
}

/// Writes the low bytes of `bits` as one element of any alignment.
///
/// # Safety
/// `pointer` is writable for `mem.size()` bytes.
unsafe fn write(pointer: *mut u8, mem: Mem, bits: u64) {
    let bytes = bits.to_ne_bytes();
    let low = if cfg!(target_endian = "little") { 0 } else { 8 - mem.size() };
    // SAFETY: `bytes` holds 8 bytes, `low + mem.size() <= 8`, and `pointer` has room.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().add(low), pointer, mem.size()) };
}
