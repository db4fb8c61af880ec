//! Times the headline kernel in L1 and the compilation of small and large kernels:
//! `cargo run --release -p fuse-cranelift --example headline`.

#![expect(unsafe_code, reason = "calls compiled kernels")]
#![expect(clippy::print_stdout, reason = "prints what it measures")]

use std::time::Instant;

use fuse_cranelift::CraneliftBackend;
use fuse_ir::{
    Builder, CodegenError, Fold, GRANULE, Hints, HostBackend, InputClass, KernelArgs, Lane, Mem,
    OperandOutput, Prim, RegionBuilder, Scalar, StateSlot, ValueId, VerifiedKernel, verify,
};

const ELEMENTS: usize = 4096;

fn main() -> Result<(), CodegenError> {
    let backend = CraneliftBackend::native()?;
    println!("{}", backend.capabilities().isa);
    time("x + ... + x**8, 7 fma", &backend, &powers())?;
    time("the same, never NaN", &backend, &with_output(powers_region(), true))?;
    time("40 dependent fma, 40 constants", &backend, &horner(40))?;
    time("sum(x**2)", &backend, &sum_of_squares())?;
    time_compilation("10 nodes", &backend, 10)?;
    time_compilation("100 nodes", &backend, 100)?;
    time_compilation("1000 nodes", &backend, 1000)?;
    time_compilation("8000 nodes", &backend, 8000)?;
    Ok(())
}

fn with_output(region: RegionBuilder, never_nan: bool) -> VerifiedKernel {
    let mut builder = Builder::new();
    builder.input(Mem::F64, InputClass::Stream);
    builder.output(OperandOutput { mem: Mem::F64, never_nan });
    let last = ValueId::new(region.len() - 1);
    verify(builder.finish(region.finish(&[last]))).expect("a valid kernel")
}

fn powers_region() -> RegionBuilder {
    let mut region = RegionBuilder::new(&[Lane::F64]);
    let x = region.param(0);
    (0..7).fold(x, |acc, _| region.prim(Prim::Fma, &[x, acc, x]));
    region
}

fn powers() -> VerifiedKernel {
    with_output(powers_region(), false)
}

fn horner(degree: usize) -> VerifiedKernel {
    let mut region = RegionBuilder::new(&[Lane::F64]);
    let x = region.param(0);
    (0..degree).fold(x, |acc, at| {
        let constant = region.constant(Scalar::f64(1.0 / (3.0 + at as f64)));
        region.prim(Prim::Fma, &[x, acc, constant])
    });
    with_output(region, false)
}

fn sum_of_squares() -> VerifiedKernel {
    let mut builder = Builder::new();
    builder.input(Mem::F64, InputClass::Stream);
    let mut step = RegionBuilder::new(&[Lane::F64, Lane::F64]);
    let (acc, x) = (step.param(0), step.param(1));
    let acc = step.prim(Prim::Fma, &[x, x, acc]);
    let merge = RegionBuilder::new(&[Lane::F64, Lane::F64]);
    let left = merge.param(0);
    let finish = RegionBuilder::new(&[Lane::F64]);
    builder.fold(Fold {
        state: vec![StateSlot { init: Scalar::f64(0.0) }],
        step: step.finish(&[acc]),
        merge: merge.finish(&[left]),
        finish: finish.finish(&[]),
    });
    let lane = RegionBuilder::new(&[Lane::F64]);
    let x = lane.param(0);
    verify(builder.finish(lane.finish(&[x]))).expect("a valid kernel")
}

fn time(
    what: &str,
    backend: &CraneliftBackend,
    kernel: &VerifiedKernel,
) -> Result<(), CodegenError> {
    let compiled = backend.compile(kernel)?;
    let input: Vec<f64> = (0..ELEMENTS).map(|at| at as f64 / ELEMENTS as f64).collect();
    let mut output = vec![0.0; ELEMENTS];
    let mut state = [0.0; GRANULE];
    let inputs = [input.as_ptr().cast::<u8>()];
    let outputs = [output.as_mut_ptr().cast::<u8>()];
    let folds = [state.as_mut_ptr().cast::<u8>()];
    let mut uniforms = [0; 1];
    let args = KernelArgs {
        inputs: inputs.as_ptr(),
        outputs: outputs.as_ptr(),
        uniforms: uniforms.as_mut_ptr(),
        folds: folds.as_ptr(),
        scratch: std::ptr::null_mut(),
        first_index: 0,
        granules: 32,
        tail: 0,
        hints: Hints::default(),
    };
    let blocks = ELEMENTS / (32 * GRANULE);
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        for _ in 0..20 {
            for block in 0..blocks {
                let at = block * 32 * GRANULE;
                let inputs = [input[at..].as_ptr().cast::<u8>()];
                let outputs = [output[at..].as_mut_ptr().cast::<u8>()];
                let args =
                    KernelArgs { inputs: inputs.as_ptr(), outputs: outputs.as_ptr(), ..args };
                // SAFETY: blocks of 32 granules of `input` and `output`, and a state of 32 lanes.
                unsafe { compiled.run(&args) };
            }
        }
        best = best.min(start.elapsed().as_secs_f64() / 20.0);
    }
    println!("{what}: {:.3} ns an element", best * 1e9 / ELEMENTS as f64);
    Ok(())
}

fn time_compilation(
    what: &str,
    backend: &CraneliftBackend,
    nodes: usize,
) -> Result<(), CodegenError> {
    let kernel = horner(nodes);
    let mut times: Vec<f64> = Vec::new();
    let mut bytes = 0;
    for _ in 0..(20_000 / nodes).clamp(5, 200) {
        let start = Instant::now();
        bytes = backend.compile(&kernel)?.code_bytes();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!("compiling {what}: median {:.3} ms, {bytes} bytes", times[times.len() / 2] * 1e3);
    Ok(())
}
