//! The floating-point control state around kernels, and around what computes constants for them.
//!
//! A caller may have set flush-to-zero or another rounding mode; kernels promise the same bits
//! everywhere, so they run under the default: round to nearest even, subnormals kept, exceptions
//! masked. [`DefaultFloats::enter`] sets it, dropping the guard restores what was there. Reading the
//! register costs a few cycles; it is written only where it differs.

#![expect(unsafe_code, reason = "reads and writes the floating-point control register")]

/// While it lives, this thread computes under the default floating-point control state.
#[derive(Debug)]
pub struct DefaultFloats {
    restore: Option<Control>,
}

impl DefaultFloats {
    /// Sets the default state.
    #[must_use]
    pub fn enter() -> DefaultFloats {
        let found = read();
        let restore = (found & CONTROL_BITS != DEFAULT).then_some(found);
        if restore.is_some() {
            write(DEFAULT);
        }
        DefaultFloats { restore }
    }
}

impl Drop for DefaultFloats {
    fn drop(&mut self) {
        if let Some(found) = self.restore {
            write(found);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod machine {
    //! MXCSR: bits 0-5 are sticky exception flags, 6 is DAZ, 7-12 mask exceptions, 13-14 round,
    //! 15 is FTZ.
    use std::arch::asm;

    pub(super) type Control = u32;
    pub(super) const DEFAULT: Control = 0x1f80;
    pub(super) const CONTROL_BITS: Control = 0xffc0;

    pub(super) fn read() -> Control {
        let mut control: Control = 0;
        // SAFETY: stores four bytes to `control`.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack, preserves_flags))
        };
        control
    }

    pub(super) fn write(control: Control) {
        // SAFETY: loads four bytes from `control`, a value read from MXCSR or the default one, so
        // no reserved bit is set.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack, preserves_flags))
        };
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    //! FPCR: all bits are control; the default is 0.
    use std::arch::asm;

    pub(super) type Control = u64;
    pub(super) const DEFAULT: Control = 0;
    pub(super) const CONTROL_BITS: Control = u64::MAX;

    pub(super) fn read() -> Control {
        let control: Control;
        // SAFETY: reads a register that user code may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack, preserves_flags)) };
        control
    }

    pub(super) fn write(control: Control) {
        // SAFETY: the value was read from FPCR or is its default.
        unsafe { asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("fuse-runtime runs on x86-64 and aarch64");

use machine::{CONTROL_BITS, Control, DEFAULT, read, write};

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn another_state_is_set_aside_and_restored() {
        let before = read();
        write(before | 0x8040);
        {
            let _floats = DefaultFloats::enter();
            assert_eq!(read() & CONTROL_BITS, DEFAULT);
            assert!(std::hint::black_box(f64::MIN_POSITIVE) / 2.0 > 0.0);
        }
        assert_eq!(read() & 0x8040, 0x8040);
        write(before);
    }
}
