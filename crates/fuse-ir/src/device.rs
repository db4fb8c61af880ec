//! What a device with memory of its own is to the rest of fuse, and how its code is called.
//!
//! ```text
//! Program ──emit──▶ text of one module ──load──▶ Module ──launch(entry, grid, parameters)──▶ device memory
//! ```
//!
//! A pass of a program has up to five entries ([`Entry`]), named `p3_vector`: pass 3, form `vector`. A
//! kernel's parameters are 64-bit words in the order of [`Entry::params`], which the emitter declares them
//! by and the runtime fills them by; nothing else says what a word means. A launch has one-dimensional
//! blocks of [`THREADS`] threads and strides over its work, so that any grid gives the same result.
//!
//! | form | an item of work | who does it |
//! |---|---|---|
//! | `uniform` | the uniform region | one thread |
//! | `vector` | [`vector_width`] elements side by side, all arrays contiguous and aligned | a thread |
//! | `contiguous` | an element, all arrays contiguous | a thread |
//! | `strided` | an element, any strides | a thread |
//! | `fold_lanes` | a block of 1024 elements of an output | a warp; lane k is accumulator k |
//! | `fold_outputs` | the same, where the states are not too large | a thread, accumulator after accumulator |
//! | `fold_short` | an output of fewer than 8 elements, left to right | a thread |
//! | `merge` | up to 32 neighbouring states of an output become one | a warp |
//! | `finish` | an output's state becomes its results | a thread |
//!
//! **Folds.** The three fold forms leave states: slot s of block b of output o is element `o · blocks + b`
//! of that slot's array, stored as [`crate::Lane::mem`] says. `merge` runs until each output has one. At
//! every level neighbours merge and an odd last one is carried; that is the binary counter of
//! `docs/numerics.md`, whose left-over runs combine from the right.
//!
//! **Uniforms.** Result k of the uniform region lies at `uniforms + 8 · k`, stored as its lane's `mem`.
//!
//! **Memory.** Every array is in C order, native, naturally aligned. An input may be the same memory as an
//! output only if both are walked alike, and only in modules of [`Loads::Coherent`].

#![expect(unsafe_code, reason = "declares the calls that take addresses of a device")]

use crate::kernel::{GRANULE, InputClass, Kernel};
use crate::lane::Lane;
use crate::program::{Pass, Program};

/// Threads of a block.
pub const THREADS: u32 = 256;

/// Threads of a warp: the lanes of a granule.
pub const WARP: u32 = GRANULE as u32;

/// An address in a device's memory; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceAddress(pub u64);

impl DeviceAddress {
    /// The address that many bytes on.
    #[must_use]
    pub fn offset(self, bytes: i64) -> DeviceAddress {
        DeviceAddress(self.0.wrapping_add_signed(bytes))
    }
}

/// A kernel of a module. See the module for what each does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The uniform region.
    Uniform,
    /// Elements by the vector.
    Vector,
    /// Contiguous elements.
    Contiguous,
    /// Elements of any strides.
    Strided,
    /// Blocks, a warp each.
    FoldLanes,
    /// Blocks, a thread each.
    FoldOutputs,
    /// Outputs of fewer than 8 elements.
    FoldShort,
    /// States, 32 to one.
    Merge,
    /// States to results.
    Finish,
}

/// One 64-bit parameter of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// Elements of the loop; in a fold, of each output.
    Len,
    /// What `lane_index` gives for the first element.
    First,
    /// Outputs of a fold.
    Outputs,
    /// Blocks, or states, of each output.
    Blocks,
    /// Address of the uniform results.
    Uniforms,
    /// Address of the scalar at this position of [`Pass::scalars`].
    Scalar(u32),
    /// Address of the first element of the input at this position.
    Input(u32),
    /// Address of the first element of the output at this position.
    Output(u32),
    /// Address of the states of this slot.
    State(u32),
    /// Address of the merged states of this slot.
    Merged(u32),
    /// Address of a fold's result: position in [`result_sinks`].
    Sink(u32),
    /// Bytes from a result of one output to the next; position in [`result_sinks`].
    SinkStride(u32),
    /// Extent of this dimension of a walk; the outermost one's is not asked for.
    Extent(Walk, u32),
    /// [`divisor`] of that extent, for indices of 32 bits.
    Divisor(Walk, u32),
    /// Bytes that a step along this dimension of a walk moves an operand: inputs, then outputs.
    Stride(Walk, u32, u32),
}

