"""Expected values that NumPy does not give, and the functions that formulas are evaluated with.

Three sources only. NumPy 2, where fuse promises NumPy's bits. Exact rational arithmetic and plain
Python integers, where fuse differs on purpose (docs/language.md) or rounds fewer times (relaxed
mode): every float operation here is an exact rational result rounded once. MPFR at 256 bits for the
elementary functions (`elementary.py`), rounded once. Nothing comes from fuse.
"""

import math
import operator
from fractions import Fraction

import numpy as np

#: The dtypes that fuse computes on, by its names.
DTYPES = {
    "bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "u8": np.uint8,
    "u16": np.uint16, "u32": np.uint32, "u64": np.uint64, "f16": np.float16, "f32": np.float32,
    "f64": np.float64,
}

#: Significant bits, exponent of the least number, exponent of the first number beyond the range.
FORMATS = {np.float64: (53, -1074, 1024), np.float32: (24, -149, 128), np.float16: (11, -24, 16)}


def rounded(value, dtype):
    """The float of a dtype nearest to a Fraction, ties to even."""
    if value == 0:
        return dtype(0.0)
    precision, least, limit = FORMATS[dtype]
    sign, value = (-1, -value) if value < 0 else (1, value)
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if Fraction(2) ** exponent > value:
        exponent -= 1
    unit = max(exponent - precision + 1, least)
    scaled = value / Fraction(2) ** unit
    units = scaled.numerator // scaled.denominator
    rest = scaled - units
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and units % 2 == 1):
        units += 1
    if units * Fraction(2) ** unit >= Fraction(2) ** limit:
        return dtype(sign * math.inf)
    return dtype(sign * math.ldexp(units, unit))


def fma1(x, y, z):
    """x*y + z of one element, rounded once."""
    dtype = type(z)
    if not (np.isfinite(x) and np.isfinite(y) and np.isfinite(z)):
        with np.errstate(all="ignore"):
            if np.isfinite(x) and np.isfinite(y):
                return z
            return dtype(x * y + z)
    exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
    if exact == 0:
        product_negative = bool(np.signbit(x)) != bool(np.signbit(y))
        both = product_negative and bool(np.signbit(z))
        is_zero = float(x) == 0 or float(y) == 0
        return dtype(-0.0) if both and (is_zero or float(z) == 0) else dtype(0.0)
    return rounded(exact, dtype)


def fma(x, y, z):
    """x*y + z of arrays and scalars, element by element."""
    dtype = np.result_type(x, y, z).type
    x, y, z = np.broadcast_arrays(*(np.asarray(v, dtype) for v in (x, y, z)))
    out = [fma1(dtype(a), dtype(b), dtype(c)) for a, b, c in zip(x.flat, y.flat, z.flat)]
    return np.array(out, dtype).reshape(x.shape)


def horner(coefficients, x):
    """c[0] + c[1]*x + ... highest first, each step one fma; a coefficient of None is x itself."""
    acc = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        acc = fma(x, acc, c)
    return acc


def constant(value, dtype=np.float64):
    """An exact constant rounded once."""
    return rounded(Fraction(value), dtype)


def product_power(x, n):
    """x**n as the product of x^(2^i) over the set bits of n, lowest first."""
    acc, square = None, x
    while n:
        if n & 1:
            acc = square if acc is None else acc * square
        n >>= 1
        if n:
            square = square * square
    return acc


def bits_of(dtype):
    return 8 * np.dtype(dtype).itemsize


def wrap(value, dtype):
    """A Python integer modulo 2^width: in two's complement where the dtype is signed."""
    bits = bits_of(dtype)
    value &= (1 << bits) - 1
    return value - (1 << bits) if np.dtype(dtype).kind == "i" and value >> (bits - 1) else value


def by_element(function, *arrays, dtype):
    arrays = np.broadcast_arrays(*(np.asarray(a) for a in arrays))
    values = [function(*(e.item() for e in es)) for es in zip(*(a.flat for a in arrays))]
    return np.array(values, dtype).reshape(arrays[0].shape)


