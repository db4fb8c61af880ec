//! What a level lacks, composed of what it has.
//!
//! Integers of bytes are multiplied and shifted as wider ones. At AVX2 there are, of 64-bit integers, no
//! product, no signed shift and no conversion to or from floats; of words no shift by lanes; and no
//! operation makes lanes narrower.

use fuse_ir::Lane;

use super::prims::{ADD, Comparison, Predicate, SUB, Shift, Sign, by_width};
use super::{Held, Lower, bytes_of};
use crate::code::{Invariant, Value};
use crate::level::Level;
use crate::op::{Op, Size};

/// 2^52 as f64: the bits of 2^52 + i are those of 2^52 plus i, for 0 ≤ i < 2^52.
const TWO_52: u64 = 0x4330_0000_0000_0000;
/// 2^84: the bits of 2^84 + i·2^32 are those of 2^84 plus i.
const TWO_84: u64 = 0x4530_0000_0000_0000;
/// 2^52 + 2^51: as 2^52, for |i| < 2^51.
const SHIFTER: u64 = 0x4338_0000_0000_0000;

/// How lanes are made narrower at AVX2: the order of bytes that gathers them in each half of a register, and the
/// operation that then joins the halves.
pub(crate) fn in_halves(from: usize, to: usize) -> (Vec<u8>, Op) {
    let kept = (0..16 / from).flat_map(|lane| (0..to).map(move |byte| lane * from + byte));
    let mut half: Vec<u8> = kept.map(|byte| byte as u8).collect();
    half.resize(16, 0x80);
    let unpack = match 16 / from * to {
        8 => Op::Unpack64,
        4 => Op::Unpack32,
        _ => Op::Unpack16,
    };
    (half.repeat(2), unpack)
}

