"""Constants of the exponentials: writes src/coefficients/exp.rs.

b^x = 2^n b^r with r = x - n log_b 2. A polynomial for b^r is fitted as the sum of an even one for
cosh(r ln b) and an odd one for sinh(r ln b): the same number of coefficients and nearly the error of
a joint fit, but better conditioned, and the hyperbolic functions use the two parts.
"""

from mpmath import mp, mpf

from remez import Constants, chebyshev_nodes, fit, nearest, split, trailing_zeros

out = Constants("exp", "exp.py", "Constants of the exponentials; those of f32 end in SINGLE.")

DTYPES = {
    # bits, bits of a step that are exact when multiplied by n, the largest powers of the polynomials
    "": (53, 42, (10, 11)),
    "_SINGLE": (24, 15, (6, 5)),
}


def tail(base, bound, bits, powers, slope, weight=lambda r: 1, fixed={}):
    """Coefficients of r^2, r^3, ... of b^r; `slope` is that of r. The error is relative to b^r."""
    ln = mp.ln(base)
    precisions = {k: bits for k in range(20)}
    even, _ = fit(lambda r: mp.cosh(r * ln), bound / 10**9, bound, range(2, powers[0] + 1, 2), weight,
                  fixed={0: 1, **fixed}, precisions=precisions)
    odd, _ = fit(lambda r: mp.sinh(r * ln), bound / 10**9, bound, range(3, powers[1] + 1, 2),
                 weight, fixed={1: slope}, precisions=precisions)
    all_of_them = {**even, **odd}
    worst = max(
        abs(sum(c * r**k for k, c in all_of_them.items()) * mp.exp(-r * ln) - 1)
        for r in chebyshev_nodes(-bound, bound, 601)
    )
    return [all_of_them[k] for k in range(2, max(powers) + 1)], float(mp.log(worst, 2))


for suffix, (bits, exact, powers) in DTYPES.items():
    n_bits = bits - exact

    # e^x: r = x - n ln 2 in two multiply-adds; n * LN2_HI is exact.
    bound = mp.ln(2) / 2 * mpf("1.0001")
    high = trailing_zeros(mp.ln(2), exact)
    out.scalar(f"LOG2_E{suffix}", nearest(1 / mp.ln(2), bits), "log2(e).")
    out.scalar(f"LN2_HI{suffix}", high, f"ln 2 to {exact} bits: n·LN2_HI is exact for |n| < 2^{n_bits}.")
    out.scalar(f"LN2_LO{suffix}", nearest(mp.ln(2) - high, bits), "ln 2 - LN2_HI.")
    terms, worst = tail(mp.e, bound, bits, powers, 1)
    out.array(f"EXP{suffix}", terms, f"q of e^r = 1 + r + r²·q(r), |r| ≤ 0.3466; relative error 2^{worst:.1f}.")
    fine = (powers[0] + 2, powers[1]) if bits == 53 else (powers[0], powers[1] + 2)
    terms, worst = tail(mp.e, bound, bits, fine, 1, lambda r: 1 / r, {2: mpf("0.5")})
    out.array(f"EXPM1{suffix}", [2 * term for term in terms[1:]],
              "p of e^r = 1 + r + r²/2·(1 + r·p(r)), a term more: relative error "
              f"2^{worst:.1f}, near 0 that of e^r - 1 too.")

    # cosh r and sinh r, for the hyperbolic functions.
    few = (10, 11) if bits == 53 else (6, 7)
    precisions = {k: bits for k in range(20)}
    even, worst = fit(mp.cosh, bound / 10**9, bound, range(2, few[0] + 1, 2), fixed={0: 1},
                      precisions=precisions)
    out.array(f"COSH{suffix}", [even[k] for k in range(2, few[0] + 1, 2)],
              f"p of cosh r = 1 + r²·p(r²), |r| ≤ 0.3466; error 2^{float(mp.log(worst, 2)):.1f}.")
    odd, worst = fit(mp.sinh, bound / 10**9, bound, range(3, few[1] + 1, 2), lambda r: 1 / r,
                     fixed={1: 1}, precisions=precisions)
    out.array(f"SINH{suffix}", [odd[k] for k in range(3, few[1] + 1, 2)],
              f"p of sinh r = r + r³·p(r²); relative error 2^{float(mp.log(worst, 2)):.1f}.")

    # 2^x: r = x - n is exact.
    slope = split(mp.ln(2), bits, bits)
    terms, worst = tail(2, mpf("0.5001"), bits, powers, sum(slope))
    out.scalar(f"LN2{suffix}", slope[0], "ln 2.")
    out.array(f"EXP2{suffix}", [slope[1]] + terms,
              f"p of 2^r = 1 + LN2·r + r·p(r), |r| ≤ 0.5; relative error 2^{worst:.1f}.")

    # 10^x: r = x - n log10 2 in two multiply-adds.
    bound = mp.log10(2) / 2 * mpf("1.0001")
    high = trailing_zeros(mp.log10(2), exact)
    low = nearest(mp.log10(2) - high, bits)
    slope = split(mp.ln(10), bits, bits)
    out.scalar(f"LOG2_10{suffix}", nearest(1 / mp.log10(2), bits), "log2(10).")
    out.scalar(f"LG2_HI{suffix}", high, f"log10 2 to {exact} bits: n·LG2_HI is exact for |n| < 2^{n_bits}.")
    out.scalar(f"LG2_LO{suffix}", low, "log10 2 - LG2_HI.")
    out.scalar(f"LG2_REST{suffix}", nearest(low * mp.ln(10), bits), "LG2_LO·ln 10.")
    terms, worst = tail(10, bound, bits, powers, sum(slope))
    out.scalar(f"LN10{suffix}", slope[0], "ln 10.")
    out.array(f"EXP10{suffix}", [slope[1]] + terms,
              f"p of 10^r = 1 + LN10·r + r·p(r), |r| ≤ 0.1506; relative error 2^{worst:.1f}.")

out.write()
