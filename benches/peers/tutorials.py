"""The formulas of NumPy's, numexpr's and Numba's tutorials, as rows: whole programs, reductions, axes.

A formula's text is what fuse evaluates and, being Python, what the NumPy contender runs. Results are new
arrays for every contender: that is how tutorials write them. NumPy is timed as written, numexpr where it
has the operations (NumPy does the rest between its calls), Numba as the loops that one would write by
hand, `parallel` and `fastmath`.
"""

import math
from dataclasses import dataclass, field
from typing import Callable

import numba
import numexpr
import numpy as np

import bridge
import work

fast = numba.njit(parallel=True, fastmath=True)
serial = numba.njit(fastmath=True)


@dataclass
class Formula:
    """A formula, its arrays and the peers' ways to compute it."""

    text: str
    #: Extents by name: uniform in [0, 1); a number stands for itself.
    arrays: dict
    #: Loop iterations: the elements that times are divided by.
    count: int
    numexpr: Callable | None = None
    numba: dict = field(default_factory=dict)
    #: What NumPy runs where it is not the text.
    numpy: str | None = None
    tolerance: float = 1e-12
    #: Calls in one timed run, of formulas that take microseconds.
    calls: int = 1
    dtype: type = np.float64


@fast
def celsius(c):
    largest = -np.inf
    for i in numba.prange(c.size):
        largest = max(largest, c[i] * 9 / 5 + 32)
    return largest


@fast
def mean_magnitude(arr):
    total = 0.0
    for i in numba.prange(arr.size):
        total += abs(arr[i])
    return total / arr.size


@fast
def variance(arr):
    total = 0.0
    for i in numba.prange(arr.size):
        total += arr[i]
    mean, squares = total / arr.size, 0.0
    for i in numba.prange(arr.size):
        squares += (arr[i] - mean) ** 2
    return squares / arr.size


@fast
def nine_additions(arr):
    result = np.empty_like(arr)
    for i in numba.prange(arr.size):
        value = arr[i]
        for _ in range(9):
            value += 17
        result[i] = value
    return result


@fast
def standardized(x):
    total = 0.0
    for i in numba.prange(x.size):
        total += x[i]
    mean, squares = total / x.size, 0.0
    for i in numba.prange(x.size):
        squares += (x[i] - mean) ** 2
    deviation = math.sqrt(squares / x.size)
    result = np.empty_like(x)
    for i in numba.prange(x.size):
        result[i] = (x[i] - mean) / deviation
    return result


@serial
def density(x, mu, s):
    product = 1.0
    for i in range(x.size):
        product *= math.exp(-(((x[i] - mu) / s) ** 2) / 2) / math.sqrt(2 * math.pi) / s
    return product


@serial
def likelihood(x, mu, s):
    total = 0.0
    for i in range(x.size):
        total += -(((x[i] - mu) / s) ** 2) / 2 - math.log(s) - math.log(2 * math.pi) / 2
    return total


@fast
def distances(p, q):
    result = np.empty((p.shape[0], q.shape[0]))
    for i in numba.prange(p.shape[0]):
        for j in range(q.shape[0]):
            total = 0.0
            for k in range(p.shape[1]):
                total += (p[i, k] - q[j, k]) ** 2
            result[i, j] = math.sqrt(total)
    return result


@fast
def distances_to_one(p, centre):
    result = np.empty(p.shape[0])
    for i in numba.prange(p.shape[0]):
        total = 0.0
        for k in range(p.shape[1]):
            total += (p[i, k] - centre[0, k]) ** 2
        result[i] = math.sqrt(total)
    return result


@fast
def product(a, b):
    result = np.empty((a.shape[0], b.shape[1]))
    for i in numba.prange(a.shape[0]):
        for j in range(b.shape[1]):
            total = 0.0
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            result[i, j] = total
    return result


