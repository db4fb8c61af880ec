//! Operations on parts: sums, products, comparisons, choices, conversions.
//!
//! In the operands' own lanes. The product is the plain one, (ac - bd) + (ad + bc)i, each product and
//! each sum rounded, no multiply-add: |error| ≤ √5·u·|ab| (Brent, Percival, Zimmermann, Error bounds on
//! complex floating-point multiplication, 2007), while nothing over- or underflows. So `z * conj(z)` has
//! an imaginary part of exactly 0, which a multiply-add would spoil.

use fuse_ir::{DType, Scalar, ValueId};

use super::{Complex, ComplexCall};
use crate::cast::convert;
use crate::expander::{Expander, lane_of};
use crate::pen::{Pen, Value};

/// Two complex operands.
fn two<'p>(args: &[Value<'p>]) -> [Complex<'p>; 2] {
    let &[a, b, c, d] = args else { unreachable!("two complex operands") };
    [Complex::new(a, b), Complex::new(c, d)]
}

/// `a + b`.
pub(super) fn add<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    let [a, b] = two(args);
    vec![a.re + b.re, a.im + b.im]
}

/// `a - b`.
pub(super) fn sub<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    let [a, b] = two(args);
    vec![a.re - b.re, a.im - b.im]
}

/// `a * b`.
pub(super) fn mul<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    let [a, b] = two(args);
    a.times(b).into_parts()
}

impl<'p> Complex<'p> {
    /// The product. See the module.
    pub(crate) fn times(self, other: Complex<'p>) -> Complex<'p> {
        let re = self.re * other.re - self.im * other.im;
        Complex::new(re, self.re * other.im + self.im * other.re)
    }
}

/// `-a`.
pub(super) fn neg<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    args.iter().map(|&part| -part).collect()
}

/// `a == b`: both parts are.
pub(super) fn eq<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    let [a, b] = two(args);
    vec![a.re.equals(b.re) & a.im.equals(b.im)]
}

/// `a != b`.
pub(super) fn ne<'p>(pen: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![!eq(pen, args)[0]]
}

/// `where(c, a, b)`.
pub(super) fn where_<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    let [a, b] = two(&args[1..]);
    args[0].choose(a, b).into_parts()
}

/// `round(a)`: both parts, ties to even.
pub(super) fn round<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    args.iter().map(|part| part.round()).collect()
}

/// `isnan(a)`: a part is NaN.
pub(super) fn is_nan<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![args[0].is_nan() | args[1].is_nan()]
}

/// `isinf(a)`: a part is infinite, whatever the other.
pub(super) fn is_inf<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![args[0].is_infinite() | args[1].is_infinite()]
}

/// `isfinite(a)`: neither part is infinite or NaN.
pub(super) fn is_finite<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![Complex::new(args[0], args[1]).is_finite()]
}

/// `real(a)`.
pub(super) fn real<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![args[0]]
}

/// `imag(a)`.
pub(super) fn imag<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![args[1]]
}

/// `conj(a)`.
pub(super) fn conj<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![args[0], -args[1]]
}

/// `complex(a, b)` of two floats: they are its parts.
pub(super) fn complex<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    args.to_vec()
}

/// 1.
pub(super) fn ones_like<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![args[0].constant(1.0), args[0].constant(0.0)]
}

/// 0.
pub(super) fn zeros_like<'p>(_: &'p Pen, args: &[Value<'p>]) -> Vec<Value<'p>> {
    vec![args[0].constant(0.0), args[0].constant(0.0)]
}

/// To a complex dtype from a real one, whose imaginary part is +0, or another complex one: each part as
/// floats are converted. To bool: is it not 0? There is no conversion to another real dtype.
pub(super) fn cast(e: &mut Expander<'_>, call: &ComplexCall<'_>) -> Vec<ValueId> {
    let Some(part) = call.result.part() else {
        let parts =
            call.args.iter().map(|&part| convert(e, part, part_dtype(call.operand), call.result));
        let parts: Vec<ValueId> = parts.collect();
        return vec![e.mask_or(parts[0], parts[1])];
    };
    let from = part_dtype(call.operand);
    let mut parts: Vec<ValueId> =
        call.args.iter().map(|&arg| convert(e, arg, from, part)).collect();
    if parts.len() == 1 {
        parts.push(e.constant(Scalar::float(lane_of(part), 0.0)));
    }
    parts
}

fn part_dtype(dtype: DType) -> DType {
    dtype.part().unwrap_or(dtype)
}
