"""Reductions: every one on every dtype and over all kinds of axes; special values; accuracy."""

import itertools

import numpy as np

import oracle
from reductions import REDUCTIONS, fma_sum
from writer import Fill, Theme

F64, F32, I64, I32, BOOL = np.float64, np.float32, np.int64, np.int32, np.bool_
NAN, INF = float("nan"), float("inf")

#: Axes by rank.
AXES = {
    0: ["None"],
    1: ["None", "0", "-1", "(0,)"],
    2: ["None", "0", "1", "-1", "-2", "(0, 1)", "(-1, 0)"],
    3: ["0", "1", "2", "(0, 1)", "(0, 2)", "(2, 1)", "None", "-2"],
    4: ["(1, 3)", "0", "(0, 2, 3)", "-1", "(3, 0)", "2", "None"],
}
SHAPES = [(7,), (3, 4), (2, 3, 4), (41,), (2, 2, 3, 2), (9, 5), (), (4, 1, 3), (1,)]
ROUNDED = {"var": 4, "std": 3, "norm": 3, "nanvar": 4, "nanstd": 3}


def values(dtype, shape, seed):
    n = int(np.prod(shape, dtype=int))
    x = oracle.splitmix(seed, n).reshape(shape)
    if dtype is BOOL:
        return x > 0.2
    if np.dtype(dtype).kind in "iu":
        whole = np.trunc(x * 9) + (9 if np.dtype(dtype).kind == "u" else 0)
        return whole.astype(dtype)
    return (x * 3 + 0.25).astype(dtype)


def evaluated(formula, **inputs):
    plain = {name: v.array if isinstance(v, Fill) else v for name, v in inputs.items()}
    names = {**oracle.NAMES, **REDUCTIONS, "arange": np.arange, **plain}
    with np.errstate(all="ignore"):
        return np.asarray(eval(formula, {"__builtins__": {"None": None}}, names))


class Reductions(Theme):
    def value(self, formula, ulp=0, mode="strict", note=None, text=None, **inputs):
        """A case with the value of the formula by `reductions.py`; `text` is what fuse is given."""
        expect = evaluated(formula, **inputs)
        self.case(text or formula, expect, ulp=ulp, mode=mode, note=note, **inputs)


def reductions():
    t = Reductions("reductions", "Every reduction on every dtype, over all kinds of axes, with and without "
                   "keepdims, as functions and methods. Sums, products and means: the order of "
                   "numerics.md step by step. Variances, deviations and norms: exact, rounded once.")
    methods = ["sum", "prod", "mean", "var", "std", "max", "min", "any", "all", "argmax", "argmin"]
    turns = {rank: itertools.cycle(axes) for rank, axes in AXES.items()}
    seed = 0
    for name in REDUCTIONS:
        if name == "dot":
            continue
        for dtype in oracle.DTYPES.values():
            for turn in range(3):
                seed += 1
                shape = SHAPES[seed % len(SHAPES)]
                axis = next(turns[len(shape)])
                arguments = [] if axis == "None" and seed % 2 else [f"axis={axis}"]
                if seed % 3 == 0:
                    arguments.append("keepdims=True")
                if name in ("var", "std", "nanvar", "nanstd") and seed % 4 == 0:
                    arguments.append("ddof=1")
                listed = "".join(f", {argument}" for argument in arguments)
                formula, text = f"{name}(a{listed})", None
                if name in methods and seed % 4 == 1:
                    text = f"a.{name}({', '.join(arguments)})"
                elif name not in ("norm",) and seed % 4 == 2 and axis != "None":
                    text = formula.replace("axis=", "")
                a = values(dtype, shape, seed)
                t.value(formula, ROUNDED.get(name, 0), "both" if seed % 5 else "strict", text=text, a=a)
    for dtype in oracle.DTYPES.values():
        for n in (1, 5, 70):
            a, b = values(dtype, (n,), n), values(dtype, (n,), n + 1)
            t.value("dot(a, b)", a=a, b=b)
    return t


