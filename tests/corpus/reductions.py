"""Reductions as numerics.md and language.md define them, over any axes of NumPy arrays.

Sums and products follow the documented order step by step, so that their bits are exact. Variances and
norms are the exact rational (or, under a root, 400-bit) value rounded once: cases leave them a
tolerance. Everything else is exact whatever the order. Of complex numbers sums and means are those of the parts,
products those of pairs by the plain formula; variances and norms count the squares of both parts. Nothing
comes from fuse.
"""

import math
from fractions import Fraction

import gmpy2
import numpy as np

from oracle import BLOCK, LANES, fma1, rounded, tree_sum, wrap

F32, F64, I64, BOOL = np.float32, np.float64, np.int64, np.bool_


def fold(values, init, step, merge):
    """The order of numerics.md, for any state."""
    if len(values) < 8:
        state = init
        for v in values:
            state = step(state, v)
        return state
    runs = []
    for start in range(0, len(values), BLOCK):
        lanes = [init] * LANES
        for i, v in enumerate(values[start:start + BLOCK]):
            lanes[i % LANES] = step(lanes[i % LANES], v)
        width = LANES // 2
        while width:
            lanes = [merge(lanes[k], lanes[k + width]) for k in range(width)]
            width //= 2
        runs.append((0, lanes[0]))
        while len(runs) > 1 and runs[-1][0] == runs[-2][0]:
            level, right = runs.pop()
            runs[-1] = (level + 1, merge(runs[-1][1], right))
    state = runs.pop()[1]
    while runs:
        state = merge(runs.pop()[1], state)
    return state


def along(function, x, axis, keepdims, dtype):
    """`function` of the elements along the axes, in C order, for each place of the others."""
    x = np.asarray(x)
    axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = sorted(a % x.ndim if x.ndim else a for a in axes)
    kept = [a for a in range(x.ndim) if a not in axes]
    n = int(np.prod([x.shape[a] for a in axes], dtype=int))
    shape = tuple(x.shape[a] for a in kept)
    rows = np.transpose(x, kept + axes).reshape(shape + (n,))
    out = np.empty(shape, dtype)
    with np.errstate(all="ignore"):
        for place in np.ndindex(shape):
            out[place] = function(rows[place])
    if keepdims:
        out = out.reshape([1 if a in axes else x.shape[a] for a in range(x.ndim)])
    return out


def total_dtype(x):
    return x.dtype.type if x.dtype.kind in "fc" else np.uint64 if x.dtype.kind == "u" else I64


def mean_dtype(x):
    return x.dtype.type if x.dtype.kind in "fc" else F64


def spread_dtype(x):
    """Of variances and norms: real."""
    return mean_dtype(x.real) if x.dtype.kind == "c" else mean_dtype(x)


def pair(re, im, dtype):
    """A complex number of two f64, each rounded once."""
    out = np.empty((), dtype)
    out.real, out.imag = re, im
    return out[()]


def ordered_sum(v):
    if v.dtype.kind == "c":
        return pair(tree_sum(v.real, F64), tree_sum(v.imag, F64), v.dtype)
    if v.dtype.kind != "f":
        return wrap(sum(int(a) for a in v), total_dtype(v))
    return v.dtype.type(tree_sum(v, F64))


def times(z, w):
    """The plain product of two pairs."""
    return z[0] * w[0] - z[1] * w[1], z[0] * w[1] + z[1] * w[0]


def ordered_product(v):
    if v.dtype.kind == "c":
        pairs = [(F64(a.real), F64(a.imag)) for a in v]
        return pair(*fold(pairs, (F64(1), F64(0)), times, times), v.dtype)
    if v.dtype.kind != "f":
        return wrap(math.prod(int(a) for a in v), total_dtype(v))
    product = fold([F64(a) for a in v], F64(1), lambda a, b: a * b, lambda a, b: a * b)
    return v.dtype.type(product)


def ordered_mean(v):
    if v.dtype.kind == "c":
        return mean_of_parts(v, F64(len(v)))
    return mean_dtype(v)(tree_sum(v, F64) / F64(len(v)))


def mean_of_parts(v, count):
    return pair(tree_sum(v.real, F64) / count, tree_sum(v.imag, F64) / count, v.dtype)


def fma_sum(a, b):
    """The sum of products by multiply-adds, as relaxed mode has it."""
    dtype = np.result_type(a, b).type
    pairs = [(F64(p), F64(q)) for p, q in zip(a, b)]
    state = fold(pairs, F64(0), lambda s, pq: fma1(pq[0], pq[1], s), lambda s, t: s + t)
    return dtype(state)


