#!/usr/bin/env python3
"""Writes the accuracy tables: `make.py FOLDER [NAME…]` (default: `tables` beside this file).

A table holds arguments of one function and dtype, and for each the exact value, from MPFR at 256 bits:
a line is the arguments' bits, the bits of the nearest float, and (exact - nearest) in 2^-16 ulp of the
exact value; all but the last in hexadecimal. Arguments: special values, every third binade (f32: every
binade), neighbours of the breakpoints and random points of the intervals that `points/*.toml` names,
and hard-to-round inputs (`hard-cases`). A test of the suite writes everything again and demands that
nothing changed. Needs Python 3.11 and gmpy2; nothing comes from fuse.
"""

import math
import pathlib
import random
import struct
import sys
import tomllib

import gmpy2
from gmpy2 import mpfr

HERE = pathlib.Path(__file__).resolve().parent
POINTS = 2200
PRECISION = 256

# name of the format: bits of precision, exponents of the least normal and the greatest number, codes.
FORMATS = {"f64": (53, -1022, 1023, "<d", "<Q", 16), "f32": (24, -126, 127, "<f", "<I", 8)}


def sigmoid(x):
    return 1 / (1 + gmpy2.exp(-x))


def logaddexp(a, b):
    if a.is_nan() or b.is_nan() or (a.is_infinite() and a == b):
        return a + b
    low, high = min(a, b), max(a, b)
    return high if high.is_infinite() else high + gmpy2.log1p(gmpy2.exp(low - high))


EXACT = {
    "exp": gmpy2.exp, "exp2": gmpy2.exp2, "exp10": gmpy2.exp10, "expm1": gmpy2.expm1,
    "sigmoid": sigmoid, "logaddexp": logaddexp,
    "log": gmpy2.log, "log2": gmpy2.log2, "log10": gmpy2.log10, "log1p": gmpy2.log1p,
    "sin": gmpy2.sin, "cos": gmpy2.cos, "tan": gmpy2.tan,
    "deg2rad": lambda x: x * (gmpy2.const_pi() / 180),
    "rad2deg": lambda x: x * (180 / gmpy2.const_pi()),
    "asin": gmpy2.asin, "acos": gmpy2.acos, "atan": gmpy2.atan, "atan2": gmpy2.atan2,
    "sinh": gmpy2.sinh, "cosh": gmpy2.cosh, "tanh": gmpy2.tanh,
    "asinh": gmpy2.asinh, "acosh": gmpy2.acosh, "atanh": gmpy2.atanh,
    "power": lambda x, y: x**y, "cbrt": gmpy2.cbrt, "hypot": gmpy2.hypot,
    "erf": gmpy2.erf, "erfc": gmpy2.erfc, "gamma": gmpy2.gamma, "lgamma": lambda x: gmpy2.lgamma(x)[0],
}  # fmt: skip


TWO_ARGUMENTS = ("logaddexp", "atan2", "power", "hypot")


class Format:
    def __init__(self, name):
        self.name = name
        self.precision, self.emin, self.emax, self.float, self.word, self.digits = FORMATS[name]

    def rounded(self, number):
        """The float nearest to a Python float, which may be infinite."""
        try:
            return struct.unpack(self.float, struct.pack(self.float, number))[0]
        except OverflowError:
            return math.copysign(math.inf, number)

    def bits(self, number):
        if number != number:
            return 0x7FF8 << 48 if self.precision == 53 else 0x7FC0 << 16
        return struct.unpack(self.word, struct.pack(self.float, number))[0]

    def value(self, bits):
        return struct.unpack(self.float, struct.pack(self.word, bits))[0]

    def neighbours(self, number, reach):
        """The floats within `reach` steps of a number."""
        order = self.ordinal(self.rounded(number))
        found = [self.from_ordinal(order + step) for step in range(-reach, reach + 1)]
        return [value for value in found if value == value]

    def ordinal(self, number):
        bits, sign = self.bits(number), 1 << (self.word_bits() - 1)
        return bits if bits < sign else sign - bits

    def from_ordinal(self, order):
        sign = 1 << (self.word_bits() - 1)
        return self.value(order if order >= 0 else sign - order)

    def word_bits(self):
        return self.digits * 4

    def random(self, rng, exponent):
        """Any significand at this exponent, either sign."""
        significand = 1 + rng.getrandbits(self.precision - 1) / 2.0 ** (self.precision - 1)
        return self.rounded(math.ldexp(rng.choice((-1, 1)) * significand, exponent))

    def specials(self):
        tiny = math.ldexp(1.0, self.emin)
        least = math.ldexp(1.0, self.emin - self.precision + 1)
        eps = math.ldexp(1.0, 1 - self.precision)
        greatest = math.ldexp(2.0 - eps, self.emax)
        positive = [0.0, least, tiny - least, tiny, eps / 4, eps, 0.5, 1 - eps / 2, 1.0, 1 + eps, 1.5, 2.0,
                    3.0, 10.0, 1 / eps, 2 / eps, 2 / eps + 1, greatest / 2, greatest, math.inf]  # fmt: skip
        return [self.rounded(sign * value) for value in positive for sign in (1, -1)] + [math.nan]

    def least_exponent(self):
        return self.emin - self.precision + 1

    def reference(self, exact):
        """The nearest float's bits, and what it leaves in 2^-16 ulp."""
        if exact.is_nan() or exact.is_infinite() or exact == 0:
            return self.bits(float(exact)), 0
        exponent = gmpy2.get_exp(exact) - 1
        unit = max(exponent, self.emin) - self.precision + 1
        scaled = gmpy2.div_2exp(exact, unit) if unit >= 0 else gmpy2.mul_2exp(exact, -unit)
        units = gmpy2.rint(scaled)
        rest = int(gmpy2.rint(gmpy2.mul_2exp(scaled - units, 16)))
        limit = 2 ** (self.emax - unit + 1)
        if abs(units) >= limit:
            return self.bits(math.copysign(math.inf, exact)), 0
        if units == 0:
            return self.bits(math.copysign(0.0, exact)), rest
        return self.bits(math.ldexp(int(units), unit)), rest


