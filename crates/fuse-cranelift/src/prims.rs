//! The primitive table, arm by arm: what each primitive becomes for one group of lanes.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value};
use fuse_ir::{CodegenError, Lane, Prim};

use crate::float::{Rounding, Sign};
use crate::held::{Extend, Held};
use crate::target::unsupported;
use crate::vector::{Parts, Shift, Vectors, lane_bytes};

/// One primitive with its operands at hand.
pub(crate) struct Operation<'a> {
    pub(crate) prim: Prim,
    /// Lane type of the result.
    pub(crate) result: Lane,
    /// As many as the primitive takes.
    pub(crate) args: &'a [Held],
    /// The second operand's bits where it is a constant.
    pub(crate) count: Option<u64>,
    /// Is this a select of exactly the two values that its mask compares by `flt`?
    pub(crate) selects_compared: bool,
}

impl Operation<'_> {
    fn arg(&self, index: usize) -> &Held {
        &self.args[index]
    }
}

impl Vectors<'_, '_> {
    /// The result of a primitive. `lane_index` has no operands to compute from and is the caller's.
    ///
    /// # Errors
    /// `fma` without such an instruction.
    pub(crate) fn operation(&mut self, o: &Operation<'_>) -> Result<Held, CodegenError> {
        let held = match o.prim {
            Prim::FAdd => self.two(o, |v, a, b| v.builder.ins().fadd(a, b)),
            Prim::FSub => self.two(o, |v, a, b| v.builder.ins().fsub(a, b)),
            Prim::FMul => self.two(o, |v, a, b| v.builder.ins().fmul(a, b)),
            Prim::FDiv => self.two(o, |v, a, b| v.builder.ins().fdiv(a, b)),
            Prim::FSqrt => self.map(o.result, &o.arg(0).parts, |v, a| v.builder.ins().sqrt(a)),
            Prim::Fma => self.multiply_add(o)?,
            Prim::FFloor => self.round(Rounding::Floor, o.arg(0)),
            Prim::FCeil => self.round(Rounding::Ceil, o.arg(0)),
            Prim::FTrunc => self.round(Rounding::Trunc, o.arg(0)),
            Prim::FRound => self.round(Rounding::NearestEven, o.arg(0)),
            Prim::FEq => self.compare(o, |v, a, b| v.fcmp(FloatCC::Equal, a, b)),
            Prim::FLt => self.compare(o, |v, a, b| v.fcmp(FloatCC::LessThan, a, b)),
            Prim::FLe => self.compare(o, |v, a, b| v.fcmp(FloatCC::LessThanOrEqual, a, b)),
            Prim::IAdd => self.two(o, |v, a, b| v.builder.ins().iadd(a, b)),
            Prim::ISub => self.two(o, |v, a, b| v.builder.ins().isub(a, b)),
            Prim::IMul => self.product(o.arg(0), o.arg(1)),
            Prim::IAnd => self.two(o, |v, a, b| v.builder.ins().band(a, b)),
            Prim::IOr => self.two(o, |v, a, b| v.builder.ins().bor(a, b)),
            Prim::IXor => self.two(o, |v, a, b| v.builder.ins().bxor(a, b)),
            Prim::Shl => self.shifted(o, Shift::Left),
            Prim::ShrU => self.shifted(o, Shift::RightUnsigned),
            Prim::ShrS => self.shifted(o, Shift::RightSigned),
            Prim::IEq => self.compare(o, |v, a, b| v.icmp(IntCC::Equal, a, b)),
            Prim::ILtS => self.compare(o, |v, a, b| v.icmp(IntCC::SignedLessThan, a, b)),
            Prim::ILtU => self.compare(o, |v, a, b| v.icmp(IntCC::UnsignedLessThan, a, b)),
            Prim::MulWideU32 => self.wide_product(o.arg(0), o.arg(1)),
            Prim::Clz => self.leading_zeros(o.arg(0)),
            Prim::Zext => self.extend_int(o.arg(0), o.result, Extend::Zero),
            Prim::Sext => self.extend_int(o.arg(0), o.result, Extend::Sign),
            Prim::TruncInt => self.truncate_int(o.arg(0), o.result),
            Prim::Promote => self.promote(o.arg(0)),
            Prim::Demote => self.demote(o.arg(0)),
            Prim::SintToF64 => self.int_to_f64(Sign::Signed, o.arg(0)),
            Prim::UintToF64 => self.int_to_f64(Sign::Unsigned, o.arg(0)),
            Prim::SintToF32 => self.i64_to_f32(Sign::Signed, o.arg(0)),
            Prim::UintToF32 => self.i64_to_f32(Sign::Unsigned, o.arg(0)),
            Prim::FToSint => self.float_to_signed(o.arg(0), o.result),
            Prim::FToUint => self.float_to_unsigned(o.arg(0)),
            Prim::F16ToF32 => self.half_to_f32(o.arg(0)),
            Prim::F32ToF16 | Prim::F64ToF16 => self.float_to_half(o.arg(0)),
            Prim::Bitcast => self.reinterpret(o.arg(0), o.result),
            Prim::Select => self.select(o),
            Prim::MaskAnd => self.masks(o, |v, a, b| v.builder.ins().band(a, b)),
            Prim::MaskOr => self.masks(o, |v, a, b| v.builder.ins().bor(a, b)),
            Prim::MaskNot => {
                let mask = o.arg(0);
                mask.with_parts(mask.parts.iter().map(|&part| self.inverted(part)).collect())
            }
            Prim::LaneIndex => return Err(unsupported("lane_index outside the lane region")),
        };
        Ok(held)
    }

