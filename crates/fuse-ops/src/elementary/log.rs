//! Logarithms.
//!
//! **log, log2, log10 of f64.** x = 2^k·m with m in [1, 2), by the bits. A table of 16 intervals of
//! m gives s/c, c near the middle, and log c = high + low; then, with q = m·(s/c) - s,
//!
//! ```text
//! log x = k·log 2 + log c + log(1 + q/s) = [k·log 2 + high] + q + [low + q·p(q)]
//! ```
//!
//! (table-driven reduction: Tang, ACM TOMS 16, 1990). What is particular here:
//! * s/c has so few bits that q is exact: m is a multiple of 2^-52, s/c of 2^-b, and |q| ≤ 2^(1-b).
//! * The first interval has c = 1 and the last c = 2, with the parts of log 2 as its entries: beside 1
//!   all that stands before q cancels exactly, 1 may lie between two intervals, and the bits are used
//!   as they are. -1/25 < q/s < 1/16.
//! * s is 1 for log, 3/2 for log2 and 7/16 for log10: so near to 1/ln(base) that q is the leading term,
//!   and no product with 1/ln(base) in two parts is needed. p has what is left, at most 0.04·q.
//! * k·log 2 + high is exact: both are multiples of 2^-42, below 2^11.
//! * One comparison finds all that is rare, of the bits that the reduction needs anyway.
//!
//! Error in ulp of the result: `fast_two_sum` of the exact part and q is exact, the last sum ½. In
//! the small part q·p ≈ q²/2 has three roundings of at most one ulp(q²/2)/2 each; where c = 1, q is
//! the result and ≤ 1/16: 3·½·2·(1/32) = 0.09; elsewhere |q| < 0.04 is at most 2/3 of the result:
//! less. log2's term 0.04·q adds 0.04, polynomials (2^-58.4 beside q at most) 0.03: 0.62 and 0.66.
//! Measured 0.55, 0.62, 0.58. Powers of two (log2) and of ten (log10) have the integer: before the
//! last sum the error is below 2^-56.
//!
//! **log1p of f64.** u = 1 + x, rounded, and its error c, exact (Kahan's correction): c·2^-k·(s/c') is
//! added to q for the polynomial, and to the small part of the sum. For |x| near 2^-53 c is as large
//! as x/2, and the rounding of the small part is ¼ ulp of the result: 0.75.
//!
//! **f32.** m in [√½, √2), f = m - 1, and log(1 + f) = s·f + d·f + e·f² + f³·p(f). No table:
//! lookups go lane by lane on 128 bits. s·f is exact (log10: s = 1/2 - 1/16, two terms). log has s = 1, d = 0 and
//! e = -1/2, so that e·f is exact too and one multiply-add has all of e·f²; for the others f² has its residual. In
//! ulp: the last sum ½; that of the small part, below 1/8 beside a result above
//! 1/4, ⅛; the others 0.1; polynomials 0.03. Measured 0.73 to 0.77. For log1p f + c is rounded
//! where k ≠ 0, which moves p's argument by half its ulp, where the derivative is below 0.4: with
//! the loss times -f added to the small part 0.06 of 0.2 ulp remain. What is rare is found from the bits that the
//! reduction needs, as of f64: these make a binade begin at √½, hence numbers up to √2 times the least normal one
//! are rare as well.
//!
//! Considered and left, by count and bound: 32 intervals and 2 coefficients fewer (on AVX-512 three
//! instructions a column instead of one); 9 coefficients (error 2^-55: 0.75 ulp for one primitive);
//! c chosen so that log c has zeros behind its leading bits (Gal), without the column of low parts
//! (q is rounded: ¼ ulp more); a division, q = f/(2 + f), without a table (32 primitives on AVX-512).
//! Measured of f32: without the residual of f² 0.94; log10 with s = 1/2 alone 1.2, with f·7/16
//! rounded 0.93; log1p without the correction of p's argument 0.82.

use crate::coefficients::log as table;
use crate::pen::{Double, Pen, Value};

