//! The operator table: every operator and function that a user can write, one row each.
//!
//! A row states its spelling and aliases, arity, typing rule, accuracy, domain, special values, one
//! line of documentation, an example, and its expansion. Everything that lists operators derives from
//! [`TABLE`]: name resolution, help, `docs/functions.md`, test coverage, benches.
//!
//! Adding a function: one row here and one expansion in a family's file.

use fuse_ir::{Builder, DType, Fold, Lane, Node, Prim, Region, RegionBuilder, ValueId};

use crate::complex::ComplexRow;
use crate::derived::DERIVED;
use crate::elementary::neighbour;
use crate::expander::{Call, Expander, lane_of};
use crate::form::{FORMS, OfComplex};
use crate::parameter::{Parameter, REDUCTION};
use crate::pen::written;
use crate::typing::Typing;
use crate::{arith, cast, compare, elementary, integer, power, reduce, remainder, rounding};

/// How a row is written in a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Between two operands.
    Infix(&'static str),
    /// Before its operand.
    Prefix(&'static str),
    /// `name(arguments)`.
    Function,
    /// Not at all: the compiler writes it.
    Internal,
}

/// What a row computes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Element by element.
    Elementwise,
    /// The elements along some axes, or all of them, to one.
    Reduction,
}

/// The error a row promises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accuracy {
    /// Correctly rounded, or exact.
    Exact,
    /// Within so many units in the last place of the exact result.
    Ulp(Budget),
    /// As the row's documentation says.
    Stated,
}

/// A bound on the error in units in the last place, for each dtype that is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Of f64 results.
    pub f64: f64,
    /// Of f32 results.
    pub f32: f64,
    /// What the units are those of.
    pub yardstick: Yardstick,
}

/// Of which number's last place a budget counts units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Yardstick {
    /// The exact result.
    Result,
    /// The exact result; at negative arguments an absolute error up to this counts as none.
    ResultOrAbsolute(f64),
    /// The largest of the arguments and the result in magnitude.
    Largest,
}

const fn ulp(f64: f64, f32: f64) -> Accuracy {
    Accuracy::Ulp(Budget { f64, f32, yardstick: Yardstick::Result })
}

/// The budget of nearly every function.
const ULP: Accuracy = ulp(1.0, 1.0);

/// The interval of the first argument outside of which a function is undefined: NaN. Where it is not
/// the whole line, the optimizer keeps every bit of what the argument is computed from.
/// That of lgamma, which has zeros between negative integers.
const LGAMMA: Accuracy =
    Accuracy::Ulp(Budget { f64: 2.0, f32: 2.0, yardstick: Yardstick::ResultOrAbsolute(1e-15) });

/// The open interval from which inputs of generators and benches are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

const REAL: Domain = Domain { low: f64::NEG_INFINITY, high: f64::INFINITY };
const POSITIVE: Domain = Domain { low: 0.0, high: f64::INFINITY };
const UNIT: Domain = Domain { low: -1.0, high: 1.0 };

/// How a row becomes primitives.
#[derive(Clone, Copy)]
pub enum Expansion {
    /// Values of one lane in, a value of one lane out.
    Lanes(fn(&mut Expander<'_>, &Call<'_>) -> ValueId),
    /// A fold, from the dtypes of the elements and of the result.
    Fold(fn(DType, DType) -> Fold),
}

/// One row. See the module.
pub struct Row {
    /// The operator.
    pub op: Op,
    /// The function's name, or the operator's word.
    pub name: &'static str,
    /// How it is written.
    pub syntax: Syntax,
    /// Other names of the function.
    pub aliases: &'static [&'static str],
    /// Number of arguments.
    pub arity: usize,
    /// May the first two arguments be exchanged?
    pub commutes: bool,
    /// The typing rule.
    pub typing: Typing,
    /// Elementwise or reduction.
    pub class: Class,
    /// What it promises.
    pub accuracy: Accuracy,
    /// Where it is defined.
    pub domain: Domain,
    /// One line of documentation, special values included.
    pub doc: &'static str,
    /// A formula that uses it.
    pub example: &'static str,
    /// What it becomes.
    pub expansion: Expansion,
}

