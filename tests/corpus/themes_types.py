"""Types, shapes, sums, special values, what the optimizer may do, and errors."""

import itertools

import numpy as np

import oracle
from oracle import constant, fma, horner
from themes import EDGES, F32, F64, I32, I64, INF, INTS, KEY, NAN, TRUTH
from writer import DTYPES, Fill, Theme, Weak

SMALL = {"bool": np.array([True, False, True]), "i32": np.array([7, -3, 100000], I32),
         "i64": np.array([-5, 3, 2**40], I64), "f32": np.array([0.1, -2.5, 1e10], F32),
         "f64": np.array([0.1, 3.5, -1e200], F64)}


def literals():
    t = Theme("literals", "Weak literals: they take the dtype of what they meet within its kind; "
              "integers fold exactly in 128 bits; / and negative powers give floats. NumPy 2's bits.")
    for name, values in SMALL.items():
        for literal in ("2", "2.5", "0.1", "-1", "1e300"):
            if name == "f32" and literal == "1e300":
                continue
            t.case(f"a + {literal}", a=values)
            t.case(f"{literal} * a", a=values)
    f = SMALL["f32"]
    t.case("f * 0.1", f=f, note="0.1 rounds to f32 once: the product is f32")
    t.case("f + 16777217", f + F32(16777217), f=f)
    t.case("f * 1e300", f * F32(INF), f=f, note="a float literal beyond f32 is infinite there")
    t.case("f * pi - e", f=f)
    t.case("a + inf", a=SMALL["f64"])
    t.case("where(a > 0, a, nan)", a=SMALL["f64"])
    t.case("f + 0.1f64", f.astype(F64) + 0.1, f=f, note="a suffix makes a literal strong")
    t.case("m + 7i64", SMALL["i32"].astype(I64) + 7, m=SMALL["i32"])
    t.case("m * 2f32", SMALL["i32"].astype(F64) * 2, m=SMALL["i32"])
    t.case("m + 2147483647", m=np.array([0, 1, -1], I32))
    t.case("m + -2147483648", m=np.array([0, 1, -1], I32))
    t.case("i + 0x7fffffffffffffff", i=np.array([0, 1, -1], I64))
    t.case("i + (2**63 - 1)", i=np.array([0, 1, -1], I64))
    t.case("i + (2**100 // 2**90)", i=np.array([0, 1, -1], I64))
    t.case("x + 2**100", np.array([0.5, -1.0]) + 2.0**100, x=np.array([0.5, -1.0]))
    t.case("x + 7/2", x=np.array([0.5, -1.0]))
    t.case("x * 2**-1", x=np.array([0.5, -1.0]))
    t.case("x + (7 // 2 + -7 // 2 + 7 % -3 + (5 << 3) + (~5) + (6 ^ 3))", x=np.array([0.5]))
    t.case("x + 1_000.5e-1 + 0b101 + 0o17 + .5 + 2.", x=np.array([0.5]))
    t.case("x + 7 // 0", np.array([0.5]), x=np.array([0.5]), note="plain integers by zero: 0, as arrays")
    t.case("1 + 2", np.array(3, I64), note="no variable at all: i64, f64 or bool of shape ()")
    t.case("1 / 4", np.array(0.25))
    t.case("2 < 3", np.array(True))
    t.case("True", np.array(True))
    t.case("sqrt(2)", np.array(np.sqrt(2.0)))
    t.case("-(3)", np.array(-3, I64))
    for weak, name in itertools.product((Weak(3), Weak(2.5)), ("bool", "i32", "i64", "f32", "f64")):
        t.case("a + k", a=SMALL[name], k=weak, note=None)
    t.case("k * k", np.array(6.25), k=Weak(2.5))
    t.case("k + m", np.array([2**31 - 1], I32), k=Weak(2**31 - 2), m=np.array([1], I32),
           note="a weak integer that fits")
    t.case("(f + 1) * 2 + k", (f + F32(1)) * F32(2) + F32(0.1), f=f, k=Weak(0.1))
    return t


