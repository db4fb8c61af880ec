//! Ctrl-C.
//!
//! While something runs that can be stopped (an evaluation, a file being written), the first Ctrl-C
//! cancels its token, and the command cleans up and ends with 130. At any other time, and the second
//! time, the process ends at once; a file in the making, which mostly has no name yet, goes with it. A
//! session at its prompt ignores it: there Ctrl-C is a key, and a signal from elsewhere must not leave the
//! terminal in disorder. One that comes after a line was entered, but before its evaluation began, cancels
//! that; in a script one that comes too late to stop a line ends the script behind it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use fuse::CancelToken;

use crate::failure::INTERRUPTED;

/// What a Ctrl-C stops now.
static RUNNING: Mutex<Option<CancelToken>> = Mutex::new(None);

/// Is this a session on a terminal?
static SESSION: AtomicBool = AtomicBool::new(false);

/// Has Ctrl-C come since the last line was entered? It may have found nothing to stop, or something that was
/// done before it looked.
static CAME: AtomicBool = AtomicBool::new(false);

/// A session takes a line now: what came before was not meant for it.
pub(crate) fn begin_line() {
    CAME.store(false, Ordering::Relaxed);
}

/// Has Ctrl-C come meanwhile, without stopping anything? A script ends then all the same.
pub(crate) fn has_come() -> bool {
    CAME.swap(false, Ordering::Relaxed)
}

/// From now on, Ctrl-C ends evaluations only.
pub(crate) fn begin_session() {
    SESSION.store(true, Ordering::Relaxed);
}

/// Takes over Ctrl-C, once.
pub(crate) fn install() {
    // Where no handler can be had, Ctrl-C ends the process, which is safe as well.
    let _ = ctrlc::set_handler(interrupted);
}

/// Runs `work` with a token that Ctrl-C cancels.
pub(crate) fn interruptible<R>(work: impl FnOnce(&CancelToken) -> R) -> R {
    let token = CancelToken::new();
    set_running(Some(token.clone()));
    if CAME.load(Ordering::Relaxed) {
        token.cancel();
    }
    let result = work(&token);
    set_running(None);
    result
}

fn set_running(token: Option<CancelToken>) {
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = token;
}

/// Runs on a thread of its own.
#[expect(clippy::exit, reason = "there is nobody to return to")]
fn interrupted() {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    match running.take() {
        Some(token) => {
            CAME.store(true, Ordering::Relaxed);
            token.cancel();
        }
        None if SESSION.load(Ordering::Relaxed) => CAME.store(true, Ordering::Relaxed),
        None => {
            fuse_npy::remove_temporaries();
            std::process::exit(i32::from(INTERRUPTED))
        }
    }
}
