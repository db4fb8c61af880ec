//! How elementary functions are written: as formulas over values, with Rust's operators.
//!
//! A [`Pen`] holds the region being written; a [`Value`] is one of its values, and arithmetic on it
//! pushes primitives. `2.0 * x + 1` is a product and a sum, each rounded, never a multiply-add:
//! that is `x.fma(2.0, 1.0)`. Numbers become constants of the lane type of the value beside them.
//!
//! | written | primitive |
//! |---|---|
//! | `a + b`, `a - b`, `a * b` | of floats or of integers, by lane type |
//! | `a / b`, `-a`, `a.sqrt()`, `a.fma(b, c)` = a·b + c | of floats; `-a` is -0.0 - a |
//! | `a & b`, `a \| b`, `!a` | of masks, or bitwise on integers |
//! | `a << 3`, `a.shr_u(3)`, `a.shr_s(3)` | shifts of integers |
//! | `a.lt(b)`, `a.le(b)`, `a.equals(b)` | comparisons: masks; integers compare signed |
//! | `m.select(a, b)` | a where the mask m is set, b elsewhere |
//! | `a.bits()`, `i.as_float()` | the same bits as the other lane type |
//! | `i.lookup(&TABLE)` | the entry at `i & (len - 1)` |
//! | `pen.rare(m, [a], [b], \|pen, [a]\| [..])` | the body in the lanes of m, b elsewhere; out of line |
//!
//! Sharing is automatic: a value written twice is one value.

use std::cell::RefCell;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Shl, Sub};

use fuse_ir::{Builder, Control, DType, Lane, Prim, Region, RegionBuilder, Scalar, Table, ValueId};

use crate::cast;
use crate::expander::{Call, Expander};

/// A region being written.
#[derive(Debug, Default)]
pub struct Pen {
    kernel: RefCell<Builder>,
    region: RefCell<RegionBuilder>,
}

/// One value of a region being written. See the module.
#[derive(Clone, Copy, Debug)]
pub struct Value<'p> {
    pen: &'p Pen,
    id: ValueId,
}

/// Writes a function of the operands with a pen.
pub fn written(
    e: &mut Expander<'_>,
    call: &Call<'_>,
    body: impl for<'p> FnOnce(&'p Pen, &[Value<'p>]) -> Value<'p>,
) -> ValueId {
    written_parts(e, call.args, |pen, args| vec![body(pen, args)])[0]
}

/// Writes several values made of others with a pen.
pub fn written_parts(
    e: &mut Expander<'_>,
    args: &[ValueId],
    body: impl for<'p> FnOnce(&'p Pen, &[Value<'p>]) -> Vec<Value<'p>>,
) -> Vec<ValueId> {
    let kernel = RefCell::new(std::mem::take(e.kernel));
    let pen = Pen { kernel, region: RefCell::new(std::mem::take(e.region)) };
    let args: Vec<Value<'_>> = args.iter().map(|&id| Value { pen: &pen, id }).collect();
    let results: Vec<ValueId> = body(&pen, &args).iter().map(|value| value.id).collect();
    (*e.kernel, *e.region) = (pen.kernel.into_inner(), pen.region.into_inner());
    results
}

/// A closed region that calls no other and reads no table: a part of a fold.
pub fn region(
    params: &[Lane],
    body: impl for<'p> FnOnce(&[Value<'p>]) -> Vec<Value<'p>>,
) -> Region {
    let pen = Pen { kernel: RefCell::default(), region: RefCell::new(RegionBuilder::new(params)) };
    let ids: Vec<ValueId> =
        (0..params.len()).map(|index| pen.region.borrow().param(index)).collect();
    let args: Vec<Value<'_>> = ids.into_iter().map(|id| Value { pen: &pen, id }).collect();
    let results: Vec<ValueId> = body(&args).into_iter().map(|value| value.id).collect();
    pen.region.into_inner().finish(&results)
}

