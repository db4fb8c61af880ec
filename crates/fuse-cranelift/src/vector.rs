//! Single vector instructions: what the rest of the back end says instead of CLIF builder calls.
//!
//! A vector has 128 bits. Its CLIF type is a view: [`Vectors::cast`] changes it for free. A mask is
//! a vector whose lanes are all ones or all zeros.
//!
//! Lanes that do not matter. A group of S lanes of a narrow type may fill only the low part of its
//! one vector. Every lane-wise operation may be run on the rest too, since none can trap; only
//! "is any lane set" has to look at the low part alone.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use fuse_ir::Lane;
use smallvec::SmallVec;

use crate::target::Features;

/// The vectors of one value: low lanes first.
pub(crate) type Parts = SmallVec<[Value; 4]>;

/// Bytes of a vector.
pub(crate) const VECTOR_BYTES: usize = 16;

/// Flags of every access to operands: cannot trap; of any alignment, and not read-only.
pub(crate) fn memory_flags() -> MemFlagsData {
    let mut flags = MemFlagsData::new();
    flags.set_notrap();
    flags
}

/// The vector of integers of that many bytes each.
pub(crate) fn int_vector(width: usize) -> Type {
    match width {
        1 => types::I8X16,
        2 => types::I16X8,
        4 => types::I32X4,
        _ => types::I64X2,
    }
}

/// Bytes of one lane of a value that is no mask.
pub(crate) fn lane_bytes(lane: Lane) -> usize {
    lane.mem().size()
}

/// The vector type of a lane type; that of a mask is its bytes' in memory.
pub(crate) fn vector_type(lane: Lane) -> Type {
    match lane {
        Lane::F32 => types::F32X4,
        Lane::F64 => types::F64X2,
        Lane::Mask | Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => int_vector(lane_bytes(lane)),
    }
}

/// A function under construction that works on groups of `lanes` lanes.
pub(crate) struct Vectors<'a, 'f> {
    pub(crate) builder: &'a mut FunctionBuilder<'f>,
    pub(crate) features: Features,
    /// Lanes of a group: 2, 4, 8, 16 or 32.
    pub(crate) lanes: usize,
}

impl Vectors<'_, '_> {
    /// Vectors that a group takes when each of its lanes takes `width` bytes.
    pub(crate) fn n_parts(&self, width: usize) -> usize {
        (self.lanes * width / VECTOR_BYTES).max(1)
    }

    /// Lanes that matter in each part of such a group.
    pub(crate) fn lanes_per_part(&self, width: usize) -> usize {
        self.lanes.min(VECTOR_BYTES / width)
    }

    /// A vector constant of these bytes.
    pub(crate) fn bytes(&mut self, ty: Type, bytes: &[u8]) -> Value {
        let constant = self.builder.func.dfg.constants.insert(bytes.to_vec().into());
        self.builder.ins().vconst(ty, constant)
    }

    /// A vector constant with the same `width` low bytes of `bits` in every lane.
    pub(crate) fn splat_bits(&mut self, ty: Type, width: usize, bits: u64) -> Value {
        let lane = &bits.to_le_bytes()[..width];
        let bytes: SmallVec<[u8; VECTOR_BYTES]> =
            lane.iter().copied().cycle().take(VECTOR_BYTES).collect();
        self.bytes(ty, &bytes)
    }

    /// The same integer in every lane.
    pub(crate) fn splat_int(&mut self, width: usize, value: u64) -> Value {
        self.splat_bits(int_vector(width), width, value)
    }

    /// The same f64 in every lane.
    pub(crate) fn splat_f64(&mut self, value: f64) -> Value {
        self.splat_bits(types::F64X2, 8, value.to_bits())
    }

    /// The same f32 in every lane.
    pub(crate) fn splat_f32(&mut self, value: f32) -> Value {
        self.splat_bits(types::F32X4, 4, u64::from(value.to_bits()))
    }

