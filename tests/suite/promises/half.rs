//! f16: one NaN in memory, the same bits however many passes a formula takes, the shortest digits.

use fuse::{Array, Engine, F16, Mode};

/// Arrays of many binades, without zeros, infinities and NaN.
fn halves(seed: u64, n: usize) -> Vec<F16> {
    let mut random = fuse_testkit::Random::new(seed);
    let ordinary = |bits: u64| F16((0x0400 + bits % 0x7800 + (bits >> 63 << 15)) as u16);
    (0..n).map(|_| ordinary(random.bits())).collect()
}

fn evaluate(formula: &str, mode: Mode, h: &[F16], g: &[F16]) -> Vec<F16> {
    let engine = Engine::builder().mode(mode).build().expect("an engine");
    let result = engine.evaluate(formula, fuse::vars! { h, g });
    result.expect(formula).into_vec::<F16>().expect("f16")
}

#[test]
fn stored_nans_are_one() {
    let nans = [0x7c01, 0x7dff, 0x7e01, 0x7fff, 0xfc01, 0xffff].map(F16);
    for mode in [Mode::Strict, Mode::Relaxed] {
        for formula in
            ["h", "-h", "copy(h)", "where(g == g, g, h)", "abs(h)", "f16(f32(h))", "h + g"]
        {
            for value in evaluate(formula, mode, &nans, &nans) {
                assert_eq!(value, F16(0x7e00), "{formula}");
            }
        }
    }
}

/// What a reduction needs as well is kept between two passes, or computed twice: no bit tells.
#[test]
fn a_value_between_passes_is_the_value_within_one() {
    let (h, g) = (halves(1, 3000), halves(2, 3000));
    for (part, mode) in [
        ("h * g - g / h", Mode::Relaxed),
        ("exp(h * 0.001) * g + h", Mode::Relaxed),
        ("h * g", Mode::Strict),
    ] {
        let alone = evaluate(&format!("({part}) / 3 - h"), mode, &h, &g);
        let again = format!("where(max(isnan({part})) & (min(h) > 99), h, ({part}) / 3 - h)");
        assert_eq!(evaluate(&again, mode, &h, &g), alone, "{part}");
    }
}

/// The digits and exponents are those that NumPy 2.4 gives these numbers.
#[test]
fn the_shortest_digits_are_printed() {
    let numbers = [0.1, 65504.0, 6e-8, 1.0, -2.5, 3.140625, 1e-4, 2049.0, f64::INFINITY, f64::NAN];
    let texts =
        ["0.1", "6.55e+04", "6e-08", "1.0", "-2.5", "3.14", "0.0001", "2.048e+03", "inf", "nan"];
    let array = Array::from_slice(&numbers.map(F16::from_f64), &[10]).expect("memory");
    for (position, text) in texts.iter().enumerate() {
        assert_eq!(array.element_text(position), *text);
    }
    for bits in 0..=u16::MAX {
        let one = Array::from_slice(&[F16(bits)], &[]).expect("memory").element_text(0);
        let back = F16::from_f64(one.parse().expect("a number"));
        assert!(back == F16(bits) || F16(bits).to_f64().is_nan(), "{bits:#x} prints as {one}");
    }
}
