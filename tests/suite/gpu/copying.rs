//! Device memory, and copies from and to it.

use fuse_ir::device::Queue;
use fuse_ir::{Device, DeviceAddress, DeviceError};

use super::driver::{with_each_fault, with_fake_driver};
use super::memory::{Memory, free};
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
        let (sent, memory) = (bytes(len, 1), Memory::new(&device, len));
        memory.upload(0, &sent).expect("an upload");
        let uploaded = device.record(Queue::Upload).expect("an event");
        device.wait(Queue::Download, uploaded).expect("a wait");
        let mut back = vec![0; len];
        memory.download(0, &mut back).expect("a download");
        assert!(back == sent, "{len} bytes came back as others");
    }
    let nobodys = Memory::at(&device, DeviceAddress(0));
    nobodys.upload(0, &[]).expect("nothing");
    nobodys.download(0, &mut []).expect("nothing");
}

/// More small uploads than there are buffers, each from memory that changes at once.
#[test]
fn an_upload_has_read_its_bytes_when_it_returns() {
    let test = "copying::an_upload_has_read_its_bytes_when_it_returns";
    if with_each_fault(test, &["", "unpinned"]).is_none() {
        return;
    }
    let device = open();
    let memory = Memory::new(&device, 1000);
    let mut source = [0_u8; 10];
    for round in 0..100 {
        source.fill(round);
        memory.upload(10 * i64::from(round), &source).expect("an upload");
        source.fill(0xff);
    }
    device.synchronize(Queue::Upload).expect("no failure");
    let mut back = vec![0; 1000];
    memory.download(0, &mut back).expect("a download");
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
    let [first, second, third] = [(); 3].map(|()| Memory::new(&device, 1000));
    let sent = bytes(1000, 2);
    first.upload(0, &sent).expect("an upload");
    let uploaded = device.record(Queue::Upload).expect("an event");
    device.wait(Queue::Compute, uploaded).expect("a wait");
    second.copy_from(0, (&first, 0), 1000).expect("a copy");
    third.copy_from(100, (&second, 50), 700).expect("a copy");
    device.synchronize(Queue::Compute).expect("no failure");
    let mut back = vec![0; 700];
    third.download(100, &mut back).expect("a download");
    assert!(back == sent[50..750], "other bytes came back");
    let outside = first.address.0 + 1;
    let expected =
        format!("copy failed: 1000 bytes from {outside:#x} on are more than were allocated");
    assert_eq!(message(second.copy_from(0, (&first, 1), 1000)), expected);
    assert_eq!(message(first.copy_from(1, (&second, 0), 1000)), expected);
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
    let memory = Memory::new(&device, 100);
    memory.upload(0, &[1; 100]).expect("an upload");
    let error = message(memory.download(0, &mut [0; 100]));
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
        let memory = Memory::new(&device, 600_000);
        // Freed while the copy has yet to run: it is waited for when memory is short.
        memory.upload(0, &bytes(600_000, round)).expect("an upload");
    }
    device.synchronize(Queue::Upload).expect("no failure");
    assert_eq!(device.memory(), Ok((1_000_000, 1_000_000)));
    // What was not allocated is not freed.
    free(&device, DeviceAddress(12));
    free(&device, DeviceAddress(0));
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
    let (low, high) = (Memory::new(&device, 100), Memory::new(&device, 100));
    for memory in [&low, &high] {
        let error = message(memory.upload(1, &[0; 100]));
        assert!(error.contains("are more than were allocated"), "{error}");
        memory.upload(0, &[1; 100]).expect("an upload");
    }
    device.synchronize(Queue::Upload).expect("no failure");
    assert!(high.download(0, &mut [0; 101]).is_err());
    assert!(Memory::at(&device, DeviceAddress(16)).upload(0, &[1]).is_err(), "memory of nobody's");
    low.download(0, &mut [0; 100]).expect("an error is not for good");
}

/// The driver's refusals in the middle leave the buffers where they were.
#[test]
fn refused_copies_cost_no_buffers() {
    if with_fake_driver("copying::refused_copies_cost_no_buffers", "").is_some() {
        return;
    }
    let device = open();
    let nobodys = Memory::at(&device, DeviceAddress(16));
    for _ in 0..10 {
        assert!(nobodys.upload(0, &[1; 10]).is_err());
        assert!(nobodys.download(0, &mut [1; 10]).is_err());
    }
    let memory = Memory::new(&device, 3 * STAGE);
    let sent = bytes(3 * STAGE, 5);
    memory.upload(0, &sent).expect("an upload");
    device.synchronize(Queue::Upload).expect("no failure");
    let mut back = vec![0; 3 * STAGE];
    memory.download(0, &mut back).expect("a download");
    assert!(back == sent, "other bytes");
}