def promotion():
    t = Theme("promotion", "Every pair of dtypes under +, *, /, <, ==, minimum, where: NumPy 2's result "
              "dtype and values; and strong scalars, which promote as arrays do.")
    for (a, x), (b, y) in itertools.product(SMALL.items(), SMALL.items()):
        for formula in ("a + b", "a * b", "a / b", "a < b", "a == b", "where(a > b, a, b)"):
            t.case(formula, a=x, b=y)
        t.case("minimum(a, b)", a=x, b=y)
        if a != "bool" or b != "bool":
            t.case("a - b", a=x, b=y)
        if a == "bool":
            t.case("where(a, a, b)", a=x, b=y)
            t.case("b if a else a", np.where(x, y, x), a=x, b=y)
        if y.dtype.kind != "b" and x.dtype.kind != "f":
            t.case("a * s", a=x, s=y[1])
        if x.dtype.kind == "f":
            t.case("a + s", a=x, s=y[2])
            t.case("a / s - s", a=x, s=y[0])
    for name, values in SMALL.items():
        for function in ("sqrt", "copysign"):
            formula = f"{function}(a)" if function == "sqrt" else "copysign(a, a)"
            t.case(formula, a=values)
    t.case("a if b else 0", np.where([True, False], I64(5), I64(0)), a=np.array([5, 5], I64),
           b=np.array([True, False]))
    return t


def grid(shape, dtype=F64, start=0.5):
    return (np.arange(int(np.prod(shape)), dtype=dtype) + dtype(start)).reshape(shape)


def broadcasting():
    t = Theme("broadcasting", "Shapes align at their last axis; extent 1 and missing axes repeat. NumPy.")
    shapes = [((3, 4), (4,)), ((3, 1), (1, 4)), ((3, 1), (4,)), ((2, 3, 4), (3, 1)), ((2, 3, 4), (4,)),
              ((1,), (5,)), ((2, 1, 4), (3, 1)), ((), (3, 2)), ((5, 1, 1), (1, 2, 3)), ((1, 1), (1,)),
              ((33, 1), (1, 35)), ((40, 3), (3,)), ((3, 40), (3, 1))]
    for left, right in shapes:
        a, b = grid(left), grid(right, start=-1.25)
        for formula in ("a*b + a", "b - a"):
            t.case(formula, a=a, b=b)
        t.case("sqrt(a) * sqrt(abs(b)) + a", a=a, b=b, note="each factor at its own rate")
    i = grid((2, 3), I64, 0)
    t.case("i * f + p", i=i, f=grid((3,), F32), p=np.array([[True], [False]]))
    t.case("where(p, i, x)", p=np.array([True, False, True]), i=i, x=np.array([[0.5], [1.5]]))
    t.case("a + b + c", a=grid((4, 1, 1)), b=grid((3, 1)), c=grid((2,)))
    t.case("a*s + b", a=grid((3, 2)), s=F64(2.5), b=grid((2,)))
    t.case("s + r", s=F64(2.5), r=I32(3), note="scalars only: shape ()")
    t.case("z * 2", z=np.array(1.25), note="a 0-d array")
    return t


def empty():
    t = Theme("empty", "Arrays without elements and 0-d arrays: NumPy's broadcast shape; sum of nothing "
              "is 0.")
    for shape in ((0,), (0, 3), (3, 0), (2, 0, 4)):
        a = np.zeros(shape)
        t.case("a + 1", a=a)
        t.case("a > 0", a=a)
        t.case("sum(a)", np.array(0.0), a=a)
    t.case("a + b", a=np.zeros((0,)), b=np.ones((1,)), note="1 broadcasts to 0")
    t.case("a * b", a=np.zeros((3, 0)), b=np.ones((3, 1)))
    t.case("a * b", a=np.zeros((0, 1)), b=np.ones((4,)))
    t.case("sum(i)", np.array(0, I64), i=np.zeros(0, I32))
    t.case("sum(f) + 1", np.array(1, F32), f=np.zeros(0, F32))
    t.case("x + sum(y)", np.array([1.5, 2.5]), x=np.array([1.5, 2.5]), y=np.zeros(0))
    t.case("a // b", a=np.zeros(0, I64), b=np.zeros(0, I64))
    for name, values in SMALL.items():
        zero_d = np.array(values[0])
        t.case("a * a", np.array(zero_d * zero_d), a=zero_d)
        t.case("a == a", np.array(True), a=zero_d)
        t.case("sum(a)", np.array(oracle.fuse_sum(zero_d)), a=zero_d)
    return t


