//! The interpreter: the oracle for every back end, and the fallback where executable memory is
//! refused.
//!
//! It walks a region node by node over granules of 32 lanes and asks [`Prim::eval`] for each lane.
//! Slow and obviously right: nothing here but the meaning of a kernel, as `docs/ARCHITECTURE.md`
//! states it.

use std::sync::Arc;

use crate::abi::{BlockKernel, BoundArgs, GranuleBits, SafeBlockKernel};
use crate::backend::{Capabilities, CodegenError, HostBackend, ListingForm};
use crate::ids::ValueId;
use crate::kernel::{Control, GRANULE, Kernel, Node, Region, Scalar};
use crate::lane::Lane;
use crate::prim::Prim;
use crate::verify::VerifiedKernel;

/// The interpreter as a back end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interpreter;

impl HostBackend for Interpreter {
    fn name(&self) -> &'static str {
        "interp"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { isa: "none".to_string(), vector_bits: 64, native_fma: true }
    }

    fn compile(&self, kernel: &VerifiedKernel) -> Result<Arc<dyn BlockKernel>, CodegenError> {
        Ok(Arc::new(InterpretedKernel { kernel: kernel.clone() }))
    }

    fn listing(
        &self,
        _kernel: &VerifiedKernel,
        _form: ListingForm,
    ) -> Result<Option<String>, CodegenError> {
        Ok(None)
    }
}

/// What a primitive does to the lanes of a granule, `(prim, x, result, lane, args)` as in
/// [`Prim::eval`]; `lane_index` gets its result as its first argument. The default is
/// [`reference()`], the primitive table; the fault injection tests put a wrong one in its place.
pub type Semantics<'a> = &'a dyn Fn(Prim, Lane, Lane, usize, [u64; 3]) -> u64;

/// The primitive table.
pub fn reference(prim: Prim, x: Lane, result: Lane, _lane: usize, args: [u64; 3]) -> u64 {
    prim.eval(x, result, args)
}

/// A kernel run by the interpreter.
struct InterpretedKernel {
    kernel: VerifiedKernel,
}

impl SafeBlockKernel for InterpretedKernel {
    fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    fn run_uniform(&self, args: &BoundArgs<'_>) {
        run_uniform(&self.kernel, &reference, args);
    }

    fn run(&self, args: &BoundArgs<'_>) {
        run(&self.kernel, &reference, args);
    }
}

/// Runs a kernel's uniform region with the given semantics.
pub fn run_uniform(kernel: &Kernel, semantics: Semantics<'_>, args: &BoundArgs<'_>) {
    let n_params = kernel.uniform.params.len();
    let params: Vec<GranuleBits> =
        (0..n_params).map(|slot| [args.uniform(slot); GRANULE]).collect();
    let results = eval_region(kernel, semantics, &kernel.uniform, &params);
    for (index, bits) in results.iter().enumerate() {
        args.set_uniform(n_params + index, bits[0]);
    }
}

/// Runs a kernel's lane region and folds with the given semantics.
pub fn run(kernel: &Kernel, semantics: Semantics<'_>, args: &BoundArgs<'_>) {
    let n_scalars = kernel.uniform.params.len();
    let uniforms: Vec<GranuleBits> = (0..kernel.uniform.results.len())
        .map(|index| [args.uniform(n_scalars + index); GRANULE])
        .collect();
    for granule in 0..args.n_granules() {
        let inputs = (0..kernel.inputs.len()).map(|index| args.load(index, granule));
        let params: Vec<GranuleBits> = inputs.chain(uniforms.iter().copied()).collect();
        let first = args.first_index(granule);
        let results = eval_lanes(kernel, semantics, &kernel.lane, &params, first);
        let (outputs, fold_args) = results.split_at(kernel.outputs.len());
        for (index, bits) in outputs.iter().enumerate() {
            args.store(index, granule, bits);
        }
        step_folds(kernel, semantics, args, granule, fold_args);
    }
}

/// Advances every fold by one granule; lanes past the tail keep their state.
fn step_folds(
    kernel: &Kernel,
    semantics: Semantics<'_>,
    args: &BoundArgs<'_>,
    granule: usize,
    mut fold_args: &[GranuleBits],
) {
    let valid = args.valid_lanes(granule);
    for (number, fold) in kernel.folds.iter().enumerate() {
        let (own_args, rest) = fold_args.split_at(fold.n_args());
        fold_args = rest;
        let state: Vec<GranuleBits> =
            (0..fold.state.len()).map(|index| args.load_state(number, index)).collect();
        let params = [state.as_slice(), own_args].concat();
        let mut next = eval_region(kernel, semantics, &fold.step, &params);
        for (index, next) in next.iter_mut().enumerate() {
            next[valid..].copy_from_slice(&state[index][valid..]);
            args.store_state(number, index, next);
        }
    }
}

