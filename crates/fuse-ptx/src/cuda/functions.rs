//! The driver's functions, found by name in its library.
//!
//! `cudarc` finds and opens the library. Its own bindings are not called, for two reasons: they panic
//! where a library lacks a function, and they take every code that a driver returns for one of an
//! enumeration that ends with the CUDA version of the build, which a newer driver's code is not. Here a
//! code is a number, and everything that is needed is looked up before anything is called.
//!
//! Signatures are those of `cuda.h` 12.0: handles are pointers, enumerations `unsigned int`, device
//! pointers 64 bits. All the functions are older than CUDA 10.

#![expect(unsafe_code, reason = "finds foreign functions by name and calls them")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

use cudarc::driver::sys;
use fuse_ir::DeviceError;

/// Something of the driver's: a context, a stream, an event, a module or a function.
pub(super) type Handle = *mut c_void;

/// What a call that worked returns.
const SUCCESS: c_uint = 0;

/// A call that did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The function.
    pub(super) call: &'static str,
    /// What it returned: `CUresult`.
    pub(super) code: u32,
}

/// All of them, or why there are none. The library stays open until the process ends.
pub(super) fn functions() -> Result<&'static Functions, DeviceError> {
    static FUNCTIONS: OnceLock<Result<Functions, DeviceError>> = OnceLock::new();
    FUNCTIONS.get_or_init(Functions::find).as_ref().map_err(Clone::clone)
}

/// Declares the table, and a method for each function that makes a [`Failure`] of its code.
macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        /// The driver's functions.
        #[expect(non_snake_case, reason = "the driver's own names")]
        pub(super) struct Functions {
            $($name: unsafe extern "C" fn($($type),*) -> c_uint,)*
        }

        #[expect(non_snake_case, reason = "the driver's own names")]
        #[expect(clippy::too_many_arguments, reason = "the driver's own signatures")]
        impl Functions {
            fn find() -> Result<Functions, DeviceError> {
                // SAFETY: loads a library, whose initializers run: it is the driver's, which is what
                // the caller asks for.
                if !unsafe { sys::is_culib_present() } {
                    let reason = "libcuda.so.1 is not there, or cannot be loaded";
                    return Err(DeviceError::NoDriver(reason.to_string()));
                }
                // SAFETY: as above. It cannot panic: the library was there a moment ago.
                let library = unsafe { sys::culib() };
                Ok(Functions {
                    $($name: {
                        // SAFETY: the type is the one that `cuda.h` declares for this name.
                        let symbol = unsafe { library.get(stringify!($name).as_bytes()) };
                        *symbol.map_err(|_| missing(stringify!($name)))?
                    },)*
                })
            }

            $(
                /// # Safety
                /// What the driver's documentation asks of the arguments.
                #[inline]
                pub(super) unsafe fn $name(&self, $($argument: $type),*) -> Result<(), Failure> {
                    // SAFETY: the caller's promise; the signature is the library's.
                    let code = unsafe { (self.$name)($($argument),*) };
                    if code == SUCCESS {
                        return Ok(());
                    }
                    Err(Failure { call: stringify!($name), code })
                }
            )*
        }
    };
}

functions! {
    cuInit(flags: c_uint);
    cuDriverGetVersion(version: *mut c_int);
    cuGetErrorName(code: c_uint, name: *mut *const c_char);
    cuGetErrorString(code: c_uint, text: *mut *const c_char);
    cuDeviceGetCount(count: *mut c_int);
    cuDeviceGet(device: *mut c_int, ordinal: c_int);
    cuDeviceGetName(name: *mut c_char, len: c_int, device: c_int);
    cuDeviceGetAttribute(value: *mut c_int, attribute: c_uint, device: c_int);
    cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int);
    cuDevicePrimaryCtxRetain(context: *mut Handle, device: c_int);
    cuDevicePrimaryCtxRelease_v2(device: c_int);
    cuCtxSetCurrent(context: Handle);
    cuMemGetInfo_v2(free: *mut usize, total: *mut usize);
    cuMemAlloc_v2(address: *mut u64, bytes: usize);
    cuMemFree_v2(address: u64);
    cuMemHostAlloc(pointer: *mut *mut c_void, bytes: usize, flags: c_uint);
    cuMemFreeHost(pointer: *mut c_void);
    cuMemcpyHtoDAsync_v2(to: u64, from: *const c_void, bytes: usize, stream: Handle);
    cuMemcpyDtoHAsync_v2(to: *mut c_void, from: u64, bytes: usize, stream: Handle);
    cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: Handle);
    cuStreamCreate(stream: *mut Handle, flags: c_uint);
    cuStreamDestroy_v2(stream: Handle);
    cuStreamQuery(stream: Handle);
    cuStreamSynchronize(stream: Handle);
    cuStreamWaitEvent(stream: Handle, event: Handle, flags: c_uint);
    cuEventCreate(event: *mut Handle, flags: c_uint);
    cuEventDestroy_v2(event: Handle);
    cuEventRecord(event: Handle, stream: Handle);
    cuEventQuery(event: Handle);
    cuEventSynchronize(event: Handle);
    cuModuleLoadDataEx(
        module: *mut Handle,
        image: *const c_void,
        n_options: c_uint,
        options: *mut c_uint,
        values: *mut *mut c_void
    );
    cuModuleUnload(module: Handle);
    cuModuleGetFunction(function: *mut Handle, module: Handle, name: *const c_char);
    cuLaunchKernel(
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
        extra: *mut *mut c_void
    );
}

fn missing(name: &str) -> DeviceError {
    DeviceError::NoDriver(format!("its library has no {name}"))
}

impl Functions {
    /// Name and text of a code: `CUDA_ERROR_INVALID_VALUE: invalid argument`.
    pub(super) fn describe(&self, code: u32) -> String {
        let (mut name, mut text) = (std::ptr::null(), std::ptr::null());
        // SAFETY: both are written with the address of text that ends with 0, or with null.
        let (name, text) = unsafe {
            let known = self.cuGetErrorName(code, &raw mut name).is_ok();
            let known = self.cuGetErrorString(code, &raw mut text).is_ok() && known;
            if !known || name.is_null() || text.is_null() {
                return format!("error {code}");
            }
            (CStr::from_ptr(name), CStr::from_ptr(text))
        };
        format!("{}: {}", name.to_string_lossy(), text.to_string_lossy())
    }
}

impl Failure {
    /// What the driver says of it.
    pub(super) fn reason(&self) -> String {
        functions().map_or_else(|_| format!("error {}", self.code), |all| all.describe(self.code))
    }
}

impl From<Failure> for DeviceError {
    fn from(failure: Failure) -> DeviceError {
        DeviceError::Driver { call: failure.call, reason: failure.reason() }
    }
}
