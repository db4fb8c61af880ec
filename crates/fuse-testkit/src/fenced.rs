//! A back end whose kernels run behind fences, for suites that go through engines and the runtime.
//!
//! ```text
//! the runtime's operands ──copied──▶ fenced memory, exactly the bytes of the call ──kernel──▶ copied back
//! ```
//!
//! Every call's inputs, outputs, fold states, uniform slots and scratch lie against inaccessible pages, in
//! front of them, behind them or off any alignment by turns, and canaries around them are checked. An output
//! that is an input's memory stays so.

#![expect(unsafe_code, reason = "copies the operands of compiled kernels through raw pointers")]

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fuse_ir::abi::uniform_slots;
use fuse_ir::{
    BlockKernel, Capabilities, CodeFacts, CodegenError, GRANULE, HostBackend, InputClass,
    KernelArgs, ListingForm, VerifiedKernel,
};

use crate::dispatch::MemoryPool;
use crate::fence::Placement;

/// A back end, fenced in.
pub struct FencedBackend(pub Arc<dyn HostBackend>);

impl HostBackend for FencedBackend {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        let inner = self.0.compile(kernel)?;
        Ok(Arc::new(FencedKernel { inner, kernel: kernel.clone(), n_calls: AtomicUsize::new(0) }))
    }

    fn listing(
        &self,
        kernel: &VerifiedKernel,
        form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        self.0.listing(kernel, form)
    }

    fn code_facts(&self, kernel: &VerifiedKernel) -> Result<Option<CodeFacts>, CodegenError> {
        self.0.code_facts(kernel)
    }
}

struct FencedKernel {
    inner: Arc<dyn BlockKernel>,
    kernel: VerifiedKernel,
    n_calls: AtomicUsize,
}

thread_local! {
    static POOL: RefCell<MemoryPool> = RefCell::default();
}

/// An operand of the caller's, and the fenced memory that stands for it.
struct Stand {
    original: *mut u8,
    bytes: usize,
    place: usize,
    name: &'static str,
}

impl FencedKernel {
    /// Where this call's operands lie.
    fn placement(&self) -> Placement {
        let call = self.n_calls.fetch_add(1, Ordering::Relaxed);
        match call % 3 {
            0 => Placement::Back,
            1 => Placement::Front,
            _ => Placement::Misaligned(call % 61 + 1),
        }
    }

    /// Calls with all operands fenced; `run` does the call.
    ///
    /// # Safety
    /// `args` is as the ABI says for this kernel, for what `run` calls.
    unsafe fn fenced(&self, args: &KernelArgs, lists: bool, run: &dyn Fn(&KernelArgs)) {
        let kernel = self.kernel.kernel();
        let placement = self.placement();
        let granule = |size: usize| args.granules as usize * GRANULE * size;
        POOL.with_borrow_mut(|pool| {
            pool.reset();
            let mut stands: Vec<Stand> = Vec::new();
            let mut stand = |original: *mut u8, bytes: usize, placement, name| {
                // SAFETY: the ABI gives every operand so many bytes.
                let now = unsafe { std::slice::from_raw_parts(original, bytes) };
                let place = pool.place(now, placement);
                stands.push(Stand { original, bytes, place, name });
                place
            };
            let (mut inputs, mut outputs, mut folds) = (Vec::new(), Vec::new(), Vec::new());
            if lists {
                for (number, input) in kernel.inputs.iter().enumerate() {
                    // SAFETY: there is a pointer for each input.
                    let original = unsafe { *args.inputs.add(number) }.cast_mut();
                    let size = input.mem.size();
                    let bytes = match input.class {
                        InputClass::Stream => granule(size),
                        InputClass::Splat => size,
                    };
                    inputs.push((original, stand(original, bytes, placement, "an input")));
                }
                for (number, output) in kernel.outputs.iter().enumerate() {
                    // SAFETY: there is a pointer for each output.
                    let original = unsafe { *args.outputs.add(number) };
                    let shared = inputs.iter().find(|(input, _)| *input == original);
                    let bytes = granule(output.mem.size());
                    let place = match shared {
                        Some(&(_, place)) => place,
                        None => stand(original, bytes, placement, "an output"),
                    };
                    outputs.push(place);
                }
                for (number, slot) in kernel.state_slots().enumerate() {
                    // SAFETY: there is a pointer for each state.
                    let original = unsafe { *args.folds.add(number) };
                    let bytes = GRANULE * slot.init.lane.mem().size();
                    folds.push(stand(original, bytes, placement, "a state"));
                }
            }
            let slots = 8 * uniform_slots(kernel);
            let uniforms = stand(args.uniforms.cast(), slots, Placement::Back, "the uniform slots");
            let scratch = vec![0x77; self.inner.scratch_bytes().next_multiple_of(64)];
            let scratch = pool.place(&scratch, Placement::Back);
            let mut pointer = |place: usize| pool.pointer(place);
            let inputs: Vec<*const u8> =
                inputs.iter().map(|&(_, place)| pointer(place).cast_const()).collect();
            let outputs: Vec<*mut u8> = outputs.iter().map(|&place| pointer(place)).collect();
            let folds: Vec<*mut u8> = folds.iter().map(|&place| pointer(place)).collect();
            run(&KernelArgs {
                inputs: inputs.as_ptr(),
                outputs: outputs.as_ptr(),
                uniforms: pointer(uniforms).cast(),
                folds: folds.as_ptr(),
                scratch: pointer(scratch),
                ..*args
            });
            assert!(pool.is_intact(scratch), "bytes beside scratch memory were written: {kernel}");
            for Stand { original, bytes, place, name } in stands {
                assert!(pool.is_intact(place), "bytes beside {name} were written: {kernel}");
                let then = pool.bytes(place);
                // SAFETY: the operand has so many bytes. What the call left unchanged, inputs among it, is
                // only read: others may read it too.
                unsafe {
                    if std::slice::from_raw_parts(original, bytes) != then {
                        std::ptr::copy_nonoverlapping(then.as_ptr(), original, bytes);
                    }
                }
            }
        });
    }
}

