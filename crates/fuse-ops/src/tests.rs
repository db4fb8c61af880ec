//! Expansions against Rust's own operations, on edge values and random ones.
//!
//! The expected values come from the language's definition as Rust computes it: `wrapping_div`, `%` of
//! floats (which is exact, as C's fmod), `/`, `as`. NumPy's floor division is transcribed.

use fuse_ir::{Builder, DType, Lane, RegionBuilder, Scalar, ValueId, interp};

use crate::{Call, Expander, Expansion, Op, arith, cast, lane_of, power};

/// Evaluates what `build` makes of parameters with these values.
fn eval(args: &[Scalar], build: impl FnOnce(&mut Expander<'_>, &[ValueId]) -> ValueId) -> Scalar {
    let lanes: Vec<Lane> = args.iter().map(|arg| arg.lane).collect();
    let mut kernel = Builder::new();
    let mut region = RegionBuilder::new(&lanes);
    let params: Vec<ValueId> = (0..lanes.len()).map(|position| region.param(position)).collect();
    let value = build(&mut Expander { kernel: &mut kernel, region: &mut region }, &params);
    let region = region.finish(&[value]);
    let kernel = kernel.finish(RegionBuilder::new(&[]).finish(&[]));
    interp::eval_scalars(&kernel, &region, args)[0]
}

fn apply(op: Op, operand: DType, result: DType, args: &[Scalar]) -> Scalar {
    let Expansion::Lanes(expand) = op.row().expansion else { unreachable!("elementwise") };
    eval(args, |e, values| expand(e, &Call { operand, result, args: values }))
}

fn f64s(op: Op, args: &[f64]) -> f64 {
    let args: Vec<Scalar> = args.iter().map(|&x| Scalar::f64(x)).collect();
    f64::from_bits(apply(op, DType::F64, DType::F64, &args).bits)
}

fn i64s(op: Op, a: i64, b: i64) -> i64 {
    let args = [Scalar::int(Lane::I64, a), Scalar::int(Lane::I64, b)];
    apply(op, DType::I64, DType::I64, &args).bits.cast_signed()
}

fn i32s(op: Op, a: i32, b: i32) -> i32 {
    let args = [Scalar::int(Lane::I32, i64::from(a)), Scalar::int(Lane::I32, i64::from(b))];
    let bits = apply(op, DType::I32, DType::I32, &args).bits;
    u32::try_from(bits).expect("32 bits").cast_signed()
}

/// A splitmix64 sequence.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A float of any bits whose exponent lies within ±`spread` of that of 1, or now and then any.
    fn float(&mut self, spread: u64) -> f64 {
        let bits = self.next();
        if bits.is_multiple_of(16) {
            return f64::from_bits(self.next());
        }
        let exponent = 1023 - spread + self.next() % (2 * spread + 1);
        f64::from_bits((bits & 0x800f_ffff_ffff_ffff) | (exponent << 52))
    }
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

const EDGES: [f64; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    3.0,
    -3.0,
    5.5,
    1e17,
    -1e17,
    1e300,
    1e-300,
    5e-324,
    -5e-324,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

#[test]
fn integer_division_is_floored_total_and_wraps() {
    let edges = [i64::MIN, i64::MIN + 1, -(1 << 62), -7, -2, -1, 0, 1, 2, 7, 1 << 61, i64::MAX];
    let mut random = Random(1);
    let mut pairs: Vec<(i64, i64)> =
        edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b))).collect();
    for _ in 0..20_000 {
        let (a, b) = (random.next().cast_signed(), random.next().cast_signed());
        pairs.push((a >> (random.next() % 64), b >> (random.next() % 64)));
    }
    for (a, b) in pairs {
        let (mut quotient, mut remainder) =
            if b == 0 { (0, 0) } else { (a.wrapping_div(b), a.wrapping_rem(b)) };
        assert_eq!(i64s(Op::Fmod, a, b), remainder, "fmod({a}, {b})");
        if remainder != 0 && (remainder < 0) != (b < 0) {
            (quotient, remainder) = (quotient - 1, remainder + b);
        }
        assert_eq!(i64s(Op::FloorDiv, a, b), quotient, "{a} // {b}");
        assert_eq!(i64s(Op::Mod, a, b), remainder, "{a} % {b}");
    }
}

