//! Signals that end the process: a last message, and nothing left behind.
//!
//! ```text
//! SIGBUS ─┬─ in a mapped input ─▶ remove temporaries ─▶ message with the file's name ─▶ _exit(1)
//!         └─ elsewhere         ─▶ what it would have done without us
//! SIGTERM, SIGHUP, SIGQUIT     ─▶ remove temporaries ─▶ what they would have done without us
//! SIGXFSZ                      ─  ignored: a limit on file size is an error of `write`
//! ```
//!
//! A page of a mapped file that is no longer there, because another program has made the file shorter,
//! raises `SIGBUS` in the thread that reads it. Nothing can be given to that thread instead, so the
//! process ends; the first thread to get here speaks, the others wait for the end.
//!
//! Invariant. *Handlers call what is async-signal-safe, and nothing else*: `write`, `unlinkat`,
//! `pause`, `sigaction`, `raise`, `_exit`; they neither allocate nor lock. Rust's own handler of
//! `SIGBUS`, which explains stack overflows on other systems, is replaced and not called: it would
//! restore the default action at once, and a second thread would end the process before the message.

#![expect(unsafe_code, reason = "handlers of signals")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::RUN;

/// Signals that end the process from outside. Ctrl-C is `interrupt`'s.
const ENDING: [c_int; 3] = [libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Has a thread begun to end the process?
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Takes over these signals, once. Where that fails, they end the process as they always did.
pub(crate) fn install() {
    let on_fault: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_fault;
    let on_end: extern "C" fn(c_int) = on_end;
    set_action(libc::SIGBUS, on_fault as libc::sighandler_t, libc::SA_SIGINFO | libc::SA_ONSTACK);
    for signal in ENDING {
        // `nohup` and its like have a reason.
        if !is_ignored(signal) {
            set_action(signal, on_end as libc::sighandler_t, libc::SA_RESTART | libc::SA_ONSTACK);
        }
    }
    set_action(libc::SIGXFSZ, libc::SIG_IGN, 0);
}

fn set_action(signal: c_int, handler: libc::sighandler_t, flags: c_int) {
    // SAFETY: zeros are a valid `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: `action` is complete; a handler is one of the functions of this file, whose signature
    // fits its flags, and which does only what a handler may.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

fn is_ignored(signal: c_int) -> bool {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: nothing is set; zeros are a valid `sigaction` if the call should fail.
    let old = unsafe {
        libc::sigaction(signal, ptr::null(), old.as_mut_ptr());
        old.assume_init()
    };
    old.sa_sigaction == libc::SIG_IGN
}

/// `SIGBUS`.
extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    // SAFETY: the system passes what SA_SIGINFO promises.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // Not positive: sent by a process, without an address.
    let is_fault = code > 0;
    match fuse_npy::mapped_file_at(address).filter(|_| is_fault) {
        Some(file) => explain(file.name()),
        None if is_fault => set_action(signal, libc::SIG_DFL, 0), // and it happens again
        None => pass_on(signal),
    }
}

/// `SIGTERM` and its like.
extern "C" fn on_end(signal: c_int) {
    fuse_npy::remove_temporaries();
    pass_on(signal);
}

/// Says that a file became shorter, and ends the process.
fn explain(name: &[u8]) -> ! {
    if IS_ENDING.swap(true, Ordering::Relaxed) {
        loop {
            // SAFETY: waits, and touches nothing.
            unsafe { libc::pause() };
        }
    }
    fuse_npy::remove_temporaries();
    let parts: [&[u8]; 3] = [b"error: ", name, b": the file became shorter while it was read\n"];
    for part in parts {
        // SAFETY: the bytes are there for the length that is given. Nobody is left to tell if the
        // message cannot be written.
        _ = unsafe { libc::write(libc::STDERR_FILENO, part.as_ptr().cast(), part.len()) };
    }
    // SAFETY: ends the process without running anything of it.
    unsafe { libc::_exit(c_int::from(RUN)) }
}

/// Lets a signal do what it does by default, as soon as its handler returns.
fn pass_on(signal: c_int) {
    set_action(signal, libc::SIG_DFL, 0);
    // SAFETY: sends the calling thread a signal, which is blocked until the handler returns.
    unsafe { libc::raise(signal) };
}