def hard_cases(name, format):
    file = HERE / "hard-cases" / f"{name}-{format.name}.txt"
    if not file.exists():
        return []
    lines = [line for line in file.read_text().splitlines() if line and line[0] != "#"]
    step = max(1, len(lines) // 400)
    return [[float.fromhex(part) for part in line.split(",")] for line in lines[::step]]


def one_argument(format, plan, rng):
    for number in plan["near"]:
        yield from ([value] for value in format.neighbours(number, 3))
    step = 3 if format.precision == 53 else 1
    for exponent in range(format.least_exponent(), format.emax + 1, step):
        yield [format.random(rng, exponent)]
    while True:
        for low, high in plan["intervals"]:
            yield [format.rounded(rng.uniform(low, high))]


def two_arguments(format, plan, rng):
    for a, b in plan["near"]:
        yield from ([x, y] for x in format.neighbours(a, 1) for y in format.neighbours(b, 1))
    for exponent in range(format.least_exponent(), format.emax + 1, 6):
        other = min(max(exponent + rng.randint(-40, 40), format.least_exponent()), format.emax)
        yield [format.random(rng, exponent), format.random(rng, other)]
    while True:
        for low, high, low2, high2 in plan["intervals"]:
            yield [format.rounded(rng.uniform(low, high)), format.rounded(rng.uniform(low2, high2))]


def arguments(name, format, plan):
    """At least POINTS arguments of which the last are random points of the intervals."""
    rng = random.Random(f"{name} {format.name}")
    arity = 2 if name in TWO_ARGUMENTS else 1
    specials = format.specials()
    chosen = [[a] for a in specials]
    if arity == 2:
        some = specials[::2] + [-0.0, -1.0, -3.0, -math.inf]
        chosen = [[a, b] for a in some for b in some]
    chosen += hard_cases(name, format)
    seen = {tuple(map(format.bits, point)) for point in chosen}
    yield from chosen
    count = len(chosen)
    for point in (one_argument if arity == 1 else two_arguments)(format, plan, rng):
        if count >= POINTS:
            return
        key = tuple(map(format.bits, point))
        if key in seen or exact_value(name, point).is_nan():
            continue
        seen.add(key)
        count += 1
        yield point


def exact_value(name, point):
    return EXACT[name](*(mpfr(value) for value in point))


def table(name, format, plan):
    lines = []
    for point in arguments(name, format, plan):
        nearest, rest = format.reference(exact_value(name, point))
        words = [f"{format.bits(value):0{format.digits}x}" for value in point]
        lines.append(" ".join([*words, f"{nearest:0{format.digits}x}", str(rest)]))
    return "\n".join(lines) + "\n"


def main():
    gmpy2.get_context().precision = PRECISION
    gmpy2.get_context().emax, gmpy2.get_context().emin = gmpy2.get_emax_max(), gmpy2.get_emin_min()
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    wanted, count = sys.argv[2:], 0
    for file in sorted((HERE / "points").glob("*.toml")):
        for name, formats in tomllib.loads(file.read_text()).items():
            for dtype, plan in formats.items():
                if wanted and name not in wanted:
                    continue
                (folder / f"{name}-{dtype}.txt").write_text(table(name, Format(dtype), plan))
                count += 1
    print(f"{count} tables")


if __name__ == "__main__":
    main()
