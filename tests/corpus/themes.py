"""The cases, by theme."""

import numpy as np

import oracle
from oracle import fma, horner
from writer import Fill, Theme, Weak

F64, F32, I64, I32, BOOL = np.float64, np.float32, np.int64, np.int32, np.bool_
NAN, INF = float("nan"), float("inf")

KEY = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 0.1, 1e17, INF, -INF, NAN]
EDGES = {
    F64: [5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308,
          9007199254740993.0, 0.49999999999999994, 4503599627370495.5, -0.3333333333333333, 7.25],
    F32: [1.401298464324817e-45, -1.401298464324817e-45, 1.1754943508222875e-38,
          3.4028234663852886e38, -3.4028234663852886e38, 16777217.0, 0.4999999701976776, 8388607.5,
          -0.3333333432674408, 7.25],
}
INTS = {
    I64: [0, 1, -1, 2, -2, 3, 7, -7, 10, 63, 64, 65, 2**31, -2**31, 2**53 + 1, 2**63 - 1, -2**63,
          -2**63 + 1, 10**18, -(10**18)],
    I32: [0, 1, -1, 2, -2, 3, 7, -7, 10, 31, 32, 33, 46341, -46341, 2**24 + 1, 2**31 - 1, -2**31,
          -2**31 + 1, 10**9, -(10**9)],
}
TRUTH = [False, True]


def pairs(values, dtype, extra=()):
    """Every value with every one, and a few more pairs."""
    lhs = [x for x in values for _ in values] + [x for x, _ in extra]
    rhs = [y for _ in values for y in values] + [y for _, y in extra]
    return np.array(lhs, dtype), np.array(rhs, dtype)


def float_pairs(dtype):
    edges = EDGES[dtype]
    extra = list(zip(edges, edges[1:] + edges[:1])) + list(zip(edges, KEY)) + list(zip(KEY, edges))
    return pairs(KEY, dtype, extra)


def vectors():
    """The inputs that most themes share: x y (f64), f g (f32), i j (i64), m n (i32), p q (bool)."""
    out = {}
    for (a, b), dtype in ((("x", "y"), F64), (("f", "g"), F32)):
        out[a], out[b] = float_pairs(dtype)
    for (a, b), dtype in ((("i", "j"), I64), (("m", "n"), I32)):
        out[a], out[b] = pairs(INTS[dtype][:17], dtype)
    out["p"], out["q"] = pairs(TRUTH, BOOL)
    return out


def used(formula_names, all_vectors):
    return {name: all_vectors[name] for name in formula_names}


PAIRS = [("x", "y"), ("f", "g"), ("i", "j"), ("m", "n"), ("p", "q")]
NUMBERS, FLOATS, INTEGERS = PAIRS[:4], PAIRS[:2], PAIRS[2:4]


class Grid(Theme):
    """A theme over the shared vectors: `{a}` and `{b}` in a formula stand for each pair of them."""

    def __init__(self, name, comment, names="xyfgijmnpq"):
        super().__init__(name, comment, used(names, vectors()))

    def over(self, formula, pairs, value=None, mode="strict", note=None):
        for a, b in pairs:
            text = formula.replace("{a}", a).replace("{b}", b)
            inputs = {name: name for name, mark in ((a, "{a}"), (b, "{b}")) if mark in formula}
            expect = None
            if value is not None:
                with np.errstate(all="ignore"):
                    expect = value(self.vectors[a], self.vectors[b])
            self.case(text, expect, mode=mode, note=note, **inputs)


def arithmetic():
    t = Grid("arithmetic", "Sums, differences, products, quotients and negation on every dtype: all "
             "pairs of special values, wrapping integers, or and and of bool. NumPy's bits.")
    t.over("{a} + {b}", PAIRS)
    t.over("{a} * {b}", PAIRS)
    t.over("{a} - {b}", NUMBERS)
    t.over("{a} / {b}", PAIRS)
    t.over("-{a}", NUMBERS)
    t.over("+{a}", NUMBERS)
    t.over("({a} - {b})*({a} + {b}) - {a}*{a}", NUMBERS, note="strict mode keeps the written order")
    t.over("divide({a}, {b})", FLOATS)
    t.over("true_divide({a}, {b})", FLOATS)
    t.over("add({a}, multiply({a}, subtract({b}, {a})))", NUMBERS, lambda a, b: a + a * (b - a))
    t.over("negative({a})", NUMBERS, lambda a, b: -a)
    return t