impl Pen {
    fn push(&self, prim: Prim, args: &[ValueId]) -> Value<'_> {
        let id = self.region.borrow_mut().prim(prim, args);
        Value { pen: self, id }
    }

    fn constant(&self, scalar: Scalar) -> Value<'_> {
        let id = self.region.borrow_mut().constant(scalar);
        Value { pen: self, id }
    }

    /// Runs `body` in the lanes of the mask, out of line and only when there are any; the other lanes
    /// have `otherwise`.
    pub fn rare<'p, const N: usize, const M: usize>(
        &'p self,
        mask: Value<'p>,
        args: [Value<'p>; N],
        otherwise: [Value<'p>; M],
        body: impl for<'q> FnOnce(&'q Pen, [Value<'q>; N]) -> [Value<'q>; M],
    ) -> [Value<'p>; M] {
        let region = self.closed(args.map(Value::lane), body);
        let lanes = otherwise.map(Value::lane);
        let control = Control::Rare {
            mask: mask.id,
            region,
            args: args.map(|arg| arg.id).to_vec(),
            otherwise: otherwise.map(|value| value.id).to_vec(),
        };
        self.control(control, lanes)
    }

    /// Runs `body` on the state until the mask that it gives is clear, `at_most` times.
    pub fn repeat<'p, const N: usize>(
        &'p self,
        at_most: u32,
        init: [Value<'p>; N],
        body: impl for<'q> FnOnce(&'q Pen, [Value<'q>; N]) -> ([Value<'q>; N], Value<'q>),
    ) -> [Value<'p>; N] {
        let mut builder = RegionBuilder::new(&init.map(Value::lane));
        let region = self.inner(&mut builder, |pen, args: [Value<'_>; N]| {
            let (state, go_on) = body(pen, args);
            state.iter().map(|value| value.id).chain([go_on.id]).collect()
        });
        let lanes = init.map(Value::lane);
        let init = init.map(|value| value.id).to_vec();
        self.control(Control::Repeat { at_most, region, init }, lanes)
    }

    fn control<const M: usize>(&self, control: Control, lanes: [Lane; M]) -> [Value<'_>; M] {
        let ids = self.region.borrow_mut().control(control, &lanes);
        std::array::from_fn(|index| Value { pen: self, id: ids[index] })
    }

    fn closed<const N: usize, const M: usize>(
        &self,
        params: [Lane; N],
        body: impl for<'q> FnOnce(&'q Pen, [Value<'q>; N]) -> [Value<'q>; M],
    ) -> fuse_ir::RegionId {
        let mut builder = RegionBuilder::new(&params);
        self.inner(&mut builder, |pen, args| body(pen, args).map(|value| value.id).to_vec())
    }

    /// Writes a closed region with a pen of its own, which has the kernel meanwhile.
    fn inner<const N: usize>(
        &self,
        builder: &mut RegionBuilder,
        body: impl for<'q> FnOnce(&'q Pen, [Value<'q>; N]) -> Vec<ValueId>,
    ) -> fuse_ir::RegionId {
        let pen = Pen {
            kernel: RefCell::new(self.kernel.take()),
            region: RefCell::new(std::mem::take(builder)),
        };
        let args = std::array::from_fn(|position| {
            let id = pen.region.borrow().param(position);
            Value { pen: &pen, id }
        });
        let results = body(&pen, args);
        self.kernel.replace(pen.kernel.into_inner());
        let region = pen.region.into_inner().finish(&results);
        self.kernel.borrow_mut().region(region)
    }
}

/// What can stand beside a value: another value, or a number that becomes a constant of its lane.
pub trait Operand<'p> {
    /// As a value of the lane type of `like`.
    fn beside(self, like: Value<'p>) -> Value<'p>;
}

impl<'p> Operand<'p> for Value<'p> {
    fn beside(self, _like: Value<'p>) -> Value<'p> {
        self
    }
}

impl<'p> Operand<'p> for f64 {
    fn beside(self, like: Value<'p>) -> Value<'p> {
        assert!(like.lane().is_float(), "a float constant beside {}", like.lane());
        like.pen.constant(Scalar::float(like.lane(), self))
    }
}

impl<'p> Operand<'p> for f32 {
    fn beside(self, like: Value<'p>) -> Value<'p> {
        f64::from(self).beside(like)
    }
}

impl<'p> Operand<'p> for i64 {
    fn beside(self, like: Value<'p>) -> Value<'p> {
        assert!(like.lane().is_int(), "an integer constant beside {}", like.lane());
        like.pen.constant(Scalar::int(like.lane(), self))
    }
}

impl<'p> Operand<'p> for i32 {
    fn beside(self, like: Value<'p>) -> Value<'p> {
        i64::from(self).beside(like)
    }
}

impl<'p> Value<'p> {
    /// The lane type.
    pub fn lane(self) -> Lane {
        self.pen.region.borrow().lane(self.id)
    }

    /// Is it an f32?
    pub fn is_single(self) -> bool {
        self.lane() == Lane::F32
    }

    fn with(self, prim: Prim, other: impl Operand<'p>) -> Value<'p> {
        let other = other.beside(self);
        self.pen.push(prim, &[self.id, other.id])
    }

    fn by_lane(self, float: Prim, int: Prim, other: impl Operand<'p>) -> Value<'p> {
        self.with(if self.lane().is_float() { float } else { int }, other)
    }

    fn convert(self, prim: Prim, to: Lane) -> Value<'p> {
        let id = self.pen.region.borrow_mut().prim_to(prim, &[self.id], to);
        Value { pen: self.pen, id }
    }

    /// This value, of dtype `from`, as dtype `to`.
    pub fn cast(self, from: DType, to: DType) -> Value<'p> {
        let (mut kernel, mut region) = (self.pen.kernel.borrow_mut(), self.pen.region.borrow_mut());
        let mut expander = Expander { kernel: &mut kernel, region: &mut region };
        let id = cast::convert(&mut expander, self.id, from, to);
        Value { pen: self.pen, id }
    }

    /// A constant beside this value.
    pub fn constant(self, number: impl Operand<'p>) -> Value<'p> {
        number.beside(self)
    }

    /// self·b + c with one rounding.
    pub fn fma(self, b: impl Operand<'p>, c: impl Operand<'p>) -> Value<'p> {
        let (b, c) = (b.beside(self), c.beside(self));
        self.pen.push(Prim::Fma, &[self.id, b.id, c.id])
    }

    /// The square root, correctly rounded.
    pub fn sqrt(self) -> Value<'p> {
        self.pen.push(Prim::FSqrt, &[self.id])
    }

    /// The nearest integer, ties to even, as a float.
    pub fn round(self) -> Value<'p> {
        self.pen.push(Prim::FRound, &[self.id])
    }

    /// The largest integer not above, as a float.
    pub fn floor(self) -> Value<'p> {
        self.pen.push(Prim::FFloor, &[self.id])
    }

    /// The integer part, as a float.
    pub fn trunc(self) -> Value<'p> {
        self.pen.push(Prim::FTrunc, &[self.id])
    }

    /// |self|: the sign bit cleared.
    pub fn abs(self) -> Value<'p> {
        let bits = self.bits();
        let magnitude = if self.is_single() { 0x7fff_ffff } else { i64::MAX };
        (bits & magnitude).as_float()
    }

    /// The sign bit alone, as an integer.
    pub fn sign_bit(self) -> Value<'p> {
        let bits = self.bits();
        bits & if self.is_single() { i64::from(i32::MIN) } else { i64::MIN }
    }

    /// This magnitude, not negative, with the sign of `sign`. A NaN's sign is not defined: select NaN
    /// away where the result is not NaN as well.
    pub fn with_sign_of(self, sign: Value<'p>) -> Value<'p> {
        (self.bits() | sign.sign_bit()).as_float()
    }

    /// self < other; integers signed.
    pub fn lt(self, other: impl Operand<'p>) -> Value<'p> {
        self.by_lane(Prim::FLt, Prim::ILtS, other)
    }

    /// self > other; integers signed.
    pub fn gt(self, other: impl Operand<'p>) -> Value<'p> {
        other.beside(self).lt(self)
    }

    /// self <= other, of floats.
    pub fn le(self, other: impl Operand<'p>) -> Value<'p> {
        self.with(Prim::FLe, other)
    }

    /// self >= other, of floats.
    pub fn ge(self, other: impl Operand<'p>) -> Value<'p> {
        other.beside(self).le(self)
    }

    /// self == other; -0 equals 0, NaN nothing.
    pub fn equals(self, other: impl Operand<'p>) -> Value<'p> {
        self.by_lane(Prim::FEq, Prim::IEq, other)
    }

    /// Below as unsigned integers.
    pub fn lt_u(self, other: impl Operand<'p>) -> Value<'p> {
        self.with(Prim::ILtU, other)
    }

    /// Is it NaN?
    pub fn is_nan(self) -> Value<'p> {
        !self.equals(self)
    }

    /// Of a mask: `set` where it is set, `clear` elsewhere.
    pub fn select(self, set: Value<'p>, clear: impl Operand<'p>) -> Value<'p> {
        let clear = clear.beside(set);
        if set.lane() == Lane::Mask {
            return (self & set) | (!self & clear);
        }
        self.pen.push(Prim::Select, &[self.id, set.id, clear.id])
    }

    /// The float's bits as an integer of equal width.
    pub fn bits(self) -> Value<'p> {
        let to = if self.is_single() { Lane::I32 } else { Lane::I64 };
        self.convert(Prim::Bitcast, to)
    }

    /// The integer's bits as a float of equal width.
    pub fn as_float(self) -> Value<'p> {
        let to = if self.lane() == Lane::I32 { Lane::F32 } else { Lane::F64 };
        self.convert(Prim::Bitcast, to)
    }

    /// Shifted right, filled with zeros.
    pub fn shr_u(self, count: impl Operand<'p>) -> Value<'p> {
        self.with(Prim::ShrU, count)
    }

    /// Shifted right, filled with the sign.
    pub fn shr_s(self, count: impl Operand<'p>) -> Value<'p> {
        self.with(Prim::ShrS, count)
    }

    /// The number of leading zero bits.
    pub fn leading_zeros(self) -> Value<'p> {
        self.pen.push(Prim::Clz, &[self.id])
    }

    /// The f64 equal to this f32.
    pub fn widened(self) -> Value<'p> {
        self.convert(Prim::Promote, Lane::F64)
    }

    /// The f32 equal to the f16 of these bits.
    pub fn half_widened(self) -> Value<'p> {
        self.convert(Prim::F16ToF32, Lane::F32)
    }

    /// The f32 nearest to this f64.
    pub fn narrowed(self) -> Value<'p> {
        self.convert(Prim::Demote, Lane::F32)
    }

    /// The 64-bit product of two unsigned 32-bit integers.
    pub fn mul_wide(self, other: impl Operand<'p>) -> Value<'p> {
        self.with(Prim::MulWideU32, other)
    }

    /// The low 32 bits of a 64-bit integer.
    pub fn low_half(self) -> Value<'p> {
        self.convert(Prim::TruncInt, Lane::I32)
    }

    /// An unsigned 32-bit integer, with 64 bits.
    pub fn zero_extended(self) -> Value<'p> {
        self.convert(Prim::Zext, Lane::I64)
    }

    /// A signed 32-bit integer, with 64 bits.
    pub fn sign_extended(self) -> Value<'p> {
        self.convert(Prim::Sext, Lane::I64)
    }

    /// The nearest f64 to a signed integer.
    pub fn to_f64(self) -> Value<'p> {
        self.convert(Prim::SintToF64, Lane::F64)
    }

    /// A float's integer part as a 64-bit integer; saturates, NaN gives 0. Slow on 128-bit targets:
    /// adding 1.5·2^52 and reading the low bits is the quick way.
    pub fn to_i64(self) -> Value<'p> {
        self.convert(Prim::FToSint, Lane::I64)
    }

    /// The entry of a table of f64, a power of two long, at this integer modulo its length.
    pub fn lookup(self, entries: &[f64]) -> Value<'p> {
        self.look(Lane::F64, entries.iter().map(|entry| entry.to_bits()).collect())
    }

    /// [`Value::lookup`] in a table of f32.
    pub fn lookup_single(self, entries: &[f32]) -> Value<'p> {
        self.look(Lane::F32, entries.iter().map(|entry| u64::from(entry.to_bits())).collect())
    }

    /// [`Value::lookup`] in a table of 64-bit integers.
    pub fn lookup_bits(self, entries: &[u64]) -> Value<'p> {
        self.look(Lane::I64, entries.to_vec())
    }

    /// [`Value::lookup`] in a table of 32-bit integers.
    pub fn lookup_words(self, entries: &[u32]) -> Value<'p> {
        self.look(Lane::I32, entries.iter().map(|&entry| u64::from(entry)).collect())
    }

    fn look(self, lane: Lane, entries: Vec<u64>) -> Value<'p> {
        let table = Table { lane, entries };
        let id = self.pen.kernel.borrow_mut().table(table.clone());
        let id = self.pen.region.borrow_mut().lookup(id, &table, self.id);
        Value { pen: self.pen, id }
    }

    /// The polynomial Σ coefficients\[k\]·self^k by Horner's rule: one multiply-add a coefficient.
    pub fn polynomial(self, coefficients: &[f64]) -> Value<'p> {
        let (last, rest) = coefficients.split_last().expect("a coefficient");
        let last = self.constant(*last);
        rest.iter().rev().fold(last, |acc, &coefficient| acc.fma(self, coefficient))
    }

    /// [`Value::polynomial`] by Estrin's scheme up to self⁴ and Horner's in it: a shorter chain of
    /// dependent multiply-adds, for two products more.
    pub fn polynomial_by_fours(self, coefficients: &[f64]) -> Value<'p> {
        let square = self * self;
        let cubic = |four: &[f64]| {
            let (low, high) = four.split_at(four.len().min(2));
            let low = self.polynomial(low);
            if high.is_empty() { low } else { square.fma(self.polynomial(high), low) }
        };
        let mut fours = coefficients.chunks(4).rev().map(cubic);
        let last = fours.next().expect("a coefficient");
        fours.fold(last, |acc, four| acc.fma(square * square, four))
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident, |$a:ident, $b:ident| $body:expr;)*) => {$(
        impl<'p, T: Operand<'p>> $trait<T> for Value<'p> {
            type Output = Value<'p>;
            fn $method(self, other: T) -> Value<'p> {
                let ($a, $b) = (self, other);
                $body
            }
        }
    )*};
}

