//! The states of a thread's folds, in registers: made, merged, passed between lanes, loaded and stored.
//!
//! ```text
//! state   a register for each slot, fold after fold
//! slot s of block b of output o is element o · blocks + b of that slot's array, its `place`
//! ```
//!
//! A state's garbage: in merges lanes that no result depends on merge what they have; merges are total, so
//! that is harmless.

use fuse_ir::Scalar;
use fuse_ir::device::{Param, WARP};

use crate::body::{Body, Class, Reg, Value, line};
use crate::entry::EntryBody;
use crate::memory::{load_through, store};
use crate::region::{from_word, to_word};

/// The lane type and initial value of every slot.
pub(crate) fn slots(entry: &EntryBody<'_>) -> Vec<Scalar> {
    entry.kernel().state_slots().map(|slot| slot.init).collect()
}

/// Fresh registers with every slot's initial value.
pub(crate) fn initial_state(entry: &mut EntryBody<'_>) -> Vec<Reg> {
    let slots = slots(entry);
    slots.iter().map(|&init| entry.body.copy(init.lane, Value::Const(init))).collect()
}

/// The registers as values.
pub(crate) fn as_values(regs: &[Reg]) -> Vec<Value> {
    regs.iter().map(|&reg| Value::Reg(reg)).collect()
}

/// The merge of two states.
pub(crate) fn merged(entry: &mut EntryBody<'_>, left: &[Reg], right: &[Reg]) -> Vec<Value> {
    let (mut before, mut values) = (0, Vec::new());
    for fold in &entry.kernel().folds {
        let own = before..before + fold.state.len();
        before = own.end;
        let params = [as_values(&left[own.clone()]), as_values(&right[own])].concat();
        values.extend(entry.scope.emit(&mut entry.body, &fold.merge, &params, None));
    }
    values
}

/// Merges the accumulators of a warp: k with k + 16, then 8, 4, 2, 1. Lane 0 has the result.
pub(crate) fn merge_lanes(entry: &mut EntryBody<'_>, state: &[Reg]) {
    let (distance, more) = (entry.body.reg(Class::B32), entry.body.reg(Class::Pred));
    line!(entry.body, "mov.b32 {distance}, {};", WARP / 2);
    let top = entry.body.label();
    entry.body.place(top);
    let others = from_lane_above(&mut entry.body, state, distance);
    let next = merged(entry, state, &others);
    entry.body.set_all(state, &next);
    line!(entry.body, "shr.u32 {distance}, {distance}, 1;");
    line!(entry.body, "setp.ne.u32 {more}, {distance}, 0;");
    line!(entry.body, "@{more} bra {top};");
}

/// Merges neighbouring states of a warp, whose lanes have those of `block`, as far as there are any.
pub(crate) fn merge_neighbours(
    entry: &mut EntryBody<'_>,
    (lane, block, blocks): (Reg, Reg, Reg),
    state: &[Reg],
) {
    let (distance, more) = (entry.body.reg(Class::B32), entry.body.reg(Class::Pred));
    line!(entry.body, "mov.b32 {distance}, 1;");
    let (top, past) = (entry.body.label(), entry.body.label());
    entry.body.place(top);
    let others = from_lane_above(&mut entry.body, state, distance);
    // Left lanes are multiples of twice the distance: bits below that are clear.
    let [twice, below, low] = [(); 3].map(|()| entry.body.reg(Class::B32));
    let skips = entry.body.reg(Class::Pred);
    line!(entry.body, "shl.b32 {twice}, {distance}, 1;");
    line!(entry.body, "sub.s32 {below}, {twice}, 1;");
    line!(entry.body, "and.b32 {low}, {lane}, {below};");
    line!(entry.body, "setp.ne.u32 {skips}, {low}, 0;");
    line!(entry.body, "@{skips} bra {past};");
    let apart = entry.as_index(distance);
    let neighbour = entry.index_op("add", block, apart);
    entry.when((neighbour, "lt", blocks), |entry| {
        let next = merged(entry, state, &others);
        entry.body.set_all(state, &next);
    });
    entry.body.place(past);
    line!(entry.body, "mov.b32 {distance}, {twice};");
    line!(entry.body, "setp.lt.u32 {more}, {distance}, {WARP};");
    line!(entry.body, "@{more} bra {top};");
}

/// The state of the lane that far above.
fn from_lane_above(body: &mut Body, state: &[Reg], distance: Reg) -> Vec<Reg> {
    state.iter().map(|&value| shuffled(body, value, distance)).collect()
}

fn shuffled(body: &mut Body, value: Reg, distance: Reg) -> Reg {
    let shuffle = |body: &mut Body, word: Reg| {
        let result = body.reg(Class::B32);
        line!(body, "shfl.sync.down.b32 {result}, {word}, {distance}, {}, -1;", WARP - 1);
        result
    };
    match value.class {
        Class::Pred => {
            let word = to_word(body, value);
            let other = shuffle(body, word);
            from_word(body, other)
        }
        Class::B16 => unreachable!("no state is a 16-bit register"),
        Class::B32 => shuffle(body, value),
        Class::F32 => {
            let (word, result) = (body.reg(Class::B32), body.reg(Class::F32));
            line!(body, "mov.b32 {word}, {value};");
            let other = shuffle(body, word);
            line!(body, "mov.b32 {result}, {other};");
            result
        }
        Class::B64 | Class::F64 => {
            let [low, high] = [(); 2].map(|()| body.reg(Class::B32));
            line!(body, "mov.b64 {{{low}, {high}}}, {value};");
            let (low, high) = (shuffle(body, low), shuffle(body, high));
            let result = body.reg(value.class);
            line!(body, "mov.b64 {result}, {{{low}, {high}}};");
            result
        }
    }
}

/// The address of a slot's state.
fn state_address(
    entry: &mut EntryBody<'_>,
    param: fn(u32) -> Param,
    slot: usize,
    place: Reg,
) -> Reg {
    let size = slots(entry)[slot].lane.mem().size();
    let base = entry.param(param(fuse_ir::index_u32(slot)));
    entry.address(base, place, size)
}

/// Stores a state at its place in the arrays that `param` names.
pub(crate) fn store_state(
    entry: &mut EntryBody<'_>,
    param: fn(u32) -> Param,
    place: Reg,
    state: &[Reg],
) {
    for (slot, init) in slots(entry).into_iter().enumerate() {
        let address = state_address(entry, param, slot, place);
        store(&mut entry.body, init.lane.mem(), state[slot].into(), address);
    }
}

/// Stores the state of lane 0.
pub(crate) fn store_from_first(
    entry: &mut EntryBody<'_>,
    lane: Reg,
    param: fn(u32) -> Param,
    place: Reg,
    state: &[Reg],
) {
    let (other, past) = (entry.body.reg(Class::Pred), entry.body.label());
    line!(entry.body, "setp.ne.u32 {other}, {lane}, 0;");
    line!(entry.body, "@{other} bra {past};");
    store_state(entry, param, place, state);
    entry.body.place(past);
}

/// The state at a place.
pub(crate) fn load_state(entry: &mut EntryBody<'_>, place: Reg) -> Vec<Value> {
    let slots = slots(entry).into_iter().enumerate();
    let load = |(slot, init): (usize, Scalar)| {
        let address = state_address(entry, Param::State, slot, place);
        load_through(&mut entry.body, "ld.global", init.lane.mem(), address)
    };
    slots.map(load).collect()
}