def sums():
    t = Theme("sums", "sum: below 8 elements left to right (NumPy's bits), else the order of "
              "numerics.md section 1, computed here step by step. f32 is added in f64; bool and "
              "integers in i64, wrapping.")
    for name, values in SMALL.items():
        t.case("sum(a)", np.array(oracle.fuse_sum(values)), a=values)
    x7 = np.array([0.1, 0.2, 0.3, 1e16, -1e16, 0.7, 1e-3])
    t.case("sum(x)", np.array(oracle.tree_sum(x7, F64)), x=x7, note="7 elements, in order")
    for special in ([1.0, INF, 2.0], [1.0, NAN], [INF, -INF], [1e308, 1e308, -1e308]):
        t.case("sum(x)", np.array(oracle.tree_sum(special, F64)), x=np.array(special))
    i = np.array([2**63 - 1, 1, 5, -(2**62)], I64)
    t.case("sum(i)", np.array(oracle.fuse_sum(i)), i=i, note="wraps")
    m = np.array([2**31 - 1, 2**31 - 1, 7], I32)
    t.case("sum(m)", np.array(oracle.fuse_sum(m)), m=m, note="an i64, which holds it")
    for n in (8, 9, 31, 32, 33, 63, 65, 1023, 1024, 1025, 2048, 3 * 1024 + 2, 5000, 7 * 1024, 21 * 1024 + 17):
        x = oracle.splitmix(n, n)
        t.case("sum(x)", np.array(oracle.tree_sum(x, F64)), x=Fill(n, x))
        f = oracle.splitmix(n + 1, n).astype(F32)
        t.case("sum(f)", np.array(oracle.fuse_sum(f)), f=Fill(n + 1, f))
        t.case("sum(i64(x * 1e15))", np.array(oracle.fuse_sum(oracle.saturate(x * 1e15, I64))),
               x=Fill(n, x))
    for shape in ((3, 5), (40, 30), (2, 1100), (1100, 2), (3, 7, 101)):
        x = oracle.splitmix(9, int(np.prod(shape))).reshape(shape)
        t.case("sum(x)", np.array(oracle.tree_sum(x, F64)), x=Fill(9, x),
               note="row-major in the index space")
        t.case("sum(x*x + 1)", np.array(oracle.tree_sum(x * x + 1, F64)), x=Fill(9, x))
    x, y = oracle.splitmix(1, 3000), oracle.splitmix(2, 3000)
    t.case("sum(x*y)", np.array(oracle.tree_sum(x * y, F64)), x=Fill(1, x), y=Fill(2, y),
           note="strict: the products are rounded")
    t.case("sum(x > y)", np.array(np.sum(x > y)), x=Fill(1, x), y=Fill(2, y))
    t.case("x - sum(y)", x - oracle.tree_sum(y, F64), x=Fill(1, x), y=Fill(2, y))
    t.case("(x - sum(x)/3000) * (sum(x) + sum(y))",
           (x - oracle.tree_sum(x, F64) / 3000) * (oracle.tree_sum(x, F64) + oracle.tree_sum(y, F64)),
           x=Fill(1, x), y=Fill(2, y))
    t.case("sum(x - sum(y))", np.array(oracle.tree_sum(x - oracle.tree_sum(y, F64), F64)),
           x=Fill(1, x), y=Fill(2, y), note="a sum of a sum: two passes")
    return t


def special():
    t = Theme("special", "Special values through whole formulas in strict mode: zeros keep their sign, "
              "subnormals are never flushed, NaNs are stored in one form. NumPy's bits.")
    x = np.array(KEY + EDGES[F64] + [1e-308, -1e-308, 3e-310, 1e-200, -1e200, 1e154, 1e155], F64)
    f = np.array(KEY + EDGES[F32] + [1e-38, -1e-38, 1e-42, 1e-30, -1e30, 1e19, 2e19], F32)
    for name, values in (("x", x), ("f", f)):
        for formula in ("{a} + 0", "{a} * 0", "{a} - {a}", "0 - {a}", "0.0 + {a}", "{a} / {a}", "1 / {a}",
                        "{a} * 1e-5 * 1e-5", "{a} / 3", "sqrt({a})", "sqrt({a}*{a})", "{a}*{a} - {a}",
                        "-{a} + {a}", "abs({a}) - {a}", "where({a} > 0, {a}, -{a})", "1 - (1 - {a})",
                        "({a} + 1) - 1", "{a} * 0.5", "{a} / 2", "{a} / 4 * 4", "{a} + {a}",
                        "sqrt({a}**2 + {a}**2)", "({a} > 0) * {a}", "1 / (1 / {a})", "{a} / 1e-5",
                        "{a} / 1e300 / 1e300" if name == "x" else "{a} / 1e30 / 1e30"):
            t.case(formula.replace("{a}", name), **{name: values})
    for divisor in (3.0, 0.1, 1e-310, 1e300, -7.0, INF, 0.0, -0.0, NAN, 5e-324, 1e160):
        t.case("x / s", x=x, s=F64(divisor), note="division by a scalar is exact in every range")
        t.case("f / s", f=f, s=F32(divisor))
    t.case("(x - m)/s + sqrt(2*pi)*s", x=x, m=F64(1.5), s=F64(3.25))
    t.case("x % s + s // x", x=x, s=F64(0.1))
    return t