    /// The same bits seen as another vector type.
    pub(crate) fn cast(&mut self, ty: Type, value: Value) -> Value {
        if self.builder.func.dfg.value_type(value) == ty {
            return value;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(ty, flags, value)
    }

    /// `set` where the mask is set, `clear` elsewhere; the mask has the width of the lanes.
    pub(crate) fn blend(&mut self, mask: Value, set: Value, clear: Value) -> Value {
        let ty = self.builder.func.dfg.value_type(set);
        if !self.features.blendv {
            let mask = self.cast(ty, mask);
            return self.builder.ins().bitselect(mask, set, clear);
        }
        let blend_type = match ty.lane_bits() {
            64 => types::I64X2,
            32 => types::I32X4,
            _ => types::I8X16,
        };
        let [mask, set, clear] = [mask, set, clear].map(|value| self.cast(blend_type, value));
        let blended = self.builder.ins().blendv(mask, set, clear);
        self.cast(ty, blended)
    }

    /// `min` and `max` as one instruction: `set` where the comparison `mask` of exactly these two
    /// values holds. CLIF has a pattern for it.
    pub(crate) fn select_compared(&mut self, mask: Value, set: Value, clear: Value) -> Value {
        let ty = self.builder.func.dfg.value_type(set);
        let mask = self.cast(ty, mask);
        self.builder.ins().bitselect(mask, set, clear)
    }

    /// A mask: `lhs cc rhs` on floats.
    pub(crate) fn fcmp(&mut self, cc: FloatCC, lhs: Value, rhs: Value) -> Value {
        self.builder.ins().fcmp(cc, lhs, rhs)
    }

    /// The opposite of a mask. That of an equality of floats is one instruction, not three. (aarch64 has
    /// none for the opposites of the other comparisons.)
    pub(crate) fn inverted(&mut self, mask: Value) -> Value {
        let definition = self.builder.func.dfg.value_def(mask).inst();
        match definition.map(|inst| self.builder.func.dfg.insts[inst]) {
            Some(InstructionData::FloatCompare {
                opcode: Opcode::Fcmp,
                args: [lhs, rhs],
                cond: FloatCC::Equal,
            }) => self.fcmp(FloatCC::NotEqual, lhs, rhs),
            _ => self.builder.ins().bnot(mask),
        }
    }

    /// A mask: `lhs cc rhs` on integers.
    pub(crate) fn icmp(&mut self, cc: IntCC, lhs: Value, rhs: Value) -> Value {
        self.builder.ins().icmp(cc, lhs, rhs)
    }

    /// The bytes of two vectors (0–15, 16–31) in any order.
    pub(crate) fn shuffle(&mut self, low: Value, high: Value, order: [u8; VECTOR_BYTES]) -> Value {
        let [low, high] = [low, high].map(|value| self.cast(types::I8X16, value));
        let mask = self.builder.func.dfg.immediates.push(order.to_vec().into());
        self.builder.ins().shuffle(low, high, mask)
    }

    /// The high eight bytes in the low eight.
    pub(crate) fn high_half(&mut self, value: Value) -> Value {
        let ty = self.builder.func.dfg.value_type(value);
        let order = std::array::from_fn(|byte| byte_index(8 + byte % 8));
        let shuffled = self.shuffle(value, value, order);
        self.cast(ty, shuffled)
    }

    /// The low eight bytes of both.
    pub(crate) fn low_halves(&mut self, ty: Type, low: Value, high: Value) -> Value {
        let order = std::array::from_fn(|byte| byte_index(if byte < 8 { byte } else { byte + 8 }));
        let shuffled = self.shuffle(low, high, order);
        self.cast(ty, shuffled)
    }

    /// The low 32 bits of the four 64-bit lanes of two vectors.
    pub(crate) fn low_words(&mut self, low: Value, high: Value) -> Value {
        let order = std::array::from_fn(|byte| byte_index(byte / 4 * 8 + byte % 4));
        let shuffled = self.shuffle(low, high, order);
        self.cast(types::I32X4, shuffled)
    }

    /// Lanes shifted by a constant below their width.
    pub(crate) fn shift(&mut self, shift: Shift, value: Value, count: u64) -> Value {
        let count = self.builder.ins().iconst(types::I32, count.cast_signed());
        match shift {
            Shift::Left => self.builder.ins().ishl(value, count),
            Shift::RightUnsigned => self.builder.ins().ushr(value, count),
            Shift::RightSigned => self.builder.ins().sshr(value, count),
        }
    }

    /// The lanes of a group as scalars.
    pub(crate) fn scalars(&mut self, parts: &[Value], width: usize) -> Vec<Value> {
        let per_part = self.lanes_per_part(width);
        let lanes = parts.iter().flat_map(|&part| (0..per_part).map(move |lane| (part, lane)));
        lanes.map(|(part, lane)| self.extract(part, lane)).collect()
    }

    /// One lane as a scalar. Lane 0 of 64-bit integers goes by way of f64: one instruction less.
    pub(crate) fn extract(&mut self, part: Value, lane: usize) -> Value {
        if lane > 0 || self.builder.func.dfg.value_type(part) != types::I64X2 {
            return self.builder.ins().extractlane(part, byte_index(lane));
        }
        let floats = self.cast(types::F64X2, part);
        let low = self.builder.ins().extractlane(floats, 0);
        self.builder.ins().bitcast(types::I64, MemFlagsData::new(), low)
    }

    /// The opposite of [`Vectors::scalars`].
    pub(crate) fn gather_scalars(&mut self, ty: Type, scalars: &[Value]) -> Parts {
        let per_part = usize::try_from(ty.lane_count()).unwrap_or(1);
        let parts = scalars.chunks(per_part).map(|lanes| {
            let first = self.low_lane(ty, lanes[0]);
            lanes.iter().enumerate().skip(1).fold(first, |vector, (index, &lane)| {
                self.builder.ins().insertlane(vector, lane, byte_index(index))
            })
        });
        parts.collect()
    }

    /// A vector whose lane 0 is this scalar. x86-64 has no move of less than 32 bits.
    fn low_lane(&mut self, ty: Type, scalar: Value) -> Value {
        if ty.lane_bits() >= 32 {
            return self.builder.ins().scalar_to_vector(ty, scalar);
        }
        let wide = self.builder.ins().uextend(types::I32, scalar);
        let low = self.builder.ins().scalar_to_vector(types::I32X4, wide);
        self.cast(ty, low)
    }

    /// An 8-bit scalar that is not 0 if some lane of the mask is set.
    pub(crate) fn any(&mut self, mask: &[Value], width: usize) -> Value {
        let mut any = mask[0];
        for &part in &mask[1..] {
            any = self.builder.ins().bor(any, part);
        }
        if self.lanes * width < VECTOR_BYTES {
            let mut low = [0; VECTOR_BYTES];
            low[..self.lanes * width].fill(0xff);
            let ty = self.builder.func.dfg.value_type(any);
            let low = self.bytes(ty, &low);
            any = self.builder.ins().band(any, low);
        }
        self.builder.ins().vany_true(any)
    }

    /// `address + (index << log2(width))`, in a form that loads and stores take as an operand.
    pub(crate) fn address(&mut self, base: Value, index: Option<Value>, width: usize) -> Value {
        let Some(index) = index else { return base };
        let log2 = i64::from(width.trailing_zeros());
        let bytes = if log2 == 0 { index } else { self.builder.ins().ishl_imm_u(index, log2) };
        self.builder.ins().iadd(base, bytes)
    }

    /// Loads a group whose lanes take `width` bytes each.
    pub(crate) fn load(&mut self, ty: Type, address: Value, offset: i32, width: usize) -> Parts {
        let bytes = self.lanes * width;
        if bytes < VECTOR_BYTES {
            return Parts::from_elem(self.load_low(ty, address, offset, bytes), 1);
        }
        let offsets = (offset..).step_by(VECTOR_BYTES).take(bytes / VECTOR_BYTES);
        offsets.map(|at| self.load_vector(ty, address, at)).collect()
    }

    /// Loads a vector of any alignment. A change of type keeps the load an instruction of its own.
    pub(crate) fn load_vector(&mut self, ty: Type, address: Value, offset: i32) -> Value {
        let loaded_as = match ty {
            ty if self.features.folds_loads => ty,
            types::F64X2 => types::I64X2,
            _ => types::F64X2,
        };
        let loaded = self.builder.ins().load(loaded_as, memory_flags(), address, offset);
        self.cast(ty, loaded)
    }

    /// Loads 2, 4 or 8 bytes into the low part of a vector.
    fn load_low(&mut self, ty: Type, address: Value, offset: i32, bytes: usize) -> Value {
        let (scalar, vector) = low_part(bytes);
        let loaded = self.builder.ins().load(scalar, memory_flags(), address, offset);
        let low = self.low_lane(vector, loaded);
        self.cast(ty, low)
    }

    /// Stores what [`Vectors::load`] loads.
    pub(crate) fn store(&mut self, parts: &[Value], address: Value, offset: i32, width: usize) {
        let bytes = self.lanes * width;
        if bytes < VECTOR_BYTES {
            let (_, vector) = low_part(bytes);
            let low = self.cast(vector, parts[0]);
            let low = self.extract(low, 0);
            self.builder.ins().store(memory_flags(), low, address, offset);
            return;
        }
        for (&part, at) in parts.iter().zip((offset..).step_by(VECTOR_BYTES)) {
            self.builder.ins().store(memory_flags(), part, address, at);
        }
    }
}

/// The scalar that a partial vector is loaded and stored as, and the vector it is lane 0 of.
fn low_part(bytes: usize) -> (Type, Type) {
    match bytes {
        2 => (types::I16, types::I16X8),
        4 => (types::F32, types::F32X4),
        _ => (types::F64, types::F64X2),
    }
}

/// A position among at most 32 bytes.
fn byte_index(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}

/// The three shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    /// `<<`
    Left,
    /// `>>` filling with 0.
    RightUnsigned,
    /// `>>` filling with the sign.
    RightSigned,
}
