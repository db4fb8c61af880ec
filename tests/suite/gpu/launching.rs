//! Modules, kernels, and what queues wait for.

use fuse_ir::device::{DeviceEvent, ModuleId, Queue};
use fuse_ir::{Device, DeviceError};
use fuse_ptx::CudaDevice;

use super::driver::{modules_of, with_each_fault, with_fake_driver};
use super::memory::{Memory, free};
use super::start::launch;
use super::{ADD_ONE, message, open};

/// `f64` elements on the device.
struct Array<'d> {
    memory: Memory<'d>,
    len: usize,
}

impl<'d> Array<'d> {
    fn new(device: &'d CudaDevice, len: usize) -> Array<'d> {
        Array { memory: Memory::new(device, 8 * len), len }
    }

    fn upload(&self, values: &[f64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        self.memory.upload(0, &bytes).expect("an upload");
    }

    fn download(&self) -> Result<Vec<f64>, DeviceError> {
        let mut bytes = vec![0; 8 * self.len];
        self.memory.download(0, &mut bytes)?;
        let (words, _) = bytes.as_chunks::<8>();
        Ok(words.iter().map(|&word| f64::from_ne_bytes(word)).collect())
    }
}

fn add_one(
    device: &CudaDevice,
    module: ModuleId,
    from: &Array<'_>,
    to: &Array<'_>,
) -> Result<(), DeviceError> {
    let params = [from.len as u64, from.memory.address.0, to.memory.address.0];
    launch(device, module, "add_one", (3, &params))
}

/// `add_one`, and ten ones that kernels wait for.
fn ten_ones(device: &CudaDevice) -> (ModuleId, Array<'_>) {
    let module = device.load(ADD_ONE).expect("a module");
    let array = Array::new(device, 10);
    array.upload(&[1.0; 10]);
    order(device, Queue::Upload, Queue::Compute);
    (module, array)
}

/// `to` waits for what `from` has to do so far.
fn order(device: &CudaDevice, from: Queue, to: Queue) {
    let event = device.record(from).expect("an event");
    device.wait(to, event).expect("a wait");
}

#[test]
fn a_kernel_runs_between_two_copies() {
    let test = "launching::a_kernel_runs_between_two_copies";
    if with_each_fault(test, &["", "early", "unpinned"]).is_none() {
        return;
    }
    let device = open();
    let module = device.load(ADD_ONE).expect("a module");
    let values: Vec<f64> = (0..5000).map(f64::from).collect();
    let (from, to) = (Array::new(&device, 5000), Array::new(&device, 5000));
    from.upload(&values);
    order(&device, Queue::Upload, Queue::Compute);
    add_one(&device, module, &from, &to).expect("a launch");
    order(&device, Queue::Compute, Queue::Download);
    let expected: Vec<f64> = values.iter().map(|value| value + 1.0).collect();
    assert_eq!(to.download(), Ok(expected));
    device.synchronize(Queue::Compute).expect("no failure");
}

/// A pipeline of chunks through two pairs of buffers, ordered by events alone.
#[test]
fn chunks_overlap_and_keep_their_order() {
    let test = "launching::chunks_overlap_and_keep_their_order";
    if with_each_fault(test, &["", "early"]).is_none() {
        return;
    }
    let device = open();
    let module = device.load(ADD_ONE).expect("a module");
    let pair = || (Array::new(&device, 1000), Array::new(&device, 1000));
    let pairs = [pair(), pair()];
    let mut read: [Option<DeviceEvent>; 2] = [None, None];
    for chunk in 0..200_u32 {
        let which = (chunk % 2) as usize;
        let (from, to) = &pairs[which];
        if let Some(event) = read[which] {
            device.wait(Queue::Upload, event).expect("a wait");
        }
        from.upload(&[f64::from(chunk); 1000]);
        order(&device, Queue::Upload, Queue::Compute);
        add_one(&device, module, from, to).expect("a launch");
        read[which] = Some(device.record(Queue::Compute).expect("an event"));
        order(&device, Queue::Compute, Queue::Download);
        assert_eq!(to.download(), Ok(vec![f64::from(chunk) + 1.0; 1000]));
    }
}

#[test]
fn memory_is_freed_behind_the_kernels_that_use_it() {
    let test = "launching::memory_is_freed_behind_the_kernels_that_use_it";
    if with_fake_driver(test, "").is_some() {
        return;
    }
    let device = open();
    let module = device.load(ADD_ONE).expect("a module");
    let last = Array::new(&device, 100);
    for _ in 0..10 {
        let (from, to) = (Array::new(&device, 100), Array::new(&device, 100));
        from.upload(&[1.0; 100]);
        order(&device, Queue::Upload, Queue::Compute);
        add_one(&device, module, &from, &to).expect("a launch");
        add_one(&device, module, &to, &last).expect("a launch");
    }
    order(&device, Queue::Compute, Queue::Download);
    assert_eq!(last.download(), Ok(vec![3.0; 100]));
}

/// Forgotten events have passed, and so have those that nobody recorded.
#[test]
fn old_events_have_passed() {
    if with_fake_driver("launching::old_events_have_passed", "").is_some() {
        return;
    }
    let device = open();
    let array = Array::new(&device, 10);
    array.upload(&[4.0; 10]);
    let first = device.record(Queue::Upload).expect("an event");
    let later: Vec<DeviceEvent> =
        (0..64).map(|_| device.record(Queue::Upload).expect("an event")).collect();
    assert!(!later.contains(&first));
    device.wait(Queue::Download, first).expect("a wait");
    assert_eq!(array.download(), Ok(vec![4.0; 10]));
    device.wait(Queue::Compute, later[63]).expect("a wait");
    device.wait(Queue::Compute, DeviceEvent(u64::MAX)).expect("a wait");
}

#[test]
fn equal_texts_are_one_module_and_old_ones_go() {
    let test = "launching::equal_texts_are_one_module_and_old_ones_go";
    if let Some(log) = with_fake_driver(test, "") {
        assert_eq!(log.lines().filter(|line| line.starts_with("load")).count(), 301);
        return;
    }
    let device = open();
    let text = |number: u32| format!("{ADD_ONE}// {number}\n");
    let first = device.load(&text(0)).expect("a module");
    let second = device.load(&text(1)).expect("a module");
    assert_ne!(first, second);
    for number in 2..300 {
        device.load(&text(number)).expect("a module");
        assert_eq!(device.load(&text(0)), Ok(first), "it was used just now");
    }
    let array = Array::new(&device, 10);
    array.upload(&[1.0; 10]);
    order(&device, Queue::Upload, Queue::Compute);
    add_one(&device, first, &array, &array).expect("a launch");
    // It went, and is assembled again; while kernels are enqueued, as here, none goes.
    add_one(&device, second, &array, &array).expect("a launch");
    assert_eq!(device.load(&text(1)), Ok(second));
    order(&device, Queue::Compute, Queue::Download);
    assert_eq!(array.download(), Ok(vec![3.0; 10]));
}

/// The one that was used longest ago is just the one whose kernel has yet to run.
#[test]
fn no_module_goes_while_its_kernel_is_enqueued() {
    let test = "launching::no_module_goes_while_its_kernel_is_enqueued";
    if let Some(log) = with_fake_driver(test, "") {
        assert!(log.contains("unload") && !log.contains("error"), "{log}");
        return;
    }
    let device = open();
    let (module, array) = ten_ones(&device);
    add_one(&device, module, &array, &array).expect("a launch");
    for number in 0..300 {
        device.load(&format!("{ADD_ONE}// {number}\n")).expect("a module");
    }
    order(&device, Queue::Compute, Queue::Download);
    assert_eq!(array.download(), Ok(vec![2.0; 10]));
}

/// A module is in use until as many loads are undone as there were; what was enqueued before runs still.
#[test]
fn modules_are_counted_by_their_loads() {
    let test = "launching::modules_are_counted_by_their_loads";
    if let Some(log) = with_fake_driver(test, "") {
        assert_eq!(modules_of(&log), (1, 1), "an idle module is used again: {log}");
        return;
    }
    let device = open();
    let (module, array) = ten_ones(&device);
    assert_eq!(device.load(ADD_ONE), Ok(module));
    device.unload(module);
    add_one(&device, module, &array, &array).expect("one load is left");
    device.unload(module);
    let refused = message(add_one(&device, module, &array, &array));
    assert_eq!(refused, "the kernel add_one could not be run: its module is not loaded");
    device.unload(module);
    let again = device.load(ADD_ONE).expect("a module");
    assert_ne!(again, module, "a number is not given twice");
    device.unload(module);
    add_one(&device, again, &array, &array).expect("its number is its own");
    assert!(add_one(&device, module, &array, &array).is_err());
    order(&device, Queue::Compute, Queue::Download);
    assert_eq!(array.download(), Ok(vec![3.0; 10]));
}

#[test]
fn idle_modules_are_few() {
    if let Some(log) = with_fake_driver("launching::idle_modules_are_few", "") {
        assert_eq!(modules_of(&log), (1001, 257), "{log}");
        return;
    }
    let device = open();
    let kept = device.load(ADD_ONE).expect("a module");
    for number in 0..1000 {
        let module = device.load(&format!("{ADD_ONE}// {number}\n")).expect("a module");
        device.unload(module);
    }
    let array = Array::new(&device, 10);
    array.upload(&[1.0; 10]);
    order(&device, Queue::Upload, Queue::Compute);
    add_one(&device, kept, &array, &array).expect("idle ones go first, however old this is");
    order(&device, Queue::Compute, Queue::Download);
    assert_eq!(array.download(), Ok(vec![2.0; 10]));
}

/// Memory and modules go when what uses them has run.
#[test]
fn what_is_enqueued_runs_before_the_device_goes() {
    let test = "launching::what_is_enqueued_runs_before_the_device_goes";
    if let Some(log) = with_fake_driver(test, "") {
        assert!(log.contains("release") && !log.contains("error"), "{log}");
        return;
    }
    let device = open();
    let (module, from) = ten_ones(&device);
    let to = Array::new(&device, 10);
    add_one(&device, module, &from, &to).expect("a launch");
    from.memory.leave();
}

#[test]
fn a_module_that_is_refused_is_an_error_with_the_log() {
    let test = "launching::a_module_that_is_refused_is_an_error_with_the_log";
    let Some(fault) = with_each_fault(test, &["", "compile"]) else { return };
    let device = open();
    let refused = |text: &str| {
        let error = message(device.load(text));
        let start = "the driver could not compile the kernels: ";
        error.strip_prefix(start).expect("a refusal").to_string()
    };
    if fault == "compile" {
        let expected = "CUDA_ERROR_INVALID_PTX: a PTX JIT compilation failed\n\
                        ptxas fatal   : refused by FUSE_FAKE_CUDA";
        assert_eq!(refused(ADD_ONE), expected);
        return;
    }
    let log = refused(&ADD_ONE.replace("add.rn.f64", "sin.approx.f64"));
    assert!(log.contains("sin.approx.f64") && log.contains("line 27"), "{log}");
    assert_eq!(refused("a\0b"), "the text holds a NUL");
    device.load(ADD_ONE).expect("an error is not for good");
}

#[test]
fn a_launch_that_cannot_be_is_an_error() {
    if with_fake_driver("launching::a_launch_that_cannot_be_is_an_error", "").is_some() {
        return;
    }
    let device = open();
    let module = device.load(ADD_ONE).expect("a module");
    let launch_message =
        |entry, grid, params: &[u64]| message(launch(&device, module, entry, (grid, params)));
    let invalid = "CUDA_ERROR_INVALID_VALUE: invalid argument (cuLaunchKernel)";
    assert_eq!(
        launch_message("add_two", 1, &[0; 3]),
        "the kernel add_two could not be run: CUDA_ERROR_NOT_FOUND: named symbol not found \
         (cuModuleGetFunction)"
    );
    for (grid, n_params) in [(1, 2), (1, 4), (1, 0), (0, 3)] {
        assert_eq!(
            launch_message("add_one", grid, &vec![0; n_params]),
            format!("the kernel add_one could not be run: {invalid}")
        );
    }
    let unknown = message(launch(&device, ModuleId(77), "add_one", (1, &[0; 3])));
    assert!(unknown.ends_with("its module is not loaded"), "{unknown}");
    device.unload(ModuleId(77));
    device.synchronize(Queue::Compute).expect("an error is not for good");
}

/// Says what a device that a kernel broke answers to everything.
fn assert_is_lost(device: &CudaDevice, array: &Array<'_>, module: ModuleId, expected: &str) {
    assert_eq!(message(device.synchronize(Queue::Upload)), expected);
    assert_eq!(message(device.synchronize(Queue::Compute)), expected);
    assert_eq!(message(array.download()), expected);
    assert_eq!(message(array.memory.upload(0, &[0; 8])), expected);
    assert_eq!(message(device.alloc(8)), expected);
    assert_eq!(message(device.memory()), expected);
    assert_eq!(message(device.load("")), expected);
    assert_eq!(message(device.record(Queue::Compute)), expected);
    assert_eq!(message(device.wait(Queue::Compute, DeviceEvent(0))), expected);
    assert_eq!(message(add_one(device, module, array, array)), expected);
}

#[test]
fn a_kernel_that_fails_ends_the_device() {
    let test = "launching::a_kernel_that_fails_ends_the_device";
    if with_fake_driver(test, "launch=2").is_some() {
        return;
    }
    let device = open();
    let (module, array) = ten_ones(&device);
    add_one(&device, module, &array, &array).expect("a launch");
    device.synchronize(Queue::Compute).expect("no failure");
    add_one(&device, module, &array, &array).expect("it fails when it runs");
    order(&device, Queue::Compute, Queue::Download);
    let expected = "the kernel add_one could not be run: CUDA_ERROR_LAUNCH_FAILED: unspecified \
                    launch failure (cuEventSynchronize); this process cannot use the device any more";
    assert_eq!(message(array.download()), expected);
    assert_is_lost(&device, &array, module, expected);
}

#[test]
fn a_kernel_that_goes_astray_ends_the_device() {
    let test = "launching::a_kernel_that_goes_astray_ends_the_device";
    if let Some(log) = with_fake_driver(test, "") {
        assert!(log.contains("error 700: kernel add_one"), "{log}");
        return;
    }
    let device = open();
    let (module, array) = ten_ones(&device);
    let short = Array::new(&device, 9);
    add_one(&device, module, &array, &short).expect("it fails when it runs");
    let error = message(device.synchronize(Queue::Compute));
    assert!(error.contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{error}");
    assert_is_lost(&device, &array, module, &error);
    // Opening it again does not help, and does not panic either.
    assert!(CudaDevice::open(0).is_err());
}

/// Threads share a device: each orders its own work.
#[test]
fn threads_share_a_device() {
    if with_fake_driver("launching::threads_share_a_device", "").is_some() {
        return;
    }
    let device = open();
    let work = |thread: u32| {
        for round in 0..10 {
            let module = device.load(&format!("{ADD_ONE}// {}\n", round % 3)).expect("a module");
            let value = f64::from(100 * thread + round);
            let (from, to) = (Array::new(&device, 300), Array::new(&device, 300));
            from.upload(&[value; 300]);
            order(&device, Queue::Upload, Queue::Compute);
            add_one(&device, module, &from, &to).expect("a launch");
            order(&device, Queue::Compute, Queue::Download);
            assert_eq!(to.download(), Ok(vec![value + 1.0; 300]));
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..6 {
            scope.spawn(move || work(thread));
        }
    });
}

/// Memory of cudarc's is used where it lies.
#[test]
fn an_array_of_cudarc_is_an_operand() {
    use fuse_ptx::cudarc::driver::CudaContext;
    if with_fake_driver("launching::an_array_of_cudarc_is_an_operand", "").is_some() {
        return;
    }
    let context = CudaContext::new(0).expect("the driver is there");
    let slice = context.default_stream().clone_htod(&[41.0_f64; 100]).expect("a copy");
    let device = open();
    let module = device.load(ADD_ONE).expect("a module");
    let address = fuse_ptx::address_of(&slice).expect("an address");
    let lent = Memory::at(&device, address);
    let (from, to) = (Array { memory: lent, len: slice.len() }, Array::new(&device, 100));
    add_one(&device, module, &from, &to).expect("a launch");
    order(&device, Queue::Compute, Queue::Download);
    assert_eq!(to.download(), Ok(vec![42.0; 100]));
    // It is not ours to free.
    free(&device, address);
    drop((from, to));
    drop(device);
    assert_eq!(context.default_stream().clone_dtoh(&slice).expect("a copy"), [41.0; 100]);
}
