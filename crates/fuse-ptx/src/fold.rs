//! Entries of passes with folds, in the shape that `docs/numerics.md` fixes.
//!
//! ```text
//! lanes      warp (output, block): lane k folds elements k, k + 32, … of the block; the 32 accumulators
//!            merge by shuffles, k with k + 16, then 8, 4, 2, 1
//! outputs    thread (block, output): accumulators 0, 16, 8, 24, 4, … one after the other. In that order
//!            the merges are those of a binary counter, whose five waiting states are registers
//! short      thread (output): its elements left to right into one state
//! merge      warp (output, run of 32 states): neighbours merge, an odd last one is carried
//! finish     thread (output): results of its one state
//! ```
//!
//! In bit-reversed order accumulators k and k + 16 come one after the other, then the pairs k and k + 8, and
//! so on: the leaves of the merge tree from left to right. Outputs are numbered so that neighbouring
//! threads have neighbouring outputs.

use fuse_ir::device::{Param, WARP, Walk, result_sinks};
use fuse_ir::{FOLD_BLOCK, Lane};

use crate::body::{Class, Label, Reg, Value, line};
use crate::elementwise::element_at;
use crate::entry::EntryBody;
use crate::memory::{canonical, store};
use crate::state::{
    as_values, initial_state, load_state, merge_lanes, merge_neighbours, merged, slots,
    store_from_first, store_state,
};

/// Elements of a block.
const BLOCK: u32 = FOLD_BLOCK as u32;
/// Warps of a thread block.
const WARPS: u32 = fuse_ir::device::THREADS / WARP;
/// Levels of the merge tree of a block.
const LEVELS: usize = WARP.trailing_zeros() as usize;

/// Blocks, a warp each.
pub(crate) fn lanes(entry: &mut EntryBody<'_>) {
    let uniforms = entry.uniforms();
    let loop_params = LoopParams::new(entry);
    let (lane, warp, step) = warp_of(entry);
    let items = entry.index_op("mul.lo", loop_params.outputs, loop_params.blocks);
    entry.each((warp, items, step), |entry, item| {
        let (output, block) = divided(entry, item, loop_params.blocks);
        let bases = output_bases(entry, output);
        let state = initial_state(entry);
        let range = block_range(entry, &loop_params, block, lane);
        fold_range(entry, &bases, &uniforms, range, &state);
        merge_lanes(entry, &state);
        store_from_first(entry, lane, Param::State, item, &state);
    });
}

/// Blocks, a thread each.
pub(crate) fn outputs(entry: &mut EntryBody<'_>) {
    let uniforms = entry.uniforms();
    let loop_params = LoopParams::new(entry);
    let (me, step) = entry.me_and_step();
    let items = entry.index_op("mul.lo", loop_params.outputs, loop_params.blocks);
    entry.each((me, items, step), |entry, item| {
        let (block, output) = divided(entry, item, loop_params.outputs);
        let bases = output_bases(entry, output);
        let state = accumulators(entry, &loop_params, (&bases, &uniforms), block);
        let place = entry.index_mad(output, loop_params.blocks, block);
        store_state(entry, Param::State, place, &state);
    });
}

/// Outputs of few elements, a thread each.
pub(crate) fn short(entry: &mut EntryBody<'_>) {
    let uniforms = entry.uniforms();
    let loop_params = LoopParams::new(entry);
    let (me, step) = entry.me_and_step();
    entry.each((me, loop_params.outputs, step), |entry, output| {
        let bases = output_bases(entry, output);
        let state = initial_state(entry);
        let (zero, one) = (constant_index(entry, 0), constant_index(entry, 1));
        fold_range(entry, &bases, &uniforms, (zero, loop_params.len, one), &state);
        store_state(entry, Param::State, output, &state);
    });
}

