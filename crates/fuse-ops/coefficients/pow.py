"""Constants of pow: writes src/coefficients/pow.rs."""

import math
import struct
from fractions import Fraction

from mpmath import mp, mpf

from remez import Constants, bits64, fit, nearest

ENTRIES = 64
SLACK = "0.013"
GRID = 44

out = Constants("pow", "pow.py", "Constants of pow.")


def fitted(function, low, high, exponents, weight, fixed=None):
    """Minimax coefficients, each rounded to the nearest float, and the error of the rounded polynomial.

    They are rounded together: they need fewer bits than they have.
    """
    coefficients, _ = fit(function, low, high, exponents, weight, fixed, rounding=False)
    coefficients = {k: nearest(c) for k, c in coefficients.items()}
    everything = set(exponents) | set(coefficients)
    _, worst = fit(function, low, high, everything, weight, coefficients)
    return [coefficients[k] for k in exponents], float(mp.log(worst, 2))


def exact(fraction):
    return mpf(fraction.numerator) / fraction.denominator


def float64(word):
    return mpf(struct.unpack("<d", struct.pack("<Q", word))[0])


def on_grid(value, bits):
    return mp.nint(mpf(value) * 2**bits) / 2**bits


def significand(offset):
    """The number whose bits are those of 1.0 and this."""
    exponent, fraction = offset >> 52, offset & ((1 << 52) - 1)
    return Fraction(2) ** exponent * (1 + Fraction(fraction, 1 << 52))


def interval(start, width, entry):
    return significand(start + entry * width), significand(start + (entry + 1) * width)


def distance(m):
    """|ln m| or |ln(m/2)|, whichever is less: what the logarithm is at least."""
    return float(min(abs(mp.log(exact(m))), abs(mp.log(exact(m) / 2))))


def shortest_centre(low, high):
    """The reciprocal 1/c for which r = m/c - 1 is a float for all m and r³ least beside ln m; 1 if 1 is inside.

    m is a multiple of 2^-52 (2^-53 below 1), 1/c of 2^-bits, and |r| < 2^exponent: 53 bits.
    """
    if low < 1 < high:
        return Fraction(1)
    unit = 52 if low >= 1 else 53
    best = None
    for bits in range(2, 16):
        nearby = round(2 / (low + high) * 2**bits)
        for numerator in (nearby - 1, nearby, nearby + 1):
            inverse = Fraction(numerator, 2**bits)
            edges = [(m, abs(m * inverse - 1)) for m in (low, high)]
            fits = unit + bits + math.ceil(mp.log(exact(max(r for _, r in edges)), 2)) <= 53
            worst = max(r**3 / distance(m) for m, r in edges)
            if fits and (best is None or worst < best[0]):
                best = (worst, inverse)
    return best[1]