    fn two(
        &mut self,
        o: &Operation<'_>,
        mut change: impl FnMut(&mut Self, Value, Value) -> Value,
    ) -> Held {
        let pairs = o.arg(0).parts.iter().zip(&o.arg(1).parts);
        let parts = pairs.map(|(&a, &b)| change(self, a, b)).collect();
        Held::new(o.result, parts)
    }

    fn compare(
        &mut self,
        o: &Operation<'_>,
        change: impl FnMut(&mut Self, Value, Value) -> Value,
    ) -> Held {
        let width = o.arg(0).width;
        Held::mask(width, self.two(o, change).parts)
    }

    fn multiply_add(&mut self, o: &Operation<'_>) -> Result<Held, CodegenError> {
        if !self.features.fma {
            return Err(unsupported("fma without a multiply-add instruction"));
        }
        let parts = o.arg(0).parts.iter().zip(&o.arg(1).parts).zip(&o.arg(2).parts);
        let parts = parts.map(|((&a, &b), &c)| self.builder.ins().fma(a, b, c)).collect();
        Ok(Held::new(o.result, parts))
    }

    fn shifted(&mut self, o: &Operation<'_>, shift: Shift) -> Held {
        match o.count {
            Some(count) => self.shift_constant(shift, o.arg(0), count),
            None => self.shift_lanes(shift, o.arg(0), o.arg(1)),
        }
    }

    fn select(&mut self, o: &Operation<'_>) -> Held {
        let (mask, set, clear) = (o.arg(0), o.arg(1), o.arg(2));
        if !o.selects_compared {
            return self.blend_held(mask, set, clear);
        }
        let parts = mask.parts.iter().zip(set.parts.iter().zip(&clear.parts));
        let parts = parts.map(|(&m, (&s, &c))| self.select_compared(m, s, c)).collect();
        Held::new(o.result, parts)
    }

    /// A mask of two, held at the wider of their widths: what follows is a select of such lanes.
    fn masks(
        &mut self,
        o: &Operation<'_>,
        mut change: impl FnMut(&mut Self, Value, Value) -> Value,
    ) -> Held {
        let width = o.arg(0).width.max(o.arg(1).width);
        let lhs = self.mask_at(o.arg(0), width);
        let rhs = self.mask_at(o.arg(1), width);
        Held::mask(width, lhs.iter().zip(&rhs).map(|(&a, &b)| change(self, a, b)).collect())
    }

    /// `lane_index`: positions from `first` on.
    pub(crate) fn positions(&mut self, first: Value) -> Held {
        let mut parts = Parts::new();
        let ty = crate::vector::int_vector(lane_bytes(Lane::I64));
        let first = self.builder.ins().splat(ty, first);
        for part in 0..self.n_parts(8) as u64 {
            let lanes: Vec<u8> = (0..2).flat_map(|lane| (2 * part + lane).to_le_bytes()).collect();
            let offsets = self.bytes(ty, &lanes);
            parts.push(self.builder.ins().iadd(first, offsets));
        }
        Held::new(Lane::I64, parts)
    }
}
