//! What the instructions that only compute compute, on registers of 64 bits.
//!
//! A result has zeros above its width; a predicate is 0 or 1. So operations that do not look at the
//! sign or the width need no more than one variant.
//!
//! **NaNs.** A NaN that arithmetic or a conversion makes is none that fuse stores: [`NAN_F32`],
//! [`NAN_F64`], [`half::NAN_F16`]. The first and the last are the hardware's. So a NaN that the
//! emitted code forgot to replace shows in the results.

use super::bits::{low16, low32, of_signed32, signed8_to_32, signed16_to_32, signed32};
use super::half;

/// Every NaN of f32 arithmetic.
pub(super) const NAN_F32: u32 = 0x7fff_ffff;
/// Every NaN of f64 arithmetic.
pub(super) const NAN_F64: u64 = 0xfff8_0000_0000_0001;

/// Operations of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnaryOp {
    Copy,
    LowB16,
    LowB32,
    NotB32,
    NotB64,
    NotPredicate,
    LeadingZerosB32,
    LeadingZerosB64,
    ReverseB32,
    S8ToS32,
    S16ToS32,
    S32ToS64,
    SqrtF32,
    SqrtF64,
    FloorF32,
    FloorF64,
    CeilF32,
    CeilF64,
    TruncF32,
    TruncF64,
    RoundF32,
    RoundF64,
    F16ToF32,
    F32ToF16,
    F64ToF16,
    F32ToF64,
    F64ToF32,
    S32ToF64,
    S64ToF64,
    U64ToF64,
    S64ToF32,
    U64ToF32,
    F32ToS32,
    F32ToS64,
    F32ToU64,
    F64ToS32,
    F64ToS64,
    F64ToU64,
}

/// Operations of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOp {
    AddB32,
    AddB64,
    SubB32,
    SubB64,
    MulLowB32,
    MulLowB64,
    MulHighU32,
    MulWideU32,
    MulWideS32,
    And,
    Or,
    Xor,
    ShiftLeftB32,
    ShiftLeftB64,
    ShiftRightU32,
    ShiftRightU64,
    ShiftRightS32,
    ShiftRightS64,
    MinUnsigned,
    MaxUnsigned,
    Equal,
    NotEqual,
    LessUnsigned,
    LessEqualUnsigned,
    LessS32,
    LessEqualS32,
    LessS64,
    LessEqualS64,
    AddF32,
    AddF64,
    SubF32,
    SubF64,
    MulF32,
    MulF64,
    DivF32,
    DivF64,
    EqualF32,
    EqualF64,
    LessF32,
    LessF64,
    LessEqualF32,
    LessEqualF64,
    UnorderedF32,
    UnorderedF64,
}

/// Operations of three operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TernaryOp {
    MulAddLowB32,
    MulAddLowB64,
    MulAddWideU32,
    MulAddWideS32,
    ExtractBitsU32,
    FusedMulAddF32,
    FusedMulAddF64,
}

/// Divisions of integers, which have no result for a divisor of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DivideOp {
    Quotient,
    Remainder,
}

fn f32_of(bits: u64) -> f32 {
    f32::from_bits(low32(bits))
}

fn f64_of(bits: u64) -> f64 {
    f64::from_bits(bits)
}

fn of_f32(value: f32) -> u64 {
    u64::from(if value.is_nan() { NAN_F32 } else { value.to_bits() })
}

fn of_f64(value: f64) -> u64 {
    if value.is_nan() { NAN_F64 } else { value.to_bits() }
}

/// To a signed integer of 32 bits, towards zero, saturated.
fn f64_to_s32(value: f64) -> u64 {
    if value.is_nan() { 1 << 31 } else { of_signed32(value as i32) }
}

fn f64_to_s64(value: f64) -> u64 {
    if value.is_nan() { 1 << 63 } else { (value as i64).cast_unsigned() }
}

fn f64_to_u64(value: f64) -> u64 {
    if value.is_nan() { 1 << 63 } else { value as u64 }
}

fn f16_to_f32(bits: u64) -> u64 {
    of_f32(half::to_f32(low16(bits)))
}

fn f64_to_f16(value: f64) -> u64 {
    u64::from(half::of_f64(value))
}

