"""Constants of the exponentials: writes src/coefficients/exp.rs."""

from mpmath import mp, mpf

from remez import Constants, fit, nearest, split, trailing_zeros

out = Constants("exp", "exp.py", "Constants of the exponentials.")

# r = x - n ln2 in two multiply-adds: n has at most 11 bits, so n * LN2_HI is exact.
high = trailing_zeros(mp.ln(2), 42)
out.scalar("LOG2_E", nearest(1 / mp.ln(2)), "log2(e).")
out.scalar("LN2_HI", high, "ln 2 to 42 bits: n·LN2_HI is exact for |n| < 2^11.")
out.scalar("LN2_LO", nearest(mp.ln(2) - high), "ln 2 - LN2_HI.")

# e^r = 1 + r + r^2 q(r); the error is relative to e^r.
half = mp.ln(2) / 2 * mpf("1.0001")
coefficients, worst = fit(
    mp.exp, -half, half, range(2, 13), weight=lambda r: mp.exp(-r), fixed={0: 1, 1: 1}
)
out.array("EXP", [coefficients[k] for k in range(2, 13)],
          f"q of e^r = 1 + r + r²·q(r), |r| ≤ 0.3466; relative error 2^{float(mp.log(worst, 2)):.1f}.")

out.write()
