"""Constants of the inverse hyperbolic functions: writes src/coefficients/inverse_hyperbolic.rs."""

from mpmath import mpf

from remez import Constants

out = Constants("inverse_hyperbolic", "inverse_hyperbolic.py", "Constants of the inverse hyperbolic functions.")


def deviation(t, f):
    """y·w - 1 of w = 1 + f where y's bits are those of 2 - t less those of w (exponents by halves)."""
    y = (2 - f - t) / 2 if f + t <= 1 else (3 - f - t) / 4
    return (1 + f) * y - 1


def worst(t):
    return max(abs(deviation(t, mpf(k) / 400)) for k in range(401))


low, high = mpf(0), mpf(1)
while high - low > mpf(2) ** -30:
    left, right = (2 * low + high) / 3, (low + 2 * high) / 3
    if worst(left) < worst(right):
        high = right
    else:
        low = left
seeds = [int((2046 - low) * 2**52), int((254 - low) * 2**23)]
out.words("RECIPROCAL", seeds,
          f"These less a positive float's bits are the bits of its reciprocal, within {float(worst(low)):.2f} of it; f64 and f32.",
          kind="i64")
print(float(low), float(worst(low)))

out.write()
