//! Rounding to integers, and conversions between floats and integers, without a trapping or scalar
//! instruction and with one rounding each.
//!
//! Notation: M = 2^52. For an integer 0 ≤ k < 2^52, `bits(M + k) = bits(M) + k`; for |k| < 2^51 the
//! low 32 bits of `bits(1.5·M + k)` are those of k in two's complement.
//!
//! | conversion | how | why one rounding |
//! |---|---|---|
//! | u64 → f64 | (2^84 + hi·2^32 made of bits) - (2^84 + M), plus (M + lo made of bits) | the difference is exact; only the sum rounds |
//! | i64 → f64 | the same with the sign bit of hi flipped and 2^63 more subtracted | the same |
//! | f64 → i32 | clamp, truncate, + 1.5·M, low words | all exact |
//! | f64 → i64, u64 | t = trunc x; hi = floor(t·2^-32); lo = t - hi·2^32; both to bits; saturate by selects | all exact |
//! | i64, u64 → f32 | scalar instructions lane by lane | one instruction each |
//!
//! Without a rounding instruction (baseline x86-64): r = (|x| + M) - M rounds |x| < M to nearest
//! even exactly as the hardware does; trunc, floor and ceil correct it by one where a comparison
//! says so; the sign of x is put back, which also gives -0. |x| ≥ M and NaN are their own result.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use fuse_ir::Lane;

use crate::held::{Extend, Held};
use crate::vector::{Parts, Shift, Vectors, vector_type};

/// To which integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// The largest not above.
    Floor,
    /// The smallest not below.
    Ceil,
    /// Towards zero.
    Trunc,
    /// The nearest, ties to even.
    NearestEven,
}

/// Is an integer lane read with a sign?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Two's complement.
    Signed,
    /// No sign.
    Unsigned,
}

/// 2^52: its last place is 1.
const M: f64 = 4_503_599_627_370_496.0;
/// 2^32.
const TWO_32: f64 = 4_294_967_296.0;
/// 2^63.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
/// 2^64.
const TWO_64: f64 = 18_446_744_073_709_551_616.0;
/// 2^84: its last place is 2^32.
const TWO_84: f64 = 19_342_813_113_834_066_795_298_816.0;

impl Vectors<'_, '_> {
    /// Rounds to an integer.
    pub(crate) fn round(&mut self, rounding: Rounding, value: &Held) -> Held {
        self.map(value.lane, &value.parts, |v, part| v.round_part(rounding, part))
    }

    fn round_part(&mut self, rounding: Rounding, x: Value) -> Value {
        if !self.features.round {
            return self.round_by_addition(rounding, x);
        }
        match rounding {
            Rounding::Floor => self.builder.ins().floor(x),
            Rounding::Ceil => self.builder.ins().ceil(x),
            Rounding::Trunc => self.builder.ins().trunc(x),
            Rounding::NearestEven => self.builder.ins().nearest(x),
        }
    }

    /// One float in every lane, of the type that `like` has.
    fn splat_like(&mut self, like: Value, value: f64) -> Value {
        if self.builder.func.dfg.value_type(like) == types::F32X4 {
            self.splat_f32(value as f32)
        } else {
            self.splat_f64(value)
        }
    }

    /// The sign bits and the rest.
    fn split_sign(&mut self, x: Value) -> (Value, Value) {
        let is_single = self.builder.func.dfg.value_type(x) == types::F32X4;
        let width = if is_single { 4 } else { 8 };
        let ty = self.builder.func.dfg.value_type(x);
        let int_type = crate::vector::int_vector(width);
        let sign_bit = self.splat_int(width, 1 << (8 * width - 1));
        let bits = self.cast(int_type, x);
        let sign = self.builder.ins().band(bits, sign_bit);
        let magnitude = self.builder.ins().bxor(bits, sign);
        (sign, self.cast(ty, magnitude))
    }

    fn with_sign(&mut self, sign: Value, magnitude: Value) -> Value {
        let ty = self.builder.func.dfg.value_type(magnitude);
        let int_type = self.builder.func.dfg.value_type(sign);
        let bits = self.cast(int_type, magnitude);
        let signed = self.builder.ins().bor(bits, sign);
        self.cast(ty, signed)
    }

