"""Programs: assignments, local functions, methods. Python runs the same statements on NumPy arrays."""

import ast
import re

import numpy as np

from elementary import FUNCTIONS
from oracle import NAMES
from themes import F32, F64, I32, I64, used, vectors
from writer import Theme, Weak

DEFINITION = re.compile(r"^(\w+)\(([\w, ]*)\) *=(?!=)(.*)$")


class WrittenOut(ast.NodeTransformer):
    """`x += y` as `x = x + y`: NumPy would change the array, and refuse `i /= 2`; fuse binds a value."""

    def visit_AugAssign(self, node):
        before = ast.Name(node.target.id, ast.Load())
        value = ast.BinOp(before, node.op, self.visit(node.value))
        return ast.copy_location(ast.Assign([node.target], value), node)


def python(formula):
    """A program as Python: local functions become lambdas."""
    text = re.sub(r"#.*", "", formula)
    statements = [statement.strip() for statement in re.split(r"[;\n]", text) if statement.strip()]
    return [DEFINITION.sub(r"\1 = lambda \2: \3", statement) for statement in statements]


class Programs(Theme):
    #: What names mean beside those of the oracle.
    names = {"np": np}

    def numpy(self, formula, inputs):
        names = {name: self.plain(value) for name, value in inputs.items()}
        builtins = {"__import__": __import__, "len": len}
        names = {"__builtins__": builtins, **NAMES, **FUNCTIONS, **self.names, **names}
        *statements, result = python(formula)
        with np.errstate(all="ignore"):
            for statement in statements:
                tree = ast.fix_missing_locations(WrittenOut().visit(ast.parse(statement)))
                exec(compile(tree, "program", "exec"), names)
            return eval(result, names)


def programs():
    t = Programs("programs", "Programs of several statements: assignments, augmented and not, local "
                 "functions, methods, attributes. NumPy's bits for the same statements; `x += y` is "
                 "`x = x + y`.", used("xyfgijmnpq", vectors()))
    assignments(t)
    weak_names(t)
    functions(t)
    methods(t)
    refused(t)
    return t


def assignments(t):
    xy = {"x": "x", "y": "y"}
    t.case("d = x - y; r = sqrt(d*d); r", **xy)
    t.case("d = x - y\nr = sqrt(d*d)\nr + d", **xy)
    t.case("d = x - y # a comment; not a statement\n\n d*d ;", **xy)
    t.case("result = x; " + "result += 17; " * 9 + "result", x="x", note="nine additions, as written")
    t.case("result = x; " + "result = result + 17; " * 9 + "result", x="x")
    t.case("result = x; " + "result += 17; " * 9 + "result", x=np.arange(-9.0, 9.0), mode="both",
           note="small integers: one addition gives the same bits")
    t.case("i += 17; i *= i; i", i="i", mode="both")
    t.case("x = x + 1; x = x*x; x - y", **xy, note="the name of a variable, bound anew")
    t.case("y = x; x = 3; y + x", x="x", note="y keeps what x was")
    t.case("unused = x/y; x + y", **xy)
    t.case("a = x; b = a; a = y; c = b - a; c", **xy)
    for a, b in (("x", "y"), ("f", "g"), ("i", "j"), ("m", "n")):
        for op in ("+", "-", "*"):
            t.case(f"{a} {op}= {b}; {a}", **{a: a, b: b})
        for op in ("/", "//", "%"):
            if op != "/" and a in "im":
                continue
            t.case(f"{a} {op}= {b}; {a}", **{a: a, b: b}, note="i /= j is f64" if a == "i" else None)
    for a, b in (("i", "j"), ("m", "n"), ("p", "q")):
        for op in "&|^":
            t.case(f"{a} {op}= {b}; {a}", **{a: a, b: b})
    t.case("i //= 7; i %= 5; i", i="i")
    t.case("i <<= 3; i >>= 1; i", i="i")
    t.case("m **= 3; m", m="m")
    t.case("x **= 2; x", x="x")
    t.case("m /= 2; m", m="m", note="an error of NumPy's in place; here a value of another dtype")
    t.case("m += x; m", np.array([1.5, 3.5]), m=np.array([1, 2], I32), x=np.array([0.5, 1.5]))
    t.case("x -= y - 1; x", **xy, note="the right side is one value: x - (y - 1)")
    t.case("x *= y + 1; x", **xy)
    t.case("c = x > y; d = x if c else y; d - x",
           np.where(t.vectors["x"] > t.vectors["y"], t.vectors["x"], t.vectors["y"]) - t.vectors["x"], **xy)
    t.case("m = x > 0; m &= y > 0; where(m, x, y)", **xy)
    t.case("s = sum(x*0 + 1); x*0 + s", x=np.arange(40.0), mode="both")
    t.case("d = x - y; r = sqrt(d*d); r, d", mode="both", **xy, note="several results")
    t.case("lo = x.min(); hi = x.max(); d = hi - lo; lo, hi, (x - lo)*d", x=np.arange(-9.0, 30.0), mode="both")
    t.case("pi = 3; pi*x", x="x", note="a constant's name, bound anew")
    t.case("e += x; e", x=np.arange(3.0))
    t.case("mean_x = max(x); d = x - mean_x; max(d) - min(d)", x=np.arange(-9.0, 30.0), mode="both")