def integer_division():
    t = Grid("integer_division", "Integer // and % round down; by zero both give 0 and never trap; "
             "MIN // -1 is MIN, MIN % -1 is 0. Python's integers, wrapped (NumPy agrees).", "ijmn")
    t.over("{a} // {b}", INTEGERS, oracle.int_floor_div)
    t.over("{a} % {b}", INTEGERS, oracle.int_mod)
    t.over("fmod({a}, {b})", INTEGERS, oracle.int_fmod)
    t.over("{a} - {a} // {b} * {b}", INTEGERS,
           lambda a, b: (a - oracle.int_floor_div(a, b) * b).astype(a.dtype))
    for divisor in (1, -1, 2, -3, 7, 10, 1000, 2**31 - 1):
        for a in ("i", "m"):
            values = t.vectors[a]
            d = values.dtype.type(divisor)
            t.case(f"{a} // {divisor}", oracle.int_floor_div(values, d), **{a: a})
            t.case(f"{a} % {divisor}", oracle.int_mod(values, d), **{a: a})
    t.case("i // 0", np.zeros_like(t.vectors["i"]), i="i", note="NumPy warns; a literal zero too")
    t.case("m % 0", np.zeros_like(t.vectors["m"]), m="m")
    big = np.array([2**63 - 1, 2**63 - 1, 2**62, 2**62 + 1, 2**61, -2**62 - 1, 9007199254740993, -2**63,
                    2**63 - 1, 10**18 + 7, -(10**18) - 7, 2**63 - 2], I64)
    by = np.array([2**62, 2**62 + 1, 2**62 + 1, 2**61, 2**61 + 1, 2**62, 3, 2**62 + 3, 3, 10**9 + 7,
                   10**9 + 7, 2**63 - 1], I64)
    note = "quotients whose f64 estimate is off by one or more; divisors beyond 2^61"
    t.case("a // b", oracle.int_floor_div(big, by), a=big, b=by, note=note)
    t.case("a % b", oracle.int_mod(big, by), a=big, b=by)
    t.case("a // b", oracle.int_floor_div(by, big), a=by, b=big)
    t.case("floor_divide(a, b) * b + remainder(a, b)", big, a=big, b=by)
    return t


def shifts():
    t = Grid("shifts", "Shift counts below 0 or not below the width: << gives 0, >> the sign fill. "
             "Python's integers.", "ijmn")
    for a, count in (("i", [0, 1, 5, 31, 32, 33, 62, 63, 64, 65, 2**31, 2**62, -1, -2, -64, -2**63]),
                     ("m", [0, 1, 5, 15, 16, 30, 31, 32, 33, 63, 64, 65, 2**30, -1, -2, -2**31])):
        dtype = t.vectors[a].dtype
        base = np.array([v for v in INTS[dtype.type] for _ in count], dtype)
        counts = np.array(count * len(INTS[dtype.type]), dtype)
        t.case("a << b", oracle.shift_left(base, counts), a=base, b=counts)
        t.case("a >> b", oracle.shift_right(base, counts), a=base, b=counts)
    for k in (0, 1, 5, 31, 32, 33, 63, 64, 1000):
        for a in ("i", "m"):
            values = t.vectors[a]
            c = values.dtype.type(k)
            t.case(f"{a} << {k}", oracle.shift_left(values, c), **{a: a})
            t.case(f"{a} >> {k}", oracle.shift_right(values, c), **{a: a})
    i32, i64 = t.vectors["m"], t.vectors["n"].astype(I64)
    t.case("m << n", oracle.shift_left(i32.astype(I64), i64), m="m", n=i64,
           note="i32 << i64 is i64, as NumPy promotes")
    t.case("left_shift(m, 3) + right_shift(m, 2)",
           oracle.shift_left(i32, I32(3)) + oracle.shift_right(i32, I32(2)), m="m")
    return t


