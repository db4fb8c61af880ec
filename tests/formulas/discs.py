"""Complex numbers: a value and how far from it fuse's may be, normwise. Where that is 0 the parts are met bit by bit.

Arithmetic is written out in its parts as tests/corpus has it; functions are MPC's value with the budget of docs/numerics.md. What
infinities and NaN give beside an error, and special values of functions, is left open here: the corpus and the tables of
tests/accuracy hold those of points.
"""

import dataclasses
import functools
import importlib.util
import math
import pathlib

import functions
import gmpy2
import numpy as np
from enclosure import WIDE, Enclosure, enclosure, same_bits, settled, unit
from themes_complex import FUNCTIONS, joined, minus, over, plus, times

WIDE_COMPLEX = np.clongdouble

#: Which MPC does not have, so that something cancels.
CANCELLING = ("expm1", "log1p")

#: Ulps of division and functions.
BUDGET = 4


@functools.cache
def exact_values():
    """tests/accuracy/complex.py, whose name a module of its own must not have."""
    path = pathlib.Path(__file__).resolve().parents[1] / "accuracy/complex.py"
    spec = importlib.util.spec_from_file_location("complex_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclasses.dataclass
class Disc:
    value: np.ndarray
    radius: np.ndarray
    open: np.ndarray

    @property
    def dtype(self):
        return self.value.dtype

    @property
    def shape(self):
        return self.value.shape

    def exact(self):
        return (self.radius == 0) & ~self.open

    def mapped(self, function):
        return Disc(*(function(part) for part in (self.value, self.radius, self.open)))


def part_of(dtype):
    return np.dtype(np.float32 if dtype == np.complex64 else np.float64)


def disc(value, radius, is_open, exact=np.False_):
    """Beside an error nothing is said of what is not finite, or about to overflow."""
    value = np.asarray(value)
    limit = float(np.finfo(part_of(value.dtype)).max) / 16
    wide = value.astype(WIDE_COMPLEX)
    beyond = ~(np.abs(wide) + radius < limit)
    shape = np.broadcast(value, radius).shape
    return Disc(np.broadcast_to(value, shape), np.broadcast_to(radius, shape), np.broadcast_to(is_open | beyond & ~exact, shape))


def ulps(value, count=BUDGET):
    return count * functions.ulp(np.abs(value).astype(WIDE), part_of(value.dtype)) * (1 + WIDE(2) ** -20)


def size(x):
    return np.abs(x.value.astype(WIDE_COMPLEX)) + x.radius


def from_real(x, dtype):
    """A real number: its imaginary part is +0. What is not exact has a radius, a zero of either sign too."""
    x = settled(x)
    part = part_of(dtype)
    least = WIDE(np.finfo(part).smallest_subnormal)
    exact = x.exact()
    lo, hi = x.lo.astype(part), x.hi.astype(part)
    middle = np.where(exact, lo, lo / 2 + hi / 2) if part.kind == x.lo.dtype.kind else lo
    radius = np.where(exact, 0, np.maximum((hi - lo).astype(WIDE), least)) if x.lo.dtype.kind == "f" else np.zeros(x.shape, WIDE)
    return disc(joined(middle.astype(part), np.zeros_like(lo), dtype), radius, x.open | ~exact & (x.lo.dtype.kind != "f"), exact)


def typed(x, dtype):
    if isinstance(x, Enclosure):
        return from_real(x, dtype)
    if not isinstance(x, Disc):
        value = np.array(x, dtype)
        return Disc(value, np.zeros((), WIDE), np.zeros((), bool))
    if x.dtype == dtype:
        return x
    value = x.value.astype(dtype)
    rounding = np.where(x.radius > 0, ulps(value, 1), 0)
    return disc(value, x.radius + rounding, x.open, x.exact())


def promoted(*args):
    dtype = np.result_type(*(arg.dtype if hasattr(arg, "dtype") else arg for arg in args))
    return [typed(arg, dtype) for arg in args]


def arithmetic(symbol, a, b):
    a, b = promoted(a, b)
    exact = a.exact() & b.exact()
    u = unit(part_of(a.dtype))
    if symbol == "/":
        return divided(a, b)
    if symbol == "*":
        value = times(a.value, b.value)
        radius = size(a) * b.radius + size(b) * a.radius + 2 * 2.2361 * u * size(a) * size(b) + 4 * ulps(np.zeros((), a.dtype), 1)
    else:
        value = (plus if symbol == "+" else minus)(a.value, b.value)
        radius = a.radius + b.radius + 4 * u * (size(a) + size(b))
    return disc(value, np.where(exact, 0, radius), a.open | b.open, exact)


def divided(a, b):
    """Within the budget; by an exact 0 the parts of a are divided."""
    exact = a.exact() & b.exact()
    value = (a.value.astype(WIDE_COMPLEX) / b.value.astype(WIDE_COMPLEX)).astype(a.dtype)
    away = np.abs(b.value.astype(WIDE_COMPLEX)) - b.radius
    radius = (a.radius + np.abs(value) * b.radius) / away + 2 * ulps(value)
    by_zero = exact & (b.value == 0)
    value = np.where(by_zero, over(a.value, b.value), value)
    # Beside infinities it is as Smith's method has it, which the corpus tests.
    odd = ~by_zero & ~(np.isfinite(a.value) & np.isfinite(b.value)) | ~(away > b.radius) & ~by_zero
    return disc(value, np.where(by_zero, 0, radius), a.open | b.open | odd, by_zero)


def negative(x):
    return dataclasses.replace(x, value=joined(-x.value.real, -x.value.imag, x.dtype))


def conjugate(x):
    return dataclasses.replace(x, value=joined(x.value.real, -x.value.imag, x.dtype))


def power(base, exponent):
    """A plain whole number: a product of squares. Other powers: e^(w log z)."""
    if not isinstance(exponent, (int, float)) or exponent != int(exponent) or abs(exponent) > 64:
        return function("sqrt", [base]) if isinstance(exponent, float) and exponent == 0.5 else function("power", [base, exponent])
    count, wide = abs(int(exponent)), base.value.astype(WIDE_COMPLEX)
    value = functools.reduce(np.multiply, [wide] * count, np.ones_like(wide))
    error = 2.2361 * unit(part_of(base.dtype)) * count + count * 2 * base.radius / np.abs(wide)
    magnitude = np.abs(value)
    info = np.finfo(part_of(base.dtype))
    odd = ~((magnitude > 1e6 * float(info.tiny)) & (magnitude < float(info.max) / 1e6) & (error < 0.01))
    value = (1 / value if exponent < 0 else value).astype(base.dtype)
    radius = 2 * error * np.abs(value) + ulps(value, 1) + (2 * ulps(value) if exponent < 0 else 0)
    return disc(value, radius, base.open | odd)


def function(name, args):
    """Where an argument is not exact, the values at four points about it tell how fast the function changes."""
    if name == "divide":
        return arithmetic("/", *args)
    args = promoted(*args)
    dtype = args[0].dtype
    args = [arg.mapped(lambda part: part) for arg in args]
    values, radii, is_open = np.broadcast_arrays(*(a.value for a in args)), [a.radius for a in args], args[0].open
    for arg in args[1:]:
        is_open = is_open | arg.open
    radii = np.broadcast_arrays(*radii, np.empty(values[0].shape))[: len(args)]
    is_open = np.broadcast_to(is_open, values[0].shape)
    out, spread = np.zeros(values[0].shape, np.complex128), np.full(values[0].shape, np.inf, WIDE)
    for place in np.ndindex(out.shape):
        if not is_open[place]:
            one = [(complex(value[place]), float(radius[place])) for value, radius in zip(values, radii)]
            out[place], spread[place] = element(name, one)
    value = out.astype(dtype)
    count = BUDGET
    if name == "power":
        z, w = (arg.value.astype(WIDE_COMPLEX) for arg in args)
        count = BUDGET + 2 * np.abs(w * np.log(z))
    radius = 4 * spread + ulps(value, count) + ulps(value, 1)
    return disc(value, radius, is_open | ~np.isfinite(radius))


def modulus(z):
    """Infinite where Python's `abs` of a complex number fails."""
    return math.hypot(z.real, z.imag)


def element(name, args):
    centre = at(name, [value for value, _ in args])
    if centre is None or (name == "power" and any(radius for _, radius in args)):
        return 0, np.inf
    spread = 0.0
    if args[0][1] > 0:
        z, r = args[0]
        around = [at(name, [z + step * r]) for step in (1, -1, 1j, -1j)]
        if None in around:
            return 0, np.inf
        spread = max(modulus(value - centre) for value in around)
        # What f64 rounds away of these differences.
        spread += 2.0**-50 * modulus(centre)
        if not spread < 0.1 * modulus(centre):
            return 0, np.inf
    return centre, spread


@functools.lru_cache(maxsize=1 << 16)
def known(name, parts):
    args = [float.fromhex(part) for part in parts]
    try:
        if name in FUNCTIONS and name not in CANCELLING:
            with gmpy2.context(precision=120):
                exact = FUNCTIONS[name](gmpy2.mpc(*args))
            exact = exact.real, exact.imag
        else:
            exact = exact_values().exact(name, args)
    except (OverflowError, ValueError, ZeroDivisionError):
        return None
    value = complex(float(exact[0]), float(exact[1]))
    return value if np.isfinite(value) else None


def at(name, values):
    """The value at finite points, but not where a power has a rule of its own; None elsewhere."""
    parts = [part for value in values for part in (value.real, value.imag)]
    if not all(abs(part) < 1e15 for part in parts) or name == "power" and 0 in values:
        return None
    with gmpy2.context():
        return known(name, tuple(part.hex() for part in parts))


# To real numbers and truth values.


def side(x, name):
    """The real or imaginary part."""
    part = getattr(x.value, name)
    exact = x.exact()
    lo = functions.inward(part - x.radius, part.dtype, -np.inf)
    hi = functions.inward(part + x.radius, part.dtype, np.inf)
    lo, hi = np.where(exact, part, lo), np.where(exact, part, hi)
    return enclosure(lo.astype(part.dtype), hi.astype(part.dtype), x.open, exact)


def magnitude(x):
    return functions.called("hypot", [side(x, "real"), side(x, "imag")], False)


def angle(x):
    return functions.called("atan2", [side(x, "imag"), side(x, "real")], False)


def equal(a, b, is_equal):
    a, b = promoted(a, b)
    distance = np.abs(a.value.astype(WIDE_COMPLEX) - b.value.astype(WIDE_COMPLEX))
    decided = a.exact() & b.exact() | (distance > a.radius + b.radius)
    values = (a.value == b.value) == is_equal
    return Enclosure(values, values, values.dtype, a.open | b.open | ~decided)


def question(function, x):
    values = np.asarray(function(x.value))
    return Enclosure(values, values, values.dtype, x.open)


def chosen(condition, a, b):
    a, b = promoted(a, b)
    c = condition.lo
    is_open = np.where(c, a.open, b.open) | condition.open
    return Disc(np.where(c, a.value, b.value), np.where(c, a.radius, b.radius), is_open)


def paired(a, b):
    """`complex(a, b)`."""
    dtype = np.result_type(*(x.dtype for x in (a, b)), np.complex64)
    a, b = typed(a, dtype), typed(b, dtype)
    exact = a.exact() & b.exact()
    return disc(joined(a.value.real, b.value.real, dtype), a.radius + b.radius, a.open | b.open, exact)


def judged(result, expected):
    """Which elements are exact, and which fit."""
    exact = expected.radius == 0
    bits = same_bits(result.real, expected.value.real) & same_bits(result.imag, expected.value.imag)
    distance = np.abs(result.astype(WIDE_COMPLEX) - expected.value.astype(WIDE_COMPLEX))
    return exact, np.where(exact, bits, distance <= expected.radius)


def variable(values):
    return Disc(values, np.zeros(values.shape, WIDE), np.zeros(values.shape, bool))


