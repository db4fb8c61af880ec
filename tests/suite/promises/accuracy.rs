//! The headline formula against the value in exact or wider arithmetic.
//!
//! f32: f64 is wide enough (its error is 2^-29 of an f32's). f64: double-double, error 2^-100.
//! Integers: wrapping, element by element.

use fuse::{Engine, vars};
use fuse_testkit::Random;

use super::power_sum;

/// An unevaluated sum of two f64.
#[derive(Clone, Copy)]
struct Double {
    high: f64,
    low: f64,
}

impl Double {
    /// a*b + c for f64 b and c.
    fn times_plus(self, b: f64, c: f64) -> Double {
        let product = self.high * b;
        let error = self.high.mul_add(b, -product) + self.low * b;
        let sum = product + c;
        let back = sum - product;
        let lost = (product - (sum - back)) + (c - back);
        let low = error + lost;
        let high = sum + low;
        Double { high, low: low - (high - sum) }
    }
}

#[test]
fn ten_million_tenths_of_f32_are_their_exact_sum_rounded() {
    let x = vec![0.1_f32; 10_000_000];
    // 24 bits times 10^7 fit 53, so every partial sum in f64 is exact.
    let exact = f64::from(0.1_f32) * 1e7;
    for threads in [1, 3] {
        let engine = Engine::builder().threads(threads).build().expect("an engine");
        for (formula, expected) in [("sum(x)", exact as f32), ("mean(x)", 0.1), ("var(x)", 0.0)] {
            let got = engine.evaluate(formula, vars! { x }).expect("evaluates");
            assert_eq!(
                got.as_slice::<f32>(),
                Some([expected].as_slice()),
                "{formula}, {threads} threads"
            );
        }
    }
}

fn samples(n: usize) -> Vec<f64> {
    let mut random = Random::new(8);
    (0..n).map(|_| random.below(1 << 30) as f64 / f64::from(1 << 28) - 2.0).collect()
}

/// |x| + ... + |x|^8.
fn magnitude(x: f64) -> f64 {
    (1..=8).map(|k| x.abs().powi(k)).sum()
}

#[test]
fn f64_stays_within_eight_epsilon_of_the_monomials() {
    let x = samples(20_000);
    let got = fuse::evaluate(&power_sum("x", 8), vars! { x }).expect("evaluates");
    for (&x, &got) in x.iter().zip(got.as_slice::<f64>().expect("f64")) {
        let start = Double { high: x, low: 0.0 };
        let exact = (0..7).fold(start, |acc, _| acc.times_plus(x, x));
        let error = (got - exact.high) - exact.low;
        let bound = 8.0 * f64::EPSILON * magnitude(x);
        assert!(error.abs() <= bound, "x = {x:e}: error {error:e}, bound {bound:e}");
    }
}

#[test]
fn f32_stays_within_eight_epsilon_of_the_monomials() {
    let x: Vec<f32> = samples(20_000).iter().map(|&x| x as f32).collect();
    let got = fuse::evaluate(&power_sum("x", 8), vars! { x }).expect("evaluates");
    for (&x, &got) in x.iter().zip(got.as_slice::<f32>().expect("f32 stays f32")) {
        let wide = f64::from(x);
        let exact: f64 = (1..=8).map(|k| wide.powi(k)).sum();
        let bound = 8.0 * f64::from(f32::EPSILON) * magnitude(wide);
        let error = f64::from(got) - exact;
        assert!(error.abs() <= bound, "x = {x:e}: error {error:e}, bound {bound:e}");
    }
}

#[test]
fn integers_wrap_in_either_mode() {
    let mut random = Random::new(9);
    let x: Vec<i64> = (0..5000).map(|_| random.bits().cast_signed()).collect();
    let expected: Vec<i64> = x
        .iter()
        .map(|&x| (1..=8).fold(0_i64, |sum, k| sum.wrapping_add(x.wrapping_pow(k))))
        .collect();
    for mode in [fuse::Mode::Strict, fuse::Mode::Relaxed] {
        let engine = Engine::builder().mode(mode).build().expect("an engine");
        let got = engine.evaluate(&power_sum("x", 8), vars! { x }).expect("evaluates");
        assert_eq!(got.into_vec::<i64>().expect("i64 stays i64"), expected, "{mode:?}");
    }
}