def bool_logic():
    t = Grid("bool_logic", "& | ^ ~ on bool and on integers, and or not on bool. NumPy's bits.", "ijmnpq")
    every = INTEGERS + [("p", "q")]
    for op in "&|^":
        t.over("{a} %s {b}" % op, every)
    t.over("~{a}", every)
    t.over("{a} and {b}", [("p", "q")], lambda a, b: a & b)
    t.over("{a} or {b}", [("p", "q")], lambda a, b: a | b)
    t.over("not {a}", [("p", "q")], lambda a, b: ~a)
    t.over("not {a} and {b} or not {b}", [("p", "q")], lambda a, b: (~a & b) | ~b)
    t.over("logical_or(logical_not({a}), {b})", [("p", "q")], lambda a, b: ~a | b)
    t.over("bitwise_and({a}, {b}) | bitwise_xor({a}, {b})", every, lambda a, b: a | b)
    t.over("({a} > 0) & ({b} > 0) | ~({a} == {b})", INTEGERS)
    t.case("p + q", p="p", q="q")
    t.case("p * q + p", p="p", q="q")
    t.case("i & 255", i="i")
    t.case("i & m", i=np.array(INTS[I64], I64), m=np.array(INTS[I32], I32),
           note="promoted to i64, the sign extended")
    t.case("p & 1", np.array([0, 0, 1, 1], I64), p="p", note="bool with a plain integer is i64")
    t.case("where(p, ~p, p)", np.zeros(4, bool), p="p")
    t.case("popcount(p)", np.array([0, 0, 1, 1], np.uint8), p="p", note="a bool counts as one bit")
    t.case("m << p", m=np.array([3, -1, 5], I32), p=np.array([True, False, True]),
           note="a bool beside integers is a number")
    t.case("p ** 2", np.array([0, 0, 1, 1], I64), p="p", note="bool with a plain integer is i64")
    return t


def comparisons():
    t = Grid("comparisons", "Every comparison on every dtype, chains, NaN, mixed dtypes. NumPy's bits.")
    for op in ("<", "<=", "==", "!=", ">=", ">"):
        t.over("{a} %s {b}" % op, PAIRS)
    t.over("-1 < {a} < {b}", NUMBERS, lambda a, b: (-1 < a) & (a < b))
    t.over("{a} <= {b} != 1 > {a}", NUMBERS, lambda a, b: (a <= b) & (b != 1) & (1 > a))
    t.over("{a} == {a}", PAIRS)
    t.over("less({a}, {b}) | greater_equal({a}, {b})", PAIRS, lambda a, b: (a < b) | (a >= b))
    i = np.array([2**53, 2**53 + 1, -2**53 - 1, 0, 1, 2**63 - 1], I64)
    x = np.array([2.0**53, 2.0**53, -2.0**53, -0.0, NAN, 2.0**63], F64)
    t.case("i == x", i=i, x=x, note="i64 meets f64 as f64, as in NumPy")
    t.case("i < x", i=i, x=x)
    m, f = np.array([16777217, -5, 7], I32), np.array([16777216.0, -5.0, NAN], F32)
    t.case("m == f", m=m, f=f, note="i32 meets f32 as f64, in which both are exact")
    t.case("m < 3000000000", np.ones(3, bool), m=m, note="beyond i32: a known answer, no error")
    t.case("m > 3000000000", np.zeros(3, bool), m=m)
    t.case("-3000000000 == m", np.zeros(3, bool), m=m)
    t.case("m != -3000000000", np.ones(3, bool), m=m)
    t.case("i < 9223372036854775808", np.ones(6, bool), i=i)
    t.case("9223372036854775808 <= i", np.zeros(6, bool), i=i)
    t.case("i >= -9223372036854775808", np.ones(6, bool), i=i)
    return t


def casts():
    t = Grid("casts", "Casts written as calls. Float to integer truncates, saturates, NaN gives 0, as "
             "Rust's `as` (NumPy's depend on the CPU); to bool: not zero, NaN is True; integers keep "
             "their low bits; one rounding towards floats.", "xfimp")
    x = np.array(KEY + EDGES[F64] + [2.0**31, 2.0**31 - 0.5, -2.0**31, -2.0**31 - 0.9, -2.0**31 - 1, 2.0**63,
                 2.0**63 - 1024, -2.0**63, -2.0**63 - 2048, 1e300, -1e300, 0.99, -0.99, 16777217.0], F64)
    f = np.array(KEY + EDGES[F32] + [2.0**31, 2147483520.0, -2.0**31, -2147483904.0, 2.0**63, -2.0**63,
                 9.223371487098962e18, 1e30, -1e30, 0.99, -0.99], F32)
    i = np.array(INTS[I64] + [2**32, 2**32 - 1, 2**24 + 1, 2**54 + 2, 2**54 + 3, 2**62 + 2**38 + 1,
                 9007199254740995, -9007199254740993, 36028797018963969], I64)
    m = np.array(INTS[I32] + [2**25 + 2, 2**25 + 3, -(2**24) - 1, 33554435], I32)
    p = np.array(TRUTH)
    for name, values in (("x", x), ("f", f), ("i", i), ("m", m), ("p", p)):
        t.vectors[name] = values
        for dtype in ("bool", "i32", "i64", "f32", "f64"):
            t.case(f"{dtype}({name})", **{name: name})
    t.case("f32(i)", np.array([oracle.rounded(oracle.Fraction(int(v)), F32) for v in i], F32), i="i",
           note="one rounding from i64 to f32, not two through f64: exact rationals")
    t.case("int64(x) + float32(p)", oracle.saturate(x[:2], I64) + np.float32([0, 1]).astype(F64),
           x=x[:2], p=p)
    t.case("f32(x) + f", x[:9].astype(F32) + f[:9], x=x[:9], f=f[:9])
    t.case("i32(i32(x) // 2)", oracle.int_floor_div(oracle.saturate(x, I32), I32(2)), x="x")
    return t


