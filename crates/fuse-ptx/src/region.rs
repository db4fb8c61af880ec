//! Regions: as part of a body, or as functions of their own.
//!
//! A region that a control construct calls becomes a `.func`, which the assembler keeps out of line: a slow
//! path must not decide how many registers the fast one gets. A thread that takes it branches there by
//! itself, so that a lane's result depends on its own mask only. Parameters are passed each in a `.param` of
//! its class, masks as 0 or 1 in 32 bits; results come back as one array of 8-byte slots, which the
//! assembler passes in registers.

use fuse_ir::{Control, Kernel, Lane, Node, Prim, Region, ValueId};

use crate::body::{Body, Class, Reg, Value, line};
use crate::module::Names;
use crate::prims::{Operands, emit_prim};

/// A kernel with the names that its regions and tables have in the module.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'k> {
    pub(crate) kernel: &'k Kernel,
    pub(crate) names: &'k Names,
}

impl Scope<'_> {
    /// Emits a region; `params` are its parameters, `position` what `lane_index` gives.
    pub(crate) fn emit(
        self,
        body: &mut Body,
        region: &Region,
        params: &[Value],
        position: Option<Value>,
    ) -> Vec<Value> {
        let used = used_values(region);
        let mut values: Vec<Option<Value>> = vec![None; region.nodes.len()];
        let mut controls: Vec<Option<Vec<Value>>> = vec![None; region.controls.len()];
        for (id, node) in region.iter().filter(|(id, _)| used[id.index()]) {
            let read = |id: &ValueId| values[id.index()].expect("operands precede their users");
            let value = match node {
                Node::Param(position) => params[position as usize],
                Node::Const(scalar) => Value::Const(scalar),
                Node::Prim(Prim::LaneIndex, _) => position.expect("only loops read positions"),
                Node::Prim(prim, _) => {
                    let ids = node.args();
                    let args: Vec<Value> = ids.iter().map(read).collect();
                    let x = region.lane(ids[ids.len().min(2) - 1]);
                    emit_prim(body, prim, Operands { x, result: region.lane(id), args: &args })
                }
                Node::Lookup(table, index) => {
                    let lane = region.lane(index);
                    self.lookup(body, table.index(), (lane, read(&index)))
                }
                Node::Result { control, index } => {
                    let number = control as usize;
                    if controls[number].is_none() {
                        let control = &region.controls[number];
                        controls[number] = Some(self.control(body, control, &read));
                    }
                    controls[number].as_ref().expect("just emitted")[index as usize]
                }
            };
            values[id.index()] = Some(value);
        }
        let result = |id: &ValueId| values[id.index()].expect("results are used");
        region.results.iter().map(result).collect()
    }

    /// `table[index & (len - 1)]`.
    fn lookup(self, body: &mut Body, table: usize, (lane, index): (Lane, Value)) -> Value {
        let entries = &self.kernel.tables[table];
        let index = body.in_register(index);
        let low = match lane {
            Lane::I64 => {
                let low = body.reg(Class::B32);
                line!(body, "cvt.u32.u64 {low}, {index};");
                low
            }
            Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::F32 | Lane::F64 => index,
        };
        let (wrapped, base, at) =
            (body.reg(Class::B32), body.reg(Class::B64), body.reg(Class::B64));
        line!(body, "and.b32 {wrapped}, {low}, {:#x};", entries.entries.len() - 1);
        let symbol = &self.names.tables[table];
        line!(body, "mov.u64 {base}, {};", symbol.name);
        line!(body, "mad.wide.u32 {at}, {wrapped}, {}, {base};", entries.lane.mem().size());
        crate::memory::load_through(body, symbol.space.load(), entries.lane.mem(), at)
    }

    fn control(
        self,
        body: &mut Body,
        control: &Control,
        read: &impl Fn(&ValueId) -> Value,
    ) -> Vec<Value> {
        let callee = &self.kernel.regions[control.region().index()];
        let name = &self.names.regions[control.region().index()];
        match control {
            Control::Rare { mask, args, otherwise, .. } => {
                let otherwise: Vec<Value> = otherwise.iter().map(read).collect();
                let args: Vec<Value> = args.iter().map(read).collect();
                let mask = body.in_register(read(mask));
                let results = body.copies(callee.result_lanes(), &otherwise);
                let past = body.label();
                line!(body, "@!{mask} bra {past};");
                let slow = call(body, name, callee, &args);
                body.set_all(&results, &slow);
                body.place(past);
                results.into_iter().map(Value::Reg).collect()
            }
            Control::Repeat { at_most, init, .. } => {
                let init: Vec<Value> = init.iter().map(read).collect();
                let lanes = callee.params.iter().copied();
                let state = body.copies(lanes, &init);
                repeat(body, (name, callee), *at_most, &state);
                state.into_iter().map(Value::Reg).collect()
            }
        }
    }

    /// The text of a closed region as a function without its name: what equal regions share.
    pub(crate) fn function(self, region: &Region) -> String {
        let mut body = Body::default();
        let mut params = Vec::new();
        for (position, &lane) in region.params.iter().enumerate() {
            params.push(load_param(&mut body, lane, &format!("a{position}")));
        }
        let results = self.emit(&mut body, region, &params, None);
        for (position, (&value, lane)) in results.iter().zip(region.result_lanes()).enumerate() {
            store_param(&mut body, lane, value, &format!("results+{}", 8 * position));
        }
        let declared = |(position, &lane): (usize, &Lane)| {
            format!(".param .{} a{position}", param_class(lane).ty())
        };
        let params: Vec<String> = region.params.iter().enumerate().map(declared).collect();
        format!("({})\n{}", params.join(", "), body.finish())
    }
}

