"""Slices, integer indices, new axes, transposition, extents as numbers; arrays out of nothing."""

import random

import numpy as np

from oracle import DTYPES, NAMES
from themes import BOOL, F32, F64, I32, I64
from themes_programs import Programs
from writer import Weak

F16, U8, U64 = np.float16, np.uint8, np.uint64

#: Elements of an axis: none, one (which broadcasts), two, a few, more than a vector.
EXTENTS = (0, 1, 2, 7, 40)

#: Every kind of end, within the axis and beyond it.
SLICES = (
    ":", "::", "1:", ":1", ":-1", "-1:", "1:-1", "2:", ":-2", "3:5", "-5:-3", "5:3", "-3:-5", "0:0", "7:", ":7",
    "-7:", ":-7", "39:", "40:", ":40", ":41", "-40:", "-41:", ":-40", "100:", ":100", "-100:", ":-100", "2:-2",
    "None:None", "None:3", "2:None:None",
    "::1", "::2", "1::2", "::7", "3::7", ":5:2", "-5::2", ":-1:2", "1:-1:3", "100::2", "::100", "2:30:7",
    "::-1", "::-2", "::-7", "-2::-1", ":0:-1", "5::-1", ":2:-1", "5:2:-1", "2:5:-1", "-1:0:-2", "100::-1",
    "-100::-1", ":-100:-1", ":-3:-1", "-1:-8:-7", "30:1:-7", ":100:-1", "0::-1", "-1::-100",
)


class Sliced(Programs):
    """NumPy's values; what is a list of formulas becomes one with several results."""

    def together(self, formulas, note=None, **inputs):
        for start in range(0, len(formulas), 8):
            self.case(", ".join(formulas[start:start + 8]), mode="both", note=note, **inputs)


def counted(n, dtype=F64):
    """n different elements, small enough that sums and products are exact."""
    return (np.arange(n) * 3 % 41 - 11).astype(dtype)


def block(shape, dtype=F64):
    return counted(int(np.prod(shape)), dtype).reshape(shape)


def slices():
    t = Sliced("slices", "Basic slicing, integer indices, new axes and transposition; `.shape`, `.size`, `len` "
               "as numbers. NumPy's bits for the same text.")
    one_axis(t)
    every_dtype(t)
    bounds_of_the_call(t)
    several_axes(t)
    of_expressions(t)
    stencils(t)
    broadcast_by_chance(t)
    results(t)
    at_random(t)
    refused(t)
    return t


