"""The dtypes of the table, their telling values, and values as text."""

import numpy as np
import oracle

#: The dtypes whose pairs the table holds.
DTYPES = {**oracle.DTYPES, "c64": np.complex64, "c128": np.complex128}

NAMES = {np.dtype(numpy): name for name, numpy in DTYPES.items()}

#: Plain numbers, as formulas write them: within every integer dtype, beyond some, beyond i32, beyond
#: i64; beyond f16, beyond f32; an imaginary one.
LITERALS = ["-1", "0", "2", "300", "3000000000", "9223372036854775808", "0.5", "-2.0", "1e6", "1e300", "2j", "True"]

#: Above this, i32 and i64 leave the integers that f32 and f64 hold.
LARGE = {2: None, 4: 2**24 + 1, 8: 2**53 + 1}


def integers(dtype):
    """Both ends, zero, one, small numbers of either sign, the width as a count of shifts."""
    info, bits = np.iinfo(dtype), 8 * dtype.itemsize
    large = LARGE.get(dtype.itemsize)
    large = [large] if large else []
    if dtype.kind == "u":
        return [0, 1, 2, 7, bits, info.max // 2 + 1, info.max, *large]
    return [info.min, -7, -1, 0, 1, 2, bits, info.max, *large]


def floats(dtype):
    """Zeros, ones, fractions, a number without an exact value, ends of the range, infinities, NaN."""
    info = np.finfo(dtype)
    tiny = float(info.smallest_subnormal)
    return [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 0.1, float(info.max), tiny, np.inf, -np.inf, np.nan]


def vector(name):
    """The telling values of a dtype."""
    dtype = np.dtype(DTYPES[name])
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind == "f":
        return np.append(np.array(floats(dtype), dtype), -np.array(np.nan, dtype))
    if dtype.kind == "c":
        parts = [0.0, -0.0, 1.0, -2.5, 0.1, np.inf, np.nan]
        pairs = zip(parts, parts[3:] + parts[:3])
        return np.array([complex(a, b) for a, b in pairs] + [0, 1j, -1 + 1j], dtype)
    return np.array(integers(dtype), dtype)


def slices(name):
    """Places of the values that a reduction takes, several times. Of integers and bool all, those that are not
    0, and 0. Of floats and complex numbers all, those that are not NaN, the finite ones, those between 1/16 and 16, 0, and NaN; but
    never -0, of which and 0 fuse may take another than NumPy."""
    values = vector(name)
    if values.dtype.kind not in "fc":
        return [np.flatnonzero(kept) for kept in (values == values, values != 0, values == 0)]
    kept = ~((values == 0) & np.signbit(values.real))
    moderate = (np.abs(values) > 1 / 16) & (np.abs(values) < 16)
    is_nan = np.isnan(values)
    choices = (True, ~is_nan, np.isfinite(values), moderate, values == 0, is_nan)
    return [np.flatnonzero(kept & choice) for choice in choices]


def plain(literal):
    """A literal as Python's number."""
    if literal.endswith("j"):
        return complex(literal)
    return {"True": True}.get(literal) or (float(literal) if set("e.") & set(literal) else int(literal))


def float_text(value):
    """The shortest decimal that a float64 is read back from; a NaN has its sign in arguments only."""
    return repr(float(value)).removesuffix(".0")


def text(value, keep_sign=False):
    """An element."""
    if value.dtype.kind == "b":
        return "1" if value else "0"
    if value.dtype.kind in "iu":
        return str(int(value))
    if value.dtype.kind == "c":
        return f"{float_text(value.real)},{float_text(value.imag)}"
    if keep_sign and np.isnan(value) and np.signbit(value):
        return "-nan"
    return float_text(value)
