"""Complex numbers.

Arithmetic is written out in its parts, each real operation rounded (`*` plain, `/` Smith's method, of c64 in
f64), since NumPy's own bits depend on the CPU; where it may, the generator compares with NumPy. Functions
are MPC's value, each part rounded once, at points where both parts are well conditioned; what they do
everywhere is measured in `tests/accuracy/complex.py`.
"""

import math

import gmpy2
import numpy as np
from gmpy2 import mpc, mpfr

from oracle import DTYPES, splitmix
from themes import F32, F64, I64, INF, NAN
from themes_reductions import evaluated
from writer import Fill, Theme

C64, C128 = np.complex64, np.complex128
PARTS = [0.0, -0.0, 1.0, -2.5, 0.1, 1e17, INF, NAN]

#: Floats that a part of a function's result may be from the nearest one.
STEPS = 8

FUNCTIONS = {
    "sqrt": gmpy2.sqrt, "exp": gmpy2.exp, "exp2": lambda z: gmpy2.exp(z * gmpy2.log(mpfr(2))),
    "sign": lambda z: z / gmpy2.sqrt(z.real**2 + z.imag**2), "log": gmpy2.log, "sin": gmpy2.sin, "cos": gmpy2.cos,
    "tan": gmpy2.tan, "asin": gmpy2.asin, "acos": gmpy2.acos, "atan": gmpy2.atan, "sinh": gmpy2.sinh,
    "cosh": gmpy2.cosh, "tanh": gmpy2.tanh, "asinh": gmpy2.asinh, "acosh": gmpy2.acosh,
    "atanh": gmpy2.atanh,
    "expm1": lambda z: gmpy2.exp(z) - 1, "log1p": lambda z: gmpy2.log(z + 1),
    "log2": lambda z: gmpy2.log(z) / gmpy2.log(mpfr(2)),
    "log10": lambda z: gmpy2.log(z) / gmpy2.log(mpfr(10)),
}
POINTS = [1.25 + 0.5j, -0.75 + 2.0j, 3.0 - 1.5j, -2.0 - 0.625j, 0.375 - 0.25j, 1e-3 + 2e-3j, 17.5 + 0.25j,
          0.03125 + 40.0j, -0.5 + 0.5j, 5.0 - 3.0j]


def joined(re, im, dtype=None):
    """re + im·j without arithmetic, which would lose signs of zeros."""
    re, im = (np.asarray(part) if not isinstance(part, np.generic) else part for part in (re, im))
    part = np.result_type(re, im)
    out = np.empty(np.broadcast(re, im).shape, dtype or np.result_type(part, np.complex64))
    out.real, out.imag = re, im
    return out


def plus(a, b):
    return joined(a.real + b.real, a.imag + b.imag)


def minus(a, b):
    return joined(a.real - b.real, a.imag - b.imag)


def times(a, b):
    return joined(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real)


def over(a, b):
    """Smith's method; of c64 in f64."""
    if a.dtype == C64:
        return over(a.astype(C128), b.astype(C128)).astype(C64)
    flat = np.abs(b.imag) <= np.abs(b.real)
    most, least = np.where(flat, b.real, b.imag), np.where(flat, b.imag, b.real)
    ratio = least / most
    scale = 1 / (most + least * ratio)
    first, second = np.where(flat, a.real, a.imag), np.where(flat, a.imag, a.real)
    im = second - first * ratio
    result = joined((first + second * ratio) * scale, np.where(flat, im, -im) * scale)
    larger = np.where(np.abs(b.real) < np.abs(b.imag), np.abs(b.imag), np.abs(b.real))
    by_zero = joined(a.real / larger, a.imag / larger)
    return np.where(larger == 0, by_zero, result)


def same(a, b):
    """Equal, NaN with NaN."""
    return all(np.array_equal(x, y, equal_nan=True) for x, y in ((a.real, b.real), (a.imag, b.imag)))


