//! Device memory, and copies from and to it.

use fuse_ir::device::Queue;
use fuse_ir::{Device, DeviceAddress, DeviceError};

use super::driver::{with_each_fault, with_fake_driver};
use super::{bytes, message, open};

/// Bytes of a staging buffer.
const STAGE: usize = 4 << 20;

/// Around one buffer, and more than there are buffers; with pinned memory and without it, late and early.
#[test]
fn bytes_come_back() {
    let faults = ["", "unpinned", "early"];
    if with_each_fault("copying::bytes_come_back", &faults).is_none() {
        return;
    }
    let device = open();
    for len in [1, STAGE - 1, STAGE, STAGE + 1, 13 << 20] {
        let (sent, address) = (bytes(len, 1), device.alloc(len).expect("memory"));
        device.upload(address, &sent).expect("an upload");
        let uploaded = device.record(Queue::Upload).expect("an event");
        device.wait(Queue::Download, uploaded).expect("a wait");
        let mut back = vec![0; len];
        device.download(&mut back, address).expect("a download");
        assert!(back == sent, "{len} bytes came back as others");
        device.free(address);
    }
    device.upload(DeviceAddress(0), &[]).expect("nothing");
    device.download(&mut [], DeviceAddress(0)).expect("nothing");
}

/// More small uploads than there are buffers, each from memory that changes at once.
#[test]
fn an_upload_has_read_its_bytes_when_it_returns() {
    let test = "copying::an_upload_has_read_its_bytes_when_it_returns";
    if with_each_fault(test, &["", "unpinned"]).is_none() {
        return;
    }
    let device = open();
    let address = device.alloc(1000).expect("memory");
    let mut source = [0_u8; 10];
    for round in 0..100 {
        source.fill(round);
        device.upload(address.offset(10 * i64::from(round)), &source).expect("an upload");
        source.fill(0xff);
    }
    device.synchronize(Queue::Upload).expect("no failure");
    let mut back = vec![0; 1000];
    device.download(&mut back, address).expect("a download");
    assert!((0..1000).all(|at| usize::from(back[at]) == at / 10), "{back:?}");
}

/// Copies inside the device come after what was enqueued in their queue, and stay inside allocations.
#[test]
fn bytes_are_copied_inside_the_device() {
    let test = "copying::bytes_are_copied_inside_the_device";
    if with_each_fault(test, &["", "early"]).is_none() {
        return;
    }
    let device = open();
    let [first, second, third] = [(); 3].map(|()| device.alloc(1000).expect("memory"));
    let sent = bytes(1000, 2);
    device.upload(first, &sent).expect("an upload");
    let uploaded = device.record(Queue::Upload).expect("an event");
    device.wait(Queue::Compute, uploaded).expect("a wait");
    device.copy(second, first, 1000).expect("a copy");
    device.copy(third.offset(100), second.offset(50), 700).expect("a copy");
    device.synchronize(Queue::Compute).expect("no failure");
    let mut back = vec![0; 700];
    device.download(&mut back, third.offset(100)).expect("a download");
    assert!(back == sent[50..750], "other bytes came back");
    let expected =
        format!("copy failed: 1000 bytes from {:#x} on are more than were allocated", first.0 + 1);
    assert_eq!(message(device.copy(second, first.offset(1), 1000)), expected);
    assert_eq!(message(device.copy(first.offset(1), second, 1000)), expected);
}

/// The stand-in is late enough to notice: nothing says that the upload comes first.
#[test]
fn a_download_that_waits_for_nothing_is_noticed() {
    let test = "copying::a_download_that_waits_for_nothing_is_noticed";
    if let Some(log) = with_fake_driver(test, "") {
        assert!(log.contains("error 700: download of 100 bytes"), "{log}");
        return;
    }
    let device = open();
    let address = device.alloc(100).expect("memory");
    device.upload(address, &[1; 100]).expect("an upload");
    let error = message(device.download(&mut [0; 100], address));
    assert!(error.contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{error}");
}

#[test]
fn memory_that_is_freed_is_there_again() {
    let test = "copying::memory_that_is_freed_is_there_again";
    if with_fake_driver(test, "oom=1000000").is_some() {
        return;
    }
    let device = open();
    for round in 0..20 {
        let address = device.alloc(600_000).expect("memory");
        // Freed while the copy has yet to run: it is waited for when memory is short.
        device.upload(address, &bytes(600_000, round)).expect("an upload");
        device.free(address);
    }
    device.synchronize(Queue::Upload).expect("no failure");
    assert_eq!(device.memory(), Ok((1_000_000, 1_000_000)));
    // What was not allocated is not freed.
    device.free(DeviceAddress(12));
    device.free(DeviceAddress(0));
}

#[test]
fn memory_that_is_exhausted_is_an_error() {
    let test = "copying::memory_that_is_exhausted_is_an_error";
    if with_fake_driver(test, "oom=1000000").is_some() {
        return;
    }
    let device = open();
    let _held = device.alloc(600_000).expect("memory");
    let error = device.alloc(600_000).expect_err("there is not that much");
    let expected = DeviceError::OutOfMemory { bytes: 600_000, free: 400_000, total: 1_000_000 };
    assert_eq!(error, expected);
    device.alloc(400_000).expect("an error is not for good");
    assert!(message(device.alloc(0)).contains("cuMemAlloc_v2 failed: CUDA_ERROR_INVALID_VALUE"));
}

#[test]
fn a_copy_past_the_end_is_an_error() {
    if with_fake_driver("copying::a_copy_past_the_end_is_an_error", "").is_some() {
        return;
    }
    let device = open();
    let (low, high) = (device.alloc(100).expect("memory"), device.alloc(100).expect("memory"));
    for address in [low, high] {
        let error = message(device.upload(address.offset(1), &[0; 100]));
        assert!(error.contains("are more than were allocated"), "{error}");
        device.upload(address, &[1; 100]).expect("an upload");
    }
    device.synchronize(Queue::Upload).expect("no failure");
    assert!(device.download(&mut [0; 101], high).is_err());
    assert!(device.upload(DeviceAddress(16), &[1]).is_err(), "memory of nobody's");
    device.download(&mut [0; 100], low).expect("an error is not for good");
}

/// The driver's refusals in the middle leave the buffers where they were.
#[test]
fn refused_copies_cost_no_buffers() {
    if with_fake_driver("copying::refused_copies_cost_no_buffers", "").is_some() {
        return;
    }
    let device = open();
    for _ in 0..10 {
        assert!(device.upload(DeviceAddress(16), &[1; 10]).is_err());
        assert!(device.download(&mut [1; 10], DeviceAddress(16)).is_err());
    }
    let address = device.alloc(3 * STAGE).expect("memory");
    let sent = bytes(3 * STAGE, 5);
    device.upload(address, &sent).expect("an upload");
    device.synchronize(Queue::Upload).expect("no failure");
    let mut back = vec![0; 3 * STAGE];
    device.download(&mut back, address).expect("a download");
    assert!(back == sent, "other bytes");
}
