//! Cancellation, deadlines, limits on work and bytes: errors, and the engine goes on.

use std::time::{Duration, Instant};

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

/// A short formula of long vectors: 10^15 operations, known from the shapes before anything runs, and refused
/// in no time. The least of many times: the machine may do something else.
#[test]
fn work_without_end_is_refused_at_once() {
    let engine = Engine::builder().limits(Limits::untrusted()).build().expect("an engine");
    let (a, b, c) = (vec![0.5; 100_000], vec![1.5; 100_000], vec![2.5; 100_000]);
    let refusal = || {
        let start = Instant::now();
        let result = engine.evaluate("sum(a[:,None,None]*b[None,:,None]*c)", vars! { a, b, c });
        (result.expect_err("10^15 elements").kind(), start.elapsed())
    };
    assert_eq!(refusal().0, ErrorKind::WorkLimit);
    let least = (0..200).map(|_| refusal().1).min().expect("200 times");
    assert!(least < Duration::from_millis(1), "{least:?}");
    let sum = engine.evaluate("sum(a*b*c)", vars! { a, b, c }).expect("10^5 elements");
    assert_eq!(sum.as_slice::<f64>(), Some([187_500.0].as_slice()));
}

/// Every rank up to 64, with no elements, with one, and with a few; beyond that an error.
#[test]
fn every_rank_works_and_no_more() {
    for rank in 0..=64_usize {
        for extent in [0, 1, 2] {
            // At most 2^6 elements.
            let extents: Vec<usize> =
                (0..rank).map(|axis| if axis % 11 == 3 { extent } else { 1 }).collect();
            let len: usize = extents.iter().product();
            let x = fuse::Array::from_slice(&vec![1.5; len], &extents).expect("small");
            let found = fuse::evaluate("x*2 + 1", vars! { x }).expect("evaluates");
            assert_eq!(found.shape(), extents);
            assert_eq!(found.into_vec::<f64>().expect("f64"), vec![4.0; len]);
            let sum = fuse::evaluate("sum(x)", vars! { x }).expect("evaluates");
            assert_eq!(sum.as_slice::<f64>(), Some([1.5 * len as f64].as_slice()), "{extents:?}");
        }
    }
    assert!(fuse::Array::from_slice(&[1.5], &[1; 65]).is_err());
    let x = fuse::Array::from_slice(&[1.5], &[1; 64]).expect("small");
    let many = format!("ones(({}))", "1, ".repeat(65));
    for formula in ["x[None] + 1", "x[..., None]", "v = x.T; v[None]*2", &many] {
        let error = fuse::evaluate(formula, vars! { x }).expect_err("65 axes");
        assert!(error.span().is_some() && error.to_string().contains("at most 64"), "{error}");
    }
}

/// Floats overflow and underflow as Python's; integers beyond 64 bits are errors at their place.
#[test]
fn constants_have_a_fixed_width() {
    let x = [1.0];
    for (formula, expected) in [
        ("x*1e999", f64::INFINITY),
        ("x*-1e999", f64::NEG_INFINITY),
        ("x*1e-999", 0.0),
        ("x*(1e308*10)", f64::INFINITY),
        ("x*1e-308*1e-308", 0.0),
        ("x + 9223372036854775807", 9.223_372_036_854_776e18),
        ("x*18446744073709551615", 1.844_674_407_370_955_2e19),
    ] {
        let found = fuse::evaluate(formula, vars! { x }).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(found.as_slice::<f64>(), Some([expected].as_slice()), "{formula}");
    }
    let i = [1_i64];
    for formula in ["i + 18446744073709551616", "i*99999999999999999999", "i - 0x1ffffffffffffffff"]
    {
        let error = fuse::evaluate(formula, vars! { i }).expect_err("beyond 64 bits");
        assert!(error.span().is_some(), "{formula}: {error}");
    }
}
