//! What is refused, on a device as on the host.

use std::sync::Arc;

use fuse::{
    Array, AsInput, CancelToken, Device, DeviceArray, Engine, Error, ErrorKind, Limits, Vars,
    evaluate, vars,
};
use fuse_testkit::ptx::InterpretedDevice;
use fuse_testkit::reference_device::{ReferenceDevice, Uploads};

use super::{MEMORY, engine, stand_ins, tame};

/// Six numbers, and as many on a device.
fn six(device: &Device) -> (Vec<f64>, DeviceArray) {
    let x = tame(6, 21);
    let own = DeviceArray::from_slice(device, &x, &[6]).expect("it fits");
    (x, own)
}

fn assert_is(error: &Error, kind: ErrorKind, message: &str) {
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}

#[test]
fn errors_are_those_of_the_host() {
    let (x, y) = (tame(6, 21), tame(5, 22));
    for (_, device) in stand_ins() {
        let engine = engine(&device);
        for formula in ["x + y", "x + z", "x[7]", "max(x[:0])", "sqr(x)", "x +"] {
            let on_host = evaluate(formula, vars! { x, y }).expect_err(formula);
            let on_device = engine.evaluate(formula, vars! { x, y }).expect_err(formula);
            assert_eq!(on_host.render(), on_device.render());
            assert_eq!(on_host.kind(), on_device.kind());
        }
    }
}

#[test]
fn arrays_elsewhere_are_refused() {
    for (_, device) in stand_ins() {
        let (x, own) = six(&device);
        let on_host = evaluate("own + 1", vars! { own }).expect_err("on the host");
        assert_is(
            &on_host,
            ErrorKind::Input,
            "variable `own` is in a device's memory, the engine runs on the host: give it \
             `own.download()`, or use an engine made with `Engine::builder().device(..)`",
        );
        let other = Device::from_driver(ReferenceDevice::new(MEMORY, Uploads::Lazy));
        let (_, foreign) = six(&other);
        let result = engine(&device).evaluate("own + foreign", vars! { own, foreign });
        let error = result.expect_err("foreign");
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(error.to_string().contains("`foreign.download()`"), "{error}");
        let error = Engine::global().evaluate_on_device("x", vars! { x }).expect_err("no device");
        assert_eq!(error.kind(), ErrorKind::Device);
    }
}

#[test]
fn results_that_do_not_fit_are_refused() {
    for (_, device) in stand_ins() {
        let ((x, own), engine) = (six(&device), engine(&device));
        let mut small = DeviceArray::from_slice(&device, &x[1..], &[5]).expect("it fits");
        let error = engine.evaluate_into_device("own", vars! { own }, &mut small).expect_err("5");
        let message = "output 0 has shape (5,), the result has shape (6,)";
        assert_is(&error, ErrorKind::Output, message);
        let error = engine.evaluate_on_device("x, x", vars! { x }).expect_err("two");
        let message = "the formula has 2 results, which `evaluate_all_on_device` gives";
        assert_eq!(error.to_string(), message);
        let text = Array::from_texts(&["a"], &[1]).expect("small");
        let error = DeviceArray::upload(&device, &text).expect_err("a text");
        assert_eq!(error.kind(), ErrorKind::Type);
    }
}

#[test]
fn calls_are_cancelled_and_limited() {
    let x = tame(6, 21);
    for (_, device) in stand_ins() {
        let token = CancelToken::new();
        token.cancel();
        let cancelled = engine(&device).with_cancel(&token);
        let error = cancelled.evaluate("x", vars! { x }).expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let mut limits = Limits::default();
        limits.work = Some(3);
        let limited = Engine::builder().device(&device).limits(limits).build().expect("an engine");
        let error = limited.evaluate("x + 1", vars! { x }).expect_err("too much");
        assert_eq!(error.kind(), ErrorKind::WorkLimit);
    }
}

/// What a kernel takes and how long a module is have limits; a formula beyond them runs on the host.
#[test]
fn formulas_that_are_too_large_are_refused() {
    let device = Device::from_driver(Arc::new(InterpretedDevice::new()));
    let (x, engine) = (tame(4, 27), engine(&device));
    let names: Vec<String> = (0..200).map(|number| format!("x{number}")).collect();
    let formula = names.iter().map(|name| format!("{name}[::-1]")).collect::<Vec<_>>().join(" + ");
    let vars = || names.iter().map(|name| (name.as_str(), x.as_input())).collect::<Vars<'_>>();
    assert!(evaluate(&formula, vars()).is_ok());
    let formula = format!("{formula} + {}", formula.replace("::-1", "None, :"));
    let error = engine.evaluate(&formula, vars()).expect_err("800 strides");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("parameters, the limit is 512"), "{error}");

    let terms = (0..3500).map(|number| format!("sin(x*{number}.5)")).collect::<Vec<_>>();
    let error = engine.evaluate(&terms.join(" + "), vars! { x }).expect_err("19 MB");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("bytes of PTX; split it"), "{error}");
}
