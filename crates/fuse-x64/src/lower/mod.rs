//! Kernels to the operations that a level has: a region at a time, for one unit of lanes.
//!
//! | node | becomes |
//! |---|---|
//! | parameter | what the caller gives, asked for at the first use |
//! | constant | an invariant |
//! | primitive | one operation (`prims`), or several where the level has none (`compose`) |
//! | lookup | permutations of registers, or a gather (`lookup`) |
//! | rare, repeat | a step of its own, its masks as bytes |
//!
//! Masks live in mask registers at AVX-512. At AVX2 they live in vectors, all ones or zeros in each lane,
//! at the width of the lanes that were compared, and are made wider or narrower where they meet others.
//!
//! Operations of equal operands are made once.

mod compose;
mod logic;
mod lookup;
mod prims;
mod width;

use fuse_ir::{CodegenError, Control, Kernel, Lane, Mem, Node, Prim, Region, Scalar, ValueId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::code::{
    Code, Inst, Invariant, Invariants, Kind, Place, Rare, RareResult, RareUnit, Repeat, Step, Value,
};
use crate::internal;
use crate::level::Level;
use crate::live::without_dead_steps;
use crate::op::{Op, Size};

pub(crate) use compose::in_halves;
pub(crate) use width::{lanes_of_unit, widest};

/// A kernel's value in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) value: Value,
    /// Bytes of its lanes; of a mask in a mask register 0.
    pub(crate) width: usize,
}

/// Lowers regions for units of so many lanes.
pub(crate) struct Lower<'k> {
    kernel: &'k Kernel,
    pub(crate) level: Level,
    /// Lanes of a unit.
    pub(crate) lanes: usize,
    pub(crate) invariants: &'k mut Invariants,
    pub(crate) code: Code,
    made: FxHashMap<Inst, Value>,
    /// Vectors that hold masks as bytes, all ones or zeros.
    of_masks: FxHashSet<Value>,
}

/// Gives a region's parameter at a position.
pub(crate) type Params<'p> = dyn FnMut(&mut Lower<'_>, usize) -> Result<Held, CodegenError> + 'p;

