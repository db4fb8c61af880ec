#!/usr/bin/env python3
"""Complex functions: tables of exact values, special values, and the measure of errors.

`complex.py tables FOLDER [NAME…]` writes the tables (default: `complex` beside this file). A line is the
parts of the arguments and the parts of the exact value rounded to nearest, as bits in hexadecimal, then the
distance of the rounded value from the exact one, each part in 2^-16 ulp of |value|. Lines whose exact value
is infinite or NaN are special values: `?` before a part leaves its sign open.

`complex.py measure PROGRAM COUNT [NAME…]` runs PROGRAM (the testkit's example `complex`) at COUNT random points a
function and dtype, judges it by MPC, and prints the table of docs/numerics.md.

Exact values are MPC's (through gmpy2); special values are C99's Annex G, transcribed below from its rules for
csqrt, cexp, clog, csinh, ccosh, ctanh, cacosh, cacos, casinh, catanh and those that say what casin, catan, csin,
ccos and ctan are. Where the annex leaves a choice (NaN or infinity with a domain error) fuse's choice is stated.
Needs Python 3.11 and gmpy2; nothing in a table comes from fuse.
"""

import math
import pathlib
import random
import struct
import subprocess
import sys

import gmpy2
from gmpy2 import mpc, mpfr

HERE = pathlib.Path(__file__).resolve().parent
INF, NAN = math.inf, math.nan
#: Random points of a table.
TABLE = 500
PI = math.pi

FORMATS = {"c128": (53, -1022, 1023, "<d", "<Q", 16), "c64": (24, -126, 127, "<f", "<I", 8)}

# Functions of one number, in the order of the operator table.
FUNCTIONS = (
    "sqrt", "sign", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
)  # fmt: skip
OPERATORS = ("multiply", "divide", "power")


class Format:
    def __init__(self, name):
        self.name = name
        self.precision, self.emin, self.emax, self.float, self.word, self.digits = FORMATS[name]
        self.tiny = self.emin - self.precision + 1

    def rounded(self, number):
        try:
            return struct.unpack(self.float, struct.pack(self.float, number))[0]
        except OverflowError:
            return math.copysign(INF, number)

    def bits(self, number):
        if number != number:
            return 0x7FF8 << 48 if self.precision == 53 else 0x7FC0 << 16
        return struct.unpack(self.word, struct.pack(self.float, number))[0]

    def value(self, bits):
        return struct.unpack(self.float, struct.pack(self.word, bits))[0]

    def hex(self, number):
        return f"{self.bits(number):0{self.digits}x}"

    def nearest(self, exact):
        """The float nearest to an mpfr."""
        if not gmpy2.is_finite(exact):
            return float(exact)
        if gmpy2.is_zero(exact):
            return math.copysign(0.0, -1 if gmpy2.is_signed(exact) else 1)
        exponent = max(gmpy2.get_exp(exact) - self.precision, self.tiny)
        scaled = gmpy2.rint(exact * mpfr(2) ** -exponent)  # to nearest, ties to even
        result = int(scaled) * mpfr(2) ** exponent
        if abs(result) >= mpfr(2) ** (self.emax + 1):
            return math.copysign(INF, float(gmpy2.sign(exact)))
        return math.copysign(float(result), float(gmpy2.sign(exact)))

    def ulp(self, magnitude):
        if gmpy2.is_zero(magnitude):
            return mpfr(2) ** self.tiny
        exponent = gmpy2.get_exp(magnitude) - 1
        return mpfr(2) ** (max(exponent, self.emin) - self.precision + 1)


def precisely(bits):
    return gmpy2.context(gmpy2.get_context(), precision=bits, subnormalize=False)


def complex_of(parts):
    return mpc(mpfr(parts[0]), mpfr(parts[1]))


def exact(name, args):
    """The exact value of finite arguments, as a pair of mpfr with an error far below an ulp; zeros' signs are
    not looked at."""
    wide = name in ("log1p", "expm1", "log", "log2", "log10", "atanh", "atan", "divide", "multiply", "exp2")
    with precisely(2400 if wide else 400):
        z = complex_of(args[:2])
        w = complex_of(args[2:]) if len(args) > 2 else None
        if name == "log1p":
            value = gmpy2.log(z + 1)
        elif name == "expm1":
            value = gmpy2.exp(z) - 1
        elif name == "exp2":
            value = gmpy2.exp(z * gmpy2.log(mpfr(2)))
        elif name == "sign":
            value = z if z == 0 else z / gmpy2.sqrt(z.real**2 + z.imag**2)
        elif name == "log2":
            value = gmpy2.log(z) / gmpy2.log(mpfr(2))
        elif name == "log10":
            value = gmpy2.log(z) / gmpy2.log(mpfr(10))
        elif name == "multiply":
            value = z * w
        elif name == "divide":
            value = z / w
        elif name == "power":
            value = gmpy2.exp(w * gmpy2.log(z))
        else:
            value = getattr(gmpy2, name)(z)
        return value.real, value.imag


