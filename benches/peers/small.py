"""What stands before the first element: calls on sixteen elements, and formulas seen for the first time."""

import random
import time

import jax
import numba
import numexpr
import numpy as np

import bridge
import timing
import work

TEXT = "2*a + 3*b**2"
COUNT = 16
CALLS = 5_000
FORMULAS = 200
SLOW_FORMULAS = 5


def repeated(call, calls=CALLS):
    """A contender that calls in a Python loop, as a user does; the loop costs about 20 ns a turn."""

    def run():
        for _ in range(calls):
            call()

    return run


def calls():
    """Calls on sixteen elements: contenders, each of which makes `CALLS` calls."""
    a, b = work.aligned(COUNT, 1.5), work.aligned(COUNT, 2.5)
    out = work.aligned(COUNT)
    arrays = {"a": a, "b": b}
    call = bridge.Call(work.ENGINES[work.CORES], TEXT, arrays, out)
    work.set_threads(work.CORES)
    compiled = numexpr.NumExpr(TEXT, [("a", np.float64), ("b", np.float64)])
    loop = work.numba_loop(["a", "b"], "2*a[i] + 3*b[i]**2", "into", parallel=False)
    jitted = jax.jit(lambda a, b: 2 * a + 3 * b**2)
    on_device = jax.numpy.asarray(a), jax.numpy.asarray(b)
    reference = 2 * a + 3 * b**2

    def re_evaluate():
        return numexpr.re_evaluate(arrays)

    answers = {
        "fuse": lambda: call.into(1) or out,
        "fuse text": lambda: call.result((COUNT,)),
        "numexpr": lambda: compiled(a, b),
        "numexpr text": lambda: numexpr.evaluate(TEXT, arrays),
        "Numba": lambda: loop(a, b, out) or out,
        "JAX": lambda: np.asarray(jitted(*on_device)),
    }
    for name, answer in answers.items():
        out[:] = 0
        np.testing.assert_allclose(answer(), reference, rtol=1e-15, err_msg=name)
    numexpr.evaluate(TEXT, arrays)
    return {
        "fuse, prepared": lambda: call.into(CALLS),
        "fuse, formula": lambda: call.formula(CALLS),
        "fuse, text": lambda: call.text(CALLS),
        "numexpr, compiled": repeated(lambda: compiled(a, b)),
        "numexpr, text": repeated(lambda: numexpr.evaluate(TEXT, arrays)),
        "numexpr, re_evaluate": repeated(re_evaluate),
        "Numba": repeated(lambda: loop(a, b, out)),
        "NumPy": repeated(lambda: 2 * a + 3 * b**2),
        "JAX": repeated(lambda: jitted(*on_device).block_until_ready()),
    }


def new_formulas(seed=7):
    """Formulas of 20 to 40 nodes over a and b, all different; leaves and operations are nodes."""
    generator = random.Random(seed)
    formulas = []
    while len(formulas) < FORMULAS:
        text, nodes = _expression(generator, 5)
        if 20 <= nodes <= 40 and "a" in text and "b" in text and text not in formulas:
            formulas.append(text)
    return formulas


def _expression(generator, depth):
    if depth == 0 or generator.random() < 0.1:
        constant = f"{generator.uniform(0.5, 9):.3f}"
        return generator.choice(["a", "b", constant]), 1
    kind = generator.choice(["+", "-", "*", "+", "-", "*", "/", "sqrt", "where", "**"])
    left, left_nodes = _expression(generator, depth - 1)
    if kind == "sqrt":
        return f"sqrt(abs({left}))", left_nodes + 2
    if kind == "**":
        return f"({left})**{generator.choice([2, 3])}", left_nodes + 2
    right, right_nodes = _expression(generator, depth - 1)
    if kind == "where":
        constant = f"{generator.uniform(0.5, 9):.3f}"
        return f"where(a > {constant}, {left}, {right})", left_nodes + right_nodes + 4
    if kind == "/":
        return f"({left})/(({right})**2 + 1.5)", left_nodes + right_nodes + 5
    return f"({left} {kind} {right})", left_nodes + right_nodes + 1


def first_results():
    """Times in ns from text to first result, by contender, one for each formula."""
    generator = np.random.default_rng(8)
    a, b = generator.uniform(0.5, 9, COUNT), generator.uniform(0.5, 9, COUNT)
    arrays = {"a": a, "b": b}
    engine = bridge.Engine(work.CORES)
    names = {"sqrt": np.sqrt, "where": np.where, "abs": np.abs, **arrays}

    def fuse(text):
        return bridge.Call(engine, text, arrays, compiled=False).result((COUNT,))

    def with_numexpr(text):
        return numexpr.evaluate(text, arrays)

    def with_jax(text):
        functions = {"sqrt": jax.numpy.sqrt, "where": jax.numpy.where, "abs": jax.numpy.abs}
        exec(f"def function(a, b): return {text}", functions)
        return np.asarray(jax.jit(functions["function"])(a, b))

    def with_numba(text):
        functions = {"sqrt": np.sqrt, "where": np.where, "abs": np.abs}
        exec(f"def function(a, b): return {text}", functions)
        return numba.njit(functions["function"])(a, b)

    times = {"fuse": [], "numexpr": [], "JAX": [], "Numba": []}
    slow = {"JAX": with_jax, "Numba": with_numba}
    for contender in (fuse, with_numexpr, with_jax, with_numba):
        contender("a + b*1.25")
    for number, text in enumerate(new_formulas()):
        reference = eval(text, dict(names))
        contenders = {"fuse": fuse, "numexpr": with_numexpr}
        if number < SLOW_FORMULAS:
            contenders |= slow
        for name, contender in contenders.items():
            start = time.perf_counter_ns()
            result = contender(text)
            times[name].append(time.perf_counter_ns() - start)
            message = f"{name}: {text}"
            np.testing.assert_allclose(result, reference, rtol=1e-9, atol=1e-9, err_msg=message)
    return times


def measure_calls(machine):
    """Times in ns of one call, by contender, run and round."""
    return timing.measure(calls(), machine, calls=CALLS)
