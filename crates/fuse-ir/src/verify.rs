//! The gate between what makes kernels and what compiles them.
//!
//! [`verify`] checks, first, that every id is in range and every operand precedes its user, so that
//! all later code may index freely; then lane types against the primitive table; then how regions,
//! inputs, outputs and folds fit together. A [`VerifiedKernel`] can be made no other way, and back
//! ends take nothing else.

use std::fmt;
use std::sync::Arc;

use crate::ids::{RegionId, ValueId};
use crate::kernel::{Control, Fold, InputClass, Kernel, Node, Region, Scalar};
use crate::lane::Lane;
use crate::prim::Prim;

/// A kernel that the verifier has accepted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VerifiedKernel(Arc<Kernel>);

impl VerifiedKernel {
    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.0
    }

    /// The same kernel with all inputs as streams: for loop nests that pack short rows.
    pub fn with_streams_only(&self) -> VerifiedKernel {
        let mut kernel = Kernel::clone(&self.0);
        for input in &mut kernel.inputs {
            input.class = InputClass::Stream;
        }
        VerifiedKernel(Arc::new(kernel))
    }
}

impl std::ops::Deref for VerifiedKernel {
    type Target = Kernel;

    fn deref(&self) -> &Kernel {
        &self.0
    }
}

/// Why a kernel was refused: always a bug in what made it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid kernel: {place}: {reason}")]
pub struct VerifyError {
    /// Where: a region, or a value of one.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

/// Deepest chain of regions calling regions: what bounds the interpreter's stack.
const MAX_CALL_DEPTH: usize = 16;

/// Most runs of a `repeat`: what bounds its time.
const MAX_REPEAT: u32 = 1 << 16;

/// Checks a kernel.
///
/// # Errors
/// The first thing found wrong.
pub fn verify(kernel: Kernel) -> Result<VerifiedKernel, VerifyError> {
    for (index, table) in kernel.tables.iter().enumerate() {
        if !table.entries.len().is_power_of_two() {
            return fail(format!("table{index}"), "its length is not a power of two");
        }
        for &bits in &table.entries {
            check_bits(Scalar { lane: table.lane, bits })
                .map_err(|reason| error(format!("table{index}"), reason))?;
        }
    }
    for (index, region) in kernel.regions.iter().enumerate() {
        check_region(&kernel, &RegionId::new(index).to_string(), region, index)?;
    }
    check_call_depth(&kernel)?;
    let callable = kernel.regions.len();
    check_region(&kernel, "uniform", &kernel.uniform, callable)?;
    check_region(&kernel, "lane", &kernel.lane, callable)?;
    for (index, fold) in kernel.folds.iter().enumerate() {
        check_fold(&kernel, index, fold)?;
    }
    check_interface(&kernel)?;
    Ok(VerifiedKernel(Arc::new(kernel)))
}

fn error(place: impl fmt::Display, reason: impl fmt::Display) -> VerifyError {
    VerifyError { place: place.to_string(), reason: reason.to_string() }
}

fn fail<T>(place: impl fmt::Display, reason: impl fmt::Display) -> Result<T, VerifyError> {
    Err(error(place, reason))
}

/// Bits beyond the lane's width must be clear.
fn check_bits(scalar: Scalar) -> Result<(), String> {
    if scalar.bits & !scalar.lane.all_ones() == 0 {
        return Ok(());
    }
    Err(format!("{:#x} does not fit {}", scalar.bits, scalar.lane))
}

/// A region's depth is one more than that of the deepest region it calls.
fn check_call_depth(kernel: &Kernel) -> Result<(), VerifyError> {
    let mut depths: Vec<usize> = Vec::with_capacity(kernel.regions.len());
    for (index, region) in kernel.regions.iter().enumerate() {
        let callees = region.controls.iter().map(|control| depths[control.region().index()]);
        let depth = 1 + callees.max().unwrap_or(0);
        if depth > MAX_CALL_DEPTH {
            return fail(RegionId::new(index), format!("calls nest deeper than {MAX_CALL_DEPTH}"));
        }
        depths.push(depth);
    }
    Ok(())
}

/// Checks one region, which may call the first `callable` closed regions.
fn check_region(
    kernel: &Kernel,
    name: &str,
    region: &Region,
    callable: usize,
) -> Result<(), VerifyError> {
    if region.lanes.len() != region.nodes.len() {
        return fail(name, "nodes and lane types differ in number");
    }
    for control in &region.controls {
        check_control_ids(region, control, callable).map_err(|reason| error(name, reason))?;
    }
    for (value, node) in region.iter() {
        if matches!(node, Node::Prim(Prim::LaneIndex, _)) && name != "lane" {
            return fail(format!("{name} {value}"), "only the lane region has positions");
        }
        check_node(kernel, region, value, node)
            .map_err(|reason| error(format!("{name} {value}"), reason))?;
    }
    for control in &region.controls {
        check_control_lanes(kernel, region, control).map_err(|reason| error(name, reason))?;
    }
    match region.results.iter().find(|value| value.index() >= region.nodes.len()) {
        Some(value) => fail(name, format!("result {value} does not exist")),
        None => Ok(()),
    }
}

fn check_node(kernel: &Kernel, region: &Region, value: ValueId, node: Node) -> Result<(), String> {
    if let Some(arg) = node.args().iter().find(|&&arg| arg >= value) {
        return Err(format!("operand {arg} does not precede its user"));
    }
    let lane = region.lane(value);
    match node {
        Node::Param(position) => match region.params.get(position as usize) {
            Some(&param) if param == lane => Ok(()),
            Some(param) => Err(format!("parameter {position} is {param}, not {lane}")),
            None => Err(format!("there is no parameter {position}")),
        },
        Node::Const(scalar) if scalar.lane != lane => {
            Err(format!("constant is {}, not {lane}", scalar.lane))
        }
        Node::Const(scalar) => check_bits(scalar),
        Node::Prim(prim, _) => check_prim(region, prim, node.args(), lane),
        Node::Lookup(table, index) => match kernel.tables.get(table.index()) {
            None => Err(format!("there is no {table}")),
            Some(entries) if entries.lane != lane => {
                Err(format!("{table} holds {}, not {lane}", entries.lane))
            }
            Some(_) if !matches!(region.lane(index), Lane::I32 | Lane::I64) => {
                Err(format!("index {index} is {}, not i32 or i64", region.lane(index)))
            }
            Some(_) => Ok(()),
        },
        Node::Result { control, index } => {
            check_result(kernel, region, value, control as usize, index as usize)
        }
    }
}

fn check_prim(region: &Region, prim: Prim, args: &[ValueId], lane: Lane) -> Result<(), String> {
    let lanes: Vec<Lane> = args.iter().map(|&arg| region.lane(arg)).collect();
    if prim.signature().accepts(&lanes, lane) {
        return Ok(());
    }
    Err(format!("{} does not take {lanes:?} to {lane}", prim.mnemonic()))
}

fn check_result(
    kernel: &Kernel,
    region: &Region,
    value: ValueId,
    control: usize,
    index: usize,
) -> Result<(), String> {
    let Some(construct) = region.controls.get(control) else {
        return Err(format!("there is no control {control}"));
    };
    if let Some(operand) = construct.operands().find(|&operand| operand >= value) {
        return Err(format!("operand {operand} of control {control} does not precede {value}"));
    }
    let callee = &kernel.regions[construct.region().index()];
    let results = match construct {
        Control::Rare { .. } => callee.results.len(),
        Control::Repeat { .. } => callee.results.len().saturating_sub(1),
    };
    if index >= results {
        return Err(format!("control {control} has {results} results, not {index}"));
    }
    let lane = callee.lane(callee.results[index]);
    if lane != region.lane(value) {
        return Err(format!("result is {lane}, not {}", region.lane(value)));
    }
    Ok(())
}

fn check_control_ids(region: &Region, control: &Control, callable: usize) -> Result<(), String> {
    if control.region().index() >= callable {
        return Err(format!("{} cannot be called from here", control.region()));
    }
    if let Some(operand) = control.operands().find(|operand| operand.index() >= region.nodes.len())
    {
        return Err(format!("control operand {operand} does not exist"));
    }
    Ok(())
}

fn check_control_lanes(kernel: &Kernel, region: &Region, control: &Control) -> Result<(), String> {
    let callee = &kernel.regions[control.region().index()];
    let lanes = |values: &[ValueId]| values.iter().map(|&value| region.lane(value)).collect();
    let results: Vec<Lane> = callee.result_lanes().collect();
    let (args, fits): (Vec<Lane>, bool) = match control {
        Control::Rare { mask, args, otherwise, .. } => {
            let otherwise: Vec<Lane> = lanes(otherwise);
            (lanes(args), region.lane(*mask) == Lane::Mask && otherwise == results)
        }
        Control::Repeat { at_most, init, .. } => {
            let init: Vec<Lane> = lanes(init);
            let state_then_mask: Vec<Lane> = init.iter().copied().chain([Lane::Mask]).collect();
            (init, (1..=MAX_REPEAT).contains(at_most) && state_then_mask == results)
        }
    };
    if args == callee.params && fits {
        return Ok(());
    }
    Err(format!("the operands of a control do not fit {}", control.region()))
}

fn check_fold(kernel: &Kernel, index: usize, fold: &Fold) -> Result<(), VerifyError> {
    let name = format!("fold{index}");
    let callable = kernel.regions.len();
    check_region(kernel, &format!("{name}.step"), &fold.step, callable)?;
    check_region(kernel, &format!("{name}.merge"), &fold.merge, callable)?;
    check_region(kernel, &format!("{name}.finish"), &fold.finish, callable)?;
    let state: Vec<Lane> = fold.state.iter().map(|slot| slot.init.lane).collect();
    for slot in &fold.state {
        check_bits(slot.init).map_err(|reason| error(&name, reason))?;
    }
    if !fold.step.params.starts_with(&state) || !fold.step.result_lanes().eq(state.iter().copied())
    {
        return fail(name, "step does not map (state, arguments) to state");
    }
    let twice = [state.clone(), state.clone()].concat();
    if fold.merge.params != twice || !fold.merge.result_lanes().eq(state.iter().copied()) {
        return fail(name, "merge does not map two states to one");
    }
    if fold.finish.params != state {
        return fail(name, "finish does not take the state");
    }
    Ok(())
}

/// How the lane region fits the uniform region, inputs, outputs and folds.
fn check_interface(kernel: &Kernel) -> Result<(), VerifyError> {
    let inputs = kernel.inputs.iter().map(|input| input.mem.lane());
    let params: Vec<Lane> = inputs.chain(kernel.uniform.result_lanes()).collect();
    if kernel.lane.params != params {
        return fail("lane", "parameters are not the inputs and the uniform results");
    }
    let outputs = kernel.outputs.iter().map(|output| output.mem.lane());
    let fold_args =
        kernel.folds.iter().flat_map(|fold| fold.step.params[fold.state.len()..].iter().copied());
    if !kernel.lane.result_lanes().eq(outputs.chain(fold_args)) {
        return fail("lane", "results are not the outputs and the folds' arguments");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{Builder, RegionBuilder};
    use crate::kernel::OperandOutput;
    use crate::lane::Mem;

    /// `out = a + a` over f64.
    fn doubling() -> Kernel {
        let mut builder = Builder::new();
        builder.input(Mem::F64, InputClass::Stream);
        builder.output(OperandOutput { mem: Mem::F64, never_nan: false });
        let mut lane = RegionBuilder::new(&[Lane::F64]);
        let a = lane.param(0);
        let sum = lane.prim(Prim::FAdd, &[a, a]);
        builder.finish(lane.finish(&[sum]))
    }

    fn reason(kernel: Kernel) -> String {
        verify(kernel).expect_err("the kernel is wrong").to_string()
    }

    #[test]
    fn a_right_kernel_passes() {
        verify(doubling()).expect("valid");
    }

    #[test]
    fn each_broken_invariant_is_named() {
        let mut forward = doubling();
        forward.lane.nodes[1] = Node::Prim(Prim::FAdd, [ValueId::new(1); 3]);
        assert!(reason(forward).contains("does not precede its user"));

        let mut ill_typed = doubling();
        ill_typed.lane.nodes[1] = Node::Prim(Prim::IAdd, [ValueId::new(0); 3]);
        assert!(reason(ill_typed).contains("iadd does not take"));

        let mut wide = doubling();
        wide.lane.nodes[1] = Node::Const(Scalar { lane: Lane::F32, bits: 1 << 40 });
        wide.lane.lanes[1] = Lane::F32;
        assert!(reason(wide).contains("does not fit f32"));

        let mut missing = doubling();
        missing.lane.results = vec![ValueId::new(7)];
        assert!(reason(missing).contains("result v7 does not exist"));

        let mut output = doubling();
        output.outputs[0].mem = Mem::F32;
        assert!(reason(output).contains("results are not the outputs"));

        let mut input = doubling();
        input.inputs[0].mem = Mem::I64;
        assert!(reason(input).contains("parameters are not the inputs"));

        let mut lookup = doubling();
        lookup.lane.nodes[1] = Node::Lookup(crate::TableId::new(0), ValueId::new(0));
        assert!(reason(lookup).contains("there is no table0"));

        let mut control = doubling();
        control.lane.controls.push(Control::Repeat {
            at_most: 1,
            region: RegionId::new(0),
            init: vec![],
        });
        assert!(reason(control).contains("cannot be called from here"));

        let mut position = doubling();
        position.uniform = Region {
            nodes: vec![Node::Prim(Prim::LaneIndex, [ValueId::new(0); 3])],
            lanes: vec![Lane::I64],
            ..Region::default()
        };
        assert!(reason(position).contains("only the lane region has positions"));

        let mut deep = doubling();
        deep.regions.push(Region::default());
        for callee in 0..20 {
            let region = RegionId::new(callee);
            let mask = Node::Const(Scalar::mask(true));
            let control =
                Control::Rare { mask: ValueId::new(0), region, args: vec![], otherwise: vec![] };
            deep.regions.push(Region {
                nodes: vec![mask],
                lanes: vec![Lane::Mask],
                controls: vec![control],
                ..Region::default()
            });
        }
        assert!(reason(deep).contains("calls nest deeper"));

        let mut recursive = doubling();
        recursive.regions.push(Region {
            controls: vec![Control::Repeat { at_most: 1, region: RegionId::new(0), init: vec![] }],
            ..Region::default()
        });
        assert!(reason(recursive).contains("cannot be called from here"));
    }
}
