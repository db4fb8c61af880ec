//! Primitives as operations: the tables lane → operation, and what needs more than one.

use fuse_ir::{CodegenError, Lane, Prim};

use super::{Held, Lower, bytes_of};
use crate::code::Value;
use crate::internal;
use crate::level::Level;
use crate::op::Op;

/// One primitive with its operands at hand.
pub(crate) struct Primitive<'a> {
    pub(crate) prim: Prim,
    /// Lane of the first operand.
    pub(crate) from: Lane,
    /// Lane of the result.
    pub(crate) to: Lane,
    pub(crate) args: &'a [Held],
    /// The second operand's bits where it is a constant.
    pub(crate) count: Option<u64>,
}

/// Is an integer signed?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Signed,
    Unsigned,
}

/// Which way a shift goes, and what fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Left,
    RightUnsigned,
    RightSigned,
}

/// What two values are compared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Float(Predicate),
    Signed(Predicate),
    Unsigned(Predicate),
}

/// The primitives that compare.
const COMPARISONS: [(Prim, Comparison); 6] = [
    (Prim::FEq, Comparison::Float(Predicate::Equal)),
    (Prim::FLt, Comparison::Float(Predicate::Less)),
    (Prim::FLe, Comparison::Float(Predicate::LessOrEqual)),
    (Prim::IEq, Comparison::Signed(Predicate::Equal)),
    (Prim::ILtS, Comparison::Signed(Predicate::Less)),
    (Prim::ILtU, Comparison::Unsigned(Predicate::Less)),
];

/// Of two values: equal, less, less or equal, and the opposites, which hold of NaNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Predicate {
    Equal,
    Less,
    LessOrEqual,
    NotEqual,
    NotLess,
    NotLessOrEqual,
}

impl Predicate {
    fn inverted(self) -> Predicate {
        match self {
            Predicate::Equal => Predicate::NotEqual,
            Predicate::Less => Predicate::NotLess,
            Predicate::LessOrEqual => Predicate::NotLessOrEqual,
            Predicate::NotEqual => Predicate::Equal,
            Predicate::NotLess => Predicate::Less,
            Predicate::NotLessOrEqual => Predicate::LessOrEqual,
        }
    }

    /// The immediate of `vcmppd`, without exceptions for NaNs (Intel SDM, CMPPD, table 3-1).
    fn of_floats(self) -> u8 {
        match self {
            Predicate::Equal => 0x00,
            Predicate::Less => 0x11,
            Predicate::LessOrEqual => 0x12,
            Predicate::NotEqual => 0x04,
            Predicate::NotLess => 0x15,
            Predicate::NotLessOrEqual => 0x16,
        }
    }

    /// The immediate of `vpcmpd` (Intel SDM, VPCMPD).
    fn of_ints(self) -> u8 {
        match self {
            Predicate::Equal => 0,
            Predicate::Less => 1,
            Predicate::LessOrEqual => 2,
            Predicate::NotEqual => 4,
            Predicate::NotLess => 5,
            Predicate::NotLessOrEqual => 6,
        }
    }
}

impl Comparison {
    /// What a primitive compares for, if it compares.
    pub(crate) fn of(prim: Prim) -> Option<Comparison> {
        COMPARISONS.iter().find(|(known, _)| *known == prim).map(|&(_, compared)| compared)
    }

    pub(crate) fn inverted(self) -> Comparison {
        match self {
            Comparison::Float(predicate) => Comparison::Float(predicate.inverted()),
            Comparison::Signed(predicate) => Comparison::Signed(predicate.inverted()),
            Comparison::Unsigned(predicate) => Comparison::Unsigned(predicate.inverted()),
        }
    }
}

/// The multiply-add of a lane, with the product or the addend negated.
pub(crate) fn multiply_add(lane: Lane, product: bool, addend: bool) -> Op {
    match (lane == Lane::F32, product, addend) {
        (true, false, false) => Op::MulAdd231Ps,
        (true, false, true) => Op::MulSub231Ps,
        (true, true, false) => Op::NegMulAdd231Ps,
        (true, true, true) => Op::NegMulSub231Ps,
        (false, false, false) => Op::MulAdd231Pd,
        (false, false, true) => Op::MulSub231Pd,
        (false, true, false) => Op::NegMulAdd231Pd,
        (false, true, true) => Op::NegMulSub231Pd,
    }
}

