//! The driver's objects, each with its owner: a context, streams, events, device memory, modules.
//!
//! ```text
//! Context ◀── Stream, Event, Block, Module, Pinned       each keeps its context alive
//! ```
//!
//! Every object makes its context the calling thread's before it calls, so that any thread may call it,
//! and is given back to the driver when it is dropped; what the driver says to that is of no interest.
//! Handles never leave this module, so none outlives what it names.
//!
//! Addresses of device memory are numbers, and the driver may take one of the host's for what it says. So
//! copies take a [`Span`], whose maker promises what the caller of [`fuse_ir::Device`] promised.

#![expect(unsafe_code, reason = "calls the driver's functions")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;
use std::sync::Arc;

use fuse_ir::DeviceError;
use fuse_ir::device::THREADS;
use rustc_hash::FxHashMap;

use super::functions::{Failure, Functions, Handle, functions};

/// Codes of `CUresult` that mean something here.
pub(super) mod code {
    pub(in super::super) const OUT_OF_MEMORY: u32 = 2;
    pub(in super::super) const STUB_LIBRARY: u32 = 34;
    pub(in super::super) const NO_DEVICE: u32 = 100;
    pub(in super::super) const NOT_READY: u32 = 600;
    /// Those after which a context answers nothing else: what a kernel did, or the hardware.
    pub(in super::super) const STICKY: &[u32] =
        &[214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721];
}

/// Numbers of `CUdevice_attribute`.
pub(super) mod attribute {
    pub(in super::super) const MULTIPROCESSORS: u32 = 16;
    pub(in super::super) const CAPABILITY_MAJOR: u32 = 75;
    pub(in super::super) const CAPABILITY_MINOR: u32 = 76;
}

/// `CU_STREAM_NON_BLOCKING`: does not wait for the process's default stream.
const STREAM_NON_BLOCKING: c_uint = 1;
/// `CU_EVENT_DISABLE_TIMING`: cheaper to record.
const EVENT_DISABLE_TIMING: c_uint = 2;
/// `CU_JIT_ERROR_LOG_BUFFER` and `CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES`.
const JIT_ERROR_LOG: [c_uint; 2] = [5, 6];
/// Bytes of the assembler's messages that are kept.
const LOG_BYTES: usize = 16 * 1024;

/// Starts the driver; how many devices it sees.
pub(super) fn start() -> Result<(&'static Functions, u32), DeviceError> {
    let functions = functions()?;
    // SAFETY: takes no pointers; any number of times is allowed.
    match unsafe { functions.cuInit(0) } {
        Ok(()) => {}
        Err(failure) if failure.code == code::NO_DEVICE => return Ok((functions, 0)),
        Err(failure) if failure.code == code::STUB_LIBRARY => {
            return Err(DeviceError::NoDriver(failure.reason()));
        }
        Err(failure) => return Err(failure.into()),
    }
    let mut count = 0;
    // SAFETY: writes one number.
    unsafe { functions.cuDeviceGetCount(&raw mut count) }?;
    Ok((functions, u32::try_from(count).unwrap_or(0)))
}

/// Version of the interface: 12040 is 12.4.
pub(super) fn version(functions: &Functions) -> Result<u32, Failure> {
    let mut version = 0;
    // SAFETY: writes one number.
    unsafe { functions.cuDriverGetVersion(&raw mut version) }?;
    Ok(u32::try_from(version).unwrap_or(0))
}

/// One of the machine's devices.
#[derive(Clone, Copy)]
pub(super) struct Card {
    functions: &'static Functions,
    device: c_int,
}

impl Card {
    pub(super) fn get(functions: &'static Functions, ordinal: c_int) -> Result<Card, Failure> {
        let mut device = 0;
        // SAFETY: writes one number.
        unsafe { functions.cuDeviceGet(&raw mut device, ordinal) }?;
        Ok(Card { functions, device })
    }

