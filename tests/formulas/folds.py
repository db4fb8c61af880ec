"""Reductions of enclosures: sums and products in the documented order, variances and norms with their documented bounds."""

import functools

import numpy as np
from enclosure import WIDE, Enclosure, enclosure, exactly, increasing, outward, point, stored
from operators import truth
from reductions import fold

F64 = np.dtype(np.float64)
UNIT = 2.0**-53


def rows(x, axis):
    """The elements to reduce along the first axis, in C order of the reduced axes."""
    rank = len(x.shape)
    axes = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = sorted(a % rank for a in axes)
    kept = [a for a in range(rank) if a not in axes]
    n = int(np.prod([x.shape[a] for a in axes], dtype=int))
    shape = tuple(x.shape[a] for a in kept)
    with_ones = tuple(1 if a in axes else x.shape[a] for a in range(rank))
    return x.mapped(lambda values: np.transpose(values, axes + kept).reshape((n, *shape))), with_ones


def total(values):
    """The documented sum, which below 8 elements is NumPy's; and NumPy's own is as far from it as the bounds of both allow."""
    values = values.astype(np.float64)
    result = np.asarray(fold(list(values), np.zeros(values.shape[1:]), np.add, np.add))
    n, own = len(values), np.sum(values, axis=0)
    magnitude = np.sum(np.abs(values), axis=0)
    # NumPy adds pairwise along a contiguous axis, else one after another.
    allowed = (37 + 12 + max(n, 1)) * UNIT * magnitude
    fits = (np.abs(result - own) <= allowed) | ~np.isfinite(own) | ~np.isfinite(result) | ~np.isfinite(magnitude)
    assert np.all(fits), "the fold is not a sum"
    return result


def product(values):
    values = values.astype(np.float64)
    return np.asarray(fold(list(values), np.ones(values.shape[1:]), np.multiply, np.multiply))


def whole(x):
    """The dtype in which integers are added."""
    return np.dtype(np.uint64 if x.dtype.kind == "u" else np.int64)


def sums(function, own):
    """`sum` or `prod`: integers wrap in 64 bits, floats are kept in f64 and rounded once."""

    def reduction(x):
        if x.dtype.kind != "f":
            values = own(x.lo, axis=0, dtype=whole(x))
            return Enclosure(values, values, values.dtype, x.open.any(axis=0))
        return function(x)

    return reduction


def added(x):
    dtype = x.dtype
    result = increasing(total, Enclosure(x.lo, x.hi, F64, x.open.any(axis=0)))
    return increasing(lambda values: values.astype(dtype), between(result, x))


def between(result, x):
    """The ends of a sum of intervals: where one is NaN, nothing is known; zeros have any sign."""
    if result.is_point:
        return result
    exact = x.exact().all(axis=0)
    return enclosure(result.lo, result.hi, result.open, exact)


def multiplied(x):
    """Of intervals the magnitudes multiply, if no sign is in doubt."""
    dtype, is_open = x.dtype, x.open.any(axis=0)
    if x.is_point:
        return increasing(lambda values: product(values).astype(dtype), Enclosure(x.lo, x.lo, dtype, is_open))
    low, high = np.minimum(abs(x.lo), abs(x.hi)), np.maximum(abs(x.lo), abs(x.hi))
    exact = x.exact().all(axis=0)
    minus = np.signbit(x.lo)
    # An infinite magnitude may meet a zero in one order and not in another.
    doubt = (minus != np.signbit(x.hi)) | (low == 0) | np.isinf(high)
    sign = np.where(minus.sum(axis=0) % 2 == 1, -1.0, 1.0)
    ends = sign * product(low), sign * product(high)
    is_point = product(x.lo)
    lo, hi = (np.where(exact, is_point, end).astype(dtype) for end in (np.minimum(*ends), np.maximum(*ends)))
    return enclosure(lo, hi, is_open | doubt.any(axis=0) & ~exact, exact)


def mean(x, counts=None):
    dtype = x.dtype if x.dtype.kind == "f" else F64
    counts = np.float64(len(x.lo)) if counts is None else counts
    result = increasing(total, Enclosure(x.lo, x.hi, F64, x.open.any(axis=0)))
    return increasing(lambda values: (values / counts).astype(dtype), between(result, x))