def function(name, values):
    """MPC's value at 300 bits, each part rounded once."""
    part = F64 if values.dtype == C128 else F32
    out = np.empty(values.shape, values.dtype)
    with gmpy2.context(precision=300):
        for index, value in enumerate(values.tolist()):
            exact = FUNCTIONS[name](mpc(mpfr(value.real), mpfr(value.imag)))
            # An f64 has twice the bits of an f32 and four more: rounding twice is innocuous here.
            out[index] = complex(part(float(exact.real)), part(float(exact.imag)))
    return out


def vectors():
    """z w (c128) and u v (c64): every pair of special parts beside another; r f reals, n integers."""
    parts = np.array(PARTS)
    grid = joined(np.repeat(parts, len(parts)), np.tile(parts, len(parts)))
    other = np.roll(grid, 27)
    with np.errstate(all="ignore"):
        single = {"u": grid.astype(C64), "v": other.astype(C64)}
    n = len(grid)
    return {"z": grid, "w": other, **single, "r": np.resize(parts, n), "f": np.resize(parts, n).astype(F32),
            "n": np.resize(np.array([0, 1, -7, 2**53 + 1, -2**63], I64), n)}


def complex_theme():
    t = Theme("complex", "Complex numbers: arithmetic in its parts, special values, promotion, literals, "
              "casts, functions, powers, choices, views and what is kept between passes.", vectors())
    v = t.vectors
    with np.errstate(all="ignore"):
        for a, b in (("z", "w"), ("u", "v")):
            arithmetic(t, a, b)
        mixed(t)
        reals(t)
        reductions(t)
        functions(t)
        powers(t)
        arrays(t)
    errors(t, v)
    return t


def arithmetic(t, a, b):
    x, y = t.vectors[a], t.vectors[b]
    given = {a: a, b: b}
    quotient = over(x, y)
    finite = np.isfinite(x) & np.isfinite(y) & (y != 0)
    if x.dtype == C128:
        assert same(quotient[finite], (x / y)[finite]), "NumPy divides likewise"
    t.case(f"{a} + {b}", plus(x, y), **given)
    t.case(f"{a} - {b}", minus(x, y), **given)
    t.case(f"{a} * {b}", times(x, y), mode="both", **given)
    t.case(f"{a} / {b}", quotient, mode="both", **given,
           note="by zero: the parts divided by 0; NumPy's values")
    t.case(f"{a} * {b} + {a}", plus(times(x, y), x), mode="both", **given,
           note="no multiply-adds in relaxed mode either")
    t.case(f"-{a}", joined(-x.real, -x.imag), **{a: a})
    t.case(f"-(-{a})", x, **{a: a})
    t.case(f"{a} == {b}", (x.real == y.real) & (x.imag == y.imag), **given)
    t.case(f"{a} != {b}", (x.real != y.real) | (x.imag != y.imag), **given)
    t.case(f"where({a}.real > 0, {a}, {b})", np.where(x.real > 0, x, y), **given)
    t.case(f"where({a} == {a}, {b}, {b})", y, **given)
    t.case(f"isnan({a})", np.isnan(x), **{a: a})
    t.case(f"isinf({a})", np.isinf(x), **{a: a})
    t.case(f"isfinite({a})", np.isfinite(x), **{a: a})
    t.case(f"real({a})", x.real.copy(), **{a: a})
    t.case(f"{a}.imag", x.imag.copy(), **{a: a})
    t.case(f"imag({a}) + {a}.real", x.imag + x.real, **{a: a})
    t.case(f"conj({a})", joined(x.real, -x.imag), **{a: a})
    t.case(f"{a}.conj() * {a}", times(joined(x.real, -x.imag), x), **{a: a})
    t.case(f"conjugate({a}.conjugate())", x, **{a: a})
    t.case(f"abs({a})", np.abs(x.astype(C128)).astype(x.real.dtype), ulp=1, **{a: a})
    t.case(f"arg({a})", np.arctan2(x.imag.astype(F64), x.real.astype(F64)).astype(x.real.dtype), ulp=1, **{a: a})
    t.case(f"angle({a}.real)", np.where(np.isnan(x.real), x.real, np.where(np.signbit(x.real), x.real.dtype.type(math.pi), 0)).astype(x.real.dtype), **{a: a})
    t.case(f"complex({a}.imag, {b}.real)", joined(x.imag, y.real, x.dtype), **given)
    t.case(f"ones_like({a})", np.ones_like(x), **{a: a})
    t.case(f"round({a})", joined(np.rint(x.real), np.rint(x.imag)), **{a: a})
    t.case(f"round({a}, 1)", joined(np.rint(x.real * 10) / 10, np.rint(x.imag * 10) / 10).astype(x.dtype), **{a: a}, note="both parts")
    t.case(f"zeros_like({a})", np.zeros_like(x), **{a: a})
    t.case(f"abs({a} - {a}) * abs({a} - {a})", (np.abs(minus(x, x))) ** 2, **{a: a},
           note="the square of a magnitude is not the square of the number")
    t.case(f"bool({a})", x != 0, **{a: a})
    t.case(f"c64({a})", x.astype(C64), **{a: a})
    t.case(f"complex128({a})", x.astype(C128), **{a: a})


