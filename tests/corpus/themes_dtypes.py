"""The dtypes beside bool, i32, i64, f32 and f64: integers of other widths and signs, and f16.

One list of formulas for all of them: what an operator or function means does not depend on the width.
"""

import itertools

import numpy as np

import oracle
from elementary import FUNCTIONS, ONE_ARGUMENT, TWO_ARGUMENTS, steps
from oracle import DTYPES
from themes import F32, F64, I32, I64, INF, KEY, NAN
from themes_functions import POINTS, SAME_POINTS, SPECIAL, testable
from themes_types import SMALL
from writer import Fill, Theme, Weak

F16, U8, U16, U32, U64 = np.float16, np.uint8, np.uint16, np.uint32, np.uint64
INTEGER_NAMES = [name for name, dtype in DTYPES.items() if np.dtype(dtype).kind in "iu"]
NEW = [name for name in DTYPES if name not in SMALL]

#: A few values of each dtype, for pairs of dtypes.
FEW = {"i8": np.array([7, -3, 127], np.int8), "i16": np.array([7, -3, 30000], np.int16),
       "u8": np.array([7, 3, 255], U8), "u16": np.array([7, 3, 65535], U16),
       "u32": np.array([7, 3, 2**32 - 1], U32), "u64": np.array([7, 3, 2**64 - 1], U64),
       "f16": np.array([0.1, -2.5, 60000], F16)}
ALL = SMALL | FEW

HALVES = [2.0**-24, -(2.0**-24), 2.0**-14, 1023 * 2.0**-24, 65504.0, -65504.0, 2049.0, 0.4998, 1023.5,
          -0.3333, 7.25, 1e-5, 255.0, 2048.0]


