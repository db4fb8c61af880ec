"""Where fuse means something else than NumPy, on purpose: one rule each, with its sentence from
docs/language.md. No other place knows of deviations, but for two that every line has: functions with a
budget are compared within it, and a NaN is a NaN.

A rule takes a case and what holds so far, and gives what holds instead, or None where it does not
apply. Its name stands in the lines of the table that it changed; a rule whose NumPy depends on the
processor is noted wherever it applies, so that the table does not. A test demands that every sentence
stands in language.md and that every rule is used.
"""

import math

import complexes
import elementary
import numpy as np
import reduced
from outcome import ERROR, Value, outcome

ORDER = ("less", "less_equal", "greater", "greater_equal", "minimum", "maximum", "clip", "max", "min", "nanmax", "nanmin",
         "argmax", "argmin")  # fmt: skip
BOOL_ERRORS = ("floor_divide", "remainder", "power", "fmod", "left_shift", "right_shift")


def integral(case):
    """Are all operands integers or bool?"""
    return all(np.asarray(arg).dtype.kind in "biu" for arg in case.args)


def truth(case, held):
    if case.row.name in ("logical_not", "logical_and", "logical_or"):
        return None if all(np.asarray(arg).dtype.kind == "b" for arg in case.args) else ERROR
    return None


def condition(case, held):
    if case.row.name == "where" and case.args[0].dtype.kind != "b":
        return ERROR
    return None


def out_of_range(case, held):
    """NumPy's `where` wraps where arithmetic refuses; bool beside plain integers is i64."""
    if case.row.name != "where" or held is ERROR or held.dtype.kind not in "iu":
        return None
    info = np.iinfo(held.dtype)
    plain = [arg for arg in case.args if isinstance(arg, int) and not isinstance(arg, bool)]
    return None if all(info.min <= arg <= info.max for arg in plain) else ERROR


def bounds(case, held):
    """The ufunc below np.clip, whose Python code makes an array of the first argument and drops bounds."""
    return outcome(np._core.umath.clip, case.args) if case.row.name == "clip" else None


def of_bool(case, held):
    if case.row.name in BOOL_ERRORS and all(np.asarray(arg).dtype.kind == "b" for arg in case.args):
        return ERROR
    return None


def rounding(case, held):
    if case.row.name == "round" and held.dtype.kind == "f" and integral(case):
        return Value(np.asarray(case.args[0]))
    return None


def magnitude(case, held):
    applies = case.called == "fabs" and (integral(case) or np.asarray(case.args[0]).dtype.kind == "c")
    return Value(np.abs(case.args[0])) if applies else None


def narrow(case, held):
    """In f64 what NumPy computes in f16 and f32."""
    if held is ERROR or case.row.reduction or held.dtype.kind != "f" or held.dtype.itemsize == 8:
        return None
    if case.row.name == "cast" or not integral(case):
        return None
    return outcome(case.row.numpy, [np.asarray(arg).astype(np.float64) for arg in case.args])


def negative_power(case, held):
    if case.row.name != "power" or not integral(case) or case.literal == 1:
        return None
    base, exponent = (np.asarray(arg) for arg in case.args)
    if held is not ERROR or base.dtype.kind == "b" and exponent.dtype.kind == "b":
        return None
    try:
        dtype = np.result_type(*case.args)
        base = np.asarray(case.args[0], dtype)
    except OverflowError:
        return None
    power = np.power(base, np.maximum(exponent, 0).astype(dtype))
    odd = np.where(base == 1, 1, np.where(base == -1, 1 - 2 * (exponent & 1).astype(np.int64), 0))
    return Value(np.where(exponent < 0, odd.astype(dtype), power).astype(dtype))


def second_zero(choose, first, second):
    """NumPy's choice, but of a zero and its negative the second."""
    held = outcome(choose, [first, second])
    if held is ERROR or held.dtype.kind != "f":
        return held
    first, second = (np.asarray(arg).astype(held.dtype) for arg in (first, second))
    both = (first == 0) & (second == 0) & (np.signbit(first) != np.signbit(second))
    return Value(np.where(both, second, held.values)) if np.any(both) else held


