//! Types of instructions, classes of registers, and which goes with which.
//!
//! | type | registers | literals |
//! |---|---|---|
//! | `.pred` | `.pred` | none |
//! | `.u16 .b16 .f16` | `.b16` | none |
//! | `.u32 .s32`, `.u64 .s64` | `.b32`, `.b64` | integers |
//! | `.b32`, `.b64` | `.b32 .f32`, `.b64 .f64` | integers, `0f…`, `0d…` |
//! | `.f32`, `.f64` | `.f32 .b32`, `.f64 .b64` | `0f…`, `0d…` |
//!
//! Loads and stores of `.u8`, `.u16` and `.b16` take `.b32` registers too: zeros above, or cut off.

use Class::{Bits16, Bits32, Bits64, Float32, Float64, Predicate};
use Type::{B16, B32, B64, F32, F64, Pred, S32, S64, U8, U16, U32, U64};

/// What an instruction makes of its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Pred,
    U8,
    U16,
    /// Also `.f16`, which has no registers of its own here.
    B16,
    U32,
    S32,
    B32,
    U64,
    S64,
    B64,
    F32,
    F64,
}

/// What a register is declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Predicate,
    Bits16,
    Bits32,
    Bits64,
    Float32,
    Float64,
}

/// A number in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// Wide enough for every 64-bit number, signed or not.
    Integer(i128),
    Float32(u32),
    Float64(u64),
}

impl Type {
    /// By the name without its dot. `.f16` is what [`Type::B16`] is.
    pub(super) fn named(name: &str) -> Option<Type> {
        Some(match name {
            "pred" => Pred,
            "u8" => U8,
            "u16" => U16,
            "b16" => B16,
            "u32" => U32,
            "s32" => S32,
            "b32" => B32,
            "u64" => U64,
            "s64" => S64,
            "b64" => B64,
            "f32" => F32,
            "f64" => F64,
            _ => return None,
        })
    }

    /// Bytes in memory.
    pub(super) fn bytes(self) -> u32 {
        match self {
            Pred | U8 => 1,
            U16 | B16 => 2,
            U32 | S32 | B32 | F32 => 4,
            U64 | S64 | B64 | F64 => 8,
        }
    }

    /// May a register of that class be such an operand?
    pub(super) fn accepts(self, class: Class) -> bool {
        match self {
            Pred => class == Predicate,
            U8 => false,
            U16 | B16 => class == Bits16,
            U32 | S32 => class == Bits32,
            B32 | F32 => matches!(class, Bits32 | Float32),
            U64 | S64 => class == Bits64,
            B64 | F64 => matches!(class, Bits64 | Float64),
        }
    }

    /// May a register of that class be loaded and stored so?
    pub(super) fn moves_through(self, class: Class) -> bool {
        match self {
            U8 => class == Bits32,
            U16 | B16 => matches!(class, Bits16 | Bits32),
            Pred | U32 | S32 | B32 | F32 | U64 | S64 | B64 | F64 => self.accepts(class),
        }
    }

    /// The bits of a literal; `None` where it is of another kind or too large.
    pub(super) fn literal(self, literal: Literal) -> Option<u64> {
        match literal {
            Literal::Integer(value) => match self {
                U32 | S32 | B32 | U64 | S64 | B64 => integer(value, 8 * self.bytes()),
                Pred | U8 | U16 | B16 | F32 | F64 => None,
            },
            Literal::Float32(bits) => matches!(self, B32 | F32).then_some(u64::from(bits)),
            Literal::Float64(bits) => matches!(self, B64 | F64).then_some(bits),
        }
    }
}

impl Class {
    /// By the name without its dot.
    pub(super) fn named(name: &str) -> Option<Class> {
        Some(match name {
            "pred" => Predicate,
            "b16" => Bits16,
            "b32" => Bits32,
            "b64" => Bits64,
            "f32" => Float32,
            "f64" => Float64,
            _ => return None,
        })
    }
}

/// A number of that many bits, signed or not, as bits with zeros above.
pub(super) fn integer(value: i128, bits: u32) -> Option<u64> {
    let (lo, hi) = (-(1_i128 << (bits - 1)), 1_i128 << bits);
    let wrapped = if value < 0 { value + hi } else { value };
    if lo <= value && value < hi { u64::try_from(wrapped).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_fit_or_are_refused() {
        let cases = [
            (U32, Literal::Integer(-1), Some(0xffff_ffff)),
            (S32, Literal::Integer(0xffff_ffff), Some(0xffff_ffff)),
            (U32, Literal::Integer(1 << 32), None),
            (S32, Literal::Integer(-(1 << 31) - 1), None),
            (B64, Literal::Integer(-(1 << 63)), Some(1 << 63)),
            (U64, Literal::Integer(1 << 64), None),
            (B32, Literal::Float32(5), Some(5)),
            (F64, Literal::Float64(5), Some(5)),
            (F64, Literal::Float32(5), None),
            (U64, Literal::Float64(5), None),
            (F32, Literal::Integer(1), None),
            (Pred, Literal::Integer(1), None),
            (B16, Literal::Integer(1), None),
        ];
        for (ty, literal, bits) in cases {
            assert_eq!(ty.literal(literal), bits, "{ty:?} {literal:?}");
        }
    }

    #[test]
    fn floats_and_integers_do_not_mix() {
        assert!(!U32.accepts(Float32) && !F32.accepts(Bits64) && !F64.accepts(Float32));
        assert!(B32.accepts(Float32) && F32.accepts(Bits32));
        assert!(!U32.accepts(Bits64) && !U8.moves_through(Bits64) && U8.moves_through(Bits32));
        assert!(!F32.moves_through(Bits64) && !B16.moves_through(Float32));
    }
}
