//! Intel's vector library, opened at run time: entry points of one 512-bit vector in, one out.
//!
//! The names are `__svml_exp8_ha` for eight f64, `__svml_expf16_ha` for sixteen f32; `ha` is *high accuracy*,
//! below 1 ULP. Such an entry jumps through a pointer that the library sets for the processor it finds
//! (`__svml_exp8_ha_z0` is where it leads on one with AVX-512), and follows the C calling convention.
//! Compilers call it once a vector when they vectorise a loop, and so do the loops here.

#![expect(unsafe_code, reason = "opens a library of C, and calls it on vectors")]
#![expect(improper_ctypes_definitions, reason = "the C ABI passes a vector in a register")]

use std::arch::x86_64::{
    __m512, __m512d, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_storeu_pd, _mm512_storeu_ps,
};
use std::ffi::OsStr;
use std::path::Path;

use fuse_benches::aligned::Aligned;
use fuse_benches::real::Real;
use libloading::Error;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

type OneF64 = unsafe extern "C" fn(__m512d) -> __m512d;
type TwoF64 = unsafe extern "C" fn(__m512d, __m512d) -> __m512d;
type OneF32 = unsafe extern "C" fn(__m512) -> __m512;

/// The library, open.
pub(crate) struct Svml {
    library: Library,
    // What it needs from beside it; closed after it.
    _beside: Option<Library>,
}

/// Computes a whole array, vector by vector.
pub(crate) type Loop<'l, T> = Box<dyn Fn(&[Aligned<T>], &mut [T]) + 'l>;

/// Types that the library has vectors of.
pub(crate) trait Vectors: Real {
    /// The loop over a function, such as `exp`, in a variant, such as `ha`, of so many arguments.
    fn find<'l>(
        svml: &'l Svml,
        function: &str,
        variant: &str,
        arguments: usize,
    ) -> Result<Loop<'l, Self>, Error>;
}

impl Svml {
    /// Opens it, and before it the library beside it that it needs and would not find by itself.
    pub(crate) fn open(path: &Path) -> Result<Svml, Error> {
        let needed = path.with_file_name("libintlc.so.5");
        let beside = if needed.exists() { Some(open(needed.as_os_str())?) } else { None };
        Ok(Svml { library: open(path.as_os_str())?, _beside: beside })
    }
}

fn open(path: &OsStr) -> Result<Library, Error> {
    // SAFETY: opening Intel's libraries runs nothing but what sets their own dispatch pointers.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }
}

/// Has this processor vectors of 512 bits?
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
}

impl Vectors for f64 {
    fn find<'l>(
        svml: &'l Svml,
        function: &str,
        variant: &str,
        arguments: usize,
    ) -> Result<Loop<'l, f64>, Error> {
        assert!(is_available(), "a processor with AVX-512");
        let name = format!("__svml_{function}8_{variant}");
        if arguments == 2 {
            // SAFETY: entries with `8` take vectors of eight f64, those of two arguments two of them.
            let entry = unsafe { *svml.library.get::<TwoF64>(name.as_str())? };
            // SAFETY: the processor has AVX-512 F; the library is open as long as the loop lives.
            return Ok(Box::new(move |x, out| unsafe { two_f64(entry, &x[0], &x[1], out) }));
        }
        // SAFETY: as above, those of one argument one.
        let entry = unsafe { *svml.library.get::<OneF64>(name.as_str())? };
        // SAFETY: as above.
        Ok(Box::new(move |x, out| unsafe { one_f64(entry, &x[0], out) }))
    }
}

impl Vectors for f32 {
    fn find<'l>(
        svml: &'l Svml,
        function: &str,
        variant: &str,
        arguments: usize,
    ) -> Result<Loop<'l, f32>, Error> {
        assert!(is_available() && arguments == 1, "AVX-512, and a function of one argument");
        let name = format!("__svml_{function}f16_{variant}");
        // SAFETY: entries with `f16` take vectors of sixteen f32.
        let entry = unsafe { *svml.library.get::<OneF32>(name.as_str())? };
        // SAFETY: the processor has AVX-512 F; the library is open as long as the loop lives.
        Ok(Box::new(move |x, out| unsafe { one_f32(entry, &x[0], out) }))
    }
}

/// # Safety
/// `entry` is code of a library that is open.
#[target_feature(enable = "avx512f")]
unsafe fn one_f64(entry: OneF64, x: &[f64], out: &mut [f64]) {
    for (x, out) in x.as_chunks::<8>().0.iter().zip(out.as_chunks_mut::<8>().0) {
        // SAFETY: both are eight elements; the caller's promise.
        unsafe { _mm512_storeu_pd(out.as_mut_ptr(), entry(_mm512_loadu_pd(x.as_ptr()))) };
    }
}

/// # Safety
/// `entry` is code of a library that is open.
#[target_feature(enable = "avx512f")]
unsafe fn two_f64(entry: TwoF64, x: &[f64], y: &[f64], out: &mut [f64]) {
    let (x, y, out) = (x.as_chunks::<8>().0, y.as_chunks::<8>().0, out.as_chunks_mut::<8>().0);
    for ((x, y), out) in x.iter().zip(y).zip(out) {
        // SAFETY: each is eight elements; the caller's promise.
        unsafe {
            let result = entry(_mm512_loadu_pd(x.as_ptr()), _mm512_loadu_pd(y.as_ptr()));
            _mm512_storeu_pd(out.as_mut_ptr(), result);
        }
    }
}

/// # Safety
/// `entry` is code of a library that is open.
#[target_feature(enable = "avx512f")]
unsafe fn one_f32(entry: OneF32, x: &[f32], out: &mut [f32]) {
    for (x, out) in x.as_chunks::<16>().0.iter().zip(out.as_chunks_mut::<16>().0) {
        // SAFETY: both are sixteen elements; the caller's promise.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), entry(_mm512_loadu_ps(x.as_ptr()))) };
    }
}
