"""Elementary functions of enclosures: the exact value, computed in NumPy's long double or with MPFR, and the budget about it
that docs/numerics.md states."""

import dataclasses
import functools
import pathlib
import re

import elementary
import numpy as np
from enclosure import WIDE, Enclosure, corners, enclosure, exactly, increasing, opened, same_bits, settled
from operators import HALF, SINGLE, carried, carrier, promoted

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/numerics.md"

PI = 4 * np.arctan(WIDE(1))

#: The least argument of gamma, between which and 0 it falls.
LEAST = 1.4616321449683623


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


#: Those that grow with their argument.
GROWING = {
    "exp": np.exp, "exp2": np.exp2, "exp10": lambda x: WIDE(10) ** x, "expm1": np.expm1, "sigmoid": sigmoid, "log": np.log,
    "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "deg2rad": lambda x: x * (PI / 180),
    "rad2deg": lambda x: x * (180 / PI), "asin": np.arcsin, "atan": np.arctan, "sinh": np.sinh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "cbrt": np.cbrt,
}  # fmt: skip


def by_mpfr(name):
    """A function that NumPy lacks, an element at a time."""

    def one(x):
        exact = elementary.value(name, x)
        high = float(exact)
        return WIDE(high) + WIDE(float(exact - high)) if np.isfinite(high) and high != 0 else WIDE(high)

    return lambda x: np.array([one(float(value)) for value in x.flat], WIDE).reshape(x.shape)


ERF, ERFC, GAMMA, LGAMMA = (by_mpfr(name) for name in ("erf", "erfc", "gamma", "lgamma"))


def growing(function):
    def ends(x):
        lo = function(x.lo)
        return lo, lo if x.is_point else function(x.hi), False

    return ends


def falling(function):
    def ends(x):
        hi = function(x.lo)
        return hi if x.is_point else function(x.hi), hi, False

    return ends


def wave(function):
    """Sine and cosine: they grow no faster than their argument."""

    def ends(x):
        value = function(x.lo)
        if x.is_point:
            return value, value, False
        width = x.hi - x.lo
        return np.maximum(value - width, -1), np.minimum(value + width, 1), ~np.isfinite(width)

    return ends


def tangent(x):
    """Between poles it grows: where it does not seem to, or over more than a quarter of a turn, there may be one."""
    lo, hi = np.tan(x.lo), np.tan(x.hi)
    return lo, hi, ~(hi >= lo) | ~(x.hi - x.lo < 0.7)


def even(function):
    """One that grows with the magnitude."""

    def ends(x):
        low, high = np.minimum(abs(x.lo), abs(x.hi)), np.maximum(abs(x.lo), abs(x.hi))
        return function(np.where(x.has_zero(), 0 * low, low)), function(high), False

    return ends


def valley(function):
    """gamma and its logarithm: of positive arguments they fall up to LEAST, then grow."""

    def ends(x):
        lo, hi = function(x.lo), function(x.hi)
        monotone = (x.lo > LEAST) | (x.lo > 0) & (x.hi < LEAST)
        return np.minimum(lo, hi), np.maximum(lo, hi), ~monotone

    return ends


#: Of an interval of long doubles the ends of the values, and where they are not known.
ENDS = {
    **{name: growing(function) for name, function in GROWING.items()},
    "sin": wave(np.sin), "cos": wave(np.cos), "tan": tangent, "acos": falling(np.arccos), "cosh": even(np.cosh),
    "erf": growing(ERF), "erfc": falling(ERFC), "gamma": valley(GAMMA), "lgamma": valley(LGAMMA),
}  # fmt: skip


def power_hole(a, b):
    return ~(a.lo > 0)


def angle_hole(a, b):
    """The origin, or the negative half of the axis, where the angle jumps."""
    return ~((a.lo > 0) | (a.hi < 0) | (b.lo > 0))


#: Of two arguments, with the place where they are not monotone.
TWO = {
    "power": (np.power, power_hole), "atan2": (np.arctan2, angle_hole), "logaddexp": (np.logaddexp, None),
    "hypot": (np.hypot, None),
}  # fmt: skip


@functools.cache
def budgets():
    """Ulps that numerics.md's generated table allows, by function and dtype; and what it says behind the number."""
    rows = re.findall(r"^\| `(\w+)` \| (f\d\d) \| ([\d.]+)(?: (o[fr] \S+(?: \w+)?))? \|", PAGE.read_text(), re.M)
    return {(name, dtype): (float(number), rest) for name, dtype, number, rest in rows}


def ulp(values, dtype):
    """The unit in the last place of exact values."""
    info = np.finfo(dtype)
    _, exponents = np.frexp(values)
    unit = np.ldexp(WIDE(1), np.maximum(exponents - 1 - info.nmant, info.minexp - info.nmant))
    return np.where(np.isfinite(values), unit, 0)


def inward(values, dtype, end):
    """Long doubles as floats: of those between two of them the one towards `end`. From 2^1024 (2^128) on, infinity."""
    out = values.astype(dtype)
    beyond = np.abs(values) >= np.ldexp(WIDE(1), np.finfo(dtype).maxexp)
    short = (out < values if end > 0 else out > values) & ~beyond
    return np.where(short, np.nextafter(out, dtype.type(end)), out)


