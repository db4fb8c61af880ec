//! Devices are listed and opened, or there is a clean error.

use std::path::Path;

use fuse_ir::device::Queue;
use fuse_ir::{Device, DeviceError};
use fuse_ptx::CudaDevice;

use super::driver::{with_each_fault, with_fake_driver, with_library};
use super::memory::Memory;
use super::{message, open};

#[test]
fn devices_are_listed_and_opened() {
    if with_fake_driver("opening::devices_are_listed_and_opened", "devices=2,oom=1000000").is_some()
    {
        return;
    }
    let infos = CudaDevice::list().expect("a list");
    assert_eq!(infos.len(), 2);
    let device = CudaDevice::open(1).expect("the second device");
    let info = device.info();
    assert_eq!(*info, infos[1]);
    assert_eq!((info.ordinal, info.capability, info.driver), (1, (8, 0), (12, 0)));
    assert_eq!((info.memory, info.multiprocessors), (1_000_000, 2));
    assert_eq!(info.name, "Fake driver over the PTX interpreter");
    assert_eq!(device.memory(), Ok((1_000_000, 1_000_000)));
}

#[test]
fn a_device_is_opened_twice() {
    if with_fake_driver("opening::a_device_is_opened_twice", "").is_some() {
        return;
    }
    let (first, second) = (open(), open());
    let memory = Memory::new(&second, 100);
    drop(first);
    memory.upload(0, &[7; 100]).expect("an upload");
    second.synchronize(Queue::Upload).expect("no failure");
    let mut back = [0; 100];
    memory.download(0, &mut back).expect("a download");
    assert_eq!(back, [7; 100]);
}

#[test]
fn a_driver_that_is_missing_is_an_error() {
    if !with_library("opening::a_driver_that_is_missing_is_an_error", None) {
        return;
    }
    let error = CudaDevice::list().err();
    if !matches!(error, Some(DeviceError::NoDriver(_))) {
        // The system has one, and the loader finds it.
        fuse_testkit::skip!("driver: one is installed");
    }
    let expected = "no NVIDIA driver: libcuda.so.1 is not there, or cannot be loaded";
    assert_eq!(message(CudaDevice::list()), expected);
    assert_eq!(message(CudaDevice::open(0)), expected);
}

/// Any other library that this process has does for one that lacks the driver's functions.
#[test]
fn a_library_without_the_functions_is_an_error() {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the kernel says");
    let libc = maps.split_whitespace().find(|word| word.contains("/libc."));
    let libc = Path::new(libc.expect("a C library"));
    if !with_library("opening::a_library_without_the_functions_is_an_error", Some(libc)) {
        return;
    }
    assert_eq!(message(CudaDevice::list()), "no NVIDIA driver: its library has no cuInit");
    assert_eq!(message(CudaDevice::open(0)), "no NVIDIA driver: its library has no cuInit");
}

#[test]
fn what_cannot_be_opened_is_an_error() {
    let test = "opening::what_cannot_be_opened_is_an_error";
    let faults = ["devices=0", "capability=6.1", "init", "nonsense", "devices=1"];
    let Some(fault) = with_each_fault(test, &faults) else { return };
    let opened = |ordinal| message(CudaDevice::open(ordinal));
    match fault.as_str() {
        "devices=0" => {
            assert_eq!(CudaDevice::list(), Ok(vec![]));
            assert_eq!(opened(0), "no device 0: the driver sees 0");
        }
        "devices=1" => {
            assert_eq!(opened(1), "no device 1: the driver sees 1");
            assert_eq!(opened(u32::MAX), "no device 4294967295: the driver sees 1");
        }
        "capability=6.1" => {
            assert_eq!(CudaDevice::list().expect("a list")[0].capability, (6, 1));
            let expected = "device 0 (Fake driver over the PTX interpreter) has compute capability \
                            6.1, fuse needs 7.0 or newer";
            assert_eq!(opened(0), expected);
        }
        _ => {
            let expected = "cuInit failed: CUDA_ERROR_UNKNOWN: unknown error";
            assert_eq!(message(CudaDevice::list()), expected);
            assert_eq!(opened(0), expected);
        }
    }
}