impl<'k> Lower<'k> {
    /// For a function of this kernel.
    pub(crate) fn new(
        kernel: &'k Kernel,
        level: Level,
        lanes: usize,
        invariants: &'k mut Invariants,
    ) -> Lower<'k> {
        let (code, made, of_masks) = Default::default();
        Lower { kernel, level, lanes, invariants, code, made, of_masks }
    }

    /// The code, with its logic in the shortest form and nothing that is not read.
    pub(crate) fn finish(mut self) -> Code {
        if self.has_masks() {
            logic::shorten(&mut self.code);
        }
        without_dead_steps(&mut self.code);
        self.code
    }

    /// Emits a region and gives its results.
    ///
    /// # Errors
    /// What the level lacks.
    pub(crate) fn region(
        &mut self,
        region: &Region,
        params: &mut Params<'_>,
    ) -> Result<Vec<Held>, CodegenError> {
        let mut body = Body {
            region,
            params,
            values: vec![None; region.nodes.len()],
            controls: vec![None; region.controls.len()],
        };
        let needed = region.needed();
        for (value, node) in region.iter() {
            let computes = match node {
                Node::Param(_) | Node::Const(_) => false,
                Node::Prim(..) | Node::Lookup(..) | Node::Result { .. } => needed[value.index()],
            };
            if computes {
                let held = body.node(self, value, node)?;
                body.values[value.index()] = Some(held);
            }
        }
        region.results.iter().map(|&result| body.operand(self, result)).collect()
    }

    /// The kernel that the regions are of.
    pub(crate) fn kernel(&self) -> &'k Kernel {
        self.kernel
    }

    /// The size of vectors of lanes of so many bytes.
    pub(crate) fn size(&self, width: usize) -> Size {
        Size::of(self.lanes * width)
    }

    /// Has each mask a register of its own?
    fn has_masks(&self) -> bool {
        self.level == Level::Avx512
    }

    /// Computes an operation, unless that was done.
    fn emit(&mut self, inst: Inst) -> Value {
        if let Some(&value) = self.made.get(&inst) {
            return value;
        }
        let to_mask = inst.op.form().masks.0 && self.has_masks();
        let value = self.code.value(if to_mask { Kind::Mask } else { Kind::Vector });
        self.made.insert(inst.clone(), value);
        self.code.steps.push(Step::Do(inst, value));
        value
    }

    /// An operation on vectors of lanes of so many bytes.
    fn op(&mut self, op: Op, width: usize, args: &[Value]) -> Value {
        self.op_with(op, width, args, 0)
    }

    /// An operation with an immediate.
    fn op_with(&mut self, op: Op, width: usize, args: &[Value], immediate: u8) -> Value {
        let size = self.size(width);
        self.emit(Inst { op, size, args: SmallVec::from_slice(args), mask: None, immediate })
    }

    /// A constant of lanes of so many bytes.
    pub(crate) fn splat(&mut self, bits: u64, width: usize) -> Value {
        self.invariants.value(Invariant::Repeated(repeated(bits, width)))
    }

    fn constant(&mut self, scalar: Scalar) -> Held {
        match scalar.lane {
            Lane::Mask => {
                let ones = self.splat(if scalar.bits == 0 { 0 } else { u64::MAX }, 8);
                self.mask_of_bytes(ones)
            }
            lane => Held { value: self.splat(scalar.bits, bytes_of(lane)), width: bytes_of(lane) },
        }
    }

    /// A mask from bytes that are all ones or zeros.
    pub(crate) fn mask_of_bytes(&mut self, bytes: Value) -> Held {
        if self.has_masks() {
            self.of_masks.insert(bytes);
            return Held { value: self.op(Op::Test8, 1, &[bytes, bytes]), width: 0 };
        }
        Held { value: bytes, width: 1 }
    }

    /// A mask as bytes that are all ones or zeros.
    pub(crate) fn bytes_of_mask(&mut self, mask: Held) -> Value {
        if !self.has_masks() {
            return self.mask_at(mask, 1).value;
        }
        // Of a mask that was made of bytes, and another: the bytes, and the other's.
        if let Some((op, bytes, other)) = self.joined_with_bytes(mask.value) {
            let other = self.op(Op::MaskToBytes, 1, &[other]);
            return self.op(op, 1, &[bytes, other]);
        }
        self.op(Op::MaskToBytes, 1, &[mask.value])
    }

    /// The bytes and the mask that a mask joins, and how bytes are joined so.
    fn joined_with_bytes(&self, mask: Value) -> Option<(Op, Value, Value)> {
        let maker = |value: Value| {
            let mut steps = self.code.steps.iter().rev();
            steps.find_map(|step| {
                let Step::Do(inst, result) = step else { return None };
                (*result == value).then_some(inst)
            })
        };
        let joined = maker(mask)?;
        let ops = [(Op::KOr, Op::Or64), (Op::KAnd, Op::And64)];
        let &(_, op) = ops.iter().find(|(of_masks, _)| *of_masks == joined.op)?;
        (0..2).find_map(|position| {
            let made = maker(joined.args[position])?;
            let of_bytes = made.op == Op::Test8 && made.args[0] == made.args[1];
            let held_so = self.of_masks.contains(&made.args[0]);
            (of_bytes && held_so).then(|| (op, made.args[0], joined.args[1 - position]))
        })
    }

    /// A mask for lanes of so many bytes.
    pub(crate) fn mask_at(&mut self, mask: Held, width: usize) -> Held {
        if self.has_masks() || mask.width == width {
            return mask;
        }
        let value = if mask.value.as_invariant().is_some() {
            mask.value // all ones or zeros, at any width
        } else if mask.width < width {
            self.extend(mask.value, mask.width, width, prims::Sign::Signed)
        } else {
            self.truncate(mask.value, mask.width, width)
        };
        Held { value, width }
    }

    /// Loads a unit's elements.
    pub(crate) fn load(&mut self, place: Place, mem: Mem) -> Held {
        let bytes = self.lanes * mem.size();
        let result = self.code.value(Kind::Vector);
        self.code.steps.push(Step::Load { result, place, mem, bytes, lane: 0 });
        self.as_loaded(result, place, mem)
    }

    /// Loads one element into every lane.
    pub(crate) fn load_repeated(&mut self, place: Place, mem: Mem) -> Held {
        let size = self.size(mem.size());
        let result = self.code.value(Kind::Vector);
        self.code.steps.push(Step::LoadRepeated { result, place, mem, size });
        self.as_loaded(result, place, mem)
    }

    /// An invariant of elements of memory.
    pub(crate) fn invariant(&mut self, invariant: Invariant, mem: Mem) -> Held {
        let value = self.invariants.value(invariant);
        self.as_loaded(value, Place::Slot(0), mem)
    }

    /// What elements as they lie in memory mean.
    fn as_loaded(&mut self, loaded: Value, place: Place, mem: Mem) -> Held {
        match mem {
            Mem::Bool if self.has_masks() => {
                Held { value: self.op(Op::Test8, 1, &[loaded, loaded]), width: 0 }
            }
            Mem::Bool if matches!(place, Place::Frame(_)) => self.mask_of_bytes(loaded),
            Mem::Bool => {
                let zero = self.splat(0, 8);
                let ones = self.splat(u64::MAX, 8);
                let clear = self.op(Op::CmpEq8, 1, &[loaded, zero]);
                Held { value: self.op(Op::Xor64, 1, &[clear, ones]), width: 1 }
            }
            Mem::I8 | Mem::I16 | Mem::I32 | Mem::I64 | Mem::F32 | Mem::F64 => {
                Held { value: loaded, width: mem.size() }
            }
        }
    }

    /// Stores a unit's elements: bools as 0 and 1, but in frames as all ones.
    pub(crate) fn store(&mut self, held: Held, place: Place, mem: Mem) {
        let value = match mem {
            Mem::Bool => {
                let bytes = self.bytes_of_mask(held);
                match place {
                    Place::Frame(_) => bytes,
                    Place::Input(_) | Place::Output(_) | Place::Slot(_) => {
                        let one = self.splat(1, 1);
                        self.op(Op::And64, 1, &[bytes, one])
                    }
                }
            }
            Mem::I8 | Mem::I16 | Mem::I32 | Mem::I64 | Mem::F32 | Mem::F64 => held.value,
        };
        let bytes = self.lanes * mem.size();
        self.code.steps.push(Step::Store { value, place, mem, bytes, lane: 0 });
    }

    /// Stores the first lane's element in an empty slot.
    pub(crate) fn store_first(&mut self, held: Held, place: Place, mem: Mem) {
        let value = match mem {
            Mem::Bool => {
                let bytes = self.bytes_of_mask(held);
                let one = self.splat(1, 1);
                self.op(Op::And64, 1, &[bytes, one])
            }
            Mem::I8 | Mem::I16 | Mem::I32 | Mem::I64 | Mem::F32 | Mem::F64 => held.value,
        };
        self.code.steps.push(Step::Store { value, place, mem, bytes: mem.size(), lane: 0 });
    }

    /// A float whose NaNs are canonical.
    pub(crate) fn canonical(&mut self, held: Held, lane: Lane) -> Held {
        let result = self.code.value(Kind::Vector);
        let values = smallvec::smallvec![(held.value, result)];
        let size = self.size(held.width);
        self.code.steps.push(Step::Canonical { lane, size, values });
        Held { value: result, ..held }
    }
}