/// States, 32 to one.
pub(crate) fn merge(entry: &mut EntryBody<'_>) {
    let (outputs, blocks) = (entry.index_param(Param::Outputs), entry.index_param(Param::Blocks));
    let rounded_up = entry.index_op("add", blocks, WARP - 1);
    let runs = entry.index_op("shr", rounded_up, WARP.trailing_zeros());
    let (lane, warp, step) = warp_of(entry);
    let items = entry.index_op("mul.lo", outputs, runs);
    entry.each((warp, items, step), |entry, item| {
        let (output, run) = divided(entry, item, runs);
        let first = entry.index_op("mul.lo", run, WARP);
        let own = entry.as_index(lane);
        let block = entry.index_op("add", first, own);
        let state = initial_state(entry);
        entry.when((block, "lt", blocks), |entry| {
            let place = entry.index_mad(output, blocks, block);
            let loaded = load_state(entry, place);
            entry.body.set_all(&state, &loaded);
        });
        merge_neighbours(entry, (lane, block, blocks), &state);
        store_from_first(entry, lane, Param::Merged, item, &state);
    });
}

/// States to results, a thread for each output.
pub(crate) fn finish(entry: &mut EntryBody<'_>) {
    let outputs = entry.index_param(Param::Outputs);
    let (me, step) = entry.me_and_step();
    entry.each((me, outputs, step), |entry, output| {
        let state = load_state(entry, output);
        let wide = entry.widened(output);
        let (mut own, mut results) = (state.as_slice(), Vec::new());
        for fold in &entry.kernel().folds {
            let (first, rest) = own.split_at(fold.state.len());
            own = rest;
            let values = entry.scope.emit(&mut entry.body, &fold.finish, first, None);
            let lanes = fold.finish.result_lanes();
            let canonical = |(value, lane)| (canonical(&mut entry.body, lane, value), lane);
            results.push(values.into_iter().zip(lanes).map(canonical).collect::<Vec<_>>());
        }
        for (position, (fold, result, _)) in result_sinks(entry.pass).into_iter().enumerate() {
            let position = fuse_ir::index_u32(position);
            let base = entry.param(Param::Sink(position));
            let stride = entry.param(Param::SinkStride(position));
            let address = entry.body.reg(Class::B64);
            line!(entry.body, "mad.lo.s64 {address}, {wide}, {stride}, {base};");
            let (value, lane) = results[fold][result];
            store(&mut entry.body, lane.mem(), value, address);
        }
    });
}

/// The counts of a fold's loop, as indices.
struct LoopParams {
    outputs: Reg,
    len: Reg,
    blocks: Reg,
}

impl LoopParams {
    fn new(entry: &mut EntryBody<'_>) -> LoopParams {
        let [outputs, len, blocks] =
            [Param::Outputs, Param::Len, Param::Blocks].map(|param| entry.index_param(param));
        LoopParams { outputs, len, blocks }
    }
}

/// The thread's lane, the warp's number in the grid, and the number of warps there.
fn warp_of(entry: &mut EntryBody<'_>) -> (Reg, Reg, Reg) {
    let thread = entry.special("tid.x");
    let (lane, warp) = (entry.body.reg(Class::B32), entry.body.reg(Class::B32));
    line!(entry.body, "and.b32 {lane}, {thread}, {};", WARP - 1);
    line!(entry.body, "shr.u32 {warp}, {thread}, {};", WARP.trailing_zeros());
    let (warp, step) = entry.place_in_grid(|_| warp, WARPS);
    (lane, warp, step)
}

/// Quotient and remainder.
fn divided(entry: &mut EntryBody<'_>, item: Reg, by: Reg) -> (Reg, Reg) {
    let quotient = entry.index_op("div", item, by);
    let before = entry.index_op("mul.lo", quotient, by);
    (quotient, entry.index_op("sub", item, before))
}

fn constant_index(entry: &mut EntryBody<'_>, number: u32) -> Reg {
    let (class, reg) = (entry.index_class(), entry.body.reg(entry.index_class()));
    line!(entry.body, "mov.{} {reg}, {number};", class.ty());
    reg
}

/// Where an output's elements begin, for every operand.
fn output_bases(entry: &mut EntryBody<'_>, output: Reg) -> Vec<Reg> {
    let indices = entry.take_apart(Walk::Outer, output);
    entry.moved(Walk::Outer, &indices, &entry.bases())
}