def relaxed():
    t = Theme("relaxed", "What relaxed mode computes: fma and folded constants where numerics.md section "
              "3 puts them, by exact rationals rounded once; and what it must leave as written.")
    x = np.array([0.1, -0.3, 1.5, -2.25, 1e-9, 123.456, 0.7071067811865476, 3.0, -1.0])
    y = np.array([1.1, 0.9, -0.35, 7.77, 1e9, 2.0, -0.1, 1 / 3, 5.5])
    z = np.array([-2.2, 0.27, 1e-3, 17.5, 0.1, -6.0, 1e5, 0.1, 5.5])
    f = x.astype(F32)
    m = "relaxed"
    power_sum = " + ".join(["x"] + [f"x**{k}" for k in range(2, 9)])

    def headline(v, n=8):
        p = v
        for _ in range(n - 1):
            p = fma(v, p, v)
        return p

    t.case(power_sum, headline(x), mode=m, x=x, note="seven fma: p = fma(x, p, x)")
    t.case(power_sum.replace("x", "f"), headline(f), mode=m, f=f)
    nested = "x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x*(1 + x)))))))"
    t.case(nested, headline(x), mode=m, x=x, note="the nested spelling is the same polynomial")
    t.case("x + x**2 + x**3", headline(x, 3), mode=m, x=x)
    t.case("2*x**3 + 3*x**2 - x + 4", horner([4.0, -1.0, 3.0, 2.0], x), mode=m, x=x)
    t.case("1 + x*(2 + x*3)", horner([1.0, 2.0, 3.0], x), mode=m, x=x)
    i = np.array(INTS[I64], I64)
    with np.errstate(all="ignore"):
        integer = i
        for _ in range(7):
            integer = i * integer + i
        t.case(power_sum.replace("x", "i"), integer, mode=m, i=i, note="integers wrap")
        t.case(power_sum.replace("x", "i"), integer, i=i, note="and nesting integers is exact: strict too")
    t.case("x + 17 + 17", x + 34.0, mode=m, x=x, note="17 + 17 is exact")
    t.case("x + 0.1 + 0.2", (x + 0.1) + 0.2, mode=m, x=x, note="0.1 + 0.2 is not: as written")
    t.case("x * 9 / 5", x * constant(oracle.Fraction(9, 5)), mode=m, x=x, note="K = 9/5 rounded once")
    t.case("x / 3", x / 3.0, mode=m, x=x, note="a single quotient stays one")
    t.case("x / 4", x * 0.25, mode=m, x=x)
    t.case("x / 3 / 5", x * constant(oracle.Fraction(1, 15)), mode=m, x=x)
    t.case("x * y + z", fma(x, y, z), mode=m, x=x, y=y, z=z, note="contracted: z is an input")
    t.case("x * y - z", x * y - z, mode=m, x=x, y=y, z=z,
           note="contraction is of sums; a difference would need a negation that costs as much")
    t.case("z - x * y", z - x * y, mode=m, x=x, y=y, z=z)
    t.case("x * y - 3", fma(x, y, F64(-3)), mode=m, x=x, y=y, note="but a constant changes sign for free")
    t.case("x * y + 1", fma(x, y, np.float64(1)), mode=m, x=x, y=y)
    t.case("x * s + r", fma(x, 2.7, 0.3), mode=m, x=x, s=F64(2.7), r=F64(0.3))
    t.case("x*y - y*z", x * y - y * z, mode=m, x=x, y=y, z=z, note="two products: never contracted")
    t.case("x*x - y*y", x * x - y * y, mode=m, x=x, y=y)
    t.case("y*y - 4*x*z", y * y - 4 * x * z, mode=m, x=x, y=y, z=z, note="the discriminant, as written")
    t.case("sqrt(x*x - y*y)", np.zeros(9), mode=m, x=x, y=x, note="0 at x = y, never NaN")
    t.case("sqrt(x**2 - 2*x + 1)", np.sqrt((x * x - 2 * x) + 1), mode=m, x=x,
           note="feeds a root: signs differ, so nothing is contracted")
    t.case("x*y + z > 0", (x * y) + z > 0, mode=m, x=x, y=y, z=z, note="feeds a comparison: as written")
    t.case("x*y/y", (x * y) / y, mode=m, x=x, y=y)
    t.case("x - x", np.zeros(9), mode=m, x=x)
    t.case("x*y + z", x * y + z, x=x, y=y, z=z, note="strict mode never contracts")
    t.case("x + x*x + x*x*x", x + x * x + x * x * x, x=x)
    t.case("f*g + h", fma(f, y.astype(F32), z.astype(F32)), mode=m, f=f, g=y.astype(F32), h=z.astype(F32))
    return t


