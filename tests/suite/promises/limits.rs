//! Cancellation, deadlines, limits on work and bytes: errors, and the engine goes on.

use std::time::Duration;

use fuse::{CancelToken, Engine, ErrorKind, Limits, vars};

/// A formula that takes the interpreter minutes on [`large`] arrays.
const LONG: &str = "sum(((x % 0.7) // 0.3 + (x % 0.11)) % 0.013 + x // 0.017)";

fn large() -> Vec<f64> {
    (0..40_000_000).map(|k| f64::from(k) * 0.37).collect()
}

fn slow_engine() -> fuse::EngineBuilder {
    Engine::builder().backend(fuse::Backend::Interp).threads(2)
}

#[test]
fn a_cancelled_call_stops() {
    let (engine, token) = (slow_engine().build().expect("an engine"), CancelToken::new());
    let cancellable = engine.with_cancel(&token);
    let x = large();
    let kind = std::thread::scope(|scope| {
        let run = scope.spawn(|| cancellable.evaluate(LONG, vars! { x }).map_err(|e| e.kind()));
        // Whether it has begun by now or not, it ends.
        token.cancel();
        run.join().expect("no panic")
    });
    assert_eq!(kind.err(), Some(ErrorKind::Cancelled));
    let x = [1.0];
    assert!(engine.evaluate("x + 1", vars! { x }).is_ok(), "other calls go on");
    let again = cancellable.evaluate("x + 1", vars! { x }).map_err(|error| error.kind());
    assert_eq!(again.err(), Some(ErrorKind::Cancelled), "the token stays cancelled");
}

#[test]
fn a_deadline_ends_a_call() {
    let engine = slow_engine().deadline(Duration::from_millis(20)).build().expect("an engine");
    let x = large();
    let kind = engine.evaluate(LONG, vars! { x }).map_err(|error| error.kind());
    assert_eq!(kind.err(), Some(ErrorKind::Deadline));
    let x = [1.0];
    assert!(engine.evaluate("x + 1", vars! { x }).is_ok());
}

#[test]
fn work_is_known_before_anything_runs() {
    let mut limits = Limits::default();
    limits.work = Some(1000);
    let engine = Engine::builder().limits(limits).build().expect("an engine");
    let x = [0.5; 100];
    assert!(engine.evaluate("x + 1", vars! { x }).is_ok(), "100 elements × 1 operation");
    let kind = engine.evaluate("((x + 1) % 7) // 3", vars! { x }).map_err(|error| error.kind());
    assert_eq!(kind.err(), Some(ErrorKind::WorkLimit));
}

#[test]
fn bytes_of_results_are_limited() {
    let mut limits = Limits::default();
    limits.output_bytes = Some(1 << 20);
    let engine = Engine::builder().limits(limits).build().expect("an engine");
    let x = vec![0.5; (1 << 17) + 1];
    let error = engine.evaluate("x + 1", vars! { x }).expect_err("one element too many");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains("byte"), "{error}");
    assert!(engine.evaluate("sum(x)", vars! { x }).is_ok());
}

/// A result that no machine holds is an error that names its bytes, not an abort.
#[test]
fn memory_that_cannot_be_had_is_an_error() {
    let cell = 1f64.to_ne_bytes();
    let strided = |extents: [usize; 3]| {
        let layout = fuse::Layout {
            dtype: fuse::DType::F64,
            order: fuse::raw::ByteOrder::Native,
            extents: &extents,
            strides: &[0; 3],
        };
        fuse::View::from_bytes(&cell, &layout, 0)
    };
    let a = strided([1 << 19, 1, 1]).expect("stride 0 inputs are fine");
    let b = strided([1, 1 << 19, 1]).expect("fine");
    let c = strided([1, 1, 1 << 19]).expect("fine");
    let error = fuse::evaluate("a + b + c", vars! { a, b, c }).expect_err("2^60 bytes");
    assert_eq!(error.kind(), ErrorKind::Alloc, "{error}");
    assert!(error.to_string().contains("byte"), "{error}");
}
