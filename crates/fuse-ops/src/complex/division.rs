//! Quotients.
//!
//! Smith's method (CACM 5, 1962), as NumPy: of a divisor c + di the larger part is divided out,
//!
//! ```text
//! |c| ≥ |d|   r = d/c, s = 1/(c + d·r):   (a + b·r)·s  and  (b - a·r)·s
//! |c| < |d|   r = c/d, s = 1/(d + c·r):   (a·r + b)·s  and  (b·r - a)·s
//! ```
//!
//! each operation rounded: the bits of c128 are NumPy's where nothing leaves the range. Error: r has u,
//! c + d·r (of terms of one sign, the second at most half of the sum) 2u, s 3u; a + b·r has u·|b·r| for r,
//! as much for the product, and u for the sum. Normwise below (3 + √2 + 1 + 1)u = 6.4u, and u for
//! the last product: 3.7 ulp at |z| just above a power of two, twice that below one if all conspired; measured
//! below 3.
//!
//! c64 is divided in f64, where products are exact and sums nearly: each part within 0.51 ulp of |z|.
//!
//! Rare: divisors or dividends whose larger part is outside [2^-900, 2^900). If both are finite and the
//! divisor not 0 they are scaled by powers of two, and the quotient scaled back, one rounding where it is subnormal: NumPy
//! overflows there, and 0 by a tiny number is NaN. All others by the plain formula: `z / 0` is (a/|c|, b/|c|), which is infinite or NaN.

use super::{Complex, roots::larger};
use crate::elementary::roots::outside;
use crate::pen::{Pen, Value};

/// `a / b`.
pub(super) fn divide<'p>(pen: &'p Pen, a: Complex<'p>, b: Complex<'p>) -> Complex<'p> {
    let (low, high) = (2f64.powi(-900), 2f64.powi(900));
    let unusual = outside(larger(a), low, high) | outside(larger(b), low, high);
    let usual = smith(a, b);
    usual.rare(pen, unusual, [a.re, a.im, b.re, b.im], |_, [a, b, c, d]| {
        unusual_quotient(Complex::new(a, b), Complex::new(c, d))
    })
}

fn smith<'p>(a: Complex<'p>, b: Complex<'p>) -> Complex<'p> {
    let flat = b.im.abs().le(b.re.abs());
    let (most, least) = (flat.select(b.re, b.im), flat.select(b.im, b.re));
    let ratio = least / most;
    let scale = 1.0 / (most + least * ratio);
    // Of a·(1 - i·r) or a·(r - i); sums of products in either order.
    let (first, second) = (flat.select(a.re, a.im), flat.select(a.im, a.re));
    let (sum, difference) = (first + second * ratio, second - first * ratio);
    let difference = flat.select(difference, -difference);
    Complex::new(sum * scale, difference * scale)
}

fn unusual_quotient<'p>(a: Complex<'p>, b: Complex<'p>) -> Complex<'p> {
    let (most_a, most_b) = (larger(a), larger(b));
    let plain = smith(a, b);
    let zero = Complex::new(a.re / most_b, a.im / most_b);
    let plain = most_b.equals(0.0).choose(zero, plain);
    // Twice 2^±600 brings any number but 0 near 1.
    let (a, up) = near_one(a, most_a);
    let (b, down) = near_one(b, most_b);
    let scaled = smith(a, b).map(|part| rescaled(part, up, down));
    (most_b.gt(0.0) & a.is_finite() & b.is_finite()).choose(scaled, plain)
}

/// z·2^-k and k ∈ {-600, 0, 600}, as floats, such that the larger part is within 2^±474.
fn near_one<'p>(z: Complex<'p>, most: Value<'p>) -> (Complex<'p>, Value<'p>) {
    let (huge, tiny) = (most.gt(2f64.powi(400)), most.lt(2f64.powi(-400)));
    let one = most.constant(1.0);
    let by = |big: i32| {
        let [down, up] = [-big, big].map(|power| most.constant(2f64.powi(power)));
        huge.select(down, tiny.select(up, one))
    };
    (z.map(|part| part * by(600)), by(-600))
}

/// part·up/down, up and down powers of two: the factors are multiplied first where that is exact, so
/// that only one product rounds.
fn rescaled<'p>(part: Value<'p>, up: Value<'p>, down: Value<'p>) -> Value<'p> {
    // up/down is 2^k with k among 0, ±600, ±1200; in two steps of half of it.
    let grows = up.gt(down);
    let shrinks = up.lt(down);
    let both = (up * down).equals(1.0) & (grows | shrinks);
    let one = part.constant(1.0);
    let step = grows
        .select(part.constant(2f64.powi(300)), shrinks.select(part.constant(2f64.powi(-300)), one));
    let last = both.select(step * step, one);
    part * step * step * last
}
