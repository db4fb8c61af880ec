//! Entries without folds: the uniform region, and loops over elements.
//!
//! ```text
//! vector       i of len / width ──▶ width elements of each stream ──▶ width times the body ──▶ as many
//!              then the first threads: one of the len mod width last elements each
//! contiguous   i of len ──▶ element i of each stream ──▶ the body ──▶ element i
//! strided      i of len ──▶ its index along each dimension ──▶ an address for each operand
//! ```
//!
//! Splat inputs of the first two are one element for the whole loop and are loaded before it.

use fuse_ir::InputClass;
use fuse_ir::device::{Param, Walk, vector_width};

use crate::body::{Body, Class, Reg, Value, line};
use crate::entry::EntryBody;
use crate::memory::{load_side_by_side, load_through, store, store_side_by_side};

/// The uniform region, on the first thread.
pub(crate) fn uniform(entry: &mut EntryBody<'_>) {
    let kernel = entry.kernel();
    let (thread, other) = (entry.special("tid.x"), entry.body.reg(Class::Pred));
    let past = entry.body.label();
    line!(entry.body, "setp.ne.u32 {other}, {thread}, 0;");
    line!(entry.body, "@{other} bra {past};");
    let mut scalars = Vec::new();
    for (position, lane) in kernel.uniform.params.iter().enumerate() {
        let address = entry.param(Param::Scalar(fuse_ir::index_u32(position)));
        scalars.push(load_through(&mut entry.body, "ld.global", lane.mem(), address));
    }
    let results = entry.scope.emit(&mut entry.body, &kernel.uniform, &scalars, None);
    let base = entry.param(Param::Uniforms);
    for (position, (&value, lane)) in results.iter().zip(kernel.uniform.result_lanes()).enumerate()
    {
        let at = entry.body.reg(Class::B64);
        line!(entry.body, "add.u64 {at}, {base}, {};", 8 * position);
        store(&mut entry.body, lane.mem(), value, at);
    }
    entry.body.place(past);
}

/// Inputs of a contiguous loop.
struct Inputs {
    /// For each input its element, if it is a splat.
    splats: Vec<Option<Value>>,
    uniforms: Vec<Value>,
}

fn inputs(entry: &mut EntryBody<'_>) -> Inputs {
    let uniforms = entry.uniforms();
    let load = entry.load_input();
    let mut splats = Vec::new();
    for (position, input) in entry.kernel().inputs.iter().enumerate() {
        let address = entry.param(Param::Input(fuse_ir::index_u32(position)));
        splats.push(match input.class {
            InputClass::Splat => Some(load_through(&mut entry.body, load, input.mem, address)),
            InputClass::Stream => None,
        });
    }
    Inputs { splats, uniforms }
}

/// Elements by the vector.
pub(crate) fn vector(entry: &mut EntryBody<'_>) {
    let width = vector_width(entry.kernel());
    let inputs = inputs(entry);
    let len = entry.index_param(Param::Len);
    let (me, step) = entry.me_and_step();
    let vectors = entry.index_op("shr", len, width.trailing_zeros());
    entry.each((me, vectors, step), |entry, index| elements(entry, &inputs, index, width));
    let last = entry.index_mad(vectors, fuse_ir::index_u32(width), me);
    entry.when((last, "lt", len), |entry| elements(entry, &inputs, last, 1));
}

/// Contiguous elements.
pub(crate) fn contiguous(entry: &mut EntryBody<'_>) {
    let inputs = inputs(entry);
    let len = entry.index_param(Param::Len);
    let (me, step) = entry.me_and_step();
    entry.each((me, len, step), |entry, index| elements(entry, &inputs, index, 1));
}

/// `width` elements side by side: elements `index · width` and after.
fn elements(entry: &mut EntryBody<'_>, inputs: &Inputs, index: Reg, width: usize) {
    let kernel = entry.kernel();
    let load = entry.load_input();
    let mut columns: Vec<Vec<Value>> = Vec::new();
    for (position, input) in kernel.inputs.iter().enumerate() {
        columns.push(match inputs.splats[position] {
            Some(value) => vec![value; width],
            None => {
                let base = entry.param(Param::Input(fuse_ir::index_u32(position)));
                let address = entry.address(base, index, width * input.mem.size());
                load_side_by_side(&mut entry.body, load, (input.mem, width), address)
            }
        });
    }
    let mut results: Vec<Vec<Value>> = vec![Vec::new(); kernel.outputs.len()];
    let first = entry.position(index, width);
    for element in 0..width {
        let row: Vec<Value> = columns.iter().map(|column| column[element]).collect();
        let position = first.map(|first| added(&mut entry.body, first, element));
        let values = entry.lane_results(&row, &inputs.uniforms, position);
        results.iter_mut().zip(values).for_each(|(result, value)| result.push(value));
    }
    for (position, output) in kernel.outputs.iter().enumerate() {
        let base = entry.param(Param::Output(fuse_ir::index_u32(position)));
        let address = entry.address(base, index, width * output.mem.size());
        store_side_by_side(&mut entry.body, output.mem, &results[position], address);
    }
}

/// The value so many after one.
fn added(body: &mut Body, value: Value, number: usize) -> Value {
    if number == 0 {
        return value;
    }
    let sum = body.reg(Class::B64);
    line!(body, "add.u64 {sum}, {value}, {number};");
    sum.into()
}

/// Elements of any strides.
pub(crate) fn strided(entry: &mut EntryBody<'_>) {
    let uniforms = entry.uniforms();
    let len = entry.index_param(Param::Len);
    let (me, step) = entry.me_and_step();
    entry.each((me, len, step), |entry, index| {
        let indices = entry.take_apart(Walk::Outer, index);
        let addresses = entry.moved(Walk::Outer, &indices, &entry.bases());
        let position = entry.position(index, 1);
        element_at(entry, &addresses, &uniforms, position);
    });
}

/// Loads an element of every input, runs the body and stores its outputs; gives what is left of its
/// results: the folds' arguments.
pub(crate) fn element_at(
    entry: &mut EntryBody<'_>,
    addresses: &[Reg],
    uniforms: &[Value],
    position: Option<Value>,
) -> Vec<Value> {
    let kernel = entry.kernel();
    let load = entry.load_input();
    let (inputs, outputs) = addresses.split_at(kernel.inputs.len());
    let mut row = Vec::new();
    for (input, &address) in kernel.inputs.iter().zip(inputs) {
        row.push(load_through(&mut entry.body, load, input.mem, address));
    }
    let mut results = entry.lane_results(&row, uniforms, position);
    let args = results.split_off(kernel.outputs.len());
    for ((output, &value), &address) in kernel.outputs.iter().zip(&results).zip(outputs) {
        store(&mut entry.body, output.mem, value, address);
    }
    args
}