/// Evaluates a region whose lanes have no position.
pub fn eval_region(
    kernel: &Kernel,
    semantics: Semantics<'_>,
    region: &Region,
    params: &[GranuleBits],
) -> Vec<GranuleBits> {
    eval_lanes(kernel, semantics, region, params, 0)
}

/// Evaluates a closed region on single lanes with the reference semantics: how the runtime finishes
/// folds and how tests state expectations.
pub fn eval_scalars(kernel: &Kernel, region: &Region, params: &[Scalar]) -> Vec<Scalar> {
    let params: Vec<GranuleBits> = params.iter().map(|scalar| [scalar.bits; GRANULE]).collect();
    let results = eval_region(kernel, &reference, region, &params);
    let lanes = region.result_lanes();
    results.iter().zip(lanes).map(|(bits, lane)| Scalar { lane, bits: bits[0] }).collect()
}

fn eval_lanes(
    kernel: &Kernel,
    semantics: Semantics<'_>,
    region: &Region,
    params: &[GranuleBits],
    first_index: u64,
) -> Vec<GranuleBits> {
    let mut values: Vec<GranuleBits> = Vec::with_capacity(region.nodes.len());
    let mut control_results: Vec<Option<Vec<GranuleBits>>> = vec![None; region.controls.len()];
    for (value, node) in region.iter() {
        let bits = match node {
            Node::Param(position) => params[position as usize],
            Node::Const(scalar) => [scalar.bits; GRANULE],
            Node::Prim(Prim::LaneIndex, _) => {
                let index = |lane: usize| first_index.wrapping_add(lane as u64);
                std::array::from_fn(|lane| {
                    semantics(Prim::LaneIndex, Lane::I64, Lane::I64, lane, [index(lane), 0, 0])
                })
            }
            Node::Prim(prim, args) => {
                let numeric = args[prim.arity().min(2) - 1];
                let (x, result) = (region.lane(numeric), region.lane(value));
                let [a, b, c] = args.map(|arg| &values[arg.index().min(values.len() - 1)]);
                std::array::from_fn(|lane| {
                    semantics(prim, x, result, lane, [a[lane], b[lane], c[lane]])
                })
            }
            Node::Lookup(table, index) => {
                let entries = &kernel.tables[table.index()].entries;
                let last = entries.len() as u64 - 1;
                values[index.index()].map(|index| entries[(index & last) as usize])
            }
            Node::Result { control, index } => {
                let results = &mut control_results[control as usize];
                let results = results.get_or_insert_with(|| {
                    let control = &region.controls[control as usize];
                    eval_control(kernel, semantics, control, &values)
                });
                results[index as usize]
            }
        };
        values.push(bits);
    }
    region.results.iter().map(|result| values[result.index()]).collect()
}

fn eval_control(
    kernel: &Kernel,
    semantics: Semantics<'_>,
    control: &Control,
    values: &[GranuleBits],
) -> Vec<GranuleBits> {
    let read =
        |ids: &[ValueId]| -> Vec<GranuleBits> { ids.iter().map(|id| values[id.index()]).collect() };
    let callee = &kernel.regions[control.region().index()];
    match control {
        Control::Rare { mask, args, otherwise, .. } => {
            let mask = &values[mask.index()];
            let otherwise = read(otherwise);
            if mask.iter().all(|&set| set == 0) {
                return otherwise;
            }
            let slow = eval_region(kernel, semantics, callee, &read(args));
            slow.iter().zip(&otherwise).map(|(slow, fast)| blend(mask, slow, fast)).collect()
        }
        Control::Repeat { at_most, init, .. } => {
            let mut state = read(init);
            let mut active = [1; GRANULE];
            for _ in 0..*at_most {
                let mut next = eval_region(kernel, semantics, callee, &state);
                let go_on = next.pop().expect("the verifier saw the mask");
                for (state, next) in state.iter_mut().zip(&next) {
                    *state = blend(&active, next, state);
                }
                active = std::array::from_fn(|lane| active[lane] & go_on[lane]);
                if active.iter().all(|&lane| lane == 0) {
                    break;
                }
            }
            state
        }
    }
}

/// `set` in the lanes of the mask, `clear` elsewhere.
fn blend(mask: &GranuleBits, set: &GranuleBits, clear: &GranuleBits) -> GranuleBits {
    std::array::from_fn(|lane| if mask[lane] != 0 { set[lane] } else { clear[lane] })
}