#[test]
fn division_of_32_bit_integers_agrees_with_that_of_64() {
    let edges = [i32::MIN, i32::MIN + 1, -65_536, -3, -1, 0, 1, 2, 46_341, i32::MAX];
    for a in edges {
        for b in edges {
            for op in [Op::FloorDiv, Op::Mod, Op::Fmod] {
                let wide = i64s(op, i64::from(a), i64::from(b));
                let wrapped = i32::try_from(wide & 0xffff_ffff).unwrap_or_else(|_| {
                    u32::try_from(wide & 0xffff_ffff).expect("masked").cast_signed()
                });
                assert_eq!(i32s(op, a, b), wrapped, "{op:?} {a} {b}");
            }
        }
    }
}

#[test]
fn integer_powers_wrap_and_negative_exponents_are_total() {
    for (a, n) in [(3, 41), (-3, 40), (2, 63), (2, 64), (7, 0), (0, 0), (0, 5), (-1, i64::MAX)] {
        let expected = (0..n.min(100)).fold(1_i64, |acc, _| acc.wrapping_mul(a));
        let expected = if a == -1 { -1 } else { expected };
        assert_eq!(i64s(Op::Pow, a, n), expected, "{a} ** {n}");
    }
    for (a, n, expected) in [(1, -5, 1), (-1, -5, -1), (-1, -4, 1), (2, -1, 0), (0, -1, 0)] {
        assert_eq!(i64s(Op::Pow, a, n), expected, "{a} ** {n}");
    }
}

#[test]
fn fmod_is_exact() {
    let mut random = Random(2);
    for &a in &EDGES {
        for &b in &EDGES {
            assert!(same(f64s(Op::Fmod, &[a, b]), a % b), "fmod({a:e}, {b:e})");
        }
    }
    for spread in [3, 30, 60, 300, 1000] {
        for _ in 0..2_000 {
            let (a, b) = (random.float(spread), random.float(spread));
            let found = f64s(Op::Fmod, &[a, b]);
            assert!(same(found, a % b), "fmod({a:e}, {b:e}) = {found:e}, not {:e}", a % b);
        }
    }
}

/// NumPy's `npy_divmod`.
fn numpy_divmod(a: f64, b: f64) -> (f64, f64) {
    let mut remainder = a % b;
    if b == 0.0 {
        return (a / b, remainder);
    }
    let mut quotient = (a - remainder) / b;
    if remainder != 0.0 {
        if (b < 0.0) != (remainder < 0.0) {
            remainder += b;
            quotient -= 1.0;
        }
    } else {
        remainder = 0.0_f64.copysign(b);
    }
    if quotient != 0.0 {
        let floor = quotient.floor();
        quotient = if quotient - floor > 0.5 { floor + 1.0 } else { floor };
    } else {
        quotient = 0.0_f64.copysign(a / b);
    }
    (quotient, remainder)
}

#[test]
fn floor_division_of_floats_is_numpys() {
    let mut random = Random(3);
    let mut pairs: Vec<(f64, f64)> =
        EDGES.iter().flat_map(|&a| EDGES.iter().map(move |&b| (a, b))).collect();
    pairs.extend((0..5_000).map(|_| (random.float(70), random.float(70))));
    for (a, b) in pairs {
        let (quotient, remainder) = numpy_divmod(a, b);
        let found = f64s(Op::FloorDiv, &[a, b]);
        assert!(same(found, quotient), "{a:e} // {b:e} = {found:e}, not {quotient:e}");
        let found = f64s(Op::Mod, &[a, b]);
        assert!(same(found, remainder), "{a:e} % {b:e} = {found:e}, not {remainder:e}");
    }
    assert_eq!(f64s(Op::Mod, &[1e17, 3.0]), 1.0);
    assert_eq!(f64s(Op::FloorDiv, &[1.0, 0.1]), 9.0);
    assert_eq!(f64s(Op::Mod, &[5.0, f64::INFINITY]), 5.0);
}

