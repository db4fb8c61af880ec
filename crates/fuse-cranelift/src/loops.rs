//! The functions that the runtime calls: `run` and `run_uniform`, `extern "C" fn(*const KernelArgs)`.
//!
//! | argument | value in the function |
//! |---|---|
//! | `inputs[k]`, `outputs[k]`, `folds[k]` | a pointer each, loaded before the loop |
//! | splat inputs, `uniforms[k]` | a vector each, before the loop |
//! | constants | a vector each before the loop where registers are left, else at their use |
//! | `first_index` | added to the loop's index |
//! | `granules` | the loop's bound, 32 × `granules` lanes |
//! | `tail` | folds only: the last granule is a pass of its own |
//! | `scratch` | not used |
//!
//! A kernel without folds is one loop over lanes, S at a time; `address = pointer + index × size` is
//! one addressing mode. All loads of a group come before its stores.
//!
//! ```text
//! elementwise:  for i in (0..32·granules).step_by(S) { load; region; store }
//!
//! folds:        for base in (0..32).step_by(T) {               a stripe of columns
//!                   state = load(folds)[base..base+T]          stays in registers
//!                   for i in base, base+32, … {
//!                       for group in (i..i+T).step_by(S) { load; region; store; state = step(state) } }
//!                   if tail: saved = state; the last granule; state = blend(lane < tail, state, saved)
//!                   store(folds) }
//! ```
//!
//! A stripe is as wide as registers allow for its states alone, so that additions overlap; what else a
//! group needs, it needs one group after the other.
//!
//! The fold loop's body is emitted once: its bound is a block parameter, first without the last
//! granule, then, where there is a tail, with it. Masking every granule instead costs a blend per
//! state, and carrying the last state along costs registers.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{BlockArg, InstBuilder, StackSlotData, StackSlotKind, Value, types};
use cranelift_frontend::FunctionBuilder;
use fuse_ir::abi::{ArgField, state_slot};
use fuse_ir::{
    CANONICAL_NAN_F32, CANONICAL_NAN_F64, CodegenError, FOLD_BLOCK, GRANULE, InputClass, Kernel,
    Lane, Mem, Node, Scalar,
};
use rustc_hash::FxHashMap;

use crate::held::Held;
use crate::prefetch::{LINE, prefetch};
use crate::region::{Code, append_params, block_args, emit_region};
use crate::target::Features;
use crate::vector::{Parts, Vectors, lane_bytes, memory_flags, vector_type};
use crate::width;

/// Emits `run` into an empty function.
pub(crate) fn emit_run(
    builder: &mut FunctionBuilder<'_>,
    code: &mut Code<'_>,
    features: Features,
) -> Result<(), CodegenError> {
    let lanes = width::lanes_of_loop(code.kernel, features);
    let mut v = Vectors { builder, features, lanes };
    let entry = v.builder.create_block();
    v.builder.append_block_params_for_function_params(entry);
    v.builder.switch_to_block(entry);
    let args = v.builder.block_params(entry)[0];
    let operands = Operands::before_loop(&mut v, code, args);
    if code.kernel.folds.is_empty() {
        emit_elementwise(&mut v, code, &operands, args)
    } else {
        emit_stripes(&mut v, code, &operands, args)
    }
}

/// Emits `run_uniform` into an empty function: the region on one group of lanes, all alike.
pub(crate) fn emit_uniform(
    builder: &mut FunctionBuilder<'_>,
    code: &mut Code<'_>,
    features: Features,
) -> Result<(), CodegenError> {
    let kernel = code.kernel;
    let lanes = width::lanes_of_region(&kernel.uniform, 1, features);
    let mut v = Vectors { builder, features, lanes };
    let entry = v.builder.create_block();
    v.builder.append_block_params_for_function_params(entry);
    v.builder.switch_to_block(entry);
    let args = v.builder.block_params(entry)[0];
    let slots = field(&mut v, args, ArgField::Uniforms);
    let results = emit_region(&mut v, code, &kernel.uniform, None, &mut |v, slot| {
        splat_from(v, kernel.uniform.params[slot].mem(), slots, offset_of(8 * slot))
    })?;
    for (index, held) in results.iter().enumerate() {
        let parts = v.parts_for_memory(held);
        let bits = vector_bits(&mut v, held.lane, parts[0]);
        let slot = kernel.uniform.params.len() + index;
        v.builder.ins().store(memory_flags(), bits, slots, offset_of(8 * slot));
    }
    v.builder.ins().return_(&[]);
    Ok(())
}

