//! Running a kernel on a back end with arguments in memory, and comparing with the interpreter.

#![expect(unsafe_code, reason = "calls compiled kernels")]
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::panic, reason = "a failing test says why")]

use std::sync::Arc;

use fuse_ir::abi::{state_slot, uniform_slots};
use fuse_ir::interp::Interpreter;
use fuse_ir::{
    BlockKernel, Builder, GRANULE, Hints, HostBackend, InputClass, Kernel, KernelArgs, Lane, Mem,
    OperandOutput, RegionBuilder, Scalar, ValueId, VerifiedKernel, verify,
};

/// Operands of one run, each at an odd address.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) granules: usize,
    pub(crate) tail: usize,
    pub(crate) first_index: u64,
    /// The bits of each input, repeated to fill its granules.
    pub(crate) inputs: Vec<Vec<u64>>,
    pub(crate) scalars: Vec<u64>,
    /// Output `.0` is the memory of input `.1`.
    pub(crate) in_place: Option<(usize, usize)>,
}

impl Call {
    pub(crate) fn new(granules: usize, inputs: Vec<Vec<u64>>) -> Call {
        Call { granules, tail: 0, first_index: 0, inputs, scalars: vec![], in_place: None }
    }
}

/// What a run wrote: outputs, states, uniform slots.
pub(crate) type Written = (Vec<Vec<u64>>, Vec<Vec<u64>>, Vec<u64>);

fn write(bytes: &mut [u8], mem: Mem, element: usize, bits: u64) {
    let size = mem.size();
    bytes[1 + element * size..][..size].copy_from_slice(&bits.to_le_bytes()[..size]);
}

fn read(bytes: &[u8], mem: Mem, element: usize) -> u64 {
    let mut bits = [0; 8];
    bits[..mem.size()].copy_from_slice(&bytes[1 + element * mem.size()..][..mem.size()]);
    u64::from_le_bytes(bits)
}

/// Runs a compiled kernel.
pub(crate) fn run(kernel: &Kernel, compiled: &Arc<dyn BlockKernel>, call: &Call) -> Written {
    let elements = call.granules * GRANULE;
    let mut inputs: Vec<Vec<u8>> = kernel
        .inputs
        .iter()
        .zip(&call.inputs)
        .map(|(input, bits)| {
            let count = if input.class == InputClass::Splat { 1 } else { elements };
            let mut bytes = vec![0xee; count * input.mem.size() + 2];
            for (element, &bits) in bits.iter().cycle().take(count).enumerate() {
                write(&mut bytes, input.mem, element, bits);
            }
            bytes
        })
        .collect();
    let mut outputs: Vec<Vec<u8>> =
        kernel.outputs.iter().map(|output| vec![0xee; elements * output.mem.size() + 2]).collect();
    let slots: Vec<Scalar> =
        kernel.folds.iter().flat_map(|fold| fold.state.iter().map(|slot| slot.init)).collect();
    let mut states: Vec<Vec<u8>> = slots
        .iter()
        .map(|init| {
            let mem = init.lane.mem();
            let mut bytes = vec![0xee; GRANULE * mem.size() + 2];
            (0..GRANULE).for_each(|lane| write(&mut bytes, mem, lane, init.bits));
            bytes
        })
        .collect();
    let mut uniforms = call.scalars.clone();
    uniforms.resize(uniform_slots(kernel), 0);
    let pointers: Vec<*const u8> =
        inputs.iter_mut().map(|bytes| bytes[1..].as_mut_ptr().cast_const()).collect();
    let mut output_pointers: Vec<*mut u8> =
        outputs.iter_mut().map(|bytes| bytes[1..].as_mut_ptr()).collect();
    if let Some((output, input)) = call.in_place {
        output_pointers[output] = pointers[input].cast_mut();
    }
    let state_pointers: Vec<*mut u8> =
        states.iter_mut().map(|bytes| bytes[1..].as_mut_ptr()).collect();
    let args = KernelArgs {
        inputs: pointers.as_ptr(),
        outputs: output_pointers.as_ptr(),
        uniforms: uniforms.as_mut_ptr(),
        folds: state_pointers.as_ptr(),
        scratch: std::ptr::null_mut(),
        first_index: call.first_index,
        granules: call.granules as u64,
        tail: call.tail as u64,
        hints: Hints::default(),
    };
    // SAFETY: the arrays above are what the kernel's interface asks for.
    unsafe {
        compiled.run_uniform(&args);
        compiled.run(&args);
    }
    if let Some((output, input)) = call.in_place {
        outputs[output].clone_from(&inputs[input]);
    }
    for bytes in outputs.iter().chain(&states) {
        assert_eq!((bytes[0], bytes[bytes.len() - 1]), (0xee, 0xee), "written out of bounds");
    }
    let outputs = kernel.outputs.iter().zip(&outputs);
    let outputs = outputs
        .map(|(output, bytes)| (0..elements).map(|at| read(bytes, output.mem, at)).collect())
        .collect();
    let states = slots
        .iter()
        .zip(&states)
        .map(|(init, bytes)| (0..GRANULE).map(|at| read(bytes, init.lane.mem(), at)).collect());
    (outputs, states.collect(), uniforms)
}

fn same(mem: Mem, a: u64, b: u64) -> bool {
    let is_nan = |bits: u64| match mem {
        Mem::F32 => bits & 0x7fff_ffff > 0x7f80_0000,
        Mem::F64 => f64::from_bits(bits).is_nan(),
        _ => false,
    };
    a == b || (is_nan(a) && is_nan(b))
}

