"""What reductions give: the bits that follow from the order of docs/numerics.md, checked here to be within the
bounds that it states for the exact rational value; of variances and norms the exact value rounded once.
"""

import math
from fractions import Fraction

import numpy as np
from oracle import tree_sum
from outcome import Value
from reductions import REDUCTIONS, fold, numbers

#: Kept in f64 in the documented order.
ORDERED = ("sum", "prod", "mean", "dot", "nansum", "nanprod", "nanmean")

#: Floats that an f64 may be from the exact value rounded. numerics.md promises less: some 40 units in var of so few
#: elements, half of that under a root, and 5 mostly. f16 and f32 are the f64 result rounded: none.
WITHIN = {"var": 2, "std": 1, "norm": 1, "nanvar": 2, "nanstd": 1}

#: Half the distance of 1 and the next f64.
UNIT = Fraction(1, 2**53)

#: The first number beyond f64's range.
LIMIT = Fraction(2) ** 1024


def terms(name, args):
    """What is added or multiplied, as f64: products are rounded as `a * b` is."""
    values = args[0] * args[1] if name == "dot" else args[0]
    return numbers(values).astype(np.float64)


def ordered(name, args):
    """The result in the documented order."""
    values = terms(name, args)
    if np.all(np.isfinite(values)) and len(values):
        check_product(values) if "prod" in name else check_total(values)
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


def nearest(name, values):
    """The exact value rounded once; infinite where a variance overflows f64, and its root with it."""
    exact = REDUCTIONS[name](values)
    if name.endswith("std") and np.isinf(REDUCTIONS[name.replace("std", "var")](values.astype(np.float64))):
        return Value(np.full_like(exact, np.inf))
    return Value(exact)
