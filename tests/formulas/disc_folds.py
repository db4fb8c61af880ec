"""Reductions of complex numbers: sums and products in the documented order, variances and norms by their parts."""

import discs
import folds
import numpy as np
from discs import Disc, disc, side, size, ulps
from enclosure import WIDE, Enclosure
from reductions import fold
from themes_complex import joined, times


def halves(x):
    return [side(x, "real"), side(x, "imag")]


def rounded(value, dtype, radius, x):
    """The f64 result rounded once; where something is not exact, within so much and the rounding."""
    exact = x.exact().all(axis=0)
    value = value.astype(dtype)
    radius = np.where(exact, 0, radius + ulps(value, 2))
    return disc(value, radius, x.open.any(axis=0), exact)


def added(x, counts=1.0):
    """The parts' sums, each divided by the count."""
    parts = [folds.total(part) / counts for part in (x.value.real, x.value.imag)]
    allowed = (37 + 12) * folds.UNIT * np.sum(size(x), axis=0)
    return rounded(joined(*parts), x.dtype, (np.sum(x.radius, axis=0) + 2 * allowed) / counts, x)


def multiplied(x):
    """Errors of the factors multiply; nothing is said of a factor that may be 0."""
    values = x.value.astype(np.complex128)
    one = np.ones(values.shape[1:], np.complex128)
    value = np.asarray(fold(list(values), one, times, times))
    magnitude = np.abs(x.value.astype(WIDE))
    small = x.radius < 0.01 * magnitude
    relative = np.where(small, x.radius / np.where(magnitude == 0, 1, magnitude), 0).astype(WIDE)
    factor = np.expm1(2 * np.sum(relative, axis=0) + 4 * len(values) * 2.2361 * folds.UNIT)
    result = rounded(value, x.dtype, factor * np.abs(value.astype(discs.WIDE_COMPLEX)), x)
    exact = x.exact().all(axis=0)
    # Products that are subnormal on the way lose more.
    tiny = np.min(np.where(magnitude == 0, 1, magnitude), axis=0, initial=1) < WIDE(2) ** (-900 / max(len(values), 1))
    return Disc(result.value, result.radius, result.open | ~exact & (tiny | ~small.all(axis=0)))


def variance(root):
    def reduction(x, ddof=0):
        return folds.spread(halves(x), np.float64(len(x.value)), ddof, root)

    return reduction


def norm(x):
    re, im = halves(x)
    both = Enclosure(*(np.concatenate(pair) for pair in ((re.lo, im.lo), (re.hi, im.hi))), re.dtype, np.concatenate((re.open, im.open)))
    return folds.norm(both, each=2)


def is_nan(x):
    return np.isnan(x.value.real) | np.isnan(x.value.imag)


def filled(x, value):
    return Disc(np.where(is_nan(x), x.dtype.type(value), x.value), x.radius, x.open)


def nan_mean(x):
    return added(filled(x, 0), np.sum(~is_nan(x), axis=0).astype(np.float64))


def nan_spread(root):
    def reduction(x, ddof=0):
        return folds.spread_of_numbers(halves(x), ddof, root)

    return reduction


NAMED = {
    "sum": added, "prod": multiplied, "mean": lambda x: added(x, np.float64(len(x.value))), "norm": norm,
    "var": variance(False), "std": variance(True), "nansum": lambda x: added(filled(x, 0)),
    "nanprod": lambda x: multiplied(filled(x, 1)), "nanmean": nan_mean, "nanvar": nan_spread(False),
    "nanstd": nan_spread(True),
}  # fmt: skip


def reduced(name, x, axis=None, keepdims=False, **parameters):
    """A reduction over axes."""
    table, with_ones = folds.rows(x, axis)
    result = NAMED[name](table, **parameters)
    return result.mapped(lambda values: values.reshape(with_ones)) if keepdims else result
