//! Complex numbers: what operators and functions do to pairs of real lanes.
//!
//! Inside a kernel a complex value is two values, its real and its imaginary part; back ends know of
//! reals only. A row of [`COMPLEX`] says what becomes of an operator of the table when an operand or the
//! result is complex: from the parts of the operands, in order, to the parts of the result.
//!
//! **Precision.** `+ - *`, the structural rows and comparisons work in the operands' own lanes, as NumPy
//! does. Division and functions of c64 are computed in f64 and each part is rounded once; powers of a
//! literal exponent are products and stay in their lanes. Errors are counted normwise, |ẑ - z| in units
//! in the last place of |z|: a part much smaller than the other need not be accurate relative to itself,
//! though it mostly is. In what follows u = 2^-53 is relative to |z|, so that an ulp is u to 2u; ex, sn, …
//! are the errors of the real functions, below 0.8 ulp, hence 1.6u.
//!
//! **Special values** are C99's Annex G for functions, signs of zeros included; `conj(f(z)) = f(conj(z))`.
//! `*` is the plain formula (infinities meet zeros and give NaN, as NumPy), `z / 0` divides both parts.
//!
//! | functions | file |
//! |---|---|
//! | parts, comparisons, casts, `+ - *` | `parts` |
//! | `/` | `division` |
//! | sqrt, abs, arg, sign | `roots` |
//! | exp, exp2, expm1 | `exp` |
//! | log, log2, log10, log1p | `log` |
//! | sinh, cosh, tanh, sin, cos, tan | `hyperbolic` |
//! | asinh, acosh, atanh, asin, acos, atan | `inverse` |
//! | `**` | `power` |

mod division;
mod exp;
mod hyperbolic;
mod inverse;
mod log;
mod parts;
mod power;
mod roots;

use fuse_ir::{Builder, DType, Lane, RegionBuilder, ValueId};

use crate::expander::{Expander, lane_of};
use crate::pen::{Pen, Value, written_parts};
use crate::table::{Cost, Op};

pub use power::literal as literal_power;

/// A complex number in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Complex<'p> {
    pub(crate) re: Value<'p>,
    pub(crate) im: Value<'p>,
}

impl<'p> Complex<'p> {
    pub(crate) fn new(re: Value<'p>, im: Value<'p>) -> Complex<'p> {
        Complex { re, im }
    }

    /// i times it.
    fn times_i(self) -> Complex<'p> {
        Complex::new(-self.im, self.re)
    }

    /// -i times it.
    fn over_i(self) -> Complex<'p> {
        Complex::new(self.im, -self.re)
    }

    fn map(self, part: impl Fn(Value<'p>) -> Value<'p>) -> Complex<'p> {
        Complex::new(part(self.re), part(self.im))
    }

    pub(crate) fn into_parts(self) -> Vec<Value<'p>> {
        vec![self.re, self.im]
    }

    /// Neither part infinite or NaN.
    fn is_finite(self) -> Value<'p> {
        (self.re * 0.0 + self.im * 0.0).equals(0.0)
    }

    /// `body` in the lanes of the mask, out of line, `self` in the others.
    fn rare<const N: usize>(
        self,
        pen: &'p Pen,
        mask: Value<'p>,
        args: [Value<'p>; N],
        body: impl for<'q> FnOnce(&'q Pen, [Value<'q>; N]) -> Complex<'q>,
    ) -> Complex<'p> {
        let [re, im] = pen.rare(mask, args, [self.re, self.im], |pen, args| {
            let Complex { re, im } = body(pen, args);
            [re, im]
        });
        Complex { re, im }
    }
}

impl<'p> Value<'p> {
    /// `set`, a pair, where the mask is set, `clear` elsewhere.
    fn choose(self, set: Complex<'p>, clear: Complex<'p>) -> Complex<'p> {
        Complex::new(self.select(set.re, clear.re), self.select(set.im, clear.im))
    }

    fn is_infinite(self) -> Value<'p> {
        self.abs().equals(f64::INFINITY)
    }

    /// 0 in place of NaN, whose sign is not defined inside a kernel: where a sign is taken from a number
    /// that may be NaN, and the result is none.
    fn or_zero(self) -> Value<'p> {
        self.is_nan().select(self.constant(0.0), self)
    }

    /// The sign of another number applied to this one by exclusive or.
    fn times_sign_of(self, sign: Value<'p>) -> Value<'p> {
        (self.bits() ^ sign.sign_bit()).as_float()
    }
}

