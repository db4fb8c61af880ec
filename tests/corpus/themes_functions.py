"""Elementary functions and powers of floats: special values, exact values, dtypes, names, scalars.

The value of a function is MPFR's, rounded once (`elementary.py`), and a result may differ from it by
as many floats as the function's budget allows. `nextafter`, and results that are floats themselves
(`log2(8)`), are demanded to the bit; so is that a constant folded, a scalar computed once a call and an
element of an array are the same number.

How many floats a composition may be away is derived beside it: one float is at most 2^-52 of the value
(f32: 2^-23) and a relative difference of 2^-52 at most two floats.
"""

import itertools

import numpy as np

from elementary import ALIASES, FUNCTIONS, ONE_ARGUMENT, TWO_ARGUMENTS, is_testable, steps
from oracle import splitmix
from themes import EDGES, F32, F64, I32, I64, INF, KEY, NAN, TRUTH
from themes_types import SMALL, grid
from writer import Fill, Theme, Weak

SPECIAL = {
    F64: [0.0, -0.0, INF, -INF, NAN, 5e-324, -5e-324, 2.225073858507201e-308, 2.2250738585072014e-308,
          -2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308, 1.0, -1.0,
          0.9999999999999999, 1.0000000000000002, 1e-8, -1e-8, 0.5, -0.5, 0.1, 2.5, -2.5, 3.0, 1e17],
    F32: [0.0, -0.0, INF, -INF, NAN, 1.401298464324817e-45, -1.401298464324817e-45, 1.1754942106924411e-38,
          1.1754943508222875e-38, -1.1754943508222875e-38, 3.4028234663852886e38, -3.4028234663852886e38,
          1.0, -1.0, 0.9999999403953552, 1.0000001192092896, 1e-4, -1e-4, 0.5, -0.5, 0.1, 2.5, -2.5, 3.0,
          1e17],
}