impl Lower<'_> {
    /// Integers of `from` bytes as wider ones.
    pub(super) fn extend(&mut self, value: Value, from: usize, to: usize, sign: Sign) -> Value {
        let op = match (from, to, sign) {
            (1, 2, Sign::Unsigned) => Op::Zext8To16,
            (1, 4, Sign::Unsigned) => Op::Zext8To32,
            (1, _, Sign::Unsigned) => Op::Zext8To64,
            (2, 4, Sign::Unsigned) => Op::Zext16To32,
            (2, _, Sign::Unsigned) => Op::Zext16To64,
            (_, _, Sign::Unsigned) => Op::Zext32To64,
            (1, 2, Sign::Signed) => Op::Sext8To16,
            (1, 4, Sign::Signed) => Op::Sext8To32,
            (1, _, Sign::Signed) => Op::Sext8To64,
            (2, 4, Sign::Signed) => Op::Sext16To32,
            (2, _, Sign::Signed) => Op::Sext16To64,
            (_, _, Sign::Signed) => Op::Sext32To64,
        };
        self.op(op, to, &[value])
    }

    /// The low bits of integers of `from` bytes.
    pub(super) fn truncate(&mut self, value: Value, from: usize, to: usize) -> Value {
        if self.level == Level::Avx512 {
            let op = match (from, to) {
                (2, _) => Op::Trunc16To8,
                (4, 1) => Op::Trunc32To8,
                (4, _) => Op::Trunc32To16,
                (_, 1) => Op::Trunc64To8,
                (_, 2) => Op::Trunc64To16,
                _ => Op::Trunc64To32,
            };
            return self.op(op, from, &[value]);
        }
        let (order, unpack) = in_halves(from, to);
        let order = self.invariants.value(Invariant::Bytes(order));
        let low = self.op(Op::ShuffleBytes, from, &[value, order]);
        if self.size(from) == Size::X {
            return low;
        }
        let high = self.op_with(Op::UpperHalf, from, &[low], 1);
        self.sized(unpack, Size::X, &[low, high])
    }

    fn sized(&mut self, op: Op, size: Size, args: &[Value]) -> Value {
        let args = smallvec::SmallVec::from_slice(args);
        self.emit(crate::code::Inst { op, size, args, mask: None, immediate: 0 })
    }

    pub(super) fn product(&mut self, width: usize, lhs: Value, rhs: Value) -> Value {
        match width {
            1 => {
                let wide = [lhs, rhs].map(|value| self.extend(value, 1, 2, Sign::Unsigned));
                let product = self.op(Op::Mul16, 2, &wide);
                self.truncate(product, 2, 1)
            }
            2 => self.op(Op::Mul16, 2, &[lhs, rhs]),
            4 => self.op(Op::Mul32, 4, &[lhs, rhs]),
            _ if Op::Mul64.exists(self.level) => self.op(Op::Mul64, 8, &[lhs, rhs]),
            _ => {
                // (a·2^32 + b)·(c·2^32 + d) = (a·d + b·c)·2^32 + b·d
                let [a, c] = [lhs, rhs].map(|value| self.op_with(Op::ShrU64, 8, &[value], 32));
                let ad = self.op(Op::MulWide32, 8, &[a, rhs]);
                let bc = self.op(Op::MulWide32, 8, &[c, lhs]);
                let bd = self.op(Op::MulWide32, 8, &[lhs, rhs]);
                let upper = self.op(Op::Add64, 8, &[ad, bc]);
                let upper = self.op_with(Op::Shl64, 8, &[upper], 32);
                self.op(Op::Add64, 8, &[upper, bd])
            }
        }
    }

    pub(super) fn shift_by_constant(
        &mut self,
        shift: Shift,
        width: usize,
        value: Value,
        count: u64,
    ) -> Value {
        let bits = 8 * width as u64;
        let count = match shift {
            Shift::Left | Shift::RightUnsigned if count >= bits => return self.splat(0, 8),
            Shift::Left | Shift::RightUnsigned | Shift::RightSigned => count.min(bits - 1) as u8,
        };
        let ops = match shift {
            Shift::Left => [Op::Shl16, Op::Shl16, Op::Shl32, Op::Shl64],
            Shift::RightUnsigned => [Op::ShrU16, Op::ShrU16, Op::ShrU32, Op::ShrU64],
            Shift::RightSigned => [Op::ShrS16, Op::ShrS16, Op::ShrS32, Op::ShrS64],
        };
        let op = by_width(ops, width);
        let signed = shift == Shift::RightSigned;
        if signed && (width == 1 || !op.exists(self.level)) {
            let moved = self.shift_by_constant(Shift::RightUnsigned, width, value, count.into());
            let sign = self.splat(1 << (bits - 1 - u64::from(count)), width);
            return self.sign_extended(moved, sign, width);
        }
        let moved = self.op_with(op, width, &[value], count);
        if width > 1 {
            return moved;
        }
        // Words were shifted: bits of the other byte came in.
        let kept = if shift == Shift::Left { 0xff << count } else { 0xff >> count };
        let kept = self.splat(kept, 1);
        self.op(Op::And32, 1, &[moved, kept])
    }

    /// Filled with the sign, which lies at the bit set in `sign` after an unsigned shift.
    fn sign_extended(&mut self, moved: Value, sign: Value, width: usize) -> Value {
        let flipped = self.op(Op::Xor64, width, &[moved, sign]);
        self.op(by_width(SUB, width), width, &[flipped, sign])
    }

    pub(super) fn shift_by_lanes(
        &mut self,
        shift: Shift,
        width: usize,
        value: Value,
        count: Value,
    ) -> Value {
        let ops = match shift {
            Shift::Left => [Op::ShlV16, Op::ShlV16, Op::ShlV32, Op::ShlV64],
            Shift::RightUnsigned => [Op::ShrUV16, Op::ShrUV16, Op::ShrUV32, Op::ShrUV64],
            Shift::RightSigned => [Op::ShrSV16, Op::ShrSV16, Op::ShrSV32, Op::ShrSV64],
        };
        let op = by_width(ops, width);
        if width > 1 && op.exists(self.level) {
            return self.op(op, width, &[value, count]);
        }
        if width < 8 {
            let wide = if self.level == Level::Avx512 { 2 } else { 4 };
            let sign = if shift == Shift::RightSigned { Sign::Signed } else { Sign::Unsigned };
            let value = self.extend(value, width, wide, sign);
            let count = self.extend(count, width, wide, Sign::Unsigned);
            let moved = self.shift_by_lanes(shift, wide, value, count);
            return self.truncate(moved, wide, width);
        }
        // Counts of 64 and more fill with the sign, as 63 does.
        let most = self.splat(63, 8);
        let zero = self.splat(0, 8);
        let upper = self.op_with(Op::ShrU64, 8, &[count], 6);
        let small = Held { value: self.op(Op::CmpEq64, 8, &[upper, zero]), width: 8 };
        let held = |value| Held { value, width: 8 };
        let count = self.choose(small, held(count), held(most)).value;
        let sign = self.splat(1 << 63, 8);
        let sign = self.op(Op::ShrUV64, 8, &[sign, count]);
        let moved = self.op(Op::ShrUV64, 8, &[value, count]);
        self.sign_extended(moved, sign, 8)
    }

    pub(super) fn leading_zeros(&mut self, width: usize, value: Value) -> Value {
        if width < 4 {
            let wide = self.extend(value, width, 4, Sign::Unsigned);
            let zeros = self.leading_zeros(4, wide);
            let extra = self.splat(32 - 8 * width as u64, 4);
            let zeros = self.op(Op::Sub32, 4, &[zeros, extra]);
            return self.truncate(zeros, 4, width);
        }
        if self.level == Level::Avx512 {
            let op = if width == 4 { Op::Clz32 } else { Op::Clz64 };
            return self.op(op, width, &[value]);
        }
        // By halves: where the upper half is zero, count it and go on with the lower one.
        let bits = 8 * width as u64;
        let zero = Held { value: self.splat(0, 8), width };
        let (mut value, mut zeros) = (Held { value, width }, zero.value);
        let mut half = bits / 2;
        while half > 0 {
            let upper =
                self.shift_by_constant(Shift::RightUnsigned, width, value.value, bits - half);
            let is_zero = self.compare_equal(upper, zero.value, width);
            let counted = Held { value: self.splat(half, width), width };
            let counted = self.choose(is_zero, counted, zero).value;
            zeros = self.op(by_width(ADD, width), width, &[zeros, counted]);
            let moved = self.shift_by_constant(Shift::Left, width, value.value, half);
            value = self.choose(is_zero, Held { value: moved, width }, value);
            half /= 2;
        }
        let last = self.shift_by_constant(Shift::RightUnsigned, width, value.value, bits - 1);
        let one = self.splat(1, width);
        let last = self.op(by_width(SUB, width), width, &[one, last]);
        self.op(by_width(ADD, width), width, &[zeros, last])
    }

    fn compare_equal(&mut self, lhs: Value, rhs: Value, width: usize) -> Held {
        let lane = if width == 4 { Lane::I32 } else { Lane::I64 };
        let held = |value| Held { value, width };
        self.compare(Comparison::Signed(Predicate::Equal), lane, held(lhs), held(rhs))
    }

    /// 64-bit integers as f64, rounded once: the upper half becomes 2^84 + h·2^32 (of a signed one with
    /// 2^63 more), the lower 2^52 + l; less 2^84 and 2^52 (and 2^63), which is exact, their sum is rounded.
    pub(super) fn int_to_f64(&mut self, sign: Sign, held: Held) -> Held {
        if self.level == Level::Avx512 {
            let op = if sign == Sign::Signed { Op::I64ToPd } else { Op::U64ToPd };
            return Held { value: self.op(op, 8, &[held.value]), width: 8 };
        }
        let low_bits = self.splat(0xffff_ffff, 8);
        let low = self.op(Op::And64, 8, &[held.value, low_bits]);
        let two_52 = self.splat(TWO_52, 8);
        let low = self.op(Op::Or64, 8, &[low, two_52]);
        let high = self.op_with(Op::ShrU64, 8, &[held.value], 32);
        let (flip, less) = match sign {
            Sign::Unsigned => (TWO_84, 2_f64.powi(84) + 2_f64.powi(52)),
            Sign::Signed => {
                (TWO_84 ^ 0x8000_0000, 2_f64.powi(84) + 2_f64.powi(63) + 2_f64.powi(52))
            }
        };
        let flip = self.splat(flip, 8);
        let high = self.op(Op::Xor64, 8, &[high, flip]);
        let less = self.splat(less.to_bits(), 8);
        let high = self.op(Op::SubPd, 8, &[high, less]);
        Held { value: self.op(Op::AddPd, 8, &[high, low]), width: 8 }
    }

    /// 64-bit integers as f32, rounded once. At AVX2 by way of f64: of numbers of more than 53 bits the
    /// last 11 are gathered in one first, which keeps the second rounding from seeing a tie that is none
    /// (rounding to odd; Boldo and Melquiond 2008).
    pub(super) fn int_to_f32(&mut self, sign: Sign, held: Held) -> Held {
        if self.level == Level::Avx512 {
            let op = if sign == Sign::Signed { Op::I64ToPs } else { Op::U64ToPs };
            return Held { value: self.op(op, 8, &[held.value]), width: 4 };
        }
        let value = held.value;
        let zero = self.splat(0, 8);
        let magnitude = match sign {
            Sign::Unsigned => value,
            Sign::Signed => {
                let negative = self.op(Op::CmpGt64, 8, &[zero, value]);
                let flipped = self.op(Op::Xor64, 8, &[value, negative]);
                self.op(Op::Sub64, 8, &[flipped, negative])
            }
        };
        let low_bits = self.splat(0x7ff, 8);
        let low = self.op(Op::And64, 8, &[magnitude, low_bits]);
        let carried = self.op(Op::Add64, 8, &[low, low_bits]);
        let gathered = self.op(Op::Or64, 8, &[carried, magnitude]);
        let odd = self.op(Op::Andn64, 8, &[low_bits, gathered]);
        let upper = self.op_with(Op::ShrU64, 8, &[magnitude], 53);
        let few = Held { value: self.op(Op::CmpEq64, 8, &[upper, zero]), width: 8 };
        let held = |value| Held { value, width: 8 };
        let number = self.choose(few, held(magnitude), held(odd));
        let double = self.int_to_f64(Sign::Unsigned, number);
        let single = self.op(Op::PdToPs, 8, &[double.value]);
        if sign == Sign::Unsigned {
            return Held { value: single, width: 4 };
        }
        let sign_bit = self.splat(1 << 63, 8);
        let signs = self.op(Op::And64, 8, &[value, sign_bit]);
        let signs = self.op_with(Op::ShrU64, 8, &[signs], 32);
        let signs = self.truncate(signs, 8, 4);
        Held { value: self.op(Op::Or32, 4, &[single, signs]), width: 4 }
    }

    /// To signed integers, saturating; NaN gives 0.
    pub(super) fn float_to_signed(&mut self, held: Held, from: Lane, to: Lane) -> Held {
        if self.level == Level::Avx2 && to == Lane::I64 && from == Lane::F32 {
            let double = Held { value: self.op(Op::PsToPd, 8, &[held.value]), width: 8 };
            return self.float_to_signed(double, Lane::F64, to);
        }
        let bound = 2_f64.powi(8 * bytes_of(to) as i32 - 1);
        let wide = bytes_of(from).max(bytes_of(to));
        let op = match (from == Lane::F32, to == Lane::I32) {
            (true, true) => Op::PsToI32,
            (true, false) => Op::PsToI64,
            (false, true) => Op::PdToI32,
            (false, false) => Op::PdToI64,
        };
        let exists = op.exists(self.level);
        let number =
            if exists { self.op(op, wide, &[held.value]) } else { self.two_halves(held.value) };
        let number = Held { value: number, width: bytes_of(to) };
        let int = |lower: &mut Self, bits| Held {
            value: lower.splat(bits, number.width),
            width: number.width,
        };
        let most = int(self, u64::MAX >> (65 - 8 * number.width as u32));
        let zero = int(self, 0);
        let too_large = self.compare_with(Predicate::NotLess, held, from, bound);
        let number = self.choose(too_large, most, number);
        let number = if exists {
            number // the instruction gives the least integer for all that does not fit
        } else {
            let least = int(self, 1 << 63);
            let too_small = self.compare_with(Predicate::Less, held, from, -bound);
            self.choose(too_small, least, number)
        };
        let is_nan = self.compare(Comparison::Float(Predicate::NotEqual), from, held, held);
        self.choose(is_nan, zero, number)
    }

    /// To unsigned 64-bit integers, saturating; NaN gives 0.
    pub(super) fn float_to_unsigned(&mut self, held: Held, from: Lane) -> Held {
        if self.level == Level::Avx2 && from == Lane::F32 {
            let double = Held { value: self.op(Op::PsToPd, 8, &[held.value]), width: 8 };
            return self.float_to_unsigned(double, Lane::F64);
        }
        let op = if from == Lane::F32 { Op::PsToU64 } else { Op::PdToU64 };
        let number = if op.exists(self.level) {
            self.op(op, 8, &[held.value]) // all ones for all that does not fit
        } else {
            self.two_halves(held.value)
        };
        let mut number = Held { value: number, width: 8 };
        if !op.exists(self.level) {
            let most = Held { value: self.splat(u64::MAX, 8), width: 8 };
            let too_large = self.compare_with(Predicate::NotLess, held, from, 2_f64.powi(64));
            number = self.choose(too_large, most, number);
        }
        let zero = Held { value: self.splat(0, 8), width: 8 };
        let one = fuse_ir::Scalar::float(from, 1.0);
        let one = Held { value: self.splat(one.bits, held.width), width: held.width };
        let some = self.compare(Comparison::Float(Predicate::LessOrEqual), from, one, held);
        self.choose(some, number, zero)
    }

    /// A float compared with a bound, as `held < bound` is.
    fn compare_with(&mut self, predicate: Predicate, held: Held, lane: Lane, bound: f64) -> Held {
        let bound = fuse_ir::Scalar::float(lane, bound);
        let bound = Held { value: self.splat(bound.bits, held.width), width: held.width };
        self.compare(Comparison::Float(predicate), lane, held, bound)
    }

    /// The integer part of f64 between -2^63 and 2^64 as 64-bit integers: its upper half is a small
    /// number, its lower half what is left, exact by a multiply-add.
    fn two_halves(&mut self, value: Value) -> Value {
        let whole = self.op_with(Op::RoundPd, 8, &[value], 3 | 8);
        let scale = self.splat(2_f64.powi(-32).to_bits(), 8);
        let high = self.op(Op::MulPd, 8, &[whole, scale]);
        let high = self.op_with(Op::RoundPd, 8, &[high], 1 | 8);
        let scale = self.splat(2_f64.powi(32).to_bits(), 8);
        let low = self.op(Op::NegMulAdd231Pd, 8, &[high, scale, whole]);
        let shifter = self.splat(SHIFTER, 8);
        let high = self.op(Op::AddPd, 8, &[high, shifter]);
        let high = self.op_with(Op::Shl64, 8, &[high], 32);
        let two_52 = self.splat(TWO_52, 8);
        let low = self.op(Op::AddPd, 8, &[low, two_52]);
        let low = self.op(Op::Xor64, 8, &[low, two_52]);
        self.op(Op::Add64, 8, &[high, low])
    }

    /// f32 to the bits of f16; NaN gives 0x7e00.
    pub(super) fn f32_to_half(&mut self, held: Held) -> Held {
        let half = Held { value: self.op_with(Op::PsToPh, 4, &[held.value], 0), width: 2 };
        let is_nan = self.compare(Comparison::Float(Predicate::NotEqual), Lane::F32, held, held);
        let nan = Held { value: self.splat(0x7e00, 2), width: 2 };
        self.choose(is_nan, nan, half)
    }

    /// f64 to the bits of f16, rounded once: the last 29 bits are gathered in one first (rounding to odd),
    /// then the way leads over f32, which is exact wherever the result is not zero or infinite.
    pub(super) fn f64_to_half(&mut self, held: Held) -> Held {
        let low_bits = self.splat((1 << 29) - 1, 8);
        let low = self.op(Op::And64, 8, &[held.value, low_bits]);
        let carried = self.op(Op::Add64, 8, &[low, low_bits]);
        let gathered = self.op(Op::Or64, 8, &[carried, held.value]);
        let odd = self.op(Op::Andn64, 8, &[low_bits, gathered]);
        let single = Held { value: self.op(Op::PdToPs, 8, &[odd]), width: 4 };
        self.f32_to_half(single)
    }
}