def weak_names(t):
    t.case("k = 2.5; f*k", f="f", note="a plain number is weak under its name: f32")
    t.case("k = 1/3; f*k + 1", f="f")
    t.case("k = 2; k += 1; m*k", m="m")
    t.case("n = 3; i**n", i="i", note="a literal power: no error of a sign at run time")
    t.case("n = 2; n *= 0.25; x**n", x="x", note="x**0.5, the square root")
    t.case("k = pi; f*k", f="f")
    t.case("k = w; k *= 2; f*k", (t.vectors["f"] * F32(0.2)).astype(F32), f="f", w=Weak(0.1),
           note="plain numbers of the call stay weak too")
    t.case("k = 2.5f64; f*k", t.vectors["f"].astype(F64) * 2.5, f="f", note="a typed one is strong")
    t.case("k = 2**62; k *= 4; x + k", np.array([2.0**64 + 4096]), x=np.array([4096.0]),
           note="plain integers are exact beyond 64 bits")
    t.case("k(a) = a*3000000000; x + k(2)", x="x", note="arguments stay plain, too")


def functions(t):
    xy = {"x": "x", "y": "y"}
    t.case("f(x, y) = x*y + x; f(x, y)", **xy)
    t.case("f(a, b) = a*b + a; f(x, y) - f(y, x)", **xy)
    t.case("f(a) = a*a + 1; f(f(f(x)))", x="x")
    t.case("f(a) = a + 1; g(a) = f(a)*f(2*a); h(a) = g(a) - f(a); h(x) + g(y)", **xy)
    t.case("half_of(a) = 0.5*a; half_of(f) + half_of(m)", f=np.array([1.5, 3.0], F32),
           m=np.array([3, -5], I32), note="types are found at each call")
    t.case("f() = x + 1; f()*f()", x="x")
    t.case("k = 2; f(a) = k*a; k = 3; f(x)", 2 * t.vectors["x"], x="x",
           note="a body sees what was bound before it")
    t.case("f(a) = a + 1; g(a) = f(a); f(a) = a + 2; g(x)", t.vectors["x"] + 1, x="x")
    t.case("f(x) = y*x; x = 3; f(x)", 3 * t.vectors["y"], y="y", note="a parameter is its function's own")
    t.case("f(pi) = pi + 1; f(x)*pi", x="x", note="parameters shadow constants")
    t.case("f(sum) = sum*2; f(x)", x="x", note="and functions")
    t.case("g(a, n) = a**n; g(i, 3)", i="i", note="a literal argument is a literal in the body")
    t.case("lerp(a, b, s) = a + s*(b - a); lerp(x, y, 0.25)", **xy)
    t.case("s(v) = sum(v*0 + 1); x*0 + s(x)", x=np.arange(30.0), mode="both")
    t.case("poly(u) = ((u + 1)*u + 2)*u + 3; poly(x) + poly(x)", x="x")
    t.case("clip01(v) = minimum(maximum(v, 0), 1); clip01(x) + clip01(y)", **xy)


