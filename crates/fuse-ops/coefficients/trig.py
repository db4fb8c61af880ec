"""Constants of the trigonometric functions: writes src/coefficients/trig.rs."""

from mpmath import mp, mpf

from remez import Constants, fit, nearest, split, trailing_zeros

mp.dps = 60
out = Constants("trig", "trig.py", "Constants of the trigonometric functions.")


def log2(value):
    return f"2^{float(mp.log(value, 2)):.1f}"


# r = x - n pi/2. The first part has all 53 bits, the second 33, so that n times it is exact for n < 2^20.
half_pi = mp.pi / 2
first = nearest(half_pi)
second = trailing_zeros(half_pi - first, 33)
third = nearest(half_pi - first - second)
out.scalar("TWO_OVER_PI", nearest(2 / mp.pi), "2/π.")
out.scalar("HALF_PI", first, "π/2.")
out.scalar("HALF_PI_2", second, "π/2 - HALF_PI to 33 bits.")
out.scalar("HALF_PI_3", third, "π/2 - HALF_PI - HALF_PI_2.")
out.scalar("HALF_PI_LOW", nearest(half_pi - first), "π/2 - HALF_PI to 53 bits.")

# Polynomials in z = r^2; their errors are relative to the function's value. n is the nearest integer
# to x 2/pi but for an error of 2^-20, hence the margin.
top = (mp.pi / 4 * mpf("1.000002")) ** 2


def sine_rest(z):
    r = mp.sqrt(z)
    return (r - mp.sin(r)) / r**3


def cosine_rest(z):
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def tangent_rest(z):
    r = mp.sqrt(z)
    return (2 * mp.tan(r / 2) - r) / r**3


def sine_weight(z):
    r = mp.sqrt(z)
    return r**3 / mp.sin(r)


def cosine_weight(z):
    return z**2 / mp.cos(mp.sqrt(z))


def tangent_weight(z):
    r = mp.sqrt(z)
    return r**3 / (2 * mp.tan(r / 2))


def polynomial(name, function, weight, count, formula):
    found, worst = fit(function, 0, top, range(count), weight=weight)
    print(name, count, log2(worst))
    out.array(name, [found[k] for k in range(count)],
              f"P of {formula}, z = r², |r| ≤ π/4; relative error {log2(worst)}.")


polynomial("SINE", sine_rest, sine_weight, 6, "sin r = r - r³·P(z)")
polynomial("COSINE", cosine_rest, cosine_weight, 6, "cos r = 1 - z/2 + z²·P(z)")
polynomial("TANGENT", tangent_rest, tangent_weight, 9, "2·tan(r/2) = r + r³·P(z)")

# For f32, evaluated in f64. The first coefficient is 1, which keeps sin r = r and cos r = 1 near 0.


def polynomial_from_one(name, function, weight, count, formula):
    found, worst = fit(function, 0, top, range(count), weight=weight, fixed={0: 1})
    print(name, count, log2(worst))
    out.array(name, [found[k] for k in range(count)],
              f"P of {formula} for f32, z = r², |r| ≤ π/4; relative error {log2(worst)}.")


def over_root(function):
    return lambda z: function(mp.sqrt(z)) / mp.sqrt(z)


def inverse(function):
    return lambda z: 1 / function(z)


def cosine(z):
    return mp.cos(mp.sqrt(z))


sine = over_root(mp.sin)
tangent = over_root(lambda r: 2 * mp.tan(r / 2))
polynomial_from_one("SINE_SINGLE", sine, inverse(sine), 4, "sin r = r·P(z)")
polynomial_from_one("COSINE_SINGLE", cosine, inverse(cosine), 5, "cos r = P(z)")
polynomial_from_one("TANGENT_SINGLE", tangent, inverse(tangent), 5, "2·tan(r/2) = r·P(z)")

# Payne and Hanek: 64 bits of 1/(2 pi) from every eighth on, after 32 zeros.
ZEROS, WINDOWS = 32, 256
with mp.workprec(8 * WINDOWS + 200):
    total = 8 * WINDOWS + 64
    fraction = int(mp.floor(mp.ldexp(1 / (2 * mp.pi), total - ZEROS)))
windows = [(fraction >> (total - 64 - 8 * start)) & (2**64 - 1) for start in range(WINDOWS)]
# The last that an f64 reaches is that of byte (2046 - 1043) / 8 + 21.
windows = [window if start <= 146 else 0 for start, window in enumerate(windows)]
out.words("TURNS", windows,
          "Bits 8i to 8i + 63 of 1/(2π), after 32 zeros; up to what the largest f64 reaches.", kind="u64")

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