#: Edges of the domain, of overflow and of underflow in either dtype, and ordinary values.
POINTS = {
    "exp": [2, 10, -10, 0.6931471805599453, 88.7, 88.8, -87.3, -87.5, -100, -103, -110, 700, 709.7, 709.8,
            -708.3, -708.5, -740, -744, -750, 1e-20],
    "exp2": [1 / 3, 10.25, -10.75, 127.5, -126.5, -148.5, 1023.5, -1022.5, -1073.5, -1080, 1e-20],
    "exp10": [1 / 3, 2.5, -7.3, 38.5, 38.6, -37.95, -44.5, -50, 308.2, 308.3, -307.7, -323, -330, 1e-20],
    "expm1": [1, 1e-5, -1e-5, 0.3, -0.3, 10, -40, 88.7, 88.8, 709.7, 709.8, -800, 1e-300],
    "sigmoid": [1, -1, 10, -10, 17, 40, -40, -87.5, -103, -110, -700, -708.5, -744, -750, 800],
    "log": [2, 10, 100, 2.718281828459045, 0.9, 1.1, 1e-30, 1e30, 1e-300, 1e300],
    "log2": [3, 10, 0.9, 1.1, 1e-30, 1e30, 1e-300, 1e300],
    "log10": [2, 3, 0.9, 1.1, 1e-30, 1e30, 1e-300, 1e300],
    "log1p": [2, 10, 1e-5, -1e-5, -0.9, -0.999999, -1.000001, 1e-20, 1e30, 1e300],
    "sin": [1.5707963267948966, 3.141592653589793, -3.141592653589793, 0.7853981633974483, 100.5, 1e5, 1e10,
            1e22, -1e30, 2.0**120, 1e300, float.fromhex("0x1.6ac5b262ca1ffp+849")],
    "deg2rad": [1, 45, 90, 180, -180, 360, 57.29577951308232, 720.5, 1e30, 1e300],
    "rad2deg": [3.141592653589793, 1.5707963267948966, -0.7, 100.5, 5.9e36, 6e36, 3.1e306, 3.2e306],
    "asin": [0.7071067811865476, -0.7071067811865476, 0.3, 0.99, -0.99, 1.5, 1e-20],
    "atan": [0.4375, -0.7, 1.3, 10, -100, 1e10, 1e30, -1e300, 1e-20],
    "sinh": [1e-5, 0.3, 20, -20, 88.7, 89.4, 89.5, -89.5, 710.4, -710.4, 710.5, 1e-20],
    "tanh": [1e-5, 0.3, 0.55, -0.55, 5, 9, 10, 19, 22, -22, 800, 1e-20],
    "asinh": [1e-5, 0.3, 2, -2, 1e4, 1e10, -1e30, 1e300, 1e-20],
    "acosh": [1.5, 2, 10, 1e4, 1e10, 1e30, 1e300],
    "atanh": [1e-5, 0.3, 0.99, -0.99, 0.999999, 1.5, 1e-20],
    "cbrt": [2, -2, 10, 0.001, 1e-30, 1e30, -1e-300, 1e300],
    "erf": [0.25, 0.84375, -0.84375, 1.25, 2, 3, 3.9, 4.5, 5.9, -6, 1e-20],
    "erfc": [0.25, 0.84375, 1.25, 2, -2, 5, -6, 8, 9, 10, 12, 20, 26, 26.5, 27, 28, 1e-20],
    "gamma": [1.5, 2, 4, 5, 10, 20, 34.5, 35, 35.1, 100, 170, 171.5, 171.7, -0.1, -1.5, -3, -10.5, -38.5,
              -100.5, -170.5, -200.5, 1e-5, 1e-20],
    "lgamma": [1.5, 2, 1.9, 2.1, 4, 10, 100, 1e10, 1e30, 1e300, 2.5e305, 2.6e305, -3, -10.5, -30.3, -100.5,
               1e-5, 1e-20],
}  # fmt: skip
SAME_POINTS = {"cos": "sin", "tan": "sin", "acos": "asin", "cosh": "sinh"}
INTEGERS = [0, 1, -1, 2, -2, 3, 7, -7, 10, 63, 100, -100]
VECTORS = {
    "i": np.array(INTEGERS + [2**31, 2**53 + 1, 2**63 - 1, -2**63], I64),
    "m": np.array(INTEGERS + [2**24 + 1, 2**31 - 1, -2**31], I32),
    "p": np.array(TRUTH),
}
FLOATS = (("x", "y", F64), ("f", "g", F32))


def vector_name(function, dtype):
    return f"{function} {np.dtype(dtype).name}"


class Functions(Theme):
    """A theme whose cases are single functions, to their budgets."""

    def single(self, formula, name, dtype, expect=None, **inputs):
        """A case in either mode, as far from the nearest float as the function's budget says."""
        self.case(formula, expect, mode="both", ulp=steps(name, dtype), **inputs)

    def one_argument(self, name):
        extra = POINTS[SAME_POINTS.get(name, name)]
        for variable, _, dtype in FLOATS:
            points = dict.fromkeys(dtype(v).item().hex() for v in SPECIAL[dtype] + extra)
            points = np.array([float.fromhex(point) for point in points], dtype)
            key = vector_name(name, dtype)
            (self.vectors[key],) = testable(name, dtype, points)
            self.single(f"{name}({variable})", name, dtype, **{variable: key})
        for variable, values in VECTORS.items():
            assert all(is_testable(name, F64, v) for v in values), name
            self.single(f"{name}({variable})", name, F64, **{variable: variable})

    def two_arguments(self, name):
        for a, b, dtype in FLOATS:
            lhs, rhs = testable_pairs(name, dtype)
            key = vector_name(name, dtype)
            self.vectors[f"{key} 1"], self.vectors[f"{key} 2"] = lhs, rhs
            self.single(f"{name}({a}, {b})", name, dtype, **{a: f"{key} 1", b: f"{key} 2"})
        for (a, x), (b, y) in itertools.product(SMALL.items(), SMALL.items()):
            dtype = np.result_type(x, y)
            dtype = dtype.type if dtype.kind == "f" else F64
            if name != "power":
                x, y = testable(name, dtype, x, y)
                self.single(f"{name}(a, b)", name, dtype, a=x, b=y)

    def alias(self, alias, name):
        """Another name, on the vectors of the function."""
        arity = 2 if name in TWO_ARGUMENTS else 1
        for a, b, dtype in FLOATS:
            key = vector_name(name, dtype)
            inputs = {a: key} if arity == 1 else {a: f"{key} 1", b: f"{key} 2"}
            self.single(f"{alias}({', '.join(inputs)})", name, dtype, **inputs)