def methods(t):
    whole = np.arange(-20, 21, dtype=F64)
    t.case("x.max() - x.min()", x=whole, mode="both")
    t.case("x.sum() + (x*x).sum()", x=whole, mode="both")
    t.case("i.sum()", i=np.arange(40, dtype=I64), mode="both")
    t.case("(x + 0.5).round()", x="x")
    t.case("x.clip(-1, y)", **{"x": "x", "y": "y"})
    t.case("f.clip(-1, 1).max()", f=np.array([3, -7, 0.25], F32), mode="both")
    t.case("x.astype(np.float32)", x="x")
    t.case("m.astype(np.float64) / 4", m="m")
    t.case("p.astype(np.int64) + i", p="p", i=np.array([1, 2, 3, 4], I64))
    f = t.vectors["x"].astype(F32)
    for spelling in ("f32", "'f32'", "'float32'", "float32", "dtype=f32", "single"):
        t.case(f"x.astype({spelling})", f, x="x")
    t.case("f32 + x.astype(f32)", np.array([2.5], F32), f32=np.array([1], F32), x=np.array([1.5]),
           note="a variable of that name is no dtype")
    t.case("i.astype(i32)", t.vectors["i"].astype(I32), i="i")
    t.case("(x > y).astype(i64)", (t.vectors["x"] > t.vectors["y"]).astype(I64), x="x", y="y")
    t.case("g.ndim*x + x.ndim", x=np.arange(3.0), g=np.zeros((2, 1)))
    t.case("f*x.ndim", f="f", x=np.zeros((2, 2, 1)).ravel()[:1], note="a plain integer: f32 stays")
    t.case("np.abs(x).max() + np.sqrt(np.abs(x)).min()", x=whole, mode="both")
    t.case("numpy.where(x > 0, x, 0*x) + np.float64(3)", np.maximum(whole, 0) + 3, x=whole, mode="both")
    t.case("math.pi*x", np.pi * whole, x=whole, mode="both")


def refused(t):
    x = np.array([1.0, 2.0])
    for code, formulas in {
        "E0112": ["d = x", "f(a) = a"],
        "E0113": ["x; x + 1"],
        "E0201": ["y = z; y + x", "d = k*x; k = 2; d", "f(a) = k*a; k = 2; f(x)", "f(a) = a; f + x",
                  "f(a) = a; a + x", "y += x; y", "x.astype(f4)", "x.astype('i8')", "f(a) = q; x"],
        "E0202": ["f(a) = g(a); g(a) = a; f(x)", "f = x; f(2)", "f(a) = a(2); f(x)", "x(2)", "f(x)"],
        "E0203": ["f(a, b) = a; f(x)", "f() = x; f(x)", "x.clip(1)", "x.sum(0, 1)", "x.astype()"],
        "E0204": ["f(a) = a; f(a=x)", "x.astype(copy=f32)", "x.clip(lowest=0)", "f32(dtype=f32)"],
        "E0205": ["x.sqrt()", "x.foo()", "x.foo", "x.sum", "x.mx()"],
        "E0207": ["f(a) = f(a); f(x)", "f(a) = g(a); g(a) = f(a); f(x)", "f(a) = a; f(a) = f(a) + 1; f(x)",
                  "f(a) = f(a); x"],
        "E0208": ["sum = x; sum", "sqrt(a) = a; sqrt(x)", "f32 = x; f32", "mean = x; mean", "clip = x; x"],
        "E0301": ["f(a) = -a; f(x > 0)", "x <<= 1; x", "x.astype(x*2)"],
        "E0304": ["k = 2**126; k *= 4; x + k"],
        "E0901": ["x.real", "x.imag", "x.conj()", "x.sum(dtype=f32)"],
    }.items():
        for formula in formulas:
            t.case(formula, error=code, x=x)
    t.case("d = x + y; x", error="E0401", x=x, y=np.zeros(3), note="as in NumPy, used or not")
    t.case("f(a, b) = a + b; f(x, y)", error="E0401", x=x, y=np.zeros(3))
