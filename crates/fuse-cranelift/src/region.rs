//! A region's nodes as instructions for one group of lanes.
//!
//! Nodes are emitted in arena order, all vectors of a node before the next node: so the chains of
//! the group's vectors lie interleaved, and run in parallel. A node that nothing needs is left out.
//!
//! | node | becomes |
//! |---|---|
//! | parameter | what the caller's closure gives, asked for at the first use |
//! | constant | a register set before the loop where there is room, else a load from the constant pool; values made within the last few nodes are shared |
//! | primitive | see `prims` |
//! | `fma` of `-0.0 - x` | a fused multiply-add of a negation, which the instruction has for nothing |
//! | lookup | index masked as a vector, then scalar loads lane by lane; columns at one index share its lanes |
//! | rare | a branch to a cold block that stores the operands in a frame, calls, and blends |
//! | repeat | the same call, unconditional |
//!
//! Everything but the call sequence is emitted in blocks that dominate what follows, so any value
//! may be kept and used again.

use cranelift_codegen::ir::{BlockArg, FuncRef, InstBuilder, StackSlot, Value, types};
use fuse_ir::{CodegenError, Control, Kernel, Lane, Node, Prim, Region, Scalar, ValueId};
use rustc_hash::FxHashMap;

use crate::held::Held;
use crate::outline::{Frame, Outline, OutlineKind, Outlines};
use crate::prims::Operation;
use crate::tables::Tables;
use crate::target::internal;
use crate::vector::{Parts, Vectors, int_vector, lane_bytes, memory_flags, vector_type};
use crate::width;

/// Nodes for which a constant stays in its register.
const REUSE_WITHIN: usize = 6;

/// What all regions of one function share.
pub(crate) struct Code<'k> {
    pub(crate) kernel: &'k Kernel,
    pub(crate) tables: &'k Tables,
    /// Functions out of line that the kernel needs so far.
    pub(crate) outlines: &'k mut Outlines,
    /// Those that this function has declared, with the stack slot of their frame.
    pub(crate) declared: FxHashMap<usize, (FuncRef, StackSlot)>,
    /// Constants set before the loop.
    pub(crate) hoisted: FxHashMap<Scalar, Value>,
}

impl<'k> Code<'k> {
    /// For a new function of this kernel.
    pub(crate) fn new(kernel: &'k Kernel, tables: &'k Tables, outlines: &'k mut Outlines) -> Self {
        let (declared, hoisted) = (FxHashMap::default(), FxHashMap::default());
        Code { kernel, tables, outlines, declared, hoisted }
    }
}

/// Gives a region's parameter at a position.
pub(crate) type Params<'p> = dyn FnMut(&mut Vectors<'_, '_>, usize) -> Held + 'p;

/// Emits a region and gives its results. `first` is the position of the group's lane 0.
///
/// # Errors
/// What the target lacks.
pub(crate) fn emit_region(
    v: &mut Vectors<'_, '_>,
    code: &mut Code<'_>,
    region: &Region,
    first: Option<Value>,
    params: &mut Params<'_>,
) -> Result<Vec<Held>, CodegenError> {
    let mut body = Body {
        region,
        first,
        params,
        values: vec![None; region.nodes.len()],
        controls: vec![None; region.controls.len()],
        recent: FxHashMap::default(),
        masks: FxHashMap::default(),
        indices: FxHashMap::default(),
        last_uses: width::last_uses(region),
        at: 0,
    };
    let needed = region.needed();
    for (value, node) in region.iter() {
        body.at = value.index();
        let computes = match node {
            Node::Param(_) | Node::Const(_) => false,
            Node::Prim(..) | Node::Lookup(..) | Node::Result { .. } => needed[value.index()],
        };
        if computes {
            let held = body.node(v, code, value, node)?;
            body.values[value.index()] = Some(held);
        }
    }
    region.results.iter().map(|&result| body.operand(v, code, result)).collect()
}

struct Body<'r, 'p> {
    region: &'r Region,
    first: Option<Value>,
    params: &'r mut Params<'p>,
    values: Vec<Option<Held>>,
    controls: Vec<Option<Vec<Held>>>,
    recent: FxHashMap<Scalar, (Value, usize)>,
    masks: FxHashMap<(ValueId, usize), Parts>,
    /// Lanes of a lookup's index as scalars, by the index and its greatest value.
    indices: FxHashMap<(ValueId, u64), Vec<Value>>,
    last_uses: Vec<usize>,
    /// The node being emitted.
    at: usize,
}

