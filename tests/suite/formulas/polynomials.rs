//! Relaxed mode against strict mode: its error bound, and no domain edge crossed.

use fuse::Mode;
use fuse_testkit::formulas::Family;

use super::{for_all, seeds};

/// Formulas of a run.
const FORMULAS: u64 = 1500;

/// Both modes err by at most γ·Σ|m|, γ = k·u / (1 - k·u), k the number of operations. So they differ
/// by at most twice that. Σ|m| is the formula's value with all signs made positive, itself computed
/// with a relative error that the factor 1.01 covers.
#[test]
fn relaxed_polynomials_stay_within_the_bound_of_their_monomials() {
    for_all(&seeds(FORMULAS), Family::Polynomial, |bench, subject| {
        let text = subject.tree.text();
        let written = text.replace("**3", "**2");
        // Strict mode has no cubes: both modes get the formula with squares there.
        let (strict, relaxed) = (
            bench.values(&written, subject, Mode::Strict)?,
            bench.values(&written, subject, Mode::Relaxed)?,
        );
        let magnitude = subject.tree.magnitude_text().replace("**3", "**2");
        let magnitude = bench.values(&magnitude, subject, Mode::Strict)?;
        let operations = (2 * subject.tree.len()) as f64;
        for (position, (&a, &b)) in strict.iter().zip(&relaxed).enumerate() {
            let bound = 1.01 * 2.0 * operations * (f64::EPSILON / 2.0) * magnitude[position];
            if !bound.is_finite() {
                continue;
            }
            // Products below the smallest normal number lose up to half of the smallest number each.
            let underflow = operations * f64::from_bits(2);
            if (a - b).abs() > bound + underflow {
                return Err(format!(
                    "element {position}: strict {a:e}, relaxed {b:e}, bound {bound:e}"
                ));
            }
        }
        Ok(())
    });
}

/// numerics.md, section 3: on inputs without overflow no element is finite in strict mode and NaN or
/// infinite in relaxed mode.
#[test]
fn relaxed_mode_makes_no_nan_and_no_infinity() {
    for_all(&seeds(FORMULAS), Family::Tame, |bench, subject| {
        let text = subject.tree.text();
        let strict = bench.values(&text, subject, Mode::Strict)?;
        let relaxed = bench.values(&text, subject, Mode::Relaxed)?;
        let broken = (0..strict.len()).find(|&i| strict[i].is_finite() && !relaxed[i].is_finite());
        broken.map_or(Ok(()), |i| {
            Err(format!("element {i}: strict {:e}, relaxed {:e}", strict[i], relaxed[i]))
        })
    });
}

/// Both modes on x, y, z as f64 vectors.
fn both_modes(formula: &str, x: &[f64], y: &[f64], z: &[f64]) -> [Vec<f64>; 2] {
    [Mode::Strict, Mode::Relaxed].map(|mode| {
        let engine = fuse::Engine::builder().mode(mode).build().expect("an engine");
        let vars = fuse::vars! { x, y, z };
        let array = engine.evaluate(formula, vars).expect("a formula of f64");
        array.into_vec::<f64>().expect("f64")
    })
}

/// A thousand quadratics with a double root: the discriminant must not become negative.
#[test]
fn the_quadratic_formula_holds_at_double_roots() {
    let mut random = fuse_testkit::Random::new(0xd0b1);
    let mut integer = |n: usize| random.below(n) as f64 - (n / 2) as f64;
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..1000 {
        // a = p^2, b = 2pq, c = q^2: exact in f64, hence b^2 - 4ac = 0 exactly.
        let (p, q) = (integer(9000) + 0.5, integer(9000) + 0.25);
        a.push(p * p);
        b.push(2.0 * p * q);
        c.push(q * q);
    }
    for values in both_modes("(-y + sqrt(y*y - 4*x*z)) / (2*x)", &a, &b, &c) {
        for (i, root) in values.iter().enumerate() {
            assert_eq!(*root, -b[i] / (2.0 * a[i]), "{} x^2 + {} x + {}", a[i], b[i], c[i]);
        }
    }
}

/// Products of full significands: rounding both alike gives 0, rounding one gives NaN half the time.
#[test]
fn the_difference_of_equal_squares_has_a_root() {
    let mut random = fuse_testkit::Random::new(5);
    let x: Vec<f64> =
        (0..1000).map(|_| f64::from_bits(random.moderate(fuse_ir::Lane::F64))).collect();
    for formula in ["sqrt(x*x - y*y)", "sqrt(x**2 - y**2)", "sqrt(x*y - y*x)", "(x*x - y*y)**0.5"] {
        for values in both_modes(formula, &x, &x, &x) {
            assert!(values.iter().all(|&value| value == 0.0), "{formula}");
        }
    }
}

#[test]
fn the_root_of_an_expanded_square_is_no_nan_that_strict_mode_has_not() {
    let x: Vec<f64> = (-5000..5000).map(|k| 1.0 + f64::from(k) * f64::EPSILON * 37.0).collect();
    for formula in ["sqrt(x**2 - 2*x + 1)", "sqrt(x*x - 2*x + 1)", "sqrt(1 - 2*x + x*x)"] {
        let [strict, relaxed] = both_modes(formula, &x, &x, &x);
        for (i, &x) in x.iter().enumerate() {
            assert!(!strict[i].is_finite() || relaxed[i].is_finite(), "{formula} at {x:e}");
        }
    }
}
