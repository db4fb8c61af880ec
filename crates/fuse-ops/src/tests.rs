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

/// An integer of a dtype as a lane constant.
fn integer(dtype: DType, value: i128) -> Scalar {
    Scalar { lane: lane_of(dtype), bits: (value as u64) & lane_of(dtype).all_ones() }
}

/// The integer that the lowest bits of a lane are in a dtype.
fn number(dtype: DType, bits: u64) -> i128 {
    let (low, _) = dtype.integer_range().expect("an integer dtype");
    let unsigned = i128::from(bits);
    if low < 0 && bits >> (dtype.bits() - 1) == 1 { unsigned + 2 * low } else { unsigned }
}

/// The exact result of an integer operation, before it wraps; by zero 0.
fn exact(op: Op, a: i128, b: i128) -> i128 {
    let gcd = |mut a: i128, mut b: i128| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a.abs()
    };
    match op {
        Op::FloorDiv | Op::Mod | Op::Fmod if b == 0 => 0,
        Op::FloorDiv => a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0),
        Op::Mod => ((a % b) + b) % b,
        Op::Fmod => a % b,
        Op::Gcd => gcd(a, b),
        _ if a == 0 || b == 0 => 0,
        _ => (a.abs() / gcd(a, b)).wrapping_mul(b.abs()),
    }
}

const DIVISIONS: &[Op] = &[Op::FloorDiv, Op::Mod, Op::Fmod];
const DIVISORS: &[Op] = &[Op::Gcd, Op::Lcm];

/// Demands the exact results of all pairs.
fn check_exact(ops: &[Op], dtype: DType, pairs: impl Iterator<Item = (i128, i128)>) {
    let kernel_of = |&op: &Op| {
        let Expansion::Lanes(expand) = op.row().expansion else { unreachable!("elementwise") };
        let (mut kernel, mut region) = (Builder::new(), RegionBuilder::new(&[lane_of(dtype); 2]));
        let args = [region.param(0), region.param(1)];
        let mut expander = Expander { kernel: &mut kernel, region: &mut region };
        let value = expand(&mut expander, &Call { operand: dtype, result: dtype, args: &args });
        (op, kernel.finish(region.finish(&[value])))
    };
    let kernels: Vec<_> = ops.iter().map(kernel_of).collect();
    let pairs: Vec<(i128, i128)> = pairs.collect();
    for granule in pairs.chunks(fuse_ir::GRANULE) {
        let lane = |pick: fn(&(i128, i128)) -> i128| {
            std::array::from_fn(|position| {
                integer(dtype, granule.get(position).map_or(0, pick)).bits
            })
        };
        let inputs = [lane(|pair| pair.0), lane(|pair| pair.1)];
        for (op, kernel) in &kernels {
            let found = interp::eval_region(kernel, &interp::reference, &kernel.lane, &inputs);
            for (&(a, b), &bits) in granule.iter().zip(&found[0]) {
                let expected = integer(dtype, exact(*op, a, b)).bits;
                assert_eq!(
                    bits,
                    expected,
                    "{op:?} of {dtype} {a} and {b}: {}",
                    number(dtype, bits)
                );
            }
        }
    }
}

#[test]
fn all_pairs_of_bytes_divide_exactly() {
    for dtype in [DType::I8, DType::U8] {
        let (low, high) = dtype.integer_range().expect("an integer");
        check_exact(DIVISIONS, dtype, (low..=high).flat_map(|a| (low..=high).map(move |b| (a, b))));
        let some = || (low..=high).step_by(3);
        check_exact(DIVISORS, dtype, some().flat_map(|a| some().map(move |b| (a, b))));
    }
}

/// Edges of every width and around them, quotients by estimates that are off, and random bits.
#[test]
fn integers_of_every_width_divide_exactly() {
    let mut random = Random(11);
    for &dtype in DType::ALL.iter().filter(|dtype| dtype.is_integer()) {
        let powers = (0..64).flat_map(|k| [(1_u64 << k) - 1, 1 << k, (1 << k) + 1]);
        let mut edges: Vec<i128> =
            powers.flat_map(|v| [v, v.wrapping_neg()]).map(|v| wrapped(dtype, v)).collect();
        edges.sort_unstable();
        edges.dedup();
        let pairs = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b)));
        check_exact(DIVISIONS, dtype, pairs);
        let few = || edges.iter().step_by(11).copied();
        check_exact(DIVISORS, dtype, few().flat_map(|a| few().map(move |b| (a, b))));
        let pairs: Vec<(i128, i128)> = (0..20_000)
            .map(|round| {
                let shift = [0, 1, 2, 11, 33, 50][round % 6];
                let (a, b) = (random.next(), random.next() >> shift);
                // Near a multiple of b, where an estimate decides.
                let near = b.wrapping_mul(a % 9).wrapping_add(a >> 62).wrapping_sub(1);
                (wrapped(dtype, if round % 2 == 0 { a } else { near }), wrapped(dtype, b))
            })
            .collect();
        check_exact(DIVISORS, dtype, pairs.iter().copied().take(500));
        check_exact(DIVISIONS, dtype, pairs.into_iter());
    }
}

