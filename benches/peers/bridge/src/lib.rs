//! C interface to fuse, which `peers.py` loads, so that all contenders are timed in one process on
//! the same arrays.
//!
//! ```text
//! fuse_engine_new(threads, back end) ──▶ engine
//!    fuse_call_new(engine, text, names, arrays, out) ──▶ call     compiled for these arrays
//!       fuse_call_into(call, n)       n prepared calls into out
//!       fuse_call_formula(call, n)    n calls of the parsed formula into out: the plan is looked up
//!       fuse_call_text(call, n)       n times evaluate(text), each into a new array that is dropped
//!       fuse_call_explain(call)       kernels or machine code
//!       fuse_call_new_array(call) ──▶ array, freed by fuse_array_free
//! fuse_copy(to, from, bytes, threads) the floor: plain copies, one task a thread
//! ```
//!
//! The repetitions stand inside, so that what Python adds to a call (about a microsecond) is not
//! counted where it would matter. A call that fails gives null or -1 and leaves its message to
//! [`fuse_error`], by thread. Handles are owned by the caller, who frees each once.
//!
//! Kept out of the library: fuse has no C interface that it would have to keep.

#![deny(unsafe_code)]
#![expect(unsafe_code, reason = "a C interface: raw pointers in, handles out")]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::hint::black_box;
use std::sync::Mutex;

use fuse::raw::ByteOrder;
use fuse::{
    Array, Backend, DType, Engine, Formula, Input, InputType, Layout, Prepared, Stage, Vars, View,
    ViewMut,
};

type Failure = Box<dyn std::error::Error>;

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// An array as NumPy describes it; the strides are in bytes.
#[repr(C)]
pub struct BridgeArray {
    /// Element `[0, …, 0]`.
    data: *mut u8,
    /// The dtype's name, as `float64`.
    dtype: *const c_char,
    /// Number of extents and of strides.
    rank: usize,
    /// Extents, outermost first.
    extents: *const usize,
    /// Byte strides.
    strides: *const isize,
}

/// A formula with the arrays that it is called on.
pub struct Call {
    engine: Engine,
    text: String,
    inputs: Vec<(String, View<'static>)>,
    compiled: Option<(Formula, Prepared)>,
    out: Option<Place>,
}

/// An array's address and layout.
struct Place {
    data: *mut u8,
    dtype: DType,
    extents: Vec<usize>,
    strides: Vec<isize>,
}

impl Place {
    fn layout(&self) -> Layout<'_> {
        let (extents, strides) = (&self.extents, &self.strides);
        Layout { dtype: self.dtype, order: ByteOrder::Native, extents, strides }
    }
}

impl Call {
    fn vars(&self) -> Vars<'_> {
        self.inputs.iter().map(|(name, view)| (name.as_str(), Input::array(view.clone()))).collect()
    }

    fn out(&self) -> Result<ViewMut<'_>, Failure> {
        let place = self.out.as_ref().ok_or("the call has no output")?;
        // SAFETY: `fuse_call_new` demands that the arrays outlive the call and that nothing else
        // uses the output while it runs.
        Ok(unsafe { ViewMut::from_raw(place.data, &place.layout()) }?)
    }

    fn compiled(&self) -> Result<&(Formula, Prepared), Failure> {
        Ok(self.compiled.as_ref().ok_or("the call was made without compiling")?)
    }
}

/// The message of the last failure on this thread.
#[unsafe(no_mangle)]
pub extern "C" fn fuse_error() -> *const c_char {
    MESSAGE.with(|message| message.borrow().as_ptr())
}

/// An engine with so many threads; `interpret` selects the interpreter, 0 the fastest back end.
#[unsafe(no_mangle)]
pub extern "C" fn fuse_engine_new(threads: usize, interpret: i32) -> *mut Engine {
    let backend = if interpret == 0 { Backend::Auto } else { Backend::Interp };
    handle(Engine::builder().threads(threads).backend(backend).build().map_err(Failure::from))
}

/// Writes the names of the back end and the instruction set, as `cranelift x86-64+fma`, into a
/// buffer.
///
/// # Safety
/// `engine` is live; `buffer` has room for `room` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_engine_name(engine: *const Engine, buffer: *mut u8, room: usize) {
    // SAFETY: the caller's promise.
    let engine = unsafe { &*engine };
    let text = format!("{} {}", engine.backend_name(), engine.isa());
    let len = text.len().min(room.saturating_sub(1));
    // SAFETY: the caller's promise; `len + 1` is at most `room`.
    unsafe {
        buffer.copy_from_nonoverlapping(text.as_ptr(), len);
        buffer.add(len).write(0);
    }
}

