"""Operators, comparisons, choices, rounding and casts of enclosures: NumPy's, and where language.md deviates, what it says."""

import dataclasses

import numpy as np
import oracle
from enclosure import (
    Enclosure, Pending, atom, corners, enclosure, exactly, exponent_of, increasing, opened, point, settled, stored, unit,
)  # fmt: skip

HALF, SINGLE = np.dtype(np.float16), np.dtype(np.float32)


def carrier(dtype, relaxed):
    """The dtype that a dtype is computed in."""
    return SINGLE if relaxed and dtype == HALF else dtype


def carried(x, relaxed):
    """A stored value in the dtype that its dtype is computed in."""
    computed = carrier(x.dtype, relaxed)
    return x if x.lo.dtype == computed else increasing(lambda values: values.astype(computed), x, x.dtype)


def converted(x, dtype, relaxed):
    """A value as an operand of a dtype; of its own dtype it stays as it is, roundings pending."""
    if x.dtype == dtype:
        return x
    return carried(increasing(lambda values: values.astype(dtype), stored(x)), relaxed)


def promoted(args, relaxed, least=None):
    """Operands in the dtype that NumPy promotes them to; plain numbers give way."""
    plain = [arg for arg in args if not isinstance(arg, Enclosure)]
    dtypes = [arg.dtype for arg in args if isinstance(arg, Enclosure)]
    dtype = np.result_type(*dtypes, *plain)
    if least is not None and dtype.kind != "f":
        dtype = least
    typed = [arg if isinstance(arg, Enclosure) else point(np.array(arg, dtype)) for arg in args]
    return [converted(arg, dtype, relaxed) for arg in typed], dtype


# + - * /


def add_hole(a, b):
    return False


def product_hole(a, b):
    """Somewhere between the corners 0 meets infinity."""
    infinite = lambda x: np.isinf(x.lo) | np.isinf(x.hi)  # noqa: E731
    return a.has_zero() & infinite(b) | b.has_zero() & infinite(a)


def quotient_hole(a, b):
    return b.has_zero()


ARITHMETIC = {
    "+": (np.add, add_hole), "-": (np.subtract, add_hole), "*": (np.multiply, product_hole), "/": (np.divide, quotient_hole),
}  # fmt: skip


def arithmetic(symbol, a, b, relaxed):
    """`+ - * /`; in relaxed mode with the bound of the chain so far."""
    (a, b), dtype = promoted([a, b], relaxed, np.dtype(float) if symbol == "/" else None)
    function, hole = ARITHMETIC[symbol]
    if dtype.kind != "f":
        return exactly(function, a, b)
    if symbol == "/":
        b = settled(b)
    result = dataclasses.replace(corners(function, a, b, hole), dtype=dtype)
    if relaxed:
        result.pending = chained(symbol, a, b, result.lo.dtype, result.shape)
    return result


def chained(symbol, a, b, dtype, shape):
    """The bound of a chain that grew by one operation: magnitudes add and multiply, so do their errors."""
    p, q, u = atom(a), atom(b), unit(dtype)
    if symbol in "+-":
        magnitude = p.magnitude + q.magnitude
        error = p.error + q.error + u * magnitude
        exponent = np.maximum(p.exponent, q.exponent) + 1
    else:
        factor, away = q.magnitude, q.exponent
        if symbol == "/":
            factor = 1 / np.minimum(np.abs(b.lo), np.abs(b.hi)).astype(np.float64)
            away = exponent_of(factor)
        magnitude = p.magnitude * factor
        error = p.error * factor + (p.magnitude + p.error) * q.error + u * magnitude
        error = error + float(np.finfo(dtype).smallest_subnormal)
        exponent = p.exponent + away
    parts = (np.broadcast_to(part, shape) for part in (magnitude, error, exponent))
    return Pending(*parts, max(p.depth, q.depth) + 1, np.broadcast_to(p.is_nan | q.is_nan, shape))


