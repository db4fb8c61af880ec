"""What complex arithmetic and functions give: products and quotients in their parts, functions by MPC and C99's
Annex G (`tests/accuracy/complex.py`). What neither says, and results whose budget is wide, are left open.
"""

import importlib
import math
import pathlib
import sys

import numpy as np
from outcome import Value

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "accuracy"))
accuracy = importlib.import_module("complex")

#: Units in the last place of the magnitude that a result may be from the one that stands in the table. That is
#: rounded in both parts: less than a unit.
WITHIN = 5

#: Beyond this |w·log z| a power is left open: its budget is 4 + 2·|w·log z|.
EXPONENT = 16
WITHIN_POWER = 4 + 2 * EXPONENT + 1

FORMATS = {np.dtype(np.complex64): accuracy.Format("c64"), np.dtype(np.complex128): accuracy.Format("c128")}
OPEN = None


def joined(re, im, dtype):
    """A complex array of two parts, without arithmetic."""
    out = np.empty(np.broadcast(re, im).shape, dtype)
    out.real, out.imag = re, im
    return out


def times(a, b):
    """The plain product: NumPy's has multiply-adds on some processors."""
    with np.errstate(all="ignore"):
        return joined(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real, a.dtype)


def is_finite(parts):
    return all(map(math.isfinite, parts))


def rounded(format, value):
    """Of mpfr numbers; open where a part overflows."""
    parts = [format.nearest(part) for part in value]
    return parts if is_finite(parts) else OPEN


def function(name, format, parts):
    value = accuracy.special(name, *parts)
    if value is not None:
        is_open = any(isinstance(part, accuracy.Open) for part in value)
        return OPEN if is_open else [format.rounded(part) for part in value]
    return rounded(format, accuracy.exact(name, parts)) if is_finite(parts) else OPEN


def quotient(name, format, parts):
    """By 0 the parts divided by it, as NumPy."""
    if parts[2] == 0 and parts[3] == 0:
        with np.errstate(all="ignore"):
            return [float(np.float64(part) / 0.0) for part in parts[:2]]
    return rounded(format, accuracy.exact(name, parts)) if is_finite(parts) else OPEN


def power(name, format, parts):
    if parts[2:] == [0, 0]:
        return [1.0, 0.0]
    if not is_finite(parts):
        return OPEN
    if parts[:2] == [0, 0]:
        return [0.0, 0.0] if parts[2] > 0 else [math.nan, math.nan]
    with accuracy.precisely(100):
        exponent = accuracy.complex_of(parts[2:]) * accuracy.gmpy2.log(accuracy.complex_of(parts[:2]))
        if abs(exponent) > EXPONENT:
            return OPEN
    return rounded(format, accuracy.exact(name, parts))


KINDS = {"divide": quotient, "power": power, **dict.fromkeys(accuracy.FUNCTIONS, function)}


def values(name, dtype, args):
    """Of each element of the broadcast arguments."""
    arrays = np.broadcast_arrays(*(np.asarray(arg).astype(dtype) for arg in args))
    found = []
    for point in zip(*(array.flat for array in arrays)):
        parts = [float(part) for number in point for part in (number.real, number.imag)]
        found.append(KINDS[name](name, FORMATS[dtype], parts))
    known = np.array([parts is not OPEN for parts in found])
    parts = np.array([parts or (0.0, 0.0) for parts in found], np.float64).reshape(-1, 2)
    shape = arrays[0].shape
    with np.errstate(all="ignore"):
        return Value(joined(parts[:, 0], parts[:, 1], dtype).reshape(shape), known.reshape(shape))
