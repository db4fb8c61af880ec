//! The thread that compiles.
//!
//! Cranelift wants up to a megabyte of stack and callers may have little, so one thread with a large
//! stack is started at the first compilation and kept. Starting one for each compilation costs
//! 30 µs; this costs 10. A forked child has no such thread (its process id differs) and starts one
//! for each compilation, without touching a lock that its parent may have held.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread;

use fuse_ir::CodegenError;

use crate::target::internal;

/// Bytes of stack for a compilation.
const STACK_BYTES: usize = 8 << 20;

type Job = Box<dyn FnOnce() + Send>;

struct Worker {
    process: u32,
    jobs: Option<Sender<Job>>,
}

static WORKER: OnceLock<Worker> = OnceLock::new();

/// Runs a compilation where there is enough stack. A panic in it becomes an internal error.
pub(crate) fn compile_on_large_stack<T: Send + 'static>(
    compile: impl FnOnce() -> Result<T, CodegenError> + Send + 'static,
) -> Result<T, CodegenError> {
    let (reply, result) = sync_channel(1);
    let job: Job = Box::new(move || {
        let outcome = catch_unwind(AssertUnwindSafe(compile));
        // The receiver waits for exactly this.
        let _ = reply.send(outcome.unwrap_or_else(|payload| Err(panicked(payload.as_ref()))));
    });
    start(job)?;
    result.recv().unwrap_or_else(|_| Err(internal("the compile thread ended")))
}

fn start(job: Job) -> Result<(), CodegenError> {
    let worker = WORKER.get_or_init(|| Worker { process: process::id(), jobs: kept_thread() });
    let jobs = worker.jobs.as_ref().filter(|_| worker.process == process::id());
    let refused = match jobs {
        Some(jobs) => match jobs.send(job) {
            Ok(()) => return Ok(()),
            Err(refused) => refused.0,
        },
        None => job,
    };
    thread_with_stack().spawn(refused).map(drop).map_err(no_thread)
}

fn kept_thread() -> Option<Sender<Job>> {
    let (sender, jobs) = channel::<Job>();
    let spawned = thread_with_stack().spawn(move || jobs.into_iter().for_each(|job| job()));
    spawned.ok().map(|_| sender)
}

fn thread_with_stack() -> thread::Builder {
    thread::Builder::new().name("fuse-compile".to_string()).stack_size(STACK_BYTES)
}

fn no_thread(error: std::io::Error) -> CodegenError {
    CodegenError::Memory(format!("no thread to compile on: {error}"))
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> CodegenError {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    internal(text.unwrap_or("a panic without a message"))
}

#[cfg(test)]
mod tests {
    use super::compile_on_large_stack;

    #[test]
    fn a_panic_is_an_internal_error_and_the_thread_goes_on() {
        let failed = compile_on_large_stack::<()>(|| panic!("planted"));
        assert!(failed.expect_err("it panicked").to_string().contains("planted"));
        assert_eq!(compile_on_large_stack(|| Ok(7)), Ok(7));
    }
}
