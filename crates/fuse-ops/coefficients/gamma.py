"""Constants of gamma and lgamma: writes src/coefficients/gamma.rs."""

from mpmath import mp, mpf

from remez import Constants, fit, least_squares, nearest, split

out = Constants("gamma", "gamma.py", "Constants of the gamma function and its logarithm.")


def log2(value):
    return f"2^{float(mp.log(value, 2)):.1f}"


def pieces(name, function, bounds, degree, doc, constant=(53, 53)):
    """Columns of the polynomials of function(centre + t), their constants in hi + lo unless told."""
    rows, errors = [], []
    for low, high in bounds:
        centre = (low + high) / 2
        coefficients, worst = fit(
            lambda t: function(centre + t), low - centre, high - centre, range(degree + 1),
            weight=lambda t: 1 / function(centre + t), precisions={0: constant}, method=least_squares,
        )
        rows.append(split(coefficients[0], *constant) + [coefficients[k] for k in range(1, degree + 1)])
        errors.append(worst)
    print(name, [log2(error) for error in errors])
    columns = [list(column) for column in zip(*rows)]
    out.columns(name, columns, f"{doc}; relative error {log2(max(errors))}.")


def binades(first, count, parts):
    """Equal parts of the binades from 2^first, in the order of the low bits of the exponent field
    (1023 + exponent, modulo the count) followed by the leading bits of the significand."""
    for binade in sorted(range(first, first + count), key=lambda binade: (1023 + binade) % count):
        for part in range(parts):
            yield tuple(mpf(2) ** binade * (1 + mpf(part + side) / parts) for side in (0, 1))


# Gamma(x) = x^(x - 1/2) e^-x F(x), F -> sqrt(2 pi): two intervals in each binade of [1, 256).
def stirling_factor(x):
    return mp.exp(mp.loggamma(x) - (x - mpf(1) / 2) * mp.log(x) + x)


pieces("FACTOR", stirling_factor, list(binades(0, 8, 2)), 16,
       "Columns of F of Γ(x) = x^(x-1/2)·e^-x·F(x) about the centres of halves of binades from 1")
pieces("FACTOR_SINGLE", stirling_factor, list(binades(0, 8, 2)), 7,
       "The same for results of f32: coefficients of 1 to t^7", constant=(53,))


# lgamma(x) = (x - 1)(x - 2) P(x): four intervals in each binade of [1/2, 8).
def quotient(x):
    if x in (1, 2):
        return -mp.digamma(1) if x == 1 else mp.digamma(2)
    return mp.loggamma(x) / ((x - 1) * (x - 2))


quarters = list(binades(-1, 4, 4))
pieces("QUOTIENT", quotient, quarters, 14,
       "Columns of P of lgamma(x) = (x - 1)·(x - 2)·P(x) about the centres of quarters of binades")
pieces("QUOTIENT_SINGLE", quotient, quarters, 6,
       "The same for results of f32: coefficients of 1 to t^6", constant=(53,))


# lgamma(x) = x (log x - 1) - log(x)/2 + log(2 pi)/2 + R(1/x^2)/x for x >= 8.
constant = mp.log(2 * mp.pi) / 2 - mpf(1) / 2
out.scalar("HALF_LOG_TAU", nearest(constant + mpf(1) / 2), "log(2π)/2.")


def remainder(v):
    if not v:
        return mpf(1) / 12
    x = 1 / mp.sqrt(v)
    return x * (mp.loggamma(x) - (x - mpf(1) / 2) * (mp.log(x) - 1) - constant)


for name, degree, doc in (("REMAINDER", 6, "R of lgamma(x) = x·(log x - 1) - log(x)/2 + HALF_LOG_TAU + R(1/x²)/x, x ≥ 8"),
                          ("REMAINDER_SINGLE", 2, "The same for results of f32")):
    with mp.workdps(90):
        coefficients, worst = fit(remainder, mpf("1e-12"), mpf(1) / 64, range(degree + 1), method=least_squares)
    out.array(name, [coefficients[k] for k in range(degree + 1)], f"{doc}; absolute error {log2(worst)}.")
    print(name, log2(worst))

# sin(pi r)/r = pi + s q(s), s = r^2 <= 1/4.
high, low = split(mp.pi, 53, 53)
out.scalar("PI_HI", high, "π.")
out.scalar("PI_LO", low, "π - PI_HI.")
series = [mpf(1), mpf(1) / 12, mpf(1) / 288, mpf(-139) / 51840, mpf(-571) / 2488320]
out.array("FACTOR_FAR", [nearest(mp.sqrt(2 * mp.pi) * term) for term in series],
          "F of powers of 1/x, x ≥ 256: Stirling's series.")
high_log, low_log = split(mp.log(mp.pi), 53, 53)
out.scalar("LOG_PI_HI", high_log, "log π.")
out.scalar("LOG_PI_LO", low_log, "log π - LOG_PI_HI.")
grid = mpf(2) ** 42
shift = 600 * mp.ln(2)
out.scalar("SHIFT_LOG_HI", mp.nint(shift * grid) / grid, "log 2^600 on a grid of 2^-42.")
out.scalar("SHIFT_LOG_LO", nearest(shift - mp.nint(shift * grid) / grid), "log 2^600 - SHIFT_LOG_HI.")
coefficients, worst = fit(
    lambda s: mp.pi * mp.sincpi(mp.sqrt(s)), mpf("1e-30"), mpf("0.2501"), range(1, 9), fixed={0: high + low},
    weight=lambda s: 1 / (mp.pi * mp.sincpi(mp.sqrt(s))), method=least_squares,
)
out.array("SINE", [coefficients[k] for k in range(1, 9)],
          f"q of sin(π·r)/r = π + s·q(s), s = r² ≤ 1/4; relative error {log2(worst)}.")
print("SINE", log2(worst))

out.write()
