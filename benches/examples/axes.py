"""The work of axes.rs in NumPy and Numba, minima of many runs, in milliseconds."""

import time

import numba
import numpy as np

numba.set_num_threads(2)


def best(f, *args):
    f(*args)
    begin = time.perf_counter()
    least = 1e9
    for _ in range(30):
        start = time.perf_counter()
        f(*args)
        least = min(least, time.perf_counter() - start)
        if time.perf_counter() - begin > 1.5:
            break
    return least * 1e3


@numba.njit(parallel=True, fastmath=True)
def square_sum(a):
    s = 0.0
    for i in numba.prange(a.size):
        s += a[i] * a[i]
    return s


@numba.njit(parallel=True, fastmath=True)
def product(a, b, out):
    for i in numba.prange(a.shape[0]):
        for k in range(b.shape[1]):
            s = 0.0
            for j in range(a.shape[1]):
                s += a[i, j] * b[j, k]
            out[i, k] = s


@numba.njit(parallel=True, fastmath=True)
def distances(p, q, out):
    for i in numba.prange(p.shape[0]):
        for j in range(q.shape[0]):
            s = 0.0
            for k in range(p.shape[1]):
                d = p[i, k] - q[j, k]
                s += d * d
            out[i, j] = np.sqrt(s)


def main():
    rng = np.random.default_rng(1)
    a = rng.random(10_000_000)
    print("sum(a), 1e7: numpy", best(np.sum, a))
    print("sum(a**2), 1e7: numba", best(square_sum, a), "numpy", best(lambda a: np.sum(a**2), a))
    m = rng.random((4000, 4000))
    print("sum(a, 0): numpy", best(lambda: m.sum(0)), " sum(a, 1): numpy", best(lambda: m.sum(1)))
    for shape, axis in [((1_000_000, 5), 0), ((1_000_000, 5), 1), ((100_000, 50), 1), ((20_000, 300), 1)]:
        m = rng.random(shape)
        print(f"sum(a, {axis}), {shape}: numpy", best(lambda: m.sum(axis)))
    a, b, out = rng.random((500, 300)), rng.random((300, 400)), np.empty((500, 400))
    print("product: numba", best(product, a, b, out))
    for n, m, d in [(1000, 1000, 3), (10_000, 1, 5), (10_000, 100, 5), (10_000, 5, 2)]:
        p, q, out = rng.random((n, d)), rng.random((m, d)), np.empty((n, m))
        if n == m:
            q = p
        numpy = lambda: np.sqrt(((p[:, None, :] - q[None, :, :]) ** 2).sum(axis=2))
        print(f"distances ({n}, {d}) to {m}: numpy", best(numpy), "numba", best(distances, p, q, out))


main()
