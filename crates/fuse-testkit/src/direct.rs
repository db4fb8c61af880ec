//! What a kernel means, one element at a time: the expectations of the conformance suite.
//!
//! Written from the module docs of `fuse_ir::kernel` and `fuse_ir::abi` and from `docs/numerics.md`,
//! apart from the interpreter: no granules, no masks over lanes, no blending. A lane's `rare` either
//! runs its region or does not; a lane's `repeat` is a loop; a fold visits its elements in order.
//! Shared with the interpreter is `Prim::eval` alone, which has tests of its own.

use fuse_ir::{Control, GRANULE, InputClass, Kernel, Node, OperandOutput, Prim, Region, ValueId};

use crate::case::load_element;
use crate::compare::canonical;
use crate::states;

/// Elements of a fold's block.
pub const BLOCK: usize = 1024;

/// The accumulators of one fold-state slot.
pub type Accumulators = [u64; GRANULE];

/// What running a kernel gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The uniform region's results.
    pub uniforms: Vec<u64>,
    /// Raw stored bits, output by output.
    pub outputs: Vec<Vec<u64>>,
    /// For each block of 1024 elements (at least one), the accumulators of every state slot.
    pub folds: Vec<Vec<Accumulators>>,
}

/// What a kernel gives for `n` elements of these inputs.
pub fn outcome(
    kernel: &Kernel,
    scalars: &[u64],
    inputs: &[Vec<u8>],
    n: usize,
    first_index: u64,
) -> Outcome {
    let uniforms = eval_region(kernel, &kernel.uniform, scalars, 0);
    let mut outputs = vec![Vec::with_capacity(n); kernel.outputs.len()];
    let mut folds = vec![initial_states(kernel); n.div_ceil(BLOCK).max(1)];
    for element in 0..n {
        let params = body_params(kernel, inputs, &uniforms, element);
        let index = first_index.wrapping_add(element as u64);
        let results = eval_region(kernel, &kernel.lane, &params, index);
        let (stored, fold_args) = results.split_at(outputs.len());
        for ((output, bits), operand) in outputs.iter_mut().zip(stored).zip(&kernel.outputs) {
            output.push(stored_bits(*operand, *bits));
        }
        step_folds(kernel, &mut folds[element / BLOCK], element % GRANULE, fold_args);
    }
    Outcome { uniforms, outputs, folds }
}

/// What the body is given for an element: what each input holds, then the uniforms.
pub(crate) fn body_params(
    kernel: &Kernel,
    inputs: &[Vec<u8>],
    uniforms: &[u64],
    element: usize,
) -> Vec<u64> {
    let loads = kernel.inputs.iter().zip(inputs).map(|(input, bytes)| match input.class {
        InputClass::Stream => load_element(bytes, input.mem, element),
        InputClass::Splat => load_element(bytes, input.mem, 0),
    });
    loads.chain(uniforms.iter().copied()).collect()
}

fn initial_states(kernel: &Kernel) -> Vec<Accumulators> {
    states::initial(kernel).into_iter().map(|bits| [bits; GRANULE]).collect()
}

/// Advances the accumulator of one element in every fold.
fn step_folds(kernel: &Kernel, slots: &mut [Accumulators], accumulator: usize, args: &[u64]) {
    let state: Vec<u64> = slots.iter().map(|slot| slot[accumulator]).collect();
    for (slot, bits) in slots.iter_mut().zip(states::stepped(kernel, &state, args)) {
        slot[accumulator] = bits;
    }
}

/// The bits that an output's array holds for a value.
pub(crate) fn stored_bits(output: OperandOutput, bits: u64) -> u64 {
    if output.never_nan { bits } else { canonical(output.mem.lane(), bits) }
}

/// A region's results for one element.
pub fn eval_region(kernel: &Kernel, region: &Region, params: &[u64], index: u64) -> Vec<u64> {
    let mut values: Vec<u64> = Vec::with_capacity(region.nodes.len());
    let mut control_results: Vec<Option<Vec<u64>>> = vec![None; region.controls.len()];
    for (value, node) in region.iter() {
        let bits = match node {
            Node::Param(position) => params[position as usize],
            Node::Const(scalar) => scalar.bits,
            Node::Prim(Prim::LaneIndex, _) => index,
            Node::Prim(prim, _) => {
                let mut bits = [0; 3];
                for (bits, arg) in bits.iter_mut().zip(node.args()) {
                    *bits = values[arg.index()];
                }
                let numeric = if prim == Prim::Select { node.args()[1] } else { node.args()[0] };
                prim.eval(region.lane(numeric), region.lane(value), bits)
            }
            Node::Lookup(table, index) => {
                let entries = &kernel.tables[table.index()].entries;
                let position = values[index.index()] % entries.len() as u64;
                entries[usize::try_from(position).expect("less than a length")]
            }
            Node::Result { control, index } => {
                let results = &mut control_results[control as usize];
                let run = || eval_control(kernel, &region.controls[control as usize], &values);
                results.get_or_insert_with(run)[index as usize]
            }
        };
        values.push(bits);
    }
    read(&values, &region.results)
}

fn read(values: &[u64], ids: &[ValueId]) -> Vec<u64> {
    ids.iter().map(|id| values[id.index()]).collect()
}

fn eval_control(kernel: &Kernel, control: &Control, values: &[u64]) -> Vec<u64> {
    let region = &kernel.regions[control.region().index()];
    match control {
        Control::Rare { mask, args, .. } if values[mask.index()] != 0 => {
            eval_region(kernel, region, &read(values, args), 0)
        }
        Control::Rare { otherwise, .. } => read(values, otherwise),
        Control::Repeat { at_most, init, .. } => {
            let mut state = read(values, init);
            for _ in 0..*at_most {
                state = eval_region(kernel, region, &state, 0);
                let go_on = state.pop().expect("the verifier saw the mask");
                if go_on == 0 {
                    break;
                }
            }
            state
        }
    }
}
