//! The functions, under the names and with the signatures of `cuda.h` 12.0.
//!
//! Each turns its pointers into numbers and bytes, asks the machine, and writes the answer. The current
//! context is a thread's own, as it is the driver's.

#![expect(
    unsafe_code,
    reason = "exports C functions, and follows the pointers that they are given"
)]

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::code::{Answer, Code, INVALID_CONTEXT, INVALID_VALUE, TEXTS, UNKNOWN};
use crate::host;
use crate::machine::{ContextId, MULTIPROCESSORS, Machine};
use crate::streams::Work;

/// Handles are numbers behind pointers that point at nothing.
type Handle = *mut c_void;

/// What `cuDriverGetVersion` says: 12.0.
const VERSION: c_int = 12_000;

/// `CU_JIT_ERROR_LOG_BUFFER` and `CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES`.
const JIT_ERROR_LOG: [c_uint; 2] = [5, 6];

/// `CU_LAUNCH_PARAM_BUFFER_POINTER`, `CU_LAUNCH_PARAM_BUFFER_SIZE` and `CU_LAUNCH_PARAM_END`.
const LAUNCH_BUFFER: [usize; 3] = [1, 2, 0];

thread_local! {
    static CURRENT: Cell<ContextId> = const { Cell::new(0) };
}

/// Asks the machine; a panic is an unknown error.
fn ask(question: impl FnOnce(&mut Machine) -> Answer) -> c_uint {
    static MACHINE: LazyLock<Mutex<Machine>> = LazyLock::new(|| Mutex::new(Machine::new()));
    let answer = catch_unwind(AssertUnwindSafe(|| {
        question(&mut MACHINE.lock().unwrap_or_else(PoisonError::into_inner))
    }));
    match answer {
        Ok(Ok(())) => 0,
        Ok(Err(Code(code))) => code,
        Err(_) => UNKNOWN.0,
    }
}

/// As [`ask`], in the thread's context.
fn ask_in_context(question: impl FnOnce(&mut Machine, ContextId) -> Answer) -> c_uint {
    ask(|machine| {
        let context = CURRENT.get();
        machine.check_started()?;
        if context == 0 {
            return Err(INVALID_CONTEXT);
        }
        question(machine, context)
    })
}

/// Writes an answer.
///
/// # Safety
/// The pointer is null, or may be written.
unsafe fn put<T>(to: *mut T, value: T) -> Answer {
    if to.is_null() {
        return Err(INVALID_VALUE);
    }
    // SAFETY: the caller's promise.
    unsafe { to.write(value) };
    Ok(())
}

fn number(handle: Handle) -> u64 {
    handle.addr() as u64
}

fn handle(number: u64) -> Handle {
    std::ptr::without_provenance_mut(usize::try_from(number).unwrap_or(0))
}

// SAFETY of all that follow: pointers are as the driver's documentation asks.