# Significands from START to 2 START, cut evenly; 1 lies two thirds into the first interval counted in
# bits, which is its middle, as numbers below 1 lie twice as close.
width = (1 << 52) // ENTRIES
start = -(2 * width // 3 >> 30 << 30)
centres = [shortest_centre(*interval(start, width, entry)) for entry in range(ENTRIES)]
inverses = [exact(inverse) for inverse in centres]
edges = [[exact(edge) for edge in interval(start, width, entry)] for entry in range(ENTRIES)]
spans = [[edge * inverse / 2 - mpf(1) / 2 for edge in pair] for pair, inverse in zip(edges, inverses)]
worst_w = max(abs(w) for pair in spans for w in pair)

half_ln2 = mp.ln(2) / 2
high = on_grid(half_ln2, GRID)
out.scalar("HALF_LN2_HI", high, f"½·ln 2, a multiple of 2^-{GRID}: k·HALF_LN2_HI is exact for |k| < 2^10.")
out.scalar("HALF_LN2_LO", nearest(half_ln2 - high), "½·ln 2 - HALF_LN2_HI.")

logs = [-mp.log(inverse) / 2 for inverse in inverses]
log_high = [on_grid(value, GRID) for value in logs]


def packed(low, inverse):
    """The float nearest to low among those whose last 21 bits are the first 21 of inverse; 2^-200 for 0."""
    first = bits64(inverse) >> 43
    assert first << 43 == bits64(inverse)
    base = bits64(low or mpf(2) ** -200) >> 21
    words = [(word << 21) | first for word in (base - 1, base, base + 1)]
    return min(words, key=lambda word: abs(float64(word) - low))


packs = [packed(-(value - head), inverse / 2) for value, head, inverse in zip(logs, log_high, inverses)]
error = max(abs(float64(word) + value - head) for word, value, head in zip(packs, logs, log_high))
print(f"start {start:#x}; log c to 2^{float(mp.log(error, 2)):.1f}")
out.integer("START", (0x3FF << 52) + start, "The bits of the least significand, just below 1.")
out.array("LOG_HI", [-head for head in log_high], f"-½·ln c, a multiple of 2^-{GRID}.", static=True)
out.array("LOG_LO_INVERSE", [float64(word) for word in packs],
          "The bits of -½·ln c - LOG_HI to 32 bits, the last 21 of which are the first 21 of 1/(2·c): it has "
          "no others.", static=True)


def cubic_rest(w):
    """(-½·ln(1 + 2w) + w - w²)/w³."""
    if abs(w) < mpf(2) ** -12:
        return -sum((-2) ** (n - 1) * w ** (n - 3) / n for n in range(3, 40))
    return (w - w * w - mp.log(1 + 2 * w) / 2) / w**3


def least_log(w):
    """The least |½·ln x| that goes with this w."""
    least = mp.inf
    for pair, inverse in zip(spans, inverses):
        if pair[0] <= w <= pair[1]:
            half = mp.log((1 + 2 * w) / inverse) / 2
            least = min(least, abs(half), abs(half - half_ln2))
    return least


bounds = [min(w for w, _ in spans) * mpf("1.0001"), max(w for _, w in spans)]
terms = 7
weights = {}


def weight(w):
    if w not in weights:
        weights[w] = abs(w) ** 3 / least_log(w)
    return weights[w]


coefficients, error = fitted(cubic_rest, *bounds, range(terms), weight=weight)
print(f"log: {terms} terms, 2^{error:.1f}")
out.array("LOG", coefficients,
          f"p of -½·ln(1 + 2w) = -w + w² + w³·p(w), |w| < 2^{float(mp.log(worst_w, 2)):.2f}; error 2^{error:.1f} "
          "relative to the logarithm.")

# e^-2d = 2^(n/16)·e^-2s with s = d + n·STEP, STEP = ½·ln 2/16. The roots of 2 are extended.py's.
STEPS = 16
step = half_ln2 / STEPS
high = on_grid(step, GRID + 4)
out.scalar("STEPS", nearest(-1 / step), "-2·log2(e)·16.")
out.scalar("STEP_HI", high, f"½·ln 2/16, a multiple of 2^-{GRID + 4}.")
out.scalar("STEP_LO", nearest(step - high), "½·ln 2/16 - STEP_HI.")
half = step / 2 + mpf(SLACK)
terms = 7
coefficients, error = fitted(
    lambda s: mp.expm1(-2 * s) / s if s else mpf(-2), -half, half, range(terms), lambda s: half
)
print(f"exp: {terms} terms, 2^{error:.1f}")
out.array("EXP", coefficients,
          f"p of e^-2s = 1 + s·p(s), |s| < {float(half):.4f}; error 2^{error:.1f}.")

# f32, in f64 arithmetic: 1/c need not be short.
SMALL = 16
width = (1 << 52) // SMALL
start = -(2 * width // 3 >> 30 << 30)
rows = [interval(start, width, entry) for entry in range(SMALL)]
inverses = [mpf(1) if low < 1 < high else nearest(2 / exact(low + high)) for low, high in rows]
worst_r = max(abs(exact(edge) * inverse - 1) for row, inverse in zip(rows, inverses) for edge in row)
first_r = max(abs(exact(edge) - 1) for edge in rows[0])
out.integer("SINGLE_START", (0x3FF << 52) + start, "The bits of the least significand, just below 1.")
out.array("SINGLE_INVERSE", inverses, "1/c.", static=True)
out.array("SINGLE_LOG", [nearest(-mp.log(inverse, 2)) for inverse in inverses], "log2 c.", static=True)


def linear_rest(r):
    return mp.log(1 + r, 2) / r if r else 1 / mp.ln(2)


terms = 6
coefficients, error = fitted(
    linear_rest, -worst_r * mpf("1.0001"), worst_r, range(terms),
    weight=lambda r: abs(r) / min(abs(r), first_r),
)
print(f"single log: |r| < 2^{float(mp.log(worst_r, 2)):.2f}, {terms} terms, 2^{error:.1f}")
out.array("SINGLE_LOG2", coefficients,
          f"p of log2(1 + r) = r·p(r), |r| < 2^{float(mp.log(worst_r, 2)):.2f}; error 2^{error:.1f} relative to the logarithm.")
half = mpf("0.50001")
terms = 8
coefficients, error = fitted(lambda s: mpf(2) ** s, -half, half, range(terms), weight=lambda s: mpf(2) ** -s)
print(f"single exp2: {terms} terms, 2^{error:.1f}")
out.array("SINGLE_EXP2", coefficients,
          f"2^s for |s| ≤ ½; relative error 2^{error:.1f}.")

out.write()
