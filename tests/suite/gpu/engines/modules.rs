//! Modules of many formulas.

use std::sync::Arc;

use fuse::{Device, vars};
use fuse_testkit::ptx::InterpretedDevice;
use fuse_testkit::reference_device::{ReferenceDevice, Uploads};

use super::super::driver::{modules_of, with_fake_driver};
use super::{MEMORY, array, engine, same, tame};

/// A thousand formulas, of which an engine's cache keeps 256, and one that is used all along.
fn evaluate_many(device: &Device, loaded: impl Fn() -> usize) {
    let engine = engine(device);
    let kept = engine.formula("x - 0.5").expect("a formula");
    let x = tame(8, 26);
    let mut most = 0;
    for number in 0..1000 {
        let found = engine.evaluate(&format!("x + {number}.25"), vars! { x }).expect("it runs");
        let expected = x.iter().map(|x| x + (f64::from(number) + 0.25)).collect::<Vec<f64>>();
        same(&found, &array(&expected, &[8]), "a formula of many");
        kept.evaluate(vars! { x }).expect("it runs");
        most = most.max(loaded());
    }
    assert!(most <= 256 + 2, "{most} modules are loaded");
}

/// Modules go with their formulas.
#[test]
fn modules_of_many_formulas_are_returned() {
    let reference = ReferenceDevice::new(MEMORY, Uploads::Lazy);
    let device = Device::from_driver(Arc::<ReferenceDevice>::clone(&reference));
    evaluate_many(&device, || reference.modules());
    device.trim();
    assert_eq!((reference.modules(), reference.allocated()), (0, 0));

    let interpreted = Arc::new(InterpretedDevice::new());
    let device = Device::from_driver(Arc::<InterpretedDevice>::clone(&interpreted));
    evaluate_many(&device, || interpreted.texts().len());
    device.trim();
    let memory = device.memory().expect("it says");
    assert_eq!((interpreted.texts().len(), memory.free), (0, memory.total));
}

/// The driver never has more than a device keeps, and gets all of them back.
#[test]
fn the_driver_has_few_modules() {
    let test = "engines::modules::the_driver_has_few_modules";
    if let Some(log) = with_fake_driver(test, "") {
        assert_eq!(modules_of(&log), (1001, 257));
        return;
    }
    let device = Device::cuda(0).expect("the fake driver has a device");
    evaluate_many(&device, || 0);
}