@dataclasses.dataclass
class Exact:
    """The ends of the exact values, as long doubles; where they are of points; where nothing is known."""

    lo: np.ndarray
    hi: np.ndarray
    is_point: np.ndarray
    open: np.ndarray
    #: In units of what the budget counts, if not of the value: the greatest magnitude of the arguments.
    largest: np.ndarray = 0
    #: Where the budget may be absolute.
    is_absolute: np.ndarray = np.False_


def exact_values(name, args):
    """A function of intervals of floats."""
    wide = [widened(arg) for arg in args]
    if len(wide) == 1:
        return of_one(name, wide[0], args[0].exact())
    function, hole = TWO[name]
    magnitudes = [positive(x) for x in wide]
    ends = corners(function, *(magnitudes if name == "hypot" else wide), hole)
    largest = np.maximum(*(np.where(np.isfinite(x.hi), x.hi, 0) for x in magnitudes))
    return Exact(ends.lo, ends.hi, args[0].exact() & args[1].exact(), ends.open, largest)


def of_one(name, x, is_point):
    lo, hi, unsure = ENDS[name](x)
    is_nan = np.isnan(x.lo) & np.isnan(x.hi)
    outside = (np.isnan(lo) | np.isnan(hi)) & ~is_nan
    is_open = x.open | (unsure | outside) & ~is_point
    return Exact(lo, hi, is_point | is_nan, is_open, is_absolute=x.lo < 0)


def widened(x):
    lo = x.lo.astype(WIDE)
    return dataclasses.replace(x, lo=lo, hi=lo if x.is_point else x.hi.astype(WIDE))


def positive(x):
    """The magnitudes of an interval."""
    low, high = np.minimum(abs(x.lo), abs(x.hi)), np.maximum(abs(x.lo), abs(x.hi))
    low = np.where((x.lo <= 0) & (x.hi >= 0), 0 * low, low)
    return Enclosure(low, low if x.is_point else high, x.dtype, x.open)


def within_budget(name, exact, dtype):
    """The floats that a budget allows about exact values; none about zeros, infinities and NaN, which are exact."""
    number, rest = budgets()[name, f"f{8 * dtype.itemsize}"]

    def room(values):
        of = np.maximum(np.abs(values), exact.largest) if "largest" in rest else values
        # Within an interval the unit may double.
        budget = number * ulp(of, dtype) * np.where(exact.is_point, 1, 2)
        if "1e-15" in rest:
            budget = np.where(exact.is_absolute, np.maximum(budget, WIDE(1e-15)), budget)
        # What the long double itself is off, at most.
        budget = budget + np.abs(of) * WIDE(2) ** -58
        return np.where(np.isfinite(values) & (values != 0), budget, 0)

    lo, hi = inward(exact.lo - room(exact.lo), dtype, np.inf), inward(exact.hi + room(exact.hi), dtype, -np.inf)
    known = exact.is_point & same_bits(exact.lo, exact.hi) & ~(np.isfinite(exact.lo) & (exact.lo != 0))
    return np.where(known, exact.lo, lo).astype(dtype), np.where(known, exact.hi, hi).astype(dtype)


def called(name, args, relaxed):
    """A function of the table by name. Integers are computed as f64, f16 in f32 and rounded."""
    args, dtype = promoted(args, relaxed, np.dtype(float))
    args = [settled(arg) for arg in args]
    if name == "sqrt":
        return increasing_within(np.sqrt, args[0], dtype)
    if name == "arg":
        return angle(args[0], dtype)
    if name == "nextafter":
        return carried(neighbour(*args, dtype), relaxed)
    exact = exact_values(name, args)
    lo, hi = within_budget(name, exact, SINGLE if dtype == HALF else dtype)
    lo, hi = (end.astype(carrier(dtype, relaxed)) for end in (lo, hi))
    return enclosure(lo, hi, exact.open, exact.is_point, dtype)


def increasing_within(function, x, dtype):
    """A root: of an interval that begins below 0 nothing is known."""
    result = increasing(function, x, dtype)
    return result if x.is_point else opened(result, np.isnan(result.lo) & ~np.isnan(x.lo) & ~x.exact())


def angle(x, dtype):
    """arg of a real number: 0, or pi of negative ones and -0."""
    half = dtype == HALF and x.lo.dtype == HALF
    pi = x.lo.dtype.type(np.pi) if not half else HALF.type(np.float32(np.pi))
    one = lambda v: np.where(np.isnan(v), v, np.where(np.signbit(v), pi, 0)).astype(v.dtype)  # noqa: E731
    return dataclasses.replace(exactly(one, x), dtype=dtype)


def neighbour(x, y, dtype):
    """nextafter of points: of equal numbers the second."""
    one = lambda a, b: np.where(a == b, b, np.nextafter(a, b))  # noqa: E731
    x, y = (Enclosure(v.lo.astype(dtype), v.lo.astype(dtype) if v.is_point else v.hi.astype(dtype), dtype, v.open) for v in (x, y))
    if x.is_point and y.is_point:
        return exactly(one, x, y)
    exact = x.exact() & y.exact()
    low, high = np.nextafter(x.lo, -np.inf, dtype=dtype), np.nextafter(x.hi, np.inf, dtype=dtype)
    lo, hi = (np.where(exact, one(x.lo, y.lo), end).astype(dtype) for end in (low, high))
    is_nan = np.isnan(x.lo) | np.isnan(y.lo)
    return enclosure(lo, hi, x.open | y.open | is_nan & ~exact, exact)
