"""Constants of logaddexp: writes src/coefficients/logaddexp.rs."""

from mpmath import mp, mpf

from remez import Constants, chebyshev_nodes, fit, nearest

out = Constants("logaddexp", "logaddexp.py", "Constants of logaddexp.")


def reciprocal(center):
    """c near 1/center whose logarithm is nearly a float (Gal): no second column is needed."""
    if center == 1:
        return mpf(1), mpf(0), mpf(0)
    start, step = nearest(1 / center), mpf(2) ** -36
    for j in range(4096):
        c = start + j * step
        log = nearest(-mp.log(c))
        error = abs(log + mp.log(c))
        if error < mpf(2) ** -63:
            return c, log, error
    raise ValueError(center)


# log(1 + u) = -log c + log1p(r), r = (1 + u) c - 1: centers 1 + k/16, k = 0 .. 16, which stand at the
# upper 5 bits of the significand of 1 + u with the exponent's last bit: 16 + k modulo 32.
columns, worst = ([mpf(1)] * 32, [mpf(0)] * 32), 0
for k in range(17):
    c, log, error = reciprocal(1 + mpf(k) / 16)
    worst = max(worst, error)
    columns[0][(16 + k) % 32], columns[1][(16 + k) % 32] = c, log
out.array("RECIPROCAL", columns[0], "c, near 1 / (1 + k/16) at (16 + k) mod 32; others are not used.", static=True)
out.array("LOG", columns[1], f"-log c, to 2^{float(mp.log(worst, 2)):.1f}.", static=True)


def parity_fit(function, even, odd, bound, powers, fixed):
    """Coefficients of a function that is the sum of an even and an odd one, and the error."""
    terms = dict(fixed)
    for part, parity in ((even, 0), (odd, 1)):
        terms |= fit(part, bound / 10**9, bound, [k for k in powers if k % 2 == parity],
                     fixed={k: v for k, v in fixed.items() if k % 2 == parity})[0]
    worst = max(
        abs(sum(c * x**k for k, c in terms.items()) - function(x))
        for x in chebyshev_nodes(-bound, bound, 601)
    )
    return [terms[k] for k in powers], float(mp.log(worst, 2))


terms, worst = parity_fit(
    mp.log1p, lambda r: mp.log1p(-r * r) / 2, mp.atanh, mpf(1) / 32 * mpf("1.0001"), range(2, 10), {1: 1}
)
out.array("LOG1P", terms, f"p of log1p(r) = r + r²·p(r), |r| ≤ 1/32; error 2^{worst:.1f}.")

# f32, computed in f64.
terms, worst = parity_fit(mp.exp, mp.cosh, mp.sinh, mp.ln(2) / 2 * mpf("1.0001"), range(0, 7), {})
out.array("EXP_SHORT", terms, f"e^r, |r| ≤ 0.3466; error 2^{worst:.1f}.")
terms, worst = fit(mp.log1p, mpf(10) ** -9, 1, range(1, 12), rounding=False)
terms = [nearest(terms[k]) for k in range(1, 12)]
worst = max(abs(sum(c * x ** (k + 1) for k, c in enumerate(terms)) - mp.log1p(x))
            for x in [mpf(i) / 1000 for i in range(1001)])
out.array("LOG1P_SHORT", terms, f"p of log1p(u) = u·p(u), 0 ≤ u ≤ 1; error 2^{float(mp.log(worst, 2)):.1f}.")

out.write()
