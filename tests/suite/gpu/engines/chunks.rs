//! Arrays that go through the device piece by piece.

use fuse::{AsInput, Device, ErrorKind, evaluate_all, vars};
use fuse_testkit::reference_device::{ReferenceDevice, Uploads};

use super::{agree, chunked, same, tame};

#[test]
fn long_arrays_in_chunks() {
    let (x, y) = (tame(10_000, 17), tame(10_000, 18));
    for formula in [
        "x*y + 1",
        "x[1:] - x[:-1]",
        "x + y[0]",
        "sum(x*y)",
        "argmax(x), max(x + y), x*2",
        "var(x)",
        "arange(10_000)*x",
        "x > y, x, y*k",
    ] {
        let inputs = [("x", x.as_input()), ("y", y.as_input()), ("k", 0.5.as_input())];
        agree(formula, inputs);
    }
}

/// An array that the device's memory has no room for.
#[test]
fn arrays_larger_than_the_device() {
    let small = 200 << 10;
    let x = tame(100_000, 19);
    let expected = evaluate_all("2*x, sum(x)", vars! { x }).expect("it runs");
    for uploads in [Uploads::Lazy, Uploads::Eager] {
        let device = Device::from_driver(ReferenceDevice::new(small, uploads));
        let engine = chunked(&device, 2048);
        let doubled = engine.evaluate("2*x", vars! { x }).expect("in chunks");
        same(&doubled, &expected[0], "doubled");
        let total = engine.evaluate("sum(x)", vars! { x }).expect("in chunks");
        same(&total, &expected[1], "sum");
        let error = engine.evaluate("x - mean(x)", vars! { x }).expect_err("two passes");
        assert_eq!(error.kind(), ErrorKind::Alloc);
        let message = error.to_string();
        assert!(message.contains("800000 bytes") || message.contains("800000"), "{message}");
        let again = engine.evaluate("2*x", vars! { x }).expect("nothing is lost");
        same(&again, &expected[0], "doubled again");
    }
}
