//! Exact values from MPFR.
//!
//! Values are computed at 128 bits (compositions at 256), which leaves an error below 2^-60 ulp of
//! f64. Special values are MPFR's, which are C99's.

use fuse_ops::{Accuracy, Yardstick};
use rug::Float;
use rug::float::{Constant, Round};

use super::{Format, Reference, Subject, Tally};

/// Bits of a value.
const PRECISION: u32 = 128;
/// Bits inside compositions.
const INNER: u32 = 256;

/// The function of that name in the operator table at these arguments.
///
/// # Panics
/// For names that have no exact function here.
pub fn exact(name: &str, args: &[f64]) -> Float {
    let x = Float::with_val(PRECISION, args[0]);
    let wide = |index: usize| Float::with_val(INNER, args[index]);
    let pi = || Float::with_val(INNER, Constant::Pi);
    match name {
        "exp" => x.exp(),
        "exp2" => x.exp2(),
        "exp10" => x.exp10(),
        "expm1" => x.exp_m1(),
        "log" => x.ln(),
        "log2" => x.log2(),
        "log10" => x.log10(),
        "log1p" => x.ln_1p(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "asin" => x.asin(),
        "acos" => x.acos(),
        "atan" => x.atan(),
        "sinh" => x.sinh(),
        "cosh" => x.cosh(),
        "tanh" => x.tanh(),
        "asinh" => x.asinh(),
        "acosh" => x.acosh(),
        "atanh" => x.atanh(),
        "cbrt" => x.cbrt(),
        "sqrt" => x.sqrt(),
        "erf" => x.erf(),
        "erfc" => x.erfc(),
        "gamma" => x.gamma(),
        "lgamma" => x.ln_abs_gamma().0,
        "deg2rad" => wide(0) * (pi() / 180),
        "rad2deg" => wide(0) * (180 / pi()),
        "sigmoid" => ((-wide(0)).exp() + 1u32).recip(),
        "atan2" => x.atan2(&Float::with_val(PRECISION, args[1])),
        "hypot" => x.hypot(&Float::with_val(PRECISION, args[1])),
        "power" => rug::ops::Pow::pow(x, &Float::with_val(PRECISION, args[1])),
        "logaddexp" => logaddexp(args),
        _ => unreachable!("no exact {name}"),
    }
}

/// log(exp(a) + exp(b)) = max + log1p(exp(min - max)).
fn logaddexp(args: &[f64]) -> Float {
    let [a, b] = [args[0], args[1]].map(|arg| Float::with_val(4 * INNER, arg));
    if a.is_nan() || b.is_nan() || (a.is_infinite() && a == b) {
        return a + b;
    }
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high.is_infinite() {
        return high;
    }
    let gap = low - &high;
    high + gap.exp().ln_1p()
}

/// The reference of an exact value in a format.
pub fn reference(exact: &Float, format: Format) -> Reference {
    let nearest = match format.precision {
        24 => f64::from(exact.to_f32_round(Round::Nearest)),
        _ => exact.to_f64_round(Round::Nearest),
    };
    if !nearest.is_finite() || exact.is_zero() {
        return Reference { nearest, rest: 0.0 };
    }
    let exponent = exact.get_exp().map_or(0, |exponent| exponent - 1);
    let rest = Float::with_val(PRECISION, exact - nearest);
    Reference { nearest, rest: (rest >> format.ulp_exponent(exponent)).to_f64() }
}

/// Measures a function at these arguments, one vector for each argument, given its results there.
pub fn measure(subject: &Subject, args: &[Vec<u64>], results: &[u64]) -> Tally {
    let mut tally = Tally::default();
    let format = subject.format;
    let mut values = vec![0.0; args.len()];
    let yardstick = match subject.op.row().accuracy {
        Accuracy::Ulp(budget) => budget.yardstick,
        Accuracy::Exact | Accuracy::Stated => Yardstick::Result,
    };
    for (index, &result) in results.iter().enumerate() {
        for (value, arg) in values.iter_mut().zip(args) {
            *value = format.value(arg[index]);
        }
        let reference = reference(&exact(subject.op.row().name, &values), format);
        let value = format.value(result);
        let error = reference.error_by(yardstick, &values, value, format);
        let nearest = value == reference.nearest || (value.is_nan() && error == 0.0);
        tally.add(error, nearest, || args.iter().map(|arg| arg[index]).collect(), result);
    }
    tally
}