/// The row of these for lanes of 1, 2, 4 or 8 bytes.
pub(super) fn by_width(ops: [Op; 4], width: usize) -> Op {
    ops[width.trailing_zeros() as usize & 3]
}

pub(super) const ADD: [Op; 4] = [Op::Add8, Op::Add16, Op::Add32, Op::Add64];
pub(super) const SUB: [Op; 4] = [Op::Sub8, Op::Sub16, Op::Sub32, Op::Sub64];
const AND: [Op; 4] = [Op::And32, Op::And32, Op::And32, Op::And64];
const OR: [Op; 4] = [Op::Or32, Op::Or32, Op::Or32, Op::Or64];
const XOR: [Op; 4] = [Op::Xor32, Op::Xor32, Op::Xor32, Op::Xor64];
pub(super) const EQUAL: [Op; 4] = [Op::CmpEq8, Op::CmpEq16, Op::CmpEq32, Op::CmpEq64];
const GREATER: [Op; 4] = [Op::CmpGt8, Op::CmpGt16, Op::CmpGt32, Op::CmpGt64];
const SIGNED: [Op; 4] = [Op::CmpS8, Op::CmpS16, Op::CmpS32, Op::CmpS64];
const UNSIGNED: [Op; 4] = [Op::CmpU8, Op::CmpU16, Op::CmpU32, Op::CmpU64];
const BLEND: [Op; 4] = [Op::Blend8, Op::Blend16, Op::Blend32, Op::Blend64];
const BLEND_VECTORS: [Op; 4] = [Op::BlendV8, Op::BlendV8, Op::BlendVPs, Op::BlendVPd];