def mixed(t):
    z, u, r, f, n = (t.vectors[name] for name in "zurfn")
    half = np.array([0.1, -2.5, 60000, INF], np.float16)
    c = lambda x, dtype=C128: joined(x.astype(np.zeros(0, dtype).real.dtype), np.zeros_like(x, dtype).real, dtype)
    t.case("z + u", plus(z, u.astype(C128)), z="z", u="u")
    t.case("z * r", times(z, c(r)), z="z", r="r", note="a real number is converted, +0 beside it: as NumPy")
    t.case("u * f", times(u, c(f, C64)), u="u", f="f")
    t.case("u + r", plus(u.astype(C128), c(r)), u="u", r="r")
    t.case("u - n", minus(u.astype(C128), c(n)), u="u", n="n")
    t.case("f * 1j", times(c(f, C64), joined(*np.zeros((2, 1), F32)) + C64(1j)), f="f",
           note="a plain imaginary number gives way to f32")
    t.case("r + 2j", plus(c(r), np.array([2j])), r="r")
    t.case("n * 1j", times(c(n), np.array([1j])), n="n")
    t.case("h + 0.1j", plus(c(half, C64), np.array([0.1j], C64)), h=half, note="f16 and complex: c64")
    t.case("u * (1 + 2j) / 4", over(times(u, np.array([1 + 2j], C64)), np.array([4], C64)), u="u")
    t.case("1.5j", np.array(1.5j))
    t.case("(1 + 2j) * (3 - 4j)", np.array(11 + 2j))
    t.case("-1j + 1", np.array(joined(F64(1.0), F64(-1.0))))
    t.case("(0.1j).imag + abs(3 + 4j)", np.array(5.1))
    t.case("z * k", times(z, np.array([0.5 - 2j])), z="z", k=C128(0.5 - 2j))
    t.case("u * k", times(u, np.array([0.5 - 2j], C64)), u="u", k=C64(0.5 - 2j))
    t.case("z / k", over(z, np.array([3 - 4j])), z="z", k=C128(3 - 4j))
    t.case("z == 1", (z.real == 1) & (z.imag == 0), z="z")
    t.case("c64(r)", c(r.astype(F32), C64), r="r")
    t.case("c128(n)", c(n), n="n")
    t.case("r.astype(complex)", c(r), r="r")
    t.case("complex(r)", c(r), r="r")
    t.case("complex(f, r)", joined(f.astype(F64), r), f="f", r="r")
    t.case("complex(n, 1)", joined(n.astype(F64), F64(1)), n="n")
    t.case("r.real + r.imag - conj(r)", r + 0 * r.imag - r, r="r", note="of real numbers a real number")
    t.case("conj(f)", f, f="f")
    t.case("abs(f)", np.abs(f), f="f")
    t.case("real(n) + imag(n)", n, n="n")
    t.case("complex(r > 0, f > 0)", joined((r > 0).astype(F64), (f > 0).astype(F64)), r="r", f="f")