def largest(own, other):
    """max, min: of 0 and -0 it depends on the order, and either is right here."""

    def reduction(x):
        is_open = x.open.any(axis=0)
        lo = own(x.lo, axis=0)
        if x.dtype.kind != "f":
            return Enclosure(lo, lo, lo.dtype, is_open)
        hi = own(x.hi, axis=0)
        zeros = np.any((x.lo == 0) & np.signbit(x.lo), axis=0) & np.any((x.hi == 0) & ~np.signbit(x.hi), axis=0)
        zeros = zeros & (lo == 0) & (hi == 0)
        lo, hi = np.where(zeros, -abs(lo), lo).astype(lo.dtype), np.where(zeros, abs(hi), hi).astype(lo.dtype)
        return Enclosure(lo, lo if x.is_point and not zeros.any() else hi, lo.dtype, is_open)

    return reduction


def place(own):
    def reduction(x):
        values = own(x.lo, axis=0).astype(np.int64)
        return Enclosure(values, values, values.dtype, (~x.exact()).any(axis=0))

    return reduction


def some(x):
    x = truth(x)
    certain = (x.lo & ~x.open).any(axis=0)
    return Enclosure(certain, certain, certain.dtype, x.open.any(axis=0) & ~certain)


def every(x):
    x = truth(x)
    fails = (~x.lo & ~x.open).any(axis=0)
    return Enclosure(~fails, ~fails, fails.dtype, x.open.any(axis=0) & ~fails)


def counted(x):
    x = truth(x)
    values = np.count_nonzero(x.lo, axis=0)
    return point(values) if not x.open.any() else Enclosure(np.asarray(values), np.asarray(values), np.dtype(np.int64), x.open.any(axis=0))


def squares(x, counts):
    """The sum of squared deviations, wide, and how far it is from that of other values within x, under the root."""
    values = x.lo.astype(WIDE)
    deviations = values - np.sum(values, axis=0) / counts
    exact = np.sum(deviations**2, axis=0) - np.sum(deviations, axis=0) ** 2 / counts
    width = np.zeros(()) if x.is_point else np.sqrt(np.sum((x.hi - x.lo).astype(WIDE) ** 2, axis=0))
    return np.maximum(exact, 0), width, np.max(np.abs(deviations), axis=0)


def spread(parts, counts, ddof, root):
    """var or std within 1200 u of the exact value, of a real number or the two parts of a complex one. Deviations of
    2^512 overflow as they are squared; elements of 2^1022 may give NaN."""
    dtype = parts[0].dtype if parts[0].dtype.kind == "f" else F64
    n = len(parts[0].lo)
    divisor = np.maximum(counts - ddof, 0).astype(WIDE)
    error = 1200 * UNIT + n * WIDE(2) ** -61
    low = high = reach = WIDE(0)
    equal, none, exact, huge, is_open = True, False, True, False, False
    for x in parts:
        finite = np.isfinite(x.lo) & np.isfinite(x.hi)
        quadratic, width, furthest = squares(x, np.maximum(counts, 1))
        least = np.maximum(np.sqrt(quadratic) - width, 0) ** 2 * (1 - error) / divisor
        low = low + np.where((least < WIDE(2) ** -1020) & (quadratic > 0), 0, least)
        high = high + ((np.sqrt(quadratic) + width) ** 2 * (1 + error) + n * WIDE(2) ** -1074) / divisor
        reach = reach + (furthest + width) ** 2 * n
        equal = equal & (quadratic == 0) & (width == 0)
        none = none | ~finite.all(axis=0)
        exact = exact & x.exact().all(axis=0)
        huge = huge | (np.max(np.abs(np.where(finite, x.lo, 0)).astype(np.float64), axis=0) >= 2.0**1022)
        is_open = is_open | x.open.any(axis=0)
    high = np.where(reach >= WIDE(2) ** 1023, np.inf, high)
    if root:
        low, high = np.sqrt(low) * (1 - 2 * UNIT), np.sqrt(high) * (1 + 2 * UNIT)
    low, high = outward(low, F64, -np.inf), outward(high, F64, np.inf)
    value = np.where(divisor == 0, np.where(equal, np.nan, np.inf), 0.0)
    known = equal | (divisor == 0)
    low, high = np.where(known, value, low), np.where(known, value, high)
    low, high = np.where(none, np.nan, low).astype(dtype), np.where(none, np.nan, high).astype(dtype)
    return enclosure(low, high, is_open | none & ~exact | huge & ~none | (divisor == 0) & ~exact, exact | known)


def variance(root):
    def reduction(x, ddof=0):
        return spread([x], np.float64(len(x.lo)), ddof, root)

    return reduction