@fast
def product_by_rows(a, b):
    result = np.zeros((a.shape[0], b.shape[1]))
    for i in numba.prange(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                result[i, j] += a[i, k] * b[k, j]
    return result


@fast
def softmax(m):
    result = np.empty_like(m)
    for i in numba.prange(m.shape[0]):
        largest, total = -np.inf, 0.0
        for j in range(m.shape[1]):
            largest = max(largest, m[i, j])
        for j in range(m.shape[1]):
            result[i, j] = math.exp(m[i, j] - largest)
            total += result[i, j]
        for j in range(m.shape[1]):
            result[i, j] /= total
    return result


@fast
def stencil(x):
    result = np.empty(x.size - 2)
    for i in numba.prange(x.size - 2):
        result[i] = x[i + 2] - 2 * x[i + 1] + x[i]
    return result


@fast
def outer(a, b):
    e, f = np.exp(a), np.exp(b)
    result = np.empty((a.size, b.size))
    for i in numba.prange(a.size):
        for j in range(b.size):
            result[i, j] = e[i] * f[j]
    return result


@fast
def sum_of_rows(m):
    result = np.zeros(m.shape[0])
    for i in numba.prange(m.shape[0]):
        total = 0.0
        for j in range(m.shape[1]):
            total += m[i, j]
        result[i] = total
    return result


@fast
def sum_of_columns(m):
    result = np.zeros(m.shape[1])
    for i in numba.prange(m.shape[0]):
        result += m[i]
    return result


@fast
def least_of_rows(m):
    result = np.empty(m.shape[0])
    for i in numba.prange(m.shape[0]):
        least = np.inf
        for j in range(m.shape[1]):
            least = min(least, m[i, j])
        result[i] = least
    return result


@fast
def largest_of_columns(m):
    result = np.empty(m.shape[1])
    blocks = (m.shape[1] + 511) // 512
    for block in numba.prange(blocks):
        start, end = block * 512, min(block * 512 + 512, m.shape[1])
        result[start:end] = m[0, start:end]
        for i in range(1, m.shape[0]):
            for j in range(start, end):
                result[j] = max(result[j], m[i, j])
    return result


@fast
def place_of_largest(m):
    result = np.empty(m.shape[0], np.int64)
    for i in numba.prange(m.shape[0]):
        best = 0
        for j in range(1, m.shape[1]):
            if m[i, j] > m[i, best]:
                best = j
        result[i] = best
    return result


@fast
def square_plus(z, c):
    result = np.empty_like(z)
    for i in numba.prange(z.size):
        result[i] = z[i] ** 2 + c[i]
    return result


def evaluated(text, **more):
    """numexpr's value of a text of the arrays and of what NumPy makes of them."""

    def run(**arrays):
        made = {name: function(**arrays) for name, function in more.items()}
        return numexpr.evaluate(text, arrays | made)

    return run


def numexpr_softmax(m):
    e = numexpr.evaluate("exp(m - t)", {"m": m, "t": m.max(axis=1, keepdims=True)})
    return numexpr.evaluate("e/s", {"e": e, "s": e.sum(axis=1, keepdims=True)})


def numexpr_distances(p, q):
    squares = numexpr.evaluate("sum((p - q)**2, axis=2)", {"p": p[:, None, :], "q": q[None, :, :]})
    return numexpr.evaluate("sqrt(squares)")


def numexpr_variance(arr):
    mean = float(numexpr.evaluate("sum(arr)")) / arr.size
    return float(numexpr.evaluate("sum((arr - mean)**2)")) / arr.size


DENSITY = "exp(-((x - mu)/s)**2/2)/sqrt(2*pi)/s"
LIKELIHOOD = "sum(-((x - mu)/s)**2/2 - log(s) - log(2*pi)/2)"
DISTANCES = "sqrt(sum((p[:, None, :] - q[None, :, :])**2, axis=2))"


def with_pi(text):
    return text.replace("pi", repr(math.pi))


def sample(text, points, numexpr_text, loop):
    """A formula over a sample, which a sampler evaluates thousands of times."""
    scalars = {"mu": 0.25, "s": 0.5}
    compute = lambda x, mu, s: numexpr.evaluate(with_pi(numexpr_text), {"x": x, "mu": mu, "s": s})
    return Formula(text, {"x": (points,), **scalars}, points, compute, {"": loop}, calls=200)


def axis(text, loop, numexpr_form=None):
    """A reduction of a matrix."""
    return Formula(text, {"m": (4000, 4000)}, 16_000_000, numexpr_form, {"": loop} if loop else {})


FORMULAS = {
    "unit conversion": Formula(
        "max(c*9/5 + 32)", {"c": (10_000_000,)}, 10_000_000, evaluated("max(c*9/5 + 32)"), {"": celsius},
    ),
    "mean magnitude": Formula(
        "np.abs(arr).mean()", {"arr": (10_000_000,)}, 10_000_000,
        lambda arr: float(numexpr.evaluate("sum(abs(arr))")) / arr.size, {"": mean_magnitude},
    ),
    "variance, written out": Formula(
        "diff = arr - arr.mean(); diff **= 2; diff.sum()/arr.size", {"arr": (10_000_000,)}, 10_000_000,
        numexpr_variance, {"": variance},
    ),
    "nine statements": Formula(
        "result = arr; " + "result += 17; " * 9 + "result", {"arr": (10_000_000,)}, 10_000_000,
        evaluated("arr" + " + 17" * 9), {"": nine_additions},
        numpy="result = arr.copy(); " + "result += 17; " * 9 + "result",
    ),
    "standardize": Formula(
        "(x - mean(x))/std(x)", {"x": (10_000_000,)}, 10_000_000,
        evaluated("(x - m)/s", m=lambda x: x.mean(), s=lambda x: x.std()), {"": standardized},
    ),
    "density, 20 points": sample(f"prod({DENSITY})", 20, f"prod({DENSITY})", density),
    "density, 1000 points": sample(f"prod({DENSITY})", 1000, f"prod({DENSITY})", density),
    "likelihood, 20 points": sample(LIKELIHOOD, 20, LIKELIHOOD, likelihood),
    "likelihood, 1000 points": sample(LIKELIHOOD, 1000, LIKELIHOOD, likelihood),
    "distances, 1000 points in 3-d": Formula(
        DISTANCES.replace("q[", "p["), {"p": (1000, 3)}, 1_000_000,
        lambda p: numexpr_distances(p, p), {"": lambda p: distances(p, p)},
    ),
    "distances, 10000 points in 5-d to 100": Formula(
        DISTANCES, {"p": (10_000, 5), "q": (100, 5)}, 1_000_000, numexpr_distances, {"": distances},
    ),
    "distances, 10000 points in 2-d to 5": Formula(
        DISTANCES, {"p": (10_000, 2), "q": (5, 2)}, 50_000, numexpr_distances, {"": distances},
        calls=10,
    ),
    "distances, 10000 points in 5-d to one": Formula(
        "sqrt(sum((p - q)**2, axis=1))", {"p": (10_000, 5), "q": (1, 5)}, 10_000,
        lambda p, q: np.sqrt(numexpr.evaluate("sum((p - q)**2, axis=1)")), {"": distances_to_one},
        calls=10,
    ),
    "product, 500 x 300 x 400": Formula(
        "sum(a[:, :, None]*b[None, :, :], axis=1)", {"a": (500, 300), "b": (300, 400)}, 60_000_000,
        lambda a, b: numexpr.evaluate("sum(a*b, axis=1)", {"a": a[:, :, None], "b": b[None, :, :]}),
        {" (three loops)": product, " (row by row)": product_by_rows},
    ),
    "softmax over rows": Formula(
        "e = exp(m - max(m, axis=1, keepdims=True)); e/sum(e, axis=1, keepdims=True)",
        {"m": (2000, 1000)}, 2_000_000, numexpr_softmax, {"": softmax},
    ),
    "second difference, 1e6": Formula(
        "x[2:] - 2*x[1:-1] + x[:-2]", {"x": (1_000_000,)}, 999_998,
        lambda x: numexpr.evaluate("u - 2*v + w", {"u": x[2:], "v": x[1:-1], "w": x[:-2]}),
        {"": stencil},
    ),
    "second difference, 1e7": Formula(
        "x[2:] - 2*x[1:-1] + x[:-2]", {"x": (10_000_000,)}, 9_999_998,
        lambda x: numexpr.evaluate("u - 2*v + w", {"u": x[2:], "v": x[1:-1], "w": x[:-2]}),
        {"": stencil},
    ),
    "outer product of exponentials": Formula(
        "exp(a[:, None])*exp(b[None, :])", {"a": (2000,), "b": (2000,)}, 4_000_000,
        lambda a, b: numexpr.evaluate("exp(a)*exp(b)", {"a": a[:, None], "b": b[None, :]}), {"": outer},
    ),
    "sum over axis 0": axis("sum(m, axis=0)", sum_of_columns, evaluated("sum(m, axis=0)")),
    "sum over axis 1": axis("sum(m, axis=1)", sum_of_rows, evaluated("sum(m, axis=1)")),
    "mean over axis 0": axis(
        "mean(m, axis=0)", lambda m: sum_of_columns(m) / len(m),
        lambda m: numexpr.evaluate("sum(m, axis=0)") / len(m),
    ),
    "mean over axis 1": axis(
        "mean(m, axis=1)", lambda m: sum_of_rows(m) / m.shape[1],
        lambda m: numexpr.evaluate("sum(m, axis=1)") / m.shape[1],
    ),
    "min over axis 1": axis("min(m, axis=1)", least_of_rows, evaluated("min(m, axis=1)")),
    "max over axis 0": axis("max(m, axis=0)", largest_of_columns, evaluated("max(m, axis=0)")),
    "argmax over axis 1": axis("argmax(m, axis=1)", place_of_largest),
}
FORMULAS["square of complex numbers"] = Formula(
    "z**2 + c", {"z": (1_000_000,), "c": (1_000_000,)}, 1_000_000, evaluated("z**2 + c"),
    {"": square_plus}, dtype=np.complex128,
)


def array(extents, generator, dtype):
    """Elements uniform in [0, 1), from the start of a cache line; a number as an array without axes."""
    if not isinstance(extents, tuple):
        return np.array(extents)
    parts = np.dtype(dtype).itemsize // 8
    values = generator.random(math.prod(extents) * parts)
    return work.aligned(values.size, values).view(dtype).reshape(extents)


def numpy_form(text):
    """The program in Python: a function of its arrays by name."""
    *statements, result = (statement.strip() for statement in text.split(";"))
    functions = "abs argmax exp log max mean min pi prod sqrt std sum".split()
    names = {"np": np, **{name: getattr(np, name) for name in functions}}
    statements = compile("\n".join(statements), text, "exec")
    result = compile(result, text, "eval")

    def run(**arrays):
        local = dict(arrays)
        exec(statements, names, local)
        return eval(result, names, local)

    return run


def row(name, threads):
    """A row of `FORMULAS`."""
    formula = FORMULAS[name]
    generator = np.random.default_rng(8)
    arrays = {key: array(extents, generator, formula.dtype) for key, extents in formula.arrays.items()}
    moved = sum(given.nbytes for given in arrays.values())
    run_numpy = numpy_form(formula.numpy or formula.text)
    reference = np.asarray(run_numpy(**arrays))
    made = work.Row(
        name, formula.text, arrays, "new" if reference.ndim else "sum", threads, formula.count,
        moved + reference.nbytes, reference=reference, tolerance=formula.tolerance, calls=formula.calls,
        group="tutorials",
    )
    if reference.ndim:
        made.fuse_call = bridge.Call(work.ENGINES[threads], formula.text, arrays)
        made.contenders["fuse"] = made.fuse_call.new_array
    else:
        made.contenders["fuse"] = fuse_number(made, reference)
    # Calls with numbers, not with arrays that hold one: the peers are faster so.
    given = {key: value if value.ndim else value.item() for key, value in arrays.items()}
    made.contenders["NumPy"] = lambda: run_numpy(**given)
    if formula.numexpr:
        made.contenders["numexpr"] = lambda: formula.numexpr(**given)
    for form, loop in formula.numba.items():
        made.contenders[f"Numba{form}"] = lambda loop=loop: loop(*given.values())
    for key, contender in made.contenders.items():
        if formula.calls > 1 and not (key == "fuse" and reference.ndim == 0):
            made.contenders[key] = repeated(contender, formula.calls)
    return made


def fuse_number(made, reference):
    """fuse's contender where the result is a number; the repetitions stand below Python."""
    total = np.zeros((), reference.dtype)
    made.fuse_call = bridge.Call(work.ENGINES[made.threads], made.text, made.arrays, total)

    def run():
        made.fuse_call.into(made.calls)
        return total.item()

    return run


def repeated(call, times):
    """A contender that calls in a Python loop, as a user does; the loop costs about 20 ns a turn."""

    def run():
        for _ in range(times):
            answer = call()
        return answer

    return run


def all_rows():
    """Makers of the rows, by name and threads."""
    return {(name, work.CORES): lambda threads, name=name: row(name, threads) for name in FORMULAS}