#[test]
fn division_by_a_uniform_value_is_the_ieee_quotient() {
    let mut random = Random(4);
    for round in 0..40_000 {
        let spread = [2, 60, 600, 1022][round % 4];
        let (a, s) = (random.float(spread), random.float(spread));
        let found = eval(&[Scalar::f64(a), Scalar::f64(s)], |e, args| {
            let divisor = arith::uniform_divisor(e, args[1]);
            arith::div_by_uniform(e, args[0], divisor)
        });
        let found = f64::from_bits(found.bits);
        assert!(same(found, a / s), "{a:e} / {s:e} = {found:e}, not {:e}", a / s);
    }
}

#[test]
fn division_by_a_uniform_f32_is_the_ieee_quotient() {
    let mut random = Random(5);
    for _ in 0..40_000 {
        let mut single = || f32::from_bits((random.next() >> 32) as u32);
        let (a, s) = (single(), single());
        let found = eval(&[Scalar::f32(a), Scalar::f32(s)], |e, args| {
            let divisor = arith::uniform_divisor(e, args[1]);
            arith::div_by_uniform(e, args[0], divisor)
        });
        let found = f32::from_bits(u32::try_from(found.bits).expect("32 bits"));
        assert!(same(f64::from(found), f64::from(a / s)), "{a:e} / {s:e} = {found:e}");
    }
}

#[test]
fn negative_powers_survive_where_the_positive_one_does_not() {
    let power_of = |x: f64, n: i32| {
        let call = |e: &mut Expander<'_>, args: &[ValueId]| {
            let call = Call { operand: DType::F64, result: DType::F64, args };
            power::literal(e, &call, n)
        };
        f64::from_bits(eval(&[Scalar::f64(x)], call).bits)
    };
    // 2^-1040 is subnormal while 2^1040 overflows; both are exact here.
    assert_eq!(power_of(2f64.powi(52), -20), f64::from_bits(1 << 34));
    assert_eq!(power_of(-(2f64.powi(51)), -21), -f64::from_bits(1 << 3));
    assert_eq!(power_of(2f64.powi(-52), -20), f64::INFINITY);
    assert_eq!(power_of(2f64.powi(-50), -20), 2f64.powi(1000));
    assert_eq!(power_of(5e-324, -3), f64::INFINITY);
    for (x, expected) in [(0.0, f64::INFINITY), (-0.0, f64::NEG_INFINITY), (f64::INFINITY, 0.0)] {
        assert!(same(power_of(x, -3), expected), "{x} ** -3");
    }
    assert!(power_of(f64::NAN, -3).is_nan());
    assert_eq!(power_of(3.0, -4), 1.0 / 81.0);
    assert_eq!(power_of(3.0, 5), 243.0);
}

#[test]
fn casts_are_rusts() {
    let to = |x: Scalar, from: DType, to: DType| {
        eval(&[x], |e, args| cast::convert(e, args[0], from, to)).bits
    };
    for &x in &EDGES {
        let scalar = Scalar::f64(x);
        assert_eq!(to(scalar, DType::F64, DType::I64).cast_signed(), x as i64);
        assert_eq!(to(scalar, DType::F64, DType::I32), u64::from((x as i32).cast_unsigned()));
        assert_eq!(to(scalar, DType::F64, DType::Bool), u64::from(x != 0.0));
        if !x.is_nan() {
            assert_eq!(to(scalar, DType::F64, DType::F32), u64::from((x as f32).to_bits()));
        }
    }
    for x in [i64::MIN, -1, 0, 1, (1 << 53) + 1, (1 << 24) + 1, i64::MAX] {
        let scalar = Scalar::int(Lane::I64, x);
        assert_eq!(to(scalar, DType::I64, DType::F64), (x as f64).to_bits());
        assert_eq!(to(scalar, DType::I64, DType::F32), u64::from((x as f32).to_bits()));
        assert_eq!(to(scalar, DType::I64, DType::I32), u64::from((x as i32).cast_unsigned()));
    }
    let truth = Scalar::mask(true);
    assert_eq!(to(truth, DType::Bool, DType::F32), u64::from(1f32.to_bits()));
    assert_eq!(lane_of(DType::Bool), Lane::Mask);
}
