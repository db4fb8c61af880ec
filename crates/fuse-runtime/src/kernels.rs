//! The kernels that the runtime derives from a pass's kernel: of streams, or of scalars; without folds.
//!
//! ```text
//! merge    left state, right state ──▶ state
//! finish   state ──▶ results
//! columns  inputs of U steps, state ──▶ outputs of U steps, state          a lane is an output
//! close    32 states ──▶ results                                           scalars, no lanes
//! ```
//!
//! The first two are a fold's own regions. The third is the lane region with every fold's step written
//! after it, U times over, where a lane's state comes from memory and goes back there: what the folds of
//! a pass do to neighbouring outputs rather than to neighbouring elements of one output.

use fuse_ir::{
    Control, Fold, GRANULE, InputClass, Kernel, Lane, Node, OperandInput, OperandOutput, Region,
    RegionBuilder, ValueId,
};

/// A fold's merge as a kernel: the left state's and the right state's values as streams.
pub(crate) fn merge_kernel(parent: &Kernel, fold: &Fold) -> Kernel {
    let mems = || fold.state.iter().map(|slot| slot.init.lane.mem());
    let input = |mem| OperandInput { mem, class: InputClass::Stream };
    Kernel {
        regions: parent.regions.clone(),
        tables: parent.tables.clone(),
        uniform: Region::default(),
        inputs: mems().chain(mems()).map(input).collect(),
        lane: fold.merge.clone(),
        // A state is no result: its NaNs become canonical where it is finished.
        outputs: mems().map(|mem| OperandOutput { mem, never_nan: true }).collect(),
        folds: Vec::new(),
    }
}

/// A fold's finish as a kernel: the state's values and the results as streams.
pub(crate) fn finish_kernel(parent: &Kernel, fold: &Fold) -> Kernel {
    let input = |lane: Lane| OperandInput { mem: lane.mem(), class: InputClass::Stream };
    let output = |lane: Lane| OperandOutput { mem: lane.mem(), never_nan: false };
    Kernel {
        regions: parent.regions.clone(),
        tables: parent.tables.clone(),
        uniform: Region::default(),
        inputs: fold.state.iter().map(|slot| input(slot.init.lane)).collect(),
        lane: fold.finish.clone(),
        outputs: fold.finish.result_lanes().map(output).collect(),
        folds: Vec::new(),
    }
}

/// A fold's 32 accumulators, value by value, as scalars; its results from their merges, as a block's
/// accumulators merge, in the uniform region.
pub(crate) fn close_kernel(parent: &Kernel, fold: &Fold) -> Kernel {
    let mut builder = RegionBuilder::new(&[]);
    let values: Vec<Vec<ValueId>> = fold
        .state
        .iter()
        .map(|slot| (0..GRANULE).map(|_| builder.add_param(slot.init.lane)).collect())
        .collect();
    let state = |lane: usize| values.iter().map(|value| value[lane]).collect();
    let mut states: Vec<Vec<ValueId>> = (0..GRANULE).map(state).collect();
    while states.len() > 1 {
        let right = states.split_off(states.len() / 2);
        let pairs = states.iter().zip(&right);
        let merge = |(left, right): (&Vec<ValueId>, &Vec<ValueId>)| {
            inline(&mut builder, parent, &fold.merge, &[left.as_slice(), right].concat())
        };
        states = pairs.map(merge).collect();
    }
    let results = inline(&mut builder, parent, &fold.finish, &states[0]);
    let lanes: Vec<Lane> = fold.finish.result_lanes().collect();
    Kernel {
        regions: parent.regions.clone(),
        tables: parent.tables.clone(),
        uniform: builder.finish(&results),
        lane: RegionBuilder::new(&lanes).finish(&[]),
        ..Kernel::default()
    }
}

pub(crate) fn is_identity(region: &Region) -> bool {
    region.results.len() == region.params.len()
        && region.results.iter().enumerate().all(|(position, &value)| {
            matches!(region.node(value), Node::Param(param) if param as usize == position)
        })
}