def rules():
    t = Theme("rules", "A case for each rule of the optimizer that keeps every bit, in strict mode, over "
              "special values; NumPy's value of the text as it is written.")
    floats = np.array(KEY + EDGES[F64], F64)
    x, y = floats, np.roll(floats, 5)
    f = np.array(KEY + EDGES[F32], F32)
    i, j = np.array(INTS[I64], I64), np.roll(np.array(INTS[I64], I64), 7)
    m = np.array(INTS[I32], I32)
    p, q = np.array([False, False, True, True]), np.array([False, True, False, True])
    for formula in ("x + 7 // 2.0", "x * 1", "1 * x", "x / 1", "x * -1", "x / -1", "x - 0.0", "x + 0.0",
                    "x + -0.0", "0.0 - x", "--x", "2 * x", "x * 2.0", "x / 8", "x / -0.125", "x / 2**-1060",
                    "x / 6", "-x * 3", "3 * -x", "-x / 3", "3 / -x", "-(x * 3)", "-(x / 3)", "-(3 / x)",
                    "abs(-x)", "abs(abs(x))", "abs(x * x)", "abs(x) * abs(x)", "floor(round(x))",
                    "trunc(ceil(x))", "x * 0", "x - x", "x + x", "f32(f64(f32(x)))", "f64(f32(x))"):
        t.case(formula, x=x)
    for formula in ("x + -y", "x - -y", "-x + y", "-x * -y", "-x / -y", "-(x - y)", "where(x > 0, y, y) + x",
                    "where(1 < 2, x, y - y + x)", "where(1 > 2, x, y)", "where(x > y, x, x)"):
        t.case(formula, x=x, y=y)
    for formula in ("minimum(x, x)", "maximum(x, x)"):
        t.case(formula, x, x=x)
    for formula in ("(x > 0) & (1 < 2)", "(x > 0) | (1 > 2)", "(x > 0) ^ (1 > 2)", "(x > 0) & (1 > 2)",
                    "~~(x > 0)", "(x > 0) & (x > 0)"):
        t.case(formula, x=x)
    t.case("not (not p)", p, p=p)
    t.case("p + p", p=p)
    t.case("p * p | q", p=p, q=q)
    for formula in ("f * 1", "f / 8", "f / 3", "-f * 3", "2 * f", "f32(f64(f))", "f64(f)", "i32(f64(f32(f)))",
                    "f - 0.0", "f + 0.0", "abs(-f)", "abs(f) * abs(f)", "ceil(floor(f))", "f / 2**-140",
                    "i64(f64(f))"):
        t.case(formula, f=f)
    with np.errstate(all="ignore"):
        for formula in ("i * 1", "i + 0", "i - 0", "0 + i", "--i", "2 * i", "i * -1", "-i * 3", "abs(-i)",
                        "abs(i * i)", "abs(i) * abs(i)", "~~i", "i & i", "i | i", "i + 17 + 17",
                        "i - 3 - 4 + 9", "i * 3 * 5", "i * 3 * 6148914691236517205", "floor(i)",
                        "i64(i64(i))", "17 + (i + 5)", "9223372036854775807 + i + 1"):
            t.case(formula, i=i)
        t.case("i + i**2 + i**3", i + i * i + i * i * i, i=i)
        t.case("3*i**2 + 5*i + 7", 3 * i * i + 5 * i + 7, i=i)
        t.case("i**5", oracle.int_power(i, I64(5)), i=i)
        t.case("i**0 + i**1", 1 + i, i=i)
        t.case("(i + 17) + j + 17", i=i, j=j)
        t.case("(i - 17) - (j - 17)", i=i, j=j)
        t.case("i + -j", i=i, j=j)
        t.case("i*j + i*j + j*i", i=i, j=j)
        for formula in ("m + 2147483647 + 2147483647", "m * 65536 * 65537", "i32(i64(m))", "f32(f64(m))",
                        "i64(i32(m)) * 2", "-m * 3 + 0"):
            expect = None
            if "+ 2147483647 +" in formula:
                expect = m + I32(2147483647) + I32(2147483647)
            t.case(formula, expect, m=m)
        t.case("m + m**2 + m**3 + m**7", m + m * m + m * m * m + oracle.int_power(m, I32(7)), m=m)
    return t