/// The bits of a lane of so many bytes, over and over.
fn repeated(bits: u64, width: usize) -> u64 {
    match width {
        1 => (bits & 0xff) * 0x0101_0101_0101_0101,
        2 => (bits & 0xffff) * 0x0001_0001_0001_0001,
        4 => (bits & 0xffff_ffff) * 0x0000_0001_0000_0001,
        _ => bits,
    }
}

/// Bytes of a lane; a mask's are those that it has in memory.
pub(crate) fn bytes_of(lane: Lane) -> usize {
    lane.mem().size()
}

/// A region in the making.
struct Body<'r, 'p> {
    region: &'r Region,
    params: &'r mut Params<'p>,
    values: Vec<Option<Held>>,
    controls: Vec<Option<Vec<Held>>>,
}

impl Body<'_, '_> {
    /// A value that a node reads.
    fn operand(&mut self, lower: &mut Lower<'_>, value: ValueId) -> Result<Held, CodegenError> {
        let index = value.index();
        match self.region.node(value) {
            Node::Const(scalar) => return Ok(lower.constant(scalar)),
            Node::Param(position) if self.values[index].is_none() => {
                self.values[index] = Some((self.params)(lower, position as usize)?);
            }
            Node::Param(_) | Node::Prim(..) | Node::Lookup(..) | Node::Result { .. } => {}
        }
        self.values[index].ok_or_else(|| internal(format!("{value} is used before it is computed")))
    }