impl BlockKernel for FencedKernel {
    unsafe fn run_uniform(&self, args: &KernelArgs) {
        // SAFETY: promised by the caller; the copies have the same sizes.
        unsafe { self.fenced(args, false, &|args| self.inner.run_uniform(args)) };
    }

    unsafe fn run(&self, args: &KernelArgs) {
        // SAFETY: promised by the caller; the copies have the same sizes.
        unsafe { self.fenced(args, true, &|args| self.inner.run(args)) };
    }

    fn scratch_bytes(&self) -> usize {
        self.inner.scratch_bytes()
    }

    fn code_bytes(&self) -> usize {
        self.inner.code_bytes()
    }
}

#[cfg(test)]
mod tests {
    use fuse_ir::interp::Interpreter;
    use fuse_ir::{ListingForm, Mem, OperandOutput, RegionBuilder, verify};

    use super::*;

    /// The interpreter, which then writes the byte in front of the first output.
    struct Stray;

    struct StrayKernel(Arc<dyn BlockKernel>);

    impl HostBackend for Stray {
        fn name(&self) -> &'static str {
            "stray"
        }

        fn capabilities(&self) -> Capabilities {
            Interpreter.capabilities()
        }

        fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
            Ok(Arc::new(StrayKernel(Interpreter.compile(kernel)?)))
        }

        fn listing(
            &self,
            _: &VerifiedKernel,
            _: ListingForm,
        ) -> Result<Option<String>, CodegenError> {
            Ok(None)
        }
    }

    impl BlockKernel for StrayKernel {
        unsafe fn run_uniform(&self, args: &KernelArgs) {
            // SAFETY: promised by the caller.
            unsafe { self.0.run_uniform(args) };
        }

        unsafe fn run(&self, args: &KernelArgs) {
            // SAFETY: promised by the caller; the byte in front is a canary of the fenced memory.
            unsafe {
                self.0.run(args);
                (*args.outputs).sub(1).write(0);
            }
        }
    }

    /// Copies 32 elements through a back end's kernel.
    fn copied(backend: Arc<dyn HostBackend>) -> Vec<u8> {
        let mut builder = fuse_ir::Builder::new();
        builder.input(Mem::I8, InputClass::Stream);
        builder.output(OperandOutput { mem: Mem::I8, never_nan: false });
        let lane = RegionBuilder::new(&[fuse_ir::Lane::I8]);
        let x = lane.param(0);
        let kernel = verify(builder.finish(lane.finish(&[x]))).expect("a kernel");
        let compiled = FencedBackend(backend).compile(&kernel).expect("it compiles");
        let from: Vec<u8> = (0..32).collect();
        let mut to = vec![0xee; 32];
        let (inputs, outputs) = ([from.as_ptr()], [to.as_mut_ptr()]);
        let args = KernelArgs {
            inputs: inputs.as_ptr(),
            outputs: outputs.as_ptr(),
            uniforms: std::ptr::null_mut::<u64>().wrapping_add(1),
            folds: std::ptr::null(),
            scratch: std::ptr::null_mut(),
            first_index: 0,
            granules: 1,
            tail: 0,
            hints: fuse_ir::Hints::default(),
        };
        // SAFETY: one granule of each operand; the kernel has no uniform slots and no states.
        unsafe { compiled.run(&args) };
        to
    }

    #[test]
    fn results_come_back() {
        assert_eq!(copied(Arc::new(Interpreter)), (0..32).collect::<Vec<u8>>());
    }

    #[test]
    #[should_panic(expected = "bytes beside an output were written")]
    fn a_stray_write_is_noticed() {
        copied(Arc::new(Stray));
    }
}