def negative(x):
    if x.dtype.kind != "f":
        return exactly(np.negative, x)
    lo = -x.hi
    return Enclosure(lo, lo if x.is_point else -x.lo, x.dtype, x.open, x.pending)


# // % fmod


def remainder(symbol, a, b, relaxed):
    """`//`, `%` and fmod: of intervals only where all corners agree on the quotient; `%` is then between 0 and b."""
    (a, b), dtype = promoted([a, b], relaxed)
    a, b = settled(a), settled(b)
    function = {"//": np.floor_divide, "%": np.remainder, "fmod": np.fmod}[symbol]
    if dtype.kind != "f" or a.is_point and b.is_point:
        return dataclasses.replace(exactly(function, a, b), dtype=dtype)
    if symbol == "//":
        result = corners(function, a, b, quotient_hole)
        result = opened(result, ~(result.lo == result.hi) & ~(a.exact() & b.exact()))
    elif symbol == "%":
        whole = corners(np.floor_divide, a, b, quotient_hole)
        # A larger quotient is rounded itself.
        counted = np.abs(whole.lo) * unit(whole.lo.dtype) < 0.25
        within = (whole.lo == whole.hi) & counted & ~whole.open & b.exact() & np.isfinite(b.lo)
        low = np.where(within, function(a.lo, b.lo), np.minimum(0 * b.lo, b.lo))
        high = np.where(within, function(a.hi, b.lo), np.maximum(0 * b.hi, b.hi))
        exact = a.exact() & b.exact()
        low, high = (np.where(exact, function(a.lo, b.lo), end).astype(a.lo.dtype) for end in (low, high))
        unbounded = ~(np.isfinite(a.lo) & np.isfinite(a.hi) & np.isfinite(b.lo) & np.isfinite(b.hi))
        is_open = a.open | b.open | (unbounded | b.has_zero()) & ~exact
        result = enclosure(low, high, is_open, exact)
    else:
        result = exactly(function, a, b)
    return dataclasses.replace(result, dtype=dtype)


# Bits and truth values: points or open.


def bits(function, a, b, relaxed):
    (a, b), _ = promoted([a, b], relaxed)
    return exactly(function, a, b)


def both(function, a, b):
    """`and`, `or` of bool, by three-valued logic."""
    result = exactly(function, a, b)
    decides = np.logical_or if function is np.logical_or else np.logical_and
    neutral = decides is np.logical_and
    certain = ~a.open & (a.lo != neutral) | ~b.open & (b.lo != neutral)
    values = np.where(certain, not neutral, result.lo)
    return Enclosure(values, values, values.dtype, result.open & ~certain)


def compared(function, a, b):
    """Of intervals, decided where they do not overlap. NumPy compares integers exactly, of any dtypes."""
    if not isinstance(a, Enclosure):
        a = point(np.array(a, np.result_type(b.dtype, a)))
    if not isinstance(b, Enclosure):
        b = point(np.array(b, np.result_type(a.dtype, b)))
    a, b = stored(a), stored(b)
    if a.is_point and b.is_point:
        return exactly(function, a, b)
    values = [np.asarray(function(*ends)) for ends in ((a.lo, b.lo), (a.lo, b.hi), (a.hi, b.lo), (a.hi, b.hi))]
    agree = (values[0] == values[1]) & (values[1] == values[2]) & (values[2] == values[3])
    disjoint = (a.hi < b.lo) | (b.hi < a.lo)
    if function not in (np.equal, np.not_equal):
        # Monotone in either argument, so that corners that agree decide.
        disjoint = agree
    undecided = ~disjoint & ~(a.exact() & b.exact())
    return Enclosure(values[0], values[0], values[0].dtype, a.open | b.open | undecided)