    fn node(
        &mut self,
        lower: &mut Lower<'_>,
        value: ValueId,
        node: Node,
    ) -> Result<Held, CodegenError> {
        match node {
            Node::Prim(prim, args) => self.prim(lower, value, prim, &args[..prim.arity()]),
            Node::Lookup(table, index) => {
                let index = self.operand(lower, index)?;
                let kernel = lower.kernel;
                lower.lookup(&kernel.tables[table.index()], index)
            }
            Node::Result { control, index } => {
                let control = control as usize;
                if self.controls[control].is_none() {
                    self.controls[control] = Some(self.control(lower, control)?);
                }
                let results = self.controls[control].as_ref();
                let held = results.and_then(|results| results.get(index as usize));
                held.copied().ok_or_else(|| internal("a control lacks a result"))
            }
            Node::Param(_) | Node::Const(_) => self.operand(lower, value),
        }
    }

    fn prim(
        &mut self,
        lower: &mut Lower<'_>,
        value: ValueId,
        prim: Prim,
        args: &[ValueId],
    ) -> Result<Held, CodegenError> {
        let lane = self.region.lane(value);
        if let Some(held) = self.special(lower, prim, args, lane)? {
            return Ok(held);
        }
        let mut held: SmallVec<[Held; 3]> = SmallVec::new();
        for &arg in args {
            held.push(self.operand(lower, arg)?);
        }
        let from = args.first().map_or(lane, |&arg| self.region.lane(arg));
        let count = args.get(1).and_then(|&arg| self.as_constant(arg)).map(|scalar| scalar.bits);
        lower.prim(&prims::Primitive { prim, from, to: lane, args: &held, count })
    }

    /// Primitives that become something shorter together with what they read.
    fn special(
        &mut self,
        lower: &mut Lower<'_>,
        prim: Prim,
        args: &[ValueId],
        lane: Lane,
    ) -> Result<Option<Held>, CodegenError> {
        if prim == Prim::Fma {
            return self.multiply_add(lower, args, lane).map(Some);
        }
        if prim == Prim::FSub && self.is_minus_zero(args[0]) {
            let x = self.operand(lower, args[1])?;
            return Ok(Some(lower.negated(x)));
        }
        if prim == Prim::MaskNot {
            return self.opposite(lower, args[0]);
        }
        if prim == Prim::Select {
            return self.select(lower, args, lane);
        }
        Ok(None)
    }

