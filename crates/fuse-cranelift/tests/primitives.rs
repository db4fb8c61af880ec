//! Every primitive on every instance of its signature, with register and constant operands, against
//! the interpreter; on this machine, on baseline x86-64, and lowered for aarch64.

mod common;

use common::{Call, check, edges, elementwise};
use fuse_cranelift::CraneliftBackend;
use fuse_ir::{CodegenError, HostBackend, Lane, ListingForm, Mem, Prim, Scalar, VerifiedKernel};

/// Kernels for one instance: all operands loaded; and for each operand, that one constant.
fn kernels(prim: Prim, args: &[Lane], result: Lane) -> Vec<(VerifiedKernel, Vec<usize>)> {
    let mems: Vec<Mem> = args.iter().map(|lane| lane.mem()).collect();
    let mut kernels = vec![(
        elementwise(&mems, &[result.mem()], |region| {
            let values: Vec<_> = (0..args.len()).map(|at| region.param(at)).collect();
            vec![region.prim_to(prim, &values, result)]
        }),
        (0..args.len()).collect(),
    )];
    if args.len() < 2 {
        return kernels;
    }
    for constant in 0..args.len() {
        let own: Vec<usize> = (0..args.len()).filter(|&at| at != constant).collect();
        let mems: Vec<Mem> = own.iter().map(|&at| args[at].mem()).collect();
        let choices = edges(args[constant]);
        let stride = (choices.len() / 12).max(1);
        for &bits in choices.iter().step_by(stride) {
            let kernel = elementwise(&mems, &[result.mem()], |region| {
                let mut next = 0..;
                let values: Vec<_> = (0..args.len())
                    .map(|at| match at == constant {
                        true => region.constant(Scalar { lane: args[at], bits }),
                        false => region.param(next.next().expect("endless")),
                    })
                    .collect();
                vec![region.prim_to(prim, &values, result)]
            });
            kernels.push((kernel, own.clone()));
        }
    }
    kernels
}

/// Operands such that many pairs meet: position by position with different strides.
fn operands(args: &[Lane], own: &[usize]) -> Vec<Vec<u64>> {
    own.iter()
        .map(|&at| {
            let mut bits = edges(args[at]);
            let shift = 5 * at % bits.len();
            bits.rotate_left(shift);
            if at > 0 {
                bits.push(bits[0]);
            }
            bits
        })
        .collect()
}

fn all_instances() -> impl Iterator<Item = (Prim, Vec<Lane>, Lane)> {
    Prim::ALL.iter().flat_map(|&prim| {
        prim.signature().instances().into_iter().map(move |(args, result)| (prim, args, result))
    })
}

fn run_all(backend: &CraneliftBackend) -> usize {
    let mut refused = 0;
    for (prim, args, result) in all_instances() {
        let what = format!("{} {args:?} -> {result}", prim.mnemonic());
        for (number, (kernel, own)) in kernels(prim, &args, result).into_iter().enumerate() {
            let granules = if number == 0 { 149 } else { 5 };
            let mut call = Call::new(granules, operands(&args, &own));
            call.first_index = 77;
            match backend.compile(&kernel) {
                Err(CodegenError::Unsupported { .. }) => refused += 1,
                _ => check(backend, &kernel, &call, &format!("{what} kernel {number}")),
            }
        }
    }
    refused
}

#[test]
fn every_instance_equals_the_interpreter_natively() {
    let backend = CraneliftBackend::native().expect("a supported machine");
    let refused = run_all(&backend);
    assert_eq!(refused, 0, "on {:?}", backend.capabilities());
}

#[test]
#[cfg(target_arch = "x86_64")]
fn every_instance_but_fma_equals_the_interpreter_on_the_baseline() {
    let backend = CraneliftBackend::baseline("x86_64").expect("known");
    assert!(!backend.capabilities().native_fma);
    let fma = all_instances().filter(|(prim, ..)| *prim == Prim::Fma);
    let fma_kernels: usize =
        fma.map(|(prim, args, result)| kernels(prim, &args, result).len()).sum();
    assert_eq!(run_all(&backend), fma_kernels);
}

#[test]
fn every_instance_is_lowered_for_aarch64() {
    let backend = CraneliftBackend::baseline("aarch64").expect("known");
    for (prim, args, result) in all_instances() {
        let (kernel, _) = &kernels(prim, &args, result)[0];
        let listing = backend.listing(kernel, ListingForm::Assembly);
        listing.unwrap_or_else(|error| panic!("{} {args:?}: {error}", prim.mnemonic()));
    }
}