# Special values, for arguments with a NaN, an infinity or a zero. A rule gives a pair; OPEN(x) is x with any
# sign. First those of arguments in the first quadrant or with NaN, as the annex gives them.

class Open(float):
    """A number whose sign is open."""


def cis_infinity(y):
    return math.copysign(INF, math.cos(y)), math.copysign(INF, math.sin(y))


def special_sqrt(x, y):
    if math.isinf(y):
        return INF, INF
    if math.isnan(x):
        return NAN, NAN
    if x == INF:
        return INF, (NAN if math.isnan(y) else 0.0)
    if x == -INF:
        return (NAN, Open(INF)) if math.isnan(y) else (0.0, INF)
    if math.isnan(y):
        return NAN, NAN
    return (0.0, 0.0) if x == 0 and y == 0 else None


def special_exp(x, y):
    if y == 0 and (math.isinf(x) or math.isnan(x)):
        return (INF if x == INF else 0.0 if x == -INF else NAN), 0.0
    if math.isnan(x):
        return NAN, NAN
    if x == -INF:
        if not math.isfinite(y):
            return Open(0.0), Open(0.0)
        return math.copysign(0.0, math.cos(y)), math.copysign(0.0, math.sin(y))
    if x == INF:
        return cis_infinity(y) if math.isfinite(y) else (Open(INF), NAN)
    if not math.isfinite(y):
        return NAN, NAN
    return (1.0, 0.0) if x == 0 and y == 0 else None


def special_sign(x, y):
    """NumPy's: of an infinite part 1, of zeros 0 whatever their signs."""
    if math.isinf(x) and math.isinf(y):
        return NAN, NAN
    if math.isinf(x):
        return math.copysign(1.0, x), Open(0.0)
    if math.isinf(y):
        return Open(0.0), math.copysign(1.0, y)
    if math.isnan(x) or math.isnan(y):
        return NAN, NAN
    return (0.0, Open(0.0)) if x == 0 and y == 0 else None


def special_log(x, y):
    if x == 0 and y == 0:
        return -INF, (PI if math.copysign(1, x) < 0 else 0.0)
    if math.isinf(x) or math.isinf(y):
        angle = NAN if math.isnan(x) or math.isnan(y) else math.atan2(y, x)
        return INF, angle
    return (NAN, NAN) if math.isnan(x) or math.isnan(y) else None


def special_sinh(x, y):
    if math.isnan(x):
        return (NAN, 0.0) if y == 0 else (NAN, NAN)
    if x == 0 and not math.isfinite(y):
        return Open(0.0), NAN
    if x == INF:
        if y == 0:
            return INF, 0.0
        return cis_infinity(y) if math.isfinite(y) else (Open(INF), NAN)
    if not math.isfinite(y):
        return NAN, NAN
    return (0.0, 0.0) if x == 0 and y == 0 else None


def special_cosh(x, y):
    if math.isnan(x):
        return (NAN, Open(0.0)) if y == 0 else (NAN, NAN)
    if x == 0 and not math.isfinite(y):
        return NAN, Open(0.0)
    if x == INF:
        if y == 0:
            return INF, 0.0
        return cis_infinity(y) if math.isfinite(y) else (Open(INF), NAN)
    if not math.isfinite(y):
        return NAN, NAN
    return (1.0, 0.0) if x == 0 and y == 0 else None


def special_tanh(x, y):
    if x == INF:
        return 1.0, (math.copysign(0.0, math.sin(y) * math.cos(y)) if math.isfinite(y) else Open(0.0))
    if math.isnan(x):
        return (NAN, 0.0) if y == 0 else (NAN, NAN)
    if not math.isfinite(y):
        # As corrected by C11's defect report 471.
        return (0.0, NAN) if x == 0 else (NAN, NAN)
    return (0.0, 0.0) if x == 0 and y == 0 else None


