//! f16 conversions by integer arithmetic and one float addition.
//!
//! **f16 → f32.** The exponent and mantissa fields, moved into place, read as f32 are the value
//! times 2^-112, subnormals included; one exact multiplication by 2^112 restores it. Infinity and
//! NaN have all exponent bits set, and get them all set.
//!
//! **f32, f64 → f16.** Let u = 2^max(e-10, -24) be the unit of the result's last place for
//! |x| = 1.m·2^e. With D = u·2^23 (f32) or u·2^52 (f64), |x| < D / 2, so the addition |x| + D rounds
//! |x| to a multiple of u, to nearest even, and the difference of the bits of the sum and of D
//! counts the units. That count, in [0, 2048], plus (max(e, -14) + 14) << 10 is the f16: its implicit
//! bit or a carry moves into the exponent field. From 65520 on the result is infinite; NaN gives
//! 0x7e00.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value};
use fuse_ir::Lane;

use crate::held::{Extend, Held};
use crate::vector::{Shift, Vectors, int_vector, lane_bytes, vector_type};

/// How a float is laid out.
struct Format {
    lane: Lane,
    mantissa_bits: u64,
    bias: u64,
}

const SINGLE: Format = Format { lane: Lane::F32, mantissa_bits: 23, bias: 127 };
const DOUBLE: Format = Format { lane: Lane::F64, mantissa_bits: 52, bias: 1023 };

impl Vectors<'_, '_> {
    /// f16 bits to f32.
    pub(crate) fn half_to_f32(&mut self, value: &Held) -> Held {
        let words = self.widen(&value.parts, 2, Extend::Zero);
        self.map(Lane::F32, &words, |v, half| v.half_to_f32_part(half))
    }

    fn half_to_f32_part(&mut self, half: Value) -> Value {
        let (single, int) = (vector_type(Lane::F32), int_vector(4));
        let magnitude_mask = self.splat_int(4, 0x7fff);
        let magnitude = self.builder.ins().band(half, magnitude_mask);
        let sign = self.builder.ins().bxor(half, magnitude);
        let sign = self.shift(Shift::Left, sign, 16);
        let fields = self.shift(Shift::Left, magnitude, 13);
        let fields = self.cast(single, fields);
        let scale = self.splat_f32(f32::from_bits((127 + 112) << 23));
        let scaled = self.builder.ins().fmul(fields, scale);
        let scaled = self.cast(int, scaled);
        let largest_finite = self.splat_int(4, 0x7bff);
        let special = self.icmp(IntCC::SignedGreaterThan, magnitude, largest_finite);
        let exponent = self.splat_int(4, 0x7f80_0000);
        let exponent = self.builder.ins().band(special, exponent);
        let bits = self.builder.ins().bor(scaled, exponent);
        let bits = self.builder.ins().bor(bits, sign);
        self.cast(single, bits)
    }

    /// f32 or f64 to f16 bits.
    pub(crate) fn float_to_half(&mut self, value: &Held) -> Held {
        let format = if value.lane == Lane::F32 { SINGLE } else { DOUBLE };
        let (mut width, mut parts) = (value.width, value.parts.clone());
        for part in &mut parts {
            *part = self.float_to_half_part(&format, *part);
        }
        while width > 2 {
            parts = self.narrow(&parts, width);
            width /= 2;
        }
        Held::new(Lane::I16, parts)
    }

    fn float_to_half_part(&mut self, format: &Format, x: Value) -> Value {
        let width = lane_bytes(format.lane);
        let (float, int) = (vector_type(format.lane), int_vector(width));
        let sign_bit = self.splat_int(width, 1 << (8 * width - 1));
        let bits = self.cast(int, x);
        let sign = self.builder.ins().band(bits, sign_bit);
        let magnitude = self.builder.ins().bxor(bits, sign);
        let sign = self.shift(Shift::RightUnsigned, sign, 8 * width as u64 - 16);
        let magnitude = self.cast(float, magnitude);

        let units = self.half_units(format, magnitude);
        let overflow_from = self.float_bits(format, 65520.0);
        let infinity = self.splat_int(width, 0x7c00);
        let overflows = self.fcmp(FloatCC::GreaterThanOrEqual, magnitude, overflow_from);
        let finite = self.blend(overflows, infinity, units);
        let signed = self.builder.ins().bor(finite, sign);
        let nan = self.splat_int(width, 0x7e00);
        let ordered = self.fcmp(FloatCC::Equal, x, x);
        self.blend(ordered, signed, nan)
    }

    /// The f16 magnitude of a float below 65520.
    fn half_units(&mut self, format: &Format, magnitude: Value) -> Value {
        let width = lane_bytes(format.lane);
        let (float, int) = (vector_type(format.lane), int_vector(width));
        let smallest_normal = self.float_bits(format, 1.0 / 16384.0);
        let normal = self.fcmp(FloatCC::LessThan, smallest_normal, magnitude);
        let at_least = self.blend(normal, magnitude, smallest_normal);
        let at_least = self.cast(int, at_least);
        let exponent = self.shift(Shift::RightUnsigned, at_least, format.mantissa_bits);
        let least_exponent = self.splat_int(width, format.bias - 14);
        let steps = self.builder.ins().isub(exponent, least_exponent);

        // D has the exponent max(e, -14) - 10 + mantissa_bits.
        let to_divisor = self.splat_int(width, format.bias - 14 - 10 + format.mantissa_bits);
        let divisor = self.builder.ins().iadd(steps, to_divisor);
        let divisor_bits = self.shift(Shift::Left, divisor, format.mantissa_bits);
        let divisor = self.cast(float, divisor_bits);
        let sum = self.builder.ins().fadd(magnitude, divisor);
        let sum = self.cast(int, sum);
        let count = self.builder.ins().isub(sum, divisor_bits);
        let base = self.shift(Shift::Left, steps, 10);
        self.builder.ins().iadd(base, count)
    }

    fn float_bits(&mut self, format: &Format, value: f64) -> Value {
        if format.lane == Lane::F32 { self.splat_f32(value as f32) } else { self.splat_f64(value) }
    }
}
