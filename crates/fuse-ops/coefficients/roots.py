"""Constants of the roots: writes src/coefficients/roots.rs."""

from fractions import Fraction

from mpmath import mp, mpf

from remez import Constants, fit, nearest

out = Constants("roots", "roots.py", "Constants of the roots.")


def log2(value):
    return f"{float(mp.log(value, 2)):.1f}"


# The bits of a float, read as a fixed-point number, are log2 of it within 0.09: y0 = x^(-1/3) has the
# bits magic - bits(x)/3 (Lomont; fdlibm's cbrt). Seen as logarithms to base 2 with the fraction
# linear: log(x) = e + f for x = 2^e (1 + f). Over three binades y0 is piecewise linear.
def seed_errors(sigma):
    """Extremes of 1 - x y0^3 where log(y0) = sigma - log(x)/3."""
    low, high = 1.0, -1.0
    steps = 3000
    for k in range(3 * steps + 1):
        logarithm = k / steps
        e = min(int(logarithm), 2)
        x = 2.0**e * (1 + (logarithm - e))
        target = sigma - logarithm / 3
        whole = int(target // 1)
        y = 2.0**whole * (1 + (target - whole))
        error = 1 - x * y**3
        low, high = min(low, error), max(high, error)
    return low, high


best = min((max(-seed_errors(s)[0], seed_errors(s)[1]), s) for s in [-k / 2000 for k in range(0, 160)])
sigma = best[1]
low, high = seed_errors(sigma)
print("seed", sigma, low, high)


def thirds(bias, mantissa_bits, kept, name, single):
    """K of g = K - f/3 where f = 2^m + (bits(x) >> s) and g's low bits are (bits(y0) >> s)."""
    unit = 1 << mantissa_bits
    shifted = mantissa_bits - kept
    whole = Fraction(bias * 4, 3) + Fraction(sigma)
    target = whole * (1 << kept)
    value = unit + target + Fraction(unit, 3)
    value = nearest(mpf(value.numerator) / value.denominator, mantissa_bits + 1)
    out.scalar(name, value, f"2^{mantissa_bits}·4/3 and the upper bits of the seed of 1 (shifted right by {shifted}).",
               single)


thirds(1023, 52, 32, "THIRDS", False)
thirds(127, 23, 15, "THIRDS_SINGLE", True)

# (1 - e)^(-1/3): what the seed lacks.
for count, name, bits, single in ((6, "SEED", 53, False), (3, "SEED_SINGLE", 24, True)):
    coefficients, error = fit(
        lambda e: (1 - e) ** (-mpf(1) / 3), mpf(low) * mpf("1.002"), mpf(high) * mpf("1.002"),
        range(0, count + 1), weight=lambda e: (1 - e) ** (mpf(1) / 3),
        rounding=False)
    print(name, log2(error))
    # Nearest coefficients do: the interval holds 0, where refitting would have to fail.
    out.array(name, [nearest(coefficients[k], bits) for k in range(0, count + 1)],
              f"p of (1 - e)^(-1/3) = p(e), {low:.4f} < e < {high:.4f}; relative error 2^{log2(error)}.")


# 1/(2r) from r: w has the bits magic - bits(r), then w - w (r w/2) = (1 - error^2)/(2r).
def reciprocal_error(sigma):
    worst = 0
    for k in range(2001):
        f = k / 2000
        target = sigma - f
        whole = int(target // 1)
        product = (1 + f) * 2.0**whole * (1 + (target - whole))
        worst = max(worst, abs(product * (2 - product) - 1))
    return worst


worst, sigma = min((reciprocal_error(-k / 2000), -k / 2000) for k in range(300))
print("reciprocal", sigma, worst)
for name, bias, bits, doc in (
    ("RECIPROCAL", 2046, 52, f"This less the bits of r are those of w ≈ 1/r; w - w·(r·w/2) is 1/(2r) to {worst:.4f}."),
    ("RECIPROCAL_SINGLE", 254, 23, "[`RECIPROCAL`] of f32."),
):
    out.lines += [f"/// {doc}", f"pub(crate) const {name}: i64 = {int((bias + sigma) * 2**bits):#x};", ""]
out.write()