def special_acosh(x, y):
    if math.isinf(x) or math.isinf(y):
        return INF, (NAN if math.isnan(x) or math.isnan(y) else math.atan2(y, x))
    if x == 0 and math.isnan(y):
        return NAN, Open(PI / 2)
    if math.isnan(x) or math.isnan(y):
        return NAN, NAN
    return (0.0, PI / 2) if x == 0 and y == 0 else None


def special_acos(x, y):
    if math.isinf(x) or math.isinf(y):
        if math.isnan(x) or math.isnan(y):
            return NAN, (-INF if math.isinf(y) else Open(INF))
        return math.atan2(y, x), -INF
    if x == 0 and math.isnan(y):
        return PI / 2, NAN
    if math.isnan(x) or math.isnan(y):
        return NAN, NAN
    return (PI / 2, -0.0) if x == 0 and y == 0 else None


def special_asinh(x, y):
    if math.isinf(x) or math.isinf(y):
        if math.isnan(y):
            return INF, NAN
        if math.isnan(x):
            return Open(INF), NAN
        return INF, math.atan2(y, x)
    if math.isnan(x):
        return (NAN, 0.0) if y == 0 else (NAN, NAN)
    if math.isnan(y):
        return NAN, NAN
    return (0.0, 0.0) if x == 0 and y == 0 else None


def special_atanh(x, y):
    if math.isinf(y):
        return (Open(0.0) if math.isnan(x) else 0.0), PI / 2
    if math.isinf(x):
        return 0.0, (NAN if math.isnan(y) else PI / 2)
    if x == 0 and math.isnan(y):
        return 0.0, NAN
    if math.isnan(x) or math.isnan(y):
        return NAN, NAN
    if x == 1 and y == 0:
        return INF, 0.0
    return (0.0, 0.0) if x == 0 and y == 0 else None


BASE = {
    "sign": special_sign, "sqrt": special_sqrt, "exp": special_exp, "log": special_log, "sinh": special_sinh, "cosh": special_cosh,
    "tanh": special_tanh, "acosh": special_acosh, "acos": special_acos, "asinh": special_asinh,
    "atanh": special_atanh,
}  # fmt: skip
# f(-z) = -f(z), or f(z).
ODD, EVEN = ("sinh", "tanh", "asinh", "atanh"), ("cosh",)
# What they are of iz: -i·f(iz), or f(iz).
TURNED = {"sin": "sinh", "tan": "tanh", "asin": "asinh", "atan": "atanh", "cos": "cosh"}


def negative(number):
    return type(number)(-number)


def signed(x):
    return math.copysign(1, x) < 0 and not math.isnan(x)


def special(name, x, y):
    """The special value, if it is one."""
    if name in TURNED:
        value = special(TURNED[name], negative(y), x)
        if value is None or name == "cos":
            return value
        return value[1], negative(value[0])
    if name in ("log2", "log10"):
        value = special("log", x, y)
        # Angles other than 0 are no special values here: NaN marks what is looked at elsewhere.
        factor = 1 / math.log(2 if name == "log2" else 10)
        return value and (value[0], type(value[1])(value[1] * factor))
    if name == "exp2":
        # Angles are other ones.
        return special("exp", x, y) if not (math.isfinite(y) and y != 0 and math.isinf(x)) else None
    if name == "log1p":
        value = special("log", x + 1 if x != -1 else 0.0, y)
        return value if value is not None or x != 0 or y != 0 else (x, y)
    if name == "expm1":
        value = special("exp", x, y)
        if x == 0 and y == 0:
            return x, y
        return value and (value[0] - 1, value[1])
    if name in ODD + EVEN and signed(x):
        value = special(name, negative(x), negative(y))
        return value and (value if name in EVEN else tuple(negative(part) for part in value))
    if signed(y):
        value = special(name, x, negative(y))
        return value and (value[0], negative(value[1]))
    return BASE[name](x, y)


# Points.

def special_points(format):
    most = format.value(format.bits(INF) - 1)
    parts = [0.0, 1.0, 2.5, most, INF]
    parts += [-part for part in parts] + [NAN]
    return [(x, y) for x in parts for y in parts]


def uniform_exponent(generator, low, high):
    return generator.choice((-1, 1)) * (1 + generator.random()) * 2.0 ** generator.randint(low, high)


def near(generator, centre):
    return centre + uniform_exponent(generator, -60, -1)


