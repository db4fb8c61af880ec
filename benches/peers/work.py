"""The work: each row's formula, arrays, output policy and contenders.

A row gives contenders for a number of threads. Every contender is a function that does the whole work
once; `answer` is where it leaves the result, or None where it returns it. NumPy computes elementwise
work on one thread whatever is asked; JAX takes all cores and cannot be told otherwise within a
process, so it stands in the rows with all of them only.
"""

import math
from dataclasses import dataclass, field
from typing import Callable

import jax
import jax.scipy.special
import numba
import numexpr
import numpy as np
import scipy.special

import bridge

jax.config.update("jax_enable_x64", True)

CORES = numba.config.NUMBA_NUM_THREADS
ENGINES = {threads: bridge.Engine(threads) for threads in {1, CORES}}


def aligned(count, fill=None):
    """An f64 array that starts on a cache line, so that no contender is slowed by chance."""
    memory = np.zeros(count * 8 + 64, np.uint8)
    start = -memory.ctypes.data % 64
    array = memory[start : start + count * 8].view(np.float64)
    if fill is not None:
        array[:] = fill
    return array


@dataclass
class Row:
    """One line of the tables."""

    name: str
    text: str
    arrays: dict
    policy: str
    threads: int
    count: int
    bytes: int
    contenders: dict = field(default_factory=dict)
    out: np.ndarray | None = None
    reference: object = None
    tolerance: float = 1e-12
    calls: int = 1
    group: str = "elementwise"


def set_threads(threads):
    """Tells the peers that can be told."""
    numexpr.set_num_threads(threads)
    numba.set_num_threads(threads)


def numba_function(signature, lines, **options):
    """A Numba function from the text of its body."""
    source = f"def function({signature}):\n" + "".join(f"    {line}\n" for line in lines)
    names = {"numba": numba, "np": np, "math": math}
    exec(source, names)
    return numba.njit(**options)(names["function"])


def numba_loop(names, expression, policy, parallel=True, fastmath=False):
    """A loop over all elements: into `out`, into a new array, or as a sum."""
    step = "numba.prange" if parallel else "range"
    first = names[0]
    options = {"parallel": parallel, "fastmath": fastmath}
    arguments = ", ".join(names)
    if policy == "sum":
        lines = ["total = 0.0", f"for i in {step}({first}.size):", f"    total += {expression}"]
        return numba_function(arguments, lines + ["return total"], **options)
    loop = [f"for i in {step}({first}.size):", f"    out[i] = {expression}"]
    if policy == "into":
        return numba_function(f"{arguments}, out", loop, **options)
    lines = [f"out = np.empty_like({first})"] + loop + ["return out"]
    return numba_function(arguments, lines, **options)


def jax_jit(function, policy, count):
    """A jitted function; into `out` means that the last result's memory is given back for the next."""
    if policy != "into":
        return jax.jit(function)
    donating = jax.jit(lambda arrays, _: function(*arrays), donate_argnums=1, keep_unused=True)
    state = [jax.numpy.zeros(count)]

    def call(*arrays):
        state[0] = donating(arrays, state[0])
        return state[0]

    return call