impl Lower<'_> {
    /// The result of a primitive.
    pub(super) fn prim(&mut self, p: &Primitive<'_>) -> Result<Held, CodegenError> {
        let arg = |index: usize| p.args[index];
        let compared = Comparison::of(p.prim);
        Ok(match p.prim {
            Prim::FAdd => self.float(Op::AddPs, Op::AddPd, p),
            Prim::FSub => self.float(Op::SubPs, Op::SubPd, p),
            Prim::FMul => self.float(Op::MulPs, Op::MulPd, p),
            Prim::FDiv => self.float(Op::DivPs, Op::DivPd, p),
            Prim::FSqrt => self.float(Op::SqrtPs, Op::SqrtPd, p),
            Prim::FRound => self.round(0, p),
            Prim::FFloor => self.round(1, p),
            Prim::FCeil => self.round(2, p),
            Prim::FTrunc => self.round(3, p),
            Prim::FEq | Prim::FLt | Prim::FLe | Prim::IEq | Prim::ILtS | Prim::ILtU => {
                let compared = compared.ok_or_else(|| internal("not a comparison"))?;
                self.compare(compared, p.from, arg(0), arg(1))
            }
            Prim::IAdd => self.int(ADD, p),
            Prim::ISub => self.int(SUB, p),
            Prim::IAnd => self.int(AND, p),
            Prim::IOr => self.int(OR, p),
            Prim::IXor => self.int(XOR, p),
            Prim::IMul => {
                self.held(p.to, |lower, width| lower.product(width, arg(0).value, arg(1).value))
            }
            Prim::Shl => self.shifted(Shift::Left, p),
            Prim::ShrU => self.shifted(Shift::RightUnsigned, p),
            Prim::ShrS => self.shifted(Shift::RightSigned, p),
            Prim::MulWideU32 => self.held(p.to, |lower, _| {
                let wide =
                    |lower: &mut Self, held: Held| lower.extend(held.value, 4, 8, Sign::Unsigned);
                let (lhs, rhs) = (wide(lower, arg(0)), wide(lower, arg(1)));
                lower.op(Op::MulWide32, 8, &[lhs, rhs])
            }),
            Prim::Clz => self.held(p.to, |lower, width| lower.leading_zeros(width, arg(0).value)),
            Prim::Zext => self.extended(Sign::Unsigned, p),
            Prim::Sext => self.extended(Sign::Signed, p),
            Prim::TruncInt => self
                .held(p.to, |lower, width| lower.truncate(arg(0).value, bytes_of(p.from), width)),
            Prim::Promote => self.converted(Op::PsToPd, p),
            Prim::Demote => self.converted(Op::PdToPs, p),
            Prim::SintToF64 if p.from == Lane::I32 => self.converted(Op::I32ToPd, p),
            Prim::SintToF64 => self.int_to_f64(Sign::Signed, arg(0)),
            Prim::UintToF64 => self.int_to_f64(Sign::Unsigned, arg(0)),
            Prim::SintToF32 => self.int_to_f32(Sign::Signed, arg(0)),
            Prim::UintToF32 => self.int_to_f32(Sign::Unsigned, arg(0)),
            Prim::FToSint => self.float_to_signed(arg(0), p.from, p.to),
            Prim::FToUint => self.float_to_unsigned(arg(0), p.from),
            Prim::F16ToF32 => self.converted(Op::PhToPs, p),
            Prim::F32ToF16 => self.f32_to_half(arg(0)),
            Prim::F64ToF16 => self.f64_to_half(arg(0)),
            Prim::Bitcast => arg(0),
            Prim::Select => self.choose(arg(0), arg(1), arg(2)),
            Prim::MaskAnd => self.masks(Op::KAnd, Op::And64, arg(0), arg(1)),
            Prim::MaskOr => self.masks(Op::KOr, Op::Or64, arg(0), arg(1)),
            Prim::MaskNot => self.inverted(arg(0)),
            Prim::LaneIndex => self.positions(),
            Prim::Fma => return Err(internal("multiply-adds are lowered with what they read")),
        })
    }

    fn held(&mut self, lane: Lane, make: impl FnOnce(&mut Self, usize) -> Value) -> Held {
        let width = bytes_of(lane);
        Held { value: make(self, width), width }
    }

    fn float(&mut self, single: Op, double: Op, p: &Primitive<'_>) -> Held {
        let args: smallvec::SmallVec<[Value; 3]> = p.args.iter().map(|held| held.value).collect();
        let op = if p.to == Lane::F32 { single } else { double };
        self.held(p.to, |lower, width| lower.op(op, width, &args))
    }

    fn int(&mut self, ops: [Op; 4], p: &Primitive<'_>) -> Held {
        self.held(p.to, |lower, width| {
            lower.op(by_width(ops, width), width, &[p.args[0].value, p.args[1].value])
        })
    }

    /// Rounded to an integer, by the immediate's low bits; the bit 3 suppresses the exception of inexact
    /// results.
    fn round(&mut self, mode: u8, p: &Primitive<'_>) -> Held {
        let op = if p.to == Lane::F32 { Op::RoundPs } else { Op::RoundPd };
        let value = p.args[0].value;
        self.held(p.to, |lower, width| lower.op_with(op, width, &[value], mode | 8))
    }

    /// A conversion that is one operation, of the wider side's size.
    fn converted(&mut self, op: Op, p: &Primitive<'_>) -> Held {
        let wide = bytes_of(p.from).max(bytes_of(p.to));
        self.held(p.to, |lower, _| lower.op(op, wide, &[p.args[0].value]))
    }

    pub(super) fn compare(
        &mut self,
        compared: Comparison,
        lane: Lane,
        lhs: Held,
        rhs: Held,
    ) -> Held {
        let width = bytes_of(lane);
        let args = [lhs.value, rhs.value];
        let held = |value, masks: bool| Held { value, width: if masks { 0 } else { width } };
        let masks = self.level == Level::Avx512;
        match compared {
            Comparison::Float(predicate) => {
                let op = if lane == Lane::F32 { Op::CmpPs } else { Op::CmpPd };
                held(self.op_with(op, width, &args, predicate.of_floats()), masks)
            }
            Comparison::Signed(predicate) if masks => {
                held(self.op_with(by_width(SIGNED, width), width, &args, predicate.of_ints()), true)
            }
            Comparison::Unsigned(predicate) if masks => {
                let op = by_width(UNSIGNED, width);
                held(self.op_with(op, width, &args, predicate.of_ints()), true)
            }
            Comparison::Signed(predicate) => held(self.compare_ints(predicate, width, args), false),
            Comparison::Unsigned(predicate) => {
                let args = args.map(|arg| self.sign_flipped(arg, width));
                held(self.compare_ints(predicate, width, args), false)
            }
        }
    }

    /// AVX2 has equal and greater, of signed integers.
    fn compare_ints(
        &mut self,
        predicate: Predicate,
        width: usize,
        [lhs, rhs]: [Value; 2],
    ) -> Value {
        let (op, args, as_it_is) = match predicate {
            Predicate::Equal => (EQUAL, [lhs, rhs], true),
            Predicate::NotEqual => (EQUAL, [lhs, rhs], false),
            Predicate::Less => (GREATER, [rhs, lhs], true),
            Predicate::NotLess => (GREATER, [rhs, lhs], false),
            Predicate::LessOrEqual => (GREATER, [lhs, rhs], false),
            Predicate::NotLessOrEqual => (GREATER, [lhs, rhs], true),
        };
        let found = self.op(by_width(op, width), width, &args);
        if as_it_is {
            return found;
        }
        let ones = self.splat(u64::MAX, 8);
        self.op(Op::Xor64, width, &[found, ones])
    }

    /// With the sign bit inverted: the order of unsigned integers as that of signed ones.
    fn sign_flipped(&mut self, value: Value, width: usize) -> Value {
        let sign = self.splat(1 << (8 * width - 1), width);
        self.op(by_width(XOR, width), width, &[value, sign])
    }

    /// A float with the opposite sign.
    pub(super) fn negated(&mut self, held: Held) -> Held {
        Held { value: self.sign_flipped(held.value, held.width), ..held }
    }

    /// The first where the mask is set, else the second.
    pub(super) fn choose(&mut self, mask: Held, set: Held, clear: Held) -> Held {
        let width = set.width;
        let mask = self.mask_at(mask, width);
        let ops = if self.level == Level::Avx512 { BLEND } else { BLEND_VECTORS };
        let inst = crate::code::Inst {
            op: by_width(ops, width),
            size: self.size(width),
            args: smallvec::smallvec![clear.value, set.value],
            mask: Some(mask.value),
            immediate: 0,
        };
        Held { value: self.emit(inst), width }
    }

    pub(super) fn masks(&mut self, in_registers: Op, in_vectors: Op, lhs: Held, rhs: Held) -> Held {
        if self.level == Level::Avx512 {
            return Held { value: self.op(in_registers, 1, &[lhs.value, rhs.value]), width: 0 };
        }
        let width = lhs.width.max(rhs.width);
        let (lhs, rhs) = (self.mask_at(lhs, width), self.mask_at(rhs, width));
        Held { value: self.op(in_vectors, width, &[lhs.value, rhs.value]), width }
    }

    fn inverted(&mut self, mask: Held) -> Held {
        if self.level == Level::Avx512 {
            return Held { value: self.op(Op::KNot, 1, &[mask.value]), width: 0 };
        }
        let ones = self.splat(u64::MAX, 8);
        let width = mask.width;
        Held { value: self.op(Op::Xor64, width, &[mask.value, ones]), width }
    }

    fn extended(&mut self, sign: Sign, p: &Primitive<'_>) -> Held {
        self.held(p.to, |lower, width| lower.extend(p.args[0].value, bytes_of(p.from), width, sign))
    }

    fn shifted(&mut self, shift: Shift, p: &Primitive<'_>) -> Held {
        let value = p.args[0].value;
        match p.count {
            Some(count) => {
                self.held(p.to, |lower, width| lower.shift_by_constant(shift, width, value, count))
            }
            None => self.held(p.to, |lower, width| {
                lower.shift_by_lanes(shift, width, value, p.args[1].value)
            }),
        }
    }

    /// The position of each lane's element in the loop.
    fn positions(&mut self) -> Held {
        let size = self.size(8);
        let first = self.code.value(crate::code::Kind::Vector);
        self.code.steps.push(crate::code::Step::Position { result: first, size, lane: 0 });
        let offsets: Vec<u8> = (0..self.lanes as u64).flat_map(u64::to_le_bytes).collect();
        let offsets = self.invariants.value(crate::code::Invariant::Bytes(offsets));
        Held { value: self.op(Op::Add64, 8, &[first, offsets]), width: 8 }
    }
}