def norm(x, each=1):
    """Within half a sum's bound and a unit of the root of the exact sum of squares. Of complex numbers each lane adds
    twice as many, which stand one behind the other in x."""
    dtype, n = x.dtype if x.dtype.kind == "f" else F64, len(x.lo)
    lo = x.lo.astype(WIDE)
    exact = np.sqrt(np.sum(lo**2, axis=0))
    width = 0 if x.is_point else np.sqrt(np.sum((x.hi.astype(WIDE) - lo) ** 2, axis=0))
    depth = 5 + 32 * each + max(np.ceil(np.log2(max(n // each, 1) / 1024)), 0)
    error = (depth / 2 + 1) * UNIT + n * WIDE(2) ** -63
    low = outward(np.maximum(exact - width, 0) * (1 - error), F64, -np.inf)
    high = outward((exact + width) * (1 + error), F64, np.inf)
    low, high = (end.astype(dtype) for end in (np.maximum(low, 0.0), high))
    points = x.exact().all(axis=0)
    is_open = x.open.any(axis=0) | ~np.isfinite(exact) & ~points
    known = points & (~np.isfinite(exact) | (exact == 0))
    low, high = (np.where(known, exact, end).astype(dtype) for end in (low, high))
    return enclosure(low, high, is_open, known)


# Those that pass over NaN. An interval holds none.


def filled(x, value):
    if x.dtype.kind != "f":
        return x
    return x.mapped(lambda v: v if v.dtype.kind == "b" else np.where(np.isnan(v), v.dtype.type(value), v))


def numbers(x):
    is_nan = np.isnan(x.lo) & np.isnan(x.hi) if x.dtype.kind == "f" else np.zeros(x.shape, bool)
    return np.sum(~is_nan, axis=0).astype(np.float64)


def nan_mean(x):
    counts = numbers(x)
    return mean(filled(x, 0), counts)


def spread_of_numbers(parts, ddof, root):
    """Column by column: the numbers of each are as many as they are."""
    dtype, shape = parts[0].dtype, parts[0].shape[1:]
    columns = [x.mapped(lambda values: values.reshape(len(values), -1)) for x in parts]

    def column(k):
        kept = functools.reduce(np.logical_and, (~(np.isnan(x.lo[:, k]) & np.isnan(x.hi[:, k])) for x in columns))
        is_open = any(x.open[:, k].any() for x in columns)
        if np.sum(kept) <= ddof:
            return np.nan, np.nan, is_open
        chosen = [x.mapped(lambda values: values[kept, k]) for x in columns]
        one = spread(chosen, np.float64(np.sum(kept)), ddof, root)
        return one.lo[()], one.hi[()], bool(one.open[()]) or is_open

    found = [column(k) for k in range(columns[0].shape[1])]
    lo, hi = (np.array([each[end] for each in found], dtype).reshape(shape) for end in (0, 1))
    return Enclosure(lo, hi, dtype, np.array([each[2] for each in found], bool).reshape(shape))


def nan_spread(root):
    def reduction(x, ddof=0):
        return spread_of_numbers([x], ddof, root) if x.dtype.kind == "f" else variance(root)(x, ddof)

    return reduction


NAMED = {
    "sum": sums(added, np.sum), "prod": sums(multiplied, np.prod), "mean": mean, "var": variance(False),
    "std": variance(True), "max": largest(np.max, np.min), "min": largest(np.min, np.max), "any": some, "all": every,
    "count_nonzero": counted, "argmax": place(np.argmax), "argmin": place(np.argmin), "norm": norm,
    "nansum": lambda x: NAMED["sum"](filled(x, 0)), "nanprod": lambda x: NAMED["prod"](filled(x, 1)),
    "nanmax": largest(np.nanmax, np.nanmin), "nanmin": largest(np.nanmin, np.nanmax), "nanmean": nan_mean,
    "nanvar": nan_spread(False), "nanstd": nan_spread(True),
}  # fmt: skip

#: Those that add or multiply: relaxed mode gives them products unrounded.
ADDING = ("sum", "prod", "mean", "var", "std", "norm", "nansum", "nanprod", "nanmean", "nanvar", "nanstd")


def reduced(name, x, axis=None, keepdims=False, **parameters):
    """A reduction over axes."""
    x = stored(x, even_one=name in ADDING)
    table, with_ones = rows(x, axis)
    result = NAMED[name](table, **parameters)
    result.dtype = result.lo.dtype
    return result.mapped(lambda values: values.reshape(with_ones)) if keepdims else result
