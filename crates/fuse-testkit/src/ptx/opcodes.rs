//! The instructions that only compute: every spelling that is accepted, with its meaning and types.
//!
//! What is not in the table, or among the few forms of [`decode`](super::decode), is refused. So a
//! modifier is never passed over: it is another spelling.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::operation::BinaryOp as B;
use super::operation::UnaryOp as U;
use super::operation::{BinaryOp, DivideOp, TernaryOp, UnaryOp};
use super::types::Type::{self, B16, B32, B64, F32, F64, Pred, S32, S64, U16, U32, U64};

/// One spelling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) opcode: &'static str,
    pub(super) form: Form,
    pub(super) to: Type,
    pub(super) from: [Type; 4],
}

/// What a row's instruction is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Unary(UnaryOp),
    Binary(BinaryOp),
    /// With the operands exchanged.
    Swapped(BinaryOp),
    Ternary(TernaryOp),
    Divide(DivideOp),
    Select,
    InsertBits,
}

impl Form {
    /// How many sources it has.
    pub(super) fn arity(self) -> usize {
        match self {
            Form::Unary(_) => 1,
            Form::Binary(_) | Form::Swapped(_) | Form::Divide(_) => 2,
            Form::Ternary(_) | Form::Select => 3,
            Form::InsertBits => 4,
        }
    }
}

/// The row of a spelling.
pub(super) fn find(opcode: &str) -> Option<&'static Row> {
    static BY_OPCODE: LazyLock<FxHashMap<&str, &Row>> =
        LazyLock::new(|| ROWS.iter().map(|row| (row.opcode, row)).collect());
    BY_OPCODE.get(opcode).copied()
}

/// Types past the arity are not looked at.
const fn row(opcode: &'static str, form: Form, to: Type, from: [Type; 4]) -> Row {
    Row { opcode, form, to, from }
}

const fn unary(opcode: &'static str, op: UnaryOp, ty: Type) -> Row {
    row(opcode, Form::Unary(op), ty, [ty; 4])
}

const fn convert(opcode: &'static str, op: UnaryOp, to: Type, from: Type) -> Row {
    row(opcode, Form::Unary(op), to, [from; 4])
}

const fn binary(opcode: &'static str, op: BinaryOp, ty: Type) -> Row {
    row(opcode, Form::Binary(op), ty, [ty; 4])
}

const fn shift(opcode: &'static str, op: BinaryOp, ty: Type) -> Row {
    row(opcode, Form::Binary(op), ty, [ty, U32, ty, ty])
}

const fn divide(opcode: &'static str, op: DivideOp, ty: Type) -> Row {
    row(opcode, Form::Divide(op), ty, [ty; 4])
}

const fn compare(opcode: &'static str, op: BinaryOp, ty: Type) -> Row {
    row(opcode, Form::Binary(op), Pred, [ty; 4])
}

/// A comparison by the one of the opposite direction.
const fn turned(opcode: &'static str, op: BinaryOp, ty: Type) -> Row {
    row(opcode, Form::Swapped(op), Pred, [ty; 4])
}

const fn ternary(opcode: &'static str, op: TernaryOp, ty: Type) -> Row {
    row(opcode, Form::Ternary(op), ty, [ty; 4])
}

const fn mad_wide(opcode: &'static str, op: TernaryOp, to: Type, from: Type) -> Row {
    row(opcode, Form::Ternary(op), to, [from, from, to, to])
}

const fn wide(opcode: &'static str, op: BinaryOp, to: Type, from: Type) -> Row {
    row(opcode, Form::Binary(op), to, [from; 4])
}

const fn select(opcode: &'static str, ty: Type) -> Row {
    row(opcode, Form::Select, ty, [ty, ty, Pred, Pred])
}

