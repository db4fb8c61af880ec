"""Constants of the logarithms: writes src/coefficients/log.rs.

Tables are over m in [1, 2), in N intervals. The reciprocal 1/c of an interval has so few bits that
q = m·(s/c) - s is exact, where s (1 for log, 3/2 for log2, 1/2 for log10) is near 1/ln(base).
"""

from mpmath import lu_solve, matrix, mp, mpf

from remez import Constants, chebyshev_nodes, nearest

N = 16

out = Constants("log", "log.py", "Constants of the logarithms.")


def steps(value, size):
    """The multiple of `size` nearest to a value."""
    return mp.nint(value / size) * size


def reciprocal(j, scale):
    """s/c for the interval j, and the largest |q| there: exact, and the least such."""
    low, high = 1 + mpf(j) / N, 1 + mpf(j + 1) / N
    if j == 0:
        return scale, scale / N
    if j == N - 1:
        return scale / 2, scale / (2 * N)
    best = None
    for bits in range(3, 12):
        unit = mpf(2) ** -bits
        inverse = steps(2 * scale / (low + high), unit)
        q = max(abs(low * inverse - scale), abs(high * inverse - scale))
        if q <= 2 * unit and (best is None or q < best[1]):
            best = inverse, q
    assert best, "no exact reciprocal"
    return best


def table(name, scale, base_log, what):
    """Columns s/c, log c hi, log c lo; log 2 in the same parts; the polynomial."""
    scale = mpf(scale)
    rows = [reciprocal(j, scale) for j in range(N)]
    inverse = [row[0] for row in rows]
    reach = max(row[1] for row in rows[1:-1])
    values = [-mp.log(row / scale) / base_log for row in inverse]
    unit = mpf(2) ** -42
    high = [steps(value, unit) for value in values]
    low = [nearest(value - part) for value, part in zip(values, high)]
    low[0] = mpf(0)
    out.array(f"{name}_RECIPROCAL", inverse, f"{what}: {mp.nstr(scale, 3)}/c, c ≈ the middle of [1 + j/{N}, 1 + (j + 1)/{N}).", static=True)
    out.array(f"{name}_HIGH", high, f"{what} of c to a multiple of 2^-42.", static=True)
    out.array(f"{name}_LOW", low, "What is left of it.", static=True)
    polynomial(name, 1, scale, base_log, what, -max(reach, scale / (2 * N)), scale / N, 10)
    return unit


def least(values, weights, powers, rest):
    """Weighted least squares of the values less the fixed coefficients: the normal equations."""
    free = [k for k in range(len(powers)) if k not in rest]
    values = [value - sum(c * powers[k][i] for k, c in rest.items()) for i, value in enumerate(values)]
    rows = [[w * p for w, p in zip(weights, powers[k])] for k in free]
    system = matrix([[mp.fdot(row, powers[k]) for k in free] for row in rows])
    return dict(zip(free, lu_solve(system, matrix([mp.fdot(row, values) for row in rows]))))


def lawson(values, grid, terms, bits, soft, kept):
    """Nearly minimax in |q·error| (Lawson 1961: least squares, weights multiplied by the errors), then
    coefficients rounded one by one, the others fitted again. Unlike an exchange it does not mind
    that all errors vanish at 0. `kept` are coefficients given in advance."""
    powers = [[q**k for q in grid] for k in range(terms)]
    scale = [q * q + soft * soft for q in grid]
    weights = list(scale)
    for _ in range(12):
        free = {**least(values, weights, powers, kept), **kept}
        errors = [abs(value - sum(c * powers[k][i] for k, c in free.items())) * mp.sqrt(scale[i])
                  for i, value in enumerate(values)]
        top = max(errors)
        weights = [w * (e / top + mpf(1) / 20) for w, e in zip(weights, errors)]
    for k in set(range(terms)) - set(kept):
        kept[k] = nearest(least(values, weights, powers, kept)[k], bits)
    return [kept[k] for k in range(terms)]


def polynomial(name, slope, stretch, base_log, what, start, stop, terms, single=False):
    """d and p of log_b(1 + v/stretch) = slope·v + v·(d + v·p(v)); without d where it is 0."""
    rest = 1 / (stretch * base_log)
    delta = rest - slope
    bits = 24 if single else 53

    def quotient(v):
        # By the series near 0, where the quotient cancels.
        if abs(v) < mpf(2) ** -60:
            return -rest / (2 * stretch) + rest * v / (3 * stretch**2)
        return (mp.log1p(v / stretch) / base_log / v - rest) / v

    grid = chebyshev_nodes(start, stop, 12 * terms)
    # Of f32 v²/2 is exact in a multiply-add if its factor is.
    half = {0: mpf(-1) / 2} if single and delta == 0 else {}
    kept = lawson([quotient(v) for v in grid], grid, terms, bits, stop / 8, half)
    worst = max(abs(v * (mp.polyval(kept[::-1], v) - quotient(v)))
                for v in chebyshev_nodes(start, stop, 501))
    bend = nearest(delta, bits)
    worst = f"2^{float(mp.log((worst + abs(bend - delta)) / rest, 2)):.1f}"
    argument = "1 + v" if stretch == 1 else "1 + v/s"
    kept = [bend] + kept if single or delta != 0 else kept
    factor = {1: "v", mpf(3) / 2: "1.5·v", mpf(7) / 16: "0.4375·v"}[slope]
    parts = f"{factor} + v²·p(v)" if len(kept) == terms else f"{factor} + v·p(v)"
    reach = f"{mp.nstr(start, 3)} ≤ v ≤ {mp.nstr(stop, 3)}"
    out.array(name, kept, f"p of {what}({argument}) = {parts}, {reach}; relative error {worst}.")
    print(name, reach, worst)


def single(name, slope, base_log, what, terms):
    """Of f32: no table, v = m - 1 with m in [√½, √2]."""
    root = mp.sqrt(2) * (1 + mpf(2) ** -22)
    polynomial(name, mpf(slope), 1, base_log, what, 1 / root - 1, root - 1, terms, single=True)


unit = table("LOG", 1, mpf(1), "log")
table("LOG2", mpf(3) / 2, mp.ln(2), "log2")
table("LOG10", mpf(7) / 16, mp.ln(10), "log10")

for name, value in [("LN2", mp.ln(2)), ("LOG10_2", mp.log10(2))]:
    high = steps(value, unit)
    out.scalar(f"{name}_HI", high, f"{name.lower()} to a multiple of 2^-42: its products with |k| < 2^11 are exact.")
    out.scalar(f"{name}_LO", nearest(value - high), f"{name.lower()} - {name}_HI.")
    high = nearest(value, 16)
    out.scalar(f"{name}_HI_SINGLE", high, f"{name.lower()} to 16 bits: its products with |k| < 2^8 are f32s.")
    out.scalar(f"{name}_LO_SINGLE", nearest(value - high, 24), f"{name.lower()} - {name}_HI_SINGLE, an f32.")

single("LOG_SINGLE", 1, mpf(1), "log", 10)
single("LOG2_SINGLE", mpf(3) / 2, mp.ln(2), "log2", 10)
single("LOG10_SINGLE", mpf(7) / 16, mp.ln(10), "log10", 10)

out.write()
