//! Engines through the code that drives NVIDIA devices, over a stand-in for their driver.

use fuse::cudarc::driver::CudaContext;
use fuse::{CudaView, Device, ErrorKind, evaluate_all, vars};

use super::super::driver::with_fake_driver;
use super::{all_same, array, chunked, engine, same, tame};

#[test]
fn formulas_give_the_bits_of_the_host() {
    let test = "engines::driven::formulas_give_the_bits_of_the_host";
    if with_fake_driver(test, "").is_some() {
        return;
    }
    let device = Device::cuda(0).expect("the fake driver has a device");
    assert_eq!(Device::cuda(0).expect("it is open"), device);
    assert_eq!(Device::list().expect("a driver")[0], *device.info());
    let missing = Device::cuda(99).expect_err("no such device");
    assert_eq!(missing.kind(), ErrorKind::Device);
    let (x, m) = (tame(5000, 24), array(&tame(1200, 25), &[40, 30]));
    for engine in [engine(&device), chunked(&device, 1024)] {
        assert_eq!(engine.backend_name(), "cuda");
        for formula in
            ["2*x + 1", "x - mean(x)", "sum(m, axis=0)", "m.T*2", "sum(x), max(m, axis=1)"]
        {
            let expected = evaluate_all(formula, vars! { x, m }).expect("it runs");
            let found = engine.evaluate_all(formula, vars! { x, m }).expect("it runs");
            all_same(&found, &expected, formula);
        }
    }
}

#[test]
fn memory_of_cudarc_is_a_variable() {
    if with_fake_driver("engines::driven::memory_of_cudarc_is_a_variable", "").is_some() {
        return;
    }
    let (device, x) = (Device::cuda(0).expect("the fake driver has a device"), tame(5000, 24));
    let context = CudaContext::new(0).expect("a context");
    let slice = context.default_stream().clone_htod(&x).expect("a copy");
    let own = CudaView::new(&device, &slice, &[50, 100]).expect("it fits");
    let found = engine(&device).evaluate("own.T + 1", vars! { own }).expect("it runs");
    let host = array(&x, &[50, 100]);
    same(&found, &fuse::evaluate("host.T + 1", vars! { host }).expect("it runs"), "borrowed");
    let wrong = CudaView::new(&device, &slice, &[7]).expect_err("another shape");
    assert_eq!(wrong.kind(), ErrorKind::Input);
}