def testable_pairs(name, dtype):
    """All pairs of key values, edges with edges and with key values, and ordinary ones."""
    edges = EDGES[dtype]
    pairs = [*itertools.product(KEY, KEY), *zip(edges, edges[1:] + edges[:1]), *zip(edges, KEY),
             *zip(KEY, edges), (3, 4), (-5, 12), (1e30, 1e-30), (1e200, 1e200), (1e-200, 1e-200),
             (700, 701), (-700, -701), (0.3, -0.2), (40, 3), (-0.25, -7.5)]
    return testable(name, dtype, *(np.array(side, dtype) for side in zip(*pairs)))


def testable(name, dtype, *arrays):
    """The elements at which results can be held to the budget."""
    points = zip(*(array.astype(dtype) for array in arrays))
    kept = [is_testable(name, dtype, *point) for point in points]
    return tuple(array[kept] for array in arrays)


def functions():
    t = Functions("functions", "The elementary functions: MPFR's values rounded once, from which a result "
                  "may differ as the budgets of numerics.md allow; special values of C99's Annex F; "
                  "integers and bool in f64; aliases; scalars and constants; compositions.",
                  dict(VECTORS))
    for name in ONE_ARGUMENT:
        t.one_argument(name)
    for name in ("logaddexp", "atan2", "hypot", "nextafter"):
        t.two_arguments(name)
    for alias, name in ALIASES.items():
        if name != "power":
            t.alias(alias, name)
    for prefix in ("np", "numpy", "math"):
        t.single(f"{prefix}.exp(x)", "exp", F64, FUNCTIONS["exp"](SMALL["f64"]), x=SMALL["f64"])
    exact_values(t)
    scalars(t)
    one_number(t)
    compositions(t)
    sums(t)
    return t


def exact_values(t):
    """Results that are floats."""
    whole = np.arange(-30.0, 31)
    powers = {F64: np.array([-1074.0, -1073, -1023, -1022, *whole, 52, 53, 1022, 1023]),
              F32: np.array([-149.0, -148, -127, -126, *whole, 126, 127], F32)}
    for variable, _, dtype in FLOATS:
        two = np.ldexp(dtype(1), powers[dtype].astype(int))
        t.case(f"exp2({variable})", two, mode="both", **{variable: powers[dtype]})
        t.case(f"log2({variable})", powers[dtype], mode="both", **{variable: two})
        tens = 23 if dtype is F64 else 11
        ten = np.array([float(10**k) for k in range(tens)], dtype)
        exponents = np.arange(tens, dtype=dtype)
        t.case(f"exp10({variable})", ten, mode="both", **{variable: exponents})
        t.case(f"log10({variable})", exponents, mode="both", **{variable: ten})
        t.case(f"floor(log10({variable}))", exponents, mode="both", **{variable: ten})
        cubes = np.array([k**3 for k in range(-40, 41)] + [0.125, 2.0**-30, -(1.5**3)], dtype)
        roots = np.array([*range(-40, 41), 0.5, 2.0**-10, -1.5], dtype)
        t.case(f"cbrt({variable})", roots, mode="both", **{variable: cubes})
        a, b = np.array([3, -5, 8, 0.375, 0, -7], dtype), np.array([4, 12, -15, 0.5, -9, 0], dtype)
        t.case("hypot(a, b)", np.array([5, 13, 17, 0.625, 9, 7], dtype), mode="both", a=a, b=b)
    zero = np.array([0.0])
    for name in ("exp", "exp2", "exp10", "cos", "cosh"):
        t.case(f"{name}(x)", np.array([1.0]), mode="both", x=zero)


