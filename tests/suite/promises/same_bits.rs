//! Without AVX2, without AVX-512, without multiply-add instructions, without executable pages: the same
//! bits. Options take each away, Linux the pages.

#![expect(unsafe_code, reason = "asks Linux to deny executable pages")]

use std::ffi::{c_int, c_ulong};

use fuse::{
    Array, AsInput as _, Backend, Complex, Engine, F16, InputType, Isa, KernelCode, Mode, Strength,
    Vars,
};
use fuse_testkit::{Random, skip};
use fuse_x64::Level;

/// Of x y (f64), f g (f32), h (f16), i (i32), j (i64), u (u8), b (bool), z (c128), w (c64), m (a matrix of
/// f64) and k (a number).
const FORMULAS: &[&str] = &[
    "x*y + k, x/y - k, sqrt(abs(x)) // y, x % y, x**5 + x, x**y",
    "exp(x), exp2(y), expm1(x), log(abs(x)), log1p(y), sigmoid(x)",
    "sin(x), cos(y), tan(x), sin(x)**2 + cos(x)**2, sin(x*1e300)",
    "asin(y), acos(y), atan(x), atan2(x, y), sinh(y), tanh(x), asinh(x)",
    "erf(x), erfc(y), gamma(y), lgamma(x), cbrt(x), hypot(x, y)",
    "exp(f), log(abs(g)), sin(f)*cos(g), f**g, tanh(f) + 1, gamma(g)",
    "f*g + f/g, round(f), floor(g), trunc(f), sign(g), copysign(f, g)",
    "h*h - h, exp(h), sqrt(abs(h)), f32(h)*f, h > 0, sum(h)",
    "i*i + 3, i // 7, i % 5, -i, abs(i), i << 3, i >> 2, i & 255, ~i, popcount(i), i**3",
    "j*j - i, j // (i + 1), j % 1000003, j >> 33, gcd(j, i), f64(j), i32(j)",
    "u + u, u*u, u // 3, u ^ 85, u > 100, f32(u)/255, u == i",
    "b & (x > 0), b | (i > 3), ~b, where(b, x, y), where(b, i, j), f64(b)*x, any(b), all(b)",
    "sum(x), prod(y/3), max(f), min(g), mean(x), std(x), var(f), norm(y), argmax(x), argmin(g)",
    "sum(i), sum(j), max(u), count_nonzero(b), sum(x > y), dot(x, y), nansum(x), sum(u)",
    "x - mean(x), x/sum(abs(x)), (f - min(f))/(max(f) - min(f))",
    "z*z + 1, z/(z + 2), abs(z), exp(z/9), sqrt(z), conj(z)*z, real(z), sum(z), w*w - f, log(w)",
    "x[::-1] + y, x[5:] - x[:-5], f[::3], x[7], sum(x[1::2]), z[2::5]",
    "sum(m, axis=0), max(m, axis=1), m/sum(m, axis=1, keepdims=True), m[1:, ::2] - 1, exp(m)",
    "minimum(x, y), maximum(f, g), clip(x, -1, 1), isnan(x/0), nextafter(x, y), fmod(x, y)",
];

/// Granules, a tail, and more than one block.
const N: usize = 3 * 1024 + 21;

/// The variables; each array of floats has special values among ordinary ones.
fn variables() -> Vec<(&'static str, Array)> {
    let mut random = Random::new(33);
    let special = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1.0, -1.0, 5e-324, 1e308];
    let mut floats = |scale: f64| -> Vec<f64> {
        let unit = |bits: u64| (bits >> 11) as f64 / 2f64.powi(52) - 1.0;
        let ordinary = (0..N - special.len()).map(|_| unit(random.bits()) * scale);
        ordinary.collect::<Vec<f64>>().into_iter().chain(special).collect()
    };
    let (x, y, f, g, m) = (floats(40.0), floats(1.5), floats(9.0), floats(3.0), floats(2.0));
    let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
    let integers: Vec<i64> =
        x.iter().zip(&y).map(|(x, y)| (x * 1e6) as i64 ^ (y * 1e15) as i64).collect();
    let array = |name, array: Result<Array, fuse::Error>| (name, array.expect("memory"));
    let pairs = x.iter().zip(&y).map(|(&re, &im)| Complex::new(re, im)).collect::<Vec<_>>();
    let single_pairs = f.iter().zip(&g).map(|(&re, &im)| Complex::new(re as f32, im as f32));
    let single_pairs: Vec<Complex<f32>> = single_pairs.collect();
    vec![
        array(
            "h",
            Array::from_slice(&f.iter().map(|&f| F16::from_f64(f)).collect::<Vec<_>>(), &[N]),
        ),
        array("f", Array::from_slice(&single(&f), &[N])),
        array("g", Array::from_slice(&single(&g), &[N])),
        array(
            "i",
            Array::from_slice(&integers.iter().map(|&j| j as i32).collect::<Vec<_>>(), &[N]),
        ),
        array("u", Array::from_slice(&integers.iter().map(|&j| j as u8).collect::<Vec<_>>(), &[N])),
        array(
            "b",
            Array::from_slice(&integers.iter().map(|&j| j % 3 == 0).collect::<Vec<_>>(), &[N]),
        ),
        array("j", Array::from_slice(&integers, &[N])),
        array("z", Array::from_slice(&pairs, &[N])),
        array("w", Array::from_slice(&single_pairs, &[N])),
        array("m", Array::from_slice(&m[..60 * 51], &[60, 51])),
        array("x", Array::from_slice(&x, &[N])),
        array("y", Array::from_slice(&y, &[N])),
    ]
}

