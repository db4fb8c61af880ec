"""The formulas of tutorials, as functions, as methods, with prefixes and as programs.

Data is chosen so that values are exact whatever the order of additions: whole numbers, or halves and
quarters of small ones. Then bits are demanded, in either mode. Where a function rounds, its tolerance is
derived beside the case from these bounds: elementary functions are a float away from MPFR's value
(numerics.md; u stands for 2^-52, half of which is a rounding), a sum of n numbers of one sign takes n - 1
roundings here and in NumPy, and a relative difference of u is at most two floats.
"""

import types

import numpy as np

from elementary import FUNCTIONS
from oracle import splitmix
from themes import F32, F64, I64
from themes_programs import Programs

REDUCTIONS = {name: getattr(np, name) for name in (
    "sum", "prod", "mean", "std", "var", "max", "min", "argmax", "argmin")}
EXACT = {"exp": FUNCTIONS["exp"], "log": FUNCTIONS["log"], "sqrt": np.sqrt, "abs": np.abs, "pi": np.pi}

#: What `np.` means: elementary functions are MPFR's, since NumPy's depend on the CPU.
NUMPY = types.SimpleNamespace(**REDUCTIONS, **EXACT, newaxis=np.newaxis)


class Tutorials(Programs):
    names = {"np": NUMPY, **EXACT, **REDUCTIONS}


def tutorials():
    t = Tutorials("tutorials", "The formulas of NumPy's, numexpr's and Numba's tutorials on small data, as "
                  "functions, methods and programs: NumPy's bits where values are exact, derived "
                  "tolerances (themes_tutorials.py) elsewhere.")
    over_all(t)
    samples(t)
    distances_and_products(t)
    softmax(t)
    stencils(t)
    over_axes(t)
    return t


def over_all(t):
    whole = np.arange(-20.0, 21.0)
    for formula in ("sum(a**2)", "np.sum(a**2)", "(a**2).sum()", "sq = a*a; sq.sum()"):
        t.case(formula, mode="both", a=whole)
    t.case("sum(a**2)", np.array(2870.0), mode="both", a=np.arange(21.0), note="20*21*41/6")
    c = np.array([-40.0, 0, 10, 25, 35, 100, -15, 5])
    for formula in ("max(c*9/5 + 32)", "(c*9/5 + 32).max()", "f = c*9/5 + 32; np.max(f)"):
        t.case(formula, np.array(212.0), mode="both", c=c)
    t.case("c*9/5 + 32, max(c*9/5 + 32)", c=c)
    for formula in ("np.abs(arr).mean()", "np.mean(np.abs(arr))", "abs(arr).sum()/arr.size"):
        t.case(formula, np.array(420 / 41), mode="both", arr=whole, note="2*(1 + ... + 20) of 41 numbers")
    for formula in ("diff = arr - arr.mean(); diff **= 2; diff.sum()/arr.size",
                    "diff = arr - np.mean(arr)\ndiff **= 2\nnp.sum(diff)/len(arr)",
                    "m = arr.mean(); ((arr - m)**2).mean()"):
        t.case(formula, np.array(140.0), mode="both", arr=whole, note="(41*41 - 1)/12")
        t.case(formula, mode="both", arr=whole + 1000)
    statements = ["result = arr", *["result += 17"] * 9, "result"]
    for separator in ("; ", "\n"):
        t.case(separator.join(statements), mode="both", arr=whole)
        t.case(separator.join(statements), arr=splitmix(5, 40) * 3, note="nine roundings in strict mode")
    t.case("; ".join(statements), mode="both", arr=np.arange(-5, 6, dtype=I64))
    # The deviation of these is a float itself: 12 is the root of 144, and (k - 1000)/12 is rounded once.
    x = 1000.0 + 12.0 * np.array([1, -1, 1, -1, 1, -1, 1, -1, 1, -1])
    x = np.concatenate([x, x[::-1]])
    for formula in ("(x - mean(x))/std(x)", "(x - x.mean())/x.std()", "(x - np.mean(x))/np.std(x)",
                    "m = x.mean(); s = x.std(); (x - m)/s"):
        t.case(formula, mode="both", x=x)
        # std: 3 floats (the root of a variance within 4 floats and rounded), the quotient two roundings.
        t.case(formula, mode="both", ulp=5, x=whole * 0.5 + 3)
    t.case("(f - mean(f))/std(f)", mode="both", f=x.astype(F32))


def samples(t):
    x = np.arange(20.0) / 8 - 1
    given = {"x": x, "mu": F64(0.25), "s": F64(2.0)}
    # A factor: exp and the root a float each, two quotients here and there, an exponent that is exact:
    # 4 u; twenty of them, and 19 roundings on either side: 99 u.
    for formula in ("prod(exp(-((x - mu)/s)**2/2)/sqrt(2*pi)/s)",
                    "np.prod(np.exp(-((x - mu)/s)**2/2)/np.sqrt(2*np.pi)/s)",
                    "p = np.exp(-((x - mu)/s)**2/2)/np.sqrt(2*np.pi)/s; p.prod()"):
        t.case(formula, mode="both", ulp=198, **given)
    # A term: two logarithms a float each, three roundings here and there: 5 u; all terms are negative,
    # and their sum takes 19 roundings on either side: 24 u.
    for formula in ("sum(-((x - mu)/s)**2/2 - log(s) - log(2*pi)/2)",
                    "np.sum(-((x - mu)/s)**2/2 - np.log(s) - np.log(2*np.pi)/2)",
                    "z = (x - mu)/s; (-z**2/2 - log(s) - log(2*pi)/2).sum()"):
        t.case(formula, mode="both", ulp=48, **given)