impl Body<'_, '_> {
    /// A value that a node reads.
    fn operand(
        &mut self,
        v: &mut Vectors<'_, '_>,
        code: &Code<'_>,
        value: ValueId,
    ) -> Result<Held, CodegenError> {
        if let Node::Const(scalar) = self.region.node(value) {
            let part = self.constant(v, code, scalar);
            return Ok(match scalar.lane {
                Lane::Mask => Held::mask(1, Parts::from_elem(part, v.n_parts(1))),
                lane => v.repeated(lane, part),
            });
        }
        let slot = &mut self.values[value.index()];
        if let (None, Node::Param(position)) = (&slot, self.region.node(value)) {
            *slot = Some((self.params)(v, position as usize));
        }
        slot.clone().ok_or_else(|| internal(format!("{value} is used before it is computed")))
    }

    fn constant(&mut self, v: &mut Vectors<'_, '_>, code: &Code<'_>, scalar: Scalar) -> Value {
        if let Some(&value) = code.hoisted.get(&scalar) {
            return value;
        }
        if let Some(&(value, made)) = self.recent.get(&scalar)
            && self.at - made <= REUSE_WITHIN
        {
            return value;
        }
        let value = v.constant(scalar.lane, scalar.bits);
        self.recent.insert(scalar, (value, self.at));
        value
    }

    /// A mask at a width, kept for later users.
    fn mask_operand(
        &mut self,
        v: &mut Vectors<'_, '_>,
        code: &Code<'_>,
        value: ValueId,
        width: usize,
    ) -> Result<Held, CodegenError> {
        if let Some(parts) = self.masks.get(&(value, width)) {
            return Ok(Held::mask(width, parts.clone()));
        }
        let mask = self.operand(v, code, value)?;
        let parts = v.mask_at(&mask, width);
        self.masks.insert((value, width), parts.clone());
        Ok(Held::mask(width, parts))
    }

    fn node(
        &mut self,
        v: &mut Vectors<'_, '_>,
        code: &mut Code<'_>,
        value: ValueId,
        node: Node,
    ) -> Result<Held, CodegenError> {
        let lane = self.region.lane(value);
        match node {
            Node::Prim(prim, args) => self.prim(v, code, prim, args, lane),
            Node::Lookup(table, index) => {
                let last = code.kernel.tables[table.index()].entries.len() as u64 - 1;
                let indices = match self.indices.get(&(index, last)) {
                    Some(indices) => indices.clone(),
                    None => {
                        let held = self.operand(v, code, index)?;
                        let lanes = lookup_indices(v, &held, last);
                        self.indices.insert((index, last), lanes.clone());
                        lanes
                    }
                };
                Ok(lookup(v, code, table.index(), &indices))
            }
            Node::Result { control, index } => {
                let control = control as usize;
                if self.controls[control].is_none() {
                    let results = self.control(v, code, control)?;
                    self.controls[control] = Some(results);
                }
                let results = self.controls[control].as_ref();
                let held = results.and_then(|results| results.get(index as usize));
                held.cloned().ok_or_else(|| internal("a control lacks a result"))
            }
            Node::Param(_) | Node::Const(_) => self.operand(v, code, value),
        }
    }

    fn prim(
        &mut self,
        v: &mut Vectors<'_, '_>,
        code: &Code<'_>,
        prim: Prim,
        args: [ValueId; 3],
        result: Lane,
    ) -> Result<Held, CodegenError> {
        if let (Prim::LaneIndex, Some(first)) = (prim, self.first) {
            return Ok(v.positions(first));
        }
        let mut args = args;
        if prim == Prim::Fma && self.outlives(args[0]) && !self.outlives(args[1]) {
            args.swap(0, 1);
        }
        let args = &args[..prim.arity()];
        let mut held: smallvec::SmallVec<[Held; 3]> = smallvec::SmallVec::new();
        for (position, &arg) in args.iter().enumerate() {
            held.push(match (prim, position) {
                (Prim::Select, 0) => self.mask_operand(v, code, arg, lane_bytes(result))?,
                (Prim::Fma, _) => self.multiply_add_operand(v, code, arg)?,
                _ => self.operand(v, code, arg)?,
            });
        }
        let count = args.get(1).and_then(|&arg| match self.region.node(arg) {
            Node::Const(scalar) => Some(scalar.bits),
            Node::Param(_) | Node::Prim(..) | Node::Lookup(..) | Node::Result { .. } => None,
        });
        let selects_compared = prim == Prim::Select && self.is_comparison_of_arms(args);
        v.operation(&Operation { prim, result, args: &held, count, selects_compared })
    }