def reals(t):
    """The parts of real numbers, of every dtype."""
    for name, dtype in DTYPES.items():
        x = np.array([0, 1, 3, 0, 1], dtype)
        if np.dtype(dtype).kind in "if":
            x[2] = -3
        wide = x if np.dtype(dtype).kind == "f" else x.astype(F64)
        part = wide.astype(F32) if name == "f16" else wide
        angle = np.where(np.signbit(wide), math.pi, 0)
        t.case("real(x)", x, x=x)
        t.case("imag(x)", np.zeros_like(x), x=x)
        t.case("conj(x)", x, x=x)
        t.case("arg(x)", angle.astype(wide.dtype), x=x)
        t.case("complex(x, x)", joined(part, part), x=x)


#: Reductions of complex numbers; the rest need an order.
REDUCED = ("sum", "prod", "mean", "var", "std", "norm", "any", "all", "count_nonzero", "nansum", "nanprod",
           "nanmean", "nanvar", "nanstd")
#: Floats from the exact value: a rounding more than those of reals, where two parts' squares are added.
ROUNDED = {"var": 6, "std": 4, "norm": 4, "nanvar": 6, "nanstd": 4}
SPREADS = ("var", "std", "nanvar", "nanstd")


def reductions(t):
    """In the order of numerics.md, step by step; what has a spread is exact and rounded once."""
    def case(formula, mode="both", note=None, **given):
        name = formula.partition("(")[0]
        t.case(formula, evaluated(formula, **given), ulp=ROUNDED.get(name, 0), mode=mode, note=note, **given)

    seed = 900
    for name in REDUCED:
        for dtype in (C128, C64):
            for shape, listed in (((7,), ""), ((41,), ""), ((3, 40), ", axis=0"), ((3, 40), ", axis=1, keepdims=True"),
                                  ((2, 9, 3), ", axis=(0, 2)"), ((1030,), ""), ((9, 5), ", axis=-1"), ((), "")):
                seed += 1
                n = int(np.prod(shape, dtype=int))
                re, im = (Fill(k, splitmix(k, n).reshape(shape)) for k in (seed, seed + 1000))
                a = joined(re.array, im.array, C128).astype(dtype)
                made = "complex(x, y)" if dtype is C128 else "c64(complex(x, y))"
                spread = ", ddof=1" if name in SPREADS and seed % 2 and shape else ""
                expect = evaluated(f"{name}(a{listed}{spread})", a=a)
                t.case(f"{name}({made}{listed}{spread})", expect, ulp=ROUNDED.get(name, 0), mode="both", x=re, y=im)
        nans = np.array([[1.5 + 1j, complex(NAN, 2.0), -2.0j, 0.25], [complex(NAN, NAN), complex(1.0, NAN), NAN, complex(0, NAN)],
                         [complex(INF, 1.0), 1j, complex(0.0, -INF), 2.0], [complex(-0.0, -0.0), 3 - 4j, complex(INF, NAN), 1.0]])
        for dtype in (C128, C64):
            for listed in (", axis=1", ", axis=0", ""):
                case(f"{name}(a{listed})", a=nans.astype(dtype), note="an element is NaN if a part is")
        for shape, listed in (((0,), ""), ((0, 3), ", axis=0"), ((3, 0), ", axis=1"), ((3, 0), ", axis=0")):
            a = np.zeros(shape, C128)
            if name in ("sum", "prod", "norm", "any", "all", "count_nonzero", "nansum", "nanprod") or listed == ", axis=0" and shape[1] == 0:
                case(f"{name}(a{listed})", a=a)
            else:
                t.case(f"{name}(a{listed})", error="E0404", a=a)
    method = np.array([[1 + 2j, 3 - 1j, 0.5j], [2.0, -1j, 4 + 4j]])
    for text, name in (("a.prod(axis=0)", "prod(a, axis=0)"), ("a.var(ddof=1)", "var(a, ddof=1)"), ("a.std(axis=1)", "std(a, axis=1)")):
        t.case(text, evaluated(name, a=method), ulp=ROUNDED.get(name[:3], 0), mode="both", a=method)
    spreads(t, case)


