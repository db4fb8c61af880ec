//! What these tests ask of Linux and of the CPU: time of a thread or a process, forked children, an odd
//! floating-point state. The calls of the C library stand here, and nothing else.

#![expect(unsafe_code, reason = "calls of the C library, and the floating-point control register")]

use std::ffi::{c_int, c_long, c_uint};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// `struct timespec` of 64-bit Linux.
#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: c_long,
}

unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn alarm(seconds: c_uint) -> c_uint;
    fn _exit(code: c_int) -> !;
}

fn clock(number: c_int) -> Duration {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: writes one `timespec`, which this is.
    let done = unsafe { clock_gettime(number, &raw mut time) };
    assert_eq!(done, 0, "Linux has this clock");
    let part = |number: i64| u64::try_from(number).expect("time goes forward");
    Duration::from_secs(part(time.seconds)) + Duration::from_nanos(part(time.nanoseconds))
}

/// Time that this thread has had of a CPU: what else the machine does is not in it.
pub(super) fn thread_time() -> Duration {
    const CLOCK_THREAD_CPUTIME_ID: c_int = 3;
    clock(CLOCK_THREAD_CPUTIME_ID)
}

/// Time that all threads of this process have had of CPUs.
pub(super) fn process_time() -> Duration {
    const CLOCK_PROCESS_CPUTIME_ID: c_int = 2;
    clock(CLOCK_PROCESS_CPUTIME_ID)
}

/// How a forked child ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself: 0 where its work was done, 1 where it panicked.
    Exit(c_int),
    /// By a signal: `SIGALRM`, 14, where it took too long.
    Signal(c_int),
}

/// Does `work` in a forked child, which the system's alarm ends after so many seconds.
pub(super) fn in_forked_child(seconds: c_uint, work: impl FnOnce()) -> Ended {
    // SAFETY: the child runs `work` alone and leaves by `_exit`; whether the code of `work` stands a
    // fork is what is tested.
    let child = unsafe { fork() };
    assert!(child >= 0, "no process");
    if child == 0 {
        // SAFETY: sets the timer of this process.
        unsafe { alarm(seconds) };
        let done = catch_unwind(AssertUnwindSafe(work)).is_ok();
        // SAFETY: ends the child; what its parent has to drop is the parent's.
        unsafe { _exit(c_int::from(!done)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above, and writes one number.
    let found = unsafe { waitpid(child, &raw mut status, 0) };
    assert_eq!(found, child, "the child is ours");
    match status & 0x7f {
        0 => Ended::Exit(status >> 8 & 0xff),
        signal => Ended::Signal(signal),
    }
}

/// Flush to zero, subnormals as zeros, and rounding down: bits 15, 6 and 13 of MXCSR.
#[cfg(target_arch = "x86_64")]
const ODD: u32 = 0x8000 | 0x40 | 0x2000;

/// The rounding mode and what becomes of subnormals.
#[cfg(target_arch = "x86_64")]
const STATE: u32 = 0x8000 | 0x40 | 0x6000;

#[cfg(target_arch = "x86_64")]
fn control() -> u32 {
    let mut control = 0_u32;
    // SAFETY: stores four bytes to `control`.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack)) };
    control
}

#[cfg(target_arch = "x86_64")]
fn set_control(control: u32) {
    // SAFETY: loads a value that was read from MXCSR, with bits changed that all CPUs have.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack)) };
}

/// Runs `call` on this thread under an odd floating-point state; false where it is another one afterwards.
#[cfg(target_arch = "x86_64")]
pub(super) fn under_odd_floats<R>(call: impl FnOnce() -> R) -> (R, bool) {
    let before = control();
    set_control(before & !STATE | ODD);
    let result = call();
    let kept = control() & STATE == ODD;
    set_control(before);
    (result, kept)
}

#[test]
fn children_are_told_apart_by_how_they_end() {
    assert_eq!(in_forked_child(20, || ()), Ended::Exit(0));
    let ended = in_forked_child(1, || {
        loop {
            std::hint::spin_loop();
        }
    });
    assert_eq!(ended, Ended::Signal(14));
}

#[test]
fn work_takes_time() {
    let (thread, process) = (thread_time(), process_time());
    let sum: f64 = std::hint::black_box((0..100_000).map(f64::from).sum());
    assert!(sum > 0.0 && thread_time() > thread && process_time() > process);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn odd_floats_are_odd() {
    let half = || std::hint::black_box(f64::MIN_POSITIVE) / 2.0;
    assert_eq!(under_odd_floats(half), (0.0, true));
    assert!(half() > 0.0);
}