    /// See the head of the file.
    fn round_by_addition(&mut self, rounding: Rounding, x: Value) -> Value {
        let is_single = self.builder.func.dfg.value_type(x) == types::F32X4;
        let unit_place = self.splat_like(x, if is_single { 8_388_608.0 } else { M });
        let one = self.splat_like(x, 1.0);
        let (sign, magnitude) = self.split_sign(x);
        let shifted = self.builder.ins().fadd(magnitude, unit_place);
        let nearest = self.builder.ins().fsub(shifted, unit_place);
        let rounded = match rounding {
            Rounding::NearestEven => nearest,
            Rounding::Trunc => {
                let too_far = self.fcmp(FloatCC::GreaterThan, nearest, magnitude);
                let back = self.builder.ins().fsub(nearest, one);
                self.blend(too_far, back, nearest)
            }
            Rounding::Floor => {
                let nearest = self.with_sign(sign, nearest);
                let too_far = self.fcmp(FloatCC::GreaterThan, nearest, x);
                let back = self.builder.ins().fsub(nearest, one);
                self.blend(too_far, back, nearest)
            }
            Rounding::Ceil => {
                let nearest = self.with_sign(sign, nearest);
                let too_far = self.fcmp(FloatCC::LessThan, nearest, x);
                let back = self.builder.ins().fadd(nearest, one);
                self.blend(too_far, back, nearest)
            }
        };
        let rounded = self.with_sign(sign, rounded);
        let has_fraction = self.fcmp(FloatCC::LessThan, magnitude, unit_place);
        self.blend(has_fraction, rounded, x)
    }

    /// f32 to f64.
    pub(crate) fn promote(&mut self, value: &Held) -> Held {
        let wanted = self.n_parts(8);
        let mut wide = Parts::new();
        for &part in &value.parts {
            wide.push(self.builder.ins().fvpromote_low(part));
            if wide.len() < wanted {
                let high = self.high_half(part);
                wide.push(self.builder.ins().fvpromote_low(high));
            }
        }
        Held::new(Lane::F64, wide)
    }

    /// f64 to f32.
    pub(crate) fn demote(&mut self, value: &Held) -> Held {
        let narrow = value.parts.chunks(2).map(|pair| {
            let low = self.builder.ins().fvdemote(pair[0]);
            let Some(&high) = pair.get(1) else { return low };
            let high = self.builder.ins().fvdemote(high);
            self.low_halves(types::F32X4, low, high)
        });
        Held::new(Lane::F32, narrow.collect())
    }

    /// Integers to f64.
    pub(crate) fn int_to_f64(&mut self, sign: Sign, value: &Held) -> Held {
        if value.lane == Lane::I64 {
            return self.map(Lane::F64, &value.parts, |v, part| v.i64_to_f64(sign, part));
        }
        let wanted = self.n_parts(8);
        let mut wide = Parts::new();
        for &part in &value.parts {
            let mut halves: Parts = Parts::from_elem(part, 1);
            if wide.len() + 1 < wanted {
                halves.push(self.high_half(part));
            }
            for half in halves {
                let long = self.builder.ins().swiden_low(half);
                wide.push(self.builder.ins().fcvt_from_sint(types::F64X2, long));
            }
        }
        Held::new(Lane::F64, wide)
    }

    fn i64_to_f64(&mut self, sign: Sign, bits: Value) -> Value {
        let (flip, offset) = match sign {
            Sign::Signed => (0x8000_0000, TWO_84 + TWO_63 + M),
            Sign::Unsigned => (0, TWO_84 + M),
        };
        let high = self.shift(Shift::RightUnsigned, bits, 32);
        let high_frame = self.splat_int(8, TWO_84.to_bits() ^ flip);
        let high = self.builder.ins().bxor(high, high_frame);
        let low_mask = self.splat_int(8, 0xffff_ffff);
        let low = self.builder.ins().band(bits, low_mask);
        let low_frame = self.splat_int(8, M.to_bits());
        let low = self.builder.ins().bor(low, low_frame);
        let [high, low] = [high, low].map(|part| self.cast(types::F64X2, part));
        let offset = self.splat_f64(offset);
        let high = self.builder.ins().fsub(high, offset);
        self.builder.ins().fadd(high, low)
    }

    /// 64-bit integers to f32.
    pub(crate) fn i64_to_f32(&mut self, sign: Sign, value: &Held) -> Held {
        let lanes = self.scalars(&value.parts, 8);
        let converted: Vec<Value> = lanes
            .iter()
            .map(|&lane| match sign {
                Sign::Signed => self.builder.ins().fcvt_from_sint(types::F32, lane),
                Sign::Unsigned => self.builder.ins().fcvt_from_uint(types::F32, lane),
            })
            .collect();
        Held::new(Lane::F32, self.gather_scalars(types::F32X4, &converted))
    }

    /// Floats to signed integers, saturating, NaN to 0.
    pub(crate) fn float_to_signed(&mut self, value: &Held, result: Lane) -> Held {
        if value.lane == Lane::F32 && result == Lane::I32 {
            return self.map(Lane::I32, &value.parts, |v, part| {
                v.builder.ins().fcvt_to_sint_sat(types::I32X4, part)
            });
        }
        let value = if value.lane == Lane::F32 { self.promote(value) } else { value.clone() };
        if result == Lane::I64 {
            return self.map(Lane::I64, &value.parts, |v, part| v.f64_to_i64(part));
        }
        let long: Parts = value.parts.iter().map(|&part| self.f64_to_low_i32(part)).collect();
        Held::new(Lane::I32, self.narrow(&long, 8))
    }