def spreads(t, case):
    """Variances and norms where naive sums of squares have no digits, or no value."""
    unit = splitmix(77, 2 * 70).reshape(2, 70)
    case("var(a)", a=joined(1e9 + unit[0], unit[1] * 1e-6 - 1e9), note="far from 0")
    case("nanstd(a, ddof=2)", a=joined(1e9 + unit[0], unit[1] * 1e-6 - 1e9))
    case("var(a, ddof=-3)", a=joined(unit[0], unit[1]))
    for ddof in (3, 4):
        for name in SPREADS:
            case(f"{name}(a, ddof={ddof})", a=np.array([1j, 2.0, 3 - 1j]))
    case("var(a, ddof=1)", a=np.array([2 + 1j]), note="0 / 0")
    for dtype in (C128, C64):
        for n in (0, 1, 5, 70):
            z, w = (joined(*splitmix(n + k, 2 * n).reshape(2, n), C128).astype(dtype) for k in (500, 600))
            products = joined(z.real * w.real - z.imag * w.imag, z.real * w.imag + z.imag * w.real, dtype)
            t.case("dot(z, w)", evaluated("sum(p)", p=products), mode="both", z=z, w=w)
    near = np.array([1 + 1j, 1 + 1.000001j, 1 - 1j, complex(INF, 1.0), complex(NAN, 0.0), 0.0])
    given = np.array([1 + 1j, 1 + 1j, 1 + 1j, complex(INF, 1.0), complex(NAN, 1.0), 1e-9j])
    t.case("isclose(z, w)", np.isclose(near, given), z=near, w=given)
    t.case("isclose(z, w, equal_nan=True)", np.isclose(near, given, equal_nan=True), z=near, w=given)
    t.case("isclose(z, 1 + 1j)", np.isclose(near, 1 + 1j), z=near)
    t.case("z / w", joined([0.0, 0.0, 2.0], [0.0, -0.0, 0.0]), z=np.array([0.0, complex(0.0, -0.0), complex(1e-323, 0.0)]),
           w=np.array([5e-324, 5e-324, 5e-324]), note="NumPy: 1 over the divisor is infinite, and so NaN")
    huge = np.array([complex(1e300, 1e300), complex(-1e300, 2e300)] * 20)
    case("norm(a)", a=huge, note="squares overflow, the norm does not")
    case("norm(a)", a=joined(huge.real * 1e-300 * 1e-310, huge.imag * 1e-300 * 1e-310), note="squares vanish")
    case("norm(a)", a=np.array([complex(1e308, 1e308)] * 4), note="the norm overflows")
    case("norm(a)", a=np.array([complex(1e200, 1e-200), 1 + 1j, complex(0, 1e150)]))
    case("prod(a)", a=np.array([complex(1e30, 1e30)] * 9, C64), note="overflows f32 on the way, and f32 in the end")
    case("prod(a)", a=np.array([complex(1e30, 1e30), complex(1e30, 0), complex(1e-30, 1e-30), complex(0, 1e-30)], C64),
         note="overflows f32 on the way only")
    case("prod(a)", a=np.array([complex(INF, 0.0)]), note="1 * z, as NumPy: an infinity meets the zero of 1")
    case("nanprod(a)", a=np.array([complex(-0.0, -0.0)]))
    z = np.array([0, 1j, 2, -0.0])
    rows = np.arange(12.0).reshape(3, 4) * (1 - 2j)
    t.case("sum(z), mean(z), z.sum(axis=0), z.mean(axis=1, keepdims=True)",
           (rows.sum(), rows.mean(), rows.sum(axis=0), rows.mean(axis=1, keepdims=True)), z=rows,
           note="the sums of the parts; whole numbers, so that the order of addition does not matter")
    t.case("(z - mean(z)) / std(z)", over(minus(rows, rows.mean()), joined(np.full(rows.shape, rows.std()), np.zeros(rows.shape))),
           ulp=8, mode="both", z=rows)
    t.case("mean(u)", np.array(rows.astype(C64).mean()), u=rows.astype(C64))
    t.case("count_nonzero(z)", np.array(11), z=rows)
    t.case("any(z), all(z), any(z[:1])", (np.array(True), np.array(False), np.array(False)), z=z)
    t.case("any(u), all(u[1:3])", (np.array(True), np.array(True)), u=z.astype(C64))


