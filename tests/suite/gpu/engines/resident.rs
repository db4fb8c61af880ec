//! Arrays that stay on the device, and the device's memory.

use std::sync::Arc;

use fuse::{Array, DType, Device, DeviceArray, ErrorKind, InputType, vars};
use fuse_testkit::reference_device::{ReferenceDevice, Uploads};

use super::{MEMORY, array, engine, numbers, same, stand_ins, tame};

#[test]
fn arrays_stay_on_the_device() {
    let (x, shape) = (tame(3000, 20), [50, 60]);
    let m = array(&x, &shape);
    for (name, device) in stand_ins() {
        let engine = engine(&device);
        let own = DeviceArray::from_slice(&device, &x, &shape).expect("it fits");
        assert_eq!((own.dtype(), own.shape(), own.len()), (DType::F64, shape.as_slice(), 3000));
        assert_eq!(own.device(), device);
        same(&own.download().expect("there"), &m, name);
        let squares = engine.evaluate_on_device("own*own", vars! { own }).expect("it runs");
        let mut sum =
            engine.evaluate_on_device("own + squares", vars! { own, squares }).expect("it");
        let squares = fuse::evaluate("m*m", vars! { m }).expect("it runs");
        let host = fuse::evaluate("m + squares", vars! { m, squares }).expect("it runs");
        same(&sum.download().expect("there"), &host, name);
        let total = engine.evaluate("sum(sum)", vars! { sum }).expect("to the host");
        same(&total, &fuse::evaluate("sum(host)", vars! { host }).expect("it runs"), name);
        engine.evaluate_into_device("own - 1", vars! { own }, &mut sum).expect("it fits");
        let host = fuse::evaluate("m - 1", vars! { m }).expect("it runs");
        same(&sum.download().expect("there"), &host, name);
    }
}

/// A formula of its own, one that is prepared, and several results at once.
#[test]
fn every_way_to_evaluate_takes_arrays_of_the_device() {
    let (x, shape) = (tame(3000, 20), [50, 60]);
    let m = array(&x, &shape);
    for (name, device) in stand_ins() {
        let engine = engine(&device);
        let own = DeviceArray::from_slice(&device, &x, &shape).expect("it fits");
        let formula = engine.formula("own.T + 1").expect("a formula");
        let transposed = formula.evaluate_on_device(vars! { own }).expect("it runs");
        assert_eq!(transposed.shape(), [60, 50]);
        let prepared = formula.prepare(&[("own", InputType::array(DType::F64, &shape))]);
        let again = prepared.expect("types").evaluate_on_device(vars! { own }).expect("it runs");
        let (one, other) = (transposed.download(), again.download());
        same(&one.expect("there"), &other.expect("there"), name);
        let few =
            engine.evaluate_all_on_device("sum(own), own[0]", vars! { own }).expect("it runs");
        assert_eq!((few[0].shape(), few[1].shape()), ([].as_slice(), [60].as_slice()));
        let scaled = engine.evaluate("own/total", vars! { own, total = few[0] }).expect("it runs");
        let host = fuse::evaluate("m/sum(m)", vars! { m }).expect("it runs");
        same(&scaled, &host, name);
    }
}

/// A copy comes after the upload that fills its source, and before the download of its target.
#[test]
fn arrays_are_copied_on_the_device() {
    for (name, device) in stand_ins() {
        let (ramp, zeros) = (array(&numbers(3077, 5), &[17, 181]), array(&[0.0; 3077], &[17, 181]));
        let upload = |array: &Array| DeviceArray::upload(&device, array).expect("it fits");
        let (source, mut target) = (upload(&ramp), upload(&zeros));
        target.copy_from(&source).expect("alike");
        same(&target.download().expect("it is there"), &ramp, name);
        let other = DeviceArray::upload(&device, &array(&[1.0; 3077], &[3077])).expect("it fits");
        let error = target.copy_from(&other).expect_err("another shape");
        assert_eq!(error.kind(), ErrorKind::Output, "{error}");
        device.synchronize().expect("nothing failed");
    }
}

/// A scalar on the device may say how many elements there are.
#[test]
fn extents_may_lie_on_the_device() {
    for (_, device) in stand_ins() {
        let engine = engine(&device);
        let n = DeviceArray::from_slice(&device, &[5_i64], &[]).expect("it fits");
        let found = engine.evaluate("arange(n)*n", vars! { n }).expect("it runs");
        assert_eq!(found.into_vec::<i64>().expect("i64"), [0, 5, 10, 15, 20]);
    }
}

/// Formulas of many threads, each on arrays of its own.
#[test]
fn one_device_serves_many_threads() {
    let device = Device::from_driver(ReferenceDevice::new(MEMORY, Uploads::Eager));
    let engine = Arc::new(engine(&device));
    std::thread::scope(|scope| {
        for seed in 0..8 {
            let (engine, device) = (Arc::clone(&engine), device.clone());
            scope.spawn(move || {
                let x = tame(500 + 10 * usize::try_from(seed).expect("few"), seed);
                let own = DeviceArray::from_slice(&device, &x, &[x.len()]).expect("it fits");
                for _ in 0..5 {
                    let found =
                        engine.evaluate("own - mean(x)", vars! { own, x }).expect("it runs");
                    let expected = fuse::evaluate("x - mean(x)", vars! { x }).expect("it runs");
                    same(&found, &expected, "a thread's");
                }
            });
        }
    });
}

#[test]
fn memory_is_returned() {
    let driver = ReferenceDevice::new(MEMORY, Uploads::Lazy);
    let device = Device::from_driver(Arc::<ReferenceDevice>::clone(&driver));
    let engine = engine(&device);
    let x = tame(5000, 23);
    for _ in 0..3 {
        let y = engine.evaluate_on_device("x - mean(x)", vars! { x }).expect("it runs");
        engine.evaluate("sum(y)", vars! { y }).expect("it runs");
    }
    let kept = driver.allocated();
    assert!(kept > 0 && kept < 300_000, "{kept}");
    device.trim();
    assert_eq!(driver.allocated(), 0);
    let memory = device.memory().expect("it says");
    assert_eq!((memory.free, memory.total), (MEMORY, MEMORY));
}