/// How a complex operation is written.
#[derive(Clone, Copy)]
enum Formula {
    /// In the operands' own lanes, from all their parts in order.
    Parts(for<'p> fn(&'p Pen, &[Value<'p>]) -> Vec<Value<'p>>),
    /// A function of one complex number, in f64.
    Function(for<'p> fn(&'p Pen, Complex<'p>) -> Complex<'p>),
    /// Of two, in f64.
    Function2(for<'p> fn(&'p Pen, Complex<'p>, Complex<'p>) -> Complex<'p>),
    /// In the operands' own lanes, from all their parts to a real number of their dtype.
    Real(for<'p> fn(&'p Pen, &[Value<'p>]) -> Vec<Value<'p>>),
    /// Between dtypes: see [`parts::cast`].
    Cast,
}

/// An operator's row for complex operands.
pub struct ComplexRow {
    /// The operator.
    pub op: Op,
    /// What it becomes.
    formula: Formula,
}

macro_rules! complex_rows {
    ($( $op:ident $kind:ident $(($formula:expr))?; )*) => {
        /// Every operator that takes or gives complex numbers.
        pub static COMPLEX: &[ComplexRow] =
            &[$( ComplexRow { op: Op::$op, formula: Formula::$kind $(($formula))? } ),*];
    };
}

complex_rows! {
    Add Parts(parts::add);
    Sub Parts(parts::sub);
    Mul Parts(parts::mul);
    Neg Parts(parts::neg);
    Eq Parts(parts::eq);
    Ne Parts(parts::ne);
    Where Parts(parts::where_);
    Round Parts(parts::round);
    IsNan Parts(parts::is_nan);
    IsInf Parts(parts::is_inf);
    IsFinite Parts(parts::is_finite);
    Cast Cast;
    Abs Real(roots::abs);
    Arg Real(roots::arg);
    Real Real(parts::real);
    Imag Real(parts::imag);
    Conj Parts(parts::conj);
    Complex Parts(parts::complex);
    OnesLike Parts(parts::ones_like);
    ZerosLike Parts(parts::zeros_like);
    Div Function2(division::divide);
    Pow Function2(power::power);
    Sqrt Function(roots::sqrt);
    Sign Function(roots::sign);
    Exp Function(exp::exp);
    Exp2 Function(exp::exp2);
    Expm1 Function(exp::expm1);
    Log Function(log::log);
    Log2 Function(log::log2);
    Log10 Function(log::log10);
    Log1p Function(log::log1p);
    Sin Function(hyperbolic::sin);
    Cos Function(hyperbolic::cos);
    Tan Function(hyperbolic::tan);
    Sinh Function(hyperbolic::sinh);
    Cosh Function(hyperbolic::cosh);
    Tanh Function(hyperbolic::tanh);
    Asin Function(inverse::asin);
    Acos Function(inverse::acos);
    Atan Function(inverse::atan);
    Asinh Function(inverse::asinh);
    Acosh Function(inverse::acosh);
    Atanh Function(inverse::atanh);
}

/// One application of an operator to complex operands.
#[derive(Clone, Copy, Debug)]
pub struct ComplexCall<'a> {
    /// The dtype that the operands were cast to.
    pub operand: DType,
    /// The dtype of the result.
    pub result: DType,
    /// The parts of the operands, one after another.
    pub args: &'a [ValueId],
}

impl ComplexRow {
    /// The row of an operator, if it has one.
    pub fn of(op: Op) -> Option<&'static ComplexRow> {
        COMPLEX.iter().find(|row| row.op == op)
    }

    /// Is it a function that is computed in f64, within a budget?
    pub fn is_function(&self) -> bool {
        matches!(self.formula, Formula::Function(_) | Formula::Function2(_))
    }

    /// Is the result a real number of the dtype of the operands' parts?
    pub fn is_real(&self) -> bool {
        matches!(self.formula, Formula::Real(_))
    }

    /// What an element costs.
    pub fn cost(&self, operand: DType, result: DType) -> Cost {
        let one = |dtype: DType| vec![lane_of(dtype.part().unwrap_or(dtype)); n_parts(dtype)];
        let mut lanes: Vec<Lane> = one(operand).repeat(self.op.row().arity);
        if self.op == Op::Where {
            lanes = [&[Lane::Mask], &lanes[2..]].concat();
        }
        let mut region = RegionBuilder::new(&lanes);
        let args: Vec<ValueId> = (0..lanes.len()).map(|index| region.param(index)).collect();
        let mut kernel = Builder::new();
        let mut expander = Expander { kernel: &mut kernel, region: &mut region };
        let parts = self.expand(&mut expander, &ComplexCall { operand, result, args: &args });
        Cost::of(&region.finish(&parts))
    }

    /// Writes the operation; gives the parts of the result.
    pub fn expand(&self, e: &mut Expander<'_>, call: &ComplexCall<'_>) -> Vec<ValueId> {
        match self.formula {
            Formula::Cast => parts::cast(e, call),
            Formula::Parts(formula) | Formula::Real(formula) => {
                written_parts(e, call.args, formula)
            }
            Formula::Function(function) => written_parts(e, call.args, |pen, args| {
                let &[re, im] = args else { unreachable!("one complex number") };
                in_f64([Complex::new(re, im)], |[z]| function(pen, z))
            }),
            Formula::Function2(function) => written_parts(e, call.args, |pen, args| {
                let &[re, im, re2, im2] = args else { unreachable!("two complex numbers") };
                let both = [Complex::new(re, im), Complex::new(re2, im2)];
                in_f64(both, |[a, b]| function(pen, a, b))
            }),
        }
    }
}

/// Number of values that one of this dtype is in a kernel.
fn n_parts(dtype: DType) -> usize {
    if dtype.is_complex() { 2 } else { 1 }
}

/// A function of f64 pairs; of c64 as well, widened before and rounded once after.
fn in_f64<'p, const N: usize>(
    args: [Complex<'p>; N],
    function: impl FnOnce([Complex<'p>; N]) -> Complex<'p>,
) -> Vec<Value<'p>> {
    if !args[0].re.is_single() {
        return function(args).into_parts();
    }
    function(args.map(|arg| arg.map(Value::widened))).map(Value::narrowed).into_parts()
}
