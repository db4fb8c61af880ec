"""Constants of tanh: writes src/coefficients/hyperbolic.rs.

tanh(x) = T + S·tanh(t) / (1 + T·tanh(t)) with t = x - c, T = tanh(c), S = 1 - T²: c and T from tables of 32
intervals, told by the upper bits of 1 + x·SLOPE, which lies in [1, 16): eight intervals a binade. The first
few intervals have c = 0.
"""

from mpmath import mp, mpf

from remez import Constants, fit, nearest

ENTRIES = 32

out = Constants("hyperbolic", "hyperbolic.py", "Constants of tanh; those of f32 end in SINGLE.")


def ulp(value, bits):
    return mpf(2) ** (mp.floor(mp.log(abs(value), 2)) + 1 - bits)


def log2(value):
    return f"2^{float(mp.log(value, 2)):.1f}"


def lucky(c, bits):
    """A float near c whose T is within 2^-9 ulp of a float, and 1 - T² within 2^-4 ulp of one."""
    value = nearest(mp.tanh(c), bits)
    step = ulp(value, bits)
    while True:
        c, slope = nearest(mp.atanh(value), bits), 1 - value**2
        if abs(mp.tanh(c) - value) < step / 512 and abs(slope - nearest(slope, bits)) < ulp(slope, bits) / 16:
            return c, value
        value -= step


def table(suffix, bits, top, slope, merged, terms):
    """Centres and their tanh, and p of tanh t = t + t³·p(t²)."""
    single = bits == 24
    bounds = [(mpf(2) ** (k // 8) * (1 + mpf(k % 8) / 8) - 1) / slope for k in range(ENTRIES + 1)]
    assert bounds[-1] > top
    edge = bounds[merged]
    centres, values, worst = [mpf(0)] * merged, [mpf(0)] * merged, 0
    # What is asked of the polynomial at each |t|: the error of t in ulps of the result.
    spans = [(edge, mpf(1))]
    for low, high in list(zip(bounds, bounds[1:]))[merged:]:
        c, value = lucky((low + high) / 2, bits)
        centres.append(c)
        values.append(value)
        reach = max(c - low, high - c)
        share = (1 - value**2) / (1 - value * mp.tanh(reach))
        unit = ulp(mp.tanh(low * (1 + mpf(2) ** -40)), bits)
        worst = max(worst, share * reach * mpf(2) ** -bits / unit)
        spans.append((reach, share / mp.tanh(low)))
    print(f"tanh{suffix}: edge {float(edge):.4f}; beyond it a rounding of t is at most {float(worst):.3f} ulp")
    # The exponent field of 1 ends in 11.
    centres, values = centres[8:] + centres[:8], values[8:] + values[:8]
    kind = {"single": True} if single else {}
    out.scalar(f"TANH_SLOPE{suffix}", slope, "1 and this times |x| have the index of the tables in their upper bits.")
    out.scalar(f"TANH_TOP{suffix}", top, "tanh rounds to 1 from here on.")
    out.array(f"TANH_CENTRES{suffix}", centres, "c of each interval.", static=True, **kind)
    out.array(f"TANH_VALUES{suffix}", values, "tanh(c), within 2^-9 ulp.", static=True, **kind)

    def weight(z):
        """The largest share of the result that tanh t has, for this t; relative to t about 0."""
        t = mp.sqrt(z)
        share = max(share for reach, share in spans if t <= reach * mpf("1.0001"))
        return mp.sqrt(z) / mp.tanh(mp.sqrt(z)) if t <= edge * mpf("1.0001") else share * t

    most = max(reach for reach, _ in spans)
    coefficients, error = fit(
        lambda z: mp.tanh(mp.sqrt(z)) / mp.sqrt(z), mpf(2) ** -20, (most * mpf("1.0001")) ** 2, range(terms + 1),
        weight=weight, fixed={0: 1}, precisions={k: bits for k in range(1, terms + 1)})
    out.array(f"TANH{suffix}", [coefficients[k] for k in range(1, terms + 1)],
              f"p of tanh t = t + t³·p(t²), |t| ≤ {float(edge):.4f}; error {log2(error)} of tanh x.")
    print(f"tanh{suffix}", terms, log2(error))


table("", 53, mpf("19.125"), mpf(25) / 32, 3, 10)
table("_SINGLE", 24, mpf("9.25"), nearest("1.6", 20), 5, 5)

out.write()