def functions(t):
    for a, dtype in (("p", C128), ("q", C64)):
        points = np.array(POINTS, dtype)
        for name in FUNCTIONS:
            t.case(f"{name}({a})", function(name, points), ulp=STEPS, mode="both", **{a: points})
        t.case(f"arcsin({a}) - arccosh({a})", minus(function("asin", points), function("acosh", points)),
               ulp=64, **{a: points})
    z = np.array([complex(0.0, INF), complex(-INF, 1.0), complex(NAN, 0.0), -1.0, complex(-1.0, -0.0), -4.0])
    t.case("sqrt(z)", joined([INF, 0.0, NAN, 0.0, 0.0, 0.0], [INF, INF, NAN, 1.0, -1.0, 2.0]), z=z,
           note="the sign of a zero imaginary part says on which side of the cut; C99's Annex G")
    t.case("exp(z)", joined([INF, 0.0], [0.0, 0.0]), z=np.array([complex(INF, 0.0), complex(-INF, 0.0)]))
    t.case("sign(z)", joined([1.0, -1.0, 0.0, NAN, NAN, 0.0, 1.0, math.sqrt(0.5), math.sqrt(0.5)],
                             [0.0, 0.0, -1.0, NAN, NAN, 0.0, -0.0, -math.sqrt(0.5), math.sqrt(0.5)]), ulp=2,
           z=np.array([complex(INF, NAN), complex(-INF, -3.0), complex(NAN, -INF), complex(INF, INF), complex(0.0, NAN), complex(-0.0, -0.0),
                       complex(2.0, -0.0), complex(1e308, -1e308), complex(5e-324, 5e-324)]),
           note="z / |z|, 0 of 0; of an infinite part NumPy's")
    t.case("exp2(z)", joined([8.0, 0.25, 0.0, INF, NAN, INF, 0.0], [0.0, -0.0, 0.0, 0.0, 0.0, NAN, 0.0]),
           z=np.array([3.0, complex(-2.0, -0.0), complex(-INF, 1.0), INF, NAN, complex(INF, NAN), complex(-INF, INF)]))
    t.case("log(z)", joined([-INF, INF], [0.0, 0.0]), z=np.array([0j, complex(INF, 0.0)]))