def distances_and_products(t):
    p = np.array([[0, 0, 0], [1, 2, 2], [-2, 3, 6], [4, -4, 7], [1, 1, 1]], F64)
    q = np.array([[1, 2, 3], [0, -5, 0]], F64)
    for formula in ("sqrt(sum((p[:,None,:] - q[None,:,:])**2, axis=2))",
                    "np.sqrt(np.sum((p[:, np.newaxis, :] - q[np.newaxis, :, :])**2, axis=2))",
                    "np.sqrt(((p[:, None] - q)**2).sum(axis=-1))",
                    "d = p[:,None,:] - q[None,:,:]; d **= 2; np.sqrt(d.sum(axis=2))"):
        t.case(formula, mode="both", p=p, q=q, note="whole squares: one rounding, of the root")
        t.case(formula, p=splitmix(1, 21).reshape(7, 3), q=splitmix(2, 15).reshape(5, 3),
               note="up to seven squares are added one after the other, as NumPy does")
        t.case(formula, mode="both", p=p.astype(F32), q=q.astype(F32))
    itself = "np.sqrt(np.sum((p[:, None, :] - p[None, :, :])**2, axis=2))"
    t.case(itself, mode="both", p=p)
    points = np.arange(35.0).reshape(7, 5) % 11
    t.case("sqrt(sum((p - q)**2, axis=1))", mode="both", p=points, q=np.array([[1.0, 2, 3, 4, 5]]))
    a, b = np.arange(12.0).reshape(4, 3) - 5, np.arange(15.0).reshape(3, 5) % 7
    for formula in ("sum(a[:,:,None]*b[None,:,:], axis=1)", "(a[:,:,None]*b[None,:,:]).sum(axis=1)",
                    "np.sum(a[:, :, np.newaxis]*b[np.newaxis, :, :], axis=1)"):
        t.case(formula, a @ b, mode="both", a=a, b=b, note="the matrix product")
    wide = np.arange(70.0 * 33).reshape(70, 33) % 13 - 6
    tall = np.arange(33.0 * 41).reshape(33, 41) % 9 - 4
    t.case("sum(a[:,:,None]*b[None,:,:], axis=1)", wide @ tall, mode="both", a=wide, b=tall)


def softmax(t):
    m = (np.arange(35.0).reshape(5, 7) * 5 % 17 - 8) / 8
    # Seven exponentials a float each, six roundings of their sum on either side: 7 u; the exponential
    # itself 1 u, the quotient 1 u.
    for formula in ("e = exp(m - max(m, axis=1, keepdims=True)); e / sum(e, axis=1, keepdims=True)",
                    "e = np.exp(m - m.max(axis=1, keepdims=True))\ne / e.sum(axis=1, keepdims=True)",
                    "e = np.exp(m - np.max(m, axis=-1)[:, None]); e / np.sum(e, axis=-1)[:, np.newaxis]"):
        t.case(formula, mode="both", ulp=18, m=m)
    columns = "e = exp(m - max(m, axis=0, keepdims=True)); e / sum(e, axis=0, keepdims=True)"
    t.case(columns, mode="both", ulp=18, m=m.T)


def stencils(t):
    x = np.arange(50.0)**2 / 4
    for formula in ("x[2:] - 2*x[1:-1] + x[:-2]", "np.abs(x[2:] - 2*x[1:-1] + x[:-2])",
                    "left = x[:-2]; right = x[2:]; right - 2*x[1:-1] + left"):
        t.case(formula, mode="both", x=x, note="of a parabola: twice its coefficient")
        t.case(formula, x=splitmix(3, 70) * 5)
    t.case("x[2:] - 2*x[1:-1] + x[:-2]", mode="both", x=x[:2], note="nothing is left")
    # Two exponentials a float each, the product a rounding on either side.
    a, b = np.arange(9.0) / 4 - 1, np.arange(6.0) / 8
    t.case("exp(a[:,None])*exp(b[None,:])", mode="both", ulp=6, a=a, b=b)
    t.case("np.exp(a[:, np.newaxis])*np.exp(b[np.newaxis, :])", mode="both", ulp=6, a=a, b=b)


def over_axes(t):
    m = (np.arange(63.0).reshape(9, 7) * 11 % 32) - 9
    for axis in (0, 1):
        for name in ("sum", "mean", "min", "max", "argmax", "argmin"):
            for formula in (f"{name}(m, axis={axis})", f"np.{name}(m, axis={axis})", f"m.{name}(axis={axis})"):
                t.case(formula, mode="both", m=m)