def row(
    name, text, arrays, policy, threads, numpy_forms, numba_forms, jax_forms, tolerance=1e-12,
    in_numexpr=True,
):
    """A row with all contenders.

    `numpy_forms`: functions of (arrays..., out) by name, the first gives the reference. `numba_forms`:
    expressions over `x[i]` by name, with the fast-math flag. `jax_forms`: functions of the arrays.
    `in_numexpr`: has numexpr the functions of the text?
    """
    values = list(arrays.values())
    count = values[0].size
    out = aligned(count) if policy == "into" else None
    moved = sum(array.nbytes for array in values) + (0 if policy == "sum" else count * 8)
    made = Row(name, text, arrays, policy, threads, count, moved, out=out, tolerance=tolerance)
    first = next(iter(numpy_forms.values()))
    made.reference = first(*values, aligned(count))

    call = bridge.Call(ENGINES[threads], text, arrays, out)
    if policy == "into":
        made.contenders["fuse"] = call.into
    elif policy == "new":
        made.contenders["fuse"] = call.new_array
    else:
        total = np.zeros(())
        call = bridge.Call(ENGINES[threads], text, arrays, total)

        def fuse_sum():
            call.into()
            return float(total)

        made.contenders["fuse"] = fuse_sum
    made.fuse_call = call

    for form, function in numpy_forms.items():
        made.contenders[f"NumPy{form}"] = lambda function=function: function(*values, out)
    if in_numexpr and policy == "into":
        made.contenders["numexpr"] = lambda: numexpr.evaluate(text, arrays, out=out)
    elif in_numexpr:
        made.contenders["numexpr"] = lambda: numexpr.evaluate(text, arrays)
    given = values + [out] if policy == "into" else values
    for form, (expression, fast) in numba_forms.items():
        loop = numba_loop(list(arrays), expression, policy, fastmath=fast)
        made.contenders[f"Numba{form}"] = lambda loop=loop: loop(*given)
    if threads == CORES:
        on_device = [jax.block_until_ready(jax.numpy.asarray(array)) for array in values]
        for form, function in jax_forms.items():
            jitted = jax_jit(function, policy, count)
            made.contenders[f"JAX{form}"] = lambda f=jitted: f(*on_device).block_until_ready()
    source, target = np.ones(moved // 2, np.uint8), np.ones(moved // 2, np.uint8)
    made.contenders["copy"] = lambda: bridge.copy(target, source, moved // 2, threads)
    return made


def powers(threads):
    """The sum of eight powers."""
    x = aligned(1_000_000, np.random.default_rng(1).uniform(-1, 1, 1_000_000))
    text = "x + x**2 + x**3 + x**4 + x**5 + x**6 + x**7 + x**8"
    horner = "x[i]"
    for _ in range(7):
        horner = f"x[i]*(1.0 + {horner})"

    def naive(x, out):
        out[:] = x + x**2 + x**3 + x**4 + x**5 + x**6 + x**7 + x**8
        return out

    def in_place(x, out):
        np.add(x, 1.0, out=out)
        for _ in range(6):
            np.multiply(out, x, out=out)
            np.add(out, 1.0, out=out)
        return np.multiply(out, x, out=out)

    def jax_horner(x):
        total = x
        for _ in range(7):
            total = x * (1.0 + total)
        return total

    naive_loop = text.replace("x", "x[i]")
    return row(
        "powers", text, {"x": x}, "into", threads,
        {"": naive, " (Horner)": in_place},
        {"": (naive_loop, False), " (fast)": (naive_loop, True),
         " (Horner)": (horner, False), " (Horner, fast)": (horner, True)},
        {"": lambda x: x + x**2 + x**3 + x**4 + x**5 + x**6 + x**7 + x**8, " (Horner)": jax_horner},
    )


def linear(threads, policy):
    """Two arrays in, one out, hardly any arithmetic: memory."""
    generator = np.random.default_rng(2)
    a, b = (aligned(10_000_000, generator.uniform(-1, 1, 10_000_000)) for _ in range(2))

    def naive(a, b, out):
        if out is None:
            return 2 * a + 3 * b**2
        out[:] = 2 * a + 3 * b**2
        return out

    name = "linear" if policy == "into" else "linear, new"
    forms = {"": ("2*a[i] + 3*b[i]**2", False), " (fast)": ("2*a[i] + 3*b[i]**2", True)}
    return row(
        name, "2*a + 3*b**2", {"a": a, "b": b}, policy, threads, {"": naive}, forms,
        {"": lambda a, b: 2 * a + 3 * b**2},
    )


def hypotenuse(threads):
    """A root of two squares."""
    generator = np.random.default_rng(3)
    x, y = (aligned(1_000_000, generator.uniform(-1, 1, 1_000_000)) for _ in range(2))

    def naive(x, y, out):
        return np.sqrt(x**2 + y**2, out=out)

    forms = {"": ("math.sqrt(x[i]**2 + y[i]**2)", False), " (fast)": ("math.sqrt(x[i]**2 + y[i]**2)", True)}
    return row(
        "hypotenuse", "sqrt(x**2 + y**2)", {"x": x, "y": y}, "into", threads, {"": naive}, forms,
        {"": lambda x, y: jax.numpy.sqrt(x**2 + y**2)},
    )


def choice(threads):
    """A choice by sign, which is half of the elements either way."""
    x = aligned(1_000_000, np.random.default_rng(4).uniform(-1, 1, 1_000_000))

    def naive(x, out):
        out[:] = np.where(x > 0, x, -x)
        return out

    forms = {"": ("x[i] if x[i] > 0 else -x[i]", False)}
    return row(
        "choice", "where(x > 0, x, -x)", {"x": x}, "into", threads, {"": naive}, forms,
        {"": lambda x: jax.numpy.where(x > 0, x, -x)},
    )


def total(threads, square=False):
    """Sums of ten million elements; Numba may add in any order only with fast-math."""
    x = aligned(10_000_000, np.random.default_rng(5).uniform(0, 1, 10_000_000))
    if square:
        numpy_forms = {"": lambda x, _: np.sum(x**2), " (dot)": lambda x, _: np.dot(x, x)}
        text, expression = "sum(x**2)", "x[i]*x[i]"
        jax_form = lambda x: jax.numpy.sum(x**2)
    else:
        numpy_forms = {"": lambda x, _: np.sum(x)}
        text, expression = "sum(x)", "x[i]"
        jax_form = jax.numpy.sum
    forms = {"": (expression, False), " (fast)": (expression, True)}
    return row(text, text, {"x": x}, "sum", threads, numpy_forms, forms, {"": jax_form})


def polynomial(threads):
    """Degree 30 by Horner's rule: thirty multiply-adds an element, bound by arithmetic."""
    x = aligned(1_000_000, np.random.default_rng(6).uniform(-1, 1, 1_000_000))
    coefficients = [round(1 / (k + 1.5), 3) for k in range(31)]
    text = str(coefficients[30])
    for coefficient in reversed(coefficients[:30]):
        text = f"{coefficient} + x*({text})"

    def horner(x, out):
        out[:] = coefficients[30]
        for coefficient in reversed(coefficients[:30]):
            np.multiply(out, x, out=out)
            np.add(out, coefficient, out=out)
        return out

    expression = text.replace("x", "x[i]")
    forms = {"": (expression, False), " (fast)": (expression, True)}
    names = {}
    exec(f"def function(x): return {text}", names)
    return row(
        "polynomial", text, {"x": x}, "into", threads, {"": horner}, forms, {"": names["function"]}
    )


@dataclass
class Function:
    """An elementary function: the formula, how Numba and JAX spell it, where the arguments lie."""

    text: str
    numba: str
    jax: Callable
    domain: dict
    # A function of (arrays..., out) where NumPy has not got it, and the name of the form.
    other: tuple | None = None
    in_numexpr: bool = True


def unary(name, numba_name, jax_form, low, high, **options):
    """A function of one argument."""
    return Function(f"{name}(x)", f"{numba_name}(x[i])", jax_form, {"x": (low, high)}, **options)


# Elementary functions of a million elements, on all cores. NumPy and numexpr evaluate the text; what NumPy
# has not got is SciPy's, which people use with it.
FUNCTIONS = {
    "exp": unary("exp", "math.exp", jax.numpy.exp, -10, 10),
    "log": unary("log", "math.log", jax.numpy.log, 0.1, 100),
    "sin": unary("sin", "math.sin", jax.numpy.sin, -100, 100),
    "cos": unary("cos", "math.cos", jax.numpy.cos, -100, 100),
    "tan": unary("tan", "math.tan", jax.numpy.tan, -100, 100),
    "tanh": unary("tanh", "math.tanh", jax.numpy.tanh, -3, 3),
    "arctan": unary("arctan", "math.atan", jax.numpy.arctan, -10, 10),
    "log1p": unary("log1p", "math.log1p", jax.numpy.log1p, -0.9, 10),
    "expm1": unary("expm1", "math.expm1", jax.numpy.expm1, -5, 5),
    "power": Function(
        "x**y", "x[i]**y[i]", lambda x, y: x**y, {"x": (0.1, 10), "y": (-5, 5)}
    ),
    "cbrt": unary("cbrt", "np.cbrt", jax.numpy.cbrt, -100, 100, in_numexpr=False),
    "erf": unary(
        "erf", "math.erf", jax.scipy.special.erf, -3, 3,
        other=("SciPy", lambda x, out: scipy.special.erf(x, out=out)), in_numexpr=False,
    ),
    "normal density": Function(
        "exp(-((x - 0.5)/1.5)**2/2)/sqrt(2*3.141592653589793)/1.5",
        "math.exp(-((x[i] - 0.5)/1.5)**2/2)/math.sqrt(2*3.141592653589793)/1.5",
        lambda x: jax.numpy.exp(-((x - 0.5) / 1.5) ** 2 / 2) / math.sqrt(2 * math.pi) / 1.5,
        {"x": (-5, 5)},
    ),
}


def function(name, threads):
    """A row of `FUNCTIONS`."""
    made = FUNCTIONS[name]
    generator = np.random.default_rng(7)
    count = 1_000_000
    arrays = {key: aligned(count, generator.uniform(*bounds, count)) for key, bounds in made.domain.items()}
    compiled = compile(made.text, name, "eval")

    def naive(*given):
        *values, out = given
        names = dict(zip(arrays, values)) | {key: getattr(np, key) for key in compiled.co_names if hasattr(np, key)}
        result = eval(compiled, names)
        if out is None:
            return result
        out[:] = result
        return out

    def one_call(x, out):
        return getattr(np, name)(x, out=out)

    if made.other:
        form, numpy_form = f" ({made.other[0]})", made.other[1]
    else:
        form, numpy_form = "", one_call if hasattr(np, name) and len(arrays) == 1 else naive
    forms = {"": (made.numba, False), " (fast)": (made.numba, True)}
    return row(
        name, made.text, arrays, "into", threads, {form: numpy_form}, forms, {"": made.jax},
        in_numexpr=made.in_numexpr,
    )


def all_rows():
    """Makers of the rows, by name and threads; a row's arrays live only while it is measured."""
    makers = {
        "powers": powers,
        "linear": lambda threads: linear(threads, "into"),
        "linear, new": lambda threads: linear(threads, "new"),
        "hypotenuse": hypotenuse,
        "choice": choice,
        "sum(x)": total,
        "sum(x**2)": lambda threads: total(threads, square=True),
        "polynomial": polynomial,
    }
    rows = {(name, threads): maker for name, maker in makers.items() for threads in sorted({1, CORES})}
    for name in FUNCTIONS:
        rows[name, CORES] = lambda threads, name=name: function(name, threads)
    return rows