    /// The opposite of a comparison, compared so.
    fn opposite(
        &mut self,
        lower: &mut Lower<'_>,
        mask: ValueId,
    ) -> Result<Option<Held>, CodegenError> {
        let Node::Prim(compare, compared) = self.region.node(mask) else { return Ok(None) };
        let Some(comparison) = prims::Comparison::of(compare) else { return Ok(None) };
        let from = self.region.lane(compared[0]);
        let lhs = self.operand(lower, compared[0])?;
        let rhs = self.operand(lower, compared[1])?;
        Ok(Some(lower.compare(comparison.inverted(), from, lhs, rhs)))
    }

    /// A choice: of the two that its mask compares, a minimum or maximum; by the opposite of a mask, the
    /// other way round.
    fn select(
        &mut self,
        lower: &mut Lower<'_>,
        args: &[ValueId],
        lane: Lane,
    ) -> Result<Option<Held>, CodegenError> {
        let Node::Prim(prim, of) = self.region.node(args[0]) else { return Ok(None) };
        if prim == Prim::MaskNot {
            let mask = self.operand(lower, of[0])?;
            let set = self.operand(lower, args[2])?;
            let clear = self.operand(lower, args[1])?;
            return Ok(Some(lower.choose(mask, set, clear)));
        }
        if prim != Prim::FLt {
            return Ok(None);
        }
        let (arms, single) = ((args[1], args[2]), lane == Lane::F32);
        let op = if (of[0], of[1]) == arms {
            if single { Op::MinPs } else { Op::MinPd }
        } else if (of[1], of[0]) == arms {
            if single { Op::MaxPs } else { Op::MaxPd }
        } else {
            return Ok(None);
        };
        let (set, clear) = (self.operand(lower, args[1])?, self.operand(lower, args[2])?);
        let width = set.width;
        Ok(Some(Held { value: lower.op(op, width, &[set.value, clear.value]), width }))
    }

    /// A multiply-add; it has negations of the product and of the addend for nothing.
    fn multiply_add(
        &mut self,
        lower: &mut Lower<'_>,
        args: &[ValueId],
        lane: Lane,
    ) -> Result<Held, CodegenError> {
        let negations: SmallVec<[Option<ValueId>; 3]> =
            args.iter().map(|&arg| self.negation(arg)).collect();
        let mut held: SmallVec<[Value; 3]> = SmallVec::new();
        for (&arg, negation) in args.iter().zip(&negations) {
            held.push(self.operand(lower, negation.unwrap_or(arg))?.value);
        }
        let product = negations[0].is_some() != negations[1].is_some();
        let op = prims::multiply_add(lane, product, negations[2].is_some());
        let width = bytes_of(lane);
        Ok(Held { value: lower.op(op, width, &held), width })
    }

    /// x, if the value is `-0.0 - x`.
    fn negation(&self, value: ValueId) -> Option<ValueId> {
        let Node::Prim(Prim::FSub, [zero, x, _]) = self.region.node(value) else { return None };
        self.is_minus_zero(zero).then_some(x)
    }

    fn is_minus_zero(&self, value: ValueId) -> bool {
        self.as_constant(value) == Some(Scalar::float(self.region.lane(value), -0.0))
    }

    fn as_constant(&self, value: ValueId) -> Option<Scalar> {
        match self.region.node(value) {
            Node::Const(scalar) => Some(scalar),
            Node::Param(_) | Node::Prim(..) | Node::Lookup(..) | Node::Result { .. } => None,
        }
    }

    fn control(
        &mut self,
        lower: &mut Lower<'_>,
        control: usize,
    ) -> Result<Vec<Held>, CodegenError> {
        match &self.region.controls[control] {
            Control::Rare { mask, region, args, otherwise } => {
                let mask = self.operand(lower, *mask)?;
                let args = self.in_frame(lower, args)?;
                let otherwise = self.with_lanes(lower, otherwise)?;
                Ok(lower.rare(*region, mask, args, &otherwise))
            }
            Control::Repeat { at_most, region, init } => {
                let args = self.in_frame(lower, init)?;
                let lanes: Vec<Lane> = init.iter().map(|&arg| self.region.lane(arg)).collect();
                Ok(lower.repeat(*region, *at_most, args, &lanes))
            }
        }
    }

