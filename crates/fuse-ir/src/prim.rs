//! The primitive table: everything that a kernel can compute, defined once.
//!
//! A row gives a primitive its mnemonic, its [`Signature`], its flags, a one-line specification and
//! its reference semantics on one lane. From the rows come the [`Prim`] enum, the verifier's rules,
//! the builder's methods, the text form, and [`Prim::eval`], which serves the interpreter *and* the
//! constant folder, so that a folded constant cannot differ from a computed one.
//!
//! Notation. A lane's value is carried as `u64` bits: floats as their IEEE bits, integers zero
//! extended, masks as 0 or 1. `eval` uses only operations that Rust defines exactly: `+ - * /`,
//! `sqrt`, `mul_add`, rounding, bit casts and integers. Never `exp`, `sin` or `powf`.
//!
//! NaN: which NaN an operation returns is unspecified inside a kernel (`eval` returns the canonical
//! one). Back ends are compared modulo NaN, stores make NaNs canonical, and an expansion that
//! inspects bits selects NaN inputs away first.
//!
//! Adding a primitive: one row here, one arm in each back end (the compiler lists them), after
//! showing that existing ones cannot compose it.

use crate::lane::Lane;

/// A set of lane types, used by signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneSet {
    /// f32, f64.
    Float,
    /// i8, i16, i32, i64.
    Int,
    /// Floats and integers: all but masks.
    Number,
    /// The mask alone.
    Mask,
    /// Exactly this lane type.
    Only(Lane),
    /// One of these two.
    Either(Lane, Lane),
}

impl LaneSet {
    /// Does the set hold this lane type?
    pub const fn contains(self, lane: Lane) -> bool {
        match self {
            LaneSet::Float => lane.is_float(),
            LaneSet::Int => lane.is_int(),
            LaneSet::Number => lane.is_float() || lane.is_int(),
            LaneSet::Mask => matches!(lane, Lane::Mask),
            LaneSet::Only(only) => only as u8 == lane as u8,
            LaneSet::Either(a, b) => a as u8 == lane as u8 || b as u8 == lane as u8,
        }
    }
}

/// What a conversion asks of the widths of its argument and result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WidthRule {
    /// The result is wider.
    Wider,
    /// The result is narrower.
    Narrower,
    /// Equal widths, different lanes.
    Same,
    /// Any pair from the two sets.
    Any,
}

/// The lanes a primitive takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// `T -> T`
    Unary(LaneSet),
    /// `T, T -> T`
    Binary(LaneSet),
    /// `T, T, T -> T`
    Ternary(LaneSet),
    /// `T, T -> mask`
    Compare(LaneSet),
    /// `mask, T, T -> T`
    Select(LaneSet),
    /// `A -> B` with a rule on the widths.
    Convert(LaneSet, LaneSet, WidthRule),
    /// `A, A -> B`
    Widen2(Lane, Lane),
    /// `-> T`
    Nullary(Lane),
}

impl Signature {
    /// Number of arguments.
    pub const fn arity(self) -> usize {
        match self {
            Signature::Nullary(_) => 0,
            Signature::Unary(_) | Signature::Convert(..) => 1,
            Signature::Binary(_) | Signature::Compare(_) | Signature::Widen2(..) => 2,
            Signature::Ternary(_) | Signature::Select(_) => 3,
        }
    }

    /// Is `args -> result` an instance of this signature?
    pub fn accepts(self, args: &[Lane], result: Lane) -> bool {
        if args.len() != self.arity() {
            return false;
        }
        match self {
            Signature::Nullary(lane) => result == lane,
            Signature::Unary(set) | Signature::Binary(set) | Signature::Ternary(set) => {
                set.contains(result) && args.iter().all(|&lane| lane == result)
            }
            Signature::Compare(set) => {
                result == Lane::Mask && set.contains(args[0]) && args[1] == args[0]
            }
            Signature::Select(set) => {
                args[0] == Lane::Mask
                    && set.contains(result)
                    && args[1] == result
                    && args[2] == result
            }
            Signature::Convert(from, to, rule) => {
                from.contains(args[0]) && to.contains(result) && rule.holds(args[0], result)
            }
            Signature::Widen2(from, to) => args[0] == from && args[1] == from && result == to,
        }
    }