/// A nest of dimensions that a linear index is taken apart by, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Walk {
    /// Over the loop; in a fold, over the axes that are kept.
    Outer,
    /// Over the axes that a fold reduces.
    Reduced,
}

/// How wide the indices of a module's kernels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum IndexWidth {
    /// For fewer than 2^31 elements of every loop and fewer than 2^31 items of every launch.
    #[default]
    W32,
    /// For any number.
    W64,
}

/// How a module's kernels read array inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Loads {
    /// Through the cache that knows nothing of stores: no output of a pass overlaps one of its inputs.
    #[default]
    NonCoherent,
    /// As any memory.
    Coherent,
}

/// What a program's module is specialised on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ModuleOptions {
    /// Width of indices.
    pub index: IndexWidth,
    /// Loads of inputs.
    pub loads: Loads,
}

impl Entry {
    /// Every form.
    pub const ALL: &[Entry] = &[
        Entry::Uniform,
        Entry::Vector,
        Entry::Contiguous,
        Entry::Strided,
        Entry::FoldLanes,
        Entry::FoldOutputs,
        Entry::FoldShort,
        Entry::Merge,
        Entry::Finish,
    ];

    /// The name of the form.
    pub const fn form(self) -> &'static str {
        match self {
            Entry::Uniform => "uniform",
            Entry::Vector => "vector",
            Entry::Contiguous => "contiguous",
            Entry::Strided => "strided",
            Entry::FoldLanes => "fold_lanes",
            Entry::FoldOutputs => "fold_outputs",
            Entry::FoldShort => "fold_short",
            Entry::Merge => "merge",
            Entry::Finish => "finish",
        }
    }

    /// The name of a pass's entry in its module.
    pub fn symbol(self, pass: usize) -> String {
        format!("p{pass}_{}", self.form())
    }

    /// Has a pass this entry?
    pub fn exists(self, pass: &Pass) -> bool {
        let has_folds = !pass.kernel.folds.is_empty();
        match self {
            Entry::Uniform => !pass.kernel.uniform.results.is_empty(),
            Entry::Vector => !has_folds && vector_width(&pass.kernel) > 1,
            Entry::Contiguous | Entry::Strided => !has_folds,
            Entry::FoldOutputs => has_folds && state_bytes(&pass.kernel) <= MOST_STATE_BYTES,
            Entry::FoldLanes | Entry::FoldShort | Entry::Merge | Entry::Finish => has_folds,
        }
    }

    /// The parameters, in order.
    pub fn params(self, pass: &Pass) -> Vec<Param> {
        let kernel = &pass.kernel;
        let n_operands = kernel.inputs.len() + kernel.outputs.len();
        let slots = kernel.folds.iter().map(|fold| fold.state.len()).sum();
        let mut params = Vec::new();
        if self != Entry::Uniform && !kernel.uniform.results.is_empty() && !self.is_after_folds() {
            params.push(Param::Uniforms);
        }
        match self {
            Entry::Uniform => {
                params.push(Param::Uniforms);
                params.extend(each(kernel.uniform.params.len(), Param::Scalar));
            }
            Entry::Vector | Entry::Contiguous | Entry::Strided => {
                params.extend([Param::Len, Param::First]);
                params.extend(arrays(kernel));
                if self == Entry::Strided {
                    params.extend(walk(Walk::Outer, walk_rank(pass, Walk::Outer), n_operands));
                }
            }
            Entry::FoldLanes | Entry::FoldOutputs | Entry::FoldShort => {
                params.extend([Param::Outputs, Param::Len, Param::First, Param::Blocks]);
                params.extend(arrays(kernel));
                params.extend(each(slots, Param::State));
                for nest in [Walk::Outer, Walk::Reduced] {
                    params.extend(walk(nest, walk_rank(pass, nest), n_operands));
                }
            }
            Entry::Merge => {
                params.extend([Param::Outputs, Param::Blocks]);
                params.extend(each(slots, Param::State));
                params.extend(each(slots, Param::Merged));
            }
            Entry::Finish => {
                params.push(Param::Outputs);
                params.extend(each(slots, Param::State));
                let sinks = result_sinks(pass).len();
                params.extend(each(sinks, Param::Sink));
                params.extend(each(sinks, Param::SinkStride));
            }
        }
        params
    }

    fn is_after_folds(self) -> bool {
        matches!(self, Entry::Merge | Entry::Finish)
    }
}