operator! {
    Add add, |a, b| a.by_lane(Prim::FAdd, Prim::IAdd, b);
    Sub sub, |a, b| a.by_lane(Prim::FSub, Prim::ISub, b);
    Mul mul, |a, b| a.by_lane(Prim::FMul, Prim::IMul, b);
    Div div, |a, b| a.with(Prim::FDiv, b);
    BitAnd bitand, |a, b| a.with(if a.lane() == Lane::Mask { Prim::MaskAnd } else { Prim::IAnd }, b);
    BitOr bitor, |a, b| a.with(if a.lane() == Lane::Mask { Prim::MaskOr } else { Prim::IOr }, b);
    BitXor bitxor, |a, b| a.with(Prim::IXor, b);
    Shl shl, |a, b| a.with(Prim::Shl, b);
}

macro_rules! number_first {
    ($($trait:ident $method:ident)*) => {$(
        impl<'p> $trait<Value<'p>> for f64 {
            type Output = Value<'p>;
            fn $method(self, other: Value<'p>) -> Value<'p> {
                $trait::$method(self.beside(other), other)
            }
        }
    )*};
}

number_first! { Add add Sub sub Mul mul Div div }

impl<'p> Neg for Value<'p> {
    type Output = Value<'p>;
    fn neg(self) -> Value<'p> {
        if self.lane().is_float() { -0.0 - self } else { self.constant(0) - self }
    }
}