/// First element, end and step of an accumulator of a block.
fn block_range(
    entry: &mut EntryBody<'_>,
    loop_params: &LoopParams,
    block: Reg,
    accumulator: Reg,
) -> (Reg, Reg, Reg) {
    let start = entry.index_op("mul.lo", block, BLOCK);
    let end = entry.index_op("add", start, BLOCK);
    let end = entry.index_op("min", end, loop_params.len);
    let accumulator = entry.as_index(accumulator);
    let first = entry.index_op("add", start, accumulator);
    (first, end, constant_index(entry, WARP))
}

/// Folds the elements `first, first + step, …` below `end` into a state.
fn fold_range(
    entry: &mut EntryBody<'_>,
    bases: &[Reg],
    uniforms: &[Value],
    range: (Reg, Reg, Reg),
    state: &[Reg],
) {
    entry.each(range, |entry, index| {
        let indices = entry.take_apart(Walk::Reduced, index);
        let addresses = entry.moved(Walk::Reduced, &indices, bases);
        let position = entry.position(index, 1);
        let args = element_at(entry, &addresses, uniforms, position);
        let (mut own, mut args, mut next) = (state, args.as_slice(), Vec::new());
        for fold in &entry.kernel().folds {
            let (values, rest) = own.split_at(fold.state.len());
            let (own_args, rest_args) = args.split_at(fold.n_args());
            (own, args) = (rest, rest_args);
            let params = [as_values(values).as_slice(), own_args].concat();
            next.extend(entry.scope.emit(&mut entry.body, &fold.step, &params, None));
        }
        entry.body.set_all(state, &next);
    });
}

/// Folds a block's accumulators one after the other and merges them: see the module.
fn accumulators(
    entry: &mut EntryBody<'_>,
    loop_params: &LoopParams,
    (bases, uniforms): (&[Reg], &[Value]),
    block: Reg,
) -> Vec<Reg> {
    let lanes: Vec<Lane> = slots(entry).iter().map(|init| init.lane).collect();
    let fresh = |entry: &mut EntryBody<'_>| -> Vec<Reg> {
        lanes.iter().map(|&lane| entry.body.lane(lane)).collect()
    };
    let waiting: Vec<Vec<Reg>> = (0..LEVELS).map(|_| fresh(entry)).collect();
    let carry = fresh(entry);
    let [turn, reversed, accumulator] = [(); 3].map(|()| entry.body.reg(Class::B32));
    line!(entry.body, "mov.b32 {turn}, 0;");
    let (top, next, done) = (entry.body.label(), entry.body.label(), entry.body.label());
    entry.body.place(top);
    line!(entry.body, "brev.b32 {reversed}, {turn};");
    line!(entry.body, "shr.u32 {accumulator}, {reversed}, {};", u32::BITS - WARP.trailing_zeros());
    let state = initial_state(entry);
    let range = block_range(entry, loop_params, block, accumulator);
    fold_range(entry, bases, uniforms, range, &state);
    entry.body.set_all(&carry, &as_values(&state));
    merge_waiting(entry, turn, (&waiting, &carry), next);
    line!(entry.body, "bra {done};");
    entry.body.place(next);
    line!(entry.body, "add.u32 {turn}, {turn}, 1;");
    line!(entry.body, "bra {top};");
    entry.body.place(done);
    carry
}

/// Adds one to a binary counter whose digits are the states that wait: merges the carry into those that
/// have company, and goes on at `next` once it waits itself.
fn merge_waiting(
    entry: &mut EntryBody<'_>,
    turn: Reg,
    (waiting, carry): (&[Vec<Reg>], &[Reg]),
    next: Label,
) {
    for (level, waiting) in waiting.iter().enumerate() {
        let (bit, is_first) = (entry.body.reg(Class::B32), entry.body.reg(Class::Pred));
        let second = entry.body.label();
        line!(entry.body, "and.b32 {bit}, {turn}, {};", 1 << level);
        line!(entry.body, "setp.eq.u32 {is_first}, {bit}, 0;");
        line!(entry.body, "@!{is_first} bra {second};");
        entry.body.set_all(waiting, &as_values(carry));
        line!(entry.body, "bra {next};");
        entry.body.place(second);
        let both = merged(entry, waiting, carry);
        entry.body.set_all(carry, &both);
    }
}
