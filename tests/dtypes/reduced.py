"""What reductions give: the bits that follow from the order of docs/numerics.md, checked here to be within the
bounds that it states for the exact rational value; of variances and norms the exact value rounded once.
"""

import math
from fractions import Fraction

import numpy as np
from complexes import times
from oracle import tree_sum
from outcome import Value
from reductions import REDUCTIONS, fold, numbers, parts
from reductions import times as pair_times

#: Kept in f64 in the documented order.
ORDERED = ("sum", "prod", "mean", "dot", "nansum", "nanprod", "nanmean")

#: Floats that an f64 may be from the exact value rounded. numerics.md promises less: some 40 units in var of so few
#: elements, half of that under a root, and 5 mostly. f16 and f32 are the f64 result rounded: none.
WITHIN = {"var": 2, "std": 1, "norm": 1, "nanvar": 2, "nanstd": 1}

#: As that, of complex numbers: both parts' errors and a sum.
WITHIN_OF_COMPLEX = {"var": 8, "std": 4, "norm": 2, "nanvar": 8, "nanstd": 4}

#: Half the distance of 1 and the next f64.
UNIT = Fraction(1, 2**53)

#: The first number beyond f64's range.
LIMIT = Fraction(2) ** 1024


def terms(name, args):
    """What is added or multiplied, as f64: products are rounded as `a * b` is."""
    values = product(*args) if name == "dot" else args[0]
    values = numbers(values)
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def product(a, b):
    dtype = np.result_type(a, b)
    return times(a.astype(dtype), b.astype(dtype)) if dtype.kind == "c" else a * b


def ordered(name, args):
    """The result in the documented order."""
    values = terms(name, args)
    if np.all(np.isfinite(values)) and len(values):
        for part in parts(values) if "prod" not in name else []:
            check_total(part)
        if "prod" in name:
            check_complex_product(values) if values.dtype.kind == "c" else check_product(values)
    if name == "dot" and values.dtype.kind == "c":
        return Value(REDUCTIONS["sum"](product(*args)))
    return Value(REDUCTIONS[name](*args))


def check_total(values):
    """A total in that order is within numerics.md's bound of the exact one: 37 units of the sum of magnitudes."""
    total, exact = float(tree_sum(values, np.float64)), [Fraction(float(value)) for value in values]
    magnitude = sum(map(abs, exact))
    if math.isfinite(total):
        assert abs(Fraction(total) - sum(exact)) <= 37 * UNIT * magnitude, (values, total)
    else:
        assert magnitude >= LIMIT, values


def check_product(values):
    """A product in that order is within numerics.md's bound: a unit for each factor, where nothing underflows."""
    times = lambda a, b: a * b  # noqa: E731
    product = float(fold(list(values), np.float64(1), times, times))
    exact = math.prod(Fraction(float(value)) for value in values)
    if math.isfinite(product):
        assert abs(Fraction(product) - exact) <= len(values) * UNIT * abs(exact) + Fraction(2) ** -1074, values
    else:
        assert 0 in values or abs(exact) >= LIMIT, values


def check_complex_product(values):
    """Normwise √5 units for each factor but the first."""
    state, exact = (np.float64(1), np.float64(0)), (Fraction(1), Fraction(0))
    assert len(values) < 8, "the order of more is another"
    for value in values:
        state = pair_times(state, (value.real, value.imag))
        exact = pair_times(exact, (Fraction(float(value.real)), Fraction(float(value.imag))))
    error = sum((Fraction(float(part)) - whole) ** 2 for part, whole in zip(state, exact))
    assert error <= 5 * (len(values) * UNIT) ** 2 * sum(whole**2 for whole in exact), values


def nearest(name, values):
    """The exact value rounded once; infinite where a variance overflows f64, and its root with it."""
    exact = REDUCTIONS[name](values)
    wide = np.complex128 if values.dtype.kind == "c" else np.float64
    if name.endswith("std") and np.isinf(REDUCTIONS[name.replace("std", "var")](values.astype(wide))):
        return Value(np.full_like(exact, np.inf))
    return Value(exact)