/// Which nodes of a region its results need.
fn used_values(region: &Region) -> Vec<bool> {
    let mut used = vec![false; region.nodes.len()];
    for result in &region.results {
        used[result.index()] = true;
    }
    for index in (0..region.nodes.len()).rev() {
        if !used[index] {
            continue;
        }
        let node = region.nodes[index];
        for arg in node.args() {
            used[arg.index()] = true;
        }
        if let Node::Result { control, .. } = node {
            for operand in region.controls[control as usize].operands() {
                used[operand.index()] = true;
            }
        }
    }
    used
}

/// Runs a region on a state until its last result is clear, `at_most` times.
fn repeat(body: &mut Body, (name, callee): (&str, &Region), at_most: u32, state: &[Reg]) {
    let rounds = body.reg(Class::B32);
    let (more, within, again) =
        (body.reg(Class::Pred), body.reg(Class::Pred), body.reg(Class::Pred));
    line!(body, "mov.b32 {rounds}, 0;");
    let top = body.label();
    body.place(top);
    let args: Vec<Value> = state.iter().map(|&reg| Value::Reg(reg)).collect();
    let mut next = call(body, name, callee, &args);
    let go_on = next.pop().expect("the verifier saw the mask");
    body.set(more, go_on);
    body.set_all(state, &next);
    line!(body, "add.s32 {rounds}, {rounds}, 1;");
    line!(body, "setp.lt.u32 {within}, {rounds}, {at_most};");
    line!(body, "and.pred {again}, {more}, {within};");
    line!(body, "@{again} bra {top};");
}

/// Calls a region's function.
fn call(body: &mut Body, name: &str, callee: &Region, args: &[Value]) -> Vec<Value> {
    let place = |position: usize| format!("c{position}");
    line!(body, "{{");
    for (position, &lane) in callee.params.iter().enumerate() {
        line!(body, ".param .{} {};", param_class(lane).ty(), place(position));
    }
    line!(body, ".param .align 8 .b8 called[{}];", 8 * callee.results.len());
    for (position, (&lane, &value)) in callee.params.iter().zip(args).enumerate() {
        store_param(body, lane, value, &place(position));
    }
    let places: Vec<String> = (0..args.len()).map(place).collect();
    line!(body, "call (called), {name}, ({});", places.join(", "));
    let lanes = callee.result_lanes().enumerate();
    let results =
        lanes.map(|(position, lane)| load_param(body, lane, &format!("called+{}", 8 * position)));
    let results = results.collect();
    line!(body, "}}");
    results
}

/// The class by which a lane is passed to functions.
fn param_class(lane: Lane) -> Class {
    if lane == Lane::Mask { Class::B32 } else { Class::of(lane) }
}

fn load_param(body: &mut Body, lane: Lane, place: &str) -> Value {
    let class = param_class(lane);
    let reg = body.reg(class);
    line!(body, "ld.param.{} {reg}, [{place}];", class.ty());
    if lane == Lane::Mask { from_word(body, reg).into() } else { reg.into() }
}

fn store_param(body: &mut Body, lane: Lane, value: Value, place: &str) {
    let class = param_class(lane);
    let reg = body.in_register(value);
    let reg = if lane == Lane::Mask { to_word(body, reg) } else { reg };
    line!(body, "st.param.{} [{place}], {reg};", class.ty());
}

/// 1 where the mask is set, else 0.
pub(crate) fn to_word(body: &mut Body, mask: Reg) -> Reg {
    let word = body.reg(Class::B32);
    line!(body, "selp.b32 {word}, 1, 0, {mask};");
    word
}

/// Set where the word is not 0.
pub(crate) fn from_word(body: &mut Body, word: Reg) -> Reg {
    let mask = body.reg(Class::Pred);
    line!(body, "setp.ne.u32 {mask}, {word}, 0;");
    mask
}