def scalars(t):
    """Plain numbers, scalars, arrays without axes or elements."""
    f, x = SMALL["f32"], SMALL["f64"]
    for formula, name in (("exp(1)", "exp"), ("exp(1.5)", "exp"), ("log(10)", "log"), ("sin(-1)", "sin"),
                          ("atan2(1, -1)", "atan2"), ("gamma(5.5)", "gamma"), ("cbrt(2)", "cbrt")):
        t.single(formula, name, F64)
    for formula in ("atan2(f, 1)", "atan2(1, f)", "atan2(f, 0.1)", "hypot(f, 2.5)", "hypot(2, f)",
                    "logaddexp(f, 50)", "nextafter(f, 0)", "nextafter(f, inf)", "nextafter(0.1, f)"):
        t.single(formula, formula.split("(")[0], F32, f=f)
    for formula in ("atan2(x, 1)", "hypot(x, -2)", "nextafter(x, 0)", "nextafter(x, -inf)"):
        t.single(formula, formula.split("(")[0], F64, x=x)
    for formula in ("atan2(i, 2)", "hypot(i, 2.5)", "nextafter(i, 1e30)"):
        t.single(formula, formula.split("(")[0], F64, i=SMALL["i64"])
    t.case("f * exp(1)", ulp=3, f=f, note="a plain number stays one: f32; a float away, and two roundings")
    t.case("f * exp(k)", ulp=3, f=f, k=Weak(1))
    t.single("exp(k)", "exp", F64, k=Weak(2))
    t.single("exp(k)", "exp", F64, k=Weak(-0.5))
    t.single("atan2(f, k)", "atan2", F32, f=f, k=Weak(-0.5))
    for scalar in (F64(0.7), F32(0.7), I64(3), I32(-3), np.bool_(True)):
        dtype = type(scalar) if isinstance(scalar, np.floating) else F64
        t.single("exp(s)", "exp", dtype, s=scalar)
        t.single("atan2(s, s)", "atan2", dtype, s=scalar)
    t.single("hypot(x, s)", "hypot", F64, x=x, s=F32(0.7))
    t.single("tanh(z)", "tanh", F64, z=np.array(1.25))
    t.single("tanh(z)", "tanh", F32, z=np.array(1.25, F32))
    t.single("sin(a)", "sin", F64, a=np.zeros((0, 3)))
    t.single("atan2(a, b)", "atan2", F64, a=np.zeros(0), b=np.ones(1))
    a, b = grid((3, 1)), grid((1, 4), start=-1.25)
    t.single("atan2(a, b)", "atan2", F64, a=a, b=b)
    t.single("hypot(a, b)", "hypot", F32, a=a.astype(F32), b=b.astype(F32))
    t.single("log(a)", "log", F64, a=grid((3, 5)))


