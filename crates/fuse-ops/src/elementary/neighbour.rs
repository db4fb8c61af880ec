//! Floats as such: the neighbours of a float.
//!
//! **nextafter.** Read as integers, the floats of one sign are in the order of their magnitudes: the
//! neighbour is one more or one less. Zero's neighbours are the least subnormal numbers. Exact; every
//! lane takes the same few integer operations, so there is nothing rare.

use fuse_ir::{DType, ValueId};

use crate::expander::{Call, Expander};
use crate::pen::{Pen, Value, written};

/// nextafter of any float.
pub fn expanded(e: &mut Expander<'_>, call: &Call<'_>) -> ValueId {
    written(e, call, |pen, args| {
        let &[x, y] = args else { unreachable!("arity") };
        if call.operand == DType::F16 { nextafter_half(pen, x, y) } else { nextafter(pen, x, y) }
    })
}

/// `nextafter(x, y)` of f32 and f64.
fn nextafter<'p>(_: &'p Pen, x: Value<'p>, y: Value<'p>) -> Value<'p> {
    let bits = x.bits();
    let one = bits.constant(1);
    let positive = x.gt(0.0);
    let rising = x.lt(y);
    let away = rising.select(positive, !positive);
    let neighbour = (bits + away.select(one, -1)).as_float();
    let least = one.as_float().with_sign_of(y);
    let neighbour = x.equals(0.0).select(least, neighbour);
    // x + y is NaN where either is: not of opposite infinities, hence not x - y.
    let ordered = x.equals(x) & y.equals(y);
    ordered.select(x.equals(y).select(y, neighbour), x + y)
}

/// [`nextafter`] of f16, from and to bits: only the order is that of the f32 they stand for.
fn nextafter_half<'p>(_: &'p Pen, x: Value<'p>, y: Value<'p>) -> Value<'p> {
    let [a, b] = [x, y].map(Value::half_widened);
    let one = x.constant(1);
    let positive = a.gt(0.0);
    let rising = a.lt(b);
    let away = rising.select(positive, !positive);
    let neighbour = x + away.select(one, -1);
    let least = (y & i64::from(i16::MIN)) | 1;
    let neighbour = a.equals(0.0).select(least, neighbour);
    let ordered = a.equals(a) & b.equals(b);
    ordered.select(a.equals(b).select(y, neighbour), HALF_NAN)
}

/// The bits of f16's canonical NaN.
const HALF_NAN: i64 = 0x7e00;

#[cfg(test)]
mod tests {
    use fuse_ir::{Builder, DType, RegionBuilder, Scalar, ValueId, interp};

    use crate::{Call, Expander, Expansion, Op, lane_of};

    fn nextafter(dtype: DType, args: [Scalar; 2]) -> u64 {
        let Expansion::Lanes(expand) = Op::Nextafter.row().expansion else {
            unreachable!("a fold")
        };
        let mut kernel = Builder::new();
        let mut region = RegionBuilder::new(&[lane_of(dtype); 2]);
        let params: Vec<ValueId> = (0..2).map(|position| region.param(position)).collect();
        let mut expander = Expander { kernel: &mut kernel, region: &mut region };
        let call = Call { operand: dtype, result: dtype, args: &params };
        let value = expand(&mut expander, &call);
        let region = region.finish(&[value]);
        let kernel = kernel.finish(RegionBuilder::new(&[]).finish(&[]));
        interp::eval_scalars(&kernel, &region, &args)[0].bits
    }

    const EDGES: [f64; 18] = [
        0.0,
        -0.0,
        5e-324,
        -5e-324,
        1e-323,
        f64::MIN_POSITIVE,
        -f64::MIN_POSITIVE,
        2.225_073_858_507_201e-308,
        1.0,
        -1.0,
        0.999_999_999_999_999_9,
        2.0,
        3.5,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];

    #[test]
    fn neighbours_are_rusts() {
        for x in EDGES {
            for y in EDGES {
                let found = nextafter(DType::F64, [x, y].map(Scalar::f64));
                let expected = match x.partial_cmp(&y) {
                    None => f64::NAN,
                    Some(std::cmp::Ordering::Less) => x.next_up(),
                    Some(std::cmp::Ordering::Equal) => y,
                    Some(std::cmp::Ordering::Greater) => x.next_down(),
                };
                let value = f64::from_bits(found);
                let same = found == expected.to_bits() || (value.is_nan() && expected.is_nan());
                assert!(same, "nextafter({x:e}, {y:e}) = {value:e}, not {expected:e}");
            }
        }
    }

    /// f16 read as integers: all of one sign are in order, so that the neighbours of every f16 are known.
    #[test]
    fn neighbours_of_all_halves_are_their_neighbours() {
        let half = |bits: u64| Scalar { lane: lane_of(DType::F16), bits };
        for magnitude in 0..=0x7c00_u64 {
            for sign in [0, 0x8000] {
                let x = half(sign | magnitude);
                let away = if magnitude == 0x7c00 { 0x7c00 } else { magnitude + 1 };
                let outwards = nextafter(DType::F16, [x, half(sign | 0x7c00)]);
                assert_eq!(outwards, sign | away, "{:#x}", x.bits);
                let inwards = nextafter(DType::F16, [x, half((0x8000 - sign) | 0x7c00)]);
                let expected =
                    if magnitude == 0 { (0x8000 - sign) | 1 } else { sign | (magnitude - 1) };
                assert_eq!(inwards, expected, "{:#x}", x.bits);
                assert_eq!(nextafter(DType::F16, [x, x]), x.bits);
                for nan in [0x7c01, 0x7e00, 0xffff] {
                    assert_eq!(nextafter(DType::F16, [x, half(nan)]), 0x7e00);
                    assert_eq!(nextafter(DType::F16, [half(nan), x]), 0x7e00);
                }
            }
        }
        assert_eq!(nextafter(DType::F16, [half(0), half(0x8000)]), 0x8000);
    }

    #[test]
    fn neighbours_of_singles_are_rusts() {
        let edges = EDGES.map(|x| x as f32).into_iter().chain([1e-45, -1e-45, f32::MIN_POSITIVE]);
        let edges: Vec<f32> = edges.chain([f32::MAX, f32::MIN]).collect();
        for &x in &edges {
            for &y in &edges {
                let found = nextafter(DType::F32, [x, y].map(Scalar::f32));
                let value = f32::from_bits(u32::try_from(found).expect("32 bits"));
                let expected = match x.partial_cmp(&y) {
                    None => f32::NAN,
                    Some(std::cmp::Ordering::Less) => x.next_up(),
                    Some(std::cmp::Ordering::Equal) => y,
                    Some(std::cmp::Ordering::Greater) => x.next_down(),
                };
                let same =
                    value.to_bits() == expected.to_bits() || (value.is_nan() && expected.is_nan());
                assert!(same, "nextafter({x:e}, {y:e}) = {value:e}, not {expected:e}");
            }
        }
    }
}