/// Dimensions of a walk: at least 1. A loop of fewer has outer ones of extent 1.
pub fn walk_rank(pass: &Pass, walk: Walk) -> usize {
    let (rank, reduced) = (pass.space.len(), pass.reduced.len());
    let axes = match walk {
        Walk::Outer => rank - if pass.kernel.folds.is_empty() { 0 } else { reduced },
        Walk::Reduced => reduced,
    };
    axes.max(1)
}

/// Where a pass's folds put their results: `(fold, result, which of that result's sinks)`, in order.
pub fn result_sinks(pass: &Pass) -> Vec<(usize, usize, usize)> {
    let mut sinks = Vec::new();
    for (fold, results) in pass.folds.iter().enumerate() {
        for (result, all) in results.iter().enumerate() {
            sinks.extend((0..all.len()).map(|sink| (fold, result, sink)));
        }
    }
    sinks
}

/// Most bytes of states of a thread that keeps those of six accumulators in registers.
const MOST_STATE_BYTES: usize = 96;

/// Bytes of one accumulator of every fold, in registers.
fn state_bytes(kernel: &Kernel) -> usize {
    let slots = kernel.state_slots();
    slots.map(|slot| slot.init.lane.mem().size().max(4)).sum()
}

/// Most primitives of a kernel's body, copies for the elements of a vector included.
const MOST_UNROLLED: usize = 1024;

/// Most elements side by side: 16 of one byte would take more registers than full occupancy has.
const MOST_SIDE_BY_SIDE: usize = 8;

/// Elements that a thread of the `vector` form has side by side: 16 bytes of the widest lane, but at most 8,
/// fewer where the body is large; 1 for none.
pub fn vector_width(kernel: &Kernel) -> usize {
    let lanes = kernel.lane.lanes.iter().filter(|&&lane| lane != Lane::Mask);
    let widest = lanes.map(|lane| lane.mem().size()).max().unwrap_or(1);
    let mut width = (16 / widest).min(MOST_SIDE_BY_SIDE);
    while width > 1 && width * kernel.lane.arithmetic() > MOST_UNROLLED {
        width /= 2;
    }
    let streams = kernel.inputs.iter().filter(|input| input.class == InputClass::Stream);
    if streams.count() + kernel.outputs.len() == 0 { 1 } else { width }
}

/// Multiplier, in the low half, and shift, in the high half, of divisions by an extent:
/// `i / extent = (mulhi(i, multiplier) + i) >> shift` in 32 bits for every i below 2^31.
///
/// With s = ⌈log2 extent⌉ and m = ⌊2^32 (2^s - extent) / extent⌋ + 1, the sum is the high half of
/// i · (2^32 + m), and 2^32 + m exceeds 2^(32+s) / extent by at most 1: an error of i / 2^(32+s) in the
/// quotient, less than 1 / extent. (Granlund and Montgomery, Division by Invariant Integers using
/// Multiplication, 1994, figure 4.1.)
///
/// # Panics
/// For an extent of 0, or of more than 2^31.
pub fn divisor(extent: u64) -> u64 {
    assert!((1..=1 << 31).contains(&extent), "extents of 32-bit walks lie between 1 and 2^31");
    let shift = extent.next_power_of_two().trailing_zeros();
    let multiplier = (((1_u64 << shift) - extent) << 32) / extent + 1;
    (u64::from(shift) << 32) | multiplier
}

fn each(count: usize, param: impl Fn(u32) -> Param) -> impl Iterator<Item = Param> {
    (0..crate::index_u32(count)).map(param)
}

fn arrays(kernel: &Kernel) -> impl Iterator<Item = Param> {
    each(kernel.inputs.len(), Param::Input).chain(each(kernel.outputs.len(), Param::Output))
}

