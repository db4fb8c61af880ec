"""Constants of the trigonometric functions: writes src/coefficients/trig.rs."""

from mpmath import mp, mpf

from remez import Constants, fit, nearest

mp.dps = 60
out = Constants("trig", "trig.py", "Constants of the trigonometric functions.")


def log2(value):
    return f"2^{float(mp.log(value, 2)):.1f}"


# r = x - n pi/2, in three parts. The first of f32 is rounded down: a positive second part keeps the
# sign of zeros.
half_pi = mp.pi / 2


def parts(first, bits):
    second = nearest(half_pi - first, bits)
    assert second > 0
    return [first, second, nearest(half_pi - first - second, bits)]


out.scalar("TWO_OVER_PI", nearest(2 / mp.pi), "2/π.")
out.array("HALF_PI", parts(nearest(half_pi), 53), "π/2 in three parts of 53 bits.")
out.array("HALF_PI_SINGLE", parts(mp.floor(half_pi * 2**23) / 2**23, 24),
          "π/2 in three parts of 24 bits, the first rounded down.")

# Polynomials in z = r^2; their errors are relative to the function's value. n is the integer nearest
# to x 2/pi but for an error of 2^-21 (f64, |x| < 2^32) or 2^-9.3 (f32, |x| < 2^16), hence the margins.
tops = [(mp.pi / 4 * mpf(margin)) ** 2 for margin in ("1.000001", "1.0032")]


def sine_rest(z):
    r = mp.sqrt(z)
    return (r - mp.sin(r)) / r**3


def cosine_rest(z):
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def tangent_rest(z):
    r = mp.sqrt(z)
    return (2 * mp.tan(r / 2) - r) / r**3


def sine_weight(z):
    """Thrice as heavy at π/4, where the roundings are largest."""
    r = mp.sqrt(z)
    return r**3 / mp.sin(r) * (1 + 2 * z / tops[0]) / 3


def cosine_weight(z):
    return z**2 / mp.cos(mp.sqrt(z))


def tangent_weight(z):
    r = mp.sqrt(z)
    return r**3 / (2 * mp.tan(r / 2))


def polynomial(name, function, weight, counts, formula, error="relative error"):
    for count, bits, top, suffix in zip(counts, (53, 24), tops, ("", "_SINGLE")):
        precisions = {k: bits for k in range(count)}
        found, worst = fit(function, 0, top, range(count), weight=weight, precisions=precisions)
        print(name + suffix, count, log2(worst))
        out.array(name + suffix, [found[k] for k in range(count)],
                  f"P of {formula}, z = r², |r| ≤ π/4; {error} {log2(worst)}.")


polynomial("SINE", sine_rest, sine_weight, (6, 3), "sin r = r - r³·P(z)",
           "relative error at π/4, up to thrice that near 0,")
polynomial("COSINE", cosine_rest, cosine_weight, (6, 3), "cos r = 1 - z/2 + z²·P(z)")
polynomial("TANGENT", tangent_rest, tangent_weight, (9, 4), "2·tan(r/2) = r + r³·P(z)")

# A float's bits subtracted from this are those of about its inverse: of 1 + f, 1 - (f + s)/2 for f + s <= 1, else
# (3 - f - s)/4. Times 1 + f that lies between 1 - s/2 and (3 - s)^2/8, equally far from 1 where s^2 - 10 s + 1 = 0.
s = 5 - mp.sqrt(24)
assert abs((3 - s)**2 / 8 - 1 - s / 2) < mpf(10)**-50
out.integer("INVERSE", (2046 << 52) - int(mp.nint(s * 2**52)),
            f"Less the bits of a float, those of its inverse, but for {float(s / 2):.4f} of it.")

# Payne and Hanek: 64 bits of 1/(2 pi) from every eighth on, after 20 zeros.
ZEROS, WINDOWS = 20, 256
with mp.workprec(8 * WINDOWS + 200):
    total = 8 * WINDOWS + 64
    fraction = int(mp.floor(mp.ldexp(1 / (2 * mp.pi), total - ZEROS)))
windows = [(fraction >> (total - 64 - 8 * start)) & (2**64 - 1) for start in range(WINDOWS)]
# The last that an f64 reaches is that of byte (2046 - 1055) / 8 + 21.
windows = [window if start <= 144 else 0 for start, window in enumerate(windows)]
out.words("TURNS", windows,
          "Bits 8i to 8i + 63 of 1/(2π), after 20 zeros; up to what the largest f64 reaches.", kind="u64")

# Degrees and radians. The first part is rounded towards zero: a positive second part keeps the sign
# of a zero and of an infinity.
for name, value, what in (("RADIANS", mp.pi / 180, "π/180"), ("DEGREES", 180 / mp.pi, "180/π")):
    for bits, suffix in ((53, ""), (24, "_SINGLE")):
        unit = mpf(2) ** (mp.floor(mp.log(value, 2)) + 1 - bits)
        high = mp.floor(value / unit) * unit
        low = nearest(value - high, bits)
        assert low > 0
        out.scalar(name + suffix, high, f"{what}, rounded down.", single=bits == 24)
        out.scalar(name + "_LOW" + suffix, low, f"{what} - {name}{suffix}.", single=bits == 24)

out.write()