/// A base's constants: see the module.
struct Base {
    /// s, near 1 / ln(base), with few bits.
    scale: f64,
    /// s in two parts, of f32: products of the first and m - 1 are exact.
    single: [f64; 2],
    /// s/c, and log c in two parts.
    table: [&'static [f64; 16]; 3],
    /// log 2 in two parts, of f64 and of f32.
    two: [[f64; 2]; 2],
    /// p of log(1 + q/s) = q + q·p(q), of f64 and of f32; without p's zero where s = 1.
    rest: [&'static [f64]; 2],
}

static NATURAL: Base = Base {
    scale: 1.0,
    single: [1.0, 0.0],
    table: [&table::LOG_RECIPROCAL, &table::LOG_HIGH, &table::LOG_LOW],
    two: [[table::LN2_HI, table::LN2_LO], [table::LN2_HI_SINGLE, table::LN2_LO_SINGLE]],
    rest: [&table::LOG, &table::LOG_SINGLE],
};

static BINARY: Base = Base {
    scale: 1.5,
    single: [1.5, 0.0],
    table: [&table::LOG2_RECIPROCAL, &table::LOG2_HIGH, &table::LOG2_LOW],
    two: [[1.0, 0.0], [1.0, 0.0]],
    rest: [&table::LOG2, &table::LOG2_SINGLE],
};

static DECIMAL: Base = Base {
    scale: 0.4375,
    single: [0.5, -0.0625],
    table: [&table::LOG10_RECIPROCAL, &table::LOG10_HIGH, &table::LOG10_LOW],
    two: [
        [table::LOG10_2_HI, table::LOG10_2_LO],
        [table::LOG10_2_HI_SINGLE, table::LOG10_2_LO_SINGLE],
    ],
    rest: [&table::LOG10, &table::LOG10_SINGLE],
};

/// `log(x)`.
pub fn log<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    of_base(pen, x, &NATURAL)
}

/// `log2(x)`.
pub fn log2<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    of_base(pen, x, &BINARY)
}

/// `log10(x)`.
pub fn log10<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    of_base(pen, x, &DECIMAL)
}

/// `log1p(x)`.
pub fn log1p<'p>(pen: &'p Pen, x: Value<'p>) -> Value<'p> {
    let u = 1.0 + x;
    let usual = log_sum(u, x - (u - 1.0)).rounded();
    // Only -0 needs it.
    let usual = (usual.bits() | x.sign_bit()).as_float();
    pen.rare(is_rare(u), [u], [usual], |_, [u]| [domain(u, u)])[0]
}

/// log(x·2^-bias) of a positive normal x, as hi + lo with an error of about 2^-59 of it.
pub(crate) fn log_double(x: Value<'_>, bias: i32) -> Double<'_> {
    logarithm(x, bias, None, &NATURAL)
}

/// log(u + carry) of a positive normal u, |carry| ≤ ulp(u), as hi + lo with an error of about 2^-59
/// of it.
pub(crate) fn log_sum<'p>(u: Value<'p>, carry: Value<'p>) -> Double<'p> {
    logarithm(u, 0, Some(carry), &NATURAL)
}

fn of_base<'p>(pen: &'p Pen, x: Value<'p>, base: &'static Base) -> Value<'p> {
    let usual = logarithm(x, 0, None, base).rounded();
    pen.rare(is_rare(x), [x], [usual], |_, [x]| {
        let bias = if x.is_single() { 24 } else { 54 };
        let scaled = x * f64::from(bias).exp2();
        [domain(x, logarithm(scaled, bias, None, base).rounded())]
    })[0]
}

/// The logarithm at its edges, of 0, negative numbers, infinity and NaN; `inner` of all others.
pub(crate) fn domain<'p>(x: Value<'p>, inner: Value<'p>) -> Value<'p> {
    let positive = x.equals(f64::INFINITY).select(x, inner);
    let others = x.equals(0.0).select(x.constant(f64::NEG_INFINITY), f64::NAN);
    x.gt(0.0).select(positive, others)
}