/// Extents and divisors, then strides, operand by operand.
fn walk(walk: Walk, rank: usize, n_operands: usize) -> impl Iterator<Item = Param> {
    let extents = each(rank, move |dim| Param::Extent(walk, dim)).skip(1);
    let divisors = each(rank, move |dim| Param::Divisor(walk, dim)).skip(1);
    let dims = crate::index_u32(rank);
    let strides = (0..crate::index_u32(n_operands))
        .flat_map(move |operand| (0..dims).map(move |dim| Param::Stride(walk, operand, dim)));
    extents.chain(divisors).chain(strides)
}

/// What is known of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Which of the machine's devices.
    pub ordinal: u32,
    /// The name that its maker gave it.
    pub name: String,
    /// Compute capability, major and minor.
    pub capability: (u32, u32),
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Version of the driver's interface, major and minor.
    pub driver: (u32, u32),
}

/// Why a device could not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The driver's library is not there.
    #[error("no NVIDIA driver: {0}")]
    NoDriver(String),
    /// The driver knows no device of that number.
    #[error("no device {ordinal}: the driver sees {count}")]
    NoDevice {
        /// The number asked for.
        ordinal: u32,
        /// How many there are.
        count: u32,
    },
    /// The device cannot run what is emitted.
    #[error(
        "device {ordinal} ({name}) has compute capability {}.{}, fuse needs {}.{} or newer",
        .found.0, .found.1, .needed.0, .needed.1
    )]
    TooOld {
        /// Its number.
        ordinal: u32,
        /// Its name.
        name: String,
        /// Its capability.
        found: (u32, u32),
        /// The least that will do.
        needed: (u32, u32),
    },
    /// Its memory is exhausted.
    #[error("the device could not allocate {bytes} bytes: {free} of {total} are free")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u64,
        /// Bytes free.
        free: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The driver refused a module.
    #[error("the driver could not compile the kernels: {log}")]
    Compile {
        /// What its assembler said.
        log: String,
    },
    /// A kernel could not be started, or failed.
    #[error("the kernel {entry} could not be run: {reason}")]
    Launch {
        /// Its name.
        entry: String,
        /// What the driver said.
        reason: String,
    },
    /// Any other call failed.
    #[error("{call} failed: {reason}")]
    Driver {
        /// The driver's function.
        call: &'static str,
        /// What it said.
        reason: String,
    },
    /// No code can be emitted for a program.
    #[error("the device cannot run this formula: {0}")]
    Unsupported(String),
}

/// A module that a device has loaded. Never given again, for whatever module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u64);

/// A point in a queue's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceEvent(pub u64);

/// Work of one queue runs in order; queues run beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Copies to the device.
    Upload,
    /// Kernels, and copies inside the device.
    Compute,
    /// Copies from the device.
    Download,
}

impl Queue {
    /// All queues.
    pub const ALL: &[Queue] = &[Queue::Upload, Queue::Compute, Queue::Download];
}

/// A device with memory of its own. All methods may be called from any thread.
///
/// **Addresses.** Where a device sees the host's memory too, a wrong address may be one of the host's; so
/// what takes addresses is unsafe. *Bytes of this device*, below, lie inside of one allocation that
/// [`Device::alloc`] gave and [`Device::free`] has not been given, or of such memory of the device as other
/// code lends. Work is *ordered* behind what its queue was given before, what that waits for
/// ([`Device::wait`]), and what has been waited for ([`Device::synchronize`]).
pub trait Device: Send + Sync {
    /// What it is.
    fn info(&self) -> &DeviceInfo;

    /// Bytes of memory that are free, and in all.
    ///
    /// # Errors
    /// [`DeviceError::Driver`].
    fn memory(&self) -> Result<(u64, u64), DeviceError>;

    /// The text of a program's module: pure, the same for every device of its kind.
    ///
    /// # Errors
    /// [`DeviceError::Unsupported`], with what is too much.
    fn emit(&self, program: &Program, options: ModuleOptions) -> Result<String, DeviceError>;

    /// Loads a module, or finds the one of equal text that is loaded.
    ///
    /// # Errors
    /// [`DeviceError::Compile`].
    fn load(&self, text: &str) -> Result<ModuleId, DeviceError>;

    /// Undoes one load. When all of a module's are undone, what was enqueued before runs still, and
    /// launching it is an error. Undoing more than there were does nothing, or panics.
    fn unload(&self, module: ModuleId);

    /// Allocates memory, 256-byte aligned; not 0 bytes.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`].
    fn alloc(&self, bytes: usize) -> Result<DeviceAddress, DeviceError>;