/// A formula for arrays: `compile` 0 leaves it to the first evaluation.
///
/// # Safety
/// `engine` is live, the strings end in 0, `names` and `arrays` have `count` entries that describe
/// readable arrays of native byte order, `out` is null or describes a writable array; the arrays
/// outlive the call, and nothing else uses them while one of its functions runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_call_new(
    engine: *const Engine,
    text: *const c_char,
    names: *const *const c_char,
    arrays: *const BridgeArray,
    count: usize,
    out: *const BridgeArray,
    compile: i32,
) -> *mut Call {
    let make = || -> Result<Call, Failure> {
        // SAFETY: the caller's promise.
        let engine = unsafe { &*engine }.clone();
        // SAFETY: the caller's promise.
        let text = unsafe { CStr::from_ptr(text) }.to_str()?.to_string();
        let mut inputs = Vec::new();
        for index in 0..count {
            // SAFETY: the caller's promise: `count` entries, strings that end in 0.
            let (name, array) = unsafe { (CStr::from_ptr(*names.add(index)), arrays.add(index)) };
            // SAFETY: the caller's promise.
            let place = unsafe { place(array) }?;
            // SAFETY: the caller's promise: the memory is readable for the life of the call.
            let view = unsafe { View::from_raw(place.data, &place.layout()) }?;
            inputs.push((name.to_str()?.to_string(), view));
        }
        // SAFETY: the caller's promise.
        let out = if out.is_null() { None } else { Some(unsafe { place(out) }?) };
        let compiled = if compile == 0 { None } else { Some(prepare(&engine, &text, &inputs)?) };
        Ok(Call { engine, text, inputs, compiled, out })
    };
    handle(make())
}

fn prepare(
    engine: &Engine,
    text: &str,
    inputs: &[(String, View<'static>)],
) -> Result<(Formula, Prepared), Failure> {
    let formula = engine.formula(text)?;
    let prepared = formula.prepare(&types(inputs))?;
    Ok((formula, prepared))
}

fn types<'a>(inputs: &'a [(String, View<'static>)]) -> Vec<(&'a str, InputType)> {
    let ty = |view: &View<'_>| InputType::array(view.dtype(), view.extents());
    inputs.iter().map(|(name, view)| (name.as_str(), ty(view))).collect()
}

/// # Safety
/// As in [`fuse_call_new`].
unsafe fn place(array: *const BridgeArray) -> Result<Place, Failure> {
    // SAFETY: the caller's promise.
    let (array, name) = unsafe { (&*array, CStr::from_ptr((*array).dtype)) };
    let dtype = DType::from_name(name.to_str()?).ok_or("unknown dtype")?;
    let part = |k: usize| {
        // SAFETY: the caller's promise: `rank` extents and strides.
        unsafe { (*array.extents.add(k), *array.strides.add(k)) }
    };
    let (extents, strides) = (0..array.rank).map(part).unzip();
    Ok(Place { data: array.data, dtype, extents, strides })
}

/// Calls the prepared formula into the output, `times` times.
///
/// # Safety
/// `call` is live and its arrays too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_call_into(call: *const Call, times: usize) -> i32 {
    // SAFETY: the caller's promise.
    let call = unsafe { &*call };
    repeat(times, || Ok(call.compiled()?.1.evaluate_into(call.vars(), &mut call.out()?)?))
}

/// Calls the parsed formula into the output, `times` times: the plan is looked up.
///
/// # Safety
/// `call` is live and its arrays too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_call_formula(call: *const Call, times: usize) -> i32 {
    // SAFETY: the caller's promise.
    let call = unsafe { &*call };
    repeat(times, || Ok(call.compiled()?.0.evaluate_into(call.vars(), &mut call.out()?)?))
}

/// Evaluates the text, `times` times, each time into a new array that is dropped.
///
/// # Safety
/// `call` is live and its arrays too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_call_text(call: *const Call, times: usize) -> i32 {
    // SAFETY: the caller's promise.
    let call = unsafe { &*call };
    repeat(times, || {
        black_box(call.engine.evaluate(&call.text, call.vars())?);
        Ok(())
    })
}