def rounding():
    t = Grid("rounding", "floor, ceil, trunc, round (ties to even) keep the sign of zero; identities on "
             "integers and bool (a documented deviation for bool). NumPy's bits.", "xfimp")
    for name, dtype in (("x", F64), ("f", F32)):
        big = [2.0**22 + 0.5, 2.0**23 + 1, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.5, 4.5, 1e10 + 0.5, -0.9, 0.9]
        t.vectors[name] = np.array(KEY + EDGES[dtype] + big, dtype)
    for name in "im":
        t.vectors[name] = np.array(INTS[t.vectors[name].dtype.type], t.vectors[name].dtype)
    for function in ("floor", "ceil", "trunc", "round"):
        for name in "xfimp":
            t.case(f"{function}({name})", **{name: name})
    t.case("fix(x) + rint(f64(f))", np.trunc(t.vectors["x"]) + np.round(t.vectors["f"].astype(F64)),
           x="x", f="f")
    return t


def min_max():
    t = Grid("min_max", "minimum and maximum propagate NaN from either side; among equals the second "
             "operand is the result, so that minimum(0, -0) is -0 and minimum(-0, 0) is 0. The rule of "
             "numerics.md: where(a < b or a is NaN, a, b).")
    t.over("minimum({a}, {b})", PAIRS)
    t.over("maximum({a}, {b})", PAIRS)
    t.over("clip({a}, -1, {b})", NUMBERS,
           lambda a, b: oracle.minimum(oracle.maximum(a, a.dtype.type(-1)), b))
    t.over("minimum({a}, {b}) + maximum({a}, {b})", NUMBERS)
    return t


def extrema():
    t = Grid("extrema", "min and max of all elements: NumPy's value, NaN if one is NaN; of no elements "
             "an error. Which of 0 and -0 is found is not NumPy's business, nor tested here.")
    for name, values in t.vectors.items():
        for function in ("max", "min"):
            t.case(f"{function}({name})", np.array(getattr(np, function)(values)), **{name: name})
            some = values[np.isfinite(values)] if values.dtype.kind == "f" else values
            some = some[some != 0] if values.dtype.kind == "f" else some
            t.case(f"{function}(a)", np.array(getattr(np, function)(some)), a=some)
            t.case(f"{function}(a)", error="E0404", a=some[:0])
    for n in (1, 2, 31, 33, 1025, 21 * 1024 + 17):
        x = oracle.splitmix(n, n)
        t.case("max(x) - min(x)", np.array(np.max(x) - np.min(x)), x=Fill(n, x))
        t.case("amax(x) + amin(x)", np.array(np.max(x) + np.min(x)), x=Fill(n, x))
    t.case("max(a)", np.array(-INF), a=np.array([-INF, -INF]))
    t.case("min(a)", np.array(INF), a=np.array([INF, INF]))
    t.case("max(a)", np.array(NAN), a=np.array([NAN] + 40 * [1.0]))
    t.case("max(a)", np.array(NAN), a=np.array(40 * [1.0] + [NAN]))
    x = oracle.splitmix(5, 1200).reshape(40, 30)
    t.case("max(x) > min(x)", np.array(True), x=Fill(5, x))
    return t