impl UnaryOp {
    /// The result.
    #[inline]
    pub(super) fn eval(self, a: u64) -> u64 {
        match self {
            UnaryOp::Copy => a,
            UnaryOp::LowB16 => u64::from(low16(a)),
            UnaryOp::LowB32 => u64::from(low32(a)),
            UnaryOp::NotB32 => u64::from(!low32(a)),
            UnaryOp::NotB64 => !a,
            UnaryOp::NotPredicate => a ^ 1,
            UnaryOp::LeadingZerosB32 => u64::from(low32(a).leading_zeros()),
            UnaryOp::LeadingZerosB64 => u64::from(a.leading_zeros()),
            UnaryOp::ReverseB32 => u64::from(low32(a).reverse_bits()),
            UnaryOp::S8ToS32 => of_signed32(signed8_to_32(a)),
            UnaryOp::S16ToS32 => of_signed32(signed16_to_32(a)),
            UnaryOp::S32ToS64 => i64::from(signed32(a)).cast_unsigned(),
            UnaryOp::SqrtF32 => of_f32(f32_of(a).sqrt()),
            UnaryOp::SqrtF64 => of_f64(f64_of(a).sqrt()),
            UnaryOp::FloorF32 => of_f32(f32_of(a).floor()),
            UnaryOp::FloorF64 => of_f64(f64_of(a).floor()),
            UnaryOp::CeilF32 => of_f32(f32_of(a).ceil()),
            UnaryOp::CeilF64 => of_f64(f64_of(a).ceil()),
            UnaryOp::TruncF32 => of_f32(f32_of(a).trunc()),
            UnaryOp::TruncF64 => of_f64(f64_of(a).trunc()),
            UnaryOp::RoundF32 => of_f32(f32_of(a).round_ties_even()),
            UnaryOp::RoundF64 => of_f64(f64_of(a).round_ties_even()),
            UnaryOp::F16ToF32 => f16_to_f32(a),
            UnaryOp::F32ToF16 => f64_to_f16(f64::from(f32_of(a))),
            UnaryOp::F64ToF16 => f64_to_f16(f64_of(a)),
            UnaryOp::F32ToF64 => of_f64(f64::from(f32_of(a))),
            UnaryOp::F64ToF32 => of_f32(f64_of(a) as f32),
            UnaryOp::S32ToF64 => of_f64(f64::from(signed32(a))),
            UnaryOp::S64ToF64 => of_f64(a.cast_signed() as f64),
            UnaryOp::U64ToF64 => of_f64(a as f64),
            UnaryOp::S64ToF32 => of_f32(a.cast_signed() as f32),
            UnaryOp::U64ToF32 => of_f32(a as f32),
            // The one conversion to an integer that the hardware makes 0 of NaN in.
            UnaryOp::F32ToS32 => of_signed32(f32_of(a) as i32),
            UnaryOp::F32ToS64 => f64_to_s64(f64::from(f32_of(a))),
            UnaryOp::F32ToU64 => f64_to_u64(f64::from(f32_of(a))),
            UnaryOp::F64ToS32 => f64_to_s32(f64_of(a)),
            UnaryOp::F64ToS64 => f64_to_s64(f64_of(a)),
            UnaryOp::F64ToU64 => f64_to_u64(f64_of(a)),
        }
    }
}

/// A count of a shift: the width and more shift everything out.
fn shifted(width: u32, count: u64, within: impl FnOnce(u32) -> u64, beyond: u64) -> u64 {
    let count = low32(count);
    if count < width { within(count) } else { beyond }
}

fn mul_wide_s32(a: u64, b: u64) -> u64 {
    (i64::from(signed32(a)) * i64::from(signed32(b))).cast_unsigned()
}

fn mul_wide_u32(a: u64, b: u64) -> u64 {
    u64::from(low32(a)) * u64::from(low32(b))
}

/// All bits of a number, of that many, are copies of its sign.
fn sign_bits32(a: u64) -> u64 {
    of_signed32(signed32(a) >> 31)
}

fn sign_bits64(a: u64) -> u64 {
    (a.cast_signed() >> 63).cast_unsigned()
}