def chosen(condition, a, b, relaxed):
    """`where(c, a, b)`; of an open condition either."""
    (a, b), dtype = promoted([a, b], relaxed)
    a, b = settled(a), settled(b)
    c, unknown = condition.lo, condition.open
    lo, is_open = np.where(c, a.lo, b.lo), np.where(c, a.open, b.open)
    if a.is_point and b.is_point and not unknown.any():
        return Enclosure(lo, lo, dtype, is_open)
    hi = np.where(c, a.hi, b.hi)
    if dtype.kind == "f":
        lo = np.where(unknown, np.minimum(a.lo, b.lo), lo)
        hi = np.where(unknown, np.maximum(a.hi, b.hi), hi)
        exact = ~unknown & np.where(c, a.exact(), b.exact())
    else:
        lo, hi = np.where(unknown, a.lo, lo), np.where(unknown, b.lo, hi)
        exact = ~unknown
    is_open = np.where(unknown, a.open | b.open, is_open)
    return enclosure(lo.astype(a.lo.dtype), hi.astype(a.lo.dtype), is_open, exact, dtype)


def extreme(function, a, b, relaxed):
    """minimum and maximum: of equal operands the second."""
    (a, b), dtype = promoted([a, b], relaxed)
    a, b = settled(a), settled(b)
    return dataclasses.replace(corners(function, a, b), dtype=dtype)


# One argument.


def magnitude(x):
    x = settled(x)
    if x.is_point or x.dtype.kind != "f":
        return dataclasses.replace(exactly(np.abs, x), dtype=x.dtype)
    low, high = np.minimum(np.abs(x.lo), np.abs(x.hi)), np.maximum(np.abs(x.lo), np.abs(x.hi))
    return Enclosure(np.where(x.has_zero(), 0 * low, low).astype(low.dtype), high, x.dtype, x.open)


def rounded(function, x):
    """floor, ceil, trunc, round, sign: they grow; integers stay."""
    if x.dtype.kind != "f":
        return exactly(np.sign, x) if function is np.sign else x
    return increasing(function, settled(x), x.dtype)


def copysign(a, b, relaxed):
    (a, b), dtype = promoted([a, b], relaxed, np.dtype(float))
    a, b = magnitude(a), settled(b)
    minus, other = oracle.signbit(b.lo), oracle.signbit(b.hi)
    lo, hi = np.where(minus, -a.hi, a.lo), np.where(other, -a.lo, a.hi)
    unsure = (minus != other) | (b.lo == 0) & (b.hi == 0) & ~b.exact()
    lo, hi = np.where(unsure, -a.hi, lo), np.where(unsure, a.hi, hi)
    exact = ~unsure & a.exact() & ~b.open
    return enclosure(lo, hi, a.open | b.open, exact, dtype)


def question(function, x):
    """isnan and the like: decided where both ends answer alike."""
    x = stored(x)
    values = np.asarray(function(x.lo))
    return Enclosure(values, values, values.dtype, x.open if x.is_point else x.open | (values != function(x.hi)))


def truth(x):
    """Is it not 0?"""
    return compared(np.not_equal, x, point(np.zeros((), x.dtype)))


def cast(x, dtype, relaxed):
    """A conversion: to integers truncated and saturated, NaN gives 0."""
    x = stored(x)
    if dtype.kind == "b":
        return truth(x)
    if x.dtype.kind == "f" and dtype.kind in "iu":
        lo = saturated(x.lo, dtype)
        return enclosure(lo, lo if x.is_point else saturated(x.hi, dtype), x.open, True)
    return carried(converted(x, dtype, relaxed), relaxed)


def saturated(values, dtype):
    """What a float is as an integer. The largest integer may be no float: the first float beyond it is."""
    info, wide = np.iinfo(dtype), values.astype(np.float64)
    beyond, below = wide >= float(info.max) + (info.bits < 64), wide <= float(info.min)
    inside = np.where(beyond | below | np.isnan(wide), 0, np.trunc(wide)).astype(dtype)
    return np.where(beyond, info.max, np.where(below, info.min, inside)).astype(dtype)