def signs():
    t = Grid("signs", "abs, sign, copysign, signbit and the predicates. signbit(NaN) is False and "
             "copysign(x, NaN) is |x|; abs of the smallest integer is itself; floating functions of "
             "integers and bool are f64. Otherwise NumPy's bits.")
    for function in ("abs", "signbit", "isnan", "isinf", "isfinite"):
        t.over(function + "({a})", PAIRS)
    t.over("sign({a})", NUMBERS)
    t.over("copysign({a}, {b})", PAIRS)
    t.over("absolute({a}) - fabs({b})", NUMBERS, lambda a, b: np.abs(a) - np.abs(b))
    return t


def remainders():
    t = Grid("remainders", "//, % and fmod of floats are exact: NumPy's divmod, signs of zero included. "
             "Large quotients, subnormals, infinities.", "xyfg")
    for formula in ("{a} // {b}", "{a} % {b}", "fmod({a}, {b})"):
        t.over(formula, FLOATS)
    x = np.array([1e17, 1.0, 5.0, -5.0, 5.0, 1e308, 1e308, 5e-324, 1e300, 7.0, -7.0, 7.0, 1e16, 2.0**60],
                 F64)
    y = np.array([3.0, 0.1, INF, INF, -INF, 5e-324, 3.0, 1e308, 1e-300, -2.0, 2.0, 0.1, 7.0, 3.0], F64)
    f = np.array([1e17, 1.0, 5.0, -5.0, 3e38, 3e38, 1e-45, 7.0, 16777216.0], F32)
    g = np.array([3.0, 0.1, INF, INF, 1e-45, 3.0, 3e38, -0.3, 7.0], F32)
    note = "1e17 % 3 is 1, 1 // 0.1 is 9, 5 % inf is 5"
    for formula in ("x // y", "x % y", "fmod(x, y)"):
        t.case(formula, x=x, y=y, note=note)
        t.case(formula.replace("x", "f2").replace("y", "g2"), f2=f, g2=g)
    for divisor in ("3", "0.1", "-2.5", "1e-300", "inf"):
        t.case(f"x % {divisor}", x="x")
        t.case(f"x // {divisor}", x="x")
    t.case("f % 3", f="f")
    t.case("f // 0.1", f="f", note="the literal is an f32 here")
    return t


def powers():
    t = Grid("powers", "x**n: 0, 1, 2, -1 and 0.5 as NumPy in either mode. Integers wrap. Relaxed: the "
             "product of x^(2^i) over the set bits, lowest first; exact rationals do not enter, only "
             "IEEE products in that order.", "xfimp")
    t.vectors["i"] = np.array(INTS[I64], I64)
    t.vectors["m"] = np.array(INTS[I32], I32)
    for name in "xf":
        for n in ("0", "1", "2", "-1", "0.5", "2.0", "-1.0", "0.0"):
            t.case(f"{name}**{n}", **{name: name})
        dtype = t.vectors[name].dtype.type
        bases = np.array([0.0, -0.0, 1.0, -1.0, 0.25, -4.0, INF, -INF, NAN], dtype)
        powers = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, INF, -INF, NAN], dtype)
        a, b = (grid.ravel() for grid in np.meshgrid(bases, powers, indexing="ij"))
        t.case("a**b", np.power(a, b), a=a, b=b, note="C's special values, and exact powers")
    for name in "im":
        for n in (0, 1, 2, 3, 5, 13, 31, 63, 64):
            k = t.vectors[name].dtype.type(n)
            t.case(f"{name}**{n}", oracle.int_power(t.vectors[name], k), **{name: name})
        a, k = pairs([0, 1, -1, 2, -2, 3, 7, 10, -10, 63, 64, -64], t.vectors[name].dtype.type)
        t.case("a**b", oracle.int_power(a, k), a=a, b=k,
               note="an array of exponents: negative ones give 1 for 1, +-1 for -1, else 0")
        t.case(f"{name}**100", oracle.int_power(t.vectors[name], t.vectors[name].dtype.type(100)),
               **{name: name})
        wide = t.vectors[name].astype(F64)
        with np.errstate(all="ignore"):
            t.case(f"{name}**0.5", np.sqrt(wide), **{name: name})
            t.case(f"{name}**2.0", wide * wide, **{name: name})
    t.case("-x**2", x="x")
    t.case("2**i", oracle.int_power(np.full(20, 2, I64), t.vectors["i"]), i="i")
    t.case("power(m, 3) + pow(m, 2)", oracle.int_power(t.vectors["m"], I32(3)) +
           oracle.int_power(t.vectors["m"], I32(2)), m="m")
    good = {"x": np.array([1.1, -1.3, 0.7, 3.0, -0.0, 2.5e-5, 12345.678, INF, NAN], F64),
            "f": np.array([1.1, -1.3, 0.7, 3.0, -0.0, 2.5e-2, 123.4, INF, NAN], F32)}
    with np.errstate(all="ignore"):
        for name, values in good.items():
            for n in (3, 4, 5, 7, 8, 12, 15, 31, 64):
                t.case(f"{name}**{n}", oracle.product_power(values, n), mode="relaxed", **{name: values})
            for n in (2, 3, 5):
                tame = values[:7] if n == 2 else values[:4]
                t.case(f"{name}**-{n}", values.dtype.type(1) / oracle.product_power(tame, n),
                       mode="relaxed", **{name: tame})
            for n in ("0", "1", "2", "-1", "0.5", "3.0"):
                value = oracle.product_power(values, 3) if n == "3.0" else None
                t.case(f"{name}**{n}", value, mode="relaxed", **{name: values})
    return t


