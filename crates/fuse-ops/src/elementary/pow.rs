//! Powers.

use super::logexp::{Parts, exponential, half_log};
use crate::pen::{Double, Pen, Value};

/// `x**y`.
pub fn pow<'p>(pen: &'p Pen, x: Value<'p>, y: Value<'p>) -> Value<'p> {
    let parts = Parts::of(x);
    let log = half_log(parts, x.constant(4_503_599_627_370_496.0 + 1024.0));
    let twice = y + y;
    let hi = twice * log.hi;
    let d = Double::new(hi, twice.fma(log.lo, twice.fma(log.hi, -hi)));
    let p = exponential(d);
    let usual = (p.value.rounded().bits() + (p.n << 52)).as_float();
    let rare = parts.unusual() | hi.abs().bits().gt(0x4086_2000_0000_0000_i64);
    pen.rare(rare, [x, y], [usual], |_, [x, y]| [x * y])[0]
}
