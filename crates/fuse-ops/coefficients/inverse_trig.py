"""Constants of the inverse trigonometric functions: writes src/coefficients/inverse_trig.rs."""

from mpmath import mp, mpf

from remez import Constants, fit, nearest

out = Constants("inverse_trig", "inverse_trig.py", "Constants of the inverse trigonometric functions.")


def ulp(value):
    return mpf(2) ** (mp.floor(mp.log(abs(value), 2)) - 52)


def centre(low, high):
    """A c in (low, high) where the errors of t = (x - c)/(1 + xc) at both ends weigh alike."""
    def weight(c, x):
        return abs((x - c) / (1 + x * c)) / ulp(mp.atan(x))

    below, above = mpf(low), mpf(high)
    for _ in range(60):
        c = (below + above) / 2
        if weight(c, low) < weight(c, high * (1 - mpf(2) ** -50)):
            below = c
        else:
            above = c
    return c


def lucky(c, angle):
    """A float near c whose angle is a float within 2^-10 ulp: the table needs no low parts."""
    c = nearest(c)
    step = mpf(2) ** (mp.floor(mp.log(abs(c), 2)) - 52)
    while True:
        value = angle(c)
        if abs(value - nearest(value)) < ulp(value) / 1024:
            return c, nearest(value)
        c += step


def log2(value):
    return f"{float(mp.log(value, 2)):.1f}"


# atan(x) = atan(c) + atan(t): the interval of |x| is told by the upper bits of |x| + ATAN_BIAS: 3 bits
# a binade from 1/2 on. Below EDGE, where atan reaches 1/4, c = 0; EDGE is a bound of the intervals.
EDGE = mp.tan(mpf(1) / 4)
BIAS = nearest(mpf(3) / 4 - EDGE, 20)
LAST = 6
centres, angles, worst, largest = [], [], 0, 0
for index in range(16):
    binade, part = divmod(index, 4)
    low = mpf(2) ** (binade - 1) * (1 + mpf(part) / 4) - BIAS
    high = mpf(2) ** (binade - 1) * (1 + mpf(part + 1) / 4) - BIAS
    if index in (0, 1, 15):
        c, angle, ends = mpf(0), mpf(0), [EDGE]
    elif index == 14:
        # tan of the float nearest to pi/2: the low part of pi/2 is in c.
        angle = nearest(mp.pi / 2)
        c = nearest(mp.tan(angle))
        ends = [low]
        assert low < LAST < high
    else:
        c, angle = lucky(centre(low, high), mp.atan)
        ends = [low, high]
    centres.append(c)
    angles.append(angle)
    for x in ends:
        t = abs((x - c) / (1 + x * c))
        largest = max(largest, t)
        if c > 0:
            worst = max(worst, t * 2**-53 / ulp(mp.atan(max(x, low * (1 + mpf(2) ** -50)))))
print(f"atan: |t| <= {float(largest):.4f}; beyond the first interval t / 2^53 <= {float(worst):.3f} ulp")

# The exponent field of 1/2 is 1022: its last two bits are 10.
centres, angles = centres[8:] + centres[:8], angles[8:] + angles[:8]
out.scalar("ATAN_BIAS", BIAS, "Added to |x|: the index of the tables is in the upper bits of the sum.")
out.array("ATAN_CENTRES", centres, "c of each interval: atan(c) is within 2^-10 ulp of a float.")
out.array("ATAN_ANGLES", angles, "atan(c), rounded.")
bound = largest**2 * mpf("1.0001")


def series(count, bound, name, single=False):
    """p of atan t = t + t^3 p(t^2)."""
    coefficients, error = fit(
        lambda z: mp.atan(mp.sqrt(z)) / mp.sqrt(z), mpf(2) ** -20, bound, range(0, count + 1),
        weight=lambda z: mp.sqrt(z) / mp.atan(mp.sqrt(z)), fixed={0: 1})
    out.array(name, [coefficients[k] for k in range(1, count + 1)],
              f"p of atan t = t + t³·p(t²), t² ≤ {float(bound):.4f}; relative error 2^{log2(error)}.")
    print(name, count, log2(error))


series(8, bound, "ATAN")
series(11, mpf(1), "ATAN_WIDE")

# atan2(y, x) = s (atan(q) - atan(c)) + H with q = |y/x| and s, H by the sign of x. The interval is told
# by d, the difference of the bits of |y| and |x|: log2 q within 0.09. Four a binade below d = 0, two above.
STEPS = 64


def mantissa(level):
    """Of the number whose bits read as a logarithm are `level`."""
    whole = mp.floor(level)
    return mpf(2) ** whole * (1 + level - whole)


def reach(low, high):
    """The least and greatest quotient with such a d."""
    levels = [mpf(k) / STEPS for k in range(STEPS + 1)]
    return (min(mantissa(v + low) / mantissa(v) for v in levels),
            max(mantissa(v + high) / mantissa(v) for v in levels))


def angle_left(c):
    return mp.pi - mp.atan(c)


FIRST, FINAL = -9, 5
centres, angles, largest = [mpf(0)] * 32, [mpf(0)] * 32, 0
for k in range(FIRST, FINAL + 1):
    scale = mpf(4) if k < 0 else mpf(2)
    low, high = reach(k / scale, (k + 1) / scale)
    if k == FIRST:
        right = (mpf(0), mpf(0))
        angle = nearest(mp.pi)
        left = (nearest(mp.tan(mp.pi - angle)), angle)
        ends = [high]
    elif k == FINAL:
        angle = nearest(mp.pi / 2)
        right = (nearest(mp.tan(angle)), angle)
        left = (-right[0], angle)
        ends = [low]
    else:
        c = centre(low, high)
        right, left = lucky(c, mp.atan), lucky(c, angle_left)
        ends = [low, high]
    centres[k % 32], angles[k % 32] = right
    centres[k % 32 ^ 16], angles[k % 32 ^ 16] = left
    t = [abs((q - right[0]) / (1 + q * right[0])) for q in ends]
    largest = max(largest, *t)
    print("atan2", k, [f"{float(v):.4f}" for v in ends + t])
out.array("ATAN2_CENTRES", centres, "c of each interval of d, and of the sign of x in bit 4.")
out.array("ATAN2_ANGLES", angles, "atan(c), or π - atan(c) where x is negative, within 2^-10 ulp.")
assert largest**2 < bound

# asin t = t + t^3 p(t^2) up to t = 1/2, beyond which 1 - x takes over.
for count, name, bits in ((13, "ASIN", 53), (5, "ASIN_SINGLE", 24)):
    coefficients, error = fit(
        lambda z: mp.asin(mp.sqrt(z)) / mp.sqrt(z), mpf(2) ** -20, mpf(1) / 4, range(0, count + 1),
        weight=lambda z: mp.sqrt(z) / mp.asin(mp.sqrt(z)), fixed={0: 1},
        precisions={k: bits for k in range(1, count + 1)})
    out.array(name, [coefficients[k] for k in range(1, count + 1)],
              f"p of asin t = t + t³·p(t²), |t| ≤ 1/2; relative error 2^{log2(error)}.")
    print(name, count, log2(error))

# The low part of pi/2 and pi as a share of the high one.
for name, bits in (("PI_REST", 53), ("PI_REST_SINGLE", 24)):
    high = nearest(mp.pi, bits)
    out.scalar(name, nearest((mp.pi - high) / high, bits), f"What π lacks in {bits} bits of precision, relative to it.")

out.write()