def zeros(case, held):
    if case.row.name not in ("minimum", "maximum", "clip") or held is ERROR or held.dtype.kind != "f":
        return None
    if case.row.name == "clip":
        first, low, high = (np.asarray(arg).astype(held.dtype) for arg in case.args)
        chosen = second_zero(np.minimum, second_zero(np.maximum, first, low).values, high)
    else:
        chosen = second_zero(case.row.numpy, *case.args)
    assert np.array_equal(chosen.values, held.values, equal_nan=True), case.operands
    return None if chosen.equals(held) and not np.any(held.values == 0) else chosen


def neighbour(case, held):
    """NumPy's own nextafter of f16 gives the first of equal numbers, the C library's the second."""
    if case.row.name != "nextafter" or held is ERROR or held.dtype != np.float16:
        return None
    first, second = (np.asarray(arg).astype(held.dtype) for arg in case.args)
    return Value(np.where(first == second, second, held.values))


def sign_of_nan(case, held):
    if case.row.name not in ("copysign", "signbit") or held is ERROR:
        return None
    last = np.asarray(case.args[-1])
    if last.dtype.kind != "f" or not np.any(np.isnan(last) & np.signbit(last)):
        return None
    if case.row.name == "signbit":
        return Value(held.values & ~np.isnan(last))
    return Value(np.where(np.isnan(last), np.abs(held.values), held.values))


def unconverted(case):
    """What a conversion to an integer dtype, written or by `round(a, -1)`, converts."""
    if case.row.name == "cast" and case.target.kind in "iu":
        return case.args[0], case.target
    source = np.asarray(case.args[0])
    if case.row.parameters == ["a", "decimals"] and source.dtype.kind in "iu" and case.args[1] < 0:
        return np.round(source.astype(np.float64), case.args[1]), source.dtype
    return None


def saturation(case, held):
    converted = unconverted(case)
    if converted is None:
        return None
    source, info = np.asarray(converted[0]), np.iinfo(converted[1])

    def one(value):
        if math.isnan(value):
            return 0
        return info.max if value > info.max else info.min if value < info.min else math.trunc(value)

    values = [float(value) for value in source.real.flat]
    if source.dtype.kind != "f" or all(info.min <= value <= info.max for value in values):
        return None
    return Value(np.array([one(value) for value in values], converted[1]).reshape(source.shape))


def sum_of_products(case, held):
    """NumPy's dot of integers has their dtype, of bool it says whether one product holds."""
    return reduced.ordered("dot", case.args) if case.row.name == "dot" and held.dtype.kind in "biu" else None


def accumulated(case, held):
    """NumPy accumulates in the dtype of the result or f32, in an order that its processor chooses."""
    applies = case.row.name in reduced.ORDERED and held.dtype.kind in "fc"
    return reduced.ordered(case.row.name, case.args) if applies else None


def within_budget(case, held):
    """The exact value rounded once; `None` where a budget cannot be counted in floats."""
    if case.row.name in reduced.WITHIN:
        return reduced.nearest(case.row.name, case.args[0])
    if held is ERROR or not case.row.elementary or held.dtype.kind != "f" or case.is_exact_power():
        return None
    name, dtype = case.row.name, held.dtype.type
    args = np.broadcast_arrays(*(np.asarray(arg).astype(held.dtype) for arg in case.args))
    points = list(zip(*(arg.flat for arg in args)))
    values = [elementary.nearest(elementary.value(name, *point), dtype) for point in points]
    known = [elementary.is_testable(name, dtype, *point) for point in points]
    shape = args[0].shape
    return Value(np.array(values, dtype).reshape(shape), np.array(known).reshape(shape))