/// The low bits of a number as one of the dtype.
fn wrapped(dtype: DType, value: u64) -> i128 {
    number(dtype, value & lane_of(dtype).all_ones())
}

#[test]
fn bits_are_counted_of_magnitudes() {
    let mut random = Random(12);
    for &dtype in DType::ALL.iter().filter(|dtype| dtype.is_integer()) {
        let edges = [0, 1, u64::MAX, 1 << 63, 1 << 31, 0x8000, 0x80, 0x7f];
        let drawn: Vec<u64> = (0..500).map(|_| random.next()).collect();
        for value in edges.into_iter().chain(drawn).map(|bits| wrapped(dtype, bits)) {
            let bits = apply(Op::Popcount, dtype, DType::U8, &[integer(dtype, value)]).bits;
            let expected = u64::from(value.unsigned_abs().count_ones());
            assert_eq!(bits, expected, "{dtype} {value}");
        }
    }
}

/// Rust's `as` between all numbers but f16.
#[test]
fn casts_between_all_numbers_are_rusts() {
    const FLOATS: [f64; 30] = [
        0.0,
        -0.0,
        0.99,
        -0.99,
        1.5,
        -1.5,
        127.0,
        127.9,
        128.0,
        -128.9,
        -129.0,
        255.5,
        256.0,
        32767.5,
        32768.0,
        -32769.0,
        65535.9,
        65536.0,
        2147483647.5,
        2147483648.0,
        -2147483649.0,
        4294967295.9,
        4294967296.0,
        9.3e18,
        -9.3e18,
        1.8446744073709552e19,
        1.9e19,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    macro_rules! against {
        ($from:ty, $from_dtype:ident, $values:expr, $bits:expr => $($to:ty, $dtype:ident;)*) => {$(
            for value in $values {
                let scalar = Scalar { lane: lane_of(DType::$from_dtype), bits: $bits(value) };
                let found = eval(&[scalar], |e, args| {
                    cast::convert(e, args[0], DType::$from_dtype, DType::$dtype)
                });
                let expected = u64::from_le_bytes(extended(&(value as $to).to_le_bytes()));
                let text = stringify!($from as $to);
                assert_eq!(found.bits, expected, "{value} {text}");
            }
        )*};
    }
    macro_rules! to_all {
        ($from:ty, $dtype:ident, $values:expr, $bits:expr) => {
            against! { $from, $dtype, $values, $bits =>
                i8, I8; i16, I16; i32, I32; i64, I64; u8, U8; u16, U16; u32, U32; u64, U64;
                f32, F32; f64, F64;
            }
        };
    }
    let finite = FLOATS.into_iter().filter(|value| !value.is_nan());
    to_all!(f64, F64, finite.clone(), |value: f64| value.to_bits());
    to_all!(f32, F32, finite.clone().map(|value| value as f32), |value: f32| u64::from(
        value.to_bits()
    ));
    for dtype in DType::ALL.iter().filter(|dtype| dtype.is_integer()) {
        let nan = |scalar, from| eval(&[scalar], |e, args| cast::convert(e, args[0], from, *dtype));
        assert_eq!(nan(Scalar::f64(f64::NAN), DType::F64).bits, 0, "{dtype}");
        assert_eq!(nan(Scalar::f32(f32::NAN), DType::F32).bits, 0, "{dtype}");
    }
    let mut random = Random(13);
    let mut words =
        vec![0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, (1 << 53) + 1, (1 << 63) + (1 << 39)];
    words.extend([
        (1 << 24) + 1,
        0x80,
        0x7f,
        0x8000,
        0xffff,
        0x8000_0000,
        0xffff_ff80,
        u64::MAX - 1023,
    ]);
    words.extend((0..200).map(|round| random.next() >> (round % 64)));
    macro_rules! from_all {
        ($($from:ty, $dtype:ident;)*) => {$(
            to_all!($from, $dtype, words.iter().map(|&word| word as $from),
                |value: $from| u64::from_le_bytes(extended(&value.to_le_bytes())));
        )*};
    }
    from_all! { i8, I8; i16, I16; i32, I32; i64, I64; u8, U8; u16, U16; u32, U32; u64, U64; }
}

/// Bytes with zeros behind.
fn extended(bytes: &[u8]) -> [u8; 8] {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    word
}