    /// Every instance `(argument lanes, result lane)` of this signature, in a fixed order: what the
    /// conformance suite runs over.
    pub fn instances(self) -> Vec<(Vec<Lane>, Lane)> {
        let mut instances = Vec::new();
        for &result in Lane::ALL {
            for &first in Lane::ALL {
                let args = match self {
                    Signature::Nullary(_) => vec![],
                    Signature::Select(_) => vec![Lane::Mask, first, first],
                    other => vec![first; other.arity()],
                };
                if self.accepts(&args, result) && !instances.contains(&(args.clone(), result)) {
                    instances.push((args, result));
                }
            }
        }
        instances
    }
}

impl WidthRule {
    fn holds(self, from: Lane, to: Lane) -> bool {
        match self {
            WidthRule::Wider => from.bits() < to.bits(),
            WidthRule::Narrower => from.bits() > to.bits(),
            WidthRule::Same => from.bits() == to.bits() && from.is_float() != to.is_float(),
            WidthRule::Any => true,
        }
    }
}

/// The lanes and bits that one evaluation sees: `x` is the lane type of the numeric arguments.
struct Operands {
    x: Lane,
    result: Lane,
    a: u64,
    b: u64,
    c: u64,
}

/// Defines [`Prim`] and its tables from the rows.
macro_rules! primitives {
    ($( $variant:ident $mnemonic:literal $signature:expr, $commutes:literal, $spec:literal, |$o:ident| $eval:expr; )*) => {
        /// A primitive operation on lanes. See the module for the conventions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Prim { $( #[doc = $spec] $variant, )* }

        impl Prim {
            /// Every primitive, in table order.
            pub const ALL: &[Prim] = &[$(Prim::$variant),*];

            /// The name in the text form.
            pub const fn mnemonic(self) -> &'static str {
                match self { $( Prim::$variant => $mnemonic, )* }
            }

            /// What it takes and gives.
            pub const fn signature(self) -> Signature {
                use Lane::{F32, F64, I16, I32, I64};
                use LaneSet::{Either, Float, Int, Number, Only};
                use Signature::*;
                use WidthRule::{Any, Narrower, Same, Wider};
                match self { $( Prim::$variant => $signature, )* }
            }

            /// May the first two arguments be exchanged?
            pub const fn commutes(self) -> bool {
                match self { $( Prim::$variant => $commutes, )* }
            }

            /// The one-line specification.
            pub const fn spec(self) -> &'static str {
                match self { $( Prim::$variant => $spec, )* }
            }

            /// Reference semantics on one lane: bits in, bits out.
            ///
            /// `x` is the lane type of the numeric arguments (the first argument's, but for `select`
            /// the second's); arguments beyond the arity are ignored.
            pub fn eval(self, x: Lane, result: Lane, [a, b, c]: [u64; 3]) -> u64 {
                let operands = Operands { x, result, a, b, c };
                match self { $( Prim::$variant => { let $o = operands; $eval } )* }
            }
        }
    };
}