def errors():
    t = Theme("errors", "Errors by code, with the inputs that raise them.")
    x, f, i, m = SMALL["f64"], SMALL["f32"], SMALL["i64"], SMALL["i32"]
    p = SMALL["bool"]
    syntax = {
        "E0101": ["x : 1"], "E0102": ["x + ", "x + * 2", "sqrt(x,,x)"], "E0103": ["x x", "2 x"],
        "E0104": ["(x", "x)", "(x]"], "E0105": ["'abc"], "E0106": ["x $ 2"], "E0107": ["0x", "1__0", "01"],
        "E0109": ["x && x", "!x", "x <> x"], "E0110": ["(x = 1)", "x + (x = 2)"],
        "E0112": ["", "y = x"], "E0119": ["import x"],
    }
    for code, formulas in syntax.items():
        for formula in formulas:
            t.case(formula, error=code, x=x)
    t.case("y + 1", error="E0201", x=x)
    t.case("sqr(x)", error="E0202", x=x)
    for formula in ("sqrt(x, x)", "minimum(x)", "where(x)", "f32()", "clip(x, 1)"):
        t.case(formula, error="E0203", x=x)
    t.case("sqrt(x, axis=0)", error="E0204", x=x)
    t.case("x + 3q", error="E0206", x=x)
    for formula in ("-p", "p - p", "p // p", "p % p", "p ** p", "sign(p)", "fmod(p, p)", "p << p",
                    "p >> p"):
        t.case(formula, error="E0301", p=p)
    for formula in ("x & x", "~x", "x << 1", "x and x", "not x", "where(x, x, x)", "x ^ 2", "x > 0 & x > 1",
                    "x > 0 | x", "1 if x else 0"):
        t.case(formula, error="E0301", x=x)
    t.case("i and i", error="E0301", i=i)
    t.case("m + 3000000000", error="E0302", m=m)
    t.case("i + 9223372036854775808", error="E0302", i=i)
    t.case("m + k", error="E0302", m=m, k=Weak(2**31), note="a weak scalar that does not fit, at run time")
    for formula in ("i**-1", "m**-2", "i**(-3)"):
        t.case(formula, error="E0303", i=i, m=m)
    for formula in ("9**9**9", "2**200", "170141183460469231731687303715884105727 + 1", "1 << 10**9"):
        t.case(formula, error="E0304", x=x)
    for a, b in (((3,), (4,)), ((3, 4), (3,)), ((2, 3), (3, 2)), ((2, 3, 4), (2, 4))):
        t.case("a + b", error="E0401", a=grid(a), b=grid(b))
    t.case("a + b", error="E0401", a=np.zeros(0), b=np.zeros(3), note="0 and 3 are different extents")
    t.case("sum(a + b)", error="E0401", a=grid((3,)), b=grid((4,)))
    t.case("(" * 300 + "x" + ")" * 300, error="E0502", x=x)
    for formula, code in (("x @ x", "E0902"), ("matmul(x, x)", "E0902"), ("cumsum(x)", "E0903"),
                          ("take(x, x)", "E0904"), ("datetime64(x)", "E0905"), ("lambda y: y", "E0907"),
                          ("random(x)", "E0909"), ("[x, x]", "E0910"), ("(y := x)", "E0911"),
                          ("[v for v in x]", "E0906")):
        t.case(formula, error=code, x=x)
    t.case("x == 'b:'", error="E0301", x=x)
    return t