    /// An operand of a multiply-add. A negation becomes Cranelift's, which the instruction absorbs: the
    /// subtraction from -0.0 is then left out, unless something else reads it.
    fn multiply_add_operand(
        &mut self,
        v: &mut Vectors<'_, '_>,
        code: &Code<'_>,
        value: ValueId,
    ) -> Result<Held, CodegenError> {
        let Some(negated) = self.negation(value) else { return self.operand(v, code, value) };
        let held = self.operand(v, code, negated)?;
        Ok(v.map(held.lane, &held.parts, |v, part| v.builder.ins().fneg(part)))
    }

    /// x, if the value is `-0.0 - x`.
    fn negation(&self, value: ValueId) -> Option<ValueId> {
        let Node::Prim(Prim::FSub, [zero, x, _]) = self.region.node(value) else { return None };
        let minus_zero = Scalar::float(self.region.lane(value), -0.0);
        (self.region.node(zero) == Node::Const(minus_zero)).then_some(x)
    }

    /// Is the value read after this node? Cranelift's multiply-add overwrites its first operand, so a
    /// value that is not should stand there: it saves a copy per vector.
    fn outlives(&self, value: ValueId) -> bool {
        let constant = matches!(self.region.node(value), Node::Const(_));
        constant || self.last_uses[value.index()] > self.at
    }

    /// `select(flt(b, c), b, c)` and `select(flt(c, b), b, c)`.
    fn is_comparison_of_arms(&self, args: &[ValueId]) -> bool {
        let Node::Prim(Prim::FLt, [lhs, rhs, _]) = self.region.node(args[0]) else { return false };
        (lhs, rhs) == (args[1], args[2]) || (lhs, rhs) == (args[2], args[1])
    }

    fn operands(
        &mut self,
        v: &mut Vectors<'_, '_>,
        code: &Code<'_>,
        values: &[ValueId],
    ) -> Result<Vec<Held>, CodegenError> {
        values.iter().map(|&value| self.operand(v, code, value)).collect()
    }

    fn control(
        &mut self,
        v: &mut Vectors<'_, '_>,
        code: &mut Code<'_>,
        control: usize,
    ) -> Result<Vec<Held>, CodegenError> {
        match &self.region.controls[control] {
            Control::Rare { mask, region, args, otherwise } => {
                let mask = self.operand(v, code, *mask)?;
                let args = self.operands(v, code, args)?;
                let otherwise = self.operands(v, code, otherwise)?;
                let outline = Outline { kind: OutlineKind::Rare, region: *region, lanes: v.lanes };
                Ok(rare(v, code, outline, &mask, &args, &otherwise))
            }
            Control::Repeat { at_most, region, init } => {
                let state = self.operands(v, code, init)?;
                let kind = OutlineKind::Repeat { at_most: *at_most };
                let call = Call::new(v, code, Outline { kind, region: *region, lanes: v.lanes });
                Ok(call.make(v, None, &state))
            }
        }
    }
}

/// A branch around a cold call.
fn rare(
    v: &mut Vectors<'_, '_>,
    code: &mut Code<'_>,
    outline: Outline,
    mask: &Held,
    args: &[Held],
    otherwise: &[Held],
) -> Vec<Held> {
    let call = Call::new(v, code, outline);
    let [cold, merge] = [(); 2].map(|()| v.builder.create_block());
    v.builder.set_cold_block(cold);
    let any = v.any(&mask.parts, mask.width);
    let fast: Vec<BlockArg> = block_args(otherwise);
    v.builder.ins().brif(any, cold, &[], merge, &fast);

    v.builder.switch_to_block(cold);
    let slow = call.make(v, Some(mask), args);
    let blended: Vec<Held> = slow
        .iter()
        .zip(otherwise)
        .map(|(slow, otherwise)| v.blend_held(mask, slow, otherwise))
        .collect();
    v.builder.ins().jump(merge, &block_args(&blended));

    v.builder.switch_to_block(merge);
    otherwise.iter().map(|held| append_params(v, merge, held)).collect()
}

/// Values as block arguments.
pub(crate) fn block_args(values: &[Held]) -> Vec<BlockArg> {
    values.iter().flat_map(|held| held.parts.iter().map(|&part| part.into())).collect()
}

/// Block parameters of the form of a value.
pub(crate) fn append_params(
    v: &mut Vectors<'_, '_>,
    block: cranelift_codegen::ir::Block,
    like: &Held,
) -> Held {
    let ty = like.part_type();
    let parts = like.parts.iter().map(|_| v.builder.append_block_param(block, ty)).collect();
    like.with_parts(parts)
}