def unit_circle(generator, scale=1.0):
    angle = generator.uniform(-PI, PI) * 2.0 ** generator.choice((0, 0, 0, -5, -20))
    return math.cos(angle) * scale, math.sin(angle) * scale


def draw(name, format, generator):
    """A random number: its parts."""
    kind = generator.randrange(10)
    wide = format.emax - 3
    if kind < 2:
        return tuple(uniform_exponent(generator, -30, 10) for _ in range(2))
    if kind == 2:
        return tuple(uniform_exponent(generator, -4, 4) for _ in range(2))
    if kind == 3:
        exponent = generator.randint(-wide, wide)
        return tuple(uniform_exponent(generator, max(exponent - 40, -wide), exponent) for _ in range(2))
    if kind == 4:
        return tuple(uniform_exponent(generator, -wide, wide) for _ in range(2))
    if kind == 5:
        return unit_circle(generator)
    if kind == 6:  # near 0, ±1, ±i and poles of tan and tanh
        centre = generator.choice(((1, 0), (-1, 0), (0, 1), (0, -1), (PI / 2, 0), (0, PI / 2), (0, -3 * PI / 2), (0, 2 * PI), (0, PI), (-1, 1e-300), (0, 0)))
        return tuple(near(generator, part) for part in centre)
    if kind == 7:  # one part an edge
        edge = generator.choice((0.0, -0.0, 1.0, -1.0, 0.5, -0.7, PI / 2, 2.0))
        other = uniform_exponent(generator, -20, 8)
        return (edge, other) if generator.random() < 0.5 else (other, edge)
    if kind == 8:  # subnormal or at overflow
        low = format.tiny
        return tuple(generator.choice((-1, 1)) * generator.random() * 2.0 ** generator.choice((low + 20, format.emin, 0)) * 1.0 for _ in range(2))
    reach = 90 if format.precision == 24 else 720
    parts = (generator.uniform(-reach, reach), generator.uniform(-10, 10))
    return parts if generator.random() < 0.5 else parts[::-1]


def points(name, format, count, seed):
    generator = random.Random(f"{name} {format.name} {seed}")
    arity = 2 if name in OPERATORS else 1
    while count:
        parts = [format.rounded(part) for _ in range(arity) for part in draw(name, format, generator)]
        if name == "power":
            parts[2:] = [format.rounded(generator.uniform(-4, 4) * 2.0 ** generator.randint(-6, 3)) for _ in range(2)]
        if all(map(math.isfinite, parts)):
            count -= 1
            yield parts


def singular(name, format, parts):
    """Arguments whose value is no finite number, or whose exact value is looked at as special."""
    if name == "divide":
        return parts[2] == 0 and parts[3] == 0
    if name == "multiply":  # the naive product is only measured where nothing over- or underflows
        products = [abs(a * b) for a in parts[:2] for b in parts[2:]]
        return max(products) > 2.0 ** (format.emax - 1) or min(products) < 2.0 ** (format.emin + format.precision)
    if name == "power":
        return parts[0] == 0 and parts[1] == 0
    if name in ("log", "log2", "log10"):
        return parts == [0, 0]
    if name == "log1p":
        return parts == [-1, 0]
    if name == "exp2":  # the angle is known no more
        return abs(parts[1]) > 2.0**80
    return name in ("atanh", "atan") and special(name, *parts) is not None


def error(format, found, value):
    """|found - value| in ulp of |value|; a part that overflows is what would be next."""
    with precisely(200):
        limit = mpfr(2) ** (format.emax + 1)
        square = mpfr(0)
        for part, whole in zip(found, value):
            if math.isnan(part):
                return INF
            if math.isinf(part):
                if (part > 0) != (whole > 0):
                    return INF
                difference = mpfr(0) if abs(whole) >= limit else limit - abs(whole)
            else:
                difference = abs(mpfr(part) - whole)
            square += difference**2
        magnitude = gmpy2.sqrt(value[0] ** 2 + value[1] ** 2)
        if not gmpy2.is_finite(square):
            return INF
        return float(gmpy2.sqrt(square) / format.ulp(magnitude))


def bound(name, parts):
    """The budget in ulp of |value|, of these arguments. √5 u is √5 ulp at most."""
    if name == "multiply":
        return math.sqrt(5)
    if name == "power":
        with precisely(100):
            exponent = complex_of(parts[2:]) * gmpy2.log(complex_of(parts[:2]))
            return 4 + 2 * float(abs(exponent))
    if name == "exp2":
        return 4 + abs(parts[1]) * 2.0**-50
    return 4.0