def one_axis(t):
    for n in EXTENTS:
        t.together([f"x[{text}]" for text in SLICES], x=counted(n))
    for n in (1, 2, 7, 40):
        ends = sorted({0, n // 2, n - 1, -1, -n})
        t.together([f"x[{k}]" for k in ends], x=counted(n), note="an integer index gives a scalar")
    for n in EXTENTS:
        t.together(["x[1:][1:]", "x[1:][:-1]", "x[::2][1:]", "x[::-1][::-1]", "x[::-1][1:4]", "x[2:][::-2]",
                    "x[::3][::2][::-1]", "x[:5][3:][1:]", "x[5:][:5][-2:]", "x[::-2][::-2]", "x[1:-1][1:-1]",
                    "x[-5:][1:-1]", "x[:3][5:]", "x[10:20][5:15]", "x[::7][1:][::-1]"], x=counted(n),
                   note="slices of slices are one slice")
    t.together(["x[3:][2]", "x[::-1][0]", "x[::2][-1]", "x[5:][::-2][1]", "x[-1]*x + x[0]", "x - x[x.size//2]"],
               x=counted(40))
    t.case("x[0x2:1_0:0b11]", x=counted(40), mode="both")
    t.case("x[2**3 - 1:len(x)//2]", x=counted(40), mode="both")
    t.case("x.size, x[3:].size, len(x[::7]), x.shape[0], x.shape[-1], x.ndim", x=counted(40), mode="both")
    t.case("len(x), len(x[1:]), x[:0].size", x=counted(1), mode="both")


def every_dtype(t):
    for name, dtype in DTYPES.items():
        for n in (1, 40):
            t.together(["x[1:]", "x[::-2]", "x[-1]", "x[3:20:7]", "x[None, :5]", "x[:0]"], x=counted(n, dtype)
                       if dtype is not BOOL else np.arange(n) % 3 == 1, note=name)
        values = np.arange(63) % 3 == 1 if dtype is BOOL else counted(63, dtype)
        t.together(["a[1:, ::2]", "a[::-1, 3]", "a.T", "a.T[2:, ::-1]", "a[-1]", "a[:, None, 4:]"],
                   a=values.reshape(7, 9))
        minus = "" if dtype is BOOL else " - x[1:-1]"
        t.case(f"x[2:] + x[:-2]{minus}", x=values, mode="strict" if dtype is F16 else "both")
        t.case("where(x[1:] > x[:-1], x[1:], x[:-1])", x=values, mode="both")


def bounds_of_the_call(t):
    whole = (-100, -41, -40, -39, -7, -1, 0, 1, 2, 20, 39, 40, 41, 100, -2**63, -2**63 + 1, 2**63 - 1)
    formulas = ["x[k:]", "x[:k]", "x[k::-1]", "x[:k:-1]", "x[k::7]", "x[1:k:2]", "x[k:-1]", "x[k:5]", "x[-3:k]"]
    for n in EXTENTS:
        for k in whole if n == 40 else (-8, -7, -1, 0, 1, 6, 7, 8):
            t.case(", ".join(formulas), x=counted(n), k=I64(k), mode="both")
    x = counted(40)
    for dtype in (np.int8, np.uint8, np.int16, np.uint32, U64):
        t.case("x[k:] - x[:x.size - k]", x=x, k=dtype(3), mode="both")
        t.case("x[k]*x", x=x, k=dtype(39), mode="both")
    t.case("x[k:], x[k]", x=x, k=Weak(5), mode="both", note="a plain number of the call")
    t.case("x[k:], x[:k]", (x[-1:], x[:-1]), x=x, k=Weak(-1), mode="both")
    t.case("x[:k]", x=x, k=U64(2**64 - 1), mode="both", note="beyond i64")
    t.case("x[k:]", x=x, k=U64(2**63), mode="both")
    for j, k in ((3, 20), (20, 3), (-5, -1), (0, 40), (-100, 100)):
        t.case("x[j:k], x[k:j:-1], x[j:k:3], x[j:][:k]", x=x, j=I64(j), k=I64(k), mode="both")
        t.case("x[j:k] * x[j:k] + x[j:k].size", x=x, j=I64(j), k=I64(k), mode="both")
    t.case("x[:18446744073709551615u64], x[3u8:], x[i64(k):]", (x, x[3:], x[2:]), x=x, k=I32(2), mode="both")
    t.case("x[k + 1:]", x=x, k=np.int8(127), mode="both", note="the bound is the value, wrapped")
    t.case("x[u8(k):], x[:i8(k) + 1], x[i64(u32(k)):]", (x[2:], x[:3], x[:0]), x=x, k=I64(-254), mode="both")
    t.case("x[k - 5:], x[-k:]", x=x, k=U8(3), mode="both")
    t.case("b*b.size, b + b.size//2, b + len(b[5:])", b=counted(40, U8), mode="both",
           note="extents are plain integers: they take on the dtype they meet")
    t.case("b + b.size", error="E0302", b=counted(300, U8), note="and must fit it")
    t.case("b + b.size//2", error="E0302", b=np.zeros(300, np.int8))
    t.case("b[b.size - k:]", error="E0302", b=counted(300, U8), k=U8(3))
    t.case("x[k + 1:] - x[:-k - 1]", x=x, k=I64(4), mode="both")
    t.case("x[2*k:3*k - 1]", x=x, k=I64(5), mode="both")
    t.case("x[k//3:], x[:k//-3], x[:-k//3]", x=x, k=I64(10), mode="both")
    t.case("x[minimum(j, k):maximum(j, k)]", x=x, j=I64(30), k=I64(10), mode="both")
    t.case("x[:x.size//2] - x[x.size//2:]", x=x, mode="both")
    for k in (-7, -3, 0, 3, 7):
        t.case("x[k % 5:], x[:17 % k], x[k % -4:], x[:k//2], x[:17//k]" if k else "x[k % 5:], x[k % -4:]",
               x=x, k=I64(k), mode="both")
    t.case("x[:x.size - x.size % 7]", x=x, mode="both")
    t.case("x[:len(x)//2 - k]", x=x, k=I64(3), mode="both")
    t.case("n = x.shape[0]; x[n//4:n - n//4]", x=x, mode="both")
    t.case("n = x.size; x[:n//2], x[n//2]", x=counted(7), mode="both")
    t.case("x[y.size:]", x=x, y=counted(7), mode="both")
    t.case("x[:n]/n", x=x, n=I64(7), mode="both", note="the bound is a value, too")
    t.case("f(i) = x[i]; f(3)*f(-1) + f(0)", x=x, mode="both")
    t.case("f(i) = x[i]*i; f(k)", x=x, k=I64(12), mode="both")
    t.case("f(v, i) = v[i:] - v[:-i]; f(f(x, 2), 1)", x=x, mode="both")
    t.case("f(v, i) = v[i] + v[i + 1]; f(x, 0) + f(x*x, k)", x=x, k=I64(5), mode="both")
    t.case("f(v) = v[1:] + v[:-1]; f(f(f(f(x))))", x=x, mode="both")
    for k in (-40, -1, 0, 39):
        t.case("x[k], a[k//10], (x*x)[k], x[::-1][k]", x=x, a=block((7, 9)), k=I64(k), mode="both")


def several_axes(t):
    formulas = ["a[1:]", "a[:, 1:]", "a[::2, ::-3]", "a[2]", "a[:, 2]", "a[-1, -1]", "a[..., 0]", "a[0, ...]", "a[...]",
                "a[None]", "a[:, None]", "a[..., None]", "a[None, :, None, 1:, None]", "a[1:3, None, 2]", "a.T",
                "a.T[0]", "a.T[1:, None]", "a[1:].T", "a[:, ::-1].T.T", "a[:0]", "a[:, :0]", "a[5:3, 1:]", "a[1:][:, 1:]",
                "a[1][2]", "a[:, 3][1:]", "a[1:, 2:].T[1:, 0]", "a[2, :][None]", "a[..., 1:, 0]", "a[1, ..., ::2]"]
    for shape in ((7, 9), (4, 40)):
        t.together(formulas, a=block(shape))
    for shape in ((0, 5), (5, 0), (0, 0)):
        t.together(["a[1:]", "a[:, 1:]", "a.T", "a[None]", "a[:, ::-2]", "a[::-1].T", "a.size", "a.shape[1]"], a=block(shape))
    t.case("a[:, 3]", a=block((0, 5)), mode="both")
    for shape in ((1, 9), (9, 1), (1, 1)):
        t.together(["a[1:]", "a[:, 1:]", "a[::-1, ::-1]", "a[0]", "a[:, 0]", "a[-1:, -1:]", "a.T", "a[:1, :1]", "a[:2, :2]",
                    "a[None, 0]", "a[0, 0]", "a[:0]", "a[:, :0]"], a=block(shape))
    cube = block((3, 4, 5))
    t.together(["c[1]", "c[:, 1]", "c[:, :, 1]", "c[..., 1]", "c[1, ..., 1]", "c[:, 1:3, ::2]", "c[::-1, ::-1, ::-1]",
                "c.T", "c.T[1:]", "c[1].T", "c.T[..., 0]", "c[:, None, 1]", "c[1:, 2][..., None]", "c[None, ..., None]",
                "c[-1, -1, -1]", "c[2, 1:][1:, 2]", "c[..., ::-2, 1:]", "c[0] - c[1]", "c[1:] - c[:-1]"], c=cube)
    t.case("a + a.T", a=block((7, 7)), mode="both")
    t.case("a*b.T - (b*a.T).T", a=block((4, 9)), b=block((9, 4)), mode="both")
    t.case("x[:, None]*y", x=counted(7), y=counted(40), mode="both")
    t.case("x[:, None] - x", x=counted(40), mode="both", note="all differences")
    t.case("x[:, None] < y[None, :]", x=counted(7), y=counted(9), mode="both")
    t.case("x[:, None, None] + y[:, None] + z", x=counted(3), y=counted(4), z=counted(5), mode="both")
    t.case("a[i, j]*a", a=block((7, 9)), i=I64(3), j=I64(-2), mode="both")
    t.case("a[i:, j]", a=block((7, 9)), i=I64(-3), j=I64(8), mode="both")
    t.case("n, m = 3, 4; a", error="E0111", a=block((7, 9)))


def of_expressions(t):
    x, y = counted(40), counted(40)[::-1].copy()
    t.case("(x*y)[1:] + x[:-1]", x=x, y=y, mode="both")
    t.case("(x + 1)[::2], (x + 1)[1::2]", x=x, mode="both")
    t.case("(2*x - y)[3], (x*x)[-1]", x=x, y=y, mode="both")
    t.case("sqrt(abs(x))[2:] - sqrt(abs(x))[:-2]", x=x, note="computed once or twice: the same bits")
    t.case("d = sqrt(abs(x)) / 3; d[1:] - d[:-1]", x=x, note="kept, and sliced at two offsets")
    t.case("d = sqrt(abs(x)) / 3; d[1:] - d[:-1], d", x=x, note="and a result itself")
    t.case("d = exp2(x - y); d[::2] + d[1::2]", x=x, y=y, ulp=4, mode="both")
    t.case("d = x*y + 1; d[1:]*d[:-1] + sum(d[2:])", x=x, y=y, mode="both")
    row, column, whole = block((1, 9)), block((7, 1)), block((7, 9))
    t.case("(a + r)[1:, None, ::2]", a=whole, r=row, mode="both")
    t.case("(a + c)[1:, None, ::2]", a=whole, c=column, mode="both")
    t.case("(r*c)[2:, ::-1]", r=row, c=column, mode="both")
    t.case("(r*c).T[1], (r*c)[3], (r*c)[3, 4]", r=row, c=column, mode="both")
    t.case("(a + v)[1:, None, ::2]", a=whole, v=counted(9), mode="both", note="an operand of fewer axes")
    t.case("(a + v)[..., None, 2], (a + v)[2]", a=whole, v=counted(9), mode="both")
    t.case("(a + v)[None].T", a=whole, v=counted(9), mode="both")
    t.case("(a*k + s)[::2, 1]", a=whole, k=F64(3), s=I64(2), mode="both", note="and of none")
    t.case("where(a > v, a, c)[::-1, 1:]", a=whole, v=counted(9), c=column, mode="both")
    t.case("(a + v)[:1] + (a + v)[:, :1]", a=whole, v=counted(9), mode="both")
    t.case("x[1:] + x[0]", x=x, mode="both", note="a scalar of an array")
    t.case("(x - x[0])/(x[-1] - x[0])", x=x)
    t.case("x*x[k]*x[k]", x=x, k=I64(4), mode="both")
    t.case("x[3] + x[4], x[3]", x=x, mode="both", note="scalars only")
    t.case("sum(x[1:]*x[:-1])", x=x, mode="both")
    t.case("sum(x[::2]), sum(x[1::2]), max(x[::-7]), min(x[5:9])", x=x, mode="both")
    t.case("sum(a[1:, 2]), max(a.T[1:]), sum(a[:, None] - a[None])", a=whole, mode="both")
    t.case("sum(x[:0]), sum(x[5:3])", x=x, mode="both")
    t.case("s = sum(x); x[1:]*s", x=x, mode="both")
    t.case("x - sum(x[10:20])", x=x, mode="both")
    t.case("x[1:] - max(x[:-1]*2)", x=x, mode="both")
    t.case("sum((x - sum(x))[1:])", x=x, mode="both")
    for n in (100, 1023, 1025, 3 * 1024 + 2):
        v = (np.arange(n) * 7 % 101 - 50.0).astype(F64)
        t.case("sum(v[1:] - v[:-1]), sum(v[::-3]), sum(v[2:]*v[:-2])", v=v, mode="both")
    t.case("f32(x)[1:] + f", x=counted(41), f=counted(40, F32), mode="both")
    t.case("(m[1:] * x[:-1])[::2]", m=counted(40, I32), x=x, mode="both")
    t.case("x[:, None][1:, 0], x[None][0], x[None, :, None][0, :, 0]", x=x, mode="both")
    t.case("x[None][:, 1:], x[:, None][1:], x[None][None]", x=x, mode="both")
    t.case("x[None][1:], x[None][::-1], x[None][:0], x[:, None][:, 1:], x[None][::2]", x=x, mode="both",
           note="slices of a new axis")
    t.case("(j + k)[None], k[None, None], sum(x)[None], x[3][None], (2*x[3])[None, ...], sum(x)[None].T", x=x, j=I64(5),
           k=I64(1), mode="both", note="new axes of scalars")
    t.case("(sum(x) + 1)[None]*x, (k*2)[..., None]*x, k[None][0]", x=x, k=I64(1), mode="both")
    t.case("x[None][:k]*x", x=x, k=I64(1), mode="both")
    t.case("x[None][:k]*x", x=x, k=I64(0), mode="both")
    t.case("x[1:] ** 2 + (x ** 2)[:-1]", x=x, mode="both")
    t.case("-x[1:], ~(x > 0)[1:], abs(x)[::-1]", x=x, mode="both")


def stencils(t):
    x, a = counted(40), block((9, 11))
    t.case("x[2:] - 2*x[1:-1] + x[:-2]", x=x, mode="both", note="the second difference")
    t.case("x[1:] - x[:-1]", x=x, mode="both")
    t.case("(x[2:] - x[:-2])/2", x=x, mode="both")
    t.case("0.25*x[:-2] + 0.5*x[1:-1] + 0.25*x[2:]", x=x, mode="both")
    t.case("x[4:] - 4*x[3:-1] + 6*x[2:-2] - 4*x[1:-3] + x[:-4]", x=x, mode="both")
    t.case("u = x; " + "u = u[2:] + u[1:-1] + u[:-2]; " * 3 + "u", x=x, mode="both", note="three steps")
    laplace = "a[2:, 1:-1] + a[:-2, 1:-1] + a[1:-1, 2:] + a[1:-1, :-2] - 4*a[1:-1, 1:-1]"
    t.case(laplace, a=a, mode="both")
    t.case(laplace, a=a.astype(F32), mode="both")
    t.case(laplace, a=a.astype(I32), mode="both")
    t.case(f"sum({laplace}), max({laplace})", a=a, mode="both")
    blur = " + ".join(f"a[{i}:{i - 2 or ''}, {j}:{j - 2 or ''}]" for i in range(3) for j in range(3))
    t.case(f"({blur})/9", a=a)
    for n in (2, 3):
        t.case("x[2:] - 2*x[1:-1] + x[:-2]", x=counted(n), mode="both", note="nothing, one element")
    t.case("maximum(maximum(x[2:], x[1:-1]), x[:-2])", x=counted(4, U8), mode="both")


def broadcast_by_chance(t):
    x, y = counted(40), counted(7)
    t.case("x[:1]*y", x=x, y=y, mode="both", note="an extent that happens to be 1 broadcasts")
    t.case("y*x[39:]", x=x, y=y, mode="both")
    t.case("x[:k]*y", x=x, y=y, k=I64(1), mode="both")
    t.case("x[:k]*y", x=x, y=y, k=I64(7), mode="both")
    t.case("x[:k]*y", error="E0401", x=x, y=y, k=I64(2))
    t.case("x[:k]*y", error="E0401", x=x, y=y, k=I64(0))
    t.case("x[:k]*y", x=x, y=counted(1), k=I64(0), mode="both")
    for j, k in ((1, 1), (1, 5), (5, 1), (5, 5), (0, 0), (0, 1), (1, 0)):
        t.case("x[:j] + x[:k]", x=x, j=I64(j), k=I64(k), mode="both")
        t.case("sum(x[:j]*x[:k]), (x[:j] + x[:k])*x[0]", x=x, j=I64(j), k=I64(k), mode="both")
        t.case("((x[:j] + x[:k])*2)[1:]", x=x, j=I64(j), k=I64(k), mode="both", note="sliced in turn")
        t.case("(sqrt(abs(x[:j])) + x[:k])[::-1] - 1", x=x, j=I64(j), k=I64(k))
    t.case("x[:j] + x[:k]", error="E0401", x=x, j=I64(3), k=I64(5))
    t.case("x[1:] + x", error="E0401", x=x)
    t.case("x[1:] + x[:-2]", error="E0401", x=x)
    t.case("a[:1]*b", a=block((5, 9)), b=block((4, 9)), mode="both")
    t.case("a[:k]*b + a[:, :k]", error="E0401", a=block((5, 9)), b=block((4, 9)), k=I64(1))
    t.case("a[:k]*b + b[:, :k]", a=block((5, 9)), b=block((4, 9)), k=I64(1), mode="both")
    t.case("x[:k]*x[:, None], x[:k] + 1", x=x, k=I64(1), mode="both")


def results(t):
    x, a = counted(40), block((7, 9))
    t.case("x[1:], x[:-1], x", x=x, mode="both", note="views as results")
    t.case("x[::-1], x[::-1][::-1], x[0], x[5:5]", x=x, mode="both")
    t.case("d = x + 1; d, d[1:], d[::-1], d[3]", x=x, mode="both", note="views of a result")
    t.case("d = sqrt(abs(x))*3; d, d[1:], d[::-2], d[3], sum(d)", x=x)
    t.case("d = a*2; d, d.T, d[1:, 1:], d[2], d[:, 2]", a=a, mode="both")
    t.case("v = x[3:]; v, v + 1, v[1:]", x=x, mode="both")
    t.case("s = sum(x); s, x - s", x=x, mode="both")
    t.case("x.size, x.shape[0], len(x)", x=x, mode="both")
    t.case("a.T, a.T.T, a.T + 0", a=a, mode="both")
    t.case("x[3], x[3] + 1, x[3:4]", x=x, mode="both")
    t.case("p[1:] & p[:-1], p[1:] ^ p[:-1], sum(p[::2])", p=np.arange(40) % 3 == 0, mode="both")


class Scene:
    """A random view of random arrays, as text."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.inputs, self.symbols = {}, {}

    def extent(self):
        return self.random.choice((1, 2, 3, 5, 8, 40))

    def bound(self, n):
        """An end of a slice: nothing, a number within the axis or beyond, a scalar, an extent."""
        draw = self.random.randrange(10)
        if draw < 3:
            return ""
        value = self.random.randint(-n - 2, n + 2)
        if draw < 8:
            return str(value)
        name = self.random.choice("jk")
        if name not in self.inputs:
            self.inputs[name] = I64(value)
        return name if draw == 8 else f"{name} {self.random.choice('+-')} 1"

    def item(self, n):
        draw = self.random.randrange(10)
        if draw < 2 and n > 0:
            return str(self.random.randint(-n, n - 1))
        step = self.random.choice(("", "", "", ":2", ":-1", ":3", ":-2", ":7"))
        return f"{self.bound(n)}:{self.bound(n)}{step}"

    def view(self, text, shape):
        """`text`, of that shape, subscripted."""
        items = []
        for n in shape:
            if self.random.random() < 0.2:
                items.append("None")
            items.append(self.item(n) if self.random.random() < 0.8 else ":")
        if self.random.random() < 0.3 and items:
            items[self.random.randrange(len(items)):] = ["..."]
        elif self.random.random() < 0.2:
            items.append("None")
        return f"{text}[{', '.join(items)}]" if items else text

    def value(self, text):
        with np.errstate(all="ignore"):
            return np.asarray(eval(text, {"np": np, **NAMES, **self.inputs}))

    def leaf(self, shape, dtype):
        name = "abcdefg"[sum(isinstance(v, np.ndarray) for v in self.inputs.values())]
        self.inputs[name] = block(shape, dtype)
        return name

    def expression(self, depth):
        """Arithmetic of arrays that broadcast, sliced now and then."""
        shape = [self.extent() for _ in range(self.random.randint(1, 3))]
        dtype = self.random.choice((F64, F64, I64, F32, I32, U8))
        text = self.leaf(shape, dtype)
        for _ in range(depth):
            now = self.value(text).shape
            draw = self.random.randrange(10)
            if draw < 5:
                text = self.view(f"({text})" if " " in text else text, now)
            elif draw < 7:
                own = [1 if self.random.random() < 0.3 else n for n in now[self.random.randrange(len(now) + 1):]]
                other = self.leaf(own, dtype) if own and len(self.inputs) < 6 else str(self.random.randint(1, 9))
                text = f"{text} {self.random.choice('+-*')} {other}"
            elif draw < 8 and len(now) > 1:
                text = f"({text}).T"
            elif draw < 9:
                text = f"abs({text})" if dtype is not U8 else f"({text} + 1)"
            else:
                text = f"({text}) * ({text})"
        return text


def at_random(t):
    made, seed = 0, 0
    while made < 160:
        seed += 1
        scene = Scene(seed)
        try:
            text = scene.expression(scene.random.randint(2, 6))
            value = scene.value(text)
        except IndexError:
            continue
        if "[" not in text or value.size > 400 or len(text) > 200 or (value.size == 0 and seed % 8):
            continue
        made += 1
        used = {name: value for name, value in scene.inputs.items() if name in text}
        t.case(text, mode="both", **used)


def refused(t):
    x, a = counted(40), block((7, 9))
    for k in (40, -41, 2**63 - 1, -2**63):
        t.case(f"x[{k}]", error="E0403", x=x)
        t.case("x[k]", error="E0403", x=x, k=I64(k))
        t.case("sum(x) + x[k]", error="E0403", x=x, k=I64(k))
        t.case("(x*x)[1:][k]", error="E0403", x=x, k=I64(k))
    for formula in ("x[0]", "x[-1]", "x[None][0, 0]", "x[::2][0]"):
        t.case(formula, error="E0403", x=counted(0))
    for formula in ("a[7]", "a[:, 9]", "a[-8, 0]", "a.T[9]", "a[2:][5]", "a[:0][0]", "a[None, 0][1]", "a[None][1]",
                    "f(i) = a[i]; f(3) + f(7)", "unused = a[7]; a", "a[:0, 9]"):
        t.case(formula, error="E0403", a=a)
    t.case("x[5]", error="E0403", x=counted(1))
    t.case("x[-2]", error="E0403", x=counted(1))
    for formula in ("x[0, 0]", "x[:, 1:]", "x[..., 0, 0]", "sum(x)[0]", "sum(x)[:]", "sum(x)[..., 0]", "x[0][0]", "x.shape[1]", "x.shape[-2]",
                    "len(sum(x))", "len(3)", "len(x[0])"):
        t.case(formula, error="E0402", x=x)
    for formula in ("x[::0]", "x[..., ...]", "x.shape[:]", "x.shape[0:1]", "x.shape[0, 0]"):
        t.case(formula, error="E0117", x=x)
    for formula in ("x[1.5]", "x[1.0:]", "x[:sum(x)]", "x[x[0]:]", "x[True]", "x[::k]", "x.shape[k]", "x[i[0]:]", "x[:k/2]",
                    "x[i[0]]", "x[:sum(i)]"):
        t.case(formula, error="E0305", x=x, k=I64(2), i=counted(7, I64))
    for formula in ("x[i]", "x[i:]", "x[x > 0]", "x[:, None][i]", "x[[1, 2]]"):
        t.case(formula, error="E0904", x=x, i=counted(7, I64))
    for formula in ("x.shape", "x.shape + 1", "x + x.shape", "(1, 2) + x", "sum(x.shape)", "-x.shape", "x[x.shape]"):
        t.case(formula, error="E0301", x=x)
    t.case("x[1:] += 1; x", error="E0111", x=x)
    t.case("x[0] = 1; x", error="E0111", x=x)


def generators():
    t = Sliced("generators", "Arrays out of nothing: `arange`, `linspace`, `zeros`, `ones`, `full`. NumPy's bits for "
               "the same text.")
    ranges(t)
    spaces(t)
    constants(t)
    generators_refused(t)
    return t


def ranges(t):
    t.together([f"arange({n})" for n in (0, 1, 2, 7, 40, -1, -40)])
    t.together([f"arange({a}, {b})" for a, b in ((0, 5), (3, 3), (5, 3), (-3, 4), (-9, -2), (2**62, 2**62 + 3), (40, 0))])
    t.together([f"arange({a}, {b}, {s})" for a, b, s in (
        (0, 10, 1), (0, 10, 2), (0, 11, 2), (1, 10, 3), (0, 10, 7), (0, 7, 7), (0, 8, 7), (10, 0, -1), (10, 0, -3),
        (0, 10, -1), (10, 0, 1), (-5, 6, 4), (6, -5, -4), (0, 1, 100), (5, 4, -100), (3, 3, -1))])
    t.case("arange(1025).sum(), sum(arange(3000)*arange(3000))", mode="both")
    t.case("max(arange(5, 2000, 7)), min(arange(0, -2000, -7))", mode="both")
    t.together([f"arange({a}, {b}, {s})" for a, b, s in (
        (0, 1, 0.1), (0.0, 1, 0.25), (0, 5, 0.7), (1.5, 6, 1), (0.5, 0.5, 1), (1, 0, -0.1), (0, 1, -0.5), (-1e3, 1e3, 130.7),
        (0, 1e-3, 3e-4), (0.1, 0.4, 0.1), (1, 1.3, 0.1))])
    t.together(["arange(5.0)", "arange(4.5)", "arange(0.5)", "arange(-1.5)", "arange(2, 5.5)"])
    for n in (0, 1, 3, 40, -2):
        t.case("arange(n)", n=I64(n), mode="both")
        t.case("arange(n)*2 - 1", n=I64(n), mode="both")
        t.case("arange(1, n), arange(n, 1), arange(n, 10, 3), arange(n, -10, -4)", n=I64(n), mode="both")
    t.case("arange(j, k), arange(k, j, -2), arange(j, k, 5)", j=I64(-7), k=I64(12), mode="both")
    x, m = counted(40), counted(7)
    t.case("arange(x.size)*x", x=x, mode="both")
    t.case("x + arange(40), x[1:] + arange(39)", x=x, mode="both")
    t.case("arange(len(x))[::-1] + x", x=x, mode="both")
    t.case("arange(x.size)*x", x=counted(1), mode="both")
    t.case("arange(x.size)*x", x=counted(0), mode="both")
    t.case("arange(n)[:, None]*m", n=I64(5), m=m, mode="both", note="within N dimensions")
    t.case("arange(n)[:, None] + arange(n)", n=I64(5), mode="both")
    t.case("arange(n)[:, None] < arange(n), arange(n)[::-1], arange(3, 3 + n)", n=I64(5), mode="both")
    t.case("arange(n)[:, None]*m", n=I64(1), m=m, mode="both")
    t.case("arange(7)*m, arange(1)*m", m=m, mode="both")
    t.case("arange(n)*m", error="E0401", n=I64(5), m=m)
    t.case("arange(n)*m", n=I64(1), m=m, mode="both", note="one element broadcasts")
    t.case("a*arange(9) + arange(7)[:, None]", a=block((7, 9)), mode="both")
    t.case("a.T*arange(7) - a.T[::-1]", a=block((7, 9)), mode="both")
    t.case("c + arange(5) + arange(4)[:, None] + arange(3)[:, None, None]", c=block((3, 4, 5)), mode="both")
    t.case("(a + arange(9))[1:, ::2], (a + arange(7)[:, None])[::-1, 1]", a=block((7, 9)), mode="both")
    t.case("a[arange(3).size:], a[:, arange(5)[4]:]", error="E0305", a=block((7, 9)))
    t.case("a[arange(3).size:]", a=block((7, 9)), mode="both")
    t.together(["arange(40)[3]", "arange(40)[-1]", "arange(5, 40, 3)[4]", "arange(40)[::7]", "arange(40)[::-7]",
                "arange(40)[5:20][::2]", "arange(10)[None]", "arange(10)[:, None, None]", "(arange(10) + 1)[3:]",
                "arange(3)[1:][1:]", "arange(2, 30, 4)[::-2]", "arange(10)[12:]"])
    t.case("arange(n)[k], arange(n)[k:], arange(n)[:k:-1]", n=I64(40), k=I64(11), mode="both")
    t.case("arange(n)[k]", error="E0403", n=I64(40), k=I64(40))
    t.case("where(arange(x.size) % 2 == 0, x, -x)", x=x, mode="both")
    t.case("sum(x*(arange(x.size) < k))", x=x, k=I64(11), mode="both")
    t.case("i = arange(x.size); sum(i*x)/sum(x + 20)", x=x)
    t.case("r = arange(n); s = arange(n); r[:, None] == s", n=I64(6), mode="both")
    t.case("f(n) = arange(n)*2; f(3)[:, None] + f(4)", mode="both")
    t.case("f = arange(5).astype(f32)/2; f, f[::-1]", mode="both", expect=(
        np.arange(5, dtype=F32) / F32(2), (np.arange(5, dtype=F32) / F32(2))[::-1]))
    t.case("arange(8)**2, arange(8) // 3, arange(8) % 3, arange(8) << 2, -arange(8)", mode="both")
    t.case("1/arange(1, 9)", mode="both")
    t.case("arange(5) + 0.5, arange(5) > 2, sqrt(arange(5))", mode="both")
    t.case("s = sum(arange(n)); arange(n) - s", n=I64(9), mode="both")


def spaces(t):
    ends = ((0, 1), (0.0, 1.0), (1, 0), (-1, 1), (3, 3), (0.1, 0.7), (-0.0, 0.0), (1e300, -1e300), (0, 5e-324 * 2**20),
            (1e-300, 1e300), (-7, 13))
    for a, b in ends:
        t.case(", ".join(f"linspace({a}, {b}, {n})" for n in (0, 1, 2, 3, 7, 50)))
    t.case("linspace(0, 1), linspace(2, 3, num=4)")
    t.case("linspace(0, 1, n)", n=I64(50))
    t.case("linspace(0, 1, n)", n=I64(1))
    t.case("linspace(0, 1, n)", n=I64(0))
    t.case("linspace(a, b, n)*2", a=F64(0.3), b=F64(0.9), n=I64(11))
    t.case("linspace(a, b, 9)", np.linspace(0.5, 4.0, 9), a=F32(0.5), b=I32(4), note="of any scalars: f64")
    t.case("linspace(0, 1, x.size)*x", x=counted(40))
    t.case("linspace(0, inf, 3), linspace(nan, 1, 3), linspace(-1e308, 1e308, 3), linspace(inf, 1, 1)",
           expect=tuple(np.linspace(*v) for v in ((0, np.inf, 3), (np.nan, 1, 3), (-1e308, 1e308, 3), (np.inf, 1, 1))))
    t.case("sin(2*pi*linspace(0, 1, 50))", ulp=1)
    t.case("linspace(0, 1, 7)[:, None]*linspace(1, 2, 5)")
    t.case("linspace(0, 1, 50)[::-7], linspace(0, 1, 50)[-1], linspace(0, 1, 50)[3:][0]")
    t.case("h = linspace(0, 2, 9); h[1:] - h[:-1]")
    t.case("x = linspace(-2, 2, 41); y = x*x; y[2:] - 2*y[1:-1] + y[:-2]")


def constants(t):
    t.together(["zeros(5)", "ones(5)", "full(5, 2.5)", "zeros(0)", "ones(1)", "zeros((2, 3))", "ones((2, 0))", "zeros(())",
                "full((2, 2), 7)", "full(3, True)", "full((), 1.5)", "ones((3,))", "zeros((1, 1))", "full(3, -1)"])
    x, a = counted(40), block((7, 9))
    t.case("zeros(x.shape), ones(a.shape), full(a.shape, 3)", x=x, a=a, mode="both")
    t.case("zeros(n), ones((n, 2)), full((2, n), k)", n=I64(4), k=F32(1.5), mode="both")
    t.case("zeros(n), ones((n, 2)), full((2, n), k)", n=I64(0), k=I32(3), mode="both")
    t.case("zeros(n) + x", n=I64(1), x=x, mode="both")
    t.case("zeros(n) + x", error="E0401", n=I64(2), x=x)
    t.case("x + zeros(x.shape), x*ones(x.size), full(len(x), 2) + x", x=x, mode="both")
    t.case("full(5, x[3]), full((2, x.size//10), sum(x))", x=x, mode="both")
    t.case("zeros((x.size, 2))[:, 0] + x, ones((2, x.size))*x", x=x, mode="both")
    t.case("zeros(a.T.shape) + a.T", a=a, mode="both")
    t.case("zeros(a[1:, ::2].shape), ones((a.shape[1], a.shape[0]))", a=a, mode="both")
    t.case("sum(ones(1025)), sum(ones((33, 40))), sum(zeros(0)), max(full(3, 7))", mode="both")
    t.case("z = zeros(5); z += 1; z[1:]*2", mode="both")
    t.case("ones(5)[2], zeros((3, 4))[1:, 2], full(5, 3)[::-2], ones((2, 3)).T, zeros(3)[:, None]", mode="both")
    t.case("zeros(3)[:, None] + arange(4), (zeros(3)[:, None] + arange(4))[1]", mode="both")
    t.case("full(3, 200u8) + full(3, 100u8)", np.full(3, 44, U8), mode="both", note="the scalar's dtype")
    t.case("full(3, v)", v=U8(9), mode="both")
    t.case("full(3, v)", v=F16(1.25), mode="both")
    t.case("full(3, v)", v=BOOL(True), mode="both")
    t.case("ones(3).size, zeros((2, 3)).shape[1], len(arange(7)), linspace(0, 1, 9).ndim, zeros((4, 5, 6)).size", mode="both")
    t.case("zeros = x + 1; zeros", error="E0208", x=x)
    t.case("len = 3; x[len]", error="E0208", x=x)
    t.case("zeros + len", np.array([4.0, 6.0]), zeros=np.array([1.0, 2.0]), len=np.array([3.0, 4.0]),
           note="variables of the call may have such names")
    t.case("f(len) = len + 1; f(x)", x=x, mode="both")


def generators_refused(t):
    x, k = counted(40), I64(3)
    for formula in ("zeros(-1)", "ones(-5)", "full(-1, 2)", "zeros((2, -3))", "linspace(0, 1, -1)", "zeros(k - 4)",
                    "full((2, -k), 1)", "linspace(0, 1, -k)"):
        t.case(formula, error="E0403", k=k)
    for formula in ("arange(0, 9, k)", "arange(0.5, k)", "arange(x[0])", "arange(0, sum(x))", "zeros(2.5)", "zeros(x[0])",
                    "linspace(0, 1, 2.5)", "zeros((2, 1.5))", "arange(True)", "arange(k/2)"):
        t.case(formula, error="E0305", x=x, k=k)
    for formula in ("arange(0, 9, 0)", "arange(0, 1, 0.0)", "arange(0, 1, nan)", "arange(0, inf)", "arange(0, 1, 1e-300)"):
        t.case(formula, error="E0302")
    for formula in ("linspace(x, 1, 3)", "linspace(0, x, 3)", "full(3, x)", "linspace(0, (1, 2), 3)", "full(3, x.shape)"):
        t.case(formula, error="E0301", x=x)
    for formula in ("zeros(x)", "arange(x)", "linspace(0, 1, x)"):
        t.case(formula, error="E0904", x=x)
    for formula in ("zeros()", "arange()", "linspace(0)", "full(3)", "arange(1, 2, 3, 4)", "len()", "len(x, x)"):
        t.case(formula, error="E0203", x=x)
    for formula in ("zeros(3, dtype=f32)", "arange(3, dtype=f32)", "linspace(0, 1, 5, endpoint=False)", "ones(3, order=1)"):
        t.case(formula, error="E0204")