/// Writes what became of the formula, the kernel's text (`asm` 0) or machine code, into a buffer;
/// gives the number of bytes that it has, -1 where it fails.
///
/// # Safety
/// `call` is live; `buffer` has room for `room` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_call_explain(
    call: *const Call,
    asm: i32,
    buffer: *mut u8,
    room: usize,
) -> isize {
    // SAFETY: the caller's promise.
    let call = unsafe { &*call };
    let stage = if asm == 0 { Stage::Kernel } else { Stage::Asm };
    let explain = || -> Result<String, Failure> {
        Ok(call.compiled()?.0.explain(&types(&call.inputs), stage)?)
    };
    match explain() {
        Ok(text) => {
            // SAFETY: the caller's promise.
            unsafe { buffer.copy_from_nonoverlapping(text.as_ptr(), text.len().min(room)) };
            isize::try_from(text.len()).unwrap_or(isize::MAX)
        }
        Err(error) => {
            keep(error.as_ref());
            -1
        }
    }
}

/// Evaluates into a new array; null where it fails.
///
/// # Safety
/// `call` is live and its arrays too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_call_new_array(call: *const Call) -> *mut Array {
    // SAFETY: the caller's promise.
    let call = unsafe { &*call };
    let evaluate = || match &call.compiled {
        Some((_, prepared)) => prepared.evaluate(call.vars()),
        None => call.engine.evaluate(&call.text, call.vars()),
    };
    handle(evaluate().map_err(Failure::from))
}

/// The array's elements in C order.
///
/// # Safety
/// `array` is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_array_data(array: *const Array) -> *const u8 {
    // SAFETY: the caller's promise.
    unsafe { &*array }.as_bytes().as_ptr()
}

/// Frees an array.
///
/// # Safety
/// `array` came from [`fuse_call_new_array`] and is freed once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_array_free(array: *mut Array) {
    // SAFETY: the caller's promise: the handle was boxed by `handle`.
    drop(unsafe { Box::from_raw(array) });
}

/// Frees a call.
///
/// # Safety
/// `call` came from [`fuse_call_new`] and is freed once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_call_free(call: *mut Call) {
    // SAFETY: the caller's promise: the handle was boxed by `handle`.
    drop(unsafe { Box::from_raw(call) });
}

/// Copies `bytes` bytes with so many threads, each one contiguous part.
///
/// # Safety
/// Both ranges are live and do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fuse_copy(to: *mut u8, from: *const u8, bytes: usize, threads: usize) {
    // SAFETY: the caller's promise.
    let (to, from) = unsafe {
        (std::slice::from_raw_parts_mut(to, bytes), std::slice::from_raw_parts(from, bytes))
    };
    if threads <= 1 {
        to.copy_from_slice(from);
        return;
    }
    let part = bytes.div_ceil(threads).next_multiple_of(64);
    with_pool(threads, || {
        rayon::scope(|scope| {
            for (to, from) in to.chunks_mut(part).zip(from.chunks(part)) {
                scope.spawn(move |_| to.copy_from_slice(from));
            }
        });
    });
}

/// Runs `work` in a pool of so many threads, kept from call to call.
fn with_pool(threads: usize, work: impl FnOnce() + Send) {
    static POOL: Mutex<Option<rayon::ThreadPool>> = Mutex::new(None);
    let mut pool = POOL.lock().expect("no copy panics");
    if pool.as_ref().is_none_or(|pool| pool.current_num_threads() != threads) {
        *pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok();
    }
    match pool.as_ref() {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

fn repeat(times: usize, mut call: impl FnMut() -> Result<(), Failure>) -> i32 {
    let done = (0..times).try_for_each(|_| call());
    done.map_or_else(
        |error| {
            keep(error.as_ref());
            -1
        },
        |()| 0,
    )
}

fn handle<T>(made: Result<T, Failure>) -> *mut T {
    match made {
        Ok(value) => Box::into_raw(Box::new(value)),
        Err(error) => {
            keep(error.as_ref());
            std::ptr::null_mut()
        }
    }
}

fn keep(error: &dyn std::error::Error) {
    let text = error.to_string().replace('\0', " ");
    MESSAGE.with(|message| *message.borrow_mut() = CString::new(text).unwrap_or_default());
}