def exact(v):
    """The elements as rational numbers."""
    return [Fraction(float(a)) if v.dtype.kind == "f" else Fraction(int(a)) for a in v]


def parts(v):
    return [v.real, v.imag] if v.dtype.kind == "c" else [v]


def exact_variance(v, ddof):
    if v.dtype.kind in "fc" and not np.all(np.isfinite(v)):
        return math.nan
    squares = Fraction(0)
    for part in map(exact, parts(v)):
        mean = sum(part) / len(part)
        squares += sum((a - mean) ** 2 for a in part)
    divisor = max(len(v) - ddof, 0)
    if divisor == 0:
        return math.inf if squares else math.nan
    return squares / divisor


def number(value, dtype):
    return rounded(value, dtype) if isinstance(value, Fraction) else dtype(value)


def root(value, dtype):
    if not isinstance(value, Fraction):
        return dtype(value)
    with gmpy2.context(precision=400, emin=-10000, emax=10000):
        exact = gmpy2.sqrt(gmpy2.mpfr(gmpy2.mpq(value.numerator, value.denominator)))
        ratio = gmpy2.mpq(*exact.as_integer_ratio())
    return rounded(Fraction(int(ratio.numerator), int(ratio.denominator)), dtype)


def variance(v, ddof=0):
    return number(exact_variance(v, ddof), spread_dtype(v))


def deviation(v, ddof=0):
    return root(exact_variance(v, ddof), spread_dtype(v))


def norm_of(v):
    if v.dtype.kind in "fc" and np.any(np.isnan(v)):
        return math.nan
    if v.dtype.kind in "fc" and np.any(np.isinf(v)):
        return math.inf
    squares = sum(a**2 for part in parts(v) for a in exact(part))
    return root(Fraction(squares), spread_dtype(v))


def numbers(v):
    return v[~np.isnan(v)] if v.dtype.kind in "fc" else v


def filled(v, value):
    return np.where(np.isnan(v), v.dtype.type(value), v) if v.dtype.kind in "fc" else v


def mean_of_numbers(v):
    if v.dtype.kind == "c":
        return mean_of_parts(filled(v, 0), F64(len(numbers(v))))
    if v.dtype.kind != "f":
        return ordered_mean(v)
    return v.dtype.type(tree_sum(filled(v, 0), F64) / F64(len(numbers(v))))


def spread_of_numbers(v, ddof, result):
    return math.nan if len(numbers(v)) <= ddof else result(numbers(v), ddof)


def plain(function, dtype):
    def reduction(x, axis=None, keepdims=False):
        x = np.asarray(x)
        return along(function, x, axis, keepdims, dtype(x))
    return reduction


def spread(function):
    def reduction(x, axis=None, keepdims=False, ddof=0):
        x = np.asarray(x)
        return along(lambda v: function(v, ddof), x, axis, keepdims, spread_dtype(x))
    return reduction


def dot(a, b):
    product = np.asarray(a) * np.asarray(b)
    return total_dtype(product)(ordered_sum(product))


def own(x):
    return x.dtype.type


def extremum(choose):
    def one(v):
        rest = numbers(v)
        return choose(rest) if len(rest) else v.dtype.type(math.nan)
    return one


#: Every reduction under its name.
REDUCTIONS = {
    "sum": plain(ordered_sum, total_dtype), "prod": plain(ordered_product, total_dtype),
    "mean": plain(ordered_mean, mean_dtype), "var": spread(variance), "std": spread(deviation),
    "max": plain(np.max, own), "min": plain(np.min, own),
    "any": plain(np.any, lambda x: BOOL), "all": plain(np.all, lambda x: BOOL),
    "count_nonzero": plain(np.count_nonzero, lambda x: I64),
    "argmax": plain(np.argmax, lambda x: I64), "argmin": plain(np.argmin, lambda x: I64),
    "norm": plain(norm_of, spread_dtype), "dot": dot,
    "nansum": plain(lambda v: ordered_sum(filled(v, 0)), total_dtype),
    "nanprod": plain(lambda v: ordered_product(filled(v, 1)), total_dtype),
    "nanmax": plain(extremum(np.max), own), "nanmin": plain(extremum(np.min), own),
    "nanmean": plain(mean_of_numbers, mean_dtype),
    "nanvar": spread(lambda v, ddof: spread_of_numbers(v, ddof, variance)),
    "nanstd": spread(lambda v, ddof: spread_of_numbers(v, ddof, deviation)),
}