    pub(super) fn name(self) -> Result<String, Failure> {
        const LEN: c_int = 256;
        let mut name = [0_u8; LEN as usize];
        let start = name.as_mut_ptr().cast::<c_char>();
        // SAFETY: writes at most `LEN` bytes, ended by 0.
        unsafe { self.functions.cuDeviceGetName(start, LEN, self.device) }?;
        let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    pub(super) fn attribute(self, attribute: u32) -> Result<u32, Failure> {
        let mut value = 0;
        // SAFETY: writes one number.
        unsafe { self.functions.cuDeviceGetAttribute(&raw mut value, attribute, self.device) }?;
        Ok(u32::try_from(value).unwrap_or(0))
    }

    /// Bytes of memory.
    pub(super) fn memory(self) -> Result<usize, Failure> {
        let mut bytes = 0;
        // SAFETY: writes one number.
        unsafe { self.functions.cuDeviceTotalMem_v2(&raw mut bytes, self.device) }.map(|()| bytes)
    }
}

/// A device's primary context: the one that other users of the device in this process share.
pub(super) struct Context {
    functions: &'static Functions,
    device: c_int,
    handle: Handle,
}

// SAFETY: the driver may be called from any thread, with handles of any thread's making.
unsafe impl Send for Context {}
// SAFETY: as above, at the same time too.
unsafe impl Sync for Context {}

impl Context {
    pub(super) fn retain(card: Card) -> Result<Arc<Context>, Failure> {
        let Card { functions, device } = card;
        let mut handle = null_mut();
        // SAFETY: writes one handle, which is ours until it is released.
        unsafe { functions.cuDevicePrimaryCtxRetain(&raw mut handle, device) }?;
        Ok(Arc::new(Context { functions, device, handle }))
    }

    /// The driver, with this context the calling thread's.
    pub(super) fn enter(&self) -> Result<&'static Functions, Failure> {
        // SAFETY: the handle is retained as long as `self` lives.
        unsafe { self.functions.cuCtxSetCurrent(self.handle) }?;
        Ok(self.functions)
    }

    /// Bytes of memory that are free, and in all.
    pub(super) fn memory(&self) -> Result<(usize, usize), Failure> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: writes two numbers.
        unsafe { self.enter()?.cuMemGetInfo_v2(&raw mut free, &raw mut total) }?;
        Ok((free, total))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: releases what `retain` retained; everything made in it kept it alive, and is gone.
        let _ = unsafe { self.functions.cuDevicePrimaryCtxRelease_v2(self.device) };
    }
}

/// Device memory.
pub(super) struct Block {
    context: Arc<Context>,
    address: u64,
    bytes: usize,
}

impl Block {
    pub(super) fn new(context: &Arc<Context>, bytes: usize) -> Result<Block, Failure> {
        let mut address = 0;
        // SAFETY: writes one number.
        unsafe { context.enter()?.cuMemAlloc_v2(&raw mut address, bytes) }?;
        Ok(Block { context: Arc::clone(context), address, bytes })
    }

    pub(super) fn address(&self) -> u64 {
        self.address
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let Ok(functions) = self.context.enter() else { return };
        // SAFETY: what `new` allocated, once.
        let _ = unsafe { functions.cuMemFree_v2(self.address) };
    }
}

/// Bytes of device memory for one copy.
pub(super) struct Span {
    address: u64,
    bytes: usize,
}

impl Span {
    /// # Safety
    /// So many bytes from the address on may be copied from and to in the context that the span is given
    /// to, as [`fuse_ir::Device`] says for the copies that it has.
    pub(super) unsafe fn new(address: u64, bytes: usize) -> Span {
        Span { address, bytes }
    }