def results():
    t = Theme("results", "Several results: one shape and dtype or several, one value twice, inputs, "
              "constants and scalars as they are, reductions beside elements. NumPy's tuple of the same "
              "text.", used("xyfimp", vectors()))
    x, y = t.vectors["x"], t.vectors["y"]
    t.case("x + y, x - y", x="x", y="y", mode="both")
    t.case("x*y, x < y, x", x="x", y="y", mode="both")
    t.case("x, x", x="x", mode="both", note="an input twice")
    t.case("x + y, y, x + y", x="x", y="y", mode="both", note="one value twice, an input between")
    t.case("f + 1, i // 2, ~p, m*2, x*0.5", f="f", i="i", p="p", m="m", x="x", mode="both")
    t.case("x - y, 7, 2.5, True, pi", (x - y, np.int64(7), 2.5, True, np.float64(np.pi)), x="x", y="y",
           mode="both", note="plain numbers are i64 and f64")
    t.case("k, k*2, x*k", k=np.float64(3), x="x", mode="both")
    t.case("k, f*k", (np.float64(0.1), t.vectors["f"] * np.float32(0.1)), k=Weak(0.1), f="f", mode="both",
           note="a plain number is weak beside f32 and f64 alone")
    whole = np.arange(1, 40, dtype=F64)
    t.case("sum(a), sum(a)", a=whole, mode="both")
    t.case("sum(a), a/sum(a), a - 1", a=whole, mode="both", note="the first sum is kept and given")
    t.case("max(a), min(a), sum(a), sum(a*a), a*a", a=whole, mode="both")
    t.case("a - sum(a)/39, sum(a - sum(a)/39)", a=whole, mode="both")
    row, column = np.arange(4, dtype=F64).reshape(1, 4), np.arange(1, 4, dtype=F64).reshape(3, 1)
    t.case("r*c, r + 1, c, sum(r*c)", r=row, c=column, mode="both", note="four shapes")
    t.case("r, k", r=row, k=I32(5), mode="both")
    t.case("a, b + 1, sum(a), sum(b)", a=np.zeros(0), b=np.zeros((0, 3), F32), mode="both", note="nothing")
    t.case("a + 1, max(a)", error="E0404", a=np.zeros(0))
    t.case("x + y, x + nothing", error="E0201", x="x", y="y")
    t.case("x + y, f << 1", error="E0301", x="x", y="y", f="f")
    t.case("x + a, y", error="E0401", x="x", y="y", a=whole)
    return t


def all_themes():
    from themes_complex import complex_theme
    from themes_dtypes import (all_casts, derived, dtype_functions, dtype_pairs, half,
                               integer_widths)
    from themes_functions import functions, powers_float
    from themes_programs import programs
    from themes_reductions import reductions, reductions_special
    from themes_slices import generators, slices
    from themes_text import text
    from themes_tutorials import tutorials
    from themes_types import (broadcasting, empty, errors, literals, promotion, relaxed, rules,
                              special, sums)

    return [make() for make in (
        arithmetic, integer_division, shifts, bool_logic, comparisons, casts, rounding, min_max, extrema,
        signs, remainders, powers, functions, powers_float, literals, promotion, broadcasting, empty, sums,
        results, special, relaxed, rules, programs, reductions, reductions_special, errors, integer_widths,
        all_casts, half, dtype_pairs, dtype_functions, derived, slices, generators,
        tutorials, complex_theme, text)]