impl BinaryOp {
    /// The result.
    #[inline]
    pub(super) fn eval(self, a: u64, b: u64) -> u64 {
        match self {
            BinaryOp::AddB32 => u64::from(low32(a).wrapping_add(low32(b))),
            BinaryOp::AddB64 => a.wrapping_add(b),
            BinaryOp::SubB32 => u64::from(low32(a).wrapping_sub(low32(b))),
            BinaryOp::SubB64 => a.wrapping_sub(b),
            BinaryOp::MulLowB32 => u64::from(low32(a).wrapping_mul(low32(b))),
            BinaryOp::MulLowB64 => a.wrapping_mul(b),
            BinaryOp::MulHighU32 => mul_wide_u32(a, b) >> 32,
            BinaryOp::MulWideU32 => mul_wide_u32(a, b),
            BinaryOp::MulWideS32 => mul_wide_s32(a, b),
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            BinaryOp::Xor => a ^ b,
            BinaryOp::ShiftLeftB32 => shifted(32, b, |count| u64::from(low32(a) << count), 0),
            BinaryOp::ShiftLeftB64 => shifted(64, b, |count| a << count, 0),
            BinaryOp::ShiftRightU32 => shifted(32, b, |count| u64::from(low32(a) >> count), 0),
            BinaryOp::ShiftRightU64 => shifted(64, b, |count| a >> count, 0),
            BinaryOp::ShiftRightS32 => {
                shifted(32, b, |count| of_signed32(signed32(a) >> count), sign_bits32(a))
            }
            BinaryOp::ShiftRightS64 => {
                let within = |count: u32| (a.cast_signed() >> count).cast_unsigned();
                shifted(64, b, within, sign_bits64(a))
            }
            BinaryOp::MinUnsigned => a.min(b),
            BinaryOp::MaxUnsigned => a.max(b),
            BinaryOp::Equal => u64::from(a == b),
            BinaryOp::NotEqual => u64::from(a != b),
            BinaryOp::LessUnsigned => u64::from(a < b),
            BinaryOp::LessEqualUnsigned => u64::from(a <= b),
            BinaryOp::LessS32 => u64::from(signed32(a) < signed32(b)),
            BinaryOp::LessEqualS32 => u64::from(signed32(a) <= signed32(b)),
            BinaryOp::LessS64 => u64::from(a.cast_signed() < b.cast_signed()),
            BinaryOp::LessEqualS64 => u64::from(a.cast_signed() <= b.cast_signed()),
            BinaryOp::AddF32 => of_f32(f32_of(a) + f32_of(b)),
            BinaryOp::AddF64 => of_f64(f64_of(a) + f64_of(b)),
            BinaryOp::SubF32 => of_f32(f32_of(a) - f32_of(b)),
            BinaryOp::SubF64 => of_f64(f64_of(a) - f64_of(b)),
            BinaryOp::MulF32 => of_f32(f32_of(a) * f32_of(b)),
            BinaryOp::MulF64 => of_f64(f64_of(a) * f64_of(b)),
            BinaryOp::DivF32 => of_f32(f32_of(a) / f32_of(b)),
            BinaryOp::DivF64 => of_f64(f64_of(a) / f64_of(b)),
            BinaryOp::EqualF32 => u64::from(f32_of(a) == f32_of(b)),
            BinaryOp::EqualF64 => u64::from(f64_of(a) == f64_of(b)),
            BinaryOp::LessF32 => u64::from(f32_of(a) < f32_of(b)),
            BinaryOp::LessF64 => u64::from(f64_of(a) < f64_of(b)),
            BinaryOp::LessEqualF32 => u64::from(f32_of(a) <= f32_of(b)),
            BinaryOp::LessEqualF64 => u64::from(f64_of(a) <= f64_of(b)),
            BinaryOp::UnorderedF32 => u64::from(f32_of(a).is_nan() || f32_of(b).is_nan()),
            BinaryOp::UnorderedF64 => u64::from(f64_of(a).is_nan() || f64_of(b).is_nan()),
        }
    }
}

/// Ones in that many low bits, 32 or more: all of them.
fn ones32(count: u32) -> u32 {
    if count < 32 { (1 << count) - 1 } else { u32::MAX }
}

/// Bits of `a` from a position on. Only the low byte of position and length counts.
fn extract_bits(a: u64, start: u64, len: u64) -> u64 {
    let (start, len) = (low32(start) & 0xff, low32(len) & 0xff);
    u64::from(if start < 32 { low32(a) >> start & ones32(len) } else { 0 })
}

/// `b` with the low bits of `a` put at a position. Only the low byte of position and length counts.
pub(super) fn insert_bits(a: u64, b: u64, start: u64, len: u64) -> u64 {
    let (start, len) = (low32(start) & 0xff, low32(len) & 0xff);
    if start >= 32 {
        return b;
    }
    let mask = ones32(len) << start;
    u64::from((low32(a) << start & mask) | (low32(b) & !mask))
}

impl TernaryOp {
    /// The result.
    #[inline]
    pub(super) fn eval(self, a: u64, b: u64, c: u64) -> u64 {
        match self {
            TernaryOp::MulAddLowB32 => {
                u64::from(low32(a).wrapping_mul(low32(b)).wrapping_add(low32(c)))
            }
            TernaryOp::MulAddLowB64 => a.wrapping_mul(b).wrapping_add(c),
            TernaryOp::MulAddWideU32 => mul_wide_u32(a, b).wrapping_add(c),
            TernaryOp::MulAddWideS32 => mul_wide_s32(a, b).wrapping_add(c),
            TernaryOp::ExtractBitsU32 => extract_bits(a, b, c),
            TernaryOp::FusedMulAddF32 => of_f32(f32_of(a).mul_add(f32_of(b), f32_of(c))),
            TernaryOp::FusedMulAddF64 => of_f64(f64_of(a).mul_add(f64_of(b), f64_of(c))),
        }
    }
}

impl DivideOp {
    /// The result; `None` for a divisor of 0.
    pub(super) fn eval(self, a: u64, b: u64) -> Option<u64> {
        match self {
            DivideOp::Quotient => a.checked_div(b),
            DivideOp::Remainder => a.checked_rem(b),
        }
    }
}
