#!/usr/bin/env python3
"""Compares ways to compute a variance: the table of docs/decisions/0007. Not part of the corpus.

* shifted: what fuse does, one sweep (`fuse-ops/src/reduce/deviation.rs`), transcribed;
* two sweeps: per block the sum, then squares about the rounded mean, blocks merged by the distance of means;
* NumPy.

Errors are relative to the exact rational value, in units of 2^-53.
"""

import math

import numpy as np

from oracle import fma1
from reductions import exact_variance, fold
from oracle import block_sum


def at_least_one(n):
    return n if n else 1.0


def two_sum(a, b):
    high = a + b
    from_b = high - a
    return high, (a - (high - from_b)) + (b - from_b)


def fma(a, b, c):
    return float(fma1(np.float64(a), np.float64(b), np.float64(c)))


def about_mean(state, rest):
    _, _, total, squares = state
    if math.isinf(squares) and math.isfinite(total):
        return squares
    return max(squares - total * rest, 0.0)


def step(state, x):
    n, shift, total, squares = state
    shift = x if n == 0 else shift
    return n + 1.0, shift, total + (x - shift), fma(x - shift, x - shift, squares)


def merge(left, right):
    rests = left[2] / at_least_one(left[0]), right[2] / at_least_one(right[0])
    shift = right[1] if left[0] == 0 else left[1]
    n = left[0] + right[0]
    weight = right[0] / at_least_one(n)
    delta = (right[1] - shift) + (rests[1] - rests[0])
    squares = about_mean(left, rests[0]) + about_mean(right, rests[1]) + delta * (delta * (left[0] * weight))
    high, low = two_sum(shift, rests[0] + delta * weight)
    return n, high, n * low, fma(n * low, low, squares)


def shifted(x):
    state = fold([float(v) for v in x], (0.0, 0.0, 0.0, 0.0), step, merge)
    return about_mean(state, state[2] / at_least_one(state[0])) / len(x)


def two_sweeps(x):
    blocks = []
    for start in range(0, len(x), 1024):
        block = np.asarray(x[start:start + 1024], np.float64)
        total = block_sum(list(block), np.float64)
        blocks.append((float(len(block)), total, block_sum(list((block - total / len(block)) ** 2), np.float64)))

    def merged(a, b):
        delta, n = b[1] / b[0] - a[1] / a[0], a[0] + b[0]
        return n, a[1] + b[1], a[2] + b[2] + delta * delta * (a[0] * b[0] / n)

    runs = []
    for block in blocks:
        runs.append((0, block))
        while len(runs) > 1 and runs[-1][0] == runs[-2][0]:
            level, right = runs.pop()
            runs[-1] = (level + 1, merged(runs[-1][1], right))
    state = runs.pop()[1]
    while runs:
        state = merged(runs.pop()[1], state)
    return state[2] / state[0]


def main():
    random, n = np.random.default_rng(1), 3 * 1024 + 5
    noise, index = random.normal(size=n), np.arange(n)
    data = {
        "normal(0, 1)": noise,
        "1e9 + normal": 1e9 + noise,
        "1e9 + 1e-6 normal": 1e9 + 1e-6 * noise,
        "1e15 + 0 .. 3": 1e15 + random.integers(0, 4, n),
        "1e8, then normal": np.where(index == 0, 1e8, noise),
        "1e15, then normal": np.where(index == 0, 1e15, noise),
        "normal, then 1e8": np.where(index == n - 1, 1e8, noise),
        "1e6 + normal first in every lane": np.where(index // 32 % 32 == 0, 1e6, 0) + noise,
        "1e12 and -1e12, + normal": np.where(index % 2 == 0, 1e12, -1e12) + noise,
        "exp(3 normal)": np.exp(3 * noise),
        "1e9 + normal, 5 of them": 1e9 + noise[:5],
    }
    print("| data | shifted | two sweeps | NumPy |\n|---|---|---|---|")
    for name, x in data.items():
        exact = exact_variance(np.asarray(x, np.float64), 0)
        errors = (abs(type(exact)(float(way(x))) - exact) / exact * 2**53 for way in (shifted, two_sweeps, np.var))
        print(f"| {name} | " + " | ".join(f"{float(error):.2g}" for error in errors) + " |")


if __name__ == "__main__":
    main()