primitives! {
    FAdd "fadd" Binary(Float), true, "a + b, rounded to nearest even", |o| o.float2(|a, b| a + b, |a, b| a + b);
    FSub "fsub" Binary(Float), false, "a - b, rounded to nearest even", |o| o.float2(|a, b| a - b, |a, b| a - b);
    FMul "fmul" Binary(Float), true, "a * b, rounded to nearest even", |o| o.float2(|a, b| a * b, |a, b| a * b);
    FDiv "fdiv" Binary(Float), false, "a / b, rounded to nearest even", |o| o.float2(|a, b| a / b, |a, b| a / b);
    FSqrt "fsqrt" Unary(Float), false, "square root, rounded to nearest even", |o| o.float1(f32::sqrt, f64::sqrt);
    Fma "fma" Ternary(Float), true, "a * b + c with one rounding", |o| o.float3(f32::mul_add, f64::mul_add);
    FFloor "ffloor" Unary(Float), false, "largest integer not above a", |o| o.float1(f32::floor, f64::floor);
    FCeil "fceil" Unary(Float), false, "smallest integer not below a", |o| o.float1(f32::ceil, f64::ceil);
    FTrunc "ftrunc" Unary(Float), false, "integer part of a", |o| o.float1(f32::trunc, f64::trunc);
    FRound "fround" Unary(Float), false, "nearest integer, ties to even", |o| o.float1(f32::round_ties_even, f64::round_ties_even);
    FEq "feq" Compare(Float), true, "a = b; false with NaN; -0 = +0", |o| o.float_compare(|a, b| a == b);
    FLt "flt" Compare(Float), false, "a < b; false with NaN", |o| o.float_compare(|a, b| a < b);
    FLe "fle" Compare(Float), false, "a <= b; false with NaN", |o| o.float_compare(|a, b| a <= b);

    IAdd "iadd" Binary(Int), true, "a + b, wrapping", |o| o.int(o.a.wrapping_add(o.b));
    ISub "isub" Binary(Int), false, "a - b, wrapping", |o| o.int(o.a.wrapping_sub(o.b));
    IMul "imul" Binary(Int), true, "a * b, wrapping", |o| o.int(o.a.wrapping_mul(o.b));
    IAnd "iand" Binary(Int), true, "bitwise and", |o| o.a & o.b;
    IOr "ior" Binary(Int), true, "bitwise or", |o| o.a | o.b;
    IXor "ixor" Binary(Int), true, "bitwise exclusive or", |o| o.a ^ o.b;
    Shl "shl" Binary(Int), false, "a << b, b unsigned; 0 when b >= width", |o| if o.count_fits() { o.int(o.a << o.b) } else { 0 };
    ShrU "shr_u" Binary(Int), false, "a >> b filling with 0, b unsigned; 0 when b >= width", |o| if o.count_fits() { o.a >> o.b } else { 0 };
    ShrS "shr_s" Binary(Int), false, "a >> b filling with the sign, b unsigned; all sign when b >= width", |o| o.int((signed(o.result, o.a) >> if o.count_fits() { o.b } else { 63 }).cast_unsigned());
    IEq "ieq" Compare(Int), true, "a = b", |o| u64::from(o.a == o.b);
    ILtS "ilt_s" Compare(Int), false, "a < b, both signed", |o| u64::from(signed(o.x, o.a) < signed(o.x, o.b));
    ILtU "ilt_u" Compare(Int), false, "a < b, both unsigned", |o| u64::from(o.a < o.b);
    MulWideU32 "mul_wide_u32" Widen2(I32, I64), true, "the 64-bit product of two unsigned 32-bit integers", |o| o.a * o.b;
    Clz "clz" Unary(Int), false, "number of leading zero bits; the width for 0", |o| u64::from(o.a.leading_zeros() - (64 - o.x.bits()));

    Zext "zext" Convert(Int, Int, Wider), false, "the same unsigned integer, wider", |o| o.a;
    Sext "sext" Convert(Int, Int, Wider), false, "the same signed integer, wider", |o| o.int(signed(o.x, o.a).cast_unsigned());
    TruncInt "trunc_int" Convert(Int, Int, Narrower), false, "the low bits", |o| o.int(o.a);
    Promote "promote" Convert(Only(F32), Only(F64), Any), false, "f32 to f64, exact", |o| canonical64(f64::from(f32_of(o.a)));
    Demote "demote" Convert(Only(F64), Only(F32), Any), false, "f64 to f32, rounded to nearest even", |o| canonical32(demote(f64::from_bits(o.a)));
    SintToF64 "sint_to_f64" Convert(Either(I32, I64), Only(F64), Any), false, "signed integer to f64, rounded once", |o| float_of_i64(signed(o.x, o.a)).to_bits();
    UintToF64 "uint_to_f64" Convert(Only(I64), Only(F64), Any), false, "unsigned integer to f64, rounded once", |o| float_of_u64(o.a).to_bits();
    SintToF32 "sint_to_f32" Convert(Only(I64), Only(F32), Any), false, "signed integer to f32, rounded once", |o| u64::from(single_of_i64(signed(o.x, o.a)).to_bits());
    UintToF32 "uint_to_f32" Convert(Only(I64), Only(F32), Any), false, "unsigned integer to f32, rounded once", |o| u64::from(single_of_u64(o.a).to_bits());
    FToSint "f_to_sint" Convert(Float, Either(I32, I64), Any), false, "to signed integer, truncating; saturates, NaN gives 0", |o| o.to_sint();
    FToUint "f_to_uint" Convert(Float, Only(I64), Any), false, "to unsigned 64-bit integer, truncating; saturates, NaN gives 0", |o| saturate_u64(o.as_f64());
    F16ToF32 "f16_to_f32" Convert(Only(I16), Only(F32), Any), false, "f16 bits to f32, exact", |o| f16_to_f32(o.a);
    F32ToF16 "f32_to_f16" Convert(Only(F32), Only(I16), Any), false, "f32 to f16 bits, rounded to nearest even; NaN gives 0x7e00", |o| f64_to_f16(f64::from(f32_of(o.a)));
    F64ToF16 "f64_to_f16" Convert(Only(F64), Only(I16), Any), false, "f64 to f16 bits, rounded once to nearest even; NaN gives 0x7e00", |o| f64_to_f16(f64::from_bits(o.a));
    Bitcast "bitcast" Convert(Number, Number, Same), false, "the same bits as the other lane type of equal width", |o| o.a;

    Select "select" Select(Number), false, "b where the mask a is set, c elsewhere", |o| if o.a != 0 { o.b } else { o.c };
    MaskAnd "mask_and" Binary(LaneSet::Mask), true, "both", |o| o.a & o.b;
    MaskOr "mask_or" Binary(LaneSet::Mask), true, "either", |o| o.a | o.b;
    MaskNot "mask_not" Unary(LaneSet::Mask), false, "not a", |o| o.a ^ 1;
    LaneIndex "lane_index" Nullary(I64), false, "position of the lane's element in the loop", |o| o.a;
}