/// What a formula gives: dtype, extents and bytes of each result; and who made its code.
type Outcome = (Vec<(String, Vec<u8>)>, Vec<KernelCode>);

fn outcome(engine: &Engine, formula: &str, variables: &[(&'static str, Array)]) -> Outcome {
    let number = InputType::scalar(fuse::DType::F64, Strength::Strong);
    let types = variables.iter().map(|(name, array)| {
        let ty = InputType::array(array.dtype(), array.shape());
        (*name, ty)
    });
    let types: Vec<_> = types.chain([("k", number)]).collect();
    let vars = variables.iter().map(|(name, array)| (*name, array.as_input()));
    let vars: Vars<'_> = vars.chain([("k", 2.5.as_input())]).collect();
    let formula = engine.formula(formula).expect("parses");
    let prepared = formula.prepare(&types).unwrap_or_else(|error| panic!("{}", error.render()));
    let results = prepared.evaluate_all(vars).expect("evaluates");
    let described = |array: &Array| {
        (format!("{} {:?}", array.dtype(), array.shape()), array.as_bytes().to_vec())
    };
    (results.iter().map(described).collect(), prepared.kernel_code().expect("on the host"))
}

/// Every choice of back end and instruction set that this machine has, but the interpreter.
fn choices() -> Vec<(Backend, Isa)> {
    let mut choices = vec![
        (Backend::Auto, Isa::Native),
        (Backend::Auto, Isa::Sse2),
        (Backend::Cranelift, Isa::Native),
        (Backend::Cranelift, Isa::Sse2),
    ];
    for (isa, level) in [(Isa::Avx2, Level::Avx2), (Isa::Avx512, Level::Avx512)] {
        if level.is_available() {
            choices.extend([(Backend::Auto, isa), (Backend::X64, isa)]);
        }
    }
    choices
}

fn engine((backend, isa): (Backend, Isa), mode: Mode) -> Engine {
    let builder = Engine::builder().backend(backend).isa(isa).mode(mode).threads(2);
    builder.build().expect("this machine has it")
}

/// Compares every choice with the interpreter, and checks who ran each pass.
fn compare(mode: Mode, check: impl Fn((Backend, Isa), &KernelCode)) {
    let variables = variables();
    let interpreter = engine((Backend::Interp, Isa::Native), mode);
    for formula in FORMULAS {
        let (expected, _) = outcome(&interpreter, formula, &variables);
        for choice in choices() {
            let (got, code) = outcome(&engine(choice, mode), formula, &variables);
            assert_eq!(got.len(), expected.len());
            for (position, (got, expected)) in got.iter().zip(&expected).enumerate() {
                let same = got == expected;
                assert!(same, "result {position} of `{formula}`, {mode:?}, {choice:?}: other bits");
            }
            code.iter().for_each(|code| check(choice, code));
        }
    }
}

#[test]
fn any_instruction_set_gives_the_same_bits() {
    for mode in [Mode::Strict, Mode::Relaxed] {
        compare(mode, |(backend, isa), code| {
            let is_baseline = isa == Isa::Sse2;
            let wide = match (backend, isa) {
                (_, Isa::Avx2) => Some("avx2"),
                (_, Isa::Avx512) => Some("avx512"),
                (Backend::Auto, Isa::Native) => Level::native().map(Level::name),
                (_, Isa::Native | Isa::Sse2) => None,
            };
            if let Some(level) = wide {
                assert_eq!(
                    (code.backend, code.isa.as_str(), &*code.declined),
                    ("x64", level, &[][..])
                );
            }
            if is_baseline {
                assert!(["x64", "none"].contains(&code.isa.as_str()), "{}", code.isa);
            }
        });
    }
}

#[test]
fn without_executable_pages_the_bits_are_the_same() {
    super::alone("same_bits::without_executable_pages_the_bits_are_the_same", denied);
}

fn denied() {
    if !deny_executable_pages() {
        skip!("mdwe: Linux before 6.3 denies no pages");
    }
    compare(Mode::Relaxed, |choice, code| {
        assert_eq!(code.backend, "interp", "{choice:?}");
        let is_refused = |reason: &str| reason.starts_with("executable memory was refused");
        let refusals = code.declined.iter().filter(|declined| is_refused(&declined.reason));
        // A kernel that Cranelift declines for want of instructions asks for no pages.
        let asks = choice.1 != Isa::Sse2;
        assert!(refusals.count() > 0 || !asks, "{choice:?}: {:?}", code.declined);
        let taken_by = |by: &str| code.declined.iter().all(|declined| declined.taken_by == by);
        assert!(taken_by("interp"), "{choice:?}: {:?}", code.declined);
    });
}

unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
}

/// From now on no page of this process becomes executable; false where Linux cannot do that.
fn deny_executable_pages() -> bool {
    const PR_SET_MDWE: c_int = 65;
    const PR_MDWE_REFUSE_EXEC_GAIN: c_ulong = 1;
    const UNUSED: c_ulong = 0;
    // SAFETY: this option takes four numbers, and touches no memory of the process.
    unsafe { prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, UNUSED, UNUSED, UNUSED) == 0 }
}