def conjugate(case, held):
    is_bool = case.row.name == "conj" and np.asarray(case.args[0]).dtype.kind == "b"
    return Value(np.asarray(case.args[0])) if is_bool else None


def no_order(case, held):
    """NumPy orders complex numbers by their real parts, then by their imaginary ones."""
    is_complex = any(np.asarray(arg).dtype.kind == "c" for arg in case.args)
    return ERROR if case.row.name in ORDER and is_complex else None


def real_target(case, held):
    """NumPy drops imaginary parts with a warning, or complains, by what is converted."""
    to_real = case.row.name == "cast" and case.target.kind in "iuf"
    return ERROR if to_real and np.asarray(case.args[0]).dtype.kind == "c" else None


def complex_product(case, held):
    if case.row.name != "multiply" or held is ERROR or held.dtype.kind != "c":
        return None
    return Value(complexes.times(*(np.asarray(arg).astype(held.dtype) for arg in case.args)))


def complex_budget(case, held):
    """The exact value, each part rounded once."""
    if held is ERROR or held.dtype.kind != "c" or case.row.name not in complexes.KINDS:
        return None
    found = complexes.values(case.row.name, held.dtype, case.args)
    if case.row.name == "power" and case.literal == 1:
        # A literal integer is a product, whose divisor may be 0.
        found.known &= np.broadcast_to(np.asarray(case.args[0]) != 0, found.known.shape)
    return found


#: Name: (rule, does NumPy depend on the processor, sentence of docs/language.md).
RULES = {
    "truth": (truth, False, "`not and or` | element by element, on bool"),
    "condition": (condition, False, "the condition of `where` is bool"),
    "out-of-range": (out_of_range, False, "A plain integer that its array's type cannot hold is an error in arithmetic"),
    "bounds": (bounds, False, "in `clip`, too, plain numbers take the type of the others, and one that it cannot hold is an error (NumPy drops such a bound)"),
    "of-bool": (of_bool, False, "`// % ** << >>` and `fmod` of bool alone are errors (NumPy gives i8)"),
    "rounding": (rounding, False, "`floor ceil trunc round` of integers and bool are the identity (NumPy rounds bool to f16, and gives floats for `rint`)"),
    "magnitude": (magnitude, False, "`fabs` of integers and complex numbers is `abs` (NumPy gives floats, and an error)"),
    "narrow": (narrow, False, "integers and bool give f64 (NumPy gives f16 or f32 for the narrow ones)"),
    "negative-power": (negative_power, False, "with an array of exponents 1 → 1, -1 → ±1, others → 0"),
    "zeros": (zeros, True, "of equal operands (0 and -0) the second is taken"),
    "neighbour": (neighbour, False, "`nextafter(x, y)` of equal numbers | y, with its sign (NumPy: of f16 x)"),
    "sign-of-nan": (sign_of_nan, False, "`copysign(x, nan)`, `signbit(nan)` | \\|x\\|, False"),
    "saturation": (saturation, True, "Float to integer truncates and saturates; NaN gives 0."),
    "sum-of-products": (sum_of_products, False, "of bool it counts, of small integers the product wraps in their type"),
    "accumulated": (accumulated, True, "what is added or multiplied is kept in f64, f16 and f32 too, and rounded once"),
    "conjugate": (conjugate, False, "`conj` of a real array is the array itself (NumPy gives i8 for bool)"),
    "no-order": (no_order, False, "Complex numbers have no order: `<`, `max`, `argmax`, `clip`, `floor`, `//` and `%` are errors, with what to write instead (NumPy orders by the real part first)"),
    "real-target": (real_target, True, "a cast to a real type, which in NumPy drops the imaginary part with a warning"),
    "complex-product": (complex_product, True, "`*` is the plain formula without multiply-adds, in either mode"),
    "complex-budget": (complex_budget, True, "Complex division, powers and functions are within a distance of the exact value that is counted normwise"),
    "budget": (within_budget, True, "Results are within a stated distance of the exact ones"),
}
