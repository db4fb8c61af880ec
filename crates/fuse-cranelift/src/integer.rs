//! Integer primitives that CLIF has no vector instruction for on x86-64.
//!
//! | primitive | here |
//! |---|---|
//! | i8 product | products of i16, low bytes |
//! | shift by a constant | one instruction; counts ≥ width are decided now |
//! | shift by lanes | scalar shifts lane by lane, counts ≥ width blended |
//! | leading zeros | lane by lane |

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use fuse_ir::Lane;

use crate::held::{Extend, Held};
use crate::vector::{Parts, Shift, Vectors, lane_bytes, vector_type};

impl Vectors<'_, '_> {
    /// The wrapping product.
    pub(crate) fn product(&mut self, lhs: &Held, rhs: &Held) -> Held {
        if lhs.lane == Lane::I8 {
            return self.product_of_bytes(lhs, rhs);
        }
        let products =
            lhs.parts.iter().zip(&rhs.parts).map(|(&a, &b)| self.builder.ins().imul(a, b));
        Held::new(lhs.lane, products.collect())
    }

    fn product_of_bytes(&mut self, lhs: &Held, rhs: &Held) -> Held {
        let mut products = Parts::new();
        for (&a, &b) in lhs.parts.iter().zip(&rhs.parts) {
            let low = [a, b].map(|part| self.builder.ins().uwiden_low(part));
            let high = [a, b].map(|part| self.builder.ins().uwiden_high(part));
            let wide = [low, high].map(|[a, b]| self.builder.ins().imul(a, b));
            products.extend(self.narrow(&wide, 2));
        }
        Held::new(Lane::I8, products)
    }

    /// The 64-bit product of unsigned 32-bit lanes.
    pub(crate) fn wide_product(&mut self, lhs: &Held, rhs: &Held) -> Held {
        let lhs = self.widen(&lhs.parts, 4, Extend::Zero);
        let rhs = self.widen(&rhs.parts, 4, Extend::Zero);
        let products = lhs.iter().zip(&rhs).map(|(&a, &b)| self.builder.ins().imul(a, b));
        Held::new(Lane::I64, products.collect())
    }

    /// All lanes shifted by one constant count.
    pub(crate) fn shift_constant(&mut self, shift: Shift, value: &Held, count: u64) -> Held {
        let bits = u64::from(value.lane.bits());
        if count < bits {
            return self.map(value.lane, &value.parts, |v, part| v.shift(shift, part, count));
        }
        if shift == Shift::RightSigned {
            return self.map(value.lane, &value.parts, |v, part| v.shift(shift, part, bits - 1));
        }
        let zero = self.splat_int(lane_bytes(value.lane), 0);
        self.repeated(value.lane, zero)
    }

    /// Each lane shifted by its own count.
    pub(crate) fn shift_lanes(&mut self, shift: Shift, value: &Held, counts: &Held) -> Held {
        let width = value.width;
        let scalars = self.scalars(&value.parts, width);
        let by = self.scalars(&counts.parts, width);
        let shifted: Vec<Value> = scalars
            .iter()
            .zip(&by)
            .map(|(&scalar, &count)| match shift {
                Shift::Left => self.builder.ins().ishl(scalar, count),
                Shift::RightUnsigned => self.builder.ins().ushr(scalar, count),
                Shift::RightSigned => self.builder.ins().sshr(scalar, count),
            })
            .collect();
        let shifted = self.gather_scalars(vector_type(value.lane), &shifted);
        let beyond = self.shift_constant(shift, value, u64::MAX);
        let width_in_bits = self.splat_int(width, u64::from(value.lane.bits()));
        let fits: Parts = counts
            .parts
            .iter()
            .map(|&count| self.icmp(IntCC::UnsignedLessThan, count, width_in_bits))
            .collect();
        self.blend_held(&Held::mask(width, fits), &Held::new(value.lane, shifted), &beyond)
    }

    /// The number of leading zero bits of each lane.
    pub(crate) fn leading_zeros(&mut self, value: &Held) -> Held {
        let scalars = self.scalars(&value.parts, value.width);
        let counts: Vec<Value> =
            scalars.iter().map(|&scalar| self.leading_zeros_scalar(value.lane, scalar)).collect();
        Held::new(value.lane, self.gather_scalars(vector_type(value.lane), &counts))
    }

    fn leading_zeros_scalar(&mut self, lane: Lane, scalar: Value) -> Value {
        if matches!(lane, Lane::I32 | Lane::I64) {
            return self.builder.ins().clz(scalar);
        }
        let wide = self.builder.ins().uextend(types::I32, scalar);
        let count = self.builder.ins().clz(wide);
        let unused = self.builder.ins().iconst(types::I32, i64::from(32 - lane.bits()));
        let count = self.builder.ins().isub(count, unused);
        let narrow = if lane == Lane::I8 { types::I8 } else { types::I16 };
        self.builder.ins().ireduce(narrow, count)
    }
}
