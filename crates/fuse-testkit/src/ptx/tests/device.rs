//! The interpreter behind the trait that the runtime knows.

#![expect(unsafe_code, reason = "calls a device that checks every address itself")]

use fuse_ir::device::{DeviceEvent, Queue};
use fuse_ir::{Device, DeviceAddress, DeviceError};

use super::kernel;
use crate::ptx::InterpretedDevice;

/// `a[i] = b[i] + 1` for the 256 threads of a block.
fn increment() -> String {
    kernel(
        "mov.u32 %r0, %tid.x; mul.wide.u32 %rd2, %r0, 4; add.u64 %rd0, %rd0, %rd2;\n\
         add.u64 %rd1, %rd1, %rd2; ld.global.u32 %r1, [%rd1]; add.u32 %r1, %r1, 1;\n\
         st.global.b32 [%rd0], %r1;",
    )
}

fn launch(device: &InterpretedDevice, entry: &str, params: &[u64]) -> Result<(), DeviceError> {
    let module = device.load(&increment())?;
    // SAFETY: whatever the parameters are, the interpreter checks what is done with them.
    unsafe { device.launch(module, entry, 1, params) }
}

fn upload(device: &InterpretedDevice, to: DeviceAddress, from: &[u8]) -> Result<(), DeviceError> {
    // SAFETY: whatever the address is, the interpreter checks it.
    unsafe { device.upload(to, from) }
}

#[test]
fn kernels_run_on_uploaded_memory() {
    for device in [InterpretedDevice::new(), InterpretedDevice::shuffled(7)] {
        assert_eq!((device.info().multiprocessors, device.info().capability), (2, (8, 0)));
        let [to, from] = [(); 2].map(|()| device.alloc(1024).expect("room"));
        let input: Vec<u8> = (0..256_u32).flat_map(u32::to_le_bytes).collect();
        upload(&device, from, &input).expect("inside");
        let event = device.record(Queue::Upload).expect("an event");
        assert_eq!(event, DeviceEvent(0));
        device.wait(Queue::Compute, event).expect("passed");
        launch(&device, "k", &[to.0, from.0]).expect("no fault");
        launch(&device, "k", &[from.0, to.0]).expect("no fault");
        device.synchronize(Queue::Compute).expect("done");
        let mut output = vec![0; 1024];
        // SAFETY: all of an allocation, written by what has run.
        unsafe { device.download(&mut output, from) }.expect("written");
        let expected: Vec<u8> = (2..258_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(output, expected);
        assert_eq!(device.launches(), ["k", "k"]);
        assert_eq!(device.texts().len(), 1);
        // SAFETY: allocated above, and used no more.
        unsafe { device.free(from) };
        assert_eq!(device.memory(), Ok((device.info().memory - 1024, device.info().memory)));
    }
}

#[test]
fn errors_are_the_devices() {
    let info = InterpretedDevice::new().info().clone();
    let device = InterpretedDevice::with_info(info, 2000);
    let [to, from] = [1024, 900].map(|bytes| device.alloc(bytes).expect("room"));
    let full = DeviceError::OutOfMemory { bytes: 77, free: 76, total: 2000 };
    assert_eq!(device.alloc(77), Err(full));
    upload(&device, from, &[0; 900]).expect("inside");
    let message = launch(&device, "k", &[to.0, from.0]).expect_err("short").to_string();
    assert!(
        message.starts_with("the kernel k could not be run: line 9: 4 bytes at 0x"),
        "{message}"
    );
    assert!(message.ends_with("offset 900 of an allocation of 900 bytes (k, block 0, thread 225)"));
    assert!(matches!(launch(&device, "l", &[0, 0]), Err(DeviceError::Launch { .. })));
    assert!(matches!(launch(&device, "k", &[0]), Err(DeviceError::Launch { .. })));
    let outside = upload(&device, DeviceAddress(5), &[1]);
    assert!(matches!(outside, Err(DeviceError::Driver { call: "upload", .. })));
    assert!(matches!(device.load("nonsense"), Err(DeviceError::Compile { .. })));
    let inexact = kernel("add.f64 %fd0, %fd1, %fd2;");
    let Err(DeviceError::Compile { log }) = device.load(&inexact) else { panic!("loaded") };
    assert_eq!(log, "line 8: `add.f64` does not say how it rounds");
}