    /// Frees what [`Device::alloc`] gave, once everything that was enqueued before has run.
    ///
    /// # Safety
    /// The address is what [`Device::alloc`] of this device gave, and has not been freed; nothing that is
    /// enqueued later uses its memory.
    unsafe fn free(&self, address: DeviceAddress);

    /// Copies to the device in [`Queue::Upload`]; when it returns `from` may change.
    ///
    /// # Errors
    /// [`DeviceError::Driver`].
    ///
    /// # Safety
    /// From `to` on lie as many bytes of this device as are copied, none for none; what else uses them is
    /// ordered before the copy or behind it.
    unsafe fn upload(&self, to: DeviceAddress, from: &[u8]) -> Result<(), DeviceError>;

    /// Copies from the device in [`Queue::Download`]; when it returns the bytes are there.
    ///
    /// # Errors
    /// [`DeviceError::Driver`]; [`DeviceError::Launch`] where a kernel before it failed.
    ///
    /// # Safety
    /// From `from` on lie as many bytes of this device as are copied, none for none; they have been
    /// written, and whatever writes them is ordered before the copy or behind it.
    unsafe fn download(&self, to: &mut [u8], from: DeviceAddress) -> Result<(), DeviceError>;

    /// Enqueues a copy inside the device in [`Queue::Compute`]; the two ranges share no byte.
    ///
    /// # Errors
    /// [`DeviceError::Driver`].
    ///
    /// # Safety
    /// From both addresses on lie so many bytes of this device, those of `from` written; what else uses
    /// those of `to`, or writes those of `from`, is ordered before the copy or behind it.
    unsafe fn copy(
        &self,
        to: DeviceAddress,
        from: DeviceAddress,
        bytes: usize,
    ) -> Result<(), DeviceError>;

    /// Enqueues a kernel of `grid` blocks in [`Queue::Compute`].
    ///
    /// # Errors
    /// [`DeviceError::Launch`].
    ///
    /// # Safety
    /// The parameters are as [`Entry::params`] says for the program of the module, with addresses of as
    /// many bytes of this device as the entry's loop needs, those written that it reads; what else uses
    /// them is ordered before the kernel or behind it.
    unsafe fn launch(
        &self,
        module: ModuleId,
        entry: &str,
        grid: u32,
        params: &[u64],
    ) -> Result<(), DeviceError>;

    /// Marks the end of a queue's work so far.
    ///
    /// # Errors
    /// [`DeviceError::Driver`].
    fn record(&self, queue: Queue) -> Result<DeviceEvent, DeviceError>;

    /// Makes what is enqueued from now on wait for an event. Only the last 64 events of a queue are
    /// remembered; an older one has passed when this returns.
    ///
    /// # Errors
    /// [`DeviceError::Driver`].
    fn wait(&self, queue: Queue, event: DeviceEvent) -> Result<(), DeviceError>;

    /// Waits until a queue is empty.
    ///
    /// # Errors
    /// [`DeviceError::Launch`] where a kernel failed, else [`DeviceError::Driver`].
    fn synchronize(&self, queue: Queue) -> Result<(), DeviceError>;
}

#[cfg(test)]
mod tests {
    use super::divisor;

    /// The bound is tight for indices just below multiples of the extent.
    #[test]
    fn divisors_divide() {
        let quotient = |index: u32, divisor: u64| {
            let multiplier = divisor & 0xffff_ffff;
            let high = ((u64::from(index) * multiplier) >> 32) as u32;
            (high + index) >> (divisor >> 32)
        };
        let powers = (0..31).flat_map(|bit| [(1_u32 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for extent in powers.chain([3, 7, 10, 641, 1000, 65_521, 2_147_483_647]).filter(|&e| e > 0)
        {
            let divisor = divisor(u64::from(extent));
            let last = 0x7fff_ffff / extent;
            for multiple in (0..1000).chain(last.saturating_sub(1000)..=last) {
                let Some(index) = extent.checked_mul(multiple) else { break };
                for index in [index.saturating_sub(1), index, index.saturating_add(extent - 1)] {
                    if index <= 0x7fff_ffff {
                        assert_eq!(quotient(index, divisor), index / extent, "{index} / {extent}");
                    }
                }
            }
        }
    }
}