macro_rules! operators {
    ($( $op:ident $name:literal $syntax:expr, [$($alias:literal),*], $arity:literal, $commutes:literal,
        $typing:expr, $accuracy:expr, $domain:expr, $doc:literal, $example:literal, $expansion:expr; )*) => {
        /// An operator or function; the row says all about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Op { $( #[doc = $doc] $op, )* }

        /// The table, in the order of [`Op`].
        pub static TABLE: &[Row] = {
            use Accuracy::{Exact, Stated};
            use Syntax::{Function, Infix, Internal, Prefix};
            &[$( Row {
                op: Op::$op, name: $name, syntax: $syntax, aliases: &[$($alias),*], arity: $arity,
                commutes: $commutes, typing: $typing,
                class: match $expansion { Expansion::Lanes(_) => Class::Elementwise, Expansion::Fold(_) => Class::Reduction },
                accuracy: $accuracy, domain: $domain, doc: $doc, example: $example,
                expansion: $expansion,
            } ),*]
        };
    };
}

const BOOL_MINUS: &str = "for bool write `a ^ b`, or convert: `i64(a) - i64(b)`";
const BOOL_NEG: &str = "for bool write `~a`";
const BOOL_NUMBER: &str = "convert it, as in `i64(a)`";

use Expansion::Lanes;

/// The expansion of a function that is written with a pen: of one argument, or of two.
macro_rules! elementary {
    ($family:ident :: $function:ident) => {
        elementary!($family::$function, x)
    };
    ($family:ident :: $function:ident, $($arg:ident),+) => {
        Lanes(|e, call| {
            written(e, call, |pen, args| {
                let &[$($arg),+] = args else { unreachable!("arity") };
                elementary::$family::$function(pen, $($arg),+)
            })
        })
    };
}