impl<'p> Not for Value<'p> {
    type Output = Value<'p>;
    fn not(self) -> Value<'p> {
        self.pen.push(Prim::MaskNot, &[self.id])
    }
}

/// An unevaluated sum of two floats, |lo| ≤ ulp(hi)/2 where it is said to be normalized.
///
/// The classical error-free transformations (Dekker 1971, Knuth, Muller et al., Handbook of
/// Floating-Point Arithmetic, chapter 4).
#[derive(Clone, Copy, Debug)]
pub struct Double<'p> {
    /// The leading part.
    pub hi: Value<'p>,
    /// The trailing part.
    pub lo: Value<'p>,
}

impl<'p> Double<'p> {
    /// hi + lo.
    pub fn new(hi: Value<'p>, lo: Value<'p>) -> Double<'p> {
        Double { hi, lo }
    }

    /// a + b exactly, for any a and b (Knuth): 6 additions.
    pub fn two_sum(a: Value<'p>, b: impl Operand<'p>) -> Double<'p> {
        let b = b.beside(a);
        let hi = a + b;
        let from_b = hi - a;
        let from_a = hi - from_b;
        Double { hi, lo: (a - from_a) + (b - from_b) }
    }

    /// a + b exactly, where a = 0 or |a| ≥ |b| (Dekker; the exponents' order is enough): 3 additions.
    pub fn fast_two_sum(a: Value<'p>, b: impl Operand<'p>) -> Double<'p> {
        let b = b.beside(a);
        let hi = a + b;
        Double { hi, lo: b - (hi - a) }
    }

    /// a·b exactly, if nothing underflows: a product and a multiply-add.
    pub fn two_prod(a: Value<'p>, b: impl Operand<'p>) -> Double<'p> {
        let b = b.beside(a);
        let hi = a * b;
        Double { hi, lo: a.fma(b, -hi) }
    }

    /// hi + lo, rounded once.
    pub fn rounded(self) -> Value<'p> {
        self.hi + self.lo
    }
}