    /// Floats to unsigned 64-bit integers, saturating, NaN to 0.
    pub(crate) fn float_to_unsigned(&mut self, value: &Held) -> Held {
        let value = if value.lane == Lane::F32 { self.promote(value) } else { value.clone() };
        self.map(Lane::I64, &value.parts, |v, part| v.f64_to_u64(part))
    }

    /// An i32 in the low half of each 64-bit lane.
    fn f64_to_low_i32(&mut self, x: Value) -> Value {
        let largest = self.splat_f64(f64::from(i32::MAX));
        let smallest = self.splat_f64(f64::from(i32::MIN));
        let zero = self.splat_f64(0.0);
        let above = self.fcmp(FloatCC::GreaterThan, x, largest);
        let below = self.fcmp(FloatCC::LessThan, x, smallest);
        let ordered = self.fcmp(FloatCC::Equal, x, x);
        let clamped = self.blend(above, largest, x);
        let clamped = self.blend(below, smallest, clamped);
        let clamped = self.blend(ordered, clamped, zero);
        let whole = self.round_part(Rounding::Trunc, clamped);
        let magic = self.splat_f64(1.5 * M);
        self.builder.ins().fadd(whole, magic)
    }

    /// hi and lo of an integral f64 = hi·2^32 + lo, 0 ≤ lo < 2^32.
    fn split_words(&mut self, whole: Value) -> (Value, Value) {
        let down = self.splat_f64(1.0 / TWO_32);
        let up = self.splat_f64(TWO_32);
        let high = self.builder.ins().fmul(whole, down);
        let high = self.round_part(Rounding::Floor, high);
        let taken = self.builder.ins().fmul(high, up);
        (high, self.builder.ins().fsub(whole, taken))
    }

    /// `hi·2^32 + lo` of integral floats, `frame` making the low word of hi its integer.
    fn join_words(&mut self, high: Value, low: Value, frame: f64) -> Value {
        let frame = self.splat_f64(frame);
        let high = self.builder.ins().fadd(high, frame);
        let high = self.cast(types::I64X2, high);
        let high = self.shift(Shift::Left, high, 32);
        let unit_place = self.splat_f64(M);
        let low = self.builder.ins().fadd(low, unit_place);
        let low = self.cast(types::I64X2, low);
        let frame_bits = self.splat_int(8, M.to_bits());
        let low = self.builder.ins().bxor(low, frame_bits);
        self.builder.ins().bor(high, low)
    }

    fn f64_to_i64(&mut self, x: Value) -> Value {
        let whole = self.round_part(Rounding::Trunc, x);
        let (high, low) = self.split_words(whole);
        let bits = self.join_words(high, low, 1.5 * M);
        let (top, bottom) = (self.splat_f64(TWO_63), self.splat_f64(-TWO_63));
        let (largest, smallest) = (
            self.splat_int(8, i64::MAX.cast_unsigned()),
            self.splat_int(8, i64::MIN.cast_unsigned()),
        );
        let above = self.fcmp(FloatCC::GreaterThanOrEqual, x, top);
        let below = self.fcmp(FloatCC::LessThan, x, bottom);
        let ordered = self.fcmp(FloatCC::Equal, x, x);
        let bits = self.blend(above, largest, bits);
        let bits = self.blend(below, smallest, bits);
        self.builder.ins().band(bits, ordered)
    }

    fn f64_to_u64(&mut self, x: Value) -> Value {
        let zero = self.splat_f64(0.0);
        let positive = self.fcmp(FloatCC::GreaterThan, x, zero);
        let x = self.blend(positive, x, zero);
        let whole = self.round_part(Rounding::Trunc, x);
        let (high, low) = self.split_words(whole);
        let bits = self.join_words(high, low, M);
        let top = self.splat_f64(TWO_64);
        let above = self.fcmp(FloatCC::GreaterThanOrEqual, x, top);
        self.builder.ins().bor(bits, above)
    }

    /// The low bits.
    pub(crate) fn truncate_int(&mut self, value: &Held, result: Lane) -> Held {
        let (mut width, mut parts) = (value.width, value.parts.clone());
        while width > crate::vector::lane_bytes(result) {
            parts = self.narrow(&parts, width);
            width /= 2;
        }
        Held::new(result, parts)
    }

    /// The same integer, wider.
    pub(crate) fn extend_int(&mut self, value: &Held, result: Lane, extend: Extend) -> Held {
        let (mut width, mut parts) = (value.width, value.parts.clone());
        while width < crate::vector::lane_bytes(result) {
            parts = self.widen(&parts, width, extend);
            width *= 2;
        }
        Held::new(result, parts)
    }

    /// The same bits as another lane type of that width.
    pub(crate) fn reinterpret(&mut self, value: &Held, result: Lane) -> Held {
        self.map(result, &value.parts, |v, part| v.cast(vector_type(result), part))
    }
}