operators! {
    Add "add" Infix("+"), [], 2, true, Typing::Arithmetic, Exact, REAL, "sum; integers wrap; or on bool", "a + b", Lanes(arith::add);
    Sub "subtract" Infix("-"), [], 2, false, Typing::NotBool(BOOL_MINUS), Exact, REAL, "difference; integers wrap", "a - b", Lanes(arith::sub);
    Mul "multiply" Infix("*"), [], 2, true, Typing::Arithmetic, Exact, REAL, "product; integers wrap; and on bool", "a * b", Lanes(arith::mul);
    Div "divide" Infix("/"), ["true_divide"], 2, false, Typing::Floating, Exact, REAL, "true quotient; integers give f64", "a / b", Lanes(arith::div);
    FloorDiv "floor_divide" Infix("//"), [], 2, false, Typing::NotBool(BOOL_NUMBER), Exact, REAL, "quotient rounded down; integers: x // 0 is 0, MIN // -1 is MIN", "a // b", Lanes(remainder::floor_div);
    Mod "remainder" Infix("%"), ["mod"], 2, false, Typing::NotBool(BOOL_NUMBER), Exact, REAL, "remainder with the sign of the divisor; integers: x % 0 is 0", "a % b", Lanes(remainder::modulo);
    Pow "power" Infix("**"), ["pow"], 2, false, Typing::NotBool(BOOL_NUMBER), ULP, POSITIVE, "power; integers wrap; of floats a ** 0 and 1 ** b are 1, NaN included, and a < 0 takes integers b only", "a ** b", Lanes(power::power);
    Neg "negative" Prefix("-"), [], 1, false, Typing::NotBool(BOOL_NEG), Exact, REAL, "negation; integers wrap", "-a", Lanes(arith::neg);
    BitAnd "bitwise_and" Infix("&"), [], 2, true, Typing::Bits, Exact, REAL, "bitwise and; logical on bool", "(a > 0) & (b > 0)", Lanes(arith::bit_and);
    BitOr "bitwise_or" Infix("|"), [], 2, true, Typing::Bits, Exact, REAL, "bitwise or; logical on bool", "(a > 0) | (b > 0)", Lanes(arith::bit_or);
    BitXor "bitwise_xor" Infix("^"), [], 2, true, Typing::Bits, Exact, REAL, "bitwise exclusive or; logical on bool", "(a > 0) ^ (b > 0)", Lanes(arith::bit_xor);
    Invert "invert" Prefix("~"), ["bitwise_not"], 1, false, Typing::Bits, Exact, REAL, "complement; not on bool", "~(a > 0)", Lanes(arith::invert);
    Shl "left_shift" Infix("<<"), [], 2, false, Typing::Integers, Exact, REAL, "shift left; 0 for counts below 0 or not below the width", "i64(a) << 2", Lanes(arith::shl);
    Shr "right_shift" Infix(">>"), [], 2, false, Typing::Integers, Exact, REAL, "shift right; the sign fill for counts below 0 or not below the width", "i64(a) >> 2", Lanes(arith::shr);
    Lt "less" Infix("<"), [], 2, false, Typing::Comparison, Exact, REAL, "less; False with NaN", "a < b", Lanes(compare::lt);
    Le "less_equal" Infix("<="), [], 2, false, Typing::Comparison, Exact, REAL, "less or equal; False with NaN", "a <= b", Lanes(compare::le);
    Eq "equal" Infix("=="), [], 2, true, Typing::Comparison, Exact, REAL, "equal; False with NaN", "a == b", Lanes(compare::eq);
    Ne "not_equal" Infix("!="), [], 2, true, Typing::Comparison, Exact, REAL, "not equal; True with NaN", "a != b", Lanes(compare::ne);
    Gt "greater" Infix(">"), [], 2, false, Typing::Comparison, Exact, REAL, "greater; False with NaN", "a > b", Lanes(compare::gt);
    Ge "greater_equal" Infix(">="), [], 2, false, Typing::Comparison, Exact, REAL, "greater or equal; False with NaN", "a >= b", Lanes(compare::ge);
    Not "logical_not" Prefix("not"), [], 1, false, Typing::Logical, Exact, REAL, "not, element by element", "not (a > 0)", Lanes(arith::invert);
    And "logical_and" Infix("and"), [], 2, true, Typing::Logical, Exact, REAL, "and, element by element", "a > 0 and b > 0", Lanes(arith::bit_and);
    Or "logical_or" Infix("or"), [], 2, true, Typing::Logical, Exact, REAL, "or, element by element", "a > 0 or b > 0", Lanes(arith::bit_or);

    Where "where" Function, ["ifelse"], 3, false, Typing::Choice, Exact, REAL, "where(c, a, b): a where c holds, b elsewhere", "where(a > 0, a, b)", Lanes(compare::where_);
    Abs "abs" Function, ["absolute", "fabs"], 1, false, Typing::Any, Exact, REAL, "absolute value; the smallest integer is its own", "abs(a)", Lanes(arith::abs);
    Sqrt "sqrt" Function, [], 1, false, Typing::Floating, Exact, POSITIVE, "square root; NaN below 0, sqrt(-0) is -0", "sqrt(a)", Lanes(arith::sqrt);
    Floor "floor" Function, [], 1, false, Typing::Any, Exact, REAL, "largest integer not above; the identity on integers", "floor(a)", Lanes(rounding::floor);
    Ceil "ceil" Function, [], 1, false, Typing::Any, Exact, REAL, "smallest integer not below; the identity on integers", "ceil(a)", Lanes(rounding::ceil);
    Trunc "trunc" Function, ["fix"], 1, false, Typing::Any, Exact, REAL, "integer part; the identity on integers", "trunc(a)", Lanes(rounding::trunc);
    Round "round" Function, ["rint", "around"], 1, false, Typing::Any, Exact, REAL, "nearest integer, ties to even; the identity on integers", "round(a)", Lanes(rounding::round);
    Sign "sign" Function, [], 1, false, Typing::NotBool(BOOL_NUMBER), Exact, REAL, "-1, 0 or 1; NaN for NaN; of complex numbers a / abs(a), 0 of 0", "sign(a)", Lanes(arith::sign);
    Real "real" Function, [], 1, false, Typing::Any, Exact, REAL, "real part; a real number itself", "real(a)", Lanes(arith::same);
    Imag "imag" Function, [], 1, false, Typing::Any, Exact, REAL, "imaginary part; 0 of real numbers", "imag(a)", Lanes(arith::zeros_like);
    Conj "conj" Function, ["conjugate"], 1, false, Typing::Any, Exact, REAL, "complex conjugate; a real number itself", "conj(a)", Lanes(arith::same);
    Arg "arg" Function, ["angle"], 1, false, Typing::Floating, Exact, REAL, "angle in [-π, π]; of real numbers 0, or π of negative ones and -0", "arg(a)", elementary!(atan2::angle_of_real);
    Complex "complex" Function, [], 2, false, Typing::Parts, Exact, REAL, "the complex number of two parts, c64 of f32 and c128 of f64", "complex(a, b)", Lanes(arith::first);
    OnesLike "ones_like" Function, [], 1, false, Typing::Any, Exact, REAL, "1 in the shape and type of a", "ones_like(a)", Lanes(arith::ones_like);
    ZerosLike "zeros_like" Function, [], 1, false, Typing::Any, Exact, REAL, "0 in the shape and type of a", "zeros_like(a)", Lanes(arith::zeros_like);
    Copysign "copysign" Function, [], 2, false, Typing::Floating, Exact, REAL, "the magnitude of a with the sign of b; NaN counts as positive", "copysign(a, b)", Lanes(arith::copysign);
    Signbit "signbit" Function, [], 1, false, Typing::Predicate, Exact, REAL, "is the sign bit set? False for NaN", "signbit(a)", Lanes(arith::signbit);
    Popcount "popcount" Function, ["bitwise_count"], 1, false, Typing::BitCount, Exact, REAL, "number of one bits of the magnitude, as u8", "popcount(i64(a))", Lanes(integer::popcount);
    Gcd "gcd" Function, [], 2, true, Typing::Integers, Exact, REAL, "greatest common divisor, not negative; gcd(0, 0) is 0", "gcd(i64(a), 12)", Lanes(integer::gcd);
    Lcm "lcm" Function, [], 2, true, Typing::Integers, Exact, REAL, "least common multiple, not negative; wraps; 0 where a or b is", "lcm(i64(a), 12)", Lanes(integer::lcm);
    Minimum "minimum" Function, [], 2, false, Typing::Any, Exact, REAL, "the smaller; NaN where either is NaN", "minimum(a, b)", Lanes(compare::minimum);
    Maximum "maximum" Function, [], 2, false, Typing::Any, Exact, REAL, "the larger; NaN where either is NaN", "maximum(a, b)", Lanes(compare::maximum);
    Fmod "fmod" Function, [], 2, false, Typing::NotBool(BOOL_NUMBER), Exact, REAL, "exact remainder with the sign of a; integers: fmod(x, 0) is 0", "fmod(a, b)", Lanes(remainder::fmod_any);
    IsNan "isnan" Function, [], 1, false, Typing::Predicate, Exact, REAL, "is it NaN?", "isnan(a)", Lanes(compare::isnan);
    IsInf "isinf" Function, [], 1, false, Typing::Predicate, Exact, REAL, "is it infinite?", "isinf(a)", Lanes(compare::isinf);
    IsFinite "isfinite" Function, [], 1, false, Typing::Predicate, Exact, REAL, "is it neither infinite nor NaN?", "isfinite(a)", Lanes(compare::isfinite);

    // Exponentials.
    Exp "exp" Function, [], 1, false, Typing::Floating, ULP, REAL, "e to the power a", "exp(a)", elementary!(exp::exp);
    Exp2 "exp2" Function, [], 1, false, Typing::Floating, ULP, REAL, "2 to the power a", "exp2(a)", elementary!(exp::exp2);
    Exp10 "exp10" Function, [], 1, false, Typing::Floating, ULP, REAL, "10 to the power a", "exp10(a)", elementary!(exp::exp10);
    Expm1 "expm1" Function, [], 1, false, Typing::Floating, ULP, REAL, "e to the power a, less 1; accurate near 0, expm1(-0) is -0", "expm1(a)", elementary!(exp::expm1);
    Logaddexp "logaddexp" Function, [], 2, true, Typing::Floating, Accuracy::Ulp(Budget { f64: 1.0, f32: 1.0, yardstick: Yardstick::Largest }), REAL, "log(exp(a) + exp(b)) without overflow; error in units of the largest of a, b and the result", "logaddexp(a, b)", elementary!(logaddexp::logaddexp, x, y);
    Sigmoid "sigmoid" Function, ["expit"], 1, false, Typing::Floating, ULP, REAL, "logistic function 1 / (1 + exp(-a)); 0 at -inf, 1 at inf", "sigmoid(a)", elementary!(exp::sigmoid);

    // Logarithms.
    Log "log" Function, [], 1, false, Typing::Floating, ULP, POSITIVE, "natural logarithm; -inf of 0, NaN below", "log(a)", elementary!(log::log);
    Log2 "log2" Function, [], 1, false, Typing::Floating, ULP, POSITIVE, "logarithm of base 2; exact for powers of 2; -inf of 0, NaN below", "log2(a)", elementary!(log::log2);
    Log10 "log10" Function, [], 1, false, Typing::Floating, ULP, POSITIVE, "logarithm of base 10; exact for powers of 10; -inf of 0, NaN below", "log10(a)", elementary!(log::log10);
    Log1p "log1p" Function, [], 1, false, Typing::Floating, ULP, Domain { low: -1.0, high: f64::INFINITY }, "log(1 + a), accurate near 0; -inf of -1, NaN below", "log1p(a)", elementary!(log::log1p);

    // Trigonometric functions.
    Sin "sin" Function, [], 1, false, Typing::Floating, ULP, REAL, "sine, of radians, however large; NaN for infinities", "sin(a)", elementary!(trig::sin);
    Cos "cos" Function, [], 1, false, Typing::Floating, ULP, REAL, "cosine, of radians, however large; NaN for infinities", "cos(a)", elementary!(trig::cos);
    Tan "tan" Function, [], 1, false, Typing::Floating, ULP, REAL, "tangent, of radians, however large; NaN for infinities", "tan(a)", elementary!(trig::tan);
    Deg2rad "deg2rad" Function, ["radians"], 1, false, Typing::Floating, ULP, REAL, "degrees as radians", "deg2rad(a)", elementary!(trig::deg2rad);
    Rad2deg "rad2deg" Function, ["degrees"], 1, false, Typing::Floating, ULP, REAL, "radians as degrees; overflows to infinity", "rad2deg(a)", elementary!(trig::rad2deg);

    // Their inverses.
    Asin "asin" Function, ["arcsin"], 1, false, Typing::Floating, ULP, UNIT, "arc sine, in [-π/2, π/2]; NaN beyond ±1; odd", "asin(a)", elementary!(inverse_trig::asin);
    Acos "acos" Function, ["arccos"], 1, false, Typing::Floating, ULP, UNIT, "arc cosine, in [0, π]; NaN beyond ±1", "acos(a)", elementary!(inverse_trig::acos);
    Atan "atan" Function, ["arctan"], 1, false, Typing::Floating, ULP, REAL, "arc tangent, in [-π/2, π/2]; odd", "atan(a)", elementary!(inverse_trig::atan);
    Atan2 "atan2" Function, ["arctan2"], 2, false, Typing::Floating, ULP, REAL, "angle of the point (b, a), in [-π, π]; the sign of a, zeros included", "atan2(a, b)", elementary!(atan2::atan2, y, x);

    // Hyperbolic functions.
    Sinh "sinh" Function, [], 1, false, Typing::Floating, ULP, REAL, "hyperbolic sine; sinh(-0) is -0", "sinh(a)", elementary!(hyperbolic::sinh);
    Cosh "cosh" Function, [], 1, false, Typing::Floating, ULP, REAL, "hyperbolic cosine", "cosh(a)", elementary!(hyperbolic::cosh);
    Tanh "tanh" Function, [], 1, false, Typing::Floating, ULP, REAL, "hyperbolic tangent; -1 at -inf, 1 at inf, tanh(-0) is -0", "tanh(a)", elementary!(hyperbolic::tanh);

    // Their inverses.
    Asinh "asinh" Function, ["arcsinh"], 1, false, Typing::Floating, ULP, REAL, "inverse of sinh; zeros keep their sign", "asinh(a)", elementary!(inverse_hyperbolic::asinh);
    Acosh "acosh" Function, ["arccosh"], 1, false, Typing::Floating, ULP, Domain { low: 1.0, high: f64::INFINITY }, "inverse of cosh, not negative; NaN below 1", "acosh(a)", elementary!(inverse_hyperbolic::acosh);
    Atanh "atanh" Function, ["arctanh"], 1, false, Typing::Floating, ULP, Domain { low: -1.0, high: 1.0 }, "inverse of tanh; infinite at -1 and 1, NaN beyond; zeros keep their sign", "atanh(a)", elementary!(inverse_hyperbolic::atanh);

    // Powers and roots.
    Cbrt "cbrt" Function, [], 1, false, Typing::Floating, ULP, REAL, "cube root; cbrt(-0) is -0", "cbrt(a)", elementary!(roots::cbrt);
    Hypot "hypot" Function, [], 2, true, Typing::Floating, ULP, REAL, "sqrt(a² + b²) without undue overflow; inf where either is infinite, NaN or not", "hypot(a, b)", elementary!(roots::hypot, x, y);

    // Error function and gamma function.
    Erf "erf" Function, [], 1, false, Typing::Floating, ULP, REAL, "error function; odd, ±1 at infinities", "erf(a)", elementary!(error_function::erf);
    Erfc "erfc" Function, [], 1, false, Typing::Floating, ulp(1.5, 1.0), REAL, "1 - erf(a) without cancellation; 2 and 0 at infinities", "erfc(a)", elementary!(error_function::erfc);
    Gamma "gamma" Function, ["tgamma"], 1, false, Typing::Floating, ulp(2.0, 2.0), REAL, "gamma function; NaN at negative integers and -inf, ±inf at ±0", "gamma(a)", elementary!(gamma::gamma);
    Lgamma "lgamma" Function, [], 1, false, Typing::Floating, LGAMMA, REAL, "logarithm of the gamma function's magnitude; inf at 0, negative integers and ±inf", "lgamma(a)", elementary!(gamma::lgamma);

    // Floats as such.
    Nextafter "nextafter" Function, [], 2, false, Typing::Floating, Exact, REAL, "the float after a towards b; b where they are equal; NaN where either is NaN", "nextafter(a, b)", Lanes(neighbour::expanded);

    // Reductions.
    Sum "sum" Function, [], 1, false, Typing::Sum, Stated, REAL, "sum, in a fixed order; 0 for no elements; f16, f32 and c64 accumulate in f64", "sum(a)", Expansion::Fold(reduce::sum);
    Prod "prod" Function, ["product"], 1, false, Typing::Sum, Stated, REAL, "product, in a fixed order; 1 for no elements; f16, f32 and c64 accumulate in f64", "prod(a)", Expansion::Fold(reduce::prod);
    Max "max" Function, ["amax"], 1, false, Typing::Any, Exact, REAL, "the largest element; NaN if one is NaN", "max(a)", Expansion::Fold(reduce::max);
    Min "min" Function, ["amin"], 1, false, Typing::Any, Exact, REAL, "the smallest element; NaN if one is NaN", "min(a)", Expansion::Fold(reduce::min);
    NanMax "nanmax" Function, [], 1, false, Typing::Any, Exact, REAL, "the largest element that is not NaN; NaN if all are", "nanmax(a)", Expansion::Fold(reduce::nanmax);
    NanMin "nanmin" Function, [], 1, false, Typing::Any, Exact, REAL, "the smallest element that is not NaN; NaN if all are", "nanmin(a)", Expansion::Fold(reduce::nanmin);
    Any "any" Function, [], 1, false, Typing::Truth, Exact, REAL, "is one element true, or not 0? False for no elements", "any(a > 0)", Expansion::Fold(reduce::any);
    All "all" Function, [], 1, false, Typing::Truth, Exact, REAL, "is every element true, or not 0? True for no elements", "all(a > 0)", Expansion::Fold(reduce::all);

    // Folds that the compiler writes, for the reductions among the forms.
    SumOfProducts "sum_of_products" Internal, [], 2, true, Typing::Floating, Stated, REAL, "the sum of a * b by multiply-adds", "sum(a * b)", Expansion::Fold(reduce::sum_of_products);
    SquaredDeviations "squared_deviations" Internal, [], 1, false, Typing::Floating, Stated, REAL, "the sum of squared differences from the mean", "var(a)", Expansion::Fold(reduce::squared_deviations);
    DeviationsOfNumbers "squared_deviations_of_numbers" Internal, [], 1, false, Typing::Floating, Stated, REAL, "the sum of squared differences from the mean, NaN passed over", "nanvar(a)", Expansion::Fold(reduce::squared_deviations_of_numbers);
    Norm "root_of_squares" Internal, [], 1, false, Typing::Floating, Stated, REAL, "the root of the sum of squares, without overflow in between", "norm(a)", Expansion::Fold(reduce::norm);
    IndexOfMax "index_of_max" Internal, [], 2, false, Typing::Stated, Exact, REAL, "the lowest of the indices b of the largest a; NaN counts as the largest", "argmax(a)", Expansion::Fold(reduce::index_of_max);
    IndexOfMin "index_of_min" Internal, [], 2, false, Typing::Stated, Exact, REAL, "the lowest of the indices b of the smallest a; NaN counts as the smallest", "argmin(a)", Expansion::Fold(reduce::index_of_min);

    Cast "cast" Internal, [], 1, false, Typing::Stated, Exact, REAL, "conversion, written as a call of the dtype: f32(a)", "f32(a)", Lanes(cast::cast);
    Fma "fma" Internal, [], 3, true, Typing::Arithmetic, Exact, REAL, "a * b + c with one rounding", "a * b + 1", Lanes(arith::fma);
}

