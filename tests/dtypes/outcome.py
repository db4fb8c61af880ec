"""What a formula gives: an error, or values, some of which may be left open."""

import warnings

import numpy as np


class Value:
    """Values of a dtype; `known` is False where the table leaves one open."""

    def __init__(self, values, known=None):
        self.values = np.asarray(values)
        self.dtype = self.values.dtype
        self.known = np.ones(self.values.shape, bool) if known is None else known

    def equals(self, other):
        if other is ERROR or other.dtype != self.dtype:
            return False
        a, b = self.values, other.values
        if a.dtype.kind == "c":
            return all(Value(x).equals(Value(y)) for x, y in ((a.real, b.real), (a.imag, b.imag)))
        same = (a == b) & (np.signbit(a) == np.signbit(b)) if a.dtype.kind == "f" else a == b
        return bool(np.all(same | ((a != a) & (b != b))))


class Error:
    dtype = np.dtype(object)

    def equals(self, other):
        return other is self


ERROR = Error()


def outcome(function, args):
    """What NumPy gives."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Value(function(*args))
    except (TypeError, OverflowError, ValueError):
        return ERROR