def integers(dtype):
    """Small numbers, the width, the edges of the range, and what squares beyond it."""
    bits, info = oracle.bits_of(dtype), np.iinfo(dtype)
    values = [0, 1, 2, 3, 7, 10, bits - 1, bits, bits + 1, info.max, info.max - 1, info.max // 2,
              info.max // 3 + 1, 2 ** (bits // 2) + 1]
    if info.min < 0:
        values += [-1, -2, -7, info.min, info.min + 1, -(2 ** (bits // 2))]
    else:
        values += [2 ** (bits - 1), 2 ** (bits - 1) + 3]
    return np.array(values, dtype)


def paired(values):
    """Every value with every one."""
    return np.repeat(values, len(values)), np.tile(values, len(values))


def halves():
    """All pairs of key values, edges with their neighbours in the list."""
    key = np.array(KEY[:8] + KEY[9:], F16)
    edges = np.array(HALVES, F16)
    lhs, rhs = paired(key)
    return (np.concatenate([lhs, edges, edges, key]),
            np.concatenate([rhs, np.roll(edges, 1), np.roll(edges, 5), np.resize(edges, len(key))]))


BINARY = {
    "{a} + {b}": lambda a, b: a + b, "{a} - {b}": lambda a, b: a - b, "{a} * {b}": lambda a, b: a * b,
    "{a} // {b}": oracle.int_floor_div, "{a} % {b}": oracle.int_mod, "fmod({a}, {b})": oracle.int_fmod,
    "{a} / {b}": lambda a, b: a.astype(F64) / b.astype(F64),
    "{a} & {b}": lambda a, b: a & b, "{a} | {b}": lambda a, b: a | b, "{a} ^ {b}": lambda a, b: a ^ b,
    "{a} << {b}": oracle.shift_left, "{a} >> {b}": oracle.shift_right, "{a} ** {b}": oracle.int_power,
    "minimum({a}, {b})": oracle.minimum, "maximum({a}, {b})": oracle.maximum,
    "gcd({a}, {b})": oracle.gcd, "lcm({a}, {b})": oracle.lcm,
    "copysign({a}, {b})": oracle.copysign, "where({a} > {b}, {a}, {b})": np.maximum,
    "{a}*{b} - ({a} + {b})*{a}": lambda a, b: a * b - (a + b) * a,
}
UNARY = {
    "-{a}": lambda a: -a, "+{a}": lambda a: a, "~{a}": lambda a: ~a, "abs({a})": np.abs,
    "sign({a})": np.sign, "signbit({a})": oracle.signbit, "popcount({a})": oracle.popcount,
    "floor({a})": lambda a: a, "ceil({a})": lambda a: a, "trunc({a})": lambda a: a, "round({a})": lambda a: a,
    "isnan({a})": np.isnan, "isinf({a})": np.isinf, "isfinite({a})": np.isfinite,
    "ones_like({a})": np.ones_like, "zeros_like({a})": np.zeros_like, "copy({a})": lambda a: a,
    "round({a}, 2)": lambda a: a, "sqrt({a})": lambda a: np.sqrt(a.astype(F64)),
    "sum({a})": oracle.fuse_sum, "max({a})": np.max, "min({a})": np.min,
    "{a}**0": np.ones_like, "{a}**1": lambda a: a, "{a}**2": lambda a: a * a,
    "{a}**7": lambda a: oracle.int_power(a, a.dtype.type(7)),
    "2*{a} + 3*{a}*{a} + 5": lambda a: a * a.dtype.type(2) + a * a * a.dtype.type(3) + a.dtype.type(5),
    "{a} * 1 + 0 - -{a} + 17 + 17": lambda a: a + a + a.dtype.type(34),
    "abs(-{a})": lambda a: np.abs(-a), "{a} + -{a}": np.zeros_like, "-(-{a})": lambda a: a,
}


def integer_widths():
    t = Theme("integer_widths", "Integers of every width, signed and unsigned: wrapping arithmetic, // and "
              "% that round down (by zero 0), shifts, powers, comparisons, choices, reductions. Python's "
              "integers, wrapped.")
    for name in INTEGER_NAMES:
        new = name in NEW
        a, b = f"{name} a", f"{name} b"
        values = integers(DTYPES[name])
        t.vectors[name] = values
        t.vectors[a], t.vectors[b] = paired(values)
        for formula, value in BINARY.items():
            if new or "gcd" in formula or "lcm" in formula:
                text = formula.replace("{a}", "a").replace("{b}", "b")
                with np.errstate(all="ignore"):
                    t.case(text, value(t.vectors[a], t.vectors[b]), a=a, b=b)
        for formula, value in UNARY.items():
            fresh = any(word in formula for word in ("popcount", "_like", "copy", "round({a}, 2)"))
            if new or fresh:
                with np.errstate(all="ignore"):
                    t.case(formula.replace("{a}", "a"), np.asarray(value(values)), a=name)
        if new:
            for symbol in ("<", "<=", "==", "!=", ">=", ">"):
                t.case(f"a {symbol} b", oracle.compare(symbol, t.vectors[a], t.vectors[b]), a=a, b=b)
            literals(t, name, values)
    return t


def literals(t, name, values):
    """Beside plain integers, inside the range and outside."""
    info = np.iinfo(values.dtype)
    one = values.dtype.type
    for divisor in (0, 1, 3, 10, 100):
        t.case(f"a // {divisor}", oracle.int_floor_div(values, one(divisor)), a=name)
        t.case(f"a % {divisor}", oracle.int_mod(values, one(divisor)), a=name)
    for count in (0, 1, 7, 100):
        t.case(f"a << {count}", oracle.shift_left(values, one(count)), a=name)
        t.case(f"a >> {count}", oracle.shift_right(values, one(count)), a=name)
    with np.errstate(all="ignore"):
        t.case(f"a + {info.max}", values + one(info.max), a=name)
        t.case("clip(a, 3, 100)", np.clip(values, one(3), one(100)), a=name)
        t.case("a * 2.5", values.astype(F64) * 2.5, a=name)
        t.case(f"a + 7{name}", values + one(7), a=name)
        t.case("k - a", one(5) - values, k=Weak(5), a=name)
    for beyond in (info.max + 1, info.min - 1):
        t.case(f"a + {beyond}", error="E0302", a=name)
        t.case(f"minimum(a, {beyond})", error="E0302", a=name)
        for symbol in ("<", "<=", "==", "!=", ">=", ">"):
            t.case(f"a {symbol} {beyond}", compared(symbol, values, beyond), a=name)
            t.case(f"{beyond} {symbol} a", compared(symbol, beyond, values), a=name)
    t.case("a ** -1", error="E0303", a=name)
    t.case("not a", error="E0301", a=name)


def compared(symbol, a, b):
    return np.array([eval(f"x {symbol} y", {"x": x, "y": y})
                     for x, y in np.broadcast(np.asarray(a, object), np.asarray(b, object))])


def all_casts():
    t = Theme("all_casts", "Casts between all dtypes, at the edges of each: floats saturate and NaN gives 0, "
              "integers keep their low bits, towards floats there is one rounding, also from 64 bits to f16.")
    sources = {name: integers(DTYPES[name]) for name in INTEGER_NAMES}
    sources["bool"] = np.array([False, True])
    edges = [edge for name in INTEGER_NAMES for edge in
             (float(np.iinfo(DTYPES[name]).max), float(np.iinfo(DTYPES[name]).max) + 1.0,
              float(np.iinfo(DTYPES[name]).min), float(np.iinfo(DTYPES[name]).min) - 1.0)]
    for dtype, name in ((F64, "f64"), (F32, "f32"), (F16, "f16")):
        with np.errstate(all="ignore"):
            points = np.array(KEY + edges + [0.99, -0.99, 255.5, -128.5, 65519.9, 65520.0, 2049.0, 2051.0,
                                             1e-8, 3e-8, 1e300, -1e300, 4294967295.5, 1.0 + 2.0**-11,
                                             1.0 + 2.0**-11 + 2.0**-30, 2.0**-25, 2.0**-25 + 2.0**-60], dtype)
        sources[name] = points
    sources["u64"] = np.concatenate([sources["u64"], np.array(
        [2**53 + 1, 2**54 + 3, 2**63 + 2**39, 2**63 + 2**39 + 1, 2**64 - 2**39, 65519, 65520, 2049, 2051], U64)])
    sources["i64"] = np.concatenate([sources["i64"], np.array([65519, 65520, -65520, 2049, 2051, -2051], I64)])
    for source, values in sources.items():
        t.vectors[source] = values
        for target, dtype in DTYPES.items():
            if source == target:
                continue
            t.case(f"{target}(a)", one_rounding(values, dtype), mode="both", a=source)
    for through in ("i8", "u8", "u16", "f16", "f32", "u64"):
        with np.errstate(all="ignore"):
            for target in ("i16", "u32", "f64"):
                value = oracle.cast(DTYPES[target])(oracle.cast(DTYPES[through])(sources["i32"]))
                t.case(f"{target}({through}(a))", value, mode="both", a="i32",
                       note="integers wrap, floats saturate: one cast is not two")
    t.case("u64(18446744073709551615)", np.array(2**64 - 1, U64))
    t.case("u8(i64(300))", np.array(44, U8), note="a cast wraps; a plain number that does not fit is an error")
    t.case("f16(0.1)", np.array(0.1, F16))
    t.case("1.5f16 + 7u8", np.array(8.5, F16))
    return t


def one_rounding(values, dtype):
    """Towards floats through exact rationals, otherwise as `oracle.cast`."""
    if np.dtype(dtype).kind != "f" or values.dtype.kind not in "iu":
        return oracle.cast(dtype)(values)
    return np.array([oracle.rounded(oracle.Fraction(int(v)), dtype) for v in values], dtype)


def half():
    t = Theme("half", "f16: computed in f32 and rounded after each operation, which gives NumPy's bits; "
              "relaxed, rounded where it is stored, cast, compared or reduced.")
    t.vectors["h"], t.vectors["g"] = halves()
    h, g = t.vectors["h"], t.vectors["g"]
    for formula in ("h + g", "h - g", "h * g", "h / g", "h // g", "h % g", "fmod(h, g)", "minimum(h, g)",
                    "maximum(h, g)", "copysign(h, g)", "h < g", "h <= g", "h == g", "h != g", "h >= g", "h > g",
                    "where(h > g, h, g)", "isclose(h, g)"):
        t.case(formula, h="h", g="g")
    different = (h != g) | (np.signbit(h) == np.signbit(g)) | np.isnan(h)
    t.case("nextafter(h, g)", np.nextafter(h[different], g[different]), h=h[different], g=g[different],
           mode="both", note="a step of f16's own; of zeros of two signs NumPy takes the first")
    for formula in ("-h", "+h", "abs(h)", "sign(h)", "signbit(h)", "floor(h)", "ceil(h)", "trunc(h)", "round(h)",
                    "sqrt(h)", "isnan(h)", "isinf(h)", "isfinite(h)", "ones_like(h)", "zeros_like(h)", "copy(h)",
                    "h", "h**2", "h**0.5", "h**-1", "h**1", "h**0", "h * 2.5", "h + 0.1", "h / 3", "h * 1e5",
                    "1 / h", "h + 2049", "h * h - h", "(h + 1) * 0.1 - h", "h * 3 / 3", "h / 8", "2 * h",
                    "-h * 3", "--h", "abs(-h) + abs(h) * abs(h)", "where(h > 0, h, -1)", "sqrt(abs(h)) * h + 1"):
        t.case(formula, h="h")
    for formula in ("max(h)", "min(h)"):
        t.case(formula, np.array(getattr(np, formula[:3])(h)), h="h")
        numbers = h[np.isfinite(h) & (h != 0)]
        t.case(formula, np.array(getattr(np, formula[:3])(numbers)), h=numbers)
        t.case(formula, error="E0404", h=h[:0])
    for n in (3, 7, 8, 1025, 5000):
        x = oracle.splitmix(n, n).astype(F16)
        t.case("sum(h)", np.array(oracle.fuse_sum(x)), mode="both", h=Fill(n, x))
        t.case("sum(h * h)", np.array(oracle.fuse_sum(x * x)), mode="both", h=Fill(n, x),
               note="what is summed has been rounded, in either mode")
        t.case("h - max(h)", x - np.max(x), h=Fill(n, x))
    t.case("sum(h)", np.array(INF, F16), mode="both", h=np.full(40, 60000, F16))
    relaxed_half(t)
    return t


def relaxed_half(t):
    """Chains stay f32; results, casts, comparisons and sums see rounded values."""
    h = np.array([0.1, -2.5, 3.14159, 1e-3, 60000.0, 7.0, -0.3333, 2048.0], F16)
    g = np.array([1.1, 0.3, -7.7, 123.4, 3.0, 1e-4, 2.5, 1.0], F16)
    a, b = h.astype(F32), g.astype(F32)
    with np.errstate(all="ignore"):
        t.case("h * g - g / h", (a * b - b / a).astype(F16), mode="relaxed", h=h, g=g)
        t.case("h * g + h", oracle.fma(a, b, a).astype(F16), mode="relaxed", h=h, g=g)
        t.case("h + h**2 + h**3", oracle.fma(a, oracle.fma(a, a, a), a).astype(F16), mode="relaxed", h=h,
               note="Horner in f32, one rounding to f16")
        t.case("h * g / g", ((a * b) / b).astype(F16), mode="relaxed", h=h, g=g, note="60000 * 3 fits f32")
        t.case("f32(h * g)", (a * b).astype(F16).astype(F32), mode="relaxed", h=h, g=g)
        t.case("f64(h * g) - f64(g)", (a * b).astype(F16).astype(F64) - b, mode="relaxed", h=h, g=g)
        t.case("h * g > g + h", (a * b).astype(F16) > (a + b).astype(F16), mode="relaxed", h=h, g=g)
        t.case("isinf(h * g)", np.isinf((a * b).astype(F16)), mode="relaxed", h=h, g=g)
        t.case("sum(h * g)", np.array(oracle.fuse_sum((a * b).astype(F16))), mode="relaxed", h=h, g=g)
        t.case("max(h * g) + h", (np.max((a * b).astype(F16)).astype(F32) + a).astype(F16), mode="relaxed",
               h=h, g=g)
        t.case("h * 0.1", (a * F32(F16(0.1))).astype(F16), mode="relaxed", h=h,
               note="a plain number is one of f16 first")


def dtype_pairs():
    t = Theme("dtype_pairs", "Pairs of dtypes with one that other themes do not have: NumPy 2's result "
              "dtype and values; i64 and u64 compare exactly; integers of both signs without a common "
              "integer dtype become f64.")
    for (a, x), (b, y) in itertools.product(ALL.items(), ALL.items()):
        if a not in NEW and b not in NEW:
            continue
        both = "a + b" if a != "bool" else "b * a"
        for formula in (both, "a / b", "where(a > b, a, b)", "maximum(a, b)"):
            t.case(formula, a=x, b=y)
        for symbol in ("<", "==", ">="):
            if x.dtype.kind in "iu" and y.dtype.kind in "iu":
                t.case(f"a {symbol} b", oracle.compare(symbol, x, y), a=x, b=y)
            else:
                t.case(f"a {symbol} b", a=x, b=y)
        if np.result_type(x, y).kind == "f" and x.dtype.kind in "iu" and y.dtype.kind in "iu":
            for formula in ("a & b", "a << b", "gcd(a, b)"):
                t.case(formula, error="E0301", a=x, b=y)
    i = np.array([-1, -2**63, 0, 5, 2**63 - 1, 2**63 - 1, -7], I64)
    u = np.array([2**64 - 1, 2**63, 0, 5, 2**63 - 1, 2**63, 3], U64)
    for symbol in ("<", "<=", "==", "!=", ">=", ">"):
        t.case(f"i {symbol} u", oracle.compare(symbol, i, u), i=i, u=u, note="exact, not through f64")
        t.case(f"u {symbol} i", oracle.compare(symbol, u, i), i=i, u=u)
        t.case(f"i {symbol} s", oracle.compare(symbol, i, u[1]), i=i, s=u[1])
    t.case("-1 < i < u", (i > -1) & oracle.compare("<", i, u), i=i, u=u)
    for weak, name in itertools.product((Weak(3), Weak(2.5)), NEW):
        t.case("a + k", a=FEW[name], k=weak)
    for name in NEW:
        for literal in ("2", "2.5", "0.1"):
            t.case(f"a * {literal}", a=FEW[name])
        t.case("a * s", a=FEW[name], s=FEW[name][1])
        t.case("a / s", a=FEW[name], s=FEW[name][0])
    return t


def dtype_functions():
    t = Theme("dtype_functions", "Elementary functions of the other dtypes: of integers f64, of f16 the f32 "
              "value rounded to f16, at most one float from MPFR's value rounded once.")
    for name in ONE_ARGUMENT:
        with np.errstate(all="ignore"):
            points = np.array(SPECIAL[F32] + POINTS[SAME_POINTS.get(name, name)], F16)
        points = np.array([F16(float.fromhex(p)) for p in dict.fromkeys(float(p).hex() for p in points)])
        t.case(f"{name}(h)", mode="both", ulp=1, h=points)
        for dtype, values in FEW.items():
            if dtype != "f16":
                t.case(f"{name}(a)", mode="both", ulp=steps(name, F64), a=values)
    for name in ("logaddexp", "atan2", "hypot", "nextafter", "power"):
        for dtype, values in FEW.items():
            other = np.roll(values, 1)
            if name == "power":
                if dtype == "f16":
                    t.case("a ** b", FUNCTIONS["power"](np.abs(values), other), mode="both", ulp=1,
                           a=np.abs(values), b=other)
                continue
            ulp = 1 if dtype == "f16" else steps(name, F64)
            x, y = testable(name, F16 if dtype == "f16" else F64, values, other)
            t.case(f"{name}(a, b)", mode="both", ulp=0 if name == "nextafter" else ulp, a=x, b=y)
    assert set(TWO_ARGUMENTS) == {"logaddexp", "atan2", "hypot", "power"}
    return t


def derived():
    t = Theme("derived", "Functions that are formulas over others: isclose and round(x, n) are NumPy's bits "
              "in strict mode, copy, clip, ones_like and zeros_like.")
    x = np.array(KEY + [1.005, 2.675, 12345.6789, -0.5, 1e-9, 1e300, 123456789.5, 2.5])
    f = np.array(KEY + [1.005, 2.675, 12345.6789, -0.5, 1e-9, 1e30, 2.5], F32)
    h = np.array([1.005, 2.675, -0.5, 100.3, 60000, 3.14159, INF, NAN], F16)
    for values in (x, f, h):
        for n in (0, 1, 2, 3, -1, -2, -5, 20, -20):
            with np.errstate(all="ignore"):
                t.case(f"round(a, {n})", np.round(values, n), a=values)
    t.case("np.round(a, decimals=2) + around(a, 1)", np.round(x, 2) + np.round(x, 1), a=x)
    t.case("round(2.675, 2)", np.array(np.round(2.675, 2)))
    i = np.array([0, 15, 25, -15, 123456, -98765], I64)
    for n in (0, 3, -1, -3):
        t.case(f"round(a, {n})", np.round(i, n), a=i)
        t.case(f"round(a, {n})", np.round(i.astype(I32), n), a=i.astype(I32))
    t.case("round(a, -1)", np.array([0, 20, 120], U8), a=np.array([4, 15, 123], U8))
    t.case("round(a, 1)", error="E0301", a=np.array([True]))
    t.case("round(a, k)", error="E0305", a=x, k=Weak(2))
    a = np.array([1e10, 1e-7, 1e10, 1e-8, 1.0, NAN, INF, -INF, INF, 0.0, -0.0, 1.0])
    b = np.array([1.00001e10, 1e-8, 1.0001e10, 1e-9, NAN, NAN, INF, INF, 1.0, -0.0, 1e-9, 1.00002])
    for u, v in ((a, b), (b, a), (a.astype(F32), b.astype(F32)), (a, b.astype(F32))):
        t.case("isclose(a, b)", a=u, b=v)
        t.case("isclose(a, b, equal_nan=True)", a=u, b=v)
        t.case("isclose(a, b, 1e-3)", a=u, b=v)
        t.case("isclose(a, b, atol=1e-3, rtol=0)", a=u, b=v)
    t.case("isclose(a, b)", np.isclose(i, i[::-1]), a=i, b=i[::-1].copy())
    for name, values in FEW.items():
        t.case("isclose(a, b)", np.isclose(values, np.roll(values, 1)), a=values, b=np.roll(values, 1))
        t.case("isclose(a, a)", np.ones(3, bool), a=values)
    t.case("isclose(a, 3)", np.array([False, True]), a=np.array([False, True]).astype(I32) * I32(3))
    for name, values in SMALL.items():
        t.case("isclose(a, a)", np.ones(3, bool), a=values)
        for function in ("copy", "ones_like", "zeros_like"):
            t.case(f"{function}(a)", a=values)
    p = np.array([True, False])
    for n in (0, 1, 3):
        t.case(f"p**{n}", p=p)
    t.case("p**-1", error="E0303", p=p)
    t.case("p**2.0 + p**2.5", p.astype(F64) * 2, mode="both", p=p)
    t.case("clip(a, min=-1, max=1)", np.clip(x, -1, 1), a=x)
    t.case("clip(max=2, a=a, min=0) + ones_like(a)", np.clip(x, 0, 2) + 1, a=x)
    t.case("ones_like(a)", np.ones((3, 4)), a=np.zeros((3, 4)))
    t.case("zeros_like(a) + b", np.zeros((3, 4)) + 1.5, a=np.ones((3, 1)), b=np.full((1, 4), 1.5))
    t.case("copy(2.5)", np.array(2.5))
    for formula, code in (("isclose(a)", "E0203"), ("isclose(a, a, tol=1)", "E0204"), ("clip(a, 1)", "E0203"),
                          ("isclose(a, a, 1, 1, True, 1)", "E0203"), ("isclose(a, a, b=a)", "E0204")):
        t.case(formula, error=code, a=x)
    return t