def one_number(t):
    """A folded constant, a scalar and an element of an array with one value have one result."""
    for name in ONE_ARGUMENT:
        number = 1.3 if name == "acosh" else 0.7
        x, f = np.full(5, number), np.full(5, number, F32)
        true = np.ones(5, bool)
        t.case(f"({name}({number}) == {name}(x)) & ({name}(s) == {name}(x)) & ({name}(k) == {name}(x))",
               true, mode="both", x=x, s=F64(number), k=Weak(number))
        t.case(f"({name}({number}f32) == {name}(f)) & ({name}(s) == {name}(f))", true, mode="both", f=f,
               s=F32(number))
    for name in ("logaddexp", "atan2", "hypot", "nextafter"):
        for a, b, dtype in FLOATS:
            values = np.array([0.1, 2.5, -3.0, 1e10, -1e-10, INF], dtype)
            uniform = np.full(6, 0.7, dtype)
            for number, scalar in (("s", {"s": dtype(0.7)}), ("0.7", {})):
                inputs = {a: values, b: uniform} | scalar
                for formula in (f"{name}({a}, {number}) == {name}({a}, {b})",
                                f"{name}({number}, {a}) == {name}({b}, {a})"):
                    t.case(formula, np.ones(6, bool), mode="both", **inputs)
    x, y, i = np.array([0.1, 2.5, -3.0, 1e10]), np.full(4, 0.7), np.full(4, 3, I64)
    for formula in ("x / exp(s) == x / exp(y)", "x / exp(0.7) == x / exp(y)", "exp(s) / x == exp(y) / x",
                    "x % exp(s) == x % exp(y)"):
        inputs = {"s": F64(0.7)} if "(s)" in formula else {}
        t.case(formula, np.ones(4, bool), x=x, y=y, **inputs)
    t.case("exp(i) == exp(f64(i))", np.ones(4, bool), mode="both", i=i)
    t.case("exp(3) == exp(i)", np.ones(4, bool), mode="both", i=i)


def compositions(t):
    """Functions of functions; well-conditioned ones, so that a bound can be stated."""
    x = np.array([-3.0, -1.5, -0.3, -0.0, 0.0, 0.1, 0.7, 1.0, 2.0, 2.9])
    positive = np.array([0.5, 0.75, 1.5, 2.0, 3.25, 9.0])
    for variable, _, dtype in FLOATS:
        v, positives = {variable: x.astype(dtype)}, {variable: positive.astype(dtype)}
        for formula, ulp, inputs in (
                # One function, of an operand without error; then operations without or with one rounding.
                ("exp(-{a}*{a}/2)", 1, v), ("-exp({a})", 1, v), ("abs(sin({a}))", 1, v),
                ("maximum(exp({a}), {a})", 1, v), ("where({a} > 0, exp({a}), {a})", 1, v),
                ("where({a} < 1, exp({a}), cos({a}))", 1, v),
                ("exp(-{a}*{a}/2) / 2.5066282746310002", 3, v), ("exp({a}) + 1", 3, v),
                ("{a} * exp({a})", 3, v), ("sqrt(exp({a}))", 2, v),
                # Two functions: two floats times the condition number of the outer one, two roundings, and
                # its own float: condition 1, 1, 1.45, 2, 2.2.
                ("exp(sin({a}))", 5, v), ("tanh(exp(-{a}))", 5, v), ("log1p(exp({a}))", 6, v),
                ("atan2(sin({a}), cos({a}))", 7, v), ("exp(log({a}))", 8, positives),
                ("hypot(sin({a}), cos({a}))", 5, v), ("cbrt(cosh({a}))", 5, v),
                ("arctan(sinh({a})) + erf(cos({a}))*0", 7, v)):
            t.case(formula.replace("{a}", variable), ulp=ulp, **inputs)
        for formula in ("isnan(log({a}))", "signbit(sin({a}))", "isinf(log({a}))", "isfinite(exp({a}*1000))",
                        "acosh({a}) == acosh({a})", "sin({a}) <= 1"):
            t.case(formula.replace("{a}", variable), mode="both", **v)
    t.case("sin(x) + cos(x)*0 + tan(f)*0", ulp=1, x=x, f=x.astype(F32),
           note="different dtypes beside each other")
    t.single("f32(exp(x))", "exp", F32, x=x)
    t.single("exp(f64(f))", "exp", F64, f=x.astype(F32))


