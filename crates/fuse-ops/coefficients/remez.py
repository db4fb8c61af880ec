"""Minimax polynomials with coefficients that are floats.

`fit` finds the polynomial  p(x) = sum c_k x^k  over given exponents k that minimises the largest
|weight(x) (p(x) - f(x))| on an interval (Remez's exchange at 60 digits). Coefficients are then made
floats one after another, from the lowest power, and the others are fitted again each time: the later
ones absorb the rounding of the earlier. The error that is returned is that of the rounded polynomial,
measured on a dense grid.

`Constants` writes a Rust file. A script writes its files into `src/coefficients`, or into the folder
$FUSE_COEFFICIENTS: a test runs them all and demands that nothing changed. Needs Python 3 and mpmath
(gmpy2 makes it quick).
"""

import os
import pathlib
import struct

from mpmath import mp, mpf, matrix, lu_solve

mp.dps = 60

COMMITTED = pathlib.Path(__file__).resolve().parent.parent / "src" / "coefficients"
SOURCE = pathlib.Path(os.environ.get("FUSE_COEFFICIENTS", COMMITTED))


def nearest(value, precision=53):
    """The float of that precision nearest to a value, as an exact mpf."""
    with mp.workprec(precision):
        return +mpf(value)


def trailing_zeros(value, bits):
    """The nearest number with so many bits of precision: a constant whose products are exact."""
    return nearest(value, bits)


def split(value, *precisions):
    """value = a sum of floats of these precisions, each the nearest to what is left."""
    parts = []
    for precision in precisions:
        parts.append(nearest(value, precision))
        value = value - parts[-1]
    return parts