/// A call out of line: operands and results travel in a frame on the stack.
struct Call {
    function: FuncRef,
    slot: StackSlot,
    frame: Frame,
}

impl Call {
    fn new(v: &mut Vectors<'_, '_>, code: &mut Code<'_>, outline: Outline) -> Call {
        let frame = Frame::of(code.kernel, outline);
        let number = code.outlines.number(outline);
        let (function, slot) = *code
            .declared
            .entry(number)
            .or_insert_with(|| crate::outline::declare(v.builder, number, &frame));
        Call { function, slot, frame }
    }

    fn make(&self, v: &mut Vectors<'_, '_>, mask: Option<&Held>, args: &[Held]) -> Vec<Held> {
        let frame = v.builder.ins().stack_addr(types::I64, self.slot, 0);
        if let Some(mask) = mask {
            let parts = v.mask_at(mask, 1);
            v.store(&parts, frame, self.frame.mask, 1);
        }
        for (held, &(_, offset)) in args.iter().zip(&self.frame.params) {
            store_to_frame(v, held, frame, offset);
        }
        v.builder.ins().call(self.function, &[frame]);
        let results = self.frame.results.iter();
        results.map(|&(lane, offset)| load_from_frame(v, lane, frame, offset)).collect()
    }
}

/// Stores a value in a frame: masks at one byte a lane, all ones or zeros.
pub(crate) fn store_to_frame(v: &mut Vectors<'_, '_>, held: &Held, frame: Value, offset: i32) {
    let width = lane_bytes(held.lane);
    let parts = match held.lane {
        Lane::Mask => v.mask_at(held, width),
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 | Lane::F32 | Lane::F64 => held.parts.clone(),
    };
    v.store(&parts, frame, offset, width);
}

/// Loads what [`store_to_frame`] stores.
pub(crate) fn load_from_frame(
    v: &mut Vectors<'_, '_>,
    lane: Lane,
    frame: Value,
    offset: i32,
) -> Held {
    let width = lane_bytes(lane);
    let parts = v.load(vector_type(lane), frame, offset, width);
    if lane == Lane::Mask { Held::mask(width, parts) } else { Held::new(lane, parts) }
}

/// The lanes of `index & last` as 64-bit scalars.
fn lookup_indices(v: &mut Vectors<'_, '_>, index: &Held, last: u64) -> Vec<Value> {
    let last = v.splat_int(index.width, last);
    let masked = v.map(index.lane, &index.parts, |v, part| v.builder.ins().band(part, last));
    let mut lanes = v.scalars(&masked.parts, index.width);
    if index.lane != Lane::I64 {
        for lane in &mut lanes {
            *lane = v.builder.ins().uextend(types::I64, *lane);
        }
    }
    lanes
}

/// The entries of a table at these indices.
fn lookup(v: &mut Vectors<'_, '_>, code: &Code<'_>, table: usize, indices: &[Value]) -> Held {
    let entries = &code.kernel.tables[table];
    let base = v.builder.ins().iconst(types::I64, code.tables.address(table));
    let width = lane_bytes(entries.lane);
    let ty = vector_type(entries.lane);
    let load = |v: &mut Vectors<'_, '_>, element, index| {
        let address = v.address(base, Some(index), width);
        v.builder.ins().load(element, memory_flags(), address, 0)
    };
    if width == 8 {
        // The first of a pair is loaded into both lanes at once, which needs no arithmetic unit.
        let pairs = indices.chunks(2).map(|pair| {
            let first = load(v, types::F64, pair[0]);
            let both = v.builder.ins().splat(types::F64X2, first);
            let second = load(v, types::F64, pair[1]);
            let pair = v.builder.ins().insertlane(both, second, 1);
            v.cast(ty, pair)
        });
        return Held::new(entries.lane, pairs.collect());
    }
    let loaded: Vec<Value> = indices.iter().map(|&index| load(v, ty.lane_type(), index)).collect();
    let parts = v.gather_scalars(ty, &loaded);
    if entries.lane != Lane::Mask {
        return Held::new(entries.lane, parts);
    }
    let zero = v.splat_int(1, 0);
    let not_zero = cranelift_codegen::ir::condcodes::IntCC::NotEqual;
    debug_assert_eq!(ty, int_vector(1));
    Held::mask(1, parts.iter().map(|&part| v.icmp(not_zero, part, zero)).collect())
}