def sums(t):
    """Sums of n values from 2^-52 off: their relative difference is at most that, and the roundings of
    either sum, 37 + 2 deep at 2 100 elements: at most 2 + 2*39 floats. f32 is added in f64: three floats."""
    x, f = splitmix(7, 2100), splitmix(8, 2100).astype(F32)
    for formula in ("sum(exp(x))", "sum(cosh(x))", "sum(log1p(x*x))", "sum(sqrt(hypot(x, 2)))"):
        t.case(formula, ulp=80, x=Fill(7, x))
        t.case(formula.replace("(x)", "(f)").replace("x*x", "f*f").replace("(x,", "(f,"), ulp=3, f=Fill(8, f))
    t.case("exp(x - max(x)) / sum(exp(x - max(x)))", ulp=90, x=Fill(7, x), note="softmax")
    t.case("sum(sin(x) != sin(x))", np.array(0, I64), x=Fill(7, x))
    t.single("exp(sum(x))", "exp", F64, x=np.array([0.25, 0.5, -0.125]))
    t.single("atan2(sum(x), max(x))", "atan2", F64, x=np.array([0.25, 0.5, -0.125]))
    t.case("sum(log(x))", np.array(-INF), x=np.array([0.0, 1.0, 2.0]))
    t.case("sum(log(x))", np.array(NAN), x=np.array([-1.0, 1.0, 2.0]))
    t.case("sum(exp(x))", np.array(0.0), x=np.zeros(0))


ANNEX_F_BASES = [0.0, -0.0, INF, -INF, 1.0, -1.0, NAN, 0.5, -0.5, 2.0, -2.0]
ANNEX_F_EXPONENTS = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 1.5, -1.5, INF, -INF, NAN, 1e300,
                     -1e300]
WHOLE = {F64: [9007199254740991.0, -9007199254740991.0, 9007199254740994.0],
         F32: [16777215.0, -16777215.0, 16777218.0]}


def powers_float():
    t = Functions("powers_float", "x**y of floats: all pairs of C99's Annex F, exact powers, literal "
                  "exponents and bases, dtypes, names; MPFR's values rounded once, within the budget. "
                  "Exponents of the theme `powers` excepted.")
    power = FUNCTIONS["power"]
    t.two_arguments("power")
    t.alias("pow", "power")
    for a, b, dtype in FLOATS:
        x, y = t.vectors[f"{vector_name('power', dtype)} 1"], t.vectors[f"{vector_name('power', dtype)} 2"]
        t.single(f"{a}**{b}", "power", dtype, power(x, y), **{a: x, b: y})
        exponents = [dtype(v).item() for v in ANNEX_F_EXPONENTS + WHOLE[dtype]]
        pairs = [*itertools.product(ANNEX_F_BASES, exponents)]
        x, y = (np.array(side, dtype) for side in zip(*pairs))
        t.single(f"{a}**{b}", "power", dtype, power(x, y), **{a: x, b: y})
        literal_exponents(t, a, dtype)
        literal_bases(t, a, dtype)
        exact_powers(t, a, b, dtype)
        x, y = np.array([0.1, 2.5, 3.0, 1e3, INF], dtype), np.full(5, 2.7, dtype)
        for formula, needs_s in ((f"{a}**s == {a}**{b}", True), (f"s**{a} == {b}**{a}", True),
                                 (f"{a}**2.7 == {a}**{b}", False), (f"2.7**{a} == {b}**{a}", False),
                                 (f"power({a}, {b}) == {a}**{b}", False)):
            inputs = {"s": dtype(2.7)} if needs_s else {}
            t.case(formula, np.ones(5, bool), mode="both", **{a: x, b: y}, **inputs)
    power_dtypes(t)
    t.single("2.5**0.3", "power", F64, np.array(power(2.5, 0.3)))
    t.single("k**0.3", "power", F64, np.array(power(2.5, 0.3)), k=Weak(2.5))
    t.case("2.5**0.3 == x**0.3", np.ones(3, bool), mode="both", x=np.full(3, 2.5))
    t.single("-x**2.5", "power", F64, -power(np.array([0.5, 2.0, 7.0]), 2.5), x=np.array([0.5, 2.0, 7.0]))
    t.single("(-x)**2.5", "power", F64, np.full(2, NAN), x=np.array([0.5, 2.0]))
    t.single("z**0.3", "power", F64, power(np.array(1.25), 0.3), z=np.array(1.25))
    t.single("a**b", "power", F64, power(grid((3, 1)), grid((1, 4), start=-1.25)), a=grid((3, 1)),
             b=grid((1, 4), start=-1.25))
    x = splitmix(9, 2100)
    t.case("sum(abs(x)**1.5)", t.numpy("sum(power(abs(x), 1.5))", {"x": x}), ulp=80, x=Fill(9, x),
           note="bound as in theme functions")
    return t