/// The bits of lane 0, zero extended.
fn vector_bits(v: &mut Vectors<'_, '_>, lane: Lane, part: Value) -> Value {
    let width = lane_bytes(lane);
    let ints = v.cast(crate::vector::int_vector(width), part);
    let bits = v.extract(ints, 0);
    if width == 8 { bits } else { v.builder.ins().uextend(types::I64, bits) }
}

/// Loads a field of the arguments.
fn field(v: &mut Vectors<'_, '_>, args: Value, field: ArgField) -> Value {
    v.builder.ins().load(types::I64, memory_flags(), args, offset_of(field.offset()))
}

/// An offset in the arguments or in an array of pointers.
fn offset_of(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

/// One element in every lane.
fn splat_from(v: &mut Vectors<'_, '_>, mem: Mem, pointer: Value, offset: i32) -> Held {
    let ty = vector_type(mem.lane());
    let scalar = v.builder.ins().load(ty.lane_type(), memory_flags(), pointer, offset);
    let part = v.builder.ins().splat(ty, scalar);
    let parts = Parts::from_elem(part, v.n_parts(mem.size()));
    v.held_from_memory(mem, parts)
}

/// What is loaded before the loop.
struct Operands {
    /// A parameter of the lane region that is the same in every group.
    invariant: FxHashMap<usize, Held>,
    /// Pointers of the streams.
    inputs: FxHashMap<usize, Value>,
    outputs: Vec<Value>,
    folds: Vec<Value>,
    first_index: Option<Value>,
    nan: FxHashMap<Lane, Value>,
}

impl Operands {
    fn before_loop(v: &mut Vectors<'_, '_>, code: &mut Code<'_>, args: Value) -> Operands {
        let kernel = code.kernel;
        let mut operands = Operands {
            invariant: FxHashMap::default(),
            inputs: FxHashMap::default(),
            outputs: Vec::new(),
            folds: Vec::new(),
            first_index: None,
            nan: FxHashMap::default(),
        };
        operands.load_params(v, code, args);
        operands.outputs = pointers(v, args, ArgField::Outputs, kernel.outputs.len());
        let n_states = kernel.state_slots().count();
        operands.folds = pointers(v, args, ArgField::Folds, n_states);
        if kernel.reads_index() {
            operands.first_index = Some(field(v, args, ArgField::FirstIndex));
        }
        operands.set_constants(v, code);
        operands
    }

    /// Pointers of the streams, and the values of splats and uniforms, that some node needs.
    fn load_params(&mut self, v: &mut Vectors<'_, '_>, code: &Code<'_>, args: Value) {
        let kernel = code.kernel;
        let inputs = field(v, args, ArgField::Inputs);
        let uniforms = field(v, args, ArgField::Uniforms);
        let needed = kernel.lane.needed();
        for (value, node) in kernel.lane.iter() {
            let Node::Param(position) = node else { continue };
            let position = position as usize;
            if !needed[value.index()] {
                continue;
            }
            let Some(input) = kernel.inputs.get(position) else {
                let slot = kernel.uniform.params.len() + position - kernel.inputs.len();
                let mem = kernel.lane.params[position].mem();
                let held = splat_from(v, mem, uniforms, offset_of(8 * slot));
                self.invariant.insert(position, held);
                continue;
            };
            let flags = memory_flags();
            let pointer = v.builder.ins().load(types::I64, flags, inputs, offset_of(8 * position));
            match input.class {
                InputClass::Stream => drop(self.inputs.insert(position, pointer)),
                InputClass::Splat => {
                    let held = splat_from(v, input.mem, pointer, 0);
                    self.invariant.insert(position, held);
                }
            }
        }
    }

    /// The canonical NaNs, and the lane region's constants if they are few.
    fn set_constants(&mut self, v: &mut Vectors<'_, '_>, code: &mut Code<'_>) {
        let kernel = code.kernel;
        for output in &kernel.outputs {
            if output.mem.lane().is_float() && !output.never_nan {
                let lane = output.mem.lane();
                self.nan.entry(lane).or_insert_with(|| {
                    let single = lane == Lane::F32;
                    let bits = if single { CANONICAL_NAN_F32 } else { CANONICAL_NAN_F64 };
                    v.constant(lane, bits)
                });
            }
        }
        let needed = kernel.lane.needed();
        let mut constants: Vec<Scalar> = Vec::new();
        for (value, node) in kernel.lane.iter() {
            if let (Node::Const(scalar), true) = (node, needed[value.index()]) {
                constants.push(scalar);
            }
        }
        if constants.len() <= width::registers_left(kernel, v.lanes, v.features) {
            for scalar in constants {
                let value = v.constant(scalar.lane, scalar.bits);
                code.hoisted.insert(scalar, value);
            }
        }
    }

    /// A parameter of the lane region for a group.
    fn param(
        &self,
        v: &mut Vectors<'_, '_>,
        kernel: &Kernel,
        group: Group,
        position: usize,
    ) -> Held {
        if let Some(held) = self.invariant.get(&position) {
            return held.clone();
        }
        load_group(v, self.inputs[&position], kernel.inputs[position].mem, group)
    }

    /// Asks for what a stripe reads in the next block.
    fn prefetch_ahead(&self, v: &mut Vectors<'_, '_>, kernel: &Kernel, index: Value, lanes: usize) {
        if !v.features.prefetch {
            return;
        }
        for (position, input) in kernel.inputs.iter().enumerate() {
            let Some(&pointer) = self.inputs.get(&position) else { continue };
            let size = input.mem.size();
            let address = v.address(pointer, Some(index), size);
            for line in (0..lanes * size).step_by(LINE) {
                prefetch(v.builder, address, offset_of(FOLD_BLOCK * size + line));
            }
        }
    }

    /// The lane region for a group, its outputs stored; gives the folds' arguments.
    fn emit_group(
        &self,
        v: &mut Vectors<'_, '_>,
        code: &mut Code<'_>,
        group: Group,
    ) -> Result<Vec<Held>, CodegenError> {
        let kernel = code.kernel;
        let first = self.first_index.map(|first| {
            let index = v.builder.ins().iadd(first, group.index);
            v.builder.ins().iadd_imm_s(index, group.lane as i64)
        });
        let mut results = emit_region(v, code, &kernel.lane, first, &mut |v, position| {
            self.param(v, kernel, group, position)
        })?;
        let fold_args = results.split_off(kernel.outputs.len());
        for (number, held) in results.iter().enumerate() {
            self.store(v, code, group, number, held);
        }
        Ok(fold_args)
    }

    /// Stores an output; NaNs become canonical.
    fn store(
        &self,
        v: &mut Vectors<'_, '_>,
        code: &Code<'_>,
        group: Group,
        number: usize,
        held: &Held,
    ) {
        let output = code.kernel.outputs[number];
        let mut parts = v.parts_for_memory(held);
        if let (Some(&nan), false) = (self.nan.get(&held.lane), output.never_nan) {
            parts = canonical(v, held, &parts, nan);
        }
        store_group(v, &parts, self.outputs[number], output.mem, group);
    }
}

/// A group of lanes: those from `index + lane` on.
#[derive(Clone, Copy)]
struct Group {
    index: Value,
    lane: usize,
}

/// Loads a group of an array.
fn load_group(v: &mut Vectors<'_, '_>, pointer: Value, mem: Mem, group: Group) -> Held {
    let address = v.address(pointer, Some(group.index), mem.size());
    let parts =
        v.load(vector_type(mem.lane()), address, offset_of(group.lane * mem.size()), mem.size());
    v.held_from_memory(mem, parts)
}

/// Stores a group of an array.
fn store_group(v: &mut Vectors<'_, '_>, parts: &[Value], pointer: Value, mem: Mem, group: Group) {
    let address = v.address(pointer, Some(group.index), mem.size());
    v.store(parts, address, offset_of(group.lane * mem.size()), mem.size());
}

/// NaNs made canonical. Several vectors are tested together, and blended in a cold block: one
/// comparison serves two of them, and a blend is three micro-operations.
fn canonical(v: &mut Vectors<'_, '_>, held: &Held, parts: &[Value], nan: Value) -> Parts {
    if parts.len() == 1 {
        return Parts::from_elem(canonical_part(v, parts[0], nan), 1);
    }
    let unordered: Parts = parts
        .chunks(2)
        .map(|pair| v.fcmp(FloatCC::Unordered, pair[0], pair[pair.len() - 1]))
        .collect();
    let any = v.any(&unordered, held.width);
    let [cold, merge] = [(); 2].map(|()| v.builder.create_block());
    v.builder.set_cold_block(cold);
    let result = append_params(v, merge, held);
    v.builder.ins().brif(any, cold, &[], merge, &block_args(std::slice::from_ref(held)));
    v.builder.switch_to_block(cold);
    let blended = parts.iter().map(|&part| canonical_part(v, part, nan)).collect();
    let blended = held.with_parts(blended);
    v.builder.ins().jump(merge, &block_args(&[blended]));
    v.builder.switch_to_block(merge);
    result.parts
}

fn canonical_part(v: &mut Vectors<'_, '_>, part: Value, nan: Value) -> Value {
    let ordered = v.fcmp(FloatCC::Equal, part, part);
    v.blend(ordered, part, nan)
}

/// An array of pointers in the arguments.
fn pointers(v: &mut Vectors<'_, '_>, args: Value, of: ArgField, count: usize) -> Vec<Value> {
    if count == 0 {
        return Vec::new();
    }
    let array = field(v, args, of);
    let offsets = (0..count).map(|index| offset_of(8 * index));
    offsets.map(|at| v.builder.ins().load(types::I64, memory_flags(), array, at)).collect()
}

fn emit_elementwise(
    v: &mut Vectors<'_, '_>,
    code: &mut Code<'_>,
    operands: &Operands,
    args: Value,
) -> Result<(), CodegenError> {
    let [body, exit] = [(); 2].map(|()| v.builder.create_block());
    let index = v.builder.append_block_param(body, types::I64);
    let granules = field(v, args, ArgField::Granules);
    let end = v.builder.ins().ishl_imm_u(granules, 5);
    let zero = v.builder.ins().iconst(types::I64, 0);
    v.builder.ins().brif(end, body, &[zero.into()], exit, &[]);

    v.builder.switch_to_block(body);
    operands.emit_group(v, code, Group { index, lane: 0 })?;
    let next = v.builder.ins().iadd_imm_s(index, v.lanes as i64);
    let more = v.builder.ins().icmp(IntCC::UnsignedLessThan, next, end);
    v.builder.ins().brif(more, body, &[next.into()], exit, &[]);

    v.builder.switch_to_block(exit);
    v.builder.ins().return_(&[]);
    Ok(())
}

/// The states of a stripe: group by group those of all folds.
struct States {
    /// One of each, for their forms.
    forms: Vec<Held>,
    /// What memory holds of each, and where.
    places: Vec<(Mem, Value, usize)>,
    /// Lanes of the stripe.
    lanes: usize,
}

impl States {
    fn load(v: &mut Vectors<'_, '_>, code: &Code<'_>, from: &Operands, base: Value) -> States {
        let lanes = width::lanes_of_stripe(code.kernel, v.lanes, v.features);
        let mut states = States { forms: Vec::new(), places: Vec::new(), lanes };
        for lane in states.groups(v) {
            for (number, fold) in code.kernel.folds.iter().enumerate() {
                let width = width::widest(&fold.step);
                for (index, slot) in fold.state.iter().enumerate() {
                    let mem = slot.init.lane.mem();
                    let pointer = from.folds[state_slot(code.kernel, number, index)];
                    let held = load_group(v, pointer, mem, Group { index: base, lane });
                    states.forms.push(carried(v, &held, width));
                    states.places.push((mem, pointer, lane));
                }
            }
        }
        states
    }

    /// The first lane of each group.
    fn groups(&self, v: &Vectors<'_, '_>) -> Vec<usize> {
        (0..self.lanes).step_by(v.lanes).collect()
    }

    fn store(&self, v: &mut Vectors<'_, '_>, base: Value, states: &[Held]) {
        for (held, &(mem, pointer, lane)) in states.iter().zip(&self.places) {
            let parts = v.parts_for_memory(held);
            store_group(v, &parts, pointer, mem, Group { index: base, lane });
        }
    }

    fn params(&self, v: &mut Vectors<'_, '_>, block: cranelift_codegen::ir::Block) -> Vec<Held> {
        self.forms.iter().map(|held| append_params(v, block, held)).collect()
    }

    /// `new` in the first `tail` lanes of the granule, `old` in the others; the stripe begins at `base`.
    fn freeze(
        &self,
        v: &mut Vectors<'_, '_>,
        (tail, base): (Value, Value),
        (new, old): (&[Held], &[Held]),
    ) -> Vec<Held> {
        let groups = self.groups(v);
        let each = new.len() / groups.len();
        let mut frozen = Vec::new();
        for (number, lane) in groups.into_iter().enumerate() {
            let first = v.builder.ins().iadd_imm_s(base, lane as i64);
            let valid = valid_lanes(v, tail, first);
            let own = number * each..(number + 1) * each;
            let pairs = new[own.clone()].iter().zip(&old[own]);
            frozen.extend(pairs.map(|(new, old)| v.blend_held(&valid, new, old)));
        }
        frozen
    }
}

/// A state as it is carried around the loop: masks at the step's widest lane.
fn carried(v: &mut Vectors<'_, '_>, held: &Held, width: usize) -> Held {
    if held.lane == Lane::Mask { v.mask_held_at(held, width) } else { held.clone() }
}

/// All folds advanced by the lane region's results for them.
fn emit_steps(
    v: &mut Vectors<'_, '_>,
    code: &mut Code<'_>,
    states: &[Held],
    fold_args: &[Held],
) -> Result<Vec<Held>, CodegenError> {
    let kernel = code.kernel;
    let (mut states, mut fold_args, mut next) = (states, fold_args, Vec::new());
    for fold in &kernel.folds {
        let (own, rest) = states.split_at(fold.state.len());
        let (own_args, rest_args) = fold_args.split_at(fold.n_args());
        (states, fold_args) = (rest, rest_args);
        let width = width::widest(&fold.step);
        let params: Vec<Held> = own.iter().chain(own_args).cloned().collect();
        let results =
            emit_region(v, code, &fold.step, None, &mut |_, position| params[position].clone())?;
        next.extend(results.iter().map(|held| carried(v, held, width)));
    }
    Ok(next)
}

fn with(first: &[Value], states: &[Held]) -> Vec<BlockArg> {
    first.iter().map(|&value| value.into()).chain(block_args(states)).collect()
}

/// See the picture at the head of the file.
fn emit_stripes(
    v: &mut Vectors<'_, '_>,
    code: &mut Code<'_>,
    operands: &Operands,
    args: Value,
) -> Result<(), CodegenError> {
    let [stripe, body, pass_end, last, whole, freeze, finish, exit] =
        [(); 8].map(|()| v.builder.create_block());
    let granules = field(v, args, ArgField::Granules);
    let tail = field(v, args, ArgField::Tail);
    let zero = v.builder.ins().iconst(types::I64, 0);
    let has_tail = v.builder.ins().icmp_imm_u(IntCC::NotEqual, tail, 0);
    let has_tail = v.builder.ins().uextend(types::I64, has_tail);
    let full = v.builder.ins().isub(granules, has_tail);
    let full_end = v.builder.ins().ishl_imm_u(full, 5);
    let end = v.builder.ins().ishl_imm_u(granules, 5);
    let base = v.builder.append_block_param(stripe, types::I64);
    v.builder.ins().brif(granules, stripe, &[zero.into()], exit, &[]);

    v.builder.switch_to_block(stripe);
    let states = States::load(v, code, operands, base);
    let index = v.builder.append_block_param(body, types::I64);
    let bound = v.builder.append_block_param(body, types::I64);
    let current = states.params(v, body);
    let reached = v.builder.append_block_param(pass_end, types::I64);
    let after_pass = states.params(v, pass_end);
    let start = with(&[base, full_end], &states.forms);
    let skip = with(&[base], &states.forms);
    v.builder.ins().brif(full_end, body, &start, pass_end, &skip);

    v.builder.switch_to_block(body);
    operands.prefetch_ahead(v, code.kernel, index, states.lanes);
    let groups = states.groups(v);
    let mut next_states = Vec::new();
    for (lane, current) in groups.iter().zip(current.chunks(current.len() / groups.len())) {
        let fold_args = operands.emit_group(v, code, Group { index, lane: *lane })?;
        next_states.extend(emit_steps(v, code, current, &fold_args)?);
    }
    let next = v.builder.ins().iadd_imm_s(index, GRANULE as i64);
    let more = v.builder.ins().icmp(IntCC::UnsignedLessThan, next, bound);
    let (again, leave) = (with(&[next, bound], &next_states), with(&[next], &next_states));
    v.builder.ins().brif(more, body, &again, pass_end, &leave);

    v.builder.switch_to_block(pass_end);
    let all_done = v.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, reached, end);
    v.builder.ins().brif(all_done, whole, &[], last, &[]);

    v.builder.switch_to_block(last);
    let saved = SavedStates::save(v, &after_pass);
    let again = with(&[reached, end], &after_pass);
    v.builder.ins().jump(body, &again);

    let finals = states.params(v, finish);
    v.builder.switch_to_block(whole);
    v.builder.ins().brif(tail, freeze, &[], finish, &block_args(&after_pass));

    v.builder.switch_to_block(freeze);
    let before = saved.load(v);
    let frozen = states.freeze(v, (tail, base), (&after_pass, &before));
    v.builder.ins().jump(finish, &block_args(&frozen));

    v.builder.switch_to_block(finish);
    states.store(v, base, &finals);
    let next = v.builder.ins().iadd_imm_s(base, states.lanes as i64);
    let more = v.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, next, GRANULE as i64);
    v.builder.ins().brif(more, stripe, &[next.into()], exit, &[]);
    v.builder.switch_to_block(exit);
    v.builder.ins().return_(&[]);
    Ok(())
}