def int_floor_div(a, b):
    dtype = np.result_type(a, b)
    return by_element(lambda x, y: wrap(x // y, dtype) if y else 0, a, b, dtype=dtype)


def int_mod(a, b):
    dtype = np.result_type(a, b)
    return by_element(lambda x, y: x % y if y else 0, a, b, dtype=dtype)


def int_fmod(a, b):
    def one(x, y):
        return 0 if y == 0 else (abs(x) % abs(y)) * (-1 if x < 0 else 1)

    return by_element(one, a, b, dtype=np.result_type(a, b))


def shift_left(a, n):
    dtype = np.result_type(a, n)
    bits = bits_of(dtype)
    return by_element(
        lambda x, c: wrap(x << c, dtype) if 0 <= c < bits else 0, a, n, dtype=dtype
    )


def shift_right(a, n):
    dtype = np.result_type(a, n)
    bits = bits_of(dtype)
    fill = lambda x: -1 if x < 0 else 0
    return by_element(lambda x, c: x >> c if 0 <= c < bits else fill(x), a, n, dtype=dtype)


def int_power(a, n):
    """Integer powers: wrapping; negative exponents give 1 for 1, +-1 for -1, else 0."""
    dtype = np.result_type(a, n)

    def one(x, k):
        if k >= 0:
            return wrap(pow(x, k, 1 << bits_of(dtype)), dtype)
        return 1 if x == 1 else (-1 if k % 2 else 1) if x == -1 else 0

    return by_element(one, a, n, dtype=dtype)


def saturate(x, dtype):
    """Float to integer as Rust's `as`: truncated, saturated, NaN to 0."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max

    def one(v):
        if math.isnan(v):
            return 0
        if math.isinf(v):
            return high if v > 0 else low
        return max(low, min(high, math.trunc(v)))

    return by_element(one, x, dtype=dtype)


def minimum(a, b):
    """language.md, numerics.md: NaN from either side, else the first if it is less."""
    a, b = np.broadcast_arrays(a, b)
    dtype = np.result_type(a, b)
    a, b = a.astype(dtype), b.astype(dtype)
    return np.where((a < b) | (a != a), a, b)


def maximum(a, b):
    a, b = np.broadcast_arrays(a, b)
    dtype = np.result_type(a, b)
    a, b = a.astype(dtype), b.astype(dtype)
    return np.where((a > b) | (a != a), a, b)


def copysign(a, b):
    """NaN counts as positive."""
    dtype = np.result_type(a, b)
    dtype = dtype if dtype.kind == "f" else np.dtype("float64")
    a, b = np.asarray(a).astype(dtype), np.asarray(b).astype(dtype)
    return np.copysign(a, np.where(np.isnan(b), dtype.type(1), b))


def signbit(a):
    a = np.asarray(a)
    return np.signbit(a) & ~np.isnan(a) if a.dtype.kind == "f" else a < 0


# Sums: docs/numerics.md section 1.

BLOCK, LANES = 1024, 32


def tree_sum(values, dtype):
    """Below 8 elements left to right from 0; else blocks of 1024 with 32 accumulators each, block
    sums combined as a binary counter, left-over runs from the right."""
    values = [dtype(v) for v in np.asarray(values).flat]
    with np.errstate(all="ignore"):
        if len(values) < 8:
            acc = dtype(0)
            for v in values:
                acc = acc + v
            return acc
        runs = []
        for start in range(0, len(values), BLOCK):
            runs.append((0, block_sum(values[start:start + BLOCK], dtype)))
            while len(runs) > 1 and runs[-1][0] == runs[-2][0]:
                level, right = runs.pop()
                runs[-1] = (level + 1, runs[-1][1] + right)
        acc = runs.pop()[1]
        while runs:
            acc = runs.pop()[1] + acc
        return acc


def block_sum(values, dtype):
    accumulators = [dtype(0)] * LANES
    for i, v in enumerate(values):
        accumulators[i % LANES] = accumulators[i % LANES] + v
    width = LANES // 2
    while width:
        accumulators = [accumulators[k] + accumulators[k + width] for k in range(width)]
        width //= 2
    return accumulators[0]


def fuse_sum(x):
    """sum(x): bool and integers wrap in i64, unsigned ones in u64; f16 and f32 are added in f64 and rounded
    once."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        dtype = np.uint64 if x.dtype.kind == "u" else np.int64
        return dtype(wrap(sum(int(v) for v in x.flat), dtype))
    return x.dtype.type(tree_sum(x, np.float64))


def splitmix(seed, n):
    """n floats in [-1, 1) from splitmix64; the runner has the same generator."""
    mask, out = (1 << 64) - 1, []
    for _ in range(n):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        z ^= z >> 31
        out.append((z >> 11) * 2.0**-52 - 1.0)
    return np.array(out)


def as_float64(function):
    """Floating functions of integers and bool are computed in f64, whatever NumPy does for bool."""
    def call(*args):
        args = [np.asarray(a) for a in args]
        if all(a.dtype.kind in "iub" for a in args):
            args = [a.astype(np.float64) for a in args]
        return function(*args)
    return call


def identity_on_integers(function):
    return lambda a: a if np.asarray(a).dtype.kind in "iub" else function(a)


def cast(dtype):
    def convert(x):
        x = np.asarray(x)
        if x.dtype.kind == "f" and np.dtype(dtype).kind in "iu":
            return saturate(x, dtype)
        with np.errstate(all="ignore"):
            return x.astype(dtype)
    return convert


def popcount(x):
    return by_element(lambda v: abs(v).bit_count(), x, dtype=np.uint8)


def gcd(a, b):
    dtype = np.result_type(a, b)
    return by_element(lambda x, y: wrap(math.gcd(x, y), dtype), a, b, dtype=dtype)


def lcm(a, b):
    dtype = np.result_type(a, b)
    return by_element(lambda x, y: wrap(math.lcm(x, y), dtype), a, b, dtype=dtype)


def compare(symbol, a, b):
    """A comparison of integers of any two dtypes, as Python's integers compare."""
    relation = {"<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
                ">=": operator.ge, ">": operator.gt}[symbol]
    return by_element(relation, a, b, dtype=bool)


#: What names mean when a formula's text is evaluated by Python; `elementary.py` has the rest.
NAMES = {
    "sqrt": as_float64(np.sqrt), "abs": np.abs, "where": np.where, "sign": np.sign,
    "floor": identity_on_integers(np.floor), "ceil": identity_on_integers(np.ceil),
    "trunc": identity_on_integers(np.trunc), "round": identity_on_integers(np.round),
    "minimum": minimum, "maximum": maximum, "copysign": copysign, "signbit": signbit,
    "fmod": np.fmod, "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
    "sum": fuse_sum, "max": np.max, "min": np.min, "clip": lambda x, a, b: minimum(maximum(x, a), b),
    "divide": np.true_divide, "true_divide": np.true_divide,
    **{name: cast(dtype) for name, dtype in DTYPES.items()},
    "popcount": popcount, "gcd": gcd, "lcm": lcm, "isclose": np.isclose, "ones_like": np.ones_like,
    "zeros_like": np.zeros_like, "copy": np.copy, "bitwise_count": popcount,
    "len": len, "arange": np.arange, "linspace": np.linspace, "zeros": np.zeros, "ones": np.ones, "full": np.full,
    "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan,
}