impl Prim {
    /// Number of arguments.
    pub const fn arity(self) -> usize {
        self.signature().arity()
    }

    /// The primitive of that mnemonic.
    pub fn from_mnemonic(mnemonic: &str) -> Option<Prim> {
        Prim::ALL.iter().copied().find(|prim| prim.mnemonic() == mnemonic)
    }
}

/// The NaN that stores write and that `eval` returns.
pub const CANONICAL_NAN_F64: u64 = 0x7ff8_0000_0000_0000;
/// The f32 NaN that stores write and that `eval` returns.
pub const CANONICAL_NAN_F32: u64 = 0x7fc0_0000;

impl Operands {
    fn int(&self, bits: u64) -> u64 {
        bits & self.result.all_ones()
    }

    fn count_fits(&self) -> bool {
        self.b < u64::from(self.result.bits())
    }

    fn float1(&self, single: fn(f32) -> f32, double: fn(f64) -> f64) -> u64 {
        if self.x == Lane::F32 {
            canonical32(single(f32_of(self.a)))
        } else {
            canonical64(double(f64::from_bits(self.a)))
        }
    }

    fn float2(&self, single: fn(f32, f32) -> f32, double: fn(f64, f64) -> f64) -> u64 {
        if self.x == Lane::F32 {
            canonical32(single(f32_of(self.a), f32_of(self.b)))
        } else {
            canonical64(double(f64::from_bits(self.a), f64::from_bits(self.b)))
        }
    }

    fn float3(&self, single: fn(f32, f32, f32) -> f32, double: fn(f64, f64, f64) -> f64) -> u64 {
        if self.x == Lane::F32 {
            canonical32(single(f32_of(self.a), f32_of(self.b), f32_of(self.c)))
        } else {
            canonical64(double(
                f64::from_bits(self.a),
                f64::from_bits(self.b),
                f64::from_bits(self.c),
            ))
        }
    }

