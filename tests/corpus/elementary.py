"""The elementary functions: exact values from MPFR at 256 bits, rounded once, and how far a result
may be from them.

Special values are those of C99's Annex F, which MPFR follows; of the functions that C99 does not
have: sigmoid and exp10 by their limits, logaddexp(inf, -inf) is inf, logaddexp(-inf, -inf) -inf and
logaddexp(-0.0, -inf) 0, the logarithm of 1; deg2rad and rad2deg as the product by a number. Zeros keep
their sign where the function is odd.
"""

import functools
import math

import gmpy2
import numpy as np
from gmpy2 import mpfr

from oracle import FORMATS, Fraction, rounded

PRECISION = 256

#: Floats that a result may be from the nearest one, by dtype: the budget of docs/numerics.md, rounded
#: up. Every function that is not listed has a budget of one unit in either dtype. No other place
#: of the corpus states a budget.
STEPS = {"erfc": {"f64": 2, "f32": 1}, "gamma": {"f64": 2, "f32": 2}, "lgamma": {"f64": 2, "f32": 2}}


def steps(name, dtype):
    """Floats that a result of that function and dtype may be from the nearest one."""
    if name == "nextafter":
        return 0
    return STEPS.get(name, {}).get(np.dtype(dtype).name.replace("float", "f"), 1)


def sigmoid(x):
    return 1 / (1 + gmpy2.exp(-x))


def logaddexp(a, b):
    if a.is_nan() or b.is_nan():
        return a + b
    low, high = min(a, b), max(a, b)
    return high if high.is_infinite() else high + gmpy2.log1p(gmpy2.exp(low - high))


ONE_ARGUMENT = {
    "exp": gmpy2.exp, "exp2": gmpy2.exp2, "exp10": gmpy2.exp10, "expm1": gmpy2.expm1,
    "sigmoid": sigmoid,
    "log": gmpy2.log, "log2": gmpy2.log2, "log10": gmpy2.log10, "log1p": gmpy2.log1p,
    "sin": gmpy2.sin, "cos": gmpy2.cos, "tan": gmpy2.tan,
    "deg2rad": lambda x: x * (gmpy2.const_pi() / 180),
    "rad2deg": lambda x: x * (180 / gmpy2.const_pi()),
    "asin": gmpy2.asin, "acos": gmpy2.acos, "atan": gmpy2.atan,
    "sinh": gmpy2.sinh, "cosh": gmpy2.cosh, "tanh": gmpy2.tanh,
    "asinh": gmpy2.asinh, "acosh": gmpy2.acosh, "atanh": gmpy2.atanh,
    "cbrt": gmpy2.cbrt,
    "erf": gmpy2.erf, "erfc": gmpy2.erfc, "gamma": gmpy2.gamma, "lgamma": lambda x: gmpy2.lgamma(x)[0],
}
TWO_ARGUMENTS = {
    "logaddexp": logaddexp, "atan2": gmpy2.atan2, "hypot": gmpy2.hypot, "power": lambda x, y: x**y,
}
ALIASES = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "radians": "deg2rad", "degrees": "rad2deg", "pow": "power",
    "expit": "sigmoid", "tgamma": "gamma",
}
CONTEXT = gmpy2.context(precision=PRECISION, emax=gmpy2.get_emax_max(), emin=gmpy2.get_emin_min())


@functools.lru_cache(maxsize=None)
def exact(name, *args):
    """The value of a function at Python floats, to 256 bits. Zeros as keys would lose their sign, so
    that `args` are hexadecimal texts."""
    function = ONE_ARGUMENT.get(name) or TWO_ARGUMENTS[name]
    with gmpy2.context(CONTEXT):
        return function(*(mpfr(float.fromhex(arg)) for arg in args))


def value(name, *args):
    return exact(name, *(float(arg).hex() for arg in args))


def nearest(exact_value, dtype):
    """An MPFR number rounded once."""
    if not exact_value.is_regular():
        return dtype(float(exact_value))
    exponent = gmpy2.get_exp(exact_value)
    if abs(exponent) > 2000:
        return dtype(math.copysign(math.inf if exponent > 0 else 0.0, exact_value))
    return rounded(fraction(exact_value), dtype)


def fraction(number):
    """A regular MPFR number."""
    numerator, denominator = number.as_integer_ratio()
    return Fraction(int(numerator), int(denominator))


def is_testable(name, dtype, *args):
    """May the corpus hold a result to `steps` floats of the nearest, here?

    * Not where the budget itself straddles a result that must be equal: within two units of the
      overflow threshold, and between 1/32 and one unit of the least subnormal number.
    * logaddexp, whose budget counts units of the largest of arguments and result: not where the result is
      smaller than an argument.
    * lgamma of negative numbers may err by 1e-15: not where that is more than two units.
    """
    if name == "nextafter":
        return True
    result = value(name, *args)
    if not result.is_regular():
        return True
    precision, least, limit = FORMATS[dtype]
    exponent = gmpy2.get_exp(result)
    if abs(exponent) > 2000:
        return True
    number, result = abs(fraction(result)), nearest(result, dtype)
    unit, greatest = Fraction(2) ** least, Fraction(2) ** limit
    if dtype is np.float16:
        # Rounded from f32, whose error moves no result by a whole float.
        return True
    if unit / 32 < number <= unit and number != unit:
        return False
    if abs(number - greatest) < greatest / 2 ** (precision - 2):
        return False
    if name == "logaddexp" and np.isfinite(args).all():
        return bool(abs(result) >= np.max(np.abs(args)))
    if name == "lgamma" and args[0] < 0:
        return bool(abs(result) >= {np.float64: 4, np.float32: 1e-6, np.float16: 0.01}[dtype])
    return True


def by_dtype(args):
    """Arguments as arrays of the dtype that fuse computes in, and whether all were plain numbers."""
    plain = all(isinstance(arg, (int, float)) and not isinstance(arg, np.generic) for arg in args)
    dtype = np.result_type(*args)
    dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
    return np.broadcast_arrays(*(np.asarray(arg).astype(dtype) for arg in args)), dtype.type, plain


def elementary(name):
    """A function as formulas call it: NumPy 2's promotion, but f64 for integers and bool."""

    def call(*args):
        arrays, dtype, plain = by_dtype(args)
        if name == "nextafter":
            return np.nextafter(*arrays)
        points = zip(*(array.flat for array in arrays))
        values = np.array([nearest(value(name, *point), dtype) for point in points], dtype)
        return float(values[0]) if plain else values.reshape(arrays[0].shape)

    return call


#: The names of the functions in formulas. The operator ** of Python is NumPy's: formulas that need the
#: general power state their value as `FUNCTIONS["power"](x, y)`.
FUNCTIONS = {name: elementary(name) for name in (*ONE_ARGUMENT, *TWO_ARGUMENTS, "nextafter")}
FUNCTIONS |= {alias: FUNCTIONS[name] for alias, name in ALIASES.items()}