impl Op {
    /// The operator's row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The function of that name or alias.
    pub fn function(name: &str) -> Option<Op> {
        let named = |row: &&Row| {
            row.syntax != Syntax::Internal && (row.name == name || row.aliases.contains(&name))
        };
        TABLE.iter().find(named).map(|row| row.op)
    }

    /// Is it a reduction without a value for no elements?
    pub fn needs_an_element(self) -> bool {
        matches!(self, Op::Max | Op::Min | Op::NanMax | Op::NanMin)
    }

    /// What the reduction is of complex numbers.
    pub fn of_complex(self) -> OfComplex {
        if matches!(self, Op::Max | Op::Min | Op::NanMax | Op::NanMin) {
            OfComplex::Error
        } else if matches!(self, Op::Sum | Op::Prod) {
            OfComplex::Complex
        } else {
            OfComplex::Real
        }
    }

    /// What the function takes beside its operands.
    pub fn parameters(self) -> &'static [Parameter] {
        match self.row().class {
            Class::Elementwise => &[],
            Class::Reduction => REDUCTION,
        }
    }

    /// What an element costs, counted from the expansion for these dtypes.
    pub fn cost(self, operand: DType, result: DType) -> Cost {
        if operand.is_complex() || result.is_complex() {
            return ComplexRow::of(self)
                .map_or_else(Cost::default, |row| row.cost(operand, result));
        }
        let Expansion::Lanes(expand) = self.row().expansion else { return Cost::default() };
        let lanes = vec![lane_of(operand); self.row().arity];
        let lanes = if self == Op::Where { [&[Lane::Mask], &lanes[1..]].concat() } else { lanes };
        let mut region = RegionBuilder::new(&lanes);
        let args: Vec<ValueId> = (0..lanes.len()).map(|index| region.param(index)).collect();
        let mut kernel = Builder::new();
        let mut expander = Expander { kernel: &mut kernel, region: &mut region };
        let value = expand(&mut expander, &Call { operand, result, args: &args });
        let region = region.finish(&[value]);
        Cost::of(&region)
    }
}