    pub(super) fn address(&self) -> u64 {
        self.address
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Parts of so many bytes, not 0; the last may have fewer.
    pub(super) fn chunks(self, size: usize) -> impl Iterator<Item = Span> {
        (0..self.bytes).step_by(size).map(move |start| Span {
            address: self.address + start as u64,
            bytes: size.min(self.bytes - start),
        })
    }
}

/// Work that runs in order.
pub(super) struct Stream {
    context: Arc<Context>,
    pub(super) handle: Handle,
}

// SAFETY: as for `Context`.
unsafe impl Send for Stream {}
// SAFETY: as for `Context`.
unsafe impl Sync for Stream {}

impl Stream {
    pub(super) fn new(context: &Arc<Context>) -> Result<Stream, Failure> {
        let mut handle = null_mut();
        // SAFETY: writes one handle.
        unsafe { context.enter()?.cuStreamCreate(&raw mut handle, STREAM_NON_BLOCKING) }?;
        Ok(Stream { context: Arc::clone(context), handle })
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Waits until nothing is left to run.
    pub(super) fn synchronize(&self) -> Result<(), Failure> {
        // SAFETY: the stream lives as long as `self`.
        unsafe { self.context.enter()?.cuStreamSynchronize(self.handle) }
    }

    /// Is nothing left to run?
    pub(super) fn is_idle(&self) -> Result<bool, Failure> {
        // SAFETY: the stream lives as long as `self`.
        is_ready(unsafe { self.context.enter()?.cuStreamQuery(self.handle) })
    }

    /// Makes what is enqueued from now on wait for an event.
    pub(super) fn wait(&self, event: &Event) -> Result<(), Failure> {
        // SAFETY: stream and event live as long as their owners; the event's point is taken now.
        unsafe { self.context.enter()?.cuStreamWaitEvent(self.handle, event.handle, 0) }
    }

    /// Enqueues a copy inside the device.
    pub(super) fn copy(&self, to: Span, from: Span) -> Result<(), Failure> {
        assert_eq!(to.bytes, from.bytes, "as many bytes as are copied");
        let functions = self.context.enter()?;
        // SAFETY: spans of device memory, as long as each other.
        unsafe { functions.cuMemcpyDtoDAsync_v2(to.address, from.address, to.bytes, self.handle) }
    }

    /// Copies pageable memory to the device, after what is enqueued; waits until that has happened.
    pub(super) fn upload(&self, to: Span, from: &[u8]) -> Result<(), Failure> {
        assert_eq!(to.bytes, from.len(), "as many bytes as are copied");
        let functions = self.context.enter()?;
        // SAFETY: writes a span of device memory, and reads a slice as long, which is borrowed until the
        // copy has run: the next call waits for that.
        unsafe {
            let start = from.as_ptr().cast::<c_void>();
            let copied = functions.cuMemcpyHtoDAsync_v2(to.address, start, to.bytes, self.handle);
            let waited = functions.cuStreamSynchronize(self.handle);
            copied.and(waited)
        }
    }

    /// Copies from the device to pageable memory, after what is enqueued; waits until that has happened.
    pub(super) fn download(&self, to: &mut [u8], from: Span) -> Result<(), Failure> {
        assert_eq!(to.len(), from.bytes, "as many bytes as are copied");
        let functions = self.context.enter()?;
        // SAFETY: reads a span of device memory, and writes a slice as long, which is borrowed until the
        // copy has run: the next call waits for that.
        unsafe {
            let start = to.as_mut_ptr().cast::<c_void>();
            let copied =
                functions.cuMemcpyDtoHAsync_v2(start, from.address, from.bytes, self.handle);
            let waited = functions.cuStreamSynchronize(self.handle);
            copied.and(waited)
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Ok(functions) = self.context.enter() else { return };
        // SAFETY: what `new` made, once; the driver frees it when its work has run.
        let _ = unsafe { functions.cuStreamDestroy_v2(self.handle) };
    }
}

/// A point in a stream's work; before it is recorded, one that has passed.
pub(super) struct Event {
    context: Arc<Context>,
    handle: Handle,
}

// SAFETY: as for `Context`.
unsafe impl Send for Event {}
// SAFETY: as for `Context`.
unsafe impl Sync for Event {}

impl Event {
    pub(super) fn new(context: &Arc<Context>) -> Result<Event, Failure> {
        let mut handle = null_mut();
        // SAFETY: writes one handle.
        unsafe { context.enter()?.cuEventCreate(&raw mut handle, EVENT_DISABLE_TIMING) }?;
        Ok(Event { context: Arc::clone(context), handle })
    }

    /// Becomes the end of what is enqueued in a stream so far.
    pub(super) fn record(&self, stream: &Stream) -> Result<(), Failure> {
        // SAFETY: stream and event live as long as their owners.
        unsafe { self.context.enter()?.cuEventRecord(self.handle, stream.handle) }
    }

    /// Has it passed?
    pub(super) fn is_past(&self) -> Result<bool, Failure> {
        // SAFETY: the event lives as long as `self`.
        is_ready(unsafe { self.context.enter()?.cuEventQuery(self.handle) })
    }

    /// Waits until it has passed.
    pub(super) fn synchronize(&self) -> Result<(), Failure> {
        // SAFETY: the event lives as long as `self`.
        unsafe { self.context.enter()?.cuEventSynchronize(self.handle) }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let Ok(functions) = self.context.enter() else { return };
        // SAFETY: what `new` made, once; the driver frees it when it has passed.
        let _ = unsafe { functions.cuEventDestroy_v2(self.handle) };
    }
}

/// Kernels that the driver has assembled. Must not be dropped while one of them is enqueued.
pub(super) struct Module {
    context: Arc<Context>,
    handle: Handle,
    kernels: FxHashMap<String, Handle>,
}

// SAFETY: as for `Context`.
unsafe impl Send for Module {}

/// Why a module was not loaded.
pub(super) struct Refusal {
    /// What the driver returned.
    pub(super) failure: Failure,
    /// What its assembler said; may be empty.
    pub(super) log: String,
}

impl Module {
    pub(super) fn load(context: &Arc<Context>, text: &CStr) -> Result<Module, Refusal> {
        let without_log = |failure| Refusal { failure, log: String::new() };
        let functions = context.enter().map_err(without_log)?;
        let mut handle = null_mut();
        let mut log = vec![0_u8; LOG_BYTES];
        let mut options = JIT_ERROR_LOG;
        let mut values = [log.as_mut_ptr().cast::<c_void>(), without_provenance(LOG_BYTES - 1)];
        // SAFETY: the text ends with 0; there are two options and two values, a buffer and its size,
        // one less than it has, so that it ends with 0 whatever is written.
        let loaded = unsafe {
            functions.cuModuleLoadDataEx(
                &raw mut handle,
                text.as_ptr().cast(),
                2,
                options.as_mut_ptr(),
                values.as_mut_ptr(),
            )
        };
        match loaded {
            Ok(()) => {
                Ok(Module { context: Arc::clone(context), handle, kernels: FxHashMap::default() })
            }
            Err(failure) => {
                let log = CStr::from_bytes_until_nul(&log).unwrap_or_default();
                Err(Refusal { failure, log: log.to_string_lossy().trim().to_string() })
            }
        }
    }

    /// Enqueues a kernel. Its parameters go as one buffer of known size, so that the driver, who knows
    /// how many there should be, never reads past them.
    ///
    /// # Safety
    /// As for [`fuse_ir::Device::launch`].
    pub(super) unsafe fn launch(
        &mut self,
        stream: &Stream,
        entry: &str,
        grid: u32,
        params: &[u64],
    ) -> Result<(), Failure> {
        /// `CU_LAUNCH_PARAM_BUFFER_POINTER`.
        const BUFFER: usize = 1;
        /// `CU_LAUNCH_PARAM_BUFFER_SIZE`.
        const SIZE: usize = 2;
        /// `CU_LAUNCH_PARAM_END`.
        const END: usize = 0;
        let kernel = self.kernel(entry)?;
        let functions = self.context.enter()?;
        let mut bytes = size_of_val(params);
        let mut extra = [
            without_provenance(BUFFER),
            params.as_ptr().cast_mut().cast::<c_void>(),
            without_provenance(SIZE),
            (&raw mut bytes).cast::<c_void>(),
            without_provenance(END),
        ];
        let extra = extra.as_mut_ptr();
        // SAFETY: function and stream live as long as their owners; the parameters are copied before
        // the call returns, and never written. What the kernel does is the caller's promise.
        unsafe {
            functions.cuLaunchKernel(
                kernel,
                grid,
                1,
                1,
                THREADS,
                1,
                1,
                0,
                stream.handle,
                null_mut(),
                extra,
            )
        }
    }

    fn kernel(&mut self, entry: &str) -> Result<Handle, Failure> {
        if let Some(&kernel) = self.kernels.get(entry) {
            return Ok(kernel);
        }
        let name = CString::new(entry).unwrap_or_default();
        let mut kernel = null_mut();
        let functions = self.context.enter()?;
        // SAFETY: writes one handle, valid as long as the module; the name ends with 0.
        unsafe { functions.cuModuleGetFunction(&raw mut kernel, self.handle, name.as_ptr()) }?;
        self.kernels.insert(entry.to_string(), kernel);
        Ok(kernel)
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let Ok(functions) = self.context.enter() else { return };
        // SAFETY: what `load` loaded, once.
        let _ = unsafe { functions.cuModuleUnload(self.handle) };
    }
}

fn is_ready(answer: Result<(), Failure>) -> Result<bool, Failure> {
    match answer {
        Ok(()) => Ok(true),
        Err(failure) if failure.code == code::NOT_READY => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// A number where the driver's interface has a pointer.
fn without_provenance(number: usize) -> *mut c_void {
    std::ptr::without_provenance_mut(number)
}
