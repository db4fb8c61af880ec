"""Constants of exp and log in hi + lo: writes src/coefficients/extended.rs."""

from mpmath import mp, mpf

from remez import Constants, fit, least_squares, nearest, split, trailing_zeros

out = Constants("extended", "extended.py", "Constants of the exponential and the logarithm in hi + lo.")


def log2(value):
    return f"2^{float(mp.log(value, 2)):.1f}"


# exp: n = round(x 16/ln2) has at most 15 bits, so n * STEP_HI is exact.
step = mp.ln(2) / 16
step_high = trailing_zeros(step, 38)
out.scalar("STEPS", nearest(1 / step), "16/ln 2.")
out.scalar("STEP_HI", step_high, "ln 2/16 to 38 bits: n·STEP_HI is exact for |n| < 2^15.")
out.scalar("STEP_LO", nearest(step - step_high), "ln 2/16 - STEP_HI.")
powers = [split(mpf(2) ** (mpf(j) / 16), 53, 53) for j in range(16)]
out.array("POWER_HI", [high for high, _ in powers], "2^(j/16).", static=True)
out.array("POWER_LO", [low for _, low in powers], "2^(j/16) - POWER_HI.", static=True)

half = step / 2 * mpf("1.001")
coefficients, worst = fit(mp.exp, -half, half, range(2, 8), weight=lambda r: mp.exp(-r), fixed={0: 1, 1: 1},
                          method=least_squares)
out.array("POWER", [coefficients[k] for k in range(2, 8)],
          f"q of e^r = 1 + r + r²·q(r), |r| ≤ 0.0217; relative error {log2(worst)}.")

# Of f32, in f64: e^r for |r| <= ln2/2.
half = mp.ln(2) / 2 * mpf("1.001")
coefficients, worst = fit(mp.exp, -half, half, range(8), weight=lambda r: mp.exp(-r))
out.scalar("LOG2_E", nearest(1 / mp.ln(2)), "log2(e).")
out.scalar("LN2", nearest(mp.ln(2)), "ln 2.")
out.array("POWER_SINGLE", [coefficients[k] for k in range(8)],
          f"e^r for results of f32, |r| ≤ 0.3467; relative error {log2(worst)}.")

# log: m in [1, 2) is c(1 + r) with 1/c of 8 bits, c near the middle of m's sixteenth. log c is on a
# grid of 2^-42, as ln2_high is, so that k ln2_high + logc_high is exact.
grid = mpf(2) ** 42
ln2_high = mp.nint(mp.ln(2) * grid) / grid
out.scalar("LN2_HI", ln2_high, "ln 2 on a grid of 2^-42.")
out.scalar("LN2_LO", nearest(mp.ln(2) - ln2_high), "ln 2 - LN2_HI.")
inverses = [trailing_zeros(1 / (1 + (j + mpf(1) / 2) / 16), 8) for j in range(16)]
highs = [mp.nint(-mp.log(inverse) * grid) / grid for inverse in inverses]
lows = [nearest(-mp.log(inverse) - high) for inverse, high in zip(inverses, highs)]
ends = [(1 + mpf(j + side) / 16) * inverse - 1 for j, inverse in enumerate(inverses) for side in (0, 1)]
low, high = min(ends), max(ends)
out.array("INVERSE", inverses, "1/c to 8 bits, c near 1 + (j + 1/2)/16.", static=True)
out.array("LOG_HI", highs, "log c on a grid of 2^-42.", static=True)
out.array("LOG_LO", lows, "log c - LOG_HI.", static=True)
coefficients, worst = fit(lambda r: mp.log(1 + r), low, high, range(3, 11), fixed={0: 0, 1: 1, 2: mpf(-1) / 2},
                          method=least_squares)
out.array("LOG", [coefficients[k] for k in range(3, 11)],
          f"q of log(1 + r) = r - r²/2 + r³·q(r), {float(low):.4f} ≤ r ≤ {float(high):.4f}; error {log2(worst)}.")
coefficients, worst = fit(lambda r: mp.log(1 + r), low, high, range(1, 6), fixed={0: 0},
                          method=least_squares)
out.array("LOG_SINGLE", [coefficients[k] for k in range(1, 6)],
          f"q of log(1 + r) = r·q(r) for results of f32; error {log2(worst)}.")

out.write()