    /// Comparisons of f32 are exact in f64.
    fn float_compare(&self, holds: fn(f64, f64) -> bool) -> u64 {
        let b = Operands { a: self.b, ..*self };
        u64::from(holds(self.as_f64(), b.as_f64()))
    }

    fn as_f64(&self) -> f64 {
        if self.x == Lane::F32 { f64::from(f32_of(self.a)) } else { f64::from_bits(self.a) }
    }

    fn to_sint(&self) -> u64 {
        if self.result == Lane::I32 {
            u64::from(saturate_i32(self.as_f64()).cast_unsigned())
        } else {
            saturate_i64(self.as_f64()).cast_unsigned()
        }
    }
}

/// The low 32 bits as f32.
fn f32_of(bits: u64) -> f32 {
    f32::from_bits((bits & 0xffff_ffff) as u32)
}

fn canonical32(value: f32) -> u64 {
    if value.is_nan() { CANONICAL_NAN_F32 } else { u64::from(value.to_bits()) }
}

fn canonical64(value: f64) -> u64 {
    if value.is_nan() { CANONICAL_NAN_F64 } else { value.to_bits() }
}

/// The signed integer in the low bits of an integer lane.
pub(crate) fn signed(lane: Lane, bits: u64) -> i64 {
    let unused = 64 - lane.bits();
    (bits << unused).cast_signed() >> unused
}

// Rust's `as` between floats and integers is exactly the semantics wanted: rounds to nearest even
// towards floats; truncates, saturates and maps NaN to 0 towards integers.

fn demote(value: f64) -> f32 {
    value as f32
}

fn float_of_i64(value: i64) -> f64 {
    value as f64
}

fn float_of_u64(value: u64) -> f64 {
    value as f64
}

fn single_of_i64(value: i64) -> f32 {
    value as f32
}

fn single_of_u64(value: u64) -> f32 {
    value as f32
}

fn saturate_i32(value: f64) -> i32 {
    value as i32
}

fn saturate_i64(value: f64) -> i64 {
    value as i64
}

fn saturate_u64(value: f64) -> u64 {
    value as u64
}

/// f16 bits to f32 bits: normal numbers move their fields, subnormals are multiples of 2^-24.
fn f16_to_f32(half: u64) -> u64 {
    let sign = (half & 0x8000) << 16;
    let exponent = (half >> 10) & 0x1f;
    let mantissa = half & 0x3ff;
    match (exponent, mantissa) {
        (0x1f, 0) => sign | 0x7f80_0000,
        (0x1f, _) => CANONICAL_NAN_F32,
        (0, _) => {
            let magnitude = float_of_u64(mantissa) * f64::exp2_int(-24);
            sign | u64::from(demote(magnitude).to_bits())
        }
        _ => sign | ((exponent + 112) << 23) | (mantissa << 13),
    }
}

/// f64 to f16 bits with one rounding.
///
/// |x| is measured in units of the last place of the f16 result, 2^max(e-10, -24); both the scaling
/// by a power of two and the subtraction that a tie to even needs are exact in f64, so
/// `round_ties_even` is the only rounding. A carry out of the mantissa moves into the exponent field.
fn f64_to_f16(value: f64) -> u64 {
    let sign = (value.to_bits() >> 48) & 0x8000;
    let magnitude = value.abs();
    if value.is_nan() {
        return 0x7e00;
    }
    if magnitude >= 65520.0 {
        return sign | 0x7c00;
    }
    let exponent = i32::try_from(magnitude.to_bits() >> 52).expect("11 bits") - 1023;
    let unit = exponent.max(-14) - 10;
    let scaled = (magnitude * f64::exp2_int(-unit)).round_ties_even();
    // For normal results `scaled` lies in [1024, 2048]: its implicit bit adds one to the exponent.
    let biased = u64::from((unit + 24).unsigned_abs());
    sign | ((biased << 10) + saturate_u64(scaled))
}

/// Exact powers of two.
trait ExactExp2 {
    fn exp2_int(exponent: i32) -> f64;
}

