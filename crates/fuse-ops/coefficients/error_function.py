"""Constants of erf and erfc: writes src/coefficients/error_function.rs."""

from mpmath import mp, mpf

from remez import Constants, fit, least_squares, nearest, split

out = Constants("error_function", "error_function.py", "Constants of the error function.")


def log2(value):
    return f"2^{float(mp.log(value, 2)):.1f}"


def pieces(name, function, centres, bounds, degree, doc, odd_first=False, constant=(53, 53)):
    """Columns of the polynomials of function(centre + t), their constants in hi + lo unless told."""
    rows, errors = [], []
    for centre, (low, high) in zip(centres, bounds):
        odd = odd_first and centre == 0
        coefficients, worst = fit(
            lambda t: function(centre + t), low - centre, high - centre,
            range(1, degree + 1, 2) if odd else range(degree + 1),
            weight=lambda t: 1 / function(centre + t), precisions={0: constant}, method=least_squares,
        )
        rows.append(split(coefficients.get(0, mpf(0)), *constant) + [coefficients.get(k, mpf(0)) for k in range(1, degree + 1)])
        errors.append(worst)
    print(name, [log2(error) for error in errors])
    columns = [list(column) for column in zip(*rows)]
    out.columns(name, columns, f"{doc}; relative error {log2(max(errors))}.")


# erf: centres k w, |t| <= w/2, k < 16: up to 5.93, where erf rounds to 1.
width, top = mpf(49) / 128, mpf(759) / 128
out.scalar("INTERVALS", nearest(1 / width), "1/WIDTH.")
out.scalar("WIDTH", width, "The distance of centres of erf.")
out.scalar("TOP", top, "erf rounds to 1 from here on.")
margin = mpf("1e-9")
centres = [k * width for k in range(16)]
bounds = [(centre - width / 2 - margin, centre + width / 2 + margin) for centre in centres]
pieces("ERF", mp.erf, centres, bounds, 13,
       "Columns of erf(k·WIDTH + t): constant hi and lo, coefficients of t to t^13", odd_first=True)

# erf of f32: x P(x^2).
top = mpf("3.9375")
coefficients, worst = fit(
    lambda u: mp.erf(mp.sqrt(u)) / mp.sqrt(u) if u else 2 / mp.sqrt(mp.pi), mpf("1e-30"), top**2, range(18),
    weight=lambda u: mp.sqrt(u) / mp.erf(mp.sqrt(u)), method=least_squares,
)
out.scalar("TOP_SINGLE", top, "erf rounds to 1 in f32 from here on.")
out.array("ERF_SINGLE", [coefficients[k] for k in range(18)],
          f"P of erf(x) = x·P(x²), |x| ≤ TOP_SINGLE; relative error {log2(worst)}.")

# erfc: y = x + 2 in [2, 32), four intervals in each binade.
def scaled_erfc(x):
    return mp.exp(x * x) * mp.erfc(x)


def quarters(binades):
    for binade in range(1, 1 + binades):
        for quarter in range(4):
            yield mpf(2) ** binade * (1 + mpf(quarter) / 4) - 2, mpf(2) ** binade * (1 + mpf(quarter + 1) / 4) - 2


bounds = list(quarters(4))
centres = [(low + high) / 2 for low, high in bounds]
pieces("ERFC", scaled_erfc, centres, bounds, 15,
       "Columns of exp(x²)·erfc(x) about the centres: constant hi and lo, coefficients of t to t^15")
pieces("ERFC_SINGLE", scaled_erfc, centres, bounds, 7,
       "Columns of exp(x²)·erfc(x) for results of f32: coefficients of 1 to t^7", constant=(53,))

out.write()