/// Runs on the interpreter and on `backend` and compares all that was written.
pub(crate) fn check(backend: &dyn HostBackend, kernel: &VerifiedKernel, call: &Call, what: &str) {
    let expected = run(kernel, &Interpreter.compile(kernel).expect("compiles"), call);
    let compiled = backend.compile(kernel).unwrap_or_else(|error| panic!("{what}: {error}"));
    let got = run(kernel, &compiled, call);
    for (number, output) in kernel.outputs.iter().enumerate() {
        for (at, (&want, &have)) in expected.0[number].iter().zip(&got.0[number]).enumerate() {
            // Stores make NaNs canonical, so outputs agree to the bit unless nothing was promised.
            let equal = want == have || (output.never_nan && same(output.mem, want, have));
            let args: Vec<String> = kernel
                .inputs
                .iter()
                .zip(&call.inputs)
                .map(|(input, bits)| {
                    let at = if input.class == InputClass::Splat { 0 } else { at };
                    format!("{:#x}", bits[at % bits.len()])
                })
                .collect();
            assert!(equal, "{what}: output {number}[{at}] of {args:?}: {have:#x}, not {want:#x}");
        }
    }
    for (number, fold) in kernel.folds.iter().enumerate() {
        for (index, slot) in fold.state.iter().enumerate() {
            let position = state_slot(kernel, number, index);
            for lane in 0..GRANULE {
                let (want, have) = (expected.1[position][lane], got.1[position][lane]);
                let equal = same(slot.init.lane.mem(), want, have);
                assert!(equal, "{what}: state {position}[{lane}]: {have:#x}, not {want:#x}");
            }
        }
    }
    let lanes = kernel.uniform.params.iter().copied().chain(kernel.uniform.result_lanes());
    for (slot, lane) in lanes.enumerate() {
        let (want, have) = (expected.2[slot], got.2[slot]);
        assert!(same(lane.mem(), want, have), "{what}: uniform {slot}: {have:#x}, not {want:#x}");
    }
}

/// A kernel of streams with one lane region.
pub(crate) fn elementwise(
    inputs: &[Mem],
    outputs: &[Mem],
    body: impl FnOnce(&mut RegionBuilder) -> Vec<ValueId>,
) -> VerifiedKernel {
    let mut builder = Builder::new();
    inputs.iter().for_each(|&mem| builder.input(mem, InputClass::Stream));
    outputs.iter().for_each(|&mem| builder.output(OperandOutput { mem, never_nan: false }));
    let lanes: Vec<Lane> = inputs.iter().map(|mem| mem.lane()).collect();
    let mut lane = RegionBuilder::new(&lanes);
    let results = body(&mut lane);
    verify(builder.finish(lane.finish(&results))).expect("a valid kernel")
}

/// Values that find mistakes.
pub(crate) fn edges(lane: Lane) -> Vec<u64> {
    let bits: Vec<u64> = match lane {
        Lane::Mask => vec![0, 1, 1, 0, 1],
        Lane::F32 => F64_EDGES
            .iter()
            .map(|&x| u64::from((x as f32).to_bits()))
            .chain(F32_EXTRA.map(|x: f32| u64::from(x.to_bits())))
            .chain([0x7f80_0001, 0xffc0_1234, 1, 0x8000_0001, 0x007f_ffff])
            .collect(),
        Lane::F64 => F64_EDGES
            .iter()
            .map(|x| x.to_bits())
            .chain([0x7ff0_0000_0000_0001, 0xfff8_0000_0000_1234, 1, 0x800f_ffff_ffff_ffff])
            .collect(),
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => int_edges(lane),
    };
    bits
}

fn int_edges(lane: Lane) -> Vec<u64> {
    let width = u64::from(lane.bits());
    let top = 1_u64 << (width - 1);
    let mut bits =
        vec![0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 200, 255];
    for power in 0..width {
        bits.extend([1 << power, (1_u64 << power).wrapping_sub(1), !(1_u64 << power)]);
    }
    bits.extend([
        top,
        top - 1,
        top + 1,
        u64::MAX,
        u64::MAX - 1,
        0x0123_4567_89ab_cdef,
        0xdead_beef_f00d_cafe,
        0x7c00,
        0x7bff,
        0x7c01,
        0xfc00,
        0x7e00,
        0x3c00,
        0x8001,
        0x03ff,
        0x0400,
    ]);
    bits.iter().map(|bits| bits & lane.all_ones()).collect()
}

const F32_EXTRA: [f32; 4] = [f32::MAX, f32::MIN_POSITIVE, 16_777_217.0, 8_388_607.5];

const F64_EDGES: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.5,
    -2.5,
    0.25,
    0.75,
    -0.75,
    3.0,
    1e-320,
    -1e-320,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    1e10,
    -1e10,
    2147483647.0,
    2147483648.0,
    -2147483648.0,
    -2147483649.0,
    2147483646.5,
    2147483647.5,
    -2147483648.5,
    4294967295.0,
    4294967296.0,
    4294967297.5,
    9.223372036854775e18,
    9223372036854775808.0,
    -9223372036854775808.0,
    -9.223372036854778e18,
    1.844_674_407_370_955e19,
    18446744073709551616.0,
    1e300,
    4503599627370495.5,
    4503599627370496.5,
    4503599627370497.0,
    -4503599627370495.5,
    9007199254740993.0,
    65504.0,
    65519.99,
    65520.0,
    65535.9,
    -65520.0,
    6.1035e-5,
    6.103515625e-5,
    5.96e-8,
    2.98e-8,
    2.9802322387695312e-8,
    8.94e-8,
    1.0009765625,
    1.00048828125,
    1.0014648437,
    0.1,
    1e-5,
    3.5e-7,
    1e38,
    1e39,
    1e-40,
    1e-46,
    0.49999999999999994,
    123456789012.75,
    -123456789012.75,
    -4294967296.5,
    1234.5678,
];