def literal_exponents(t, a, dtype):
    """Integers up to 64 are products in relaxed mode: strict mode alone has the function there."""
    power = FUNCTIONS["power"]
    x = np.array([0.0, -0.0, INF, -INF, NAN, 1.0, -1.0, 1.1, -1.3, 0.7, 3.0, 2.5e-5, 12345.678], dtype)
    for text, n in (("3", 3), ("-2", -2), ("5.0", 5), ("-3.0", -3), ("17", 17), ("64", 64)):
        values, _ = testable("power", dtype, x, np.full_like(x, n))
        t.case(f"{a}**{text}", power(values, float(n)), ulp=steps("power", dtype), **{a: values})
    for text, n in (("65", 65), ("-100", -100), ("1e10", 1e10), ("2.5", 2.5), ("-0.5", -0.5), ("-1.5", -1.5),
                    ("0.25", 0.25), ("(1/3)", 1 / 3), ("1e-3", 1e-3), ("pi", np.pi), ("inf", INF),
                    ("-inf", -INF), ("nan", NAN)):
        values, _ = testable("power", dtype, x, np.full_like(x, n))
        t.single(f"{a}**{text}", "power", dtype, power(values, float(n)), **{a: values})


def literal_bases(t, a, dtype):
    power = FUNCTIONS["power"]
    x = np.array([0.0, -0.0, INF, -INF, NAN, 1.0, -1.0, 0.5, -0.5, 10.0, -7.3, 30.1, 100.0], dtype)
    for text, n in (("2", 2), ("2.0", 2), ("10", 10), ("e", np.e), ("0.5", 0.5), ("1", 1), ("0", 0),
                    ("(-1)", -1), ("(-2)", -2), ("1.0001", 1.0001), ("inf", INF), ("nan", NAN)):
        _, values = testable("power", dtype, np.full_like(x, n), x)
        t.single(f"{text}**{a}", "power", dtype, power(float(n), values), **{a: values})


def exact_powers(t, a, b, dtype):
    pairs = [(3, 4), (1.5, 3), (-2, 3), (-3, 5), (10, 10), (0.25, -3), (9, 1.5), (4, -2.5), (16, 0.25),
             (2, -126), (2, 127), (-1, 3), (7, 1), (-7, 1), (5, 0), (0.5, -20)]
    pairs += [(10, 15), (2, -1074), (2, 1023), (3, 33)] if dtype is F64 else [(2, -149), (5, 10)]
    x, y = (np.array(side, dtype) for side in zip(*pairs))
    t.case(f"{a}**{b}", FUNCTIONS["power"](x, y), mode="both", note="floats themselves: no rounding",
           **{a: x, b: y})


def power_dtypes(t):
    """Bool and integers beside floats; two of them are a theme of their own."""
    power = FUNCTIONS["power"]
    small = SMALL | {"f32": np.array([0.5, -2.0, 3.0], F32), "f64": np.array([0.5, 2.0, -3.0]),
                     "i64": np.array([5, 3, -7], I64), "i32": np.array([7, 2, -3], I32)}
    for (a, x), (b, y) in itertools.product(small.items(), small.items()):
        if "f" not in a + b:
            continue
        dtype = np.result_type(x, y).type
        t.single("a**b", "power", dtype, power(x, y), a=x, b=y)
        t.single("power(a, s)", "power", dtype, power(x, y[0]), a=x, s=y[0])
    for name in ("bool", "i32", "i64"):
        t.single("a**2.5", "power", F64, power(small[name], 2.5), a=small[name])
        t.single("2.5**a", "power", F64, power(2.5, small[name]), a=small[name])