def powers(t):
    z, u = (np.array(POINTS, dtype) for dtype in (C128, C64))
    square = lambda x: times(x, x)
    t.case("z**2", square(z), mode="both", z=z)
    t.case("u**2", square(u), mode="both", u=u)
    t.case("z**3", times(z, square(z)), mode="both", z=z)
    t.case("u**5", times(u, square(square(u))), mode="both", u=u)
    t.case("z**0", np.ones_like(z), z=z)
    t.case("z**1", z, z=z)
    t.case("z**-1", over(np.ones_like(z), z), mode="both", z=z)
    t.case("u**-2", over(np.ones_like(u), square(u)), mode="both", u=u)
    t.case("z**0.5", function("sqrt", z), ulp=STEPS, z=z)
    t.case("(1j)**2", np.array(joined(F64(-1.0), F64(0.0))))
    w = np.array([0.5 + 0.25j])
    for name, x in (("z", z), ("u", u)):
        with gmpy2.context(precision=300):
            exact = [complex(gmpy2.exp(mpc(0.5, 0.25) * gmpy2.log(mpc(v.real, v.imag)))) for v in x.tolist()]
        t.case(f"{name}**(0.5 + 0.25j)", np.array(exact, x.dtype), ulp=16, **{name: x})
    t.case("z**w", np.array([1, 1, 0, NAN, NAN], C128) + np.array([0, 0, 0, NAN, NAN]) * 1j,
           z=np.array([0, 5, 0, 0, 0], C128), w=np.array([0, 0, 2 + 1j, 1j, -1]),
           note="z**0 is 1; 0**w is 0 where the real part of w is positive, else NaN, as NumPy")


def arrays(t):
    grid = (np.arange(24.0) - 5.5).reshape(4, 6) + 1j * np.arange(24.0)[::-1].reshape(4, 6) / 4
    row, column = grid[0], grid[:, :1].copy()
    square = lambda x: times(x, x)
    t.case("z[::-2, 1:] * 2j", times(grid[::-2, 1:], np.array(2j)), z=grid)
    t.case("z.T + z.T", plus(grid.T, grid.T), z=grid)
    t.case("a * b", times(row[None, :], column), a=row, b=column)
    t.case("x[:, None] - x[None, :]", minus(row[:, None], row[None, :]), x=row)
    t.case("z[1, 2] * z", times(grid[1, 2], grid), z=grid)
    t.case("s = z * z\ns[1:] - s[:-1]", minus(square(grid)[1:], square(grid)[:-1]), z=grid,
           note="what views read is kept between passes, its parts apart")
    t.case("s = a / 2\ns[:, None] * b.T", times(over(row, np.full(6, 2 + 0j))[:, None], column.T), a=row, b=column)
    t.case("z * max(abs(z.real))", times(grid, np.array(17.5 + 0j)), z=grid)
    t.case("z.conj(), z.imag, z * z", (joined(grid.real, -grid.imag), grid.imag.copy(), square(grid)), z=grid)
    t.case("complex(arange(5), 0.5)", np.arange(5) + 0.5j)
    t.case("z.size + len(z)", np.array(28), z=grid)
    t.case("z * z", square(grid[:0]), z=grid[:0])
    t.case("z", np.array(1 - 2j), z=C128(1 - 2j))
    t.case("z", np.array(1 - 2j), z=np.array(1 - 2j))
    long = " + ".join(["z * z"] + [f"z * {k}j" for k in range(1, 200)])
    total = square(grid)
    for k in range(1, 200):
        total = plus(total, times(grid, np.array(k * 1j)))
    t.case(long, total, z=grid, note="cut into several passes")


def errors(t, v):
    z = v["z"]
    for formula in ("z < z", "z >= 1", "1 < z", "max(z)", "min(z)", "argmin(z)", "argmax(z)", "nanmax(z)", "nanmin(z)", "floor(z)", "z // 2", "z % 2",
                    "minimum(z, 1)", "hypot(z, z)", "atan2(z, 1)", "cbrt(z)", "erf(z)", "exp10(z)", "f64(z)",
                    "z.astype(f32)", "i64(z)", "z & 1", "not z", "where(z, 1, 2)", "complex(z, 1)",
                    "clip(z, 0, 1)", "signbit(z)", "copysign(z, 1)"):
        t.case(formula, error="E0301", z="z")