impl ExactExp2 for f64 {
    fn exp2_int(exponent: i32) -> f64 {
        let biased = u64::try_from(exponent + 1023).expect("a normal exponent");
        f64::from_bits(biased << 52)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(prim: Prim, x: Lane, result: Lane, args: &[u64]) -> u64 {
        let mut padded = [0; 3];
        padded[..args.len()].copy_from_slice(args);
        prim.eval(x, result, padded)
    }

    #[test]
    fn mnemonics_are_distinct_and_lead_back() {
        for &prim in Prim::ALL {
            assert_eq!(Prim::from_mnemonic(prim.mnemonic()), Some(prim));
        }
    }

    #[test]
    fn every_primitive_has_an_instance() {
        for &prim in Prim::ALL {
            assert!(!prim.signature().instances().is_empty(), "{prim:?}");
        }
        assert_eq!(Prim::Bitcast.signature().instances().len(), 4);
        assert_eq!(Prim::Zext.signature().instances().len(), 6);
    }

    #[test]
    fn shifts_beyond_the_width_are_total() {
        assert_eq!(eval(Prim::Shl, Lane::I8, Lane::I8, &[0x81, 1]), 0x02);
        assert_eq!(eval(Prim::Shl, Lane::I8, Lane::I8, &[0xff, 8]), 0);
        assert_eq!(eval(Prim::ShrS, Lane::I8, Lane::I8, &[0x80, 200]), 0xff);
        assert_eq!(eval(Prim::ShrS, Lane::I8, Lane::I8, &[0x80, 3]), 0xf0);
        assert_eq!(eval(Prim::ShrS, Lane::I64, Lane::I64, &[1 << 63, u64::MAX]), u64::MAX);
        assert_eq!(eval(Prim::ShrU, Lane::I32, Lane::I32, &[0xffff_ffff, 32]), 0);
    }

    /// Every f16 survives the way to f32 and back; midpoints between neighbours go to the even one.
    #[test]
    fn half_precision_rounds_once_to_nearest_even() {
        for half in 0..0x7c00_u64 {
            let single = eval(Prim::F16ToF32, Lane::I16, Lane::F32, &[half]);
            assert_eq!(eval(Prim::F32ToF16, Lane::F32, Lane::I16, &[single]), half);
            let value = f64::from(f32_of(single));
            let next = f64::from(f32_of(eval(Prim::F16ToF32, Lane::I16, Lane::F32, &[half + 1])));
            if next.is_finite() {
                let middle = f64::midpoint(value, next);
                let even = half + (half & 1);
                let cast = |x: f64| eval(Prim::F64ToF16, Lane::F64, Lane::I16, &[x.to_bits()]);
                assert_eq!(cast(middle), even, "{half:#x}");
                assert_eq!(cast(middle.next_up()), half + 1);
                assert_eq!(cast(middle.next_down()), half);
                assert_eq!(cast(-middle), even | 0x8000);
            }
        }
        let cast = |x: f64| eval(Prim::F64ToF16, Lane::F64, Lane::I16, &[x.to_bits()]);
        assert_eq!(cast(65519.999), 0x7bff);
        assert_eq!(cast(65520.0), 0x7c00);
        assert_eq!(cast(f64::NEG_INFINITY), 0xfc00);
        assert_eq!(cast(f64::NAN), 0x7e00);
        assert_eq!(cast(-0.0), 0x8000);
    }

    #[test]
    fn saturating_conversions_are_total() {
        let to = |x: f64, lane| eval(Prim::FToSint, Lane::F64, lane, &[x.to_bits()]);
        assert_eq!(to(f64::NAN, Lane::I32), 0);
        assert_eq!(to(3e9, Lane::I32), 0x7fff_ffff);
        assert_eq!(to(-3e9, Lane::I32), 0x8000_0000);
        assert_eq!(to(-1.9, Lane::I64), u64::MAX);
        assert_eq!(eval(Prim::FToUint, Lane::F64, Lane::I64, &[(-1.0f64).to_bits()]), 0);
    }
}