/// Is it not a positive normal number? The bits of those that are go from the smallest normal number's
/// to infinity's: less the former, and with the sign flipped, they are the smallest signed integers. For the sake
/// of the reduction f32 starts somewhat later.
pub(super) fn is_rare(x: Value<'_>) -> Value<'_> {
    if x.is_single() {
        (x.bits() - ORIGIN_SINGLE).gt(i32::MIN + (0x7f7f_ffff - LEAST))
    } else {
        (x.bits() - ORIGIN).gt(i64::MIN + (2046 << 52) - 1)
    }
}

const ORIGIN: i64 = i64::MIN + (1 << 52);

/// The bits of √½·2^-125: what the reduction of f32 takes for the first of a binade.
const LEAST: i32 = ROOT_HALF - (125 << 23);

const ORIGIN_SINGLE: i32 = i32::MIN + LEAST;

/// log((x + carry)·2^-bias) of a positive normal x.
fn logarithm<'p>(x: Value<'p>, bias: i32, carry: Option<Value<'p>>, base: &Base) -> Double<'p> {
    let reduce = if x.is_single() { single } else { double };
    let Reduced { hi, lo, q, carry } = reduce(x, bias, carry, base);
    let Some(carry) = carry else { return Double::new(hi, rest(q, lo, base)) };
    let (arg, lo) = (q + carry, lo + carry);
    if !x.is_single() {
        return Double::new(hi, rest(arg, lo, base));
    }
    // What p's argument lost in rounding, times the derivative: -q/(1 + q), roughly -q.
    let lost = carry - (arg - q);
    Double::new(hi, rest(arg, (-arg).fma(lost, lo), base))
}

/// lo + q·p(q).
fn rest<'p>(q: Value<'p>, lo: Value<'p>, base: &Base) -> Value<'p> {
    if q.is_single() {
        return rest_single(q, lo, base);
    }
    let p = q.polynomial(base.rest[0]);
    q.fma(if base.scale == 1.0 { q * p } else { p }, lo)
}

/// lo + f·p(f), and the second part of s·f; the term of f² with its residual.
fn rest_single<'p>(f: Value<'p>, lo: Value<'p>, base: &Base) -> Value<'p> {
    let [first, square, cubic @ ..] = base.rest[1] else { unreachable!("of degree 2 or more") };
    if base.scale == 1.0 {
        // f/2 is exact: no residual of f² is lost.
        let lo = (f * f * f).fma(f.polynomial(cubic), lo);
        return (f * *square).fma(f, lo);
    }
    let lo = f.fma(*first, lo);
    let product = Double::two_prod(f, f);
    let lo = product.lo.fma(*square, lo);
    let lo = (f * product.hi).fma(f.polynomial(cubic), lo);
    let lo = product.hi.fma(*square, lo);
    if base.single[1] == 0.0 { lo } else { f.fma(base.single[1], lo) }
}

/// log((x + carry)·2^-bias) = hi + lo + carry' + log(1 + (q + carry')/s) - q.
struct Reduced<'p> {
    hi: Value<'p>,
    lo: Value<'p>,
    q: Value<'p>,
    carry: Option<Value<'p>>,
}

/// x = m·2^k with m in [1, 2), c near m from the table.
fn double<'p>(x: Value<'p>, bias: i32, carry: Option<Value<'p>>, base: &Base) -> Reduced<'p> {
    let place = x.bits() - ORIGIN;
    let index = place.shr_u(48);
    let [reciprocal, high, low] = base.table;
    // In an order that keeps few values at a time: then more vectors are computed at once.
    let m = (place & ((1_i64 << 52) - 1)) | ONE;
    let reciprocal = index.lookup(reciprocal);
    let q = m.as_float().fma(reciprocal, -base.scale);
    let carry = carry.map(|carry| carry * power(m, x) * reciprocal);
    // The exponent as low bits of a number around 2^52.
    let k = (place.shr_u(52) | (1075_i64 << 52)).as_float();
    let k = k - (4_503_599_627_370_496.0 + 3070.0 + f64::from(bias));
    let [two_hi, two_lo] = base.two[0];
    let low = index.lookup(low);
    let low = if two_lo == 0.0 { low } else { k.fma(two_lo, low) };
    let high = index.lookup(high);
    let high = if two_hi == 1.0 { k + high } else { k.fma(two_hi, high) };
    let sum = Double::fast_two_sum(high, q);
    Reduced { hi: sum.hi, lo: low + sum.lo, q, carry }
}

const ONE: i64 = 1023 << 52;

/// x = m·2^k with m in [√½, √2).
fn single<'p>(x: Value<'p>, bias: i32, carry: Option<Value<'p>>, base: &Base) -> Reduced<'p> {
    let place = x.bits() - ORIGIN_SINGLE;
    let k = (place.shr_u(23) | (150 << 23)).as_float();
    let k = k - f64::from((1 << 23) + 256 + 125 + bias);
    let m = (place & ((1 << 23) - 1)) + ROOT_HALF;
    let f = m.as_float() - 1.0;
    let q = if base.single[0] == 1.0 { f } else { f * base.single[0] };
    let [two_hi, two_lo] = base.two[1];
    // Dekker's sum: k·two_hi is exact.
    let hi = k.fma(two_hi, q);
    let lo = k.fma(two_hi, -hi) + q;
    let lo = if two_lo == 0.0 { lo } else { k.fma(two_lo, lo) };
    let carry = carry.map(|carry| carry * power(m + (1 << 23), x) * 0.5);
    Reduced { hi, lo, q: f, carry }
}

/// The bits of √½.
const ROOT_HALF: i32 = 0x3f35_04f3;

/// m/x, a power of two, of m's bits; 0 for the least of them.
fn power<'p>(m: Value<'p>, x: Value<'p>) -> Value<'p> {
    let one = if x.is_single() { m + (127 << 23) } else { m + ONE };
    (one - x.bits()).as_float()
}