/// See the module. The inputs are those of step 0, of step 1, …, then the states; the outputs likewise.
pub(crate) fn column_kernel(parent: &Kernel, classes: &[InputClass], steps: usize) -> Kernel {
    let states = || parent.state_slots().map(|slot| slot.init.lane);
    let (n_inputs, n_states) = (parent.inputs.len(), states().count());
    let mut builder = RegionBuilder::new(&[]);
    let step_inputs = (0..steps).flat_map(|_| &parent.inputs);
    let params: Vec<ValueId> = step_inputs
        .map(|input| input.mem.lane())
        .chain(states())
        .chain(parent.uniform.result_lanes())
        .map(|lane| builder.add_param(lane))
        .collect();
    let (inputs, rest) = params.split_at(steps * n_inputs);
    let (first, uniforms) = rest.split_at(n_states);
    let (mut state, mut results) = (first.to_vec(), Vec::new());
    for step in 0..steps {
        let own = &inputs[step * n_inputs..][..n_inputs];
        let values = inline(&mut builder, parent, &parent.lane, &[own, uniforms].concat());
        let (outputs, mut args) = values.split_at(parent.outputs.len());
        results.extend_from_slice(outputs);
        let mut next = Vec::new();
        for fold in &parent.folds {
            let (own_args, rest) = args.split_at(fold.n_args());
            args = rest;
            let own = &state[next.len()..][..fold.state.len()];
            next.extend(inline(&mut builder, parent, &fold.step, &[own, own_args].concat()));
        }
        state = next;
    }
    results.extend_from_slice(&state);
    let stream = |lane: Lane| OperandInput { mem: lane.mem(), class: InputClass::Stream };
    let classed = parent.inputs.iter().zip(classes);
    let classed = classed.map(|(input, &class)| OperandInput { class, ..*input });
    let classed: Vec<OperandInput> = classed.collect();
    // A state is no result: its NaNs become canonical where it is finished.
    let state_output = |lane: Lane| OperandOutput { mem: lane.mem(), never_nan: true };
    let outputs = (0..steps).flat_map(|_| parent.outputs.iter().copied());
    Kernel {
        regions: parent.regions.clone(),
        tables: parent.tables.clone(),
        uniform: parent.uniform.clone(),
        inputs: (0..steps).flat_map(|_| classed.clone()).chain(states().map(stream)).collect(),
        lane: builder.finish(&results),
        outputs: outputs.chain(states().map(state_output)).collect(),
        folds: Vec::new(),
    }
}

/// Writes a region's nodes into another region, `args` in place of its parameters.
fn inline(
    builder: &mut RegionBuilder,
    kernel: &Kernel,
    region: &Region,
    args: &[ValueId],
) -> Vec<ValueId> {
    let mut values: Vec<ValueId> = Vec::with_capacity(region.nodes.len());
    let mut controls: Vec<Option<Vec<ValueId>>> = vec![None; region.controls.len()];
    for (value, node) in region.iter() {
        let lane = region.lane(value);
        let copied = match node {
            Node::Param(position) => args[position as usize],
            Node::Const(scalar) => builder.constant(scalar),
            Node::Prim(prim, own) => {
                let own: Vec<ValueId> =
                    own[..prim.arity()].iter().map(|arg| values[arg.index()]).collect();
                builder.prim_to(prim, &own, lane)
            }
            Node::Lookup(table, index) => {
                builder.lookup(table, &kernel.tables[table.index()], values[index.index()])
            }
            Node::Result { control, index } => {
                let number = control as usize;
                let results = controls[number].get_or_insert_with(|| {
                    inline_control(builder, kernel, &region.controls[number], &values)
                });
                results[index as usize]
            }
        };
        values.push(copied);
    }
    region.results.iter().map(|value| values[value.index()]).collect()
}

/// Writes a control construct whose operands have been written.
fn inline_control(
    builder: &mut RegionBuilder,
    kernel: &Kernel,
    control: &Control,
    values: &[ValueId],
) -> Vec<ValueId> {
    let copied = |ids: &[ValueId]| ids.iter().map(|id| values[id.index()]).collect();
    let (control, lanes): (Control, Vec<Lane>) = match control {
        Control::Rare { mask, region, args, otherwise } => {
            let lanes = kernel.regions[region.index()].result_lanes().collect();
            let (mask, args) = (values[mask.index()], copied(args));
            (Control::Rare { mask, region: *region, args, otherwise: copied(otherwise) }, lanes)
        }
        Control::Repeat { at_most, region, init } => {
            let lanes = kernel.regions[region.index()].result_lanes().take(init.len()).collect();
            let init = copied(init);
            (Control::Repeat { at_most: *at_most, region: *region, init }, lanes)
        }
    };
    builder.control(control, &lanes)
}