def reductions_special():
    t = Reductions("reductions_special", "Reductions of NaN, infinities, nothing and much; inside formulas "
                   "and of slices; over several blocks of 1024 along each axis.")
    nans = np.array([[1.5, NAN, -2.0, 0.25], [NAN, NAN, NAN, NAN], [0.5, 3.0, -7.0, 4.0], [INF, 1.0, 2.0, NAN]])
    for name in REDUCTIONS:
        if name == "dot":
            continue
        for axis in (", axis=0", ", axis=1", ""):
            for dtype in (F64, F32, np.float16):
                t.value(f"{name}(a{axis})", ROUNDED.get(name, 0), "both", a=nans.astype(dtype))
    infinite = np.array([[INF, -INF, 1.0], [INF, INF, 2.0], [-INF, 0.0, -1.0], [-0.0, 0.0, 5e-324]])
    for name in ("sum", "mean", "var", "norm", "max", "min", "argmax", "argmin", "any", "all", "prod"):
        t.value(f"{name}(a, axis=1)", ROUNDED.get(name, 0), "both", a=infinite)
    for name, worst in (("argmin", INF), ("argmax", -INF)):
        for a in (np.full(5, worst), np.full(70, worst), np.full(70, NAN), np.r_[np.ones(40), NAN, NAN],
                  np.r_[np.full(40, worst), 0.0, np.full(9, worst)], np.array([0.0, -0.0])):
            t.value(f"{name}(a)", mode="both", a=a)
    for dtype in oracle.DTYPES.values():
        if np.dtype(dtype).kind in "iu":
            least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
            a = np.array([most // 2, least, most, least, most] * 9, dtype)
            for name in ("max", "min", "argmax", "argmin", "sum", "prod", "any", "all", "nanmax"):
                t.value(f"{name}(a)", mode="both", a=a, note="the ends of the range")
            t.value("mean(a)", mode="both", a=a)
            t.value("var(a)", 4, "both", a=a)
    least, most = -2**63, 2**63 - 1
    for a in (np.array([most] * 9), np.array([least] * 9), np.array([5] * 50 + [least, most, least, most])):
        t.value("argmin(a) * 1000 + argmax(a)", mode="both", a=a)
    empties(t)
    many_blocks(t)
    accuracy(t)
    formulas(t)
    return t


def empties(t):
    for name in ("sum", "prod", "any", "all", "count_nonzero", "norm", "nansum", "nanprod"):
        for dtype in (BOOL, I32, F32, F64):
            for shape, axis in (((0,), ""), ((0, 3), ", axis=0"), ((0, 3), ", axis=1"), ((3, 0), ", axis=-1"),
                                ((2, 0, 2), ", axis=(0, 1)")):
                if dtype is F64 or len(shape) == 2:
                    t.value(f"{name}(a{axis})", mode="both", a=np.zeros(shape, dtype))
    t.value("dot(a, b)", mode="both", a=np.zeros(0), b=np.zeros(0))
    for name in ("max", "min", "mean", "var", "std", "argmax", "argmin", "nanmax", "nanmin", "nanmean",
                 "nanvar", "nanstd"):
        for shape, axis in (((0,), ""), ((0, 3), ", axis=0"), ((3, 0), ", axis=1"), ((2, 0, 2), ", axis=(1, 2)")):
            t.case(f"{name}(a{axis})", error="E0404", a=np.zeros(shape))
        t.value(f"{name}(a, axis=0)", mode="both", a=np.zeros((3, 0)), note="no results, of three elements each")
        t.value(f"{name}(a, axis=0)", mode="both", a=np.zeros((0, 0)), note="no results, as in NumPy")


def many_blocks(t):
    for shape, seed in (((2100, 3), 1), ((3, 2100), 2), ((33, 70), 3), ((5, 1030, 2), 4), ((1025, 8), 5),
                        ((3, 9, 61), 6)):
        n = int(np.prod(shape))
        x = oracle.splitmix(seed, n).reshape(shape)
        f = x.astype(F32)
        for axis in range(len(shape)):
            t.value(f"sum(x, axis={axis})", mode="both", x=Fill(seed, x))
            if n // shape[axis] > 400:
                continue
            t.value(f"mean(f, {axis})", mode="both", f=Fill(seed, f))
            t.value(f"var(x, axis={axis})", 4, "both", x=Fill(seed, x))
            t.value(f"argmax(x, axis={axis})", mode="both", x=Fill(seed, x))
            t.value(f"min(f, axis={axis}, keepdims=True)", mode="both", f=Fill(seed, f))
            t.value(f"norm(x, axis={axis})", 4, "both", x=Fill(seed, x))
            t.value(f"any(x > 0.999, axis={axis})", mode="both", x=Fill(seed, x))
            t.value(f"prod(x + 1.5, axis={axis})", mode="both", x=Fill(seed, x))
            t.value(f"nanmean(where(x > 0, x, nan), axis={axis})", mode="both", x=Fill(seed, x))
            t.value(f"nanvar(where(x > 0, x, nan), axis={axis})", 4, "both", x=Fill(seed, x))
        t.value("argmin(x)", mode="both", x=Fill(seed, x))
        t.value("std(f, ddof=1)", 1, "both", f=Fill(seed, f))


def accuracy(t):
    noise = oracle.splitmix(77, 3 * 1024 + 5)
    n = len(noise)
    hard = {
        "1e9 + x": ("a large mean", 4),
        "1e9 + 2**-22*round(x*4)": ("deviations of a few last places of the mean", 4),
        f"where(arange({n}) == 0, 1e8, x)": ("an outlier first, where NumPy is nearer", 120),
        f"where(arange({n}) == {n - 1}, 1e8, x)": ("an outlier last", 4),
        f"where(arange({n}) % 2 == 0, 1e12, -1e12) + x": ("alternating", 4),
        "(1e9 + x)[:5]": ("a few elements", 4),
        "(x*0 + 0.1)": ("all alike: no deviation", 0),
        "x[:50]*1e200": ("squares that overflow", 0),
        "x[:50]*1e-200": ("squares that underflow", 0),
    }
    for text, (note, ulp) in hard.items():
        t.value(f"var({text})", ulp, "both", note=note, x=Fill(77, noise))
    t.value("std(f)", 1, "both", f=(1e4 + noise[:300]).astype(F32))
    for k in (1000, -1000, 490, 480, -505, -515, -535, -850 // 2, 0):
        x = np.ldexp(np.round(noise[:40] * 64) + 0.5, k)
        t.value("norm(x)", 3, "both", x=x, note=f"around 2^{k}")
    t.value("norm(x)", 3, "both", x=np.array([2.0**-600, 2.0**-500, 3 * 2.0**-511]))
    t.value("norm(x)", 3, "both", x=np.array([2.0**600, 2.0**480, 2.0**-600]))
    t.value("norm(x)", 3, "both", x=np.array([5e-324, 5e-324, 1.5e-323]))
    t.value("norm(x)", 3, "both", x=np.array([1e308, 1e308]))
    t.value("norm(f)", 1, "both", f=np.array([3e38, 1e38, 1e-45], F32))
    t.value("norm(x, axis=0)", 3, "both", x=np.array([[3.0, NAN, INF, 1e300], [4.0, 1e300, NAN, INF]]))
    t.case("mean(full(20000, 0.1f32))", np.float32(0.1), mode="both", note="sums of equal f32 are exact in f64")


def formulas(t):
    x = oracle.splitmix(11, 6 * 50).reshape(6, 50)
    fill = Fill(11, x)
    t.value("x - mean(x, axis=0)", mode="both", x=fill)
    t.value("x - mean(x, axis=1, keepdims=True)", mode="both", x=fill)
    t.value("x / max(abs(x), axis=1)[:, None]", mode="both", x=fill)
    t.value("(x - mean(x, axis=0)) / (max(x, axis=0) - min(x, axis=0))", mode="both", x=fill)
    t.value("sum(x[1:, ::2], axis=0)", mode="both", x=fill)
    t.value("sum(x[::-1].T, axis=(0,))", mode="both", x=fill)
    t.value("sum(x, axis=0)[3:7]", mode="both", x=fill)
    t.value("sum(sum(x, axis=0))", mode="both", x=fill)
    t.value("max(sum(x, axis=1) - min(x))", mode="both", x=fill)
    t.value("argmax(x, axis=1) + argmin(x, axis=0)[:6]", mode="both", x=fill)
    t.value("sum(x, axis=0) + sum(x, axis=1)[:, None]", mode="both", x=fill)
    t.value("mean(x[:3], axis=0) * mean(x[3:], axis=0)", mode="both", x=fill)
    t.value("mean(x > 0, axis=1)", mode="both", x=fill)
    t.value("all(x < 1) and any(x > 0.99)", mode="both", x=fill)
    t.value("count_nonzero(x, axis=0, keepdims=True).sum()", mode="both", x=fill,
            text="sum(count_nonzero(x, axis=0, keepdims=True))")
    t.value("sum(x[:, None, :] * x[None, :, :], axis=-1)", x=fill, note="a product of matrices, strict")
    a, b = oracle.splitmix(21, 2100), oracle.splitmix(22, 2100)
    t.case("dot(a, b)", np.array(fma_sum(a, b)), mode="relaxed", a=Fill(21, a), b=Fill(22, b))
    t.case("sum(a*b)", np.array(fma_sum(a, b)), mode="relaxed", a=Fill(21, a), b=Fill(22, b))
    t.case("sqrt(sum(a**2))", np.sqrt(np.array(fma_sum(a, a))), mode="relaxed", a=Fill(21, a))
    f, g = a.astype(F32), b.astype(F32)
    t.case("sum(f*g)", np.array(fma_sum(f, g)), mode="relaxed", f=Fill(21, f), g=Fill(22, g))
    t.value("sum(f*g)", f=Fill(21, f), g=Fill(22, g), note="strict: products are rounded to f32")
    rows = a.reshape(21, 100)
    t.case("sum(a*a, axis=1)", np.array([fma_sum(row, row) for row in rows]), mode="relaxed", a=Fill(21, rows))
    t.case("sum(a*b, axis=0)", np.array([fma_sum(rows[:, k], b[:21]) for k in range(100)]), mode="relaxed",
           a=Fill(21, rows), b=b[:21, None], note="a factor that broadcasts")
    t.case("len(x) + zeros(2) + ones(2)*full(2, 3) + linspace(0, 1, 2)", np.array([9.0, 10.0]), mode="both", x=fill)
    refusals(t)


def refusals(t):
    x, m = np.ones((2, 3)), np.ones(3)
    for code, texts in {
        "E0203": ["sum()", "sum(x, 0, 1)", "norm(x, 0)", "max(x, m)", "dot(x)", "x.sum(0, 1)", "sum(x, 0, axis=1)",
                  "dot(m, m, 0)"],
        "E0204": ["sum(x, axes=0)", "sum(x, ddof=1)", "var(x, correction=1)", "dot(m, m, axis=0)", "max(a=x)"],
        "E0301": ["sum(x, axis=1.0)", "sum(x, axis=True)", "sum(x, keepdims=2)", "var(x, ddof=0.5)", "dot(m, 2)",
                  "sum(None)"],
        "E0305": ["sum(x, axis=k)", "var(x, ddof=k)", "sum(x, keepdims=k > 0)", "sum(x, axis=(0, k))"],
        "E0402": ["sum(x, axis=2)", "sum(x, axis=-3)", "sum(x, axis=(0, 0))", "sum(x, axis=(0, -2))", "sum(x, axis=())",
                  "sum(k, axis=0)", "argmax(x, axis=(0, 5))"],
        "E0901": ["sum(x, dtype=f32)", "sum(x, where=x > 0)", "sum(x, initial=1)", "norm(x, ord=1)", "sum(x, out=x)"],
        "E0902": ["dot(x, x)", "dot(x, m)"],
    }.items():
        for text in texts:
            t.case(text, error=code, x=x, m=m, k=I64(1))
    t.case("dot(m, y)", error="E0401", m=m, y=np.ones(4))
    t.case("dot(m, y)", error="E0401", m=m, y=np.ones(1))