def chebyshev_nodes(low, high, count):
    nodes = [mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    return sorted((low + high) / 2 + (high - low) / 2 * node for node in nodes)


def solve_exchange(target, weight, exponents, points):
    """Coefficients and levelled error on these points."""
    size = len(exponents) + 1
    system, right = matrix(size, size), matrix(size, 1)
    for row, x in enumerate(points):
        scale = weight(x)
        for column, exponent in enumerate(exponents):
            system[row, column] = scale * x**exponent
        system[row, size - 1] = (-1) ** row
        right[row] = scale * target(x)
    solution = lu_solve(system, right)
    return [solution[k] for k in range(size - 1)], abs(solution[size - 1])


def extrema(error, low, high, count, grid):
    """The points where the error alternates, largest first in each run of one sign."""
    xs = chebyshev_nodes(low, high, grid)
    values = [error(x) for x in xs]
    runs = []
    for x, value in zip(xs, values):
        if runs and (runs[-1][1] > 0) == (value > 0):
            if abs(value) > abs(runs[-1][1]):
                runs[-1] = (x, value)
        else:
            runs.append((x, value))
    while len(runs) > count:
        if abs(runs[0][1]) < abs(runs[-1][1]):
            runs.pop(0)
        else:
            runs.pop()
    return [x for x, _ in runs], max(abs(value) for value in values)


def remez(function, weight, exponents, low, high, rounds=15):
    """Unrounded minimax coefficients: those of the smallest error among the rounds."""
    if not exponents:
        return []
    count = len(exponents) + 1
    points = chebyshev_nodes(low, high, count)
    # Where all powers vanish an exchange cannot place the error: start beside 0.
    step = (high - low) / (8 * count)
    points = [step if abs(x) < step / 8 and exponents[0] > 0 else x for x in points]
    best, least = None, mp.inf
    for _ in range(rounds):
        coefficients, level = solve_exchange(function, weight, exponents, points)

        def error(x):
            value = sum(c * x**k for c, k in zip(coefficients, exponents))
            return weight(x) * (value - function(x))

        found, worst = extrema(error, low, high, count, 24 * count)
        if worst < least:
            best, least = coefficients, worst
        if len(found) < count or worst <= level * mpf("1.001"):
            break
        points = found
    return best


def least_squares(function, weight, exponents, low, high):
    """Coefficients of the smallest sum of squares at 64 Chebyshev nodes: within about twice the
    minimax error, in one step. For tables of many polynomials."""
    nodes = chebyshev_nodes(low, high, 64)
    unit = max(abs(low), abs(high))
    weights = [weight(x) for x in nodes]
    powers = [[w * (x / unit) ** k for x, w in zip(nodes, weights)] for k in exponents]
    right = [w * function(x) for x, w in zip(nodes, weights)]
    size = len(exponents)
    system = matrix(size, size)
    for row in range(size):
        for column in range(row, size):
            system[row, column] = system[column, row] = mp.fdot(powers[row], powers[column])
    solution = lu_solve(system, matrix([mp.fdot(power, right) for power in powers]))
    return [solution[row] / unit**k for row, k in enumerate(exponents)]


def fit(function, low, high, exponents, weight=lambda x: mpf(1), fixed=None, precisions=None,
        rounding=True, method=remez):
    """Float coefficients {exponent: mpf} and the largest weighted error of the rounded polynomial.

    `fixed` are coefficients given in advance; `precisions` the bits of a coefficient (default 53; a
    pair of numbers makes it a hi + lo pair, whose sum is returned and whose parts `split` gives);
    `method` is `remez` or `least_squares`.
    """
    low, high = mpf(low), mpf(high)
    fixed = {k: mpf(v) for k, v in (fixed or {}).items()}
    precisions = precisions or {}
    cache = {}

    def value(x):
        if x not in cache:
            cache[x] = function(x)
        return cache[x]

    free = [k for k in sorted(exponents) if k not in fixed]
    while free:
        def rest(x):
            return value(x) - sum(c * x**k for k, c in fixed.items())

        coefficients = method(rest, weight, free, low, high)
        if not rounding:
            fixed.update(zip(free, coefficients))
            break
        exponent = free.pop(0)
        bits = precisions.get(exponent, 53)
        bits = bits if isinstance(bits, tuple) else (bits,)
        fixed[exponent] = sum(split(coefficients[0], *bits))
    worst = max(
        abs(weight(x) * (sum(c * x**k for k, c in fixed.items()) - value(x)))
        for x in chebyshev_nodes(low, high, 501)
    )
    return fixed, worst


def bits64(value):
    return struct.unpack("<Q", struct.pack("<d", float(value)))[0]


def literal(value, single=False):
    """A Rust literal of exactly this float."""
    number = float(value)
    assert mpf(number) == mpf(value), "not a float"
    if single:
        assert struct.unpack("<f", struct.pack("<f", number))[0] == number, "not an f32"
    text = repr(number)
    return text if any(c in text for c in ".einf") else text + ".0"


class Constants:
    """A Rust file of constants, written at the end."""

    def __init__(self, name, script, about):
        self.path = SOURCE / f"{name}.rs"
        self.lines = [f"//! {line}".rstrip() for line in about.strip().splitlines()]
        self.lines += ["//!", f"//! Written by `crates/fuse-ops/coefficients/{script}`; not edited by hand.", ""]

    def scalar(self, name, value, doc, single=False):
        kind = "f32" if single else "f64"
        self.lines += [f"/// {doc}", f"pub(crate) const {name}: {kind} = {literal(value, single)};", ""]

    def array(self, name, values, doc, single=False, static=False):
        kind = "f32" if single else "f64"
        keyword = "static" if static else "const"
        self.lines += [f"/// {doc}", f"pub(crate) {keyword} {name}: [{kind}; {len(values)}] = ["]
        self.lines += [f"    {literal(value, single)}," for value in values]
        self.lines += ["];", ""]

    def columns(self, name, columns, doc):
        """Columns of one table, to be looked up at one index."""
        self.lines += [f"/// {doc}", f"pub(crate) static {name}: [[f64; {len(columns[0])}]; {len(columns)}] = ["]
        for column in columns:
            self.lines += ["    ["] + [f"        {literal(value)}," for value in column] + ["    ],"]
        self.lines += ["];", ""]

    def integer(self, name, value, doc, kind="i64"):
        self.lines += [f"/// {doc}", f"pub(crate) const {name}: {kind} = {value:#x};", ""]

    def words(self, name, values, doc, kind="u32"):
        self.lines += [f"/// {doc}", f"pub(crate) static {name}: [{kind}; {len(values)}] = ["]
        self.lines += [f"    {value:#x}," for value in values]
        self.lines += ["];", ""]

    def write(self):
        self.path.write_text("\n".join(self.lines).rstrip() + "\n")
        print("wrote", self.path.name)
