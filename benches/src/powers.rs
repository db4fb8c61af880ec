//! The headline formula `x + x**2 + … + x**8` written by hand with AVX-512 intrinsics.
//!
//! Horner's rule as fuse finds it too: `a ← x·a + x`, seven times from `a = x`; seven multiply-adds for
//! eight elements, 3.5 cycles on two ports. Four vectors are computed side by side: a chain of seven takes
//! 28 cycles, and the processor overlaps the turns of the loop, so that more of them were not faster.
//! On several threads the array is cut into as many equal parts.

#![expect(unsafe_code, reason = "loads and stores vectors through pointers")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m512d, _mm512_fmadd_pd, _mm512_loadu_pd, _mm512_storeu_pd};

/// The formula as fuse is given it.
pub const TEXT: &str = "x + x**2 + x**3 + x**4 + x**5 + x**6 + x**7 + x**8";

/// Elements of a vector.
const LANES: usize = 8;
/// Vectors of a turn of the loop.
const SIDE_BY_SIDE: usize = 4;

/// Has this processor what [`sum`] needs?
#[cfg(target_arch = "x86_64")]
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
}

/// Has this processor what [`sum`] needs?
#[cfg(not(target_arch = "x86_64"))]
pub fn is_available() -> bool {
    false
}

/// The sum of eight powers of every element.
///
/// # Panics
/// Where the processor lacks AVX-512, or the arrays are not equally long, in whole turns of the loop.
pub fn sum(x: &[f64], out: &mut [f64]) {
    assert!(is_available(), "a processor with AVX-512");
    assert_eq!(x.len(), out.len());
    assert_eq!(x.len() % (SIDE_BY_SIDE * LANES), 0, "whole turns of the loop");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the processor has AVX-512 F.
    unsafe {
        sum_of_vectors(x, out)
    };
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn sum_of_vectors(x: &[f64], out: &mut [f64]) {
    let (x, _) = x.as_chunks::<{ SIDE_BY_SIDE * LANES }>();
    let (out, _) = out.as_chunks_mut::<{ SIDE_BY_SIDE * LANES }>();
    for (x, out) in x.iter().zip(out) {
        // SAFETY: vector `k` lies inside of the turn's elements, for `k` below `SIDE_BY_SIDE`.
        let x: [__m512d; SIDE_BY_SIDE] =
            std::array::from_fn(|k| unsafe { _mm512_loadu_pd(x.as_ptr().add(k * LANES)) });
        let mut sums = x;
        for _ in 0..7 {
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = _mm512_fmadd_pd(x, *sum, x);
            }
        }
        for (k, sum) in sums.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe { _mm512_storeu_pd(out.as_mut_ptr().add(k * LANES), sum) };
        }
    }
}