    fn with_lanes(
        &mut self,
        lower: &mut Lower<'_>,
        values: &[ValueId],
    ) -> Result<Vec<(Held, Lane)>, CodegenError> {
        let held = |&value| Ok((self.operand(lower, value)?, self.region.lane(value)));
        values.iter().map(held).collect()
    }

    /// Values as they lie in a frame: masks as bytes.
    fn in_frame(
        &mut self,
        lower: &mut Lower<'_>,
        values: &[ValueId],
    ) -> Result<Vec<Value>, CodegenError> {
        let held = self.with_lanes(lower, values)?;
        Ok(held.into_iter().map(|(held, lane)| lower.as_vector(held, lane)).collect())
    }
}

impl Lower<'_> {
    /// A value as a vector: masks as bytes.
    pub(crate) fn as_vector(&mut self, held: Held, lane: Lane) -> Value {
        if lane == Lane::Mask { self.bytes_of_mask(held) } else { held.value }
    }

    /// The value that a vector of [`Lower::as_vector`] holds.
    pub(crate) fn held_in(&mut self, vector: Value, lane: Lane) -> Held {
        if lane == Lane::Mask {
            self.mask_of_bytes(vector)
        } else {
            Held { value: vector, width: bytes_of(lane) }
        }
    }

    /// One of two values of a lane by a mask.
    pub(crate) fn choose_lane(&mut self, mask: Held, set: Held, clear: Held, lane: Lane) -> Held {
        if lane != Lane::Mask {
            return self.choose(mask, set, clear);
        }
        let held = |value| Held { value, width: 1 };
        let (set, clear) = (self.bytes_of_mask(set), self.bytes_of_mask(clear));
        let chosen = self.choose(mask, held(set), held(clear));
        self.mask_of_bytes(chosen.value)
    }

    /// Where both masks are set.
    pub(crate) fn both(&mut self, lhs: Held, rhs: Held) -> Held {
        self.masks(Op::KAnd, Op::And64, lhs, rhs)
    }

    fn rare(
        &mut self,
        region: fuse_ir::RegionId,
        mask: Held,
        args: Vec<Value>,
        otherwise: &[(Held, Lane)],
    ) -> Vec<Held> {
        let mut results = Vec::new();
        for &(held, lane) in otherwise {
            let otherwise = self.as_vector(held, lane);
            let width = bytes_of(lane);
            let mask = self.mask_at(mask, width).value;
            let result = self.code.value(Kind::Vector);
            results.push(RareResult { result, otherwise, mask, mem: lane.mem() });
        }
        let vectors: Vec<Value> = results.iter().map(|result| result.result).collect();
        let (mask_width, mask) = (mask.width, mask.value);
        let units = smallvec::smallvec![RareUnit { mask, args, results }];
        self.code.steps.push(Step::Rare(Rare { region, mask_width, units }));
        let lanes = otherwise.iter().map(|&(_, lane)| lane);
        vectors.into_iter().zip(lanes).map(|(value, lane)| self.held_in(value, lane)).collect()
    }

    fn repeat(
        &mut self,
        region: fuse_ir::RegionId,
        at_most: u32,
        args: Vec<Value>,
        lanes: &[Lane],
    ) -> Vec<Held> {
        let results: Vec<Value> = lanes.iter().map(|_| self.code.value(Kind::Vector)).collect();
        let repeat = Repeat { region, at_most, args, results: results.clone() };
        self.code.steps.push(Step::Repeat(repeat));
        results.into_iter().zip(lanes).map(|(value, &lane)| self.held_in(value, lane)).collect()
    }
}
