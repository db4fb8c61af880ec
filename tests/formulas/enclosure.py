"""What a subexpression may be: for each element an interval between two floats, often a single one.

`lo` and `hi` are NumPy arrays, one and the same object while everything is exact. Rounding is monotone, so an
operation that is correctly rounded takes interval ends to interval ends, computed by NumPy in the dtype of the
operation itself: what has no error stays a point, to be met bit by bit. Functions and reductions with a
budget widen. `open` marks elements of which nothing is known: behind a comparison that an interval does not
decide, a pole within an interval, or where a documented bound does not hold. An interval holds no NaN; a point may be one.

In relaxed mode sums and products are not rounded one by one. `Pending` counts what a chain of them may be off, and
`settled` widens the interval where something other than `+ - * /` takes the value. f16 is kept in f32 and rounded by
`stored`, as docs/numerics.md says.
"""

import dataclasses

import numpy as np

#: Exact enough that its own errors do not matter, and with a range in which f64 does not overflow.
WIDE = np.longdouble

#: Documented bounds hold for exact arithmetic; so much more for the arithmetic of this file.
SLACK = 1 + 2.0**-20


@dataclasses.dataclass
class Pending:
    """What a chain of sums and products may be off: the sum of the monomials' magnitudes, the bound of the error, both f64;
    the largest exponent that a nested form may reach; the roundings on the way; where a NaN came in."""

    magnitude: np.ndarray
    error: np.ndarray
    exponent: np.ndarray
    depth: int
    is_nan: np.ndarray


@dataclasses.dataclass
class Enclosure:
    lo: np.ndarray
    hi: np.ndarray
    dtype: np.dtype
    open: np.ndarray
    pending: Pending = None

    @property
    def is_point(self):
        return self.lo is self.hi

    @property
    def shape(self):
        return self.lo.shape

    def exact(self):
        """Where the value is known to the bit."""
        return same_bits(self.lo, self.hi) & ~self.open

    def has_zero(self):
        return (self.lo <= 0) & (self.hi >= 0)

    def mapped(self, function):
        """The same elements elsewhere: slices, transposes, broadcasts."""
        lo = function(self.lo)
        hi = lo if self.is_point else function(self.hi)
        pending = self.pending
        if pending:
            parts = (function(part) for part in (pending.magnitude, pending.error, pending.exponent))
            pending = Pending(*parts, pending.depth, function(pending.is_nan))
        return Enclosure(lo, hi, self.dtype, function(self.open), pending)


def same_bits(a, b):
    """Equal, zeros by their sign, or both NaN."""
    if a.dtype.kind != "f":
        return a == b
    return (a == b) & (np.signbit(a) == np.signbit(b)) | np.isnan(a) & np.isnan(b)


def point(values, dtype=None):
    """What is known exactly."""
    values = np.asarray(values)
    return Enclosure(values, values, dtype or values.dtype, np.zeros(values.shape, bool))


def enclosure(lo, hi, is_open, exact, dtype=None):
    """An interval from its ends. Where it is not exact, a NaN opens it and a zero may have either sign."""
    lo, hi = np.asarray(lo), np.asarray(hi)
    is_open = np.broadcast_to(is_open, lo.shape)
    if lo is not hi and lo.dtype.kind == "f":
        is_open = is_open | (np.isnan(lo) | np.isnan(hi)) & ~exact
        zero = (lo == 0) & (hi == 0) & ~exact
        lo, hi = np.where(zero, -np.abs(lo), lo), np.where(zero, np.abs(hi), hi)
    elif lo is not hi:
        is_open = is_open | (lo != hi)
    return Enclosure(lo, hi, dtype or lo.dtype, is_open)


def opened(x, where):
    """The same with some elements unknown."""
    return dataclasses.replace(x, open=x.open | where)


def increasing(function, x, dtype=None):
    """A function of one argument that grows with it and is correctly rounded."""
    lo = np.asarray(function(x.lo))
    if x.is_point:
        return Enclosure(lo, lo, dtype or lo.dtype, x.open)
    return Enclosure(lo, np.asarray(function(x.hi)), dtype or lo.dtype, x.open)


def corners(function, a, b, hole=None):
    """A correctly rounded function of two arguments, monotone in each: its extremes are at the corners. `hole` says of a and
    b where it is not."""
    lo = np.asarray(function(a.lo, b.lo))
    is_open = a.open | b.open
    if a.is_point and b.is_point:
        return Enclosure(lo, lo, lo.dtype, is_open)
    exact = a.exact() & b.exact()
    values = [lo] + [np.asarray(function(*ends)) for ends in ((a.lo, b.hi), (a.hi, b.lo), (a.hi, b.hi))]
    if hole is not None:
        is_open = is_open | hole(a, b) & ~exact
    low, high = (one.reduce(values) for one in (np.minimum, np.maximum))
    low, high = np.where(exact, lo, low), np.where(exact, lo, high)
    is_nan = (np.isnan(a.lo) & np.isnan(a.hi) | np.isnan(b.lo) & np.isnan(b.hi)) & np.isnan(values).all(axis=0)
    return enclosure(low, high, is_open, exact | is_nan)


def exactly(function, *args):
    """A function of which nothing is known but at points."""
    values = np.asarray(function(*(arg.lo for arg in args)))
    is_open = np.zeros(values.shape, bool)
    for arg in args:
        is_open = is_open | (arg.open if arg.is_point else ~arg.exact())
    return Enclosure(values, values, values.dtype, is_open)


# Relaxed mode.


def unit(dtype):
    return float(np.finfo(dtype).eps) / 2


def atom(x):
    """What is pending of a value that is no sum or product."""
    if x.pending:
        return x.pending
    magnitude = np.maximum(np.abs(x.lo), np.abs(x.hi)).astype(np.float64)
    is_nan = np.isnan(x.lo) & np.isnan(x.hi)
    return Pending(magnitude, np.zeros(x.shape), exponent_of(magnitude), 0, is_nan)


def exponent_of(magnitude):
    return np.maximum(np.log2(magnitude), 0)


def outward(values, dtype, end):
    """Wide values as floats of a dtype: of those between two of them the outer one, towards `end`."""
    out = values.astype(dtype)
    short = out > values if end < 0 else out < values
    return np.where(short, np.nextafter(out, out.dtype.type(end)), out)


def settled(x, even_one=False):
    """The value of a chain of sums and products: both NumPy's and fuse's are within the bound of the exact one. A single operation is
    as written; a sum takes products unrounded (`even_one`)."""
    pending = x.pending
    if not pending or pending.depth < (1 if even_one else 2):
        return dataclasses.replace(x, pending=None)
    limit = np.finfo(x.lo.dtype).maxexp - 1
    wide = (2 * SLACK * pending.error).astype(WIDE)
    lo = outward(x.lo.astype(WIDE) - wide, x.lo.dtype, -np.inf)
    hi = outward(x.hi.astype(WIDE) + wide, x.lo.dtype, np.inf)
    lo, hi = (np.where(pending.is_nan, np.nan, end).astype(x.lo.dtype) for end in (lo, hi))
    in_range = (pending.exponent < limit) & (pending.magnitude < 2.0**limit)
    is_open = x.open | ~in_range & ~pending.is_nan
    # A zero of which the chain makes something else has no sign to rely on.
    return enclosure(lo, hi, is_open, pending.is_nan, x.dtype)


def stored(x, even_one=False):
    """Settled, and of its dtype: f16 is rounded."""
    x = settled(x, even_one)
    if x.lo.dtype == x.dtype:
        return x
    return increasing(lambda values: values.astype(x.dtype), x)