#[unsafe(no_mangle)]
extern "C" fn cuInit(flags: c_uint) -> c_uint {
    ask(|machine| if flags == 0 { machine.start() } else { Err(INVALID_VALUE) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDriverGetVersion(version: *mut c_int) -> c_uint {
    // SAFETY: the caller's pointer.
    ask(|_| unsafe { put(version, VERSION) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetErrorName(code: c_uint, name: *mut *const c_char) -> c_uint {
    // SAFETY: the caller's pointer.
    unsafe { put_text(name, text_of(code).map(|(_, name, _)| *name)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGetErrorString(code: c_uint, text: *mut *const c_char) -> c_uint {
    // SAFETY: the caller's pointer.
    unsafe { put_text(text, text_of(code).map(|(.., text)| *text)) }
}

fn text_of(code: c_uint) -> Option<&'static (u32, &'static CStr, &'static CStr)> {
    TEXTS.iter().find(|(known, ..)| *known == code)
}

/// Writes a text's address, or null and an error for none.
///
/// # Safety
/// As for [`put`].
unsafe fn put_text(to: *mut *const c_char, text: Option<&'static CStr>) -> c_uint {
    let start = text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: the caller's promise.
    ask(|_| unsafe { put(to, start) }.and(if text.is_some() { Ok(()) } else { Err(INVALID_VALUE) }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetCount(count: *mut c_int) -> c_uint {
    ask(|machine| {
        machine.check_started()?;
        // SAFETY: the caller's pointer.
        unsafe { put(count, machine.faults.devices) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGet(device: *mut c_int, ordinal: c_int) -> c_uint {
    ask(|machine| {
        machine.check_device(ordinal)?;
        // SAFETY: the caller's pointer.
        unsafe { put(device, ordinal) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetName(name: *mut c_char, len: c_int, device: c_int) -> c_uint {
    const NAME: &CStr = c"Fake driver over the PTX interpreter";
    ask(|machine| {
        machine.check_device(device)?;
        let bytes = NAME.to_bytes_with_nul();
        if name.is_null() || usize::try_from(len).is_ok_and(|len| len < bytes.len()) {
            return Err(INVALID_VALUE);
        }
        // SAFETY: the caller's pointer, to at least that many bytes.
        unsafe { host::write(name.expose_provenance(), bytes) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetAttribute(
    value: *mut c_int,
    attribute: c_uint,
    device: c_int,
) -> c_uint {
    ask(|machine| {
        machine.check_device(device)?;
        let (major, minor) = machine.faults.capability;
        let answer = match attribute {
            16 => MULTIPROCESSORS,
            75 => major,
            76 => minor,
            _ => 0,
        };
        // SAFETY: the caller's pointer.
        unsafe { put(value, answer) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) -> c_uint {
    ask(|machine| {
        machine.check_device(device)?;
        // SAFETY: the caller's pointer.
        unsafe { put(bytes, size(machine.memory.limit())) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDevicePrimaryCtxRetain(context: *mut Handle, device: c_int) -> c_uint {
    ask(|machine| {
        let retained = machine.retain(device)?;
        // SAFETY: the caller's pointer.
        unsafe { put(context, handle(retained)) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> c_uint {
    ask(|machine| machine.release(device))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetCurrent(context: Handle) -> c_uint {
    ask(|machine| {
        if !context.is_null() {
            machine.check_context(number(context))?;
        }
        CURRENT.set(number(context));
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetCurrent(context: *mut Handle) -> c_uint {
    // SAFETY: the caller's pointer.
    ask(|_| unsafe { put(context, handle(CURRENT.get())) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) -> c_uint {
    ask_in_context(|machine, context| {
        machine.check_context(context)?;
        let (used, limit) = (machine.memory.used(), machine.memory.limit());
        // SAFETY: the caller's pointers.
        unsafe { put(free, size(limit - used)).and(put(total, size(limit))) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAlloc_v2(address: *mut u64, bytes: usize) -> c_uint {
    ask_in_context(|machine, context| {
        let allocated = machine.alloc(context, bytes)?;
        // SAFETY: the caller's pointer.
        unsafe { put(address, allocated) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFree_v2(address: u64) -> c_uint {
    ask_in_context(|machine, context| machine.free(context, address))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemHostAlloc(
    pointer: *mut *mut c_void,
    bytes: usize,
    _flags: c_uint,
) -> c_uint {
    ask_in_context(|machine, context| {
        let address = machine.alloc_pinned(context, bytes)?;
        // SAFETY: the caller's pointer.
        unsafe { put(pointer, std::ptr::with_exposed_provenance_mut(address)) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeHost(pointer: *mut c_void) -> c_uint {
    ask_in_context(|machine, context| machine.free_pinned(context, pointer.addr()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyHtoDAsync_v2(
    to: u64,
    from: *const c_void,
    bytes: usize,
    stream: Handle,
) -> c_uint {
    ask_in_context(|machine, context| {
        machine.check_range(context, to, bytes)?;
        let from = from.expose_provenance();
        let work = if machine.pinned.holds(from, bytes) {
            Work::UploadPinned { to, from, bytes }
        } else {
            // SAFETY: the caller's pointer, to that many bytes.
            Work::Upload { to, bytes: unsafe { host::read(from, bytes) } }
        };
        machine.faults.say(&format!("upload {bytes} to {to:#x}"));
        machine.enqueue(context, number(stream), work)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpyDtoHAsync_v2(
    to: *mut c_void,
    from: u64,
    bytes: usize,
    stream: Handle,
) -> c_uint {
    ask_in_context(|machine, context| {
        machine.check_range(context, from, bytes)?;
        machine.faults.say(&format!("download {bytes} from {from:#x}"));
        let to = to.expose_provenance();
        if machine.pinned.holds(to, bytes) {
            let work = Work::Download { to, from, bytes };
            return machine.enqueue(context, number(stream), work);
        }
        let read = machine.read(context, number(stream), from, bytes)?;
        // SAFETY: the caller's pointer, to that many bytes.
        unsafe { host::write(to, &read) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: Handle) -> c_uint {
    ask_in_context(|machine, context| {
        machine.check_range(context, to, bytes)?;
        machine.check_range(context, from, bytes)?;
        machine.faults.say(&format!("copy {bytes} from {from:#x} to {to:#x}"));
        machine.enqueue(context, number(stream), Work::Copy { to, from, bytes })
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamCreate(stream: *mut Handle, _flags: c_uint) -> c_uint {
    ask_in_context(|machine, context| {
        let made = machine.new_stream(context)?;
        // SAFETY: the caller's pointer.
        unsafe { put(stream, handle(made)) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamDestroy_v2(stream: Handle) -> c_uint {
    ask_in_context(|machine, context| machine.end_stream(context, number(stream)))
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamQuery(stream: Handle) -> c_uint {
    ask_in_context(|machine, context| machine.query_stream(context, number(stream)))
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamSynchronize(stream: Handle) -> c_uint {
    ask_in_context(|machine, context| machine.synchronize(context, number(stream)))
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamWaitEvent(stream: Handle, event: Handle, _flags: c_uint) -> c_uint {
    ask_in_context(|machine, context| machine.wait(context, number(stream), number(event)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuEventCreate(event: *mut Handle, _flags: c_uint) -> c_uint {
    ask_in_context(|machine, context| {
        let made = machine.new_event(context)?;
        // SAFETY: the caller's pointer.
        unsafe { put(event, handle(made)) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventDestroy_v2(event: Handle) -> c_uint {
    ask_in_context(|machine, context| machine.end_event(context, number(event)))
}

#[unsafe(no_mangle)]
extern "C" fn cuEventRecord(event: Handle, stream: Handle) -> c_uint {
    ask_in_context(|machine, context| machine.record(context, number(event), number(stream)))
}

#[unsafe(no_mangle)]
extern "C" fn cuEventQuery(event: Handle) -> c_uint {
    ask_in_context(|machine, context| machine.query_event(context, number(event)))
}

#[unsafe(no_mangle)]
extern "C" fn cuEventSynchronize(event: Handle) -> c_uint {
    ask_in_context(|machine, context| machine.synchronize_event(context, number(event)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadDataEx(
    module: *mut Handle,
    image: *const c_void,
    n_options: c_uint,
    options: *mut c_uint,
    values: *mut *mut c_void,
) -> c_uint {
    ask_in_context(|machine, context| {
        // SAFETY: the caller's pointer, to text that ends with 0.
        let text = unsafe { CStr::from_ptr(image.cast()) }.to_str().map_err(|_| INVALID_VALUE)?;
        match machine.load(context, text) {
            // SAFETY: the caller's pointer.
            Ok(loaded) => unsafe { put(module, handle(loaded)) },
            Err((code, log)) => {
                // SAFETY: the caller's pointers, to that many options and values.
                unsafe { write_log(&log, n_options as usize, options, values) };
                Err(code)
            }
        }
    })
}

/// Writes the assembler's messages where the options say, cut to the size that they say.
///
/// # Safety
/// There are that many options and values.
unsafe fn write_log(log: &str, n: usize, options: *mut c_uint, values: *mut *mut c_void) {
    let option = |wanted: c_uint| {
        // SAFETY: the caller's promise.
        let at = (0..n).find(|&at| unsafe { *options.add(at) } == wanted)?;
        // SAFETY: the caller's promise.
        Some(unsafe { *values.add(at) })
    };
    let [buffer, size] = JIT_ERROR_LOG.map(option);
    let (Some(buffer), Some(size)) = (buffer, size) else { return };
    let mut bytes = log.as_bytes().to_vec();
    bytes.truncate(size.addr().saturating_sub(1));
    bytes.push(0);
    // SAFETY: the buffer is as large as the option says.
    unsafe { host::write(buffer.expose_provenance(), &bytes) };
}

#[unsafe(no_mangle)]
extern "C" fn cuModuleUnload(module: Handle) -> c_uint {
    ask_in_context(|machine, context| machine.unload(context, number(module)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleGetFunction(
    function: *mut Handle,
    module: Handle,
    name: *const c_char,
) -> c_uint {
    ask_in_context(|machine, context| {
        // SAFETY: the caller's pointer, to text that ends with 0.
        let name = unsafe { CStr::from_ptr(name) }.to_str().map_err(|_| INVALID_VALUE)?;
        let found = machine.function(context, number(module), name)?;
        // SAFETY: the caller's pointer.
        unsafe { put(function, handle(found)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchKernel(
    function: Handle,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared_bytes: c_uint,
    stream: Handle,
    parameters: *mut *mut c_void,
    extra: *mut *mut c_void,
) -> c_uint {
    ask_in_context(|machine, context| {
        let n_params = machine.n_params(context, number(function))?;
        if [grid_y, grid_z, block_y, block_z, shared_bytes] != [1, 1, 1, 1, 0] {
            return Err(INVALID_VALUE);
        }
        // SAFETY: the caller's pointers: either to that many parameters, or to words up to the last.
        let params = unsafe {
            match (parameters.is_null(), extra.is_null()) {
                (false, true) => (0..n_params).map(|at| *(*parameters.add(at)).cast()).collect(),
                (true, false) => packed(extra)?,
                (true, true) if n_params == 0 => Vec::new(),
                (true, true) | (false, false) => return Err(INVALID_VALUE),
            }
        };
        machine.launch(context, number(stream), number(function), (grid_x, block_x), params)
    })
}

/// The parameters of one buffer.
///
/// # Safety
/// The words are a pointer to the buffer and one to its size, each behind its name, then the last.
unsafe fn packed(extra: *mut *mut c_void) -> Answer<Vec<u64>> {
    // SAFETY: the caller's promise: five words, if the first and third have the names.
    let [first, buffer, second, size, end] = unsafe { *extra.cast::<[Handle; 5]>() };
    if [first.addr(), second.addr(), end.addr()] != LAUNCH_BUFFER {
        return Err(INVALID_VALUE);
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { *size.cast::<usize>() };
    if bytes % size_of::<u64>() != 0 {
        return Err(INVALID_VALUE);
    }
    // SAFETY: the caller's promise.
    let words = unsafe { host::read(buffer.expose_provenance(), bytes) };
    let (words, _) = words.as_chunks::<8>();
    Ok(words.iter().map(|&word| u64::from_ne_bytes(word)).collect())
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