def run(program, name, format, all_points):
    text = "\n".join(" ".join(format.hex(part) for part in parts) for parts in all_points)
    output = subprocess.run([program, name, format.name], input=text, capture_output=True, text=True, check=True)
    return [[format.value(int(word, 16)) for word in line.split()] for line in output.stdout.splitlines()]


def same(found, expected):
    if math.isnan(expected):
        return math.isnan(found)
    if isinstance(expected, Open):
        return same(abs(found), abs(expected))
    if expected == 0 or math.isinf(expected):
        return found == expected and math.copysign(1, found) == math.copysign(1, expected)
    return abs(found - expected) <= 2e-7 * abs(expected)


def check_special(program, name, format):
    wrong = []
    cases = [(parts, special(name, *parts)) for parts in special_points(format)]
    cases = [(parts, value) for parts, value in cases if value is not None]
    for (parts, value), found in zip(cases, run(program, name, format, [parts for parts, _ in cases])):
        if not all(map(same, found, value)):
            wrong.append(f"{name} {format.name} {parts}: {found}, not {value}")
    return len(cases), wrong


def judged(program, name, format, checked):
    """The largest error in units of the budget, where, and the errors above it."""
    worst, at, above = 0.0, None, []
    for parts, found in zip(checked, run(program, name, format, checked)):
        value = exact(name, parts)
        if not all(map(gmpy2.is_finite, value)):
            continue
        share = error(format, found, value) / bound(name, parts)
        if share > worst:
            worst, at = share, parts
        if share > 1:
            above.append(f"{name} {format.name} {parts}: {found}, not {[float(part) for part in value]}")
    return worst, at, above


def measure(program, count, names):
    """Prints the table; fails where a budget is exceeded or a special value is another."""
    print("| function | of | budget, ulp | largest error | at | points | special values |")
    print("|---|---|---|---|---|---|---|")
    above = []
    for name in names:
        budget = {"multiply": "√5 u", "power": "4 + 2·\\|w·log z\\|", "exp2": "4 + 2^-50·\\|y\\|"}.get(name, "4")
        for kind in FORMATS:
            format = Format(kind)
            checked = [parts for parts in points(name, format, count, 1) if not singular(name, format, parts)]
            worst, at, wrong = judged(program, name, format, checked)
            above += wrong
            specials = ""
            if name not in OPERATORS:
                total, wrong = check_special(program, name, format)
                above += wrong
                specials = f"{total}"
            found = f"{100 * worst:.1f} % of it" if name in ("multiply", "power") else f"{4 * worst:.4f}"
            number = lambda re, im: f"{re!r}{im:+}j"
            place = ", ".join(number(*at[k : k + 2]) for k in range(0, len(at), 2))
            row = (f"`{name}`", kind, budget, found, place, f"{len(checked):,}".replace(",", " "), specials)
            print("| " + " | ".join(row) + " |", flush=True)
    if above:
        sys.exit("\n".join(above))


def table_lines(name, format, count):
    """Of the table of a function and dtype: arguments, value, and what rounding left of it."""
    if name not in OPERATORS:
        for parts in special_points(format):
            value = special(name, *parts)
            if value is not None:
                shown = lambda part: ("?" if isinstance(part, Open) else "") + format.hex(format.rounded(part))
                yield " ".join([*map(format.hex, parts), *map(shown, value)])
    for parts in points(name, format, count, 0):
        if singular(name, format, parts):
            continue
        value = exact(name, parts)
        rounded = [format.nearest(part) for part in value]
        if not all(map(math.isfinite, rounded)):
            continue
        with precisely(200):
            unit = format.ulp(gmpy2.sqrt(value[0] ** 2 + value[1] ** 2)) / 2**16
            rest = [int(gmpy2.rint((whole - mpfr(part)) / unit)) for part, whole in zip(rounded, value)]
        yield " ".join([*map(format.hex, parts), *map(format.hex, rounded), *map(str, rest)])


def tables(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for kind in FORMATS:
            lines = table_lines(name, Format(kind), TABLE)
            (folder / f"{name}-{kind}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "measure":
        measure(sys.argv[2], int(sys.argv[3]), sys.argv[4:] or FUNCTIONS + OPERATORS)
    else:
        folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "complex"
        tables(folder, sys.argv[3:] or FUNCTIONS + OPERATORS)