/// The lanes of the group from `first` on that are below the tail, as a mask of bytes.
fn valid_lanes(v: &mut Vectors<'_, '_>, tail: Value, first: Value) -> Held {
    let left = v.builder.ins().isub(tail, first);
    let left = v.builder.ins().ireduce(types::I8, left);
    let left = v.builder.ins().splat(types::I8X16, left);
    let mut parts = Parts::new();
    for part in 0..v.n_parts(1) {
        let lanes: Vec<u8> = (0..16).map(|lane| lane + if part == 0 { 0 } else { 16 }).collect();
        let lanes = v.bytes(types::I8X16, &lanes);
        parts.push(v.icmp(IntCC::SignedGreaterThan, left, lanes));
    }
    Held::mask(1, parts)
}

/// States on the stack.
struct SavedStates {
    slot: cranelift_codegen::ir::StackSlot,
    forms: Vec<Held>,
}

impl SavedStates {
    fn save(v: &mut Vectors<'_, '_>, states: &[Held]) -> SavedStates {
        let n_parts: usize = states.iter().map(|held| held.parts.len()).sum();
        let bytes = u32::try_from(16 * n_parts).unwrap_or(u32::MAX);
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 4);
        let slot = v.builder.create_sized_stack_slot(slot);
        let saved = SavedStates { slot, forms: states.to_vec() };
        let address = v.builder.ins().stack_addr(types::I64, slot, 0);
        let parts = states.iter().flat_map(|held| held.parts.iter());
        for (&part, at) in parts.zip((0_i32..).step_by(16)) {
            v.builder.ins().store(memory_flags(), part, address, at);
        }
        saved
    }

    fn load(&self, v: &mut Vectors<'_, '_>) -> Vec<Held> {
        let address = v.builder.ins().stack_addr(types::I64, self.slot, 0);
        let mut offsets = (0_i32..).step_by(16);
        let mut held = Vec::new();
        for form in &self.forms {
            let at = offsets.by_ref().take(form.parts.len()).collect::<Vec<i32>>();
            let ty = form.part_type();
            let parts = at.iter().map(|&at| v.load_vector(ty, address, at));
            held.push(form.with_parts(parts.collect()));
        }
        held
    }
}