/// In the order of the subset's description.
pub(super) const ROWS: &[Row] = &[
    unary("cvta.to.global.u64", U::Copy, U64),
    binary("add.u32", B::AddB32, U32),
    binary("add.s32", B::AddB32, S32),
    binary("add.u64", B::AddB64, U64),
    binary("add.s64", B::AddB64, S64),
    binary("sub.u32", B::SubB32, U32),
    binary("sub.s32", B::SubB32, S32),
    binary("sub.u64", B::SubB64, U64),
    binary("sub.s64", B::SubB64, S64),
    binary("mul.lo.u32", B::MulLowB32, U32),
    binary("mul.lo.s32", B::MulLowB32, S32),
    binary("mul.lo.u64", B::MulLowB64, U64),
    binary("mul.lo.s64", B::MulLowB64, S64),
    binary("mul.hi.u32", B::MulHighU32, U32),
    wide("mul.wide.u32", B::MulWideU32, U64, U32),
    wide("mul.wide.s32", B::MulWideS32, S64, S32),
    ternary("mad.lo.u32", TernaryOp::MulAddLowB32, U32),
    ternary("mad.lo.s32", TernaryOp::MulAddLowB32, S32),
    ternary("mad.lo.u64", TernaryOp::MulAddLowB64, U64),
    ternary("mad.lo.s64", TernaryOp::MulAddLowB64, S64),
    mad_wide("mad.wide.u32", TernaryOp::MulAddWideU32, U64, U32),
    mad_wide("mad.wide.s32", TernaryOp::MulAddWideS32, S64, S32),
    divide("div.u32", DivideOp::Quotient, U32),
    divide("div.u64", DivideOp::Quotient, U64),
    divide("rem.u32", DivideOp::Remainder, U32),
    divide("rem.u64", DivideOp::Remainder, U64),
    binary("and.b32", B::And, B32),
    binary("and.b64", B::And, B64),
    binary("and.pred", B::And, Pred),
    binary("or.b32", B::Or, B32),
    binary("or.b64", B::Or, B64),
    binary("or.pred", B::Or, Pred),
    binary("xor.b32", B::Xor, B32),
    binary("xor.b64", B::Xor, B64),
    binary("xor.pred", B::Xor, Pred),
    unary("not.b32", U::NotB32, B32),
    unary("not.b64", U::NotB64, B64),
    unary("not.pred", U::NotPredicate, Pred),
    shift("shl.b32", B::ShiftLeftB32, B32),
    shift("shl.b64", B::ShiftLeftB64, B64),
    shift("shr.u32", B::ShiftRightU32, U32),
    shift("shr.u64", B::ShiftRightU64, U64),
    shift("shr.s32", B::ShiftRightS32, S32),
    shift("shr.s64", B::ShiftRightS64, S64),
    ternary("bfe.u32", TernaryOp::ExtractBitsU32, U32),
    row("bfi.b32", Form::InsertBits, B32, [B32, B32, U32, U32]),
    convert("clz.b32", U::LeadingZerosB32, U32, B32),
    convert("clz.b64", U::LeadingZerosB64, U32, B64),
    unary("brev.b32", U::ReverseB32, B32),
    binary("min.u32", B::MinUnsigned, U32),
    binary("min.u64", B::MinUnsigned, U64),
    binary("max.u32", B::MaxUnsigned, U32),
    binary("max.u64", B::MaxUnsigned, U64),
    binary("add.rn.f32", B::AddF32, F32),
    binary("add.rn.f64", B::AddF64, F64),
    binary("sub.rn.f32", B::SubF32, F32),
    binary("sub.rn.f64", B::SubF64, F64),
    binary("mul.rn.f32", B::MulF32, F32),
    binary("mul.rn.f64", B::MulF64, F64),
    binary("div.rn.f32", B::DivF32, F32),
    binary("div.rn.f64", B::DivF64, F64),
    ternary("fma.rn.f32", TernaryOp::FusedMulAddF32, F32),
    ternary("fma.rn.f64", TernaryOp::FusedMulAddF64, F64),
    unary("sqrt.rn.f32", U::SqrtF32, F32),
    unary("sqrt.rn.f64", U::SqrtF64, F64),
    unary("cvt.rmi.f32.f32", U::FloorF32, F32),
    unary("cvt.rmi.f64.f64", U::FloorF64, F64),
    unary("cvt.rpi.f32.f32", U::CeilF32, F32),
    unary("cvt.rpi.f64.f64", U::CeilF64, F64),
    unary("cvt.rzi.f32.f32", U::TruncF32, F32),
    unary("cvt.rzi.f64.f64", U::TruncF64, F64),
    unary("cvt.rni.f32.f32", U::RoundF32, F32),
    unary("cvt.rni.f64.f64", U::RoundF64, F64),
    convert("cvt.f64.f32", U::F32ToF64, F64, F32),
    convert("cvt.rn.f32.f64", U::F64ToF32, F32, F64),
    convert("cvt.rn.f64.s32", U::S32ToF64, F64, S32),
    convert("cvt.rn.f64.s64", U::S64ToF64, F64, S64),
    convert("cvt.rn.f64.u64", U::U64ToF64, F64, U64),
    convert("cvt.rn.f32.s64", U::S64ToF32, F32, S64),
    convert("cvt.rn.f32.u64", U::U64ToF32, F32, U64),
    convert("cvt.rzi.s32.f32", U::F32ToS32, S32, F32),
    convert("cvt.rzi.s64.f32", U::F32ToS64, S64, F32),
    convert("cvt.rzi.u64.f32", U::F32ToU64, U64, F32),
    convert("cvt.rzi.s32.f64", U::F64ToS32, S32, F64),
    convert("cvt.rzi.s64.f64", U::F64ToS64, S64, F64),
    convert("cvt.rzi.u64.f64", U::F64ToU64, U64, F64),
    convert("cvt.f32.f16", U::F16ToF32, F32, B16),
    convert("cvt.rn.f16.f32", U::F32ToF16, B16, F32),
    convert("cvt.rn.f16.f64", U::F64ToF16, B16, F64),
    convert("cvt.u16.u32", U::LowB16, U16, U32),
    convert("cvt.u32.u16", U::Copy, U32, U16),
    convert("cvt.u64.u32", U::Copy, U64, U32),
    convert("cvt.u32.u64", U::LowB32, U32, U64),
    convert("cvt.s64.s32", U::S32ToS64, S64, S32),
    convert("cvt.s32.s8", U::S8ToS32, S32, S32),
    convert("cvt.s32.s16", U::S16ToS32, S32, S32),
    compare("setp.eq.b32", B::Equal, B32),
    compare("setp.eq.b64", B::Equal, B64),
    compare("setp.eq.u32", B::Equal, U32),
    compare("setp.eq.s32", B::Equal, S32),
    compare("setp.eq.u64", B::Equal, U64),
    compare("setp.eq.s64", B::Equal, S64),
    compare("setp.ne.b32", B::NotEqual, B32),
    compare("setp.ne.b64", B::NotEqual, B64),
    compare("setp.ne.u32", B::NotEqual, U32),
    compare("setp.ne.s32", B::NotEqual, S32),
    compare("setp.ne.u64", B::NotEqual, U64),
    compare("setp.ne.s64", B::NotEqual, S64),
    compare("setp.lt.u32", B::LessUnsigned, U32),
    compare("setp.lt.s32", B::LessS32, S32),
    compare("setp.lt.u64", B::LessUnsigned, U64),
    compare("setp.lt.s64", B::LessS64, S64),
    compare("setp.le.u32", B::LessEqualUnsigned, U32),
    compare("setp.le.s32", B::LessEqualS32, S32),
    compare("setp.le.u64", B::LessEqualUnsigned, U64),
    compare("setp.le.s64", B::LessEqualS64, S64),
    turned("setp.gt.u32", B::LessUnsigned, U32),
    turned("setp.gt.s32", B::LessS32, S32),
    turned("setp.gt.u64", B::LessUnsigned, U64),
    turned("setp.gt.s64", B::LessS64, S64),
    turned("setp.ge.u32", B::LessEqualUnsigned, U32),
    turned("setp.ge.s32", B::LessEqualS32, S32),
    turned("setp.ge.u64", B::LessEqualUnsigned, U64),
    turned("setp.ge.s64", B::LessEqualS64, S64),
    compare("setp.eq.f32", B::EqualF32, F32),
    compare("setp.eq.f64", B::EqualF64, F64),
    compare("setp.lt.f32", B::LessF32, F32),
    compare("setp.lt.f64", B::LessF64, F64),
    compare("setp.le.f32", B::LessEqualF32, F32),
    compare("setp.le.f64", B::LessEqualF64, F64),
    compare("setp.nan.f32", B::UnorderedF32, F32),
    compare("setp.nan.f64", B::UnorderedF64, F64),
    select("selp.b32", B32),
    select("selp.b64", B64),
    select("selp.f32", F32),
    select("selp.f64", F64),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ROWS;

    #[test]
    fn spellings_are_distinct() {
        let mut seen = BTreeSet::new();
        for row in ROWS {
            assert!(seen.insert(row.opcode), "{} is listed twice", row.opcode);
        }
    }
}