/// What an operator costs per element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Primitives: what the size of a kernel is measured in.
    pub primitives: usize,
    /// Time beside an addition's: a division or root weighs 16 (`docs/performance.md`).
    pub weight: usize,
}

impl Cost {
    /// Of what a region computes.
    pub(crate) fn of(region: &Region) -> Cost {
        Cost { primitives: region.arithmetic(), weight: region.nodes.iter().map(weight).sum() }
    }
}

fn weight(node: &Node) -> usize {
    match node {
        Node::Prim(Prim::FDiv | Prim::FSqrt, _) => 16,
        Node::Prim(Prim::Bitcast, _) | Node::Param(_) | Node::Const(_) => 0,
        Node::Prim(..) | Node::Lookup(..) | Node::Result { .. } => 1,
    }
}

/// Names of all functions, derived ones and aliases included: for "did you mean" and completion.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    let written = TABLE.iter().filter(|row| row.syntax != Syntax::Internal);
    let functions =
        written.flat_map(|row| std::iter::once(row.name).chain(row.aliases.iter().copied()));
    let derived = DERIVED.iter().map(|row| row.name);
    functions.chain(derived).chain(FORMS.iter().map(|form| form.name))
}

/// The expansion of `x**n` for a literal n, beside the row of the operator.
pub use power::MAX_EXPONENT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum_and_names_are_distinct() {
        let mut names = std::collections::HashSet::new();
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.op as usize, index);
            for name in std::iter::once(&row.name).chain(row.aliases) {
                assert!(names.insert(*name), "{name} stands twice");
            }
        }
    }

    #[test]
    fn functions_are_found_by_name_and_alias() {
        assert_eq!(Op::function("absolute"), Some(Op::Abs));
        assert_eq!(Op::function("fma"), None);
    }
}
